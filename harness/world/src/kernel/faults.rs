//! Faults: how they begin, and how they end.

use super::World;
use super::harm::Undo;
use super::queue::{Action, Item};
use crate::observe::{Cause, Seen};
use crate::scenario::{Harm, Until, Who};
use std::time::Duration;

/// How far a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultState {
    NotYet,
    /// On; for those that hit a node, which one, and what to undo.
    On(Option<Undo>),
    Over,
}

impl World {
    pub(super) fn begin_fault(&mut self, fault: usize, culprit: Option<usize>) {
        let scenario = self.scenario.clone();
        let spec = &scenario.faults[fault];
        if self.faults[fault] != FaultState::NotYet || self.is_calm && !spec.after_calm {
            return;
        }
        let victim = match spec.harm.victim() {
            None => None,
            Some(who) => match self.hit(who, culprit) {
                None => return,
                hit => hit,
            },
        };
        // what is said is known before anything is seen of the fault; where there is nothing to say, nothing is seen of it
        let words = match (&spec.harm, victim) {
            (Harm::Forge { from, words, .. }, Some(to)) => {
                let Some(words) = self.words(words, to, *from) else {
                    self.faults[fault] = FaultState::Over;
                    return;
                };
                words
            }
            _ => Vec::new(),
        };
        self.faults[fault] = FaultState::On(None);
        let about = victim.or(culprit).unwrap_or(0);
        let began = self.observe(about, Cause::Scenario, Seen::FaultBegan { fault });
        let undo = match (&spec.harm, victim) {
            (Harm::Forge { from, .. }, Some(to)) => {
                self.forge(*from, to, words, began);
                None
            }
            (harm, Some(node)) => self.strike(fault, harm, node),
            (harm, None) => {
                self.network.suffer(fault, harm);
                None
            }
        };
        self.faults[fault] = FaultState::On(undo);
        match &spec.until {
            Until::Calm | Until::Never => {}
            Until::After(lasts) => self.push(self.now + *lasts, Item::Act(Action::End { fault }, None)),
            Until::Trigger(trigger) => {
                self.arm(trigger.clone(), 1, Duration::ZERO, Action::End { fault });
            }
        }
    }
    fn hit(&self, who: Who, culprit: Option<usize>) -> Option<usize> {
        match who {
            Who::Node(id) => self.place(id),
            Who::Culprit => culprit,
        }
    }

    pub(super) fn end_fault(&mut self, fault: usize) {
        let FaultState::On(undo) = self.faults[fault] else { return };
        self.faults[fault] = FaultState::Over;
        let about = undo.map_or(0, Undo::node);
        self.observe(about, Cause::Scenario, Seen::FaultEnded { fault });
        self.network.mend(fault);
        self.release(fault);
        if let Some(undo) = undo {
            self.undo(fault, undo);
        }
    }

    /// Whether a fault is none of the calm's business.
    fn outlasts_calm(&self, fault: usize) -> bool {
        let spec = &self.scenario.faults[fault];
        spec.after_calm || matches!(spec.until, Until::Never)
    }
    /// Nothing goes wrong from here on, but for what is to outlast it.
    pub(super) fn calm_down(&mut self) {
        self.is_calm = true;
        let mut armed = std::mem::take(&mut self.armed);
        armed.retain(|armed| match armed.action {
            Action::Invoke { .. } | Action::Start { .. } => true,
            Action::Begin { fault } => self.scenario.faults[fault].after_calm,
            Action::End { fault } => self.outlasts_calm(fault),
        });
        self.armed = armed;
        self.observe(0, Cause::Scenario, Seen::Calm);
        let (ends, lasts): (Vec<usize>, Vec<usize>) =
            (0..self.faults.len()).partition(|fault| !self.outlasts_calm(*fault));
        // first of all, so that what is released now already travels on calm links
        if let Some((_, link)) = self.scenario.calm {
            let regions = if self.scenario.regions { &self.scenario.links[..] } else { &[] };
            self.network.calm(link, regions, &lasts);
        }
        for fault in ends {
            self.end_fault(fault);
        }
        for node in 0..self.nodes.len() {
            let keeps_down = |fault: &usize| {
                let life = (node, self.nodes[node].incarnation);
                matches!(self.faults[*fault],
                    FaultState::On(Some(Undo::Restart { node, incarnation })) if (node, incarnation) == life)
            };
            if !self.nodes[node].up && self.nodes[node].has_started && !lasts.iter().any(keeps_down) {
                self.push(self.now, Item::Boot { node });
            }
        }
    }
}
