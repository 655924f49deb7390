//! Chapter 8: distributed transactions. One module an exercise; README.md has the reading.

pub mod idempotency;
