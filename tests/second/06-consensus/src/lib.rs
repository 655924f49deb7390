//! Chapter 6: consensus. One module an exercise, but for Raft, which is one node in three steps; README.md has the reading.

pub mod raft;
