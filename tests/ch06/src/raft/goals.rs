//! What must come true in a world of Raft, and by when; where it has not, what to say of it.

use super::rules::{Asked, Forgot, Member, Watch, list};
use judge::Violation;
use lab::NodeId;
use lab::raft::{Command, Message, Position, Status, Term};
use std::collections::BTreeMap;
use std::time::Duration;
use world::{ClientId, ObservationId, OperationId, Time};

/// What must have come true by some time. A world with goals is over when all of them have come true.
#[derive(Debug, Clone)]
pub(crate) enum Goal {
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
    /// Each operation of this client that has begun is answered within this.
    Served { client: ClientId, within: Duration },
    /// Each command of this client that was committed has been done by each of these nodes within this of the end of the next
    /// operation, which is when the node that was away is back.
    CaughtUp { client: ClientId, on: Vec<NodeId>, within: Duration },
    /// So many messages at most.
    Few { since: Duration, by: Duration, messages: u64, bytes: u64, about: &'static str },
}

impl Watch {
    pub(super) fn by(&self, goal: &Goal) -> Time {
        match goal {
            Goal::Led { by, .. }
            | Goal::Calm { by, .. }
            | Goal::Done { by, .. }
            | Goal::Said { by, .. }
            | Goal::Unsaid { by, .. }
            | Goal::Waits { by, .. }
            | Goal::Few { by, .. } => Time::ZERO + *by,
            Goal::Followed { within, .. } => self.last_began() + *within,
            Goal::Served { client, within } => match self.unserved(*client) {
                Some((_, asked)) => asked.began + *within,
                None => self.now + *within,
            },
            Goal::CaughtUp { client, on, within } => {
                let lagging = self.lagging(*client, on).map(|(since, ..)| since + *within).min();
                lagging.unwrap_or(self.now + *within)
            }
        }
    }
    /// Operations of a client, in order.
    fn operations_of(&self, client: ClientId) -> impl Iterator<Item = (&(ClientId, OperationId), &Asked)> {
        self.operations.range((client, OperationId(0))..=(client, OperationId(u32::MAX)))
    }
    fn unserved(&self, client: ClientId) -> Option<(&(ClientId, OperationId), &Asked)> {
        self.operations_of(client).find(|(_, asked)| asked.ended.is_none())
    }
    /// Whether a client has asked all that it has to ask, and was answered.
    fn is_served(&self, client: ClientId, is_end: bool) -> bool {
        let ended = self.operations_of(client).filter(|(_, asked)| asked.ended.is_some()).count();
        // what followed an operation that was taken out is never asked
        ended == self.many.get(&client).copied().unwrap_or(0) || is_end && self.unserved(client).is_none()
    }
    /// Nodes that have not done a committed command of this client: since when they are to do it, and which.
    fn lagging<'a>(
        &'a self,
        client: ClientId,
        on: &'a [NodeId],
    ) -> impl Iterator<Item = (Time, NodeId, &'a Command)> {
        let all: Vec<&Asked> = self.operations_of(client).map(|(_, asked)| asked).collect();
        let since = (0..all.len()).filter_map(move |place| {
            let command = all[place].command.as_ref()?;
            let ended = all[place].ended?;
            // the next one may have begun while a node was still away
            let since = match all.get(place + 1) {
                Some(next) => next.ended.unwrap_or(Time::NEVER),
                None => ended,
            };
            Some((since, command))
        });
        since.flat_map(move |(since, command)| {
            let lacks = move |node: &&NodeId| {
                let done = self.members.get(node).map(|member| &member.done);
                done.is_none_or(|done| !done.contains_key(command))
            };
            on.iter().filter(lacks).map(move |node| (since, *node, command))
        })
    }
    /// When somebody last began to lead.
    pub(super) fn last_began(&self) -> Time {
        self.leaders.values().map(|(_, since)| *since).max().unwrap_or(Time::ZERO)
    }
    pub(super) fn status(&self, node: &NodeId) -> Status {
        self.members.get(node).map(|member| member.status).unwrap_or_default()
    }
    /// What the node has sent between two times.
    pub(super) fn said(
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
    pub(super) fn stood_too_soon(
        &self,
        node: NodeId,
        at_least: Duration,
    ) -> Option<[(Time, ObservationId); 2]> {
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
    pub(super) fn spent(&self, since: Duration, by: Duration) -> (u64, u64) {
        let (since, by) = (Time::ZERO + since, Time::ZERO + by);
        let sent = self.sent.iter().filter(|(at, ..)| *at > since && *at <= by);
        sent.fold((0, 0), |(many, long), (.., size)| (many + 1, long + *size as u64))
    }
    /// The node that sent most between two times, and how many messages, or bytes.
    fn sent_most(&self, since: Duration, by: Duration, is_bytes: bool) -> Option<(NodeId, u64)> {
        let (since, by) = (Time::ZERO + since, Time::ZERO + by);
        let mut of: BTreeMap<NodeId, u64> = BTreeMap::new();
        for (_, node, size) in self.sent.iter().filter(|(at, ..)| *at > since && *at <= by) {
            *of.entry(*node).or_default() += if is_bytes { *size as u64 } else { 1 };
        }
        of.into_iter().max_by_key(|(node, of)| (*of, std::cmp::Reverse(*node)))
    }
    /// A command that this node had not done by then.
    pub(super) fn lacks<'a>(
        &self,
        node: NodeId,
        commands: &'a [Command],
        by: Duration,
    ) -> Option<&'a Command> {
        let done = self.members.get(&node).map(|member| &member.done);
        let has = |command: &Command| {
            done.is_some_and(|done| done.get(command).is_some_and(|(at, _)| *at <= Time::ZERO + by))
        };
        commands.iter().rev().find(|command| !has(command))
    }
    /// The highest term of these, and who of them leads it: by its own word, and by what it shows.
    pub(super) fn leader_among(&self, among: &[NodeId]) -> (Term, Option<NodeId>) {
        let highest = among.iter().map(|node| self.status(node).term).max().unwrap_or(0);
        let leads = Status { term: highest, position: Position::Leader };
        let leader = self.leaders.get(&highest).map(|(leader, _)| *leader);
        (highest, leader.filter(|leader| among.contains(leader) && self.status(leader) == leads))
    }
    /// Whether it has come true: before its time only where nothing that may still be said counts.
    pub(super) fn has_come_true(&self, goal: &Goal, now: Time) -> bool {
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
            Goal::Served { client, .. } => self.is_served(*client, now == Time::NEVER),
            Goal::CaughtUp { client, on, .. } => {
                self.is_served(*client, now == Time::NEVER) && self.lagging(*client, on).next().is_none()
            }
            Goal::Few { since, by, messages, bytes, .. } => {
                let frugal = |(many, long)| many <= *messages && long <= *bytes;
                now > Time::ZERO + *by && frugal(self.spent(*since, *by))
            }
        }
    }
    /// What a goal that has not come true says, and where its story begins: at what it is about, not at the world's start.
    pub(super) fn missed(&self, goal: &Goal) -> Violation {
        let by = self.by(goal);
        let last_leader = || {
            let (term, (node, since)) = self.leaders.iter().max_by_key(|(_, (_, since))| *since)?;
            Some((*self.began.get(term)?, *term, *node, *since))
        };
        match goal {
            Goal::Led { among, .. } => {
                let who = list(&among.iter().copied().collect());
                let (highest, leader) = self.leader_among(among);
                let violation = Violation::never(
                    "leader-is-known",
                    match leader {
                        Some(leader) => {
                            let behind = among.iter().find(|node| self.status(node).term != highest);
                            let behind = behind.unwrap_or(&leader);
                            let term = self.status(behind).term;
                            format!(
                                "At {by}, {leader} is the leader of term {highest}, but {behind} is still in term {term}. A \
                                 leader's heartbeats bring all nodes into its term."
                            )
                        }
                        None => {
                            let shown = |node: &NodeId| {
                                let Status { term, position } = self.status(node);
                                format!(
                                    "{node} is a {} in term {term}",
                                    format!("{position:?}").to_lowercase()
                                )
                            };
                            let shown: Vec<String> = among.iter().map(shown).collect();
                            format!(
                                "None of {who} is the leader at {by}: {}. They are a majority, and they have been connected \
                                 for long enough to elect a leader.",
                                shown.join(", ")
                            )
                        }
                    },
                );
                match last_leader() {
                    Some((began, term, node, _)) => violation
                        .because(began, format!("{node} becomes leader of term {term}: the last leader")),
                    None => violation,
                }
            }
            Goal::Followed { within, .. } => {
                let last = last_leader();
                let told = last.map_or("There was no leader before".to_owned(), |(_, term, node, since)| {
                    format!(
                        "The last leader was {node}, of term {term}: it was elected at {since} and then cut off"
                    )
                });
                let violation = Violation::never(
                    "a-leader-emerges",
                    format!(
                        "No node became leader in the {} before {by}, although a majority was up and connected. {told}.",
                        Time::ZERO + *within
                    ),
                );
                match last {
                    Some((began, term, node, _)) => {
                        violation.because(began, format!("{node} becomes leader of term {term}"))
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
                    "{node} became leader of term {term} at {at}, although there has been no fault since long before \
                     {since}. A leader whose heartbeats arrive stays the leader."
                );
                Violation { at: self.began.get(&term).copied(), ..Violation::never("leader-stays", sentence) }
            }
            Goal::Done { by: until, on, commands } => {
                let lacks = on.iter().find_map(|node| Some((*node, self.lacks(*node, commands, *until)?)));
                let Some((node, command)) = lacks else { return Violation::never("applies", String::new()) };
                self.not_done(node, command, by)
            }
            Goal::Said { node, or, .. } => Violation::never("says", format!("{node} {or}")),
            Goal::Unsaid { since, by, node, what, or } => {
                let at = self.said(*node, *since, *by, *what).first().copied();
                Violation { at, ..Violation::never("stays-silent", format!("{node} {or}")) }
            }
            Goal::Waits { node, at_least, .. } => {
                let Some([voted, stood]) = self.stood_too_soon(*node, *at_least) else {
                    return Violation::never("waits", String::new());
                };
                let sentence = format!(
                    "{node} granted its vote to another node at {}, and started an election itself at {}. Granting a vote \
                     restarts the election timer, which runs for at least {}.",
                    voted.0,
                    stood.0,
                    Time::ZERO + *at_least
                );
                Violation { at: Some(stood.1), ..Violation::never("waits", sentence) }
                    .because(voted.1, format!("{node} grants its vote to another node"))
                    .because(stood.1, format!("{node} starts an election"))
            }
            Goal::Served { client, within } => {
                let Some((_, asked)) = self.unserved(*client) else {
                    return Violation::never("served", String::new());
                };
                let command = asked.command.as_ref().map_or("a command".to_owned(), Command::to_string);
                let (node, began) = (asked.node, asked.began);
                let sentence = format!(
                    "Client {} proposed {command} at {began}, first to {node}. No node answered `Committed` within {}, \
                     although a majority of the nodes was up and connected.",
                    client.0,
                    Time::ZERO + *within
                );
                Violation::never("served", sentence)
                    .because(asked.at, format!("client {} proposes {command}", client.0))
            }
            Goal::CaughtUp { client, on, .. } => {
                let lagging = self.lagging(*client, on).min_by_key(|(since, ..)| *since);
                match lagging.map(|(_, node, command)| (node, command.clone())) {
                    Some((node, command)) => self.not_done(node, &command, by),
                    None => Violation::never("caught-up", String::new()),
                }
            }
            Goal::Few { since, by, messages, bytes, about } => {
                let (many, long) = self.spent(*since, *by);
                let (is, at_most, unit) = match many > *messages {
                    true => (many, messages, "messages"),
                    false => (long, bytes, "bytes"),
                };
                let most = self.sent_most(*since, *by, unit == "bytes");
                let most =
                    most.map_or(String::new(), |(node, of)| format!(" {node} sent most of them: {of}."));
                Violation::never(
                    "few-messages",
                    format!(
                        "The {} nodes sent each other {is} {unit} for {about}. At most {at_most} are needed.{most}",
                        self.n
                    ),
                )
                .of_costs()
            }
        }
    }
    /// A node that lags: what it lost, if its own messages show it; else from where on the others were ahead.
    pub(super) fn not_done(&self, node: NodeId, command: &Command, by: Time) -> Violation {
        let did = |(other, member): (&NodeId, &Member)| Some((*member.done.get(command)?, *other));
        let others: Vec<((Time, ObservationId), NodeId)> = self.members.iter().filter_map(did).collect();
        let but = match others.is_empty() {
            true => "nor had any other node".to_owned(),
            false => format!("although {} had", list(&others.iter().map(|(_, other)| *other).collect())),
        };
        let lags = format!("{node} had not applied {command} by {by}, {but}");
        let forgot = self.members.get(&node).and_then(|member| member.forgot);
        if let Some(Forgot { leader, index, acknowledged, refused }) = forgot {
            let sentence = format!(
                "{lags}. {node} had acknowledged the entries up to {index} to {leader}, but after a crash it refused the \
                 entries that follow them."
            );
            return Violation::never("forgot-entries", sentence)
                .because(acknowledged, format!("{node} acknowledges the entries up to {index} to {leader}"))
                .because(refused, format!("after a crash {node} refuses the entries that follow them"));
        }
        let violation = Violation::never("applies", format!("{lags}."));
        match others.iter().min() {
            Some(((_, first), other)) => violation.because(*first, format!("{other} applies {command}")),
            None => violation,
        }
    }
    pub(crate) fn note_deadline(&mut self) {
        self.deadline = self.goals.iter().map(|goal| self.by(goal)).min();
    }
    /// Drops goals that have come true; an error where one has not by its time, or before the world's end if `None`.
    pub(crate) fn look_at_goals(&mut self, now: Option<Time>) -> Result<(), Violation> {
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
