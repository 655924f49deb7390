//! Known wrong submissions of a chapter, and unusual right ones: what their cards name, and their sources.

use crate::Failed;
use crate::course::ChapterFolder;
use build::Sources;
use judge::{Check, Exercise, Verdict};
use mutants::{Card, Fault, Faults, Right};
use std::path::{Path, PathBuf};

/// The cards of a chapter's mutants.
pub(crate) fn mutants(root: &Path, chapter: &ChapterFolder) -> Result<Vec<Card>, Failed> {
    mutants::read(&root.join("solutions").join(chapter.suite.folder)).map_err(Failed::usage)
}

/// The cards of a chapter's submissions that misbehave.
pub(crate) fn misbehaving(root: &Path, chapter: &ChapterFolder) -> Result<Vec<Card>, Failed> {
    mutants::read_file(&misbehaving_file(root, chapter)).map_err(Failed::usage)
}
fn misbehaving_file(root: &Path, chapter: &ChapterFolder) -> PathBuf {
    chapter.tests(root).join("misbehaving.diff")
}

/// The exercise of a card, and the check that must catch it.
pub(crate) fn named<'a>(card: &Card, chapter: &'a ChapterFolder) -> Option<(&'a Exercise, &'a Check)> {
    let exercise = chapter.suite.exercises.iter().find(|exercise| exercise.id == card.exercise)?;
    Some((exercise, exercise.checks.iter().find(|check| check.id == card.check)?))
}

/// The reference with the bug put in.
pub(crate) fn apply(card: &Card, reference: &Sources) -> Result<Sources, Failed> {
    card.apply(reference.files()).map(Sources::of).map_err(Failed::usage)
}

/// The reference, changed as a right program is.
pub(crate) fn apply_right(card: &Right, reference: &Sources) -> Result<Sources, Failed> {
    card.apply(reference.files()).map(Sources::of).map_err(Failed::usage)
}

/// A verdict as reports and cards write it.
pub(crate) fn word(verdict: Verdict) -> String {
    serde_json::to_value(verdict).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What a card says of the check that must catch it, and is not so: the verdict, the rule that is broken, a text of the message.
pub(crate) fn contradictions(
    card: &Card,
    verdict: Verdict,
    broken: Option<&str>,
    message: &str,
) -> Vec<String> {
    let name = card.caught_by();
    let verdict = word(verdict);
    let mut found = Vec::new();
    if verdict != card.verdict {
        found.push(format!("{name} says {verdict}, not {}: {message}", card.verdict));
    }
    if let Some(rule) = card.rule.as_deref().filter(|rule| broken != Some(rule)) {
        found.push(format!("{name} finds {} broken, not {rule}: {message}", broken.unwrap_or("no rule")));
    }
    if let Some(says) = card.says.as_ref().filter(|says| !message.contains(*says)) {
        found.push(format!("{name} does not say \"{says}\": {message}"));
    }
    found
}

/// All that is wrong with the cards of a chapter: those that cannot be read, do not fit the reference, or name what does not exist.
pub(crate) fn faults(root: &Path, chapter: &ChapterFolder) -> Result<Vec<String>, Failed> {
    let solution = root.join("solutions").join(chapter.suite.folder);
    let reference = Sources::read(&solution)?;
    let mut faults = Vec::new();
    for read in [mutants::read(&solution), mutants::read_file(&misbehaving_file(root, chapter))] {
        let cards = match read {
            Ok(cards) => cards,
            Err(Faults(found)) => {
                faults.extend(found.iter().map(Fault::to_string));
                continue;
            }
        };
        for card in &cards {
            if let Err(Faults(found)) = card.apply(reference.files()) {
                faults.extend(found.iter().map(Fault::to_string));
            }
            faults.extend(unknown(card, chapter));
        }
    }
    match mutants::read_right(&solution) {
        Ok(cards) => {
            for card in &cards {
                if let Err(Faults(found)) = card.apply(reference.files()) {
                    faults.extend(found.iter().map(Fault::to_string));
                }
                let Right { file, line, id, exercises, .. } = card;
                let is_known =
                    |name: &&String| chapter.suite.exercises.iter().any(|exercise| exercise.id == **name);
                faults.extend(exercises.iter().filter(|name| !is_known(name)).map(|name| {
                    format!("{file}:{line}: {id}: there is no exercise {name}; correct the name")
                }));
            }
        }
        Err(Faults(found)) => faults.extend(found.iter().map(Fault::to_string)),
    }
    Ok(faults)
}

/// The checks that a card names and that do not exist.
fn unknown(card: &Card, chapter: &ChapterFolder) -> Vec<String> {
    let exercise = chapter.suite.exercises.iter().find(|exercise| exercise.id == card.exercise);
    let is_known =
        |check: &str| exercise.is_some_and(|exercise| exercise.checks.iter().any(|c| c.id == check));
    let named = std::iter::once(&card.check).chain(&card.also);
    let unknown = named.filter(|check| !is_known(check));
    unknown
        .map(|check| {
            let Card { file, line, id, exercise, .. } = card;
            format!("{file}:{line}: {id}: there is no check {exercise}/{check}; correct the name")
        })
        .collect()
}
