//! `primary_backup`: one primary for ever, in-sync backups, and clients that append, try again, read, and audit single disks.

mod checks;
mod costs;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
