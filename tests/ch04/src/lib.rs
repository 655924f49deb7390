//! Chapter 4: consistency models.

mod abd;

use judge::{Chapter, Planned};

/// The chapter.
pub fn chapter() -> Chapter {
    Chapter {
        number: 4,
        folder: "04-consistency",
        title: "Consistency Models",
        exercises: vec![abd::exercise()],
        planned: &[
            Planned { id: "checkers", xp: 50 },
            Planned { id: "causal_store", xp: 25 },
            Planned { id: "spectrum", xp: 6 },
        ],
    }
}
