//! Who promised, accepted and decided what. What nodes say to each other can be held against them: the messages of this
//! exercise have a meaning. All of this is judged in all runs of all checks.

use judge::{Reached, Violation};
use kit::{Rule, Saw, Scene};
use lab::NodeId;
use lab::paxos::{Ballot, Event, Message, Paxos, Proposal, Request, Response, Value};
use std::collections::{BTreeMap, BTreeSet};
use world::{NodeKind, ObservationId, Seen, Time, World};

pub(super) const CONTESTED: &str = "two nodes had ballots of their own, and somebody decided";
pub(super) const LEARNT: &str = "a node decided that was never asked anything";
pub(super) const REMEMBERED: &str = "an acceptor crashed after it had answered, and answered again";
pub(super) const TWO_VALUES: &str = "two values were proposed under ballots";
pub(super) const STALE: &str = "a node got an answer again, or one to an older ballot";
pub(super) const HELD: &str = "a node decided while a message was held back";

/// Follows one run.
#[derive(Default)]
pub(super) struct Synod {
    nodes: BTreeMap<NodeId, Member>,
    /// What has been asked for: by clients, and by puppets.
    proposed: BTreeSet<Value>,
    /// Who asked for which value under a ballot, first. Puppets do not count: how ballots look is a submission's own affair.
    asked: BTreeMap<Ballot, (NodeId, Value)>,
    /// Who may have accepted what: those that said so, and those that asked for it.
    acceptors: BTreeMap<(Ballot, Value), BTreeSet<NodeId>>,
    /// The first decision.
    decision: Option<(NodeId, Value, (Time, ObservationId))>,
    faults_ended: usize,
    reached: Reached,
}
/// What is known of one node.
#[derive(Default)]
struct Member {
    /// A puppet cannot be wrong.
    is_puppet: bool,
    life: u32,
    was_asked: bool,
    /// In this life.
    decided: Option<(Time, ObservationId)>,
    promises: Vec<Said<(Ballot, Option<Proposal>)>>,
    votes: Vec<Said<Proposal>>,
    /// Its own ballots, with what others promised.
    prepared: BTreeMap<Ballot, BTreeMap<NodeId, Option<Proposal>>>,
    /// What it was asked to accept, or asked others to.
    proposals: Vec<Proposal>,
    /// When it was asked about a ballot last.
    asked_last: BTreeMap<Ballot, ObservationId>,
    heard: BTreeSet<(NodeId, Ballot, bool)>,
}
#[derive(Clone, Copy)]
struct Said<T> {
    what: T,
    life: u32,
    at: Time,
    id: ObservationId,
}

pub(super) fn list<'a>(nodes: impl IntoIterator<Item = &'a NodeId>) -> String {
    let names: Vec<String> = nodes.into_iter().map(ToString::to_string).collect();
    match &names[..] {
        [one] => one.clone(),
        [some @ .., last] => format!("{} and {last}", some.join(", ")),
        [] => "no node".to_owned(),
    }
}

impl Synod {
    fn node(&mut self, node: NodeId) -> &mut Member {
        self.nodes.entry(node).or_default()
    }
    fn majority(&self) -> usize {
        self.nodes.len() / 2 + 1
    }

    fn said(&mut self, scene: Scene<'_>, to: NodeId, message: &Message) -> Result<(), Violation> {
        let node = scene.node();
        if let Message::Promise { accepted: Some(proposal), .. } | Message::Accept(proposal) = message
            && self.node(node).is_puppet
        {
            self.proposed.insert(proposal.value); // before the run, if not in it
        }
        let member = self.node(node);
        match *message {
            Message::Prepare(ballot) => {
                member.prepared.entry(ballot).or_default();
                Ok(())
            }
            Message::Promise { ballot, accepted } => self.promised(scene, ballot, accepted),
            Message::Accept(proposal) => self.asked_for(scene, to, proposal),
            Message::Accepted(proposal) => self.voted(scene, proposal),
            Message::Nack { ballot, promised } => self.refused(scene, to, ballot, promised),
            Message::Decided(value) if !member.is_puppet => {
                self.holds(scene, value, &format!("told {to} that the decision is"))
            }
            Message::Decided(_) | Message::Known | Message::Extension(_) => Ok(()),
        }
    }

    /// An acceptor says what it promises.
    fn promised(
        &mut self,
        scene: Scene<'_>,
        ballot: Ballot,
        accepted: Option<Proposal>,
    ) -> Result<(), Violation> {
        let (node, at) = (scene.node(), scene.at());
        let member = self.node(node);
        let said = Said { what: (ballot, accepted), life: member.life, at, id: scene.id() };
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
        let crash = if vote.life == said.life { "" } else { " and then crashed" };
        let sentence = format!(
            "{node} accepted {value} under ballot {under} at {}{crash}. At {at} it promised ballot {ballot}, and {instead}. \
             A promise reports the highest-ballot proposal that its node has accepted.",
            vote.at
        );
        Err(scene
            .breaks("tells-what-it-accepted", sentence)
            .because(vote.id, format!("{node} accepts {value} under {under}"))
            .because(scene.id(), format!("{node} promises {ballot} and does not report {value}")))
    }

    /// An acceptor says what it has accepted.
    fn voted(&mut self, scene: Scene<'_>, proposal: Proposal) -> Result<(), Violation> {
        let (node, at) = (scene.node(), scene.at());
        let Proposal { ballot, value } = proposal;
        self.acceptors.entry((ballot, value)).or_default().insert(node);
        let member = self.node(node);
        if member.votes.iter().any(|other| other.what == proposal) {
            return Ok(());
        }
        let said = Said { what: proposal, life: member.life, at, id: scene.id() };
        // it may have accepted this before, and say so only now: not if it was asked since
        let asked = member.asked_last.get(&ballot).copied();
        let vote = member.votes.iter().find(|other| ballot < other.what.ballot && asked > Some(other.id));
        let bound = |promise: &&Said<(Ballot, Option<Proposal>)>| {
            let (higher, accepted) = promise.what;
            ballot < higher && accepted.map(|told| told.ballot) < Some(ballot)
        };
        let promise = member.promises.iter().find(bound);
        let (before, higher, life, id) = match (vote, promise) {
            (Some(vote), _) => {
                let Proposal { ballot: under, value } = vote.what;
                (format!("accepted {value} under ballot {under} at {}", vote.at), under, vote.life, vote.id)
            }
            (None, Some(promise)) => {
                let higher = promise.what.0;
                (format!("promised ballot {higher} at {}", promise.at), higher, promise.life, promise.id)
            }
            (None, None) => {
                member.votes.push(said);
                return Ok(());
            }
        };
        let crash = if life == said.life { "" } else { " and then crashed" };
        let sentence = format!(
            "{node} {before}{crash}. At {at} it accepted {value} under ballot {ballot}, which is lower. A node that has \
             promised or accepted a ballot refuses lower ballots."
        );
        Err(scene
            .breaks("keeps-its-promise", sentence)
            .because(id, format!("{node} is bound to ballot {higher} from here on"))
            .because(scene.id(), format!("{node} accepts under {ballot}, which is lower")))
    }

    /// An acceptor says no. It need not, but what it says is true.
    fn refused(
        &mut self,
        scene: Scene<'_>,
        to: NodeId,
        ballot: Ballot,
        promised: Ballot,
    ) -> Result<(), Violation> {
        let node = scene.node();
        let is_puppet = self.node(node).is_puppet;
        let has_used = self.nodes.get(&to).is_some_and(|other| other.prepared.contains_key(&ballot))
            || self.acceptors.iter().any(|((under, _), by)| *under == ballot && by.contains(&to));
        let said = format!("{node} refused ballot {ballot} to {to}, because it had promised {promised}");
        if is_puppet {
            Ok(())
        } else if promised <= ballot {
            let sentence = format!("{said}. That ballot is not higher: a node refuses only lower ballots.");
            Err(scene.breaks("true-refusal", sentence))
        } else if to != node && !has_used {
            let sentence = format!("{said}. But {to} had never used ballot {ballot}.");
            Err(scene.breaks("true-refusal", sentence))
        } else {
            Ok(())
        }
    }

    /// A proposer asks for its value.
    fn asked_for(&mut self, scene: Scene<'_>, to: NodeId, proposal: Proposal) -> Result<(), Violation> {
        let node = scene.node();
        let Proposal { ballot, value } = proposal;
        self.acceptors.entry((ballot, value)).or_default().insert(node);
        if self.node(node).is_puppet {
            return Ok(());
        }
        let (first, other) = *self.asked.entry(ballot).or_insert((node, value));
        let several = self.asked.values().any(|(_, known)| *known != value);
        self.reached.mark_if(TWO_VALUES, several);
        if other != value {
            let sentence = format!(
                "{node} asked {to} to accept {value} under ballot {ballot}, but {first} had asked for {other} under that \
                 ballot before. A ballot never carries two values."
            );
            return Err(scene.breaks("one-value-a-ballot", sentence));
        }
        let id = scene.id();
        let member = self.node(node);
        member.asked_last.insert(ballot, id);
        if !member.proposals.contains(&proposal) {
            self.may_ask(scene, proposal)?;
            self.node(node).proposals.push(proposal);
        }
        Ok(())
    }
    /// Whether a proposer had the promises it takes, and their value. It can have used any majority of them, and its own
    /// acceptor's, which nobody else sees.
    fn may_ask(&self, scene: Scene<'_>, proposal: Proposal) -> Result<(), Violation> {
        let node = scene.node();
        let Proposal { ballot, value } = proposal;
        let (n, majority) = (self.nodes.len(), self.majority());
        let member = &self.nodes[&node];
        let Some(promises) = member.prepared.get(&ballot) else { return Ok(()) };
        let others = promises.keys().filter(|other| **other != node).count();
        if others + 1 < majority {
            let by = list(promises.keys().filter(|other| **other != node));
            let by = if others == 0 { "no other node".to_owned() } else { format!("{by} only") };
            let sentence = format!(
                "{node} asked nodes to accept {value} under ballot {ballot}, but it had promises of that ballot from {by}. \
                 With {node} itself that is {} of {n} nodes, which is no majority.",
                others + 1
            );
            return Err(scene.breaks("quorum-of-promises", sentence));
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
                Err(scene.breaks("highest-accepted-value", sentence))
            }
            _ => Ok(()),
        }
    }

    /// A node is handed a message.
    fn heard(&mut self, scene: Scene<'_>, from: NodeId, message: &Message) {
        let (node, id) = (scene.node(), scene.id());
        let member = self.node(node);
        let mut asks = |ballot: Ballot| _ = member.asked_last.insert(ballot, id);
        let (ballot, is_promise) = match message {
            Message::Promise { ballot, .. } => (*ballot, true),
            Message::Accepted(proposal) => (proposal.ballot, false),
            Message::Prepare(ballot) => return asks(*ballot),
            Message::Accept(proposal) => {
                asks(proposal.ballot);
                return member.proposals.push(*proposal);
            }
            _ => return,
        };
        if let Message::Promise { accepted, .. } = message
            && let Some(promises) = member.prepared.get_mut(&ballot)
        {
            promises.entry(from).or_insert(*accepted);
        }
        let is_old = member.prepared.last_key_value().is_some_and(|(last, _)| ballot < *last);
        let again = !member.heard.insert((from, ballot, is_promise));
        // one that never proposes counts nothing
        let stale = (again || is_old) && !member.proposals.is_empty();
        self.reached.mark_if(STALE, stale);
    }

    /// A node announces what is chosen.
    fn decided(&mut self, scene: Scene<'_>, value: Value) -> Result<(), Violation> {
        let (node, at) = (scene.node(), scene.at());
        let proposers = self.nodes.values().filter(|member| !member.prepared.is_empty()).count();
        self.reached.mark_if(CONTESTED, proposers > 1);
        let held = !scene.scenario().faults.is_empty() && self.faults_ended == 0;
        self.reached.mark_if(HELD, held);
        let never_asked = !self.node(node).was_asked;
        self.reached.mark_if(LEARNT, never_asked);
        self.holds(scene, value, "decided")?;
        match self.node(node).decided.replace((at, scene.id())) {
            None => Ok(()),
            Some((before, first)) => {
                let sentence = format!(
                    "{node} emitted twice that {value} is decided: at {before} and at {at}. It had not crashed."
                );
                Err(scene
                    .breaks("decides-once", sentence)
                    .because(first, "decided here")
                    .because(scene.id(), "again"))
            }
        }
    }
    /// A node says, in this way, that a value is chosen. It is, somebody proposed it, and no other one is.
    fn holds(&mut self, scene: Scene<'_>, value: Value, how: &str) -> Result<(), Violation> {
        let (node, at) = (scene.node(), scene.at());
        if !self.proposed.contains(&value) {
            let known: Vec<String> = self.proposed.iter().map(ToString::to_string).collect();
            let asked = if known.is_empty() { "no value".to_owned() } else { known.join(", ") };
            let sentence =
                format!("{node} {how} {value}, but no client had proposed it. Clients had proposed {asked}.");
            return Err(scene.breaks("validity", sentence));
        }
        let (first, other, (since, place)) = *self.decision.get_or_insert((node, value, (at, scene.id())));
        if value != other {
            let sentence = format!(
                "{first} decided {other} at {since}, and {node} {how} {value} at {at}: {}, and {}.",
                self.support(other),
                self.support(value)
            );
            return Err(scene
                .breaks("agreement", sentence)
                .because(place, format!("{first} decides {other}"))
                .because(scene.id(), format!("{node} decides {value}")));
        }
        self.was_chosen(scene, value, how)
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
    /// is the one that decides, and was asked to accept it. A node that is alone asks nobody.
    fn was_chosen(&self, scene: Scene<'_>, value: Value, how: &str) -> Result<(), Violation> {
        let (node, n, majority) = (scene.node(), self.nodes.len(), self.majority());
        let was_asked =
            |ballot: Ballot| self.nodes[&node].proposals.contains(&Proposal { ballot, value }) as usize;
        let support = |((ballot, _), by): (&(Ballot, Value), &BTreeSet<NodeId>)| {
            by.len() + if by.contains(&node) { 0 } else { was_asked(*ballot) }
        };
        let under = || self.acceptors.iter().filter(|((_, known), _)| *known == value);
        if majority == 1 || under().any(|entry| support(entry) >= majority) {
            return Ok(());
        }
        let known: Vec<String> =
            under().map(|((ballot, _), by)| format!("{} under ballot {ballot}", list(by))).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join("; ") };
        let sentence = format!(
            "{node} {how} {value}, but no majority of the {n} nodes can have accepted it under one ballot. Nodes that may \
             have accepted it: {known}."
        );
        Err(scene.breaks("chosen-by-a-majority", sentence))
    }
}

impl Rule<Paxos, Message> for Synod {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Paxos, Message>) -> Result<(), Violation> {
        if self.nodes.is_empty() {
            for spec in &scene.scenario().nodes {
                self.node(spec.id).is_puppet = !matches!(spec.kind, NodeKind::Guest);
            }
        }
        match saw {
            Saw::Started { incarnation } => {
                let member = self.node(scene.node());
                (member.life, member.decided) = (*incarnation, None);
                Ok(())
            }
            Saw::Asked { what: Request::Propose { value }, .. } => {
                self.proposed.insert(*value);
                self.node(scene.node()).was_asked = true;
                Ok(())
            }
            Saw::Sent { to, message: Some(message), .. } => self.said(scene, *to, message),
            Saw::Got { from, message: Some(message) } => {
                self.heard(scene, *from, message);
                Ok(())
            }
            Saw::Emitted(Event::Decided { value }) => self.decided(scene, *value),
            Saw::Told { what: Response::Decided { value }, .. } => {
                self.holds(scene, *value, "told its client that the decision is")
            }
            _ => {
                self.faults_ended += usize::from(matches!(scene.seen.seen, Seen::FaultEnded { .. }));
                Ok(())
            }
        }
    }

    fn end(&mut self, _: &World, reached: &mut Reached) -> Result<(), Violation> {
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
