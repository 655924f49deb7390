//! Exercises `raft_election`, `raft_log` and `raft_persist`: one log that every node agrees on.
//!
//! Ongaro and Ousterhout, *In Search of an Understandable Consensus Algorithm*, 2014. Have its Figure 2 beside you: every rule
//! of it has its place below.
//!
//! One thing to write, the node [`Raft`], in three steps that are graded one by one:
//!
//! 1. `faultlines grade 6/raft_election`: a leader, and never two in one term. (§5.1, §5.2)
//! 2. `faultlines grade 6/raft_log`: the leader's log becomes everyone's. (§5.3, §5.4)
//! 3. `faultlines grade 6/raft_persist`: a crash takes nothing back that somebody was told. (§5.1, Figure 2 "persistent state")
//!
//! What belongs to a later step says so; until you get there, what it has will do. Try yourself with `cargo test raft_election`,
//! `raft_log` and `raft_persist`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::prelude::*;
use lab::raft::{self as contract, Config, Conflict, Entry, Event, Index, Message, Position};
use lab::raft::{Request, Response, Status, Term};
use std::collections::{BTreeMap, BTreeSet};

/// The term, and the vote in it, on disk (step 3).
const BALLOT: Saved<Ballot> = Saved::new("ballot");
/// The log on disk: entry 1 is its record 0 (step 3).
const LOG: Log<Entry> = Log::new("log");

/// The current term, and for whom this node votes in it. They change together: a new term is a new vote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ballot {
    term: Term,
    voted_for: Option<NodeId>,
}

/// The names of alarms. Yours to change.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Alarm {
    /// No leader was heard of for too long.
    Election,
    /// A leader has been silent for long enough.
    Heartbeat,
}

/// What a leader knows of one follower's log.
#[derive(Debug, Clone, Copy)]
struct Progress {
    /// The next entry to send there.
    next: Index,
    /// Its log agrees with the leader's so far: for certain, because it said so to this leader.
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
    /// Entries up to here are the same everywhere, for ever.
    commit: Index,
    /// Entries up to here have been done.
    applied: Index,
    position: Position,
    /// Who leads this term, if known.
    leader: Option<NodeId>,
    /// Of a candidate: who votes for it.
    votes: BTreeSet<NodeId>,
    /// Of a leader: what it knows of the others.
    followers: BTreeMap<NodeId, Progress>,
    /// Clients that wait for what was put there.
    waiting: BTreeMap<Index, RequestId>,
}

impl Node for Raft {
    type Contract = contract::Raft;
    type Message = Message;
    type Timer = Alarm;

    /// Everyone starts as a follower that has heard of no leader (§5.2).
    ///
    /// Step 3: what the disk still has of the ballot and the log. A log's last record may be torn; what is before it is whole.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        todo!("a follower in term 0 with an empty log; when does it stop to wait for a leader?")
    }

    /// First the rule for all servers: a higher term than mine, in whatever message, makes me a follower of that term. Then what
    /// the message itself is about; of an earlier term it is about nothing any more. (§5.1; Figure 2, "All Servers" and the two
    /// "Receiver implementation" lists.)
    ///
    /// This Raft asks for no pre-votes and so gets no question and no answer about them.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("which term does it bear? Then: a question for my vote, a vote, news of the leader, or an answer to mine")
    }

    /// Nobody has been heard of for too long: stand for election. Or this node leads, and it is time to say so. (§5.2; Figure 2,
    /// "Followers" and "Leaders".)
    fn on_timer(&mut self, timer: Alarm, out: &mut Out<Self>) {
        todo!("stand for election, or tell all followers that you are still there")
    }

    /// Step 2. A client proposes: a leader puts it at the end of its log and sends it to all; the client hears of it when it is
    /// committed. Anyone else says who leads. (§5.3, §8; Figure 2, "Leaders".)
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("does this node lead? Then its log grows; whom does it tell, and when is the client answered?")
    }

    fn status(&self) -> Status {
        Status { term: self.ballot.term, position: self.position }
    }
}

/// Step 1: terms, votes, leaders (§5.1, §5.2). All of this, `start`, `on_message` and `on_timer`.
impl Raft {
    /// Begins to wait for a leader, for a random time: two that wait equally long would stand against each other again and again (§5.2,
    /// end).
    fn expect_a_leader(&self, out: &mut Out<Self>) {
        todo!("an alarm, after a time drawn anew each time")
    }

    /// Becomes a follower in a term that is new here (§5.1; Figure 2, "All Servers").
    fn follow(&mut self, term: Term, out: &mut Out<Self>) {
        todo!("a new term, no vote in it yet; what if this node was leading?")
    }

    /// Whether this node votes for a candidate of the current term: only if it has not voted for another, and if the candidate's
    /// log is at least as good as its own (step 2). A vote given is time given: wait anew. (§5.2; Figure 2, "RequestVote RPC".)
    fn grants(&mut self, candidate: NodeId, last_index: Index, last_term: Term, out: &mut Out<Self>) -> bool {
        todo!("one vote a term; who asks again gets the same answer")
    }

    /// A new term, a vote for oneself, and a question to everyone (§5.2; Figure 2, "Candidates").
    fn stand_for_election(&mut self, out: &mut Out<Self>) {
        todo!("what changes, what is asked of whom, and what if nobody wins?")
    }

    /// A candidate with the votes of a majority of *all* nodes leads (§5.2; Figure 2, "Candidates"; and "Leaders" for what it does
    /// first).
    fn lead_if_elected(&mut self, out: &mut Out<Self>) {
        todo!("enough votes? Then say so, and let nobody else stand")
    }

    /// More than half of all nodes, whether they are up or not.
    fn majority(&self) -> usize {
        todo!("of 3, of 4, of 5?")
    }

    /// Sends everyone what it lacks, or an empty message, and sees that this happens again in time (§5.2; Figure 2, "Leaders").
    fn tell_all(&mut self, out: &mut Out<Self>) {
        todo!("an AppendEntries to each peer, and the next heartbeat")
    }

    /// The leader of this term was heard: whoever stood against it gives up, and waits anew (§5.2; Figure 2, "Candidates").
    fn hear_leader(&mut self, leader: NodeId, out: &mut Out<Self>) {
        todo!("what is this node now, and until when?")
    }
}

/// Step 2: the log (§5.3, §5.4). All of this and `on_request`. Some of it holds what was good enough for step 1, and none of that is
/// good enough any more.
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

    /// Whether a log that ends like this is at least as up to date as mine (§5.4.1): the later last term wins; at equal last
    /// terms, the longer log.
    fn is_up_to_date(&self, last_index: Index, last_term: Term) -> bool {
        true // good enough for step 1: all logs are empty
    }

    /// Sends one follower everything from its next entry on (§5.3).
    fn send_entries(&mut self, to: NodeId, out: &mut Out<Self>) {
        let (term, prev_index, prev_term, entries, commit) = (self.ballot.term, 0, 0, vec![], 0);
        out.send(to, Message::AppendEntries { term, prev_index, prev_term, entries, commit }); // will do for step 1
    }
    /// Tells those who lack something.
    fn send_news_to_all(&mut self, out: &mut Out<Self>) {
        todo!("the new entry, to everyone")
    }

    /// Takes what the leader sends, if my log has its `prev_index` with its `prev_term` (§5.3). Only what really differs is thrown
    /// away: an old message that comes late speaks of a part of the log, and says nothing about what follows it.
    ///
    /// Returns the index up to which this log now agrees with the leader's; or else, where it might look for the place where they
    /// part.
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

    /// A follower's log agrees with mine up to there: perhaps a majority does now. Answers overtake each other. (§5.3; Figure 2,
    /// "Leaders".)
    fn note_agreement(&mut self, from: NodeId, index: Index, out: &mut Out<Self>) {
        let _ = (from, index, out); // nothing to do in step 1
    }

    /// A follower has no entry like mine at `index`: go back to where the logs may agree, and send from there. Nobody has all day:
    /// what the follower says of its log takes us over a whole term at once. (§5.3, end.)
    fn step_back(&mut self, from: NodeId, index: Index, conflict: Option<Conflict>, out: &mut Out<Self>) {
        let _ = (from, index, conflict, out); // nothing to do in step 1
    }

    /// Commits the last entry of *this* term that a majority has, and with it all before it. An entry of an earlier term is never
    /// committed because there are many copies of it (§5.4.2, Figure 8).
    fn commit_what_a_majority_has(&mut self, out: &mut Out<Self>) {
        todo!("up to where do more than half of the logs agree, this one included?")
    }

    /// Does what is committed and not done yet, in order; and answers who asked for it (§5.3; Figure 2, "All Servers").
    fn apply(&mut self, out: &mut Out<Self>) {
        todo!("entry after entry, up to the commit index")
    }
}

/// Step 3: what survives a crash (Figure 2, "Persistent state on all servers"). This, what `start` finds on the disk, and every
/// place where the log changes: `on_request` and `take`.
impl Raft {
    /// Changes term or vote. Nobody may learn of it before the disk has it: whoever forgets a vote votes again.
    fn set_ballot(&mut self, ballot: Ballot, out: &mut Out<Self>) {
        self.ballot = ballot; // good enough for steps 1 and 2: nobody crashes
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
