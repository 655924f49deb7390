//! Exercise `wal`: a write-ahead log on raw bytes, on a disk that tears, loses and flips them.
//!
//! Alagappan and others, *Protocol-Aware Recovery for Consensus-Based Storage*, 2018. The contract is in `lab::wal`: read it first.
//!
//! One thing to write: the node [`Wal`]. It keeps records in the raw file [`WAL`], and finds them again after a crash. The format of the
//! file is yours. Try your code with `cargo test wal`, then run `faultlines grade 2/wal`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::prelude::*;
use lab::wal::{self as contract, Record, Request, Response, WAL};

/// A log of records in a file.
pub struct Wal {
    // What does a log keep in memory? A node reads its disk only when it starts.
}

impl Node for Wal {
    type Contract = contract::Wal;
    type Message = Nothing;
    type Timer = Nothing;

    /// The first start, and again after each crash: `boot.disk.file(WAL)` is what is in the file.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        todo!("which records are in the file, where do they end, and what is behind them?")
    }

    /// A client appends a record, or reads all of them.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("append the record and answer when it is durable, or give all records")
    }
}

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
