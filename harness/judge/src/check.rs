//! What a suite writes: chapters, exercises, checks, cases, oracles.

use crate::call::Call;
use crate::figures::Figures;
use crate::pick::Pick;
use crate::seed::{SeedKey, WorldSeed};
use std::collections::BTreeSet;
use std::time::Duration;
use world::{NodeKind, Observation, ObservationId, Scenario, World};

/// A chapter of the roadmap.
pub struct Chapter {
    /// Its number, from 1.
    pub number: u8,
    /// The name of its folder: `07-logical-clocks`.
    pub folder: &'static str,
    /// Its title, as the roadmap has it.
    pub title: &'static str,
    /// Its exercises, in order.
    pub exercises: Vec<Exercise>,
    /// Exercises that are not built yet.
    pub planned: &'static [Planned],
}
/// An exercise that is not built yet: its XP are shown and cannot be earned.
pub struct Planned {
    /// Its id.
    pub id: &'static str,
    /// What it will be worth.
    pub xp: u32,
}
/// An exercise.
pub struct Exercise {
    /// Its id, unique over all chapters.
    pub id: &'static str,
    /// What hosts it.
    pub entry: Entry,
    /// Whether nodes may rely on every message to arrive at some time.
    pub lossless: bool,
    /// Its checks, in order.
    pub checks: Vec<Check>,
}
impl Exercise {
    /// What all its checks are worth.
    pub fn xp(&self) -> u32 {
        self.checks.iter().map(|check| check.xp).sum()
    }
}

/// What hosts an exercise: one expression, of a student's crate in a guest, of the reference's in this process.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// As the guest's `main.rs` has it; `chapter` is the student's crate.
    pub source: &'static str,
    /// With the reference: a world in which that breaks a promise is no fair one.
    pub reference: fn() -> lab::Exercise,
}
/// The [`Entry`] of an exercise, from the crate of its reference and an expression that calls that crate `chapter`.
#[macro_export]
macro_rules! entry {
    ($reference:ident, $($expression:tt)*) => {
        $crate::Entry {
            source: stringify!($($expression)*),
            reference: || {
                use $reference as chapter;
                $($expression)*
            },
        }
    };
}

/// What kind of promise a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing bad ever happens.
    Safety,
    /// Something good happens in time.
    Liveness,
    /// It costs no more than it must.
    Cost,
}

/// One graded promise.
pub struct Check {
    /// Its id, unique in its exercise.
    pub id: &'static str,
    /// The promise, in one sentence.
    pub promise: &'static str,
    /// Where the rule comes from, and how it goes.
    pub rule: &'static str,
    /// The assumption about network or clock that it breaks.
    pub assumption: &'static str,
    /// What kind of promise it is.
    pub kind: Kind,
    /// What it is worth.
    pub xp: u32,
    /// Checks of the same exercise, before this one, that must pass for this one to mean anything.
    pub needs: &'static [&'static str],
    /// How many worlds it looks at.
    pub worlds: u32,
    /// So many worlds in a row are one run, each with a fault at another point of it: they share a seed, and
    /// [`Pick::point`] tells them apart. 0: every world is a run of its own.
    pub sweep: u32,
    /// No more worlds than this run side by side, whatever was asked for: for worlds in which a single event is so heavy
    /// that a whole batch of them would look like code that computes for ever. 0: as many as were asked for.
    pub batch: u32,
    /// What at least one of them must reach, so that the check says something: a condition that the oracle marks, and
    /// the sentence for when none did.
    pub sometimes: &'static [(&'static str, &'static str)],
    /// The `nth` world and its oracle. Must depend on nothing but its arguments.
    pub case: fn(pick: &mut Pick, nth: u32) -> Case,
}

impl Check {
    /// What most checks have in common, for the end of a literal: every world is a run of its own, in batches as usual.
    pub const PLAIN: Check = Check {
        id: "",
        promise: "",
        rule: "",
        assumption: "",
        kind: Kind::Safety,
        xp: 0,
        needs: &[],
        worlds: 64,
        sweep: 0,
        batch: 0,
        sometimes: &[],
        case: |_, _| unreachable!("a check names its worlds"),
    };
    /// So many of its worlds may run side by side, where so many were asked for; at least 1.
    pub fn side_by_side(&self, asked: usize) -> usize {
        let most = if self.batch == 0 { usize::MAX } else { self.batch as usize };
        asked.clamp(1, most)
    }
}
impl SeedKey {
    /// The seed of the `nth` world of a check: that of its run, which the worlds of a [`sweep`](Check::sweep) share.
    pub fn of(&self, chapter: u8, exercise: &str, check: &Check, nth: u32) -> WorldSeed {
        self.world(chapter, exercise, check.id, nth / check.sweep.max(1))
    }
}

/// One world and who judges it.
pub struct Case {
    /// The recipe.
    pub scenario: Scenario,
    /// The judge.
    pub oracle: Box<dyn Oracle>,
}
impl Case {
    /// A case.
    pub fn new(scenario: Scenario, oracle: impl Oracle + 'static) -> Case {
        debug_assert!(scenario.nodes.iter().any(|node| matches!(node.kind, NodeKind::Guest)));
        Case { scenario, oracle: Box::new(oracle) }
    }
}

/// Judges one world as it runs.
pub trait Oracle {
    /// Something happened.
    ///
    /// # Errors
    /// The violation, if this breaks the promise. The world ends here.
    fn see(&mut self, world: &World, observation: &Observation) -> Result<(), Violation>;
    /// Whether what was to be shown here is shown, and nothing that may still happen is worth the wait: the world ends.
    fn has_seen_enough(&self) -> bool {
        false
    }
    /// The world has ended, and nobody misbehaved. What was promised and never came is found here.
    ///
    /// # Errors
    /// The violation, if this breaks the promise.
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation>;
    /// The call of a pure function that went wrong, or the last one so far. `None` where nodes are no functions.
    fn call(&self) -> Option<Call> {
        None
    }
    /// Scenarios that ask the same in a simpler way, those first that are much simpler: for a shrinker, which cannot know
    /// what requests say.
    fn simpler(&self, _scenario: &Scenario) -> Vec<Scenario> {
        Vec::new()
    }
}

/// How a promise was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which rule it breaks, by an id that stays when the sentence is worded anew: `votes-twice`. Two runs fail in the same way if
    /// they break one rule.
    pub rule: &'static str,
    /// What happened, in terms of the student's system: a sentence that stands alone.
    pub sentence: String,
    /// Where it shows; `None` where it shows in what never happened.
    pub at: Option<ObservationId>,
    /// What else it takes to see that it is wrong, and what to say there.
    pub because: Vec<(ObservationId, String)>,
    /// It is about how much nodes send: what is told of it is a count, and one of the messages that cost most.
    pub is_of_costs: bool,
}
impl Violation {
    /// At this observation.
    pub fn at(observation: &Observation, rule: &'static str, sentence: impl Into<String>) -> Violation {
        Violation::of(observation.id, rule, sentence)
    }
    /// At the end of the run.
    pub fn never(rule: &'static str, sentence: impl Into<String>) -> Violation {
        Violation { rule, sentence: sentence.into(), at: None, because: Vec::new(), is_of_costs: false }
    }
    /// At what has this id.
    pub fn of(id: ObservationId, rule: &'static str, sentence: impl Into<String>) -> Violation {
        Violation { rule, sentence: sentence.into(), at: Some(id), because: Vec::new(), is_of_costs: false }
    }
    /// It is about how much nodes send.
    #[must_use]
    pub fn of_costs(self) -> Violation {
        Violation { is_of_costs: true, ..self }
    }
    /// It takes this to see that it is wrong: what to say there, in a few words. Of what broke the promise, too.
    #[must_use]
    pub fn because(mut self, id: ObservationId, what: impl Into<String>) -> Violation {
        self.because.push((id, what.into()));
        self
    }
}

/// What worlds of a check have reached: conditions, and figures to report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    conditions: BTreeSet<&'static str>,
    figures: Figures,
    undecided: Option<String>,
}
impl Reached {
    /// This world reached it.
    pub fn mark(&mut self, condition: &'static str) {
        self.conditions.insert(condition);
    }
    /// So many of what the name says, in the plural: `figure("crash points", 1)`. Those of all worlds of a check are summed up
    /// and shown below it, in the order in which they are first named, also where it passes.
    pub fn figure(&mut self, name: &'static str, many: u64) {
        self.figures.count(name, many);
    }
    /// So many in each stretch of virtual time that is as long as `bin`, from the beginning of the world on: `series("requests a
    /// second", bin, &counts)`. Those of all worlds of a check are summed up, stretch by stretch, and drawn below it.
    ///
    /// # Panics
    /// Where a series of this name has another `bin`.
    pub fn series(&mut self, name: &'static str, bin: Duration, values: &[u64]) {
        self.figures.add_series(name, bin, values);
    }
    /// Whether the promise was kept in this world could not be found out, and why: `the history is too long for the checker`. That
    /// is no violation. Where more than one world in twenty says so, the check earns nothing.
    pub fn undecided(&mut self, reason: impl Into<String>) {
        self.undecided.get_or_insert_with(|| reason.into());
    }
    /// This world reached it, if so.
    pub fn mark_if(&mut self, condition: &'static str, so: bool) {
        if so {
            self.mark(condition);
        }
    }
    pub(crate) fn has(&self, condition: &str) -> bool {
        self.conditions.contains(condition)
    }
    /// Why this world is undecided, if it is.
    pub(crate) fn why_undecided(&self) -> Option<&str> {
        self.undecided.as_deref()
    }
    pub(crate) fn add(&mut self, other: Reached) {
        self.conditions.extend(other.conditions);
        self.figures.add(other.figures);
        self.undecided = self.undecided.take().or(other.undecided);
    }
    pub(crate) fn into_figures(self) -> Figures {
        self.figures
    }
}
