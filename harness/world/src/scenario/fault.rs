//! When something goes wrong, and for how long.

use super::harm::Harm;
use super::pattern::Pattern;
use crate::draw::Key;
use crate::names::{ClientId, OperationId};
use crate::observe::Seen;
use lab::NodeId;
use std::time::Duration;

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    /// When it begins.
    pub when: When,
    /// What it is.
    pub harm: Harm,
    /// When it ends. A crashed node starts again then.
    pub until: Until,
    /// The calm lets it be: it may begin after it, and what it does lasts until its own end.
    pub after_calm: bool,
    /// Faults of one bond mean something only together: a shrinker takes out all of them or none.
    pub bond: Option<u8>,
}
impl Fault {
    /// One that stands for itself, and that the calm ends.
    pub const fn new(when: When, harm: Harm, until: Until) -> Fault {
        Fault { when, harm, until, after_calm: false, bond: None }
    }
}

/// When something happens.
#[derive(Debug, Clone)]
pub enum When {
    /// This long after the world began.
    At(Duration),
    /// So long after this has happened for the `nth` time (from 1); at once, before anything else, if `after` is zero.
    On {
        /// What it waits for.
        trigger: Trigger,
        /// How many times.
        nth: u32,
        /// How long after.
        after: Duration,
    },
}
impl From<Duration> for When {
    fn from(after: Duration) -> When {
        When::At(after)
    }
}
impl When {
    /// At once when this happens for the first time.
    pub fn on(trigger: Trigger) -> When {
        When::On { trigger, nth: 1, after: Duration::ZERO }
    }
}

/// When a fault ends.
#[derive(Debug, Clone)]
pub enum Until {
    /// With the calm, or never.
    Calm,
    /// After so long.
    After(Duration),
    /// At once when this happens for the first time since the fault began.
    Trigger(Trigger),
    /// Never, not even with the calm: a node that crashed is gone for good.
    Never,
}

/// What sets off a fault or a client.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// An observation that fits.
    Seen(Pattern),
    /// The node's `nth` effect was done, over all its lives. Each send of a broadcast counts; a sync counts twice,
    /// when it begins (a crash then falls inside) and when it ends.
    Effect {
        /// The node.
        node: NodeId,
        /// Which effect, from 1.
        nth: u64,
    },
    /// The `nth` effect of all guests together, counted as those of one node are. So the effects of a submission's own run
    /// are swept over, however many it has, and of any node; where there are fewer, nothing is set off.
    AnyEffect {
        /// Which effect, from 1.
        nth: u64,
    },
    /// The `nth` effect, from 1, of whatever handles the event of this key: the same effect in every version of a scenario in
    /// which its causes are the same, which a count is not. See [`World::set_off_by`](crate::World::set_off_by).
    EffectOf {
        /// The event.
        event: Key,
        /// Which of its effects, counted as those of a node are.
        nth: u64,
    },
    /// No message is under way, but for those held back, and no node has anything left to do.
    Quiet,
    /// A client asks for this operation for the first time; the culprit is the node that it asks.
    Began {
        /// The client.
        client: ClientId,
        /// Its operation.
        operation: OperationId,
    },
    /// The operation is over; the culprit is the node that answered, or the last one that was asked in vain.
    Ended {
        /// The client.
        client: ClientId,
        /// Its operation.
        operation: OperationId,
    },
    /// A node of the submission's has made a promise of one of these kinds: a set of bits, as the scenario's scribe knows
    /// them.
    Promised(u32),
}
impl Trigger {
    /// Whether this is an observation of the kind that it waits for.
    pub(crate) fn fits(&self, node: NodeId, seen: &Seen) -> bool {
        match self {
            Trigger::Seen(pattern) => pattern.fits(node, seen),
            Trigger::Began { client, operation } => {
                matches!(seen, Seen::Invoked { client: who, operation: what } if who == client && what == operation)
            }
            Trigger::Ended { client, operation } => match seen {
                Seen::Returned { client: who, operation: what, .. }
                | Seen::GaveUp { client: who, operation: what } => who == client && what == operation,
                _ => false,
            },
            Trigger::Effect { .. }
            | Trigger::AnyEffect { .. }
            | Trigger::EffectOf { .. }
            | Trigger::Quiet
            | Trigger::Promised(_) => false,
        }
    }
    /// Whether it waits for a promise of one of these kinds.
    pub(crate) fn awaits(&self, promised: u32) -> bool {
        matches!(self, Trigger::Promised(kinds) if kinds & promised != 0)
    }
}
