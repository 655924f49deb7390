//! The ready-made stores: one node a region, no disk, clocks that are right. A node knows when which region is cut off, in place of a
//! service that finds it out.

use lab::prelude::*;
use lab::strategy::{Acks, Choice, Reads};
use lab::{Contract, Role};
use std::collections::{BTreeMap, BTreeSet};
use world::NodeSpec;

/// When a region is cut off, and when it burns down.
pub(super) const CUT: Duration = Duration::from_millis(5_000);
pub(super) const FIRE: Duration = Duration::from_millis(8_000);
/// So long after the cut the other regions have a leader that does not wait for the region that is cut off.
const NOTICED: Duration = Duration::from_millis(1_000);
/// When a node says what it holds in the end.
pub(super) const LAST: Duration = Duration::from_millis(10_400);
const COPIES: u32 = 3;

/// How a node behaves.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Habits {
    pub(super) choice: Choice,
    /// The region that is cut off.
    pub(super) cut: Option<u32>,
}

pub(super) enum Store {}
impl Contract for Store {
    const ROLE: &'static str = "strategy/store";
    type Config = Habits;
    type Request = Request;
    type Response = Response;
    type Event = Holds;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Request {
    Write { key: u32, value: u64 },
    Read { key: u32 },
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Response {
    Written,
    Value(Option<u64>),
}
/// What a node holds in the end.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Holds {
    pub(super) key: u32,
    pub(super) value: u64,
}

/// The node of this region.
pub(super) fn node(region: u32, habits: &Habits) -> NodeSpec {
    NodeSpec::puppet::<Store>(NodeId(region), habits, Role::node::<Copy>).named("store")
}

/// A number for what waits at a node.
type Ticket = u64;
/// Of two values of a key, that with the larger stamp wins. Stamps of leaders begin with how manyth leader it is, and the others with a time.
type Stamp = (u64, u64, u32);

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Put {
    key: u32,
    stamp: Stamp,
    value: u64,
}
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Message {
    /// A request, passed on to the leader, and its answer.
    Forward(Ticket, Request),
    Back(Ticket, Response),
    /// Keep this.
    Keep(Ticket, Put),
    Kept(Ticket),
    /// What do you hold?
    Show(Ticket, u32),
    Shown(Ticket, Option<Put>),
    /// Do I still lead?
    Leads(Ticket),
    YouDo(Ticket),
}
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Alarm {
    Send(Put),
    Noticed,
    Last,
}

/// Who waits for an answer.
#[derive(Debug, Clone, Copy)]
enum From {
    Client(RequestId),
    Node(NodeId, Ticket),
}
enum Waiting {
    /// At another node, for the leader.
    Forwarded(RequestId),
    /// Until enough copies have it.
    Write { from: From, kept: BTreeSet<NodeId>, enough: usize },
    /// Until enough copies have shown what they hold.
    Read { from: From, shown: usize, enough: usize, newest: Option<Put> },
    /// Until a follower says that this node leads.
    Confirm { from: From, key: u32 },
}

struct Copy {
    region: u32,
    habits: Habits,
    opened: Instant,
    held: BTreeMap<u32, Put>,
    waiting: BTreeMap<Ticket, Waiting>,
    ticket: Ticket,
    stamps: u64,
}

impl Node for Copy {
    type Contract = Store;
    type Message = Message;
    type Timer = Alarm;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        out.set_timer(CUT + NOTICED, Alarm::Noticed);
        out.set_timer(LAST, Alarm::Last);
        Copy {
            region: boot.me.0,
            habits: boot.config,
            opened: out.now(),
            held: BTreeMap::new(),
            waiting: BTreeMap::new(),
            ticket: 0,
            stamps: 0,
        }
    }

    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        let from = From::Client(id);
        match (self.habits.choice, request) {
            (
                Choice::SingleLeader { reads: Reads::Local, .. } | Choice::MultiLeader,
                Request::Read { key },
            ) => {
                self.answer(from, Response::Value(self.value(key)), out);
            }
            (Choice::SingleLeader { .. }, _) => {
                let leader = self.leader(out);
                if leader == self.region {
                    self.lead(from, request, out);
                } else {
                    let ticket = self.wait(Waiting::Forwarded(id));
                    out.send(NodeId(leader), Message::Forward(ticket, request));
                }
            }
            (Choice::MultiLeader, Request::Write { key, value }) => {
                let put = self.stamp(key, value, out);
                self.keep(put);
                self.answer(from, Response::Written, out);
                self.send_later(put, out);
            }
            (Choice::Leaderless { w, .. }, Request::Write { key, value }) => {
                let put = self.stamp(key, value, out);
                self.keep(put);
                let kept = BTreeSet::from([out.me()]);
                let ticket = self.wait(Waiting::Write { from, kept, enough: w as usize });
                self.others().for_each(|other| out.send(other, Message::Keep(ticket, put)));
                self.look(ticket, out);
            }
            (Choice::Leaderless { r, .. }, Request::Read { key }) => {
                let newest = self.held.get(&key).copied();
                let ticket = self.wait(Waiting::Read { from, shown: 1, enough: r as usize, newest });
                self.others().for_each(|other| out.send(other, Message::Show(ticket, key)));
                self.look(ticket, out);
            }
            (Choice::Impossible, _) => {}
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::Forward(ticket, request) => {
                if self.leader(out) == self.region {
                    self.lead(From::Node(from, ticket), request, out);
                }
            }
            Message::Back(ticket, response) => {
                if let Some(Waiting::Forwarded(id)) = self.waiting.remove(&ticket) {
                    out.reply(id, response);
                }
            }
            Message::Keep(ticket, put) => {
                self.keep(put);
                out.send(from, Message::Kept(ticket));
            }
            Message::Kept(ticket) => {
                if let Some(Waiting::Write { kept, .. }) = self.waiting.get_mut(&ticket) {
                    kept.insert(from);
                }
                self.look(ticket, out);
            }
            Message::Show(ticket, key) => {
                out.send(from, Message::Shown(ticket, self.held.get(&key).copied()));
            }
            Message::Shown(ticket, put) => {
                if let Some(Waiting::Read { shown, newest, .. }) = self.waiting.get_mut(&ticket) {
                    *shown += 1;
                    if put.map(|put| put.stamp) > newest.map(|put| put.stamp) {
                        *newest = put;
                    }
                }
                self.look(ticket, out);
            }
            Message::Leads(ticket) => {
                if NodeId(self.leader(out)) == from {
                    out.send(from, Message::YouDo(ticket));
                }
            }
            Message::YouDo(ticket) => {
                if let Some(Waiting::Confirm { from, key }) = self.waiting.remove(&ticket) {
                    self.answer(from, Response::Value(self.value(key)), out);
                }
            }
        }
    }

    fn on_timer(&mut self, alarm: Alarm, out: &mut Out<Self>) {
        match alarm {
            Alarm::Send(put) => {
                self.others().for_each(|other| out.send(other, Message::Keep(0, put)));
            }
            Alarm::Noticed => {
                let tickets: Vec<Ticket> = self.waiting.keys().copied().collect();
                tickets.into_iter().for_each(|ticket| self.look(ticket, out));
            }
            Alarm::Last => {
                for Put { key, value, .. } in self.held.values().copied() {
                    out.emit(Holds { key, value });
                }
            }
        }
    }
}

impl Copy {
    fn now(&self, out: &Out<Self>) -> Duration {
        out.now() - self.opened
    }
    fn others(&self) -> impl Iterator<Item = NodeId> + use<> {
        let me = self.region;
        (1..=COPIES).filter(move |region| *region != me).map(NodeId)
    }
    /// Whether the region that is cut off has been so for long enough.
    fn noticed(&self, out: &Out<Self>) -> Option<u32> {
        self.habits.cut.filter(|_| self.now(out) >= CUT + NOTICED)
    }
    /// The leader, as this region knows it.
    fn leader(&self, out: &Out<Self>) -> u32 {
        if self.noticed(out) == Some(1) && self.region != 1 { 2 } else { 1 }
    }
    fn value(&self, key: u32) -> Option<u64> {
        self.held.get(&key).map(|put| put.value)
    }
    fn keep(&mut self, put: Put) {
        let held = self.held.entry(put.key).or_insert(put);
        if put.stamp > held.stamp {
            *held = put;
        }
    }
    /// A stamp of this node's clock.
    fn stamp(&mut self, key: u32, value: u64, out: &Out<Self>) -> Put {
        self.stamps += 1;
        let now = u64::try_from(self.now(out).as_nanos()).unwrap_or(u64::MAX);
        Put { key, stamp: (now, self.stamps, self.region), value }
    }
    fn send_later(&mut self, put: Put, out: &mut Out<Self>) {
        let after = out.random(Duration::from_millis(50)..Duration::from_millis(100));
        out.set_timer(after, Alarm::Send(put));
    }
    fn wait(&mut self, waiting: Waiting) -> Ticket {
        self.ticket += 1;
        self.waiting.insert(self.ticket, waiting);
        self.ticket
    }
    fn answer(&self, from: From, response: Response, out: &mut Out<Self>) {
        match from {
            From::Client(id) => out.reply(id, response),
            From::Node(node, ticket) => out.send(node, Message::Back(ticket, response)),
        }
    }

    /// The leader handles a request.
    fn lead(&mut self, from: From, request: Request, out: &mut Out<Self>) {
        let Choice::SingleLeader { acks, .. } = self.habits.choice else { return };
        match (acks, request) {
            (Acks::Async, Request::Read { key }) => self.answer(from, Response::Value(self.value(key)), out),
            (Acks::Sync, Request::Read { key }) => {
                let ticket = self.wait(Waiting::Confirm { from, key });
                self.others().for_each(|other| out.send(other, Message::Leads(ticket)));
            }
            (_, Request::Write { key, value }) => {
                self.stamps += 1;
                let put = Put { key, stamp: (self.region.into(), self.stamps, self.region), value };
                if acks == Acks::Async {
                    self.keep(put);
                    self.answer(from, Response::Written, out);
                    return self.send_later(put, out);
                }
                self.keep(put);
                let kept = BTreeSet::from([out.me()]);
                let ticket = self.wait(Waiting::Write { from, kept, enough: COPIES as usize });
                self.others().for_each(|other| out.send(other, Message::Keep(ticket, put)));
                self.look(ticket, out);
            }
        }
    }

    /// Whether what waits here can be answered now.
    fn look(&mut self, ticket: Ticket, out: &mut Out<Self>) {
        let silent = self.noticed(out).map(NodeId);
        let is_leader = matches!(self.habits.choice, Choice::SingleLeader { .. });
        let (from, response) = match self.waiting.get(&ticket) {
            Some(Waiting::Write { from, kept, enough }) => {
                let lacks = self.others().filter(|other| !kept.contains(other));
                let goes_on = is_leader && self.others().any(|other| kept.contains(&other));
                let is_enough = if goes_on {
                    lacks.into_iter().all(|other| Some(other) == silent)
                } else {
                    kept.len() >= *enough
                };
                if !is_enough {
                    return;
                }
                (*from, Response::Written)
            }
            Some(Waiting::Read { from, shown, enough, newest }) if shown >= enough => {
                (*from, Response::Value(newest.map(|put| put.value)))
            }
            _ => return,
        };
        self.waiting.remove(&ticket);
        self.answer(from, response, out);
    }
}
