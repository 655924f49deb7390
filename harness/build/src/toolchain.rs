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
        let cargo = cargo.or_else(|| search("cargo")).ok_or_else(|| Error::NoToolchain {
            reason: format!("{} has a rustc, but no cargo", sysroot.display()),
        })?;
        let linker =
            search("cc").or_else(|| search("gcc")).or_else(|| search("clang")).ok_or(Error::NoLinker)?;
        let beside = linker.parent().unwrap_or(Path::new("/usr/bin")).display().to_string();
        let path = format!("{beside}:/usr/local/bin:/usr/bin:/bin");
        Ok(Toolchain { rustc, cargo, linker, path, version })
    }
}

fn ask(rustc: &OsString, question: &[&str]) -> Result<String, Error> {
    let none = |reason: String| Error::NoToolchain { reason };
    let name = Path::new(rustc).display().to_string();
    let output = Command::new(rustc)
        .args(question)
        .current_dir("/")
        .output()
        .map_err(|error| none(format!("`{name}`: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let first = said.lines().next().unwrap_or("it said nothing").to_owned();
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
