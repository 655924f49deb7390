//! What a node cannot do to its world, however hard it tries: every flood ends it, always at one place.

use crate::actor::{Acts, Do, Place, Said};
use crate::stage::{Direct, Run, SEED, ms, n, stage};
use lab::frame::{Ending, Raw, RawEffect, Reply};
use lab::{CallId, NodeId, RequestId};
use std::time::Duration;
use world::{During, End, Excess, LossReason, Misbehaviour, Scenario, Seen, World};

fn flooded(run: &Run) -> Excess {
    match run.end() {
        End::Misbehaved(NodeId(1), _, Misbehaviour::Flooded(excess)) => *excess,
        other => panic!("{other:?}"),
    }
}
/// Runs it twice: it ends alike.
fn run_twice(scenario: &Scenario) -> Run {
    let (one, two) = (scenario.run(), scenario.run());
    assert_eq!(
        (one.world.hash(), one.end(), one.world.now()),
        (two.world.hash(), two.end(), two.world.now())
    );
    one
}

#[test]
fn too_many_effects_of_one_event() {
    let says = |many| stage(1).tell(ms(1), 1, vec![Do::Say(1); many]);
    assert_eq!(*run_twice(&says(20_000)).end(), End::Idle);
    let run = run_twice(&says(20_001));
    assert_eq!(flooded(&run), Excess::EffectsOfEvent(20_001));
    assert_eq!(run.words(1), [], "none of them is done");
}

#[test]
fn a_message_of_more_bytes_than_one_may_have() {
    let pad = |bytes| stage(1).tell(ms(1), 1, vec![Do::Send(n(2), vec![Do::Pad(vec![0; bytes])])]);
    assert_eq!(*run_twice(&pad((1 << 20) - 10)).end(), End::Idle);
    assert!(matches!(flooded(&run_twice(&pad(1 << 20))), Excess::Message(bytes) if bytes > 1 << 20));
}

#[test]
fn more_bytes_under_way_than_a_world_has_room_for() {
    let big = Do::Broadcast(vec![Do::Pad(vec![0; 100_000])]);
    let mut scenario = stage(3).tell(ms(1), 1, vec![big; 6]);
    scenario.limits.bytes = 1 << 20;
    let run = run_twice(&scenario);
    assert_eq!(flooded(&run), Excess::Bytes(1_048_576));
}

/// Does this 900 times, in a world that has room for a mebibyte.
fn again_and_again(what: Vec<Do>) -> Scenario {
    let mut scenario = stage(2).tell(ms(1), 1, vec![Do::Say(0)]);
    scenario.limits.bytes = 1 << 20;
    for round in 0..900 {
        scenario = scenario.tell(ms(1 + round), 1, what.clone());
    }
    scenario
}

#[test]
fn many_small_messages_are_a_flood_too() {
    let mut scenario = again_and_again(vec![Do::Send(n(2), vec![]); 1_000]);
    scenario.network = world::Link::fixed(ms(5_000)); // they pile up
    assert_eq!(flooded(&run_twice(&scenario)), Excess::Bytes(1_048_576));
}

#[test]
fn many_alarms_are_a_flood_too() {
    let alarms =
        (0..1_000).map(|nth| Do::Arm((nth % 200) as u8, Duration::from_secs(3_600), vec![])).collect();
    assert_eq!(flooded(&run_twice(&again_and_again(alarms))), Excess::Bytes(1_048_576));
}

#[test]
fn messages_that_nobody_takes_up_are_a_flood_too() {
    let mut scenario = again_and_again(vec![Do::Send(n(2), vec![Do::Pad(vec![0; 1_000])]); 100]);
    scenario.faults.push(crate::stage::during(ms(1), ms(999), crate::stage::pause(2)));
    assert_eq!(flooded(&run_twice(&scenario)), Excess::Bytes(1_048_576));
    scenario.faults[0].harm =
        world::Harm::Hold { from: None, to: None, nth: None, matches: None, what: None };
    assert_eq!(flooded(&run_twice(&scenario)), Excess::Bytes(1_048_576));
}

#[test]
fn more_effects_than_a_world_may_have() {
    let mut scenario = again_and_again(vec![Do::Say(1); 100]);
    scenario.limits.effects = 50_000;
    let run = run_twice(&scenario);
    assert_eq!(flooded(&run), Excess::Effects(50_000));
    assert_eq!(run.count(|seen| matches!(seen, Seen::Emitted { .. })), 50_001);
}

#[test]
fn what_oracles_are_shown_is_counted_for_as_long_as_the_world_lasts() {
    let mut scenario = again_and_again(vec![Do::Say(1); 100]);
    scenario.limits.shown = 20_000;
    assert_eq!(flooded(&run_twice(&scenario)), Excess::Shown(20_000));
    let mut scenario = stage(1).tell(ms(1), 1, vec![Do::Say(1)]);
    scenario.limits.message_bytes = 0;
    assert!(matches!(flooded(&run_twice(&scenario)), Excess::Value(bytes) if bytes > 0));
}

/// A hundred names of a kilobyte, with a byte each.
#[test]
fn names_on_a_disk_are_bytes_too() {
    let saves = (0..100).map(|nth| {
        let name = format!("{nth:01000}");
        RawEffect::Disk(lab::DiskOp::Save { name, bytes: vec![1] })
    });
    let effects: Vec<RawEffect<'_>> = saves.chain([RawEffect::Sync]).collect();
    let ends = |limit| {
        let mut scenario = stage(1);
        scenario.limits.bytes = limit;
        let mut world = World::new(scenario.into(), SEED);
        assert!(world.next().is_some(), "it starts");
        world.apply(Reply { effects: effects.clone(), ..Reply::empty() });
        while world.next().is_some() {
            world.apply(Reply::empty());
        }
        world.end().cloned()
    };
    assert_eq!(ends(1 << 20), Some(End::Idle));
    assert!(matches!(ends(90_000), Some(End::Misbehaved(_, _, Misbehaviour::Flooded(_)))));
}

#[test]
fn a_disk_that_fills_up_is_a_flood_too() {
    let write = Do::Atomic(vec![Place::Log; 1_000]);
    let scenario = again_and_again(vec![write.clone(), Do::Sync]);
    assert_eq!(flooded(&run_twice(&scenario)), Excess::Disk(1_048_576));
}

#[test]
fn what_is_under_way_is_forgotten_when_it_has_come_been_lost_or_been_synced() {
    // more than there is room for at once as there is room for at once
    let pad = || vec![Do::Pad(vec![0; 100_000])];
    let mut scenario = stage(3);
    scenario.limits.bytes = 1 << 20;
    scenario.network.duplication = world::Chance::percent(50);
    scenario.network.loss = world::Chance::percent(20);
    for round in 0..160 {
        scenario = scenario.tell(ms(1 + 5 * round), 1, vec![Do::Broadcast(pad())]);
    }
    assert_eq!(*scenario.run().end(), End::Idle);
}

#[test]
fn writes_that_a_crash_lost_leave_room_for_others() {
    let mut scenario = stage(1);
    for round in 0..60 {
        scenario = scenario
            .tell(ms(1 + 10 * round), 1, vec![Do::Atomic(vec![Place::Log; 1_000])])
            .fault(crate::stage::during(ms(5 + 10 * round), ms(6 + 10 * round), crate::stage::crash(1)));
    }
    scenario.limits.bytes = 100_000;
    assert_eq!(*scenario.run().end(), End::Idle);
}

#[test]
fn going_on_for_ever() {
    let mut scenario = stage(2).tell(ms(1), 1, vec![]);
    // a message that makes another, in no time at all
    let mut what = vec![];
    for _ in 0..40 {
        what = vec![Do::Send(n(1), what)];
    }
    scenario = scenario.tell(ms(2), 1, what);
    scenario.network = world::Link::fixed(Duration::ZERO);
    scenario.limits.events = 30;
    let run = run_twice(&scenario);
    assert_eq!(*run.end(), End::Endless);
    assert_eq!(run.world.now(), world::Time::from_millis(2));
    assert_eq!(run.all().filter(|o| o.seen.is_handed()).count(), 30);
}

#[test]
fn a_world_with_nothing_left_to_do_is_over() {
    let run = stage(2).tell(ms(1), 1, vec![Do::Say(1)]).run();
    assert_eq!((run.end(), run.world.now()), (&End::Idle, world::Time::from_millis(1)));
}

#[test]
fn a_panic_ends_the_world_and_says_where() {
    lab::note_panics();
    let run = stage(2).tell(ms(5), 2, vec![Do::Say(1), Do::Panic, Do::Say(2)]).run();
    let End::Misbehaved(
        NodeId(2),
        During::Request,
        Misbehaviour::Panicked { message, at, not_started: false },
    ) = run.end()
    else {
        panic!("{:?}", run.end())
    };
    assert_eq!(message, "as I was told");
    assert!(at.contains("actor.rs:"), "{at}");
    assert!(matches!(run.all().last().map(|o| &o.seen), Some(Seen::Misbehaved(_))));
}

#[test]
fn a_todo_is_not_started_wherever_it_is_reached() {
    let mut at_start = stage(1);
    at_start.nodes[0].config = lab::frame::encode(&vec![Do::Todo]);
    for scenario in [at_start, stage(1).tell(ms(5), 1, vec![Do::Todo])] {
        let run = scenario.run();
        let End::Misbehaved(_, _, Misbehaviour::Panicked { not_started, .. }) = run.end() else {
            panic!("{:?}", run.end())
        };
        assert!(not_started);
    }
}

#[test]
fn a_message_that_is_none_is_noted_and_the_node_is_not_told() {
    // every message loses a bit on its way: most are still messages, some are not
    let mut scenario = stage(2);
    scenario.network.corruption = world::Chance::ALWAYS;
    for round in 0..200 {
        scenario = scenario.tell(ms(1 + round), 1, vec![Do::Send(n(2), vec![Do::Say(300)])]);
    }
    let run = scenario.tell(ms(500), 2, vec![Do::Say(1)]).run();
    let strays = run.count(|seen| matches!(seen, Seen::Stray { from } if *from == n(1)));
    assert!(strays > 20, "{strays}");
    for stray in run.all().filter(|o| matches!(o.seen, Seen::Stray { .. })) {
        let delivered = run.trace.cause(stray).expect("a delivery");
        assert!(matches!(delivered.seen, Seen::Delivered { .. }));
    }
    assert_eq!(run.words(2).last(), Some(&1), "it goes on as if nothing had been");
}

#[test]
fn corruption_spares_what_the_suite_itself_reads() {
    use crate::actor::{Echo, Echoes};
    let mut scenario = stage(1);
    scenario.nodes.push(world::NodeSpec::service::<Echoes>(n(9), &(), lab::Role::node::<Echo>));
    scenario.nodes[0].calls_to = Some(n(9));
    scenario.network.corruption = world::Chance::ALWAYS;
    for round in 0..200 {
        scenario = scenario.tell(ms(1 + round), 1, vec![Do::Call(u32::MAX)]);
    }
    let run = scenario.run();
    let answers =
        run.said(1).into_iter().filter(|(_, said)| matches!(said, Said::Answered { answer: u32::MAX, .. }));
    assert_eq!(answers.count(), 200);
}

/// Answers the first request with these effects, as a guest might that is none of ours.
fn forged(effects: &[RawEffect<'_>]) -> (World, Vec<world::Observation>) {
    use crate::actor::{Echo, Echoes};
    let mut scenario = stage(2).tell(ms(1), 1, vec![]);
    scenario.nodes.push(world::NodeSpec::service::<Echoes>(n(9), &(), lab::Role::node::<Echo>));
    scenario.nodes[0].calls_to = Some(n(9));
    let mut world = World::new(scenario.into(), SEED);
    let mut seen = vec![];
    while let Some(step) = world.next() {
        let effects = match step.event {
            world::StepEvent::Request { .. } => effects.to_vec(),
            _ => vec![],
        };
        world.apply(Reply { effects, ..Reply::empty() });
        seen.extend(world.take_observations());
    }
    seen.extend(world.take_observations());
    (world, seen)
}

#[test]
fn a_forged_reply_breaks_nothing_but_the_world_it_is_in() {
    let raw = Raw(&[0xff; 9]);
    let table: [(&str, RawEffect<'_>); 9] = [
        ("a call with the last id there is", RawEffect::Call { id: CallId(u64::MAX), call: Raw(&[1]) }),
        ("a call with an id of long ago", RawEffect::Call { id: CallId(1 << 62), call: Raw(&[1]) }),
        ("a call that is none", RawEffect::Call { id: CallId(0), call: raw }),
        ("an alarm at the end of time", RawEffect::SetTimer { after_ns: u64::MAX, timer: raw }),
        ("an alarm cancelled that is none", RawEffect::CancelTimer { timer: raw }),
        ("an answer to nobody", RawEffect::Reply { id: RequestId(u64::MAX), response: raw }),
        ("a message to nobody", RawEffect::Send { to: NodeId(u32::MAX), message: raw }),
        ("an event that is none", RawEffect::Emit { event: raw }),
        ("a message to a service", RawEffect::Send { to: n(9), message: raw }),
    ];
    for (name, effect) in table {
        let (world, seen) = forged(&[effect.clone(), effect]);
        assert!(world.end().is_some(), "{name}");
        assert!(seen.iter().all(|o| o.emitted::<Acts>().is_none()), "{name}");
    }
}

#[test]
fn only_what_somebody_sent_can_be_stray() {
    let mut world = World::new(stage(1).into(), SEED);
    while world.next().is_some() {
        world.apply(Reply { ending: Ending::Stray, ..Reply::empty() });
    }
    assert!(matches!(world.end(), Some(End::Misbehaved(NodeId(1), _, Misbehaviour::Garbled(_)))));
}

#[test]
fn a_message_to_nobody_is_lost() {
    let run = stage(1).tell(ms(1), 1, vec![Do::Send(n(77), vec![])]).run();
    assert_eq!(run.count(|seen| matches!(seen, Seen::Lost { reason: LossReason::Nobody })), 1);
}
