//! Chance, keyed by cause.
//!
//! Nothing here is a stream. Every draw is a pseudo-random function (SipHash-1-3, Aumasson and Bernstein
//! 2012) of the seed and of *what the draw is for*: the chain of causes that led to a message, and the place
//! of the effect among its handler's. So to take a fault or a request out of a scenario leaves the fate of
//! every message whose causes are unchanged as it was, and a failing run can be cut down to its core.

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;
use std::time::Duration;

/// What all chance of a world comes from. No node can infer it from what it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed(pub [u64; 2]);

/// The chain of causes of one event, hashed: where its draws come from, and the name of the event over all
/// runs of a scenario and of its cut-down versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

impl Key {
    /// Sixty-four bits that a node may see. It could work out the key from them: the key is the output of a PRF, tells
    /// nothing about the seed or about other keys, and all draws that follow from it need the seed.
    pub(crate) fn entropy(self) -> u64 {
        Luck(self.0).bits(0)
    }
}

/// A probability, in parts per million.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(pub u32);
impl Chance {
    /// It does not happen.
    pub const NEVER: Chance = Chance(0);
    /// It always happens.
    pub const ALWAYS: Chance = Chance(1_000_000);
    /// Both together, up to [`ALWAYS`](Chance::ALWAYS).
    pub(crate) fn and(self, more: Chance) -> Chance {
        Chance(self.0.saturating_add(more.0).min(Chance::ALWAYS.0))
    }
    /// So many times in a hundred.
    pub const fn percent(percent: u32) -> Chance {
        Chance(percent * 10_000)
    }
}

/// What a draw is for, so that no two draws of one event are the same.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(crate) enum Purpose {
    Start = 1,
    Request,
    Effect,
    Copy,
    Crash,
    Sync,
    Call,
    Forge,
}

impl Seed {
    fn draw(self, purpose: Purpose, a: u64, b: u64) -> (u64, u64) {
        let mut hasher = SipHasher13::new_with_keys(self.0[0], self.0[1]);
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&(purpose as u64).to_le_bytes());
        bytes[8..16].copy_from_slice(&a.to_le_bytes());
        bytes[16..].copy_from_slice(&b.to_le_bytes());
        hasher.write(&bytes);
        let drawn = hasher.finish128();
        (drawn.h1, drawn.h2)
    }
    /// The key of what `purpose` makes of `a` and `b`, and chance of its own.
    pub(crate) fn key(self, purpose: Purpose, a: u64, b: u64) -> (Key, Luck) {
        let (key, luck) = self.draw(purpose, a, b);
        (Key(key), Luck(luck))
    }
}

/// The chance of one event, drawn once and spread: a fixed number of questions, each asked by its own place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Luck(pub(crate) u64);
impl Luck {
    /// Sixty-four bits for the `nth` question.
    pub(crate) fn bits(self, nth: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014) over the output of the PRF, which no node sees.
        let mut z = self.0.wrapping_add((nth + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// A number below `bound`; 0 where the bound is 0.
    pub(crate) fn below(self, nth: u64, bound: u64) -> u64 {
        ((u128::from(self.bits(nth)) * u128::from(bound)) >> 64) as u64
    }
    pub(crate) fn happens(self, nth: u64, chance: Chance) -> bool {
        chance.0 > 0 && self.below(nth, 1_000_000) < u64::from(chance.0)
    }
    /// A duration from `min` to `max`, both included.
    pub(crate) fn between(self, nth: u64, min: Duration, max: Duration) -> Duration {
        let (min, max) = (crate::time::nanos(min), crate::time::nanos(max));
        Duration::from_nanos(min + self.below(nth, max.saturating_sub(min).saturating_add(1)))
    }
}
