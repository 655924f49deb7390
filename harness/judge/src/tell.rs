//! From a failing world to what a student is told of it: cut down, run once more alone, and told.

use crate::call::Call;
use crate::check::{Check, Exercise, Oracle, Reached, Violation};
use crate::explore::{How, Options, case, how_it_ended};
use crate::seed::WorldSeed;
use crate::shrink::{Shrunk, Size, shrink};
use crate::story::Story;
use crate::teller::story;
use host::{Fleet, HostError, Job, Watch, budget};
use lab::NodeId;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use world::{Local, Observation, ObservationId, Scenario, Seen, Trace, World};

/// One world of a check, run alone: all that can be known of it.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The recipe.
    pub scenario: Arc<Scenario>,
    /// How it failed, if it did.
    pub how: Option<How>,
    /// All that happened, in words too.
    pub trace: Trace,
    /// What nodes printed, by the event that they printed it in.
    pub printed: BTreeMap<ObservationId, String>,
    /// A hash of everything that happened.
    pub hash: u64,
    /// Events handed to nodes.
    pub events: u64,
    /// The call that failed, where nodes are pure functions.
    pub call: Option<Call>,
}

/// A failure, told.
#[derive(Debug, Clone)]
pub struct Told {
    /// What happened.
    pub story: Story,
    /// The world that it happened in.
    pub recording: Recording,
    /// The size of the world that failed at first, and of the one that is told of.
    pub sizes: (Size, Size),
    /// How many worlds were run to cut it down.
    pub runs: u32,
}
impl Told {
    /// How it failed.
    pub fn how(&self) -> &How {
        self.recording.how.as_ref().expect("only failures are told")
    }
    /// Without what nodes printed: a report of a grade holds no words that a submission has chosen to be read there.
    #[must_use]
    pub fn without_prints(mut self) -> Told {
        self.recording.printed.clear();
        self.story = story_of(&self.recording, self.how());
        self
    }
}

/// Runs one world of a check alone, and keeps everything, in words too. Words are made by code of the submission: where that
/// is what fails, the world is run without them.
///
/// # Errors
/// The harness's own.
pub fn record(
    fleet: &Fleet,
    check: &Check,
    world: (WorldSeed, u32),
    scenario: Arc<Scenario>,
) -> Result<Recording, HostError> {
    let told = run(fleet, check, world, scenario.clone(), true)?;
    if !matches!(told.how, Some(How::Misbehaved(..))) {
        return Ok(told);
    }
    let plain = run(fleet, check, world, scenario, false)?;
    Ok(if plain.how == told.how { told } else { plain })
}
fn run(
    fleet: &Fleet,
    check: &Check,
    (seed, nth): (WorldSeed, u32),
    scenario: Arc<Scenario>,
    in_words: bool,
) -> Result<Recording, HostError> {
    let world = World::new(scenario.clone(), seed.seed());
    let world = if in_words { world.with_labels() } else { world };
    let oracle = case(check, seed, nth).oracle;
    let mut job = Job { world, watch: Recorder::new(oracle) };
    if in_words {
        Fleet::solo_aloud(fleet.guest(), &mut job)?;
    } else {
        Fleet::solo(fleet.guest(), &mut job)?;
    }
    let Job { world, watch: Recorder { mut oracle, violation, trace, printed, .. } } = job;
    let how = how_it_ended(&world, violation, &mut *oracle, &mut Reached::default());
    let call = oracle.call();
    Ok(Recording { scenario, how, trace, printed, hash: world.hash(), events: world.events(), call })
}

/// Tells how the world of this seed fails: cut down by running `budget` smaller ones at most, in as much processor time as a
/// check may take. `None` if it does not fail, or that time is not enough, or the harness fails at it: then the verdict has to do.
/// `alone`: nodes of different worlds must not share a process.
///
/// # Errors
/// The harness's own.
pub fn tell(
    fleet: &mut Fleet,
    exercise: &Exercise,
    check: &Check,
    world: (WorldSeed, u32),
    budget: u32,
    alone: bool,
) -> Result<Option<Told>, HostError> {
    budget::allow(Options::BUDGET);
    let told = catch_unwind(AssertUnwindSafe(|| told(fleet, exercise, check, world, budget, alone)));
    let spent = budget::spent();
    budget::allow_all();
    match told {
        Ok(told) if spent.is_none() => told,
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) | Err(_) => {
            fleet.renew();
            Ok(None)
        }
    }
}
fn told(
    fleet: &mut Fleet,
    exercise: &Exercise,
    check: &Check,
    world: (WorldSeed, u32),
    budget: u32,
    alone: bool,
) -> Result<Option<Told>, HostError> {
    let (seed, nth) = world;
    let whole = Arc::new(case(check, seed, nth).scenario);
    let recording = record(fleet, check, world, whole)?;
    if recording.how.is_none() {
        return Ok(None);
    }
    let size = Size::of(&recording.scenario, recording.events);
    let mut told = (recording, (size, size), 0);
    if budget > 0 {
        let Shrunk { scenario, how, before, after, runs } =
            shrink(fleet, exercise, check, world, budget, alone)?;
        let smaller = record(fleet, check, world, scenario)?;
        // what a batch shows is believed when a world alone shows it, too
        if smaller.how == Some(how) {
            told = (smaller, (before, after), runs);
        }
    }
    let (mut recording, sizes, runs) = told;
    lend_words(exercise, seed, &mut recording);
    let how = recording.how.as_ref().expect("it fails, as it did before");
    let story = story_of(&recording, how);
    Ok(Some(Told { story, recording, sizes, runs }))
}

/// The story of a failure. Of a call that is about a run, that run is the story; what the function printed follows it.
fn story_of(recording: &Recording, how: &How) -> Story {
    let Recording { scenario, trace, printed, call, .. } = recording;
    match call.as_ref().and_then(|call| call.drawing.clone()) {
        None => story(scenario, trace, printed, how),
        Some(mut drawing) => {
            let printed = printed.values().next_back().map(String::as_str).unwrap_or_default();
            drawing.below.extend(printed.lines().map(|line| format!("your function prints: {line}")));
            drawing
        }
    }
}

/// A node that ended in an event did not live to say what that was. What clients ask, the reference can say as well.
fn lend_words(exercise: &Exercise, seed: WorldSeed, recording: &mut Recording) {
    let is_request = |seen: &Observation| matches!(seen.seen, Seen::Requested { operation: Some(_), .. });
    let is_silent = |seen: &Observation| is_request(seen) && seen.label.is_none();
    if !recording.trace.observations.iter().any(is_silent) {
        return;
    }
    let reference = Local::new([(exercise.entry.reference)()]);
    let (_, sound) = reference.trace(recording.scenario.clone(), seed.seed());
    for silent in recording.trace.observations.iter_mut().filter(|seen| is_silent(seen)) {
        let same = |other: &&Observation| is_request(other) && other.seen.bytes() == silent.seen.bytes();
        silent.label = sound.observations.iter().filter(same).find_map(|other| other.label.clone());
    }
}

/// Labels, and what nodes print, are kept up to so many bytes of a world: nobody reads more.
const WORDS_MAX: usize = 16 << 20;

struct Recorder {
    oracle: Box<dyn Oracle>,
    violation: Option<Violation>,
    trace: Trace,
    printed: BTreeMap<ObservationId, String>,
    /// Room for words.
    room: usize,
}
impl Recorder {
    fn new(oracle: Box<dyn Oracle>) -> Recorder {
        let (violation, trace, printed) = (None, Trace::default(), BTreeMap::new());
        Recorder { oracle, violation, trace, printed, room: WORDS_MAX }
    }
    /// Whether there is room for these words, too.
    fn has_room(&mut self, words: &str) -> bool {
        let has = words.len() <= self.room;
        self.room = self.room.saturating_sub(words.len());
        has
    }
}
impl Watch for Recorder {
    fn see(&mut self, world: &World, observation: &Observation) -> bool {
        let mut kept = observation.clone();
        if !kept.label.as_deref().is_none_or(|label| self.has_room(label)) {
            kept.label = None;
        }
        self.trace.observations.push(kept);
        if self.violation.is_none() {
            self.violation = self.oracle.see(world, observation).err();
        }
        self.violation.is_none() && !self.oracle.has_seen_enough()
    }
    fn hear(&mut self, node: NodeId, text: &str) {
        if !self.has_room(text) {
            return;
        }
        let mut seen = self.trace.observations.iter().rev();
        // what it was handed last is what it printed in
        if let Some(event) = seen.find(|seen| seen.node == node && seen.seen.is_handed()) {
            self.printed.entry(event.id).or_default().push_str(text);
        }
    }
}
