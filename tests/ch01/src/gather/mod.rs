//! `gather`: searches over shards that are slow, silent, or have nothing.

mod checks;
mod oracle;
mod shard;
mod worlds;

pub(crate) use checks::exercise;
