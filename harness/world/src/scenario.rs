//! The recipe of a world, as data: a check builds it, a shrinker cuts it down, a replay reads it back.

use crate::draw::Key;
use crate::observe::{Observation, Seen};
use crate::playback::{Line, Playback, Player};
use lab::{Contract, NodeId, RequestId, Role};
use rustc_hash::FxHashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A cluster, its network, its clients and the faults it meets.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The nodes. Their order is the order in which they start.
    pub nodes: Vec<NodeSpec>,
    /// How messages travel where no rule of `links` says otherwise.
    pub network: Link,
    /// Links that differ; the last rule that fits counts.
    pub links: Vec<LinkRule>,
    /// Who asks what of the nodes.
    pub clients: Vec<Client>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Messages, by their [`Key`], that are still under way when the world ends: in this way a shrinker takes out what a
    /// failure does not need. On a link that keeps order, what is sent later stays behind them.
    pub withheld: FxHashSet<Key>,
    /// From here on nothing goes wrong any more: every fault ends, what is down starts again, and all links
    /// are as `calm`.
    pub calm: Option<(Duration, Link)>,
    /// The rules of `links` say where nodes live, and not what is wrong with the network: they outlast the calm, but for what
    /// they say of loss, duplication and corruption.
    pub regions: bool,
    /// When the world ends, whatever is still to happen.
    pub end: Duration,
    /// What it may use at most.
    pub limits: Limits,
    /// Whether to ask nodes for their status after each event.
    pub watch_status: bool,
    /// Who takes note of promises, and knows what to ask about them: for [`Trigger::Promised`] and [`Words::Asked`].
    pub scribe: Option<MakesScribe>,
}

impl Scenario {
    /// These nodes on a clean network with one millisecond of latency; nobody asks anything, nothing fails.
    pub fn new(nodes: Vec<NodeSpec>, end: Duration) -> Scenario {
        Scenario {
            nodes,
            network: Link::fixed(Duration::from_millis(1)),
            links: Vec::new(),
            clients: Vec::new(),
            faults: Vec::new(),
            withheld: FxHashSet::default(),
            calm: None,
            regions: false,
            end,
            limits: Limits::default(),
            watch_status: false,
            scribe: None,
        }
    }
    /// A node as people read of it: `n3 (coordinator)`, or `n3` where it has no name.
    pub fn name_of(&self, node: NodeId) -> String {
        let spec = self.nodes.iter().find(|spec| spec.id == node);
        match spec.and_then(|spec| spec.name) {
            Some(name) => format!("{node} ({name})"),
            None => node.to_string(),
        }
    }
    /// `n` nodes of one role, with ids from 1.
    pub fn cluster<C: Contract>(n: u32, config: &C::Config, end: Duration) -> Scenario {
        Scenario::new((1..=n).map(|id| NodeSpec::guest::<C>(NodeId(id), config)).collect(), end)
    }
}

/// One node of a world.
#[derive(Debug, Clone)]
pub struct NodeSpec {
    /// Its name.
    pub id: NodeId,
    /// The name of its contract.
    pub role: &'static str,
    /// Its configuration, encoded.
    pub config: Vec<u8>,
    /// Who plays it.
    pub kind: NodeKind,
    /// Whom it is told of; `None` for every other node that is not a service, or for nobody in a world of more than 256 nodes:
    /// a crowd of clients knows what it calls, and not each other.
    pub peers: Option<Vec<NodeId>>,
    /// The node that its calls go to, as requests, where they name none; that node's replies are the answers. `None`: nobody
    /// answers.
    pub calls_to: Option<NodeId>,
    /// How its clocks differ from true time.
    pub clock: ClockSpec,
    /// How long a sync takes, from..=to.
    pub sync: (Duration, Duration),
    /// How long a node is busy with one event.
    pub per_event: Duration,
    /// When it starts for the first time. Before that it is down, and nobody's fault: a calm does not start it.
    pub starts: When,
    /// What it is called beside its id where people read of it: `coordinator`.
    pub name: Option<&'static str>,
}
impl NodeSpec {
    /// A node that the submission plays.
    pub fn guest<C: Contract>(id: NodeId, config: &C::Config) -> NodeSpec {
        NodeSpec::encoded(id, C::ROLE, lab::frame::encode(config))
    }
    /// A node that the submission plays in this role, its configuration encoded.
    pub fn encoded(id: NodeId, role: &'static str, config: Vec<u8>) -> NodeSpec {
        NodeSpec {
            id,
            role,
            config,
            kind: NodeKind::Guest,
            peers: None,
            calls_to: None,
            clock: ClockSpec::default(),
            sync: (Duration::from_micros(100), Duration::from_micros(300)),
            per_event: Duration::ZERO,
            starts: When::At(Duration::ZERO),
            name: None,
        }
    }
    /// A pure function that the submission has under this role name.
    pub fn function(id: NodeId, role: &'static str) -> NodeSpec {
        NodeSpec::encoded(id, role, Vec::new())
    }
    /// A peer that does what these lines say, and nothing else.
    pub fn playback(id: NodeId, lines: &[Line]) -> NodeSpec {
        NodeSpec::puppet::<Playback>(id, &lines.to_vec(), Role::node::<Player>)
    }
    /// The same under this name.
    #[must_use]
    pub fn named(self, name: &'static str) -> NodeSpec {
        NodeSpec { name: Some(name), ..self }
    }
    /// The same, but it starts then.
    #[must_use]
    pub fn starting(self, starts: When) -> NodeSpec {
        NodeSpec { starts, ..self }
    }
    /// The same, and nobody's peer, if the suite plays it.
    pub fn as_service(self) -> NodeSpec {
        match self.kind {
            NodeKind::Puppet(puppet) => NodeSpec { kind: NodeKind::Service(puppet), ..self },
            NodeKind::Guest | NodeKind::Service(_) => self,
        }
    }
    /// A peer that the suite plays.
    pub fn puppet<C: Contract>(id: NodeId, config: &C::Config, role: fn() -> Role) -> NodeSpec {
        NodeSpec { kind: NodeKind::Puppet(Puppet(role)), ..NodeSpec::guest::<C>(id, config) }
    }
    /// Something that the suite owns and nodes call: a puppet that is nobody's peer.
    pub fn service<C: Contract>(id: NodeId, config: &C::Config, role: fn() -> Role) -> NodeSpec {
        NodeSpec { kind: NodeKind::Service(Puppet(role)), ..NodeSpec::guest::<C>(id, config) }
    }
}

/// Who plays a node.
#[derive(Debug, Clone, Copy)]
pub enum NodeKind {
    /// The submission, in a guest.
    Guest,
    /// The suite: a peer among peers.
    Puppet(Puppet),
    /// The suite: called, and nobody's peer.
    Service(Puppet),
}
/// A node of the suite's own: `Puppet(Role::node::<Traitor>)`. It runs inside the world.
#[derive(Clone, Copy)]
pub struct Puppet(pub fn() -> Role);
impl fmt::Debug for Puppet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str((self.0)().name())
    }
}

/// How a node's clocks differ from true time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockSpec {
    /// The wall clock is this much ahead at the start, in nanoseconds.
    pub offset_ns: i64,
    /// Both clocks gain this much, in parts per million; above -1,000,000.
    pub drift_ppm: i64,
}
impl ClockSpec {
    /// What the wall clock shows at a true time, where no fault has touched it.
    pub fn wall_clock(&self, at: crate::Time) -> lab::WallTime {
        lab::WallTime(Duration::from_nanos(crate::clock::Clock::new(self).wall_ns(at)))
    }
}

/// A probability, in parts per million.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(pub u32);
impl Chance {
    /// It does not happen.
    pub const NEVER: Chance = Chance(0);
    /// It always happens.
    pub const ALWAYS: Chance = Chance(1_000_000);
    /// Both together, up to [`ALWAYS`](Chance::ALWAYS).
    pub(crate) fn and(self, more: Chance) -> Chance {
        Chance(self.0.saturating_add(more.0).min(Chance::ALWAYS.0))
    }
    /// So many times in a hundred.
    pub const fn percent(percent: u32) -> Chance {
        Chance(percent * 10_000)
    }
}

/// How messages travel from one node to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// How long they take.
    pub latency: Latency,
    /// How often one is lost.
    pub loss: Chance,
    /// How often one arrives twice, each copy with its own latency.
    pub duplication: Chance,
    /// How often a bit of one is flipped. Only for exercises whose messages are raw bytes; calls and their
    /// answers are spared.
    pub corruption: Chance,
    /// Longer ones are lost, in bytes.
    pub message_bytes_max: Option<usize>,
    /// Messages queue up behind each other at this rate, in bytes per second.
    pub bandwidth: Option<u64>,
    /// None overtakes another.
    pub fifo: bool,
}
impl Link {
    /// A clean link.
    pub const fn between(min: Duration, max: Duration) -> Link {
        Link {
            latency: Latency { min, max, tail: None },
            loss: Chance::NEVER,
            duplication: Chance::NEVER,
            corruption: Chance::NEVER,
            message_bytes_max: None,
            bandwidth: None,
            fifo: false,
        }
    }
    /// A clean link on which every message takes as long.
    pub const fn fixed(latency: Duration) -> Link {
        Link::between(latency, latency)
    }
}

/// How long a message takes: evenly from `min` to `max`, but for those in the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// At least.
    pub min: Duration,
    /// At most, outside the tail.
    pub max: Duration,
    /// Some take longer: this is what reorders messages.
    pub tail: Option<Tail>,
}
/// The messages that take longer than the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// How many of them.
    pub chance: Chance,
    /// How long at most; evenly from the latency's `max`.
    pub max: Duration,
}

/// A link that differs from the network's; `None` stands for every node.
#[derive(Debug, Clone, Copy)]
pub struct LinkRule {
    /// The sender.
    pub from: Option<NodeId>,
    /// The receiver.
    pub to: Option<NodeId>,
    /// How messages travel between them.
    pub link: Link,
}

/// The name of a client of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);
/// The name of an operation of a client: it stays when others are taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u32);

/// Someone outside the system, with no latency to the node it asks.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its name; below 2^23.
    pub id: ClientId,
    /// What it asks.
    pub operations: Vec<Operation>,
    /// How long it waits after an operation has ended before the next that has no time of its own.
    pub think: Duration,
    /// How long it waits for an answer; for ever if `None`.
    pub timeout: Option<Duration>,
    /// How often it tries an operation, at most 255 times; each try is a new delivery, at the next node of
    /// the operation's list.
    pub attempts: u32,
    /// Which answers end an operation; `None` for all. Others refuse a try: the next comes after `think`. The
    /// refusal of the last try ends the operation as it is.
    pub accepts: Option<Matcher>,
}
impl Client {
    /// A client that tries each operation once and waits for ever.
    pub fn new(id: u32, operations: Vec<Operation>) -> Client {
        Client {
            id: ClientId(id),
            operations,
            think: Duration::ZERO,
            timeout: None,
            attempts: 1,
            accepts: None,
        }
    }
}
/// One thing a client asks.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its name, unique in its client.
    pub id: OperationId,
    /// When; `None` for when the operation before it has ended, and the client has thought.
    pub at: Option<When>,
    /// Whom: the nodes to try, in turn.
    pub to: Vec<NodeId>,
    /// What, encoded.
    pub request: Vec<u8>,
}
impl Operation {
    /// Asked at a time.
    pub fn at<C: Contract>(id: u32, at: Duration, to: NodeId, request: &C::Request) -> Operation {
        Operation { at: Some(When::At(at)), ..Operation::next::<C>(id, to, request) }
    }
    /// Asked when the one before has ended.
    pub fn next<C: Contract>(id: u32, to: NodeId, request: &C::Request) -> Operation {
        Operation { id: OperationId(id), at: None, to: vec![to], request: lab::frame::encode(request) }
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// When it begins.
    pub when: When,
    /// What it is.
    pub harm: Harm,
    /// When it ends. A crashed node starts again then.
    pub until: Until,
    /// The calm lets it be: it may begin after it, and what it does lasts until its own end.
    pub after_calm: bool,
    /// Faults of one bond mean something only together: a shrinker takes out all of them or none.
    pub bond: Option<u8>,
}
impl Fault {
    /// One that stands for itself, and that the calm ends.
    pub const fn new(when: When, harm: Harm, until: Until) -> Fault {
        Fault { when, harm, until, after_calm: false, bond: None }
    }
}

/// When something happens.
#[derive(Debug, Clone)]
pub enum When {
    /// This long after the world began.
    At(Duration),
    /// So long after this has happened for the `nth` time (from 1); at once, before anything else, if `after` is zero.
    On {
        /// What it waits for.
        trigger: Trigger,
        /// How many times.
        nth: u32,
        /// How long after.
        after: Duration,
    },
}
impl From<Duration> for When {
    fn from(after: Duration) -> When {
        When::At(after)
    }
}
impl When {
    /// At once when this happens for the first time.
    pub fn on(trigger: Trigger) -> When {
        When::On { trigger, nth: 1, after: Duration::ZERO }
    }
}

/// When a fault ends.
#[derive(Debug, Clone)]
pub enum Until {
    /// With the calm, or never.
    Calm,
    /// After so long.
    After(Duration),
    /// At once when this happens for the first time since the fault began.
    Trigger(Trigger),
    /// Never, not even with the calm: a node that crashed is gone for good.
    Never,
}

/// What sets off a fault or a client.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// An observation that fits.
    Seen(Pattern),
    /// The node's `nth` effect was done, over all its lives. Each send of a broadcast counts; a sync counts twice,
    /// when it begins (a crash then falls inside) and when it ends.
    Effect {
        /// The node.
        node: NodeId,
        /// Which effect, from 1.
        nth: u64,
    },
    /// The `nth` effect of all guests together, counted as those of one node are. So the effects of a submission's own run
    /// are swept over, however many it has and whoever they are of; where there are fewer, nothing is set off.
    AnyEffect {
        /// Which effect, from 1.
        nth: u64,
    },
    /// The `nth` effect, from 1, of whatever handles the event of this key: the same effect in every version of a scenario in
    /// which its causes are the same, which a count is not. See [`World::set_off_by`](crate::World::set_off_by).
    EffectOf {
        /// The event.
        event: Key,
        /// Which of its effects, counted as those of a node are.
        nth: u64,
    },
    /// No message is under way, but for those held back, and no node has anything left to do.
    Quiet,
    /// A client asks for this operation for the first time; the culprit is the node that it asks.
    Began {
        /// The client.
        client: ClientId,
        /// Its operation.
        operation: OperationId,
    },
    /// The operation is over; the culprit is the node that answered, or the last one that was asked in vain.
    Ended {
        /// The client.
        client: ClientId,
        /// Its operation.
        operation: OperationId,
    },
    /// A node of the submission's has made a promise of one of these kinds: a set of bits, as the scenario's scribe knows
    /// them.
    Promised(u32),
}
impl Trigger {
    /// Whether this is an observation of the kind that it waits for.
    pub(crate) fn fits(&self, node: NodeId, seen: &Seen) -> bool {
        match self {
            Trigger::Seen(pattern) => pattern.fits(node, seen),
            Trigger::Began { client, operation } => {
                matches!(seen, Seen::Invoked { client: who, operation: what } if who == client && what == operation)
            }
            Trigger::Ended { client, operation } => match seen {
                Seen::Returned { client: who, operation: what, .. }
                | Seen::GaveUp { client: who, operation: what } => who == client && what == operation,
                _ => false,
            },
            Trigger::Effect { .. }
            | Trigger::AnyEffect { .. }
            | Trigger::EffectOf { .. }
            | Trigger::Quiet
            | Trigger::Promised(_) => false,
        }
    }
    /// Whether it waits for a promise of one of these kinds.
    pub(crate) fn awaits(&self, promised: u32) -> bool {
        matches!(self, Trigger::Promised(kinds) if kinds & promised != 0)
    }
}

/// Observations of a kind.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The kind.
    pub kind: SeenKind,
    /// On this node; `None` for any.
    pub node: Option<NodeId>,
    /// From or to this one, where there is another; `None` for any.
    pub other: Option<NodeId>,
    /// Whose bytes fit.
    pub matches: Option<Matcher>,
}
impl Pattern {
    /// Every observation of a kind.
    pub fn of(kind: SeenKind) -> Pattern {
        Pattern { kind, node: None, other: None, matches: None }
    }
    /// An emitted event of a contract.
    pub fn emit<C: Contract>(fits: impl Fn(&C::Event) -> bool + Send + Sync + 'static) -> Pattern {
        Pattern { matches: Some(Matcher::typed(fits)), ..Pattern::of(SeenKind::Emitted) }
    }
    /// A status of a contract, when it changes to one that fits.
    pub fn status<C: Contract>(fits: impl Fn(&C::Status) -> bool + Send + Sync + 'static) -> Pattern {
        Pattern { matches: Some(Matcher::typed(fits)), ..Pattern::of(SeenKind::Status) }
    }
    /// The same, on one node only.
    pub fn at(self, node: NodeId) -> Pattern {
        Pattern { node: Some(node), ..self }
    }
    /// The same, with this node at the other end.
    pub fn with(self, other: NodeId) -> Pattern {
        Pattern { other: Some(other), ..self }
    }
    /// The same, of bytes that fit.
    pub fn matching(self, matches: Matcher) -> Pattern {
        Pattern { matches: Some(matches), ..self }
    }
    /// Just this, on its node.
    pub fn just(seen: &Observation) -> Pattern {
        Pattern {
            kind: SeenKind::of(&seen.seen),
            node: Some(seen.node),
            other: seen.seen.other(),
            matches: seen.seen.bytes().map(|bytes| Matcher::OneOf(vec![bytes.to_vec()])),
        }
    }
    pub(crate) fn fits(&self, node: NodeId, seen: &Seen) -> bool {
        self.kind == SeenKind::of(seen)
            && self.node.is_none_or(|wanted| wanted == node)
            && self.other.is_none_or(|wanted| seen.other() == Some(wanted))
            && self
                .matches
                .as_ref()
                .is_none_or(|matcher| seen.bytes().is_some_and(|bytes| matcher.fits(bytes)))
    }
}

/// The kinds of [`Seen`] that a pattern can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of `Seen`")]
pub enum SeenKind {
    Started,
    Requested,
    Delivered,
    Rang,
    Answered,
    Sent,
    Replied,
    Emitted,
    Called,
    Wrote,
    Syncing,
    Synced,
    Status,
    Crashed,
    FaultBegan,
    Other,
}
impl SeenKind {
    pub(crate) fn of(seen: &Seen) -> SeenKind {
        match seen {
            Seen::Started { .. } => SeenKind::Started,
            Seen::Requested { .. } => SeenKind::Requested,
            Seen::Delivered { .. } => SeenKind::Delivered,
            Seen::Rang { .. } => SeenKind::Rang,
            Seen::Answered { .. } => SeenKind::Answered,
            Seen::Sent { .. } => SeenKind::Sent,
            Seen::Replied { .. } => SeenKind::Replied,
            Seen::Emitted { .. } => SeenKind::Emitted,
            Seen::Called { .. } => SeenKind::Called,
            Seen::Wrote { .. } => SeenKind::Wrote,
            Seen::Syncing => SeenKind::Syncing,
            Seen::Synced => SeenKind::Synced,
            Seen::Status { .. } => SeenKind::Status,
            Seen::Crashed => SeenKind::Crashed,
            Seen::FaultBegan { .. } => SeenKind::FaultBegan,
            _ => SeenKind::Other,
        }
    }
}

/// A question about bytes.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// Asked of their typed value. What does not decode does not fit.
    Typed(Question),
    /// Whether they begin with one of these: which variant of an enum they are.
    Variant(Vec<u8>),
    /// Whether they are one of these.
    OneOf(Vec<Vec<u8>>),
}
impl Matcher {
    /// Of this type.
    pub fn typed<T: lab::Wire>(fits: impl Fn(&T) -> bool + Send + Sync + 'static) -> Matcher {
        let fits = move |bytes: &[u8]| lab::frame::decode(bytes).is_some_and(|value| fits(&value));
        Matcher::Typed(Question(Arc::new(fits)))
    }
    pub(crate) fn fits(&self, bytes: &[u8]) -> bool {
        match self {
            Matcher::Typed(question) => (question.0)(bytes),
            Matcher::Variant(firsts) => bytes.first().is_some_and(|first| firsts.contains(first)),
            Matcher::OneOf(encodings) => encodings.iter().any(|encoding| encoding == bytes),
        }
    }
}
/// A question that is code: see [`Matcher::typed`].
#[derive(Clone)]
pub struct Question(Arc<Fits>);
type Fits = dyn Fn(&[u8]) -> bool + Send + Sync;
impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A node that a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// This one.
    Node(NodeId),
    /// The one on which the fault's trigger was seen. For a fault that has none: nobody.
    Culprit,
}

/// What travels from one node to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carried {
    /// A message.
    Message,
    /// A call, to the node that answers it.
    Call,
    /// The answer to a call.
    Answer,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Harm {
    /// The node loses all it has in memory, and what of its disk was not synced. It starts again when the fault ends.
    Crash {
        /// The node.
        node: Who,
        /// What happens to writes that were not synced.
        disk: DiskLoss,
    },
    /// The node stands still, as in a long garbage collection. What happens to it meanwhile waits.
    Pause {
        /// The node.
        node: Who,
    },
    /// The node takes this long for every event.
    Slow {
        /// The node.
        node: Who,
        /// How long.
        per_event: Duration,
    },
    /// Messages between nodes of different groups are lost; a node of no group reaches all (a bridge).
    Partition {
        /// The groups.
        groups: Vec<Vec<NodeId>>,
    },
    /// Messages between the node and all others are lost.
    Isolate {
        /// The node.
        node: Who,
    },
    /// Messages from these to those are lost, one way.
    Cut {
        /// From these.
        from: Vec<NodeId>,
        /// To those.
        to: Vec<NodeId>,
    },
    /// There is nobody but this node and the services that it calls: its messages are lost, both ways, and all others stand
    /// still.
    Alone {
        /// The node.
        node: Who,
    },
    /// A node that the suite plays says something to a node, which is handed it at once, whatever is cut off.
    Forge {
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: Who,
        /// What it says.
        words: Words,
    },
    /// A link is another.
    Links(LinkRule),
    /// Messages are kept back, and travel when the fault ends.
    Hold {
        /// From this node; `None` for any.
        from: Option<NodeId>,
        /// To this node; `None` for any.
        to: Option<NodeId>,
        /// Only the `nth` one that fits, from 1; `None` for all.
        nth: Option<u32>,
        /// Only those whose bytes fit.
        matches: Option<Matcher>,
        /// Only messages, only calls, or only answers; `None` for all three.
        what: Option<Carried>,
    },
    /// Messages are lost.
    Lose {
        /// From this node; `None` for any.
        from: Option<NodeId>,
        /// To this node; `None` for any.
        to: Option<NodeId>,
        /// Only the `nth` one that fits, from 1; `None` for all.
        nth: Option<u32>,
        /// Only those whose bytes fit.
        matches: Option<Matcher>,
        /// Only messages, only calls, or only answers; `None` for all three.
        what: Option<Carried>,
    },
    /// Of each message a copy is sent once more by the network, whatever becomes of the message itself. A copy that waits
    /// to leave does so even if the fault has ended. At most 15 faults repeat one message.
    Repeat {
        /// From this node; `None` for any.
        from: Option<NodeId>,
        /// To this node; `None` for any.
        to: Option<NodeId>,
        /// Only the `nth` one that fits, from 1; `None` for all.
        nth: Option<u32>,
        /// Only those whose bytes fit.
        matches: Option<Matcher>,
        /// Only messages, only calls, or only answers; `None` for all three.
        what: Option<Carried>,
        /// How long after the message its copy leaves.
        after: Duration,
    },
    /// What [`Harm::Lose`] does, to the one message, call or answer of this key: the same one in every version of a scenario in
    /// which its causes are the same, which the `nth` is not. See [`World::caught_by`](crate::World::caught_by).
    LoseThis {
        /// Its name.
        key: Key,
    },
    /// What [`Harm::Repeat`] does, to the one message, call or answer of this key.
    RepeatThis {
        /// Its name.
        key: Key,
        /// How long after it its copy leaves.
        after: Duration,
    },
    /// Messages on these links fare worse than the link says, by so much: what has several such faults adds up.
    Worse {
        /// From this node; `None` for any.
        from: Option<NodeId>,
        /// To this node; `None` for any.
        to: Option<NodeId>,
        /// So many more are lost.
        loss: Chance,
        /// So many more arrive twice.
        duplication: Chance,
        /// So many more have a bit flipped.
        corruption: Chance,
        /// Each copy takes up to this much longer: drawn.
        late: Duration,
    },
    /// A raw file on the node's disk is damaged, at once and for good. A node reads its disk when it starts: it does not see
    /// that before. (Typed objects are spared: their disk finds out and repairs them.)
    Rot {
        /// The node.
        node: Who,
        /// The name of the file. Where there is none, nothing happens.
        file: String,
        /// What happens to it.
        damage: Damage,
    },
    /// The node's wall clock jumps.
    ClockJump {
        /// The node.
        node: Who,
        /// Forward, or back where negative, in nanoseconds.
        by_ns: i64,
    },
    /// The node's wall clock stands still.
    ClockFreeze {
        /// The node.
        node: Who,
    },
    /// The node's wall clock gains so much, in parts per million.
    ClockDrift {
        /// The node.
        node: Who,
        /// The rate; above -1,000,000.
        ppm: i64,
    },
}

/// What is said in a message that nobody's code has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// This, encoded.
    Bytes(Vec<u8>),
    /// What the scenario's scribe asks as this question. Where it has none to ask, nothing is said.
    Asked(u32),
}

/// Takes note of what nodes have promised, as a run goes on, and knows what to ask to see whether they keep it.
pub trait Scribe {
    /// Takes note of what happened. Which kinds of promises it is, as bits; 0 where it is none.
    fn note(&mut self, seen: &Observation) -> u32;
    /// What this peer may ask that node about a promise that it has made, encoded; `None` where it has made none.
    fn ask(&self, of: NodeId, question: u32, from: NodeId) -> Option<Vec<u8>>;
}
/// Makes the [`Scribe`] of a world that has this recipe.
#[derive(Clone, Copy)]
pub struct MakesScribe(pub fn(&Scenario) -> Box<dyn Scribe>);
impl fmt::Debug for MakesScribe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What a crash does to writes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskLoss {
    /// Each object keeps a prefix of its own, and the append after it may be torn: drawn.
    Drawn,
    /// All are lost.
    All,
    /// None is lost.
    Nothing,
    /// All are lost, and the first append of each object is torn after so many bytes.
    TornAfter {
        /// So many.
        bytes: usize,
    },
    /// The disk is lost, with all that was durable on it: the node comes back with an empty one.
    Wiped,
}

/// What happens to bytes that are durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// One bit of the file is another.
    Flip {
        /// The byte that it is in, from 0. A file that is not so long is spared.
        at: u64,
        /// Which of its bits, from 0 for the lowest; below 8.
        bit: u8,
    },
    /// The file goes on with these bytes, which nobody wrote: zeros where space was given away, or what was there before.
    Append(Vec<u8>),
}

/// What a world may use at most, so that a node that floods it ends it, always at the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Events handed to nodes.
    pub events: u64,
    /// Effects of one event.
    pub effects_per_event: usize,
    /// Bytes of one message.
    pub message_bytes: usize,
    /// Effects of all nodes together.
    pub effects: u64,
    /// Bytes under way, waiting or unsynced in all, and bytes durable on one disk; whatever is kept counts for
    /// some more than its contents.
    pub bytes: usize,
}
impl Default for Limits {
    fn default() -> Self {
        Limits {
            events: 1_000_000,
            effects_per_event: 20_000,
            message_bytes: 1 << 20,
            effects: 10_000_000,
            bytes: 64 << 20,
        }
    }
}

const CALL: u64 = 1 << 63;
const NODE_BITS: u32 = 23;

/// The request that a client's try at an operation is delivered as.
pub(crate) fn request_id(client: ClientId, operation: OperationId, attempt: u32) -> RequestId {
    debug_assert!(client.0 < 1 << NODE_BITS && attempt < 256);
    RequestId(u64::from(client.0) << 40 | u64::from(operation.0) << 8 | u64::from(attempt))
}
/// A message is repeated at most so many times by faults: there is room for as many in the id of a request.
pub(crate) const REPEATS_MAX: usize = 15;
/// The request that the `copy` of a node's call is delivered as: below it are those that the link made, above it those that
/// faults had sent again.
pub(crate) fn call_request_id(caller: NodeId, call: u64, copy: u8) -> RequestId {
    debug_assert!(usize::from(copy) <= 2 * REPEATS_MAX + 1);
    let which = (call << 1 | u64::from(copy & 1)) & ((1 << 36) - 1);
    RequestId(CALL | u64::from(caller.0) << 40 | u64::from(copy >> 1) << 36 | which)
}
/// The node whose call this request is; `None` where a client asks. For services that need to know.
pub fn caller(request: RequestId) -> Option<NodeId> {
    (request.0 & CALL != 0).then_some(NodeId((request.0 >> 40) as u32 & ((1 << NODE_BITS) - 1)))
}
