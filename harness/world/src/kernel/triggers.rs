//! What waits for a trigger, and what sets it off.

use super::World;
use super::queue::{Action, Item};
use crate::observe::Seen;
use crate::scenario::{Trigger, When};
use crate::time::Time;
use lab::NodeId;
use std::time::Duration;

/// Something that waits for a trigger.
#[derive(Debug)]
pub(super) struct Armed {
    trigger: Trigger,
    left: u32,
    after: Duration,
    pub(super) action: Action,
}

impl World {
    pub(super) fn schedule(&mut self, when: &When, action: Action) {
        match when {
            When::At(after) => self.push(Time::ZERO + *after, Item::Act(action, None)),
            When::On { trigger, nth, after } => self.arm(trigger.clone(), *nth, *after, action),
        }
    }
    pub(super) fn arm(&mut self, trigger: Trigger, nth: u32, after: Duration, action: Action) {
        self.armed.push(Armed { trigger, left: nth.max(1), after, action });
    }
    /// Whether anything waits for what was seen of this node.
    pub(super) fn is_awaited(&self, node: NodeId, seen: &Seen) -> bool {
        self.armed.iter().any(|armed| armed.trigger.fits(node, seen))
    }
    /// Does whatever waits for what `fits` describes. The culprit is the node it was seen on.
    pub(super) fn pull(&mut self, culprit: Option<usize>, fits: impl Fn(&Trigger) -> bool) {
        if self.armed.is_empty() {
            return;
        }
        let mut pulled = Vec::new();
        let (effect, set_off) = (self.effect, &mut self.set_off);
        self.armed.retain_mut(|armed| {
            if !fits(&armed.trigger) {
                return true;
            }
            armed.left -= 1;
            if armed.left == 0 {
                pulled.push((armed.action, armed.after));
                if let (Action::Begin { fault }, Trigger::Effect { .. } | Trigger::AnyEffect { .. }) =
                    (armed.action, &armed.trigger)
                {
                    set_off.insert(fault, effect);
                }
            }
            armed.left > 0
        });
        for (action, after) in pulled {
            if after.is_zero() {
                self.act(action, culprit);
            } else {
                self.push(self.now + after, Item::Act(action, culprit));
            }
        }
    }
    pub(super) fn act(&mut self, action: Action, culprit: Option<usize>) {
        match action {
            Action::Begin { fault } => self.begin_fault(fault, culprit),
            Action::End { fault } => self.end_fault(fault),
            Action::Invoke { client, operation } => self.push(self.now, Item::Invoke { client, operation }),
            Action::Start { node } => self.push(self.now, Item::Boot { node }),
        }
    }
}
