//! Configurations seen before, by dominance.

use rustc_hash::FxHashMap;

use crate::search::Node;
use crate::slots::Slots;
use crate::states::{StateId, table_bytes};

/// Where a configuration stands, apart from what it spent.
type Key<S> = (u32, StateId, S);

/// Configurations seen so far. One that has placed a superset of another's never-returned operations, all else equal, can do nothing that the
/// other cannot: it counts as seen.
pub(crate) struct Memo<S> {
    /// For each key the sets of never-returned operations seen, none a subset of another.
    seen: FxHashMap<Key<S>, Spent<S>>,
    heap: usize,
}

enum Spent<S> {
    One(S),
    Many(Vec<S>),
}

/// What became of a configuration offered to a [`Memo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Seen before, or one as good was.
    Old,
    /// New, and remembered.
    New,
    /// New, but there is no room to remember it.
    Full,
}

impl<S: Slots> Memo<S> {
    pub(crate) fn new() -> Self {
        Self { seen: FxHashMap::default(), heap: 0 }
    }

    /// Remember `node`, using at most `bytes` in all.
    pub(crate) fn offer(&mut self, node: &Node<S>, bytes: usize) -> Offer {
        let key = (node.front, node.state, node.placed.clone());
        let used = self.bytes();
        if let Some(spent) = self.seen.get_mut(&key) {
            let sets = match spent {
                Spent::One(set) => std::slice::from_ref(set),
                Spent::Many(sets) => sets,
            };
            if sets.iter().any(|set| set.is_subset(&node.lost)) {
                return Offer::Old;
            }
            let extra = size_of::<S>() * 4 + node.lost.heap_bytes();
            if used + extra > bytes {
                return Offer::Full;
            }
            let mut sets = match std::mem::replace(spent, Spent::Many(Vec::new())) {
                Spent::One(set) => vec![set],
                Spent::Many(sets) => sets,
            };
            let before = sets.capacity() * size_of::<S>();
            sets.retain(|set| !node.lost.is_subset(set));
            sets.push(node.lost.clone());
            self.heap += (sets.capacity() * size_of::<S>()).saturating_sub(before) + node.lost.heap_bytes();
            *spent = Spent::Many(sets);
            return Offer::New;
        }
        let grows = self.seen.len() == self.seen.capacity();
        let room = if grows {
            table_bytes::<Key<S>, Spent<S>>(self.seen.capacity().max(4) * 3)
        } else {
            self.table()
        };
        let extra = node.placed.heap_bytes() + node.lost.heap_bytes();
        if room + self.heap + extra > bytes {
            return Offer::Full;
        }
        self.heap += extra;
        self.seen.insert(key, Spent::One(node.lost.clone()));
        Offer::New
    }

    fn table(&self) -> usize {
        table_bytes::<Key<S>, Spent<S>>(self.seen.capacity())
    }

    pub(crate) fn bytes(&self) -> usize {
        self.table() + self.heap
    }
}
