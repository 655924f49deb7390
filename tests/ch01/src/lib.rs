//! Chapter 1: what makes a system distributed.

mod courier;
mod fallacies;
mod gather;
mod rpc;

use judge::Chapter;

/// The chapter.
pub fn chapter() -> Chapter {
    Chapter {
        number: 1,
        folder: "01-distributed",
        title: "What Makes a System Distributed",
        exercises: vec![rpc::exercise(), courier::exercise(), gather::exercise(), fallacies::exercise()],
        planned: &[],
    }
}
