//! Registers: read and write, one register a key.
//!
//! The model that every checker here knows. Keep written values unique (per key) and all of them are polynomial, sequential consistency apart.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use crate::model::{Access, Answer, Effect, Model, Needs, Seen};

/// One register per key; `K = ()` for a single one. Holds nothing at first.
#[derive(Clone, Debug)]
pub struct Register<K, V> {
    initial: Option<V>,
    key: std::marker::PhantomData<K>,
}

impl<K, V> Default for Register<K, V> {
    fn default() -> Self {
        Self { initial: None, key: std::marker::PhantomData }
    }
}

impl<K, V> Register<K, V> {
    /// Registers that hold `value` at first.
    pub fn holding(value: V) -> Self {
        Self { initial: Some(value), key: std::marker::PhantomData }
    }
}

/// What one can ask of a register.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call<K, V> {
    /// What does it hold?
    Read(K),
    /// Hold this.
    Write(K, V),
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Return<V> {
    /// To a read: what it holds, if anything.
    Read(Option<V>),
    /// To a write.
    Written,
}

impl<K: Clone + Debug + Ord + Hash, V: Clone + Debug + Ord + Hash> Model for Register<K, V> {
    type Call = Call<K, V>;
    type Return = Return<V>;
    type State = Option<V>;
    type Key = K;
    type Value = V;

    fn init(&self) -> Self::State {
        self.initial.clone()
    }

    fn step(
        &self,
        state: &Self::State,
        call: &Self::Call,
        answer: Option<&Self::Return>,
    ) -> Option<Self::State> {
        match (call, answer) {
            (Call::Read(_), None) => Some(state.clone()),
            (Call::Read(_), Some(Return::Read(value))) => (value == state).then(|| state.clone()),
            (Call::Write(_, value), None | Some(Return::Written)) => Some(Some(value.clone())),
            _ => None,
        }
    }

    fn key(&self, call: &Self::Call) -> Option<K> {
        let (Call::Read(key) | Call::Write(key, _)) = call;
        Some(key.clone())
    }

    fn is_read(&self, call: &Self::Call, _: Option<&Self::Return>) -> bool {
        matches!(call, Call::Read(_))
    }

    fn describe(&self, call: &Self::Call, answer: Option<&Self::Return>) -> String {
        let at = |key: &K| crate::words::at(key);
        match (call, answer) {
            (Call::Read(key), None) => format!("read{}", at(key)),
            (Call::Read(key), Some(Return::Read(None))) => format!("read{} → nil", at(key)),
            (Call::Read(key), Some(Return::Read(Some(value)))) => format!("read{} → {value:?}", at(key)),
            (Call::Write(key, value), _) => format!("write{} {value:?}", at(key)),
            (call, answer) => format!("{call:?} → {answer:?}"),
        }
    }

    fn access<'a>(&self, call: &'a Self::Call, answer: Option<&'a Self::Return>) -> Option<Access<&'a V>> {
        match (call, answer) {
            (Call::Read(_), None) => Some(Access::Read(Answer::Unknown)),
            (Call::Read(_), Some(Return::Read(value))) if *value == self.initial => {
                Some(Access::Read(Answer::Initial))
            }
            (Call::Read(_), Some(Return::Read(Some(value)))) => Some(Access::Read(Answer::Value(value))),
            (Call::Write(_, value), None | Some(Return::Written)) if self.initial.as_ref() != Some(value) => {
                Some(Access::Write(value))
            }
            // a read of nothing where there was something, a write of what was there before, an answer to another question
            _ => None,
        }
    }

    fn effect<'a>(&self, call: &'a Self::Call, answer: Option<&'a Self::Return>) -> Option<Effect<&'a V>> {
        let needs = match answer {
            Some(Return::Read(value)) if *value == self.initial => Needs::Initial,
            Some(Return::Read(Some(value))) => Needs::Value(value),
            _ => Needs::Nothing,
        };
        Some(match call {
            Call::Write(_, value) if self.initial.as_ref() == Some(value) => return None,
            Call::Read(_) => Effect { makes: None, resets: false, needs },
            Call::Write(_, value) => Effect { makes: Some(value), resets: true, needs },
        })
    }

    fn removable(&self, seen: &[Seen<'_, Self>]) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<&V, Vec<usize>> = BTreeMap::new();
        let mut singles = Vec::new();
        for (i, s) in seen.iter().enumerate() {
            match (s.call, s.answer) {
                (Call::Write(_, value), _) => groups.entry(value).or_default().push(i),
                (Call::Read(_), answer) => {
                    singles.push(vec![i]);
                    if let Some(Return::Read(Some(value))) = answer {
                        groups.entry(value).or_default().push(i);
                    }
                }
            }
        }
        // without the initial value's reads a write of it could be missed: keep those together with nothing
        if let Some(initial) = &self.initial {
            groups.remove(initial);
        }
        groups.into_values().chain(singles).collect()
    }
}
