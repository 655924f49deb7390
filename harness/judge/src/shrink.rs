//! Cutting a failing world down to what its failure needs.
//!
//! Faults, requests and messages are taken out, many at a time and then one by one, and networks, clocks and disks made
//! plain, as long as the *same* promise is broken in the same way (delta debugging: Zeller and Hildebrandt 2002). That
//! this works at all is due to chance that is keyed by cause: what is left does not change its fate.
//!
//! A smaller world must be *fair*: the reference keeps the promise in it. And a message is only withheld where it might
//! have been late or lost: see [`Shrinker::messages`].

use crate::check::{Check, Exercise, Oracle, Reached, Violation};
use crate::explore::{How, case, how_it_ended};
use crate::seed::WorldSeed;
use host::{Fleet, HostError, Job, Watch};
use lab::NodeId;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use world::{
    Cause, ClockSpec, DiskLoss, Fault, Harm, Key, Link, Local, Misbehaviour, NodeSpec, Observation,
    ObservationId, Scenario, Seen, Time, Trigger, When, World,
};

/// So many candidates run side by side.
const ROUND: usize = 64;
/// Observations of all candidates together, for each run that the budget allows: many short worlds or a few long ones.
const OBSERVATIONS_PER_RUN: u64 = 10_000;

/// What of a scenario can be taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    /// A fault, by its place.
    Fault(usize),
    /// All faults of a bond.
    Bond(u8),
    /// An operation, by the places of its client and of itself.
    Operation(usize, usize),
    /// Something that need not be as unruly as it is: a place in [`PLAINER`].
    Plainer(usize),
    /// A message.
    Message(Key),
}

/// Makes something plainer than it was, where there is such a thing.
type Plainer = fn(&mut Scenario);
/// Whether there is, for those that are seldom needed.
fn is_plain(scenario: &Scenario, place: usize) -> bool {
    let starts_late = |node: &NodeSpec| !matches!(node.starts, When::At(Duration::ZERO));
    place == LATE_STARTS && !scenario.nodes.iter().any(starts_late)
}
/// The place of that which starts all nodes in the beginning.
const LATE_STARTS: usize = 5;
const PLAINER: [Plainer; 6] = [
    |scenario| {
        let Link { latency, fifo, .. } = scenario.network;
        scenario.network = Link { fifo, ..Link::fixed(latency.min) };
    },
    |scenario| scenario.links.clear(),
    |scenario| scenario.nodes.iter_mut().for_each(|node| node.clock = ClockSpec::default()),
    |scenario| {
        for node in &mut scenario.nodes {
            node.sync.1 = node.sync.0;
        }
    },
    |scenario| {
        for fault in &mut scenario.faults {
            if let Harm::Crash { disk, .. } = &mut fault.harm {
                *disk = DiskLoss::All;
            }
        }
    },
    |scenario| {
        for node in &mut scenario.nodes {
            node.starts = When::At(Duration::ZERO);
        }
    },
];

/// What is taken out of a scenario.
#[derive(Debug, Clone, Default)]
struct Plan {
    faults: BTreeSet<usize>,
    bonds: BTreeSet<u8>,
    operations: BTreeSet<(usize, usize)>,
    plainer: BTreeSet<usize>,
    withheld: FxHashSet<Key>,
    /// A simpler scenario that takes the place of the whole one.
    instead: Option<Arc<Scenario>>,
}
impl Plan {
    fn without(&self, items: &[Item]) -> Plan {
        let mut plan = self.clone();
        for item in items {
            match *item {
                Item::Fault(place) => _ = plan.faults.insert(place),
                Item::Bond(bond) => _ = plan.bonds.insert(bond),
                Item::Operation(client, place) => _ = plan.operations.insert((client, place)),
                Item::Plainer(place) => _ = plan.plainer.insert(place),
                Item::Message(key) => _ = plan.withheld.insert(key),
            }
        }
        plan
    }
    fn scenario(&self, whole: &Scenario) -> Scenario {
        let mut scenario = self.instead.as_deref().unwrap_or(whole).clone();
        for place in &self.plainer {
            PLAINER[*place](&mut scenario);
        }
        let mut place = 0..;
        scenario.faults.retain(|fault| {
            let alone = place.next().is_some_and(|place| self.faults.contains(&place));
            !alone && fault.bond.is_none_or(|bond| !self.bonds.contains(&bond))
        });
        for (client, spec) in scenario.clients.iter_mut().enumerate() {
            let mut place = 0..;
            // the first of those that follow one another has a time, which the next one takes over
            let mut begins = None;
            spec.operations.retain_mut(|operation| {
                let gone = place.next().is_some_and(|place| self.operations.contains(&(client, place)));
                if gone {
                    begins = operation.at.take().or(begins.take());
                } else if operation.at.is_none() {
                    operation.at = begins.take();
                } else {
                    begins = None;
                }
                !gone
            });
        }
        scenario.clients.retain(|client| !client.operations.is_empty());
        scenario.withheld.extend(&self.withheld);
        scenario
    }
}

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

    /// What each of these worlds showed, if it fails as the whole one does and is fair; fewer, where the budget ends.
    fn try_all(&mut self, plans: &[Plan]) -> Result<Vec<Option<Outcome>>, HostError> {
        if self.observations_left == 0 {
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
    fn job(&self, plan: &Plan) -> Job<Looking> {
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

/// Looks on, and keeps what it takes to know which message mattered.
struct Looking {
    oracle: Box<dyn Oracle>,
    violation: Option<Violation>,
    log: Vec<Noted>,
}
impl Watch for Looking {
    fn see(&mut self, world: &World, observation: &Observation) -> bool {
        self.log.push(Noted::of(observation));
        match self.oracle.see(world, observation) {
            Ok(()) => !self.oracle.has_seen_enough(),
            Err(violation) => {
                self.violation = Some(violation);
                false
            }
        }
    }
}
/// One observation, as far as it matters here. They stand in order, so that an id is a place.
#[derive(Debug, Clone, Copy)]
struct Noted {
    node: NodeId,
    at: Time,
    cause: Cause,
    what: What,
}
#[derive(Debug, Clone, Copy)]
enum What {
    Sent(Key),
    Delivered,
    Else,
}
impl Noted {
    fn of(seen: &Observation) -> Noted {
        let what = match &seen.seen {
            Seen::Delivered { .. } | Seen::Requested { operation: None, .. } | Seen::Answered { .. } => {
                What::Delivered
            }
            other => other.key().map_or(What::Else, What::Sent),
        };
        Noted { node: seen.node, at: seen.at, cause: seen.cause, what }
    }
    fn key(&self) -> Option<Key> {
        match self.what {
            What::Sent(key) => Some(key),
            _ => None,
        }
    }
}

/// A message, a call or an answer that arrived.
struct Message {
    key: Key,
    sent: Time,
    /// Whether it arrived in the causal past of what broke the promise.
    in_past: bool,
}

/// What one world showed.
#[derive(Default)]
struct Outcome {
    how: Option<How>,
    events: u64,
    log: Vec<Noted>,
}
impl Outcome {
    /// Not where each run costs a second.
    fn is_worth_shrinking(&self) -> bool {
        !matches!(
            self.how,
            None | Some(How::Endless(..) | How::Vacuous(_) | How::Misbehaved(_, _, Misbehaviour::Hung(_)))
        )
    }
    fn messages(&self) -> Vec<Message> {
        let place = |id: ObservationId| usize::try_from(id.0).expect("a place in a vector") - 1;
        let last = match &self.how {
            Some(How::Violated(Violation { at: Some(id), .. })) => Some(place(*id)),
            Some(How::Violated(_)) | None => None,
            Some(_) => self.log.len().checked_sub(1),
        };
        let mut in_past = vec![last.is_none(); self.log.len()];
        if let Some(last) = last {
            in_past[last] = true;
            let mut touched: FxHashSet<NodeId> = FxHashSet::default();
            for nth in (0..=last).rev() {
                let noted = self.log[nth];
                if in_past[nth] || touched.contains(&noted.node) {
                    in_past[nth] = true;
                    touched.insert(noted.node);
                    if let Cause::Observation(cause) = noted.cause {
                        in_past[place(cause)] = true;
                    }
                }
            }
        }
        let mut messages: Vec<Message> = Vec::new();
        let mut known: FxHashMap<Key, usize> = FxHashMap::default();
        for (noted, in_past) in self.log.iter().zip(in_past) {
            if let (What::Delivered, Cause::Observation(cause)) = (noted.what, noted.cause)
                && let Some(sent) = self.log.get(place(cause))
                && let Some(key) = sent.key()
            {
                let nth = *known.entry(key).or_insert_with(|| {
                    messages.push(Message { key, sent: sent.at, in_past: false });
                    messages.len() - 1
                });
                messages[nth].in_past |= in_past;
            }
        }
        messages
    }
}
fn outcome(job: &mut Job<Looking>) -> Outcome {
    let Job { world, watch } = job;
    let how = how_it_ended(world, watch.violation.take(), &mut *watch.oracle, &mut Reached::default());
    Outcome { how, events: world.events(), log: std::mem::take(&mut watch.log) }
}

/// Whether two worlds fail in the same way: they break the same rule, or die at the same place of the source.
fn is_same(a: &How, b: &How) -> bool {
    match (a, b) {
        (How::Violated(a), How::Violated(b)) => a.rule == b.rule && a.at.is_some() == b.at.is_some(),
        (How::Misbehaved(_, _, a), How::Misbehaved(_, _, b)) => match (a, b) {
            (Misbehaviour::Panicked { at: a, .. }, Misbehaviour::Panicked { at: b, .. }) => a == b,
            _ => a == b,
        },
        _ => false,
    }
}
