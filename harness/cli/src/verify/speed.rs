//! `faultlines verify speed`: how soon each known bug shows.

use super::shared::percentile;
use crate::Failed;
use crate::args::VerifyArgs;
use crate::course::ChapterFolder;
use crate::grade::prepare_kit;
use crate::judging::Judging;
use crate::known_bugs;
use build::Sources;
use host::{Fleet, Guest};
use std::time::{Duration, Instant};

/// How long one mutant's named check took.
struct Shown {
    /// Processor time, of the harness and of the guests.
    cpu: Duration,
    wall: Duration,
}

/// Judges the named check of each mutant, from its start to the failure and its confirmation, on one core and with guests
/// that are not yet started. A measurement: that a bug is found late is no fault, that it is not found is one.
pub(super) fn run(chapter: &ChapterFolder, args: &VerifyArgs) -> Result<Vec<String>, Failed> {
    let kit = prepare_kit(args.how.layers())?;
    let reference = Sources::read(&args.root.join("solutions").join(chapter.suite.folder))?;
    let mut faults = Vec::new();
    let mut shown = Vec::new();
    host::pin(0);
    let mutants = known_bugs::mutants(&args.root, chapter)?;
    for mutant in mutants.iter().filter(|mutant| mutant.id.contains(&args.only)) {
        let Some((exercise, check)) = known_bugs::named(mutant, chapter) else {
            faults.push(format!("there is no check {}", mutant.caught_by()));
            continue;
        };
        let built = chapter.build(&kit, &known_bugs::apply(mutant, &reference)?, &[exercise])?;
        if let Some(said) = built.broken.get(exercise.id) {
            faults.push(format!("{} does not compile:\n{said}", mutant.id));
            continue;
        }
        let options = Judging::new(&args.how, None).fit_for(&built).options;
        let guest = Guest::new(&built.binary, args.how.layers())?;
        let (cpu, wall) = (host::cpu_time(), Instant::now());
        let mut fleet = Fleet::new(&guest);
        let finding = judge::judge(&mut fleet, chapter.suite.number, exercise.id, check, &options)?;
        drop(fleet); // the guests' time counts when they have ended
        let took = Shown { cpu: host::cpu_time() - cpu, wall: wall.elapsed() };
        anstream::println!(
            "{:<40} {:<36} {:>4} worlds  CPU {:>8.1} ms  wall {:>8.1} ms",
            mutant.id,
            mutant.caught_by(),
            finding.worlds,
            millis(took.cpu),
            millis(took.wall)
        );
        if finding.passed() {
            faults.push(format!("{} is not caught by {}", mutant.id, mutant.caught_by()));
        }
        shown.push(took);
    }
    for (what, times) in [
        ("CPU", shown.iter().map(|shown| shown.cpu).collect::<Vec<_>>()),
        ("wall", shown.iter().map(|shown| shown.wall).collect()),
    ] {
        anstream::println!(
            "chapter {}, {} known bugs, {what} time to the first failing world: median {:.1} ms, 90th percentile {:.1} ms, most {:.1} ms",
            chapter.suite.number,
            times.len(),
            millis(percentile(&times, 50)),
            millis(percentile(&times, 90)),
            millis(percentile(&times, 100))
        );
    }
    Ok(faults)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
