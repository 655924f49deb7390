//! Chapter 1, solved in other ways than the reference.

pub mod courier;
pub mod fallacies;
pub mod gather;
pub mod rpc;
