//! How much judging may cost: processor time of this thread and of its guests, and memory of the harness.
//!
//! A submission that keeps every limit of an event and of a run can still make a check take for hours, and an oracle keep
//! gigabytes. So the judge sets a budget, and driving worlds ends where it is spent. What counts is computing, not
//! waiting: a busy machine spends nothing.

use std::cell::{Cell, RefCell};
use std::mem::MaybeUninit;
use std::time::Duration;

/// The harness may keep so much, in bytes, many times what it does with sound submissions.
const MEMORY_MAX: u64 = 3 << 30;
/// It is looked at after so many questions: each is a file to read.
const MEMORY_LOOKS: u32 = 16;

/// What was used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// This much processor time.
    Time(Duration),
    /// The memory of the harness, in MiB.
    Memory(u64),
}

#[derive(Default)]
struct Account {
    /// What may be spent, of what this thread and its guests will have used in all.
    until: Cell<Option<(Duration, Duration)>>,
    /// Of guests that have ended.
    ended: Cell<Duration>,
    /// Those that live.
    live: RefCell<Vec<u32>>,
    spent: Cell<Option<Spent>>,
    looks: Cell<u32>,
}
thread_local! {
    static ACCOUNT: Account = Account::default();
}

/// From here on this thread and the guests that it has may use so much processor time.
pub fn allow(time: Duration) {
    ACCOUNT.with(|account| {
        account.spent.set(None);
        account.looks.set(0);
        account.until.set(Some((account.used().saturating_add(time), time)));
    });
}
/// From here on this thread has no budget.
pub fn allow_all() {
    ACCOUNT.with(|account| {
        account.spent.set(None);
        account.until.set(None);
    });
}
/// What of its budget this thread has spent, if it has. Once it is spent it stays so until the next one.
pub fn spent() -> Option<Spent> {
    ACCOUNT.with(|account| {
        if account.spent.get().is_none()
            && let Some((until, time)) = account.until.get()
        {
            if account.used() > until {
                account.spent.set(Some(Spent::Time(time)));
            } else {
                account.looks.set(account.looks.get() + 1);
                if account.looks.get().is_multiple_of(MEMORY_LOOKS) && resident() > MEMORY_MAX {
                    account.spent.set(Some(Spent::Memory(MEMORY_MAX >> 20)));
                }
            }
        }
        account.spent.get()
    })
}

/// A guest of this thread has been started.
pub(crate) fn begins(pid: u32) {
    ACCOUNT.with(|account| account.live.borrow_mut().push(pid));
}
/// It is about to be waited for; its time is still to be had.
pub(crate) fn ends(pid: u32) {
    // a thread that ends drops its lanes, and has no account any more
    let _ = ACCOUNT.try_with(|account| {
        let mut live = account.live.borrow_mut();
        if let Some(place) = live.iter().position(|of| *of == pid) {
            live.swap_remove(place);
            account.ended.set(account.ended.get() + of_process(pid));
        }
    });
}

impl Account {
    fn used(&self) -> Duration {
        let guests: Duration = self.live.borrow().iter().map(|pid| of_process(*pid)).sum();
        of_clock(libc::CLOCK_THREAD_CPUTIME_ID) + self.ended.get() + guests
    }
}
/// What a process has used; nothing where there is none.
fn of_process(pid: u32) -> Duration {
    let mut clock = 0;
    // SAFETY: room for the name of a clock.
    let found = unsafe { libc::clock_getcpuclockid(pid.cast_signed(), &raw mut clock) };
    if found == 0 { of_clock(clock) } else { Duration::ZERO }
}
fn of_clock(clock: libc::clockid_t) -> Duration {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: clock_gettime fills in what it is given; zeroes are a valid value of it.
    let time = unsafe {
        libc::clock_gettime(clock, time.as_mut_ptr());
        time.assume_init()
    };
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
/// Memory of this process that is in use, in bytes; 0 where the system does not say.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages.saturating_mul(rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computing_spends_and_waiting_does_not() {
        allow(Duration::from_millis(200));
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(spent(), None);
        let mut sum = 0_u64;
        while of_clock(libc::CLOCK_THREAD_CPUTIME_ID) < Duration::from_millis(400) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert_eq!(spent(), Some(Spent::Time(Duration::from_millis(200))));
        allow_all();
        assert_eq!(spent(), None);
    }

    /// The thread sleeps between its looks, so it is its guest that spends. Who of the two gets the cores is the
    /// system's to say: what each used is read from its clock, and never guessed from the sum.
    #[test]
    fn a_guest_s_time_counts_while_it_lives_and_after() {
        let allowed = Duration::from_millis(100);
        let mut child = std::process::Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .expect("there is a shell");
        let before = of_clock(libc::CLOCK_THREAD_CPUTIME_ID);
        begins(child.id());
        allow(allowed);
        while spent().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let own = of_clock(libc::CLOCK_THREAD_CPUTIME_ID) - before;
        let used = of_process(child.id());
        child.kill().expect("ours");
        ends(child.id());
        child.wait().expect("ours");
        allow_all();
        let ended = ACCOUNT.with(|account| account.ended.get());
        assert!(own < allowed, "the thread spent all of it alone: {own:?}");
        assert!(own + used >= allowed && ended >= used, "{own:?} {used:?} {ended:?}");
        assert!(resident() > 0);
    }
}
