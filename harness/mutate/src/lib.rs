//! Every small wrong program next to a right one.
//!
//! Bugs that people plant show what people thought of. This crate takes a source that is right and makes *all* programs
//! that differ from it by one small edit of a known kind ([`Operator`]): an effect is missing, two effects are swapped, a
//! condition is negated. A check of the course must catch each of them, or somebody says why it is a right program, too.
//!
//! | look here | for |
//! |---|---|
//! | [`mutations`] | the edits, each with a stable id |
//! | [`Operator`] | the kinds of edits |
//! | [`weave`] | many variants of a file in one file that is compiled once |

mod finder;
mod functions;
mod operator;
mod regions;
mod weave;

pub use finder::mutations;
pub use operator::Operator;
pub use weave::{SELECTOR, SELECTOR_STATIC, Variant, Woven, weave};

use std::ops::Range;

/// One edit of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutation {
    /// `lamport.rs/Clock::tick/leave-out-effect/1`: file, function, operator, and its place among the edits of this operator
    /// in this function. An edit of another function does not rename it.
    pub id: String,
    /// What kind of edit it is.
    pub operator: Operator,
    /// The function, with its type: `Clock::tick`.
    pub function: String,
    /// The bytes that it replaces.
    pub span: Range<usize>,
    /// What it puts there.
    pub text: String,
}
impl Mutation {
    /// The source with this edit.
    ///
    /// # Panics
    /// Where `source` is not the one that the edit was made for.
    pub fn apply(&self, source: &str) -> String {
        let mut edited = source.to_owned();
        edited.replace_range(self.span.clone(), &self.text);
        edited
    }
    /// The edit for a reader: the lines that it touches, before and after, on one line and shortened.
    ///
    /// # Panics
    /// As [`apply`](Mutation::apply).
    pub fn change(&self, source: &str) -> String {
        let from = source[..self.span.start].rfind('\n').map_or(0, |at| at + 1);
        let to = source[self.span.end..].find('\n').map_or(source.len(), |at| self.span.end + at);
        let (before, after) = (&source[from..self.span.start], &source[self.span.end..to]);
        let old = shown(&source[from..to]);
        match shown(&format!("{before}{}{after}", self.text)).as_str() {
            "" => format!("`{old}` left out"),
            new => format!("`{old}` → `{new}`"),
        }
    }
}

/// Characters of code that are shown: of longer code the begin and the end.
const SHOWN_MAX: usize = 96;

/// Code on one line, without comments.
fn shown(code: &str) -> String {
    let lines: Vec<&str> = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let words: Vec<char> = lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ").chars().collect();
    if words.len() <= SHOWN_MAX {
        return words.into_iter().collect();
    }
    let half = SHOWN_MAX / 2;
    let (begin, end) = (&words[..half], &words[words.len() - half..]);
    begin.iter().chain(&[' ', '…', ' ']).chain(end).collect()
}

/// Why there are no mutations of a file, or no variants of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no Rust.
    #[error("line {line}: {said}")]
    NoRust {
        /// Where, from 1.
        line: usize,
        /// What the parser says.
        said: String,
    },
    /// Its regions do not add up.
    #[error("a region that begins is not ended, or the other way round")]
    Regions,
}
impl From<syn::Error> for Error {
    fn from(error: syn::Error) -> Self {
        Error::NoRust { line: error.span().start().line, said: error.to_string() }
    }
}
