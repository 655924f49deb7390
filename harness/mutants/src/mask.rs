//! Rust source without what is in its comments and literals, so that braces and words can be counted.

/// The same text, byte for byte as long and with the same lines; but comments, strings and characters are blanks.
pub(crate) fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let after_word = at > 0 && is_word(bytes[at - 1]);
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => line_comment(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => block_comment(bytes, at),
            b'"' => string(bytes, at),
            b'\'' => character(text, at),
            b'r' | b'b' | b'c' if !after_word => raw_string(bytes, at),
            _ => None,
        };
        match end {
            Some(end) => {
                out[at..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
                at = end;
            }
            None => {
                // `r#fn` is a name, and no keyword
                if bytes[at] == b'#'
                    && at > 0
                    && bytes[at - 1] == b'r'
                    && bytes.get(at + 1).is_some_and(|b| is_word(*b))
                {
                    out[at] = b'_';
                }
                at += 1;
            }
        }
    }
    // what is blanked is blanked from one border of characters to another
    String::from_utf8(out).unwrap_or_default()
}

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn line_comment(bytes: &[u8], at: usize) -> Option<usize> {
    Some(bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length))
}

/// They nest.
fn block_comment(bytes: &[u8], begin: usize) -> Option<usize> {
    let mut depth = 0;
    let mut at = begin;
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
    Some(bytes.len())
}

fn string(bytes: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
    Some(bytes.len())
}

/// A character, such as `'{'` or `'\''`; `None` for a lifetime.
fn character(text: &str, begin: usize) -> Option<usize> {
    let rest = &text[begin + 1..];
    let first = rest.chars().next()?;
    if first == '\\' {
        // what is escaped is no end
        let escaped = rest[1..].chars().next()?;
        let after = 1 + escaped.len_utf8();
        return Some(rest[after..].find('\'').map_or(text.len(), |length| begin + 1 + after + length + 1));
    }
    rest[first.len_utf8()..].starts_with('\'').then(|| begin + 1 + first.len_utf8() + 1)
}

/// `r"…"`, `r#"…"#`, `br"…"`, `cr#"…"#`. (`b"…"` is a word and a string.)
fn raw_string(bytes: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin;
    if matches!(bytes[at], b'b' | b'c') {
        at += 1;
    }
    if bytes.get(at) != Some(&b'r') {
        return None;
    }
    at += 1;
    let hashes = bytes[at..].iter().take_while(|byte| **byte == b'#').count();
    at += hashes;
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    at += 1;
    let closes =
        |rest: &[u8]| rest[0] == b'"' && rest[1..].iter().take_while(|b| **b == b'#').count() >= hashes;
    while at < bytes.len() {
        if closes(&bytes[at..]) {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn comments_and_literals_are_blank_and_nothing_moves() {
        let source = r###"
fn a<'a>(x: &'a str) { // }
    let (b, c) = ('{', '\''); /* } /* } */ } */ let s = "}\" }"; let r = r#"}"}"#; let k = br"}"; let ä = 'ä';
    x.find("//"); 'outer: loop { break 'outer; } b'}'; r#fn(); "###;
        let masked = mask(source);
        assert_eq!(masked.len(), source.len());
        assert_eq!(masked.lines().count(), source.lines().count());
        let words: Vec<&str> = masked.split_whitespace().collect();
        assert_eq!(
            words.join(" "),
            "fn a<'a>(x: &'a str) { let (b, c) = ( , ); let s = ; let r = ; let k = ; let ä = ; \
             x.find( ); 'outer: loop { break 'outer; } b ; r_fn();"
        );
    }

    #[test]
    fn what_does_not_end_is_blank_to_the_end() {
        for source in ["a /* {", "a \"{", "a r#\"{\"", "a '\\"] {
            assert!(!mask(source).contains('{'), "{source}");
        }
    }
}
