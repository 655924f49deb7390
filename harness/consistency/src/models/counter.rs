//! Counters: add, read, add-and-get, one counter a key.

use std::fmt::Debug;
use std::hash::Hash;

use crate::model::Model;
use crate::model::Operation;

/// One counter per key; `K = ()` for a single one. Zero at first.
#[derive(Clone, Debug)]
pub struct Counter<K> {
    key: std::marker::PhantomData<K>,
}

impl<K> Default for Counter<K> {
    fn default() -> Self {
        Self { key: std::marker::PhantomData }
    }
}

/// What one can ask of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call<K> {
    /// Grow by this (shrink, if negative); wraps at the ends of an `i64`.
    Add(K, i64),
    /// How much?
    Read(K),
}

/// What it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Return {
    /// To an add that does not tell.
    Done,
    /// To a read: the count. To an add: the count after it.
    Count(i64),
}

impl<K: Clone + Debug + Ord + Hash> Model for Counter<K> {
    type Call = Call<K>;
    type Return = Return;
    type State = i64;
    type Key = K;
    type Value = ();

    fn init(&self) -> i64 {
        0
    }

    fn step(&self, state: &i64, call: &Self::Call, answer: Option<&Self::Return>) -> Option<i64> {
        let next = match call {
            Call::Add(_, by) => state.wrapping_add(*by),
            Call::Read(_) => *state,
        };
        let fits = match answer {
            None => true,
            Some(Return::Done) => matches!(call, Call::Add(..)),
            Some(Return::Count(count)) => *count == next,
        };
        fits.then_some(next)
    }

    fn key(&self, call: &Self::Call) -> Option<K> {
        let (Call::Add(key, _) | Call::Read(key)) = call;
        Some(key.clone())
    }

    fn is_read(&self, call: &Self::Call, _: Option<&Self::Return>) -> bool {
        matches!(call, Call::Read(_) | Call::Add(_, 0))
    }

    fn describe(&self, call: &Self::Call, answer: Option<&Self::Return>) -> String {
        let at = |key: &K| crate::words::at(key);
        let call = match call {
            Call::Add(key, by) => format!("add{} {by}", at(key)),
            Call::Read(key) => format!("read{}", at(key)),
        };
        match answer {
            Some(Return::Count(count)) => format!("{call} → {count}"),
            Some(Return::Done) | None => call,
        }
    }

    fn blame(&self, core: &[&Operation<Self>], guilty: usize) -> Option<String> {
        let op = core[guilty];
        let (Call::Read(key), Some(Return::Count(count))) = (&op.call, &op.answer) else { return None };
        let (mut least, mut most) = (0i64, 0i64);
        for add in core {
            let Call::Add(_, by) = &add.call else { continue };
            if add.precedes(op) {
                least = least.saturating_add(*by);
                most = most.saturating_add(*by);
            } else if !op.precedes(add) {
                least = least.saturating_add((*by).min(0));
                most = most.saturating_add((*by).max(0));
            }
        }
        let (who, from) = (op.process, crate::words::from(key));
        if *count < least {
            return Some(format!(
                "{who} read {count}{from}, and what had been added by then makes {least} at least"
            ));
        }
        (*count > most).then(|| {
            format!("{who} read {count}{from}, and all that can have been added makes {most} at most")
        })
    }
}
