//! The last grades, kept in the workspace: what passed, so that the next one can tell what is new, and what failed, so that `replay`
//! finds it again.
//!
//! They are of this machine: git does not keep them, and where they are lost, the next grade makes them anew.

use crate::Failed;
use crate::report::Report;
use crate::text::listed;
use crate::workspace::Workspace;
use anyhow::Context;
use judge::{Check, Exercise};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;

const VERSION: u32 = 1;

/// What the last grade of each exercise found.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Last {
    version: u32,
    /// What each check earned, by `chapter/exercise/check`.
    #[serde(default)]
    xp: BTreeMap<String, u32>,
    /// Worlds that failed: those of the last grade first, in the order of the course.
    #[serde(default, rename = "failure")]
    failures: Vec<Kept>,
}
/// One world that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    /// `chapter/exercise/check`.
    pub(crate) check: String,
    /// Its place in the check.
    pub(crate) world: u32,
    /// Its seed.
    pub(crate) seed: String,
}

impl Last {
    /// What is kept in this workspace; nothing, where it cannot be read.
    pub(crate) fn read(workspace: &Workspace) -> Last {
        let text = crate::progress::read_text(&workspace.last_file()).ok();
        let read = text.and_then(|text| toml::from_str::<Last>(&text).ok());
        read.filter(|read| read.version == VERSION).unwrap_or(Last {
            version: VERSION,
            xp: BTreeMap::new(),
            failures: Vec::new(),
        })
    }
    /// The first failure.
    pub(crate) fn first(&self) -> Option<&Kept> {
        self.failures.first()
    }
    /// The first of an exercise, such as 7/lamport.
    pub(crate) fn first_of(&self, exercise: &str) -> Option<&Kept> {
        self.failures
            .iter()
            .find(|kept| kept.check.strip_prefix(exercise).is_some_and(|rest| rest.starts_with('/')))
    }
    /// That of this check.
    pub(crate) fn of(&self, check: &str) -> Option<&Kept> {
        self.failures.iter().find(|kept| kept.check == check)
    }
    /// What an exercise earned in its last grade; `None` where some of its checks were never graded.
    pub(crate) fn xp_of(&self, chapter: u8, exercise: &Exercise) -> Option<u32> {
        let of = |check: &Check| self.xp.get(&format!("{chapter}/{}/{}", exercise.id, check.id)).copied();
        exercise.checks.iter().map(of).sum()
    }
    /// What a report says that is new.
    pub(crate) fn changes(&self, report: &Report) -> Changes {
        let mut changes = Changes::default();
        for (name, xp, max) in report.earned() {
            match self.xp.get(&name) {
                Some(before) if *before < max && xp == max => changes.passes.push((name, max)),
                Some(before) if *before == max && xp < max => changes.fails.push(name),
                _ => {}
            }
        }
        changes
    }
    /// Puts what a report says in the place of what was known of its checks.
    pub(crate) fn update(&mut self, report: &Report) {
        self.xp.extend(report.earned().map(|(name, xp, _)| (name, xp)));
        self.note_failures(report);
    }
    /// The same for the runs that failed alone: those of a report under other seeds can be replayed, and say nothing of what passes
    /// under the public ones.
    pub(crate) fn note_failures(&mut self, report: &Report) {
        let mut failed = Vec::new();
        for chapter in report.chapters.iter().filter(|chapter| chapter.fault.is_none()) {
            for graded in &chapter.exercises {
                for check in &graded.report.checks {
                    let name = format!("{}/{}/{}", chapter.number, graded.report.id, check.id);
                    self.failures.retain(|kept| kept.check != name);
                    if let Some(failure) = &check.failure {
                        let (world, seed) = (failure.world, failure.seed.to_string());
                        failed.push(Kept { check: name, world, seed });
                    }
                }
            }
        }
        self.failures.splice(0..0, failed);
    }
    /// Writes them, whole or not at all.
    pub(crate) fn write(&self, workspace: &Workspace) -> Result<(), Failed> {
        let file = workspace.last_file();
        let write = || -> anyhow::Result<()> {
            let text = format!(
                "# What the last grades found; `faultlines replay` repeats a run that failed.\n{}",
                toml::to_string(self)?
            );
            let folder = file.parent().context("a file in a folder")?;
            std::fs::create_dir_all(folder)?;
            let mut new = tempfile::NamedTempFile::new_in(folder)?;
            new.write_all(text.as_bytes())?;
            new.persist(&file)?;
            Ok(())
        };
        write().with_context(|| format!("cannot write {}", file.display())).map_err(Failed::usage)
    }
}

/// What is other than in the last grade.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Checks that did not pass before and do now, and what they are worth.
    passes: Vec<(String, u32)>,
    /// Checks that passed before and do not pass now.
    fails: Vec<String>,
}
impl Changes {
    /// In words, a line each; empty where nothing has changed.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.passes.is_empty() {
            let names: Vec<&String> = self.passes.iter().map(|(name, _)| name).collect();
            let verb = if names.len() == 1 { "passes" } else { "pass" };
            lines.push(format!("New: {} {verb} now.", listed(&names)));
        }
        if !self.fails.is_empty() {
            let verb = if self.fails.len() == 1 { "does" } else { "do" };
            lines.push(format!(
                "Lost: {} passed in the last grade and {verb} not pass now.",
                listed(&self.fails)
            ));
        }
        lines
    }
}
