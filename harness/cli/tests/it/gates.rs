//! The gates, in a version that fits a test run.

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
fn references_and_second_solutions_pass_under_five_seed_keys() {
    holds(&["solutions", "--keys", "5"]);
}
#[test]
fn right_programs_that_are_unlike_the_references_pass() {
    holds(&["right", "--keys", "2", "--quick"]);
}
#[test]
fn skeletons_are_not_started() {
    holds(&["skeletons"]);
}
#[test]
fn every_mutant_is_caught_by_the_check_that_names_it() {
    holds(&["mutants", "--keys", "1", "--quick"]);
}
/// One in fifty, the same ones every time.
#[test]
fn a_sample_of_all_small_wrong_programs_is_caught_or_explained() {
    holds(&["survivors", "7", "--sample", "50"]);
}
#[test]
fn a_submission_has_one_report_however_it_is_graded() {
    holds(&["determinism", "--quick", "--worlds", "8"]);
}
