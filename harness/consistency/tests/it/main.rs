//! The checkers, against classics, brute force, each other, and porcupine-rs.

mod bounds;
mod brute;
mod classics;
mod enumerate;
mod files;
mod linear;
mod metamorphic;
mod play;
mod porcupine;
mod weak;
