//! Exercises out of solutions: there is one source for both.
//!
//! A solution marks what a student is to write. The lines of a region go, its `STUB` lines stay, without
//! their marker:
//!
//! ```
//! let solution = "\
//! fn answer() -> u32 {
//!     // BEGIN SOLUTION
//!     // STUB: todo!()
//!     42
//!     // END SOLUTION
//! }
//! ";
//! assert_eq!(build::skeleton::generate(solution)?, "fn answer() -> u32 {\n    todo!()\n}\n");
//! # Ok::<(), build::skeleton::Error>(())
//! ```

use crate::Sources;
use std::collections::BTreeSet;
use std::path::Path;

const BEGIN: &str = "// BEGIN SOLUTION";
const END: &str = "// END SOLUTION";
const STUB: &str = "// STUB:";

/// Markers that do not add up. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A region begins in a region.
    #[error("line {line}: a region begins inside the one of line {outer}; end that one first")]
    Nested {
        /// Where it begins.
        line: usize,
        /// Where the region around it begins.
        outer: usize,
    },
    /// A region ends that did not begin.
    #[error("line {line}: no region to end; write `// BEGIN SOLUTION` above it")]
    NotBegun {
        /// Where it ends.
        line: usize,
    },
    /// A region does not end.
    #[error("line {line}: this region does not end; write `// END SOLUTION` below it")]
    NotEnded {
        /// Where it begins.
        line: usize,
    },
    /// A stub outside of all regions.
    #[error(
        "line {line}: a stub outside of a region; put it between `// BEGIN SOLUTION` and `// END SOLUTION`"
    )]
    StrayStub {
        /// Where it stands.
        line: usize,
    },
    /// A marker that is almost one.
    #[error(
        "line {line}: not a marker; write `// BEGIN SOLUTION`, `// END SOLUTION` or `// STUB: …` alone on it"
    )]
    Misspelt {
        /// Where it stands.
        line: usize,
    },
}

/// The skeleton of one file of a solution.
///
/// A stub keeps its indentation. Where a region leaves nothing, the blank line that set it off goes too.
///
/// # Errors
/// Where markers do not add up.
pub fn generate(solution: &str) -> Result<String, Error> {
    let mut out: Vec<String> = Vec::new();
    let mut begun: Option<(usize, usize)> = None; // the region's line, and how long the output was there
    let mut seam = false; // a region that left nothing ends here
    for (line, text) in solution.lines().enumerate().map(|(index, text)| (index + 1, text)) {
        let trimmed = text.trim();
        match (trimmed, begun) {
            (BEGIN, None) => begun = Some((line, out.len())),
            (BEGIN, Some((outer, _))) => return Err(Error::Nested { line, outer }),
            (END, None) => return Err(Error::NotBegun { line }),
            (END, Some((_, length))) => {
                seam |= out.len() == length;
                begun = None;
            }
            (stub, Some(_)) if stub.starts_with(STUB) => {
                let indent = &text[..text.len() - text.trim_start().len()];
                let stub = stub[STUB.len()..].strip_prefix(' ').unwrap_or(&stub[STUB.len()..]);
                out.push(format!("{indent}{stub}").trim_end().to_owned());
                seam = false;
            }
            (stub, None) if stub.starts_with(STUB) => return Err(Error::StrayStub { line }),
            (other, _) if is_almost_marker(other) => return Err(Error::Misspelt { line }),
            (_, Some(_)) => {}
            (_, None) => {
                if !std::mem::take(&mut seam) || !closes_up(&mut out, trimmed) {
                    out.push(text.to_owned());
                }
            }
        }
    }
    if let Some((line, _)) = begun {
        return Err(Error::NotEnded { line });
    }
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    Ok(out.into_iter().map(|line| line + "\n").collect())
}

fn is_almost_marker(line: &str) -> bool {
    line.starts_with("//")
        && ["BEGIN SOLUTION", "END SOLUTION", "STUB:"].iter().any(|mark| line.contains(mark))
}

/// Joins what a region that left nothing stood between. Whether `next` itself is to be dropped.
fn closes_up(out: &mut Vec<String>, next: &str) -> bool {
    let after_blank = out.last().is_none_or(|last| last.is_empty());
    let opens = out.last().is_none_or(|last| last.ends_with('{'));
    if next.starts_with('}') && after_blank {
        out.pop();
    }
    next.is_empty() && (after_blank || opens)
}

/// A file of an exercise beside what its solution makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Its path in the chapter, such as `src/lamport.rs`.
    pub path: String,
    /// What it should be; `None` where it should not be at all.
    pub expected: Option<String>,
    /// What it is; `None` where there is no such file.
    pub found: Option<String>,
}
impl Generated {
    /// Whether the file is what it should be.
    pub fn is_fresh(&self) -> bool {
        self.expected == self.found
    }
}

/// Why a chapter's skeleton cannot be generated.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// Markers in a file do not add up.
    #[error("{path}: {error}")]
    Markers {
        /// Its path in the solution.
        path: String,
        /// What is wrong with them.
        error: Error,
    },
    /// The solution cannot be read.
    #[error(transparent)]
    Sources(#[from] crate::Error),
}

/// Every `src/**/*.rs` of a chapter, as its solution says and as it is, sorted by path. The exercise may be
/// missing.
///
/// # Errors
/// Where the solution cannot be read or its markers do not add up.
pub fn generate_tree(solution_dir: &Path, exercise_dir: &Path) -> Result<Vec<Generated>, TreeError> {
    let solution = Sources::read(solution_dir)?;
    let exercise = match Sources::read(exercise_dir) {
        Err(crate::Error::NoSources { .. }) => Sources::default(),
        other => other?,
    };
    let paths: BTreeSet<&str> = solution.files().chain(exercise.files()).map(|(path, _)| path).collect();
    let generated = |path: &str| {
        let expected = solution.get(path).map(generate).transpose();
        let expected = expected.map_err(|error| TreeError::Markers { path: path.to_owned(), error })?;
        Ok(Generated { path: path.to_owned(), expected, found: exercise.get(path).map(str::to_owned) })
    };
    paths.into_iter().map(generated).collect()
}
