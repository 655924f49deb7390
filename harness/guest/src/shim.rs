//! Clocks, sleeps, waits and randomness of std, answered from the world: libc's functions under their own names.
//!
//! A symbol of the program wins over one of a shared library, so what std asks of libc ends up here. What it
//! would take another thread or another process for is refused: a node is one state machine, and a thread
//! would run when the machine pleases.
//!
//! Covered are the ways that safe code has through std. Not covered: what the file system and the network say,
//! which is the sandbox's to refuse.

use crate::moment;
use lab::frame::Farewell;
use libc::{
    c_char, c_int, c_long, c_uint, c_void, clockid_t, cpu_set_t, pid_t, pthread_attr_t, pthread_t, size_t,
    ssize_t, time_t, timespec, timeval,
};
use std::time::Duration;

/// The process id that every node sees.
pub(crate) const PID: pid_t = 1;

/// Ends the process here and now: there is nobody to unwind to.
pub(crate) fn leave(farewell: Farewell) -> ! {
    // SAFETY: always sound; it runs nothing of this process any more.
    unsafe { libc::_exit(farewell as c_int) }
}
fn fail(errno: c_int) -> c_int {
    // SAFETY: glibc's pointer to this thread's `errno`.
    unsafe { *libc::__errno_location() = errno };
    -1
}

/// # Safety
/// `to` is null or may be written to.
unsafe fn write_time(to: *mut timespec, time: Duration) {
    if !to.is_null() {
        let tv_sec = time_t::try_from(time.as_secs()).unwrap_or(time_t::MAX);
        // SAFETY: the caller's promise.
        unsafe { to.write(timespec { tv_sec, tv_nsec: time.subsec_nanos().into() }) };
    }
}
fn duration(time: timespec) -> Duration {
    let ns = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), ns.min(999_999_999))
}
fn clock(id: clockid_t) -> Duration {
    match id {
        libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE | libc::CLOCK_TAI => moment::wall(),
        _ => moment::stopwatch(),
    }
}
/// Sleeps until a clock shows this.
fn sleep_until(id: clockid_t, time: Duration) {
    moment::sleep(time.saturating_sub(clock(id)));
}

// SAFETY, for all symbols below: they have the names and signatures of glibc's, and are called as those are.

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(id: clockid_t, to: *mut timespec) -> c_int {
    // SAFETY: the contract of `clock_gettime`.
    unsafe { write_time(to, clock(id)) };
    0
}
#[unsafe(no_mangle)]
unsafe extern "C" fn gettimeofday(to: *mut timeval, _zone: *mut c_void) -> c_int {
    let now = moment::wall();
    if !to.is_null() {
        let tv_sec = time_t::try_from(now.as_secs()).unwrap_or(time_t::MAX);
        // SAFETY: the contract of `gettimeofday`.
        unsafe { to.write(timeval { tv_sec, tv_usec: now.subsec_micros().into() }) };
    }
    0
}
#[unsafe(no_mangle)]
unsafe extern "C" fn time(to: *mut time_t) -> time_t {
    let now = time_t::try_from(moment::wall().as_secs()).unwrap_or(time_t::MAX);
    if !to.is_null() {
        // SAFETY: the contract of `time`.
        unsafe { to.write(now) };
    }
    now
}
#[unsafe(no_mangle)]
unsafe extern "C" fn nanosleep(how_long: *const timespec, _left: *mut timespec) -> c_int {
    // SAFETY: the contract of `nanosleep`.
    moment::sleep(duration(unsafe { *how_long }));
    0
}
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_nanosleep(
    id: clockid_t,
    flags: c_int,
    how_long: *const timespec,
    _left: *mut timespec,
) -> c_int {
    // SAFETY: the contract of `clock_nanosleep`.
    let time = duration(unsafe { *how_long });
    if flags & libc::TIMER_ABSTIME == 0 {
        moment::sleep(time)
    } else {
        sleep_until(id, time)
    }
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(to: *mut c_void, bytes: size_t, _flags: c_uint) -> ssize_t {
    // SAFETY: the contract of `getrandom`.
    let to = unsafe { std::slice::from_raw_parts_mut(to.cast::<u8>(), bytes) };
    for chunk in to.chunks_mut(8) {
        chunk.copy_from_slice(&moment::random()[..chunk.len()]);
    }
    ssize_t::try_from(bytes).unwrap_or(ssize_t::MAX)
}
#[unsafe(no_mangle)]
unsafe extern "C" fn getentropy(to: *mut c_void, bytes: size_t) -> c_int {
    // SAFETY: the same contract.
    unsafe { getrandom(to, bytes, 0) };
    0
}

/// Printing never fails and never waits, whether anybody listens or not.
#[unsafe(no_mangle)]
unsafe extern "C" fn write(to: c_int, from: *const c_void, bytes: size_t) -> ssize_t {
    let passed_on = if matches!(to, 1 | 2) { crate::printing::passed_on(bytes) } else { bytes };
    let written = if passed_on == 0 && bytes > 0 {
        0
    } else {
        // SAFETY: passed on as it came, or shorter.
        unsafe { syscall(libc::SYS_write, to.into(), from as c_long, passed_on as c_long, 0, 0, 0) }
    };
    if matches!(to, 1 | 2) { ssize_t::try_from(bytes).unwrap_or(ssize_t::MAX) } else { written as ssize_t }
}
#[unsafe(no_mangle)]
unsafe extern "C" fn writev(to: c_int, parts: *const libc::iovec, count: c_int) -> ssize_t {
    let Ok(count @ 1..) = usize::try_from(count) else { return 0 };
    // SAFETY: the contract of `writev`.
    let parts = unsafe { std::slice::from_raw_parts(parts, count) };
    let mut all = 0;
    for part in parts.iter().filter(|part| part.iov_len > 0) {
        // SAFETY: the contract of `writev`.
        match unsafe { write(to, part.iov_base, part.iov_len) } {
            failed if failed < 0 => return if all > 0 { all } else { failed },
            some => {
                all += some;
                if (some as usize) < part.iov_len {
                    break;
                }
            }
        }
    }
    all
}

#[unsafe(no_mangle)]
unsafe extern "C" fn sched_getaffinity(_of: pid_t, bytes: size_t, to: *mut cpu_set_t) -> c_int {
    // SAFETY: the contract of `sched_getaffinity`: so many bytes may be written to.
    unsafe { to.cast::<u8>().write_bytes(0, bytes) };
    if bytes > 0 {
        // SAFETY: as above. The first core alone.
        unsafe { to.cast::<u8>().write(1) };
    }
    0
}
#[unsafe(no_mangle)]
extern "C" fn getpid() -> pid_t {
    PID
}

#[unsafe(no_mangle)]
extern "C" fn pthread_create(
    _thread: *mut pthread_t,
    _attributes: *const pthread_attr_t,
    _main: Option<extern "C" fn(*mut c_void) -> *mut c_void>,
    _argument: *mut c_void,
) -> c_int {
    libc::EPERM
}
#[unsafe(no_mangle)]
extern "C" fn fork() -> pid_t {
    fail(libc::EPERM)
}
#[unsafe(no_mangle)]
extern "C" fn execvp(_file: *const c_char, _arguments: *const *const c_char) -> c_int {
    fail(libc::EPERM)
}
#[unsafe(no_mangle)]
extern "C" fn posix_spawnp(
    _pid: *mut pid_t,
    _file: *const c_char,
    _actions: *const c_void,
    _attributes: *const c_void,
    _arguments: *const *mut c_char,
    _environment: *const *mut c_char,
) -> c_int {
    libc::EPERM
}

/// std waits with this (locks, channels, parking), and libc has no function of its own for it.
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    match number {
        // SAFETY: the contract of the system call.
        libc::SYS_getrandom => unsafe { getrandom(a as *mut c_void, b as size_t, c as c_uint) as c_long },
        libc::SYS_futex => {
            const HOW: c_int = !(libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME);
            match b as c_int & HOW {
                libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET => {
                    // SAFETY: the contract of the system call.
                    unsafe { futex_wait(a as *const u32, b as c_int, c as u32, d as *const timespec) }
                }
                libc::FUTEX_WAKE | libc::FUTEX_WAKE_BITSET => 0, // nobody waits: there is one thread
                _ => fail(libc::ENOSYS).into(),
            }
        }
        // SAFETY: passed on as it came.
        _ => match unsafe { raw(number, [a, b, c, d, e, f]) } {
            error @ -4095..0 => fail(c_int::try_from(-error).unwrap_or(libc::EINVAL)).into(),
            value => value,
        },
    }
}
/// # Safety
/// `word` and `until` are what the system call takes.
unsafe fn futex_wait(word: *const u32, how: c_int, expected: u32, until: *const timespec) -> c_long {
    // SAFETY: the caller's promise; volatile, as the kernel would read it.
    if unsafe { word.read_volatile() } != expected {
        return fail(libc::EAGAIN).into();
    }
    if until.is_null() {
        leave(Farewell::Blocked); // who could change the word?
    }
    // SAFETY: the caller's promise.
    let time = duration(unsafe { *until });
    if how & libc::FUTEX_WAIT_BITSET == libc::FUTEX_WAIT_BITSET {
        let realtime = how & libc::FUTEX_CLOCK_REALTIME != 0;
        sleep_until(if realtime { libc::CLOCK_REALTIME } else { libc::CLOCK_MONOTONIC }, time);
    } else {
        moment::sleep(time);
    }
    fail(libc::ETIMEDOUT).into()
}

/// # Safety
/// That of the system call.
#[cfg(target_arch = "x86_64")]
unsafe fn raw(number: c_long, [a, b, c, d, e, f]: [c_long; 6]) -> c_long {
    let result;
    // SAFETY: the registers are those of a system call on x86-64 Linux; the rest is the caller's promise.
    unsafe {
        std::arch::asm!(
            "syscall", inlateout("rax") number => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _, options(nostack),
        );
    }
    result
}
/// # Safety
/// That of the system call.
#[cfg(target_arch = "aarch64")]
unsafe fn raw(number: c_long, [a, b, c, d, e, f]: [c_long; 6]) -> c_long {
    let result;
    // SAFETY: the registers are those of a system call on aarch64 Linux; the rest is the caller's promise.
    unsafe {
        std::arch::asm!(
            "svc 0", in("x8") number, inlateout("x0") a => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x5") f, options(nostack),
        );
    }
    result
}
