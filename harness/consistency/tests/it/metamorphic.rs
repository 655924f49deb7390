//! What must not change a verdict.

use consistency::models::register::{Call, Return};
use consistency::{Budget, History, OpId, Process, linearizable, sequential, survey};
use proptest::prelude::*;

use crate::brute;
use crate::linear::show;
use crate::play::{Cas, Play, Queues, Registers, Rng, Script, Strings, Values, play};

fn some_history<M: Play>(values: Values, seed: u64, operations: usize) -> History<M> {
    play(Script { clients: 4, operations, lost: 10, lies: 70, values }, &mut Rng(seed))
}

/// The history again, event by event, with other names and one more operation after the event `after`.
fn again(
    history: &History<Registers>,
    process: impl Fn(Process) -> Process,
    value: impl Fn(u64) -> u64,
    extra: Option<(usize, Call<(), u64>, Return<u64>)>,
) -> History<Registers> {
    let mut events: Vec<(u64, OpId, bool)> = Vec::new();
    for (id, op) in history.iter() {
        events.push((op.invoked_at, id, true));
        events.extend(op.returned_at.map(|at| (at, id, false)));
    }
    events.sort_unstable_by_key(|e| e.0); // play gives every event a time of its own
    let mut renamed = History::new(Registers::default());
    let mut ids = std::collections::BTreeMap::new();
    for (i, &(at, id, call)) in events.iter().enumerate() {
        let op = &history[id];
        if call {
            let call = match op.call {
                Call::Read(()) => Call::Read(()),
                Call::Write((), v) => Call::Write((), value(v)),
            };
            ids.insert(id, renamed.invoke(process(op.process), at, call));
        } else {
            let answer = match op.answer.as_ref().expect("it returned") {
                Return::Read(v) => Return::Read(v.map(&value)),
                Return::Written => Return::Written,
            };
            renamed.returned(ids[&id], at, answer);
        }
        if let Some((after, call, answer)) = &extra
            && *after == i
        {
            let new = renamed.invoke(Process(900), at, call.clone());
            renamed.returned(new, at, answer.clone());
        }
    }
    renamed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn larger_histories_agree_with_brute_force(seed: u64) {
        fn check<M: Play>(values: Values, seed: u64) {
            let history = some_history::<M>(values, seed, 9);
            let verdict = linearizable(&history, &Budget::default());
            assert_eq!(verdict.is_ok(), brute::linearizable(&history), "{verdict}{}", show(&history));
        }
        check::<Registers>(Values::Unique, seed);
        check::<Cas>(Values::Few, seed);
        check::<Strings>(Values::Unique, seed);
        check::<Queues>(Values::Unique, seed);
    }

    #[test]
    fn names_of_processes_and_values_do_not_matter(seed: u64) {
        let history = some_history::<Registers>(Values::Unique, seed, 14);
        let renamed = again(&history, |p| Process(1000 - p.0), |v| 7919 - v, None);
        let (one, other) = (survey(&history, &Budget::default()), survey(&renamed, &Budget::default()));
        prop_assert_eq!(one.strongest(), other.strongest());
        for ((level, a), (_, b)) in one.verdicts().zip(other.verdicts()) {
            prop_assert_eq!(a.is_ok(), b.is_ok(), "{}", level);
        }
    }

    #[test]
    fn a_legal_read_more_changes_nothing(seed: u64, place: prop::sample::Index) {
        let history = play(
            Script { clients: 4, operations: 12, lost: 10, lies: 0, values: Values::Unique },
            &mut Rng(seed),
        );
        prop_assert!(linearizable(&history, &Budget::default()).is_ok());
        let events: usize = history.operations().iter().map(|op| 1 + usize::from(op.answer.is_some())).sum();
        let after = place.index(events);
        let written = (0..=20).map(|v| Some(v).filter(|&v| v > 0));
        // some value must be there at every moment
        let legal = written
            .filter(|&v| {
                let more = again(&history, |p| p, |v| v, Some((after, Call::Read(()), Return::Read(v))));
                linearizable(&more, &Budget::default()).is_ok()
            })
            .count();
        prop_assert!(legal >= 1, "{}", show(&history));
    }

    #[test]
    fn linearizable_implies_sequential_for_every_model(seed: u64) {
        fn check<M: Play>(values: Values, seed: u64) {
            let history = some_history::<M>(values, seed, 9);
            if linearizable(&history, &Budget::default()).is_ok() {
                let verdict = sequential(&history, &Budget::default());
                assert!(verdict.is_ok(), "{verdict}{}", show(&history));
            }
        }
        check::<Cas>(Values::Few, seed);
        check::<Strings>(Values::Few, seed);
        check::<Queues>(Values::Unique, seed);
    }

    #[test]
    fn the_same_history_gets_the_same_words(seed: u64) {
        let [one, other] = [(); 2].map(|()| some_history::<Cas>(Values::Few, seed, 30));
        prop_assert_eq!(linearizable(&one, &Budget::default()), linearizable(&other, &Budget::default()));
    }
}
