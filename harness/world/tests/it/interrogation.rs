//! Promises that are taken note of, and what peers ask of a node that is alone with what it kept.

use crate::actor::{Actor, Acts, Do, Echo, Echoes, Place, Said};
use crate::stage::{Direct, Run, crash, during, ms, n, stage, upon};
use lab::{NodeId, Role};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use world::{
    DiskLoss, Fault, Harm, LossReason, MakesScribe, NodeSpec, Observation, Scenario, Scribe, Seen, SeenKind,
    Time, Trigger, Until, When, Who, Words, World,
};

/// What an actor has sent away is a promise to say it again: of kind 1 if the first word is even, of kind 2 otherwise.
#[derive(Default)]
struct Listener(BTreeMap<NodeId, u32>);
impl Scribe for Listener {
    fn note(&mut self, seen: &Observation) -> u32 {
        let Seen::Sent { bytes, .. } = &seen.seen else { return 0 };
        let told: Vec<Do> = lab::frame::decode(bytes).unwrap_or_default();
        let [Do::Say(word), ..] = told[..] else { return 0 };
        self.0.insert(seen.node, word);
        1 << (word % 2)
    }
    fn ask(&self, of: NodeId, question: u32, from: NodeId) -> Option<Vec<u8>> {
        let word = self.0.get(&of).filter(|_| question < 10)?;
        Some(lab::frame::encode(&vec![Do::Say(1_000 * question + 100 * from.0 + word)]))
    }
}
fn listener() -> Option<MakesScribe> {
    Some(MakesScribe(|_| Box::new(Listener::default())))
}
/// Two actors, and a puppet that does nothing: node 3.
fn with_a_puppet() -> Scenario {
    let mut scenario = stage(3);
    scenario.nodes[2] = NodeSpec::puppet::<Acts>(n(3), &vec![], Role::node::<Actor>);
    scenario
}
fn forged(when: When, to: Who, words: Words) -> Fault {
    Fault::new(when, Harm::Forge { from: n(3), to, words }, Until::Calm)
}
fn say(word: u32) -> Words {
    Words::Bytes(lab::frame::encode(&vec![Do::Say(word)]))
}
fn promised(kinds: u32, nth: u32, after: Duration) -> When {
    When::On { trigger: Trigger::Promised(kinds), nth, after }
}
fn crashes(run: &Run) -> Vec<(u32, Time)> {
    run.all().filter(|o| matches!(o.seen, Seen::Crashed)).map(|o| (o.node.0, o.at)).collect()
}
/// The same world as data: it runs as it did, and holds no code.
fn is_the_same_as_data(scenario: &Scenario, run: &Run) -> Scenario {
    let concrete = scenario.concrete(&[&run.trace]).expect("the puppet is silent");
    assert!(!format!("{concrete:?}").contains('…'), "{concrete:?}");
    assert_eq!(concrete.run().world.hash(), run.world.hash());
    concrete
}

#[test]
fn a_forged_message_is_handed_at_once_past_all_cuts() {
    let to_one = |at, word| forged(When::At(ms(at)), Who::Node(n(1)), say(word));
    let scenario = with_a_puppet()
        .fault(during(ms(1), ms(100), Harm::Partition { groups: vec![vec![n(1)], vec![n(2), n(3)]] }))
        .fault(to_one(10, 7))
        .fault(during(ms(15), ms(25), crash(1)))
        .fault(to_one(20, 8))
        .fault(to_one(30, 9));
    let run = scenario.run();
    assert_eq!(
        run.said(1)
            .iter()
            .filter(|(_, said)| matches!(said, Said::Word(_)))
            .map(|(at, _)| at.0)
            .collect::<Vec<_>>(),
        [10_000_000, 30_000_000]
    );
    assert_eq!(run.words(1), [7, 9]);
    assert_eq!(run.count(|seen| matches!(seen, Seen::Lost { reason: LossReason::Down })), 1);
    let sent: Vec<_> = run.on(3).filter(|o| matches!(o.seen, Seen::Sent { .. })).collect();
    assert_eq!(sent.len(), 3, "they are the puppet's own messages");
    let arrivals = run.on(1).filter(|o| matches!(o.seen, Seen::Delivered { from: NodeId(3), .. }));
    assert!(
        arrivals.map(|o| run.trace.cause(o).map(|cause| cause.id)).eq([Some(sent[0].id), Some(sent[2].id)])
    );
    is_the_same_as_data(&scenario, &run);
    // each has a name of its own, under which it can be withheld
    let keys: Vec<_> = sent
        .iter()
        .filter_map(|o| if let Seen::Sent { key, .. } = o.seen { Some(key) } else { None })
        .collect();
    let mut less = scenario.clone();
    less.withheld.insert(keys[0]);
    assert_eq!(less.run().words(1), [9]);
}

#[test]
#[should_panic(expected = "only what a puppet says can be forged")]
fn nobody_speaks_in_the_name_of_the_submission() {
    let harm = Harm::Forge { from: n(2), to: Who::Node(n(1)), words: say(1) };
    let scenario = with_a_puppet().fault(Fault::new(When::At(ms(1)), harm, Until::Calm));
    World::new(Arc::new(scenario), crate::stage::SEED);
}

#[test]
fn who_is_alone_has_its_services_and_nobody_else() {
    let mut scenario = with_a_puppet();
    scenario.nodes.push(NodeSpec::service::<Echoes>(n(9), &(), Role::node::<Echo>));
    scenario.nodes[0].calls_to = Some(n(9));
    scenario.nodes[1].config = lab::frame::encode(&vec![Do::Arm(1, ms(30), vec![Do::Say(5)])]);
    let all = vec![Do::Call(4), Do::Say(1), Do::Send(n(2), vec![Do::Say(6)])];
    let scenario = scenario
        .tell(ms(18), 2, vec![Do::Say(2), Do::Send(n(1), vec![Do::Say(3)])])
        .tell(ms(19) + ms(1) / 2, 2, vec![Do::Send(n(1), vec![Do::Say(4)])])
        .tell(ms(25), 1, all)
        .tell(ms(26), 2, vec![Do::Say(7)])
        .fault(during(ms(20), ms(50), Harm::Alone { node: Who::Node(n(1)) }));
    let run = scenario.run();
    assert_eq!(run.words(1), [3, 1], "what was under way to it is lost, too");
    assert!(run.said(1).iter().any(|(_, said)| matches!(said, Said::Answered { answer: 4, .. })));
    let at = |(at, said): &(Time, Said)| {
        if let Said::Word(word) = said { Some((at.0 / 1_000_000, *word)) } else { None }
    };
    let others: Vec<_> = run.said(2).iter().filter_map(at).collect();
    assert_eq!(
        others,
        [(18, 2), (50, 7), (50, 5)],
        "the others go on when it is over, in the order in which things came"
    );
    is_the_same_as_data(&scenario, &run);
}

#[test]
fn a_node_is_asked_about_the_kth_promise_after_it_lost_what_it_had_not_synced() {
    let keeps = |word| {
        vec![
            Do::Write(Place::Log),
            Do::Sync,
            Do::Write(Place::Log),
            Do::Send(n(2), vec![Do::Say(word)]),
            Do::Say(word),
        ]
    };
    let world = |kinds, k| {
        let (culprit, on) = (Who::Culprit, |after| promised(kinds, k, after));
        let mut scenario = with_a_puppet()
            .tell(ms(10), 1, keeps(2))
            .tell(ms(20), 1, keeps(3))
            .tell(ms(30), 1, keeps(4))
            .tell(ms(40), 1, keeps(6))
            .fault(Fault::new(on(Duration::ZERO), Harm::Alone { node: culprit }, Until::Never))
            .fault(Fault::new(
                on(Duration::ZERO),
                Harm::Crash { node: culprit, disk: DiskLoss::All },
                Until::After(ms(5)),
            ))
            .fault(forged(on(ms(6)), culprit, Words::Asked(0)))
            .fault(forged(on(ms(7)), culprit, Words::Asked(1)));
        scenario.scribe = listener();
        scenario
    };
    let log = |run: &Run| run.world.disk(n(1)).map_or(0, |disk| disk.log(crate::actor::LOG).count());
    for (kinds, k, at, words, kept) in [
        (1, 1, Some(10), vec![302, 1302, 3, 4, 6], 8),
        (1, 2, Some(30), vec![2, 3, 304, 1304, 6], 8),
        (2, 1, Some(20), vec![2, 303, 1303, 4, 6], 8),
        (3, 4, Some(40), vec![2, 3, 4, 306, 1306], 7),
        (3, 9, None, vec![2, 3, 4, 6], 8),
    ] {
        let scenario = world(kinds, k);
        let run = scenario.run();
        let fell: Vec<_> = crashes(&run).iter().map(|(node, at)| (*node, at.0 / 1_000_000)).collect();
        assert_eq!(fell, at.map(|at| (1, at)).into_iter().collect::<Vec<_>>(), "kinds {kinds}, promise {k}");
        assert_eq!(
            run.words(1),
            words,
            "kinds {kinds}, promise {k}: before it says what it has promised, it crashes"
        );
        // the promise has left, and the write before it, which was not synced, is gone
        assert!(log(&run) <= kept);
        let sent = run.on(1).filter(|o| matches!(o.seen, Seen::Sent { .. })).count();
        assert_eq!(sent, 4, "whoever is told something goes on");
        is_the_same_as_data(&scenario, &run);
    }
}

#[test]
fn where_there_is_nothing_to_ask_nothing_happens() {
    let mut scenario = with_a_puppet().tell(ms(10), 1, vec![Do::Say(1), Do::Send(n(2), vec![Do::Say(2)])]);
    scenario.scribe = listener();
    let run = scenario.run();
    let asked = scenario
        .clone()
        .fault(forged(When::At(ms(5)), Who::Node(n(1)), Words::Asked(0)))
        .fault(forged(When::At(ms(50)), Who::Node(n(2)), Words::Asked(0)))
        .fault(forged(promised(1, 1, ms(1)), Who::Culprit, Words::Asked(10)))
        .fault(forged(promised(2, 1, ms(1)), Who::Culprit, Words::Asked(0)));
    let in_vain = asked.run();
    assert_eq!(in_vain.world.hash(), run.world.hash());
    is_the_same_as_data(&asked, &in_vain);
}

#[test]
fn what_the_suites_own_nodes_promise_is_no_promise() {
    let mut scenario = with_a_puppet()
        .tell(ms(10), 3, vec![Do::Send(n(1), vec![Do::Say(2)])])
        .tell(ms(20), 2, vec![Do::Send(n(1), vec![Do::Say(4)])])
        .fault(upon(Trigger::Promised(1), ms(5), Harm::Crash { node: Who::Culprit, disk: DiskLoss::All }));
    scenario.scribe = listener();
    let run = scenario.run();
    assert_eq!(crashes(&run), [(2, Time::from_millis(20))]);
    let concrete = is_the_same_as_data(&scenario, &run);
    let waits_for_sending = matches!(&concrete.faults[0].when,
        When::On { trigger: Trigger::Seen(pattern), nth: 1, .. } if pattern.kind == SeenKind::Sent);
    assert!(waits_for_sending, "{:?}", concrete.faults[0]);
}
