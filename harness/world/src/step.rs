//! What a driver is asked to do: hand one event to one node.

use crate::observe::Bytes;
use lab::frame::{Command, Context, Event, Raw, Start};
use lab::{CallId, Disk, NodeId, RequestId};

/// One event for one node. The driver hands it over and answers with [`World::apply`](crate::World::apply).
#[derive(Debug, Clone)]
pub struct Step {
    /// The node's place in the scenario.
    pub node: usize,
    /// Its clocks and its chance.
    pub context: Context,
    /// The event.
    pub event: StepEvent,
}
/// What a node is handed.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are those of `frame::Start` and of the handlers' arguments")]
pub enum StepEvent {
    /// It starts, in place of what it was.
    Start {
        me: NodeId,
        role: &'static str,
        incarnation: u32,
        peers: Vec<NodeId>,
        config: Bytes,
        disk: Box<Disk>,
    },
    Message {
        from: NodeId,
        message: Bytes,
    },
    Request {
        id: RequestId,
        request: Bytes,
    },
    Timer {
        timer: Bytes,
    },
    Answer {
        call: CallId,
        answer: Bytes,
    },
}

impl Step {
    /// The command for a guest: this event, for the node of `slot`; `role` says where in the guest's list a
    /// role stands.
    pub fn command(&self, slot: u32, role: impl FnOnce(&'static str) -> u16) -> Command<'_> {
        let event = match &self.event {
            StepEvent::Start { role: name, .. } => {
                let start = self.start().expect("this is one");
                return Command::Start { slot, role: role(name), context: self.context, start };
            }
            StepEvent::Message { from, message } => Event::Message { from: *from, message: Raw(message) },
            StepEvent::Request { id, request } => Event::Request { id: *id, request: Raw(request) },
            StepEvent::Timer { timer } => Event::Timer { timer: Raw(timer) },
            StepEvent::Answer { call, answer } => Event::Answer { call: *call, answer: Raw(answer) },
        };
        Command::Step { slot, context: self.context, event }
    }
    /// What the node starts from, if this is a start.
    pub fn start(&self) -> Option<Start<'_>> {
        match &self.event {
            StepEvent::Start { me, peers, config, disk, .. } => {
                Some(Start { me: *me, peers: peers.clone(), config: Raw(config), disk: (**disk).clone() })
            }
            _ => None,
        }
    }
}
