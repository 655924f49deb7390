//! Exercise `detector`: every node says which of the other nodes have crashed, as well as a node can know.
//!
//! Chandra and Toueg, *Unreliable Failure Detectors for Reliable Distributed Systems*, 1996: your detector is *eventually
//! perfect*. It suspects every node that crashes, and in the end it suspects no other node.
//!
//! All nodes are yours, and every node watches every other node, its peer. No client asks for anything. What nodes say to each
//! other is yours to design.
//!
//! What you may rely on:
//!
//! - **The network** may lose messages, deliver them twice or late, and let them overtake each other. A *good* network does
//!   none of this, but for overtaking: every message arrives once, within half an interval.
//! - **Nodes** crash, and they may start again: without their memory, with what they had synced on their disk. A node may also stand
//!   still for a while. It does not notice that, but its clocks have gone on. What arrives meanwhile waits for it.
//! - **Clocks.** The stopwatch of a node is at most one percent fast or slow. Its wall clock jumps by hours, stands still and drifts.
//!
//! What your detector promises:
//!
//! - **Completeness.** If a node crashes and stays down, every node that is up suspects it within [`Config::detect`], and does
//!   not trust it again. For a node that started after the crash, this time begins with its start. A watcher that has
//!   taken back more than one suspicion of this peer since its own start may be slower, because it has learnt to be patient:
//!   it has 50 × [`Config::detect`].
//! - **Accuracy.** Two nodes that have been up on a good network for longer than [`Config::detect`] do not suspect each other. This
//!   holds also if the network was bad before.
//! - **Mistakes end.** Two nodes are *timely both ways* if what either sends reaches the other within some time. No node knows this
//!   time, and it may be longer than [`Config::detect`]. Such nodes may suspect each other wrongly, but not for ever again and again.
//!   So each suspicion that a watcher takes back must make it more patient with this peer, by at least one interval, until the
//!   watcher itself starts again.
//! - **An opinion of its own.** What a watcher emits about a peer depends on whether messages pass between *these two*. If
//!   they are timely both ways, it does not matter what other nodes hear of this peer.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a node is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The pace of the detector: how often a node shows that it is up. On a good network, no message takes longer than half of it.
    pub interval: Duration,
    /// How soon a crash is known: 20 × `interval`.
    pub detect: Duration,
}

/// What a node announces: its own opinion about a peer. A node that starts trusts all its peers. To repeat an opinion changes
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// From now on, this node believes that the peer has crashed.
    Suspect {
        /// The peer.
        node: NodeId,
    },
    /// From now on, this node believes that the peer is up.
    Trust {
        /// The peer.
        node: NodeId,
    },
}

role! {
    /// A node that watches its peers. It answers no client: it emits events.
    Detector as "detector" { Config = Config, Event = Event }
}

/// The exercise, as the harness hosts it.
pub fn exercise<D: Node<Contract = Detector>>() -> Exercise {
    Exercise { name: "detector", roles: vec![Role::node::<D>()] }
}
