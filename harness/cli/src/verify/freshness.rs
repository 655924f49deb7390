//! `faultlines verify freshness`: what is generated is up to date, and ids agree.

use crate::Failed;
use crate::args::VerifyArgs;
use crate::checks_table;
use crate::course::ChapterFolder;
use crate::known_bugs;
use anyhow::anyhow;
use build::Sources;
use judge::Exercise;
use std::collections::BTreeSet;
use std::path::Path;

pub(super) fn run(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let mut faults = Vec::new();
    let solution = args.root.join("solutions").join(chapter.suite.folder);
    let exercise = args.root.join("exercises").join(chapter.suite.folder);
    let mut expected = BTreeSet::new();
    for (path, text) in Sources::read(&solution)?.files() {
        expected.insert(path.to_owned());
        let wanted = build::skeleton::generate(text)
            .map_err(|e| Failed::usage(anyhow!("{}/{path}: {e}", solution.display())))?;
        hold_to(&exercise.join(path), &wanted, args.repair, &mut faults)?;
    }
    let reading = exercise.join("README.md");
    let text = std::fs::read_to_string(&reading).unwrap_or_default();
    match checks_table::written_into(&text, &chapter.suite) {
        Some(wanted) => hold_to(&reading, &wanted, args.repair, &mut faults)?,
        None => faults.push(format!(
            "{} has no place for the table of checks: write `{}` and `{}` on lines of their own where it belongs",
            reading.display(),
            checks_table::BEGIN,
            checks_table::END
        )),
    }
    for (path, _) in Sources::read(&exercise)?.files() {
        if !expected.contains(path) {
            faults.push(format!("{}/{path} has no reference: delete it, or write one", exercise.display()));
        }
    }
    faults.extend(ids(chapter, args)?);
    faults.extend(known_bugs::faults(&args.root, chapter)?);
    Ok(faults)
}

/// A generated file is as it should be, or is written anew.
fn hold_to(file: &Path, wanted: &str, repair: bool, faults: &mut Vec<String>) -> Result<(), Failed> {
    let found = std::fs::read_to_string(file).unwrap_or_default();
    if found == wanted {
        return Ok(());
    }
    if repair {
        file.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(Failed::harness)?;
        std::fs::write(file, wanted).map_err(Failed::harness)?;
        anstream::println!("wrote {}", file.display());
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(found.as_str(), wanted);
    faults.push(format!(
        "{} is stale; `faultlines verify freshness --repair` writes it anew\n{}",
        file.display(),
        diff.unified_diff().context_radius(2).header("is", "should be")
    ));
    Ok(())
}

/// The suite and chapter.toml speak of the same exercises, and XP add up.
fn ids(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let mut faults = Vec::new();
    let suite: Vec<&str> = chapter.suite.exercises.iter().map(|exercise| exercise.id).collect();
    let about: Vec<&str> = chapter.about.exercises.iter().map(|exercise| exercise.id.as_str()).collect();
    if suite != about {
        faults.push(format!("the suite has {suite:?}, chapter.toml has {about:?}"));
    }
    if chapter.about.number != chapter.suite.number || chapter.about.title != chapter.suite.title {
        faults.push(format!("chapter.toml calls itself {}: {}", chapter.about.number, chapter.about.title));
    }
    let planned: u32 = chapter.suite.planned.iter().map(|planned| planned.xp).sum();
    let built: u32 = chapter.suite.exercises.iter().map(Exercise::xp).sum();
    if built + planned != 100 {
        faults.push(format!("chapter {} is worth {built} + {planned} XP, not 100", chapter.suite.number));
    }
    for about in &chapter.about.exercises {
        if about.hints.len() < 3 {
            faults.push(format!(
                "{} has {} hints; a ladder has three: nudge, idea, outline",
                about.id,
                about.hints.len()
            ));
        }
    }
    let reading = args.root.join("exercises").join(chapter.suite.folder).join("README.md");
    let reading = std::fs::read_to_string(&reading).unwrap_or_default();
    for exercise in &chapter.suite.exercises {
        let names_it = |line: &str| line.starts_with('#') && line.contains(exercise.id);
        if !reading.lines().any(names_it) {
            faults.push(format!(
                "no heading of the chapter's README.md names {}: reports point there",
                exercise.id
            ));
        }
    }
    Ok(faults)
}
