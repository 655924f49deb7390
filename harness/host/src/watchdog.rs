//! Telling a slow guest from one that will never answer.
//!
//! The wall clock decides nothing here; it only says when to look. A guest is given up when it has *computed*
//! for longer than its limit, or when it sleeps though it has been given work: both are facts about the guest,
//! not about how busy the machine is.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

/// How often a guest that has not answered is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// So many looks in a row that find it asleep and none the wiser.
const ASLEEP_LOOKS: u32 = 10;

/// Why a guest is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stuck {
    /// It used up its time.
    Computes,
    /// It waits for something else than us.
    Sleeps,
    /// It has ended, and somebody else holds its pipe open.
    Gone,
}

/// How long one is willing to wait for the answer to one frame.
pub(crate) struct Patience {
    cpu_max: Duration,
    begun: Option<Duration>,
    last_cpu: Duration,
    asleep: u32,
    looked: Instant,
}
impl Patience {
    /// From now on.
    pub(crate) fn new(cpu_max: Duration) -> Patience {
        Patience { cpu_max, begun: None, last_cpu: Duration::ZERO, asleep: 0, looked: Instant::now() }
    }
    /// Waits until one of the pipes is ready (or its other end is gone), or the guest is stuck. One that keeps
    /// the pipes ready, byte by byte, is stuck too when its time is up.
    pub(crate) fn wait(
        &mut self,
        pipes: &[(BorrowedFd<'_>, PollFlags)],
        pid: u32,
    ) -> Result<Result<(), Stuck>, Errno> {
        let look = Timespec { tv_sec: 0, tv_nsec: LOOK.subsec_nanos().into() };
        loop {
            let mut polled = pipes.iter().map(|(fd, flags)| PollFd::from_borrowed_fd(*fd, *flags));
            let (first, second) = (polled.next(), polled.next());
            let ready = match (first, second) {
                (Some(first), Some(second)) => poll(&mut [first, second], Some(&look)),
                (Some(first), None) => poll(&mut [first], Some(&look)),
                (None, _) => return Ok(Ok(())),
            };
            let ready = match ready {
                Ok(ready) => ready > 0,
                Err(Errno::INTR) => continue,
                Err(e) => return Err(e),
            };
            if ready && self.looked.elapsed() < LOOK {
                self.asleep = 0;
                return Ok(Ok(()));
            }
            self.looked = Instant::now();
            let stuck = sample(pid).and_then(|now| self.judge(now, ready));
            match stuck {
                // what it said before its end is still to be read
                Some(Stuck::Gone) if ready => return Ok(Ok(())),
                Some(stuck) => return Ok(Err(stuck)),
                None if ready => return Ok(Ok(())),
                None => {}
            }
        }
    }
    fn judge(&mut self, now: Sample, ready: bool) -> Option<Stuck> {
        let begun = *self.begun.get_or_insert(now.cpu);
        let idle = !ready && now.state == State::Sleeps && now.cpu == self.last_cpu;
        self.asleep = if idle { self.asleep + 1 } else { 0 };
        self.last_cpu = now.cpu;
        if now.state == State::Gone {
            Some(Stuck::Gone)
        } else if now.cpu.saturating_sub(begun) > self.cpu_max {
            Some(Stuck::Computes)
        } else {
            (self.asleep >= ASLEEP_LOOKS).then_some(Stuck::Sleeps)
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It runs, would run, or waits for the machine.
    Runs,
    Sleeps,
    Gone,
}
#[derive(Clone, Copy)]
struct Sample {
    cpu: Duration,
    state: State,
}

/// What `/proc` says of a process: its CPU time so far, and what it does. `None` where it says nothing.
fn sample(pid: u32) -> Option<Sample> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}
fn parse(stat: &str) -> Option<Sample> {
    // the name, in parentheses, may hold anything; the state follows its last one
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = match fields.next()? {
        "S" | "T" | "t" => State::Sleeps,
        "Z" | "X" => State::Gone,
        _ => State::Runs,
    };
    let user: u64 = fields.nth(10)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    let cpu = (user + system).saturating_mul(1_000) / rustix::param::clock_ticks_per_second();
    Some(Sample { cpu: Duration::from_millis(cpu), state })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(state: State, ms: u64) -> Sample {
        Sample { cpu: Duration::from_millis(ms), state }
    }

    #[test]
    fn the_state_is_what_follows_the_name_whatever_the_name_is() {
        let sample =
            parse("7 (a) R (b)) S 1 7 7 0 -1 4194304 90 0 0 0 150 50 0 0 20 0 1").expect("a line of proc");
        assert!(sample.state == State::Sleeps);
        assert_eq!(sample.cpu, Duration::from_millis(200_000 / rustix::param::clock_ticks_per_second()));
        assert!(parse("7 (a) R").is_none());
    }

    #[test]
    fn computing_counts_from_the_first_look_and_waiting_for_a_core_does_not() {
        let mut patience = Patience::new(Duration::from_secs(1));
        assert_eq!(patience.judge(found(State::Runs, 700), false), None);
        for _ in 0..100 {
            assert_eq!(patience.judge(found(State::Runs, 700), false), None);
        }
        assert_eq!(patience.judge(found(State::Runs, 1_700), false), None);
        assert_eq!(patience.judge(found(State::Runs, 1_701), true), Some(Stuck::Computes));
    }

    #[test]
    fn one_that_sleeps_and_says_nothing_is_given_up_and_one_that_wakes_is_not() {
        let mut patience = Patience::new(Duration::from_secs(1));
        patience.judge(found(State::Sleeps, 10), false); // what it has used is news
        for _ in 1..ASLEEP_LOOKS {
            assert_eq!(patience.judge(found(State::Sleeps, 10), false), None);
        }
        assert_eq!(patience.judge(found(State::Runs, 10), false), None);
        for _ in 1..ASLEEP_LOOKS {
            assert_eq!(patience.judge(found(State::Sleeps, 10), false), None);
        }
        assert_eq!(patience.judge(found(State::Sleeps, 10), false), Some(Stuck::Sleeps));
    }

    #[test]
    fn one_that_has_ended_is_told_from_one_that_sleeps() {
        let mut patience = Patience::new(Duration::from_secs(1));
        assert_eq!(patience.judge(found(State::Gone, 10), false), Some(Stuck::Gone));
    }
}
