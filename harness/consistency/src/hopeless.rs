//! Operations that no order can explain, found without a search.
//!
//! What an operation sees must have been made by something invoked before it returned, and not have been overwritten, for certain and in time,
//! before it was invoked. Most violations of real systems break this plain rule; it takes n log n, whatever the values.

use std::collections::BTreeMap;

use crate::history::{History, NEVER, OpId};
use crate::model::{Model, Needs};

/// The first operation to return, of one part, that needs a value which cannot have been there.
pub(crate) fn find<M: Model>(history: &History<M>, part: &[OpId]) -> Option<OpId> {
    // makers of a value: (call, largest return up to here), by call
    let mut makers: BTreeMap<&M::Value, Vec<(u32, u32)>> = BTreeMap::new();
    let mut resets: Vec<(u32, u32)> = Vec::new();
    let mut first_change = NEVER;
    for &id in part {
        let op = &history[id];
        let effect = history.model().effect(&op.call, op.answer.as_ref())?;
        if let Some(value) = effect.makes {
            let of_value = makers.entry(value).or_default();
            let before = of_value.last().map_or(0, |last| last.1);
            of_value.push((op.call_rank, before.max(op.ret_rank)));
            first_change = first_change.min(op.ret_rank);
        }
        if effect.resets && op.ret_rank != NEVER {
            resets.push((op.ret_rank, op.call_rank));
        }
    }
    // by return; each with the latest invocation of all that returned no later
    resets.sort_unstable();
    for i in 1..resets.len() {
        resets[i].1 = resets[i].1.max(resets[i - 1].1);
    }
    let hopeless = |&id: &OpId| {
        let op = &history[id];
        let Some(effect) = history.model().effect(&op.call, op.answer.as_ref()) else { return false };
        match effect.needs {
            _ if op.ret_rank == NEVER => false,
            Needs::Nothing | Needs::Anything => false,
            Needs::Initial => first_change < op.call_rank,
            Needs::Value(value) => {
                let before = resets.partition_point(|&(ret, _)| ret < op.call_rank);
                let since = before.checked_sub(1).map_or(0, |last| resets[last].1);
                let of_value = makers.get(value).map_or(&[][..], |makers| makers);
                let invoked = of_value.partition_point(|&(call, _)| call < op.ret_rank);
                invoked == 0 || of_value[invoked - 1].1 < since
            }
        }
    };
    part.iter().copied().filter(hopeless).min_by_key(|&id| history[id].ret_rank)
}
