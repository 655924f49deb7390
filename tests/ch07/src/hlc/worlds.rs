//! `hlc`: the runs in which the promises are hard to keep.

use super::oracle::*;
use crate::{EVERY_EFFECT, crashes, other};
use judge::{Case, Pick};
use kit::{ms, secs};
use lab::NodeId;
use lab::hlc::{Clock, Config, Request};
use std::collections::BTreeMap;
use std::time::Duration;
use world::{
    Chance, Client, ClockSpec, DiskLoss, Fault, Harm, Latency, Link, LinkRule, Operation, Scenario, Tail,
    Until, When, Who,
};

pub(super) const LOCAL: Request = Request::Local { times: 1 };

pub(super) fn signed_ns(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).expect("less than centuries")
}
/// Requests at nodes 1 to `nodes`, at random times from..=to; sometimes a few at once.
pub(super) fn busy(pick: &mut Pick, nodes: u32, count: u32, from: Duration, to: Duration) -> Client {
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
pub(super) fn skewed(pick: &mut Pick, scenario: &mut Scenario, apart: Duration, drift_ppm: u64) {
    for node in &mut scenario.nodes {
        let offset_ns = signed_ns(pick.micros(0..=apart.as_micros() as u64));
        let drift_ppm = signed_ns(Duration::from_nanos(pick.number(0..=2 * drift_ppm)))
            - signed_ns(Duration::from_nanos(drift_ppm));
        node.clock = ClockSpec { offset_ns, drift_ppm };
    }
}

pub(super) fn monotone(pick: &mut Pick, nth: u32) -> Case {
    let granule =
        if nth == 0 { secs(10) } else { *pick.one(&[ms(1), ms(100), secs(10), Duration::from_nanos(1)]) };
    let config = Config { max_offset: secs(30), granule };
    let nodes = if nth == 0 { 2 } else { pick.small(2..=6) };
    let mut scenario = Scenario::cluster::<Clock>(nodes, &config, ms(3_000));
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
            .map(|(id, (node, request))| Operation::at::<Clock>(id, ms(20 * u64::from(id)), node, &request));
        scenario.clients.push(Client::new(1, operations.collect()));
    } else {
        let tail = Tail { chance: Chance::percent(pick.small(0..=40)), max: ms(400) };
        scenario.network = Link {
            latency: Latency { min: ms(2), max: ms(20), tail: Some(tail) },
            loss: Chance::percent(if pick.percent(50) { 10 } else { 0 }),
            duplication: Chance::percent(if pick.percent(50) { 10 } else { 0 }),
            ..Link::fixed(ms(2))
        };
        let count = pick.small(20..=50);
        scenario.clients.push(busy(pick, nodes, count, ms(1), ms(1_000)));
    }
    Case::new(scenario, Clocks::new(rules))
}

pub(super) fn jumps(pick: &mut Pick, _nth: u32) -> Case {
    let max_offset = *pick.one(&[ms(500), secs(10), secs(7_200)]);
    let config = Config { max_offset, granule: *pick.one(&[Duration::from_nanos(1), ms(1), ms(100)]) };
    let nodes = pick.small(2..=4);
    let mut scenario = Scenario::cluster::<Clock>(nodes, &config, secs(40));
    scenario.network = Link::between(ms(2), ms(50));
    skewed(pick, &mut scenario, max_offset.min(secs(2)) / 2, 200);
    scenario.clients.push(busy(pick, nodes, 80, secs(1), secs(30)));
    let mut fault = |node: u32, harm: fn(Who) -> Harm, until: Until, pick: &mut Pick| {
        let when = When::At(pick.millis(2_000..=15_000));
        scenario.faults.push(Fault::new(when, harm(Who::Node(NodeId(node))), until));
    };
    let hour_back = |node| Harm::ClockJump { node, by_ns: -signed_ns(secs(3_600)) };
    let second_back = |node| Harm::ClockJump { node, by_ns: -signed_ns(secs(1)) };
    let slow = |node| Harm::ClockDrift { node, ppm: -900_000 };
    let fast = |node| Harm::ClockDrift { node, ppm: 20_000 };
    fault(1, if pick.percent(50) { hour_back } else { second_back }, Until::Calm, pick);
    fault(2, |node| Harm::ClockFreeze { node }, Until::After(secs(10)), pick);
    if pick.percent(50) {
        let node = pick.small(1..=nodes);
        fault(node, if pick.percent(50) { slow } else { fast }, Until::After(secs(8)), pick);
    }
    let rules = Rules { config, refusals: true, ..Rules::default() };
    Case::new(scenario, Clocks::new(rules))
}

pub(super) fn close(pick: &mut Pick, nth: u32) -> Case {
    let long = nth == 0;
    let max_offset = *pick.one(&[ms(200), secs(2)]);
    let granule = if long { ms(5) } else { *pick.one(&[Duration::from_nanos(1), ms(1), ms(20)]) };
    let config = Config { max_offset, granule };
    let nodes = pick.small(3..=5);
    let end = if long { secs(24) } else { secs(10) };
    let mut scenario = Scenario::cluster::<Clock>(nodes, &config, end);
    scenario.network = Link::between(ms(1), ms(30));
    skewed(pick, &mut scenario, max_offset / 4, 500);
    let count = if long { 8_000 } else { 400 };
    scenario.clients.push(busy(pick, nodes, count, ms(1), end - secs(2)));
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
pub(super) fn walls(scenario: &Scenario) -> BTreeMap<NodeId, ClockSpec> {
    scenario.nodes.iter().map(|node| (node.id, node.clock)).collect()
}

pub(super) fn overflow(pick: &mut Pick, _nth: u32) -> Case {
    const AT_ONCE: u32 = 2_000;
    let granule = *pick.one(&[ms(10), ms(100)]);
    let config = Config { max_offset: secs(10), granule };
    let mut scenario = Scenario::cluster::<Clock>(2, &config, secs(90));
    for node in &mut scenario.nodes {
        node.sync = (Duration::from_micros(1), Duration::from_micros(1));
    }
    // the other one's wall is behind: a message of its own does not move the full counter's l on
    scenario.nodes[1].clock.offset_ns = -signed_ns(secs(8));
    let (one, two) = (NodeId(1), NodeId(2));
    let (frozen, thawed) = (secs(1), secs(60));
    scenario.faults.push(Fault::new(
        When::At(frozen),
        Harm::ClockFreeze { node: Who::Node(one) },
        Until::After(thawed - frozen),
    ));
    let mut operations = Vec::new();
    let mut ask_of = |node: NodeId, at: Duration, request: Request| {
        let id = operations.len() as u32 + 1;
        operations.push(Operation::at::<Clock>(id, at, node, &request));
    };
    let mut ask = |at: Duration, request: Request| ask_of(one, at, request);
    ask(ms(500), LOCAL);
    for nth in 0..35 {
        ask(frozen + ms(100 * (nth + 1)), Request::Local { times: AT_ONCE });
    }
    ask(frozen + secs(10), Request::Send { to: two });
    for granules in 2..6 {
        ask(thawed + granule * granules, LOCAL);
    }
    ask(thawed + granule * 7, Request::Send { to: two });
    ask_of(two, frozen + secs(5), Request::Send { to: one });
    scenario.clients.push(Client::new(1, operations));
    // by now the wall is past the granule in which it stood still
    let works_from = Some(thawed + granule * 2);
    let rules = Rules { config, full: true, works_from, refusals: true, ..Rules::default() };
    Case::new(scenario, Clocks::new(rules))
}

pub(super) fn restart(pick: &mut Pick, nth: u32) -> Case {
    if nth >= EVERY_EFFECT && nth.is_multiple_of(4) {
        return long_life(pick);
    }
    let config =
        Config { max_offset: secs(240), granule: *pick.one(&[Duration::from_nanos(1), ms(1), ms(100)]) };
    let nodes = 3;
    // The last crash comes well before minute 1; twice the largest offset after it everything is done.
    let mut scenario = Scenario::cluster::<Clock>(nodes, &config, secs(60 + 2 * 240));
    scenario.network = Link::between(ms(2), ms(15));
    let count = if nth < EVERY_EFFECT { 20 } else { pick.small(15..=40) };
    let Client { mut operations, .. } = busy(pick, nodes, count, ms(1), ms(2_000));
    for (id, node) in (operations.len() as u32 + 1..).zip([1, 2, 3, 1]) {
        operations.push(Operation::at::<Clock>(id, pick.millis(50_000..=55_000), NodeId(node), &LOCAL));
    }
    scenario.clients.push(Client::new(1, operations));
    // with every crash, the wall is set back: after every effect of one node by a minute
    for crash in crashes(pick, nodes, nth) {
        let back = if nth < EVERY_EFFECT { secs(60) } else { pick.millis(1..=20_000) };
        let harm = Harm::ClockJump { node: Who::Culprit, by_ns: -signed_ns(back) };
        scenario.faults.extend([crash.clone(), Fault { harm, until: Until::Calm, ..crash }]);
    }
    let rules = Rules { config, crashes: true, refusals: true, ..Rules::default() };
    Case::new(scenario, Clocks::new(rules))
}
/// A life that is much longer than the largest offset, then a crash, and a wall that is set back.
fn long_life(pick: &mut Pick) -> Case {
    let config = Config { max_offset: secs(2), granule: *pick.one(&[Duration::from_nanos(1), ms(1)]) };
    let mut scenario = Scenario::cluster::<Clock>(2, &config, secs(40));
    scenario.network = Link::between(ms(2), ms(15));
    let Client { mut operations, .. } = busy(pick, 2, 40, ms(1), secs(20));
    let (node, dies) = (NodeId(pick.small(1..=2)), pick.millis(14_000..=18_000));
    for (id, after) in (operations.len() as u32 + 1..).zip([ms(200), ms(700), secs(2), secs(5)]) {
        operations.push(Operation::at::<Clock>(id, dies + after, node, &LOCAL));
    }
    scenario.clients.push(Client::new(1, operations));
    let harm = Harm::Crash { node: Who::Node(node), disk: DiskLoss::All };
    scenario.faults.push(Fault::new(When::At(dies), harm, Until::After(ms(20))));
    let by_ns = -signed_ns(pick.millis(500..=3_000));
    let harm = Harm::ClockJump { node: Who::Node(node), by_ns };
    scenario.faults.push(Fault::new(When::At(dies), harm, Until::Calm));
    let rules = Rules { config, crashes: true, refusals: true, ..Rules::default() };
    Case::new(scenario, Clocks::new(rules))
}

pub(super) fn refuse(pick: &mut Pick, _nth: u32) -> Case {
    let max_offset = *pick.one(&[ms(500), secs(10)]);
    let config = Config { max_offset, granule: *pick.one(&[Duration::from_nanos(1), ms(1), ms(20)]) };
    let nodes = pick.small(2..=4);
    let mad = NodeId(nodes);
    let mut scenario = Scenario::cluster::<Clock>(nodes, &config, secs(20));
    scenario.network = Link::between(ms(2), ms(20));
    let ahead = 2 * max_offset + secs(1) + pick.micros(0..=10_000_000);
    scenario.nodes[nodes as usize - 1].clock.offset_ns = signed_ns(ahead);
    scenario.clients.push(busy(pick, nodes, 60, ms(1), secs(15)));
    // whatever chance brings: it sends to everybody, and they go on
    let after = (1..nodes).flat_map(|node| {
        let at = secs(15) + ms(300 * u64::from(node));
        [(at, mad, Request::Send { to: NodeId(node) }), (at + ms(200), NodeId(node), LOCAL)]
    });
    let operations =
        (1..).zip(after).map(|(id, (at, node, request))| Operation::at::<Clock>(id, at, node, &request));
    scenario.clients.push(Client::new(2, operations.collect()));
    let walls = walls(&scenario);
    let rules = Rules { config, walls, close: true, mad: Some(mad), refusals: true, ..Rules::default() };
    Case::new(scenario, Clocks::new(rules))
}

/// A message of which the stamp is exactly the largest offset ahead when it arrives: it is not further ahead than that.
fn just_near_enough(pick: &mut Pick) -> Case {
    let max_offset = *pick.one(&[secs(1), secs(20)]);
    let config = Config { max_offset, granule: Duration::from_nanos(1) };
    let mut scenario = Scenario::cluster::<Clock>(2, &config, secs(10));
    let latency = ms(pick.number(2..=10));
    scenario.network = Link::fixed(latency);
    for spec in &mut scenario.nodes {
        spec.sync = (Duration::ZERO, Duration::ZERO);
    }
    let (ahead, behind) = (NodeId(2), NodeId(1));
    scenario.nodes[1].clock.offset_ns = signed_ns(max_offset + latency);
    let request = Request::Send { to: behind };
    scenario
        .clients
        .push(Client::new(1, vec![Operation::at::<Clock>(1, pick.millis(5..=500), ahead, &request)]));
    let walls = walls(&scenario);
    Case::new(scenario, Clocks::new(Rules { config, walls, ..Rules::default() }))
}

pub(super) fn accept(pick: &mut Pick, nth: u32) -> Case {
    if nth % 8 == 7 {
        return just_near_enough(pick);
    }
    let max_offset = *pick.one(&[secs(1), secs(20)]);
    let config = Config { max_offset, granule: *pick.one(&[Duration::from_nanos(1), ms(1), ms(20)]) };
    let nodes = pick.small(2..=4);
    let mut scenario = Scenario::cluster::<Clock>(nodes, &config, secs(900));
    scenario.network = Link::between(ms(2), ms(10));
    // n1 is behind by just under half the largest offset, so that what reaches it is ahead
    skewed(pick, &mut scenario, max_offset / 20, 0);
    for node in &mut scenario.nodes[1..] {
        node.clock.offset_ns += signed_ns(max_offset * 2 / 5);
    }
    let slow = Link::between(secs(30), secs(600));
    let from = Some(NodeId(pick.small(1..=nodes)));
    let rule = LinkRule { from: if nth % 4 == 3 { None } else { from }, to: None, link: slow };
    let fast = LinkRule { from: None, to: Some(NodeId(1)), link: Link::between(ms(2), ms(10)) };
    scenario.links.push(rule);
    scenario.links.push(fast);
    scenario.clients.push(busy(pick, nodes, 50, ms(1), secs(200)));
    let after = (2..=nodes).flat_map(|node| {
        let at = secs(201) + ms(300 * u64::from(node));
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
