//! Whether what the shim promises holds here, seen from the side of student code: through std.

use crate::shim;
use crate::{moment, process};
use lab::frame::{Context, Covered, Want};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

const STOPWATCH: Duration = Duration::from_secs(5);
const WALL: Duration = Duration::from_secs(1_000_000_000);
const NAP: Duration = Duration::from_millis(3);

/// What does not work, as sentences; and what is covered.
pub(crate) fn run() -> (Vec<String>, Covered) {
    let cycle_counter = process::refuse_cycle_counter();
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let context = Context {
        now_ns: nanos(STOPWATCH),
        wall_ns: nanos(WALL),
        entropy: 1,
        first_call: 0,
        want: Want::default(),
    };
    moment::begin(&context);
    let begun = Instant::now();
    std::thread::sleep(NAP);
    std::thread::park_timeout(NAP);
    let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let mut random = [0; 16];
    // SAFETY: so many bytes may be written.
    unsafe { libc::getrandom(random.as_mut_ptr().cast(), random.len(), 0) };
    moment::begin(&context);
    let drawn = [moment::random(), moment::random()].concat();
    let holds = [
        (
            begun.elapsed() == Duration::ZERO && Instant::now() == begun,
            "the clock of Instant is not the world's",
        ),
        (wall.is_ok_and(|wall| wall == WALL + 2 * NAP), "SystemTime, sleeping or parking is not the world's"),
        (random[..] == drawn[..], "randomness is not the world's"),
        (std::thread::Builder::new().spawn(|| ()).is_err(), "threads are not refused"),
        (Command::new("/").spawn().is_err() && forks_are_refused(), "processes are not refused"),
        (
            std::thread::available_parallelism().is_ok_and(|cores| cores.get() == 1),
            "the cores can be counted",
        ),
        (std::process::id() == shim::PID.cast_unsigned(), "the process id can be seen"),
    ];
    let faults = holds.iter().filter(|(holds, _)| !holds).map(|(_, fault)| (*fault).to_owned()).collect();
    let addresses = process::has_fixed_addresses();
    (faults, Covered { hash_keys: lab::keys::are_found(), clocks: true, addresses, cycle_counter })
}
fn forks_are_refused() -> bool {
    // SAFETY: ours, which does nothing; were it the system's, the child would end at once.
    match unsafe { libc::fork() } {
        -1 => true,
        // SAFETY: always sound.
        0 => unsafe { libc::_exit(0) },
        _ => false,
    }
}
