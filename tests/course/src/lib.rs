//! The hidden suites: one crate a chapter, one folder an exercise.
//!
//! A check judges promises, not implementations. Before a check is written, there is a wrong submission that must fail it (the
//! mutants beside the chapter's solution) and an unusual one that must pass it (`second/` beside the chapter's suite).

use judge::Chapter;

/// All chapters that have exercises, in order.
pub fn chapters() -> Vec<Chapter> {
    vec![
        ch01::chapter(),
        ch02::chapter(),
        ch03::chapter(),
        ch04::chapter(),
        ch06::chapter(),
        ch07::chapter(),
        ch08::chapter(),
    ]
}
