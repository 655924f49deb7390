//! What one event is, in a row of its own.

use super::Teller;
use super::harms::{about, ends};
use crate::misbehaviour;
use crate::story::{Becomes, Label, Sign, What};
use std::collections::BTreeMap;
use world::{Cause, ClientId, Observation, ObservationId, Seen, Time};

impl Teller<'_> {
    pub(super) fn event(&self, seen: &Observation, split: &BTreeMap<ObservationId, u32>) -> What {
        let node = seen.node;
        let on = |sign, text: String| What::On { node, sign, text };
        match &seen.seen {
            Seen::Delivered { .. } | Seen::Requested { operation: None, .. } | Seen::Answered { .. }
                if let Some(from) = self.comes_from(seen) =>
            {
                let left = match seen.cause {
                    Cause::Observation(sent) => split.get(&sent).copied(),
                    Cause::Scenario => None,
                };
                What::Message { from, to: node, label: self.label(seen), left }
            }
            Seen::Lost { reason } if let Cause::Observation(sent) = seen.cause => {
                self.leaves(self.get(sent), Becomes::Lost(*reason))
            }
            Seen::GaveUp { client, .. } => {
                let text = "gives up: the outcome is unknown".to_owned();
                What::GivesUp { client: *client, node, text }
            }
            Seen::Requested { operation: Some((client, _)), .. } => {
                What::Asked { client: *client, node, label: self.label(seen) }
            }
            Seen::Rang { .. } => on(Sign::Timer, self.label(seen).to_string()),
            Seen::Started { incarnation: 0 } if seen.at > Time::ZERO => {
                on(Sign::Start, "starts only now".to_owned())
            }
            Seen::Started { incarnation: 0 } => on(Sign::Start, "starts".to_owned()),
            Seen::Started { .. } => on(Sign::Start, "starts again".to_owned()),
            Seen::Crashed => {
                let fates = seen.label.as_deref().unwrap_or_default();
                on(Sign::Crash, if fates.is_empty() { "crash".to_owned() } else { format!("crash, {fates}") })
            }
            Seen::Paused => on(Sign::Pause, "stands still".to_owned()),
            Seen::Resumed => on(Sign::Resume, "goes on".to_owned()),
            Seen::FaultBegan { fault } => match self.harm(*fault) {
                Some(harm) if self.is_of_clock(*fault) => on(Sign::Fault, about(harm)),
                Some(harm) => What::Everywhere(about(harm).replace("this node", &node.to_string())),
                None => What::Everywhere("a fault begins".to_owned()),
            },
            Seen::FaultEnded { fault } => {
                let what = self.harm(*fault).map(ends).unwrap_or_default();
                What::Everywhere(what.replace("this node", &node.to_string()))
            }
            Seen::Calm => What::Everywhere("all faults are over".to_owned()),
            _ => self.effect(seen),
        }
    }
    /// What a node asked for, in a row of its own.
    pub(super) fn effect(&self, seen: &Observation) -> What {
        let node = seen.node;
        match &seen.seen {
            Seen::Sent { .. } | Seen::Called { to: Some(_), .. } => {
                let becomes = match self.deliveries.get(&seen.id).map(|arrival| &self.get(*arrival).seen) {
                    Some(Seen::Lost { reason }) => Becomes::Lost(*reason),
                    _ => Becomes::UnderWay,
                };
                self.leaves(seen, becomes)
            }
            Seen::Replied { request, .. } => match self.client(*request) {
                Some(client) => What::Answered { client, node, label: self.label(seen) },
                None if seen.seen.key().is_some() => {
                    let becomes = match self.deliveries.get(&seen.id).map(|arrival| &self.get(*arrival).seen)
                    {
                        Some(Seen::Lost { reason }) => Becomes::Lost(*reason),
                        _ => Becomes::UnderWay,
                    };
                    self.leaves(seen, becomes)
                }
                None => What::On { node, sign: Sign::Call, text: format!("answers {}", self.label(seen)) },
            },
            Seen::Misbehaved(how) => What::On { node, sign: Sign::Broke, text: misbehaviour::sign(how) },
            _ => {
                let text = self.note(seen).unwrap_or_else(|| named(&seen.seen));
                What::On { node, sign: Sign::Act, text }
            }
        }
    }
    pub(super) fn leaves(&self, seen: &Observation, becomes: Becomes) -> What {
        let to = match &seen.seen {
            Seen::Sent { to, .. } | Seen::Called { to: Some(to), .. } => *to,
            Seen::Replied { request, .. } => world::caller(*request).unwrap_or(seen.node),
            _ => seen.node,
        };
        What::Leaves { from: seen.node, to, label: self.label(seen), becomes }
    }
    fn client(&self, request: lab::RequestId) -> Option<ClientId> {
        self.trace.observations.iter().find_map(|seen| match &seen.seen {
            Seen::Requested { request: this, operation: Some((client, _)), .. } if *this == request => {
                Some(*client)
            }
            _ => None,
        })
    }
    /// In its own words; in its sender's, where it did not live to say them.
    pub(super) fn label(&self, seen: &Observation) -> Label {
        let senders = || match (&seen.seen, seen.cause) {
            (_, Cause::Observation(sent)) if self.comes_from(seen).is_some() => {
                self.get(sent).label.as_deref()
            }
            _ => None,
        };
        let bytes = || seen.seen.bytes().map(|bytes| format!("({} bytes)", bytes.len())).unwrap_or_default();
        Label::of(&seen.label.as_deref().or_else(senders).map_or_else(bytes, str::to_owned))
    }
}

/// What has no words of its own, where an oracle has marked it.
fn named(seen: &Seen) -> String {
    match seen {
        Seen::Invoked { client, .. } => format!("is asked by client {}", client.0),
        Seen::Returned { client, .. } => format!("has answered client {}", client.0),
        Seen::Syncing => "begins to sync".to_owned(),
        Seen::Synced => "has synced".to_owned(),
        _ => "does something".to_owned(),
    }
}
