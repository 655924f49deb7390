//! Second correct implementations of chapter 3, of other structure than the references.

pub mod multi_leader;
pub mod primary_backup;
pub mod quorum_store;
pub mod session;
pub mod strategy;
