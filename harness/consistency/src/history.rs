//! What clients saw: operations with their process, their call, and their answer if one came.

use std::collections::BTreeMap;
use std::sync::Arc;

pub use crate::model::Operation;
use crate::model::{Access, Answer, Model};
pub(crate) use crate::operations::NEVER;
pub use crate::operations::{OpId, Process};
use crate::words;

/// An operation with its times, for [`History::from_timed`].
#[derive(Clone, Debug)]
pub struct Timed<M: Model> {
    /// Who called.
    pub process: Process,
    /// When it was invoked, in any unit that all operations of the history share.
    pub invoked_at: u64,
    /// What was asked for.
    pub call: M::Call,
    /// When it returned and what came back; `None` if it never did.
    pub returned: Option<(u64, M::Return)>,
}

/// Why a list of timed operations is no history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// An operation returned before it was invoked.
    #[error(
        "operation {index} of {process} returned at {returned_at}, before it was invoked at {invoked_at}"
    )]
    ReturnedBeforeInvoked {
        /// Place of the operation in the list given.
        index: usize,
        /// Who called it.
        process: Process,
        /// As given.
        invoked_at: u64,
        /// As given.
        returned_at: u64,
    },
}

/// Operations on one object (or one store of many keys), in the order of their invocation.
///
/// What counts is the *order of events*: an operation precedes another when its return was recorded before the other's invocation. Times are
/// kept for people to read (and for [`stale`](crate::stale::within)).
///
/// ```
/// use consistency::{History, Process, models::register::{Call, Register, Return}};
///
/// let mut history = History::new(Register::<(), u64>::default());
/// let write = history.invoke(Process(1), 10, Call::Write((), 5));
/// let read = history.invoke(Process(2), 12, Call::Read(()));
/// history.returned(read, 14, Return::Read(Some(5)));
/// // the write never returned: it happened all the same, as the read shows
/// assert!(history[write].answer.is_none());
/// ```
#[derive(Clone, Debug)]
pub struct History<M: Model> {
    model: M,
    operations: Vec<Operation<M>>,
    events: u32,
    now: u64,
    settled_rank: Option<u32>,
    names: Arc<BTreeMap<Process, String>>,
}

impl<M: Model> History<M> {
    /// A history with no operation yet.
    pub fn new(model: M) -> Self {
        let names = Arc::default();
        Self { model, operations: Vec::new(), events: 0, now: 0, settled_rank: None, names }
    }

    fn event(&mut self, at: u64) -> u32 {
        assert!(
            at >= self.now,
            "events are recorded in the order they happen: {at} comes after {}",
            self.now
        );
        self.now = at;
        let rank = self.events;
        self.events += 1;
        assert!(self.events < NEVER, "a history has fewer than 2^32 events");
        rank
    }

    /// `process` calls.
    ///
    /// # Panics
    /// If `at` lies before the event recorded last: recorders report events in the order they happen.
    pub fn invoke(&mut self, process: Process, at: u64, call: M::Call) -> OpId {
        let call_rank = self.event(at);
        self.operations.push(Operation {
            process,
            call,
            answer: None,
            invoked_at: at,
            returned_at: None,
            call_rank,
            ret_rank: NEVER,
        });
        OpId::of(self.operations.len() - 1)
    }

    /// The operation returns `answer`. One that is refused *for certain* (it will never take effect) should not be in the history at all; one
    /// whose outcome is unknown never returns.
    ///
    /// # Panics
    /// If it has returned before, or `at` lies before the event recorded last.
    pub fn returned(&mut self, id: OpId, at: u64, answer: M::Return) {
        let rank = self.event(at);
        let operation = &mut self.operations[id.index()];
        assert!(operation.answer.is_none(), "an operation returns once");
        operation.answer = Some(answer);
        operation.returned_at = Some(at);
        operation.ret_rank = rank;
    }

    /// From now on nothing is in flight and nothing is lost any more: every replica has what it will ever have. Reads invoked from here on are
    /// the ones [`convergent`](crate::convergent::convergent) compares. The last call counts.
    pub fn settle(&mut self) {
        self.settled_rank = Some(self.events);
    }

    /// The same, at the moment before this operation was invoked: it and what was invoked later is compared.
    pub fn settle_before(&mut self, id: OpId) {
        self.settled_rank = Some(self.operations[id.index()].call_rank);
    }

    /// A history from intervals of time. Events of one instant are taken to be concurrent as far as the order of each process's own
    /// operations (as listed) allows: ties never convict.
    ///
    /// # Errors
    /// If an operation returns before it is invoked.
    pub fn from_timed(model: M, timed: Vec<Timed<M>>) -> Result<Self, HistoryError> {
        for (index, t) in timed.iter().enumerate() {
            if let Some((returned_at, _)) = t.returned
                && returned_at < t.invoked_at
            {
                let (process, invoked_at) = (t.process, t.invoked_at);
                return Err(HistoryError::ReturnedBeforeInvoked { index, process, invoked_at, returned_at });
            }
        }
        let mut history = Self::new(model);
        let order = ties::order(timed.iter().map(|t| ties::Span {
            process: t.process,
            invoked_at: t.invoked_at,
            returned_at: t.returned.as_ref().map(|r| r.0),
        }));
        let mut timed: Vec<Option<Timed<M>>> = timed.into_iter().map(Some).collect();
        let mut open: Vec<Option<(OpId, u64, M::Return)>> = timed.iter().map(|_| None).collect();
        for event in order {
            match event {
                ties::Event::Call(i) => {
                    let t = timed[i].take().expect("each operation is invoked once");
                    let id = history.invoke(t.process, t.invoked_at, t.call);
                    open[i] = t.returned.map(|(at, answer)| (id, at, answer));
                }
                ties::Event::Return(i) => {
                    let (id, at, answer) = open[i].take().expect("an operation is invoked before it returns");
                    history.returned(id, at, answer);
                }
            }
        }
        Ok(history)
    }

    /// The model all operations belong to.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// All operations in the order of invocation; [`OpId`] is the index.
    pub fn operations(&self) -> &[Operation<M>] {
        &self.operations
    }

    /// Operations with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (OpId, &Operation<M>)> {
        self.operations.iter().enumerate().map(|(i, op)| (OpId::of(i), op))
    }

    /// Operations by the part of the object they are for, all together if any looks at the whole.
    pub(crate) fn parts(&self) -> Vec<Vec<OpId>> {
        let mut parts: BTreeMap<Option<M::Key>, Vec<OpId>> = BTreeMap::new();
        for (id, op) in self.iter() {
            match self.model().key(&op.call) {
                Some(key) => parts.entry(Some(key)).or_default().push(id),
                None => return vec![self.iter().map(|(id, _)| id).collect()],
            }
        }
        parts.into_values().collect()
    }

    /// Number of operations.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// No operation at all.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    pub(crate) fn settled_rank(&self) -> Option<u32> {
        self.settled_rank
    }

    /// The history of these operations alone, same order. Ids are new: `ids` sorted, position by position.
    pub fn restrict(&self, ids: &[OpId]) -> Self {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        Self {
            model: self.model.clone(),
            operations: ids.iter().map(|id| self.operations[id.index()].clone()).collect(),
            events: self.events,
            now: self.now,
            settled_rank: self.settled_rank,
            names: self.names.clone(),
        }
    }

    /// The history as it stood right after the event at `rank`: what returned later had not returned.
    pub(crate) fn cut(&self, rank: u32) -> Self {
        let mut cut = self.clone();
        for op in &mut cut.operations {
            if op.ret_rank > rank {
                op.ret_rank = NEVER;
                op.answer = None;
                op.returned_at = None;
            }
        }
        cut
    }

    /// The same history under another model, operation by operation; `None` from `translate` (call, answer) for the whole history to be refused:
    /// a key-value history without appends as one of registers, say.
    pub fn translate<N: Model>(
        &self,
        model: N,
        mut translate: impl FnMut(&M::Call, Option<&M::Return>) -> Option<(N::Call, Option<N::Return>)>,
    ) -> Option<History<N>> {
        let mut operations = Vec::with_capacity(self.len());
        for op in &self.operations {
            let (call, answer) = translate(&op.call, op.answer.as_ref())?;
            if answer.is_some() != op.answer.is_some() {
                return None;
            }
            operations.push(Operation {
                process: op.process,
                call,
                answer,
                invoked_at: op.invoked_at,
                returned_at: op.returned_at,
                call_rank: op.call_rank,
                ret_rank: op.ret_rank,
            });
        }
        Some(History {
            model,
            operations,
            events: self.events,
            now: self.now,
            settled_rank: self.settled_rank,
            names: self.names.clone(),
        })
    }

    /// One operation in words: `p3: read → 5`.
    pub fn describe(&self, id: OpId) -> String {
        let op = &self[id];
        format!("{}: {}", op.process, self.model.describe(&op.call, op.answer.as_ref()))
    }

    /// What the process of a plain read or write did, for after its name: `read 5 from x`, `read nothing`, `wrote 5 to x`; and `asked to write 5 to x`
    /// where it never returned. Of other calls, as the model describes them.
    pub fn did(&self, id: OpId) -> String {
        let op = &self[id];
        let key = self.model.key(&op.call);
        let at = |preposition: &str| match key.as_ref().map_or_else(String::new, words::at) {
            key if key.is_empty() => key,
            key => format!(" {preposition}{key}"),
        };
        match (self.model.access(&op.call, op.answer.as_ref()), &op.answer) {
            (Some(Access::Read(Answer::Value(value))), _) => format!("read {value:?}{}", at("from")),
            (Some(Access::Read(Answer::Initial)), _) => format!("read nothing{}", at("from")),
            (Some(Access::Read(Answer::Unknown)), _) => format!("asked to read{}", at("from")),
            (Some(Access::Write(value)), Some(_)) => format!("wrote {value:?}{}", at("to")),
            (Some(Access::Write(value)), None) => format!("asked to write {value:?}{}", at("to")),
            (None, answer) => self.model.describe(&op.call, answer.as_ref()),
        }
    }

    /// The same of what the process asked for, whatever came back: `asked to read from x`, `asked to write 5 to x`.
    pub fn asked(&self, id: OpId) -> String {
        let op = &self[id];
        let key = self.model.key(&op.call);
        let at = |preposition: &str| match key.as_ref().map_or_else(String::new, words::at) {
            key if key.is_empty() => key,
            key => format!(" {preposition}{key}"),
        };
        match self.model.access(&op.call, None) {
            Some(Access::Read(_)) => format!("asked to read{}", at("from")),
            Some(Access::Write(value)) => format!("asked to write {value:?}{}", at("to")),
            None => self.model.describe(&op.call, None),
        }
    }

    /// From now on sentences of violations, and pictures, say `name` in place of `p3`: `the client of n2`, say.
    pub fn name(&mut self, process: Process, name: impl Into<String>) {
        Arc::make_mut(&mut self.names).insert(process, name.into());
    }

    /// The name of a process: its own, or `p3`.
    pub fn who(&self, process: Process) -> String {
        self.names.get(&process).cloned().unwrap_or_else(|| process.to_string())
    }

    /// A sentence about processes, `p3` replaced by its name wherever it stands as a word of its own.
    pub(crate) fn with_names(&self, sentence: String) -> String {
        if self.names.is_empty() {
            return sentence;
        }
        let is_word = |c: char| c.is_alphanumeric() || "_\"'".contains(c);
        let mut told = String::with_capacity(sentence.len());
        let mut rest = sentence.as_str();
        while let Some(start) = rest.find(is_word) {
            let (between, word) = rest.split_at(start);
            let (word, after) = word.split_at(word.find(|c| !is_word(c)).unwrap_or(word.len()));
            let process = word.strip_prefix('p').and_then(|number| number.parse().ok()).map(Process);
            told.push_str(between);
            told.push_str(process.and_then(|process| self.names.get(&process)).map_or(word, String::as_str));
            rest = after;
        }
        told.push_str(rest);
        told
    }
}

impl<M: Model> std::ops::Index<OpId> for History<M> {
    type Output = Operation<M>;

    fn index(&self, id: OpId) -> &Operation<M> {
        &self.operations[id.index()]
    }
}

/// Events of one instant, put in an order that convicts nobody.
mod ties {
    use std::collections::{BTreeMap, VecDeque};

    use super::Process;

    #[derive(Clone, Copy)]
    pub(super) struct Span {
        pub(super) process: Process,
        pub(super) invoked_at: u64,
        pub(super) returned_at: Option<u64>,
    }

    #[derive(Clone, Copy)]
    pub(super) enum Event {
        Call(usize),
        Return(usize),
    }

    /// At each instant: every call that can come, then every return that can, again until the instant is over. A process's own events keep the
    /// order of the list, except that an operation which spans the instant's edge is independent of those inside.
    pub(super) fn order(timed: impl Iterator<Item = Span>) -> Vec<Event> {
        of(&timed.collect::<Vec<_>>())
    }

    fn of(timed: &[Span]) -> Vec<Event> {
        let mut instants: BTreeMap<u64, BTreeMap<u32, VecDeque<Event>>> = BTreeMap::new();
        let mut add = |at: u64, process: u32, event| {
            instants.entry(at).or_default().entry(process).or_default().push_back(event);
        };
        // returns of operations that were open before the instant come first in the process's queue
        for (i, t) in timed.iter().enumerate() {
            if let Some(at) = t.returned_at
                && at > t.invoked_at
            {
                add(at, t.process.0, Event::Return(i));
            }
        }
        for (i, t) in timed.iter().enumerate() {
            add(t.invoked_at, t.process.0, Event::Call(i));
            if let Some(at) = t.returned_at
                && at == t.invoked_at
            {
                add(at, t.process.0, Event::Return(i));
            }
        }
        let mut order = Vec::with_capacity(timed.len() * 2);
        for (_, mut queues) in instants {
            while queues.values().any(|q| !q.is_empty()) {
                for queue in queues.values_mut() {
                    while let Some(&call @ Event::Call(_)) = queue.front() {
                        order.push(call);
                        queue.pop_front();
                    }
                }
                for queue in queues.values_mut() {
                    while let Some(&ret @ Event::Return(_)) = queue.front() {
                        order.push(ret);
                        queue.pop_front();
                    }
                }
            }
        }
        order
    }
}
