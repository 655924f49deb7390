//! Chapter 3: replication.

mod primary_backup;
mod replicas;
mod session;

use judge::{Chapter, Planned};

/// The chapter.
pub fn chapter() -> Chapter {
    Chapter {
        number: 3,
        folder: "03-replication",
        title: "Replication",
        exercises: vec![primary_backup::exercise(), session::exercise()],
        planned: &[
            Planned { id: "failover", xp: 18 },
            Planned { id: "quorum_store", xp: 30 },
            Planned { id: "multi_leader", xp: 19 },
            Planned { id: "strategy", xp: 4 },
        ],
    }
}
