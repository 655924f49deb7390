//! `paxos`: one value, whatever crashes, and whatever is slow.

mod checks;
mod goals;
mod oracle;
mod puppet;
mod scribe;
mod worlds;

pub(crate) use checks::exercise;
