//! Chapter 1, solved in other ways than the reference.

pub mod courier;
