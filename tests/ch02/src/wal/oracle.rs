//! `wal`: how a run is judged. All rules judge every run of every check.

use super::file::{Disk, Flipped, Found, Written};
use judge::{Reached, Violation};
use kit::{Rule, Saw, Scene, Waits, ms};
use lab::RequestId;
use lab::wal::{Record, Request, Response, Wal};
use std::collections::BTreeMap;
use std::time::Duration;
use world::{End, ObservationId, Seen, Time, World};

pub(super) const UNSYNCED: &str = "a log crashed with unsynced bytes after an acknowledgement";
pub(super) const TORN: &str = "a file ended inside a record";
pub(super) const CRASHED_AGAIN: &str = "a log crashed in its second life";
pub(super) const LAST_HURT: &str = "a bit of the last record was flipped";
pub(super) const MIDDLE_HURT: &str = "a bit before the last record was flipped";
pub(super) const GROWN: &str = "a file ended in bytes that the log had not written";
pub(super) const RESTARTED: &str = "a log was asked after three restarts";

/// How long a log may take for an answer.
pub(super) const PATIENCE: Duration = ms(100);

/// What a log may write and sync, where that is judged.
const BYTES_A_RECORD: u64 = 256;
const BYTES_A_START: u64 = 256;
const SYNCS_A_START: u64 = 2;

/// The judge of one run.
#[derive(Default)]
pub(super) struct Records {
    /// Costs are judged, too.
    costs: bool,
    /// If a record follows the flipped bit, only what is given is judged, and not what is reported: another check is about that.
    lenient: bool,
    disk: Disk,
    open: BTreeMap<RequestId, Open>,
    /// By content: how many appends there were.
    asked: BTreeMap<Record, usize>,
    /// What must stay where it is.
    places: BTreeMap<u64, Known>,
    /// How much of the file was durable before the first append.
    front: Option<u64>,
    damage: Damage,
    /// A log said that its file is damaged, and a record followed the damage.
    reported: Option<(Time, ObservationId)>,
    life: Life,
    lives: u64,
    spent: Spent,
    /// Operations of clients that are not over.
    left: Option<usize>,
    reached: Reached,
}
/// A request without an answer.
struct Open {
    what: Request,
    at: Time,
    seen: ObservationId,
}
/// A record that a client knows to be durable.
struct Known {
    record: Record,
    /// When and where the client was told.
    at: Time,
    seen: ObservationId,
    /// By its append, and so much of the file was durable then. Otherwise by a read.
    ends: Option<u64>,
}
/// A bit of the file that was flipped.
#[derive(Default)]
enum Damage {
    #[default]
    None,
    /// This one, seen at this start.
    Bit(u64, ObservationId),
    /// Where is not known, or not of interest, so little is asked of the log: it gives nothing that no client appended.
    Anywhere,
}
/// The records that a flipped bit may belong to.
#[derive(Clone, Copy)]
struct Hurt {
    bit: u64,
    seen: ObservationId,
    /// The lowest place of a record in which the bit may be.
    first: u64,
    /// The highest one.
    last: u64,
    /// Whether a record that was acknowledged follows.
    follows: bool,
}
/// What a log has done since its last start.
#[derive(Default)]
struct Life {
    /// It said that the file is damaged.
    refused: Option<(Time, ObservationId)>,
    /// It took a record.
    took: Option<(Time, ObservationId)>,
    wrote: Option<(Time, Written)>,
}
#[derive(Default)]
struct Spent {
    appends: u64,
    allowed_bytes: u64,
    bytes: u64,
    syncs: u64,
}

fn so_many(many: usize) -> String {
    match many {
        0 => "no record".to_owned(),
        1 => "1 record".to_owned(),
        _ => format!("{many} records"),
    }
}

/// Where a record is not the one that was appended, if it is as long.
fn difference(Record(appended): &Record, Record(given): &Record) -> Option<String> {
    let same_length = appended.len() == given.len();
    let place =
        appended.iter().zip(given).position(|(appended, given)| appended != given).filter(|_| same_length)?;
    let (was, is) = (appended[place], given[place]);
    Some(format!("byte {} of {} was {was:02x} and is {is:02x}", place + 1, appended.len()))
}

impl Records {
    pub(super) fn with_costs() -> Records {
        Records { costs: true, ..Records::default() }
    }
    pub(super) fn of_the_last() -> Records {
        Records { lenient: true, ..Records::default() }
    }
    /// How many records there must be.
    fn many(&self) -> u64 {
        self.places.last_key_value().map_or(0, |(place, _)| place.saturating_add(1))
    }
    /// Where the flipped bit is.
    fn hurt(&self) -> Option<Hurt> {
        let Damage::Bit(bit, seen) = self.damage else { return None };
        let byte = bit / 8;
        let ends = || self.places.iter().filter_map(|(place, known)| Some((*place, known.ends?)));
        let first = ends()
            .filter(|(_, ends)| *ends <= byte)
            .map(|(place, _)| place.saturating_add(1))
            .max()
            .unwrap_or(0);
        let last = ends().find(|(_, ends)| *ends > byte).map_or(self.many(), |(place, _)| place);
        let follows = ends().any(|(place, _)| place > last);
        Some(Hurt { bit, seen, first: first.min(last), last, follows })
    }
    /// The damage in words, for the beginning of a sentence: "Bit 1311 of the file was flipped, in record 3 of 5. "
    fn about(&self, hurt: Hurt) -> String {
        let (bit, many) = (hurt.bit, self.many());
        if self.front.is_some_and(|front| bit / 8 < front) {
            return format!("Bit {bit} of the file was flipped, before the first of {many} records. ");
        }
        match (hurt.first == hurt.last, hurt.last < many) {
            (true, true) => {
                format!("Bit {bit} of the file was flipped, in record {} of {many}. ", hurt.last + 1)
            }
            (false, true) => format!(
                "Bit {bit} of the file was flipped, before the end of record {} of {many}. ",
                hurt.last + 1
            ),
            (_, false) => format!(
                "Bit {bit} of the file was flipped, behind the {many} records that were acknowledged. "
            ),
        }
    }

    fn asked(&mut self, scene: Scene<'_>, request: RequestId, what: &Request) {
        if let Request::Append(record) = what {
            self.front.get_or_insert(self.disk.len());
            *self.asked.entry(record.clone()).or_default() += 1;
            self.spent.appends += 1;
            self.spent.allowed_bytes += record.0.len() as u64 * 3 / 2 + BYTES_A_RECORD;
        }
        self.open.insert(request, Open { what: what.clone(), at: scene.at(), seen: scene.id() });
    }

    fn told(&mut self, scene: Scene<'_>, request: RequestId, response: &Response) -> Result<(), Violation> {
        let Some(open) = self.open.remove(&request) else { return Ok(()) };
        self.reached.mark_if(RESTARTED, self.lives > 3);
        match (&open.what, response) {
            (Request::Append(record), Response::Appended { at }) => self.appended(scene, &open, record, *at),
            (Request::Append(record), Response::Damaged) => {
                let says = format!("{} answered Damaged to the append of {record}", scene.node());
                self.refused(scene, &says)
            }
            (Request::Read, Response::Records { records, whole }) => self.read(scene, records, *whole),
            (what, _) => {
                let (asked, due) = match what {
                    Request::Append(_) => ("an append", "Appended or Damaged"),
                    Request::Read => ("a read", "Records"),
                };
                let sentence = format!(
                    "{} answered {asked} with {response:?}. The answer to {asked} is {due}.",
                    scene.node()
                );
                Err(scene.breaks("wrong-answer", sentence))
            }
        }
    }

    fn appended(&mut self, scene: Scene<'_>, open: &Open, record: &Record, at: u64) -> Result<(), Violation> {
        let says = format!("{} answered that {record} was appended at place {at}", scene.node());
        let ends = Some(self.disk.len());
        let known = Known { record: record.clone(), at: scene.at(), seen: scene.id(), ends };
        if let Damage::Anywhere = self.damage {
            self.places.insert(at, known);
            return Ok(());
        }
        if let Some((when, seen)) = self.life.refused {
            let sentence = format!(
                "{says}, but it had said at {when} that its log is damaged. A log that is not whole takes no record."
            );
            return Err(scene
                .breaks("takes-records-though-damaged", sentence)
                .because(seen, "the log is damaged"));
        }
        if let Some(hurt) = self.hurt()
            && !hurt.follows
            && at >= hurt.first
            && at < self.many()
        {
            // the hurt record was the last one, and was dropped
            self.places.split_off(&at);
            self.damage = Damage::None;
        }
        match self.places.get(&at) {
            Some(known) if known.ends.is_some() || known.record != *record => {
                let (other, when, hurt) = (&known.record, known.at, self.hurt());
                let about = hurt.map(|hurt| self.about(hurt)).unwrap_or_default();
                let sentence = format!(
                    "{about}{says}, but place {at} was given to {other} at {when}. A record stays at its place for ever."
                );
                let violation = scene
                    .breaks("place-taken", sentence)
                    .because(known.seen, format!("{other} is at place {at}"))
                    .because(open.seen, format!("{record} is to be appended"));
                return Err(match hurt {
                    Some(hurt) => violation.because(hurt.seen, format!("bit {} is flipped", hurt.bit)),
                    None => violation,
                });
            }
            _ => {}
        }
        self.places.insert(at, known);
        self.life.took.get_or_insert((scene.at(), scene.id()));
        Ok(())
    }

    /// The log says, in these words, that its file is damaged.
    fn refused(&mut self, scene: Scene<'_>, says: &str) -> Result<(), Violation> {
        if matches!(self.damage, Damage::None) {
            let sentence =
                format!("{says}, but no bit of the file was flipped. A crash alone is never damage.");
            return Err(scene.breaks("false-alarm", sentence));
        }
        if let Damage::Anywhere = self.damage {
            return Ok(());
        }
        if let Some((when, seen)) = self.life.took {
            let sentence = format!(
                "{says}, but in the same life it had taken a record at {when}. A log has to find damage before it takes a record."
            );
            return Err(scene
                .breaks("takes-records-though-damaged", sentence)
                .because(seen, "the log takes a record"));
        }
        if let Some((when, Written { at, cuts })) = self.life.wrote {
            let did = if cuts { "cut" } else { "written to" };
            let sentence = format!(
                "{says}, but it had {did} its file at {when}. A log that is not whole keeps its file as it is."
            );
            return Err(scene.breaks("changes-a-damaged-file", sentence).because(at, "the file changes"));
        }
        self.life.refused.get_or_insert((scene.at(), scene.id()));
        if self.hurt().is_some_and(|hurt| hurt.follows) {
            self.reported.get_or_insert((scene.at(), scene.id()));
        }
        Ok(())
    }

    fn read(&mut self, scene: Scene<'_>, records: &[Record], whole: bool) -> Result<(), Violation> {
        let node = scene.node();
        let says = format!("{node} gave {} at {}", so_many(records.len()), scene.at());
        let hurt = self.hurt();
        let about = hurt.map(|hurt| self.about(hurt)).unwrap_or_default();
        let because = |violation: Violation| match hurt {
            Some(hurt) => violation.because(hurt.seen, format!("bit {} is flipped", hurt.bit)),
            None => violation,
        };
        if whole && let Some((when, seen)) = self.life.refused {
            let sentence = format!(
                "{says} and said that its log is whole, but it had said at {when} that the log is damaged. Both answers are of one life."
            );
            return Err(scene.breaks("changes-its-mind", sentence).because(seen, "the log is damaged"));
        }
        if !whole {
            self.refused(scene, &format!("{says} and said that its log is not whole")).map_err(because)?;
        }
        self.are_asked_for(scene, records, &about).map_err(because)?;
        let given = records.len() as u64;
        if let Damage::Anywhere = self.damage {
            return Ok(());
        }
        // which of the known records may be gone
        let kept = match hurt {
            None => self.many(),
            Some(_) if whole && given >= self.many() => self.many(),
            Some(Hurt { follows: true, last, .. }) if whole => {
                let (first, many) = (last + 2, self.many());
                let which = if first < many {
                    format!("records {first} to {many} were")
                } else {
                    format!("record {many} was")
                };
                let sentence = format!(
                    "{about}{says} and said that this is all, but {which} acknowledged. A log must report damage if a record follows it."
                );
                return Err(because(scene.breaks("silent-loss", sentence)));
            }
            Some(Hurt { first, .. }) if whole => first,
            Some(Hurt { first, .. }) => first.saturating_sub(1),
        };
        for (place, known) in &self.places {
            let Known { record, at, seen, ends } = known;
            let was = if ends.is_some() { "appended" } else { "given" };
            let sentence = match usize::try_from(*place).ok().and_then(|place| records.get(place)) {
                Some(other) if other == record => continue,
                Some(_) if *place >= kept && !hurt.is_some_and(|hurt| hurt.follows) => continue,
                None if *place >= kept => continue,
                Some(other) => format!(
                    "{about}{says}, and {other} is at place {place}, but {record} was {was} at place {place} at {at}. A record stays at its \
                     place for ever."
                ),
                None => format!(
                    "{about}{says}, but {record} was {was} at place {place} at {at}. What a client was told of must be durable."
                ),
            };
            let rule = if records.len() as u64 > *place { "moved" } else { "lost" };
            return Err(
                because(scene.breaks(rule, sentence)).because(*seen, format!("{record} is at place {place}"))
            );
        }
        if hurt.is_some_and(|hurt| !hurt.follows) && whole && given < self.many() {
            self.places.split_off(&given); // the last record was dropped
            self.damage = Damage::None;
        }
        for (place, record) in (0..).zip(records) {
            let (at, seen) = (scene.at(), scene.id());
            self.places.entry(place).or_insert_with(|| Known {
                record: record.clone(),
                at,
                seen,
                ends: None,
            });
        }
        Ok(())
    }
    /// Whether each of these records was asked for, and not more often than that.
    fn are_asked_for(&self, scene: Scene<'_>, records: &[Record], about: &str) -> Result<(), Violation> {
        let mut given: BTreeMap<&Record, usize> = BTreeMap::new();
        for (place, record) in records.iter().enumerate() {
            let given = given.entry(record).or_default();
            *given += 1;
            let asked = self.asked.get(record).copied().unwrap_or_default();
            if *given <= asked {
                continue;
            }
            let says = format!("{about}{} gave {record} at place {place}", scene.node());
            let appended = self.places.get(&(place as u64)).map(|known| &known.record);
            let sentence = match asked {
                0 => match appended.and_then(|appended| difference(appended, record)) {
                    Some(difference) => format!(
                        "{says}, but the record that was appended there is another one: {difference}."
                    ),
                    None => format!("{says}, but no client ever appended this record."),
                },
                1 => format!("{says} and at an earlier place, but a client appended it once."),
                _ => format!("{says} and at {asked} earlier places, but clients appended it {asked} times."),
            };
            return Err(scene.breaks("invented", sentence));
        }
        Ok(())
    }

    fn wrote(&mut self, scene: Scene<'_>, op: &std::sync::Arc<lab::DiskOp>) -> Result<(), Violation> {
        let wrote = self.disk.wrote(scene, op)?;
        let written = Written::of(scene, op);
        self.life.wrote.get_or_insert((scene.at(), written));
        if let Some((when, seen)) = self.life.refused.or(self.reported) {
            let does = if written.cuts { "cut its file" } else { "wrote to its file" };
            let sentence = format!(
                "{} {does} at {}, but it had said at {when} that its log is damaged. A log that is not whole keeps its file as it is.",
                scene.node(),
                scene.at()
            );
            return Err(scene.breaks("changes-a-damaged-file", sentence).because(seen, "the log is damaged"));
        }
        self.spent.bytes += wrote.bytes as u64;
        let most = self.spent.allowed_bytes + BYTES_A_START * self.lives;
        if self.costs && self.spent.bytes > most {
            let sentence = format!(
                "{} wrote {} bytes for {} and {} starts. At most {most} are needed: 1.5 bytes for each byte of a record, and {BYTES_A_RECORD} for \
                 each record and each start.",
                scene.node(),
                self.spent.bytes,
                so_many(usize::try_from(self.spent.appends).unwrap_or(usize::MAX)),
                self.lives
            );
            return Err(scene.breaks("writes-too-much", sentence).of_costs());
        }
        Ok(())
    }
    fn syncs(&mut self, scene: Scene<'_>) -> Result<(), Violation> {
        self.spent.syncs += 1;
        let most = self.spent.appends + SYNCS_A_START * self.lives;
        if self.costs && self.spent.syncs > most {
            let sentence = format!(
                "{} synced {} times for {} and {} starts. At most {most} syncs are needed: one for each record, and {SYNCS_A_START} for each start.",
                scene.node(),
                self.spent.syncs,
                so_many(usize::try_from(self.spent.appends).unwrap_or(usize::MAX)),
                self.lives
            );
            return Err(scene.breaks("syncs-too-often", sentence).of_costs());
        }
        Ok(())
    }
    fn started(&mut self, scene: Scene<'_>) {
        self.life = Life::default();
        self.lives += 1;
        let Found { torn, grown, flipped } = self.disk.found(scene);
        match (flipped, &self.damage) {
            (Flipped::None, _) => {}
            (Flipped::Bit(bit), Damage::None) => self.damage = Damage::Bit(bit, scene.id()),
            (Flipped::Bit(_) | Flipped::Somewhere, _) => self.damage = Damage::Anywhere,
        }
        if let Some(hurt) = self.hurt() {
            if hurt.follows && self.lenient {
                self.damage = Damage::Anywhere;
            }
            self.reached.mark_if(LAST_HURT, !hurt.follows && hurt.last < self.many());
            self.reached.mark_if(MIDDLE_HURT, hurt.follows);
            if flipped != Flipped::None {
                self.reached.figure("flipped bits", 1);
            }
        }
        if torn {
            self.reached.mark(TORN);
            self.reached.figure("torn records", 1);
        }
        self.reached.mark_if(GROWN, grown);
    }
    fn crashed(&mut self) {
        self.reached.mark_if(UNSYNCED, self.disk.is_dirty() && !self.places.is_empty());
        self.reached.mark_if(CRASHED_AGAIN, self.lives == 2);
        self.disk.crashed();
        self.open.clear();
    }
    /// Whether a request has had no answer for too long.
    fn is_late(&self, world: &World, now: Time) -> Result<(), Violation> {
        let is_over = world.end() == Some(&End::Idle);
        let Some(open) = self.open.values().find(|open| is_over || now > open.at + PATIENCE) else {
            return Ok(());
        };
        let what = match &open.what {
            Request::Append(record) => format!("to append {record}"),
            Request::Read => "to read".to_owned(),
        };
        let sentence = format!(
            "A client asked the log {what} at {}, and it had no answer by {now}. A log answers within {PATIENCE:?}.",
            open.at
        );
        Err(Violation::never("answers-in-time", sentence).because(open.seen, "this request gets no answer"))
    }
}

impl Rule<Wal> for Records {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Wal>) -> Result<(), Violation> {
        let left = self.left.get_or_insert_with(|| {
            scene.scenario().clients.iter().map(|client| client.operations.len()).sum()
        });
        match saw {
            Saw::Asked { request, what, .. } => self.asked(scene, *request, what),
            Saw::Told { request, what } => self.told(scene, *request, what)?,
            Saw::Started { .. } => self.started(scene),
            Saw::Crashed => self.crashed(),
            Saw::Synced => self.disk.synced(),
            _ => match &scene.seen.seen {
                Seen::Wrote { op } => self.wrote(scene, op)?,
                Seen::Syncing => self.syncs(scene)?,
                Seen::FaultBegan { .. } => self.disk.suffers(scene),
                Seen::Returned { .. } | Seen::GaveUp { .. } => *left = left.saturating_sub(1),
                _ => {}
            },
        }
        self.is_late(scene.world, scene.at())
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        self.is_late(world, world.now())?;
        reached.clone_from(&self.reached);
        Ok(())
    }
    fn waits(&self) -> Waits {
        if self.left == Some(0) { Waits::NoMore } else { Waits::Still }
    }
}
