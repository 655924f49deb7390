//! A lane: one guest process, and the two pipes to it.

use crate::watchdog::{self, Stuck};
use lab::frame::{self, Hello};
use rustix::event::PollFlags;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;
use world::Misbehaviour;

/// CPU time that a guest may use before it answers a frame.
pub(crate) const CPU_MAX: Duration = Duration::from_secs(1);
/// Pipes are made this large where the system lets us, in bytes.
const PIPE_BYTES: usize = 1 << 20;

/// What the harness or the machine did wrong; never the submission.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The guest could not be started.
    #[error("cannot start the guest {path}: {source}")]
    Spawn {
        /// The binary.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The guest does not know a role that it was built with.
    #[error("the guest was built without the role {0}; rebuild it: remove the cache folder and grade again")]
    NoSuchRole(&'static str),
    /// A pipe failed otherwise than by closing.
    #[error("cannot talk to the guest: {0}")]
    Pipe(#[from] Errno),
}

/// A guest that cannot go on: what it did.
pub(crate) enum LaneError {
    Guest(Misbehaviour),
    Host(HostError),
}
impl From<Errno> for LaneError {
    fn from(error: Errno) -> Self {
        LaneError::Host(HostError::Pipe(error))
    }
}

pub(crate) struct Lane {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    roles: BTreeMap<String, u16>,
    /// Commands not yet sent, as a frame.
    pub(crate) out: Vec<u8>,
    /// What came and is not yet taken.
    received: Vec<u8>,
    taken: usize,
}

impl Lane {
    pub(crate) fn spawn(binary: &Path) -> Result<Lane, LaneError> {
        let failed =
            |source| LaneError::Host(HostError::Spawn { path: binary.display().to_string(), source });
        let mut command = Command::new(binary);
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let parent = std::process::id();
        // SAFETY: only async-signal-safe calls between fork and exec.
        unsafe { command.pre_exec(move || die_with_parent(parent)) };
        let mut child = command.spawn().map_err(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both were piped")
        };
        for fd in [stdin.as_fd(), stdout.as_fd()] {
            rustix::io::ioctl_fionbio(fd, true)?;
            let _ = rustix::pipe::fcntl_setpipe_size(fd, PIPE_BYTES); // an unprivileged user may have used up his share
        }
        let mut out = Vec::new();
        frame::begin(&mut out);
        let mut lane =
            Lane { child, stdin, stdout, roles: BTreeMap::new(), out, received: Vec::new(), taken: 0 };
        let hello = lane.receive()?;
        let hello: Option<Hello> = frame::decode(hello);
        let hello = hello.filter(|hello| hello.version == frame::VERSION);
        let hello = hello.ok_or_else(|| garbled("its first words are no greeting"))?;
        lane.roles = hello.roles.into_iter().zip(0..).collect();
        Ok(lane)
    }
    /// Where a role stands in the guest's list.
    pub(crate) fn role(&self, name: &'static str) -> Result<u16, HostError> {
        self.roles.get(name).copied().ok_or(HostError::NoSuchRole(name))
    }

    /// Sends the commands collected in `out`. Whatever the guest says meanwhile is taken in, so that
    /// neither side ever waits for the other to read.
    pub(crate) fn flush(&mut self) -> Result<(), LaneError> {
        frame::finish(&mut self.out);
        let mut sent = 0;
        while sent < self.out.len() {
            match rustix::io::write(&self.stdin, &self.out[sent..]) {
                Ok(n) => sent += n,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.wait(true)?;
                    self.fill()?;
                }
                Err(Errno::PIPE) => return Err(self.died()),
                Err(e) => return Err(e.into()),
            }
        }
        frame::begin(&mut self.out);
        Ok(())
    }
    /// The body of the next frame from the guest.
    pub(crate) fn receive(&mut self) -> Result<&[u8], LaneError> {
        loop {
            let waiting = &self.received[self.taken..];
            if let Some((length, rest)) = waiting.split_first_chunk::<4>() {
                let length = u32::from_le_bytes(*length) as usize;
                if length > frame::MAX_FRAME {
                    return Err(garbled(&format!(
                        "a frame of {length} bytes is over the limit of {}",
                        frame::MAX_FRAME
                    )));
                }
                if rest.len() >= length {
                    let begin = self.taken + 4;
                    self.taken = begin + length;
                    return Ok(&self.received[begin..begin + length]);
                }
            }
            self.received.drain(..self.taken);
            self.taken = 0;
            self.wait(false)?;
            self.fill()?;
        }
    }
    fn fill(&mut self) -> Result<(), LaneError> {
        const CHUNK: usize = 1 << 16;
        let have = self.received.len();
        self.received.resize(have + CHUNK, 0);
        let read = rustix::io::read(&self.stdout, &mut self.received[have..]);
        self.received.truncate(have + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => Err(self.died()),
            Ok(_) | Err(Errno::INTR | Errno::AGAIN) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }
    /// Waits until there is something to read, or, if `writing`, room to write.
    fn wait(&mut self, writing: bool) -> Result<(), LaneError> {
        let pipes = [(self.stdout.as_fd(), PollFlags::IN), (self.stdin.as_fd(), PollFlags::OUT)];
        let pipes = if writing { &pipes[..] } else { &pipes[..1] };
        match watchdog::wait(pipes, self.child.id(), CPU_MAX)? {
            Ok(()) => Ok(()),
            Err(stuck) => {
                self.kill();
                let how = match stuck {
                    Stuck::Computes => "computed for more than a second without an end",
                    Stuck::Sleeps => "waits for something that never comes (a lock, a channel, a join?)",
                };
                Err(LaneError::Guest(Misbehaviour::Hung { how: how.to_owned() }))
            }
        }
    }
    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
    /// The guest closed a pipe: how did it end?
    fn died(&mut self) -> LaneError {
        // A guest that closes its pipe and lives on is as good as dead.
        let _ = self.child.kill();
        let how = match self.child.wait() {
            Ok(status) => describe(status),
            Err(_) => "ended its process".to_owned(),
        };
        LaneError::Guest(Misbehaviour::Died { how })
    }
    /// The guest said something that is no reply.
    pub(crate) fn garbled(&mut self, how: &str) -> LaneError {
        self.kill();
        garbled(how)
    }
}
impl Drop for Lane {
    fn drop(&mut self) {
        self.kill();
    }
}

fn garbled(how: &str) -> LaneError {
    LaneError::Guest(Misbehaviour::Garbled { how: how.to_owned() })
}

/// How a process ended, as a clause with the process as its subject.
fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended its own process (exit code {code})"),
        (None, Some(libc::SIGSEGV | libc::SIGBUS)) => {
            "overflowed its stack, most likely: look for a recursion without end".to_owned()
        }
        (None, Some(libc::SIGABRT)) => {
            "aborted: it called abort(), panicked while panicking, or ran out of memory".to_owned()
        }
        (None, Some(libc::SIGKILL)) => "was killed: it closed its pipe, or used too much".to_owned(),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// Whatever happens to the harness, no guest outlives it. Called between fork and exec.
fn die_with_parent(parent: u32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // it may have died before the signal was set
    if rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get() as u32) != Some(parent) {
        return Err(io::ErrorKind::NotConnected.into());
    }
    Ok(())
}
