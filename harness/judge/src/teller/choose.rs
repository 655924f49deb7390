//! Which events matter to a failure, and which of them are shown.

use super::{About, Teller};
use crate::story::is_puppet;
use lab::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use world::{Cause, Harm, LossReason, Observation, ObservationId, Seen, Time};

/// A story has no more events.
const EVENTS_MAX: usize = 24;

/// Nor one about what never happened.
const EVENTS_MAX_OF_NOTHING: usize = 14;
/// Nor one that shows one case of many.
const EVENTS_MAX_OF_EXAMPLE: usize = 8;

pub(super) struct Chosen {
    pub(super) rows: BTreeSet<ObservationId>,
    pub(super) left_out: BTreeSet<ObservationId>,
}

impl Teller<'_> {
    /// The events that matter: handled ones, and what was done to nodes.
    ///
    /// Where something never happened, everything up to the end may be why: `everything`.
    pub(super) fn choose(&self, about: &About) -> Chosen {
        let About { marks, ending, .. } = about;
        let everything = ending.is_some();
        let (mut chosen, last) = if everything || marks.is_empty() {
            (self.since(marks), self.trace.observations.last().map(|seen| seen.id))
        } else {
            (self.past_of(marks), marks.keys().next_back().copied())
        };
        let last = last.unwrap_or(ObservationId(0));
        // what was done to the network meanwhile, which is nobody's
        let network = self.trace.observations.iter().take_while(|seen| seen.id <= last);
        chosen.extend(network.filter(|seen| self.is_of_network(seen)).map(|seen| seen.id));
        // a message that was lost and is shown for itself needs no second row
        chosen.retain(|id| match (&self.get(*id).seen, self.get(*id).cause) {
            (Seen::Lost { .. }, Cause::Observation(sent)) => !marks.contains_key(&sent),
            _ => true,
        });
        self.fit(chosen, about)
    }
    /// What is marked, and all that matters since the first mark, or since the beginning.
    fn since(&self, marks: &BTreeMap<ObservationId, String>) -> BTreeSet<ObservationId> {
        let begin = marks.keys().next().copied().unwrap_or(ObservationId(0));
        let all = self.trace.observations.iter().filter(|seen| {
            self.matters(seen)
                && (seen.id >= begin || matches!(seen.seen, Seen::Crashed | Seen::Started { .. }))
        });
        marks.keys().map(|id| self.step(*id)).chain(all.map(|seen| seen.id)).collect()
    }
    /// What is marked, and what led to it: the events that brought it about, and what their nodes had been through before.
    fn past_of(&self, marks: &BTreeMap<ObservationId, String>) -> BTreeSet<ObservationId> {
        let mut chosen = BTreeSet::new();
        let mut pending: Vec<ObservationId> = marks.keys().copied().collect();
        let mut followed: BTreeMap<NodeId, ObservationId> = BTreeMap::new();
        while let Some(id) = pending.pop() {
            let step = self.step(id);
            let seen = self.get(step);
            if self.is_scripted(seen) {
                continue; // what a script says needs no reason
            }
            if chosen.insert(step)
                && let (true, Cause::Observation(cause)) = (brings_news(seen), seen.cause)
            {
                pending.push(cause);
            }
            let until = followed.entry(seen.node).or_insert(ObservationId(0));
            if *until < step {
                let before = std::mem::replace(until, step);
                pending.extend(self.been_through(seen, before));
            }
        }
        chosen
    }
    /// Whether the suite does this of its own accord: a played node, or a forged message.
    fn is_scripted(&self, seen: &Observation) -> bool {
        match seen.seen {
            Seen::Started { .. } | Seen::Rang { .. } => is_puppet(self.scenario, seen.node),
            Seen::FaultBegan { fault } => matches!(self.harm(fault), Some(Harm::Forge { .. })),
            _ => false,
        }
    }
    /// What matters of what a node has been through between `before` and an event of its own.
    fn been_through(
        &self,
        event: &Observation,
        before: ObservationId,
    ) -> impl Iterator<Item = ObservationId> {
        let earlier = self
            .trace
            .observations
            .iter()
            .filter(move |other| other.node == event.node && other.id > before && other.id < event.id);
        // what a client did not wait for says little of how a node came to do something
        let earlier = earlier.filter(|other| !matches!(other.seen, Seen::GaveUp { .. }));
        earlier.filter(|other| self.matters(other)).map(|other| other.id)
    }
    /// Whether an event of a node is part of its story just for having happened.
    fn matters(&self, seen: &Observation) -> bool {
        let is_puppet = is_puppet(self.scenario, seen.node);
        match seen.seen {
            Seen::Started { .. } | Seen::Rang { .. } if is_puppet => false,
            Seen::Started { incarnation } => incarnation > 0 || seen.at > Time::ZERO,
            Seen::GaveUp { .. } => true,
            Seen::Delivered { .. } | Seen::Requested { .. } | Seen::Answered { .. } => true,
            Seen::Crashed | Seen::Paused | Seen::Resumed => true,
            Seen::FaultBegan { fault } => self.is_of_clock(fault),
            Seen::Rang { .. } => self.effects.get(&seen.id).into_iter().flatten().any(|effect| {
                matches!(self.get(*effect).seen, Seen::Emitted { .. } | Seen::Replied { .. })
                    || self.is_last_status(*effect)
            }),
            _ => false,
        }
    }
    /// Whether this is a status that the node has kept until something other than an alarm happened to it.
    fn is_last_status(&self, id: ObservationId) -> bool {
        let seen = self.get(id);
        if !matches!(seen.seen, Seen::Status { .. }) {
            return false;
        }
        let later = self.trace.observations.iter().skip_while(|other| other.id <= id);
        let next = later.filter(|other| other.node == seen.node).find(|other| {
            matches!(other.seen, Seen::Status { .. } | Seen::Crashed)
                || other.seen.is_handed() && !matches!(other.seen, Seen::Rang { .. })
        });
        !next.is_some_and(|next| matches!(next.seen, Seen::Status { .. }))
    }
    fn is_of_network(&self, seen: &Observation) -> bool {
        use Harm::{Alone, Cut, Hold, Isolate, Links, Lose, Partition, Repeat, Worse};
        let (Seen::FaultBegan { fault } | Seen::FaultEnded { fault }) = seen.seen else {
            return matches!(seen.seen, Seen::Calm | Seen::Lost { reason: LossReason::Fault });
        };
        if matches!(seen.seen, Seen::FaultEnded { .. }) && self.splits_anew(seen, fault) {
            return false;
        }
        match self.harm(fault) {
            Some(
                Partition { .. }
                | Alone { .. }
                | Isolate { .. }
                | Cut { .. }
                | Links(_)
                | Hold { .. }
                | Worse { .. },
            ) => true,
            // which message it is shows where it is lost, or comes once more
            Some(Lose { nth, .. } | Repeat { nth, .. }) => nth.is_none(),
            _ => false,
        }
    }
    /// Whether another split of the network begins in the moment in which this one ends: it is not whole in between.
    fn splits_anew(&self, ended: &Observation, fault: usize) -> bool {
        let is_split = |fault: usize| matches!(self.harm(fault), Some(Harm::Partition { .. }));
        let began = |seen: &Observation| match seen.seen {
            Seen::FaultBegan { fault: other } => seen.at == ended.at && other != fault && is_split(other),
            _ => false,
        };
        is_split(fault) && self.trace.observations.iter().any(began)
    }
    /// Whether this is one of the first few that faults lose on this way: of hundreds, the rest says no more.
    fn is_first_lost(&self, seen: &Observation) -> bool {
        const FIRST: usize = 3;
        let before = self.trace.observations.iter().take_while(|other| other.id < seen.id);
        before.filter(|other| other.node == seen.node && self.is_of_network(other)).count() < FIRST
    }
    /// The last of these on each node of the submission's.
    fn last_of_each(&self, of: &BTreeSet<ObservationId>) -> BTreeMap<NodeId, ObservationId> {
        let handed = of.iter().map(|id| self.get(*id)).filter(|seen| seen.seen.is_handed());
        handed.filter(|seen| !is_puppet(self.scenario, seen.node)).map(|seen| (seen.node, seen.id)).collect()
    }
    /// The chains of causes of these, event by event, to where they begin. Of an alarm that is set again and again, only the last time:
    /// the others lead back to the start of its node, and say nothing.
    fn direct_causes(&self, of: &BTreeSet<ObservationId>) -> BTreeSet<ObservationId> {
        let (mut direct, mut seen) = (BTreeSet::new(), BTreeSet::new());
        for step in of {
            let (mut step, mut by_alarm) = (*step, false);
            while seen.insert(step) {
                let is_alarm = matches!(self.get(step).seen, Seen::Rang { .. });
                if !(by_alarm && is_alarm) {
                    direct.insert(step);
                }
                by_alarm = is_alarm;
                match self.get(step).cause {
                    Cause::Observation(cause) => step = self.step(cause),
                    Cause::Scenario => break,
                }
            }
        }
        direct
    }
    /// The most telling of them, where there are too many.
    fn fit(&self, chosen: BTreeSet<ObservationId>, about: &About) -> Chosen {
        let About { marks, ending, is_example, .. } = about;
        let everything = ending.is_some();
        let most = match (everything, is_example) {
            (true, _) => EVENTS_MAX_OF_NOTHING,
            (_, true) => EVENTS_MAX_OF_EXAMPLE,
            _ => EVENTS_MAX,
        };
        if chosen.len() <= most {
            return Chosen { rows: chosen, left_out: BTreeSet::new() };
        }
        let marked: BTreeSet<ObservationId> = marks.keys().map(|id| self.step(*id)).collect();
        let direct = self.direct_causes(&marked);
        let about: BTreeSet<NodeId> = marked.iter().map(|id| self.get(*id).node).collect();
        let concerns = |node: &NodeId| about.is_empty() || about.contains(node);
        let mut last = if everything { self.last_of_each(&chosen) } else { BTreeMap::new() };
        last.retain(|node, _| concerns(node));
        let rank = |id: &ObservationId| {
            let seen = self.get(*id);
            let concerns = concerns(&seen.node);
            let first = match seen.seen {
                _ if marked.contains(id) => 0,
                Seen::Crashed | Seen::Started { .. } | Seen::FaultBegan { .. } => 2,
                Seen::Lost { .. } if self.is_first_lost(seen) => 2,
                Seen::GaveUp { .. } => 2,
                // what a node was handed last should have led on
                _ if last.get(&seen.node) == Some(id) => 2,
                _ if direct.contains(id) => 1,
                // of a story about nodes, what others told each other is the least
                _ if everything && !concerns => 4,
                _ => 3,
            };
            // where something never happened, how it began says more than how it went on
            (first, if everything { id.0 } else { u64::MAX - id.0 })
        };
        let mut ranked: Vec<ObservationId> = chosen.into_iter().collect();
        ranked.sort_by_key(rank);
        let left_out = ranked.split_off(most);
        Chosen { rows: ranked.into_iter().collect(), left_out: left_out.into_iter().collect() }
    }
}

/// Whether what brought an event about is part of its story: not who set an alarm, and when, nor that a client begins to ask.
fn brings_news(seen: &Observation) -> bool {
    !matches!(seen.seen, Seen::Rang { .. } | Seen::Requested { operation: Some(_), .. })
}
