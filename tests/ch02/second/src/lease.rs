//! A lock service that keeps a queue and passes the lease on, with tokens from durable blocks; it tells the storage of each new token. Holders
//! extend their lease at half time, under the same token, and write one value after another. What was refused is written again.

use lab::lease::{self as contract, ACCEPTED, Accepted, ClientConfig, ClientEvent, LockConfig, LockEvent};
use lab::lease::{Request, Response, Token};
use lab::prelude::*;
use std::collections::VecDeque;

/// What the nodes say to each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Message {
    /// A client wants a lease, or this one for longer.
    Want(u64, Option<Token>),
    /// It has it, says the lock service.
    Yours(Token, u64),
    /// It gives it back.
    Done(Token),
    /// From now on, says the lock service to the storage, nothing below this token.
    Fence(Token),
    /// A client writes.
    Put(Token, u64),
    /// The storage answers: is it in the log?
    Answer(Token, u64, bool),
}

const LIMIT: Saved<u64> = Saved::new("limit");
const BLOCK: u64 = 100;

/// The lock service.
pub struct LockService {
    ttl: Duration,
    next: u64,
    limit: u64,
    state: State,
    waiting: VecDeque<(NodeId, u64)>,
}
enum State {
    Free,
    /// A lease that is forgotten may be out.
    Closed,
    Out(NodeId, Token, Instant),
}
/// The lease is over, or all that were forgotten are.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Over;

impl Node for LockService {
    type Contract = contract::LockService;
    type Message = Message;
    type Timer = Over;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let LockConfig { ttl, .. } = boot.config;
        let limit = boot.disk.load(LIMIT).unwrap_or(0);
        let state = if limit == 0 { State::Free } else { State::Closed };
        out.set_timer(ttl, Over);
        LockService { ttl, next: limit, limit, state, waiting: VecDeque::new() }
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::Want(question, longer) => {
                if let State::Out(holder, token, until) = self.state
                    && holder == from
                    && out.now() < until
                {
                    match longer {
                        Some(known) if known == token => {
                            if self.waiting.is_empty() {
                                self.give(from, token, question, out);
                            }
                        }
                        // what it had before it may have given back, in a message that is late
                        _ => {
                            self.waiting.push_front((from, question));
                            self.state = State::Free;
                            self.pass_on(out);
                        }
                    }
                    return;
                }
                match self.waiting.iter_mut().find(|(who, _)| *who == from) {
                    Some((_, known)) => *known = question.max(*known),
                    None => self.waiting.push_back((from, question)),
                }
                self.pass_on(out);
            }
            Message::Done(token) if matches!(self.state, State::Out(holder, of, _) if holder == from && of == token) =>
            {
                self.state = State::Free;
                self.pass_on(out);
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, _: Over, out: &mut Out<Self>) {
        self.state = State::Free;
        self.pass_on(out);
    }
}
impl LockService {
    fn pass_on(&mut self, out: &mut Out<Self>) {
        if !matches!(self.state, State::Free) {
            return;
        }
        let Some((to, question)) = self.waiting.pop_front() else { return };
        if self.next == self.limit {
            self.limit += BLOCK;
            out.save(LIMIT, &self.limit);
            out.sync();
        }
        self.next += 1;
        let token = Token(self.next);
        for peer in out.peers() {
            out.send(peer, Message::Fence(token));
        }
        self.give(to, token, question, out);
    }
    fn give(&mut self, to: NodeId, token: Token, question: u64, out: &mut Out<Self>) {
        self.state = State::Out(to, token, out.now() + self.ttl);
        out.set_timer(self.ttl, Over);
        out.emit(LockEvent::Granted { to, token });
        out.send(to, Message::Yours(token, question));
    }
}

const FENCE: Saved<Token> = Saved::new("fence");

/// The storage.
pub struct Storage {
    fence: Token,
}
impl Node for Storage {
    type Contract = contract::Storage;
    type Message = Message;
    type Timer = Nothing;

    fn start(boot: Boot<Self>, _: &mut Out<Self>) -> Self {
        Storage { fence: boot.disk.load(FENCE).unwrap_or_default() }
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::Fence(token) if token > self.fence => {
                self.fence = token;
                out.save(FENCE, &token);
                out.sync();
            }
            Message::Put(token, value) => {
                let fits = token >= self.fence;
                if fits {
                    self.fence = token;
                    out.atomic(|disk| {
                        disk.append(ACCEPTED, &Accepted { token, value });
                        disk.save(FENCE, &token);
                    });
                    out.sync();
                }
                out.send(from, Message::Answer(token, value, fits));
            }
            _ => {}
        }
    }
}

/// A client that writes under a lease.
pub struct Client {
    config: ClientConfig,
    writes: VecDeque<(RequestId, u64)>,
    question: u64,
    asked: Instant,
    held: Option<(Token, Instant)>,
}
/// What a client waits for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Timer {
    /// An answer of the lock service.
    Lock,
    /// An answer of the storage.
    Storage,
    /// The end of the lease.
    End,
}

impl Node for Client {
    type Contract = contract::Client;
    type Message = Message;
    type Timer = Timer;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        Client { config: boot.config, writes: VecDeque::new(), question: 0, asked: out.now(), held: None }
    }

    fn on_request(&mut self, id: RequestId, Request::Write { value }: Request, out: &mut Out<Self>) {
        self.writes.push_back((id, value));
        if self.writes.len() > 1 {
            return;
        }
        match self.held {
            Some(_) => self.write(out),
            None => self.want(out),
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::Yours(token, question) => {
                let knows = self.held.is_some_and(|(held, _)| held == token);
                let until = self.asked + self.safe();
                if question != self.question || self.writes.is_empty() || until <= out.now() {
                    if !knows && self.writes.is_empty() {
                        out.send(self.config.lock, Message::Done(token));
                    }
                    return;
                }
                if !knows {
                    self.drop_lease(out);
                    out.emit(ClientEvent::Holds { token });
                }
                self.held = Some((token, until));
                out.set_timer(until - out.now(), Timer::End);
                out.set_timer(self.config.ttl / 2, Timer::Lock);
                if !knows {
                    self.write(out);
                }
            }
            Message::Answer(_, value, true) => {
                if let Some((id, _)) = self.writes.pop_front_if(|(_, first)| *first == value) {
                    out.reply(id, Response::Written);
                    match (self.writes.is_empty(), self.held) {
                        (true, Some((held, _))) => {
                            self.drop_lease(out);
                            out.send(self.config.lock, Message::Done(held));
                        }
                        (false, Some(_)) => self.write(out),
                        _ => {}
                    }
                }
            }
            Message::Answer(token, _, false) if self.held.is_some_and(|(held, _)| held == token) => {
                self.drop_lease(out);
                self.want(out);
            }
            _ => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        match timer {
            Timer::End => {
                self.drop_lease(out);
                if !self.writes.is_empty() {
                    self.want(out);
                }
            }
            Timer::Lock if !self.writes.is_empty() => self.want(out),
            Timer::Storage if self.held.is_some() => self.write(out),
            Timer::Lock | Timer::Storage => {}
        }
    }
}
impl Client {
    /// As the stopwatch of this node shows, if it is slow and that of the lock service is fast.
    fn safe(&self) -> Duration {
        self.config.ttl - self.config.ttl * self.config.drift_ppm / 1_000_000 * 5 / 2
    }
    fn want(&mut self, out: &mut Out<Self>) {
        self.question += 1;
        self.asked = out.now();
        let longer = self.held.map(|(token, _)| token);
        out.send(self.config.lock, Message::Want(self.question, longer));
        out.set_timer(self.config.retry, Timer::Lock);
    }
    fn write(&mut self, out: &mut Out<Self>) {
        let (Some((token, until)), Some((_, value))) = (self.held, self.writes.front()) else { return };
        if until <= out.now() {
            return;
        }
        out.send(self.config.storage, Message::Put(token, *value));
        out.set_timer(self.config.retry, Timer::Storage);
    }
    fn drop_lease(&mut self, out: &mut Out<Self>) {
        if let Some((token, _)) = self.held.take() {
            out.emit(ClientEvent::Stops { token });
            out.cancel_timer(Timer::End);
        }
    }
}
