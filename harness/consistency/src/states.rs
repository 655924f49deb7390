//! States of a model by number, and the steps between them, each taken once.

use std::hash::BuildHasher;
use std::ops::Range;

use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::model::{Model, Seen};

/// A state by its number; 0 is the initial one.
pub(crate) type StateId = u32;
/// "No such state": the call cannot return this answer here.
const REFUSED: u32 = u32::MAX;

/// Distinct calls with distinct answers ("classes"), and every state reached from the initial one.
pub(crate) struct States<'a, M: Model> {
    model: M,
    classes: Vec<Seen<'a, M>>,
    states: Vec<M::State>,
    /// The first state with this hash; others follow in `twin`.
    by_hash: FxHashMap<u64, StateId>,
    twin: Vec<StateId>,
    steps: FxHashMap<u64, StateId>,
    heap: usize,
}

impl<'a, M: Model> States<'a, M> {
    pub(crate) fn new(model: &M, classes: Vec<Seen<'a, M>>) -> Self {
        let model = model.tailored(&classes);
        let init = model.init();
        let mut states = Self {
            model,
            classes,
            states: Vec::new(),
            by_hash: FxHashMap::default(),
            twin: Vec::new(),
            steps: FxHashMap::default(),
            heap: 0,
        };
        states.intern(init);
        states
    }

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
        self.heap += self.model.heap_bytes(&state) + size_of::<M::State>() + size_of::<StateId>();
        self.states.push(state);
        self.twin.push(REFUSED);
        next
    }

    /// The state after an operation of `class` in `state`; `None` if it cannot happen there.
    #[inline]
    pub(crate) fn step(&mut self, state: StateId, class: u32) -> Option<StateId> {
        let key = (u64::from(state) << 32) | u64::from(class);
        let next = match self.steps.get(&key) {
            Some(&next) => next,
            None => {
                let Seen { call, answer } = self.classes[class as usize];
                let next = match self.model.step(&self.states[state as usize], call, answer) {
                    Some(next) => self.intern(next),
                    None => REFUSED,
                };
                self.steps.insert(key, next);
                next
            }
        };
        (next != REFUSED).then_some(next)
    }

    /// See [`Model::reach`].
    pub(crate) fn reach(&self, state: StateId) -> Option<Range<u32>> {
        self.model.reach(&self.states[state as usize])
    }

    /// Bytes in use.
    pub(crate) fn bytes(&self) -> usize {
        self.heap
            + table_bytes::<u64, StateId>(self.by_hash.capacity())
            + table_bytes::<u64, StateId>(self.steps.capacity())
    }
}

/// Bytes of a hash table of this capacity: entries, one control byte each, and the eighth it leaves free.
pub(crate) fn table_bytes<K, V>(capacity: usize) -> usize {
    capacity * (size_of::<(K, V)>() + 1) * 8 / 7
}
