//! `faultlines verify`: grading the grader.

mod attacks;
mod determinism;
mod freshness;
mod mutants;
mod right;
mod sandbox;
mod shared;
mod skeletons;
mod solutions;
mod speed;
mod stories;
mod survivors;

use crate::args::{Gate, VerifyArgs};
use crate::course::{ChapterFolder, Course};
use crate::text::{BAD, GOOD, styled};
use crate::{Exit, Failed};
use anyhow::anyhow;

pub(crate) fn run(args: &VerifyArgs) -> Result<Exit, Failed> {
    let course = Course::load()?;
    let chapters: Vec<&ChapterFolder> = course
        .chapters
        .iter()
        .filter(|c| args.part.as_ref().is_none_or(|part| part.chapter == c.suite.number))
        .collect();
    if chapters.is_empty() {
        return Err(Failed::usage(anyhow!("no such chapter; `faultlines list` shows them")));
    }
    let exercise = args.part.as_ref().and_then(|part| part.exercise.as_deref());
    let is_known = |id: &str| chapters.iter().any(|chapter| chapter.about(id).is_some());
    let takes_exercises =
        matches!(args.gate, Gate::Solutions | Gate::Mutants | Gate::Right | Gate::Survivors);
    if let Some(id) = exercise.filter(|id| !takes_exercises || !is_known(id)) {
        let said = "this gate has no exercise; name a chapter, or an exercise that `faultlines list` shows";
        return Err(Failed::usage(anyhow!("`{id}`: {said}")));
    }
    if !args.root.join("solutions").is_dir() {
        return Err(Failed::usage(anyhow!(
            "no folder {}: the gates need a checkout of the project, named with --root",
            args.root.join("solutions").display()
        )));
    }
    let mut faults = Vec::new();
    for chapter in chapters {
        let mut found = match args.gate {
            Gate::Solutions => solutions::run(chapter, exercise, args)?,
            Gate::Skeletons => skeletons::run(chapter, args)?,
            Gate::Mutants => mutants::run(chapter, exercise, args)?,
            Gate::Right => right::run(chapter, exercise, args)?,
            Gate::Survivors => survivors::run(chapter, exercise, args)?,
            Gate::Determinism => determinism::run(chapter, args)?,
            Gate::Freshness => freshness::run(chapter, args)?,
            Gate::Stories => stories::run(chapter, args)?,
            Gate::Sandbox => sandbox::run(chapter, args)?,
            Gate::Speed => speed::run(chapter, args)?,
            // they are about no chapter
            Gate::Attacks => {
                faults = attacks::run(&args.root)?;
                break;
            }
        };
        faults.append(&mut found);
    }
    for fault in &faults {
        anstream::println!("{} {fault}", styled(BAD, "✘"));
    }
    if faults.is_empty() {
        anstream::println!("{} the gate holds", styled(GOOD, "✔"));
        Ok(Exit::Passed)
    } else {
        Ok(Exit::ChecksFailed)
    }
}
