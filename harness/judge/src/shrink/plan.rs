//! What is taken out of a scenario, and what is left then.

use rustc_hash::FxHashSet;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use world::{ClockSpec, DiskLoss, Harm, Key, Link, NodeSpec, Scenario, When};

/// What of a scenario can be taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// A fault, by its place.
    Fault(usize),
    /// All faults of a bond.
    Bond(u8),
    /// An operation, by the places of its client and of itself.
    Operation(usize, usize),
    /// Something that need not be as unruly as it is: a place in [`PLAINER`].
    Plainer(usize),
    /// A message.
    Message(Key),
}

/// Makes something plainer than it was, where there is such a thing.
type Plainer = fn(&mut Scenario);
/// Whether there is, for those that are seldom needed.
pub(super) fn is_plain(scenario: &Scenario, place: usize) -> bool {
    let starts_late = |node: &NodeSpec| !matches!(node.starts, When::At(Duration::ZERO));
    place == LATE_STARTS && !scenario.nodes.iter().any(starts_late)
}
/// The place of that which starts all nodes in the beginning.
const LATE_STARTS: usize = 5;
pub(super) const PLAINER: [Plainer; 6] = [
    |scenario| {
        let Link { latency, fifo, .. } = scenario.network;
        scenario.network = Link { fifo, ..Link::fixed(latency.min) };
    },
    |scenario| scenario.links.clear(),
    |scenario| scenario.nodes.iter_mut().for_each(|node| node.clock = ClockSpec::default()),
    |scenario| {
        for node in &mut scenario.nodes {
            node.sync.1 = node.sync.0;
        }
    },
    |scenario| {
        for fault in &mut scenario.faults {
            if let Harm::Crash { disk, .. } = &mut fault.harm {
                *disk = DiskLoss::All;
            }
        }
    },
    |scenario| {
        for node in &mut scenario.nodes {
            node.starts = When::At(Duration::ZERO);
        }
    },
];

/// What is taken out of a scenario.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub(super) faults: BTreeSet<usize>,
    pub(super) bonds: BTreeSet<u8>,
    pub(super) operations: BTreeSet<(usize, usize)>,
    pub(super) plainer: BTreeSet<usize>,
    pub(super) withheld: FxHashSet<Key>,
    /// A simpler scenario that takes the place of the whole one.
    pub(super) instead: Option<Arc<Scenario>>,
}
impl Plan {
    pub(super) fn without(&self, items: &[Item]) -> Plan {
        let mut plan = self.clone();
        for item in items {
            match *item {
                Item::Fault(place) => _ = plan.faults.insert(place),
                Item::Bond(bond) => _ = plan.bonds.insert(bond),
                Item::Operation(client, place) => _ = plan.operations.insert((client, place)),
                Item::Plainer(place) => _ = plan.plainer.insert(place),
                Item::Message(key) => _ = plan.withheld.insert(key),
            }
        }
        plan
    }
    pub(super) fn scenario(&self, whole: &Scenario) -> Scenario {
        let mut scenario = self.instead.as_deref().unwrap_or(whole).clone();
        for place in &self.plainer {
            PLAINER[*place](&mut scenario);
        }
        let mut place = 0..;
        scenario.faults.retain(|fault| {
            let alone = place.next().is_some_and(|place| self.faults.contains(&place));
            !alone && fault.bond.is_none_or(|bond| !self.bonds.contains(&bond))
        });
        for (client, spec) in scenario.clients.iter_mut().enumerate() {
            let mut place = 0..;
            // the first of those that follow one another has a time, which the next one takes over
            let mut begins = None;
            spec.operations.retain_mut(|operation| {
                let gone = place.next().is_some_and(|place| self.operations.contains(&(client, place)));
                if gone {
                    begins = operation.at.take().or(begins.take());
                } else if operation.at.is_none() {
                    operation.at = begins.take();
                } else {
                    begins = None;
                }
                !gone
            });
        }
        scenario.clients.retain(|client| !client.operations.is_empty());
        scenario.withheld.extend(&self.withheld);
        scenario
    }
}
