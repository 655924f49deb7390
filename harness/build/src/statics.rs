//! State that student code keeps outside its nodes, found in what the compiler made of it.
//!
//! Such state survives a crash and is shared by all nodes of a process: it breaks both what a crash means and
//! the independence of worlds.

use crate::error::{At, Error};
use object::read::archive::ArchiveFile;
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::Path;

/// The statics that can change and the thread-locals of the crate `chapter` in a program, library or object
/// file: their paths in it, sorted (`lamport::COUNT`). One that the compiler gave no name is `"an unnamed static"`;
/// libraries alone tell of those.
///
/// What is decided is whether it *can* change: a `OnceLock` or an atomic is listed though it is set once, a
/// `static` of plain data is not.
///
/// # Errors
/// Where the file cannot be read or is not what a compiler writes.
pub fn mutable(path: &Path) -> Result<Vec<String>, Error> {
    let bytes = fs::read(path).at("cannot read", path)?;
    let mut found = BTreeSet::new();
    if bytes.starts_with(b"!<arch>") {
        let archive = ArchiveFile::parse(&*bytes).map_err(io::Error::other).at("cannot read", path)?;
        for member in archive.members() {
            let member = member.map_err(io::Error::other).at("cannot read", path)?;
            let data = member.data(&*bytes).map_err(io::Error::other).at("cannot read", path)?;
            if member.name().ends_with(b".o") {
                object(data, true, &mut found).map_err(io::Error::other).at("cannot read", path)?;
            }
        }
    } else {
        object(&bytes, false, &mut found).map_err(io::Error::other).at("cannot read", path)?;
    }
    Ok(found.into_iter().collect())
}

/// `own`: all of the file was compiled from `chapter`.
fn object(bytes: &[u8], own: bool, found: &mut BTreeSet<String>) -> object::Result<()> {
    let file = object::File::parse(bytes)?;
    let mut named = HashSet::new();
    for symbol in file.symbols() {
        let Some(index) = symbol.section_index() else { continue };
        let section = file.section_by_index(index)?;
        if matches!(symbol.kind(), SymbolKind::Section | SymbolKind::File)
            || !changes(section.kind(), section.name()?)
        {
            continue;
        }
        named.insert(index);
        if let Some(path) = path_in_chapter(symbol.name()?) {
            found.insert(path);
        }
    }
    for section in file.sections().filter(|_| own) {
        if section.size() > 0 && changes(section.kind(), section.name()?) && !named.contains(&section.index())
        {
            found.insert("an unnamed static".to_owned());
        }
    }
    Ok(())
}

fn changes(kind: SectionKind, name: &str) -> bool {
    use SectionKind::{Data, Tls, TlsVariables, UninitializedData, UninitializedTls};
    // Constants with addresses in them lie in a writable section until the program is loaded.
    matches!(kind, Data | UninitializedData | Tls | TlsVariables | UninitializedTls)
        && !name.contains(".rel.ro")
        && !name.contains("__const")
        && !name.starts_with(".data.DW.ref") // how unwinding finds its own function
}

/// The path of a symbol of `chapter`, as its author would write it.
fn path_in_chapter(symbol: &str) -> Option<String> {
    let name = format!("{:#}", rustc_demangle::try_demangle(symbol).ok()?);
    // In a method the path starts with its type: `<chapter::raft::Raft as lab::Node>::start::SEEN`.
    if !name.trim_start_matches(['<', '&', '*', '(', '[']).starts_with("chapter::") {
        return None;
    }
    // `thread_local!` puts the variable into a closure in a constant.
    let end = ["::{constant", "::{K#"].iter().filter_map(|constant| name.find(constant)).min();
    let end = end.unwrap_or(name.len());
    Some(name[..end].replacen("chapter::", "", 1))
}
