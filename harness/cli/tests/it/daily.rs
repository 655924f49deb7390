//! The loop that a student lives in: init, edit, grade, next.

use crate::{Ran, faultlines, faultlines_in, root};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub(crate) struct Student {
    dir: TempDir,
}
impl Student {
    /// A workspace, just made.
    pub(crate) fn new() -> Student {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let ran = faultlines_in(dir.path(), &["init", "course"]);
        assert_eq!(ran.code, 0, "{ran}");
        Student { dir }
    }
    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join("course")
    }
    pub(crate) fn says(&self, args: &[&str]) -> Ran {
        let mut ran = faultlines_in(&self.folder(), args);
        // a temporary folder may be reached by two names
        for folder in [self.folder().canonicalize().expect("it is there"), self.folder()] {
            let folder = folder.to_string_lossy().into_owned();
            ran.stdout = ran.stdout.replace(&folder, "[course]");
            ran.stderr = ran.stderr.replace(&folder, "[course]");
        }
        ran
    }
    fn solves(&self, module: &str) {
        self.writes("07-logical-clocks", module, &[]);
    }
    /// Puts the reference of a module into the workspace, with edits, each of which must fit once.
    pub(crate) fn writes(&self, chapter: &str, module: &str, edits: &[(&str, &str)]) {
        let file = format!("{chapter}/src/{module}.rs");
        let mut text = fs::read_to_string(root().join("solutions").join(&file)).expect("the reference");
        for (find, replace) in edits {
            assert_eq!(text.matches(find).count(), 1, "`{find}` stands once in the reference");
            text = text.replace(find, replace);
        }
        fs::write(self.folder().join(&file), text).expect("written");
    }
    /// Runs cargo in the workspace: whether it succeeded, and what it said.
    pub(crate) fn cargo(&self, args: &[&str]) -> (bool, String) {
        let ran = Command::new("cargo")
            .args(args)
            .current_dir(self.folder())
            .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("student-target"))
            .env_remove("CARGO_BUILD_TARGET_DIR")
            .output()
            .expect("cargo is what runs this test");
        let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
        (ran.status.success(), said)
    }
    fn progress_file(&self) -> PathBuf {
        self.folder().join(".faultlines/progress.toml")
    }
}

#[test]
fn from_nothing_to_the_next_exercise() {
    let student = Student::new();
    insta::assert_snapshot!("at_first", student.says(&[]));
    insta::assert_snapshot!("next_at_first", student.says(&["next"]));
    student.solves("lamport");
    let graded = student.says(&["grade", "7/lamport"]);
    assert_eq!(graded.code, 0, "{graded}");
    assert!(graded.stdout.contains("\n16 XP more than before: 16 XP so far.\n"), "{graded}");
    insta::assert_snapshot!("after_lamport", student.says(&["progress"]));
    // a regrade never lowers what is earned
    let reset = student.says(&["reset", "7/lamport"]);
    insta::assert_snapshot!("reset", reset);
    let graded = student.says(&["grade", "7/lamport"]);
    assert_eq!(graded.code, 1, "{graded}");
    assert!(graded.stdout.contains("\n16 XP so far.\n"), "{graded}");
    // and nothing of the student's is lost
    let kept = fs::read_to_string(student.folder().join(".faultlines/backup/07-logical-clocks/lamport.1.rs"))
        .expect("kept");
    assert!(kept.contains("self.time.max(seen) + 1"));
    insta::assert_snapshot!("reset_again", student.says(&["reset", "7/lamport"]));
}

#[test]
fn the_roadmap_is_read_once() {
    let student = Student::new();
    let page = student.says(&["roadmap"]).stdout;
    assert!(page.contains("Read in order."), "{page}");
    assert!(student.says(&["complete", "roadmap"]).stdout.contains("10 XP"));
    assert!(student.says(&["complete", "roadmap"]).stdout.contains("before"));
    assert!(student.says(&[]).stdout.contains("10 of 1000 XP"));
}

#[test]
fn a_progress_file_that_cannot_be_read_is_set_aside_by_what_writes_it_anew() {
    let student = Student::new();
    fs::write(student.progress_file(), "[checks]\nlamport = \"all of it\"\n").expect("written");
    let read = student.says(&["next"]);
    assert!(read.code == 0 && read.stderr.contains("could not be read in full"), "{read}");
    let written = student.says(&["complete", "roadmap"]);
    assert!(written.code == 0 && written.stderr.contains("progress.toml.unreadable-1"), "{written}");
    let aside = student.folder().join(".faultlines/progress.toml.unreadable-1");
    assert!(fs::read_to_string(aside).expect("kept").contains("all of it"));
}

#[test]
fn a_percentage_can_be_enough() {
    let student = Student::new();
    let source = student.folder().join("07-logical-clocks/src/lamport.rs");
    student.solves("lamport");
    let text = fs::read_to_string(&source).expect("the source");
    fs::write(&source, text.replace("boot.disk.load(TIME).unwrap_or(0)", "{ let _ = boot; 0 }"))
        .expect("written");
    let exit = |percent: &str| student.says(&["grade", "7/lamport", "--min-score", percent]).code;
    assert_eq!((exit("75"), exit("76")), (0, 1)); // 12 of 16 XP
}

#[test]
fn a_folder_that_is_taken_is_left_alone() {
    let student = Student::new();
    let ran = faultlines_in(student.dir.path(), &["init", "course"]);
    insta::assert_snapshot!(ran);
}

#[test]
fn ci_keeps_no_progress() {
    let student = Student::new();
    student.solves("lamport");
    let ran = Command::new(env!("CARGO_BIN_EXE_faultlines"))
        .args(["grade", "7/lamport"])
        .current_dir(student.folder())
        .env("FAULTLINES_CACHE", crate::cache())
        .env("CI", "true")
        .output()
        .expect("the binary was built for this test");
    assert!(ran.status.success());
    assert!(!student.progress_file().exists());
}

#[test]
fn the_public_tests_run_without_a_network() {
    let student = Student::new();
    student.solves("lamport");
    let (succeeded, said) = student.cargo(&["test", "--offline", "lamport"]);
    assert!(succeeded && said.contains("3 passed"), "{said}");
}

#[test]
fn the_doctor_finds_this_machine_sound() {
    let ran = faultlines(&["doctor"]);
    assert_eq!(ran.code, 0, "{ran}");
    for part in
        ["platform", "rustc", "linker", "cores", "cache", "kit", "files", "system calls", "can be graded"]
    {
        assert!(ran.stdout.contains(part), "{ran}");
    }
}

#[test]
fn hints_are_told_and_not_lying_about() {
    let student = Student::new();
    let said = student.says(&["hint", "7/lamport", "--level", "3"]);
    let words: Vec<&str> = said.stdout.split_whitespace().skip(14).take(4).collect();
    assert_eq!((said.code, words.len()), (0, 4), "{said}");
    let mut folders = vec![student.folder()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "toml" || kind == "md") {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let text = text.split_whitespace().collect::<Vec<&str>>().join(" ");
                assert!(!text.contains(&words.join(" ")), "{} has the hint", path.display());
            }
        }
    }
}

#[test]
fn progress_that_cannot_be_kept_takes_nothing_from_a_report() {
    let student = Student::new();
    student.solves("lamport");
    fs::create_dir_all(student.progress_file()).expect("a folder in its place");
    let ran = student.says(&["grade", "7/lamport"]);
    assert!(ran.code == 0 && ran.stdout.contains("16 of 16 XP"), "{ran}");
    assert!(ran.stderr.contains("cannot keep your progress"), "{ran}");
}

#[test]
fn reset_brings_back_all_that_an_exercise_is_made_of() {
    let student = Student::new();
    let src = student.folder().join("07-logical-clocks/src");
    fs::create_dir(src.join("lamport")).expect("a folder");
    fs::write(src.join("lamport/mod.rs"), "// mine").expect("written");
    let root = fs::read_to_string(src.join("lib.rs")).expect("the root");
    fs::write(src.join("lib.rs"), root.replace("pub mod lamport;", "mod clock;")).expect("written");
    let ran = student.says(&["reset", "7/lamport"]);
    assert!(ran.code == 0 && ran.stdout.contains("lib.rs is back"), "{ran}");
    assert_eq!(fs::read_to_string(src.join("lib.rs")).expect("the root"), root);
    assert!(!src.join("lamport").exists());
    let kept =
        fs::read_to_string(student.folder().join(".faultlines/backup/07-logical-clocks/lamport.1/mod.rs"));
    assert_eq!(kept.expect("kept"), "// mine");
    fs::remove_file(src.join("lib.rs")).expect("removed");
    fs::remove_file(src.join("vector.rs")).expect("removed");
    let ran = student.says(&["reset", "7"]);
    assert!(ran.code == 0 && ran.stdout.contains("vector.rs is back"), "{ran}");
    assert!(src.join("lib.rs").exists() && src.join("vector.rs").exists());
}

#[test]
fn an_exercise_that_calls_a_todo_of_another_says_where() {
    let student = Student::new();
    student.writes("07-logical-clocks", "mutex", &[]);
    let uses = "pub fn now() -> u64 {\n    todo!()\n}\n";
    let lamport = student.folder().join("07-logical-clocks/src/lamport.rs");
    let text = fs::read_to_string(&lamport).expect("the skeleton");
    let line = text.lines().count() + 2;
    fs::write(&lamport, format!("{text}{uses}")).expect("written");
    let mutex = student.folder().join("07-logical-clocks/src/mutex.rs");
    let text = fs::read_to_string(&mutex).expect("the reference");
    let start = text.find("fn start(").expect("a node starts");
    let body = start + text[start..].find("{\n").expect("a body") + 2;
    let text = format!("{}let _ = crate::lamport::now();\n{}", &text[..body], &text[body..]);
    fs::write(&mutex, text).expect("written");
    let ran = student.says(&["grade", "7/mutex"]);
    assert!(ran.stdout.contains(&format!("src/lamport.rs, line {line}")), "{ran}");
}
