//! Who takes note of promises.

use super::Scenario;
use crate::observe::Observation;
use lab::NodeId;
use std::fmt;

/// Takes note of what nodes have promised, as a run goes on, and knows what to ask to see whether they keep it.
pub trait Scribe {
    /// Takes note of what happened. Which kinds of promises it is, as bits; 0 where it is none.
    fn note(&mut self, seen: &Observation) -> u32;
    /// What this peer may ask that node about a promise that it has made, encoded; `None` where it has made none.
    fn ask(&self, of: NodeId, question: u32, from: NodeId) -> Option<Vec<u8>>;
}

/// Makes the [`Scribe`] of a world that has this recipe.
#[derive(Clone, Copy)]
pub struct MakesScribe(pub fn(&Scenario) -> Box<dyn Scribe>);
impl fmt::Debug for MakesScribe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
