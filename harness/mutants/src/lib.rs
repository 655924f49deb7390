//! Known wrong submissions, as cards: a reference with one bug put in, the check that must catch it, and a sentence.
//!
//! ```text
//! raft-commits-by-copies   raft_log/figure-8   also state-machine honest-reply
//! Commits entries of earlier terms as soon as a majority has them.
//! @ raft.rs commit_what_a_majority_has
//! -        if held > self.commit && self.term_at(held) == self.ballot.term {
//! +        if held > self.commit && self.term_at(held) > 0 {
//! ```
//!
//! A chapter's cards are `mutants/EXERCISE.diff` beside the `src` of its solution. Cards are separated by blank lines; a line that
//! begins with `#` is a comment.
//!
//! - **The first line** has the card's id and the check that must catch the bug. Further words, each optional: the verdict of
//!   that check if it is not `failed`; `rule ID`, the rule that the submission breaks; `null`, if the submission must score 0; and
//!   last `also`, with those other checks of the exercise that may fail.
//! - **The bug** follows, in a sentence or two.
//! - **Each hunk** begins with `@`, a file below `src` and a function. Its lines are those of a diff: `-` for a line that goes,
//!   `+` for a line that comes, a blank for a line that stays. The lines that go or stay must be in that function, together and
//!   once, so that changes elsewhere do not matter. Without a function, they must be in the file once.
//! - **What the report says**, for submissions that misbehave: `> text` is part of the check's message, `outside NAME…` lists the
//!   state outside of nodes.
//!
//! A function is named `take`, `Raft::take` or `Node for Raft::on_message`; one inside another function or module, `outer::inner`.
//! The shortest name that fits one function is enough.
//!
//! # Null mutants
//!
//! Three submissions an exercise that must score 0 are generated: one that does nothing, one that refuses whatever it is asked,
//! one that answers at once. A file of cards says of them only what cannot be known from the reference:
//!
//! ```text
//! null   lamport/clock-condition   lamport.rs
//! refusing
//! @ lamport.rs total_order
//! +    Ordering::Equal
//! echoing
//! keep on_timer
//! @ lamport.rs total_order
//! +    Ordering::Less
//! ```
//!
//! The first line names the check that catches them, and the files of the exercise. In these files each handler of a `Node` becomes
//! empty, and each public function outside of an `impl` never returns; `start` and `status` stay. A hunk of `refusing` or `echoing` is
//! a new body for a function, and `keep` names handlers that stay. The verdict may follow `silent`, `refusing` or `echoing` if it is
//! not `failed`; there need be no line of `silent` otherwise.
//!
//! # Right programs
//!
//! A right program that is unlike the reference is a card, too: `right/EXERCISE.diff` beside the same `src`. Its first line has
//! an id, and after it the other exercises of the chapter whose checks it must pass. The sentence says what is unusual about it
//! and why it is right. Hunks are as above.
//!
//! ```text
//! raft-flushes-every-5-ms   raft_election raft_log
//! A follower syncs what it appended 5 ms later, and acknowledges it then.
//! @ raft.rs Raft::append
//! -        out.sync();
//! +        self.unsynced = true;
//! ```

mod apply;
mod error;
mod functions;
mod mask;
mod null;
mod parse;
mod splice;

pub use error::{Fault, Faults, Problem};

use std::path::{Path, PathBuf};

/// One known wrong submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its name, unique in its chapter.
    pub id: String,
    /// The exercise that it is about.
    pub exercise: String,
    /// The check of that exercise that must catch it.
    pub check: String,
    /// The verdict of that check, as reports write it: `failed`, `crashed`, `timed_out`, …
    pub verdict: String,
    /// Other checks of that exercise that may fail, too.
    pub also: Vec<String>,
    /// The rule that it breaks, if the card names one.
    pub rule: Option<String>,
    /// Whether it must score 0. Any check may fail then.
    pub null: bool,
    /// What is wrong with it, in a sentence or two.
    pub bug: String,
    /// What the check's message has in it.
    pub says: Option<String>,
    /// The state outside of nodes that is found in it.
    pub outside: Vec<String>,
    /// What it changes. Of a generated null mutant: new bodies of functions.
    pub hunks: Vec<Hunk>,
    /// Set for a generated null mutant: what is emptied before the hunks are applied.
    pub emptied: Option<Emptied>,
    /// The file that the card is in.
    pub file: String,
    /// Its first line there, counted from 1.
    pub line: usize,
}

/// A right program that is unlike the reference. It must pass every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// Its name, unique in its chapter.
    pub id: String,
    /// The exercises whose checks it must pass; the first is the one that its file is named after.
    pub exercises: Vec<String>,
    /// What is unusual about it, and why it is right.
    pub why: String,
    /// What it changes of the reference.
    pub hunks: Vec<Hunk>,
    /// The file that the card is in.
    pub file: String,
    /// Its first line there, counted from 1.
    pub line: usize,
}
impl Right {
    /// The reference, changed: every file by its path, such as `src/raft.rs`.
    ///
    /// # Errors
    /// Where hunks do not fit the reference: all of them, not only the first.
    pub fn apply<'a>(
        &self,
        reference: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Vec<(String, String)>, Faults> {
        let fault =
            |line, problem| Fault { file: self.file.clone(), line, card: Some(self.id.clone()), problem };
        apply::changed(&self.hunks, &fault, reference.into_iter().collect())
    }
}

/// One change of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The file, as a path below `src`.
    pub file: String,
    /// The function that it is in; `None` for the file as a whole.
    pub function: Option<String>,
    /// What it says, line by line.
    pub lines: Vec<Line>,
    /// Where the hunk begins in the file of cards, counted from 1.
    pub line: usize,
}

/// A line of a hunk, without its mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// It is there, and stays.
    Kept(String),
    /// It is there, and goes.
    Removed(String),
    /// It comes.
    Added(String),
}
impl Line {
    /// The text, if the reference has this line.
    pub(crate) fn before(&self) -> Option<&str> {
        match self {
            Line::Kept(text) | Line::Removed(text) => Some(text),
            Line::Added(_) => None,
        }
    }
    /// The text, if the mutant has this line.
    pub(crate) fn after(&self) -> Option<&str> {
        match self {
            Line::Kept(text) | Line::Added(text) => Some(text),
            Line::Removed(_) => None,
        }
    }
}

/// What a generated null mutant does not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emptied {
    /// The files whose handlers and public functions are emptied, as paths below `src`.
    pub files: Vec<String>,
    /// The functions among them that stay as they are.
    pub keep: Vec<String>,
}

impl Card {
    /// The check that must catch it, as `exercise/check`.
    pub fn caught_by(&self) -> String {
        format!("{}/{}", self.exercise, self.check)
    }
    /// The reference with the bug put in: every file by its path, such as `src/raft.rs`.
    ///
    /// # Errors
    /// Where hunks do not fit the reference: all of them, not only the first.
    pub fn apply<'a>(
        &self,
        reference: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Vec<(String, String)>, Faults> {
        apply::apply(self, reference.into_iter().collect())
    }
}

/// The cards of a chapter, which lies at `solutions/NN-name`: all of `mutants/*.diff`, by file name.
///
/// # Errors
/// Where the folder or a file cannot be read, or where cards are not as they should be: all faults, not only the first.
pub fn read(chapter: &Path) -> Result<Vec<Card>, Faults> {
    let (mut cards, mut faults) = (Vec::new(), Vec::new());
    for path in diffs(&chapter.join("mutants"))? {
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let (mut read, mut wrong) =
                    parse::parse(&path.to_string_lossy(), &text, exercise_of(&path).as_deref());
                cards.append(&mut read);
                faults.append(&mut wrong);
            }
            Err(error) => faults.push(Fault::unreadable(&path, &error)),
        }
    }
    finish(cards, faults)
}

/// The right programs of a chapter, which lies at `solutions/NN-name`: all of `right/*.diff`, by file name; none without that
/// folder.
///
/// # Errors
/// As [`read`].
pub fn read_right(chapter: &Path) -> Result<Vec<Right>, Faults> {
    let folder = chapter.join("right");
    let (mut cards, mut faults): (Vec<Right>, _) = (Vec::new(), Vec::new());
    if !folder.is_dir() {
        return Ok(cards);
    }
    for path in diffs(&folder)? {
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let exercise = exercise_of(&path).unwrap_or_default();
                let (read, mut wrong) = parse::parse_right(&path.to_string_lossy(), &text, &exercise);
                faults.append(&mut wrong);
                for card in read {
                    if let Some(first) = cards.iter().find(|other| other.id == card.id) {
                        let problem = Problem::SameId { file: first.file.clone(), line: first.line };
                        let Right { file, id, line, .. } = card;
                        faults.push(Fault { file, line, card: Some(id), problem });
                    } else {
                        cards.push(card);
                    }
                }
            }
            Err(error) => faults.push(Fault::unreadable(&path, &error)),
        }
    }
    if faults.is_empty() { Ok(cards) } else { Err(Faults(faults)) }
}

/// The files of cards in a folder, by name.
fn diffs(folder: &Path) -> Result<Vec<PathBuf>, Faults> {
    let unreadable = |error: std::io::Error| Faults(vec![Fault::unreadable(folder, &error)]);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "diff") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
fn exercise_of(path: &Path) -> Option<String> {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned())
}

/// The cards of one file, of whatever exercises.
///
/// # Errors
/// As [`read`].
pub fn read_file(path: &Path) -> Result<Vec<Card>, Faults> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Faults(vec![Fault::unreadable(path, &error)]))?;
    parse(&path.to_string_lossy(), &text)
}

/// The cards of a text; `name` is how faults name the file that it comes from.
///
/// # Errors
/// Where cards are not as they should be: all faults, not only the first.
pub fn parse(name: &str, text: &str) -> Result<Vec<Card>, Faults> {
    let (cards, faults) = parse::parse(name, text, None);
    finish(cards, faults)
}

fn finish(cards: Vec<Card>, mut faults: Vec<Fault>) -> Result<Vec<Card>, Faults> {
    for (nth, card) in cards.iter().enumerate() {
        if let Some(first) = cards[..nth].iter().find(|other| other.id == card.id) {
            faults.push(Fault::of(
                card,
                card.line,
                Problem::SameId { file: first.file.clone(), line: first.line },
            ));
        }
    }
    if faults.is_empty() { Ok(cards) } else { Err(Faults(faults)) }
}
