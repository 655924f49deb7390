//! `mutex`: one inside at a time, in causal order, without waiting for ever, at Lamport's price.

mod checks;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
