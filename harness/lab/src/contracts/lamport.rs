//! Exercise `lamport`: clocks that count, and the order that they give.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// A reading of a logical clock. It counts; it has no unit.
pub type Stamp = u64;

/// What a client asks of a node: an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// An event on this node alone. Emit [`Event::Local`].
    Local,
    /// The node sends a message that carries its stamp. Emit [`Event::Sent`], and send the message.
    Send {
        /// To this node.
        to: NodeId,
    },
}

/// What happened, with the stamp the node gave it. Every event of the exercise is emitted, once, by the
/// node it happens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// An event as others know it: its stamp, and where it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamped {
    /// The stamp that the node gave the event.
    pub stamp: Stamp,
    /// The node it happened on.
    pub node: NodeId,
}

/// What two stamps show about cause and effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Inference {
    /// The first event cannot have caused the second.
    Impossible,
    /// The first event may have caused the second: the stamps cannot tell.
    Possible,
    /// The first event came before the second, and could affect it. Two stamps show this only for events of one
    /// node. `Possible` is right there, too: it claims less.
    Certain,
}

role! {
    /// A node with a logical clock. It has no configuration and answers no client. It emits an [`Event`] for everything that
    /// happens on it.
    Clock as "lamport" { Request = Request, Event = Event }
}

/// The role name of `total_order`: takes a pair of [`Stamped`], replies with an [`Order`].
pub const TOTAL_ORDER: &str = "lamport/total_order";
/// The role name of `may_have_caused`: takes a pair of [`Stamped`], replies with an [`Inference`].
pub const MAY_HAVE_CAUSED: &str = "lamport/may_have_caused";

/// [`Ordering`], for the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "they are those of `Ordering`")]
pub enum Order {
    Less,
    Equal,
    Greater,
}
impl From<Ordering> for Order {
    fn from(ordering: Ordering) -> Order {
        match ordering {
            Ordering::Less => Order::Less,
            Ordering::Equal => Order::Equal,
            Ordering::Greater => Order::Greater,
        }
    }
}

/// The exercise, as the harness hosts it.
pub fn exercise<C: Node<Contract = Clock>>(
    total_order: fn(Stamped, Stamped) -> Ordering,
    may_have_caused: fn(Stamped, Stamped) -> Inference,
) -> Exercise {
    Exercise {
        name: "lamport",
        roles: vec![
            Role::node::<C>(),
            Role::function(TOTAL_ORDER, move |(a, b)| Order::from(total_order(a, b))),
            Role::function(MAY_HAVE_CAUSED, move |(a, b)| may_have_caused(a, b)),
        ],
    }
}
