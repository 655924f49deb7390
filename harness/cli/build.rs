//! Says what judging is made of: results that are kept hold as long as it is the same. Packs the solutions, which `faultlines solution`
//! shows to those who have passed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, error, fs, io};

/// What runs and judges worlds, beside the suite of a chapter.
const JUDGING: [&str; 6] =
    ["harness/consistency", "harness/host", "harness/judge", "harness/lab", "harness/world", "tests/kit"];

fn main() -> Result<(), Box<dyn error::Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    println!("cargo:rerun-if-changed=build.rs");
    let mut common = DefaultHasher::new();
    for folder in JUDGING {
        hash(&root.join(folder).join("src"), &mut common)?;
    }
    // by chapter number
    let mut text = "const SUITES: &[(u8, u64)] = &[".to_owned();
    let tests = root.join("tests");
    println!("cargo:rerun-if-changed={}", tests.display());
    let mut chapters = BTreeMap::new();
    for entry in fs::read_dir(&tests)? {
        let entry = entry?;
        let number = entry.file_name().to_str().and_then(|name| name.strip_prefix("ch")?.parse::<u8>().ok());
        if let Some(number) = number {
            chapters.insert(number, entry.path());
        }
    }
    for (number, folder) in chapters {
        let mut of_chapter = common.clone();
        hash(&folder.join("src"), &mut of_chapter)?;
        write!(text, "({number}, {}),", of_chapter.finish())?;
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("suites.rs"), text + "];\n")?;
    fs::write(out.join("solutions.rs"), solutions(&root)?)?;
    Ok(())
}

/// The references and the second solutions as Rust source: pairs of a path in the repository and a text.
fn solutions(root: &Path) -> Result<String, Box<dyn error::Error>> {
    let mut list = String::from("&[\n");
    for (folder, sources) in [("solutions", "src"), ("tests", "second/src")] {
        for chapter in entries(&root.join(folder))?.into_values() {
            let sources = chapter.join(sources);
            if !sources.is_dir() {
                continue;
            }
            println!("cargo:rerun-if-changed={}", sources.display());
            for file in entries(&sources)?.into_values() {
                let name = file.strip_prefix(root)?.display().to_string();
                writeln!(list, "    ({name:?}, include_str!({:?})),", file.display().to_string())?;
            }
        }
    }
    Ok(list + "]")
}
/// What is in a folder, by name.
fn entries(folder: &Path) -> io::Result<BTreeMap<OsString, PathBuf>> {
    fs::read_dir(folder)?.map(|entry| entry.map(|entry| (entry.file_name(), entry.path()))).collect()
}

/// Every file below a folder, by name.
fn hash(folder: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", folder.display());
    for (name, path) in entries(folder)? {
        name.hash(hasher);
        if path.is_dir() {
            hash(&path, hasher)?;
        } else {
            fs::read(&path)?.hash(hasher);
        }
    }
    Ok(())
}
