//! Exercise `causal_broadcast`: everyone hears everything, and no answer before its question.
//!
//! Birman, Schiper and Stephenson, *Lightweight Causal and Atomic Group Multicast*, 1991, for the order;
//! Hadzilacos and Toueg, *A Modular Approach to Fault-Tolerant Broadcasts and Related Problems*, 1994, for
//! what it means that either all deliver or none does.
//!
//! What you may rely on: fewer than half of the nodes crash, and one that has crashed never comes back. Messages
//! are lost, doubled and late, and overtake each other; but what is sent again and again arrives in the end.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What every node is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// How many nodes there are, this one included. The others are `boot.peers`.
    pub nodes: u32,
    /// How long to wait for a sign that a message arrived before it is sent again. It is longer than a message and its answer
    /// take on a clean network.
    pub resend: Duration,
}

/// What is broadcast. No two broadcasts of a run have the same payload.
pub type Payload = u64;

/// What a client asks of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Make every node deliver this, the node that is asked included.
    Broadcast {
        /// What to deliver.
        payload: Payload,
    },
}

/// What nodes announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The node delivers a message: at most once each, and after everything that could have caused it: all that
    /// `from` had delivered, and all that it had been asked to broadcast, before it was asked for this one. If any node
    /// delivers it, even one that crashes then, all nodes that never crash must.
    Delivered {
        /// The node that was asked to broadcast it.
        from: NodeId,
        /// What it was asked to broadcast.
        payload: Payload,
    },
}

role! {
    /// A member of a group that broadcasts. It answers no client: it emits events.
    Member as "causal_broadcast" { Config = Config, Request = Request, Event = Event }
}

/// The exercise, as the harness hosts it.
pub fn exercise<M: Node<Contract = Member>>() -> Exercise {
    Exercise { name: "causal_broadcast", roles: vec![Role::node::<M>()] }
}
