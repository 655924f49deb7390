//! What goes wrong.

use super::link::{Carried, LinkRule};
use super::pattern::Matcher;
use crate::draw::{Chance, Key};
use lab::NodeId;
use std::time::Duration;

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Harm {
    /// The node loses all it has in memory, and what of its disk was not synced. It starts again when the fault ends.
    Crash {
        /// The node.
        node: Who,
        /// What happens to writes that were not synced.
        disk: DiskLoss,
    },
    /// The node stands still, as in a long garbage collection. What happens to it meanwhile waits.
    Pause {
        /// The node.
        node: Who,
    },
    /// The node takes this long for every event.
    Slow {
        /// The node.
        node: Who,
        /// How long.
        per_event: Duration,
    },
    /// Messages between nodes of different groups are lost; a node of no group reaches all (a bridge).
    Partition {
        /// The groups.
        groups: Vec<Vec<NodeId>>,
    },
    /// Messages between the node and all others are lost.
    Isolate {
        /// The node.
        node: Who,
    },
    /// Messages from these to those are lost, one way.
    Cut {
        /// From these.
        from: Vec<NodeId>,
        /// To those.
        to: Vec<NodeId>,
    },
    /// There is nobody but this node and the services that it calls: its messages are lost, both ways, and all others stand
    /// still.
    Alone {
        /// The node.
        node: Who,
    },
    /// A node that the suite plays says something to a node, which is handed it at once, whatever is cut off.
    Forge {
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: Who,
        /// What it says.
        words: Words,
    },
    /// A link is another.
    Links(LinkRule),
    /// Messages are kept back, and travel when the fault ends.
    Hold {
        /// From this node; `None` for any.
        from: Option<NodeId>,
        /// To this node; `None` for any.
        to: Option<NodeId>,
        /// Only the `nth` one that fits, from 1; `None` for all.
        nth: Option<u32>,
        /// Only those whose bytes fit.
        matches: Option<Matcher>,
        /// Only messages, only calls, or only answers; `None` for all three.
        what: Option<Carried>,
    },
    /// Messages are lost.
    Lose {
        /// From this node; `None` for any.
        from: Option<NodeId>,
        /// To this node; `None` for any.
        to: Option<NodeId>,
        /// Only the `nth` one that fits, from 1; `None` for all.
        nth: Option<u32>,
        /// Only those whose bytes fit.
        matches: Option<Matcher>,
        /// Only messages, only calls, or only answers; `None` for all three.
        what: Option<Carried>,
    },
    /// Of each message a copy is sent once more by the network, whatever becomes of the message itself. A copy that waits
    /// to leave does so even if the fault has ended. At most 15 faults repeat one message.
    Repeat {
        /// From this node; `None` for any.
        from: Option<NodeId>,
        /// To this node; `None` for any.
        to: Option<NodeId>,
        /// Only the `nth` one that fits, from 1; `None` for all.
        nth: Option<u32>,
        /// Only those whose bytes fit.
        matches: Option<Matcher>,
        /// Only messages, only calls, or only answers; `None` for all three.
        what: Option<Carried>,
        /// How long after the message its copy leaves.
        after: Duration,
    },
    /// What [`Harm::Lose`] does, to the one message, call or answer of this key: the same one in every version of a scenario in
    /// which its causes are the same, which the `nth` is not. See [`World::caught_by`](crate::World::caught_by).
    LoseThis {
        /// Its name.
        key: Key,
    },
    /// What [`Harm::Repeat`] does, to the one message, call or answer of this key.
    RepeatThis {
        /// Its name.
        key: Key,
        /// How long after it its copy leaves.
        after: Duration,
    },
    /// Messages on these links fare worse than the link says, by so much: what has several such faults adds up.
    Worse {
        /// From this node; `None` for any.
        from: Option<NodeId>,
        /// To this node; `None` for any.
        to: Option<NodeId>,
        /// So many more are lost.
        loss: Chance,
        /// So many more arrive twice.
        duplication: Chance,
        /// So many more have a bit flipped.
        corruption: Chance,
        /// Each copy takes up to this much longer: drawn.
        late: Duration,
    },
    /// A raw file on the node's disk is damaged, at once and for good. A node reads its disk when it starts: it does not see
    /// that before. (Typed objects are spared: their disk finds out and repairs them.)
    Rot {
        /// The node.
        node: Who,
        /// The name of the file. Where there is none, nothing happens.
        file: String,
        /// What happens to it.
        damage: Damage,
    },
    /// The node's wall clock jumps.
    ClockJump {
        /// The node.
        node: Who,
        /// Forward, or back where negative, in nanoseconds.
        by_ns: i64,
    },
    /// The node's wall clock stands still.
    ClockFreeze {
        /// The node.
        node: Who,
    },
    /// The node's wall clock gains so much, in parts per million.
    ClockDrift {
        /// The node.
        node: Who,
        /// The rate; above -1,000,000.
        ppm: i64,
    },
}
impl Harm {
    /// The node that it happens to; `None` where it happens to the network.
    pub(crate) fn victim(&self) -> Option<Who> {
        match self {
            Harm::Crash { node, .. }
            | Harm::Pause { node }
            | Harm::Slow { node, .. }
            | Harm::Isolate { node }
            | Harm::Alone { node }
            | Harm::Forge { to: node, .. }
            | Harm::ClockJump { node, .. }
            | Harm::ClockFreeze { node }
            | Harm::Rot { node, .. }
            | Harm::ClockDrift { node, .. } => Some(*node),
            Harm::Partition { .. }
            | Harm::Cut { .. }
            | Harm::Links(_)
            | Harm::Hold { .. }
            | Harm::Lose { .. }
            | Harm::Repeat { .. }
            | Harm::LoseThis { .. }
            | Harm::RepeatThis { .. }
            | Harm::Worse { .. } => None,
        }
    }
}

/// A node that a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// This one.
    Node(NodeId),
    /// The one on which the fault's trigger was seen. For a fault that has none: nobody.
    Culprit,
}

/// What is said in a message that nobody's code has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// This, encoded.
    Bytes(Vec<u8>),
    /// What the scenario's scribe asks as this question. Where it has none to ask, nothing is said.
    Asked(u32),
}

/// What a crash does to writes that were not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskLoss {
    /// Each object keeps a prefix of its own, and the append after it may be torn: drawn.
    Drawn,
    /// All are lost.
    All,
    /// None is lost.
    Nothing,
    /// All are lost, and the first append of each object is torn after so many bytes. A raw file keeps so many of its first bytes that
    /// were not synced, from as many writes as it takes, and what was cut before them.
    TornAfter {
        /// So many.
        bytes: usize,
    },
    /// All are lost, but a raw file loses only so many of its last bytes that were not synced.
    TornBefore {
        /// So many.
        bytes: usize,
    },
    /// The disk is lost, with all that was durable on it: the node comes back with an empty one.
    Wiped,
}

/// What happens to bytes that are durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// One bit of the file is another.
    Flip {
        /// The byte that it is in, from 0. A file that is not so long is spared.
        at: u64,
        /// Which of its bits, from 0 for the lowest; below 8.
        bit: u8,
    },
    /// One bit of the file is another, where the file has any: that at the `nth` of so many places that divide the file evenly. So every
    /// bit of a file can be tried that has at most `of` bits, and bits from all over a longer one, whatever it is made of.
    FlipPart {
        /// Which of these places, from 0; below `of`.
        nth: u32,
        /// How many there are.
        of: u32,
    },
    /// The file goes on with these bytes, which nobody wrote: zeros where space was given away, or what was there before.
    Append(Vec<u8>),
    /// The file goes on with a copy of so many of its own first bytes, at most: a block of the disk that held them before was given
    /// to the file.
    Stale {
        /// So many.
        bytes: u64,
    },
}
