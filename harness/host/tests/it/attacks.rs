//! Attacks on the machine that grades: each succeeds without the sandbox, and fails with it.
//!
//! What counts is what can be seen from outside: a file that has changed, a process that is gone, a secret that came
//! through the pipe. Each layer is tried alone, too, so that none hides that another has stopped to work. The attacks
//! hurt nobody: their victims are made for them, their bombs are small, and what they start ends with its pipe.

use host::{Guest, Layers};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const TRIED: &[u8] = b"\n--tried--\n";
/// What must not get out.
const SECRET: &str = "the canary of the hidden tests";
const VICTIMS_MIND: &str = "mind-of-a-victim";
/// Nothing here takes that long.
const PATIENCE: Duration = Duration::from_secs(10);
/// What happens at once is seen within this time.
const SOON: Duration = Duration::from_millis(500);
/// How often a guest is looked at that says nothing.
const LOOK: Duration = Duration::from_millis(10);
/// A key of shared memory that nobody else has.
const SEGMENT: i32 = 0x0fa0_1711;

const NONE: Layers = Layers::NONE;
const FILES: Layers = Layers { files: true, ..NONE };
const CALLS: Layers = Layers { calls: true, ..NONE };
const LIMITS: Layers = Layers { limits: true, ..NONE };
const TIES: Layers = Layers { ties: true, ..NONE };
const ALONE: [(&str, Layers); 4] = [("files", FILES), ("calls", CALLS), ("limits", LIMITS), ("ties", TIES)];

/// The program that attacks; the one that this test was started with, where that was by [`as_somebody_else`].
fn attacker() -> PathBuf {
    std::env::var_os("ATTACKER").map_or_else(|| env!("CARGO_BIN_EXE_attacker").into(), PathBuf::from)
}

/// A guest that has been given an order.
struct Run {
    child: Child,
    said: Vec<u8>,
    /// It says so, and waits.
    tried: bool,
}
impl Run {
    fn new(child: Child, order: &[String]) -> Run {
        let mut stdin = child.stdin.as_ref().expect("piped");
        // one that is ended at once does not read it
        let _ = stdin.write_all(format!("{}\n", order.join("\u{1f}")).as_bytes());
        let mut run = Run { child, said: Vec::new(), tried: false };
        run.listen();
        run
    }
    fn listen(&mut self) {
        let mut stdout = self.child.stdout.take().expect("piped");
        let mut chunk = vec![0; 1 << 16];
        let begun = Instant::now();
        while !self.tried && begun.elapsed() < PATIENCE {
            let ended = self.child.try_wait().expect("a child").is_some();
            if !readable(&stdout, LOOK) {
                if ended {
                    break; // others hold its pipe
                }
                continue;
            }
            let many = stdout.read(&mut chunk).expect("a pipe");
            if many == 0 {
                break;
            }
            self.said.extend_from_slice(&chunk[..many]);
            if self.said.ends_with(TRIED) {
                self.said.truncate(self.said.len() - TRIED.len());
                self.tried = true;
            }
        }
        self.child.stdout = Some(stdout);
    }
    fn says(&self, what: &str) -> bool {
        self.said.windows(what.len()).any(|said| said == what.as_bytes())
    }
    fn status(&self) -> String {
        fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default()
    }
    /// A line of its status: a number.
    fn number(&self, name: &str) -> u64 {
        let status = self.status();
        let line =
            status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
        line.unwrap_or(0)
    }
    /// Whether it has this open.
    fn has_open(&self, what: &str) -> bool {
        let descriptors =
            fs::read_dir(format!("/proc/{}/fd", self.child.id())).into_iter().flatten().flatten();
        descriptors
            .filter_map(|entry| fs::read_link(entry.path()).ok())
            .any(|to| to.to_string_lossy().contains(what))
    }
    /// Whether somebody has its pipe when it is gone.
    fn left_somebody(&mut self) -> bool {
        if self.tried {
            return false;
        }
        // `wait` would close its input, and end whom it left
        assert!(self.child.try_wait().expect("a child").is_some(), "it neither says a word nor ends");
        let stdout = self.child.stdout.as_ref().expect("piped");
        !readable(stdout, SOON / 10) // the end of it can be read when nobody is left
    }
    fn end(mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            if begun.elapsed() > PATIENCE {
                self.child.kill().expect("ours");
            }
            std::thread::yield_now();
        }
    }
}

fn readable(pipe: &impl AsRawFd, patience: Duration) -> bool {
    let mut polled = libc::pollfd { fd: pipe.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let patience = i32::try_from(patience.as_millis()).expect("short");
    // SAFETY: one entry.
    unsafe { libc::poll(&raw mut polled, 1, patience) == 1 }
}

/// Whom a guest attacks: files, a process, sockets.
struct Scene {
    dir: TempDir,
    victim: Run,
    /// Where the victim keeps its mind, and which descriptor of it leads to the hidden file.
    about_victim: Vec<String>,
    leaked: File,
    tcp: TcpListener,
    udp: UdpSocket,
    unix: UnixListener,
    abstract_unix: UnixListener,
}
impl Scene {
    fn new() -> Scene {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("hidden")).expect("a folder");
        fs::write(dir.path().join("hidden/tests.rs"), SECRET).expect("a file");
        fs::write(dir.path().join("progress"), "0 XP").expect("a file");
        let hidden = dir.path().join("hidden/tests.rs").display().to_string();
        let victim = Command::new(attacker())
            .env("SECRET", SECRET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a victim");
        let victim = Run::new(victim, &["victim".to_owned(), hidden]);
        let said = String::from_utf8_lossy(&victim.said).into_owned();
        let about_victim =
            [victim.child.id().to_string()].into_iter().chain(said.split(' ').map(str::to_owned)).collect();
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let unix = UnixListener::bind(dir.path().join("socket")).expect("a socket");
        let name = SocketAddr::from_abstract_name(dir.path().as_os_str().as_encoded_bytes()).expect("short");
        let abstract_unix = UnixListener::bind_addr(&name).expect("a socket");
        tcp.set_nonblocking(true).expect("a socket");
        udp.set_nonblocking(true).expect("a socket");
        unix.set_nonblocking(true).expect("a socket");
        abstract_unix.set_nonblocking(true).expect("a socket");
        // What a teacher's shell leaves open.
        let leaked = File::open(dir.path().join("hidden/tests.rs")).expect("a file");
        // SAFETY: a descriptor of our own.
        unsafe { libc::fcntl(leaked.as_raw_fd(), libc::F_SETFD, 0) };
        Scene { dir, victim, about_victim, leaked, tcp, udp, unix, abstract_unix }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    fn progress(&self) -> String {
        fs::read_to_string(self.path("progress")).unwrap_or_default()
    }
    fn victim_is_gone(&self) -> bool {
        let begun = Instant::now();
        // a process that is killed is a zombie until it is waited for
        while begun.elapsed() < SOON {
            let status = self.victim.status();
            if status.is_empty() || status.contains("\nState:\tZ") {
                return true;
            }
            if self.victim.number("SigPnd:") == 0
                && self.victim.number("ShdPnd:") == 0
                && begun.elapsed() > SOON / 5
            {
                return false;
            }
            std::thread::yield_now();
        }
        false
    }
    fn hidden(&self) -> Vec<String> {
        vec![self.path("hidden/tests.rs").display().to_string()]
    }
    fn mine(&self) -> Vec<String> {
        vec![self.path("progress").display().to_string()]
    }
}
impl Drop for Scene {
    fn drop(&mut self) {
        let _ = self.victim.child.kill();
        let _ = self.victim.child.wait();
    }
}

type About = fn(&Scene) -> Vec<String>;
type Succeeded = fn(&Scene, &mut Run) -> bool;
struct Attack {
    name: &'static str,
    /// What it is told.
    about: About,
    succeeded: Succeeded,
    /// The layers that stop it alone.
    stopped_by: &'static [&'static str],
    /// Kernels and containers refuse it to everybody: then there is nothing to see.
    rare: bool,
}

fn attacks() -> Vec<Attack> {
    let nothing: About = |_| Vec::new();
    let victim: About = |scene| scene.about_victim.clone();
    let killed: Succeeded = |scene, _| scene.victim_is_gone();
    let told: Succeeded = |_, run| run.says(SECRET);
    let changed: Succeeded = |scene, _| scene.progress() != "0 XP";
    let planted: Succeeded = |scene, _| scene.path("progress.new").symlink_metadata().is_ok();
    let left_somebody: Succeeded = |_, run| run.left_somebody();
    let ran: Succeeded = |_, run| run.says("a shell was here");
    let attack =
        |name, about, succeeded, stopped_by| Attack { name, about, succeeded, stopped_by, rare: false };
    let rare = |name, about, succeeded, stopped_by| Attack { name, about, succeeded, stopped_by, rare: true };
    let both: &[&str] = &["files", "calls"];
    let calls: &[&str] = &["calls"];
    let all = vec![
        attack("read-a-file", (|scene| scene.hidden()) as About, told, &["files"][..]),
        attack(
            "list-a-folder",
            |scene| vec![scene.path("hidden").display().to_string()],
            |_, run| run.says("tests.rs"),
            both,
        ),
        attack("overwrite-a-file", |scene| scene.mine(), changed, both),
        attack("append-to-a-file", |scene| scene.mine(), changed, &["files", "calls", "limits"]),
        attack("truncate-a-file", |scene| scene.mine(), changed, both),
        attack("truncate-by-reading", |scene| scene.mine(), changed, both),
        attack("delete-a-file", |scene| scene.mine(), changed, both),
        attack("rename-a-file", |scene| scene.mine(), changed, both),
        attack("link-a-file", |scene| scene.mine(), planted, both),
        attack("plant-a-symlink", |scene| scene.mine(), planted, both),
        attack(
            "fill-the-disk",
            |scene| scene.mine(),
            |scene, _| fs::metadata(scene.path("progress.new")).is_ok_and(|of| of.len() > 0),
            &["files", "calls", "limits"],
        ),
        attack(
            "change-permissions",
            |scene| scene.mine(),
            |scene, _| fs::metadata(scene.path("progress")).is_ok_and(|of| of.mode() & 0o777 == 0o777),
            calls,
        ),
        attack(
            "change-times",
            |scene| scene.mine(),
            |scene, _| fs::metadata(scene.path("progress")).is_ok_and(|of| of.mtime() == 1),
            calls,
        ),
        attack(
            "use-a-leaked-descriptor",
            |scene| vec![scene.leaked.as_raw_fd().to_string()],
            told,
            &["ties"],
        ),
        attack(
            "read-an-environment",
            |scene| vec![format!("/proc/{}/environ", scene.victim.child.id())],
            told,
            &["files"],
        ),
        attack("change-its-own-constants", nothing, |_, run| run.says("XXXX"), both),
        attack("read-its-memory", victim, |_, run| run.says(VICTIMS_MIND), both),
        attack("trace-it", victim, killed, both),
        attack("take-its-descriptor", victim, told, both),
        attack("kill-it", victim, killed, both),
        attack("kill-its-thread", victim, killed, both),
        attack("have-it-killed", victim, killed, both),
        #[cfg(target_arch = "x86_64")]
        rare("kill-it-by-a-32-bit-call", victim, killed, both),
        #[cfg(target_arch = "x86_64")]
        rare("kill-it-by-an-x32-call", victim, killed, both),
        attack("fork", nothing, left_somebody, calls),
        attack("fork-many", nothing, left_somebody, calls),
        attack("clone", nothing, left_somebody, calls),
        rare("clone-by-struct", nothing, left_somebody, calls),
        attack("become-a-daemon", nothing, left_somebody, calls),
        attack("start-a-thread", nothing, |_, run| run.number("Threads:") > 1, calls),
        attack("allocate-too-much", nothing, |_, run| run.number("VmSize:") > 700 << 10, &["limits"]),
        attack("share-too-much", nothing, |_, run| run.number("VmSize:") > 700 << 10, calls),
        attack("hide-a-file-in-memory", nothing, |_, run| run.has_open("memfd:"), calls),
        attack("run-a-shell", nothing, ran, both),
        attack("run-by-the-loader", nothing, ran, both),
        attack("run-from-memory", nothing, ran, &["files", "calls", "limits"]),
        attack(
            "connect",
            |scene| vec![scene.tcp.local_addr().expect("bound").port().to_string()],
            |scene, _| scene.tcp.accept().is_ok(),
            both,
        ),
        attack(
            "listen",
            nothing,
            |_, run| {
                let port = String::from_utf8_lossy(&run.said).parse::<u16>();
                port.is_ok_and(|port| TcpStream::connect(("127.0.0.1", port)).is_ok())
            },
            both,
        ),
        attack(
            "send-a-datagram",
            |scene| vec![scene.udp.local_addr().expect("bound").port().to_string()],
            |scene, _| scene.udp.recv(&mut [0; 8]).is_ok(),
            calls,
        ),
        attack(
            "connect-by-name",
            |scene| vec![scene.path("socket").display().to_string()],
            |scene, _| scene.unix.accept().is_ok(),
            calls,
        ),
        attack(
            "connect-by-abstract-name",
            |scene| vec![scene.dir.path().display().to_string()],
            |scene, _| scene.abstract_unix.accept().is_ok(),
            both,
        ),
        attack("make-a-pair-of-sockets", nothing, |_, run| run.has_open("socket:"), calls),
        attack("ask-the-kernel-by-netlink", nothing, |_, run| run.has_open("socket:"), calls),
        rare("queue-calls", nothing, |_, run| run.has_open("io_uring"), calls),
        rare("share-a-segment", |_| vec![SEGMENT.to_string()], |_, _| segment_is_removed(), calls),
        attack(
            "raise-a-limit",
            nothing,
            |_, run| {
                let limits =
                    fs::read_to_string(format!("/proc/{}/limits", run.child.id())).unwrap_or_default();
                let files =
                    limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
                files.split_whitespace().any(|word| word == "7")
            },
            calls,
        ),
        rare("unshare", nothing, |_, run| has_own_namespace(run.child.id()), calls),
    ];
    all
}

/// A process that is gone has none.
fn has_own_namespace(pid: u32) -> bool {
    let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/user")).ok();
    of(&pid.to_string()).is_some_and(|theirs| Some(theirs) != of("self"))
}

/// Whether there was a segment of shared memory with that key; there is none any more.
fn segment_is_removed() -> bool {
    // SAFETY: no memory is involved.
    unsafe {
        let segment = libc::shmget(SEGMENT, 0, 0);
        segment >= 0 && libc::shmctl(segment, libc::IPC_RMID, std::ptr::null_mut()) == 0
    }
}

/// Whether an attack succeeds under these layers.
fn succeeds(attack: &Attack, layers: Layers) -> bool {
    let scene = Scene::new();
    let guest = Guest::new(&attacker(), layers).expect("it is there");
    let order = [vec![attack.name.to_owned()], (attack.about)(&scene)].concat();
    let mut run = Run::new(guest.start(false).expect("it starts"), &order);
    let succeeded = (attack.succeeded)(&scene, &mut run);
    run.end();
    succeeded
}

#[test]
fn every_attack_succeeds_without_the_sandbox_and_fails_with_it() {
    let mut faults = Vec::new();
    for attack in attacks() {
        if !succeeds(&attack, NONE) {
            if attack.rare {
                say_skipped(attack.name);
            } else {
                faults.push(format!("{} does not even succeed without the sandbox", attack.name));
            }
            continue;
        }
        if succeeds(&attack, Layers::ALL) {
            faults.push(format!("{} succeeds with the sandbox", attack.name));
        }
        for (name, layers) in ALONE {
            let expected = attack.stopped_by.contains(&name);
            if succeeds(&attack, layers) == expected {
                let verb = if expected { "does not stop" } else { "stops" };
                faults.push(format!("{name} alone {verb} {}", attack.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
#[expect(clippy::print_stderr, reason = "what is not tested here must not pass for tested")]
fn say_skipped(name: &str) {
    eprintln!("{name}: not tried with the sandbox, for this machine refuses it to everybody");
}

#[test]
fn nobody_outlives_who_started_it() {
    let gone = |layers, order: &str| {
        let order = [order.to_owned()];
        let guest = Guest::new(&attacker(), layers).expect("it is there");
        let run = std::thread::spawn(move || Run::new(guest.start(false).expect("it starts"), &order));
        let mut run = run.join().expect("no panic");
        assert!(run.tried);
        let begun = Instant::now();
        while begun.elapsed() < SOON {
            if run.child.try_wait().expect("a child").is_some() {
                return true;
            }
        }
        run.end();
        false
    };
    assert!(!gone(NONE, "outlive-the-harness"));
    assert!(gone(TIES, "outlive-the-harness") && gone(Layers::ALL, "outlive-the-harness"));
    // and it cannot change its mind about it
    assert!(!gone(TIES, "survive-its-parent") && gone(Layers::ALL, "survive-its-parent"));
}

#[test]
fn an_honest_guest_notices_nothing() {
    for (name, layers) in ALONE.into_iter().chain([("none", NONE), ("all", Layers::ALL)]) {
        let guest = Guest::new(&attacker(), layers).expect("it is there");
        let run = |order: &str| Run::new(guest.start(false).expect("it starts"), &[order.to_owned()]);
        for (order, answer) in [("hash-map", "1000"), ("clocks", "slept: true"), ("allocate", "104857600")] {
            let run = run(order);
            assert_eq!(String::from_utf8_lossy(&run.said), answer, "{name}");
            assert!(run.end().success(), "{order} under {name}");
        }
        assert_eq!(run("megabyte").said.len(), 1 << 20, "{name}");
        assert_eq!(run("panic").end().code(), Some(101), "{name}");
        assert_eq!(run("abort").end().signal(), Some(libc::SIGABRT), "{name}");
        assert_eq!(run("leave").end().code(), Some(7), "{name}");
    }
}

#[test]
fn a_program_that_is_not_there_is_the_harness_s_fault() {
    let error = Guest::new(Path::new("/no/such/guest"), Layers::ALL).expect_err("it is not there");
    assert!(error.to_string().contains("cannot start the guest /no/such/guest"), "{error}");
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("guest");
    fs::write(&path, "no program").expect("a file");
    let error =
        Guest::new(&path, Layers::ALL).expect("it is there").start(false).expect_err("it is no program");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

/// The tests above once more, without the privileges of root.
#[test]
fn root_or_not_makes_no_difference() {
    const NOBODY: u32 = 65_534;
    // SAFETY: it only asks.
    if unsafe { libc::geteuid() } != 0 {
        return; // what ran above ran without
    }
    let dir = tempfile::tempdir().expect("a folder");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).expect("ours");
    let copy = |from: &Path, name: &str| {
        let to = dir.path().join(name);
        fs::copy(from, &to).expect("a copy");
        to
    };
    let tests = copy(&std::env::current_exe().expect("a path"), "tests");
    let attacker = copy(&attacker(), "attacker");
    let mut again = Command::new(tests);
    again.args(["attacks::", "--skip", "root_or_not"]).env_clear().env("ATTACKER", attacker);
    again.env("TMPDIR", dir.path()).current_dir("/").uid(NOBODY).gid(NOBODY);
    let ran = again.output().expect("it runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success() && said.contains("4 passed"),
        "{said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
