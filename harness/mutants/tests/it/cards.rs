//! What a card says.

use crate::read;
use mutants::{Card, Hunk, Line};

#[test]
fn a_card_with_everything() {
    let cards = read(
        "\
# A comment.

counts-twice   clock/ticks   crashed   rule one-tick   also restart order
Counts each request
twice.
> panicked at src/clock.rs:
outside clock::COUNT clock::TIMES
@ clock.rs on_request
         self.time += 1;

# A comment within a hunk.
-        if request > LIMIT {
+        if request > 0 {
@ clock.rs
+// a line
 const LIMIT: u64 = 9;


plain   clock/order
Orders nothing.

@ clock.rs later
-    a > b
+    a < b
",
    );
    let kept = |text: &str| Line::Kept(text.to_owned());
    let added = |text: &str| Line::Added(text.to_owned());
    let removed = |text: &str| Line::Removed(text.to_owned());
    let hunk = |function: Option<&str>, line, lines| Hunk {
        file: "clock.rs".to_owned(),
        function: function.map(str::to_owned),
        lines,
        line,
    };
    let first = Card {
        id: "counts-twice".to_owned(),
        exercise: "clock".to_owned(),
        check: "ticks".to_owned(),
        verdict: "crashed".to_owned(),
        also: vec!["restart".to_owned(), "order".to_owned()],
        rule: Some("one-tick".to_owned()),
        null: false,
        bug: "Counts each request twice.".to_owned(),
        says: Some("panicked at src/clock.rs:".to_owned()),
        outside: vec!["clock::COUNT".to_owned(), "clock::TIMES".to_owned()],
        hunks: vec![
            hunk(
                Some("on_request"),
                8,
                vec![
                    kept("        self.time += 1;"),
                    kept(""),
                    removed("        if request > LIMIT {"),
                    added("        if request > 0 {"),
                ],
            ),
            hunk(None, 14, vec![added("// a line"), kept("const LIMIT: u64 = 9;")]),
        ],
        emptied: None,
        file: "clock.diff".to_owned(),
        line: 3,
    };
    let second = Card {
        id: "plain".to_owned(),
        check: "order".to_owned(),
        verdict: "failed".to_owned(),
        also: Vec::new(),
        rule: None,
        bug: "Orders nothing.".to_owned(),
        says: None,
        outside: Vec::new(),
        hunks: vec![hunk(Some("later"), 22, vec![removed("    a > b"), added("    a < b")])],
        line: 19,
        ..first.clone()
    };
    assert_eq!(cards, [first, second]);
    assert_eq!(cards[0].caught_by(), "clock/ticks");
}

#[test]
fn a_chapter_is_read_file_by_file_and_each_file_has_cards_of_one_exercise() {
    let chapter = tempfile::tempdir().expect("a temporary folder");
    let folder = chapter.path().join("mutants");
    std::fs::create_dir_all(&folder).expect("a folder");
    let card = |id: &str, exercise: &str| format!("{id}   {exercise}/check\nIs wrong.\n@ clock.rs\n-a\n");
    std::fs::write(folder.join("b.diff"), card("two", "b")).expect("written");
    std::fs::write(folder.join("a.diff"), card("one", "a")).expect("written");
    std::fs::write(folder.join("notes.txt"), "no cards").expect("written");
    let ids = |cards: Vec<Card>| cards.into_iter().map(|card| card.id).collect::<Vec<_>>();
    assert_eq!(mutants::read(chapter.path()).map(ids), Ok(vec!["one".to_owned(), "two".to_owned()]));

    std::fs::write(folder.join("b.diff"), card("one", "a")).expect("written");
    let faults = mutants::read(chapter.path()).expect_err("a card of another exercise, and an id twice");
    let told = faults.to_string().replace(&*chapter.path().to_string_lossy(), "[chapter]");
    insta::assert_snapshot!(told);
}

#[test]
fn a_chapter_without_cards_is_told_where_they_belong() {
    let chapter = tempfile::tempdir().expect("a temporary folder");
    let faults = mutants::read(chapter.path()).expect_err("there is no folder");
    insta::assert_snapshot!(faults.to_string().replace(&*chapter.path().to_string_lossy(), "[chapter]"));
}
