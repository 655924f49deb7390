//! Kits and their cache.

use crate::support::{ALPHA, BETA, LIB, kept_cache, run, skeleton, small_archive, targets};
use build::{Archive, Kit, Preparing, Sources, Target};
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::SystemTime;

fn submission() -> Sources {
    Sources::of([("src/lib.rs", LIB), ("src/alpha.rs", ALPHA), ("src/beta.rs", BETA)])
}

#[test]
fn a_kit_is_compiled_once_however_many_ask_for_it() {
    let cache = tempfile::tempdir().unwrap();
    let archive = small_archive();
    let prepare = || {
        let mut steps = Vec::new();
        let kit = Kit::prepare_from(&archive, cache.path(), |step| steps.push(step)).unwrap();
        (kit, steps)
    };
    let all: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(prepare)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let started =
        all.iter().flat_map(|(_, steps)| steps).filter(|step| matches!(step, Preparing::Started { .. }));
    assert_eq!(started.count(), 1);
    let (kit, steps) = prepare();
    assert_eq!(steps, []);
    assert_eq!(
        run(&kit.build(&submission(), &skeleton(), &targets(), &[]).unwrap()),
        "alpha of the student\n42\n"
    );
}

#[test]
fn what_a_killed_process_left_is_cleared_away() {
    let cache = tempfile::tempdir().unwrap();
    let kit = Kit::prepare_from(&small_archive(), cache.path(), |_| ()).unwrap();
    let kits = cache.path().join("kits");
    let half_built = kits.join(format!(".building-{}-x", kit.key()));
    fs::create_dir(&half_built).unwrap();
    fs::remove_dir_all(kits.join(kit.key()).join("lib")).unwrap();
    let built = kit.build(&submission(), &skeleton(), &targets(), &[]);
    assert!(
        built.is_err_and(|error| !error.is_submission_fault()),
        "a kit without its crates is no student's fault"
    );

    let kit = Kit::prepare_from(&small_archive(), cache.path(), |_| ()).unwrap();
    assert!(!half_built.exists());
    let built = kit.build(&submission(), &skeleton(), &targets(), &[]).unwrap();
    fs::remove_file(&built.binary).unwrap();
    let again = kit.build(&submission(), &skeleton(), &targets(), &[]).unwrap();
    assert_eq!(run(&again), "alpha of the student\n42\n");
}

#[test]
fn old_binaries_are_deleted() {
    let cache = tempfile::tempdir().unwrap();
    let kit = Kit::prepare_from(&small_archive(), cache.path(), |_| ()).unwrap();
    let lanes = cache.path().join("lanes");
    for n in 0..100 {
        let dir = lanes.join(format!("{n:032x}"));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("lane.json"), "").unwrap();
    }
    let abandoned = lanes.join("abandoned");
    fs::create_dir(&abandoned).unwrap();
    fs::File::open(&abandoned).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let built = kit.build(&submission(), &skeleton(), &targets(), &[]).unwrap();
    assert!(!abandoned.exists());
    assert_eq!(fs::read_dir(&lanes).unwrap().count(), 64);
    assert_eq!(run(&built), "alpha of the student\n42\n");
}

#[test]
fn dates_in_the_future_and_the_running_binary_are_safe_from_pruning() {
    let cache = tempfile::tempdir().unwrap();
    let kit = Kit::prepare_from(&small_archive(), cache.path(), |_| ()).unwrap();
    let lanes = cache.path().join("lanes");
    let used = kit.build(&submission(), &skeleton(), &targets(), &[]).unwrap();
    let old = fs::File::options().append(true).open(used.binary.with_file_name("lane.json")).unwrap();
    old.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let tomorrow = SystemTime::now() + std::time::Duration::from_secs(24 * 3600);
    for n in 0..64 {
        let dir = lanes.join(format!("{n:032x}"));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("lane.json"), "").unwrap();
        fs::File::options().append(true).open(dir.join("lane.json")).unwrap().set_modified(tomorrow).unwrap();
    }
    let other = [
        ("src/lib.rs", LIB),
        ("src/alpha.rs", ALPHA),
        ("src/beta.rs", "pub fn beta(x: u32) -> u32 {\n    x + 7\n}\n"),
    ];
    let built = kit.build(&Sources::of(other), &skeleton(), &targets(), &[]).unwrap();
    assert_eq!(run(&built), "alpha of the student\n8\n");
    assert_eq!(run(&used), "alpha of the student\n42\n");
    let first = fs::metadata(lanes.join(format!("{:032x}", 63)).join("lane.json"));
    assert!(first.is_err() || first.unwrap().modified().unwrap() <= SystemTime::now());
}

#[test]
fn the_users_settings_of_cargo_do_not_reach_the_kit() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".cargo")).unwrap();
    fs::write(home.path().join(".cargo/config.toml"), "[build]\ntarget = \"none-of-these\"\n[").unwrap();
    let cache = home.path().join(".cache/faultlines");
    let kit = Kit::prepare_from(&small_archive(), &cache, |_| ()).unwrap();
    assert!(kit.build(&submission(), &skeleton(), &targets(), &[]).is_ok());
}

#[test]
fn a_kit_that_does_not_compile_is_not_the_students_fault() {
    let mut files: Vec<(String, Vec<u8>)> =
        small_archive().files("").map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect();
    let lab = files.iter_mut().find(|(path, _)| path == "kit/lab/src/lib.rs").unwrap();
    lab.1 = b"fn broken() -> u32 {}\n".to_vec();
    let cache = tempfile::tempdir().unwrap();
    let error = Kit::prepare_from(&Archive::of(files), cache.path(), |_| ()).unwrap_err();
    assert!(!error.is_submission_fault());
    let said = error.to_string();
    assert!(said.starts_with("the compiler kit does not build with this toolchain. cargo said:"));
    assert!(said.contains("error[E0308]: mismatched types"), "{said}");
}

#[test]
fn a_cache_that_cannot_be_written_says_which_variable_to_set() {
    let error = Kit::prepare_from(&small_archive(), "/dev/null/cache".as_ref(), |_| ()).unwrap_err();
    assert!(!error.is_submission_fault());
    insta::assert_snapshot!(error, @"cannot create /dev/null/cache: Not a directory (os error 20); check that FAULTLINES_CACHE names a folder you may write to");
}

/// The real thing, once: the embedded kit, offline, and a node that serves.
#[test]
fn the_embedded_kit_compiles_and_serves() {
    let node = "\
use lab::lamport::{self, Request, Stamped};
use lab::prelude::*;

pub struct Clock(u64);
#[derive(Debug, Serialize, Deserialize)]
pub struct Message(u64);
impl Node for Clock {
    type Contract = lamport::Clock;
    type Message = Message;
    type Timer = Nothing;
    fn start(_boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        Clock(0)
    }
    fn on_request(&mut self, _id: RequestId, _request: Request, _out: &mut Out<Self>) {
        self.0 += 1;
    }
}
pub fn earlier(a: Stamped, b: Stamped) -> std::cmp::Ordering {
    a.stamp.cmp(&b.stamp)
}
pub fn infer(_a: Stamped, _b: Stamped) -> lamport::Inference {
    todo!()
}
";
    let kit = Kit::prepare(&kept_cache(), |_| ()).unwrap();
    let sources = Sources::of([("src/lib.rs", "pub mod clock;\n"), ("src/clock.rs", node)]);
    let target = Target {
        exercise: "lamport".to_owned(),
        name: "7/lamport".to_owned(),
        modules: vec!["clock".to_owned()],
        entry:
            "lab::lamport::exercise::<chapter::clock::Clock>(chapter::clock::earlier, chapter::clock::infer)"
                .to_owned(),
    };
    let built = kit.build(&sources, &sources, &[target], &[]).unwrap();
    assert!(built.broken.is_empty(), "{:?}", built.broken);
    assert!(built.statics.is_empty(), "{:?}", built.statics);
    let lane = Command::new(&built.binary).stdin(Stdio::null()).output().unwrap();
    assert!(lane.status.success(), "{lane:?}");
    assert!(String::from_utf8_lossy(&lane.stdout).contains("lamport"), "it greets with its roles: {lane:?}");
}

#[test]
fn the_archive_is_enough_for_a_workspace_without_a_network() {
    let archive = Archive::embedded();
    let names: Vec<&str> = archive.files("kit/").map(|(path, _)| path).collect();
    for expected in ["Cargo.lock", "Cargo.toml", ".cargo/config.toml", "lab/src/lib.rs", "world/src/lib.rs"] {
        assert!(names.contains(&expected), "{expected}");
    }
    let dir = tempfile::tempdir().unwrap();
    archive.unpack("exercises/", dir.path()).unwrap();
    assert!(dir.path().join("Cargo.toml").is_file());
    assert!(archive.files("exercises/").all(|(path, _)| !path.contains("target/")));
}
