//! Exercise `wal`: a write-ahead log on raw bytes, on a disk that tears, loses and flips them.
//!
//! Gray and Reuter, *Transaction Processing*, 1993, on write-ahead logs; Pillai and others, *All File Systems Are Not Created
//! Equal*, 2014; Alagappan and others, *Protocol-Aware Recovery for Consensus-Based Storage*, 2018, on torn and corrupt entries.
//!
//! One node is yours, the [`Wal`]. It is alone: it has no peers and gets no messages. It keeps records in one raw file, [`WAL`], and
//! the format of that file is yours.
//!
//! What you may rely on:
//!
//! - **A sync** that has ended makes durable what was written before it. The next event waits until the sync has ended.
//! - **A crash** keeps some first bytes of what was not synced, down to a single byte, and loses the rest. Nothing else is
//!   lost. Behind the bytes that a crash has kept, the file may go on with bytes that you did not write: zeros, or whatever was in
//!   that place of the disk before. That can be an old copy of bytes of this file.
//! - **Time** can flip a bit of the file, anywhere in it, while the node is down. No second bit flips.
//!
//! What a log promises:
//!
//! - [`Response::Appended`] means: the record is durable, and it stays at its place for ever.
//! - [`Response::Records`] gives durable records only, in the order of their places. A record that was given once is not lost later.
//! - A log never gives a record that no client appended, and it never gives a record a changed content.
//! - An unfinished record at the end of the file is no damage. A client may see it in full or not at all.
//! - A damaged *last* record looks like an unfinished one, so a log may drop it in silence. A log may drop nothing else.
//!
//! Two terms: `Log` in this course is a typed log that repairs itself. Here there is only the file, so the name of the node is `Wal`.

use crate::{Exercise, File, Node, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The log's file, and the only object on the disk that a log may use. A log uses it with [`Out::write`](crate::Out::write),
/// [`Out::cut`](crate::Out::cut) and [`Out::sync`](crate::Out::sync), and never in a group of
/// [`Out::atomic`](crate::Out::atomic).
pub const WAL: File = File::new("wal");

/// The content of a record: any bytes, perhaps none. Two records with equal contents are still two records.
///
/// It shows as text where it is text, as in `"menu"`, and otherwise as its first bytes and its length, as in `5a07f3… (40 bytes)`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Record(pub Vec<u8>);
impl From<&str> for Record {
    fn from(text: &str) -> Record {
        Record(text.as_bytes().to_vec())
    }
}
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const TEXT_SHOWN: usize = 12;
        const BYTES_SHOWN: usize = 3;
        let Record(bytes) = self;
        let is_plain = |byte: &u8| *byte == b' ' || byte.is_ascii_graphic();
        match std::str::from_utf8(bytes) {
            Ok(text) if bytes.len() <= TEXT_SHOWN && bytes.iter().all(is_plain) => write!(f, "{text:?}"),
            _ => {
                for byte in bytes.iter().take(BYTES_SHOWN) {
                    write!(f, "{byte:02x}")?;
                }
                match bytes.len() {
                    1..=BYTES_SHOWN => Ok(()),
                    many => write!(f, "… ({many} bytes)"),
                }
            }
        }
    }
}
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a client asks of a log. Several requests may be open at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Append this record.
    Append(Record),
    /// Give all records.
    Read,
}

/// What a log answers: at most 100 ms after the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// To [`Request::Append`]: the record is durable at this place.
    Appended {
        /// Its place: 0 for the first record of the log, then 1, 2, … A record of an append that was never answered may have a place,
        /// too. The places of records that were asked for at the same time are in any order.
        at: u64,
    },
    /// To [`Request::Append`]: the log is not whole, so it takes no record. Its file stays as it is, so that what is left of it can
    /// still be examined.
    Damaged,
    /// To [`Request::Read`].
    Records {
        /// The durable records, from place 0 on, without gaps. If a bit of a record is flipped, these are the records before it. The one
        /// just before it may be missing, too, because some formats finish a record with the next one.
        records: Vec<Record>,
        /// `false` says: behind these records the file is damaged. If a record follows the damage, the log must say `false`, in every
        /// life from then on. If no record follows, the log may say either. A crash alone is no damage.
        whole: bool,
    },
}

role! {
    /// A node that keeps records in a file. It emits nothing, and it has no configuration.
    Wal as "wal" { Request = Request, Response = Response }
}

/// The exercise, as the harness hosts it.
pub fn exercise<W: Node<Contract = Wal>>() -> Exercise {
    Exercise { name: "wal", roles: vec![Role::node::<W>()] }
}
