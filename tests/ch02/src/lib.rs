//! Chapter 2: failure models and time.

mod byzantine;
mod classify;
mod detector;
mod lease;
mod membership;
mod wal;

use judge::Chapter;

/// The chapter.
pub fn chapter() -> Chapter {
    Chapter {
        number: 2,
        folder: "02-failure-and-time",
        title: "Failure Models & Time",
        exercises: vec![
            classify::exercise(),
            detector::exercise(),
            membership::exercise(),
            lease::exercise(),
            wal::exercise(),
            byzantine::exercise(),
        ],
        planned: &[],
    }
}
