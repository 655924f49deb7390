//! Exercises `raft_election`, `raft_log` and `raft_persist`: one log that every node agrees on.
//!
//! Ongaro and Ousterhout, *In Search of an Understandable Consensus Algorithm*, 2014 (the extended version). Its Figure 2 has
//! all the rules on one page. One node in three steps: it elects a leader, its leader copies a log, and it survives crashes.
//!
//! Checks that ask for something in time assume two things. A message that arrives takes much less than
//! [`Config::election_min`], and timers of different nodes run about equally fast. Safety checks make no timing assumptions:
//! messages are lost, duplicated, late, and overtake each other.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What every node is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// How many nodes there are, this one included. The others are `boot.peers`.
    pub nodes: u32,
    /// How often a leader without new entries sends an empty AppendEntries.
    pub heartbeat: Duration,
    /// The shortest election timeout. A node that hears no leader for a timeout starts an election. Each timeout is drawn anew
    /// from `election_min..election_max`.
    pub election_min: Duration,
    /// The end of the range of election timeouts. See `election_min`.
    pub election_max: Duration,
}

/// The number of a period with at most one leader. The first term is 1; 0 is before all terms.
pub type Term = u64;
/// A place in the log. The first entry has index 1; 0 is before all entries.
pub type Index = u64;

/// What a client wants to be applied. Raft does not look into it.
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

/// One entry of the log. It shows as 3:`put x`: its term and its command.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// The term of the leader that made it.
    pub term: Term,
    /// The command; `None` for an entry of the leader's own, which does nothing (§8).
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

/// What nodes send each other: Figure 2. The sender is the candidate, the voter, the leader or the follower.
///
/// In a remote procedure call the caller knows which question an answer belongs to. Here an answer is a message of its own, so
/// it says what it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// The sender starts an election (§5.2, §5.4.1).
    RequestVote {
        /// The term that it wants to lead.
        term: Term,
        /// The index of its last entry.
        last_index: Index,
        /// The term of its last entry; 0 for an empty log.
        last_term: Term,
        /// The sender only asks whether it would get the vote. No node's term or vote changes (Ongaro's thesis, §9.6). This is
        /// optional. If you use it, `term` is one more than the sender's.
        pre_vote: bool,
    },
    /// The answer to `RequestVote`. To send a refusal is optional.
    Vote {
        /// The sender's term. If a pre-vote is granted, the term that was asked about.
        term: Term,
        /// Whether the sender votes, or would vote, for the receiver in this term.
        granted: bool,
        /// Whether this answers a pre-vote.
        pre_vote: bool,
    },
    /// The sender is the leader. This is a part of its log, perhaps an empty one (§5.3).
    AppendEntries {
        /// The leader's term.
        term: Term,
        /// The index of the entry just before `entries`.
        prev_index: Index,
        /// The term of that entry; 0 if there is none.
        prev_term: Term,
        /// The entries that follow it.
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
        /// On success: the index of the last entry that the question was about (`prev_index`, if it had no entries). On a
        /// refusal: the question's `prev_index`.
        index: Index,
        /// On a refusal, what helps the leader to find where the logs differ (end of §5.3). It is optional for every check but
        /// `fast-backup`, which a leader does not pass by going back one entry at a time.
        conflict: Option<Conflict>,
    },
    /// Anything else that your nodes send each other. The peers that the harness plays never send it.
    Extension(Vec<u8>),
}

/// Where a follower's log differs from its leader's.
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
    /// Append this command to the log. A command that is proposed twice may be there twice.
    Propose(Command),
}

/// What a node answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// The command is committed at this index, on this and every other node, for ever.
    Committed {
        /// The place.
        index: Index,
    },
    /// This node is not the leader: it has not appended the command, and never will.
    NotLeader {
        /// The leader, if known.
        leader: Option<NodeId>,
    },
}

/// What nodes announce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The node becomes leader.
    Leader {
        /// In this term.
        term: Term,
    },
    /// The node applies a committed entry: entry 1 first, then 2, 3, …. A node that has crashed may begin again with entry 1,
    /// or go on after an entry that it had applied. It never leaves an entry out.
    Applied {
        /// The entry's index.
        index: Index,
        /// Its command.
        command: Option<Command>,
    },
}

/// What a node is at present.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Position {
    /// It follows a leader, or waits for one.
    #[default]
    Follower,
    /// It has started an election.
    Candidate,
    /// It is the leader of its term.
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
