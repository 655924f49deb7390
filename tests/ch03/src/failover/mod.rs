//! `failover`: a primary, its backups, and a view service that makes another node the primary whenever it pleases.

mod checks;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
