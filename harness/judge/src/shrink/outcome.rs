//! What a smaller world showed, as far as it takes to go on cutting it down.

use crate::check::{Oracle, Reached, Violation};
use crate::explore::{How, how_it_ended};
use host::{Job, Watch};
use lab::NodeId;
use rustc_hash::{FxHashMap, FxHashSet};
use world::{Cause, Key, Misbehaviour, Observation, ObservationId, Seen, Time, World};

/// Looks on, and keeps what it takes to know which message mattered.
pub(super) struct Looking {
    pub(super) oracle: Box<dyn Oracle>,
    pub(super) violation: Option<Violation>,
    pub(super) log: Vec<Noted>,
}
impl Watch for Looking {
    fn see(&mut self, world: &World, observation: &Observation) -> bool {
        self.log.push(Noted::of(observation));
        match self.oracle.see(world, observation) {
            Ok(()) => !self.oracle.has_seen_enough(),
            Err(violation) => {
                self.violation = Some(violation);
                false
            }
        }
    }
}

/// One observation, as far as it matters here. They stand in order, so that an id is a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noted {
    node: NodeId,
    at: Time,
    cause: Cause,
    what: What,
}
#[derive(Debug, Clone, Copy)]
enum What {
    Sent(Key),
    Delivered,
    Else,
}
impl Noted {
    fn of(seen: &Observation) -> Noted {
        let what = match &seen.seen {
            Seen::Delivered { .. } | Seen::Requested { operation: None, .. } | Seen::Answered { .. } => {
                What::Delivered
            }
            other => other.key().map_or(What::Else, What::Sent),
        };
        Noted { node: seen.node, at: seen.at, cause: seen.cause, what }
    }
    pub(super) fn key(&self) -> Option<Key> {
        match self.what {
            What::Sent(key) => Some(key),
            _ => None,
        }
    }
}

/// A message, a call or an answer that arrived.
pub(super) struct Message {
    pub(super) key: Key,
    pub(super) sent: Time,
    /// Whether it arrived in the causal past of what broke the promise.
    pub(super) in_past: bool,
}

/// What one world showed.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) how: Option<How>,
    pub(super) events: u64,
    pub(super) log: Vec<Noted>,
}
impl Outcome {
    /// Not where each run costs a second.
    pub(super) fn is_worth_shrinking(&self) -> bool {
        !matches!(
            self.how,
            None | Some(How::Endless(..) | How::Vacuous(_) | How::Misbehaved(_, _, Misbehaviour::Hung(_)))
        )
    }
    pub(super) fn messages(&self) -> Vec<Message> {
        let place = |id: ObservationId| usize::try_from(id.0).expect("a place in a vector") - 1;
        let last = match &self.how {
            Some(How::Violated(Violation { at: Some(id), .. })) => Some(place(*id)),
            Some(How::Violated(_)) | None => None,
            Some(_) => self.log.len().checked_sub(1),
        };
        let mut in_past = vec![last.is_none(); self.log.len()];
        if let Some(last) = last {
            in_past[last] = true;
            let mut touched: FxHashSet<NodeId> = FxHashSet::default();
            for nth in (0..=last).rev() {
                let noted = self.log[nth];
                if in_past[nth] || touched.contains(&noted.node) {
                    in_past[nth] = true;
                    touched.insert(noted.node);
                    if let Cause::Observation(cause) = noted.cause {
                        in_past[place(cause)] = true;
                    }
                }
            }
        }
        let mut messages: Vec<Message> = Vec::new();
        let mut known: FxHashMap<Key, usize> = FxHashMap::default();
        for (noted, in_past) in self.log.iter().zip(in_past) {
            if let (What::Delivered, Cause::Observation(cause)) = (noted.what, noted.cause)
                && let Some(sent) = self.log.get(place(cause))
                && let Some(key) = sent.key()
            {
                let nth = *known.entry(key).or_insert_with(|| {
                    messages.push(Message { key, sent: sent.at, in_past: false });
                    messages.len() - 1
                });
                messages[nth].in_past |= in_past;
            }
        }
        messages
    }
}
pub(super) fn outcome(job: &mut Job<Looking>) -> Outcome {
    let Job { world, watch } = job;
    let how = how_it_ended(world, watch.violation.take(), &mut *watch.oracle, &mut Reached::default());
    Outcome { how, events: world.events(), log: std::mem::take(&mut watch.log) }
}

/// Whether two worlds fail in the same way: they break the same rule, or die at the same place of the source.
pub(super) fn is_same(a: &How, b: &How) -> bool {
    match (a, b) {
        (How::Violated(a), How::Violated(b)) => a.rule == b.rule && a.at.is_some() == b.at.is_some(),
        (How::Misbehaved(_, _, a), How::Misbehaved(_, _, b)) => match (a, b) {
            (Misbehaviour::Panicked { at: a, .. }, Misbehaviour::Panicked { at: b, .. }) => a == b,
            _ => a == b,
        },
        _ => false,
    }
}
