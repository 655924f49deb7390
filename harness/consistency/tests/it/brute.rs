//! The definitions, word by word, by trying everything.

use consistency::{History, Model, OpId};

/// Linearizable, of a history with one part: try every order that keeps `precedes`, with and without each operation that never returned.
pub(crate) fn linearizable<M: Model>(history: &History<M>) -> bool {
    fn go<M: Model>(history: &History<M>, state: &M::State, left: &[OpId]) -> bool {
        if left.iter().all(|&id| history[id].answer.is_none()) {
            return true;
        }
        left.iter().any(|&id| {
            let op = &history[id];
            let first = left.iter().all(|&other| other == id || !history[other].precedes(op));
            first
                && history.model().step(state, &op.call, op.answer.as_ref()).is_some_and(|next| {
                    let rest: Vec<OpId> = left.iter().copied().filter(|&other| other != id).collect();
                    go(history, &next, &rest)
                })
        })
    }
    let all: Vec<OpId> = history.iter().map(|(id, _)| id).collect();
    go(history, &history.model().init(), &all)
}
