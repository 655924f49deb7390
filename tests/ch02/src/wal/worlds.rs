//! `wal`: the runs in which the promises are hard to keep.
//!
//! One client asks for one thing after another, and says what it asks for next when the last request is over. Faults wait for the end of one
//! of its requests, or for a moment of the submission's own run (`scribe`).

use super::file::NAME;
use super::oracle::Records;
use super::scribe::{MOMENTS, in_the_second_life, in_the_sync_of};
use judge::{Case, Pick};
use kit::{Patience, Rules, Stage, ms, secs};
use lab::NodeId;
use lab::wal::{Record, Request, Wal};
use world::{ClientId, Damage, DiskLoss, Harm, OperationId, Trigger, Until, When, Who};

const LOG: NodeId = NodeId(1);
/// The client that asks for one thing after another. Those that ask at once have the numbers after it.
const CLIENT: u32 = 1;
/// How long a log is down after a crash; the client waits longer before it asks for the next thing.
const DOWN: std::time::Duration = ms(5);
/// A crash and what happens to the file while the log is down mean something only together.
const BOND: u8 = 1;
const PATIENCE: Patience = Patience { think: ms(10), timeout: ms(150), attempts: 1 };

/// A run, as it is written.
struct Draft {
    stage: Stage<Wal>,
    asks: Vec<Request>,
}
impl Draft {
    fn new() -> Draft {
        let mut stage = Stage::<Wal>::cluster(1, &(), secs(60));
        stage.scribe = Some(MOMENTS);
        Draft { stage, asks: Vec::new() }
    }
    fn append(&mut self, record: Record) {
        self.asks.push(Request::Append(record));
    }
    fn read(&mut self) {
        self.asks.push(Request::Read);
    }
    /// When what was asked for last is over.
    fn now(&self) -> When {
        let operation = OperationId(u32::try_from(self.asks.len()).expect("few requests"));
        When::on(Trigger::Ended { client: ClientId(CLIENT), operation })
    }
    fn crash(&mut self, when: When, disk: DiskLoss) {
        self.crash_and(when, disk, None);
    }
    /// The log crashes, and while it is down this happens to its file.
    fn crash_and(&mut self, when: When, disk: DiskLoss, damage: Option<Damage>) {
        let node = Who::Node(LOG);
        let bond = damage.is_some().then_some(BOND);
        self.stage.harm(when.clone(), Harm::Crash { node, disk }, Until::After(DOWN)).bond = bond;
        if let Some(damage) = damage {
            let harm = Harm::Rot { node, file: NAME.into(), damage };
            self.stage.harm(when, harm, Until::Calm).bond = bond;
        }
    }
    /// The end of every run: two more records, a crash that loses what is not synced, and a read.
    fn epilogue(self, pick: &mut Pick) -> Draft {
        self.epilogue_with(pick, DiskLoss::All)
    }
    fn epilogue_with(mut self, pick: &mut Pick, disk: DiskLoss) -> Draft {
        self.append(random(pick, 9));
        self.append(random(pick, 14));
        self.read();
        self.crash(self.now(), disk);
        self.read();
        self
    }
    fn case(self) -> Case {
        self.judged_by(Records::default())
    }
    fn judged_by(mut self, oracle: Records) -> Case {
        self.stage.loop_of(CLIENT, ms(10), &[LOG], self.asks, PATIENCE);
        Rules::of(oracle).judge(self.stage)
    }
}

/// So many random bytes.
fn random(pick: &mut Pick, bytes: usize) -> Record {
    let words = (0..bytes.div_ceil(8)).flat_map(|_| pick.bits().to_le_bytes());
    Record(words.take(bytes).collect())
}
/// So many bytes: often random ones, sometimes all alike.
fn any(pick: &mut Pick, bytes: usize) -> Record {
    match pick.small(0..=7) {
        0 => Record(vec![0; bytes]),
        1 => Record(vec![0xFF; bytes]),
        _ => random(pick, bytes),
    }
}

/// Thirty records and three restarts.
pub(super) fn appends(pick: &mut Pick, nth: u32) -> Case {
    const SIZES: [u64; 10] = [0, 1, 2, 7, 40, 255, 256, 1_000, 4_097, 5_000];
    let mut draft = Draft::new();
    for record in 1..=30 {
        let most = *pick.one(&SIZES);
        let bytes = if pick.percent(50) { most } else { pick.number(0..=most) };
        // one is longer than a length of 16 bits can say
        let bytes = if record == 15 && nth % 8 == 5 { 70_000 } else { bytes };
        let record_of = any(pick, usize::try_from(bytes).expect("a length"));
        draft.append(record_of);
        if record % 10 == 0 {
            draft.read();
            draft.crash(draft.now(), DiskLoss::Nothing);
            draft.read();
        }
    }
    if nth % 3 == 2 {
        // others ask at the same time
        for client in 2..=5 {
            for _ in 0..3 {
                let at = pick.millis(10..=13);
                let record = random(pick, 11);
                draft.stage.ask_by(CLIENT + client, When::At(at), LOG, Request::Append(record));
                draft.stage.ask_by(CLIENT + client, When::At(at), LOG, Request::Read);
            }
        }
    }
    draft.epilogue_with(pick, DiskLoss::Nothing).case()
}

/// Crash points of `durable`, and of `again`.
pub(super) const POINTS: u32 = 64;
pub(super) const POINTS_AGAIN: u32 = 24;
/// After every effect: six records one by one, or at once; each read as soon as it can be.
pub(super) fn durable(pick: &mut Pick, _nth: u32) -> Case {
    let (run, point) = (pick.run(), pick.point());
    let disk = [DiskLoss::All, DiskLoss::Drawn, DiskLoss::Drawn][run as usize / 2 % 3];
    let mut draft = Draft::new();
    let sizes = [0, 1, 7, 40, 300, 20];
    if run % 2 == 0 {
        for bytes in sizes {
            let record = random(pick, bytes);
            draft.append(record);
            draft.read();
        }
    } else {
        let record = random(pick, 5);
        draft.append(record);
        for (client, bytes) in (2..).zip(sizes) {
            let record = random(pick, bytes);
            let at = When::At(ms(30));
            draft.stage.ask_by(client, at.clone(), LOG, Request::Append(record));
            draft.stage.ask_by(client, at, LOG, Request::Read);
        }
        for _ in 0..3 {
            let record = random(pick, 12);
            draft.append(record);
            draft.read();
        }
    }
    draft.crash(When::on(Trigger::AnyEffect { nth: u64::from(point) }), disk);
    draft.read();
    draft.epilogue(pick).case()
}

/// Where a record tears: after so many bytes, or so many bytes before its end.
const TEARS: u32 = 34;
pub(super) const TORN_POINTS: u32 = 2 * TEARS;
fn tear(point: u32) -> DiskLoss {
    let nth = (point - 1) % TORN_POINTS;
    match nth.checked_sub(TEARS) {
        None => DiskLoss::TornAfter { bytes: nth as usize },
        Some(nth) => DiskLoss::TornBefore { bytes: nth as usize },
    }
}
/// A record of each size is torn at each length, as the first, the second and the fifth one.
pub(super) fn torn_tail(pick: &mut Pick, _nth: u32) -> Case {
    let (run, point) = (pick.run() as usize, pick.point());
    let (bytes, place) = ([0, 1, 7, 40][run % 4], [1, 2, 5][run / 4 % 3]);
    let mut draft = Draft::new();
    for _ in 1..place {
        let bytes = *pick.one(&[0, 3, 16, 33]);
        let record = any(pick, bytes);
        draft.append(record);
    }
    let record = any(pick, bytes);
    draft.append(record);
    draft.crash(in_the_sync_of(place), tear(point));
    draft.read();
    draft.epilogue(pick).case()
}

/// A log that finds a torn record crashes again, after everything that it does in its second life.
pub(super) fn again(pick: &mut Pick, _nth: u32) -> Case {
    let (run, point) = (pick.run() as usize, pick.point());
    let first = [
        DiskLoss::TornAfter { bytes: 3 },
        DiskLoss::TornBefore { bytes: 1 },
        DiskLoss::TornAfter { bytes: 18 },
        DiskLoss::TornBefore { bytes: 5 },
    ];
    let second = [DiskLoss::All, DiskLoss::Nothing, DiskLoss::Drawn];
    let mut draft = Draft::new();
    for bytes in [8, 0, 21] {
        let record = random(pick, bytes);
        draft.append(record);
    }
    let record = random(pick, 30);
    draft.append(record);
    draft.crash(in_the_sync_of(4), first[run % 4]);
    draft.read();
    for bytes in [5, 0] {
        let record = random(pick, bytes);
        draft.append(record);
        draft.read();
    }
    draft.crash(in_the_second_life(point), second[run / 4 % 3]);
    draft.read();
    draft.epilogue(pick).case()
}

/// Places in a file at which a bit is flipped: every bit, if the file is not longer than these.
pub(super) const BITS: u32 = 1_536;
/// Five records, one flipped bit.
pub(super) fn last_record(pick: &mut Pick, _nth: u32) -> Case {
    let (run, point) = (pick.run(), pick.point());
    let mut draft = Draft::new();
    let sizes = [[3, 0, 12, 1, 24], [9, 20, 1, 5, 0]][run as usize % 2];
    for bytes in sizes {
        let record = random(pick, bytes);
        draft.append(record);
    }
    let flip = Damage::FlipPart { nth: point - 1, of: BITS };
    draft.crash_and(draft.now(), DiskLoss::Nothing, Some(flip));
    draft.read();
    draft.epilogue(pick).judged_by(Records::of_the_last())
}

/// Runs of `middle` over files that are too long to try every bit.
pub(super) const DRAWN: u32 = 512;
/// Five records, of which a bit is flipped. The log is asked for an append first in half of the runs, and half of the files are
/// from two lives.
pub(super) fn middle(pick: &mut Pick, nth: u32) -> Case {
    let short = nth < BITS;
    let nth_of_kind = if short { nth } else { nth - BITS };
    let mut draft = Draft::new();
    let sizes = match (short, nth_of_kind / 4 % 2) {
        (true, 0) => [4, 0, 15, 2, 9],
        // behind the damage there is nothing but an empty record
        (true, _) => [4, 0, 2, 15, 0],
        (false, _) => [0, 7, 300, 5_000, 20],
    };
    let two_lives = nth_of_kind / 2 % 2 == 1;
    for (place, bytes) in (1..).zip(sizes) {
        let record = any(pick, bytes);
        draft.append(record);
        if place == 2 && two_lives {
            let record = random(pick, 10);
            draft.append(record);
            draft.crash(in_the_sync_of(3), DiskLoss::TornAfter { bytes: pick.small(1..=25) as usize });
            draft.read();
        }
    }
    let flip = if short {
        Damage::FlipPart { nth: nth_of_kind, of: BITS }
    } else {
        Damage::FlipPart { nth: pick.small(0..=u32::MAX - 1), of: u32::MAX }
    };
    draft.crash_and(draft.now(), DiskLoss::Nothing, Some(flip));
    let mut asks = |draft: &mut Draft| {
        let record = random(pick, 6);
        if nth.is_multiple_of(2) {
            draft.append(record);
            draft.read();
        } else {
            draft.read();
            draft.append(record);
        }
    };
    asks(&mut draft);
    draft.read();
    draft.crash(draft.now(), DiskLoss::Nothing);
    asks(&mut draft);
    draft.epilogue(pick).case()
}

/// Runs of `no-false-alarm` over drawn ends of the file, and over old bytes at every distance from where they were, modulo this.
pub(super) const ENDS: u32 = 512;
pub(super) const DISTANCES: u32 = 256;
/// A crash leaves what looks like records: the tail of an unfinished record, bytes that nobody wrote, old bytes of the file.
pub(super) fn no_false_alarm(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new();
    if let Some(distance) = nth.checked_sub(ENDS) {
        // the same lengths in all of these runs: so every distance comes up
        const SIZES: [usize; 2] = [12, 30];
        for bytes in SIZES {
            let record = random(pick, bytes);
            draft.append(record);
        }
        let record = random(pick, DISTANCES as usize + 100);
        draft.append(record);
        let torn = DiskLoss::TornAfter { bytes: distance as usize };
        draft.crash_and(in_the_sync_of(SIZES.len() as u32 + 1), torn, Some(Damage::Stale { bytes: 4_096 }));
        draft.read();
        return draft.epilogue(pick).case();
    }
    let before = pick.small(0..=4);
    for _ in 0..before {
        let bytes = *pick.one(&[0, 1, 8, 30, 100]);
        let record = any(pick, bytes);
        draft.append(record);
    }
    let payload = match nth % 4 {
        0 => Record(vec![0; pick.number(8..=600) as usize]),
        1 => {
            let many = pick.small(1..=3);
            Record((0..many).flat_map(|_| looks_like_a_record(pick)).collect())
        }
        _ => random(pick, 60),
    };
    draft.append(payload);
    let torn = match pick.small(0..=2) {
        0 => DiskLoss::TornAfter { bytes: pick.small(0..=80) as usize },
        1 => DiskLoss::TornBefore { bytes: pick.small(1..=80) as usize },
        _ => DiskLoss::All,
    };
    let damage = match nth / 4 % 4 {
        0 => None,
        1 => Some(Damage::Append(vec![0; pick.number(1..=4_096) as usize])),
        2 => {
            let bytes = pick.number(1..=4_096) as usize;
            let Record(bytes) = random(pick, bytes);
            Some(Damage::Append(bytes))
        }
        _ => Some(Damage::Stale { bytes: *pick.one(&[20, 64, 256, 512, 4_096]) }),
    };
    draft.crash_and(in_the_sync_of(before + 1), torn, damage);
    draft.read();
    draft.epilogue(pick).case()
}
/// The length, the checksum and the bytes of a record, in either order of bytes and of these two, as many formats have it.
fn looks_like_a_record(pick: &mut Pick) -> Vec<u8> {
    let payload = b"a record";
    let (length, checksum) = (payload.len() as u32, lab::checksum(payload));
    let big = pick.percent(50);
    let bytes = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let mut parts = [bytes(length), bytes(checksum)];
    if pick.percent(50) {
        parts.reverse();
    }
    [&parts.concat()[..], payload].concat()
}

/// Many records of one length, and three starts.
pub(super) fn cost(pick: &mut Pick, _nth: u32) -> Case {
    const RECORDS: u32 = 200;
    let mut draft = Draft::new();
    for nth in 1..=RECORDS {
        let record = random(pick, 700);
        draft.append(record);
        if nth % (RECORDS / 3) == 0 {
            draft.crash(draft.now(), DiskLoss::All);
        }
    }
    draft.read();
    draft.judged_by(Records::with_costs())
}
