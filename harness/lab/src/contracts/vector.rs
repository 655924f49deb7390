//! Exercise `vector`: clocks that know what they know.
//!
//! Fidge, *Timestamps in Message-Passing Systems That Preserve the Partial Ordering*, 1988; Mattern, *Virtual Time and
//! Global States of Distributed Systems*, 1989.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A reading of a vector clock: for each node, how many of its events are known. A node that is missing counts as zero.
pub type Stamp = BTreeMap<NodeId, u64>;

/// How two stamps, `a` and `b`, are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Order {
    /// The event of `a` happened before that of `b`.
    Before,
    /// The event of `b` happened before that of `a`.
    After,
    /// They stand for the same set of events.
    Equal,
    /// Neither happened before the other.
    Concurrent,
}

/// What a client asks of a node: an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// An event on this node alone. Emit [`Event::Local`].
    Local,
    /// The node sends one message, once, that carries its stamp. Emit [`Event::Sent`], and send the message.
    Send {
        /// To this node. It may be one that this node was never told of.
        to: NodeId,
    },
}

/// What happened, with the stamp the node gave it. Every event of the exercise is emitted, once, by the node it happens
/// on, in the handler in which it happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An event on this node alone.
    Local {
        /// Its stamp.
        stamp: Stamp,
    },
    /// The node sent a message.
    Sent {
        /// To this node.
        to: NodeId,
        /// The stamp of the sending; the message carries it.
        stamp: Stamp,
    },
    /// The node received a message.
    Received {
        /// From this node.
        from: NodeId,
        /// The stamp that the message carried.
        sent: Stamp,
        /// The stamp of the receiving.
        stamp: Stamp,
    },
}

role! {
    /// A node with a vector clock. It has no configuration and answers no client. It emits an [`Event`] for everything that
    /// happens on it, and sends nothing that no request asked for. Other nodes may join later: its peers at the start need not
    /// be all nodes that there will ever be.
    Clock as "vector" { Request = Request, Event = Event }
}

/// The role name of `compare`: takes a pair of [`Stamp`]s, replies with an [`Order`].
pub const COMPARE: &str = "vector/compare";
/// The role name of `merge`: takes a pair of [`Stamp`]s, replies with a [`Stamp`].
pub const MERGE: &str = "vector/merge";

/// The exercise, as the harness hosts it.
pub fn exercise<C: Node<Contract = Clock>>(
    compare: fn(&Stamp, &Stamp) -> Order,
    merge: fn(&Stamp, &Stamp) -> Stamp,
) -> Exercise {
    Exercise {
        name: "vector",
        roles: vec![
            Role::node::<C>(),
            Role::function(COMPARE, move |(a, b): (Stamp, Stamp)| compare(&a, &b)),
            Role::function(MERGE, move |(a, b): (Stamp, Stamp)| merge(&a, &b)),
        ],
    }
}
