//! `cargo bench --bench ping [-- EVENTS]`: the ping workload in this process, alone, in batches, and in other simulators.

use bench::{argument, peak_mb, ping, rate, reset_peak, row};
use host::{Fleet, Guest, Job, Layers};
use lab::Hosted;
use lab::frame::{self, Command};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use world::{Local, Observation, Seed, World};

/// Events of a world where nothing asks for longer ones.
const WORLD: u64 = 20_000;

fn main() {
    let events = argument(4_000_000);
    host::pin(1);
    let guest = Guest::new(Path::new(env!("CARGO_BIN_EXE_ping_guest")), Layers::ALL).expect("it is there");
    println!("ping: {} nodes, 48 bytes, processor time on one core", ping::NODES);
    let in_process = rate(|| in_process(events));
    row("in this process, no isolation", in_process, in_process);
    row("solo: one world, fresh processes", rate(|| solo(&guest, events / 40)), in_process);
    let mut best: f64 = 0.0;
    for batch in [64, 256, 1_024] {
        let by_turns = rate(|| by_turns(batch, events));
        row(&format!("in this process, {batch} worlds by turns"), by_turns, in_process);
        reset_peak();
        let rate = rate(|| batched(&guest, batch, events));
        best = best.max(rate);
        row(&format!("isolated, {batch} worlds side by side"), rate, in_process);
        println!("{:<44} {:>12.0} MB at most in the harness", "", peak_mb());
    }
    let Ok(others) = build_others() else {
        println!("turmoil, madsim and anysystem: not built here (the last needs the library of Python)");
        return;
    };
    for name in ["turmoil", "madsim", "anysystem"] {
        let rate = rate(|| beside(&others, name, events / 4));
        row(&format!("{name}, in its process, no isolation"), rate, in_process);
        println!("{:<44} {:>12.2} × as fast: ours, isolated", "", best / rate);
    }
}

/// A program of its own, for madsim needs a flag for all of it, and takes the place of libc's clocks.
fn build_others() -> Result<PathBuf, ()> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let target = Path::new(env!("CARGO_BIN_EXE_ping_guest")).parent().expect("a folder").join("../beside");
    let mut build = process::Command::new(cargo);
    build.args(["build", "--release", "--package", "beside", "--target-dir"]).arg(&target);
    let built = build.env("RUSTFLAGS", "--cfg madsim").current_dir(env!("CARGO_MANIFEST_DIR")).status();
    if built.is_ok_and(|status| status.success()) { Ok(target.join("release/beside")) } else { Err(()) }
}
fn beside(program: &Path, name: &str, events: u64) -> u64 {
    let worlds = (events / WORLD).max(1).to_string();
    let said = process::Command::new(program).args([name, &worlds]).output().expect("it was built");
    assert!(said.status.success(), "{name}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).trim().parse().expect("a number of events")
}

fn in_process(events: u64) -> u64 {
    let local = Local::new([ping::exercise()]);
    let scenario = Arc::new(ping::scenario(WORLD));
    let run = |seed| local.run(scenario.clone(), Seed([seed, 1]), |_| {}).events();
    (0..(events / WORLD).max(1)).map(run).sum()
}

/// A world of a batch and its nodes, all in this process.
struct Turn {
    world: World,
    nodes: Vec<Option<Box<dyn Hosted>>>,
}
/// The same worlds as in a batch and in the same order, without lanes: what it costs that worlds which take turns do not
/// fit the cache. The rest of what isolation costs is pipes, switches and frames.
fn by_turns(batch: u64, events: u64) -> u64 {
    let role = ping::exercise().roles.remove(0);
    let scenario = Arc::new(ping::scenario((events / batch).min(WORLD)));
    let nodes = || (0..ping::NODES).map(|_| None).collect();
    let (mut reply, mut seen, mut done) = (Vec::new(), Vec::new(), 0);
    for round in 0.. {
        if done >= events {
            break;
        }
        let turn = |seed| Turn { world: World::new(scenario.clone(), Seed([seed, round])), nodes: nodes() };
        let mut live: Vec<Turn> = (0..batch).map(turn).collect();
        while !live.is_empty() {
            live.retain_mut(|Turn { world, nodes }| {
                let Some(step) = world.next() else {
                    done += world.events();
                    return false;
                };
                reply.clear();
                let node = &mut nodes[step.node];
                match (step.command(0, |_| 0), node.as_mut()) {
                    (Command::Start { context, start, .. }, _) => {
                        *node = role.start(context, start, &mut reply)
                    }
                    (Command::Step { context, event, .. }, Some(node)) => {
                        node.step(context, event, &mut reply)
                    }
                    _ => unreachable!("a world starts a node before it steps it"),
                }
                world.apply(frame::take(&mut &reply[..]).expect("lab encodes what lab decodes"));
                world.swap_observations(&mut seen);
                true
            });
        }
    }
    done
}

fn look_on(_: &World, _: &Observation) -> bool {
    true
}
fn solo(guest: &Guest, events: u64) -> u64 {
    let mut job = Job { world: World::new(ping::scenario(events).into(), Seed([1, 1])), watch: look_on };
    Fleet::solo(guest, &mut job).expect("lanes");
    job.world.events()
}
/// So many worlds side by side, again and again.
fn batched(guest: &Guest, batch: u64, events: u64) -> u64 {
    let scenario = Arc::new(ping::scenario((events / batch).min(WORLD)));
    let mut fleet = Fleet::new(guest);
    let mut done = 0;
    for round in 0.. {
        if done >= events {
            break;
        }
        let world = |seed| World::new(scenario.clone(), Seed([seed, round]));
        let mut jobs: Vec<_> = (0..batch).map(|seed| Job { world: world(seed), watch: look_on }).collect();
        fleet.batch(&mut jobs).expect("lanes").expect("nobody misbehaves");
        done += jobs.iter().map(|job| job.world.events()).sum::<u64>();
    }
    drop(fleet); // the lanes' time counts when they are waited for
    done
}
