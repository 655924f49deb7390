//! Writes that nobody can have seen, because something overwrote them first.
//!
//! In *any* legal order of a history, a change that finished before an overwriting write was invoked is hidden from whoever called after that write
//! finished. A change hidden from all that could tell is no part of the story, whatever its value. (Real-time order only: this holds for linearizability.)

use std::collections::BTreeMap;

use crate::history::{History, NEVER, OpId};
use crate::model::{Effect, Model, Needs};
use crate::numbers::{Did, effects};

/// Operations whose intervals may overlap a window of time, by invocation: finds out whether any called by `until` returned from `since` on.
#[derive(Default)]
struct Intervals {
    /// (call, largest return of all up to here), by call.
    by_call: Vec<(u32, u32)>,
}

impl Intervals {
    fn push(&mut self, call: u32, ret: u32) {
        let before = self.by_call.last().map_or(0, |last| last.1);
        self.by_call.push((call, before.max(ret)));
    }

    fn any(&self, since: u32, until: u32) -> bool {
        let n = self.by_call.partition_point(|&(call, _)| call <= until);
        n > 0 && self.by_call[n - 1].1 >= since
    }
}

/// Those of `part` (operations of one part of the object, in the order of invocation) that no other of them can have seen.
pub(crate) fn unseen<M: Model>(history: &History<M>, part: &[OpId]) -> Vec<OpId> {
    effects(history, part).map_or_else(Vec::new, |part| hidden(&part))
}

fn hidden(part: &[Did<Effect<u32>>]) -> Vec<OpId> {
    let mut needs_value: BTreeMap<u32, Intervals> = BTreeMap::new();
    let mut needs_anything = Intervals::default();
    let mut resets = Vec::new();
    for op in part {
        match op.what.needs {
            Needs::Nothing | Needs::Initial => {}
            Needs::Value(value) => needs_value.entry(value).or_default().push(op.call, op.ret),
            Needs::Anything => needs_anything.push(op.call, op.ret),
        }
        if op.what.resets && op.ret != NEVER {
            resets.push((op.call, op.ret));
        }
    }
    // soonest[i]: the first return of a reset among those invoked from resets[i] on
    let mut soonest: Vec<(u32, u32)> = resets;
    for i in (1..soonest.len()).rev() {
        soonest[i - 1].1 = soonest[i - 1].1.min(soonest[i].1);
    }
    let hidden = |op: &&Did<Effect<u32>>| {
        let Some(makes) = op.what.makes else { return false };
        let next = soonest.partition_point(|&(call, _)| call < op.ret);
        let Some(&(_, until)) = soonest.get(next) else { return false };
        !needs_anything.any(op.call, until)
            && needs_value.get(&makes).is_none_or(|readers| !readers.any(op.call, until))
    };
    part.iter().filter(hidden).map(|op| op.id).collect()
}
