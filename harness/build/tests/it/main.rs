//! The tests of this crate. Most use a small kit of their own, which is compiled in a second.
#![expect(clippy::unwrap_used, reason = "what a test cannot set up fails it")]

mod attacks;
mod kits;
mod skeletons;
mod sources;
mod statics;
mod submissions;
mod support;
mod variants;
