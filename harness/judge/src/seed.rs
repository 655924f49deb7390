//! Where all chance comes from.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use std::str::FromStr;

/// Changes when worlds of the same seed would run otherwise, or a check asks otherwise.
pub const RELEASE: &str = "faultlines-1";

/// What the seeds of all worlds are derived from. The default one is public, so that a local grade can be
/// repeated anywhere; a secret one cannot be tuned to.
#[derive(Clone)]
pub struct SeedKey(Vec<u8>);
impl SeedKey {
    /// A secret of one's own.
    pub fn secret(key: &str) -> SeedKey {
        SeedKey(key.as_bytes().to_vec())
    }
    /// So many worlds of the `total` of a check, drawn: who does not know the key cannot know them.
    pub(crate) fn places(&self, chapter: u8, exercise: &str, check: &str, total: u32, many: u32) -> Vec<u32> {
        // no run has a number like these
        let drawn = (0..many).map(|nth| self.world(chapter, exercise, check, u32::MAX - nth).halves()[0]);
        drawn.map(|draw| u32::try_from(draw % u64::from(total.max(1))).unwrap_or(0)).collect()
    }
    /// The seed of one run: HMAC-SHA-256 of the release, the check and the run's place, cut to 128 bits.
    pub fn world(&self, chapter: u8, exercise: &str, check: &str, run: u32) -> WorldSeed {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        // each part ends with a byte that no part contains, so that no two lists of parts run together
        for part in [RELEASE, &chapter.to_string(), exercise, check, &run.to_string()] {
            mac.update(part.as_bytes());
            mac.update(&[0xff]);
        }
        let mac = mac.finalize().into_bytes();
        let mut seed = [0; 16];
        seed.copy_from_slice(&mac[..16]);
        WorldSeed(seed)
    }
}
impl Default for SeedKey {
    fn default() -> Self {
        SeedKey(b"public".to_vec())
    }
}
impl fmt::Debug for SeedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeedKey(…)") // may be a secret
    }
}

/// The seed of one world. With the name of its check it is all that it takes to run the world again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorldSeed(pub [u8; 16]);
impl WorldSeed {
    pub(crate) fn halves(self) -> [u64; 2] {
        let (a, b) = self.0.split_at(8);
        [a, b].map(|half| u64::from_le_bytes(half.try_into().expect("eight bytes")))
    }
    /// For the world's own draws.
    pub fn seed(self) -> world::Seed {
        world::Seed(self.halves())
    }
}
/// Thirty-two hexadecimal digits.
impl fmt::Display for WorldSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
impl FromStr for WorldSeed {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a world's seed is thirty-two hexadecimal digits, as a report prints it";
        let mut seed = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return Err(WRONG);
        }
        for (byte, place) in seed.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&text[place..place + 2], 16).map_err(|_| WRONG)?;
        }
        Ok(WorldSeed(seed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_name_counts_and_parts_do_not_run_together() {
        let key = SeedKey::default();
        let seeds = [
            key.world(7, "lamport", "restart", 1),
            key.world(7, "lamport", "restart", 11),
            key.world(7, "lamport", "restart1", 1),
            key.world(7, "lamportr", "estart", 1),
            key.world(77, "lamport", "restart", 1),
            SeedKey::secret("other").world(7, "lamport", "restart", 1),
        ];
        for (i, a) in seeds.iter().enumerate() {
            assert!(seeds[i + 1..].iter().all(|b| a != b), "{seeds:?}");
        }
    }
    #[test]
    fn places_are_of_the_key_and_of_the_check() {
        let public = SeedKey::default();
        let of = |key: &SeedKey, check| key.places(7, "lamport", check, 1_000_000, 2);
        let (one, other) = (of(&public, "restart"), of(&public, "logical"));
        assert_eq!(one, of(&public, "restart"));
        assert!(one.len() == 2 && one[0] != one[1] && one != other);
        assert_ne!(one, of(&SeedKey::secret("other"), "restart"));
        assert!(public.places(7, "lamport", "restart", 3, 50).iter().all(|place| *place < 3));
    }
    #[test]
    fn a_seed_reads_back_as_it_is_printed() {
        let seed = SeedKey::default().world(7, "lamport", "restart", 1);
        assert_eq!(seed.to_string().parse(), Ok(seed));
        assert!("12".parse::<WorldSeed>().is_err());
        assert!("g".repeat(32).parse::<WorldSeed>().is_err());
        assert!("é".repeat(16).parse::<WorldSeed>().is_err());
    }
}
