//! Sets of slots: which of the operations open at a moment have been placed already.

use std::hash::Hash;

/// A set of small numbers, cheap to copy and compare.
pub(crate) trait Slots: Clone + Eq + Hash + Default {
    fn contains(&self, slot: u32) -> bool;
    fn insert(&mut self, slot: u32);
    fn remove(&mut self, slot: u32);
    fn is_subset(&self, other: &Self) -> bool;
    /// Bytes on the heap.
    fn heap_bytes(&self) -> usize {
        0
    }
}

macro_rules! word {
    ($word:ty) => {
        impl Slots for $word {
            #[inline]
            fn contains(&self, slot: u32) -> bool {
                (self >> slot) & 1 == 1
            }
            #[inline]
            fn insert(&mut self, slot: u32) {
                *self |= 1 << slot;
            }
            #[inline]
            fn remove(&mut self, slot: u32) {
                *self &= !(1 << slot);
            }
            #[inline]
            fn is_subset(&self, other: &Self) -> bool {
                self & !other == 0
            }
        }
    };
}
word!(u64);
word!(u128);

/// Any number of slots. No trailing zero words, so that equal sets are equal.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Wide(Vec<u64>);

impl Slots for Wide {
    fn contains(&self, slot: u32) -> bool {
        self.0.get(slot as usize / 64).is_some_and(|word| (word >> (slot % 64)) & 1 == 1)
    }

    fn insert(&mut self, slot: u32) {
        let word = slot as usize / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (slot % 64);
    }

    fn remove(&mut self, slot: u32) {
        if let Some(word) = self.0.get_mut(slot as usize / 64) {
            *word &= !(1 << (slot % 64));
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    fn is_subset(&self, other: &Self) -> bool {
        self.0.len() <= other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }

    fn heap_bytes(&self) -> usize {
        self.0.capacity() * 8
    }
}
