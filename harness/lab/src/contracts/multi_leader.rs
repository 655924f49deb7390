//! Exercise `multi_leader`: every replica takes writes, answers at once, and all replicas become equal later.
//!
//! Shapiro, Preguiça, Baquero and Zawirski, *A Comprehensive Study of Convergent and Commutative Replicated Data Types*, INRIA RR-7506,
//! 2011; Bieniusa and others, *An Optimized Conflict-free Replicated Set*, INRIA RR-8083, 2012; Almeida, Shoker and Baquero, *Delta State
//! Replicated Data Types*, 2018; Demers and others, *Epidemic Algorithms for Replicated Database Maintenance*, 1987.
//!
//! One to five nodes are all leaders: each has a copy of everything, and clients ask any of them. Messages are yours to design.
//!
//! What you may rely on:
//!
//! - **The network** loses messages, doubles them, delays them, and lets them overtake each other. Partitions last for any time. On a
//!   clean network, a message takes at most a fifth of [`Config::gossip`].
//! - **Nodes** crash and start again with their disks, or they crash for good. A sync takes at most 1 ms.
//! - **Clocks.** A stopwatch ([`Out::now`](crate::Out::now), timers) is at most one percent too fast or too slow. Wall clocks are wrong by
//!   any amount, and they jump.
//! - **Clients** never ask twice: each request is a new one, also if it looks like an earlier one.
//!
//! What your nodes promise:
//!
//! - **Alone.** A leader answers each request within 20 ms, without hearing from any other node. [`Response::Done`] says that the change
//!   is durable at this leader.
//! - **Its own answers.** A leader shows each change that it has acknowledged. What a leader has shown, it does not lose in a crash.
//! - **Convergence.** Within 20 × [`Config::gossip`] after the last fault and the last change, all leaders that are up show the same. That
//!   contains each change that one of them had acknowledged or shown. No further request is needed for it, and it stays so.
//! - **Registers.** A write overwrites each write that its leader had acknowledged or shown before. If no write overwrites
//!   another one, one of them wins, and it is the same one everywhere. The others are lost, although they were acknowledged.
//! - **Counters.** A counter shows the sum of all amounts that were added to it, each amount once.
//! - **Carts.** A `Remove` takes away those inserts of its item that have reached its leader, and no other insert. An item is in the cart if one
//!   insert of it is left. An `Insert` of an item that is in the cart already counts as a new insert: a `Remove` that has not heard of it
//!   does not take it away.
//! - **No trace.** If all leaders know that an item is removed, none of them keeps anything for that removal, or sends anything for it.
//!
//! A change whose client got no answer, because the leader crashed, may be in or out. It is the same everywhere in the end.

use crate::{Exercise, Node, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// What a leader is told. [`Out::peers`](crate::Out::peers) are the other leaders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The measure of time for everything that leaders tell each other: about how often a leader writes to its peers. It is 25 ms to
    /// 100 ms.
    pub gossip: Duration,
}

/// The name of a register, a counter or a cart. These are three name spaces: register `a` and counter `a` have nothing in common.
pub type Key = String;
/// What a register holds. No two writes of a run have one value.
pub type Value = u64;
/// What a cart holds.
pub type Item = u32;

/// What a leader is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Write a value to a register.
    Write {
        /// The register.
        key: Key,
        /// The value.
        value: Value,
    },
    /// Add an amount to a counter. The amounts of a run, all taken as positive, add up to less than 2^63.
    Add {
        /// The counter.
        key: Key,
        /// The amount, which may be negative.
        by: i64,
    },
    /// Put an item into a cart.
    Insert {
        /// The cart.
        key: Key,
        /// The item.
        item: Item,
    },
    /// Take an item out of a cart. If the item is not there, nothing changes, and the answer is `Done`, too.
    Remove {
        /// The cart.
        key: Key,
        /// The item.
        item: Item,
    },
    /// Show everything that this leader has.
    Read,
}

/// The answer of a leader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// To every request but [`Request::Read`]: the change is durable at this leader.
    Done,
    /// To [`Request::Read`].
    State(State),
}

/// Everything that a leader shows. A counter of 0 and an empty cart may be left out.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The value of each register that was ever written.
    pub registers: BTreeMap<Key, Value>,
    /// The sum of each counter.
    pub counters: BTreeMap<Key, i64>,
    /// The items of each cart.
    pub carts: BTreeMap<Key, BTreeSet<Item>>,
}
/// Shows as `registers a = 7; counters n = -3; carts c = {1, 4}`, without the parts that are empty.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut part = |name, shown: Vec<String>| {
            if !shown.is_empty() {
                parts.push(format!("{name} {}", shown.join(", ")));
            }
        };
        part("registers", self.registers.iter().map(|(key, value)| format!("{key} = {value}")).collect());
        part("counters", self.counters.iter().map(|(key, sum)| format!("{key} = {sum}")).collect());
        part("carts", self.carts.iter().map(|(key, items)| format!("{key} = {items:?}")).collect());
        match parts.is_empty() {
            true => f.write_str("nothing"),
            false => f.write_str(&parts.join("; ")),
        }
    }
}

role! {
    /// A node that takes writes, as all others do. It emits nothing.
    Leader as "multi_leader" { Config = Config, Request = Request, Response = Response }
}

/// The exercise, as the harness hosts it.
pub fn exercise<L: Node<Contract = Leader>>() -> Exercise {
    Exercise { name: "multi_leader", roles: vec![Role::node::<L>()] }
}
