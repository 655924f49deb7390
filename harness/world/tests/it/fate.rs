//! What makes shrinking work: take a fault or a request out, and what it did not cause stays as it was.

use crate::random::{PLAIN, cases, scenario, seed};
use crate::stage::{Direct, Run};
use lab::NodeId;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use world::{Cause, Harm, Key, LossReason, Observation, ObservationId, Scenario, Seen, Time};

/// One sending: its causal past, and what the network did with it.
#[derive(Debug, Clone)]
struct Sending {
    at: Time,
    from: NodeId,
    to: NodeId,
    /// A hash of everything that happened before it: its own causes, and its node's whole past.
    past: u64,
    fate: Fate,
}
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// The network lost it.
    Lost,
    /// It was too long for the link.
    TooBig,
    /// Its copies came to the receiver's door at these times, whoever opened.
    Came(BTreeSet<Time>),
    /// A partition was in its way when it left, or it was still on its way in the end: nothing is known.
    Unknown,
}

fn sendings(run: &Run) -> BTreeMap<Key, Sending> {
    let mut pasts: BTreeMap<ObservationId, u64> = BTreeMap::new();
    let mut of_node: BTreeMap<NodeId, u64> = BTreeMap::new();
    let mut children: BTreeMap<ObservationId, Vec<&Observation>> = BTreeMap::new();
    for o in run.all() {
        if let Cause::Observation(cause) = o.cause {
            children.entry(cause).or_default().push(o);
        }
    }
    let mut found = BTreeMap::new();
    for o in run.all() {
        let cause = match o.cause {
            Cause::Scenario => 0,
            Cause::Observation(cause) => pasts[&cause],
        };
        let mut hasher = DefaultHasher::new();
        (o.at, o.node, cause).hash(&mut hasher);
        // what the numbers of observations and faults were does not matter
        match &o.seen {
            Seen::FaultBegan { .. } | Seen::FaultEnded { .. } | Seen::Calm | Seen::Lost { .. } => {
                pasts.insert(o.id, hasher.finish());
                continue; // nothing that the node lives through
            }
            Seen::Sent { to, bytes, .. } => ("sent", to, bytes).hash(&mut hasher),
            other => other.hash(&mut hasher),
        }
        let before = of_node.entry(o.node).or_default();
        before.hash(&mut hasher);
        *before = hasher.finish();
        pasts.insert(o.id, *before);
        if let Seen::Sent { to, key, .. } = &o.seen {
            let (from, to) = (o.node, *to);
            let fate = fate(o, children.get(&o.id).map_or(&[][..], Vec::as_slice));
            let sending = Sending { at: o.at, from, to, past: *before, fate };
            assert!(found.insert(*key, sending).is_none(), "two sendings have one key: {o:?}");
        }
    }
    found
}
fn fate(sent: &Observation, ends: &[&Observation]) -> Fate {
    let mut came = BTreeSet::new();
    for end in ends {
        match end.seen {
            Seen::Lost { reason: LossReason::Network } => return Fate::Lost,
            Seen::Lost { reason: LossReason::TooBig } => return Fate::TooBig,
            Seen::Lost { reason: LossReason::Nobody } => return Fate::Unknown,
            Seen::Lost { reason: LossReason::Partition } if end.at == sent.at => return Fate::Unknown,
            _ => _ = came.insert(end.at),
        }
    }
    if came.is_empty() { Fate::Unknown } else { Fate::Came(came) }
}

/// A scenario without one of its faults or operations.
fn without(scenario: &Scenario, which: prop::sample::Index) -> Option<Scenario> {
    let operations: usize = scenario.clients.iter().map(|client| client.operations.len()).sum();
    let which = which.index(scenario.faults.len() + operations);
    let mut less = scenario.clone();
    if which < scenario.faults.len() {
        less.faults.remove(which);
        return Some(less);
    }
    let mut left = which - scenario.faults.len();
    for client in &mut less.clients {
        if left < client.operations.len() {
            client.operations.remove(left);
            return Some(less);
        }
        left -= client.operations.len();
    }
    None
}

fn is_calm_alike(scenario: &Scenario, at: Time) -> bool {
    scenario.calm.is_none_or(|(calm, _)| at.since_start() < calm)
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn without_a_fault_or_a_request_an_unchanged_past_has_an_unchanged_future(
        scenario in scenario(PLAIN), seed in seed(), which in any::<prop::sample::Index>(),
    ) {
        prop_assume!(scenario.clients.iter().any(|client| !client.operations.is_empty()));
        let Some(less) = without(&scenario, which) else { return Ok(()) };
        let (all, some) = (sendings(&scenario.run_under(seed)), sendings(&less.run_under(seed)));
        for (key, before) in &all {
            let Some(after) = some.get(key) else { continue };
            if before.past == after.past {
                let (b, a) = (&before.fate, &after.fate);
                // a copy that was still under way in the end is not known of
                let same = *b == Fate::Unknown || *a == Fate::Unknown || a == b;
                prop_assert!(same, "{before:?}\nbut without it {after:?}");
            }
        }
    }

    /// Where messages do not queue behind each other, chance depends on the chain of causes alone: even a
    /// message that leaves at another time, with other words in it, travels as long.
    #[test]
    fn the_chain_of_causes_alone_decides_how_a_message_travels(
        scenario in scenario(PLAIN), seed in seed(), which in any::<prop::sample::Index>(),
    ) {
        let mut scenario = scenario;
        let links = scenario.links.iter_mut().map(|rule| &mut rule.link);
        let calm = scenario.calm.as_mut().map(|(_, link)| link);
        for link in links.chain([&mut scenario.network]).chain(calm) {
            (link.fifo, link.bandwidth, link.message_bytes_max) = (false, None, None);
        }
        let Some(less) = without(&scenario, which) else { return Ok(()) };
        let (all, some) = (sendings(&scenario.run_under(seed)), sendings(&less.run_under(seed)));
        for (key, before) in &all {
            let Some(after) = some.get(key) else { continue };
            let calm = [before, after].map(|sending| is_calm_alike(&scenario, sending.at));
            if calm[0] != calm[1] || (before.from, before.to) != (after.from, after.to) {
                continue;
            }
            let took = |sending: &Sending| match &sending.fate {
                Fate::Came(at) => Some(Some(at.iter().map(|at| *at - sending.at).collect::<Vec<_>>())),
                Fate::Lost => Some(None),
                Fate::Unknown | Fate::TooBig => None,
            };
            // the second copy of one may have come after the end
            if let (Some(b), Some(a)) = (took(before), took(after)) {
                let (b, a) = (b.unwrap_or_default(), a.unwrap_or_default());
                let shorter = b.len().min(a.len());
                prop_assert!(b[..shorter] == a[..shorter], "{before:?}\nbut without it {after:?}");
                prop_assert_eq!(b.is_empty(), a.is_empty());
            }
        }
    }

    #[test]
    fn a_fault_that_never_comes_changes_nothing(scenario in scenario(PLAIN), seed in seed()) {
        let mut more = scenario.clone();
        let late = crate::stage::ms(10_000);
        more.faults.push(crate::stage::during(late, late + late, Harm::Partition { groups: vec![] }));
        prop_assert_eq!(more.run_under(seed).world.hash(), scenario.run_under(seed).world.hash());
    }
}
