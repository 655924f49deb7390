//! Judging on all cores: one worker a core, each with lanes of its own.

use crate::Failed;
use crate::args::HowArgs;
use anyhow::anyhow;
use host::{Fleet, Guest, HostError, Layers};
use judge::{Ahead, Check, CheckReport, Exercise, ExerciseReport, Finding, How, Options, SeedKey, Verdict};
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How to judge, and on how many cores.
#[derive(Debug, Clone)]
pub(crate) struct Judging {
    pub(crate) options: Options,
    pub(crate) workers: usize,
    /// How guests are confined.
    pub(crate) layers: Layers,
    /// By running how many smaller worlds a failure is cut down, if its story is wanted.
    pub(crate) shrink: Option<u32>,
    /// Where the first worker runs.
    core: usize,
}
impl Judging {
    /// As the command line asks for it.
    ///
    /// # Errors
    /// Where the key of seeds is empty: a secret that everybody knows.
    pub(crate) fn with_key(how: &HowArgs, seed_key: Option<&OsStr>) -> Result<Judging, Failed> {
        match seed_key.map(OsStr::to_str) {
            None => Ok(Judging::new(how, None)),
            Some(Some(key)) if !key.is_empty() => Ok(Judging::new(how, Some(key))),
            Some(Some(_)) => Err(Failed::usage(anyhow!(
                "the seed key (FAULTLINES_SEED_KEY or --seed-key) is empty, so everybody would know its seeds. GitHub gives no secrets \
                 to the pull requests of forks: grade those without the variable, by the public seeds, or in the repository itself"
            ))),
            Some(None) => Err(Failed::usage(anyhow!(
                "the seed key (FAULTLINES_SEED_KEY or --seed-key) is not UTF-8: use letters and digits"
            ))),
        }
    }
    pub(crate) fn new(how: &HowArgs, seed_key: Option<&str>) -> Judging {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let seed_key = seed_key.map(SeedKey::secret).unwrap_or_default();
        let budget = std::time::Duration::from_secs(how.budget);
        let options = Options { seed_key, worlds: how.worlds, batch: how.batch.into(), budget };
        Judging {
            options,
            workers: how.workers.map_or(cores, usize::from),
            layers: how.layers(),
            shrink: None,
            core: 0,
        }
    }
}

impl Judging {
    /// The same, and the first failure of each exercise is told, cut down by running so many smaller worlds at most.
    pub(crate) fn with_stories(self, budget: u32) -> Judging {
        Judging { shrink: Some(budget), ..self }
    }
    /// The same by one worker, there.
    pub(crate) fn on_core(self, core: usize) -> Judging {
        Judging { workers: 1, core, ..self }
    }
    /// The same, but run by run where a submission keeps state outside its nodes: worlds would share it.
    pub(crate) fn fit_for(&self, built: &build::Built) -> Judging {
        let mut fit = self.clone();
        if !built.statics.is_empty() {
            fit.options.batch = 1;
        }
        fit
    }
}

/// Judges exercises of a chapter, all by one guest binary. A check is judged when what it needs has passed; the others
/// are blocked, and cost nothing. `done` is told of each check.
pub(crate) fn judge_all(
    judging: &Judging,
    binary: &Path,
    chapter: u8,
    exercises: &[&Exercise],
    done: &(dyn Fn(&Check) + Sync),
) -> Result<Vec<ExerciseReport>, Failed> {
    let guest = &Guest::new(binary, judging.layers)?;
    let mut findings: Vec<Vec<Option<Finding>>> =
        exercises.iter().map(|exercise| vec![None; exercise.checks.len()]).collect();
    let mut decided: Vec<Vec<bool>> =
        exercises.iter().map(|exercise| vec![false; exercise.checks.len()]).collect();
    let all = exercises
        .iter()
        .flat_map(|exercise| exercise.checks.iter().map(|check| (chapter, exercise.id, check)));
    let ahead = Ahead::new(all, &judging.options);
    let mut is_ahead = false;
    loop {
        // a wave: everything whose needs are decided
        let mut wave = Vec::new();
        for (e, exercise) in exercises.iter().enumerate() {
            for (c, check) in exercise.checks.iter().enumerate() {
                let needed =
                    |id: &&str| exercise.checks.iter().position(|check| check.id == *id).unwrap_or(c);
                if decided[e][c] || !check.needs.iter().map(needed).all(|n| decided[e][n]) {
                    continue;
                }
                let passed = |n: usize| findings[e][n].as_ref().is_some_and(Finding::passed);
                if check.needs.iter().map(needed).all(passed) {
                    wave.push((e, c));
                } else {
                    done(check);
                    decided[e][c] = true;
                }
            }
        }
        if wave.is_empty() {
            if decided.iter().flatten().all(|decided| *decided) {
                break;
            }
            continue;
        }
        for ((e, c), finding) in judge_wave(judging, guest, &ahead, is_ahead, exercises, &wave, done)? {
            findings[e][c] = Some(finding);
            decided[e][c] = true;
        }
        is_ahead = true;
    }
    let solo: Vec<Vec<bool>> = findings
        .iter()
        .map(|of| of.iter().map(|finding| finding.as_ref().is_some_and(|f| f.solo.is_some())).collect())
        .collect();
    let reports = exercises.iter().zip(findings);
    let mut reports: Vec<ExerciseReport> =
        reports.map(|(exercise, findings)| judge::score(exercise, findings)).collect();
    if let Some(budget) = judging.shrink {
        // of each exercise, the first thing to mend
        let failed = |report: &ExerciseReport| report.checks.iter().position(is_told);
        let wanted: Vec<Place> =
            reports.iter().enumerate().filter_map(|(e, report)| Some((e, failed(report)?))).collect();
        let told = on_workers(judging, guest, &wanted, |fleet, &(e, c)| {
            let exercise = exercises[e];
            let Some(failure) = &reports[e].checks[c].failure else { return Ok(None) };
            let alone = judging.options.batch == 1 || solo[e][c];
            let world = (failure.seed, failure.world);
            Ok(judge::tell(fleet, exercise, &exercise.checks[c], world, budget, alone)?)
        })?;
        for ((e, c), told) in told {
            if let Some(told) = told {
                reports[e].checks[c].tell(told.without_prints());
            }
        }
    }
    Ok(reports)
}
/// Whether a check has a story: it failed, and not for want of anything that it is about.
fn is_told(check: &CheckReport) -> bool {
    matches!(check.verdict, Verdict::Failed | Verdict::Crashed | Verdict::TimedOut)
        && check
            .failure
            .as_ref()
            .is_some_and(|failure| !matches!(failure.how, How::Vacuous(_) | How::Spent(_)))
}

/// The stack of a worker, in bytes: whatever `RUST_MIN_STACK` says.
const WORKER_STACK: usize = 8 << 20;

type Place = (usize, usize);

/// Judges checks whose needs have passed; before the first wave, worlds of all checks are run side by side.
fn judge_wave(
    judging: &Judging,
    guest: &Guest,
    ahead: &Ahead<'_>,
    is_ahead: bool,
    exercises: &[&Exercise],
    wave: &[Place],
    done: &(dyn Fn(&Check) + Sync),
) -> Result<Vec<(Place, Finding)>, Failed> {
    let first = |fleet: &mut Fleet, worker: usize| if is_ahead { Ok(()) } else { ahead.run(fleet, worker) };
    on_workers_that(judging, guest, wave, first, |fleet, &(e, c)| {
        let nth = exercises[..e].iter().map(|exercise| exercise.checks.len()).sum::<usize>() + c;
        let finding = ahead.judge(fleet, nth)?;
        done(&exercises[e].checks[c]);
        Ok(finding)
    })
}

/// Does something for each of these places, on all workers; each has lanes of its own.
fn on_workers<R: Send>(
    judging: &Judging,
    guest: &Guest,
    places: &[Place],
    work: impl Fn(&mut Fleet, &Place) -> Result<R, Failed> + Sync,
) -> Result<Vec<(Place, R)>, Failed> {
    on_workers_that(judging, guest, places, |_, _| Ok(()), work)
}
/// The same on workers that do something else first; each is told its number.
fn on_workers_that<R: Send>(
    judging: &Judging,
    guest: &Guest,
    places: &[Place],
    first: impl Fn(&mut Fleet, usize) -> Result<(), HostError> + Sync,
    work: impl Fn(&mut Fleet, &Place) -> Result<R, Failed> + Sync,
) -> Result<Vec<(Place, R)>, Failed> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let worker = |core: usize| -> Result<(), Failed> {
        host::pin(core);
        let mut fleet = Fleet::new(guest);
        first(&mut fleet, core)?;
        while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = work(&mut fleet, place)?;
            results.lock().expect("no worker panics while it holds this").push((*place, result));
        }
        Ok(())
    };
    let worker = &worker;
    std::thread::scope(|scope| {
        let start = |core: usize| {
            let thread = std::thread::Builder::new().stack_size(WORKER_STACK);
            thread.spawn_scoped(scope, move || worker(judging.core + core))
        };
        let mut workers = Vec::new();
        for core in 0..judging.workers.min(places.len()) {
            match start(core) {
                Ok(handle) => workers.push(handle),
                // fewer do as well
                Err(error) if core == 0 => {
                    return Err(Failed::harness(
                        anyhow::Error::new(error).context("cannot start a thread to judge with"),
                    ));
                }
                Err(_) => break,
            }
        }
        for handle in workers {
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok::<_, Failed>(())
    })?;
    Ok(results.into_inner().expect("no worker panics while it holds this"))
}
