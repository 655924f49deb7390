//! What a student hands in: the Rust files of one chapter, and nothing else.

use crate::error::Error;
use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Files of a submission.
const FILES_MAX: usize = 200;
/// One file, in bytes.
const FILE_MAX: u64 = 1 << 20;
/// All files, in bytes.
const TOTAL_MAX: u64 = 4 << 20;
/// Folders below `src`, one in the other.
const DEPTH_MAX: usize = 8;
/// Names looked at, other files included.
const NAMES_MAX: usize = 10_000;

/// The `src/**/*.rs` of a chapter: text by path, such as `src/lamport.rs`, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources {
    pub(crate) files: BTreeMap<String, String>,
    /// Files that cannot be part of a submission, and why: what needs them does not compile.
    pub(crate) unfit: BTreeMap<String, Unfit>,
}
/// Why a file cannot be part of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfit {
    /// What is wrong with it, as the rest of a sentence, and how to mend it.
    pub(crate) reason: String,
    /// The grader may not read it: that is no fault of the submission's.
    pub(crate) is_closed: bool,
}
impl Sources {
    /// Reads `chapter_dir/src`. Regular files named `*.rs` alone; what editors and archives leave there is ignored, and
    /// so are other files. A Rust file that cannot be read or is a link is kept in mind: the exercise that it is part of
    /// does not compile.
    ///
    /// # Errors
    /// Where there is no `src` folder that can be read; over 200 files, 4 MiB in all or 8 folders deep.
    pub fn read(chapter_dir: &Path) -> Result<Sources, Error> {
        Sources::read_from(CWD, chapter_dir, chapter_dir, OFlags::empty())
    }
    /// The same of a chapter's folder in a folder that somebody handed in: no link is followed below it.
    ///
    /// # Errors
    /// As [`Sources::read`]; and where the chapter's folder is a link.
    pub fn read_below(submission: &Path, chapter: &str) -> Result<Sources, Error> {
        let path = submission.join(chapter);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = openat(CWD, submission, flags, Mode::empty());
        let opened = opened
            .map_err(|error| Error::Unreadable { path: submission.to_owned(), source: error.into() })?;
        Sources::read_from(&opened, Path::new(chapter), &path, OFlags::NOFOLLOW)
    }
    fn read_from(at: impl AsFd, chapter: &Path, shown: &Path, links: OFlags) -> Result<Sources, Error> {
        let failed = |path: &Path, error: Errno| {
            let none = |reason| Error::NoSources { path: path.to_owned(), reason };
            match error {
                Errno::NOENT => none("is missing: the Rust files of the chapter belong there"),
                Errno::NOTDIR | Errno::LOOP => {
                    let is_link = std::fs::symlink_metadata(path).is_ok_and(|of| of.is_symlink());
                    none(match is_link {
                        true => {
                            "is a symbolic link, which is not followed: put the folder itself in its place"
                        }
                        false => {
                            "is not a folder: the Rust files of the chapter belong in a folder of this name"
                        }
                    })
                }
                error => Error::Unreadable { path: path.to_owned(), source: error.into() },
            }
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | links;
        let chapter = openat(at, chapter, flags, Mode::empty()).map_err(|error| failed(shown, error))?;
        let path = shown.join("src");
        let none = |reason| Error::NoSources { path: path.clone(), reason };
        let src = openat(chapter, "src", folder_flags(), Mode::empty());
        let src = src.map_err(|error| failed(&path, error))?;
        let mut reading = Reading::default();
        reading.folder(src, "", 0)?;
        if reading.sources.files.is_empty() && reading.sources.unfit.is_empty() {
            return Err(none("has no Rust files: the files of the chapter belong there"));
        }
        Ok(reading.sources)
    }
    /// Sources that are not in a folder, by path, such as `src/lib.rs`.
    pub fn of<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) -> Sources {
        let files = files.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
        Sources { files, unfit: BTreeMap::new() }
    }
    /// Path and text of every file, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }
    /// The text of a file such as `src/lib.rs`.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }
    /// The files that cannot be part of a submission, and what is wrong with them, sorted by path.
    pub fn unfit(&self) -> impl Iterator<Item = (&str, &str)> {
        self.unfit.iter().map(|(path, unfit)| (path.as_str(), unfit.reason.as_str()))
    }
    /// The paths that make up a module: `src/raft.rs`, `src/raft/…`.
    pub fn of_module<'a>(&'a self, module: &'a str) -> impl Iterator<Item = &'a str> {
        self.files.keys().map(String::as_str).filter(move |path| belongs(path, module))
    }
    /// These sources without those of `modules` that have nothing to do with the `wanted` ones: neither names the
    /// other, directly or by way of a third. Everything, where that is hard to tell.
    pub(crate) fn without_strangers(&self, modules: &BTreeSet<&str>, wanted: &BTreeSet<&str>) -> Sources {
        let declares = |line: &str, module: &str| {
            let line = line.trim();
            line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ").and_then(|l| l.strip_suffix(';'))
                == Some(module)
        };
        let code = |text: &str| -> String {
            text.lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .map(|l| format!("{l}\n"))
                .collect()
        };
        let root = code(self.get("src/lib.rs").unwrap_or_default());
        // A module is known by what it is called: a file that uses it writes that word, or a macro that it exports.
        let plain = |module: &str| {
            let lines: Vec<&str> = root.lines().collect();
            let at: Vec<usize> = (0..lines.len()).filter(|&n| names(lines[n], module)).collect();
            matches!(at[..], [n] if declares(lines[n], module) && (n == 0 || !lines[n - 1].trim().ends_with(']')))
        };
        let macros = self.files.values().any(|text| names(text, "macro_export"));
        if macros || !modules.iter().all(|module| plain(module)) {
            return self.clone();
        }
        let owner = |path: &str| modules.iter().copied().find(|module| belongs(path, module));
        let texts: Vec<(Option<&str>, String)> =
            self.files.iter().map(|(path, text)| (owner(path), code(text))).collect();
        let mut kept = wanted.clone();
        loop {
            let mut more = kept.clone();
            for (owner, text) in &texts {
                let named = modules.iter().copied().filter(|module| names(text, module));
                match owner {
                    Some(owner) if kept.contains(owner) => more.extend(named),
                    Some(owner) if named.clone().any(|module| kept.contains(module)) => {
                        more.insert(owner);
                    }
                    // what no exercise owns is kept, and so is all that it names; `lib.rs` but declares
                    None if text != &root => more.extend(named),
                    _ => {}
                }
            }
            if more == kept {
                break;
            }
            kept = more;
        }
        let mut files = self.files.clone();
        let mut unfit = self.unfit.clone();
        files.retain(|path, _| owner(path).is_none_or(|owner| kept.contains(owner)));
        unfit.retain(|path, _| owner(path).is_none_or(|owner| kept.contains(owner)));
        if let Some(root) = files.get_mut("src/lib.rs") {
            // the line stays, and so do the numbers of all others
            let line = |line: &str| match modules.iter().any(|m| !kept.contains(m) && declares(line, m)) {
                true => "\n".to_owned(),
                false => format!("{line}\n"),
            };
            *root = root.lines().map(line).collect();
        }
        Sources { files, unfit }
    }
    /// These sources with some modules taken from `other`.
    pub(crate) fn with_modules_of<'a>(
        &self,
        other: &Sources,
        modules: impl IntoIterator<Item = &'a str>,
    ) -> Sources {
        let Sources { mut files, mut unfit } = self.clone();
        for module in modules {
            files.retain(|path, _| !belongs(path, module));
            unfit.retain(|path, _| !belongs(path, module));
            files.extend(other.of_module(module).map(|path| (path.to_owned(), other.files[path].clone())));
        }
        Sources { files, unfit }
    }
}

/// Whether a file such as `src/raft/log.rs` is part of a module such as `raft`.
pub(crate) fn belongs(path: &str, module: &str) -> bool {
    let rest = path.strip_prefix("src/").and_then(|path| path.strip_prefix(module));
    rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// Whether a text holds this word, as code does.
fn names(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

#[derive(Default)]
struct Reading {
    sources: Sources,
    bytes: u64,
    names: usize,
}
impl Reading {
    /// Reads an open folder. Every name is opened relative to it, so that no link is followed on the way.
    fn folder(&mut self, folder: OwnedFd, prefix: &str, depth: usize) -> Result<(), Error> {
        let unreadable = |source: Errno| Error::Unreadable {
            path: Path::new("src").join(shown(prefix)),
            source: source.into(),
        };
        for entry in Dir::read_from(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            self.names += 1;
            if self.names > NAMES_MAX {
                return Err(too_much(
                    format!("over {NAMES_MAX} files in `src`"),
                    "move data and build output out of it",
                ));
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            if is_ignored(&name) {
                continue;
            }
            let path = format!("{prefix}{name}");
            let rust = name.ends_with(".rs");
            let kind = match entry.file_type() {
                FileType::Unknown => kind_of(&folder, entry.file_name()),
                kind => kind,
            };
            let is_folder = kind == FileType::Directory;
            match kind {
                _ if !rust && !is_folder && kind != FileType::Symlink => {}
                _ if entry.file_name().to_str().is_err() => {
                    if rust {
                        self.unfit(path, "has a name that is not UTF-8; rename it");
                    }
                }
                FileType::Directory => {
                    if depth + 1 > DEPTH_MAX {
                        let what = format!("folders over {DEPTH_MAX} deep in `src`");
                        return Err(too_much(what, "put modules closer to `src`"));
                    }
                    match openat(&folder, entry.file_name(), folder_flags(), Mode::empty()) {
                        Ok(inner) => self.folder(inner, &format!("{path}/"), depth + 1)?,
                        Err(error) => self.closed(format!("{path}/"), &error.into()),
                    }
                }
                // one to a folder may hold modules
                FileType::Symlink if rust => {
                    self.unfit(
                        path,
                        "is a symbolic link, which is not followed; put the file itself in its place",
                    );
                }
                FileType::Symlink if leads_to_a_folder(&folder, entry.file_name()) => {
                    let reason =
                        "is a symbolic link, which is not followed; put the folder itself in its place";
                    self.unfit(format!("{path}/"), reason);
                }
                FileType::Symlink => {}
                FileType::RegularFile => self.file(&folder, entry.file_name(), path)?,
                _ => self.unfit(path, "is not a regular file; remove it"),
            }
        }
        Ok(())
    }
    fn file(&mut self, folder: &OwnedFd, name: &std::ffi::CStr, path: String) -> Result<(), Error> {
        if self.sources.files.len() >= FILES_MAX {
            let what = format!("over {FILES_MAX} Rust files");
            return Err(too_much(what, "a chapter needs a few; remove what is not part of it"));
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let read = || -> std::io::Result<Result<Vec<u8>, &'static str>> {
            let file = openat(folder, name, flags, Mode::empty())?;
            if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
                return Ok(Err("is not a regular file; remove it"));
            }
            let mut bytes = Vec::new();
            File::from(file).take(FILE_MAX + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > FILE_MAX {
                return Ok(Err("is over 1 MiB; split it, or move data out of it"));
            }
            Ok(Ok(bytes))
        };
        let bytes = match read() {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(reason)) => {
                self.unfit(path, reason);
                return Ok(());
            }
            Err(error) => {
                self.closed(path, &error);
                return Ok(());
            }
        };
        self.bytes += bytes.len() as u64;
        if self.bytes > TOTAL_MAX {
            return Err(too_much("over 4 MiB of Rust".to_owned(), "remove what is not part of the chapter"));
        }
        match String::from_utf8(bytes) {
            Ok(text) => {
                self.sources.files.insert(format!("src/{path}"), text);
            }
            Err(error) => {
                let upto = error.utf8_error().valid_up_to();
                let line = error.as_bytes()[..upto].iter().filter(|byte| **byte == b'\n').count() + 1;
                self.unfit(path, format!("is not UTF-8 in line {line}; save it as UTF-8"));
            }
        }
        Ok(())
    }
    fn unfit(&mut self, path: String, reason: impl Into<String>) {
        let unfit = Unfit { reason: reason.into(), is_closed: false };
        self.sources.unfit.insert(format!("src/{}", shown(&path)), unfit);
    }
    fn closed(&mut self, path: String, error: &std::io::Error) {
        let reason = format!("cannot be read ({error}); let the user that grades read it");
        self.sources.unfit.insert(format!("src/{}", shown(&path)), Unfit { reason, is_closed: true });
    }
}

/// What editors, archives and file systems leave in a folder, beside hidden files of any kind: locks and backups of Emacs,
/// swap files, the other half of a file of macOS. No module has such a name.
fn is_ignored(name: &str) -> bool {
    name.starts_with(['.', '#']) || name.ends_with(['~', '#']) || name == "__MACOSX"
}
fn leads_to_a_folder(folder: &OwnedFd, name: &std::ffi::CStr) -> bool {
    let state = rustix::fs::statat(folder, name, rustix::fs::AtFlags::empty());
    state.is_ok_and(|state| FileType::from_raw_mode(state.st_mode) == FileType::Directory)
}

/// For file systems that do not tell with the name.
fn kind_of(folder: &OwnedFd, name: &std::ffi::CStr) -> FileType {
    let state = rustix::fs::statat(folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
    state.map_or(FileType::Unknown, |state| FileType::from_raw_mode(state.st_mode))
}

/// Names are the student's: nothing in them may move the cursor of a terminal.
fn shown(path: &str) -> String {
    path.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

fn too_much(what: String, help: &'static str) -> Error {
    Error::TooMuch { what, help }
}
