//! Sets: add, remove, ask for one element or for all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::hash::Hash;

use crate::model::Operation;
use crate::model::{Model, Seen};

/// A set, empty at first. Where nobody reads all of it, every element is a part of its own.
#[derive(Clone, Debug)]
pub struct Set<V> {
    value: std::marker::PhantomData<V>,
}

impl<V> Default for Set<V> {
    fn default() -> Self {
        Self { value: std::marker::PhantomData }
    }
}

/// What one can ask of a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call<V> {
    /// Contain this.
    Add(V),
    /// Contain it no more.
    Remove(V),
    /// Do you contain it?
    Contains(V),
    /// What do you contain?
    Read,
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Return<V> {
    /// To an add or a remove that does not tell.
    Done,
    /// To an add or a remove: whether it changed the set. To a contains: yes or no.
    Was(bool),
    /// To a read.
    All(BTreeSet<V>),
}

impl<V: Clone + Debug + Ord + Hash> Model for Set<V> {
    type Call = Call<V>;
    type Return = Return<V>;
    type State = BTreeSet<V>;
    type Key = V;
    type Value = ();

    fn init(&self) -> Self::State {
        BTreeSet::new()
    }

    fn step(
        &self,
        state: &Self::State,
        call: &Self::Call,
        answer: Option<&Self::Return>,
    ) -> Option<Self::State> {
        let (next, tells) = match call {
            Call::Add(value) => {
                let mut next = state.clone();
                let new = next.insert(value.clone());
                (next, new)
            }
            Call::Remove(value) => {
                let mut next = state.clone();
                let was = next.remove(value);
                (next, was)
            }
            Call::Contains(value) => (state.clone(), state.contains(value)),
            Call::Read => {
                let same = match answer {
                    None => true,
                    Some(Return::All(all)) => all == state,
                    Some(_) => false,
                };
                return same.then(|| state.clone());
            }
        };
        let asks = matches!(call, Call::Contains(_));
        match answer {
            None => Some(next),
            Some(Return::Done) => (!asks).then_some(next),
            Some(Return::Was(told)) => (*told == tells).then_some(next),
            Some(Return::All(_)) => None,
        }
    }

    fn key(&self, call: &Self::Call) -> Option<V> {
        match call {
            Call::Add(value) | Call::Remove(value) | Call::Contains(value) => Some(value.clone()),
            Call::Read => None,
        }
    }

    fn is_read(&self, call: &Self::Call, answer: Option<&Self::Return>) -> bool {
        match call {
            Call::Contains(_) | Call::Read => true,
            Call::Add(_) | Call::Remove(_) => answer == Some(&Return::Was(false)),
        }
    }

    fn describe(&self, call: &Self::Call, answer: Option<&Self::Return>) -> String {
        let call = match call {
            Call::Add(value) => format!("add {value:?}"),
            Call::Remove(value) => format!("remove {value:?}"),
            Call::Contains(value) => format!("contains {value:?}"),
            Call::Read => "read".to_owned(),
        };
        match answer {
            None | Some(Return::Done) => call,
            Some(Return::Was(told)) => format!("{call} → {told}"),
            Some(Return::All(all)) => format!("{call} → {all:?}"),
        }
    }

    fn blame(&self, core: &[&Operation<Self>], guilty: usize) -> Option<String> {
        let read = core[guilty];
        let who = read.process;
        let has = |value: &V| match (&read.call, &read.answer) {
            (Call::Read, Some(Return::All(all))) => Some(all.contains(value)),
            (Call::Contains(asked), Some(Return::Was(told))) if asked == value => Some(*told),
            _ => None,
        };
        let adds =
            |value: &V| core.iter().filter(|op| matches!(&op.call, Call::Add(v) if v == value)).count();
        let removes = |value: &V| core.iter().any(|op| matches!(&op.call, Call::Remove(v) if v == value));
        if let Some(Return::All(all)) = &read.answer
            && let Some(value) = all.iter().find(|value| adds(value) == 0)
        {
            return Some(format!("{who} found {value:?}, and nothing ever added it"));
        }
        core.iter().find_map(|op| match &op.call {
            Call::Add(value) if op.precedes(read) && has(value) == Some(false) && !removes(value) => Some(
                format!("{who} missed {value:?} after add {value:?} had finished, and nothing removed it"),
            ),
            _ => None,
        })
    }

    /// Reads, and an element with all that was ever asked about it, if no read saw it.
    fn removable(&self, seen: &[Seen<'_, Self>]) -> Vec<Vec<usize>> {
        let mut groups = Vec::new();
        let mut elements: BTreeMap<&V, Vec<usize>> = BTreeMap::new();
        let mut shown: BTreeSet<&V> = BTreeSet::new();
        for (i, s) in seen.iter().enumerate() {
            if self.is_read(s.call, s.answer) {
                groups.push(vec![i]);
            }
            match s.call {
                Call::Add(value) | Call::Remove(value) | Call::Contains(value) => {
                    elements.entry(value).or_default().push(i);
                }
                Call::Read => {
                    if let Some(Return::All(all)) = s.answer {
                        shown.extend(all);
                    }
                }
            }
        }
        groups.extend(elements.into_iter().filter(|(value, _)| !shown.contains(value)).map(|(_, ops)| ops));
        groups
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        crate::states::tree_bytes::<V>(state.len())
    }
}
