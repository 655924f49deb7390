//! `hlc`: never against causality, never far from the wall, and not fooled by clocks that are out of order.

use super::{EVERY_EFFECT, crashes, other};
use judge::{Case, Check, Exercise, Kind, Oracle, Pick, Reached, Violation, entry};
use lab::NodeId;
use lab::hlc::{Clock, Config, Event, Request, Stamp};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{
    Cause, Chance, Client, ClockSpec, DiskLoss, Fault, Harm, Latency, Link, LinkRule, Observation,
    ObservationId, Operation, Scenario, Seen, Tail, Time, Until, When, Who, World,
};

pub(super) fn exercise() -> Exercise {
    Exercise {
        id: "hlc",
        entry: entry!(ch07_logical_clocks, lab::hlc::exercise::<chapter::hlc::Clock>()),
        lossless: false,
        checks: vec![
            Check {
                id: "monotone",
                promise: "If one event could affect another, its stamp is smaller, also where walls show them at one time.",
                rule: "Kulkarni 2014, theorem 1: e → f implies (l(e), c(e)) < (l(f), c(f)). Where l does not grow, c must.",
                assumption: "That time passes between any two events: a clock's granule holds many.",
                kind: Kind::Safety,
                xp: 4,
                needs: &[],
                worlds: 64,
                sometimes: &[
                    (ONE_GRANULE, "No two events of a node fell into one granule, so nothing was shown."),
                    (
                        ONE_GRANULE_OFF,
                        "No message arrived in the granule in which it was sent, so nothing was shown.",
                    ),
                ],
                case: monotone,
                ..Check::PLAIN
            },
            Check {
                id: "jumps",
                promise: "Stamps only grow, whatever happens to the clocks on the walls: jumps back, standstill, drift.",
                rule: "Kulkarni 2014: l never goes back. The larger of the wall and the last stamp counts, not the wall.",
                assumption: "That clocks only go forward.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["monotone"],
                worlds: 64,
                sometimes: &[
                    (
                        WENT_BACK,
                        "No node gave stamps before and after its clock went back, so nothing was shown.",
                    ),
                    (STOOD, "No node gave stamps while its clock stood still, so nothing was shown."),
                ],
                case: jumps,
                ..Check::PLAIN
            },
            Check {
                id: "close",
                promise: "As long as no clock jumps, l is not behind the wall, nor ahead of every wall that the event can have heard of; \
                          and c stays small.",
                rule: "Kulkarni 2014, theorem 2 and corollary 1: pt(e) ≤ l(e), and l(e) is the wall clock of some event in the past of \
                       e. c counts only events that share an l, and begins anew when l grows.",
                assumption: "That clocks agree and run at one rate: here they are apart, and drift.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["monotone"],
                worlds: 17,
                sometimes: &[(
                    AHEAD,
                    "No event had heard of a wall that was ahead of its own, so nothing was shown.",
                )],
                case: close,
                ..Check::PLAIN
            },
            Check {
                id: "overflow",
                promise: "A full counter never wraps: the clock moves on or says that it is exhausted, and works again when the wall has \
                          moved.",
                rule: "c has 16 bits, so after 65,536 stamps with one l there are no more. Whoever adds without looking gives a stamp \
                       twice.",
                assumption: "That there are never more events in one granule than a counter can count.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["monotone"],
                worlds: 2,
                sometimes: &[(
                    FULL,
                    "No node was asked for 70,000 events in one granule, so nothing was shown.",
                )],
                case: overflow,
                ..Check::PLAIN
            },
            Check {
                id: "restart",
                promise: "A stamp that has left a node is below all its later stamps over a crash, also if the wall was set back \
                          meanwhile; and the node works again within twice the largest offset.",
                rule: "Kulkarni 2014 §5: after a restart l must not be below what was given. Make each stamp durable before it leaves; or \
                       an upper bound of them, and begin or wait there.",
                assumption: "That a clock on a wall survives what its computer does not.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["monotone"],
                worlds: 128,
                sometimes: &[(RESTARTED, "No node gave a stamp after a restart, so nothing was shown.")],
                case: restart,
                ..Check::PLAIN
            },
            Check {
                id: "refuse",
                promise: "A message whose stamp is twice the largest offset ahead is refused, and leaves no trace.",
                rule: "Kulkarni 2014 §5: ignore messages that would move the clock too far, or one clock that is out of order carries all \
                       others away. Look before you merge.",
                assumption: "That every clock in the system is in order.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["monotone"],
                worlds: 32,
                sometimes: &[(MAD, "No message with a stamp that far ahead arrived, so nothing was shown.")],
                case: refuse,
                ..Check::PLAIN
            },
            Check {
                id: "accept",
                promise: "A message whose stamp is half the largest offset ahead or less is taken, and so is any old one.",
                rule: "Only stamps ahead of the wall can do harm. A message may be as late as it likes: its stamp is in the past then.",
                assumption: "That messages are fast: these take minutes.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["monotone"],
                worlds: 32,
                sometimes: &[
                    (OLD, "No message with a stamp far behind arrived, so nothing was shown."),
                    (
                        SOON,
                        "No message with a stamp ahead of the receiver's wall arrived, so nothing was shown.",
                    ),
                ],
                case: accept,
                ..Check::PLAIN
            },
        ],
    }
}

const ONE_GRANULE: &str = "two events of one node in one granule";
const ONE_GRANULE_OFF: &str = "a message that arrived in the granule in which it was sent";
const WENT_BACK: &str = "stamps before and after a clock went back";
const STOOD: &str = "two stamps while a clock stood still";
const AHEAD: &str = "a stamp ahead of its own wall";
const FULL: &str = "more events in a granule than a counter counts";
const RESTARTED: &str = "a stamp after a restart";
const MAD: &str = "a stamp too far ahead arrived";
const OLD: &str = "a stamp far behind arrived";
const SOON: &str = "a stamp ahead of the wall arrived";

const MS: fn(u64) -> Duration = Duration::from_millis;
const SECS: fn(u64) -> Duration = Duration::from_secs;
const LOCAL: Request = Request::Local { times: 1 };

fn signed_ns(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).expect("less than centuries")
}
fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("less than centuries")
}
/// Requests at nodes 1 to `nodes`, at random times from..=to; sometimes a few at once.
fn busy(pick: &mut Pick, nodes: u32, count: u32, from: Duration, to: Duration) -> Client {
    let mut operations = Vec::new();
    while (operations.len() as u32) < count {
        let when = pick.micros(from.as_micros() as u64..=to.as_micros() as u64);
        let at = pick.small(1..=nodes);
        for _ in 0..if pick.percent(20) { pick.small(2..=4) } else { 1 } {
            let request = match pick.small(0..=9) {
                0..=2 => LOCAL,
                3 => Request::Local { times: pick.small(2..=6) },
                _ => Request::Send { to: other(pick, at, nodes) },
            };
            let id = operations.len() as u32 + 1;
            operations.push(Operation::at::<Clock>(id, when, NodeId(at), &request));
        }
    }
    Client::new(1, operations)
}
/// Clocks on walls that are apart by up to `apart`, and drift by up to so many parts per million.
fn skewed(pick: &mut Pick, scenario: &mut Scenario, apart: Duration, drift_ppm: u64) {
    for node in &mut scenario.nodes {
        let offset_ns = signed_ns(pick.micros(0..=apart.as_micros() as u64));
        let drift_ppm = signed_ns(Duration::from_nanos(pick.number(0..=2 * drift_ppm)))
            - signed_ns(Duration::from_nanos(drift_ppm));
        node.clock = ClockSpec { offset_ns, drift_ppm };
    }
}

fn monotone(pick: &mut Pick, nth: u32) -> Case {
    let granule =
        if nth == 0 { SECS(10) } else { *pick.one(&[MS(1), MS(100), SECS(10), Duration::from_nanos(1)]) };
    let config = Config { max_offset: SECS(30), granule };
    let nodes = if nth == 0 { 2 } else { pick.small(2..=6) };
    let mut scenario = Scenario::cluster::<Clock>(nodes, &config, MS(3_000));
    let rules = Rules { config, walls: walls(&scenario), ..Rules::default() };
    if nth == 0 {
        // all in one granule: n2 is behind, level, and ahead
        let (one, two) = (NodeId(1), NodeId(2));
        let script = [
            (one, Request::Local { times: 3 }),
            (one, Request::Send { to: two }),
            (two, LOCAL),
            (one, Request::Send { to: two }),
            (two, Request::Local { times: 5 }),
            (one, Request::Send { to: two }),
            (two, Request::Send { to: one }),
            (one, LOCAL),
        ];
        let operations = (1..)
            .zip(script)
            .map(|(id, (node, request))| Operation::at::<Clock>(id, MS(20 * u64::from(id)), node, &request));
        scenario.clients.push(Client::new(1, operations.collect()));
    } else {
        let tail = Tail { chance: Chance::percent(pick.small(0..=40)), max: MS(400) };
        scenario.network = Link {
            latency: Latency { min: MS(2), max: MS(20), tail: Some(tail) },
            loss: Chance::percent(if pick.percent(50) { 10 } else { 0 }),
            duplication: Chance::percent(if pick.percent(50) { 10 } else { 0 }),
            ..Link::fixed(MS(2))
        };
        let count = pick.small(20..=50);
        scenario.clients.push(busy(pick, nodes, count, MS(1), MS(1_000)));
    }
    Case::new(scenario, Clocks::new(rules))
}

fn jumps(pick: &mut Pick, _nth: u32) -> Case {
    let max_offset = *pick.one(&[MS(500), SECS(10), SECS(7_200)]);
    let config = Config { max_offset, granule: *pick.one(&[Duration::from_nanos(1), MS(1), MS(100)]) };
    let nodes = pick.small(2..=4);
    let mut scenario = Scenario::cluster::<Clock>(nodes, &config, SECS(40));
    scenario.network = Link::between(MS(2), MS(50));
    skewed(pick, &mut scenario, max_offset.min(SECS(2)) / 2, 200);
    scenario.clients.push(busy(pick, nodes, 80, SECS(1), SECS(30)));
    let mut fault = |node: u32, harm: fn(Who) -> Harm, until: Until, pick: &mut Pick| {
        let when = When::At(pick.millis(2_000..=15_000));
        scenario.faults.push(Fault::new(when, harm(Who::Node(NodeId(node))), until));
    };
    let hour_back = |node| Harm::ClockJump { node, by_ns: -signed_ns(SECS(3_600)) };
    let second_back = |node| Harm::ClockJump { node, by_ns: -signed_ns(SECS(1)) };
    let slow = |node| Harm::ClockDrift { node, ppm: -900_000 };
    let fast = |node| Harm::ClockDrift { node, ppm: 20_000 };
    fault(1, if pick.percent(50) { hour_back } else { second_back }, Until::Calm, pick);
    fault(2, |node| Harm::ClockFreeze { node }, Until::After(SECS(10)), pick);
    if pick.percent(50) {
        let node = pick.small(1..=nodes);
        fault(node, if pick.percent(50) { slow } else { fast }, Until::After(SECS(8)), pick);
    }
    let rules = Rules { config, refusals: true, ..Rules::default() };
    Case::new(scenario, Clocks::new(rules))
}

fn close(pick: &mut Pick, nth: u32) -> Case {
    let long = nth == 0;
    let max_offset = *pick.one(&[MS(200), SECS(2)]);
    let granule = if long { MS(5) } else { *pick.one(&[Duration::from_nanos(1), MS(1), MS(20)]) };
    let config = Config { max_offset, granule };
    let nodes = pick.small(3..=5);
    let end = if long { SECS(24) } else { SECS(10) };
    let mut scenario = Scenario::cluster::<Clock>(nodes, &config, end);
    scenario.network = Link::between(MS(1), MS(30));
    skewed(pick, &mut scenario, max_offset / 4, 500);
    let count = if long { 8_000 } else { 400 };
    scenario.clients.push(busy(pick, nodes, count, MS(1), end - SECS(2)));
    let crashed = !long && pick.percent(40);
    if crashed {
        let node = Who::Node(NodeId(pick.small(1..=nodes)));
        let harm = Harm::Crash { node, disk: DiskLoss::Drawn };
        let when = When::At(pick.millis(2_000..=5_000));
        scenario.faults.push(Fault::new(when, harm, Until::After(pick.millis(1..=50))));
    }
    let walls = walls(&scenario);
    let rules = Rules { config, walls, close: true, crashes: crashed, refusals: crashed, ..Rules::default() };
    Case::new(scenario, Clocks::new(rules))
}
fn walls(scenario: &Scenario) -> BTreeMap<NodeId, ClockSpec> {
    scenario.nodes.iter().map(|node| (node.id, node.clock)).collect()
}

/// Stamps that a clock must be able to give within one granule.
const IN_A_GRANULE_MIN: u64 = 60_000;

fn overflow(pick: &mut Pick, _nth: u32) -> Case {
    const AT_ONCE: u32 = 2_000;
    let granule = *pick.one(&[MS(10), MS(100)]);
    let config = Config { max_offset: SECS(10), granule };
    let mut scenario = Scenario::cluster::<Clock>(2, &config, SECS(90));
    for node in &mut scenario.nodes {
        node.sync = (Duration::from_micros(1), Duration::from_micros(1));
    }
    let one = NodeId(1);
    let (frozen, thawed) = (SECS(1), SECS(60));
    scenario.faults.push(Fault::new(
        When::At(frozen),
        Harm::ClockFreeze { node: Who::Node(one) },
        Until::After(thawed - frozen),
    ));
    let mut operations = Vec::new();
    let mut ask = |at: Duration, request: Request| {
        let id = operations.len() as u32 + 1;
        operations.push(Operation::at::<Clock>(id, at, one, &request));
    };
    ask(MS(500), LOCAL);
    for nth in 0..35 {
        ask(frozen + MS(100 * (nth + 1)), Request::Local { times: AT_ONCE });
    }
    ask(frozen + SECS(10), Request::Send { to: NodeId(2) });
    for granules in 2..6 {
        ask(thawed + granule * granules, LOCAL);
    }
    ask(thawed + granule * 7, Request::Send { to: NodeId(2) });
    scenario.clients.push(Client::new(1, operations));
    // by now the wall is past the granule in which it stood still
    let works_from = Some(thawed + granule * 2);
    let rules = Rules { config, full: true, works_from, refusals: true, ..Rules::default() };
    Case::new(scenario, Clocks::new(rules))
}

fn restart(pick: &mut Pick, nth: u32) -> Case {
    let config =
        Config { max_offset: SECS(240), granule: *pick.one(&[Duration::from_nanos(1), MS(1), MS(100)]) };
    let nodes = 3;
    // The last crash comes well before minute 1; twice the largest offset after it everything is done.
    let mut scenario = Scenario::cluster::<Clock>(nodes, &config, SECS(60 + 2 * 240));
    scenario.network = Link::between(MS(2), MS(15));
    let count = if nth < EVERY_EFFECT { 20 } else { pick.small(15..=40) };
    let Client { mut operations, .. } = busy(pick, nodes, count, MS(1), MS(2_000));
    for (id, node) in (operations.len() as u32 + 1..).zip([1, 2, 3, 1]) {
        operations.push(Operation::at::<Clock>(id, pick.millis(50_000..=55_000), NodeId(node), &LOCAL));
    }
    scenario.clients.push(Client::new(1, operations));
    // with every crash, the wall is set back: after every effect of one node by a minute
    for crash in crashes(pick, nodes, nth) {
        let back = if nth < EVERY_EFFECT { SECS(60) } else { pick.millis(1..=20_000) };
        let harm = Harm::ClockJump { node: Who::Culprit, by_ns: -signed_ns(back) };
        scenario.faults.extend([crash.clone(), Fault { harm, until: Until::Calm, ..crash }]);
    }
    let rules = Rules { config, crashes: true, refusals: true, ..Rules::default() };
    Case::new(scenario, Clocks::new(rules))
}

fn refuse(pick: &mut Pick, _nth: u32) -> Case {
    let max_offset = *pick.one(&[MS(500), SECS(10)]);
    let config = Config { max_offset, granule: *pick.one(&[Duration::from_nanos(1), MS(1), MS(20)]) };
    let nodes = pick.small(2..=4);
    let mad = NodeId(nodes);
    let mut scenario = Scenario::cluster::<Clock>(nodes, &config, SECS(20));
    scenario.network = Link::between(MS(2), MS(20));
    let ahead = 2 * max_offset + SECS(1) + pick.micros(0..=10_000_000);
    scenario.nodes[nodes as usize - 1].clock.offset_ns = signed_ns(ahead);
    scenario.clients.push(busy(pick, nodes, 60, MS(1), SECS(15)));
    // whatever chance brings: it sends to everybody, and they go on
    let after = (1..nodes).flat_map(|node| {
        let at = SECS(15) + MS(300 * u64::from(node));
        [(at, mad, Request::Send { to: NodeId(node) }), (at + MS(200), NodeId(node), LOCAL)]
    });
    let operations =
        (1..).zip(after).map(|(id, (at, node, request))| Operation::at::<Clock>(id, at, node, &request));
    scenario.clients.push(Client::new(2, operations.collect()));
    let walls = walls(&scenario);
    let rules = Rules { config, walls, close: true, mad: Some(mad), refusals: true, ..Rules::default() };
    Case::new(scenario, Clocks::new(rules))
}

fn accept(pick: &mut Pick, nth: u32) -> Case {
    let max_offset = *pick.one(&[SECS(1), SECS(20)]);
    let config = Config { max_offset, granule: *pick.one(&[Duration::from_nanos(1), MS(1), MS(20)]) };
    let nodes = pick.small(2..=4);
    let mut scenario = Scenario::cluster::<Clock>(nodes, &config, SECS(900));
    scenario.network = Link::between(MS(2), MS(10));
    // n1 is behind by just under half the largest offset, so that what reaches it is ahead
    skewed(pick, &mut scenario, max_offset / 20, 0);
    for node in &mut scenario.nodes[1..] {
        node.clock.offset_ns += signed_ns(max_offset * 2 / 5);
    }
    let slow = Link::between(SECS(30), SECS(600));
    let from = Some(NodeId(pick.small(1..=nodes)));
    let rule = LinkRule { from: if nth % 4 == 3 { None } else { from }, to: None, link: slow };
    let fast = LinkRule { from: None, to: Some(NodeId(1)), link: Link::between(MS(2), MS(10)) };
    scenario.links.push(rule);
    scenario.links.push(fast);
    scenario.clients.push(busy(pick, nodes, 50, MS(1), SECS(200)));
    let after = (2..=nodes).flat_map(|node| {
        let at = SECS(201) + MS(300 * u64::from(node));
        [
            (at, NodeId(node), Request::Send { to: NodeId(1) }),
            (at, NodeId(1), Request::Send { to: NodeId(node) }),
        ]
    });
    let operations =
        (1..).zip(after).map(|(id, (at, node, request))| Operation::at::<Clock>(id, at, node, &request));
    scenario.clients.push(Client::new(2, operations.collect()));
    let walls = walls(&scenario);
    let rules = Rules { config, walls, ..Rules::default() };
    Case::new(scenario, Clocks::new(rules))
}

/// What a check asks of its clocks, besides that stamps grow.
struct Rules {
    config: Config,
    /// Known where no clock jumps.
    walls: BTreeMap<NodeId, ClockSpec>,
    /// l is close to the walls.
    close: bool,
    /// Nodes crash.
    crashes: bool,
    /// Messages may be refused.
    refusals: bool,
    /// Its stamps are too far ahead for everybody else.
    mad: Option<NodeId>,
    /// Counters get full.
    full: bool,
    /// From here on none is full any more.
    works_from: Option<Duration>,
}
impl Default for Rules {
    fn default() -> Rules {
        Rules {
            config: Config { max_offset: SECS(1), granule: MS(1) },
            walls: BTreeMap::new(),
            close: false,
            crashes: false,
            refusals: false,
            mad: None,
            full: false,
            works_from: None,
        }
    }
}

/// Follows real clocks.
struct Clocks {
    rules: Rules,
    nodes: BTreeMap<NodeId, NodeLog>,
    /// Events so far with each l.
    sharing: BTreeMap<u64, u64>,
    /// Frames: their sender's farthest wall.
    frames: BTreeMap<ObservationId, u64>,
    /// Frames by the delivery that brought them.
    deliveries: BTreeMap<ObservationId, ObservationId>,
    /// What handlers saw on the wall, where that is known.
    handlings: BTreeMap<ObservationId, u64>,
    orphans: Vec<Orphan>,
    reached: Reached,
}
#[derive(Default)]
struct NodeLog {
    given: Vec<(ObservationId, Stamp, &'static str)>,
    sent: BTreeSet<(NodeId, Stamp)>,
    /// The farthest wall that it can have heard of, in nanoseconds.
    farthest: u64,
    /// When its last event was, in granules of its wall, where that is known.
    granule: Option<u64>,
    /// Asked and done, in this life: local events, sendings, messages. `Exhausted` counts for any.
    locals: (u64, u64),
    sends: (u64, u64),
    messages: (u64, u64),
    exhausted: u64,
    frames: u64,
    crashed: bool,
    went_back: bool,
    stands: bool,
    stood_stamps: u64,
}
/// A receipt of a stamp that no sending had been emitted with.
struct Orphan {
    receipt: ObservationId,
    receiver: NodeId,
    sender: NodeId,
    stamp: Stamp,
    frame: Option<ObservationId>,
}

impl Clocks {
    fn new(rules: Rules) -> Clocks {
        Clocks {
            rules,
            nodes: BTreeMap::new(),
            sharing: BTreeMap::new(),
            frames: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            handlings: BTreeMap::new(),
            orphans: Vec::new(),
            reached: Reached::default(),
        }
    }
    fn log(&mut self, node: NodeId) -> &mut NodeLog {
        self.nodes.entry(node).or_default()
    }
    /// What a node's wall shows, where no clock jumps.
    fn wall(&self, node: NodeId, at: Time) -> Option<u64> {
        self.rules.walls.get(&node).map(|clock| ns(clock.wall_clock(at).0))
    }
    /// A node is handed something.
    fn handed(&mut self, seen: &Observation) {
        if let Some(wall) = self.wall(seen.node, seen.at) {
            self.handlings.insert(seen.id, wall);
            let log = self.log(seen.node);
            log.farthest = log.farthest.max(wall);
        }
    }

    /// A node gave a stamp.
    fn give(&mut self, seen: &Observation, what: &'static str, stamp: Stamp) -> Result<(), Violation> {
        let node = seen.node;
        let granule = self.granule_behind(seen);
        // `restart` is about this
        let over_crash = self.rules.close && self.log(node).crashed;
        let log = self.log(node);
        if let Some((_, last, before)) = log.given.last()
            && stamp <= *last
            && !over_crash
        {
            let between = match (log.crashed, log.went_back) {
                (true, _) => ", crashed, and then stamped",
                (_, true) => ", its clock was set back, and then it stamped",
                _ => " and then, later,",
            };
            let sentence = format!(
                "{node} stamped {before} {last}{between} {what} {stamp}: the later event must bear the larger stamp."
            );
            return Err(Violation::at(seen, sentence));
        }
        let same_granule = granule.is_some() && log.granule == granule;
        log.granule = granule;
        let went_back = log.went_back && log.given.len() > 1;
        log.stood_stamps += u64::from(log.stands);
        let (stood, restarted) = (log.stood_stamps > 1, log.crashed);
        log.given.push((seen.id, stamp, what));
        self.reached.mark_if(ONE_GRANULE, same_granule);
        self.reached.mark_if(WENT_BACK, went_back);
        self.reached.mark_if(STOOD, stood);
        self.reached.mark_if(RESTARTED, restarted);
        if self.rules.close {
            self.is_close(seen, what, stamp)?;
        }
        Ok(())
    }
    fn is_close(&mut self, seen: &Observation, what: &'static str, stamp: Stamp) -> Result<(), Violation> {
        let node = seen.node;
        let Cause::Observation(handling) = seen.cause else { return Ok(()) };
        let Some(&wall) = self.handlings.get(&handling) else { return Ok(()) };
        let farthest = self.log(node).farthest;
        self.reached.mark_if(AHEAD, stamp.l > wall);
        let granule = ns(self.rules.config.granule);
        if stamp.l.saturating_add(granule) <= wall {
            let behind = Duration::from_nanos(wall - stamp.l);
            let sentence = format!(
                "{node} stamped {what} {stamp} when its wall clock was {behind:?} ahead of that: l is never behind the wall."
            );
            return Err(Violation::at(seen, sentence));
        }
        if stamp.l > farthest {
            let ahead = Duration::from_nanos(stamp.l - farthest);
            let why = match self.rules.mad {
                Some(mad) if mad != node => {
                    format!(
                        " (the clock of {mad} does, but its messages were to be refused and to leave no trace)"
                    )
                }
                _ => String::new(),
            };
            let sentence = format!(
                "{node} stamped {what} {stamp}, which is {ahead:?} ahead of every wall clock that it can have heard of{why}: l is \
                 the largest of them, no more."
            );
            return Err(Violation::at(seen, sentence));
        }
        let sharing = self.sharing.entry(stamp.l).or_default();
        *sharing += 1;
        if u64::from(stamp.c) > 100 * (*sharing + 1) {
            let sentence = format!(
                "{node} stamped {what} {stamp}, but no more than {sharing} events so far bear that l: the counter begins anew when \
                 l grows."
            );
            return Err(Violation::at(seen, sentence));
        }
        Ok(())
    }

    fn emitted(&mut self, seen: &Observation, event: Event) -> Result<(), Violation> {
        let node = seen.node;
        let more_than_asked = |(asked, done): (u64, u64), what: &str| match done > asked {
            true => Err(Violation::at(seen, format!("{node} emitted {what} that nobody asked for."))),
            false => Ok(()),
        };
        match event {
            Event::Local { stamp } => {
                let log = self.log(node);
                log.locals.1 += 1;
                more_than_asked(log.locals, "a local event")?;
                self.give(seen, "a local event", stamp)
            }
            Event::Sent { to, stamp } => {
                let log = self.log(node);
                log.sends.1 += 1;
                log.sent.insert((to, stamp));
                more_than_asked(log.sends, "a sending")?;
                self.give(seen, "a sending", stamp)
            }
            Event::Received { from, sent, stamp } => {
                if stamp <= sent {
                    let sentence = format!(
                        "{node} received a message that {from} had stamped {sent}, and stamped the receipt {stamp}: an effect \
                         must bear a larger stamp than its cause."
                    );
                    return Err(Violation::at(seen, sentence));
                }
                if self.rules.mad == Some(from) {
                    let sentence = format!(
                        "{node} took a message that {from} had stamped {sent}, more than twice the largest offset ({:?}) ahead of \
                         its own wall clock: one clock that is out of order carries all others away.",
                        self.rules.config.max_offset
                    );
                    return Err(Violation::at(seen, sentence));
                }
                let log = self.log(node);
                log.messages.1 += 1;
                more_than_asked(log.messages, "a receipt")?;
                let frame = self.frame_behind(seen);
                let here = self.granule_behind(seen);
                if let Some(farthest) = frame.and_then(|frame| self.frames.get(&frame)).copied() {
                    let there = farthest / ns(self.rules.config.granule);
                    self.reached.mark_if(ONE_GRANULE_OFF, here == Some(there));
                    let log = self.log(node);
                    log.farthest = log.farthest.max(farthest);
                }
                if let Some(wall) = self.wall(node, seen.at) {
                    let far = ns(self.rules.config.max_offset);
                    self.reached.mark_if(OLD, sent.l.saturating_add(far) < wall);
                    self.reached.mark_if(SOON, sent.l > wall);
                }
                if !self.log(from).sent.contains(&(node, sent)) {
                    let receipt = seen.id;
                    self.orphans.push(Orphan { receipt, receiver: node, sender: from, stamp: sent, frame });
                }
                self.give(seen, "a receipt", stamp)
            }
            Event::Refused { from, sent } => {
                let log = self.log(node);
                log.messages.1 += 1;
                more_than_asked(log.messages, "a refusal")?;
                self.reached.mark_if(MAD, self.rules.mad == Some(from));
                let honest = self.rules.mad.is_some_and(|mad| mad != from && mad != node);
                if !self.rules.refusals || honest {
                    let wall = self.wall(node, seen.at);
                    let how = match wall {
                        Some(wall) if sent.l > wall => {
                            format!("only {:?} ahead of", Duration::from_nanos(sent.l - wall))
                        }
                        Some(wall) => format!("{:?} behind", Duration::from_nanos(wall - sent.l)),
                        None => "close to".to_owned(),
                    };
                    let sentence = format!(
                        "{node} refused a message from {from} with stamp {sent}, which is {how} its wall clock: with a largest offset \
                         of {:?} that must be taken.",
                        self.rules.config.max_offset
                    );
                    return Err(Violation::at(seen, sentence));
                }
                Ok(())
            }
            Event::Exhausted => self.exhausted(seen),
        }
    }
    fn exhausted(&mut self, seen: &Observation) -> Result<(), Violation> {
        let node = seen.node;
        let since_thaw = self.rules.works_from.is_some_and(|from| seen.at >= Time::ZERO + from);
        let full = self.rules.full;
        let log = self.log(node);
        log.exhausted += 1;
        let given = log.given.len() as u64;
        if !full || given < IN_A_GRANULE_MIN {
            let sentence = format!(
                "{node} emitted that its clock is exhausted after {given} events in all: a counter of 16 bits counts 65,536 in one \
                 granule."
            );
            return Err(Violation::at(seen, sentence));
        }
        if since_thaw {
            let sentence = format!(
                "{node} still emitted that its clock is exhausted when its wall clock had long moved on: with a new l the counter \
                 begins anew."
            );
            return Err(Violation::at(seen, sentence));
        }
        Ok(())
    }
    /// When the event being handled came, in granules of its node's wall, where that is known.
    fn granule_behind(&self, seen: &Observation) -> Option<u64> {
        let Cause::Observation(handling) = seen.cause else { return None };
        Some(self.handlings.get(&handling)? / ns(self.rules.config.granule))
    }
    /// The frame that the event being handled brought, if it is a delivery.
    fn frame_behind(&self, seen: &Observation) -> Option<ObservationId> {
        let Cause::Observation(handling) = seen.cause else { return None };
        self.deliveries.get(&handling).copied()
    }
    /// Clocks that a fault does something to.
    fn harmed(&mut self, world: &World, fault: usize, begins: bool) {
        match world.scenario().faults[fault].harm {
            Harm::ClockJump { node: Who::Node(node), .. } => self.log(node).went_back |= begins,
            Harm::ClockFreeze { node: Who::Node(node) } => {
                let log = self.log(node);
                (log.stands, log.stood_stamps) = (begins, 0);
            }
            _ => {}
        }
    }
}

impl Oracle for Clocks {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        let node = seen.node;
        match &seen.seen {
            Seen::Crashed => {
                // after a crash a clock may begin at a bound that it had reserved
                let reserve = ns(self.rules.config.max_offset);
                let log = self.log(node);
                log.crashed = true;
                log.farthest += reserve;
                (log.locals, log.sends, log.messages, log.exhausted) = ((0, 0), (0, 0), (0, 0), 0);
            }
            Seen::FaultBegan { fault } => self.harmed(world, *fault, true),
            Seen::FaultEnded { fault } => self.harmed(world, *fault, false),
            Seen::Requested { bytes, .. } => {
                self.handed(seen);
                let request = lab::frame::decode(bytes).expect("the suite's own request");
                let full = self.rules.full;
                let log = self.log(node);
                match request {
                    Request::Local { times } => log.locals.0 += u64::from(times),
                    Request::Send { .. } => log.sends.0 += 1,
                }
                let asked = log.locals.0;
                self.reached.mark_if(FULL, full && asked >= 70_000);
            }
            Seen::Delivered { .. } => {
                self.handed(seen);
                self.log(node).messages.0 += 1;
                if let Cause::Observation(frame) = seen.cause {
                    self.deliveries.insert(seen.id, frame);
                    // what is not refused may be taken; and while a node waits nobody can tell which it is
                    let from_mad =
                        matches!(&seen.seen, Seen::Delivered { from, .. } if self.rules.mad == Some(*from));
                    if let (Some(farthest), false) = (self.frames.get(&frame).copied(), from_mad) {
                        let log = self.log(node);
                        log.farthest = log.farthest.max(farthest);
                    }
                }
            }
            Seen::Rang { .. } => self.handed(seen),
            Seen::Sent { .. } => {
                let log = self.log(node);
                log.frames += 1;
                let farthest = log.farthest;
                self.frames.insert(seen.id, farthest);
            }
            Seen::Emitted { .. } => match seen.emitted::<Clock>() {
                Some(event) => self.emitted(seen, event)?,
                None => {
                    let sentence = format!("{node} emitted something that is no event of this exercise.");
                    return Err(Violation::at(seen, sentence));
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, _: &World, reached: &mut Reached) -> Result<(), Violation> {
        for orphan in &self.orphans {
            let Orphan { receipt, receiver, sender, stamp, .. } = orphan;
            let sender_log = &self.nodes[sender];
            if sender_log.sent.contains(&(*receiver, *stamp)) {
                continue; // it was emitted after it was sent
            }
            if !sender_log.crashed {
                let sentence = format!(
                    "{receiver} says that a message from {sender} carried stamp {stamp}, but {sender} emitted no sending to \
                     {receiver} with that stamp: the message carries the stamp of its sending."
                );
                return Err(Violation { at: Some(*receipt), ..Violation::never(sentence) });
            }
            let Some(frame) = orphan.frame.filter(|_| !self.rules.close) else { continue };
            let later = sender_log.given.iter().find(|(at, later, _)| *at > frame && later <= stamp);
            if let Some((at, later, what)) = later {
                let sentence = format!(
                    "{sender} sent {receiver} a message with stamp {stamp}, crashed, and then stamped {what} {later}: the stamp had \
                     left the node before it was durable."
                );
                return Err(Violation { at: Some((*at).max(*receipt)), ..Violation::never(sentence) });
            }
        }
        self.all_done()?;
        reached.clone_from(&self.reached);
        Ok(())
    }
}
impl Clocks {
    /// Everything that was asked for since a node's last crash happened.
    fn all_done(&self) -> Result<(), Violation> {
        for (node, log) in &self.nodes {
            let since = if log.crashed { " since its restart, " } else { " " };
            let left = if self.rules.crashes && log.crashed {
                format!(", twice the largest offset ({:?}) later", self.rules.config.max_offset)
            } else {
                String::new()
            };
            let (asked, done) = log.messages;
            if asked > done + log.exhausted {
                return Err(Violation::never(format!(
                    "{node} got {asked} messages{since}and has emitted a receipt or a refusal of {done} of them{left}: each must be \
                     taken or refused."
                )));
            }
            let asked = log.locals.0 + log.sends.0;
            let done = log.locals.1 + log.sends.1 + log.exhausted;
            if asked > done {
                return Err(Violation::never(format!(
                    "{node} was asked for {asked} events{since}and has emitted {done} of them{left}: each must be emitted with its \
                     stamp."
                )));
            }
            if !log.sent.is_empty() && log.frames == 0 && !log.crashed {
                return Err(Violation::never(format!(
                    "{node} emitted sendings, but no message ever left it: a sending must also send."
                )));
            }
        }
        Ok(())
    }
}
