//! What can go wrong, and whose fault it is.

use crate::Diagnostics;
use std::io;
use std::path::PathBuf;

/// Why there is no binary.
///
/// A message is a fragment that ends with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder holds no sources.
    #[error("{} {reason}", .path.display())]
    NoSources {
        /// The `src` folder.
        path: PathBuf,
        /// What is wrong with it, and how to mend it.
        reason: &'static str,
    },
    /// A file without which nothing compiles cannot be part of a submission.
    #[error("{path} {reason}")]
    UnfitSource {
        /// Its path, from `src`.
        path: String,
        /// What is wrong with it, and how to mend it.
        reason: String,
    },
    /// There is more of it than a submission may have.
    #[error("the submission has {what}: {help}")]
    TooMuch {
        /// What it has, and the limit.
        what: String,
        /// How to mend it.
        help: &'static str,
    },
    /// The compiler found errors that leave nothing to grade.
    #[error("the chapter does not compile:\n{0}")]
    DoesNotCompile(Diagnostics),
    /// It makes the compiler read what is not part of it, with `include_str!` or `#[path]`.
    #[error("the chapter includes {path}: only `src/**/*.rs` is handed in, put what you need there")]
    ReadsOutside {
        /// The file.
        path: String,
    },
    /// What was compiled of it holds what no submission may define.
    #[error("the chapter has {what}: no submission may have that, take it out")]
    Forbidden {
        /// What it holds.
        what: String,
    },
    /// The compiler ran for too long.
    #[error(
        "rustc had not finished after {limit_s} s: look for a constant, a macro or a type that grows without end"
    )]
    CompilerTooSlow {
        /// The limit, in seconds.
        limit_s: u64,
    },
    /// The compiler died of what it was given.
    #[error("rustc crashed on this code ({how}): undo the last change and make it in smaller steps")]
    CompilerCrashed {
        /// How it ended.
        how: String,
    },

    /// The machine cannot build or run anything now.
    #[error("{what}; {mend}")]
    Machine {
        /// What is wrong with it.
        what: String,
        /// How to mend it.
        mend: String,
    },
    /// The `src` folder of the submission is closed to the user that grades.
    #[error("{} cannot be read ({source}); let the user that grades read it", .path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder below it is.
    #[error("{path} {reason}")]
    Closed {
        /// Its path, from `src`.
        path: String,
        /// What the system said, and how to mend it.
        reason: String,
    },
    /// No Rust toolchain.
    #[error("no Rust toolchain found ({reason}): {mend}")]
    NoToolchain {
        /// What was tried and how it failed.
        reason: String,
        /// How to mend it.
        mend: &'static str,
    },
    /// Linking fails for every program.
    #[error("no C linker found: install `cc` (the package is named gcc or build-essential)")]
    NoLinker,
    /// `lab` and `guest` do not compile on this machine.
    #[error("the compiler kit does not build with this toolchain. {said}")]
    KitDoesNotBuild {
        /// The end of what cargo said.
        said: String,
    },
    /// The skeleton does not compile: it should, as it came.
    #[error(
        "the skeleton of this chapter, which this program carries, does not compile: update faultlines or Rust:\n{0}"
    )]
    SkeletonDoesNotCompile(Diagnostics),
    /// A file of the harness's own cannot be read or written.
    #[error("{what} {}: {source}; {}", .path.display(), mend(source))]
    Io {
        /// What was tried, such as "cannot write".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What the harness carries with it, or left in its cache, is damaged.
    #[error("damaged: {what}; delete {} and try again", .path.display())]
    Damaged {
        /// What is damaged.
        what: String,
        /// What to delete.
        path: PathBuf,
    },
}

impl Error {
    /// Whether the submission is to blame. If not, it is the harness or the machine, never the student.
    pub fn is_submission_fault(&self) -> bool {
        match self {
            Error::NoSources { .. }
            | Error::UnfitSource { .. }
            | Error::TooMuch { .. }
            | Error::DoesNotCompile(_)
            | Error::ReadsOutside { .. }
            | Error::Forbidden { .. }
            | Error::CompilerTooSlow { .. }
            | Error::CompilerCrashed { .. } => true,
            Error::Machine { .. }
            | Error::Unreadable { .. }
            | Error::Closed { .. }
            | Error::NoToolchain { .. }
            | Error::NoLinker
            | Error::KitDoesNotBuild { .. }
            | Error::SkeletonDoesNotCompile(_)
            | Error::Io { .. }
            | Error::Damaged { .. } => false,
        }
    }
}

/// A failure of this machine: what it is, and how to mend it.
pub(crate) fn fault(what: impl Into<String>, mend: impl Into<String>) -> Error {
    Error::Machine { what: what.into(), mend: mend.into() }
}

/// What helps against an error with a file of the cache.
fn mend(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, or set FAULTLINES_CACHE to a folder on another disk"
        }
        io::ErrorKind::WouldBlock => {
            "end programs that you do not need, or raise the limit of processes (`ulimit -u`; in a container, its own)"
        }
        io::ErrorKind::OutOfMemory => "end programs that you do not need, or give the machine more memory",
        _ if matches!(error.raw_os_error(), Some(23 | 24)) => "run `ulimit -n 1024`, and grade again",
        _ => "check that FAULTLINES_CACHE names a folder you may write to",
    }
}

/// Says which file an input or output error was about.
pub(crate) trait At<T> {
    fn at(self, what: &'static str, path: impl Into<PathBuf>) -> Result<T, Error>;
}
impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, what: &'static str, path: impl Into<PathBuf>) -> Result<T, Error> {
        self.map_err(|error| Error::Io { what, path: path.into(), source: error.into() })
    }
}
