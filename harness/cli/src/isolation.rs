//! What keeps the code that is graded away from this machine, found out by trying.

use crate::text::{BAD, GOOD, STRONG, row, sayln, styled, width};
use crate::{Exit, Failed};
use anyhow::anyhow;
use host::{Barrier, Layers};
use std::io;
use std::sync::OnceLock;

/// What is found out once in the life of this process.
static FOUND: OnceLock<io::Result<Vec<(Barrier, bool)>>> = OnceLock::new();

/// Finds out which barriers hold here; fails where that cannot be tried now, which says nothing about the machine.
pub(crate) fn find_out() -> Result<(), Failed> {
    let found = FOUND.get_or_init(host::probe);
    let Err(error) = found else { return Ok(()) };
    let error = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
    let error =
        anyhow::Error::new(error).context("cannot find out what this machine isolates a submission from");
    Err(Failed::harness(error))
}
/// Which barriers hold here.
pub(crate) fn found() -> &'static [(Barrier, bool)] {
    FOUND.get_or_init(host::probe).as_deref().unwrap_or_default()
}

/// The layers to grade with: all that this machine has, or those alone that a verdict rests on.
pub(crate) fn layers(no_sandbox: bool) -> Layers {
    if no_sandbox {
        return Layers::NO_SANDBOX;
    }
    let holds = |barrier| found().contains(&(barrier, true));
    Layers {
        files: holds(Barrier::Files),
        calls: holds(Barrier::Calls),
        ties: holds(Barrier::Outliving),
        ..Layers::ALL
    }
}

/// The barriers that do not stand while something is graded.
pub(crate) fn missing(no_sandbox: bool) -> Vec<Barrier> {
    let lifted =
        |barrier| no_sandbox && matches!(barrier, Barrier::Files | Barrier::Signals | Barrier::Calls);
    let missing = found().iter().filter(|(barrier, holds)| !holds || lifted(*barrier));
    missing.map(|(barrier, _)| *barrier).collect()
}

/// Whether this is CI: `CI` is set, and not to what means no.
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|ci| !["", "0", "false", "no", "off"].map(Into::into).contains(&ci))
}
/// Whether to refuse to grade without a sandbox: because it was said, or because this is CI.
pub(crate) fn is_strict(asked: bool) -> bool {
    asked || is_ci()
}

/// Refuses where strictness is due and files or system calls are open; else says on standard error what is.
pub(crate) fn demand(strict: bool, no_sandbox: bool) -> Result<(), Failed> {
    let missing = missing(no_sandbox);
    if missing.is_empty() {
        return Ok(());
    }
    let open = missing.iter().map(|barrier| name(*barrier)).collect::<Vec<_>>().join(", ");
    let strict = is_strict(strict);
    if strict && no_sandbox {
        return Err(Failed::usage(anyhow!(
            "--no-sandbox is for debugging your own code: do not combine it with --strict, which CI=true implies"
        )));
    }
    if strict && missing.iter().any(|barrier| matches!(barrier, Barrier::Files | Barrier::Calls)) {
        return Err(Failed {
            exit: Exit::HarnessFault,
            error: anyhow!(
                "refusing to grade: this machine does not isolate submissions from {open}, and --strict (or CI=true) \
                 requires that. `faultlines doctor` explains each layer"
            ),
        });
    }
    if !no_sandbox {
        anstream::eprintln!(
            "note: this machine does not isolate the submission from {open}. That is fine for your own code; `faultlines \
             doctor` says more"
        );
    }
    Ok(())
}

/// What a report calls a barrier.
pub(crate) fn name(barrier: Barrier) -> &'static str {
    match barrier {
        Barrier::Files => "files",
        Barrier::Signals => "signals",
        Barrier::Calls => "system calls",
        Barrier::Memory => "memory",
        Barrier::Outliving => "outliving",
        Barrier::Descriptors => "descriptors",
    }
}

/// What a barrier does where it holds; what it means where it does not.
fn about(barrier: Barrier) -> (&'static str, &'static str) {
    match barrier {
        Barrier::Files => (
            "only its own can be opened (Landlock)",
            "student code can read and write what you can, hidden tests included; Linux 5.13 or newer has Landlock",
        ),
        Barrier::Signals => (
            "none reaches a process outside (Landlock)",
            "kept in by the filter of system calls alone; Linux 6.12 or newer has both",
        ),
        Barrier::Calls => (
            "no sockets, processes, threads, shared memory (seccomp)",
            "student code can open sockets and start processes; a container may forbid seccomp, the kernel has it",
        ),
        Barrier::Memory => ("bounded (resource limits)", "student code can use up all the memory there is"),
        Barrier::Outliving => {
            ("no process outlives the harness", "a process of a submission may live on when you interrupt")
        }
        Barrier::Descriptors => (
            "none of the harness's is inherited",
            "files that your shell has left open can be read by student code",
        ),
    }
}

/// Prints the table; whether grading can go on here as it is asked for.
pub(crate) fn table() -> bool {
    for (barrier, holds) in found() {
        let (does, means) = about(*barrier);
        let (mark, text) = if *holds { (styled(GOOD, "✔"), does) } else { (styled(STRONG, "!"), means) };
        sayln!("{}", row(&mark, name(*barrier), text, width()));
    }
    let strict = host::is_strict(found());
    let (mark, text) = match (strict, is_strict(false)) {
        (true, _) => (styled(GOOD, "✔"), "the code of others can be graded"),
        (false, true) => (styled(BAD, "✘"), "CI is set: nothing will be graded (--strict)"),
        (false, false) => {
            (styled(STRONG, "!"), "grade your own code here, and that of others in a machine of its own")
        }
    };
    sayln!("{}", row(&mark, "sandbox", text, width()));
    strict || !is_strict(false)
}
