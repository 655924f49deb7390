//! Exercise `lease`: permission for a time, and storage that does not rely on it.
//!
//! Gray and Cheriton, *Leases*, 1989; Kleppmann, *How to Do Distributed Locking*, 2016. The contract is in `lab::lease`: read it first.
//!
//! Three nodes to write: [`LockService`] and [`Storage`], which crash and start again with their disks, and [`Client`], which is paused
//! for any time. Messages are lost, duplicated and late, and overtake each other. Try your code with `cargo test lease`, then run
//! `faultlines grade 2/lease`.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::lease::{self as contract, ACCEPTED, Accepted, ClientConfig, ClientEvent, LockConfig, LockEvent};
use lab::lease::{Request, Response, Token};
use lab::prelude::*;
use std::collections::BTreeMap;

/// What the three roles say to each other. Yours to change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Message {
    /// From a client to the lock service: may I have the lease?
    Acquire {
        // BEGIN SOLUTION
        /// The number of this question. The client remembers when it asked it.
        question: u64,
        // STUB: // What must the answer tell a client, so that the client knows how long its lease lasts?
        // END SOLUTION
    },
    /// From the lock service: you have the lease.
    Granted {
        /// The token of the lease.
        token: Token,
        // BEGIN SOLUTION
        /// The question that this answers.
        question: u64,
        // END SOLUTION
    },
    /// From a client: I do not need this lease any more.
    Release {
        // BEGIN SOLUTION
        /// Which lease. The message may be late, and the client may hold another lease by then.
        token: Token,
        // STUB: // What if this message is late, and the client has another lease by then?
        // END SOLUTION
    },
    /// From a client to the storage.
    Write {
        // BEGIN SOLUTION
        /// The token of the lease under which the client writes.
        token: Token,
        // STUB: // What must the storage know, so that it can refuse a client that has lost its lease?
        // END SOLUTION
        /// The request that the client was asked, for the answer.
        request: RequestId,
        /// The value.
        value: u64,
    },
    /// From the storage: the value is accepted.
    Wrote {
        /// Of this request.
        request: RequestId,
    },
    /// From the storage: there is a newer lease, so it has refused the value.
    Stale {
        // BEGIN SOLUTION
        /// The lease that is outdated. The client may have written again, under another one.
        token: Token,
        // END SOLUTION
        /// Of this request.
        request: RequestId,
    },
}

// BEGIN SOLUTION
/// The largest token that was ever given out.
const LAST: Saved<Token> = Saved::new("last");
// END SOLUTION

/// The node that grants leases.
pub struct LockService {
    config: LockConfig,
    // BEGIN SOLUTION
    /// What is on the disk as [`LAST`].
    last: Token,
    /// Who has the lease of the token `last`. `None`: nobody, or a client that this node has forgotten in a crash.
    holder: Option<NodeId>,
    /// When that lease ends.
    until: Instant,
    // STUB: // What must be on the disk? What can a restarted lock service not know?
    // END SOLUTION
}

impl Node for LockService {
    type Contract = contract::LockService;
    type Message = Message;
    type Timer = Nothing;

    /// The first start, and again after each crash.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        // BEGIN SOLUTION
        let last = boot.disk.load(LAST);
        // A client may hold a lease that was granted just before the crash. Nobody knows, so wait until it must be over.
        let until = if last.is_some() { out.now() + boot.config.ttl } else { out.now() };
        LockService { config: boot.config, last: last.unwrap_or_default(), holder: None, until }
        // STUB: todo!("what does `boot.disk` still know of the leases that were granted before a crash?")
        // END SOLUTION
    }

    /// A client wants the lease, or does not need it any more.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        match message {
            Message::Acquire { question } => self.acquire(from, question, out),
            Message::Release { token } if self.holder == Some(from) && token == self.last => {
                self.holder = None;
                self.until = out.now();
            }
            _ => {}
        }
        // STUB: todo!("is the lease free, or this client's own? Which token comes next, and from when on does it survive a crash?")
        // END SOLUTION
    }
}

// BEGIN SOLUTION
impl LockService {
    /// Gives the lease to this client, if it is free or the client has it already: then it gets a new one, which lasts longer.
    fn acquire(&mut self, from: NodeId, question: u64, out: &mut Out<Self>) {
        if self.holder != Some(from) && out.now() < self.until {
            return; // the client will ask again
        }
        let token = Token(self.last.0 + 1);
        (self.last, self.holder) = (token, Some(from));
        self.until = out.now() + self.config.ttl;
        out.save(LAST, &token);
        out.sync();
        out.emit(LockEvent::Granted { to: from, token });
        out.send(from, Message::Granted { token, question });
    }
}
// END SOLUTION

/// The node with the log.
pub struct Storage {
    // BEGIN SOLUTION
    /// The token of the last record.
    highest: Token,
    // STUB: // Which messages must the storage refuse? Does it still know that after a crash?
    // END SOLUTION
}

impl Node for Storage {
    type Contract = contract::Storage;
    type Message = Message;
    type Timer = Nothing;

    /// The first start, and again after each crash.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        // BEGIN SOLUTION
        let last = boot.disk.log(ACCEPTED).map_while(Result::ok).last();
        Storage { highest: last.map(|record| record.token).unwrap_or_default() }
        // STUB: todo!("what does `boot.disk` say about the tokens that were accepted?")
        // END SOLUTION
    }

    /// A client wants to write.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Message::Write { token, request, value } = message else { return };
        // The record carries the token: so the check and the write are one step, which a crash cannot take apart.
        if token < self.highest {
            out.send(from, Message::Stale { token, request });
            return;
        }
        self.highest = token;
        out.append(ACCEPTED, &Accepted { token, value });
        out.sync();
        out.send(from, Message::Wrote { request });
        // STUB: todo!("accept the value or refuse it; make it durable; answer")
        // END SOLUTION
    }
}

/// The names of a client's timers. Yours to change.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Timer {
    /// No answer has come for [`ClientConfig::retry`].
    Retry,
    /// The lease is over.
    Over,
}

/// A node that writes under a lease. A crash of it is for good, so it needs no disk.
pub struct Client {
    config: ClientConfig,
    // BEGIN SOLUTION
    /// The writes that are not answered, in order.
    queue: Vec<Write>,
    /// The lease that it holds, if any.
    lease: Option<Lease>,
    /// The largest token that was granted to it.
    newest: Token,
    /// When each of the last questions to the lock service was asked.
    asked: BTreeMap<u64, Instant>,
    /// The number of the next one.
    next: u64,
    // STUB: // Which writes wait? Which lease does it hold, and until when?
    // END SOLUTION
}
// BEGIN SOLUTION
/// A value that is to be written.
#[derive(Debug)]
struct Write {
    request: RequestId,
    value: u64,
    /// The lease under which it was sent last.
    under: Option<Token>,
}
#[derive(Debug, Clone, Copy)]
struct Lease {
    token: Token,
    until: Instant,
}
// END SOLUTION

impl Node for Client {
    type Contract = contract::Client;
    type Message = Message;
    type Timer = Timer;

    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        // BEGIN SOLUTION
        Client {
            config: boot.config,
            queue: Vec::new(),
            lease: None,
            newest: Token::default(),
            asked: BTreeMap::new(),
            next: 0,
        }
        // STUB: Client { config: boot.config }
        // END SOLUTION
    }

    /// A value is to be written.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Request::Write { value } = request;
        self.queue.push(Write { request: id, value, under: None });
        self.go(out);
        // STUB: todo!("with a lease, write; without one, ask for it")
        // END SOLUTION
    }

    /// The lock service grants a lease, or the storage answers.
    fn on_message(&mut self, _from: NodeId, message: Message, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        match message {
            Message::Granted { token, question } => self.granted(token, question, out),
            Message::Wrote { request } => {
                if let Some(place) = self.queue.iter().position(|write| write.request == request) {
                    self.queue.remove(place);
                    out.reply(request, Response::Written);
                    if self.queue.is_empty() {
                        self.release(out);
                    }
                }
            }
            Message::Stale { token, request } => self.refused(token, request, out),
            _ => {}
        }
        // STUB: todo!("from when on may the lock service give the lease to another client? When is a write answered, and how?")
        // END SOLUTION
    }

    /// A message may be lost, and a lease does not last.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        if let Timer::Over = timer {
            self.stop(out);
        }
        self.go(out);
        // STUB: todo!("ask again, write again, or stop relying on the lease")
        // END SOLUTION
    }
}

// BEGIN SOLUTION
impl Client {
    /// Writes what waits, or asks for the lease; and does so again if no answer comes.
    fn go(&mut self, out: &mut Out<Self>) {
        if self.queue.is_empty() {
            return;
        }
        // After a pause, the end of the lease may have passed although its timer has not fired yet. This check is no protection: the
        // next pause may begin right after it.
        if self.lease.is_some_and(|lease| lease.until <= out.now()) {
            self.stop(out);
        }
        match self.lease {
            Some(Lease { token, .. }) => {
                for write in &mut self.queue {
                    write.under = Some(token);
                    let Write { request, value, .. } = *write;
                    out.send(self.config.storage, Message::Write { token, request, value });
                }
            }
            None => self.ask(out),
        }
        out.set_timer(self.config.retry, Timer::Retry);
    }

    fn ask(&mut self, out: &mut Out<Self>) {
        let (now, ttl) = (out.now(), self.config.ttl);
        self.asked.retain(|_, asked| now - *asked < ttl); // what older questions bring is over
        self.asked.insert(self.next, now);
        out.send(self.config.lock, Message::Acquire { question: self.next });
        self.next += 1;
    }

    /// A grant, or a copy of an old one. The lock service counts from a moment that is later than the question, so this node counts from
    /// the question: however long the grant was on its way, the lease ends here first.
    fn granted(&mut self, token: Token, question: u64, out: &mut Out<Self>) {
        let Some(asked) = self.asked.get(&question).copied() else { return };
        if token <= self.newest {
            return;
        }
        self.newest = token;
        self.stop(out);
        let until = asked + self.lasts();
        self.lease = Some(Lease { token, until });
        if self.queue.is_empty() || until <= out.now() {
            self.lease = None;
            out.send(self.config.lock, Message::Release { token });
            return;
        }
        out.emit(ClientEvent::Holds { token });
        out.set_timer(until - out.now(), Timer::Over);
        self.go(out);
    }

    /// Another client has written with a newer lease. Whether an earlier copy of this write was accepted is unknown.
    fn refused(&mut self, token: Token, request: RequestId, out: &mut Out<Self>) {
        if self.lease.is_some_and(|lease| lease.token == token) {
            self.stop(out);
        }
        let is_refused = |write: &Write| write.request == request && write.under == Some(token);
        if let Some(place) = self.queue.iter().position(is_refused) {
            self.queue.remove(place);
            out.reply(request, Response::Lost);
        }
    }

    /// How long this node relies on a lease, by its own stopwatch. In the worst case it is slow by the drift, and the stopwatch of the lock
    /// service is fast by the drift.
    fn lasts(&self) -> Duration {
        let ttl = self.config.ttl;
        ttl - ttl / 1_000_000 * (2 * self.config.drift_ppm)
    }

    /// Stops relying on the lease, if it holds one.
    fn stop(&mut self, out: &mut Out<Self>) -> Option<Token> {
        let Lease { token, .. } = self.lease.take()?;
        out.emit(ClientEvent::Stops { token });
        out.cancel_timer(Timer::Over);
        Some(token)
    }

    /// Gives the lease back, so that others need not wait for its end.
    fn release(&mut self, out: &mut Out<Self>) {
        if let Some(token) = self.stop(out) {
            out.send(self.config.lock, Message::Release { token });
        }
    }
}
// END SOLUTION

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;
    use std::collections::VecDeque;

    const TTL: Duration = Duration::from_millis(400);
    const RETRY: Duration = Duration::from_millis(50);

    /// The lock service n1, the storage n2, and the clients n3 and n4, with a network that loses nothing.
    struct House {
        lock: Bench<LockService>,
        storage: Bench<Storage>,
        clients: [Bench<Client>; 2],
        /// While it is true, messages from n3 to the storage wait in `held`.
        holds: bool,
        held: Vec<Message>,
        answers: Vec<(u32, Response)>,
        granted: Vec<(NodeId, Token)>,
    }
    impl House {
        fn new() -> House {
            let (lock, storage) = (NodeId(1), NodeId(2));
            let config = ClientConfig { lock, storage, ttl: TTL, retry: RETRY, drift_ppm: 10_000 };
            House {
                lock: Bench::new(1, 4, LockConfig { ttl: TTL, drift_ppm: 10_000 }),
                storage: Bench::new(2, 4, ()),
                clients: [Bench::new(3, 4, config), Bench::new(4, 4, config)],
                holds: false,
                held: Vec::new(),
                answers: Vec::new(),
                granted: Vec::new(),
            }
        }
        /// So much time passes.
        fn wait(&mut self, time: Duration) {
            self.lock.now += time;
            self.storage.now += time;
            self.clients.iter_mut().for_each(|client| client.now += time);
        }
        fn write(&mut self, client: u32, value: u64) {
            let effects = self.clients[client as usize - 3].request(Request::Write { value });
            let sent = self.client(client, effects);
            self.deliver(sent);
        }
        /// Delivers these messages and all that follow from them.
        fn deliver(&mut self, sent: Vec<(u32, u32, Message)>) {
            let mut sent = VecDeque::from(sent);
            while let Some((from, to, message)) = sent.pop_front() {
                match to {
                    1 => {
                        for effect in self.lock.message(from, message) {
                            match effect {
                                Effect::Send(to, message) => sent.push_back((1, to.0, message)),
                                Effect::Emit(LockEvent::Granted { to, token }) => {
                                    self.granted.push((to, token))
                                }
                                _ => {}
                            }
                        }
                    }
                    2 if from == 3 && self.holds => self.held.push(message),
                    2 => {
                        for effect in self.storage.message(from, message) {
                            if let Effect::Send(to, message) = effect {
                                sent.push_back((2, to.0, message));
                            }
                        }
                    }
                    _ => {
                        let effects = self.clients[to as usize - 3].message(from, message);
                        sent.extend(self.client(to, effects));
                    }
                }
            }
        }
        fn client(&mut self, client: u32, effects: Vec<Effect<Client>>) -> Vec<(u32, u32, Message)> {
            let mut sent = Vec::new();
            for effect in effects {
                match effect {
                    Effect::Send(to, message) => sent.push((client, to.0, message)),
                    Effect::Reply(_, response) => self.answers.push((client, response)),
                    _ => {}
                }
            }
            sent
        }
        fn accepted(&self) -> Vec<u64> {
            let log = self.storage.disk().log(ACCEPTED).map_while(Result::ok);
            log.map(|record| record.value).collect()
        }
    }

    #[test]
    fn a_client_gets_a_lease_and_writes() {
        let mut house = House::new();
        house.wait(2 * TTL); // a lock service may begin with a wait
        house.write(3, 17);
        assert_eq!(house.accepted(), [17], "is it in ACCEPTED, and synced?");
        assert_eq!(house.answers, [(3, Response::Written)]);
        assert_eq!(house.granted.len(), 1, "the lock service emits each lease that it grants");
    }

    #[test]
    fn a_write_under_an_old_lease_is_refused() {
        let mut house = House::new();
        house.wait(2 * TTL);
        house.holds = true;
        house.write(3, 17); // it gets the lease, and its write stays on its way
        assert!(!house.held.is_empty(), "n3 has a lease, and sends nothing to the storage");
        house.wait(2 * TTL);
        house.write(4, 21); // the lease of n3 is over
        assert_eq!(house.accepted(), [21]);
        house.storage.crash();
        for message in std::mem::take(&mut house.held) {
            house.storage.message(3, message);
        }
        assert_eq!(house.accepted(), [21], "n3 wrote with its old lease after n4 had written");
    }

    #[test]
    fn tokens_grow_over_a_crash_of_the_lock_service() {
        let mut house = House::new();
        house.wait(2 * TTL);
        house.write(3, 17);
        house.wait(2 * TTL);
        house.lock.crash();
        house.wait(2 * TTL);
        house.write(4, 21);
        let tokens: Vec<Token> = house.granted.iter().map(|(_, token)| *token).collect();
        assert!(tokens.len() >= 2 && tokens.is_sorted_by(|a, b| a < b), "{tokens:?}");
    }
}
