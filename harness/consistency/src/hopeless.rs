//! Operations that no order can explain, found without a search.
//!
//! What an operation sees must have been made by something invoked before it returned, and not have been overwritten, for certain and in time,
//! before it was invoked. Most violations of real systems break this plain rule; it takes n log n, whatever the values.

use std::collections::BTreeMap;

use crate::history::{History, NEVER, OpId};
use crate::model::{Effect, Model, Needs};
use crate::numbers::{Did, effects};

/// The first operation to return, of one part, that needs a value which cannot have been there.
pub(crate) fn find<M: Model>(history: &History<M>, part: &[OpId]) -> Option<OpId> {
    first(&effects(history, part)?)
}

fn first(part: &[Did<Effect<u32>>]) -> Option<OpId> {
    // makers of a value: (call, largest return up to here), by call
    let mut makers: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    let mut resets: Vec<(u32, u32)> = Vec::new();
    let mut first_change = NEVER;
    for op in part {
        if let Some(value) = op.what.makes {
            let of_value = makers.entry(value).or_default();
            let before = of_value.last().map_or(0, |last| last.1);
            of_value.push((op.call, before.max(op.ret)));
            first_change = first_change.min(op.ret);
        }
        if op.what.resets && op.ret != NEVER {
            resets.push((op.ret, op.call));
        }
    }
    // by return; each with the latest invocation of all that returned no later
    resets.sort_unstable();
    for i in 1..resets.len() {
        resets[i].1 = resets[i].1.max(resets[i - 1].1);
    }
    let hopeless = |op: &&Did<Effect<u32>>| match op.what.needs {
        _ if op.ret == NEVER => false,
        Needs::Nothing | Needs::Anything => false,
        Needs::Initial => first_change < op.call,
        Needs::Value(value) => {
            let before = resets.partition_point(|&(ret, _)| ret < op.call);
            let since = before.checked_sub(1).map_or(0, |last| resets[last].1);
            let of_value = makers.get(&value).map_or(&[][..], |makers| makers);
            let invoked = of_value.partition_point(|&(call, _)| call < op.ret);
            invoked == 0 || of_value[invoked - 1].1 < since
        }
    };
    part.iter().filter(hopeless).min_by_key(|op| op.ret).map(|op| op.id)
}
