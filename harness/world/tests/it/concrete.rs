//! A scenario as data runs as the one that is code.

use crate::actor::{Actor, Acts, Do, Echo, Echoes, Place, Said, SlowEcho};
use crate::random::{ANYTHING, cases, scenario, seed};
use crate::stage::{Direct, crash, ms, n, stage, upon};
use lab::Role;
use proptest::prelude::*;
use world::{
    Fault, Harm, Matcher, NodeKind, NodeSpec, Pattern, Scenario, SeenKind, Time, Trigger, Until, When,
};

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn what_is_written_down_of_a_world_runs_as_it_did(scenario in scenario(ANYTHING), seed in seed()) {
        let run = scenario.run_under(seed);
        let concrete = scenario.concrete(&[&run.trace]).expect("its service only answers");
        prop_assert_eq!(concrete.run_under(seed).world.hash(), run.world.hash());
    }
}

fn said(word: u32) -> Pattern {
    Pattern::emit::<Acts>(move |said| *said == Said::Word(word))
}
/// Node 1 of these two is played by the suite and does this at first; node 2 tells it to say 1, 2 and 3.
fn beside_a_puppet(does: Vec<Do>) -> Scenario {
    let mut scenario = stage(2);
    scenario.nodes[0] = NodeSpec::puppet::<Acts>(n(1), &does, Role::node::<Actor>);
    scenario.network = world::Link::between(ms(1), ms(9));
    for word in 1..=3 {
        let then = vec![Do::Say(word), Do::Send(n(2), vec![Do::Say(word + 10)])];
        scenario = scenario.tell(ms(20 * u64::from(word)), 2, vec![Do::Send(n(1), then)]);
    }
    scenario
}
fn alarm() -> Vec<Do> {
    vec![Do::Arm(1, ms(100), vec![Do::Send(n(2), vec![Do::Say(20)])])]
}

#[test]
fn puppets_and_questions_become_data() {
    let hold = Fault::new(
        When::on(Trigger::Seen(said(1))),
        Harm::Hold {
            from: None,
            to: None,
            nth: None,
            matches: Some(Matcher::typed(|what: &Vec<Do>| *what == [Do::Say(12)])),
            what: None,
        },
        Until::Trigger(Trigger::Seen(said(20))),
    );
    let crashes = upon(Trigger::Seen(said(13)), ms(5), crash(2));
    let scenario = beside_a_puppet(alarm()).fault(hold).fault(crashes);
    let run = scenario.run();
    let told: Vec<u32> = run.words(2);
    assert_eq!(told, [11, 13, 20, 12], "held and let go");
    let concrete = scenario.concrete(&[&run.trace]).expect("the puppet only sends and sets alarms");
    assert_eq!(concrete.run().world.hash(), run.world.hash());
    assert!(matches!(concrete.nodes[0].kind, NodeKind::Puppet(_)));
    assert_eq!(concrete.nodes[0].role, "playback");
    assert!(!format!("{concrete:?}").contains('…'), "{concrete:?}");
}

#[test]
fn a_played_back_node_answers_what_it_knows_and_is_silent_on_the_rest() {
    let scenario = beside_a_puppet(vec![]);
    let run = scenario.run();
    let concrete = scenario.concrete(&[&run.trace]).expect("the puppet only sends");
    let again = vec![Do::Say(2), Do::Send(n(2), vec![Do::Say(12)])];
    let other = vec![Do::Send(n(1), again), Do::Send(n(1), vec![Do::Send(n(2), vec![Do::Say(9)])])];
    let other = concrete.tell(ms(90), 2, other).run();
    assert_eq!(run.words(2), [11, 12, 13]);
    assert_eq!(other.words(2), [11, 12, 13, 12]);
}

#[test]
fn two_runs_say_more_than_one() {
    let scenario = beside_a_puppet(vec![]);
    let longer =
        scenario.clone().tell(ms(90), 2, vec![Do::Send(n(1), vec![Do::Send(n(2), vec![Do::Say(9)])])]);
    let concrete = scenario.concrete(&[&scenario.run().trace, &longer.run().trace]).expect("it only sends");
    assert_eq!(concrete.run().world.hash(), scenario.run().world.hash());
    let longer = Scenario { clients: longer.clients, ..concrete };
    assert_eq!(longer.run().words(2), [11, 12, 13, 9]);
}

#[test]
fn a_variant_where_that_tells_apart_and_whole_encodings_where_not() {
    let mut scenario = stage(1);
    for (at, what) in [(10, Do::Say(300)), (20, Do::Say(301)), (30, Do::Roll)] {
        scenario = scenario.tell(ms(at), 1, vec![what]);
    }
    let of = |pattern: Pattern| {
        let scenario = scenario.clone().fault(upon(Trigger::Seen(pattern), ms(5), crash(1)));
        let concrete = scenario.concrete(&[&scenario.run().trace]).expect("there is no puppet");
        match concrete.faults.into_iter().next().map(|fault| fault.when) {
            Some(When::On { trigger: Trigger::Seen(Pattern { matches: Some(matcher), .. }), .. }) => matcher,
            other => panic!("{other:?}"),
        }
    };
    let word = |fits: fn(u32) -> bool| {
        Pattern::emit::<Acts>(move |said| matches!(said, Said::Word(word) if fits(*word)))
    };
    assert!(matches!(of(word(|_| true)), Matcher::Variant(firsts) if firsts == [1]));
    let exact = lab::frame::encode(&Said::Word(301));
    assert!(
        matches!(of(word(|word| word == 301)), Matcher::OneOf(encodings) if encodings == [exact.clone()])
    );
    assert!(matches!(of(word(|word| word == 7)), Matcher::OneOf(encodings) if encodings.is_empty()));
}

#[test]
fn a_puppet_that_calls_calls_again_and_does_with_answers_what_it_did() {
    let mut scenario = beside_a_puppet(vec![Do::Call(7), Do::Call(8), Do::CallTo(n(9), 7)]);
    scenario.nodes.push(NodeSpec::service::<Echoes>(n(9), &(), Role::node::<Echo>));
    scenario.nodes[0].calls_to = Some(n(9));
    let run = scenario.run();
    let answered = |said: &(Time, Said)| matches!(said.1, Said::Answered { .. });
    assert_eq!(run.said(1).iter().filter(|said| answered(said)).count(), 3);
    let concrete = scenario.concrete(&[&run.trace]).expect("it sends and calls");
    assert_eq!(concrete.run().world.hash(), run.world.hash());
}

#[test]
fn a_puppet_with_a_disk_cannot_be_written_down() {
    let scenario = beside_a_puppet(vec![Do::Write(Place::Log)]);
    let why = scenario.concrete(&[&scenario.run().trace]).expect_err("it writes");
    assert_eq!(why.to_string(), "n1, which the suite plays, writes to its disk");
}

#[test]
fn a_run_shows_what_was_seen_in_order_and_at_its_time() {
    let run = stage(1).tell(ms(10), 1, vec![Do::Say(1)]).tell(ms(20), 1, vec![Do::Say(2)]).run();
    let at = |ms, word| (Time::from_millis(ms), said(word));
    for (sights, shown) in [
        (vec![at(10, 1), at(20, 2)], true),
        (vec![at(20, 2)], true),
        (vec![at(20, 2), at(10, 1)], false),
        (vec![at(10, 2)], false),
        (vec![at(10, 1), at(10, 1)], false),
    ] {
        assert_eq!(run.trace.shows(&sights), shown, "{sights:?}");
    }
    let emitted = run.all().filter(|seen| SeenKind::Emitted == kind(seen));
    for seen in emitted {
        assert!(run.trace.shows(&[(seen.at, Pattern::just(seen))]), "{seen:?}");
    }
}
fn kind(seen: &world::Observation) -> SeenKind {
    Pattern::just(seen).kind
}

#[test]
fn a_service_that_answers_late_becomes_data() {
    let mut scenario = stage(1).fault(crate::stage::during(ms(70), ms(75), crash(9)));
    scenario.nodes.push(NodeSpec::service::<Echoes>(n(9), &(), Role::node::<SlowEcho>));
    scenario.nodes[0].calls_to = Some(n(9));
    scenario.network = world::Link::between(ms(1), ms(5));
    for (at, what) in [(10, 30), (12, 10), (14, 20), (80, 5), (81, 40), (81, 3)] {
        scenario = scenario.tell(ms(at), 1, vec![Do::Call(what)]);
    }
    let run = scenario.run();
    let answers = |run: &crate::stage::Run| {
        let answer = |(_, said)| if let Said::Answered { answer, .. } = said { Some(answer) } else { None };
        run.said(1).into_iter().filter_map(answer).collect::<Vec<u32>>()
    };
    let mut sorted = answers(&run);
    sorted.sort_unstable();
    assert_eq!(sorted, [3, 5, 10, 20, 30, 40]);
    let concrete = scenario.concrete(&[&run.trace]).expect("it only answers");
    assert_eq!(concrete.nodes[1].role, "playback");
    assert_eq!(concrete.run().world.hash(), run.world.hash());
}
