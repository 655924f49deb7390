//! Many variants of a submission in one program: compiled once, linked once.

use crate::cache::Lease;
use crate::error::Error;
use crate::kit::Kit;
use crate::sources::Sources;
use crate::statics;
use crate::submission::{Building, Record, Target, everything};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

/// Sources that hold many variants. The root of the crate has a function `select_variant()`, which the program calls before
/// anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Woven {
    /// The sources.
    pub sources: Sources,
    /// Which lines of a file, counted from 1, are of one variant alone: an error there is that variant's.
    pub lines: BTreeMap<String, Vec<(Range<usize>, u32)>>,
    /// The path of the static that `select_variant` keeps its choice in: no state of a node.
    pub selector: &'static str,
}
impl Woven {
    fn owner(&self, path: &str, line: usize) -> Option<u32> {
        let lines = self.lines.get(path)?;
        lines.iter().find(|(of_variant, _)| of_variant.contains(&line)).map(|(_, variant)| *variant)
    }
}

/// Many variants, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Many {
    /// A program that serves all targets; its first argument says which variant runs. It lies in the cache: use it soon, do not
    /// keep it.
    pub binary: PathBuf,
    /// Variants that do not compile and are not in the program, and what the compiler says.
    pub refused: BTreeMap<u32, String>,
    /// State outside nodes, as [`Built::statics`](crate::Built::statics) has it, of any variant.
    pub statics: Vec<String>,
    /// As [`Built::lease`](crate::Built::lease).
    pub lease: Option<Lease>,
}

impl Kit {
    /// Compiles many variants to one program that serves the targets. `weave` makes the sources without the variants that it
    /// is told of: those that do not compile are left out, and the others are compiled again.
    ///
    /// # Errors
    /// As [`Kit::build`]; and where something that is of no variant does not compile.
    pub fn build_many(
        &self,
        targets: &[Target],
        others: &[Target],
        weave: impl Fn(&BTreeSet<u32>) -> Woven,
    ) -> Result<Many, Error> {
        let wanted: BTreeSet<&str> = targets.iter().flat_map(Target::modules).collect();
        let modules = others.iter().flat_map(Target::modules).chain(wanted.iter().copied()).collect();
        let of_targets = |woven: &Woven| woven.sources.without_strangers(&modules, &wanted);
        let none = Sources::default();
        let first = of_targets(&weave(&BTreeSet::new()));
        let key = self.key_of(&first, &none, targets, "many");
        let (binary, record, lease) = self.cached(&key, |scratch| {
            let building = Building { kit: self, scratch, skeleton: &none, targets, selects: true };
            let chapter = scratch.join("chapter");
            let mut refused = BTreeMap::new();
            let selector = loop {
                let woven = weave(&refused.keys().copied().collect());
                let sources = of_targets(&woven);
                let report = building.compile(&sources, &chapter, "chapter")?;
                if report.succeeded {
                    break woven.selector;
                }
                let ours = |path: &str| sources.get(path).is_some();
                let before = refused.len();
                for error in report.errors() {
                    let places = error.places(&ours);
                    for variant in places.into_iter().filter_map(|(path, line)| woven.owner(path, line)) {
                        refused.entry(variant).or_insert_with(|| error.message.clone());
                    }
                }
                if refused.len() == before {
                    return Err(Error::DoesNotCompile(everything(&report, &sources)));
                }
            };
            let report = building.lane(&BTreeMap::new())?;
            if !report.succeeded {
                return Err(Error::DoesNotCompile(everything(&report, &none)));
            }
            let mut statics = statics::inspect(&chapter.join("libchapter.rlib"))?.mutable;
            statics.retain(|path| path != selector);
            Ok(Record { broken: BTreeMap::new(), statics, refused })
        })?;
        Ok(Many { binary, refused: record.refused, statics: record.statics, lease })
    }
}
