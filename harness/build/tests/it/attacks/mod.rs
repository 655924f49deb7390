//! Attacks on whoever compiles a submission: each succeeds where cargo does it, as a naive grader would, and fails here.
//!
//! What counts is what can be seen from outside: a witness of code that ran, a secret in the program or in what the
//! compiler said, a compiler that is still at it. What a jailed compiler could do if code of a submission ran in it is
//! tried with the attacks upon the run.

mod bombs;
mod reading;
mod running;
#[path = "../../../../confine/tests/support/unprivileged.rs"]
mod unprivileged;

use crate::support::{ALPHA, LIB, skeleton, small_kit, targets};
use build::{Built, Error, Kit, Sources};
use confine::{Confinement, Layers};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const MANIFEST: &str =
    "[package]\nname = \"chapter\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
/// What is in the environment of whoever compiles.
const TOKEN: &str = "the-token-of-the-teacher";
/// What is known to be in a hidden file, once for each of them.
fn canary(nth: usize) -> String {
    format!("canary{nth}ofthehiddentests")
}

/// A submission, beside what it must not reach.
struct Scene {
    dir: TempDir,
}
impl Scene {
    /// With this code, in which `HIDDEN/n` is a hidden file and `WITNESS` one that nobody should make.
    fn new(beta: &str) -> Scene {
        let scene = Scene { dir: tempfile::tempdir().unwrap() };
        for nth in 0..8 {
            scene.write(&format!("hidden/{nth}"), &canary(nth));
        }
        // what lab looks like to cargo
        scene.write("submission/lab/src/lib.rs", "pub trait Node { fn name() -> String; }\n");
        scene.write("submission/lab/Cargo.toml", &member("lab"));
        scene.manifest("");
        scene.write("submission/src/lib.rs", LIB);
        scene.write("submission/src/alpha.rs", ALPHA);
        let main = "fn main() {\n    println!(\"{}\", chapter::beta::beta(1));\n}\n";
        scene.write("submission/src/main.rs", main);
        scene.write("submission/src/beta.rs", beta);
        scene
    }
    fn manifest(&self, more: &str) {
        let lab = "[dependencies]\nlab = { path = \"lab\" }\n";
        self.write("submission/Cargo.toml", &format!("{MANIFEST}{lab}{more}"));
    }
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let folder = self.dir.path().display().to_string();
        let text = text.replace("HIDDEN", &format!("{folder}/hidden"));
        fs::write(path, text.replace("WITNESS", &format!("{folder}/witness"))).unwrap();
    }
    fn script(&self, path: &str, text: &str) {
        self.write(path, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }
    /// Writes a configuration of cargo, in which `HERE` is the submission's folder.
    fn configure(&self, text: &str) {
        let here = self.path("submission").display().to_string();
        self.write("submission/.cargo/config.toml", &text.replace("HERE", &here));
    }
    fn has_witness(&self) -> bool {
        fs::remove_file(self.path("witness")).is_ok()
    }
    /// What cargo says, and the program that it builds, if it does.
    fn cargo(&self) -> (String, Vec<u8>) {
        self.cargo_with(&["build", "--offline"])
    }
    fn cargo_with(&self, arguments: &[&str]) -> (String, Vec<u8>) {
        let mut cargo = Command::new("cargo");
        cargo.args(arguments).current_dir(self.path("submission"));
        cargo.env("CARGO_TARGET_DIR", self.path("target")).env("CARGO_HOME", self.path("home"));
        cargo.env("CARGO_TERM_COLOR", "never").env("TOKEN", TOKEN);
        cargo.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTFLAGS");
        let said = cargo.output().unwrap();
        let program = fs::read(self.path("target/debug/chapter")).unwrap_or_default();
        (String::from_utf8_lossy(&said.stderr).into_owned(), program)
    }
    /// What rustc makes of `beta.rs` and says, where these layers are all there is: a library that has kept whatever
    /// was read for it.
    fn rustc(&self, layers: Layers) -> String {
        let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
        let sysroot = PathBuf::from(String::from_utf8(sysroot).unwrap().trim_end());
        let out = self.path("out");
        fs::create_dir_all(&out).unwrap();
        let mut rustc = Command::new(sysroot.join("bin/rustc"));
        rustc.args(["--edition=2024", "--crate-type=lib", "src/beta.rs", "-Ccodegen-units=1", "-Lnative=/"]);
        rustc.arg("--out-dir").arg(&out).current_dir(self.path("submission")).env("TOKEN", TOKEN);
        rustc.env("TMPDIR", &out);
        let reads = [sysroot, self.path("submission")];
        Confinement::compiler(&reads, &out, &[], layers).unwrap().apply(&mut rustc);
        let said = rustc.output().unwrap();
        let library = fs::read(out.join("libbeta.rlib")).unwrap_or_default();
        fs::remove_dir_all(out).unwrap();
        String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&library)
    }
    fn build(&self) -> Result<Built, Error> {
        self.build_with(small_kit())
    }
    fn build_with(&self, kit: &Kit) -> Result<Built, Error> {
        kit.build(&Sources::read(&self.path("submission"))?, &skeleton(), &targets(), &[])
    }
    /// All that a student gets to see of a build, and the program.
    fn told(&self) -> (String, Vec<u8>) {
        match self.build() {
            Ok(built) => {
                let said = built.broken.values().map(|said| said.text.clone()).collect();
                (said, fs::read(&built.binary).unwrap())
            }
            Err(error) => (error.to_string(), Vec::new()),
        }
    }
    /// Rustc on `beta.rs`, where nobody bounds it but this test: so much memory, and so much processor time.
    fn plain_rustc(&self, cpu: Duration) -> Command {
        const MEMORY: u64 = 1 << 30;
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition=2024", "--crate-type=lib", "src/beta.rs", "--emit=metadata"]).arg("--out-dir");
        rustc.arg(self.path("out")).current_dir(self.path("submission")).stdin(Stdio::null());
        let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
        // SAFETY: system calls alone.
        unsafe {
            rustc.pre_exec(move || {
                setrlimit(Resource::As, limit(MEMORY))?;
                Ok(setrlimit(Resource::Cpu, limit(cpu.as_secs()))?)
            });
        }
        rustc
    }
    /// How it ends there, and what it says. It rejects code with 1; all but 0 and 1 is that it was given too much.
    fn plainly(&self, cpu: Duration) -> (Option<i32>, String) {
        let ended = self.plain_rustc(cpu).output().unwrap();
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
    }
}

/// A manifest of a crate beside the submission's.
fn member(name: &str) -> String {
    MANIFEST.replace("chapter", name).replace("[workspace]\n", "")
}
fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn root_or_not_makes_no_difference() {
    let Some(nobody) = unprivileged::Nobody::new() else { return };
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
    let sysroot = PathBuf::from(String::from_utf8(sysroot).unwrap().trim_end());
    let programs = nobody.copy(&sysroot.join("bin"), "toolchain/bin");
    nobody.copy(&sysroot.join("lib"), "toolchain/lib");
    let cache = nobody.folder("cache");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display());
    nobody.runs("attacks::", "root_or_not", &path, &[("CACHE", cache)]);
}
