//! Whether a check catches a submission at all: what the gates ask of thousands of mutants.

use crate::check::Check;
use crate::explore::{Evidence, How, Options, block_of, conclude, evidence, job};
use host::{Fleet, HostError};
use std::ops::Range;

/// What a check finds wrong first with a submission, as far as batches show it; `None` where it passes.
///
/// [`judge`](crate::judge) makes sure that no world disturbed another one and counts failures by whole blocks. This does neither:
/// it ends at the first failure, and takes a fraction of the time. Where a guest misbehaves in a batch, the worlds of its block
/// run alone. A world that is undecided shows nothing.
///
/// # Errors
/// The harness's own; whatever the submission does is a finding.
pub fn first_failure(
    fleet: &mut Fleet,
    chapter: u8,
    exercise: &str,
    check: &Check,
    options: &Options,
) -> Result<Option<How>, HostError> {
    first_failure_from(fleet, chapter, exercise, check, options, Vec::new())
}
/// The same, where some of its worlds, from the first on, have been run in batches already ([`Ahead`](crate::Ahead)).
///
/// # Errors
/// As [`first_failure`].
pub(crate) fn first_failure_from(
    fleet: &mut Fleet,
    chapter: u8,
    exercise: &str,
    check: &Check,
    options: &Options,
    shown: Vec<Evidence>,
) -> Result<Option<How>, HostError> {
    let seed = |nth| options.seed_key.of(chapter, exercise, check, nth);
    let total = options.worlds.unwrap_or(check.worlds).max(1);
    let batch = check.side_by_side(options.batch);
    let mut found = until_failure(shown.into_iter().map(Ok))?;
    while (found.len() as u32) < total && found.last().is_none_or(|evidence| evidence.how.is_none()) {
        let first = found.len() as u32;
        // few worlds for what fails soon; then as many as run best side by side
        let most = first.saturating_add(u32::try_from(batch).unwrap_or(u32::MAX)).min(total);
        let until = if found.is_empty() { block_of(first).end.min(most) } else { most };
        let worlds = first..until;
        let evidences = match side_by_side(fleet, check, seed, worlds.clone(), batch)? {
            Some(evidences) => evidences,
            None => alone(fleet, check, seed, worlds)?,
        };
        found.extend(evidences);
    }
    Ok(conclude(check, seed, found, None).failure.map(|failure| failure.how))
}

/// Worlds up to the first that fails; `None` where they cannot run side by side.
fn side_by_side(
    fleet: &mut Fleet,
    check: &Check,
    seed: impl Fn(u32) -> crate::WorldSeed,
    worlds: Range<u32>,
    batch: usize,
) -> Result<Option<Vec<Evidence>>, HostError> {
    if batch == 1 {
        return Ok(None);
    }
    let mut jobs: Vec<_> = worlds.map(|nth| job(check, seed(nth), nth)).collect();
    if fleet.batch(&mut jobs)?.is_err() {
        return Ok(None);
    }
    Ok(Some(until_failure(jobs.iter_mut().map(|job| Ok(evidence(job))))?))
}
/// The same in processes of their own.
fn alone(
    fleet: &Fleet,
    check: &Check,
    seed: impl Fn(u32) -> crate::WorldSeed,
    worlds: Range<u32>,
) -> Result<Vec<Evidence>, HostError> {
    until_failure(worlds.map(|nth| {
        let mut job = job(check, seed(nth), nth);
        Fleet::solo(fleet.guest(), &mut job)?;
        Ok(evidence(&mut job))
    }))
}
fn until_failure(all: impl Iterator<Item = Result<Evidence, HostError>>) -> Result<Vec<Evidence>, HostError> {
    let mut found = Vec::new();
    for one in all {
        found.push(one?);
        if found.last().is_some_and(|evidence| evidence.how.is_some()) {
            break;
        }
    }
    Ok(found)
}
