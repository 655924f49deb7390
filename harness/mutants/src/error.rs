//! What can be wrong with cards: always with the card, its line, and what to do.

use crate::Card;
use std::fmt;
use std::path::Path;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {problem}", place(.file, *.line), card.as_ref().map_or_else(String::new, |card| format!(": {card}")))]
pub struct Fault {
    /// The file of cards.
    pub file: String,
    /// Its line, counted from 1; 0 if the file as a whole is meant.
    pub line: usize,
    /// The id of the card, if it has one.
    pub card: Option<String>,
    /// What is wrong, and what to do.
    pub problem: Problem,
}
fn place(file: &str, line: usize) -> String {
    if line == 0 { file.to_owned() } else { format!("{file}:{line}") }
}
impl Fault {
    pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
        let problem = Problem::Unreadable(error.to_string());
        Fault { file: path.to_string_lossy().into_owned(), line: 0, card: None, problem }
    }
    pub(crate) fn of(card: &Card, line: usize, problem: Problem) -> Fault {
        Fault { file: card.file.clone(), line, card: Some(card.id.clone()), problem }
    }
}

/// All that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);
impl std::error::Error for Faults {}
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, fault) in self.0.iter().enumerate() {
            if nth > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

/// What is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A file or folder cannot be read.
    #[error("cannot be read ({0}); a chapter's cards are solutions/NN-name/mutants/EXERCISE.diff")]
    Unreadable(String),
    /// The first line of a card has no id and check.
    #[error("`{0}` does not begin a card; write `ID   EXERCISE/CHECK`, and leave a blank line between cards")]
    NoHeader(String),
    /// A right program that names a check.
    #[error("`{0}` is a check; a right program passes all checks, so name exercises only")]
    CheckOfRight(String),
    /// A right program without a reason.
    #[error("write below the first line what is unusual about this program and why it is right")]
    NoReason,
    /// A word in the first line of a card that says nothing.
    #[error(
        "`{word}` says nothing here; after the check may stand a verdict ({}), `null`, `rule ID`, and last `also CHECK…`",
        VERDICTS.join(", ")
    )]
    UnknownWord {
        /// The word.
        word: String,
    },
    /// A word that must be followed by another.
    #[error("`{0}` must be followed by what it is about")]
    NothingAfter(&'static str),
    /// A check of another exercise.
    #[error("`{name}` is of another exercise than this file; move the card to {name_of_file}")]
    OtherExercise {
        /// The check that the card names.
        name: String,
        /// The file that the card belongs to.
        name_of_file: String,
    },
    /// A check under `also` that is not named by its id alone.
    #[error("`also {0}` names an exercise; name checks of the card's own exercise by their id alone")]
    AlsoElsewhere(String),
    /// Two cards of one chapter have one id.
    #[error("the card at {file}:{line} has the same id; rename one of them")]
    SameId {
        /// The file of the other.
        file: String,
        /// The line of the other.
        line: usize,
    },
    /// A card does not say what is wrong.
    #[error("the card does not say what is wrong; write a sentence below its first line")]
    NoBug,
    /// A card changes nothing.
    #[error(
        "the card changes nothing; write a hunk: `@ FILE FUNCTION`, then lines that begin with `-` or `+`"
    )]
    NoHunk,
    /// A hunk without a file.
    #[error("the hunk names no file; write `@ FILE FUNCTION`, the file as a path below src")]
    NoFile,
    /// A line of a hunk without a mark.
    #[error("`{0}` has no mark; lines of a hunk begin with `-`, `+` or a blank")]
    NoMark(String),
    /// A hunk that has only lines that come.
    #[error("the hunk does not say where it goes; add a line of the reference, with a blank before it")]
    NothingToFind,
    /// A hunk without lines that go or come.
    #[error("the hunk changes nothing; mark lines with `-` or `+`")]
    NothingToChange,
    /// A line that belongs to a section of null mutants stands elsewhere, or the other way round.
    #[error(
        "`{0}` is no line of a null section: it has `silent`, `refusing`, `echoing`, `keep FUNCTION…` and hunks of `+` lines"
    )]
    NotOfNulls(String),
    /// A null section lacks a program.
    #[error(
        "`{0}` is missing; give at least one function a body there, as `@ FILE FUNCTION` and lines that begin with `+`"
    )]
    NullMissing(&'static str),
    /// A null section has a body for a function of another file.
    #[error("src/{0} is not among the files of the null section; name it in the section's first line")]
    FileNotNamed(String),
    /// The reference has no such file.
    #[error("the reference has no src/{0}")]
    FileMissing(String),
    /// The file has no such function.
    #[error("src/{file} has no function `{function}`{}", nearest.as_ref().map_or_else(String::new, |near| format!("; it has `{near}`")))]
    FunctionMissing {
        /// The file.
        file: String,
        /// The function.
        function: String,
        /// One that may be meant.
        nearest: Option<String>,
    },
    /// Several functions have that name.
    #[error("`{function}` names several functions of src/{file}; write {}", either(.choices))]
    FunctionAmbiguous {
        /// The file.
        file: String,
        /// The function.
        function: String,
        /// How to name each of them.
        choices: Vec<String>,
    },
    /// The lines are not there.
    #[error("{place} has no such lines{}; write what it has now", first_missing.as_ref().map_or_else(
        || " one after the other".to_owned(), |line| format!(": it has no `{}`", line.trim())))]
    LinesMissing {
        /// Where the lines were looked for.
        place: String,
        /// The first of them that is not there at all.
        first_missing: Option<String>,
    },
    /// The lines are there more than once.
    #[error("{place} has these lines more than once, at lines {}; add a line of context, or name the function", list(.lines))]
    LinesRepeated {
        /// Where the lines were looked for.
        place: String,
        /// Where each copy begins, counted from 1.
        lines: Vec<usize>,
    },
    /// Two hunks of a card change the same lines.
    #[error(
        "the hunk changes lines of src/{file} that another hunk of the card changes, at line {line}; make them one"
    )]
    Overlap {
        /// The file.
        file: String,
        /// The first common line, counted from 1.
        line: usize,
    },
    /// There is nothing to empty.
    #[error("src/{0} has no `impl Node` and no public function: no null mutant can be made of it")]
    NothingToEmpty(String),
}

/// Verdicts as reports write them.
pub(crate) const VERDICTS: [&str; 7] =
    ["failed", "crashed", "timed_out", "not_started", "blocked", "undecided", "passed"];

fn either(choices: &[String]) -> String {
    choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(" or ")
}
fn list(lines: &[usize]) -> String {
    lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}
