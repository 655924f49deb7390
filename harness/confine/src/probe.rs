//! Which layers hold on this machine: found out by trying, not by asking for versions.
//!
//! A kernel may claim what it does not do, and a container may take away what the kernel does. Each probe is a process
//! that puts one layer on and then tries what the layer is there to refuse; this process looks at how it ended.

use crate::program::Pointers;
use crate::{Layers, Ready, Resource, calls, files};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Something that a confined process must not be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barrier {
    /// To open other files than its own.
    Files,
    /// To send signals to processes outside.
    Signals,
    /// To make system calls that it does not need: sockets, processes, shared memory.
    Calls,
    /// To use up more memory than it may.
    Memory,
    /// To outlive the harness.
    Outliving,
    /// To inherit descriptors of the harness.
    Descriptors,
}

/// Whether each barrier holds here. Takes some milliseconds.
///
/// # Errors
/// Where that cannot be found out now: no process, descriptor or memory is left to try it with. That says nothing about
/// what this machine can do.
pub fn probe() -> io::Result<Vec<(Barrier, bool)>> {
    let tries: [(Barrier, Try); 6] = [
        (Barrier::Files, files_are_refused),
        (Barrier::Signals, signals_are_refused),
        (Barrier::Calls, calls_are_refused),
        (Barrier::Memory, memory_is_refused),
        (Barrier::Outliving, orphans_die),
        (Barrier::Descriptors, descriptors_are_closed),
    ];
    let holds = |(barrier, holds): (Barrier, Try)| match holds() {
        Ok(holds) => Ok((barrier, holds)),
        Err(error) if is_shortage(&error) => Err(error),
        Err(_) => Ok((barrier, false)),
    };
    tries.into_iter().map(holds).collect()
}
type Try = fn() -> io::Result<bool>;

/// Whether something has run out, of which there may be enough in a moment.
fn is_shortage(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::EAGAIN | libc::ENOMEM))
}

/// Whether the kernel closes files and calls: what it takes to grade the code of others.
pub fn is_strict(found: &[(Barrier, bool)]) -> bool {
    [Barrier::Files, Barrier::Calls].iter().all(|barrier| found.contains(&(*barrier, true)))
}

fn ready(layers: Layers) -> Ready {
    Ready { layers, ruleset: None, filters: Vec::new(), limits: Vec::new(), program: None }
}
fn ruleset() -> io::Result<Option<OwnedFd>> {
    files::node(&std::env::current_exe()?)
}

/// Whether a process says so in which these layers are on. `refused` may not allocate.
fn said(ready: Ready, refused: fn() -> bool) -> io::Result<bool> {
    let ready = Arc::new(ready);
    let mut filters = ready.filters.clone();
    let parent = std::process::id();
    let mut command = Command::new("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: between fork and exec there are but system calls, and no allocation.
    unsafe {
        command.pre_exec(move || {
            ready.enter(parent, &mut filters)?;
            // this process has no more to do than to say it
            libc::_exit(if refused() { YES } else { NO })
        });
    }
    Ok(command.status()?.code() == Some(YES))
}
const YES: libc::c_int = 40;
const NO: libc::c_int = 41;

fn errno() -> Option<i32> {
    io::Error::last_os_error().raw_os_error()
}

fn files_are_refused() -> io::Result<bool> {
    let Some(ruleset) = ruleset()? else { return Ok(false) };
    let ready = Ready { ruleset: Some(ruleset), ..ready(Layers::NONE) };
    said(ready, || {
        // SAFETY: strings that end in 0.
        let open =
            |path: &std::ffi::CStr| unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
        open(c"/") < 0
            && errno() == Some(libc::EACCES)
            && open(c"/proc/self/environ") < 0
            && open(c"/dev/null") >= 0
    })
}
fn signals_are_refused() -> io::Result<bool> {
    let Some(ruleset) = ruleset()? else { return Ok(false) };
    let ready = Ready { ruleset: Some(ruleset), ..ready(Layers::NONE) };
    // SAFETY: no memory is involved, and signal 0 does nothing.
    said(ready, || unsafe { libc::kill(libc::getppid(), 0) } < 0 && errno() == Some(libc::EPERM))
}
fn calls_are_refused() -> io::Result<bool> {
    let filters = calls::node(Pointers([0; 3]));
    said(Ready { filters, ..ready(Layers::NONE) }, || {
        // SAFETY: no memory is involved; a child that should not be there ends at once.
        unsafe {
            if libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0) >= 0 || errno() != Some(libc::EPERM) {
                return false;
            }
            match libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) {
                0 => libc::_exit(NO),
                child => child < 0 && errno() == Some(libc::EPERM),
            }
        }
    })
}
fn memory_is_refused() -> io::Result<bool> {
    const MOST: u64 = 1 << 30;
    let layers = Layers { limits: true, ..Layers::NONE };
    let limits = vec![(Resource::Data, MOST)];
    said(Ready { limits, ..ready(layers) }, || {
        let (protection, how) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, which nobody uses.
        unsafe { libc::mmap(std::ptr::null_mut(), 2 << 30, protection, how, -1, 0) == libc::MAP_FAILED }
    })
}
fn descriptors_are_closed() -> io::Result<bool> {
    said(ready(Layers::NONE), || {
        // SAFETY: descriptors of this process alone.
        unsafe {
            let inherited = libc::dup(2);
            let closes = || libc::fcntl(inherited, libc::F_GETFD) & libc::FD_CLOEXEC != 0;
            inherited > 2 && !closes() && crate::inherit_nothing().is_ok() && closes()
        }
    })
}

/// A process starts another, which is to die with it, and ends. The other holds a pipe open for as long as it lives,
/// which is not for ever in any case.
fn orphans_die() -> io::Result<bool> {
    let mut command = Command::new("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    // SAFETY: between fork and exec there are but system calls, and no allocation.
    unsafe {
        command.pre_exec(|| {
            let mut armed = [0; 2];
            crate::check(libc::pipe(armed.as_mut_ptr()).into())?;
            let parent = std::process::id();
            let child = libc::fork();
            crate::check(child.into())?;
            if child == 0 {
                libc::alarm(2 * WAIT.as_secs() as libc::c_uint);
                if crate::die_with(parent).is_err() {
                    libc::_exit(NO);
                }
                libc::write(armed[1], [1_u8].as_ptr().cast(), 1);
                // among them the one that `spawn` waits for
                libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0);
                loop {
                    libc::pause();
                }
            }
            libc::close(armed[1]);
            let is_armed = libc::read(armed[0], [0_u8].as_mut_ptr().cast(), 1) == 1;
            libc::_exit(if is_armed { YES } else { NO })
        });
    }
    let mut child = command.spawn()?;
    let alive = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    if child.wait()?.code() != Some(YES) {
        return Ok(false);
    }
    let mut polled = libc::pollfd { fd: std::os::fd::AsRawFd::as_raw_fd(&alive), events: 0, revents: 0 };
    // SAFETY: one entry, as said.
    let ready = unsafe { libc::poll(&raw mut polled, 1, WAIT.as_millis() as libc::c_int) };
    Ok(ready == 1 && polled.revents & libc::POLLHUP != 0)
}
/// Longer than a process takes to die.
const WAIT: Duration = Duration::from_secs(2);
