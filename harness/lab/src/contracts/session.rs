//! Exercise `session`: one user of a replicated store, who never sees their own past undone.
//!
//! Terry, Demers, Petersen, Spreitzer, Theimer and Welch, *Session Guarantees for Weakly Consistent Replicated Data*, 1994.
//!
//! One node is yours, the [`Device`]: the part of an application that talks to the store. One user has one or two devices. What they do
//! there is one *session*. The replicas of the store are peers that belong to the harness.
//!
//! What you may rely on:
//!
//! - **The store.** One replica is the leader. It gives each write a [`Position`], and positions order all writes. The other replicas,
//!   the followers, apply the same writes in the same order, but later: some milliseconds or some seconds. The leader may change.
//! - **Nothing that was named is lost.** If an answer of any replica has named a position, every later leader has all writes up to it.
//! - **Ids.** The store does each id of a write once, however often it arrives, and over all changes of the leader. No two requests to
//!   your devices have the same [`RequestId`], also after a crash.
//! - **The network** between devices and replicas loses messages, duplicates them, delays them, and lets them overtake each other. Between
//!   two devices nothing is lost, but messages may be delayed, be duplicated, and overtake each other.
//! - **Devices** crash and start again with their disks. A request that was open then is never answered, and it needs no answer. Wall
//!   clocks are wrong, and a stopwatch is up to 1 % fast or slow.
//! - A device may get any number of requests before it has answered the first one.
//!
//! What a device promises, for each key:
//!
//! - **Read your writes.** If a write was answered with [`Response::Written`] before a read began, the read shows this write or a later
//!   one.
//! - **Monotonic reads.** A read never shows an older write than a read that was answered before it began.
//! - **Over a crash** of the device, both promises still hold.
//! - **Over a handoff.** When a device has taken in the [`Token`](Message::Token) of another device, both promises also hold for
//!   everything that the other device had answered before it was asked for this handoff.
//! - **Truth.** [`Response::Written`] says that the store has done the write. [`Response::Value`] shows what a replica's copy held at
//!   a moment between the request and the answer.
//! - **In time.** Each request but a handoff is answered within `give_up + patience`. It is not answered with [`Response::Unavailable`] if a
//!   replica that can serve it was reachable during the last 8 × `patience` before the end of `give_up`. For a write, this is the
//!   leader. For a read, it is any replica that has applied every write up to the largest position that the device has ever been told.

use crate::{Exercise, Node, NodeId, Nothing, RequestId, Role};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What a device is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The replicas, at most three, the nearest one first. Any of them may be the leader, and the leader may change.
    pub replicas: Vec<NodeId>,
    /// If a replica has not answered for so long, ask another one. A message to any replica and its answer take at most half of this
    /// on a clean network.
    pub patience: Duration,
    /// A request that has no answer so long after it was made is [`Response::Unavailable`]. It is at least 20 × `patience`.
    pub give_up: Duration,
}

/// What a value is stored under. It shows as `k2`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(pub u32);
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What is stored under a key. No two writes of a run write the same value.
pub type Value = u64;

/// The place of a write in the order of all writes of the store. Two writes next to each other may have any gap between their positions.
/// The default, 0, is before all writes.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position(pub u64);
impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What the user asks of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Store a value under a key.
    Write {
        /// The key.
        key: Key,
        /// The value.
        value: Value,
    },
    /// Show what is stored under a key.
    Read {
        /// The key.
        key: Key,
    },
    /// The user goes on at that device. Send it a [`Token`](Message::Token) within `patience`. This request is not answered.
    Handoff {
        /// The other device of the user.
        to: NodeId,
    },
}

/// What a device answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// To a write: the store has done it.
    Written,
    /// To a read: a replica holds this value; `None` if nothing was ever written there.
    Value(Option<Value>),
    /// To a write or a read: nothing could be found out. The write may have been done, or may still be done, or not.
    Unavailable,
}

/// What a device emits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The token of that device is taken in: what a user does here from now on continues what they did there. This is a promise that a
    /// crash must not break. It is emitted within `patience` of the arrival of the token, if the device does not crash. It may be
    /// repeated.
    Resumed {
        /// The other device.
        from: NodeId,
    },
}

/// What devices and replicas say to each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// To a replica: store this.
    Write {
        /// The id of the write: the same in each copy of it.
        id: RequestId,
        /// The key.
        key: Key,
        /// The value.
        value: Value,
    },
    /// From the leader: the write is done, and no change of the leader loses it.
    Written {
        /// The id of the write.
        id: RequestId,
        /// Its position.
        at: Position,
    },
    /// To a replica: what does your copy hold?
    Read {
        /// A number for the answer.
        id: RequestId,
        /// The key.
        key: Key,
    },
    /// From a replica: this is what its copy holds. The copy has every write up to `at`, and no other write.
    Value {
        /// The id of the read.
        id: RequestId,
        /// The value; `None` if nothing was written under this key up to `at`.
        value: Option<Value>,
        /// The position of the last write that this replica has applied.
        at: Position,
    },
    /// From a replica that does not lead, to a write: ask another replica. Whether the write was done before is not said.
    NotLeader {
        /// The id of the write.
        id: RequestId,
        /// The replica that leads, as far as this replica knows. That may be wrong.
        leader: Option<NodeId>,
    },
    /// From device to device: the session has seen the writes up to this position. It is no larger than the largest position that the
    /// sender has ever been told.
    Token(Position),
    /// Whatever your design needs beyond this, from device to device. Replicas ignore it.
    Extension(Vec<u8>),
}

role! {
    /// A device of the user.
    Device as "session" { Config = Config, Request = Request, Response = Response, Event = Event }
}

/// The exercise, as the harness hosts it.
pub fn exercise<D: Node<Contract = Device, Message = Message>>() -> Exercise {
    Exercise { name: "session", roles: vec![Role::node::<D>()] }
}
