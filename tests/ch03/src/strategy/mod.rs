//! `strategy`: which way of replication does what is asked, in a run.

mod checks;
mod oracle;
mod store;
mod trial;
mod worlds;

pub(crate) use checks::exercise;
