//! Chapter 6: consensus.

mod paxos;
mod raft;
mod raft_election;
mod raft_log;
mod raft_persist;

use judge::{Chapter, Planned};

/// The chapter.
pub fn chapter() -> Chapter {
    Chapter {
        number: 6,
        folder: "06-consensus",
        title: "Consensus: Raft & Paxos",
        exercises: vec![
            paxos::exercise(),
            raft_election::exercise(),
            raft_log::exercise(),
            raft_persist::exercise(),
        ],
        planned: &[
            Planned { id: "raft_snapshot", xp: 8 },
            Planned { id: "raft_kv", xp: 10 },
            Planned { id: "contrast", xp: 6 },
        ],
    }
}
