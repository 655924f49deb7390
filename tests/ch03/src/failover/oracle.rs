//! `failover`: the lists that clients see, beside what was acknowledged and called safe. All rules judge every run.

use crate::replicas::lists::{Lists, Moment, show};
use crate::replicas::service::{Event, Views};
use judge::{Oracle, Reached, Violation};
use kit::Saw;
use lab::primary_backup::{Acks, Answer, Call, Key, PrimaryBackup, Request, Response, Value, View};
use lab::{NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{Cause, ClientId, End, Observation, ObservationId, OperationId, Seen, Time, World};

pub(super) const FAILED_OVER: &str = "appends were acknowledged in two epochs";
pub(super) const UNAWARE: &str = "an append was under way at a primary that another node had replaced";
pub(super) const DEPOSED: &str =
    "a primary that another node had replaced was asked after that node had acknowledged";
pub(super) const DROPPED: &str = "a backup left the in-sync set";
pub(super) const RETRIED: &str = "a node that became the primary was asked a retry of an acknowledged append";
pub(super) const LATE: &str = "something that was sent before a failover, or an old view, arrived after it";
pub(super) const LOST: &str = "an acknowledged append was lost";
pub(super) const TOO_FEW: &str = "fewer than `min` backups were in sync";
pub(super) const CAME_BACK: &str = "a node that had crashed was in sync again";

/// Clients from this number on read the lists when everything is over.
pub(super) const READERS: u32 = 900;
/// Clients from this number on ask each node for its own copy.
pub(super) const OPERATORS: u32 = 950;

/// What is judged in a run besides the rules that every run has.
#[derive(Debug, Clone)]
pub(super) struct Goals {
    /// The mode of the nodes.
    pub(super) acks: Acks,
    /// The view service.
    pub(super) service: NodeId,
    /// The first view.
    pub(super) first: View,
    /// Every operation is answered within this time of its beginning, or of the end of the last fault if that is later.
    pub(super) answered: Option<Duration>,
    /// A node that starts again is in sync within this time: of its start, of the newest primary's view, and of the end of the last fault.
    pub(super) rejoins: Option<Duration>,
    /// From this time on, the primary of the newest view shows what will stay.
    pub(super) settled: Duration,
    /// Async mode: an append that is acknowledged from this time on is told that every earlier one is safe, if that was acknowledged a good
    /// while before.
    pub(super) safe_by: Option<Duration>,
    /// Every node is asked for its own copy in the end. This is how many copies an acknowledged append must have.
    pub(super) copies: Option<usize>,
}

/// The judge of one run.
pub(super) struct House {
    goals: Goals,
    views: Vec<(View, Option<Moment>)>,
    /// The number of the newest view that each node has heard of.
    heard: BTreeMap<NodeId, u64>,
    requests: BTreeMap<RequestId, Asked>,
    /// Requests for appends that a node has not answered yet.
    open: BTreeMap<NodeId, BTreeSet<RequestId>>,
    lists: Lists,
    keys: BTreeMap<Value, (Key, Moment)>,
    /// What was answered in each epoch.
    epochs: BTreeMap<u64, Epoch>,
    acknowledged: BTreeMap<Value, Moment>,
    /// When the last failover was made.
    failover: Option<ObservationId>,
    /// Nodes that a primary has asked to be in sync though they were not, each with the first time in its epoch.
    wished_for: BTreeMap<(u64, NodeId), (NodeId, ObservationId)>,
    back: BTreeMap<NodeId, Time>,
    copies: BTreeMap<NodeId, (BTreeSet<Value>, Moment)>,
    waiting: BTreeMap<(ClientId, OperationId), Moment>,
    left: Option<usize>,
    calm: Time,
    /// How many nodes there are.
    nodes: usize,
    reached: Reached,
}
#[derive(Debug, Clone)]
struct Asked {
    request: Request,
    now: Moment,
    client: Option<ClientId>,
}
/// What was answered in one epoch.
#[derive(Debug, Default)]
struct Epoch {
    /// By position.
    appends: BTreeMap<u64, (Value, Moment)>,
    /// The largest position that was called safe.
    safe: Option<(u64, Moment)>,
}

impl House {
    pub(super) fn new(goals: Goals) -> House {
        House {
            views: vec![(goals.first.clone(), None)],
            goals,
            heard: BTreeMap::new(),
            requests: BTreeMap::new(),
            open: BTreeMap::new(),
            lists: Lists::default(),
            keys: BTreeMap::new(),
            epochs: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            failover: None,
            wished_for: BTreeMap::new(),
            back: BTreeMap::new(),
            copies: BTreeMap::new(),
            waiting: BTreeMap::new(),
            left: None,
            calm: Time::ZERO,
            nodes: 0,
            reached: Reached::default(),
        }
    }
    fn view(&self) -> &View {
        &self.views.last().expect("there is always the first view").0
    }
    /// Whether this node takes itself for the primary, and another node has replaced it.
    fn is_deposed(&self, node: NodeId) -> bool {
        let heard = self.heard.get(&node).copied().unwrap_or(1);
        let believes = self.views.iter().find(|(view, _)| view.number == heard);
        self.view().primary != node && believes.is_some_and(|(view, _)| view.primary == node)
    }

    /// The service has made a view.
    fn view_made(&mut self, view: View, now: Moment) {
        let before = self.view().clone();
        if view.epoch != before.epoch {
            let waits = self.open.get(&before.primary).is_some_and(|open| !open.is_empty());
            self.reached.mark_if(UNAWARE, waits);
            self.failover = Some(now.id);
        } else if !before.in_sync.is_subset(&view.in_sync) {
            self.reached.mark(DROPPED);
        }
        for node in &view.in_sync {
            if self.back.remove(node).is_some() {
                self.reached.mark(CAME_BACK);
            }
        }
        self.back.remove(&view.primary);
        if view.epoch != before.epoch {
            // a new primary has to find out anew who has everything
            self.back.values_mut().for_each(|since| *since = now.at);
        }
        if let Acks::Sync { min } = self.goals.acks {
            self.reached.mark_if(TOO_FEW, view.in_sync.len() < min as usize);
        }
        self.views.push((view, Some(now)));
    }

    /// A node asks for a set of in-sync backups.
    fn wishes(&mut self, in_sync: &BTreeSet<NodeId>, now: Moment) {
        let View { epoch, primary, in_sync: before, .. } = self.view().clone();
        if now.node != primary {
            return;
        }
        for node in in_sync.difference(&before) {
            self.wished_for.entry((epoch, *node)).or_insert((primary, now.id));
        }
    }
    /// A list is wrong: how its primary came to be one.
    fn with_the_failover(&self, violation: Violation) -> Violation {
        let (Some(made), primary) = (self.failover, self.view().primary) else { return violation };
        let violation = violation.because(made, format!("{primary} is the primary from now on"));
        let before = self.views.iter().rev().find(|(view, _)| view.epoch != self.view().epoch);
        match before.and_then(|(view, _)| self.wished_for.get(&(view.epoch, primary))) {
            Some((asked, wish)) => {
                violation.because(*wish, format!("{asked} asks for {primary} to be in sync"))
            }
            None => violation,
        }
    }

    fn asked(&mut self, request: RequestId, client: Option<ClientId>, what: Request, now: Moment) {
        let deposed = self.is_deposed(now.node);
        let news = self.epochs.get(&self.view().epoch).is_some_and(|epoch| !epoch.appends.is_empty());
        self.reached.mark_if(DEPOSED, deposed && news);
        if let Request::Append { key, value, .. } = &what {
            self.reached.mark_if(UNAWARE, deposed);
            let is_retry = self.acknowledged.contains_key(value);
            let is_new_primary = self.view().primary == now.node && self.view().epoch > 1;
            self.reached.mark_if(RETRIED, is_retry && is_new_primary);
            self.lists.asked(key, *value, now);
            self.keys.entry(*value).or_insert_with(|| (key.clone(), now));
            self.open.entry(now.node).or_default().insert(request);
        }
        self.requests.insert(request, Asked { request: what, now, client });
    }

    fn told(&mut self, request: RequestId, response: Response, now: Moment) -> Result<(), Violation> {
        let Some(Asked { request: what, now: asked, client }) = self.requests.get(&request).cloned() else {
            return Ok(());
        };
        self.open.entry(now.node).or_default().remove(&request);
        match (what, response) {
            (Request::Append { value, .. }, Response::Appended { epoch, position, safe }) => {
                self.appended(value, epoch, position, safe, now)
            }
            (Request::Read { key }, Response::Values(values)) => {
                let is_last = client.is_some_and(|client| (READERS..OPERATORS).contains(&client.0))
                    && now.at >= Time::ZERO + self.goals.settled
                    && now.node == self.view().primary;
                match self.goals.acks {
                    Acks::Sync { .. } => {
                        let shown = self.lists.shown(&key, asked, &values, now);
                        shown.map_err(|violation| self.with_the_failover(violation))?;
                    }
                    Acks::Async if !is_last => return Ok(()),
                    Acks::Async => self.shown_last(&key, asked, &values, now)?,
                }
                if is_last { self.has_what_was_safe(&key, asked, &values, now) } else { Ok(()) }
            }
            (Request::Audit, Response::Audit(lists)) => {
                if client.is_some_and(|client| client.0 >= OPERATORS) {
                    let values = lists.into_values().flatten().collect();
                    self.copies.insert(now.node, (values, now));
                }
                Ok(())
            }
            (_, Response::NotPrimary { .. } | Response::Unavailable) => Ok(()),
            (what, response) => {
                let sentence = format!("{} was asked to {what:?}, and it answered: {response:?}.", now.node);
                Err(Violation::of(now.id, "answers-another-question", sentence)
                    .because(asked.id, "it is asked"))
            }
        }
    }
    fn appended(
        &mut self,
        value: Value,
        epoch: u64,
        position: u64,
        safe: u64,
        now: Moment,
    ) -> Result<(), Violation> {
        let node = now.node;
        if !self.views.iter().any(|(view, _)| view.epoch == epoch) {
            let sentence = format!(
                "{node} acknowledged append {value} in epoch {epoch}, but no view has had this epoch so far: the newest one is {}.",
                self.view()
            );
            return Err(Violation::of(now.id, "unknown-epoch", sentence));
        }
        let of = self.epochs.entry(epoch).or_default();
        let (other, before) = *of.appends.entry(position).or_insert((value, now));
        if other != value {
            let sentence = format!(
                "{node} acknowledged append {value} at position {position} of epoch {epoch}, and {} had acknowledged append {other} at \
                 the same position. In one order, each append has a position of its own.",
                before.node
            );
            return Err(Violation::of(now.id, "position-twice", sentence)
                .because(before.id, format!("{other} is at position {position}")));
        }
        if of.safe.is_none_or(|(most, _)| most < safe) && safe > 0 {
            of.safe = Some((safe, now));
        }
        if let Some(by) = self.goals.safe_by
            && now.at >= Time::ZERO + by
            && let Some((before, (other, _))) = of.appends.range(..position).next_back()
            && safe < *before
        {
            let sentence = format!(
                "{node} acknowledged append {value} at position {position} of epoch {epoch}, and said that everything up to {safe} is safe. But \
                 append {other} at position {before} was acknowledged long before, and the network was quiet: it should be safe by now."
            );
            return Err(Violation::of(now.id, "safe-keeps-up", sentence));
        }
        self.acknowledged.entry(value).or_insert(now);
        if matches!(self.goals.acks, Acks::Sync { .. }) {
            self.lists.acknowledged(value, now);
        }
        self.reached.mark_if(FAILED_OVER, self.epochs.len() > 1);
        Ok(())
    }
    /// Async mode: the last primary shows what will stay. That has to include what was safe, and what this primary acknowledged itself.
    fn shown_last(
        &mut self,
        key: &Key,
        asked: Moment,
        values: &[Value],
        now: Moment,
    ) -> Result<(), Violation> {
        let lost =
            |value: &&Value| self.keys.get(value).is_some_and(|(of, _)| of == key) && !values.contains(value);
        self.reached.mark_if(LOST, self.acknowledged.keys().any(|value| lost(&value)));
        self.lists.shown(key, asked, values, now)?;
        let epoch = self.view().epoch;
        let own = self.epochs.get(&epoch).into_iter().flat_map(|of| of.appends.values());
        for (value, acknowledged) in own {
            if lost(&value) && acknowledged.id < asked.id {
                let sentence = format!(
                    "{} answered a read of {key} with {}. It lacks append {value}, which was acknowledged in the same epoch, {epoch}, at \
                     {}: an append is durable at the primary that acknowledges it.",
                    now.node,
                    show(values),
                    acknowledged.at
                );
                return Err(Violation::of(now.id, "lost-its-own", sentence)
                    .because(acknowledged.id, format!("{value} is acknowledged")));
            }
        }
        Ok(())
    }
    /// What was called safe is in the list that the last primary shows.
    fn has_what_was_safe(
        &self,
        key: &Key,
        asked: Moment,
        values: &[Value],
        now: Moment,
    ) -> Result<(), Violation> {
        for (epoch, of) in &self.epochs {
            let Some((safe, said)) = of.safe else { continue };
            for (position, (value, acknowledged)) in of.appends.range(..=safe) {
                let is_due =
                    acknowledged.id < asked.id && self.keys.get(value).is_some_and(|(of, _)| of == key);
                if is_due && !values.contains(value) {
                    let sentence = format!(
                        "{} answered a read of {key} with {}. Append {value} is missing: it was acknowledged at position {position} of \
                         epoch {epoch}. At {}, {} had said that in this epoch everything up to position {safe} is safe.",
                        now.node,
                        show(values),
                        said.at,
                        said.node
                    );
                    return Err(Violation::of(now.id, "safe-is-missing", sentence)
                        .because(acknowledged.id, format!("{value} is acknowledged"))
                        .because(said.id, format!("up to {safe} is safe")));
                }
            }
        }
        Ok(())
    }

    /// A message reaches a node, or an answer of the service.
    fn got(&mut self, seen: &Observation) {
        if let (Cause::Observation(sending), Some(failover)) = (seen.cause, self.failover) {
            self.reached.mark_if(LATE, sending < failover);
        }
    }

    // what must happen in time

    fn late(&self, now: Time, is_over: bool) -> Result<(), Violation> {
        let (Some(within), calm) = (self.goals.answered, self.calm) else { return Ok(()) };
        let due = |asked: &&Moment| is_over || now > asked.at.max(calm) + within;
        let Some(asked) = self.waiting.values().find(due) else { return Ok(()) };
        let since = match asked.at < calm {
            true => format!("the end of the last fault at {calm}"),
            false => "the request".to_owned(),
        };
        let sentence = format!(
            "A client asked {} at {}, and since then no node has answered it by {now}. An answer is due within {} of {since}. In force is {}.",
            asked.node,
            asked.at,
            Time::ZERO + within,
            self.view()
        );
        Err(Violation::never("answers-its-client", sentence).because(asked.id, "this client gets no answer"))
    }
    fn missing(&self, now: Time, is_over: bool) -> Result<(), Violation> {
        let Some(within) = self.goals.rejoins else { return Ok(()) };
        let due = |(_, since): &(&NodeId, &Time)| is_over || now > (**since).max(self.calm) + within;
        let Some((node, since)) = self.back.iter().find(due) else { return Ok(()) };
        let sentence = format!(
            "{node} was up from {since} on, and it is still not in sync at {now}. A node that comes back is in sync within {}, of its \
             start and of the newest primary's view. In force is {}.",
            Time::ZERO + within,
            self.view()
        );
        Err(Violation::never("in-sync-again", sentence))
    }
    /// Every acknowledged append has enough copies.
    fn enough_copies(&self) -> Result<(), Violation> {
        let Some(copies) = self.goals.copies else { return Ok(()) };
        if self.copies.len() < self.nodes {
            return Ok(()); // not all of them were asked
        }
        for (value, acknowledged) in &self.acknowledged {
            let have: Vec<&NodeId> = self
                .copies
                .iter()
                .filter(|(_, (has, _))| has.contains(value))
                .map(|(node, _)| node)
                .collect();
            if have.len() < copies {
                let names = have.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
                let names = if names.is_empty() { "no node".to_owned() } else { names };
                let sentence = format!(
                    "{} acknowledged append {value} at {}. All nodes crashed later, and after that {names} had it on disk. An acknowledged \
                     append must be on {copies} nodes: the primary, and at least `min` others.",
                    acknowledged.node, acknowledged.at
                );
                let mut violation = Violation::never("fewer-than-min", sentence)
                    .because(acknowledged.id, format!("{value} is acknowledged"));
                for (_, at) in self.copies.values() {
                    violation = violation.because(at.id, "its own copy");
                }
                return Err(violation);
            }
        }
        Ok(())
    }
}

impl Oracle for House {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        if self.left.is_none() {
            let scenario = world.scenario();
            self.left = Some(scenario.clients.iter().map(|client| client.operations.len()).sum());
            self.nodes = scenario.nodes.len() - 1;
            self.calm = Time::ZERO + scenario.calm.map_or(Duration::ZERO, |(calm, _)| calm);
        }
        let now = Moment::from(seen);
        match &seen.seen {
            Seen::Emitted { .. } if seen.node == self.goals.service => {
                if let Some(Event::View(view)) = seen.emitted::<Views>() {
                    self.view_made(view, now);
                }
                return Ok(());
            }
            Seen::Invoked { client, operation } => _ = self.waiting.insert((*client, *operation), now),
            Seen::Returned { client, operation, .. } | Seen::GaveUp { client, operation }
                if self.waiting.remove(&(*client, *operation)).is_some() =>
            {
                self.left = self.left.map(|left| left.saturating_sub(1));
            }
            _ => {}
        }
        match Saw::<PrimaryBackup>::of(world, seen)? {
            Saw::Asked { request, operation, what } => {
                self.asked(request, operation.map(|(client, _)| client), what, now);
            }
            Saw::Told { request, what } => self.told(request, what, now)?,
            Saw::Answered { what: Answer::View(view), .. } => {
                let heard = self.heard.entry(seen.node).or_insert(1);
                self.reached.mark_if(LATE, view.number < *heard);
                *heard = view.number.max(*heard);
                self.got(seen);
            }
            Saw::Called { what: Call::InSync { in_sync, .. }, .. } => self.wishes(&in_sync, now),
            Saw::Got { .. } => self.got(seen),
            Saw::Started { incarnation } if incarnation > 0 && seen.node != self.goals.service => {
                let view = self.view();
                if view.primary != seen.node && !view.in_sync.contains(&seen.node) {
                    self.back.insert(seen.node, seen.at);
                }
            }
            Saw::Crashed => {
                self.back.remove(&seen.node);
                self.open.remove(&seen.node);
            }
            _ => {}
        }
        self.late(seen.at, false)?;
        self.missing(seen.at, false)
    }
    fn has_seen_enough(&self) -> bool {
        self.left == Some(0) && (self.goals.rejoins.is_none() || self.back.is_empty())
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        let is_over = world.end() == Some(&End::Idle);
        self.late(world.now(), is_over)?;
        self.missing(world.now(), is_over)?;
        self.enough_copies()?;
        *reached = std::mem::take(&mut self.reached);
        Ok(())
    }
}
