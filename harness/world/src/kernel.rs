//! The kernel: one event after another.

use crate::clients::{Origin, Progress};
use crate::draw::{Key, Luck, Purpose, Seed};
use crate::faults::{Armed, FaultState, at};
use crate::misbehaviour::{Excess, Misbehaviour, Nonsense};
use crate::network::Network;
use crate::network::{Filtered, Letter};
use crate::node::{Doing, Handed, HandedEvent, NodeState, Owned, Work};
use crate::observe::{AnswerKey, Bytes, Cause, During, End, LossReason, Observation, ObservationId, Seen};
use crate::scenario::{
    Carried, Fault, Harm, NodeKind, NodeSpec, REPEATS_MAX, Scenario, Scribe, Trigger, When, call_request_id,
};
use crate::step::{Step, StepEvent};
use crate::time::Time;
use lab::frame::{Context, Ending, RawEffect, Reply, Want};
use lab::{CallId, Disk, NodeId};
use rustc_hash::{FxHashMap, FxHasher};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hash::Hasher;
use std::sync::Arc;

/// Nobody in a world of more nodes than this is told of all the others.
const CROWD: usize = 256;
/// The shortest time a timer can be set for.
const TIMER_FLOOR_NS: u64 = 1_000;
/// What anything kept counts for on top of its bytes.
pub(crate) const BOOKKEEPING: usize = 64;
/// How many ids of calls a handler may give away in one event.
const CALLS_PER_EVENT: u64 = 1 << 20;

/// Takes what has waited longest. A queue that runs empty begins anew where it began: to walk on through all of its room
/// would bring all of that into the cache, of hundreds of worlds that take turns.
fn take_first<T>(queue: &mut VecDeque<T>) -> Option<T> {
    let first = queue.pop_front();
    if queue.is_empty() {
        queue.clear();
    }
    first
}
/// What bytes count for against the limit while they are kept.
pub(crate) fn weight(bytes: &[u8]) -> usize {
    bytes.len() + BOOKKEEPING
}

/// One simulated run of a cluster under one seed.
///
/// ```
/// # use lab::prelude::*;
/// use lab::lamport::{Clock, Request};
/// use world::{Client, Operation, Scenario, Seed, StepEvent, World};
///
/// let ms = Duration::from_millis;
/// let mut scenario = Scenario::cluster::<Clock>(2, &(), ms(1_000));
/// scenario.clients.push(Client::new(1, vec![
///     Operation::at::<Clock>(1, ms(5), NodeId(2), &Request::Local),
/// ]));
/// let mut world = World::new(scenario.into(), Seed([1, 2]));
/// let mut handed = Vec::new();
/// while let Some(step) = world.next() {
///     handed.push((step.node, matches!(step.event, StepEvent::Start { .. })));
///     world.apply(lab::frame::Reply::empty()); // a node that asks for nothing
/// }
/// assert_eq!(handed, [(0, true), (1, true), (1, false)]);
/// ```
pub struct World {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) seed: Seed,
    pub(crate) now: Time,
    pub(crate) nodes: Vec<NodeState>,
    pub(crate) network: Network,
    pub(crate) faults: Vec<FaultState>,
    pub(crate) armed: Vec<Armed>,
    pub(crate) is_calm: bool,
    pub(crate) progress: Vec<Vec<Progress>>,
    /// Takes note of promises, where the scenario asks for it.
    pub(crate) scribe: Option<Box<dyn Scribe>>,
    /// How many messages were forged from a node to a node.
    pub(crate) forged: FxHashMap<(NodeId, NodeId), u64>,
    places: FxHashMap<NodeId, usize>,
    /// When what happens next, in order of its pushing, by its place among `items`.
    queue: BinaryHeap<Reverse<(Time, u32, u32)>>,
    items: Vec<Slot>,
    free_items: Vec<u32>,
    /// Whom each node is told of.
    peers: Vec<Arc<[NodeId]>>,
    pushed: u32,
    ready: VecDeque<usize>,
    held: Vec<Held>,
    /// Messages under way, and whether there were any since it was last quiet.
    travelling: usize,
    was_noisy: bool,
    /// What is under way, held, waiting, unsynced or to ring, as [`weight`] counts.
    pub(crate) bytes: usize,
    effects: u64,
    /// Of all guests.
    guest_effects: u64,
    /// The effect that was counted last: the key of the event that it is of, and which of its effects it is.
    pub(crate) effect: (Key, u64),
    /// By which effect faults were set off that waited for one.
    pub(crate) set_off: FxHashMap<usize, (Key, u64)>,
    /// What faults have caught that are about the `nth` of something.
    caught: FxHashMap<usize, Key>,
    handling: Option<Handling>,
    events: u64,
    pub(crate) want_labels: bool,
    observations: Vec<Observation>,
    observed: u64,
    hasher: FxHasher,
    end: Option<End>,
}

/// Room for an item. A world has dozens of these, and needs another one with every event: each is one line of the cache.
#[repr(align(64))]
struct Slot(Option<Item>);
const _: () = assert!(size_of::<Slot>() == 64);

/// What is still to happen.
pub(crate) enum Item {
    Boot { node: usize },
    Arrive { parcel: Parcel },
    Ring { node: u32, incarnation: u32, timer: Bytes, setting: ObservationId, key: Key },
    GoOn { node: usize, incarnation: u32 },
    Invoke { client: usize, operation: usize },
    TryTimesOut { client: usize, operation: usize, tries: u32 },
    Act(Action, Option<usize>),
    Calm,
}
/// What a time or a trigger sets off.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Action {
    Begin {
        fault: usize,
    },
    End {
        fault: usize,
    },
    Invoke {
        client: usize,
        operation: usize,
    },
    /// A node starts for the first time.
    Start {
        node: usize,
    },
}

/// Something between two nodes.
#[derive(Clone)]
pub(crate) struct Parcel {
    from: u32,
    to: u32,
    content: Content,
    bytes: Bytes,
    sent: ObservationId,
    key: Key,
    copy: u8,
    /// It is a copy that a fault makes, and has not left yet.
    waits: bool,
}
impl Parcel {
    fn from(&self) -> usize {
        self.from as usize
    }
    fn to(&self) -> usize {
        self.to as usize
    }
}
/// A place among a world's nodes, in half the room.
fn short(place: usize) -> u32 {
    u32::try_from(place).expect("a world has few nodes")
}
/// Something that a fault keeps back.
struct Held {
    by: usize,
    parcel: Parcel,
    /// What is drawn for it when it leaves.
    luck: Luck,
    /// The faults whose `nth` message it is.
    counts_for: Vec<usize>,
}
#[derive(Clone, Copy)]
enum Content {
    Message,
    Call { call: CallId, incarnation: u32 },
    Answer { call: CallId, incarnation: u32 },
}

impl Content {
    fn carried(self) -> Carried {
        match self {
            Content::Message => Carried::Message,
            Content::Call { .. } => Carried::Call,
            Content::Answer { .. } => Carried::Answer,
        }
    }
}

struct Handling {
    node: usize,
    event: ObservationId,
    key: Key,
    /// Who sent the event, if it may be none of the node's type.
    sender: Option<NodeId>,
}

impl World {
    /// A world before its first event.
    ///
    /// # Panics
    /// Where the scenario has no node, or two of one name, or says something in the name of a node that is not the suite's.
    pub fn new(scenario: Arc<Scenario>, seed: Seed) -> World {
        assert!(!scenario.nodes.is_empty(), "a world has at least one node");
        let places: FxHashMap<NodeId, usize> =
            scenario.nodes.iter().enumerate().map(|(place, node)| (node.id, place)).collect();
        assert_eq!(places.len(), scenario.nodes.len(), "two nodes have one name");
        let is_puppet = |id: &NodeId| matches!(places.get(id), Some(place) if matches!(scenario.nodes[*place].kind, NodeKind::Puppet(_)));
        let is_honest = |fault: &Fault| match &fault.harm {
            Harm::Forge { from, .. } => is_puppet(from),
            _ => true,
        };
        assert!(scenario.faults.iter().all(is_honest), "only what a puppet says can be forged");
        let mut world = World {
            seed,
            now: Time::ZERO,
            nodes: scenario.nodes.iter().map(NodeState::new).collect(),
            network: Network::new(scenario.network, &scenario.links),
            faults: vec![FaultState::NotYet; scenario.faults.len()],
            armed: Vec::new(),
            is_calm: false,
            progress: scenario.clients.iter().map(|c| vec![Progress::NotYet; c.operations.len()]).collect(),
            scribe: scenario.scribe.map(|makes| (makes.0)(&scenario)),
            forged: FxHashMap::default(),
            places,
            queue: BinaryHeap::new(),
            items: Vec::new(),
            free_items: Vec::new(),
            peers: scenario.nodes.iter().map(|node| scenario.peers_of(node)).collect(),
            pushed: 0,
            ready: VecDeque::new(),
            held: Vec::new(),
            travelling: 0,
            was_noisy: false,
            bytes: 0,
            effects: 0,
            guest_effects: 0,
            effect: (Key(0), 0),
            set_off: FxHashMap::default(),
            caught: FxHashMap::default(),
            handling: None,
            events: 0,
            want_labels: false,
            observations: Vec::new(),
            observed: 0,
            hasher: FxHasher::default(),
            end: None,
            scenario,
        };
        for node in 0..world.nodes.len() {
            match &world.scenario.clone().nodes[node].starts {
                When::At(after) => world.push(at(*after), Item::Boot { node }),
                starts @ When::On { .. } => world.schedule(starts, Action::Start { node }),
            }
        }
        for fault in 0..world.faults.len() {
            let scenario = world.scenario.clone();
            world.schedule(&scenario.faults[fault].when, Action::Begin { fault });
        }
        if let Some((calm, _)) = world.scenario.calm {
            world.push(at(calm), Item::Calm);
        }
        world.start_clients();
        world
    }
    /// Asks nodes for what they do in words, too: slower, for stories.
    #[must_use]
    pub fn with_labels(mut self) -> World {
        self.want_labels = true;
        self
    }

    /// True time.
    pub fn now(&self) -> Time {
        self.now
    }
    /// The recipe.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }
    /// How it ended, if it has.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }
    /// Events handed to nodes so far.
    pub fn events(&self) -> u64 {
        self.events
    }
    /// Effects of a node so far, as [`Trigger::Effect`] counts them.
    pub fn effects(&self, node: NodeId) -> u64 {
        self.place(node).map_or(0, |place| self.nodes[place].effects)
    }
    /// A hash of everything observed so far.
    pub fn hash(&self) -> u64 {
        self.hasher.finish()
    }
    /// Effects of all guests so far, as [`Trigger::AnyEffect`] counts them.
    pub fn guest_effects(&self) -> u64 {
        self.guest_effects
    }
    /// The effect that set off this fault of the scenario, if it waited for one and that came: as a trigger that means the same
    /// effect in versions of the scenario that leave something out.
    pub fn set_off_by(&self, fault: usize) -> Option<Trigger> {
        self.set_off.get(&fault).map(|&(event, nth)| Trigger::EffectOf { event, nth })
    }
    /// The message, call or answer that this fault of the scenario was about, if it is about the `nth` one and that came.
    pub fn caught_by(&self, fault: usize) -> Option<Key> {
        self.caught.get(&fault).copied()
    }
    /// What is durable on a node's disk.
    pub fn disk(&self, node: NodeId) -> Option<&Disk> {
        self.place(node).map(|place| &self.nodes[place].disk.durable)
    }
    /// What is written on a node's disk and not yet synced, in order.
    pub fn unsynced(&self, node: NodeId) -> &[Arc<lab::DiskOp>] {
        self.place(node).map_or(&[], |place| &self.nodes[place].disk.unsynced)
    }
    /// Bytes that are under way, held, waiting, unsynced or durable.
    pub fn kept(&self) -> usize {
        self.bytes + self.nodes.iter().map(|node| node.disk.durable.bytes()).sum::<usize>()
    }
    /// What was observed since the last call.
    pub fn take_observations(&mut self) -> std::vec::Drain<'_, Observation> {
        self.observations.drain(..)
    }
    /// The same, in exchange for a buffer to fill next, which is emptied.
    pub fn swap_observations(&mut self, buffer: &mut Vec<Observation>) {
        buffer.clear();
        std::mem::swap(&mut self.observations, buffer);
    }

    /// Which node handles which event next; `None` when the world has ended. Every step is answered with
    /// [`apply`](World::apply) or [`misbehaved`](World::misbehaved) before the next.
    ///
    /// # Panics
    /// Where the last step was not answered.
    #[expect(
        clippy::should_implement_trait,
        reason = "a step must be answered before the next, unlike an iterator's items"
    )]
    pub fn next(&mut self) -> Option<Step> {
        assert!(self.handling.is_none(), "the last step has not been answered");
        while self.end.is_none() {
            if let Some(node) = take_first(&mut self.ready) {
                self.nodes[node].ready = false;
                if let Some(step) = self.take_up(node) {
                    if self.scenario.nodes[node].kind.is_guest() {
                        return Some(step);
                    }
                    self.play(node, &step);
                }
                continue;
            }
            if self.travelling == 0
                && self.was_noisy
                && self
                    .nodes
                    .iter()
                    .all(|node| matches!(node.doing, Doing::Nothing) && node.waiting.is_empty())
            {
                self.was_noisy = false;
                self.pull(None, |trigger| matches!(trigger, Trigger::Quiet));
                continue;
            }
            match self.queue.pop() {
                None => self.end = Some(End::Idle),
                Some(Reverse((time, ..))) if time > at(self.scenario.end) => {
                    self.now = at(self.scenario.end);
                    self.end = Some(End::Time);
                }
                Some(Reverse((time, _, place))) => {
                    debug_assert!(time >= self.now, "time never goes back");
                    self.now = time;
                    self.free_items.push(place);
                    let item = self.items[place as usize].0.take();
                    self.happen(item.expect("what is queued has not happened"));
                }
            }
        }
        None
    }

    fn happen(&mut self, item: Item) {
        match item {
            Item::Boot { node } => self.boot(node),
            Item::Arrive { parcel } if parcel.waits => {
                self.bytes -= weight(&parcel.bytes);
                let luck = self.seed.key(Purpose::Copy, parcel.key.0, 0).1;
                self.dispatch_unless_held(Parcel { waits: false, ..parcel }, luck, false, Vec::new());
            }
            Item::Arrive { parcel } => self.arrive(parcel),
            Item::Ring { node, incarnation, timer, setting, key } => {
                self.bytes -= weight(&timer);
                let node = node as usize;
                let state = &self.nodes[node];
                if state.incarnation == incarnation && state.timers.get(&timer) == Some(&setting) {
                    let event = HandedEvent::Timer { timer, setting };
                    self.hand(node, Handed { event, cause: Cause::Observation(setting), key });
                }
            }
            Item::GoOn { node, incarnation } => self.go_on(node, incarnation),
            Item::Invoke { client, operation } => self.invoke(client, operation),
            Item::TryTimesOut { client, operation, tries } => self.try_times_out(client, operation, tries),
            Item::Act(action, culprit) => self.act(action, culprit),
            Item::Calm => self.calm_down(),
        }
    }

    fn boot(&mut self, node: usize) {
        let state = &mut self.nodes[node];
        if state.up {
            return;
        }
        state.up = true;
        state.has_started = true;
        state.booted = self.now;
        let (key, _) = self.seed.key(Purpose::Start, u64::from(state.id.0), u64::from(state.incarnation));
        self.hand(node, Handed { event: HandedEvent::Start, cause: Cause::Scenario, key });
    }

    /// Gives a node something to handle when it is free; what comes to a node that is down is lost.
    pub(crate) fn hand(&mut self, node: usize, handed: Handed) {
        if !self.nodes[node].up {
            self.bytes -= handed.weight();
            self.observe(node, handed.cause, Seen::Lost { reason: LossReason::Down });
            return;
        }
        self.nodes[node].waiting.push_back(handed);
        self.make_ready(node);
    }
    pub(crate) fn make_ready(&mut self, node: usize) {
        let state = &mut self.nodes[node];
        if !state.ready && state.is_free() && !state.waiting.is_empty() {
            state.ready = true;
            self.ready.push_back(node);
        }
    }

    /// A free node takes up what waits for it.
    fn take_up(&mut self, node: usize) -> Option<Step> {
        let state = &mut self.nodes[node];
        if !state.is_free() {
            return None;
        }
        let handed = take_first(&mut state.waiting)?;
        self.bytes -= handed.weight();
        let Handed { event, cause, key } = handed;
        let mut sender = None;
        state.during = match &event {
            HandedEvent::Start => During::Start,
            HandedEvent::Message { from, .. } => During::Message(*from),
            HandedEvent::Request { .. } => During::Request,
            HandedEvent::Timer { .. } => During::Timer,
            HandedEvent::Answer { .. } => During::Answer,
        };
        let (seen, event) = match event {
            HandedEvent::Start => {
                let spec = &self.scenario.nodes[node];
                let peers = self.peers[node].to_vec();
                let event = StepEvent::Start {
                    me: spec.id,
                    role: spec.role,
                    incarnation: state.incarnation,
                    peers,
                    config: spec.config.as_slice().into(),
                    disk: Box::new(state.disk.boot()),
                };
                (Seen::Started { incarnation: state.incarnation }, event)
            }
            HandedEvent::Message { from, bytes } => {
                sender = Some(from);
                (Seen::Delivered { from, bytes: bytes.clone() }, StepEvent::Message { from, message: bytes })
            }
            HandedEvent::Request { id, origin, bytes } => {
                state.open.insert(id, origin);
                let operation = match origin {
                    Origin::Client { client, operation, .. } => {
                        let client = &self.scenario.clients[client];
                        Some((client.id, client.operations[operation].id))
                    }
                    Origin::Call { caller, .. } => {
                        sender = Some(self.scenario.nodes[caller].id);
                        None
                    }
                };
                let seen = Seen::Requested { request: id, operation, bytes: bytes.clone() };
                (seen, StepEvent::Request { id, request: bytes })
            }
            HandedEvent::Timer { timer, setting } => {
                if state.timers.get(&timer) != Some(&setting) {
                    self.make_ready(node); // cancelled or moved while it waited
                    return None;
                }
                state.timers.remove(&timer);
                (Seen::Rang { timer: timer.clone() }, StepEvent::Timer { timer })
            }
            HandedEvent::Answer { from, call, bytes } => {
                sender = Some(from);
                let seen = Seen::Answered { from, call, bytes: bytes.clone() };
                (seen, StepEvent::Answer { call, answer: bytes })
            }
        };
        let context = Context {
            now_ns: state.clock.stopwatch_ns(state.booted, self.now),
            wall_ns: state.clock.wall_ns(self.now),
            entropy: key.entropy(),
            first_call: state.next_call,
            want: Want { status: self.scenario.watch_status, labels: self.want_labels },
        };
        state.doing = Doing::Handling;
        self.events += 1;
        if self.events > self.scenario.limits.events {
            self.end = Some(End::Endless);
            return None;
        }
        let incarnation = self.nodes[node].incarnation;
        let event_id = self.observe(node, cause, seen);
        if self.nodes[node].incarnation != incarnation || self.end.is_some() {
            return None; // being handed this was the trigger of its crash
        }
        self.handling = Some(Handling { node, event: event_id, key, sender });
        Some(Step { node, context, event })
    }

    /// A puppet handles its event.
    fn play(&mut self, node: usize, step: &Step) {
        let mut reply = Vec::new();
        if let Some(start) = step.start() {
            let (NodeKind::Puppet(puppet) | NodeKind::Service(puppet)) = self.scenario.nodes[node].kind
            else {
                unreachable!("guests are stepped by the driver")
            };
            self.nodes[node].puppet = (puppet.0)().start(step.context, start, &mut reply);
        } else if let lab::frame::Command::Step { context, event, .. } = step.command(0, |_| 0) {
            let puppet = self.nodes[node].puppet.as_mut();
            puppet.expect("it has started").step(context, event, &mut reply);
        }
        let reply: Reply<'_> = lab::frame::take(&mut &reply[..]).expect("lab encodes what lab decodes");
        if let Ending::Panicked { message, at, .. } = &reply.ending {
            panic!("the suite's own node {} panicked at {at}: {message}", self.nodes[node].id);
        }
        self.apply(reply);
    }

    /// What the node asked for in the last step.
    ///
    /// # Panics
    /// Where there is no step to answer.
    pub fn apply(&mut self, reply: Reply<'_>) {
        let Handling { node, event, key, sender } = self.handling.take().expect("apply answers a step");
        if reply.effects.len() > self.scenario.limits.effects_per_event {
            let excess = Excess::EffectsOfEvent(reply.effects.len());
            return self.misbehave(node, event, Misbehaviour::Flooded(excess));
        }
        let mut labels = reply.labels.into_iter();
        if let Some(label) = labels.next()
            && let Some(observation) = self.observations.iter_mut().rev().find(|o| o.id == event)
        {
            observation.label = Some(label.into());
        }
        let incarnation = self.nodes[node].incarnation;
        let cause = Cause::Observation(event);
        match reply.ending {
            Ending::Returned => {}
            Ending::Stray => match sender {
                Some(from) => _ = self.observe(node, cause, Seen::Stray { from }),
                None => return self.misbehave(node, event, Misbehaviour::Garbled(Nonsense::NotItsType)),
            },
            Ending::Panicked { message, at, not_started } => {
                // what it asked for before it panicked is not carried out: the world ends here
                return self.misbehave(node, event, Misbehaviour::Panicked { message, at, not_started });
            }
        }
        // Ids of calls are given away with the reply: the node may have saved one before the call was made.
        let first_call = self.nodes[node].next_call;
        for effect in &reply.effects {
            if let RawEffect::Call { id, .. } | RawEffect::CallTo { id, .. } = effect {
                if id.0.wrapping_sub(first_call) >= CALLS_PER_EVENT {
                    return self.misbehave(node, event, Misbehaviour::Garbled(Nonsense::ForeignCall));
                }
                let next_call = &mut self.nodes[node].next_call;
                *next_call = (*next_call).max(id.0 + 1);
            }
        }
        let mut rest = Vec::with_capacity(reply.effects.len());
        for effect in reply.effects {
            Owned::plan(effect, labels.next(), &self.peers[node], &mut rest);
        }
        let status_label = labels.next().map(Into::into);
        if let Some(status) = reply.status
            && self.nodes[node].status.as_deref() != Some(status.0)
        {
            let bytes: Bytes = status.0.into();
            self.nodes[node].status = Some(bytes.clone());
            self.observe_labelled(node, cause, Seen::Status { bytes }, status_label);
        }
        if self.nodes[node].incarnation == incarnation && self.end.is_none() {
            self.nodes[node].doing = Doing::Nothing;
            self.perform(node, Work { event, key, done: 0, counted: 0, rest: rest.into_iter() });
        }
    }

    /// The node of the last step did what no node may: the world ends.
    ///
    /// # Panics
    /// Where there is no step to answer.
    pub fn misbehaved(&mut self, how: Misbehaviour) {
        let Handling { node, event, .. } = self.handling.take().expect("misbehaved answers a step");
        self.misbehave(node, event, how);
    }
    fn misbehave(&mut self, node: usize, event: ObservationId, how: Misbehaviour) {
        self.observe(node, Cause::Observation(event), Seen::Misbehaved(how.clone()));
        let NodeState { id, during, .. } = self.nodes[node];
        self.end = Some(End::Misbehaved(id, during, how));
    }

    /// Carries out effects until they are done, or a sync, a pause or a crash comes between.
    pub(crate) fn perform(&mut self, node: usize, mut work: Work) {
        let incarnation = self.nodes[node].incarnation;
        loop {
            if self.nodes[node].pauses > 0 {
                self.nodes[node].doing = Doing::Stalled(work);
                return;
            }
            let Some((effect, label)) = work.rest.next() else { break };
            let cause = Cause::Observation(work.event);
            let seen = match effect {
                Owned::Send { to, bytes } => {
                    self.send(node, to, bytes, &work, label);
                    None
                }
                Owned::SetTimer { after_ns, timer } => {
                    self.set_timer(node, after_ns, timer, &work, label);
                    None
                }
                Owned::CancelTimer { timer } => {
                    self.nodes[node].timers.remove(&timer);
                    Some((Seen::TimerCancelled { timer }, label))
                }
                Owned::Reply { id, bytes } => {
                    self.reply(node, id, bytes, &work, label);
                    None
                }
                Owned::Emit { bytes } => Some((Seen::Emitted { bytes }, label)),
                Owned::Call { to, id, bytes } => {
                    self.call(node, to, id, bytes, &work, label);
                    None
                }
                Owned::Disk(op) => {
                    self.bytes += crate::disk::weight(&op);
                    self.nodes[node].disk.write(op.clone());
                    Some((Seen::Wrote { op }, None))
                }
                Owned::Sync => {
                    if self.nodes[node].disk.unsynced.is_empty() {
                        None
                    } else {
                        return self.begin_sync(node, work);
                    }
                }
            };
            if let Some((seen, label)) = seen {
                self.observe_labelled(node, cause, seen, label);
            }
            work.done += 1;
            self.count_effect(node, &mut work);
            if self.end.is_none() {
                self.check_limits(node, work.event);
            }
            if !self.lives(node, incarnation) {
                return;
            }
        }
        let per_event = self.nodes[node].per_event();
        if per_event.is_zero() {
            self.nodes[node].doing = Doing::Nothing;
            self.make_ready(node);
        } else {
            self.nodes[node].doing = Doing::Working;
            self.push(self.now + per_event, Item::GoOn { node, incarnation });
        }
    }
    fn check_limits(&mut self, node: usize, event: ObservationId) {
        let limits = self.scenario.limits;
        let excess = if self.bytes > limits.bytes {
            Excess::Bytes(limits.bytes)
        } else if self.effects > limits.effects {
            Excess::Effects(limits.effects)
        } else if self.nodes[node].disk.is_over(limits.bytes) {
            Excess::Disk(limits.bytes)
        } else {
            return;
        };
        self.misbehave(node, event, Misbehaviour::Flooded(excess));
    }
    fn lives(&self, node: usize, incarnation: u32) -> bool {
        self.nodes[node].incarnation == incarnation && self.end.is_none()
    }
    fn count_effect(&mut self, node: usize, work: &mut Work) {
        self.effects += 1;
        self.nodes[node].effects += 1;
        work.counted += 1;
        let is_guest = self.scenario.nodes[node].kind.is_guest();
        self.guest_effects += u64::from(is_guest);
        self.effect = (work.key, work.counted);
        let (id, count, all, effect) =
            (self.nodes[node].id, self.nodes[node].effects, self.guest_effects, self.effect);
        self.pull(Some(node), |trigger| match trigger {
            Trigger::Effect { node, nth } => *node == id && *nth == count,
            Trigger::AnyEffect { nth } => is_guest && *nth == all,
            Trigger::EffectOf { event, nth } => (*event, *nth) == effect,
            Trigger::Seen(_)
            | Trigger::Quiet
            | Trigger::Began { .. }
            | Trigger::Ended { .. }
            | Trigger::Promised(_) => false,
        });
    }

    fn begin_sync(&mut self, node: usize, mut work: Work) {
        let incarnation = self.nodes[node].incarnation;
        let (min, max) = self.scenario.nodes[node].sync;
        let (_, luck) = self.seed.key(Purpose::Sync, work.key.0, work.done);
        self.nodes[node].doing = Doing::Handling;
        self.observe(node, Cause::Observation(work.event), Seen::Syncing);
        if self.lives(node, incarnation) {
            self.count_effect(node, &mut work);
        }
        if self.lives(node, incarnation) {
            self.nodes[node].doing = Doing::Syncing(work);
            self.push(self.now + luck.between(0, min, max), Item::GoOn { node, incarnation });
        }
    }
    /// A sync or the work of an event is done.
    fn go_on(&mut self, node: usize, incarnation: u32) {
        if !self.lives(node, incarnation) {
            return;
        }
        match std::mem::replace(&mut self.nodes[node].doing, Doing::Nothing) {
            Doing::Syncing(mut work) => {
                let state = &mut self.nodes[node];
                self.bytes -= state.disk.unsynced_weight();
                state.disk.sync();
                state.doing = Doing::Handling;
                self.observe(node, Cause::Observation(work.event), Seen::Synced);
                if !self.lives(node, incarnation) {
                    return;
                }
                work.done += 1;
                self.count_effect(node, &mut work);
                if self.end.is_none() {
                    self.check_limits(node, work.event);
                }
                if self.lives(node, incarnation) {
                    self.perform(node, work);
                }
            }
            _ => self.make_ready(node),
        }
    }

    fn set_timer(&mut self, node: usize, after_ns: u64, timer: Bytes, work: &Work, label: Option<Box<str>>) {
        let (key, _) = self.seed.key(Purpose::Effect, work.key.0, work.done);
        let state = &self.nodes[node];
        let incarnation = state.incarnation;
        let rings_at = self.now + state.clock.true_time(after_ns.max(TIMER_FLOOR_NS));
        let seen = Seen::TimerSet { timer: timer.clone(), rings_at };
        let setting = self.observe_labelled(node, Cause::Observation(work.event), seen, label);
        if self.lives(node, incarnation) {
            self.bytes += weight(&timer);
            self.nodes[node].timers.insert(timer.clone(), setting);
            self.push(rings_at, Item::Ring { node: short(node), incarnation, timer, setting, key });
        }
    }

    fn send(&mut self, node: usize, to: NodeId, bytes: Bytes, work: &Work, label: Option<Box<str>>) {
        if bytes.len() > self.scenario.limits.message_bytes {
            let excess = Excess::Message(bytes.len());
            return self.misbehave(node, work.event, Misbehaviour::Flooded(excess));
        }
        let (key, luck) = self.seed.key(Purpose::Effect, work.key.0, work.done);
        let seen = Seen::Sent { to, bytes: bytes.clone(), key };
        let sent = self.observe_labelled(node, Cause::Observation(work.event), seen, label);
        // A fault that this very sending set off is in force for it; it leaves even if its sender crashed of it.
        let Some(to) = self.place(to) else {
            self.observe(node, Cause::Observation(sent), Seen::Lost { reason: LossReason::Nobody });
            return;
        };
        let (from, to) = (short(node), short(to));
        self.dispatch(
            Parcel { from, to, content: Content::Message, bytes, sent, key, copy: 0, waits: false },
            luck,
        );
    }
    fn call(
        &mut self,
        node: usize,
        to: Option<NodeId>,
        call: CallId,
        bytes: Bytes,
        work: &Work,
        label: Option<Box<str>>,
    ) {
        let (key, luck) = self.seed.key(Purpose::Call, work.key.0, work.done);
        let incarnation = self.nodes[node].incarnation;
        let usual = self.scenario.nodes[node].calls_to;
        let to = to.or(usual);
        let seen = Seen::Called { to, call, bytes: bytes.clone(), key };
        let sent = self.observe_labelled(node, Cause::Observation(work.event), seen, label);
        let Some(id) = to else { return };
        // whom the scenario lets it call: nodes are told by messages
        let may_call = |place: &usize| {
            Some(id) == usual || matches!(self.scenario.nodes[*place].kind, NodeKind::Service(_))
        };
        let Some(to) = self.place(id).filter(may_call) else {
            self.observe(node, Cause::Observation(sent), Seen::Lost { reason: LossReason::Nobody });
            return;
        };
        let content = Content::Call { call, incarnation };
        let (from, to) = (short(node), short(to));
        self.dispatch(Parcel { from, to, content, bytes, sent, key, copy: 0, waits: false }, luck);
    }
    fn reply(
        &mut self,
        node: usize,
        request: lab::RequestId,
        bytes: Bytes,
        work: &Work,
        label: Option<Box<str>>,
    ) {
        let origin = self.nodes[node].open.remove(&request);
        let draw = || self.seed.key(Purpose::Effect, work.key.0, work.done);
        let drawn = matches!(origin, Some(Origin::Call { .. })).then(draw);
        let key = AnswerKey(drawn.map(|(key, _)| key));
        let seen = Seen::Replied { request, bytes: bytes.clone(), heard: origin.is_some(), key };
        let sent = self.observe_labelled(node, Cause::Observation(work.event), seen, label);
        match origin {
            None => {}
            Some(Origin::Client { client, operation, tries }) => {
                self.client_hears(client, operation, tries, node, Cause::Observation(sent), bytes);
            }
            Some(Origin::Call { caller, incarnation, call }) => {
                let (key, luck) = drawn.expect("the answer to a call");
                let content = Content::Answer { call, incarnation };
                let (from, to) = (short(node), short(caller));
                self.dispatch(Parcel { from, to, content, bytes, sent, key, copy: 0, waits: false }, luck);
            }
        }
    }

    /// Sends a parcel on its way.
    fn dispatch(&mut self, parcel: Parcel, luck: Luck) {
        self.dispatch_unless_held(parcel, luck, true, Vec::new());
    }
    fn dispatch_unless_held(
        &mut self,
        mut parcel: Parcel,
        luck: Luck,
        new: bool,
        mut counts_for: Vec<usize>,
    ) {
        let (from, to) = (self.nodes[parcel.from()].id, self.nodes[parcel.to()].id);
        let is_withheld = !self.scenario.withheld.is_empty()
            && self.network.withholds(from, to, self.scenario.withheld.contains(&parcel.key));
        let what = parcel.content.carried();
        let letter =
            Letter { from, to, what, key: parcel.key, bytes: &parcel.bytes, is_new: new, is_withheld };
        let Filtered { is_lost, held_by, repeats } = self.network.filter(letter, &mut counts_for);
        if new {
            self.caught.extend(counts_for.iter().map(|fault| (*fault, parcel.key)));
        }
        if is_withheld {
            return;
        }
        self.was_noisy = true;
        for (nth, after) in (1_u8..).zip(repeats.into_iter().take(REPEATS_MAX)) {
            let (key, _) = self.seed.key(Purpose::Copy, parcel.key.0, 1 + u64::from(nth));
            self.bytes += weight(&parcel.bytes);
            let parcel = Parcel { key, copy: 2 * nth, waits: true, ..parcel.clone() };
            self.push(self.now + after, Item::Arrive { parcel });
        }
        if is_lost {
            let lost = Seen::Lost { reason: LossReason::Fault };
            self.observe(parcel.to(), Cause::Observation(parcel.sent), lost);
            return;
        }
        if let Some(by) = held_by {
            self.bytes += weight(&parcel.bytes);
            self.held.push(Held { by, parcel, luck, counts_for });
            return;
        }
        let corruptible = matches!(parcel.content, Content::Message);
        match self.network.travel(self.now, from, to, &mut parcel.bytes, corruptible, luck) {
            Err(reason) => {
                self.observe(parcel.to(), Cause::Observation(parcel.sent), Seen::Lost { reason });
            }
            Ok(([first, second], copies)) => {
                let twin = (copies > 1).then(|| {
                    let key = self.seed.key(Purpose::Copy, parcel.key.0, 1).0;
                    Parcel { key, copy: parcel.copy | 1, ..parcel.clone() }
                });
                self.launch(first, parcel);
                if let Some(twin) = twin {
                    self.launch(second, twin);
                }
            }
        }
    }
    fn launch(&mut self, arrival: Time, parcel: Parcel) {
        self.travelling += 1;
        self.bytes += weight(&parcel.bytes);
        self.push(arrival, Item::Arrive { parcel });
    }
    /// Sends on what a fault has kept back.
    pub(crate) fn release(&mut self, fault: usize) {
        let (released, held) = std::mem::take(&mut self.held).into_iter().partition(|held| held.by == fault);
        self.held = held;
        let released: Vec<Held> = released;
        for Held { parcel, luck, counts_for, .. } in released {
            self.bytes -= weight(&parcel.bytes);
            self.dispatch_unless_held(parcel, luck, false, counts_for);
        }
    }
    fn arrive(&mut self, parcel: Parcel) {
        let (from, to) = (parcel.from(), parcel.to());
        let Parcel { content, bytes, sent, key, copy, .. } = parcel;
        self.travelling -= 1;
        let cause = Cause::Observation(sent);
        let (from_id, to_id) = (self.nodes[from].id, self.nodes[to].id);
        if self.network.is_cut(from_id, to_id) {
            self.bytes -= weight(&bytes);
            self.observe(to, cause, Seen::Lost { reason: LossReason::Partition });
            return;
        }
        let event = match content {
            Content::Message => HandedEvent::Message { from: from_id, bytes },
            Content::Call { call, incarnation } => {
                let id = call_request_id(from_id, call.0, copy);
                HandedEvent::Request { id, origin: Origin::Call { caller: from, incarnation, call }, bytes }
            }
            Content::Answer { call, incarnation } => {
                if self.nodes[to].incarnation != incarnation {
                    self.bytes -= weight(&bytes);
                    self.observe(to, cause, Seen::Lost { reason: LossReason::Down });
                    return;
                }
                HandedEvent::Answer { from: from_id, call, bytes }
            }
        };
        self.hand(to, Handed { event, cause, key });
    }

    pub(crate) fn place(&self, node: NodeId) -> Option<usize> {
        self.places.get(&node).copied()
    }
    pub(crate) fn push(&mut self, at: Time, item: Item) {
        self.pushed = self.pushed.checked_add(1).expect("a world's limits allow fewer");
        let place = match self.free_items.pop() {
            Some(place) => {
                self.items[place as usize].0 = Some(item);
                place
            }
            None => {
                self.items.push(Slot(Some(item)));
                u32::try_from(self.items.len() - 1).expect("a world's limits allow fewer")
            }
        };
        self.queue.push(Reverse((at, self.pushed, place)));
    }
    pub(crate) fn observe(&mut self, node: usize, cause: Cause, seen: Seen) -> ObservationId {
        self.observe_labelled(node, cause, seen, None)
    }
    pub(crate) fn observe_labelled(
        &mut self,
        node: usize,
        cause: Cause,
        seen: Seen,
        label: Option<Box<str>>,
    ) -> ObservationId {
        self.observed += 1;
        let id = ObservationId(self.observed);
        let about = self.nodes[node].id;
        let observation = Observation { id, at: self.now, node: about, cause, seen, label };
        observation.hash_into(&mut self.hasher);
        let promised = match &mut self.scribe {
            Some(scribe) => {
                let promised = scribe.note(&observation);
                if self.scenario.nodes[node].kind.is_guest() { promised } else { 0 }
            }
            None => 0,
        };
        // told apart before it is pulled: hardly any observation is waited for, and those alone are copied
        let awaited = promised != 0 || self.is_awaited(about, &observation.seen);
        let seen = awaited.then(|| observation.seen.clone());
        self.observations.push(observation);
        if let Some(seen) = seen {
            self.pull(Some(node), |trigger| trigger.fits(about, &seen) || trigger.awaits(promised));
        }
        id
    }
}

impl NodeKind {
    pub(crate) fn is_guest(self) -> bool {
        matches!(self, NodeKind::Guest)
    }
}
impl Scenario {
    /// Whom a node is told of: whom it says, or every other node that is not a service, in order of id; in a crowd, nobody.
    fn peers_of(&self, spec: &NodeSpec) -> Arc<[NodeId]> {
        if let Some(peers) = &spec.peers {
            return peers.as_slice().into();
        }
        if self.nodes.len() > CROWD {
            return [].into();
        }
        let others = self.nodes.iter().filter(|node| node.id != spec.id);
        let mut peers: Vec<NodeId> =
            others.filter(|node| !matches!(node.kind, NodeKind::Service(_))).map(|node| node.id).collect();
        peers.sort_unstable();
        peers.into()
    }
}
