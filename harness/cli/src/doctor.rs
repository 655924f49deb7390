//! `faultlines doctor`: what this machine has, what is missing, and what that means.

use crate::text::{BAD, GOOD, row, sayln, styled, width};
use crate::{Exit, Failed};

pub(crate) fn run() -> Result<Exit, Failed> {
    let mut sound = true;
    let mut say = |what: &str, found: Result<String, String>| match found {
        Ok(found) => sayln!("{}", row(&styled(GOOD, "✔"), what, &found, width())),
        Err(missing) => {
            sound = false;
            sayln!("{}", row(&styled(BAD, "✘"), what, &missing, width()));
        }
    };
    say("platform", platform());
    let examined = build::examine(&build::default_cache(), crate::isolation::layers(false), |step| {
        if let Some(line) = crate::text::preparing(&step) {
            anstream::eprintln!("{line}");
        }
    });
    for (what, found) in examined {
        say(what, found);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    say("cores", Ok(format!("{cores}: as many checks are judged side by side")));
    match crate::isolation::find_out() {
        Ok(()) => sound &= crate::isolation::table(),
        Err(failed) => say("sandbox", Err(crate::text::sentence(&failed.error))),
    }
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
