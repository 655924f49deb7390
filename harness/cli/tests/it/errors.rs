//! Bad input of every kind: a clear message, how to mend it, the right exit code.

use crate::{faultlines, faultlines_in, grade, submission};

#[test]
fn names_that_are_none() {
    insta::assert_snapshot!("no_such_chapter", faultlines(&["grade", "12"]));
    insta::assert_snapshot!("no_chapter_at_all", faultlines(&["grade", "nonsense"]));
    insta::assert_snapshot!("no_such_exercise", faultlines(&["grade", "7/lamprot"]));
    insta::assert_snapshot!("hint_for_a_chapter", faultlines(&["hint", "9"]));
}

#[test]
fn folders_that_are_none() {
    insta::assert_snapshot!("no_such_folder", faultlines(&["grade", "7", "--submission", "no/such/folder"]));
    let empty = tempfile::tempdir().expect("a temporary folder");
    let here = faultlines_in(empty.path(), &["grade", "7"]);
    insta::assert_snapshot!("no_chapters_here", here);
    let folder = empty.path().to_string_lossy().into_owned();
    let mut ran = faultlines(&["grade", "7", "--submission", &folder]);
    ran.stderr = ran.stderr.replace(&folder, "[submission]");
    insta::assert_snapshot!("no_chapter_in_the_folder", ran);
}

#[test]
fn files_that_cannot_be_read() {
    let submission = submission(&[]);
    let source = submission.path().join("07-logical-clocks/src/lamport.rs");
    std::fs::write(&source, [0xff, 0xfe, 0x00]).expect("written");
    insta::assert_snapshot!("not_utf8", grade(&submission, &[]));
    std::fs::remove_file(&source).expect("removed");
    insta::assert_snapshot!("module_missing", grade(&submission, &[]));
}

#[test]
fn cards_that_are_none() {
    let checkout = tempfile::tempdir().expect("a temporary folder");
    let chapter = checkout.path().join("solutions/07-logical-clocks");
    std::fs::create_dir_all(chapter.join("mutants")).expect("a folder");
    let cards = "no-check\n\nno-hunk   lamport/restart   also hlc/bounded\nForgets its clock.\n";
    std::fs::write(chapter.join("mutants/lamport.diff"), cards).expect("written");
    let path = checkout.path().to_string_lossy().into_owned();
    let mut ran = faultlines(&["verify", "mutants", "7", "--root", &path]);
    ran.stderr = ran.stderr.replace(&path, "[checkout]");
    insta::assert_snapshot!(ran);
}

#[test]
fn code_that_does_not_compile() {
    let wrong = [("self.time = self.time.max(seen) + 1;", "self.time = self.time.max(seen) + \"1\";")];
    insta::assert_snapshot!(grade(&submission(&wrong), &[]));
}

#[test]
fn a_node_that_panics_at_start() {
    let wrong =
        [("boot.disk.load(TIME).unwrap_or(0)", "boot.disk.load(TIME).expect(\"a stamp on the disk\")")];
    insta::assert_snapshot!(grade(&submission(&wrong), &[]));
}

#[test]
fn a_node_that_ends_its_process() {
    let wrong = [("self.time = self.time.max(seen) + 1;", "std::process::exit(0);")];
    insta::assert_snapshot!(grade(&submission(&wrong), &[]));
}

#[test]
fn a_node_that_aborts() {
    let wrong = [("self.time = self.time.max(seen) + 1;", "std::process::abort();")];
    insta::assert_snapshot!(grade(&submission(&wrong), &[]));
}

#[test]
fn a_node_that_recurses_for_ever() {
    let code = "fn deep(n: u64) -> u64 { let frame = std::hint::black_box([n; 64]); if n == 0 { 0 } else { deep(n + 1) + frame[7] } }\nself.time = deep(seen + 1);";
    insta::assert_snapshot!(grade(&submission(&[("self.time = self.time.max(seen) + 1;", code)]), &[]));
}

#[test]
fn a_node_that_only_ever_grows() {
    let code =
        "self.time += 1; let mut all = Vec::new(); while self.time > 0 { all.push(vec![0_u8; 16 << 20]); }";
    insta::assert_snapshot!(grade(&submission(&[("self.time = self.time.max(seen) + 1;", code)]), &[]));
}

#[test]
fn a_node_that_opens_a_socket() {
    let code = "let socket = std::net::UdpSocket::bind(\"127.0.0.1:0\").unwrap(); self.time = u64::from(socket.local_addr().unwrap().port());";
    insta::assert_snapshot!(grade(&submission(&[("self.time = self.time.max(seen) + 1;", code)]), &[]));
}

#[test]
fn a_node_that_is_to_be_compiled_with_a_file_from_elsewhere() {
    let code = "self.time = include_str!(\"/etc/passwd\").len() as u64;";
    insta::assert_snapshot!(grade(&submission(&[("self.time = self.time.max(seen) + 1;", code)]), &[]));
}

#[test]
fn a_node_that_computes_for_ever() {
    let wrong =
        [("self.time = self.time.max(seen) + 1;", "self.time += 1; while self.time > 0 { self.time = 7; }")];
    insta::assert_snapshot!(grade(&submission(&wrong), &[]));
}

#[test]
fn a_node_that_writes_to_a_terminal_it_does_not_have() {
    let wrong =
        [("self.time = self.time.max(seen) + 1;", "panic!(\"\\u{1b}[31m::error::passed\\r100/100\");")];
    let ran = grade(&submission(&wrong), &[]);
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains('\r'));
    insta::assert_snapshot!(ran);
}

#[test]
fn flags_that_are_none() {
    insta::assert_snapshot!("batch_zero", faultlines(&["grade", "7", "--batch", "0"]));
    insta::assert_snapshot!("format", faultlines(&["grade", "7", "--format", "xml"]));
}
