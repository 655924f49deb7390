//! Where and when a submission is graded does not show in its report.

use std::path::Path;
use std::process::Command;

#[test]
fn the_report_is_the_same_from_another_folder_and_time_zone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let grade = |from: &Path, zone: &str, batch: &str| {
        let mut grade = Command::new(env!("CARGO_BIN_EXE_faultlines"));
        grade.args(["grade", "7/lamport", "--format", "json", "--worlds", "4", "--batch", batch]);
        grade.arg("--submission").arg(root.join("solutions")).current_dir(from).env("TZ", zone);
        let graded = grade.output().expect("it runs");
        assert!(!graded.stdout.is_empty(), "{}", String::from_utf8_lossy(&graded.stderr));
        (graded.status.code(), String::from_utf8_lossy(&graded.stdout).into_owned())
    };
    let here = grade(&root, "UTC", "64");
    assert_eq!(grade(elsewhere.path(), "Pacific/Chatham", "64"), here);
    assert_eq!(grade(elsewhere.path(), "America/St_Johns", "1"), here);
}
