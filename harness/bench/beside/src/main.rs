//! `beside turmoil|madsim|anysystem WORLDS`: the ping workload of `bench`, in worlds of so many virtual seconds as there,
//! one after another; prints how many events nodes handled (timers and messages).
//!
//! Built with `--cfg madsim`, without which madsim simulates nothing.

mod anysystem_ping;
mod madsim_ping;
mod turmoil_ping;

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// As in `bench`.
const NODES: u32 = 5;
const EVERY: Duration = Duration::from_millis(50);
const LATENCY_MIN: Duration = Duration::from_millis(1);
const LATENCY_MAX: Duration = Duration::from_millis(10);
const LOSS: f64 = 0.01;
/// A world of `bench` with 20,000 events: a round of 45 every 50 ms.
const WORLD: Duration = Duration::from_millis(50 * (20_000 / 45 + 1));

#[derive(Debug, Serialize, Deserialize)]
enum Message {
    Ping { term: u64, seq: u64, payload: [u64; 4] },
    Pong { term: u64, seq: u64 },
}
impl Message {
    fn ping(seq: u64) -> Message {
        Message::Ping { term: 3, seq, payload: [1, 2, 3, 4] }
    }
}

fn main() {
    let (mut args, usage) = (std::env::args().skip(1), "beside turmoil|madsim|anysystem WORLDS");
    let name = args.next().expect(usage);
    let worlds = args.next().and_then(|worlds| worlds.parse().ok()).expect(usage);
    let world = match &*name {
        "turmoil" => turmoil_ping::world,
        "madsim" => madsim_ping::world,
        "anysystem" => anysystem_ping::world,
        _ => panic!("{usage}"),
    };
    println!("{}", (0..worlds).map(world).sum::<u64>());
}
