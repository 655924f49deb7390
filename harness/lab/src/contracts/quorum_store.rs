//! Exercises `quorum_store` and `handoff`: a store without a leader, which any node may be asked, and which counts answers.
//!
//! Gifford, *Weighted Voting for Replicated Data*, 1979 (R + W > N); Thomas, *A Majority Consensus Approach to Concurrency Control*, 1979;
//! DeCandia et al., *Dynamo: Amazon's Highly Available Key-Value Store*, 2007.
//!
//! Each key has `n` *homes*: the nodes that store a copy of it. [`preference`] says which. Every node may be asked for every key. It is then the
//! *coordinator* of that request, whether it is a home of the key or not. A coordinator that is a home counts as one of the homes.
//!
//! What you may rely on:
//!
//! - **The network** loses messages, doubles them, delays them without a bound, and lets them overtake each other. On a clean network, a
//!   message, its answer and the syncs that they need take at most a tenth of [`Config::patience`].
//! - **Nodes** crash and start again with their disks. A coordinator that crashes forgets its requests, and it may.
//! - **Clocks.** Stopwatches and timers are exact. Wall clocks are wrong by hours, and they jump.
//!
//! What your nodes promise, where "stored" means answered with [`Response::Stored`]:
//!
//! - **Quorums.** A write is stored when its value is durable on `w` different homes. A write is sent to all homes of its key. A read asks all
//!   homes, and returns the newest value that `r` different homes have.
//! - **Order**, if r + w > n: a write that begins after another write of its key was stored replaces that one, whichever
//!   nodes were asked. So a write finds out first what is there, and it needs max(r, w) homes. The homes never disagree for good about
//!   which of two writes is the newer one, even if the writes overlapped.
//! - **Unknown ends.** A write that was answered with [`Response::Unavailable`], or never, may still take effect later.
//! - **Repair.** If a home answers a read with an older value, within `give_up` after it was asked, it is sent the newest one. A copy never goes
//!   back to an older value.
//! - **Deletions.** A deleted key stays deleted until it is written again, however long a home was away. So the mark of a deletion is
//!   kept for ever. (Real stores drop these marks after a time of grace, and pay for it.)
//! - **Answers.** A node that stays up answers every request within [`Config::give_up`].
//!
//! Step 2, `handoff`, is about stores with [`Config::sloppy`]. In step 1 they only refuse strong reads. Then:
//!
//! - **Stand-ins.** If a home does not answer for `patience`, the next node of the preference list that is no home stands in for it: a different one for
//!   each home, and the one after it if that one is silent, too. Any `w` (or `r`) nodes that answer are enough, each a home or the stand-in
//!   of another home. That is also done if `w` others have answered already: a coordinator waits for `patience` before it leaves a home without the write.
//! - **Hints.** A stand-in keeps the value as a *hint*, on its disk, and gives it to the home when the home is back: within 20 × `handoff`,
//!   and without a request. It forgets the hint only when the home has the value on its disk.
//! - **Nothing is lost**, but nothing is promised about order and freshness: two sloppy quorums need not have a node in common.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What every node is told: the same on all nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// All nodes, this one included.
    pub nodes: Vec<NodeId>,
    /// How many homes a key has; at most as many as there are nodes.
    pub n: u32,
    /// How many homes a read needs; from 1 to `n`.
    pub r: u32,
    /// How many homes a write needs; from 1 to `n`.
    pub w: u32,
    /// Whether other nodes may stand in for homes that do not answer. See `handoff`, step 2.
    pub sloppy: bool,
    /// A node that has not answered for so long is taken for unreachable.
    pub patience: Duration,
    /// Every request is answered after so long at the latest. It is at least 6 × `patience`.
    pub give_up: Duration,
    /// How often a node tries what was left undone: hints, and repairs if your design does some in the background. It is at least half of
    /// `patience`.
    pub handoff: Duration,
}

/// The name of a value. It shows as `k3`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(pub u32);
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}
/// What is stored. No two writes of a run write the same value.
pub type Value = u64;

/// The preference list of a key: all nodes, in an order that is the same on every node. The first [`Config::n`] of them are the key's homes.
///
/// Each node is drawn a number from its name and the key's, and the smallest number comes first (*rendezvous hashing*, Thaler and Ravishankar 1998).
pub fn preference(key: Key, nodes: &[NodeId]) -> Vec<NodeId> {
    let mut list = nodes.to_vec();
    list.sort_by_key(|node| (crate::keys::mix(u64::from(key.0) << 32 | u64::from(node.0)), *node));
    list
}

/// What a client asks of a node, the coordinator of this request. It may ask for the next thing before the last one was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Set the key to a value.
    Put {
        /// The key.
        key: Key,
        /// The new value.
        value: Value,
    },
    /// Delete the key: it has no value any more. This is a write like any other.
    Delete {
        /// The key.
        key: Key,
    },
    /// Return the value of the key.
    Get {
        /// The key.
        key: Key,
        /// Whether the answer must show every write that was stored before this request began. A store that cannot promise that
        /// answers `Refused`: if r + w ≤ n, or if it is sloppy.
        strong: bool,
    },
    /// A question of an operator: what is on this node's own disk for the key, be it a copy or a hint? The newest, if there are several. The node answers alone,
    /// without any other node, as soon as its syncs are done.
    Peek {
        /// The key.
        key: Key,
    },
}

/// What a node answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// To a Put or a Delete: the write is stored.
    Stored,
    /// To a Get or a Peek: this is the value. `None` if the key was never written, or was deleted.
    Value(Option<Value>),
    /// To a Put, a Delete or a Get: too few homes answered. What becomes of a write is unknown then.
    Unavailable,
    /// To a strong Get, if this store cannot promise such reads, whichever nodes are up. It is the only answer to a strong Get then, and no other
    /// request gets it.
    Refused,
}

role! {
    /// One of the nodes of the store. Each of them coordinates requests and stores copies. The messages between nodes are yours to choose.
    QuorumStore as "quorum_store" { Config = Config, Request = Request, Response = Response }
}

/// The exercises, as the harness hosts them: one node in two steps.
pub fn exercise<S: Node<Contract = QuorumStore>>() -> Exercise {
    Exercise { name: "quorum_store", roles: vec![Role::node::<S>()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_nodes_are_first_for_some_key_and_the_order_of_the_names_does_not_matter() {
        let nodes: Vec<NodeId> = (1..=5).map(NodeId).collect();
        let backwards: Vec<NodeId> = nodes.iter().rev().copied().collect();
        let mut first = std::collections::BTreeSet::new();
        for key in (1..=50).map(Key) {
            let list = preference(key, &nodes);
            assert_eq!(list, preference(key, &backwards));
            first.insert(list[0]);
            let mut sorted = list;
            sorted.sort();
            assert_eq!(sorted, nodes);
        }
        assert_eq!(first.len(), nodes.len());
    }
}
