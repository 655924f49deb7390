//! A store of many keys whose operations are transactions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::hash::Hash;

use crate::model::{Model, Seen};

/// A transactional store. Keys hold nothing at first.
///
/// One operation of the history is one transaction, its reads with what they saw included: these are known even where the outcome is not. With this
/// model, [`sequential`](crate::sequential()) is serializability (with the order of sessions) and [`linearizable`](crate::linearizable()) strict
/// serializability; [`transactions`](crate::transactions) has the levels below.
#[derive(Clone, Debug)]
pub struct Store<K, V> {
    kv: std::marker::PhantomData<(K, V)>,
}

impl<K, V> Default for Store<K, V> {
    fn default() -> Self {
        Self { kv: std::marker::PhantomData }
    }
}

/// A transaction: what it did, in order.
pub type Call<K, V> = Vec<Event<K, V>>;

/// One step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event<K, V> {
    /// It read this (`None`: nothing).
    Read(K, Option<V>),
    /// It wrote this.
    Write(K, V),
}

/// How a transaction ended, where that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Return {
    /// All of it happened.
    Committed,
    /// None of it did.
    Aborted,
}

impl<K: Clone + Debug + Ord + Hash, V: Clone + Debug + Ord + Hash> Model for Store<K, V> {
    type Call = Call<K, V>;
    type Return = Return;
    type State = BTreeMap<K, V>;
    type Key = ();
    type Value = ();

    fn init(&self) -> Self::State {
        BTreeMap::new()
    }

    fn step(&self, state: &Self::State, call: &Self::Call, answer: Option<&Return>) -> Option<Self::State> {
        let mut next = state.clone();
        if answer == Some(&Return::Aborted) {
            return Some(next);
        }
        for event in call {
            match event {
                Event::Read(key, value) if next.get(key) != value.as_ref() => return None,
                Event::Read(..) => {}
                Event::Write(key, value) => {
                    next.insert(key.clone(), value.clone());
                }
            }
        }
        Some(next)
    }

    fn key(&self, _: &Self::Call) -> Option<()> {
        None
    }

    fn is_read(&self, call: &Self::Call, answer: Option<&Return>) -> bool {
        answer == Some(&Return::Aborted) || call.iter().all(|event| matches!(event, Event::Read(..)))
    }

    fn describe(&self, call: &Self::Call, answer: Option<&Return>) -> String {
        let event = |event: &Event<K, V>| match event {
            Event::Read(key, None) => format!("read{} → nil", crate::words::at(key)),
            Event::Read(key, Some(value)) => format!("read{} → {value:?}", crate::words::at(key)),
            Event::Write(key, value) => format!("write{} {value:?}", crate::words::at(key)),
        };
        let events: Vec<String> = call.iter().map(event).collect();
        let aborted = if answer == Some(&Return::Aborted) { ", aborted" } else { "" };
        format!("[{}]{aborted}", events.join(", "))
    }

    /// A transaction with all that read from it, and from them.
    fn removable(&self, seen: &[Seen<'_, Self>]) -> Vec<Vec<usize>> {
        let mut readers: BTreeMap<(&K, &V), Vec<usize>> = BTreeMap::new();
        for (i, s) in seen.iter().enumerate() {
            for event in s.call {
                if let Event::Read(key, Some(value)) = event {
                    readers.entry((key, value)).or_default().push(i);
                }
            }
        }
        let group = |i: usize| {
            let mut gone = BTreeSet::from([i]);
            let mut todo = vec![i];
            while let Some(i) = todo.pop() {
                for event in seen[i].call {
                    let Event::Write(key, value) = event else { continue };
                    let news = readers.get(&(key, value)).into_iter().flatten();
                    todo.extend(news.copied().filter(|&reader| gone.insert(reader)));
                }
            }
            gone.into_iter().collect()
        };
        (0..seen.len()).map(group).collect()
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        crate::states::tree_bytes::<(K, V)>(state.len())
    }
}
