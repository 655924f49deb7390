//! Many variants in one program.

use crate::support::{ALPHA, small_kit, targets};
use build::{Error, Sources, Woven};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::process::{Command, Stdio};

const LIB: &str = "\
pub mod alpha;
pub mod beta;
static CHOSEN: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
fn variant() -> u32 {
    CHOSEN.load(std::sync::atomic::Ordering::Relaxed)
}
pub fn select_variant() {
    let chosen = std::env::args().nth(1).and_then(|number| number.parse().ok());
    CHOSEN.store(chosen.unwrap_or(0), std::sync::atomic::Ordering::Relaxed);
}
";

/// `beta` with these bodies, without those that are left out.
fn woven(bodies: &[(u32, &str)], left_out: &BTreeSet<u32>) -> Woven {
    let mut beta = "pub fn beta(x: u32) -> u32 {\n    match crate::variant() {\n".to_owned();
    let mut lines: Vec<(Range<usize>, u32)> = Vec::new();
    for (number, body) in bodies.iter().filter(|(number, _)| !left_out.contains(number)) {
        let line = beta.lines().count() + 1;
        lines.push((line..line + 1, *number));
        beta += &format!("        {number} => {body},\n");
    }
    beta += "        _ => x + 41,\n    }\n}\n";
    let sources = Sources::of([("src/lib.rs", LIB), ("src/alpha.rs", ALPHA), ("src/beta.rs", &beta)]);
    let lines = BTreeMap::from([("src/beta.rs".to_owned(), lines)]);
    Woven { sources, lines, selector: "CHOSEN" }
}

#[test]
fn each_variant_is_a_program_of_its_own_and_one_that_does_not_compile_costs_no_other() {
    let bodies = [
        (1, "x + 1"),
        (2, "x + \"no number\""),
        // what is found only when all types are right
        (3, "{ let y; if x > 1 { y = 1; } y }"),
        (4, "{ static SEEN: std::sync::Mutex<u32> = std::sync::Mutex::new(3); *SEEN.lock().unwrap() }"),
        (5, "{ let first = [1, 2][2]; first }"),
    ];
    let many = small_kit().build_many(&targets(), &[], |left_out| woven(&bodies, left_out)).unwrap();
    let refused: Vec<u32> = many.refused.keys().copied().collect();
    assert_eq!(refused, [2, 3, 5], "{:?}", many.refused);
    assert_eq!(many.statics, ["beta::beta::SEEN"]);
    let prints = |argument: &[&str]| {
        let output = Command::new(&many.binary).args(argument).stdin(Stdio::null()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(prints(&[]), "alpha of the student\n42\n", "it is what it was");
    assert_eq!(prints(&["1"]), "alpha of the student\n2\n");
    assert_eq!(prints(&["4"]), "alpha of the student\n3\n");
    // from the cache
    let again = small_kit().build_many(&targets(), &[], |left_out| woven(&bodies, left_out)).unwrap();
    assert_eq!(again, many);
}

#[test]
fn what_does_not_compile_and_is_of_no_variant_is_an_error() {
    let built = small_kit().build_many(&targets(), &[], |left_out| {
        let woven = woven(&[(1, "x + 1")], left_out);
        let beta = woven.sources.get("src/beta.rs").unwrap().replace("x + 41", "y + 41");
        let files = [("src/lib.rs", LIB), ("src/alpha.rs", ALPHA), ("src/beta.rs", &beta)];
        Woven { sources: Sources::of(files), ..woven }
    });
    assert!(matches!(built, Err(Error::DoesNotCompile(_))), "{built:?}");
}
