//! Chapter 1: what makes a system distributed.

mod courier;

use judge::{Chapter, Planned};

/// The chapter.
pub fn chapter() -> Chapter {
    Chapter {
        number: 1,
        folder: "01-distributed",
        title: "What Makes a System Distributed",
        exercises: vec![courier::exercise()],
        planned: &[
            Planned { id: "rpc", xp: 15 },
            Planned { id: "gather", xp: 15 },
            Planned { id: "fallacies", xp: 39 },
        ],
    }
}
