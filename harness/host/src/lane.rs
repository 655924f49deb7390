//! A lane: one guest process, and the two pipes to it.

use crate::budget;
use crate::commands::{Commands, Roles};
use crate::error::{HostError, LaneError};
use crate::launch::{Guest, MEMORY_MAX};
use crate::watchdog::{Patience, Stuck};
use lab::frame::{self, Covered, Farewell, Hello, Inbox, Reply, Token};
use rustix::event::PollFlags;
use rustix::io::Errno;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus};
use std::time::Duration;
use world::{Death, Excess, Misbehaviour, Nonsense, Stall};

/// CPU time that a guest may use before it answers a frame.
pub(crate) const CPU_MAX: Duration = Duration::from_secs(1);
/// Pipes are made this large where the system lets us, in bytes.
const PIPE_BYTES: usize = 1 << 20;
/// What a guest may say before it is listened to, in bytes: while it is still being told what to do.
const UNHEARD_MAX: usize = 4 * frame::MAX_FRAME;

/// What is listened to of what student code prints in one event, in bytes: more than the runtime passes on.
const PRINTED_MAX: u64 = 64 << 10;

pub(crate) struct Lane {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// What student code prints, if anybody listens.
    stderr: Option<ChildStderr>,
    roles: Roles,
    covered: Covered,
    token: Token,
    patience: Patience,
    inbox: Inbox,
}

impl Lane {
    /// A guest that has said what it can, and whose frames begin with this token from then on.
    pub(crate) fn spawn(guest: &Guest, token: Token, aloud: bool) -> Result<Lane, HostError> {
        let failed = |source| HostError::Spawn { path: guest.binary().display().to_string(), source };
        let mut child = guest.start(aloud).map_err(failed)?;
        budget::begins(child.id());
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both were piped")
        };
        for fd in [stdin.as_fd(), stdout.as_fd()] {
            rustix::io::ioctl_fionbio(fd, true)?;
            let _ = rustix::pipe::fcntl_setpipe_size(fd, PIPE_BYTES); // an unprivileged user may have used up his share
        }
        let stderr = child.stderr.take();
        if let Some(stderr) = &stderr {
            rustix::io::ioctl_fionbio(stderr, true)?;
        }
        let mut lane = Lane {
            child,
            stdin,
            stdout,
            stderr,
            roles: Roles::new(Vec::new()),
            covered: Covered { hash_keys: false, clocks: false, addresses: false, cycle_counter: false },
            token,
            patience: Patience::new(CPU_MAX),
            inbox: Inbox::default(),
        };
        let hello: Option<Hello> = match lane.receive() {
            Ok(()) => lane.inbox.take().ok().flatten().and_then(frame::decode),
            Err(LaneError::Host(error)) => return Err(error),
            Err(LaneError::Guest(how)) => return Err(HostError::NoGreeting { how: format!("{how:?}") }),
        };
        let hello = hello.filter(|hello| hello.version == frame::VERSION);
        let Some(hello) = hello else {
            return Err(HostError::NoGreeting { how: "begins with words that are no greeting".to_owned() });
        };
        if !hello.faults.is_empty() {
            return Err(HostError::NotDeterministic { faults: hello.faults });
        }
        lane.covered = hello.covered;
        lane.roles = Roles::new(hello.roles);
        Ok(lane)
    }
    /// What of determinism holds in it.
    pub(crate) fn covered(&self) -> Covered {
        self.covered
    }
    /// What it can host.
    pub(crate) fn roles(&self) -> &Roles {
        &self.roles
    }

    /// Sends these commands. Whatever the guest says meanwhile is taken in, so that neither side ever waits for the
    /// other to read.
    pub(crate) fn send(&mut self, commands: &mut Commands) -> Result<(), LaneError> {
        self.patience = Patience::new(CPU_MAX);
        let bytes = commands.finish();
        let mut sent = 0;
        while sent < bytes.len() {
            match rustix::io::write(&self.stdin, &bytes[sent..]) {
                Ok(n) => {
                    sent += n;
                    self.patience.moved(n);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.wait(true)?;
                    self.fill()?;
                    if self.inbox.waiting() > UNHEARD_MAX {
                        return Err(self.garbled(Nonsense::TooMany));
                    }
                }
                Err(Errno::PIPE) => return Err(self.died()),
                Err(e) => return Err(e.into()),
            }
        }
        commands.clear();
        Ok(())
    }
    /// Takes so many replies, in order: how many bytes they were.
    pub(crate) fn collect(
        &mut self,
        many: usize,
        mut each: impl FnMut(Reply<'_>) -> Result<(), LaneError>,
    ) -> Result<usize, LaneError> {
        let (mut left, mut heard) = (many, 0);
        while left > 0 {
            self.receive()?;
            let mut body = self.inbox.take().ok().flatten().unwrap_or_default();
            heard += body.len();
            if Token::take(&mut body) != Some(self.token) || body.is_empty() {
                return Err(self.garbled(Nonsense::NoReply));
            }
            while !body.is_empty() {
                let Some(reply) = frame::take(&mut body) else { return Err(self.garbled(Nonsense::NoReply)) };
                left -= 1;
                // seen before the last reply is used: a step can be answered, or have gone wrong, not both
                if left == 0 && !body.is_empty() {
                    return Err(self.garbled(Nonsense::TooMany));
                }
                each(reply)?;
            }
        }
        Ok(heard)
    }
    /// Waits until a whole frame has come.
    fn receive(&mut self) -> Result<(), LaneError> {
        // In a batch it is there already, more often than not: what came is read before it is waited for.
        let mut wait = false;
        while !self.inbox.has_frame().map_err(|_| self.garbled(Nonsense::NoReply))? {
            if wait {
                self.wait(false)?;
            }
            self.fill()?;
            wait = true;
        }
        Ok(())
    }
    fn fill(&mut self) -> Result<(), LaneError> {
        match self.inbox.fill(&mut self.stdout) {
            Ok(0) => Err(self.died()),
            Ok(n) => {
                self.patience.moved(n);
                Ok(())
            }
            Err(e) => match Errno::from_io_error(&e) {
                Some(Errno::INTR | Errno::AGAIN) => Ok(()),
                Some(e) => Err(e.into()),
                None => Err(Errno::IO.into()),
            },
        }
    }
    /// Waits until there is something to read, or, if `writing`, room to write.
    fn wait(&mut self, writing: bool) -> Result<(), LaneError> {
        let pipes = [(self.stdout.as_fd(), PollFlags::IN), (self.stdin.as_fd(), PollFlags::OUT)];
        let pipes = if writing { &pipes[..] } else { &pipes[..1] };
        let Err(stuck) = self.patience.wait(pipes, self.child.id())? else { return Ok(()) };
        let half = self.inbox.waiting() > 0;
        match stuck {
            Stuck::Gone => return Err(self.died()),
            // it sleeps where it takes commands, for all it knows
            Stuck::Sleeps if half => return Err(self.garbled(Nonsense::NoReply)),
            Stuck::Computes | Stuck::Sleeps => self.kill(),
        }
        let stall = if stuck == Stuck::Computes { Stall::Computes } else { Stall::Waits };
        Err(LaneError::Guest(Misbehaviour::Hung(stall)))
    }
    /// What student code has printed since the last call, if anybody listens.
    pub(crate) fn printed(&mut self) -> String {
        let mut printed = Vec::new();
        if let Some(stderr) = &mut self.stderr {
            // it ends where nothing more is there, for now or for ever; who writes on and on is heard that far
            let _ = stderr.take(PRINTED_MAX).read_to_end(&mut printed);
        }
        String::from_utf8_lossy(&printed).into_owned()
    }
    fn kill(&mut self) {
        budget::ends(self.child.id());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
    /// The guest closed a pipe: how did it end?
    fn died(&mut self) -> LaneError {
        // A guest that closes its pipe and lives on is as good as dead. For one that is dying already, and has
        // its pipes closed for that, this signal comes too late to change how.
        budget::ends(self.child.id());
        let _ = self.child.kill();
        LaneError::Guest(match self.child.wait() {
            Ok(status) => describe(status),
            Err(_) => Misbehaviour::Died(Death::Unknown),
        })
    }
    /// The guest said something that is no reply.
    pub(crate) fn garbled(&mut self, how: Nonsense) -> LaneError {
        self.kill();
        LaneError::Guest(Misbehaviour::Garbled(how))
    }
}
impl Drop for Lane {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How a process ended.
fn describe(status: ExitStatus) -> Misbehaviour {
    if let Some(code) = status.code() {
        return match Farewell::of(code) {
            Some(Farewell::Blocked) => Misbehaviour::Hung(Stall::Waits),
            Some(Farewell::OutOfMemory) => Misbehaviour::Died(Death::OutOfMemory(MEMORY_MAX >> 20)),
            Some(Farewell::TooLong) => Misbehaviour::Flooded(Excess::Reply(frame::MAX_FRAME >> 20)),
            Some(Farewell::Confused) | None => Misbehaviour::Died(Death::Exited(code)),
        };
    }
    Misbehaviour::Died(match status.signal() {
        Some(libc::SIGSEGV | libc::SIGBUS) => Death::StackOverflow,
        Some(libc::SIGABRT) => Death::Aborted,
        Some(libc::SIGKILL) => Death::Killed,
        Some(libc::SIGSYS) => Death::ForbiddenCall,
        Some(libc::SIGXFSZ) => Death::WroteFile,
        Some(signal) => Death::Signal(signal),
        None => Death::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_process_ended_is_told_by_its_status() {
        let signal = |signal| describe(ExitStatus::from_raw(signal));
        let farewell = |farewell: Farewell| describe(ExitStatus::from_raw((farewell as i32) << 8));
        assert_eq!(signal(libc::SIGSEGV), Misbehaviour::Died(Death::StackOverflow));
        assert_eq!(signal(libc::SIGABRT), Misbehaviour::Died(Death::Aborted));
        assert_eq!(signal(libc::SIGSYS), Misbehaviour::Died(Death::ForbiddenCall));
        assert_eq!(signal(libc::SIGXFSZ), Misbehaviour::Died(Death::WroteFile));
        assert_eq!(signal(libc::SIGTERM), Misbehaviour::Died(Death::Signal(libc::SIGTERM)));
        assert_eq!(signal(0), Misbehaviour::Died(Death::Exited(0)));
        assert_eq!(farewell(Farewell::Blocked), Misbehaviour::Hung(Stall::Waits));
        assert_eq!(farewell(Farewell::OutOfMemory), Misbehaviour::Died(Death::OutOfMemory(MEMORY_MAX >> 20)));
        assert!(matches!(farewell(Farewell::TooLong), Misbehaviour::Flooded(Excess::Reply(_))));
    }
}
