//! A failing world as a test: a scenario that can be written down, and what must not come of it again.

use crate::check::{Check, Exercise, Violation};
use crate::explore::How;
use crate::seed::WorldSeed;
use crate::tell::{Recording, record};
use host::{Fleet, HostError};
use std::sync::Arc;
use world::{Local, NotData, ObservationId, Pattern, Time, Trace};

/// A failing world that can be run again from what is written down of it.
#[derive(Debug, Clone)]
pub struct AsTest {
    /// What happened in it, under a scenario that is data.
    pub recording: Recording,
    /// What must not come of it again.
    pub wrong: Wrong,
}
/// What tells a failing run from one that keeps the promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// All of these are seen, one after another, each at its time.
    Shown(Vec<ObservationId>),
    /// Everything up to this one happens again.
    SameUntil(ObservationId),
    /// The code of a node does what no node may.
    Misbehaved,
    /// It does not end.
    Endless,
}
/// Why a world cannot be a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoTest {
    /// Something in its scenario cannot be written down.
    #[error("{0}, and that cannot be written down")]
    NotData(NotData),
    /// What could be written down of it runs otherwise.
    #[error("what can be written down of it does not run as it did")]
    RunsOtherwise,
}

/// What of a scenario is code of the suite's is replaced by what it came to in this run and in the reference's, and the
/// world is run once more, alone: it must be the same, observation for observation. The reference must not do what is
/// wrong in it.
///
/// # Errors
/// The harness's own.
pub fn as_test(
    fleet: &Fleet,
    exercise: &Exercise,
    check: &Check,
    world: (WorldSeed, u32),
    recording: &Recording,
) -> Result<Result<AsTest, NoTest>, HostError> {
    let seed = world.0.seed();
    let reference = Local::new([(exercise.entry.reference)()]);
    let (_, sound) = reference.trace(recording.scenario.clone(), seed);
    let scenario = match recording.scenario.concrete(&[&recording.trace, &sound]) {
        Ok(scenario) => Arc::new(scenario),
        Err(why) => return Ok(Err(NoTest::NotData(why))),
    };
    let again = record(fleet, check, world, scenario.clone())?;
    // Up to what went wrong. What the same event went on to do counts for nothing, and may set off faults that nobody has seen.
    if (again.trace.hash(), &again.how) != (recording.trace.hash(), &recording.how) {
        return Ok(Err(NoTest::RunsOtherwise));
    }
    let last = again.trace.observations.last().map_or(ObservationId(0), |last| last.id);
    let wrong = match &again.how {
        Some(How::Violated(Violation { at: Some(at), because, .. })) => {
            let mut marked: Vec<ObservationId> = because.iter().map(|(id, _)| *id).chain([*at]).collect();
            marked.sort_unstable();
            marked.dedup();
            let (_, sound) = reference.trace(scenario, seed);
            if sound.shows(&sights(&again.trace, &marked)) {
                Wrong::SameUntil(last)
            } else {
                Wrong::Shown(marked)
            }
        }
        Some(How::Misbehaved(..)) => Wrong::Misbehaved,
        Some(How::Endless(..)) => Wrong::Endless,
        Some(How::Violated(_) | How::Vacuous(_) | How::Spent(_) | How::Fault(_)) | None => {
            Wrong::SameUntil(last)
        }
    };
    Ok(Ok(AsTest { recording: again, wrong }))
}

/// What is to be looked for in a run, to see these of a trace.
fn sights(trace: &Trace, marked: &[ObservationId]) -> Vec<(Time, Pattern)> {
    marked.iter().map(|id| trace.get(*id)).map(|seen| (seen.at, Pattern::just(seen))).collect()
}
