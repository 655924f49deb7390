//! What can be seen of a run.

use crate::misbehaviour::Misbehaviour;
use crate::names::{ClientId, OperationId, caller};
use crate::time::Time;
use lab::{CallId, Contract, DiskOp, NodeId, RequestId};
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Somebody's encoding, shared.
pub type Bytes = Arc<[u8]>;

/// The place of an observation in its run: 1, 2, 3, …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObservationId(pub u64);

/// Why something happened: the observation it comes from. Together with the order of each node's own
/// observations this is the happens-before relation of the run (Lamport 1978), known exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The scenario says so.
    Scenario,
    /// That observation.
    Observation(ObservationId),
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Observation {
    /// Its place in the run.
    pub id: ObservationId,
    /// When, in true time.
    pub at: Time,
    /// On which node; for what is nobody's, the node it is about.
    pub node: NodeId,
    /// For what a node was handed: what brought it about (the sending, the setting of the alarm). For what a node asked for:
    /// the event it was handling. For what was done to it: the scenario.
    pub cause: Cause,
    /// What it was.
    pub seen: Seen,
    /// In words, where they were asked for.
    pub label: Option<Box<str>>,
}

/// What happened.
#[derive(Debug, Clone, Hash)]
pub enum Seen {
    // what a node is handed
    /// It starts, for the first time or after a crash.
    Started {
        /// How often it had crashed.
        incarnation: u32,
    },
    /// A client asks, or a node calls.
    Requested {
        /// This delivery.
        request: RequestId,
        /// The client and its operation, where it is a client.
        operation: Option<(ClientId, OperationId)>,
        /// What is asked.
        bytes: Bytes,
    },
    /// A message.
    Delivered {
        /// The sender.
        from: NodeId,
        /// The message.
        bytes: Bytes,
    },
    /// An alarm.
    Rang {
        /// Its name.
        timer: Bytes,
    },
    /// A service's answer.
    Answered {
        /// Of this service.
        from: NodeId,
        /// To this call.
        call: CallId,
        /// The answer.
        bytes: Bytes,
    },

    // what a node asks for
    /// A message.
    Sent {
        /// The receiver.
        to: NodeId,
        /// The message.
        bytes: Bytes,
        /// Its name over all versions of this scenario; see [`Key`](crate::Key).
        key: crate::Key,
    },
    /// An alarm was set, or moved.
    TimerSet {
        /// Its name.
        timer: Bytes,
        /// When it will ring.
        rings_at: Time,
    },
    /// An alarm was cancelled.
    TimerCancelled {
        /// Its name.
        timer: Bytes,
    },
    /// An answer to a client or a caller.
    Replied {
        /// To this request.
        request: RequestId,
        /// The answer.
        bytes: Bytes,
        /// Whether the node was asked this and had not answered yet; otherwise nobody hears it.
        heard: bool,
        /// Its name over all versions of this scenario, where it travels to a node that called.
        key: AnswerKey,
    },
    /// An announcement.
    Emitted {
        /// The event.
        bytes: Bytes,
    },
    /// A call to a service.
    Called {
        /// The service; `None` where nobody answers.
        to: Option<NodeId>,
        /// Its id.
        call: CallId,
        /// The call.
        bytes: Bytes,
        /// Its name over all versions of this scenario; see [`Key`](crate::Key).
        key: crate::Key,
    },
    /// A write, not yet durable.
    Wrote {
        /// The write.
        op: Arc<DiskOp>,
    },
    /// A sync began that has something to do.
    Syncing,
    /// It ended: what was written before it is durable.
    Synced,
    /// The node's status changed to this.
    Status {
        /// The status.
        bytes: Bytes,
    },

    // what is done to nodes and messages
    /// A message, request, call or answer never arrived; its cause is the sending.
    Lost {
        /// Why.
        reason: LossReason,
    },
    /// A message arrived that is not one of the node's type; the node was not told. (Nor of a call or answer
    /// that is none.)
    Stray {
        /// The sender.
        from: NodeId,
    },
    /// The node crashed.
    Crashed,
    /// The node stands still.
    Paused,
    /// The node goes on.
    Resumed,
    /// A fault began.
    FaultBegan {
        /// Its place in the scenario.
        fault: usize,
    },
    /// A fault ended.
    FaultEnded {
        /// Its place in the scenario.
        fault: usize,
    },
    /// Nothing goes wrong from here on.
    Calm,

    // what clients do
    /// An operation began.
    Invoked {
        /// Who asks.
        client: ClientId,
        /// What.
        operation: OperationId,
    },
    /// An operation ended with an answer.
    Returned {
        /// Who asked.
        client: ClientId,
        /// What.
        operation: OperationId,
        /// The answer.
        bytes: Bytes,
    },
    /// The client stopped waiting: whether the operation took effect, or will, is unknown.
    GaveUp {
        /// Who asked.
        client: ClientId,
        /// What.
        operation: OperationId,
    },

    /// The code of the node did what no node may.
    Misbehaved(Misbehaviour),
}

/// Why something never arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LossReason {
    /// The network lost it.
    Network,
    /// A partition was in the way.
    Partition,
    /// The receiver was down.
    Down,
    /// It is over the link's size limit.
    TooBig,
    /// There is no such node, or nobody may call it.
    Nobody,
    /// A fault that is about such messages took it.
    Fault,
}
/// The [`Key`](crate::Key) of an answer to a node's call. None where a client is answered, or nobody: what they hear does not
/// travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerKey(pub Option<crate::Key>);
impl Hash for AnswerKey {
    /// Nothing where there is none.
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        if let Some(key) = self.0 {
            key.hash(hasher);
        }
    }
}

/// The event that a node was handling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum During {
    /// Its start.
    Start,
    /// A message from that node.
    Message(NodeId),
    /// A request.
    Request,
    /// An alarm.
    Timer,
    /// A service's answer.
    Answer,
    /// A question to a pure function: judges, who know of functions, say so in place of `Request`.
    Question,
}
impl std::fmt::Display for During {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            During::Start => f.write_str("while it started"),
            During::Message(from) => write!(f, "while handling a message from {from}"),
            During::Request => f.write_str("while handling a request"),
            During::Timer => f.write_str("while handling a timer"),
            During::Answer => f.write_str("while handling an answer"),
            During::Question => f.write_str("while answering a question"),
        }
    }
}

/// How a world ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// At the time that its scenario says.
    Time,
    /// Nothing was left to happen.
    Idle,
    /// A node misbehaved, during this event.
    Misbehaved(NodeId, During, Misbehaviour),
    /// It went on for more events than a world may have.
    Endless,
}

impl Seen {
    /// Whether a node is handed this, and may ask for things in return.
    pub fn is_handed(&self) -> bool {
        use Seen::{Answered, Delivered, Rang, Requested, Started};
        matches!(self, Started { .. } | Requested { .. } | Delivered { .. } | Rang { .. } | Answered { .. })
    }
    /// The encoding it carries.
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Seen::Requested { bytes, .. }
            | Seen::Delivered { bytes, .. }
            | Seen::Answered { bytes, .. }
            | Seen::Sent { bytes, .. }
            | Seen::Replied { bytes, .. }
            | Seen::Emitted { bytes }
            | Seen::Called { bytes, .. }
            | Seen::Status { bytes }
            | Seen::Returned { bytes, .. } => Some(bytes),
            Seen::Rang { timer } | Seen::TimerSet { timer, .. } | Seen::TimerCancelled { timer } => {
                Some(timer)
            }
            _ => None,
        }
    }
    /// Its name over all versions of the scenario, if it is something that travels to another node: a message, a call, or the
    /// answer to one.
    pub fn key(&self) -> Option<crate::Key> {
        match self {
            Seen::Sent { key, .. } | Seen::Called { key, .. } => Some(*key),
            Seen::Replied { key, .. } => key.0,
            _ => None,
        }
    }
    /// The node at the other end.
    pub fn other(&self) -> Option<NodeId> {
        match self {
            Seen::Delivered { from, .. } | Seen::Answered { from, .. } | Seen::Stray { from } => Some(*from),
            Seen::Sent { to, .. } => Some(*to),
            Seen::Called { to, .. } => *to,
            Seen::Requested { request, .. } => caller(*request),
            _ => None,
        }
    }
}

impl Observation {
    /// The event that the node emitted, if this is one of this contract.
    pub fn emitted<C: Contract>(&self) -> Option<C::Event> {
        match &self.seen {
            Seen::Emitted { bytes } => lab::frame::decode(bytes),
            _ => None,
        }
    }
    pub(crate) fn hash_into(&self, hasher: &mut FxHasher) {
        (self.at, self.node, self.cause).hash(hasher);
        self.seen.hash(hasher);
    }
}

/// All that happened in one run.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// In the order in which it happened; the one with id `i` is at `i - 1`.
    pub observations: Vec<Observation>,
}
impl Trace {
    /// One of them.
    pub fn get(&self, id: ObservationId) -> &Observation {
        &self.observations[usize::try_from(id.0).expect("a place in a vector") - 1]
    }
    /// Of all of it but its words: the [`hash`](crate::World::hash) of the world that had seen just this.
    pub fn hash(&self) -> u64 {
        let mut hasher = FxHasher::default();
        self.observations.iter().for_each(|seen| seen.hash_into(&mut hasher));
        hasher.finish()
    }
    /// What brought it about, if not the scenario.
    pub fn cause(&self, of: &Observation) -> Option<&Observation> {
        match of.cause {
            Cause::Observation(id) => Some(self.get(id)),
            Cause::Scenario => None,
        }
    }
    /// What was emitted, by whom and when.
    pub fn emits<C: Contract>(&self) -> impl Iterator<Item = (&Observation, C::Event)> {
        self.observations.iter().filter_map(|o| Some((o, o.emitted::<C>()?)))
    }
    /// The replies that were heard.
    pub fn replies<C: Contract>(&self) -> impl Iterator<Item = (&Observation, RequestId, C::Response)> {
        self.observations.iter().filter_map(|o| match &o.seen {
            Seen::Replied { request, bytes, heard: true, .. } => {
                Some((o, *request, lab::frame::decode(bytes)?))
            }
            _ => None,
        })
    }
}
