//! Setting up small worlds, and looking at what happened in them.

use crate::actor::{Acts, Do, Said, actors};
use lab::NodeId;
use lab::prelude::Duration;
use std::sync::Arc;
use world::{
    Client, DiskLoss, End, Fault, Harm, Observation, Operation, Scenario, Seed, Seen, Time, Trace, Trigger,
    Until, When, Who, World,
};

pub(crate) const SEED: Seed = Seed([20, 26]);

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
pub(crate) fn us(us: u64) -> Duration {
    Duration::from_micros(us)
}
pub(crate) fn n(id: u32) -> NodeId {
    NodeId(id)
}

/// So many actors that do nothing until they are told to, for one second, under a truthful disk and clock.
pub(crate) fn stage(nodes: u32) -> Scenario {
    let mut scenario = Scenario::cluster::<Acts>(nodes, &vec![], ms(1_000));
    for node in &mut scenario.nodes {
        node.sync = (us(200), us(200));
    }
    scenario
}

pub(crate) trait Direct: Sized {
    /// At this time a client of its own asks a node to do this.
    fn tell(self, at: Duration, node: u32, what: Vec<Do>) -> Self;
    /// This goes wrong.
    fn fault(self, fault: Fault) -> Self;
    fn run(&self) -> Run;
    fn run_under(&self, seed: Seed) -> Run;
}
impl Direct for Scenario {
    fn tell(mut self, at: Duration, node: u32, what: Vec<Do>) -> Self {
        let id = u32::try_from(self.clients.len()).expect("few clients") + 1;
        self.clients.push(Client::new(id, vec![Operation::at::<Acts>(1, at, n(node), &what)]));
        self
    }
    fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }
    fn run(&self) -> Run {
        self.run_under(SEED)
    }
    fn run_under(&self, seed: Seed) -> Run {
        let (world, trace) = actors().trace(Arc::new(self.clone()), seed);
        Run { world, trace }
    }
}

pub(crate) struct Run {
    pub(crate) world: World,
    pub(crate) trace: Trace,
}
impl Run {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Observation> {
        self.trace.observations.iter()
    }
    pub(crate) fn on(&self, node: u32) -> impl Iterator<Item = &Observation> {
        self.all().filter(move |o| o.node == n(node))
    }
    /// What a node said, and when.
    pub(crate) fn said(&self, node: u32) -> Vec<(Time, Said)> {
        self.trace.emits::<Acts>().filter(|(o, _)| o.node == n(node)).map(|(o, said)| (o.at, said)).collect()
    }
    /// The words a node said, in order.
    pub(crate) fn words(&self, node: u32) -> Vec<u32> {
        let word = |(_, said)| if let Said::Word(word) = said { Some(word) } else { None };
        self.said(node).into_iter().filter_map(word).collect()
    }
    /// When the first observation of this kind was made.
    pub(crate) fn when(&self, fits: impl Fn(&Seen) -> bool) -> Option<Time> {
        self.all().find(|o| fits(&o.seen)).map(|o| o.at)
    }
    pub(crate) fn count(&self, fits: impl Fn(&Seen) -> bool) -> usize {
        self.all().filter(|o| fits(&o.seen)).count()
    }
    pub(crate) fn end(&self) -> &End {
        self.world.end().expect("a run goes to its end")
    }
}

/// A harm from one time to another.
pub(crate) fn during(from: Duration, to: Duration, harm: Harm) -> Fault {
    Fault::new(When::At(from), harm, Until::After(to - from))
}
/// A harm that begins at once when this happens for the first time, and lasts so long.
pub(crate) fn upon(trigger: Trigger, lasts: Duration, harm: Harm) -> Fault {
    Fault::new(When::on(trigger), harm, Until::After(lasts))
}
/// A crash that loses everything that was not synced.
pub(crate) fn crash(node: u32) -> Harm {
    Harm::Crash { node: Who::Node(n(node)), disk: DiskLoss::All }
}
pub(crate) fn pause(node: u32) -> Harm {
    Harm::Pause { node: Who::Node(n(node)) }
}
