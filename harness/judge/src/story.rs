//! What a student reads of a failure, as data: rows of a diagram.

mod label;

pub use label::Label;
pub(crate) use label::split_fields;

use lab::NodeId;
use std::collections::BTreeMap;
use world::{ClientId, LossReason, NodeKind, Scenario, Time};

/// What happened, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// The nodes that take part, in the order of their names.
    pub nodes: Vec<NodeId>,
    /// What those of them are called that have a name beside their id.
    pub roles: BTreeMap<NodeId, &'static str>,
    /// The clients that do.
    pub clients: Vec<ClientId>,
    /// What happened, in order.
    pub rows: Vec<Row>,
    /// Names of nodes that are not called `n1`, `n2`, ….
    pub names: BTreeMap<NodeId, String>,
    /// What is to be read below the diagram, a line each.
    pub below: Vec<String>,
    /// Whether the rows have an order and no times.
    pub is_timeless: bool,
}
impl Story {
    /// How much it tells of, counted as runs are: a message that leaves in one row and arrives in another is one event.
    pub fn events(&self) -> usize {
        let is_half =
            |what: &What| matches!(what, What::Quiet(_) | What::Leaves { becomes: Becomes::Arrives(_), .. });
        self.rows.iter().filter(|row| !is_half(&row.what)).count()
    }
}

/// One row of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When.
    pub at: Time,
    /// What.
    pub what: What,
    /// What came of it at once, in words.
    pub notes: Vec<String>,
    /// Why this row is what the story is about.
    pub mark: Option<String>,
}

/// What a row shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A message arrives.
    Message {
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// Its type and what it holds.
        label: Label,
        /// The number of the row where it left, if other things happened in between.
        left: Option<u32>,
    },
    /// A message leaves, and does not arrive at once.
    Leaves {
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// Its type and what it holds.
        label: Label,
        /// What becomes of it.
        becomes: Becomes,
    },
    /// A client asks a node.
    Asked {
        /// Who.
        client: ClientId,
        /// Whom.
        node: NodeId,
        /// What.
        label: Label,
    },
    /// A node answers a client.
    Answered {
        /// Who asked.
        client: ClientId,
        /// Who answers.
        node: NodeId,
        /// What.
        label: Label,
    },
    /// A client stops waiting.
    GivesUp {
        /// Who.
        client: ClientId,
        /// Whom it asked last.
        node: NodeId,
        /// What that means, in a few words.
        text: String,
    },
    /// Something happens on one node.
    On {
        /// The node.
        node: NodeId,
        /// What kind of thing.
        sign: Sign,
        /// What, in a few words.
        text: String,
    },
    /// Something happens to the network, or to all.
    Everywhere(String),
    /// So many events that do not matter are left out.
    Quiet(usize),
}

/// What becomes of a message that does not arrive at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    /// It arrives in a later row that bears this number.
    Arrives(u32),
    /// It is lost.
    Lost(LossReason),
    /// The story ends before it arrives.
    UnderWay,
}

/// The kinds of things that happen on one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It starts, or starts again.
    Start,
    /// It crashes.
    Crash,
    /// It stands still.
    Pause,
    /// It goes on.
    Resume,
    /// An alarm rings.
    Timer,
    /// A service or a caller speaks to it.
    Call,
    /// Its clock is tampered with, or it is made slow.
    Fault,
    /// It does something of its own.
    Act,
    /// Its code did what no node may.
    Broke,
}

/// Whether a suite plays this node.
pub fn is_puppet(scenario: &Scenario, node: NodeId) -> bool {
    scenario.nodes.iter().any(|spec| spec.id == node && !matches!(spec.kind, NodeKind::Guest))
}
