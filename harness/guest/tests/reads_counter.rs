//! A guest whose one role reads the processor's own counter, and whose other role does not.

use lab::{Exercise, Role};

fn counter((): ()) -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: it only reads a register.
    return unsafe { std::arch::x86_64::_rdtsc() };
    #[cfg(not(target_arch = "x86_64"))]
    return 0;
}

fn main() {
    let roles = vec![Role::function("counter", counter), Role::function("nothing", |(): ()| 0_u64)];
    guest::serve(vec![Exercise { name: "counter", roles }]);
}
