//! Values in words: from what `Debug` makes of them to a few fields.

use std::fmt::Write;

/// A value in words: `Vote { term: 3, granted: true }` has the name `Vote` and two fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The name of its type or variant.
    pub name: String,
    /// The rest; left out where a row before has said it.
    pub fields: String,
}

impl Label {
    /// From what `Debug` makes of a value.
    pub(crate) fn of(words: &str) -> Label {
        let name: String = words.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let rest = words[name.len()..].trim();
        let inside = rest
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .or_else(|| rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')));
        if name.is_empty() || (inside.is_none() && !rest.is_empty()) {
            return Label { name: String::new(), fields: shorten(words) };
        }
        let fields = fields(inside.unwrap_or_default());
        Label { name, fields: shorten(&fields.join(" ")) }
    }
}
impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let between = if self.name.is_empty() || self.fields.is_empty() { "" } else { " " };
        write!(f, "{}{between}{}", self.name, self.fields)
    }
}

/// The fields of a `Debug` text, at its outermost level, as `name=value`.
fn fields(inside: &str) -> Vec<String> {
    let (mut fields, mut field, mut depth, mut quoted) = (Vec::new(), String::new(), 0_u32, false);
    let mut before = ' ';
    for c in inside.chars() {
        match c {
            '"' if before != '\\' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if c == ',' && depth == 0 && !quoted {
            fields.push(std::mem::take(&mut field));
        } else {
            field.push(c);
        }
        before = c;
    }
    fields.push(field);
    let named = |field: &str| match field.trim().split_once(": ") {
        Some((name, value)) if name.chars().all(|c| c.is_alphanumeric() || c == '_') => {
            format!("{name}={value}")
        }
        _ => field.trim().to_owned(),
    };
    let said = |field: &String| !field.is_empty() && !field.ends_with("=None");
    fields.iter().map(|field| named(field)).filter(said).collect()
}

/// A text that fits a few lines.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 160;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// `a=1 b=Some(2)` in its parts.
pub(crate) fn split_fields(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut depth = 0_i32;
    for word in text.split(' ') {
        if depth > 0
            && let Some(part) = parts.last_mut()
        {
            let _ = write!(part, " {word}");
        } else {
            parts.push(word.to_owned());
        }
        depth +=
            word.chars().map(|c| i32::from("([{".contains(c)) - i32::from(")]}".contains(c))).sum::<i32>();
    }
    parts
}
