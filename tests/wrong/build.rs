//! Writes a module for each of some mutants: the file of the reference that it edits, edited.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Of every exercise whose nodes talk to each other, two that fail in different ways.
const CHOSEN: [(&str, &str); 14] = [
    ("06-consensus", "paxos-promises-anything"),
    ("06-consensus", "paxos-promise-is-not-saved"),
    ("06-consensus", "raft-votes-for-everyone"),
    ("06-consensus", "raft-vote-is-not-saved"),
    ("07-logical-clocks", "receive-does-not-tick"),
    ("07-logical-clocks", "emits-before-sync"),
    ("07-logical-clocks", "vc-learns-of-the-sender-only"),
    ("07-logical-clocks", "vc-never-syncs"),
    ("07-logical-clocks", "hlc-receive-forgets-itself"),
    ("07-logical-clocks", "hlc-forgets-in-a-crash"),
    ("07-logical-clocks", "mutex-ignores-what-may-be-under-way"),
    ("07-logical-clocks", "mutex-two-firsts"),
    ("07-logical-clocks", "causal-only-fifo"),
    ("07-logical-clocks", "causal-delivers-each-copy"),
];
/// How a module is hosted, by its file; `chapter` stands for where it is.
const HOSTED: [(&str, &str); 6] = [
    ("paxos.rs", "lab::paxos::exercise::<chapter::paxos::Paxos>()"),
    ("raft.rs", "lab::raft::exercise::<chapter::raft::Raft>()"),
    (
        "lamport.rs",
        "lab::lamport::exercise::<chapter::lamport::Clock>(chapter::lamport::total_order, chapter::lamport::may_have_caused)",
    ),
    (
        "vector.rs",
        "lab::vector::exercise::<chapter::vector::Clock>(chapter::vector::compare, chapter::vector::merge)",
    ),
    ("hlc.rs", "lab::hlc::exercise::<chapter::hlc::Clock>()"),
    ("mutex.rs", "lab::mutex::exercise::<chapter::mutex::Mutex>()"),
];
const CAUSAL: (&str, &str) =
    ("causal_broadcast.rs", "lab::causal_broadcast::exercise::<chapter::causal_broadcast::Member>()");

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let solutions = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../solutions").canonicalize()?;
    println!("cargo:rerun-if-changed=build.rs");
    let (mut modules, mut list) = (String::new(), String::new());
    for (nth, (chapter, id)) in CHOSEN.into_iter().enumerate() {
        let folder = solutions.join(chapter);
        println!("cargo:rerun-if-changed={}", folder.display());
        let cards = mutants::read(&folder)?;
        let card = cards.iter().find(|card| card.id == id).ok_or_else(|| format!("no mutant {id}"))?;
        let reference = sources(&folder)?;
        let mutant = card.apply(reference.iter().map(|(path, text)| (path.as_str(), text.as_str())))?;
        let changed: Vec<&(String, String)> =
            mutant.iter().filter(|file| !reference.contains(file)).collect();
        let [(file, text)] = changed[..] else {
            return Err(format!("{id} changes {} files, not one", changed.len()).into());
        };
        let path = out.join(format!("{nth}_{file}"));
        fs::write(&path, text)?;
        let module = file.trim_end_matches(".rs");
        let hosted = HOSTED.iter().chain([&CAUSAL]).find(|(name, _)| name == file);
        let hosted = hosted.ok_or_else(|| format!("who hosts {file}?"))?.1;
        writeln!(
            modules,
            "#[expect(warnings, reason = \"it is wrong on purpose\")]\nmod m{nth} {{\n    #[path = {path:?}]\n    pub mod {module};\n}}"
        )?;
        writeln!(
            list,
            "    ({chapter:?}, {id:?}, || {{\n        use m{nth} as chapter;\n        {hosted}\n    }}),"
        )?;
    }
    let all = format!(
        "{modules}\n/// Chapter, id, and what hosts it.\npub type Wrong = (&'static str, &'static str, fn() -> lab::Exercise);\n/// All that are chosen.\npub const ALL: [Wrong; {}] = [\n{list}];\n",
        CHOSEN.len()
    );
    fs::write(out.join("wrong.rs"), all)?;
    Ok(())
}

/// The files of a reference: name and text.
fn sources(folder: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder.join("src"))? {
        let path = entry?.path();
        let name = path.file_name().ok_or("a file without a name")?.to_string_lossy().into_owned();
        files.push((name, fs::read_to_string(&path)?));
    }
    Ok(files)
}
