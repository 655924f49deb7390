//! `session`: the devices of one user, and a store whose replicas are behind by different times.

mod checks;
mod oracle;
mod replica;
mod worlds;

pub(crate) use checks::exercise;
