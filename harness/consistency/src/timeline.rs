//! A history as a picture in text: a line a process, time to the right.

/// A fault, to be shown above the operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it began, in the unit of the history.
    pub from: u64,
    /// When it was healed, if it was.
    pub to: Option<u64>,
    /// What it was: `partition n1 | n2 n3`.
    pub what: String,
}
