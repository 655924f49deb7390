//! `lamport`: the runs in which the promises are hard to keep.

use super::oracle::*;
use crate::runs::{RunEvent, lamport_run};
use crate::{EVERY_EFFECT, crashes, other, set_back};
use judge::{Case, Pick};
use kit::answers::Heard;
use lab::NodeId;
use lab::lamport::{Clock, MAY_HAVE_CAUSED, Request, Stamped, TOTAL_ORDER};
use std::time::Duration;
use world::{
    Chance, Client, ClockSpec, Latency, Link, NodeSpec, Operation, OperationId, Scenario, Tail, When,
};

/// Requests at nodes 1 to `nodes`, at random times up to `within`.
pub(super) fn busy(pick: &mut Pick, nodes: u32, count: u32, within: Duration) -> Client {
    let operations = (1..=count).map(|id| {
        let at = pick.small(1..=nodes);
        let request =
            if pick.percent(40) { Request::Local } else { Request::Send { to: other(pick, at, nodes) } };
        let when = pick.micros(1_000..=within.as_micros() as u64);
        Operation::at::<Clock>(id, when, NodeId(at), &request)
    });
    Client::new(1, operations.collect())
}
/// Latencies with a long tail; sometimes loss and duplicates too.
pub(super) fn unruly(pick: &mut Pick) -> Link {
    let ms = Duration::from_millis;
    let tail = Tail { chance: Chance::percent(pick.small(0..=40)), max: ms(400) };
    Link {
        latency: Latency { min: ms(1), max: ms(20), tail: Some(tail) },
        loss: Chance::percent(if pick.percent(50) { 10 } else { 0 }),
        duplication: Chance::percent(if pick.percent(50) { 10 } else { 0 }),
        ..Link::fixed(ms(1))
    }
}
/// Clocks on walls that are wrong by up to a minute.
pub(super) fn wrong_walls(pick: &mut Pick, scenario: &mut Scenario) {
    for node in &mut scenario.nodes {
        let offset_ms = i64::try_from(pick.number(0..=120_000)).expect("small") - 60_000;
        node.clock = ClockSpec { offset_ns: offset_ms * 1_000_000, drift_ppm: 0 };
    }
}

pub(super) fn clock_condition(pick: &mut Pick, nth: u32) -> Case {
    let ms = Duration::from_millis;
    let nodes = if nth == 0 { 2 } else { pick.small(2..=6) };
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), ms(3_000));
    if nth == 0 {
        // n1 runs ahead, and tells n2, which is behind, level, and then ahead itself.
        let (one, two) = (NodeId(1), NodeId(2));
        let script = [
            (one, Request::Local),
            (one, Request::Local),
            (one, Request::Send { to: two }),
            (one, Request::Send { to: two }),
            (two, Request::Local),
            (two, Request::Local),
            (one, Request::Send { to: two }),
            (two, Request::Send { to: one }),
        ];
        let operations = (1..)
            .zip(script)
            .map(|(id, (node, request))| Operation::at::<Clock>(id, ms(10 * u64::from(id)), node, &request));
        scenario.clients.push(Client::new(1, operations.collect()));
    } else {
        scenario.network = unruly(pick);
        wrong_walls(pick, &mut scenario);
        let count = pick.small(20..=60);
        scenario.clients.push(busy(pick, nodes, count, ms(1_000)));
    }
    Case::new(scenario, Clocks::default())
}

pub(super) fn restart(pick: &mut Pick, nth: u32) -> Case {
    let ms = Duration::from_millis;
    let nodes = 3;
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), ms(4_000));
    scenario.network = Link::between(ms(1), ms(15));
    let count = if nth < EVERY_EFFECT { 24 } else { pick.small(20..=50) };
    scenario.clients.push(busy(pick, nodes, count, ms(1_000)));
    scenario.faults = crashes(pick, nodes, nth);
    set_back(pick, &mut scenario);
    Case::new(scenario, Clocks { crashes: true, ..Clocks::default() })
}
pub(super) fn logical(pick: &mut Pick, _nth: u32) -> Case {
    let ms = Duration::from_millis;
    let nodes = pick.small(2..=5);
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), ms(30_000));
    scenario.network = Link::between(ms(1), ms(15));
    wrong_walls(pick, &mut scenario);
    scenario.clients.push(busy(pick, nodes, 200, ms(20_000)));
    Case::new(scenario, Clocks { bounded: true, ..Clocks::default() })
}

/// Asks a function about pairs of events of a made-up run.
pub(super) fn ask(scenario: &mut Scenario, to: NodeId, client: u32, pairs: &[(Stamped, Stamped)]) {
    let operations = (1..).zip(pairs).map(|(id, pair)| Operation {
        id: OperationId(id),
        at: (id == 1).then_some(When::At(Duration::from_millis(1))),
        to: vec![to],
        request: lab::frame::encode(pair),
    });
    scenario.clients.push(Client::new(client, operations.collect()));
}
pub(super) fn stamped(event: &RunEvent) -> Stamped {
    Stamped { stamp: event.stamp, node: event.node }
}
/// All pairs of two different events, both ways round.
pub(super) fn pairs(run: &[RunEvent]) -> Vec<(usize, usize)> {
    let places = 0..run.len();
    places.clone().flat_map(|a| places.clone().filter(move |b| a != *b).map(move |b| (a, b))).collect()
}

pub(super) fn function_case(pick: &mut Pick, role: &'static str, askers: u32, judge: JudgeAnswers) -> Case {
    let nodes = pick.small(2..=6);
    let leaps = pick.percent(30);
    let run = lamport_run(pick, nodes, 16, leaps);
    let mut pairs = pairs(&run);
    pick.shuffle(&mut pairs);
    let asked: Vec<(Stamped, Stamped)> =
        pairs.iter().map(|(a, b)| (stamped(&run[*a]), stamped(&run[*b]))).collect();
    let specs = (1..=askers).map(|id| NodeSpec::function(NodeId(id), role)).collect();
    let mut scenario = Scenario::new(specs, Duration::from_secs(1));
    (1..=askers).for_each(|id| ask(&mut scenario, NodeId(id), id, &asked));
    Case::new(scenario, Answers { run, pairs, askers, heard: Heard::default(), judge })
}

pub(super) fn total_order(pick: &mut Pick, _nth: u32) -> Case {
    function_case(pick, TOTAL_ORDER, 2, judge_total_order)
}
pub(super) fn inference(pick: &mut Pick, _nth: u32) -> Case {
    function_case(pick, MAY_HAVE_CAUSED, 1, judge_inference)
}
