//! Attacks on the machine that grades: each succeeds without the sandbox, and fails with it.
//!
//! What counts is what can be seen from outside: a file that has changed, a process that is gone, a secret that came
//! through the pipe. Each layer is tried alone, too, so that none hides that another has stopped to work. The attacks
//! hurt nobody: their victims are made for them, their bombs are small, and what they start ends with its pipe.

mod table;
#[path = "../../../../confine/tests/support/unprivileged.rs"]
mod unprivileged;

use confine::Confinement;
use host::{Guest, Layers};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use table::{Attack, attacks};
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
    /// A limit of its open files.
    fn open_files_max(&self) -> u64 {
        let limits = fs::read_to_string(format!("/proc/{}/limits", self.child.id())).unwrap_or_default();
        let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
        files.split_whitespace().next().and_then(|most| most.parse().ok()).unwrap_or(0)
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
    /// A terminal's two ends; who has the second could type into it.
    terminal: [OwnedFd; 2],
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
        let terminal = terminal();
        Scene { dir, victim, about_victim, leaked, terminal, tcp, udp, unix, abstract_unix }
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
    /// No other scene is called so.
    fn name(&self) -> String {
        self.dir.path().file_name().expect("it has one").to_string_lossy().into_owned()
    }
    /// A key of shared memory and the like that no other scene has, as far as one can know.
    fn key(&self) -> i32 {
        i32::from_le_bytes(self.name().as_bytes()[..4].try_into().expect("long enough"))
            ^ self.victim.child.id().cast_signed()
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

/// A terminal, through which everything goes as it is. Its second end is left open to whoever is started.
fn terminal() -> [OwnedFd; 2] {
    let (mut first, mut second) = (0, 0);
    // SAFETY: room for two descriptors, which are then ours, and for what a terminal is set to.
    unsafe {
        let nothing = std::ptr::null_mut();
        assert_eq!(
            libc::openpty(&raw mut first, &raw mut second, nothing, nothing.cast(), nothing.cast()),
            0
        );
        libc::fcntl(first, libc::F_SETFD, libc::FD_CLOEXEC);
        let mut settings = std::mem::zeroed();
        libc::tcgetattr(second, &raw mut settings);
        libc::cfmakeraw(&raw mut settings);
        libc::tcsetattr(second, libc::TCSANOW, &raw const settings);
        [OwnedFd::from_raw_fd(first), OwnedFd::from_raw_fd(second)]
    }
}

/// Whether an attack succeeds upon who is started like this.
fn succeeds(attack: &Attack, start: impl FnOnce(&Scene) -> Child) -> bool {
    let scene = Scene::new();
    let order = [vec![attack.order().to_owned()], (attack.about)(&scene)].concat();
    let mut run = Run::new(start(&scene), &order);
    let succeeded = (attack.succeeded)(&scene, &mut run);
    run.end();
    succeeded
}
/// The attacker as a guest.
fn guest(layers: Layers) -> Child {
    Guest::new(&attacker(), layers).expect("it is there").start(false).expect("it starts")
}
/// The attacker where the compiler is, for the day on which a compiler can be made to run what it compiles.
fn compiler(scene: &Scene, layers: Layers) -> Child {
    let scratch = scene.path("scratch");
    fs::create_dir(&scratch).expect("a folder");
    let mut command = Command::new(attacker());
    command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let jail = Confinement::compiler(&[attacker()], &scratch, &[], layers).expect("it is there");
    jail.apply(&mut command);
    command.spawn().expect("it starts")
}

/// Tries an attack without layers, with all, and with each alone; says what comes of it, and what should not have.
fn set_upon(
    attack: &Attack,
    where_it_is: &str,
    stopped_by: &[&str],
    start: impl Fn(&Scene, Layers) -> Child,
    faults: &mut Vec<String>,
) {
    let mut fault = |what: String| faults.push(format!("{} {where_it_is}: {what}", attack.name));
    let succeeds = |layers| succeeds(attack, |scene| start(scene, layers));
    if !succeeds(NONE) {
        if attack.rare {
            say(attack, where_it_is, "not tried: this machine refuses it to everybody");
        } else {
            fault("does not even succeed without any layer".to_owned());
        }
        return;
    }
    let mut stop: Vec<&str> = Vec::new();
    for (name, layers) in ALONE {
        if !succeeds(layers) {
            stop.push(name);
        }
    }
    if stop != stopped_by {
        fault(format!("is stopped by {stop:?} alone, not by {stopped_by:?}"));
    }
    if succeeds(Layers::ALL) {
        fault("succeeds with all layers".to_owned());
    } else {
        say(attack, where_it_is, &format!("stopped by {}", stop.join(", or ")));
    }
}

#[test]
fn every_attack_succeeds_without_the_sandbox_and_fails_with_it() {
    let mut faults = Vec::new();
    for attack in attacks() {
        set_upon(&attack, "in a guest", attack.stopped_by, |_, layers| guest(layers), &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_compiler_that_ran_what_it_compiles_would_not_get_far() {
    let mut faults = Vec::new();
    for attack in attacks().into_iter().filter(|attack| !attack.jailed_by.is_empty()) {
        set_upon(&attack, "in the jail", attack.jailed_by, compiler, &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn nobody_leaves_the_compiler_s_group() {
    let outlives = |layers| {
        let scene = Scene::new();
        let mut run = Run::new(compiler(&scene, layers), &["become-a-daemon".to_owned()]);
        let group = rustix::process::Pid::from_child(&run.child);
        assert!(run.left_somebody(), "there is no daemon to be killed");
        // there is none any more if the daemon has left it
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let outlives = run.left_somebody();
        run.end();
        outlives
    };
    assert!(outlives(NONE) && outlives(FILES));
    assert!(!outlives(CALLS) && !outlives(Layers::ALL));
}

#[expect(clippy::print_stdout, reason = "what is tried, and what cannot be tried here, is to be seen")]
fn say(attack: &Attack, where_it_is: &str, found: &str) {
    println!("{:<32} {where_it_is:<12} {found}", attack.name);
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

/// By nothing of it could a node tell one check from another, or learn what the harness knows.
#[test]
fn a_guest_has_one_name_and_no_environment() {
    for layers in ALONE.map(|(_, layers)| layers).into_iter().chain([NONE, Layers::ALL]) {
        let run = Run::new(guest(layers), &["hash-map".to_owned()]);
        let of = |file: &str| fs::read(format!("/proc/{}/{file}", run.child.id())).expect("it waits");
        assert_eq!((of("cmdline"), of("environ")), (b"lane\0".to_vec(), Vec::new()));
        run.end();
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
    let Some(nobody) = unprivileged::Nobody::new() else { return };
    let attacker = nobody.copy(&attacker(), "attacker");
    nobody.runs("attacks::", "root_or_not", "/usr/bin:/bin", &[("ATTACKER", attacker)]);
}
