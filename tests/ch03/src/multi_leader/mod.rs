//! `multi_leader`: replicas that all take writes, and become equal.

mod checks;
mod facts;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
