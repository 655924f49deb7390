//! `faultlines dev`: for authors of exercises.

use crate::faultlines;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What a new exercise touches, in a project of one chapter with one exercise.
const FILES: [(&str, &str); 10] = [
    (
        "Cargo.toml",
        "[workspace.dependencies]\nch07 = { path = \"tests/ch07\" }\nsolution-07-logical-clocks = { path = \"solutions/07-logical-clocks\" }\n",
    ),
    ("exercises/Cargo.toml", "[workspace]\nmembers = [\"07-logical-clocks\"]\n"),
    ("exercises/07-logical-clocks/README.md", "# Clocks\n\n## lamport\n\n## The checks\n"),
    ("exercises/07-logical-clocks/chapter.toml", "number = 7\n"),
    ("harness/lab/src/contracts/mod.rs", "//! Contracts.\n\npub mod lamport;\npub mod mutex;\n"),
    ("solutions/07-logical-clocks/src/lib.rs", "//! Chapter 7.\n\npub mod lamport;\n"),
    ("tests/ch07/second/src/lib.rs", "//! Chapter 7.\n\npub mod lamport;\n"),
    (
        "tests/ch07/src/lib.rs",
        "mod lamport;\n\nuse judge::Chapter;\n\n        exercises: vec![lamport::exercise()],\n        planned: &[\n            Planned { id: \"matrix_clock\", xp: 12 },\n        ],\n",
    ),
    ("tests/course/Cargo.toml", "[dependencies]\nch07.workspace = true\njudge.workspace = true\n"),
    ("tests/course/src/lib.rs", "    vec![ch07::chapter()]\n"),
];
fn checkout() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (file, text) in FILES {
        let file = folder.path().join(file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, text).expect("written");
    }
    folder
}
fn new(root: &Path, exercise: &str) -> crate::Ran {
    faultlines(&["dev", "new", exercise, "--root", &root.to_string_lossy()])
}
/// The lines that are there now and were not before.
fn added(root: &Path, file: &str) -> String {
    let before = FILES.iter().find(|(name, _)| *name == file).map_or("", |(_, text)| text);
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
        "tests/ch07/src/matrix_clock/checks.rs",
        "exercises/07-logical-clocks/README.md",
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
