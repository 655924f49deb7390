//! Exercise `paxos`: some nodes propose values, one value is chosen, and no node ever learns another one.
//!
//! Lamport, *The Part-Time Parliament*, 1998, and *Paxos Made Simple*, 2001, for the algorithm and the names of its messages.
//!
//! Every node is proposer, acceptor and learner at once. You may assume three things. What is durable survives a crash. No
//! node lies. A majority of the nodes is up most of the time. Do not assume more: messages are lost, duplicated and late, and
//! overtake each other; nodes crash and restart, and stand still.

use crate::{Exercise, Node, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What every node is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// How many nodes there are, this one included. A majority is more than half of them, whether they are up or not. The
    /// others are `boot.peers`.
    pub nodes: u32,
    /// How long to wait for answers before the next attempt. On a clean network, a message and its answer take a fraction of
    /// it.
    pub retry: Duration,
}

/// What is proposed and chosen. No two requests of a run propose the same value.
pub type Value = u64;

/// The number of an attempt to have a value chosen. Ballots are compared by `high`, then by `low`.
///
/// Apart from their order, ballots are the proposer's own choice. But a ballot belongs to one attempt of one node, for ever,
/// and there is always a higher one. A round and the node's id, `(round, me)`, are enough.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ballot {
    /// The round, for example.
    pub high: u64,
    /// What tells ballots of one round apart, such as the node's id.
    pub low: u64,
}
/// Shows as `7.2`.
impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.high, self.low)
    }
}
/// The same.
impl fmt::Debug for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A value under a ballot: what acceptors accept. A ballot never carries two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The attempt.
    pub ballot: Ballot,
    /// Its value.
    pub value: Value,
}

/// What nodes send each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Phase 1, from a proposer: it asks for a promise of this ballot.
    Prepare(Ballot),
    /// An acceptor's promise: from now on it accepts nothing under a lower ballot.
    Promise {
        /// What it promises.
        ballot: Ballot,
        /// Of all proposals that it has ever accepted under lower ballots, the one with the highest ballot.
        accepted: Option<Proposal>,
    },
    /// Phase 2, from a proposer whose ballot a majority has promised: it asks to accept this proposal.
    Accept(Proposal),
    /// An acceptor has accepted this proposal. A proposal that a majority of acceptors has accepted is chosen.
    Accepted(Proposal),
    /// An acceptor refuses a `Prepare` or an `Accept`. It saves the proposer a wait, but no acceptor has to send it.
    Nack {
        /// The ballot that it refuses.
        ballot: Ballot,
        /// The ballot that it has promised, which is higher.
        promised: Ballot,
    },
    /// This value is chosen.
    Decided(Value),
    /// The sender knows the chosen value: no node needs to tell it again.
    Known,
    /// Anything else that your nodes send each other. A node that does not understand it ignores it.
    Extension(Vec<u8>),
}

/// What a client asks of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Have a value chosen: this one, if none is chosen yet. Answer with the value that is chosen.
    Propose {
        /// The client's value.
        value: Value,
    },
}

/// What a node answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// This value is chosen. It may be another one than the client's.
    Decided {
        /// The chosen value, the same for every client.
        value: Value,
    },
}

/// What nodes announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// This node knows the chosen value. Every node emits it as soon as it knows, also a node that no client asked. A node
    /// that has crashed may emit it again.
    Decided {
        /// The chosen value: the same on every node, for ever.
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
