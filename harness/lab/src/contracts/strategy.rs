//! Exercise `strategy`: which way of replication does what is asked.
//!
//! Kleppmann, *Designing Data-Intensive Applications*, 2017, chapter 5; DeCandia and others, *Dynamo: Amazon's Highly Available Key-value
//! Store*, 2007; Abadi, *Consistency Tradeoffs in Modern Distributed Database System Design*, 2012.
//!
//! A store runs in three regions, with one node in each. You write one function. It is told what is asked of the store, and it answers with
//! the kind of store that does it. Then the harness runs such a store, and measures.
//!
//! **A run** takes 10.5 s. Clients in each region read, and those that write do so, every 20 to 40 ms; each asks the node of its own region.
//! Each region has four keys to write to. For one second, messages from region 1 to region 3 take five times as long. For another 0.7 s, all
//! messages from region 1 do. In the last 0.9 s before 5 s, clients ask nothing. If a region is cut off, then messages between it and the
//! others are lost from 5 s on, and at 8 s the region burns down with its node and its clients.

use crate::{Exercise, Role};
use serde::{Deserialize, Serialize};

/// What is asked of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// A message between two regions and its answer take so long, in milliseconds. Inside a region they take no time.
    pub round_trip_ms: u32,
    /// The clients that write.
    pub writers: Writers,
    /// In every region that writes, at least half of the writes before 5 s take at most so many milliseconds. `None`: any time will do.
    pub write_ms: Option<u32>,
    /// In every region, at least half of the reads before 5 s take at most so many milliseconds.
    pub read_ms: Option<u32>,
    /// Each read shows every write to its key that was acknowledged before the read began, or a later one.
    pub never_stale: bool,
    /// No write that was acknowledged is gone in the end: a node that is left has it, or a later one.
    pub never_lost: bool,
    /// A region that is cut off, if any.
    pub cut_off: Option<CutOff>,
}

/// The clients that write. Clients in all regions read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Writers {
    /// Clients in region 1.
    RegionOne,
    /// Clients in all regions, those of each region to keys of their own.
    AllRegions,
}

/// A region is cut off at 5 s, and burns down at 8 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutOff {
    /// The region: 1, 2 or 3.
    pub region: u32,
    /// Clients in the other two regions are answered again, reads and writes, from 6.5 s on.
    pub others_go_on: bool,
    /// Clients in the region that is cut off are answered again, reads and writes, from 6.5 s on and until the fire.
    pub it_goes_on: bool,
}

/// A kind of store. There are three copies of everything, one in each region. The clocks of these stores are perfect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Choice {
    /// The node in region 1 leads, and orders all writes; the others forward writes to it. If region 1 is cut off, the node in region 2
    /// leads the other two regions from 6 s on. The node in region 1 does not know that.
    SingleLeader {
        /// When the leader acknowledges a write.
        acks: Acks,
        /// Where a read is answered.
        reads: Reads,
    },
    /// Each node acknowledges a write at once, and sends it to the other nodes 50 to 100 ms later. Of two writes to a key, the later one
    /// wins at every node. Reads are answered from the copy in the region.
    MultiLeader,
    /// The node in the region of the client stamps a write with its clock, and sends it to all three copies at once. It acknowledges the
    /// write when `w` copies have it. A read asks all three copies at once and takes the newest of the first `r` answers. So both
    /// take one round trip, or none if the copy in the region is enough. (Your own quorum store asks for a position before it writes, and needs
    /// two. This one relies on its clocks instead.)
    Leaderless {
        /// How many copies answer a read: 1, 2 or 3.
        r: u32,
        /// How many copies have a write that is acknowledged: 1, 2 or 3.
        w: u32,
    },
    /// No store of these kinds does all that is asked.
    Impossible,
}
/// When a leader acknowledges a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Acks {
    /// When both followers have it. If one of them has been cut off for 1 s, the leader goes on with the other one. It never goes on with none.
    Sync,
    /// At once. It is sent to the followers 50 to 100 ms later.
    Async,
}
/// Where a read is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reads {
    /// At the leader, to which other nodes forward it. With [`Acks::Sync`], the leader asks its followers first whether it still leads,
    /// and waits until one of them says so. With [`Acks::Async`], it answers at once.
    Leader,
    /// From the copy in the region of the client.
    Local,
}

/// The role name of `choose`: takes a [`Question`], replies with a [`Choice`].
pub const CHOOSE: &str = "strategy/choose";

/// The exercise, as the harness hosts it.
pub fn exercise(choose: fn(Question) -> Choice) -> Exercise {
    Exercise { name: "strategy", roles: vec![Role::function(CHOOSE, choose)] }
}
