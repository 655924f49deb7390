//! Worlds of many checks, side by side, before the checks are judged one by one.
//!
//! Most checks have few worlds, and the tails of batches are thin: a switch to a lane and back for a handful of events. So all checks
//! share batches, on all workers, and the place of a world that has ended is taken by the next: first the first blocks of all checks, and of
//! the others first the worlds that are likely to be long. Judging a check then finds the evidence of its worlds here, and goes on as
//! if it had run them: blocks, first failures and confirmations are what they are without. A check that needs another one begins
//! when the first block of that one has shown no failure: if it fails later, these worlds were run for nothing. Where a batch comes to no good
//! end, its evidence is thrown away, and each check runs its worlds by itself.

use crate::caught::first_failure_from;
use crate::check::Check;
use crate::explore::{
    Evidence, FIRST_BLOCK, Finding, How, Judging, Options, blocks, evidence, job, judge_from,
};
use crate::seed::WorldSeed;
use host::{Fleet, HostError, Job, Stream, budget};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The checks of one submission.
pub struct Ahead<'a> {
    of: Vec<Of<'a>>,
    options: &'a Options,
    state: Mutex<State>,
    /// Nobody runs worlds any more.
    quiet: Condvar,
}
/// A check.
struct Of<'a> {
    chapter: u8,
    exercise: &'a str,
    check: &'a Check,
    total: u32,
    /// How many of its worlds may run side by side.
    batch: u32,
    /// The checks of its exercise that have to pass before it is judged, by their place.
    needs: Vec<usize>,
}
impl Of<'_> {
    fn seed(&self, options: &Options, nth: u32) -> WorldSeed {
        options.seed_key.of(self.chapter, self.exercise, self.check, nth)
    }
}
#[derive(Default)]
struct State {
    checks: Vec<Progress>,
    /// Workers that run worlds.
    running: usize,
}
/// How far a check is.
#[derive(Default)]
struct Progress {
    /// Worlds before this one were given to a worker, or need not run.
    given: u32,
    /// Worlds before this one may run: a stretch, and the next one after no world of it has failed.
    until: u32,
    /// By world: what it showed, and to which worker.
    shown: Vec<Option<(usize, Evidence)>>,
    /// A world of it hangs or never ends: that is looked into when it is judged.
    is_spoiled: bool,
}

impl Progress {
    /// Whether its first block was run, and nothing in it has failed.
    fn begins_well(&self, of: &Of<'_>) -> bool {
        let first = of.total.min(FIRST_BLOCK) as usize;
        let is_well =
            |shown: &Option<(usize, Evidence)>| shown.as_ref().is_some_and(|(_, of)| of.how.is_none());
        self.shown.get(..first).is_some_and(|shown| shown.iter().all(is_well))
    }
    /// Which of several checks goes on: the larger one. Long worlds that come last run with nobody beside them.
    fn urgency(&self) -> u64 {
        if self.given < FIRST_BLOCK {
            return u64::MAX;
        }
        let (worlds, events) = self
            .shown
            .iter()
            .flatten()
            .fold((0, 0), |(worlds, events), (_, of)| (worlds + 1, events + of.events));
        events.checked_div(worlds).unwrap_or(0)
    }
}

impl<'a> Ahead<'a> {
    /// Checks with the numbers of their chapters and the names of their exercises.
    pub fn new(
        checks: impl IntoIterator<Item = (u8, &'a str, &'a Check)>,
        options: &'a Options,
    ) -> Ahead<'a> {
        let mut of: Vec<Of<'_>> = checks
            .into_iter()
            .map(|(chapter, exercise, check)| Of {
                chapter,
                exercise,
                check,
                total: options.worlds.unwrap_or(check.worlds).max(1),
                batch: u32::try_from(check.side_by_side(options.batch)).unwrap_or(u32::MAX),
                needs: Vec::new(),
            })
            .collect();
        for place in 0..of.len() {
            let here = &of[place];
            let is_needed = |other: &Of<'_>| {
                other.exercise == here.exercise && here.check.needs.contains(&other.check.id)
            };
            let needs = of.iter().enumerate().filter(|(_, other)| is_needed(other)).map(|(place, _)| place);
            of[place].needs = needs.collect();
        }
        let begin = |of: &Of<'_>| Progress { until: of.total.min(FIRST_BLOCK), ..Progress::default() };
        let state = State { checks: of.iter().map(begin).collect(), running: 0 };
        Ahead { of, options, state: Mutex::new(state), quiet: Condvar::new() }
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Runs worlds as long as there are any that nobody runs. For several workers at once, each with a number of its own.
    ///
    /// # Errors
    /// The harness's own.
    pub fn run(&self, fleet: &mut Fleet, worker: usize) -> Result<(), HostError> {
        // alone, a world runs in processes of its own; and one check has its batches to itself anyway
        if self.options.batch <= 1 || self.of.len() <= 1 {
            return Ok(());
        }
        self.state().running += 1;
        let mut worlds = Worlds { ahead: self, worker, live: 0 };
        budget::allow(self.options.budget);
        let ran = catch_unwind(AssertUnwindSafe(|| fleet.stream(&mut worlds)));
        budget::allow_all();
        let is_good = matches!(ran, Ok(Ok(Ok(()))));
        if !is_good {
            fleet.renew();
        }
        let mut state = self.state();
        if !is_good {
            for progress in &mut state.checks {
                let of_this = |shown: &&mut Option<(usize, Evidence)>| {
                    shown.as_ref().is_some_and(|(by, _)| *by == worker)
                };
                progress.shown.iter_mut().filter(of_this).for_each(|shown| *shown = None);
            }
        }
        state.running -= 1;
        drop(state);
        self.quiet.notify_all();
        match ran {
            Ok(Err(error)) => Err(error),
            // a panic of an oracle is met again, and told, where its check is judged
            Ok(Ok(_)) | Err(_) => Ok(()),
        }
    }
    /// Judges a check, by its place, as [`judge`](crate::judge) does.
    ///
    /// # Errors
    /// The harness's own.
    pub fn judge(&self, fleet: &mut Fleet, check: usize) -> Result<Finding, HostError> {
        let of = &self.of[check];
        judge_from(fleet, of.chapter, of.exercise, of.check, self.options, self.shown(check))
    }
    /// What a check, by its place, finds wrong first, as [`first_failure`](crate::first_failure) does.
    ///
    /// # Errors
    /// The harness's own.
    pub fn first_failure(&self, fleet: &mut Fleet, check: usize) -> Result<Option<How>, HostError> {
        let of = &self.of[check];
        first_failure_from(fleet, of.chapter, of.exercise, of.check, self.options, self.shown(check))
    }
    /// What the worlds of a check have shown, up to the first that was not run; waits until no worker runs any.
    fn shown(&self, check: usize) -> Vec<Evidence> {
        let mut state = self.state();
        while state.running > 0 {
            state = self.quiet.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let progress = &mut state.checks[check];
        if progress.is_spoiled {
            return Vec::new();
        }
        std::mem::take(&mut progress.shown).into_iter().map_while(|shown| Some(shown?.1)).collect()
    }
}

/// The worlds that one worker runs.
struct Worlds<'w, 'a> {
    ahead: &'w Ahead<'a>,
    worker: usize,
    /// How much of a batch is taken: a whole one is [`WHOLE`].
    live: u64,
}
/// A whole batch.
const WHOLE: u64 = 1 << 32;
/// A world that is run, and which.
struct Running {
    check: usize,
    nth: u32,
    job: Job<Judging>,
}
impl std::borrow::Borrow<Job<Judging>> for Running {
    fn borrow(&self) -> &Job<Judging> {
        &self.job
    }
}
impl std::borrow::BorrowMut<Job<Judging>> for Running {
    fn borrow_mut(&mut self) -> &mut Job<Judging> {
        &mut self.job
    }
}
impl Worlds<'_, '_> {
    /// How much of a batch a world of this check takes.
    fn weight(&self, check: usize) -> u64 {
        WHOLE / u64::from(self.ahead.of[check].batch)
    }
}
impl Stream for Worlds<'_, '_> {
    type Watch = Judging;
    type Job = Running;
    fn next(&mut self) -> Option<Running> {
        let (check, nth) = {
            let mut state = self.ahead.state();
            let may_run = |&check: &usize| {
                let (of, progress) = (&self.ahead.of[check], &state.checks[check]);
                let needed = |need: &usize| state.checks[*need].begins_well(&self.ahead.of[*need]);
                progress.given < progress.until
                    && self.live + self.weight(check) <= WHOLE
                    && of.needs.iter().all(needed)
            };
            // of equals the first
            let all = (0..state.checks.len()).rev().filter(may_run);
            let check = all.max_by_key(|check| state.checks[*check].urgency())?;
            let progress = &mut state.checks[check];
            progress.given += 1;
            (check, progress.given - 1)
        };
        self.live += self.weight(check);
        let of = &self.ahead.of[check];
        Some(Running { check, nth, job: job(of.check, of.seed(self.ahead.options, nth), nth) })
    }
    fn ended(&mut self, mut running: Running) {
        self.live -= self.weight(running.check);
        let evidence = evidence(&mut running.job);
        let of = &self.ahead.of[running.check];
        let mut state = self.ahead.state();
        let progress = &mut state.checks[running.check];
        if evidence.is_costly() {
            progress.is_spoiled = true;
            progress.until = progress.given;
        }
        let nth = running.nth as usize;
        if progress.shown.len() <= nth {
            progress.shown.resize(nth + 1, None);
        }
        progress.shown[nth] = Some((self.worker, evidence));
        let until = progress.until as usize;
        let is_whole = progress.shown.len() == until && progress.shown.iter().all(Option::is_some);
        let failed =
            |shown: &Option<(usize, Evidence)>| shown.as_ref().is_some_and(|(_, of)| of.how.is_some());
        if is_whole && !progress.is_spoiled && !progress.shown.iter().any(failed) {
            progress.until = of.total.min(blocks::stretch(progress.until, of.batch));
        }
    }
}
