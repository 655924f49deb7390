//! Bytes as they are: messages that can arrive damaged, and what finds out that they did.

use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::hash::Hasher;

/// A message, or a timer, that is nothing but bytes: they cross the network as they are, without a length or a type, so that
/// every string of bytes is one. A link that corrupts flips their bits, and they are handed over all the same: see
/// [`checksum`] and [`mac`].
///
/// It is a whole message. As a field of another type it would take all bytes that come after it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Raw(pub Vec<u8>);
impl fmt::Debug for Raw {
    /// As text, with everything that is no printable ASCII escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw(\"{}\")", self.0.escape_ascii())
    }
}
impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut tuple = to.serialize_tuple(self.0.len())?;
        self.0.iter().try_for_each(|byte| tuple.serialize_element(byte))?;
        tuple.end()
    }
}
impl<'de> Deserialize<'de> for Raw {
    /// All that is left.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Rest;
        impl<'de> Visitor<'de> for Rest {
            type Value = Raw;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut rest: A) -> Result<Raw, A::Error> {
                let mut bytes = Vec::new();
                // an encoding has an end and does not say where: one more byte is asked for than there are
                while let Ok(Some(byte)) = rest.next_element() {
                    bytes.push(byte);
                }
                Ok(Raw(bytes))
            }
        }
        from.deserialize_tuple(usize::MAX, Rest)
    }
}

/// The CRC-32C of these bytes (Castagnoli 1993; the one of iSCSI, ext4 and many logs): what a sender appends so that a
/// receiver finds damage. Up to three flipped bits of a message of up to 256 MiB change it, and so does any burst of up to
/// 32 bits long. It is no protection against somebody who damages on purpose, for anybody can compute it.
///
/// ```
/// assert_eq!(lab::checksum(b"123456789"), 0xE306_9283);
/// ```
pub fn checksum(bytes: &[u8]) -> u32 {
    /// The polynomial, its bits in reverse.
    const POLYNOMIAL: u32 = 0x82F6_3B78;
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let mut rest = byte as u32;
            let mut bit = 0;
            while bit < 8 {
                rest = if rest & 1 == 1 { rest >> 1 ^ POLYNOMIAL } else { rest >> 1 };
                bit += 1;
            }
            table[byte] = rest;
            byte += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |sum, byte| sum >> 8 ^ TABLE[usize::from(sum as u8 ^ byte)])
}

/// A message authentication code: SipHash-2-4 (Aumasson and Bernstein 2012). Who does not know the key cannot find the code of
/// a message, however many others with their codes he has seen. A node that can check a code can make one, too: between three
/// nodes it does not show to the third which of the other two a message is from, as a signature would.
///
/// ```
/// let key = *b"what two of them";
/// let code = lab::mac(&key, b"attack at dawn");
/// assert_ne!(lab::mac(&key, b"attack at noon"), code);
/// ```
pub fn mac(key: &[u8; 16], bytes: &[u8]) -> u64 {
    let (low, high) = key.split_at(8);
    let word = |half: &[u8]| half.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    #[expect(
        deprecated,
        reason = "it is deprecated as the hasher of maps, whose algorithm std may change; this one stays what it is called"
    )]
    let mut hasher = std::hash::SipHasher::new_with_keys(word(low), word(high));
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of the reference implementation: key 00, 01, …, 0f; messages of 0, 1, 2, … bytes 00, 01, ….
    #[test]
    fn mac_is_siphash_2_4() {
        let key = std::array::from_fn(|place| place as u8);
        let message: Vec<u8> = (0..15).collect();
        let vectors = [
            (0, [0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72]),
            (1, [0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74]),
            (8, [0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93]),
            (15, [0xe5, 0x45, 0xbe, 0x49, 0x61, 0xca, 0x29, 0xa1]),
        ];
        for (length, expected) in vectors {
            assert_eq!(mac(&key, &message[..length]), u64::from_le_bytes(expected), "{length}");
        }
    }

    #[test]
    fn a_checksum_finds_every_flipped_bit() {
        let message: Vec<u8> = (0..100).collect();
        let sum = checksum(&message);
        for bit in 0..message.len() * 8 {
            let mut damaged = message.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(checksum(&damaged), sum, "{bit}");
        }
        // RFC 3720, appendix B.4
        assert_eq!(checksum(&[0; 32]), 0x8A91_36AA);
        assert_eq!(checksum(&[0xff; 32]), 0x62A8_AB43);
    }

    #[test]
    fn every_string_of_bytes_is_a_raw_message() {
        for length in 0..300 {
            let bytes: Vec<u8> = (0..length).map(|place| (place * 7) as u8).collect();
            let raw = Raw(bytes.clone());
            assert_eq!(crate::frame::encode(&raw), bytes, "as they are");
            assert_eq!(crate::frame::decode(&bytes), Some(raw));
        }
        assert_eq!(format!("{:?}", Raw(b"a\"\x00\xff".to_vec())), r#"Raw("a\"\x00\xff")"#);
    }
}
