//! Which files can be opened: Landlock.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, Scope,
};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The newest version whose rights are known here. What an older kernel lacks is left out.
const VERSION: ABI = ABI::V6;

/// Where shared libraries lie.
const LIBRARIES: [&str; 4] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"];
/// Where some systems keep everything: libraries, compilers, the loader.
const STORES: [&str; 2] = ["/nix/store", "/gnu/store"];
/// Programs of the system's compilers, beside their libraries.
const PROGRAMS: [&str; 4] = ["/bin", "/usr/bin", "/usr/libexec", "/usr/local/bin"];
/// What loads a program that uses shared libraries.
const LOADERS: [&str; 4] = [
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
];
const LOADER_CACHE: &str = "/etc/ld.so.cache";
const NULL: &str = "/dev/null";

/// `None` where the kernel has no Landlock.
pub(crate) fn node(binary: &Path) -> io::Result<Option<OwnedFd>> {
    let read: BitFlags<AccessFs> = AccessFs::ReadFile.into();
    let mut rules = Rules::new()?;
    if !rules.allow(binary, read | AccessFs::Execute)? {
        return Err(io::ErrorKind::NotFound.into());
    }
    for path in LIBRARIES.iter().chain([&LOADER_CACHE]) {
        rules.allow(Path::new(path), read)?;
    }
    for path in LOADERS.iter().chain(&STORES) {
        rules.allow(Path::new(path), read | AccessFs::Execute)?;
    }
    rules.allow(Path::new(NULL), read | AccessFs::WriteFile)?;
    Ok(rules.0.into())
}

/// `None` where the kernel has no Landlock.
pub(crate) fn compiler(reads: &[PathBuf], scratch: &Path) -> io::Result<Option<OwnedFd>> {
    let read = AccessFs::from_read(VERSION);
    let mut rules = Rules::new()?;
    for path in LIBRARIES.iter().chain(&STORES).chain(&PROGRAMS).chain([&LOADER_CACHE]).map(Path::new) {
        rules.allow(path, read)?;
    }
    for path in reads {
        rules.allow(path, read)?;
    }
    rules.allow(Path::new(NULL), AccessFs::ReadFile | AccessFs::WriteFile)?;
    if !rules.allow(scratch, AccessFs::from_all(VERSION) & !AccessFs::Execute)? {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(rules.0.into())
}

struct Rules(RulesetCreated);
impl Rules {
    /// Nothing can be opened, no port used, and nobody outside be sent a signal.
    fn new() -> io::Result<Rules> {
        let ruleset = Ruleset::default()
            .handle_access(AccessFs::from_all(VERSION))
            .and_then(|rules| rules.handle_access(AccessNet::from_all(VERSION)))
            .and_then(|rules| rules.scope(Scope::from_all(VERSION)))
            .and_then(Ruleset::create);
        ruleset.map(Rules).map_err(io::Error::other)
    }
    /// Whether there is such a file or folder to allow this of, and of all below it.
    fn allow(&mut self, path: &Path, access: BitFlags<AccessFs>) -> io::Result<bool> {
        let Ok(opened) = PathFd::new(path) else { return Ok(false) };
        let access = if path.is_dir() { access } else { access & AccessFs::from_file(VERSION) };
        (&mut self.0).add_rule(PathBeneath::new(opened, access)).map_err(io::Error::other)?;
        Ok(true)
    }
}
