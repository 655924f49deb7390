//! Reports, read as prose.

use crate::{faultlines, faultlines_in, grade, root, submission};
use std::collections::BTreeSet;

#[test]
fn the_reference_scores_in_full() {
    let ran = faultlines(&["grade", "7/lamport", "--submission", "solutions"]);
    insta::assert_snapshot!(ran);
}

#[test]
fn the_skeleton_says_not_started_and_how_to_begin() {
    insta::assert_snapshot!(faultlines(&["grade", "7/lamport"]));
}

#[test]
fn a_clock_that_forgets_the_increment_is_told_what_it_did() {
    let wrong = [(
        "self.time = self.time.max(seen) + 1;",
        "self.time = if seen > self.time { seen } else { self.time + 1 };",
    )];
    insta::assert_snapshot!(grade(&submission(&wrong), &[]));
}

#[test]
fn a_clock_that_forgets_in_a_crash_is_told_what_it_did() {
    let wrong = [("boot.disk.load(TIME).unwrap_or(0)", "{ let _ = boot; 0 }")];
    insta::assert_snapshot!(grade(&submission(&wrong), &[]));
}

#[test]
fn a_clock_that_sends_before_it_syncs_is_told_what_it_did() {
    let wrong = [
        (
            "let stamp = self.tick(0, out);",
            "if let Request::Send { to } = request { out.send(to, Message { stamp: self.time + 1 }); }\n\
             let stamp = self.tick(0, out);",
        ),
        ("                out.send(to, Message { stamp });\n", ""),
    ];
    insta::assert_snapshot!(grade(&submission(&wrong), &[]));
}

#[test]
fn an_order_without_a_tie_break_and_a_bold_inference_are_told_what_they_did() {
    let wrong = [
        ("(a.stamp, a.node).cmp(&(b.stamp, b.node))", "a.stamp.cmp(&b.stamp)"),
        ("Inference::Possible", "Inference::Certain"),
    ];
    insta::assert_snapshot!(grade(&submission(&wrong), &[]));
}

#[test]
fn the_json_report_is_documented_field_by_field() {
    let wrong = [("boot.disk.load(TIME).unwrap_or(0)", "{ let _ = boot; 0 }")];
    let report = grade(&submission(&wrong), &["--format", "json"]);
    // the table of README.md names every field, and no other
    let readme = std::fs::read_to_string(root().join("README.md")).expect("a README");
    let (_, table) = readme.split_once("| field | holds |").expect("the table of the JSON report");
    let table = table.split("\n\n").next().unwrap_or_default();
    let named: BTreeSet<&str> = table.split('`').skip(1).step_by(2).collect();
    let json: serde_json::Value = serde_json::from_str(&report.stdout).expect("a report");
    let mut fields = BTreeSet::new();
    collect_fields(&json, &mut fields);
    let undocumented: Vec<&String> = fields.iter().filter(|field| !named.contains(field.as_str())).collect();
    assert!(undocumented.is_empty(), "README.md does not name {undocumented:?}");
    insta::assert_snapshot!(report);
}
/// Names of fields as the table writes them: those of a list of objects as `name[]`.
fn collect_fields(json: &serde_json::Value, fields: &mut BTreeSet<String>) {
    match json {
        serde_json::Value::Object(object) => {
            for (name, value) in object {
                let of_objects =
                    value.as_array().is_some_and(|list| list.iter().any(|item| item.is_object()));
                fields.insert(if of_objects { format!("{name}[]") } else { name.clone() });
                collect_fields(value, fields);
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|item| collect_fields(item, fields)),
        _ => {}
    }
}

#[test]
fn a_report_is_the_same_to_the_byte_however_worlds_are_batched_and_wherever_it_is_run() {
    let wrong = [("boot.disk.load(TIME).unwrap_or(0)", "{ let _ = boot; 0 }")];
    let submission = submission(&wrong);
    let report = |more: &[&str]| grade(&submission, &[&["--format", "json"], more].concat()).stdout;
    let expected = report(&[]);
    assert!(expected.contains("\"failed\""));
    for more in [
        ["--batch", "1", "--workers", "1"],
        ["--batch", "64", "--workers", "2"],
        ["--batch", "1024", "--workers", "1"],
    ] {
        assert_eq!(report(&more), expected, "{more:?}");
    }
    let folder = submission.path().to_string_lossy().into_owned();
    let elsewhere = faultlines_in(
        &std::env::temp_dir(),
        &["grade", "7/lamport", "--submission", &folder, "--format", "json"],
    );
    assert_eq!(elsewhere.stdout, expected);
}

#[test]
fn a_secret_key_gives_other_worlds_and_its_report_does_not_show_it() {
    let wrong = [("boot.disk.load(TIME).unwrap_or(0)", "{ let _ = boot; 0 }")];
    let submission = submission(&wrong);
    let public = grade(&submission, &["--format", "json"]).stdout;
    let secret = grade(&submission, &["--format", "json", "--seed-key", "hunter2"]).stdout;
    assert_ne!(public, secret);
    assert!(!secret.contains("hunter2"));
}

#[test]
fn a_report_can_go_to_a_file() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("report.json");
    let file = file.to_string_lossy();
    let args = ["grade", "7/lamport", "--submission", "solutions", "--format", "json", "--output", &*file];
    let ran = faultlines(&args);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    let report = std::fs::read_to_string(&*file).expect("the report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["schema"], 1);
    assert_eq!(report["xp"], report["max_xp"]);
}

#[test]
fn pages() {
    insta::assert_snapshot!("list", faultlines(&["list"]));
    insta::assert_snapshot!("hint", faultlines(&["hint", "7/lamport"]));
    insta::assert_snapshot!("hint_too_far", faultlines(&["hint", "7/lamport", "--level", "9"]));
    insta::assert_snapshot!("help_grade", faultlines(&["grade", "--help"]));
    assert!(root().join("exercises").is_dir());
}
