//! `faultlines verify stories`: how long the stories of all known wrong submissions are.

use super::shared::{in_order, percentile, seed_keys};
use crate::Failed;
use crate::args::VerifyArgs;
use crate::course::ChapterFolder;
use crate::grade::prepare_kit;
use crate::judging::Judging;
use crate::known_bugs;
use build::{Kit, Sources};
use host::{Fleet, Guest};
use judge::{How, NoTest, Options, SeedKey, Told, Wrong};
use mutants::Card;
use std::time::{Duration, Instant};

/// Half of all stories have at most so many events, and nine of ten at most so many.
const MEDIAN_MAX: usize = 15;
const NINTH_TENTH_MAX: usize = 30;

/// One story: of which mutant, how many events, how many runs and how long it took to cut it down; what a test of it
/// looks at, or why there is none.
struct Measured {
    mutant: String,
    events: usize,
    runs: u32,
    took: Duration,
    test: Result<Wrong, NoTest>,
}

pub(super) fn run(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let kit = prepare_kit(args.how.layers())?;
    let all = known_bugs::mutants(&args.root, chapter)?;
    let mutants: Vec<&Card> = all.iter().filter(|mutant| mutant.id.contains(&args.only)).collect();
    let reference = Sources::read(&args.root.join("solutions").join(chapter.suite.folder))?;
    let tell_one = |core: usize, mutant: &&Card| {
        host::pin(core);
        tell(&kit, chapter, &reference, mutant, args)
    };
    let workers = Judging::new(&args.how, None).workers;
    let measured = in_order(workers, &mutants, &tell_one, &|mutant, stories: &Vec<Measured>| {
        let events: Vec<usize> = stories.iter().map(|story| story.events).collect();
        let many = u32::try_from(stories.len()).unwrap_or(1).max(1);
        anstream::println!(
            "{:<44} {:<36} {:>3} stories: {:>2} events at the median, {:>2} at most; {:>3} runs, {:>5} ms each",
            mutant.id,
            mutant.caught_by(),
            stories.len(),
            percentile(&events, 50),
            percentile(&events, 100),
            stories.iter().map(|story| story.runs).sum::<u32>() / many,
            (stories.iter().map(|story| story.took).sum::<Duration>() / many).as_millis()
        );
    })?;
    let measured: Vec<Measured> = measured.into_iter().flatten().collect();
    Ok(summary(chapter.suite.number, &measured))
}

/// The stories of one mutant, under the default seeds and as many keys as were asked for.
fn tell(
    kit: &Kit,
    chapter: &ChapterFolder,
    reference: &Sources,
    mutant: &Card,
    args: &VerifyArgs,
) -> Result<Vec<Measured>, Failed> {
    let number = chapter.suite.number;
    let Some((exercise, check)) = known_bugs::named(mutant, chapter) else { return Ok(Vec::new()) };
    let sources = known_bugs::apply(mutant, reference)?;
    let built = chapter.build(kit, &sources, &[exercise])?;
    let guest = Guest::new(&built.binary, args.how.layers())?;
    let mut fleet = Fleet::new(&guest);
    let usual = Judging::new(&args.how, None).fit_for(&built).options;
    let mut stories = Vec::new();
    for seed_key in std::iter::once(SeedKey::default()).chain(seed_keys(args.keys)) {
        let options = Options { seed_key, ..usual.clone() };
        let finding = judge::judge(&mut fleet, number, exercise.id, check, &options)?;
        let Some(failure) = finding.failure.filter(|failure| !matches!(failure.how, How::Vacuous(_))) else {
            continue;
        };
        let alone = options.batch == 1 || finding.solo.is_some();
        let begun = Instant::now();
        let world = (failure.seed, failure.world);
        let told = judge::tell(&mut fleet, exercise, check, world, crate::args::SHRINK_RUNS, alone)?;
        if let Some(Told { story, runs, recording, .. }) = told {
            let took = begun.elapsed();
            let test = judge::as_test(&fleet, exercise, check, world, &recording)?.map(|test| test.wrong);
            stories.push(Measured { mutant: mutant.id.clone(), events: story.events(), runs, took, test });
        }
    }
    Ok(stories)
}

fn summary(chapter: u8, measured: &[Measured]) -> Vec<String> {
    let events: Vec<usize> = measured.iter().map(|one| one.events).collect();
    let took: Vec<u128> = measured.iter().map(|one| one.took.as_millis()).collect();
    let (median, ninth) = (percentile(&events, 50), percentile(&events, 90));
    anstream::println!(
        "chapter {chapter}, {} stories: {median} events at the median, {ninth} at the 90th percentile, {} at most; told in {} ms at \
         the median, {} ms at the 90th percentile",
        events.len(),
        percentile(&events, 100),
        percentile(&took, 50),
        percentile(&took, 90)
    );
    let tests =
        |fits: fn(&Wrong) -> bool| measured.iter().filter(|one| one.test.as_ref().is_ok_and(fits)).count();
    anstream::println!(
        "{} can be made tests: {} by what is seen in them, {} by all that happens, {} by how they end",
        tests(|_| true),
        tests(|wrong| matches!(wrong, Wrong::Shown(_))),
        tests(|wrong| matches!(wrong, Wrong::SameUntil(_))),
        tests(|wrong| matches!(wrong, Wrong::Misbehaved | Wrong::Endless)),
    );
    let mut faults = Vec::new();
    for one in measured {
        if let Err(why) = one.test {
            faults.push(format!("{}: its failure cannot be made a test: {why}", one.mutant));
        }
    }
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
