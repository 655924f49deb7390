//! Chapter 7: ordering and logical clocks. One module an exercise; README.md has the reading.

pub mod happens_before;
pub mod hlc;
pub mod lamport;
pub mod vector;
