//! The rules of Raft, as a world shows them.
//!
//! They judge messages, announcements and answers, never how a node came to them: every one of them follows from the paper's
//! Figure 2 and Figure 3 for any design that speaks the contract's messages.

use super::goals::Goal;
use super::scribe::{Acknowledged, Held, last_of};
use judge::{Case, Oracle, Reached, Violation};
use lab::raft::{Command, Entry, Event, Index, Message, Position, Raft, Request, Response, Status, Term};
use lab::{NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet};
use world::{
    Cause, ClientId, NodeKind, Observation, ObservationId, OperationId, Scenario, Seen, Time, World,
};

/// A case of Raft: the rules, and goals besides.
pub(crate) fn case(scenario: Scenario, goals: Vec<Goal>) -> Case {
    judged(scenario, goals, true)
}
/// A case that is about its goals only. The check that others wait for is such a case, so that a broken rule does not keep them from
/// being judged; other checks have the same clusters with all rules.
pub(crate) fn goals_only(scenario: Scenario, goals: Vec<Goal>) -> Case {
    judged(scenario, goals, false)
}
fn judged(mut scenario: Scenario, goals: Vec<Goal>, rules: bool) -> Case {
    // Even a node that looks around every millisecond needs fewer. Without this, one that sends on and on within the limit of a
    // long world would do so in each of thousands of short ones.
    let ends_ms = u64::try_from(scenario.end.as_millis()).unwrap_or(u64::MAX);
    scenario.limits.events = ends_ms.saturating_mul(10).saturating_add(10_000).min(100_000);
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
    let asks_for_promises = scenario.scribe.is_some();
    let mut watch = Watch { n, guests, goals, rules, over_from, ..Watch::default() };
    watch.note_deadline();
    match asks_for_promises {
        true => Case::new(scenario, kit::interrogate::interrogated(watch)),
        false => Case::new(scenario, watch),
    }
}

// conditions that some world must reach

pub(crate) const LED: &str = "somebody led";
pub(crate) const CLASHED: &str = "two stood in one term";
pub(crate) const DID: &str = "a command was done";
pub(crate) const PROMISED: &str = "a client heard that its command is committed";
pub(crate) const DEPOSED: &str = "somebody led after another";
pub(crate) const OVERWRITTEN: &str = "an entry gave way to another";
pub(crate) const RESTARTED: &str = "a node that had voted or taken entries came back";

/// Follows one world.
#[derive(Default)]
pub(super) struct Watch {
    pub(super) n: usize,
    /// Whether rules are judged, or goals alone.
    rules: bool,
    guests: BTreeSet<NodeId>,
    /// Those that have not come true.
    pub(super) goals: Vec<Goal>,
    /// From when on the world is over when all of them have come true, if that ends it.
    over_from: Option<Time>,
    pub(super) now: Time,
    /// The first of them must have, by then.
    pub(super) deadline: Option<Time>,
    reached: Reached,
    pub(super) members: BTreeMap<NodeId, Member>,
    /// Who leads a term, and since when.
    pub(super) leaders: BTreeMap<Term, (NodeId, Time)>,
    /// Where it said so.
    pub(super) began: BTreeMap<Term, ObservationId>,
    /// For whom a node has voted in a term.
    votes: BTreeMap<(NodeId, Term), (NodeId, ObservationId)>,
    /// Entries that were sent, by index and term: the command, and the term before.
    entries: BTreeMap<(Index, Term), (Option<Command>, Term)>,
    asked: BTreeSet<Command>,
    requests: BTreeMap<RequestId, Command>,
    /// Of each command: how often nodes were asked for it, and answered `NotLeader`; and at which places it was done.
    proposals: BTreeMap<Command, Proposals>,
    /// What was done at each place, by whom first, and the highest term that anyone led then.
    done: BTreeMap<Index, Done>,
    /// Commands that clients were told to be at a place.
    promised: BTreeMap<Index, (NodeId, Command)>,
    /// Messages that were sent: when, by whom, how long.
    pub(super) sent: Vec<(Time, NodeId, usize)>,
    /// What `Goal::Said`, `Goal::Unsaid` and `Goal::Waits` ask about.
    pub(super) said: Vec<(Time, NodeId, Message, ObservationId)>,
    /// A node that was told of a term, and must have followed when its next event comes.
    told: BTreeMap<NodeId, Told>,
    /// The last entries that a node was handed, and that it may answer.
    handed: BTreeMap<NodeId, Handed>,
    /// What clients have asked, and how far they are.
    pub(super) operations: BTreeMap<(ClientId, OperationId), Asked>,
    /// How many operations each client has in this world.
    pub(super) many: BTreeMap<ClientId, usize>,
}
/// What became of the times that a command was proposed.
#[derive(Default)]
struct Proposals {
    asked: usize,
    /// Which requests were answered `NotLeader`: the last node and where.
    refused: BTreeMap<RequestId, (NodeId, ObservationId)>,
    done: BTreeSet<Index>,
    /// Leaders that the suite plays had it in their logs, too.
    is_everybodys: bool,
}
/// An operation of a client.
pub(super) struct Asked {
    pub(super) began: Time,
    pub(super) at: ObservationId,
    pub(super) node: NodeId,
    /// What it proposes, once a node was asked.
    pub(super) command: Option<Command>,
    pub(super) ended: Option<Time>,
}
/// Entries that a node was handed: where, of which term, and after which index up to which.
#[derive(Clone, Copy)]
pub(super) struct Handed {
    at: ObservationId,
    term: Term,
    prev_index: Index,
    last: Index,
    /// What it has acknowledged, if this asks for exactly that.
    held: Option<Held>,
}
pub(super) struct Done {
    node: NodeId,
    at: ObservationId,
    command: Option<Command>,
    term: Term,
}
/// Why a node must be a follower now, and of which term at least.
pub(super) struct Told {
    term: Term,
    from: NodeId,
    what: &'static str,
}
/// What is known of one node.
#[derive(Default)]
pub(super) struct Member {
    pub(super) status: Status,
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
    pub(super) done: BTreeMap<Command, (Time, ObservationId)>,
    /// By term: the highest index that it has acknowledged in this life, and where.
    acknowledged: BTreeMap<Term, (Index, ObservationId)>,
    /// The same, of its lives before.
    acknowledged_before: BTreeMap<Term, (Index, ObservationId)>,
    /// Where it refused what follows entries that it had acknowledged to this leader before a crash, unless it has them
    /// again: that explains why it lags.
    pub(super) forgot: Option<Forgot>,
    holds: Acknowledged,
}
/// Entries that were acknowledged, and were gone after a crash.
#[derive(Clone, Copy)]
pub(super) struct Forgot {
    pub(super) leader: NodeId,
    pub(super) index: Index,
    pub(super) acknowledged: ObservationId,
    pub(super) refused: ObservationId,
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
                "{node} and {other} are both leaders of term {term}: {other} since {since}, {node} since {}. A term has at \
                 most one leader.",
                seen.at
            );
            let violation = Violation::at(seen, "one-leader", sentence)
                .because(seen.id, format!("{node} becomes leader of term {term}, too"));
            return Err(match began {
                Some(began) => violation.because(began, format!("{other} becomes leader of term {term}")),
                None => violation,
            });
        }
        let majority = self.n / 2 + 1;
        let mut voters = self.member(node).votes.get(&term).cloned().unwrap_or_default();
        voters.insert(node);
        if voters.len() < majority {
            let sentence = format!(
                "{node} became leader of term {term} with the votes of {} only. Of {} nodes, {majority} make a majority.",
                list(&voters),
                self.n
            );
            return Err(Violation::at(seen, "majority-of-votes", sentence));
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
                        "{node} sent {to} a granted vote of term {term}, but no RequestVote of that term from {to} had \
                         reached {node}."
                    );
                    return Err(Violation::at(seen, "unasked-vote", sentence));
                }
                self.votes_for(seen, *term, to)?;
            }
            Message::AppendEntries { term, prev_index, prev_term, entries, .. } => {
                if let Some((leader, since)) = self.leaders.get(term)
                    && *leader != node
                {
                    let sentence = format!(
                        "{node} sent AppendEntries of term {term}, but {leader} is the leader of that term, since {since}. \
                         Only the leader of a term sends AppendEntries."
                    );
                    let violation = Violation::at(seen, "appends-as-leader", sentence);
                    return Err(match self.began.get(term) {
                        Some(began) => {
                            violation.because(*began, format!("{leader} becomes leader of term {term}"))
                        }
                        None => violation,
                    });
                }
                self.log_matching(seen, *term, *prev_index, *prev_term, entries)?;
            }
            Message::Appended { term, success: true, index, .. } => {
                self.member(node).holds.says(*term, *index, seen.id);
                self.agrees_with_what_was_sent(seen, to, *term, *index)?;
                if let Some(Handed { term: asked, last, .. }) = self.answers(seen) {
                    let now = self.members.get(&node).map_or(0, |member| member.term);
                    let sentence = if asked < now {
                        format!(
                            "{node} acknowledged AppendEntries of term {asked} from {to}, but {node} had already sent a \
                             message of term {now}. A node refuses AppendEntries of an older term."
                        )
                    } else if *index > last {
                        format!(
                            "{node} acknowledged entries up to {index} to {to}, but the AppendEntries that it answers ends \
                             with entry {last}. A follower acknowledges only what that message shows."
                        )
                    } else {
                        String::new()
                    };
                    if !sentence.is_empty() {
                        return Err(Violation::at(seen, "acknowledges-what-was-sent", sentence));
                    }
                    let member = self.member(node);
                    // it has them again
                    member.forgot = member.forgot.filter(|forgot| forgot.index > *index);
                    let acknowledged = member.acknowledged.entry(asked).or_insert((0, seen.id));
                    if acknowledged.0 < *index {
                        *acknowledged = (*index, seen.id);
                    }
                }
            }
            Message::Appended { term, success: false, .. } => {
                let refused = self.answers(seen).filter(|handed| handed.term == *term);
                if let Some(Held { index, at, .. }) = refused.and_then(|handed| handed.held) {
                    let sentence = format!(
                        "{node} had acknowledged its log up to entry {index}, and no leader has overwritten it since. Now {node} refuses entries that \
                         follow entry {index}."
                    );
                    return Err(Violation::at(seen, "forgot-entries", sentence)
                        .because(at, format!("{node} acknowledges its log up to entry {index}"))
                        .because(seen.id, format!("{node} refuses what follows entry {index}")));
                }
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
    /// An acknowledgement says that two logs agree: at most as far as messages of that leader have reached, whenever it is sent.
    fn agrees_with_what_was_sent(
        &mut self,
        seen: &Observation,
        to: NodeId,
        term: Term,
        index: Index,
    ) -> Result<(), Violation> {
        let node = seen.node;
        let reach = self.member(node).heard.get(&term).map_or(0, |(reach, _)| *reach);
        if index <= reach || self.answers(seen).is_some() {
            return Ok(());
        }
        let sentence = format!(
            "{node} acknowledged its log up to entry {index} to {to}. The leader of term {term} had sent entries only up to entry {reach}."
        );
        Err(Violation::at(seen, "acknowledges-what-was-sent", sentence))
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
        let sentence = format!(
            "{node} is in term {term}, but it had already sent a message of term {before}. A node's term never \
                decreases, not even in a crash."
        );
        let violation = Violation::at(seen, "term-goes-back", sentence)
            .because(seen.id, format!("{node} is in term {term}"));
        Err(match self.member(node).term_told {
            Some(told) => violation.because(told, format!("{node} sends a message of term {before}")),
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
        let sentence = format!(
            "{node} voted twice in term {term}: first for {first}, and at {} for {second}. A node votes at most \
                once per term.",
            seen.at
        );
        Err(Violation::at(seen, "votes-twice", sentence)
            .because(voted, format!("{node} votes for {first} in term {term}"))
            .because(seen.id, format!("{node} votes for {second} in the same term")))
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
        for (index, entry) in numbered(prev_index, entries) {
            let known =
                self.entries.entry((index, entry.term)).or_insert_with(|| (entry.command.clone(), before));
            if known.0 != entry.command {
                let sentence = format!(
                    "{node} sent {} as entry {index} of term {}, but {} had been sent as that entry before. An index and a \
                     term identify one entry.",
                    what(&entry.command),
                    entry.term,
                    what(&known.0)
                );
                return Err(Violation::at(seen, "log-matching", sentence));
            }
            if known.1 != before {
                let sentence = format!(
                    "{node} sent entry {index} of term {} after an entry of term {before}. Before, the same entry had been \
                     sent after an entry of term {}. Logs that share an entry are equal up to it.",
                    entry.term, known.1
                );
                return Err(Violation::at(seen, "log-matching", sentence));
            }
            if let Some(done) = self.done.get(&index)
                && done.term < term
                && done.command != entry.command
            {
                let sentence = format!(
                    "{node}, the leader of term {term}, sent {} as entry {index}, but {} had already applied {} there. A \
                     leader's log contains all committed entries.",
                    what(&entry.command),
                    done.node,
                    what(&done.command)
                );
                return Err(Violation::at(seen, "leader-completeness", sentence)
                    .because(
                        done.at,
                        format!("{} applies {} as entry {index}", done.node, what(&done.command)),
                    )
                    .because(seen.id, format!("{node} sends another entry {index}")));
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
                told = (*term > status.term).then_some((*term, "`Vote`"));
            }
            Message::Appended { term, success, index, .. } => {
                if *success {
                    let acked = self.member(node).acks.entry((*term, from)).or_default();
                    *acked = (*acked).max(*index);
                }
                told = (*term > status.term).then_some((*term, "`Appended`"));
            }
            Message::AppendEntries { term, prev_index, prev_term, entries, commit } => {
                let reach = prev_index.saturating_add(entries.len() as Index);
                let is_puppet = !self.guests.contains(&from);
                let overwritten = numbered(*prev_index, entries).any(|(index, entry)| {
                    self.entries.range((index, 0)..(index, entry.term)).next().is_some()
                });
                self.reached.mark_if(OVERWRITTEN, overwritten);
                if is_puppet {
                    let mut before = *prev_term;
                    for (index, entry) in numbered(*prev_index, entries) {
                        if let Some(command) = &entry.command {
                            self.asked.insert(command.clone());
                            self.proposals.entry(command.clone()).or_default().is_everybodys = true;
                        }
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
                told = follows.then_some((*term, "`AppendEntries`"));
                let (term, prev_index) = (*term, *prev_index);
                let prev = (prev_index, *prev_term);
                let held = self.member(node).holds.is_handed(term, prev, last_of(prev, entries));
                self.handed.insert(node, Handed { at: seen.id, term, prev_index, last: reach, held });
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
            "{node} received {what} of term {term} from {from}, but afterwards it was {position} in term {}. That message \
             makes it a follower in term {term}.",
            status.term
        );
        Err(Violation { at: at.map(|seen| seen.id), ..Violation::never("follows-the-leader", sentence) })
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
        // who has crashed may begin again, or go on after anything that it had done
        let Member { applied, done_up_to, .. } = *self.member(node);
        let next = if applied == 0 { done_up_to + 1 } else { applied + 1 };
        if index != next && !(applied == 0 && (1..next).contains(&index)) {
            let done = next - 1;
            let sentence = format!(
                "{node} applied entry {index} when it had applied entries up to {done}. The next entry to apply is entry \
                 {next}."
            );
            return Err(Violation::at(seen, "applies-in-order", sentence));
        }
        if let Some(command) = &command
            && !self.asked.contains(command)
        {
            let sentence =
                format!("{node} applied {command} as entry {index}, but no client had proposed {command}.");
            return Err(Violation::at(seen, "applies-unproposed", sentence));
        }
        if let Some(done) = self.done.get(&index)
            && done.command != command
        {
            let (first, other) = (done.node, what(&done.command));
            let sentence = format!(
                "{node} applied {} as entry {index}, but {first} had applied {other} as entry {index}. All nodes \
                    apply the same command at each index.",
                what(&command)
            );
            return Err(Violation::at(seen, "state-machine-safety", sentence)
                .because(done.at, format!("{first} applies {other} as entry {index}"))
                .because(seen.id, format!("{node} applies another entry {index}")));
        }
        if let Some((teller, promised)) = self.promised.get(&index)
            && command.as_ref() != Some(promised)
        {
            let sentence = format!(
                "{node} applied {} as entry {index}, but {teller} had told a client that {promised} is committed as entry \
                 {index}.",
                what(&command)
            );
            return Err(Violation::at(seen, "applies-what-was-promised", sentence));
        }
        self.may_apply(seen, index)?;
        if let Some(command) = &command {
            self.proposals.entry(command.clone()).or_default().done.insert(index);
            self.was_not_refused(seen, command)?;
        }
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
                "{node} applied entry {index}, but no AppendEntries that it received allows that: they end with entry \
                 {reach} at most, and their commit index is at most {}. A follower commits up to min(leaderCommit, index of \
                 last new entry).",
                member.told_commit
            );
            return Err(Violation::at(seen, "applies-uncommitted", sentence));
        };
        let majority = self.n / 2 + 1;
        let have = |index: Index| -> BTreeSet<NodeId> {
            let acked = member.acks.iter().filter(|((of, _), acked)| *of == term && **acked >= index);
            acked.map(|((_, follower), _)| *follower).chain([node]).collect()
        };
        if have(index).len() < majority {
            let sentence = format!(
                "{node}, the leader of term {term}, applied entry {index}, but as far as the acknowledgements of this term \
                 tell, only {} stored it. Of {} nodes, {majority} make a majority.",
                list(&have(index)),
                self.n
            );
            return Err(Violation::at(seen, "commits-without-majority", sentence));
        }
        let own = member.own_first.get(&term).map(|first| (*first).max(index));
        if own.is_none_or(|own| have(own).len() < majority) {
            let sentence = format!(
                "{node}, the leader of term {term}, applied entry {index} of an earlier term, but no majority had \
                 acknowledged an entry of term {term}. Until then another leader can overwrite entry {index}."
            );
            return Err(Violation::at(seen, "commits-by-copies", sentence));
        }
        Ok(())
    }
    /// A command is in the log at most as often as nodes were asked for it and did not answer `NotLeader`.
    fn was_not_refused(&self, seen: &Observation, command: &Command) -> Result<(), Violation> {
        let Some(Proposals { asked, refused, done, is_everybodys: false }) = self.proposals.get(command)
        else {
            return Ok(());
        };
        let (Some(index), Some((node, at))) = (done.last(), refused.values().next_back()) else {
            return Ok(());
        };
        if done.len() + refused.len() <= *asked {
            return Ok(());
        }
        let sentence = match asked {
            1 => format!(
                "{node} answered `NotLeader` to the only request for {command}, but {command} was applied as entry {index}. A node \
                 answers `NotLeader` only if it has not appended the command and never will."
            ),
            _ => format!(
                "{command} was proposed {asked} times, and nodes answered `NotLeader` {} times, {node} the last time. But {command} was applied as \
                 {} different entries. A node answers `NotLeader` only if it has not appended the command and never will.",
                refused.len(),
                done.len()
            ),
        };
        Err(Violation::at(seen, "not-leader", sentence)
            .because(*at, format!("{node} answers `NotLeader` for {command}")))
    }
    fn refuses(&mut self, seen: &Observation, request: RequestId) -> Result<(), Violation> {
        let Some(command) = self.requests.get(&request).cloned() else { return Ok(()) };
        let proposals = self.proposals.entry(command.clone()).or_default();
        proposals.refused.insert(request, (seen.node, seen.id));
        self.was_not_refused(seen, &command)
    }
    fn promises(&mut self, seen: &Observation, request: RequestId, index: Index) -> Result<(), Violation> {
        let Some(command) = self.requests.get(&request).cloned() else { return Ok(()) };
        self.reached.mark(PROMISED);
        if let Some(done) = self.done.get(&index)
            && done.command.as_ref() != Some(&command)
        {
            let sentence = format!(
                "{} told a client that {command} is committed as entry {index}, but {} had applied {} as entry {index}.",
                seen.node,
                done.node,
                what(&done.command)
            );
            let did = format!("{} applies {} as entry {index}", done.node, what(&done.command));
            return Err(Violation::at(seen, "honest-reply", sentence).because(done.at, did));
        }
        if let Some((teller, other)) = self.promised.get(&index)
            && *other != command
        {
            let sentence = format!(
                "{} told a client that {command} is committed as entry {index}, but {teller} had told a client that {other} \
                 is committed there.",
                seen.node
            );
            return Err(Violation::at(seen, "honest-reply", sentence));
        }
        self.promised.insert(index, (seen.node, command));
        Ok(())
    }
}

impl Oracle for Watch {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        self.now = seen.at;
        if self.many.is_empty() {
            let clients = world.scenario().clients.iter();
            self.many = clients.map(|client| (client.id, client.operations.len())).collect();
        }
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
            Seen::Emitted { .. } | Seen::Status { .. } | Seen::Returned { .. } if self.deadline.is_some() => {
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
            Seen::Invoked { client, operation } => {
                let asked = Asked { began: seen.at, at: seen.id, node, command: None, ended: None };
                self.operations.insert((*client, *operation), asked);
            }
            Seen::Returned { client, operation, .. } | Seen::GaveUp { client, operation } => {
                if let Some(asked) = self.operations.get_mut(&(*client, *operation)) {
                    asked.ended = Some(seen.at);
                }
            }
            Seen::Requested { request, bytes, operation, .. } => {
                if let Some(Request::Propose(command)) = lab::frame::decode(bytes) {
                    let asked = operation.and_then(|operation| self.operations.get_mut(&operation));
                    if let Some(asked) = asked {
                        asked.command = Some(command.clone());
                    }
                    self.asked.insert(command.clone());
                    self.proposals.entry(command.clone()).or_default().asked += 1;
                    self.requests.insert(*request, command);
                }
            }
            Seen::Delivered { from, bytes } => {
                if let Some(message) = super::read(bytes) {
                    self.hears(seen, *from, &message);
                }
            }
            Seen::Sent { to, bytes, .. } => {
                if self.goals.iter().any(|goal| matches!(goal, Goal::Few { .. })) {
                    self.sent.push((seen.at, node, bytes.len()));
                }
                if let Some(message) = super::read(bytes) {
                    self.sends(seen, *to, message)?;
                }
            }
            Seen::Status { bytes } => {
                if let Some(status) = lab::frame::decode::<Status>(bytes) {
                    self.in_term(seen, status.term)?;
                    let member = self.member(node);
                    let before = std::mem::replace(&mut member.status, status);
                    if status.term < before.term {
                        let sentence = format!(
                            "{node} went back from term {} to term {}. A node's term never decreases.",
                            before.term, status.term
                        );
                        return Err(Violation::at(seen, "term-goes-back", sentence));
                    }
                }
            }
            Seen::Emitted { .. } => match seen.emitted::<Raft>() {
                Some(Event::Leader { term }) => self.begins_to_lead(seen, term)?,
                Some(Event::Applied { index, command }) => self.applies(seen, index, command)?,
                None => {
                    let sentence = format!("{node} emitted something that is not an event of this exercise.");
                    return Err(Violation::at(seen, "unknown-event", sentence));
                }
            },
            Seen::Replied { request, bytes, heard: true, .. } => match lab::frame::decode(bytes) {
                Some(Response::Committed { index }) => self.promises(seen, *request, index)?,
                Some(Response::NotLeader { .. }) => self.refuses(seen, *request)?,
                None => {}
            },
            _ => {}
        }
        Ok(())
    }
}

fn what(command: &Option<Command>) -> String {
    command.as_ref().map_or("an entry without a command".to_owned(), Command::to_string)
}
pub(super) fn list(nodes: &BTreeSet<NodeId>) -> String {
    let names: Vec<String> = nodes.iter().map(NodeId::to_string).collect();
    match &names[..] {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// Entries that a leader sends after `prev`, each with its index. A submission may say any number: the last one is the last.
fn numbered(prev: Index, entries: &[Entry]) -> impl Iterator<Item = (Index, &Entry)> {
    (1..).zip(entries).map(move |(nth, entry)| (prev.saturating_add(nth), entry))
}
