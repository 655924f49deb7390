//! Locks with owners, one a key.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use crate::model::Operation;
use crate::model::{Model, Seen};

/// One lock per key; `K = ()` for a single one. Free at first.
#[derive(Clone, Debug)]
pub struct Mutex<K> {
    key: std::marker::PhantomData<K>,
}

impl<K> Default for Mutex<K> {
    fn default() -> Self {
        Self { key: std::marker::PhantomData }
    }
}

/// Who holds a lock: the number of a client, of its process as a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(pub u32);

/// What one can ask of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call<K> {
    /// Give it to me; may wait, or give up.
    Acquire(K, Owner),
    /// I need it no more.
    Release(K, Owner),
}

/// What it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Return {
    /// Acquired, or released.
    Done,
    /// It was not to be had (to an acquire: somebody holds it), or not there to release (the caller does not hold it).
    Refused,
}

impl<K: Clone + Debug + Ord + Hash> Model for Mutex<K> {
    type Call = Call<K>;
    type Return = Return;
    type State = Option<Owner>;
    type Key = K;
    type Value = ();

    fn init(&self) -> Self::State {
        None
    }

    fn step(
        &self,
        state: &Self::State,
        call: &Self::Call,
        answer: Option<&Self::Return>,
    ) -> Option<Self::State> {
        let (works, next) = match call {
            Call::Acquire(_, owner) => (state.is_none(), Some(*owner)),
            Call::Release(_, owner) => (*state == Some(*owner), None),
        };
        match answer {
            Some(Return::Done) => works.then_some(next),
            Some(Return::Refused) => (!works).then_some(*state),
            None => Some(if works { next } else { *state }),
        }
    }

    fn key(&self, call: &Self::Call) -> Option<K> {
        let (Call::Acquire(key, _) | Call::Release(key, _)) = call;
        Some(key.clone())
    }

    fn is_read(&self, _: &Self::Call, answer: Option<&Self::Return>) -> bool {
        answer == Some(&Return::Refused)
    }

    fn describe(&self, call: &Self::Call, answer: Option<&Self::Return>) -> String {
        let at = |key: &K| crate::words::at(key);
        let refused = if answer == Some(&Return::Refused) { " → refused" } else { "" };
        match call {
            Call::Acquire(key, owner) => format!("acquire{} for {}{refused}", at(key), owner.0),
            Call::Release(key, owner) => format!("release{} by {}{refused}", at(key), owner.0),
        }
    }

    fn blame(&self, core: &[&Operation<Self>], guilty: usize) -> Option<String> {
        let acquired =
            |op: &&&Operation<Self>| matches!(op.call, Call::Acquire(..)) && op.answer == Some(Return::Done);
        let op = core.get(guilty).filter(acquired)?;
        let other = core.iter().filter(acquired).find(|other| other.process != op.process)?;
        let (Call::Acquire(key, _) | Call::Release(key, _)) = &op.call;
        Some(format!(
            "{} acquired the lock{} while {} held it",
            op.process,
            crate::words::at(key),
            other.process
        ))
    }

    /// Refusals; where there are none, everything an owner did.
    fn removable(&self, seen: &[Seen<'_, Self>]) -> Vec<Vec<usize>> {
        let mut refusals = Vec::new();
        let mut owners: BTreeMap<Owner, Vec<usize>> = BTreeMap::new();
        for (i, s) in seen.iter().enumerate() {
            let (Call::Acquire(_, owner) | Call::Release(_, owner)) = s.call;
            match s.answer {
                Some(Return::Refused) => refusals.push(vec![i]),
                _ => owners.entry(*owner).or_default().push(i),
            }
        }
        if refusals.is_empty() { owners.into_values().collect() } else { refusals }
    }
}
