//! `hlc`: never against causality, never far from the wall, and not fooled by clocks that are out of order.

mod checks;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
