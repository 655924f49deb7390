//! Finding the compiler: by absolute path, past rustup's proxies.

use crate::error::Error;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Rust toolchain and a linker, by absolute path.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    pub(crate) rustc: PathBuf,
    pub(crate) cargo: PathBuf,
    pub(crate) linker: PathBuf,
    /// `PATH` for the linker, which looks for its own parts.
    pub(crate) path: String,
    /// What `rustc -vV` says: version, commit, host.
    pub(crate) version: String,
}
impl Toolchain {
    /// The folders that hold its programs and libraries, and the linker's.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let real = self.linker.canonicalize().unwrap_or_else(|_| self.linker.clone());
        let mut folders = Vec::new();
        for program in [&self.rustc, &self.linker, &real] {
            let Some(programs) = program.parent() else { continue };
            folders.push(programs.to_owned());
            // a system's own compiler has the root for a home, or `/usr`
            let home = programs.parent().into_iter();
            folders.extend(
                home.flat_map(|home| ["lib", "lib64", "libexec"].map(|libraries| home.join(libraries))),
            );
        }
        folders.sort();
        folders.dedup();
        folders
    }
    /// The toolchain that `$RUSTC`, else `rustc` on the `PATH`, belongs to.
    ///
    /// It is asked in the root folder: a toolchain file in a submission's folder has no say.
    pub(crate) fn find() -> Result<Toolchain, Error> {
        let asked = env::var_os("RUSTC").filter(|name| !name.is_empty()).unwrap_or_else(|| "rustc".into());
        let sysroot = PathBuf::from(ask(&asked, &["--print", "sysroot"])?);
        let rustc = sysroot.join("bin/rustc");
        let version = ask(&rustc.clone().into_os_string(), &["-vV"])?;
        let cargo = Some(sysroot.join("bin/cargo")).filter(|path| path.is_file());
        let cargo = cargo
            .or_else(|| search("cargo"))
            .ok_or_else(|| none(format!("{} has a rustc, but no cargo", sysroot.display())))?;
        demand_new_enough(&version)?;
        let linker =
            search("cc").or_else(|| search("gcc")).or_else(|| search("clang")).ok_or(Error::NoLinker)?;
        let beside = linker.parent().unwrap_or(Path::new("/usr/bin")).display().to_string();
        let path = format!("{beside}:/usr/local/bin:/usr/bin:/bin");
        Ok(Toolchain { rustc, cargo, linker, path, version })
    }
}

/// That no toolchain can be used, and what to do about it.
fn none(reason: String) -> Error {
    let is_set = env::var_os("RUSTC").is_some_and(|rustc| !rustc.is_empty());
    let mend = match is_set {
        true => "RUSTC is set to it: set it to a rustc that works, or unset it to use the one on the PATH",
        false => "install one with rustup, or set RUSTC to a rustc",
    };
    Error::NoToolchain { reason, mend }
}

/// The kit says itself which version it needs, in a wall of words and after half a minute.
fn demand_new_enough(version: &str) -> Result<(), Error> {
    let numbers = |text: &str| {
        let mut numbers = text.split(['.', '-']).map(|number| number.parse::<u32>().ok());
        Some((numbers.next()??, numbers.next()??))
    };
    let found = version.split_whitespace().nth(1).unwrap_or_default();
    let needed = env!("CARGO_PKG_RUST_VERSION");
    if numbers(found).zip(numbers(needed)).is_some_and(|(found, needed)| found < needed) {
        return Err(crate::error::fault(
            format!("this is rustc {found}, and submissions are compiled with rustc {needed} or newer"),
            "run `rustup update`, or set RUSTC to a newer rustc",
        ));
    }
    Ok(())
}

fn ask(rustc: &OsString, question: &[&str]) -> Result<String, Error> {
    let name = Path::new(rustc).display().to_string();
    let output = Command::new(rustc)
        .args(question)
        .current_dir("/")
        .output()
        .map_err(|error| none(format!("`{name}`: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().next().unwrap_or("it says nothing").to_owned();
        return Err(none(format!("`{name} {}`: {first}", question.join(" "))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn search(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(program))
        .find(|at| at.is_file())
}
