//! What is kept counts for, against the limits of a world.

/// What anything kept counts for on top of its bytes.
pub(crate) const BOOKKEEPING: usize = 64;

/// What bytes count for against the limit while they are kept.
pub(crate) fn weight(bytes: &[u8]) -> usize {
    bytes.len() + BOOKKEEPING
}
