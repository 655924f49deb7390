//! What the compiler made of student code that a node must not have: state outside nodes, code that runs before `main`,
//! functions in place of the system's.
//!
//! State outside nodes survives a crash and is shared by all nodes of a process: it breaks both what a crash means and
//! the independence of worlds.

use crate::error::{At, Error};
use object::read::archive::ArchiveFile;
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::Path;

/// Functions of std through which code keeps something in its process for later, and no static of its own: the module and the
/// name that their symbols end with, and how a program calls them.
const KEEPERS: [(&str, &str, &str); 4] = [
    ("panicking", "set_hook", "std::panic::set_hook"),
    ("panicking", "take_hook", "std::panic::take_hook"),
    ("panicking", "update_hook", "std::panic::update_hook"),
    // its token: a thread that has been woken up does not wait the next time
    ("thread", "current", "std::thread::current"),
];

/// What was found in a library.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Statics that can change, thread-locals, and functions of std that keep something: their paths, sorted (`lamport::COUNT`).
    pub mutable: Vec<String>,
    /// What no submission may define: lists of code that runs before or after `main`, and functions by names that the
    /// system's have.
    pub forbidden: Vec<String>,
}

/// Looks into a library that holds the crate `chapter`. Its own objects define nothing that is not the submission's, so all
/// that can change in them counts, whatever it is called: a static in a method of a foreign type has that type's path.
///
/// What counts is whether it can change: a `OnceLock` is listed though it is set once; a `static` of plain data
/// is not, nor an atomic that nothing writes to.
///
/// # Errors
/// Where the file cannot be read or is not what a compiler writes.
pub fn inspect(library: &Path) -> Result<Found, Error> {
    let bytes = fs::read(library).at("cannot read", library)?;
    let archive = ArchiveFile::parse(&*bytes).map_err(io::Error::other).at("cannot read", library)?;
    let (mut mutable, mut forbidden) = (BTreeSet::new(), BTreeSet::new());
    for member in archive.members() {
        let member = member.map_err(io::Error::other).at("cannot read", library)?;
        let data = member.data(&*bytes).map_err(io::Error::other).at("cannot read", library)?;
        if member.name().ends_with(b".o") {
            let looked = object(data, &mut mutable, &mut forbidden);
            looked.map_err(io::Error::other).at("cannot read", library)?;
        }
    }
    Ok(Found { mutable: mutable.into_iter().collect(), forbidden: forbidden.into_iter().collect() })
}

fn object(
    bytes: &[u8],
    mutable: &mut BTreeSet<String>,
    forbidden: &mut BTreeSet<String>,
) -> object::Result<()> {
    let file = object::File::parse(bytes)?;
    let mut named = HashSet::new();
    for symbol in file.symbols() {
        if matches!(symbol.kind(), SymbolKind::Section | SymbolKind::File) {
            continue;
        }
        let name = symbol.name()?;
        let Some(index) = symbol.section_index() else {
            let keeper = KEEPERS.iter().find(|(module, function, _)| is_of_std(name, module, function));
            mutable.extend(keeper.map(|(_, _, path)| (*path).to_owned()));
            continue;
        };
        let section = file.section_by_index(index)?;
        if changes(section.kind(), section.name()?) {
            named.insert(index);
            mutable.insert(path_in_chapter(name));
        }
        // what rustc compiles has a name that no C function has; a weak one is its own helper
        let is_rust = rustc_demangle::try_demangle(name).is_ok();
        if symbol.is_global() && !symbol.is_weak() && !is_rust && !name.starts_with("DW.ref") {
            forbidden.insert(format!("a function or static that is called `{name}`"));
        }
    }
    for section in file.sections().filter(|section| section.size() > 0) {
        let name = section.name()?;
        if runs_by_itself(name) {
            forbidden.insert(format!("code that runs before or after `main` (section `{name}`)"));
        }
        // state without a name is state, too
        if changes(section.kind(), name) && !named.contains(&section.index()) {
            mutable.insert(format!("(data in section {name})"));
        }
    }
    Ok(())
}

/// Whether a symbol is this function of std: its path begins and ends so, whatever the version of std is called.
fn is_of_std(symbol: &str, module: &str, function: &str) -> bool {
    let Ok(path) = rustc_demangle::try_demangle(symbol) else { return false };
    let path = format!("{path:#}");
    path.starts_with(&format!("std::{module}::")) && path.rsplit("::").next() == Some(function)
}

/// A list of functions that the loader calls.
fn runs_by_itself(section: &str) -> bool {
    [".init_array", ".fini_array", ".preinit_array", ".ctors", ".dtors", "__mod_init_func", "__mod_term_func"]
        .iter()
        .any(|list| section.starts_with(list))
        || [".init", ".fini"].contains(&section)
}

fn changes(kind: SectionKind, name: &str) -> bool {
    use SectionKind::{Data, Tls, TlsVariables, UninitializedData, UninitializedTls};
    // Constants with addresses in them lie in a writable section until the program is loaded.
    matches!(kind, Data | UninitializedData | Tls | TlsVariables | UninitializedTls)
        && !name.contains(".rel.ro")
        && !name.contains("__const")
        && !name.starts_with(".data.DW.ref") // how unwinding finds its own function
        && !runs_by_itself(name)
}

/// The path of a symbol as its author would write it.
fn path_in_chapter(symbol: &str) -> String {
    let Ok(name) = rustc_demangle::try_demangle(symbol) else { return symbol.to_owned() };
    let name = format!("{name:#}");
    // `thread_local!` puts the variable into a closure in a constant.
    let end = ["::{K#", "::{constant"]
        .iter()
        .filter_map(|constant| name.find(constant))
        .min()
        .unwrap_or(name.len());
    // What is left of a static that the optimiser took apart has a number.
    let name = &name[..end];
    let part = name.rsplit_once('.').filter(|(_, part)| part.chars().all(|c| c.is_ascii_digit()));
    part.map_or(name, |(whole, _)| whole).replacen("chapter::", "", 1)
}
