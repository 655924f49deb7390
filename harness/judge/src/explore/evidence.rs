//! What one world showed.

use super::finding::How;
use crate::check::{Case, Check, Oracle, Reached, Violation};
use crate::pick::Pick;
use crate::seed::WorldSeed;
use host::{Job, Watch};
use std::sync::Arc;
use world::{During, End, Misbehaviour, Observation, World};

/// What one world showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What went wrong, if anything.
    pub how: Option<How>,
    /// A hash of everything that happened.
    pub hash: u64,
    /// Events handed to nodes.
    pub events: u64,
    pub(super) reached: Reached,
}
impl Evidence {
    /// Whether a world like this costs so much that one is enough.
    pub(crate) fn is_costly(&self) -> bool {
        matches!(self.how, Some(How::Endless(..) | How::Misbehaved(_, _, Misbehaviour::Hung(_))))
    }
}

pub(crate) struct Judging {
    oracle: Box<dyn Oracle>,
    violation: Option<Violation>,
}
impl Watch for Judging {
    fn see(&mut self, world: &World, observation: &Observation) -> bool {
        match self.oracle.see(world, observation) {
            Ok(()) => !self.oracle.has_seen_enough(),
            Err(violation) => {
                self.violation = Some(violation);
                false
            }
        }
    }
}

/// The `nth` world of a check, under the seed of its run, and its oracle.
pub fn case(check: &Check, seed: WorldSeed, nth: u32) -> Case {
    (check.case)(&mut Pick::new(seed, nth, check.sweep), nth)
}

/// The job of one world of a check.
pub(crate) fn job(check: &Check, seed: WorldSeed, nth: u32) -> Job<Judging> {
    let Case { scenario, oracle } = case(check, seed, nth);
    Job { world: World::new(Arc::new(scenario), seed.seed()), watch: Judging { oracle, violation: None } }
}

/// What a job that has run showed.
pub(crate) fn evidence(job: &mut Job<Judging>) -> Evidence {
    let Job { world, watch } = job;
    let mut reached = Reached::default();
    let how = how_it_ended(world, watch.violation.take(), &mut *watch.oracle, &mut reached);
    Evidence { how, hash: world.hash(), events: world.events(), reached }
}

/// What went wrong in a world that has run, if anything.
pub(crate) fn how_it_ended(
    world: &World,
    violation: Option<Violation>,
    oracle: &mut dyn Oracle,
    reached: &mut Reached,
) -> Option<How> {
    match (violation, world.end()) {
        (Some(violation), _) => Some(How::Violated(violation)),
        (None, Some(End::Misbehaved(node, during, how))) => {
            let during = if oracle.call().is_some() { During::Question } else { *during };
            Some(How::Misbehaved(*node, during, how.clone()))
        }
        (None, Some(End::Endless)) => Some(How::Endless(world.scenario().limits.events, world.now())),
        // or it was ended here, for its oracle had seen enough
        (None, Some(End::Time | End::Idle) | None) => oracle.end(world, reached).err().map(How::Violated),
    }
}
