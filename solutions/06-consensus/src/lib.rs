//! Chapter 6: consensus. One module an exercise; README.md has the reading.

pub mod paxos;
