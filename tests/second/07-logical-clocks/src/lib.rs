//! Second correct implementations of chapter 7, of other structure than the references.

pub mod happens_before;
pub mod hlc;
pub mod lamport;
pub mod vector;
