//! What each operator finds.

use mutate::{Error, Operator, mutations};
use std::collections::BTreeSet;
use std::fmt::Write;

const SAMPLE: &str = include_str!("sample.rs.txt");

#[test]
fn every_operator_finds_what_it_is_about_and_nothing_outside_the_regions() {
    let found = mutations("sample.rs", SAMPLE).unwrap();
    let operators: BTreeSet<Operator> = found.iter().map(|mutation| mutation.operator).collect();
    assert_eq!(operators, BTreeSet::from(Operator::ALL), "the sample has something for each");
    let mut text = String::new();
    for mutation in &found {
        writeln!(text, "{:<48} {}", mutation.id, mutation.change(SAMPLE)).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_mutant_is_rust_and_no_two_are_the_same_program() {
    let found = mutations("sample.rs", SAMPLE).unwrap();
    let mut programs = BTreeSet::from([SAMPLE.to_owned()]);
    for mutation in &found {
        let mutant = mutation.apply(SAMPLE);
        assert!(mutations("sample.rs", &mutant).is_ok(), "{} is no Rust:\n{mutant}", mutation.id);
        assert!(programs.insert(mutant), "{} is another one's program, or the sample's", mutation.id);
    }
    let ids: BTreeSet<&str> = found.iter().map(|mutation| mutation.id.as_str()).collect();
    assert_eq!(ids.len(), found.len(), "ids are unique");
}

#[test]
fn an_edit_of_another_function_renames_nothing() {
    let edited = SAMPLE.replace("out.save(SEEN, &self.seen);", "if seen > 3 { out.save(SEEN, &self.seen); }");
    let ids = |source: &str| -> Vec<String> {
        let found = mutations("sample.rs", source).unwrap();
        found.into_iter().map(|mutation| mutation.id).filter(|id| id.contains("/Node::hear/")).collect()
    };
    assert!(!ids(SAMPLE).is_empty());
    assert_eq!(ids(SAMPLE), ids(&edited));
}

#[test]
fn a_source_without_regions_is_a_students_to_the_end() {
    let source = "fn larger(a: u64, b: u64) -> bool { a > b }";
    let found = mutations("sample.rs", source).unwrap();
    let texts: Vec<&str> = found.iter().map(|mutation| mutation.text.as_str()).collect();
    assert_eq!(texts, [">=", "<=", "return Default::default(); "]);
}

#[test]
fn what_is_no_rust_is_an_error_with_its_line() {
    assert!(matches!(mutations("a.rs", "fn a() {}\nfn b( {}"), Err(Error::NoRust { line: 2, .. })));
    assert!(matches!(mutations("a.rs", "// BEGIN SOLUTION\nfn a() {}"), Err(Error::Regions)));
}
