//! Pages to read: where one stands, the roadmap, hints; and the small commands around them.

use crate::args::ResetArgs;
use crate::course::{CHAPTERS, Course, Selected};
use crate::last::Last;
use crate::progress::{BONUS_XP, Progress};
pub(crate) use crate::text::warn;
use crate::text::{DIM, GOOD, STRONG, harmless, link, sayln, styled, width};
use crate::workspace::Workspace;
use crate::{Exit, Failed};
use anyhow::anyhow;
use build::Archive;
use judge::Chapter;
use std::path::Path;
use std::time::Duration;

/// Fewer columns than this are one column.
const NARROW: usize = 60;
/// Every chapter is worth so much, its bonus aside.
const CHAPTER_XP: u32 = 100;

/// The workspace's progress; nothing where there is no workspace.
fn progress() -> Result<(Option<Workspace>, Progress), Failed> {
    let Ok(workspace) = Workspace::find() else { return Ok((None, Progress::default())) };
    let progress = Progress::read(&workspace.progress_file(), &mut warn);
    workspace.note_what_is_missing();
    Ok((Some(workspace), progress))
}

/// `faultlines` alone, and `faultlines progress`: the roadmap, where one stands, the next step.
pub(crate) fn overview() -> Result<Exit, Failed> {
    let course = Course::load()?;
    let (workspace, progress) = progress()?;
    if workspace.is_none() {
        sayln!(
            "No workspace here. `faultlines init DIR` makes one: a folder with all exercises; after that, nothing needs a \
             network.\n"
        );
        for (number, title) in (1_u8..).zip(CHAPTERS) {
            let chapter = course.chapters.iter().find(|chapter| chapter.suite.number == number);
            let built = chapter.map_or(0, |chapter| chapter.suite.exercises.len());
            let line = format!("  {:<44} ", format!("{number}. {title}"));
            match built {
                0 => sayln!("{}", styled(DIM, &format!("{line}planned"))),
                1 => sayln!("{line}1 exercise"),
                _ => sayln!("{line}{built} exercises"),
            }
        }
        return Ok(Exit::Passed);
    }
    for (number, title) in (1_u8..).zip(CHAPTERS) {
        let line = format!("{number}. {title}");
        match course.chapters.iter().find(|chapter| chapter.suite.number == number) {
            None => sayln!("{}", styled(DIM, &format!("  {line:<44} planned"))),
            Some(chapter) => {
                let (xp, complete) = progress.chapter_xp(&chapter.suite);
                let mark = if complete { styled(GOOD, "✔") } else { " ".to_owned() };
                let bar = bar(xp.min(CHAPTER_XP), CHAPTER_XP);
                sayln!("{mark} {line:<44} {bar} {xp:>3}/{} XP", CHAPTER_XP + BONUS_XP);
            }
        }
    }
    let read = if progress.roadmap_read { styled(GOOD, "✔") } else { " ".to_owned() };
    let earned = if progress.roadmap_read { BONUS_XP } else { 0 };
    sayln!("{read} {:<44} {:>14} {earned:>3}/{BONUS_XP} XP", "The roadmap, read to its end", "");
    let chapters: Vec<&Chapter> = course.chapters.iter().map(|chapter| &chapter.suite).collect();
    let possible = CHAPTERS.len() as u32 * (CHAPTER_XP + BONUS_XP) + BONUS_XP;
    let total = progress.total_xp(&chapters);
    sayln!("{}", styled(STRONG, &format!("\n  {total} of {possible} XP")));
    next_step(&course, &progress, workspace.as_ref());
    Ok(Exit::Passed)
}
fn bar(part: u32, whole: u32) -> String {
    const CELLS: u32 = 14;
    let full = part * CELLS / whole;
    format!("{}{}", "█".repeat(full as usize), "░".repeat((CELLS - full) as usize))
}

/// The first of these that is not complete: of a chapter that was begun, if one was.
pub(crate) fn next_exercise<'a>(all: &[Selected<'a>], progress: &Progress) -> Option<Selected<'a>> {
    let is_begun = |one: &&Selected<'_>| progress.chapter_xp(&one.chapter.suite).0 > 0;
    let (begun, others): (Vec<_>, Vec<_>) = all.iter().partition(is_begun);
    let mut in_turn = begun.into_iter().chain(others);
    let is_open = |one: &&Selected<'_>| !progress.is_over(one);
    in_turn.find(is_open).copied()
}
fn next_step(course: &Course, progress: &Progress, workspace: Option<&Workspace>) {
    let all = course.select(&[]).unwrap_or_default();
    let Some(next) = next_exercise(&all, progress) else {
        sayln!("\nAll exercises that are built so far are complete.");
        return;
    };
    let name = format!("{}/{}", next.chapter.suite.number, next.exercise.id);
    let summary = next.chapter.about(next.exercise.id).map_or("", |about| &about.summary);
    let folder =
        workspace.and_then(Workspace::as_seen_from_here).unwrap_or_default().join(next.chapter.suite.folder);
    sayln!("\nNext: {}  {summary}", styled(STRONG, &name));
    sayln!("  read   {}, the part on {}", link(&folder.join("README.md")), next.exercise.id);
    for module in
        next.chapter.about(next.exercise.id).map(|about| about.modules.as_slice()).unwrap_or_default()
    {
        sayln!("  edit   {}", link(&folder.join("src").join(format!("{module}.rs"))));
    }
    // (without -p, the tests of all chapters are built)
    sayln!("  try    cargo test -p ch{} {}", next.chapter.suite.folder, next.exercise.id);
    sayln!("  grade  faultlines grade {name}");
}
/// `faultlines next`.
pub(crate) fn next() -> Result<Exit, Failed> {
    let (workspace, progress) = progress()?;
    next_step(&Course::load()?, &progress, workspace.as_ref());
    Ok(Exit::Passed)
}

/// `faultlines exit-codes`.
pub(crate) fn exit_codes() -> Result<Exit, Failed> {
    sayln!("{}", crate::args::EXIT_CODES);
    Ok(Exit::Passed)
}

/// `faultlines list`.
pub(crate) fn list() -> Result<Exit, Failed> {
    let course = Course::load()?;
    let (workspace, progress) = progress()?;
    let last = workspace.as_ref().map(Last::read);
    for chapter in &course.chapters {
        let suite = &chapter.suite;
        sayln!("{}", styled(STRONG, &format!("{}. {}", suite.number, suite.title)));
        for exercise in &suite.exercises {
            let name = format!("{}/{}", suite.number, exercise.id);
            let summary = chapter.about(exercise.id).map_or("", |about| &about.summary);
            let earned = progress.exercise_xp(suite, exercise);
            let line = format!("   {name:<20} {earned:>3}/{:<3} XP  ", exercise.xp());
            let now = last.as_ref().and_then(|last| last.xp_of(suite.number, exercise));
            let summary = match now.filter(|now| *now < earned) {
                Some(now) => format!("{summary} ({now} XP in the last grade)"),
                None => summary.to_owned(),
            };
            // a narrow terminal has no room for a second column
            let (first, margin) = match width() < NARROW {
                true => (format!("{}\n     ", line.trim_end()), " ".repeat(5)),
                false => (line.clone(), " ".repeat(line.len())),
            };
            let options = textwrap::Options::new(width()).initial_indent(&margin).subsequent_indent(&margin);
            sayln!("{first}{}", textwrap::fill(&summary, options).trim_start());
        }
        for planned in suite.planned {
            let name = format!("{}/{}", suite.number, planned.id);
            sayln!("{}", styled(DIM, &format!("   {name:<20}     {:<3} XP  planned", planned.xp)));
        }
    }
    Ok(Exit::Passed)
}

/// `faultlines roadmap`.
pub(crate) fn roadmap() -> Result<Exit, Failed> {
    let archive = Archive::embedded();
    let page = archive.files("exercises/").find(|(path, _)| *path == "ROADMAP.txt");
    let (_, bytes) = page.ok_or_else(|| Failed::harness(anyhow!("this binary carries no roadmap")))?;
    for line in String::from_utf8_lossy(bytes).lines() {
        let hanging = if line.starts_with("- ") { 2 } else { 0 };
        let options = textwrap::Options::new(width()).subsequent_indent(&"  "[..hanging]);
        sayln!("{}", textwrap::fill(line, &options));
    }
    sayln!("{}", styled(DIM, "\nfaultlines complete roadmap"));
    Ok(Exit::Passed)
}

/// `faultlines complete roadmap`.
pub(crate) fn complete_roadmap() -> Result<Exit, Failed> {
    let workspace = Workspace::find()?;
    let file = workspace.progress_file();
    let mark = |progress: &mut Progress| std::mem::replace(&mut progress.roadmap_read, true);
    let (before, _) = Progress::update(&file, &mut warn, mark)?;
    if before {
        sayln!("The roadmap was marked as read before: {BONUS_XP} XP, once.");
        return Ok(Exit::Passed);
    }
    sayln!("{} The roadmap is read: {BONUS_XP} XP.", styled(GOOD, "✔"));
    Ok(Exit::Passed)
}

/// `faultlines init`.
pub(crate) fn init(dir: &Path) -> Result<Exit, Failed> {
    let workspace = Workspace::init(dir)?;
    sayln!("{} made {}", styled(GOOD, "✔"), workspace.folder.display());
    sayln!("\nNow:");
    if dir != Path::new(".") {
        sayln!("  cd {}", quoted(&workspace.folder.display().to_string()));
    }
    sayln!("  faultlines           # the roadmap, your progress, the next step");
    Ok(Exit::Passed)
}
/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    // a name that looks like an option
    let word = if word.starts_with('-') { format!("./{word}") } else { word.to_owned() };
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// `faultlines update`.
pub(crate) fn update() -> Result<Exit, Failed> {
    let done = Workspace::find()?.update()?;
    if done.is_empty() {
        sayln!("Nothing is missing here.");
    }
    for line in done {
        sayln!("{} {line}", styled(GOOD, "✔"));
    }
    Ok(Exit::Passed)
}

/// `faultlines reset`.
pub(crate) fn reset(args: &ResetArgs) -> Result<Exit, Failed> {
    let course = Course::load()?;
    let workspace = Workspace::find()?;
    let names: Vec<String> = args.exercise.iter().cloned().collect();
    let selected = course.select(&names)?;
    if args.list {
        let backups = workspace.backups(&selected);
        for backup in &backups {
            let edited = backup.edited.and_then(|when| when.elapsed().ok()).map(ago).unwrap_or_default();
            sayln!("{:<20} {:<24} {edited}", backup.of, harmless(&backup.name));
        }
        let what = names.first().map_or_else(String::new, |name| format!(" of {name}"));
        sayln!(
            "{}",
            match backups.first() {
                None => format!("No file{what} was replaced by `faultlines reset` so far."),
                Some(one) =>
                    styled(DIM, &format!("\nfaultlines reset {} --restore {}", one.of, harmless(&one.name))),
            }
        );
        return Ok(Exit::Passed);
    }
    let Some(name) = &args.exercise else {
        return Err(Failed::usage(anyhow!("name an exercise, such as 7/lamport, or a chapter, such as 7")));
    };
    if let Some(wanted) = &args.restore {
        let backups = workspace.backups(&selected);
        let Some(backup) = backups.iter().find(|backup| backup.name == *wanted) else {
            return Err(Failed::usage(anyhow!(
                "no backup `{wanted}` of {name}; `faultlines reset {name} --list` shows those that there are"
            )));
        };
        let chapter = selected.first().map(|one| one.chapter).expect("a name names something");
        let kept = workspace.restore(chapter, backup)?;
        sayln!("{} {wanted} is back", styled(GOOD, "✔"));
        for kept in kept {
            sayln!("  the file that was in its place is kept as {}", kept.display());
        }
        return Ok(Exit::Passed);
    }
    let is_chapter = course.exercise(name).is_err();
    let done = workspace.reset(&selected, is_chapter)?;
    if done.is_empty() {
        sayln!("{name} is unchanged: nothing to do.");
    }
    for (file, kept) in done {
        sayln!("{} the skeleton of {} is back", styled(GOOD, "✔"), file.display());
        for kept in kept {
            sayln!("  your file is kept as {}", kept.display());
        }
    }
    Ok(Exit::Passed)
}
/// How long ago, in words.
fn ago(time: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let seconds = time.as_secs();
    let (length, unit) = UNITS.into_iter().find(|(length, _)| seconds >= *length).unwrap_or((1, "second"));
    let many = seconds / length;
    format!("edited {many} {unit}{} ago", if many == 1 { "" } else { "s" })
}

/// `faultlines progress merge`.
pub(crate) fn merge(file: &Path) -> Result<Exit, Failed> {
    let workspace = Workspace::find()?;
    if !file.is_file() {
        return Err(Failed::usage(anyhow!(
            "no file {}: name the progress.toml of the other machine (in the folder .faultlines of its workspace)",
            file.display()
        )));
    }
    let other = Progress::read(file, &mut warn);
    let (gained, progress) =
        Progress::update(&workspace.progress_file(), &mut warn, |progress| progress.take_in(&other))?;
    let course = Course::load()?;
    let chapters: Vec<&Chapter> = course.chapters.iter().map(|chapter| &chapter.suite).collect();
    sayln!("{} {gained} XP more than before: {} XP so far.", styled(GOOD, "✔"), progress.total_xp(&chapters));
    Ok(Exit::Passed)
}
