//! Whatever ends the harness, nothing that it started lives on.

use crate::{cache, root, submission};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing here takes that long.
const PATIENCE: Duration = Duration::from_secs(600);

/// A process, told from a later one of the same number by when it began.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Process {
    pid: i32,
    began: u64,
    parent: i32,
    name: String,
}
impl Process {
    /// All that run, the dead that nobody has waited for aside.
    fn all() -> Vec<Process> {
        let numbered = fs::read_dir("/proc").expect("Linux").flatten();
        let pids = numbered.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(Process::read).collect()
    }
    fn read(pid: i32) -> Option<Process> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        let mut fields = rest.split_whitespace();
        let is_dead = matches!(fields.next()?, "Z" | "X");
        let parent = fields.next()?.parse().ok()?;
        let began = fields.nth(17)?.parse().ok()?;
        (!is_dead).then(|| Process { pid, began, parent, name: name.to_owned() })
    }
    fn lives(&self) -> bool {
        Process::read(self.pid).is_some_and(|now| now.began == self.began)
    }
    /// What a process has started, and what that has.
    fn descendants(of: i32) -> BTreeSet<Process> {
        let all = Process::all();
        let mut family: BTreeSet<Process> = BTreeSet::new();
        loop {
            let born = |process: &&Process| {
                process.parent == of || family.iter().any(|one| one.pid == process.parent)
            };
            let now: BTreeSet<Process> = all.iter().filter(born).cloned().collect();
            if now == family {
                return family;
            }
            family = now;
        }
    }
}

/// A submission that never comes back from an event: its guests would not notice that their pipe is closed.
fn spinning() -> TempDir {
    submission(&[(
        "self.time = self.time.max(seen) + 1;",
        "while self.time < u64::MAX { std::hint::spin_loop(); }",
    )])
}
fn grading(submission: &TempDir) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faultlines"));
    command.args(["grade", "7/lamport", "--submission"]).arg(submission.path());
    command.env("FAULTLINES_CACHE", cache()).env_remove("CI").current_dir(root());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the binary was built for this test")
}
/// Sends a signal to a grade as soon as it has a descendant of this name; how the grade ended, and who is left of them all.
fn left_by(signal: i32, submission: &TempDir, name: &str) -> (ExitStatus, BTreeSet<Process>) {
    crate::grade(&crate::submission(&[]), &[]); // the kit is there from now on
    let mut harness = grading(submission);
    let pid = i32::try_from(harness.id()).expect("a pid");
    let begun = Instant::now();
    let family = loop {
        let family = Process::descendants(pid);
        if family.iter().any(|process| process.name == name) {
            break family;
        }
        let ended = harness.try_wait().expect("a child").is_some();
        assert!(!ended && begun.elapsed() < PATIENCE, "it never started a {name}");
    };
    // SAFETY: a signal to a child that has not been waited for.
    unsafe { libc::kill(pid, signal) };
    let status = harness.wait().expect("a child");
    let begun = Instant::now();
    let left = || -> BTreeSet<Process> { family.iter().filter(|process| process.lives()).cloned().collect() };
    while !left().is_empty() && begun.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    let left = left();
    for process in &left {
        // SAFETY: it is a descendant of our child, told from a later process by when it began.
        unsafe { libc::kill(process.pid, libc::SIGKILL) };
    }
    (status, left)
}

#[test]
fn guests_end_with_the_harness_however_it_ends() {
    let submission = spinning();
    for signal in [libc::SIGKILL, libc::SIGTERM, libc::SIGINT] {
        let (status, left) = left_by(signal, &submission, "lane");
        assert!(left.is_empty(), "{left:?} outlive a harness that got signal {signal}");
        if signal == libc::SIGINT {
            assert_eq!(status.code(), Some(130), "what a shell says of ctrl-c");
        } else {
            assert_eq!(status.signal(), Some(signal));
        }
    }
}

#[test]
fn compilers_end_with_the_harness_however_it_ends() {
    for signal in [libc::SIGKILL, libc::SIGINT] {
        // a text that no cache has
        let again = format!("self.time = self.time.max(seen) + 1; // {} {signal}", std::process::id());
        let submission = submission(&[("self.time = self.time.max(seen) + 1;", &again)]);
        let (_, left) = left_by(signal, &submission, "rustc");
        assert!(left.is_empty(), "{left:?} outlive a harness that got signal {signal}");
    }
}
