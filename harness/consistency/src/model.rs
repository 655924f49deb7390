//! What an object promises when its operations come one at a time.

use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::ops::Range;

use crate::operations::Process;

/// A call seen as a plain read or write, for the checkers that know registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access<V> {
    /// A read that returned a value (`None`: the initial one, nothing written yet), or a read that never returned.
    Read(Answer<V>),
    /// A blind write.
    Write(V),
}

/// What a read returned, if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<V> {
    /// It never returned.
    Unknown,
    /// It returned the initial value.
    Initial,
    /// It returned a value that somebody wrote.
    Value(V),
}

/// What a call does to the one value of its part, for models that hold one value at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect<V> {
    /// The value (or piece of one) that it may leave behind.
    pub makes: Option<V>,
    /// Whether nothing of what was there before is left, for certain.
    pub resets: bool,
    /// What must have been there.
    pub needs: Needs<V>,
}

/// What an operation depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs<V> {
    /// It can happen anywhere, in the same way.
    Nothing,
    /// It sees that nothing was ever there, or acts on that.
    Initial,
    /// It sees this value, or acts on it.
    Value(V),
    /// It may depend on whatever is there.
    Anything,
}

/// See [`Model::shows`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shows {
    /// What the operation must find.
    pub needs: Option<u32>,
    /// What may be found after it that could not be reached before.
    pub starts: Range<u32>,
}

/// A call and what came back, without who and when.
#[derive(Debug)]
pub struct Seen<'a, M: Model> {
    /// What was asked for.
    pub call: &'a M::Call,
    /// What came back, if anything did.
    pub answer: Option<&'a M::Return>,
}

impl<M: Model> Clone for Seen<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Model> Copy for Seen<'_, M> {}

impl<M: Model> PartialEq for Seen<'_, M> {
    fn eq(&self, other: &Self) -> bool {
        self.call == other.call && self.answer == other.answer
    }
}

impl<M: Model> Eq for Seen<'_, M> {}

impl<M: Model> Hash for Seen<'_, M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.call.hash(state);
        self.answer.hash(state);
    }
}

/// A sequential specification: the object's behaviour when operations come one at a time (Herlihy & Wing 1990, §2).
///
/// A model describes *one part* of an object that is independent of all others: one key of a store. [`Model::key`] says which part a call is for,
/// and checkers for local properties (linearizability is one: Herlihy & Wing 1990, §3.1 Theorem 1) look at the parts one by one; the rest
/// take the product.
pub trait Model: Clone + Debug {
    /// What a client asks for.
    type Call: Clone + Debug + Eq + Hash;
    /// What it gets.
    type Return: Clone + Debug + Eq + Hash;
    /// The state of one part.
    type State: Clone + Eq + Hash;
    /// Names the parts; `()` where there is only one.
    type Key: Clone + Debug + Ord;
    /// What a register holds, for models whose calls are (sometimes) plain reads and writes; `()` otherwise.
    type Value: Clone + Debug + Ord;

    /// The state of every part in the beginning.
    fn init(&self) -> Self::State;

    /// The state after `call`, if it can return `answer` in `state`; `None` if it cannot. Without an answer (it never returned) any will do.
    fn step(
        &self,
        state: &Self::State,
        call: &Self::Call,
        answer: Option<&Self::Return>,
    ) -> Option<Self::State>;

    /// The one part that `call` reads or writes; `None` if it looks at all of them, which makes the whole history one part.
    fn key(&self, call: &Self::Call) -> Option<Self::Key>;

    /// Whether a call with this answer *never* changes the state, in whatever state it is made. Saying no is always right, only slower.
    fn is_read(&self, call: &Self::Call, answer: Option<&Self::Return>) -> bool;

    /// In words, as in `write 5` or `read → 5`.
    fn describe(&self, call: &Self::Call, answer: Option<&Self::Return>) -> String;

    /// The call as a plain read or write, if it is one.
    fn access<'a>(
        &self,
        call: &'a Self::Call,
        answer: Option<&'a Self::Return>,
    ) -> Option<Access<&'a Self::Value>> {
        let _ = (call, answer);
        None
    }

    /// Sets of operations of one part that can leave a history together without making a legal one illegal (`seen` in the order of invocation;
    /// sets of indexes into it). This is what shrinks a violation to a story: a write may go only together with its readers, or
    /// what is left is no witness. The default knows only that reads can go.
    fn removable(&self, seen: &[Seen<'_, Self>]) -> Vec<Vec<usize>> {
        let reads = |(i, s): (usize, &Seen<'_, Self>)| self.is_read(s.call, s.answer).then(|| vec![i]);
        seen.iter().enumerate().filter_map(reads).collect()
    }

    /// What the call does to the value of its part; `None` where a part is more than one value. Lets a violation be told without the writes that
    /// nobody can have seen.
    fn effect<'a>(
        &self,
        call: &'a Self::Call,
        answer: Option<&'a Self::Return>,
    ) -> Option<Effect<&'a Self::Value>> {
        let _ = (call, answer);
        None
    }

    /// Why the operation `core[guilty]` of a minimal sub-history (in the order of invocation) cannot be, in a sentence; `None` if the model knows
    /// nothing better than that it cannot.
    fn blame(&self, core: &[&Operation<Self>], guilty: usize) -> Option<String> {
        let _ = (core, guilty);
        None
    }

    /// A model that accepts the same orders of these operations of one part, and may tell fewer states apart: what nobody ever looks at need not be
    /// remembered exactly.
    #[must_use]
    fn tailored(&self, seen: &[Seen<'_, Self>]) -> Self {
        let _ = seen;
        self.clone()
    }

    /// In a tailored model that numbers what its operations show: the number that this operation shows, and those that it may start anew.
    /// With [`Model::reach`] it lets a search see that an operation will never fit any more. Models with an [`Model::effect`] need neither.
    fn shows(&self, seen: Seen<'_, Self>) -> Option<Shows> {
        let _ = seen;
        None
    }

    /// The numbers (see [`Model::shows`]) of what may be shown from this state on, until something starts anew.
    fn reach(&self, state: &Self::State) -> Option<Range<u32>> {
        let _ = state;
        None
    }

    /// Bytes a state owns on the heap, for the memory cap.
    fn heap_bytes(&self, state: &Self::State) -> usize {
        let _ = state;
        0
    }
}

/// One operation: who called what, and what came back.
#[derive(Clone, Debug)]
pub struct Operation<M: Model> {
    /// Who called.
    pub process: Process,
    /// What was asked for.
    pub call: M::Call,
    /// What came back. `None`: it never returned, so it may have taken effect at any moment since, or never.
    pub answer: Option<M::Return>,
    /// When it was invoked, in the recorder's unit (virtual microseconds in Faultlines).
    pub invoked_at: u64,
    /// When it returned, same unit; `None` exactly when `answer` is.
    pub returned_at: Option<u64>,
    /// Position of the invocation among all events of the history.
    pub(crate) call_rank: u32,
    /// Position of the return among all events; `NEVER` if there is none.
    pub(crate) ret_rank: u32,
}

impl<M: Model> Operation<M> {
    /// Returned before `other` was invoked, by any process.
    pub fn precedes(&self, other: &Self) -> bool {
        self.ret_rank < other.call_rank
    }
}
