//! Cutting a failing world down to what its failure needs.
//!
//! Faults, requests and messages are taken out, many at a time and then one by one, and networks, clocks and disks made
//! plain, as long as the *same* promise is broken in the same way (delta debugging: Zeller and Hildebrandt 2002). That
//! this works at all is due to chance that is keyed by cause: what is left does not change its fate.
//!
//! A smaller world must be *fair*: the reference keeps the promise in it. And a message is only withheld where it might
//! have been late or lost: see [`Shrinker::messages`].

mod outcome;
mod plan;
mod runs;

use self::outcome::{Message, Noted, Outcome, outcome};
use self::plan::{Item, PLAINER, Plan, is_plain};
use crate::check::{Check, Exercise, Violation};
use crate::explore::{How, case};
use crate::seed::WorldSeed;
use host::{Fleet, HostError};
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;
use std::sync::Arc;
use world::{Fault, Harm, Key, Local, Scenario, Time, Trigger, When};

/// So many candidates run side by side.
const ROUND: usize = 64;

/// Observations of all candidates together, for each run that the budget allows: many short worlds or a few long ones.
const OBSERVATIONS_PER_RUN: u64 = 10_000;

/// How large a world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Events handed to nodes until the promise was broken.
    pub events: u64,
    /// Faults of its scenario.
    pub faults: usize,
    /// Operations of its clients.
    pub requests: usize,
}
impl Size {
    pub(crate) fn of(scenario: &Scenario, events: u64) -> Size {
        let requests = scenario.clients.iter().map(|client| client.operations.len()).sum();
        Size { events, faults: scenario.faults.len(), requests }
    }
}

/// A failing world, cut down.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// What is left.
    pub scenario: Arc<Scenario>,
    /// How it fails.
    pub how: How,
    /// The size of what it was cut from.
    pub before: Size,
    /// Its own.
    pub after: Size,
    /// How many worlds were run to find it.
    pub runs: u32,
}

/// Cuts the world of this seed down, by running `budget` smaller ones at most. `alone`: each in processes of its own.
///
/// # Errors
/// The harness's own.
pub fn shrink(
    fleet: &mut Fleet,
    exercise: &Exercise,
    check: &Check,
    (seed, nth): (WorldSeed, u32),
    budget: u32,
    alone: bool,
) -> Result<Shrunk, HostError> {
    let whole = case(check, seed, nth).scenario;
    let local = Local::new([(exercise.entry.reference)()]);
    let mut shrinker = Shrinker {
        fleet,
        exercise,
        check,
        seed,
        nth,
        alone,
        local,
        runs: 0,
        left: budget,
        observations_left: u64::from(budget) * OBSERVATIONS_PER_RUN,
        plan: Plan::default(),
        best: Outcome::default(),
        whole,
    };
    shrinker.run_whole()?;
    let before = Size::of(&shrinker.whole, shrinker.best.events);
    if shrinker.best.is_worth_shrinking() {
        shrinker.shrink()?;
    }
    let scenario = Arc::new(shrinker.plan.scenario(&shrinker.whole));
    let after = Size::of(&scenario, shrinker.best.events);
    let how = shrinker.best.how.expect("a world that is cut down fails");
    Ok(Shrunk { scenario, how, before, after, runs: shrinker.runs })
}

struct Shrinker<'a> {
    fleet: &'a mut Fleet,
    exercise: &'a Exercise,
    check: &'a Check,
    seed: WorldSeed,
    nth: u32,
    alone: bool,
    local: Local,
    runs: u32,
    left: u32,
    observations_left: u64,
    /// What is out so far, and what that world showed.
    plan: Plan,
    best: Outcome,
    whole: Scenario,
}

impl Shrinker<'_> {
    fn run_whole(&mut self) -> Result<(), HostError> {
        let mut job = self.job(&Plan::default());
        Fleet::solo(self.fleet.guest(), &mut job)?;
        // The nth effect or message is another one as soon as anything is taken out. The same one is meant from here on.
        for (place, fault) in self.whole.faults.iter_mut().enumerate() {
            if let When::On { trigger, nth, .. } = &mut fault.when
                && matches!(trigger, Trigger::AnyEffect { .. })
                && let Some(effect) = job.world.set_off_by(place)
            {
                (*trigger, *nth) = (effect, 1);
            }
            let this = match (&fault.harm, job.world.caught_by(place)) {
                (Harm::Lose { .. }, Some(key)) => Some(Harm::LoseThis { key }),
                (Harm::Repeat { after, .. }, Some(key)) => Some(Harm::RepeatThis { key, after: *after }),
                _ => None,
            };
            if let Some(this) = this {
                fault.harm = this;
            }
        }
        self.best = outcome(&mut job);
        Ok(())
    }
    fn shrink(&mut self) -> Result<(), HostError> {
        loop {
            let before = self.plan.clone();
            let unneeded = self.messages(|message| !message.in_past);
            self.take(vec![unneeded])?;
            self.reduce(self.settings())?;
            // Where faults say which messages are lost, those alone are, and not others in their place that nobody sees.
            let loses = |fault: &Fault| matches!(fault.harm, Harm::Lose { .. } | Harm::LoseThis { .. });
            if !self.whole.faults.iter().any(loses) {
                self.reduce(self.messages(|_| true))?;
            }
            let same = before.faults == self.plan.faults
                && before.bonds == self.plan.bonds
                && before.operations == self.plan.operations
                && before.withheld == self.plan.withheld;
            if same || self.left == 0 {
                break;
            }
        }
        let sent: FxHashSet<Key> = self.best.log.iter().filter_map(Noted::key).collect();
        self.plan.withheld.retain(|key| sent.contains(key));
        self.simplify()
    }
    /// Takes what the suite knows to be simpler, again and again.
    fn simplify(&mut self) -> Result<(), HostError> {
        loop {
            let scenario = self.plan.scenario(&self.whole);
            let simpler = case(self.check, self.seed, self.nth).oracle.simpler(&scenario);
            let instead = |scenario| Plan { instead: Some(Arc::new(scenario)), ..Plan::default() };
            let plans: Vec<Plan> = simpler.into_iter().map(instead).collect();
            let mut found = None;
            for plans in plans.chunks(ROUND) {
                let outcomes = self.try_all(plans)?.into_iter();
                found = plans.iter().zip(outcomes).find_map(|(plan, outcome)| Some((plan, outcome?)));
                if found.is_some() {
                    break;
                }
            }
            let Some((plan, outcome)) = found else { return Ok(()) };
            (self.plan, self.best) = (plan.clone(), outcome);
        }
    }
    fn settings(&self) -> Vec<Item> {
        let bonds: BTreeSet<u8> = self.whole.faults.iter().filter_map(|fault| fault.bond).collect();
        let bonds = bonds.into_iter().filter(|bond| !self.plan.bonds.contains(bond)).map(Item::Bond);
        let faults = self.whole.faults.iter().enumerate();
        let faults = faults
            .filter(|(place, fault)| fault.bond.is_none() && !self.plan.faults.contains(place))
            .map(|(place, _)| Item::Fault(place));
        let operations = self
            .whole
            .clients
            .iter()
            .enumerate()
            .flat_map(|(client, spec)| (0..spec.operations.len()).map(move |place| (client, place)));
        let operations = operations
            .filter(|operation| !self.plan.operations.contains(operation))
            .map(|(client, place)| Item::Operation(client, place));
        let plainer = (0..PLAINER.len())
            .filter(|place| !self.plan.plainer.contains(place) && !is_plain(&self.whole, *place))
            .map(Item::Plainer);
        bonds.chain(faults).chain(operations).chain(plainer).collect()
    }
    /// Messages, calls and answers that may be withheld.
    ///
    /// One that might have been lost could also never have come, unless what is missing in the end is what breaks the
    /// promise and nothing goes wrong any more by then. One that may be relied upon can still be later than the moment at
    /// which the promise was broken.
    fn messages(&self, fits: impl Fn(&Message) -> bool) -> Vec<Item> {
        let violated_at = match &self.best.how {
            Some(How::Violated(Violation { at: Some(_), .. }) | How::Misbehaved(..)) => Some(Time::NEVER),
            _ if self.exercise.lossless => None,
            _ => self.whole.calm.map(|(calm, _)| Time::ZERO + calm),
        };
        let Some(until) = violated_at else { return Vec::new() };
        let messages = self.best.messages().into_iter();
        messages
            .filter(|message| message.sent < until && fits(message))
            .map(|message| Item::Message(message.key))
            .collect()
    }
    /// Takes out what can be taken out of these: halves first, in the end one by one.
    fn reduce(&mut self, mut items: Vec<Item>) -> Result<(), HostError> {
        let mut size = items.len();
        while size > 0 && !items.is_empty() {
            let chunks: Vec<Vec<Item>> = items.chunks(size).map(<[Item]>::to_vec).collect();
            let gone = self.take(chunks)?;
            items.retain(|item| !gone.contains(item));
            size = if size == 1 && gone.is_empty() || self.left == 0 {
                0
            } else {
                (size.min(items.len()) / 2).max(1)
            };
        }
        Ok(())
    }
    /// Tries to do without each of these lots, and then without as many of them as possible at once. What is out.
    fn take(&mut self, lots: Vec<Vec<Item>>) -> Result<Vec<Item>, HostError> {
        let mut out = Vec::new();
        for lots in lots.chunks(self.check.side_by_side(ROUND)) {
            let lots: Vec<&Vec<Item>> = lots.iter().filter(|lot| !lot.is_empty()).collect();
            let plans: Vec<Plan> = lots.iter().map(|lot| self.plan.without(lot)).collect();
            let mut found: Vec<(&Vec<Item>, Option<Outcome>)> = Vec::new();
            for (lot, outcome) in lots.into_iter().zip(self.try_all(&plans)?) {
                if let Some(outcome) = outcome {
                    found.push((lot, Some(outcome)));
                }
            }
            let mut rest = &mut found[..];
            let mut first = true;
            while !rest.is_empty() {
                let mut many = rest.len();
                loop {
                    let lot: Vec<Item> = rest[..many].iter().flat_map(|(lot, _)| (*lot).clone()).collect();
                    let plan = self.plan.without(&lot);
                    let known = if first && many == 1 { rest[0].1.take() } else { None };
                    let outcome = match known {
                        Some(outcome) => Some(outcome),
                        None => self.try_all(std::slice::from_ref(&plan))?.pop().flatten(),
                    };
                    if let Some(outcome) = outcome {
                        (self.plan, self.best, first) = (plan, outcome, false);
                        out.extend(lot);
                        break;
                    }
                    if many == 1 {
                        break;
                    }
                    many = many.div_ceil(2);
                }
                rest = &mut rest[many..];
            }
        }
        Ok(out)
    }
}
