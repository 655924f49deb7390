//! `faultlines verify stories`: how long the stories of all known wrong submissions are.

use crate::Failed;
use crate::args::VerifyArgs;
use crate::course::ChapterFolder;
use crate::grade::prepare_kit;
use crate::judging::Judging;
use crate::verify::{Mutant, Mutants, seed_key};
use build::{Kit, Sources};
use host::{Fleet, Guest};
use judge::{How, Told};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Half of all stories have at most so many events, and nine of ten at most so many.
const MEDIAN_MAX: usize = 15;
const NINTH_TENTH_MAX: usize = 30;

/// One story: of which mutant, how many events, how many runs and how long it took to cut it down.
struct Measured {
    events: usize,
    runs: u32,
    took: Duration,
}

pub(crate) fn run(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let kit = prepare_kit(args.how.layers())?;
    let all = Mutants::read(&args.root, chapter)?.mutants;
    let mutants: Vec<&Mutant> = all.iter().filter(|mutant| mutant.id.contains(&args.only)).collect();
    let reference = Sources::read(&args.root.join("solutions").join(chapter.suite.folder))?;
    let next = AtomicUsize::new(0);
    let measured: Mutex<Vec<Measured>> = Mutex::new(Vec::new());
    let worker = |core: usize| -> Result<(), Failed> {
        host::pin(core);
        while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
            let stories = tell(&kit, chapter, &reference, mutant, args)?;
            let mut events: Vec<usize> = stories.iter().map(|story| story.events).collect();
            events.sort_unstable();
            let took: Duration = stories.iter().map(|story| story.took).sum();
            let runs: u32 = stories.iter().map(|story| story.runs).sum();
            let many = u32::try_from(stories.len()).unwrap_or(1).max(1);
            anstream::println!(
                "{:<44} {:<36} {:>2} stories: {:>2} to {:>2} events, {:>4} runs, {:>5} ms each",
                mutant.id,
                mutant.caught_by,
                stories.len(),
                events.first().copied().unwrap_or(0),
                events.last().copied().unwrap_or(0),
                runs / many,
                (took / many).as_millis()
            );
            measured.lock().expect("no worker panics while it holds this").extend(stories);
        }
        Ok(())
    };
    let worker = &worker;
    std::thread::scope(|scope| {
        let workers = Judging::new(&args.how, None).workers;
        let workers: Vec<_> = (0..workers).map(|core| scope.spawn(move || worker(core))).collect();
        workers
            .into_iter()
            .try_for_each(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    let measured = measured.into_inner().expect("no worker panics while it holds this");
    Ok(summary(&measured))
}

/// The stories of one mutant, under the default seeds and as many keys as were asked for.
fn tell(
    kit: &Kit,
    chapter: &ChapterFolder,
    reference: &Sources,
    mutant: &Mutant,
    args: &VerifyArgs,
) -> Result<Vec<Measured>, Failed> {
    let number = chapter.suite.number;
    let named = format!("{number}/{}", mutant.caught_by);
    let Some((exercise, check)) = chapter.suite.exercises.iter().find_map(|exercise| {
        let check =
            exercise.checks.iter().find(|check| named == format!("{number}/{}/{}", exercise.id, check.id));
        Some((exercise, check?))
    }) else {
        return Ok(Vec::new());
    };
    let sources = mutant.apply(reference).map_err(Failed::usage)?;
    let built = chapter.build(kit, &sources, &[exercise])?;
    let guest = Guest::new(&built.binary, args.how.layers())?;
    let mut fleet = Fleet::new(&guest);
    let mut stories = Vec::new();
    for nth in 0..=args.keys {
        let judging = Judging::new(&args.how, seed_key(nth).as_deref()).fit_for(&built);
        let finding = judge::judge(&mut fleet, number, exercise.id, check, &judging.options)?;
        let Some(failure) = finding.failure.filter(|failure| !matches!(failure.how, How::Vacuous(_))) else {
            continue;
        };
        let alone = judging.options.batch == 1 || finding.solo.is_some();
        let begun = Instant::now();
        let world = (failure.seed, failure.world);
        let told = judge::tell(&mut fleet, exercise, check, world, crate::args::SHRINK_RUNS, alone)?;
        if let Some(Told { story, runs, .. }) = told {
            stories.push(Measured { events: story.events(), runs, took: begun.elapsed() });
        }
    }
    Ok(stories)
}

fn summary(measured: &[Measured]) -> Vec<String> {
    let mut events: Vec<usize> = measured.iter().map(|one| one.events).collect();
    events.sort_unstable();
    let at = |percent: usize| events.get((events.len() * percent / 100).min(events.len().saturating_sub(1)));
    let (median, ninth, most) =
        (at(50).copied().unwrap_or(0), at(90).copied().unwrap_or(0), events.last().copied().unwrap_or(0));
    let mut took: Vec<Duration> = measured.iter().map(|one| one.took).collect();
    took.sort_unstable();
    let half = took.get(took.len() / 2).copied().unwrap_or_default();
    let longest = took.last().copied().unwrap_or_default();
    anstream::println!(
        "{} stories: {median} events at the median, {ninth} at the 90th percentile, {most} at most; told in {} ms at the median, \
         {} ms at most",
        events.len(),
        half.as_millis(),
        longest.as_millis()
    );
    let mut faults = Vec::new();
    for (found, max, what) in
        [(median, MEDIAN_MAX, "the median"), (ninth, NINTH_TENTH_MAX, "the 90th percentile")]
    {
        if found > max {
            faults.push(format!("stories have {found} events at {what}, more than {max}"));
        }
    }
    if events.is_empty() {
        faults.push("there are no stories".to_owned());
    }
    faults
}
