//! What faults do to a node.

use super::World;
use super::node::{Doing, Handed, HandedEvent};
use super::queue::Item;
use crate::draw::Purpose;
use crate::network::Cut;
use crate::observe::{Bytes, Cause, ObservationId, Seen};
use crate::scenario::{DiskLoss, Harm, NodeKind, Words};
use crate::weight::weight;
use lab::NodeId;

/// What the end of a fault has to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undo {
    Restart { node: usize, incarnation: u32 },
    Resume { node: usize },
    Speed { node: usize },
    Thaw { node: usize },
    Drift { node: usize },
    Company { node: usize },
}
impl Undo {
    /// The node that it is about.
    pub(super) fn node(self) -> usize {
        match self {
            Undo::Restart { node, .. }
            | Undo::Resume { node }
            | Undo::Speed { node }
            | Undo::Thaw { node }
            | Undo::Drift { node }
            | Undo::Company { node } => node,
        }
    }
}

impl World {
    /// Does to a node what a fault does, and says what its end has to undo.
    pub(super) fn strike(&mut self, fault: usize, harm: &Harm, node: usize) -> Option<Undo> {
        let now = self.now;
        let state = &mut self.nodes[node];
        match harm {
            Harm::Crash { disk, .. } => {
                if !state.up {
                    return None;
                }
                self.crash(node, *disk);
                return Some(Undo::Restart { node, incarnation: self.nodes[node].incarnation });
            }
            Harm::Pause { .. } => {
                state.pauses += 1;
                self.observe(node, Cause::Scenario, Seen::Paused);
                return Some(Undo::Resume { node });
            }
            Harm::Slow { per_event, .. } => {
                state.slow.push((fault, *per_event));
                return Some(Undo::Speed { node });
            }
            Harm::Alone { .. } => {
                self.leave_alone(fault, node);
                return Some(Undo::Company { node });
            }
            Harm::ClockFreeze { .. } => {
                state.clock.freeze(now);
                return Some(Undo::Thaw { node });
            }
            Harm::ClockDrift { ppm, .. } => {
                state.drifts.push((fault, *ppm));
                state.clock.drift(now, *ppm);
                return Some(Undo::Drift { node });
            }
            Harm::ClockJump { by_ns, .. } => state.clock.jump(now, *by_ns),
            Harm::Rot { file, damage, .. } => state.disk.rot(file, damage),
            Harm::Isolate { .. } => self.network.cut(fault, Cut::Isolate(state.id)),
            // said, or done to the network
            Harm::Forge { .. }
            | Harm::Partition { .. }
            | Harm::Cut { .. }
            | Harm::Links(_)
            | Harm::Hold { .. }
            | Harm::Lose { .. }
            | Harm::Repeat { .. }
            | Harm::LoseThis { .. }
            | Harm::RepeatThis { .. }
            | Harm::Worse { .. } => {}
        }
        None
    }
    /// The node is as it was before a fault that ends.
    pub(super) fn undo(&mut self, fault: usize, undo: Undo) {
        let now = self.now;
        match undo {
            Undo::Restart { node, incarnation } => {
                let down_since = self.nodes[node].incarnation == incarnation && !self.nodes[node].up;
                if down_since {
                    self.push(now, Item::Boot { node });
                }
            }
            Undo::Resume { node } => self.resume(node),
            Undo::Company { node } => {
                for other in self.others(node) {
                    self.nodes[other].pauses -= 1;
                    self.go_on_after_pause(other);
                }
            }
            // of several that overlap, the one that began last is in force
            Undo::Speed { node } => self.nodes[node].slow.retain(|(of, _)| *of != fault),
            Undo::Thaw { node } => self.nodes[node].clock.thaw(now),
            Undo::Drift { node } => {
                let usual = self.scenario.nodes[node].clock.drift_ppm;
                let state = &mut self.nodes[node];
                state.drifts.retain(|(of, _)| *of != fault);
                state.clock.drift(now, state.drifts.last().map_or(usual, |(_, ppm)| *ppm));
            }
        }
    }

    pub(super) fn crash(&mut self, node: usize, loss: DiskLoss) {
        let state = &mut self.nodes[node];
        let (key, _) = self.seed.key(Purpose::Crash, u64::from(state.id.0), u64::from(state.incarnation));
        let lost = state.disk.unsynced_weight() + state.waiting.iter().map(Handed::weight).sum::<usize>();
        let fates = state.disk.crash(loss, self.seed, key);
        state.lose_memory();
        self.bytes -= lost;
        let label = self.want_labels.then(|| fates.to_string().into());
        self.observe_labelled(node, Cause::Scenario, Seen::Crashed, label);
    }
    pub(super) fn resume(&mut self, node: usize) {
        let state = &mut self.nodes[node];
        state.pauses -= 1;
        if state.pauses == 0 {
            self.observe(node, Cause::Scenario, Seen::Resumed);
            self.go_on_after_pause(node);
        }
    }
    /// Goes on where it stood still, unless something else keeps it.
    pub(super) fn go_on_after_pause(&mut self, node: usize) {
        if self.nodes[node].pauses > 0 {
            return;
        }
        match std::mem::replace(&mut self.nodes[node].doing, Doing::Nothing) {
            Doing::Stalled(work) => self.perform(node, work),
            other => {
                self.nodes[node].doing = other;
                self.make_ready(node);
            }
        }
    }
    /// All nodes but this one and the services.
    pub(super) fn others(&self, node: usize) -> Vec<usize> {
        let is_service = |place: usize| matches!(self.scenario.nodes[place].kind, NodeKind::Service(_));
        (0..self.nodes.len()).filter(|place| *place != node && !is_service(*place)).collect()
    }
    pub(super) fn leave_alone(&mut self, fault: usize, node: usize) {
        let others = self.others(node);
        let names = others.iter().map(|other| self.nodes[*other].id).collect();
        self.network.cut(fault, Cut::Partition(vec![vec![self.nodes[node].id], names]));
        for other in others {
            self.nodes[other].pauses += 1;
        }
    }
    /// What is said to a node, encoded; `None` where there is nothing to say.
    pub(super) fn words(&self, words: &Words, to: usize, from: NodeId) -> Option<Vec<u8>> {
        match words {
            Words::Bytes(bytes) => Some(bytes.clone()),
            Words::Asked(question) => self.scribe.as_ref()?.ask(self.nodes[to].id, *question, from),
        }
    }
    /// Hands a message to a node that nobody's code has sent.
    pub(super) fn forge(&mut self, from: NodeId, to: usize, words: Vec<u8>, why: ObservationId) {
        let Some(sender) = self.place(from) else { return };
        let to_id = self.nodes[to].id;
        let nth = self.forged.entry((from, to_id)).or_insert(0);
        *nth += 1;
        let pair = u64::from(from.0) << 32 | u64::from(to_id.0);
        let (key, _) = self.seed.key(Purpose::Forge, pair, *nth);
        let bytes: Bytes = words.into();
        let seen = Seen::Sent { to: to_id, bytes: bytes.clone(), key };
        let sent = self.observe(sender, Cause::Observation(why), seen);
        if self.scenario.withheld.contains(&key) {
            return;
        }
        self.bytes += weight(&bytes);
        let event = HandedEvent::Message { from, bytes };
        self.hand(to, Handed { event, cause: Cause::Observation(sent), key });
    }
}
