//! `faultlines hint`: one step after the other.
//!
//! Which hints somebody has read is kept in the workspace, so that the next call tells the next one. It is no progress: where it is lost
//! the first hint comes again.

use crate::course::Course;
use crate::text::{DIM, say, sayln, styled, width, wrapped};
use crate::workspace::Workspace;
use crate::{Exit, Failed};
use anyhow::anyhow;
use std::collections::BTreeMap;

/// Tells the hint of this level, counted from 1; without a level the one after the last that was told.
pub(crate) fn hint(name: &str, level: Option<usize>) -> Result<Exit, Failed> {
    let course = Course::load()?;
    let one = course.exercise(name)?;
    let name = format!("{}/{}", one.chapter.suite.number, one.exercise.id);
    let hints = one.chapter.about(one.exercise.id).map(|about| about.hints.as_slice()).unwrap_or_default();
    let workspace = Workspace::find().ok();
    let mut told = workspace.as_ref().map(read).unwrap_or_default();
    let last = told.get(&name).copied().unwrap_or(0);
    let level = level.unwrap_or((last + 1).min(hints.len()));
    let Some(hint) = level.checked_sub(1).and_then(|nth| hints.get(nth)) else {
        return Err(Failed::usage(anyhow!(
            "`{name}` has hints 1 to {}: `faultlines hint {name} --level 1`",
            hints.len()
        )));
    };
    sayln!("{}", styled(DIM, &format!("Hint {level} of {} for {name}\n", hints.len())));
    say!("{}", wrapped(hint.trim(), 0, width()));
    let more = match level < hints.len() {
        true => format!("\nNext hint: faultlines hint {name}"),
        false => format!("\nThat was the last hint. From the first one: faultlines hint {name} --level 1"),
    };
    sayln!("{}", styled(DIM, &more));
    told.insert(name, level);
    if let Some(workspace) = workspace {
        // who reads a hint wants the hint
        let _ = toml::to_string(&told).map(|text| std::fs::write(workspace.hints_file(), text));
    }
    Ok(Exit::Passed)
}
/// The last hint that was told of each exercise; nothing, where that cannot be read.
fn read(workspace: &Workspace) -> BTreeMap<String, usize> {
    let text = crate::progress::read_text(&workspace.hints_file()).unwrap_or_default();
    toml::from_str(&text).unwrap_or_default()
}
