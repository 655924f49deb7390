//! Who reaches whom, and who stands still.

use crate::actor::Do;
use crate::stage::{Direct, crash, during, ms, n, pause, stage};
use std::collections::BTreeSet;
use world::{Fault, Harm, LossReason, Seen, Time, Until, When, Who};

/// Which of four nodes did not hear which, of what was sent at a time.
fn deaf(faults: &[Fault], at_ms: u64) -> BTreeSet<(u32, u32)> {
    let mut scenario = stage(4);
    for node in 1..=4 {
        let everybody = (1..=4).map(|to| Do::Send(n(to), vec![Do::Say(node)])).collect();
        scenario = scenario.tell(ms(at_ms), node, everybody);
    }
    scenario.faults = faults.to_vec();
    let run = scenario.run();
    let heard: BTreeSet<(u32, u32)> =
        (1..=4).flat_map(|to| run.words(to).into_iter().map(move |from| (from, to))).collect();
    let all = (1..=4).flat_map(|from| (1..=4).map(move |to| (from, to)));
    let deaf: BTreeSet<(u32, u32)> = all.filter(|pair| !heard.contains(pair)).collect();
    let partitioned = Seen::Lost { reason: LossReason::Partition };
    assert_eq!(run.count(|seen| format!("{seen:?}") == format!("{partitioned:?}")), deaf.len());
    deaf
}

#[test]
fn each_kind_of_cut_blocks_exactly_what_it_says_while_it_lasts() {
    let ids = |ids: &[u32]| ids.iter().map(|id| n(*id)).collect::<Vec<_>>();
    let both =
        |pairs: &[(u32, u32)]| pairs.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).collect::<Vec<_>>();
    let table = [
        (
            "symmetric",
            Harm::Partition { groups: vec![ids(&[1, 2]), ids(&[3, 4])] },
            both(&[(1, 3), (1, 4), (2, 3), (2, 4)]),
        ),
        (
            "three ways",
            Harm::Partition { groups: vec![ids(&[1]), ids(&[2]), ids(&[3, 4])] },
            both(&[(1, 2), (1, 3), (1, 4), (2, 3), (2, 4)]),
        ),
        (
            "a bridge: node 2 is in no group",
            Harm::Partition { groups: vec![ids(&[1]), ids(&[3, 4])] },
            both(&[(1, 3), (1, 4)]),
        ),
        ("one way", Harm::Cut { from: ids(&[1, 2]), to: ids(&[3]) }, vec![(1, 3), (2, 3)]),
        ("alone", Harm::Isolate { node: Who::Node(n(4)) }, both(&[(1, 4), (2, 4), (3, 4)])),
        ("nobody", Harm::Partition { groups: vec![ids(&[1, 2, 3, 4])] }, vec![]),
    ];
    for (name, harm, blocked) in table {
        let fault = during(ms(20), ms(30), harm);
        let blocked: BTreeSet<_> = blocked.into_iter().collect();
        assert_eq!(deaf(std::slice::from_ref(&fault), 10), BTreeSet::new(), "{name}: before");
        assert_eq!(deaf(std::slice::from_ref(&fault), 25), blocked, "{name}: during");
        // a millisecond on the way: what the cut meets under way does not pass either
        let under_way = deaf(&[Fault { when: When::At(ms(10) + ms(1) / 2), ..fault.clone() }], 10);
        assert_eq!(under_way, blocked, "{name}: begun while messages were under way");
        assert_eq!(deaf(std::slice::from_ref(&fault), 30), BTreeSet::new(), "{name}: healed");
    }
}

#[test]
fn cuts_add_up_and_heal_one_by_one() {
    let isolate = |node| Harm::Isolate { node: Who::Node(n(node)) };
    let faults = [during(ms(10), ms(40), isolate(1)), during(ms(20), ms(30), isolate(2))];
    let alone = |nodes: &[u32]| -> BTreeSet<(u32, u32)> {
        let all = (1..=4).flat_map(|from| (1..=4).map(move |to| (from, to)));
        all.filter(|(from, to)| from != to && (nodes.contains(from) || nodes.contains(to))).collect()
    };
    for (at, who) in [(15, &[1][..]), (25, &[1, 2]), (35, &[1]), (45, &[])] {
        assert_eq!(deaf(&faults, at), alone(who), "at {at} ms");
    }
}

#[test]
fn a_paused_node_handles_later_what_came_meanwhile_in_order() {
    let run = stage(2)
        .tell(ms(15), 1, vec![Do::Send(n(2), vec![Do::Say(1)])])
        .tell(ms(16), 2, vec![Do::Say(2)])
        .tell(ms(17), 1, vec![Do::Send(n(2), vec![Do::Say(3)])])
        .fault(during(ms(10), ms(30), pause(2)))
        .run();
    assert_eq!(run.words(2), [1, 2, 3]);
    assert!(run.on(2).filter(|o| o.seen.is_handed()).skip(1).all(|o| o.at == Time::from_millis(30)));
}

#[test]
fn two_pauses_last_until_the_longer_is_over() {
    let run = stage(1)
        .tell(ms(15), 1, vec![Do::Say(1)])
        .fault(during(ms(10), ms(40), pause(1)))
        .fault(during(ms(20), ms(30), pause(1)))
        .run();
    assert_eq!(run.said(1).last().map(|(at, _)| *at), Some(Time::from_millis(40)));
}

#[test]
fn a_node_paused_in_the_middle_of_a_handler_goes_on_there() {
    // the pause begins with the first word, so the second and the message wait
    let first = world::Pattern::emit::<crate::actor::Acts>(|said| *said == crate::actor::Said::Word(1));
    let run = stage(3)
        .tell(ms(10), 1, vec![Do::Say(1), Do::Broadcast(vec![Do::Say(9)]), Do::Say(2)])
        .fault(crate::stage::upon(world::Trigger::Seen(first), ms(20), pause(1)))
        .run();
    let words: Vec<_> = run.said(1)[1..].iter().map(|(at, _)| *at).collect();
    assert_eq!(words, [Time::from_millis(10), Time::from_millis(30)]);
    assert_eq!(run.said(2).last().map(|(at, _)| *at), Some(Time::from_millis(31)));
}

#[test]
fn a_node_paused_by_what_it_is_handed_does_nothing_until_it_goes_on() {
    let handed = world::Pattern::of(world::SeenKind::Requested).at(n(1));
    let run = stage(3)
        .tell(ms(10), 1, vec![Do::Say(1), Do::Say(2)])
        .fault(crate::stage::upon(world::Trigger::Seen(handed), ms(20), pause(1)))
        .run();
    let words: Vec<_> = run.said(1)[1..].iter().map(|(at, _)| *at).collect();
    assert_eq!(words, [Time::from_millis(30), Time::from_millis(30)]);
}

#[test]
fn a_node_paused_in_the_middle_of_a_broadcast_sends_the_rest_later() {
    // its first effect of all is to say what it found
    let trigger = world::Trigger::Effect { node: n(1), nth: 3 };
    let run = stage(4)
        .tell(ms(10), 1, vec![Do::Broadcast(vec![])])
        .fault(crate::stage::upon(trigger, ms(20), pause(1)))
        .run();
    let sent: Vec<_> = run.on(1).filter(|o| matches!(o.seen, Seen::Sent { .. })).map(|o| o.at).collect();
    assert_eq!(sent, [10, 10, 30].map(Time::from_millis));
}

#[test]
fn a_node_that_is_down_hears_nothing_and_begins_anew() {
    let run = stage(2)
        .tell(ms(10), 2, vec![Do::Say(1)])
        .tell(ms(25), 1, vec![Do::Send(n(2), vec![Do::Say(2)])])
        .tell(ms(26), 2, vec![Do::Say(3)])
        .tell(ms(35), 2, vec![Do::Say(4)])
        .fault(during(ms(20), ms(30), crash(2)))
        .run();
    assert_eq!(run.words(2), [1, 4]);
    assert_eq!(run.count(|seen| matches!(seen, Seen::Lost { reason: LossReason::Down })), 2);
    let starts: Vec<_> = run.on(2).filter(|o| matches!(o.seen, Seen::Started { .. })).map(|o| o.at).collect();
    assert_eq!(starts, [Time::ZERO, Time::from_millis(30)]);
}

#[test]
fn after_the_calm_everything_that_went_wrong_is_over() {
    let forever = |harm| Fault::new(When::At(ms(5)), harm, Until::Calm);
    let who = |id| Who::Node(n(id));
    let slow = |id, per_event| Harm::Slow { node: who(id), per_event };
    let mut scenario = stage(4)
        .fault(forever(crash(1)))
        .fault(forever(pause(2)))
        .fault(forever(slow(3, ms(5))))
        .fault(forever(slow(3, ms(50)))) // two at once
        .fault(forever(Harm::Isolate { node: who(4) }))
        .fault(forever(Harm::Partition { groups: vec![vec![n(1)], vec![n(2), n(3)]] }))
        .fault(forever(Harm::Hold { from: Some(n(3)), to: None, nth: None, matches: None, what: None }))
        .tell(ms(10), 3, vec![Do::Send(n(2), vec![Do::Say(5)])]);
    scenario.network.loss = world::Chance::ALWAYS;
    scenario.calm = Some((ms(100), world::Link::fixed(ms(2))));
    for node in 1..=4 {
        for round in 0..3 {
            scenario = scenario.tell(ms(200 + round), node, vec![Do::Broadcast(vec![Do::Say(node)])]);
        }
    }
    let run = scenario.run();
    assert_eq!(run.words(2), [5, 1, 3, 4, 1, 3, 4, 1, 3, 4], "what was held back arrives after all");
    assert_eq!(run.words(1), [2, 3, 4, 2, 3, 4, 2, 3, 4]);
    let last = run.on(3).filter(|o| o.seen.is_handed()).last().map(|o| o.at);
    assert_eq!(last, Some(Time::from_millis(204)), "nobody is slow any more");
}

#[test]
fn who_is_gone_for_good_stays_away_and_all_others_come_back() {
    let who = |id| Who::Node(n(id));
    let fault = |at, harm, until| Fault::new(When::At(ms(at)), harm, until);
    let mut scenario = stage(4)
        .fault(fault(5, crash(1), Until::Never))
        .fault(fault(5, crash(2), Until::Calm))
        .fault(fault(5, Harm::Isolate { node: who(3) }, Until::Never))
        .fault(fault(5, Harm::Isolate { node: who(4) }, Until::Calm))
        // back once more, it is down for an end of its own now
        .fault(fault(10, crash(3), Until::After(ms(5))));
    scenario.calm = Some((ms(50), world::Link::fixed(ms(1))));
    for node in 1..=4 {
        scenario = scenario.tell(ms(60), node, vec![Do::Broadcast(vec![Do::Say(node)])]);
    }
    let run = scenario.run();
    let words: Vec<Vec<u32>> = (1..=4).map(|node| run.words(node)).collect();
    assert_eq!(words, [vec![], vec![4], vec![], vec![2]]);
    let starts = |node| run.on(node).filter(|o| matches!(o.seen, Seen::Started { .. })).count();
    assert_eq!([1, 2, 3, 4].map(starts), [1, 2, 2, 1]);
}

#[test]
fn what_the_calm_lets_be_begins_after_it_and_lasts_until_its_own_end() {
    let after_calm = |at, until| Fault {
        after_calm: true,
        ..Fault::new(When::At(ms(at)), Harm::Isolate { node: Who::Node(n(2)) }, until)
    };
    let heard = |faults: &[Fault]| {
        let mut scenario = stage(2);
        scenario.faults = faults.to_vec();
        scenario.calm = Some((ms(50), world::Link::fixed(ms(1))));
        for at in [20, 60, 80, 100] {
            scenario = scenario.tell(ms(at), 1, vec![Do::Send(n(2), vec![Do::Say(at as u32)])]);
        }
        scenario.run().words(2)
    };
    assert_eq!(heard(&[after_calm(70, Until::After(ms(20)))]), [20, 60, 100], "it begins after the calm");
    assert_eq!(heard(&[after_calm(10, Until::After(ms(60)))]), [80, 100], "or before, and goes on");
    assert_eq!(heard(&[after_calm(70, Until::Calm)]), [20, 60], "the calm has been, and ends it no more");
    let usual = Fault { after_calm: false, ..after_calm(70, Until::Never) };
    assert_eq!(heard(&[usual]), [20, 60, 80, 100], "others do not begin any more");
}
