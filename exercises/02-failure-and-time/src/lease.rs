//! Exercise `lease`: permission for a time, and storage that does not rely on it.
//!
//! Gray and Cheriton, *Leases*, 1989; Kleppmann, *How to Do Distributed Locking*, 2016. The contract is in `lab::lease`: read it first.
//!
//! Three nodes to write: [`LockService`] and [`Storage`], which crash and start again with their disks, and [`Client`], which is paused
//! for any time. Messages are lost, duplicated and late, and overtake each other. Try your code with `cargo test lease`, then run
//! `faultlines grade 2/lease`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::lease::{self as contract, ACCEPTED, Accepted, ClientConfig, ClientEvent, LockConfig, LockEvent};
use lab::lease::{Request, Response, Token};
use lab::prelude::*;
use std::collections::BTreeMap;

/// What the three roles say to each other. Yours to change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Message {
    /// From a client to the lock service: may I have the lease?
    Acquire {
        // What must the answer tell a client, so that the client knows how long its lease lasts?
    },
    /// From the lock service: you have the lease.
    Granted {
        /// The token of the lease.
        token: Token,
    },
    /// From a client: I do not need this lease any more.
    Release {
        // What if this message is late, and the client has another lease by then?
    },
    /// From a client to the storage.
    Write {
        // What must the storage know, so that it can refuse a client that has lost its lease?
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
        /// Of this request.
        request: RequestId,
    },
}

/// The node that grants leases.
pub struct LockService {
    config: LockConfig,
    // What must be on the disk? What can a restarted lock service not know?
}

impl Node for LockService {
    type Contract = contract::LockService;
    type Message = Message;
    type Timer = Nothing;

    /// The first start, and again after each crash.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        todo!("what does `boot.disk` still know of the leases that were granted before a crash?")
    }

    /// A client wants the lease, or does not need it any more.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("is the lease free, or this client's own? Which token comes next, and from when on does it survive a crash?")
    }
}

/// The node with the log.
pub struct Storage {
    // Which messages must the storage refuse? Does it still know that after a crash?
}

impl Node for Storage {
    type Contract = contract::Storage;
    type Message = Message;
    type Timer = Nothing;

    /// The first start, and again after each crash.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        todo!("what does `boot.disk` say about the tokens that were accepted?")
    }

    /// A client wants to write.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("accept the value or refuse it; make it durable; answer")
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
    // Which writes wait? Which lease does it hold, and until when?
}

impl Node for Client {
    type Contract = contract::Client;
    type Message = Message;
    type Timer = Timer;

    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        Client { config: boot.config }
    }

    /// A value is to be written.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("with a lease, write; without one, ask for it")
    }

    /// The lock service grants a lease, or the storage answers.
    fn on_message(&mut self, _from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("from when on may the lock service give the lease to another client? When is a write answered, and how?")
    }

    /// A message may be lost, and a lease does not last.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        todo!("ask again, write again, or stop relying on the lease")
    }
}

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
