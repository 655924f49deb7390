//! What a learner does every day around a grade: names, what is new, hints, backups, solutions, what the shell asks.

use crate::Ran;
use crate::daily::Student;
use crate::{faultlines, faultlines_in};
use std::fs;
use std::process::Command;

const RESTART: (&str, &str) = ("boot.disk.load(TIME).unwrap_or(0)", "{ let _ = boot; 0 }");

/// Several runs, as one text.
fn transcript(runs: impl IntoIterator<Item = (String, Ran)>) -> String {
    runs.into_iter().map(|(command, ran)| format!("$ faultlines {command}\n{ran}\n")).collect()
}
/// What is said after the report of a grade: from the line of its XP on.
fn after_the_report(ran: &Ran) -> String {
    let at = ran.stdout.find(" XP\nNew: ").or(ran.stdout.find(" XP\nLost: "));
    at.map_or_else(|| ran.stdout.clone(), |at| ran.stdout[at + " XP\n".len()..].to_owned())
}

#[test]
fn names_are_found_by_what_is_near() {
    let names = [
        "lamprot",
        "vektor",
        "7/vektor",
        "07-logical-clock",
        "5",
        "12",
        "7/lamport/restar",
        "7/lamport/restart/1",
        "quorum",
    ];
    let runs = names.map(|name| (format!("grade {name}"), faultlines(&["grade", name])));
    let others = ["lamport", "7", "lamport/restar"]
        .map(|name| (format!("replay {name}"), faultlines(&["replay", name])));
    insta::assert_snapshot!("names", transcript(runs.into_iter().chain(others)));
}

#[test]
fn an_exercise_goes_by_its_name_and_a_check_can_be_graded_alone() {
    let student = Student::new();
    student.writes("07-logical-clocks", "lamport", &[]);
    let alone = student.says(&["grade", "lamport/restart"]);
    assert!(alone.code == 0 && alone.stdout.contains("restart"), "{alone}");
    assert!(!alone.stdout.contains("inference"), "no other check than those that it needs: {alone}");
    assert!(alone.stdout.contains("faultlines soak 7/lamport"), "{alone}");
    assert!(!alone.stdout.contains("faultlines solution"), "the exercise is not complete yet: {alone}");
    let whole = student.says(&["grade", "lamport"]);
    assert!(whole.code == 0 && whole.stdout.contains("inference"), "{whole}");
    let both = student.says(&["grade", "07-logical-clocks/lamport/restart", "7/lamport"]);
    assert!(both.stdout.contains("inference"), "the whole is asked for, too: {both}");
}

#[test]
fn a_grade_says_what_is_new() {
    let student = Student::new();
    student.writes("07-logical-clocks", "lamport", &[RESTART]);
    let first = student.says(&["grade", "7/lamport"]);
    assert!(!first.stdout.contains("New:"), "nothing was known before: {first}");
    student.writes("07-logical-clocks", "lamport", &[]);
    let better = student.says(&["grade", "7/lamport"]);
    insta::assert_snapshot!("new_and_complete", after_the_report(&better));
    student.writes("07-logical-clocks", "lamport", &[RESTART]);
    let worse = student.says(&["grade", "7/lamport"]);
    insta::assert_snapshot!("no_longer", after_the_report(&worse));
    let list = student.says(&["list"]);
    let words = list.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("(12 XP in the last grade)"), "best ever is told from now: {list}");
    // what does not compile says nothing of what passes
    student.writes(
        "07-logical-clocks",
        "lamport",
        &[("use lab::prelude::*;", "use lab::prelude::*; nonsense")],
    );
    let broken = student.says(&["grade", "7/lamport"]);
    assert!(broken.code == 3 && !broken.stdout.contains("Lost: "), "{broken}");
}

#[test]
fn other_runs_earn_nothing() {
    let student = Student::new();
    student.writes("07-logical-clocks", "lamport", &[]);
    for (more, why) in [(["--seed-key", "k"], "another seed key"), (["--worlds", "2"], "--worlds")] {
        let ran = student.says(&[&["grade", "7/lamport"], &more[..]].concat());
        assert!(
            ran.code == 0 && ran.stdout.contains(why) && ran.stdout.contains("no XP are booked"),
            "{ran}"
        );
    }
    assert!(!student.folder().join(".faultlines/progress.toml").exists());
    // and yet a failure of such a grade can be seen again
    student.writes("07-logical-clocks", "lamport", &[RESTART]);
    assert_eq!(student.says(&["grade", "7/lamport", "--seed-key", "k"]).code, 1);
    let again = student.says(&["replay"]);
    assert!(again.stdout.starts_with("✘ 7/lamport/restart"), "{again}");
}

#[test]
fn hints_come_one_after_the_other() {
    let student = Student::new();
    let heads: Vec<String> = ["lamport", "7/lamport", "lamport", "lamport"]
        .map(|name| student.says(&["hint", name]).stdout.lines().next().unwrap_or_default().to_owned())
        .into();
    let told = ["1", "2", "3", "3"].map(|nth| format!("Hint {nth} of 3 for 7/lamport"));
    assert_eq!(heads, told);
    let last = student.says(&["hint", "lamport"]);
    assert!(last.stdout.contains("That was the last hint"), "{last}");
    assert!(student.says(&["hint", "lamport", "--level", "1"]).stdout.contains("Hint 1 of 3"));
    fs::write(student.folder().join(".faultlines/hints.toml"), "[").expect("written");
    assert!(
        student.says(&["hint", "lamport"]).stdout.contains("Hint 1 of 3"),
        "a file that is broken is no error"
    );
}

#[test]
fn what_reset_replaced_comes_back() {
    let student = Student::new();
    let file = student.folder().join("07-logical-clocks/src/lamport.rs");
    fs::write(&file, "// mine").expect("written");
    assert!(student.says(&["reset", "--list"]).stdout.contains("No file was replaced"));
    assert_eq!(student.says(&["reset", "lamport"]).code, 0);
    let list = student.says(&["reset", "lamport", "--list"]);
    assert!(list.stdout.contains("lamport.1.rs") && list.stdout.contains("edited"), "{list}");
    let back = student.says(&["reset", "lamport", "--restore", "lamport.1.rs"]);
    insta::assert_snapshot!("restored", back);
    assert_eq!(fs::read_to_string(&file).expect("the file"), "// mine");
    assert!(student.says(&["reset", "--list"]).stdout.contains("lamport.2.rs"), "the skeleton was kept");
    insta::assert_snapshot!(
        "no_such_backup",
        student.says(&["reset", "lamport", "--restore", "lamport.7.rs"])
    );
}

#[test]
fn progress_of_two_machines_is_merged() {
    let student = Student::new();
    student.writes("07-logical-clocks", "lamport", &[RESTART]);
    student.says(&["grade", "7/lamport"]);
    let other = student.folder().join("other.toml");
    fs::write(&other, "version = 1\nroadmap_read = true\n[checks]\n\"7/lamport/restart\" = 4\n\"7/lamport/total-order\" = 1\n")
        .expect("written");
    let merged = student.says(&["progress", "merge", "other.toml"]);
    insta::assert_snapshot!("merged", merged);
    insta::assert_snapshot!("no_such_progress", student.says(&["progress", "merge", "none.toml"]));
}

#[test]
fn a_solution_is_shown_to_who_has_passed_or_pays() {
    let student = Student::new();
    insta::assert_snapshot!("not_passed_yet", student.says(&["solution", "lamport"]));
    let paid = student.says(&["solution", "lamport", "--give-up", "--alone"]);
    assert!(paid.code == 0 && paid.stdout.contains("The reference of 7/lamport"), "{paid}");
    assert!(
        paid.stdout.contains("disk holds an upper bound") && paid.stdout.contains("impl Node for Clock"),
        "{paid}"
    );
    for mark in ["BEGIN SOLUTION", "STUB:"] {
        assert!(!paid.stdout.contains(mark), "{paid}");
    }
    student.writes("07-logical-clocks", "lamport", &[]);
    let graded = student.says(&["grade", "7/lamport"]);
    assert!(graded.stdout.contains("\n0 XP so far."), "what was given up earns nothing: {graded}");
    assert!(!student.says(&["next"]).stdout.contains("Next: 7/lamport"));
    // who has passed sees both, beside the own code
    student.writes("07-logical-clocks", "vector", &[]);
    student.says(&["grade", "7/vector"]);
    let same = student.says(&["solution", "vector"]);
    assert!(same.code == 0 && !same.stdout.lines().any(|line| line.starts_with("+ use")), "{same}");
    let second = student.says(&["solution", "vector", "--second"]);
    assert!(second.stdout.contains("The second solution of 7/vector"), "{second}");
    assert!(second.stdout.lines().any(|line| line.starts_with("+ ")), "{second}");
}

#[test]
fn a_file_that_exercises_share_is_shown_when_all_of_them_have_passed() {
    let student = Student::new();
    let election = [
        "initial",
        "reelection",
        "rules-vote",
        "rules-term",
        "one-leader-per-term",
        "split-votes",
        "many-elections",
        "timer-resets",
        "quiet",
    ];
    let earned: String =
        election.iter().map(|check| format!("\"6/raft_election/{check}\" = 100\n")).collect();
    fs::write(student.folder().join(".faultlines/progress.toml"), format!("version = 1\n[checks]\n{earned}"))
        .expect("written");
    assert!(!student.says(&["next"]).stdout.contains("Next: 6/raft_election"), "it counts as complete");
    insta::assert_snapshot!("a_shared_file", student.says(&["solution", "raft_election"]));
    assert_eq!(student.says(&["solution", "raft_election", "--give-up", "--alone"]).code, 0);
    assert_eq!(student.says(&["solution", "raft_persist", "--alone"]).code, 0, "it was shown already");
}

#[test]
fn the_shell_is_told_the_names() {
    for shell in ["bash", "zsh", "fish"] {
        let script = faultlines(&["completions", shell]);
        assert!(script.code == 0 && script.stdout.contains("FAULTLINES_COMPLETE"), "{script}");
    }
    let asked = Command::new(env!("CARGO_BIN_EXE_faultlines"))
        .env("FAULTLINES_COMPLETE", "fish")
        .args(["--", "faultlines", "grade", "7/l"])
        .output()
        .expect("the binary was built for this test");
    assert_eq!(String::from_utf8_lossy(&asked.stdout).trim(), "7/lamport");
    assert!(faultlines(&["man"]).stdout.starts_with(".ie"));
    insta::assert_snapshot!("exit_codes", faultlines(&["exit-codes"]));
    assert!(faultlines(&["help", "exit-codes"]).stdout.starts_with("How faultlines ends"));
}

#[test]
fn pages_in_ascii_are_ascii_and_colours_are_asked_for() {
    let student = Student::new();
    student.writes("07-logical-clocks", "lamport", &[RESTART]);
    student.says(&["complete", "roadmap"]);
    let pages: [&[&str]; 6] =
        [&[], &["list"], &["next"], &["grade", "7/lamport"], &["replay"], &["hint", "lamport"]];
    for page in pages {
        let ran = student.says(&[page, &["--ascii"]].concat());
        let found: String = ran.stdout.chars().filter(|c| !c.is_ascii()).collect();
        assert_eq!(found, "", "{ran}");
    }
    assert!(student.says(&["list", "--color", "always"]).stdout.contains("\u{1b}["));
    assert!(!student.says(&["list", "--color", "never"]).stdout.contains('\u{1b}'));
    let empty = tempfile::tempdir().expect("a temporary folder");
    let outside = faultlines_in(empty.path(), &[]);
    assert!(outside.stdout.starts_with("No workspace here. `faultlines init DIR` makes one"), "{outside}");
    assert!(outside.stdout.contains("7. Ordering & Logical Clocks                 6 exercises"), "{outside}");
    assert!(!outside.stdout.contains("XP"), "nothing is earned where nothing is kept: {outside}");
}
