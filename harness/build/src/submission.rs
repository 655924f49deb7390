//! Compiling a submission: all of it if possible, else as much of it as compiles.

use crate::cache::{self, Lease, Scratch};
use crate::compiler;
use crate::diagnostics::{Diagnostics, Message, Place};
use crate::error::{At, Error};
use crate::kit::Kit;
use crate::machine;
use crate::outcome::{Odd, Otherwise, Outcome, Report};
use crate::sources::{Sources, Unfit, belongs};
use crate::statics::{self, Found};
use crate::tokens;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Binaries kept in a cache, some 2 MB each.
const LANES_KEPT: usize = 64;
/// Tells what could not be compiled; its time is when the binary was last used.
const RECORD: &str = "lane.json";
const BINARY: &str = "lane";
const MAIN: &str = "main.rs";
/// Processor time that a compiler may use for one exercise, where it did not survive all of them together.
const ALONE_MAX: Duration = Duration::from_secs(10);
/// Characters of a line of code that are shown.
const LINE_MAX: usize = 120;
/// What to do about unsafe code.
const SAFE: &str = "no exercise needs unsafe code, and none is graded with it; write this in safe Rust";
/// It calls the n-th exercise on this line, counted from 0 and 1.
const FIRST_LINE: usize = 3;
/// Chooses among many variants.
const SELECT: &str = " chapter::select_variant();";

/// An exercise of a chapter, and how it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its id.
    pub exercise: String,
    /// What a student calls it, such as `7/lamport`.
    pub name: String,
    /// The modules it is made of: files or folders of `src`, without `.rs`.
    pub modules: Vec<String>,
    /// A Rust expression of type `lab::Exercise`, in which the student's crate is named `chapter`.
    pub entry: String,
}

impl Target {
    pub(crate) fn modules(&self) -> impl Iterator<Item = &str> {
        self.modules.iter().map(String::as_str)
    }
}

/// A submission, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// A program that serves the exercises of all targets. It lies in the cache: use it soon, do not keep it.
    pub binary: PathBuf,
    /// What two builds share only if harness, kit, sources, skeleton and targets are the same.
    pub key: String,
    /// The exercises that do not compile, by id, and why. In the binary they are the skeleton's.
    pub broken: BTreeMap<String, Diagnostics>,
    /// State outside nodes, by path: statics that can change and thread-locals ([`statics::inspect`]).
    pub statics: Vec<String>,
    /// Keeps the binary from being deleted. Where the cache cannot be written, there is none.
    pub lease: Option<Lease>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) broken: BTreeMap<String, Diagnostics>,
    pub(crate) statics: Vec<String>,
    /// Variants that do not compile, and why.
    #[serde(default)]
    pub(crate) refused: BTreeMap<u32, String>,
}

impl Kit {
    /// Compiles a submission to one program that serves the targets. What is unchanged comes from the cache.
    ///
    /// Modules of `others`, exercises that nobody asked for, are left out where nothing needs them: an edit is
    /// compiled in a fraction of the time of its chapter, and what is wrong elsewhere does not matter.
    ///
    /// An exercise whose modules do not compile is replaced by the skeleton's modules, and so is one that
    /// depends on it and no longer compiles.
    ///
    /// # Errors
    /// Where errors are in files of no exercise, or the compiler does not survive the code, or reads what is
    /// not part of the submission; where the machine fails ([`Error::is_submission_fault`]).
    pub fn build(
        &self,
        sources: &Sources,
        skeleton: &Sources,
        targets: &[Target],
        others: &[Target],
    ) -> Result<Built, Error> {
        let root = "src/lib.rs";
        if sources.get(root).is_none() {
            let missing = || Unfit { reason: "is missing".to_owned(), is_closed: false };
            return Err(unfit_error(root, &sources.unfit.get(root).cloned().unwrap_or_else(missing)));
        }
        let wanted: BTreeSet<&str> = targets.iter().flat_map(Target::modules).collect();
        let modules = others.iter().flat_map(Target::modules).chain(wanted.iter().copied()).collect();
        let fewer = sources.without_strangers(&modules, &wanted);
        let fewer_skeleton = &skeleton.without_strangers(&modules, &wanted);
        let built = match self.build_these(&fewer, fewer_skeleton, targets, &[]) {
            // a module may have been needed after all
            Ok(built) if built.broken.is_empty() || fewer == *sources => Ok(built),
            Err(error) if fewer == *sources || !matches!(error, Error::DoesNotCompile(_)) => Err(error),
            Ok(_) | Err(_) => {
                self.build_these(&self.mended(sources, skeleton, others), skeleton, targets, &[])
            }
        };
        match built {
            Err(Error::CompilerCrashed { .. } | Error::CompilerTooSlow { .. }) if targets.len() > 1 => {
                self.build_without_culprits(sources, skeleton, targets, others)
            }
            Err(Error::DoesNotCompile(said)) => Err(match sources.unfit.iter().next() {
                Some((path, unfit)) => unfit_error(path, unfit),
                None => Error::DoesNotCompile(said),
            }),
            built => built,
        }
    }
    /// The sources with the skeleton's modules where nobody asked for them and their files are unfit.
    fn mended(&self, sources: &Sources, skeleton: &Sources, others: &[Target]) -> Sources {
        let unfit = |module: &&str| sources.unfit.keys().any(|path| belongs(path, module));
        sources.with_modules_of(skeleton, others.iter().flat_map(Target::modules).filter(unfit))
    }
    /// One exercise makes the compiler crash, or never end. Finds out which by compiling each alone, for a shorter time,
    /// and puts the skeleton in its place.
    fn build_without_culprits(
        &self,
        sources: &Sources,
        skeleton: &Sources,
        targets: &[Target],
        others: &[Target],
    ) -> Result<Built, Error> {
        let kit = self.clone().with_compile_max(self.compile_max.min(ALONE_MAX));
        let mut culprits = BTreeMap::new();
        for target in targets {
            let rest: Vec<Target> =
                targets.iter().filter(|other| *other != target).chain(others).cloned().collect();
            match kit.build(sources, skeleton, std::slice::from_ref(target), &rest) {
                Err(error @ (Error::CompilerCrashed { .. } | Error::CompilerTooSlow { .. })) => {
                    culprits.insert(target.exercise.clone(), Diagnostics::sentence(error.to_string()));
                }
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        let (culprits, broken): (Vec<String>, _) = (culprits.keys().cloned().collect(), culprits);
        let mut built =
            self.build_these(&self.mended(sources, skeleton, others), skeleton, targets, &culprits)?;
        built.broken.extend(broken);
        Ok(built)
    }

    fn build_these(
        &self,
        sources: &Sources,
        skeleton: &Sources,
        targets: &[Target],
        culprits: &[String],
    ) -> Result<Built, Error> {
        let key = self.key_of(sources, skeleton, targets, &format!("one without {culprits:?}"));
        let (binary, record, lease) = self.cached(&key, |scratch| {
            Building { kit: self, scratch, skeleton, targets, selects: false }.run(sources, culprits)
        })?;
        Ok(Built { binary, key, broken: record.broken, statics: record.statics, lease })
    }

    /// The binary of this key and what is known of it, from the cache; or else built, in the folder `lane` of a scratch
    /// folder.
    pub(crate) fn cached(
        &self,
        key: &str,
        build: impl FnOnce(&Path) -> Result<Record, Error>,
    ) -> Result<(PathBuf, Record, Option<Lease>), Error> {
        let lanes = self.cache.join("lanes");
        let dir = lanes.join(key);
        if let Some((record, lease)) = recorded(&dir) {
            return Ok((dir.join(BINARY), record, Some(lease)));
        }
        machine::private_folder(&lanes)?;
        let scratch = Scratch::new(&lanes).at("cannot create a folder in", &lanes)?;
        let scratch = scratch.dir.path();
        let record = build(scratch)?;

        let done = tempfile::tempdir_in(&lanes).at("cannot create a folder in", &lanes)?;
        let path = done.path().join(BINARY);
        fs::rename(scratch.join("lane").join(BINARY), &path).at("cannot write", &path)?;
        let path = done.path().join(RECORD);
        fs::write(&path, serde_json::to_vec(&record).at("cannot write", &path)?).at("cannot write", &path)?;
        if fs::rename(done.path(), &dir).is_ok() {
            let _ = done.keep();
        } else if recorded(&dir).is_none() {
            // Neither ours nor that of somebody who was faster: a remainder.
            fs::remove_dir_all(&dir).at("cannot delete", &dir)?;
            fs::rename(done.path(), &dir).at("cannot create", &dir)?;
            let _ = done.keep();
        }
        let lease = cache::lease(&dir.join(RECORD));
        let _ = cache::prune(&lanes, RECORD, LANES_KEPT, &dir);
        Ok((dir.join(BINARY), record, lease))
    }

    /// `how` tells binaries of the same sources apart.
    pub(crate) fn key_of(
        &self,
        sources: &Sources,
        skeleton: &Sources,
        targets: &[Target],
        how: &str,
    ) -> String {
        let mut hash = Sha256::new();
        cache::feed(&mut hash, env!("BUILD_SOURCES").as_bytes());
        cache::feed(&mut hash, self.key.as_bytes());
        // what a compiler may read is in what it says
        cache::feed(&mut hash, format!("{:?}", self.layers).as_bytes());
        cache::feed(&mut hash, &[u8::from(self.optimised)]);
        cache::feed(&mut hash, how.as_bytes());
        for (name, sources) in [("submission", sources), ("skeleton", skeleton)] {
            cache::feed(&mut hash, name.as_bytes());
            for (path, text) in sources.files() {
                cache::feed(&mut hash, path.as_bytes());
                cache::feed(&mut hash, text.as_bytes());
            }
            for (path, reason) in sources.unfit() {
                cache::feed(&mut hash, path.as_bytes());
                cache::feed(&mut hash, reason.as_bytes());
            }
        }
        for target in targets {
            cache::feed(&mut hash, b"target");
            for field in [&target.exercise, &target.entry].into_iter().chain(&target.modules) {
                cache::feed(&mut hash, field.as_bytes());
            }
        }
        cache::name(hash)
    }
}

fn unfit_error(path: &str, unfit: &Unfit) -> Error {
    let (path, reason) = (path.to_owned(), unfit.reason.clone());
    match unfit.is_closed {
        true => Error::Closed { path, reason },
        false => Error::UnfitSource { path, reason },
    }
}

fn recorded(dir: &Path) -> Option<(Record, Lease)> {
    let path = dir.join(RECORD);
    let lease = cache::lease(&path)?;
    let record = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
    dir.join(BINARY).is_file().then_some((record, lease))
}

/// One build. The chapter, the skeleton and `main.rs` have a folder each.
pub(crate) struct Building<'a> {
    pub(crate) kit: &'a Kit,
    pub(crate) scratch: &'a Path,
    pub(crate) skeleton: &'a Sources,
    pub(crate) targets: &'a [Target],
    /// The chapter holds many variants, one of which is selected when the program starts.
    pub(crate) selects: bool,
}
impl Building<'_> {
    fn run(&self, submission: &Sources, culprits: &[String]) -> Result<Record, Error> {
        let mut broken = self.missing(submission)?;
        for exercise in culprits {
            broken.entry(exercise.clone()).or_insert_with(|| Diagnostics::sentence(String::new()));
        }
        broken.extend(self.unsafe_modules(submission)?);
        let chapter = self.scratch.join("chapter");
        let mut sources = self.replaced(submission, &broken);
        while broken.len() < self.targets.len() {
            let report = self.compile(&sources, &chapter, "chapter")?;
            if report.succeeded {
                break;
            }
            let found = self.blame(&report, &sources, &broken);
            if found.is_empty() {
                return Err(Error::DoesNotCompile(everything(&report, &sources)));
            }
            broken.extend(found);
            sources = self.replaced(submission, &broken);
        }
        loop {
            let report = self.lane(&broken)?;
            if report.succeeded {
                break;
            }
            let found = self.blame(&report, &sources, &broken);
            if found.is_empty() {
                return Err(Error::DoesNotCompile(everything(&report, &sources)));
            }
            broken.extend(found);
        }
        let rlib = chapter.join("libchapter.rlib");
        let found =
            if broken.len() < self.targets.len() { statics::inspect(&rlib)? } else { Found::default() };
        if let Some(what) = found.forbidden.into_iter().next() {
            return Err(Error::Forbidden { what });
        }
        Ok(Record { broken, statics: found.mutable, refused: BTreeMap::new() })
    }

    /// Compiles and links the program.
    pub(crate) fn lane(&self, broken: &BTreeMap<String, Diagnostics>) -> Result<Report, Error> {
        let dir = self.scratch.join("lane");
        fs::create_dir_all(&dir).at("cannot create", &dir)?;
        let main = dir.join(MAIN);
        fs::write(&main, self.main_rs(broken)).at("cannot write", &main)?;
        let crates = self.crates(broken)?;
        self.judged(|| compiler::main(self.kit, &dir, &crates))
    }

    /// What the compiler says of code, once it is certain that the code is to blame.
    fn judged(&self, compile: impl Fn() -> Result<Outcome, Error>) -> Result<Report, Error> {
        let mut odd = match compile()? {
            Outcome::Said(report) => return Ok(report),
            Outcome::Odd(odd) => odd,
        };
        self.look_for_a_cause(&odd)?;
        if odd.was_killed() {
            // once may be an accident
            odd = match compile()? {
                Outcome::Said(report) => return Ok(report),
                Outcome::Odd(odd) => odd,
            };
            self.look_for_a_cause(&odd)?;
        }
        self.control()?;
        if let Some(fault) = machine::killed(&odd) {
            return Err(fault);
        }
        match odd.otherwise {
            Otherwise::Report(report) => Ok(report),
            Otherwise::Error(error) => Err(error),
        }
    }
    fn look_for_a_cause(&self, odd: &Odd) -> Result<(), Error> {
        machine::cause(self.kit.builder(), self.scratch, odd).map_or(Ok(()), Err)
    }
    /// Builds the skeleton: fails where the machine does.
    fn control(&self) -> Result<(), Error> {
        let dir = self.scratch.join("control");
        let found = |outcome| match outcome {
            Outcome::Said(report) if report.succeeded => Ok(()),
            Outcome::Said(report) => Err(Error::SkeletonDoesNotCompile(everything(&report, self.skeleton))),
            Outcome::Odd(odd) => Err(machine::found_by_control(self.kit.builder(), self.scratch, &odd)),
        };
        let mut crates = Vec::new();
        let mut main = "fn main() { guest::serve(vec![]) }\n".to_owned();
        if self.skeleton.get("src/lib.rs").is_some() {
            let skeleton = dir.join("skeleton");
            self.write(self.skeleton, &skeleton)?;
            found(compiler::library(self.kit, &skeleton, "skeleton")?)?;
            crates.push(("skeleton", skeleton.join("libskeleton.rlib")));
            let all = self.targets.iter().map(|target| target.exercise.clone());
            let none = || Diagnostics::sentence(String::new());
            main = self.main_rs(&all.map(|exercise| (exercise, none())).collect()).replace(SELECT, "");
        }
        let lane = dir.join("lane");
        fs::create_dir_all(&lane).at("cannot create", &lane)?;
        let file = lane.join(MAIN);
        fs::write(&file, main).at("cannot write", &file)?;
        found(compiler::main(self.kit, &lane, &crates)?)?;
        fs::remove_dir_all(&dir).at("cannot delete", &dir)
    }
    fn write(&self, sources: &Sources, dir: &Path) -> Result<(), Error> {
        let _ = fs::remove_dir_all(dir);
        for (path, text) in sources.files() {
            let path = dir.join(path);
            let parent = path.parent().unwrap_or(dir);
            fs::create_dir_all(parent).at("cannot create", parent)?;
            fs::write(&path, text).at("cannot write", &path)?;
        }
        Ok(())
    }

    /// Exercises with a module of which there is no file.
    fn missing(&self, submission: &Sources) -> Result<BTreeMap<String, Diagnostics>, Error> {
        let mut broken = BTreeMap::new();
        for target in self.targets {
            let unfit =
                submission.unfit.iter().find(|(path, _)| target.modules().any(|of| belongs(path, of)));
            let gone = target.modules().find(|module| submission.of_module(module).next().is_none());
            let text = match (unfit, gone) {
                (Some((path, unfit)), _) if unfit.is_closed => return Err(unfit_error(path, unfit)),
                (Some((path, unfit)), _) => format!("{path} {}", unfit.reason),
                (None, Some(module)) => format!(
                    "src/{module}.rs is missing; `faultlines reset {}` brings it back. An exercise is found by the name of its \
                     file: a module elsewhere, by way of `#[path]` or in lib.rs, is not",
                    target.name
                ),
                (None, None) => continue,
            };
            broken.insert(target.exercise.clone(), Diagnostics::sentence(text));
        }
        Ok(broken)
    }

    /// Exercises with unsafe code in one of their files. No compiler gets to see it: what its lints know of is not all there is.
    fn unsafe_modules(&self, submission: &Sources) -> Result<BTreeMap<String, Diagnostics>, Error> {
        let mut broken = BTreeMap::new();
        for (path, text) in submission.files() {
            let Some(tokens::Refused { word, line, text }) = tokens::refused(text) else { continue };
            let owners = self.owners((path, line));
            if owners.is_empty() {
                let reason = format!("has `{word}` in line {line}; {SAFE}");
                return Err(Error::UnfitSource { path: path.to_owned(), reason });
            }
            for owner in owners {
                let said = format!(
                    "error: `{word}` is refused: {SAFE}\n --> {path}:{line}\n{line} | {}",
                    shown(text)
                );
                broken.insert(owner.to_owned(), Diagnostics::sentence(said));
            }
        }
        Ok(broken)
    }

    /// The submission with the modules of broken exercises taken from the skeleton.
    fn replaced(&self, submission: &Sources, broken: &BTreeMap<String, Diagnostics>) -> Sources {
        let targets = self.targets.iter().filter(|target| broken.contains_key(&target.exercise));
        submission
            .with_modules_of(self.skeleton, targets.flat_map(|target| &target.modules).map(String::as_str))
    }

    pub(crate) fn compile(&self, sources: &Sources, dir: &Path, name: &str) -> Result<Report, Error> {
        self.write(sources, dir)?;
        let report = self.judged(|| compiler::library(self.kit, dir, name))?;
        if report.succeeded {
            let list = dir.join(format!("{name}.d"));
            let list = fs::read_to_string(&list).at("cannot read", list)?;
            let read = list.lines().filter_map(|line| line.strip_suffix(':'));
            if let Some(path) =
                read.map(|path| path.replace("\\ ", " ")).find(|path| sources.get(path).is_none())
            {
                return Err(Error::ReadsOutside { path: path.escape_debug().to_string() });
            }
        }
        Ok(report)
    }

    /// The crates that `main.rs` names.
    fn crates(&self, broken: &BTreeMap<String, Diagnostics>) -> Result<Vec<(&'static str, PathBuf)>, Error> {
        let mut crates = Vec::new();
        if broken.len() < self.targets.len() {
            crates.push(("chapter", self.scratch.join("chapter/libchapter.rlib")));
        }
        if !broken.is_empty() {
            let dir = self.scratch.join("skeleton");
            let rlib = dir.join("libskeleton.rlib");
            if !rlib.exists() {
                let report = self.compile(self.skeleton, &dir, "skeleton")?;
                if !report.succeeded {
                    return Err(Error::SkeletonDoesNotCompile(everything(&report, self.skeleton)));
                }
            }
            crates.push(("skeleton", rlib));
        }
        Ok(crates)
    }

    /// One line for each exercise, so that an error there is that exercise's.
    fn main_rs(&self, broken: &BTreeMap<String, Diagnostics>) -> String {
        let selection = if self.selects { SELECT } else { "" };
        let mut text = format!("fn main() {{{selection}\n    guest::serve(vec![\n");
        for target in self.targets {
            let entry = target.entry.replace('\n', " ");
            let _ = if broken.contains_key(&target.exercise) {
                writeln!(text, "        {{ use skeleton as chapter; {entry} }},")
            } else {
                writeln!(text, "        {entry},")
            };
        }
        text + "    ])\n}\n"
    }

    /// The exercises not yet broken that these errors are in, and the errors that each of them gets to see.
    fn blame(
        &self,
        report: &Report,
        sources: &Sources,
        broken: &BTreeMap<String, Diagnostics>,
    ) -> BTreeMap<String, Diagnostics> {
        let ours = |path: &str| path == MAIN || sources.get(path).is_some();
        let mut blamed: BTreeMap<&str, Vec<&Message>> = BTreeMap::new();
        for error in report.errors() {
            let owners: BTreeSet<&str> =
                error.places(&ours).into_iter().flat_map(|at| self.owners(at)).collect();
            for owner in owners.into_iter().filter(|owner| !broken.contains_key(*owner)) {
                blamed.entry(owner).or_default().push(error);
            }
        }
        let said = |exercise: &str, errors: &[&Message]| {
            let mut said = Diagnostics::of(errors, report.warnings(), sources);
            let target = self.targets.iter().find(|target| target.exercise == exercise);
            if let Some(target) = target.filter(|_| errors.iter().any(|error| in_main(&error.places(&ours))))
            {
                said = said.and(&format!(
                    "The harness uses this exercise as `{}`, where `chapter` is src/lib.rs",
                    target.entry
                ));
            }
            if !broken.is_empty() {
                let gone = broken.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                said = said
                    .and(&format!("This is after the skeleton took the place of {gone}: mend that first"));
            }
            said
        };
        blamed.iter().map(|(exercise, errors)| ((*exercise).to_owned(), said(exercise, errors))).collect()
    }

    fn owners(&self, (path, line): (&str, usize)) -> Vec<&str> {
        if path == MAIN {
            return self
                .targets
                .get(line.wrapping_sub(FIRST_LINE))
                .map(|t| t.exercise.as_str())
                .into_iter()
                .collect();
        }
        let owns = |target: &&Target| target.modules.iter().any(|module| belongs(path, module));
        self.targets.iter().filter(owns).map(|target| target.exercise.as_str()).collect()
    }
}

/// A line of code, not all of it where it is long.
fn shown(line: &str) -> String {
    let (mut chars, begin) = (line.chars(), line.chars().take(LINE_MAX));
    if chars.nth(LINE_MAX).is_some() { begin.chain(['…']).collect() } else { begin.collect() }
}

pub(crate) fn everything(report: &Report, sources: &Sources) -> Diagnostics {
    Diagnostics::of(&report.errors().collect::<Vec<_>>(), report.warnings(), sources)
}

fn in_main(places: &[Place]) -> bool {
    places.iter().any(|(path, _)| *path == MAIN)
}
