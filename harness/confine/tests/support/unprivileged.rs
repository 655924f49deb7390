//! Tests once more, without the privileges of root. Included by the test programs that need it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Owns nothing.
const NOBODY: u32 = 65_534;

/// What somebody without privileges needs of what only root can reach: copies, in a folder that all can read.
pub(crate) struct Nobody {
    dir: TempDir,
}
impl Nobody {
    /// Nothing yet; `None` where these tests run without privileges anyway.
    pub(crate) fn new() -> Option<Nobody> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let nobody = Nobody { dir: tempfile::tempdir().expect("a folder") };
        fs::set_permissions(nobody.dir.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        Some(nobody)
    }
    /// An empty folder that belongs to them.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.dir.path().join(name);
        fs::create_dir(&folder).expect("a new folder");
        std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).expect("root may");
        folder
    }
    /// A copy of this file or folder: by links where the file system lets us, for a toolchain is large.
    pub(crate) fn copy(&self, from: &Path, name: &str) -> PathBuf {
        let to = self.dir.path().join(name);
        fs::create_dir_all(to.parent().expect("it lies in the folder")).expect("a folder");
        if from.is_dir() {
            fs::create_dir_all(&to).expect("a folder");
            for entry in fs::read_dir(from).expect("a folder") {
                let entry = entry.expect("a name").file_name().into_string().expect("a plain name");
                self.copy(&from.join(&entry), &format!("{name}/{entry}"));
            }
        } else if fs::hard_link(from, &to).is_err() {
            fs::copy(from, &to).expect("a copy");
        }
        to
    }
    /// Runs those tests of this program whose names begin like this, but for `but`. They find temporary folders of
    /// their own, `path` to look for programs, and these variables.
    pub(crate) fn runs(&self, tests: &str, but: &str, path: &str, variables: &[(&str, PathBuf)]) {
        let program = self.copy(&std::env::current_exe().expect("a path"), "it");
        let mut again = Command::new(program);
        again.args([tests, "--skip", but]).env_clear().env("PATH", path).envs(variables.iter().cloned());
        again.env("TMPDIR", self.folder("tmp")).current_dir("/").uid(NOBODY).gid(NOBODY);
        let ran = again.output().expect("it runs");
        let said = String::from_utf8_lossy(&ran.stdout);
        let none = said.contains(" 0 passed");
        assert!(ran.status.success() && !none, "{said}{}", String::from_utf8_lossy(&ran.stderr));
    }
}
