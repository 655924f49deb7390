//! Where what was built is kept, and for how long.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{env, fs, io};

/// Folders last used longer ago than this are deleted.
const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Nobody takes longer than this to write a folder.
const WRITING_MAX: Duration = Duration::from_secs(24 * 3600);

/// The user's cache: `$FAULTLINES_CACHE`, else `$XDG_CACHE_HOME/faultlines`, else `~/.cache/faultlines`.
/// Without a home, a folder of the system's temporary one.
pub fn default_cache() -> PathBuf {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("FAULTLINES_CACHE")
        .or_else(|| Some(folder("XDG_CACHE_HOME").filter(|path| path.is_absolute())?.join("faultlines")))
        .or_else(|| Some(env::home_dir().filter(|home| home.is_absolute())?.join(".cache/faultlines")))
        .unwrap_or_else(|| env::temp_dir().join("faultlines"))
}

/// Adds one field to a hash, so that fields cannot run into each other.
pub(crate) fn feed(hash: &mut Sha256, field: &[u8]) {
    hash.update((field.len() as u64).to_le_bytes());
    hash.update(field);
}

/// The name of a cached folder: 128 bits in hexadecimal.
pub(crate) fn name(hash: Sha256) -> String {
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Remembers that a cached folder was used, by the time of its record.
pub(crate) fn touch(record: &Path) {
    // A cache that cannot be written only forgets sooner.
    let _ =
        fs::File::options().append(true).open(record).and_then(|file| file.set_modified(SystemTime::now()));
}

fn older(time: SystemTime, age: Duration) -> bool {
    SystemTime::now().duration_since(time).is_ok_and(|passed| passed > age)
}

/// Deletes all folders of `dir` but the `keep` last used, and those not used for long. `record` is the file
/// in each that [`touch`] is called on; folders without one are being written, or were when somebody was killed.
pub(crate) fn prune(dir: &Path, record: &str, keep: usize) -> io::Result<()> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let modified = |path: &Path| fs::metadata(path).and_then(|of| of.modified());
        if let Ok(used) = modified(&path.join(record)) {
            folders.push((used, path));
        } else if path.is_dir() && modified(&path).is_ok_and(|begun| older(begun, WRITING_MAX)) {
            let _ = fs::remove_dir_all(path);
        }
    }
    folders.sort_by(|a, b| b.cmp(a));
    for (index, (used, path)) in folders.into_iter().enumerate() {
        if index >= keep || older(used, AGE_MAX) {
            // The record goes first: without it the folder counts as absent, however far this gets.
            let _ = fs::remove_file(path.join(record));
            let _ = fs::remove_dir_all(path);
        }
    }
    Ok(())
}
