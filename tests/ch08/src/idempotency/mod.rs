//! `idempotency`: a payment that a client may ask for again and again, and that is made once.

mod checks;
mod oracle;
mod worlds;

pub(crate) use checks::exercise;
