//! `lamport`: the clock condition, the total order, restarts, and what stamps cannot tell.

mod checks;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
