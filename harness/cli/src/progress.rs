//! What has been earned, kept in a file: merged by best, written whole or not at all.
//!
//! The file is the student's own; nobody else believes it. CI grades again. A command that only reads never changes it.
//! What git or an editor has done to it is understood as far as it can be: of both sides of a conflict, the better
//! counts.

use crate::Failed;
use crate::course::Selected;
use crate::report::Report;
use anyhow::{Context, anyhow};
use judge::Chapter;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// What completing a chapter earns on top of its checks, and what reading the roadmap earns.
pub(crate) const BONUS_XP: u32 = 10;
const VERSION: u32 = 1;
/// A file of ours, in bytes; no honest one is as long.
const FILE_MAX: u64 = 4 << 20;
/// How often, and how long in between, to ask for a lock that another grade holds while it writes.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// Everything earned so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    version: u32,
    /// The roadmap was read to its end.
    #[serde(default)]
    pub(crate) roadmap_read: bool,
    /// The best XP of each check, by `chapter/exercise/check`.
    #[serde(default)]
    checks: BTreeMap<String, u32>,
    /// Exercises whose solution was read before they passed: what did not pass before earns nothing any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) given_up: BTreeSet<String>,
    /// What a newer version of this program keeps here, too.
    #[serde(flatten)]
    more: BTreeMap<String, toml::Value>,
}
impl Default for Progress {
    fn default() -> Self {
        Progress {
            version: VERSION,
            roadmap_read: false,
            checks: BTreeMap::new(),
            given_up: BTreeSet::new(),
            more: BTreeMap::new(),
        }
    }
}

/// What a file holds.
enum Found {
    /// All of it could be read.
    Whole(Progress),
    /// Of a newer version of this program: to be read, and not to be written.
    Newer(Progress),
    /// Some of it could be read, or nothing. Why not all.
    Damaged(Progress, String),
}

impl Progress {
    /// Reads the file; nothing earned yet where there is none. What cannot be read of it, `warn` is told.
    pub(crate) fn read(file: &Path, warn: &mut dyn FnMut(String)) -> Progress {
        match Progress::find(file) {
            Ok(Found::Whole(progress)) => progress,
            Ok(Found::Newer(progress)) => {
                warn(newer(file));
                progress
            }
            Ok(Found::Damaged(progress, why)) => {
                warn(format!(
                    "{} could not be read in full: {why}. What could be read counts, the better of two values where there are two. \
                     The next grade writes the file anew and keeps a copy of this one",
                    file.display()
                ));
                progress
            }
            Err(error) => {
                warn(format!("cannot read your progress from {}: {error}", file.display()));
                Progress::default()
            }
        }
    }
    fn find(file: &Path) -> io::Result<Found> {
        let text = match read_text(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Found::Whole(Progress::default()));
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Ok(Found::Damaged(Progress::default(), error.to_string()));
            }
            Err(error) => return Err(error),
        };
        Ok(match toml::from_str::<Progress>(&text) {
            Ok(progress) if progress.version > VERSION => Found::Newer(progress),
            Ok(progress) => Found::Whole(progress),
            Err(error) => {
                let is_conflict = text.lines().any(|line| line.starts_with("<<<<<<<"));
                let why = match is_conflict {
                    true => "git left a conflict in it".to_owned(),
                    false => error.message().to_owned(),
                };
                Found::Damaged(Progress::salvage(&text), why)
            }
        })
    }
    /// What single lines still say: both sides of a conflict, and what is there twice.
    fn salvage(text: &str) -> Progress {
        let mut progress = Progress::default();
        for line in text.lines().map(str::trim) {
            let Some((key, value)) = line.split_once('=') else { continue };
            let (key, value) = (key.trim().trim_matches('"'), value.trim());
            if key == "roadmap_read" && value == "true" {
                progress.roadmap_read = true;
            } else if let (2, Ok(xp)) = (key.matches('/').count(), value.parse::<u32>()) {
                let best = progress.checks.entry(key.to_owned()).or_default();
                *best = xp.max(*best);
            }
        }
        progress
    }
    /// Changes the file: reads it, changes what it holds, and writes it, while no other process does. A file that cannot be
    /// read in full is kept as a copy beside the new one.
    pub(crate) fn update<R>(
        file: &Path,
        warn: &mut dyn FnMut(String),
        change: impl FnOnce(&mut Progress) -> R,
    ) -> Result<(R, Progress), Failed> {
        let folder = file.parent().unwrap_or(Path::new("."));
        let kept = || format!("cannot keep your progress in {}", file.display());
        fs::create_dir_all(folder).with_context(kept).map_err(Failed::usage)?;
        let _lock = lock(folder).with_context(kept).map_err(Failed::usage)?;
        let mut progress = match Progress::find(file).with_context(kept).map_err(Failed::usage)? {
            Found::Whole(progress) => progress,
            Found::Newer(_) => return Err(Failed::usage(anyhow!(newer(file)))),
            Found::Damaged(progress, why) => {
                let aside = (1..)
                    .map(|nth| file.with_extension(format!("toml.unreadable-{nth}")))
                    .find(|path| !path.exists());
                let aside = aside.expect("numbers do not run out");
                fs::copy(file, &aside)
                    .with_context(|| format!("cannot set aside the unreadable {}", file.display()))
                    .map_err(Failed::usage)?;
                warn(format!(
                    "your progress could not be read in full ({why}). The file is kept as {}; what could be read counts",
                    aside.display()
                ));
                progress
            }
        };
        let result = change(&mut progress);
        progress.write(file).with_context(kept).map_err(Failed::usage)?;
        Ok((result, progress))
    }
    /// Writes the file: a reader finds the old one or the new one.
    fn write(&self, file: &Path) -> io::Result<()> {
        let file = behind_links(file);
        let folder = file.parent().unwrap_or(Path::new("."));
        let text = toml::to_string(self).map_err(io::Error::other)?;
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        new.write_all(text.as_bytes())?;
        new.as_file().sync_all()?;
        new.persist(&file).map_err(|e| e.error)?;
        Ok(())
    }

    /// Takes in a report: of each check the better of then and now. Returns what is newly earned.
    pub(crate) fn merge(&mut self, report: &Report) -> u32 {
        let mut gained = 0;
        for (name, xp, _) in report.earned() {
            if self
                .given_up
                .iter()
                .any(|exercise| name.strip_prefix(exercise.as_str()).is_some_and(|id| id.starts_with('/')))
            {
                continue;
            }
            let best = self.checks.entry(name).or_default();
            gained += xp.saturating_sub(*best);
            *best = xp.max(*best);
        }
        self.checks.retain(|_, xp| *xp > 0);
        gained
    }
    /// Takes in what was earned on another machine: of each check the better one. Returns what is newly earned.
    pub(crate) fn take_in(&mut self, other: &Progress) -> u32 {
        let mut gained = 0;
        for (name, xp) in &other.checks {
            let best = self.checks.entry(name.clone()).or_default();
            gained += xp.saturating_sub(*best);
            *best = (*xp).max(*best);
        }
        if other.roadmap_read && !self.roadmap_read {
            gained += BONUS_XP;
        }
        self.roadmap_read |= other.roadmap_read;
        self.given_up.extend(other.given_up.iter().cloned());
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
    /// Whether all of an exercise is earned.
    pub(crate) fn is_complete(&self, one: &Selected<'_>) -> bool {
        self.exercise_xp(&one.chapter.suite, one.exercise) >= one.exercise.xp()
    }
    /// Whether nothing of an exercise is left to earn: all is earned, or its solution was read.
    pub(crate) fn is_over(&self, one: &Selected<'_>) -> bool {
        self.is_complete(one) || self.given_up.contains(&one.name())
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

fn newer(file: &Path) -> String {
    format!(
        "{} is of a newer version of faultlines: what this version understands of it is shown, and nothing is written to it. \
         Update faultlines",
        file.display()
    )
}

/// The text of a small regular file. Nothing is waited for: a pipe in its place is an error.
pub(crate) fn read_text(file: &Path) -> io::Result<String> {
    let kind = fs::metadata(file)?;
    if !kind.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    File::open(file)?.take(FILE_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// The file that a link leads to: it is written in its place, and the link stays.
fn behind_links(file: &Path) -> PathBuf {
    let is_link = fs::symlink_metadata(file).is_ok_and(|of| of.is_symlink());
    if is_link && let Ok(target) = file.canonicalize() { target } else { file.to_owned() }
}

/// Keeps other processes from writing in this folder for as long as it is held. Where one holds it for very long, it is
/// stopped or gone astray: then this process writes without.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).append(true).open(folder.join("lock"))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => sleep(LOCK_PAUSE),
            // a file system without locks
            Err(TryLockError::Error(_)) => break,
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_warning(warning: String) {
        panic!("{warning}");
    }
    /// What is read of a file with this text, and how many warnings there were.
    fn read(text: &str) -> (Progress, usize) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("progress.toml");
        fs::write(&file, text).unwrap();
        let mut warnings = 0;
        let progress = Progress::read(&file, &mut |_| warnings += 1);
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "reading changes nothing");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "reading leaves nothing behind");
        (progress, warnings)
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(".faultlines/progress.toml");
        assert_eq!(Progress::read(&file, &mut no_warning), Progress::default());
        let change = |progress: &mut Progress| {
            progress.roadmap_read = true;
            progress.checks.insert("7/lamport/restart".into(), 4);
        };
        let ((), written) = Progress::update(&file, &mut no_warning, change).unwrap();
        assert_eq!(Progress::read(&file, &mut no_warning), written);
        assert_eq!(written.checks["7/lamport/restart"], 4);
    }

    #[test]
    fn what_cannot_be_read_is_never_lost() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("progress.toml");
        for (nth, broken) in ["version = 1\nchecks = 7", "[", "\u{0}"].into_iter().enumerate() {
            fs::write(&file, broken).unwrap();
            let mut warnings = Vec::new();
            Progress::update(&file, &mut |warning| warnings.push(warning), |_| ()).unwrap();
            assert_eq!(warnings.len(), 1);
            let aside = dir.path().join(format!("progress.toml.unreadable-{}", nth + 1));
            assert_eq!(fs::read_to_string(aside).unwrap(), broken);
            assert_eq!(Progress::read(&file, &mut no_warning), Progress::default());
        }
    }

    #[test]
    fn both_sides_of_a_conflict_count_and_of_two_values_the_better() {
        let conflict = "version = 1\nroadmap_read = false\n\n[checks]\n\"7/lamport/restart\" = 4\n<<<<<<< HEAD\n\
                        \"7/mutex/order\" = 3\n\"7/hlc/bound\" = 1\n=======\n\"7/mutex/order\" = 5\n>>>>>>> theirs\n";
        let union = "version = 1\nroadmap_read = true\n[checks]\n\"7/mutex/order\" = 3\n\"7/mutex/order\" = 5\n\"7/hlc/bound\" = 1\n\"7/lamport/restart\" = 4\n";
        for text in [conflict, union] {
            let (progress, warnings) = read(text);
            let found: Vec<(&str, u32)> =
                progress.checks.iter().map(|(name, xp)| (name.as_str(), *xp)).collect();
            assert_eq!(found, [("7/hlc/bound", 1), ("7/lamport/restart", 4), ("7/mutex/order", 5)]);
            assert_eq!(warnings, 1);
        }
    }

    #[test]
    fn what_a_newer_version_wrote_is_read_and_left_alone() {
        let newer = "version = 2\n[checks]\n\"7/lamport/restart\" = 4\n[medals]\ngold = 1\n";
        let (progress, warnings) = read(newer);
        assert_eq!((progress.checks.len(), warnings), (1, 1));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("progress.toml");
        fs::write(&file, newer).unwrap();
        assert!(Progress::update(&file, &mut no_warning, |_| ()).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), newer);
        // a field more is kept by who does not know it
        let more = "version = 1\nstreak = 3\n[checks]\n\"7/lamport/restart\" = 4\n";
        assert_eq!(read(more).1, 0);
        fs::write(&file, more).unwrap();
        Progress::update(&file, &mut no_warning, |progress| progress.roadmap_read = true).unwrap();
        assert!(fs::read_to_string(&file).unwrap().contains("streak = 3"));
    }

    #[test]
    fn a_pipe_in_the_place_of_the_file_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("progress.toml");
        rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
            .unwrap();
        let mut warnings = 0;
        assert_eq!(Progress::read(&file, &mut |_| warnings += 1), Progress::default());
        assert_eq!(warnings, 1);
        assert!(Progress::update(&file, &mut no_warning, |_| ()).is_err());
    }

    #[test]
    fn a_link_stays_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (file, real) = (dir.path().join("progress.toml"), dir.path().join("real.toml"));
        fs::write(&real, "version = 1\n").unwrap();
        std::os::unix::fs::symlink(&real, &file).unwrap();
        Progress::update(&file, &mut no_warning, |progress| progress.roadmap_read = true).unwrap();
        assert!(fs::symlink_metadata(&file).unwrap().is_symlink());
        assert!(fs::read_to_string(&real).unwrap().contains("roadmap_read = true"));
    }
}
