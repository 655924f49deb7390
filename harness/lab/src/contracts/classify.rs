//! Exercise `classify`: which class of failure explains what an observer saw of a node.
//!
//! The classes are those of Cristian, Aghili, Strong and Dolev, *Atomic Broadcast: From Simple Message Diffusion to
//! Byzantine Agreement*, 1985, and of Hadzilacos and Toueg, *A Modular Approach to Fault-Tolerant Broadcasts and Related
//! Problems*, 1994, section 2. Each class includes the one before it: Crash ⊂ Omission ⊂ Timing ⊂ Byzantine.

use crate::{Exercise, Role};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What an observer knows of one node at the moment `now`.
///
/// All times are read on the observer's clock, which is correct, and count from one common start. Links are reliable: a
/// message that the node sends arrives exactly once, at most `delta` after it was sent. Messages may overtake each other.
///
/// No two times that a definition compares are less than 1 ms apart, so `<` or `≤` makes no difference. Not more than
/// eight duties are open (see [`Class`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the node's program has to send, in no order; some duties are due only after `now`. Each has another round,
    /// and a later round is due later.
    pub duties: Vec<Duty>,
    /// What arrived from the node by `now`, in no order.
    pub arrivals: Vec<Arrival>,
    /// Δ: no message takes longer than this from the node to the observer.
    pub delta: Duration,
    /// The moment at which the observer asks.
    pub now: Duration,
}

/// One message that the node's program has to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Duty {
    /// Its round. Rounds need not begin at 1, and numbers may be left out.
    pub round: u32,
    /// What the message has to say. Different rounds may have equal contents.
    pub content: u64,
    /// When the program has to send it.
    pub due: Duration,
}

/// One message that arrived from the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Arrival {
    /// The round that the message names.
    pub round: u32,
    /// What the message says.
    pub content: u64,
    /// When it arrived.
    pub at: Duration,
}

/// The smallest class of behaviour that explains the evidence.
///
/// - An arrival is **false** if no duty has its round and its content, or if it is the second arrival of its round.
/// - An arrival is **untimely** if it came before its duty was due, or more than Δ after that.
/// - A duty is **kept** if its message arrived. A duty that was due by `now` and whose message has not arrived is **open**
///   as long as at most Δ has passed since it was due, and **broken** afterwards. A duty that is due after `now` is neither.
///
/// Suppose first that all open duties are kept: their messages are on their way. Then suppose that all of them are broken:
/// the node never sent them. Each supposition gives one of the first five classes. If both give the same class, the answer is
/// that class. If not, the answer is [`CannotTellYet`](Class::CannotTellYet).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// No arrival is false or untimely, and no duty is broken.
    Correct,
    /// No arrival is false or untimely. A duty is broken, and no duty that is due after a broken one is kept: the node
    /// stopped.
    Crash,
    /// No arrival is false or untimely. A duty that is due after a broken one is kept: the node went on.
    Omission,
    /// No arrival is false, and at least one is untimely.
    Timing,
    /// At least one arrival is false.
    Byzantine,
    /// The answer depends on messages that may still be on their way.
    CannotTellYet,
}

/// The role name of `classify`: takes an [`Evidence`], replies with a [`Class`].
pub const CLASSIFY: &str = "classify/classify";

/// The exercise, as the harness hosts it.
pub fn exercise(classify: fn(&Evidence) -> Class) -> Exercise {
    let ask = move |evidence: Evidence| classify(&evidence);
    Exercise { name: "classify", roles: vec![Role::function(CLASSIFY, ask)] }
}
