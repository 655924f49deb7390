//! First-in first-out queues, one a key.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;

use crate::model::Operation;
use crate::model::{Model, Seen};

/// One queue per key; `K = ()` for a single one. Empty at first.
#[derive(Clone, Debug)]
pub struct Queue<K, V> {
    kv: std::marker::PhantomData<(K, V)>,
}

impl<K, V> Default for Queue<K, V> {
    fn default() -> Self {
        Self { kv: std::marker::PhantomData }
    }
}

/// What one can ask of a queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call<K, V> {
    /// Put this at the end.
    Enqueue(K, V),
    /// Give me the first.
    Dequeue(K),
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Return<V> {
    /// To an enqueue.
    Done,
    /// To a dequeue: the first, or nothing because it is empty.
    Got(Option<V>),
}

impl<K: Clone + Debug + Ord + Hash, V: Clone + Debug + Ord + Hash> Model for Queue<K, V> {
    type Call = Call<K, V>;
    type Return = Return<V>;
    type State = VecDeque<V>;
    type Key = K;
    type Value = ();

    fn init(&self) -> Self::State {
        VecDeque::new()
    }

    fn step(
        &self,
        state: &Self::State,
        call: &Self::Call,
        answer: Option<&Self::Return>,
    ) -> Option<Self::State> {
        match (call, answer) {
            (Call::Enqueue(_, value), None | Some(Return::Done)) => {
                let mut next = VecDeque::with_capacity(state.len() + 1);
                next.extend(state.iter().chain([value]).cloned());
                Some(next)
            }
            (Call::Dequeue(_), None) => Some(state.iter().skip(1).cloned().collect()),
            (Call::Dequeue(_), Some(Return::Got(got))) if state.front() == got.as_ref() => {
                Some(state.iter().skip(1).cloned().collect())
            }
            _ => None,
        }
    }

    fn key(&self, call: &Self::Call) -> Option<K> {
        let (Call::Enqueue(key, _) | Call::Dequeue(key)) = call;
        Some(key.clone())
    }

    fn is_read(&self, _: &Self::Call, answer: Option<&Self::Return>) -> bool {
        matches!(answer, Some(Return::Got(None)))
    }

    fn describe(&self, call: &Self::Call, answer: Option<&Self::Return>) -> String {
        let at = |key: &K| crate::words::at(key);
        match (call, answer) {
            (Call::Enqueue(key, value), _) => format!("enqueue{} {value:?}", at(key)),
            (Call::Dequeue(key), Some(Return::Got(Some(value)))) => format!("dequeue{} → {value:?}", at(key)),
            (Call::Dequeue(key), Some(_)) => format!("dequeue{} → empty", at(key)),
            (Call::Dequeue(key), None) => format!("dequeue{}", at(key)),
        }
    }

    fn blame(&self, core: &[&Operation<Self>], guilty: usize) -> Option<String> {
        let op = core[guilty];
        let (Call::Dequeue(_), Some(Return::Got(got))) = (&op.call, &op.answer) else { return None };
        let who = op.process;
        let enqueues = || {
            core.iter().filter_map(|o| if let Call::Enqueue(_, v) = &o.call { Some((o, v)) } else { None })
        };
        let Some(got) = got else {
            let (_, value) = enqueues().find(|(o, _)| o.precedes(op))?;
            return Some(format!("{who} found the queue empty, after enqueue {value:?} had finished"));
        };
        let Some((mine, _)) = enqueues().find(|(_, v)| *v == got) else {
            return Some(format!("{who} dequeued {got:?}, and nothing ever enqueued it"));
        };
        let took = |value: &V| {
            core.iter().find(|o| {
                !std::ptr::eq(**o, op) && matches!(&o.answer, Some(Return::Got(Some(v))) if v == value)
            })
        };
        if enqueues().filter(|(_, v)| *v == got).count() == 1
            && let Some(other) = took(got)
        {
            return Some(format!("{who} dequeued {got:?}, and {} did too", other.process));
        }
        if op.precedes(mine) {
            return Some(format!("{who} dequeued {got:?} before anybody had asked to enqueue it"));
        }
        let taken_by_somebody = core.iter().any(|o| o.answer.is_none() && matches!(o.call, Call::Dequeue(_)));
        enqueues().find_map(|(o, value)| {
            let Some(other) = took(value) else {
                let skipped = o.precedes(mine) && !taken_by_somebody;
                return skipped
                    .then(|| format!("{who} dequeued {got:?} before {value:?}, which was enqueued earlier"));
            };
            if mine.precedes(o) && other.precedes(op) {
                Some(format!(
                    "{who} dequeued {got:?} after {} had dequeued {value:?}, which was enqueued later",
                    other.process
                ))
            } else if o.precedes(mine) && op.precedes(other) {
                Some(format!("{who} dequeued {got:?} before {value:?}, which was enqueued earlier"))
            } else {
                None
            }
        })
    }

    /// Dequeues from an empty queue, and a value with whoever enqueued and got it.
    fn removable(&self, seen: &[Seen<'_, Self>]) -> Vec<Vec<usize>> {
        let mut groups = Vec::new();
        let mut values: BTreeMap<&V, Vec<usize>> = BTreeMap::new();
        for (i, s) in seen.iter().enumerate() {
            match (s.call, s.answer) {
                (Call::Enqueue(_, value), _) | (Call::Dequeue(_), Some(Return::Got(Some(value)))) => {
                    values.entry(value).or_default().push(i);
                }
                (Call::Dequeue(_), Some(_)) => groups.push(vec![i]),
                (Call::Dequeue(_), None) => {}
            }
        }
        groups.extend(values.into_values());
        groups
    }

    fn heap_bytes(&self, state: &Self::State) -> usize {
        state.capacity() * size_of::<V>()
    }
}
