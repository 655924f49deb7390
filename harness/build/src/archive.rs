//! What the harness carries with it, so that one binary is enough.

use crate::error::{At, Error};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

static KIT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kit.tar.gz"));
static EXERCISES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/exercises.tar.gz"));

/// Files by path, with `/` between the parts.
///
/// Two folders are embedded: `kit/`, a cargo workspace of `lab`, `guest` and `world` with their dependencies
/// vendored, and `exercises/`, the skeletons as a student gets them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    files: BTreeMap<String, Vec<u8>>,
}
impl Archive {
    /// What this harness was built with.
    pub fn embedded() -> Archive {
        let mut files = BTreeMap::new();
        unpack(KIT, "kit/", &mut files);
        unpack(EXERCISES, "exercises/", &mut files);
        Archive { files }
    }
    /// Tells the embedded kit from all others, without the time to unpack it.
    pub(crate) fn embedded_kit_hash() -> Sha256 {
        Sha256::new().chain_update(KIT)
    }
    /// An archive of these files: another kit than the embedded one.
    pub fn of<P: Into<String>, B: Into<Vec<u8>>>(files: impl IntoIterator<Item = (P, B)>) -> Archive {
        Archive { files: files.into_iter().map(|(path, bytes)| (path.into(), bytes.into())).collect() }
    }
    /// The files below a folder such as `"exercises/"`, by their path in it, sorted.
    pub fn files<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.files
            .range(folder.to_owned()..)
            .map_while(move |(path, bytes)| Some((path.strip_prefix(folder)?, bytes.as_slice())))
    }
    /// Writes the files below a folder such as `"exercises/"` into `dir`. Files of the same name are
    /// replaced, others left alone.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn unpack(&self, folder: &str, dir: &Path) -> Result<(), Error> {
        for (path, bytes) in self.files(folder) {
            let to = dir.join(path);
            let parent = to.parent().unwrap_or(dir);
            fs::create_dir_all(parent).at("cannot create", parent)?;
            fs::write(&to, bytes).at("cannot write", &to)?;
        }
        Ok(())
    }
    /// Tells the files below a folder from all others.
    pub(crate) fn hash(&self, folder: &str) -> Sha256 {
        let mut hash = Sha256::new();
        for (path, bytes) in self.files(folder) {
            crate::cache::feed(&mut hash, path.as_bytes());
            crate::cache::feed(&mut hash, bytes);
        }
        hash
    }
}

fn unpack(packed: &[u8], folder: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(packed));
    for entry in tar.entries().expect("the archive was packed when this crate was built") {
        let mut entry = entry.expect("an archive in memory is whole");
        let path = entry.path().expect("paths were UTF-8 when packed").to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("an archive in memory is whole");
        files.insert(format!("{folder}{path}"), bytes);
    }
}
