//! Alarms: set, moved, cancelled, forgotten.

use crate::actor::{Do, Said};
use crate::stage::{Direct, crash, during, ms, pause, stage, us};
use lab::prelude::Duration;
use world::{Seen, Time};

fn arm(after: Duration, word: u32) -> Do {
    Do::Arm(1, after, vec![Do::Say(word)])
}
/// When a node said each word.
fn words(scenario: &world::Scenario) -> Vec<(Time, u32)> {
    let word = |(at, said)| if let Said::Word(word) = said { Some((at, word)) } else { None };
    scenario.run().said(1).into_iter().filter_map(word).collect()
}

#[test]
fn an_alarm_rings_once_at_its_time() {
    let scenario = stage(1).tell(ms(10), 1, vec![arm(ms(5), 1)]);
    assert_eq!(words(&scenario), [(Time::from_millis(15), 1)]);
}

#[test]
fn setting_it_again_moves_it_forward_and_back() {
    for (second, rings) in [(ms(20), 32), (ms(1), 13)] {
        let scenario = stage(1).tell(ms(10), 1, vec![arm(ms(5), 1)]).tell(ms(12), 1, vec![arm(second, 2)]);
        assert_eq!(words(&scenario), [(Time::from_millis(rings), 2)], "moved to {second:?}");
    }
}

#[test]
fn cancelled_it_never_rings_and_can_be_set_again() {
    let scenario = stage(1).tell(ms(10), 1, vec![arm(ms(5), 1)]).tell(ms(12), 1, vec![Do::Disarm(1)]).tell(
        ms(14),
        1,
        vec![arm(ms(5), 2)],
    );
    assert_eq!(words(&scenario), [(Time::from_millis(19), 2)]);
}

#[test]
fn what_a_handler_cancels_while_it_rings_does_not_ring() {
    // at 15 ms the alarm rings while the node is busy with a sync, and what comes after that sync cancels it
    let busy = vec![Do::Write(crate::actor::Place::Log), Do::Sync, Do::Disarm(1)];
    let mut scenario = stage(1).tell(ms(10), 1, vec![arm(ms(5), 1)]).tell(ms(14), 1, busy);
    scenario.nodes[0].sync = (ms(3), ms(3));
    let run = scenario.run();
    assert_eq!(run.count(|seen| matches!(seen, Seen::Rang { .. })), 0);
    assert_eq!(run.when(|seen| matches!(seen, Seen::TimerCancelled { .. })), Some(Time::from_millis(17)));
}

#[test]
fn alarms_of_other_names_are_other_alarms() {
    let scenario = stage(1).tell(
        ms(10),
        1,
        vec![Do::Arm(1, ms(5), vec![Do::Say(1)]), Do::Arm(2, ms(4), vec![Do::Say(2)]), Do::Disarm(3)],
    );
    assert_eq!(words(&scenario), [(Time::from_millis(14), 2), (Time::from_millis(15), 1)]);
}

#[test]
fn a_crash_forgets_alarms_even_if_the_node_is_back_in_time() {
    let scenario = stage(1).tell(ms(10), 1, vec![arm(ms(5), 1)]).fault(during(ms(11), ms(12), crash(1)));
    assert_eq!(words(&scenario), []);
}

#[test]
fn a_pause_delays_alarms_and_forgets_none() {
    let scenario = stage(1).tell(ms(10), 1, vec![arm(ms(5), 1)]).fault(during(ms(11), ms(30), pause(1)));
    assert_eq!(words(&scenario), [(Time::from_millis(30), 1)]);
}

#[test]
fn no_alarm_rings_sooner_than_a_microsecond() {
    let scenario = stage(1).tell(ms(10), 1, vec![arm(Duration::ZERO, 1)]);
    assert_eq!(words(&scenario), [(Time::from_millis(10) + us(1), 1)]);
}

#[test]
fn an_alarm_far_beyond_the_end_is_harmless() {
    let scenario = stage(1).tell(ms(10), 1, vec![Do::Arm(1, Duration::from_nanos(u64::MAX / 2), vec![])]);
    assert_eq!(words(&scenario), []);
}

#[test]
fn alarms_follow_the_nodes_own_clock() {
    for (ppm, rings_us) in [(100_000, 9_091), (-100_000, 11_112), (0, 10_000)] {
        let mut scenario = stage(1).tell(ms(10), 1, vec![arm(ms(10), 1)]);
        scenario.nodes[0].clock.drift_ppm = ppm;
        let rang = words(&scenario)[0].0 - Time::from_millis(10);
        assert!(
            rang <= us(rings_us) && rang + us(1) > us(rings_us),
            "a clock that gains {ppm} ppm shows 10 ms after {rang:?}"
        );
    }
}
