//! End to end: the binary, as its users run it, and the gates of the course.

mod attacks;
mod circles;
mod daily;
mod dev;
mod errors;
mod gates;
mod grading;
mod guests;
mod learner;
mod leftovers;
mod machines;
mod replay_test;
mod stories;
mod transports;
mod watch;

use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The root of the checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("a checkout")
}
/// The cache that all tests share: the kit is compiled once.
fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("faultlines-cache")
}

/// What a run of the binary printed, and how it ended.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}
impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.stdout)?;
        if !self.stderr.is_empty() {
            write!(f, "--- standard error\n{}", self.stderr)?;
        }
        write!(f, "--- exit code {}", self.code)
    }
}

/// Runs the binary in the root of the checkout.
fn faultlines(args: &[&str]) -> Ran {
    faultlines_in(&root(), args)
}
fn faultlines_in(dir: &Path, args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_faultlines"))
        .args(args)
        .current_dir(dir)
        .env("FAULTLINES_CACHE", cache())
        .env_remove("FAULTLINES_SEED_KEY")
        .env_remove("CI")
        .output()
        .expect("the binary was built for this test");
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).replace(&*root().to_string_lossy(), "[root]");
        // preparing the kit is said to whoever comes first
        let kept = text.lines().filter(|line| !line.contains("compiler kit"));
        kept.map(|line| format!("{}\n", line.trim_end())).collect::<String>()
    };
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// A submission of chapter 7: the reference with edits to `src/lamport.rs`, each of which must fit once.
fn submission(edits: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let source = dir.path().join("07-logical-clocks/src");
    std::fs::create_dir_all(&source).expect("a folder");
    let reference = root().join("solutions/07-logical-clocks/src");
    for file in std::fs::read_dir(&reference).expect("the reference").map(|file| file.expect("a file")) {
        let mut text = std::fs::read_to_string(file.path()).expect("a source file");
        if file.file_name() == "lamport.rs" {
            for (find, replace) in edits {
                assert_eq!(text.matches(find).count(), 1, "`{find}` stands once in the reference");
                text = text.replace(find, replace);
            }
        }
        std::fs::write(source.join(file.file_name()), text).expect("written");
    }
    dir
}
/// Grades lamport of a submission.
fn grade(submission: &TempDir, more: &[&str]) -> Ran {
    let folder = submission.path().to_string_lossy().into_owned();
    let mut ran = faultlines(&[&["grade", "7/lamport", "--submission", &folder], more].concat());
    ran.stderr = ran.stderr.replace(&folder, "[submission]");
    ran
}
