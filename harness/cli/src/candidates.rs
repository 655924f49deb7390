//! What a shell may complete a word to: names of exercises and of checks.

use clap_complete::engine::CompletionCandidate;

/// The names of all chapters and exercises.
pub(crate) fn exercises() -> Vec<CompletionCandidate> {
    let mut names = Vec::new();
    for chapter in course::chapters() {
        names.push(CompletionCandidate::new(chapter.number.to_string()).help(Some(chapter.title.into())));
        names.extend(
            chapter
                .exercises
                .iter()
                .map(|of| CompletionCandidate::new(format!("{}/{}", chapter.number, of.id))),
        );
    }
    names
}
/// The names of all checks.
pub(crate) fn checks() -> Vec<CompletionCandidate> {
    let mut names = Vec::new();
    for chapter in course::chapters() {
        for exercise in &chapter.exercises {
            names.extend(exercise.checks.iter().map(|check| {
                CompletionCandidate::new(format!("{}/{}/{}", chapter.number, exercise.id, check.id))
                    .help(Some(check.promise.into()))
            }));
        }
    }
    names
}
