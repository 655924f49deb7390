//! Registers with compare-and-set, one register a key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use crate::model::Operation;
use crate::model::{Access, Answer, Effect, Model, Needs, Seen};

/// One register with compare-and-set per key; `K = ()` for a single one. Holds nothing at first.
#[derive(Clone, Debug)]
pub struct CasRegister<K, V> {
    key: std::marker::PhantomData<K>,
    /// The values that anybody reads or compares with; all, if `None`.
    told: Option<Arc<BTreeSet<V>>>,
}

impl<K, V> Default for CasRegister<K, V> {
    fn default() -> Self {
        Self { key: std::marker::PhantomData, told: None }
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

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State<V> {
    /// Nothing yet.
    Nothing,
    /// This.
    Holds(V),
    /// Something that nobody reads or compares with. Only in tailored models.
    Other,
}

impl<V: Clone + Ord> State<V> {
    fn is(&self, value: Option<&V>) -> bool {
        match self {
            Self::Nothing => value.is_none(),
            Self::Holds(held) => value == Some(held),
            Self::Other => false,
        }
    }
}

impl<K, V: Clone + Ord> CasRegister<K, V> {
    fn holding(&self, value: &V) -> State<V> {
        match &self.told {
            Some(told) if !told.contains(value) => State::Other,
            _ => State::Holds(value.clone()),
        }
    }
}

impl<K: Clone + Debug + Ord + Hash, V: Clone + Debug + Ord + Hash> Model for CasRegister<K, V> {
    type Call = Call<K, V>;
    type Return = Return<V>;
    type State = State<V>;
    type Key = K;
    type Value = V;

    fn init(&self) -> State<V> {
        State::Nothing
    }

    fn step(&self, state: &State<V>, call: &Self::Call, answer: Option<&Self::Return>) -> Option<State<V>> {
        match (call, answer) {
            (Call::Read(_), None) => Some(state.clone()),
            (Call::Read(_), Some(Return::Read(value))) => state.is(value.as_ref()).then(|| state.clone()),
            (Call::Write(_, value), None | Some(Return::Written)) => Some(self.holding(value)),
            (Call::Cas { from, to, .. }, answer) => match (answer, state.is(from.as_ref())) {
                (Some(Return::Read(_) | Return::Written), _) => None,
                (Some(Return::Swapped(told)), swaps) if *told != swaps => None,
                (_, true) => Some(self.holding(to)),
                (_, false) => Some(state.clone()),
            },
            _ => None,
        }
    }

    fn tailored(&self, seen: &[Seen<'_, Self>]) -> Self {
        let told = seen.iter().filter_map(|s| match (s.call, s.answer) {
            (Call::Cas { from, .. }, _) => from.clone(),
            (_, Some(Return::Read(value))) => value.clone(),
            _ => None,
        });
        Self { key: self.key, told: Some(Arc::new(told.collect())) }
    }

    fn key(&self, call: &Self::Call) -> Option<K> {
        let (Call::Read(key) | Call::Write(key, _) | Call::Cas { key, .. }) = call;
        Some(key.clone())
    }

    fn is_read(&self, call: &Self::Call, answer: Option<&Self::Return>) -> bool {
        match call {
            Call::Read(_) => true,
            Call::Write(..) => false,
            Call::Cas { from, to, .. } => {
                answer == Some(&Return::Swapped(false)) || from.as_ref() == Some(to)
            }
        }
    }

    fn describe(&self, call: &Self::Call, answer: Option<&Self::Return>) -> String {
        let at = |key: &K| crate::words::at(key);
        let or_nil =
            |value: &Option<V>| value.as_ref().map_or_else(|| "nil".to_owned(), |v| format!("{v:?}"));
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

    fn effect<'a>(&self, call: &'a Self::Call, answer: Option<&'a Self::Return>) -> Option<Effect<&'a V>> {
        let of = |value: &'a Option<V>| value.as_ref().map_or(Needs::Initial, Needs::Value);
        Some(match (call, answer) {
            (Call::Read(_), Some(Return::Read(value))) => {
                Effect { makes: None, resets: false, needs: of(value) }
            }
            (Call::Read(_), _) => Effect { makes: None, resets: false, needs: Needs::Nothing },
            (Call::Write(_, value), _) => Effect { makes: Some(value), resets: true, needs: Needs::Nothing },
            (Call::Cas { .. }, Some(Return::Swapped(false))) => {
                Effect { makes: None, resets: false, needs: Needs::Anything }
            }
            (Call::Cas { from, to, .. }, answer) => {
                let makes = (from.as_ref() != Some(to)).then_some(to);
                let needs = if makes.is_none() && answer.is_none() { Needs::Nothing } else { of(from) };
                Effect { makes, resets: false, needs }
            }
        })
    }

    fn blame(&self, core: &[&Operation<Self>], guilty: usize) -> Option<String> {
        let swapped_from = |op: &Operation<Self>| match (&op.call, &op.answer) {
            (Call::Cas { from: Some(from), to, .. }, Some(Return::Swapped(true))) if from != to => {
                Some(from.clone())
            }
            _ => None,
        };
        let op = core[guilty];
        let from = swapped_from(op)?;
        let makers = core
            .iter()
            .filter(|o| self.effect(&o.call, o.answer.as_ref()).is_some_and(|e| e.makes == Some(&from)));
        let other =
            core.iter().find(|o| !std::ptr::eq(**o, op) && swapped_from(o).as_ref() == Some(&from))?;
        (makers.count() == 1).then(|| {
            format!("{} and {} both swapped {from:?}, which was written once", other.process, op.process)
        })
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
                    if from.as_ref() == Some(to) {
                        singles.push(vec![i]);
                    } else if let Some(from) = from {
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
                let group: BTreeSet<usize> =
                    gone.iter().flat_map(|value| &touching[value]).copied().collect();
                singles.push(group.into_iter().collect());
            }
        }
        singles
    }
}
