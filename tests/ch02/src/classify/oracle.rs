//! `classify`: what is right, by every fate that the open duties can have, and how a wrong answer is told.

use super::drawing::drawing;
use judge::Story;
use kit::quiz::{Key, Quiz};
use kit::rust::Expr;
use lab::classify::{Arrival, CLASSIFY, Class, Duty, Evidence};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::Time;

/// The quiz.
pub(super) struct Classify;

impl Quiz for Classify {
    const ROLE: &'static str = CLASSIFY;
    const USES: &'static [&'static str] =
        &["chapter::classify::classify", "lab::classify::*", "std::time::Duration"];
    type Question = Evidence;
    type Answer = Class;

    fn answers() -> Vec<Class> {
        use Class::{Byzantine, CannotTellYet, Correct, Crash, Omission, Timing};
        vec![Correct, Crash, Omission, Timing, Byzantine, CannotTellYet]
    }
    fn key(evidence: &Evidence) -> Key<Class> {
        Key::Is(right(evidence))
    }
    fn rule(evidence: &Evidence) -> &'static str {
        match right(evidence) {
            Class::Correct => "correct",
            Class::Crash => "crash",
            Class::Omission => "omission",
            Class::Timing => "timing",
            Class::Byzantine => "byzantine",
            Class::CannotTellYet => "cannot-tell-yet",
        }
    }
    fn wrong(evidence: &Evidence, answer: &Class) -> String {
        format!(
            "Your function answered {answer:?}, and the right answer is {:?}. {}",
            right(evidence),
            why(evidence)
        )
    }
    fn call(evidence: &Evidence) -> Expr {
        Expr::call("classify", vec![Expr::of(evidence).borrowed()])
    }
    fn drawing(evidence: &Evidence) -> Option<Story> {
        Some(drawing(evidence))
    }
    fn simpler(evidence: &Evidence) -> Vec<Evidence> {
        simpler(evidence)
    }
}

/// What is wrong with an arrival, if anything.
pub(super) enum Flaw {
    /// No duty has its round.
    NoSuchRound,
    /// Its duty has other content.
    OtherContent(Duty),
    /// Its round has arrived before.
    Again,
    /// It came before its duty was due.
    Early(Duty),
    /// It came more than Δ after its duty was due.
    Late(Duty),
}
/// All arrivals in order of time, and what is wrong with them.
pub(super) fn arrivals(evidence: &Evidence) -> Vec<(Arrival, Option<Flaw>)> {
    let mut arrivals = evidence.arrivals.clone();
    arrivals.sort_by_key(|arrival| (arrival.at, arrival.round));
    let mut heard = BTreeSet::new();
    let mut flaw = |arrival: &Arrival| {
        let Some(duty) = evidence.duties.iter().find(|duty| duty.round == arrival.round) else {
            return Some(Flaw::NoSuchRound);
        };
        if duty.content != arrival.content {
            Some(Flaw::OtherContent(*duty))
        } else if !heard.insert(arrival.round) {
            Some(Flaw::Again)
        } else if arrival.at < duty.due {
            Some(Flaw::Early(*duty))
        } else {
            (arrival.at > duty.due + evidence.delta).then_some(Flaw::Late(*duty))
        }
    };
    arrivals.iter().map(|arrival| (*arrival, flaw(arrival))).collect()
}
/// Duties that are due, in the order in which they are, and whether they are kept: unknown, where they are open.
pub(super) fn fates(evidence: &Evidence) -> Vec<(Duty, Option<bool>)> {
    let mut due: Vec<Duty> =
        evidence.duties.iter().filter(|duty| duty.due <= evidence.now).copied().collect();
    due.sort_by_key(|duty| duty.due);
    let fate = |duty: &Duty| match evidence.arrivals.iter().any(|arrival| arrival.round == duty.round) {
        true => Some(true),
        false => (evidence.now > duty.due + evidence.delta).then_some(false),
    };
    due.iter().map(|duty| (*duty, fate(duty))).collect()
}
/// What a node looks like that keeps and breaks its duties in this order.
fn of_fates(kept: impl IntoIterator<Item = bool>) -> Class {
    let kept: Vec<bool> = kept.into_iter().collect();
    match kept.iter().position(|kept| !kept) {
        None => Class::Correct,
        Some(silent) if kept[silent..].contains(&true) => Class::Omission,
        Some(_) => Class::Crash,
    }
}
/// No question has more open duties: the contract says so.
pub(super) const OPEN_MAX: usize = 8;
fn open(evidence: &Evidence) -> usize {
    fates(evidence).iter().filter(|(_, fate)| fate.is_none()).count()
}
/// The classes of all that can have become of the open duties: of each for itself, not of all alike.
fn possible(evidence: &Evidence) -> BTreeSet<Class> {
    let fates: Vec<Option<bool>> = fates(evidence).into_iter().map(|(_, fate)| fate).collect();
    let open = open(evidence);
    assert!(open <= OPEN_MAX, "a question has {open} open duties");
    let one = |choice: usize| {
        let mut bits = (0..open).map(|bit| choice & (1 << bit) != 0);
        of_fates(fates.iter().map(|fate| fate.unwrap_or_else(|| bits.next() == Some(true))))
    };
    (0..1 << open).map(one).collect()
}

/// The right answer.
pub(super) fn right(evidence: &Evidence) -> Class {
    let flaws: Vec<Flaw> = arrivals(evidence).into_iter().filter_map(|(_, flaw)| flaw).collect();
    let is_timing = |flaw: &Flaw| matches!(flaw, Flaw::Early(_) | Flaw::Late(_));
    if !flaws.iter().all(is_timing) {
        return Class::Byzantine;
    }
    if !flaws.is_empty() {
        return Class::Timing;
    }
    let possible = possible(evidence);
    match possible.len() {
        1 => *possible.first().expect("it has one"),
        _ => Class::CannotTellYet,
    }
}

/// A moment, as the drawing shows it.
pub(super) fn at(moment: Duration) -> Time {
    Time::ZERO + moment
}
/// What shows that the right answer is right.
fn why(evidence: &Evidence) -> String {
    let answer = right(evidence);
    let flaws = arrivals(evidence);
    let mut flaws = flaws.iter().filter_map(|(arrival, flaw)| Some((arrival, flaw.as_ref()?)));
    let of_answer = |(_, flaw): &(&Arrival, &Flaw)| {
        matches!(flaw, Flaw::Early(_) | Flaw::Late(_)) == (answer == Class::Timing)
    };
    match flaws.find(of_answer) {
        Some((arrival, flaw)) => why_flawed(arrival, flaw, at(evidence.delta)),
        None => why_silent(evidence, answer),
    }
}
fn why_flawed(Arrival { round, content, at: when }: &Arrival, flaw: &Flaw, delta: Time) -> String {
    let when = at(*when);
    match flaw {
        Flaw::NoSuchRound => {
            format!("A message of round {round} arrived at {when}, and no duty has that round.")
        }
        Flaw::OtherContent(duty) => format!(
            "The message of round {round} that arrived at {when} says {content}. Its duty is to say {}.",
            duty.content
        ),
        Flaw::Again => format!(
            "Round {round} arrived again at {when}. Links deliver each message once, so the node sent it twice."
        ),
        Flaw::Early(duty) => {
            format!("Round {round} arrived at {when}, and it is due only at {}.", at(duty.due))
        }
        Flaw::Late(duty) => format!(
            "Round {round} was due at {} and arrived at {when}. Δ is {delta}, so the node sent it too late.",
            at(duty.due)
        ),
    }
}
fn why_silent(evidence: &Evidence, answer: Class) -> String {
    let fates = fates(evidence);
    let now = at(evidence.now);
    let first = |wanted: Option<bool>| {
        let (duty, _) = fates.iter().find(|(_, fate)| *fate == wanted)?;
        Some((duty.round, at(duty.due), at(duty.due + evidence.delta)))
    };
    let last_kept = fates.iter().rfind(|(_, fate)| *fate == Some(true)).map(|(duty, _)| *duty);
    match (answer, first(Some(false)), first(None), last_kept) {
        (Class::Omission, Some((round, due, latest)), _, Some(kept)) => format!(
            "Round {round}, due at {due}, did not arrive by {latest}, when Δ was over. Round {}, due later at {}, arrived: the \
             node did not stop.",
            kept.round,
            at(kept.due)
        ),
        (Class::Crash, Some((round, due, latest)), ..) => format!(
            "Round {round}, due at {due}, did not arrive by {latest}, when Δ was over. No round arrived that is due after it."
        ),
        (Class::CannotTellYet, _, Some((round, due, latest)), _) => {
            let if_all = |open: bool| of_fates(fates.iter().map(|(_, fate)| fate.unwrap_or(open)));
            format!(
                "It is {now}. The message of round {round}, due at {due}, may be on its way until {latest}. If the open \
                 duties are kept, the class is {:?}. If they are broken, it is {:?}.",
                if_all(true),
                if_all(false)
            )
        }
        _ if fates.is_empty() => format!("It is {now}, and no duty is due yet."),
        _ => format!("Every duty that was due by {now} is kept, and each message was on time."),
    }
}

/// Less evidence: without half of the duties and what arrived for them, without one of them, or without one arrival; and
/// in order, with contents that are all alike.
fn simpler(evidence: &Evidence) -> Vec<Evidence> {
    let mut sorted = evidence.clone();
    sorted.duties.sort_by_key(|duty| duty.due);
    sorted.arrivals.sort_by_key(|arrival| (arrival.at, arrival.round));
    let without = |gone: &[Duty]| {
        let is_gone = |round: u32| gone.iter().any(|duty| duty.round == round);
        let mut simpler = sorted.clone();
        simpler.duties.retain(|duty| !is_gone(duty.round));
        simpler.arrivals.retain(|arrival| !is_gone(arrival.round));
        simpler
    };
    let mut candidates = Vec::new();
    let half = sorted.duties.len().div_ceil(2).max(1);
    for size in [half, half.div_ceil(4), 1] {
        candidates.extend(sorted.duties.chunks(size).map(without));
    }
    for nth in 0..sorted.arrivals.len() {
        let mut simpler = sorted.clone();
        simpler.arrivals.remove(nth);
        candidates.push(simpler);
    }
    candidates.push(alike(&sorted));
    candidates.push(sorted);
    candidates.retain(|simpler| simpler != evidence && open(simpler) <= OPEN_MAX);
    candidates
}
/// The same with contents that are all 7, and 8 where they are false.
fn alike(evidence: &Evidence) -> Evidence {
    let mut alike = evidence.clone();
    let contents: BTreeMap<u32, u64> =
        evidence.duties.iter().map(|duty| (duty.round, duty.content)).collect();
    alike.duties.iter_mut().for_each(|duty| duty.content = 7);
    for arrival in &mut alike.arrivals {
        arrival.content = if contents.get(&arrival.round) == Some(&arrival.content) { 7 } else { 8 };
    }
    alike
}
