//! `vector`: compare, merge, and stamps that are exactly as ordered as their events.

mod checks;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
