//! `wal`: what clients are told of their records, beside the bytes of the file.

mod checks;
mod file;
mod oracle;
mod scribe;
mod worlds;

pub(crate) use checks::exercise;
