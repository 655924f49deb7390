//! Many variants of one submission in one guest.

use crate::Failed;
use crate::course::ChapterFolder;
use build::{Kit, Lease, Sources, Woven};
use host::{Guest, Layers};
use judge::Exercise;
use mutate::Variant;
use std::collections::{BTreeMap, BTreeSet};

/// So many variants are compiled at once: rustc's time grows with them, and so does what is compiled again for one that does not
/// compile.
pub(crate) const CHUNK: usize = 200;

/// What a submission and its variants differ in: bodies of functions, by file.
pub(crate) type Bodies = Vec<(String, Variant)>;

/// What `edited` is of `sources`; `None` where they differ in more than bodies of functions.
pub(crate) fn bodies(sources: &Sources, edited: &Sources) -> Option<Bodies> {
    let paths = |of: &Sources| of.files().map(|(path, _)| path.to_owned()).collect::<Vec<_>>();
    if paths(sources) != paths(edited) {
        return None;
    }
    let pairs = sources.files().zip(edited.files()).filter(|((_, old), (_, new))| old != new);
    pairs
        .map(|((path, old), (_, new))| Some((path.to_owned(), Variant::between(old, new).ok().flatten()?)))
        .collect()
}

/// A guest that can be any of some variants.
pub(crate) struct Program {
    pub(crate) guest: Guest,
    /// Variants that do not compile, and what the compiler says.
    pub(crate) refused: BTreeMap<u32, String>,
    /// Whether some variant keeps state outside its nodes: then each world runs alone.
    pub(crate) has_statics: bool,
    /// Keeps the program from being deleted while other gates fill the cache.
    pub(crate) lease: Option<Lease>,
}

/// Compiles variants of a chapter's sources, by number, for these exercises.
pub(crate) fn compile(
    kit: &Kit,
    layers: Layers,
    chapter: &ChapterFolder,
    exercises: &[&Exercise],
    sources: &Sources,
    variants: &BTreeMap<u32, Bodies>,
) -> Result<Program, Failed> {
    let (targets, others) = chapter.targets_of(exercises);
    let many = kit.build_many(&targets, &others, |left_out| weave(sources, variants, left_out))?;
    Ok(Program {
        guest: Guest::new(&many.binary, layers)?,
        refused: many.refused,
        has_statics: !many.statics.is_empty(),
        lease: many.lease,
    })
}

fn weave(sources: &Sources, variants: &BTreeMap<u32, Bodies>, left_out: &BTreeSet<u32>) -> Woven {
    let (mut files, mut lines) = (Vec::new(), BTreeMap::new());
    for (path, text) in sources.files() {
        let of_file =
            variants.iter().filter(|(number, _)| !left_out.contains(number)).flat_map(|(number, bodies)| {
                bodies.iter().filter(|(of, _)| of == path).map(|(_, variant)| (*number, variant))
            });
        let mut woven = mutate::weave(text, of_file);
        if path == "src/lib.rs" {
            // what a variant leaves out makes other things unused
            woven.text = format!("#![allow(warnings)] {}{}", woven.text, mutate::SELECTOR);
        }
        files.push((path.to_owned(), woven.text));
        lines.insert(path.to_owned(), woven.lines);
    }
    Woven { sources: Sources::of(files), lines, selector: mutate::SELECTOR_STATIC }
}
