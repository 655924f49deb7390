//! What this process is like: how it dies, so that the harness can tell why, and what it cannot read.

use lab::frame::Farewell;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The last that is heard of an allocation in this event is that it failed.
static OUT_OF_MEMORY: AtomicBool = AtomicBool::new(false);

/// The system's allocator; remembers that it failed.
struct Noting;
#[global_allocator]
static ALLOCATOR: Noting = Noting;

fn noted(allocated: *mut u8) -> *mut u8 {
    if allocated.is_null() {
        OUT_OF_MEMORY.store(true, Relaxed);
    }
    allocated
}
// SAFETY: it does what `System` does.
unsafe impl GlobalAlloc for Noting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        noted(unsafe { System.alloc(layout) })
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        noted(unsafe { System.alloc_zeroed(layout) })
    }
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        noted(unsafe { System.realloc(old, layout, size) })
    }
    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(old, layout) }
    }
}

/// An event begins: an allocation that failed before is not what it may die of.
pub(crate) fn begin() {
    OUT_OF_MEMORY.store(false, Relaxed);
}

extern "C" fn on_abort(_signal: libc::c_int) {
    if OUT_OF_MEMORY.load(Relaxed) {
        // SAFETY: async-signal-safe, and nothing of this process runs after it.
        unsafe { libc::_exit(Farewell::OutOfMemory as libc::c_int) }
    }
}

/// From here on a stack overflow ends in SIGSEGV, not in the abort that std makes of it, and an abort for want of
/// memory in an exit code of its own.
pub(crate) fn tell_deaths_apart() {
    let on_abort: extern "C" fn(libc::c_int) = on_abort;
    // SAFETY: a handler that is async-signal-safe, and the defaults.
    unsafe {
        libc::signal(libc::SIGABRT, on_abort as libc::sighandler_t);
        libc::signal(libc::SIGSEGV, libc::SIG_DFL);
        libc::signal(libc::SIGBUS, libc::SIG_DFL);
    }
}

/// Whether the processor's own counter cannot be read any more.
pub(crate) fn refuse_cycle_counter() -> bool {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    // SAFETY: no memory is involved. Not before the start of this program: the dynamic loader reads the counter.
    return unsafe { libc::prctl(libc::PR_SET_TSC, libc::PR_TSC_SIGSEGV, 0, 0, 0) == 0 };
    #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
    return false;
}

/// Whether addresses are not randomised.
pub(crate) fn has_fixed_addresses() -> bool {
    #[cfg(target_os = "linux")]
    // SAFETY: only asks.
    return unsafe { libc::personality(0xffff_ffff) } & libc::ADDR_NO_RANDOMIZE != 0;
    #[cfg(not(target_os = "linux"))]
    return false;
}
