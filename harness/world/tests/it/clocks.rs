//! The clocks a node can read.

use crate::actor::{Do, Said};
use crate::stage::{Direct, SEED, crash, during, ms, n, stage};
use std::time::Duration;
use world::{ClockSpec, Fault, Harm, Scenario, Until, When, Who, World};

const MS: i128 = 1_000_000;

/// What node 1 reads at these times: its stopwatch, and how far its wall clock is from the truth, in ms.
fn readings(mut scenario: Scenario, at_ms: &[u64]) -> Vec<(u64, i64)> {
    for at in at_ms {
        scenario = scenario.tell(ms(*at), 1, vec![Do::Clocks]);
    }
    let epoch = Duration::from_secs(1_767_225_600);
    let run = scenario.run();
    let read = run.said(1).into_iter().filter_map(|(at, said)| match said {
        Said::Clocks { since_start, wall } => {
            let ahead = wall.0.as_nanos() as i128 - (epoch + at.since_start()).as_nanos() as i128;
            Some((since_start.as_millis() as u64, (ahead.div_euclid(MS)) as i64))
        }
        _ => None,
    });
    read.collect()
}
fn on_one(harm: impl Fn(Who) -> Harm) -> Harm {
    harm(Who::Node(n(1)))
}

#[test]
fn a_truthful_clock_shows_the_time() {
    assert_eq!(readings(stage(1), &[0, 10, 500]), [(0, 0), (10, 0), (500, 0)]);
}

#[test]
fn an_offset_moves_the_wall_clock_alone() {
    let mut scenario = stage(1);
    scenario.nodes[0].clock = ClockSpec { offset_ns: -7_000_000, drift_ppm: 0 };
    assert_eq!(readings(scenario, &[10, 500]), [(10, -7), (500, -7)]);
}

#[test]
fn drift_moves_both() {
    let mut scenario = stage(1);
    scenario.nodes[0].clock = ClockSpec { offset_ns: 0, drift_ppm: 100_000 };
    assert_eq!(readings(scenario.clone(), &[10, 500]), [(11, 1), (550, 50)]);
    scenario.nodes[0].clock.drift_ppm = -500_000;
    assert_eq!(readings(scenario, &[10, 500]), [(5, -5), (250, -250)]);
}

#[test]
fn jumps_add_up_and_stay_and_the_stopwatch_knows_nothing_of_them() {
    let jump = |at, by: i64| {
        during(ms(at), ms(at + 1), on_one(|node| Harm::ClockJump { node, by_ns: by * 1_000_000 }))
    };
    let scenario = stage(1).fault(jump(100, 50)).fault(jump(200, -80));
    assert_eq!(readings(scenario, &[99, 101, 201, 500]), [(99, 0), (101, 50), (201, -30), (500, -30)]);
}

#[test]
fn a_frozen_wall_clock_is_behind_by_as_long_as_it_stood_still() {
    let freeze = |from, to| during(ms(from), ms(to), on_one(|node| Harm::ClockFreeze { node }));
    let once = stage(1).fault(freeze(100, 200));
    assert_eq!(readings(once, &[100, 150, 200, 500]), [(100, 0), (150, -50), (200, -100), (500, -100)]);
    let overlapping = stage(1).fault(freeze(100, 200)).fault(freeze(150, 300));
    assert_eq!(readings(overlapping, &[250, 400]), [(250, -150), (400, -200)]);
}

#[test]
fn a_drift_lasts_as_long_as_its_fault() {
    let drift = |from, to, ppm| during(ms(from), ms(to), on_one(|node| Harm::ClockDrift { node, ppm }));
    let once = stage(1).fault(drift(100, 200, 500_000));
    assert_eq!(readings(once, &[100, 150, 200, 500]), [(100, 0), (150, 25), (200, 50), (500, 50)]);
    // the one that began last is in force: 0.5 for 50 ms, 1 for 150 ms, then neither
    let overlapping = stage(1).fault(drift(100, 200, 500_000)).fault(drift(150, 300, 1_000_000));
    assert_eq!(readings(overlapping, &[200, 300, 500]), [(200, 75), (300, 175), (500, 175)]);
}

#[test]
fn two_slownesses_leave_no_trace_when_both_are_over() {
    let slow = |from, to, per_event| {
        during(ms(from), ms(to), on_one(|node| Harm::Slow { node, per_event: ms(per_event) }))
    };
    let mut scenario = stage(1).fault(slow(100, 200, 5)).fault(slow(150, 300, 10));
    let at = [110, 170, 250, 350].into_iter();
    for at in at.flat_map(|at| [at; 3]) {
        scenario = scenario.tell(ms(at), 1, vec![Do::Say(1)]);
    }
    let run = scenario.run();
    let said: Vec<u64> = run.said(1)[1..].iter().map(|(at, _)| at.0 / 1_000_000).collect();
    assert_eq!(said, [110, 115, 120, 170, 180, 190, 250, 260, 270, 350, 350, 350]);
}

#[test]
fn a_stopwatch_starts_with_its_node_at_zero() {
    let scenario =
        stage(1).fault(during(ms(100), ms(200), crash(1))).tell(ms(50), 1, vec![]).tell(ms(250), 1, vec![]);
    let mut world = World::new(scenario.into(), SEED);
    let mut read = vec![];
    while let Some(step) = world.next() {
        read.push(Duration::from_nanos(step.context.now_ns));
        world.apply(lab::frame::Reply::empty());
    }
    assert_eq!(read, [ms(0), ms(50), ms(0), ms(50)]);
}

#[test]
fn a_restart_sets_the_stopwatch_to_zero_and_leaves_the_wall_clock() {
    let mut scenario = stage(1).fault(during(ms(100), ms(200), crash(1)));
    scenario.nodes[0].clock.offset_ns = 5_000_000;
    scenario.faults.push(Fault::new(
        When::At(ms(150)),
        on_one(|node| Harm::ClockJump { node, by_ns: 1_000_000 }),
        Until::Calm,
    ));
    assert_eq!(readings(scenario, &[99, 201, 210]), [(99, 5), (1, 6), (10, 6)]);
}
