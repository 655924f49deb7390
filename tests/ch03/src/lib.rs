//! Chapter 3: replication.

mod failover;
mod handoff;
mod multi_leader;
mod primary_backup;
mod quorum_store;
mod replicas;
mod session;
mod strategy;

use judge::Chapter;

/// The chapter.
pub fn chapter() -> Chapter {
    Chapter {
        number: 3,
        folder: "03-replication",
        title: "Replication",
        exercises: vec![
            primary_backup::exercise(),
            failover::exercise(),
            quorum_store::exercise(),
            handoff::exercise(),
            multi_leader::exercise(),
            session::exercise(),
            strategy::exercise(),
        ],
        planned: &[],
    }
}
