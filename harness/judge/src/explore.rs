//! Running the worlds of a check, and making sure of what they show.
//!
//! Worlds run in batches, which are fast, and in which a misbehaving guest or state outside a node could
//! make one world disturb another. So nothing that a batch shows is believed before a world alone, in fresh
//! processes, shows it too: the first failure, or a few worlds of every check that passes. Which these are is drawn from the
//! seed key, so that with a secret key nobody can tell them beforehand.
//!
//! What judging a check costs is bounded, and a panic of an oracle, a puppet or a service is the harness's fault in this check
//! and in no other.

pub(crate) mod blocks;
mod evidence;
mod finding;

pub(crate) use self::blocks::{FIRST_BLOCK, block_of};
pub use self::evidence::{Evidence, case};
pub(crate) use self::evidence::{Judging, evidence, how_it_ended, job};
pub use self::finding::{Cost, Failure, Finding, How, Undecided};

use self::blocks::{decided, is_decided, stretch};
use crate::check::{Check, Reached};
use crate::seed::{SeedKey, WorldSeed};
use host::{Fleet, HostError, Job, budget};
use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use world::{Death, Misbehaviour};

/// A check is undecided where more than one world in so many is.
const UNDECIDED_ONE_IN: u32 = 20;
/// So many worlds of a check that passes are drawn to be run alone, beside the last one.
const DRAWN: u32 = 2;
/// Events handed to nodes in all worlds of a check: many times what any sound submission needs.
const EVENTS_MAX: u64 = 50_000_000;

/// How to judge.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where seeds come from.
    pub seed_key: SeedKey,
    /// So many worlds a check, whatever the check says.
    pub worlds: Option<u32>,
    /// So many worlds side by side; 1 runs each alone, in fresh processes.
    pub batch: usize,
    /// Processor time that judging one check may take, guests included.
    pub budget: Duration,
}
impl Options {
    /// The budget of a check by default: a hundred times what most take.
    pub const BUDGET: Duration = Duration::from_secs(120);
}
impl Default for Options {
    fn default() -> Self {
        Options { seed_key: SeedKey::default(), worlds: None, batch: 256, budget: Options::BUDGET }
    }
}

/// Why judging ended before its end.
enum Stop {
    Host(HostError),
    Spent(Cost),
}
impl From<HostError> for Stop {
    fn from(error: HostError) -> Stop {
        Stop::Host(error)
    }
}

/// Judges one check of a submission.
///
/// # Errors
/// The harness's own; whatever the submission does is a finding.
pub fn judge(
    fleet: &mut Fleet,
    chapter: u8,
    exercise: &str,
    check: &Check,
    options: &Options,
) -> Result<Finding, HostError> {
    judge_from(fleet, chapter, exercise, check, options, Vec::new())
}
/// The same, where some of its worlds, from the first on, have been run in batches already ([`Ahead`](crate::Ahead)).
///
/// # Errors
/// As [`judge`].
pub(crate) fn judge_from(
    fleet: &mut Fleet,
    chapter: u8,
    exercise: &str,
    check: &Check,
    options: &Options,
    shown: Vec<Evidence>,
) -> Result<Finding, HostError> {
    let seed = |nth| options.seed_key.of(chapter, exercise, check, nth);
    let total = options.worlds.unwrap_or(check.worlds).max(1);
    let batch = u32::try_from(check.side_by_side(options.batch)).unwrap_or(u32::MAX);
    let drawn = options.seed_key.places(chapter, exercise, check.id, total, DRAWN);
    let mut exploration = Exploration { fleet, check, seed: &seed, total, batch, drawn, shown, solo: None };
    budget::allow(options.budget);
    let judged = catch_unwind(AssertUnwindSafe(|| {
        let found = exploration.all_that_count()?;
        Ok(conclude(check, seed, found, exploration.solo))
    }));
    budget::allow_all();
    let how = match judged {
        Ok(Ok(finding)) => return Ok(finding),
        Ok(Err(Stop::Host(error))) => return Err(error),
        Ok(Err(Stop::Spent(cost))) => How::Spent(cost),
        Err(panic) => How::Fault(words(&*panic)),
    };
    // whatever they were at
    fleet.renew();
    Ok(Finding::without_worlds(Failure { how, world: 0, seed: seed(0) }))
}
/// What a panic says.
pub(crate) fn words(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}

/// A world whose guests are killed so often by somebody else is not tried again.
const KILLS_MAX: u32 = 3;

/// A check that is being judged.
struct Exploration<'a> {
    fleet: &'a mut Fleet,
    check: &'a Check,
    seed: &'a dyn Fn(u32) -> WorldSeed,
    total: u32,
    batch: u32,
    /// Which worlds are run alone, too, where all pass.
    drawn: Vec<u32>,
    /// What batches have shown already, of the first of its worlds.
    shown: Vec<Evidence>,
    /// Why worlds are judged one by one from here on, if they are.
    solo: Option<&'static str>,
}
/// What a few worlds in a row showed, and up to which of them a batch was believed.
struct Stretch {
    evidences: Vec<Evidence>,
    batched_until: u32,
}
impl Exploration<'_> {
    /// What its worlds showed, up to the end of the first block that holds a failure.
    fn all_that_count(&mut self) -> Result<Vec<Evidence>, Stop> {
        let mut found: Vec<Evidence> = Vec::new();
        while (found.len() as u32) < self.total {
            let first = found.len() as u32;
            let many = self.total.min(stretch(first, self.batch));
            let Stretch { mut evidences, batched_until } = self.stretch(first..many)?;
            if batched_until > first && !self.holds(first..many, &found, &evidences, batched_until)? {
                self.solo = Some("nodes of different runs disturb each other: there is state outside `self`");
                found.clear();
                continue;
            }
            count_events(&found, &mut evidences);
            let end = decided(first, &evidences);
            evidences.truncate((end.unwrap_or(many) - first) as usize);
            found.extend(evidences);
            if end.is_some() {
                break;
            }
        }
        Ok(found)
    }
    /// Runs these worlds, side by side where that is believed; fewer, where a failure ends its block before.
    fn stretch(&mut self, worlds: Range<u32>) -> Result<Stretch, Stop> {
        let Range { start: first, end: many } = worlds;
        let (mut evidences, mut batched_until) = (Vec::new(), first);
        while first + (evidences.len() as u32) < many {
            let next = first + evidences.len() as u32;
            let block_end = many.min(block_of(next).end);
            if let Some(done) = self.side_by_side(next, many, block_end)? {
                evidences.extend(done);
                batched_until = first + evidences.len() as u32;
                if is_decided(first, &evidences) {
                    break;
                }
                continue;
            }
            let some = self.one_by_one(next..block_end)?;
            let cut = some.last().is_some_and(Evidence::is_costly);
            evidences.extend(some);
            if cut || is_decided(first, &evidences) {
                break;
            }
        }
        Ok(Stretch { evidences, batched_until })
    }
    /// A batch of worlds from `next` on. `None` where none is believed any more, or a world of the next block misbehaves.
    fn side_by_side(&mut self, next: u32, many: u32, block_end: u32) -> Result<Option<Vec<Evidence>>, Stop> {
        if self.batch <= 1 || self.solo.is_some() {
            return Ok(None);
        }
        let until = many.min(next.saturating_add(self.batch));
        if let Some(shown) = self.shown.get(next as usize..until as usize) {
            return Ok(Some(shown.to_vec()));
        }
        let done = self.batched(next..until)?;
        if done.is_none() && until > block_end {
            // somebody misbehaved: that costs a block, not the batch
            return self.batched(next..block_end);
        }
        Ok(done)
    }
    /// Whether a batch's word is good. Its first failure is looked at, with its block; or the last of its worlds, which others
    /// had the most chances to disturb, and those that are drawn among all of the check's.
    fn holds(
        &mut self,
        worlds: Range<u32>,
        earlier: &[Evidence],
        evidences: &[Evidence],
        batched_until: u32,
    ) -> Result<bool, Stop> {
        let Range { start: first, end: many } = worlds;
        let by_batch = (batched_until - first) as usize;
        match evidences.iter().position(|evidence| evidence.how.is_some()) {
            Some(failed) if failed < by_batch => {
                let failed_nth = first + failed as u32;
                let Range { start, end } = block_of(failed_nth);
                let block = start..end.min(first + evidences.len() as u32);
                let shown = &evidences[(block.start - first) as usize..(block.end - first) as usize];
                self.fleet.renew();
                let again = if block.end <= batched_until { self.batched(block)? } else { None };
                Ok(again.is_none_or(|again| again == shown) && self.alone(failed_nth)? == evidences[failed])
            }
            _ if many == self.total => {
                let last = batched_until - 1;
                let drawn = self.drawn.iter().copied().filter(|nth| *nth < last);
                let confirmed: Vec<u32> = drawn.chain([last]).collect();
                let shown = |nth: u32| {
                    earlier.get(nth as usize).unwrap_or_else(|| &evidences[(nth - first) as usize])
                };
                let alone = self.all_alone(&confirmed)?;
                Ok(confirmed.iter().zip(&alone).all(|(nth, alone)| alone == shown(*nth)))
            }
            _ => Ok(true),
        }
    }
    /// `None` where the batch could not be brought to its end, or it was a long way there.
    fn batched(&mut self, worlds: Range<u32>) -> Result<Option<Vec<Evidence>>, Stop> {
        let done = run(self.fleet, worlds.map(|nth| job(self.check, (self.seed)(nth), nth)).collect())?;
        within_budget()?;
        Ok(done)
    }
    /// One by one; the first that hangs or never ends is the last, for each costs a second.
    fn one_by_one(&self, worlds: Range<u32>) -> Result<Vec<Evidence>, Stop> {
        let mut evidences = Vec::new();
        for nth in worlds {
            let evidence = self.alone(nth)?;
            let cut = evidence.is_costly();
            evidences.push(evidence);
            if cut {
                break;
            }
        }
        Ok(evidences)
    }
    /// One world in fresh processes.
    fn alone(&self, nth: u32) -> Result<Evidence, Stop> {
        let mut alone = self.all_alone(&[nth])?;
        Ok(alone.remove(0))
    }
    /// Worlds in fresh processes, each in its own.
    fn all_alone(&self, worlds: &[u32]) -> Result<Vec<Evidence>, Stop> {
        let mut found = vec![None; worlds.len()];
        for _ in 0..KILLS_MAX {
            let missing: Vec<usize> = (0..worlds.len()).filter(|place| found[*place].is_none()).collect();
            let of = |place: &usize| job(self.check, (self.seed)(worlds[*place]), worlds[*place]);
            let mut jobs: Vec<Job<Judging>> = missing.iter().map(of).collect();
            Fleet::solos(self.fleet.guest(), &mut jobs)?;
            within_budget()?;
            for (place, job) in missing.into_iter().zip(&mut jobs) {
                let evidence = evidence(job);
                // No guest can do that to itself: another process did, or the system, for want of memory.
                let was_killed =
                    matches!(evidence.how, Some(How::Misbehaved(_, _, Misbehaviour::Died(Death::Killed))));
                found[place] = Some(evidence).filter(|_| !was_killed);
            }
            if found.iter().all(Option::is_some) {
                return Ok(found.into_iter().flatten().collect());
            }
        }
        Err(Stop::Host(HostError::Killed))
    }
}

fn within_budget() -> Result<(), Stop> {
    budget::spent().map_or(Ok(()), |spent| Err(Stop::Spent(spent.into())))
}
/// The world with which a check has had more events than it may fails for that: however its worlds are batched, the same.
fn count_events(earlier: &[Evidence], evidences: &mut [Evidence]) {
    let mut events: u64 = earlier.iter().map(|evidence| evidence.events).sum();
    for evidence in evidences {
        events = events.saturating_add(evidence.events);
        if events > EVENTS_MAX && evidence.how.is_none() {
            evidence.how = Some(How::Spent(Cost::Events(EVENTS_MAX)));
        }
    }
}

/// Runs worlds side by side. `None` where the batch could not be brought to its end, or it was a long way there.
pub(crate) fn run(
    fleet: &mut Fleet,
    mut jobs: Vec<Job<Judging>>,
) -> Result<Option<Vec<Evidence>>, HostError> {
    if fleet.batch(&mut jobs)?.is_err() {
        return Ok(None);
    }
    let evidences: Vec<Evidence> = jobs.iter_mut().map(evidence).collect();
    Ok(if evidences.iter().any(Evidence::is_costly) { None } else { Some(evidences) })
}

pub(crate) fn conclude(
    check: &Check,
    seed: impl Fn(u32) -> WorldSeed,
    found: Vec<Evidence>,
    solo: Option<&'static str>,
) -> Finding {
    let worlds = found.len() as u32;
    let events = found.iter().map(|evidence| evidence.events).sum();
    let failing_worlds = found.iter().filter(|evidence| evidence.how.is_some()).count() as u32;
    let undecided_worlds =
        found.iter().filter(|evidence| evidence.reached.why_undecided().is_some()).count() as u32;
    let mut reached = Reached::default();
    let mut failure = None;
    for (nth, evidence) in (0..).zip(found) {
        reached.add(evidence.reached);
        if failure.is_none() {
            failure = evidence.how.map(|how| Failure { how, world: nth, seed: seed(nth) });
        }
    }
    let too_many = failure.is_none() && undecided_worlds * UNDECIDED_ONE_IN > worlds;
    let undecided = reached.why_undecided().filter(|_| too_many).map(str::to_owned);
    let undecided = undecided.map(|reason| Undecided { worlds: undecided_worlds, reason });
    if failure.is_none() && undecided.is_none() {
        let missed = check.sometimes.iter().find(|(condition, _)| !reached.has(condition));
        failure =
            missed.map(|(_, sentence)| Failure { how: How::Vacuous(sentence), world: 0, seed: seed(0) });
    }
    let figures = reached.into_figures();
    Finding { worlds, events, failure, failing_worlds, undecided, figures, solo }
}
