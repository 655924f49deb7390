//! From a promise to a verdict.
//!
//! A [`Check`] states a promise and builds worlds in which it is hard to keep; an [`Oracle`] looks on and
//! finds the promise broken, or does not. [`judge`] runs the worlds and says what came of it.
//!
//! | look here | for |
//! |---|---|
//! | [`Check`], [`Case`], [`Oracle`] | what a suite writes |
//! | [`Pick`] | chance for a suite's own choices |
//! | [`SeedKey`], [`WorldSeed`] | where all chance comes from |
//! | [`judge`], [`Finding`] | what comes of a check |
//! | [`judge_under`] | the same under many seed keys at once |
//! | [`first_failure`] | whether a check fails at all, at the least cost |
//! | [`score`] | what comes of an exercise: verdicts and XP |

mod ahead;
mod as_test;
mod call;
mod caught;
mod check;
mod explore;
mod figures;
mod keys;
mod misbehaviour;
mod pick;
mod score;
mod seed;
mod shrink;
mod story;
mod tell;
mod teller;

pub use ahead::Ahead;
pub use as_test::{AsTest, NoTest, Wrong, as_test};
pub use call::Call;
pub use caught::first_failure;
pub use check::{Case, Chapter, Check, Entry, Exercise, Kind, Oracle, Planned, Reached, Violation};
pub use explore::{Cost, Evidence, Failure, Finding, How, Options, Undecided, case, judge};
pub use figures::{Count, Figures, Series};
pub use keys::judge_under;
pub use pick::{Pick, pair, pairs};
pub use score::{CheckReport, ExerciseReport, Verdict, message, score, verdict};
pub use seed::{RELEASE, SeedKey, WorldSeed};
pub use shrink::{Shrunk, Size, shrink};
pub use story::{Becomes, Label, Row, Sign, Story, What, is_puppet};
pub use tell::{Recording, Told, record, tell};
pub use teller::story;
