//! Layers where a kernel does not do as it should: refuses a call, lacks it, or says that it did it and did not.

mod probes;
mod setup;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use std::collections::BTreeMap;

/// What `f` finds, called where the kernel answers these calls with this error; with 0, it lies: nothing is done.
fn where_calls_fail<T: Send>(calls: &[i64], errno: i32, f: impl FnOnce() -> T + Send) -> T {
    let rules: BTreeMap<i64, Vec<_>> = calls.iter().map(|call| (*call, Vec::new())).collect();
    let arch = std::env::consts::ARCH.try_into().expect("there are filters for it");
    let refuse = SeccompAction::Errno(errno.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).expect("a filter");
    let program: BpfProgram = filter.try_into().expect("a short one");
    // a filter is put on a thread, and on what that thread starts
    std::thread::scope(|scope| {
        let refused = scope.spawn(|| {
            if !calls.is_empty() {
                seccompiler::apply_filter(&program).expect("this kernel has filters");
            }
            f()
        });
        refused.join().expect("no panic")
    })
}
