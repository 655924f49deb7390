//! Exercise `wal`: a write-ahead log on raw bytes, on a disk that tears, loses and flips them.
//!
//! Alagappan and others, *Protocol-Aware Recovery for Consensus-Based Storage*, 2018. The contract is in `lab::wal`: read it first.
//!
//! One thing to write: the node [`Wal`]. It keeps records in the raw file [`WAL`], and finds them again after a crash. The format of the
//! file is yours. Try your code with `cargo test wal`, then run `faultlines grade 2/wal`.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::prelude::*;
use lab::wal::{self as contract, Record, Request, Response, WAL};
// BEGIN SOLUTION

/// A record in the file: how many bytes it has, at which byte it begins, the checksum of these two, its bytes, and the
/// checksum of all of that.
///
/// The place in the file is what makes a record one of its kind: a copy of a record, in the payload of another one or in a block that
/// held old bytes of this file, begins at a byte that it does not name. The header has a checksum of its own, so that a search, which
/// looks at every byte, reads on only where a record begins.
const HEADER: usize = 4 + 8 + CHECKSUM;
const CHECKSUM: usize = 4;
// END SOLUTION

/// A log of records in a file.
pub struct Wal {
    // BEGIN SOLUTION
    /// All records, each at its place.
    records: Vec<Record>,
    /// Where the next one begins in the file.
    end: usize,
    /// Nothing was found behind the last record that a crash cannot explain.
    whole: bool,
    // STUB: // What does a log keep in memory? A node reads its disk only when it starts.
    // END SOLUTION
}

impl Node for Wal {
    type Contract = contract::Wal;
    type Message = Nothing;
    type Timer = Nothing;

    /// The first start, and again after each crash: `boot.disk.file(WAL)` is what is in the file.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        // BEGIN SOLUTION
        let file = boot.disk.file(WAL);
        let (mut records, mut end) = (Vec::new(), 0);
        while let Some((record, next)) = record_at(&file, end) {
            records.push(record);
            end = next;
        }
        // An unfinished record is the last thing in the file. If a record follows, then this is no crash's doing.
        let whole = (end + 1..file.len()).all(|at| record_at(&file, at).is_none());
        if whole && end < file.len() {
            // The next record must stand where a reader looks for it.
            out.cut(WAL, end as u64);
            out.sync();
        }
        Wal { records, end, whole }
        // STUB: todo!("which records are in the file, where do they end, and what is behind them?")
        // END SOLUTION
    }

    /// A client appends a record, or reads all of them.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        match request {
            Request::Append(_) if !self.whole => out.reply(id, Response::Damaged),
            Request::Append(record) => {
                let bytes = written(&record, self.end);
                out.write(WAL, &bytes);
                out.sync();
                let at = self.records.len() as u64;
                self.end += bytes.len();
                self.records.push(record);
                out.reply(id, Response::Appended { at });
            }
            Request::Read => {
                out.reply(id, Response::Records { records: self.records.clone(), whole: self.whole });
            }
        }
        // STUB: todo!("append the record and answer when it is durable, or give all records")
        // END SOLUTION
    }
}

// BEGIN SOLUTION
/// A record that begins at this byte, as it is written.
fn written(Record(payload): &Record, begins: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + payload.len() + CHECKSUM);
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend((begins as u64).to_le_bytes());
    bytes.extend(lab::checksum(&bytes).to_le_bytes());
    bytes.extend(payload);
    bytes.extend(lab::checksum(&bytes).to_le_bytes());
    bytes
}

/// The record that begins at this byte, and where the next one begins; `None` if there is no whole record here.
fn record_at(file: &[u8], begins: usize) -> Option<(Record, usize)> {
    let rest = file.get(begins..)?;
    let header = rest.get(..HEADER)?;
    let (place, checksum) = header.split_at(HEADER - CHECKSUM);
    let (length, begun_at) = place.split_at(4);
    if begun_at != (begins as u64).to_le_bytes() || checksum != lab::checksum(place).to_le_bytes() {
        return None;
    }
    let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
    let whole = HEADER + length;
    let (bytes, checksum) = (rest.get(..whole)?, rest.get(whole..whole + CHECKSUM)?);
    if checksum != lab::checksum(bytes).to_le_bytes() {
        return None;
    }
    Some((Record(bytes[HEADER..].to_vec()), begins + whole + CHECKSUM))
}
// END SOLUTION

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;

    fn append(log: &mut Bench<Wal>, text: &str) -> Option<u64> {
        log.request(Request::Append(text.into())).iter().find_map(|effect| match effect {
            Effect::Reply(_, Response::Appended { at }) => Some(*at),
            _ => None,
        })
    }
    fn read(log: &mut Bench<Wal>) -> (Vec<Record>, bool) {
        let read = log.request(Request::Read).into_iter().find_map(|effect| match effect {
            Effect::Reply(_, Response::Records { records, whole }) => Some((records, whole)),
            _ => None,
        });
        read.expect("Read is answered with Records")
    }
    /// A log with three records, and how long its file was before the first, the second and the third, and in the end.
    fn three_records() -> (Bench<Wal>, [usize; 4]) {
        let mut log = Bench::<Wal>::new(1, 1, ());
        let length = |log: &Bench<Wal>| log.disk().file(WAL).len();
        let mut lengths = [length(&log); 4];
        for (at, text) in ["flour", "", "salt"].into_iter().enumerate() {
            assert_eq!(append(&mut log, text), Some(at as u64));
            lengths[at + 1] = length(&log);
        }
        (log, lengths)
    }
    fn records(texts: &[&str]) -> Vec<Record> {
        texts.iter().map(|text| Record::from(*text)).collect()
    }

    #[test]
    fn an_appended_record_is_there_after_a_crash() {
        let (mut log, _) = three_records();
        assert_eq!(read(&mut log), (records(&["flour", "", "salt"]), true));
        log.crash();
        assert_eq!(read(&mut log), (records(&["flour", "", "salt"]), true));
        assert_eq!(append(&mut log, "eggs"), Some(3));
        log.crash();
        assert_eq!(read(&mut log), (records(&["flour", "", "salt", "eggs"]), true));
    }

    #[test]
    fn an_unfinished_record_is_no_damage() {
        let (log, lengths) = three_records();
        let last = log.disk().file(WAL)[lengths[2]..].to_vec();
        for kept in 0..last.len() {
            let mut log = Bench::<Wal>::new(1, 1, ());
            append(&mut log, "flour");
            append(&mut log, "");
            log.crash_with(|disk| disk.append_to("wal", &last[..kept]));
            assert_eq!(read(&mut log), (records(&["flour", ""]), true), "{kept} bytes of the last record");
            assert_eq!(append(&mut log, "eggs"), Some(2));
            log.crash();
            assert_eq!(read(&mut log), (records(&["flour", "", "eggs"]), true));
        }
    }

    #[test]
    fn damage_before_the_last_record_is_reported() {
        let (log, lengths) = three_records();
        let middle = (lengths[1] + lengths[2]) / 2;
        drop(log);
        let (mut log, _) = three_records();
        log.crash_with(|disk| disk.flip("wal", middle as u64, 3));
        let (given, whole) = read(&mut log);
        // a log may also have mended the bit, or not have used it
        assert!(!whole || given == records(&["flour", "", "salt"]), "{given:?} is all, says the log");
        if !whole {
            assert_eq!(append(&mut log, "eggs"), None, "a log that is not whole takes no record");
        }
    }
}
