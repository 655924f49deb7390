//! A student's workspace: where it is, how it is made, how a file in it is brought back.

use crate::Failed;
use crate::course::{ChapterFolder, Selected};
use anyhow::{Context, anyhow};
use build::Archive;
use std::fs;
use std::path::{Path, PathBuf};

/// What belongs to the harness in a workspace: the kit, progress, backups.
const OURS: &str = ".faultlines";
/// Where the repository's own exercises find the crates of the harness, and where those of a workspace do.
const HARNESS: &str = "../harness";
pub(crate) const KIT: &str = ".faultlines/kit";
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
        let holds_chapters = |folder: &Path| {
            folder.join(OURS).is_dir()
                || course::chapters().iter().any(|chapter| folder.join(chapter.folder).join("src").is_dir())
        };
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
    /// The file that progress is kept in.
    pub(crate) fn progress_file(&self) -> PathBuf {
        self.folder.join(OURS).join("progress.toml")
    }
    /// The file that failures are kept in.
    pub(crate) fn failures_file(&self) -> PathBuf {
        self.folder.join(OURS).join("failures.toml")
    }
    /// The file of a module of a chapter.
    pub(crate) fn module(&self, chapter: &ChapterFolder, module: &str) -> PathBuf {
        self.folder.join(chapter.suite.folder).join("src").join(format!("{module}.rs"))
    }

    /// Makes a workspace in `dir`, which must not exist or be empty. From here on nothing needs a network.
    pub(crate) fn init(dir: &Path) -> Result<Workspace, Failed> {
        let is_empty = |dir: &Path| fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
        if dir.exists() && !is_empty(dir) {
            return Err(Failed::usage(anyhow!(
                "{} is there already and not empty: give the name of a new folder",
                dir.display()
            )));
        }
        let write = |path: &str, bytes: &[u8]| -> anyhow::Result<()> {
            let to = dir.join(path);
            let parent = to.parent().unwrap_or(dir);
            fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
            fs::write(&to, bytes).with_context(|| format!("cannot write {}", to.display()))
        };
        let archive = Archive::embedded();
        for (path, bytes) in archive.files("exercises/") {
            if path.ends_with("/chapter.toml") {
                continue; // it has the hints, all at once: `faultlines hint` gives them one by one
            }
            if path == "Cargo.toml" {
                let manifest = String::from_utf8_lossy(bytes).replace(HARNESS, KIT);
                write(path, manifest.as_bytes()).map_err(Failed::usage)?;
            } else {
                write(path, bytes).map_err(Failed::usage)?;
            }
        }
        for (path, bytes) in archive.files("kit/") {
            if !path.starts_with(".cargo/") {
                write(&format!("{KIT}/{path}"), bytes).map_err(Failed::usage)?;
            }
        }
        write(".cargo/config.toml", CARGO_CONFIG.as_bytes()).map_err(Failed::usage)?;
        write(".gitignore", b"/target\n/.faultlines/kit\n/.faultlines/backup\n").map_err(Failed::usage)?;
        Ok(Workspace { folder: dir.to_owned() })
    }

    /// Brings the skeleton of an exercise's modules back. What was there is kept; returns where.
    pub(crate) fn reset(&self, selected: Selected<'_>) -> Result<Vec<(PathBuf, Option<PathBuf>)>, Failed> {
        let modules = selected.chapter.about(selected.exercise.id).map(|about| about.modules.clone());
        let mut done = Vec::new();
        for module in modules.unwrap_or_default() {
            let file = self.module(selected.chapter, &module);
            let Some(skeleton) = selected.chapter.skeleton.get(&format!("src/{module}.rs")) else { continue };
            let found = fs::read_to_string(&file).ok();
            if found.as_deref() == Some(skeleton) {
                continue;
            }
            let kept = if file.exists() { Some(self.keep(&file, &module)?) } else { None };
            file.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&file, skeleton))
                .with_context(|| format!("cannot write {}", file.display()))
                .map_err(Failed::usage)?;
            done.push((file, kept));
        }
        Ok(done)
    }
    /// Copies a file to the first free name among the backups.
    fn keep(&self, file: &Path, module: &str) -> Result<PathBuf, Failed> {
        let folder = self.folder.join(OURS).join("backup");
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))
            .map_err(Failed::usage)?;
        let free = (1..).map(|nth| folder.join(format!("{module}.{nth}.rs"))).find(|path| !path.exists());
        let free = free.expect("numbers do not run out");
        fs::copy(file, &free)
            .with_context(|| format!("cannot keep a copy of {} as {}", file.display(), free.display()))
            .map_err(Failed::usage)?;
        Ok(free)
    }
}
