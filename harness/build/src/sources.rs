//! What a student hands in: the Rust files of one chapter, and nothing else.

use crate::error::Error;
use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, fstat, openat};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
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
}
impl Sources {
    /// Reads `chapter_dir/src`. Regular files alone: links are refused, other files than `*.rs` ignored.
    ///
    /// # Errors
    /// Where there is no `src` folder or file in it that can be read; where a file is no regular UTF-8 file;
    /// over 200 files, 1 MiB a file, 4 MiB in all or 8 folders deep.
    pub fn read(chapter_dir: &Path) -> Result<Sources, Error> {
        let missing = || Error::NoSources(chapter_dir.to_owned());
        let chapter =
            openat(CWD, chapter_dir, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let src = openat(chapter.map_err(|_| missing())?, "src", folder_flags(), Mode::empty());
        let mut reading = Reading::default();
        reading.folder(src.map_err(|_| missing())?, "", 0)?;
        if reading.sources.files.is_empty() {
            return Err(missing());
        }
        Ok(reading.sources)
    }
    /// Sources that are not in a folder, by path, such as `src/lib.rs`.
    pub fn of<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) -> Sources {
        Sources { files: files.into_iter().map(|(path, text)| (path.into(), text.into())).collect() }
    }
    /// Path and text of every file, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }
    /// The text of a file such as `src/lib.rs`.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
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
        // A module is known by what it is called: whoever uses it writes that word, or a macro that it exports.
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
        files.retain(|path, _| owner(path).is_none_or(|owner| kept.contains(owner)));
        if let Some(root) = files.get_mut("src/lib.rs") {
            // the line stays, and so do the numbers of all others
            let line = |line: &str| match modules.iter().any(|m| !kept.contains(m) && declares(line, m)) {
                true => "\n".to_owned(),
                false => format!("{line}\n"),
            };
            *root = root.lines().map(line).collect();
        }
        Sources { files }
    }
    /// These sources with some modules taken from `other`.
    pub(crate) fn with_modules_of<'a>(
        &self,
        other: &Sources,
        modules: impl IntoIterator<Item = &'a str>,
    ) -> Sources {
        let mut files = self.files.clone();
        for module in modules {
            files.retain(|path, _| !belongs(path, module));
            files.extend(other.of_module(module).map(|path| (path.to_owned(), other.files[path].clone())));
        }
        Sources { files }
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
        let unreadable = |error| unfit(prefix, format!("cannot be read ({error}); check its permissions"));
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
            if name == "." || name == ".." {
                continue;
            }
            let path = format!("{prefix}{name}");
            let rust = name.ends_with(".rs");
            let kind = match entry.file_type() {
                FileType::Unknown => kind_of(&folder, entry.file_name()),
                kind => kind,
            };
            match kind {
                _ if entry.file_name().to_str().is_err() => {
                    return Err(unfit(&path, "its name is not UTF-8; rename it"));
                }
                FileType::Directory => {
                    if depth + 1 > DEPTH_MAX {
                        let what = format!("folders over {DEPTH_MAX} deep in `src`");
                        return Err(too_much(what, "put modules closer to `src`"));
                    }
                    let inner = openat(&folder, entry.file_name(), folder_flags(), Mode::empty());
                    let inner = inner
                        .map_err(|e| unfit(&path, format!("cannot be read ({e}); check its permissions")))?;
                    self.folder(inner, &format!("{path}/"), depth + 1)?;
                }
                FileType::Symlink => {
                    return Err(unfit(&path, "is a symbolic link; put the file itself in its place"));
                }
                FileType::RegularFile if rust => self.file(&folder, entry.file_name(), path)?,
                _ if rust => return Err(unfit(&path, "is not a regular file; remove it")),
                _ => {}
            }
        }
        Ok(())
    }
    fn file(&mut self, folder: &OwnedFd, name: &std::ffi::CStr, path: String) -> Result<(), Error> {
        let unreadable =
            |error: std::io::Error| unfit(&path, format!("cannot be read ({error}); check its permissions"));
        if self.sources.files.len() >= FILES_MAX {
            let what = format!("over {FILES_MAX} Rust files");
            return Err(too_much(what, "a chapter needs a few; remove what is not part of it"));
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(folder, name, flags, Mode::empty()).map_err(|e| unreadable(e.into()))?;
        let state = fstat(&file).map_err(|e| unreadable(e.into()))?;
        if FileType::from_raw_mode(state.st_mode) != FileType::RegularFile {
            return Err(unfit(&path, "is not a regular file; remove it"));
        }
        let mut bytes = Vec::new();
        File::from(file).take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > FILE_MAX {
            return Err(unfit(&path, "is over 1 MiB; split it, or move data out of it"));
        }
        self.bytes += bytes.len() as u64;
        if self.bytes > TOTAL_MAX {
            return Err(too_much("over 4 MiB of Rust".to_owned(), "remove what is not part of the chapter"));
        }
        let text = String::from_utf8(bytes).map_err(|_| unfit(&path, "is not UTF-8; save it as UTF-8"))?;
        self.sources.files.insert(format!("src/{path}"), text);
        Ok(())
    }
}

/// For file systems that do not tell with the name.
fn kind_of(folder: &OwnedFd, name: &std::ffi::CStr) -> FileType {
    let state = rustix::fs::statat(folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
    state.map_or(FileType::Unknown, |state| FileType::from_raw_mode(state.st_mode))
}

fn unfit(path: &str, reason: impl Into<String>) -> Error {
    // Names are the student's: nothing in them may move the cursor of who reads the message.
    let path = path
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect();
    Error::UnfitSource { path, reason: reason.into() }
}

fn too_much(what: String, help: &'static str) -> Error {
    Error::TooMuch { what, help }
}
