//! Running smaller worlds, side by side.

use super::Shrinker;
use super::outcome::{Looking, Outcome, is_same, outcome};
use super::plan::Plan;
use crate::check::Reached;
use crate::explore::{case, how_it_ended};
use host::{Fleet, HostError, Job, Watch, budget};
use std::sync::Arc;
use world::World;

impl Shrinker<'_> {
    /// What each of these worlds showed, if it fails as the whole one does and is fair; fewer, where the budget ends.
    pub(super) fn try_all(&mut self, plans: &[Plan]) -> Result<Vec<Option<Outcome>>, HostError> {
        if self.observations_left == 0 || budget::spent().is_some() {
            self.left = 0;
        }
        let plans = &plans[..plans.len().min(self.left as usize)];
        self.left -= plans.len() as u32;
        self.runs += plans.len() as u32;
        let outcomes = self.run_all(plans)?;
        let seen: u64 = outcomes.iter().map(|outcome| outcome.log.len() as u64).sum();
        self.observations_left = self.observations_left.saturating_sub(seen);
        let wanted = self.best.how.as_ref().expect("the whole world fails");
        let good = plans.iter().zip(outcomes).map(|(plan, outcome)| {
            let same = outcome.how.as_ref().is_some_and(|how| is_same(how, wanted));
            // without what it took, it may still happen some other time: that is no simpler
            let later = outcome.events > self.best.events;
            (same && !later && self.is_fair(plan)).then_some(outcome)
        });
        Ok(good.collect())
    }
    fn run_all(&mut self, plans: &[Plan]) -> Result<Vec<Outcome>, HostError> {
        if !self.alone {
            let mut jobs: Vec<Job<Looking>> = plans.iter().map(|plan| self.job(plan)).collect();
            if self.fleet.batch(&mut jobs)?.is_ok() {
                return Ok(jobs.iter_mut().map(outcome).collect());
            }
        }
        // one of them disturbs the others, or each has processes of its own anyway
        let mut outcomes = Vec::new();
        for plan in plans {
            let mut job = self.job(plan);
            Fleet::solo(self.fleet.guest(), &mut job)?;
            let outcome = outcome(&mut job);
            let costly = !outcome.is_worth_shrinking() && outcome.how.is_some();
            outcomes.push(outcome);
            if costly {
                self.left = 0;
                break;
            }
        }
        outcomes.resize_with(plans.len(), Outcome::default);
        Ok(outcomes)
    }
    pub(super) fn job(&self, plan: &Plan) -> Job<Looking> {
        let oracle = case(self.check, self.seed, self.nth).oracle;
        let world = World::new(Arc::new(plan.scenario(&self.whole)), self.seed.seed());
        Job { world, watch: Looking { oracle, violation: None, log: Vec::new() } }
    }
    /// Whether the reference keeps the promise in that world.
    fn is_fair(&self, plan: &Plan) -> bool {
        let Job { world, mut watch } = self.job(plan);
        let world = self.local.drive_until(world, |world, seen| watch.see(world, seen));
        how_it_ended(&world, watch.violation, &mut *watch.oracle, &mut Reached::default()).is_none()
    }
}
