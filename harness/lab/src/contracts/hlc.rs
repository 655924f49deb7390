//! Exercise `hlc`: stamps that are close to the time on the wall, and still never put an effect before its cause.
//!
//! Kulkarni, Demirbas, Madappa, Avva, Leone, *Logical Physical Clocks*, 2014.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// A reading of a hybrid clock. Stamps are ordered by `l`, and by `c` where `l` is equal.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// The largest wall clock reading that the event can have heard of, rounded down to a whole granule: nanoseconds
    /// since 1970.
    pub l: u64,
    /// Counts events that have the same `l`.
    pub c: u16,
}
impl fmt::Display for Stamp {
    /// As seconds, nanoseconds and counter: `1767225600.000000001+3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECOND: u64 = 1_000_000_000;
        write!(f, "{}.{:09}+{}", self.l / SECOND, self.l % SECOND, self.c)
    }
}
/// The same.
impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a node is told when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The largest offset between two clocks. A stamp that is further ahead of a node's own wall clock comes from a clock that
    /// is out of order.
    pub max_offset: Duration,
    /// The granule of the clock: `l` advances in steps of this, at least a nanosecond.
    pub granule: Duration,
}

/// What a client asks of a node: events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// So many events on this node alone, one after the other. Emit [`Event::Local`] for each.
    Local {
        /// How many: mostly one.
        times: u32,
    },
    /// The node sends a message that carries its stamp. Emit [`Event::Sent`], and send the message.
    Send {
        /// To this node.
        to: NodeId,
    },
}

/// What happened, with the stamp the node gave it; or why it did not. An event is emitted by the node it happens on, in
/// the handler in which it is stamped.
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
    /// The node refused a message, because of [`Refusal::TooFarAhead`]. It is as if it had been lost.
    Refused {
        /// From this node.
        from: NodeId,
        /// The stamp that the message carried.
        sent: Stamp,
    },
    /// The node gave no stamp, because of [`Refusal::Exhausted`]: nothing was stamped, sent or received.
    Exhausted,
}

/// The reason why a clock gives no stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The stamp of the cause is further ahead of this node's wall clock than [`Config::max_offset`].
    TooFarAhead,
    /// All values of the counter have been given, and the wall clock still shows the same. Instead of refusing, a clock may
    /// advance `l` by one granule.
    Exhausted,
}

role! {
    /// A node with a hybrid clock. It answers no client, and emits an [`Event`] for everything that happens on it.
    Clock as "hlc" { Config = Config, Request = Request, Event = Event }
}

/// The exercise, as the harness hosts it.
pub fn exercise<C: Node<Contract = Clock>>() -> Exercise {
    Exercise { name: "hlc", roles: vec![Role::node::<C>()] }
}
