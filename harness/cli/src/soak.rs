//! `faultlines soak`: worlds that no grade has shown, one seed key after another, until one fails or the time is over.

use crate::args::SoakArgs;
use crate::course::{Course, Selected};
use crate::grade::{named_folder, prepare_kit};
use crate::judging::{Judging, judge_all};
use crate::last::Last;
use crate::report::{ChapterReport, GradedExercise, Report};
use crate::text::{BAD, DIM, GOOD, STRONG, harmless, say, sayln, styled, width};
use crate::workspace::Workspace;
use crate::{Exit, Failed};
use anyhow::anyhow;
use build::{Built, Sources};
use judge::{ExerciseReport, SeedKey, Verdict};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) fn run(args: &SoakArgs) -> Result<Exit, Failed> {
    let course = Course::load()?;
    let selected = course.select(&args.what)?;
    let (submission, workspace) = match &args.submission {
        Some(named) => (named_folder(named)?, None),
        None => {
            let workspace = Workspace::find()?;
            (workspace.folder.clone(), Some(workspace))
        }
    };
    let judging = Judging::new(&args.how, None).with_stories(args.shrink);
    let chapters = build_all(&submission, &selected, &judging)?;
    // fresh in every soak; the seed that a failure names is enough to see it again
    let key = RandomState::new().hash_one(std::process::id());
    let mut soak = Soak { begun: Instant::now(), bar: spinner(), runs: 0, rounds: 0 };
    while soak.begun.elapsed() < args.lasts {
        soak.rounds += 1;
        let mut judging = judging.clone();
        judging.options.seed_key = SeedKey::secret(&format!("soak-{key:016x}-{}", soak.rounds));
        for one in &selected {
            let number = one.chapter.suite.number;
            let name = format!("{number}/{}", one.exercise.id);
            let Some(built) = chapters.get(&number) else { continue };
            soak.shows(&name);
            let fit = judging.fit_for(built);
            let mut judged = judge_all(&fit, &built.binary, number, &[one.exercise], &|_| {})?;
            let report = judged.pop().ok_or_else(|| Failed::harness(anyhow!("no report for {name}")))?;
            if is_not_started(&report) {
                return Err(Failed::usage(anyhow!(
                    "{name} is not started: soak what passes, and begin with `faultlines grade {name}`"
                )));
            }
            soak.runs += report.checks.iter().map(|check| u64::from(check.worlds)).sum::<u64>();
            if !report.checks.iter().all(|check| check.verdict == Verdict::Passed) {
                soak.bar.finish_and_clear();
                return fails(args, *one, built, report, workspace.as_ref(), &soak);
            }
            if soak.begun.elapsed() >= args.lasts && soak.rounds > 1 {
                break;
            }
        }
    }
    soak.bar.finish_and_clear();
    let asked = if args.what.is_empty() { "all exercises".to_owned() } else { args.what.join(", ") };
    sayln!(
        "{} {asked}: no promise was broken in {} runs under {} fresh seed {}.",
        styled(GOOD, "✔"),
        soak.runs,
        soak.rounds,
        if soak.rounds == 1 { "key" } else { "keys" }
    );
    anstream::eprintln!("{}", styled(DIM, &soak.pace()));
    Ok(Exit::Passed)
}

/// What is being done, and how far it is.
struct Soak {
    begun: Instant,
    bar: indicatif::ProgressBar,
    runs: u64,
    rounds: u64,
}
impl Soak {
    fn shows(&self, exercise: &str) {
        self.bar.set_message(format!("{exercise}   {}", self.pace()));
    }
    /// How long it has run, and how fast.
    fn pace(&self) -> String {
        let seconds = self.begun.elapsed().as_secs_f64();
        let rate = if seconds > 0.0 { self.runs as f64 / seconds } else { 0.0 };
        format!("{seconds:.0} s   {} runs   {rate:.0} runs a second", self.runs)
    }
}
/// A line on standard error that moves, for a terminal only.
fn spinner() -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::with_draw_target(None, indicatif::ProgressDrawTarget::stderr());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// The guests of what is selected, by chapter.
fn build_all(
    submission: &Path,
    selected: &[Selected<'_>],
    judging: &Judging,
) -> Result<BTreeMap<u8, Built>, Failed> {
    let kit = prepare_kit(judging.layers)?;
    let mut chapters = BTreeMap::new();
    for one in selected {
        let suite = &one.chapter.suite;
        if chapters.contains_key(&suite.number) {
            continue;
        }
        let folder = submission.join(suite.folder);
        if !folder.is_dir() {
            return Err(Failed::usage(anyhow!(
                "no folder {}: chapter {} belongs there",
                folder.display(),
                suite.number
            )));
        }
        let these = selected.iter().filter(|other| other.chapter.suite.number == suite.number);
        let exercises: Vec<_> = these.map(|other| other.exercise).collect();
        let built = one.chapter.build(&kit, &Sources::read(&folder)?, &exercises)?;
        if let Some((id, said)) = built.broken.iter().next() {
            anstream::eprintln!("{}", harmless(&said.to_string()));
            let error = anyhow!("{}/{id} does not compile", suite.number);
            return Err(Failed { exit: Exit::BuildFailed, error });
        }
        chapters.insert(suite.number, built);
    }
    Ok(chapters)
}

fn is_not_started(report: &ExerciseReport) -> bool {
    report.checks.iter().any(|check| check.verdict == Verdict::NotStarted)
}

/// Tells a failure as `grade` does, and keeps it for `replay`.
fn fails(
    args: &SoakArgs,
    one: Selected<'_>,
    built: &Built,
    report: ExerciseReport,
    workspace: Option<&Workspace>,
    soak: &Soak,
) -> Result<Exit, Failed> {
    let suite = &one.chapter.suite;
    let report = Report {
        chapters: vec![ChapterReport {
            number: suite.number,
            folder: suite.folder,
            title: suite.title,
            exercises: vec![GradedExercise::judged(report)],
            planned_xp: 0,
            statics: built.statics.clone(),
            fault: None,
        }],
        not_isolated: crate::isolation::missing(args.how.no_sandbox),
        timings_ms: None,
        has_secret_seeds: true,
        budget_s: args.how.budget,
        from_here: None,
    };
    say!("{}", report.text(width(), crate::text::is_ascii()));
    let found = format!("A fresh seed key showed this after {}.", soak.pace().replace("   ", ", "));
    sayln!("{}", styled(STRONG, &found));
    sayln!("No XP are booked by a soak.");
    let Some(workspace) = workspace else { return Ok(Exit::ChecksFailed) };
    let mut last = Last::read(workspace);
    last.note_failures(&report);
    if let Err(Failed { error, .. }) = last.write(workspace) {
        anstream::eprintln!("{} {}", styled(BAD, "note:"), harmless(&format!("{error:#}")));
    }
    Ok(Exit::ChecksFailed)
}
