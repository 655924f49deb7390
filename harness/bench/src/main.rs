//! `cargo run --release` in this folder prints the table.

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
    let guest = guest_binary();
    let in_process = in_process(events);
    println!("ping, {} nodes a world, one core", bench::NODES);
    row("in-process", in_process, in_process);
    row("solo (one world, fresh processes)", solo(&guest, events / 20), in_process);
    for batch in [1, 64, 256, 1024] {
        row(&format!("isolated, {batch} worlds a batch"), batched(&guest, batch, events), in_process);
    }
}

fn row(name: &str, events_per_s: f64, in_process: f64) {
    println!("{name:<40} {:>12.0} events per CPU second   {:>5.2} × in-process", events_per_s, events_per_s / in_process);
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
    fn rate(&self, events: u64) -> f64 {
        events as f64 / (Spent::now().0 - self.0)
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
