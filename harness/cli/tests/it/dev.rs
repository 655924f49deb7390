//! `faultlines dev`: for authors of exercises.

use crate::{faultlines, root};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A checkout with nothing in it but what a new exercise touches.
fn checkout() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for file in [
        "Cargo.toml",
        "exercises/Cargo.toml",
        "exercises/07-logical-clocks/README.md",
        "exercises/07-logical-clocks/chapter.toml",
        "harness/lab/src/contracts/mod.rs",
        "solutions/07-logical-clocks/src/lib.rs",
        "tests/ch07/second/src/lib.rs",
        "tests/ch07/src/lib.rs",
        "tests/course/Cargo.toml",
        "tests/course/src/lib.rs",
    ] {
        let copy = folder.path().join(file);
        fs::create_dir_all(copy.parent().expect("a folder")).expect("a folder");
        fs::copy(root().join(file), copy).expect("a copy");
    }
    folder
}
fn new(root: &Path, exercise: &str) -> crate::Ran {
    faultlines(&["dev", "new", exercise, "--root", &root.to_string_lossy()])
}
/// The lines that are there now and were not before.
fn added(root: &Path, file: &str) -> String {
    let before = fs::read_to_string(crate::root().join(file)).unwrap_or_default();
    let after = fs::read_to_string(root.join(file)).expect("a file");
    let mut text = format!("{file}\n");
    for line in after.lines().filter(|line| !before.lines().any(|known| known == *line)) {
        let _ = writeln!(text, "+ {line}");
    }
    text
}

#[test]
fn an_exercise_of_a_chapter_that_is_there() {
    let checkout = checkout();
    let ran = new(checkout.path(), "7/matrix_clock");
    let changed = [
        "harness/lab/src/contracts/mod.rs",
        "solutions/07-logical-clocks/src/lib.rs",
        "tests/ch07/second/src/lib.rs",
        "tests/ch07/src/lib.rs",
    ];
    let changes: String = changed.map(|file| added(checkout.path(), file)).concat();
    insta::assert_snapshot!(format!("{ran}\n{changes}"));
}
#[test]
fn the_first_exercise_of_a_chapter() {
    let checkout = checkout();
    let ran = new(checkout.path(), "9/retry");
    let changed = [
        "Cargo.toml",
        "exercises/Cargo.toml",
        "tests/course/Cargo.toml",
        "tests/course/src/lib.rs",
        "tests/ch09/src/lib.rs",
    ];
    let changes: String = changed.map(|file| added(checkout.path(), file)).concat();
    insta::assert_snapshot!(format!("{ran}\n{changes}"));
    let again = new(checkout.path(), "9/retry");
    assert!(again.stderr.contains("is there already"), "{again}");
}
#[test]
fn what_cannot_be_a_new_exercise() {
    let checkout = checkout();
    let said = ["wal", "10/wal", "2/Wal", "2/"].map(|name| new(checkout.path(), name).to_string());
    insta::assert_snapshot!(said.join("\n"));
}
