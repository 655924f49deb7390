//! Exercise `membership`: every node knows who is up, although no node can see that.
//!
//! Das, Gupta and Motivala, *SWIM: Scalable Weakly-consistent Infection-style Process Group Membership Protocol*, 2002; van Renesse,
//! Minsky and Hayden, *A Gossip-Style Failure Detection Service*, 1998.
//!
//! All nodes are yours, and all play one role, the [`Member`]. Each of them keeps a *view*: the other nodes that it believes to be up. It
//! announces every change of its view with an [`Event`]. When a node starts, for the first time or after a crash, its view is empty.
//!
//! What you may rely on:
//!
//! - **A node knows names only:** the seeds of its [`Config`], and the nodes that it has heard of. Its list of peers
//!   ([`Boot::peers`](crate::Boot)) is empty. [`Out::send`](crate::Out::send) reaches any node whose name it knows. The seeds are members
//!   like all others, and they may be down.
//! - **The network** may lose messages, deliver them twice, delay them, and let them overtake each other. A link may be cut in one
//!   direction or in both.
//! - **Nodes** start at any time. They crash, and start again soon, later, or never. They pause. Their wall clocks may be wrong, and
//!   their stopwatches gain or lose at most one percent.
//!
//! What is promised:
//!
//! - A node lets no node go with which it is *connected* in both directions: by a link, or by a chain of members that are up.
//! - A crashed node leaves every view, within [`Config::detect`].
//! - If a node starts again, or was let go wrongly, it returns to every view, and all nodes return to its view. If a partition made two
//!   halves let each other go, they find each other again. Therefore a node writes to a seed about every ten intervals, also if
//!   all seems well.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a member is told. It is the same for all members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Two nodes at which a node that starts can ask for the others. They are members like all others, they are told the same, and
    /// they may be down.
    pub seeds: Vec<NodeId>,
    /// How long one round takes: a node talks to few others in each. On a clean network, a message and its answer take at most an
    /// eighth of this.
    pub interval: Duration,
    /// After this time, all nodes know what has happened: it is 80 × [`interval`](Config::interval).
    pub detect: Duration,
}

/// A change of the view of this node. If the change repeats what the view says already, nothing happens. A node is
/// never in its own view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// This node joins the view.
    Member {
        /// The node.
        node: NodeId,
    },
    /// This node leaves the view: it is *let go*.
    Gone {
        /// The node.
        node: NodeId,
    },
}

role! {
    /// A node that keeps a view of the others. Clients ask nothing of it.
    Member as "membership" { Config = Config, Event = Event }
}

/// The exercise, as the harness hosts it.
pub fn exercise<M: Node<Contract = Member>>() -> Exercise {
    Exercise { name: "membership", roles: vec![Role::node::<M>()] }
}
