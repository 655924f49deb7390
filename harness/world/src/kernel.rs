//! The kernel: one event after another.

mod clients;
mod effects;
mod faults;
mod handing;
mod harm;
mod node;
mod parcel;
mod queue;
mod travel;
mod triggers;

use self::clients::Progress;
use self::faults::FaultState;
use self::handing::Handling;
use self::node::{Doing, NodeState};
use self::parcel::Held;
use self::queue::{Action, Item, Queue, take_first};
use self::triggers::Armed;
use crate::draw::{Key, Seed};
use crate::network::Network;
use crate::observe::{Cause, End, Observation, ObservationId, Seen};
use crate::scenario::{Fault, Harm, NodeKind, Scenario, Scribe, Trigger, When};
use crate::step::Step;
use crate::time::Time;
use lab::{Disk, NodeId};
use rustc_hash::{FxHashMap, FxHasher};
use std::collections::VecDeque;
use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;

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
    scenario: Arc<Scenario>,
    seed: Seed,
    now: Time,
    nodes: Vec<NodeState>,
    network: Network,
    faults: Vec<FaultState>,
    armed: Vec<Armed>,
    is_calm: bool,
    progress: Vec<Vec<Progress>>,
    /// Takes note of promises, where the scenario asks for it.
    scribe: Option<Box<dyn Scribe>>,
    /// How many messages were forged from a node to a node.
    forged: FxHashMap<(NodeId, NodeId), u64>,
    places: FxHashMap<NodeId, usize>,
    queue: Queue,
    /// Whom each node is told of.
    peers: Vec<Arc<[NodeId]>>,
    ready: VecDeque<usize>,
    held: Vec<Held>,
    /// Messages under way, and whether there were any since it was last quiet.
    travelling: usize,
    was_noisy: bool,
    /// What is under way, held, waiting, unsynced or to ring, as [`weight`] counts.
    bytes: usize,
    /// Bytes of events, replies, calls and statuses so far.
    shown: usize,
    effects: u64,
    /// Of all guests.
    guest_effects: u64,
    /// The effect that was counted last: the key of the event that it is of, and which of its effects it is.
    effect: (Key, u64),
    /// By which effect faults were set off that waited for one.
    set_off: FxHashMap<usize, (Key, u64)>,
    /// What faults have caught that are about the `nth` of something.
    caught: FxHashMap<usize, Key>,
    handling: Option<Handling>,
    events: u64,
    want_labels: bool,
    observations: Vec<Observation>,
    observed: u64,
    hasher: FxHasher,
    end: Option<End>,
}

/// True time at which a scenario's clock shows this.
fn at(after: Duration) -> Time {
    Time::ZERO + after
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
        assert!(
            scenario.faults.iter().all(|fault| is_honest(&scenario, fault)),
            "only what a puppet says can be forged"
        );
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
            queue: Queue::default(),
            peers: scenario.nodes.iter().map(|node| scenario.peers_of(node)).collect(),
            ready: VecDeque::new(),
            held: Vec::new(),
            travelling: 0,
            was_noisy: false,
            bytes: 0,
            shown: 0,
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
        self.bytes + self.nodes.iter().map(|node| node.disk.held()).sum::<usize>()
    }
    /// Bytes of what oracles were shown so far, and may keep: events, replies, calls and statuses.
    pub fn shown(&self) -> usize {
        self.shown
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
            if self.is_quiet() {
                self.was_noisy = false;
                self.pull(None, |trigger| matches!(trigger, Trigger::Quiet));
                continue;
            }
            match self.queue.pop() {
                None => self.end = Some(End::Idle),
                Some((time, _)) if time > at(self.scenario.end) => {
                    self.now = at(self.scenario.end);
                    self.end = Some(End::Time);
                }
                Some((time, item)) => {
                    debug_assert!(time >= self.now, "time never goes back");
                    self.now = time;
                    self.happen(item);
                }
            }
        }
        None
    }
    /// Whether no message is under way any more, and no node has anything to do.
    fn is_quiet(&self) -> bool {
        let is_idle = |node: &NodeState| matches!(node.doing, Doing::Nothing) && node.waiting.is_empty();
        self.travelling == 0 && self.was_noisy && self.nodes.iter().all(is_idle)
    }

    fn happen(&mut self, item: Item) {
        match item {
            Item::Boot { node } => self.boot(node),
            Item::Arrive { parcel } if parcel.waits => self.leave_again(parcel),
            Item::Arrive { parcel } => self.arrive(parcel),
            Item::Ring { node, incarnation, timer, setting, key } => {
                self.ring(node as usize, incarnation, timer, setting, key);
            }
            Item::GoOn { node, incarnation } => self.go_on(node, incarnation),
            Item::Invoke { client, operation } => self.invoke(client, operation),
            Item::TryTimesOut { client, operation, tries } => self.try_times_out(client, operation, tries),
            Item::Act(action, culprit) => self.act(action, culprit),
            Item::Calm => self.calm_down(),
        }
    }
    fn place(&self, node: NodeId) -> Option<usize> {
        self.places.get(&node).copied()
    }
    fn push(&mut self, at: Time, item: Item) {
        self.queue.push(at, item);
    }
    fn observe(&mut self, node: usize, cause: Cause, seen: Seen) -> ObservationId {
        self.observe_labelled(node, cause, seen, None)
    }
    fn observe_labelled(
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

/// Whether nothing is said in the name of a node that the submission plays.
fn is_honest(scenario: &Scenario, fault: &Fault) -> bool {
    let is_puppet =
        |id| scenario.nodes.iter().any(|node| node.id == id && matches!(node.kind, NodeKind::Puppet(_)));
    match &fault.harm {
        Harm::Forge { from, .. } => is_puppet(*from),
        _ => true,
    }
}
