//! From the events that are shown to the rows of the diagram.

use super::abbreviate::abbreviate;
use super::choose::Chosen;
use super::costs::listed;
use super::{About, Teller};
use crate::story::{Becomes, Row, Story, What, is_puppet};
use lab::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use world::{Cause, Observation, ObservationId, Seen, Time};

enum Point {
    /// An event, or something that was done to a node.
    Event,
    /// What a node asked for, shown for itself.
    Effect,
    /// A message that leaves here, and arrives in a later row.
    Leaves(u32),
}

/// What has rows of its own.
struct Shown {
    points: BTreeMap<ObservationId, Point>,
    /// Messages that leave in one row and arrive in another, each with its number.
    split: BTreeMap<ObservationId, u32>,
    /// Nodes that crash in some row.
    crashing: BTreeSet<NodeId>,
}

impl Teller<'_> {
    pub(super) fn tell(&self, chosen: &Chosen, about: About) -> Story {
        let About { marks, ending, below, .. } = about;
        let marks = &marks;
        let mut points = self.points(chosen, marks);
        let split = self.split(&mut points, chosen);
        let crashes = chosen.rows.iter().map(|id| self.get(*id));
        let crashes = crashes.filter(|seen| matches!(seen.seen, Seen::Crashed));
        let shown = Shown { points, split, crashing: crashes.map(|seen| seen.node).collect() };
        let mut rows = self.rows(&shown, chosen, marks);
        rows.extend(ending.map(|text| self.ending(text)));
        abbreviate(&mut rows);
        let story = self.with_parties(rows);
        let played: Vec<&NodeId> =
            story.nodes.iter().filter(|node| is_puppet(self.scenario, **node)).collect();
        let played = (!played.is_empty()).then(|| format!("The test plays {}.", listed(played)));
        Story { below: below.into_iter().chain(played).collect(), ..story }
    }
    /// What stands in a row of its own: the events, and marked sendings that do not arrive in one.
    fn points(
        &self,
        chosen: &Chosen,
        marks: &BTreeMap<ObservationId, String>,
    ) -> BTreeMap<ObservationId, Point> {
        let mut points: BTreeMap<ObservationId, Point> =
            chosen.rows.iter().map(|id| (*id, Point::Event)).collect();
        for id in marks.keys() {
            let arrives = self.deliveries.get(id).is_some_and(|arrival| chosen.rows.contains(arrival));
            if !chosen.rows.contains(id) && !arrives {
                points.insert(*id, Point::Effect);
            }
        }
        points
    }
    fn rows(&self, shown: &Shown, chosen: &Chosen, marks: &BTreeMap<ObservationId, String>) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut left_out = chosen.left_out.iter().copied().peekable();
        for (id, point) in &shown.points {
            let mut many = 0;
            while left_out.next_if(|other| other < id).is_some() {
                many += 1;
            }
            let seen = self.get(*id);
            if many > 1 {
                rows.push(Row { at: seen.at, what: What::Quiet(many), notes: Vec::new(), mark: None });
            }
            let what = match point {
                Point::Event => self.event(seen, &shown.split),
                Point::Effect => self.effect(seen),
                Point::Leaves(number) => self.leaves(seen, Becomes::Arrives(*number)),
            };
            let notes = match point {
                Point::Event => self.notes_of_row(seen, shown),
                Point::Effect | Point::Leaves(_) => Vec::new(),
            };
            rows.push(Row { at: seen.at, what, notes, mark: self.mark(seen, shown, marks).cloned() });
        }
        rows
    }
    fn notes_of_row(&self, seen: &Observation, shown: &Shown) -> Vec<String> {
        // what travels is shown where it arrives
        let has_row = |effect: &ObservationId| {
            let arrives = |arrival| shown.points.contains_key(arrival);
            shown.points.contains_key(effect) || self.deliveries.get(effect).is_some_and(arrives)
        };
        let mut notes = self.notes(seen, has_row, shown.crashing.contains(&seen.node));
        if self.is_repeated(seen) {
            notes.insert(0, "(once more)".to_owned());
        }
        notes
    }
    /// What marks a row: its own mark, or that of the message which arrives in it.
    fn mark<'m>(
        &self,
        seen: &Observation,
        shown: &Shown,
        marks: &'m BTreeMap<ObservationId, String>,
    ) -> Option<&'m String> {
        marks.get(&seen.id).or_else(|| match seen.cause {
            Cause::Observation(sent)
                if self.comes_from(seen).is_some() && !shown.split.contains_key(&sent) =>
            {
                marks.get(&sent)
            }
            _ => None,
        })
    }
    /// The row below which nothing happens any more.
    fn ending(&self, text: String) -> Row {
        let last = self.trace.observations.last().map_or(Time::ZERO, |seen| seen.at);
        let at = last.max(Time::ZERO + self.scenario.end);
        Row { at, what: What::Everywhere(text), notes: Vec::new(), mark: None }
    }
    /// The story of these rows: whose they are, and what those are called.
    fn with_parties(&self, rows: Vec<Row>) -> Story {
        let (mut nodes, mut clients) = (BTreeSet::new(), BTreeSet::new());
        for row in &rows {
            match &row.what {
                What::Message { from, to, .. } | What::Leaves { from, to, .. } => nodes.extend([*from, *to]),
                What::Asked { client, node, .. } | What::Answered { client, node, .. } => {
                    nodes.insert(*node);
                    clients.insert(*client);
                }
                What::GivesUp { client, .. } => _ = clients.insert(*client),
                What::On { node, .. } => _ = nodes.insert(*node),
                What::Everywhere(_) | What::Quiet(_) => {}
            }
        }
        if nodes.is_empty() {
            nodes.extend(self.scenario.nodes.iter().map(|spec| spec.id));
        }
        let specs = self.scenario.nodes.iter().filter(|spec| nodes.contains(&spec.id));
        let roles = specs.filter_map(|spec| Some((spec.id, spec.name?))).collect();
        Story {
            nodes: nodes.into_iter().collect(),
            clients: clients.into_iter().collect(),
            rows,
            roles,
            names: BTreeMap::new(),
            below: Vec::new(),
            is_timeless: false,
        }
    }
    /// Finds the messages between whose leaving and arriving other rows of their nodes stand; these leave in rows of their
    /// own. Gives each a number.
    fn split(
        &self,
        points: &mut BTreeMap<ObservationId, Point>,
        chosen: &Chosen,
    ) -> BTreeMap<ObservationId, u32> {
        let mut split = BTreeMap::new();
        let arrivals: Vec<ObservationId> = chosen.rows.iter().copied().collect();
        for arrival in arrivals {
            let seen = self.get(arrival);
            let (Some(from), Cause::Observation(sent)) = (self.comes_from(seen), seen.cause) else {
                continue;
            };
            let between = points.keys().filter(|id| **id > sent && **id < arrival).any(|id| {
                let other = self.get(*id);
                other.node == from || other.node == seen.node
            });
            if between {
                let number = u32::try_from(split.len()).unwrap_or(u32::MAX) + 1;
                let number = *split.entry(sent).or_insert(number);
                points.insert(sent, Point::Leaves(number));
            }
        }
        split
    }
}
