//! Where the functions of a file are.
//!
//! A small scan of words and braces is enough: a reference compiles, so its braces match, and only `fn`, `impl`, `mod` and
//! `trait` matter. A parser would be a dependency many times as large as this crate, and a build script waits for it.

use crate::error::Problem;
use crate::mask::{is_word, mask};
use std::ops::Range;

/// One function with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// What it is in, from the outside: modules, functions, `Raft` or `Node for Raft`.
    pub(crate) scopes: Vec<String>,
    pub(crate) is_public: bool,
    /// Its lines, from that of its name to that of its last brace, counted from 0.
    pub(crate) lines: Range<usize>,
    /// What is between its braces, in bytes.
    pub(crate) body: Range<usize>,
}
impl Function {
    /// How it is named with all that it is in.
    pub(crate) fn full_name(&self) -> String {
        let scopes = self.scopes.iter().map(String::as_str);
        scopes.chain([self.name.as_str()]).collect::<Vec<_>>().join("::")
    }
    /// Whether it is a handler of a node: not `start`, which makes the node, and not `status`, which shows it.
    pub(crate) fn is_handler(&self) -> bool {
        self.scopes.last().is_some_and(|scope| scope.starts_with("Node for "))
            && !matches!(self.name.as_str(), "start" | "status")
    }
    fn is_called(&self, segments: &[&str]) -> bool {
        let Some((name, scopes)) = segments.split_last() else { return false };
        let from_the_inside = self.scopes.iter().rev().zip(scopes.iter().rev());
        self.name == *name
            && scopes.len() <= self.scopes.len()
            && from_the_inside.into_iter().all(|(scope, wanted)| {
                scope == wanted || scope.strip_suffix(wanted).is_some_and(|rest| rest.ends_with(" for "))
            })
    }
}

/// The functions that a name names: one, or several that cannot be told apart by name. A full name goes before a part of one.
pub(crate) fn find<'a>(all: &'a [Function], file: &str, name: &str) -> Result<Vec<&'a Function>, Problem> {
    let exact: Vec<&Function> = all.iter().filter(|function| function.full_name() == name).collect();
    if !exact.is_empty() {
        return Ok(exact);
    }
    let segments: Vec<&str> = name.split("::").collect();
    let found: Vec<&Function> = all.iter().filter(|function| function.is_called(&segments)).collect();
    let (file, function) = (file.to_owned(), name.to_owned());
    if found.is_empty() {
        let last = segments.last().copied().unwrap_or_default();
        let nearest = all.iter().find(|function| function.name == last).map(Function::full_name);
        return Err(Problem::FunctionMissing { file, function, nearest });
    }
    let mut choices: Vec<String> = found.iter().map(|function| function.full_name()).collect();
    choices.dedup();
    if choices.len() > 1 {
        return Err(Problem::FunctionAmbiguous { file, function, choices });
    }
    Ok(found)
}

/// All functions of a file that have a body, in the order in which they end.
pub(crate) fn functions(text: &str) -> Vec<Function> {
    let masked = mask(text);
    let mut scan = Scan { masked: &masked, found: Vec::new(), open: Vec::new(), begun: None, nested: 0 };
    let tokens = tokens(&masked);
    for (nth, token) in tokens.iter().enumerate() {
        let before = nth.checked_sub(1).and_then(|nth| tokens.get(nth));
        scan.take(before, token, tokens.get(nth + 1));
    }
    scan.found
}

/// A word, or one byte of anything else.
#[derive(Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    at: usize,
}

fn tokens(masked: &str) -> Vec<Token<'_>> {
    let bytes = masked.as_bytes();
    let mut all = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|byte| is_word(**byte)).count().max(1);
        if !bytes[at].is_ascii_whitespace() {
            all.push(Token { text: &masked[at..at + length], at });
        }
        at += length;
    }
    all
}

/// An item whose brace has not opened yet.
enum Begun {
    Fn { name: String, at: usize },
    Impl { header: usize },
    Scope { name: String },
}
/// A brace that has not closed yet.
struct Open {
    scope: Option<String>,
    function: Option<(usize, usize)>,
}
struct Scan<'a> {
    masked: &'a str,
    found: Vec<Function>,
    open: Vec<Open>,
    begun: Option<Begun>,
    /// Parentheses and brackets that are open in what has begun: `;` and `{` inside of them are part of a type.
    nested: usize,
}
impl Scan<'_> {
    fn take(&mut self, before: Option<&Token<'_>>, token: &Token<'_>, after: Option<&Token<'_>>) {
        let name = after.filter(|after| after.text.bytes().all(is_word)).map(|after| after.text.to_owned());
        let begun = match (token.text, name) {
            ("fn", Some(name)) => Some(Begun::Fn { name, at: token.at }),
            ("impl", _) if before.is_none_or(|before| begins_item_after(before.text)) => {
                Some(Begun::Impl { header: token.at + token.text.len() })
            }
            ("mod" | "trait", Some(name)) if self.begun.is_none() => Some(Begun::Scope { name }),
            _ => None,
        };
        if begun.is_some() {
            self.begun = begun;
            self.nested = 0;
            return;
        }
        match token.text {
            "(" | "[" if self.begun.is_some() => self.nested += 1,
            ")" | "]" => self.nested = self.nested.saturating_sub(1),
            ";" if self.nested == 0 => self.begun = None,
            "{" => self.opens(token.at),
            "}" => self.closes(token.at),
            _ => {}
        }
    }
    fn opens(&mut self, at: usize) {
        let begun = if self.nested == 0 { self.begun.take() } else { None };
        self.open.push(match begun {
            Some(Begun::Fn { name, at: begin }) => {
                Open { scope: Some(name), function: Some((begin, at + 1)) }
            }
            Some(Begun::Impl { header }) => {
                Open { scope: Some(implemented(&self.masked[header..at])), function: None }
            }
            Some(Begun::Scope { name }) => Open { scope: Some(name), function: None },
            None => Open { scope: None, function: None },
        });
    }
    fn closes(&mut self, at: usize) {
        let Some(Open { scope, function: Some((begin, body)) }) = self.open.pop() else { return };
        let line_of = |at: usize| self.masked[..at].matches('\n').count();
        let first = self.masked[..begin].rfind('\n').map_or(0, |end| end + 1);
        self.found.push(Function {
            name: scope.unwrap_or_default(),
            scopes: self.open.iter().filter_map(|open| open.scope.clone()).collect(),
            is_public: self.masked[first..begin].trim_start().starts_with("pub"),
            lines: line_of(begin)..line_of(at) + 1,
            body: body..at,
        });
    }
}

/// Whether an `impl` after this begins an item, and is no type.
fn begins_item_after(before: &str) -> bool {
    matches!(before, "}" | ";" | "{" | "]" | "unsafe")
}

/// `Raft` or `Node for Raft`, of what stands between `impl` and `{`.
fn implemented(header: &str) -> String {
    let header = header.trim();
    let generics = header.starts_with('<').then(|| closing_angle(header)).flatten().unwrap_or(0);
    let header = &header[generics..];
    let header = header
        .split_once(" where ")
        .or_else(|| header.split_once("\nwhere"))
        .map_or(header, |(head, _)| head);
    match header.split_once(" for ") {
        Some((of, whom)) => format!("{} for {}", plain(of), plain(whom)),
        None => plain(header),
    }
}
/// The last name of a path, without what is generic.
fn plain(path: &str) -> String {
    let path = path.split('<').next().unwrap_or_default();
    let path = path.rsplit("::").next().unwrap_or_default();
    path.trim_matches(|c: char| !c.is_alphanumeric() && c != '_').to_owned()
}
/// Where what is after `<…>` begins.
fn closing_angle(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'>' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::functions;

    fn names(source: &str) -> Vec<String> {
        let line = |f: &super::Function| format!("{} {}..{}", f.full_name(), f.lines.start + 1, f.lines.end);
        functions(source).iter().map(line).collect()
    }

    #[test]
    fn functions_are_named_by_all_that_they_are_in() {
        let source = "\
pub fn free<'a, T: Into<[u8; 4]>>(x: &'a [T; 2]) -> impl Fn(u8) -> u8 {
    fn inner() {}
    let text = \"fn no() {\"; // fn nor() {
    move |y| { y }
}
impl<T> Node for paxos::Raft<T>
where
    T: Fn(u8) -> u8,
{
    fn on_message(&mut self) where T: Copy { if true { } }
}
impl Raft { fn take(f: fn(u8) -> u8) {} }
unsafe impl Send for &mut Raft {}
trait Speak { fn say(&self); fn twice(&self) { } }
mod tests { mod deep { fn free() {} } }
";
        insta::assert_snapshot!(names(source).join("\n"), @r"
        free::inner 2..2
        free 1..5
        Node for Raft::on_message 10..10
        Raft::take 12..12
        Speak::twice 14..14
        tests::deep::free 15..15
        ");
    }
}
