//! A node as the world keeps it: everything about it but its state, which only its own code knows.

use crate::clock::Clock;
use crate::disk::NodeDisk;
use crate::draw::Key;
use crate::observe::{Bytes, Cause, During, ObservationId};
use crate::scenario::NodeSpec;
use crate::time::Time;
use crate::weight::weight;
use lab::frame::RawEffect;
use lab::{CallId, DiskOp, Hosted, NodeId, RequestId};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct NodeState {
    pub(super) id: NodeId,
    pub(super) up: bool,
    pub(super) has_started: bool,
    pub(super) incarnation: u32,
    pub(super) booted: Time,
    pub(super) clock: Clock,
    pub(super) disk: NodeDisk,
    per_event: Duration,
    /// Faults that make it slow, in the order in which they began.
    pub(super) slow: Vec<(usize, Duration)>,
    /// Faults that make its wall clock drift, in the order in which they began.
    pub(super) drifts: Vec<(usize, i64)>,
    /// Faults that make it stand still.
    pub(super) pauses: u32,
    pub(super) doing: Doing,
    /// The last event it was handed.
    pub(super) during: During,
    /// What it is to be handed when it is free.
    pub(super) waiting: VecDeque<Handed>,
    /// It stands in the world's list of nodes that can go on.
    pub(super) ready: bool,
    /// Its alarms, each with the setting that counts.
    pub(super) timers: FxHashMap<Bytes, ObservationId>,
    /// The requests it was handed and has not answered.
    pub(super) open: FxHashMap<RequestId, Origin>,
    pub(super) effects: u64,
    pub(super) next_call: u64,
    pub(super) status: Option<Bytes>,
    /// The node itself, if the suite plays it.
    pub(super) puppet: Option<Box<dyn Hosted>>,
}

/// What keeps a node from its next event.
pub(super) enum Doing {
    Nothing,
    /// Its handler runs, in some guest.
    Handling,
    /// It waits for its disk, and has this to do when that is done.
    Syncing(Work),
    /// It was paused with this still to do.
    Stalled(Work),
    /// Its event takes time.
    Working,
}

/// An event whose effects are being carried out.
pub(super) struct Work {
    pub(super) event: ObservationId,
    pub(super) key: Key,
    /// How many effects of the event are done.
    pub(super) done: u64,
    /// The same, as triggers count: a sync twice.
    pub(super) counted: u64,
    pub(super) rest: std::vec::IntoIter<Planned>,
}
/// An effect still to be carried out, and in words, where wanted.
pub(super) type Planned = (Owned, Option<Box<str>>);

/// Who waits for the answer to a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin {
    /// A client's try, from 1; places in the scenario.
    Client { client: usize, operation: usize, tries: u32 },
    /// A node's call.
    Call { caller: usize, incarnation: u32, call: CallId },
}

/// An event for a node.
pub(super) struct Handed {
    pub(super) event: HandedEvent,
    pub(super) cause: Cause,
    pub(super) key: Key,
}
pub(super) enum HandedEvent {
    Start,
    Message { from: NodeId, bytes: Bytes },
    Request { id: RequestId, origin: Origin, bytes: Bytes },
    Timer { timer: Bytes, setting: ObservationId },
    Answer { from: NodeId, call: CallId, bytes: Bytes },
}
impl HandedEvent {
    pub(super) fn during(&self) -> During {
        match self {
            HandedEvent::Start => During::Start,
            HandedEvent::Message { from, .. } => During::Message(*from),
            HandedEvent::Request { .. } => During::Request,
            HandedEvent::Timer { .. } => During::Timer,
            HandedEvent::Answer { .. } => During::Answer,
        }
    }
}
impl Handed {
    /// What it counts for against the limit of bytes while it waits.
    pub(super) fn weight(&self) -> usize {
        match &self.event {
            HandedEvent::Message { bytes, .. }
            | HandedEvent::Request { origin: Origin::Call { .. }, bytes, .. }
            | HandedEvent::Answer { bytes, .. } => weight(bytes),
            HandedEvent::Start | HandedEvent::Request { .. } | HandedEvent::Timer { .. } => 0,
        }
    }
}

impl Owned {
    /// Bytes of what oracles are shown of it, and may keep for as long as the world lasts.
    pub(super) fn shown(&self) -> usize {
        match self {
            Owned::Reply { bytes, .. } | Owned::Emit { bytes } | Owned::Call { bytes, .. } => bytes.len(),
            Owned::Send { .. }
            | Owned::SetTimer { .. }
            | Owned::CancelTimer { .. }
            | Owned::Disk(_)
            | Owned::Sync => 0,
        }
    }
}

/// A [`RawEffect`] that outlives its frame.
pub(super) enum Owned {
    Send { to: NodeId, bytes: Bytes },
    SetTimer { after_ns: u64, timer: Bytes },
    CancelTimer { timer: Bytes },
    Reply { id: RequestId, bytes: Bytes },
    Emit { bytes: Bytes },
    Call { to: Option<NodeId>, id: CallId, bytes: Bytes },
    Disk(Arc<DiskOp>),
    Sync,
}
impl Owned {
    /// What an effect comes to for a node with these peers: a broadcast is one send to each.
    pub(super) fn plan(
        effect: RawEffect<'_>,
        label: Option<String>,
        peers: &[NodeId],
        plan: &mut Vec<Planned>,
    ) {
        let label: Option<Box<str>> = label.filter(|label| !label.is_empty()).map(Into::into);
        let effect = match effect {
            RawEffect::Broadcast { message } => {
                let bytes: Bytes = message.0.into();
                let send = |to| (Owned::Send { to, bytes: bytes.clone() }, label.clone());
                return plan.extend(peers.iter().copied().map(send));
            }
            RawEffect::Send { to, message } => Owned::Send { to, bytes: message.0.into() },
            RawEffect::SetTimer { after_ns, timer } => Owned::SetTimer { after_ns, timer: timer.0.into() },
            RawEffect::CancelTimer { timer } => Owned::CancelTimer { timer: timer.0.into() },
            RawEffect::Reply { id, response } => Owned::Reply { id, bytes: response.0.into() },
            RawEffect::Emit { event } => Owned::Emit { bytes: event.0.into() },
            RawEffect::Call { id, call } => Owned::Call { to: None, id, bytes: call.0.into() },
            RawEffect::CallTo { to, id, call } => Owned::Call { to: Some(to), id, bytes: call.0.into() },
            RawEffect::Disk(op) => Owned::Disk(Arc::new(op)),
            RawEffect::Sync => Owned::Sync,
        };
        plan.push((effect, label));
    }
}

impl NodeState {
    pub(super) fn new(spec: &NodeSpec) -> Self {
        NodeState {
            id: spec.id,
            up: false,
            has_started: false,
            incarnation: 0,
            booted: Time::ZERO,
            clock: Clock::new(&spec.clock),
            disk: NodeDisk::default(),
            per_event: spec.per_event,
            slow: Vec::new(),
            drifts: Vec::new(),
            pauses: 0,
            doing: Doing::Nothing,
            during: During::Start,
            waiting: VecDeque::new(),
            ready: false,
            timers: FxHashMap::default(),
            open: FxHashMap::default(),
            effects: 0,
            next_call: 0,
            status: None,
            puppet: None,
        }
    }
    /// How long it is busy with one event.
    pub(super) fn per_event(&self) -> Duration {
        self.slow.last().map_or(self.per_event, |(_, per_event)| *per_event)
    }
    pub(super) fn is_free(&self) -> bool {
        self.up && self.pauses == 0 && matches!(self.doing, Doing::Nothing)
    }
    /// Everything that lives in memory is gone.
    pub(super) fn lose_memory(&mut self) {
        self.up = false;
        self.incarnation += 1;
        self.doing = Doing::Nothing;
        self.waiting.clear();
        self.timers.clear();
        self.open.clear();
        self.status = None;
        self.puppet = None;
    }
}
