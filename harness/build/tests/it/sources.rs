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
    case(&|src| symlink("/etc/passwd", src.join("link.rs")).unwrap());
    case(&|src| symlink("/etc", src.join("folder")).unwrap());
    case(&|src| mknodat(CWD, src.join("pipe.rs"), FileType::Fifo, Mode::RUSR, 0).unwrap());
    case(&|src| fs::write(src.join("latin.rs"), [b'/', b'/', 0xe9]).unwrap());
    case(&|src| fs::write(src.join(OsStr::from_bytes(b"\xe9.rs")), "").unwrap());
    case(&|src| fs::write(src.join("\u{1b}[2J.rs"), [0xff]).unwrap());
    case(&|src| fs::write(src.join("big.rs"), vec![b' '; (1 << 20) + 1]).unwrap());
    case(&|src| (0..5).for_each(|n| fs::write(src.join(format!("{n}.rs")), vec![b' '; 1 << 20]).unwrap()));
    case(&|src| (0..200).for_each(|n| fs::write(src.join(format!("{n}.rs")), "").unwrap()));
    case(&|src| fs::create_dir_all(src.join("1/2/3/4/5/6/7/8/9")).unwrap());
    insta::assert_snapshot!(said);
}

#[test]
fn the_src_folder_itself_may_not_be_a_link() {
    let chapter = tempfile::tempdir().unwrap();
    symlink("/etc", chapter.path().join("src")).unwrap();
    assert!(Sources::read(chapter.path()).is_err());
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
