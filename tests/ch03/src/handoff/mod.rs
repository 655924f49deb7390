//! `handoff`: step 2 of the quorum store. Nodes stand in for homes that do not answer.

mod checks;
mod worlds;

pub(crate) use checks::exercise;
