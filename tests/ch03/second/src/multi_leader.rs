//! `multi_leader` with operations in place of copies: each leader numbers its operations, and passes on those of others. A leader takes up an
//! operation when it has all those that its author had. It keeps an operation until each peer has said that it has it, too.

use lab::multi_leader::{self as contract, Config, Item, Key, Request, Response, State, Value};
use lab::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// How many operations of each leader a node has: always the first ones.
type Have = BTreeMap<NodeId, u64>;

/// The `nth` operation of a leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name {
    leader: NodeId,
    nth: u64,
}
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    name: Name,
    /// What its author had.
    after: Have,
    what: What,
}
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    Write { key: Key, value: Value, clock: u64 },
    Add { key: Key, by: i64 },
    Insert { key: Key, item: Item },
    Remove { key: Key, item: Item, inserts: BTreeSet<Name> },
}
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    have: Have,
    operations: Vec<Operation>,
}

/// What the operations that are not kept any more have come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    have: Have,
    registers: BTreeMap<Key, (u64, NodeId, Value)>,
    counters: BTreeMap<Key, i64>,
    inserts: BTreeMap<(Key, Item), BTreeSet<Name>>,
}
impl Store {
    fn has(&self, name: Name) -> bool {
        self.have.get(&name.leader).is_some_and(|nth| name.nth <= *nth)
    }
    fn is_next(&self, operation: &Operation) -> bool {
        let Name { leader, nth } = operation.name;
        let has_all =
            operation.after.iter().all(|(leader, nth)| self.has(Name { leader: *leader, nth: *nth }));
        has_all && !self.has(operation.name) && (nth == 1 || self.has(Name { leader, nth: nth - 1 }))
    }
    fn perform(&mut self, operation: &Operation) {
        let name = operation.name;
        self.have.insert(name.leader, name.nth);
        match operation.what.clone() {
            What::Write { key, value, clock } => {
                let new = (clock, name.leader, value);
                let old = self.registers.entry(key).or_insert(new);
                *old = new.max(*old);
            }
            What::Add { key, by } => {
                let sum = self.counters.entry(key).or_default();
                *sum = sum.wrapping_add(by);
            }
            What::Insert { key, item } => _ = self.inserts.entry((key, item)).or_default().insert(name),
            What::Remove { key, item, inserts } => {
                let place = (key, item);
                if let Some(left) = self.inserts.get_mut(&place) {
                    left.retain(|insert| !inserts.contains(insert));
                    if left.is_empty() {
                        self.inserts.remove(&place);
                    }
                }
            }
        }
    }
}

/// Operations that some peer may lack, in the order in which they were performed here. Behind them there is the store.
const KEPT: Log<Operation> = Log::new("kept");
const STORE: Saved<Store> = Saved::new("store");

pub struct Leader {
    config: Config,
    store: Store,
    kept: Vec<Operation>,
    /// The position of the first of them.
    first: u64,
    /// What each peer has said that it has, since this node started.
    peers: BTreeMap<NodeId, Option<Have>>,
}

impl Node for Leader {
    type Contract = contract::Leader;
    type Message = Message;
    type Timer = ();

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let mut store = boot.disk.load(STORE).unwrap_or_default();
        let log = boot.disk.log(KEPT);
        let first = log.first();
        let kept: Vec<Operation> = log.map_while(Result::ok).collect();
        for operation in &kept {
            if !store.has(operation.name) {
                store.perform(operation);
            }
        }
        out.set_timer(boot.config.gossip / 2, ());
        let peers = boot.peers.into_iter().map(|peer| (peer, None)).collect();
        Leader { config: boot.config, store, kept, first, peers }
    }
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        let what = match request {
            Request::Write { key, value } => {
                let clock = self.store.registers.get(&key).map_or(1, |(clock, ..)| clock + 1);
                What::Write { key, value, clock }
            }
            Request::Add { key, by } => What::Add { key, by },
            Request::Insert { key, item } => What::Insert { key, item },
            Request::Remove { key, item } => match self.store.inserts.get(&(key.clone(), item)) {
                Some(inserts) => What::Remove { key, item, inserts: inserts.clone() },
                None => return out.reply(id, Response::Done),
            },
            Request::Read => return out.reply(id, Response::State(self.show())),
        };
        let nth = self.store.have.get(&out.me()).copied().unwrap_or(0) + 1;
        let name = Name { leader: out.me(), nth };
        self.perform(Operation { name, after: self.store.have.clone(), what }, out);
        out.sync();
        out.reply(id, Response::Done);
    }
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        let told = self.peers.entry(from).or_default().get_or_insert_default();
        for (leader, nth) in message.have {
            let old = told.entry(leader).or_default();
            *old = nth.max(*old);
        }
        let had = self.kept.len();
        for operation in message.operations {
            if self.store.is_next(&operation) {
                self.perform(operation, out);
            }
        }
        if self.kept.len() > had {
            out.sync();
        }
        self.forget(out);
    }
    fn on_timer(&mut self, (): (), out: &mut Out<Self>) {
        for peer in out.peers() {
            let told = self.peers.get(&peer).and_then(Option::as_ref);
            let lacks = |name: Name, told: &Have| told.get(&name.leader).is_none_or(|nth| *nth < name.nth);
            let operations = self.kept.iter().filter(|kept| told.is_some_and(|told| lacks(kept.name, told)));
            let operations = operations.cloned().collect();
            out.send(peer, Message { have: self.store.have.clone(), operations });
        }
        out.set_timer(self.config.gossip, ());
    }
}
impl Leader {
    fn perform(&mut self, operation: Operation, out: &mut Out<Self>) {
        self.store.perform(&operation);
        out.append(KEPT, &operation);
        self.kept.push(operation);
    }
    /// What every peer has is kept no more: the store has it.
    fn forget(&mut self, out: &mut Out<Self>) {
        let is_everywhere = |name: Name| {
            let has = |told: &Have| told.get(&name.leader).is_some_and(|nth| name.nth <= *nth);
            self.peers.values().all(|told| told.as_ref().is_some_and(has))
        };
        let done = self.kept.iter().take_while(|kept| is_everywhere(kept.name)).count();
        if done == 0 {
            return;
        }
        self.kept.drain(..done);
        self.first += done as u64;
        // a crash between the two leaves operations that the store has already
        out.save(STORE, &self.store);
        out.sync();
        out.trim_front(KEPT, self.first);
        out.sync();
    }
    fn show(&self) -> State {
        let Store { registers, counters, inserts, .. } = &self.store;
        let mut carts: BTreeMap<Key, BTreeSet<Item>> = BTreeMap::new();
        for (key, item) in inserts.keys() {
            carts.entry(key.clone()).or_default().insert(*item);
        }
        let registers = registers.iter().map(|(key, (.., value))| (key.clone(), *value)).collect();
        State { registers, counters: counters.clone(), carts }
    }
}
