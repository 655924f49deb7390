//! A failure that is one call of a pure function: the call as a student can run it, and the run that it is about.

use crate::story::Story;

/// One call of a pure function, and what is right to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What its test has to `use`; `chapter` is the student's crate.
    pub uses: Vec<String>,
    /// The statements of a test that fails as long as the answer is wrong.
    pub assertion: String,
    /// The run that the question is about, where it is about one.
    pub drawing: Option<Story>,
}
