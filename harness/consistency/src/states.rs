//! States of a model by number, and the steps between them, each taken once.
//!
//! Searches see nothing but numbers: so they are compiled once, not once a model.

use std::hash::BuildHasher;
use std::ops::Range;

use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::model::{Model, Seen};

/// A state by its number; 0 is the initial one.
pub(crate) type StateId = u32;
/// "No such state": the call cannot return this answer here.
const REFUSED: u32 = u32::MAX;

/// Every state reached from the initial one by calls with their answers, these numbered too ("classes").
pub(crate) struct States<'a> {
    space: Box<dyn Space + 'a>,
    steps: FxHashMap<u64, StateId>,
    space_bytes: usize,
}

/// The states themselves.
trait Space {
    /// The state after an operation of `class` in `state`, or [`REFUSED`].
    fn step(&mut self, state: StateId, class: u32) -> StateId;
    fn reach(&self, state: StateId) -> Option<Range<u32>>;
    fn forget(&mut self);
    fn bytes(&self) -> usize;
}

impl<'a> States<'a> {
    /// Of `model`, which should be [tailored](Model::tailored) to these classes.
    pub(crate) fn new<M: Model + 'a>(model: M, classes: Vec<Seen<'a, M>>) -> Self {
        let (by_hash, states, twin) = Default::default();
        let mut space = Typed { model, classes, states, by_hash, twin, heap: 0 };
        space.forget();
        Self { space_bytes: space.bytes(), space: Box::new(space), steps: FxHashMap::default() }
    }

    /// The state after an operation of `class` in `state`; `None` if it cannot happen there.
    #[inline]
    pub(crate) fn step(&mut self, state: StateId, class: u32) -> Option<StateId> {
        let key = (u64::from(state) << 32) | u64::from(class);
        let next = match self.steps.get(&key) {
            Some(&next) => next,
            None => {
                let next = self.space.step(state, class);
                self.space_bytes = self.space.bytes();
                self.steps.insert(key, next);
                next
            }
        };
        (next != REFUSED).then_some(next)
    }

    /// See [`Model::reach`].
    pub(crate) fn reach(&self, state: StateId) -> Option<Range<u32>> {
        self.space.reach(state)
    }

    /// Forget all states but the initial one.
    pub(crate) fn forget(&mut self) {
        self.space.forget();
        self.space_bytes = self.space.bytes();
        self.steps = FxHashMap::default();
    }

    /// Bytes in use, or about to be.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.space_bytes + growing_table_bytes(&self.steps)
    }
}

struct Typed<'a, M: Model> {
    model: M,
    classes: Vec<Seen<'a, M>>,
    states: Vec<M::State>,
    /// The first state with this hash; others follow in `twin`.
    by_hash: FxHashMap<u64, StateId>,
    twin: Vec<StateId>,
    heap: usize,
}

impl<M: Model> Typed<'_, M> {
    fn intern(&mut self, state: M::State) -> StateId {
        let hash = FxBuildHasher.hash_one(&state);
        let next = self.states.len() as StateId;
        let mut at = *self.by_hash.entry(hash).or_insert(next);
        if at != next {
            loop {
                if self.states[at as usize] == state {
                    return at;
                }
                if self.twin[at as usize] == REFUSED {
                    self.twin[at as usize] = next;
                    break;
                }
                at = self.twin[at as usize];
            }
        }
        self.heap += self.model.heap_bytes(&state);
        self.states.push(state);
        self.twin.push(REFUSED);
        next
    }
}

impl<M: Model> Space for Typed<'_, M> {
    fn step(&mut self, state: StateId, class: u32) -> StateId {
        let Seen { call, answer } = self.classes[class as usize];
        match self.model.step(&self.states[state as usize], call, answer) {
            Some(next) => self.intern(next),
            None => REFUSED,
        }
    }

    fn reach(&self, state: StateId) -> Option<Range<u32>> {
        self.model.reach(&self.states[state as usize])
    }

    fn forget(&mut self) {
        (self.states, self.by_hash, self.twin, self.heap) = Default::default();
        let init = self.model.init();
        self.intern(init);
    }

    fn bytes(&self) -> usize {
        self.heap
            + size_of_val(&*self.classes)
            + growing_vec_bytes(&self.states)
            + growing_vec_bytes(&self.twin)
            + growing_table_bytes(&self.by_hash)
    }
}

/// Bytes of a hash table of this capacity: entries, one control byte each, and the eighth it leaves free.
pub(crate) fn table_bytes<K, V>(capacity: usize) -> usize {
    capacity * (size_of::<(K, V)>() + 1) * 8 / 7
}

/// Bytes of a std B-tree: nodes have room for eleven entries, and are half full in the worst case (root apart).
pub(crate) fn tree_bytes<T>(len: usize) -> usize {
    len.div_ceil(5) * (11 * size_of::<T>() + 24)
}

/// Insertions between two looks at how much memory is in use, at most (roughly).
const BETWEEN_LOOKS: usize = 256;

/// Bytes of a table that is not asked before each insertion: one that may grow soon counts as old and new at once, as when it does.
fn growing_table_bytes<K, V>(table: &FxHashMap<K, V>) -> usize {
    let grows = table.len() + BETWEEN_LOOKS > table.capacity();
    table_bytes::<K, V>(table.capacity() * if grows { 3 } else { 1 })
}

/// The same of a vector, which grows in place where it is large.
pub(crate) fn growing_vec_bytes<T>(vec: &Vec<T>) -> usize {
    let grows = vec.len() + BETWEEN_LOOKS > vec.capacity();
    vec.capacity() * size_of::<T>() * if grows { 2 } else { 1 }
}
