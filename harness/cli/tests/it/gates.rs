//! The gates, in a version that fits a test run: `faultlines verify all --quick` holds all that is here samples of.

use crate::faultlines;

fn holds(args: &[&str]) {
    let ran = faultlines(&[&["verify"], args].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("the gate holds"), "{ran}");
}

#[test]
fn generated_files_are_fresh_and_ids_agree() {
    holds(&["freshness"]);
}
#[test]
fn references_and_second_solutions_pass_under_another_seed_key() {
    holds(&["solutions", "--keys", "1"]);
}
#[test]
fn right_programs_that_are_unlike_the_references_pass() {
    holds(&["right", "--sample", "4", "--keys", "1", "--quick"]);
}
#[test]
fn skeletons_are_not_started() {
    holds(&["skeletons"]);
}
#[test]
fn each_check_catches_a_mutant() {
    holds(&["mutants", "--each-check", "--keys", "1", "--quick"]);
}
/// One in two hundred, the same ones every time.
#[test]
fn a_sample_of_all_small_wrong_programs_is_caught_or_explained() {
    holds(&["survivors", "7", "--sample", "200"]);
}
#[test]
fn a_submission_has_one_report_however_it_is_graded() {
    holds(&["determinism", "7", "--quick"]);
}
