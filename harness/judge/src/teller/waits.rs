//! What each node waits for when a run ends in which something never happened.

use super::Teller;
use super::costs::listed;
use crate::story::is_puppet;
use lab::NodeId;
use std::collections::BTreeMap;
use world::{Bytes, ClientId, Observation, ObservationId, Seen, Time};

/// In a crowd, so many nodes that owe somebody an answer are told of.
const NODES_MAX: usize = 7;
/// Of one node, so many timers and so many requests.
const EACH_MAX: usize = 2;

/// A node as it is in the end.
#[derive(Default)]
struct Standing {
    is_down: bool,
    is_paused: bool,
    /// Timers that are set, each with its name in words and when it fires.
    timers: BTreeMap<Bytes, (String, Time)>,
    /// How often each has fired.
    fired: BTreeMap<Bytes, usize>,
    /// Requests that it was handed in this life and has not answered: who asked what, and when.
    owes: BTreeMap<lab::RequestId, (String, Time)>,
    /// Calls that were not answered in this life: whom it asked what.
    calls: BTreeMap<lab::CallId, String>,
    /// Messages on their way to it.
    coming: usize,
    /// Messages to it that were lost, and the last of them.
    lost: usize,
    last_lost: Option<ObservationId>,
}

impl Teller<'_> {
    /// For each node of the submission's what it waits for in the end, a line each; nodes that wait alike share one.
    pub(super) fn waits(&self) -> Vec<String> {
        let mut nodes = self.standings();
        // requests of some exercises have no answer: one is due where this run has others
        let is_answer = |seen: &Observation| matches!(seen.seen, Seen::Replied { heard: true, .. });
        if !self.trace.observations.iter().any(|seen| is_answer(seen) && !is_puppet(self.scenario, seen.node))
        {
            nodes.values_mut().for_each(|standing| standing.owes.clear());
        }
        let is_told = |(node, standing): &(&NodeId, &Standing)| {
            !is_puppet(self.scenario, **node) && (nodes.len() <= NODES_MAX || !standing.owes.is_empty())
        };
        let mut alike: Vec<(String, Vec<NodeId>)> = Vec::new();
        for (node, standing) in nodes.iter().filter(is_told).take(NODES_MAX) {
            let says = self.standing_in_words(standing);
            match alike.iter_mut().find(|(other, _)| *other == says) {
                Some((_, nodes)) => nodes.push(*node),
                None => alike.push((says, vec![*node])),
            }
        }
        if alike.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![String::new(), "How each node stands when the run ends:".to_owned()];
        lines.extend(alike.into_iter().map(|(says, nodes)| format!("{}: {says}.", listed(&nodes))));
        lines
    }
    fn standing_in_words(&self, standing: &Standing) -> String {
        if standing.is_down {
            return "down".to_owned();
        }
        if standing.is_paused {
            return "stands still".to_owned();
        }
        let mut parts: Vec<String> = Vec::new();
        let owes = standing.owes.values().take(EACH_MAX);
        parts.extend(owes.map(|(what, at)| format!("no answer yet to {what}, since {at}")));
        let more = standing.owes.len().saturating_sub(EACH_MAX);
        if more > 0 {
            parts.push(format!("no answer yet to {more} more requests"));
        }
        parts.extend(
            standing.calls.values().take(EACH_MAX).map(|call| format!("waits for the answer to {call}")),
        );
        for (timer, (name, fires_at)) in standing.timers.iter().take(EACH_MAX) {
            let fired = match standing.fired.get(timer) {
                None => String::new(),
                Some(1) => ", has fired once".to_owned(),
                Some(times) => format!(", has fired {times} times"),
            };
            let name = if name.is_empty() { String::new() } else { format!(" {name}") };
            parts.push(format!("its timer{name} fires next at {fires_at}{fired}"));
        }
        if standing.timers.is_empty() {
            parts.push("no timer is set".to_owned());
        }
        if standing.coming == 0 && standing.timers.is_empty() {
            parts.push("no message is on its way to it".to_owned());
        }
        if let Some(lost) = standing.last_lost.map(|id| self.get(id)) {
            let (last, at) = (self.label(lost).name, lost.at);
            let last = if last.is_empty() { "message".to_owned() } else { last };
            parts.push(match standing.lost {
                1 => format!("one message to it was lost: {last} of {}, sent at {at}", lost.node),
                many => format!(
                    "{many} messages to it were lost, the last one {last} of {}, sent at {at}",
                    lost.node
                ),
            });
        }
        parts.join("; ")
    }
    fn standings(&self) -> BTreeMap<NodeId, Standing> {
        let mut nodes: BTreeMap<NodeId, Standing> = self
            .scenario
            .nodes
            .iter()
            .map(|spec| (spec.id, Standing { is_down: true, ..Standing::default() }))
            .collect();
        let mut clients: BTreeMap<lab::RequestId, ClientId> = BTreeMap::new();
        for seen in &self.trace.observations {
            let Some(node) = nodes.get_mut(&seen.node) else { continue };
            match &seen.seen {
                Seen::Started { .. } => node.is_down = false,
                Seen::Crashed => {
                    *node = Standing {
                        is_down: true,
                        lost: node.lost,
                        last_lost: node.last_lost,
                        ..Standing::default()
                    };
                }
                Seen::Paused => node.is_paused = true,
                Seen::Resumed => node.is_paused = false,
                Seen::TimerSet { timer, rings_at } => {
                    node.timers.insert(timer.clone(), (self.label(seen).to_string(), *rings_at));
                }
                Seen::TimerCancelled { timer } => _ = node.timers.remove(timer),
                Seen::Rang { timer } => {
                    node.timers.remove(timer);
                    *node.fired.entry(timer.clone()).or_default() += 1;
                }
                Seen::Requested { request, operation, .. } => {
                    let who = match (operation, world::caller(*request)) {
                        (Some((client, _)), _) => format!("client {}", client.0),
                        (None, Some(node)) => node.to_string(),
                        (None, None) => "its caller".to_owned(),
                    };
                    clients.extend(operation.map(|(client, _)| (*request, client)));
                    node.owes.insert(*request, (format!("{} of {who}", self.label(seen)), seen.at));
                }
                Seen::Replied { request, .. } => _ = node.owes.remove(request),
                Seen::GaveUp { client, .. } => {
                    node.owes.retain(|request, _| clients.get(request) != Some(client));
                }
                Seen::Called { to, call, .. } => {
                    let whom = to.map(|to| format!(" by {to}")).unwrap_or_default();
                    node.calls.insert(*call, format!("{}{whom}", self.label(seen)));
                }
                Seen::Answered { call, .. } => _ = node.calls.remove(call),
                Seen::Sent { to, .. } => {
                    let to = *to;
                    let arrival = self.deliveries.get(&seen.id).map(|arrival| &self.get(*arrival).seen);
                    let Some(receiver) = nodes.get_mut(&to) else { continue };
                    match arrival {
                        None => receiver.coming += 1,
                        Some(Seen::Lost { .. }) => {
                            receiver.lost += 1;
                            receiver.last_lost = Some(seen.id);
                        }
                        Some(_) => {}
                    }
                }
                _ => {}
            }
        }
        nodes
    }
}
