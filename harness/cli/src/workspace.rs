//! A student's workspace: where it is, how it is made, how a file in it is brought back.

use crate::Failed;
use crate::course::{ChapterFolder, Selected};
use anyhow::{Context, anyhow};
use build::Archive;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What belongs to the harness in a workspace: the kit, progress, backups.
const OURS: &str = ".faultlines";
/// Where files of the student's are kept when skeletons take their places.
const BACKUP: &str = ".faultlines/backup";
/// Where the repository's own exercises find the crates of the harness, and where those of a workspace do.
const HARNESS: &str = "../harness";
pub(crate) const KIT: &str = ".faultlines/kit";
/// What git is not to keep of a workspace; `faultlines update` brings the kit back.
const IGNORED: [&str; 6] = [
    "/target",
    "/.faultlines/kit",
    "/.faultlines/backup",
    "/.faultlines/lock",
    "/.faultlines/last.toml",
    "/.faultlines/hints.toml",
];
/// Everything that exercises need from a registry lies in the workspace.
const CARGO_CONFIG: &str = "\
# Everything needed is vendored: nothing is fetched.
[source.crates-io]
replace-with = \"vendored\"

[source.vendored]
directory = \".faultlines/kit/vendor\"

[net]
offline = true
";

/// A folder that holds chapters' folders.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    pub(crate) folder: PathBuf,
}

impl Workspace {
    /// The one that the current folder is in; else the `exercises` of the checkout that it is in.
    pub(crate) fn find() -> Result<Workspace, Failed> {
        let here =
            std::env::current_dir().context("cannot tell the current folder").map_err(Failed::usage)?;
        // (a cache may be called `.faultlines`, too, and lie in somebody's home)
        let chapters = course::chapters();
        let holds_chapters =
            |folder: &Path| chapters.iter().any(|chapter| folder.join(chapter.folder).is_dir());
        // a solution's folder looks like a workspace, and is none of the student's
        let is_references = |folder: &Path| folder.join("07-logical-clocks/mutants").is_dir();
        let above = here.ancestors().find(|folder| holds_chapters(folder) && !is_references(folder));
        let beside =
            || here.ancestors().map(|folder| folder.join("exercises")).find(|folder| holds_chapters(folder));
        let folder = above.map(Path::to_owned).or_else(beside).ok_or_else(|| {
            Failed::usage(anyhow!(
                "no chapters here: make a workspace with `faultlines init DIR` and go there, or name a folder with --submission"
            ))
        })?;
        Ok(Workspace { folder })
    }
    /// How the folder is named from the current one; nothing where the two are the same.
    pub(crate) fn as_seen_from_here(&self) -> Option<PathBuf> {
        let here = std::env::current_dir().ok()?;
        if let Ok(below) = self.folder.strip_prefix(&here) {
            return Some(below.to_owned());
        }
        match here.strip_prefix(&self.folder) {
            Ok(deeper) => Some(deeper.components().map(|_| "..").collect()),
            Err(_) => Some(self.folder.clone()),
        }
    }
    /// The file that progress is kept in.
    pub(crate) fn progress_file(&self) -> PathBuf {
        self.folder.join(OURS).join("progress.toml")
    }
    /// The file that the last grades are kept in.
    pub(crate) fn last_file(&self) -> PathBuf {
        self.folder.join(OURS).join("last.toml")
    }
    /// The file that says which hints were told.
    pub(crate) fn hints_file(&self) -> PathBuf {
        self.folder.join(OURS).join("hints.toml")
    }
    /// The file of a module of a chapter.
    pub(crate) fn module(&self, chapter: &ChapterFolder, module: &str) -> PathBuf {
        self.folder.join(chapter.suite.folder).join("src").join(format!("{module}.rs"))
    }

    /// Makes a workspace in `dir`, which must not exist, or hold no more than a new repository does. From here on nothing
    /// needs a network.
    pub(crate) fn init(dir: &Path) -> Result<Workspace, Failed> {
        let files = files();
        let taken = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let is_ours = |name: &str| files.iter().any(|(path, _)| path.split('/').next() == Some(name));
        let in_the_way = taken.filter(|name| {
            let name = name.to_string_lossy();
            let of_a_repository =
                name.starts_with('.') || name.starts_with("README") || name.starts_with("LICENSE");
            name != ".gitignore" && (!of_a_repository || is_ours(&name))
        });
        if let Some(name) = in_the_way.min() {
            return Err(Failed::usage(anyhow!(
                "{} is not empty (it has {}): give the name of a new folder",
                dir.display(),
                name.display()
            )));
        }
        let was_there = dir.exists();
        let workspace = Workspace { folder: dir.to_owned() };
        let made = || -> anyhow::Result<()> {
            for (path, bytes) in &files {
                workspace.write(path, bytes)?;
            }
            workspace.ignore()
        };
        made().map_err(|error| {
            // half a workspace would be in the way of the next try
            if was_there {
                for (path, _) in &files {
                    let path = path.split('/').next().unwrap_or(path);
                    let _ = fs::remove_file(dir.join(path)).or_else(|_| fs::remove_dir_all(dir.join(path)));
                }
            } else {
                let _ = fs::remove_dir_all(dir);
            }
            Failed::usage(error)
        })?;
        Ok(workspace)
    }
    fn write(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let to = self.folder.join(path);
        let parent = to.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        fs::write(&to, bytes).with_context(|| format!("cannot write {}", to.display()))
    }
    /// Tells git what is not to be kept.
    fn ignore(&self) -> anyhow::Result<()> {
        let file = self.folder.join(".gitignore");
        let mut text = fs::read_to_string(&file).unwrap_or_default();
        let missing: Vec<&str> =
            IGNORED.into_iter().filter(|path| !text.lines().any(|line| line.trim() == *path)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        self.write(".gitignore", (text + &missing.join("\n") + "\n").as_bytes())
    }
    /// Whether this is the `exercises` folder of a checkout, which finds the harness beside it.
    fn is_checkout(&self) -> bool {
        fs::read_to_string(self.folder.join("Cargo.toml")).is_ok_and(|manifest| manifest.contains(HARNESS))
    }
    /// Says how to bring back what git does not keep, if it is not there.
    pub(crate) fn note_what_is_missing(&self) {
        if !self.folder.join(KIT).join("lab/Cargo.toml").is_file() && !self.is_checkout() {
            crate::text::warn(format!(
                "{KIT} is not here, as after a `git clone`; `cargo test` needs it. `faultlines update` brings it back"
            ));
        }
    }
    /// Brings back what is missing, and the kit as this program has it. Returns what was done, in words.
    pub(crate) fn update(&self) -> Result<Vec<String>, Failed> {
        if self.is_checkout() {
            return Err(Failed::usage(anyhow!(
                "{} belongs to a checkout of the course: `git restore` brings its files back",
                self.folder.display()
            )));
        }
        let mut done = Vec::new();
        let mut of_the_kit = 0;
        for (path, bytes) in files() {
            let found = fs::read(self.folder.join(&path));
            let is_kit = path.starts_with(KIT);
            let is_missing = found.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
            if is_missing || (is_kit && found.as_ref().ok() != Some(&bytes)) {
                self.write(&path, &bytes).map_err(Failed::usage)?;
                of_the_kit += usize::from(is_kit);
                if !is_kit {
                    done.push(format!("{path} is back"));
                }
            } else if path == "Cargo.toml"
                && let Some(manifest) = with_all_members(&found.unwrap_or_default(), &bytes)
            {
                self.write(&path, manifest.as_bytes()).map_err(Failed::usage)?;
                done.push(format!("{path} names the chapters that are new"));
            }
        }
        self.ignore().map_err(Failed::usage)?;
        if of_the_kit > 0 {
            done.insert(0, format!("{KIT} is back ({of_the_kit} files)"));
        }
        Ok(done)
    }

    /// Brings the skeleton of exercises back: the files of their modules, and the lines of `lib.rs` that declare them; of a
    /// `whole` chapter, `lib.rs` as it came. What was there is kept; returns which file, and where what was there is.
    pub(crate) fn reset(
        &self,
        selected: &[Selected<'_>],
        whole: bool,
    ) -> Result<Vec<(PathBuf, Vec<PathBuf>)>, Failed> {
        let mut done = Vec::new();
        let Some(chapter) = selected.first().map(|selected| selected.chapter) else { return Ok(done) };
        let modules: BTreeSet<&str> = selected
            .iter()
            .filter_map(|selected| chapter.about(selected.exercise.id))
            .flat_map(|about| about.modules.iter().map(String::as_str))
            .collect();
        for &module in &modules {
            let file = self.module(chapter, module);
            let Some(skeleton) = chapter.skeleton.get(&format!("src/{module}.rs")) else { continue };
            // a module may be a folder, and the compiler takes no two
            let folder = file.with_extension("");
            let found = fs::read_to_string(&file).ok();
            if found.as_deref() == Some(skeleton) && !folder.exists() {
                continue;
            }
            let mut kept = Vec::new();
            for there in [&file, &folder] {
                if fs::symlink_metadata(there).is_ok() {
                    kept.push(self.keep(chapter, there)?);
                }
            }
            done.push((self.put(&file, skeleton)?, kept));
        }
        let root = self.module(chapter, "lib");
        let found = fs::read_to_string(&root).ok();
        let skeleton = chapter.skeleton.get("src/lib.rs").unwrap_or_default();
        let is_sound = match &found {
            None => false,
            Some(text) if whole => text == skeleton,
            Some(text) => modules.iter().all(|module| declares(text, module)),
        };
        if !is_sound {
            let kept = if fs::symlink_metadata(&root).is_ok() {
                vec![self.keep(chapter, &root)?]
            } else {
                Vec::new()
            };
            done.push((self.put(&root, skeleton)?, kept));
        }
        Ok(done)
    }
    fn put(&self, file: &Path, text: &str) -> Result<PathBuf, Failed> {
        file.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(file, text))
            .with_context(|| format!("cannot write {}", file.display()))
            .map_err(Failed::usage)?;
        Ok(file.to_owned())
    }
    /// Moves a file or folder of a chapter to the first free name among the chapter's backups.
    fn keep(&self, chapter: &ChapterFolder, there: &Path) -> Result<PathBuf, Failed> {
        let folder = self.folder.join(BACKUP).join(chapter.suite.folder);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))
            .map_err(Failed::usage)?;
        let name = there.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let end = there.extension().map_or_else(String::new, |end| format!(".{}", end.display()));
        let free = (1..).map(|nth| folder.join(format!("{name}.{nth}{end}")));
        let free = free.into_iter().find(|path| fs::symlink_metadata(path).is_err());
        let free = free.expect("numbers do not run out");
        fs::rename(there, &free)
            .with_context(|| format!("cannot keep {} as {}", there.display(), free.display()))
            .map_err(Failed::usage)?;
        Ok(free)
    }
    /// The copies of a student's files that were kept when skeletons came back, the latest first.
    pub(crate) fn backups(&self, selected: &[Selected<'_>]) -> Vec<Backup> {
        let mut found = Vec::new();
        for one in selected {
            let about = one.chapter.about(one.exercise.id);
            let modules = about.map(|about| about.modules.as_slice()).unwrap_or_default();
            // older releases kept the files of all chapters in one folder
            for folder in [self.folder.join(BACKUP).join(one.chapter.suite.folder), self.folder.join(BACKUP)]
            {
                for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    let mut parts = name.split('.');
                    let (Some(stem), Some(nth)) = (parts.next(), parts.next()) else { continue };
                    let Some(module) = modules.iter().find(|module| *module == stem) else { continue };
                    let (Ok(_), Ok(about)) = (nth.parse::<u32>(), entry.metadata()) else { continue };
                    found.push(Backup {
                        of: format!("{}/{}", one.chapter.suite.number, one.exercise.id),
                        replaces: self.module(one.chapter, module),
                        edited: about.modified().ok(),
                        path: entry.path(),
                        name,
                    });
                }
            }
        }
        found.sort_by(|a, b| b.edited.cmp(&a.edited).then_with(|| a.name.cmp(&b.name)));
        found
    }
    /// Puts a copy of a backup in its place; what is there is kept, and where, is returned.
    pub(crate) fn restore(&self, chapter: &ChapterFolder, backup: &Backup) -> Result<Vec<PathBuf>, Failed> {
        let folder = backup.replaces.with_extension("");
        let mut kept = Vec::new();
        for there in [&backup.replaces, &folder] {
            if fs::symlink_metadata(there).is_ok() {
                kept.push(self.keep(chapter, there)?);
            }
        }
        let to = if backup.path.is_dir() { &folder } else { &backup.replaces };
        copy(&backup.path, to)
            .with_context(|| format!("cannot copy {} to {}", backup.path.display(), to.display()))
            .map_err(Failed::usage)?;
        Ok(kept)
    }
}
/// A copy of a student's file, or of a module that is a folder.
#[derive(Debug)]
pub(crate) struct Backup {
    /// The exercise, such as `7/lamport`.
    pub(crate) of: String,
    /// What it is called among the backups.
    pub(crate) name: String,
    /// When it was edited last.
    pub(crate) edited: Option<SystemTime>,
    /// The file that it was.
    replaces: PathBuf,
    path: PathBuf,
}
/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(|_| ());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Everything that `init` writes, by path.
fn files() -> Vec<(String, Vec<u8>)> {
    let archive = Archive::embedded();
    let mut files = Vec::new();
    for (path, bytes) in archive.files("exercises/") {
        if path.ends_with("/chapter.toml") {
            continue; // it has the hints, all at once: `faultlines hint` gives them one by one
        }
        let bytes = match path {
            "Cargo.toml" => String::from_utf8_lossy(bytes).replace(HARNESS, KIT).into_bytes(),
            _ => bytes.to_vec(),
        };
        files.push((path.to_owned(), bytes));
    }
    for (path, bytes) in archive.files("kit/") {
        if !path.starts_with(".cargo/") {
            files.push((format!("{KIT}/{path}"), bytes.to_vec()));
        }
    }
    files.push((".cargo/config.toml".to_owned(), CARGO_CONFIG.as_bytes().to_vec()));
    files
}
/// The manifest that was found, with all chapters of ours for members; `None` where it has them.
fn with_all_members(found: &[u8], ours: &[u8]) -> Option<String> {
    let line = |text: &[u8]| {
        let text = String::from_utf8_lossy(text).into_owned();
        text.lines().find(|line| line.starts_with("members = [")).map(str::to_owned)
    };
    let (theirs, ours) = (line(found)?, line(ours)?);
    let names =
        |line: &str| -> Vec<String> { line.split('"').skip(1).step_by(2).map(str::to_owned).collect() };
    let has = names(&theirs);
    let new: Vec<String> = names(&ours).into_iter().filter(|name| !has.contains(name)).collect();
    let more: String = new.iter().map(|name| format!(", \"{name}\"")).collect();
    let line = theirs.strip_suffix(']').map(|line| format!("{line}{more}]"))?;
    (!new.is_empty()).then(|| String::from_utf8_lossy(found).replace(&theirs, &line))
}
/// Whether a crate's root declares a module in a line of its own, and without an attribute that leads elsewhere.
fn declares(root: &str, module: &str) -> bool {
    let lines: Vec<&str> = root.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| *line == format!("pub mod {module};"));
    at.is_some_and(|at| at == 0 || !lines[at - 1].ends_with(']'))
}
