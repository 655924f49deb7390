//! The clocks a node can read: a stopwatch that drifts, and a wall clock that also jumps and freezes.

use crate::scenario::ClockSpec;
use crate::time::Time;
use std::time::Duration;

/// The wall clock of a truthful node when its world begins: 2026-01-01T00:00:00Z, in nanoseconds since 1970.
const EPOCH_NS: i128 = 1_767_225_600_000_000_000;
const PPM: i128 = 1_000_000;

#[derive(Debug, Clone)]
pub(crate) struct Clock {
    stopwatch_ppm: i64,
    wall_ppm: i64,
    /// The wall clock showed `wall_ns` at `since`, and has run at its drift from there.
    since: Time,
    wall_ns: i128,
    /// Faults that make it stand still.
    frozen: u32,
}

impl Clock {
    pub(crate) fn new(spec: &ClockSpec) -> Self {
        Clock {
            stopwatch_ppm: spec.drift_ppm,
            wall_ppm: spec.drift_ppm,
            since: Time::ZERO,
            wall_ns: EPOCH_NS + i128::from(spec.offset_ns),
            frozen: 0,
        }
    }
    /// What this node's stopwatch shows for so much true time.
    pub(crate) fn stopwatch_ns(&self, booted: Time, now: Time) -> u64 {
        u64::try_from(at_rate(now - booted, self.stopwatch_ppm)).unwrap_or(0)
    }
    /// How much true time passes while the stopwatch counts `local_ns`; rounded up, so that an alarm never
    /// rings before the node's own clock says so.
    pub(crate) fn true_time(&self, local_ns: u64) -> Duration {
        if self.stopwatch_ppm == 0 {
            return Duration::from_nanos(local_ns);
        }
        let rate = PPM + i128::from(self.stopwatch_ppm);
        let ns = (i128::from(local_ns) * PPM + rate - 1) / rate;
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }
    fn wall(&self, now: Time) -> i128 {
        if self.frozen > 0 { self.wall_ns } else { self.wall_ns + at_rate(now - self.since, self.wall_ppm) }
    }
    pub(crate) fn wall_ns(&self, now: Time) -> u64 {
        u64::try_from(self.wall(now)).unwrap_or(0)
    }
    fn set(&mut self, now: Time, wall_ns: i128) {
        (self.since, self.wall_ns) = (now, wall_ns);
    }
    pub(crate) fn jump(&mut self, now: Time, by_ns: i64) {
        self.set(now, self.wall(now) + i128::from(by_ns));
    }
    /// The wall clock stands still; when it runs again, it is that much behind.
    pub(crate) fn freeze(&mut self, now: Time) {
        self.set(now, self.wall(now));
        self.frozen += 1;
    }
    /// Takes back one [`freeze`](Clock::freeze).
    pub(crate) fn thaw(&mut self, now: Time) {
        self.set(now, self.wall(now));
        self.frozen -= 1;
    }
    /// From `now` on the wall clock runs at another rate.
    pub(crate) fn drift(&mut self, now: Time, ppm: i64) {
        self.set(now, self.wall(now));
        self.wall_ppm = ppm;
    }
}

impl ClockSpec {
    /// What the wall clock shows at a true time, where no fault has touched it.
    pub fn wall_clock(&self, at: Time) -> lab::WallTime {
        lab::WallTime(Duration::from_nanos(Clock::new(self).wall_ns(at)))
    }
}

fn at_rate(elapsed: Duration, ppm: i64) -> i128 {
    let ns = elapsed.as_nanos() as i128;
    if ppm == 0 { ns } else { ns * (PPM + i128::from(ppm)) / PPM }
}
