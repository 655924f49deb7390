//! What becomes of a submission.

use crate::support::{ALPHA, BETA, LIB, build, run, skeleton, small_kit, story, targets};
use build::{Built, Error, Kit, Sources};
use std::fs;
use std::time::Duration;

#[test]
fn whole_submissions_run() {
    let built = build(LIB, ALPHA, BETA).unwrap();
    assert_eq!(run(&built), "alpha of the student\n42\n");
    assert!(built.broken.is_empty());
    assert!(built.statics.is_empty());
}

#[test]
fn broken_exercises_are_replaced_and_told() {
    let cases = [
        ("a type error", LIB, ALPHA, "pub fn beta(x: u32) -> u32 {\n    x + \"41\"\n}\n"),
        ("a syntax error", LIB, ALPHA, "pub fn beta(x: u32) -> u32 {\n    x +\n}\n"),
        ("a missing impl, which points into lab", LIB, "pub struct A;\n", BETA),
        ("a missing item, which points into lab", LIB, "pub struct A;\nimpl lab::Node for A {}\n", BETA),
        ("the wrong signature for main.rs", LIB, ALPHA, "pub fn beta(x: u64) -> u32 {\n    x as u32\n}\n"),
        ("a module that lib.rs does not declare", "pub mod alpha;\n", ALPHA, BETA),
        ("both", LIB, "pub struct A", "pub fn beta() {\n    1\n}\n"),
        (
            "one that needs the other",
            LIB,
            ALPHA_OWN_ITEM,
            "use crate::alpha::own;\n\npub fn beta(x: u32) -> u32 {\n    own(x)\n}\n",
        ),
        (
            "unsafe code",
            LIB,
            ALPHA,
            "#![allow(unsafe_code)]\npub fn beta(x: u32) -> u32 {\n    unsafe { std::mem::transmute(x) }\n}\n",
        ),
        (
            "an error in a macro of std",
            LIB,
            ALPHA,
            "pub fn beta(x: u32) -> u32 {\n    println!(\"{}\");\n    x\n}\n",
        ),
        (
            "a panic at compile time",
            LIB,
            ALPHA,
            "pub fn beta(x: u32) -> u32 {\n    const { panic!(\"no\") };\n    x\n}\n",
        ),
        (
            "signs that a terminal obeys",
            LIB,
            ALPHA,
            "pub fn beta(x: u32) -> u32 {\n    /* \u{1b}[2J\u{202e} */ x + \"\u{7}\"\n}\n",
        ),
    ];
    for (name, lib, alpha, beta) in cases {
        insta::with_settings!({ description => name, omit_expression => true }, {
            insta::assert_snapshot!(name.replace([' ', ','], "_"), story(build(lib, alpha, beta)));
        });
    }
}
const ALPHA_OWN_ITEM: &str = "pub struct A;\npub fn own(x: u32) -> u32 {\n    x + y\n}\n";

#[test]
fn what_leaves_nothing_to_grade_is_an_error() {
    let bad_lib = format!("{LIB}pub mod gamma;\n");
    let parens = format!("pub fn beta(x: u32) -> u32 {{ {}x{} }}\n", "(".repeat(60_000), ")".repeat(60_000));
    let cases = [
        ("an error in lib.rs", &*bad_lib, BETA),
        (
            "a file outside of src",
            LIB,
            "pub fn beta(x: u32) -> u32 {\n    x + include_bytes!(\"/etc/passwd\").len() as u32\n}\n",
        ),
        ("code that the compiler does not survive", LIB, &*parens),
    ];
    for (name, lib, beta) in cases {
        insta::with_settings!({ description => name, omit_expression => true }, {
            insta::assert_snapshot!(name.replace(' ', "_"), story(build(lib, ALPHA, beta)));
        });
    }
}

#[test]
fn missing_files_are_named() {
    let kit = small_kit();
    let without_beta = Sources::of([("src/lib.rs", "pub mod alpha;\n"), ("src/alpha.rs", ALPHA)]);
    insta::assert_snapshot!(story(kit.build(&without_beta, &skeleton(), &targets(), &[])), @r"
    prints: alpha of the student, 0

    beta: 1 errors, 0 warnings
    src/beta.rs is missing; `faultlines reset 1/beta` brings it back. An exercise is found by the name of its file: a module elsewhere, by way of `#[path]` or in lib.rs, is not
    ");
    let without_lib = Sources::of([("src/alpha.rs", ALPHA), ("src/beta.rs", BETA)]);
    insta::assert_snapshot!(story(kit.build(&without_lib, &skeleton(), &targets(), &[])), @"the student's: src/lib.rs is missing");
}

#[test]
fn a_module_may_be_a_folder() {
    let files = [
        ("src/lib.rs", LIB),
        ("src/alpha.rs", ALPHA),
        ("src/beta/mod.rs", "mod inner;\npub use inner::beta;\n"),
        ("src/beta/inner.rs", "pub fn beta(x: u32) -> u32 {\n    y\n}\n"),
    ];
    let built = small_kit().build(&Sources::of(files), &skeleton(), &targets(), &[]).unwrap();
    assert_eq!(run(&built), "alpha of the student\n0\n");
    assert_eq!(built.broken.keys().collect::<Vec<_>>(), ["beta"]);
}

/// Builds beta alone, out of a chapter that holds alpha, too.
fn build_beta(lib: &str, alpha: &str, beta: &str) -> Result<Built, Error> {
    let [alpha_target, beta_target] = targets();
    let files = [
        ("src/lib.rs", lib),
        ("src/alpha.rs", alpha),
        ("src/beta.rs", beta),
        ("src/helper.rs", "pub fn helped() {}\n"),
    ];
    small_kit().build(&Sources::of(files), &skeleton(), &[beta_target], &[alpha_target])
}

#[test]
fn what_nobody_asked_for_and_nobody_needs_is_not_compiled() {
    let other = "pub struct A;\nimpl lab::Node for A {}\n";
    let asked = build_beta(LIB, ALPHA, BETA).unwrap();
    assert_eq!(run(&asked), "42\n");
    assert_eq!(build_beta(LIB, other, BETA).unwrap().binary, asked.binary, "alpha is not looked at");
    assert_eq!(build_beta(LIB, "pub fn", BETA).unwrap().binary, asked.binary, "not even if it is broken");
    let with_comment = BETA.replace("x + 41", "// as alpha does\n    x + 41");
    assert_eq!(run(&build_beta(LIB, "pub fn", &with_comment).unwrap()), "42\n");
}

#[test]
fn what_an_exercise_needs_is_compiled_with_it() {
    let own = "pub fn own(x: u32) -> u32 {\n    x * 2\n}\n";
    let cases = [
        ("by its path", LIB, own, "pub fn beta(x: u32) -> u32 {\n    crate::alpha::own(x)\n}\n"),
        (
            "from lib.rs",
            "pub mod alpha;\npub mod beta;\npub use alpha::own;\n",
            own,
            "pub use super::own as beta;\n",
        ),
        (
            "a macro",
            "#[macro_use]\npub mod alpha;\npub mod beta;\n",
            "macro_rules! twice {\n    ($x:expr) => { $x * 2 };\n}\n",
            "pub fn beta(x: u32) -> u32 {\n    twice!(x)\n}\n",
        ),
        (
            "an exported macro",
            LIB,
            "#[macro_export]\nmacro_rules! twice {\n    ($x:expr) => { $x * 2 };\n}\n",
            "pub fn beta(x: u32) -> u32 {\n    crate::twice!(x)\n}\n",
        ),
        (
            "by way of a helper",
            "pub mod alpha;\npub mod beta;\nmod helper {\n    pub use crate::alpha::own;\n}\n",
            own,
            "pub use crate::helper::own as beta;\n",
        ),
        (
            "an impl elsewhere",
            LIB,
            "impl From<crate::beta::Wrapped> for u32 {\n    fn from(w: crate::beta::Wrapped) -> u32 {\n        w.0 * 2\n    }\n}\n",
            "pub struct Wrapped(pub u32);\npub fn beta(x: u32) -> u32 {\n    Wrapped(x).into()\n}\n",
        ),
    ];
    for (name, lib, alpha, beta) in cases {
        assert_eq!(story(build_beta(lib, alpha, beta)), "prints: 2", "{name}");
    }
}

#[test]
fn errors_keep_their_lines_when_others_are_left_out() {
    let said = story(build_beta("pub mod alpha;\npub mod beta;\nfn z() -> u32 {\n    y\n}\n", ALPHA, BETA));
    assert!(said.contains("src/lib.rs:4:5"), "{said}");
}

#[test]
fn exercises_of_one_module_break_together() {
    let mut targets = targets().to_vec();
    targets[0].modules.push("beta".to_owned());
    let files =
        [("src/lib.rs", LIB), ("src/alpha.rs", ALPHA), ("src/beta.rs", "pub fn beta() -> u32 { y }\n")];
    let built = small_kit().build(&Sources::of(files), &skeleton(), &targets, &[]).unwrap();
    assert_eq!(run(&built), "alpha of the skeleton\n0\n");
    assert_eq!(built.broken.keys().collect::<Vec<_>>(), ["alpha", "beta"]);
}

#[test]
fn many_errors_are_cut_short() {
    let beta = (0..500).map(|n| format!("pub fn beta{n}() -> u32 {{ missing_{n} }}\n")).collect::<String>();
    let built = build(LIB, ALPHA, &beta).unwrap();
    let said = &built.broken["beta"];
    assert_eq!(said.errors, 500);
    assert!(said.text.len() < 9_000, "{}", said.text.len());
    let last = said.text.lines().last().unwrap();
    assert!(last.starts_with("… and 4") && last.ends_with("more errors"), "{last}");
}

#[test]
fn endless_compilations_are_cut_off() {
    let kit = small_kit().clone().with_compile_max(Duration::ZERO);
    let endless = "pub fn beta(_: u32) -> u32 {\n    const { loop {} }\n}\n#[test]\nfn now() {}\n";
    let endless = format!("#![allow(long_running_const_eval)]\n{endless}");
    let files = [("src/lib.rs", LIB), ("src/alpha.rs", ALPHA), ("src/beta.rs", &endless)];
    insta::assert_snapshot!(
        story(kit.build(&Sources::of(files), &skeleton(), &targets(), &[])),
        @"the student's: rustc had not finished after 0 s: look for a constant, a macro or a type that grows without end"
    );
}

#[test]
fn unchanged_submissions_are_not_compiled_again() {
    let first = build(LIB, ALPHA, BETA).unwrap();
    // With no time to compile anything, only the cache can answer.
    let hasty = small_kit().clone().with_compile_max(Duration::ZERO);
    let files =
        |beta: &str| Sources::of([("src/lib.rs", LIB), ("src/alpha.rs", ALPHA), ("src/beta.rs", beta)]);
    assert_eq!(hasty.build(&files(BETA), &skeleton(), &targets(), &[]).unwrap(), first);
    let changed =
        hasty.build(&files("pub fn beta(x: u32) -> u32 {\n    x + 40\n}\n"), &skeleton(), &targets(), &[]);
    assert!(changed.is_err_and(|error| matches!(error, Error::CompilerTooSlow { .. })));
}

#[test]
fn equal_sources_give_equal_binaries() {
    let bytes = |kit: &Kit| {
        let files = [("src/lib.rs", LIB), ("src/alpha.rs", ALPHA), ("src/beta.rs", BETA)];
        fs::read(kit.build(&Sources::of(files), &skeleton(), &targets(), &[]).unwrap().binary).unwrap()
    };
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Kit::prepare_from(&crate::support::small_archive(), elsewhere.path(), |_| ()).unwrap();
    assert!(bytes(small_kit()) == bytes(&other), "the cache's place is in the binary");
}
