//! Worlds count in blocks, so that counts do not depend on how worlds are batched.

use super::evidence::Evidence;
use std::ops::Range;

/// Worlds count in blocks of so many, and the first block that holds a failure is the last: so counts do not depend on
/// how worlds are batched.
const BLOCK: u32 = 64;

/// The first block is shorter: most bugs show in it, and nobody waits for the other worlds.
pub(crate) const FIRST_BLOCK: u32 = 8;

/// Up to which world a stretch goes that begins at this one and in which `batch` run side by side: whole blocks.
pub(crate) fn stretch(first: u32, batch: u32) -> u32 {
    match first {
        0 => FIRST_BLOCK,
        _ => (first / BLOCK * BLOCK).saturating_add(batch).next_multiple_of(BLOCK),
    }
}

/// The block of this world.
pub(crate) fn block_of(nth: u32) -> Range<u32> {
    if nth < FIRST_BLOCK {
        return 0..FIRST_BLOCK;
    }
    let begin = nth / BLOCK * BLOCK;
    begin.max(FIRST_BLOCK)..begin + BLOCK
}

/// Whether the first block that holds a failure is complete.
pub(super) fn is_decided(first: u32, evidences: &[Evidence]) -> bool {
    decided(first, evidences).is_some_and(|end| first + evidences.len() as u32 >= end)
}

/// The end of the first block that holds a failure, if one does: no later world counts.
pub(super) fn decided(first: u32, evidences: &[Evidence]) -> Option<u32> {
    let failed = (first..).zip(evidences).find(|(_, evidence)| evidence.how.is_some());
    failed.map(|(nth, _)| block_of(nth).end)
}
