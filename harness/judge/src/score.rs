//! Verdicts and XP.

use crate::check::{Check, Exercise, Kind};
use crate::explore::{Cost, Failure, Finding, How, Undecided};
use crate::figures::Figures;
use crate::misbehaviour;
use crate::tell::Told;
use serde::Serialize;
use world::Misbehaviour;

/// What is said of a check in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The promise held in every world.
    Passed,
    /// It was broken.
    Failed,
    /// The code panicked, or its process ended.
    Crashed,
    /// It computed or waited for ever, or judging it cost more than it may.
    TimedOut,
    /// A `todo!()` was reached.
    NotStarted,
    /// A check that it needs did not pass.
    Blocked,
    /// The checker ran out of its budget before it could tell.
    Undecided,
    /// The harness itself failed while it judged the check.
    HarnessFault,
}

/// One check, judged.
#[derive(Debug, Clone)]
pub struct CheckReport {
    /// The check's id.
    pub id: &'static str,
    /// The check's promise.
    pub promise: &'static str,
    /// Where the rule comes from.
    pub rule: &'static str,
    /// The assumption that the check breaks.
    pub assumption: &'static str,
    /// What kind of promise it is.
    pub kind: Kind,
    /// The verdict.
    pub verdict: Verdict,
    /// What it earns.
    pub xp: u32,
    /// What it is worth.
    pub max_xp: u32,
    /// Worlds that were looked at; 0 where it is blocked.
    pub worlds: u32,
    /// Worlds in which it failed.
    pub failing_worlds: u32,
    /// What went wrong, in a sentence or a few; empty where nothing did.
    pub message: String,
    /// How to see it again.
    pub failure: Option<Failure>,
    /// What its worlds report, summed up.
    pub figures: Figures,
    /// What happened, where it was asked for.
    pub told: Option<Told>,
}
/// One exercise, judged.
#[derive(Debug, Clone)]
pub struct ExerciseReport {
    /// Its id.
    pub id: &'static str,
    /// Its checks.
    pub checks: Vec<CheckReport>,
}
impl ExerciseReport {
    /// What it earns.
    pub fn xp(&self) -> u32 {
        self.checks.iter().map(|check| check.xp).sum()
    }
    /// What it is worth.
    pub fn max_xp(&self) -> u32 {
        self.checks.iter().map(|check| check.max_xp).sum()
    }
}

impl CheckReport {
    /// The report of a check that has not been judged.
    pub fn blank(check: &Check) -> CheckReport {
        CheckReport {
            id: check.id,
            promise: check.promise,
            rule: check.rule,
            assumption: check.assumption,
            kind: check.kind,
            verdict: Verdict::Blocked,
            xp: 0,
            max_xp: check.xp,
            worlds: 0,
            failing_worlds: 0,
            message: String::new(),
            failure: None,
            figures: Figures::default(),
            told: None,
        }
    }
    /// Whether it failed for no run having reached what it is about.
    pub fn is_vacuous(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| matches!(failure.how, How::Vacuous(_)))
    }
    /// Tells what happened: in the world that the story is from.
    pub fn tell(&mut self, told: Told) {
        self.message = message(told.how());
        self.told = Some(told);
    }
}

/// Verdicts and XP from what was found: one finding for each check in order, none for those that were not judged
/// because a check they need did not pass.
///
/// # Panics
/// Where there is not one entry for each check, a check needs one that does not come before it, or one was not judged
/// without such a reason.
pub fn score(exercise: &Exercise, findings: Vec<Option<Finding>>) -> ExerciseReport {
    assert_eq!(exercise.checks.len(), findings.len(), "one entry for each check");
    let mut checks: Vec<CheckReport> = Vec::new();
    for (check, finding) in exercise.checks.iter().zip(findings) {
        let mut needed = check.needs.iter().map(|id| {
            checks.iter().find(|earlier| earlier.id == *id).expect("a check needs only checks before it")
        });
        let mut report = CheckReport::blank(check);
        if let Some(missing) = needed.find(|needed| needed.verdict != Verdict::Passed) {
            if missing.verdict == Verdict::NotStarted {
                report.verdict = Verdict::NotStarted;
                report.message.clone_from(&missing.message);
            } else {
                report.message = format!("Not judged: `{}` must pass first.", missing.id);
            }
        } else {
            let finding = finding.expect("a check that nothing blocks is judged");
            report.worlds = finding.worlds;
            report.failing_worlds = finding.failing_worlds;
            report.verdict =
                finding.failure.as_ref().map_or(Verdict::Passed, |failure| verdict(&failure.how));
            report.message =
                finding.failure.as_ref().map(|failure| message(&failure.how)).unwrap_or_default();
            report.failure = finding.failure;
            report.figures = finding.figures;
            if let Some(Undecided { worlds, reason }) = finding.undecided {
                report.verdict = Verdict::Undecided;
                report.message = undecided(worlds, report.worlds, &reason);
            }
        }
        if report.verdict == Verdict::Passed {
            report.xp = report.max_xp;
        }
        checks.push(report);
    }
    let reason = reason_for_nothing(&checks)
        .map(|id| format!(" `{id}` failed, too: fix it first, because it may be why no run got there."));
    for check in checks.iter_mut().filter(|check| check.is_vacuous()) {
        check.message.push_str(reason.as_deref().unwrap_or_default());
    }
    ExerciseReport { id: exercise.id, checks }
}
/// A check that failed and that may be why runs of another one did not reach what that is about: one about progress before others.
fn reason_for_nothing(checks: &[CheckReport]) -> Option<&'static str> {
    let failed = || checks.iter().filter(|check| check.failure.is_some() && !check.is_vacuous());
    let progress = failed().find(|check| check.kind == Kind::Liveness);
    progress.or_else(|| failed().next()).map(|check| check.id)
}

/// What is said of a check in which this went wrong.
pub fn verdict(how: &How) -> Verdict {
    match how {
        How::Violated(_) | How::Vacuous(_) => Verdict::Failed,
        How::Endless(..) | How::Misbehaved(_, _, Misbehaviour::Hung(_)) | How::Spent(_) => Verdict::TimedOut,
        How::Fault(_) => Verdict::HarnessFault,
        How::Misbehaved(_, _, Misbehaviour::Panicked { not_started: true, .. }) => Verdict::NotStarted,
        How::Misbehaved(..) => Verdict::Crashed,
    }
}

/// That too much could not be decided.
fn undecided(undecided: u32, worlds: u32, reason: &str) -> String {
    format!(
        "The checker could not decide whether your code kept the promise in {undecided} of {worlds} runs: {reason}. A check \
         with so many undecided runs earns no XP. Nothing is known to be wrong."
    )
}

/// What went wrong, in a sentence or a few, and not in more than [`TEXT_MAX`] bytes.
pub fn message(how: &How) -> String {
    capped(match how {
        How::Violated(violation) => violation.sentence.clone(),
        How::Vacuous(sentence) => (*sentence).to_owned(),
        How::Endless(events, now) => format!(
            "The nodes still sent each other messages or set timers after {events} events, when only {now} had passed. Look for a \
             handler that always sends the message, or sets the timer, that calls it again."
        ),
        How::Misbehaved(node, during, how) => misbehaviour::sentence(*node, *during, how),
        How::Spent(cost) => spent(*cost),
        How::Fault(words) => format!(
            "The harness failed while it judged this check: {words}. This is a bug of the harness, not of your code: please report \
             it. The other checks are judged as usual."
        ),
    })
}
fn spent(cost: Cost) -> String {
    match cost {
        Cost::Events(events) => format!(
            "The runs of this check handed the nodes more than {events} events in all. Look for messages or timers that cause ever \
             more of their kind."
        ),
        Cost::Time(time) => format!(
            "Judging this check took more than {} s of processor time, which is its budget. Look for a handler that computes for \
             long, or for messages and timers that never end; `--budget` changes the limit.",
            time.as_secs()
        ),
        Cost::Memory(mib) => format!(
            "Judging this check took more than {mib} MiB of memory. Look for events, replies or messages that grow from run to run."
        ),
    }
}

/// What a sentence may take, in bytes. What nodes say can be part of it.
const TEXT_MAX: usize = 4_000;
fn capped(mut text: String) -> String {
    if text.len() > TEXT_MAX {
        text.truncate(text.floor_char_boundary(TEXT_MAX));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_said_of_a_check_that_could_not_be_judged() {
        let said = [
            How::Spent(Cost::Events(50_000_000)),
            How::Spent(Cost::Time(Duration::from_secs(120))),
            How::Spent(Cost::Memory(3072)),
            How::Fault("attempt to add with overflow".to_owned()),
        ];
        let said: Vec<String> = said.iter().map(message).collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn a_sentence_that_a_node_made_long_is_cut() {
        let long = message(&How::Fault("é".repeat(1 << 20)));
        assert!(long.len() <= TEXT_MAX + "…".len() && long.ends_with('…'));
    }
}
