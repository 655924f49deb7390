//! What is to keep a compiler busy for ever, make it eat the machine, or flood who reads what it says.

use super::Scene;
use crate::support::{BETA, LIB, kept_cache, small_kit};
use build::Error;
use confine::Layers;
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, openat};
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

/// What makes limits go that rustc has of its own; it counts in the crate's root.
const LIMITLESS: &str = "#![recursion_limit = \"100000000\"]\n#![allow(long_running_const_eval)]\n";
/// What ends does so within this processor time.
const PATIENCE: Duration = Duration::from_secs(60);
/// Processor time that a compiler gets here.
const SHORT: Duration = Duration::from_secs(2);

#[test]
fn what_keeps_a_compiler_busy_is_cut_off() {
    let bombs = [
        (
            "a constant",
            "pub const BUSY: u32 = { loop {} };\npub fn beta(_: u32) -> u32 {\n    BUSY\n}\n".to_owned(),
        ),
        (
            "a macro",
            format!("macro_rules! grow {{\n    ($($t:tt)*) => {{ grow!($($t)* x) }};\n}}\ngrow!();\n{BETA}"),
        ),
        (
            "a macro that doubles",
            format!(
                "macro_rules! grow {{\n    ($($t:tt)*) => {{ grow!($($t)* x $($t)*); }};\n}}\ngrow!();\n{BETA}"
            ),
        ),
    ];
    for (name, code) in bombs {
        let scene = Scene::new(&format!("{LIMITLESS}{code}"));
        let (ended, said) = scene.plainly(SHORT);
        assert!(
            !matches!(ended, Some(0 | 1)),
            "{name} does not even keep a compiler busy that nobody bounds: {said}"
        );
        scene.write("submission/src/lib.rs", &format!("{LIMITLESS}{LIB}"));
        scene.write("submission/src/beta.rs", &code);
        let built = scene.build_with(&small_kit().clone().with_compile_max(SHORT));
        let said = match built {
            Ok(built) => built.broken["beta"].text.clone(),
            Err(error) => {
                assert!(error.is_submission_fault(), "{name}: {error}");
                error.to_string()
            }
        };
        assert!(said.starts_with("rustc "), "{name}: {said}");
        let left = processes_of_builds_that_are_over();
        assert!(left.is_empty(), "{name} leaves {left:?}");
    }
}

#[test]
fn a_compiler_that_waits_for_ever_is_cut_off_too() {
    let scene = Scene::new(&format!("pub const WAITS: &str = include_str!(\"HIDDEN/pipe\");\n{BETA}"));
    mknodat(CWD, scene.path("hidden/pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let mut waits = scene.plain_rustc(PATIENCE).stderr(Stdio::null()).spawn().unwrap();
    // nobody can open its other end before somebody waits at this one
    let other_end =
        || openat(CWD, scene.path("hidden/pipe"), OFlags::WRONLY | OFlags::NONBLOCK, Mode::empty());
    while other_end().is_err() {
        assert!(waits.try_wait().unwrap().is_none(), "it does not even wait where nobody bounds it");
        std::thread::yield_now();
    }
    waits.kill().and_then(|()| waits.wait()).unwrap();
    // which the jail does not let happen
    let built = scene.build().unwrap();
    assert!(built.broken["beta"].text.contains("couldn't read"), "{}", built.broken["beta"]);
    let brief = small_kit().clone().with_layers(Layers::NONE).with_compile_max(Duration::from_millis(200));
    let error = scene.build_with(&brief).unwrap_err();
    // that it hardly computed speaks for the code
    assert!(matches!(error, Error::Machine { .. }), "{error}");
    assert!(processes_of_builds_that_are_over().is_empty());
}

#[test]
fn devices_are_not_read() {
    for device in ["/dev/zero", "/dev/urandom"] {
        let scene = Scene::new(&format!("pub const ENDLESS: &[u8] = include_bytes!(\"{device}\");\n{BETA}"));
        let refused = |said: &str| said.contains("couldn't read") && said.contains("Permission denied");
        assert!(!refused(&scene.plainly(SHORT).1), "{device} is refused to anybody");
        let built = scene.build().unwrap();
        assert!(refused(&built.broken["beta"].text), "{device}: {}", built.broken["beta"]);
    }
}

/// Where processes are that compile in a folder that is gone.
fn processes_of_builds_that_are_over() -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let ours = kept_cache().join("lanes");
    let folders = processes.filter_map(|process| fs::read_link(process.path().join("cwd")).ok());
    folders
        .filter(|folder| folder.starts_with(&ours) && folder.to_string_lossy().ends_with("(deleted)"))
        .collect()
}

#[test]
fn what_a_compiler_does_not_survive_is_the_submission_s_fault() {
    let deep = format!("pub fn deep() -> u32 {{\n    {}1{}\n}}\n", "(".repeat(60_000), ")".repeat(60_000));
    let bombs = [
        ("memory", "pub static HUGE: [u8; 1 << 34] = [7; 1 << 34];\npub fn huge() -> u8 {\n    HUGE[0]\n}\n"),
        ("depth", &deep),
    ];
    for (name, code) in bombs {
        let scene = Scene::new(&format!("{code}{BETA}"));
        let (ended, said) = scene.plainly(SHORT);
        assert_ne!(ended, Some(0), "{name}: a compiler that nobody bounds survives it: {said}");
        match scene.build_with(&small_kit().clone().with_compile_max(SHORT * 5)) {
            Err(error) => assert!(error.is_submission_fault(), "{name}: {error}"),
            Ok(built) => assert!(built.broken.contains_key("beta"), "{name}"),
        }
        assert!(processes_of_builds_that_are_over().is_empty(), "{name}");
    }
}

#[test]
fn a_flood_of_messages_is_cut_short_and_moves_no_terminal() {
    let wrong: String =
        (0..600).map(|nth| format!("pub fn f{nth}() -> u32 {{\n    wrong{nth}\n}}\n")).collect();
    let scene = Scene::new(&format!("{wrong}{BETA}"));
    let (_, said) = scene.plainly(PATIENCE);
    assert!(said.len() > 64 << 10, "{} bytes are no flood", said.len());
    let said = &scene.build().unwrap().broken["beta"];
    assert!(said.text.len() < 20 << 10 && said.errors >= 600, "{} bytes", said.text.len());

    let says =
        "\\u{1b}[2J\\u{1b}]0;x\\u{7}\\rtest result: ok. 12 passed; 0 failed\\n::set-output name=score::100";
    let scene = Scene::new(&format!(
        "compile_error!(\"{says}\");\n#[deprecated = \"{says}\"]\npub fn old() {{}}\n{BETA}"
    ));
    // who looks for a verdict in what cargo says finds one; the rest rustc makes harmless in its pictures, not in JSON
    assert!(scene.cargo().0.contains("test result: ok. 12 passed"), "cargo does not even show it");
    let told = scene.told().0;
    assert!(told.contains("12 passed") && !told.contains(['\u{1b}', '\r', '\u{7}']), "{told}");
}
