//! What comes of a check.

use crate::check::Violation;
use crate::figures::Figures;
use crate::seed::WorldSeed;
use lab::NodeId;
use std::time::Duration;
use world::{During, Misbehaviour, Time};

/// What came of one check, needs aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Worlds that count.
    pub worlds: u32,
    /// Events handed to nodes in them.
    pub events: u64,
    /// The first failure, if any.
    pub failure: Option<Failure>,
    /// Worlds that failed.
    pub failing_worlds: u32,
    /// Whether too many worlds could not be decided, where none failed.
    pub undecided: Option<Undecided>,
    /// What its worlds report, summed up.
    pub figures: Figures,
    /// Why the worlds were judged one by one after all, if they were. Depends on the batch, so reports do not say it.
    pub solo: Option<&'static str>,
}
impl Finding {
    /// That judging could not be brought to its end.
    pub(super) fn without_worlds(failure: Failure) -> Finding {
        Finding {
            worlds: 0,
            events: 0,
            failure: Some(failure),
            failing_worlds: 0,
            undecided: None,
            figures: Figures::default(),
            solo: None,
        }
    }
    /// Whether the promise held, and was seen to hold.
    pub fn passed(&self) -> bool {
        self.failure.is_none() && self.undecided.is_none()
    }
}
/// Worlds of which it could not be found out whether the promise was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// How many.
    pub worlds: u32,
    /// Why the first of them could not be decided.
    pub reason: String,
}
/// A failure, and how to see it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub how: How,
    /// The world's place in the check.
    pub world: u32,
    /// Its seed.
    pub seed: WorldSeed,
}
/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// The promise was broken.
    Violated(Violation),
    /// A node's code did what no node may, during this event.
    Misbehaved(NodeId, During, Misbehaviour),
    /// A world was ended when nodes had been handed so many events; this much time had passed in it.
    Endless(u64, Time),
    /// No world reached what the check is about.
    Vacuous(&'static str),
    /// Judging the check cost more than it may.
    Spent(Cost),
    /// The harness panicked while it judged the check, with these words: whatever the submission did, that is a bug of the harness.
    Fault(String),
}
/// What judging a check may cost only so much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Events handed to nodes, in all worlds together.
    Events(u64),
    /// Processor time.
    Time(Duration),
    /// Memory of the harness, in MiB.
    Memory(u64),
}
impl From<host::budget::Spent> for Cost {
    fn from(spent: host::budget::Spent) -> Cost {
        match spent {
            host::budget::Spent::Time(time) => Cost::Time(time),
            host::budget::Spent::Memory(mib) => Cost::Memory(mib),
        }
    }
}

impl How {
    /// The rule that was broken, where one was.
    pub fn rule(&self) -> Option<&'static str> {
        match self {
            How::Violated(violation) => Some(violation.rule),
            How::Misbehaved(..) | How::Endless(..) | How::Vacuous(_) | How::Spent(_) | How::Fault(_) => None,
        }
    }
    /// Whether it is what went wrong in another check, too: the same rule is broken, or code panicked at the same place.
    pub fn is_that_of(&self, other: &How) -> bool {
        match (self, other) {
            (How::Violated(a), How::Violated(b)) => a.rule == b.rule,
            (How::Misbehaved(_, _, a), How::Misbehaved(_, _, b)) => match (a, b) {
                (Misbehaviour::Panicked { at: a, .. }, Misbehaviour::Panicked { at: b, .. }) => a == b,
                _ => a == b,
            },
            _ => false,
        }
    }
}
