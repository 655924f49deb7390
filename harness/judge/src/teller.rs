//! The story of a failure: of all that happened in a world, what matters to how it failed, in order.
//!
//! A story begins at the observation that broke the promise and goes back along causes: to the event that was being
//! handled, to the sending that brought it, and to what the same node had been through before. Timers that changed
//! nothing, and messages that a shrinker could do without, are no part of it.
//!
//! | look here | for |
//! |---|---|
//! | `choose` | which events matter, and which of them are shown |
//! | `rows` | the rows they become |
//! | `event` | what one of them says |
//! | `notes` | what came of it at once |
//! | `harms` | faults, in words |
//! | `waits` | what each node waits for in the end, where something never happened |
//! | `costs` | what was sent how often, where too much was |

mod abbreviate;
mod choose;
mod costs;
mod event;
mod harms;
mod notes;
mod rows;
mod waits;

use crate::check::Violation;
use crate::explore::How;
use crate::story::Story;
use lab::NodeId;
use std::collections::BTreeMap;
use world::{Cause, Harm, Observation, ObservationId, Scenario, Seen, Trace};

/// The story of how a world failed, from all that happened in it and what each event printed.
pub fn story(
    scenario: &Scenario,
    trace: &Trace,
    printed: &BTreeMap<ObservationId, String>,
    how: &How,
) -> Story {
    let mut teller =
        Teller { scenario, trace, printed, effects: BTreeMap::new(), deliveries: BTreeMap::new() };
    teller.index();
    let about = teller.with_marks_on_rows(teller.about(how));
    let chosen = teller.choose(&about);
    teller.tell(&chosen, about)
}

/// What a story is about.
struct About {
    /// What it goes back from, and what to say there.
    marks: BTreeMap<ObservationId, String>,
    /// What never came, if that is it: everything up to the end may be why.
    ending: Option<String>,
    /// A story that counts shows one case.
    is_example: bool,
    /// What is said below it.
    below: Vec<String>,
}
impl About {
    fn marks(marks: impl IntoIterator<Item = (ObservationId, String)>) -> About {
        About { marks: marks.into_iter().collect(), ending: None, is_example: false, below: Vec::new() }
    }
}

struct Teller<'a> {
    scenario: &'a Scenario,
    trace: &'a Trace,
    printed: &'a BTreeMap<ObservationId, String>,
    /// What each handled event led to.
    effects: BTreeMap<ObservationId, Vec<ObservationId>>,
    /// Where each message arrived first, or was lost.
    deliveries: BTreeMap<ObservationId, ObservationId>,
}

impl<'a> Teller<'a> {
    fn index(&mut self) {
        for seen in &self.trace.observations {
            let Cause::Observation(cause) = seen.cause else { continue };
            match seen.seen {
                _ if seen.seen.is_handed() || matches!(seen.seen, Seen::Lost { .. } | Seen::Stray { .. }) => {
                    if self.trace.get(cause).seen.key().is_some() {
                        self.deliveries.entry(cause).or_insert(seen.id);
                    }
                }
                _ => self.effects.entry(cause).or_default().push(seen.id),
            }
        }
    }
    fn get(&self, id: ObservationId) -> &'a Observation {
        self.trace.get(id)
    }
    /// The event that a node was handling when this happened; itself, if it is one, or nobody's doing.
    fn step(&self, id: ObservationId) -> ObservationId {
        let seen = self.get(id);
        match seen.cause {
            Cause::Observation(cause) if !seen.seen.is_handed() => self.step(cause),
            _ => id,
        }
    }
    /// What the story is about.
    fn about(&self, how: &How) -> About {
        let here = "here".to_owned();
        match how {
            How::Violated(violation) if violation.is_of_costs => self.costs(violation),
            How::Violated(Violation { at: Some(at), because, .. }) => {
                let mut about = About::marks(because.iter().cloned());
                about.marks.entry(*at).or_insert(here);
                about
            }
            How::Violated(Violation { at: None, because, .. }) => About {
                ending: Some("here the run ends".to_owned()),
                below: self.waits(),
                ..About::marks(because.iter().cloned())
            },
            How::Misbehaved(..) => {
                let last =
                    self.trace.observations.iter().rfind(|seen| matches!(seen.seen, Seen::Misbehaved(_)));
                About::marks(last.map(|seen| (seen.id, here)))
            }
            How::Endless(..) => About {
                ending: Some("and so on, without an end".to_owned()),
                below: self.sent_most(false),
                ..About::marks([])
            },
            How::Vacuous(_) | How::Spent(_) | How::Fault(_) => About::marks([]),
        }
    }
    /// That a client begins to ask is told where its request reaches the node.
    fn with_marks_on_rows(&self, about: About) -> About {
        let row_of = |id: ObservationId| match self.get(id).seen {
            Seen::Invoked { .. } => {
                let handed = |seen: &&Observation| {
                    seen.cause == Cause::Observation(id) && matches!(seen.seen, Seen::Requested { .. })
                };
                self.trace.observations.iter().find(handed).map_or(id, |seen| seen.id)
            }
            _ => id,
        };
        let marks = about.marks.into_iter().map(|(id, what)| (row_of(id), what)).collect();
        About { marks, ..about }
    }
    fn harm(&self, fault: usize) -> Option<&Harm> {
        self.scenario.faults.get(fault).map(|fault| &fault.harm)
    }
    fn is_of_clock(&self, fault: usize) -> bool {
        use Harm::{ClockDrift, ClockFreeze, ClockJump, Rot, Slow};
        matches!(
            self.harm(fault),
            Some(ClockJump { .. } | ClockFreeze { .. } | ClockDrift { .. } | Slow { .. } | Rot { .. })
        )
    }
    /// Who sent what a node is handed here, if it has travelled.
    fn comes_from(&self, seen: &Observation) -> Option<NodeId> {
        match &seen.seen {
            Seen::Delivered { from, .. } | Seen::Answered { from, .. } => Some(*from),
            Seen::Requested { operation: None, request, .. } => world::caller(*request),
            _ => None,
        }
    }
    /// Whether this came before: the network has sent it again.
    fn is_repeated(&self, seen: &Observation) -> bool {
        let first = |cause| self.deliveries.get(&cause).is_some_and(|first| *first < seen.id);
        matches!(seen.cause, Cause::Observation(cause) if first(cause)) && self.comes_from(seen).is_some()
    }
}
