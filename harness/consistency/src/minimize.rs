//! From thousands of operations to the few that matter.
//!
//! Delta debugging (Zeller & Hildebrandt 2002) over what a model says may leave together ([`Model::removable`]), so that what is left is
//! always a witness: had the history been legal, the rest would be legal too.

use std::collections::BTreeSet;

use crate::history::{History, OpId};
use crate::model::{Model, Needs, Seen};
use crate::shadow;

/// Where to start.
pub(crate) struct Evidence {
    /// Operations known to break the promise, sorted.
    pub(crate) all: Vec<OpId>,
    /// A few of them that may do so alone.
    pub(crate) hint: Option<Vec<OpId>>,
    /// Whether the promise is about the order of time, so that what was overwritten in time can go.
    pub(crate) in_time: bool,
}

/// A smallest set that still `breaks` the promise: no single removable group can leave it.
pub(crate) fn minimize<M: Model>(
    history: &History<M>,
    evidence: Evidence,
    breaks: &mut dyn FnMut(&[OpId]) -> bool,
) -> Vec<OpId> {
    let Evidence { all, hint, in_time } = evidence;
    let whole = all.clone();
    let mut breaks = |ids: &[OpId]| (!in_time || is_closed(history, &whole, ids)) && breaks(ids);
    let start = match hint {
        Some(hint) if breaks(&hint) => hint,
        _ => all,
    };
    shrink(start, &|kept| groups(history, kept, in_time), &mut breaks)
}

/// What may leave one by one, given what is there.
type Groups<'a> = &'a dyn Fn(&[OpId]) -> Vec<Vec<OpId>>;

fn shrink(mut kept: Vec<OpId>, groups: Groups<'_>, breaks: &mut dyn FnMut(&[OpId]) -> bool) -> Vec<OpId> {
    loop {
        let before = kept.len();
        let mut chunk = groups(&kept).len();
        while chunk > 0 {
            kept = without_chunks(kept, chunk, groups, breaks);
            chunk /= 2;
        }
        if kept.len() == before {
            return kept;
        }
    }
}

/// Try to leave out `chunk` groups at a time, all along.
fn without_chunks(
    mut kept: Vec<OpId>,
    chunk: usize,
    groups: Groups<'_>,
    breaks: &mut dyn FnMut(&[OpId]) -> bool,
) -> Vec<OpId> {
    let mut from = 0;
    loop {
        // what may leave depends on what is there: ask again after every success
        let groups = groups(&kept);
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

/// Groups that may leave, of every part of the object.
fn groups<M: Model>(history: &History<M>, kept: &[OpId], in_time: bool) -> Vec<Vec<OpId>> {
    let restricted = history.restrict(kept);
    let mut groups = Vec::new();
    for part in restricted.parts() {
        let seen: Vec<Seen<'_, M>> = part
            .iter()
            .map(|&id| Seen { call: &restricted[id].call, answer: restricted[id].answer.as_ref() })
            .collect();
        for group in history.model().removable(&seen) {
            groups.push(group.into_iter().map(|i| kept[part[i].index()]).collect::<Vec<_>>());
        }
        if in_time {
            groups.extend(shadow::unseen(&restricted, &part).into_iter().map(|id| vec![kept[id.index()]]));
        }
    }
    groups
}

/// What somebody sees in `ids` is also made there, if it was made at all: a story without the writer of what was read is true, but tells
/// nothing.
fn is_closed<M: Model>(history: &History<M>, all: &[OpId], ids: &[OpId]) -> bool {
    let effect = |&id: &OpId| {
        let op = &history[id];
        Some((history.model().key(&op.call), history.model().effect(&op.call, op.answer.as_ref())?))
    };
    let made = |ids: &[OpId]| -> BTreeSet<_> {
        ids.iter().filter_map(effect).filter_map(|(k, e)| Some((k, e.makes?))).collect()
    };
    let (made_at_all, made) = (made(all), made(ids));
    ids.iter().filter_map(effect).all(|(key, effect)| match effect.needs {
        Needs::Value(value) => {
            let value = (key, value);
            made.contains(&value) || !made_at_all.contains(&value)
        }
        Needs::Nothing | Needs::Initial | Needs::Anything => true,
    })
}
