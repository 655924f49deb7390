//! `causal_broadcast`: causes first, once, to all who live, and no stronger than that.

use judge::{Case, Check, Exercise, Kind, Oracle, Pick, Reached, Violation, entry};
use lab::NodeId;
use lab::causal_broadcast::{Config, Event, Member, Payload, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{
    Cause, Chance, Client, DiskLoss, End, Fault, Harm, Latency, Link, LinkRule, Observation, ObservationId,
    Operation, Pattern, Scenario, Seen, SeenKind, Tail, Time, Trigger, Until, When, Who, World,
};

pub(super) fn exercise() -> Exercise {
    Exercise {
        id: "causal_broadcast",
        entry: entry!(
            ch07_logical_clocks,
            lab::causal_broadcast::exercise::<chapter::causal_broadcast::Member>()
        ),
        lossless: true,
        checks: vec![
            Check {
                id: "validity",
                promise: "What a node that never crashes broadcasts, every node that never crashes delivers, \
                          however many messages the network lost before.",
                rule: "Hadzilacos and Toueg 1994, validity. Over links that lose messages one sends again until one hears that \
                       it arrived; and one never waits for everybody, for some may be dead.",
                assumption: "That what is sent arrives.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &[],
                worlds: 64,
                sometimes: &[(LOST, "No message was lost, so nothing was shown.")],
                case: validity,
                ..Check::PLAIN
            },
            Check {
                id: "causal",
                promise: "A message is delivered after every message that its broadcaster had delivered or broadcast before.",
                rule: "Birman, Schiper and Stephenson 1991: a message says how much of everyone's its broadcaster had delivered; who \
                       receives it waits until it has delivered as much.",
                assumption: "That a question arrives before its answer.",
                kind: Kind::Safety,
                xp: 5,
                needs: &["validity"],
                worlds: 128,
                sometimes: &[(
                    CAUSED,
                    "No message with a cause on another node reached a third one, so nothing was shown.",
                )],
                case: causal,
                ..Check::PLAIN
            },
            Check {
                id: "once",
                promise: "Nothing is delivered twice, and nothing that nobody broadcast.",
                rule: "Hadzilacos and Toueg 1994, integrity. A message that is sent again must be known again, also by a node \
                       that has long been done with it.",
                assumption: "That what arrives is new.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["validity"],
                worlds: 64,
                sometimes: &[(DOUBLED, "No message ever arrived twice, so nothing was shown.")],
                case: once,
                ..Check::PLAIN
            },
            Check {
                id: "rescan",
                promise: "A message whose causes have all been delivered does not wait any longer.",
                rule: "Birman, Schiper and Stephenson 1991: each delivery can make others possible, and those others again; look \
                       until nothing more can be delivered.",
                assumption: "That one arrival is one delivery.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &[],
                worlds: 48,
                sometimes: &[(FREED, "No message ever waited for its cause, so nothing was shown.")],
                case: rescan,
                ..Check::PLAIN
            },
            Check {
                id: "all-or-none",
                promise: "If a node crashes while it broadcasts, the nodes that never crash all deliver its message, or none does.",
                rule: "Hadzilacos and Toueg 1994, agreement. The broadcaster may be gone: whoever has a message sees to it that \
                       everyone gets it.",
                assumption: "That who begins to tell everyone also ends it.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["validity"],
                worlds: 128,
                sometimes: &[(
                    SURVIVED,
                    "No message was ever delivered whose broadcaster had crashed, so nothing was shown.",
                )],
                case: all_or_none,
                ..Check::PLAIN
            },
            Check {
                id: "uniform",
                promise: "What any node delivers, even one that crashes right after, every node that never crashes delivers.",
                rule: "Hadzilacos and Toueg 1994, uniform agreement. Fewer than half crash: what a majority has, somebody who never \
                       crashes has. Before that, nobody may deliver it.",
                assumption: "That what the dead did does not count: the world has already seen it.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["validity"],
                worlds: 96,
                sometimes: &[(DIED, "No node delivered a message and crashed, so nothing was shown.")],
                case: uniform,
                ..Check::PLAIN
            },
            Check {
                id: "no-stronger",
                promise: "Concurrent messages do not wait for each other: where one node's links are slow, the messages of all others \
                          arrive within 4 delays.",
                rule: "Birman, Schiper and Stephenson 1991: causal order is what one must wait for, and all that one must wait for. \
                       A total order costs a wait for the slowest.",
                assumption: "That everyone is about as fast.",
                kind: Kind::Cost,
                xp: 2,
                needs: &["validity"],
                worlds: 24,
                sometimes: &[(
                    UNFAZED,
                    "No message ever overtook one from the slow node that was broadcast before it, so nothing was shown.",
                )],
                case: no_stronger,
                ..Check::PLAIN
            },
            Check {
                id: "traffic",
                promise: "On a clean network a broadcast costs at most 3 n² messages, and what they bear besides it grows \
                          with n alone.",
                rule: "Everyone tells everyone once: n (n − 1) messages, each with one number per node. A history that travels along \
                       grows for ever.",
                assumption: "That messages are free, however long.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["validity"],
                worlds: 4,
                sometimes: &[],
                case: traffic,
                ..Check::PLAIN
            },
        ],
    }
}

const LOST: &str = "a message was lost";
const CAUSED: &str = "an answer reached somebody who had asked nothing";
const DOUBLED: &str = "a message arrived twice";
const FREED: &str = "a message waited for its cause";
const SURVIVED: &str = "a message was delivered whose broadcaster had crashed";
const DIED: &str = "a node delivered and crashed";
const UNFAZED: &str = "a message overtook one of the slow node's";

/// A good network delivers everything within so many times `Config::resend`.
const RESENDS: u32 = 20;
const RESEND: Duration = Duration::from_millis(50);

/// If every node told every other what it knows twenty times in each `Config::resend`, a run would have fewer events.
const EVENTS_MAX: u64 = 40_000;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
fn cluster(n: u32, resend: Duration, last: Duration) -> Scenario {
    let mut scenario =
        Scenario::cluster::<Member>(n, &Config { nodes: n, resend }, last + resend * (RESENDS + 2));
    scenario.network = Link::between(ms(1), ms(3));
    scenario.limits.events = EVENTS_MAX;
    scenario
}
fn cast(pick: &mut Pick, n: u32) -> Vec<NodeId> {
    let mut cast: Vec<NodeId> = (1..=n).map(NodeId).collect();
    pick.shuffle(&mut cast);
    cast
}
fn on(pattern: Pattern, nth: u32, after: Duration) -> When {
    When::On { trigger: Trigger::Seen(pattern), nth, after }
}
fn delivers(node: NodeId, wanted: Payload) -> Pattern {
    Pattern::emit::<Member>(move |Event::Delivered { payload, .. }| *payload == wanted).at(node)
}
/// Asks each node for broadcasts; payloads count from 1.
fn ask(scenario: &mut Scenario, asks: Vec<(When, NodeId)>) {
    let operations = (1..).zip(asks).map(|(id, (at, node))| {
        let request = Request::Broadcast { payload: id.into() };
        Operation { at: Some(at), ..Operation::next::<Member>(id, node, &request) }
    });
    scenario.clients.push(Client::new(1, operations.collect()));
}
fn crash(when: When, node: NodeId) -> Fault {
    // nobody calms this world down: who is down stays down
    Fault::new(when, Harm::Crash { node: Who::Node(node), disk: DiskLoss::All }, Until::Calm)
}
fn links(from: Option<NodeId>, to: Option<NodeId>, link: Link, at: Duration, lasts: Duration) -> Fault {
    Fault::new(When::At(at), Harm::Links(LinkRule { from, to, link }), Until::After(lasts))
}
fn lossy(percent: u32) -> Link {
    Link { loss: Chance::percent(percent), ..Link::between(ms(1), ms(3)) }
}
/// Broadcasts at random nodes: some at random times, some because of another that was delivered there, some in one breath with
/// the one before.
fn chatter(pick: &mut Pick, n: u32, count: u32, within: Duration) -> Vec<(When, NodeId)> {
    let mut asks: Vec<(When, NodeId)> = Vec::new();
    for nth in 0..count {
        let node = NodeId(pick.small(1..=n));
        let at = pick.micros(5_000..=within.as_micros() as u64);
        let next = match asks.last() {
            Some(_) if pick.percent(40) => {
                let because = u64::from(pick.small(1..=nth));
                (on(delivers(node, because), 1, pick.micros(0..=3_000)), node)
            }
            Some((When::At(before), node)) if pick.percent(40) => {
                (When::At(*before + pick.micros(0..=1_000)), *node)
            }
            _ => (When::At(at), node),
        };
        asks.push(next);
    }
    asks
}

fn validity(pick: &mut Pick, nth: u32) -> Case {
    let n = 5;
    let bad = ms(800);
    let mut scenario = cluster(n, RESEND, bad);
    let all = cast(pick, n);
    let count = pick.small(6..=10);
    let asks = chatter(pick, n, count, ms(400));
    ask(&mut scenario, asks);
    scenario.faults.push(links(None, None, lossy(30), Duration::ZERO, bad));
    if nth % 3 == 1 {
        // one hears nothing for a long time
        scenario.faults.push(links(None, Some(all[0]), lossy(100), Duration::ZERO, bad));
    }
    for node in &all[3..3 + (nth % 3) as usize] {
        // before anybody is asked: nothing that they wrote is a cause
        scenario.faults.push(crash(When::At(pick.micros(0..=4_000)), *node));
    }
    Case::new(scenario, Group { promise: Promise::Validity, ..Group::default() })
}

/// The first message reaches one node late; those that it caused do not. The dependents: one chain, or side by side.
fn late_cause(pick: &mut Pick, n: u32, dependents: u32, chain: bool) -> Scenario {
    let all = cast(pick, n);
    let (writer, late) = (all[0], all[1]);
    let others = &all[2..];
    let mut scenario = cluster(n, ms(500), ms(600));
    scenario.network = Link::between(ms(1), ms(2));
    scenario.faults.push(links(None, Some(late), Link::fixed(ms(300)), ms(9), ms(22)));
    let mut asks = vec![(When::At(ms(10)), writer)];
    let mut last = (writer, 1);
    for nth in 0..dependents {
        let node = *pick.one(others);
        let cause = if chain { last.1 } else { 1 };
        // the first of a chain waits until the slow time is over
        let after = if cause == 1 { ms(22) + pick.micros(0..=4_000) } else { pick.micros(0..=2_000) };
        asks.push((on(delivers(node, cause), 1, after), node));
        last = (node, Payload::from(nth) + 2);
    }
    ask(&mut scenario, asks);
    scenario
}

fn causal(pick: &mut Pick, nth: u32) -> Case {
    let oracle = Group { promise: Promise::Causal, ..Group::default() };
    if nth.is_multiple_of(4) {
        let n = *pick.one(&[3, 5]);
        let dependents = pick.small(1..=3);
        return Case::new(late_cause(pick, n, dependents, true), oracle);
    }
    let n = if pick.percent(20) { 3 } else { 5 };
    let mut scenario = cluster(n, ms(100), ms(800));
    let tail = Tail { chance: Chance::percent(pick.small(10..=40)), max: ms(300) };
    scenario.network = Link {
        latency: Latency { min: ms(1), max: ms(pick.number(2..=15)), tail: Some(tail) },
        loss: Chance::percent(if pick.percent(50) { 15 } else { 0 }),
        duplication: Chance::percent(if pick.percent(30) { 15 } else { 0 }),
        ..Link::fixed(ms(1))
    };
    let count = pick.small(8..=16);
    let asks = chatter(pick, n, count, ms(300));
    ask(&mut scenario, asks);
    if pick.percent(25) {
        scenario.faults.push(crash(When::At(pick.micros(1_000..=400_000)), NodeId(pick.small(1..=n))));
    }
    Case::new(scenario, oracle)
}

fn once(pick: &mut Pick, _nth: u32) -> Case {
    let n = 5;
    let mut scenario = cluster(n, RESEND, ms(800));
    let tail = Tail { chance: Chance::percent(15), max: ms(600) };
    scenario.network = Link {
        latency: Latency { min: ms(1), max: ms(5), tail: Some(tail) },
        loss: Chance::percent(pick.small(0..=25)),
        duplication: Chance::percent(pick.small(20..=50)),
        ..Link::fixed(ms(1))
    };
    let count = pick.small(4..=8);
    let asks = chatter(pick, n, count, ms(300));
    ask(&mut scenario, asks);
    Case::new(scenario, Group { promise: Promise::Once, ..Group::default() })
}

fn rescan(pick: &mut Pick, nth: u32) -> Case {
    let dependents = if nth.is_multiple_of(2) { 2 } else { 16 };
    let chain = nth % 4 > 1;
    let scenario = late_cause(pick, 5, dependents, chain);
    Case::new(scenario, Group { promise: Promise::Rescan, ..Group::default() })
}

fn all_or_none(pick: &mut Pick, nth: u32) -> Case {
    let n = 5;
    let mut scenario = cluster(n, RESEND, ms(500));
    let all = cast(pick, n);
    let dies = all[0];
    if nth < 64 {
        // crashes after its first, second, third, … send; in most of these worlds much of what others pass on is lost, too
        ask(&mut scenario, vec![(When::At(ms(10)), dies)]);
        let sends = Pattern::of(SeenKind::Sent).at(dies);
        scenario.faults.push(crash(on(sends, nth % 8 + 1, Duration::ZERO), dies));
        if nth >= 16 {
            scenario.faults.push(links(None, None, lossy(40), Duration::ZERO, ms(300)));
        }
    } else {
        let count = pick.small(2..=6);
        let mut asks = chatter(pick, n, count, ms(60));
        asks.push((When::At(pick.micros(5_000..=40_000)), dies));
        ask(&mut scenario, asks);
        if pick.percent(60) {
            let percent = pick.small(10..=50);
            scenario.faults.push(links(None, None, lossy(percent), Duration::ZERO, ms(400)));
        }
        for node in all.iter().take(pick.small(1..=2) as usize) {
            let kind = *pick.one(&[SeenKind::Sent, SeenKind::Requested, SeenKind::Delivered]);
            let most = if kind == SeenKind::Requested { 1 } else { 25 };
            let (many, after) = (pick.small(1..=most), pick.micros(0..=3_000));
            scenario.faults.push(crash(on(Pattern::of(kind).at(*node), many, after), *node));
        }
    }
    Case::new(scenario, Group { promise: Promise::AllOrNone, ..Group::default() })
}

fn uniform(pick: &mut Pick, nth: u32) -> Case {
    let n = 5;
    let mut scenario = cluster(n, RESEND, ms(500));
    let all = cast(pick, n);
    let (writer, reader) = (all[0], all[1]);
    let emits = |node: NodeId| Pattern::of(SeenKind::Emitted).at(node);
    if nth % 3 < 2 {
        // Two nodes talk to each other, and perhaps to a third; what they say to the rest is lost. As soon as one of the two
        // delivers, or after a while, both crash.
        ask(&mut scenario, vec![(When::At(ms(10)), writer)]);
        let deaf = all[2 + (nth % 3) as usize..].to_vec();
        let cut = |from: NodeId| {
            Fault::new(
                When::At(Duration::ZERO),
                Harm::Cut { from: vec![from], to: deaf.clone() },
                Until::After(ms(450)),
            )
        };
        scenario.faults.extend([cut(writer), cut(reader)]);
        for dies in [writer, reader] {
            scenario.faults.push(crash(on(emits(writer), 1, Duration::ZERO), dies));
            scenario.faults.push(crash(on(emits(reader), 1, Duration::ZERO), dies));
            scenario.faults.push(crash(When::At(ms(400)), dies));
        }
        if pick.percent(50) {
            scenario.faults.push(links(Some(all[2]), None, lossy(60), Duration::ZERO, ms(300)));
        }
    } else {
        let count = pick.small(3..=7);
        let asks = chatter(pick, n, count, ms(60));
        ask(&mut scenario, asks);
        let percent = pick.small(20..=60);
        scenario.faults.push(links(None, None, lossy(percent), Duration::ZERO, ms(400)));
        for node in [writer, reader] {
            scenario.faults.push(crash(on(emits(node), pick.small(1..=3), Duration::ZERO), node));
        }
    }
    Case::new(scenario, Group { promise: Promise::Uniform, ..Group::default() })
}

fn no_stronger(pick: &mut Pick, _nth: u32) -> Case {
    let n = 5;
    let delay = ms(pick.number(3..=10));
    let slow = NodeId(pick.small(1..=n));
    let mut scenario = cluster(n, RESEND, ms(1_000));
    scenario.network = Link::between(ms(1), delay);
    scenario.links.push(LinkRule { from: Some(slow), to: None, link: Link::fixed(ms(900)) });
    let mut asks = vec![(When::At(ms(5)), slow), (When::At(ms(90)), slow)];
    for _ in 0..pick.small(3..=8) {
        let node = NodeId((slow.0 - 1 + pick.small(1..=n - 1)) % n + 1);
        asks.push((When::At(pick.micros(6_000..=300_000)), node));
    }
    ask(&mut scenario, asks);
    let promise = Promise::Prompt { slow, within: delay * 4 };
    Case::new(scenario, Group { promise, ..Group::default() })
}

fn traffic(pick: &mut Pick, nth: u32) -> Case {
    let n = if nth.is_multiple_of(2) { 5 } else { 9 };
    let count = 200;
    let mut scenario = cluster(n, RESEND, ms(40) * count);
    scenario.network = Link::between(ms(1), ms(5));
    // one at a time, so that every message is about one broadcast
    let asks = (0..count).map(|nth| (When::At(ms(10) + ms(40) * nth), NodeId(pick.small(1..=n))));
    let asks = asks.collect();
    ask(&mut scenario, asks);
    scenario.limits.events = 20 * EVENTS_MAX;
    Case::new(scenario, Group { promise: Promise::Traffic, ..Group::default() })
}
/// A message of this exercise bears at most so many bytes.
fn frame_bytes_max(nodes: usize) -> usize {
    96 + 24 * nodes
}

/// What a world is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Promise {
    #[default]
    Validity,
    Causal,
    Once,
    Rescan,
    AllOrNone,
    Uniform,
    Prompt {
        slow: NodeId,
        within: Duration,
    },
    Traffic,
}

/// Follows who broadcast what, who delivered it, and what was known then.
#[derive(Default)]
struct Group {
    promise: Promise,
    members: BTreeMap<NodeId, Log>,
    messages: BTreeMap<Payload, Sending>,
    /// When something last went wrong, or went right again.
    last_fault: Time,
    /// Sendings that have arrived.
    arrived: BTreeSet<ObservationId>,
    frames: u64,
    reached: Reached,
}
#[derive(Default)]
struct Log {
    written: Vec<Payload>,
    delivered: Vec<Payload>,
    when: BTreeMap<Payload, Time>,
    /// Where it delivered them.
    at: BTreeMap<Payload, ObservationId>,
    crashed: Option<Time>,
}
struct Sending {
    from: NodeId,
    at: Time,
    asked: ObservationId,
    /// So many of those that its broadcaster had delivered, and written, by then are its causes.
    causes: (usize, usize),
}

fn list(nodes: &[NodeId]) -> String {
    let names: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    match &names[..] {
        [one] => one.clone(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
        [] => "nobody".to_owned(),
    }
}

impl Group {
    fn log(&mut self, node: NodeId) -> &mut Log {
        self.members.entry(node).or_default()
    }
    fn requested(&mut self, seen: &Observation, Request::Broadcast { payload }: Request) {
        let log = self.log(seen.node);
        let causes = (log.delivered.len(), log.written.len());
        log.written.push(payload);
        self.messages.insert(payload, Sending { from: seen.node, at: seen.at, asked: seen.id, causes });
    }

    fn delivered(&mut self, seen: &Observation, from: NodeId, payload: Payload) -> Result<(), Violation> {
        let node = seen.node;
        let known = self.messages.get(&payload).filter(|sending| sending.from == from);
        let before = self.members.get(&node).and_then(|log| log.when.get(&payload)).copied();
        match (known, before) {
            (None, _) if self.promise == Promise::Once => {
                let sentence = match self.messages.get(&payload) {
                    Some(sending) => format!(
                        "{node} delivered message {payload} as {from}'s, but it was {} that was asked to broadcast it.",
                        sending.from
                    ),
                    None => format!(
                        "{node} delivered message {payload}, which nobody had been asked to broadcast."
                    ),
                };
                return Err(Violation::at(seen, sentence));
            }
            (_, Some(before)) if self.promise == Promise::Once => {
                let sentence = format!(
                    "{node} delivered message {payload} (from {from}) twice: at {before} and at {}.",
                    seen.at
                );
                let violation = Violation::at(seen, sentence).because(seen.id, "again");
                return Err(match self.delivered_at(node, payload) {
                    Some(first) => violation.because(first, "delivered here"),
                    None => violation,
                });
            }
            (None, _) | (_, Some(_)) => return Ok(()),
            (Some(_), None) => {}
        }
        self.causes_first(seen, payload)?;
        let log = self.log(node);
        log.delivered.push(payload);
        log.when.insert(payload, seen.at);
        log.at.insert(payload, seen.id);
        Ok(())
    }

    /// Every cause of this message, and whether its broadcaster had written it itself.
    fn causes(&self, payload: Payload) -> impl Iterator<Item = (Payload, bool)> {
        let Sending { from, causes: (delivered, written), .. } = self.messages[&payload];
        let log = &self.members[&from];
        let others = log.delivered[..delivered].iter().map(|cause| (*cause, false));
        others.chain(log.written[..written].iter().map(|cause| (*cause, true)))
    }
    fn causes_first(&mut self, seen: &Observation, payload: Payload) -> Result<(), Violation> {
        let node = seen.node;
        let from = self.messages[&payload].from;
        let empty = BTreeMap::new();
        let here = self.members.get(&node).map_or(&empty, |log| &log.when);
        let missing = self.causes(payload).find(|(cause, _)| !here.contains_key(cause));
        if self.promise == Promise::Causal
            && let Some((cause, own)) = missing
        {
            let had = match own {
                true => format!(
                    "{from} had been asked to broadcast message {cause} before it was asked for {payload}"
                ),
                false => {
                    let author = self.messages[&cause].from;
                    format!(
                        "{from} had delivered message {cause} (from {author}) before it was asked to broadcast {payload}"
                    )
                }
            };
            let sentence =
                format!("{node} delivered message {payload} (from {from}) before message {cause}: {had}.");
            let known = if own { Some(self.messages[&cause].asked) } else { self.delivered_at(from, cause) };
            let violation = Violation::at(seen, sentence)
                .because(self.messages[&payload].asked, format!("{payload} begins here, knowing of {cause}"))
                .because(seen.id, format!("{payload} is delivered here without {cause}"));
            return Err(match known {
                Some(known) => violation.because(known, format!("{from} knows of {cause}")),
                None => violation,
            });
        }
        let third = |cause: Payload| {
            let author = self.messages[&cause].from;
            author != from && author != node && from != node
        };
        let caused = self.causes(payload).any(|(cause, _)| third(cause));
        self.reached.mark_if(CAUSED, caused);
        // had it been here when others delivered it, it would have had to wait
        let elsewhere = self.members.values().filter_map(|log| log.when.get(&payload)).min();
        let waited = self.causes(payload).any(|(cause, _)| elsewhere < here.get(&cause));
        self.reached.mark_if(FREED, waited && elsewhere.is_some());
        Ok(())
    }

    /// The nodes that never crashed.
    fn alive<'a>(&'a self, world: &'a World) -> impl Iterator<Item = NodeId> {
        let dead = |node: &NodeId| self.members.get(node).is_some_and(|log| log.crashed.is_some());
        world.scenario().nodes.iter().map(|spec| spec.id).filter(move |node| !dead(node))
    }
    fn delivered_at(&self, node: NodeId, payload: Payload) -> Option<ObservationId> {
        self.members.get(&node)?.at.get(&payload).copied()
    }
    fn when(&self, node: NodeId, payload: Payload) -> Option<Time> {
        self.members.get(&node)?.when.get(&payload).copied()
    }
    /// Whether all that had begun by then had its time, after all that went wrong.
    fn is_over(&self, world: &World, since: Time) -> bool {
        let resend =
            lab::frame::decode::<Config>(&world.scenario().nodes[0].config).map(|config| config.resend);
        let bound = resend.unwrap_or_default() * RESENDS;
        world.end() == Some(&End::Idle) || world.now() - since.max(self.last_fault) >= bound
    }

    /// Everyone who lives delivers a message, if this says that somebody has to.
    fn all_have(
        &self,
        world: &World,
        must: impl Fn(Payload, &Sending) -> Option<String>,
    ) -> Result<(), Violation> {
        for (&payload, sending) in &self.messages {
            let lacks = |node: &NodeId| self.when(*node, payload).is_none();
            let without: Vec<NodeId> = self.alive(world).filter(lacks).collect();
            if without.is_empty() || !self.is_over(world, sending.at) {
                continue;
            }
            if let Some(because) = must(payload, sending) {
                let verb = if without.len() == 1 { "crashes" } else { "crash" };
                let who = list(&without);
                let sentence = format!(
                    "{who} never delivered message {payload}, {because}. {who} never {verb}, and nothing went wrong after {}.",
                    self.last_fault
                );
                let asked = format!("message {payload} begins here");
                return Err(Violation::never(sentence).because(sending.asked, asked));
            }
        }
        Ok(())
    }
}

impl Oracle for Group {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        let node = seen.node;
        match &seen.seen {
            Seen::Requested { bytes, .. } => {
                let request = lab::frame::decode(bytes).expect("the suite's own request");
                self.requested(seen, request);
            }
            Seen::Delivered { .. } => {
                if let Cause::Observation(sending) = seen.cause
                    && self.promise == Promise::Once
                {
                    let again = !self.arrived.insert(sending);
                    self.reached.mark_if(DOUBLED, again);
                }
            }
            Seen::Sent { to, bytes, .. } if *to != node && !self.messages.is_empty() => {
                self.frames += 1;
                let n = world.scenario().nodes.len();
                if self.promise == Promise::Traffic && bytes.len() > frame_bytes_max(n) {
                    let (long, most) = (bytes.len(), frame_bytes_max(n));
                    let sentence = format!(
                        "After {} broadcasts, {node} sent {to} a message of {long} bytes, though only one broadcast was under \
                         way: {n} nodes get by with {most} bytes, however much was said before.",
                        self.messages.len()
                    );
                    return Err(Violation::at(seen, sentence));
                }
                if self.promise == Promise::Traffic {
                    // more than all that will be asked may cost: no need to see how it goes on
                    self.few(
                        world,
                        world.scenario().clients.iter().map(|client| client.operations.len()).sum(),
                    )?;
                }
            }
            Seen::Emitted { .. } => match seen.emitted::<Member>() {
                Some(Event::Delivered { from, payload }) => self.delivered(seen, from, payload)?,
                None => {
                    let sentence = format!("{node} emitted something that is no event of this exercise.");
                    return Err(Violation::at(seen, sentence));
                }
            },
            Seen::Crashed => {
                self.last_fault = seen.at;
                let log = self.log(node);
                log.crashed = Some(seen.at);
                let had = !log.delivered.is_empty();
                self.reached.mark_if(DIED, had);
            }
            Seen::FaultBegan { .. } | Seen::FaultEnded { .. } => self.last_fault = seen.at,
            Seen::Lost { .. } => self.reached.mark(LOST),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        let crashed = |node: NodeId| self.members.get(&node).and_then(|log| log.crashed);
        match self.promise {
            Promise::Validity => self.all_have(world, |_, Sending { from, at, .. }| {
                let lives = crashed(*from).is_none();
                lives.then(|| format!("which {from} was asked to broadcast at {at}"))
            })?,
            Promise::Rescan => self.all_have(world, |payload, _| self.freed(world, payload))?,
            Promise::AllOrNone => {
                let has = |payload| self.alive(world).find(|node| self.when(*node, payload).is_some());
                self.all_have(world, |payload, Sending { from, .. }| {
                    let (when, lucky) = (crashed(*from)?, has(payload)?);
                    Some(format!("but {lucky} did; {from}, which broadcast it, crashed at {when}"))
                })?;
                let survived = self.messages.iter().any(|(payload, Sending { from, .. })| {
                    crashed(*from).is_some() && has(*payload).is_some()
                });
                self.reached.mark_if(SURVIVED, survived);
            }
            Promise::Uniform => self.all_have(world, |payload, _| {
                let nodes = self.members.iter();
                let (node, when) =
                    nodes.filter_map(|(node, log)| Some((node, log.when.get(&payload)?))).next()?;
                Some(match crashed(*node) {
                    Some(crash) => format!("but {node} delivered it at {when} and crashed at {crash}"),
                    None => format!("but {node} delivered it at {when}"),
                })
            })?,
            Promise::Prompt { slow, within } => {
                let overtaken = self.prompt(world, slow, within)?;
                self.reached.mark_if(UNFAZED, overtaken);
            }
            Promise::Traffic => self.few(world, self.messages.len())?,
            Promise::Causal | Promise::Once => {}
        }
        reached.clone_from(&self.reached);
        Ok(())
    }
}

impl Group {
    /// Why a message can no longer be waiting for its causes, in any node that lacks it.
    fn freed(&self, world: &World, payload: Payload) -> Option<String> {
        let lacks = self.alive(world).find(|node| self.when(*node, payload).is_none())?;
        let mut last = None;
        for (cause, _) in self.causes(payload) {
            last = last.max(Some((self.when(lacks, cause)?, cause)));
        }
        Some(match last {
            Some((when, cause)) => {
                format!("though the last of its causes, message {cause}, was delivered there at {when}")
            }
            None => "which has no causes".to_owned(),
        })
    }

    /// So many broadcasts have not cost more messages than they may.
    fn few(&self, world: &World, broadcasts: usize) -> Result<(), Violation> {
        let n = world.scenario().nodes.len() as u64;
        let most = 3 * n * n;
        if self.frames <= most * broadcasts as u64 {
            return Ok(());
        }
        Err(Violation::never(format!(
            "{n} nodes sent each other {} messages by {} for {broadcasts} broadcasts, though none was lost: more than 3 n² = {most} \
             for each.",
            self.frames,
            world.now()
        )))
    }

    /// Whether any message overtook one of the slow node.
    fn prompt(&self, world: &World, slow: NodeId, within: Duration) -> Result<bool, Violation> {
        let mut overtaken = false;
        let from_slow: Vec<(Payload, Time)> =
            self.messages.iter().filter(|(_, m)| m.from == slow).map(|(p, m)| (*p, m.at)).collect();
        for (payload, Sending { from, at, .. }) in &self.messages {
            let depends = self.causes(*payload).any(|(cause, _)| self.messages[&cause].from == slow);
            let is_over = world.end() == Some(&End::Idle) || world.now() - *at >= within;
            if *from == slow || depends || !is_over {
                continue;
            }
            for node in self.alive(world).filter(|node| *node != slow) {
                let when = self.when(node, *payload);
                if when.is_none_or(|when| when - *at > within) {
                    let when = when.map_or("never".to_owned(), |when| format!("only at {when}"));
                    let bound = Time::ZERO + within;
                    return Err(Violation::never(format!(
                        "{from} was asked to broadcast message {payload} at {at}, and {node} delivered it {when}, though 4 delays are \
                         {bound}. Only what {slow} sends is slow here, and message {payload} was not caused by it."
                    )));
                }
                let overtook = |(other, sent): &(Payload, Time)| {
                    sent < at && self.when(node, *other).is_none_or(|then| Some(then) > when)
                };
                overtaken |= from_slow.iter().any(overtook);
            }
        }
        Ok(overtaken)
    }
}
