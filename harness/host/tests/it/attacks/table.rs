//! The attacks: what the attacker is told, how it is seen from outside that it succeeded, and what stops it.

use super::{Run, SECRET, Scene, VICTIMS_MIND};
use std::ffi::CString;
use std::fs;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

type About = fn(&Scene) -> Vec<String>;
type Succeeded = fn(&Scene, &mut Run) -> bool;
pub(super) struct Attack {
    /// Its first word is the order that the attacker gets.
    pub(super) name: &'static str,
    /// What it is told.
    pub(super) about: About,
    pub(super) succeeded: Succeeded,
    /// The layers that stop it alone.
    pub(super) stopped_by: &'static [&'static str],
    /// Those that do where the compiler is. None where a compiler may do this, or does it to nobody but itself.
    pub(super) jailed_by: &'static [&'static str],
    /// Some kernels, containers and users are refused it anyway: then there is nothing to see.
    pub(super) rare: bool,
}
impl Attack {
    pub(super) fn order(&self) -> &'static str {
        self.name.split(' ').next().unwrap_or_default()
    }
    fn jailed_by(self, jailed_by: &'static [&'static str]) -> Attack {
        Attack { jailed_by, ..self }
    }
    fn rare(self) -> Attack {
        Attack { rare: true, ..self }
    }
}

const FILES: &[&str] = &["files"];
const CALLS: &[&str] = &["calls"];
const TIES: &[&str] = &["ties"];
const FILES_CALLS: &[&str] = &["files", "calls"];
/// Those that refuse to write a file.
const WRITING: &[&str] = &["files", "calls", "limits"];

pub(super) fn attacks() -> Vec<Attack> {
    let attack = |name, about, succeeded, stopped_by| Attack {
        name,
        about,
        succeeded,
        stopped_by,
        jailed_by: &[],
        rare: false,
    };
    [files(&attack), processes(&attack), resources(&attack), sockets(&attack), kernel(&attack)]
        .into_iter()
        .flatten()
        .collect()
}
type Row<'a> = &'a dyn Fn(&'static str, About, Succeeded, &'static [&'static str]) -> Attack;

const NOTHING: About = |_| Vec::new();
const HIDDEN: About = |scene| scene.hidden();
const MINE: About = |scene| scene.mine();
const VICTIM: About = |scene| scene.about_victim.clone();
const TOLD: Succeeded = |_, run| run.says(SECRET);
const CHANGED: Succeeded = |scene, _| scene.progress() != "0 XP";
const PLANTED: Succeeded = |scene, _| scene.path("progress.new").symlink_metadata().is_ok();
const MEASURED: Succeeded = |_, run| run.says(&format!("{} bytes", SECRET.len()));
const KILLED: Succeeded = |scene, _| scene.victim_is_gone();
const LEFT_SOMEBODY: Succeeded = |_, run| run.left_somebody();
const RAN: Succeeded = |_, run| run.says("a shell was here");
const GREW: Succeeded = |_, run| run.number("VmSize:") > 700 << 10;
const HAS_A_SOCKET: Succeeded = |_, run| run.has_open("socket:");

/// Files of the harness: tests, progress, programs.
fn files(attack: Row<'_>) -> Vec<Attack> {
    let folder: About = |scene| vec![scene.path("hidden").display().to_string()];
    vec![
        attack("read-a-file", HIDDEN, TOLD, FILES).jailed_by(FILES),
        attack(
            "read-a-file of the system",
            |_| vec!["/etc/passwd".into()],
            |_, run| run.says("root:"),
            FILES,
        )
        .jailed_by(FILES),
        attack("read-before-main", NOTHING, |_, run| run.says("read it"), FILES).jailed_by(FILES),
        attack("list-a-folder", folder, |_, run| run.says("tests.rs"), FILES_CALLS).jailed_by(FILES),
        attack("measure-a-file", HIDDEN, MEASURED, CALLS),
        attack("measure-a-name", HIDDEN, MEASURED, CALLS),
        attack("overwrite-a-file", MINE, CHANGED, FILES_CALLS).jailed_by(FILES),
        attack("append-to-a-file", MINE, CHANGED, WRITING).jailed_by(FILES),
        attack("truncate-a-file", MINE, CHANGED, FILES_CALLS).jailed_by(FILES),
        attack("truncate-by-reading", MINE, CHANGED, FILES_CALLS).jailed_by(FILES),
        attack("delete-a-file", MINE, CHANGED, FILES_CALLS).jailed_by(FILES),
        attack("rename-a-file", MINE, CHANGED, FILES_CALLS).jailed_by(FILES),
        attack("link-a-file", MINE, PLANTED, FILES_CALLS).jailed_by(FILES),
        attack("plant-a-symlink", MINE, PLANTED, FILES_CALLS).jailed_by(FILES),
        attack(
            "fill-the-disk",
            MINE,
            |scene, _| fs::metadata(scene.path("progress.new")).is_ok_and(|of| of.len() > 0),
            WRITING,
        )
        .jailed_by(FILES),
        attack(
            "fill-the-disk of shared memory",
            |scene| vec![format!("/dev/shm/{}", scene.name())],
            |scene, _| {
                let file = format!("/dev/shm/{}.new", scene.name());
                let filled = fs::metadata(&file).is_ok_and(|of| of.len() > 0);
                let _ = fs::remove_file(file);
                filled
            },
            WRITING,
        )
        .jailed_by(FILES),
        attack(
            "change-permissions",
            MINE,
            |scene, _| fs::metadata(scene.path("progress")).is_ok_and(|of| of.mode() & 0o777 == 0o777),
            CALLS,
        ),
        attack(
            "change-times",
            MINE,
            |scene, _| fs::metadata(scene.path("progress")).is_ok_and(|of| of.mtime() == 1),
            CALLS,
        ),
        attack(
            "change-owner",
            MINE,
            |scene, _| fs::metadata(scene.path("progress")).is_ok_and(|of| of.uid() == 1),
            CALLS,
        )
        .rare(),
        attack(
            "set-an-attribute",
            |scene| [scene.mine(), vec!["user.forged".to_owned()]].concat(),
            |scene, _| has_attribute(&scene.path("progress"), c"user.forged"),
            CALLS,
        )
        .rare(),
        attack(
            "replace-its-program",
            |scene| {
                let program = scene.path("program");
                fs::write(&program, "program").expect("a file");
                fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
                vec![program.display().to_string()]
            },
            |scene, _| fs::read(scene.path("program")).is_ok_and(|program| program != b"program"),
            FILES_CALLS,
        )
        .jailed_by(FILES),
        attack("change-its-own-constants", NOTHING, |_, run| run.says("XXXX"), FILES_CALLS).jailed_by(FILES),
        attack("use-a-leaked-descriptor", |scene| vec![scene.leaked.as_raw_fd().to_string()], TOLD, TIES)
            .jailed_by(TIES),
        attack(
            "type-into-the-terminal",
            |scene| vec![scene.terminal[1].as_raw_fd().to_string()],
            |scene, _| typed(&scene.terminal[1]) > 0,
            &["calls", "ties"],
        )
        .jailed_by(TIES)
        .rare(),
        attack("lock-a-library", |_| vec![library()], |_, run| is_locking(run.child.id()), CALLS),
        attack("change-the-root", folder, |_, run| has_own_root(run.child.id()), CALLS)
            .jailed_by(CALLS)
            .rare(),
        attack("mount-over", folder, |scene, _| was_mounted(&scene.path("hidden")), FILES_CALLS)
            .jailed_by(FILES_CALLS)
            .rare(),
    ]
}
fn has_attribute(file: &Path, name: &std::ffi::CStr) -> bool {
    let file = CString::new(file.as_os_str().as_encoded_bytes()).expect("no zero in it");
    // SAFETY: strings that end in 0, and no room.
    unsafe { libc::getxattr(file.as_ptr(), name.as_ptr(), std::ptr::null_mut(), 0) > 0 }
}
/// Bytes that wait to be read from a terminal.
fn typed(terminal: &impl AsRawFd) -> i32 {
    let mut waiting = 0;
    // SAFETY: room for a number.
    unsafe { libc::ioctl(terminal.as_raw_fd(), libc::FIONREAD, &raw mut waiting) };
    waiting
}
/// A library that every program uses.
fn library() -> String {
    let maps = fs::read_to_string("/proc/self/maps").expect("there is a map");
    let library =
        maps.lines().filter_map(|line| line.split_whitespace().nth(5)).find(|path| path.contains("/libc"));
    library.expect("it uses libc").to_owned()
}
fn is_locking(pid: u32) -> bool {
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    locks.lines().any(|lock| lock.split_whitespace().nth(4) == Some(&pid.to_string()))
}
fn has_own_root(pid: u32) -> bool {
    fs::read_link(format!("/proc/{pid}/root")).is_ok_and(|root| root != Path::new("/"))
}
/// Whether something was mounted there; it is not any more.
fn was_mounted(folder: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mounted = mounts.lines().any(|line| line.split_whitespace().nth(4).map(Path::new) == Some(folder));
    if mounted {
        let folder = CString::new(folder.as_os_str().as_encoded_bytes()).expect("no zero in it");
        // SAFETY: a string that ends in 0.
        assert_eq!(unsafe { libc::umount2(folder.as_ptr(), libc::MNT_DETACH) }, 0);
    }
    mounted
}

/// Other processes: their memory, their secrets, their lives; and new ones.
fn processes(attack: Row<'_>) -> Vec<Attack> {
    let environment: About = |scene| vec![format!("/proc/{}/environ", scene.victim.child.id())];
    let told_its_mind: Succeeded = |_, run| run.says(VICTIMS_MIND);
    vec![
        attack("read-a-file of its environment", environment, TOLD, FILES).jailed_by(FILES),
        attack("read-its-map", VICTIM, |_, run| run.says("[stack]"), FILES).jailed_by(FILES),
        attack("read-its-memory-as-a-file", VICTIM, told_its_mind, FILES).jailed_by(FILES),
        attack("open-its-descriptor", VICTIM, TOLD, FILES).jailed_by(FILES),
        attack("find-its-program", VICTIM, |_, run| run.says("attacker"), FILES_CALLS).jailed_by(FILES),
        attack("read-its-memory", VICTIM, told_its_mind, FILES_CALLS).jailed_by(FILES_CALLS),
        attack("trace-it", VICTIM, KILLED, FILES_CALLS).jailed_by(FILES_CALLS),
        attack("take-its-descriptor", VICTIM, TOLD, FILES_CALLS).jailed_by(FILES_CALLS),
        attack("limit-it", VICTIM, |scene, _| scene.victim.open_files_max() == 7, CALLS),
        attack("kill-it", VICTIM, KILLED, FILES_CALLS).jailed_by(FILES),
        attack("kill-its-thread", VICTIM, KILLED, FILES_CALLS).jailed_by(FILES),
        attack("have-it-killed", VICTIM, KILLED, FILES_CALLS).jailed_by(FILES),
        #[cfg(target_arch = "x86_64")]
        attack("kill-it-by-a-32-bit-call", VICTIM, KILLED, FILES_CALLS).jailed_by(FILES_CALLS).rare(),
        #[cfg(target_arch = "x86_64")]
        attack("kill-it-by-an-x32-call", VICTIM, KILLED, FILES_CALLS).rare(),
        attack("fork", NOTHING, LEFT_SOMEBODY, CALLS),
        attack("fork-many", NOTHING, LEFT_SOMEBODY, CALLS),
        attack("clone", NOTHING, LEFT_SOMEBODY, CALLS),
        attack("clone-by-struct", NOTHING, LEFT_SOMEBODY, CALLS).jailed_by(CALLS).rare(),
        attack("become-a-daemon", NOTHING, LEFT_SOMEBODY, CALLS),
        attack("start-a-thread", NOTHING, |_, run| run.number("Threads:") > 1, CALLS),
        attack("run-a-shell", NOTHING, RAN, FILES_CALLS),
        attack("run-by-the-loader", NOTHING, RAN, FILES_CALLS),
        attack("run-by-another-call", NOTHING, RAN, FILES_CALLS).jailed_by(CALLS),
        attack("run-from-memory", NOTHING, RAN, WRITING).jailed_by(CALLS),
    ]
}

/// What there is only so much of, and what is given to everybody.
fn resources(attack: Row<'_>) -> Vec<Attack> {
    let key: About = |scene| vec![scene.key().to_string()];
    let name: About = |scene| vec![scene.name()];
    vec![
        attack("allocate-on-the-heap", NOTHING, GREW, &["limits"]),
        attack("allocate-too-much", NOTHING, GREW, &["limits"]),
        attack("share-too-much", NOTHING, GREW, CALLS),
        attack("hide-a-file-in-memory", NOTHING, |_, run| run.has_open("memfd:"), CALLS).jailed_by(CALLS),
        attack("share-a-segment", key, |scene, _| segment_is_removed(scene.key()), CALLS)
            .jailed_by(CALLS)
            .rare(),
        attack("share-a-semaphore", key, |scene, _| semaphore_is_removed(scene.key()), CALLS)
            .jailed_by(CALLS)
            .rare(),
        attack("share-a-queue", key, |scene, _| queue_is_removed(scene.key()), CALLS).jailed_by(CALLS).rare(),
        attack(
            "share-a-named-queue",
            |scene| vec![format!("/{}", scene.name())],
            |scene, _| {
                let name = CString::new(format!("/{}", scene.name())).expect("no zero in it");
                // SAFETY: a string that ends in 0.
                unsafe { libc::mq_unlink(name.as_ptr()) == 0 }
            },
            CALLS,
        )
        .jailed_by(CALLS)
        .rare(),
        attack("leave-a-key", name, |scene, _| key_is_removed(&scene.name()), CALLS).jailed_by(CALLS).rare(),
        attack("raise-a-limit", NOTHING, |_, run| run.open_files_max() == 7, CALLS),
        attack("map-where-names-are", NOTHING, HAS_MAPPED_NAMES, CALLS),
        attack("grow-to-where-names-are", NOTHING, HAS_MAPPED_NAMES, CALLS),
        attack("grow-down-to-where-names-are", NOTHING, HAS_MAPPED_NAMES, CALLS),
        attack("change-cores", NOTHING, |_, run| is_elsewhere(run), CALLS).rare(),
        attack("change-its-priority", NOTHING, |_, run| is_elsewhere(run), CALLS).rare(),
    ]
}
/// Whether it has memory where names of programs lie, which a filter would then take for that of the one it may run.
const HAS_MAPPED_NAMES: Succeeded = |_, run| {
    const ZONE: std::ops::Range<u64> = 0x10_0000_0000..0x11_0000_0000;
    let maps = fs::read_to_string(format!("/proc/{}/maps", run.child.id())).unwrap_or_default();
    maps.lines().any(|line| {
        let (begin, rest) = line.split_once('-').unwrap_or_default();
        let end = rest.split(' ').next().unwrap_or_default();
        let number = |text| u64::from_str_radix(text, 16).unwrap_or(0);
        number(begin) < ZONE.end && number(end) > ZONE.start
    })
};
/// The cores that a process may run on, and how nice it is.
fn place(pid: &str) -> Option<(String, String)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed:"))?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let nice = stat.rsplit_once(')')?.1.split_whitespace().nth(16)?;
    Some((cores.to_owned(), nice.to_owned()))
}
fn is_elsewhere(run: &Run) -> bool {
    let its = place(&run.child.id().to_string());
    its.is_some() && its != place("self")
}
/// Whether there was a segment of shared memory with that key; there is none any more. So below.
fn segment_is_removed(key: i32) -> bool {
    // SAFETY: no memory is involved.
    unsafe {
        let segment = libc::shmget(key, 0, 0);
        segment >= 0 && libc::shmctl(segment, libc::IPC_RMID, std::ptr::null_mut()) == 0
    }
}
fn semaphore_is_removed(key: i32) -> bool {
    // SAFETY: no memory is involved.
    unsafe {
        let set = libc::semget(key, 0, 0);
        set >= 0 && libc::semctl(set, 0, libc::IPC_RMID) == 0
    }
}
fn queue_is_removed(key: i32) -> bool {
    // SAFETY: no memory is involved.
    unsafe {
        let queue = libc::msgget(key, 0);
        queue >= 0 && libc::msgctl(queue, libc::IPC_RMID, std::ptr::null_mut()) == 0
    }
}
fn key_is_removed(name: &str) -> bool {
    const USER_KEYRING: libc::c_long = -4;
    const SEARCH: libc::c_long = 10;
    const INVALIDATE: libc::c_long = 21;
    let name = CString::new(name).expect("no zero in it");
    // SAFETY: strings that end in 0.
    unsafe {
        let key = libc::syscall(libc::SYS_keyctl, SEARCH, USER_KEYRING, c"user".as_ptr(), name.as_ptr(), 0);
        key >= 0 && libc::syscall(libc::SYS_keyctl, INVALIDATE, key) == 0
    }
}

/// The world outside.
fn sockets(attack: Row<'_>) -> Vec<Attack> {
    vec![
        attack(
            "connect",
            |scene| vec![scene.tcp.local_addr().expect("bound").port().to_string()],
            |scene, _| scene.tcp.accept().is_ok(),
            FILES_CALLS,
        )
        .jailed_by(FILES_CALLS),
        attack(
            "listen",
            NOTHING,
            |_, run| {
                let port = String::from_utf8_lossy(&run.said).parse::<u16>();
                port.is_ok_and(|port| TcpStream::connect(("127.0.0.1", port)).is_ok())
            },
            FILES_CALLS,
        )
        .jailed_by(FILES_CALLS),
        attack(
            "send-a-datagram",
            |scene| vec![scene.udp.local_addr().expect("bound").port().to_string()],
            |scene, _| scene.udp.recv(&mut [0; 8]).is_ok(),
            CALLS,
        )
        .jailed_by(CALLS),
        attack(
            "connect-by-name",
            |scene| vec![scene.path("socket").display().to_string()],
            |scene, _| scene.unix.accept().is_ok(),
            CALLS,
        )
        .jailed_by(CALLS),
        attack(
            "connect-by-abstract-name",
            |scene| vec![scene.dir.path().display().to_string()],
            |scene, _| scene.abstract_unix.accept().is_ok(),
            FILES_CALLS,
        )
        .jailed_by(FILES_CALLS),
        attack("make-a-pair-of-sockets", NOTHING, HAS_A_SOCKET, CALLS).jailed_by(CALLS),
        attack("ask-the-kernel-by-netlink", NOTHING, HAS_A_SOCKET, CALLS).jailed_by(CALLS),
        attack("talk-to-the-hypervisor", NOTHING, HAS_A_SOCKET, CALLS).jailed_by(CALLS).rare(),
        attack("queue-calls", NOTHING, |_, run| run.has_open("io_uring"), CALLS).jailed_by(CALLS).rare(),
    ]
}

/// Parts of the kernel that a node has no use for.
fn kernel(attack: Row<'_>) -> Vec<Attack> {
    vec![
        attack("unshare", NOTHING, |_, run| has_own_namespace(run.child.id()), CALLS).jailed_by(CALLS).rare(),
        attack("count-events", NOTHING, |_, run| run.has_open("perf_event"), CALLS).jailed_by(CALLS).rare(),
        attack("handle-page-faults", NOTHING, |_, run| run.has_open("userfaultfd"), CALLS)
            .jailed_by(CALLS)
            .rare(),
        attack("load-into-the-kernel", NOTHING, |_, run| run.has_open("bpf-map"), CALLS)
            .jailed_by(CALLS)
            .rare(),
    ]
}
/// A process that is gone has none.
fn has_own_namespace(pid: u32) -> bool {
    let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/user")).ok();
    of(&pid.to_string()).is_some_and(|theirs| Some(theirs) != of("self"))
}
