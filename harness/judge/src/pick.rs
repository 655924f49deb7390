//! Chance for a suite's own choices: how many nodes, which faults, when.

use crate::seed::WorldSeed;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A stream of choices, the same for the same world seed.
#[derive(Debug, Clone)]
pub struct Pick {
    keys: (u64, u64),
    drawn: u64,
}
impl Pick {
    pub(crate) fn new(seed: WorldSeed) -> Pick {
        let [a, b] = seed.halves();
        // another stream than the world's own draws, which use the same key
        Pick { keys: (!a, b.rotate_left(32)), drawn: 0 }
    }
    /// Sixty-four bits.
    pub fn bits(&mut self) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.keys.0, self.keys.1);
        hasher.write_u64(self.drawn);
        self.drawn += 1;
        hasher.finish()
    }
    /// A number of the range.
    pub fn number(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (low, high) = range.into_inner();
        assert!(low <= high, "pick: the range {low}..={high} is empty");
        let span = u128::from(high - low) + 1;
        low + ((u128::from(self.bits()) * span) >> 64) as u64
    }
    /// A small number of the range.
    pub fn small(&mut self, range: RangeInclusive<u32>) -> u32 {
        let (low, high) = range.into_inner();
        u32::try_from(self.number(low.into()..=high.into())).expect("within the range")
    }
    /// A number of milliseconds.
    pub fn millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.number(range))
    }
    /// A number of microseconds.
    pub fn micros(&mut self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_micros(self.number(range))
    }
    /// True so many times in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.number(0..=99) < percent
    }
    /// One of these.
    ///
    /// # Panics
    /// Where there is none.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        assert!(!of.is_empty(), "pick: nothing to choose from");
        &of[usize::try_from(self.number(0..=of.len() as u64 - 1)).expect("a place in a slice")]
    }
    /// These in another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = usize::try_from(self.number(0..=last as u64)).expect("a place in a slice");
            items.swap(last, other);
        }
    }
}
