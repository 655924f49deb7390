//! Exercise `lease`: permission for a time, and storage that does not rely on it.
//!
//! Gray and Cheriton, *Leases: An Efficient Fault-Tolerant Mechanism for Distributed File Cache Consistency*, 1989; Burrows, *The Chubby
//! Lock Service for Loosely-Coupled Distributed Systems*, 2006, section 2.4 (sequencers); Kleppmann, *How to Do Distributed Locking*,
//! 2016 (fencing tokens).
//!
//! Three nodes are yours: one [`LockService`], one [`Storage`], and the [`Client`]s, of which there are one to four. All three use one
//! type of message, which is yours.
//!
//! What you may rely on:
//!
//! - **The network** loses messages, doubles them, delays them without a bound, and lets them overtake each other. On a clean network, a
//!   message and its answer take at most an eighth of [`ClientConfig::retry`].
//! - **Nodes.** The lock service and the storage crash and start again with their disks. A client that crashes never comes back, and
//!   it does not need its disk. Any node may be paused for any time.
//! - **Clocks.** A stopwatch ([`Out::now`](crate::Out::now), timers) runs at most `drift_ppm` millionths too fast or too slow. Wall clocks
//!   are wrong by any amount, and they jump.
//!
//! What your nodes promise:
//!
//! - **Tokens.** Each lease has a [`Token`]. If a token is granted to a client, it is larger than every token that was granted to another
//!   client before. That holds over crashes of the lock service, too.
//! - **Storage.** The tokens of the records in [`ACCEPTED`] never go down. Each token was granted to the client that was asked to write
//!   the value.
//! - **In time.** While no node is paused, no two clients hold a lease at the same moment. Nothing can promise that over a pause: a
//!   paused client does not notice that its lease ends. The first two promises hold in spite of pauses.

use crate::{Exercise, Log, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What the lock service is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockConfig {
    /// How long a lease lasts from the moment at which it is granted or extended, by the stopwatch of the lock service.
    pub ttl: Duration,
    /// By how much the stopwatch of any node may be wrong, in millionths.
    pub drift_ppm: u32,
}

/// What a client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientConfig {
    /// The lock service.
    pub lock: NodeId,
    /// The storage.
    pub storage: NodeId,
    /// How long a lease lasts, as the lock service counts: see [`LockConfig::ttl`]. It is 8 × `retry`.
    pub ttl: Duration,
    /// How long to wait before asking again, if an answer is missing or the lease belongs to another client.
    pub retry: Duration,
    /// By how much the stopwatch of any node may be wrong, in millionths.
    pub drift_ppm: u32,
}

/// The number of a lease: a fencing token. It shows as `token 3`, and as `3` where a name stands before it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Token(pub u64);
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {}", self.0)
    }
}
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What a client is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Write this value to the storage under a lease. No two requests have one value, with one exception: a write that ended in
    /// [`Response::Lost`] may be asked for again, of the same client.
    Write {
        /// The value.
        value: u64,
    },
}

/// How a write ended. Each write is answered, unless its client crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// The storage has accepted the value: its record is durable in [`ACCEPTED`].
    Written,
    /// The client held a lease after it was asked for this write, and the lease went before the answer of the storage came. Whether the
    /// value was or will be accepted is not said. A write whose client has not held a lease yet is not lost: it waits.
    Lost,
}

/// What the lock service emits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LockEvent {
    /// A lease is given to a client, or extended. This is a promise, as the message to the client is: emit it when the token is durable,
    /// and before you send the lease.
    Granted {
        /// The client.
        to: NodeId,
        /// The token of the lease.
        token: Token,
    },
}

/// What a client emits. What makes the storage accept a value is sent between `Holds` and `Stops`: after the client was asked for the
/// value, under the token of the record, and to the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientEvent {
    /// From here on the client relies on a lease that was granted to it.
    Holds {
        /// The token of the lease.
        token: Token,
    },
    /// From here on it relies on this lease no more.
    Stops {
        /// The token of the lease.
        token: Token,
    },
}

/// One record of the storage's log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Accepted {
    /// The token of the lease under which the value was written.
    pub token: Token,
    /// The value.
    pub value: u64,
}
/// Shows as `17 under token 3`.
impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} under {}", self.value, self.token)
    }
}

/// What the storage has accepted, on its disk. **A value is accepted when its record here is durable**, however it became so: by a sync,
/// or because a crash happened to keep it.
///
/// A durable record is never removed and never changed. One value may have several records.
pub const ACCEPTED: Log<Accepted> = Log::new("accepted");

role! {
    /// The node that grants leases. It answers no clients of its own.
    LockService as "lease/lock" { Config = LockConfig, Event = LockEvent }
}
role! {
    /// The node with the log [`ACCEPTED`]. It is told nothing at its start, and it emits nothing.
    Storage as "lease/storage" { }
}
role! {
    /// A node that writes to the storage while it holds a lease.
    Client as "lease/client" { Config = ClientConfig, Request = Request, Response = Response, Event = ClientEvent }
}

/// The exercise, as the harness hosts it.
pub fn exercise<L, S, C>() -> Exercise
where
    L: Node<Contract = LockService>,
    S: Node<Contract = Storage, Message = L::Message>,
    C: Node<Contract = Client, Message = L::Message>,
{
    Exercise { name: "lease", roles: vec![Role::node::<L>(), Role::node::<S>(), Role::node::<C>()] }
}
