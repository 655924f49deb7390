//! What suites are written with. The kit knows no exercise.

pub mod answers;
pub mod serve;
pub mod subsets;
pub mod user;

use std::time::Duration;

/// So many milliseconds.
pub const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
/// So many microseconds.
pub const fn us(us: u64) -> Duration {
    Duration::from_micros(us)
}
/// So many seconds.
pub const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
