//! Driving worlds through guests.
//!
//! A *lane* is a process that hosts one node of each of many worlds. Each round the host sends each lane the
//! steps of all live worlds in one frame, applies each answer, and asks that world for its next step. A host and its
//! lanes share a core: what costs in such a conversation is switching, and a batch switches once for many
//! worlds.
//!
//! A batch is the fast way, never the last word. Whatever goes wrong in one (a lane dies, hangs, talks
//! nonsense) is found out again with each world alone, in processes of its own: [`Fleet::solo`].

use std::mem::MaybeUninit;
use std::time::Duration;

pub mod budget;
mod commands;
mod error;
mod fleet;
mod lane;
mod launch;
mod watchdog;

pub use confine::{Barrier, Layers, is_strict, probe};
pub use error::HostError;
pub use fleet::{Anomaly, Fleet, Job, Stream, Watch};
pub use launch::Guest;

/// Processor time of this process and of the guests that it has waited for: what judging cost, whoever else uses the
/// machine. A guest's time counts when its lane has ended.
pub fn cpu_time() -> Duration {
    let of = |whose| {
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: getrusage fills in what it is given; zeroes are a valid value of it.
        let usage = unsafe {
            libc::getrusage(whose, usage.as_mut_ptr());
            usage.assume_init()
        };
        let time = |t: libc::timeval| {
            let part = |n: i64| u64::try_from(n).unwrap_or(0);
            Duration::from_secs(part(t.tv_sec)) + Duration::from_micros(part(t.tv_usec))
        };
        time(usage.ru_utime) + time(usage.ru_stime)
    };
    of(libc::RUSAGE_SELF) + of(libc::RUSAGE_CHILDREN)
}

/// Pins this thread, and the lanes it will start, to the `nth` core it may run on (counting round). Returns
/// the core; `None` where the platform cannot.
pub fn pin(nth: usize) -> Option<usize> {
    let allowed = rustix::thread::sched_getaffinity(None).ok()?;
    let cores: Vec<usize> =
        (0..rustix::thread::CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
    let core = *cores.get(nth % cores.len().max(1))?;
    let mut only = rustix::thread::CpuSet::new();
    only.set(core);
    rustix::thread::sched_setaffinity(None, &only).ok()?;
    Some(core)
}
