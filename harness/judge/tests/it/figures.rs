//! What a check says beside its verdict, and when it says that it cannot tell.

use crate::toys::Ask;
use crate::{Holds, check, clerks, exercise, judged, ms};
use judge::{Case, Check, Count, Finding, Reached, Series, Verdict};
use world::{Observation, World};

/// A check of whose worlds each is told its number and reports what this says of it.
fn reports(worlds: u32, says: fn(u32, &mut Reached)) -> Check {
    thread_local! {
        static SAYS: std::cell::Cell<fn(u32, &mut Reached)> = const { std::cell::Cell::new(|_, _| {}) };
    }
    SAYS.set(says);
    check("reports", worlds, |_, nth| {
        let mut scenario = clerks(1);
        crate::found::ask(&mut scenario, [Ask::Keep(1)]);
        let says = SAYS.get();
        let end = move |_: &World, reached: &mut Reached| {
            says(nth, reached);
            Ok(())
        };
        Case::new(scenario, Holds(|_: &World, _: &Observation| Ok(()), end))
    })
}
fn scored(check: Check, finding: Finding) -> (Verdict, u32, String) {
    let report = judge::score(&exercise(vec![Check { xp: 4, ..check }]), vec![Some(finding)]);
    let check = &report.checks[0];
    (check.verdict, check.xp, check.message.clone())
}

#[test]
fn figures_are_those_of_all_worlds_however_they_are_batched() {
    let says = |nth: u32, reached: &mut Reached| {
        reached.figure("crash points", 1);
        if nth.is_multiple_of(2) {
            reached.figure("pairs", u64::from(nth));
        }
        reached.series("load", ms(10), &[1, u64::from(nth)]);
    };
    let found: Vec<Finding> = [1, 3, 64].into_iter().map(|batch| judged(&reports(10, says), batch)).collect();
    let count = |name, many| Count { name, many };
    assert_eq!(found[0].figures.counts, [count("crash points", 10), count("pairs", 20)]);
    assert_eq!(found[0].figures.series, [Series { name: "load", bin: ms(10), values: vec![10, 45] }]);
    assert!(found.iter().all(|finding| finding.figures == found[0].figures && finding.passed()));
    let report = judge::score(&exercise(vec![reports(10, says)]), vec![Some(found[0].clone())]);
    assert_eq!(report.checks[0].figures, found[0].figures);
}

#[test]
fn one_undecided_world_in_twenty_is_no_matter_and_more_are() {
    let one = |nth: u32, reached: &mut Reached| {
        if nth == 7 {
            reached.undecided("the history is too long");
        }
    };
    let (worlds, few, many) = (20, reports(20, one), reports(19, one));
    let finding = judged(&few, 64);
    assert!(finding.passed() && finding.worlds == worlds, "{finding:?}");
    assert_eq!(scored(few, finding), (Verdict::Passed, 4, String::new()));
    for batch in [1, 64] {
        let finding = judged(&many, batch);
        assert!(!finding.passed() && finding.failure.is_none());
        let (verdict, xp, message) = scored(Check { ..reports(19, one) }, finding);
        assert_eq!((verdict, xp), (Verdict::Undecided, 0));
        assert_eq!(
            message,
            "The checker could not decide whether your code kept the promise in 1 of 19 runs: the history is too long. A check \
             with so many undecided runs earns no XP. Nothing is known to be wrong."
        );
    }
}

#[test]
fn what_needs_an_undecided_check_is_blocked_and_a_failure_goes_before_it() {
    let never = |_: u32, reached: &mut Reached| reached.undecided("nobody knows");
    let undecided = reports(8, never);
    let finding = judged(&undecided, 64);
    let needs =
        Check { id: "needs", needs: &["reports"], ..check("needs", 8, |_, _| unreachable!("it is blocked")) };
    let report = judge::score(&exercise(vec![undecided, needs]), vec![Some(finding), None]);
    assert_eq!(report.checks[1].verdict, Verdict::Blocked);
    let vacuous = Check { sometimes: &[("reached", "Nothing was reached.")], ..reports(8, never) };
    let finding = judged(&vacuous, 64);
    assert_eq!(scored(vacuous, finding).0, Verdict::Undecided, "it may have been reached");
}

#[test]
fn a_check_caps_its_batches_and_nothing_else_changes() {
    let says = |nth: u32, reached: &mut Reached| reached.figure("worlds", u64::from(nth));
    let usual = judged(&reports(100, says), 256);
    for batch in [1, 5, 64] {
        assert_eq!(judged(&Check { batch, ..reports(100, says) }, 256), usual);
    }
    assert_eq!(Check { batch: 5, ..Check::PLAIN }.side_by_side(256), 5);
    assert_eq!(Check { batch: 5, ..Check::PLAIN }.side_by_side(1), 1);
    assert_eq!(Check::PLAIN.side_by_side(256), 256);
}
