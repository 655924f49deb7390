//! A guest that attacks. Its first line of input names the attack and what it is about; it tries, says what it got
//! hold of and that it has tried, and waits to be looked at. Whether it succeeded is for others to see.
//!
//! It asks the kernel itself where that is the attack, as code does that has got hold of `unsafe`.

use std::ffi::CString;
use std::io::{self, BufRead, Read, Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, ptr};

/// What separates the words of an order.
const SEPARATOR: char = '\u{1f}';
/// Said last.
const TRIED: &[u8] = b"\n--tried--\n";
/// What a victim keeps in its memory, and where: for others to read.
static SECRET: &[u8; 16] = b"mind-of-a-victim";

/// Runs before `main`, as code of a submission may that has got round the ban on `unsafe`.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = before_main;
static READ_BEFORE_MAIN: AtomicBool = AtomicBool::new(false);
extern "C" fn before_main() {
    // SAFETY: a string that ends in 0.
    let opened = unsafe { libc::open(c"/etc/passwd".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    READ_BEFORE_MAIN.store(opened >= 0, Relaxed);
}

fn main() {
    let mut order = String::new();
    io::stdin().lock().read_line(&mut order).expect("an order");
    let words: Vec<&str> = order.trim_end().split(SEPARATOR).collect();
    let evidence = attack(words[0], &words[1..]).unwrap_or_default();
    let mut out = io::stdout().lock();
    out.write_all(&evidence).and_then(|()| out.write_all(TRIED)).and_then(|()| out.flush()).expect("a pipe");
    io::stdin().lock().read_to_end(&mut Vec::new()).expect("a pipe");
}

fn c_string(text: &str) -> CString {
    CString::new(text).expect("no zero in it")
}
fn check(result: impl Into<i64>) -> io::Result<i64> {
    let result = result.into();
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
/// A system call by its number.
fn call(number: i64, arguments: [i64; 5]) -> io::Result<i64> {
    let [a, b, c, d, e] = arguments;
    // SAFETY: what is passed is right for the call: numbers, or pointers to what outlives it.
    check(unsafe { libc::syscall(number, a, b, c, d, e, 0_i64) })
}
/// What a child does: hold on to its pipes until the other end is closed.
fn stay() -> ! {
    let mut byte = 0_u8;
    // SAFETY: one byte of room.
    unsafe {
        while libc::read(0, (&raw mut byte).cast(), 1) > 0 {}
        libc::_exit(0)
    }
}
fn exec(path: &str, arguments: &[&str]) -> io::Result<Vec<u8>> {
    let path = c_string(path);
    let arguments: Vec<CString> = arguments.iter().map(|argument| c_string(argument)).collect();
    let mut pointers: Vec<_> = arguments.iter().map(|argument| argument.as_ptr()).collect();
    pointers.push(ptr::null());
    // SAFETY: strings that end in 0, in a list that ends in null.
    unsafe { libc::execv(path.as_ptr(), pointers.as_ptr()) };
    Err(io::Error::last_os_error())
}
/// The end of where names of programs lie, and of what no confined process may map.
const ZONE_END: u64 = 0x11_0000_0000;
const MIB: u64 = 1 << 20;
fn map_at(at: u64, bytes: u64, how: i32) -> io::Result<()> {
    let how = how | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    // SAFETY: a new mapping that replaces none.
    let mapped =
        unsafe { libc::mmap(at as *mut _, bytes as usize, libc::PROT_READ | libc::PROT_WRITE, how, -1, 0) };
    if mapped as u64 == at { Ok(()) } else { Err(io::Error::last_os_error()) }
}
/// Makes a mapping longer where it lies.
fn grow(at: u64, from: u64, to: u64) -> io::Result<()> {
    // SAFETY: memory of our own; it stays where it is.
    let grown = unsafe { libc::mremap(at as *mut _, from as usize, to as usize, 0) };
    if grown as u64 == at { Ok(()) } else { Err(io::Error::last_os_error()) }
}
fn map(bytes: usize, how: i32) -> io::Result<Vec<u8>> {
    // SAFETY: a new mapping, which nobody uses.
    let at = unsafe {
        libc::mmap(
            ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            how | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(b"mapped".to_vec()) }
}
fn number(word: &str) -> i64 {
    word.parse().expect("a number")
}

fn attack(name: &str, about: &[&str]) -> io::Result<Vec<u8>> {
    let nothing = Ok(Vec::new());
    match (name, about) {
        // what an honest guest does
        ("hash-map", []) => {
            let map: std::collections::HashMap<u32, u32> = (0..1_000).map(|n| (n, n)).collect();
            Ok(format!("{}", map.len()).into_bytes())
        }
        ("clocks", []) => {
            let begun = Instant::now();
            std::thread::sleep(Duration::from_millis(2));
            let slept =
                begun.elapsed() >= Duration::from_millis(2) && SystemTime::now() > SystemTime::UNIX_EPOCH;
            Ok(format!("slept: {slept}").into_bytes())
        }
        ("megabyte", []) => Ok(vec![b'm'; 1 << 20]),
        ("allocate", []) => {
            Ok(format!("{}", vec![1_u8; 100 << 20].iter().map(|b| u64::from(*b)).sum::<u64>()).into())
        }
        ("panic", []) => panic!("on purpose"),
        ("abort", []) => std::process::abort(),
        ("leave", []) => std::process::exit(7),

        // whom others attack; it does not mind being traced, where the system would ask
        ("victim", [file]) => {
            let file = fs::File::open(file)?;
            // SAFETY: no memory is involved.
            unsafe { libc::prctl(libc::PR_SET_PTRACER, libc::PR_SET_PTRACER_ANY) };
            let descriptor = file.as_raw_fd();
            std::mem::forget(file);
            Ok(format!("{} {descriptor}", SECRET.as_ptr() as u64).into_bytes())
        }

        ("read-a-file", [file]) => fs::read(file),
        ("read-before-main", []) => {
            Ok(if READ_BEFORE_MAIN.load(Relaxed) { b"read it".to_vec() } else { Vec::new() })
        }
        ("find-its-program", [pid, ..]) => {
            Ok(fs::read_link(format!("/proc/{pid}/exe"))?.into_os_string().into_encoded_bytes())
        }
        ("measure-a-file", [file]) => Ok(format!("{} bytes", fs::metadata(file)?.len()).into_bytes()),
        ("measure-a-name", [file]) => {
            let file = c_string(file);
            // SAFETY: a string that ends in 0, and a descriptor just made.
            let named = unsafe {
                let descriptor = check(libc::open(file.as_ptr(), libc::O_PATH | libc::O_CLOEXEC))?;
                fs::File::from_raw_fd(i32::try_from(descriptor).expect("a descriptor"))
            };
            Ok(format!("{} bytes", named.metadata()?.len()).into_bytes())
        }
        ("list-a-folder", [folder]) => {
            let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().into_encoded_bytes()));
            names.collect::<io::Result<Vec<_>>>().map(|names| names.concat())
        }
        ("overwrite-a-file", [file]) => fs::write(file, "forged").and(nothing),
        ("append-to-a-file", [file]) => {
            fs::File::options().append(true).open(file)?.write_all(b"forged").and(nothing)
        }
        ("truncate-a-file", [file]) => {
            let file = c_string(file);
            // SAFETY: a string that ends in 0.
            check(unsafe { libc::truncate(file.as_ptr(), 0) }).and(nothing)
        }
        ("truncate-by-reading", [file]) => {
            let file = c_string(file);
            // SAFETY: a string that ends in 0.
            check(unsafe { libc::open(file.as_ptr(), libc::O_RDONLY | libc::O_TRUNC) }).and(nothing)
        }
        ("delete-a-file", [file]) => fs::remove_file(file).and(nothing),
        ("rename-a-file", [file]) => fs::rename(file, format!("{file}.away")).and(nothing),
        ("link-a-file", [file]) => fs::hard_link(file, format!("{file}.new")).and(nothing),
        ("plant-a-symlink", [file]) => symlink("/etc", format!("{file}.new")).and(nothing),
        ("fill-the-disk", [file]) => fs::write(format!("{file}.new"), vec![0; 1 << 20]).and(nothing),
        ("change-permissions", [file]) => {
            fs::set_permissions(file, fs::Permissions::from_mode(0o777)).and(nothing)
        }
        ("change-times", [file]) => {
            let (file, then) = (c_string(file), [libc::timespec { tv_sec: 1, tv_nsec: 0 }; 2]);
            // SAFETY: a string that ends in 0, and two times.
            check(unsafe { libc::utimensat(libc::AT_FDCWD, file.as_ptr(), then.as_ptr(), 0) }).and(nothing)
        }
        ("change-owner", [file]) => std::os::unix::fs::lchown(file, Some(1), Some(1)).and(nothing),
        ("set-an-attribute", [file, name]) => {
            let (file, name, value) = (c_string(file), c_string(name), b"forged");
            // SAFETY: strings that end in 0, and so many bytes.
            let set = unsafe {
                libc::setxattr(file.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0)
            };
            check(set).and(nothing)
        }
        ("replace-its-program", [program]) => {
            fs::remove_file(program)?;
            fs::write(program, "forged").and(nothing)
        }
        ("change-the-root", [folder]) => std::os::unix::fs::chroot(folder).and(nothing),
        ("mount-over", [folder]) => {
            let (folder, kind) = (c_string(folder), c"tmpfs");
            let arguments = [kind.as_ptr() as i64, folder.as_ptr() as i64, kind.as_ptr() as i64, 0, 0];
            call(libc::SYS_mount, arguments).and(nothing)
        }
        ("lock-a-library", [library]) => {
            let library = fs::File::open(library)?;
            library.lock()?;
            std::mem::forget(library);
            nothing
        }
        ("type-into-the-terminal", [terminal]) => {
            let terminal = i32::try_from(number(terminal)).expect("a descriptor");
            // SAFETY: one byte to read.
            check(unsafe { libc::ioctl(terminal, libc::TIOCSTI, b"!".as_ptr()) }).and(nothing)
        }
        ("change-its-own-constants", []) => {
            // safe code
            let mut memory = fs::File::options().write(true).open("/proc/self/mem")?;
            memory.seek(io::SeekFrom::Start(SECRET.as_ptr() as u64))?;
            memory.write_all(b"XXXX")?;
            Ok(std::hint::black_box(SECRET).to_vec())
        }
        ("use-a-leaked-descriptor", [descriptor]) => {
            let descriptor = i32::try_from(number(descriptor)).expect("a descriptor");
            let mut found = [0_u8; 64];
            // SAFETY: so many bytes of room.
            let many =
                check(unsafe { libc::pread(descriptor, found.as_mut_ptr().cast(), found.len(), 0) } as i64)?;
            Ok(found[..usize::try_from(many).unwrap_or(0)].to_vec())
        }

        ("read-its-memory", [pid, address, _]) => {
            let mut found = [0_u8; 16];
            let ours = libc::iovec { iov_base: found.as_mut_ptr().cast(), iov_len: found.len() };
            let theirs = libc::iovec { iov_base: number(address) as *mut _, iov_len: found.len() };
            let (ours, theirs) = ((&raw const ours) as i64, (&raw const theirs) as i64);
            call(libc::SYS_process_vm_readv, [number(pid), ours, 1, theirs, 1])?;
            Ok(found.to_vec())
        }
        ("read-its-memory-as-a-file", [pid, address, _]) => {
            let mut memory = fs::File::open(format!("/proc/{pid}/mem"))?;
            memory.seek(io::SeekFrom::Start(u64::try_from(number(address)).expect("an address")))?;
            let mut found = vec![0; 16];
            memory.read_exact(&mut found).map(|()| found)
        }
        ("read-its-map", [pid, ..]) => fs::read(format!("/proc/{pid}/maps")),
        ("open-its-descriptor", [pid, _, descriptor]) => fs::read(format!("/proc/{pid}/fd/{descriptor}")),
        ("limit-it", [pid, ..]) => {
            let limit = libc::rlimit { rlim_cur: 7, rlim_max: 7 };
            let arguments = [number(pid), libc::RLIMIT_NOFILE.into(), (&raw const limit) as i64, 0, 0];
            call(libc::SYS_prlimit64, arguments).and(nothing)
        }
        ("trace-it", [pid, ..]) => {
            // it dies with its tracer
            const PTRACE_SEIZE: i64 = 0x4206;
            call(libc::SYS_ptrace, [PTRACE_SEIZE, number(pid), 0, libc::PTRACE_O_EXITKILL.into(), 0])?;
            std::process::exit(0)
        }
        ("take-its-descriptor", [pid, _, descriptor]) => {
            let pidfd = call(libc::SYS_pidfd_open, [number(pid), 0, 0, 0, 0])?;
            let taken = call(libc::SYS_pidfd_getfd, [pidfd, number(descriptor), 0, 0, 0])?;
            attack("use-a-leaked-descriptor", &[&taken.to_string()])
        }
        ("kill-it", [pid, ..]) => {
            call(libc::SYS_kill, [number(pid), libc::SIGKILL.into(), 0, 0, 0]).and(nothing)
        }
        ("kill-its-thread", [pid, ..]) => {
            call(libc::SYS_tgkill, [number(pid), number(pid), libc::SIGKILL.into(), 0, 0]).and(nothing)
        }
        ("have-it-killed", [pid, ..]) => {
            let (mut read, write) = io::pipe()?;
            let (descriptor, pid) = (read.as_raw_fd(), i32::try_from(number(pid)).expect("a process"));
            const F_SETSIG: i32 = 10;
            // SAFETY: no memory is involved.
            unsafe {
                check(libc::fcntl(descriptor, libc::F_SETOWN, pid))?;
                check(libc::fcntl(descriptor, F_SETSIG, libc::SIGKILL))?;
                check(libc::fcntl(descriptor, libc::F_SETFL, libc::O_ASYNC))?;
            }
            let mut write = write;
            write.write_all(b"!")?;
            read.read_exact(&mut [0]).and(nothing)
        }
        #[cfg(target_arch = "x86_64")]
        ("kill-it-by-a-32-bit-call", [pid, ..]) => {
            let result: i64;
            // SAFETY: kill(2) among the calls of 32-bit programs; no memory is involved.
            unsafe {
                std::arch::asm!(
                    "push rbx", "mov ebx, {pid:e}", "int 0x80", "pop rbx",
                    pid = in(reg) number(pid), inlateout("rax") 37_i64 => result, in("rcx") 9,
                    out("r8") _, out("r9") _, out("r10") _, out("r11") _,
                );
            }
            check(result).and(nothing)
        }
        #[cfg(target_arch = "x86_64")]
        ("kill-it-by-an-x32-call", [pid, ..]) => {
            call(0x4000_0000 + libc::SYS_kill, [number(pid), libc::SIGKILL.into(), 0, 0, 0]).and(nothing)
        }

        ("fork", []) => {
            // SAFETY: the child only waits.
            match check(unsafe { libc::fork() })? {
                0 => stay(),
                _ => std::process::exit(0),
            }
        }
        ("fork-many", []) => {
            for _ in 0..20 {
                // SAFETY: the child only waits.
                if check(unsafe { libc::fork() })? == 0 {
                    stay()
                }
            }
            std::process::exit(0)
        }
        ("clone", []) => match call(libc::SYS_clone, [libc::SIGCHLD.into(), 0, 0, 0, 0])? {
            0 => stay(),
            _ => std::process::exit(0),
        },
        ("clone-by-struct", []) => {
            let mut arguments = [0_u64; 11];
            arguments[4] = libc::SIGCHLD as u64;
            match call(libc::SYS_clone3, [(&raw const arguments) as i64, 88, 0, 0, 0])? {
                0 => stay(),
                _ => std::process::exit(0),
            }
        }
        ("become-a-daemon", []) => {
            // SAFETY: children only wait.
            unsafe {
                if check(libc::fork())? > 0 {
                    std::process::exit(0);
                }
                libc::setsid();
                if libc::fork() > 0 {
                    libc::_exit(0);
                }
            }
            stay()
        }
        ("start-a-thread", []) => {
            std::thread::Builder::new().spawn(|| std::thread::sleep(Duration::from_secs(60)))?;
            nothing
        }
        ("outlive-the-harness", []) => nothing,

        ("allocate-on-the-heap", []) => {
            let much: Vec<u8> = Vec::with_capacity(800 << 20);
            std::mem::forget(std::hint::black_box(much));
            nothing
        }
        ("allocate-too-much", []) => map(800 << 20, libc::MAP_PRIVATE),
        ("share-too-much", []) => map(800 << 20, libc::MAP_SHARED),
        ("hide-a-file-in-memory", []) => {
            call(libc::SYS_memfd_create, [c"hidden".as_ptr() as i64, 0, 0, 0, 0]).and(nothing)
        }
        ("run-a-shell", []) => exec("/bin/sh", &["sh", "-c", "echo a shell was here"]),
        ("run-by-the-loader", []) => {
            let loader = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];
            let loader = loader.iter().find(|path| fs::exists(path).unwrap_or(true)).unwrap_or(&"");
            exec(loader, &["ld.so", "/bin/sh", "-c", "echo a shell was here"])
        }
        ("run-by-another-call", []) => {
            let arguments = [c"sh".as_ptr(), c"-c".as_ptr(), c"echo a shell was here".as_ptr(), ptr::null()];
            let (path, arguments) = (c"/bin/sh".as_ptr() as i64, arguments.as_ptr() as i64);
            let environment = [ptr::null::<u8>()];
            let environment = environment.as_ptr() as i64;
            call(libc::SYS_execveat, [libc::AT_FDCWD.into(), path, arguments, environment, 0]).and(nothing)
        }
        ("run-from-memory", []) => {
            let program = fs::read("/bin/echo")?;
            let memory = call(libc::SYS_memfd_create, [c"program".as_ptr() as i64, 0, 0, 0, 0])?;
            // SAFETY: a descriptor of our own, just made.
            let mut file = unsafe { fs::File::from_raw_fd(i32::try_from(memory).expect("a descriptor")) };
            file.write_all(&program)?;
            let arguments = [c"echo".as_ptr(), c"a shell was here".as_ptr(), ptr::null()];
            let environment = [ptr::null::<u8>()];
            let (arguments, environment) = (arguments.as_ptr() as i64, environment.as_ptr() as i64);
            let empty = libc::AT_EMPTY_PATH.into();
            call(libc::SYS_execveat, [memory, c"".as_ptr() as i64, arguments, environment, empty])
                .and(nothing)
        }

        ("connect", [port]) => {
            std::net::TcpStream::connect(("127.0.0.1", u16::try_from(number(port)).expect("a port")))?
                .write_all(b"out")
                .and(nothing)
        }
        ("listen", []) => {
            let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
            let port = listener.local_addr()?.port();
            std::mem::forget(listener);
            Ok(format!("{port}").into_bytes())
        }
        ("send-a-datagram", [port]) => {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
            socket
                .send_to(b"out", ("127.0.0.1", u16::try_from(number(port)).expect("a port")))
                .map(drop)
                .and(nothing)
        }
        ("connect-by-name", [path]) => {
            std::os::unix::net::UnixStream::connect(path)?.write_all(b"out").and(nothing)
        }
        ("connect-by-abstract-name", [name]) => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            std::os::unix::net::UnixStream::connect_addr(&address)?.write_all(b"out").and(nothing)
        }
        ("make-a-pair-of-sockets", []) => {
            let pair = std::os::unix::net::UnixStream::pair()?;
            std::mem::forget(pair);
            nothing
        }
        ("talk-to-the-hypervisor", []) => {
            call(libc::SYS_socket, [libc::AF_VSOCK.into(), libc::SOCK_STREAM.into(), 0, 0, 0]).and(nothing)
        }
        ("ask-the-kernel-by-netlink", []) => {
            call(libc::SYS_socket, [libc::AF_NETLINK.into(), libc::SOCK_RAW.into(), 0, 0, 0]).and(nothing)
        }
        ("queue-calls", []) => {
            let parameters = [0_u64; 15];
            call(libc::SYS_io_uring_setup, [1, (&raw const parameters) as i64, 0, 0, 0]).and(nothing)
        }
        ("share-a-segment", [key]) => {
            call(libc::SYS_shmget, [number(key), 4096, (libc::IPC_CREAT | 0o600).into(), 0, 0]).and(nothing)
        }
        ("share-a-semaphore", [key]) => {
            call(libc::SYS_semget, [number(key), 1, (libc::IPC_CREAT | 0o600).into(), 0, 0]).and(nothing)
        }
        ("share-a-queue", [key]) => {
            call(libc::SYS_msgget, [number(key), (libc::IPC_CREAT | 0o600).into(), 0, 0, 0]).and(nothing)
        }
        ("share-a-named-queue", [name]) => {
            let name = c_string(name);
            let how = libc::O_CREAT | libc::O_RDWR;
            // SAFETY: a string that ends in 0.
            check(unsafe { libc::mq_open(name.as_ptr(), how, 0o600_u32, ptr::null::<libc::mq_attr>()) })
                .and(nothing)
        }
        ("leave-a-key", [name]) => {
            const USER_KEYRING: i64 = -4;
            let (kind, name, value) = (c"user", c_string(name), c"left");
            let arguments =
                [kind.as_ptr() as i64, name.as_ptr() as i64, value.as_ptr() as i64, 4, USER_KEYRING];
            call(libc::SYS_add_key, arguments).and(nothing)
        }
        ("count-events", []) => {
            // of itself, in software: the least that can be asked for
            const SOFTWARE: u32 = 1;
            let mut about = [0_u32; 32];
            (about[0], about[1]) = (SOFTWARE, 128);
            call(libc::SYS_perf_event_open, [(&raw const about) as i64, 0, -1, -1, 0]).and(nothing)
        }
        ("handle-page-faults", []) => {
            const OF_ITS_OWN: i64 = 1;
            call(libc::SYS_userfaultfd, [OF_ITS_OWN, 0, 0, 0, 0]).and(nothing)
        }
        ("load-into-the-kernel", []) => {
            // a table: type, size of a key, size of a value, places
            let (create, table) = (0, [2_u32, 4, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            call(libc::SYS_bpf, [create, (&raw const table) as i64, 72, 0, 0]).and(nothing)
        }
        ("change-cores", []) => {
            // SAFETY: sets of cores, of this process; zeroes are an empty one.
            unsafe {
                let mut cores: libc::cpu_set_t = std::mem::zeroed();
                let bytes = size_of_val(&cores);
                check(libc::sched_getaffinity(0, bytes, &raw mut cores))?;
                let first = (0..1_024).find(|core| libc::CPU_ISSET(*core, &cores)).unwrap_or(0);
                libc::CPU_CLR(first, &mut cores);
                check(libc::sched_setaffinity(0, bytes, &raw const cores)).and(nothing)
            }
        }
        ("change-its-priority", []) => {
            // lower, so that anybody may
            // SAFETY: no memory is involved.
            check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, 7) }).and(nothing)
        }
        ("raise-a-limit", []) => {
            // lower, so that anybody may, and it shows
            let limit = libc::rlimit { rlim_cur: 7, rlim_max: 7 };
            // SAFETY: a limit, of this process.
            check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }).and(nothing)
        }
        // where a filter that sees addresses alone expects the name of the one program that may be run
        ("map-where-names-are", []) => {
            map_at(ZONE_END - MIB, MIB, 0)?;
            nothing
        }
        ("grow-to-where-names-are", []) => {
            // step by step, and what is behind is given back: no mapping is ever large
            let mut at = ZONE_END - (3 << 30);
            map_at(at, MIB, 0)?;
            while at < ZONE_END - 512 * MIB {
                grow(at, MIB, 256 * MIB)?;
                at += 255 * MIB;
                // SAFETY: memory of our own that nobody uses.
                check(unsafe { libc::munmap((at - 255 * MIB) as *mut _, 255 << 20) })?;
            }
            nothing
        }
        ("grow-down-to-where-names-are", []) => {
            let at = ZONE_END;
            map_at(at, MIB, libc::MAP_GROWSDOWN)?;
            // SAFETY: the page before one that grows down becomes memory when it is touched.
            unsafe { ((at - 8) as *mut u64).write_volatile(1) };
            nothing
        }
        ("survive-its-parent", []) => {
            // SAFETY: no memory is involved.
            check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, 0) }).and(nothing)
        }
        ("unshare", []) => call(libc::SYS_unshare, [libc::CLONE_NEWUSER.into(), 0, 0, 0, 0]).and(nothing),
        _ => panic!("no such attack: {name} {about:?}"),
    }
}
