//! `faultlines solution`: the reference, or the second solution, beside the student's own code, once that has passed.

use crate::args::SolutionArgs;
use crate::course::{ChapterFolder, Course, Selected};
use crate::progress::Progress;
use crate::text::{BAD, DIM, GOOD, STRONG, harmless, say, styled, width, wrapped};
use crate::workspace::Workspace;
use crate::{Exit, Failed};
use anyhow::anyhow;
use similar::{ChangeTag, TextDiff};
use std::fmt::Write;

/// All solutions, by their path in the repository.
static SOLUTIONS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/solutions.rs"));
/// Two columns need so many; on fewer, lines stand below each other.
const WIDE: usize = 120;
/// So many equal lines are shown around a difference; others are counted.
const AROUND: usize = 4;

pub(crate) fn run(args: &SolutionArgs) -> Result<Exit, Failed> {
    let course = Course::load()?;
    let one = course.exercise(&args.exercise)?;
    let (chapter, name, modules) = (one.chapter, one.name(), one.modules());
    let workspace = Workspace::find()?;
    let file = workspace.progress_file();
    let progress = Progress::read(&file, &mut crate::pages::warn);
    // A file that several exercises share tells the solution of each.
    let of_chapter = course.select(&[chapter.suite.number.to_string()])?;
    let shares = |other: &Selected<'_>| other.modules().iter().any(|module| modules.contains(module));
    let open: Vec<&Selected<'_>> =
        of_chapter.iter().filter(|other| shares(other) && !progress.is_over(other)).collect();
    if !open.is_empty() {
        let names: Vec<String> = open.iter().map(|one| one.name()).collect();
        let missing: u32 = open
            .iter()
            .map(|one| one.exercise.xp() - progress.exercise_xp(&one.chapter.suite, one.exercise))
            .sum();
        if !args.give_up {
            let others =
                if names[..] == [name.clone()] { "" } else { "The solution is one file for all of them. " };
            let have = if names.len() == 1 { "has" } else { "have" };
            return Err(Failed::usage(anyhow!(
                "{} {have} not passed yet. {others}`faultlines hint {}` gives a hint. `faultlines solution {name} --give-up` shows the \
                 solution now; after that, the {missing} XP that you do not have yet cannot be earned",
                crate::text::listed(&names),
                names[0]
            )));
        }
        Progress::update(&file, &mut crate::pages::warn, |progress| progress.given_up.extend(names))?;
    }
    let mut out = String::new();
    for module in modules {
        let Some(shown) = source(chapter, module, args.second) else { continue };
        let which = if args.second { "The second solution" } else { "The reference" };
        let _ = writeln!(out, "{}", styled(STRONG, &format!("{which} of {name}: {module}.rs")));
        if let Some(other) = source(chapter, module, !args.second) {
            let about = if args.second { &shown } else { &other };
            let intro = if args.second {
                "Its design"
            } else {
                "There is a second solution, of another design (--second shows it)"
            };
            let _ = write!(out, "{}", wrapped(&format!("{intro}: {}", design(about)), 0, width()));
        }
        out.push('\n');
        let own = std::fs::read_to_string(workspace.module(chapter, module)).ok().filter(|_| !args.alone);
        match own {
            Some(own) => compare(&mut out, &own, &shown, columns()),
            None => out.push_str(&shown),
        }
        out.push('\n');
    }
    say!("{out}");
    Ok(Exit::Passed)
}
/// A module of the reference, or of the second solution, without the marks from which the skeleton is made.
fn source(chapter: &ChapterFolder, module: &str, second: bool) -> Option<String> {
    let path = match second {
        true => format!("tests/ch{:02}/second/src/{module}.rs", chapter.suite.number),
        false => format!("solutions/{}/src/{module}.rs", chapter.suite.folder),
    };
    let (_, text) = SOLUTIONS.iter().find(|(of, _)| *of == path)?;
    let is_mark = |line: &&str| {
        let line = line.trim_start();
        ["// BEGIN SOLUTION", "// END SOLUTION", "// STUB:"].iter().any(|mark| line.starts_with(mark))
    };
    Some(text.lines().filter(|line| !is_mark(line)).fold(String::new(), |text, line| text + line + "\n"))
}
/// What a module says of itself at its head.
fn design(text: &str) -> String {
    let head = text.lines().map_while(|line| line.strip_prefix("//!"));
    head.map(str::trim).collect::<Vec<_>>().join(" ")
}
/// The columns of the terminal, however many.
fn columns() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0))
}

/// Two texts side by side: `own` on the left, `shown` on the right; one below the other where there is no room for two columns.
fn compare(out: &mut String, own: &str, shown: &str, columns: usize) {
    let own = harmless(own);
    let diff = TextDiff::from_lines(own.as_str(), shown);
    if columns < WIDE {
        let _ = writeln!(out, "{}", styled(DIM, "- yours   + the solution"));
        for change in diff.iter_all_changes() {
            let line = change.value().trim_end_matches('\n');
            let _ = match change.tag() {
                ChangeTag::Equal => writeln!(out, "  {line}"),
                ChangeTag::Delete => writeln!(out, "{}", styled(BAD, &format!("- {line}"))),
                ChangeTag::Insert => writeln!(out, "{}", styled(GOOD, &format!("+ {line}"))),
            };
        }
        return;
    }
    let half = (columns - 3) / 2;
    let _ = writeln!(out, "{}", styled(DIM, &format!("{:<half$} │ the solution", "yours")));
    for group in diff.grouped_ops(AROUND) {
        for op in &group {
            let lines = |tag: ChangeTag| -> Vec<String> {
                let of = diff.iter_changes(op).filter(|change| change.tag() == tag);
                of.flat_map(|change| cut(change.value().trim_end_matches('\n'), half)).collect()
            };
            let equal = lines(ChangeTag::Equal);
            let (left, right) = match equal.is_empty() {
                true => (lines(ChangeTag::Delete), lines(ChangeTag::Insert)),
                false => (equal.clone(), equal.clone()),
            };
            for nth in 0..left.len().max(right.len()) {
                let (left, right) = (left.get(nth), right.get(nth));
                let pad = half.saturating_sub(left.map_or(0, |line| textwrap::core::display_width(line)));
                let is_same = !equal.is_empty();
                let colour = |style, line: Option<&String>| {
                    let line = line.map_or("", String::as_str);
                    if is_same { line.to_owned() } else { styled(style, line) }
                };
                let _ = writeln!(out, "{}{} │ {}", colour(BAD, left), " ".repeat(pad), colour(GOOD, right));
            }
        }
        let _ = writeln!(out, "{}", styled(DIM, &format!("{:<half$} │", "…")));
    }
}
/// A line in pieces of at most `width` columns.
fn cut(line: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in line.replace('\t', "    ").chars() {
        let last = pieces.last_mut().expect("one at least");
        if textwrap::core::display_width(last) + textwrap::core::display_width(c.encode_utf8(&mut [0; 4]))
            > width
        {
            pieces.push(c.to_string());
        } else {
            last.push(c);
        }
    }
    pieces
}
