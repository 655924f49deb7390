//! Chapter 7: ordering and logical clocks. One module an exercise; README.md has the reading.

pub mod causal_broadcast;
pub mod happens_before;
pub mod lamport;
pub mod mutex;
pub mod vector;
