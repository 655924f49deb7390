//! Running a program that student code keeps busy: clean environment, one process group, a limit of time.

use confine::{Confinement, Usage};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What is kept of what it prints, in bytes.
const OUTPUT_MAX: u64 = 16 << 20;
/// The stack of a thread that only waits or copies, in bytes: whatever `RUST_MIN_STACK` says.
const STACK: usize = 256 << 10;

/// How a program ended.
pub(crate) struct Ended {
    /// `None` where it was still running at the limit, and was killed with all it had started.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) stderr: String,
    pub(crate) usage: Usage,
}

/// A command with nothing of this process's environment but what is said here.
pub(crate) fn clean(program: &Path, dir: &Path, path: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path).env("HOME", dir).env("TMPDIR", dir).env("LC_ALL", "C");
    command.current_dir(dir).stdin(Stdio::null());
    command
}

/// Runs a command in a jail to its end, at most for `limit`.
pub(crate) fn run(command: &mut Command, jail: &Confinement, limit: Duration) -> io::Result<Ended> {
    command.stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    jail.apply(command);
    let mut child = command.spawn()?;
    let group = Pid::from_child(&child);
    let watched = (|| {
        let mut pipe = child.stderr.take().ok_or_else(|| io::Error::other("no pipe"))?;
        let reader = aside(move || {
            let mut kept = Vec::new();
            pipe.by_ref().take(OUTPUT_MAX).read_to_end(&mut kept)?;
            io::copy(&mut pipe, &mut io::sink())?;
            io::Result::Ok(kept)
        })?;
        let (ended, end) = mpsc::channel();
        let waiter = aside(move || {
            let waited = confine::wait(&child);
            let _ = ended.send(());
            waited
        })?;
        io::Result::Ok((reader, waiter, end.recv_timeout(limit).is_err()))
    })();
    // In any case nothing that it started lives on: it could hold the pipe open for ever.
    let _ = kill_process_group(group, Signal::KILL);
    let (reader, waiter, at_limit) = watched?;
    let (status, usage) = waiter.join().map_err(|_| io::Error::other("the waiting thread panicked"))??;
    let stderr = reader.join().map_err(|_| io::Error::other("the reading thread panicked"))??;
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    Ok(Ended { status: (!at_limit).then_some(status), stderr, usage })
}

fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    thread::Builder::new().stack_size(STACK).spawn(work)
}
