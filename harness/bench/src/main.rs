//! `cargo run --release` in this folder prints the table; `cargo run --release 0 builds` what the build jail costs.

use build::{Kit, Sources, Target};
use host::{Fleet, Guest, Job, Layers};
use std::path::PathBuf;
use std::sync::Arc;
use world::{Local, Observation, Seed, World};

fn main() {
    let events: u64 = std::env::args().nth(1).map_or(2_000_000, |n| n.parse().expect("a number of events"));
    if std::env::args().nth(2).as_deref() == Some("in-process") {
        return row("in-process", in_process(events), 1.0); // for a profiler
    }
    host::pin(1);
    if std::env::args().nth(2).as_deref() == Some("builds") {
        return builds();
    }
    let guest = Guest::new(&guest_binary(), Layers::ALL).expect("it is there");
    let bare = Guest::new(&guest_binary(), Layers::NO_SANDBOX).expect("it is there");
    let in_process = in_process(events);
    println!("ping, {} nodes a world, one core", bench::NODES);
    row("in-process", in_process, in_process);
    row("solo (one world, fresh processes)", solo(&guest, events / 20), in_process);
    for batch in [1, 64, 256, 1024] {
        row(&format!("isolated, {batch} worlds a batch"), batched(&guest, batch, events), in_process);
    }
    println!("what the sandbox costs: median of {ROUNDS} rounds of both, in turns");
    compare("256 worlds a batch, µs of CPU an event", |sandbox| {
        1e6 / batched(if sandbox { &guest } else { &bare }, 256, events)
    });
    compare("a guest from start to greeting, CPU seconds", |sandbox| {
        let begun = Spent::now();
        for _ in 0..STARTS {
            Fleet::new(if sandbox { &guest } else { &bare }).covered().expect("it greets");
        }
        begun.seconds() / f64::from(STARTS)
    });
}

fn row(name: &str, events_per_s: f64, in_process: f64) {
    println!("{name:<40} {:>12.0} events per CPU second   {:>5.2} × in-process", events_per_s, events_per_s / in_process);
}

const ROUNDS: usize = 11;
const STARTS: u32 = 100;

/// Prints the median with the sandbox, the one without, and the median of their ratios.
fn compare(name: &str, mut take: impl FnMut(bool) -> f64) {
    let (mut with, mut without, mut ratios) = (vec![], vec![], vec![]);
    for round in 0..ROUNDS {
        // who comes first has a colder cache
        let first = round % 2 == 0;
        let (a, b) = (take(first), take(!first));
        let (on, off) = if first { (a, b) } else { (b, a) };
        with.push(on);
        without.push(off);
        ratios.push(on / off);
    }
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let (with, without, ratio) = (median(&mut with), median(&mut without), median(&mut ratios));
    println!("{name:<50} with {with:.4}   without {without:.4}   ratio {ratio:.3}");
}

/// Compiles an exercise in the jail and without, from the sources to the binary.
fn builds() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sources = Sources::read(&root.join("solutions/07-logical-clocks")).expect("the reference");
    let target = Target {
        exercise: "lamport".into(),
        modules: vec!["lamport".into()],
        entry: "lab::lamport::exercise::<chapter::lamport::Clock>(chapter::lamport::total_order, chapter::lamport::may_have_caused)".into(),
    };
    let others: Vec<Target> = ["happens_before", "vector", "causal_broadcast", "mutex", "hlc"]
        .map(|name| Target { exercise: name.into(), modules: vec![name.into()], entry: String::new() })
        .into();
    let kit = Kit::prepare(&build::default_cache(), |_| {}).expect("a kit");
    let run = std::process::id();
    let mut nth = 0;
    compare("a build of lamport, CPU seconds", |jail| {
        nth += 1;
        let files = sources.files().map(|(path, text)| (path, format!("{text}// build {nth} of {run}\n")));
        let sources = Sources::of(files);
        let kit = kit.clone().with_layers(if jail { Layers::ALL } else { Layers::NONE });
        let begun = Spent::now();
        let built = kit.build(&sources, &sources, std::slice::from_ref(&target), &others).expect("it compiles");
        assert!(built.broken.is_empty());
        begun.seconds()
    });
}

fn guest_binary() -> PathBuf {
    let mut path = std::env::current_exe().expect("a path of its own");
    path.set_file_name("ping_guest");
    assert!(path.exists(), "build all of this crate: cargo build --release");
    path
}

/// CPU time of this process and of those it has waited for: on a busy machine, a fairer clock than the wall's.
struct Spent(f64);
impl Spent {
    fn now() -> Spent {
        let of = |who| {
            let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
            // SAFETY: getrusage fills in what it is given; zeroes are a valid value of it.
            let usage = unsafe {
                libc::getrusage(who, usage.as_mut_ptr());
                usage.assume_init()
            };
            let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
            seconds(usage.ru_utime) + seconds(usage.ru_stime)
        };
        Spent(of(libc::RUSAGE_SELF) + of(libc::RUSAGE_CHILDREN))
    }
    fn seconds(&self) -> f64 {
        Spent::now().0 - self.0
    }
    fn rate(&self, events: u64) -> f64 {
        events as f64 / self.seconds()
    }
}

fn in_process(events: u64) -> f64 {
    let local = Local::new([bench::exercise()]);
    let scenario = Arc::new(bench::scenario(20_000));
    let begun = Spent::now();
    let mut done = 0;
    for seed in 0.. {
        if done >= events {
            break;
        }
        done += local.run(scenario.clone(), Seed([seed, 1]), |_| {}).events();
    }
    begun.rate(done)
}

fn solo(guest: &Guest, events: u64) -> f64 {
    let look_on = |_: &World, _: &Observation| true;
    let mut job = Job { world: World::new(bench::scenario(events).into(), Seed([1, 1])), watch: look_on };
    let begun = Spent::now();
    Fleet::solo(guest, &mut job).expect("lanes");
    begun.rate(job.world.events())
}

fn batched(guest: &Guest, batch: u64, events: u64) -> f64 {
    let look_on = |_: &World, _: &Observation| true;
    let events = if batch == 1 { events / 10 } else { events };
    let scenario = Arc::new(bench::scenario(events / batch));
    let mut fleet = Fleet::new(guest);
    let mut jobs: Vec<_> =
        (0..batch).map(|seed| Job { world: World::new(scenario.clone(), Seed([seed, 1])), watch: look_on }).collect();
    let begun = Spent::now();
    fleet.batch(&mut jobs).expect("lanes").expect("nobody misbehaves");
    drop(fleet); // the lanes' time counts when they are waited for
    begun.rate(jobs.iter().map(|job| job.world.events()).sum())
}
