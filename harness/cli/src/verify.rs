//! `faultlines verify`: grading the grader.

use crate::args::{Gate, VerifyArgs};
use crate::checks_table;
use crate::course::{ChapterFolder, Course, Selected};
use crate::grade::{grade_chapter, prepare_kit};
use crate::judging::{Judging, judge_all};
use crate::known_bugs;
use crate::text::{BAD, GOOD, styled};
use crate::{Exit, Failed};
use anyhow::anyhow;
use build::Sources;
use host::{Fleet, Guest};
use judge::{Check, Exercise, Finding, SeedKey, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    let takes_exercises = matches!(args.gate, Gate::Mutants | Gate::Right | Gate::Survivors);
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
            Gate::Solutions => solutions(chapter, args)?,
            Gate::Skeletons => skeletons(chapter, args)?,
            Gate::Mutants => crate::verify_mutants::run(chapter, exercise, args)?,
            Gate::Right => crate::verify_right::run(chapter, exercise, args)?,
            Gate::Survivors => crate::verify_survivors::run(chapter, exercise, args)?,
            Gate::Determinism => crate::verify_determinism::run(chapter, args)?,
            Gate::Freshness => freshness(chapter, args)?,
            Gate::Stories => crate::verify_stories::run(chapter, args)?,
            Gate::Sandbox => crate::verify_sandbox::run(chapter, args)?,
            Gate::Speed => crate::verify_speed::run(chapter, args)?,
            // they are about no chapter
            Gate::Attacks => {
                faults = crate::verify_attacks::run(&args.root)?;
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

pub(crate) fn selected(chapter: &ChapterFolder) -> Vec<Selected<'_>> {
    chapter.suite.exercises.iter().map(|exercise| Selected { chapter, exercise }).collect()
}
/// So many made-up seed keys, the same in every run.
pub(crate) fn seed_keys(keys: u32) -> Vec<SeedKey> {
    (1..=keys).map(|nth| SeedKey::secret(&format!("verify-{nth}"))).collect()
}

/// On the default seeds they are graded as any submission is; under the other keys, which share batches, each check by itself.
fn solutions(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let kit = prepare_kit(args.how.layers())?;
    let keys = seed_keys(args.keys);
    let mut faults = Vec::new();
    let reference = args.root.join("solutions").join(chapter.suite.folder);
    for (family, folder) in [("reference", reference), ("second", chapter.tests(&args.root).join("second"))] {
        if !folder.is_dir() {
            faults.push(format!("{} is missing", folder.display()));
            continue;
        }
        let sources = Sources::read(&folder)?;
        let judging = Judging::new(&args.how, None);
        let report = grade_chapter(&kit, chapter, &sources, &selected(chapter), &judging)?;
        for exercise in report.exercises {
            if let Some(error) = &exercise.build_error {
                faults.push(format!("{family}: {} does not compile:\n{error}", exercise.report.id));
            }
            for check in exercise.report.checks.iter().filter(|check| check.verdict != Verdict::Passed) {
                faults.push(format!(
                    "{family}: {}/{} is {:?} under the default seeds: {}",
                    exercise.report.id, check.id, check.verdict, check.message
                ));
            }
        }
        let all: Vec<&Exercise> = chapter.suite.exercises.iter().collect();
        let built = chapter.build(&kit, &sources, &all)?;
        let guest = Guest::new(&built.binary, args.how.layers())?;
        let options = judging.fit_for(&built).options;
        let checks: Vec<(&Exercise, &Check)> =
            all.iter().flat_map(|exercise| exercise.checks.iter().map(|check| (*exercise, check))).collect();
        let found = in_order(
            judging.workers,
            &checks,
            &|core, &(exercise, check)| {
                host::pin(core);
                let mut fleet = Fleet::new(&guest);
                let number = chapter.suite.number;
                Ok(judge::judge_under(&mut fleet, number, exercise.id, check, &keys, &options)?)
            },
            &|(exercise, check), findings: &Vec<Finding>| {
                let passed = findings.iter().filter(|finding| finding.passed()).count();
                let name = format!("{}/{}", exercise.id, check.id);
                anstream::println!("{family:<9} {name:<38} passes under {passed}/{} keys", args.keys);
            },
        )?;
        for ((exercise, check), findings) in checks.iter().zip(found) {
            let named = (1..).zip(findings).filter(|(_, finding)| !finding.passed());
            faults.extend(named.map(|(nth, Finding { failure, undecided, .. })| {
                let why = failure.map(|failure| format!("{failure:?}"));
                let why = why.or(undecided.map(|undecided| format!("{undecided:?}"))).unwrap_or_default();
                format!("{family}: {}/{} fails under key {nth}: {why}", exercise.id, check.id)
            }));
        }
    }
    Ok(faults)
}

/// Does something with each of these on so many cores, and shows the results in order, as soon as there are any.
pub(crate) fn in_order<T: Sync, R: Send>(
    workers: usize,
    all: &[T],
    work: &(dyn Fn(usize, &T) -> Result<R, Failed> + Sync),
    show: &(dyn Fn(&T, &R) + Sync),
) -> Result<Vec<R>, Failed> {
    let next = AtomicUsize::new(0);
    let bar = crate::text::bar(all.len() as u64);
    // what is done and not yet shown, and how many are
    let done: Mutex<(BTreeMap<usize, R>, Vec<R>)> = Mutex::new((BTreeMap::new(), Vec::new()));
    let worker = |core: usize| -> Result<(), Failed> {
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(nth) else { return Ok(()) };
            let result = work(core, one)?;
            bar.inc(1);
            let mut done = done.lock().expect("no worker panics while it holds this");
            let (waiting, shown) = &mut *done;
            waiting.insert(nth, result);
            while let Some(result) = waiting.remove(&shown.len()) {
                bar.suspend(|| show(&all[shown.len()], &result));
                shown.push(result);
            }
        }
    };
    let worker = &worker;
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..workers.min(all.len())).map(|core| scope.spawn(move || worker(core))).collect();
        for handle in workers {
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok::<_, Failed>(())
    })?;
    bar.finish_and_clear();
    Ok(done.into_inner().expect("no worker panics while it holds this").1)
}

fn skeletons(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let kit = prepare_kit(args.how.layers())?;
    let sources = Sources::read(&args.root.join("exercises").join(chapter.suite.folder))?;
    let exercises: Vec<&Exercise> = chapter.suite.exercises.iter().collect();
    let built = chapter.build(&kit, &sources, &exercises)?;
    let mut faults: Vec<String> = built
        .broken
        .iter()
        .map(|(id, said)| format!("the skeleton of {id} does not compile:\n{said}"))
        .collect();
    let judging = Judging::new(&args.how, None);
    for report in judge_all(&judging, &built.binary, chapter.suite.number, &exercises, &|_| {})? {
        for check in &report.checks {
            if check.verdict != Verdict::NotStarted || check.xp != 0 {
                faults.push(format!(
                    "the skeleton of {}/{} is {:?} with {} XP, not \"not started\": {}",
                    report.id, check.id, check.verdict, check.xp, check.message
                ));
            }
        }
        anstream::println!("{}: {} checks not started", report.id, report.checks.len());
    }
    Ok(faults)
}

fn freshness(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
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

/// The smallest of these that so many percent of all do not exceed; the default where there are none.
pub(crate) fn percentile<T: Copy + Ord + Default>(all: &[T], percent: usize) -> T {
    let mut sorted = all.to_vec();
    sorted.sort_unstable();
    let rank = (all.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn a_percentile_is_one_of_them() {
        let all: Vec<u32> = (1..=10).rev().collect();
        assert_eq!([1, 50, 90, 91, 100].map(|percent| percentile(&all, percent)), [1, 5, 9, 10, 10]);
        assert_eq!(percentile::<u32>(&[], 50), 0);
    }
}
