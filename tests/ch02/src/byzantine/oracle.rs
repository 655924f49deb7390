//! `byzantine`: what honest nodes were asked to broadcast, and what each of them delivered in which slot.
//!
//! Messages are noted only for what a violation says of them: how nodes vote is their own affair.

use judge::{Reached, Violation};
use kit::goals::is_due;
use kit::{Rule, Saw, Scene};
use lab::NodeId;
use lab::byzantine::{Broadcaster, Config, Event, Message, Payload, Request, Slot};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{End, NodeKind, ObservationId, Scenario, Time, World};

pub(super) const SPLIT: &str = "honest nodes echoed different payloads in one slot";
pub(super) const SPARED: &str = "a node delivered what too few nodes had echoed to it";
pub(super) const FALSE_FIRST: &str = "a false vote arrived before the true ones";
pub(super) const DELIVERED: &str = "an honest node delivered in the slot of a traitor";

/// A broadcast of an honest node is delivered within so many delays.
pub(super) const DELAYS: u32 = 6;
/// After so many delays without a new broadcast there is silence.
pub(super) const SILENT_AFTER: u32 = 12;

/// A delay: the longest time that a message of this run can take.
pub(super) fn delay(scenario: &Scenario) -> Duration {
    let links = scenario.links.iter().map(|rule| rule.link).chain([scenario.network]);
    let longest = links.map(|link| link.latency.tail.map_or(link.latency.max, |tail| tail.max));
    longest.max().unwrap_or_default()
}
/// Whether nothing is kept back for ever, so that what has to happen must happen.
fn is_reliable(world: &World) -> bool {
    world.scenario().withheld.is_empty()
}
fn honest(scenario: &Scenario) -> BTreeSet<NodeId> {
    let guests = scenario.nodes.iter().filter(|node| matches!(node.kind, NodeKind::Guest));
    guests.map(|node| node.id).collect()
}
fn list(nodes: impl IntoIterator<Item: ToString>) -> String {
    let names: Vec<String> = nodes.into_iter().map(|node| node.to_string()).collect();
    match &names[..] {
        [] => "no node".to_owned(),
        [one] => one.clone(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
    }
}

/// What somebody did, when, and where that is to be seen.
#[derive(Clone, Copy)]
struct Act {
    payload: Payload,
    at: Time,
    id: ObservationId,
}
impl Act {
    fn here(scene: Scene<'_>, payload: Payload) -> Act {
        Act { payload, at: scene.at(), id: scene.id() }
    }
}

/// What must never happen: that honest nodes deliver differently, twice, what nobody broadcast, or not all of them.
pub(super) struct Agreement {
    config: Config,
    honest: BTreeSet<NodeId>,
    everybody: BTreeSet<NodeId>,
    slots: BTreeMap<Slot, Known>,
    reached: Reached,
}
/// What is known of one slot.
#[derive(Default)]
struct Known {
    asked: Option<Act>,
    delivered: BTreeMap<NodeId, Act>,
    /// What each honest node has echoed first.
    echoed: BTreeMap<NodeId, Payload>,
    /// What honest nodes were handed.
    heard: BTreeMap<NodeId, Heard>,
}
/// Who has sent a node which vote, and where the first one of each kind arrived.
#[derive(Default)]
struct Heard {
    echoes: Votes,
    readies: Votes,
    /// The first vote of all, if a traitor gave it.
    lie_first: Option<Payload>,
}
type Votes = BTreeMap<(Payload, NodeId), ObservationId>;
/// The votes for this payload.
fn votes_for(votes: &Votes, payload: Payload) -> impl Iterator<Item = (NodeId, ObservationId)> {
    votes.range((payload, NodeId(0))..=(payload, NodeId(u32::MAX))).map(|((_, voter), id)| (*voter, *id))
}

impl Agreement {
    pub(super) fn of(scenario: &Scenario, config: Config) -> Agreement {
        Agreement {
            config,
            honest: honest(scenario),
            everybody: scenario.nodes.iter().map(|node| node.id).collect(),
            slots: BTreeMap::new(),
            reached: Reached::default(),
        }
    }

    fn sent(&mut self, scene: Scene<'_>, message: &Message) {
        let Message::Echo { slot, payload } = *message else { return };
        let echoed = &mut self.slots.entry(slot).or_default().echoed;
        let is_split = echoed.values().any(|other| *other != payload);
        echoed.entry(scene.node()).or_insert(payload);
        self.reached.mark_if(SPLIT, is_split);
    }

    fn got(&mut self, scene: Scene<'_>, from: NodeId, message: &Message) {
        let (slot, payload, is_echo) = match *message {
            Message::Echo { slot, payload } => (slot, payload, true),
            Message::Ready { slot, payload } => (slot, payload, false),
            Message::Initial { .. } | Message::Extension(_) => return,
        };
        let is_lie = !self.honest.contains(&from);
        let heard = self.slots.entry(slot).or_default().heard.entry(scene.node()).or_default();
        if is_lie && heard.echoes.is_empty() && heard.readies.is_empty() {
            heard.lie_first = Some(payload);
        }
        let votes = if is_echo { &mut heard.echoes } else { &mut heard.readies };
        votes.entry((payload, from)).or_insert(scene.id());
    }

    fn delivers(&mut self, scene: Scene<'_>, slot: Slot, payload: Payload) -> Result<(), Violation> {
        let (node, at) = (scene.node(), scene.at());
        let is_honest = self.honest.contains(&slot.origin);
        let known = self.slots.entry(slot).or_default();
        if let Some(first) = known.delivered.get(&node) {
            let sentence = format!(
                "{node} delivered {} in slot {slot} at {}, and it delivered {payload} in the same slot at {at}. A node delivers at most once \
                 in a slot.",
                first.payload, first.at
            );
            let violation = scene.breaks("delivers-twice", sentence);
            return Err(violation.because(first.id, format!("{node} delivers {}", first.payload)));
        }
        if is_honest && known.asked.map(|asked| asked.payload) != Some(payload) {
            let what = match known.asked {
                Some(asked) => format!("{} was asked to broadcast {} there", slot.origin, asked.payload),
                None => format!("{} is honest and was not asked for that broadcast", slot.origin),
            };
            let sentence = format!(
                "{node} delivered {payload} in slot {slot}, but {what}. {}",
                self.evidence(node, slot, payload)
            );
            let violation = scene.breaks("only-what-was-broadcast", sentence);
            let asked = self.slots[&slot].asked;
            return Err(match asked {
                Some(asked) => violation.because(asked.id, "the true payload"),
                None => violation,
            });
        }
        if !self.everybody.contains(&slot.origin) {
            let sentence = format!(
                "{node} delivered {payload} in slot {slot}, but there is no node {}. {}",
                slot.origin,
                self.evidence(node, slot, payload)
            );
            return Err(scene.breaks("only-what-was-broadcast", sentence));
        }
        if let Some((other, act)) = known.delivered.iter().find(|(_, act)| act.payload != payload) {
            let sentence = format!(
                "{node} delivered {payload} in slot {slot}, but {other} had delivered {} in that slot at {}. All honest nodes deliver the \
                 same.",
                act.payload, act.at
            );
            let violation = scene.breaks("delivers-the-same", sentence);
            return Err(violation.because(act.id, format!("{other} delivers {}", act.payload)));
        }
        known.delivered.insert(node, Act::here(scene, payload));
        self.reached.mark_if(DELIVERED, !is_honest);
        let heard = known.heard.get(&node);
        let echoes = heard.into_iter().flat_map(|heard| votes_for(&heard.echoes, payload));
        let mut echoes: BTreeSet<NodeId> = echoes.map(|(voter, _)| voter).collect();
        if known.echoed.get(&node) == Some(&payload) {
            echoes.insert(node);
        }
        let lie = heard.and_then(|heard| heard.lie_first);
        self.reached.mark_if(FALSE_FIRST, is_honest && lie.is_some_and(|lie| lie != payload));
        let is_spared = 2 * echoes.len() <= (self.config.nodes + self.config.faults) as usize;
        self.reached.mark_if(SPARED, is_spared);
        Ok(())
    }

    /// Which votes for this payload a node had got.
    fn evidence(&self, node: NodeId, slot: Slot, payload: Payload) -> String {
        let heard = self.slots.get(&slot).and_then(|known| known.heard.get(&node));
        let by = |votes: fn(&Heard) -> &Votes| {
            let voters = heard.into_iter().flat_map(|heard| votes_for(votes(heard), payload));
            list(voters.map(|(voter, _)| {
                if self.honest.contains(&voter) { voter.to_string() } else { format!("{voter} (traitor)") }
            }))
        };
        format!(
            "{node} had got Echo for {payload} from {}, and Ready for {payload} from {}.",
            by(|heard| &heard.echoes),
            by(|heard| &heard.readies)
        )
    }

    /// If one delivered, all did.
    fn all_or_none(&self, world: &World) -> Result<(), Violation> {
        let now = world.now();
        let when = match world.end() {
            Some(End::Idle) => format!("by {now}, when all messages had arrived"),
            _ => format!("when the run ended at {now}"),
        };
        for (slot, known) in &self.slots {
            let Some((first, act)) = known.delivered.iter().min_by_key(|(_, act)| act.id) else { continue };
            let Some(node) = self.honest.iter().find(|node| !known.delivered.contains_key(node)) else {
                continue;
            };
            let payload = act.payload;
            let sentence = format!(
                "{first} delivered {payload} in slot {slot} at {}, but {node} had delivered nothing in that slot {when}. \
                 {} If one honest node delivers, all honest nodes must.",
                act.at,
                self.evidence(*node, *slot, payload)
            );
            let mut violation = Violation::never("all-or-none", sentence)
                .because(act.id, format!("{first} delivers {payload}; {node} never delivers in {slot}"));
            for (voter, id) in
                known.heard.get(node).into_iter().flat_map(|heard| votes_for(&heard.readies, payload))
            {
                violation = violation.because(id, format!("{voter} is ready, and {node} knows it"));
            }
            return Err(violation);
        }
        Ok(())
    }
}
impl Rule<Broadcaster, Message> for Agreement {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Broadcaster, Message>) -> Result<(), Violation> {
        if !self.honest.contains(&scene.node()) {
            return Ok(());
        }
        match saw {
            Saw::Asked { what: Request::Broadcast { seq, payload }, .. } => {
                let slot = Slot { origin: scene.node(), seq: *seq };
                self.slots.entry(slot).or_default().asked = Some(Act::here(scene, *payload));
            }
            Saw::Sent { message: Some(message), .. } => self.sent(scene, message),
            Saw::Got { from, message: Some(message) } => self.got(scene, *from, message),
            Saw::Emitted(Event::Delivered { slot, payload }) => return self.delivers(scene, *slot, *payload),
            _ => {}
        }
        Ok(())
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        if is_reliable(world) {
            self.all_or_none(world)?;
        }
        *reached = std::mem::take(&mut self.reached);
        Ok(())
    }
}

/// Every honest node delivers in time what an honest node broadcasts.
pub(super) struct AllDeliver {
    honest: BTreeSet<NodeId>,
    within: Duration,
    /// The broadcasts that some nodes still have to deliver.
    due: BTreeMap<Slot, (Act, BTreeSet<NodeId>)>,
}
impl AllDeliver {
    pub(super) fn of(scenario: &Scenario) -> AllDeliver {
        AllDeliver { honest: honest(scenario), within: delay(scenario) * DELAYS, due: BTreeMap::new() }
    }
    fn late(&self, world: &World, is_late: impl Fn(Time) -> bool) -> Result<(), Violation> {
        let Some((slot, (asked, nodes))) = self.due.iter().find(|(_, (asked, _))| is_late(asked.at)) else {
            return Ok(());
        };
        if !is_reliable(world) {
            return Ok(());
        }
        let Act { payload, at, id } = *asked;
        let missing = nodes.len();
        let silent = world.scenario().nodes.len() - self.honest.len();
        let sentence = format!(
            "{} was asked at {at} to broadcast {payload} in slot {slot}. {missing} of the {} honest nodes did not deliver it by {}: {}. That is {DELAYS} delays \
             after the request. {silent} of all {} nodes are traitors.",
            slot.origin,
            self.honest.len(),
            at + self.within,
            list(nodes.iter().copied()),
            world.scenario().nodes.len()
        );
        let violation = Violation::never("all-deliver", sentence);
        Err(violation.because(id, format!("{} broadcasts {payload}", slot.origin)))
    }
}
impl Rule<Broadcaster, Message> for AllDeliver {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Broadcaster, Message>) -> Result<(), Violation> {
        let node = scene.node();
        match saw {
            Saw::Asked { what: Request::Broadcast { seq, payload }, .. } => {
                let slot = Slot { origin: node, seq: *seq };
                self.due.insert(slot, (Act::here(scene, *payload), self.honest.clone()));
            }
            Saw::Emitted(Event::Delivered { slot, payload }) => {
                if let Some((asked, nodes)) = self.due.get_mut(slot)
                    && asked.payload == *payload
                {
                    nodes.remove(&node);
                    if nodes.is_empty() {
                        self.due.remove(slot);
                    }
                }
            }
            _ => {}
        }
        let (now, within) = (scene.at(), self.within);
        self.late(scene.world, |asked| asked + within < now)
    }
    fn end(&mut self, world: &World, _: &mut Reached) -> Result<(), Violation> {
        let within = self.within;
        self.late(world, |asked| is_due(world, asked, within))
    }
}

/// What honest nodes send each other when nobody lies.
pub(super) struct Thrifty {
    nodes: u64,
    delay: Duration,
    broadcasts: u64,
    last: Time,
    messages: u64,
    by_kind: BTreeMap<&'static str, u64>,
}
impl Thrifty {
    pub(super) fn of(scenario: &Scenario) -> Thrifty {
        Thrifty {
            nodes: scenario.nodes.len() as u64,
            delay: delay(scenario),
            broadcasts: 0,
            last: Time::ZERO,
            messages: 0,
            by_kind: BTreeMap::new(),
        }
    }
}
impl Rule<Broadcaster, Message> for Thrifty {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Broadcaster, Message>) -> Result<(), Violation> {
        match saw {
            Saw::Asked { .. } => {
                self.broadcasts += 1;
                self.last = scene.at();
            }
            Saw::Sent { message, to, .. } => {
                let kind = match message {
                    Some(Message::Initial { .. }) => "Initial",
                    Some(Message::Echo { .. }) => "Echo",
                    Some(Message::Ready { .. }) => "Ready",
                    Some(Message::Extension(_)) | None => "Extension",
                };
                *self.by_kind.entry(kind).or_default() += 1;
                self.messages += 1;
                let most = 5 * self.nodes * self.nodes * self.broadcasts;
                if self.messages > most {
                    let kinds: Vec<String> =
                        self.by_kind.iter().map(|(kind, many)| format!("{many} {kind}")).collect();
                    let sentence = format!(
                        "The {} nodes have sent {} messages by {} for {} broadcasts: {}. At most {most} are allowed, 5n² for each broadcast.",
                        self.nodes,
                        self.messages,
                        scene.at(),
                        self.broadcasts,
                        kinds.join(", ")
                    );
                    return Err(scene.breaks("few-messages", sentence).of_costs());
                }
                if scene.at() > self.last + self.delay * SILENT_AFTER {
                    let sentence = format!(
                        "{} sent {to} a message at {}, although the last broadcast began at {}. {SILENT_AFTER} delays of {:?} later, no node has \
                         anything left to send.",
                        scene.node(),
                        scene.at(),
                        self.last,
                        self.delay
                    );
                    return Err(scene.breaks("then-silence", sentence).of_costs());
                }
            }
            _ => {}
        }
        Ok(())
    }
}
