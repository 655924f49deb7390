//! What a trigger waits for: questions about observations, and about the bytes they carry.

use crate::observe::{Observation, Seen, Trace};
use crate::time::Time;
use lab::{Contract, NodeId};
use std::fmt;
use std::sync::Arc;

/// Observations of a kind.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The kind.
    pub kind: SeenKind,
    /// On this node; `None` for any.
    pub node: Option<NodeId>,
    /// From or to this one, where there is another; `None` for any.
    pub other: Option<NodeId>,
    /// Whose bytes fit.
    pub matches: Option<Matcher>,
}
impl Pattern {
    /// Every observation of a kind.
    pub fn of(kind: SeenKind) -> Pattern {
        Pattern { kind, node: None, other: None, matches: None }
    }
    /// An emitted event of a contract.
    pub fn emit<C: Contract>(fits: impl Fn(&C::Event) -> bool + Send + Sync + 'static) -> Pattern {
        Pattern { matches: Some(Matcher::typed(fits)), ..Pattern::of(SeenKind::Emitted) }
    }
    /// A status of a contract, when it changes to one that fits.
    pub fn status<C: Contract>(fits: impl Fn(&C::Status) -> bool + Send + Sync + 'static) -> Pattern {
        Pattern { matches: Some(Matcher::typed(fits)), ..Pattern::of(SeenKind::Status) }
    }
    /// The same, on one node only.
    pub fn at(self, node: NodeId) -> Pattern {
        Pattern { node: Some(node), ..self }
    }
    /// The same, with this node at the other end.
    pub fn with(self, other: NodeId) -> Pattern {
        Pattern { other: Some(other), ..self }
    }
    /// The same, of bytes that fit.
    pub fn matching(self, matches: Matcher) -> Pattern {
        Pattern { matches: Some(matches), ..self }
    }
    /// Just this, on its node.
    pub fn just(seen: &Observation) -> Pattern {
        Pattern {
            kind: SeenKind::of(&seen.seen),
            node: Some(seen.node),
            other: seen.seen.other(),
            matches: seen.seen.bytes().map(|bytes| Matcher::OneOf(vec![bytes.to_vec()])),
        }
    }
    pub(crate) fn fits(&self, node: NodeId, seen: &Seen) -> bool {
        self.kind == SeenKind::of(seen)
            && self.node.is_none_or(|wanted| wanted == node)
            && self.other.is_none_or(|wanted| seen.other() == Some(wanted))
            && self
                .matches
                .as_ref()
                .is_none_or(|matcher| seen.bytes().is_some_and(|bytes| matcher.fits(bytes)))
    }
}

impl Trace {
    /// Whether all of these were seen, one after another, each at its time.
    pub fn shows(&self, sights: &[(Time, Pattern)]) -> bool {
        let mut left = sights.iter().peekable();
        for seen in &self.observations {
            left.next_if(|(at, pattern)| *at == seen.at && pattern.fits(seen.node, &seen.seen));
        }
        left.peek().is_none()
    }
}

/// The kinds of [`Seen`] that a pattern can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of `Seen`")]
pub enum SeenKind {
    Started,
    Requested,
    Delivered,
    Rang,
    Answered,
    Sent,
    Replied,
    Emitted,
    Called,
    Wrote,
    Syncing,
    Synced,
    Status,
    Crashed,
    FaultBegan,
    Other,
}
impl SeenKind {
    pub(crate) fn of(seen: &Seen) -> SeenKind {
        match seen {
            Seen::Started { .. } => SeenKind::Started,
            Seen::Requested { .. } => SeenKind::Requested,
            Seen::Delivered { .. } => SeenKind::Delivered,
            Seen::Rang { .. } => SeenKind::Rang,
            Seen::Answered { .. } => SeenKind::Answered,
            Seen::Sent { .. } => SeenKind::Sent,
            Seen::Replied { .. } => SeenKind::Replied,
            Seen::Emitted { .. } => SeenKind::Emitted,
            Seen::Called { .. } => SeenKind::Called,
            Seen::Wrote { .. } => SeenKind::Wrote,
            Seen::Syncing => SeenKind::Syncing,
            Seen::Synced => SeenKind::Synced,
            Seen::Status { .. } => SeenKind::Status,
            Seen::Crashed => SeenKind::Crashed,
            Seen::FaultBegan { .. } => SeenKind::FaultBegan,
            _ => SeenKind::Other,
        }
    }
}

/// A question about bytes.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// Asked of their typed value. What does not decode does not fit.
    Typed(Question),
    /// Whether they begin with one of these: which variant of an enum they are.
    Variant(Vec<u8>),
    /// Whether they are one of these.
    OneOf(Vec<Vec<u8>>),
}
impl Matcher {
    /// Of this type.
    pub fn typed<T: lab::Wire>(fits: impl Fn(&T) -> bool + Send + Sync + 'static) -> Matcher {
        let fits = move |bytes: &[u8]| lab::frame::decode(bytes).is_some_and(|value| fits(&value));
        Matcher::Typed(Question(Arc::new(fits)))
    }
    pub(crate) fn fits(&self, bytes: &[u8]) -> bool {
        match self {
            Matcher::Typed(question) => (question.0)(bytes),
            Matcher::Variant(firsts) => bytes.first().is_some_and(|first| firsts.contains(first)),
            Matcher::OneOf(encodings) => encodings.iter().any(|encoding| encoding == bytes),
        }
    }
}

/// A question that is code: see [`Matcher::typed`].
#[derive(Clone)]
pub struct Question(Arc<Fits>);
type Fits = dyn Fn(&[u8]) -> bool + Send + Sync;
impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
