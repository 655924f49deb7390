//! Raft in another style: a core that takes inputs and keeps an outbox, flushed once an event, with one sync for all of it; a journal of
//! ballots, entries and cuts in place of a log with its parts; pre-votes, a check of the quorum, an entry of its own at the beginning of
//! every term; proposals that are collected for a moment; a walk back by halves.

use lab::prelude::*;
use lab::raft::{self as contract, Command, Config, Conflict, Entry, Event, Index, Message, Position};
use lab::raft::{Request, Response, Status, Term};
use std::collections::{BTreeMap, BTreeSet};

const JOURNAL: Log<Record> = Log::new("journal");

/// What has been decided here, in order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Record {
    /// Term and vote.
    Ballot(Term, Option<NodeId>),
    /// An entry at the end.
    Push(Entry),
    /// Everything from there on is gone.
    Cut(Index),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Tick {
    Election,
    Heartbeat,
    Batch,
}

enum Role {
    Follower,
    Asking { yes: BTreeSet<NodeId>, in_earnest: bool },
    Leader { peers: BTreeMap<NodeId, Peer>, heard: BTreeSet<NodeId>, beats: u32 },
}
struct Peer {
    matched: Index,
    next: Index,
    /// Whether `next` is known, rather than guessed.
    found: bool,
}

pub struct Raft {
    me: NodeId,
    config: Config,
    term: Term,
    vote: Option<NodeId>,
    entries: Vec<Entry>,
    committed: Index,
    done: Index,
    role: Role,
    leader: Option<NodeId>,
    leader_seen: Option<Instant>,
    clients: Vec<(Index, Term, RequestId)>,
    collected: Vec<(RequestId, Command)>,
    journal: Vec<Record>,
    outbox: Vec<(NodeId, Message)>,
    announcements: Vec<Event>,
}

impl Node for Raft {
    type Contract = contract::Raft;
    type Message = Message;
    type Timer = Tick;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let mut raft = Raft {
            me: boot.me,
            config: boot.config,
            term: 0,
            vote: None,
            entries: Vec::new(),
            committed: 0,
            done: 0,
            role: Role::Follower,
            leader: None,
            leader_seen: None,
            clients: Vec::new(),
            collected: Vec::new(),
            journal: Vec::new(),
            outbox: Vec::new(),
            announcements: Vec::new(),
        };
        for record in boot.disk.log(JOURNAL).map_while(Result::ok) {
            match record {
                Record::Ballot(term, vote) => (raft.term, raft.vote) = (term, vote),
                Record::Push(entry) => raft.entries.push(entry),
                Record::Cut(from) => raft.entries.truncate(from as usize - 1),
            }
        }
        raft.await_election(out);
        raft
    }
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        self.take(from, message, out);
        self.flush(out);
    }
    fn on_timer(&mut self, tick: Tick, out: &mut Out<Self>) {
        match tick {
            Tick::Election => self.ask(false, out),
            Tick::Heartbeat => self.beat(out),
            Tick::Batch => self.propose(),
        }
        self.flush(out);
    }
    fn on_request(&mut self, id: RequestId, Request::Propose(command): Request, out: &mut Out<Self>) {
        if !matches!(self.role, Role::Leader { .. }) {
            return out.reply(id, Response::NotLeader { leader: self.leader });
        }
        if self.collected.is_empty() {
            out.set_timer(Duration::from_millis(1), Tick::Batch);
        }
        self.collected.push((id, command));
    }
    fn status(&self) -> Status {
        let position = match self.role {
            Role::Follower | Role::Asking { in_earnest: false, .. } => Position::Follower,
            Role::Asking { .. } => Position::Candidate,
            Role::Leader { .. } => Position::Leader,
        };
        Status { term: self.term, position }
    }
}

impl Raft {
    fn flush(&mut self, out: &mut Out<Self>) {
        if !self.journal.is_empty() {
            for record in self.journal.drain(..) {
                out.append(JOURNAL, &record);
            }
            out.sync();
        }
        // what needs nobody else is counted only now that it is durable
        self.count();
        for event in self.announcements.drain(..) {
            out.emit(event);
        }
        for (to, message) in self.outbox.drain(..) {
            out.send(to, message);
        }
        while self.done < self.committed {
            self.done += 1;
            let index = self.done;
            let entry = &self.entries[index as usize - 1];
            out.emit(Event::Applied { index, command: entry.command.clone() });
            let term = entry.term;
            self.clients.retain(|(at, of, id)| {
                if (*at, *of) == (index, term) {
                    out.reply(*id, Response::Committed { index });
                }
                *at > index
            });
        }
    }
    fn last(&self) -> Index {
        self.entries.len() as Index
    }
    fn term_of(&self, index: Index) -> Term {
        if index == 0 { 0 } else { self.entries.get(index as usize - 1).map_or(0, |entry| entry.term) }
    }
    fn enough(&self, many: usize) -> bool {
        2 * many > self.config.nodes as usize
    }
    fn push(&mut self, entry: Entry) {
        self.journal.push(Record::Push(entry.clone()));
        self.entries.push(entry);
    }
    fn ballot(&mut self, term: Term, vote: Option<NodeId>) {
        if (term, vote) != (self.term, self.vote) {
            (self.term, self.vote) = (term, vote);
            self.journal.push(Record::Ballot(term, vote));
        }
    }
    fn await_election(&self, out: &mut Out<Self>) {
        out.set_timer(out.random(self.config.election_min..self.config.election_max), Tick::Election);
    }
    fn retire(&mut self, term: Term, out: &mut Out<Self>) {
        if term > self.term {
            self.ballot(term, None);
            self.leader = None;
        }
        if matches!(self.role, Role::Leader { .. }) {
            out.cancel_timer(Tick::Heartbeat);
            self.await_election(out);
            // nobody has seen these: they were not taken
            for (id, _) in self.collected.drain(..) {
                out.reply(id, Response::NotLeader { leader: None });
            }
        }
        self.role = Role::Follower;
    }
    /// Whether a leader is known to be there.
    fn is_led(&self, out: &Out<Self>) -> bool {
        matches!(self.role, Role::Leader { .. })
            || self.leader_seen.is_some_and(|seen| out.now() - seen < self.config.election_min)
    }

    fn ask(&mut self, in_earnest: bool, out: &mut Out<Self>) {
        let term = self.term + 1;
        self.role = Role::Asking { yes: BTreeSet::from([self.me]), in_earnest };
        self.leader = None;
        if in_earnest {
            self.ballot(term, Some(self.me));
        }
        let (last_index, last_term) = (self.last(), self.term_of(self.last()));
        for peer in out.peers() {
            let message = Message::RequestVote { term, last_index, last_term, pre_vote: !in_earnest };
            self.outbox.push((peer, message));
        }
        self.await_election(out);
        self.tally(out);
    }
    fn tally(&mut self, out: &mut Out<Self>) {
        let Role::Asking { yes, in_earnest } = &self.role else { return };
        if !self.enough(yes.len()) {
            return;
        }
        if !in_earnest {
            return self.ask(true, out);
        }
        let next = self.last() + 1;
        let peers = out.peers().map(|peer| (peer, Peer { matched: 0, next, found: false })).collect();
        self.role = Role::Leader { peers, heard: BTreeSet::new(), beats: 0 };
        self.leader = Some(self.me);
        out.cancel_timer(Tick::Election);
        self.announcements.push(Event::Leader { term: self.term });
        self.push(Entry { term: self.term, command: None });
        self.beat(out);
    }
    fn beat(&mut self, out: &mut Out<Self>) {
        let patience = self.config.election_max.as_millis() / self.config.heartbeat.as_millis().max(1) + 1;
        let nodes = self.config.nodes as usize;
        if let Role::Leader { heard, beats, .. } = &mut self.role {
            *beats += 1;
            if u128::from(*beats) > patience {
                *beats = 0;
                if 2 * (heard.len() + 1) <= nodes {
                    return self.retire(self.term, out);
                }
                heard.clear();
            }
            out.set_timer(self.config.heartbeat, Tick::Heartbeat);
        }
        for peer in out.peers() {
            self.feed(peer, true);
        }
    }
    fn propose(&mut self) {
        for (id, command) in std::mem::take(&mut self.collected) {
            self.push(Entry { term: self.term, command: Some(command) });
            self.clients.push((self.last(), self.term, id));
        }
        if let Role::Leader { peers, .. } = &self.role {
            for peer in peers.keys().copied().collect::<Vec<_>>() {
                self.feed(peer, false);
            }
        }
    }
    /// Sends a peer what it lacks; while the place where the logs part is unknown, questions only.
    fn feed(&mut self, to: NodeId, heartbeat: bool) {
        let (term, commit, last) = (self.term, self.committed, self.last());
        let Role::Leader { peers, .. } = &mut self.role else { return };
        let Some(peer) = peers.get_mut(&to) else { return };
        if !peer.found && !heartbeat {
            return;
        }
        let prev_index = peer.next - 1;
        let entries = if peer.found { self.entries[prev_index as usize..].to_vec() } else { Vec::new() };
        if peer.found {
            peer.next = last + 1;
        }
        let prev_term = self.term_of(prev_index);
        self.outbox.push((to, Message::AppendEntries { term, prev_index, prev_term, entries, commit }));
    }
    fn count(&mut self) {
        let Role::Leader { peers, .. } = &self.role else { return };
        let first = self.entries.partition_point(|entry| entry.term < self.term) as Index + 1;
        for index in (first.max(self.committed + 1)..=self.last()).rev() {
            if self.enough(1 + peers.values().filter(|peer| peer.matched >= index).count()) {
                self.committed = index;
                break;
            }
        }
    }

    fn take(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::RequestVote { term, last_index, last_term, pre_vote } => {
                if self.is_led(out) {
                    return; // I know of a leader, and mean to keep it
                }
                if !pre_vote && term > self.term {
                    self.retire(term, out);
                }
                let good = (last_term, last_index) >= (self.term_of(self.last()), self.last());
                let granted = match pre_vote {
                    true => good && term > self.term,
                    false => good && term == self.term && self.vote.is_none_or(|vote| vote == from),
                };
                if granted && !pre_vote {
                    self.ballot(term, Some(from));
                    self.await_election(out);
                }
                let term = if pre_vote && granted { term } else { self.term };
                self.outbox.push((from, Message::Vote { term, granted, pre_vote }));
            }
            Message::Vote { term, granted, pre_vote } => {
                if term > self.term && !(pre_vote && granted) {
                    return self.retire(term, out);
                }
                let now = self.term;
                if let Role::Asking { yes, in_earnest } = &mut self.role
                    && granted
                    && *in_earnest != pre_vote
                    && term == now + u64::from(pre_vote)
                {
                    yes.insert(from);
                    self.tally(out);
                }
            }
            Message::AppendEntries { term, prev_index, prev_term, entries, commit } => {
                if term < self.term {
                    let answer = Message::Appended {
                        term: self.term,
                        success: false,
                        index: prev_index,
                        conflict: None,
                    };
                    return self.outbox.push((from, answer));
                }
                self.retire(term, out);
                self.leader = Some(from);
                self.leader_seen = Some(out.now());
                self.await_election(out);
                let success = prev_index <= self.last() && self.term_of(prev_index) == prev_term;
                let mut index = prev_index;
                let mut conflict = None;
                if success {
                    for entry in entries {
                        index += 1;
                        if self.term_of(index) != entry.term {
                            if index <= self.last() {
                                self.journal.push(Record::Cut(index));
                                self.entries.truncate(index as usize - 1);
                                self.clients.retain(|(at, ..)| *at < index);
                            }
                            self.push(entry);
                        }
                    }
                    self.committed = self.committed.max(commit.min(index));
                } else {
                    // somewhere before the middle, or not even there
                    let index = self.committed + (prev_index.min(self.last() + 1) - self.committed) / 2;
                    conflict = Some(Conflict { term: None, index: index.max(1) });
                }
                self.outbox.push((from, Message::Appended { term: self.term, success, index, conflict }));
            }
            Message::Appended { term, success, index, conflict } => {
                if term > self.term {
                    return self.retire(term, out);
                }
                let Role::Leader { peers, heard, .. } = &mut self.role else { return };
                let Some(peer) = peers.get_mut(&from) else { return };
                if term < self.term {
                    return;
                }
                heard.insert(from);
                if success {
                    peer.matched = peer.matched.max(index);
                    peer.next = peer.next.max(peer.matched + 1);
                    if !peer.found {
                        peer.found = true;
                        peer.next = peer.matched + 1;
                        self.feed(from, false);
                    }
                } else if index > peer.matched && index < peer.next {
                    let hint = conflict.map_or(index, |conflict| conflict.index);
                    peer.next = hint.clamp(peer.matched + 1, index);
                    peer.found = false;
                    self.feed(from, true);
                }
            }
            Message::Extension(_) => {}
        }
    }
}
