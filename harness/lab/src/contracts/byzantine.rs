//! Exercise `byzantine`: a broadcast that some nodes lie about, and on which all the others agree.
//!
//! Bracha, *Asynchronous Byzantine Agreement Protocols*, 1987, for the algorithm; Cachin, Guerraoui and Rodrigues, *Introduction to
//! Reliable and Secure Distributed Programming*, 2011, section 3.10, for what is promised.
//!
//! Every node may broadcast. At most [`Config::faults`] nodes are *traitors*. Traitors belong to the harness. A traitor sends anything to any
//! node, and different things to different nodes, or it is silent. All other nodes are *honest*: they run your code.
//!
//! What you may rely on:
//!
//! - **Links are reliable.** What is sent arrives exactly once. It may take any time, and messages overtake each other.
//! - **Links are authentic.** The `from` of a message is the node that sent it. What the message *says* may be a lie.
//! - **Honest nodes do not crash.**
//!
//! What your nodes promise:
//!
//! - **Validity.** If an honest node is asked to broadcast a payload, every honest node delivers it in that slot.
//! - **Consistency.** No two honest nodes deliver different payloads in one slot, and no honest node delivers twice in one slot.
//! - **Integrity.** In the slot of an honest node, only what that node was asked to broadcast is delivered. In a slot whose
//!   origin is no node of this system, nothing is delivered.
//! - **Totality.** If one honest node delivers in a slot, every honest node delivers in that slot.
//!
//! In the slot of a traitor, honest nodes may deliver nothing at all, but then all of them deliver nothing.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What every node is told. It is the same for all nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// How many nodes there are, this one and the traitors included. The others are `boot.peers`.
    pub nodes: u32,
    /// At most so many of them are traitors. There are at least three times as many nodes and one more: `nodes ≥ 3 × faults + 1`.
    pub faults: u32,
}

/// What is broadcast. Two broadcasts may have the same payload.
pub type Payload = u64;

/// The name of a broadcast: who broadcasts, and which of its broadcasts it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The node that broadcasts.
    pub origin: NodeId,
    /// The number that the client gave to the broadcast. Numbers may be large, and they come in any order. Different nodes may use the
    /// same number.
    pub seq: u32,
}
/// Shows as `n1#7`.
impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.origin, self.seq)
    }
}
/// The same.
impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What nodes send each other. The names are Bracha's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// From the origin of the slot: this is what I broadcast.
    Initial {
        /// The broadcast.
        slot: Slot,
        /// What is broadcast.
        payload: Payload,
    },
    /// A vote: the origin of the slot has sent me this payload.
    Echo {
        /// The broadcast.
        slot: Slot,
        /// What the sender votes for.
        payload: Payload,
    },
    /// A vote: the sender is sure that no honest node is ready for another payload in this slot.
    Ready {
        /// The broadcast.
        slot: Slot,
        /// What the sender votes for.
        payload: Payload,
    },
    /// Anything else that your nodes send each other. A node that does not understand it ignores it.
    Extension(Vec<u8>),
}
/// Shows as `Initial n1#7: 42`.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Initial { slot, payload } => write!(f, "Initial {slot}: {payload}"),
            Message::Echo { slot, payload } => write!(f, "Echo {slot}: {payload}"),
            Message::Ready { slot, payload } => write!(f, "Ready {slot}: {payload}"),
            Message::Extension(bytes) => write!(f, "Extension ({} bytes)", bytes.len()),
        }
    }
}

/// What a client asks of a node. The node emits events and answers no client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Broadcast this payload, in the slot of this node and `seq`. A node is asked for each `seq` at most once.
    Broadcast {
        /// The number of the broadcast.
        seq: u32,
        /// What to broadcast.
        payload: Payload,
    },
}

/// What nodes announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// This node delivers the payload in the slot. That is final.
    Delivered {
        /// The broadcast.
        slot: Slot,
        /// What was broadcast.
        payload: Payload,
    },
}

role! {
    /// A node that broadcasts, and that delivers what the others broadcast.
    Broadcaster as "byzantine" { Config = Config, Request = Request, Event = Event }
}

/// The exercise, as the harness hosts it.
pub fn exercise<B: Node<Contract = Broadcaster, Message = Message>>() -> Exercise {
    Exercise { name: "byzantine", roles: vec![Role::node::<B>()] }
}
