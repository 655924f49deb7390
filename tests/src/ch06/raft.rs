//! What all Raft worlds have in common: the rules that hold in each of them, and the parts they are made of.
//!
//! The rules judge messages, announcements and answers, never how a node came to them: every one of them follows from the
//! paper's Figure 2 and Figure 3 for any design that speaks the contract's messages.

use judge::{Case, Oracle, Pick, Reached, Violation};
use lab::raft::{
    Command, Config, Entry, Event, Index, Message, Position, Raft, Request, Response, Status, Term,
};
use lab::{Boot, Node, NodeId, Out, RequestId, Role};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{
    Cause, Chance, Client, DiskLoss, Fault, Harm, Link, Matcher, NodeKind, NodeSpec, Observation,
    ObservationId, Operation, Pattern, Scenario, Seen, Tail, Time, Trigger, Until, When, Who, World,
};

pub(super) const ENTRY: &str = "lab::raft::exercise::<chapter::raft::Raft>()";
pub(super) const HEARTBEAT: Duration = ms(50);
pub(super) const ELECTION_MIN: Duration = ms(200);
pub(super) const ELECTION_MAX: Duration = ms(400);

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
pub(super) fn config(nodes: u32) -> Config {
    Config { nodes, heartbeat: HEARTBEAT, election_min: ELECTION_MIN, election_max: ELECTION_MAX }
}
/// `n` nodes of the submission on a clean network, far faster than an election.
pub(super) fn cluster(n: u32, end: Duration) -> Scenario {
    let mut scenario = Scenario::cluster::<Raft>(n, &config(n), end);
    scenario.network = Link::between(ms(1), ms(5));
    scenario.watch_status = true;
    scenario.limits.events = 100_000;
    scenario
}
pub(super) fn nodes(n: u32) -> Vec<NodeId> {
    (1..=n).map(NodeId).collect()
}
pub(super) fn cast(pick: &mut Pick, n: u32) -> Vec<NodeId> {
    let mut cast = nodes(n);
    pick.shuffle(&mut cast);
    cast
}

// faults

pub(super) fn from_to(from: Duration, until: Duration, harm: Harm) -> Fault {
    Fault { when: When::At(from), harm, until: Until::After(until.saturating_sub(from)) }
}
pub(super) fn on(pattern: Pattern, nth: u32, after: Duration) -> When {
    When::On { trigger: Trigger::Seen(pattern), nth, after }
}
pub(super) fn leads() -> Pattern {
    Pattern::emit::<Raft>(|event| matches!(event, Event::Leader { .. }))
}
pub(super) fn applies() -> Pattern {
    Pattern::emit::<Raft>(|event| matches!(event, Event::Applied { command: Some(_), .. }))
}
pub(super) fn sends(fits: fn(&Message) -> bool) -> Pattern {
    Pattern { matches: Some(Matcher::typed(fits)), ..Pattern::of(world::SeenKind::Sent) }
}
pub(super) fn apart(groups: Vec<Vec<NodeId>>) -> Harm {
    Harm::Partition { groups }
}
pub(super) fn bad_links(loss: u32, duplication: u32, late: u32, late_max: Duration) -> Link {
    let tail = Tail { chance: Chance::percent(late), max: late_max };
    let mut link = Link::between(ms(1), ms(10));
    link.latency.tail = Some(tail);
    link.loss = Chance::percent(loss);
    link.duplication = Chance::percent(duplication);
    link
}
pub(super) fn everywhere(link: Link) -> Harm {
    Harm::Links(world::LinkRule { from: None, to: None, link })
}
pub(super) fn crash(node: Who, when: When, down: Duration, disk: DiskLoss) -> Fault {
    Fault { when, harm: Harm::Crash { node, disk }, until: Until::After(down) }
}
/// What goes wrong in a swarm, until `calm`: partitions of every shape, pauses, held answers.
pub(super) fn trouble(pick: &mut Pick, scenario: &mut Scenario, n: u32, calm: Duration) {
    let late = ms(pick.number(20..=600));
    let link = bad_links(pick.small(0..=15), pick.small(0..=20), pick.small(0..=30), late);
    scenario.faults.push(from_to(Duration::ZERO, calm, everywhere(link)));
    for _ in 0..pick.small(1..=4) {
        let from = ms(pick.number(200..=calm.as_millis() as u64 - 200));
        let until = from + ms(pick.number(50..=900));
        let all = cast(pick, n);
        let half = pick.small(1..=n - 1) as usize;
        let harm = match pick.small(0..=5) {
            0 => apart(vec![all[..half].to_vec(), all[half..].to_vec()]),
            1 if n > 2 => apart(vec![all[1..half.max(2)].to_vec(), all[half.max(2)..].to_vec()]),
            2 => Harm::Cut { from: all[..half].to_vec(), to: all[half..].to_vec() },
            3 => Harm::Pause { node: Who::Node(all[0]) },
            4 => Harm::Hold { from: Some(all[0]), to: None, nth: None, matches: None },
            _ => Harm::Isolate { node: Who::Node(all[0]) },
        };
        scenario.faults.push(from_to(from, until.min(calm), harm));
    }
    if pick.percent(50) {
        // who leads is cut off, as it begins to or as it commits
        let (pattern, after) =
            if pick.percent(50) { (leads(), ms(100)) } else { (applies(), Duration::ZERO) };
        let when = on(pattern, pick.small(1..=3), pick.micros(0..=after.as_micros() as u64));
        let until = Until::After(ms(pick.number(300..=1_200)));
        scenario.faults.push(Fault { when, harm: Harm::Isolate { node: Who::Culprit }, until });
    }
}

// clients

pub(super) fn command(client: u32, nth: u32) -> Command {
    Command(format!("{client}.{nth}").into_bytes())
}
/// A client that proposes one command after another, to one node after another until one commits it.
pub(super) fn client(id: u32, commands: Vec<Command>, first: Duration, to: Vec<NodeId>) -> Client {
    let mut operations: Vec<Operation> = (1..)
        .zip(commands)
        .map(|(nth, command)| Operation {
            to: to.clone(),
            ..Operation::next::<Raft>(nth, to[0], &Request::Propose(command))
        })
        .collect();
    operations[0].at = Some(When::At(first));
    Client {
        think: ms(10),
        timeout: Some(ms(600)),
        attempts: 250,
        accepts: Some(Matcher::typed(|response: &Response| matches!(response, Response::Committed { .. }))),
        ..Client::new(id, operations)
    }
}
pub(super) fn clients(
    scenario: &mut Scenario,
    pick: &mut Pick,
    n: u32,
    many: u32,
    each: u32,
    first: Duration,
) {
    for id in 1..=many {
        let commands = (1..=each).map(|nth| command(id, nth)).collect();
        let to = cast(pick, n);
        scenario.clients.push(client(id, commands, first + ms(7) * id, to));
    }
}
/// All commands that clients of a scenario propose.
pub(super) fn proposed(scenario: &Scenario) -> Vec<Command> {
    let requests = scenario.clients.iter().flat_map(|client| &client.operations);
    let command = |request: Request| match request {
        Request::Propose(command) => command,
    };
    requests.filter_map(|operation| lab::frame::decode(&operation.request).map(command)).collect()
}

// peers that the suite plays

/// A peer of the suite's own: it says what its script says when its time has come, and answers as the script says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Script {
    /// After how long, to whom, what.
    pub(super) says: Vec<(Duration, NodeId, Message)>,
    pub(super) on_vote: OnVote,
    pub(super) on_append: OnAppend,
    /// From when until when it answers entries; always, if empty.
    pub(super) answers: Option<(Duration, Duration)>,
}
/// What it does when somebody asks for its vote. Pre-votes are granted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum OnVote {
    #[default]
    Silent,
    Grant,
    /// Refuses, from a term that is so much higher.
    FromTerm(Term),
    /// It leads that term already.
    Lead,
    /// It stands in the same term, so much later.
    Stand(Duration),
}
/// What it does when somebody leads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum OnAppend {
    #[default]
    Silent,
    Take,
    /// Takes entries, and says so this much later.
    Late(Duration),
    /// Refuses, from a term that is so much higher.
    FromTerm(Term),
    /// It leads an earlier term and thinks that it still does.
    LeadBefore,
}
pub(super) enum Scripted {}
impl lab::Contract for Scripted {
    const ROLE: &'static str = "raft/puppet";
    type Config = Script;
    type Request = lab::Nothing;
    type Response = lab::Nothing;
    type Event = lab::Nothing;
    type Status = ();
    type Call = lab::Nothing;
    type Answer = lab::Nothing;
}
struct Puppet(Script, lab::Instant);
#[derive(Debug, Serialize, Deserialize)]
enum Cue {
    Say(usize),
    Stand { term: Term, to: NodeId },
    Answer { term: Term, index: Index, to: NodeId },
}
impl Node for Puppet {
    type Contract = Scripted;
    type Message = Message;
    type Timer = Cue;
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        for (nth, (after, ..)) in boot.config.says.iter().enumerate() {
            out.set_timer(*after, Cue::Say(nth));
        }
        Puppet(boot.config, out.now())
    }
    fn on_timer(&mut self, cue: Cue, out: &mut Out<Self>) {
        match cue {
            Cue::Say(nth) => {
                let (_, to, message) = &self.0.says[nth];
                out.send(*to, message.clone());
            }
            Cue::Stand { term, to } => out.send(to, asks(term, 0, 0)),
            Cue::Answer { term, index, to } => out.send(to, took(term, index)),
        }
    }
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::RequestVote { term, pre_vote: true, .. } => {
                out.send(from, Message::Vote { term, granted: true, pre_vote: true });
            }
            Message::RequestVote { term, .. } => match self.0.on_vote {
                OnVote::Silent => {}
                OnVote::Grant => out.send(from, Message::Vote { term, granted: true, pre_vote: false }),
                OnVote::FromTerm(higher) => {
                    let term = term + higher;
                    out.send(from, Message::Vote { term, granted: false, pre_vote: false });
                }
                OnVote::Lead => out.send(from, append(term, (0, 0), vec![], 0)),
                OnVote::Stand(after) => out.set_timer(after, Cue::Stand { term, to: from }),
            },
            Message::AppendEntries { term, prev_index, entries, .. } => match self.0.on_append {
                _ if self.0.answers.is_some_and(|(since, until)| {
                    let now = out.now() - self.1;
                    now < since || now >= until
                }) => {}
                OnAppend::Silent => {}
                OnAppend::Late(after) if prev_index > 0 || !entries.is_empty() => {
                    let index = prev_index + entries.len() as Index;
                    out.set_timer(after, Cue::Answer { term, index, to: from });
                }
                OnAppend::Take | OnAppend::Late(_) => {
                    out.send(from, took(term, prev_index + entries.len() as Index));
                }
                OnAppend::FromTerm(higher) => {
                    let (term, index) = (term + higher, prev_index);
                    out.send(from, Message::Appended { term, success: false, index, conflict: None });
                }
                OnAppend::LeadBefore => out.send(from, append(term - 1, (0, 0), vec![], 0)),
            },
            _ => {}
        }
    }
}
/// `n1` is the submission's; the others follow these scripts.
pub(super) fn against(scripts: Vec<Script>, end: Duration) -> Scenario {
    let n = scripts.len() as u32 + 1;
    let mut scenario = cluster(n, end);
    scenario.network = Link::fixed(ms(1));
    for (spec, script) in scenario.nodes[1..].iter_mut().zip(scripts) {
        *spec = puppet(spec.id, &script);
    }
    scenario
}
pub(super) fn puppet(id: NodeId, script: &Script) -> NodeSpec {
    NodeSpec::puppet::<Scripted>(id, script, || Role::node::<Puppet>())
}
pub(super) fn asks(term: Term, last_index: Index, last_term: Term) -> Message {
    Message::RequestVote { term, last_index, last_term, pre_vote: false }
}
pub(super) fn append(term: Term, prev: (Index, Term), entries: Vec<Entry>, commit: Index) -> Message {
    let (prev_index, prev_term) = prev;
    Message::AppendEntries { term, prev_index, prev_term, entries, commit }
}
fn took(term: Term, index: Index) -> Message {
    Message::Appended { term, success: true, index, conflict: None }
}
pub(super) fn entry(term: Term, name: &str) -> Entry {
    Entry { term, command: Some(name.into()) }
}

// goals

/// What must have come true by some time.
#[derive(Debug, Clone)]
pub(super) enum Goal {
    /// One of these leads, and the others of them are in its term.
    Led { by: Duration, among: Vec<NodeId> },
    /// So many terms began to have a leader since.
    Changed { since: Duration, by: Duration, times: usize },
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
    /// So many messages at most.
    Few { since: Duration, by: Duration, messages: u64, bytes: u64, about: &'static str },
}
impl Goal {
    fn by(&self) -> Time {
        match self {
            Goal::Led { by, .. }
            | Goal::Changed { by, .. }
            | Goal::Calm { by, .. }
            | Goal::Done { by, .. }
            | Goal::Said { by, .. }
            | Goal::Unsaid { by, .. }
            | Goal::Few { by, .. } => Time::ZERO + *by,
        }
    }
}

/// From `well` on nothing goes wrong; a while later one more command is proposed, which commits what was left over from
/// earlier terms (§8); and then all of these must have been done everywhere.
pub(super) fn in_the_end(
    scenario: &mut Scenario,
    n: u32,
    well: Duration,
    mut commands: Vec<Command>,
) -> Vec<Goal> {
    scenario.calm = Some((well, Link::between(ms(1), ms(5))));
    let last = Command::from("last");
    let asked = well + ELECTION_MAX * 5;
    let by = asked + ELECTION_MAX * 10;
    scenario.clients.push(client(99, vec![last.clone()], asked, nodes(n)));
    scenario.end = by + ms(10);
    commands.push(last);
    vec![Goal::Done { by, on: nodes(n), commands }]
}

/// A case of Raft: the rules, and goals besides.
pub(super) fn case(scenario: Scenario, goals: Vec<Goal>) -> Case {
    judged(scenario, goals, true)
}
/// A case that is about its goals only: what breaks a rule there breaks it in the checks that are about rules, too.
pub(super) fn goals_only(scenario: Scenario, goals: Vec<Goal>) -> Case {
    judged(scenario, goals, false)
}
fn judged(scenario: Scenario, mut goals: Vec<Goal>, rules: bool) -> Case {
    goals.sort_by_key(|goal| std::cmp::Reverse(goal.by()));
    let guests = scenario
        .nodes
        .iter()
        .filter(|spec| matches!(spec.kind, NodeKind::Guest))
        .map(|spec| spec.id)
        .collect();
    let n = scenario.nodes.len();
    Case::new(scenario, Watch { n, guests, goals, rules, ..Watch::default() })
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
    /// The next is the last.
    goals: Vec<Goal>,
    reached: Reached,
    members: BTreeMap<NodeId, Member>,
    /// Who leads a term, and since when.
    leaders: BTreeMap<Term, (NodeId, Time)>,
    /// For whom a node has voted in a term.
    votes: BTreeMap<(NodeId, Term), NodeId>,
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
    /// What `Goal::Said` and `Goal::Unsaid` ask about.
    said: Vec<(Time, NodeId, Message)>,
    /// A node that was told of a term, and must have followed when its next event comes.
    told: BTreeMap<NodeId, Told>,
    /// The last entries that a node was handed, and that it may answer: where, of which term, up to which index.
    handed: BTreeMap<NodeId, (ObservationId, Term, Index)>,
}
struct Done {
    node: NodeId,
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
    applied: Index,
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
    done: BTreeMap<Command, Time>,
}

impl Watch {
    fn member(&mut self, node: NodeId) -> &mut Member {
        self.members.entry(node).or_default()
    }

    fn begins_to_lead(&mut self, seen: &Observation, term: Term) -> Result<(), Violation> {
        let node = seen.node;
        self.reached.mark(LED);
        self.reached.mark_if(DEPOSED, self.leaders.values().any(|(leader, _)| *leader != node));
        if let Some((other, since)) = self.leaders.insert(term, (node, seen.at))
            && other != node
        {
            let sentence = format!(
                "{node} and {other} both lead term {term}: {other} since {since}, {node} since {}.",
                seen.at
            );
            return Err(Violation::at(seen, sentence));
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
                let others =
                    self.votes.iter().any(|((voter, t), whom)| t == term && voter == whom && *voter != node);
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
                    return Err(Violation::at(seen, sentence));
                }
                self.log_matching(seen, *term, *prev_index, *prev_term, entries)?;
            }
            Message::Appended { success: true, index, .. } => {
                if let Some((id, asked, last)) = self.handed.get(&node)
                    && seen.cause == Cause::Observation(*id)
                {
                    let now = self.members.get(&node).map_or(0, |member| member.term);
                    let sentence = if *asked < now {
                        format!(
                            "{node} took entries from {to} as the leader of term {asked}, though it had been in term {now}."
                        )
                    } else if index > last {
                        format!(
                            "{node} told {to} that their logs agree up to entry {index}, but what {to} had sent ends with entry {last}."
                        )
                    } else {
                        String::new()
                    };
                    if !sentence.is_empty() {
                        return Err(Violation::at(seen, sentence));
                    }
                }
            }
            _ => {}
        }
        if self.goals.iter().any(|goal| matches!(goal, Goal::Said { .. } | Goal::Unsaid { .. })) {
            self.said.push((seen.at, node, message));
        }
        Ok(())
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
        member.term = member.term.max(*term);
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
        Err(Violation::at(seen, sentence))
    }
    fn votes_for(&mut self, seen: &Observation, term: Term, whom: NodeId) -> Result<(), Violation> {
        let node = seen.node;
        let before = *self.votes.entry((node, term)).or_insert(whom);
        if before == whom {
            return Ok(());
        }
        let first = if before == node { "itself".to_owned() } else { before.to_string() };
        let second = if whom == node { "itself".to_owned() } else { whom.to_string() };
        let sentence =
            format!("{node} voted twice in term {term}: for {first}, and at {} for {second}.", seen.at);
        Err(Violation::at(seen, sentence))
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
                return Err(Violation::at(seen, sentence));
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
                self.handed.insert(node, (seen.id, *term, reach));
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
        Err(Violation { sentence, at: at.map(|seen| seen.id) })
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
            self.member(node).done.entry(command.clone()).or_insert(seen.at);
        }
        let at = |sentence: String| Err(Violation::at(seen, sentence));
        let next = self.member(node).applied + 1;
        if index != next {
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
            return at(format!("{node} did {} as entry {index}, where {first} did {other}.", what(&command)));
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
        self.member(node).applied = index;
        self.done.entry(index).or_insert(Done { node, command, term });
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
            return Err(Violation::at(seen, sentence));
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

    /// Whether what had to be by its time is.
    fn has_come_true(&self, goal: &Goal) -> Result<(), Violation> {
        let never = |sentence: String| Err(Violation::never(sentence));
        let by = goal.by();
        match goal {
            Goal::Led { among, .. } => {
                let status =
                    |node: &NodeId| self.members.get(node).map(|member| member.status).unwrap_or_default();
                let highest = among.iter().map(|node| status(node).term).max().unwrap_or(0);
                let leader = among
                    .iter()
                    .find(|node| status(node).position == Position::Leader && status(node).term == highest);
                let who = list(&among.iter().copied().collect());
                let Some(leader) = leader else {
                    let shown: Vec<String> = among
                        .iter()
                        .map(|node| {
                            format!(
                                "{node} is a {} in term {}",
                                format!("{:?}", status(node).position).to_lowercase(),
                                status(node).term
                            )
                        })
                        .collect();
                    return never(format!(
                        "None of {who} leads at {by}, though they are a majority and could talk to each other for long enough: {}.",
                        shown.join(", ")
                    ));
                };
                match among.iter().find(|node| status(node).term != highest) {
                    Some(other) => never(format!(
                        "{leader} leads term {highest} at {by}, and {other} is still in term {}.",
                        status(other).term
                    )),
                    None => Ok(()),
                }
            }
            Goal::Changed { since, times, .. } => {
                let since = Time::ZERO + *since;
                let led = self.leaders.values().filter(|(_, at)| *at > since && *at <= by).count();
                if led < *times {
                    return never(format!(
                        "Between {since} and {by} the leader was cut off, and all others could talk to each other for long enough, {times} \
                         times; a new one began to lead {led} times."
                    ));
                }
                Ok(())
            }
            Goal::Calm { since, .. } => {
                let since = Time::ZERO + *since;
                match self.leaders.iter().find(|(_, (_, at))| *at > since && *at <= by) {
                    Some((term, (node, at))) => never(format!(
                        "{node} began to lead term {term} at {at}, though nothing went wrong since long before {since}: a leader whom all \
                         hear stays."
                    )),
                    None => Ok(()),
                }
            }
            Goal::Done { on, commands, .. } => {
                for node in on {
                    let done = self.members.get(node).map(|member| &member.done);
                    let lacks = commands
                        .iter()
                        .find(|command| done.is_none_or(|done| done.get(command).is_none_or(|at| *at > by)));
                    if let Some(command) = lacks {
                        let others =
                            self.members.iter().filter(|(_, member)| member.done.contains_key(command));
                        let others: BTreeSet<NodeId> = others.map(|(other, _)| *other).collect();
                        let but = match others.is_empty() {
                            true => "nor did anyone else".to_owned(),
                            false => format!("though {} did", list(&others)),
                        };
                        return never(format!("{node} had not done {command} by {by}, {but}."));
                    }
                }
                Ok(())
            }
            Goal::Said { since, node, times, what, or, .. } => {
                let since = Time::ZERO + *since;
                let said = self
                    .said
                    .iter()
                    .filter(|(at, who, m)| *at > since && *at <= by && who == node && what(m));
                if said.count() < *times { never(format!("{node} {or}")) } else { Ok(()) }
            }
            Goal::Unsaid { since, node, what, or, .. } => {
                let since = Time::ZERO + *since;
                let said =
                    self.said.iter().any(|(at, who, m)| *at > since && *at <= by && who == node && what(m));
                if said { never(format!("{node} {or}")) } else { Ok(()) }
            }
            Goal::Few { since, messages, bytes, about, .. } => {
                let since = Time::ZERO + *since;
                let sent = self.sent.iter().filter(|(at, ..)| *at > since && *at <= by);
                let (many, long) =
                    sent.fold((0, 0), |(many, long), (.., size)| (many + 1, long + *size as u64));
                if many > *messages {
                    return never(format!(
                        "The {} nodes sent each other {many} messages for {about}: at most {messages} will do.",
                        self.n
                    ));
                }
                if long > *bytes {
                    return never(format!(
                        "The {} nodes sent each other {long} bytes for {about}: at most {bytes} will do.",
                        self.n
                    ));
                }
                Ok(())
            }
        }
    }
    fn goals_until(&mut self, now: Option<Time>) -> Result<(), Violation> {
        while self.goals.last().is_some_and(|goal| now.is_none_or(|now| goal.by() < now)) {
            let goal = self.goals.pop().expect("there is a last one");
            self.has_come_true(&goal)?;
        }
        Ok(())
    }
}

impl Oracle for Watch {
    fn see(&mut self, _world: &World, seen: &Observation) -> Result<(), Violation> {
        self.goals_until(Some(seen.at))?;
        if !self.guests.contains(&seen.node) {
            return Ok(());
        }
        let judged = self.learn(seen);
        if self.rules { judged } else { Ok(()) }
    }
    fn end(&mut self, _world: &World, reached: &mut Reached) -> Result<(), Violation> {
        let told: Vec<NodeId> = self.told.keys().copied().filter(|_| self.rules).collect();
        for node in told {
            self.must_follow(node, None)?;
        }
        self.goals_until(None)?;
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
