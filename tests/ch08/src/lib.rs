//! Chapter 8: distributed transactions.

mod idempotency;

use judge::{Chapter, Planned};

/// The chapter.
pub fn chapter() -> Chapter {
    Chapter {
        number: 8,
        folder: "08-transactions",
        title: "Distributed Transactions",
        exercises: vec![idempotency::exercise()],
        planned: &[
            Planned { id: "two_phase_commit", xp: 36 },
            Planned { id: "saga", xp: 22 },
            Planned { id: "outbox", xp: 24 },
        ],
    }
}
