//! `strategy` as a table: each kind of store with what it costs and where it breaks. What is asked strikes out rows, and the first row
//! that is left is the answer.

use lab::strategy::{Acks, Choice, Question, Reads, Writers};

/// When something goes wrong.
#[derive(Clone, Copy, PartialEq)]
enum When {
    Never,
    /// If region 1 is cut off.
    One,
    /// If a region is cut off, and clients outside of it write.
    OthersWrite,
    /// If a region is cut off whose clients write.
    ItWrites,
    /// If any region is cut off.
    Cut,
    Always,
}
use When::{Always, Cut, ItWrites, Never, One, OthersWrite};

struct Row {
    choice: Choice,
    /// Round trips of a write if only region 1 writes, and if all do; and of a read.
    trips: [u32; 3],
    stale: When,
    loses: When,
    others_stop: When,
    it_stops: When,
}

const fn leader(acks: Acks, reads: Reads) -> Choice {
    Choice::SingleLeader { acks, reads }
}
const fn row(choice: Choice, trips: [u32; 3], [stale, loses, others_stop, it_stops]: [When; 4]) -> Row {
    Row { choice, trips, stale, loses, others_stop, it_stops }
}
const fn quorum(r: u32, w: u32, rest: [When; 4]) -> Row {
    let write = if w > 1 { 1 } else { 0 };
    let read = if r > 1 { 1 } else { 0 };
    row(Choice::Leaderless { r, w }, [write, write, read], rest)
}

const TABLE: [Row; 14] = [
    quorum(2, 2, [Never, Never, Never, Cut]),
    quorum(1, 3, [Never, Never, OthersWrite, ItWrites]),
    quorum(3, 1, [Never, ItWrites, Cut, Cut]),
    quorum(3, 2, [Never, Never, Cut, Cut]),
    quorum(2, 3, [Never, Never, OthersWrite, Cut]),
    quorum(3, 3, [Never, Never, Cut, Cut]),
    quorum(1, 1, [Always, ItWrites, Never, Never]),
    quorum(1, 2, [Always, Never, Never, ItWrites]),
    quorum(2, 1, [Always, ItWrites, Never, Cut]),
    row(leader(Acks::Sync, Reads::Leader), [1, 2, 2], [Never, Never, Never, Cut]),
    row(leader(Acks::Sync, Reads::Local), [1, 2, 0], [OthersWrite, Never, Never, ItWrites]),
    row(leader(Acks::Async, Reads::Leader), [0, 1, 1], [One, One, Never, Cut]),
    row(leader(Acks::Async, Reads::Local), [0, 1, 0], [Always, One, Never, ItWrites]),
    row(Choice::MultiLeader, [0, 0, 0], [Always, ItWrites, Never, Never]),
];

pub fn choose(q: Question) -> Choice {
    let all_write = q.writers == Writers::AllRegions;
    let cut = q.cut_off.map(|cut| cut.region);
    let happens = |when: When| match (when, cut) {
        (Always, _) => true,
        (Never, _) | (_, None) => false,
        (Cut, _) => true,
        (One, Some(cut)) => cut == 1,
        (OthersWrite, Some(cut)) => all_write || cut != 1,
        (ItWrites, Some(cut)) => all_write || cut == 1,
    };
    let fits = |limit: Option<u32>, trips: u32| limit.is_none_or(|limit| limit >= trips * q.round_trip_ms);
    let mut rows: Vec<&Row> = TABLE.iter().collect();
    rows.retain(|row| fits(q.write_ms, row.trips[usize::from(all_write)]));
    rows.retain(|row| fits(q.read_ms, row.trips[2]));
    rows.retain(|row| !(q.never_stale && happens(row.stale)));
    rows.retain(|row| !(q.never_lost && happens(row.loses)));
    if let Some(cut) = q.cut_off {
        rows.retain(|row| !(cut.others_go_on && happens(row.others_stop)));
        let leads_on = |row: &Row| {
            cut.region == 1 && matches!(row.choice, Choice::SingleLeader { acks: Acks::Async, .. })
        };
        rows.retain(|row| !(cut.it_goes_on && happens(row.it_stops) && !leads_on(row)));
    }
    rows.first().map_or(Choice::Impossible, |row| row.choice)
}
