//! Things between two nodes.

use crate::draw::{Key, Luck};
use crate::observe::{Bytes, ObservationId};
use crate::scenario::Carried;
use lab::CallId;

/// Something between two nodes.
#[derive(Clone)]
pub(super) struct Parcel {
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) content: Content,
    pub(super) bytes: Bytes,
    pub(super) sent: ObservationId,
    pub(super) key: Key,
    pub(super) copy: u8,
    /// It is a copy that a fault makes, and has not left yet.
    pub(super) waits: bool,
}
impl Parcel {
    pub(super) fn from(&self) -> usize {
        self.from as usize
    }
    pub(super) fn to(&self) -> usize {
        self.to as usize
    }
}

/// A place among a world's nodes, in half the room.
pub(super) fn short(place: usize) -> u32 {
    u32::try_from(place).expect("a world has few nodes")
}

/// Something that a fault keeps back.
pub(super) struct Held {
    pub(super) by: usize,
    pub(super) parcel: Parcel,
    /// What is drawn for it when it leaves.
    pub(super) luck: Luck,
    /// The faults whose `nth` message it is.
    pub(super) counts_for: Vec<usize>,
}

#[derive(Clone, Copy)]
pub(super) enum Content {
    Message,
    Call { call: CallId, incarnation: u32 },
    Answer { call: CallId, incarnation: u32 },
}
impl Content {
    pub(super) fn carried(self) -> Carried {
        match self {
            Content::Message => Carried::Message,
            Content::Call { .. } => Carried::Call,
            Content::Answer { .. } => Carried::Answer,
        }
    }
}
