//! What operations and processes are called.

use std::fmt;

/// A client session: operations of one process follow one another.
///
/// Processes may overlap with themselves (two devices of one user, say): an operation precedes another *of its process* when it returned
/// before the other was invoked, and only then. So an operation that never returned precedes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Process(pub u32);

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}

/// An operation of one [`History`](crate::History): its place in the order of invocation, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u32);

impl OpId {
    /// The place of the operation in [`History::operations`](crate::History::operations).
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn of(index: usize) -> Self {
        Self(u32::try_from(index).expect("a history has fewer than 2^32 operations"))
    }
}

/// "It has not returned", as a position among events.
pub(crate) const NEVER: u32 = u32::MAX;
