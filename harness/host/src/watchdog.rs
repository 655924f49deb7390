//! Telling a slow guest from one that will never answer.
//!
//! The wall clock decides nothing here; it only says when to look. A guest is given up when it has *computed*
//! for longer than its limit, or when it sleeps though it has been given work: both are facts about the guest,
//! not about how busy the machine is.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How often a guest that has not answered is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// So many looks in a row that find it asleep and none the wiser; and in all, whatever it does in between.
const ASLEEP_LOOKS: u32 = 10;
const ASLEEP_LOOKS_MAX: u32 = 30;
/// A guest that sleeps has said all it has to say, or filled its pipe. Between two looks, less than this is neither:
/// what the system passes on in one piece, in bytes.
const TRICKLE: usize = 4096;

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
    asleep_in_all: u32,
    looked: Instant,
    /// Bytes that went through the pipes since then.
    moved: usize,
}
impl Patience {
    /// From now on.
    pub(crate) fn new(cpu_max: Duration) -> Patience {
        let (begun, last_cpu, looked) = (None, Duration::ZERO, Instant::now());
        Patience { cpu_max, begun, last_cpu, asleep: 0, asleep_in_all: 0, looked, moved: 0 }
    }
    /// So many bytes went through the pipes.
    pub(crate) fn moved(&mut self, bytes: usize) {
        self.moved = self.moved.saturating_add(bytes);
    }
    /// Waits until one of the pipes is ready (or its other end is gone), or the guest is stuck. One that keeps
    /// the pipes ready, byte by byte, is stuck too: when its time is up, or when it sleeps in between.
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
                return Ok(Ok(()));
            }
            self.looked = Instant::now();
            let now = sample(pid);
            if now.is_some_and(|now| now.state == State::Stopped) {
                resume(pid);
            }
            let stuck = now.and_then(|now| self.judge(now));
            match stuck {
                // what it said before its end is still to be read
                Some(Stuck::Gone) if ready => return Ok(Ok(())),
                Some(stuck) => return Ok(Err(stuck)),
                None if ready => return Ok(Ok(())),
                None => {}
            }
        }
    }
    fn judge(&mut self, now: Sample) -> Option<Stuck> {
        let begun = *self.begun.get_or_insert(now.cpu);
        let idle = now.state == State::Sleeps && now.cpu == self.last_cpu && self.moved < TRICKLE;
        self.asleep = if idle { self.asleep + 1 } else { 0 };
        // one that stops itself again and again is bounded, too
        self.asleep_in_all += u32::from(idle || now.state == State::Stopped);
        self.last_cpu = now.cpu;
        self.moved = 0;
        if now.state == State::Gone {
            Some(Stuck::Gone)
        } else if now.cpu.saturating_sub(begun) > self.cpu_max {
            Some(Stuck::Computes)
        } else {
            let stuck = self.asleep >= ASLEEP_LOOKS || self.asleep_in_all >= ASLEEP_LOOKS_MAX;
            stuck.then_some(Stuck::Sleeps)
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It runs, would run, or waits for the machine.
    Runs,
    Sleeps,
    /// A signal stopped it, which is nobody's waiting.
    Stopped,
    Gone,
}
#[derive(Clone, Copy)]
struct Sample {
    cpu: Duration,
    state: State,
}

/// What `/proc` says of a child: its CPU time so far, and what it does. `None` where it says nothing.
fn sample(pid: u32) -> Option<Sample> {
    parse(&std::fs::read_to_string(format!("/proc/{}/stat", number_in_proc(pid)?)).ok()?)
}
/// Lets a child go on that somebody stopped.
fn resume(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::CONT);
    }
}

/// The number by which `/proc` knows a child. It is another one where `/proc` is that of another PID namespace, as in a
/// container that has none of its own: then the number that we know would be somebody else's.
fn number_in_proc(pid: u32) -> Option<u32> {
    static IS_OURS: OnceLock<bool> = OnceLock::new();
    let is_ours = || {
        std::fs::read_link("/proc/self").is_ok_and(|of| of.as_os_str() == &*std::process::id().to_string())
    };
    if *IS_OURS.get_or_init(is_ours) {
        return Some(pid);
    }
    // a descriptor of a process is described in the numbers of the `/proc` that describes it
    let child = Pid::from_raw(i32::try_from(pid).ok()?)?;
    let descriptor = pidfd_open(child, PidfdFlags::empty()).ok()?;
    let about = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", descriptor.as_raw_fd())).ok()?;
    let number = about.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim();
    number.parse().ok().filter(|number| *number > 0)
}

fn parse(stat: &str) -> Option<Sample> {
    // the name, in parentheses, may hold anything; the state follows its last one
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = match fields.next()? {
        "S" => State::Sleeps,
        "T" => State::Stopped,
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
        assert_eq!(patience.judge(found(State::Runs, 700)), None);
        for _ in 0..100 {
            assert_eq!(patience.judge(found(State::Runs, 700)), None);
        }
        assert_eq!(patience.judge(found(State::Runs, 1_700)), None);
        assert_eq!(patience.judge(found(State::Runs, 1_701)), Some(Stuck::Computes));
    }

    #[test]
    fn one_that_sleeps_and_says_nothing_is_given_up_and_one_that_wakes_is_not() {
        let mut patience = Patience::new(Duration::from_secs(1));
        patience.judge(found(State::Sleeps, 10)); // what it has used is news
        for _ in 1..ASLEEP_LOOKS {
            assert_eq!(patience.judge(found(State::Sleeps, 10)), None);
        }
        assert_eq!(patience.judge(found(State::Runs, 10)), None);
        for _ in 1..ASLEEP_LOOKS {
            assert_eq!(patience.judge(found(State::Sleeps, 10)), None);
        }
        assert_eq!(patience.judge(found(State::Sleeps, 10)), Some(Stuck::Sleeps));
    }

    #[test]
    fn one_that_says_a_byte_now_and_then_or_wakes_now_and_then_is_given_up_and_one_with_a_full_pipe_is_not() {
        let looks = |moved: usize, state: fn(u32) -> State| {
            let mut patience = Patience::new(Duration::from_secs(1));
            (0..200).find(|look| {
                patience.moved(moved);
                patience.judge(found(state(*look), 10)).is_some()
            })
        };
        // the first look only learns what it has used
        assert_eq!(looks(1, |_| State::Sleeps), Some(ASLEEP_LOOKS));
        let naps = |look: u32| if look.is_multiple_of(2) { State::Runs } else { State::Sleeps };
        assert_eq!(looks(1, naps), Some(2 * ASLEEP_LOOKS_MAX - 1));
        assert_eq!(looks(TRICKLE, |_| State::Sleeps), None);
    }

    #[test]
    fn one_that_is_stopped_waits_for_nothing_and_yet_cannot_stop_itself_for_ever() {
        let mut patience = Patience::new(Duration::from_secs(1));
        for _ in 1..ASLEEP_LOOKS_MAX {
            assert_eq!(patience.judge(found(State::Stopped, 10)), None);
        }
        assert_eq!(patience.judge(found(State::Stopped, 10)), Some(Stuck::Sleeps));
    }

    #[test]
    fn a_child_has_a_number_in_proc() {
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().expect("cat");
        assert!(sample(child.id()).is_some_and(|now| now.state != State::Gone));
        child.kill().and_then(|()| child.wait()).expect("a child");
    }

    #[test]
    fn one_that_has_ended_is_told_from_one_that_sleeps() {
        let mut patience = Patience::new(Duration::from_secs(1));
        assert_eq!(patience.judge(found(State::Gone, 10)), Some(Stuck::Gone));
    }
}
