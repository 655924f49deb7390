//! The report: text for people, JSON for programs.

use crate::Exit;
use crate::figures::{self, JsonFigures};
use crate::text::{BAD, DIM, GOOD, STRONG, harmless, styled, wrapped};
use host::Barrier;
use judge::{CheckReport, Exercise, ExerciseReport, Failure, Kind, RELEASE, Told, Verdict};
use serde::Serialize;
use std::fmt::Write;

/// The version of the JSON report; it changes when a field changes its meaning or goes.
const SCHEMA: u32 = 1;

pub(crate) struct Report {
    pub(crate) chapters: Vec<ChapterReport>,
    /// What student code was not isolated from.
    pub(crate) not_isolated: Vec<Barrier>,
    pub(crate) timings_ms: Option<u64>,
}
pub(crate) struct ChapterReport {
    pub(crate) number: u8,
    pub(crate) folder: &'static str,
    pub(crate) title: &'static str,
    pub(crate) exercises: Vec<GradedExercise>,
    pub(crate) planned_xp: u32,
    /// State outside nodes, for which it was graded run by run.
    pub(crate) statics: Vec<String>,
}
pub(crate) struct GradedExercise {
    pub(crate) report: ExerciseReport,
    /// What the compiler said, if it does not compile.
    pub(crate) build_error: Option<String>,
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
        if passes {
            Exit::Passed
        } else if exercises().any(|exercise| exercise.build_error.is_some()) {
            Exit::BuildFailed
        } else {
            Exit::ChecksFailed
        }
    }
    /// The XP of each check, by `chapter/exercise/check`.
    pub(crate) fn earned(&self) -> impl Iterator<Item = (String, u32)> {
        self.chapters.iter().flat_map(|chapter| {
            chapter.exercises.iter().flat_map(move |exercise| {
                exercise.report.checks.iter().map(move |check| {
                    (format!("{}/{}/{}", chapter.number, exercise.report.id, check.id), check.xp)
                })
            })
        })
    }

    pub(crate) fn text(&self, width: usize, ascii: bool) -> String {
        let mut out = String::new();
        for chapter in &self.chapters {
            chapter.text(&mut out, width, ascii);
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
            timings_ms: self.timings_ms,
        };
        let mut text = serde_json::to_string_pretty(&report).expect("a report has no value that JSON lacks");
        text.push('\n');
        text
    }
}

impl ChapterReport {
    fn text(&self, out: &mut String, width: usize, ascii: bool) {
        let _ = writeln!(out, "{}", styled(STRONG, &format!("Chapter {}: {}", self.number, self.title)));
        for exercise in &self.exercises {
            let _ = writeln!(out);
            exercise.text(self, out, width, ascii);
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
    fn text(&self, chapter: &ChapterReport, out: &mut String, width: usize, ascii: bool) {
        let name = format!("{}/{}", chapter.number, self.report.id);
        let earned = format!("{}/{} XP", self.report.xp(), self.report.max_xp());
        let _ = writeln!(out, "{}", spread(&styled(STRONG, &name), name.len(), &earned, width));
        if let Some(diagnostics) = &self.build_error {
            let _ = writeln!(out, "  {} does not compile", styled(BAD, "✘"));
            for line in harmless(diagnostics).lines() {
                let _ = writeln!(out, "  │ {line}");
            }
            return;
        }
        for check in &self.report.checks {
            let further = further(chapter.number, chapter.folder, self.report.id);
            check_text(check, &name, &further, out, width, ascii);
        }
        if !self.is_started() {
            let _ = writeln!(out);
            let begin = format!(
                "Not started. Begin with src/{}.rs in this chapter's folder: its comments say what each part must do. Then `cargo \
                 test {}` there, and grade again.",
                self.report.id, self.report.id
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

fn check_text(
    check: &CheckReport,
    exercise: &str,
    further: &[String],
    out: &mut String,
    width: usize,
    ascii: bool,
) {
    let (mark, style, word) = match check.verdict {
        Verdict::Passed => ("✔", GOOD, ""),
        Verdict::Failed => ("✘", BAD, "failed"),
        Verdict::Crashed => ("✘", BAD, "crashed"),
        Verdict::TimedOut => ("✘", BAD, "timed out"),
        Verdict::NotStarted => ("○", DIM, "not started"),
        Verdict::Blocked => ("○", DIM, "blocked"),
        Verdict::Undecided => ("?", STRONG, "undecided"),
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
    match check.verdict {
        Verdict::Passed | Verdict::NotStarted => {}
        Verdict::Blocked | Verdict::Undecided => out.push_str(&wrapped(&harmless(&check.message), 4, width)),
        Verdict::Failed | Verdict::Crashed | Verdict::TimedOut => {
            match &check.told {
                Some(told) => out.push_str(&told_text(told, How { indent: 4, width, ascii })),
                None => out.push_str(&wrapped(&harmless(&check.message), 4, width)),
            }
            let _ = writeln!(out);
            out.push_str(&wrapped(&format!("Promise: {}", check.promise), 4, width));
            out.push_str(&wrapped(&format!("Rule: {}", check.rule), 4, width));
            out.push_str(&wrapped(&format!("Do not assume that {}", check.assumption), 4, width));
            let many = match (check.failing_worlds, check.worlds) {
                (0, worlds) => {
                    format!("none of the {worlds} runs reached the situation that this check is about")
                }
                (failing, worlds) => format!("{failing} of {worlds} runs failed"),
            };
            let seed = match &check.failure {
                Some(Failure { world, seed, .. }) => {
                    format!("; the first is number {world}, with seed {seed}")
                }
                None => String::new(),
            };
            out.push_str(&wrapped(&format!("Seen: {many}{seed}"), 4, width));
            let replay = format!("replay  faultlines replay {exercise}/{}", check.id);
            for way in further.iter().chain([&replay]) {
                let _ = writeln!(out, "    {}", styled(DIM, way));
            }
            let _ = writeln!(out);
        }
    }
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
