//! Chapter 7: ordering and logical clocks.

mod lamport;

use judge::{Chapter, Planned};

pub(crate) fn chapter() -> Chapter {
    Chapter {
        number: 7,
        folder: "07-logical-clocks",
        title: "Ordering & Logical Clocks",
        exercises: vec![lamport::exercise()],
        planned: &[
            Planned { id: "happens_before", xp: 8 },
            Planned { id: "vector", xp: 18 },
            Planned { id: "hlc", xp: 20 },
            Planned { id: "mutex", xp: 17 },
            Planned { id: "causal_broadcast", xp: 21 },
        ],
    }
}
