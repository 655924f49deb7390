//! Exercise `detector`: every node says which of the other nodes have crashed.
//!
//! Chandra and Toueg, *Unreliable Failure Detectors for Reliable Distributed Systems*, 1996. The contract is in `lab::detector`:
//! read it first.
//!
//! One thing to write: the node [`Detector`]. It watches all its peers and emits `Suspect` and `Trust`. What nodes say to each other
//! is yours to design. Try your code with `cargo test detector`, then run `faultlines grade 2/detector`.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::detector::{self as contract, Config, Event};
use lab::prelude::*;
use std::collections::BTreeMap;

/// What nodes say to each other. Yours to change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Message {
    /// The sender is up.
    Alive,
}

/// The names of timers. Yours to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Timer {
    /// It is time to show the peers that this node is up.
    Beat,
    /// This peer has been silent for as long as this node is patient with it.
    Silence(NodeId),
}

/// A node that watches its peers.
pub struct Detector {
    config: Config,
    peers: BTreeMap<NodeId, Peer>,
}

/// What a node remembers of a peer.
struct Peer {
    // BEGIN SOLUTION
    is_suspected: bool,
    /// How long this peer may be silent before it is suspected. It grows with every mistake and never shrinks: only so do
    /// mistakes end, however slow the network turns out to be.
    patience: Duration,
    // STUB: // What must a node remember of each peer, so that its mistakes about this peer end?
    // END SOLUTION
}

impl Node for Detector {
    type Contract = contract::Detector;
    type Message = Message;
    type Timer = Timer;

    /// The first start, and again after each crash. A peer may have crashed before this node ever hears from it.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        // BEGIN SOLUTION
        let config = boot.config;
        // Silence counts from the start on, not from the first message: a peer that is down already never sends one.
        let patience = 4 * config.interval;
        let peers: BTreeMap<NodeId, Peer> =
            out.peers().map(|peer| (peer, Peer { is_suspected: false, patience })).collect();
        for peer in peers.keys() {
            out.set_timer(patience, Timer::Silence(*peer));
        }
        let detector = Detector { config, peers };
        detector.beat(out);
        detector
        // STUB: todo!("trust all peers, begin to watch them, and show them that this node is up")
        // END SOLUTION
    }

    /// A peer says something: it is up, or it was when it sent this.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Message::Alive = message;
        let Some(peer) = self.peers.get_mut(&from) else { return };
        if peer.is_suspected {
            // It was silent for longer than this node was patient, and it is up. It may have been down meanwhile, but this node
            // cannot know that: it has to take this for a mistake of its own.
            peer.is_suspected = false;
            peer.patience += 2 * self.config.interval;
            out.emit(Event::Trust { node: from });
        }
        out.set_timer(peer.patience, Timer::Silence(from));
        // STUB: todo!("what does this message show, and what does a node learn from it if it suspected this peer?")
        // END SOLUTION
    }

    /// A timer fires.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        match timer {
            Timer::Beat => self.beat(out),
            Timer::Silence(node) => {
                if let Some(peer) = self.peers.get_mut(&node) {
                    peer.is_suspected = true;
                    out.emit(Event::Suspect { node });
                }
            }
        }
        // STUB: todo!("show that this node is up, or suspect a peer that was silent for too long")
        // END SOLUTION
    }
}

// BEGIN SOLUTION
impl Detector {
    /// Shows all peers that this node is up, and will do so again an interval later.
    fn beat(&self, out: &mut Out<Self>) {
        out.broadcast(Message::Alive);
        out.set_timer(self.config.interval, Timer::Beat);
    }
}
// END SOLUTION

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;

    const INTERVAL: Duration = Duration::from_millis(50);
    const DETECT: Duration = Duration::from_secs(1);

    /// Nodes on a perfect network, on which messages take no time. The test plays the network and the clock.
    struct Room {
        /// The nodes that are up, by number.
        nodes: BTreeMap<u32, Bench<Detector>>,
        n: u32,
        now: Duration,
        /// The timers that are set: of which node, and when each fires.
        timers: Vec<(Duration, u32, Timer)>,
        /// What each node believes of which other nodes: that they have crashed.
        suspects: BTreeMap<u32, Vec<NodeId>>,
    }
    impl Room {
        fn of(n: u32) -> Room {
            let (nodes, timers, suspects) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
            let mut room = Room { nodes, n, now: Duration::ZERO, timers, suspects };
            (1..=n).for_each(|node| room.boot(node));
            room
        }
        fn boot(&mut self, node: u32) {
            // `new` has started the node at 0: it starts again, now
            let mut bench = Bench::new(node, self.n, Config { interval: INTERVAL, detect: DETECT });
            bench.now = self.now;
            let effects = bench.crash();
            self.nodes.insert(node, bench);
            self.suspects.insert(node, Vec::new());
            self.carry_out(node, effects);
        }
        fn crash(&mut self, node: u32) {
            self.nodes.remove(&node);
            self.suspects.remove(&node);
            self.timers.retain(|(_, owner, _)| *owner != node);
        }
        fn deliver(&mut self, from: u32, to: u32, message: Message) {
            let Some(bench) = self.nodes.get_mut(&to) else { return };
            bench.now = self.now;
            let effects = bench.message(from, message);
            self.carry_out(to, effects);
        }
        fn carry_out(&mut self, node: u32, effects: Vec<Effect<Detector>>) {
            for effect in effects {
                match effect {
                    Effect::Send(to, message) => self.deliver(node, to.0, message),
                    Effect::Broadcast(message) => {
                        for to in (1..=self.n).filter(|to| *to != node) {
                            self.deliver(node, to, message.clone());
                        }
                    }
                    Effect::SetTimer(after, timer) => {
                        self.timers.retain(|(_, owner, other)| (*owner, *other) != (node, timer));
                        self.timers.push((self.now + after, node, timer));
                    }
                    Effect::CancelTimer(timer) => {
                        self.timers.retain(|(_, owner, other)| (*owner, *other) != (node, timer));
                    }
                    Effect::Emit(event) => {
                        let suspects = self.suspects.entry(node).or_default();
                        let (Event::Suspect { node: peer } | Event::Trust { node: peer }) = event;
                        suspects.retain(|other| *other != peer);
                        if matches!(event, Event::Suspect { .. }) {
                            suspects.push(peer);
                        }
                    }
                    _ => {}
                }
            }
        }
        /// Lets so much time pass.
        fn wait(&mut self, time: Duration) {
            let end = self.now + time;
            while let Some(next) = (0..self.timers.len()).min_by_key(|place| self.timers[*place].0) {
                let (at, node, timer) = self.timers[next];
                if at > end {
                    break;
                }
                self.timers.remove(next);
                self.now = at;
                let Some(bench) = self.nodes.get_mut(&node) else { continue };
                bench.now = at;
                let effects = bench.timer(timer);
                self.carry_out(node, effects);
            }
            self.now = end;
        }
    }

    #[test]
    fn a_node_that_is_up_is_trusted() {
        let mut room = Room::of(3);
        room.wait(5 * DETECT);
        for (node, suspects) in &room.suspects {
            assert!(suspects.is_empty(), "all nodes are up, but n{node} suspects {suspects:?}");
        }
    }

    #[test]
    fn a_node_that_crashes_is_suspected() {
        let mut room = Room::of(3);
        room.wait(DETECT);
        room.crash(2);
        for _ in 0..3 {
            room.wait(DETECT);
            for node in [1, 3] {
                assert_eq!(
                    room.suspects[&node],
                    [NodeId(2)],
                    "n2 is down, and this is what n{node} believes"
                );
            }
        }
    }

    #[test]
    fn a_node_that_is_back_is_trusted_again() {
        let mut room = Room::of(2);
        room.crash(2);
        room.wait(2 * DETECT);
        assert_eq!(room.suspects[&1], [NodeId(2)], "n2 crashed before n1 ever heard from it");
        room.boot(2);
        room.wait(DETECT);
        assert!(room.suspects[&1].is_empty(), "n2 is back, but n1 still suspects it");
    }
}
