//! Chapter 4, written another way.

pub mod abd;
