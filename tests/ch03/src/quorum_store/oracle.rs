//! `quorum_store` and `handoff`: how a run is judged.
//!
//! All rules see every run. What clients and operators were told is compared with the intervals of the writes: a value is *older* than a write if its own
//! write was stored before that one began. Only that is asked, so writes that overlapped, and writes whose end is unknown, convict no node. Nor is a run judged for
//! linearizability: a read may go from a new value to an old one while the write of the new one is under way.

use judge::{Oracle, Reached, Violation};
use kit::{Saw, ms};
use lab::quorum_store::{Config, Key, QuorumStore, Request, Response, Value, preference};
use lab::{NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;
use world::{
    Cause, ClientId, End, Harm, NodeKind, Observation, ObservationId, OperationId, Scenario, Seen, Time,
    World,
};

/// A client's operation.
pub(crate) type Name = (ClientId, OperationId);

/// What a run is judged for besides the rules that hold in all of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Goals {
    /// Only what is answered, and by when, is judged; and that a value that was stored long ago is not nothing. Other checks wait for such a
    /// check, and judge all the rest.
    pub(crate) only: bool,
    /// These requests find enough homes, and nothing of theirs is lost: so they are not answered with Unavailable.
    pub(crate) succeed: BTreeSet<Name>,
    /// By now the copy of a home is as new as any read that begins now: these Peeks are judged as strong reads are.
    pub(crate) settled: BTreeSet<Name>,
    /// These Peeks of homes all show the same.
    pub(crate) equal: BTreeSet<Name>,
    /// These Peeks are answered while no hint is handed over: in a sloppy store, the nodes that have a write are counted by them.
    pub(crate) audit: BTreeSet<Name>,
    /// These Peeks come when all is handed over: each write is at one home at least.
    pub(crate) somewhere: BTreeSet<Name>,
    /// The network is clean, and messages are counted.
    pub(crate) costs: Option<Costs>,
}
/// What may be sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Costs {
    /// From here on nothing is asked.
    pub(crate) quiet: Time,
}

/// How much later than `give_up` an answer may come: the timer, and syncs before the reply.
const SLACK: Duration = ms(50);

// What at least one run of a check must reach.
pub(crate) const READ_BACK: &str = "a read returned a value that had been stored";
pub(crate) const REFUSED: &str = "a strong read was refused";
pub(crate) const STRONG: &str = "a strong read returned a value that had been stored";
pub(crate) const BEHIND: &str = "a home was behind, and a later read returned the newer value";
pub(crate) const HINDERED: &str = "a write was stored while nodes were down or cut off";
pub(crate) const DOUBLED: &str = "a message reached a coordinator twice while its client waited";
pub(crate) const LATE: &str =
    "a message from before a request reached its coordinator while the client waited";
pub(crate) const FOLLOWED: &str =
    "a write began after a write of the same key at another node was stored, and was stored";
pub(crate) const OVERLAPPED: &str = "two writes of one key overlapped";
pub(crate) const CAME_BACK: &str = "a home still had a value whose deletion was stored";
pub(crate) const CAUGHT_UP: &str = "a home was behind, and had the newest value later";
pub(crate) const MANY: &str = "50 requests were answered";

/// A request, and how it ended.
#[derive(Debug, Clone, Copy)]
struct Op {
    name: Name,
    node: NodeId,
    request: Request,
    asked: Time,
    seen: ObservationId,
    answer: Option<(ObservationId, Time, Response)>,
    /// Its node crashed before it answered.
    is_lost: bool,
}
impl Op {
    fn key(&self) -> Key {
        match self.request {
            Request::Put { key, .. }
            | Request::Delete { key }
            | Request::Get { key, .. }
            | Request::Peek { key } => key,
        }
    }
    fn is_write(&self) -> bool {
        matches!(self.request, Request::Put { .. } | Request::Delete { .. })
    }
    fn is_peek(&self) -> bool {
        matches!(self.request, Request::Peek { .. })
    }
    /// What a write leaves behind.
    fn leaves(&self) -> Option<Value> {
        match self.request {
            Request::Put { value, .. } => Some(value),
            _ => None,
        }
    }
    /// When the write was stored.
    fn stored(&self) -> Option<Time> {
        self.answer.and_then(|(_, at, says)| (says == Response::Stored).then_some(at))
    }
    fn was_stored_before(&self, time: Time) -> bool {
        self.stored().is_some_and(|at| at < time)
    }
}
/// `the Put of 7 to k3`, `the strong read of k3`.
impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.request {
            Request::Put { key, value } => write!(f, "the Put of {value} to {key}"),
            Request::Delete { key } => write!(f, "the Delete of {key}"),
            Request::Get { key, strong: true } => write!(f, "the strong read of {key}"),
            Request::Get { key, strong: false } => write!(f, "the read of {key}"),
            Request::Peek { key } => write!(f, "the Peek at {key}"),
        }
    }
}
/// `7`, `nothing`.
fn shown(value: Option<Value>) -> String {
    value.map_or("nothing".to_owned(), |value| value.to_string())
}

/// Judges one run.
pub(crate) struct Watch {
    goals: Goals,
    config: Option<Config>,
    ops: Vec<Op>,
    requests: BTreeMap<RequestId, usize>,
    /// Which write wrote a value.
    values: BTreeMap<Value, usize>,
    /// The writes of a key.
    writes: BTreeMap<Key, Vec<usize>>,
    /// Requests that are not answered, in the order in which they were asked.
    open: VecDeque<usize>,
    /// The homes that have shown in a Peek that they lack a stored write.
    lacking: BTreeMap<usize, BTreeSet<NodeId>>,
    /// The Peeks that a node has answered.
    peeks: BTreeMap<(NodeId, Key), Vec<usize>>,
    /// The first of the Peeks that must be equal, by key.
    first_of_equal: BTreeMap<Key, usize>,
    left: Option<BTreeSet<Name>>,
    hindering: BTreeSet<usize>,
    crashes: Vec<(ObservationId, Time, NodeId)>,
    arrived: BTreeSet<ObservationId>,
    sent: BTreeMap<NodeId, u64>,
    sent_quiet: u64,
    requests_costing: u64,
    reached: Reached,
}

impl Watch {
    pub(crate) fn new(goals: Goals) -> Watch {
        Watch {
            goals,
            config: None,
            ops: Vec::new(),
            requests: BTreeMap::new(),
            values: BTreeMap::new(),
            writes: BTreeMap::new(),
            open: VecDeque::new(),
            lacking: BTreeMap::new(),
            peeks: BTreeMap::new(),
            first_of_equal: BTreeMap::new(),
            left: None,
            hindering: BTreeSet::new(),
            crashes: Vec::new(),
            arrived: BTreeSet::new(),
            sent: BTreeMap::new(),
            sent_quiet: 0,
            requests_costing: 0,
            reached: Reached::default(),
        }
    }
    fn config(&mut self, world: &World) -> &Config {
        self.config.get_or_insert_with(|| config_of(world.scenario()))
    }
}
/// Whether nodes are down or cut off while this fault lasts.
fn hinders(scenario: &Scenario, fault: usize) -> bool {
    let harm = scenario.faults.get(fault).map(|fault| &fault.harm);
    matches!(
        harm,
        Some(Harm::Crash { .. } | Harm::Partition { .. } | Harm::Isolate { .. } | Harm::Cut { .. })
    )
}
/// What the nodes are told.
fn config_of(scenario: &Scenario) -> Config {
    let guest = scenario.nodes.iter().find(|node| matches!(node.kind, NodeKind::Guest));
    let config = guest.and_then(|node| lab::frame::decode::<Config>(&node.config));
    config.expect("the suite wrote it")
}
fn is_strong(config: &Config) -> bool {
    !config.sloppy && config.r + config.w > config.n
}
fn homes(config: &Config, key: Key) -> Vec<NodeId> {
    let mut list = preference(key, &config.nodes);
    list.truncate(config.n as usize);
    list
}

impl Oracle for Watch {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        self.config(world);
        self.count(world, seen);
        match Saw::<QuorumStore>::of(world, seen)? {
            Saw::Asked { request, operation: Some(name), what } => self.asked(seen, request, name, what),
            Saw::Told { request, what } => self.told(seen, request, what)?,
            Saw::Sent { to, .. } if to != seen.node => self.is_affordable(seen)?,
            Saw::Got { .. } => self.got(seen),
            Saw::Crashed => {
                self.crashes.push((seen.id, seen.at, seen.node));
                for &place in &self.open {
                    self.ops[place].is_lost |= self.ops[place].node == seen.node;
                }
            }
            _ => {}
        }
        match seen.seen {
            Seen::FaultBegan { fault } if hinders(world.scenario(), fault) => {
                _ = self.hindering.insert(fault)
            }
            Seen::FaultEnded { fault } => _ = self.hindering.remove(&fault),
            _ => {}
        }
        self.nothing_is_overdue(seen.at, false)
    }
    fn has_seen_enough(&self) -> bool {
        self.goals.costs.is_none() && self.left.as_ref().is_some_and(BTreeSet::is_empty)
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        self.nothing_is_overdue(world.now(), world.end() == Some(&End::Idle))?;
        self.mark();
        reached.clone_from(&self.reached);
        Ok(())
    }
}

/// What happens.
impl Watch {
    fn asked(&mut self, seen: &Observation, request: RequestId, name: Name, what: Request) {
        let (node, asked, seen) = (seen.node, seen.at, seen.id);
        let place = self.ops.len();
        let op = Op { name, node, request: what, asked, seen, answer: None, is_lost: false };
        if op.is_write() {
            self.writes.entry(op.key()).or_default().push(place);
            if let Some(value) = op.leaves() {
                self.values.entry(value).or_insert(place);
            }
        }
        self.requests_costing += u64::from(!op.is_peek());
        self.requests.insert(request, place);
        self.ops.push(op);
        self.open.push_back(place);
    }
    fn told(&mut self, seen: &Observation, request: RequestId, says: Response) -> Result<(), Violation> {
        let Some(&place) = self.requests.get(&request) else { return Ok(()) };
        self.ops[place].answer = Some((seen.id, seen.at, says));
        let op = self.ops[place];
        let breaks = |rule, sentence: String| {
            Err(Violation::at(seen, rule, sentence)
                .because(op.seen, format!("{} is asked for {op}", op.node)))
        };
        if op.asked + self.give_up() + SLACK < seen.at {
            return Err(self.overdue(&op, seen.at));
        }
        let strong = self.config.as_ref().is_some_and(is_strong);
        match (op.request, says) {
            (Request::Get { .. }, Response::Refused) if self.goals.only => Ok(()),
            (Request::Put { .. } | Request::Delete { .. }, Response::Stored) => {
                self.reached.mark_if(HINDERED, !self.hindering.is_empty());
                Ok(())
            }
            (Request::Get { strong: true, .. }, Response::Refused) if !strong => {
                self.reached.mark(REFUSED);
                Ok(())
            }
            (Request::Get { strong: true, .. }, _) if !strong => {
                let sentence = format!(
                    "{} answered {op} with {}. This store cannot promise strong reads ({}), so the answer has to be Refused.",
                    op.node,
                    said(says),
                    self.parameters()
                );
                breaks("strong-without-promise", sentence)
            }
            (Request::Get { .. } | Request::Peek { .. }, Response::Value(value)) => {
                self.shows(seen, place, value)
            }
            (Request::Peek { .. }, _) => {
                let sentence = format!(
                    "{} answered {op} with {}. A Peek is about the node's own disk, so the answer is always a value or nothing.",
                    op.node,
                    said(says)
                );
                breaks("no-peek", sentence)
            }
            (_, Response::Unavailable) if self.goals.succeed.contains(&op.name) => {
                let sentence = format!(
                    "{} answered {op} with Unavailable. All that it needed was up and connected, and none of its messages was lost ({}).",
                    op.node,
                    self.parameters()
                );
                breaks("unavailable-without-need", sentence)
            }
            (_, Response::Unavailable) => Ok(()),
            (Request::Get { strong, .. }, Response::Refused) => {
                let why = if strong { self.parameters() } else { "the read is not strong".to_owned() };
                let sentence = format!(
                    "{} answered {op} with Refused ({why}). Refused is only for strong reads that the store can never promise.",
                    op.node
                );
                breaks("refused-without-need", sentence)
            }
            (_, says) => {
                let sentence =
                    format!("{} answered {op} with {}, which is no answer to that.", op.node, said(says));
                breaks("no-such-answer", sentence)
            }
        }
    }
    fn parameters(&self) -> String {
        let Some(Config { n, r, w, sloppy, .. }) = &self.config else { return String::new() };
        format!("n = {n}, r = {r}, w = {w}{}", if *sloppy { ", sloppy" } else { "" })
    }
    fn give_up(&self) -> Duration {
        self.config.as_ref().map_or(Duration::ZERO, |config| config.give_up)
    }

    // in time

    fn nothing_is_overdue(&mut self, now: Time, is_over: bool) -> Result<(), Violation> {
        while let Some(op) = self.open.front().map(|place| self.ops[*place]) {
            if op.answer.is_none() && !op.is_lost {
                let is_late = op.asked + self.give_up() + SLACK < now;
                return if is_late || is_over { Err(self.overdue(&op, now)) } else { Ok(()) };
            }
            self.open.pop_front();
        }
        Ok(())
    }
    fn overdue(&self, op: &Op, now: Time) -> Violation {
        let sentence = format!(
            "{} had not answered {op} by {now}. It was asked at {}, and `give_up` is {}: by then the answer is Unavailable at the latest.",
            op.node,
            op.asked,
            Time::ZERO + self.give_up()
        );
        Violation::never("answers-in-time", sentence)
            .because(op.seen, format!("{} is asked for {op}", op.node))
    }
    /// Which operations are left.
    fn count(&mut self, world: &World, seen: &Observation) {
        let left = self.left.get_or_insert_with(|| {
            let clients = world.scenario().clients.iter();
            clients.flat_map(|client| client.operations.iter().map(|op| (client.id, op.id))).collect()
        });
        match seen.seen {
            Seen::Returned { client, operation, .. } | Seen::GaveUp { client, operation } => {
                left.remove(&(client, operation));
            }
            Seen::Crashed => {
                let lost = self.ops.iter().filter(|op| op.node == seen.node && op.answer.is_none());
                lost.for_each(|op| _ = left.remove(&op.name));
            }
            _ => {}
        }
    }
}
fn said(says: Response) -> String {
    match says {
        Response::Stored => "Stored".to_owned(),
        Response::Value(value) => shown(value),
        Response::Unavailable => "Unavailable".to_owned(),
        Response::Refused => "Refused".to_owned(),
    }
}

/// What reads and Peeks show.
impl Watch {
    fn shows(&mut self, seen: &Observation, place: usize, value: Option<Value>) -> Result<(), Violation> {
        let op = self.ops[place];
        let key = op.key();
        if self.goals.only {
            return self.is_something(seen, &op, value);
        }
        if let Some(value) = value
            && self.values.get(&value).is_none_or(|write| self.ops[*write].key() != key)
        {
            let sentence =
                format!("{} answered {op} with {value}, which no client had written to {key}.", op.node);
            return Err(Violation::at(seen, "invented", sentence)
                .because(op.seen, format!("{} is asked for {op}", op.node)));
        }
        let strong = self.config.as_ref().is_some_and(is_strong);
        let is_settled = self.goals.settled.contains(&op.name);
        if (strong && !op.is_peek()) || is_settled {
            self.is_fresh(seen, &op, value)?;
        }
        if op.is_peek() { self.peeked(seen, place, value) } else { Ok(()) }
    }
    /// Whether a read that shows nothing may: enough to tell an answer from none.
    fn is_something(&mut self, seen: &Observation, op: &Op, value: Option<Value>) -> Result<(), Violation> {
        let patience = self.config.as_ref().map_or(Duration::ZERO, |config| config.patience);
        let writes: Vec<Op> =
            self.writes.get(&op.key()).into_iter().flatten().map(|write| self.ops[*write]).collect();
        let is_old = |write: &&Op| write.stored().is_some_and(|at| at + patience < op.asked);
        let stored =
            writes.iter().find(is_old).filter(|_| writes.iter().all(|write| write.leaves().is_some()));
        let strong = self.config.as_ref().is_some_and(is_strong);
        match stored {
            Some(write) if value.is_none() && strong && !op.is_peek() => {
                let sentence = format!(
                    "{} answered {op} with nothing at {}. {write} had been stored by {} at {}, and no client has deleted the key.",
                    op.node,
                    seen.at,
                    write.node,
                    write.stored().unwrap_or(Time::NEVER)
                );
                Err(self.because(Violation::at(seen, "reads-what-was-stored", sentence), op, write))
            }
            _ => {
                self.reached.mark_if(READ_BACK, value.is_some() && !op.is_peek());
                Ok(())
            }
        }
    }
    /// Whether what is shown of a key is older than this write of it.
    fn is_older(&self, key: Key, value: Option<Value>, than: &Op) -> bool {
        let mut sources = self.writes.get(&key).into_iter().flatten().map(|write| &self.ops[*write]);
        match value {
            Some(value) => {
                self.values.get(&value).is_some_and(|write| self.ops[*write].was_stored_before(than.asked))
            }
            // from the beginning, or from any deletion
            None => sources.all(|op| {
                op.leaves().is_some() || (op.seen != than.seen && op.was_stored_before(than.asked))
            }),
        }
    }
    /// Whether writes of this key that follow one another replace one another, or there is only one.
    fn is_ordered(&self, key: Key) -> bool {
        self.config.as_ref().is_some_and(is_strong)
            || self.writes.get(&key).is_none_or(|writes| writes.len() <= 1)
    }
    /// The newest write that was stored before this time and is newer than what is shown.
    fn missed(&self, key: Key, value: Option<Value>, before: Time) -> Option<&Op> {
        let writes = self.writes.get(&key)?.iter().map(|write| &self.ops[*write]);
        let missed = writes.filter(|op| op.was_stored_before(before) && self.is_older(key, value, op));
        missed.max_by_key(|op| (op.stored(), op.seen))
    }
    /// What was shown, when it was written, and by which write it was replaced.
    fn against(&self, value: Option<Value>, missed: &Op) -> String {
        let old = value.and_then(|value| self.values.get(&value)).map(|write| self.ops[*write]);
        let before = match old.and_then(|old| old.stored()) {
            Some(at) => format!(", and {} had been stored at {at}, before that write began", shown(value)),
            None => String::new(),
        };
        let at = missed.stored().unwrap_or(Time::NEVER);
        format!("{missed} had been stored by {} at {at}{before}", missed.node)
    }
    fn because(&self, violation: Violation, op: &Op, missed: &Op) -> Violation {
        let violation = violation.because(op.seen, format!("{} is asked for {op}", op.node));
        match missed.answer {
            Some((id, ..)) => violation.because(id, format!("{missed} is stored")),
            None => violation,
        }
    }
    fn is_fresh(&mut self, seen: &Observation, op: &Op, value: Option<Value>) -> Result<(), Violation> {
        let key = op.key();
        if let Some(missed) = self.missed(key, value, op.asked) {
            let (rule, why) = match op.is_peek() {
                true => ("home-is-behind", ". By then this home has to have it"),
                false => ("stale-read", ""),
            };
            let began =
                if op.asked == seen.at { String::new() } else { format!(" that began at {}", op.asked) };
            let sentence = format!(
                "{} answered {op}{began} with {} at {}. Before that, {}{why}.",
                op.node,
                shown(value),
                seen.at,
                self.against(value, missed)
            );
            let violation = self.because(Violation::at(seen, rule, sentence), op, missed);
            // a node that stood in may have forgotten it: nothing of what it did leads here
            let sloppy = self.config.as_ref().is_some_and(|config| config.sloppy);
            let crashes = self.crashes.iter().filter(|(_, at, _)| sloppy && *at > missed.asked);
            return Err(crashes.fold(violation, |violation, (id, _, node)| {
                violation.because(*id, format!("{node} forgets what is in its memory alone"))
            }));
        }
        if op.is_peek() {
            return Ok(());
        }
        let is_stored = value
            .and_then(|value| self.values.get(&value))
            .is_some_and(|write| self.ops[*write].was_stored_before(op.asked));
        self.reached.mark_if(READ_BACK, is_stored);
        self.reached.mark_if(STRONG, is_stored && matches!(op.request, Request::Get { strong: true, .. }));
        let behind =
            self.lacking.iter().any(|(write, homes)| self.ops[*write].key() == key && !homes.is_empty());
        self.reached.mark_if(BEHIND, behind);
        Ok(())
    }

    fn peeked(&mut self, seen: &Observation, place: usize, value: Option<Value>) -> Result<(), Violation> {
        let op = self.ops[place];
        let (key, node) = (op.key(), op.node);
        let Some(config) = self.config.clone() else { return Ok(()) };
        let homes = homes(&config, key);
        let is_home = homes.contains(&node);
        if !is_home && value.is_some() && self.goals.costs.is_some() {
            let sentence = format!(
                "{node} answered {op} with {}, but it is no home of {key}: those are {}. All of them were up, so no other node needs a copy.",
                shown(value),
                names(&homes)
            );
            return Err(Violation::at(seen, "copy-outside-the-homes", sentence));
        }
        if is_home && self.goals.equal.contains(&op.name) {
            let first = *self.first_of_equal.entry(key).or_insert(place);
            let first = self.ops[first];
            if let Some((id, _, Response::Value(other))) = first.answer
                && other != value
            {
                let sentence = format!(
                    "{node} answered {op} with {}, and {} answered it with {}. Both are homes of {key}, and all writes and repairs were over.",
                    shown(value),
                    first.node,
                    shown(other)
                );
                let violation = Violation::at(seen, "homes-differ", sentence);
                return Err(violation.because(id, format!("{} shows {}", first.node, shown(other))));
            }
        }
        if self.is_ordered(key) && is_home {
            self.never_goes_back(seen, &op, value)?;
        }
        let nodes = config.nodes.len();
        let needs = match config.sloppy {
            false if is_home => Some((homes.len(), config.w as usize)),
            true if self.goals.audit.contains(&op.name) => Some((nodes, config.w as usize)),
            true if is_home && self.goals.somewhere.contains(&op.name) => Some((homes.len(), 1)),
            _ => None,
        };
        if let Some(needs) = needs.filter(|_| self.is_ordered(key)) {
            self.is_on_enough_disks(seen, &op, value, needs)?;
        }
        self.peeks.entry((node, key)).or_default().push(place);
        Ok(())
    }
    fn never_goes_back(
        &mut self,
        seen: &Observation,
        op: &Op,
        value: Option<Value>,
    ) -> Result<(), Violation> {
        let earlier =
            self.peeks.get(&(op.node, op.key())).into_iter().flatten().map(|place| self.ops[*place]);
        for peek in earlier.collect::<Vec<Op>>() {
            let Some((id, at, Response::Value(before))) = peek.answer else { continue };
            let write = before.and_then(|value| self.values.get(&value)).map(|write| self.ops[*write]);
            if let Some(write) = write.filter(|write| at < op.asked && self.is_older(op.key(), value, write))
            {
                let sentence = format!(
                    "{} had {} on its disk at {at}, and at {} it has {}, which is older. A copy never goes back.",
                    op.node,
                    shown(before),
                    seen.at,
                    shown(value)
                );
                let violation = self.because(Violation::at(seen, "copy-goes-back", sentence), op, &write);
                return Err(violation.because(id, format!("{} shows {}", op.node, shown(before))));
            }
            let was_behind = self.missed(op.key(), before, op.asked).is_some();
            let is_behind = self.missed(op.key(), value, op.asked).is_some();
            self.reached.mark_if(CAUGHT_UP, was_behind && !is_behind);
        }
        Ok(())
    }
    /// Whether each stored write is on enough disks, out of so many. The nodes that show something older lack it.
    fn is_on_enough_disks(
        &mut self,
        seen: &Observation,
        op: &Op,
        value: Option<Value>,
        (all, enough): (usize, usize),
    ) -> Result<(), Violation> {
        let key = op.key();
        for write in self.writes.get(&key).cloned().unwrap_or_default() {
            let stored = self.ops[write];
            if !stored.was_stored_before(op.asked) || !self.is_older(key, value, &stored) {
                continue;
            }
            self.reached.mark_if(CAME_BACK, stored.leaves().is_none() && value.is_some());
            let lacking = self.lacking.entry(write).or_default();
            lacking.insert(op.node);
            let have = all - lacking.len().min(all);
            if have < enough {
                let (lacking, at) = (names(&*lacking), stored.stored().unwrap_or(Time::NEVER));
                let sentence = format!(
                    "{} answered {stored} with Stored at {at}, but it is not on the disk of {lacking}. So at most {have} of {all} nodes have it, \
                     and {enough} have to ({}).",
                    stored.node,
                    self.parameters()
                );
                let violation = Violation::at(seen, "stored-on-too-few", sentence);
                return Err(self.because(violation, op, &stored));
            }
        }
        Ok(())
    }
}
/// `n1, n3 and n4`.
fn names<'a>(nodes: impl IntoIterator<Item = &'a NodeId>) -> String {
    let nodes: Vec<String> = nodes.into_iter().map(NodeId::to_string).collect();
    match nodes.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        Some((last, _)) => last.clone(),
        None => "no node".to_owned(),
    }
}

/// Few messages, and what the run reached.
impl Watch {
    fn is_affordable(&mut self, seen: &Observation) -> Result<(), Violation> {
        let (Some(Costs { quiet }), Some(config)) = (self.goals.costs, &self.config) else { return Ok(()) };
        let nodes = config.nodes.len() as u64;
        let background = |time: Duration| {
            2 * nodes * (nodes - 1) * (time.as_nanos().div_ceil(config.handoff.as_nanos()) as u64)
        };
        let by = |sent: &BTreeMap<NodeId, u64>| {
            let by: Vec<String> = sent.iter().map(|(node, sent)| format!("{node} {sent}")).collect();
            by.join(", ")
        };
        *self.sent.entry(seen.node).or_default() += 1;
        if seen.at >= quiet {
            self.sent_quiet += 1;
            let limit = background(seen.at - quiet + config.handoff);
            if self.sent_quiet > limit {
                let sentence = format!(
                    "From {quiet} on, when no client waited for anything, the nodes sent more than {limit} messages by {}. That is twice one message \
                     from each node to each other, every {}.",
                    seen.at,
                    Time::ZERO + config.handoff
                );
                return Err(Violation::at(seen, "quiet", sentence).of_costs());
            }
            return Ok(());
        }
        let each = 6 * u64::from(config.n);
        let limit = each * self.requests_costing + background(seen.at - Time::ZERO);
        let total: u64 = self.sent.values().sum();
        if total > limit {
            let sentence = format!(
                "The nodes sent {total} messages for {} requests on a clean network ({}). {each} a request, and {} in the background, are allowed.",
                self.requests_costing,
                by(&self.sent),
                background(seen.at - Time::ZERO)
            );
            return Err(Violation::at(seen, "few-messages", sentence).of_costs());
        }
        Ok(())
    }
    fn got(&mut self, seen: &Observation) {
        let Cause::Observation(sent) = seen.cause else { return };
        let again = !self.arrived.insert(sent);
        let mut waits = self
            .open
            .iter()
            .map(|place| self.ops[*place])
            .filter(|op| op.node == seen.node && op.answer.is_none());
        if let Some(op) = waits.next_back() {
            self.reached.mark_if(DOUBLED, again);
            self.reached.mark_if(LATE, sent < op.seen);
        }
    }
    fn mark(&mut self) {
        let answered = self.ops.iter().filter(|op| op.answer.is_some() && !op.is_peek()).count();
        self.reached.mark_if(MANY, answered >= 50);
        for writes in self.writes.values() {
            for (place, write) in writes.iter().enumerate() {
                let write = self.ops[*write];
                for other in writes[..place].iter().map(|other| self.ops[*other]) {
                    let follows = other.was_stored_before(write.asked) && other.node != write.node;
                    self.reached.mark_if(FOLLOWED, follows && write.stored().is_some());
                    self.reached.mark_if(OVERLAPPED, !other.was_stored_before(write.asked));
                }
            }
        }
    }
}
