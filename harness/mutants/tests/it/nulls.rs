//! Null mutants.

use crate::{changes, read};

const SECTION: &str = "\
null   clock/ticks   clock.rs
silent timed_out
refusing
@ clock.rs on_request
+        let _ = request;
@ clock.rs tick
+        self.time = 0;
echoing

keep on_message
@ clock.rs later
+    true
";

#[test]
fn there_are_three_and_each_scores_nothing() {
    let cards = read(SECTION);
    let said = cards.iter().map(|card| {
        let name = card.caught_by();
        assert!(card.null);
        format!("{}: {name} {}: {}\n{}", card.id, card.verdict, card.bug, changes(card))
    });
    insta::assert_snapshot!(said.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_silent_one_needs_no_line() {
    let with = read(SECTION);
    let without = read(&SECTION.replace("silent timed_out\n", ""));
    let told = without.iter().map(|card| (card.id.as_str(), card.verdict.as_str()));
    assert_eq!(told.collect::<Vec<_>>()[0], ("clock-null-silent", "failed"));
    assert_eq!(with.len(), without.len());
}
