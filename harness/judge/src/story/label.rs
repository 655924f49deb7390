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
        let words = &with_short_lists(&with_short_ids(words));
        let name: String = words.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let rest = words[name.len()..].trim();
        let inside = rest
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .or_else(|| rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')));
        if name.is_empty() || (inside.is_none() && !rest.is_empty()) {
            return Label { name: String::new(), fields: shorten(words) };
        }
        let mut all = fields(inside.unwrap_or_default());
        // a message that is one struct: its fields are those of the message
        if let [only] = &all[..]
            && let Some((_, inside)) = only.strip_suffix('}').and_then(|only| only.split_once(" {"))
            && only.chars().next().is_some_and(char::is_uppercase)
        {
            all = fields(inside);
        }
        Label { name, fields: shorten(&all.join(" ")) }
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

/// Ids of requests as people read of them, in place of numbers that say nothing.
fn with_short_ids(words: &str) -> String {
    const BEGINS: &str = "RequestId(";
    let (mut short, mut rest) = (String::new(), words);
    while let Some((before, after)) = rest.split_once(BEGINS) {
        short.push_str(before);
        match after.split_once(')').and_then(|(digits, rest)| Some((digits.parse().ok()?, rest))) {
            Some((id, after)) => {
                short.push_str(&world::name_of(lab::RequestId(id)));
                rest = after;
            }
            None => {
                short.push_str(BEGINS);
                rest = after;
            }
        }
    }
    short + rest
}
/// Of lists with more elements than a few, the first ones and the last.
fn with_short_lists(words: &str) -> String {
    const WHOLE: usize = 4;
    let mut out = String::new();
    // of each list that is open here: where its elements begin in `out`
    let mut open: Vec<(char, Vec<usize>)> = Vec::new();
    let (mut quoted, mut before) = (false, ' ');
    for c in words.chars() {
        if c == '"' && before != '\\' {
            quoted = !quoted;
        }
        before = c;
        if quoted {
            out.push(c);
            continue;
        }
        match c {
            '[' | '(' | '{' => {
                out.push(c);
                open.push((c, vec![out.len()]));
            }
            ',' => {
                out.push(c);
                if let Some((_, elements)) = open.last_mut() {
                    elements.push(out.len());
                }
            }
            ']' | ')' | '}' => {
                if let Some(('[', elements)) = open.pop()
                    && let [_, second, .., last] = elements[..]
                    && elements.len() > WHOLE
                {
                    let tail = out.split_off(last);
                    out.truncate(second);
                    out.push_str(&format!(" … {} more,{tail}", elements.len() - 2));
                }
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
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

#[cfg(test)]
mod tests {
    use super::Label;

    #[test]
    fn a_label_has_short_forms() {
        let shown = |words: &str| Label::of(words).to_string();
        assert_eq!(shown("Vote { term: 3, granted: true }"), "Vote term=3 granted=true");
        assert_eq!(shown("Accept(Proposal { ballot: 4.2, value: 112 })"), "Accept ballot=4.2 value=112");
        assert_eq!(shown("Resend(RequestId(5497558139136))"), "Resend #5.1");
        assert_eq!(shown("Resend(RequestId(5497558139137))"), "Resend #5.1.2");
        assert_eq!(shown("Some(RequestId(oops))"), "Some RequestId(oops)");
        assert_eq!(shown("Append { entries: [1, 2, 3, 4] }"), "Append entries=[1, 2, 3, 4]");
        assert_eq!(
            shown("Append { entries: [a(1), b(2), c(3), d(4), e(5)] }"),
            "Append entries=[a(1), … 3 more, e(5)]"
        );
        assert_eq!(shown("Say(\"[1, 2, 3, 4, 5, 6]\")"), "Say \"[1, 2, 3, 4, 5, 6]\"");
    }
}
