//! Attacks on a grade, from the submission's folder to the report; and what a machine that lacks a layer does.

mod machines;
mod memory;
mod size;
mod verdicts;

use crate::{cache, faultlines, grade, root, submission};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

const HANDLER: &str = "self.time = self.time.max(seen) + 1;";
const CANARY: &str = "canary-of-the-teacher";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
/// A command that grades a submission, from its folder.
fn grading(submission: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faultlines"));
    command.args(["grade", "7/lamport", "--submission"]).arg(submission);
    command.env("FAULTLINES_CACHE", cache()).env_remove("CI").env("TOKEN", CANARY);
    command.current_dir(submission.join("07-logical-clocks"));
    command
}

#[test]
fn a_toolchain_file_has_no_say() {
    let folder = submission(&[]);
    let chapter = folder.path().join("07-logical-clocks");
    let witness = folder.path().join("witness");
    fs::create_dir_all(folder.path().join("toolchain/bin")).expect("a folder");
    for program in ["cargo", "rustc"] {
        let path = folder.path().join("toolchain/bin").join(program);
        fs::write(&path, format!("#!/bin/sh\ntouch {}\n", witness.display())).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
    }
    let toolchain = folder.path().join("toolchain").display().to_string();
    fs::write(chapter.join("rust-toolchain.toml"), format!("[toolchain]\npath = \"{toolchain}\"\n"))
        .expect("a file");
    let naive =
        Command::new("cargo").arg("build").current_dir(&chapter).env_remove("RUSTUP_TOOLCHAIN").output();
    let naive = naive.expect("cargo is what runs this test");
    // without rustup, cargo does not heed it either
    let heeded = fs::remove_file(&witness).is_ok();
    assert!(heeded || Command::new("rustup").output().is_err(), "{}", said(&naive));
    let graded = grading(folder.path()).env_remove("RUSTUP_TOOLCHAIN").output().expect("it runs");
    assert!(graded.status.success(), "{}", said(&graded));
    assert!(!witness.exists());
}

#[test]
fn the_environment_of_the_harness_is_not_in_a_submission() {
    let leak = |expression: &str| {
        let code = format!("self.time = 0; panic!(\"it is {{:?}}\", {expression});");
        submission(&[(HANDLER, &code)])
    };
    let dir = tempfile::tempdir().expect("a folder");
    // the one compiles, and panics in the clock; the other does not compile
    for (expression, xp) in
        [("option_env!(\"TOKEN\")", "5/16 XP"), ("include_str!(\"/proc/self/environ\")", "0/16 XP")]
    {
        // a compiler that nobody jails puts it into the program
        let plain = dir.path().join("plain.rs");
        fs::write(&plain, format!("fn main() {{\n    print!(\"{{:?}}\", {expression});\n}}\n"))
            .expect("a file");
        let mut rustc = Command::new("rustc");
        rustc.arg(&plain).current_dir(dir.path()).env("TOKEN", CANARY);
        assert!(rustc.status().expect("it runs").success());
        let told = said(&Command::new(dir.path().join("plain")).output().expect("it runs"));
        assert!(told.contains(CANARY), "{expression}: {told}");

        let folder = leak(expression);
        let graded = said(&grading(folder.path()).output().expect("it runs"));
        assert!(graded.contains(xp) && !graded.contains(CANARY), "{expression}: {graded}");
    }
    let folder = leak("std::env::var(\"TOKEN\")");
    let graded = said(&grading(folder.path()).output().expect("it runs"));
    assert!(graded.contains("Err(NotPresent)"), "{graded}");
}

#[test]
fn what_the_sandbox_refuses_is_told_with_what_to_do() {
    let told = |code: &str| grade(&submission(&[(HANDLER, code)]), &[]).stdout;
    let help = "A node has no files,";
    for code in [
        "self.time = std::fs::read(\"/etc/hostname\").unwrap().len() as u64;",
        "self.time = u64::from(std::net::UdpSocket::bind(\"127.0.0.1:0\").unwrap().local_addr().unwrap().port());",
        "std::fs::write(\"/tmp/faultlines\", \"\").unwrap(); self.time = 0;",
        "let new = std::process::Command::new(\"true\").spawn(); self.time = u64::from(new.unwrap().id());",
    ] {
        let told = told(code);
        assert!(told.contains("crashed") && told.contains(help), "{code}: {told}");
    }
}

#[test]
fn reports_are_the_same_without_the_sandbox_but_for_saying_so() {
    let wrong = [("boot.disk.load(TIME).unwrap_or(0)", "{ let _ = boot; 0 }")];
    for edits in [&wrong[..], &[]] {
        let submission = submission(edits);
        let with = grade(&submission, &["--format", "json"]).stdout;
        let without = grade(&submission, &["--format", "json", "--no-sandbox"]).stdout;
        let said = ",\n  \"not_isolated\": [\n    \"files\",\n    \"signals\",\n    \"system calls\"\n  ]";
        assert_eq!(without.matches(said).count(), 1, "{without}");
        assert_eq!(without.replace(said, ""), with);
        let text = grade(&submission, &["--no-sandbox"]).stdout;
        assert!(
            text.contains("the submission was not isolated from files, signals, system calls."),
            "{text}"
        );
    }
    assert_eq!(faultlines(&["grade", "7/lamport", "--strict", "--no-sandbox"]).code, 2);
}

#[test]
fn the_gate_is_these_tests() {
    let dir = tempfile::tempdir().expect("a folder");
    let cargo = dir.path().join("cargo");
    for (exit, code, says) in [(0, 0, "the gate holds"), (101, 1, "an attack succeeds")] {
        fs::write(&cargo, format!("#!/bin/sh\necho \"$@\"\nexit {exit}\n")).expect("a script");
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("ours");
        let mut verify = Command::new(env!("CARGO_BIN_EXE_faultlines"));
        verify.args(["verify", "attacks"]).current_dir(root()).env("CARGO", &cargo);
        let ran = verify.output().expect("it runs");
        let said = said(&ran);
        assert_eq!(ran.status.code(), Some(code), "{said}");
        assert!(said.contains("--test it") && said.contains(" attacks:: ") && said.contains(says), "{said}");
    }
}
