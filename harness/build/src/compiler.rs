//! Running rustc on student code: which flags, which folder, what it said.

use crate::diagnostics::Message;
use crate::error::{At, Error};
use crate::kit::Kit;
use crate::limits;
use crate::machine;
use crate::outcome::{FILE_MAX, MEMORY_MAX, Odd, Otherwise, Outcome, Report};
use confine::{Confinement, Limit, Resource};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How student code is compiled. `-F` makes unsafe code an error that no attribute lifts; capping lints would
/// void it. One codegen unit takes the least work, and the linker has the least to do.
pub(crate) const FLAGS: &[&str] = &[
    "--edition=2024",
    "--error-format=json",
    "-Copt-level=1",
    "-Cdebuginfo=0",
    "-Ccodegen-units=1",
    "-Coverflow-checks=on",
    "-Cdebug-assertions=on",
    "-Cpanic=unwind",
    "-Cembed-bitcode=no",
    "-Cstrip=debuginfo",
    "-Csymbol-mangling-version=v0",
    "-Funsafe_code",
];

/// It may take so many times its processor time before it is given up.
const PATIENCE: u32 = 10;
/// What is kept of what an odd end was accompanied by, in bytes.
const SAID_MAX: usize = 16 << 10;

/// Compiles `dir/src/lib.rs` to `dir/lib{name}.rlib`; `dir/{name}.d` lists the files it read.
pub(crate) fn library(kit: &Kit, dir: &Path, name: &str) -> Result<Outcome, Error> {
    let mut rustc = rustc(kit, dir, name);
    rustc.args(["--crate-type=lib", "src/lib.rs"]);
    rustc.arg(format!("--emit=link=lib{name}.rlib,dep-info={name}.d"));
    link(&mut rustc, "lab", &kit.libraries.join(&kit.crates.lab));
    link(&mut rustc, "serde", &kit.libraries.join(&kit.crates.serde));
    run(kit, dir, rustc)
}

/// Compiles and links `dir/main.rs` to `dir/lane`, with these crates beside `lab` and `guest`.
pub(crate) fn main(kit: &Kit, dir: &Path, crates: &[(&str, PathBuf)]) -> Result<Outcome, Error> {
    let mut rustc = rustc(kit, dir, "lane");
    rustc.args(["--crate-type=bin", "main.rs", "--emit=link=lane"]);
    rustc.arg(format!("-Clinker={}", kit.toolchain.linker.display()));
    link(&mut rustc, "lab", &kit.libraries.join(&kit.crates.lab));
    link(&mut rustc, "guest", &kit.libraries.join(&kit.crates.guest));
    for (name, rlib) in crates {
        link(&mut rustc, name, rlib);
    }
    run(kit, dir, rustc)
}

fn rustc(kit: &Kit, dir: &Path, name: &str) -> Command {
    let mut rustc = limits::clean(&kit.toolchain.rustc, dir, &kit.toolchain.path);
    rustc.args(["--crate-name", name]).args(FLAGS);
    if !kit.optimised {
        rustc.arg("-Copt-level=0"); // the last one counts
    }
    rustc.arg(format!("--remap-path-prefix={}=", dir.display()));
    rustc.arg("-L").arg(format!("dependency={}", kit.libraries.display()));
    rustc
}

fn link(rustc: &mut Command, name: &str, rlib: &Path) {
    rustc.arg("--extern").arg(format!("{name}={}", rlib.display()));
}

/// What the compiler and the linker may read, beside the system's libraries: themselves, the kit, and the folders of
/// this build. They write to `dir` alone.
fn jail(kit: &Kit, dir: &Path) -> Result<Confinement, Error> {
    let mut reads = kit.toolchain.folders();
    reads.push(kit.libraries.clone());
    reads.extend(dir.parent().map(Path::to_owned));
    let cpu = kit.compile_max.max(Duration::from_secs(1)).as_secs() + 1;
    let limits: [Limit; 4] = [
        (Resource::Addresses, MEMORY_MAX),
        (Resource::FileSize, FILE_MAX),
        (Resource::CpuSeconds, cpu),
        (Resource::Core, 0),
    ];
    Confinement::compiler(&reads, dir, &limits, kit.layers).at("cannot jail the compiler to", dir)
}

fn run(kit: &Kit, dir: &Path, mut rustc: Command) -> Result<Outcome, Error> {
    let jail = jail(kit, dir)?;
    // Processor time decides, which a busy machine does not stretch; what only waits is cut off some day.
    let patience = kit.compile_max * PATIENCE;
    let ended = limits::run(&mut rustc, &jail, patience).at("cannot run", &kit.toolchain.rustc)?;
    let Some(status) = ended.status else {
        return Err(match ended.usage.cpu < kit.compile_max / 2 {
            true => machine::starved(ended.usage.cpu, patience),
            false => Error::CompilerTooSlow { limit_s: kit.compile_max.as_secs() },
        });
    };
    let (mut messages, mut noise) = (Vec::new(), String::new());
    for line in ended.stderr.lines() {
        match serde_json::from_str::<Message>(line) {
            Ok(message) => messages.push(message),
            Err(_) if noise.len() < SAID_MAX => noise = noise + line + "\n",
            Err(_) => {}
        }
    }
    messages.retain(|message| !message.message.starts_with("aborting due to"));
    let crates = [&kit.crates.lab, &kit.crates.guest, &kit.crates.serde];
    if !status.success() && crates.iter().any(|name| !kit.libraries.join(name).is_file()) {
        let path = kit.libraries.parent().unwrap_or(&kit.libraries).to_owned();
        return Err(Error::Damaged { what: "a kit has lost its crates".to_owned(), path });
    }
    let report = Report { succeeded: status.success(), messages };
    if report.succeeded {
        return Ok(Outcome::Said(report));
    }
    // It rejects code with 1 and errors, each of which has a place. All else may be the machine's doing.
    let placeless: Vec<&Message> = report.errors().filter(|error| error.may_be_the_machines()).collect();
    let rejects = status.code() == Some(1) && report.errors().next().is_some();
    if rejects && placeless.is_empty() {
        return Ok(Outcome::Said(report));
    }
    let is_linking = placeless.iter().any(|error| error.message.starts_with("linking with"));
    for error in &placeless {
        error.all_words(&mut noise);
    }
    let how = match (status.code(), status.signal()) {
        (Some(1), _) if rejects => placeless.first().map_or_else(String::new, |error| error.message.clone()),
        _ if noise.contains("memory allocation") => "out of memory".to_owned(),
        (_, Some(11)) => "its stack overflowed".to_owned(),
        (_, Some(25)) => "its output grew too large".to_owned(),
        (_, Some(signal)) => format!("signal {signal}"),
        (code, None) => format!("exit code {}", code.unwrap_or(-1)),
    };
    let otherwise = match status.signal() {
        _ if rejects => Otherwise::Report(report),
        // what the limit of processor time sends
        Some(24) => Otherwise::Error(Error::CompilerTooSlow { limit_s: kit.compile_max.as_secs() }),
        _ => Otherwise::Error(Error::CompilerCrashed { how: how.clone() }),
    };
    let (signal, usage) = (status.signal(), ended.usage);
    Ok(Outcome::Odd(Odd { signal, how, said: noise, is_linking, usage, otherwise }))
}
