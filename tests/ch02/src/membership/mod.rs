//! `membership`: what nodes believe of each other, beside who is up.

mod checks;
mod load;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
