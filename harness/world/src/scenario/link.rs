//! How messages travel.

use crate::draw::Chance;
use lab::NodeId;
use std::time::Duration;

/// How messages travel from one node to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// How long they take.
    pub latency: Latency,
    /// How often one is lost.
    pub loss: Chance,
    /// How often one arrives twice, each copy with its own latency.
    pub duplication: Chance,
    /// How often a bit of one is flipped. Only for exercises whose messages are raw bytes; calls and their
    /// answers are spared.
    pub corruption: Chance,
    /// Longer ones are lost, in bytes.
    pub message_bytes_max: Option<usize>,
    /// Messages queue up behind each other at this rate, in bytes per second.
    pub bandwidth: Option<u64>,
    /// None overtakes another.
    pub fifo: bool,
}
impl Link {
    /// A clean link.
    pub const fn between(min: Duration, max: Duration) -> Link {
        Link {
            latency: Latency { min, max, tail: None },
            loss: Chance::NEVER,
            duplication: Chance::NEVER,
            corruption: Chance::NEVER,
            message_bytes_max: None,
            bandwidth: None,
            fifo: false,
        }
    }
    /// A clean link on which every message takes as long.
    pub const fn fixed(latency: Duration) -> Link {
        Link::between(latency, latency)
    }
}

/// How long a message takes: evenly from `min` to `max`, but for those in the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// At least.
    pub min: Duration,
    /// At most, outside the tail.
    pub max: Duration,
    /// Some take longer: this is what reorders messages.
    pub tail: Option<Tail>,
}

/// The messages that take longer than the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// How many of them.
    pub chance: Chance,
    /// How long at most; evenly from the latency's `max`.
    pub max: Duration,
}

/// A link that differs from the network's; `None` stands for every node.
#[derive(Debug, Clone, Copy)]
pub struct LinkRule {
    /// The sender.
    pub from: Option<NodeId>,
    /// The receiver.
    pub to: Option<NodeId>,
    /// How messages travel between them.
    pub link: Link,
}

/// What travels from one node to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carried {
    /// A message.
    Message,
    /// A call, to the node that answers it.
    Call,
    /// The answer to a call.
    Answer,
}
