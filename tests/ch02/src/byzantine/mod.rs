//! `byzantine`: honest nodes that agree on every broadcast, whatever traitors say.

mod checks;
mod oracle;
mod traitor;
mod worlds;

pub(crate) use checks::exercise;
