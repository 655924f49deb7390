//! Long histories: decided within their budget, or not at all, but never wrongly.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use consistency::history::Timed;
use consistency::{Budget, History, Model, Verdict, Why, linearizable};

use crate::linear::show;
use crate::play::{Cas, Counters, Locks, Play, Queues, Registers, Rng, Script, Sets, Strings, Values, play};

/// Counts what each thread has allocated: checkers run on one thread, and tests on one each.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    /// Bytes in use, and the most there ever were.
    static BYTES: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(more: isize) {
    // a thread that is coming down has no count any more
    let _ = BYTES.try_with(|bytes| {
        let (now, most) = bytes.get();
        bytes.set((now + more, most.max(now + more)));
    });
}

// SAFETY: all is done by the system's allocator; counting neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller's.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// The verdict, and how much memory it took at most, in bytes.
fn peak<M: Model>(history: &History<M>, budget: &Budget) -> (Verdict, usize) {
    let before = BYTES.get().0;
    BYTES.set((before, before));
    let verdict = linearizable(history, budget);
    (verdict, BYTES.get().1.abs_diff(before))
}

/// A long history of many clients, half of whose last answers are lies.
fn bad_at_the_end<M: Play>(values: Values, clients: u32, operations: usize) -> History<M> {
    let mut rng = Rng(9);
    let history = play::<M>(Script { clients, operations, lost: 2, lies: 0, values }, &mut rng);
    let late = history.len() * 95 / 100;
    let timed = history.iter().map(|(id, op)| {
        let lie = id.index() >= late && rng.chance(50);
        let told = |answer: &M::Return| {
            if lie { M::lie(values, &mut rng, &op.call, operations as u64) } else { answer.clone() }
        };
        Timed {
            process: op.process,
            invoked_at: op.invoked_at,
            call: op.call.clone(),
            returned: op.returned_at.zip(op.answer.as_ref().map(told)),
        }
    });
    History::from_timed(M::default(), timed.collect()).expect("the same times")
}

/// Whether it was decided.
#[expect(clippy::print_stdout, reason = "shown with --nocapture")]
fn stays_within<M: Play>(budget: Budget, values: Values, clients: u32, operations: usize) -> bool {
    let history = bad_at_the_end::<M>(values, clients, operations);
    let (verdict, bytes) = peak(&history, &budget);
    let told: String = verdict.to_string().chars().take(90).collect();
    println!("{:3} MB of {:3}, {operations} operations: {told}", bytes >> 20, budget.bytes >> 20);
    assert!(!verdict.is_ok(), "{}", show(&history));
    // copies of the history, cut short, are not the search's
    let copies = operations * 1_000;
    assert!(bytes <= budget.bytes + copies, "{bytes} bytes: {told}");
    verdict.is_violation()
}

#[test]
fn long_bad_histories_stay_within_their_memory() {
    let small = Budget { bytes: 16 << 20, ..Budget::default() };
    assert!(stays_within::<Registers>(small, Values::Few, 50, 5_000));
    assert!(stays_within::<Cas>(small, Values::Few, 30, 4_000));
    assert!(stays_within::<Cas>(small, Values::Unique, 30, 4_000));
    assert!(stays_within::<Strings>(small, Values::Unique, 30, 2_000));
    stays_within::<Locks>(small, Values::Few, 40, 3_000);
    stays_within::<Sets>(small, Values::Unique, 20, 2_000);
    stays_within::<Counters>(small, Values::Few, 30, 3_000);
    stays_within::<Queues>(small, Values::Few, 30, 3_000);
    stays_within::<Queues>(Budget::default(), Values::Unique, 30, 3_000);
}

fn long<M: Play>(values: Values, clients: u32, operations: usize, lies: usize) -> Verdict {
    let history = play::<M>(Script { clients, operations, lost: 2, lies, values }, &mut Rng(1));
    linearizable(&history, &Budget::default())
}

#[test]
fn long_legal_histories_of_many_clients_are_found_legal() {
    let verdicts = [
        long::<Registers>(Values::Unique, 50, 10_000, 0),
        long::<Registers>(Values::Few, 30, 5_000, 0),
        long::<Cas>(Values::Unique, 30, 5_000, 0),
        long::<Cas>(Values::Few, 30, 5_000, 0),
        long::<Strings>(Values::Unique, 20, 2_000, 0),
    ];
    assert_eq!(verdicts.map(|v| v.to_string()), ["ok"; 5]);
}

#[test]
fn more_clients_than_bits_in_a_word() {
    assert_eq!(long::<Cas>(Values::Unique, 90, 800, 0), Verdict::Ok);
    assert_eq!(long::<Cas>(Values::Unique, 300, 1_500, 0), Verdict::Ok);
}

#[test]
fn a_violation_in_thousands_of_operations_comes_down_to_a_few() {
    let mut found = 0;
    for seed in 0..10 {
        let history = play::<Registers>(
            Script { clients: 20, operations: 5_000, lost: 1, lies: 100, values: Values::Unique },
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
    let history = play::<Counters>(
        Script { clients: 40, operations: 600, lost: 5, lies: 0, values: Values::Few },
        &mut Rng(3),
    );
    let starved = Budget { steps: 100, bytes: 1 << 20 };
    assert_eq!(linearizable(&history, &starved), Verdict::Undecided { why: Why::Steps { given: 100 } });
    let history = play::<Queues>(
        Script { clients: 40, operations: 600, lost: 5, lies: 0, values: Values::Unique },
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
        let script = Script { clients: 6, operations: 25, lost: 8, lies: 60, values: Values::Few };
        let history = play::<Cas>(script, &mut rng);
        let full = linearizable(&history, &Budget::default());
        for budget in [Budget { steps: 50, bytes: 1 << 20 }, Budget { steps: 1_000_000, bytes: 4_000 }] {
            match linearizable(&history, &budget) {
                Verdict::Undecided { .. } => {}
                verdict => assert_eq!(verdict.is_ok(), full.is_ok()),
            }
        }
    }
}
