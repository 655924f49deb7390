//! Chapter 7: ordering and logical clocks.

mod happens_before;
mod hlc;
mod lamport;
mod vector;

use judge::{Chapter, Planned};

pub(crate) fn chapter() -> Chapter {
    Chapter {
        number: 7,
        folder: "07-logical-clocks",
        title: "Ordering & Logical Clocks",
        exercises: vec![happens_before::exercise(), lamport::exercise(), vector::exercise(), hlc::exercise()],
        planned: &[Planned { id: "mutex", xp: 17 }, Planned { id: "causal_broadcast", xp: 21 }],
    }
}
