//! Right programs that are unlike a reference.

use crate::REFERENCE;
use std::path::PathBuf;

/// A chapter with this file of right programs.
fn chapter(name: &str, cards: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(folder.join("right")).expect("the folder of temporary files is writable");
    std::fs::write(folder.join("right/clock.diff"), cards)
        .expect("the folder of temporary files is writable");
    folder
}

#[test]
fn a_right_program_names_its_exercises_and_says_what_is_unusual() {
    let text = "\
# A comment.

clock-runs-faster   other another
Counts in steps of two.
It may.
@ clock.rs on_message
-        self.time += 1;
+        self.time += 2;
";
    let cards = mutants::read_right(&chapter("right-one", text)).unwrap();
    let [card] = &cards[..] else { panic!("{cards:?}") };
    assert_eq!(card.id, "clock-runs-faster");
    assert_eq!(card.exercises, ["clock", "other", "another"]);
    assert_eq!(card.why, "Counts in steps of two. It may.");
    let changed = card.apply([("src/clock.rs", REFERENCE)]).unwrap();
    assert_eq!(changed[0].1.matches("self.time += 2;").count(), 1);
}

#[test]
fn a_chapter_without_right_programs_has_none() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("right-none");
    assert_eq!(mutants::read_right(&folder).unwrap(), []);
}

#[test]
fn all_that_is_wrong_with_a_right_program_is_named() {
    let text = "\
one   clock/ticks
@ clock.rs on_message
-        self.time += 1;
+        self.time += 2;

one
Changes nothing.

one
Is there already.
@ clock.rs on_message
-        self.time += 1;
+        self.time += 3;
";
    let faults = mutants::read_right(&chapter("right-wrong", text)).unwrap_err().to_string();
    for said in
        ["`clock/ticks` is a check", "what is unusual about this program", "the card changes nothing", "name"]
    {
        assert!(faults.contains(said), "{said} is not in:\n{faults}");
    }
}
