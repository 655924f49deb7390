//! A failure that is one call of a pure function: the call as a student can run it, and the run that it is about.

use crate::explore::How;
use crate::story::{Story, story};
use crate::tell::Recording;

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

/// The story of a failure. Of a call that is about a run, that run is the story; what the function printed follows it.
pub(crate) fn story_of(recording: &Recording, how: &How) -> Story {
    let Recording { scenario, trace, printed, call, .. } = recording;
    match call.as_ref().and_then(|call| call.drawing.clone()) {
        None => story(scenario, trace, printed, how),
        Some(mut drawing) => {
            let printed = printed.values().next_back().map(String::as_str).unwrap_or_default();
            drawing.below.extend(printed.lines().map(|line| format!("your function prints: {line}")));
            drawing
        }
    }
}
