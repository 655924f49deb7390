//! `raft_election`: at most one leader in a term, and soon one.

mod checks;
mod worlds;

pub(crate) use checks::exercise;
