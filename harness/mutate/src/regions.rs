//! Which part of a source a student writes.

use crate::Error;
use std::ops::Range;

const BEGIN: &str = "// BEGIN SOLUTION";
const END: &str = "// END SOLUTION";

/// The bytes between `BEGIN SOLUTION` and `END SOLUTION`; the whole source where there are no such lines.
///
/// # Errors
/// Where a region has only one of the two.
pub(crate) fn solution(source: &str) -> Result<Vec<Range<usize>>, Error> {
    let (mut regions, mut begun, mut at) = (Vec::new(), None, 0);
    for line in source.split_inclusive('\n') {
        let end = at + line.len();
        match (line.trim(), begun) {
            (BEGIN, None) => begun = Some(end),
            (END, Some(from)) => {
                regions.push(from..at);
                begun = None;
            }
            (BEGIN | END, _) => return Err(Error::Regions),
            _ => {}
        }
        at = end;
    }
    match begun {
        Some(_) => Err(Error::Regions),
        None if regions.is_empty() => Ok(std::iter::once(0..source.len()).collect()),
        None => Ok(regions),
    }
}
