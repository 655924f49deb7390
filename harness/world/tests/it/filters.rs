//! Faults that are about some of the messages: lost ones, and ones that the network sends again.

use crate::actor::{Do, Echo, Echoes};
use crate::stage::{Direct, Run, during, ms, n, stage};
use lab::Role;
use world::{Carried, Cause, Fault, Harm, LossReason, Matcher, NodeSpec, Scenario, Seen, Time, Until, When};

/// Node 1 tells node 2 and node 3 to say 1 to 6, in turn, each ten milliseconds after the one before; links take one.
fn words() -> Scenario {
    let send = |word| vec![Do::Send(n(2 + (word + 1) % 2), vec![Do::Say(word)])];
    (1..=6).fold(stage(3), |scenario, word| scenario.tell(ms(10 * u64::from(word)), 1, send(word)))
}
fn lose(nth: Option<u32>, matches: Option<Matcher>) -> Harm {
    Harm::Lose { from: Some(n(1)), to: None, nth, matches, what: None }
}
fn repeat(nth: Option<u32>, after: u64) -> Harm {
    Harm::Repeat { from: None, to: Some(n(2)), nth, matches: None, what: None, after: ms(after) }
}
fn forever(harm: Harm) -> Fault {
    Fault::new(When::At(ms(0)), harm, Until::Calm)
}
fn lost(run: &Run) -> usize {
    run.count(|seen| matches!(seen, Seen::Lost { reason: LossReason::Fault }))
}

#[test]
fn the_nth_message_since_the_fault_began_is_lost() {
    let run = words().fault(during(ms(15), ms(45), lose(Some(2), None))).run();
    assert_eq!((run.words(2), run.words(3)), (vec![1, 5], vec![2, 4, 6]), "the second from 15 ms on was 3");
    assert_eq!(lost(&run), 1);
    let lost = run.all().find(|o| matches!(o.seen, Seen::Lost { .. })).expect("one");
    let sent = run.trace.cause(lost).expect("its sending");
    assert!(matches!(sent.seen, Seen::Sent { to, .. } if to == n(2)));
    assert_eq!((lost.node, lost.at), (n(2), sent.at));
}

#[test]
fn all_that_fit_are_lost_until_the_fault_ends() {
    let odd = Matcher::typed(|what: &Vec<Do>| matches!(what[..], [Do::Say(word)] if word < 5));
    let run = words().fault(during(ms(15), ms(55), lose(None, Some(odd)))).run();
    assert_eq!((run.words(2), run.words(3)), (vec![1, 5], vec![6]));
    assert_eq!(lost(&run), 3);
}

#[test]
fn what_is_withheld_still_counts_so_that_no_other_moves_into_its_place() {
    let scenario = words().fault(forever(lose(Some(3), None)));
    let run = scenario.run();
    assert_eq!((run.words(2), run.words(3)), (vec![1, 5], vec![2, 4, 6]));
    let mut shorter = scenario;
    let first = run.all().find_map(|o| o.seen.key()).expect("a message");
    shorter.withheld.insert(first);
    let run = shorter.run();
    assert_eq!((run.words(2), run.words(3)), (vec![5], vec![2, 4, 6]));
}

#[test]
fn a_copy_leaves_later_and_is_the_same_message() {
    let run = words().fault(forever(repeat(Some(2), 25))).run();
    assert_eq!(run.words(2), [1, 3, 5, 3]);
    let copies: Vec<_> = run
        .on(2)
        .filter(|o| matches!(o.seen, Seen::Delivered { .. }))
        .map(|o| (o.at, run.trace.cause(o).expect("its sending").at))
        .collect();
    let at = Time::from_millis;
    assert_eq!(copies[1..], [(at(31), at(30)), (at(51), at(50)), (at(56), at(30))]);
}

#[test]
fn a_copy_leaves_even_if_the_message_was_lost_or_the_fault_is_over() {
    let scenario = words().fault(during(ms(5), ms(15), repeat(None, 70)));
    assert_eq!(scenario.run().words(2), [1, 3, 5, 1], "only what left meanwhile is repeated");
    let scenario = scenario.fault(forever(lose(Some(1), None)));
    assert_eq!(scenario.run().words(2), [3, 5, 1], "late, as it were");
    let mut scenario = scenario;
    scenario.calm = Some((ms(40), world::Link::fixed(ms(2))));
    let run = scenario.run();
    assert_eq!(run.words(2), [3, 5, 1]);
    assert_eq!(
        run.said(2).last().map(|(at, _)| *at),
        Some(Time::from_millis(82)),
        "on links as they are then"
    );
}

#[test]
fn copies_are_not_repeated_and_each_fault_makes_one() {
    let run = words().fault(forever(repeat(Some(1), 5))).fault(forever(repeat(None, 30))).run();
    assert_eq!(run.words(2), [1, 1, 3, 1, 5, 3, 5]);
}

#[test]
fn a_copy_may_be_lost_or_held_as_its_message_may() {
    let hold = Harm::Hold { from: None, to: Some(n(2)), nth: None, matches: None, what: None };
    let scenario = words().fault(forever(repeat(Some(1), 60)));
    let held = scenario.clone().fault(during(ms(65), ms(90), hold)).run();
    assert_eq!(held.said(2).last().map(|(at, _)| *at), Some(Time::from_millis(91)));
    let gone = scenario.fault(during(ms(65), ms(90), lose(None, None))).run();
    assert_eq!((gone.words(2), lost(&gone)), (vec![1, 3, 5], 1));
}

/// Node 1 calls a service with 1, 2 and 3.
fn calling() -> Scenario {
    let mut scenario = stage(1);
    scenario.nodes.push(NodeSpec::service::<Echoes>(n(9), &(), Role::node::<Echo>));
    scenario.nodes[0].calls_to = Some(n(9));
    (1..=3).fold(scenario, |scenario, what| scenario.tell(ms(10 * u64::from(what)), 1, vec![Do::Call(what)]))
}
fn answers(run: &Run) -> Vec<u32> {
    let answer = |(_, said)| match said {
        crate::actor::Said::Answered { answer, .. } => Some(answer),
        _ => None,
    };
    run.said(1).into_iter().filter_map(answer).collect()
}
fn asked(run: &Run) -> Vec<u32> {
    let asked = run.on(9).filter(|o| matches!(o.seen, Seen::Requested { .. }));
    asked.filter_map(|o| o.seen.bytes().and_then(|bytes| lab::frame::decode(bytes))).collect()
}

#[test]
fn calls_and_answers_are_told_apart() {
    let lose =
        |what, nth| Harm::Lose { from: None, to: None, nth: Some(nth), matches: None, what: Some(what) };
    let run = calling().fault(forever(lose(Carried::Call, 2))).run();
    assert_eq!((asked(&run), answers(&run)), (vec![1, 3], vec![1, 3]));
    let run = calling().fault(forever(lose(Carried::Answer, 2))).run();
    assert_eq!((asked(&run), answers(&run)), (vec![1, 2, 3], vec![1, 3]));
    let run = calling().fault(forever(lose(Carried::Message, 1))).run();
    assert_eq!((asked(&run), answers(&run)), (vec![1, 2, 3], vec![1, 2, 3]));
}

#[test]
fn a_repeated_call_is_another_request_and_a_repeated_answer_the_same_one() {
    let repeat = |what, after| Harm::Repeat {
        from: None,
        to: None,
        nth: Some(1),
        matches: None,
        what: Some(what),
        after: ms(after),
    };
    let run =
        calling().fault(forever(repeat(Carried::Call, 5))).fault(forever(repeat(Carried::Call, 7))).run();
    assert_eq!((asked(&run), answers(&run)), (vec![1, 1, 1, 2, 3], vec![1, 1, 1, 2, 3]));
    let requests: std::collections::BTreeSet<_> = run
        .on(9)
        .filter_map(|o| if let Seen::Requested { request, .. } = o.seen { Some(request) } else { None })
        .inspect(|request| assert_eq!(world::caller(*request), Some(n(1))))
        .collect();
    assert_eq!(requests.len(), 5, "a service sees no two deliveries under one id");
    let run = calling().fault(forever(repeat(Carried::Answer, 5))).run();
    assert_eq!((asked(&run), answers(&run)), (vec![1, 2, 3], vec![1, 1, 2, 3]));
    let causes: Vec<Cause> =
        run.on(1).filter(|o| matches!(o.seen, Seen::Answered { .. })).map(|o| o.cause).collect();
    assert_eq!(causes[0], causes[1]);
}

#[test]
fn what_was_caught_is_the_same_one_in_a_smaller_world() {
    for (harm, heard) in [(lose(Some(3), None), vec![5]), (repeat(Some(2), 7), vec![3, 3, 5])] {
        let mut scenario = words().fault(forever(harm.clone()));
        let run = scenario.run();
        let key = run.world.caught_by(0).expect("there are so many");
        scenario.faults[0].harm = match harm {
            Harm::Repeat { after, .. } => Harm::RepeatThis { key, after },
            _ => Harm::LoseThis { key },
        };
        assert_eq!(scenario.run().world.hash(), run.world.hash(), "it is the same run");
        scenario.clients.remove(0);
        assert_eq!(scenario.run().words(2), heard, "whatever came before it");
    }
    let run = words().fault(forever(lose(Some(99), None))).run();
    assert_eq!(run.world.caught_by(0), None);
}
