//! Chapter 1: what makes a system distributed.

mod courier;
mod gather;
mod rpc;

use judge::{Chapter, Planned};

/// The chapter.
pub fn chapter() -> Chapter {
    Chapter {
        number: 1,
        folder: "01-distributed",
        title: "What Makes a System Distributed",
        exercises: vec![rpc::exercise(), courier::exercise(), gather::exercise()],
        planned: &[Planned { id: "fallacies", xp: 39 }],
    }
}
