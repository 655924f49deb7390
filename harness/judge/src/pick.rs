//! Chance for a suite's own choices: how many nodes, which faults, when.

use crate::seed::WorldSeed;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A stream of choices, the same for the same world seed; and which world of the check it is for.
#[derive(Debug, Clone)]
pub struct Pick {
    keys: (u64, u64),
    drawn: u64,
    run: u32,
    point: u32,
}
impl Pick {
    /// For the `nth` world of a check that sweeps so many points a run, 0 for none.
    pub(crate) fn new(seed: WorldSeed, nth: u32, sweep: u32) -> Pick {
        let [a, b] = seed.halves();
        // another stream than the world's own draws, which use the same key
        let point = nth.checked_rem(sweep).map_or(0, |place| place + 1);
        Pick { keys: (!a, b.rotate_left(32)), drawn: 0, run: nth / sweep.max(1), point }
    }
    /// Which run of the check this is, from 0. The worlds of a [`sweep`](crate::Check::sweep) are one run.
    pub fn run(&self) -> u32 {
        self.run
    }
    /// At which point of its run the fault of this world falls, from 1 to the check's [`sweep`](crate::Check::sweep). It is the
    /// only thing in which the worlds of a run may differ. 0 where the check sweeps nothing.
    pub fn point(&self) -> u32 {
        self.point
    }
    /// The same for two points: the earlier one first, all pairs in order of the later one. A check that sweeps
    /// [`pairs(n)`](crate::pairs) worlds a run tries every pair of the first `n` points.
    pub fn pair(&self) -> (u32, u32) {
        pair(self.point)
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

/// The `nth` pair of points, from 1: the earlier one first, all pairs in order of the later one.
pub const fn pair(nth: u32) -> (u32, u32) {
    let (mut place, mut later) = (nth.saturating_sub(1), 2);
    while place >= later - 1 {
        place -= later - 1;
        later += 1;
    }
    (place + 1, later)
}
/// How many pairs of points there are among the first `n`.
pub const fn pairs(n: u32) -> u32 {
    n * n.saturating_sub(1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_worlds_of_a_sweep_are_one_run_at_every_point() {
        let seed = WorldSeed([7; 16]);
        let places: Vec<(u32, u32)> =
            (0..6).map(|nth| Pick::new(seed, nth, 3)).map(|pick| (pick.run(), pick.point())).collect();
        assert_eq!(places, [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]);
        let alone = Pick::new(seed, 5, 0);
        assert_eq!((alone.run(), alone.point()), (5, 0));
    }

    #[test]
    fn every_pair_of_points_is_tried_once() {
        let tried: Vec<(u32, u32)> =
            (0..pairs(20)).map(|nth| Pick::new(WorldSeed([7; 16]), nth, pairs(20)).pair()).collect();
        let all: BTreeSet<(u32, u32)> = tried.iter().copied().collect();
        assert_eq!((tried.len(), all.len()), (190, 190));
        assert!(all.iter().all(|(first, then)| (1..=20).contains(first) && (first + 1..=20).contains(then)));
        assert!(tried.is_sorted_by_key(|(_, then)| *then));
    }
}
