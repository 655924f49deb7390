//! `cargo bench --bench layers [-- EVENTS]`: what the sandbox costs guests, and the jail the compiler.

use bench::{argument, ping, rate, root};
use build::{Kit, Sources, Target};
use host::{Fleet, Guest, Job, Layers};
use std::path::Path;
use std::sync::Arc;
use world::{Observation, Seed, World};

const ROUNDS: usize = 11;
const STARTS: u64 = 100;
const BATCH: u64 = 256;

fn main() {
    let events = argument(2_000_000);
    host::pin(1);
    let guest =
        |layers| Guest::new(Path::new(env!("CARGO_BIN_EXE_ping_guest")), layers).expect("it is there");
    let (confined, bare) = (guest(Layers::ALL), guest(Layers::NO_SANDBOX));
    println!("processor time with the layers and without: medians of {ROUNDS} rounds of both, in turns");
    compare("256 worlds side by side, µs an event", 1e6, |sandbox| {
        rate(|| batched(if sandbox { &confined } else { &bare }, events))
    });
    compare("a guest from its start to its greeting, ms", 1e3, |sandbox| {
        rate(|| {
            for _ in 0..STARTS {
                Fleet::new(if sandbox { &confined } else { &bare }).covered().expect("it greets");
            }
            STARTS
        })
    });
    builds();
}

/// Prints the median with the layers, the one without, and the median of their ratios, in parts of a second for each.
fn compare(name: &str, parts: f64, mut rate: impl FnMut(bool) -> f64) {
    let mut take = |with| parts / rate(with);
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
    println!("{name:<48} with {with:.3}   without {without:.3}   ratio {ratio:.3}");
}

fn batched(guest: &Guest, events: u64) -> u64 {
    let scenario = Arc::new(ping::scenario(events / BATCH));
    let mut fleet = Fleet::new(guest);
    let watch = |_: &World, _: &Observation| true;
    let job = |seed| Job { world: World::new(scenario.clone(), Seed([seed, 1])), watch };
    let mut jobs: Vec<_> = (0..BATCH).map(job).collect();
    fleet.batch(&mut jobs).expect("lanes").expect("nobody misbehaves");
    drop(fleet); // the lanes' time counts when they are waited for
    jobs.iter().map(|job| job.world.events()).sum()
}

/// Compiles an exercise in the jail and without, from the sources to the binary.
fn builds() {
    let sources = Sources::read(&root().join("solutions/07-logical-clocks")).expect("the reference");
    let target = Target {
        exercise: "lamport".into(),
        name: "7/lamport".into(),
        modules: vec!["lamport".into()],
        entry: "lab::lamport::exercise::<chapter::lamport::Clock>(chapter::lamport::total_order, chapter::lamport::may_have_caused)".into(),
    };
    let others: Vec<Target> = ["happens_before", "vector", "causal_broadcast", "mutex", "hlc"]
        .map(|name| Target { exercise: name.into(), name: name.into(), modules: vec![name.into()], entry: String::new() })
        .into();
    let kit = Kit::prepare(&build::default_cache(), |_| {}).expect("a kit");
    let run = std::process::id();
    let mut nth = 0;
    compare("a build of lamport, ms", 1e3, |jail| {
        nth += 1;
        let files = sources.files().map(|(path, text)| (path, format!("{text}// build {nth} of {run}\n")));
        let sources = Sources::of(files);
        let kit = kit.clone().with_layers(if jail { Layers::ALL } else { Layers::NONE });
        rate(|| {
            let built =
                kit.build(&sources, &sources, std::slice::from_ref(&target), &others).expect("it compiles");
            assert!(built.broken.is_empty());
            1
        })
    });
}
