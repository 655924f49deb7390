//! Whose fault a failed build is: the evidence against the machine.
//!
//! A compiler that rejects code says where. Where it says no place, ends by a signal or never ends, the machine may have
//! failed: a full disk, a limit of the shell's, a linker that is gone. A submission is blamed only where the machine has
//! shown with the same compiler, jail and limits that it can build the chapter's skeleton.

use crate::error::{At, Error, fault};
use crate::outcome::{FILE_MAX, MEMORY_MAX, Odd};
use crate::toolchain::Toolchain;
use confine::{Resource, allowed};
use rustix::fs::StatVfsMountFlags;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

/// What a build may need beside what it has written, in bytes: less room than this on the disk is too little.
const ROOM: u64 = 16 << 20;
/// A compiler that was killed and held less than this was not killed for its code's sake, in bytes: a chapter takes
/// a quarter of it.
const HONEST_MEMORY: u64 = 1 << 30;

const MORE_MEMORY: &str =
    "end programs that you do not need, or give the machine or the container more memory, and grade again";

/// What builds on this machine.
#[derive(Clone, Copy)]
pub(crate) struct Builder<'a> {
    pub(crate) toolchain: &'a Toolchain,
    pub(crate) cache: &'a Path,
    /// The compiler may open its own files only.
    pub(crate) is_jailed: bool,
    /// How long one crate may take.
    pub(crate) compile_max: Duration,
}

/// What of this machine explains an odd end of the compiler in `dir`, if that can be seen at once.
pub(crate) fn cause(builder: Builder<'_>, dir: &Path, odd: &Odd) -> Option<Error> {
    let says = |words: &[&str]| words.iter().any(|words| odd.said.contains(words));
    let limit = |resource| allowed(resource).filter(|most| *most < u64::MAX);
    if says(&["No space left on device", "Disk quota exceeded"]) || !has_room(dir) {
        return Some(full(builder.cache));
    }
    let bytes = limit(Resource::FileSize).filter(|most| *most < FILE_MAX);
    if let Some(most) = bytes.filter(|_| odd.signal == Some(25) || says(&["File too large"])) {
        return Some(fault(
            format!("the compiler may not write files over {} kB here (`ulimit -f`)", most >> 10),
            "run `ulimit -f unlimited`, or ask who set the limit, and grade again",
        ));
    }
    let seconds = limit(Resource::CpuSeconds).filter(|most| *most < builder.compile_max.as_secs());
    if let Some(most) = seconds.filter(|_| matches!(odd.signal, Some(9 | 24))) {
        return Some(fault(
            format!("the compiler may not compute for more than {most} s here (`ulimit -t`)"),
            "run `ulimit -t unlimited`, or ask who set the limit, and grade again",
        ));
    }
    if odd.signal.is_some() || says(&["memory", "failed to map", "allocat"]) {
        let bounded = bounded_memory();
        if bounded.is_some() {
            return bounded;
        }
    }
    if says(&["Resource temporarily unavailable", "failed to spawn", "could not spawn", "WouldBlock"]) {
        return Some(fault(
            "the compiler could not start a thread or a process: you may have no more of them on this machine",
            "end programs that you do not need, or raise the limit (`ulimit -u`; in a container, its limit of processes)",
        ));
    }
    if says(&["Too many open files"]) {
        return Some(fault(
            "the compiler could not open another file: it may have no more of them open",
            "run `ulimit -n 1024` and grade again",
        ));
    }
    if says(&["Cannot allocate memory"]) {
        return Some(out_of_memory());
    }
    None
}

/// That the compiler may use less memory here than it takes for some code.
fn bounded_memory() -> Option<Error> {
    let limits = [Resource::Addresses, Resource::Data].into_iter().filter_map(allowed);
    let most = limits.min().filter(|most| *most < MEMORY_MAX)?;
    Some(fault(
        format!("the compiler may not use more than {} MB of memory here (`ulimit -v`)", most >> 20),
        "run `ulimit -v unlimited`, or ask who set the limit, and grade again",
    ))
}

/// That a compiler was killed, where its code is not the reason.
pub(crate) fn killed(odd: &Odd) -> Option<Error> {
    let signal = odd.signal.filter(|_| odd.was_killed() && odd.usage.memory < HONEST_MEMORY)?;
    Some(fault(
        format!(
            "rustc was killed twice (signal {signal}) while it held no more than {} MB: this machine ran out of memory, or \
             another program did it",
            odd.usage.memory >> 20
        ),
        MORE_MEMORY,
    ))
}
/// That a compiler was still there when its time was up, and had hardly computed.
pub(crate) fn starved(cpu: Duration, patience: Duration) -> Error {
    fault(
        format!(
            "rustc did not finish within {} s, but computed for only {} s of them: this machine was suspended, or it is \
             overloaded",
            patience.as_secs(),
            cpu.as_secs()
        ),
        "grade again when it is less busy",
    )
}
fn out_of_memory() -> Error {
    fault("this machine has no memory left for the compiler", MORE_MEMORY)
}
pub(crate) fn full(cache: &Path) -> Error {
    fault(
        format!("the disk that holds the cache {} is full", cache.display()),
        "free some space, or set FAULTLINES_CACHE to a folder on another disk",
    )
}

/// What the skeleton's failure says of this machine, where it fails as oddly as the submission did.
pub(crate) fn found_by_control(builder: Builder<'_>, dir: &Path, odd: &Odd) -> Error {
    if let Some(cause) = cause(builder, dir, odd) {
        return cause;
    }
    // a library that does not fit into memory is a crate that is not found
    if let Some(bounded) = bounded_memory() {
        return bounded;
    }
    if odd.is_linking {
        return linker(builder, &odd.said);
    }
    if odd.signal.is_some() && odd.said.contains("memory") {
        return out_of_memory();
    }
    if let Some(signal) = odd.signal.filter(|_| odd.was_killed()) {
        return fault(
            format!(
                "rustc was killed (signal {signal}), also on a program that is known to be sound: this machine ran out of \
                 memory, or another program did it"
            ),
            MORE_MEMORY,
        );
    }
    fault(
        format!(
            "rustc fails even on a program that is known to be sound ({}), so the cause is this machine and not your code",
            odd.how
        ),
        "`faultlines doctor` looks into it",
    )
}

/// Words of linkers, and what is missing.
const MISSING: &[(&[&str], &str, &str)] = &[
    (
        &[
            "crt1.o",
            "crti.o",
            "crtn.o",
            "crtbegin",
            "-lc ",
            "-lc:",
            "-lc\n",
            "-lm",
            "libc.so",
            "-ldl",
            "-lpthread",
        ],
        "the development files of the C library are missing",
        "install libc6-dev (on Debian and Ubuntu) or glibc-devel (on Fedora)",
    ),
    (&["libgcc", "-lgcc"], "the runtime library of gcc is missing", "install gcc or build-essential"),
    (
        &["cannot find 'ld'", "cannot find `ld'", "unable to find linker", "cannot execute 'ld"],
        "the program `ld` is missing",
        "install binutils or build-essential",
    ),
];

/// A linker that links nothing.
fn linker(builder: Builder<'_>, said: &str) -> Error {
    let program = builder.toolchain.linker.display();
    let found = MISSING.iter().find(|(words, ..)| words.iter().any(|words| said.contains(words)));
    if let Some((_, what, mend)) = found {
        return fault(format!("{program} cannot link: {what}"), *mend);
    }
    // The jail lets a linker run programs of the system's folders and of its own alone.
    if said.contains("Permission denied") && builder.is_jailed {
        return fault(
            format!(
                "{program} cannot link inside the compiler's sandbox ({}); a linker there may start only programs of the system \
                 and of its own folder",
                reason(said)
            ),
            "put a folder first in PATH whose `cc` is the compiler itself, not a script that starts another one",
        );
    }
    fault(
        format!("the C linker {program} is there, but does not link ({})", reason(said)),
        "reinstall gcc or build-essential, or put a folder with a working `cc` first in PATH",
    )
}
/// The line of a linker's words that says most.
fn reason(said: &str) -> String {
    let empty = [
        "linking with",
        "error: linking with",
        "error: could not compile",
        "warning: build failed",
        "some arguments are omitted",
        "collect2: error",
    ];
    let lines = said.lines().map(|line| line.trim().trim_start_matches("= note:").trim());
    let lines = lines.filter(|line| !line.is_empty() && !line.contains("\" \""));
    let told = lines.clone().rfind(|line| !empty.iter().any(|words| line.starts_with(words)));
    // `linking with `cc` failed: exit status: 1`
    let ended = || lines.clone().find_map(|line| line.split_once("linking with")?.1.split_once("failed: "));
    let line = told.or_else(|| ended().map(|(_, how)| how)).unwrap_or("it says nothing");
    let line: String = line.chars().take(200).collect();
    line.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
}

/// Whether as much can be written in `dir` as a build may need: asked by trying, for quotas do not show.
pub(crate) fn has_room(dir: &Path) -> bool {
    let most = allowed(Resource::FileSize).unwrap_or(u64::MAX).min(ROOM);
    let write = || -> io::Result<()> {
        let mut file: File = tempfile::tempfile_in(dir)?;
        let zeros = [0; 64 << 10];
        for _ in 0..most / zeros.len() as u64 {
            file.write_all(&zeros)?;
        }
        Ok(())
    };
    let is_full =
        |error: io::Error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    !write().is_err_and(is_full)
}

/// Makes sure that a folder of the cache is there, and that nobody but its user and root can write to it: what lies in it
/// is run.
pub(crate) fn private_folder(folder: &Path) -> Result<(), Error> {
    const OTHERS_WRITE: u32 = 0o022;
    DirBuilder::new().recursive(true).mode(0o700).create(folder).at("cannot create", folder)?;
    let found = folder.metadata().at("cannot read", folder)?;
    let me = rustix::process::geteuid().as_raw();
    let mut mode = found.mode();
    if mode & OTHERS_WRITE != 0 && found.uid() == me {
        let closed = Permissions::from_mode(mode & 0o7777 & !OTHERS_WRITE);
        std::fs::set_permissions(folder, closed).at("cannot close to others", folder)?;
        mode &= !OTHERS_WRITE;
    }
    // a folder of root's that everybody writes to is no place for programs either
    if (found.uid() == me || found.uid() == 0) && mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    Err(fault(
        format!("the cache {} belongs to another user, or others can write to it", folder.display()),
        "set FAULTLINES_CACHE to a folder of your own: the programs in it are run",
    ))
}

/// Whether programs and libraries in this folder can be run.
pub(crate) fn demand_that_runs(cache: &Path) -> Result<(), Error> {
    let flags = rustix::fs::statvfs(cache).map(|of| of.f_flag);
    if flags.is_ok_and(|flags| flags.contains(StatVfsMountFlags::NOEXEC)) {
        return Err(fault(
            format!("the cache {} lies on a disk that runs no programs (mounted noexec)", cache.display()),
            "set FAULTLINES_CACHE to a folder on a disk that does",
        ));
    }
    Ok(())
}

/// Cargo and rustc put the names of folders into lists that `:` separates, and into text.
pub(crate) fn demand_a_plain_name(cache: &Path) -> Result<(), Error> {
    let wrong = match cache.to_str() {
        None => "has a name that is not UTF-8",
        Some(name) if name.contains(':') => "has a `:` in its name, which the compiler cannot handle",
        Some(_) => return Ok(()),
    };
    Err(fault(
        format!("the cache {} {wrong}", cache.display()),
        "set FAULTLINES_CACHE to a folder with a plain name",
    ))
}
