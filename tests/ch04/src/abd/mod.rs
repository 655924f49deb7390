//! `abd`: a linearizable register without a leader.

mod checks;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
