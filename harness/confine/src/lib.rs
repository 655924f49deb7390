//! Confining a process before its first instruction: what it may open, ask of the kernel, and use up.
//!
//! Four layers, each of which holds by itself ([`Layers`]). They are made ready in the parent and put on between fork
//! and exec, by plain system calls: nothing of the program runs without them, no helper program is started on the way,
//! and a layer that cannot be put on is an error of the parent's call, never a weaker process.
//!
//! No root, no container and no namespace is needed. What a kernel lacks is left out: [`probe()`] finds it out by
//! trying, and who grades the code of others refuses to go on without it.

mod calls;
mod files;
mod probe;
mod program;
mod usage;

pub use probe::{Barrier, is_strict, probe};
pub use usage::{Usage, wait};

use crate::calls::Filter;
use crate::program::Program;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Which layers to put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layers {
    /// Only the files it needs can be opened, no TCP port, and no process outside gets its signals (Landlock).
    pub files: bool,
    /// Only the system calls it needs are answered (seccomp).
    pub calls: bool,
    /// Memory, file sizes, descriptors, time: what it can use up (resource limits).
    pub limits: bool,
    /// It dies with the thread that started it, has no terminal, and inherits no descriptor beyond the first three.
    pub ties: bool,
}
impl Layers {
    /// All of them.
    pub const ALL: Layers = Layers { files: true, calls: true, limits: true, ties: true };
    /// None of them: for the other half of a test.
    pub const NONE: Layers = Layers { files: false, calls: false, limits: false, ties: false };
    /// What a verdict rests on, and nothing that hides a file or refuses a call: for debugging one's own code.
    pub const NO_SANDBOX: Layers = Layers { files: false, calls: false, ..Layers::ALL };
}

/// A resource, and how much of it a process may use.
pub type Limit = (Resource, u64);
/// What is limited: bytes, but for `Descriptors` (how many) and `CpuSeconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Reserved address space.
    Addresses,
    /// Private memory that can be written to.
    Data,
    /// The main thread's stack.
    Stack,
    /// Each file that is written.
    FileSize,
    /// A core dump.
    Core,
    /// Open descriptors.
    Descriptors,
    /// Processor time, in seconds.
    CpuSeconds,
}

/// Layers, ready to be put on processes.
#[derive(Debug, Clone)]
pub struct Confinement(Arc<Ready>);

#[derive(Debug)]
struct Ready {
    layers: Layers,
    ruleset: Option<OwnedFd>,
    filters: Vec<Filter>,
    limits: Vec<Limit>,
    program: Option<Program>,
}

impl Confinement {
    /// For `binary`, which holds a node's code: it reads itself, the system's libraries and `/dev/null`, writes
    /// nothing, starts nothing, and talks through the pipes that it is given.
    ///
    /// # Errors
    /// Where the binary is not there, or the kernel refuses what it claims to support.
    pub fn node(binary: &Path, limits: &[Limit], layers: Layers) -> io::Result<Confinement> {
        Confinement::node_given(binary, None, limits, layers)
    }
    /// The same; and the binary is given this number as an argument.
    ///
    /// # Errors
    /// As [`Confinement::node`].
    pub fn node_given(
        binary: &Path,
        argument: Option<u32>,
        limits: &[Limit],
        layers: Layers,
    ) -> io::Result<Confinement> {
        let program = Program::new(binary, argument)?;
        let ruleset = if layers.files { files::node(binary)? } else { None };
        let filters = if layers.calls { calls::node(program.pointers()) } else { Vec::new() };
        Ok(Confinement(Arc::new(Ready {
            layers,
            ruleset,
            filters,
            limits: limits.to_vec(),
            program: Some(program),
        })))
    }
    /// For a compiler, and the linker that it starts: they read and run what lies below `reads`, write below
    /// `scratch`, and have no sockets.
    ///
    /// # Errors
    /// As [`Confinement::node`]. What is not there of `reads` is left out.
    pub fn compiler(
        reads: &[PathBuf],
        scratch: &Path,
        limits: &[Limit],
        layers: Layers,
    ) -> io::Result<Confinement> {
        let ruleset = if layers.files { files::compiler(reads, scratch)? } else { None };
        let filters = if layers.calls { calls::compiler() } else { Vec::new() };
        Ok(Confinement(Arc::new(Ready { layers, ruleset, filters, limits: limits.to_vec(), program: None })))
    }

    /// The command's process puts the layers on before it becomes another program. For [`Confinement::node`] that is
    /// the binary, run in its folder as `lane` without any environment and with no argument but a number that it was given,
    /// whatever the command says.
    ///
    /// The command must be spawned from a thread that lives as long as the process should ([`Layers::ties`]).
    pub fn apply(&self, command: &mut Command) {
        let ready = self.0.clone();
        let mut filters: Vec<Filter> = ready.filters.clone();
        let parent = std::process::id();
        // SAFETY: between fork and exec there are but system calls, and no allocation.
        unsafe {
            command.pre_exec(move || {
                ready.enter(parent, &mut filters)?;
                match &ready.program {
                    // only an error comes back
                    Some(program) => Err(program.exec()),
                    None => Ok(()),
                }
            });
        }
    }
}

impl Ready {
    fn enter(&self, parent: u32, filters: &mut [Filter]) -> io::Result<()> {
        if let Some(program) = &self.program {
            program.prepare()?;
        }
        if self.layers.ties {
            die_with(parent)?;
            leave_terminal()?;
            inherit_nothing()?;
        }
        if self.layers.limits {
            for (resource, most) in &self.limits {
                limit(*resource, *most)?;
            }
        }
        if self.ruleset.is_some() || !filters.is_empty() {
            // SAFETY: no memory is involved.
            check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }.into())?;
        }
        if let Some(ruleset) = &self.ruleset {
            // SAFETY: a ruleset's descriptor, and no flags.
            check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) })?;
        }
        filters.iter_mut().try_for_each(Filter::install)
    }
}

fn check(result: libc::c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whatever happens to the parent, this process does not outlive it.
fn die_with(parent: u32) -> io::Result<()> {
    // SAFETY: no memory is involved.
    unsafe {
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0).into())?;
        // it may have died before the signal was set
        if u32::try_from(libc::getppid()) != Ok(parent) {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
    }
    Ok(())
}

/// A session of its own has no terminal to type into.
fn leave_terminal() -> io::Result<()> {
    // SAFETY: no memory is involved.
    if unsafe { libc::setsid() } < 0 && io::Error::last_os_error().raw_os_error() != Some(libc::EPERM) {
        return Err(io::Error::last_os_error());
    }
    Ok(()) // one that leads a group already is not in the foreground
}

/// Closes everything but the first three descriptors at exec.
fn inherit_nothing() -> io::Result<()> {
    const ABOVE: libc::c_int = 3;
    // SAFETY: no memory is involved; closing at exec takes nothing from this process.
    unsafe {
        if libc::syscall(libc::SYS_close_range, ABOVE, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) == 0 {
            return Ok(());
        }
        // before Linux 5.11
        let mut open: libc::rlimit = std::mem::zeroed();
        check(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut open).into())?;
        for descriptor in ABOVE..libc::c_int::try_from(open.rlim_cur).unwrap_or(libc::c_int::MAX) {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
    Ok(())
}

/// How much of a resource this process may use at most, where that is bounded: what a shell or a container allows. A
/// confined process may never use more.
pub fn allowed(resource: Resource) -> Option<u64> {
    // SAFETY: plain values in, plain values out.
    let now = unsafe {
        let mut now: libc::rlimit = std::mem::zeroed();
        check(libc::getrlimit(number(resource), &raw mut now).into()).ok()?;
        now
    };
    (now.rlim_max != libc::RLIM_INFINITY).then_some(now.rlim_max)
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let which = number(resource);
    // SAFETY: plain values in, plain values out.
    unsafe {
        let mut now: libc::rlimit = std::mem::zeroed();
        check(libc::getrlimit(which, &raw mut now).into())?;
        // who may use less already can't be given more
        let most = libc::rlim_t::min(most, now.rlim_max);
        // who has no time left is told by a signal of its own, a second before he is killed like anybody else
        let told = if which == libc::RLIMIT_CPU { most.saturating_sub(1) } else { most };
        check(libc::setrlimit(which, &libc::rlimit { rlim_cur: told, rlim_max: most }).into())
    }
}

fn number(resource: Resource) -> libc::__rlimit_resource_t {
    match resource {
        Resource::Addresses => libc::RLIMIT_AS,
        Resource::Data => libc::RLIMIT_DATA,
        Resource::Stack => libc::RLIMIT_STACK,
        Resource::FileSize => libc::RLIMIT_FSIZE,
        Resource::Core => libc::RLIMIT_CORE,
        Resource::Descriptors => libc::RLIMIT_NOFILE,
        Resource::CpuSeconds => libc::RLIMIT_CPU,
    }
}

fn c_string(path: &Path) -> io::Result<CString> {
    use std::os::unix::ffi::OsStrExt;
    Ok(CString::new(path.as_os_str().as_bytes())?)
}
