//! The lens on a log that a contract fixes: what is durable there, read as it grows.

use lab::{DiskOp, Log, NodeId, Wire};
use std::collections::BTreeMap;
use std::sync::Arc;
use world::{Observation, Seen, World};

/// Reads a log on the disks of nodes, each record once. Show it every observation.
pub struct LogLens<T> {
    log: Log<T>,
    shelves: BTreeMap<NodeId, Shelf>,
}
/// What is known of one node's log.
#[derive(Default)]
struct Shelf {
    /// The position of the first record.
    first: u64,
    /// The durable records, in their encodings.
    records: Vec<Vec<u8>>,
    /// Writes that are not synced.
    pending: Vec<Arc<DiskOp>>,
}

/// What became durable.
#[derive(Debug)]
pub struct Look<T> {
    /// The position of the first of `new`.
    pub first_new: u64,
    /// The records that are durable and were not at the last look, oldest first.
    pub new: Vec<T>,
    /// What is wrong, if anything is; then `new` may be short.
    pub wrong: Option<Wrong<T>>,
}
/// What may not happen to a log of a contract.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong<T> {
    /// The record at this position was durable, and is gone or another one now.
    Gone(u64, T),
    /// The record at this position is not of the contract's type.
    Unreadable(u64),
}

impl<T: Wire> LogLens<T> {
    /// A lens on this log.
    pub fn new(log: Log<T>) -> LogLens<T> {
        LogLens { log, shelves: BTreeMap::new() }
    }
    /// What this observation makes durable, if anything: the end of a sync, or a start, for a crash keeps what it likes of
    /// what was not synced. `None` where there is nothing new and nothing wrong.
    pub fn see(&mut self, world: &World, seen: &Observation) -> Option<Look<T>> {
        let shelf = self.shelves.entry(seen.node).or_default();
        let before = (shelf.first, shelf.records.len());
        let mut gone = None;
        match &seen.seen {
            Seen::Wrote { op } => {
                if op.objects().contains(&lab::Object::Log(self.log.name())) {
                    shelf.pending.push(op.clone());
                }
                return None;
            }
            Seen::Crashed => {
                shelf.pending.clear();
                return None;
            }
            Seen::Synced => {
                for op in std::mem::take(&mut shelf.pending) {
                    shelf.apply(&op, self.log.name(), before, &mut gone);
                }
            }
            // the world is not ahead of a start: it waits for what the node does
            Seen::Started { .. } => shelf.reread(world.disk(seen.node)?.encoded(self.log), &mut gone),
            _ => return None,
        }
        let wrong =
            gone.map(|(place, was)| Wrong::Gone(place, decode(&was).expect("it could be read before")));
        let (first, known) = before;
        let mut look = Look { first_new: first + known as u64, new: Vec::new(), wrong };
        if look.wrong.is_none() {
            for (place, record) in (look.first_new..).zip(shelf.records.iter().skip(known)) {
                match decode(record) {
                    Some(record) => look.new.push(record),
                    None => {
                        look.wrong = Some(Wrong::Unreadable(place));
                        break;
                    }
                }
            }
        }
        (!look.new.is_empty() || look.wrong.is_some()).then_some(look)
    }
}
fn decode<T: Wire>(record: &[u8]) -> Option<T> {
    lab::frame::decode(record)
}

impl Shelf {
    /// Does a write; the first durable record that it removes is `gone`.
    fn apply(
        &mut self,
        op: &DiskOp,
        log: &str,
        (first, known): (u64, usize),
        gone: &mut Option<(u64, Vec<u8>)>,
    ) {
        let durable_end = first + known as u64;
        let mut remove = |places: std::ops::Range<u64>, records: &[Vec<u8>], first: u64| {
            if places.start < places.end.min(durable_end) && gone.is_none() {
                let record = &records[usize::try_from(places.start - first).expect("a place in memory")];
                *gone = Some((places.start, record.clone()));
            }
        };
        let end = self.first + self.records.len() as u64;
        match op {
            DiskOp::Append { name, bytes } if name == log => self.records.push(bytes.clone()),
            DiskOp::Truncate { name, from } if name == log => {
                let from = (*from).clamp(self.first, end);
                remove(from..end, &self.records, self.first);
                self.records.truncate(usize::try_from(from - self.first).expect("a place in memory"));
            }
            DiskOp::TrimFront { name, upto } if name == log => {
                let upto = (*upto).max(self.first);
                remove(self.first..upto.min(end), &self.records, self.first);
                let trimmed = usize::try_from(upto.min(end) - self.first).expect("a place in memory");
                self.records.drain(..trimmed);
                self.first = upto;
            }
            DiskOp::All(ops) => ops.iter().for_each(|op| self.apply(op, log, (first, known), gone)),
            _ => {}
        }
    }
    /// Takes over what a crash left; the first durable record that it lacks is `gone`.
    fn reread(&mut self, (first, records): (u64, &[Vec<u8>]), gone: &mut Option<(u64, Vec<u8>)>) {
        for (place, was) in (self.first..).zip(&self.records) {
            let now = place.checked_sub(first).and_then(|at| records.get(usize::try_from(at).ok()?));
            if now != Some(was) {
                *gone = Some((place, was.clone()));
                return;
            }
        }
        self.first = first;
        self.records = records.to_vec();
    }
}
