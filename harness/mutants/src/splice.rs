//! Text that takes the place of other text.

use crate::error::Problem;
use std::ops::Range;

/// Text that takes the place of some bytes of a file.
pub(crate) struct Splice {
    /// The file, as a path below `src`.
    pub(crate) file: String,
    pub(crate) bytes: Range<usize>,
    pub(crate) text: String,
    /// Where the card says so.
    pub(crate) line: usize,
}

pub(crate) fn below_src(path: &str) -> &str {
    path.strip_prefix("src/").unwrap_or(path)
}
pub(crate) fn text_of<'a>(reference: &[(&'a str, &'a str)], file: &str) -> Result<&'a str, Problem> {
    let found = reference.iter().find(|(path, _)| below_src(path) == file);
    found.map(|(_, text)| *text).ok_or_else(|| Problem::FileMissing(file.to_owned()))
}
