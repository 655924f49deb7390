//! The recipe of a world, as data: a check builds it, a shrinker cuts it down, a replay reads it back.

mod client;
mod fault;
mod harm;
mod link;
mod node;
mod pattern;
mod scribe;

pub use client::{Client, Operation};
pub use fault::{Fault, Trigger, Until, When};
pub use harm::{Damage, DiskLoss, Harm, Who, Words};
pub use link::{Carried, Latency, Link, LinkRule, Tail};
pub use node::{ClockSpec, NodeKind, NodeSpec, Puppet};
pub use pattern::{Matcher, Pattern, Question, SeenKind};
pub use scribe::{MakesScribe, Scribe};

use crate::draw::Key;
use lab::{Contract, NodeId};
use rustc_hash::FxHashSet;
use std::sync::Arc;
use std::time::Duration;

/// Nobody in a world of more nodes than this is told of all the others.
const CROWD: usize = 256;

/// A cluster, its network, its clients and the faults it meets.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The nodes. Their order is the order in which they start.
    pub nodes: Vec<NodeSpec>,
    /// How messages travel where no rule of `links` says otherwise.
    pub network: Link,
    /// Links that differ; the last rule that fits counts.
    pub links: Vec<LinkRule>,
    /// Who asks what of the nodes.
    pub clients: Vec<Client>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Messages, by their [`Key`], that are still under way when the world ends: in this way a shrinker takes out what a
    /// failure does not need. On a link that keeps order, what is sent later stays behind them.
    pub withheld: FxHashSet<Key>,
    /// From here on nothing goes wrong any more: every fault ends, what is down starts again, and all links
    /// are as `calm`.
    pub calm: Option<(Duration, Link)>,
    /// The rules of `links` say where nodes live, and not what is wrong with the network: they outlast the calm, but for what
    /// they say of loss, duplication and corruption.
    pub regions: bool,
    /// When the world ends, whatever is still to happen.
    pub end: Duration,
    /// What it may use at most.
    pub limits: Limits,
    /// Whether to ask nodes for their status after each event.
    pub watch_status: bool,
    /// Who takes note of promises, and knows what to ask about them: for [`Trigger::Promised`] and [`Words::Asked`].
    pub scribe: Option<MakesScribe>,
}

impl Scenario {
    /// These nodes on a clean network with one millisecond of latency; nobody asks anything, nothing fails.
    pub fn new(nodes: Vec<NodeSpec>, end: Duration) -> Scenario {
        Scenario {
            nodes,
            network: Link::fixed(Duration::from_millis(1)),
            links: Vec::new(),
            clients: Vec::new(),
            faults: Vec::new(),
            withheld: FxHashSet::default(),
            calm: None,
            regions: false,
            end,
            limits: Limits::default(),
            watch_status: false,
            scribe: None,
        }
    }
    /// A node as people read of it: `n3 (coordinator)`, or `n3` where it has no name.
    pub fn name_of(&self, node: NodeId) -> String {
        let spec = self.nodes.iter().find(|spec| spec.id == node);
        match spec.and_then(|spec| spec.name) {
            Some(name) => format!("{node} ({name})"),
            None => node.to_string(),
        }
    }
    /// `n` nodes of one role, with ids from 1.
    pub fn cluster<C: Contract>(n: u32, config: &C::Config, end: Duration) -> Scenario {
        Scenario::new((1..=n).map(|id| NodeSpec::guest::<C>(NodeId(id), config)).collect(), end)
    }
    /// Whom a node is told of: whom it says, or every other node that is not a service, in order of id; in a crowd, nobody.
    pub(crate) fn peers_of(&self, spec: &NodeSpec) -> Arc<[NodeId]> {
        if let Some(peers) = &spec.peers {
            return peers.as_slice().into();
        }
        if self.nodes.len() > CROWD {
            return [].into();
        }
        let others = self.nodes.iter().filter(|node| node.id != spec.id);
        let mut peers: Vec<NodeId> =
            others.filter(|node| !matches!(node.kind, NodeKind::Service(_))).map(|node| node.id).collect();
        peers.sort_unstable();
        peers.into()
    }
}

/// What a world may use at most, so that a node that floods it ends it, always at the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Events handed to nodes.
    pub events: u64,
    /// Effects of one event.
    pub effects_per_event: usize,
    /// Bytes of one message.
    pub message_bytes: usize,
    /// Effects of all nodes together.
    pub effects: u64,
    /// Bytes under way, waiting or unsynced in all, and bytes durable on one disk; whatever is kept counts for
    /// some more than its contents.
    pub bytes: usize,
    /// Bytes of events, replies and calls of all nodes together: what is shown to oracles, which may keep it.
    pub shown: usize,
}
impl Default for Limits {
    fn default() -> Self {
        Limits {
            events: 1_000_000,
            effects_per_event: 20_000,
            message_bytes: 1 << 20,
            effects: 10_000_000,
            bytes: 64 << 20,
            shown: 32 << 20,
        }
    }
}
