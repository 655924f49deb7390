//! What was seen, in the words of a contract.

use judge::Violation;
use lab::{CallId, Contract, NodeId, RequestId, Wire};
use serde::{Deserialize, Serialize};
use world::{ClientId, Observation, OperationId, Seen, World};

/// The messages of an exercise that leaves their type to the student: a suite cannot read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Opaque {}

/// What was seen of a node that has the contract `C` and, where the exercise fixes that, sends messages of type `M`.
#[derive(Debug)]
pub enum Saw<C: Contract, M = Opaque> {
    /// It was asked.
    Asked {
        /// The delivery.
        request: RequestId,
        /// The client's operation, where a client asked.
        operation: Option<(ClientId, OperationId)>,
        /// What it was asked.
        what: C::Request,
    },
    /// It answered, and was heard: it had been asked, and had not answered yet.
    Told {
        /// The delivery.
        request: RequestId,
        /// The answer.
        what: C::Response,
    },
    /// It emitted.
    Emitted(C::Event),
    /// It sent a message.
    Sent {
        /// The receiver.
        to: NodeId,
        /// The message; `None` where it is the student's own.
        message: Option<M>,
        /// Its length in bytes.
        bytes: usize,
    },
    /// It got a message.
    Got {
        /// The sender.
        from: NodeId,
        /// The message; `None` where it is the student's own.
        message: Option<M>,
    },
    /// It called a service.
    Called {
        /// The call.
        call: CallId,
        /// What it asked.
        what: C::Call,
    },
    /// The service's answer reached it.
    Answered {
        /// The call.
        call: CallId,
        /// The answer.
        what: C::Answer,
    },
    /// It starts.
    Started {
        /// How often it had crashed before.
        incarnation: u32,
    },
    /// It crashed.
    Crashed,
    /// What it had written before is durable.
    Synced,
    /// Anything else: timers, writes, what is done to others.
    Else,
}

impl<C: Contract, M: Wire> Saw<C, M> {
    /// What this observation is; [`Saw::Else`] for nodes of another contract.
    ///
    /// # Errors
    /// The violation, where the node emitted, answered or called with something that its contract does not know.
    pub fn of(world: &World, seen: &Observation) -> Result<Saw<C, M>, Violation> {
        let is_carried = matches!(
            seen.seen,
            Seen::Requested { .. }
                | Seen::Replied { .. }
                | Seen::Emitted { .. }
                | Seen::Called { .. }
                | Seen::Answered { .. }
        );
        let has_contract =
            || world.scenario().nodes.iter().any(|node| node.id == seen.node && node.role == C::ROLE);
        if is_carried && !has_contract() {
            return Ok(Saw::Else);
        }
        let unknown = |rule, what: &str| {
            let sentence = format!("{} {what} that this exercise does not know.", seen.node);
            Violation::at(seen, rule, sentence)
        };
        Ok(match &seen.seen {
            Seen::Requested { request, operation, bytes } => match lab::frame::decode(bytes) {
                Some(what) => Saw::Asked { request: *request, operation: *operation, what },
                None => Saw::Else, // the suite's own mistake, or a bit that flipped
            },
            Seen::Replied { request, bytes, heard: true, .. } => {
                let what = lab::frame::decode(bytes);
                let what = what.ok_or_else(|| unknown("unknown-response", "answered with a response"))?;
                Saw::Told { request: *request, what }
            }
            Seen::Emitted { bytes } => {
                let event = lab::frame::decode(bytes);
                Saw::Emitted(event.ok_or_else(|| unknown("unknown-event", "emitted an event"))?)
            }
            Seen::Called { call, bytes, .. } => {
                let what = lab::frame::decode(bytes);
                Saw::Called { call: *call, what: what.ok_or_else(|| unknown("unknown-call", "made a call"))? }
            }
            Seen::Answered { call, bytes, .. } => match lab::frame::decode(bytes) {
                Some(what) => Saw::Answered { call: *call, what },
                None => Saw::Else,
            },
            Seen::Sent { to, bytes, .. } => {
                Saw::Sent { to: *to, message: lab::frame::decode(bytes), bytes: bytes.len() }
            }
            Seen::Delivered { from, bytes } => Saw::Got { from: *from, message: lab::frame::decode(bytes) },
            Seen::Started { incarnation } => Saw::Started { incarnation: *incarnation },
            Seen::Crashed => Saw::Crashed,
            Seen::Synced => Saw::Synced,
            _ => Saw::Else,
        })
    }
}
