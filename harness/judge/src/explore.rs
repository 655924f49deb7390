//! Running the worlds of a check, and making sure of what they show.
//!
//! Worlds run in batches, which are fast, and in which a misbehaving guest or state outside a node could
//! make one world disturb another. So nothing that a batch shows is believed before a world alone, in fresh
//! processes, shows it too: the first failure, or one world of every check that passes.

use crate::check::{Case, Check, Oracle, Reached, Violation};
use crate::figures::Figures;
use crate::pick::Pick;
use crate::seed::{SeedKey, WorldSeed};
use host::{Fleet, HostError, Job, Watch};
use lab::NodeId;
use std::ops::Range;
use std::sync::Arc;
use world::{During, End, Misbehaviour, Observation, Time, World};

/// Worlds count in blocks of so many, and the first block that holds a failure is the last: so counts do not depend on
/// how worlds are batched.
const BLOCK: u32 = 64;
/// The first block is shorter: most bugs show in it, and nobody waits for the other worlds.
const FIRST_BLOCK: u32 = 8;

/// A check is undecided where more than one world in so many is.
const UNDECIDED_ONE_IN: u32 = 20;

/// How to judge.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where seeds come from.
    pub seed_key: SeedKey,
    /// So many worlds a check, whatever the check says.
    pub worlds: Option<u32>,
    /// So many worlds side by side; 1 runs each alone, in fresh processes.
    pub batch: usize,
}
impl Default for Options {
    fn default() -> Self {
        Options { seed_key: SeedKey::default(), worlds: None, batch: 256 }
    }
}

/// What came of one check, needs aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Worlds that count.
    pub worlds: u32,
    /// Events handed to nodes in them.
    pub events: u64,
    /// The first failure, if any.
    pub failure: Option<Failure>,
    /// Worlds that failed.
    pub failing_worlds: u32,
    /// Whether too many worlds could not be decided, where none failed.
    pub undecided: Option<Undecided>,
    /// What its worlds report, summed up.
    pub figures: Figures,
    /// Why the worlds were judged one by one after all, if they were. Depends on the batch, so reports do not say it.
    pub solo: Option<&'static str>,
}
impl Finding {
    /// Whether the promise held, and was seen to hold.
    pub fn passed(&self) -> bool {
        self.failure.is_none() && self.undecided.is_none()
    }
}
/// Worlds of which it could not be found out whether the promise was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// How many.
    pub worlds: u32,
    /// Why the first of them could not be decided.
    pub reason: String,
}
/// A failure, and how to see it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub how: How,
    /// The world's place in the check.
    pub world: u32,
    /// Its seed.
    pub seed: WorldSeed,
}
/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// The promise was broken.
    Violated(Violation),
    /// A node's code did what no node may, during this event.
    Misbehaved(NodeId, During, Misbehaviour),
    /// A world was ended when nodes had been handed so many events; this much time had passed in it.
    Endless(u64, Time),
    /// No world reached what the check is about.
    Vacuous(&'static str),
}

impl How {
    /// The rule that was broken, where one was.
    pub fn rule(&self) -> Option<&'static str> {
        match self {
            How::Violated(violation) => Some(violation.rule),
            How::Misbehaved(..) | How::Endless(..) | How::Vacuous(_) => None,
        }
    }
}

/// What one world showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What went wrong, if anything.
    pub how: Option<How>,
    /// A hash of everything that happened.
    pub hash: u64,
    /// Events handed to nodes.
    pub events: u64,
    reached: Reached,
}

impl Evidence {
    /// Whether a world like this costs so much that one is enough.
    fn is_costly(&self) -> bool {
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
    let seed = |nth| options.seed_key.of(chapter, exercise, check, nth);
    let guest = fleet.guest().clone();
    let alone = |nth| -> Result<Evidence, HostError> {
        let mut job = job(check, seed(nth), nth);
        Fleet::solo(&guest, &mut job)?;
        Ok(evidence(&mut job))
    };
    let total = options.worlds.unwrap_or(check.worlds).max(1);
    let batch = u32::try_from(check.side_by_side(options.batch)).unwrap_or(u32::MAX);
    let mut solo = None;
    let mut found: Vec<Evidence> = Vec::new();
    while (found.len() as u32) < total {
        let first = found.len() as u32;
        // whole blocks, so that where a check ends does not depend on the batch
        let many = total.min(match first {
            0 => FIRST_BLOCK,
            _ => (first / BLOCK * BLOCK).saturating_add(batch).next_multiple_of(BLOCK),
        });
        let mut evidences: Vec<Evidence> = Vec::new();
        // worlds before this one ran in a batch
        let mut batched_until = first;
        while first + (evidences.len() as u32) < many {
            let next = first + evidences.len() as u32;
            let until = many.min(next.saturating_add(batch));
            let block_end = many.min(block_of(next).end);
            if batch > 1 && solo.is_none() {
                let mut done = batched(fleet, check, seed, next..until)?;
                let mut reached = until;
                if done.is_none() && until > block_end {
                    // somebody misbehaved: that costs a block, not the batch
                    done = batched(fleet, check, seed, next..block_end)?;
                    reached = block_end;
                }
                if let Some(done) = done {
                    evidences.extend(done);
                    batched_until = reached;
                    if is_decided(first, &evidences) {
                        break;
                    }
                    continue;
                }
            }
            let some = alone_until_cut(next..block_end, alone)?;
            let cut = some.last().is_some_and(Evidence::is_costly);
            evidences.extend(some);
            if cut || is_decided(first, &evidences) {
                break;
            }
        }
        // A batch's word is checked: the block of its first failure, and that failure; or the last of its worlds,
        // which others had the most chances to disturb.
        if batch > 1 && solo.is_none() && batched_until > first {
            let failed = evidences.iter().position(|evidence| evidence.how.is_some());
            let by_batch = (batched_until - first) as usize;
            let holds = match failed {
                Some(failed) if failed < by_batch => {
                    let failed_nth = first + failed as u32;
                    let Range { start, end } = block_of(failed_nth);
                    let block = start..end.min(first + evidences.len() as u32);
                    let shown = &evidences[(block.start - first) as usize..(block.end - first) as usize];
                    fleet.renew();
                    let again =
                        if block.end <= batched_until { batched(fleet, check, seed, block)? } else { None };
                    again.is_none_or(|again| again == shown) && alone(failed_nth)? == evidences[failed]
                }
                _ if many == total => alone(batched_until - 1)? == evidences[by_batch - 1],
                _ => true,
            };
            if !holds {
                solo = Some("nodes of different runs disturb each other: there is state outside `self`");
                found.clear();
                continue;
            }
        }
        let end = decided(first, &evidences);
        evidences.truncate((end.unwrap_or(many) - first) as usize);
        found.extend(evidences);
        if end.is_some() {
            break;
        }
    }
    Ok(conclude(check, seed, found, solo))
}
/// The block of this world.
pub(crate) fn block_of(nth: u32) -> Range<u32> {
    if nth < FIRST_BLOCK {
        return 0..FIRST_BLOCK;
    }
    let begin = nth / BLOCK * BLOCK;
    begin.max(FIRST_BLOCK)..begin + BLOCK
}
/// Whether the first block that holds a failure is complete.
fn is_decided(first: u32, evidences: &[Evidence]) -> bool {
    decided(first, evidences).is_some_and(|end| first + evidences.len() as u32 >= end)
}
/// The end of the first block that holds a failure, if one does: no later world counts.
fn decided(first: u32, evidences: &[Evidence]) -> Option<u32> {
    let failed = (first..).zip(evidences).find(|(_, evidence)| evidence.how.is_some());
    failed.map(|(nth, _)| block_of(nth).end)
}

/// `None` where the batch could not be brought to its end, or it was a long way there.
fn batched(
    fleet: &mut Fleet,
    check: &Check,
    seed: impl Fn(u32) -> WorldSeed,
    worlds: Range<u32>,
) -> Result<Option<Vec<Evidence>>, HostError> {
    run(fleet, worlds.map(|nth| job(check, seed(nth), nth)).collect())
}
/// The same for worlds of any kind.
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
/// One by one; the first that hangs or never ends is the last, for each costs a second.
fn alone_until_cut(
    worlds: Range<u32>,
    alone: impl Fn(u32) -> Result<Evidence, HostError>,
) -> Result<Vec<Evidence>, HostError> {
    let mut evidences = Vec::new();
    for nth in worlds {
        let evidence = alone(nth)?;
        let cut = evidence.is_costly();
        evidences.push(evidence);
        if cut {
            break;
        }
    }
    Ok(evidences)
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
