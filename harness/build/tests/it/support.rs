//! A kit that is small, and submissions for it.

use build::{Archive, Built, Error, Kit, Sources, Target};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Stands in for the embedded kit: an exercise is a line to print.
pub(crate) fn small_archive() -> Archive {
    let member = |name: &str, dependencies: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n{dependencies}"
        )
    };
    let locked = |name: &str, dependencies: &str| {
        format!("\n[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\n{dependencies}")
    };
    let lock = "version = 4\n".to_owned()
        + &locked("guest", "dependencies = [\n \"lab\",\n]\n")
        + &locked("lab", "dependencies = [\n \"serde\",\n]\n")
        + &locked("serde", "");
    let lab = "\
pub trait Node { fn name() -> String; }
pub struct Exercise(pub String);
pub fn exercise<N: Node>() -> Exercise { Exercise(N::name()) }
pub fn function(f: fn(u32) -> u32) -> Exercise { Exercise(format!(\"{}\", f(1))) }
";
    let guest = "pub fn serve(all: Vec<lab::Exercise>) { for one in all { println!(\"{}\", one.0) } }\n";
    Archive::of([
        (
            "kit/Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"guest\", \"lab\", \"serde\"]\n".to_owned(),
        ),
        ("kit/Cargo.lock", lock),
        ("kit/guest/Cargo.toml", member("guest", "lab = { path = \"../lab\" }\n")),
        ("kit/guest/src/lib.rs", guest.to_owned()),
        ("kit/lab/Cargo.toml", member("lab", "serde = { path = \"../serde\" }\n")),
        ("kit/lab/src/lib.rs", lab.to_owned()),
        ("kit/serde/Cargo.toml", member("serde", "")),
        ("kit/serde/src/lib.rs", String::new()),
    ])
}

/// Cached between runs of the tests: its folder is named after all that went into it. Who may not write there says
/// where he may.
pub(crate) fn kept_cache() -> PathBuf {
    std::env::var_os("CACHE").map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from)
}

/// The small kit, with a cache for submissions of its own.
pub(crate) fn small_kit() -> &'static Kit {
    static KIT: OnceLock<Kit> = OnceLock::new();
    KIT.get_or_init(|| Kit::prepare_from(&small_archive(), &kept_cache(), |_| ()).unwrap())
}

pub(crate) const LIB: &str = "pub mod alpha;\npub mod beta;\n";
pub(crate) const ALPHA: &str = "\
pub struct A;
impl lab::Node for A {
    fn name() -> String {
        \"alpha of the student\".to_owned()
    }
}
";
pub(crate) const BETA: &str = "pub fn beta(x: u32) -> u32 {\n    x + 41\n}\n";

/// The skeleton prints other lines than the student's.
pub(crate) fn skeleton() -> Sources {
    let alpha = ALPHA.replace("of the student", "of the skeleton");
    let beta = "pub fn beta(_x: u32) -> u32 {\n    0\n}\n";
    Sources::of([("src/lib.rs", LIB), ("src/alpha.rs", &alpha), ("src/beta.rs", beta)])
}

pub(crate) fn targets() -> [Target; 2] {
    let target = |name: &str, entry: &str| Target {
        exercise: name.to_owned(),
        name: format!("1/{name}"),
        modules: vec![name.to_owned()],
        entry: entry.to_owned(),
    };
    [
        target("alpha", "lab::exercise::<chapter::alpha::A>()"),
        target("beta", "lab::function(chapter::beta::beta)"),
    ]
}

/// Builds this submission with a small kit. Whatever the cache holds was built from the same.
pub(crate) fn build(lib: &str, alpha: &str, beta: &str) -> Result<Built, Error> {
    let files = [("src/lib.rs", lib), ("src/alpha.rs", alpha), ("src/beta.rs", beta)];
    small_kit().build(&Sources::of(files), &skeleton(), &targets(), &[])
}

/// What the program prints.
pub(crate) fn run(built: &Built) -> String {
    let output = Command::new(&built.binary).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What the program prints, and what is broken in it.
pub(crate) fn story(result: Result<Built, Error>) -> String {
    match result {
        Ok(built) => {
            let mut text = format!("prints: {}", run(&built).trim_end().replace('\n', ", "));
            for (exercise, said) in &built.broken {
                text += &format!(
                    "\n\n{exercise}: {} errors, {} warnings\n{}",
                    said.errors, said.warnings, said.text
                );
            }
            text
        }
        Err(error) => {
            let whose = if error.is_submission_fault() { "the student's" } else { "the harness's" };
            format!("{whose}: {error}")
        }
    }
}
