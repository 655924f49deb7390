//! `faultlines doctor`: what this machine has, what is missing, and what that means.

use crate::text::{BAD, GOOD, row, styled, width};
use crate::{Exit, Failed};
use std::process::Command;

pub(crate) fn run() -> Result<Exit, Failed> {
    let mut sound = true;
    let mut say = |what: &str, found: Result<String, String>| match found {
        Ok(found) => anstream::println!("{}", row(&styled(GOOD, "✔"), what, &found, width())),
        Err(missing) => {
            sound = false;
            anstream::println!("{}", row(&styled(BAD, "✘"), what, &missing, width()));
        }
    };
    say("platform", platform());
    say("rustc", version("rustc", "install Rust with rustup: submissions are compiled with it"));
    say("linker", version("cc", "install a C compiler (gcc or clang): Rust links with it"));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    say("cores", Ok(format!("{cores}: as many checks are judged side by side")));
    let cache = build::default_cache();
    let writable = std::fs::create_dir_all(&cache).and_then(|()| tempfile::tempfile_in(&cache).map(drop));
    say(
        "cache",
        writable.map(|()| cache.display().to_string()).map_err(|e| {
            format!("{} cannot be written ({e}): set FAULTLINES_CACHE to a folder that can", cache.display())
        }),
    );
    let kit = build::Kit::prepare(&cache, |step| {
        if let Some(line) = crate::text::preparing(&step) {
            anstream::eprintln!("{line}");
        }
    });
    say("kit", kit.map(|_| "compiled for this toolchain".to_owned()).map_err(|e| e.to_string()));
    sound &= crate::isolation::table();
    Ok(if sound { Exit::Passed } else { Exit::HarnessFault })
}

fn platform() -> Result<String, String> {
    let name = format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH);
    if cfg!(all(
        target_os = "linux",
        target_env = "gnu",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )) {
        Ok(format!("{name}, glibc: everything is covered"))
    } else {
        Err(format!(
            "{name}: not covered. Clocks, hash order and threads of submissions are controlled on Linux with glibc, on x86-64 and \
             aarch64, only; elsewhere a submission that reads them may be graded differently from run to run"
        ))
    }
}

fn version(program: &str, help: &str) -> Result<String, String> {
    let output = Command::new(program).arg("--version").output();
    let output = output.ok().filter(|output| output.status.success());
    let output = output.ok_or_else(|| format!("not found: {help}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or("found").to_owned())
}
