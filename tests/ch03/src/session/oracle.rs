//! `session`: what devices answered, beside what the replicas applied, and when. All rules judge every run.

use super::replica::{Another, Did, Storing};
use judge::{Reached, Violation};
use kit::{Rule, Saw, Scene, Waits};
use lab::session::{Device, Event, Key, Message, Position, Request, Response, Value};
use lab::{NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{Cause, ClientId, End, Harm, ObservationId, OperationId, Seen, Time, Who, World};

pub(super) const LACKED_OWN: &str =
    "a replica that could be reached lacked a write of the user when a read began";
pub(super) const LACKED_SEEN: &str =
    "a replica that could be reached lacked what had been read when a read began";
pub(super) const MANY_READS: &str = "the nearest replica could have served 50 reads of a run";
pub(super) const WAITED: &str = "a read waited until a replica had what it takes";

/// How many patiences a replica must have been able to serve a request before its end.
const SERVES: u32 = 8;
/// A read that the nearest replica can serve takes at most so long.
const FAST: Duration = Duration::from_millis(10);

/// What a run is made of, and what is judged in it besides the rules that judge every run.
#[derive(Debug, Clone)]
pub(super) struct Goals {
    /// The nearest one first.
    pub(super) replicas: Vec<NodeId>,
    pub(super) devices: Vec<NodeId>,
    pub(super) patience: Duration,
    pub(super) give_up: Duration,
    /// Reads are to be served by the nearest replica, and not by this one, which leads.
    pub(super) spares: Option<NodeId>,
}

/// The judge of one run.
pub(super) struct Session {
    goals: Goals,
    /// Values that users were asked to write.
    asked: BTreeMap<Value, Key>,
    writes: BTreeMap<Value, Write>,
    copies: BTreeMap<NodeId, Copied>,
    leader: Option<NodeId>,
    devices: BTreeMap<NodeId, Side>,
    /// Tokens that devices sent: what they stand for.
    tokens: BTreeMap<ObservationId, Needs>,
    /// Faults that are under way.
    faults: BTreeSet<usize>,
    paused: BTreeSet<NodeId>,
    down: BTreeSet<NodeId>,
    /// Requests that are to be answered by a time, whether or not they were answered as unavailable by now.
    due: Vec<Due>,
    left: Option<BTreeSet<(ClientId, OperationId)>>,
    spared: Spared,
    served: u64,
    reached: Reached,
}
/// A write that the store has done.
struct Write {
    key: Key,
    at: Position,
    seen: ObservationId,
}
/// What a replica has applied.
#[derive(Default)]
struct Copied {
    at: Position,
    /// Of each key, what it has held since when.
    held: BTreeMap<Key, Vec<(Time, Value)>>,
}
/// By key: the latest write that the session has seen.
type Needs = BTreeMap<Key, Need>;
#[derive(Debug, Clone, Copy)]
struct Need {
    at: Position,
    value: Value,
    /// Whether the user had written it, or it was read.
    is_own: bool,
    device: NodeId,
    when: Time,
    seen: ObservationId,
}
/// One device.
#[derive(Default)]
struct Side {
    needs: Needs,
    open: BTreeMap<RequestId, Open>,
    /// The largest position that it was ever told.
    told: Position,
    /// Handoffs to which no token was sent yet.
    handoffs: Vec<Handoff>,
    /// Tokens of each other device that have arrived and were not taken in.
    arrived: BTreeMap<NodeId, Vec<(Time, ObservationId, Needs)>>,
    /// Devices whose tokens have arrived in any life.
    heard: BTreeSet<NodeId>,
    /// Since when each replica could serve a read, and the leader a write.
    reads_since: BTreeMap<NodeId, Time>,
    writes_since: Option<(NodeId, Time)>,
}
struct Open {
    what: Request,
    when: Time,
    seen: ObservationId,
    needs: Option<Need>,
    operation: Option<(ClientId, OperationId)>,
    /// Whether the nearest replica could serve it when it was made, and whether the leader was asked, too.
    is_near: bool,
    asked_leader: bool,
}
struct Handoff {
    to: NodeId,
    when: Time,
    seen: ObservationId,
    needs: Needs,
}
/// A request of a device, and its end of `give_up`.
struct Due {
    device: NodeId,
    request: RequestId,
    what: Request,
    when: Time,
    seen: ObservationId,
    /// When it was answered as unavailable.
    unavailable: Option<(Time, ObservationId)>,
    /// What could serve it was looked at.
    is_judged: bool,
}
impl Due {
    fn in_words(&self, world: &World) -> String {
        let says = match self.unavailable {
            Some((at, _)) => format!("answered Unavailable at {at}"),
            None => "has not answered".to_owned(),
        };
        let name = world.scenario().name_of(self.device);
        format!("{name} was asked to {} at {}, and {says}", words(self.what), self.when)
    }
}
/// How reads were served that the nearest replica could serve.
#[derive(Default)]
struct Spared {
    reads: u64,
    slow: u64,
    at_leader: u64,
    last: Option<ObservationId>,
}

impl Session {
    pub(super) fn new(goals: Goals) -> Session {
        Session {
            copies: goals.replicas.iter().map(|id| (*id, Copied::default())).collect(),
            devices: goals.devices.iter().map(|id| (*id, Side::default())).collect(),
            goals,
            asked: BTreeMap::new(),
            writes: BTreeMap::new(),
            leader: None,
            tokens: BTreeMap::new(),
            faults: BTreeSet::new(),
            paused: BTreeSet::new(),
            down: BTreeSet::new(),
            due: Vec::new(),
            left: None,
            spared: Spared::default(),
            served: 0,
            reached: Reached::default(),
        }
    }
    fn side(&mut self, device: NodeId) -> &mut Side {
        self.devices.entry(device).or_default()
    }

    // the store

    fn applied(&mut self, scene: Scene<'_>, key: Key, value: Value, at: Position) -> Result<(), Violation> {
        let copy = self.copies.entry(scene.node()).or_default();
        copy.at = at;
        copy.held.entry(key).or_default().push((scene.at(), value));
        let is_asked = self.asked.get(&value) == Some(&key);
        if !is_asked {
            let sentence =
                format!("The store wrote {value} under {key}, but no user was asked to write that.");
            return Err(scene.breaks("writes-what-was-asked", sentence));
        }
        match self.writes.get(&value) {
            Some(write) if write.at != at => {
                let sentence = format!(
                    "The store did the write of {value} to {key} twice, at position {} and at position {at}. A device has to send the same \
                     id each time that it sends a write.",
                    write.at
                );
                let violation = scene.breaks("written-once", sentence);
                Err(violation.because(write.seen, format!("{value} is written at position {}", write.at)))
            }
            Some(_) => Ok(()),
            None => {
                self.writes.insert(value, Write { key, at, seen: scene.id() });
                Ok(())
            }
        }
    }
    /// Whether a replica held this under the key at a moment from then to now.
    fn was_held(&self, key: Key, value: Option<Value>, from: Time, now: Time) -> bool {
        self.copies.values().any(|copy| {
            let held = copy.held.get(&key).map_or(&[][..], Vec::as_slice);
            match value {
                None => held.first().is_none_or(|(since, _)| from <= *since),
                Some(value) => held.iter().enumerate().any(|(place, (since, held_value))| {
                    let until = held.get(place + 1).map_or(now, |(until, _)| *until);
                    *held_value == value && *since <= now && from <= until
                }),
            }
        })
    }

    // what can be reached

    /// Whether messages pass between a device and a replica, both ways, without a fault.
    fn is_clean(&self, world: &World, device: NodeId, replica: NodeId) -> bool {
        let is_up = |node: &NodeId| !self.down.contains(node) && !self.paused.contains(node);
        if !is_up(&device) || !is_up(&replica) {
            return false;
        }
        let ends = [(device, replica), (replica, device)];
        let touches = |from: Option<NodeId>, to: Option<NodeId>| {
            let fits = |(a, b): &(NodeId, NodeId)| from.is_none_or(|n| n == *a) && to.is_none_or(|n| n == *b);
            ends.iter().any(fits)
        };
        let hurts = |harm: &Harm| match harm {
            Harm::Cut { from, to } => ends.iter().any(|(a, b)| from.contains(a) && to.contains(b)),
            Harm::Hold { from, to, .. } | Harm::Lose { from, to, .. } | Harm::Worse { from, to, .. } => {
                touches(*from, *to)
            }
            Harm::Links(rule) => touches(rule.from, rule.to),
            Harm::Isolate { node } => [Who::Node(device), Who::Node(replica)].contains(node),
            Harm::Partition { .. } | Harm::Alone { .. } | Harm::Slow { .. } => true,
            _ => false,
        };
        let faults = &world.scenario().faults;
        !self.faults.iter().filter_map(|fault| faults.get(*fault)).any(|fault| hurts(&fault.harm))
    }
    /// Takes note of what can serve requests from now on.
    fn look_around(&mut self, world: &World, now: Time) {
        let leader = self.leader.filter(|_| self.paused.is_empty());
        for device in self.goals.devices.clone() {
            let told = self.devices.get(&device).map(|side| side.told).unwrap_or_default();
            let clean: Vec<NodeId> =
                self.goals.replicas.iter().copied().filter(|id| self.is_clean(world, device, *id)).collect();
            let serves: Vec<NodeId> = { clean.iter() }
                .filter(|id| self.copies.get(id).is_some_and(|copy| copy.at >= told))
                .copied()
                .collect();
            let side = self.side(device);
            side.reads_since.retain(|id, _| serves.contains(id));
            for id in serves {
                side.reads_since.entry(id).or_insert(now);
            }
            let leads = leader.filter(|id| clean.contains(id));
            if side.writes_since.map(|(id, _)| id) != leads {
                side.writes_since = leads.map(|id| (id, now));
            }
        }
    }

    // what is asked and answered

    fn asked(
        &mut self,
        scene: Scene<'_>,
        request: RequestId,
        what: Request,
        operation: Option<(ClientId, OperationId)>,
    ) {
        let (device, when, seen) = (scene.node(), scene.at(), scene.id());
        if let Request::Write { key, value } = what {
            self.asked.insert(value, key);
        }
        if let Request::Handoff { to } = what {
            let side = self.side(device);
            let needs = side.needs.clone();
            side.handoffs.push(Handoff { to, when, seen, needs });
            return;
        }
        let side = self.devices.entry(device).or_default();
        let mut needs = None;
        let mut is_near = false;
        if let Request::Read { key } = what {
            needs = side.needs.get(&key).copied();
            let near = self.goals.replicas.first().copied();
            is_near = near.is_some_and(|near| side.reads_since.contains_key(&near));
            let told = side.told;
            if let Some(need) = needs {
                let lacks = |id: &NodeId| self.copies.get(id).is_some_and(|copy| copy.at < need.at);
                let reaches = |id: &NodeId| self.is_clean(scene.world, device, *id);
                let lacks = self.goals.replicas.iter().any(|id| lacks(id) && reaches(id));
                self.reached.mark_if(if need.is_own { LACKED_OWN } else { LACKED_SEEN }, lacks);
            }
            let has = |id: &NodeId| self.copies.get(id).is_some_and(|copy| copy.at >= told);
            self.reached.mark_if(
                WAITED,
                !self.goals.replicas.iter().any(|id| has(id) && self.is_clean(scene.world, device, *id)),
            );
        }
        let open = Open { what, when, seen, needs, operation, is_near, asked_leader: false };
        self.side(device).open.insert(request, open);
        self.due.push(Due { device, request, what, when, seen, unavailable: None, is_judged: false });
    }

    fn told(&mut self, scene: Scene<'_>, request: RequestId, response: Response) -> Result<(), Violation> {
        let device = scene.node();
        let Some(open) = self.side(device).open.remove(&request) else { return Ok(()) };
        let _ = open.operation;
        if let Some(due) = self.due.iter_mut().find(|due| due.request == request) {
            due.unavailable = Some((scene.at(), scene.id()));
        }
        match (open.what, response) {
            (_, Response::Unavailable) => {
                self.counts(&open, scene, false);
                return Ok(());
            }
            (Request::Write { key, value }, Response::Written) => self.written(scene, &open, key, value)?,
            (Request::Read { key }, Response::Value(value)) => self.shown(scene, &open, key, value)?,
            (what, _) => {
                let sentence = format!(
                    "{} answered {response:?} to {what:?}, which is no answer to it.",
                    scene.scenario().name_of(device)
                );
                return Err(scene.breaks("fitting-answer", sentence).because(open.seen, "this is asked"));
            }
        }
        self.counts(&open, scene, true);
        self.served += 1;
        self.due.retain(|due| due.request != request);
        Ok(())
    }
    fn written(&mut self, scene: Scene<'_>, open: &Open, key: Key, value: Value) -> Result<(), Violation> {
        let device = scene.node();
        let Some(Write { at, .. }) = self.writes.get(&value) else {
            let sentence = format!(
                "{} answered Written to the write of {value} to {key} at {}, but the store had not done it.",
                scene.scenario().name_of(device),
                scene.at()
            );
            return Err(scene
                .breaks("written-is-done", sentence)
                .because(open.seen, format!("{value} is to be written")));
        };
        let need = Need { at: *at, value, is_own: true, device, when: scene.at(), seen: scene.id() };
        grow(&mut self.side(device).needs, key, need);
        Ok(())
    }
    fn shown(
        &mut self,
        scene: Scene<'_>,
        open: &Open,
        key: Key,
        value: Option<Value>,
    ) -> Result<(), Violation> {
        let device = scene.node();
        let name = scene.scenario().name_of(device);
        let shows = match value {
            Some(value) => format!("{value} for {key}"),
            None => format!("nothing for {key}"),
        };
        let write = value.map(|value| self.writes.get(&value).filter(|write| write.key == key));
        let Some(at) = write.map_or(Some(Position::default()), |write| write.map(|write| write.at)) else {
            let value = value.unwrap_or_default();
            let sentence = match self.writes.get(&value) {
                Some(other) => {
                    format!(
                        "{name} showed {shows} at {}, but {value} was written to {}.",
                        scene.at(),
                        other.key
                    )
                }
                None => format!("{name} showed {shows} at {}, but no replica ever held {value}.", scene.at()),
            };
            return Err(scene
                .breaks("shown-was-held", sentence)
                .because(open.seen, format!("{key} is read")));
        };
        if let Some(need) = open.needs.filter(|need| need.at > at) {
            let had = if need.is_own { "written" } else { "read" };
            let there = if need.device == device { String::new() } else { format!(" at {}", need.device) };
            let sentence = format!(
                "{name} showed {shows} at {}. The same user had {had} {}{there}, a later write, at {}, before this read began.",
                scene.at(),
                need.value,
                need.when
            );
            let rule = if need.is_own { "reads-own-writes" } else { "reads-never-go-back" };
            let violation = scene.breaks(rule, sentence);
            let violation = violation.because(need.seen, format!("the user has {had} {}", need.value));
            return Err(violation.because(open.seen, format!("{key} is read")));
        }
        if !self.was_held(key, value, open.when, scene.at()) {
            let sentence = format!(
                "{name} showed {shows} at {}, but between the request at {} and this answer no replica held that.",
                scene.at(),
                open.when
            );
            return Err(scene
                .breaks("shown-was-held", sentence)
                .because(open.seen, format!("{key} is read")));
        }
        if let Some(value) = value {
            let need = Need { at, value, is_own: false, device, when: scene.at(), seen: scene.id() };
            grow(&mut self.side(device).needs, key, need);
        }
        Ok(())
    }

    // handoffs

    /// A device sends the other one a token. In the handler of a handoff, it is the token of this one.
    fn token_sent(&mut self, scene: Scene<'_>, to: NodeId, token: Position) -> Result<(), Violation> {
        let told = self.side(scene.node()).told;
        if token > told {
            let sentence = format!(
                "{} sent {to} the token {token}. The largest position that it had ever been told is {told}.",
                scene.scenario().name_of(scene.node())
            );
            return Err(scene.breaks("token-was-named", sentence));
        }
        let side = self.side(scene.node());
        let handler = match scene.seen.cause {
            Cause::Observation(handler) => handler,
            Cause::Scenario => scene.id(),
        };
        let place = side.handoffs.iter().position(|handoff| handoff.seen == handler && handoff.to == to);
        let place = place.or(side.handoffs.iter().position(|handoff| handoff.to == to));
        if let Some(place) = place {
            let handoff = side.handoffs.remove(place);
            self.tokens.insert(scene.id(), handoff.needs);
        }
        Ok(())
    }
    fn token_arrives(&mut self, scene: Scene<'_>, from: NodeId) {
        let Cause::Observation(sent) = scene.seen.cause else { return };
        let needs = self.tokens.get(&sent).cloned().unwrap_or_default();
        let side = self.side(scene.node());
        side.heard.insert(from);
        side.arrived.entry(from).or_default().push((scene.at(), scene.id(), needs));
    }
    fn resumed(&mut self, scene: Scene<'_>, from: NodeId) -> Result<(), Violation> {
        let device = scene.node();
        let side = self.devices.entry(device).or_default();
        if !side.heard.contains(&from) {
            let sentence = format!(
                "{} emitted Resumed for {from}, but no token of {from} had arrived.",
                scene.scenario().name_of(device)
            );
            return Err(scene.breaks("resumes-what-arrived", sentence));
        }
        let arrived = side.arrived.entry(from).or_default();
        // in the handler of a token it is that one; elsewhere it may be the first that waits
        let place = arrived.iter().position(|(_, seen, _)| scene.seen.cause == Cause::Observation(*seen));
        if let Some(place) = place.or((!arrived.is_empty()).then_some(0)) {
            let (_, _, needs) = arrived.remove(place);
            needs.into_iter().for_each(|(key, need)| grow(&mut side.needs, key, need));
        }
        Ok(())
    }

    // in time

    /// What should have happened by now.
    fn late(&mut self, world: &World, now: Time, is_over: bool) -> Result<(), Violation> {
        let Goals { patience, give_up, .. } = self.goals;
        let slack = patience / 10;
        // a stopwatch may be one percent slow or fast
        let (early, late) = (give_up * 98 / 100, (give_up + patience) * 102 / 100);
        for due in &mut self.due {
            let is_judged = due.is_judged || !(is_over || now >= due.when + early);
            due.is_judged |= !is_judged;
            let since =
                self.devices.get(&due.device).filter(|_| !is_judged).and_then(|side| match due.what {
                    Request::Write { .. } => side.writes_since,
                    _ => side
                        .reads_since
                        .iter()
                        .map(|(id, since)| (*id, *since))
                        .min_by_key(|(_, since)| *since),
                });
            let ends = due.when + early;
            if let Some((replica, since)) = since.filter(|(_, since)| *since + patience * SERVES <= ends) {
                let can = match due.what {
                    Request::Write { .. } => "led",
                    _ => "had all that the session had seen",
                };
                let sentence = format!(
                    "{}. {replica} {can}, and could be reached from {since} on. That is more than {SERVES} × `patience` before `give_up` was \
                     over.",
                    due.in_words(world)
                );
                let violation = match due.unavailable {
                    Some((_, seen)) => Violation::of(seen, "unavailable-without-need", sentence),
                    None => Violation::never("answers-in-time", sentence),
                };
                return Err(violation.because(due.seen, "this is asked"));
            }
            if due.unavailable.is_none() && (is_over || now > due.when + late) {
                let sentence = format!(
                    "{}. Each request is answered within {}, if only as Unavailable.",
                    due.in_words(world),
                    words_of(give_up + patience)
                );
                return Err(Violation::never("answers-in-time", sentence).because(due.seen, "this is asked"));
            }
        }
        self.due.retain(|due| !(due.is_judged && due.unavailable.is_some()));
        for (device, side) in &self.devices {
            let name = || world.scenario().name_of(*device);
            for handoff in &side.handoffs {
                if is_over || now > handoff.when + patience + slack {
                    let name = name();
                    let sentence = format!(
                        "{name} was asked at {} to hand the session on to {}, and sent no token by {now}.",
                        handoff.when, handoff.to
                    );
                    let violation = Violation::never("sends-the-token", sentence);
                    return Err(violation.because(handoff.seen, "the user goes on at the other device"));
                }
            }
            for (from, tokens) in &side.arrived {
                for (when, seen, _) in tokens {
                    if is_over || now > *when + patience + slack {
                        let name = name();
                        let sentence = format!(
                            "A token of {from} reached {name} at {when}, and {name} has not emitted Resumed by {now}."
                        );
                        return Err(Violation::never("takes-the-token-in", sentence)
                            .because(*seen, "the token arrives"));
                    }
                }
            }
        }
        Ok(())
    }

    // what reads cost

    fn counts(&mut self, open: &Open, scene: Scene<'_>, is_answered: bool) {
        if self.goals.spares.is_none() || !open.is_near {
            return;
        }
        self.spared.reads += 1;
        self.spared.at_leader += u64::from(open.asked_leader);
        let is_slow = !is_answered || scene.at() - open.when > FAST;
        self.spared.slow += u64::from(is_slow);
        if is_slow || open.asked_leader {
            self.spared.last = Some(open.seen);
        }
    }
    fn cost(&self, world: &World) -> Result<(), Violation> {
        const ENOUGH: u64 = 10;
        let Spared { reads, slow, at_leader, last } = self.spared;
        let Some(leader) = self.goals.spares.filter(|_| reads >= ENOUGH) else { return Ok(()) };
        let near = self.goals.replicas.first().map_or(String::new(), ToString::to_string);
        let leader = world.scenario().name_of(leader);
        let (many, what) = match (slow * 10 > reads, at_leader * 10 > reads) {
            (_, true) => (at_leader, format!("reached {leader}, which led and was far away")),
            (true, _) => (slow, format!("took longer than {FAST:?}")),
            _ => return Ok(()),
        };
        let sentence = format!(
            "{reads} reads began when {near}, the nearest replica, had all that the session had seen. {many} of them {what}. At most one \
             in ten may."
        );
        let violation = Violation::never("asks-the-nearest", sentence).of_costs();
        Err(match last {
            Some(read) => violation.because(read, "one of these reads"),
            None => violation,
        })
    }

    fn crashed(&mut self, device: NodeId) {
        self.due.retain(|due| due.device != device);
        let side = self.side(device);
        let open = std::mem::take(&mut side.open);
        side.handoffs.clear();
        side.arrived.clear();
        if let Some(left) = &mut self.left {
            open.values().filter_map(|open| open.operation).for_each(|operation| _ = left.remove(&operation));
        }
    }
    /// Operations of users that are not over.
    fn count(&mut self, scene: Scene<'_>) {
        let devices = &self.goals.devices;
        let left = self.left.get_or_insert_with(|| {
            let clients = scene.scenario().clients.iter();
            let all = clients
                .flat_map(|client| client.operations.iter().map(move |operation| (client.id, operation)));
            let asks = all.filter(|(_, operation)| operation.to.iter().any(|to| devices.contains(to)));
            asks.map(|(client, operation)| (client, operation.id)).collect()
        });
        match &scene.seen.seen {
            Seen::Returned { client, operation, .. } => _ = left.remove(&(*client, *operation)),
            // a handoff is not answered
            Seen::Requested { operation: Some(operation), bytes, .. } if devices.contains(&scene.node()) => {
                if let Some(Request::Handoff { .. }) = lab::frame::decode(bytes) {
                    left.remove(operation);
                }
            }
            _ => {}
        }
    }
}

impl Rule<Device, Message> for Session {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Device, Message>) -> Result<(), Violation> {
        self.late(scene.world, scene.at(), false)?;
        self.count(scene);
        let node = scene.node();
        let is_device = self.goals.devices.contains(&node);
        match saw {
            Saw::Asked { request, operation, what } if is_device => {
                self.asked(scene, *request, *what, *operation)
            }
            Saw::Told { request, what } if is_device => self.told(scene, *request, *what)?,
            Saw::Emitted(Event::Resumed { from }) if is_device => self.resumed(scene, *from)?,
            Saw::Sent { to, message: Some(message), .. } if is_device => match message {
                Message::Token(token) if self.goals.devices.contains(to) => {
                    self.token_sent(scene, *to, *token)?
                }
                Message::Read { key, .. } if self.goals.spares == Some(*to) => {
                    let reads = self.side(node).open.values_mut();
                    let reads = reads.filter(|open| open.what == Request::Read { key: *key });
                    reads.for_each(|open| open.asked_leader = true);
                }
                _ => {}
            },
            Saw::Got { from, message: Some(message) } if is_device => {
                if let Message::Written { at, .. } | Message::Value { at, .. } | Message::Token(at) = message
                {
                    let side = self.side(node);
                    side.told = side.told.max(*at);
                }
                if let Message::Token(_) = message {
                    self.token_arrives(scene, *from);
                }
            }
            Saw::Crashed => {
                self.down.insert(node);
                if is_device {
                    self.crashed(node);
                } else if self.leader == Some(node) {
                    self.leader = None;
                }
            }
            Saw::Started { .. } => _ = self.down.remove(&node),
            _ => self.replica_did(scene)?,
        }
        match &scene.seen.seen {
            Seen::FaultBegan { fault } => _ = self.faults.insert(*fault),
            Seen::FaultEnded { fault } => _ = self.faults.remove(fault),
            Seen::Calm => self.faults.clear(),
            Seen::Paused => _ = self.paused.insert(node),
            Seen::Resumed => _ = self.paused.remove(&node),
            Seen::Emitted { .. } | Seen::Crashed | Seen::Started { .. } => {}
            Seen::Delivered { .. } if is_device => {}
            _ => return Ok(()),
        }
        self.look_around(scene.world, scene.at());
        Ok(())
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        self.late(world, world.now(), world.end() == Some(&End::Idle))?;
        self.cost(world)?;
        reached.clone_from(&self.reached);
        reached.mark_if(MANY_READS, self.spared.reads >= 50);
        reached.figure("requests served", self.served);
        Ok(())
    }
    fn waits(&self) -> Waits {
        let is_quiet = self.due.is_empty()
            && self
                .devices
                .values()
                .all(|side| side.handoffs.is_empty() && side.arrived.values().all(Vec::is_empty));
        match &self.left {
            Some(left) if left.is_empty() && is_quiet => Waits::NoMore,
            _ => Waits::Still,
        }
    }
}
impl Session {
    /// What a replica emits, and what other users ask of it.
    fn replica_did(&mut self, scene: Scene<'_>) -> Result<(), Violation> {
        if !self.goals.replicas.contains(&scene.node()) {
            return Ok(());
        }
        if let Seen::Requested { bytes, .. } = &scene.seen.seen
            && let Some(Another::Write { key, value }) = lab::frame::decode(bytes)
        {
            self.asked.insert(value, key);
        }
        match scene.seen.emitted::<Storing>() {
            Some(Did::Applied { key, value, at }) => self.applied(scene, key, value, at),
            Some(Did::Leads) => {
                self.leader = Some(scene.node());
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn grow(needs: &mut Needs, key: Key, need: Need) {
    match needs.get(&key) {
        Some(known) if known.at >= need.at => {}
        _ => _ = needs.insert(key, need),
    }
}
fn words(what: Request) -> String {
    match what {
        Request::Write { key, value } => format!("write {value} to {key}"),
        Request::Read { key } => format!("read {key}"),
        Request::Handoff { to } => format!("hand the session on to {to}"),
    }
}
/// A length of time.
fn words_of(time: Duration) -> String {
    (Time::ZERO + time).to_string()
}
