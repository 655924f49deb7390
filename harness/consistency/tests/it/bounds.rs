//! Long histories: decided within their budget, or not at all, but never wrongly.

use consistency::{Budget, Verdict, Why, linearizable};

use crate::play::{Cas, Counters, Play, Queues, Registers, Rng, Script, Strings, Values, play};

fn long<M: Play>(model: &M, clients: u32, operations: usize, lies: usize) -> Verdict {
    let history = play(model, Script { clients, operations, lost: 2, lies }, &mut Rng(1));
    linearizable(&history, &Budget::default())
}

#[test]
fn long_legal_histories_of_many_clients_are_found_legal() {
    let verdicts = [
        long(&Registers(Default::default(), Values::Unique), 50, 10_000, 0),
        long(&Registers(Default::default(), Values::Few), 30, 5_000, 0),
        long(&Cas(Default::default(), Values::Unique), 30, 5_000, 0),
        long(&Cas(Default::default(), Values::Few), 30, 5_000, 0),
        long(&Strings(Default::default(), Values::Unique), 20, 2_000, 0),
    ];
    assert_eq!(verdicts.map(|v| v.to_string()), ["ok"; 5]);
}

#[test]
fn more_clients_than_bits_in_a_word() {
    assert_eq!(long(&Cas(Default::default(), Values::Unique), 90, 800, 0), Verdict::Ok);
    assert_eq!(long(&Cas(Default::default(), Values::Unique), 300, 1_500, 0), Verdict::Ok);
}

#[test]
fn a_violation_in_thousands_of_operations_comes_down_to_a_few() {
    let mut found = 0;
    for seed in 0..10 {
        let history = play(
            &Registers(Default::default(), Values::Unique),
            Script { clients: 20, operations: 5_000, lost: 1, lies: 100 },
            &mut Rng(seed),
        );
        let verdict = linearizable(&history, &Budget::default());
        let Some(violation) = verdict.violation() else { continue };
        found += 1;
        assert!(violation.core.len() <= 5, "{verdict}");
        assert!(linearizable(&history.restrict(&violation.core), &Budget::default()).is_violation());
    }
    assert!(found >= 3, "somebody lied");
}

#[test]
fn what_cannot_be_decided_is_not_guessed() {
    // concurrent additions, and reads that need just the right ones: a subset sum
    let history = play(
        &Counters(Default::default(), Values::Few),
        Script { clients: 40, operations: 600, lost: 5, lies: 0 },
        &mut Rng(3),
    );
    let starved = Budget { steps: 100, bytes: 1 << 20 };
    assert_eq!(linearizable(&history, &starved), Verdict::Undecided { why: Why::Steps { given: 100 } });
    let history = play(
        &Queues(Default::default(), Values::Unique),
        Script { clients: 40, operations: 600, lost: 5, lies: 0 },
        &mut Rng(3),
    );
    let cramped = Budget { steps: 2_000_000, bytes: 100_000 };
    let verdict = linearizable(&history, &cramped);
    assert!(
        !verdict.is_violation(),
        "a small memory ends a search, and does not change what it finds: {verdict}"
    );
}

#[test]
fn a_smaller_budget_never_changes_a_verdict_only_withholds_it() {
    let mut rng = Rng(4);
    for _ in 0..200 {
        let model = Cas(Default::default(), Values::Few);
        let history = play(&model, Script { clients: 6, operations: 25, lost: 8, lies: 60 }, &mut rng);
        let full = linearizable(&history, &Budget::default());
        for budget in [Budget { steps: 50, bytes: 1 << 20 }, Budget { steps: 1_000_000, bytes: 4_000 }] {
            match linearizable(&history, &budget) {
                Verdict::Undecided { .. } => {}
                verdict => assert_eq!(verdict.is_ok(), full.is_ok()),
            }
        }
    }
}
