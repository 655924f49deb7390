//! What has been earned, kept in a file: merged by best, written whole or not at all.
//!
//! The file is the student's own; nobody else believes it. CI grades again.

use crate::Failed;
use crate::report::Report;
use anyhow::Context;
use judge::Chapter;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

/// What completing a chapter earns on top of its checks, and what reading the roadmap earns.
pub(crate) const BONUS_XP: u32 = 10;
const VERSION: u32 = 1;

/// Everything earned so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    version: u32,
    /// The roadmap was read to its end.
    #[serde(default)]
    pub(crate) roadmap_read: bool,
    /// The best XP of each check, by `chapter/exercise/check`.
    #[serde(default)]
    checks: BTreeMap<String, u32>,
}
impl Default for Progress {
    fn default() -> Self {
        Progress { version: VERSION, roadmap_read: false, checks: BTreeMap::new() }
    }
}

impl Progress {
    /// Reads the file; nothing earned yet where there is none. One that cannot be read is set aside, and `warn` is
    /// told where it went.
    pub(crate) fn read(file: &Path, warn: &mut dyn FnMut(String)) -> Result<Progress, Failed> {
        let text = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Progress::default()),
            Err(e) => {
                return Err(Failed::usage(
                    anyhow::Error::new(e)
                        .context(format!("cannot read your progress from {}", file.display())),
                ));
            }
        };
        let parsed = String::from_utf8(text).map_err(|e| e.to_string());
        let parsed =
            parsed.and_then(|text| toml::from_str::<Progress>(&text).map_err(|e| e.message().to_owned()));
        let why = match parsed {
            Ok(progress) if progress.version == VERSION => return Ok(progress),
            Ok(progress) => format!("it is of version {}, and this is version {VERSION}", progress.version),
            Err(why) => why,
        };
        let aside = (1..)
            .map(|nth| file.with_extension(format!("toml.unreadable-{nth}")))
            .find(|path| !path.exists());
        let aside = aside.expect("numbers do not run out");
        fs::rename(file, &aside)
            .with_context(|| format!("cannot set aside the unreadable {}", file.display()))
            .map_err(Failed::usage)?;
        warn(format!(
            "your progress could not be read ({why}). The file is kept as {}. Grade again: every check that passes counts \
             again",
            aside.display()
        ));
        Ok(Progress::default())
    }
    /// Writes the file: whoever reads it finds the old one or the new one.
    pub(crate) fn write(&self, file: &Path) -> Result<(), Failed> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let text = toml::to_string(self).expect("names and numbers");
        (|| -> std::io::Result<()> {
            fs::create_dir_all(folder)?;
            let mut new = tempfile::NamedTempFile::new_in(folder)?;
            new.write_all(text.as_bytes())?;
            new.as_file().sync_all()?;
            new.persist(file).map_err(|e| e.error)?;
            Ok(())
        })()
        .with_context(|| format!("cannot keep your progress in {}", file.display()))
        .map_err(Failed::usage)
    }

    /// Takes in a report: of each check the better of then and now. Returns what is newly earned.
    pub(crate) fn merge(&mut self, report: &Report) -> u32 {
        let mut gained = 0;
        for (name, xp) in report.earned() {
            let best = self.checks.entry(name).or_default();
            gained += xp.saturating_sub(*best);
            *best = xp.max(*best);
        }
        self.checks.retain(|_, xp| *xp > 0);
        gained
    }
    /// What is earned of an exercise.
    pub(crate) fn exercise_xp(&self, chapter: &Chapter, exercise: &judge::Exercise) -> u32 {
        let best = |check: &judge::Check| {
            let name = format!("{}/{}/{}", chapter.number, exercise.id, check.id);
            self.checks.get(&name).copied().unwrap_or(0).min(check.xp)
        };
        exercise.checks.iter().map(best).sum()
    }
    /// What is earned of a chapter, and whether all of it is: with the bonus then.
    pub(crate) fn chapter_xp(&self, chapter: &Chapter) -> (u32, bool) {
        let earned: u32 = chapter.exercises.iter().map(|exercise| self.exercise_xp(chapter, exercise)).sum();
        let built: u32 = chapter.exercises.iter().map(judge::Exercise::xp).sum();
        let complete = chapter.planned.is_empty() && earned == built;
        (earned + if complete { BONUS_XP } else { 0 }, complete)
    }
    /// Everything.
    pub(crate) fn total_xp(&self, chapters: &[&Chapter]) -> u32 {
        let chapters: u32 = chapters.iter().map(|chapter| self.chapter_xp(chapter).0).sum();
        chapters + if self.roadmap_read { BONUS_XP } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_warning(warning: String) {
        panic!("{warning}");
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".faultlines/progress.toml");
        let mut progress = Progress::read(&file, &mut no_warning).unwrap();
        assert_eq!(progress, Progress::default());
        progress.roadmap_read = true;
        progress.checks.insert("7/lamport/restart".into(), 4);
        progress.write(&file).unwrap();
        assert_eq!(Progress::read(&file, &mut no_warning).unwrap(), progress);
    }

    #[test]
    fn what_cannot_be_read_is_set_aside_and_never_lost() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("progress.toml");
        for (nth, broken) in ["version = 1\nchecks = 7", "version = 99", "\u{0}"].into_iter().enumerate() {
            fs::write(&file, broken).unwrap();
            let mut warnings = Vec::new();
            let progress = Progress::read(&file, &mut |warning| warnings.push(warning)).unwrap();
            assert_eq!(progress, Progress::default());
            assert_eq!(warnings.len(), 1);
            let aside = dir.path().join(format!("progress.toml.unreadable-{}", nth + 1));
            assert_eq!(fs::read_to_string(aside).unwrap(), broken);
        }
    }
}
