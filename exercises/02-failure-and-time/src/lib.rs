//! Chapter 2: failure models and time. One module an exercise; README.md has the reading.

pub mod byzantine;
pub mod classify;
pub mod detector;
pub mod lease;
pub mod membership;
pub mod wal;
