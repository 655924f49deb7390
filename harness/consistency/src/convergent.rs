//! Convergence (eventual consistency, Vogels 2009): once nothing is in flight any more, everybody reads the same.

use std::collections::BTreeMap;

use crate::explain;
use crate::history::{History, OpId};
use crate::level::Level;
use crate::model::{Access, Answer, Model};
use crate::verdict::{Verdict, Why};

/// Do all reads invoked after the history [settled](History::settle) agree, key by key, on a value that was written? Reading nothing counts as agreement only
/// while no write of the key has returned. A write that never returned may have won, or may have been lost: either way everybody must agree.
///
/// Undecided if the history never settled, something was written afterwards, or an operation is not a plain read or write.
pub fn convergent<M: Model>(history: &History<M>) -> Verdict {
    let Some(settled) = history.settled_rank() else { return Verdict::Undecided { why: Why::NotSettled } };
    let mut first: BTreeMap<M::Key, (OpId, Option<&M::Value>)> = BTreeMap::new();
    let mut written: BTreeMap<(M::Key, &M::Value), OpId> = BTreeMap::new();
    let mut acknowledged: BTreeMap<M::Key, OpId> = BTreeMap::new();
    let mut bad: Option<(Vec<OpId>, String)> = None;
    for (id, op) in history.iter() {
        let access = history.model().access(&op.call, op.answer.as_ref());
        let (Some(key), Some(access)) = (history.model().key(&op.call), access) else {
            return Verdict::Undecided { why: Why::NotPlain { operation: id } };
        };
        let read = match access {
            Access::Write(_) if op.call_rank >= settled => {
                return Verdict::Undecided { why: Why::NotSettled };
            }
            Access::Write(value) => {
                written.insert((key.clone(), value), id);
                if op.answer.is_some() {
                    acknowledged.insert(key, id);
                }
                continue;
            }
            Access::Read(Answer::Unknown) => continue,
            Access::Read(_) if op.call_rank < settled || bad.is_some() => continue,
            Access::Read(Answer::Initial) => None,
            Access::Read(Answer::Value(value)) => Some(value),
        };
        let did = || explain::read_in_words(history, id);
        match read {
            Some(value) if !written.contains_key(&(key.clone(), value)) => {
                bad = Some((vec![id], format!("{}, and nothing ever wrote that", did())));
            }
            None if acknowledged.contains_key(&key) => {
                let write = acknowledged[&key];
                let name = history.model().describe(&history[write].call, None);
                bad = Some((
                    vec![write, id],
                    format!("{} after all had settled, and {name} had been acknowledged", did()),
                ));
            }
            _ => match first.get(&key) {
                Some(&(other, value)) if value != read => {
                    let writes = [value, read].into_iter().flatten().map(|v| written[&(key.clone(), v)]);
                    let mut core: Vec<OpId> = writes.chain([other, id]).collect();
                    core.sort_unstable();
                    let theirs = explain::read_in_words(history, other);
                    bad = Some((core, format!("after all had settled, {theirs}, and {}", did())));
                }
                Some(_) => {}
                None => {
                    first.insert(key, (id, read));
                }
            },
        }
    }
    match bad {
        None => Verdict::Ok,
        Some((core, sentence)) => {
            let guilty = core[core.len() - 1];
            explain::told(history, Level::Convergent, guilty, core, sentence)
        }
    }
}
