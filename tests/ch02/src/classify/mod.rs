//! `classify`: which class of failure explains what an observer saw of a node.

mod checks;
mod drawing;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
