//! What a node is handed, and when.

use super::World;
use super::node::{Doing, Handed, HandedEvent, Origin};
use super::queue::take_first;
use crate::draw::{Key, Purpose};
use crate::observe::{Bytes, Cause, End, LossReason, ObservationId, Seen};
use crate::scenario::NodeKind;
use crate::step::{Step, StepEvent};
use crate::weight::weight;
use lab::NodeId;
use lab::frame::{Context, Ending, Reply, Want};

pub(super) struct Handling {
    pub(super) node: usize,
    pub(super) event: ObservationId,
    pub(super) key: Key,
    /// Who sent the event, if it may be none of the node's type.
    pub(super) sender: Option<NodeId>,
}

impl World {
    pub(super) fn boot(&mut self, node: usize) {
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
    pub(super) fn hand(&mut self, node: usize, handed: Handed) {
        if !self.nodes[node].up {
            self.bytes -= handed.weight();
            self.observe(node, handed.cause, Seen::Lost { reason: LossReason::Down });
            return;
        }
        self.nodes[node].waiting.push_back(handed);
        self.make_ready(node);
    }
    pub(super) fn make_ready(&mut self, node: usize) {
        let state = &mut self.nodes[node];
        if !state.ready && state.is_free() && !state.waiting.is_empty() {
            state.ready = true;
            self.ready.push_back(node);
        }
    }
    /// A timer fires, unless it was cancelled, was moved, or went with its node.
    pub(super) fn ring(
        &mut self,
        node: usize,
        incarnation: u32,
        timer: Bytes,
        setting: ObservationId,
        key: Key,
    ) {
        self.bytes -= weight(&timer);
        let state = &self.nodes[node];
        if state.incarnation == incarnation && state.timers.get(&timer) == Some(&setting) {
            let event = HandedEvent::Timer { timer, setting };
            self.hand(node, Handed { event, cause: Cause::Observation(setting), key });
        }
    }

    /// A free node takes up what waits for it.
    pub(super) fn take_up(&mut self, node: usize) -> Option<Step> {
        let state = &mut self.nodes[node];
        if !state.is_free() {
            return None;
        }
        let handed = take_first(&mut state.waiting)?;
        self.bytes -= handed.weight();
        let Handed { event, cause, key } = handed;
        state.during = event.during();
        let sender = self.sender_of(&event);
        let Some((seen, event)) = self.open(node, event) else {
            self.make_ready(node);
            return None;
        };
        let state = &mut self.nodes[node];
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
    /// Who sent an event, if it may be none of the node's type.
    fn sender_of(&self, event: &HandedEvent) -> Option<NodeId> {
        match event {
            HandedEvent::Message { from, .. } | HandedEvent::Answer { from, .. } => Some(*from),
            HandedEvent::Request { origin: Origin::Call { caller, .. }, .. } => {
                Some(self.scenario.nodes[*caller].id)
            }
            HandedEvent::Start | HandedEvent::Request { .. } | HandedEvent::Timer { .. } => None,
        }
    }
    /// An event as it is observed, and as the node is handed it. `None` for a timer that was cancelled or moved while it waited.
    fn open(&mut self, node: usize, event: HandedEvent) -> Option<(Seen, StepEvent)> {
        let state = &mut self.nodes[node];
        Some(match event {
            HandedEvent::Start => {
                let spec = &self.scenario.nodes[node];
                let event = StepEvent::Start {
                    me: spec.id,
                    role: spec.role,
                    incarnation: state.incarnation,
                    peers: self.peers[node].to_vec(),
                    config: spec.config.as_slice().into(),
                    disk: Box::new(state.disk.boot()),
                };
                (Seen::Started { incarnation: state.incarnation }, event)
            }
            HandedEvent::Message { from, bytes } => {
                (Seen::Delivered { from, bytes: bytes.clone() }, StepEvent::Message { from, message: bytes })
            }
            HandedEvent::Request { id, origin, bytes } => {
                state.open.insert(id, origin);
                let operation = match origin {
                    Origin::Client { client, operation, .. } => {
                        let client = &self.scenario.clients[client];
                        Some((client.id, client.operations[operation].id))
                    }
                    Origin::Call { .. } => None,
                };
                let seen = Seen::Requested { request: id, operation, bytes: bytes.clone() };
                (seen, StepEvent::Request { id, request: bytes })
            }
            HandedEvent::Timer { timer, setting } => {
                if state.timers.get(&timer) != Some(&setting) {
                    return None;
                }
                state.timers.remove(&timer);
                (Seen::Rang { timer: timer.clone() }, StepEvent::Timer { timer })
            }
            HandedEvent::Answer { from, call, bytes } => (
                Seen::Answered { from, call, bytes: bytes.clone() },
                StepEvent::Answer { call, answer: bytes },
            ),
        })
    }

    /// A puppet handles its event.
    pub(super) fn play(&mut self, node: usize, step: &Step) {
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
}
