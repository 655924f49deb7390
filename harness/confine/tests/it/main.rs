//! Layers where a kernel does not do as it should: refuses a call, lacks it, or says that it did it and did not.

#[path = "../support/kernel.rs"]
mod kernel;
mod probes;
mod setup;

/// What `f` finds, called where the kernel answers these calls with this error.
fn where_calls_fail<T: Send>(calls: &[i64], errno: i32, f: impl FnOnce() -> T + Send) -> T {
    let program = kernel::that_fails(calls, errno);
    // a filter is put on a thread, and on what that thread starts
    std::thread::scope(|scope| {
        let refused = scope.spawn(|| {
            seccompiler::apply_filter(&program).expect("this kernel has filters");
            f()
        });
        refused.join().expect("no panic")
    })
}
