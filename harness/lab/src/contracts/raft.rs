//! Exercises `raft_election`, `raft_log` and `raft_persist`: one log that every node agrees on.
//!
//! Ongaro and Ousterhout, *In Search of an Understandable Consensus Algorithm*, 2014 (the extended version); its Figure 2 has
//! all the rules on one page. One node in three steps: it elects a leader; its leader copies a log; it survives crashes.
//!
//! What you may rely on: a message arrives well within [`Config::election_min`], if it arrives; clocks of different nodes run
//! about equally fast. Only *when* things happen rests on that. *What* happens must be right whatever the network and the
//! clocks do: messages are lost, doubled, late, and overtake each other.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What every node is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// How many nodes there are, this one included. The others are `boot.peers`.
    pub nodes: u32,
    /// A leader that has nothing to say says so this often.
    pub heartbeat: Duration,
    /// Who has heard of no leader for a time drawn anew from `election_min..election_max` stands for election.
    pub election_min: Duration,
    /// See `election_min`.
    pub election_max: Duration,
}

/// The number of a period with at most one leader. The first is 1; 0 is before all of them.
pub type Term = u64;
/// A place in the log. The first entry has index 1; 0 is before all of them.
pub type Index = u64;

/// What a client wants done. Raft does not look into it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Command(pub Vec<u8>);
impl From<&str> for Command {
    fn from(text: &str) -> Self {
        Command(text.as_bytes().to_vec())
    }
}
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl fmt::Display for Command {
    /// Its first 24 bytes, as text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 24;
        let rest = if self.0.len() > SHOWN { "…" } else { "" };
        write!(f, "`{}{rest}`", String::from_utf8_lossy(&self.0[..self.0.len().min(SHOWN)]).escape_debug())
    }
}

/// One entry of the log. Shows as 3:`put x`: its term, and what to do.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// The term of the leader that made it.
    pub term: Term,
    /// What to do; `None` for an entry of the leader's own, which does nothing (§8).
    pub command: Option<Command>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.command {
            Some(command) => write!(f, "{}:{command}", self.term),
            None => write!(f, "{}:nothing", self.term),
        }
    }
}

/// What nodes say to each other: Figure 2. The sender is the candidate, the voter, the leader or the follower.
///
/// A reply does not know its question by itself, as that of a remote procedure call does: so it says what it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// The sender stands for election (§5.2, §5.4.1).
    RequestVote {
        /// The term that it wants to lead.
        term: Term,
        /// The index of its last entry.
        last_index: Index,
        /// The term of its last entry; 0 for an empty log.
        last_term: Term,
        /// It only asks whether it would get the vote; nobody's term or vote changes (Ongaro's thesis, §9.6). You need not
        /// ask this; if you do, `term` is one more than the sender's.
        pre_vote: bool,
    },
    /// The answer. You need not send a refusal.
    Vote {
        /// The sender's term; where a pre-vote is granted, the term that was asked about.
        term: Term,
        /// The sender votes, or would vote, for the receiver in this term.
        granted: bool,
        /// Whether this answers a pre-vote.
        pre_vote: bool,
    },
    /// The sender leads, and this is a part of its log, perhaps an empty one (§5.3).
    AppendEntries {
        /// The leader's term.
        term: Term,
        /// The index of the entry just before `entries`.
        prev_index: Index,
        /// The term of that entry; 0 where there is none.
        prev_term: Term,
        /// What follows it.
        entries: Vec<Entry>,
        /// The leader's commit index.
        commit: Index,
    },
    /// The answer.
    Appended {
        /// The sender's term.
        term: Term,
        /// Whether the sender's log agrees with the leader's up to `index`.
        success: bool,
        /// If so: the index of the last entry that the question spoke of (`prev_index`, where it held no entries). If not:
        /// its `prev_index`.
        index: Index,
        /// Where not, what may help the leader to find where the logs part (end of §5.3). You need not send it, nor use it.
        conflict: Option<Conflict>,
    },
    /// Anything that your Raft says besides; nobody else sends it.
    Extension(Vec<u8>),
}

/// Where a follower's log parts from its leader's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The term of the follower's entry at `prev_index`; `None` if its log is too short to have one.
    pub term: Option<Term>,
    /// The first index of that term in the follower's log; the end of that log plus 1, if it is too short.
    pub index: Index,
}

/// What a client asks of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Put this into the log. A command that is proposed twice may be there twice.
    Propose(Command),
}

/// What a node answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// The command is at this place of the log, on this and every other node, for ever.
    Committed {
        /// The place.
        index: Index,
    },
    /// Ask somebody else. Only if this node has not taken the command, and will not.
    NotLeader {
        /// Who leads, if known.
        leader: Option<NodeId>,
    },
}

/// What nodes announce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The node leads from now on.
    Leader {
        /// In this term.
        term: Term,
    },
    /// The node does what the log says: entry 1 first, then 2, 3, …; committed entries only. A node that has crashed may
    /// begin again with 1, or go on after an entry that it had done; it never leaves one out.
    Applied {
        /// The entry's index.
        index: Index,
        /// Its command.
        command: Option<Command>,
    },
}

/// What a node is at the moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// It hears of a leader, or waits to.
    #[default]
    Follower,
    /// It stands for election.
    Candidate,
    /// It leads.
    Leader,
}

/// What a node shows of its state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its current term.
    pub term: Term,
    /// What it is.
    pub position: Position,
}

role! {
    /// A member of a cluster that agrees on a log.
    Raft as "raft" { Config = Config, Request = Request, Response = Response, Event = Event, Status = Status }
}

/// The exercises, as the harness hosts them: one node is all three.
pub fn exercise<R: Node<Contract = Raft, Message = Message>>() -> Exercise {
    Exercise { name: "raft", roles: vec![Role::node::<R>()] }
}
