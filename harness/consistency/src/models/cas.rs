//! Registers with compare-and-set, one register a key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::hash::Hash;

use crate::model::{Access, Answer, Model, Seen};

/// One register with compare-and-set per key; `K = ()` for a single one. Holds nothing at first.
#[derive(Clone, Debug)]
pub struct CasRegister<K, V> {
    kv: std::marker::PhantomData<(K, V)>,
}

impl<K, V> Default for CasRegister<K, V> {
    fn default() -> Self {
        Self { kv: std::marker::PhantomData }
    }
}

/// What one can ask of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call<K, V> {
    /// What does it hold?
    Read(K),
    /// Hold this.
    Write(K, V),
    /// Hold `to` if you hold `from` (`None`: nothing yet).
    Cas {
        /// Which register.
        key: K,
        /// What it must hold.
        from: Option<V>,
        /// What it shall hold then.
        to: V,
    },
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Return<V> {
    /// To a read: what it holds, if anything.
    Read(Option<V>),
    /// To a write.
    Written,
    /// To a compare-and-set: whether it held `from`, and now holds `to`. `false` says that it did *not* take effect; where that is not certain,
    /// the operation has not returned.
    Swapped(bool),
}

impl<K: Clone + Debug + Ord + Hash, V: Clone + Debug + Ord + Hash> Model for CasRegister<K, V> {
    type Call = Call<K, V>;
    type Return = Return<V>;
    type State = Option<V>;
    type Key = K;
    type Value = V;

    fn init(&self) -> Self::State {
        None
    }

    fn step(&self, state: &Self::State, call: &Self::Call, answer: Option<&Self::Return>) -> Option<Self::State> {
        match (call, answer) {
            (Call::Read(_), None) => Some(state.clone()),
            (Call::Read(_), Some(Return::Read(value))) => (value == state).then(|| state.clone()),
            (Call::Write(_, value), None | Some(Return::Written)) => Some(Some(value.clone())),
            (Call::Cas { from, to, .. }, answer) => match answer {
                Some(Return::Swapped(swapped)) if *swapped != (from == state) => None,
                Some(Return::Read(_) | Return::Written) => None,
                _ if from == state => Some(Some(to.clone())),
                _ => Some(state.clone()),
            },
            _ => None,
        }
    }

    fn key(&self, call: &Self::Call) -> Option<K> {
        let (Call::Read(key) | Call::Write(key, _) | Call::Cas { key, .. }) = call;
        Some(key.clone())
    }

    fn is_read(&self, call: &Self::Call, answer: Option<&Self::Return>) -> bool {
        matches!((call, answer), (Call::Read(_), _) | (Call::Cas { .. }, Some(Return::Swapped(false))))
    }

    fn describe(&self, call: &Self::Call, answer: Option<&Self::Return>) -> String {
        let at = |key: &K| crate::explain::at(key);
        let or_nil = |value: &Option<V>| value.as_ref().map_or_else(|| "nil".to_owned(), |v| format!("{v:?}"));
        match (call, answer) {
            (Call::Read(key), Some(Return::Read(value))) => format!("read{} → {}", at(key), or_nil(value)),
            (Call::Read(key), _) => format!("read{}", at(key)),
            (Call::Write(key, value), _) => format!("write{} {value:?}", at(key)),
            (Call::Cas { key, from, to }, answer) => {
                let outcome = match answer {
                    Some(Return::Swapped(true)) => " → swapped",
                    Some(_) => " → refused",
                    None => "",
                };
                format!("cas{} {} to {to:?}{outcome}", at(key), or_nil(from))
            }
        }
    }

    fn access<'a>(&self, call: &'a Self::Call, answer: Option<&'a Self::Return>) -> Option<Access<&'a V>> {
        match (call, answer) {
            (Call::Read(_), None) => Some(Access::Read(Answer::Unknown)),
            (Call::Read(_), Some(Return::Read(None))) => Some(Access::Read(Answer::Initial)),
            (Call::Read(_), Some(Return::Read(Some(value)))) => Some(Access::Read(Answer::Value(value))),
            (Call::Write(_, value), None | Some(Return::Written)) => Some(Access::Write(value)),
            _ => None,
        }
    }

    fn removable(&self, seen: &[Seen<'_, Self>]) -> Vec<Vec<usize>> {
        let mut singles = Vec::new();
        let mut touching: BTreeMap<&V, Vec<usize>> = BTreeMap::new();
        let mut follows: BTreeMap<&V, BTreeSet<&V>> = BTreeMap::new();
        let mut refusals = false;
        for (i, s) in seen.iter().enumerate() {
            match (s.call, s.answer) {
                (Call::Write(_, value), _) => touching.entry(value).or_default().push(i),
                (Call::Read(_), answer) => {
                    singles.push(vec![i]);
                    if let Some(Return::Read(Some(value))) = answer {
                        touching.entry(value).or_default().push(i);
                    }
                }
                (Call::Cas { .. }, Some(Return::Swapped(false))) => {
                    refusals = true;
                    singles.push(vec![i]);
                }
                (Call::Cas { from, to, .. }, _) => {
                    touching.entry(to).or_default().push(i);
                    if let Some(from) = from {
                        touching.entry(from).or_default().push(i);
                        follows.entry(from).or_default().insert(to);
                    }
                }
            }
        }
        // a refused compare-and-set may owe its refusal to any value, so while there is one no value can go
        if !refusals {
            for &value in touching.keys() {
                let mut gone = BTreeSet::from([value]);
                let mut todo = vec![value];
                while let Some(value) = todo.pop() {
                    for next in follows.get(value).into_iter().flatten() {
                        if gone.insert(next) {
                            todo.push(next);
                        }
                    }
                }
                let group: BTreeSet<usize> = gone.iter().flat_map(|value| &touching[value]).copied().collect();
                singles.push(group.into_iter().collect());
            }
        }
        singles
    }
}
