//! One check for each kind of bug that the toys have.

use crate::till::Tills;
use crate::toys::{Ask, Bill, Clerks, Event};
use crate::{Holds, check, clerks, judged, lines, ms, node, told};
use judge::{Case, Pick, Reached, Violation};
use std::collections::BTreeMap;
use world::{
    Carried, Client, DiskLoss, Fault, Harm, Operation, Scenario, Seen, Trigger, Until, When, Who, World,
};

/// These are asked of clerk 1, ten milliseconds apart.
pub(crate) fn ask(scenario: &mut Scenario, asks: impl IntoIterator<Item = Ask>) {
    let operations =
        (1..).zip(asks).map(|(id, ask)| Operation::at::<Clerks>(id, ms(10 * u64::from(id)), node(1), &ask));
    scenario.clients.push(Client { timeout: Some(ms(100)), ..Client::new(1, operations.collect()) });
}
fn lost(what: Carried, nth: u32) -> Fault {
    let harm = Harm::Lose { from: None, to: None, nth: Some(nth), matches: None, what: Some(what) };
    Fault::new(When::At(ms(0)), harm, Until::Calm)
}
fn twice(what: Carried, nth: u32) -> Fault {
    let harm =
        Harm::Repeat { from: None, to: None, nth: Some(nth), matches: None, what: Some(what), after: ms(3) };
    Fault::new(When::At(ms(0)), harm, Until::Calm)
}
/// Every word that was told is said, and none of them twice.
fn said_once(missing_too: bool) -> impl judge::Oracle {
    let mut said: BTreeMap<u32, world::ObservationId> = BTreeMap::new();
    let said = std::rc::Rc::new(std::cell::RefCell::new(std::mem::take(&mut said)));
    let end_said = said.clone();
    Holds(
        move |_: &World, seen: &world::Observation| {
            let Some(Event::Said(word)) = seen.emitted::<Clerks>() else { return Ok(()) };
            match said.borrow_mut().insert(word, seen.id) {
                None => Ok(()),
                Some(_) => Err(Violation::at(seen, "twice", format!("{} said {word} twice.", seen.node))),
            }
        },
        move |world: &World, _: &mut Reached| {
            let asked = world.scenario().clients.iter().flat_map(|client| &client.operations);
            let mut words = asked.filter_map(|asked| match lab::frame::decode(&asked.request) {
                Some(Ask::Tell(word)) => Some(word),
                _ => None,
            });
            match words.find(|word| missing_too && !end_said.borrow().contains_key(word)) {
                None => Ok(()),
                Some(word) => Err(Violation::never("never", format!("n2 never said {word}."))),
            }
        },
    )
}
fn letters(fault: Fault, missing_too: bool) -> Case {
    let mut scenario = clerks(2);
    ask(&mut scenario, (1..=6).map(Ask::Tell));
    scenario.faults.extend([twice(Carried::Call, 1), fault, lost(Carried::Answer, 1)]);
    scenario.calm = Some((ms(200), scenario.network));
    Case::new(scenario, said_once(missing_too))
}

#[test]
fn a_letter_that_is_lost_is_drawn_where_it_is_lost() {
    let told = told(check("lost", 8, |_, _| letters(lost(Carried::Message, 7), true)));
    insta::assert_snapshot!(lines(&told.story));
    assert_eq!(told.recording.scenario.faults.len(), 1, "the others were about nothing");
}

#[test]
fn a_letter_that_comes_twice_says_so() {
    let told = told(check("twice", 8, |_, _| letters(twice(Carried::Message, 5), false)));
    insta::assert_snapshot!(lines(&told.story));
    assert_eq!(told.recording.scenario.faults.len(), 1);
    assert_eq!(told.sizes.1.requests, 1, "it is that letter, however many went before it");
}

/// No amount is charged twice.
fn charged_once() -> impl judge::Oracle {
    let mut charged: BTreeMap<u32, world::ObservationId> = BTreeMap::new();
    Holds(
        move |_: &World, seen: &world::Observation| {
            let Some(Bill { amount, .. }) = seen.emitted::<Tills>() else { return Ok(()) };
            match charged.insert(amount, seen.id) {
                None => Ok(()),
                Some(before) => {
                    let sentence = format!("The clerk had {amount} charged twice.");
                    Err(Violation::at(seen, "twice", sentence).because(before, "the first time"))
                }
            }
        },
        |_: &World, _: &mut Reached| Ok(()),
    )
}
fn charges(faults: impl IntoIterator<Item = Fault>) -> Case {
    let mut scenario = clerks(1);
    ask(&mut scenario, [Ask::Charge(10), Ask::Charge(20), Ask::Charge(30)]);
    scenario.faults.extend(faults);
    Case::new(scenario, charged_once())
}

#[test]
fn calls_and_answers_are_arrows_and_a_lost_answer_is_drawn() {
    let told =
        told(check("charges", 8, |_, _| charges([lost(Carried::Answer, 2), twice(Carried::Message, 1)])));
    insta::assert_snapshot!(lines(&told.story));
    assert_eq!(told.recording.scenario.faults.len(), 1);
    assert_eq!(told.sizes.1.requests, 1, "what else was charged is gone");
}

#[test]
fn a_client_that_gives_up_is_a_row() {
    let told = told(check("gives-up", 8, |_, _| {
        let mut scenario = clerks(1);
        ask(&mut scenario, [Ask::Charge(10)]);
        let harm = Harm::Lose { from: None, to: None, nth: None, matches: None, what: Some(Carried::Call) };
        scenario.faults.push(Fault::new(When::At(ms(0)), harm, Until::After(ms(150))));
        let end = |world: &World, _: &mut Reached| match world.end() {
            _ if world.scenario().clients.is_empty() => Ok(()),
            _ => Err(Violation::never("untold", "The client was never told.")),
        };
        // nobody could keep this: it is told as it is
        Case::new(scenario, Holds(|_: &World, _: &world::Observation| Ok(()), end))
    }));
    insta::assert_snapshot!(lines(&told.story));
}

/// What was answered is found again.
fn kept(pick: &mut Pick) -> Case {
    let mut scenario = clerks(1);
    ask(&mut scenario, (1..=5).map(Ask::Keep));
    let trigger = Trigger::AnyEffect { nth: pick.point().into() };
    let crash = Harm::Crash { node: Who::Culprit, disk: DiskLoss::All };
    scenario.faults.push(Fault::new(When::on(trigger), crash, Until::After(ms(1))));
    let mut promised = (0, None);
    let see = move |_: &World, seen: &world::Observation| {
        if let Seen::Replied { bytes, .. } = &seen.seen
            && let Some(number) = lab::frame::decode::<u32>(bytes)
        {
            promised = (number, Some(seen.id));
        }
        match seen.emitted::<Clerks>() {
            Some(Event::Found(found)) if found < promised.0 => {
                let sentence = format!("n1 found {found}, after it had answered {}.", promised.0);
                Err(promised.1.into_iter().fold(Violation::at(seen, "lost", sentence), |violation, at| {
                    violation.because(at, "promised")
                }))
            }
            _ => Ok(()),
        }
    };
    Case::new(scenario, Holds(see, |_: &World, _: &mut Reached| Ok(())))
}

#[test]
fn a_sweep_finds_the_one_effect_after_which_a_crash_loses_something() {
    let mut sweep = check("kept", 32, |pick, _| kept(pick));
    sweep.sweep = 32;
    let told = told(sweep);
    insta::assert_snapshot!(lines(&told.story));
    assert_eq!(told.sizes.1.requests, 1, "the crash is after the same effect, however many went before it");
    let trigger = match &told.recording.scenario.faults[0].when {
        When::On { trigger, .. } => trigger.clone(),
        other @ When::At(_) => panic!("{other:?}"),
    };
    assert!(matches!(trigger, Trigger::EffectOf { nth: 2, .. }), "{trigger:?}");
}

#[test]
fn a_sweep_counts_what_it_swept_and_is_over_where_the_run_is() {
    let mut sweep = check("points", 64, |pick, _| {
        let Case { scenario, .. } = kept(pick);
        let mut crashed = false;
        let see = move |_: &World, _: &world::Observation| Ok(());
        let end = move |world: &World, reached: &mut Reached| {
            crashed |= world.set_off_by(0).is_some();
            reached.figure("crash points", u64::from(crashed));
            Ok(())
        };
        Case::new(scenario, Holds(see, end))
    });
    sweep.sweep = 32;
    let finding = judged(&sweep, 64);
    let points = finding.figures.counts[0].many;
    // at its start it says what it found; and each of five requests is a write, an answer, and a sync that counts twice
    assert_eq!((finding.passed(), points), (true, 2 * (1 + 5 * 4)));
    assert_eq!(judged(&sweep, 1), finding);
}

#[test]
fn rows_of_what_nodes_live_in() {
    let told = told(check("lives", 8, |_, _| {
        let mut scenario = clerks(2);
        scenario.nodes[0] = scenario.nodes[0].clone().named("first clerk");
        scenario.nodes[1].starts = When::At(ms(15));
        ask(&mut scenario, (1..=2).map(Ask::Tell));
        let node = Who::Node(node(2));
        let damage = world::Damage::Flip { at: 3, bit: 1 };
        let none = world::Chance::NEVER;
        let worse = Harm::Worse {
            from: None,
            to: None,
            loss: world::Chance::percent(1),
            duplication: none,
            corruption: world::Chance(12_500),
            late: ms(2),
        };
        let fault = |at, harm| Fault::new(When::At(ms(at)), harm, Until::After(ms(3)));
        scenario.faults.extend([
            fault(16, Harm::Rot { node, file: "wal".into(), damage }),
            fault(17, worse),
            fault(24, Harm::Crash { node, disk: DiskLoss::Wiped }),
        ]);
        // nobody can keep this: it is told as it is
        let end = |_: &World, _: &mut Reached| Err(Violation::never("nothing", "Nothing came of it."));
        Case::new(scenario, Holds(|_: &World, _: &world::Observation| Ok(()), end))
    }));
    insta::assert_snapshot!(lines(&told.story));
    assert_eq!(told.story.roles.get(&node(1)), Some(&"first clerk"));
}

#[test]
fn a_crowd_shares_processes_alone_as_in_a_batch() {
    let crowd = check("crowd", 2, |_, _| {
        let mut scenario = Scenario::cluster::<Clerks>(600, &(), ms(1_000));
        for id in 1..=600 {
            let operation = Operation::at::<Clerks>(1, ms(u64::from(id)), node(id), &Ask::Keep(id));
            scenario.clients.push(Client::new(id, vec![operation]));
        }
        let again = Harm::Crash { node: Who::Node(node(77)), disk: DiskLoss::All };
        scenario.faults.push(Fault::new(When::At(ms(200)), again, Until::After(ms(1))));
        let mut found = 0;
        let see = move |_: &World, seen: &world::Observation| {
            if let Some(Event::Found(kept)) = seen.emitted::<Clerks>()
                && kept > 0
            {
                found = kept;
            }
            match (found, seen.at) {
                (77, _) | (0, _) => Ok(()),
                _ => Err(Violation::at(seen, "kept", format!("{} found what another keeps.", seen.node))),
            }
        };
        let end = |world: &World, reached: &mut Reached| {
            reached.figure("starts", world.guest_effects());
            Ok(())
        };
        Case::new(scenario, Holds(see, end))
    });
    let (batch, alone) = (judged(&crowd, 64), judged(&crowd, 1));
    assert!(batch.passed() && batch.solo.is_none(), "{batch:?}");
    assert_eq!(batch, alone);
    // what each says as it starts, one of them twice; and a write, an answer and a sync of each
    assert_eq!(batch.figures.counts[0].many, 2 * (601 + 600 * 4));
}
