//! The file that a report goes to: tried before the work, and never one of an earlier grade.

use crate::Failed;
use anyhow::{Context, anyhow};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Where a report is written to.
pub(crate) struct Output(PathBuf);
impl Output {
    /// Makes sure that this file can be written, and that nothing is left in it of an earlier grade.
    pub(crate) fn prepare(path: &Path) -> Result<Output, Failed> {
        // what is there is replaced, and nobody can want that of code
        if path.extension().is_some_and(|end| end == "rs") {
            return Err(Failed::usage(anyhow!(
                "--output {} would replace a Rust file; name a file such as report.json",
                path.display()
            )));
        }
        let found = fs::symlink_metadata(path);
        let is_special = fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        // a pipe is opened once, by the command that has something to say
        if !is_special {
            File::create(path)
                .with_context(|| format!("cannot write the report to {}", path.display()))
                .map_err(Failed::usage)?;
            if found.map_or(true, |found| found.is_file()) {
                let _ = fs::remove_file(path);
            }
        }
        Ok(Output(path.to_owned()))
    }
    /// Writes the report.
    pub(crate) fn write(&self, text: &str) -> Result<(), Failed> {
        let text = anstream::adapter::strip_str(text).to_string();
        fs::write(&self.0, text)
            .with_context(|| format!("cannot write the report to {}", self.0.display()))
            .map_err(Failed::harness)
    }
}
