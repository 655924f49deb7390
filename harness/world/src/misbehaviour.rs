//! What no node may do, as data: the judge puts it into words.

/// What no node may do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Misbehaviour {
    /// It panicked.
    Panicked {
        /// With these words.
        message: String,
        /// `src/file.rs:line:column`; empty where unknown.
        at: String,
        /// At a `todo!()`.
        not_started: bool,
    },
    /// Its process ended.
    Died(Death),
    /// It did not come back from an event in time.
    Hung(Stall),
    /// What it sent back is no reply.
    Garbled(Nonsense),
    /// It asked for more than a world has.
    Flooded(Excess),
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Death {
    /// With this exit code.
    Exited(i32),
    /// Most likely it overflowed its stack: it touched memory that is none.
    StackOverflow,
    /// It asked for more memory than a process has, in MiB.
    OutOfMemory(u64),
    /// It called `abort`, or panicked while it panicked.
    Aborted,
    /// It was killed: it had closed its pipe, or the machine ran out of memory.
    Killed,
    /// It asked the kernel for what the sandbox answers with death.
    ForbiddenCall,
    /// It wrote a file that it had found open.
    WroteFile,
    /// By this signal.
    Signal(i32),
    /// In a way that the kernel did not tell.
    Unknown,
}
/// How an event went on for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stall {
    /// It computes.
    Computes,
    /// It waits for something.
    Waits,
}
/// What is wrong with a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nonsense {
    /// Its bytes are no reply.
    NoReply,
    /// There are more replies than events.
    TooMany,
    /// It says that an event which no node sent is not one of its node's type.
    NotItsType,
    /// It gives a call an id that is not its node's own.
    ForeignCall,
}
/// What there was too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Excess {
    /// So many effects in one event.
    EffectsOfEvent(usize),
    /// A message of so many bytes.
    Message(usize),
    /// An event, a reply or a call of so many bytes.
    Value(usize),
    /// Bytes of events, replies and calls in all; the limit.
    Shown(usize),
    /// Effects in all; the limit.
    Effects(u64),
    /// Bytes under way or unsynced; the limit.
    Bytes(usize),
    /// Bytes on one disk; the limit.
    Disk(usize),
    /// MiB in one reply; the limit.
    Reply(usize),
    /// MiB of a disk that must be handed over in one piece; the limit.
    Boot(usize),
}
