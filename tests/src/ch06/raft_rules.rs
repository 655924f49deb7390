//! The rules of Raft, as a world shows them.
//!
//! They judge messages, announcements and answers, never how a node came to them: every one of them follows from the paper's
//! Figure 2 and Figure 3 for any design that speaks the contract's messages.

use judge::{Case, Oracle, Reached, Violation};
use lab::raft::{Command, Entry, Event, Index, Message, Position, Raft, Request, Response, Status, Term};
use lab::{NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{Cause, NodeKind, Observation, ObservationId, Scenario, Seen, Time, World};

/// What must have come true by some time. A world with goals is over when all of them have come true.
#[derive(Debug, Clone)]
pub(super) enum Goal {
    /// At some moment since: one of these leads, and the others of them are in its term.
    Led { since: Duration, by: Duration, among: Vec<NodeId> },
    /// So many times somebody began to lead, never longer than this after the one before: that one is cut off each time.
    Followed { times: usize, within: Duration },
    /// Nobody began to lead since.
    Calm { since: Duration, by: Duration },
    /// Each of these has done each of these commands.
    Done { by: Duration, on: Vec<NodeId>, commands: Vec<Command> },
    /// The node has sent this kind of message so often since.
    Said {
        since: Duration,
        by: Duration,
        node: NodeId,
        times: usize,
        what: fn(&Message) -> bool,
        or: &'static str,
    },
    /// Nobody has sent this kind of message.
    Unsaid { since: Duration, by: Duration, node: NodeId, what: fn(&Message) -> bool, or: &'static str },
    /// The node never stands so soon after it has voted for another.
    Waits { by: Duration, node: NodeId, at_least: Duration },
    /// So many messages at most.
    Few { since: Duration, by: Duration, messages: u64, bytes: u64, about: &'static str },
}

/// A case of Raft: the rules, and goals besides.
pub(super) fn case(scenario: Scenario, goals: Vec<Goal>) -> Case {
    judged(scenario, goals, true)
}
/// A case that is about its goals only: what breaks a rule there breaks it in the checks that are about rules, too.
pub(super) fn goals_only(scenario: Scenario, goals: Vec<Goal>) -> Case {
    judged(scenario, goals, false)
}
fn judged(scenario: Scenario, goals: Vec<Goal>, rules: bool) -> Case {
    let guests: BTreeSet<NodeId> = scenario
        .nodes
        .iter()
        .filter(|spec| matches!(spec.kind, NodeKind::Guest))
        .map(|spec| spec.id)
        .collect();
    let n = scenario.nodes.len();
    // Goals tell when a world is over only where nothing else is to be seen in it: it is about them alone, or nothing goes
    // wrong any more. What a script still has to say, and faults that are to come, can break a rule.
    let all_play = scenario.nodes.len() == BTreeSet::len(&guests);
    let over_from = match scenario.calm {
        _ if goals.is_empty() => None,
        _ if !rules => Some(Time::ZERO),
        Some((calm, _)) if all_play => Some(Time::ZERO + calm),
        _ => None,
    };
    let mut watch = Watch { n, guests, goals, rules, over_from, ..Watch::default() };
    watch.note_deadline();
    Case::new(scenario, watch)
}

// conditions that some world must reach

pub(super) const LED: &str = "somebody led";
pub(super) const CLASHED: &str = "two stood in one term";
pub(super) const DID: &str = "a command was done";
pub(super) const PROMISED: &str = "a client heard that its command is committed";
pub(super) const DEPOSED: &str = "somebody led after another";
pub(super) const OVERWRITTEN: &str = "an entry gave way to another";
pub(super) const RESTARTED: &str = "a node that had voted or taken entries came back";

/// Follows one world.
#[derive(Default)]
struct Watch {
    n: usize,
    /// Whether rules are judged, or goals alone.
    rules: bool,
    guests: BTreeSet<NodeId>,
    /// Those that have not come true.
    goals: Vec<Goal>,
    /// From when on the world is over when all of them have come true, if that ends it.
    over_from: Option<Time>,
    now: Time,
    /// The first of them must have, by then.
    deadline: Option<Time>,
    reached: Reached,
    members: BTreeMap<NodeId, Member>,
    /// Who leads a term, and since when.
    leaders: BTreeMap<Term, (NodeId, Time)>,
    /// Where it said so.
    began: BTreeMap<Term, ObservationId>,
    /// For whom a node has voted in a term.
    votes: BTreeMap<(NodeId, Term), (NodeId, ObservationId)>,
    /// Entries that were sent, by index and term: the command, and the term before.
    entries: BTreeMap<(Index, Term), (Option<Command>, Term)>,
    asked: BTreeSet<Command>,
    requests: BTreeMap<RequestId, Command>,
    /// What was done at each place, by whom first, and the highest term that anyone led then.
    done: BTreeMap<Index, Done>,
    /// Commands that clients were told to be at a place.
    promised: BTreeMap<Index, (NodeId, Command)>,
    /// Messages that were sent: when, by whom, how long.
    sent: Vec<(Time, NodeId, usize)>,
    /// What `Goal::Said`, `Goal::Unsaid` and `Goal::Waits` ask about.
    said: Vec<(Time, NodeId, Message, ObservationId)>,
    /// A node that was told of a term, and must have followed when its next event comes.
    told: BTreeMap<NodeId, Told>,
    /// The last entries that a node was handed, and that it may answer.
    handed: BTreeMap<NodeId, Handed>,
}
/// Entries that a node was handed: where, of which term, and after which index up to which.
#[derive(Clone, Copy)]
struct Handed {
    at: ObservationId,
    term: Term,
    prev_index: Index,
    last: Index,
}
struct Done {
    node: NodeId,
    at: ObservationId,
    command: Option<Command>,
    term: Term,
}
/// Why a node must be a follower now, and of which term at least.
struct Told {
    term: Term,
    from: NodeId,
    what: &'static str,
}
/// What is known of one node.
#[derive(Default)]
struct Member {
    status: Status,
    /// The highest term that it bore in a message.
    term: Term,
    /// Which message said so first.
    term_told: Option<ObservationId>,
    /// What it has done in this life.
    applied: Index,
    /// What it has done in any.
    done_up_to: Index,
    /// Whose votes have arrived, by term.
    votes: BTreeMap<Term, BTreeSet<NodeId>>,
    /// Who asked for its vote in which term.
    asked_by: BTreeSet<(NodeId, Term)>,
    /// Acknowledgements that have arrived: by term and follower, up to where.
    acks: BTreeMap<(Term, NodeId), Index>,
    /// The first entry of its own in a term that it sent.
    own_first: BTreeMap<Term, Index>,
    /// The highest commit index that it was told of.
    told_commit: Index,
    /// By term: how far the leader's messages reached, and the highest commit index in them.
    heard: BTreeMap<Term, (Index, Index)>,
    down: bool,
    done: BTreeMap<Command, (Time, ObservationId)>,
    /// By term: the highest index that it has acknowledged in this life, and where.
    acknowledged: BTreeMap<Term, (Index, ObservationId)>,
    /// The same, of its lives before.
    acknowledged_before: BTreeMap<Term, (Index, ObservationId)>,
    /// Where it refused what follows entries that it had acknowledged to this leader before a crash: that explains why it lags.
    forgot: Option<Forgot>,
}
/// Entries that were acknowledged, and were gone after a crash.
#[derive(Clone, Copy)]
struct Forgot {
    leader: NodeId,
    index: Index,
    acknowledged: ObservationId,
    refused: ObservationId,
}

impl Watch {
    fn member(&mut self, node: NodeId) -> &mut Member {
        self.members.entry(node).or_default()
    }

    fn begins_to_lead(&mut self, seen: &Observation, term: Term) -> Result<(), Violation> {
        let node = seen.node;
        self.reached.mark(LED);
        self.reached.mark_if(DEPOSED, self.leaders.values().any(|(leader, _)| *leader != node));
        let began = self.began.insert(term, seen.id);
        if let Some((other, since)) = self.leaders.insert(term, (node, seen.at))
            && other != node
        {
            let sentence = format!(
                "{node} and {other} both lead term {term}: {other} since {since}, {node} since {}.",
                seen.at
            );
            let violation =
                Violation::at(seen, sentence).because(seen.id, format!("and {node} leads it, too"));
            return Err(match began {
                Some(began) => violation.because(began, format!("{other} leads term {term}")),
                None => violation,
            });
        }
        let majority = self.n / 2 + 1;
        let mut voters = self.member(node).votes.get(&term).cloned().unwrap_or_default();
        voters.insert(node);
        if voters.len() < majority {
            let sentence = format!(
                "{node} began to lead term {term} with the votes of {}: of {} nodes, {majority} make a majority.",
                list(&voters),
                self.n
            );
            return Err(Violation::at(seen, sentence));
        }
        Ok(())
    }

    fn sends(&mut self, seen: &Observation, to: NodeId, message: Message) -> Result<(), Violation> {
        let node = seen.node;
        self.bears(seen, &message)?;
        match &message {
            Message::RequestVote { term, pre_vote: false, .. } => {
                let others = self
                    .votes
                    .iter()
                    .any(|((voter, t), (whom, _))| t == term && voter == whom && *voter != node);
                self.reached.mark_if(CLASHED, others);
                self.votes_for(seen, *term, node)?;
            }
            Message::Vote { term, granted: true, pre_vote: false } => {
                if !self.member(node).asked_by.contains(&(to, *term)) {
                    let sentence = format!(
                        "{node} told {to} that it votes for it in term {term}, which {to} had not asked for."
                    );
                    return Err(Violation::at(seen, sentence));
                }
                self.votes_for(seen, *term, to)?;
            }
            Message::AppendEntries { term, prev_index, prev_term, entries, .. } => {
                if let Some((leader, since)) = self.leaders.get(term)
                    && *leader != node
                {
                    let sentence = format!(
                        "{node} sent AppendEntries as the leader of term {term}, which {leader} leads since {since}."
                    );
                    let violation = Violation::at(seen, sentence);
                    return Err(match self.began.get(term) {
                        Some(began) => violation.because(*began, format!("{leader} leads term {term}")),
                        None => violation,
                    });
                }
                self.log_matching(seen, *term, *prev_index, *prev_term, entries)?;
            }
            Message::Appended { success: true, index, .. } => {
                if let Some(Handed { term: asked, last, .. }) = self.answers(seen) {
                    let now = self.members.get(&node).map_or(0, |member| member.term);
                    let sentence = if asked < now {
                        format!(
                            "{node} took entries from {to} as the leader of term {asked}, though it had been in term {now}."
                        )
                    } else if *index > last {
                        format!(
                            "{node} told {to} that their logs agree up to entry {index}, but what {to} had sent ends with entry {last}."
                        )
                    } else {
                        String::new()
                    };
                    if !sentence.is_empty() {
                        return Err(Violation::at(seen, sentence));
                    }
                    let acknowledged = self.member(node).acknowledged.entry(asked).or_insert((0, seen.id));
                    if acknowledged.0 < *index {
                        *acknowledged = (*index, seen.id);
                    }
                }
            }
            Message::Appended { term, success: false, .. } => {
                let refused = self.answers(seen).filter(|handed| handed.term == *term);
                let member = self.members.entry(node).or_default();
                if let Some(handed) = refused
                    && let Some((index, acknowledged)) = member.acknowledged_before.get(term)
                    && handed.prev_index <= *index
                {
                    let (index, acknowledged) = (*index, *acknowledged);
                    let forgot = Forgot { leader: to, index, acknowledged, refused: seen.id };
                    member.forgot.get_or_insert(forgot);
                }
            }
            _ => {}
        }
        let heeds =
            |goal: &Goal| matches!(goal, Goal::Said { .. } | Goal::Unsaid { .. } | Goal::Waits { .. });
        if self.goals.iter().any(heeds) {
            self.said.push((seen.at, node, message, seen.id));
        }
        Ok(())
    }
    /// The entries that this message, which the node sends, answers.
    fn answers(&self, seen: &Observation) -> Option<Handed> {
        self.handed.get(&seen.node).copied().filter(|handed| seen.cause == Cause::Observation(handed.at))
    }
    /// A node's own term, as its messages bear it, never goes back: not over a crash either.
    fn bears(&mut self, seen: &Observation, message: &Message) -> Result<(), Violation> {
        let (Message::RequestVote { term, pre_vote: false, .. }
        | Message::Vote { term, pre_vote: false, .. }
        | Message::AppendEntries { term, .. }
        | Message::Appended { term, .. }) = message
        else {
            return Ok(());
        };
        self.in_term(seen, *term)?;
        let member = self.member(seen.node);
        if member.term < *term {
            (member.term, member.term_told) = (*term, Some(seen.id));
        }
        Ok(())
    }
    fn in_term(&mut self, seen: &Observation, term: Term) -> Result<(), Violation> {
        let node = seen.node;
        let before = self.member(node).term;
        if term >= before {
            return Ok(());
        }
        let sentence =
            format!("{node} is in term {term}, but had been in term {before}, and told others so.");
        let violation = Violation::at(seen, sentence).because(seen.id, format!("{node} is in term {term}"));
        Err(match self.member(node).term_told {
            Some(told) => violation.because(told, format!("{node} says that it is in term {before}")),
            None => violation,
        })
    }
    fn votes_for(&mut self, seen: &Observation, term: Term, whom: NodeId) -> Result<(), Violation> {
        let node = seen.node;
        let (before, voted) = *self.votes.entry((node, term)).or_insert((whom, seen.id));
        if before == whom {
            return Ok(());
        }
        let first = if before == node { "itself".to_owned() } else { before.to_string() };
        let second = if whom == node { "itself".to_owned() } else { whom.to_string() };
        let sentence =
            format!("{node} voted twice in term {term}: for {first}, and at {} for {second}.", seen.at);
        Err(Violation::at(seen, sentence)
            .because(voted, format!("{node} votes for {first} in term {term}"))
            .because(seen.id, format!("and for {second} in the same term")))
    }
    /// Log matching and leader completeness (Figure 3), as far as messages show the leader's log.
    fn log_matching(
        &mut self,
        seen: &Observation,
        term: Term,
        prev_index: Index,
        prev_term: Term,
        entries: &[Entry],
    ) -> Result<(), Violation> {
        let node = seen.node;
        let mut before = prev_term;
        for (index, entry) in (prev_index + 1..).zip(entries) {
            let known =
                self.entries.entry((index, entry.term)).or_insert_with(|| (entry.command.clone(), before));
            if known.0 != entry.command {
                let sentence = format!(
                    "{node} sent {} as entry {index} of term {}, where {} had been sent as the same entry.",
                    what(&entry.command),
                    entry.term,
                    what(&known.0)
                );
                return Err(Violation::at(seen, sentence));
            }
            if known.1 != before {
                let sentence = format!(
                    "{node} sent entry {index} of term {} after an entry of term {before}; it had been sent after one of term {}: logs \
                     with the same entry differ before it.",
                    entry.term, known.1
                );
                return Err(Violation::at(seen, sentence));
            }
            if let Some(done) = self.done.get(&index)
                && done.term < term
                && done.command != entry.command
            {
                let sentence = format!(
                    "{node} leads term {term} with {} as entry {index}, where {} had done {} before: a leader has everything that is \
                     committed.",
                    what(&entry.command),
                    done.node,
                    what(&done.command)
                );
                return Err(Violation::at(seen, sentence)
                    .because(done.at, format!("{} does {} as entry {index}", done.node, what(&done.command)))
                    .because(seen.id, format!("entry {index} is another here")));
            }
            if entry.term == term {
                let first = self.members.entry(node).or_default().own_first.entry(term).or_insert(index);
                *first = (*first).min(index);
            }
            before = entry.term;
        }
        Ok(())
    }

    fn hears(&mut self, seen: &Observation, from: NodeId, message: &Message) {
        let node = seen.node;
        let status = self.member(node).status;
        let mut told = None;
        match message {
            Message::RequestVote { term, pre_vote: false, .. } => {
                self.member(node).asked_by.insert((from, *term));
            }
            Message::Vote { term, granted, pre_vote: false } => {
                if *granted {
                    self.member(node).votes.entry(*term).or_default().insert(from);
                }
                told = (*term > status.term).then_some((*term, "a vote"));
            }
            Message::Appended { term, success, index, .. } => {
                if *success {
                    let acked = self.member(node).acks.entry((*term, from)).or_default();
                    *acked = (*acked).max(*index);
                }
                told = (*term > status.term).then_some((*term, "an answer"));
            }
            Message::AppendEntries { term, prev_index, prev_term, entries, commit } => {
                let reach = prev_index + entries.len() as Index;
                let is_puppet = !self.guests.contains(&from);
                let overwritten = (prev_index + 1..).zip(entries).any(|(index, entry)| {
                    self.entries.range((index, 0)..(index, entry.term)).next().is_some()
                });
                self.reached.mark_if(OVERWRITTEN, overwritten);
                if is_puppet {
                    let mut before = *prev_term;
                    for (index, entry) in (prev_index + 1..).zip(entries) {
                        self.asked.extend(entry.command.clone());
                        self.entries
                            .entry((index, entry.term))
                            .or_insert_with(|| (entry.command.clone(), before));
                        before = entry.term;
                    }
                }
                let member = self.member(node);
                member.told_commit = member.told_commit.max(*commit);
                let heard = member.heard.entry(*term).or_default();
                *heard = (heard.0.max(reach), heard.1.max(*commit));
                let follows =
                    *term > status.term || *term == status.term && status.position == Position::Candidate;
                told = follows.then_some((*term, "entries of the leader"));
                let (term, prev_index) = (*term, *prev_index);
                self.handed.insert(node, Handed { at: seen.id, term, prev_index, last: reach });
            }
            _ => {}
        }
        if let Some((term, what)) = told {
            self.told.insert(node, Told { term, from, what });
        }
    }
    /// The node has handled what it was told, for it handles something else now, or the run is over.
    fn must_follow(&mut self, node: NodeId, at: Option<&Observation>) -> Result<(), Violation> {
        let Some(Told { term, from, what }) = self.told.remove(&node) else { return Ok(()) };
        let status = self.member(node).status;
        let position = match status.position {
            Position::Follower => "a follower",
            Position::Candidate => "a candidate",
            Position::Leader => "a leader",
        };
        if status.term >= term && status.position == Position::Follower {
            return Ok(());
        }
        let sentence = format!(
            "{node} got {what} of term {term} from {from}, and was then {position} in term {}, not a follower in term {term}.",
            status.term
        );
        Err(Violation { at: at.map(|seen| seen.id), ..Violation::never(sentence) })
    }

    fn applies(
        &mut self,
        seen: &Observation,
        index: Index,
        command: Option<Command>,
    ) -> Result<(), Violation> {
        let node = seen.node;
        if let Some(command) = &command {
            self.reached.mark(DID);
            self.member(node).done.entry(command.clone()).or_insert((seen.at, seen.id));
        }
        let at = |sentence: String| Err(Violation::at(seen, sentence));
        // who has crashed may begin again, or go on after anything that it had done
        let Member { applied, done_up_to, .. } = *self.member(node);
        let next = if applied == 0 { done_up_to + 1 } else { applied + 1 };
        if index != next && !(applied == 0 && (1..next).contains(&index)) {
            let done = next - 1;
            return at(format!(
                "{node} did entry {index} when it had done entries up to {done}: entry {next} comes next."
            ));
        }
        if let Some(command) = &command
            && !self.asked.contains(command)
        {
            return at(format!("{node} did {command} as entry {index}, which nobody had proposed."));
        }
        if let Some(done) = self.done.get(&index)
            && done.command != command
        {
            let (first, other) = (done.node, what(&done.command));
            let sentence =
                format!("{node} did {} as entry {index}, where {first} did {other}.", what(&command));
            return Err(Violation::at(seen, sentence)
                .because(done.at, format!("{first} does {other} as entry {index}"))
                .because(seen.id, format!("and {node} something else")));
        }
        if let Some((teller, promised)) = self.promised.get(&index)
            && command.as_ref() != Some(promised)
        {
            let sentence = format!(
                "{node} did {} as entry {index}, where {teller} had told a client that {promised} is committed.",
                what(&command)
            );
            return at(sentence);
        }
        self.may_apply(seen, index)?;
        let term = self.leaders.keys().next_back().copied().unwrap_or(0);
        let member = self.member(node);
        (member.applied, member.done_up_to) = (index, done_up_to.max(index));
        self.done.entry(index).or_insert(Done { node, at: seen.id, command, term });
        Ok(())
    }
    /// Whether the node can know that the entry is committed: its leader said so; or it leads, and a majority has acknowledged it
    /// and an entry of its term.
    fn may_apply(&self, seen: &Observation, index: Index) -> Result<(), Violation> {
        let node = seen.node;
        let member = &self.members[&node];
        let told = member.heard.values().any(|(reach, commit)| index <= *reach && index <= *commit);
        if told || self.n == 1 {
            return Ok(());
        }
        let led = self.leaders.iter().rev().find(|(_, (leader, _))| *leader == node).map(|(term, _)| *term);
        let led = led.filter(|term| *term >= member.status.term);
        let Some(term) = led else {
            let reach = member.heard.values().map(|(reach, _)| *reach).max().unwrap_or(0);
            let sentence = format!(
                "{node} did entry {index}, but no leader had told it that entry {index} is committed in a message that it could check \
                 its log against: they reach up to entry {reach}, with commit indexes up to {}.",
                member.told_commit
            );
            return Err(Violation::at(seen, sentence));
        };
        let majority = self.n / 2 + 1;
        let have = |index: Index| -> BTreeSet<NodeId> {
            let acked = member.acks.iter().filter(|((of, _), acked)| *of == term && **acked >= index);
            acked.map(|((_, follower), _)| *follower).chain([node]).collect()
        };
        if have(index).len() < majority {
            let sentence = format!(
                "{node}, which leads term {term}, did entry {index} when only {} had it, as far as {node} had been told in this term: \
                 of {} nodes, {majority} make a majority.",
                list(&have(index)),
                self.n
            );
            return Err(Violation::at(seen, sentence));
        }
        let own = member.own_first.get(&term).map(|first| (*first).max(index));
        if own.is_none_or(|own| have(own).len() < majority) {
            let sentence = format!(
                "{node}, which leads term {term}, did entry {index} of an earlier term because a majority has copies of it; without an \
                 entry of term {term} on a majority, it can still be overwritten."
            );
            return Err(Violation::at(seen, sentence));
        }
        Ok(())
    }
    fn promises(&mut self, seen: &Observation, request: RequestId, index: Index) -> Result<(), Violation> {
        let Some(command) = self.requests.get(&request).cloned() else { return Ok(()) };
        self.reached.mark(PROMISED);
        if let Some(done) = self.done.get(&index)
            && done.command.as_ref() != Some(&command)
        {
            let sentence = format!(
                "{} told a client that {command} is committed as entry {index}, where {} did {}.",
                seen.node,
                done.node,
                what(&done.command)
            );
            let did = format!("{} does {} as entry {index}", done.node, what(&done.command));
            return Err(Violation::at(seen, sentence).because(done.at, did));
        }
        if let Some((teller, other)) = self.promised.get(&index)
            && *other != command
        {
            let sentence = format!(
                "{} told a client that {command} is committed as entry {index}, where {teller} had told one that {other} is.",
                seen.node
            );
            return Err(Violation::at(seen, sentence));
        }
        self.promised.insert(index, (seen.node, command));
        Ok(())
    }

    // goals

    fn by(&self, goal: &Goal) -> Time {
        match goal {
            Goal::Led { by, .. }
            | Goal::Calm { by, .. }
            | Goal::Done { by, .. }
            | Goal::Said { by, .. }
            | Goal::Unsaid { by, .. }
            | Goal::Waits { by, .. }
            | Goal::Few { by, .. } => Time::ZERO + *by,
            Goal::Followed { within, .. } => self.last_began() + *within,
        }
    }
    /// When somebody last began to lead.
    fn last_began(&self) -> Time {
        self.leaders.values().map(|(_, since)| *since).max().unwrap_or(Time::ZERO)
    }
    fn status(&self, node: &NodeId) -> Status {
        self.members.get(node).map(|member| member.status).unwrap_or_default()
    }
    /// What the node has sent between two times.
    fn said(
        &self,
        node: NodeId,
        since: Duration,
        by: Duration,
        what: fn(&Message) -> bool,
    ) -> Vec<ObservationId> {
        let (since, by) = (Time::ZERO + since, Time::ZERO + by);
        let said = self
            .said
            .iter()
            .filter(|(at, who, message, _)| *at > since && *at <= by && *who == node && what(message));
        said.map(|(.., id)| *id).collect()
    }
    /// When the node voted for another, and when it stood too soon after that.
    fn stood_too_soon(&self, node: NodeId, at_least: Duration) -> Option<[(Time, ObservationId); 2]> {
        let mut voted: Option<(Time, ObservationId)> = None;
        for (at, _, message, id) in self.said.iter().filter(|(_, who, ..)| *who == node) {
            match message {
                Message::Vote { granted: true, pre_vote: false, .. } => voted = Some((*at, *id)),
                Message::RequestVote { pre_vote: false, .. } => {
                    if let Some(voted) = voted.filter(|(voted, _)| *at - *voted < at_least) {
                        return Some([voted, (*at, *id)]);
                    }
                }
                _ => {}
            }
        }
        None
    }
    /// Messages and bytes that were sent between two times.
    fn spent(&self, since: Duration, by: Duration) -> (u64, u64) {
        let (since, by) = (Time::ZERO + since, Time::ZERO + by);
        let sent = self.sent.iter().filter(|(at, ..)| *at > since && *at <= by);
        sent.fold((0, 0), |(many, long), (.., size)| (many + 1, long + *size as u64))
    }
    /// A command that this node had not done by then.
    fn lacks<'a>(&self, node: NodeId, commands: &'a [Command], by: Duration) -> Option<&'a Command> {
        let done = self.members.get(&node).map(|member| &member.done);
        let has = |command: &Command| {
            done.is_some_and(|done| done.get(command).is_some_and(|(at, _)| *at <= Time::ZERO + by))
        };
        commands.iter().rev().find(|command| !has(command))
    }
    /// The highest term of these, and who of them leads it: by its own word, and by what it shows.
    fn leader_among(&self, among: &[NodeId]) -> (Term, Option<NodeId>) {
        let highest = among.iter().map(|node| self.status(node).term).max().unwrap_or(0);
        let leads = Status { term: highest, position: Position::Leader };
        let leader = self.leaders.get(&highest).map(|(leader, _)| *leader);
        (highest, leader.filter(|leader| among.contains(leader) && self.status(leader) == leads))
    }
    /// Whether it has come true: before its time only where nothing that may still be said counts.
    fn has_come_true(&self, goal: &Goal, now: Time) -> bool {
        match goal {
            Goal::Led { since, among, .. } => {
                let (highest, leader) = self.leader_among(among);
                now >= Time::ZERO + *since
                    && leader.is_some()
                    && among.iter().all(|node| self.status(node).term == highest)
            }
            Goal::Followed { times, .. } => self.leaders.len() >= *times,
            Goal::Calm { since, by } => {
                let (since, by) = (Time::ZERO + *since, Time::ZERO + *by);
                now > by && !self.leaders.values().any(|(_, at)| *at > since && *at <= by)
            }
            Goal::Done { by, on, commands } => {
                on.iter().all(|node| self.lacks(*node, commands, *by).is_none())
            }
            Goal::Said { since, by, node, times, what, .. } => {
                now > Time::ZERO + *by && self.said(*node, *since, *by, *what).len() >= *times
            }
            Goal::Unsaid { since, by, node, what, .. } => {
                now > Time::ZERO + *by && self.said(*node, *since, *by, *what).is_empty()
            }
            Goal::Waits { by, node, at_least } => {
                now > Time::ZERO + *by && self.stood_too_soon(*node, *at_least).is_none()
            }
            Goal::Few { since, by, messages, bytes, .. } => {
                let frugal = |(many, long)| many <= *messages && long <= *bytes;
                now > Time::ZERO + *by && frugal(self.spent(*since, *by))
            }
        }
    }
    /// What a goal that has not come true says, and where its story begins: at what it is about, not at the world's start.
    fn missed(&self, goal: &Goal) -> Violation {
        let by = self.by(goal);
        let last_leader = || {
            let (term, (node, since)) = self.leaders.iter().max_by_key(|(_, (_, since))| *since)?;
            Some((*self.began.get(term)?, *term, *node, *since))
        };
        match goal {
            Goal::Led { among, .. } => {
                let who = list(&among.iter().copied().collect());
                let (highest, leader) = self.leader_among(among);
                let violation = Violation::never(match leader {
                    Some(leader) => {
                        let behind = among.iter().find(|node| self.status(node).term != highest);
                        let behind = behind.unwrap_or(&leader);
                        let term = self.status(behind).term;
                        format!(
                            "{leader} leads term {highest} at {by}, and {behind} is still in term {term}."
                        )
                    }
                    None => {
                        let shown = |node: &NodeId| {
                            let Status { term, position } = self.status(node);
                            format!("{node} is a {} in term {term}", format!("{position:?}").to_lowercase())
                        };
                        let shown: Vec<String> = among.iter().map(shown).collect();
                        format!(
                            "None of {who} leads at {by}, though they are a majority and could talk to each other for long enough: {}.",
                            shown.join(", ")
                        )
                    }
                });
                match last_leader() {
                    Some((began, term, node, _)) => {
                        violation.because(began, format!("{node} is the last to begin to lead: term {term}"))
                    }
                    None => violation,
                }
            }
            Goal::Followed { within, .. } => {
                let last = last_leader();
                let told = last.map_or("Nobody has led yet".to_owned(), |(_, term, node, since)| {
                    format!(
                        "The last to begin was {node} with term {term} at {since}, which was cut off then"
                    )
                });
                let violation = Violation::never(format!(
                    "Nobody began to lead for {within:?} until {by}, though a majority could talk to each other. {told}."
                ));
                match last {
                    Some((began, term, node, _)) => {
                        violation.because(began, format!("{node} begins to lead term {term}"))
                    }
                    None => violation,
                }
            }
            Goal::Calm { since, .. } => {
                let since = Time::ZERO + *since;
                let began = self.leaders.iter().find(|(_, (_, at))| *at > since && *at <= by);
                let (node, term, at) =
                    began.map_or((NodeId(0), 0, by), |(term, (node, at))| (*node, *term, *at));
                let sentence = format!(
                    "{node} began to lead term {term} at {at}, though nothing went wrong since long before {since}: a leader whom all \
                     hear stays."
                );
                Violation { at: self.began.get(&term).copied(), ..Violation::never(sentence) }
            }
            Goal::Done { by: until, on, commands } => {
                let lacks = on.iter().find_map(|node| Some((*node, self.lacks(*node, commands, *until)?)));
                let Some((node, command)) = lacks else { return Violation::never(String::new()) };
                self.not_done(node, command, by)
            }
            Goal::Said { node, or, .. } => Violation::never(format!("{node} {or}")),
            Goal::Unsaid { since, by, node, what, or } => {
                let at = self.said(*node, *since, *by, *what).first().copied();
                Violation { at, ..Violation::never(format!("{node} {or}")) }
            }
            Goal::Waits { node, at_least, .. } => {
                let Some([voted, stood]) = self.stood_too_soon(*node, *at_least) else {
                    return Violation::never(String::new());
                };
                let sentence = format!(
                    "{node} voted for another at {}, and stood itself at {}: a vote given puts one's own election off, by {at_least:?} \
                     at least.",
                    voted.0, stood.0
                );
                Violation { at: Some(stood.1), ..Violation::never(sentence) }
                    .because(voted.1, format!("{node} votes for another"))
                    .because(stood.1, format!("and {node} stands itself"))
            }
            Goal::Few { since, by, messages, bytes, about } => {
                let (many, long) = self.spent(*since, *by);
                let (is, at_most, unit) = match many > *messages {
                    true => (many, messages, "messages"),
                    false => (long, bytes, "bytes"),
                };
                Violation::never(format!(
                    "The {} nodes sent each other {is} {unit} for {about}: at most {at_most} will do.",
                    self.n
                ))
            }
        }
    }
    /// A node that lags: what it lost, if its own messages show it; else from where on the others were ahead.
    fn not_done(&self, node: NodeId, command: &Command, by: Time) -> Violation {
        let did = |(other, member): (&NodeId, &Member)| Some((*member.done.get(command)?, *other));
        let others: Vec<((Time, ObservationId), NodeId)> = self.members.iter().filter_map(did).collect();
        let but = match others.is_empty() {
            true => "nor did anyone else".to_owned(),
            false => format!("though {} did", list(&others.iter().map(|(_, other)| *other).collect())),
        };
        let lags = format!("{node} had not done {command} by {by}, {but}");
        let forgot = self.members.get(&node).and_then(|member| member.forgot);
        if let Some(Forgot { leader, index, acknowledged, refused }) = forgot {
            let sentence = format!(
                "{lags}: {node} had told {leader} that it has the entries up to {index}, and after a crash it refused what follows them."
            );
            return Violation::never(sentence)
                .because(acknowledged, format!("{node} tells {leader} that it has the entries up to {index}"))
                .because(refused, format!("after a crash {node} refuses what follows them"));
        }
        let violation = Violation::never(format!("{lags}."));
        match others.iter().min() {
            Some(((_, first), other)) => violation.because(*first, format!("{other} does {command}")),
            None => violation,
        }
    }
    fn note_deadline(&mut self) {
        self.deadline = self.goals.iter().map(|goal| self.by(goal)).min();
    }
    /// Drops goals that have come true; an error where one has not by its time, or before the world's end if `None`.
    fn look_at_goals(&mut self, now: Option<Time>) -> Result<(), Violation> {
        let mut goals = std::mem::take(&mut self.goals);
        goals.retain(|goal| !self.has_come_true(goal, now.unwrap_or(Time::NEVER)));
        goals.sort_by_key(|goal| self.by(goal));
        self.goals = goals;
        self.note_deadline();
        match self.goals.first() {
            Some(goal) if now.is_none_or(|now| self.by(goal) < now) => Err(self.missed(goal)),
            _ => Ok(()),
        }
    }
}

impl Oracle for Watch {
    fn see(&mut self, _world: &World, seen: &Observation) -> Result<(), Violation> {
        self.now = seen.at;
        if self.deadline.is_some_and(|deadline| deadline < seen.at) {
            self.look_at_goals(Some(seen.at))?;
        }
        if !self.guests.contains(&seen.node) {
            return Ok(());
        }
        let judged = self.learn(seen);
        if self.rules {
            judged?;
        }
        match seen.seen {
            Seen::Emitted { .. } | Seen::Status { .. } if self.deadline.is_some() => {
                self.look_at_goals(Some(seen.at))
            }
            _ => Ok(()),
        }
    }
    fn has_seen_enough(&self) -> bool {
        self.goals.is_empty() && self.over_from.is_some_and(|from| self.now >= from)
    }
    fn end(&mut self, _world: &World, reached: &mut Reached) -> Result<(), Violation> {
        let told: Vec<NodeId> = self.told.keys().copied().filter(|_| self.rules).collect();
        for node in told {
            self.must_follow(node, None)?;
        }
        self.look_at_goals(None)?;
        reached.clone_from(&self.reached);
        Ok(())
    }
}

impl Watch {
    /// Takes in what happened; an error where it breaks a rule.
    fn learn(&mut self, seen: &Observation) -> Result<(), Violation> {
        let node = seen.node;
        if seen.seen.is_handed() {
            self.must_follow(node, Some(seen))?;
        }
        match &seen.seen {
            Seen::Started { incarnation } => {
                let member = self.member(node);
                member.down = false;
                member.applied = 0;
                member.status = Status::default();
                let acknowledged = std::mem::take(&mut member.acknowledged);
                member.acknowledged_before.extend(acknowledged);
                let had = member.term > 0;
                self.reached.mark_if(RESTARTED, *incarnation > 0 && had);
            }
            Seen::Crashed => {
                self.told.remove(&node);
                self.member(node).down = true;
            }
            Seen::Requested { request, bytes, .. } => {
                if let Some(Request::Propose(command)) = lab::frame::decode(bytes) {
                    self.asked.insert(command.clone());
                    self.requests.insert(*request, command);
                }
            }
            Seen::Delivered { from, bytes } => {
                if let Some(message) = lab::frame::decode(bytes) {
                    self.hears(seen, *from, &message);
                }
            }
            Seen::Sent { to, bytes, .. } => {
                if self.goals.iter().any(|goal| matches!(goal, Goal::Few { .. })) {
                    self.sent.push((seen.at, node, bytes.len()));
                }
                if let Some(message) = lab::frame::decode(bytes) {
                    self.sends(seen, *to, message)?;
                }
            }
            Seen::Status { bytes } => {
                if let Some(status) = lab::frame::decode::<Status>(bytes) {
                    self.in_term(seen, status.term)?;
                    let member = self.member(node);
                    let before = std::mem::replace(&mut member.status, status);
                    if status.term < before.term {
                        let sentence =
                            format!("{node} went from term {} back to term {}.", before.term, status.term);
                        return Err(Violation::at(seen, sentence));
                    }
                }
            }
            Seen::Emitted { .. } => match seen.emitted::<Raft>() {
                Some(Event::Leader { term }) => self.begins_to_lead(seen, term)?,
                Some(Event::Applied { index, command }) => self.applies(seen, index, command)?,
                None => {
                    let sentence = format!("{node} emitted something that is no event of this exercise.");
                    return Err(Violation::at(seen, sentence));
                }
            },
            Seen::Replied { request, bytes, heard: true } => {
                if let Some(Response::Committed { index }) = lab::frame::decode(bytes) {
                    self.promises(seen, *request, index)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn what(command: &Option<Command>) -> String {
    command.as_ref().map_or("an entry without a command".to_owned(), Command::to_string)
}
fn list(nodes: &BTreeSet<NodeId>) -> String {
    let names: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
    match &names[..] {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
