//! `vector`: compare, merge, and stamps that are exactly as ordered as their events.

use super::{EVERY_EFFECT, crashes, other};
use crate::answers::{Answer, Heard};
use judge::{Case, Check, Exercise, Kind, Oracle, Pick, Reached, Violation, entry};
use lab::NodeId;
use lab::vector::{COMPARE, Clock, Event, MERGE, Order, Request, Stamp};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{
    Cause, Chance, Client, DiskLoss, Fault, Harm, Latency, Link, NodeSpec, Observation, ObservationId,
    Operation, OperationId, Scenario, Seen, Tail, Until, When, Who, World,
};

pub(super) fn exercise() -> Exercise {
    Exercise {
        id: "vector",
        entry: entry!(
            ch07_logical_clocks,
            lab::vector::exercise::<chapter::vector::Clock>(chapter::vector::compare, chapter::vector::merge)
        ),
        lossless: false,
        checks: vec![
            Check {
                id: "compare",
                promise: "Two stamps are before, after, equal or concurrent, entry by entry; a missing entry is zero.",
                rule: "Mattern 1989: V(a) < V(b) if no entry of V(a) is larger and at least one is smaller; concurrent if each has one \
                       that is larger.",
                assumption: "That all nodes are known from the start: who is missing in a stamp stands at zero in it.",
                kind: Kind::Safety,
                xp: 4,
                needs: &[],
                worlds: 32,
                sometimes: &[(
                    ALL,
                    "The questions did not have every possible answer, so nothing was shown.",
                )],
                case: compare_case,
                ..Check::PLAIN
            },
            Check {
                id: "merge",
                promise: "A merged stamp knows what both knew and nothing more: of each entry the larger.",
                rule: "Mattern 1989: sup(V, W), entry by entry the maximum. It is commutative, associative and idempotent, and not below \
                       either.",
                assumption: "That the newer of two stamps knows everything: of concurrent ones each knows something the other does not.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 32,
                sometimes: &[(
                    CONCURRENT,
                    "No two stamps that were to be merged were concurrent, so nothing was shown.",
                )],
                case: merge_case,
                ..Check::PLAIN
            },
            Check {
                id: "exact",
                promise: "One stamp is before another exactly if its event is.",
                rule: "Fidge 1988, Mattern 1989: V(a) < V(b) if and only if a → b. On a receive take of every entry the larger, then count \
                       the receipt itself.",
                assumption: "That messages arrive, and in the order in which they were sent.",
                kind: Kind::Safety,
                xp: 6,
                needs: &[],
                worlds: 64,
                sometimes: &[
                    (CONCURRENT, "No two events of different nodes were concurrent, so nothing was shown."),
                    (ORDERED, "No event of one node could affect one of another, so nothing was shown."),
                    (THIRD, "No node heard of another through a third, so nothing was shown."),
                ],
                case: exact,
                ..Check::PLAIN
            },
            Check {
                id: "restart",
                promise: "A crash takes nothing from a clock: stamps are exact over it, of its own events and of all it had learnt.",
                rule: "Mattern 1989, with a disk: what a stamp has told must be known at the next start. Save the whole vector and sync, \
                       then emit and send.",
                assumption: "That a node remembers: a crash takes all that was not synced.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["exact"],
                worlds: 128,
                sometimes: &[
                    (RESTARTED, "No node gave a stamp after a restart, so nothing was shown."),
                    (
                        LEARNT,
                        "No node that had learnt something gave a stamp after a restart, so nothing was shown.",
                    ),
                ],
                case: restart,
                ..Check::PLAIN
            },
            Check {
                id: "join",
                promise: "Stamps of nodes that join late, or have left, are as exact as all others.",
                rule: "Fidge 1988: a vector grows by an entry when a new process is heard of, and what is missing counts as zero.",
                assumption: "That the peers a node is told of at its start are all that there will be.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["exact"],
                worlds: 32,
                sometimes: &[
                    (JOINED, "No old node heard from one that had joined, so nothing was shown."),
                    (
                        ONE_SIDED,
                        "No stamp that was compared lacked an entry of the other, so nothing was shown.",
                    ),
                ],
                case: join,
                ..Check::PLAIN
            },
            Check {
                id: "size",
                promise: "A stamp has at most one entry for each node that had an event, however many clients there are.",
                rule: "Charron-Bost 1991: one entry a node is needed, and it is enough. Not one a client, and not one an event.",
                assumption: "That those who ask are few.",
                kind: Kind::Cost,
                xp: 2,
                needs: &["exact"],
                worlds: 2,
                sometimes: &[],
                case: size,
                ..Check::PLAIN
            },
        ],
    }
}

const ALL: &str = "every possible answer";
const CONCURRENT: &str = "something concurrent";
const ORDERED: &str = "an event of one node before one of another";
const THIRD: &str = "knowledge through a third node";
const RESTARTED: &str = "a stamp after a restart";
const LEARNT: &str = "a stamp after a restart, of a node that had learnt something";
const JOINED: &str = "a receipt from a node that joined late";
const ONE_SIDED: &str = "a stamp that lacks an entry of the other";

fn entry(stamp: &Stamp, node: NodeId) -> u64 {
    stamp.get(&node).copied().unwrap_or(0)
}
/// The truth about two stamps.
fn order(a: &Stamp, b: &Stamp) -> Order {
    let exceeds = |a: &Stamp, b: &Stamp| a.iter().any(|(node, count)| *count > entry(b, *node));
    match (exceeds(b, a), exceeds(a, b)) {
        (false, false) => Order::Equal,
        (true, false) => Order::Before,
        (false, true) => Order::After,
        (true, true) => Order::Concurrent,
    }
}
fn shown(stamp: &Stamp) -> String {
    format!("{stamp:?}")
}

// ---- the functions

/// A stamp of so many nodes: some entries missing, some zero.
fn stamp(pick: &mut Pick, nodes: u32, up_to: u64) -> Stamp {
    let mut stamp = Stamp::new();
    for node in 1..=nodes {
        if pick.percent(70) {
            stamp.insert(NodeId(node), pick.number(0..=up_to));
        }
    }
    stamp
}
/// Another, that shares much with it.
fn relative(pick: &mut Pick, of: &Stamp, nodes: u32) -> Stamp {
    let mut other = of.clone();
    let up = pick.percent(50);
    for node in (1..=nodes).map(NodeId) {
        let count = entry(of, node);
        match pick.small(0..=5) {
            0 if up => _ = other.insert(node, count + pick.number(1..=3)),
            0 => _ = other.insert(node, count.saturating_sub(pick.number(1..=3))),
            1 if count == 0 => _ = other.remove(&node),
            _ => {}
        }
    }
    other
}
fn random_pairs(pick: &mut Pick, count: u32) -> Vec<(Stamp, Stamp)> {
    let mut pairs = Vec::new();
    for _ in 0..count {
        let nodes = pick.small(1..=6);
        let up_to = *pick.one(&[1, 3, 1_000_000_000_000]);
        let a = stamp(pick, nodes, up_to);
        let b = if pick.percent(60) { relative(pick, &a, nodes) } else { stamp(pick, nodes, up_to) };
        pairs.push((a.clone(), b.clone()));
        pairs.push((b, a));
    }
    pairs
}
fn one(node: u32, count: u64) -> Stamp {
    Stamp::from([(NodeId(node), count)])
}
/// Pairs that have every answer, whatever chance brings.
fn basic_pairs() -> Vec<(Stamp, Stamp)> {
    vec![
        (Stamp::new(), one(1, 0)),
        (one(1, 0), Stamp::new()),
        (Stamp::new(), one(1, 1)),
        (one(1, 1), Stamp::new()),
        (one(1, 1), one(2, 1)),
        (one(2, 1), one(1, 1)),
        (one(1, 1), one(1, 1)),
        (one(1, 2), Stamp::from([(NodeId(1), 2), (NodeId(2), 1)])),
        (Stamp::from([(NodeId(1), 2), (NodeId(2), 1)]), one(1, 2)),
    ]
}
/// All pairs of stamps of two nodes whose entries are missing, 0, 1 or 2.
fn whole_table() -> Vec<(Stamp, Stamp)> {
    let entries = [None, Some(0), Some(1), Some(2)];
    let stamps: Vec<Stamp> = entries
        .iter()
        .flat_map(|first| entries.iter().map(move |second| (first, second)))
        .map(|(first, second)| {
            [(1, first), (2, second)]
                .into_iter()
                .filter_map(|(node, count)| Some((NodeId(node), (*count)?)))
                .collect()
        })
        .collect();
    stamps.iter().flat_map(|a| stamps.iter().map(|b| (a.clone(), b.clone()))).collect()
}
fn ask(pairs: Vec<(Stamp, Stamp)>, role: &'static str, judge: JudgePair) -> Case {
    let operations = (1..).zip(&pairs).map(|(id, pair)| Operation {
        id: OperationId(id),
        at: (id == 1).then_some(When::At(Duration::from_millis(1))),
        to: vec![NodeId(1)],
        request: lab::frame::encode(pair),
    });
    let mut scenario = Scenario::new(vec![NodeSpec::function(NodeId(1), role)], Duration::from_secs(1));
    scenario.clients.push(Client::new(1, operations.collect()));
    Case::new(scenario, Answers { pairs, heard: Heard::default(), judge })
}
fn compare_case(pick: &mut Pick, nth: u32) -> Case {
    let mut pairs = basic_pairs();
    pairs.extend(if nth == 0 { whole_table() } else { random_pairs(pick, 40) });
    pick.shuffle(&mut pairs);
    ask(pairs, COMPARE, judge_compare)
}
fn merge_case(pick: &mut Pick, nth: u32) -> Case {
    let mut pairs = basic_pairs();
    pairs.extend(if nth == 0 { whole_table() } else { random_pairs(pick, 20) });
    if nth > 0 {
        // triples, both ways round: (a, b), (b, c), (a ∪ b, c), (a, b ∪ c)
        for _ in 0..8 {
            let nodes = pick.small(2..=5);
            let [a, b, c] = [(); 3].map(|()| stamp(pick, nodes, 9));
            let both = |a: &Stamp, b: &Stamp| -> Stamp {
                a.keys().chain(b.keys()).map(|node| (*node, entry(a, *node).max(entry(b, *node)))).collect()
            };
            pairs.extend([(both(&a, &b), c.clone()), (a.clone(), both(&b, &c)), (a, b.clone()), (b, c)]);
        }
    }
    pick.shuffle(&mut pairs);
    ask(pairs, MERGE, judge_merge)
}

type JudgePair = fn(&Stamp, &Stamp, &Heard, u32, &mut Reached) -> Result<Option<Violation>, Violation>;
struct Answers {
    pairs: Vec<(Stamp, Stamp)>,
    heard: Heard,
    judge: JudgePair,
}
impl Oracle for Answers {
    fn see(&mut self, _: &World, seen: &Observation) -> Result<(), Violation> {
        self.heard.see(seen);
        Ok(())
    }
    fn end(&mut self, _: &World, reached: &mut Reached) -> Result<(), Violation> {
        let mut answers = BTreeSet::new();
        for (nth, (a, b)) in (1..).zip(&self.pairs) {
            if let Some(wrong) = (self.judge)(a, b, &self.heard, nth, reached)? {
                return Err(wrong);
            }
            answers.insert(order(a, b) as u8);
            reached.mark_if(CONCURRENT, order(a, b) == Order::Concurrent);
        }
        reached.mark_if(ALL, answers.len() == 4);
        Ok(())
    }
}
fn judge_compare(
    a: &Stamp,
    b: &Stamp,
    heard: &Heard,
    nth: u32,
    reached: &mut Reached,
) -> Result<Option<Violation>, Violation> {
    reached.mark_if(ONE_SIDED, !a.keys().eq(b.keys()));
    let Some(Answer { at, said }) = heard.answer::<Order>(1, nth)? else { return Ok(None) };
    let truth = order(a, b);
    if said == truth {
        return Ok(None);
    }
    let nodes: BTreeSet<NodeId> = a.keys().chain(b.keys()).copied().collect();
    let told = |node: &NodeId| format!("{node} ({} and {})", entry(a, *node), entry(b, *node));
    let smaller = nodes.iter().find(|node| entry(a, **node) < entry(b, **node)).map(told);
    let larger = nodes.iter().find(|node| entry(a, **node) > entry(b, **node)).map(told);
    let why = match (smaller, larger) {
        (None, None) => "no entry differs, a missing one being zero".to_owned(),
        (Some(entry), None) => format!("the first is smaller at {entry} and larger nowhere"),
        (None, Some(entry)) => format!("the first is larger at {entry} and smaller nowhere"),
        (Some(one), Some(other)) => format!("the first is smaller at {one} and larger at {other}"),
    };
    let sentence = format!("compare({}, {}) is {said:?}, not {truth:?}: {why}.", shown(a), shown(b));
    Ok(Some(Violation::of(at, sentence)))
}
fn judge_merge(
    a: &Stamp,
    b: &Stamp,
    heard: &Heard,
    nth: u32,
    _: &mut Reached,
) -> Result<Option<Violation>, Violation> {
    let Some(Answer { at, said }) = heard.answer::<Stamp>(1, nth)? else { return Ok(None) };
    let nodes: BTreeSet<NodeId> = a.keys().chain(b.keys()).chain(said.keys()).copied().collect();
    let wrong = nodes.into_iter().find(|n| entry(&said, *n) != entry(a, *n).max(entry(b, *n)));
    let Some(wrong) = wrong else { return Ok(None) };
    let (one, other, got) = (entry(a, wrong), entry(b, wrong), entry(&said, wrong));
    let why = if got < one.max(other) {
        "what one of them knew is forgotten"
    } else {
        "that is more than either of them knew"
    };
    let sentence = format!(
        "merge({}, {}) says {got} of {wrong}, where they say {one} and {other}: {why}.",
        shown(a),
        shown(b)
    );
    Ok(Some(Violation::of(at, sentence)))
}

// ---- the clocks

/// Requests at nodes 1 to `nodes`, at random times up to `within`.
fn busy(pick: &mut Pick, nodes: u32, count: u32, within: Duration) -> Client {
    let operations = (1..=count).map(|id| {
        let at = pick.small(1..=nodes);
        let to = other(pick, at, nodes);
        let request = if pick.percent(30) { Request::Local } else { Request::Send { to } };
        let when = pick.micros(1_000..=within.as_micros() as u64);
        Operation::at::<Clock>(id, when, NodeId(at), &request)
    });
    Client::new(1, operations.collect())
}
const MS: fn(u64) -> Duration = Duration::from_millis;

fn exact(pick: &mut Pick, nth: u32) -> Case {
    let nodes = if nth == 0 { 3 } else { pick.small(2..=6) };
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), MS(3_000));
    if nth == 0 {
        // n1 tells n2, n2 tells n3, n3 tells n1; what n2 knew before must stay known, and n1's own later events too
        let [one, two, three] = [1, 2, 3].map(NodeId);
        let script = [
            (two, Request::Local),
            (two, Request::Local),
            (one, Request::Send { to: two }),
            (one, Request::Local),
            (two, Request::Send { to: three }),
            (three, Request::Send { to: one }),
            (one, Request::Local),
            (three, Request::Local),
            (one, Request::Send { to: three }),
        ];
        let operations = (1..)
            .zip(script)
            .map(|(id, (node, request))| Operation::at::<Clock>(id, MS(10 * u64::from(id)), node, &request));
        scenario.clients.push(Client::new(1, operations.collect()));
    } else {
        let tail = Tail { chance: Chance::percent(pick.small(0..=40)), max: MS(400) };
        scenario.network = Link {
            latency: Latency { min: MS(2), max: MS(20), tail: Some(tail) },
            loss: Chance::percent(if pick.percent(50) { 10 } else { 0 }),
            ..Link::fixed(MS(2))
        };
        let count = pick.small(20..=60);
        scenario.clients.push(busy(pick, nodes, count, MS(1_000)));
    }
    Case::new(scenario, Clocks::default())
}

fn restart(pick: &mut Pick, nth: u32) -> Case {
    let nodes = 3;
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), MS(4_000));
    scenario.network = Link::between(MS(2), MS(15));
    let count = if nth < EVERY_EFFECT { 24 } else { pick.small(20..=50) };
    scenario.clients.push(busy(pick, nodes, count, MS(1_000)));
    scenario.faults = crashes(pick, nodes, nth);
    Case::new(scenario, Clocks::default())
}

fn join(pick: &mut Pick, nth: u32) -> Case {
    if nth % 4 == 3 {
        // stamps from before somebody joined, beside stamps from after it
        let mut pairs = basic_pairs();
        for _ in 0..20 {
            let nodes = pick.small(2..=4);
            let before = stamp(pick, nodes, 5);
            let mut after = relative(pick, &before, nodes);
            after.insert(NodeId(nodes + 1), pick.number(0..=3));
            pairs.extend([(before.clone(), after.clone()), (after, before)]);
        }
        return ask(pairs, COMPARE, judge_compare);
    }
    let (old, late) = (pick.small(2..=3), pick.small(1..=3));
    let nodes = old + late;
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), MS(3_000));
    scenario.network = Link::between(MS(2), MS(20));
    for spec in &mut scenario.nodes {
        // everyone is told of those that were there before
        let known = old.max(spec.id.0 - 1);
        spec.peers = Some((1..=known).map(NodeId).filter(|peer| *peer != spec.id).collect());
    }
    let mut operations = busy(pick, old, 12, MS(300)).operations;
    let mut id = operations.len() as u32;
    let mut ask = |at: Duration, node: u32, request: Request| {
        id += 1;
        Operation::at::<Clock>(id, at, NodeId(node), &request)
    };
    for joined in old + 1..=nodes {
        let from = 400 + 200 * u64::from(joined - old - 1);
        let at = |pick: &mut Pick| pick.millis(from..=from + 200);
        operations.push(ask(at(pick), joined, Request::Local));
        for _ in 0..3 {
            let other = NodeId(pick.small(1..=joined - 1));
            operations.push(ask(at(pick), joined, Request::Send { to: other }));
            operations.push(ask(at(pick), other.0, Request::Send { to: NodeId(joined) }));
            let (here, there) = (pick.small(1..=old), pick.small(1..=old - 1));
            let there = NodeId((here - 1 + there) % old + 1);
            operations.push(ask(at(pick), here, Request::Send { to: there }));
        }
    }
    scenario.clients.push(Client::new(1, operations));
    if pick.percent(50) {
        // somebody leaves for good
        let node = Who::Node(NodeId(pick.small(1..=old)));
        let harm = Harm::Crash { node, disk: DiskLoss::Drawn };
        scenario.faults.push(Fault::new(When::At(pick.millis(500..=1_000)), harm, Until::Calm));
    }
    Case::new(scenario, Clocks { old, ..Clocks::default() })
}

fn size(pick: &mut Pick, _nth: u32) -> Case {
    let nodes = 5;
    let active = pick.small(3..=4);
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), MS(15_000));
    scenario.network = Link::between(MS(2), MS(15));
    for client in 1..=1_000 {
        let Client { operations, .. } = busy(pick, active, 1, MS(12_000));
        scenario.clients.push(Client::new(client, operations));
    }
    Case::new(scenario, Clocks { sized: true, ..Clocks::default() })
}

/// Follows real clocks, and knows which event could affect which.
#[derive(Default)]
struct Clocks {
    sized: bool,
    /// Nodes from 1 to here were there from the start; 0 where nobody joins.
    old: u32,
    handlings: BTreeMap<ObservationId, Handling>,
    frames: BTreeMap<ObservationId, Frame>,
    events: Vec<Told>,
    nodes: BTreeMap<NodeId, NodeLog>,
    reached: Reached,
}
/// How many events of each node are in a past.
type Past = BTreeMap<NodeId, u32>;
#[derive(Default)]
struct NodeLog {
    /// What of the run it can know, by events of the exercise.
    told: Past,
    /// What of the run it can know, by all that was handed to it.
    touched: Past,
    crashed: bool,
    had_event: bool,
}
/// A node is handed something.
struct Handling {
    node: NodeId,
    what: Handed,
    /// The event that it led to.
    event: Option<usize>,
    frames: u32,
}
enum Handed {
    Request(Request),
    /// This message.
    Message(ObservationId),
}
struct Frame {
    from: NodeId,
    to: NodeId,
    /// The sending.
    event: usize,
    touched: Past,
}
/// An event of the exercise: emitted, or shown by a message that left.
struct Told {
    node: NodeId,
    /// Its place among the events of its node.
    nth: u32,
    what: String,
    at: ObservationId,
    /// Known when it is emitted, or when whoever received the message says what it carried.
    stamp: Option<Stamp>,
    emitted: bool,
    after_crash: bool,
    told: Past,
    touched: Past,
}
impl Told {
    fn in_past(&self, past: &Past) -> bool {
        past.get(&self.node).is_some_and(|known| *known >= self.nth)
    }
}
fn learn(mine: &mut Past, theirs: &Past) {
    for (node, count) in theirs {
        let known = mine.entry(*node).or_default();
        *known = (*known).max(*count);
    }
}

impl Clocks {
    fn log(&mut self, node: NodeId) -> &mut NodeLog {
        self.nodes.entry(node).or_default()
    }
    /// A new event on a node.
    fn happen(&mut self, seen: &Observation, what: String) -> usize {
        let node = seen.node;
        let log = self.log(node);
        let nth = log.told.get(&node).copied().unwrap_or(0) + 1;
        log.told.insert(node, nth);
        log.touched.insert(node, nth);
        log.had_event = true;
        let (told, touched, after_crash) = (log.told.clone(), log.touched.clone(), log.crashed);
        let at = seen.id;
        self.events.push(Told {
            node,
            nth,
            what,
            at,
            stamp: None,
            emitted: false,
            after_crash,
            told,
            touched,
        });
        self.events.len() - 1
    }
    /// The stamp of an event is known: it must fit all others.
    fn stamped(&mut self, event: usize, stamp: &Stamp) -> Result<(), Violation> {
        self.events[event].stamp = Some(stamp.clone());
        if self.sized {
            return Ok(()); // the others look at order
        }
        let new = &self.events[event];
        for old in &self.events {
            let Some(before) = &old.stamp else { continue };
            if std::ptr::eq(old, new) {
                continue;
            }
            let order = order(before, stamp);
            let (first, second, order) = match new.in_past(&old.told) {
                true => (new, old, reversed(order)),
                false => (old, new, order),
            };
            self.reached.mark_if(CONCURRENT, order == Order::Concurrent && first.node != second.node);
            self.reached.mark_if(ORDERED, order == Order::Before && first.node != second.node);
            let at = Some(new.at.max(old.at));
            match order {
                Order::Equal => {
                    let sentence = format!(
                        "{} and {} bear one stamp, {}: two events are never one.",
                        first.what,
                        second.what,
                        shown(stamp)
                    );
                    return Err(Violation { at, ..Violation::never(sentence) });
                }
                Order::Before if !first.in_past(&second.touched) => {
                    let sentence = format!(
                        "{} bears {} and {} bears {}, so the first looks like a cause of the second; but nothing led from one to \
                         the other.",
                        first.what,
                        shown(first.stamp.as_ref().unwrap_or(stamp)),
                        second.what,
                        shown(second.stamp.as_ref().unwrap_or(stamp))
                    );
                    return Err(Violation { at, ..Violation::never(sentence) });
                }
                Order::After if !second.in_past(&first.touched) => {
                    let sentence = self.backwards(first, second);
                    return Err(Violation { at, ..Violation::never(sentence) });
                }
                Order::Concurrent | Order::After if first.in_past(&second.told) => {
                    let sentence = self.backwards(first, second);
                    return Err(Violation { at, ..Violation::never(sentence) });
                }
                _ => {}
            }
        }
        Ok(())
    }
    /// The stamps of two events do not say that the first was before the second, as it was; or say the reverse.
    fn backwards(&self, first: &Told, second: &Told) -> String {
        let nothing = Stamp::new();
        let (one, other) =
            (first.stamp.as_ref().unwrap_or(&nothing), second.stamp.as_ref().unwrap_or(&nothing));
        let (one_shown, other_shown) = (shown(one), shown(other));
        let (first_what, second_what) = (&first.what, &second.what);
        if !first.in_past(&second.told) {
            return format!(
                "{second_what} bears {other_shown} and {first_what} bears {one_shown}, so the one looks like a cause of the other; \
                 but nothing led from one to the other."
            );
        }
        let forgotten =
            one.iter().find(|(node, count)| entry(other, **node) < **count).map(|(node, _)| *node);
        let crash = if first.node == second.node && second.after_crash && !first.after_crash {
            " A crash came between, and the stamp had left the node before."
        } else {
            ""
        };
        let why = match forgotten {
            Some(node) => format!("the second does not know what the first knew of {node}"),
            None => "the second knows no more than the first".to_owned(),
        };
        format!(
            "{first_what} came before {second_what}, but their stamps {one_shown} and {other_shown} do not say so: {why}.{crash}"
        )
    }

    fn emitted(&mut self, seen: &Observation, event: Event) -> Result<(), Violation> {
        let node = seen.node;
        let Cause::Observation(handling) = seen.cause else { return Ok(()) };
        let uncalled = |what: &str| {
            Violation::at(seen, format!("{node} emitted {what} in a handler in which none happened."))
        };
        let (what, stamp) = match &event {
            Event::Local { stamp } => ("a local event".to_owned(), stamp),
            Event::Sent { to, stamp } => (format!("a sending to {to}"), stamp),
            Event::Received { from, stamp, .. } => (format!("a receipt from {from}"), stamp),
        };
        let Some(handed) = self.handlings.get(&handling) else { return Err(uncalled(&what)) };
        let fits = match (&handed.what, &event) {
            (Handed::Request(Request::Local), Event::Local { .. }) => true,
            (Handed::Request(Request::Send { to: asked }), Event::Sent { to, .. }) => asked == to,
            (Handed::Message(frame), Event::Received { from, .. }) => {
                self.frames.get(frame).is_some_and(|frame| frame.from == *from)
            }
            _ => false,
        };
        if !fits {
            return Err(uncalled(&what));
        }
        let (told, frame) = (handed.event, &handed.what);
        if told.is_some_and(|told| self.events[told].emitted) {
            return Err(Violation::at(
                seen,
                format!("{node} emitted {what} twice: every event is emitted once."),
            ));
        }
        if let (Handed::Message(frame), Event::Received { from, sent, .. }) = (frame, &event) {
            let (frame, from) = (*frame, *from);
            self.received(seen, frame, from, sent)?;
        }
        let named = format!("{node}'s {}", what.trim_start_matches("a "));
        let told = told.unwrap_or_else(|| self.happen(seen, named));
        if let Some(handling) = self.handlings.get_mut(&handling) {
            handling.event = Some(told);
        }
        self.events[told].emitted = true;
        if self.sized {
            self.fits_size(seen, &what, stamp)?;
        }
        let log = &self.nodes[&node];
        self.reached.mark_if(RESTARTED, log.crashed);
        self.reached.mark_if(LEARNT, log.crashed && log.told.len() > 1);
        self.stamped(told, stamp)
    }
    /// A node says that it received a message, and which stamp that carried.
    fn received(
        &mut self,
        seen: &Observation,
        frame: ObservationId,
        from: NodeId,
        sent: &Stamp,
    ) -> Result<(), Violation> {
        let node = seen.node;
        let Some(frame) = self.frames.get(&frame) else { return Ok(()) };
        let sending = frame.event;
        let told = self.events[sending].told.clone();
        match &self.events[sending].stamp {
            Some(stamp) if order(stamp, sent) != Order::Equal => {
                let sentence = format!(
                    "{node} says that a message from {from} carried {}, but {from} had stamped that sending {}: a message \
                     carries the stamp of its sending.",
                    shown(sent),
                    shown(stamp)
                );
                return Err(Violation::at(seen, sentence));
            }
            Some(_) => {}
            // it crashed before it could emit it
            None => self.stamped(sending, sent)?,
        }
        let third = told.keys().any(|other| *other != from && *other != node);
        self.reached.mark_if(THIRD, third);
        self.reached.mark_if(JOINED, self.old > 0 && from.0 > self.old && node.0 <= self.old);
        learn(&mut self.log(node).told, &told);
        learn(&mut self.log(node).touched, &told);
        Ok(())
    }
    fn fits_size(&self, seen: &Observation, what: &str, stamp: &Stamp) -> Result<(), Violation> {
        let node = seen.node;
        let had_event = |node: &NodeId| self.nodes.get(node).is_some_and(|log| log.had_event);
        let stranger = stamp.iter().find(|(node, count)| **count > 0 && !had_event(node));
        let nodes = self.nodes.len().max(5);
        if let Some((stranger, _)) = stranger {
            return Err(Violation::at(
                seen,
                format!(
                    "{node} gave {what} a stamp with an entry for {stranger}, on which nothing has happened: entries are for \
                     nodes, not for clients or events."
                ),
            ));
        }
        if stamp.len() > nodes {
            let sentence =
                format!("{node} gave {what} a stamp of {} entries; there are {nodes} nodes.", stamp.len());
            return Err(Violation::at(seen, sentence));
        }
        Ok(())
    }
}
fn reversed(order: Order) -> Order {
    match order {
        Order::Before => Order::After,
        Order::After => Order::Before,
        same => same,
    }
}

/// A message between five nodes is shorter than this, in bytes, whatever it is made of.
const MESSAGE_BYTES_MAX: usize = 1_024;

impl Oracle for Clocks {
    fn see(&mut self, _: &World, seen: &Observation) -> Result<(), Violation> {
        let node = seen.node;
        match &seen.seen {
            Seen::Crashed => self.log(node).crashed = true,
            Seen::Requested { bytes, .. } => {
                let request = lab::frame::decode(bytes).expect("the suite's own request");
                let handling = Handling { node, what: Handed::Request(request), event: None, frames: 0 };
                self.handlings.insert(seen.id, handling);
            }
            Seen::Delivered { .. } => {
                let Cause::Observation(frame) = seen.cause else { return Ok(()) };
                let handling = Handling { node, what: Handed::Message(frame), event: None, frames: 0 };
                self.handlings.insert(seen.id, handling);
                if let Some(touched) = self.frames.get(&frame).map(|frame| frame.touched.clone()) {
                    learn(&mut self.log(node).touched, &touched);
                }
            }
            Seen::Sent { to, bytes, .. } => {
                let to = *to;
                let handling = match seen.cause {
                    Cause::Observation(handling) => self.handlings.get_mut(&handling),
                    Cause::Scenario => None,
                };
                let asked = handling.filter(
                    |handling| matches!(handling.what, Handed::Request(Request::Send { to: asked }) if asked == to),
                );
                let Some(handling) = asked else {
                    let sentence = format!(
                        "{node} sent {to} a message that nobody had asked it to send: each message is one sending, with one stamp."
                    );
                    return Err(Violation::at(seen, sentence));
                };
                handling.frames += 1;
                if handling.frames > 1 {
                    let sentence = format!("{node} was asked to send {to} one message and sent two.");
                    return Err(Violation::at(seen, sentence));
                }
                if self.sized && bytes.len() > MESSAGE_BYTES_MAX {
                    let sentence = format!(
                        "{node} sent {to} a message of {} bytes: with five nodes a stamp needs no more than five entries.",
                        bytes.len()
                    );
                    return Err(Violation::at(seen, sentence));
                }
                let event = handling.event;
                let event = event.unwrap_or_else(|| self.happen(seen, format!("{node}'s sending to {to}")));
                if let Cause::Observation(handling) = seen.cause
                    && let Some(handling) = self.handlings.get_mut(&handling)
                {
                    handling.event = Some(event);
                }
                let touched = self.events[event].touched.clone();
                self.frames.insert(seen.id, Frame { from: node, to, event, touched });
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
        for (at, handling) in &self.handlings {
            if self.nodes.get(&handling.node).is_some_and(|log| log.crashed) {
                continue; // perhaps in the midst of it
            }
            let done = handling.event.is_some_and(|event| self.events[event].emitted);
            let sent = handling.frames > 0;
            let sentence = match &handling.what {
                Handed::Request(Request::Local) if !done => {
                    "A local event was asked for and never emitted: each is emitted with its stamp."
                        .to_owned()
                }
                Handed::Request(Request::Send { to }) if !done => {
                    format!(
                        "A sending to {to} was asked for and never emitted: each is emitted with its stamp."
                    )
                }
                Handed::Request(Request::Send { to }) if !sent => {
                    format!("A sending to {to} was emitted, but no message left: a sending must also send.")
                }
                Handed::Message(frame) if !done => match self.frames.get(frame) {
                    Some(Frame { from, to, .. }) => {
                        format!("{to} got a message from {from}, and never emitted that it received it.")
                    }
                    None => continue,
                },
                _ => continue,
            };
            return Err(Violation { at: Some(*at), ..Violation::never(sentence) });
        }
        reached.clone_from(&self.reached);
        Ok(())
    }
}
