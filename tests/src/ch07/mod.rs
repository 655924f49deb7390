//! Chapter 7: ordering and logical clocks.

mod causal_broadcast;
mod happens_before;
mod hlc;
mod lamport;
mod mutex;
mod vector;

use judge::Chapter;

pub(crate) fn chapter() -> Chapter {
    Chapter {
        number: 7,
        folder: "07-logical-clocks",
        title: "Ordering & Logical Clocks",
        exercises: vec![
            happens_before::exercise(),
            lamport::exercise(),
            vector::exercise(),
            hlc::exercise(),
            mutex::exercise(),
            causal_broadcast::exercise(),
        ],
        planned: &[],
    }
}
