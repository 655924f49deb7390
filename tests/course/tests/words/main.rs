//! What a machine can check of how texts are written: promises, violations, hints and READMEs. The rest is read as prose, in
//! review; `everything` keeps all of it in one snapshot a chapter.

mod everything;
mod texts;

use judge::Check;
use texts::{Chapter, hints, paragraphs, violations};

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

/// Of these, the ones that a reading about kitchens does without, too.
const NOT_IN_READINGS: [(&str, &str); 4] = [NOT_TERMS[0], NOT_TERMS[4], NOT_TERMS[6], NOT_TERMS[7]];
/// A violation says that something is so, although it should not be.
const NOT_IN_VIOLATIONS: [(&str, &str); 2] = [("though", "although"), ("bear", "have")];

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
/// What makes sentences hard to read.
fn too_long(text: &str) -> Vec<String> {
    let long = |sentence: &String| sentence.split_whitespace().count() > WORDS_MAX;
    let said = |sentence: String| {
        let words = sentence.split_whitespace().count();
        format!("{words} words, at most {WORDS_MAX}: `{}`", sentence.trim())
    };
    sentences(text).into_iter().filter(long).map(said).collect()
}
/// Words that are not the field's.
fn not_terms(text: &str, refused: &[(&str, &str)]) -> Vec<String> {
    let mut faults = Vec::new();
    for (word, instead) in refused {
        let is_it =
            |other: &str| other.trim_matches(|c: char| !c.is_alphanumeric()).eq_ignore_ascii_case(word);
        if text.split_whitespace().any(is_it) {
            faults.push(format!("`{word}`: write \"{instead}\" in `{text}`"));
        }
    }
    faults
}
fn faults_of(name: &str, what: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.ends_with(['.', '?']) {
        faults.push(format!("no full stop at the end of `{text}`"));
    }
    faults.extend(too_long(text));
    faults.extend(not_terms(text, &NOT_TERMS));
    faults.iter().map(|wrong| format!("{name}, {what}: {wrong}")).collect()
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
fn violations_are_written_plainly() {
    let mut all = Vec::new();
    for (place, text) in violations() {
        let mut faults = too_long(&text);
        faults.extend(not_terms(&text, &NOT_TERMS));
        faults.extend(not_terms(&text, &NOT_IN_VIOLATIONS));
        all.extend(faults.iter().map(|wrong| format!("{place}: {wrong}")));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}
#[test]
fn hints_are_written_plainly() {
    let mut all = Vec::new();
    for chapter in Chapter::all() {
        for (exercise, hints) in hints(&chapter) {
            for (level, hint) in (1..).zip(&hints) {
                // the last one is an outline
                let mut faults = if level < hints.len() { too_long(hint) } else { Vec::new() };
                faults.extend(not_terms(hint, &NOT_TERMS));
                all.extend(faults.iter().map(|wrong| format!("{exercise}, hint {level}: {wrong}")));
            }
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}
#[test]
fn readings_are_written_plainly() {
    let mut all = Vec::new();
    for chapter in Chapter::all() {
        for text in paragraphs(&chapter) {
            let faults = too_long(&text).into_iter().chain(not_terms(&text, &NOT_IN_READINGS));
            all.extend(faults.map(|wrong| format!("{}: {wrong}", chapter.folder)));
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
