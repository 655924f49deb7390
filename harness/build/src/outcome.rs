//! How a run of the compiler ended.

use crate::diagnostics::Message;
use crate::error::Error;
use confine::Usage;

/// Address space of the compiler, in bytes: several times what rustc takes for a chapter.
pub(crate) const MEMORY_MAX: u64 = 4 << 30;
/// A file that the compiler writes, in bytes.
pub(crate) const FILE_MAX: u64 = 512 << 20;

/// What the compiler said about one crate.
pub(crate) struct Report {
    pub(crate) succeeded: bool,
    /// Errors and warnings, in its order.
    pub(crate) messages: Vec<Message>,
}
impl Report {
    pub(crate) fn errors(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| message.level.starts_with("error"))
    }
    pub(crate) fn warnings(&self) -> usize {
        self.messages.iter().filter(|message| message.level == "warning" && !message.spans.is_empty()).count()
    }
}

/// How one run of the compiler ended.
pub(crate) enum Outcome {
    /// It succeeded, or rejected code and said where.
    Said(Report),
    /// The code, or the machine.
    Odd(Odd),
}

/// An end of the compiler that does not tell whose fault it is.
pub(crate) struct Odd {
    /// By which signal, if by one.
    pub(crate) signal: Option<i32>,
    /// The same, or what else happened, in words.
    pub(crate) how: String,
    /// What it printed beside errors with a place in the code.
    pub(crate) said: String,
    /// It could not link.
    pub(crate) is_linking: bool,
    pub(crate) usage: Usage,
    /// What it means where the machine is sound.
    pub(crate) otherwise: Otherwise,
}
/// What an odd end means on a sound machine.
pub(crate) enum Otherwise {
    /// Errors of the code's after all.
    Report(Report),
    /// Code that no compiler should get.
    Error(Error),
}
impl Odd {
    /// Whether another process ended it: no compiler sends itself one of these.
    pub(crate) fn was_killed(&self) -> bool {
        matches!(self.signal, Some(1 | 2 | 3 | 7 | 9 | 15))
    }
}
