//! What a checker answers, and what it may spend.

use std::fmt;

use crate::level::Level;
use crate::operations::OpId;

/// What a checker found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The history keeps the promise.
    Ok,
    /// It breaks it, and here is why.
    Violation(Box<Violation>),
    /// The budget ran out, or the question has no answer for this history. Never a guess.
    Undecided {
        /// What was missing.
        why: Why,
    },
}

impl Verdict {
    /// The history keeps the promise.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }

    /// The history breaks the promise.
    pub fn is_violation(&self) -> bool {
        matches!(self, Self::Violation(_))
    }

    /// The evidence, if the promise is broken.
    pub fn violation(&self) -> Option<&Violation> {
        match self {
            Self::Violation(violation) => Some(violation),
            Self::Ok | Self::Undecided { .. } => None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => write!(f, "ok"),
            Self::Violation(violation) => write!(f, "not {}: {}", violation.level, violation.sentence),
            Self::Undecided { why } => write!(f, "undecided: {why}"),
        }
    }
}

/// The evidence against a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The promise that is broken.
    pub level: Level,
    /// The operation that cannot be placed: up to its return all was well.
    pub guilty: OpId,
    /// The operations of a minimal sub-history that breaks the same promise, in the order of invocation: take away any read, or any value with
    /// all that wrote or read it, and the rest is legal.
    pub core: Vec<OpId>,
    /// What happened, in a sentence.
    pub sentence: String,
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The search took all the steps it was given.
    Steps {
        /// How many.
        given: u64,
    },
    /// The search needed more memory than it was given.
    Bytes {
        /// How many.
        given: usize,
    },
    /// Two writes of one key wrote the same value (or the initial one), so a read does not tell which of them it saw.
    SharedValue {
        /// The later of the two.
        write: OpId,
    },
    /// The level is defined for plain reads and writes, and this operation is neither.
    NotPlain {
        /// The first of its kind.
        operation: OpId,
    },
    /// The history never settled, or something was written after it had, so nothing can be said about where it ends up.
    NotSettled,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps { given } => write!(f, "no answer within {given} steps"),
            Self::Bytes { given } => write!(f, "no answer within {} MB", given >> 20),
            Self::SharedValue { write } => {
                write!(
                    f,
                    "operation {} writes a value that was there before, so reads of it are ambiguous",
                    write.0
                )
            }
            Self::NotPlain { operation } => {
                write!(
                    f,
                    "operation {} is no plain read or write of one key, for which alone this is defined",
                    operation.0
                )
            }
            Self::NotSettled => write!(f, "the history does not end in a settled phase without writes"),
        }
    }
}

/// What a search may spend: steps and bytes, never time, so that a verdict is the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Attempts to place an operation. Some millions a second.
    pub steps: u64,
    /// Memory for what the search remembers, counted, in bytes.
    pub bytes: usize,
}

impl Default for Budget {
    /// 50 million steps (some seconds), 256 MB.
    fn default() -> Self {
        Self { steps: 50_000_000, bytes: 256 << 20 }
    }
}
