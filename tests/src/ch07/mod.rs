//! Chapter 7: ordering and logical clocks.

mod causal_broadcast;
mod lamport;
mod mutex;

use judge::{Chapter, Planned};

pub(crate) fn chapter() -> Chapter {
    Chapter {
        number: 7,
        folder: "07-logical-clocks",
        title: "Ordering & Logical Clocks",
        exercises: vec![lamport::exercise(), mutex::exercise(), causal_broadcast::exercise()],
        planned: &[
            Planned { id: "happens_before", xp: 8 },
            Planned { id: "vector", xp: 18 },
            Planned { id: "hlc", xp: 20 },
        ],
    }
}
