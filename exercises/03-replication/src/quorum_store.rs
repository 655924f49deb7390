//! Exercises `quorum_store` and `handoff`: a store without a leader, which any node may be asked, and which counts answers.
//!
//! Gifford, *Weighted Voting for Replicated Data*, 1979; DeCandia et al., *Dynamo*, 2007. The contract is in `lab::quorum_store`: read it first.
//!
//! You write one thing: the node [`Store`]. It keeps copies of the keys that it is a home of, and it coordinates the requests of its own clients.
//! Messages are lost, duplicated and late; nodes crash and restart. Step 1, `quorum_store`, counts answers of the homes of a key. Step 2, `handoff`,
//! lets other nodes stand in for homes that do not answer. Try your node with `cargo test quorum_store`, and then let
//! `faultlines grade 3/quorum_store` judge it.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

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

/// The copies that a node stores as a home. Each is one entry on the disk, so a crash leaves the old copy or the new one whole.
const COPIES: Table<Key, Copy> = Table::new("copies");

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
    // Which nodes have answered which question, and what did they say?
}

/// A node of the store.
pub struct Store {
    me: NodeId,
    config: Config,
    /// The newest copy of each key that this node has heard of as a home. The disk has it, too.
    copies: BTreeMap<Key, Copy>,
    /// The requests that this node coordinates.
    operations: BTreeMap<RequestId, Operation>,
}

impl Node for Store {
    type Contract = contract::QuorumStore;
    type Message = Message;
    type Timer = Timer;

    /// The first start, and the start after every crash. The clients of before the crash wait in vain: that is allowed.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        todo!("which copies does the disk have?")
    }

    /// A client asks this node, which becomes the coordinator of this request.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("answer Peek and what must be refused at once; otherwise remember the operation, and ask the homes")
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
        }
    }

    /// Time has passed.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        todo!("ask silent nodes again; answer a client that has waited too long")
    }
}

/// The home: it stores copies.
impl Store {
    /// Stores a copy, unless this node has a newer one. What this node says next must still be true after a crash.
    fn keep(&mut self, key: Key, copy: Copy, out: &mut Out<Self>) {
        todo!("is it newer? then it must be durable before any later effect")
    }
    /// The newest copy of a key that this node has, be it its own or one that it keeps for another node.
    fn newest(&self, key: Key) -> Option<Copy> {
        self.copies.get(&key).copied() // good enough for step 1
    }
}

/// The coordinator: it carries out requests.
impl Store {
    /// Whether this store can promise that a read sees every write that was stored before.
    fn can_be_strong(&self) -> bool {
        todo!("which sets of homes must have a home in common?")
    }

    /// A node answered that it stores this copy.
    fn on_holds(&mut self, from: NodeId, id: RequestId, copy: Option<Copy>, out: &mut Out<Self>) {
        todo!("count this node once; with r of them, answer a read, or choose the version of a write and begin to write")
    }

    /// A node has stored what this operation writes.
    fn on_wrote(&mut self, from: NodeId, id: RequestId, out: &mut Out<Self>) {
        todo!("count this node once; with w of them, answer the client")
    }
}

/// Step 2: nodes stand in for homes that do not answer.
impl Store {
    /// The homes that have not answered for `patience` each get the next node in their place. So do homes whose stand-in is silent.
    fn find_stand_ins(&mut self, id: RequestId) {
        let _ = id; // nothing to do in step 1
    }
    /// Keeps a copy for a home in whose place this node stands.
    fn keep_for(&mut self, home: NodeId, key: Key, copy: Copy, out: &mut Out<Self>) {
        let _ = (home, key, copy, out); // nothing to do in step 1
    }
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
