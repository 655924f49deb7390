//! Linearizability against brute force.

use consistency::{Budget, OpId, Verdict, linearizable};

use crate::brute;
use crate::play::{Cas, Counters, Locks, Play, Queues, Registers, Rng, Script, Sets, Strings, Values, play};

/// How many random histories for each pair of checker and model: `CONSISTENCY_HISTORIES`, or 2,000.
pub(crate) fn histories() -> u64 {
    std::env::var("CONSISTENCY_HISTORIES").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000)
}

/// Every verdict is brute force's; every witness is one, and minimal as far as the model knows.
fn agrees<M: Play>(name: &str, values: Values) {
    let mut rng = Rng(7);
    let mut legal = 0;
    let total = histories();
    for n in 0..total {
        let script = Script { clients: 4, operations: 3 + rng.below(5), lost: 12, lies: 85, values };
        let history = play::<M>(script, &mut rng);
        let expected = brute::linearizable(&history);
        legal += u64::from(expected);
        let verdict = linearizable(&history, &Budget::default());
        match &verdict {
            Verdict::Ok => assert!(expected, "{name} {n}: {verdict} {}", show(&history)),
            Verdict::Violation(violation) => {
                assert!(!expected, "{name} {n}: {verdict} {}", show(&history));
                let core = history.restrict(&violation.core);
                assert!(!brute::linearizable(&core), "{name} {n}: the core is legal: {}", show(&core));
                assert!(
                    violation.core.contains(&violation.guilty),
                    "{name} {n}: {verdict} {}",
                    show(&history)
                );
            }
            Verdict::Undecided { why } => panic!("{name} {n}: undecided, {why}"),
        }
    }
    let percent = 100 * legal / total;
    report(name, total, percent);
}

/// A row of the table that a full run prints; and that the histories were worth judging.
#[expect(clippy::print_stdout, reason = "shown with --nocapture")]
pub(crate) fn report(name: &str, total: u64, percent: u64) {
    println!("{name:30} {total:7} histories, {percent:2} % legal, no wrong verdict, none undecided");
    assert!((30..=70).contains(&percent), "{name}: {percent} % legal");
}

macro_rules! pairs {
    ($($test:ident: $model:ident, $values:ident;)*) => {
        $(#[test]
        fn $test() {
            agrees::<$model>(stringify!($test), Values::$values);
        })*
    };
}

pairs! {
    register_unique: Registers, Unique;
    register_few_values: Registers, Few;
    cas_unique: Cas, Unique;
    cas_few_values: Cas, Few;
    kv_unique: Strings, Unique;
    kv_few_values: Strings, Few;
    mutex: Locks, Few;
    set_unique: Sets, Unique;
    set_few_values: Sets, Few;
    counter: Counters, Few;
    queue_unique: Queues, Unique;
    queue_few_values: Queues, Few;
}

/// A line an operation.
pub(crate) fn show<M: consistency::Model>(history: &consistency::History<M>) -> String {
    let line = |(id, op): (consistency::OpId, &consistency::Operation<M>)| {
        format!("\n  {:>3} {:>4?} {}", op.invoked_at, op.returned_at, history.describe(id))
    };
    history.iter().map(line).collect()
}

/// What a model says may leave a history never makes a legal one illegal: so a minimal sub-history is always a witness.
fn removable_is_sound<M: Play>(name: &str, values: Values) {
    let model = M::default();
    let mut rng = Rng(11);
    let mut tried = 0;
    for _ in 0..histories() {
        let script = Script { clients: 4, operations: 3 + rng.below(5), lost: 15, lies: 30, values };
        let history = play::<M>(script, &mut rng);
        if !brute::linearizable(&history) {
            continue;
        }
        let seen: Vec<_> = history
            .operations()
            .iter()
            .map(|op| consistency::model::Seen { call: &op.call, answer: op.answer.as_ref() })
            .collect();
        for group in model.removable(&seen) {
            let rest: Vec<OpId> =
                history.iter().map(|(id, _)| id).filter(|id| !group.contains(&id.index())).collect();
            tried += 1;
            let rest = history.restrict(&rest);
            assert!(brute::linearizable(&rest), "{name}: without {group:?} of {} illegal", show(&history));
        }
    }
    assert!(tried > histories(), "{name}: {tried} groups");
}

#[test]
fn what_may_leave_never_makes_a_legal_history_illegal() {
    for values in [Values::Unique, Values::Few] {
        removable_is_sound::<Registers>("register", values);
        removable_is_sound::<Cas>("cas", values);
        removable_is_sound::<Strings>("kv", values);
        removable_is_sound::<Locks>("mutex", values);
        removable_is_sound::<Sets>("set", values);
        removable_is_sound::<Counters>("counter", values);
        removable_is_sound::<Queues>("queue", values);
    }
}
