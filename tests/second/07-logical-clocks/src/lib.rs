//! Second correct implementations of chapter 7, of other structure than the references.

pub mod causal_broadcast;
pub mod lamport;
pub mod mutex;
