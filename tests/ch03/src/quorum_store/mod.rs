//! `quorum_store`: quorums of homes, and stand-ins for homes.

mod checks;
pub(crate) mod oracle;
pub(crate) mod worlds;

pub(crate) use checks::{ENTRY, exercise};
