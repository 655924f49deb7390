//! Who promised, accepted and decided what. What nodes say to each other can be held against them: the messages of this
//! exercise have a meaning.

use judge::{Oracle, Reached, Violation};
use lab::NodeId;
use lab::paxos::{Ballot, Event, Message, Paxos, Proposal, Request, Response, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{End, NodeKind, Observation, ObservationId, Seen, Time, World};

pub(super) const CONTESTED: &str = "two nodes had ballots of their own, and somebody decided";
pub(super) const LEARNT: &str = "a node decided that was never asked anything";
pub(super) const REMEMBERED: &str = "an acceptor crashed after it had answered, and answered again";
pub(super) const TWO_VALUES: &str = "two values were proposed under ballots";
pub(super) const STALE: &str = "a node got an answer again, or one to an older ballot";
pub(super) const HELD: &str = "a node decided while a message was held back";

/// What a world is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    /// One decision; where puppets make a wrong step certain, that step.
    Agreement,
    /// What is decided was proposed.
    Validity,
    /// Nobody takes back after a crash what it said before it.
    Durable,
    /// One ballot, one value.
    Ballots,
    /// An acceptor that is asked about what it has promised and accepted says the same as before.
    Interrogated,
    /// Majorities are majorities.
    Counting,
    /// Agreement and validity.
    SmallWorlds,
    /// Every node that is up at the end has decided, and whoever asked has been answered.
    InTime {
        /// This long after the last fault, or the first request.
        bound: Duration,
        /// In words: `10 × retry`.
        why: &'static str,
    },
    /// A quick answer, few messages, and silence after it.
    Frugal {
        /// How long a message takes.
        delay: Duration,
        /// `Config::retry`.
        retry: Duration,
    },
}

/// A rule of Paxos that messages can be seen to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// A promise tells of the highest proposal below it that was accepted, and none below it is accepted after it.
    Vote { crashed_between: bool },
    /// The value is that of the highest proposal that promises tell of.
    Choice,
    /// Phase 2 begins with a majority of promises.
    Quorum,
    /// A decision has a majority of acceptors under one ballot.
    Chosen,
    /// A ballot has one value.
    Ballot,
}

/// Follows one world.
pub(super) struct Synod {
    promise: Promise,
    /// Whether puppets play here: then the rule that a node breaks is what the world is about.
    scripted: bool,
    nodes: BTreeMap<NodeId, Member>,
    /// What has been asked for: by clients, and by puppets.
    proposed: BTreeSet<Value>,
    /// Who asked for which value under a ballot, first.
    asked: BTreeMap<Ballot, (NodeId, Value)>,
    /// Who may have accepted what: whoever said so, and whoever asked for it.
    acceptors: BTreeMap<(Ballot, Value), BTreeSet<NodeId>>,
    /// The first decision.
    decision: Option<(NodeId, Value, (Time, ObservationId))>,
    /// The first rule that was broken.
    slip: Option<String>,
    first_request: Option<Time>,
    last_fault: Time,
    faults_ended: usize,
    messages: u64,
    quiet_messages: u64,
    reached: Reached,
}
/// What is known of one node.
#[derive(Default)]
struct Member {
    /// A puppet cannot be wrong.
    is_puppet: bool,
    up: bool,
    life: u32,
    /// What it was asked, and when it answered.
    asked: Option<Time>,
    answered: Option<Time>,
    decided: Option<Time>,
    promises: Vec<Said<(Ballot, Option<Proposal>)>>,
    votes: Vec<Said<Proposal>>,
    /// Its own ballots, with what others promised.
    prepared: BTreeMap<Ballot, BTreeMap<NodeId, Option<Proposal>>>,
    /// What it was asked to accept, or asked others to.
    proposals: Vec<Proposal>,
    heard: BTreeSet<(NodeId, Ballot, bool)>,
    has_extensions: bool,
}
#[derive(Clone, Copy)]
struct Said<T> {
    what: T,
    life: u32,
    at: Time,
    id: ObservationId,
}

fn list<'a>(nodes: impl IntoIterator<Item = &'a NodeId>) -> String {
    let names: Vec<String> = nodes.into_iter().map(ToString::to_string).collect();
    match &names[..] {
        [one] => one.clone(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
        [] => "no node".to_owned(),
    }
}

impl Synod {
    pub(super) fn new(promise: Promise) -> Synod {
        Synod {
            promise,
            scripted: false,
            nodes: BTreeMap::new(),
            proposed: BTreeSet::new(),
            asked: BTreeMap::new(),
            acceptors: BTreeMap::new(),
            decision: None,
            slip: None,
            first_request: None,
            last_fault: Time::ZERO,
            faults_ended: 0,
            messages: 0,
            quiet_messages: 0,
            reached: Reached::default(),
        }
    }
    fn node(&mut self, node: NodeId) -> &mut Member {
        self.nodes.entry(node).or_default()
    }
    fn majority(&self) -> usize {
        self.nodes.len() / 2 + 1
    }

    /// A rule was broken. Whether the world is about that rule, and it ends here, or this only helps to explain what comes
    /// of it.
    fn broke(&mut self, rule: Rule, violation: Violation) -> Result<(), Violation> {
        let counts = match (self.promise, rule) {
            (Promise::Agreement, Rule::Vote { .. } | Rule::Choice) => self.scripted,
            (Promise::Durable, Rule::Vote { crashed_between }) => crashed_between,
            (Promise::Interrogated, Rule::Vote { .. } | Rule::Ballot) => true,
            (Promise::Ballots, Rule::Ballot) | (Promise::Counting, Rule::Quorum | Rule::Chosen) => true,
            _ => false,
        };
        if counts {
            return Err(violation);
        }
        self.slip.get_or_insert(violation.sentence);
        Ok(())
    }

    fn said(&mut self, seen: &Observation, to: NodeId, message: &Message) -> Result<(), Violation> {
        let node = seen.node;
        match message {
            Message::Prepare(ballot) => {
                self.node(node).prepared.entry(*ballot).or_default();
            }
            Message::Promise { ballot, accepted } => self.promised(seen, *ballot, *accepted)?,
            Message::Accept(proposal) => {
                if self.node(node).is_puppet {
                    self.proposed.insert(proposal.value);
                }
                self.asked_for(seen, to, *proposal)?;
            }
            Message::Accepted(proposal) => self.voted(seen, *proposal)?,
            Message::Extension(_) => self.node(node).has_extensions = true,
            Message::Nack { .. } | Message::Decided(_) | Message::Known => {}
        }
        Ok(())
    }

    /// An acceptor says what it promises.
    fn promised(
        &mut self,
        seen: &Observation,
        ballot: Ballot,
        accepted: Option<Proposal>,
    ) -> Result<(), Violation> {
        let (node, at) = (seen.node, seen.at);
        let member = self.node(node);
        let said = Said { what: (ballot, accepted), life: member.life, at, id: seen.id };
        if member.promises.iter().any(|other| other.what == said.what && other.life == said.life) {
            return Ok(());
        }
        member.promises.push(said);
        let told = accepted.map(|proposal| proposal.ballot);
        let concealed = |vote: &&Said<Proposal>| {
            let under = vote.what.ballot;
            under < ballot && told < Some(under)
        };
        let Some(&vote) = member.votes.iter().find(concealed) else { return Ok(()) };
        let Proposal { ballot: under, value } = vote.what;
        let instead = match accepted {
            None => "did not report that proposal".to_owned(),
            Some(other) => {
                format!("reported only {} under ballot {}, which is lower", other.value, other.ballot)
            }
        };
        let crashed_between = vote.life != said.life;
        let crash = if crashed_between { " and then crashed" } else { "" };
        let sentence = format!(
            "{node} accepted {value} under ballot {under} at {}{crash}. At {at} it promised ballot {ballot}, and {instead}. \
             A promise reports the highest-ballot proposal that its node has accepted.",
            vote.at
        );
        let violation = Violation::at(seen, "tells-what-it-accepted", sentence)
            .because(vote.id, format!("{node} accepts {value} under {under}"))
            .because(seen.id, format!("{node} promises {ballot} and does not report {value}"));
        self.broke(Rule::Vote { crashed_between }, violation)
    }

    /// An acceptor says what it has accepted.
    fn voted(&mut self, seen: &Observation, proposal: Proposal) -> Result<(), Violation> {
        let (node, at) = (seen.node, seen.at);
        let Proposal { ballot, value } = proposal;
        self.acceptors.entry((ballot, value)).or_default().insert(node);
        let is_interrogated = self.promise == Promise::Interrogated;
        let member = self.node(node);
        if member.votes.iter().any(|other| other.what == proposal) {
            return Ok(());
        }
        let said = Said { what: proposal, life: member.life, at, id: seen.id };
        member.votes.push(said);
        let bound = |promise: &&Said<(Ballot, Option<Proposal>)>| {
            let (higher, accepted) = promise.what;
            ballot < higher && accepted.map(|told| told.ballot) < Some(ballot)
        };
        if is_interrogated
            && let Some(other) = member.votes.iter().copied().find(|other| ballot < other.what.ballot)
        {
            let under = other.what.ballot;
            let sentence = format!(
                "{node} accepted {} under ballot {under} at {}. At {at} it accepted {value} under ballot {ballot}, which is \
                 lower. A node that has accepted a ballot refuses lower ballots.",
                other.what.value, other.at
            );
            let violation = Violation::at(seen, "keeps-its-promise", sentence)
                .because(other.id, format!("{node} accepts under {under}"))
                .because(seen.id, format!("{node} accepts under {ballot}, which is lower"));
            let crashed_between = other.life != said.life;
            return self.broke(Rule::Vote { crashed_between }, violation);
        }
        let Some(&promise) = member.promises.iter().find(bound) else { return Ok(()) };
        let crashed_between = promise.life != said.life;
        let crash = if crashed_between { " and then crashed" } else { "" };
        let sentence = format!(
            "{node} promised ballot {} at {}{crash}. At {at} it accepted {value} under ballot {ballot}, which is lower. A \
             node that has promised a ballot refuses lower ballots.",
            promise.what.0, promise.at
        );
        let violation = Violation::at(seen, "keeps-its-promise", sentence)
            .because(promise.id, format!("{node} promises ballot {}", promise.what.0))
            .because(seen.id, format!("{node} accepts under {ballot}, which is lower"));
        self.broke(Rule::Vote { crashed_between }, violation)
    }

    /// A proposer asks for its value.
    fn asked_for(&mut self, seen: &Observation, to: NodeId, proposal: Proposal) -> Result<(), Violation> {
        let node = seen.node;
        let Proposal { ballot, value } = proposal;
        let (first, other) = *self.asked.entry(ballot).or_insert((node, value));
        self.acceptors.entry((ballot, value)).or_default().insert(node);
        let several = self.asked.values().any(|(_, known)| *known != value);
        self.reached.mark_if(TWO_VALUES, several);
        let member = self.node(node);
        if member.is_puppet {
            return Ok(());
        }
        let is_new = !member.proposals.contains(&proposal);
        if other != value {
            let sentence = format!(
                "{node} asked {to} to accept {value} under ballot {ballot}, but {first} had asked for {other} under that \
                 ballot before. A ballot never carries two values."
            );
            return self.broke(Rule::Ballot, Violation::at(seen, "one-value-a-ballot", sentence));
        }
        if is_new {
            self.may_ask(seen, proposal)?;
            self.node(node).proposals.push(proposal);
        }
        Ok(())
    }
    /// Whether a proposer had the promises it takes, and their value. It can have used any majority of them, and its own
    /// acceptor's, which nobody else sees.
    fn may_ask(&mut self, seen: &Observation, proposal: Proposal) -> Result<(), Violation> {
        let node = seen.node;
        let Proposal { ballot, value } = proposal;
        let (n, majority) = (self.nodes.len(), self.majority());
        let member = &self.nodes[&node];
        let Some(promises) = member.prepared.get(&ballot) else { return Ok(()) };
        let others = promises.keys().filter(|other| **other != node).count();
        if others + 1 < majority {
            let by = list(promises.keys().filter(|other| **other != node));
            let by = if others == 0 { "no other node".to_owned() } else { format!("{by} only") };
            let sentence = format!(
                "{node} asked nodes to accept {value} under ballot {ballot}, but it had promises of that ballot from {by}. With {node} itself that is {} of {n} nodes, which is no majority.",
                others + 1
            );
            return self.broke(Rule::Quorum, Violation::at(seen, "quorum-of-promises", sentence));
        }
        // what it has said that it accepted itself, it knows; more it may know
        let said = member.votes.iter().map(|vote| vote.what).filter(|own| own.ballot < ballot);
        let own = said.max_by_key(|own| own.ballot);
        let mut told: Vec<(Option<Proposal>, NodeId)> = promises
            .iter()
            .filter(|(other, _)| **other != node)
            .map(|(other, accepted)| (*accepted, *other))
            .chain([(own, node)])
            .collect();
        told.sort_by_key(|(accepted, _)| std::cmp::Reverse(accepted.map(|accepted| accepted.ballot)));
        let spare = told.len() - majority;
        let fits = |(accepted, _): &(Option<Proposal>, NodeId)| match accepted {
            None => true,
            Some(accepted) => {
                let own = |own: &Proposal| {
                    own.value == value && own.ballot > accepted.ballot && own.ballot < ballot
                };
                accepted.value == value || member.proposals.iter().any(own)
            }
        };
        match told.first() {
            Some((Some(highest), by)) if !told.iter().take(spare + 1).any(fits) => {
                let how = if *by == node {
                    format!("{node} itself had accepted")
                } else {
                    format!("the promise of {by} reported")
                };
                let sentence = format!(
                    "{node} asked nodes to accept {value} under ballot {ballot}, but {how} {} under {}. Of the proposals \
                     that {node} knew, that one has the highest ballot, and it may be chosen already.",
                    highest.value, highest.ballot
                );
                self.broke(Rule::Choice, Violation::at(seen, "highest-accepted-value", sentence))
            }
            _ => Ok(()),
        }
    }

    /// A node is handed a message.
    fn heard(&mut self, node: NodeId, from: NodeId, message: &Message) {
        let (ballot, is_promise) = match message {
            Message::Promise { ballot, .. } => (*ballot, true),
            Message::Accepted(proposal) => (proposal.ballot, false),
            Message::Accept(proposal) => return self.node(node).proposals.push(*proposal),
            _ => return,
        };
        let member = self.node(node);
        if let Message::Promise { accepted, .. } = message
            && let Some(promises) = member.prepared.get_mut(&ballot)
        {
            promises.entry(from).or_insert(*accepted);
        }
        let is_old = member.prepared.last_key_value().is_some_and(|(last, _)| ballot < *last);
        let stale = !member.heard.insert((from, ballot, is_promise)) || is_old;
        self.reached.mark_if(STALE, stale);
    }

    /// A node says what is chosen: to all, or to its client.
    fn decided(&mut self, seen: &Observation, value: Value, how: &str) -> Result<(), Violation> {
        let (node, at) = (seen.node, seen.at);
        let proposers = self.nodes.values().filter(|member| !member.prepared.is_empty()).count();
        self.reached.mark_if(CONTESTED, proposers > 1);
        let member = self.node(node);
        member.decided.get_or_insert(at);
        let never_asked = member.asked.is_none();
        self.reached.mark_if(LEARNT, never_asked);
        self.was_chosen(seen, value, how)?;
        if !self.proposed.contains(&value) && matches!(self.promise, Promise::Validity | Promise::SmallWorlds)
        {
            let known: Vec<String> = self.proposed.iter().map(ToString::to_string).collect();
            let asked = if known.is_empty() { "no value".to_owned() } else { known.join(", ") };
            let sentence =
                format!("{node} {how} {value}, but no client had proposed it. Clients had proposed {asked}.");
            return Err(Violation::at(seen, "validity", sentence));
        }
        let Some((first, other, (since, place))) = self.decision else {
            self.decision = Some((node, value, (at, seen.id)));
            return Ok(());
        };
        let judged = matches!(self.promise, Promise::Agreement | Promise::Durable | Promise::SmallWorlds);
        if value == other || !judged {
            return Ok(());
        }
        let slip =
            self.slip.as_ref().map(|slip| format!(" The first wrong step: {slip}")).unwrap_or_default();
        let sentence = format!(
            "{first} decided {other} at {since}, and {node} {how} {value} at {at}: {}, and {}.{slip}",
            self.support(other),
            self.support(value)
        );
        Err(Violation::at(seen, "agreement", sentence)
            .because(place, format!("{first} decides {other}"))
            .because(seen.id, format!("{node} decides {value}")))
    }
    /// Who stood behind a value, as far as messages tell.
    fn support(&self, value: Value) -> String {
        let under = self.acceptors.iter().filter(|((_, known), _)| *known == value);
        match under.max_by_key(|((ballot, _), by)| (by.len(), std::cmp::Reverse(*ballot))) {
            Some(((ballot, _), by)) => format!("{value} had {} as acceptors under ballot {ballot}", list(by)),
            None => format!("{value} had no acceptor under any ballot"),
        }
    }
    /// Whether a majority may have accepted this under one ballot: a node counts if it said so, if it proposed it, or if it
    /// is the one that decides, and was asked to accept it.
    fn was_chosen(&mut self, seen: &Observation, value: Value, how: &str) -> Result<(), Violation> {
        let (node, n, majority) = (seen.node, self.nodes.len(), self.majority());
        let was_asked =
            |ballot: Ballot| self.nodes[&node].proposals.contains(&Proposal { ballot, value }) as usize;
        let support = |((ballot, _), by): (&(Ballot, Value), &BTreeSet<NodeId>)| {
            by.len() + if by.contains(&node) { 0 } else { was_asked(*ballot) }
        };
        let under = || self.acceptors.iter().filter(|((_, known), _)| *known == value);
        if under().any(|entry| support(entry) >= majority) {
            return Ok(());
        }
        let known: Vec<String> =
            under().map(|((ballot, _), by)| format!("{} under ballot {ballot}", list(by))).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join("; ") };
        let sentence = format!(
            "{node} {how} {value}, but no majority of the {n} nodes can have accepted it under one ballot. Nodes that may \
             have accepted it: {known}."
        );
        self.broke(Rule::Chosen, Violation::at(seen, "chosen-by-a-majority", sentence))
    }
}

impl Oracle for Synod {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        if self.nodes.is_empty() {
            for spec in &world.scenario().nodes {
                let is_puppet = !matches!(spec.kind, NodeKind::Guest);
                self.node(spec.id).is_puppet = is_puppet;
                self.scripted |= is_puppet;
            }
        }
        let node = seen.node;
        match &seen.seen {
            Seen::Started { incarnation } => {
                let member = self.node(node);
                (member.up, member.life) = (true, *incarnation);
            }
            Seen::Crashed => {
                self.node(node).up = false;
                self.last_fault = seen.at;
            }
            Seen::FaultBegan { .. } => self.last_fault = seen.at,
            Seen::FaultEnded { .. } => {
                self.last_fault = seen.at;
                self.faults_ended += 1;
            }
            Seen::Requested { bytes, .. } => {
                let request = lab::frame::decode(bytes).expect("the suite's own request");
                let Request::Propose { value } = request;
                self.proposed.insert(value);
                self.first_request.get_or_insert(seen.at);
                self.node(node).asked.get_or_insert(seen.at);
            }
            Seen::Sent { to, bytes, .. } => {
                if *to != node {
                    self.counts(world, seen)?;
                }
                if let Some(message) = lab::frame::decode(bytes) {
                    self.said(seen, *to, &message)?;
                }
            }
            Seen::Delivered { from, bytes } => {
                if let Some(message) = lab::frame::decode(bytes) {
                    self.heard(node, *from, &message);
                }
            }
            Seen::Emitted { .. } => {
                let Some(Event::Decided { value }) = seen.emitted::<Paxos>() else {
                    let sentence = format!("{node} emitted something that is not an event of this exercise.");
                    return Err(Violation::at(seen, "unknown-event", sentence));
                };
                self.decided(seen, value, "decided")?;
                let held = !world.scenario().faults.is_empty() && self.faults_ended == 0;
                self.reached.mark_if(HELD, held);
            }
            Seen::Replied { bytes, heard: true, .. } => {
                let Some(Response::Decided { value }) = lab::frame::decode(bytes) else {
                    let sentence = format!(
                        "{node} answered its client with something that is not a response of this exercise."
                    );
                    return Err(Violation::at(seen, "unknown-response", sentence));
                };
                self.decided(seen, value, "told its client that the decision is")?;
                self.node(node).answered.get_or_insert(seen.at);
                self.was_quick(seen)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        match self.promise {
            Promise::InTime { bound, why } => self.all_know(world, bound, why)?,
            Promise::Frugal { .. } => self.somebody_was_answered()?,
            _ => {}
        }
        let answered_again = self.nodes.values().any(|member| {
            let lives = member.promises.iter().map(|said| said.life);
            let lives: BTreeSet<u32> = lives.chain(member.votes.iter().map(|said| said.life)).collect();
            lives.len() > 1 && !member.is_puppet
        });
        self.reached.mark_if(REMEMBERED, answered_again);
        reached.clone_from(&self.reached);
        Ok(())
    }
}

/// What takes time, and what it costs.
impl Synod {
    /// Every node that is up knows.
    fn all_know(&self, world: &World, bound: Duration, why: &str) -> Result<(), Violation> {
        let since = self.last_fault.max(self.first_request.unwrap_or_default());
        let late = |member: &&Member| member.up && (member.decided.is_none() || member.is_unanswered());
        let Some((node, member)) = self.nodes.iter().find(|(_, member)| late(member)) else { return Ok(()) };
        let context = if world.end() == Some(&End::Idle) {
            format!("At {} no node had anything left to do.", world.now())
        } else {
            let from = if self.first_request == Some(since) { "the request" } else { "the last fault" };
            format!("{why} is {}, and {from} was at {since}.", Time::ZERO + bound)
        };
        Err(Violation::never(
            "all-decide",
            match (self.decision, member.decided) {
                (_, Some(when)) => format!(
                    "{node} decided at {when}, but it never answered its client, which had asked at {}. {context}",
                    member.asked.unwrap_or_default()
                ),
                (Some((first, value, (when, _))), None) => {
                    format!(
                        "{first} decided {value} at {when}, but {node}, which is up, never decided. {context}"
                    )
                }
                (None, None) => {
                    let asked = self.nodes.iter().filter(|(_, member)| member.asked.is_some());
                    let asked = list(asked.map(|(node, _)| node));
                    let up = list(self.nodes.iter().filter(|(_, member)| member.up).map(|(node, _)| node));
                    format!(
                        "{asked} received a request, but no node ever decided. These nodes are up: {up}. {context}"
                    )
                }
            },
        ))
    }

    fn somebody_was_answered(&self) -> Result<(), Violation> {
        match self.nodes.iter().find(|(_, member)| member.is_unanswered()) {
            Some((node, member)) => Err(Violation::never(
                "answers-its-client",
                format!(
                    "{node} received a request at {}, but it never answered.",
                    member.asked.unwrap_or_default()
                ),
            )),
            None => Ok(()),
        }
    }
    /// An answer came within two round trips.
    fn was_quick(&self, seen: &Observation) -> Result<(), Violation> {
        let Promise::Frugal { delay, .. } = self.promise else { return Ok(()) };
        let member = &self.nodes[&seen.node];
        // who passes the wish on to another needs two more: there, and back
        let delays = if member.has_extensions { 6 } else { 4 };
        let took = seen.at - member.asked.unwrap_or_default();
        // a node may take a moment to answer, but not as long as another message
        if took <= delay * delays + delay / 2 {
            return Ok(());
        }
        Err(Violation::at(
            seen,
            "answers-quickly",
            format!(
                "{} answered its client after {}, although no other node proposed and no message was lost. Each message \
                 took {}, and {delays} messages one after the other are enough.",
                seen.node,
                Time::ZERO + took,
                Time::ZERO + delay
            ),
        ))
    }
    /// A message is sent: not too many, and hardly any when all is over.
    fn counts(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        let Promise::Frugal { retry, .. } = self.promise else { return Ok(()) };
        let Some(asked) = self.first_request else { return Ok(()) };
        let n = world.scenario().nodes.len() as u64;
        let settled = asked + retry * SETTLED_RETRIES;
        if seen.at <= settled {
            self.messages += 1;
            let most = 2 * n * n + 4 * n;
            if self.messages > most {
                let sentence = format!(
                    "By {}, {n} nodes sent each other more than {most} messages (2 n² + 4 n) for one request at {asked}. No \
                     message was lost.",
                    seen.at
                );
                return Err(Violation::at(seen, "few-messages", sentence));
            }
        } else {
            self.quiet_messages += 1;
            let most = n * u64::from(QUIET_RETRIES / 10);
            if self.quiet_messages > most {
                let sentence = format!(
                    "{} sent another message at {}: the nodes have sent {} messages since {settled}, although all nodes \
                     decided long before. When all nodes know the decision, no message is needed.",
                    seen.node, seen.at, self.quiet_messages
                );
                return Err(Violation::at(seen, "quiet-after-decision", sentence));
            }
        }
        Ok(())
    }
}
/// So many times `Config::retry` after a request on a clean network everybody knows, and has said so.
pub(super) const SETTLED_RETRIES: u32 = 10;
/// Then it is looked at for so long. A message of every node now and again is no harm.
pub(super) const QUIET_RETRIES: u32 = 100;

impl Member {
    fn is_unanswered(&self) -> bool {
        self.asked.is_some() && self.answered.is_none()
    }
}
