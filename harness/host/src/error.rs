//! What goes wrong with a guest, and whose fault it is.

use rustix::io::Errno;
use std::io;
use world::Misbehaviour;

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
    /// It ended, or talked nonsense, before any student code ran.
    #[error("the guest does not come up: it {how}; `faultlines doctor` looks into what is missing here")]
    NoGreeting {
        /// What it did, as a clause with the guest as its subject.
        how: String,
    },
    /// What makes runs repeatable does not work here.
    #[error("runs cannot be repeated on this machine: {}; `faultlines doctor` says more", faults.join("; "))]
    NotDeterministic {
        /// What the guest's self-test found, in sentences.
        faults: Vec<String>,
    },
    /// The guest does not know a role that it was built with.
    #[error("the guest was built without the role {0}; rebuild it: remove the cache folder and grade again")]
    NoSuchRole(&'static str),
    /// Somebody else killed guests again and again.
    #[error(
        "a guest was killed again and again, and not by its own code: this machine ran out of memory, or another program did \
         it; end programs that you do not need, or give the machine or the container more memory, and grade again"
    )]
    Killed,
    /// A pipe failed otherwise than by closing.
    #[error("cannot talk to the guest: {0}")]
    Pipe(#[from] Errno),
}

/// A guest that cannot go on: what it did.
pub(crate) enum LaneError {
    Guest(Misbehaviour),
    Host(HostError),
}
impl From<HostError> for LaneError {
    fn from(error: HostError) -> Self {
        LaneError::Host(error)
    }
}
impl From<Errno> for LaneError {
    fn from(error: Errno) -> Self {
        LaneError::Host(HostError::Pipe(error))
    }
}
