//! An oracle as a list of rules: each follows what it is about, and all of them see every run.

use crate::saw::{Opaque, Saw};
use judge::{Case, Oracle, Reached, Violation};
use lab::{Contract, NodeId, Wire};
use world::{Observation, ObservationId, Scenario, Time, World};

/// Where and when something was seen.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The world. Its state and its time may be ahead of what is seen here: ask it only for its recipe.
    pub world: &'a World,
    /// The observation.
    pub seen: &'a Observation,
}
impl Scene<'_> {
    /// The node.
    pub fn node(&self) -> NodeId {
        self.seen.node
    }
    /// The time.
    pub fn at(&self) -> Time {
        self.seen.at
    }
    /// The place in the run.
    pub fn id(&self) -> ObservationId {
        self.seen.id
    }
    /// The recipe of the run.
    pub fn scenario(&self) -> &Scenario {
        self.world.scenario()
    }
    /// A rule that is broken here.
    pub fn breaks(&self, rule: &'static str, sentence: impl Into<String>) -> Violation {
        Violation::at(self.seen, rule, sentence)
    }
}

/// One rule, or one goal: something that must never happen, or that must come true.
pub trait Rule<C: Contract, M: Wire = Opaque> {
    /// Something was seen.
    ///
    /// # Errors
    /// The violation, if this breaks the rule.
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<C, M>) -> Result<(), Violation>;
    /// The run is over.
    ///
    /// # Errors
    /// The violation, if something that had to happen did not.
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        let _ = (world, reached);
        Ok(())
    }
    /// Whether it waits for something that must still come true. A run in which nothing is waited for any more, once something
    /// was, is over: bounds are generous, and nobody waits for them.
    fn waits(&self) -> Waits {
        Waits::NotAGoal
    }
}
/// What a rule waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// It is about what must never happen.
    NotAGoal,
    /// What it is about has not come true yet.
    Still,
    /// It has come true, and nothing can undo that.
    NoMore,
}

/// Rules that judge runs of nodes with the contract `C` together.
pub struct Rules<C: Contract, M: Wire = Opaque> {
    rules: Vec<Box<dyn Rule<C, M>>>,
}
impl<C: Contract, M: Wire> Default for Rules<C, M> {
    fn default() -> Self {
        Rules { rules: Vec::new() }
    }
}
impl<C: Contract, M: Wire> Rules<C, M> {
    /// One rule.
    pub fn of(rule: impl Rule<C, M> + 'static) -> Self {
        Rules::default().and(rule)
    }
    /// And another one.
    #[must_use]
    pub fn and(mut self, rule: impl Rule<C, M> + 'static) -> Self {
        self.rules.push(Box::new(rule));
        self
    }
    /// The case of a scenario that they judge.
    pub fn judge(self, scenario: impl Into<Scenario>) -> Case {
        Case::new(scenario.into(), self)
    }
}
impl<C: Contract, M: Wire> Oracle for Rules<C, M> {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        let saw = Saw::of(world, seen)?;
        let scene = Scene { world, seen };
        self.rules.iter_mut().try_for_each(|rule| rule.see(scene, &saw))
    }
    fn has_seen_enough(&self) -> bool {
        let waits = || self.rules.iter().map(|rule| rule.waits());
        waits().any(|waits| waits == Waits::NoMore) && waits().all(|waits| waits != Waits::Still)
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        self.rules.iter_mut().try_for_each(|rule| rule.end(world, reached))
    }
}
