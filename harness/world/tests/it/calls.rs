//! Calls of nodes to services: what links do to them, whom they reach, and what may be withheld of them.

use crate::actor::{Do, Echo, Echoes, Said};
use crate::stage::{Direct, Run, crash, during, ms, n, stage, us};
use lab::{NodeId, Role};
use world::{Chance, Link, LinkRule, LossReason, NodeSpec, Pattern, Scenario, Seen, SeenKind, Trigger};

const MANY: u32 = 1_000;

/// Two nodes and the services 8 and 9; calls go to 9 where they name none.
fn services() -> Scenario {
    let mut scenario = stage(2);
    for id in [8, 9] {
        scenario.nodes.push(NodeSpec::service::<Echoes>(n(id), &(), Role::node::<Echo>));
    }
    scenario.nodes[0].calls_to = Some(n(9));
    scenario
}
fn answered(run: &Run) -> Vec<(NodeId, u32)> {
    let mut from =
        run.on(1).filter_map(|o| if let Seen::Answered { from, .. } = o.seen { Some(from) } else { None });
    let answer = |said| if let Said::Answered { answer, .. } = said { Some(answer) } else { None };
    let answers = run.said(1).into_iter().filter_map(|(_, said)| answer(said));
    answers.map(|answer| (from.next().expect("an answer comes from somewhere"), answer)).collect()
}

#[test]
fn a_call_goes_to_the_service_that_it_names() {
    let what = vec![Do::Call(1), Do::CallTo(n(8), 2), Do::CallTo(n(9), 3)];
    let run = services().tell(ms(10), 1, what).run();
    assert_eq!(answered(&run), [(n(9), 1), (n(8), 2), (n(9), 3)]);
    let to: Vec<Option<NodeId>> =
        run.on(1).filter(|o| matches!(o.seen, Seen::Called { .. })).map(|o| o.seen.other()).collect();
    assert_eq!(to, [Some(n(9)), Some(n(8)), Some(n(9))]);
    let calls: std::collections::BTreeSet<_> = run
        .on(1)
        .filter_map(|o| if let Seen::Called { call, .. } = o.seen { Some(call) } else { None })
        .collect();
    assert_eq!(calls.len(), 3, "ids are unique over all services");
}

#[test]
fn nodes_that_are_no_services_hear_no_calls_unless_the_scenario_says_so() {
    let what = vec![Do::CallTo(n(2), 1), Do::CallTo(n(7), 2)];
    let run = services().tell(ms(10), 1, what.clone()).run();
    assert_eq!(run.count(|seen| matches!(seen, Seen::Lost { reason: LossReason::Nobody })), 2);
    assert_eq!(run.on(2).filter(|o| matches!(o.seen, Seen::Requested { .. })).count(), 0);
    let mut layered = services();
    layered.nodes[0].calls_to = Some(n(2));
    let run = layered.tell(ms(10), 1, what).run();
    let stray = run.on(2).filter(|o| matches!(o.seen, Seen::Stray { from } if from == n(1))).count();
    assert_eq!(stray, 1, "it is called, with what is no request of an actor");
}

#[test]
fn a_link_loses_and_doubles_calls_and_answers_as_it_does_messages() {
    let link = Link { loss: Chance::percent(30), duplication: Chance::percent(20), ..Link::fixed(ms(1)) };
    let both = [(Some(n(1)), Some(n(9))), (Some(n(9)), Some(n(1)))];
    for (nth, (from, to)) in both.into_iter().enumerate() {
        let mut scenario = services();
        scenario.links = vec![LinkRule { from, to, link }];
        for what in 0..MANY {
            scenario = scenario.tell(us(u64::from(what) * 10), 1, vec![Do::Call(what)]);
        }
        let run = scenario.run();
        let of = |cause: &Seen| match nth {
            0 => matches!(cause, Seen::Called { .. }),
            _ => matches!(cause, Seen::Replied { .. }),
        };
        let ends = |fits: fn(&Seen) -> bool| {
            run.all()
                .filter(|o| fits(&o.seen) && run.trace.cause(o).is_some_and(|cause| of(&cause.seen)))
                .count()
        };
        let lost = ends(|seen| matches!(seen, Seen::Lost { reason: LossReason::Network }));
        let came = ends(|seen| matches!(seen, Seen::Requested { .. } | Seen::Answered { .. }));
        let about = |count: usize, share: f64| (count as f64 / f64::from(MANY) - share).abs() < 0.05;
        assert!(about(lost, 0.3) && about(came, 0.7 * 1.2), "{lost} lost, {came} came");
    }
}

#[test]
fn a_call_or_an_answer_that_is_withheld_never_arrives_and_moves_nothing_else() {
    let mut scenario = services().tell(ms(10), 1, vec![Do::Call(1), Do::CallTo(n(8), 2), Do::Call(3)]);
    scenario.network = Link::between(ms(1), ms(30));
    let run = scenario.run();
    let mut whole = answered(&run);
    whole.sort_unstable();
    assert_eq!(whole, [(n(8), 2), (n(9), 1), (n(9), 3)]);
    let keys: Vec<_> = run.all().filter_map(|o| Some((o.seen.key()?, o.node))).collect();
    assert_eq!(keys.len(), 6, "three calls and three answers");
    let when = |run: &Run, answer| {
        let mut said = run.said(1).into_iter();
        said.find(|(_, said)| matches!(said, Said::Answered { answer: this, .. } if *this == answer))
    };
    for (key, _) in keys {
        let mut less = scenario.clone();
        less.withheld.insert(key);
        let less = less.run();
        assert_eq!(answered(&less).len(), 2);
        for (_, answer) in answered(&less) {
            assert_eq!(when(&less, answer).map(|(at, _)| at), when(&run, answer).map(|(at, _)| at));
        }
    }
}

#[test]
fn calls_are_waited_for_by_the_service_that_they_go_to() {
    let seen = |kind, with| Trigger::Seen(Pattern::of(kind).with(n(with)));
    for (kind, with, said) in [
        (SeenKind::Called, 8, vec![1]),
        (SeenKind::Answered, 8, vec![1]),
        (SeenKind::Called, 7, vec![1, 2, 3]),
    ] {
        let fault = crate::stage::upon(seen(kind, with), ms(500), crash(1));
        let scenario = services().fault(fault);
        let at = |scenario: Scenario, ms_, what| {
            scenario.tell(ms(ms_), 1, vec![Do::Say(what), Do::CallTo(n(7 + what), what)])
        };
        let run = at(at(at(scenario, 10, 1), 20, 2), 30, 3).run();
        assert_eq!(run.words(1), said, "{kind:?} {with}");
    }
}

#[test]
fn a_caller_that_came_back_hears_no_answer_to_its_former_life() {
    let mut scenario = services().tell(ms(10), 1, vec![Do::Call(1)]).fault(during(ms(12), ms(13), crash(1)));
    scenario.network = Link::fixed(ms(5));
    let run = scenario.run();
    assert_eq!(answered(&run), []);
    assert_eq!(run.count(|seen| matches!(seen, Seen::Lost { reason: LossReason::Down })), 1);
}
