//! Faults: what sets them off, what they do, and how they end.

use crate::kernel::{Action, Item, World, weight};
use crate::network::{Cut, Does, Filter, Worse};
use crate::node::{Doing, Handed, HandedEvent};
use crate::observe::{Bytes, Cause, ObservationId, Seen};
use crate::scenario::{DiskLoss, Harm, NodeKind, Trigger, Until, Who, Words};
use crate::time::Time;
use lab::NodeId;
use std::time::Duration;

/// Something that waits for a trigger.
#[derive(Debug)]
pub(crate) struct Armed {
    trigger: Trigger,
    left: u32,
    after: Duration,
    action: Action,
}

/// How far a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultState {
    NotYet,
    /// On; for those that hit a node, which one, and what to undo.
    On(Option<Undo>),
    Over,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undo {
    Restart { node: usize, incarnation: u32 },
    Resume { node: usize },
    Speed { node: usize },
    Thaw { node: usize },
    Drift { node: usize },
    Company { node: usize },
}

impl World {
    pub(crate) fn arm(&mut self, trigger: Trigger, nth: u32, after: Duration, action: Action) {
        self.armed.push(Armed { trigger, left: nth.max(1), after, action });
    }
    /// Whether anything waits for what was seen of this node.
    pub(crate) fn is_awaited(&self, node: NodeId, seen: &Seen) -> bool {
        self.armed.iter().any(|armed| armed.trigger.fits(node, seen))
    }
    /// Does whatever waits for what `fits` describes. The culprit is the node it was seen on.
    pub(crate) fn pull(&mut self, culprit: Option<usize>, fits: impl Fn(&Trigger) -> bool) {
        if self.armed.is_empty() {
            return;
        }
        let mut pulled = Vec::new();
        let (effect, set_off) = (self.effect, &mut self.set_off);
        self.armed.retain_mut(|armed| {
            if !fits(&armed.trigger) {
                return true;
            }
            armed.left -= 1;
            if armed.left == 0 {
                pulled.push((armed.action, armed.after));
                if let (Action::Begin { fault }, Trigger::Effect { .. } | Trigger::AnyEffect { .. }) =
                    (armed.action, &armed.trigger)
                {
                    set_off.insert(fault, effect);
                }
            }
            armed.left > 0
        });
        for (action, after) in pulled {
            if after.is_zero() {
                self.act(action, culprit);
            } else {
                self.push(self.now + after, Item::Act(action, culprit));
            }
        }
    }
    pub(crate) fn act(&mut self, action: Action, culprit: Option<usize>) {
        match action {
            Action::Begin { fault } => self.begin_fault(fault, culprit),
            Action::End { fault } => self.end_fault(fault),
            Action::Invoke { client, operation } => self.push(self.now, Item::Invoke { client, operation }),
            Action::Start { node } => self.push(self.now, Item::Boot { node }),
        }
    }

    fn begin_fault(&mut self, fault: usize, culprit: Option<usize>) {
        let scenario = self.scenario.clone();
        let spec = &scenario.faults[fault];
        if self.faults[fault] != FaultState::NotYet || self.is_calm && !spec.after_calm {
            return;
        }
        let hit = |world: &World, who: &Who| match who {
            Who::Node(id) => world.place(*id),
            Who::Culprit => culprit,
        };
        let about = match &spec.harm {
            Harm::Crash { node, .. }
            | Harm::Pause { node }
            | Harm::Slow { node, .. }
            | Harm::Isolate { node }
            | Harm::Alone { node }
            | Harm::Forge { to: node, .. }
            | Harm::ClockJump { node, .. }
            | Harm::ClockFreeze { node }
            | Harm::Rot { node, .. }
            | Harm::ClockDrift { node, .. } => match hit(self, node) {
                Some(node) => Some(node),
                None => return,
            },
            Harm::Partition { .. }
            | Harm::Cut { .. }
            | Harm::Links(_)
            | Harm::Hold { .. }
            | Harm::Lose { .. }
            | Harm::Repeat { .. }
            | Harm::LoseThis { .. }
            | Harm::RepeatThis { .. }
            | Harm::Worse { .. } => None,
        };
        let said = match &spec.harm {
            Harm::Forge { from, words, .. } => match (about, self.words(words, about, *from)) {
                (Some(to), Some(words)) => Some((*from, to, words)),
                _ => {
                    self.faults[fault] = FaultState::Over;
                    return;
                }
            },
            _ => None,
        };
        self.faults[fault] = FaultState::On(None);
        let began = self.observe(about.or(culprit).unwrap_or(0), Cause::Scenario, Seen::FaultBegan { fault });
        let node = about.unwrap_or(0);
        let id: NodeId = self.nodes[node].id;
        let mut undo = None;
        match &spec.harm {
            Harm::Crash { disk, .. } => {
                if self.nodes[node].up {
                    self.crash(node, *disk);
                    undo = Some(Undo::Restart { node, incarnation: self.nodes[node].incarnation });
                }
            }
            Harm::Pause { .. } => {
                self.nodes[node].pauses += 1;
                self.observe(node, Cause::Scenario, Seen::Paused);
                undo = Some(Undo::Resume { node });
            }
            Harm::Slow { per_event, .. } => {
                self.nodes[node].slow.push((fault, *per_event));
                undo = Some(Undo::Speed { node });
            }
            Harm::Isolate { .. } => self.network.cut(fault, Cut::Isolate(id)),
            Harm::Alone { .. } => {
                self.leave_alone(fault, node);
                undo = Some(Undo::Company { node });
            }
            Harm::Forge { .. } => {
                if let Some((from, to, words)) = said {
                    self.forge(from, to, words, began);
                }
            }
            Harm::Partition { groups } => self.network.cut(fault, Cut::Partition(groups.clone())),
            Harm::Cut { from, to } => self.network.cut(fault, Cut::OneWay(from.clone(), to.clone())),
            Harm::Links(rule) => self.network.rule(fault, *rule),
            Harm::Hold { from, to, nth, matches, what }
            | Harm::Lose { from, to, nth, matches, what }
            | Harm::Repeat { from, to, nth, matches, what, .. } => {
                let does = match &spec.harm {
                    Harm::Lose { .. } => Does::Lose,
                    Harm::Repeat { after, .. } => Does::Repeat { after: *after },
                    _ => Does::Hold,
                };
                let matches = matches.clone();
                self.network.filters.push(Filter {
                    fault,
                    from: *from,
                    to: *to,
                    nth: *nth,
                    matches,
                    what: *what,
                    key: None,
                    does,
                    seen: 0,
                });
            }
            Harm::LoseThis { key } | Harm::RepeatThis { key, .. } => {
                let does = match &spec.harm {
                    Harm::RepeatThis { after, .. } => Does::Repeat { after: *after },
                    _ => Does::Lose,
                };
                let key = Some(*key);
                let all = Filter {
                    fault,
                    from: None,
                    to: None,
                    nth: None,
                    matches: None,
                    what: None,
                    key,
                    does,
                    seen: 0,
                };
                self.network.filters.push(all);
            }
            Harm::Worse { from, to, loss, duplication, corruption, late } => {
                let (from, to, loss, duplication, corruption, late) =
                    (*from, *to, *loss, *duplication, *corruption, *late);
                self.network.worsen(fault, Worse { from, to, loss, duplication, corruption, late });
            }
            Harm::Rot { file, damage, .. } => self.nodes[node].disk.rot(file, damage),
            Harm::ClockJump { by_ns, .. } => {
                let now = self.now;
                self.nodes[node].clock.jump(now, *by_ns);
            }
            Harm::ClockFreeze { .. } => {
                let now = self.now;
                self.nodes[node].clock.freeze(now);
                undo = Some(Undo::Thaw { node });
            }
            Harm::ClockDrift { ppm, .. } => {
                let now = self.now;
                self.nodes[node].drifts.push((fault, *ppm));
                self.nodes[node].clock.drift(now, *ppm);
                undo = Some(Undo::Drift { node });
            }
        }
        self.faults[fault] = FaultState::On(undo);
        match &spec.until {
            Until::Calm | Until::Never => {}
            Until::After(lasts) => self.push(self.now + *lasts, Item::Act(Action::End { fault }, None)),
            Until::Trigger(trigger) => {
                self.arm(trigger.clone(), 1, Duration::ZERO, Action::End { fault });
            }
        }
    }

    fn end_fault(&mut self, fault: usize) {
        let FaultState::On(undo) = self.faults[fault] else { return };
        self.faults[fault] = FaultState::Over;
        let about = match undo {
            Some(
                Undo::Restart { node, .. }
                | Undo::Resume { node }
                | Undo::Speed { node }
                | Undo::Thaw { node }
                | Undo::Drift { node }
                | Undo::Company { node },
            ) => node,
            None => 0,
        };
        self.observe(about, Cause::Scenario, Seen::FaultEnded { fault });
        self.network.mend(fault);
        self.release(fault);
        let now = self.now;
        match undo {
            None => {}
            Some(Undo::Restart { node, incarnation }) => {
                let down_since = self.nodes[node].incarnation == incarnation && !self.nodes[node].up;
                if down_since {
                    self.push(now, Item::Boot { node });
                }
            }
            Some(Undo::Resume { node }) => self.resume(node),
            Some(Undo::Company { node }) => {
                for other in self.others(node) {
                    self.nodes[other].pauses -= 1;
                    self.go_on_after_pause(other);
                }
            }
            // of several that overlap, the one that began last is in force
            Some(Undo::Speed { node }) => self.nodes[node].slow.retain(|(of, _)| *of != fault),
            Some(Undo::Thaw { node }) => self.nodes[node].clock.thaw(now),
            Some(Undo::Drift { node }) => {
                let usual = self.scenario.nodes[node].clock.drift_ppm;
                let state = &mut self.nodes[node];
                state.drifts.retain(|(of, _)| *of != fault);
                state.clock.drift(now, state.drifts.last().map_or(usual, |(_, ppm)| *ppm));
            }
        }
    }

    /// Whether a fault is none of the calm's business.
    fn outlasts_calm(&self, fault: usize) -> bool {
        let spec = &self.scenario.faults[fault];
        spec.after_calm || matches!(spec.until, Until::Never)
    }
    /// Nothing goes wrong from here on, but for what is to outlast it.
    pub(crate) fn calm_down(&mut self) {
        self.is_calm = true;
        let mut armed = std::mem::take(&mut self.armed);
        armed.retain(|armed| match armed.action {
            Action::Invoke { .. } | Action::Start { .. } => true,
            Action::Begin { fault } => self.scenario.faults[fault].after_calm,
            Action::End { fault } => self.outlasts_calm(fault),
        });
        self.armed = armed;
        self.observe(0, Cause::Scenario, Seen::Calm);
        let (ends, lasts): (Vec<usize>, Vec<usize>) =
            (0..self.faults.len()).partition(|fault| !self.outlasts_calm(*fault));
        // first of all, so that what is released now already travels on calm links
        if let Some((_, link)) = self.scenario.calm {
            let regions = if self.scenario.regions { &self.scenario.links[..] } else { &[] };
            self.network.calm(link, regions, &lasts);
        }
        for fault in ends {
            self.end_fault(fault);
        }
        for node in 0..self.nodes.len() {
            let keeps_down = |fault: &usize| {
                let life = (node, self.nodes[node].incarnation);
                matches!(self.faults[*fault],
                    FaultState::On(Some(Undo::Restart { node, incarnation })) if (node, incarnation) == life)
            };
            if !self.nodes[node].up && self.nodes[node].has_started && !lasts.iter().any(keeps_down) {
                self.push(self.now, Item::Boot { node });
            }
        }
    }

    fn crash(&mut self, node: usize, loss: DiskLoss) {
        let state = &mut self.nodes[node];
        let (key, _) =
            self.seed.key(crate::draw::Purpose::Crash, u64::from(state.id.0), u64::from(state.incarnation));
        let lost = state.disk.unsynced_weight() + state.waiting.iter().map(Handed::weight).sum::<usize>();
        let fates = state.disk.crash(loss, self.seed, key);
        state.lose_memory();
        self.bytes -= lost;
        let label = self.want_labels.then(|| fates.to_string().into());
        self.observe_labelled(node, Cause::Scenario, Seen::Crashed, label);
    }

    fn resume(&mut self, node: usize) {
        let state = &mut self.nodes[node];
        state.pauses -= 1;
        if state.pauses == 0 {
            self.observe(node, Cause::Scenario, Seen::Resumed);
            self.go_on_after_pause(node);
        }
    }
    /// Goes on where it stood still, unless something else keeps it.
    fn go_on_after_pause(&mut self, node: usize) {
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
    fn others(&self, node: usize) -> Vec<usize> {
        let is_service = |place: usize| matches!(self.scenario.nodes[place].kind, NodeKind::Service(_));
        (0..self.nodes.len()).filter(|place| *place != node && !is_service(*place)).collect()
    }
    fn leave_alone(&mut self, fault: usize, node: usize) {
        let others = self.others(node);
        let names = others.iter().map(|other| self.nodes[*other].id).collect();
        self.network.cut(fault, Cut::Partition(vec![vec![self.nodes[node].id], names]));
        for other in others {
            self.nodes[other].pauses += 1;
        }
    }
    /// What is said to a node, encoded; `None` where there is nothing to say.
    fn words(&self, words: &Words, to: Option<usize>, from: NodeId) -> Option<Vec<u8>> {
        match words {
            Words::Bytes(bytes) => Some(bytes.clone()),
            Words::Asked(question) => self.scribe.as_ref()?.ask(self.nodes[to?].id, *question, from),
        }
    }
    /// Hands a message to a node that nobody's code has sent.
    fn forge(&mut self, from: NodeId, to: usize, words: Vec<u8>, why: ObservationId) {
        let Some(sender) = self.place(from) else { return };
        let to_id = self.nodes[to].id;
        let nth = self.forged.entry((from, to_id)).or_insert(0);
        *nth += 1;
        let pair = u64::from(from.0) << 32 | u64::from(to_id.0);
        let (key, _) = self.seed.key(crate::draw::Purpose::Forge, pair, *nth);
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

/// True time at which a scenario's clock shows this.
pub(crate) fn at(after: Duration) -> Time {
    Time::ZERO + after
}
