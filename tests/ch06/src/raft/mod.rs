//! What Raft worlds are made of: clusters, clients, faults, and peers that follow a script.

mod conversation;
mod goals;
mod rules;
mod scribe;
mod tail;

pub(crate) use conversation::*;
pub(crate) use goals::Goal;
use kit::ms;
pub(crate) use rules::*;
pub(crate) use tail::*;

use judge::{Pick, entry};
use lab::raft::{Command, Config, Entry, Event, Index, Message, Raft, Request, Response, Term};
use lab::{Boot, Node, NodeId, Out, Role};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use world::{
    Chance, Client, DiskLoss, Fault, Harm, Link, Matcher, NodeSpec, Operation, Pattern, Scenario, Tail,
    Trigger, Until, When, Who,
};

pub(crate) const ENTRY: judge::Entry = entry!(ch06_consensus, lab::raft::exercise::<chapter::raft::Raft>());
pub(crate) const HEARTBEAT: Duration = ms(50);
pub(crate) const ELECTION_MIN: Duration = ms(200);
pub(crate) const ELECTION_MAX: Duration = ms(400);

pub(crate) fn config(nodes: u32) -> Config {
    Config { nodes, heartbeat: HEARTBEAT, election_min: ELECTION_MIN, election_max: ELECTION_MAX }
}
/// `n` nodes of the submission on a clean network, far faster than an election.
pub(crate) fn cluster(n: u32, end: Duration) -> Scenario {
    let mut scenario = Scenario::cluster::<Raft>(n, &config(n), end);
    scenario.network = Link::between(ms(1), ms(5));
    scenario.watch_status = true;
    for (spec, offset_s) in scenario.nodes.iter_mut().zip(OFFSETS_S.into_iter().cycle()) {
        spec.clock.offset_ns = offset_s * 1_000_000_000;
    }
    scenario
}
/// How far the nodes' wall clocks are off, in seconds: nothing in Raft rests on them.
const OFFSETS_S: [i64; 7] = [0, 2_400, -3_780, 5, -172_800, 86_400, -1];

/// The wall clocks of some nodes jump back or ahead, stand still from some time on, or run at another rate; or all stand still.
pub(crate) fn wrong_walls(pick: &mut Pick, scenario: &mut Scenario, n: u32, until: Duration) {
    let at = |pick: &mut Pick| When::At(ms(pick.number(0..=until.as_millis() as u64)));
    if pick.percent(40) {
        let when = at(pick);
        for node in nodes(n).into_iter().map(Who::Node) {
            scenario.faults.push(Fault::new(when.clone(), Harm::ClockFreeze { node }, Until::Never));
        }
        return;
    }
    for id in cast(pick, n).into_iter().take(pick.small(1..=n) as usize) {
        let node = Who::Node(id);
        let hour_ns = 3_600_000_000_000;
        let harm = match pick.small(0..=3) {
            0 => Harm::ClockJump { node, by_ns: -hour_ns },
            1 => Harm::ClockJump { node, by_ns: hour_ns },
            2 => Harm::ClockFreeze { node },
            _ => Harm::ClockDrift { node, ppm: -900_000 },
        };
        let when = at(pick);
        scenario.faults.push(Fault::new(when, harm, Until::Never));
    }
}
pub(crate) fn nodes(n: u32) -> Vec<NodeId> {
    (1..=n).map(NodeId).collect()
}
pub(crate) fn cast(pick: &mut Pick, n: u32) -> Vec<NodeId> {
    let mut cast = nodes(n);
    pick.shuffle(&mut cast);
    cast
}

// faults

pub(crate) fn from_to(from: Duration, until: Duration, harm: Harm) -> Fault {
    Fault::new(When::At(from), harm, Until::After(until.saturating_sub(from)))
}
pub(crate) fn on(pattern: Pattern, nth: u32, after: Duration) -> When {
    When::On { trigger: Trigger::Seen(pattern), nth, after }
}
pub(crate) fn leads() -> Pattern {
    Pattern::emit::<Raft>(|event| matches!(event, Event::Leader { .. }))
}
pub(crate) fn applies() -> Pattern {
    Pattern::emit::<Raft>(|event| matches!(event, Event::Applied { command: Some(_), .. }))
}
pub(crate) fn sends(fits: fn(&Message) -> bool) -> Pattern {
    Pattern { matches: Some(Matcher::typed(fits)), ..Pattern::of(world::SeenKind::Sent) }
}
pub(crate) fn apart(groups: Vec<Vec<NodeId>>) -> Harm {
    Harm::Partition { groups }
}
pub(crate) fn bad_links(loss: u32, duplication: u32, late: u32, late_max: Duration) -> Link {
    let tail = Tail { chance: Chance::percent(late), max: late_max };
    let mut link = Link::between(ms(1), ms(10));
    link.latency.tail = Some(tail);
    link.loss = Chance::percent(loss);
    link.duplication = Chance::percent(duplication);
    link
}
pub(crate) fn everywhere(link: Link) -> Harm {
    Harm::Links(world::LinkRule { from: None, to: None, link })
}
pub(crate) fn crash(node: Who, when: When, down: Duration, disk: DiskLoss) -> Fault {
    Fault::new(when, Harm::Crash { node, disk }, Until::After(down))
}
/// What goes wrong in a swarm, until `calm`: partitions of every shape, pauses, held answers.
pub(crate) fn trouble(pick: &mut Pick, scenario: &mut Scenario, n: u32, calm: Duration) {
    let late = ms(pick.number(20..=600));
    let link = bad_links(pick.small(0..=15), pick.small(0..=20), pick.small(0..=30), late);
    scenario.faults.push(from_to(Duration::ZERO, calm, everywhere(link)));
    for _ in 0..pick.small(1..=4) {
        let from = ms(pick.number(200..=calm.as_millis() as u64 - 200));
        let until = from + ms(pick.number(50..=900));
        let all = cast(pick, n);
        let half = pick.small(1..=(n - 1).max(1)) as usize;
        let harm = match pick.small(0..=5) {
            0 => apart(vec![all[..half].to_vec(), all[half..].to_vec()]),
            1 if n > 2 => apart(vec![all[1..half.max(2)].to_vec(), all[half.max(2)..].to_vec()]),
            2 => Harm::Cut { from: all[..half].to_vec(), to: all[half..].to_vec() },
            3 => Harm::Pause { node: Who::Node(all[0]) },
            4 => Harm::Hold { from: Some(all[0]), to: None, nth: None, matches: None, what: None },
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
        scenario.faults.push(Fault::new(when, Harm::Isolate { node: Who::Culprit }, until));
    }
}

// clients

pub(crate) fn command(client: u32, nth: u32) -> Command {
    Command(format!("{client}.{nth}").into_bytes())
}
/// A client that proposes one command after another, to one node after another until one commits it.
pub(crate) fn client(id: u32, commands: Vec<Command>, first: Duration, to: Vec<NodeId>) -> Client {
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
pub(crate) fn clients(
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
pub(crate) fn proposed(scenario: &Scenario) -> Vec<Command> {
    let requests = scenario.clients.iter().flat_map(|client| &client.operations);
    let command = |request: Request| match request {
        Request::Propose(command) => command,
    };
    requests.filter_map(|operation| lab::frame::decode(&operation.request).map(command)).collect()
}

// messages

/// Terms and indexes above this are taken for it, so that rules and puppets can count on from whatever a submission sends.
const HIGHEST: u64 = u64::MAX >> 8;

/// A message that a node has sent.
pub(crate) fn read(bytes: &[u8]) -> Option<Message> {
    lab::frame::decode(bytes).map(bounded)
}
fn bounded(mut message: Message) -> Message {
    let bound = |number: &mut u64| *number = HIGHEST.min(*number);
    match &mut message {
        Message::RequestVote { term, last_index, last_term, .. } => {
            [term, last_index, last_term].into_iter().for_each(bound);
        }
        Message::Vote { term, .. } => bound(term),
        Message::AppendEntries { term, prev_index, prev_term, entries, commit } => {
            [term, prev_index, prev_term, commit].into_iter().for_each(bound);
            entries.iter_mut().for_each(|entry| bound(&mut entry.term));
        }
        Message::Appended { term, index, .. } => [term, index].into_iter().for_each(bound),
        Message::Extension(_) => {}
    }
    message
}

// peers that the suite plays

/// A peer of the suite's own: it says what its script says when its time has come, and answers as the script says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Script {
    /// After how long, to whom, what.
    pub(crate) says: Vec<(Duration, NodeId, Message)>,
    pub(crate) on_vote: OnVote,
    pub(crate) on_append: OnAppend,
    /// From when until when it answers entries; always, if empty.
    pub(crate) answers: Option<(Duration, Duration)>,
}
/// What it does when somebody asks for its vote. Pre-votes are granted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OnVote {
    #[default]
    Silent,
    Grant,
    /// Refuses, from a term that is so much higher.
    FromTerm(Term),
    /// It is in this term and has voted in it: it refuses whatever is about a term up to this one, pre-votes too, and grants the rest.
    Since(Term),
    /// It leads that term already.
    Lead,
    /// It stands in the same term, so much later.
    Stand(Duration),
}
/// What it does when somebody leads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OnAppend {
    #[default]
    Silent,
    Take,
    /// Takes entries, and says so this much later.
    Late(Duration),
    /// Refuses, from a term that is so much higher.
    FromTerm(Term),
    /// It leads an earlier term and thinks that it still does.
    LeadBefore,
    /// The messages of the first leader that it hears of reach it only when it is in later terms: there it refuses the first of
    /// them, and takes what the leader of that term sends.
    RefuseLate,
}
pub(crate) enum Scripted {}
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
struct Puppet {
    script: Script,
    began: lab::Instant,
    /// The first term in which it was sent entries, and what they were to follow.
    first: Option<(Term, Index)>,
}
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
        Puppet { script: boot.config, began: out.now(), first: None }
    }
    fn on_timer(&mut self, cue: Cue, out: &mut Out<Self>) {
        match cue {
            Cue::Say(nth) => {
                let (_, to, message) = &self.script.says[nth];
                out.send(*to, message.clone());
            }
            Cue::Stand { term, to } => out.send(to, asks(term, 0, 0)),
            Cue::Answer { term, index, to } => out.send(to, took(term, index)),
        }
    }
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match bounded(message) {
            Message::RequestVote { term, pre_vote, .. } if matches!(self.script.on_vote, OnVote::Since(known) if term <= known) =>
            {
                let OnVote::Since(known) = self.script.on_vote else { return };
                out.send(from, Message::Vote { term: known, granted: false, pre_vote });
            }
            Message::RequestVote { term, pre_vote: true, .. } => {
                out.send(from, Message::Vote { term, granted: true, pre_vote: true });
            }
            Message::RequestVote { term, .. } => match self.script.on_vote {
                OnVote::Silent => {}
                OnVote::Grant | OnVote::Since(_) => {
                    out.send(from, Message::Vote { term, granted: true, pre_vote: false })
                }
                OnVote::FromTerm(higher) => {
                    let term = term.saturating_add(higher);
                    out.send(from, Message::Vote { term, granted: false, pre_vote: false });
                }
                OnVote::Lead => out.send(from, append(term, (0, 0), vec![], 0)),
                OnVote::Stand(after) => out.set_timer(after, Cue::Stand { term, to: from }),
            },
            Message::AppendEntries { term, prev_index, entries, .. } => match self.script.on_append {
                _ if self.script.answers.is_some_and(|(since, until)| {
                    let now = out.now() - self.began;
                    now < since || now >= until
                }) => {}
                OnAppend::Silent => {}
                OnAppend::RefuseLate => {
                    let (first, index) = *self.first.get_or_insert((term, prev_index));
                    if term > first {
                        out.send(from, Message::Appended { term, success: false, index, conflict: None });
                        out.send(from, took(term, prev_index.saturating_add(entries.len() as Index)));
                    }
                }
                OnAppend::Late(after) if prev_index > 0 || !entries.is_empty() => {
                    let index = prev_index.saturating_add(entries.len() as Index);
                    out.set_timer(after, Cue::Answer { term, index, to: from });
                }
                OnAppend::Take | OnAppend::Late(_) => {
                    out.send(from, took(term, prev_index.saturating_add(entries.len() as Index)));
                }
                OnAppend::FromTerm(higher) => {
                    let (term, index) = (term.saturating_add(higher), prev_index);
                    out.send(from, Message::Appended { term, success: false, index, conflict: None });
                }
                OnAppend::LeadBefore => out.send(from, append(term.saturating_sub(1), (0, 0), vec![], 0)),
            },
            _ => {}
        }
    }
}
/// `n1` is the submission's; the others follow these scripts.
pub(crate) fn against(scripts: Vec<Script>, end: Duration) -> Scenario {
    let n = scripts.len() as u32 + 1;
    let mut scenario = cluster(n, end);
    scenario.network = Link::fixed(ms(1));
    for (spec, script) in scenario.nodes[1..].iter_mut().zip(scripts) {
        *spec = puppet(spec.id, &script);
    }
    scenario
}
pub(crate) fn puppet(id: NodeId, script: &Script) -> NodeSpec {
    NodeSpec::puppet::<Scripted>(id, script, Role::node::<Puppet>)
}
pub(crate) fn asks(term: Term, last_index: Index, last_term: Term) -> Message {
    Message::RequestVote { term, last_index, last_term, pre_vote: false }
}
pub(crate) fn append(term: Term, prev: (Index, Term), entries: Vec<Entry>, commit: Index) -> Message {
    let (prev_index, prev_term) = prev;
    Message::AppendEntries { term, prev_index, prev_term, entries, commit }
}
fn took(term: Term, index: Index) -> Message {
    Message::Appended { term, success: true, index, conflict: None }
}
pub(crate) fn entry(term: Term, name: &str) -> Entry {
    Entry { term, command: Some(name.into()) }
}

/// From `well` on nothing goes wrong; then one more command is proposed, which commits what was left over from earlier terms
/// (§8); and then all of these must have been done everywhere.
pub(crate) fn in_the_end(
    scenario: &mut Scenario,
    n: u32,
    well: Duration,
    mut commands: Vec<Command>,
) -> Vec<Goal> {
    scenario.calm = Some((well, Link::between(ms(1), ms(5))));
    let last = Command::from("last");
    let asked = well + ELECTION_MAX;
    let by = asked + ELECTION_MAX * 14;
    scenario.clients.push(client(99, vec![last.clone()], asked, nodes(n)));
    scenario.end = by + ms(10);
    commands.push(last);
    vec![Goal::Done { by, on: nodes(n), commands }]
}
