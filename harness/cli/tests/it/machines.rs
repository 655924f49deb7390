//! Machines as they are: limits, full disks, linkers that are gone, files that cannot be written. Each test makes the
//! condition; where this machine does not let it, the test says so and skips.

use crate::{Ran, cache, root, submission};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// What a setup ends with that cannot be made here.
const CANNOT: i32 = 99;

/// A submission that no cache has: something must be compiled.
fn edited() -> TempDir {
    static NTH: AtomicU32 = AtomicU32::new(0);
    let nth = NTH.fetch_add(1, Ordering::Relaxed);
    let line = "self.time = self.time.max(seen) + 1;";
    submission(&[(line, &format!("{line} // {} {nth}", std::process::id()))])
}

/// Runs `faultlines` with these arguments after a line of shell, in that shell's limits and mounts; `$1` there is a new
/// folder. Skips, with a word, what this machine does not allow.
#[expect(clippy::print_stderr, reason = "the word about what was skipped")]
fn after(setup: &str, args: &[&str], variables: &[(&str, &str)]) -> Option<Ran> {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    // the kit is there, or a machine that cannot build it is all that is seen
    crate::grade(&submission(&[]), &[]);
    let script = format!("{setup}\nshift\nexec {} \"$@\"", env!("CARGO_BIN_EXE_faultlines"));
    let output = Command::new("sh")
        .args(["-c", &script, "sh"])
        .arg(scratch.path())
        .args(args)
        .current_dir(root())
        .env("FAULTLINES_CACHE", cache())
        .env_remove("FAULTLINES_SEED_KEY")
        .env_remove("CI")
        .env_remove("RUST_BACKTRACE")
        .envs(variables.iter().copied())
        .output()
        .expect("a shell");
    let code = output.status.code().unwrap_or(-1);
    if code == CANNOT {
        eprintln!("skipped: this machine does not let `{setup}` be done");
        return None;
    }
    let text = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes)
            .replace(&*scratch.path().to_string_lossy(), "[scratch]")
            .replace(&*cache().to_string_lossy(), "[cache]")
            .replace(&*root().to_string_lossy(), "[root]")
    };
    Some(Ran { code, stdout: text(&output.stdout), stderr: text(&output.stderr) })
}
/// Grades lamport of an edited submission after that setup.
fn graded_after(setup: &str, variables: &[(&str, &str)]) -> Option<Ran> {
    let submission = edited();
    let folder = submission.path().to_string_lossy().into_owned();
    after(setup, &["grade", "7/lamport", "--submission", &folder], variables)
}
/// The machine's fault is told as that, in these words.
fn blames_the_machine(ran: Option<Ran>, words: &[&str]) {
    let Some(ran) = ran else { return };
    assert_eq!(ran.code, 4, "{ran}");
    for words in words {
        assert!(ran.stderr.contains(words), "no word of `{words}`: {ran}");
    }
    assert!(!ran.stderr.contains("undo the last change") && !ran.stderr.contains("panicked"), "{ran}");
}

#[test]
fn limits_of_a_shell_are_no_fault_of_the_code() {
    blames_the_machine(graded_after("ulimit -f 100", &[]), &["ulimit -f"]);
    // by the time it is read, the compiler itself may not fit
    blames_the_machine(graded_after("ulimit -v 400000", &[]), &["ulimit -v unlimited"]);
    blames_the_machine(graded_after("ulimit -n 12", &[]), &["ulimit -n 1024"]);
    blames_the_machine(graded_after("ulimit -n 6", &[]), &["ulimit -n 1024"]);
}

#[test]
fn a_linker_that_is_broken_or_lacks_its_parts_is_no_fault_of_the_code() {
    let linker = |script: &str| {
        format!(
            "mkdir \"$1/bin\"; printf '#!/bin/sh\\n{script}\\n' > \"$1/bin/cc\"; chmod +x \"$1/bin/cc\"; PATH=\"$1/bin:$PATH\""
        )
    };
    let broken = graded_after(&linker("echo no license >&2; exit 1"), &[]);
    blames_the_machine(broken, &["[scratch]/bin/cc", "no license", "reinstall gcc"]);
    blames_the_machine(graded_after(&linker("kill -9 $$"), &[]), &["[scratch]/bin/cc"]);
    let overlay = "command -v unshare > /dev/null && unshare -m true 2> /dev/null || exit 99
        exec unshare -m sh -c '
            folder=$(dirname \"$(realpath \"$(cc -print-file-name=Scrt1.o)\")\")
            mount -t tmpfs tmpfs \"$1\" && mkdir \"$1/up\" \"$1/work\" && mknod \"$1/up/Scrt1.o\" c 0 0 || exit 99
            mount -t overlay overlay -o \"lowerdir=$folder,upperdir=$1/up,workdir=$1/work\" \"$folder\" 2> /dev/null || exit 99
            shift
            exec \"$FAULTLINES\" \"$@\"' sh \"$@\"";
    let gone = graded_after(overlay, &[PROGRAM]);
    blames_the_machine(gone, &["C library are missing", "libc6-dev"]);
}

/// Runs the rest in a mount namespace, with a file system of this size and these options on `$1`.
fn on_a_disk(options: &str, then: &str) -> String {
    format!(
        "command -v unshare > /dev/null && unshare -m true 2> /dev/null || exit 99
        exec unshare -m sh -c 'mount -t tmpfs -o {options} tmpfs \"$1\" || exit 99
            {then}
            FAULTLINES_CACHE=\"$1\"; export FAULTLINES_CACHE; shift; exec \"$FAULTLINES\" \"$@\"' sh \"$@\""
    )
}
const PROGRAM: (&str, &str) = ("FAULTLINES", env!("CARGO_BIN_EXE_faultlines"));

#[test]
fn a_disk_that_runs_no_programs_is_named() {
    let ran = graded_after(&on_a_disk("noexec,size=64m,mode=700", ""), &[PROGRAM]);
    blames_the_machine(ran, &["noexec", "FAULTLINES_CACHE"]);
}

#[test]
fn a_full_disk_is_no_fault_of_the_code_however_much_is_left() {
    for left in [60, 700, 1300] {
        let fill = format!(
            "cp -r \"$FAULTLINES_CACHE/kits\" \"$1\" || exit 99; free=$(df -k --output=avail \"$1\" | tail -1)
            head -c $(((free - {left}) * 1024)) /dev/zero > \"$1/fill\" || exit 99"
        );
        let ran = graded_after(&on_a_disk("size=96m,mode=700", &fill), &[PROGRAM]);
        let Some(ran) = ran else { return };
        assert!(ran.code == 0 || ran.stderr.contains("free some space"), "{left} kB: {ran}");
        assert!(matches!(ran.code, 0 | 4), "{left} kB: {ran}");
    }
}

#[test]
fn a_compiler_that_the_system_kills_or_starves_is_no_fault_of_the_code() {
    // groups of the first version and of the second
    let group = |controller: &str, file: &str, limit: u64| {
        format!(
            "name=faultlines-test-$$; for base in /sys/fs/cgroup/{controller} /sys/fs/cgroup; do
                mkdir \"$base/$name\" 2> /dev/null || continue
                for file in {file}; do
                    if echo {limit} 2> /dev/null > \"$base/$name/$file\"; then
                        echo $$ > \"$base/$name/cgroup.procs\" && made=1
                    fi
                done
                test \"$made\" && break
            done 2> /dev/null
            test \"$made\" || exit 99"
        )
    };
    let starved = graded_after(&group("memory", "memory.limit_in_bytes memory.max", 40 << 20), &[]);
    // the grade itself may be what the system takes
    blames_the_machine(starved.filter(|ran| !matches!(ran.code, -1 | 137)), &["memory"]);
    let few = graded_after(&group("pids", "pids.max", 14), &[]);
    blames_the_machine(few, &["limit of processes"]);
}

#[test]
fn a_report_that_nobody_takes_is_an_error_and_no_panic() {
    for args in [&["list"][..], &["grade", "7/lamport", "--submission", "solutions"]] {
        let Some(ran) = after("exec > /dev/full", args, &[]) else { return };
        let said = "cannot write to standard output: No space left on device";
        assert!(ran.code == 4 && ran.stderr.contains(said) && !ran.stderr.contains("panicked"), "{ran}");
    }
}

#[test]
fn a_report_goes_where_it_should_or_says_so_at_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let grade = |output: &str| {
        ["grade", "7/lamport", "--submission", "solutions", "--output", output].map(str::to_owned)
    };
    let run = |setup: &str, args: &[String]| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        after(setup, &args, &[]).expect("nothing special")
    };
    let ran = run("", &grade(&path("none/report")));
    assert!(ran.code == 2 && ran.stderr.contains("cannot write the report"), "{ran}");
    // what an earlier grade wrote does not stand for this one
    let report = path("report.json");
    fs::write(&report, "passed").expect("written");
    let ran = run(
        "PATH=/nowhere; unset RUSTC",
        &[&grade(&report)[..], &["--format".into(), "json".into()]].concat(),
    );
    assert_eq!(ran.code, 4, "{ran}");
    let written = fs::read_to_string(&report).expect("a report");
    assert!(written.contains("\"fault\": \"no Rust toolchain found"), "{written}");
    // and where it cannot be written after all, it is told
    let ran = run("", &grade("/dev/full"));
    assert!(ran.code == 4 && ran.stdout.contains("16 of 16 XP"), "{ran}");
}

#[test]
fn a_chapter_that_cannot_be_graded_is_a_part_of_the_report() {
    let submission = submission(&[]);
    let folder = submission.path().to_string_lossy().into_owned();
    let mut ran = crate::faultlines(&["grade", "7/lamport", "8/idempotency", "--submission", &folder]);
    ran.stdout = ran.stdout.replace(&folder, "[submission]");
    assert!(ran.code == 2 && ran.stdout.contains("not graded"), "{ran}");
    assert!(ran.stdout.contains("16/16 XP"), "{ran}");
    fs::remove_file(submission.path().join("07-logical-clocks/src/lib.rs")).expect("removed");
    let ran = crate::grade(&submission, &[]);
    assert!(ran.code == 3 && ran.stderr.contains("src/lib.rs is missing; `faultlines reset 7`"), "{ran}");
}

#[test]
fn a_file_of_another_exercise_does_not_matter() {
    let submission = submission(&[]);
    let src = submission.path().join("07-logical-clocks/src");
    fs::write(src.join("vector.rs"), b"// \xe9").expect("written");
    std::os::unix::fs::symlink("me@host.1:2", src.join(".#lamport.rs")).expect("a link");
    let ran = crate::grade(&submission, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let folder = submission.path().to_string_lossy().into_owned();
    let ran = crate::faultlines(&["grade", "7/lamport", "7/vector", "--submission", &folder]);
    assert!(ran.code == 3 && ran.stdout.contains("src/vector.rs is not UTF-8 in line 1"), "{ran}");
    assert!(ran.stdout.contains("16/16 XP"), "{ran}");
}

#[test]
fn a_chapter_behind_a_link_is_not_somebody_elses() {
    let (theirs, mine) = (submission(&[]), tempfile::tempdir().expect("a folder"));
    std::os::unix::fs::symlink(
        theirs.path().join("07-logical-clocks"),
        mine.path().join("07-logical-clocks"),
    )
    .expect("a link");
    let ran = crate::grade(&mine, &[]);
    assert!(ran.code == 3 && ran.stderr.contains("is a symbolic link"), "{ran}");
}

#[test]
fn a_cache_that_others_can_write_to_is_not_used() {
    let setup =
        "mkdir \"$1/cache\" && chmod 777 \"$1/cache\" && chown 65534 \"$1/cache\" 2> /dev/null || exit 99
        FAULTLINES_CACHE=\"$1/cache\"; export FAULTLINES_CACHE";
    blames_the_machine(graded_after(setup, &[]), &["belongs to another user"]);
    let colon = "FAULTLINES_CACHE=\"$1/a:b\"; export FAULTLINES_CACHE";
    blames_the_machine(graded_after(colon, &[]), &["has a `:` in its name"]);
}

#[test]
fn an_empty_key_is_no_secret() {
    let ran = after("", &["grade", "7/lamport", "--submission", "solutions"], &[("FAULTLINES_SEED_KEY", "")]);
    let ran = ran.expect("nothing special");
    assert!(ran.code == 2 && ran.stderr.contains("everybody would know its seeds"), "{ran}");
}

#[test]
fn a_loop_is_cut_off_where_proc_is_that_of_another_namespace() {
    let spins = submission(&[(
        "self.time = self.time.max(seen) + 1;",
        "self.time += 1; while self.time > 0 { self.time = 8; }",
    )]);
    let folder = spins.path().to_string_lossy().into_owned();
    let setup = "command -v unshare > /dev/null && unshare -p --fork true 2> /dev/null || exit 99
        shift; exec unshare -p --fork \"$FAULTLINES\" \"$@\"";
    let Some(ran) = after(setup, &["grade", "7/lamport", "--submission", &folder], &[PROGRAM]) else {
        return;
    };
    assert!(ran.code == 1 && ran.stdout.contains("timed out"), "{ran}");
}

/// Runs git in a folder; whether it could.
fn git(dir: &Path, args: &[&str]) -> bool {
    let mut git = Command::new("git");
    git.current_dir(dir).args(["-c", "user.name=x", "-c", "user.email=x@localhost"]).args(args);
    git.output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_workspace_survives_git() {
    let dir = tempfile::tempdir().expect("a folder");
    let original = dir.path().join("original");
    fs::create_dir(&original).expect("a folder");
    if !git(&original, &["init", "-q"]) {
        eprintln!("skipped: there is no git here");
        return;
    }
    fs::write(original.join("README.md"), "my course").expect("written");
    let ran = crate::faultlines_in(&original, &["init", "."]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(git(&original, &["add", "-A"]) && git(&original, &["commit", "-qm", "begin"]));
    assert!(git(dir.path(), &["clone", "-q", "original", "clone"]));
    let clone = dir.path().join("clone");
    let mut ran = crate::faultlines_in(&clone, &["next"]);
    assert!(ran.stderr.contains("faultlines update"), "{ran}");
    ran = crate::faultlines_in(&clone, &["update"]);
    assert!(ran.code == 0 && ran.stdout.contains(".faultlines/kit is back"), "{ran}");
    let cargo = |args: &[&str]| {
        let ran =
            Command::new("cargo").args(args).current_dir(&clone).output().expect("cargo runs this test");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    cargo(&["metadata", "--offline", "--format-version", "1"]);
    let ran = crate::faultlines_in(&clone, &["update"]);
    assert!(ran.code == 0 && ran.stdout.contains("Nothing is missing here."), "{ran}");
}
