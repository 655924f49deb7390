//! `vector`: the runs in which the promises are hard to keep.

use super::oracle::*;
use crate::{EVERY_EFFECT, crashes, other, set_back};
use judge::{Case, Pick};
use kit::answers::Heard;
use kit::ms;
use lab::NodeId;
use lab::vector::{COMPARE, Clock, MERGE, Request, Stamp};
use std::time::Duration;
use world::{
    Chance, Client, DiskLoss, Fault, Harm, Latency, Link, NodeSpec, Operation, OperationId, Pattern,
    Scenario, SeenKind, Tail, Trigger, Until, When, Who,
};

pub(super) fn stamp(pick: &mut Pick, nodes: u32, up_to: u64) -> Stamp {
    let mut stamp = Stamp::new();
    for node in 1..=nodes {
        if pick.percent(70) {
            stamp.insert(NodeId(node), pick.number(0..=up_to));
        }
    }
    stamp
}
/// Another, that shares much with it.
pub(super) fn relative(pick: &mut Pick, of: &Stamp, nodes: u32) -> Stamp {
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
pub(super) fn random_pairs(pick: &mut Pick, count: u32) -> Vec<(Stamp, Stamp)> {
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
pub(super) fn one(node: u32, count: u64) -> Stamp {
    Stamp::from([(NodeId(node), count)])
}
/// Pairs that have every answer, whatever chance brings.
pub(super) fn basic_pairs() -> Vec<(Stamp, Stamp)> {
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
pub(super) fn whole_table() -> Vec<(Stamp, Stamp)> {
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
pub(super) fn ask(pairs: Vec<(Stamp, Stamp)>, role: &'static str, judge: JudgePair) -> Case {
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
pub(super) fn compare_case(pick: &mut Pick, nth: u32) -> Case {
    let mut pairs = basic_pairs();
    pairs.extend(if nth == 0 { whole_table() } else { random_pairs(pick, 40) });
    pick.shuffle(&mut pairs);
    ask(pairs, COMPARE, judge_compare)
}
pub(super) fn merge_case(pick: &mut Pick, nth: u32) -> Case {
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

pub(super) fn busy(pick: &mut Pick, nodes: u32, count: u32, within: Duration) -> Client {
    let operations = (1..=count).map(|id| {
        let at = pick.small(1..=nodes);
        let to = other(pick, at, nodes);
        let request = if pick.percent(30) { Request::Local } else { Request::Send { to } };
        let when = pick.micros(1_000..=within.as_micros() as u64);
        Operation::at::<Clock>(id, when, NodeId(at), &request)
    });
    Client::new(1, operations.collect())
}

pub(super) fn exact(pick: &mut Pick, nth: u32) -> Case {
    let nodes = if nth == 0 { 3 } else { pick.small(2..=6) };
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), ms(3_000));
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
            .map(|(id, (node, request))| Operation::at::<Clock>(id, ms(10 * u64::from(id)), node, &request));
        scenario.clients.push(Client::new(1, operations.collect()));
    } else {
        let tail = Tail { chance: Chance::percent(pick.small(0..=40)), max: ms(400) };
        scenario.network = Link {
            latency: Latency { min: ms(2), max: ms(20), tail: Some(tail) },
            loss: Chance::percent(if pick.percent(50) { 10 } else { 0 }),
            ..Link::fixed(ms(2))
        };
        let count = pick.small(20..=60);
        scenario.clients.push(busy(pick, nodes, count, ms(1_000)));
    }
    Case::new(scenario, Clocks::default())
}

pub(super) fn restart(pick: &mut Pick, nth: u32) -> Case {
    let nodes = 3;
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), ms(4_000));
    scenario.network = Link::between(ms(2), ms(15));
    let count = if nth < EVERY_EFFECT { 24 } else { pick.small(20..=50) };
    scenario.clients.push(busy(pick, nodes, count, ms(1_000)));
    scenario.faults = crashes(pick, nodes, nth);
    if nth >= EVERY_EFFECT && nth.is_multiple_of(4) {
        scenario.faults = long_life(pick, &mut scenario);
    }
    set_back(pick, &mut scenario);
    Case::new(scenario, Clocks::default())
}

/// One node has many events before it crashes, and more after that.
fn long_life(pick: &mut Pick, scenario: &mut Scenario) -> Vec<Fault> {
    let node = NodeId(pick.small(1..=3));
    let operations = (1..=400).map(|id| {
        Operation::at::<Clock>(id, ms(1_000) + Duration::from_millis(2) * id, node, &Request::Local)
    });
    scenario.clients.push(Client::new(2, operations.collect()));
    let emits = Trigger::Seen(Pattern::of(SeenKind::Emitted).at(node));
    let when = When::On { trigger: emits, nth: pick.small(60..=300), after: pick.micros(0..=400) };
    let harm = Harm::Crash { node: Who::Node(node), disk: DiskLoss::All };
    vec![Fault::new(when, harm, Until::After(pick.millis(1..=20)))]
}

pub(super) fn join(pick: &mut Pick, nth: u32) -> Case {
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
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), ms(3_000));
    scenario.network = Link::between(ms(2), ms(20));
    for spec in &mut scenario.nodes {
        // everyone is told of those that were there before
        let known = old.max(spec.id.0 - 1);
        spec.peers = Some((1..=known).map(NodeId).filter(|peer| *peer != spec.id).collect());
    }
    let mut operations = busy(pick, old, 12, ms(300)).operations;
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

pub(super) fn size(pick: &mut Pick, _nth: u32) -> Case {
    let nodes = 5;
    let active = pick.small(3..=4);
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), ms(15_000));
    scenario.network = Link::between(ms(2), ms(15));
    for client in 1..=1_000 {
        let Client { operations, .. } = busy(pick, active, 1, ms(12_000));
        scenario.clients.push(Client::new(client, operations));
    }
    Case::new(scenario, Clocks { sized: true, ..Clocks::default() })
}
