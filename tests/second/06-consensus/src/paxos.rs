//! `paxos`, the other way: who is asked passes the wish on to the node with the lowest id, and proposes itself only when
//! nothing comes of that. Acceptors tell everyone what they accept, and every node counts; there is no `Decided` message.
//! Where votes are spread over several ballots, so that who missed some cannot count a majority, another ballot brings them
//! together. A ballot is one number: a node's ballots are those with its remainder modulo n.

use lab::paxos::{Ballot, Config, Event, Message, Paxos as Contract, Proposal, Request, Response, Value};
use lab::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The last ballot of this node: written before it is used.
const ISSUED: Saved<u64> = Saved::new("issued");
const PROMISED: Saved<Ballot> = Saved::new("promised");
const VOTE: Saved<Proposal> = Saved::new("vote");

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Alarm {
    /// The one it was passed on to has not done anything.
    FallBack,
    /// Nor has this node's own ballot.
    NextBallot,
    /// Somebody may have missed a vote.
    RepeatVote,
}

/// What an `Extension` says.
const WISH: u8 = 1;
const GOT_IT: u8 = 2;

#[derive(Default)]
struct Proposer {
    wish: Option<Value>,
    issued: u64,
    /// Whether it is proposing itself, not waiting for another.
    active: bool,
    promises: Vec<(NodeId, Option<Proposal>)>,
    in_phase_two: bool,
    failures: u32,
}
#[derive(Default)]
struct Acceptor {
    promised: Ballot,
    vote: Option<Proposal>,
}
#[derive(Default)]
struct Learner {
    votes: BTreeMap<Ballot, BTreeSet<NodeId>>,
    decided: Option<Value>,
    informed: BTreeSet<NodeId>,
    repeats: u32,
    waiting: Vec<RequestId>,
}

pub struct Paxos {
    config: Config,
    everyone: Vec<NodeId>,
    proposer: Proposer,
    acceptor: Acceptor,
    learner: Learner,
}

impl Paxos {
    fn quorum(&self) -> usize {
        self.config.nodes as usize / 2 + 1
    }
    fn lowest(&self) -> NodeId {
        self.everyone[0]
    }

    fn want(&mut self, value: Value, out: &mut Out<Self>) {
        self.proposer.wish.get_or_insert(value);
        if self.learner.decided.is_some() || self.proposer.active {
            return;
        }
        if self.lowest() == out.me() {
            self.next_ballot(out);
        } else {
            out.send(self.lowest(), Message::Extension([&[WISH], &value.to_le_bytes()[..]].concat()));
            out.set_timer(self.config.retry, Alarm::FallBack);
        }
    }

    fn next_ballot(&mut self, out: &mut Out<Self>) {
        let n = u64::from(self.config.nodes);
        let place = self.everyone.iter().position(|node| *node == out.me()).unwrap_or(0) as u64;
        let above = self.proposer.issued.max(self.acceptor.promised.high);
        let proposer = &mut self.proposer;
        proposer.issued = (above / n + 1) * n + place;
        (proposer.active, proposer.in_phase_two) = (true, false);
        proposer.promises.clear();
        out.save(ISSUED, &proposer.issued);
        out.sync();
        let longest = self.config.retry * (1 << proposer.failures.min(2));
        proposer.failures += 1;
        out.set_timer(self.config.retry / 2 + out.random(Duration::ZERO..longest), Alarm::NextBallot);
        let ballot = Ballot { high: proposer.issued, low: 0 };
        // its own acceptor is asked like any other, but not by post
        self.prepared(out.me(), ballot, out);
        out.broadcast(Message::Prepare(ballot));
    }

    fn prepared(&mut self, from: NodeId, ballot: Ballot, out: &mut Out<Self>) {
        let promised = self.acceptor.promised;
        if ballot < promised {
            return out.send(from, Message::Nack { ballot, promised });
        }
        if ballot > promised {
            self.acceptor.promised = ballot;
            out.save(PROMISED, &ballot);
            out.sync();
        }
        let accepted = self.acceptor.vote;
        if from == out.me() {
            self.promised(from, ballot, accepted, out);
        } else {
            out.send(from, Message::Promise { ballot, accepted });
        }
    }
    fn promised(&mut self, from: NodeId, ballot: Ballot, accepted: Option<Proposal>, out: &mut Out<Self>) {
        let quorum = self.quorum();
        let proposer = &mut self.proposer;
        let current = proposer.active && ballot == (Ballot { high: proposer.issued, low: 0 });
        if !current || proposer.in_phase_two || proposer.promises.iter().any(|(node, _)| *node == from) {
            return;
        }
        proposer.promises.push((from, accepted));
        if proposer.promises.len() < quorum {
            return;
        }
        let votes = proposer.promises.iter().filter_map(|(_, vote)| *vote);
        let bound = votes.reduce(|a, b| if a.ballot > b.ballot { a } else { b });
        let Some(value) = bound.map(|vote| vote.value).or(proposer.wish) else { return };
        proposer.in_phase_two = true;
        let proposal = Proposal { ballot, value };
        out.broadcast(Message::Accept(proposal));
        self.vote(out.me(), proposal, out);
    }

    fn vote(&mut self, from: NodeId, proposal: Proposal, out: &mut Out<Self>) {
        let (ballot, promised) = (proposal.ballot, self.acceptor.promised);
        if ballot < promised {
            return out.send(from, Message::Nack { ballot, promised });
        }
        self.acceptor = Acceptor { promised: ballot, vote: Some(proposal) };
        out.atomic(|all| {
            all.save(PROMISED, &ballot);
            all.save(VOTE, &proposal);
        });
        out.sync();
        out.broadcast(Message::Accepted(proposal));
        self.repeat_later(out);
        self.count(out.me(), proposal, out);
    }

    /// Whether the vote is new.
    fn count(&mut self, from: NodeId, proposal: Proposal, out: &mut Out<Self>) -> bool {
        let votes = self.learner.votes.entry(proposal.ballot).or_default();
        let new = votes.insert(from);
        let enough = votes.len() >= self.quorum();
        if enough && self.learner.decided.is_none() {
            let value = proposal.value;
            self.learner.decided = Some(value);
            self.proposer.active = false;
            out.cancel_timer(Alarm::NextBallot);
            out.cancel_timer(Alarm::FallBack);
            out.emit(Event::Decided { value });
            for id in std::mem::take(&mut self.learner.waiting) {
                out.reply(id, Response::Decided { value });
            }
            out.broadcast(Message::Extension(vec![GOT_IT]));
            self.repeat_later(out);
        }
        new
    }

    fn repeat_later(&self, out: &mut Out<Self>) {
        out.set_timer(
            self.config.retry / 2 + out.random(Duration::ZERO..self.config.retry),
            Alarm::RepeatVote,
        );
    }
    /// To all who have not said that they can count a majority.
    fn repeat_vote(&mut self, out: &mut Out<Self>) {
        if let Some(vote) = self.acceptor.vote {
            self.count(out.me(), vote, out); // after a crash it is to be counted anew
        }
        let uninformed = |node: &NodeId| !self.learner.informed.contains(node);
        let others: Vec<NodeId> = out.peers().filter(uninformed).collect();
        if others.is_empty() {
            return;
        }
        if let Some(vote) = self.acceptor.vote {
            others.iter().for_each(|node| out.send(*node, Message::Accepted(vote)));
        }
        self.learner.repeats += 1;
        let spread = self.learner.decided.is_some() && self.learner.repeats.is_multiple_of(2);
        if spread && self.proposer.wish.is_some() {
            self.next_ballot(out);
        }
        self.repeat_later(out);
    }

    fn extension(&mut self, from: NodeId, bytes: &[u8], out: &mut Out<Self>) {
        match bytes {
            [GOT_IT] => {
                self.learner.informed.insert(from);
            }
            [WISH, value @ ..] => {
                if let Ok(value) = value.try_into() {
                    self.want(Value::from_le_bytes(value), out);
                }
            }
            _ => {}
        }
    }
}

impl Node for Paxos {
    type Contract = Contract;
    type Message = Message;
    type Timer = Alarm;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let Boot { me, mut peers, config, disk } = boot;
        peers.push(me);
        peers.sort_unstable();
        let vote = disk.load(VOTE);
        if vote.is_some() {
            out.set_timer(config.retry, Alarm::RepeatVote);
        }
        Paxos {
            config,
            everyone: peers,
            proposer: Proposer { issued: disk.load(ISSUED).unwrap_or(0), ..Proposer::default() },
            acceptor: Acceptor { promised: disk.load(PROMISED).unwrap_or_default(), vote },
            learner: Learner::default(),
        }
    }

    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        let Request::Propose { value } = request;
        match self.learner.decided {
            Some(value) => out.reply(id, Response::Decided { value }),
            None => {
                self.learner.waiting.push(id);
                self.want(value, out);
            }
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::Prepare(ballot) => self.prepared(from, ballot, out),
            Message::Promise { ballot, accepted } => self.promised(from, ballot, accepted, out),
            Message::Accept(proposal) => self.vote(from, proposal, out),
            Message::Accepted(proposal) => {
                let again = !self.count(from, proposal, out);
                if again && self.learner.decided.is_some() {
                    out.send(from, Message::Extension(vec![GOT_IT]));
                }
            }
            Message::Nack { promised, .. } => {
                self.proposer.issued = self.proposer.issued.max(promised.high);
            }
            Message::Decided(_) | Message::Known => {}
            Message::Extension(bytes) => self.extension(from, &bytes, out),
        }
    }

    fn on_timer(&mut self, timer: Alarm, out: &mut Out<Self>) {
        match timer {
            Alarm::FallBack | Alarm::NextBallot if self.learner.decided.is_none() => self.next_ballot(out),
            Alarm::FallBack | Alarm::NextBallot => {}
            Alarm::RepeatVote => self.repeat_vote(out),
        }
    }
}
