//! Second correct implementations of chapter 7, of other structure than the references.

pub mod causal_broadcast;
pub mod happens_before;
pub mod lamport;
pub mod mutex;
pub mod vector;
