//! `raft_persist`: what somebody was told, no crash takes back.

mod checks;
mod worlds;

pub(crate) use checks::exercise;
