//! Chapter 2: failure models and time.

mod byzantine;
mod classify;
mod detector;
mod lease;
mod wal;

use judge::{Chapter, Planned};

/// The chapter.
pub fn chapter() -> Chapter {
    Chapter {
        number: 2,
        folder: "02-failure-and-time",
        title: "Failure Models & Time",
        exercises: vec![
            classify::exercise(),
            detector::exercise(),
            lease::exercise(),
            wal::exercise(),
            byzantine::exercise(),
        ],
        planned: &[Planned { id: "membership", xp: 20 }],
    }
}
