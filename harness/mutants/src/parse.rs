//! From text to cards.

use crate::error::{Fault, Problem, VERDICTS};
use crate::{Card, Emptied, Hunk, Line, Right};

/// The three null mutants, and what is wrong with each.
const NULLS: [(&str, &str); 3] = [
    ("silent", "Does nothing, whatever it is asked."),
    ("refusing", "Refuses whatever it is asked."),
    ("echoing", "Answers at once, whatever it is asked."),
];

/// The cards of a text and all that is wrong with it. If an exercise is given, all cards must be about it.
pub(crate) fn parse(file: &str, text: &str, exercise: Option<&str>) -> (Vec<Card>, Vec<Fault>) {
    let mut parser = Parser { file, exercise, cards: Vec::new(), faults: Vec::new() };
    let lines: Vec<(usize, &str)> = (1..).zip(text.lines()).collect();
    for block in blocks(&lines) {
        if block[0].1.split_whitespace().next() == Some("null") {
            parser.nulls(&block);
        } else {
            parser.card(&block);
        }
    }
    (parser.cards, parser.faults)
}

/// The right programs of a text, which is about an exercise, and all that is wrong with it.
pub(crate) fn parse_right(file: &str, text: &str, exercise: &str) -> (Vec<Right>, Vec<Fault>) {
    let mut parser = Parser { file, exercise: Some(exercise), cards: Vec::new(), faults: Vec::new() };
    let lines: Vec<(usize, &str)> = (1..).zip(text.lines()).collect();
    let cards = blocks(&lines).iter().map(|block| parser.right(block, exercise)).collect();
    (cards, parser.faults)
}

/// The lines of each card, with their numbers. Blank lines separate cards; but one within a hunk is a line of it, with or without the
/// blank that marks it.
fn blocks<'a>(lines: &[(usize, &'a str)]) -> Vec<Vec<(usize, &'a str)>> {
    let mut blocks: Vec<Vec<(usize, &str)>> = Vec::new();
    let mut current: Vec<(usize, &str)> = Vec::new();
    let mut blanks: Vec<(usize, &str)> = Vec::new();
    for &(number, line) in lines {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            blanks.push((number, line));
            continue;
        }
        let goes_on = line.starts_with(['@', ' ', '-', '+']) || is_of_nulls(line);
        if !blanks.is_empty() && !goes_on && !current.is_empty() {
            blocks.push(std::mem::take(&mut current));
        }
        if line.starts_with([' ', '-', '+']) {
            current.append(&mut blanks);
        }
        blanks.clear();
        current.push((number, line));
    }
    if !current.is_empty() {
        blocks.push(current);
    }
    blocks
}
fn is_of_nulls(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    let is_short = line.split_whitespace().count() <= 2;
    (is_short && NULLS.iter().any(|(name, _)| *name == word)) || word == "keep"
}

struct Parser<'a> {
    file: &'a str,
    exercise: Option<&'a str>,
    cards: Vec<Card>,
    faults: Vec<Fault>,
}
impl Parser<'_> {
    fn fault(&mut self, line: usize, card: Option<&str>, problem: Problem) {
        let (file, card) = (self.file.to_owned(), card.map(str::to_owned));
        self.faults.push(Fault { file, line, card, problem });
    }

    /// A card of this file about a check, which as yet says nothing else; a fault if the check is named wrongly.
    fn named(&mut self, line: usize, id: &str, name: &str) -> Option<Card> {
        let (exercise, check) = name.split_once('/')?;
        if self.exercise.is_some_and(|of_file| of_file != exercise) {
            let problem =
                Problem::OtherExercise { name: name.to_owned(), name_of_file: format!("{exercise}.diff") };
            self.fault(line, Some(id), problem);
        }
        Some(Card {
            id: id.to_owned(),
            exercise: exercise.to_owned(),
            check: check.to_owned(),
            verdict: "failed".to_owned(),
            also: Vec::new(),
            rule: None,
            null: false,
            bug: String::new(),
            says: None,
            outside: Vec::new(),
            hunks: Vec::new(),
            emptied: None,
            file: self.file.to_owned(),
            line,
        })
    }

    fn card(&mut self, block: &[(usize, &str)]) {
        let (line, header) = block[0];
        let mut words = header.split_whitespace();
        let id = words.next().unwrap_or_default();
        let Some(mut card) = words.next().and_then(|name| self.named(line, id, name)) else {
            return self.fault(line, None, Problem::NoHeader(header.to_owned()));
        };
        while let Some(word) = words.next() {
            match word {
                "null" => card.null = true,
                "rule" => match words.next() {
                    Some(rule) => card.rule = Some(rule.to_owned()),
                    None => self.fault(line, Some(id), Problem::NothingAfter("rule")),
                },
                "also" => {
                    card.also = words.by_ref().map(str::to_owned).collect();
                    if card.also.is_empty() {
                        self.fault(line, Some(id), Problem::NothingAfter("also"));
                    }
                    for name in card.also.iter().filter(|name| name.contains('/')) {
                        self.fault(line, Some(id), Problem::AlsoElsewhere(name.clone()));
                    }
                }
                verdict if VERDICTS.contains(&verdict) => card.verdict = verdict.to_owned(),
                word => self.fault(line, Some(id), Problem::UnknownWord { word: word.to_owned() }),
            }
        }
        let begins_hunk = |(_, line): &(usize, &str)| line.starts_with('@');
        let (about, hunks) = block.split_at(block.iter().position(begins_hunk).unwrap_or(block.len()));
        let mut bug: Vec<&str> = Vec::new();
        for &(_, text) in &about[1..] {
            if let Some(said) = text.strip_prefix("> ") {
                card.says = Some(said.to_owned());
            } else if let Some(names) = text.strip_prefix("outside ") {
                card.outside = names.split_whitespace().map(str::to_owned).collect();
            } else {
                bug.push(text.trim());
            }
        }
        card.bug = bug.join(" ");
        if card.bug.is_empty() {
            self.fault(line, Some(id), Problem::NoBug);
        }
        card.hunks = self.hunks_of(hunks, line, id);
        self.cards.push(card);
    }

    fn right(&mut self, block: &[(usize, &str)], exercise: &str) -> Right {
        let (line, header) = block[0];
        let mut words = header.split_whitespace().map(str::to_owned);
        let id = words.next().unwrap_or_default();
        let exercises: Vec<String> = std::iter::once(exercise.to_owned()).chain(words).collect();
        for name in exercises.iter().filter(|name| name.contains('/')) {
            self.fault(line, Some(&id), Problem::CheckOfRight(name.clone()));
        }
        let begins_hunk = |(_, line): &(usize, &str)| line.starts_with('@');
        let (about, hunks) = block.split_at(block.iter().position(begins_hunk).unwrap_or(block.len()));
        let why = about[1..].iter().map(|(_, text)| text.trim()).collect::<Vec<_>>().join(" ");
        if why.is_empty() {
            self.fault(line, Some(&id), Problem::NoReason);
        }
        let hunks = self.hunks_of(hunks, line, &id);
        Right { id, exercises, why, hunks, file: self.file.to_owned(), line }
    }

    /// The hunks of a card that begins at a line: at least one, each with lines to find.
    fn hunks_of(&mut self, lines: &[(usize, &str)], line: usize, id: &str) -> Vec<Hunk> {
        let hunks = self.hunks(lines, id);
        if hunks.is_empty() {
            self.fault(line, Some(id), Problem::NoHunk);
        }
        for hunk in &hunks {
            if !hunk.lines.iter().any(|line| line.before().is_some()) {
                self.fault(hunk.line, Some(id), Problem::NothingToFind);
            }
        }
        hunks
    }

    fn hunks(&mut self, lines: &[(usize, &str)], id: &str) -> Vec<Hunk> {
        let mut hunks: Vec<Hunk> = Vec::new();
        for &(line, text) in lines {
            if let Some(anchor) = text.strip_prefix('@') {
                let mut words = anchor.trim().splitn(2, char::is_whitespace);
                let file = words.next().unwrap_or_default().to_owned();
                if file.is_empty() {
                    self.fault(line, Some(id), Problem::NoFile);
                }
                let function = words.next().map(|function| function.trim().to_owned());
                hunks.push(Hunk { file, function, lines: Vec::new(), line });
            } else if let Some(hunk) = hunks.last_mut() {
                let rest = || text.get(1..).unwrap_or_default().to_owned();
                match text.bytes().next() {
                    None | Some(b' ') => hunk.lines.push(Line::Kept(rest())),
                    Some(b'-') => hunk.lines.push(Line::Removed(rest())),
                    Some(b'+') => hunk.lines.push(Line::Added(rest())),
                    Some(_) => self.fault(line, Some(id), Problem::NoMark(text.to_owned())),
                }
            }
        }
        for hunk in &hunks {
            if !hunk.lines.iter().any(|line| !matches!(line, Line::Kept(_))) {
                self.fault(hunk.line, Some(id), Problem::NothingToChange);
            }
        }
        hunks
    }

    /// A section of null mutants: three cards.
    fn nulls(&mut self, block: &[(usize, &str)]) {
        let (line, header) = block[0];
        let mut words = header.split_whitespace().skip(1);
        let Some(card) = words.next().and_then(|name| self.named(line, "null", name)) else {
            return self.fault(line, None, Problem::NoHeader(header.to_owned()));
        };
        let files: Vec<String> = words.map(str::to_owned).collect();
        if files.is_empty() {
            self.fault(line, Some("null"), Problem::NoFile);
        }
        let program = |(name, bug): (&str, &str)| Card {
            id: format!("{}-null-{name}", card.exercise),
            null: true,
            bug: bug.to_owned(),
            emptied: Some(Emptied { files: files.clone(), keep: Vec::new() }),
            ..card.clone()
        };
        let mut programs = NULLS.map(program);
        let starts: Vec<usize> = (1..block.len()).filter(|&nth| which(block[nth].1).is_some()).collect();
        for &(number, text) in &block[1..starts.first().copied().unwrap_or(block.len())] {
            self.fault(number, Some("null"), Problem::NotOfNulls(text.to_owned()));
        }
        for (nth, &start) in starts.iter().enumerate() {
            let end = starts.get(nth + 1).copied().unwrap_or(block.len());
            let Some(which) = which(block[start].1) else { continue };
            self.null(&block[start..end], &mut programs[which]);
        }
        for (program, (name, _)) in programs.iter().zip(NULLS).skip(1) {
            if program.hunks.is_empty() {
                self.fault(line, Some(&program.id), Problem::NullMissing(name));
            }
        }
        self.cards.extend(programs);
    }

    /// What a section says of one null mutant.
    fn null(&mut self, lines: &[(usize, &str)], program: &mut Card) {
        let id = program.id.clone();
        program.line = lines[0].0;
        if let Some(verdict) = lines[0].1.split_whitespace().nth(1) {
            if !VERDICTS.contains(&verdict) {
                let word = verdict.to_owned();
                self.fault(lines[0].0, Some(&id), Problem::UnknownWord { word });
            }
            program.verdict = verdict.to_owned();
        }
        let mut hunks = Vec::new();
        for &(line, text) in &lines[1..] {
            if let Some(names) = text.strip_prefix("keep ") {
                if let Some(emptied) = &mut program.emptied {
                    emptied.keep.extend(names.split_whitespace().map(str::to_owned));
                }
            } else if text.starts_with(['@', '+']) {
                hunks.push((line, text));
            } else if !text.trim().is_empty() {
                self.fault(line, Some(&id), Problem::NotOfNulls(text.to_owned()));
            }
        }
        program.hunks = self.hunks(&hunks, &id);
        for hunk in program.hunks.iter().filter(|hunk| hunk.function.is_none()) {
            let text = format!("@ {}", hunk.file);
            self.fault(hunk.line, Some(&id), Problem::NotOfNulls(text));
        }
    }
}

/// Which null mutant a line begins.
fn which(line: &str) -> Option<usize> {
    let word = line.split_whitespace().next()?;
    NULLS.iter().position(|(name, _)| *name == word)
}
