//! `faultlines grade`: from a folder to a report.

use crate::args::{Format, GradeArgs};
use crate::course::{ChapterFolder, Course, Selected};
use crate::failures::Failures;
use crate::judging::{Judging, judge_all};
use crate::progress::Progress;
use crate::report::{ChapterReport, GradedExercise, Report};
use crate::workspace::Workspace;
use crate::{Exit, Failed};
use anyhow::{Context, anyhow};
use build::{Kit, Layers, Sources};
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(crate) fn run(args: &GradeArgs) -> Result<Exit, Failed> {
    let begun = Instant::now();
    crate::isolation::demand(args.strict, args.how.no_sandbox)?;
    let course = Course::load()?;
    let selected = course.select(&args.what)?;
    let (submission, workspace) = match &args.submission {
        Some(named) => (named_folder(named)?, None),
        None => {
            let workspace = Workspace::find()?;
            (workspace.folder.clone(), Some(workspace))
        }
    };
    let judging = Judging::new(&args.how, args.seed_key.as_deref()).with_stories(args.shrink);
    let mut report = grade(&submission, &selected, &judging)?;
    report.has_secret_seeds = args.seed_key.is_some();
    report.not_isolated = crate::isolation::missing(args.how.no_sandbox);
    if args.timings {
        report.timings_ms = Some(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
    }
    let mut text = match args.format {
        Format::Text => report.text(crate::text::width(), args.ascii),
        Format::Json => report.json(),
    };
    if let Some(workspace) = workspace.filter(|_| std::env::var_os("CI").is_none()) {
        let so_far = keep_progress(&workspace, &report, &course)?;
        if args.format == Format::Text {
            text.push_str(&so_far);
        }
    }
    match &args.output {
        None => anstream::print!("{text}"),
        Some(path) => std::fs::write(path, anstream::adapter::strip_str(&text).to_string())
            .with_context(|| format!("cannot write the report to {}", path.display()))
            .map_err(Failed::usage)?,
    }
    Ok(report.exit(args.min_score))
}

/// The folder that was named as the submission.
pub(crate) fn named_folder(named: &Path) -> Result<PathBuf, Failed> {
    if named.is_dir() {
        return Ok(named.to_owned());
    }
    Err(Failed::usage(anyhow!(
        "no folder {}; --submission takes the folder that holds the chapters' folders, such as 07-logical-clocks",
        named.display()
    )))
}

/// Keeps what a grade earned, in the student's own workspace. CI does not: what counts there is the report.
fn keep_progress(workspace: &Workspace, report: &Report, course: &Course) -> Result<String, Failed> {
    let file = workspace.progress_file();
    let mut progress = Progress::read(&file, &mut crate::pages::warn)?;
    let gained = progress.merge(report);
    progress.write(&file)?;
    let mut failures = Failures::read(workspace);
    failures.update(report);
    failures.write(workspace)?;
    let chapters: Vec<_> = course.chapters.iter().map(|chapter| &chapter.suite).collect();
    let total = progress.total_xp(&chapters);
    Ok(match gained {
        0 => format!("{total} XP so far.\n"),
        _ => format!("{gained} XP more than before: {total} XP so far.\n"),
    })
}

/// Grades what is selected of a submission.
pub(crate) fn grade(
    submission: &Path,
    selected: &[Selected<'_>],
    judging: &Judging,
) -> Result<Report, Failed> {
    let kit = prepare_kit(judging.layers)?;
    let mut chapters: Vec<ChapterReport> = Vec::new();
    let mut rest = selected;
    while let Some(first) = rest.first() {
        let many = rest.iter().take_while(|s| s.chapter.suite.number == first.chapter.suite.number).count();
        let (these, others) = rest.split_at(many);
        let folder = submission.join(first.chapter.suite.folder);
        if !folder.is_dir() {
            return Err(Failed::usage(anyhow!(
                "no folder {}: chapter {} belongs there",
                folder.display(),
                first.chapter.suite.number
            )));
        }
        let sources = Sources::read(&folder)?;
        chapters.push(grade_chapter(&kit, first.chapter, &sources, these, judging)?);
        rest = others;
    }
    let budget_s = judging.options.budget.as_secs();
    Ok(Report { chapters, not_isolated: Vec::new(), timings_ms: None, has_secret_seeds: false, budget_s })
}

pub(crate) fn prepare_kit(layers: Layers) -> Result<Kit, Failed> {
    let kit = Kit::prepare(&build::default_cache(), |preparing| {
        if let Some(line) = crate::text::preparing(&preparing) {
            anstream::eprintln!("{line}");
        }
    })?;
    Ok(kit.with_layers(layers))
}

/// Grades exercises of one chapter from its sources.
pub(crate) fn grade_chapter(
    kit: &Kit,
    chapter: &ChapterFolder,
    sources: &Sources,
    selected: &[Selected<'_>],
    judging: &Judging,
) -> Result<ChapterReport, Failed> {
    let asked: Vec<_> = selected.iter().map(|selected| selected.exercise).collect();
    let built = chapter.build(kit, sources, &asked)?;
    let compiles = |id: &str| !built.broken.contains_key(id);
    let exercises: Vec<_> = asked.into_iter().filter(|exercise| compiles(exercise.id)).collect();
    let judging = &judging.fit_for(&built);
    let bar = crate::text::bar(exercises.iter().map(|exercise| exercise.checks.len() as u64).sum());
    let judged = judge_all(judging, &built.binary, chapter.suite.number, &exercises, &|check| {
        bar.set_message(check.id);
        bar.inc(1);
    });
    bar.finish_and_clear();
    let judged = judged?;
    let mut judged = judged.into_iter();
    let exercises = selected.iter().map(|selected| match built.broken.get(selected.exercise.id) {
        Some(diagnostics) => GradedExercise::broken(selected.exercise, diagnostics.to_string()),
        None => GradedExercise::judged(judged.next().expect("one report for each that compiles")),
    });
    Ok(ChapterReport {
        number: chapter.suite.number,
        folder: chapter.suite.folder,
        title: chapter.suite.title,
        exercises: exercises.collect(),
        planned_xp: chapter.suite.planned.iter().map(|planned| planned.xp).sum(),
        statics: built.statics,
    })
}
