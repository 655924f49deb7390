//! The course: what the suites check, with what chapter.toml says of it.

use crate::Failed;
use anyhow::anyhow;
use build::{Archive, Built, Error, Kit, Sources, Target};
use judge::{Chapter, Check, Exercise};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The nine chapters of the roadmap; the course has suites for some of them so far.
pub(crate) const CHAPTERS: [&str; 9] = [
    "What Makes a System Distributed",
    "Failure Models & Time",
    "Replication",
    "Consistency Models",
    "CAP & PACELC",
    "Consensus: Raft & Paxos",
    "Ordering & Logical Clocks",
    "Distributed Transactions",
    "Building Reliable Distributed Systems",
];
/// All chapters, and the skeletons and hints that go with them.
pub(crate) struct Course {
    pub(crate) chapters: Vec<ChapterFolder>,
}
pub(crate) struct ChapterFolder {
    pub(crate) suite: Chapter,
    pub(crate) about: About,
    pub(crate) skeleton: Sources,
}

/// A chapter.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    pub(crate) number: u8,
    pub(crate) title: String,
    /// None, if all of the chapter is still planned.
    #[serde(rename = "exercise", default)]
    pub(crate) exercises: Vec<AboutExercise>,
}
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AboutExercise {
    pub(crate) id: String,
    pub(crate) modules: Vec<String>,
    pub(crate) summary: String,
    pub(crate) hints: Vec<String>,
}

/// One exercise that is to be graded.
#[derive(Clone, Copy)]
pub(crate) struct Selected<'a> {
    pub(crate) chapter: &'a ChapterFolder,
    pub(crate) exercise: &'a Exercise,
}

impl Selected<'_> {
    /// Its name, such as `7/lamport`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.chapter.suite.number, self.exercise.id)
    }
    /// The modules that it is written in.
    pub(crate) fn modules(&self) -> &[String] {
        self.chapter.about(self.exercise.id).map(|about| about.modules.as_slice()).unwrap_or_default()
    }
}

impl Course {
    /// The course that this binary carries.
    pub(crate) fn load() -> Result<Course, Failed> {
        let archive = Archive::embedded();
        let chapters = course::chapters().into_iter().map(|suite| {
            let folder = format!("exercises/{}/", suite.folder);
            let mut about = None;
            let mut skeleton = Vec::new();
            for (path, bytes) in archive.files(&folder) {
                let path = path.strip_prefix(&folder).unwrap_or(path);
                let Ok(text) = std::str::from_utf8(bytes) else { continue };
                if path == "chapter.toml" {
                    about = Some(toml::from_str(text).map_err(Failed::harness)?);
                } else if path.starts_with("src/") {
                    skeleton.push((path.to_owned(), text.to_owned()));
                }
            }
            let missing = || Failed::harness(anyhow!("this binary carries no {folder}chapter.toml"));
            Ok(ChapterFolder { about: about.ok_or_else(missing)?, suite, skeleton: Sources::of(skeleton) })
        });
        Ok(Course { chapters: chapters.collect::<Result<_, Failed>>()? })
    }

    /// What `7`, `7/lamport` or `lamport` names; everything for no names at all. In the course's order, each once.
    pub(crate) fn select(&self, names: &[String]) -> Result<Vec<Selected<'_>>, Failed> {
        let wanted = names.iter().map(|name| self.find(name)).collect::<Result<Vec<_>, _>>()?;
        let all = self.chapters.iter().flat_map(|chapter| {
            chapter.suite.exercises.iter().map(move |exercise| Selected { chapter, exercise })
        });
        let is_wanted = |one: &Selected<'_>| {
            names.is_empty()
                || wanted.iter().any(|named| {
                    named.chapter.suite.number == one.chapter.suite.number
                        && named.exercise.is_none_or(|exercise| exercise.id == one.exercise.id)
                })
        };
        Ok(all.filter(is_wanted).collect())
    }
    /// Leaves of an exercise of which single checks are named (`7/lamport/restart`) no more than these and the checks that
    /// they need.
    pub(crate) fn narrow(&mut self, names: &[String]) -> Result<(), Failed> {
        let mut kept: BTreeMap<&'static str, BTreeSet<&'static str>> = BTreeMap::new();
        let mut whole = BTreeSet::new();
        for name in names {
            let named = self.find(name)?;
            match (named.exercise, named.check) {
                (Some(exercise), Some(check)) => {
                    kept.entry(exercise.id).or_default().extend(with_needs(exercise, check));
                }
                (Some(exercise), None) => {
                    whole.insert(exercise.id);
                }
                (None, _) => whole.extend(named.chapter.suite.exercises.iter().map(|exercise| exercise.id)),
            }
        }
        for exercise in self.chapters.iter_mut().flat_map(|chapter| &mut chapter.suite.exercises) {
            if let Some(kept) = kept.get(exercise.id).filter(|_| !whole.contains(exercise.id)) {
                exercise.checks.retain(|check| kept.contains(check.id));
            }
        }
        Ok(())
    }
    /// What a name names: `7`, `07-logical-clocks`, `7/lamport`, `lamport`, `7/lamport/restart`, `lamport/restart`.
    fn find(&self, name: &str) -> Result<Named<'_>, Failed> {
        // as a shell completes it
        let mut parts = name.trim_end_matches('/').split('/');
        let first = parts.next().unwrap_or_default();
        let chapter = self.chapters.iter().find(|chapter| {
            chapter.suite.folder == first
                || first.parse().is_ok_and(|number: u8| number == chapter.suite.number)
        });
        let (chapter, exercise) = match chapter {
            Some(chapter) => {
                let exercise = parts.next().map(|id| exercise_of(chapter, id)).transpose()?;
                (chapter, exercise)
            }
            // ids of exercises are unique over all chapters
            None => {
                let here = |chapter: &ChapterFolder| exercise_of(chapter, first).is_ok();
                let chapter = self.chapters.iter().find(|chapter| here(chapter));
                let chapter = chapter.ok_or_else(|| self.nothing_named(name, first))?;
                (chapter, Some(exercise_of(chapter, first)?))
            }
        };
        let check = match (exercise, parts.next()) {
            (Some(exercise), Some(id)) => Some(check_of(chapter, exercise, id)?),
            _ => None,
        };
        if parts.next().is_some() {
            return Err(Failed::usage(anyhow!(
                "`{name}` has too many parts: a chapter is named like 7, an exercise like 7/lamport, a check like 7/lamport/restart"
            )));
        }
        Ok(Named { chapter, exercise, check })
    }
    /// The error about a name whose first part is none of a chapter or an exercise.
    fn nothing_named(&self, name: &str, first: &str) -> Failed {
        let planned = self.chapters.iter().find(|chapter| is_planned(chapter, first));
        if let Some(chapter) = planned {
            return not_built(chapter, first);
        }
        if let Some(nth) = first.parse().ok().filter(|nth| (1..=CHAPTERS.len()).contains(nth)) {
            return Failed::usage(anyhow!(
                "chapter {nth} ({}) is planned and not built yet; `faultlines list` shows what is there",
                CHAPTERS[nth - 1]
            ));
        }
        let folders = self.chapters.iter().map(|chapter| chapter.suite.folder.to_owned());
        let exercises = self.chapters.iter().flat_map(|chapter| {
            let number = chapter.suite.number;
            chapter
                .suite
                .exercises
                .iter()
                .map(move |exercise| (exercise.id, format!("{number}/{}", exercise.id)))
        });
        let known = folders.map(|folder| (folder.clone(), folder));
        let known = known.chain(exercises.map(|(id, name)| (id.to_owned(), name)));
        Failed::usage(anyhow!(
            "no chapter or exercise `{first}`{}{}. `faultlines list` shows them all",
            if name.trim_end_matches('/') == first { String::new() } else { format!(" (of `{name}`)") },
            did_you_mean(first, known)
        ))
    }
    /// The exercise that `7/lamport` names.
    pub(crate) fn exercise(&self, name: &str) -> Result<Selected<'_>, Failed> {
        let named = self.find(name)?;
        let Some(exercise) = named.exercise else {
            let number = named.chapter.suite.number;
            let first = named.chapter.suite.exercises.first().map_or("lamport", |exercise| exercise.id);
            return Err(Failed::usage(anyhow!(
                "`{name}` is a chapter; name one of its exercises, such as {number}/{first}"
            )));
        };
        Ok(Selected { chapter: named.chapter, exercise })
    }
    /// The check that `7/lamport/restart` names.
    pub(crate) fn check(&self, name: &str) -> Result<(Selected<'_>, &Check), Failed> {
        let named = self.find(name)?;
        let (Some(exercise), Some(check)) = (named.exercise, named.check) else {
            let exercise = named.exercise.or_else(|| named.chapter.suite.exercises.first());
            let such = exercise.and_then(|exercise| {
                let check = exercise.checks.first()?;
                Some(format!(", such as {}/{}/{}", named.chapter.suite.number, exercise.id, check.id))
            });
            return Err(Failed::usage(anyhow!(
                "`{name}` is not a check: name one{}",
                such.unwrap_or_default()
            )));
        };
        Ok((Selected { chapter: named.chapter, exercise }, check))
    }
}

/// What a name on the command line names.
struct Named<'a> {
    chapter: &'a ChapterFolder,
    exercise: Option<&'a Exercise>,
    check: Option<&'a Check>,
}
fn exercise_of<'a>(chapter: &'a ChapterFolder, id: &str) -> Result<&'a Exercise, Failed> {
    let suite = &chapter.suite;
    if let Some(exercise) = suite.exercises.iter().find(|known| known.id == id) {
        return Ok(exercise);
    }
    if is_planned(chapter, id) {
        return Err(not_built(chapter, id));
    }
    let ids: Vec<&str> = suite.exercises.iter().map(|exercise| exercise.id).collect();
    Err(Failed::usage(anyhow!(
        "no exercise `{id}` in chapter {}{}; it has: {}",
        suite.number,
        did_you_mean(id, ids.iter().map(|id| ((*id).to_owned(), (*id).to_owned()))),
        ids.join(", ")
    )))
}
fn check_of<'a>(chapter: &ChapterFolder, exercise: &'a Exercise, id: &str) -> Result<&'a Check, Failed> {
    exercise.checks.iter().find(|check| check.id == id).ok_or_else(|| {
        let ids: Vec<&str> = exercise.checks.iter().map(|check| check.id).collect();
        Failed::usage(anyhow!(
            "no check `{id}` in {}/{}{}; it has: {}",
            chapter.suite.number,
            exercise.id,
            did_you_mean(id, ids.iter().map(|id| ((*id).to_owned(), (*id).to_owned()))),
            ids.join(", ")
        ))
    })
}
fn is_planned(chapter: &ChapterFolder, id: &str) -> bool {
    chapter.suite.planned.iter().any(|planned| planned.id == id)
}
fn not_built(chapter: &ChapterFolder, id: &str) -> Failed {
    Failed::usage(anyhow!("exercise `{id}` of chapter {} is planned and not built yet", chapter.suite.number))
}
/// A check, and those that have to pass before it is judged.
fn with_needs(exercise: &Exercise, check: &Check) -> Vec<&'static str> {
    let mut needed = vec![check.id];
    let mut at = 0;
    while let Some(id) = needed.get(at) {
        let needs = exercise.checks.iter().filter(|check| check.id == *id).flat_map(|check| check.needs);
        let new: Vec<&str> = needs.filter(|id| !needed.contains(id)).copied().collect();
        needed.extend(new);
        at += 1;
    }
    needed
}
/// Names nearer than this to what was typed (0 nothing in common, 1 the same) are proposed.
const NEAR: f64 = 0.8;
/// What somebody may have meant: of what is known, by the word to compare with, the name to propose; empty where nothing is
/// near.
fn did_you_mean(typed: &str, known: impl Iterator<Item = (String, String)>) -> String {
    let rated = known.map(|(word, name)| (strsim::jaro_winkler(typed, &word), name));
    let nearest = rated.filter(|(near, _)| *near > NEAR).max_by(|a, b| a.0.total_cmp(&b.0));
    nearest.map_or_else(String::new, |(_, name)| format!(" (did you mean {name}?)"))
}

impl ChapterFolder {
    /// Where a checkout has the chapter's hidden suite, second solution included.
    pub(crate) fn tests(&self, root: &Path) -> PathBuf {
        root.join(format!("tests/ch{:02}", self.suite.number))
    }
    pub(crate) fn about(&self, exercise: &str) -> Option<&AboutExercise> {
        self.about.exercises.iter().find(|about| about.id == exercise)
    }
    /// What a guest can be built of: all exercises of the chapter.
    fn targets(&self) -> Vec<Target> {
        let target = |exercise: &Exercise| Target {
            exercise: exercise.id.to_owned(),
            name: format!("{}/{}", self.suite.number, exercise.id),
            modules: self.about(exercise.id).map(|about| about.modules.clone()).unwrap_or_default(),
            entry: exercise.entry.source.to_owned(),
        };
        self.suite.exercises.iter().map(target).collect()
    }
    /// What a guest of these exercises is built of, and the other exercises of the chapter.
    pub(crate) fn targets_of(&self, exercises: &[&Exercise]) -> (Vec<Target>, Vec<Target>) {
        let asked = |target: &Target| exercises.iter().any(|exercise| exercise.id == target.exercise);
        self.targets().into_iter().partition(asked)
    }
    /// Compiles what these exercises need.
    pub(crate) fn build(
        &self,
        kit: &Kit,
        sources: &Sources,
        exercises: &[&Exercise],
    ) -> Result<Built, Error> {
        let (targets, others) = self.targets_of(exercises);
        kit.build(sources, &self.skeleton, &targets, &others)
    }
}
