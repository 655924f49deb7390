//! What operations do to values, the values by number: what looks at these is compiled once, not once a model.

use std::collections::BTreeMap;

use crate::history::{History, OpId};
use crate::model::{Access, Answer, Effect, Model, Needs};

/// Numbers from 0, in the order of appearance.
pub(crate) struct Numbers<T>(BTreeMap<T, u32>);

impl<T: Ord> Numbers<T> {
    pub(crate) fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(crate) fn of(&mut self, named: T) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(named).or_insert(next)
    }
}

impl<V> Access<V> {
    pub(crate) fn map<W>(self, number: impl FnOnce(V) -> W) -> Access<W> {
        match self {
            Self::Write(value) => Access::Write(number(value)),
            Self::Read(Answer::Value(value)) => Access::Read(Answer::Value(number(value))),
            Self::Read(Answer::Initial) => Access::Read(Answer::Initial),
            Self::Read(Answer::Unknown) => Access::Read(Answer::Unknown),
        }
    }
}

impl<V> Effect<V> {
    pub(crate) fn map<W>(self, mut number: impl FnMut(V) -> W) -> Effect<W> {
        Effect {
            makes: self.makes.map(&mut number),
            resets: self.resets,
            needs: match self.needs {
                Needs::Nothing => Needs::Nothing,
                Needs::Initial => Needs::Initial,
                Needs::Value(value) => Needs::Value(number(value)),
                Needs::Anything => Needs::Anything,
            },
        }
    }
}

/// An operation, and what it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Did<T> {
    pub(crate) id: OpId,
    pub(crate) call: u32,
    pub(crate) ret: u32,
    pub(crate) what: T,
}

/// The operations of one part as reads and writes, if they are all that.
pub(crate) fn accesses<M: Model>(history: &History<M>, part: &[OpId]) -> Option<Vec<Did<Access<u32>>>> {
    let mut numbers = Numbers::new();
    let did = |&id: &OpId| {
        let op = &history[id];
        let access = history.model().access(&op.call, op.answer.as_ref())?;
        Some(Did { id, call: op.call_rank, ret: op.ret_rank, what: access.map(|value| numbers.of(value)) })
    };
    part.iter().map(did).collect()
}

/// The operations of one part by their effect, if they all have one.
pub(crate) fn effects<M: Model>(history: &History<M>, part: &[OpId]) -> Option<Vec<Did<Effect<u32>>>> {
    let mut numbers = Numbers::new();
    let did = |&id: &OpId| {
        let op = &history[id];
        let effect = history.model().effect(&op.call, op.answer.as_ref())?;
        Some(Did { id, call: op.call_rank, ret: op.ret_rank, what: effect.map(|value| numbers.of(value)) })
    };
    part.iter().map(did).collect()
}
