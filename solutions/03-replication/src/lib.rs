//! Chapter 3: replication. One module an exercise; README.md has the reading.
pub mod multi_leader;
pub mod primary_backup;
pub mod quorum_store;
pub mod session;
pub mod strategy;
