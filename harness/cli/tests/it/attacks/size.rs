//! Submissions that want to use up the harness: its memory, its time, the reader's patience. Each keeps every limit of a node.

use super::{HANDLER, said};
use crate::{cache, submission};
use std::os::unix::process::CommandExt;
use std::process::Command;
use tempfile::TempDir;

/// Address space of the harness, in bytes: what collects all that these submissions say takes several times that much.
const MEMORY: u64 = 3 << 30;

/// How a grade ends that has so much memory, and its report.
fn graded(submission: &TempDir, more: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faultlines"));
    command.args(["grade", "7/lamport", "--submission"]).arg(submission.path()).args(more);
    command.env("FAULTLINES_CACHE", cache()).env_remove("CI");
    let limit = libc::rlimit { rlim_cur: MEMORY, rlim_max: MEMORY };
    // SAFETY: one system call.
    unsafe {
        command.pre_exec(move || match libc::setrlimit(libc::RLIMIT_AS, &raw const limit) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
    let ran = command.output().expect("it runs");
    (ran.status.code().unwrap_or(-1), said(&ran))
}

#[test]
fn what_a_node_says_is_bounded_where_it_is_kept() {
    let wrong = ("Request::Local => out.emit(Event::Local { stamp }),", "Request::Local => {}");
    let timer = ("type Timer = Nothing;", "type Timer = Fat;");
    let begins = (
        "fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {",
        "fn on_timer(&mut self, _: Fat, out: &mut Out<Self>) { Fat::again(out); }
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        Fat::again(out);",
    );
    let declared = |debug: &str, again: &str| {
        format!(
            "#[derive(Serialize, Deserialize)]\npub struct Fat;\nimpl std::fmt::Debug for Fat {{\n    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{ {debug} }}\n}}\nimpl Fat {{\n    fn again(out: &mut Out<Clock>) {{ {again}; out.set_timer(Duration::from_micros(100), Fat); }}\n}}\n/// A node with a logical clock."
        )
    };
    let labels = declared("f.write_str(&\"x\".repeat(7 << 20))", "");
    let prints = declared("f.write_str(\"fat\")", "println!(\"{}\", \"y\".repeat(33_000))");
    let panics = declared("panic!(\"{self:p}\")", "");
    let loops = declared("loop { let _ = f.write_str(\"x\"); }", "");
    for (what, declared) in [
        ("labels", &labels),
        ("prints", &prints),
        ("a Debug that panics", &panics),
        ("a Debug that loops", &loops),
    ] {
        let submission = submission(&[wrong, timer, begins, ("/// A node with a logical clock.", declared)]);
        let (code, said) = graded(&submission, &["--worlds", "4", "--shrink", "0"]);
        assert!(code == 1 && said.len() < 40_000, "{what}: {code} {}", &said[..said.len().min(2_000)]);
        // what was found is what is told
        assert!(said.contains("clock-condition") && said.contains("failed   0/5 XP"), "{what}: {said}");
    }
}

#[test]
fn what_a_node_asks_for_is_counted_whatever_it_is_called() {
    let names = "let name: &'static str = Box::leak(format!(\"{}-{}\", self.time, \"x\".repeat(1 << 20)).into_boxed_str());
        out.save(Saved::<u8>::new(name), &1);
        self.time = self.time.max(seen) + 1;";
    let long = "let long: &'static str = Box::leak(\"all is well, 16 of 16 XP\\n\".repeat(200_000).into_boxed_str());
        if seen < u64::MAX { panic!(\"{long}\"); }
        self.time = 0;";
    for (what, handler, verdict) in
        [("names", names, "at most 255 bytes"), ("a long panic", long, "panicked")]
    {
        let submission = submission(&[(HANDLER, handler)]);
        let (code, said) = graded(&submission, &["--worlds", "4", "--shrink", "0"]);
        assert!(
            code == 1 && said.len() < 40_000 && said.contains(verdict),
            "{what}: {code} {}",
            &said[..said.len().min(2_000)]
        );
        // nothing of it looks like a line of the report
        assert!(!said.lines().any(|line| line.trim() == "all is well, 16 of 16 XP"), "{what}: {said}");
    }
}

/// Each event is well within its second, and each run within its events.
#[test]
fn a_check_has_a_budget_of_processor_time() {
    let busy = "let mut sum = 0_u64;
        for n in 0..40_000_000_u64 { sum = std::hint::black_box(sum.wrapping_add(n)); }
        self.time = self.time.max(seen) + 1 + sum % 1;";
    let submission = submission(&[(HANDLER, busy)]);
    let (code, said) = graded(&submission, &["--budget", "1"]);
    assert!(
        code == 1 && said.contains("timed out") && said.contains("more than 1 s of processor time"),
        "{code} {said}"
    );
    assert!(said.contains("clock-condition") && said.contains("3/3 XP"), "the others are judged: {said}");
}
