//! The course: what the suites check, with what chapter.toml says of it.

use crate::Failed;
use build::{Archive, Built, Error, Kit, Sources, Target};
use judge::{Chapter, Check, Exercise};
use serde::Deserialize;
use std::path::{Path, PathBuf};

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
    #[serde(rename = "exercise")]
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
            let missing = || Failed::harness(anyhow::anyhow!("this binary carries no {folder}chapter.toml"));
            Ok(ChapterFolder { about: about.ok_or_else(missing)?, suite, skeleton: Sources::of(skeleton) })
        });
        Ok(Course { chapters: chapters.collect::<Result<_, Failed>>()? })
    }

    /// What `7` or `7/lamport` names; everything for no names at all. In the course's order, each once.
    pub(crate) fn select(&self, names: &[String]) -> Result<Vec<Selected<'_>>, Failed> {
        let mut wanted = Vec::new();
        for name in names {
            wanted.push(self.find(name)?);
        }
        let all = self.chapters.iter().flat_map(|chapter| {
            chapter.suite.exercises.iter().map(move |exercise| Selected { chapter, exercise })
        });
        let is_wanted = |selected: &Selected<'_>| {
            names.is_empty()
                || wanted.iter().any(|(chapter, exercise)| {
                    *chapter == selected.chapter.suite.number
                        && exercise.is_none_or(|exercise| exercise == selected.exercise.id)
                })
        };
        Ok(all.filter(is_wanted).collect())
    }
    /// The chapter that a name names, and the exercise if it names one.
    fn find<'a>(&self, name: &'a str) -> Result<(u8, Option<&'a str>), Failed> {
        // as a shell completes it
        let plain = name.trim_end_matches('/');
        let (chapter, exercise) = match plain.split_once('/') {
            Some((chapter, exercise)) => (chapter, Some(exercise)),
            None => (plain, None),
        };
        if let Some((exercise, _)) = exercise.and_then(|exercise| exercise.split_once('/')) {
            return Err(Failed::usage(anyhow::anyhow!(
                "`{name}` names one check, and exercises are graded whole: `faultlines grade {chapter}/{exercise}`; \
                 `faultlines replay {plain}` shows how a check failed"
            )));
        }
        let known = || {
            let names: Vec<String> = self.chapters.iter().map(|c| c.suite.number.to_string()).collect();
            names.join(", ")
        };
        let by_folder = || self.chapters.iter().find(|known| known.suite.folder == chapter);
        let by_number = chapter.parse().ok().and_then(|number| self.chapter(number));
        let Some(folder) = by_number.or_else(by_folder) else {
            return Err(Failed::usage(anyhow::anyhow!(
                "no chapter `{chapter}`; chapters with exercises so far: {}. `faultlines list` shows them all",
                known()
            )));
        };
        let suite = &folder.suite;
        if let Some(exercise) = exercise
            && !suite.exercises.iter().any(|known| known.id == exercise)
        {
            if suite.planned.iter().any(|planned| planned.id == exercise) {
                return Err(Failed::usage(anyhow::anyhow!(
                    "exercise `{exercise}` of chapter {} is planned and not built yet",
                    suite.number
                )));
            }
            let ids: Vec<&str> = suite.exercises.iter().map(|exercise| exercise.id).collect();
            return Err(Failed::usage(anyhow::anyhow!(
                "no exercise `{exercise}` in chapter {}; it has: {}",
                suite.number,
                ids.join(", ")
            )));
        }
        Ok((suite.number, exercise))
    }
    /// The exercise that `7/lamport` names.
    pub(crate) fn exercise(&self, name: &str) -> Result<Selected<'_>, Failed> {
        let selected = self.select(&[name.to_owned()])?;
        match selected[..] {
            [one] if name.contains('/') => Ok(one),
            _ => {
                let first = selected.first().map_or("lamport", |selected| selected.exercise.id);
                Err(Failed::usage(anyhow::anyhow!(
                    "`{name}` is a chapter; name one of its exercises, such as {name}/{first}"
                )))
            }
        }
    }
    /// The check that `7/lamport/restart` names.
    pub(crate) fn check(&self, name: &str) -> Result<(Selected<'_>, &Check), Failed> {
        let Some((exercise, id)) = name.rsplit_once('/').filter(|(exercise, _)| exercise.contains('/'))
        else {
            return Err(Failed::usage(anyhow::anyhow!(
                "`{name}` is not a check: name one, such as 7/lamport/restart"
            )));
        };
        let selected = self.exercise(exercise)?;
        let check = selected.exercise.checks.iter().find(|check| check.id == id).ok_or_else(|| {
            let ids: Vec<&str> = selected.exercise.checks.iter().map(|check| check.id).collect();
            Failed::usage(anyhow::anyhow!("no check `{id}` in {exercise}; it has: {}", ids.join(", ")))
        })?;
        Ok((selected, check))
    }
    fn chapter(&self, number: u8) -> Option<&ChapterFolder> {
        self.chapters.iter().find(|chapter| chapter.suite.number == number)
    }
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
