//! Exercise `abd`: a register that many nodes keep together. It is linearizable, and it has no leader.
//!
//! Attiya, Bar-Noy and Dolev, *Sharing Memory Robustly in Message-Passing Systems*, 1995; for many writers, Lynch and
//! Shvartsman, *Robust Emulation of Shared Memory Using Dynamic Quorum-Acknowledged Broadcasts*, 1997.
//!
//! You write one thing: the node [`Replica`]. It stores a copy of the register, and it carries out the reads and writes of
//! its own clients. Messages are lost, duplicated and late; nodes crash and restart. The messages below are a suggestion:
//! nobody but your own nodes reads them. Try your node with `cargo test abd`, and then let `faultlines grade 4/abd` judge it.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::abd::{self as contract, Config, Request, Response, Value};
use lab::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The place of a write in the order of all writes. Stamps are compared by `count`, then by `writer`.
///
/// Two different writes never have the same stamp: the count orders the writes of one node, and the writer's id tells two
/// nodes apart that chose the same count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Stamp {
    count: u64,
    writer: NodeId,
}

/// A value of the register and the stamp of the write that wrote it. Of two versions, the one with the larger stamp is newer.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    stamp: Stamp,
    /// `None` in the version that is there before the first write.
    value: Option<Value>,
}
impl Version {
    /// What every node stores before the first write. It is older than the version of any write.
    const INITIAL: Version = Version { stamp: Stamp { count: 0, writer: NodeId(0) }, value: None };
}
/// Shows as `101 @ 7.n2`: the value 101 under count 7 of n2.
impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "{value} @ {}.{}", self.stamp.count, self.stamp.writer),
            None => f.write_str("nothing"),
        }
    }
}

/// What a node never forgets. It is one object on the disk, so a crash leaves the old version or the new one whole.
const VERSION: Saved<Version> = Saved::new("version");

/// What nodes say to each other. Every message names the operation that it is about.
///
/// A [`RequestId`] is a good name: no two requests of a run have the same one, even if a node crashed in between.
#[derive(Clone, Serialize, Deserialize)]
pub enum Message {
    /// Phase 1, the question: which version do you store?
    Query(RequestId),
    /// Phase 1, the answer: the sender stores this version.
    Holds(RequestId, Version),
    /// Phase 2, the order: store this version, unless you store a newer one.
    Store(RequestId, Version),
    /// Phase 2, the acknowledgement: the sender's disk has this version or a newer one.
    Stored(RequestId),
}
/// Shows as `Store 101 @ 7.n2` in diagrams, without the name of the operation.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Query(_) => f.write_str("Query"),
            Message::Holds(_, version) => write!(f, "Holds {version:?}"),
            Message::Store(_, version) => write!(f, "Store {version:?}"),
            Message::Stored(_) => f.write_str("Stored"),
        }
    }
}

/// A read or write that this node carries out for a client.
struct Operation {
    request: Request,
    phase: Phase,
    /// The nodes that have answered in this phase, this node among them.
    answered: BTreeSet<NodeId>,
}
/// How far an operation is.
enum Phase {
    /// It asks for versions. This is the newest one so far.
    Query(Version),
    /// It has this version stored by a majority.
    Store(Version),
}

/// The names of timers. Yours to change.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Timer {
    /// Some nodes have not answered in the present phase of this operation: ask them again.
    Resend(RequestId),
}

/// A node that stores a copy of the register and serves clients.
pub struct Replica {
    me: NodeId,
    config: Config,
    /// The newest version that this node has heard of. The disk has it too.
    version: Version,
    /// The operations that this node's clients wait for.
    operations: BTreeMap<RequestId, Operation>,
}

impl Node for Replica {
    type Contract = contract::Register;
    type Message = Message;
    type Timer = Timer;

    /// The first start, and the start after every crash. The clients of before the crash wait in vain: that is allowed.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        // BEGIN SOLUTION
        let version = boot.disk.load(VERSION).unwrap_or(Version::INITIAL);
        Replica { me: boot.me, config: boot.config, version, operations: BTreeMap::new() }
        // STUB: todo!("which version does the disk have?")
        // END SOLUTION
    }

    /// A client asks for a read or a write. Either begins with phase 1, and this node's own answer is known at once.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let operation = Operation { request, phase: Phase::Query(self.version), answered: BTreeSet::new() };
        self.operations.insert(id, operation);
        self.ask(id, out);
        self.on_holds(self.me, id, self.version, out);
        // STUB: todo!("remember the operation, ask the other nodes, and count your own answer")
        // END SOLUTION
    }

    /// There is one rule for each message. As a replica, a node answers; as the node of a client, it counts answers.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::Query(id) => out.send(from, Message::Holds(id, self.version)),
            Message::Store(id, version) => {
                self.keep(version, out);
                out.send(from, Message::Stored(id));
            }
            Message::Holds(id, version) => self.on_holds(from, id, version, out),
            Message::Stored(id) => self.on_stored(from, id, out),
        }
    }

    /// An operation has waited for `resend`. Messages get lost: this node retransmits to the nodes that have not answered.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Timer::Resend(id) = timer;
        self.ask(id, out);
        // STUB: todo!("repeat the question of the present phase to the nodes that have not answered")
        // END SOLUTION
    }
}

/// The replica: it stores a copy.
impl Replica {
    /// Stores a version, unless this node has a newer one. What this node says next must still be true after a crash.
    fn keep(&mut self, version: Version, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        if version.stamp > self.version.stamp {
            self.version = version;
            out.save(VERSION, &self.version);
            out.sync();
        }
        // STUB: todo!("is it newer? then it must be durable before any later effect")
        // END SOLUTION
    }
}

/// The client's node: it carries out operations.
impl Replica {
    /// Phase 1: a node answered that it stores this version. When a majority has answered, the second phase begins.
    fn on_holds(&mut self, from: NodeId, id: RequestId, version: Version, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Some(operation) = self.operations.get_mut(&id) else { return };
        let Phase::Query(newest) = &mut operation.phase else { return };
        if version.stamp > newest.stamp {
            *newest = version;
        }
        operation.answered.insert(from);
        if !is_majority(operation.answered.len(), self.config) {
            return;
        }
        let version = match operation.request {
            // another reader may have seen this version, or none: from here on every reader will
            Request::Read => *newest,
            // Another write of this node may have stored its version since this one asked: its stamp is taken, too.
            Request::Write { value } => {
                let count = newest.stamp.count.max(self.version.stamp.count) + 1;
                Version { stamp: Stamp { count, writer: self.me }, value: Some(value) }
            }
        };
        operation.phase = Phase::Store(version);
        operation.answered.clear();
        // This node stores the version before any other hears of it. So it never gives its stamp to another write.
        self.keep(version, out);
        self.ask(id, out);
        self.on_stored(self.me, id, out);
        // STUB: todo!("count this node once; with a majority, choose the version that phase 2 stores, and begin phase 2")
        // END SOLUTION
    }

    /// Phase 2: a node stores the version of this operation. When a majority does, the client gets its answer.
    fn on_stored(&mut self, from: NodeId, id: RequestId, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Some(operation) = self.operations.get_mut(&id) else { return };
        let Phase::Store(version) = operation.phase else { return };
        operation.answered.insert(from);
        if !is_majority(operation.answered.len(), self.config) {
            return;
        }
        let response = match operation.request {
            Request::Read => Response::Value(version.value),
            Request::Write { .. } => Response::Written,
        };
        self.operations.remove(&id);
        out.cancel_timer(Timer::Resend(id));
        out.reply(id, response);
        // STUB: todo!("count this node once; with a majority, answer the client and forget the operation")
        // END SOLUTION
    }

    // BEGIN SOLUTION
    /// Sends the question of the present phase to the nodes that have not answered it, and sets the timer that repeats it.
    fn ask(&self, id: RequestId, out: &mut Out<Self>) {
        let Some(operation) = self.operations.get(&id) else { return };
        let question = match operation.phase {
            Phase::Query(_) => Message::Query(id),
            Phase::Store(version) => Message::Store(id, version),
        };
        for peer in out.peers().filter(|peer| !operation.answered.contains(peer)) {
            out.send(peer, question.clone());
        }
        out.set_timer(self.config.resend, Timer::Resend(id));
    }
    // END SOLUTION
}

// BEGIN SOLUTION
/// Whether so many nodes are more than half of all nodes, up or down. Any two majorities have a node in common.
fn is_majority(count: usize, config: Config) -> bool {
    2 * count > config.nodes as usize
}
// END SOLUTION

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;
    use std::collections::VecDeque;

    /// Three nodes and the messages between them. A message to a node of `deaf` is lost.
    struct Trio {
        nodes: [Bench<Replica>; 3],
        deaf: Vec<usize>,
        answers: Vec<(usize, Response)>,
    }
    impl Trio {
        fn new() -> Trio {
            let config = Config { nodes: 3, resend: Duration::from_millis(50) };
            let nodes = [1, 2, 3].map(|id| Bench::new(id, 3, config));
            Trio { nodes, deaf: Vec::new(), answers: Vec::new() }
        }
        /// A client asks a node (0, 1 or 2). All messages arrive in the order in which they were sent. This is the answer.
        fn ask(&mut self, node: usize, request: Request) -> Option<Response> {
            let effects = self.nodes[node].request(request);
            self.carry_out(node, effects);
            self.answers.pop().filter(|(answered, _)| *answered == node).map(|(_, response)| response)
        }
        fn carry_out(&mut self, node: usize, effects: Vec<Effect<Replica>>) {
            let mut todo = VecDeque::from([(node, effects)]);
            while let Some((from, effects)) = todo.pop_front() {
                for effect in effects {
                    let (targets, message) = match effect {
                        Effect::Send(to, message) => (vec![to.0 as usize - 1], message),
                        Effect::Broadcast(message) => ((0..3).filter(|to| *to != from).collect(), message),
                        Effect::Reply(_, response) => {
                            self.answers.push((from, response));
                            continue;
                        }
                        _ => continue,
                    };
                    for to in targets.into_iter().filter(|to| !self.deaf.contains(to)) {
                        let effects = self.nodes[to].message(from as u32 + 1, message.clone());
                        todo.push_back((to, effects));
                    }
                }
            }
        }
    }

    #[test]
    fn a_read_returns_what_another_node_wrote_last() {
        let mut trio = Trio::new();
        assert_eq!(trio.ask(1, Request::Read), Some(Response::Value(None)));
        assert_eq!(trio.ask(0, Request::Write { value: 7 }), Some(Response::Written));
        assert_eq!(trio.ask(2, Request::Write { value: 8 }), Some(Response::Written));
        assert_eq!(trio.ask(1, Request::Read), Some(Response::Value(Some(8))));
    }

    #[test]
    fn two_of_three_nodes_are_enough_and_one_is_not() {
        let mut trio = Trio::new();
        trio.deaf = vec![2];
        assert_eq!(trio.ask(0, Request::Write { value: 7 }), Some(Response::Written));
        trio.deaf = vec![0];
        assert_eq!(
            trio.ask(2, Request::Read),
            Some(Response::Value(Some(7))),
            "n3 missed the write; n2 did not"
        );
        trio.deaf = vec![0, 1];
        assert_eq!(trio.ask(2, Request::Write { value: 8 }), None, "n3 alone is no majority");
    }

    #[test]
    fn what_a_client_was_told_survives_a_power_failure() {
        let mut trio = Trio::new();
        assert_eq!(trio.ask(0, Request::Write { value: 7 }), Some(Response::Written));
        for node in 0..3 {
            let effects = trio.nodes[node].crash();
            trio.carry_out(node, effects);
        }
        assert_eq!(trio.ask(1, Request::Read), Some(Response::Value(Some(7))));
    }
}
