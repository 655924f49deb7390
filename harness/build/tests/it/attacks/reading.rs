//! A compiler that is made to read what is hidden.

use super::{Scene, TOKEN, canary, holds};
use crate::support::{BETA, small_kit};
use confine::Layers;
use std::fs;
use std::os::unix::fs::symlink;

const FILES: Layers = Layers { files: true, ..Layers::NONE };
/// Everything but the layer that holds here.
const OTHERS: Layers = Layers { files: false, ..Layers::ALL };

#[test]
fn no_spelling_of_include_reads_a_hidden_file() {
    let spellings = "\
use core::include_str as read;
pub const A: &str = include_str!(\"HIDDEN/0\");
pub const B: &[u8] = include_bytes!(\"HIDDEN/1\");
pub const C: &str = include_str!(concat!(\"HIDDEN\", \"/\", \"2\"));
pub const D: &str = read!(\"HIDDEN/3\");
pub const E: &str = r#include_str!(\"HIDDEN/4\");
pub const F: &str = include_str!(\"../../hidden/5\");
pub const G: &str = std::include_str!(\"HIDDEN/../hidden/6\");
pub fn beta(x: u32) -> u32 {
    println!(\"{A}{B:?}{C}{D}{E}{F}{G}\");
    std::hint::black_box((A, B, C, D, E, F, G));
    x
}
";
    let scene = Scene::new(spellings);
    let (said, program) = scene.cargo();
    let unread: Vec<usize> = (0..7).filter(|nth| !holds(&program, &canary(*nth))).collect();
    assert!(unread.is_empty(), "cargo does not read {unread:?}: {said}");
    let built = scene.build().unwrap();
    assert_eq!(built.broken["beta"].errors, 7, "{}", built.broken["beta"]);
    let (said, program) = scene.told();
    assert!((0..8).all(|nth| !holds(&program, &canary(nth)) && !said.contains(&canary(nth))), "{said}");
    let help =
        "The compiler may read nothing but `src/**/*.rs`, which is what you hand in: put what you need there";
    assert!(said.ends_with(help), "{said}");
    let with = |layers| scene.rustc(layers);
    let read = |said: &str| (0..7).filter(|nth| said.contains(&canary(*nth))).count();
    assert_eq!((read(&with(OTHERS)), read(&with(FILES))), (7, 0));
}

#[test]
fn what_was_read_where_nobody_jails_the_compiler_is_found_out_after_it() {
    let scene = Scene::new(&format!("pub static READ: &str = include_str!(\"HIDDEN/0\");\n{BETA}"));
    let unjailed = small_kit().clone().with_layers(Layers::NONE);
    let error = scene.build_with(&unjailed).unwrap_err();
    assert!(error.to_string().contains("/hidden/0") && error.is_submission_fault(), "{error}");
}

/// What makes a compiler read a hidden file, and put it into a library or its messages.
const READS: [(&str, &str); 6] = [
    ("a module elsewhere", "#[path = \"HIDDEN/0\"]\nmod hidden;\n"),
    ("code elsewhere", "include!(\"HIDDEN/0\");\n"),
    (
        "the assembler",
        "core::arch::global_asm!(\".section .rodata\", \".globl stolen\", \"stolen:\", \".incbin \\\"HIDDEN/0\\\"\");\n",
    ),
    (
        "a library to link",
        "#[link(name = \"HIDDEN/libsolution.a\", kind = \"static\", modifiers = \"+verbatim\")]\nunsafe extern \"C\" {}\n",
    ),
    ("a link among the sources", "#[path = \"link.rs\"]\nmod link;\n"),
    ("the environment as a file", "pub static E: &[u8] = include_bytes!(\"/proc/self/environ\");\n"),
];

#[test]
fn a_hidden_file_is_in_no_program_and_no_message() {
    for (name, code) in READS {
        let scene = Scene::new(&format!("{code}{BETA}"));
        scene.write("hidden/libsolution.a", &archive(&canary(0)));
        if name == "a link among the sources" {
            symlink(scene.path("hidden/0"), scene.path("submission/src/link.rs")).unwrap();
        }
        // where a compiler looks for a library to link is for whoever calls it to say
        scene.configure("[build]\nrustflags = [\"-Lnative=/\"]\n");
        let leaks = |bytes: &[u8]| holds(bytes, &canary(0)) || holds(bytes, TOKEN);
        let (said, _) = scene.cargo();
        let library = fs::read(scene.path("target/debug/libchapter.rlib")).unwrap_or_default();
        assert!(leaks(said.as_bytes()) || leaks(&library), "{name}: cargo does not read it: {said}");
        let (said, program) = scene.told();
        assert!(!leaks(said.as_bytes()) && !leaks(&program), "{name}: {said}");
        // the layer that is made for it is enough, and the others are not
        assert!(leaks(scene.rustc(OTHERS).as_bytes()), "{name}: {}", scene.rustc(OTHERS));
        assert!(!leaks(scene.rustc(FILES).as_bytes()), "{name}");
    }
}
/// An archive with one member, which holds this.
fn archive(text: &str) -> String {
    let header = format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "hidden.o/", 0, 0, 0, 644, text.len());
    let pad = if text.len() % 2 == 1 { "\n" } else { "" };
    format!("!<arch>\n{header}{text}{pad}")
}
