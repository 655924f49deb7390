//! Exercise `byzantine`: a broadcast that some nodes lie about, and on which all the others agree.
//!
//! Bracha, *Asynchronous Byzantine Agreement Protocols*, 1987, section 3. The contract is in `lab::byzantine`: read it first.
//!
//! One thing to write: the node [`Broadcaster`]. It votes in two rounds, first with `Echo` and then with `Ready`, and delivers what
//! enough nodes are ready for. Try your code with `cargo test byzantine`, then run `faultlines grade 2/byzantine`.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::byzantine::{self as contract, Config, Event, Message, Payload, Request, Slot};
use lab::prelude::*;
use std::collections::BTreeMap;

/// A node that broadcasts, and that delivers what the others broadcast.
pub struct Broadcaster {
    config: Config,
    /// What this node knows of each slot that it has heard of.
    slots: BTreeMap<Slot, State>,
}

/// What a node knows of one slot, and what it has done about it.
#[derive(Debug, Default)]
struct State {
    // BEGIN SOLUTION
    /// The first `Echo` of each node. A traitor may send more of them, and gets no second vote for that.
    echoes: BTreeMap<NodeId, Payload>,
    /// The first `Ready` of each node.
    readies: BTreeMap<NodeId, Payload>,
    /// This node has sent an `Echo`, and will send no other one.
    has_echoed: bool,
    /// This node has sent a `Ready`, and will send no other one.
    is_ready: bool,
    has_delivered: bool,
    // STUB: // Which node voted for what? What has this node done already, so that it never does it twice?
    // END SOLUTION
}

impl Node for Broadcaster {
    type Contract = contract::Broadcaster;
    type Message = Message;
    type Timer = Nothing;

    /// The only start: honest nodes do not crash.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        Broadcaster { config: boot.config, slots: BTreeMap::new() }
    }

    /// A client wants a payload to be broadcast.
    fn on_request(&mut self, _id: RequestId, request: Request, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Request::Broadcast { seq, payload } = request;
        let slot = Slot { origin: out.me(), seq };
        send_to_all(Message::Initial { slot, payload }, out);
        // STUB: todo!("send `Initial` to all nodes")
        // END SOLUTION
    }

    /// A node says something: an honest node, or a traitor.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        match message {
            Message::Initial { slot, payload } if slot.origin == from => self.echo(slot, payload, out),
            Message::Echo { slot, payload } => {
                self.slots.entry(slot).or_default().echoes.entry(from).or_insert(payload);
                self.go_on(slot, payload, out);
            }
            Message::Ready { slot, payload } => {
                self.slots.entry(slot).or_default().readies.entry(from).or_insert(payload);
                self.go_on(slot, payload, out);
            }
            Message::Initial { .. } | Message::Extension(_) => {}
        }
        // STUB: todo!("may `from` say this? Count its vote, then see whether it is time for an `Echo`, for a `Ready`, or to deliver")
        // END SOLUTION
    }
}

// BEGIN SOLUTION
impl Broadcaster {
    /// The origin of the slot says what it broadcasts: pass on the first thing that it says, and nothing else.
    fn echo(&mut self, slot: Slot, payload: Payload, out: &mut Out<Self>) {
        let state = self.slots.entry(slot).or_default();
        if !state.has_echoed {
            state.has_echoed = true;
            send_to_all(Message::Echo { slot, payload }, out);
        }
    }

    /// There may be one vote more for this payload: do what there are enough votes for now.
    fn go_on(&mut self, slot: Slot, payload: Payload, out: &mut Out<Self>) {
        let Config { nodes, faults } = self.config;
        let state = self.slots.entry(slot).or_default();
        // Two sets of more than (n + f) / 2 nodes have more than f nodes in common: one of those is honest, and echoed one payload.
        let is_echoed = 2 * votes(&state.echoes, payload) > nodes + faults;
        // One of f + 1 nodes is honest.
        let readies = votes(&state.readies, payload);
        if !state.is_ready && (is_echoed || readies > faults) {
            state.is_ready = true;
            send_to_all(Message::Ready { slot, payload }, out);
        }
        // f + 1 of 2f + 1 nodes are honest. Their Readys reach every node, so that all honest nodes get ready and deliver, too.
        if !state.has_delivered && readies > 2 * faults {
            state.has_delivered = true;
            out.emit(Event::Delivered { slot, payload });
        }
    }
}

/// How many nodes voted for this payload.
fn votes(by_node: &BTreeMap<NodeId, Payload>, payload: Payload) -> u32 {
    by_node.values().filter(|vote| **vote == payload).count() as u32
}

/// Sends to all nodes, this one included: a node counts its own votes as it counts those of others.
fn send_to_all(message: Message, out: &mut Out<Broadcaster>) {
    out.broadcast(message.clone());
    out.send(out.me(), message);
}
// END SOLUTION

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;
    use std::collections::VecDeque;

    /// Four nodes, of which one may be a traitor.
    const CONFIG: Config = Config { nodes: 4, faults: 1 };
    const SLOT: Slot = Slot { origin: NodeId(1), seq: 7 };

    /// The honest nodes of a system. Those that are missing are traitors, and silent unless the test speaks for them.
    struct System {
        honest: BTreeMap<u32, Bench<Broadcaster>>,
        delivered: Vec<(u32, Payload)>,
        /// What is on its way: from whom, to whom.
        under_way: VecDeque<(u32, u32, Message)>,
    }
    impl System {
        fn of(honest: &[u32]) -> System {
            let honest = honest.iter().map(|id| (*id, Bench::new(*id, CONFIG.nodes, CONFIG))).collect();
            System { honest, delivered: Vec::new(), under_way: VecDeque::new() }
        }
        fn keep(&mut self, node: u32, effects: Vec<Effect<Broadcaster>>) {
            for effect in effects {
                match effect {
                    Effect::Send(to, message) => self.under_way.push_back((node, to.0, message)),
                    Effect::Broadcast(message) => {
                        let others = (1..=CONFIG.nodes).filter(|to| *to != node);
                        self.under_way.extend(others.map(|to| (node, to, message.clone())));
                    }
                    Effect::Emit(Event::Delivered { payload, .. }) => self.delivered.push((node, payload)),
                    _ => {}
                }
            }
        }
        fn ask(&mut self, node: u32, payload: Payload) {
            let bench = self.honest.get_mut(&node).expect("an honest node");
            let effects = bench.request(Request::Broadcast { seq: SLOT.seq, payload });
            self.keep(node, effects);
        }
        /// Delivers every message, the oldest first, until none is left.
        fn run(&mut self) {
            while let Some((from, to, message)) = self.under_way.pop_front() {
                if let Some(bench) = self.honest.get_mut(&to) {
                    let effects = bench.message(from, message);
                    self.keep(to, effects);
                }
            }
            self.delivered.sort_unstable();
        }
    }

    #[test]
    fn all_honest_nodes_deliver_although_one_node_is_silent() {
        let mut system = System::of(&[1, 2, 3]);
        system.ask(1, 42);
        system.run();
        assert_eq!(system.delivered, [(1, 42), (2, 42), (3, 42)]);
    }

    #[test]
    fn a_traitor_that_broadcasts_two_payloads_gets_neither_delivered() {
        let mut system = System::of(&[2, 3, 4]);
        for (to, payload) in [(2, 42), (3, 43), (4, 44)] {
            system.under_way.push_back((1, to, Message::Initial { slot: SLOT, payload }));
        }
        system.run();
        assert_eq!(system.delivered, [], "each payload has one vote");
    }

    #[test]
    fn a_traitor_cannot_broadcast_for_another_node() {
        let mut system = System::of(&[1, 2, 3]);
        for to in 1..=3 {
            system.under_way.push_back((4, to, Message::Initial { slot: SLOT, payload: 42 }));
        }
        system.run();
        assert_eq!(system.delivered, [], "n4 sent `Initial` in a slot of n1");
    }
}
