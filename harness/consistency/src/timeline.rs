//! A history as a picture, in text or SVG: a row a process, time to the right, faults on top, the guilty operation marked.
//!
//! Time is not to scale: every event gets as much room as its operation's words need, so that ten operations out of thousands read like a story.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::history::{History, OpId, Process};
use crate::model::Model;
use crate::verdict::Violation;

/// A fault, to be shown above the operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it began, in the unit of the history.
    pub from: u64,
    /// When it was healed, if it was.
    pub to: Option<u64>,
    /// What it was: `partition n1 | n2 n3`.
    pub what: String,
}

/// A picture of some operations of a history.
#[derive(Clone, Debug)]
pub struct Timeline {
    faults: Vec<Bar>,
    rows: Vec<Row>,
    ruler: Vec<(usize, u64)>,
    width: usize,
}

#[derive(Clone, Debug)]
struct Row {
    process: Process,
    name: String,
    bars: Vec<Bar>,
}

/// Something that lasts from a column to another.
#[derive(Clone, Debug)]
struct Bar {
    from: usize,
    /// `None`: it never ended.
    to: Option<usize>,
    words: String,
    marked: bool,
}

impl Timeline {
    /// The operations `ids` of a history, `guilty` marked if it is among them, with the faults of that time.
    pub fn new<M: Model>(history: &History<M>, ids: &[OpId], guilty: Option<OpId>, faults: &[Fault]) -> Self {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let words: Vec<String> = ids
            .iter()
            .map(|&id| history.model().describe(&history[id].call, history[id].answer.as_ref()))
            .collect();
        let mut events: Vec<(u32, u64, usize, bool)> = Vec::new();
        for (i, &id) in ids.iter().enumerate() {
            let op = &history[id];
            events.push((op.call_rank, op.invoked_at, i, true));
            if let Some(at) = op.returned_at {
                events.push((op.ret_rank, at, i, false));
            }
        }
        events.sort_unstable();
        let mut start = vec![0; ids.len()];
        let mut end = vec![None; ids.len()];
        let mut ruler: Vec<(usize, u64)> = Vec::new();
        let mut x = 0;
        for &(_, at, i, call) in &events {
            if call {
                start[i] = x;
            } else {
                x = x.max(start[i] + words[i].chars().count() + 5);
                end[i] = Some(x);
            }
            ruler.push((x, at));
            x += 2;
        }
        let lost =
            (0..ids.len()).filter(|&i| end[i].is_none()).map(|i| start[i] + words[i].chars().count() + 7);
        let width = lost.max().unwrap_or(0).max(x);
        let mut rows: Vec<(Row, u32)> = Vec::new();
        for (i, &id) in ids.iter().enumerate() {
            let op = &history[id];
            let bar = Bar { from: start[i], to: end[i], words: words[i].clone(), marked: guilty == Some(id) };
            let free = |(row, last): &&mut (Row, u32)| row.process == op.process && *last < op.call_rank;
            match rows.iter_mut().find(free) {
                Some((row, last)) => {
                    row.bars.push(bar);
                    *last = op.ret_rank;
                }
                None => {
                    let (process, name) = (op.process, history.who(op.process));
                    rows.push((Row { process, name, bars: vec![bar] }, op.ret_rank));
                }
            }
        }
        rows.sort_by_key(|(row, _)| row.process);
        let column = |at: u64| ruler.iter().find(|&&(_, time)| time >= at).map(|&(x, _)| x);
        let first = ruler.first().map_or(0, |&(_, at)| at);
        let faults = faults
            .iter()
            .filter(|fault| fault.to.is_none_or(|to| to >= first))
            .filter_map(|fault| {
                let from = column(fault.from)?;
                let least = from + fault.what.chars().count() + 5;
                let to = fault.to.and_then(column).map(|to| to.max(least));
                Some(Bar { from, to, words: fault.what.clone(), marked: false })
            })
            .collect();
        Self { faults, rows: rows.into_iter().map(|(row, _)| row).collect(), ruler, width }
    }

    /// The minimal sub-history of a violation.
    pub fn of_violation<M: Model>(history: &History<M>, violation: &Violation, faults: &[Fault]) -> Self {
        Self::new(history, &violation.core, Some(violation.guilty), faults)
    }

    /// In text, a line a row, without trailing spaces; needs a font of one width and Unicode's box drawings.
    pub fn to_text(&self) -> String {
        let margin = self.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(4) + 2;
        let mut text = String::new();
        let mut line = |label: &str, cells: Vec<char>| {
            let cells: String = cells.into_iter().collect();
            let _ = writeln!(text, "{}", format!("{label:margin$}{cells}").trim_end());
        };
        for fault in &self.faults {
            line("", self.draw(std::slice::from_ref(fault), ['╞', '═', '╡', '╌']));
        }
        for row in &self.rows {
            line(&row.name, self.draw(&row.bars, ['├', '─', '┤', '┄']));
        }
        let mut ruler: Vec<char> = Vec::new();
        for &(x, at) in &self.ruler {
            if x >= ruler.len() + usize::from(!ruler.is_empty()) {
                ruler.resize(x, ' ');
                ruler.extend(at.to_string().chars());
            }
        }
        line("time", ruler);
        text
    }

    /// `[begin, line, end, never ends]`.
    fn draw(&self, bars: &[Bar], [begin, line, end, open]: [char; 4]) -> Vec<char> {
        let mut cells = vec![' '; self.width + 3];
        for bar in bars {
            let last = bar.to.unwrap_or(self.width).max(bar.from + 1);
            cells.resize(cells.len().max(last + 4), ' ');
            for cell in &mut cells[bar.from..=last] {
                *cell = if bar.to.is_some() { line } else { open };
            }
            cells[bar.from] = begin;
            if bar.to.is_some() {
                cells[last] = end;
            }
            let words = std::iter::once(' ').chain(bar.words.chars()).chain([' ']);
            for (cell, c) in cells[bar.from + 2..].iter_mut().zip(words) {
                *cell = c;
            }
            if bar.marked {
                cells[last + 2] = '◄';
            }
        }
        cells
    }

    /// As an SVG image of its own, readable on light and dark pages; all text is escaped.
    pub fn to_svg(&self) -> String {
        const CELL: usize = 8;
        const ROW: usize = 30;
        const LEFT: usize = 70;
        let x = |column: usize| LEFT + column * CELL;
        let rows = self.faults.len() + self.rows.len();
        let (width, height) = (x(self.width + 6), (rows + 2) * ROW);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"ui-monospace, monospace\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        let mut y = ROW / 2;
        let bar = |svg: &mut String, bar: &Bar, y: usize, fill: &str, stroke: &str| {
            let from = x(bar.from);
            let to = x(bar.to.unwrap_or(self.width + 2));
            let dashes = if bar.to.is_some() { "" } else { " stroke-dasharray=\"4 3\"" };
            let _ = writeln!(
                svg,
                "<rect x=\"{from}\" y=\"{y}\" width=\"{}\" height=\"20\" rx=\"4\" fill=\"{fill}\" stroke=\"{stroke}\"{dashes}/>\
                 <text x=\"{}\" y=\"{}\" fill=\"#111\">{}</text>",
                to - from,
                from + CELL,
                y + 14,
                escaped(&bar.words),
            );
        };
        for fault in &self.faults {
            bar(&mut svg, fault, y, "#fde8c8", "#b45309");
            y += ROW;
        }
        for row in &self.rows {
            let _ =
                writeln!(svg, "<text x=\"10\" y=\"{}\" fill=\"#111\">{}</text>", y + 14, escaped(&row.name));
            for b in &row.bars {
                let (fill, stroke) = if b.marked { ("#fbd5d5", "#b91c1c") } else { ("#dbeafe", "#1d4ed8") };
                bar(&mut svg, b, y, fill, stroke);
            }
            y += ROW;
        }
        let mut free = 0;
        let by_column: BTreeMap<usize, u64> = self.ruler.iter().copied().collect();
        for (column, at) in by_column {
            if column >= free {
                let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\" fill=\"#555\">{at}</text>", x(column), y + 14);
                free = column + at.to_string().len() + 1;
            }
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
