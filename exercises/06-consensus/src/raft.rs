//! Exercises `raft_election`, `raft_log` and `raft_persist`: one log that every node agrees on.
//!
//! Ongaro and Ousterhout, *In Search of an Understandable Consensus Algorithm*, 2014. Have its Figure 2 beside you: every rule
//! of it has its place below.
//!
//! Write the node [`Raft`], in three steps. Each step is graded by itself:
//!
//! 1. `faultlines grade 6/raft_election`: one leader, and never two leaders in one term. (§5.1, §5.2)
//! 2. `faultlines grade 6/raft_log`: the leader's log becomes the log of every node. (§5.3, §5.4)
//! 3. `faultlines grade 6/raft_persist`: what a node has promised survives its crash. (§5.1, Figure 2 "persistent state")
//!
//! Code that belongs to a later step says so, and its default is good enough until you get there. Try your code with
//! `cargo test raft_election`, `raft_log` and `raft_persist`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::prelude::*;
use lab::raft::{self as contract, Config, Conflict, Entry, Event, Index, Message, Position};
use lab::raft::{Request, Response, Status, Term};
use std::collections::{BTreeMap, BTreeSet};

/// The term and the vote in it, on the disk (step 3).
const BALLOT: Saved<Ballot> = Saved::new("ballot");
/// The log on the disk (step 3). Entry 1 is record 0.
const LOG: Log<Entry> = Log::new("log");

/// The current term, and the node that this node has voted for in it. They belong together: a new term has a new vote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ballot {
    term: Term,
    voted_for: Option<NodeId>,
}

/// The names of this node's timers. Yours to change.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Alarm {
    /// The election timer: no leader has been heard for too long.
    Election,
    /// The heartbeat timer of a leader.
    Heartbeat,
}

/// What a leader knows of one follower's log.
#[derive(Debug, Clone, Copy)]
struct Progress {
    /// The next entry to send there.
    next: Index,
    /// Its log agrees with the leader's up to here: it has acknowledged that to this leader.
    matched: Index,
}

/// A member of a cluster that agrees on a log.
pub struct Raft {
    config: Config,
    me: NodeId,
    /// Survives crashes.
    ballot: Ballot,
    /// Survives crashes. Entry 1 is `log[0]`.
    log: Vec<Entry>,
    /// The commit index: entries up to here are committed.
    commit: Index,
    /// Entries up to here have been applied.
    applied: Index,
    position: Position,
    /// The leader of this term, if known.
    leader: Option<NodeId>,
    /// If this node is a candidate: the nodes that have voted for it.
    votes: BTreeSet<NodeId>,
    /// If this node is the leader: what it knows of each follower.
    followers: BTreeMap<NodeId, Progress>,
    /// Clients that wait for the entry at this index.
    waiting: BTreeMap<Index, RequestId>,
}

impl Node for Raft {
    type Contract = contract::Raft;
    type Message = Message;
    type Timer = Alarm;

    /// Every node starts as a follower that has heard no leader (§5.2).
    ///
    /// Step 3: what does the disk still have of the ballot and of the log? The last record of a log may be torn. The records
    /// before it are whole.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        todo!("a follower in term 0 with an empty log; which timer must run from the start?")
    }

    /// First the rule for all servers: if a message has a higher term, this node becomes a follower in that term. Then the
    /// message itself. Ignore what a message of an earlier term says, but answer it, so that its sender learns the newer term.
    /// (§5.1; Figure 2, "All Servers" and the two "Receiver implementation" lists.)
    ///
    /// This Raft asks for no pre-votes, so it receives no questions or answers about them.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("which term does it have? Then: a request for my vote, a vote, AppendEntries, or an answer to AppendEntries")
    }

    /// The election timer fires: start an election. The heartbeat timer fires: send the next heartbeat. (§5.2; Figure 2,
    /// "Followers" and "Leaders".)
    fn on_timer(&mut self, timer: Alarm, out: &mut Out<Self>) {
        todo!("start an election, or send a heartbeat to all followers")
    }

    /// Step 2. A client proposes a command. The leader appends it to its log and sends it to all followers. The client is
    /// answered when the entry is applied. A node that does not lead names the leader. (§5.3, §8; Figure 2, "Leaders".)
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("is this node the leader? Then it appends; which nodes does it tell, and when is the client answered?")
    }

    fn status(&self) -> Status {
        Status { term: self.ballot.term, position: self.position }
    }
}

/// Step 1: terms, votes, leaders (§5.1, §5.2). Write all of this, and `start`, `on_message` and `on_timer`.
impl Raft {
    /// Restarts the election timer with a new random time. Two nodes that wait equally long would split the votes again and
    /// again (§5.2, end).
    fn expect_a_leader(&self, out: &mut Out<Self>) {
        todo!("set the election timer, with a time that is drawn anew each time")
    }

    /// Becomes a follower in a term that is new here (§5.1; Figure 2, "All Servers").
    fn follow(&mut self, term: Term, out: &mut Out<Self>) {
        todo!("a new term, with no vote in it yet; what if this node was the leader?")
    }

    /// Whether this node votes for a candidate of the current term: only if it has not voted for another node, and if the
    /// candidate's log is at least as up to date as its own (step 2). Granting a vote restarts the election timer. (§5.2;
    /// Figure 2, "RequestVote RPC".)
    fn grants(&mut self, candidate: NodeId, last_index: Index, last_term: Term, out: &mut Out<Self>) -> bool {
        todo!("one vote per term; the same candidate gets the same answer again")
    }

    /// Starts an election: a new term, a vote for itself, and a RequestVote to every peer (§5.2; Figure 2, "Candidates").
    fn stand_for_election(&mut self, out: &mut Out<Self>) {
        todo!("what changes, what is sent to which nodes, and what if no node wins?")
    }

    /// A candidate with the votes of a majority of *all* nodes becomes leader (§5.2; Figure 2, "Candidates"; and "Leaders" for
    /// what it does first).
    fn lead_if_elected(&mut self, out: &mut Out<Self>) {
        todo!("enough votes? Then emit it, and keep the other nodes from starting elections")
    }

    /// More than half of all nodes, whether they are up or not.
    fn majority(&self) -> usize {
        todo!("of 3, of 4, of 5?")
    }

    /// Sends each follower the entries that it lacks, or none, and sets the timer of the next heartbeat (§5.2; Figure 2,
    /// "Leaders").
    fn tell_all(&mut self, out: &mut Out<Self>) {
        todo!("AppendEntries to each peer, and the timer of the next heartbeat")
    }

    /// A message of the leader of this term arrived: a candidate becomes a follower, and the election timer restarts (§5.2;
    /// Figure 2, "Candidates").
    fn hear_leader(&mut self, leader: NodeId, out: &mut Out<Self>) {
        todo!("what is this node now, and which timer restarts?")
    }
}

/// Step 2: the log (§5.3, §5.4). Write all of this, and `on_request`. Some functions have a default that is good enough for
/// step 1, and wrong from now on.
impl Raft {
    fn last_index(&self) -> Index {
        self.log.len() as Index
    }
    fn entry(&self, index: Index) -> Option<&Entry> {
        self.log.get(usize::try_from(index).ok()?.checked_sub(1)?)
    }
    /// The term of an entry; 0 where there is none.
    fn term_at(&self, index: Index) -> Term {
        self.entry(index).map_or(0, |entry| entry.term)
    }

    /// Whether a log that ends like this is at least as up to date as this node's own (§5.4.1). The later last term is more up
    /// to date. If the last terms are equal, the longer log is.
    fn is_up_to_date(&self, last_index: Index, last_term: Term) -> bool {
        true // good enough for step 1: all logs are empty
    }

    /// Sends one follower all entries from its next entry on (§5.3).
    fn send_entries(&mut self, to: NodeId, out: &mut Out<Self>) {
        let (term, prev_index, prev_term, entries, commit) = (self.ballot.term, 0, 0, vec![], 0);
        out.send(to, Message::AppendEntries { term, prev_index, prev_term, entries, commit }); // will do for step 1
    }
    /// Sends each follower the entries that it lacks.
    fn send_news_to_all(&mut self, out: &mut Out<Self>) {
        todo!("the new entry, to each follower")
    }

    /// Appends the leader's entries, if this log has an entry at `prev_index` with term `prev_term` (§5.3). It deletes only
    /// entries that conflict. A late message is about a part of the log, and says nothing about the entries after that part.
    ///
    /// Returns the index up to which this log now agrees with the leader's. If it refuses, it returns where the logs may
    /// differ.
    fn take(
        &mut self,
        prev_index: Index,
        prev_term: Term,
        entries: Vec<Entry>,
        commit: Index,
        out: &mut Out<Self>,
    ) -> Result<Index, Option<Conflict>> {
        Ok(prev_index + entries.len() as Index) // good enough for step 1
    }

    /// A follower has acknowledged the entries up to this index: a majority may store them now. Answers can overtake each
    /// other. (§5.3; Figure 2, "Leaders".)
    fn note_agreement(&mut self, from: NodeId, index: Index, out: &mut Out<Self>) {
        let _ = (from, index, out); // nothing to do in step 1
    }

    /// A follower's log differs at `index`: go back to where the logs may agree, and send from there. With the conflict that
    /// the follower reports, the leader can go back a whole term at once. (§5.3, end.)
    fn step_back(&mut self, from: NodeId, index: Index, conflict: Option<Conflict>, out: &mut Out<Self>) {
        let _ = (from, index, conflict, out); // nothing to do in step 1
    }

    /// Commits the last entry of *this* term that a majority stores, and with it all entries before it. An entry of an earlier
    /// term is never committed just because a majority stores it (§5.4.2, Figure 8).
    fn commit_what_a_majority_has(&mut self, out: &mut Out<Self>) {
        todo!("up to which index do more than half of the logs agree, this one included?")
    }

    /// Applies the committed entries that are not applied yet, in order, and answers the clients that wait for them (§5.3;
    /// Figure 2, "All Servers").
    fn apply(&mut self, out: &mut Out<Self>) {
        todo!("entry after entry, up to the commit index")
    }
}

/// Step 3: what survives a crash (Figure 2, "Persistent state on all servers"). Write this, what `start` reads from the disk,
/// and every place where the log changes: `on_request` and `take`.
impl Raft {
    /// Changes the term or the vote. It must be durable before any other node learns of it: a node that forgets its vote votes
    /// twice.
    fn set_ballot(&mut self, ballot: Ballot, out: &mut Out<Self>) {
        self.ballot = ballot; // good enough for steps 1 and 2: no node crashes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;

    const CONFIG: Config = Config {
        nodes: 3,
        heartbeat: Duration::from_millis(50),
        election_min: Duration::from_millis(150),
        election_max: Duration::from_millis(300),
    };

    fn sent(effects: &[Effect<Raft>]) -> Vec<Message> {
        let message = |effect: &Effect<Raft>| match effect {
            Effect::Send(_, message) | Effect::Broadcast(message) => Some(message.clone()),
            _ => None,
        };
        effects.iter().filter_map(message).collect()
    }
    fn vote(term: Term, granted: bool) -> Message {
        Message::Vote { term, granted, pre_vote: false }
    }
    fn asks(term: Term) -> Message {
        Message::RequestVote { term, last_index: 0, last_term: 0, pre_vote: false }
    }

    #[test]
    fn raft_election_two_of_three_votes_make_a_leader() {
        let mut node = Bench::<Raft>::new(1, 3, CONFIG);
        let asked = sent(&node.timer(Alarm::Election));
        assert!(asked.contains(&asks(1)), "{asked:?}");
        let elected = node.message(2, vote(1, true));
        assert!(elected.iter().any(|effect| matches!(effect, Effect::Emit(Event::Leader { term: 1 }))));
        assert_eq!(node.node.status().position, Position::Leader);
    }
    #[test]
    fn raft_election_one_vote_a_term() {
        let mut node = Bench::<Raft>::new(1, 3, CONFIG);
        assert!(sent(&node.message(2, asks(1))).contains(&vote(1, true)));
        assert!(!sent(&node.message(3, asks(1))).contains(&vote(1, true)), "it has voted for n2");
        assert!(sent(&node.message(3, asks(2))).contains(&vote(2, true)), "a new term, a new vote");
    }
    #[test]
    fn raft_log_a_command_is_done_when_a_majority_has_it() {
        let mut node = Bench::<Raft>::new(1, 3, CONFIG);
        node.timer(Alarm::Election);
        node.message(2, vote(1, true));
        let done = |effects: &[Effect<Raft>]| {
            effects.iter().any(|e| matches!(e, Effect::Emit(Event::Applied { .. })))
        };
        assert!(!done(&node.request(Request::Propose("x".into()))), "only this node has it");
        let answer = Message::Appended { term: 1, success: true, index: 1, conflict: None };
        assert!(done(&node.message(3, answer)));
    }
    #[test]
    fn raft_persist_a_vote_survives_a_crash() {
        let mut node = Bench::<Raft>::new(1, 3, CONFIG);
        node.message(2, asks(1));
        node.crash();
        assert!(!sent(&node.message(3, asks(1))).contains(&vote(1, true)), "it has voted for n2");
    }
}
