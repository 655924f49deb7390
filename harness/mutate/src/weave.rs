//! Many variants of a file in one.
//!
//! Variants that differ only in bodies of functions need not be compiled one by one: types, derived code and everything
//! generic over them are the same. So each function that has variants chooses its body when it is called, by a number
//! that the program is given at its start (Untch, Offutt and Harrold, *Mutation Analysis Using Mutant Schemata*, 1993).

use crate::functions::{bytes, functions};
use crate::{Error, Mutation};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

/// Goes to the end of the crate's root: which variant runs. Its `select_variant` takes the number from the program's first
/// argument; without one the program is what it was.
pub const SELECTOR: &str = "
static VARIANT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(u32::MAX);
fn variant() -> u32 { VARIANT.load(std::sync::atomic::Ordering::Relaxed) }
pub fn select_variant() {
    let chosen = std::env::args().nth(1).and_then(|number| number.parse().ok()).unwrap_or(u32::MAX);
    VARIANT.store(chosen, std::sync::atomic::Ordering::Relaxed);
}
";
/// The only static of [`SELECTOR`], by its path in the crate.
pub const SELECTOR_STATIC: &str = "VARIANT";

/// What a variant of a file has in place of bodies of functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// By the bytes of the body in the file that it is a variant of.
    bodies: Vec<(Range<usize>, String)>,
}
impl Variant {
    /// That of one edit of `source`; `None` where the edit is in no function.
    ///
    /// # Errors
    /// Where `source` is no Rust.
    pub fn of(source: &str, mutation: &Mutation) -> Result<Option<Variant>, Error> {
        let file = syn::parse_file(source)?;
        let holds = |body: &Range<usize>| body.start <= mutation.span.start && mutation.span.end <= body.end;
        let body = functions(&file).iter().map(|function| bytes(function.block)).find(holds);
        Ok(body.map(|body| {
            let (before, after) =
                (&source[body.start..mutation.span.start], &source[mutation.span.end..body.end]);
            let text = format!("{before}{}{after}", mutation.text);
            Variant { bodies: vec![(body, text)] }
        }))
    }
    /// That which `edited` is of `source`; `None` where they differ in more than bodies of functions.
    ///
    /// # Errors
    /// Where one of them is no Rust.
    pub fn between(source: &str, edited: &str) -> Result<Option<Variant>, Error> {
        let (old, new) = (Taken::apart(source)?, Taken::apart(edited)?);
        if old.frame != new.frame {
            return Ok(None);
        }
        let bodies = old.bodies.into_iter().zip(new.bodies);
        let differ = bodies.filter(|(old, new)| source[old.clone()] != edited[new.clone()]);
        Ok(Some(Variant { bodies: differ.map(|(old, new)| (old, edited[new].to_owned())).collect() }))
    }
}

/// A file without the bodies of its functions, and these.
struct Taken {
    frame: syn::File,
    bodies: Vec<Range<usize>>,
}
impl Taken {
    fn apart(source: &str) -> Result<Taken, Error> {
        let file = syn::parse_file(source)?;
        let all = functions(&file);
        let mut frame = source.to_owned();
        for body in
            all.iter().rev().filter(|function| !function.is_const).map(|function| bytes(function.block))
        {
            frame.replace_range(body, "{}");
        }
        let bodies = all.iter().filter(|function| !function.is_const).map(|function| bytes(function.block));
        Ok(Taken { bodies: bodies.collect(), frame: syn::parse_file(&frame)? })
    }
}

/// A file that is many variants of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Woven {
    /// Its text.
    pub text: String,
    /// Which lines, from 1, are of one variant alone, and its number.
    pub lines: Vec<(Range<usize>, u32)>,
}

/// Weaves variants of `source` into one file, each under its number. The crate's root needs [`SELECTOR`] for it.
pub fn weave<'a>(source: &str, variants: impl IntoIterator<Item = (u32, &'a Variant)>) -> Woven {
    let mut bodies: BTreeMap<(usize, usize), Vec<(u32, &str)>> = BTreeMap::new();
    for (number, variant) in variants {
        for (body, text) in &variant.bodies {
            bodies.entry((body.start, body.end)).or_default().push((number, text));
        }
    }
    let (mut text, mut lines, mut at) = (String::new(), Vec::new(), 0);
    let line = |text: &str| text.matches('\n').count() + 1;
    for ((start, end), variants) in bodies {
        text += &source[at..start];
        text += "{ match crate::variant() {\n";
        for (number, body) in variants {
            let first = line(&text);
            let _ = writeln!(text, "{number} => {body}");
            lines.push((first..line(&text), number));
        }
        let _ = write!(text, "_ => {} }} }}", &source[start..end]);
        at = end;
    }
    text += &source[at..];
    Woven { text, lines }
}
