//! What the benches measure with, and the ping workload.
//!
//! The clock is processor time, of this process and of its guests: on a busy machine, a fairer one than the wall's. What counts
//! are ratios of one run.

pub mod ping;

use std::path::PathBuf;
use std::time::Duration;

/// The number that the command line names, after `cargo bench --bench NAME --`; or else this.
pub fn argument(default: u64) -> u64 {
    std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(default)
}

/// Events per second of processor time, of work that says how many events it was.
pub fn rate(work: impl FnOnce() -> u64) -> f64 {
    let begun = host::cpu_time();
    let events = work();
    events as f64 / (host::cpu_time() - begun).as_secs_f64()
}

/// Prints a rate, and what it is of another.
pub fn row(name: &str, rate: f64, of: f64) {
    println!("{name:<44} {rate:>12.0} events/s   {:>6.2} ×", rate / of);
}

/// The most memory that this process has had in use at once since the last [`reset_peak`], in MB; guests aside.
pub fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kb = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse::<f64>().ok());
    kb.map_or(f64::NAN, |kb| kb * 1_024.0 / 1e6)
}
/// Forgets what was in use before.
pub fn reset_peak() {
    // SAFETY: gives memory back that nobody has allocated.
    unsafe { libc::malloc_trim(0) };
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
}

/// The folder of the whole project.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Time as a person reads it.
pub fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
