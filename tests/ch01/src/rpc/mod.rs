//! `rpc`: calls to servers that are silent, slow, or refuse to work.

mod checks;
mod oracle;
mod server;
mod worlds;

pub(crate) use checks::exercise;
