//! `faultlines watch`: grades what was saved, as soon as it is saved.
//!
//! A grade is a `faultlines grade` of its own, so that a newer save can end it at any moment: its guests and compilers end with it, and
//! its cache takes no harm. rust-analyzer's files are not touched. Only the names and the texts of sources count: what writes
//! a file anew with the same text sets off nothing.

use crate::args::WatchArgs;
use crate::course::{Course, Selected};
use crate::keys::{Input, Keys, give_back};
use crate::last::Last;
use crate::pages::next_exercise;
use crate::progress::Progress;
use crate::text::{DIM, STRONG, harmless, say, sayln, styled};
use crate::workspace::Workspace;
use crate::{Exit, Failed};
use anyhow::{Context, anyhow};
use notify::{Config, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// What is saved within so long of each other is graded together: editors write a file in several steps.
const TOGETHER: Duration = Duration::from_millis(40);
/// How often a file system that sends no word is looked at, with `--poll`.
const POLL: Duration = Duration::from_millis(500);
/// How often a grade that is under way is looked after.
const TICK: Duration = Duration::from_millis(20);

pub(crate) fn run(args: &WatchArgs) -> Result<Exit, Failed> {
    let course = Course::load()?;
    let workspace = Workspace::find()?;
    let selected = course.select(&args.what)?;
    let (sender, inputs) = channel();
    let folders: BTreeMap<PathBuf, u8> = selected
        .iter()
        .map(|one| (workspace.folder.join(one.chapter.suite.folder).join("src"), one.chapter.suite.number))
        .filter(|(folder, _)| folder.is_dir())
        .collect();
    if folders.is_empty() {
        return Err(Failed::usage(anyhow!(
            "nothing to watch: {} has no folder of what was asked for",
            workspace.folder.display()
        )));
    }
    let to_loop = sender.clone();
    let heard = move |event: notify::Result<notify::Event>| {
        let input = match event {
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => return,
            Ok(event) => Input::Saved(event.paths),
            Err(error) => Input::Lost(error.to_string()),
        };
        let _ = to_loop.send(input); // the loop has ended
    };
    let mut watcher: Box<dyn Watcher> = if args.poll {
        let how = Config::default().with_poll_interval(POLL).with_compare_contents(true);
        Box::new(PollWatcher::new(heard, how).map_err(|error| cannot(&error))?)
    } else {
        Box::new(RecommendedWatcher::new(heard, Config::default()).map_err(|error| cannot(&error))?)
    };
    for folder in folders.keys() {
        watcher.watch(folder, RecursiveMode::Recursive).map_err(|error| cannot(&error))?;
    }
    let keys = Keys::listen(sender);
    let mut watch = Watch {
        args,
        workspace: &workspace,
        selected: &selected,
        texts: folders
            .keys()
            .flat_map(|folder| sources(folder))
            .filter_map(|file| Some((hash(&file)?, file)))
            .map(|(text, file)| (file, text))
            .collect(),
        keys,
        inputs,
        now: Vec::new(),
        grade: None,
    };
    let progress = Progress::read(&workspace.progress_file(), &mut crate::pages::warn);
    let first = next_exercise(&selected, &progress).or_else(|| selected.first().copied());
    let first = first.ok_or_else(|| Failed::usage(anyhow!("no exercises to watch")))?;
    watch.begin(vec![first])?;
    watch.go_on()
}
fn cannot(error: &notify::Error) -> Failed {
    let advice = match error.kind {
        notify::ErrorKind::MaxFilesWatch => " (the system's limit of watched files is reached: try --poll)",
        _ => " (try --poll)",
    };
    Failed::usage(anyhow!("cannot watch files: {error}{advice}"))
}

struct Watch<'a> {
    args: &'a WatchArgs,
    workspace: &'a Workspace,
    selected: &'a [Selected<'a>],
    /// A hash of the text of each source.
    texts: BTreeMap<PathBuf, u64>,
    keys: Option<Keys>,
    inputs: Receiver<Input>,
    /// What is being graded, or was graded last.
    now: Vec<Selected<'a>>,
    grade: Option<Child>,
}

impl<'a> Watch<'a> {
    fn go_on(&mut self) -> Result<Exit, Failed> {
        loop {
            match self.next_input()? {
                Input::Lost(why) => {
                    return Err(Failed::usage(anyhow!("files cannot be watched any longer: {why}")));
                }
                Input::Saved(files) => {
                    let changed = self.changed(files);
                    let exercises = self.belonging_to(&changed);
                    if !exercises.is_empty() {
                        self.begin(exercises)?;
                    }
                }
                Input::Key(key) => {
                    if self.pressed(key)? {
                        self.end_grade();
                        return Ok(Exit::Passed);
                    }
                }
            }
        }
    }
    /// Waits for the next input. A key that is pressed during a grade is kept until the grade has ended, `q` apart.
    fn next_input(&mut self) -> Result<Input, Failed> {
        let mut waiting = Vec::new();
        loop {
            if let Some(grade) = &mut self.grade
                && grade.try_wait().context("cannot wait for a grade").map_err(Failed::harness)?.is_some()
            {
                self.grade = None;
                self.foot();
            }
            if self.grade.is_none() && !waiting.is_empty() {
                return Ok(Input::Key(waiting.remove(0)));
            }
            let input = match self.grade {
                Some(_) => self.inputs.recv_timeout(TICK),
                None => self.inputs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match input {
                Ok(Input::Key(key)) if self.grade.is_some() && key != b'q' => waiting.push(key),
                Ok(input) => return Ok(input),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Input::Lost("the watcher ended".to_owned()));
                }
            }
        }
    }

    /// Those of these files, and of what is saved within a moment, whose text is another one now.
    fn changed(&mut self, mut files: Vec<PathBuf>) -> BTreeSet<PathBuf> {
        let until = Instant::now() + TOGETHER;
        let mut later = Vec::new();
        while let Ok(input) = self.inputs.recv_timeout(until.saturating_duration_since(Instant::now())) {
            match input {
                Input::Saved(more) => files.extend(more),
                other => later.push(other),
            }
        }
        if let Some(keys) = &self.keys {
            later.into_iter().for_each(|input| keys.again(input));
        }
        // a folder that was renamed has its files' events, or none: all of its sources are looked at
        let named: BTreeSet<PathBuf> = files
            .into_iter()
            .flat_map(|file| if file.is_dir() { sources(&file) } else { vec![file] })
            .filter(|file| is_source(file))
            .collect();
        named
            .into_iter()
            .filter(|file| match hash(file) {
                Some(text) => self.texts.insert(file.clone(), text) != Some(text),
                None => self.texts.remove(file).is_some(),
            })
            .collect()
    }
    /// The exercises that these files are of; for a file that several share, the one that is under way if it is of that chapter.
    fn belonging_to(&self, files: &BTreeSet<PathBuf>) -> Vec<Selected<'a>> {
        let mut ids = BTreeSet::new();
        for file in files {
            let of_chapter: Vec<&Selected<'_>> = self
                .selected
                .iter()
                .filter(|one| file.starts_with(self.workspace.folder.join(one.chapter.suite.folder)))
                .collect();
            let owner = of_chapter.iter().find(|one| self.has_module(one, file));
            let under_way =
                || of_chapter.iter().find(|one| self.now.iter().any(|now| now.name() == one.name()));
            if let Some(one) = owner.or_else(under_way).or_else(|| of_chapter.first()) {
                ids.insert(one.name());
            }
        }
        self.selected.iter().filter(|one| ids.contains(&one.name())).copied().collect()
    }
    fn has_module(&self, one: &Selected<'_>, file: &Path) -> bool {
        let src = self.workspace.folder.join(one.chapter.suite.folder).join("src");
        let modules = one.chapter.about(one.exercise.id).map(|about| about.modules.as_slice());
        modules
            .unwrap_or_default()
            .iter()
            .any(|module| file == src.join(format!("{module}.rs")) || file.starts_with(src.join(module)))
    }

    /// Grades these, in the place of what is being graded.
    fn begin(&mut self, exercises: Vec<Selected<'a>>) -> Result<(), Failed> {
        self.end_grade();
        self.now = exercises;
        if std::io::stdout().is_terminal() {
            say!("\x1b[2J\x1b[3J\x1b[H");
        }
        let names: Vec<String> = self.now.iter().map(Selected::name).collect();
        sayln!("{}", styled(STRONG, &format!("Grading {} …", names.join(", "))));
        self.grade = Some(self.spawn("grade", &names)?);
        Ok(())
    }
    fn end_grade(&mut self) {
        if let Some(mut grade) = self.grade.take() {
            let _ = grade.kill(); // it has ended by itself
            let _ = grade.wait();
        }
    }
    /// Runs a command of this program in the workspace; it prints where this one does.
    fn spawn(&self, command: &str, args: &[String]) -> Result<Child, Failed> {
        let program =
            std::env::current_exe().context("cannot tell where faultlines is").map_err(Failed::harness)?;
        let mut run = Command::new(program);
        run.arg(command).args(args).current_dir(&self.workspace.folder).stdin(Stdio::null());
        if crate::text::is_ascii() && command != "hint" {
            run.arg("--ascii");
        }
        run.spawn().with_context(|| format!("cannot start `faultlines {command}`")).map_err(Failed::harness)
    }
    /// Runs a command to its end.
    fn show(&self, command: &str, args: &[String]) -> Result<bool, Failed> {
        sayln!();
        let ended = self.spawn(command, args)?.wait();
        Ok(ended.context("cannot wait for faultlines").map_err(Failed::harness)?.success())
    }
    /// What can be done now.
    fn foot(&self) {
        if self.keys.is_some() {
            let keys = "watching   g grade   h hint   r replay   n next   o open   q quit";
            sayln!("{}", styled(DIM, keys));
        } else {
            sayln!("{}", styled(DIM, "watching"));
        }
    }

    /// Whether that was the last key.
    fn pressed(&mut self, key: u8) -> Result<bool, Failed> {
        let Some(now) = self.now.first().copied() else { return Ok(false) };
        match key {
            b'q' => return Ok(true),
            b'g' | b'\n' => self.begin(self.now.clone())?,
            b'h' => {
                self.show("hint", &[now.name()])?;
                self.foot();
            }
            b'r' => {
                self.replay(now)?;
                self.foot();
            }
            b'n' => self.go_to_the_next(now)?,
            b'o' => {
                self.open(now)?;
                self.foot();
            }
            _ => self.foot(),
        }
        Ok(false)
    }
    /// The first failure of the exercise once more.
    fn replay(&self, now: Selected<'_>) -> Result<(), Failed> {
        let last = Last::read(self.workspace);
        let Some(check) = last.first_of(&now.name()) else {
            sayln!("No check of {} failed in its last grade.", now.name());
            return Ok(());
        };
        self.show("replay", std::slice::from_ref(&check.check)).map(|_| ())
    }
    fn go_to_the_next(&mut self, now: Selected<'a>) -> Result<(), Failed> {
        let progress = Progress::read(&self.workspace.progress_file(), &mut crate::pages::warn);
        let at = self.selected.iter().position(|one| one.name() == now.name()).unwrap_or(0);
        let (before, after) = self.selected.split_at(at + 1);
        let in_turn: Vec<Selected<'a>> = after.iter().chain(before).copied().collect();
        match next_exercise(&in_turn, &progress) {
            Some(next) => {
                self.begin(vec![next])?;
                for module in next
                    .chapter
                    .about(next.exercise.id)
                    .map(|about| about.modules.as_slice())
                    .unwrap_or_default()
                {
                    let file = self.workspace.module(next.chapter, module);
                    sayln!("  edit  {}", harmless(&file.display().to_string()));
                }
            }
            None => {
                sayln!("Every exercise that is watched is complete.");
                self.foot();
            }
        }
        Ok(())
    }
    /// Opens the exercise's file in the editor, which has the terminal until it ends.
    fn open(&self, now: Selected<'_>) -> Result<(), Failed> {
        let editor = self.args.edit_cmd.clone();
        let editor = editor.or_else(|| ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok()));
        let module = now.chapter.about(now.exercise.id).and_then(|about| about.modules.first().cloned());
        let (Some(editor), Some(module)) = (editor.filter(|editor| !editor.trim().is_empty()), module) else {
            sayln!("No editor is known: set EDITOR, or name one with --edit-cmd.");
            return Ok(());
        };
        let file = self.workspace.module(now.chapter, &module);
        let paused = self.keys.as_ref().map(Keys::pause);
        // an editor with arguments (`code --wait`) is a line for the shell; the file is an argument of its own
        let ran = Command::new("sh").arg("-c").arg(format!("{editor} \"$0\"")).arg(&file).status();
        drop(paused);
        match ran {
            Ok(status) if status.success() => {}
            Ok(status) => sayln!("`{}` ended with {status}.", harmless(&editor)),
            Err(error) => sayln!("cannot start `{}`: {error}", harmless(&editor)),
        }
        Ok(())
    }
}
impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.end_grade();
        give_back();
    }
}

/// A file of code, and none of those that editors keep beside one.
fn is_source(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    file.extension().is_some_and(|extension| extension == "rs") && !name.starts_with(['.', '#'])
}
/// All sources below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        match path.symlink_metadata() {
            Ok(about) if about.is_dir() => found.extend(sources(&path)),
            Ok(_) if is_source(&path) => found.push(path),
            _ => {}
        }
    }
    found
}
/// A hash of a file's text; none where there is no such file.
fn hash(file: &Path) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    std::fs::read(file).ok()?.hash(&mut hasher);
    Some(hasher.finish())
}
