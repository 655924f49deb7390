//! Which files make up a submission, and which are refused.

use build::Sources;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

/// A chapter with a `src/lib.rs`, and what else `fill` puts into `src`.
fn read(fill: impl FnOnce(&Path)) -> Result<Sources, String> {
    let chapter = tempfile::tempdir().unwrap();
    let src = chapter.path().join("src");
    fs::create_dir(&src).unwrap();
    fs::write(src.join("lib.rs"), "").unwrap();
    fill(&src);
    Sources::read(chapter.path()).map_err(|error| {
        assert!(error.is_submission_fault());
        error.to_string().replace(&chapter.path().display().to_string(), "CHAPTER")
    })
}

fn paths(sources: &Sources) -> Vec<&str> {
    sources.files().map(|(path, _)| path).collect()
}

#[test]
fn rust_files_are_read_and_others_are_not() {
    let sources = read(|src| {
        fs::create_dir_all(src.join("raft/log")).unwrap();
        fs::write(src.join("raft/log/entry.rs"), "// entry").unwrap();
        fs::write(src.join("raft.rs"), "// raft").unwrap();
        fs::write(src.join("data.txt"), "data").unwrap();
        fs::write(src.join("raft/data.bin"), [0xff]).unwrap();
    })
    .unwrap();
    assert_eq!(paths(&sources), ["src/lib.rs", "src/raft.rs", "src/raft/log/entry.rs"]);
    assert_eq!(sources.get("src/raft.rs"), Some("// raft"));
}

#[test]
fn what_is_refused_and_how_to_mend_it() {
    let mut said = String::new();
    let mut case = |fill: &dyn Fn(&Path)| said += &(read(fill).unwrap_err() + "\n");
    case(&|src| fs::remove_dir_all(src).unwrap());
    case(&|src| fs::remove_file(src.join("lib.rs")).unwrap());
    case(&|src| {
        fs::remove_dir_all(src).unwrap();
        fs::write(src, "").unwrap();
    });
    case(&|src| {
        fs::remove_dir_all(src).unwrap();
        symlink("/etc", src).unwrap();
    });
    case(&|src| (0..5).for_each(|n| fs::write(src.join(format!("{n}.rs")), vec![b' '; 1 << 20]).unwrap()));
    case(&|src| (0..200).for_each(|n| fs::write(src.join(format!("{n}.rs")), "").unwrap()));
    case(&|src| fs::create_dir_all(src.join("1/2/3/4/5/6/7/8/9")).unwrap());
    insta::assert_snapshot!(said);
}

#[test]
fn a_file_that_is_unfit_concerns_its_own_exercise() {
    let sources = read(|src| {
        symlink("/etc/passwd", src.join("link.rs")).unwrap();
        symlink("/etc", src.join("folder")).unwrap();
        mknodat(CWD, src.join("pipe.rs"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        fs::write(src.join("latin.rs"), b"// in the\n// second line: \xe9").unwrap();
        fs::write(src.join(OsStr::from_bytes(b"\xe9.rs")), "").unwrap();
        fs::write(src.join("\u{1b}[2J.rs"), [0xff]).unwrap();
        fs::write(src.join("big.rs"), vec![b' '; (1 << 20) + 1]).unwrap();
    })
    .unwrap();
    let unfit: String = sources.unfit().map(|(path, reason)| format!("{path} {reason}\n")).collect();
    insta::assert_snapshot!(unfit);
    assert_eq!(paths(&sources), ["src/lib.rs"]);
}

#[test]
fn what_editors_and_archives_leave_is_ignored() {
    let sources = read(|src| {
        symlink("me@host.123:456", src.join(".#lamport.rs")).unwrap();
        symlink("../notes.txt", src.join("notes.txt")).unwrap();
        fs::create_dir(src.join("__MACOSX")).unwrap();
        for left in [
            "._lamport.rs",
            "__MACOSX/._lamport.rs",
            "#lamport.rs#",
            "lamport.rs~",
            ".lamport.rs.swp",
            ".x.rs",
        ] {
            fs::write(src.join(left), [0xff]).unwrap();
        }
        fs::write(src.join(OsStr::from_bytes(b"\xe9.txt")), "").unwrap();
    })
    .unwrap();
    assert_eq!(paths(&sources), ["src/lib.rs"]);
    assert_eq!(sources.unfit().count(), 0);
}

#[test]
fn the_bounds_themselves_are_allowed() {
    let sources = read(|src| {
        (1..200).for_each(|n| fs::write(src.join(format!("{n}.rs")), "").unwrap());
        fs::write(src.join("1.rs"), vec![b' '; 1 << 20]).unwrap();
        fs::create_dir_all(src.join("1/2/3/4/5/6/7/8")).unwrap();
    });
    assert_eq!(sources.unwrap().files().count(), 200);
}
