//! `raft_log`: what a leader's log says, all do.

mod checks;
mod worlds;

pub(crate) use checks::exercise;
