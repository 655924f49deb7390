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
use crate::text::{BAD, GOOD, STRONG, styled};
use crate::{Exit, Failed};
use anyhow::anyhow;
use clap::ValueEnum;

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
    let faults = match args.gate {
        // they are about no chapter
        Gate::Attacks => attacks::run(&args.root)?,
        Gate::All => all(&chapters, args)?,
        gate => held(gate, &chapters, exercise, args)?,
    };
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

/// The gates that every change has to pass, one after another.
const ALL: [Gate; 6] =
    [Gate::Freshness, Gate::Skeletons, Gate::Solutions, Gate::Right, Gate::Mutants, Gate::Determinism];

fn all(chapters: &[&ChapterFolder], args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let mut faults = Vec::new();
    for gate in ALL {
        let name = gate.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        anstream::println!("{}", styled(STRONG, &name));
        let begun = host::cpu_time();
        faults.append(&mut held(gate, chapters, None, args)?);
        let cost = host::cpu_time().saturating_sub(begun);
        anstream::println!("{name}: {:.0} core-seconds", cost.as_secs_f64());
    }
    Ok(faults)
}

/// What a gate has against these chapters.
fn held(
    gate: Gate,
    chapters: &[&ChapterFolder],
    exercise: Option<&str>,
    args: &VerifyArgs,
) -> Result<Vec<String>, Failed> {
    let mut faults = Vec::new();
    for &chapter in chapters {
        faults.append(&mut match gate {
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
            Gate::Attacks | Gate::All => unreachable!("they are not held to one chapter"),
        });
    }
    Ok(faults)
}
