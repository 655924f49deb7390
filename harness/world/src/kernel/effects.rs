//! What nodes ask for, effect by effect.

use super::World;
use super::handing::Handling;
use super::node::{Doing, NodeState, Owned, Work};
use super::parcel::short;
use super::queue::Item;
use crate::draw::Purpose;
use crate::misbehaviour::{Excess, Misbehaviour, Nonsense};
use crate::observe::{Bytes, Cause, End, ObservationId, Seen};
use crate::scenario::Trigger;
use crate::weight::weight;
use lab::frame::{Ending, RawEffect, Reply};

/// The shortest time a timer can be set for.
const TIMER_FLOOR_NS: u64 = 1_000;

/// How many ids of calls a handler may give away in one event.
const CALLS_PER_EVENT: u64 = 1 << 20;

impl World {
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
            self.shown += bytes.len();
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
    pub(super) fn misbehave(&mut self, node: usize, event: ObservationId, how: Misbehaviour) {
        self.observe(node, Cause::Observation(event), Seen::Misbehaved(how.clone()));
        let NodeState { id, during, .. } = self.nodes[node];
        self.end = Some(End::Misbehaved(id, during, how));
    }
    /// Carries out effects until they are done, or a sync, a pause or a crash comes between.
    pub(super) fn perform(&mut self, node: usize, mut work: Work) {
        let incarnation = self.nodes[node].incarnation;
        loop {
            if self.nodes[node].pauses > 0 {
                self.nodes[node].doing = Doing::Stalled(work);
                return;
            }
            let Some((effect, label)) = work.rest.next() else { break };
            let cause = Cause::Observation(work.event);
            let shown = effect.shown();
            self.shown += shown;
            if shown > self.scenario.limits.message_bytes {
                return self.misbehave(node, work.event, Misbehaviour::Flooded(Excess::Value(shown)));
            }
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
        } else if self.shown > limits.shown {
            Excess::Shown(limits.shown)
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
    pub(super) fn go_on(&mut self, node: usize, incarnation: u32) {
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
}
