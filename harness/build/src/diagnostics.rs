//! What the compiler said, fit to be shown: the student's own lines and no others, and nothing that moves a
//! terminal's cursor.

use crate::sources::Sources;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write};

/// Length of a text, in bytes.
const TEXT_MAX: usize = 8 << 10;

/// Items of a list in a message that are shown.
const ITEMS_MAX: usize = 8;

/// For who includes another file.
const ONLY_SOURCES: &str =
    "The compiler may read nothing but `src/**/*.rs`, which is what you hand in: put what you need there";

/// For who added a dependency.
const ONLY_CRATES: &str = "If you mean a crate that you added to Cargo.toml: only `src/**/*.rs` is handed in. Your code can use the crates `std`, `lab` and `serde`";

/// What the compiler holds against some modules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostics {
    /// Errors in the compiler's words, the paths as the student knows them. At most some 8 kB.
    pub text: String,
    /// How many errors there are, shown or not.
    pub errors: usize,
    /// How many warnings there are; none is shown.
    pub warnings: usize,
}
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl Diagnostics {
    /// The harness's own sentence, where there is nothing to compile.
    pub(crate) fn sentence(text: String) -> Diagnostics {
        Diagnostics { text: clean(&text), errors: 1, warnings: 0 }
    }
    /// Adds a last paragraph.
    pub(crate) fn and(mut self, sentence: &str) -> Diagnostics {
        let _ = write!(self.text, "\n\n{}", clean(sentence));
        self
    }
    /// Shows these errors, found when `sources` were compiled.
    pub(crate) fn of(errors: &[&Message], warnings: usize, sources: &Sources) -> Diagnostics {
        let mut text = String::new();
        let mut shown = 0;
        for error in errors {
            let next = clean(&error.show(sources));
            if shown > 0 && text.len() + next.len() > TEXT_MAX {
                break;
            }
            let separator = if shown > 0 { "\n\n" } else { "" };
            let _ = write!(text, "{separator}{}", capped(&next));
            shown += 1;
        }
        if shown < errors.len() {
            let _ = write!(text, "\n\n… and {} more errors", errors.len() - shown);
        }
        if errors.iter().any(|error| error.message.starts_with("couldn't read")) {
            let _ = write!(text, "\n\n{ONLY_SOURCES}");
        }
        if errors.iter().any(|error| error.misses_a_crate()) {
            let _ = write!(text, "\n\n{ONLY_CRATES}");
        }
        Diagnostics { text, errors: errors.len(), warnings }
    }
}

fn capped(text: &str) -> String {
    if text.len() <= TEXT_MAX {
        return text.to_owned();
    }
    let end = (0..=TEXT_MAX).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    format!("{}\n… and {} more bytes", &text[..end], text.len() - end)
}

/// Escapes what a terminal would obey, or show in another order than it stands.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push(c),
            '\t' => out.push_str("    "),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                out.extend(c.escape_unicode());
            }
            c if c.is_control() => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// One message of rustc's, as it writes them in JSON.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) message: String,
    pub(crate) level: String,
    #[serde(default)]
    code: Option<Code>,
    #[serde(default)]
    pub(crate) spans: Vec<Span>,
    #[serde(default)]
    children: Vec<Message>,
    #[serde(default)]
    rendered: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Code {
    code: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Span {
    file_name: String,
    line_start: usize,
    line_end: usize,
    column_start: usize,
    column_end: usize,
    is_primary: bool,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    suggested_replacement: Option<String>,
    #[serde(default)]
    expansion: Option<Box<Expansion>>,
}

#[derive(Debug, Deserialize)]
struct Expansion {
    span: Span,
}

/// A place in a file: path and line, from 1.
pub(crate) type Place<'a> = (&'a str, usize);

impl Span {
    /// This span, or the use of a macro that led to it, whichever comes first in one of these files.
    fn within(&self, ours: &dyn Fn(&str) -> bool) -> Option<&Span> {
        if ours(&self.file_name) { Some(self) } else { self.expansion.as_ref()?.span.within(ours) }
    }
    fn all_within(&self, ours: &dyn Fn(&str) -> bool) -> bool {
        ours(&self.file_name) && self.expansion.as_ref().is_none_or(|from| from.span.all_within(ours))
    }
    /// Draws this span; what it says stands in `source`, which may be a macro that was used here.
    fn show(&self, source: &Span, sources: &Sources, out: &mut String) {
        let (line, column) = (self.line_start, self.column_start);
        let _ = write!(out, "\n  --> {}:{line}:{column}", self.file_name);
        let Some(text) =
            sources.get(&self.file_name).and_then(|text| text.lines().nth(line.saturating_sub(1)))
        else {
            return;
        };
        let gutter = line.to_string();
        let pad = " ".repeat(gutter.len());
        // As wide as what stands above it: a tab is shown as four spaces.
        let width = |text: &str| text.chars().map(|c| if c == '\t' { 4 } else { 1 }).sum::<usize>();
        let upto = |column: usize| {
            text.char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(at, _)| at)
        };
        let (from, to) =
            (upto(column), if self.line_end == line { upto(self.column_end) } else { text.len() });
        let mark = if source.is_primary { "^" } else { "-" };
        let marks = mark.repeat(width(text.get(from..to).unwrap_or_default()).max(1));
        let label = source.label.as_deref().unwrap_or_default();
        let indent = " ".repeat(width(&text[..from]));
        let _ = write!(
            out,
            "\n{pad} |\n{gutter} | {text}\n{pad} | {}",
            format!("{indent}{marks} {label}").trim_end()
        );
    }
}

impl Message {
    /// Where it points, in files of ours: its main places if there are any, else others that it mentions.
    pub(crate) fn places(&self, ours: &dyn Fn(&str) -> bool) -> Vec<Place<'_>> {
        let of = |primary: bool| {
            let spans = self.spans.iter().filter(move |span| span.is_primary == primary);
            spans.filter_map(|span| {
                Some((span.within(ours)?.file_name.as_str(), span.within(ours)?.line_start))
            })
        };
        let main: Vec<_> = of(true).collect();
        if main.is_empty() { of(false).collect() } else { main }
    }
    /// Whether it may be about the machine: it has no place in the code, or it is about a crate that is not found.
    pub(crate) fn may_be_the_machines(&self) -> bool {
        self.spans.is_empty() || self.code.as_ref().is_some_and(|code| code.code == "E0463")
    }
    /// Whether it is about a crate that is not there.
    fn misses_a_crate(&self) -> bool {
        let of = |message: &Message| {
            ["missing crate", "unlinked crate", "can't find crate"]
                .iter()
                .any(|words| message.message.contains(words))
                || message
                    .spans
                    .iter()
                    .filter_map(|span| span.label.as_deref())
                    .any(|label| label.contains("unlinked crate") || label.contains("missing crate"))
        };
        of(self) || self.children.iter().any(of)
    }
    /// Adds its words and those of its notes, but for the line that called the linker.
    pub(crate) fn all_words(&self, out: &mut String) {
        let is_a_command = |text: &str| text.contains("\" \"") || text.contains("\"-o\"");
        for message in std::iter::once(self).chain(&self.children) {
            if !is_a_command(&message.message) {
                let _ = writeln!(out, "{}", message.message.trim());
            }
        }
    }
    /// The compiler's own picture where it shows the student's files alone; else one that does.
    fn show(&self, sources: &Sources) -> String {
        let ours = |path: &str| sources.get(path).is_some();
        let spans = || self.spans.iter().chain(self.children.iter().flat_map(|child| &child.spans));
        match &self.rendered {
            Some(rendered) if spans().all(|span| span.all_within(&ours)) => rendered.trim_end().to_owned(),
            _ => self.redraw(sources),
        }
    }
    fn redraw(&self, sources: &Sources) -> String {
        let ours = |path: &str| sources.get(path).is_some();
        let code = self.code.as_ref().map(|code| format!("[{}]", code.code)).unwrap_or_default();
        let mut out = format!("error{code}: {}", self.message);
        self.show_spans(sources, &mut out);
        for child in &self.children {
            let _ = write!(out, "\n  = {}: {}", child.level, child.message.replace('\n', "\n    "));
            let suggested = child.spans.iter().filter_map(|span| span.suggested_replacement.as_deref());
            let suggested: Vec<_> = suggested.map(str::trim).filter(|text| !text.is_empty()).collect();
            if !suggested.is_empty() {
                let _ = write!(out, ": `{}`", suggested.join(" … "));
                continue;
            }
            child.show_spans(sources, &mut out);
            // Lists of what else there is point into libraries, one item each.
            let elsewhere =
                child.spans.iter().filter(|span| child.level == "help" && span.within(&ours).is_none());
            for item in elsewhere.filter_map(|span| span.label.as_deref()).take(ITEMS_MAX) {
                let _ = write!(out, "\n      {item}");
            }
        }
        out
    }
    fn show_spans(&self, sources: &Sources, out: &mut String) {
        let ours = |path: &str| sources.get(path).is_some();
        let mut spans: Vec<_> =
            self.spans.iter().filter_map(|from| Some((from.within(&ours)?, from))).collect();
        spans.sort_by_key(|(span, from)| (!from.is_primary, span.line_start, span.column_start));
        for (span, from) in spans {
            span.show(from, sources, out);
        }
    }
}
