//! `faultlines grade`: from a folder to a report.

use crate::args::{Format, GradeArgs};
use crate::course::{ChapterFolder, Course, Selected};
use crate::judging::{Judging, judge_all};
use crate::last::Last;
use crate::output::Output;
use crate::progress::Progress;
use crate::report::{ChapterReport, Fault, GradedExercise, Report};
use crate::text::{DIM, say, styled};
use crate::workspace::Workspace;
use crate::{Exit, Failed};
use anyhow::anyhow;
use build::{Kit, Layers, Sources};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(crate) fn run(args: &GradeArgs) -> Result<Exit, Failed> {
    let begun = Instant::now();
    let output = args.output.as_deref().map(Output::prepare).transpose()?;
    let mut course = Course::load()?;
    course.narrow(&args.what)?;
    let selected = course.select(&args.what)?;
    let (submission, workspace) = match &args.submission {
        Some(named) => (named_folder(named)?, None),
        None => {
            let workspace = Workspace::find()?;
            (workspace.folder.clone(), Some(workspace))
        }
    };
    let mut report = match judging(args)? {
        Ok(judging) => {
            let mut report = grade(&submission, workspace.is_none(), &selected, &judging);
            report.not_isolated = crate::isolation::missing(args.how.no_sandbox);
            report
        }
        Err(fault) => not_graded(&selected, &fault),
    };
    report.has_secret_seeds = args.seed_key.is_some();
    report.budget_s = args.how.budget;
    report.from_here = workspace.as_ref().and_then(Workspace::as_seen_from_here);
    if args.timings {
        report.timings_ms = Some(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
    }
    let ended = publish(args, &report, output.as_ref());
    // What was found is told by now: nothing that goes wrong from here on can take it away.
    if let Some(workspace) = workspace.filter(|_| !crate::isolation::is_ci()) {
        let is_told = args.format == Format::Text && report.is_graded();
        match other_runs(args).map_or_else(|| keep(&workspace, &report), |why| note(&workspace, &report, why))
        {
            Ok(said) if is_told => say!("{said}"),
            Ok(_) => {}
            Err(failed) => crate::pages::warn(format!(
                "{}. The report counts; grade again when that is mended, and what passes counts again",
                crate::text::sentence(&failed.error)
            )),
        }
        workspace.note_what_is_missing();
    }
    if std::io::stderr().is_terminal() && args.format == Format::Text {
        let took = format!("Graded in {:.1} s.", begun.elapsed().as_secs_f64());
        anstream::eprintln!("{}", styled(DIM, &took));
    }
    ended
}

/// Why a grade earns nothing, where its runs are not the public ones.
fn other_runs(args: &GradeArgs) -> Option<&'static str> {
    if args.seed_key.is_some() {
        return Some("Graded under another seed key: no XP are booked.\n");
    }
    args.how.worlds.map(|_| "Graded with another number of runs (--worlds): no XP are booked.\n")
}

/// How to judge. The inner error is this machine's.
fn judging(args: &GradeArgs) -> Result<Result<Judging, Fault>, Failed> {
    if let Err(failed) = crate::isolation::find_out() {
        return Ok(Err(Fault::of(&failed)));
    }
    let judging = Judging::with_key(&args.how, args.seed_key.as_deref())?.with_stories(args.shrink);
    match crate::isolation::demand(args.strict, args.how.no_sandbox) {
        Err(failed) if failed.exit == Exit::HarnessFault => Ok(Err(Fault::of(&failed))),
        demanded => demanded.map(|()| Ok(judging)),
    }
}

/// Tells the report where it was asked for; elsewhere, where that fails.
fn publish(args: &GradeArgs, report: &Report, output: Option<&Output>) -> Result<Exit, Failed> {
    let text = match args.format {
        Format::Text if crate::text::is_ascii() => {
            crate::text::plain(&report.text(crate::text::width(), true))
        }
        Format::Text => report.text(crate::text::width(), false),
        Format::Json => report.json(),
    };
    // Where nothing is graded, the error says all that the text of a report would.
    let is_told = output.is_some() || args.format == Format::Json || report.is_graded();
    let written = output.map_or(Ok(()), |output| output.write(&text));
    if (output.is_none() && is_told) || written.is_err() {
        anstream::print!("{text}");
    }
    written?;
    let nothing =
        report.chapters.iter().find_map(|chapter| chapter.fault.as_ref()).filter(|_| !report.is_graded());
    match nothing {
        Some(fault) => Err(Failed { exit: report.exit(args.min_score), error: anyhow!(fault.said.clone()) }),
        None => Ok(report.exit(args.min_score)),
    }
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

/// Keeps what a grade earned, in the student's own workspace; returns what to say of it. CI does not: what counts there is the
/// report.
fn keep(workspace: &Workspace, report: &Report) -> Result<String, Failed> {
    let file = workspace.progress_file();
    let (gained, progress) =
        Progress::update(&file, &mut crate::pages::warn, |progress| progress.merge(report))?;
    let mut last = Last::read(workspace);
    let mut lines = last.changes(report).lines();
    last.update(report);
    last.write(workspace)?;
    // (the one that was graded may have been narrowed to single checks)
    let course = Course::load()?;
    let chapters: Vec<_> = course.chapters.iter().map(|chapter| &chapter.suite).collect();
    let total = progress.total_xp(&chapters);
    lines.push(match gained {
        0 => format!("{total} XP so far."),
        _ => format!("{gained} XP more than before: {total} XP so far."),
    });
    lines.extend(what_next(&course, &progress, report));
    Ok(lines.join("\n") + "\n")
}
/// Keeps of a grade that earns nothing the runs that failed, for `replay`.
fn note(workspace: &Workspace, report: &Report, why: &str) -> Result<String, Failed> {
    let mut last = Last::read(workspace);
    last.note_failures(report);
    last.write(workspace)?;
    Ok(why.to_owned())
}
/// Where to go on: after a grade in which everything passed.
fn what_next(course: &Course, progress: &Progress, report: &Report) -> Vec<String> {
    let graded =
        || report.chapters.iter().flat_map(|chapter| chapter.exercises.iter().map(move |one| (chapter, one)));
    let (Exit::Passed, Some((chapter, exercise))) = (report.exit(None), graded().last()) else {
        return Vec::new();
    };
    let name = match graded().count() {
        1 => format!("{}/{}", chapter.number, exercise.report.id),
        _ => chapter.number.to_string(),
    };
    let all = course.select(&[]).unwrap_or_default();
    let next = crate::pages::next_exercise(&all, progress);
    let next = next.map(|next| ("faultlines next".to_owned(), format!("how to begin {}", next.name())));
    let soak = (format!("faultlines soak {name}"), "the same checks under fresh random seeds".to_owned());
    let solution = (format!("faultlines solution {name}"), "the reference beside yours".to_owned());
    // (of an exercise of which single checks were graded, others may be left)
    let is_complete = |name: &str| all.iter().any(|one| one.name() == name && progress.is_complete(one));
    let solution = Some(solution).filter(|_| is_complete(&name));
    let ways: Vec<_> = [soak].into_iter().chain(solution).chain(next).collect();
    let column = ways.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    let ways = ways.into_iter().map(|(command, what)| format!("  {command:<column$}   {what}"));
    ["How to go on:".to_owned()].into_iter().chain(ways).collect()
}

/// Grades what is selected of a submission. A chapter that cannot be graded is a part of the report, and the others stand.
/// `is_foreign`: somebody else handed it in, and no link in it is followed.
pub(crate) fn grade(
    submission: &Path,
    is_foreign: bool,
    selected: &[Selected<'_>],
    judging: &Judging,
) -> Report {
    let kit = match prepare_kit(judging.layers) {
        Ok(kit) => kit,
        Err(failed) => return not_graded(selected, &Fault::of(&failed)),
    };
    let chapters = by_chapter(selected).into_iter().map(|these| {
        let chapter = these[0].chapter;
        let graded = read(submission, is_foreign, chapter)
            .and_then(|sources| grade_chapter(&kit, chapter, &sources, these, judging));
        graded.unwrap_or_else(|failed| ungraded_chapter(these, &Fault::of(&failed)))
    });
    Report {
        chapters: chapters.collect(),
        not_isolated: Vec::new(),
        timings_ms: None,
        has_secret_seeds: false,
        budget_s: 0,
        from_here: None,
    }
}
fn by_chapter<'a, 'c>(selected: &'a [Selected<'c>]) -> Vec<&'a [Selected<'c>]> {
    selected.chunk_by(|a, b| a.chapter.suite.number == b.chapter.suite.number).collect()
}
/// A report that says of everything that it is not graded, and why.
fn not_graded(selected: &[Selected<'_>], fault: &Fault) -> Report {
    let chapters = by_chapter(selected).into_iter().map(|these| ungraded_chapter(these, fault));
    Report {
        chapters: chapters.collect(),
        not_isolated: Vec::new(),
        timings_ms: None,
        has_secret_seeds: false,
        budget_s: 0,
        from_here: None,
    }
}
fn ungraded_chapter(these: &[Selected<'_>], fault: &Fault) -> ChapterReport {
    let suite = &these[0].chapter.suite;
    ChapterReport {
        number: suite.number,
        folder: suite.folder,
        title: suite.title,
        exercises: these.iter().map(|of| GradedExercise::ungraded(of.exercise, fault)).collect(),
        planned_xp: suite.planned.iter().map(|planned| planned.xp).sum(),
        statics: Vec::new(),
        fault: Some(fault.clone()),
    }
}

/// The sources of one chapter of a submission.
fn read(submission: &Path, is_foreign: bool, chapter: &ChapterFolder) -> Result<Sources, Failed> {
    let folder = submission.join(chapter.suite.folder);
    if !folder.is_dir() {
        // an archive is unpacked into a folder of its own more often than not
        let inner = std::fs::read_dir(submission).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut inner = inner.filter(|inner| inner.join(chapter.suite.folder).is_dir());
        let found = inner.next().map(|inner| format!("; there is one in {}", inner.display()));
        return Err(Failed::usage(anyhow!(
            "no folder {}: chapter {} belongs there{}",
            folder.display(),
            chapter.suite.number,
            found.unwrap_or_default()
        )));
    }
    let sources = match is_foreign {
        true => Sources::read_below(submission, chapter.suite.folder)?,
        false => Sources::read(&folder)?,
    };
    Ok(sources)
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
    let built = chapter.build(kit, sources, &asked).map_err(|error| match error {
        build::Error::UnfitSource { path, reason } if reason == "is missing" => build::Error::UnfitSource {
            path,
            reason: format!("is missing; `faultlines reset {}` brings it back", chapter.suite.number),
        },
        error => error,
    })?;
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
        fault: None,
    })
}
