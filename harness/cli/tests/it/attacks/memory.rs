//! Memory that survives a crash, and other state that a node finds although no node of its world left it there.

use super::HANDLER;
use crate::{cache, faultlines, submission};
use build::{Built, Kit, Sources, Target};
use host::{Fleet, Guest, Layers};
use judge::{Finding, Options};
use tempfile::TempDir;

/// A clock that keeps its time in memory under a mark, and only the mark on the disk. `memory` is where.
fn forgetful(memory: &str) -> TempDir {
    let start = "{
            let mark = boot.disk.load(MARK);
            Clock { time: mark.and_then(|mark| memory(|kept| kept.get(&mark).copied())).unwrap_or(0), mark }
        }";
    let tick = "if self.mark.is_none() {
            self.mark = Some(memory(|kept| kept.len() as u64));
            out.save(MARK, &self.mark.unwrap());
            out.sync();
        }
        self.time = self.time.max(seen) + 1;
        memory(|kept| kept.insert(self.mark.unwrap(), self.time));";
    let declared = format!(
        "const MARK: Saved<u64> = Saved::new(\"mark\");\ntype Kept = std::collections::BTreeMap<u64, u64>;\n{memory}\n/// A node with a logical clock."
    );
    submission(&[
        ("Clock { time: boot.disk.load(TIME).unwrap_or(0) }", start),
        (HANDLER, tick),
        ("    time: Stamp,\n}\n\nimpl Node", "    time: Stamp,\n    mark: Option<u64>,\n}\n\nimpl Node"),
        (
            "        out.save(TIME, &self.time);\n        out.sync(); // other nodes may",
            "        // other nodes may",
        ),
        ("/// A node with a logical clock.", &declared),
    ])
}
/// In a static whose path begins with the name of a type of another crate.
const IN_A_FOREIGN_TYPE: &str = "
trait Hides { fn kept() -> std::sync::MutexGuard<'static, Kept>; }
impl Hides for u64 {
    fn kept() -> std::sync::MutexGuard<'static, Kept> {
        static KEPT: std::sync::Mutex<Kept> = std::sync::Mutex::new(Kept::new());
        KEPT.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
fn memory<R>(f: impl FnOnce(&mut Kept) -> R) -> R { f(&mut <u64 as Hides>::kept()) }
";
/// In the panic hook of the process, which a panic asks for it.
const IN_A_HOOK: &str = "
type Shared = std::sync::Arc<std::sync::Mutex<Kept>>;
type Question = std::sync::Arc<std::sync::Mutex<Option<Shared>>>;
fn memory<R>(f: impl FnOnce(&mut Kept) -> R) -> R {
    let question = Question::default();
    let asked = question.clone();
    let _ = std::panic::catch_unwind(move || std::panic::panic_any(asked));
    let found = question.lock().unwrap().take();
    let kept = found.unwrap_or_else(|| {
        let (kept, before) = (Shared::default(), std::panic::take_hook());
        let shared = kept.clone();
        std::panic::set_hook(Box::new(move |info| match info.payload().downcast_ref::<Question>() {
            Some(question) => *question.lock().unwrap() = Some(shared.clone()),
            None => before(info),
        }));
        kept
    });
    let mut kept = kept.lock().unwrap();
    f(&mut kept)
}
";

fn built(submission: &TempDir) -> Built {
    let sources = Sources::read(&submission.path().join("07-logical-clocks")).expect("a chapter");
    let target = Target {
        exercise: "lamport".to_owned(),
        name: "lamport".to_owned(),
        modules: vec!["lamport".to_owned()],
        entry: lamport().entry.source.to_owned(),
    };
    let kit = Kit::prepare(&cache(), |_| {}).expect("a kit");
    let built = kit.build(&sources, &sources, &[target], &[]).expect("it compiles");
    assert!(built.broken.is_empty(), "{:?}", built.broken);
    built
}
fn lamport() -> judge::Exercise {
    let chapter = course::chapters().into_iter().find(|chapter| chapter.number == 7).expect("it is built");
    chapter.exercises.into_iter().find(|exercise| exercise.id == "lamport").expect("it has one")
}
/// What batches alone show of the check that crashes nodes: no run is repeated in processes of its own, and what was found in the
/// submission's objects is not asked.
fn restart(built: &Built) -> Finding {
    let exercise = lamport();
    let check = exercise.checks.iter().find(|check| check.id == "restart").expect("a check");
    let guest = Guest::new(&built.binary, Layers::ALL).expect("it was built");
    let (mut fleet, keys) = (Fleet::new(&guest), [judge::SeedKey::default()]);
    let found = judge::judge_under(&mut fleet, 7, "lamport", check, &keys, &Options::default());
    found.expect("no fault of the harness").remove(0)
}

/// A grader that starts a node again in the process that it crashed in, and looks for statics by the names of the crate's own
/// paths, believes all of these.
#[test]
fn what_a_node_keeps_in_its_process_does_not_survive_its_crash() {
    for (memory, named) in
        [(IN_A_FOREIGN_TYPE, "as lamport::Hides>::kept::KEPT"), (IN_A_HOOK, "std::panic::set_hook")]
    {
        let submission = forgetful(memory);
        let built = built(&submission);
        // the one layer: it is found, and judged run by run
        assert!(built.statics.iter().any(|path| path.ends_with(named)), "{:?}", built.statics);
        // the other one: without that, a node that starts again does so in another process
        let finding = restart(&built);
        assert!(finding.failure.is_some() && finding.solo.is_none(), "{finding:?}");
        let folder = submission.path().display().to_string();
        let ran = faultlines(&["grade", "7/lamport", "--submission", &folder]);
        assert!(ran.code == 1 && ran.stdout.contains("Graded run by run"), "{ran}");
    }
}

/// The clock of the machine, in the times of a descriptor; and a folder to stand in, which the next node finds. Code that is
/// safe gets at both, unless the guest has given up what it takes.
#[test]
fn a_node_learns_no_real_time_and_leaves_no_folder_behind() {
    let time = "
        let open = |n: u8| std::fs::File::open(format!(\"/proc/self/fd/{n}\")).and_then(|file| file.metadata()?.modified());
        if let Some(time) = (3..9).find_map(|n| open(n).ok()) {
            let years = time.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap().as_secs() / 31_557_600;
            panic!(\"it is {} or later\", 1970 + years.min(55));
        }
        self.time = 0;";
    let folder = "
        if std::env::set_current_dir(\"/usr\").is_ok() { panic!(\"it is somewhere else\"); }
        self.time = 0;";
    for (code, says) in [(time, "it is 2025"), (folder, "it is")] {
        let submission = submission(&[(HANDLER, code)]);
        let open = crate::grade(&submission, &["--no-sandbox"]);
        assert!(open.stdout.contains(says), "{open}");
        let shut = crate::grade(&submission, &[]);
        assert!(shut.code == 1 && !shut.stdout.contains(says), "{shut}");
    }
}
