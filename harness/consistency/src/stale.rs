//! Bounded staleness: how old may a value be when it is read?
//!
//! Golab, Li & Shah, *Analyzing consistency properties for fun and profit* (PODC 2011) call a history Δ-atomic if it becomes linearizable once every read is allowed
//! to have begun Δ earlier. So a read may return what was current at some moment in its last Δ (or during it), and no two reads see values in an order that
//! no delay up to Δ explains.

use crate::explain;
use crate::history::{History, OpId, Timed};
use crate::level::Level;
use crate::linearizable::linearizable;
use crate::model::Model;
use crate::verdict::{Budget, Verdict, Violation};

/// Is every read at most `bound` behind, in the unit of the history's times?
///
/// Polynomial for reads and writes of unique values, like [`linearizable`]; a search otherwise.
pub fn within<M: Model>(history: &History<M>, bound: u64, budget: &Budget) -> Verdict {
    let (earlier, from) = relaxed(history, bound);
    match linearizable(&earlier, budget) {
        Verdict::Violation(violation) => {
            let Violation { guilty, core, .. } = *violation;
            let back = |id: OpId| from[id.index()];
            let mut core: Vec<OpId> = core.into_iter().map(back).collect();
            core.sort_unstable();
            let guilty = back(guilty);
            let did = explain::read_in_words(history, guilty);
            let sentence = format!("{did}, which had been out of date for more than {bound} when it asked");
            explain::told(history, Level::BoundedStaleness, guilty, core, sentence)
        }
        other => other,
    }
}

/// The least bound that the history keeps: 0 if it is linearizable, `None` if no bound helps (a read from the future, or of what was never
/// written) or the budget does not suffice to tell.
pub fn least<M: Model>(history: &History<M>, budget: &Budget) -> Option<u64> {
    let end =
        history.operations().iter().map(|op| op.returned_at.unwrap_or(op.invoked_at)).max().unwrap_or(0);
    let keeps = |bound| within(history, bound, budget).is_ok();
    if !keeps(end) {
        return None;
    }
    // keeps(high) always; find the least
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if keeps(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(high)
}

/// Every read begun `bound` earlier, as its own process; and which operation each one is.
fn relaxed<M: Model>(history: &History<M>, bound: u64) -> (History<M>, Vec<OpId>) {
    if bound == 0 {
        return (history.clone(), history.iter().map(|(id, _)| id).collect());
    }
    let mut order: Vec<(u64, OpId)> = history
        .iter()
        .map(|(id, op)| {
            let read = history.model().is_read(&op.call, op.answer.as_ref());
            (if read { op.invoked_at.saturating_sub(bound) } else { op.invoked_at }, id)
        })
        .collect();
    order.sort_unstable();
    let timed = order
        .iter()
        .map(|&(invoked_at, id)| {
            let op = &history[id];
            Timed {
                process: crate::Process(id.0),
                invoked_at,
                call: op.call.clone(),
                returned: op.returned_at.zip(op.answer.clone()),
            }
        })
        .collect();
    let earlier = History::from_timed(history.model().clone(), timed).unwrap_or_else(|_| history.clone());
    // operations of one instant may have been reordered: processes say which is which
    let from = earlier.operations().iter().map(|op| OpId(op.process.0)).collect();
    (earlier, from)
}
