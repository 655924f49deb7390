//! One check under many seed keys: what the gates ask for.

use crate::check::Check;
use crate::explore::{Evidence, Finding, Options, block_of, conclude, job, judge, run};
use crate::seed::SeedKey;
use host::{Fleet, HostError};

/// What [`judge`] finds under each of these keys, as far as batches show it: their worlds run side by side, and none is run
/// again alone, which takes a fraction of the time. Where a submission misbehaves in a batch, or must not share one, it is
/// judged key by key.
///
/// # Errors
/// The harness's own; whatever the submission does is a finding.
pub fn judge_under(
    fleet: &mut Fleet,
    chapter: u8,
    exercise: &str,
    check: &Check,
    keys: &[SeedKey],
    options: &Options,
) -> Result<Vec<Finding>, HostError> {
    let seed = |key: &SeedKey, nth| key.of(chapter, exercise, check, nth);
    let total = options.worlds.unwrap_or(check.worlds).max(1);
    let mut found: Vec<Vec<Evidence>> = vec![Vec::new(); keys.len()];
    let mut first = 0;
    while first < total && check.side_by_side(options.batch) > 1 {
        let block = first..block_of(first).end.min(total);
        first = block.end;
        let is_open = |key: &usize| found[*key].iter().all(|evidence| evidence.how.is_none());
        let open = (0..keys.len()).filter(is_open);
        let worlds: Vec<(usize, u32)> =
            open.flat_map(|key| block.clone().map(move |nth| (key, nth))).collect();
        for some in worlds.chunks(check.side_by_side(options.batch)) {
            let jobs = some.iter().map(|(key, nth)| job(check, seed(&keys[*key], *nth), *nth)).collect();
            let Some(evidences) = run(fleet, jobs)? else {
                return one_by_one(fleet, chapter, exercise, check, keys, options);
            };
            for ((key, _), evidence) in some.iter().zip(evidences) {
                found[*key].push(evidence);
            }
        }
    }
    if first < total {
        return one_by_one(fleet, chapter, exercise, check, keys, options);
    }
    let findings =
        keys.iter().zip(found).map(|(key, found)| conclude(check, |nth| seed(key, nth), found, None));
    Ok(findings.collect())
}

fn one_by_one(
    fleet: &mut Fleet,
    chapter: u8,
    exercise: &str,
    check: &Check,
    keys: &[SeedKey],
    options: &Options,
) -> Result<Vec<Finding>, HostError> {
    // alone from the start: in batches it would only misbehave again
    let under = |key: &SeedKey| Options { seed_key: key.clone(), batch: 1, ..options.clone() };
    keys.iter().map(|key| judge(fleet, chapter, exercise, check, &under(key))).collect()
}
