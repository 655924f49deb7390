//! Telling a slow guest from one that will never answer.
//!
//! The wall clock decides nothing here. A guest is given up when it has *computed* for longer than its
//! limit, or when it sleeps though it has been given work: both are facts about the guest, not about how
//! busy the machine is.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// How often a guest that does not answer is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// So many looks in a row that find it asleep and none the wiser.
const ASLEEP_LOOKS: u32 = 10;

/// Why a guest is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stuck {
    Computes,
    Sleeps,
}

/// Waits until one of the pipes is ready (or its other end is gone), or the guest is stuck.
pub(crate) fn wait(
    pipes: &[(BorrowedFd<'_>, PollFlags)],
    pid: u32,
    cpu_max: Duration,
) -> Result<Result<(), Stuck>, Errno> {
    let look = Timespec { tv_sec: 0, tv_nsec: LOOK.subsec_nanos().into() };
    let mut first: Option<Sample> = None;
    let mut last_cpu = Duration::ZERO;
    let mut asleep = 0;
    loop {
        let mut polled: Vec<PollFd<'_>> =
            pipes.iter().map(|(fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
        match poll(&mut polled, Some(&look)) {
            Ok(0) => {}
            Ok(_) => return Ok(Ok(())),
            Err(Errno::INTR) => continue,
            Err(e) => return Err(e),
        }
        let Some(now) = sample(pid) else { continue }; // gone: the pipe will say so
        let begun = *first.get_or_insert(now);
        if now.cpu.saturating_sub(begun.cpu) > cpu_max {
            return Ok(Err(Stuck::Computes));
        }
        asleep = if now.sleeps && now.cpu == last_cpu { asleep + 1 } else { 0 };
        last_cpu = now.cpu;
        if asleep >= ASLEEP_LOOKS {
            return Ok(Err(Stuck::Sleeps));
        }
    }
}

#[derive(Clone, Copy)]
struct Sample {
    cpu: Duration,
    sleeps: bool,
}

/// What `/proc` says of a process: its CPU time so far, and whether it sleeps.
fn sample(pid: u32) -> Option<Sample> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // the name, in parentheses, may hold anything; the state follows its last one
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
    let cpu = (ticks(11)? + ticks(12)?) * 1_000 / rustix::param::clock_ticks_per_second();
    Some(Sample { cpu: Duration::from_millis(cpu), sleeps: matches!(*fields.first()?, "S" | "T" | "Z") })
}
