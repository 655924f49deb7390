//! Exercise `abd`: a register that many nodes keep together. It is linearizable, and it has no leader.
//!
//! Attiya, Bar-Noy and Dolev, *Sharing Memory Robustly in Message-Passing Systems*, 1995, for the algorithm. Lynch and
//! Shvartsman, *Robust Emulation of Shared Memory Using Dynamic Quorum-Acknowledged Broadcasts*, 1997, for many writers.
//!
//! What you may rely on: a majority of the nodes is up and connected most of the time, and what a node has synced
//! survives its crash. Messages are lost, duplicated and late, and they overtake each other. Nodes crash (all of them at
//! once, too), restart and pause. A node that crashes forgets which clients wait for an answer, and it may.

use crate::{Exercise, Node, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What every node is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The number of nodes, this one included. A majority is more than half of this number, whether those nodes are up or
    /// not. The other nodes are `boot.peers`.
    pub nodes: u32,
    /// How long a node waits for answers before it retransmits to the nodes that have not answered. On a clean network a
    /// message and its answer take a fraction of this time.
    pub resend: Duration,
}

/// What the register holds. No two writes of a run write the same value.
pub type Value = u64;

/// What a client asks of a node. A client may ask for the next operation before the last one has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Return the value of the register.
    Read,
    /// Set the register to a value.
    Write {
        /// The new value.
        value: Value,
    },
}

/// What a node answers.
///
/// The register must be *linearizable* (Herlihy and Wing, 1990): each operation takes effect at one moment between the
/// client's request and the node's answer. A read returns the value of the last write before it in that order. A write
/// that was never answered takes effect at one later moment, or never.
///
/// While a majority of the nodes is up and connected, a node that stays up answers every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// To a read: this is the value. `None` if nothing was ever written.
    Value(Option<Value>),
    /// To a write: the register holds the value, or that of a later write.
    Written,
}

role! {
    /// One of the nodes that keep the register. Every node serves reads and writes. The messages between nodes are yours to choose.
    Register as "abd" { Config = Config, Request = Request, Response = Response }
}

/// The exercise, as the harness hosts it.
pub fn exercise<R: Node<Contract = Register>>() -> Exercise {
    Exercise { name: "abd", roles: vec![Role::node::<R>()] }
}
