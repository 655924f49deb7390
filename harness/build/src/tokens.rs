//! Words that no submission may hold, found before any compiler runs.
//!
//! The lint that forbids unsafe code knows blocks and a list of attributes; what it does not know (`#[unsafe(naked)]`) it lets
//! through. Whatever is unsafe is spelled with one of these words, in code and in macros alike.

/// `unsafe` in blocks, functions, traits, attributes and foreign items; assembly that needs no such word.
const REFUSED: [&str; 3] = ["unsafe", "global_asm", "naked_asm"];

/// Where a word that is refused stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused<'a> {
    pub(crate) word: &'static str,
    /// From 1.
    pub(crate) line: usize,
    /// The line itself.
    pub(crate) text: &'a str,
}

/// The first word of a file that is refused. Comments, texts and characters may hold what they like.
pub(crate) fn refused(text: &str) -> Option<Refused<'_>> {
    let code = text.strip_prefix('\u{feff}').unwrap_or(text);
    // A first line for a shell is no Rust, and a compiler skips it: what looks like the beginning of a comment there is none.
    let skipped = if code.starts_with("#!") && !code[2..].trim_start().starts_with('[') {
        code.find('\n').unwrap_or(code.len())
    } else {
        0
    };
    let mut rest = &code[skipped..];
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '"' => string(rest),
            '\'' => character(rest),
            c if is_word(c) => {
                let word = word(rest);
                if let Some(refused) = REFUSED.iter().find(|refused| **refused == word) {
                    return Some(place(text, text.len() - rest.len(), refused));
                }
                // r"…", br#"…"#, cr##"…"##: without escapes, up to a quote with as many hashes
                match word {
                    "r" | "br" | "cr" => word.len() + raw(&rest[word.len()..]),
                    _ => word.len(),
                }
            }
            c => c.len_utf8(),
        };
        rest = &rest[length..];
    }
    None
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
fn word(text: &str) -> &str {
    &text[..text.find(|c: char| !is_word(c)).unwrap_or(text.len())]
}
/// How long the comment is that a text begins with; one in it is part of it.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while let Some(next) = text[at..].find(['/', '*']) {
        at += next;
        let change = match &text.as_bytes()[at..(at + 2).min(text.len())] {
            b"/*" => 1,
            b"*/" => -1,
            _ => {
                at += 1;
                continue;
            }
        };
        depth += change;
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}
/// How long the text in quotes is.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
/// How long a character is, or the quote of a lifetime.
fn character(text: &str) -> usize {
    let mut after = text[1..].chars();
    match (after.next(), after.next()) {
        (Some('\\'), Some(escaped)) => {
            let begin = 2 + escaped.len_utf8();
            text[begin..].find('\'').map_or(text.len(), |end| begin + end + 1)
        }
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 1,
    }
}
/// How long the rest of a raw text is; nothing where it is none.
fn raw(text: &str) -> usize {
    let hashes = text.len() - text.trim_start_matches('#').len();
    if !text[hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    text[hashes + 1..].find(&end).map_or(text.len(), |at| hashes + 1 + at + end.len())
}

fn place<'a>(text: &'a str, at: usize, word: &'static str) -> Refused<'a> {
    let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    Refused { word, line: text[..at].matches('\n').count() + 1, text: text[begin..end].trim_end() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_word_is_found_wherever_it_is_code() {
        let found = [
            "unsafe { f() }",
            "#[unsafe(naked)] fn f() {}",
            "#[unsafe\n(no_mangle)] fn f() {}",
            "macro_rules! m { () => { unsafe } }",
            "/* a /* b */ c */ unsafe fn f() {}",
            "let a = \"\\\\\"; unsafe {}",
            "let a = '\"'; unsafe {} // \"",
            "let a = '\\''; unsafe {} // '",
            "let a = b'\"'; unsafe {} // \"",
            "fn f<'a>(a: &'a str) { unsafe {} } // 'a'",
            "let a = r\"\\\"; unsafe {} // \"",
            "let a = r##\"\"# \"##; unsafe {} // \"##",
            "let r#a = 1; unsafe {}",
            "#!/bin/sh /*\nunsafe fn f() {}\n/* */",
            "\u{feff}#!/*\nunsafe fn f() {}",
            "use core::arch::r#global_asm as harmless;",
            "core::arch::global_asm!(\"\");",
            "core::arch::naked_asm!(\"ret\")",
            "impl A for B where unsafe: C {}",
        ];
        for code in found {
            assert!(refused(code).is_some(), "{code}");
        }
        assert_eq!(
            refused("fn f() {}\n    unsafe {}  \n"),
            Some(Refused { word: "unsafe", line: 2, text: "    unsafe {}" })
        );
    }

    #[test]
    fn what_is_no_code_may_say_it() {
        let harmless = [
            "#![forbid(unsafe_code)]",
            "// unsafe\n/// unsafe\nfn f() {}",
            "/* unsafe /* unsafe */ unsafe */ fn f() {}",
            "let a = \"unsafe \\\" unsafe\";",
            "let a = r#\"unsafe \" unsafe\"#;",
            "let a = br\"unsafe\"; let b = cr#\"unsafe\"#;",
            "let a = ('\"', 'u', '\\u{75}', b'\\''); // unsafe",
            "fn unsafe_to_say() { let is_unsafe = 1; }",
            "#!/usr/bin/env unsafe\nfn f() {}",
            "",
        ];
        for code in harmless {
            assert_eq!(refused(code), None, "{code}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "[\"'/*#rbc\\\\u\n{} é]{0,40}") {
            let _ = refused(&text);
        }
        /// A comment or a text before it hides nothing that comes after it.
        #[test]
        fn nothing_hides_what_follows(before in prop::sample::select(vec![
            "/* \" */", "// '\n", "\"/*\"", "r#\"\"/*\"#", "'\"'", "'\\\\'", "b'/'", "'a: loop {}", "1..2", "r#fn", "#[doc = \"'\"]",
        ]), again in 0_usize..4) {
            let text = format!("{} unsafe", before.repeat(again + 1));
            prop_assert!(refused(&text).is_some(), "{text}");
        }
    }
}
