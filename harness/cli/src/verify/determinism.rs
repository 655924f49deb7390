//! `faultlines verify determinism`: one submission, one report.

use super::shared::selected;
use crate::Failed;
use crate::args::{HowArgs, VerifyArgs};
use crate::course::{ChapterFolder, Selected};
use crate::grade::{grade_chapter, prepare_kit};
use crate::isolation::missing;
use crate::judging::Judging;
use crate::known_bugs::{self, word};
use crate::report::Report;
use anyhow::{Context, anyhow};
use build::{Kit, Sources};
use host::{Fleet, Guest};
use judge::Verdict;
use mutants::Card;
use std::fmt;
use std::process::{Command, Stdio};
use std::time::Instant;

/// A way to grade that must not matter.
#[derive(Clone, Copy)]
struct Way {
    /// Worlds side by side.
    batch: u16,
    workers: u16,
    place: Place,
}
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Here,
    /// Without the sandbox.
    Open,
    /// By another process: sources, builds and its own folder lie elsewhere, and so does its time zone.
    Elsewhere,
}
const fn way(batch: u16, workers: u16, place: Place) -> Way {
    Way { batch, workers, place }
}
const WAYS: [Way; 8] = [
    way(64, 1, Place::Here),
    way(1, 1, Place::Here),
    way(1_024, 1, Place::Here),
    way(64, 2, Place::Here),
    way(1, 2, Place::Here),
    way(1_024, 2, Place::Here),
    way(256, 2, Place::Open),
    way(256, 2, Place::Elsewhere),
];
/// So many worlds of each check are few enough to be quick.
const QUICK_WORLDS: u32 = 8;
/// The ways that differ most where worlds are few.
const QUICK: [Way; 3] = [WAYS[0], WAYS[4], WAYS[7]];
impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::Here => "",
            Place::Open => " --no-sandbox",
            Place::Elsewhere => ", from another directory and time zone",
        };
        write!(f, "--batch {} --workers {}{place}", self.batch, self.workers)
    }
}

/// Failures are cut down a little: so much that it would show if that depended on how they are run.
const SHRINK_RUNS: u32 = 16;

pub(super) fn run(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let mut args = args.clone();
    args.how.worlds = args.how.worlds.or(args.quick.then_some(QUICK_WORLDS));
    let args = &args;
    let kit = prepare_kit(args.how.layers())?;
    let folder = chapter.suite.folder;
    let reference = Sources::read(&args.root.join("solutions").join(folder))?;
    if args.repeat > 0 {
        return repeat(&kit, chapter, &reference, args);
    }
    let second = Sources::read(&chapter.tests(&args.root).join("second"))?;
    let misbehaving = known_bugs::misbehaving(&args.root, chapter)?;
    let mut faults = Vec::new();
    let all = selected(chapter);
    if args.only.is_empty() {
        let families = [("reference", &reference), ("second", &second)];
        for (name, sources) in families.into_iter().take(if args.quick { 1 } else { 2 }) {
            grade(&kit, &all, name, sources, None, args, &mut faults)?;
        }
    }
    let is_meant = |card: &&Card| {
        card.id.contains(&args.only) && !(args.quick && card.verdict == word(Verdict::TimedOut))
    };
    for card in misbehaving.iter().filter(is_meant) {
        let Card { id, bug, outside, .. } = card;
        let sources = known_bugs::apply(card, &reference)?;
        let Some((selected, nth)) = place(&all, card) else {
            faults.push(format!("{id} names {}, which is no check", card.caught_by()));
            continue;
        };
        let report = grade(&kit, &[selected], id, &sources, Some(nth), args, &mut faults)?;
        let Some(graded) = report.chapters.first() else { continue };
        if graded.statics != *outside {
            faults.push(format!("{id} ({bug}): {:?} is found to be outside nodes", graded.statics));
        }
        let Some(exercise) = graded.exercises.first() else { continue };
        if let Some(error) = &exercise.build_error {
            faults.push(format!("{id} does not compile:\n{error}"));
        }
        if let Some(check) = exercise.report.checks.get(nth) {
            let broken = check.failure.as_ref().and_then(|failure| failure.how.rule());
            let contradictions = known_bugs::contradictions(card, check.verdict, broken, &check.message);
            faults.extend(contradictions.into_iter().map(|fault| format!("{id} ({bug}): {fault}")));
        }
    }
    Ok(faults)
}

/// The exercise of a card, and where its check stands in it.
fn place<'a>(all: &[Selected<'a>], card: &Card) -> Option<(Selected<'a>, usize)> {
    let selected = all.iter().find(|selected| selected.exercise.id == card.exercise)?;
    let nth = selected.exercise.checks.iter().position(|check| check.id == card.check)?;
    Some((*selected, nth))
}

/// The report of the first way, and its bytes: as grades of this process say it, and as `faultlines grade` does, which
/// also says what this machine lacks.
struct First {
    report: Report,
    here: String,
    elsewhere: String,
}

/// Grades exercises of one chapter in every way; a fault for every report that is not the first, byte for byte. The first.
fn grade(
    kit: &Kit,
    what: &[Selected<'_>],
    name: &str,
    sources: &Sources,
    shown: Option<usize>,
    args: &VerifyArgs,
    faults: &mut Vec<String>,
) -> Result<Report, Failed> {
    let begun = Instant::now();
    let mut first: Option<First> = None;
    let mut differ = 0;
    let ways = if args.quick { &QUICK[..] } else { &WAYS };
    for &way in ways {
        let json = if way.place == Place::Elsewhere {
            elsewhere(way, what, sources, args)?
        } else {
            let how = HowArgs {
                batch: way.batch,
                workers: Some(way.workers),
                no_sandbox: way.place == Place::Open,
                ..args.how.clone()
            };
            let judging = Judging::new(&how, None).with_stories(SHRINK_RUNS);
            let graded = grade_chapter(kit, what[0].chapter, sources, what, &judging)?;
            let mut report = Report {
                chapters: vec![graded],
                not_isolated: missing(false),
                timings_ms: None,
                has_secret_seeds: false,
                budget_s: how.budget,
                from_here: None,
            };
            let elsewhere = report.json();
            report.not_isolated.clear();
            let here = report.json();
            first.get_or_insert_with(|| First { report, here: here.clone(), elsewhere });
            here
        };
        let expected = first.as_ref().map(|first| match way.place {
            Place::Elsewhere => &first.elsewhere,
            Place::Here | Place::Open => &first.here,
        });
        if let Some(expected) = expected.filter(|expected| **expected != json) {
            differ += 1;
            let diff = similar::TextDiff::from_lines(expected, &json);
            let (from, to) = (ways[0].to_string(), way.to_string());
            faults.push(format!(
                "{name}: two reports\n{}",
                diff.unified_diff().context_radius(3).header(&from, &to)
            ));
        }
    }
    let First { report, .. } = first.ok_or_else(|| Failed::harness(anyhow!("there is no way to grade")))?;
    let mut checks = report.chapters.iter().flat_map(|c| &c.exercises).flat_map(|e| &e.report.checks);
    let verdict = shown.and_then(|nth| checks.nth(nth));
    anstream::println!(
        "{name:<22} {:<10} one report in {} of {} ways   {:.1} s",
        verdict.map_or_else(String::new, |check| word(check.verdict)),
        ways.len() - differ,
        ways.len(),
        begun.elapsed().as_secs_f64()
    );
    Ok(report)
}

/// The report of another process, which has everything elsewhere but what the course is made of.
fn elsewhere(
    way: Way,
    what: &[Selected<'_>],
    sources: &Sources,
    args: &VerifyArgs,
) -> Result<String, Failed> {
    let dir = tempfile::tempdir().map_err(Failed::harness)?;
    let submission = dir.path().join("somebody's work");
    for (path, text) in sources.files() {
        let path = submission.join(what[0].chapter.suite.folder).join(path);
        path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(Failed::harness)?;
        std::fs::write(&path, text).map_err(Failed::harness)?;
    }
    let report = dir.path().join("report.json");
    let mut again = Command::new(std::env::current_exe().map_err(Failed::harness)?);
    again
        .arg("grade")
        .args(what.iter().map(|what| format!("{}/{}", what.chapter.suite.number, what.exercise.id)));
    again.args(["--format", "json", "--output"]).arg(&report);
    again.args(["--batch", &way.batch.to_string(), "--workers", &way.workers.to_string()]);
    again.args(["--shrink", &SHRINK_RUNS.to_string()]);
    if let Some(worlds) = args.how.worlds {
        again.args(["--worlds", &worlds.to_string()]);
    }
    again.arg("--submission").arg(&submission).current_dir(dir.path());
    again.env("TZ", "Pacific/Chatham").env("LC_ALL", "tr_TR.UTF-8").env_remove("CI");
    again.env("FAULTLINES_CACHE", build::default_cache().join("elsewhere"));
    let said = again.stdin(Stdio::null()).output().map_err(Failed::harness)?;
    std::fs::read_to_string(&report)
        .with_context(|| format!("no report from elsewhere: {}", String::from_utf8_lossy(&said.stderr)))
        .map_err(Failed::harness)
}

/// Judges the first check again and again, in batches of different sizes by turns.
fn repeat(
    kit: &Kit,
    chapter: &ChapterFolder,
    reference: &Sources,
    args: &VerifyArgs,
) -> Result<Vec<String>, Failed> {
    let mut faults = Vec::new();
    let Some((exercise, check)) =
        chapter.suite.exercises.first().and_then(|exercise| Some((exercise, exercise.checks.first()?)))
    else {
        return Ok(faults);
    };
    let built = chapter.build(kit, reference, &[exercise])?;
    host::pin(0);
    let mut fleet = Fleet::new(&Guest::new(&built.binary, args.how.layers())?);
    let mut first = None;
    for nth in 0..args.repeat {
        let how = HowArgs { batch: [64, 256, 1_024][nth as usize % 3], ..args.how.clone() };
        let options = Judging::new(&how, None).options;
        let number = chapter.suite.number;
        let finding = judge::judge(&mut fleet, number, exercise.id, check, &options)?;
        let bytes = format!("{finding:?}");
        match &first {
            None => first = Some(bytes),
            Some(other) if *other == bytes => {}
            Some(other) => {
                let name = format!("{}/{}", exercise.id, check.id);
                faults.push(format!("{name}: judging number {nth} found\n{bytes}\nand the first\n{other}"));
                break;
            }
        }
    }
    anstream::println!("{}/{}: judged {} times", exercise.id, check.id, args.repeat);
    Ok(faults)
}
