//! Exercise `mutex`: one at a time, in the order of asking, and nobody in charge.
//!
//! Lamport, *Time, Clocks, and the Ordering of Events in a Distributed System*, 1978.
//!
//! One thing to write: the node [`Mutex`]. Messages are never lost and nodes never crash; but a letter may be slow, and
//! on some links a later one overtakes it. Try yourself with `cargo test mutex`, then let `faultlines grade 7/mutex`
//! try you.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::mutex::{self as contract, Event, Request};
use lab::prelude::*;
use std::collections::BTreeMap;

/// A reading of a node's logical clock.
type Stamp = u64;

/// What nodes say to each other. Every message bears a stamp, whatever it is about: that is how stamps come to
/// agree with cause and effect, notes included.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// The sender's clock when it sent this.
    stamp: Stamp,
    /// How many messages the sender had sent to this receiver before. Links that overtake are mended with it.
    nth: u64,
    /// What it is about.
    content: Content,
}

/// What a message is about. Yours to change.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Content {
    /// The sender wants to get inside; the message's stamp says since when.
    Wants,
    /// The sender has seen a request, and its clock is past it now.
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
    /// The stamp of the last event here.
    time: Stamp,
    /// Who wants to get inside, or is: since when by their own clocks. A node has one request at a time.
    queue: BTreeMap<NodeId, Stamp>,
    /// Whether this node is inside.
    inside: bool,
    /// What is known of each peer.
    peers: BTreeMap<NodeId, Peer>,
}

/// What a node knows of one other.
#[derive(Debug, Default)]
struct Peer {
    /// The stamp of the last message that was taken from it: nothing older will come any more.
    heard: Stamp,
    /// How many messages went there.
    sent: u64,
    /// How many messages from there were taken.
    taken: u64,
    /// Messages from there that overtook others, by their place.
    early: BTreeMap<u64, Message>,
}

impl Node for Mutex {
    type Contract = contract::Mutex;
    type Message = Message;
    type Timer = Nothing;

    /// The one start: nodes of this exercise do not crash.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        todo!("nobody wants to get inside, and nothing has been heard of anyone")
    }

    /// The client wants this node inside, or outside again, or a note sent.
    fn on_request(&mut self, _id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("for each of the three: what changes here, and who must hear of it?")
    }

    /// A message arrives, perhaps before one that was sent earlier on the same link.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("take it in its turn: move the clock, do what it says, and see whether this node may enter now")
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
