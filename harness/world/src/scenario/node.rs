//! The nodes of a scenario: who plays each, what it knows, and how its clocks differ.

use super::fault::When;
use crate::playback::{Line, Playback, Player};
use lab::{Contract, NodeId, Role};
use std::fmt;
use std::time::Duration;

/// One node of a world.
#[derive(Debug, Clone)]
pub struct NodeSpec {
    /// Its name.
    pub id: NodeId,
    /// The name of its contract.
    pub role: &'static str,
    /// Its configuration, encoded.
    pub config: Vec<u8>,
    /// Who plays it.
    pub kind: NodeKind,
    /// Whom it is told of; `None` for every other node that is not a service, or for nobody in a world of more than 256 nodes:
    /// a crowd of clients knows what it calls, and not each other.
    pub peers: Option<Vec<NodeId>>,
    /// The node that its calls go to, as requests, where they name none; that node's replies are the answers. `None`: nobody
    /// answers.
    pub calls_to: Option<NodeId>,
    /// How its clocks differ from true time.
    pub clock: ClockSpec,
    /// How long a sync takes, from..=to.
    pub sync: (Duration, Duration),
    /// How long a node is busy with one event.
    pub per_event: Duration,
    /// When it starts for the first time. Before that it is down, and nobody's fault: a calm does not start it.
    pub starts: When,
    /// What it is called beside its id where people read of it: `coordinator`.
    pub name: Option<&'static str>,
}
impl NodeSpec {
    /// A node that the submission plays.
    pub fn guest<C: Contract>(id: NodeId, config: &C::Config) -> NodeSpec {
        NodeSpec::encoded(id, C::ROLE, lab::frame::encode(config))
    }
    /// A node that the submission plays in this role, its configuration encoded.
    pub fn encoded(id: NodeId, role: &'static str, config: Vec<u8>) -> NodeSpec {
        NodeSpec {
            id,
            role,
            config,
            kind: NodeKind::Guest,
            peers: None,
            calls_to: None,
            clock: ClockSpec::default(),
            sync: (Duration::from_micros(100), Duration::from_micros(300)),
            per_event: Duration::ZERO,
            starts: When::At(Duration::ZERO),
            name: None,
        }
    }
    /// A pure function that the submission has under this role name.
    pub fn function(id: NodeId, role: &'static str) -> NodeSpec {
        NodeSpec::encoded(id, role, Vec::new())
    }
    /// A peer that does what these lines say, and nothing else.
    pub fn playback(id: NodeId, lines: &[Line]) -> NodeSpec {
        NodeSpec::puppet::<Playback>(id, &lines.to_vec(), Role::node::<Player>)
    }
    /// The same under this name.
    #[must_use]
    pub fn named(self, name: &'static str) -> NodeSpec {
        NodeSpec { name: Some(name), ..self }
    }
    /// The same, but it starts then.
    #[must_use]
    pub fn starting(self, starts: When) -> NodeSpec {
        NodeSpec { starts, ..self }
    }
    /// The same, and nobody's peer, if the suite plays it.
    pub fn as_service(self) -> NodeSpec {
        match self.kind {
            NodeKind::Puppet(puppet) => NodeSpec { kind: NodeKind::Service(puppet), ..self },
            NodeKind::Guest | NodeKind::Service(_) => self,
        }
    }
    /// A peer that the suite plays.
    pub fn puppet<C: Contract>(id: NodeId, config: &C::Config, role: fn() -> Role) -> NodeSpec {
        NodeSpec { kind: NodeKind::Puppet(Puppet(role)), ..NodeSpec::guest::<C>(id, config) }
    }
    /// Something that the suite owns and nodes call: a puppet that is nobody's peer.
    pub fn service<C: Contract>(id: NodeId, config: &C::Config, role: fn() -> Role) -> NodeSpec {
        NodeSpec { kind: NodeKind::Service(Puppet(role)), ..NodeSpec::guest::<C>(id, config) }
    }
}

/// Who plays a node.
#[derive(Debug, Clone, Copy)]
pub enum NodeKind {
    /// The submission, in a guest.
    Guest,
    /// The suite: a peer among peers.
    Puppet(Puppet),
    /// The suite: called, and nobody's peer.
    Service(Puppet),
}
impl NodeKind {
    pub(crate) fn is_guest(self) -> bool {
        matches!(self, NodeKind::Guest)
    }
}

/// A node of the suite's own: `Puppet(Role::node::<Traitor>)`. It runs inside the world.
#[derive(Clone, Copy)]
pub struct Puppet(pub fn() -> Role);
impl fmt::Debug for Puppet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str((self.0)().name())
    }
}

/// How a node's clocks differ from true time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockSpec {
    /// The wall clock is this much ahead at the start, in nanoseconds.
    pub offset_ns: i64,
    /// Both clocks gain this much, in parts per million; above -1,000,000.
    pub drift_ppm: i64,
}
