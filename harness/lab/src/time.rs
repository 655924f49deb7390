//! Two clocks. The stopwatch only goes forward, and has no meaning on other nodes. The wall clock has the same meaning
//! everywhere, and may be wrong.

use serde::{Deserialize, Serialize};
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment on this node's own stopwatch, which starts at zero with the node and never goes back.
///
/// It cannot be sent or stored: on another node, or after a restart, it has no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub(crate) Duration);

/// What the wall clock shows, as time since 1970. It may be wrong, and it may jump, also backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WallTime(pub Duration);

macro_rules! moments {
    ($name:ident) => {
        impl Sub for $name {
            type Output = Duration;
            /// How long after `earlier`; zero where it was not later.
            fn sub(self, earlier: Self) -> Duration {
                self.0.saturating_sub(earlier.0)
            }
        }
        impl Add<Duration> for $name {
            type Output = $name;
            fn add(self, later: Duration) -> $name {
                $name(self.0.saturating_add(later))
            }
        }
    };
}
moments!(Instant);
moments!(WallTime);
