//! Machines that lack a layer, or fail: what `doctor` says of them, and that none of them gives a grade away.

#[path = "../../../../confine/tests/support/kernel.rs"]
mod kernel;

use super::{HANDLER, said};
use crate::{cache, root, submission};
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The binary, to be run where the kernel answers these calls so.
fn lacking(calls: &[i64], errno: i32, arguments: &[&str]) -> Command {
    let program = kernel::that_fails(calls, errno);
    let mut command = Command::new(env!("CARGO_BIN_EXE_faultlines"));
    command.args(arguments).current_dir(root()).env("FAULTLINES_CACHE", cache()).env_remove("CI");
    // SAFETY: system calls alone.
    unsafe {
        command.pre_exec(move || {
            seccompiler::apply_filter(&program).map_err(|_| std::io::ErrorKind::Other.into())
        });
    }
    command
}
/// How it ends, and what it says.
fn ends(mut command: Command) -> (i32, String) {
    let output = command.output().expect("it runs");
    (output.status.code().unwrap_or(-1), said(&output))
}

#[test]
fn a_machine_that_lacks_a_layer_says_so_and_refuses_to_grade_strictly() {
    let landlock =
        [libc::SYS_landlock_create_ruleset, libc::SYS_landlock_add_rule, libc::SYS_landlock_restrict_self];
    let seccomp = [libc::SYS_seccomp];
    let grade = ["grade", "7/lamport", "--submission", "solutions"];
    let strict = ["grade", "7/lamport", "--submission", "solutions", "--strict"];
    let cases: [(&[i64], i32, &str); 2] =
        [(&landlock, libc::ENOSYS, "files, signals"), (&seccomp, libc::EPERM, "system calls")];
    for (calls, errno, open) in cases {
        let (code, said) = ends(lacking(calls, errno, &grade));
        assert_eq!(code, 0, "{said}");
        assert!(
            said.contains(&format!("note: this machine does not isolate the submission from {open}.")),
            "{said}"
        );
        assert!(said.contains(&format!("the submission was not isolated from {open}.")), "{said}");
        for (arguments, ci) in [(&strict[..], false), (&grade[..], true)] {
            let mut command = lacking(calls, errno, arguments);
            if ci {
                command.env("CI", "true");
            }
            let (code, said) = ends(command);
            assert_eq!(code, 4, "{said}");
            assert!(
                said.contains("refusing to grade") && said.contains(open) && !said.contains("XP"),
                "{said}"
            );
        }
    }
    let (code, said) = ends(lacking(&[], 0, &strict));
    assert_eq!(code, 0, "{said}");
}

#[test]
fn what_doctor_says_of_a_machine_that_lacks_a_layer() {
    /// The call is answered with success, and nothing is done.
    const LIES: i32 = 0;
    let landlock: &[i64] = &[libc::SYS_landlock_create_ruleset];
    let seccomp: &[i64] = &[libc::SYS_seccomp];
    let limits: &[i64] = &[libc::SYS_prlimit64, libc::SYS_setrlimit];
    let cases: [(&str, &[i64], i32, bool); 8] = [
        ("that is whole", &[], 0, true),
        ("without files and signals", landlock, libc::ENOSYS, false),
        ("without files and signals", landlock, libc::ENOSYS, true),
        ("without system calls", seccomp, libc::EPERM, false),
        ("without system calls", seccomp, libc::EPERM, true),
        ("without memory", limits, libc::EPERM, false),
        ("without outliving", &[libc::SYS_prctl], LIES, false),
        ("without descriptors", &[libc::SYS_close_range], LIES, false),
    ];
    let mut text = String::new();
    for (name, calls, errno, ci) in cases {
        let mut doctor = lacking(calls, errno, &["doctor"]);
        if ci {
            doctor.env("CI", "true");
        }
        let (code, said) = ends(doctor);
        // what comes before is about this machine
        let table: Vec<&str> = said
            .lines()
            .skip_while(|line| !line.contains(" files "))
            .filter(|line| !line.starts_with("Waiting for"))
            .collect();
        let when = if ci { ", in CI" } else { "" };
        text += &format!("a machine {name}{when}: exit code {code}\n{}\n\n", table.join("\n"));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_machine_that_fails_gives_no_grade() {
    // not compiled yet, so that there is something to write
    let fresh = format!("// {:?}\n{HANDLER}", std::time::SystemTime::now());
    let submission = submission(&[(HANDLER, &fresh)]);
    let folder = submission.path().display().to_string();
    let grade = ["grade", "7/lamport", "--submission", &folder];
    let renaming: &[i64] = &[libc::SYS_rename, libc::SYS_renameat, libc::SYS_renameat2];
    let cases: [(&str, &[i64], i32); 3] = [
        ("which cannot write a file as a whole", renaming, libc::ENOSPC),
        ("which starts no processes", &[libc::SYS_clone], libc::EAGAIN),
        (
            "which does not say when there is something to read",
            &[libc::SYS_poll, libc::SYS_ppoll],
            libc::ENOMEM,
        ),
    ];
    for (what, calls, errno) in cases {
        let (code, said) = ends(lacking(calls, errno, &grade));
        assert_eq!(code, 4, "a machine {what}: {said}");
        assert!(said.contains("error: ") && !said.contains("XP"), "a machine {what}: {said}");
    }
    let mut full = lacking(&[], 0, &grade);
    full.stdout(File::create("/dev/full").expect("Linux has it"));
    let (code, said) = ends(full);
    assert_eq!(code, 4, "nobody has seen the report: {said}");
    let mut nowhere = lacking(&[], 0, &grade);
    nowhere.env("FAULTLINES_CACHE", "/dev/null/cache");
    let (code, said) = ends(nowhere);
    assert_eq!(code, 4, "there is no cache: {said}");
    let (code, said) = ends(lacking(&[], 0, &grade));
    assert_eq!(code, 0, "it was not the submission: {said}");
}
