//! `detector`: which peers each node suspects, and which of them have crashed.

mod checks;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
