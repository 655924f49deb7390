//! `causal_broadcast`: the runs in which the promises are hard to keep.

use super::oracle::*;
use judge::{Case, Pick};
use kit::ms;
use lab::NodeId;
use lab::causal_broadcast::{Config, Event, Member, Payload, Request};
use std::time::Duration;
use world::{
    Chance, Client, DiskLoss, Fault, Harm, Latency, Link, LinkRule, Operation, Pattern, Scenario, SeenKind,
    Tail, Trigger, Until, When, Who,
};

/// A good network delivers everything within so many times `Config::resend`.
pub(super) const RESENDS: u32 = 20;
pub(super) const RESEND: Duration = Duration::from_millis(50);

/// If every node told every other what it knows twenty times in each `Config::resend`, a run would have fewer events.
pub(super) const EVENTS_MAX: u64 = 40_000;

pub(super) fn cluster(n: u32, resend: Duration, last: Duration) -> Scenario {
    let mut scenario =
        Scenario::cluster::<Member>(n, &Config { nodes: n, resend }, last + resend * (RESENDS + 2));
    scenario.network = Link::between(ms(1), ms(3));
    scenario.limits.events = EVENTS_MAX;
    scenario
}
pub(super) fn cast(pick: &mut Pick, n: u32) -> Vec<NodeId> {
    let mut cast: Vec<NodeId> = (1..=n).map(NodeId).collect();
    pick.shuffle(&mut cast);
    cast
}
pub(super) fn on(pattern: Pattern, nth: u32, after: Duration) -> When {
    When::On { trigger: Trigger::Seen(pattern), nth, after }
}
pub(super) fn delivers(node: NodeId, wanted: Payload) -> Pattern {
    Pattern::emit::<Member>(move |Event::Delivered { payload, .. }| *payload == wanted).at(node)
}
/// Asks each node for broadcasts; payloads count from 1.
pub(super) fn ask(scenario: &mut Scenario, asks: Vec<(When, NodeId)>) {
    let operations = (1..).zip(asks).map(|(id, (at, node))| {
        let request = Request::Broadcast { payload: id.into() };
        Operation { at: Some(at), ..Operation::next::<Member>(id, node, &request) }
    });
    scenario.clients.push(Client::new(1, operations.collect()));
}
pub(super) fn crash(when: When, node: NodeId) -> Fault {
    // nobody calms this world down: who is down stays down
    Fault::new(when, Harm::Crash { node: Who::Node(node), disk: DiskLoss::All }, Until::Calm)
}
pub(super) fn links(
    from: Option<NodeId>,
    to: Option<NodeId>,
    link: Link,
    at: Duration,
    lasts: Duration,
) -> Fault {
    Fault::new(When::At(at), Harm::Links(LinkRule { from, to, link }), Until::After(lasts))
}
pub(super) fn lossy(percent: u32) -> Link {
    Link { loss: Chance::percent(percent), ..Link::between(ms(1), ms(3)) }
}
/// Broadcasts at random nodes: some at random times, some because of another that was delivered there, some in one breath with
/// the one before.
pub(super) fn chatter(pick: &mut Pick, n: u32, count: u32, within: Duration) -> Vec<(When, NodeId)> {
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

pub(super) fn validity(pick: &mut Pick, nth: u32) -> Case {
    if nth % 8 == 7 {
        return steady(pick);
    }
    let n = [5, 5, 5, 3, 5, 1, 2][nth as usize % 8];
    let bad = ms(800);
    let mut scenario = cluster(n, RESEND, bad);
    let all = cast(pick, n);
    let count = pick.small(6..=10);
    let asks = chatter(pick, n, count, ms(400));
    ask(&mut scenario, asks);
    scenario.faults.push(links(None, None, lossy(30), Duration::ZERO, bad));
    if nth % 3 == 1 && n > 1 {
        // one hears nothing for a long time
        scenario.faults.push(links(None, Some(all[0]), lossy(100), Duration::ZERO, bad));
    }
    let dead = if n < 5 { 0 } else { nth % 3 };
    for node in &all[n.min(3) as usize..n.min(3) as usize + dead as usize] {
        // before anybody is asked: nothing that they wrote is a cause
        scenario.faults.push(crash(When::At(pick.micros(0..=4_000)), *node));
    }
    Case::new(scenario, Group::default())
}
/// One node hears nothing for a moment, and all go on to talk, without a pause that is as long as `resend`.
fn steady(pick: &mut Pick) -> Case {
    let n = *pick.one(&[2, 3, 5]);
    let mut scenario = cluster(n, RESEND, ms(2_600));
    let all = cast(pick, n);
    let lost = links(None, Some(all[0]), lossy(100), ms(100), ms(pick.number(10..=40)));
    scenario.faults.push(lost);
    let asks = (0..100).map(|nth| (When::At(ms(50 + 25 * nth)), NodeId(pick.small(1..=n))));
    let asks = asks.collect();
    ask(&mut scenario, asks);
    Case::new(scenario, Group::default())
}

/// The first message reaches one node late; those that it caused do not. The dependents: one chain, or side by side.
pub(super) fn late_cause(pick: &mut Pick, n: u32, dependents: u32, chain: bool) -> Scenario {
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

pub(super) fn causal(pick: &mut Pick, nth: u32) -> Case {
    if nth.is_multiple_of(4) {
        let n = *pick.one(&[3, 5]);
        let dependents = pick.small(1..=3);
        return Case::new(late_cause(pick, n, dependents, true), Group::default());
    }
    let n = *pick.one(&[3, 5, 5, 5, 2]);
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
    if n > 2 && pick.percent(25) {
        scenario.faults.push(crash(When::At(pick.micros(1_000..=400_000)), NodeId(pick.small(1..=n))));
    }
    Case::new(scenario, Group::default())
}

pub(super) fn once(pick: &mut Pick, _nth: u32) -> Case {
    let n = *pick.one(&[5, 5, 5, 3, 2]);
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
    Case::new(scenario, Group::default())
}

pub(super) fn rescan(pick: &mut Pick, nth: u32) -> Case {
    let dependents = if nth.is_multiple_of(2) { 2 } else { 16 };
    let chain = nth % 4 > 1;
    let scenario = late_cause(pick, 5, dependents, chain);
    Case::new(scenario, Group::default())
}

pub(super) fn all_or_none(pick: &mut Pick, nth: u32) -> Case {
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
    Case::new(scenario, Group::default())
}

pub(super) fn uniform(pick: &mut Pick, nth: u32) -> Case {
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
    Case::new(scenario, Group::default())
}

pub(super) fn no_stronger(pick: &mut Pick, nth: u32) -> Case {
    if nth.is_multiple_of(3) {
        return received_and_not_delivered(pick);
    }
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
    let promise = Promise::Prompt { slow: Some(slow), from: Duration::ZERO, within: delay * 4 };
    Case::new(scenario, Group { promise, ..Group::default() })
}

/// One node has messages that it cannot deliver, because it lacks their cause. What it broadcasts meanwhile was caused by none of them.
fn received_and_not_delivered(pick: &mut Pick) -> Case {
    let chain = pick.percent(50);
    let mut scenario = late_cause(pick, 5, 3, chain);
    let is_slow = |fault: &Fault| match &fault.harm {
        Harm::Links(rule) => rule.to,
        _ => None,
    };
    let late = scenario.faults.iter().find_map(is_slow).expect("one node is late");
    let operations = &mut scenario.clients[0].operations;
    for id in 100..102 {
        let request = Request::Broadcast { payload: u64::from(id) };
        let at = ms(60) + pick.micros(0..=120_000);
        operations.push(Operation::at::<Member>(id, at, late, &request));
    }
    let promise = Promise::Prompt { slow: None, from: ms(40), within: ms(2) * 4 };
    Case::new(scenario, Group { promise, ..Group::default() })
}

pub(super) fn traffic(pick: &mut Pick, nth: u32) -> Case {
    let n = if nth.is_multiple_of(2) { 5 } else { 9 };
    let count = 200;
    let mut scenario = cluster(n, RESEND, ms(40) * count);
    scenario.network = Link::between(ms(1), ms(5));
    if nth % 4 > 1 {
        // what one node says to another comes when all others have passed it on
        let all = cast(pick, n);
        let link = Link::between(ms(60), ms(100));
        scenario.links.push(LinkRule { from: Some(all[0]), to: Some(all[1]), link });
    }
    // one at a time, so that every message is about one broadcast
    let asks = (0..count).map(|nth| (When::At(ms(10) + ms(40) * nth), NodeId(pick.small(1..=n))));
    let asks = asks.collect();
    ask(&mut scenario, asks);
    scenario.limits.events = 20 * EVENTS_MAX;
    Case::new(scenario, Group { promise: Promise::Traffic, ..Group::default() })
}
