//! Chapter 1: what makes a system distributed. One module an exercise; README.md has the reading.

pub mod courier;
pub mod fallacies;
pub mod gather;
pub mod rpc;
