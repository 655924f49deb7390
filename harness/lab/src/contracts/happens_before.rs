//! Exercise `happens_before`: which event of a run could affect which.
//!
//! Lamport, *Time, Clocks, and the Ordering of Events in a Distributed System*, 1978.

use crate::{Exercise, NodeId, Role, WallTime};
use serde::{Deserialize, Serialize};

/// The name of an event, unique in its run. It says nothing about when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(pub u32);

/// The name of a message, unique in its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId(pub u32);

/// One event of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Event {
    /// Its name.
    pub id: EventId,
    /// Where it happened.
    pub node: NodeId,
    /// How often the node had crashed and started again by then: 0, 1, 2, …
    pub life: u32,
    /// Its place among the events of its node in that life: 1, 2, 3, …
    pub place: u32,
    /// What the node's wall clock showed. No two wall clocks agree, and some are set back.
    pub wall: WallTime,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum What {
    /// An event on this node alone.
    Local,
    /// A message left. It may arrive once, twice, or never.
    Sent {
        /// To this node.
        to: NodeId,
        /// This one.
        message: MessageId,
    },
    /// A message arrived. Its sending is in the run, too.
    Received {
        /// From this node.
        from: NodeId,
        /// This one.
        message: MessageId,
    },
}

/// How two events of a run, `a` and `b`, are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Order {
    /// `a` happened before `b`: it could affect it.
    Before,
    /// `b` happened before `a`.
    After,
    /// Neither could affect the other.
    Concurrent,
    /// They are the same event.
    Same,
}

/// The role name of `order`: takes a run and two of its events, replies with an [`Order`].
pub const ORDER: &str = "happens_before/order";

/// The exercise, as the harness hosts it.
pub fn exercise(order: fn(&[Event], EventId, EventId) -> Order) -> Exercise {
    let ask = move |(run, a, b): (Vec<Event>, EventId, EventId)| order(&run, a, b);
    Exercise { name: "happens_before", roles: vec![Role::function(ORDER, ask)] }
}
