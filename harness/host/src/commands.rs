//! What one lane is to be told: commands, in frames.

use crate::error::{HostError, LaneError};
use lab::frame::{self, Token};
use std::collections::BTreeMap;
use world::{Excess, Misbehaviour, Step, StepEvent};

/// A frame is not added to when it is this long, in bytes.
const FRAME_BYTES: usize = 1 << 20;

/// Where the roles of a guest stand in its list.
#[derive(Debug, Clone)]
pub(crate) struct Roles(BTreeMap<String, u16>);
impl Roles {
    pub(crate) fn new(names: Vec<String>) -> Roles {
        Roles(names.into_iter().zip(0..).collect())
    }
    fn place(&self, name: &'static str) -> Result<u16, HostError> {
        self.0.get(name).copied().ok_or(HostError::NoSuchRole(name))
    }
}

/// Commands that are not sent yet.
pub(crate) struct Commands {
    token: Token,
    bytes: Vec<u8>,
    /// Where the last frame begins.
    last: usize,
}
impl Commands {
    pub(crate) fn new(token: Token) -> Commands {
        Commands { token, bytes: Vec::new(), last: 0 }
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
    /// Hand this event to the node of that slot.
    pub(crate) fn put(&mut self, step: &Step, slot: u32, roles: &Roles) -> Result<(), LaneError> {
        let role = match &step.event {
            StepEvent::Start { role, .. } => roles.place(role)?,
            _ => 0,
        };
        if self.bytes.len() - self.last > FRAME_BYTES {
            frame::finish(&mut self.bytes[self.last..]);
            self.last = self.bytes.len();
        }
        if self.bytes.len() == self.last {
            frame::begin(&mut self.bytes);
            self.token.put(&mut self.bytes);
        }
        frame::encode_into(&step.command(slot, |_| role), &mut self.bytes);
        if self.bytes.len() - self.last > frame::MAX_FRAME {
            // a disk that has grown and grown: nothing else that a node is handed is near this
            let excess = Excess::Boot(frame::MAX_FRAME >> 20);
            return Err(LaneError::Guest(Misbehaviour::Flooded(excess)));
        }
        Ok(())
    }
    /// All of them, ready to be sent.
    pub(crate) fn finish(&mut self) -> &[u8] {
        frame::finish(&mut self.bytes[self.last..]);
        &self.bytes
    }
    /// None of them any more.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.last = 0;
    }
}
