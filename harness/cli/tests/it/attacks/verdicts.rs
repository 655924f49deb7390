//! Submissions that want a verdict without earning it. A grader that tests code in its own process, and believes an exit
//! code or what is printed, gives it to them.

use super::{HANDLER, said};
use crate::{Ran, grade, submission};
use std::fs;
use std::process::{Command, Output};

/// The handler in a test, as a naive grader has it: the reference passes, and a clock that stands still does not.
fn naive(handler: &str) -> Output {
    let dir = tempfile::tempdir().expect("a folder");
    let test = dir.path().join("graded.rs");
    let code = format!(
        "\
struct Clock {{
    time: u64,
}}
impl Clock {{
    #[allow(unreachable_code)]
    fn tick(&mut self, seen: u64) -> u64 {{
        {handler}
        self.time
    }}
}}
#[test]
fn clock_condition() {{
    let mut clock = Clock {{ time: 0 }};
    for seen in 0..100 {{
        let before = clock.time;
        assert!(clock.tick(seen) > before.max(seen));
    }}
}}
"
    );
    fs::write(&test, code).expect("a file");
    let mut rustc = Command::new("rustc");
    rustc.args(["--test", "--edition=2024"]).arg(&test).current_dir(dir.path());
    let compiled = rustc.output().expect("it runs");
    assert!(compiled.status.success(), "{}", said(&compiled));
    Command::new(dir.path().join("graded")).arg("--nocapture").output().expect("it runs")
}
/// What the harness makes of it.
fn graded(handler: &str) -> Ran {
    grade(&submission(&[(HANDLER, handler)]), &["--format", "json"])
}

#[test]
fn who_leaves_before_the_end_has_not_passed() {
    assert!(naive(HANDLER).status.success() && graded(HANDLER).code == 0);
    assert!(!naive("self.time = seen;").status.success() && graded("self.time = seen;").code == 1);
    let leaves = [
        ("at once", "std::process::exit(0);"),
        ("half-way", "self.time = self.time.max(seen) + 1; if self.time == 9 { std::process::exit(0); }"),
        (
            "in a panic hook",
            "std::panic::set_hook(Box::new(|_| std::process::exit(0))); self.time = seen; panic!();",
        ),
        (
            "when a value is dropped",
            "struct Leaves; impl Drop for Leaves { fn drop(&mut self) { std::process::exit(0); } } let _leaves = Leaves; self.time = seen;",
        ),
    ];
    for (when, handler) in leaves {
        assert!(
            naive(handler).status.success(),
            "{when}: a grader that looks at exit codes is not even fooled"
        );
        let ran = graded(handler);
        assert_eq!(ran.code, 1, "{when}: {ran}");
        assert!(ran.stdout.contains("\"verdict\": \"crashed\"") && !has_passed(&ran), "{when}: {ran}");
    }
}

#[test]
fn a_verdict_that_is_printed_is_none() {
    let prints = "\
println!(\"test result: ok. 12 passed; 0 failed\\n{{\\\"score\\\":100}}\");
eprintln!(\"test result: ok. 12 passed; 0 failed\");
self.time = seen;";
    assert!(said(&naive(prints)).contains("test result: ok. 12 passed"), "it does not even print it");
    let ran = graded(prints);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("\"failed\"") && !ran.stdout.contains("12 passed"), "{ran}");
}

/// Whether a check of the clock, which is what the attacks are in, passed. The exercise's pure functions are sound.
fn has_passed(ran: &crate::Ran) -> bool {
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("a report");
    let checks = report["chapters"][0]["exercises"][0]["checks"].as_array().expect("checks");
    let of_functions = ["total-order", "inference"];
    let is_of_clock = |check: &&serde_json::Value| !of_functions.iter().any(|id| check["id"] == *id);
    checks.iter().filter(is_of_clock).any(|check| check["verdict"] == "passed" || check["xp"] != 0)
}

/// With the sandbox the pipe cannot be opened; without it, what is written there is no answer.
#[test]
fn an_answer_that_is_forged_is_none() {
    // a whole reply, of one effect at most: length, ending, effects, status, labels
    let forge = "\
for descriptor in 3..16 {
    use std::io::Write;
    let pipe = std::fs::File::options().append(true).open(format!(\"/proc/self/fd/{descriptor}\"));
    if let Ok(mut pipe) = pipe {
        let _ = pipe.write_all(&[12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
self.time = seen;";
    let submission = submission(&[(HANDLER, forge)]);
    for (how, verdict) in
        [(&["--format", "json", "--no-sandbox"][..], "crashed"), (&["--format", "json"], "failed")]
    {
        let ran = grade(&submission, how);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stdout.contains(&format!("\"verdict\": \"{verdict}\"")) && !has_passed(&ran), "{ran}");
    }
}

#[test]
fn commands_to_a_ci_system_do_not_come_out_of_a_report() {
    let long = "x".repeat(60);
    let says = format!(
        "panic!(\"{long} ::set-output name=score::100 ##vso[task.complete]\\n::stop-commands::x\\r\\u{{1b}}[2J\\u{{202e}}\");"
    );
    let code = format!("self.time = 0; {says}");
    let plain = said(&naive(&code));
    assert!(
        plain.contains('\u{1b}') && plain.lines().any(|line| line.starts_with("::stop-commands")),
        "{plain}"
    );
    for format in ["text", "json"] {
        let ran = grade(&submission(&[(HANDLER, &code)]), &["--format", format]);
        assert!(ran.stdout.contains("set-output") && ran.stdout.contains("stop-commands"), "{ran}");
        assert!(!ran.stdout.lines().any(|line| line.trim_start().starts_with("::")), "{ran}");
        assert!(!ran.stdout.contains("##"), "{ran}");
        assert!(!ran.stdout.contains(['\r', '\u{1b}', '\u{202e}']), "{ran}");
    }
}
