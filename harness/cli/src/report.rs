//! The report: text for people, JSON for programs.

use crate::Exit;
use crate::figures::{self, JsonFigures};
use crate::text::{BAD, DIM, GOOD, STRONG, harmless, styled, wrapped};
use host::Barrier;
use judge::{CheckReport, Exercise, ExerciseReport, Failure, Kind, RELEASE, Told, Verdict};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The version of the JSON report; it changes when a field changes its meaning or goes.
const SCHEMA: u32 = 1;

pub(crate) struct Report {
    pub(crate) chapters: Vec<ChapterReport>,
    /// What student code was not isolated from.
    pub(crate) not_isolated: Vec<Barrier>,
    pub(crate) timings_ms: Option<u64>,
    /// Whether seeds come from a key that only its owner has.
    pub(crate) has_secret_seeds: bool,
    /// Processor time that one check might take, in seconds.
    pub(crate) budget_s: u64,
    /// How a text names the folder that holds the chapters, so that a terminal finds the files; `None` where they are not the reader's.
    pub(crate) from_here: Option<PathBuf>,
}
pub(crate) struct ChapterReport {
    pub(crate) number: u8,
    pub(crate) folder: &'static str,
    pub(crate) title: &'static str,
    pub(crate) exercises: Vec<GradedExercise>,
    pub(crate) planned_xp: u32,
    /// State outside nodes, for which it was graded run by run.
    pub(crate) statics: Vec<String>,
    /// Why nothing of it is graded, if nothing is.
    pub(crate) fault: Option<Fault>,
}
/// Why a chapter is not graded.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// Whose fault it is: how a grade of this chapter alone ends.
    pub(crate) exit: Exit,
    pub(crate) said: String,
}
pub(crate) struct GradedExercise {
    pub(crate) report: ExerciseReport,
    /// What the compiler said, if it does not compile.
    pub(crate) build_error: Option<String>,
}

impl Fault {
    pub(crate) fn of(failed: &crate::Failed) -> Fault {
        Fault { exit: failed.exit, said: crate::text::sentence(&failed.error) }
    }
}
impl GradedExercise {
    pub(crate) fn judged(report: ExerciseReport) -> GradedExercise {
        GradedExercise { report, build_error: None }
    }
    /// An exercise that does not compile: every check is blocked.
    pub(crate) fn broken(exercise: &Exercise, diagnostics: String) -> GradedExercise {
        let checks = exercise.checks.iter().map(|check| CheckReport {
            verdict: Verdict::Blocked,
            message: "Does not compile.".to_owned(),
            ..CheckReport::blank(check)
        });
        let report = ExerciseReport { id: exercise.id, checks: checks.collect() };
        GradedExercise { report, build_error: Some(diagnostics) }
    }
    /// An exercise of a chapter that is not graded.
    pub(crate) fn ungraded(exercise: &Exercise, fault: &Fault) -> GradedExercise {
        let build_error = (fault.exit == Exit::BuildFailed).then(|| fault.said.clone());
        let checks = exercise.checks.iter().map(|check| CheckReport {
            verdict: Verdict::Blocked,
            message: "Not graded.".to_owned(),
            ..CheckReport::blank(check)
        });
        let report = ExerciseReport { id: exercise.id, checks: checks.collect() };
        GradedExercise { report, build_error }
    }
    fn is_started(&self) -> bool {
        self.report.checks.iter().any(|check| check.verdict != Verdict::NotStarted)
    }
}
impl ChapterReport {
    fn xp(&self) -> u32 {
        self.exercises.iter().map(|exercise| exercise.report.xp()).sum()
    }
    fn max_xp(&self) -> u32 {
        self.exercises.iter().map(|exercise| exercise.report.max_xp()).sum()
    }
}

impl Report {
    /// How `grade` ends: with every check passed, or so many percent of the XP.
    pub(crate) fn exit(&self, min_score: Option<u32>) -> Exit {
        let exercises = || self.chapters.iter().flat_map(|chapter| &chapter.exercises);
        let (xp, max) = self.totals();
        let passes = match min_score {
            Some(percent) => xp * 100 >= percent * max,
            None => {
                let mut checks = exercises().flat_map(|exercise| &exercise.report.checks);
                checks.all(|check| check.verdict == Verdict::Passed)
            }
        };
        let mut checks = exercises().flat_map(|exercise| &exercise.report.checks);
        let ends_with = |exit| {
            self.chapters.iter().filter_map(|chapter| chapter.fault.as_ref()).any(|fault| fault.exit == exit)
        };
        if checks.any(|check| check.verdict == Verdict::HarnessFault) || ends_with(Exit::HarnessFault) {
            Exit::HarnessFault
        } else if passes {
            Exit::Passed
        } else if ends_with(Exit::Usage) {
            Exit::Usage
        } else if exercises().any(|exercise| exercise.build_error.is_some()) {
            Exit::BuildFailed
        } else {
            Exit::ChecksFailed
        }
    }
    /// Whether anything of it is graded.
    pub(crate) fn is_graded(&self) -> bool {
        self.chapters.is_empty() || self.chapters.iter().any(|chapter| chapter.fault.is_none())
    }
    /// Each check that was judged, by `chapter/exercise/check`: what it earned, and what it is worth.
    pub(crate) fn earned(&self) -> impl Iterator<Item = (String, u32, u32)> {
        let chapters = self.chapters.iter().filter(|chapter| chapter.fault.is_none());
        chapters.flat_map(|chapter| {
            let graded = chapter.exercises.iter().filter(|exercise| exercise.build_error.is_none());
            graded.flat_map(move |exercise| {
                exercise.report.checks.iter().map(move |check| {
                    (
                        format!("{}/{}/{}", chapter.number, exercise.report.id, check.id),
                        check.xp,
                        check.max_xp,
                    )
                })
            })
        })
    }

    pub(crate) fn text(&self, width: usize, ascii: bool) -> String {
        let mut out = String::new();
        for chapter in &self.chapters {
            chapter.text(
                &mut out,
                Page {
                    width,
                    ascii,
                    has_secret_seeds: self.has_secret_seeds,
                    from_here: self.from_here.as_deref(),
                },
            );
        }
        if !self.not_isolated.is_empty() {
            let open = self.open().join(", ");
            let said = format!(
                "Warning: the submission was not isolated from {open}. Trust this report only if you trust the code.\n"
            );
            let _ = writeln!(out, "{}", wrapped(&said, 0, width).trim_end());
        }
        let (xp, max) = self.totals();
        let all_of = if self.chapters.len() == 1 { "" } else { " in all" };
        let _ = writeln!(out, "{}", styled(STRONG, &format!("{xp} of {max} XP{all_of}")));
        out
    }
    fn open(&self) -> Vec<&'static str> {
        self.not_isolated.iter().map(|barrier| crate::isolation::name(*barrier)).collect()
    }
    fn totals(&self) -> (u32, u32) {
        let sum = |f: fn(&ChapterReport) -> u32| self.chapters.iter().map(f).sum();
        (sum(ChapterReport::xp), sum(ChapterReport::max_xp))
    }

    pub(crate) fn json(&self) -> String {
        let (xp, max_xp) = self.totals();
        let report = Json {
            schema: SCHEMA,
            release: RELEASE,
            xp,
            max_xp,
            chapters: self.chapters.iter().map(JsonChapter::new).collect(),
            not_isolated: self.open(),
            budget_s: self.budget_s,
            timings_ms: self.timings_ms,
        };
        let mut text = serde_json::to_string_pretty(&report).expect("a report has no value that JSON lacks");
        text.push('\n');
        text
    }
}

impl ChapterReport {
    fn text(&self, out: &mut String, page: Page<'_>) {
        let width = page.width;
        let _ = writeln!(out, "{}", styled(STRONG, &format!("Chapter {}: {}", self.number, self.title)));
        if let Some(fault) = &self.fault {
            let _ = writeln!(
                out,
                "\n{}",
                spread("  ✘ not graded", 14, &format!("0/{} XP", self.max_xp()), width)
            );
            let mut lines = fault.said.lines();
            out.push_str(&wrapped(&harmless(lines.next().unwrap_or_default()), 4, width));
            // the compiler's pictures are not wrapped
            for line in lines {
                let _ = writeln!(out, "    │ {}", harmless(line));
            }
            let _ = writeln!(out);
            return;
        }
        for exercise in &self.exercises {
            let _ = writeln!(out);
            exercise.text(self, out, page);
        }
        if !self.statics.is_empty() {
            let _ = writeln!(out);
            out.push_str(&wrapped(&outside(&self.statics), 0, width));
        }
        if self.planned_xp > 0 {
            let planned =
                format!("\nExercises worth {} more XP of this chapter are planned.", self.planned_xp);
            let _ = writeln!(out, "{}", styled(DIM, &planned));
        }
    }
}

impl GradedExercise {
    fn text(&self, chapter: &ChapterReport, out: &mut String, page: Page<'_>) {
        let width = page.width;
        let name = format!("{}/{}", chapter.number, self.report.id);
        let earned = format!("{}/{} XP", self.report.xp(), self.report.max_xp());
        let _ = writeln!(out, "{}", spread(&styled(STRONG, &name), name.len(), &earned, width));
        if let Some(diagnostics) = &self.build_error {
            let _ = writeln!(out, "  {} does not compile", styled(BAD, "✘"));
            let sources = page
                .from_here
                .map(|from| harmless(&from.join(chapter.folder).join("src/").display().to_string()));
            for line in harmless(diagnostics).lines() {
                let found = sources.as_ref().and_then(|sources| {
                    let mark =
                        ["--> ", "::: "].into_iter().find(|mark| line.trim_start().starts_with(mark))?;
                    Some(line.replacen(&format!("{mark}src/"), &format!("{mark}{sources}"), 1))
                });
                let _ = writeln!(out, "  │ {}", found.as_deref().unwrap_or(line));
            }
            return;
        }
        let further = further(chapter.number, chapter.folder, self.report.id);
        for (nth, check) in self.report.checks.iter().enumerate() {
            check_head(check, out, page);
            let told_before = self.report.checks[..nth].iter().find(|earlier| is_same_bug(earlier, check));
            match check.verdict {
                Verdict::Passed | Verdict::NotStarted => {}
                Verdict::Blocked | Verdict::Undecided | Verdict::HarnessFault => {
                    out.push_str(&wrapped(&harmless(&check.message), 4, width));
                }
                Verdict::Failed | Verdict::Crashed | Verdict::TimedOut => match told_before {
                    Some(earlier) => again_text(check, earlier, &name, out, page),
                    None => failure_text(check, &name, &further, out, page),
                },
            }
        }
        // what is left to do may lie in another exercise, which this one calls
        let missing: BTreeSet<&str> = self
            .report
            .checks
            .iter()
            .filter(|check| check.verdict == Verdict::NotStarted)
            .map(|check| check.message.as_str())
            .collect();
        if self.is_started() {
            for message in missing.into_iter().filter(|message| !message.is_empty()) {
                out.push_str(&wrapped(&format!("Not started: {}", harmless(message)), 2, width));
            }
        } else {
            let _ = writeln!(out);
            let place = missing.first().and_then(|message| message.split_once(", at ")).map(|(_, place)| {
                let mut parts = place.trim_end_matches('.').split(':');
                let (file, line) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                format!("{}, line {}, where a `todo!()` was reached", harmless(file), harmless(line))
            });
            let place = place.unwrap_or_else(|| format!("src/{}.rs", self.report.id));
            let begin = format!(
                "Not started. Begin with {place}: the comments in this file say what each part must do. Then run `cargo test {}` in \
                 this chapter's folder, and grade again.",
                self.report.id
            );
            out.push_str(&wrapped(&begin, 2, width));
            let _ = writeln!(out, "  {}", styled(DIM, &format!("hint  faultlines hint {name}")));
        }
    }
}

/// Where to read on about an exercise, and what else helps.
pub(crate) fn further(chapter: u8, folder: &str, exercise: &str) -> [String; 2] {
    [
        format!("read    {folder}/README.md, the part on {exercise}"),
        format!("hint    faultlines hint {chapter}/{exercise}"),
    ]
}

/// How to print a story.
#[derive(Clone, Copy)]
pub(crate) struct How {
    pub(crate) indent: usize,
    pub(crate) width: usize,
    pub(crate) ascii: bool,
}
/// What happened: a sentence, a diagram, and how far it was cut down.
pub(crate) fn told_text(told: &Told, how: How) -> String {
    let sentence = wrapped(&harmless(&judge::message(told.how())), how.indent, how.width);
    format!("{sentence}\n{}", drawn(told, how))
}
fn drawn(told: &Told, How { indent, width, ascii }: How) -> String {
    let mut out = String::new();
    let margin = " ".repeat(indent.saturating_sub(2));
    for line in crate::diagram::draw(&told.story, width.saturating_sub(margin.len()), ascii).lines() {
        let _ = writeln!(out, "{}", format!("{margin}{line}").trim_end());
    }
    if let Some(cut) = cut_down(told) {
        out.push('\n');
        out.push_str(&wrapped(&cut, indent, width));
    }
    out
}
/// How far a failure was cut down, if it was.
fn cut_down(told: &Told) -> Option<String> {
    let (before, after) = told.sizes;
    if told.recording.call.is_some() {
        let many = before.requests;
        return (many > 1).then(|| {
            format!("This is one of the {many} questions of this run, made as simple as possible.")
        });
    }
    let shown = told.story.events();
    let of = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let left_out = before.events > shown as u64 + 2 || before.faults > after.faults;
    left_out.then(|| {
        let faults = |count: usize| match count {
            0 => String::new(),
            count => format!(" and {}", of(count as u64, "fault")),
        };
        format!(
            "Cut down from a run of {}{} to the {}{} that matter.",
            of(before.events, "event"),
            faults(before.faults),
            of(shown as u64, "event"),
            faults(after.faults)
        )
    })
}

/// Why a chapter was graded run by run, and what to do about it.
fn outside(statics: &[String]) -> String {
    let names: Vec<String> = statics.iter().map(|name| format!("`{}`", harmless(name))).collect();
    let (is, it) = if names.len() == 1 { ("is", "it") } else { ("are", "them") };
    format!(
        "Graded run by run, each in processes of its own: {} {is} state outside a node. A crash should take it, and one run          must not see another's: keep {it} in `self`.",
        names.join(", ")
    )
}

/// `left`, and `right` at the end of the line.
fn spread(left: &str, left_columns: usize, right: &str, width: usize) -> String {
    let gap = width.saturating_sub(left_columns + right.chars().count()).max(2);
    format!("{left}{}{right}", " ".repeat(gap))
}

/// How to print a report.
#[derive(Clone, Copy)]
struct Page<'a> {
    width: usize,
    ascii: bool,
    has_secret_seeds: bool,
    from_here: Option<&'a Path>,
}

/// The line of a check, and its figures.
fn check_head(check: &CheckReport, out: &mut String, Page { width, ascii, .. }: Page<'_>) {
    let (mark, style, word) = match check.verdict {
        Verdict::Passed => ("✔", GOOD, ""),
        Verdict::Failed => ("✘", BAD, "failed"),
        Verdict::Crashed => ("✘", BAD, "crashed"),
        Verdict::TimedOut => ("✘", BAD, "timed out"),
        Verdict::NotStarted => ("○", DIM, "not started"),
        Verdict::Blocked => ("○", DIM, "blocked"),
        Verdict::Undecided => ("?", STRONG, "undecided"),
        Verdict::HarnessFault => ("?", BAD, "harness fault"),
    };
    let mut right = format!("{}/{} XP", check.xp, check.max_xp);
    if !word.is_empty() {
        right = format!("{word}   {right}");
    }
    let left = format!("  {} {}", styled(style, mark), check.id);
    let _ = writeln!(out, "{}", spread(&left, 4 + check.id.len(), &right, width));
    for said in figures::lines(&check.figures, width.saturating_sub(4), ascii) {
        let _ = writeln!(out, "    {}", styled(DIM, &said));
    }
}
/// Whether an earlier check has failed in the same way, and was told.
fn is_same_bug(earlier: &CheckReport, check: &CheckReport) -> bool {
    match (&earlier.failure, &check.failure) {
        (Some(earlier), Some(later)) => later.how.is_that_of(&earlier.how),
        _ => false,
    }
}
/// A failure, told in full.
fn failure_text(check: &CheckReport, exercise: &str, further: &[String], out: &mut String, page: Page<'_>) {
    let Page { width, ascii, .. } = page;
    match &check.told {
        Some(told) => out.push_str(&told_text(told, How { indent: 4, width, ascii })),
        None => out.push_str(&wrapped(&harmless(&check.message), 4, width)),
    }
    let _ = writeln!(out);
    for line in about(check.promise, check.rule, check.assumption) {
        out.push_str(&wrapped(&line, 4, width));
    }
    seen_text(check, out, page);
    for way in further {
        let _ = writeln!(out, "    {}", styled(DIM, way));
    }
    replay_text(check, exercise, out, page);
    let _ = writeln!(out);
}
/// A failure that an earlier check has told already.
fn again_text(check: &CheckReport, earlier: &CheckReport, exercise: &str, out: &mut String, page: Page<'_>) {
    let broken = check.failure.as_ref().and_then(|failure| failure.how.rule());
    let same = match broken {
        Some(rule) => format!("The same rule is broken as in `{}` (`{rule}`): fix that first.", earlier.id),
        None => format!("Your code ended as in `{}`: fix that first.", earlier.id),
    };
    out.push_str(&wrapped(&same, 4, page.width));
    seen_text(check, out, page);
    replay_text(check, exercise, out, page);
    let _ = writeln!(out);
}
/// What a check promises, why, and what it takes nobody at their word for.
pub(crate) fn about(promise: &str, rule: &str, assumption: &str) -> [String; 3] {
    [format!("Promise: {promise}"), format!("Rule: {rule}"), format!("Do not assume that {assumption}")]
}
fn seen_text(check: &CheckReport, out: &mut String, page: Page<'_>) {
    let many = match (check.failing_worlds, check.worlds) {
        (0, 0) => "no run was judged to its end".to_owned(),
        (0, worlds) => format!("none of the {worlds} runs reached the situation that this check is about"),
        (failing, worlds) => format!("{failing} of {worlds} runs failed"),
    };
    let first = match &check.failure {
        Some(Failure { world, seed, .. }) if !check.is_vacuous() => {
            format!("; the first is number {world}, with seed {seed}")
        }
        _ => String::new(),
    };
    out.push_str(&wrapped(&format!("Seen: {many}{first}"), 4, page.width));
}
/// How to see it again. A secret seed cannot be worked out from its number.
fn replay_text(check: &CheckReport, exercise: &str, out: &mut String, page: Page<'_>) {
    let which = match &check.failure {
        Some(Failure { world, seed, .. }) if !check.is_vacuous() => {
            let seed = if page.has_secret_seeds { format!(" --seed {seed}") } else { String::new() };
            format!(" --world {world}{seed}")
        }
        _ => String::new(),
    };
    let line = format!("replay  faultlines replay {exercise}/{}{which}", check.id);
    let _ = writeln!(out, "    {}", styled(DIM, &line));
}

#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    release: &'a str,
    xp: u32,
    max_xp: u32,
    chapters: Vec<JsonChapter<'a>>,
    /// What student code was not isolated from; left out where that is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_isolated: Vec<&'static str>,
    /// Processor time that one check might take, in seconds.
    budget_s: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    timings_ms: Option<u64>,
}
#[derive(Serialize)]
struct JsonChapter<'a> {
    chapter: u8,
    title: &'a str,
    xp: u32,
    max_xp: u32,
    planned_xp: u32,
    /// State outside nodes, by path; where there is some, every run had processes of its own.
    state_outside_nodes: Vec<String>,
    /// Why nothing of it is graded; left out where it is, and where it does not compile.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    exercises: Vec<JsonExercise<'a>>,
}
#[derive(Serialize)]
struct JsonExercise<'a> {
    id: &'a str,
    xp: u32,
    max_xp: u32,
    build_error: Option<String>,
    checks: Vec<JsonCheck<'a>>,
}
#[derive(Serialize)]
struct JsonCheck<'a> {
    id: &'a str,
    kind: &'static str,
    verdict: Verdict,
    xp: u32,
    max_xp: u32,
    worlds: u32,
    failing_worlds: u32,
    message: String,
    /// The id of the rule that was broken, where one was.
    rule: Option<&'static str>,
    promise: &'a str,
    assumption: &'a str,
    failing_world: Option<JsonWorld>,
    /// What its runs report, summed up; left out where they report nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    figures: Option<JsonFigures>,
    /// What happened, drawn; only for the first failure of an exercise.
    #[serde(skip_serializing_if = "Option::is_none")]
    story: Option<Vec<String>>,
}
#[derive(Serialize)]
struct JsonWorld {
    world: u32,
    seed: String,
}
impl<'a> JsonChapter<'a> {
    fn new(chapter: &'a ChapterReport) -> Self {
        JsonChapter {
            chapter: chapter.number,
            title: chapter.title,
            xp: chapter.xp(),
            max_xp: chapter.max_xp(),
            planned_xp: chapter.planned_xp,
            state_outside_nodes: chapter.statics.iter().map(|name| harmless(name)).collect(),
            fault: chapter
                .fault
                .as_ref()
                .filter(|fault| fault.exit != Exit::BuildFailed)
                .map(|fault| harmless(&fault.said)),
            exercises: chapter.exercises.iter().map(JsonExercise::new).collect(),
        }
    }
}
impl<'a> JsonExercise<'a> {
    fn new(exercise: &'a GradedExercise) -> Self {
        JsonExercise {
            id: exercise.report.id,
            xp: exercise.report.xp(),
            max_xp: exercise.report.max_xp(),
            build_error: exercise.build_error.as_deref().map(harmless),
            checks: exercise.report.checks.iter().map(JsonCheck::new).collect(),
        }
    }
}
impl<'a> JsonCheck<'a> {
    fn new(check: &'a CheckReport) -> Self {
        JsonCheck {
            id: check.id,
            kind: match check.kind {
                Kind::Safety => "safety",
                Kind::Liveness => "liveness",
                Kind::Cost => "cost",
            },
            verdict: check.verdict,
            xp: check.xp,
            max_xp: check.max_xp,
            worlds: check.worlds,
            failing_worlds: check.failing_worlds,
            message: harmless(&check.message),
            rule: check.failure.as_ref().and_then(|failure| failure.how.rule()),
            promise: check.promise,
            assumption: check.assumption,
            failing_world: check
                .failure
                .as_ref()
                .map(|failure| JsonWorld { world: failure.world, seed: failure.seed.to_string() }),
            figures: JsonFigures::of(&check.figures),
            story: check.told.as_ref().map(|told| {
                let how = How { indent: 0, width: 80, ascii: false };
                drawn(told, how).lines().map(str::to_owned).collect()
            }),
        }
    }
}
