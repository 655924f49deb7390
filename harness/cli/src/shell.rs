//! What a shell and `man` want to know of this program: completions, which know the exercises, and a manual page.

use crate::args::{Args, Shell};
use crate::{Exit, Failed};
use anyhow::{Context, anyhow};
use clap::CommandFactory;
use clap_complete::CompleteEnv;
use clap_complete::env::Shells;
use std::io::Write;

/// A shell sets it when it asks for completions.
const ASKED: &str = "FAULTLINES_COMPLETE";
const NAME: &str = "faultlines";

/// Answers a shell that asks for completions, and ends this process then.
pub(crate) fn complete_if_asked() {
    CompleteEnv::with_factory(Args::command).var(ASKED).bin(NAME).complete();
}

/// `faultlines completions`: what a shell reads at its start.
pub(crate) fn completions(shell: Shell) -> Result<Exit, Failed> {
    let shells = Shells::builtins();
    let known = shells.completer(shell.name());
    let known = known.ok_or_else(|| Failed::harness(anyhow!("no completions for {}", shell.name())))?;
    let mut script = Vec::new();
    known.write_registration(ASKED, NAME, NAME, NAME, &mut script).map_err(Failed::harness)?;
    write(&script)
}
/// `faultlines man`: the manual page, as `man -l` reads it.
pub(crate) fn manual() -> Result<Exit, Failed> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut page).map_err(Failed::harness)?;
    write(&page)
}
fn write(bytes: &[u8]) -> Result<Exit, Failed> {
    std::io::stdout().write_all(bytes).context("cannot write to standard output").map_err(Failed::usage)?;
    Ok(Exit::Passed)
}
