//! `lease`: what is durable at the storage, beside what was asked, granted and held. All rules judge every run.

use judge::{Oracle, Reached, Violation};
use kit::Saw;
use kit::lens::{LogLens, Look, Wrong};
use lab::lease::{ACCEPTED, Accepted, Client, ClientEvent, LockEvent, LockService, Request, Response, Token};
use lab::{Contract, NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{
    Cause, ClientId, End, Harm, Observation, ObservationId, OperationId, Scenario, Seen, Time, World,
};

pub(super) const OUTDATED: &str =
    "a message of a client with an old lease reached the storage after a newer acceptance";
pub(super) const TWO_LIVES: &str = "the lock service granted leases to two clients and crashed in between";
pub(super) const REFUSED: &str = "a storage that had crashed refused a write";
pub(super) const CRASHED: &str = "the storage crashed after it had accepted a value";
pub(super) const TOOK_OVER: &str = "another client wrote after the holder was gone";
pub(super) const CLOSE: &str = "two clients held a lease within 2 × `ttl` of each other";

/// A write that is asked for again each time that it is lost may be lost so often.
pub(super) const LOST_MAX: u32 = 3;

/// What is judged in a run besides the safety rules.
#[derive(Debug, Clone, Default)]
pub(super) struct Goals {
    /// Nothing goes wrong: each write is `Written` so long after it was asked for.
    pub(super) written_within: Option<Duration>,
    /// The client that is gone once the first fault has hit it. The others take over.
    pub(super) gone: Option<NodeId>,
    /// What the first client that waits may take, the second one twice that, and so on.
    pub(super) turn: Duration,
    /// How long a lease lasts.
    pub(super) ttl: Duration,
}

/// The judge of one run.
pub(super) struct House {
    goals: Goals,
    lens: LogLens<Accepted>,
    requests: BTreeMap<RequestId, Asked>,
    values: BTreeMap<u64, Asked>,
    open: BTreeMap<NodeId, BTreeMap<RequestId, Asked>>,
    lost: BTreeMap<u64, u32>,
    grants: Vec<Grant>,
    lock_lives: u32,
    records: Vec<Record>,
    storage_lives: u32,
    /// The delivery that the storage handles, if it is of an outdated client and has brought no record so far.
    refusing: Option<ObservationId>,
    holds: BTreeMap<NodeId, Vec<Hold>>,
    /// What clients sent to the storage, and under which leases.
    sent: BTreeMap<ObservationId, Sent>,
    /// By client and token: the latest message under this lease that the storage has got.
    arrived: BTreeMap<(NodeId, Token), ObservationId>,
    turns: Option<Turns>,
    left: Option<BTreeSet<(ClientId, OperationId)>>,
    now: Time,
    reached: Reached,
    written: u64,
}
#[derive(Debug, Clone, Copy)]
struct Asked {
    client: NodeId,
    value: u64,
    at: Time,
    seen: ObservationId,
}
struct Grant {
    to: NodeId,
    token: Token,
    at: Time,
    seen: ObservationId,
    life: u32,
}
struct Record {
    accepted: Accepted,
    client: NodeId,
    seen: ObservationId,
}
/// That a client relied on a lease.
#[derive(Debug, Clone, Copy)]
struct Hold {
    token: Token,
    from: Time,
    began: ObservationId,
    /// When it stopped, and in which handler.
    until: Option<(Time, Cause)>,
}
struct Sent {
    from: NodeId,
    handler: Cause,
    tokens: BTreeSet<Token>,
}
/// Clients that wait for their turn, from the moment on at which nothing hinders them.
struct Turns {
    from: Time,
    why: &'static str,
    exempt: BTreeSet<NodeId>,
    served: BTreeSet<NodeId>,
}

impl House {
    pub(super) fn new(goals: Goals) -> House {
        House {
            goals,
            lens: LogLens::new(ACCEPTED),
            requests: BTreeMap::new(),
            values: BTreeMap::new(),
            open: BTreeMap::new(),
            lost: BTreeMap::new(),
            grants: Vec::new(),
            lock_lives: 0,
            records: Vec::new(),
            storage_lives: 0,
            refusing: None,
            holds: BTreeMap::new(),
            sent: BTreeMap::new(),
            arrived: BTreeMap::new(),
            turns: None,
            left: None,
            now: Time::ZERO,
            reached: Reached::default(),
            written: 0,
        }
    }
    fn name(world: &World, node: NodeId) -> String {
        world.scenario().name_of(node)
    }
    fn grant(&self, to: NodeId, token: Token) -> Option<&Grant> {
        self.grants.iter().rev().find(|grant| grant.to == to && grant.token == token)
    }
    fn is_written(&self, value: u64) -> bool {
        self.records.iter().any(|record| record.accepted.value == value)
    }

    // the lock service

    fn granted(
        &mut self,
        world: &World,
        seen: &Observation,
        to: NodeId,
        token: Token,
    ) -> Result<(), Violation> {
        let lock = House::name(world, seen.node);
        let others = self.grants.iter().filter(|grant| grant.to != to);
        if let Some(other) = others.max_by_key(|grant| grant.token)
            && token <= other.token
        {
            let (before, at) = (other.to, other.at);
            let sentence = if token == other.token {
                format!(
                    "{lock} granted {token} to {to}, and it had granted {token} to {before} at {at}. A token belongs to one client \
                     only."
                )
            } else {
                format!(
                    "{lock} granted {token} to {to}, but it had granted {} to {before} at {at}. The token of a later client must be \
                     larger.",
                    other.token
                )
            };
            let why = format!("{} goes to {before}", other.token);
            return Err(Violation::at(seen, "token-not-larger", sentence).because(other.seen, why));
        }
        let life = self.lock_lives;
        self.reached.mark_if(TWO_LIVES, self.grants.iter().any(|grant| grant.to != to && grant.life < life));
        self.grants.push(Grant { to, token, at: seen.at, seen: seen.id, life });
        Ok(())
    }

    // the storage

    fn look(&mut self, world: &World, seen: &Observation, look: Look<Accepted>) -> Result<(), Violation> {
        for (place, accepted) in (look.first_new..).zip(look.new) {
            self.accepted(world, seen, place, accepted)?;
        }
        let node = House::name(world, seen.node);
        match look.wrong {
            None => Ok(()),
            Some(Wrong::Gone(place, was)) => {
                let sentence = format!(
                    "{node} removed {was:?} from position {place} of ACCEPTED, where it was durable. What is accepted stays."
                );
                Err(Violation::at(seen, "removed", sentence))
            }
            Some(Wrong::Unreadable(place)) => {
                let sentence = format!(
                    "{node} put a record into ACCEPTED, at position {place}, that is not an `Accepted`."
                );
                Err(Violation::at(seen, "unreadable", sentence))
            }
        }
    }
    fn accepted(
        &mut self,
        world: &World,
        seen: &Observation,
        place: u64,
        accepted: Accepted,
    ) -> Result<(), Violation> {
        let Accepted { token, value } = accepted;
        let storage = House::name(world, seen.node);
        let Some(asked) = self.values.get(&value).copied() else {
            let sentence = format!(
                "{storage} accepted value {value} under {token}, as record {place}, but no client was asked to write {value}."
            );
            return Err(Violation::at(seen, "invented", sentence));
        };
        let client = asked.client;
        if let Some(newer) = self.records.last().filter(|record| record.accepted.token > token) {
            let mut sentence = format!(
                "{storage} accepted value {value} under {token} after value {} under {}",
                newer.accepted.value, newer.accepted.token
            );
            sentence += &match (newer.client == client, world.scenario()) {
                (true, _) => {
                    format!(". Both are writes of {client}: the tokens in the log must never go down.")
                }
                (false, scenario) => format!(
                    ": {} wrote with an old lease, and {} had already written with a newer one. The tokens in the log must never go \
                     down.",
                    scenario.name_of(client),
                    newer.client
                ),
            };
            let violation = Violation::at(seen, "token-goes-down", sentence)
                .because(newer.seen, format!("{:?} is durable", newer.accepted));
            return Err(match self.grant(client, token) {
                Some(grant) => violation.because(grant.seen, format!("{client} gets {token}")),
                None => violation,
            });
        }
        let Some(grant) = self.grant(client, token) else {
            let whose = self.grants.iter().find(|grant| grant.token == token);
            let whose = match whose {
                Some(grant) => format!("{token} was granted to {}, not to {client}", grant.to),
                None => format!("{token} was never granted to any client"),
            };
            let sentence =
                format!("{storage} accepted value {value} of {client} under {token}, but {whose}.");
            return Err(Violation::at(seen, "token-not-granted", sentence)
                .because(asked.seen, format!("{client} is asked to write {value}")));
        };
        if self.arrived.get(&(client, token)).is_none_or(|message| *message < asked.seen) {
            let sentence = format!(
                "{storage} accepted value {value} of {client} under {token}. But no message from {client} had reached {} that {client} had \
                 sent while it held this lease, after it was asked for {value} at {}.",
                seen.node, asked.at
            );
            return Err(Violation::at(seen, "written-without-the-lease", sentence)
                .because(asked.seen, format!("{client} is asked to write {value}"))
                .because(grant.seen, format!("{client} gets {token}")));
        }
        let others = self
            .turns
            .as_ref()
            .is_some_and(|turns| !turns.exempt.is_empty() && !turns.exempt.contains(&client));
        self.reached.mark_if(TOOK_OVER, others);
        self.records.push(Record { accepted, client, seen: seen.id });
        Ok(())
    }
    /// A message of a client reaches the storage.
    fn reaches_storage(&mut self, seen: &Observation, from: NodeId) {
        let Cause::Observation(id) = seen.cause else { return };
        let Some(sent) = self.sent.get(&id) else { return };
        for token in &sent.tokens {
            let latest = self.arrived.entry((from, *token)).or_insert(id);
            *latest = id.max(*latest);
        }
        let newest = self.records.last();
        let is_outdated = |token: &Token| {
            newest.is_some_and(|record| record.client != from && record.accepted.token > *token)
        };
        if sent.tokens.last().is_some_and(is_outdated) {
            self.reached.mark(OUTDATED);
            self.refusing = (self.storage_lives > 0).then_some(seen.id);
        }
    }

    // the clients

    fn sends(&mut self, seen: &Observation) {
        let holds = self.holds.get(&seen.node).into_iter().flatten();
        let held = holds.filter(|hold| hold.until.is_none_or(|(_, handler)| handler == seen.cause));
        let tokens = held.map(|hold| hold.token).collect();
        self.sent.insert(seen.id, Sent { from: seen.node, handler: seen.cause, tokens });
    }
    fn begins_to_hold(&mut self, world: &World, seen: &Observation, token: Token) -> Result<(), Violation> {
        let client = seen.node;
        if self.grant(client, token).is_none() {
            let sentence = format!(
                "{} emitted Holds for {token} at {}, but this token was not granted to it.",
                House::name(world, client),
                seen.at
            );
            return Err(Violation::at(seen, "holds-without-a-grant", sentence));
        }
        let others = self.holds.iter().filter(|(other, _)| **other != client).flat_map(|(_, holds)| holds);
        let near = |hold: &Hold| hold.until.is_none_or(|(until, _)| seen.at - until <= self.goals.ttl * 2);
        self.reached.mark_if(CLOSE, others.into_iter().any(near));
        let hold = Hold { token, from: seen.at, began: seen.id, until: None };
        self.holds.entry(client).or_default().push(hold);
        // what it sent before in the same handler
        let same = |sent: &&mut Sent| sent.from == client && sent.handler == seen.cause;
        for sent in self.sent.range_mut(before(seen)..).map(|(_, sent)| sent).filter(same) {
            sent.tokens.insert(token);
        }
        Ok(())
    }
    /// A client stops to hold this lease, or, as it crashes, all that it holds.
    fn stops(&mut self, world: &World, seen: &Observation, token: Option<Token>) -> Result<(), Violation> {
        let client = seen.node;
        let judged = self.overlap(world, seen, client, token);
        for hold in self.holds.entry(client).or_default() {
            if hold.until.is_none() && token.is_none_or(|token| token == hold.token) {
                hold.until = Some((seen.at, seen.cause));
            }
        }
        judged
    }
    /// Whether another client holds a lease, too, up to now.
    fn overlap(
        &self,
        world: &World,
        seen: &Observation,
        client: NodeId,
        token: Option<Token>,
    ) -> Result<(), Violation> {
        match self.both(world.scenario(), client, token, seen.at) {
            Some((mine, other, theirs)) => {
                Err(self.hold_both(world, (client, mine), (other, theirs), Some(seen)))
            }
            None => Ok(()),
        }
    }
    /// A lease that this client has held until now, and another client's that began before that and has not ended.
    fn both(
        &self,
        scenario: &Scenario,
        client: NodeId,
        token: Option<Token>,
        now: Time,
    ) -> Option<(Hold, NodeId, Hold)> {
        let is_held = |hold: &&Hold| hold.until.is_none() && hold.from < now;
        let mut mine = self.holds.get(&client)?.iter().filter(is_held);
        let mine = mine.rfind(|hold| token.is_none_or(|token| token == hold.token))?;
        let others = self.holds.iter().filter(|(other, _)| **other != client);
        let mut others = others.flat_map(|(other, holds)| holds.iter().map(|hold| (*other, hold)));
        let (other, theirs) = others.find(|(_, hold)| is_held(hold))?;
        keeps_time(scenario).then_some((*mine, other, *theirs))
    }
    fn hold_both(
        &self,
        world: &World,
        (one, first): (NodeId, Hold),
        (two, second): (NodeId, Hold),
        seen: Option<&Observation>,
    ) -> Violation {
        let from = first.from.max(second.from);
        let until = match seen {
            Some(seen) => format!("to {}", seen.at),
            None => "to the end of the run".to_owned(),
        };
        let of = |client: NodeId, hold: Hold| {
            let granted = self.grant(client, hold.token).map_or(hold.from, |grant| grant.at);
            format!("{client} has held {} since {}, and it was granted at {granted}", hold.token, hold.from)
        };
        let sentence = format!(
            "{} and {} both held a lease from {from} {until}. {}. {}.",
            House::name(world, one),
            House::name(world, two),
            of(one, first),
            of(two, second)
        );
        let mut violation = match seen {
            Some(seen) => Violation::at(seen, "two-hold-at-once", sentence),
            None => Violation::never("two-hold-at-once", sentence),
        };
        for (client, hold) in [(one, first), (two, second)] {
            violation = violation.because(hold.began, format!("{client} holds {}", hold.token));
            if let Some(grant) = self.grant(client, hold.token) {
                violation = violation.because(grant.seen, format!("{client} gets {}", hold.token));
            }
        }
        violation
    }

    fn asked(&mut self, seen: &Observation, request: RequestId, value: u64) {
        let asked = Asked { client: seen.node, value, at: seen.at, seen: seen.id };
        self.requests.insert(request, asked);
        self.values.entry(value).or_insert(asked);
        self.open.entry(seen.node).or_default().insert(request, asked);
        if let Some(turns) = &mut self.turns {
            turns.served.remove(&seen.node);
        }
    }
    fn told(
        &mut self,
        world: &World,
        seen: &Observation,
        request: RequestId,
        response: Response,
    ) -> Result<(), Violation> {
        let Some(asked) = self.requests.get(&request).copied() else { return Ok(()) };
        let Asked { client, value, .. } = asked;
        let name = House::name(world, client);
        let open = self.open.entry(client).or_default();
        open.remove(&request);
        if let Some(turns) = self.turns.as_mut().filter(|_| open.is_empty()) {
            turns.served.insert(client);
        }
        let is_asked = format!("{client} is asked to write {value}");
        match response {
            Response::Written if !self.is_written(value) => {
                let sentence = format!(
                    "{name} answered Written for value {value}, but no record of {value} is durable in ACCEPTED at {}.",
                    seen.at
                );
                Err(Violation::at(seen, "written-but-not-stored", sentence).because(asked.seen, is_asked))
            }
            Response::Written => {
                self.written += 1;
                Ok(())
            }
            Response::Lost => {
                let holds = self.holds.get(&client).into_iter().flatten();
                let mut since = holds.filter(|hold| hold.until.is_none_or(|(until, _)| until >= asked.at));
                if since.next().is_none() {
                    let sentence = format!(
                        "{name} answered Lost for value {value}, but it had held no lease since it was asked at {}. A write that waits for \
                         a lease is not lost.",
                        asked.at
                    );
                    return Err(
                        Violation::at(seen, "lost-without-a-lease", sentence).because(asked.seen, is_asked)
                    );
                }
                let often = self.lost.entry(value).or_default();
                *often += 1;
                if self.goals.written_within.is_some() || *often > LOST_MAX {
                    let sentence = format!(
                        "{name} answered Lost for value {value}{}, although {}.",
                        if *often > 1 { format!(" {often} times") } else { String::new() },
                        if *often > 1 { "no fault was left" } else { "nothing went wrong in this run" }
                    );
                    return Err(
                        Violation::at(seen, "lost-without-need", sentence).because(asked.seen, is_asked)
                    );
                }
                Ok(())
            }
        }
    }

    // in time

    /// A write that should have been answered by now.
    fn late(&self, world: &World, now: Time) -> Result<(), Violation> {
        let is_over = world.end() == Some(&End::Idle);
        if let Some(within) = self.goals.written_within {
            let open = self.open.values().flat_map(BTreeMap::values);
            if let Some(asked) = { open }.find(|asked| is_over || now > asked.at + within) {
                let Asked { client, value, at, seen } = *asked;
                let sentence = format!(
                    "{} has not answered the write of {value} by {now}. It was asked at {at}, and the answer was due within {}: \
                     nothing went wrong in this run.",
                    House::name(world, client),
                    Time::ZERO + within
                );
                return Err(
                    Violation::never("write-not-answered", sentence).because(seen, "this write waits")
                );
            }
        }
        let Some(Turns { from, why, exempt, served }) = &self.turns else { return Ok(()) };
        let waits = self.open.iter().filter(|(client, open)| !exempt.contains(client) && !open.is_empty());
        let waits = waits.map(|(client, open)| (*client, open.values()));
        let since = waits.clone().flat_map(|(_, open)| open).map(|asked| asked.at).max();
        let Some(since) = since.map(|last| last.max(*from)) else { return Ok(()) };
        let turns = u32::try_from(served.len()).unwrap_or(u32::MAX).saturating_add(1);
        let due = since + self.goals.turn * turns;
        if now <= due && !is_over {
            return Ok(());
        }
        let first = waits.flat_map(|(_, open)| open).min_by_key(|asked| asked.seen).copied();
        let Some(Asked { client, value, at, seen }) = first else { return Ok(()) };
        let sentence = format!(
            "{} has not answered the write of {value}, for which it was asked at {at}. The next answer of a client that waited was due by {due}: \
             {why}.",
            House::name(world, client),
        );
        let violation = Violation::never("no-turn", sentence).because(seen, "this write waits");
        Err(match self.grants.last() {
            Some(grant) => violation.because(grant.seen, format!("the last grant, to {}", grant.to)),
            None => violation,
        })
    }
    fn begins_turns(&mut self, from: Time, why: &'static str, exempt: BTreeSet<NodeId>) {
        self.turns = Some(Turns { from, why, exempt, served: BTreeSet::new() });
    }
    /// What is left of the operations, if the clients that are asked live.
    fn count(&mut self, world: &World, seen: &Observation) {
        let left = self.left.get_or_insert_with(|| {
            let clients = world.scenario().clients.iter();
            let all = clients
                .flat_map(|client| client.operations.iter().map(|operation| (client.id, operation.id)));
            all.collect()
        });
        match seen.seen {
            Seen::Returned { client, operation, .. } => _ = left.remove(&(client, operation)),
            Seen::Crashed => {
                let clients = world.scenario().clients.iter();
                let operations = clients
                    .flat_map(|client| client.operations.iter().map(move |operation| (client, operation)));
                let dead = operations.filter(|(_, operation)| operation.to == [seen.node]);
                dead.for_each(|(client, operation)| _ = left.remove(&(client.id, operation.id)));
            }
            _ => {}
        }
    }
    fn crashed(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        match role(world, seen.node) {
            Some(LockService::ROLE) => self.lock_lives += 1,
            Some(Client::ROLE) => {
                self.open.remove(&seen.node);
                return self.stops(world, seen, None);
            }
            _ => {
                self.reached.mark_if(CRASHED, !self.records.is_empty());
                self.storage_lives += 1;
                self.refusing = None;
            }
        }
        Ok(())
    }
    fn fault(&mut self, world: &World, seen: &Observation, fault: usize) {
        let harm = world.scenario().faults.get(fault).map(|fault| &fault.harm);
        let hit = match harm {
            Some(Harm::Crash { .. } | Harm::Pause { .. } | Harm::Isolate { .. }) => Some(seen.node),
            _ => None,
        };
        if let Some(gone) = self.goals.gone.filter(|gone| hit == Some(*gone)) {
            self.begins_turns(
                seen.at,
                "the holder was gone, and nothing hindered the other clients",
                [gone].into(),
            );
        }
    }
}

impl Oracle for House {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        self.now = seen.at;
        self.count(world, seen);
        if seen.seen.is_handed() && role(world, seen.node) == Some(lab::lease::Storage::ROLE) {
            let refused = self.refusing.take().is_some();
            self.reached.mark_if(REFUSED, refused);
        }
        if let Some(look) = self.lens.see(world, seen) {
            self.look(world, seen, look)?;
        }
        if let Saw::Emitted(LockEvent::Granted { to, token }) = Saw::<LockService>::of(world, seen)? {
            self.granted(world, seen, to, token)?;
        }
        match Saw::<Client>::of(world, seen)? {
            Saw::Asked { request, what: Request::Write { value }, .. } => self.asked(seen, request, value),
            Saw::Told { request, what } => self.told(world, seen, request, what)?,
            Saw::Emitted(ClientEvent::Holds { token }) => self.begins_to_hold(world, seen, token)?,
            Saw::Emitted(ClientEvent::Stops { token }) => self.stops(world, seen, Some(token))?,
            Saw::Sent { to, .. } if role(world, to) == Some(lab::lease::Storage::ROLE) => self.sends(seen),
            Saw::Got { from, .. } if role(world, seen.node) == Some(lab::lease::Storage::ROLE) => {
                self.reaches_storage(seen, from);
            }
            Saw::Crashed => self.crashed(world, seen)?,
            _ => {}
        }
        match &seen.seen {
            Seen::Wrote { op } if op.objects().contains(&lab::Object::Log(ACCEPTED.name())) => {
                self.refusing = None
            }
            Seen::FaultBegan { fault } => self.fault(world, seen, *fault),
            Seen::Calm => {
                self.begins_turns(seen.at, "the last fault was over by then", BTreeSet::new());
            }
            _ => {}
        }
        self.late(world, seen.at)
    }
    fn has_seen_enough(&self) -> bool {
        // what was held back until the calm arrives soon after it
        const AFTERWARDS: Duration = Duration::from_millis(30);
        let calm = self
            .turns
            .as_ref()
            .is_some_and(|turns| turns.exempt.is_empty() && self.now > turns.from + AFTERWARDS);
        calm && self.left.as_ref().is_some_and(BTreeSet::is_empty)
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        let held = self.holds.keys().copied();
        let both = { held }
            .find_map(|client| Some((client, self.both(world.scenario(), client, None, world.now())?)));
        if let Some((client, (mine, other, theirs))) = both {
            return Err(self.hold_both(world, (client, mine), (other, theirs), None));
        }
        self.late(world, world.now())?;
        reached.clone_from(&self.reached);
        if self.written > 0 {
            reached.figure("values written", self.written);
        }
        Ok(())
    }
}

/// The role of a node.
fn role(world: &World, node: NodeId) -> Option<&'static str> {
    world.scenario().nodes.iter().find(|spec| spec.id == node).map(|spec| spec.role)
}
/// Whether no node is paused in any moment of this run, so that leases can be kept in time.
fn keeps_time(scenario: &Scenario) -> bool {
    !scenario.faults.iter().any(|fault| matches!(fault.harm, Harm::Pause { .. } | Harm::Slow { .. }))
}
/// Where the handler of this effect began.
fn before(seen: &Observation) -> ObservationId {
    match seen.cause {
        Cause::Observation(handler) => handler,
        Cause::Scenario => seen.id,
    }
}
