//! A reference with a bug put in.

use crate::error::{Fault, Faults, Problem};
use crate::functions::{find, functions};
use crate::splice::{Splice, below_src, text_of};
use crate::{Card, Hunk, Line, null};
use std::ops::Range;

/// All files, those that the card changes among them.
pub(crate) fn apply(card: &Card, reference: Vec<(&str, &str)>) -> Result<Vec<(String, String)>, Faults> {
    let fault = |line, problem| Fault::of(card, line, problem);
    if card.emptied.is_none() {
        return changed(&card.hunks, &fault, reference);
    }
    let (mut splices, mut faults) = (Vec::new(), Vec::new());
    null::empty(card, &reference, &mut splices, &mut faults);
    spliced(splices, faults, &fault, &reference)
}

/// All files, with these hunks put in; `fault` says of a problem which card and which line of its file has it.
pub(crate) fn changed(
    hunks: &[Hunk],
    fault: &dyn Fn(usize, Problem) -> Fault,
    reference: Vec<(&str, &str)>,
) -> Result<Vec<(String, String)>, Faults> {
    let (mut splices, mut faults) = (Vec::new(), Vec::new());
    for hunk in hunks {
        match place(hunk, &reference) {
            Ok(splice) => splices.push(splice),
            Err(problem) => faults.push(fault(hunk.line, problem)),
        }
    }
    spliced(splices, faults, fault, &reference)
}

fn spliced(
    mut splices: Vec<Splice>,
    mut faults: Vec<Fault>,
    fault: &dyn Fn(usize, Problem) -> Fault,
    reference: &[(&str, &str)],
) -> Result<Vec<(String, String)>, Faults> {
    splices.sort_by_key(|splice| (splice.file.clone(), splice.bytes.start));
    for pair in splices.windows(2) {
        if pair[0].file == pair[1].file && pair[1].bytes.start < pair[0].bytes.end {
            let text = text_of(reference, &pair[1].file).unwrap_or_default();
            let line = text[..pair[1].bytes.start].matches('\n').count() + 1;
            let problem = Problem::Overlap { file: pair[1].file.clone(), line };
            faults.push(fault(pair[1].line, problem));
        }
    }
    if !faults.is_empty() {
        return Err(Faults(faults));
    }
    let changed = |path: &str, text: &str| {
        let mut text = text.to_owned();
        // from the end, so that what is before stays where it was
        for splice in splices.iter().rev().filter(|splice| splice.file == below_src(path)) {
            text.replace_range(splice.bytes.clone(), &splice.text);
        }
        text
    };
    Ok(reference.iter().map(|(path, text)| ((*path).to_owned(), changed(path, text))).collect())
}

/// Where a hunk goes, and what it puts there.
fn place(hunk: &Hunk, reference: &[(&str, &str)]) -> Result<Splice, Problem> {
    let text = text_of(reference, &hunk.file)?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (within, place): (Vec<Range<usize>>, String) = match &hunk.function {
        Some(name) => {
            let all = functions(text);
            let found = find(&all, &hunk.file, name)?;
            let within = found.iter().map(|function| function.lines.clone()).collect();
            (within, format!("`{name}` of src/{}", hunk.file))
        }
        None => (std::iter::once(0..lines.len()).collect(), format!("src/{}", hunk.file)),
    };
    let wanted: Vec<&str> = hunk.lines.iter().filter_map(Line::before).collect();
    let stands_at = |at: &usize| {
        let here = lines[*at..].iter().map(|line| line.trim_end_matches('\n'));
        here.take(wanted.len()).eq(wanted.iter().copied())
    };
    let starts: Vec<usize> = within
        .iter()
        .flat_map(|lines: &Range<usize>| lines.start..(lines.end + 1).saturating_sub(wanted.len()))
        .filter(stands_at)
        .collect();
    let start = match starts[..] {
        [start] => start,
        [] => {
            let here: Vec<&str> = within.iter().flat_map(|range| &lines[range.clone()]).copied().collect();
            let is_missing =
                |wanted: &&&str| !here.iter().any(|line| line.trim_end_matches('\n') == **wanted);
            let first_missing = wanted.iter().find(is_missing).map(|line| (*line).to_owned());
            return Err(Problem::LinesMissing { place, first_missing });
        }
        _ => {
            let lines = starts.iter().map(|start| start + 1).collect();
            return Err(Problem::LinesRepeated { place, lines });
        }
    };
    let offset = |line: usize| lines[..line].iter().map(|line| line.len()).sum::<usize>();
    let bytes = offset(start)..offset(start + wanted.len());
    let text = hunk.lines.iter().filter_map(Line::after).map(|line| format!("{line}\n")).collect();
    Ok(Splice { file: hunk.file.clone(), bytes, text, line: hunk.line })
}
