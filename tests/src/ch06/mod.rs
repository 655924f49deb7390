//! Chapter 6: consensus.

mod paxos;

use judge::{Chapter, Planned};

pub(crate) fn chapter() -> Chapter {
    Chapter {
        number: 6,
        folder: "06-consensus",
        title: "Consensus: Raft & Paxos",
        exercises: vec![paxos::exercise()],
        planned: &[
            Planned { id: "raft_election", xp: 20 },
            Planned { id: "raft_log", xp: 24 },
            Planned { id: "raft_persist", xp: 14 },
            Planned { id: "raft_snapshot", xp: 8 },
            Planned { id: "raft_kv", xp: 10 },
            Planned { id: "contrast", xp: 6 },
        ],
    }
}
