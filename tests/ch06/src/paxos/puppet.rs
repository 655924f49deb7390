//! Nodes that the suite plays: acceptors that say nothing but the truth, and say it when, and as often as, the suite
//! likes.

use lab::paxos::{Ballot, Message, Proposal};
use lab::prelude::*;
use lab::{Contract, Role};
use world::NodeSpec;

/// What a puppet does in a world.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Part {
    /// What it says by itself: when, to whom, what.
    pub(super) lines: Vec<(Duration, NodeId, Message)>,
    /// How it answers; without, it answers nobody.
    pub(super) acceptor: Option<Acceptor>,
}
/// An acceptor, and its habits.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Acceptor {
    /// What it had promised before the world began.
    pub(super) promised: Ballot,
    /// What it had accepted.
    pub(super) accepted: Option<Proposal>,
    /// How it answers a `Prepare`.
    pub(super) promises: Answers,
    /// How it answers an `Accept`.
    pub(super) votes: Answers,
}
/// Which ballots are answered, and how. Others never reach it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Answers {
    /// From this one to that, as it hears of them: the first is 0.
    pub(super) ballots: (u32, u32),
    /// So many copies of each answer.
    pub(super) copies: u32,
    /// The first leaves so long after the question.
    pub(super) after: Duration,
    /// And then one every so often.
    pub(super) every: Duration,
}
impl Answers {
    /// Each question once, at once.
    pub(super) const PROMPT: Answers =
        Answers { ballots: (0, u32::MAX), copies: 1, after: Duration::ZERO, every: Duration::ZERO };
    /// None.
    pub(super) const NONE: Answers = Answers { copies: 0, ..Answers::PROMPT };
}
impl Acceptor {
    /// One that answers everything at once.
    pub(super) fn prompt() -> Acceptor {
        Acceptor { promises: Answers::PROMPT, votes: Answers::PROMPT, ..Acceptor::default() }
    }
}

/// The puppet of this name, with this part.
pub(super) fn puppet(id: NodeId, part: &Part) -> NodeSpec {
    NodeSpec::puppet::<Stage>(id, part, Role::node::<Puppet>)
}

/// What the suite asks of a puppet.
enum Stage {}
impl Contract for Stage {
    const ROLE: &'static str = "paxos/puppet";
    type Config = Part;
    type Request = Nothing;
    type Response = Nothing;
    type Event = Nothing;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}

struct Puppet {
    acceptor: Option<Acceptor>,
    /// The ballots that it was asked to promise, and to accept under, in the order in which it heard of them.
    prepared: Vec<Ballot>,
    proposed: Vec<Ballot>,
    said: u32,
}

impl Node for Puppet {
    type Contract = Stage;
    type Message = Message;
    /// What to say, to whom, and which of all its words it is.
    type Timer = (u32, NodeId, Message);

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let Part { lines, acceptor } = boot.config;
        let mut puppet = Puppet { acceptor, prepared: Vec::new(), proposed: Vec::new(), said: 0 };
        for (at, to, message) in lines {
            puppet.say_later(at, to, message, out);
        }
        puppet
    }
    fn on_timer(&mut self, (_, to, message): Self::Timer, out: &mut Out<Self>) {
        out.send(to, message);
    }
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        let Some(acceptor) = &mut self.acceptor else { return };
        let (ballot, known, answers) = match &message {
            Message::Prepare(ballot) => (*ballot, &mut self.prepared, acceptor.promises),
            Message::Accept(proposal) => (proposal.ballot, &mut self.proposed, acceptor.votes),
            _ => return,
        };
        let turn = known.iter().position(|other| *other == ballot).unwrap_or_else(|| {
            known.push(ballot);
            known.len() - 1
        }) as u32;
        if answers.copies == 0 || turn < answers.ballots.0 || turn > answers.ballots.1 {
            return;
        }
        let promised = acceptor.promised;
        if ballot < promised {
            return out.send(from, Message::Nack { ballot, promised });
        }
        acceptor.promised = ballot;
        let answer = match message {
            Message::Accept(proposal) => {
                acceptor.accepted = Some(proposal);
                Message::Accepted(proposal)
            }
            _ => Message::Promise { ballot, accepted: acceptor.accepted },
        };
        for copy in 0..answers.copies {
            self.say_later(answers.after + answers.every * copy, from, answer.clone(), out);
        }
    }
}
impl Puppet {
    fn say_later(&mut self, after: Duration, to: NodeId, message: Message, out: &mut Out<Self>) {
        self.said += 1;
        out.set_timer(after, (self.said, to, message));
    }
}
