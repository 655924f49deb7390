//! The story of a failure: of all that happened in a world, what matters to how it failed, in order.
//!
//! A story begins at the observation that broke the promise and goes back along causes: to the event that was being
//! handled, to the sending that brought it, and to what the same node had been through before. Timers that changed
//! nothing, and messages that a shrinker could do without, are no part of it.

use crate::check::Violation;
use crate::explore::How;
use crate::misbehaviour;
use lab::{DiskOp, NodeId};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use world::{
    Carried, Cause, Chance, ClientId, Damage, Harm, LossReason, NodeKind, Observation, ObservationId,
    Scenario, Seen, Time, Trace, Who,
};

/// A story has no more events.
const EVENTS_MAX: usize = 24;
/// Nor one about what never happened.
const EVENTS_MAX_OF_NOTHING: usize = 14;
/// Of more things that came of one event, the first few are shown, and the last.
const NOTES_MAX: usize = 5;
/// What a node printed in one event is shown up to so many lines.
const PRINTED_LINES_MAX: usize = 12;

/// What happened, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// The nodes that take part, in the order of their names.
    pub nodes: Vec<NodeId>,
    /// What those of them are called that have a name beside their id.
    pub roles: BTreeMap<NodeId, &'static str>,
    /// The clients that do.
    pub clients: Vec<ClientId>,
    /// What happened, in order.
    pub rows: Vec<Row>,
    /// Names of nodes that are not called `n1`, `n2`, ….
    pub names: BTreeMap<NodeId, String>,
    /// What is to be read below the diagram, a line each.
    pub below: Vec<String>,
    /// Whether the rows have an order and no times.
    pub is_timeless: bool,
}
/// One row of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When.
    pub at: Time,
    /// What.
    pub what: What,
    /// What came of it at once, in words.
    pub notes: Vec<String>,
    /// Why this row is what the story is about.
    pub mark: Option<String>,
}
/// What a row shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A message arrives.
    Message {
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// Its type and what it holds.
        label: Label,
        /// The number of the row where it left, if other things happened in between.
        left: Option<u32>,
    },
    /// A message leaves, and does not arrive at once.
    Leaves {
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// Its type and what it holds.
        label: Label,
        /// What becomes of it.
        becomes: Becomes,
    },
    /// A client asks a node.
    Asked {
        /// Who.
        client: ClientId,
        /// Whom.
        node: NodeId,
        /// What.
        label: Label,
    },
    /// A node answers a client.
    Answered {
        /// Who asked.
        client: ClientId,
        /// Who answers.
        node: NodeId,
        /// What.
        label: Label,
    },
    /// A client stops waiting.
    GivesUp {
        /// Who.
        client: ClientId,
        /// Whom it asked last.
        node: NodeId,
        /// What that means, in a few words.
        text: String,
    },
    /// Something happens on one node.
    On {
        /// The node.
        node: NodeId,
        /// What kind of thing.
        sign: Sign,
        /// What, in a few words.
        text: String,
    },
    /// Something happens to the network, or to all.
    Everywhere(String),
    /// So many events that do not matter are left out.
    Quiet(usize),
}
/// What becomes of a message that does not arrive at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    /// It arrives in a later row that bears this number.
    Arrives(u32),
    /// It is lost.
    Lost(LossReason),
    /// The story ends before it arrives.
    UnderWay,
}
/// The kinds of things that happen on one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It starts, or starts again.
    Start,
    /// It crashes.
    Crash,
    /// It stands still.
    Pause,
    /// It goes on.
    Resume,
    /// An alarm rings.
    Timer,
    /// A service or a caller speaks to it.
    Call,
    /// Its clock is tampered with, or it is made slow.
    Fault,
    /// It does something of its own.
    Act,
    /// Its code did what no node may.
    Broke,
}
/// A value in words: `Vote { term: 3, granted: true }` has the name `Vote` and two fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The name of its type or variant.
    pub name: String,
    /// The rest; left out where a row before has said it.
    pub fields: String,
}

impl Story {
    /// How many rows tell of something that happened.
    pub fn events(&self) -> usize {
        self.rows.iter().filter(|row| !matches!(row.what, What::Quiet(_))).count()
    }
}

/// The story of how a world failed, from all that happened in it and what each event printed.
pub fn story(
    scenario: &Scenario,
    trace: &Trace,
    printed: &BTreeMap<ObservationId, String>,
    how: &How,
) -> Story {
    let mut teller =
        Teller { scenario, trace, printed, effects: BTreeMap::new(), deliveries: BTreeMap::new() };
    teller.index();
    let (marks, ending) = teller.marks(how);
    let chosen = teller.choose(&marks, ending.is_some());
    teller.tell(&chosen, &marks, ending)
}

struct Teller<'a> {
    scenario: &'a Scenario,
    trace: &'a Trace,
    printed: &'a BTreeMap<ObservationId, String>,
    /// What each handled event led to.
    effects: BTreeMap<ObservationId, Vec<ObservationId>>,
    /// Where each message arrived first, or was lost.
    deliveries: BTreeMap<ObservationId, ObservationId>,
}

impl<'a> Teller<'a> {
    fn index(&mut self) {
        for seen in &self.trace.observations {
            let Cause::Observation(cause) = seen.cause else { continue };
            match seen.seen {
                _ if seen.seen.is_handed() || matches!(seen.seen, Seen::Lost { .. } | Seen::Stray { .. }) => {
                    if self.trace.get(cause).seen.key().is_some() {
                        self.deliveries.entry(cause).or_insert(seen.id);
                    }
                }
                _ => self.effects.entry(cause).or_default().push(seen.id),
            }
        }
    }
    fn get(&self, id: ObservationId) -> &'a Observation {
        self.trace.get(id)
    }
    /// The event that a node was handling when this happened; itself, if it is one, or nobody's doing.
    fn step(&self, id: ObservationId) -> ObservationId {
        let seen = self.get(id);
        match seen.cause {
            Cause::Observation(cause) if !seen.seen.is_handed() => self.step(cause),
            _ => id,
        }
    }
    /// What the story is about, and what never came, if that is it.
    fn marks(&self, how: &How) -> (BTreeMap<ObservationId, String>, Option<String>) {
        let mut marks = BTreeMap::new();
        let mut ending = None;
        match how {
            How::Violated(Violation { at, because, .. }) => {
                marks.extend(because.iter().cloned());
                match at {
                    Some(at) => _ = marks.entry(*at).or_insert_with(|| "here".to_owned()),
                    None => ending = Some("here the run ends".to_owned()),
                }
            }
            How::Misbehaved(..) => {
                let last = self.trace.observations.iter().rev();
                if let Some(seen) = last.into_iter().find(|seen| matches!(seen.seen, Seen::Misbehaved(_))) {
                    marks.insert(seen.id, "here".to_owned());
                }
            }
            How::Endless(..) => ending = Some("and so on, without an end".to_owned()),
            How::Vacuous(_) => {}
        }
        (marks, ending)
    }

    /// The events that matter: handled ones, and what was done to nodes.
    ///
    /// Where something never happened, everything up to the end may be why: `everything`.
    fn choose(&self, marks: &BTreeMap<ObservationId, String>, everything: bool) -> Chosen {
        let mut chosen = BTreeSet::new();
        let last = if everything || marks.is_empty() {
            let begin = marks.keys().next().copied().unwrap_or(ObservationId(0));
            chosen.extend(marks.keys().map(|id| self.step(*id)));
            let all = self.trace.observations.iter().filter(|seen| {
                self.matters(seen)
                    && (seen.id >= begin || matches!(seen.seen, Seen::Crashed | Seen::Started { .. }))
            });
            chosen.extend(all.map(|seen| seen.id));
            self.trace.observations.last().map_or(ObservationId(0), |seen| seen.id)
        } else {
            let mut pending: Vec<ObservationId> = marks.keys().copied().collect();
            let mut followed: BTreeMap<NodeId, ObservationId> = BTreeMap::new();
            while let Some(id) = pending.pop() {
                let step = self.step(id);
                let seen = self.get(step);
                let own_idea = matches!(seen.seen, Seen::Started { .. } | Seen::Rang { .. });
                let forged = matches!(seen.seen, Seen::FaultBegan { fault }
                    if matches!(self.harm(fault), Some(Harm::Forge { .. })));
                if own_idea && is_puppet(self.scenario, seen.node) || forged {
                    continue; // what a script says needs no reason
                }
                if chosen.insert(step)
                    && let (true, Cause::Observation(cause)) = (brings_news(seen), seen.cause)
                {
                    pending.push(cause);
                }
                // what the node has been through before
                let until = followed.entry(seen.node).or_insert(ObservationId(0));
                if *until < step {
                    let before = std::mem::replace(until, step);
                    let earlier = self
                        .trace
                        .observations
                        .iter()
                        .filter(|other| other.node == seen.node && other.id > before && other.id < step);
                    // what a client did not wait for says little of how a node came to do something
                    let earlier = earlier.filter(|other| !matches!(other.seen, Seen::GaveUp { .. }));
                    pending.extend(earlier.filter(|other| self.matters(other)).map(|other| other.id));
                }
            }
            marks.keys().next_back().copied().unwrap_or(ObservationId(0))
        };
        // what was done to the network meanwhile, which is nobody's
        let network = self.trace.observations.iter().take_while(|seen| seen.id <= last);
        chosen.extend(network.filter(|seen| self.is_of_network(seen)).map(|seen| seen.id));
        // a message that was lost and is shown for itself needs no second row
        chosen.retain(|id| match (&self.get(*id).seen, self.get(*id).cause) {
            (Seen::Lost { .. }, Cause::Observation(sent)) => !marks.contains_key(&sent),
            _ => true,
        });
        self.fit(chosen, marks, everything)
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
    fn harm(&self, fault: usize) -> Option<&Harm> {
        self.scenario.faults.get(fault).map(|fault| &fault.harm)
    }
    fn is_of_clock(&self, fault: usize) -> bool {
        use Harm::{ClockDrift, ClockFreeze, ClockJump, Rot, Slow};
        matches!(
            self.harm(fault),
            Some(ClockJump { .. } | ClockFreeze { .. } | ClockDrift { .. } | Slow { .. } | Rot { .. })
        )
    }
    fn is_of_network(&self, seen: &Observation) -> bool {
        use Harm::{Alone, Cut, Hold, Isolate, Links, Lose, Partition, Repeat, Worse};
        let (Seen::FaultBegan { fault } | Seen::FaultEnded { fault }) = seen.seen else {
            return matches!(seen.seen, Seen::Calm | Seen::Lost { reason: LossReason::Fault });
        };
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
    /// Whether this is one of the first few that faults lose on this way: of hundreds, the rest says no more.
    fn is_first_lost(&self, seen: &Observation) -> bool {
        const FIRST: usize = 3;
        let before = self.trace.observations.iter().take_while(|other| other.id < seen.id);
        before.filter(|other| other.node == seen.node && self.is_of_network(other)).count() < FIRST
    }
    /// Whether this came before: the network has sent it again.
    fn is_repeated(&self, seen: &Observation) -> bool {
        let first = |cause| self.deliveries.get(&cause).is_some_and(|first| *first < seen.id);
        matches!(seen.cause, Cause::Observation(cause) if first(cause)) && self.comes_from(seen).is_some()
    }
    /// Who sent what a node is handed here, if it has travelled.
    fn comes_from(&self, seen: &Observation) -> Option<NodeId> {
        match &seen.seen {
            Seen::Delivered { from, .. } | Seen::Answered { from, .. } => Some(*from),
            Seen::Requested { operation: None, request, .. } => world::caller(*request),
            _ => None,
        }
    }
    /// The most telling of them, where there are too many.
    fn fit(
        &self,
        chosen: BTreeSet<ObservationId>,
        marks: &BTreeMap<ObservationId, String>,
        everything: bool,
    ) -> Chosen {
        let most = if everything { EVENTS_MAX_OF_NOTHING } else { EVENTS_MAX };
        if chosen.len() <= most {
            return Chosen { rows: chosen, left_out: BTreeSet::new() };
        }
        let marked: BTreeSet<ObservationId> = marks.keys().map(|id| self.step(*id)).collect();
        let mut direct = BTreeSet::new();
        for step in &marked {
            let mut step = *step;
            while direct.insert(step) {
                match self.get(step).cause {
                    Cause::Observation(cause) => step = self.step(cause),
                    Cause::Scenario => break,
                }
            }
        }
        let about: BTreeSet<NodeId> = marked.iter().map(|id| self.get(*id).node).collect();
        let rank = |id: &ObservationId| {
            let seen = self.get(*id);
            let concerns = about.is_empty() || about.contains(&seen.node);
            let first = match seen.seen {
                _ if marked.contains(id) => 0,
                Seen::Crashed | Seen::Started { .. } | Seen::FaultBegan { .. } => 2,
                Seen::Lost { .. } if self.is_first_lost(seen) => 2,
                Seen::GaveUp { .. } => 2,
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

    fn tell(
        &self,
        chosen: &Chosen,
        marks: &BTreeMap<ObservationId, String>,
        ending: Option<String>,
    ) -> Story {
        // what stands in a row of its own: the events, and marked sendings that do not arrive in one
        let mut points: BTreeMap<ObservationId, Point> = BTreeMap::new();
        for id in &chosen.rows {
            points.insert(*id, Point::Event);
        }
        for id in marks.keys() {
            let seen = self.get(*id);
            let arrives = self.deliveries.get(id).is_some_and(|arrival| chosen.rows.contains(arrival));
            if !chosen.rows.contains(id) && !arrives {
                points.insert(*id, Point::Effect);
            }
            debug_assert!(seen.id == *id);
        }
        let split = self.split(&mut points, chosen);
        let mut rows = Vec::new();
        let crashes = chosen.rows.iter().map(|id| self.get(*id));
        let crashing: BTreeSet<NodeId> =
            crashes.filter(|seen| matches!(seen.seen, Seen::Crashed)).map(|seen| seen.node).collect();
        let mut left_out = chosen.left_out.iter().copied().peekable();
        for (id, point) in &points {
            let mut many = 0;
            while left_out.next_if(|other| other < id).is_some() {
                many += 1;
            }
            let seen = self.get(*id);
            if many > 1 {
                rows.push(Row { at: seen.at, what: What::Quiet(many), notes: Vec::new(), mark: None });
            }
            let what = match point {
                Point::Event => self.event(seen, &split),
                Point::Effect => self.effect(seen),
                Point::Leaves(number) => self.leaves(seen, Becomes::Arrives(*number)),
            };
            // what travels is shown where it arrives
            let shown = |effect: &ObservationId| {
                points.contains_key(effect)
                    || self.deliveries.get(effect).is_some_and(|arrival| points.contains_key(arrival))
            };
            let mut notes = match point {
                Point::Event => self.notes(seen, shown, crashing.contains(&seen.node)),
                Point::Effect | Point::Leaves(_) => Vec::new(),
            };
            if matches!(point, Point::Event) && self.is_repeated(seen) {
                notes.insert(0, "(once more)".to_owned());
            }
            let mark = marks.get(id).or_else(|| match (&seen.seen, seen.cause) {
                (_, Cause::Observation(cause))
                    if self.comes_from(seen).is_some() && !split.contains_key(&cause) =>
                {
                    marks.get(&cause)
                }
                _ => None,
            });
            rows.push(Row { at: seen.at, what, notes, mark: mark.cloned() });
        }
        if let Some(text) = ending {
            let at = self.trace.observations.last().map_or(Time::ZERO, |seen| seen.at);
            let at = if matches!(ending_time(self.scenario), t if t > at) {
                ending_time(self.scenario)
            } else {
                at
            };
            rows.push(Row { at, what: What::Everywhere(text), notes: Vec::new(), mark: None });
        }
        abbreviate(&mut rows);
        let (mut nodes, mut clients) = (BTreeSet::new(), BTreeSet::new());
        for row in &rows {
            match &row.what {
                What::Message { from, to, .. } | What::Leaves { from, to, .. } => nodes.extend([*from, *to]),
                What::Asked { client, node, .. } | What::Answered { client, node, .. } => {
                    nodes.insert(*node);
                    clients.insert(*client);
                }
                What::GivesUp { client, .. } => _ = clients.insert(*client),
                What::On { node, .. } => _ = nodes.insert(*node),
                What::Everywhere(_) | What::Quiet(_) => {}
            }
        }
        if nodes.is_empty() {
            nodes.extend(self.scenario.nodes.iter().map(|spec| spec.id));
        }
        let specs = self.scenario.nodes.iter().filter(|spec| nodes.contains(&spec.id));
        let roles = specs.filter_map(|spec| Some((spec.id, spec.name?))).collect();
        Story {
            nodes: nodes.into_iter().collect(),
            clients: clients.into_iter().collect(),
            rows,
            roles,
            names: BTreeMap::new(),
            below: Vec::new(),
            is_timeless: false,
        }
    }
    /// Finds the messages between whose leaving and arriving other rows of their nodes stand; these leave in rows of their
    /// own. Gives each a number.
    fn split(
        &self,
        points: &mut BTreeMap<ObservationId, Point>,
        chosen: &Chosen,
    ) -> BTreeMap<ObservationId, u32> {
        let mut split = BTreeMap::new();
        let arrivals: Vec<ObservationId> = chosen.rows.iter().copied().collect();
        for arrival in arrivals {
            let seen = self.get(arrival);
            let (Some(from), Cause::Observation(sent)) = (self.comes_from(seen), seen.cause) else {
                continue;
            };
            let between = points.keys().filter(|id| **id > sent && **id < arrival).any(|id| {
                let other = self.get(*id);
                other.node == from || other.node == seen.node
            });
            if between {
                let number = u32::try_from(split.len()).unwrap_or(u32::MAX) + 1;
                let number = *split.entry(sent).or_insert(number);
                points.insert(sent, Point::Leaves(number));
            }
        }
        split
    }

    fn event(&self, seen: &Observation, split: &BTreeMap<ObservationId, u32>) -> What {
        let node = seen.node;
        let on = |sign, text: String| What::On { node, sign, text };
        match &seen.seen {
            Seen::Delivered { .. } | Seen::Requested { operation: None, .. } | Seen::Answered { .. }
                if let Some(from) = self.comes_from(seen) =>
            {
                let left = match seen.cause {
                    Cause::Observation(sent) => split.get(&sent).copied(),
                    Cause::Scenario => None,
                };
                What::Message { from, to: node, label: self.label(seen), left }
            }
            Seen::Lost { reason } if let Cause::Observation(sent) = seen.cause => {
                self.leaves(self.get(sent), Becomes::Lost(*reason))
            }
            Seen::GaveUp { client, .. } => {
                let text = "gives up: the outcome is unknown".to_owned();
                What::GivesUp { client: *client, node, text }
            }
            Seen::Requested { operation: Some((client, _)), .. } => {
                What::Asked { client: *client, node, label: self.label(seen) }
            }
            Seen::Rang { .. } => on(Sign::Timer, self.label(seen).to_string()),
            Seen::Started { incarnation: 0 } if seen.at > Time::ZERO => {
                on(Sign::Start, "starts only now".to_owned())
            }
            Seen::Started { incarnation: 0 } => on(Sign::Start, "starts".to_owned()),
            Seen::Started { .. } => on(Sign::Start, "starts again".to_owned()),
            Seen::Crashed => {
                let fates = seen.label.as_deref().unwrap_or_default();
                on(Sign::Crash, if fates.is_empty() { "crash".to_owned() } else { format!("crash, {fates}") })
            }
            Seen::Paused => on(Sign::Pause, "stands still".to_owned()),
            Seen::Resumed => on(Sign::Resume, "goes on".to_owned()),
            Seen::FaultBegan { fault } => match self.harm(*fault) {
                Some(harm) if self.is_of_clock(*fault) => on(Sign::Fault, about(harm)),
                Some(harm) => What::Everywhere(about(harm).replace("this node", &node.to_string())),
                None => What::Everywhere("a fault begins".to_owned()),
            },
            Seen::FaultEnded { fault } => {
                let what = self.harm(*fault).map(ends).unwrap_or_default();
                What::Everywhere(what.replace("this node", &node.to_string()))
            }
            Seen::Calm => What::Everywhere("from here on nothing goes wrong any more".to_owned()),
            _ => self.effect(seen),
        }
    }
    /// What a node asked for, in a row of its own.
    fn effect(&self, seen: &Observation) -> What {
        let node = seen.node;
        match &seen.seen {
            Seen::Sent { .. } | Seen::Called { to: Some(_), .. } => {
                let becomes = match self.deliveries.get(&seen.id).map(|arrival| &self.get(*arrival).seen) {
                    Some(Seen::Lost { reason }) => Becomes::Lost(*reason),
                    _ => Becomes::UnderWay,
                };
                self.leaves(seen, becomes)
            }
            Seen::Replied { request, .. } => match self.client(*request) {
                Some(client) => What::Answered { client, node, label: self.label(seen) },
                None if seen.seen.key().is_some() => {
                    let becomes = match self.deliveries.get(&seen.id).map(|arrival| &self.get(*arrival).seen)
                    {
                        Some(Seen::Lost { reason }) => Becomes::Lost(*reason),
                        _ => Becomes::UnderWay,
                    };
                    self.leaves(seen, becomes)
                }
                None => What::On { node, sign: Sign::Call, text: format!("answers {}", self.label(seen)) },
            },
            Seen::Misbehaved(how) => What::On { node, sign: Sign::Broke, text: misbehaviour::sign(how) },
            _ => {
                let text = self.note(seen).unwrap_or_else(|| named(&seen.seen));
                What::On { node, sign: Sign::Act, text }
            }
        }
    }
    fn leaves(&self, seen: &Observation, becomes: Becomes) -> What {
        let to = match &seen.seen {
            Seen::Sent { to, .. } | Seen::Called { to: Some(to), .. } => *to,
            Seen::Replied { request, .. } => world::caller(*request).unwrap_or(seen.node),
            _ => seen.node,
        };
        What::Leaves { from: seen.node, to, label: self.label(seen), becomes }
    }
    fn client(&self, request: lab::RequestId) -> Option<ClientId> {
        self.trace.observations.iter().find_map(|seen| match &seen.seen {
            Seen::Requested { request: this, operation: Some((client, _)), .. } if *this == request => {
                Some(*client)
            }
            _ => None,
        })
    }
    /// In its own words; in its sender's, where it did not live to say them.
    fn label(&self, seen: &Observation) -> Label {
        let senders = || match (&seen.seen, seen.cause) {
            (_, Cause::Observation(sent)) if self.comes_from(seen).is_some() => {
                self.get(sent).label.as_deref()
            }
            _ => None,
        };
        let bytes = || seen.seen.bytes().map(|bytes| format!("({} bytes)", bytes.len())).unwrap_or_default();
        Label::of(&seen.label.as_deref().or_else(senders).map_or_else(bytes, str::to_owned))
    }

    /// What came of an event at once, as far as no other row shows it. Of its disk only where the node `crashes`.
    fn notes(
        &self,
        seen: &Observation,
        shown: impl Fn(&ObservationId) -> bool,
        crashes: bool,
    ) -> Vec<String> {
        let mut notes = Vec::new();
        // what was written since the last note, and whether anything is unsynced
        let (mut written, mut unsynced): (Vec<String>, bool) = (Vec::new(), false);
        for effect in self.effects.get(&seen.id).into_iter().flatten() {
            let effect = self.get(*effect);
            match &effect.seen {
                Seen::Wrote { .. } | Seen::Syncing | Seen::Synced if !crashes => {}
                Seen::Wrote { op } => {
                    unsynced = true;
                    for name in names(op) {
                        if !written.contains(&name) {
                            written.push(name);
                        }
                    }
                }
                Seen::Syncing => {}
                Seen::Synced => {
                    let what = std::mem::take(&mut written).join(", ");
                    notes.push(if what.is_empty() {
                        "synced".to_owned()
                    } else {
                        format!("writes {what}, synced")
                    });
                    unsynced = false;
                }
                _ => {
                    let note = if shown(&effect.id) { None } else { self.note(effect) };
                    if note.is_some() && !written.is_empty() {
                        notes.push(format!("writes {}", std::mem::take(&mut written).join(", ")));
                    }
                    notes.extend(note);
                }
            }
        }
        if !written.is_empty() {
            notes.push(format!("writes {}, not synced", written.join(", ")));
        } else if unsynced {
            notes.push("not synced".to_owned());
        }
        notes.dedup();
        if notes.len() > NOTES_MAX {
            let last = notes.split_off(notes.len() - 1);
            let more = notes.split_off(NOTES_MAX / 2).len();
            notes.push(format!("… {more} more like these"));
            notes.extend(last);
        }
        if let Some(printed) = self.printed.get(&seen.id) {
            let mut lines = printed.lines();
            notes.extend(lines.by_ref().take(PRINTED_LINES_MAX).map(|line| format!("prints: {line}")));
            let more = lines.count();
            if more > 0 {
                notes.push(format!("prints {more} lines more"));
            }
        }
        notes
    }
    /// Of a call or an answer that never arrives, that it does not.
    fn gets_nowhere(&self, effect: &Observation) -> &'static str {
        let arrival = || self.deliveries.get(&effect.id).map(|arrival| &self.get(*arrival).seen);
        match effect.seen.key().map(|_| arrival()) {
            None => "",
            Some(None) => ", which does not arrive",
            Some(Some(Seen::Lost { .. })) => ", which is lost",
            Some(Some(_)) => "",
        }
    }
    fn note(&self, effect: &Observation) -> Option<String> {
        Some(match &effect.seen {
            Seen::Emitted { .. } => format!("emits {}", self.label(effect)),
            Seen::Status { .. } => format!("is now {}", self.label(effect).fields),
            Seen::Replied { heard: true, .. } => {
                format!("answers {}{}", self.label(effect), self.gets_nowhere(effect))
            }
            Seen::Replied { heard: false, .. } => {
                format!("answers {}, which nobody waits for", self.label(effect))
            }
            Seen::Called { to: None, .. } => format!("calls {}", self.label(effect)),
            Seen::Called { to: Some(to), .. } => {
                format!("calls {to}: {}{}", self.label(effect), self.gets_nowhere(effect))
            }
            Seen::Stray { from } => format!("what {from} sent is none of its messages"),
            Seen::Misbehaved(how) => misbehaviour::sign(how),
            Seen::TimerSet { rings_at, .. } => format!("sets {} for {rings_at}", self.label(effect)),
            Seen::TimerCancelled { .. } => format!("cancels {}", self.label(effect)),
            Seen::Wrote { op } => format!("writes {}", names(op).join(", ")),
            _ => return None,
        })
        .filter(|_| !matches!(effect.seen, Seen::TimerSet { .. } | Seen::TimerCancelled { .. }))
    }
}
/// What has no words of its own, where an oracle has marked it.
fn named(seen: &Seen) -> String {
    match seen {
        Seen::Invoked { client, .. } => format!("is asked by client {}", client.0),
        Seen::Returned { client, .. } => format!("has answered client {}", client.0),
        Seen::Syncing => "begins to sync".to_owned(),
        Seen::Synced => "has synced".to_owned(),
        _ => "does something".to_owned(),
    }
}
fn ending_time(scenario: &Scenario) -> Time {
    Time::ZERO + scenario.end
}
/// Whether what brought an event about is part of its story: not who set an alarm, and when, nor that a client begins to ask.
fn brings_news(seen: &Observation) -> bool {
    !matches!(seen.seen, Seen::Rang { .. } | Seen::Requested { operation: Some(_), .. })
}
fn names(op: &DiskOp) -> Vec<String> {
    match op {
        DiskOp::All(ops) => ops.iter().flat_map(names).collect(),
        DiskOp::Save { name, .. }
        | DiskOp::Clear { name }
        | DiskOp::Put { name, .. }
        | DiskOp::Remove { name, .. }
        | DiskOp::Append { name, .. }
        | DiskOp::Truncate { name, .. }
        | DiskOp::TrimFront { name, .. }
        | DiskOp::Write { name, .. }
        | DiskOp::Cut { name, .. } => vec![format!("`{name}`")],
    }
}

struct Chosen {
    rows: BTreeSet<ObservationId>,
    left_out: BTreeSet<ObservationId>,
}
enum Point {
    /// An event, or something that was done to a node.
    Event,
    /// What a node asked for, shown for itself.
    Effect,
    /// A message that leaves here, and arrives in a later row.
    Leaves(u32),
}

/// What a fault does, as it begins.
fn about(harm: &Harm) -> String {
    let list = |nodes: &[NodeId], last: &str| {
        let mut names: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
        match names.pop() {
            Some(name) if !names.is_empty() => format!("{}{last}{name}", names.join(", ")),
            name => name.unwrap_or_default(),
        }
    };
    let who = |who: &Who| match who {
        Who::Node(node) => node.to_string(),
        Who::Culprit => "this node".to_owned(),
    };
    let end = |node: &Option<NodeId>| node.map_or("any node".to_owned(), |node| node.to_string());
    match harm {
        Harm::Crash { .. } => "crash".to_owned(),
        Harm::Pause { .. } => "stands still".to_owned(),
        Harm::Slow { per_event, .. } => format!("takes {} for every event", Time::ZERO + *per_event),
        Harm::Partition { groups } => {
            let groups: Vec<String> = groups.iter().map(|group| list(group, ", ")).collect();
            format!("the network splits: {}", groups.join(" | "))
        }
        Harm::Isolate { node } => format!("{} is cut off", who(node)),
        Harm::Alone { node } => format!("{} is alone from here on", who(node)),
        Harm::Forge { from, to, .. } => format!("{from} sends {} a message", who(to)),
        Harm::Cut { from, to } => {
            format!("nothing gets from {} to {} any more", list(from, " or "), list(to, " or "))
        }
        Harm::Links(rule) => format!("the links from {} to {} change", end(&rule.from), end(&rule.to)),
        Harm::Hold { from, to, nth, what, .. } => match nth {
            Some(nth) => format!("{} {nth} from {} to {} is held back", carried(*what), end(from), end(to)),
            None => format!("{}s from {} to {} are held back", carried(*what), end(from), end(to)),
        },
        Harm::Lose { from, to, nth, what, .. } => match nth {
            Some(nth) => format!("{} {nth} from {} to {} is lost", carried(*what), end(from), end(to)),
            None => format!("{}s from {} to {} are lost", carried(*what), end(from), end(to)),
        },
        Harm::Repeat { from, to, nth, what, .. } => match nth {
            Some(nth) => {
                format!("the network sends {} {nth} from {} to {} twice", carried(*what), end(from), end(to))
            }
            None => {
                format!("the network sends {}s from {} to {} twice", carried(*what), end(from), end(to))
            }
        },
        Harm::LoseThis { .. } => "one message is lost".to_owned(),
        Harm::RepeatThis { .. } => "the network sends one message twice".to_owned(),
        Harm::Worse { from, to, loss, duplication, corruption, late } => {
            let percent = |chance: &Chance, does: &str| {
                let (whole, rest) = (chance.0 / 10_000, chance.0 % 10_000 / 100);
                let digits = if rest == 0 { String::new() } else { format!(".{rest:02}") };
                (chance.0 > 0).then(|| format!("{whole}{digits} % more {does}"))
            };
            let late = (!late.is_zero()).then(|| format!("up to {} late", Time::ZERO + *late));
            let parts = [
                percent(loss, "lost"),
                percent(duplication, "doubled"),
                percent(corruption, "damaged"),
                late,
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            format!("the links from {} to {} get worse: {}", end(from), end(to), parts.join(", "))
        }
        Harm::Rot { file, damage: Damage::Flip { at, bit }, .. } => {
            format!("its disk flips bit {bit} of byte {at} of `{file}`")
        }
        Harm::Rot { file, damage: Damage::Append(bytes), .. } => {
            format!("its disk shows {} bytes at the end of `{file}` that nobody wrote", bytes.len())
        }
        Harm::ClockJump { by_ns, .. } => {
            let (way, by) =
                if *by_ns < 0 { ("back", by_ns.unsigned_abs()) } else { ("forward", by_ns.unsigned_abs()) };
            format!("its wall clock jumps {way} by {}", Time(by))
        }
        Harm::ClockFreeze { .. } => "its wall clock stops".to_owned(),
        Harm::ClockDrift { ppm, .. } => format!("its wall clock gains {ppm} µs a second"),
    }
}
fn carried(what: Option<Carried>) -> &'static str {
    match what {
        None | Some(Carried::Message) => "message",
        Some(Carried::Call) => "call",
        Some(Carried::Answer) => "answer",
    }
}
/// That it ends.
fn ends(harm: &Harm) -> String {
    match harm {
        Harm::Partition { .. } => "the network is whole again".to_owned(),
        Harm::Isolate { node: Who::Node(node) } => format!("{node} is back"),
        Harm::Isolate { .. } => "the node that was cut off is back".to_owned(),
        Harm::Alone { .. } => "the node is no longer alone".to_owned(),
        Harm::Cut { .. } => "everything gets through again".to_owned(),
        Harm::Links(_) | Harm::Worse { .. } => "the links are as they were".to_owned(),
        Harm::Hold { .. } => "what was held back goes on its way".to_owned(),
        Harm::Lose { what, .. } => format!("{}s get through again", carried(*what)),
        Harm::Repeat { what, .. } => format!("the network sends {}s once again", carried(*what)),
        _ => "the fault ends".to_owned(),
    }
}

impl Label {
    /// From what `Debug` makes of a value.
    fn of(words: &str) -> Label {
        let name: String = words.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let rest = words[name.len()..].trim();
        let inside = rest
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .or_else(|| rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')));
        if name.is_empty() || (inside.is_none() && !rest.is_empty()) {
            return Label { name: String::new(), fields: shorten(words) };
        }
        let fields = fields(inside.unwrap_or_default());
        Label { name, fields: shorten(&fields.join(" ")) }
    }
}
impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let between = if self.name.is_empty() || self.fields.is_empty() { "" } else { " " };
        write!(f, "{}{between}{}", self.name, self.fields)
    }
}
/// The fields of a `Debug` text, at its outermost level, as `name=value`.
fn fields(inside: &str) -> Vec<String> {
    let (mut fields, mut field, mut depth, mut quoted) = (Vec::new(), String::new(), 0_u32, false);
    let mut before = ' ';
    for c in inside.chars() {
        match c {
            '"' if before != '\\' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if c == ',' && depth == 0 && !quoted {
            fields.push(std::mem::take(&mut field));
        } else {
            field.push(c);
        }
        before = c;
    }
    fields.push(field);
    let named = |field: &str| match field.trim().split_once(": ") {
        Some((name, value)) if name.chars().all(|c| c.is_alphanumeric() || c == '_') => {
            format!("{name}={value}")
        }
        _ => field.trim().to_owned(),
    };
    let said = |field: &String| !field.is_empty() && !field.ends_with("=None");
    fields.iter().map(|field| named(field)).filter(said).collect()
}
/// A text that fits a few lines.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 160;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Leaves out, of messages of one name, what is the same in all of them, but for the first; and of a message that has left in
/// an earlier row, all but its name.
fn abbreviate(rows: &mut [Row]) {
    let mut all: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for row in rows.iter() {
        if let What::Message { label, left: None, .. } | What::Leaves { label, .. } = &row.what {
            all.entry(label.name.clone()).or_default().push(split_fields(&label.fields));
        }
    }
    let mut seen = BTreeSet::new();
    for row in rows {
        match &mut row.what {
            What::Message { label, left: Some(_), .. } if !label.name.is_empty() => label.fields.clear(),
            What::Message { label, .. } | What::Leaves { label, .. } => {
                let others = all.get(&label.name).map(Vec::as_slice).unwrap_or_default();
                if !seen.insert(label.name.clone()) && !label.name.is_empty() {
                    let mut fields = split_fields(&label.fields);
                    fields.retain(|field| !others.iter().all(|other| other.contains(field)));
                    label.fields = fields.join(" ");
                }
            }
            _ => {}
        }
    }
}
/// `a=1 b=Some(2)` in its parts.
fn split_fields(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut depth = 0_i32;
    for word in text.split(' ') {
        if depth > 0
            && let Some(part) = parts.last_mut()
        {
            let _ = write!(part, " {word}");
        } else {
            parts.push(word.to_owned());
        }
        depth +=
            word.chars().map(|c| i32::from("([{".contains(c)) - i32::from(")]}".contains(c))).sum::<i32>();
    }
    parts
}

/// Whether a suite plays this node.
pub fn is_puppet(scenario: &Scenario, node: NodeId) -> bool {
    scenario.nodes.iter().any(|spec| spec.id == node && !matches!(spec.kind, NodeKind::Guest))
}
