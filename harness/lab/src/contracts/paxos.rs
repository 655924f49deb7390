//! Exercise `paxos`: some nodes propose values, one value is chosen, and nobody ever learns another.
//!
//! Lamport, *The Part-Time Parliament*, 1998, and *Paxos Made Simple*, 2001, for the algorithm and the names of its
//! messages.
//!
//! Every node is proposer, acceptor and learner at once. What you may rely on: what is durable survives a crash, a
//! node that is asked to say something about a ballot says the truth, and a majority of the nodes is up most of the time.
//! Messages are lost, doubled and late, and overtake each other; nodes crash and come back, and stand still.

use crate::{Exercise, Node, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What every node is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// How many nodes there are, this one included: a majority is more than half of them, whoever is up. The others
    /// are `boot.peers`.
    pub nodes: u32,
    /// How long to wait for answers before trying again. A message and its answer take a fraction of it on a clean network.
    pub retry: Duration,
}

/// What is proposed and chosen. No two requests of a run propose the same.
pub type Value = u64;

/// The number of an attempt to have a value chosen. Ballots are compared by `high`, then by `low`.
///
/// Everything about them but their order is the proposer's own affair. What must hold: a ballot belongs to one attempt of
/// one node, for ever; and there is always a higher one. A round and the node's id, `(round, me)`, will do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ballot {
    /// Room for a round.
    pub high: u64,
    /// Room for what tells ballots of one round apart, such as a node's id.
    pub low: u64,
}
/// Shows as `7.2`.
impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.high, self.low)
    }
}

/// A value under a ballot: what acceptors accept. A ballot has one value and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The attempt.
    pub ballot: Ballot,
    /// Its value.
    pub value: Value,
}

/// What nodes say to each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Phase 1, from a proposer: promise me this ballot.
    Prepare(Ballot),
    /// An acceptor's yes: it will never again accept anything under a lower ballot.
    Promise {
        /// What it promises.
        ballot: Ballot,
        /// Of all that it ever accepted under lower ballots, the proposal with the highest.
        accepted: Option<Proposal>,
    },
    /// Phase 2, from a proposer that a majority has promised this ballot: accept this.
    Accept(Proposal),
    /// An acceptor's yes: it has accepted this. A proposal that a majority of acceptors has accepted is chosen.
    Accepted(Proposal),
    /// An acceptor's no to a `Prepare` or an `Accept`. To say no spares the proposer a wait; nobody has to.
    Nack {
        /// To this ballot.
        ballot: Ballot,
        /// Because it has promised this one, which is higher.
        promised: Ballot,
    },
    /// This value is chosen.
    Decided(Value),
    /// The sender knows what is chosen: nobody needs to tell it again.
    Known,
    /// Whatever else your nodes have to say to each other. What the paper does not have goes here; a node that does
    /// not understand it ignores it.
    Extension(Vec<u8>),
}

/// What a client asks of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Have a value chosen, this one if none is yet, and say which it is.
    Propose {
        /// What the client would like.
        value: Value,
    },
}

/// What a node answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// This value is chosen, perhaps another than the client's.
    Decided {
        /// The one that everybody gets.
        value: Value,
    },
}

/// What nodes announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// This node knows which value is chosen. Every node emits it as soon as it knows, whether it was asked anything or not;
    /// a node that has crashed may do so again.
    Decided {
        /// The same on every node, for ever.
        value: Value,
    },
}

role! {
    /// A node that is proposer, acceptor and learner at once.
    Paxos as "paxos" { Config = Config, Request = Request, Response = Response, Event = Event }
}

/// The exercise, as the harness hosts it.
pub fn exercise<P: Node<Contract = Paxos, Message = Message>>() -> Exercise {
    Exercise { name: "paxos", roles: vec![Role::node::<P>()] }
}
