//! The table of checks in a chapter's README: each check with its promise, as the suite has it.

use judge::{Chapter, Exercise, Kind};
use std::fmt::Write;

/// The line before the table.
pub(crate) const BEGIN: &str = "<!-- checks: `faultlines verify freshness --repair` writes this table -->";
/// The line after it.
pub(crate) const END: &str = "<!-- end of the checks -->";

/// The README with the table as it should be; `None` where the README has no place for it.
pub(crate) fn written_into(readme: &str, chapter: &Chapter) -> Option<String> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    let tables: Vec<String> = chapter.exercises.iter().map(table).collect();
    Some(format!("{before}{BEGIN}\n\n{}\n{END}{after}", tables.join("\n")))
}
fn table(exercise: &Exercise) -> String {
    let mut table = format!("| `{}` | promise | kind | XP |\n|---|---|---|---|\n", exercise.id);
    for check in &exercise.checks {
        let kind = match check.kind {
            Kind::Safety => "safety",
            Kind::Liveness => "liveness",
            Kind::Cost => "cost",
        };
        let promise = check.promise.replace('|', "\\|");
        let _ = writeln!(table, "| `{}` | {promise} | {kind} | {} |", check.id, check.xp);
    }
    table
}
