//! `causal_broadcast`: how a run is judged.

use super::worlds::{RESEND, RESENDS};
use judge::{Oracle, Reached, Violation};
use lab::NodeId;
use lab::causal_broadcast::{Config, Event, Member, Payload, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{Cause, End, Observation, ObservationId, Seen, Time, World};

pub(super) const LOST: &str = "a message was lost";
pub(super) const CAUSED: &str = "an answer reached somebody who had asked nothing";
pub(super) const DOUBLED: &str = "a message arrived twice";
pub(super) const FREED: &str = "a message waited for its cause";
pub(super) const SURVIVED: &str = "a message was delivered whose broadcaster had crashed";
pub(super) const DIED: &str = "a node delivered and crashed";
pub(super) const UNFAZED: &str = "a message overtook one of the slow node's";

/// A message of this exercise bears at most so many bytes.
pub(super) fn frame_bytes_max(nodes: usize) -> usize {
    96 + 24 * nodes
}

/// What is judged besides: that nothing is delivered twice, or before its causes, and that what must arrive does, is judged in all runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Promise {
    /// Nothing.
    #[default]
    Safe,
    /// A message waits for its causes and for nothing else.
    Prompt {
        /// What this node sends is slow, and so is what it caused.
        slow: Option<NodeId>,
        /// Messages that are broadcast from here on count.
        from: Duration,
        /// So long after the broadcast, or after the last of its causes was delivered.
        within: Duration,
    },
    /// Messages are few and short, and when all is said nothing is sent again, and few timers fire.
    Traffic,
}

/// Follows who broadcast what, who delivered it, and what was known then.
#[derive(Default)]
pub(super) struct Group {
    pub(super) promise: Promise,
    pub(super) members: BTreeMap<NodeId, Log>,
    pub(super) messages: BTreeMap<Payload, Sending>,
    /// When something last went wrong, or went right again.
    pub(super) last_fault: Time,
    /// Sendings that have arrived.
    pub(super) arrived: BTreeSet<ObservationId>,
    pub(super) frames: u64,
    /// Timers that fired, and messages to nodes that live, when all had been said for long.
    pub(super) idle: u64,
    pub(super) reached: Reached,
}
#[derive(Default)]
pub(super) struct Log {
    written: Vec<Payload>,
    delivered: Vec<Payload>,
    when: BTreeMap<Payload, Time>,
    /// Where it delivered them.
    at: BTreeMap<Payload, ObservationId>,
    crashed: Option<Time>,
}
pub(super) struct Sending {
    from: NodeId,
    at: Time,
    asked: ObservationId,
    /// So many of those that its broadcaster had delivered, and written, by then are its causes.
    causes: (usize, usize),
}

pub(super) fn list(nodes: &[NodeId]) -> String {
    let names: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    match &names[..] {
        [one] => one.clone(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
        [] => "nobody".to_owned(),
    }
}

impl Group {
    fn log(&mut self, node: NodeId) -> &mut Log {
        self.members.entry(node).or_default()
    }
    fn requested(&mut self, seen: &Observation, Request::Broadcast { payload }: Request) {
        let log = self.log(seen.node);
        let causes = (log.delivered.len(), log.written.len());
        log.written.push(payload);
        self.messages.insert(payload, Sending { from: seen.node, at: seen.at, asked: seen.id, causes });
    }

    fn delivered(&mut self, seen: &Observation, from: NodeId, payload: Payload) -> Result<(), Violation> {
        let node = seen.node;
        let known = self.messages.get(&payload).filter(|sending| sending.from == from);
        let before = self.members.get(&node).and_then(|log| log.when.get(&payload)).copied();
        match (known, before) {
            (None, _) => {
                let sentence = match self.messages.get(&payload) {
                    Some(sending) => format!(
                        "{node} delivered message {payload} as a message of {from}, but {} was asked to broadcast it.",
                        sending.from
                    ),
                    None => format!(
                        "{node} delivered message {payload}, but no node had been asked to broadcast it."
                    ),
                };
                return Err(Violation::at(seen, "nobody-broadcast", sentence));
            }
            (_, Some(before)) => {
                let sentence = format!(
                    "{node} delivered message {payload} (from {from}) twice: at {before} and at {}.",
                    seen.at
                );
                let violation = Violation::at(seen, "delivers-twice", sentence).because(seen.id, "again");
                return Err(match self.delivered_at(node, payload) {
                    Some(first) => violation.because(first, format!("{node} delivers it for the first time")),
                    None => violation,
                });
            }
            (Some(_), None) => {}
        }
        self.causes_first(seen, payload)?;
        let log = self.log(node);
        log.delivered.push(payload);
        log.when.insert(payload, seen.at);
        log.at.insert(payload, seen.id);
        Ok(())
    }

    /// Every cause of this message, and whether its broadcaster had written it itself.
    fn causes(&self, payload: Payload) -> impl Iterator<Item = (Payload, bool)> {
        let Sending { from, causes: (delivered, written), .. } = self.messages[&payload];
        let log = &self.members[&from];
        let others = log.delivered[..delivered].iter().map(|cause| (*cause, false));
        others.chain(log.written[..written].iter().map(|cause| (*cause, true)))
    }
    fn causes_first(&mut self, seen: &Observation, payload: Payload) -> Result<(), Violation> {
        let node = seen.node;
        let from = self.messages[&payload].from;
        let empty = BTreeMap::new();
        let here = self.members.get(&node).map_or(&empty, |log| &log.when);
        let missing = self.causes(payload).find(|(cause, _)| !here.contains_key(cause));
        if let Some((cause, own)) = missing {
            let had = match own {
                true => format!(
                    "{from} had been asked to broadcast message {cause} before it was asked for {payload}"
                ),
                false => {
                    let author = self.messages[&cause].from;
                    format!(
                        "{from} had delivered message {cause} (from {author}) before it was asked to broadcast {payload}"
                    )
                }
            };
            let sentence =
                format!("{node} delivered message {payload} (from {from}) before message {cause}: {had}.");
            let known = if own { Some(self.messages[&cause].asked) } else { self.delivered_at(from, cause) };
            let violation = Violation::at(seen, "causes-first", sentence)
                .because(
                    self.messages[&payload].asked,
                    format!("{from} is asked to broadcast {payload}, and knows {cause}"),
                )
                .because(seen.id, format!("{node} delivers {payload} without {cause}"));
            return Err(match known {
                Some(known) => violation.because(known, format!("from here on {from} knows {cause}")),
                None => violation,
            });
        }
        let third = |cause: Payload| {
            let author = self.messages[&cause].from;
            author != from && author != node && from != node
        };
        let caused = self.causes(payload).any(|(cause, _)| third(cause));
        self.reached.mark_if(CAUSED, caused);
        // had it been here when others delivered it, it would have had to wait
        let elsewhere = self.members.values().filter_map(|log| log.when.get(&payload)).min();
        let waited = self.causes(payload).any(|(cause, _)| elsewhere < here.get(&cause));
        self.reached.mark_if(FREED, waited && elsewhere.is_some());
        Ok(())
    }

    /// The nodes that never crashed.
    fn alive<'a>(&'a self, world: &'a World) -> impl Iterator<Item = NodeId> {
        let dead = |node: &NodeId| self.members.get(node).is_some_and(|log| log.crashed.is_some());
        world.scenario().nodes.iter().map(|spec| spec.id).filter(move |node| !dead(node))
    }
    fn delivered_at(&self, node: NodeId, payload: Payload) -> Option<ObservationId> {
        self.members.get(&node)?.at.get(&payload).copied()
    }
    fn when(&self, node: NodeId, payload: Payload) -> Option<Time> {
        self.members.get(&node)?.when.get(&payload).copied()
    }
    /// Whether all that had begun by then had its time, after all that went wrong.
    fn is_over(&self, world: &World, since: Time) -> bool {
        let resend =
            lab::frame::decode::<Config>(&world.scenario().nodes[0].config).map(|config| config.resend);
        let bound = resend.unwrap_or_default() * RESENDS;
        world.end() == Some(&End::Idle) || world.now() - since.max(self.last_fault) >= bound
    }
    /// Whether a delivery came later than that, though the group had gone on to talk.
    fn is_late(&self, world: &World, since: Time, when: Time) -> bool {
        let resend =
            lab::frame::decode::<Config>(&world.scenario().nodes[0].config).map(|config| config.resend);
        when > since.max(self.last_fault) + resend.unwrap_or_default() * RESENDS
    }

    /// Everyone who lives delivers a message, if this says that somebody has to.
    fn all_have(
        &self,
        world: &World,
        must: impl Fn(Payload, &Sending) -> Option<String>,
    ) -> Result<(), Violation> {
        for (&payload, sending) in &self.messages {
            let lacks = |node: &NodeId| {
                self.when(*node, payload).is_none_or(|when| self.is_late(world, sending.at, when))
            };
            let without: Vec<NodeId> = self.alive(world).filter(lacks).collect();
            if without.is_empty() || !self.is_over(world, sending.at) {
                continue;
            }
            if let Some(because) = must(payload, sending) {
                let verb = if without.len() == 1 { "crashes" } else { "crash" };
                let who = list(&without);
                let late = without.iter().filter_map(|node| self.when(*node, payload)).min();
                let how = match late {
                    Some(when) => format!("delivered message {payload} only at {when}"),
                    None => format!("never delivered message {payload}"),
                };
                let sentence = format!(
                    "{who} {how}, {because}. {who} never {verb}, and there was no fault after {}.",
                    self.last_fault
                );
                let asked = format!("a client asks for the broadcast of message {payload}");
                return Err(Violation::never("all-deliver", sentence).because(sending.asked, asked));
            }
        }
        Ok(())
    }
}

impl Oracle for Group {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        let node = seen.node;
        match &seen.seen {
            Seen::Requested { bytes, .. } => {
                let request = lab::frame::decode(bytes).expect("the suite's own request");
                self.requested(seen, request);
            }
            Seen::Delivered { .. } => {
                if let Cause::Observation(sending) = seen.cause {
                    let again = !self.arrived.insert(sending);
                    self.reached.mark_if(DOUBLED, again);
                }
            }
            Seen::Sent { to, bytes, .. } if *to != node && !self.messages.is_empty() => {
                self.frames += 1;
                let n = world.scenario().nodes.len();
                if self.promise == Promise::Traffic && bytes.len() > frame_bytes_max(n) {
                    let (long, most) = (bytes.len(), frame_bytes_max(n));
                    let sentence = format!(
                        "After {} broadcasts, {node} sent {to} a message of {long} bytes, although only one broadcast was \
                         under way. The limit for {n} nodes is {most} bytes, however many broadcasts came before.",
                        self.messages.len()
                    );
                    return Err(Violation::at(seen, "message-size", sentence));
                }
                if self.promise == Promise::Traffic {
                    // more than all that will be asked may cost: no need to see how it goes on
                    self.few(
                        world,
                        world.scenario().clients.iter().map(|client| client.operations.len()).sum(),
                    )?;
                }
                self.idle(world, seen, "sent another message")?;
            }
            Seen::Rang { .. } => self.idle(world, seen, "set another timer, which fired")?,
            Seen::Emitted { .. } => match seen.emitted::<Member>() {
                Some(Event::Delivered { from, payload }) => self.delivered(seen, from, payload)?,
                None => {
                    let sentence = format!("{node} emitted something that is not an event of this exercise.");
                    return Err(Violation::at(seen, "unknown-event", sentence));
                }
            },
            Seen::Crashed => {
                self.last_fault = seen.at;
                let log = self.log(node);
                log.crashed = Some(seen.at);
                let had = !log.delivered.is_empty();
                self.reached.mark_if(DIED, had);
            }
            Seen::FaultBegan { .. } | Seen::FaultEnded { .. } => self.last_fault = seen.at,
            Seen::Lost { .. } => self.reached.mark(LOST),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        let crashed = |node: NodeId| self.members.get(&node).and_then(|log| log.crashed);
        match self.promise {
            Promise::Prompt { slow, from, within } => {
                let overtaken = self.prompt(world, slow, from, within)?;
                self.reached.mark_if(UNFAZED, overtaken);
            }
            Promise::Traffic => self.few(world, self.messages.len())?,
            Promise::Safe => {}
        }
        self.all_have(world, |payload, Sending { from, .. }| {
            crashed(*from).is_none().then(|| self.freed(world, payload)).flatten()
        })?;
        self.all_have(world, |_, Sending { from, at, .. }| {
            let lives = crashed(*from).is_none();
            lives.then(|| format!("which {from} was asked to broadcast at {at}"))
        })?;
        let has = |payload| self.alive(world).find(|node| self.when(*node, payload).is_some());
        self.all_have(world, |payload, Sending { from, .. }| {
            let (when, lucky) = (crashed(*from)?, has(payload)?);
            Some(format!("but {lucky} did. Its broadcaster {from} crashed at {when}"))
        })?;
        let survived = self
            .messages
            .iter()
            .any(|(payload, Sending { from, .. })| crashed(*from).is_some() && has(*payload).is_some());
        self.reached.mark_if(SURVIVED, survived);
        self.all_have(world, |payload, _| {
            let nodes = self.members.iter();
            let (node, when) =
                nodes.filter_map(|(node, log)| Some((node, log.when.get(&payload)?))).next()?;
            Some(match crashed(*node) {
                Some(crash) => format!("but {node} delivered it at {when} and crashed at {crash}"),
                None => format!("but {node} delivered it at {when}"),
            })
        })?;
        reached.clone_from(&self.reached);
        Ok(())
    }
}

impl Group {
    /// Why a message can no longer be waiting for its causes, in any node that lacks it.
    fn freed(&self, world: &World, payload: Payload) -> Option<String> {
        let lacks = self.alive(world).find(|node| self.when(*node, payload).is_none())?;
        let mut last = None;
        for (cause, _) in self.causes(payload) {
            last = last.max(Some((self.when(lacks, cause)?, cause)));
        }
        Some(match last {
            Some((when, cause)) => {
                format!("although the last of its causes, message {cause}, was delivered there at {when}")
            }
            None => "which has no causes".to_owned(),
        })
    }

    /// When everybody has delivered everything for long, messages and timers are few, however much was said before.
    fn idle(&mut self, world: &World, seen: &Observation, what: &str) -> Result<(), Violation> {
        let operations: usize = world.scenario().clients.iter().map(|client| client.operations.len()).sum();
        let n = world.scenario().nodes.len() as u64;
        let all_have = || {
            let mut delivered = self.members.values().map(|log| log.delivered.len());
            self.members.len() as u64 == n && delivered.all(|delivered| delivered == operations)
        };
        if self.promise != Promise::Traffic || self.messages.len() < operations || !all_have() {
            return Ok(());
        }
        let last = self.members.values().flat_map(|log| log.when.values()).max().copied().unwrap_or_default();
        let settled = last + RESEND * (RESENDS / 2);
        if seen.at <= settled {
            return Ok(());
        }
        self.idle += 1;
        // a node may look after each of the others, now and again
        let resends = (seen.at - settled).as_micros() as u64 / RESEND.as_micros() as u64 + 1;
        if self.idle <= n * (n + 2) * resends {
            return Ok(());
        }
        let sentence = format!(
            "{} {what} at {}. There were {} such events since {settled}, although all {n} nodes had delivered all {operations} messages \
             by {last}: then there is nothing left to do.",
            seen.node, seen.at, self.idle
        );
        Err(Violation::at(seen, "quiet-at-the-end", sentence))
    }

    /// So many broadcasts have not cost more messages than they may.
    fn few(&self, world: &World, broadcasts: usize) -> Result<(), Violation> {
        let n = world.scenario().nodes.len() as u64;
        let most = 3 * n * n;
        if self.frames <= most * broadcasts as u64 {
            return Ok(());
        }
        Err(Violation::never(
            "few-messages",
            format!(
                "{n} nodes sent each other {} messages by {} for {broadcasts} broadcasts, although no message was lost. A \
                 broadcast costs at most 3 n² = {most} messages.",
                self.frames,
                world.now()
            ),
        )
        .of_costs())
    }

    /// Whether any message overtook one of the slow node.
    fn prompt(
        &self,
        world: &World,
        slow: Option<NodeId>,
        begins: Duration,
        within: Duration,
    ) -> Result<bool, Violation> {
        let mut overtaken = false;
        let is_slow = |node: NodeId| Some(node) == slow;
        let from_slow: Vec<(Payload, Time)> =
            self.messages.iter().filter(|(_, m)| is_slow(m.from)).map(|(p, m)| (*p, m.at)).collect();
        for (payload, Sending { from, at, .. }) in &self.messages {
            let depends = self.causes(*payload).any(|(cause, _)| is_slow(self.messages[&cause].from));
            let is_over = world.end() == Some(&End::Idle) || world.now() - *at >= within;
            if is_slow(*from) || depends || !is_over || *at < Time::ZERO + begins {
                continue;
            }
            for node in self.alive(world).filter(|node| !is_slow(*node)) {
                let when = self.when(node, *payload);
                let causes: Option<Vec<Time>> =
                    self.causes(*payload).map(|(cause, _)| self.when(node, cause)).collect();
                // without a cause it must wait
                let Some(causes) = causes else { continue };
                let since = causes.into_iter().fold(*at, Time::max);
                if when.is_none_or(|when| when - since > within) {
                    let when = when.map_or("never delivered it".to_owned(), |when| {
                        format!("delivered it only at {when}")
                    });
                    let bound = Time::ZERO + within;
                    return Err(Violation::never(
                        "prompt",
                        format!(
                            "{from} was asked to broadcast message {payload} at {at}, but {node} {when}. At {since} {node} had \
                             delivered all its causes. The limit is 4 delays, which are {bound}: a message waits for its \
                             causes and for nothing else."
                        ),
                    ));
                }
                let overtook = |(other, sent): &(Payload, Time)| {
                    sent < at && self.when(node, *other).is_none_or(|then| Some(then) > when)
                };
                overtaken |= from_slow.iter().any(overtook);
            }
        }
        Ok(overtaken)
    }
}
