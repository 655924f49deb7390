//! A run of a store that was chosen: no code of a student's takes part, and everything in it follows from the question.

use super::store::{CUT, FIRE, Habits, Holds, LAST, Request, Response, Store, node};
use kit::{Stage, ms};
use lab::NodeId;
#[cfg(test)]
use lab::strategy::{Acks, Reads};
use lab::strategy::{Choice, Question, Writers};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use world::{
    ClientId, DiskLoss, Harm, Link, LinkRule, Local, Operation, OperationId, Scenario, Seed, Seen, Time,
    Until, When, Who, World,
};

/// Each region has so many keys to write to.
const KEYS: u32 = 4;
const REGIONS: u32 = 3;
/// From when on regions that go on are served again.
const GOES_ON: Duration = ms(6_500);
/// When clients ask for the last time. What is asked then has time to be answered.
const ASKED_LAST: Duration = ms(9_300);
/// A client that waits for longer than this is not served.
const SERVED: Duration = ms(1_000);
/// Clients that write have numbers from here on; those of a region that read have the number of the region.
const WRITERS: u32 = 10;

/// All choices that name a store.
#[cfg(test)]
pub(super) fn all() -> Vec<Choice> {
    let mut all = vec![Choice::MultiLeader];
    for acks in [Acks::Sync, Acks::Async] {
        for reads in [Reads::Leader, Reads::Local] {
            all.push(Choice::SingleLeader { acks, reads });
        }
    }
    for r in 1..=3 {
        for w in 1..=3 {
            all.push(Choice::Leaderless { r, w });
        }
    }
    all
}

/// What was measured in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    /// By region: what half of the reads before the cut take at most.
    pub(super) reads: BTreeMap<u32, Duration>,
    /// The same of writes, in regions that write.
    pub(super) writes: BTreeMap<u32, Duration>,
    /// Reads that did not show a write that was acknowledged before them.
    pub(super) stale: u64,
    /// Acknowledged writes that no node has in the end.
    pub(super) lost: u64,
    /// Requests in the other regions while one is cut off, and how many of them were answered.
    pub(super) others: Share,
    /// The same in the region that is cut off.
    pub(super) it: Share,
}
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) asked: u64,
    pub(super) answered: u64,
}
impl Share {
    fn count(&mut self, is_answered: bool) {
        self.asked += 1;
        self.answered += u64::from(is_answered);
    }
    /// Whether nearly all were answered.
    fn goes_on(self) -> bool {
        self.answered * 100 >= self.asked * 95
    }
}

impl Report {
    /// What of the question this run does not keep, each in a sentence.
    pub(super) fn misses(&self, question: &Question) -> Vec<String> {
        let mut misses = Vec::new();
        for (name, limit, measured) in
            [("writes", question.write_ms, &self.writes), ("reads", question.read_ms, &self.reads)]
        {
            let slow = |(_, time): &(&u32, &Duration)| limit.is_some_and(|limit| **time > ms(limit.into()));
            if let Some((region, time)) = measured.iter().find(slow) {
                misses.push(format!(
                    "Half of the {name} in region {region} took {} ms or more; at most {} ms are allowed",
                    time.as_millis(),
                    limit.unwrap_or_default()
                ));
            }
        }
        if question.never_stale && self.stale > 0 {
            misses.push(format!(
                "{} reads did not show a write that had been acknowledged before; none may",
                self.stale
            ));
        }
        if question.never_lost && self.lost > 0 {
            misses.push(format!("In the end, {} acknowledged writes were gone; none may be", self.lost));
        }
        if let Some(cut) = question.cut_off {
            let shares = [
                (cut.others_go_on, self.others, "the other regions".to_owned()),
                (cut.it_goes_on, self.it, format!("region {}", cut.region)),
            ];
            for (_, Share { asked, answered }, place) in
                shares.into_iter().filter(|(is_asked, share, _)| *is_asked && !share.goes_on())
            {
                misses.push(format!(
                    "From 6.5 s on, {answered} of {asked} requests in {place} were answered; nearly all must be"
                ));
            }
        }
        misses
    }
}

/// Runs a store of this kind under what the question says of the world.
pub(super) fn run(question: &Question, choice: Choice) -> Report {
    let mut dice = Dice::of(question);
    let scenario = scenario(question, choice, &mut dice);
    let asked = requests(&scenario);
    let mut seen = Noted::default();
    let world = World::new(Arc::new(scenario), Seed([dice.next(), dice.next()]));
    Local::new([]).drive_until(world, |_, observation| {
        seen.note(observation.at, observation.node, &observation.seen, observation.emitted::<Store>());
        true
    });
    seen.report(question, &asked)
}

/// Numbers that follow from a question.
struct Dice(u64);
impl Dice {
    fn of(question: &Question) -> Dice {
        let bytes = lab::frame::encode(question);
        Dice(bytes.iter().fold(0x9E37_79B9_7F4A_7C15, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
        }))
    }
    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

fn scenario(question: &Question, choice: Choice, dice: &mut Dice) -> Scenario {
    let cut = question.cut_off.map(|cut| cut.region);
    let habits = Habits { choice, cut };
    let mut stage =
        Stage::<Store>::with((1..=REGIONS).map(|region| node(region, &habits)).collect(), ms(10_500));
    let one_way = |times: u32| {
        let time = ms(question.round_trip_ms.into()) / 2 * times;
        Link::between(time, time + time / 20)
    };
    stage.network = one_way(1);
    let slow = |to: Option<NodeId>| Harm::Links(LinkRule { from: Some(NodeId(1)), to, link: one_way(5) });
    stage.harm(ms(1_000), slow(Some(NodeId(3))), Until::After(ms(1_000)));
    stage.harm(ms(2_800), slow(None), Until::After(ms(700)));
    if let Some(region) = cut {
        let node = Who::Node(NodeId(region));
        stage.harm(CUT, Harm::Isolate { node }, Until::Never);
        stage.harm(FIRE, Harm::Crash { node, disk: DiskLoss::All }, Until::Never);
    }
    let mut value = 0;
    for region in 1..=REGIONS {
        let writes = question.writers == Writers::AllRegions || region == 1;
        let last = if cut == Some(region) { FIRE } else { ASKED_LAST };
        for (client, is_writer) in [(region, false), (WRITERS + region, true)] {
            if is_writer && !writes {
                continue;
            }
            let mut at = ms(20 + dice.below(20));
            let mut asked = 0;
            while at < last {
                // an unfinished write would hide what is stale
                let is_pause = at >= CUT - ms(900) && at < CUT;
                asked += 1;
                let request = if is_writer {
                    value += 1;
                    Request::Write { key: region * KEYS + asked % KEYS, value }
                } else {
                    let of = if question.writers == Writers::AllRegions {
                        1 + dice.below(REGIONS.into()) as u32
                    } else {
                        1
                    };
                    Request::Read { key: of * KEYS + dice.below(KEYS.into()) as u32 }
                };
                if !is_pause {
                    let asks = stage.client(client);
                    let operation = Operation {
                        at: Some(When::At(at)),
                        ..Operation::next::<Store>(asked, NodeId(region), &request)
                    };
                    asks.operations.push(operation);
                }
                at += ms(20 + dice.below(21));
            }
        }
    }
    stage.into()
}

/// What each operation asks, and of which region.
fn requests(scenario: &Scenario) -> BTreeMap<(ClientId, OperationId), (u32, Request)> {
    let clients = scenario.clients.iter();
    let all =
        clients.flat_map(|client| client.operations.iter().map(move |operation| (client.id, operation)));
    let decoded = all.filter_map(|(client, operation)| {
        let request = lab::frame::decode(&operation.request)?;
        Some(((client, operation.id), (operation.to.first()?.0, request)))
    });
    decoded.collect()
}

/// What was seen of a run.
#[derive(Default)]
struct Noted {
    began: BTreeMap<(ClientId, OperationId), Time>,
    ended: BTreeMap<(ClientId, OperationId), (Time, Response)>,
    held: BTreeMap<u32, Vec<u64>>,
}
/// A write: when it began, and when it was acknowledged.
#[derive(Clone, Copy)]
struct Write {
    began: Time,
    ended: Option<Time>,
}
impl Write {
    /// Whether this one was over before the other one began.
    fn is_before(self, other: Write) -> bool {
        self.ended.is_some_and(|ended| ended < other.began)
    }
}

impl Noted {
    fn note(&mut self, at: Time, node: NodeId, seen: &Seen, holds: Option<Holds>) {
        let _ = node;
        match seen {
            Seen::Invoked { client, operation } => _ = self.began.insert((*client, *operation), at),
            Seen::Returned { client, operation, bytes } => {
                if let Some(response) = lab::frame::decode(bytes) {
                    self.ended.insert((*client, *operation), (at, response));
                }
            }
            _ => {}
        }
        if let Some(Holds { key, value }) = holds {
            self.held.entry(key).or_default().push(value);
        }
    }

    fn report(
        &self,
        question: &Question,
        asked: &BTreeMap<(ClientId, OperationId), (u32, Request)>,
    ) -> Report {
        let cut = question.cut_off.map(|cut| cut.region);
        let mut writes: BTreeMap<u32, BTreeMap<u64, Write>> = BTreeMap::new();
        let mut times: BTreeMap<(bool, u32), Vec<Duration>> = BTreeMap::new();
        let (mut others, mut it) = (Share::default(), Share::default());
        for (name, (region, request)) in asked {
            let Some(began) = self.began.get(name).copied() else { continue };
            let ended = self.ended.get(name).map(|(ended, _)| *ended);
            let took = ended.map_or(Duration::MAX, |ended| ended - began);
            if let Request::Write { key, value } = request {
                writes.entry(*key).or_default().insert(*value, Write { began, ended });
            }
            let since = began - Time::ZERO;
            if since < CUT {
                let is_write = matches!(request, Request::Write { .. });
                times.entry((is_write, *region)).or_default().push(took);
            }
            let is_answered = took <= SERVED;
            if since >= GOES_ON && cut == Some(*region) && since + SERVED < FIRE {
                it.count(is_answered);
            } else if since >= GOES_ON && cut.is_some() && cut != Some(*region) {
                others.count(is_answered);
            }
        }
        let medians = |writes: bool| {
            let of = times.iter().filter(|((is_write, _), _)| *is_write == writes);
            let medians = of.map(|((_, region), times)| {
                let mut times = times.clone();
                times.sort_unstable();
                (*region, times[(times.len() - 1) / 2])
            });
            medians.collect()
        };
        Report {
            reads: medians(false),
            writes: medians(true),
            stale: self.stale(asked, &writes),
            lost: self.lost(&writes),
            others,
            it,
        }
    }
    /// Reads that showed a write although another one had begun after it and was over before the read.
    fn stale(
        &self,
        asked: &BTreeMap<(ClientId, OperationId), (u32, Request)>,
        writes: &BTreeMap<u32, BTreeMap<u64, Write>>,
    ) -> u64 {
        let is_stale = |(name, (_, request)): &(&(ClientId, OperationId), &(u32, Request))| {
            let Request::Read { key } = request else { return false };
            let Some((_, Response::Value(shown))) = self.ended.get(name) else { return false };
            let (Some(began), Some(writes)) = (self.began.get(name), writes.get(key)) else { return false };
            let shown = shown.and_then(|value| writes.get(&value).copied());
            let mut before = writes.values().filter(|write| write.ended.is_some_and(|ended| ended < *began));
            before.any(|write| shown.is_none_or(|shown| shown.is_before(*write)))
        };
        asked.iter().filter(is_stale).count() as u64
    }
    /// Writes that were acknowledged, and of which every node that is left holds an older one in the end.
    fn lost(&self, writes: &BTreeMap<u32, BTreeMap<u64, Write>>) -> u64 {
        let lost = |(key, writes): (&u32, &BTreeMap<u64, Write>)| {
            let held = self.held.get(key).map_or(&[][..], Vec::as_slice);
            let has = |write: &Write| {
                held.iter().filter_map(|value| writes.get(value)).any(|held| !held.is_before(*write))
            };
            let acknowledged = writes.values().filter(|write| write.ended.is_some());
            acknowledged.filter(|write| !has(write)).count() as u64
        };
        writes.iter().map(lost).sum()
    }
}

/// The last requests are over before nodes say what they hold.
const _: () = assert!(ASKED_LAST.as_millis() + SERVED.as_millis() < LAST.as_millis());
