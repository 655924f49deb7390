//! What submissions are compiled against: `lab` and `guest`, compiled once for this machine.

use crate::archive::Archive;
use crate::cache::{self, Lease};
use crate::compiler::{self, FLAGS};
use crate::error::{At, Error};
use crate::limits;
use crate::machine::{self, Builder};
use crate::outcome::{Odd, Otherwise, Outcome};
use crate::toolchain::Toolchain;
use confine::{Layers, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// Kits kept in a cache: some toolchains, some versions of the harness.
const KITS_KEPT: usize = 4;
/// Names the crates of a kit; its time is when the kit was last used.
const RECORD: &str = "kit.json";
/// What is shown of what cargo said, in lines.
const SAID_LINES_MAX: usize = 20;
/// Processor time that a compiler may use for one crate of a submission.
const COMPILE_MAX: Duration = Duration::from_secs(60);

/// A step of preparing a kit, for a person who waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preparing {
    /// Another process prepares the same kit; this one waits for it.
    Waiting,
    /// The kit is compiled now. Happens once for each toolchain and version of the harness.
    Started {
        /// How long it takes on a small machine, in seconds.
        about_s: u32,
    },
    /// One crate of it is done.
    Compiled {
        /// Its name.
        name: String,
    },
}

/// `lab`, `guest` and `serde`, compiled, with the toolchain that did it.
#[derive(Debug, Clone)]
pub struct Kit {
    pub(crate) toolchain: Toolchain,
    /// Holds the crates and all that they depend on.
    pub(crate) libraries: PathBuf,
    pub(crate) crates: Crates,
    pub(crate) key: String,
    pub(crate) cache: PathBuf,
    pub(crate) compile_max: Duration,
    pub(crate) layers: Layers,
    pub(crate) optimised: bool,
    /// Its folder stays for as long as somebody builds with it.
    pub(crate) _lease: Option<Lease>,
}

/// File names in the kit's library folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Crates {
    pub(crate) lab: String,
    pub(crate) guest: String,
    pub(crate) serde: String,
}

impl Kit {
    /// The embedded kit for this machine's toolchain, from `cache` or compiled into it.
    ///
    /// The compiler is `$RUSTC`, else the `rustc` on the `PATH`. Safe to call from many processes at once.
    ///
    /// # Errors
    /// Where there is no toolchain or no linker, the cache cannot be written, or the kit does not compile:
    /// never the submission's fault.
    pub fn prepare(cache: &Path, progress: impl FnMut(Preparing)) -> Result<Kit, Error> {
        prepare(Archive::embedded_kit_hash(), Archive::embedded, cache, progress)
    }
    /// The same with the workspace in the folder `kit/` of another archive.
    ///
    /// # Errors
    /// As [`Kit::prepare`].
    pub fn prepare_from(
        archive: &Archive,
        cache: &Path,
        progress: impl FnMut(Preparing),
    ) -> Result<Kit, Error> {
        prepare(archive.hash("kit/"), || archive.clone(), cache, progress)
    }
    /// The same kit with another limit on the processor time that a compiler may use for one crate of a submission. The
    /// default is a minute.
    pub fn with_compile_max(self, compile_max: Duration) -> Kit {
        Kit { compile_max, ..self }
    }
    /// The same kit with another jail around the compiler. The default has all layers.
    pub fn with_layers(self, layers: Layers) -> Kit {
        Kit { layers, ..self }
    }
    /// The same kit, but submissions are not optimised: compiled in a quarter of the time, and slower. The gates judge most of
    /// theirs only for a moment.
    pub fn unoptimised(self) -> Kit {
        Kit { optimised: false, ..self }
    }
    /// What two kits share only if they build the same binaries.
    pub fn key(&self) -> &str {
        &self.key
    }
    pub(crate) fn builder(&self) -> Builder<'_> {
        Builder {
            toolchain: &self.toolchain,
            cache: &self.cache,
            is_jailed: self.layers.files,
            compile_max: self.compile_max,
        }
    }
    /// Whether the linker links, in the jail that it links submissions in.
    pub(crate) fn links(&self) -> Result<(), Error> {
        let scratch = tempfile::tempdir_in(&self.cache).at("cannot create a folder in", &self.cache)?;
        self.try_linker(scratch.path())
    }
    /// Builds the smallest lane, so that a linker's failure later is the submission's.
    fn try_linker(&self, scratch: &Path) -> Result<(), Error> {
        let dir = scratch.join("probe");
        fs::create_dir_all(&dir).at("cannot create", &dir)?;
        let main = dir.join("main.rs");
        fs::write(&main, "fn main() { guest::serve(vec![]) }\n").at("cannot write", &main)?;
        let outcome = compiler::main(self, &dir, &[])?;
        let _ = fs::remove_dir_all(&dir);
        match outcome {
            Outcome::Said(report) if report.succeeded => Ok(()),
            Outcome::Said(report) => {
                let said = report.messages.first().map(|first| first.message.clone()).unwrap_or_default();
                Err(Error::KitDoesNotBuild { said })
            }
            Outcome::Odd(odd) => Err(machine::found_by_control(self.builder(), scratch, &odd)),
        }
    }
}

/// `hash` tells the kit of `archive` from all others.
fn prepare(
    mut hash: Sha256,
    archive: impl FnOnce() -> Archive,
    cache: &Path,
    mut progress: impl FnMut(Preparing),
) -> Result<Kit, Error> {
    // Compilers run elsewhere than where this process stands.
    let cache = std::path::absolute(cache).at("cannot find", cache)?;
    machine::demand_a_plain_name(&cache)?;
    let toolchain = Toolchain::find()?;
    for field in [toolchain.version.as_str()].iter().chain(FLAGS) {
        cache::feed(&mut hash, field.as_bytes());
    }
    let key = cache::name(hash);
    let kits = cache.join("kits");
    let dir = kits.join(&key);
    let kit = |crates, lease| Kit {
        toolchain: toolchain.clone(),
        libraries: dir.join("lib"),
        crates,
        key: key.clone(),
        cache: cache.clone(),
        compile_max: COMPILE_MAX,
        layers: Layers::ALL,
        optimised: true,
        _lease: lease,
    };
    machine::private_folder(&cache)?;
    machine::demand_that_runs(&cache)?;
    if let Some((crates, lease)) = recorded(&dir) {
        return Ok(kit(crates, Some(lease)));
    }
    machine::private_folder(&kits)?;
    let lock_path = kits.join(format!("{key}.lock"));
    let lock = cache::open_lock(&lock_path).at("cannot write", &lock_path)?;
    if lock.try_lock().is_err() {
        progress(Preparing::Waiting);
        lock.lock().at("cannot lock", &lock_path)?;
    }
    if let Some((crates, lease)) = recorded(&dir) {
        return Ok(kit(crates, Some(lease)));
    }
    progress(Preparing::Started { about_s: 25 });
    let half_built = format!(".building-{key}-");
    remove_half_built(&kits, &half_built);
    let scratch = tempfile::Builder::new().prefix(&half_built).tempdir_in(&kits);
    let scratch = scratch.at("cannot create a folder in", &kits)?;
    let crates = compile(&archive(), &toolchain, &cache, scratch.path(), &mut progress)?;
    let built = Kit { libraries: scratch.path().join("lib"), ..kit(crates.clone(), None) };
    built.try_linker(scratch.path())?;

    let record = scratch.path().join(RECORD);
    let text = serde_json::to_vec(&crates).at("cannot write", &record)?;
    fs::write(&record, text).at("cannot write", &record)?;
    let _ = fs::remove_dir_all(&dir); // what is left of one that was being deleted
    fs::rename(scratch.path(), &dir).at("cannot create", &dir)?;
    let _ = scratch.keep();
    let lease = cache::lease(&dir.join(RECORD));
    let _ = cache::prune(&kits, RECORD, KITS_KEPT, &dir);
    Ok(kit(crates, lease))
}

fn recorded(dir: &Path) -> Option<(Crates, Lease)> {
    let record = dir.join(RECORD);
    let lease = cache::lease(&record)?;
    let crates: Crates = serde_json::from_slice(&fs::read(&record).ok()?).ok()?;
    let whole =
        [&crates.lab, &crates.guest, &crates.serde].iter().all(|name| dir.join("lib").join(name).is_file());
    whole.then_some((crates, lease))
}

/// The process that left these was killed: the lock is ours.
fn remove_half_built(kits: &Path, prefix: &str) {
    for entry in fs::read_dir(kits).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Compiles the kit in `scratch`; what is needed of it ends up in `scratch/lib`.
fn compile(
    archive: &Archive,
    toolchain: &Toolchain,
    cache: &Path,
    scratch: &Path,
    progress: &mut dyn FnMut(Preparing),
) -> Result<Crates, Error> {
    let (work, kit, lib) = (scratch.join("work"), scratch.join("work/kit"), scratch.join("lib"));
    archive.unpack("kit/", &kit)?;
    fs::create_dir_all(&lib).at("cannot create", &lib)?;
    let said = work.join("said");
    let stderr = File::create(&said).at("cannot write", &said)?;
    let linker = toolchain.linker.display();
    let flags = format!("--remap-path-prefix={}=kit\u{1f}-Clinker={linker}", kit.display());
    let mut cargo = limits::clean(&toolchain.cargo, &kit, &toolchain.path);
    // Cargo takes settings from the folder that it runs in and from all above, and the cache may lie below the user's home.
    cargo.current_dir("/").arg("build").arg("--manifest-path").arg(kit.join("Cargo.toml"));
    let vendored = kit.join("vendor");
    if vendored.is_dir() {
        let folder = serde_json::Value::from(vendored.display().to_string());
        cargo.arg("--config").arg("source.crates-io.replace-with=\"vendored\"");
        cargo.arg("--config").arg(format!("source.vendored.directory={folder}"));
    }
    let mut cargo = cargo
        .args(["--release", "--offline", "--locked", "-p", "lab", "-p", "guest"])
        .args(["--message-format", "json-render-diagnostics", "--color", "never"])
        .env("RUSTC", &toolchain.rustc)
        .env("CARGO_HOME", work.join("home"))
        .env("CARGO_TARGET_DIR", work.join("target"))
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .env("CARGO_BUILD_RUSTC_WRAPPER", "")
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .at("cannot run", &toolchain.cargo)?;
    let mut found = Found::default();
    for line in BufReader::new(cargo.stdout.take().expect("standard output is piped")).lines() {
        let line = line.at("cannot read the output of", &toolchain.cargo)?;
        if let Some(name) = found.artifact(&line, &lib)? {
            progress(Preparing::Compiled { name });
        }
    }
    let status = cargo.wait().at("cannot wait for", &toolchain.cargo)?;
    let crates = match found {
        Found { lab: Some(lab), guest: Some(guest), serde: Some(serde) } if status.success() => {
            Crates { lab, guest, serde }
        }
        _ => {
            let said = fs::read_to_string(&said).unwrap_or_default();
            let builder = Builder { toolchain, cache, is_jailed: false, compile_max: COMPILE_MAX };
            return Err(why_cargo_failed(builder, scratch, said));
        }
    };
    fs::remove_dir_all(&work).at("cannot delete", &work)?;
    Ok(crates)
}

fn why_cargo_failed(builder: Builder<'_>, scratch: &Path, said: String) -> Error {
    let is_linking = said.contains("linking with");
    let lines = said.lines().count().saturating_sub(SAID_LINES_MAX);
    let end = said.lines().skip(lines).collect::<Vec<_>>().join("\n");
    let otherwise = Otherwise::Error(Error::KitDoesNotBuild { said: format!("cargo said:\n{end}") });
    let how = "cargo fails".to_owned();
    let odd = Odd { signal: None, how, said, is_linking, usage: Usage::default(), otherwise };
    if is_linking {
        return machine::found_by_control(builder, scratch, &odd);
    }
    match (machine::cause(builder, scratch, &odd), odd.otherwise) {
        (Some(error), _) | (None, Otherwise::Error(error)) => error,
        (None, Otherwise::Report(_)) => unreachable!("made three lines above"),
    }
}

#[derive(Default)]
struct Found {
    lab: Option<String>,
    guest: Option<String>,
    serde: Option<String>,
}
impl Found {
    /// Copies what one message of cargo's announces; the crate's name, if it announces one.
    fn artifact(&mut self, line: &str, lib: &Path) -> Result<Option<String>, Error> {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return Ok(None) };
        if message["reason"] != "compiler-artifact" {
            return Ok(None);
        }
        let name = message["target"]["name"].as_str().unwrap_or_default().to_owned();
        for file in message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let file = Path::new(file);
            // A library has two names; the one among its dependencies is what other crates know it by.
            let file = match file.extension().and_then(|extension| extension.to_str()) {
                Some("rmeta") => file.with_extension("rlib"),
                Some("so" | "dylib") => file.to_owned(),
                _ => continue,
            };
            let Some(base) = file.file_name().and_then(|base| base.to_str()) else { continue };
            fs::copy(&file, lib.join(base)).at("cannot copy", &file)?;
            match name.as_str() {
                "lab" => self.lab = Some(base.to_owned()),
                "guest" => self.guest = Some(base.to_owned()),
                "serde" => self.serde = Some(base.to_owned()),
                _ => {}
            }
        }
        Ok(Some(name))
    }
}
