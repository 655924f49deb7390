//! `faultlines verify attacks`: everything that is set upon the harness, on this machine.
//!
//! Attacks live with the tests, and so does the program that attacks: none of it belongs into the binary that a student
//! installs. So this gate is those tests, compiled and run where they lie.

use crate::Failed;
use anyhow::anyhow;
use std::path::Path;
use std::process::Command;

/// Who is attacked.
const PACKAGES: [&str; 5] = ["confine", "lab", "host", "build", "faultlines"];
/// What the tests that attack are named by.
const TESTS: [&str; 5] = ["attacks::", "hostile::", "frames::", "probes::", "setup::"];

pub(super) fn run(root: &Path) -> Result<Vec<String>, Failed> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root).args(["test", "--release", "--no-fail-fast", "--test", "it"]);
    cargo.args(PACKAGES.iter().flat_map(|package| ["-p", package]));
    cargo.arg("--").args(TESTS).arg("--show-output");
    let status = cargo.status().map_err(|error| {
        Failed::harness(anyhow!(
            "cannot run cargo ({error}): attacks are tests of the checkout, and it compiles them"
        ))
    })?;
    let fault = "an attack succeeds, or one that should have could not be tried: what the tests say above tells which";
    Ok(if status.success() { Vec::new() } else { vec![fault.to_owned()] })
}
