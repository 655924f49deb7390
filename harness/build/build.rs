//! Packs what the harness carries with it: the kit that submissions are compiled against, and the exercises.
//!
//! The kit is a cargo workspace of `lab`, `guest` and `world` with all that they need from the registry
//! vendored, so that a machine without a network can build it.

use serde_json::Value;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, error, fs, io};

type Result<T> = std::result::Result<T, Box<dyn error::Error>>;
type Files = BTreeMap<String, Vec<u8>>;

/// What a kit is made of: what a student imports, the runtime around it, the kernel for a student's own tests.
const MEMBERS: [&str; 3] = ["guest", "lab", "world"];
/// Folders of a package that no build of it reads.
const UNBUILT: [&str; 8] = ["tests", "benches", "examples", "docs", "doc", ".github", "ci", "target"];

/// Vendored crates must not name the place they came from: cargo replaces it with the folder.
const CONFIG: &str = "\
[source.crates-io]
replace-with = \"vendored\"

[source.vendored]
directory = \"vendor\"
";

fn main() -> Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../..").canonicalize()?;
    for member in MEMBERS {
        watch(&root.join("harness").join(member));
    }
    watch(&root.join("Cargo.toml"));
    watch(&root.join("Cargo.lock"));
    watch_exercises(&root.join("exercises"))?;
    watch(Path::new("build.rs"));
    watch(Path::new("src"));

    fs::write(out.join("kit.tar.gz"), pack(&kit(&root, &out.join("kit"))?)?)?;
    let exercises = tree(&root.join("exercises"), &["target", ".faultlines"])?;
    fs::write(out.join("exercises.tar.gz"), pack(&exercises)?)?;

    // What an older version of this crate left in a cache may say what this one would not.
    let mut hash = DefaultHasher::new();
    tree(Path::new("src"), &[])?.hash(&mut hash);
    println!("cargo:rustc-env=BUILD_SOURCES={:016x}", hash.finish());
    Ok(())
}

fn watch(path: &Path) {
    println!("cargo:rerun-if-changed={}", path.display());
}

/// The whole folder, unless somebody built in it: then all but its `target`.
fn watch_exercises(dir: &Path) -> Result<()> {
    if !dir.join("target").exists() {
        watch(dir);
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name() != "target" {
            watch(&entry.path());
        }
    }
    Ok(())
}

/// The files of the kit. `scratch` is where cargo may work out what is needed.
fn kit(root: &Path, scratch: &Path) -> Result<Files> {
    let mut files = Files::new();
    files.insert("Cargo.toml".to_owned(), workspace_manifest(root)?.into_bytes());
    for member in MEMBERS {
        let dir = root.join("harness").join(member);
        files.insert(format!("{member}/Cargo.toml"), member_manifest(&dir)?.into_bytes());
        for (path, bytes) in tree(&dir.join("src"), &[])? {
            files.insert(format!("{member}/src/{path}"), bytes);
        }
    }
    if scratch.exists() {
        fs::remove_dir_all(scratch)?;
    }
    write(scratch, &files)?;
    fs::copy(root.join("Cargo.lock"), scratch.join("Cargo.lock"))?;

    let metadata = metadata(scratch)?; // also prunes the lock file to what the members need
    let lock = fs::read_to_string(scratch.join("Cargo.lock"))?;
    vendor(&metadata, &lock, &mut files)?;
    files.insert("Cargo.lock".to_owned(), lock.into_bytes());
    files.insert(".cargo/config.toml".to_owned(), CONFIG.as_bytes().to_vec());
    fs::remove_dir_all(scratch)?;
    Ok(files)
}

/// The root manifest, cut down to the members of the kit.
fn workspace_manifest(root: &Path) -> Result<String> {
    let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    let mut workspace = manifest["workspace"].as_table().ok_or("the root has no [workspace]")?.clone();
    for key in ["default-members", "exclude"] {
        workspace.remove(key);
    }
    workspace.insert("members".to_owned(), MEMBERS.to_vec().into());
    let dependencies = workspace["dependencies"].as_table_mut().ok_or("no [workspace.dependencies]")?;
    dependencies.retain(|name, spec| spec.get("path").is_none() || MEMBERS.contains(&name));
    for member in MEMBERS {
        dependencies
            .insert(member.to_owned(), toml::Table::from_iter([("path".to_owned(), member.into())]).into());
    }
    let mut release = manifest["profile"]["release"].as_table().ok_or("no [profile.release]")?.clone();
    release.insert("debug".to_owned(), false.into()); // nobody debugs through them, and every link would copy it
    if let Some(of) = release.get_mut("package").and_then(|package| package.as_table_mut()) {
        of.retain(|name, _| MEMBERS.contains(&name));
    }
    let profile = toml::Table::from_iter([("release".to_owned(), release.into())]);
    let kit = toml::Table::from_iter([
        ("workspace".to_owned(), workspace.into()),
        ("profile".to_owned(), profile.into()),
    ]);
    Ok(kit.to_string())
}

/// A member's manifest without what only its own tests need: they are all libraries.
fn member_manifest(dir: &Path) -> Result<String> {
    let mut manifest: toml::Table = fs::read_to_string(dir.join("Cargo.toml"))?.parse()?;
    for key in ["dev-dependencies", "bin", "test", "bench", "example"] {
        manifest.remove(key);
    }
    Ok(manifest.to_string())
}

fn metadata(workspace: &Path) -> Result<Value> {
    let run = |offline: &[&str]| {
        Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
            .args(["metadata", "--format-version", "1"])
            .args(offline)
            .current_dir(workspace)
            .output()
    };
    let mut output = run(&["--offline"])?;
    if !output.status.success() {
        // Something that this crate does not need itself was never fetched: get it as cargo would.
        output = run(&[])?;
    }
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Adds every registry crate of the lock file, laid out as `cargo vendor` does.
fn vendor(metadata: &Value, lock: &str, files: &mut Files) -> Result<()> {
    let lock: toml::Table = lock.parse()?;
    let locked = lock["package"].as_array().ok_or("the lock file has no packages")?;
    for package in metadata["packages"].as_array().ok_or("no packages")? {
        if package["source"].is_null() {
            continue;
        }
        let field = |name: &str| package[name].as_str().ok_or(format!("a package has no {name}"));
        let (name, version) = (field("name")?, field("version")?);
        let text =
            |entry: &toml::Value, key: &str| entry.get(key).and_then(|v| v.as_str()).map(str::to_owned);
        let sum = locked
            .iter()
            .find(|e| {
                text(e, "name").as_deref() == Some(name) && text(e, "version").as_deref() == Some(version)
            })
            .and_then(|entry| text(entry, "checksum"))
            .ok_or(format!("the lock file has no checksum for {name} {version}"))?;
        let dir = Path::new(field("manifest_path")?).parent().ok_or("a manifest without a folder")?;
        let folder = format!("vendor/{name}-{version}");
        for (path, bytes) in tree(dir, &UNBUILT)? {
            let extension = Path::new(&path).extension().and_then(|e| e.to_str());
            let kept = path == "Cargo.toml"
                || path.starts_with("LICENSE")
                || matches!(extension, Some("rs" | "in"))
                || (extension == Some("md") && mentions_file(dir, &path));
            if kept {
                files.insert(format!("{folder}/{path}"), bytes);
            }
        }
        let checksum = serde_json::json!({ "files": {}, "package": sum });
        files.insert(format!("{folder}/.cargo-checksum.json"), checksum.to_string().into_bytes());
    }
    Ok(())
}

/// Whether the crate's root includes this page as its documentation.
fn mentions_file(dir: &Path, page: &str) -> bool {
    fs::read_to_string(dir.join("src/lib.rs")).is_ok_and(|root| root.contains(page))
}

/// Regular files below `dir`, by path with `/`; folders named in `skipped` are left out, links too.
fn tree(dir: &Path, skipped: &[&str]) -> io::Result<Files> {
    let mut files = Files::new();
    let mut pending = vec![String::new()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(dir.join(&folder))? {
            let entry = entry?;
            let name =
                entry.file_name().into_string().map_err(|_| io::Error::other("a name is not UTF-8"))?;
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let kind = entry.file_type()?;
            if kind.is_dir() && !skipped.contains(&name.as_str()) {
                pending.push(path);
            } else if kind.is_file() {
                files.insert(path, fs::read(entry.path())?);
            }
        }
    }
    Ok(files)
}

fn write(dir: &Path, files: &Files) -> io::Result<()> {
    for (path, bytes) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        fs::write(path, bytes)?;
    }
    Ok(())
}

/// The same bytes for the same files: sorted, without times and owners.
fn pack(files: &Files) -> io::Result<Vec<u8>> {
    let packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut tar = tar::Builder::new(packer);
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        tar.append_data(&mut header, path, &bytes[..])?;
    }
    tar.into_inner()?.finish()
}
