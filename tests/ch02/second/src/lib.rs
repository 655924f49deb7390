//! Second correct implementations of chapter 2, of other structure than the references.

pub mod byzantine;
pub mod classify;
pub mod detector;
pub mod lease;
pub mod membership;
pub mod wal;
