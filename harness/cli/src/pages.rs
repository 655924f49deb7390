//! Pages to read: where one stands, the roadmap, hints; and the small commands around them.

use crate::course::{Course, Selected};
use crate::progress::{BONUS_XP, Progress};
pub(crate) use crate::text::warn;
use crate::text::{DIM, GOOD, STRONG, styled, width, wrapped};
use crate::workspace::Workspace;
use crate::{Exit, Failed};
use anyhow::anyhow;
use build::Archive;
use judge::Chapter;
use std::path::Path;

/// The nine chapters of the roadmap; the course has suites for some of them so far.
pub(crate) const CHAPTERS: [&str; 9] = [
    "What Makes a System Distributed",
    "Failure Models & Time",
    "Replication",
    "Consistency Models",
    "CAP & PACELC",
    "Consensus: Raft & Paxos",
    "Ordering & Logical Clocks",
    "Distributed Transactions",
    "Building Reliable Distributed Systems",
];
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
    for (number, title) in (1_u8..).zip(CHAPTERS) {
        let line = format!("{number}. {title}");
        match course.chapters.iter().find(|chapter| chapter.suite.number == number) {
            None => anstream::println!("{}", styled(DIM, &format!("  {line:<44} planned"))),
            Some(chapter) => {
                let (xp, complete) = progress.chapter_xp(&chapter.suite);
                let mark = if complete { styled(GOOD, "✔") } else { " ".to_owned() };
                let bar = bar(xp.min(CHAPTER_XP), CHAPTER_XP);
                anstream::println!("{mark} {line:<44} {bar} {xp:>3}/{} XP", CHAPTER_XP + BONUS_XP);
            }
        }
    }
    let read = if progress.roadmap_read { styled(GOOD, "✔") } else { " ".to_owned() };
    let earned = if progress.roadmap_read { BONUS_XP } else { 0 };
    anstream::println!("{read} {:<44} {:>14} {earned:>3}/{BONUS_XP} XP", "The roadmap, read to its end", "");
    let chapters: Vec<&Chapter> = course.chapters.iter().map(|chapter| &chapter.suite).collect();
    let possible = CHAPTERS.len() as u32 * (CHAPTER_XP + BONUS_XP) + BONUS_XP;
    let total = progress.total_xp(&chapters);
    anstream::println!("{}", styled(STRONG, &format!("\n  {total} of {possible} XP")));
    match workspace {
        None => anstream::println!(
            "\nBegin with `faultlines init DIR`. It creates a folder with all exercises; after that, nothing needs a \
             network."
        ),
        Some(_) => next_step(&course, &progress),
    }
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
    let is_open =
        |one: &&Selected<'_>| progress.exercise_xp(&one.chapter.suite, one.exercise) < one.exercise.xp();
    in_turn.find(is_open).copied()
}
fn next_step(course: &Course, progress: &Progress) {
    let all = course.select(&[]).unwrap_or_default();
    let Some(next) = next_exercise(&all, progress) else {
        anstream::println!("\nAll exercises that are built so far are complete.");
        return;
    };
    let name = format!("{}/{}", next.chapter.suite.number, next.exercise.id);
    let summary = next.chapter.about(next.exercise.id).map_or("", |about| &about.summary);
    let folder = next.chapter.suite.folder;
    anstream::println!("\nNext: {}  {summary}", styled(STRONG, &name));
    anstream::println!("  read   {folder}/README.md, the part on {}", next.exercise.id);
    for module in
        next.chapter.about(next.exercise.id).map(|about| about.modules.as_slice()).unwrap_or_default()
    {
        anstream::println!("  edit   {folder}/src/{module}.rs");
    }
    anstream::println!("  try    cargo test {}", next.exercise.id);
    anstream::println!("  grade  faultlines grade {name}");
}
/// `faultlines next`.
pub(crate) fn next() -> Result<Exit, Failed> {
    let (_, progress) = progress()?;
    next_step(&Course::load()?, &progress);
    Ok(Exit::Passed)
}

/// `faultlines list`.
pub(crate) fn list() -> Result<Exit, Failed> {
    let course = Course::load()?;
    let (_, progress) = progress()?;
    for chapter in &course.chapters {
        let suite = &chapter.suite;
        anstream::println!("{}", styled(STRONG, &format!("{}. {}", suite.number, suite.title)));
        for exercise in &suite.exercises {
            let name = format!("{}/{}", suite.number, exercise.id);
            let summary = chapter.about(exercise.id).map_or("", |about| &about.summary);
            let earned = progress.exercise_xp(suite, exercise);
            let line = format!("   {name:<20} {earned:>3}/{:<3} XP  ", exercise.xp());
            // a narrow terminal has no room for a second column
            let (first, margin) = match width() < NARROW {
                true => (format!("{}\n     ", line.trim_end()), " ".repeat(5)),
                false => (line.clone(), " ".repeat(line.len())),
            };
            let options = textwrap::Options::new(width()).initial_indent(&margin).subsequent_indent(&margin);
            anstream::println!("{first}{}", textwrap::fill(summary, options).trim_start());
        }
        for planned in suite.planned {
            let name = format!("{}/{}", suite.number, planned.id);
            anstream::println!(
                "{}",
                styled(DIM, &format!("   {name:<20}     {:<3} XP  planned", planned.xp))
            );
        }
    }
    Ok(Exit::Passed)
}

/// `faultlines hint`.
pub(crate) fn hint(name: &str, level: usize) -> Result<Exit, Failed> {
    let course = Course::load()?;
    let selected = course.exercise(name)?;
    let about = selected.chapter.about(selected.exercise.id);
    let hints = about.map(|about| about.hints.as_slice()).unwrap_or_default();
    let Some(hint) = level.checked_sub(1).and_then(|nth| hints.get(nth)) else {
        return Err(Failed::usage(anyhow!(
            "`{name}` has hints 1 to {}: `faultlines hint {name} --level 1`",
            hints.len()
        )));
    };
    anstream::print!("{}", wrapped(hint.trim(), 0, width()));
    if level < hints.len() {
        let more = format!("\nMore: faultlines hint {name} --level {}", level + 1);
        anstream::println!("{}", styled(DIM, &more));
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
        anstream::println!("{}", textwrap::fill(line, &options));
    }
    anstream::println!("{}", styled(DIM, "\nfaultlines complete roadmap"));
    Ok(Exit::Passed)
}

/// `faultlines complete roadmap`.
pub(crate) fn complete_roadmap() -> Result<Exit, Failed> {
    let workspace = Workspace::find()?;
    let file = workspace.progress_file();
    let mark = |progress: &mut Progress| std::mem::replace(&mut progress.roadmap_read, true);
    let (before, _) = Progress::update(&file, &mut warn, mark)?;
    if before {
        anstream::println!("The roadmap was marked as read before: {BONUS_XP} XP, once.");
        return Ok(Exit::Passed);
    }
    anstream::println!("{} The roadmap is read: {BONUS_XP} XP.", styled(GOOD, "✔"));
    Ok(Exit::Passed)
}

/// `faultlines init`.
pub(crate) fn init(dir: &Path) -> Result<Exit, Failed> {
    let workspace = Workspace::init(dir)?;
    anstream::println!("{} made {}", styled(GOOD, "✔"), workspace.folder.display());
    anstream::println!("\nNow:");
    if dir != Path::new(".") {
        anstream::println!("  cd {}", quoted(&workspace.folder.display().to_string()));
    }
    anstream::println!("  faultlines           # the roadmap, your progress, the next step");
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
        anstream::println!("Nothing is missing here.");
    }
    for line in done {
        anstream::println!("{} {line}", styled(GOOD, "✔"));
    }
    Ok(Exit::Passed)
}

/// `faultlines reset`.
pub(crate) fn reset(name: &str) -> Result<Exit, Failed> {
    let course = Course::load()?;
    let selected = course.select(&[name.to_owned()])?;
    let done = Workspace::find()?.reset(&selected, !name.contains('/'))?;
    if done.is_empty() {
        anstream::println!("{name} is unchanged: nothing to do.");
    }
    for (file, kept) in done {
        anstream::println!("{} the skeleton of {} is back", styled(GOOD, "✔"), file.display());
        for kept in kept {
            anstream::println!("  your file is kept as {}", kept.display());
        }
    }
    Ok(Exit::Passed)
}
