//! Exercises `primary_backup` and `failover`: one node leads, the others keep copies, and an acknowledgement means something.
//!
//! Alsberg and Day, *A Principle for Resilient Sharing of Distributed Resources*, 1976; Budhiraja, Marzullo, Schneider and Toueg, *The
//! Primary-Backup Approach*, 1993; Lin, Yang, Zhang and Zhou, *PacificA: Replication in Log-Based Distributed Storage Systems*, 2008;
//! van Renesse and Schneider, *Chain Replication*, 2004.
//!
//! The nodes keep a map: for each key a list of values. A client appends a value to the list of a key, or reads a list. One node is the
//! primary. It puts all appends in one order, and sends them to the others, the backups. All nodes run the same code, which you write.
//!
//! The two exercises use the same node and the same types. In `primary_backup`, the primary and the set of in-sync backups never
//! change: they stay those of [`Config::first`], and your node need not call the view service. In `failover`, they do change. A node that is
//! finished for `failover` passes `primary_backup`, too.
//!
//! What you may rely on:
//!
//! - **The network** loses messages, doubles them, delays them without a bound, and lets them overtake each other. On a clean network, a
//!   message, its answer and two syncs take less than [`Config::resend`]. That holds for a call of the view service and its answer, too.
//! - **Nodes** crash between any two effects, and start again with their disks. What was not synced may be lost.
//! - **Clients** ask for one append at a time, with the numbers 1, 2, 3, … as `seq`. A retry has the `seq` of the first try. It may come
//!   before the first try is answered, after it was answered, or after a crash. A client that got no answer has no other way to find out.
//!
//! What your nodes promise, for both exercises:
//!
//! - **One order.** The primary puts all appends, of all keys, in one order. A backup goes through the same states as the primary, in
//!   the same order. So an [`Audit`](Request::Audit) of any node shows a state that the primary has been in: appends of one key
//!   without those of another key before them are no such state.
//! - **Asynchronous mode.** [`Appended`](Response::Appended) means that the append is durable on the disk of the primary. The answer waits for no
//!   other node.
//! - **Synchronous mode.** `Appended` means that the append is durable at the primary, and on every backup that is in sync, and that at
//!   least `min` backups are.
//! - **Safe.** Every answer says in both modes up to which position the appends are safe, see [`Response::Appended::safe`]. On a quiet
//!   network, `safe` soon reaches every position.
//! - **Once.** However often an append is tried, it takes effect once. A retry is answered no earlier than the first try might have been: what
//!   `Appended` means does not depend on which try it answers.
//! - **Reads.** In synchronous mode, a read shows every append that was acknowledged before the read was asked. It shows nothing that a
//!   later primary could lack. In asynchronous mode, it shows what the primary has.
//! - **Catching up.** The primary tries to reach every other node, whether it is in sync or not, until that node has every append.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// The name of a list.
pub type Key = String;
/// What is appended. No two appends of a run have the same value, except the tries of one append.
pub type Value = u64;

/// Which node is the primary, and which backups are in sync. It shows as `view 3 (epoch 2): primary n1, in sync n2 n3`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct View {
    /// The number of this view: 1, 2, 3, … It is one more with each change.
    pub number: u64,
    /// The number of the view in which this primary became the primary. Views with the same primary may follow each other: they have one epoch.
    pub epoch: u64,
    /// The primary.
    pub primary: NodeId,
    /// The backups that are in sync. If the primary fails, one of these becomes the next primary. The primary itself is never among them.
    pub in_sync: BTreeSet<NodeId>,
}
impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let View { number, epoch, primary, in_sync } = self;
        write!(f, "view {number} (epoch {epoch}): primary {primary}, in sync ")?;
        show_set(in_sync, f)
    }
}
impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
fn show_set(set: &BTreeSet<NodeId>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if set.is_empty() {
        return f.write_str("nobody");
    }
    for (place, node) in set.iter().enumerate() {
        write!(f, "{}{node}", if place == 0 { "" } else { " " })?;
    }
    Ok(())
}

/// What has to be true before an append is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Acks {
    /// Asynchronous: the append is durable at the primary.
    Async,
    /// Synchronous: the append is durable at the primary and on every backup that is in sync.
    Sync {
        /// If fewer backups than this are in sync, nothing is acknowledged. It is at most the number of backups.
        min: u32,
    },
}

/// What a node is told at its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The first view. Its number and its epoch are 1, and at that time all disks are empty. In `primary_backup`, its primary and its
    /// set of in-sync backups stay for ever, and all other nodes are in sync.
    pub first: View,
    /// When an append is acknowledged.
    pub acks: Acks,
    /// Send a message again if it was not answered for so long. It is longer than a message, its answer and two syncs on a clean network.
    pub resend: Duration,
    /// Only for `failover`: how often each node calls the view service with [`Call::Ping`].
    pub ping: Duration,
    /// Only for `failover`: a backup that has lacked something, or has not answered, for so long should be dropped.
    pub lag: Duration,
}

/// What clients and operators ask of a node.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Request {
    /// Append a value to a list. A client asks for one append at a time, but it may ask several nodes, and it may try several times.
    ///
    /// A node that is not the primary answers [`Response::NotPrimary`], or passes the request on to the primary.
    Append {
        /// Which client asks.
        client: u32,
        /// The number of this append among those of the client: 1, 2, 3, … A retry has the number of the first try.
        seq: u32,
        /// The list.
        key: Key,
        /// The value.
        value: Value,
    },
    /// Show a list. A node that is not the primary answers [`Response::NotPrimary`], or passes the request on to the primary.
    Read {
        /// The list.
        key: Key,
    },
    /// An operator asks any node, primary or not: what is in the copy on your own disk?
    ///
    /// The node answers with what is durable there, and with nothing else. It asks no other node and not the view service. It answers within 20 ms
    /// after the syncs that it has started. Appends that a node keeps apart until earlier ones arrive are not part of its copy.
    Audit,
}
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Append { client, seq, key, value } => {
                write!(f, "append {value} to {key} (client {client}, seq {seq})")
            }
            Request::Read { key } => write!(f, "read {key}"),
            Request::Audit => f.write_str("audit"),
        }
    }
}

/// What a node answers.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Response {
    /// The append is acknowledged.
    Appended {
        /// The epoch of the primary that answers, also if this is a retry of an append of an older epoch.
        epoch: u64,
        /// The place of the append in the order of this primary: larger for later appends, over epochs, too. It may have gaps.
        position: u64,
        /// Every append in the order of this primary, at or below this position, is durable on every backup that is in sync. So no
        /// later primary lacks it. 0: no append is known to be safe yet. In synchronous mode, it is at least `position`.
        safe: u64,
    },
    /// The list that was asked for. It is empty if nothing was appended to it.
    Values(Vec<Value>),
    /// This node is not the primary: ask another node. This says nothing about earlier tries.
    NotPrimary {
        /// The node that is the primary, as far as this node knows.
        hint: Option<NodeId>,
    },
    /// Not now. Whether the append takes effect is unknown.
    Unavailable,
    /// The answer to [`Request::Audit`]: every list that is not empty.
    Audit(BTreeMap<Key, Vec<Value>>),
}
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Response::Appended { epoch, position, safe } => {
                write!(f, "appended at {position} of epoch {epoch}, safe up to {safe}")
            }
            Response::Values(values) => write!(f, "{values:?}"),
            Response::NotPrimary { hint: Some(node) } => write!(f, "not the primary, ask {node}"),
            Response::NotPrimary { hint: None } => f.write_str("not the primary"),
            Response::Unavailable => f.write_str("unavailable"),
            Response::Audit(lists) => {
                f.write_str("on disk:")?;
                for (key, values) in lists {
                    write!(f, " {key} {values:?}")?;
                }
                f.write_str(if lists.is_empty() { " nothing" } else { "" })
            }
        }
    }
}

/// What a node asks of the view service. Only `failover` needs it: in `primary_backup`, the primary and the in-sync backups never change.
///
/// The view service promises this:
///
/// 1. It keeps one view in force, and never forgets it. Every call is answered with the view that is in force after the call. Calls
///    and answers are lost, late and doubled, and overtake each other. So an answer may be old when it arrives.
/// 2. [`InSync`](Call::InSync) is heeded if `view` is in force, and the caller is its primary and not in `in_sync`. Then the next view has the same
///    primary, the same epoch and this set, even if nothing is different. Otherwise nothing happens.
/// 3. If it has not heard from the primary for long, *and at any other moment that it pleases*, it makes the next view. An operator
///    can make it do so, too. A member of `in_sync` is the new primary, and `epoch` is the number of the new view. The rest of the set stays, and
///    the old primary is not in it. If `in_sync` is empty, the service waits for the old primary.
/// 4. It makes no other node the primary. So the members of `in_sync` are the responsibility of the primary, and clocks and leases
///    prove nothing.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    /// I am here. Which view is in force?
    Ping,
    /// From the primary: let these backups be in sync.
    InSync {
        /// The number of the view that this is about.
        view: u64,
        /// All backups that shall be in sync from the next view on.
        in_sync: BTreeSet<NodeId>,
    },
}
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Ping => f.write_str("ping"),
            Call::InSync { view, in_sync } => {
                write!(f, "after view {view}, in sync: ")?;
                show_set(in_sync, f)
            }
        }
    }
}

/// What the view service answers.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// The view that was in force after the call. There may be a newer one when this arrives.
    View(View),
}
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Answer::View(view) = self;
        fmt::Display::fmt(view, f)
    }
}

role! {
    /// A node that is the primary or a backup, as the view says.
    PrimaryBackup as "primary_backup" {
        Config = Config, Request = Request, Response = Response, Call = Call, Answer = Answer
    }
}

/// The exercises `primary_backup` and `failover`, as the harness hosts them: one node is both.
pub fn exercise<N: Node<Contract = PrimaryBackup>>() -> Exercise {
    Exercise { name: "primary_backup", roles: vec![Role::node::<N>()] }
}
