//! Attacks on whoever compiles a submission: each succeeds where cargo does it, as a naive grader would, and fails here.
//!
//! What counts is what can be seen from outside: a witness of code that ran, a secret in the program or in what the
//! compiler said, a compiler that is still at it.

use crate::support::{ALPHA, LIB, skeleton, small_kit, targets};
use build::{Built, Error, Kit, Sources};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const MANIFEST: &str =
    "[package]\nname = \"chapter\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
const HONEST: &str = "pub fn beta(x: u32) -> u32 {\n    x + 41\n}\n";
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
        scene.write(
            "submission/lab/Cargo.toml",
            &MANIFEST.replace("chapter", "lab").replace("[workspace]\n", ""),
        );
        scene.manifest("");
        scene.write("submission/src/lib.rs", LIB);
        scene.write("submission/src/alpha.rs", ALPHA);
        scene.write(
            "submission/src/main.rs",
            "fn main() {\n    println!(\"{}\", chapter::beta::beta(1));\n}\n",
        );
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
        fs::write(
            path,
            text.replace("HIDDEN", &format!("{folder}/hidden"))
                .replace("WITNESS", &format!("{folder}/witness")),
        )
        .unwrap();
    }
    fn script(&self, path: &str, text: &str) {
        self.write(path, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }
    fn has_witness(&self) -> bool {
        fs::remove_file(self.path("witness")).is_ok()
    }
    /// What cargo says, and the program that it builds, if it does.
    fn cargo(&self) -> (String, Vec<u8>) {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--offline"]).current_dir(self.path("submission"));
        cargo.env("CARGO_TARGET_DIR", self.path("target")).env("CARGO_HOME", self.path("home"));
        cargo.env("CARGO_TERM_COLOR", "never").env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTFLAGS");
        let said = cargo.output().unwrap();
        let program = fs::read(self.path("target/debug/chapter")).unwrap_or_default();
        (String::from_utf8_lossy(&said.stderr).into_owned(), program)
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
    /// Whether the compiler is still at it after a while, or has run into the bounds that are set here. Nothing of it is
    /// left after that.
    fn keeps_rustc_busy(&self) -> bool {
        const WHILE: Duration = Duration::from_secs(2);
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition=2024", "--crate-type=lib", "src/beta.rs", "--emit=metadata"]).arg("--out-dir");
        rustc.arg(self.path("out")).current_dir(self.path("submission")).process_group(0);
        rustc.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let bound = rustix::process::Rlimit { current: Some(3 << 30), maximum: Some(3 << 30) };
        // SAFETY: one system call.
        unsafe {
            rustc.pre_exec(move || Ok(rustix::process::setrlimit(rustix::process::Resource::As, bound)?));
        }
        let mut child = rustc.spawn().unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if begun.elapsed() > WHILE {
                break None;
            }
            thread::yield_now();
        };
        let group = rustix::process::Pid::from_child(&child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        child.wait().unwrap();
        // it rejects code with 1
        status.is_none_or(|status| !matches!(status.code(), Some(0 | 1)))
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

type Prepare = fn(&Scene);

#[test]
fn what_runs_under_cargo_does_not_run_here() {
    let attacks: [(&str, Prepare); 5] = [
        ("a build script", |scene| {
            scene.write(
                "submission/build.rs",
                "fn main() {\n    std::fs::write(\"WITNESS\", \"\").unwrap();\n}\n",
            );
        }),
        ("a macro crate", |scene| {
            let manifest =
                MANIFEST.replace("chapter", "evil").replace("[workspace]\n", "[lib]\nproc-macro = true\n");
            scene.write("submission/evil/Cargo.toml", &manifest);
            let code = "\
#[proc_macro]
pub fn run(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    std::fs::write(\"WITNESS\", \"\").unwrap();
    proc_macro::TokenStream::new()
}
";
            scene.write("submission/evil/src/lib.rs", code);
            scene.manifest("evil = { path = \"evil\" }\n");
            scene.write("submission/src/beta.rs", &format!("evil::run!();\n{HONEST}"));
        }),
        ("a wrapper of the compiler", |scene| {
            scene.script("submission/wrapper", "touch WITNESS; exec \"$@\"");
            let path = scene.path("submission/wrapper").display().to_string();
            scene.write("submission/.cargo/config.toml", &format!("[build]\nrustc-wrapper = \"{path}\"\n"));
        }),
        ("a linker of its own", |scene| {
            scene.script("submission/linker", "touch WITNESS; exec cc \"$@\"");
            let path = scene.path("submission/linker").display().to_string();
            let flags = format!("rustflags = [\"-Clinker={path}\"]");
            scene.write("submission/.cargo/config.toml", &format!("[build]\n{flags}\n"));
        }),
        ("an environment of its own", |scene| {
            scene.script("submission/wrapper", "touch WITNESS; exec \"$@\"");
            let path = scene.path("submission/wrapper").display().to_string();
            scene.write(
                "submission/.cargo/config.toml",
                &format!("[env]\nX = \"1\"\n[build]\nrustc-workspace-wrapper = \"{path}\"\n"),
            );
        }),
    ];
    for (name, prepare) in attacks {
        let scene = Scene::new(HONEST);
        prepare(&scene);
        let (said, _) = scene.cargo();
        assert!(scene.has_witness(), "{name} does not even run under cargo: {said}");
        let _ = scene.build();
        assert!(!scene.has_witness(), "{name} runs");
    }
}

#[test]
fn no_spelling_of_include_reads_a_hidden_file() {
    let spellings = "\
use core::include_str as read;
const A: &str = include_str!(\"HIDDEN/0\");
const B: &[u8] = include_bytes!(\"HIDDEN/1\");
const C: &str = include_str!(concat!(\"HIDDEN\", \"/\", \"2\"));
const D: &str = read!(\"HIDDEN/3\");
const E: &str = r#include_str!(\"HIDDEN/4\");
const F: &str = include_str!(\"../../hidden/5\");
const G: &str = std::include_str!(\"HIDDEN/../hidden/6\");
pub fn beta(x: u32) -> u32 {
    println!(\"{A}{B:?}{C}{D}{E}{F}{G}\");
    std::hint::black_box((A, B, C, D, E, F, G));
    x
}
";
    let scene = Scene::new(spellings);
    let (said, program) = scene.cargo();
    let unread: Vec<usize> = (0..7).filter(|nth| !holds(&program, &canary(*nth))).collect();
    assert!(unread.is_empty(), "cargo does not read {unread:?}: {said}");
    let built = scene.build().unwrap();
    assert_eq!(built.broken["beta"].errors, 7, "{}", built.broken["beta"]);
    let (said, program) = scene.told();
    assert!((0..8).all(|nth| !holds(&program, &canary(nth)) && !said.contains(&canary(nth))), "{said}");
    assert!(said.ends_with(
        "The compiler may read nothing but `src/**/*.rs`, which is what you hand in: put what you need there"
    ));
}

#[test]
fn what_the_compiler_says_shows_no_hidden_line() {
    for code in ["#[path = \"HIDDEN/0\"]\nmod hidden;\n", "include!(\"HIDDEN/0\");\n"] {
        let scene = Scene::new(&format!("{code}{HONEST}"));
        assert!(scene.cargo().0.contains(&canary(0)), "cargo does not show it: {code}");
        let (said, program) = scene.told();
        assert!(
            said.contains("couldn't read") && !said.contains(&canary(0)) && !holds(&program, &canary(0)),
            "{said}"
        );
    }
}

#[test]
fn the_assembler_reads_no_hidden_file() {
    let code = "core::arch::global_asm!(\".section .rodata\", \".globl stolen\", \"stolen:\", \".incbin \\\"HIDDEN/0\\\"\");\n";
    let scene = Scene::new(&format!("{code}{HONEST}"));
    let (said, _) = scene.cargo();
    let library = fs::read(scene.path("target/debug/libchapter.rlib")).unwrap_or_default();
    assert!(holds(&library, &canary(0)), "cargo does not read it: {said}");
    let (said, program) = scene.told();
    assert!(!holds(&program, &canary(0)) && !said.contains(&canary(0)), "{said}");
    // and not only because its use is refused
    assert!(said.contains("unsafe"), "{said}");
}

#[test]
fn lints_cannot_be_capped_and_are_not_what_holds() {
    let code = "pub fn beta(x: u32) -> u32 {\n    unsafe { std::mem::transmute::<u32, u32>(x) }\n}\n";
    let scene = Scene::new(code);
    scene.manifest("[lints.rust]\nunsafe_code = \"forbid\"\n");
    assert!(scene.cargo().0.contains("usage of an `unsafe` block"));
    scene.write("submission/.cargo/config.toml", "[build]\nrustflags = [\"--cap-lints=allow\"]\n");
    assert!(!scene.cargo().1.is_empty(), "capping lints lets it through");
    assert!(scene.build().unwrap().broken["beta"].text.contains("unsafe"));
    // what no lint finds is compiled, here as there: the process that runs it is what holds
    let unsound = "\
fn stretch<'a, 'b, T: ?Sized>(_: &'a &'b (), it: &'b T) -> &'a T {
    it
}
fn forever<'a, T: ?Sized>(it: &'a T) -> &'static T {
    let stretch: for<'x> fn(_, &'x T) -> &'static T = stretch;
    stretch(&&(), it)
}
pub fn beta(x: u32) -> u32 {
    let dangling = forever(&*Box::new(x));
    u32::from(dangling == dangling) + x
}
";
    let scene = Scene::new(unsound);
    assert!(!scene.cargo().1.is_empty());
    assert!(scene.build().unwrap().broken.is_empty());
}

#[test]
fn what_keeps_a_compiler_busy_is_cut_off() {
    let bombs = [
        (
            "a constant",
            "#![allow(long_running_const_eval)]\npub const BUSY: u32 = { loop {} };\npub fn beta(_: u32) -> u32 {\n    BUSY\n}\n",
        ),
        (
            "a macro",
            "macro_rules! grow {\n    ($($t:tt)*) => { grow!($($t)* x) };\n}\ngrow!();\npub fn beta(x: u32) -> u32 {\n    x\n}\n",
        ),
    ];
    for (name, code) in bombs {
        let scene = Scene::new(code);
        let limitless = "#![recursion_limit = \"100000000\"]\n";
        scene
            .write("submission/src/lib.rs", &format!("{limitless}#![allow(long_running_const_eval)]\n{LIB}"));
        let plain = code.trim_start_matches("#![allow(long_running_const_eval)]\n");
        scene.write(
            "submission/src/beta.rs",
            &format!("{limitless}#![allow(long_running_const_eval)]\n{code}"),
        );
        assert!(scene.keeps_rustc_busy(), "{name} does not even keep a compiler busy that nobody bounds");
        scene.write("submission/src/beta.rs", plain);
        let begun = Instant::now();
        let built = scene.build_with(&small_kit().clone().with_compile_max(Duration::from_secs(2)));
        assert!(begun.elapsed() < Duration::from_secs(20), "{name}");
        let error = built.expect_err(name);
        assert!(error.is_submission_fault(), "{name}: {error}");
        let left = processes_of_builds_that_are_over();
        assert!(left.is_empty(), "{name} leaves {left:?}");
    }
}

/// Where processes are that compile in a folder that is gone.
fn processes_of_builds_that_are_over() -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let ours = crate::support::kept_cache().join("lanes");
    let folders = processes.filter_map(|process| fs::read_link(process.path().join("cwd")).ok());
    folders
        .filter(|folder| folder.starts_with(&ours) && folder.to_string_lossy().ends_with("(deleted)"))
        .collect()
}

#[test]
fn too_much_memory_is_the_submission_s_fault() {
    let scene = Scene::new(
        "pub static HUGE: [u8; 1 << 34] = [7; 1 << 34];\npub fn beta(x: u32) -> u32 {\n    x + u32::from(HUGE[0])\n}\n",
    );
    match scene.build() {
        Err(error) => assert!(error.is_submission_fault(), "{error}"),
        Ok(built) => assert!(built.broken.contains_key("beta")),
    }
}
