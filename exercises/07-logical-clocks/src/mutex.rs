//! Exercise `mutex`: one node at a time is inside, in the order of asking, without a server.
//!
//! Lamport, *Time, Clocks, and the Ordering of Events in a Distributed System*, 1978.
//!
//! Write the node [`Mutex`]. Messages are never lost and nodes never crash. But messages can be slow, and on some links a
//! later message overtakes an earlier one. Try your code with `cargo test mutex`, then run `faultlines grade 7/mutex`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::mutex::{self as contract, Event, Request};
use lab::prelude::*;
use std::collections::BTreeMap;

/// A reading of a node's logical clock.
type Stamp = u64;

/// What nodes send each other. Every message carries a stamp, whatever it is about. So stamps agree with cause and effect,
/// notes included.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// The sender's clock when it sent this.
    stamp: Stamp,
    /// How many messages the sender had sent to this receiver before. It restores the order on links that reorder messages.
    nth: u64,
    /// What it is about.
    content: Content,
}

/// What a message is about. Yours to change.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Content {
    /// The sender wants to enter; the message's stamp is the stamp of its request.
    Wants,
    /// The sender has received a request, and its clock is past it now.
    Seen,
    /// The sender is outside again.
    Left,
    /// A note from a client.
    Note(u32),
}

/// A node that takes turns with its peers.
pub struct Mutex {
    /// This node.
    me: NodeId,
    /// The stamp of this node's last event.
    time: Stamp,
    /// The nodes that want to enter or are inside, with the stamps of their requests. A node has one request at a time.
    queue: BTreeMap<NodeId, Stamp>,
    /// Whether this node is inside.
    inside: bool,
    /// What this node knows of each peer.
    peers: BTreeMap<NodeId, Peer>,
}

/// What a node knows of one peer.
#[derive(Debug, Default)]
struct Peer {
    /// The stamp of the last message that was taken from this peer: no message with a smaller stamp will follow.
    heard: Stamp,
    /// How many messages were sent to this peer.
    sent: u64,
    /// How many messages of this peer were taken.
    taken: u64,
    /// Messages of this peer that overtook others, by their number.
    early: BTreeMap<u64, Message>,
}

impl Node for Mutex {
    type Contract = contract::Mutex;
    type Message = Message;
    type Timer = Nothing;

    /// The only start: nodes of this exercise do not crash.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        todo!("no node wants to enter, and no peer has sent anything")
    }

    /// The client asks this node to enter, to leave, or to send a note.
    fn on_request(&mut self, _id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("for each of the three: what changes here, and which nodes must hear of it?")
    }

    /// A message arrives, perhaps before one that was sent earlier on the same link.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("take it in its turn; what does it change here, and may this node enter now?")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;
    use std::collections::VecDeque;

    /// Whether these effects say that the node is inside.
    fn entered(effects: &[Effect<Mutex>]) -> bool {
        effects.iter().any(|effect| matches!(effect, Effect::Emit(Event::Entered)))
    }

    /// Two nodes and the messages between them, which arrive in the order in which they were sent.
    struct Pair {
        nodes: [Bench<Mutex>; 2],
        travelling: VecDeque<(usize, Message)>,
        inside: [bool; 2],
    }
    impl Pair {
        fn new() -> Pair {
            let nodes = [Bench::new(1, 2, ()), Bench::new(2, 2, ())];
            Pair { nodes, travelling: VecDeque::new(), inside: [false; 2] }
        }
        fn ask(&mut self, node: usize, request: Request) {
            if request == Request::Release {
                self.inside[node] = false;
            }
            let effects = self.nodes[node].request(request);
            self.note(node, effects);
        }
        fn deliver_all(&mut self) {
            while let Some((to, message)) = self.travelling.pop_front() {
                let from = if to == 0 { 2 } else { 1 };
                let effects = self.nodes[to].message(from, message);
                self.note(to, effects);
            }
        }
        fn note(&mut self, node: usize, effects: Vec<Effect<Mutex>>) {
            self.inside[node] |= entered(&effects);
            for effect in effects {
                match effect {
                    Effect::Send(_, message) | Effect::Broadcast(message) => {
                        self.travelling.push_back((1 - node, message));
                    }
                    _ => {}
                }
            }
            assert!(self.inside != [true, true], "both are inside");
        }
    }

    #[test]
    fn a_node_does_not_enter_before_it_has_heard_from_the_others() {
        let mut node = Bench::<Mutex>::new(1, 3, ());
        let effects = node.request(Request::Acquire);
        assert!(!entered(&effects), "n2 may have asked before n1, and its message may be slow");
    }

    #[test]
    fn one_enters_and_the_next_when_it_has_left() {
        let mut pair = Pair::new();
        pair.ask(0, Request::Acquire);
        pair.deliver_all();
        assert_eq!(pair.inside, [true, false]);
        pair.ask(1, Request::Acquire);
        pair.deliver_all();
        assert_eq!(pair.inside, [true, false]);
        pair.ask(0, Request::Release);
        pair.deliver_all();
        assert_eq!(pair.inside, [false, true]);
    }

    #[test]
    fn of_two_that_ask_at_once_both_enter_one_after_the_other() {
        let mut pair = Pair::new();
        pair.ask(0, Request::Acquire);
        pair.ask(1, Request::Acquire);
        pair.deliver_all();
        let first = usize::from(pair.inside[1]);
        assert!(pair.inside[first], "nobody entered");
        pair.ask(first, Request::Release);
        pair.deliver_all();
        assert!(pair.inside[1 - first], "the other never entered");
    }
}
