//! Submissions that do nothing, refuse, or answer at once, out of a reference.

use crate::error::{Fault, Problem};
use crate::functions::{Function, find, functions};
use crate::splice::{Splice, text_of};
use crate::{Card, Line};

/// What a null mutant changes: every handler and public function of its files that it does not keep has the body that the card
/// gives it, or does nothing.
pub(crate) fn empty(
    card: &Card,
    reference: &[(&str, &str)],
    splices: &mut Vec<Splice>,
    faults: &mut Vec<Fault>,
) {
    let Some(emptied) = &card.emptied else { return };
    let mut kept_names: Vec<&String> = emptied.keep.iter().collect();
    for hunk in card.hunks.iter().filter(|hunk| !emptied.files.contains(&hunk.file)) {
        faults.push(Fault::of(card, hunk.line, Problem::FileNotNamed(hunk.file.clone())));
    }
    for file in &emptied.files {
        let text = match text_of(reference, file) {
            Ok(text) => text,
            Err(problem) => {
                faults.push(Fault::of(card, card.line, problem));
                continue;
            }
        };
        let all = functions(text);
        let mut settled: Vec<&Function> = Vec::new();
        kept_names.retain(|name| match find(&all, file, name) {
            Ok(found) => {
                settled.extend(found);
                false
            }
            Err(_) => true,
        });
        for hunk in card.hunks.iter().filter(|hunk| hunk.file == *file) {
            let name = hunk.function.as_deref().unwrap_or_default();
            let body: String =
                hunk.lines.iter().filter_map(Line::after).map(|line| format!("{line}\n")).collect();
            match find(&all, file, name) {
                Ok(found) => {
                    for function in found {
                        splices.push(replaced(file, text, function, &body, hunk.line));
                        settled.push(function);
                    }
                }
                Err(problem) => faults.push(Fault::of(card, hunk.line, problem)),
            }
        }
        let asked = |function: &&Function| {
            function.is_handler() || (function.is_public && function.scopes.is_empty())
        };
        if !all.iter().any(|function| asked(&function)) {
            faults.push(Fault::of(card, card.line, Problem::NothingToEmpty(file.clone())));
        }
        for function in all.iter().filter(asked).filter(|function| !settled.contains(function)) {
            let body = if function.is_handler() { "" } else { "    loop {}\n" };
            splices.push(replaced(file, text, function, body, card.line));
        }
    }
    for name in kept_names {
        let files = emptied.files.join(", src/");
        let problem = Problem::FunctionMissing { file: files, function: name.clone(), nearest: None };
        faults.push(Fault::of(card, card.line, problem));
    }
}

fn replaced(file: &str, text: &str, function: &Function, body: &str, line: usize) -> Splice {
    // the last brace stays where it is
    let end = text[..function.body.end].trim_end_matches(' ').len();
    let bytes = function.body.start..end.max(function.body.start);
    Splice { file: file.to_owned(), bytes, text: format!("\n{body}"), line }
}
