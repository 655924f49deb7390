//! Exercise `gather`: one search, many shards, and an answer in time that says what is missing.
//!
//! Fox and Brewer, *Harvest, Yield, and Scalable Tolerant Systems*, 1999; Dean and Barroso, *The Tail at Scale*, 2013.
//!
//! One node is yours, the [`Gatherer`]. The data is divided among the *shards*, which are its peers. The shards belong to the
//! harness.
//!
//! What you may rely on:
//!
//! - **A shard** works through the searches that it is asked for one after another, and takes time for each. If it is asked again
//!   for the same `search`, it does not work twice: it answers again, with the same [`Message::Part`]. A shard knows a search by its
//!   `search` number alone. A shard that finds nothing answers with an empty list. A shard may also be slow, or silent. Its data
//!   changes all the time, so an equal text that is searched for later may have other hits.
//! - **The network** loses messages, delivers them twice, delays them, and lets them overtake each other.
//! - **The gatherer** may crash. A client whose search was open then hears nothing about it. Its wall clock may be wrong, jump, or
//!   stand still, so no number is new because the time is.
//! - Nobody but the shards sends the gatherer messages. Any number of searches may be open.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// What a gatherer is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The nodes among which the data is divided: at least one, and no node twice.
    pub shards: Vec<NodeId>,
    /// How long to wait for a shard before asking it again. On a clean network, a message and its answer take at most an eighth of
    /// this, and the work of the shard comes on top.
    pub resend: Duration,
}

/// What a client asks of a gatherer. A client may ask for the next search before the last one has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Search all shards. Two searches may have the same text, and they are still two searches.
    Search {
        /// What to search for.
        text: u64,
        /// The search is answered at most so long after it was asked for, by this node's stopwatch: that is its deadline. It may be
        /// zero.
        within: Duration,
    },
}

/// What a gatherer answers: as soon as every shard has answered, and otherwise at the deadline, with what has arrived by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// Each shard of the [`Config`] is in one of the two, and none is in both.
    Found {
        /// The shards that have answered this search, and what each of them has found: all its hits, in the order in which the shard
        /// sent them, and a hit twice if the shard sent it twice. A shard that found nothing is here, with an empty list.
        hits: BTreeMap<NodeId, Vec<u64>>,
        /// The shards that have not answered this search.
        missing: BTreeSet<NodeId>,
    },
}

/// What a gatherer and the shards say to each other.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// From the gatherer: search your share of the data.
    Ask {
        /// Which search this is. Two searches never have the same number, not even if the gatherer has crashed between them.
        search: u64,
        /// What to search for.
        text: u64,
    },
    /// From a shard: this is what I have found.
    Part {
        /// In this search.
        search: u64,
        /// The hits, perhaps none, and perhaps many. Their order is the shard's.
        hits: Vec<u64>,
    },
}
/// Shows as `Ask #12: 7` and `Part #12: [71, 72]`.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Ask { search, text } => write!(f, "Ask #{search}: {text}"),
            Message::Part { search, hits } => write!(f, "Part #{search}: {hits:?}"),
        }
    }
}

role! {
    /// A node that searches all shards for its clients. It emits nothing.
    Gatherer as "gather" { Config = Config, Request = Request, Response = Response }
}

/// The exercise, as the harness hosts it.
pub fn exercise<G: Node<Contract = Gatherer, Message = Message>>() -> Exercise {
    Exercise { name: "gather", roles: vec![Role::node::<G>()] }
}
