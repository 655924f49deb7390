//! `cargo bench --bench raft [-- EVENTS]`: Raft worlds as chapter 6 grades them, with the reference and all oracles, in this
//! process and isolated.

use bench::{argument, peak_mb, rate, reset_peak, root, row};
use build::{Kit, Sources, Target};
use ch06_consensus::raft::Raft;
use host::{Fleet, Guest, Job, Layers, Watch};
use judge::{Case, Check, Oracle, SeedKey};
use std::path::PathBuf;
use std::sync::Arc;
use world::{Local, Observation, World};

/// One world of a check with its oracle, and what the oracle said of it.
struct Judged {
    of: String,
    oracle: Box<dyn Oracle>,
    broken: Option<String>,
}
impl Watch for Judged {
    fn see(&mut self, world: &World, observation: &Observation) -> bool {
        self.broken = self.oracle.see(world, observation).err().map(|violation| violation.sentence);
        self.broken.is_none()
    }
}
impl Judged {
    /// Its events; none may be wrong.
    fn events(mut self, world: &World) -> u64 {
        let ended =
            self.oracle.end(world, &mut judge::Reached::default()).err().map(|violation| violation.sentence);
        if let Some(broken) = self.broken.or(ended) {
            panic!("the reference is said to be wrong in {}: {broken}", self.of);
        }
        world.events()
    }
}

/// Worlds of checks, by turns, so that batches hold what a grade's do.
struct Worlds<'a> {
    exercise: &'a str,
    check: &'a Check,
}
impl Worlds<'_> {
    fn job(&self, key: &SeedKey, nth: u32) -> Job<Judged> {
        let nth = nth % self.check.worlds;
        let seed = key.of(6, self.exercise, self.check, nth);
        let Case { scenario, oracle } = judge::case(self.check, seed, nth);
        let of = format!("{}/{}, seed {seed}", self.exercise, self.check.id);
        Job { world: World::new(Arc::new(scenario), seed.seed()), watch: Judged { of, oracle, broken: None } }
    }
    /// At least so many events in worlds of this check, one batch after another by `run`, which says how many each world had.
    fn run(&self, events: u64, batch: usize, mut run: impl FnMut(Vec<Job<Judged>>) -> Vec<u64>) -> u64 {
        let mut done = 0;
        for round in 0_u32.. {
            if done >= events {
                break;
            }
            // other seeds in each round, and never more worlds side by side than the check has under one key
            let keys = (batch as u32).div_ceil(self.check.worlds);
            let jobs = (0..batch as u32).map(|nth| {
                let key = SeedKey::secret(&format!("bench-{}", round * keys + nth / self.check.worlds));
                self.job(&key, nth)
            });
            done += run(jobs.collect()).iter().sum::<u64>();
        }
        done
    }
}

/// Rates of many checks: as if each had as many events as the others.
#[derive(Default)]
struct Mean {
    checks: f64,
    seconds: f64,
}
impl Mean {
    fn add(&mut self, rate: f64) -> f64 {
        self.checks += 1.0;
        self.seconds += 1.0 / rate;
        rate
    }
    fn rate(&self) -> f64 {
        self.checks / self.seconds
    }
}

fn main() {
    let events = argument(400_000);
    // only checks whose id holds this
    let only = std::env::args().skip(1).find(|word| !word.starts_with('-') && word.parse::<u64>().is_err());
    let only = only.unwrap_or_default();
    let batch = judge::Options::default().batch;
    let guest = Guest::new(&guest_binary(), Layers::ALL).expect("it was built");
    host::pin(1);
    let chapters = course::chapters();
    let chapter = chapters.iter().find(|chapter| chapter.number == 6).expect("chapter 6");
    println!(
        "Raft's checks, {batch} worlds side by side, processor time on one core, at least {events} events each"
    );
    let (mut here, mut there) = (Mean::default(), Mean::default());
    for exercise in chapter.exercises.iter().filter(|exercise| exercise.id.starts_with("raft_")) {
        for check in exercise.checks.iter().filter(|check| check.id.contains(&only)) {
            let worlds = Worlds { exercise: exercise.id, check };
            let mut lengths = Vec::new();
            let alone = here.add(rate(|| {
                worlds.run(events, batch, |jobs| {
                    lengths = in_process(jobs);
                    lengths.clone()
                })
            }));
            row(&format!("{}/{}, in this process", exercise.id, check.id), alone, alone);
            row("  isolated", there.add(rate(|| batched(&guest, &worlds, events, batch))), alone);
            // a batch runs until its longest world has ended
            let (sum, most) = (lengths.iter().sum::<u64>(), lengths.iter().max().copied().unwrap_or(1));
            println!("{:<44} {:>12.0} worlds side by side on average", "", sum as f64 / most as f64);
        }
    }
    row("all, as many events of each: in this process", here.rate(), here.rate());
    row("  isolated", there.rate(), here.rate());
    let (exercise, check) = ("raft_log", "unreliable");
    let check = chapter.exercises.iter().flat_map(|e| &e.checks).find(|c| c.id == check).expect("a check");
    reset_peak();
    batched(&guest, &Worlds { exercise, check }, 1, 1_024);
    println!(
        "{exercise}/{}, 1,024 worlds side by side: {:.0} MB at most in the harness",
        check.id,
        peak_mb()
    );
}

fn in_process(jobs: Vec<Job<Judged>>) -> Vec<u64> {
    let local = Local::new([lab::raft::exercise::<Raft>()]);
    let judge = |Job { world, mut watch }: Job<Judged>| {
        let world = local.drive_until(world, |world, observation| watch.see(world, observation));
        watch.events(&world)
    };
    jobs.into_iter().map(judge).collect()
}
fn batched(guest: &Guest, worlds: &Worlds<'_>, events: u64, batch: usize) -> u64 {
    let mut fleet = Fleet::new(guest);
    worlds.run(events, batch, |mut jobs| {
        fleet.batch(&mut jobs).expect("lanes").expect("nobody misbehaves");
        jobs.into_iter().map(|Job { world, watch }| watch.events(&world)).collect()
    })
    // the lanes' time counts when they are waited for: as the fleet goes
}

/// The reference, compiled as a submission is.
fn guest_binary() -> PathBuf {
    let sources = Sources::read(&root().join("solutions/06-consensus")).expect("the reference");
    let target = Target {
        exercise: "raft_log".into(),
        name: "6/raft_log".into(),
        modules: vec!["raft".into()],
        entry: "lab::raft::exercise::<chapter::raft::Raft>()".into(),
    };
    let kit = Kit::prepare(&build::default_cache(), |_| {}).expect("a kit");
    kit.build(&sources, &sources, &[target], &[]).expect("it compiles").binary
}
