//! Exercise `mutex`: one at a time, in the order of asking, and nobody in charge.
//!
//! Lamport, *Time, Clocks, and the Ordering of Events in a Distributed System*, 1978. Another way to it with
//! fewer messages: Ricart and Agrawala, *An Optimal Algorithm for Mutual Exclusion in Computer Networks*, 1981.
//!
//! What you may rely on: no message is lost or doubled, and no node crashes. Messages take as long as they
//! please. On most links none overtakes another; the check `unordered-links` takes that away. A group can be a single node,
//! which has no peer to ask.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};

/// What a client asks of a node. Every node has one client. The client asks to `Acquire` only when the node is neither inside
/// nor waiting, and asks to `Release` once for each time inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// The node wants to enter: emit [`Event::Entered`] as soon as it may.
    Acquire,
    /// The node, which is inside, leaves. It is outside from the moment of this request.
    Release,
    /// Send another node a note, at once. A note has nothing to do with who is inside, but it can make one request the cause
    /// of another.
    Note {
        /// To this node.
        to: NodeId,
        /// Which note: no two have the same number.
        note: u32,
    },
}

/// What nodes announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// This node is inside now, and no other is. Emitted once for each [`Request::Acquire`].
    Entered,
    /// A note arrived. Emitted once for each [`Request::Note`], by the node that it was for.
    Noted {
        /// From this node.
        from: NodeId,
        /// Which note.
        note: u32,
    },
}

role! {
    /// A node that takes turns with its peers. It has no configuration and answers no client: it emits events.
    Mutex as "mutex" { Request = Request, Event = Event }
}

/// The exercise, as the harness hosts it.
pub fn exercise<M: Node<Contract = Mutex>>() -> Exercise {
    Exercise { name: "mutex", roles: vec![Role::node::<M>()] }
}
