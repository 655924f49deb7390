//! What the world says of time and chance, for the handler that runs: what the shim answers from.

use lab::frame::Context;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

static STOPWATCH: AtomicU64 = AtomicU64::new(0);
static WALL: AtomicU64 = AtomicU64::new(0);
/// What the handler has slept.
static SLEPT: AtomicU64 = AtomicU64::new(0);
static ENTROPY: AtomicU64 = AtomicU64::new(0);
static DRAWS: AtomicU64 = AtomicU64::new(0);

/// An event begins.
pub(crate) fn begin(context: &Context) {
    STOPWATCH.store(context.now_ns, Relaxed);
    WALL.store(context.wall_ns, Relaxed);
    SLEPT.store(0, Relaxed);
    ENTROPY.store(context.entropy, Relaxed);
    DRAWS.store(0, Relaxed);
}
/// The node's stopwatch: at the event, and on by what was slept.
pub(crate) fn stopwatch() -> Duration {
    Duration::from_nanos(STOPWATCH.load(Relaxed).saturating_add(SLEPT.load(Relaxed)))
}
/// Its wall clock, likewise.
pub(crate) fn wall() -> Duration {
    Duration::from_nanos(WALL.load(Relaxed).saturating_add(SLEPT.load(Relaxed)))
}
/// To sleep takes no time but the node's own.
pub(crate) fn sleep(time: Duration) {
    let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    SLEPT.store(SLEPT.load(Relaxed).saturating_add(ns), Relaxed);
}
/// Eight random bytes, the world's.
pub(crate) fn random() -> [u8; 8] {
    let nth = DRAWS.fetch_add(1, Relaxed);
    lab::keys::mix(ENTROPY.load(Relaxed) ^ lab::keys::mix(!nth)).to_le_bytes()
}
