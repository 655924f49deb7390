//! `courier`: letters to a mailbox, under four guarantees.

mod checks;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
