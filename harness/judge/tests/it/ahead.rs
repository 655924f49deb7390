//! Checks whose worlds are run ahead, side by side with those of others, come to the findings that they come to by themselves.

use crate::found::ask;
use crate::toys::Ask;
use crate::{Holds, check, clerks, guest, judged};
use host::Fleet;
use judge::{Ahead, Case, Check, Finding, How, Options, Pick, Reached, Violation};
use world::{Observation, World};

/// A world that is longer the larger its number, and what its oracle makes of it in the end.
fn case(nth: u32, end: impl Fn(u32) -> Result<(), Violation> + 'static) -> Case {
    let mut scenario = clerks(2);
    ask(&mut scenario, (1..=1 + nth % 7).map(Ask::Tell));
    let end = move |_: &World, reached: &mut Reached| {
        reached.mark("ran");
        end(nth)
    };
    Case::new(scenario, Holds(|_: &World, _: &Observation| Ok(()), end))
}
fn sound(_: &mut Pick, nth: u32) -> Case {
    case(nth, |_| Ok(()))
}
fn fails_in(nth: u32, wrong: &[u32]) -> Result<(), Violation> {
    match wrong.contains(&nth) {
        true => Err(Violation::never("wrong", format!("World {nth} is wrong."))),
        false => Ok(()),
    }
}
fn checks() -> Vec<Check> {
    vec![
        Check { sometimes: &[("ran", "Nothing ran.")], ..check("sound", 150, sound) },
        check("early", 150, |_, nth| case(nth, |nth| fails_in(nth, &[3, 5, 100]))),
        check("late", 150, |_, nth| case(nth, |nth| fails_in(nth, &[70, 90, 149]))),
        Check { needs: &["sound"], ..check("needs-sound", 40, sound) },
        Check { needs: &["early"], ..check("needs-early", 40, sound) },
        Check { batch: 3, ..check("heavy", 20, sound) },
        Check { sometimes: &[("never", "Never reached.")], ..check("vacuous", 9, sound) },
    ]
}
/// What each check comes to by itself.
fn by_themselves(checks: &[Check], batch: usize) -> Vec<Finding> {
    checks.iter().map(|check| judged(check, batch)).collect()
}
/// What each comes to after several workers have run worlds of all.
fn after_others(checks: &[Check], batch: usize, workers: usize) -> Vec<Finding> {
    let options = Options { batch, ..Options::default() };
    let ahead = Ahead::new(checks.iter().map(|check| (0, "toys", check)), &options);
    let guest = guest();
    std::thread::scope(|scope| {
        for worker in 0..workers {
            let (ahead, guest) = (&ahead, &guest);
            scope.spawn(move || ahead.run(&mut Fleet::new(guest), worker).expect("the harness works"));
        }
    });
    let mut fleet = Fleet::new(&guest);
    (0..checks.len()).map(|nth| ahead.judge(&mut fleet, nth).expect("the harness works")).collect()
}

#[test]
fn findings_are_the_same_however_worlds_share_batches() {
    let checks = checks();
    let alone = by_themselves(&checks, 1);
    assert!(alone[0].passed() && !alone[1].passed() && !alone[2].passed());
    assert_eq!((alone[1].worlds, alone[2].worlds), (8, 128));
    for (batch, workers) in [(256, 1), (256, 2), (5, 3), (1, 2)] {
        assert_eq!(after_others(&checks, batch, workers), alone, "{batch} side by side, {workers} workers");
    }
}

#[test]
fn the_first_failure_is_the_same_too() {
    let checks = checks();
    let options = Options::default();
    let guest = guest();
    let mut fleet = Fleet::new(&guest);
    let ahead = Ahead::new(checks.iter().map(|check| (0, "toys", check)), &options);
    ahead.run(&mut fleet, 0).expect("the harness works");
    let shared = |fleet: &mut Fleet, nth| ahead.first_failure(fleet, nth).expect("the harness works");
    let alone = |fleet: &mut Fleet, check| {
        judge::first_failure(fleet, 0, "toys", check, &options).expect("the harness works")
    };
    for (nth, check) in checks.iter().enumerate() {
        let expected = alone(&mut fleet, check);
        assert_eq!(expected.is_some(), matches!(check.id, "early" | "late" | "vacuous"), "{}", check.id);
        assert_eq!(shared(&mut fleet, nth), expected, "{}", check.id);
    }
}

#[test]
fn an_oracle_that_panics_is_told_of_its_own_check() {
    let mut checks = checks();
    checks.insert(
        1,
        check("panics", 30, |_, nth| {
            case(nth, |nth| if nth == 12 { panic!("a bug of the oracle") } else { Ok(()) })
        }),
    );
    let found = after_others(&checks, 256, 2);
    for (check, finding) in checks.iter().zip(found) {
        let is_fault = matches!(&finding.failure, Some(failure) if matches!(failure.how, How::Fault(_)));
        assert_eq!(is_fault, check.id == "panics", "{}", check.id);
        assert!(finding.failure.is_some() || finding.passed());
    }
}
