//! From thousands of operations to the few that matter.
//!
//! Delta debugging (Zeller & Hildebrandt 2002) over what a model says may leave together ([`Model::removable`]), so that what is left is
//! always a witness: had the history been legal, the rest would be legal too.

use crate::history::{History, OpId};
use crate::linearizable::parts;
use crate::model::{Model, Seen};

/// Where to start.
pub(crate) struct Evidence {
    /// Operations known to break the promise, sorted.
    pub(crate) all: Vec<OpId>,
    /// A few of them that may do so alone.
    pub(crate) hint: Option<Vec<OpId>>,
}

/// A smallest set that still `breaks` the promise: no single removable group can leave it.
pub(crate) fn minimize<M: Model>(
    history: &History<M>,
    evidence: Evidence,
    mut breaks: impl FnMut(&[OpId]) -> bool,
) -> Vec<OpId> {
    let Evidence { all, hint } = evidence;
    let mut kept = match hint {
        Some(hint) if breaks(&hint) => hint,
        _ => all,
    };
    loop {
        let before = kept.len();
        let groups = groups(history, &kept);
        let mut chunk = groups.len();
        while chunk > 0 {
            kept = without_chunks(history, kept, chunk, &mut breaks);
            chunk /= 2;
        }
        if kept.len() == before {
            return kept;
        }
    }
}

/// Try to leave out `chunk` groups at a time, all along.
fn without_chunks<M: Model>(
    history: &History<M>,
    mut kept: Vec<OpId>,
    chunk: usize,
    breaks: &mut impl FnMut(&[OpId]) -> bool,
) -> Vec<OpId> {
    let mut from = 0;
    loop {
        // what may leave depends on what is there: ask again after every success
        let groups = groups(history, &kept);
        if from >= groups.len() {
            return kept;
        }
        let until = (from + chunk).min(groups.len());
        let mut gone: Vec<OpId> = groups[from..until].iter().flatten().copied().collect();
        gone.sort_unstable();
        let rest: Vec<OpId> = kept.iter().copied().filter(|id| gone.binary_search(id).is_err()).collect();
        if rest.len() < kept.len() && breaks(&rest) {
            kept = rest;
        } else {
            from = until;
        }
    }
}

/// Groups that may leave, of every part of the object, latest first: the cause is rarely the newest news.
fn groups<M: Model>(history: &History<M>, kept: &[OpId]) -> Vec<Vec<OpId>> {
    let restricted = history.restrict(kept);
    let mut groups = Vec::new();
    for part in parts(&restricted) {
        let seen: Vec<Seen<'_, M>> = part
            .iter()
            .map(|&id| Seen { call: &restricted[id].call, answer: restricted[id].answer.as_ref() })
            .collect();
        for group in history.model().removable(&seen) {
            groups.push(group.into_iter().map(|i| kept[part[i].index()]).collect::<Vec<_>>());
        }
    }
    groups
}
