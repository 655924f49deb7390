//! Exercises `quorum_store` and `handoff`: a store without a leader, which any node may be asked, and which counts answers.
//!
//! Gifford, *Weighted Voting for Replicated Data*, 1979; DeCandia et al., *Dynamo*, 2007. The contract is in `lab::quorum_store`: read it first.
//!
//! You write one thing: the node [`Store`]. It keeps copies of the keys that it is a home of, and it coordinates the requests of its own clients.
//! Messages are lost, duplicated and late; nodes crash and restart. Step 1, `quorum_store`, counts answers of the homes of a key. Step 2, `handoff`,
//! lets other nodes stand in for homes that do not answer. Try your node with `cargo test quorum_store`, and then let
//! `faultlines grade 3/quorum_store` judge it.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::prelude::*;
use lab::quorum_store::{self as contract, Config, Key, Request, Response, Value, preference};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The place of a write in the order of all writes of its key: compared by `count`, then by `node`, then by `request`.
///
/// Two different writes never have the same version. The count orders writes that follow one another. The node and the request tell writes
/// apart that overlapped, and so chose the same count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    count: u64,
    node: NodeId,
    request: RequestId,
}

/// What a node stores of a key. Of two copies, the one with the larger version is newer.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    version: Version,
    /// `None` is the mark of a deletion: a write like any other.
    value: Option<Value>,
}
/// Shows as `17 @ 3.n2`, and as `deleted @ 4.n1`.
impl fmt::Debug for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "{value}")?,
            None => f.write_str("deleted")?,
        }
        write!(f, " @ {}.{}", self.version.count, self.version.node)
    }
}

// BEGIN SOLUTION
/// No copy is older than every copy.
fn version(held: Option<Copy>) -> Option<Version> {
    held.map(|copy| copy.version)
}
// END SOLUTION

/// The copies that a node stores as a home. Each is one entry on the disk, so a crash leaves the old copy or the new one whole.
const COPIES: Table<Key, Copy> = Table::new("copies");
// BEGIN SOLUTION
/// Step 2: what a node keeps for a home in whose place it stands.
const HINTS: Table<(Key, NodeId), Copy> = Table::new("hints");
// END SOLUTION

/// What nodes say to each other. Yours to change.
///
/// Every question names the request that it is about, and its answer repeats that. A [`RequestId`] is a good name: no two requests of a run
/// have the same one, even if a node crashed in between.
#[derive(Clone, Serialize, Deserialize)]
pub enum Message {
    /// Which copy do you store?
    Ask(RequestId, Key),
    /// I store this one, or none.
    Holds(RequestId, Option<Copy>),
    /// Store this copy, unless you store a newer one.
    Write {
        /// For which request.
        request: RequestId,
        /// Of this key.
        key: Key,
        /// This copy.
        copy: Copy,
        /// Step 2: keep it for this home, in whose place you stand.
        hint: Option<NodeId>,
    },
    /// My disk has that copy or a newer one.
    Wrote(RequestId),
    // BEGIN SOLUTION
    /// Step 2: you were away, and I kept this copy for you.
    HandOver(Key, Copy),
    /// Step 2: my disk has that copy or a newer one, so you need not keep it for me.
    TookOver(Key, Copy),
    // END SOLUTION
}
/// Shows as `Write 17 @ 3.n2` in diagrams, without the name of the request.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Ask(_, key) => write!(f, "Ask {key}"),
            Message::Holds(_, Some(copy)) => write!(f, "Holds {copy:?}"),
            Message::Holds(_, None) => f.write_str("Holds nothing"),
            Message::Write { copy, hint: None, .. } => write!(f, "Write {copy:?}"),
            Message::Write { copy, hint: Some(home), .. } => write!(f, "Write {copy:?} for {home}"),
            Message::Wrote(_) => f.write_str("Wrote"),
            // BEGIN SOLUTION
            Message::HandOver(_, copy) => write!(f, "HandOver {copy:?}"),
            Message::TookOver(_, copy) => write!(f, "TookOver {copy:?}"),
            // END SOLUTION
        }
    }
}

/// The names of timers. Yours to change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Timer {
    /// Some nodes have not answered this request for `patience`.
    Silence(RequestId),
    /// This request has taken `give_up`.
    GiveUp(RequestId),
    /// Step 2: it is time to try what was left undone.
    Handoff,
}

/// A request that this node coordinates. It outlives its answer until `give_up`, for nodes that answer late.
struct Operation {
    key: Key,
    request: Request,
    is_answered: bool,
    // BEGIN SOLUTION
    /// What each node that has answered the asking stores, as far as this node knows.
    holds: BTreeMap<NodeId, Option<Copy>>,
    /// What a write writes, once it is known.
    writes: Option<Copy>,
    /// The nodes that have acknowledged the write.
    wrote: BTreeSet<NodeId>,
    /// Step 2: the nodes that stand in, and for which home.
    stand_ins: BTreeMap<NodeId, NodeId>,
    // STUB: // Which nodes have answered which question, and what did they say?
    // END SOLUTION
}

// BEGIN SOLUTION
impl Operation {
    /// How many homes these nodes speak for: a home for itself, and a stand-in for its home. Both of them together are one.
    fn homes_among<'a>(&self, nodes: impl IntoIterator<Item = &'a NodeId>) -> usize {
        let home = |node: &'a NodeId| *self.stand_ins.get(node).unwrap_or(node);
        nodes.into_iter().map(home).collect::<BTreeSet<NodeId>>().len()
    }
}
// END SOLUTION

/// A node of the store.
pub struct Store {
    me: NodeId,
    config: Config,
    /// The newest copy of each key that this node has heard of as a home. The disk has it, too.
    copies: BTreeMap<Key, Copy>,
    // BEGIN SOLUTION
    /// Step 2: the newest copy for each home in whose place this node stands. The disk has it, too.
    hints: BTreeMap<(Key, NodeId), Copy>,
    // END SOLUTION
    /// The requests that this node coordinates.
    operations: BTreeMap<RequestId, Operation>,
}

impl Node for Store {
    type Contract = contract::QuorumStore;
    type Message = Message;
    type Timer = Timer;

    /// The first start, and the start after every crash. The clients of before the crash wait in vain: that is allowed.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        // BEGIN SOLUTION
        let (copies, hints) = (boot.disk.table(COPIES), boot.disk.table(HINTS));
        if !hints.is_empty() {
            out.set_timer(boot.config.handoff, Timer::Handoff);
        }
        Store { me: boot.me, config: boot.config, copies, hints, operations: BTreeMap::new() }
        // STUB: todo!("which copies does the disk have?")
        // END SOLUTION
    }

    /// A client asks this node, which becomes the coordinator of this request.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let key = match request {
            Request::Peek { key } => return out.reply(id, Response::Value(self.on_disk(key))),
            Request::Get { strong: true, .. } if !self.can_be_strong() => {
                return out.reply(id, Response::Refused);
            }
            Request::Put { key, .. } | Request::Delete { key } | Request::Get { key, .. } => key,
        };
        let operation = Operation {
            key,
            request,
            is_answered: false,
            holds: BTreeMap::new(),
            writes: None,
            wrote: BTreeSet::new(),
            stand_ins: BTreeMap::new(),
        };
        self.operations.insert(id, operation);
        out.set_timer(self.config.patience, Timer::Silence(id));
        out.set_timer(self.config.give_up, Timer::GiveUp(id));
        self.send_to_silent(id, out);
        // STUB: todo!("answer Peek and what must be refused at once; otherwise remember the operation, and ask the homes")
        // END SOLUTION
    }

    /// There is one rule for each message. As a home, a node answers; as a coordinator, it counts answers.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::Ask(id, key) => {
                let copy = self.newest(key);
                out.send(from, Message::Holds(id, copy));
            }
            Message::Holds(id, copy) => self.on_holds(from, id, copy, out),
            Message::Write { request, key, copy, hint } => {
                match hint {
                    None => self.keep(key, copy, out),
                    Some(home) => self.keep_for(home, key, copy, out),
                }
                out.send(from, Message::Wrote(request));
            }
            Message::Wrote(id) => self.on_wrote(from, id, out),
            // BEGIN SOLUTION
            Message::HandOver(key, copy) => {
                self.keep(key, copy, out);
                out.send(from, Message::TookOver(key, copy));
            }
            Message::TookOver(key, copy) => self.forget(from, key, copy, out),
            // END SOLUTION
        }
    }

    /// Time has passed.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        match timer {
            Timer::Silence(id) => {
                self.find_stand_ins(id);
                self.send_to_silent(id, out);
                out.set_timer(self.config.patience, Timer::Silence(id));
            }
            Timer::GiveUp(id) => {
                out.cancel_timer(Timer::Silence(id));
                if self.operations.remove(&id).is_some_and(|operation| !operation.is_answered) {
                    out.reply(id, Response::Unavailable);
                }
            }
            Timer::Handoff => self.hand_over(out),
        }
        // STUB: todo!("ask silent nodes again; answer a client that has waited too long")
        // END SOLUTION
    }
}

/// The home: it stores copies.
impl Store {
    /// Stores a copy, unless this node has a newer one. What this node says next must still be true after a crash.
    fn keep(&mut self, key: Key, copy: Copy, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        if self.copies.get(&key).is_none_or(|mine| mine.version < copy.version) {
            self.copies.insert(key, copy);
            out.put(COPIES, &key, &copy);
            out.sync();
        }
        // STUB: todo!("is it newer? then it must be durable before any later effect")
        // END SOLUTION
    }
    /// The newest copy of a key that this node has, be it its own or one that it keeps for another node.
    fn newest(&self, key: Key) -> Option<Copy> {
        // BEGIN SOLUTION
        let hints = self.hints.range((key, NodeId(0))..=(key, NodeId(u32::MAX)));
        let copies = hints.map(|(_, copy)| *copy).chain(self.copies.get(&key).copied());
        copies.max_by_key(|copy| copy.version)
        // STUB: self.copies.get(&key).copied() // good enough for step 1
        // END SOLUTION
    }
    // BEGIN SOLUTION
    /// What an operator sees.
    fn on_disk(&self, key: Key) -> Option<Value> {
        self.newest(key).and_then(|copy| copy.value)
    }
    // END SOLUTION
}

/// The coordinator: it carries out requests.
impl Store {
    /// Whether this store can promise that a read sees every write that was stored before.
    fn can_be_strong(&self) -> bool {
        // BEGIN SOLUTION
        let Config { n, r, w, sloppy, .. } = self.config;
        !sloppy && r + w > n
        // STUB: todo!("which sets of homes must have a home in common?")
        // END SOLUTION
    }

    /// A node answered that it stores this copy.
    fn on_holds(&mut self, from: NodeId, id: RequestId, copy: Option<Copy>, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Some(operation) = self.operations.get_mut(&id) else { return };
        operation.holds.entry(from).or_insert(copy);
        if operation.homes_among(operation.holds.keys()) < self.config.r as usize {
            return;
        }
        let newest = operation.holds.values().copied().max_by_key(|held| version(*held)).flatten();
        let value = match operation.request {
            Request::Put { value, .. } => Some(value),
            Request::Delete { .. } => None,
            Request::Get { .. } | Request::Peek { .. } => {
                if !operation.is_answered {
                    operation.is_answered = true;
                    out.reply(id, Response::Value(newest.and_then(|copy| copy.value)));
                }
                return self.repair(id, newest, out);
            }
        };
        if operation.writes.is_none() {
            let count = newest.map_or(0, |copy| copy.version.count) + 1;
            let version = Version { count, node: self.me, request: id };
            operation.writes = Some(Copy { version, value });
            self.send_to_silent(id, out);
        }
        // STUB: todo!("count this node once; with r of them, answer a read, or choose the version of a write and begin to write")
        // END SOLUTION
    }

    /// A node has stored what this operation writes.
    fn on_wrote(&mut self, from: NodeId, id: RequestId, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Some(operation) = self.operations.get_mut(&id).filter(|operation| operation.writes.is_some())
        else {
            return;
        };
        operation.wrote.insert(from);
        let wrote = operation.homes_among(&operation.wrote);
        if wrote >= self.config.w as usize && !operation.is_answered {
            operation.is_answered = true;
            out.reply(id, Response::Stored);
        }
        self.end_if_complete(id, out);
        // STUB: todo!("count this node once; with w of them, answer the client")
        // END SOLUTION
    }

    // BEGIN SOLUTION
    /// Sends the present question to the nodes that have not answered it.
    fn send_to_silent(&mut self, id: RequestId, out: &mut Out<Self>) {
        let Some(operation) = self.operations.get(&id) else { return };
        let (key, writes) = (operation.key, operation.writes);
        let silent = self.silent(operation);
        for (node, hint) in silent.iter().copied().filter(|(node, _)| *node != self.me) {
            out.send(
                node,
                match writes {
                    None => Message::Ask(id, key),
                    Some(copy) => Message::Write { request: id, key, copy, hint },
                },
            );
        }
        // A node sends no messages to itself: its own copy answers at once.
        let Some((_, hint)) = silent.into_iter().find(|(node, _)| *node == self.me) else { return };
        let Some(copy) = writes else {
            return self.on_holds(self.me, id, self.newest(key), out);
        };
        match hint {
            None => self.keep(key, copy, out),
            Some(home) => self.keep_for(home, key, copy, out),
        }
        self.on_wrote(self.me, id, out);
    }
    /// The nodes that have not answered the present question: homes, and nodes that stand in for homes, with the home.
    fn silent(&self, operation: &Operation) -> Vec<(NodeId, Option<NodeId>)> {
        let homes = self.homes(operation.key).into_iter().map(|home| (home, None));
        let stand_ins = operation.stand_ins.iter().map(|(node, home)| (*node, Some(*home)));
        let has_answered = |node: &NodeId| match operation.writes {
            None => operation.holds.contains_key(node),
            Some(_) => operation.wrote.contains(node),
        };
        homes.chain(stand_ins).filter(|(node, _)| !has_answered(node)).collect()
    }
    fn homes(&self, key: Key) -> Vec<NodeId> {
        let mut list = preference(key, &self.config.nodes);
        list.truncate(self.config.n as usize);
        list
    }
    /// Sends the newest copy to each node that has answered a read with an older one.
    fn repair(&mut self, id: RequestId, newest: Option<Copy>, out: &mut Out<Self>) {
        let Some(copy) = newest else { return self.end_if_complete(id, out) };
        let Some(operation) = self.operations.get_mut(&id) else { return };
        let key = operation.key;
        let mut is_own_older = false;
        for (node, held) in operation.holds.iter_mut().filter(|(_, held)| version(**held) < version(newest)) {
            *held = newest;
            match (operation.stand_ins.get(node).copied(), *node == self.me) {
                (None, true) => is_own_older = true,
                (hint, false) => out.send(*node, Message::Write { request: id, key, copy, hint }),
                (Some(_), true) => {}
            }
        }
        if is_own_older {
            self.keep(key, copy, out);
        }
        self.end_if_complete(id, out);
    }
    /// Forgets an operation that waits for no answer any more.
    fn end_if_complete(&mut self, id: RequestId, out: &mut Out<Self>) {
        let Some(operation) = self.operations.get(&id) else { return };
        if operation.is_answered && self.silent(operation).is_empty() {
            self.operations.remove(&id);
            out.cancel_timer(Timer::Silence(id));
            out.cancel_timer(Timer::GiveUp(id));
        }
    }
    // END SOLUTION
}

/// Step 2: nodes stand in for homes that do not answer.
impl Store {
    /// The homes that have not answered for `patience` each get the next node in their place. So do homes whose stand-in is silent.
    fn find_stand_ins(&mut self, id: RequestId) {
        // BEGIN SOLUTION
        let Some(operation) = self.operations.get(&id).filter(|_| self.config.sloppy) else { return };
        let silent = self.silent(operation);
        let nodes: Vec<NodeId> = silent.iter().map(|(node, _)| *node).collect();
        let has_one = |home: &NodeId| {
            operation.stand_ins.iter().any(|(node, other)| home == other && !nodes.contains(node))
        };
        let homes = silent.iter().filter(|(_, hint)| hint.is_none()).map(|(home, _)| *home);
        let homes: Vec<NodeId> = homes.filter(|home| !has_one(home)).collect();
        let list = preference(operation.key, &self.config.nodes);
        let others = list.into_iter().skip(self.config.n as usize);
        let free: Vec<NodeId> = others.filter(|node| !operation.stand_ins.contains_key(node)).collect();
        if let Some(operation) = self.operations.get_mut(&id) {
            operation.stand_ins.extend(free.into_iter().zip(homes));
        }
        // STUB: let _ = id; // nothing to do in step 1
        // END SOLUTION
    }
    /// Keeps a copy for a home in whose place this node stands.
    fn keep_for(&mut self, home: NodeId, key: Key, copy: Copy, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        if self.hints.get(&(key, home)).is_some_and(|hint| hint.version >= copy.version) {
            return;
        }
        if self.hints.is_empty() {
            out.set_timer(self.config.handoff, Timer::Handoff);
        }
        self.hints.insert((key, home), copy);
        out.put(HINTS, &(key, home), &copy);
        out.sync();
        // STUB: let _ = (home, key, copy, out); // nothing to do in step 1
        // END SOLUTION
    }
    // BEGIN SOLUTION
    /// Sends every hint to its home. A home that is still away does not answer, and is sent it again.
    fn hand_over(&self, out: &mut Out<Self>) {
        for ((key, home), copy) in &self.hints {
            out.send(*home, Message::HandOver(*key, *copy));
        }
        if !self.hints.is_empty() {
            out.set_timer(self.config.handoff, Timer::Handoff);
        }
    }
    /// The home has this copy on its disk. A newer hint that came meanwhile stays.
    fn forget(&mut self, home: NodeId, key: Key, copy: Copy, out: &mut Out<Self>) {
        if self.hints.get(&(key, home)).is_some_and(|hint| hint.version <= copy.version) {
            self.hints.remove(&(key, home));
            out.remove(HINTS, &(key, home));
            out.sync();
        }
    }
    // END SOLUTION
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;
    use std::collections::VecDeque;

    const KEY: Key = Key(1);

    /// Five nodes and the messages between them. A message to a node of `deaf` is lost.
    struct Five {
        nodes: Vec<Bench<Store>>,
        /// The nodes in the order of the preference list: three homes and two others.
        list: Vec<NodeId>,
        deaf: Vec<NodeId>,
        answer: Option<Response>,
    }
    impl Five {
        fn new(r: u32, w: u32, sloppy: bool) -> Five {
            let nodes: Vec<NodeId> = (1..=5).map(NodeId).collect();
            let (patience, give_up) = (Duration::from_millis(100), Duration::from_millis(600));
            let config =
                Config { nodes: nodes.clone(), n: 3, r, w, sloppy, patience, give_up, handoff: patience };
            let list = preference(KEY, &nodes);
            let nodes = (1..=5).map(|id| Bench::new(id, 5, config.clone())).collect();
            Five { nodes, list, deaf: Vec::new(), answer: None }
        }
        /// A client asks a node. All messages arrive in the order in which they were sent, and no timer fires. This is the answer.
        fn ask(&mut self, node: NodeId, request: Request) -> Option<Response> {
            self.answer = None;
            let effects = self.nodes[node.0 as usize - 1].request(request);
            let mut todo = VecDeque::from([(node, effects)]);
            while let Some((from, effects)) = todo.pop_front() {
                for effect in effects {
                    match effect {
                        Effect::Send(to, message) if !self.deaf.contains(&to) => {
                            todo.push_back((to, self.nodes[to.0 as usize - 1].message(from.0, message)));
                        }
                        Effect::Reply(_, response) => self.answer = Some(response),
                        _ => {}
                    }
                }
            }
            self.answer
        }
    }
    const PUT_7: Request = Request::Put { key: KEY, value: 7 };
    const GET: Request = Request::Get { key: KEY, strong: true };

    #[test]
    fn any_node_may_be_asked_and_two_of_three_homes_are_enough() {
        let mut five = Five::new(2, 2, false);
        let list = five.list.clone();
        assert_eq!(five.ask(list[3], GET), Some(Response::Value(None)));
        five.deaf = vec![list[2]];
        assert_eq!(five.ask(list[3], PUT_7), Some(Response::Stored));
        five.deaf = vec![list[0], list[3]];
        assert_eq!(five.ask(list[4], GET), Some(Response::Value(Some(7))), "one of the two homes has it");
    }

    #[test]
    fn one_home_is_too_few_and_other_nodes_do_not_count() {
        let mut five = Five::new(2, 2, false);
        let list = five.list.clone();
        five.deaf = vec![list[1], list[2]];
        assert_eq!(five.ask(list[3], PUT_7), None, "its client waits until `give_up`");
    }

    #[test]
    fn a_deletion_is_a_write_and_a_later_put_replaces_it() {
        let mut five = Five::new(2, 2, false);
        let list = five.list.clone();
        assert_eq!(five.ask(list[0], PUT_7), Some(Response::Stored));
        assert_eq!(five.ask(list[1], Request::Delete { key: KEY }), Some(Response::Stored));
        assert_eq!(five.ask(list[2], GET), Some(Response::Value(None)));
        assert_eq!(five.ask(list[4], Request::Put { key: KEY, value: 8 }), Some(Response::Stored));
        assert_eq!(five.ask(list[3], GET), Some(Response::Value(Some(8))));
    }

    #[test]
    fn two_of_three_and_one_of_three_need_not_have_a_home_in_common() {
        let mut five = Five::new(2, 1, false);
        let first = five.list[0];
        assert_eq!(five.ask(first, GET), Some(Response::Refused));
        assert_eq!(five.ask(first, Request::Get { key: KEY, strong: false }), Some(Response::Value(None)));
    }
}
