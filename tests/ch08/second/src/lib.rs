//! Second correct implementations of chapter 8, of other structure than the references.

pub mod idempotency;
