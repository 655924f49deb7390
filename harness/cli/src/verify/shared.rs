//! What several gates need.

use crate::Failed;
use crate::course::{ChapterFolder, Selected};
use judge::SeedKey;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) fn selected(chapter: &ChapterFolder) -> Vec<Selected<'_>> {
    chapter.suite.exercises.iter().map(|exercise| Selected { chapter, exercise }).collect()
}
/// So many made-up seed keys, the same in every run.
pub(super) fn seed_keys(keys: u32) -> Vec<SeedKey> {
    (1..=keys).map(|nth| SeedKey::secret(&format!("verify-{nth}"))).collect()
}

/// A number that belongs to an id: who picks by it picks the same ones in every run.
pub(super) fn lot(id: &str) -> u32 {
    let hash = Sha256::digest(id);
    u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]])
}
/// Whether this one is of a sample of one in so many.
pub(super) fn is_drawn(id: &str, one_in: u32) -> bool {
    lot(id).is_multiple_of(one_in.max(1))
}

/// Does something with each of these on so many cores, and shows the results in order, as soon as there are any.
pub(super) fn in_order<T: Sync, R: Send>(
    workers: usize,
    all: &[T],
    work: &(dyn Fn(usize, &T) -> Result<R, Failed> + Sync),
    show: &(dyn Fn(&T, &R) + Sync),
) -> Result<Vec<R>, Failed> {
    let next = AtomicUsize::new(0);
    let bar = crate::text::bar(all.len() as u64);
    // what is done and not yet shown, and how many are
    let done: Mutex<(BTreeMap<usize, R>, Vec<R>)> = Mutex::new((BTreeMap::new(), Vec::new()));
    let worker = |core: usize| -> Result<(), Failed> {
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(nth) else { return Ok(()) };
            let result = work(core, one)?;
            bar.inc(1);
            let mut done = done.lock().expect("no worker panics while it holds this");
            let (waiting, shown) = &mut *done;
            waiting.insert(nth, result);
            while let Some(result) = waiting.remove(&shown.len()) {
                bar.suspend(|| show(&all[shown.len()], &result));
                shown.push(result);
            }
        }
    };
    let worker = &worker;
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..workers.min(all.len())).map(|core| scope.spawn(move || worker(core))).collect();
        for handle in workers {
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok::<_, Failed>(())
    })?;
    bar.finish_and_clear();
    Ok(done.into_inner().expect("no worker panics while it holds this").1)
}

/// The smallest of these that so many percent of all do not exceed; the default where there are none.
pub(super) fn percentile<T: Copy + Ord + Default>(all: &[T], percent: usize) -> T {
    let mut sorted = all.to_vec();
    sorted.sort_unstable();
    let rank = (all.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn a_percentile_is_one_of_them() {
        let all: Vec<u32> = (1..=10).rev().collect();
        assert_eq!([1, 50, 90, 91, 100].map(|percent| percentile(&all, percent)), [1, 5, 9, 10, 10]);
        assert_eq!(percentile::<u32>(&[], 50), 0);
    }
}
