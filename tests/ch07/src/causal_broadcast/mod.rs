//! `causal_broadcast`: causes first, once, to all who live, and no stronger than that.

mod checks;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
