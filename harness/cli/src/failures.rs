//! The failures of the last grades, kept in the workspace so that `replay` finds them again.

use crate::Failed;
use crate::report::Report;
use crate::workspace::Workspace;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::io::Write;

const VERSION: u32 = 1;

/// Worlds that failed, by check.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failures {
    version: u32,
    /// In the order of the course.
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

impl Failures {
    /// Those kept in this workspace; none, where none can be read: they are found again by grading.
    pub(crate) fn read(workspace: &Workspace) -> Failures {
        let text = crate::progress::read_text(&workspace.failures_file()).ok();
        let read = text.and_then(|text| toml::from_str::<Failures>(&text).ok());
        read.filter(|read| read.version == VERSION)
            .unwrap_or(Failures { version: VERSION, failures: Vec::new() })
    }
    /// The first of them.
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
    /// Puts what a report says in the place of what was known of its exercises.
    pub(crate) fn update(&mut self, report: &Report) {
        for chapter in report.chapters.iter().filter(|chapter| chapter.fault.is_none()) {
            for graded in &chapter.exercises {
                let exercise = format!("{}/{}/", chapter.number, graded.report.id);
                self.failures.retain(|kept| !kept.check.starts_with(&exercise));
                let failed = graded.report.checks.iter().filter_map(|check| {
                    let failure = check.failure.as_ref()?;
                    let (world, seed) = (failure.world, failure.seed.to_string());
                    Some(Kept { check: format!("{exercise}{}", check.id), world, seed })
                });
                self.failures.extend(failed);
            }
        }
    }
    /// Writes them, whole or not at all.
    pub(crate) fn write(&self, workspace: &Workspace) -> Result<(), Failed> {
        let file = workspace.failures_file();
        let write = || -> anyhow::Result<()> {
            let text = format!(
                "# The worlds that failed last; `faultlines replay` runs them again.\n{}",
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
