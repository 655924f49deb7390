//! What a machine can check of how promises are written. The rest is read as prose, in review.

use judge::Check;

/// A sentence has no more words.
const WORDS_MAX: usize = 25;
/// Words that say something else in this field, or nothing: each with what to write.
const NOT_TERMS: [(&str, &str); 8] = [
    ("whoever", "the node"),
    ("somebody", "a node"),
    ("everybody", "all nodes"),
    ("nobody", "no node"),
    ("alarm", "timer"),
    ("rings", "fires"),
    ("time-out", "timeout"),
    ("time-outs", "timeouts"),
];

/// The sentences of a text: they end with a full stop, a question mark, or a colon, before a blank or the end.
fn sentences(text: &str) -> Vec<String> {
    let mut sentences = vec![String::new()];
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let sentence = sentences.last_mut().expect("there is one");
        sentence.push_str(word);
        sentence.push(' ');
        if word.ends_with(['.', '?', ':']) && words.peek().is_some() {
            sentences.push(String::new());
        }
    }
    sentences
}
fn faults_of(name: &str, what: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |wrong: String| faults.push(format!("{name}, {what}: {wrong}"));
    if !text.ends_with(['.', '?']) {
        fault(format!("no full stop at the end of `{text}`"));
    }
    for sentence in sentences(text) {
        let words = sentence.split_whitespace().count();
        if words > WORDS_MAX {
            fault(format!("{words} words, at most {WORDS_MAX}: `{}`", sentence.trim()));
        }
    }
    for (word, instead) in NOT_TERMS {
        let is_it =
            |other: &str| other.trim_matches(|c: char| !c.is_alphanumeric()).eq_ignore_ascii_case(word);
        if text.split_whitespace().any(is_it) {
            fault(format!("`{word}`: write \"{instead}\""));
        }
    }
    faults
}
fn faults(exercise: &str, check: &Check) -> Vec<String> {
    let name = format!("{exercise}/{}", check.id);
    let assumption = format!("Do not assume that {}", check.assumption);
    let mut faults = faults_of(&name, "promise", check.promise);
    faults.extend(faults_of(&name, "rule", check.rule));
    faults.extend(faults_of(&name, "assumption", &assumption));
    if check.assumption.starts_with("That ") || check.assumption.starts_with("that ") {
        faults.push(format!("{name}: the assumption follows \"Do not assume that\""));
    }
    for (_, untested) in check.sometimes {
        faults.extend(faults_of(&name, "sometimes", untested));
        if !untested.starts_with("Untested: ") {
            faults.push(format!("{name}: `{untested}` begins with \"Untested: in none of the runs did\""));
        }
    }
    faults
}

#[test]
fn promises_are_written_plainly() {
    let mut all = Vec::new();
    for chapter in course::chapters() {
        for exercise in &chapter.exercises {
            all.extend(exercise.checks.iter().flat_map(|check| faults(exercise.id, check)));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}
#[test]
fn what_is_not_plain_is_found() {
    let long = "word ".repeat(26) + ".";
    let found = faults_of("x/y", "promise", &format!("Whoever asks waits: {long} It rings"));
    assert_eq!(found.len(), 4, "{found:?}");
}
