//! The hidden suites: one folder a chapter, one module an exercise.
//!
//! A check judges promises, not implementations. Before one is written there is a wrong submission that must
//! fail it (`mutants.toml` beside the chapter's solution) and an unusual one that must pass (`second/`).

mod answers;
mod ch06;
mod ch07;
mod runs;

use judge::Chapter;

/// All chapters that have exercises, in order.
pub fn chapters() -> Vec<Chapter> {
    vec![ch06::chapter(), ch07::chapter()]
}
