//! What suites are written with. The kit knows no exercise.
//!
//! | look here | for |
//! |---|---|
//! | [`Stage`] | scenarios, written as what happens in them |
//! | [`see`] | sights to wait for, in the words of a contract |
//! | [`Saw`] | what was seen, in the words of a contract |
//! | [`rules`] | oracles as lists of rules |
//! | [`clocks`] | clocks that no node may rely on |
//! | [`goals`] | goals that many exercises share |
//! | [`history`] | what clients asked and heard, judged for consistency |
//! | [`interrogate`] | asking a node whether it keeps what it has promised |
//! | [`epilogue`] | that a system is as good as new when its faults are over |
//! | [`lens`] | what is durable in a log that a contract fixes |
//! | [`serve`], [`user`] | services, and clients that decide as they go |
//! | [`quiz`], [`rust`] | pure functions: questions, what is right to answer, and both as Rust |
//! | [`answers`] | what a pure function was asked, and what it answered |

pub mod answers;
pub mod clocks;
pub mod epilogue;
pub mod goals;
pub mod history;
pub mod interrogate;
pub mod lens;
pub mod quiz;
pub mod rules;
pub mod rust;
pub mod saw;
pub mod see;
pub mod serve;
pub mod stage;
pub mod subsets;
pub mod user;

pub use rules::{Rule, Rules, Scene, Waits};
pub use saw::{Opaque, Saw};
pub use stage::{Patience, Stage, in_order, uneven};

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
