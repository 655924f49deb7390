//! Where what was built is kept, and for how long.

use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{env, fs, io};
use tempfile::TempDir;

/// Folders last used longer ago than this are deleted.
const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Nobody takes longer than this to write a folder.
const WRITING_MAX: Duration = Duration::from_secs(24 * 3600);

/// The user's cache: `$FAULTLINES_CACHE`, else `$XDG_CACHE_HOME/faultlines`, else `~/.cache/faultlines`.
/// Without a home, a folder of the system's temporary one that is named after the user; nobody else's is trusted
/// ([`Kit::prepare`](crate::Kit::prepare)).
pub fn default_cache() -> PathBuf {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("FAULTLINES_CACHE")
        .or_else(|| Some(folder("XDG_CACHE_HOME").filter(|path| path.is_absolute())?.join("faultlines")))
        .or_else(|| Some(env::home_dir().filter(|home| home.is_absolute())?.join(".cache/faultlines")))
        .unwrap_or_else(|| {
            let user = rustix::process::geteuid().as_raw();
            env::temp_dir().join(format!("faultlines-{user}"))
        })
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

/// Keeps a cached folder from being deleted, in any process, for as long as it lives.
#[derive(Debug, Clone)]
pub struct Lease {
    _lock: Arc<File>,
}
/// Which folder it is about is said beside it.
impl PartialEq for Lease {
    fn eq(&self, _: &Lease) -> bool {
        true
    }
}
impl Eq for Lease {}

/// Takes a lease on the folder of this record; `None` where there is no record, or somebody is deleting the folder. And
/// remembers that the folder was used, by the time of its record.
pub(crate) fn lease(record: &Path) -> Option<Lease> {
    let file = File::options().read(true).append(true).open(record);
    // a cache that cannot be written only forgets sooner
    let file = file.or_else(|_| File::open(record)).ok()?;
    // some network file systems have no locks: there, nothing is protected
    if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let _ = file.set_modified(SystemTime::now());
    // it may have been deleted in the meantime
    record.exists().then(|| Lease { _lock: Arc::new(file) })
}

/// Opens a file to lock it: no link is followed, and nothing of it is lost.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    let no_links = i32::try_from(OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
    File::options().create(true).append(true).custom_flags(no_links).open(path)
}

/// A folder that is being written: its lock is held for as long as somebody writes.
pub(crate) struct Scratch {
    pub(crate) dir: TempDir,
    _lock: File,
}
impl Scratch {
    pub(crate) fn new(parent: &Path) -> io::Result<Scratch> {
        let dir = tempfile::tempdir_in(parent)?;
        let lock = File::create_new(dir.path().join(LOCK))?;
        lock.lock()?;
        Ok(Scratch { dir, _lock: lock })
    }
}
const LOCK: &str = "lock";

fn older(time: SystemTime, age: Duration) -> bool {
    SystemTime::now().duration_since(time).is_ok_and(|passed| passed > age)
}

/// Deletes all folders of `dir` but the `keep` last used, and those not used for long. `record` is the file in each that
/// [`lease`] is called on; folders without one are being written, or were when somebody was killed. What somebody uses or
/// writes stays, and so does `ours`.
pub(crate) fn prune(dir: &Path, record: &str, keep: usize, ours: &Path) -> io::Result<()> {
    let now = SystemTime::now();
    let mut folders = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let modified = |path: &Path| fs::metadata(path).and_then(|of| of.modified());
        if let Ok(used) = modified(&path.join(record)) {
            // A clock that was ahead for a while must not make a folder newer than all that come.
            if used > now {
                let _ =
                    File::options().append(true).open(path.join(record)).and_then(|f| f.set_modified(now));
            }
            folders.push((used.min(now), path));
        } else if path.is_dir() && is_abandoned(&path, || modified(&path)) {
            let _ = fs::remove_dir_all(path);
        }
    }
    folders.sort_by(|a, b| b.cmp(a));
    for (index, (used, path)) in folders.into_iter().enumerate() {
        if (index < keep && !older(used, AGE_MAX)) || path == ours {
            continue;
        }
        let record = path.join(record);
        let Ok(lock) = File::open(&record) else { continue };
        if !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
            // The record goes first: without it the folder counts as absent, however far this gets.
            let _ = fs::remove_file(record);
            let _ = fs::remove_dir_all(path);
        }
    }
    Ok(())
}
/// Whether nobody writes this folder any more.
fn is_abandoned(folder: &Path, modified: impl Fn() -> io::Result<SystemTime>) -> bool {
    match File::open(folder.join(LOCK)) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(_) => modified().is_ok_and(|begun| older(begun, WRITING_MAX)),
    }
}
