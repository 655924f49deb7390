//! Second correct implementations of chapter 6, of other structure than the references.

pub mod paxos;
