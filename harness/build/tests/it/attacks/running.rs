//! Code of a submission that runs, or is put in place of the harness's, while it is compiled.

use super::{MANIFEST, Scene, canary, holds, member};
use crate::support::{BETA, run};

/// A submission that is about to run something, or to smuggle something in.
struct Attack {
    name: &'static str,
    prepare: fn(&Scene),
}

#[test]
fn what_runs_under_cargo_does_not_run_here() {
    let attack = |name, prepare| Attack { name, prepare };
    let attacks = [
        attack("a build script", |scene| {
            let code = "fn main() {\n    std::fs::write(\"WITNESS\", \"\").unwrap();\n}\n";
            scene.write("submission/build.rs", code);
        }),
        attack("a macro crate", |scene| {
            scene.write("submission/evil/Cargo.toml", &(member("evil") + "[lib]\nproc-macro = true\n"));
            let code = "\
#[proc_macro]
pub fn run(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    std::fs::write(\"WITNESS\", \"\").unwrap();
    proc_macro::TokenStream::new()
}
";
            scene.write("submission/evil/src/lib.rs", code);
            scene.manifest("evil = { path = \"evil\" }\n");
            scene.write("submission/src/beta.rs", &format!("evil::run!();\n{BETA}"));
        }),
        attack("a build script of a dependency", |scene| {
            scene.write("submission/evil/Cargo.toml", &member("evil"));
            scene.write("submission/evil/src/lib.rs", "");
            let code = "fn main() {\n    std::fs::write(\"WITNESS\", \"\").unwrap();\n}\n";
            scene.write("submission/evil/build.rs", code);
            scene.manifest("evil = { path = \"evil\" }\n");
        }),
        attack("a wrapper of the compiler", |scene| {
            scene.script("submission/wrapper", "touch WITNESS; exec \"$@\"");
            scene.configure("[build]\nrustc-wrapper = \"HERE/wrapper\"\n");
        }),
        attack("a wrapper for this crate alone", |scene| {
            scene.script("submission/wrapper", "touch WITNESS; exec \"$@\"");
            scene.configure("[build]\nrustc-workspace-wrapper = \"HERE/wrapper\"\n");
        }),
        attack("a compiler of its own", |scene| {
            scene.script("submission/rustc", "touch WITNESS; exec rustc \"$@\"");
            scene.configure("[build]\nrustc = \"HERE/rustc\"\n");
        }),
        attack("a linker of its own", |scene| {
            scene.script("submission/linker", "touch WITNESS; exec cc \"$@\"");
            scene.configure("[build]\nrustflags = [\"-Clinker=HERE/linker\"]\n");
        }),
        attack("a linker by way of the environment", |scene| {
            scene.script("submission/cc", "touch WITNESS; exec /usr/bin/cc \"$@\"");
            let path = std::env::var("PATH").unwrap();
            let path = format!("[env]\nPATH = {{ value = \"HERE:{path}\", force = true }}\n");
            scene.configure(&path);
        }),
    ];
    for Attack { name, prepare } in attacks {
        let scene = Scene::new(BETA);
        prepare(&scene);
        let (said, _) = scene.cargo();
        assert!(scene.has_witness(), "{name} does not even run under cargo: {said}");
        let built = scene.build();
        assert!(!scene.has_witness(), "{name} runs");
        if let Ok(built) = &built {
            let _ = run(built);
            assert!(!scene.has_witness(), "{name} runs with the program");
        }
    }
}

#[test]
fn a_runner_of_its_own_does_not_run_the_program() {
    let scene = Scene::new(BETA);
    scene.script("submission/runner", "touch WITNESS");
    scene.configure("[target.'cfg(all())']\nrunner = \"HERE/runner\"\n");
    let (said, _) = scene.cargo_with(&["run", "--offline"]);
    assert!(scene.has_witness(), "cargo does not use it: {said}");
    assert_eq!(run(&scene.build().unwrap()), "alpha of the student\n42\n");
    assert!(!scene.has_witness());
}

#[test]
fn no_manifest_or_configuration_changes_what_is_compiled() {
    const FORGED: &str = "forged-by-the-submission";
    let attack = |name, prepare| Attack { name, prepare };
    let attacks = [
        attack("a library elsewhere", |scene| {
            scene
                .write("hidden/solution.rs", &format!("pub mod beta {{\n    {}\n}}\n", printing(&canary(0))));
            scene.manifest("[lib]\npath = \"HIDDEN/solution.rs\"\n");
        }),
        attack("a program elsewhere", |scene| {
            scene.write("hidden/main.rs", &format!("fn main() {{\n    println!(\"{}\");\n}}\n", canary(0)));
            scene.manifest("[[bin]]\nname = \"chapter\"\npath = \"HIDDEN/main.rs\"\n");
        }),
        attack("a lab of its own", |scene| {
            let lab = format!("pub trait Node {{}}\npub fn lie() -> &'static str {{\n    \"{FORGED}\"\n}}\n");
            scene.write("submission/evil/src/lib.rs", &lab);
            scene.write("submission/evil/Cargo.toml", &member("evil"));
            let lab = "[dependencies]\nlab = { package = \"evil\", path = \"evil\" }\n";
            scene.write("submission/Cargo.toml", &format!("{MANIFEST}{lab}"));
            scene.write("submission/src/alpha.rs", "");
            scene.write("submission/src/beta.rs", &BETA.replace("x + 41", "lab::lie().len() as u32 + x"));
        }),
        attack("a patch of lab", |scene| {
            let lab = format!("pub fn lie() -> &'static str {{\n    \"{FORGED}\"\n}}\n");
            scene.write("submission/evil/src/lib.rs", &lab);
            scene.write("submission/evil/Cargo.toml", &member("lab"));
            let patch = "[dependencies]\nlab = \"0.1\"\n[patch.crates-io]\nlab = { path = \"evil\" }\n";
            scene.write("submission/Cargo.toml", &format!("{MANIFEST}{patch}"));
            scene.write("submission/src/alpha.rs", "");
            scene.write("submission/src/beta.rs", &BETA.replace("x + 41", "lab::lie().len() as u32 + x"));
        }),
        attack("a variable", |scene| {
            scene.configure(&format!("[env]\nLIE = \"{FORGED}\"\n"));
            let code = "option_env!(\"LIE\").map_or(x, |lie| lie.len() as u32)";
            scene.write("submission/src/beta.rs", &BETA.replace("x + 41", &showing(code)));
        }),
        attack("a condition", |scene| {
            scene.configure("[build]\nrustflags = [\"--cfg=lie\"]\n");
            let code = format!("if cfg!(lie) {{\n        println!(\"{FORGED}\");\n    }}\n    x");
            scene.write("submission/src/beta.rs", &BETA.replace("x + 41", &code));
        }),
    ];
    for Attack { name, prepare } in attacks {
        let scene = Scene::new(BETA);
        prepare(&scene);
        let smuggled = |program: &[u8]| holds(program, FORGED) || holds(program, &canary(0));
        let (said, program) = scene.cargo();
        // what optimising leaves of a constant is in the program's text, not among its strings: look at the library
        let library = std::fs::read(scene.path("target/debug/libchapter.rlib")).unwrap_or_default();
        assert!(smuggled(&program) || smuggled(&library), "{name} does not even work with cargo: {said}");
        let (said, program) = scene.told();
        assert!(!smuggled(&program) && !smuggled(said.as_bytes()), "{name}: {said}");
    }
}
/// A function that prints a text.
fn printing(text: &str) -> String {
    BETA.replace("x + 41", &format!("println!(\"{text}\");\n    x"))
}
/// An expression, made to stay in the program.
fn showing(code: &str) -> String {
    format!("println!(\"{{:?}}\", option_env!(\"LIE\"));\n    {code}")
}

#[test]
fn a_folder_for_output_is_not_the_submission_s_to_choose() {
    let scene = Scene::new(BETA);
    scene.configure("[build]\ntarget-dir = \"HERE/taken\"\n");
    let mut cargo = std::process::Command::new("cargo");
    cargo.args(["build", "--offline"]).current_dir(scene.path("submission")).env_remove("CARGO_TARGET_DIR");
    let said = cargo.env("CARGO_HOME", scene.path("home")).output().unwrap();
    let taken = scene.path("submission/taken");
    assert!(taken.is_dir(), "cargo does not heed it: {}", String::from_utf8_lossy(&said.stderr));
    std::fs::remove_dir_all(&taken).unwrap();
    assert_eq!(run(&scene.build().unwrap()), "alpha of the student\n42\n");
    assert!(!taken.exists());
}

#[test]
fn code_that_would_run_before_main_or_in_place_of_libc_is_refused_whatever_it_allows_itself() {
    let constructor = "#[used]\n#[unsafe(link_section = \".init_array\")]\nstatic BEFORE: extern \"C\" fn() = before;\nextern \"C\" fn before() {\n    println!(\"before main\");\n}\n";
    let scene = Scene::new(&format!("{constructor}{BETA}"));
    let (said, _) = scene.cargo();
    let ran = std::process::Command::new(scene.path("target/debug/chapter")).output();
    let printed = String::from_utf8(ran.unwrap_or_else(|_| panic!("{said}")).stdout).unwrap();
    assert!(printed.starts_with("before main"), "it does not even run: {printed}");
    let built = scene.build().unwrap();
    assert!(built.broken["beta"].text.contains("link_section"), "{}", built.broken["beta"]);
    assert!(!run(&built).contains("before main"));

    let interposed = "#[unsafe(export_name = \"getrandom\")]\npub extern \"C\" fn mine() {}\n";
    let written = "#[unsafe(no_mangle)]\npub extern \"C\" fn write() {}\n";
    let allowed = "#[allow(unsafe_code)]\n#[unsafe(no_mangle)]\npub extern \"C\" fn write() {}\n";
    let by_macro = "macro_rules! smuggle {\n    () => {\n        #[allow(unsafe_code)]\n        pub fn smuggled() {\n            unsafe { std::hint::unreachable_unchecked() }\n        }\n    };\n}\nsmuggle!();\n";
    let foreign = "unsafe extern \"C\" {\n    fn getpid() -> i32;\n}\npub fn ask() -> i32 {\n    unsafe { getpid() }\n}\n";
    for code in [interposed, written, allowed, by_macro, foreign] {
        let scene = Scene::new(&format!("{code}{BETA}"));
        let (said, program) = scene.cargo();
        assert!(!program.is_empty(), "cargo does not compile it: {said}");
        let said = scene.build().unwrap().broken["beta"].text.clone();
        assert!(said.contains("unsafe"), "{code}: {said}");
    }
    // nor for the whole chapter
    let scene = Scene::new(&format!("{foreign}{BETA}"));
    let lib = std::fs::read_to_string(scene.path("submission/src/lib.rs")).unwrap();
    scene.write("submission/src/lib.rs", &format!("#![allow(unsafe_code)]\n{lib}"));
    assert!(!scene.cargo().1.is_empty());
    let said = scene.told().0;
    assert!(said.contains("unsafe"), "{said}");
}

/// The lint that forbids unsafe code does not know of these. Cargo, which asks for the lint here, lets them run before `main`.
#[test]
fn unsafe_code_that_no_lint_knows_is_refused() {
    let naked = "#[unsafe(naked)]\npub extern \"C\" fn kept() {\n    std::arch::naked_asm!(\"ret\", \".pushsection .init_array,\\\"aw\\\"\", \".quad {before}\", \".popsection\", before = sym before)\n}\nextern \"C\" fn before() {\n    println!(\"before main\");\n}\n";
    let kept = BETA
        .replace("x + 41", "assert!(std::hint::black_box(kept as extern \"C\" fn() as usize) != 0);\n    x");
    let scene = Scene::new(&format!("{naked}{kept}"));
    scene.manifest("[lints.rust]\nunsafe_code = \"forbid\"\n");
    let (said, program) = scene.cargo();
    assert!(!program.is_empty(), "the lint knows it now: {said}");
    let ran = std::process::Command::new(scene.path("target/debug/chapter")).output().unwrap();
    let printed = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(printed.starts_with("before main"), "it does not even run: {printed}");
    let built = scene.build().unwrap();
    assert!(built.broken["beta"].text.contains("`unsafe` is refused"), "{}", built.broken["beta"]);
    assert!(!run(&built).contains("before main"));
    // in a file of no exercise
    scene.write("submission/src/beta.rs", "mod helper;\npub use helper::beta;\n");
    scene.write("submission/src/helper.rs", &format!("{naked}{kept}"));
    scene.write("submission/src/lib.rs", "pub mod alpha;\npub mod beta;\nmod helper;\n");
    let said = scene.told().0;
    assert!(said.contains("src/helper.rs has `unsafe` in line 1"), "{said}");
}

#[test]
fn a_library_that_runs_by_itself_or_takes_the_system_s_names_is_found() {
    let found = |code: &str| {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("chapter.rs"), code).unwrap();
        let mut rustc = std::process::Command::new("rustc");
        rustc.args(["--edition=2024", "--crate-type=lib", "-Csymbol-mangling-version=v0", "chapter.rs"]);
        assert!(rustc.current_dir(dir.path()).status().unwrap().success(), "{code}");
        build::statics::inspect(&dir.path().join("libchapter.rlib")).unwrap().forbidden
    };
    assert_eq!(found("pub fn plain() -> String { format!(\"{}\", 1) }"), Vec::<String>::new());
    let before = "#[used]\n#[unsafe(link_section = \".init_array\")]\nstatic BEFORE: extern \"C\" fn() = before;\nextern \"C\" fn before() {}\n";
    assert_eq!(found(before), ["code that runs before or after `main` (section `.init_array`)"]);
    let write = "#[unsafe(no_mangle)]\npub extern \"C\" fn write() {}\n";
    assert_eq!(found(write), ["a function or static that is called `write`"]);
}

#[test]
fn lints_cannot_be_capped_and_are_not_what_holds() {
    let code = "pub fn beta(x: u32) -> u32 {\n    unsafe { std::mem::transmute::<u32, u32>(x) }\n}\n";
    let scene = Scene::new(code);
    scene.manifest("[lints.rust]\nunsafe_code = \"forbid\"\n");
    assert!(scene.cargo().0.contains("usage of an `unsafe` block"));
    scene.configure("[build]\nrustflags = [\"--cap-lints=allow\"]\n");
    assert!(!scene.cargo().1.is_empty(), "capping lints lets it through");
    assert!(scene.build().unwrap().broken["beta"].text.contains("unsafe"));
    // what no lint finds is compiled, here as there: the process that runs it is what holds
    let unsound = "\
fn stretch<'a, 'b, T: ?Sized>(_: &'a &'b (), it: &'b T) -> &'a T {
    it
}
fn forever<'a, T: ?Sized>(it: &'a T) -> &'static T {
    let stretch: for<'x> fn(_, &'x T) -> &'static T = stretch;
    stretch(&&(), it)
}
pub fn beta(x: u32) -> u32 {
    let dangling = forever(&*Box::new(x));
    u32::from(dangling == dangling) + x
}
";
    let scene = Scene::new(unsound);
    assert!(!scene.cargo().1.is_empty());
    assert!(scene.build().unwrap().broken.is_empty());
}
