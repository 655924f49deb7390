//! A scenario without anything in it that cannot be written down.
//!
//! What a suite writes holds questions about typed values, and nodes that are code of its own. What they came to in a
//! run is data: which encodings fit a question, and what such a node did with what it was handed.

use crate::observe::{Bytes, Cause, Observation, ObservationId, Seen, Trace};
use crate::playback::{Act, Cue, Line};
use crate::scenario::{
    Harm, Matcher, NodeKind, NodeSpec, Pattern, Scenario, SeenKind, Trigger, Until, When, Words,
};
use lab::{NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Why a scenario cannot be written down: a node of the suite's own did what no playback does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotData {
    /// The node.
    pub node: NodeId,
    /// What it did, as a clause with the node as subject.
    pub does: &'static str,
}
impl fmt::Display for NotData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, which the suite plays, {}", self.node, self.does)
    }
}

impl Scenario {
    /// The same recipe as data, as far as these runs of it show what it is: each of them runs the same again, observation
    /// for observation. Where two of them differ in what a node of the suite's own does, the first counts.
    ///
    /// Questions about values become questions about [variants](Matcher::Variant) where that answers them in these
    /// runs, and about whole encodings elsewhere; nodes of the suite's own are [played back](NodeSpec::playback).
    ///
    /// # Errors
    /// Where a node of the suite's own did what cannot be played back.
    pub fn concrete(&self, runs: &[&Trace]) -> Result<Scenario, NotData> {
        let mut scenario = self.clone();
        for node in &mut scenario.nodes {
            let playback = || lines(node.id, runs).map(|lines| NodeSpec::playback(node.id, &lines));
            let NodeSpec { role, config, kind, .. } = match node.kind {
                NodeKind::Guest => continue,
                NodeKind::Puppet(_) => playback()?,
                NodeKind::Service(_) => playback()?.as_service(),
            };
            (node.role, node.config, node.kind) = (role, config, kind);
        }
        let seen = || runs.iter().flat_map(|run| &run.observations).map(|seen| &seen.seen);
        let asked = |matcher: &mut Option<Matcher>, of: &dyn Fn(SeenKind) -> bool| {
            if let Some(matcher) = matcher {
                let fitting = seen().filter(|seen| of(SeenKind::of(seen)));
                *matcher = matcher.concrete(fitting.filter_map(Seen::bytes));
            }
        };
        let trigger = |trigger: &mut Trigger| match trigger {
            Trigger::Seen(Pattern { kind, matches, .. }) => {
                let kind = *kind;
                asked(matches, &|other| other == kind);
            }
            Trigger::Promised(kinds) => *trigger = Trigger::Seen(self.promise(*kinds, 1, runs).0),
            Trigger::Effect { .. }
            | Trigger::AnyEffect { .. }
            | Trigger::EffectOf { .. }
            | Trigger::Quiet
            | Trigger::Began { .. }
            | Trigger::Ended { .. } => {}
        };
        let when = |when: &mut When| match when {
            When::On { trigger: Trigger::Promised(kinds), nth, after } => {
                let (pattern, nth) = self.promise(*kinds, *nth, runs);
                *when = When::On { trigger: Trigger::Seen(pattern), nth, after: *after };
            }
            When::On { trigger: waits_for, .. } => trigger(waits_for),
            When::At(_) => {}
        };
        scenario.nodes.iter_mut().for_each(|node| when(&mut node.starts));
        for client in &mut scenario.clients {
            asked(&mut client.accepts, &|kind| kind == SeenKind::Replied);
            client.operations.iter_mut().filter_map(|operation| operation.at.as_mut()).for_each(when);
        }
        for (place, fault) in scenario.faults.iter_mut().enumerate() {
            fault.bond = None; // it says what to take out together, and nothing of what happens
            when(&mut fault.when);
            if let Harm::Forge { words, .. } = &mut fault.harm
                && matches!(words, Words::Asked(_))
            {
                let said = runs.iter().find_map(|run| forged(place, run));
                if said.is_none() {
                    fault.when = When::on(Trigger::Seen(nothing())); // there was nothing to ask, and there will not be
                }
                *words = Words::Bytes(said.unwrap_or_default());
            }
            if let Harm::Hold { matches, .. } | Harm::Lose { matches, .. } | Harm::Repeat { matches, .. } =
                &mut fault.harm
            {
                asked(matches, &|kind| matches!(kind, SeenKind::Sent | SeenKind::Called | SeenKind::Replied));
            }
            if let Until::Trigger(ends) = &mut fault.until {
                trigger(ends);
            }
        }
        scenario.scribe = None;
        Ok(scenario)
    }
    /// The `nth` promise of these kinds in the first of these runs that has one: what was seen, and for which time.
    fn promise(&self, kinds: u32, nth: u32, runs: &[&Trace]) -> (Pattern, u32) {
        let is_guest =
            |seen: &Observation| self.nodes.iter().any(|spec| spec.id == seen.node && spec.kind.is_guest());
        for run in runs {
            let Some(mut scribe) = self.scribe.map(|makes| (makes.0)(self)) else { break };
            let mut promises = run.observations.iter().filter(|seen| {
                let promised = scribe.note(seen);
                is_guest(seen) && promised & kinds != 0
            });
            if let Some(promise) = promises.nth(nth.max(1) as usize - 1) {
                let pattern = Pattern::just(promise);
                let until = run.observations.iter().take_while(|seen| seen.id <= promise.id);
                let times = until.filter(|seen| pattern.fits(seen.node, &seen.seen)).count();
                return (pattern, u32::try_from(times).unwrap_or(u32::MAX));
            }
        }
        (nothing(), 1)
    }
}
/// A question that no observation fits.
fn nothing() -> Pattern {
    Pattern::of(SeenKind::Sent).matching(Matcher::OneOf(Vec::new()))
}
/// What this fault had a node say in a run.
fn forged(fault: usize, run: &Trace) -> Option<Vec<u8>> {
    let is_this =
        |seen: &&Observation| matches!(seen.seen, Seen::FaultBegan { fault: other } if other == fault);
    let began = run.observations.iter().find(is_this)?;
    let mut said = run.observations.iter().filter(|seen| seen.cause == Cause::Observation(began.id));
    said.find_map(|seen| match &seen.seen {
        Seen::Sent { bytes, .. } => Some(bytes.to_vec()),
        _ => None,
    })
}

impl Matcher {
    /// The same question of these bytes, as data.
    fn concrete<'a>(&self, bytes: impl Iterator<Item = &'a Bytes>) -> Matcher {
        if !matches!(self, Matcher::Typed(_)) {
            return self.clone();
        }
        let (fit, others): (BTreeSet<&[u8]>, BTreeSet<&[u8]>) =
            bytes.map(|bytes| &**bytes).partition(|bytes| self.fits(bytes));
        let firsts = |of: &BTreeSet<&[u8]>| -> BTreeSet<Option<u8>> {
            of.iter().map(|bytes| bytes.first().copied()).collect()
        };
        let (fitting, other) = (firsts(&fit), firsts(&others));
        if !fit.is_empty() && !fitting.contains(&None) && fitting.is_disjoint(&other) {
            Matcher::Variant(fitting.into_iter().flatten().collect())
        } else {
            Matcher::OneOf(fit.into_iter().map(<[u8]>::to_vec).collect())
        }
    }
}

/// What a node did in these runs, cue by cue.
fn lines(node: NodeId, runs: &[&Trace]) -> Result<Vec<Line>, NotData> {
    let mut lines: Vec<Line> = Vec::new();
    for run in runs {
        let own: Vec<&Observation> = run.observations.iter().filter(|seen| seen.node == node).collect();
        let mut effects: BTreeMap<ObservationId, Vec<&Observation>> = BTreeMap::new();
        for seen in &own {
            if let Cause::Observation(event) = seen.cause {
                effects.entry(event).or_default().push(seen);
            }
        }
        let mut given: Vec<usize> = Vec::new();
        // the requests since its last start, in order
        let mut asked: Vec<RequestId> = Vec::new();
        for event in own {
            let Some(cue) = cue(event) else { continue };
            if cue == Cue::Start {
                given.clear();
                asked.clear();
            }
            if let Seen::Requested { request, .. } = event.seen {
                asked.push(request);
            }
            let mut acts = Vec::new();
            for effect in effects.get(&event.id).into_iter().flatten() {
                acts.extend(act(event, effect, &asked).map_err(|does| NotData { node, does })?);
            }
            let place = lines.iter().position(|line| line.cue == cue).unwrap_or_else(|| {
                lines.push(Line { cue, acts: Vec::new() });
                lines.len() - 1
            });
            given.resize(lines.len().max(given.len()), 0);
            if given[place] == lines[place].acts.len() {
                lines[place].acts.push(acts);
            }
            given[place] += 1;
        }
    }
    for line in &mut lines {
        while let [.., before, last] = &line.acts[..]
            && before == last
        {
            line.acts.pop(); // what it did the last time, it does again
        }
    }
    lines.retain(|line| line.acts.iter().any(|acts| !acts.is_empty()));
    Ok(lines)
}
/// What a node was handed, if this is that it was handed something.
fn cue(event: &Observation) -> Option<Cue> {
    match &event.seen {
        Seen::Started { .. } => Some(Cue::Start),
        Seen::Delivered { from, bytes } => Some(Cue::Message { from: *from, bytes: bytes.to_vec() }),
        Seen::Requested { bytes, .. } => Some(Cue::Request { bytes: bytes.to_vec() }),
        Seen::Rang { timer } => Some(Cue::Timer { timer: timer.to_vec() }),
        Seen::Answered { from, bytes, .. } => Some(Cue::Answer { from: *from, bytes: bytes.to_vec() }),
        _ => None,
    }
}
/// What a node asked for in an event, if this is something that it asked for; or what it did that cannot be written down.
fn act(event: &Observation, effect: &Observation, asked: &[RequestId]) -> Result<Option<Act>, &'static str> {
    Ok(Some(match &effect.seen {
        Seen::Sent { to, bytes, .. } => Act::Send { to: *to, bytes: bytes.to_vec() },
        Seen::TimerSet { timer, rings_at } => {
            Act::SetTimer { after: *rings_at - effect.at, timer: timer.to_vec() }
        }
        Seen::TimerCancelled { timer } => Act::CancelTimer { timer: timer.to_vec() },
        Seen::Emitted { bytes } => Act::Emit { bytes: bytes.to_vec() },
        Seen::Replied { request, bytes, .. } => match &event.seen {
            Seen::Requested { request: this, .. } if this == request => Act::Reply { bytes: bytes.to_vec() },
            _ => {
                match asked.iter().position(|this| this == request).and_then(|nth| u32::try_from(nth).ok()) {
                    Some(nth) => Act::ReplyTo { nth, bytes: bytes.to_vec() },
                    None => return Err("answers a request that it was asked before it started again"),
                }
            }
        },
        Seen::Called { to, bytes, .. } => Act::Call { to: *to, bytes: bytes.to_vec() },
        Seen::Wrote { .. } => return Err("writes to its disk"),
        Seen::Stray { .. } => return Err("is sent what is none of its messages"),
        Seen::Status { bytes } if !bytes.is_empty() => return Err("shows a status"),
        _ => return Ok(None),
    }))
}
