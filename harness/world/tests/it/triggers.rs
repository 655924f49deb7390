//! Faults that wait for something to happen.

use crate::actor::{Acts, Do, Echo, Echoes, Place, Said};
use crate::stage::{Direct, crash, during, ms, n, stage, upon, us};
use lab::Role;
use lab::prelude::Duration;
use world::{
    Client, ClientId, DiskLoss, Fault, Harm, Matcher, NodeSpec, Operation, OperationId, Pattern, Scenario,
    Seen, SeenKind, Time, Trigger, Until, When, Who,
};

fn culprit() -> Harm {
    Harm::Crash { node: Who::Culprit, disk: DiskLoss::All }
}
fn said(word: u32) -> Trigger {
    Trigger::Seen(Pattern::emit::<Acts>(move |said| *said == Said::Word(word)))
}
fn crashes(run: &crate::stage::Run) -> Vec<(u32, Time)> {
    run.all().filter(|o| matches!(o.seen, Seen::Crashed)).map(|o| (o.node.0, o.at)).collect()
}

#[test]
fn an_emit_crashes_the_node_that_emits_before_it_does_anything_else() {
    let run = stage(3)
        .tell(ms(10), 2, vec![Do::Say(1), Do::Say(7), Do::Say(2)])
        .tell(ms(50), 3, vec![Do::Say(7), Do::Say(3)])
        .fault(upon(said(7), ms(5), culprit()))
        .run();
    assert_eq!(crashes(&run), [(2, Time::from_millis(10))]);
    assert_eq!((run.words(2), run.words(3)), (vec![1, 7], vec![7, 3]), "the first time only");
}

#[test]
fn the_nth_time_and_a_while_after_it() {
    let when = When::On { trigger: said(7), nth: 3, after: ms(4) };
    let mut scenario = stage(1).fault(Fault::new(when, culprit(), Until::After(ms(1))));
    for at in [10, 20, 30, 40] {
        scenario = scenario.tell(ms(at), 1, vec![Do::Say(7)]);
    }
    assert_eq!(crashes(&scenario.run()), [(1, Time::from_millis(34))]);
}

#[test]
fn a_status_that_changes_to_what_fits() {
    let mut scenario = stage(2)
        .tell(ms(10), 1, vec![Do::Say(5)])
        .tell(ms(20), 1, vec![Do::Say(5), Do::Say(8)])
        .tell(ms(40), 1, vec![Do::Say(8), Do::Say(8)])
        .fault(upon(Trigger::Seen(Pattern::status::<Acts>(|word| *word == 8)), ms(5), culprit()));
    scenario.watch_status = true;
    let run = scenario.run();
    assert_eq!(crashes(&run), [(1, Time::from_millis(20))]);
    assert_eq!(run.words(1), [5, 8, 8], "a status is what a node is in before its effects are seen");
}

#[test]
fn being_handed_something_can_be_the_end_of_a_node() {
    let from_one = Pattern::of(SeenKind::Delivered).at(n(2)).with(n(1));
    let run = stage(3)
        .tell(ms(10), 3, vec![Do::Send(n(2), vec![Do::Say(3)])])
        .tell(ms(20), 1, vec![Do::Send(n(2), vec![Do::Say(1)])])
        .fault(upon(Trigger::Seen(from_one), ms(5), culprit()))
        .run();
    assert_eq!(crashes(&run), [(2, Time::from_millis(21))]);
    assert_eq!(run.words(2), [3]);
}

#[test]
fn the_third_sync_and_no_other() {
    let write = || vec![Do::Write(Place::Log), Do::Sync, Do::Say(1)];
    let synced = Trigger::Seen(Pattern::of(SeenKind::Synced));
    let when = When::On { trigger: synced, nth: 3, after: Duration::ZERO };
    let mut scenario = stage(1).fault(Fault::new(when, culprit(), Until::Calm));
    for at in [10, 20, 30, 40] {
        scenario = scenario.tell(ms(at), 1, write());
    }
    let run = scenario.run();
    assert_eq!(crashes(&run), [(1, Time::from_millis(30) + us(200))]);
    assert_eq!(run.words(1), [1, 1]);
    let disk = run.world.disk(n(1)).expect("it has one");
    assert_eq!(disk.log(crate::actor::LOG).count(), 3, "what it did not get to say is durable");
}

#[test]
fn quiet_is_when_no_message_is_under_way() {
    // two rounds of messages, at 10 to 12 ms; a third at 50
    let chain = vec![Do::Send(n(2), vec![Do::Send(n(1), vec![])])];
    let scenario = stage(2).tell(ms(10), 1, chain).tell(ms(50), 1, vec![Do::Send(n(2), vec![])]);
    let quiet = |nth| {
        Fault::new(
            When::On { trigger: Trigger::Quiet, nth, after: Duration::ZERO },
            crash(2),
            Until::After(ms(1)),
        )
    };
    assert_eq!(crashes(&scenario.clone().fault(quiet(1)).run()), [(2, Time::from_millis(12))]);
    assert_eq!(crashes(&scenario.clone().fault(quiet(2)).run()), [(2, Time::from_millis(51))]);
    assert_eq!(crashes(&scenario.fault(quiet(3)).run()), []);
}

#[test]
fn a_hold_keeps_messages_back_until_its_trigger_releases_them() {
    let hold = |nth, matches, until| {
        Fault::new(
            When::At(Duration::ZERO),
            Harm::Hold { from: Some(n(1)), to: Some(n(2)), nth, matches, what: None },
            until,
        )
    };
    let send = |word| vec![Do::Send(n(2), vec![Do::Say(word)])];
    let scenario = stage(3)
        .tell(ms(10), 1, send(1))
        .tell(ms(11), 1, send(2))
        .tell(ms(12), 1, send(3))
        .tell(ms(13), 3, send(4))
        .tell(ms(30), 3, vec![Do::Say(7)]);
    let until_seven = || Until::Trigger(said(7));
    let two = Matcher::typed(|what: &Vec<Do>| *what == [Do::Say(2)]);
    let table = [
        ("all", hold(None, None, until_seven()), vec![(4, 14), (1, 31), (2, 31), (3, 31)]),
        ("the second", hold(Some(2), None, until_seven()), vec![(1, 11), (3, 13), (4, 14), (2, 31)]),
        ("what fits", hold(None, Some(two), until_seven()), vec![(1, 11), (3, 13), (4, 14), (2, 31)]),
        ("for a time", hold(None, None, Until::After(ms(20))), vec![(4, 14), (1, 21), (2, 21), (3, 21)]),
        ("for ever", hold(None, None, Until::Calm), vec![(4, 14)]),
    ];
    for (name, fault, expected) in table {
        let run = scenario.clone().fault(fault).run();
        let heard: Vec<(u32, u64)> = run.said(2)[1..]
            .iter()
            .map(|(at, said)| if let Said::Word(word) = said { (*word, at.0 / 1_000_000) } else { (0, 0) })
            .collect();
        assert_eq!(heard, expected, "{name}");
    }
}

#[test]
fn what_one_hold_releases_another_does_not_count_again() {
    // the first hold keeps everything until 20 ms; the second keeps the third message, not the first again
    let hold = |nth, until| {
        Fault::new(
            When::At(Duration::ZERO),
            Harm::Hold { from: Some(n(1)), to: None, nth, matches: None, what: None },
            until,
        )
    };
    let mut scenario =
        stage(2).fault(hold(None, Until::After(ms(20)))).fault(hold(Some(3), Until::After(ms(50))));
    for word in 1..=4 {
        scenario = scenario.tell(ms(9 + u64::from(word)), 1, vec![Do::Send(n(2), vec![Do::Say(word)])]);
    }
    assert_eq!(scenario.run().words(2), [1, 2, 4, 3]);
}

#[test]
fn a_fault_set_off_by_a_sending_is_in_force_for_it() {
    let sends = Pattern::of(SeenKind::Sent).at(n(1));
    let alone = Harm::Isolate { node: Who::Culprit };
    let run = stage(2)
        .tell(ms(10), 1, vec![Do::Send(n(2), vec![Do::Say(1)])])
        .tell(ms(50), 1, vec![Do::Send(n(2), vec![Do::Say(2)])])
        .fault(upon(Trigger::Seen(sends), ms(20), alone))
        .run();
    assert_eq!(run.words(2), [2]);
}

#[test]
fn a_culprit_there_is_not_is_not_hit() {
    let run = stage(1).fault(during(ms(10), ms(20), culprit())).run();
    assert_eq!(crashes(&run), []);
    assert_eq!(run.count(|seen| matches!(seen, Seen::FaultBegan { .. })), 0);
}

#[test]
fn an_operation_sets_off_what_lasts_until_another_has_ended() {
    let (client, operation) = (ClientId(1), OperationId);
    let cut = Fault::new(
        When::on(Trigger::Began { client, operation: operation(2) }),
        Harm::Isolate { node: Who::Node(n(2)) },
        Until::Trigger(Trigger::Ended { client, operation: operation(3) }),
    );
    // whoever has answered the third
    let when = When::On { trigger: Trigger::Ended { client, operation: operation(3) }, nth: 1, after: ms(2) };
    let crash = Fault::new(when, culprit(), Until::After(ms(5)));
    let tell = |id: u32, to: u32| {
        let what = vec![Do::Send(n(2), vec![Do::Say(id)]), Do::Arm(1, ms(3), vec![Do::Reply])];
        Operation::next::<Acts>(id, n(to), &what)
    };
    let mut scenario = stage(3).fault(cut).fault(crash);
    let operations = vec![tell(1, 1), tell(2, 1), tell(3, 3), tell(4, 1)];
    scenario.clients = vec![Client { think: ms(10), ..Client::new(1, operations) }];
    let run = scenario.run();
    assert_eq!(run.words(2), [1, 4], "cut off from the second to the end of the third");
    assert_eq!(crashes(&run), [(3, Time::from_millis(3 + 10 + 3 + 10 + 3 + 2))]);
    // without the operation that it waits for there is no fault
    let mut less = scenario.clone();
    less.clients[0].operations.remove(1);
    assert_eq!(less.run().words(2), [1, 3, 4]);
}

#[test]
fn an_operation_that_nobody_answers_ends_where_it_was_asked_last() {
    let ended = Trigger::Ended { client: ClientId(1), operation: OperationId(1) };
    let mut scenario = stage(2).fault(upon(ended, ms(5), culprit()));
    let asked = Operation { to: vec![n(1), n(2)], ..Operation::next::<Acts>(1, n(1), &vec![]) };
    scenario.clients = vec![Client { timeout: Some(ms(10)), attempts: 2, ..Client::new(1, vec![asked]) }];
    assert_eq!(crashes(&scenario.run()), [(2, Time::from_millis(20))]);
}

/// Two nodes and a service; each writes, syncs and tells the other, at 10 and 20 ms.
fn effects() -> Scenario {
    let mut scenario = stage(2);
    scenario.nodes.push(NodeSpec::service::<Echoes>(n(9), &(), Role::node::<Echo>));
    let what =
        |to| vec![Do::Write(Place::Log), Do::Sync, Do::CallTo(n(9), 1), Do::Send(n(to), vec![Do::Say(to)])];
    scenario.tell(ms(10), 1, what(2)).tell(ms(20), 2, what(1))
}
fn at_any(nth: u64) -> Fault {
    upon(Trigger::AnyEffect { nth }, ms(5), culprit())
}

#[test]
fn every_effect_of_every_guest_is_a_crash_point_and_no_other() {
    let all = effects().run().world.guest_effects();
    let both: u64 = [1, 2].into_iter().map(|node| effects().run().world.effects(n(node))).sum();
    assert_eq!(all, both, "the service's own effects are no crash points");
    // at the start each says what it found; then a write, a sync (twice), a call, a message; what the other says of it, and
    // what it says of the answer
    assert_eq!(all, 2 * (1 + 5 + 1 + 1));
    let mut hit = Vec::new();
    for nth in 1..=all + 2 {
        let scenario = effects().fault(at_any(nth));
        let run = scenario.run();
        let crashed = crashes(&run);
        assert_eq!(crashed.len(), usize::from(nth <= all), "{nth}");
        hit.extend(crashed);
        if nth > all {
            assert_eq!(run.world.hash(), effects().run().world.hash(), "simply that run");
            assert_eq!(run.world.set_off_by(0).map(|_| ()), None);
        }
    }
    assert!(hit.is_sorted_by_key(|(_, at)| *at), "{hit:?}");
    assert!([1, 2].iter().all(|node| hit.iter().filter(|(of, _)| of == node).count() == 8), "{hit:?}");
}

#[test]
fn two_crash_points_of_one_run() {
    let all = effects().run().world.guest_effects();
    for (first, then) in (1..=all).flat_map(|then| (1..then).map(move |first| (first, then))) {
        let scenario = effects().fault(at_any(first)).fault(at_any(then));
        let run = scenario.run();
        let begun: Vec<usize> = run
            .all()
            .filter_map(|o| if let Seen::FaultBegan { fault } = o.seen { Some(fault) } else { None })
            .collect();
        // the first crash may take so much with it that there are fewer effects then
        let expected = if run.world.guest_effects() >= then { vec![0, 1] } else { vec![0] };
        assert_eq!(begun, expected, "{first} {then}");
    }
}

#[test]
fn an_effect_named_by_its_cause_is_the_same_one_in_a_smaller_world() {
    let all = effects().run().world.guest_effects();
    let mut moved = 0;
    for nth in 1..=all {
        let mut scenario = effects().fault(at_any(nth));
        let run = scenario.run();
        scenario.faults[0].when = When::on(run.world.set_off_by(0).expect("it came"));
        assert_eq!(scenario.run().world.hash(), run.world.hash(), "it is the same run");
        let mut less = scenario.clone();
        less.clients.remove(0);
        let less = less.run();
        // of node 2's own request nothing changes
        if crashes(&run).iter().all(|(node, at)| *node == 2 && *at >= Time::from_millis(20)) {
            assert_eq!(crashes(&less), crashes(&run), "{nth}");
            moved += 1;
        }
    }
    assert_eq!(moved, 5 + 1);
}
