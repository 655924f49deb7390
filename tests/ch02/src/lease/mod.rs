//! `lease`: a lock service, a storage, and clients that write under leases.

mod checks;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
