//! `fallacies`: a gateway in front of backends, on a network about which all eight fallacies are false.

mod backend;
mod checks;
mod oracle;
mod wire;
mod worlds;

pub(crate) use checks::exercise;
