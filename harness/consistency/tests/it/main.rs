//! The checkers, against classics, brute force, each other, and porcupine-rs.

mod brute;
mod classics;
mod linear;
mod play;
mod weak;
