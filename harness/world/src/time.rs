//! True time: what the harness knows and no node does.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment of a world, in nanoseconds since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// When the world begins.
    pub const ZERO: Time = Time(0);
    /// After every other.
    pub const NEVER: Time = Time(u64::MAX);

    /// This long after the world began.
    pub const fn from_millis(ms: u64) -> Time {
        Time(ms * 1_000_000)
    }
    /// How long after the world began.
    pub const fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}
impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, later: Duration) -> Time {
        Time(self.0.saturating_add(nanos(later)))
    }
}
impl Sub for Time {
    type Output = Duration;
    /// How long after `earlier`; zero where it was not later.
    fn sub(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
/// Shows as `41 ms`, with as many digits after the point as it takes, up to three.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.0 / 1_000;
        let (ms, rest) = (us / 1_000, us % 1_000);
        if rest == 0 {
            return write!(f, "{ms} ms");
        }
        let digits = format!("{rest:03}");
        write!(f, "{ms}.{} ms", digits.trim_end_matches('0'))
    }
}

/// Nanoseconds of a duration; the largest there is where it does not fit.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
