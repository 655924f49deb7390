//! Everything that a student can read of a chapter's checks, in one snapshot: so that an edit of a promise, a hint or a
//! violation is reviewed as prose.

use crate::texts::{Chapter, hints, violations};
use std::fmt::Write;

fn everything(chapter: &Chapter) -> String {
    let mut all = String::new();
    let hints = hints(chapter);
    for exercise in &chapter.suite.exercises {
        let _ = writeln!(all, "# {}\n", exercise.id);
        for check in &exercise.checks {
            let _ = writeln!(all, "## {}/{}", exercise.id, check.id);
            let _ = writeln!(all, "{}\n{}", check.promise, check.rule);
            let _ = writeln!(all, "Do not assume that {}", check.assumption);
            for (_, untested) in check.sometimes {
                let _ = writeln!(all, "{untested}");
            }
            all.push('\n');
        }
        for (level, hint) in
            hints.iter().filter(|(id, _)| id == exercise.id).flat_map(|(_, hints)| (1..).zip(hints))
        {
            let _ = writeln!(all, "## Hint {level} of {}\n{}\n", exercise.id, hint.trim());
        }
    }
    all.push_str("# Violations, and words beside events\n");
    let suite = format!("tests/ch{:02}/", chapter.suite.number);
    let mut file = String::new();
    for (place, text) in violations().into_iter().filter(|(place, _)| place.starts_with(&suite)) {
        if file != place {
            let _ = writeln!(all, "\n## {place}");
            file = place;
        }
        let _ = writeln!(all, "{text}");
    }
    all
}

#[test]
fn everything_that_a_student_can_read_of_a_chapter() {
    for chapter in Chapter::all() {
        insta::assert_snapshot!(format!("chapter_{}", chapter.suite.number), everything(&chapter));
    }
}
