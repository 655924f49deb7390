//! Scenarios, written as what happens in them.

use judge::{Case, Oracle, Pick};
use lab::{Contract, NodeId};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::time::Duration;
use world::{
    Chance, Client, ClientId, DiskLoss, Fault, Harm, Latency, Link, LinkRule, NodeSpec, Operation,
    OperationId, Scenario, Tail, Until, When, Who,
};

/// A scenario under way, of nodes with the contract `C`. It is a [`Scenario`] wherever one is wanted.
///
/// ```
/// use kit::{Stage, ms, see};
/// use lab::NodeId;
/// use lab::lamport::{Clock, Event, Request};
///
/// let [n1, n2] = [1, 2].map(NodeId);
/// let mut stage = Stage::<Clock>::cluster(2, &(), ms(1_000));
/// stage.ask(ms(5), n1, Request::Send { to: n2 });
/// stage.crash(see::emits::<Clock>(|event| matches!(event, Event::Sent { .. })), n1, ms(20));
/// ```
pub struct Stage<C: Contract> {
    scenario: Scenario,
    contract: PhantomData<C>,
}
impl<C: Contract> Deref for Stage<C> {
    type Target = Scenario;
    fn deref(&self) -> &Scenario {
        &self.scenario
    }
}
impl<C: Contract> DerefMut for Stage<C> {
    fn deref_mut(&mut self) -> &mut Scenario {
        &mut self.scenario
    }
}
impl<C: Contract> From<Stage<C>> for Scenario {
    fn from(stage: Stage<C>) -> Scenario {
        stage.scenario
    }
}
impl<C: Contract> Stage<C> {
    /// `n` nodes, with ids from 1, on a clean network with one millisecond of latency.
    pub fn cluster(n: u32, config: &C::Config, end: Duration) -> Stage<C> {
        Stage::of(Scenario::cluster::<C>(n, config, end))
    }
    /// These nodes.
    pub fn with(nodes: Vec<NodeSpec>, end: Duration) -> Stage<C> {
        Stage::of(Scenario::new(nodes, end))
    }
    /// This scenario.
    pub fn of(scenario: Scenario) -> Stage<C> {
        Stage { scenario, contract: PhantomData }
    }
    /// The names of its nodes.
    pub fn ids(&self) -> Vec<NodeId> {
        self.scenario.nodes.iter().map(|node| node.id).collect()
    }
    /// The names of its nodes in a drawn order: a cast for a script.
    pub fn cast(&self, pick: &mut Pick) -> Vec<NodeId> {
        let mut ids = self.ids();
        pick.shuffle(&mut ids);
        ids
    }

    /// The node's own client asks it this, once, and waits for ever: a client for each node, with the node's number.
    pub fn ask(&mut self, when: impl Into<When>, node: NodeId, request: C::Request) -> OperationId {
        self.ask_by(node.0, when, node, request)
    }
    /// A client asks a node this.
    pub fn ask_by(
        &mut self,
        client: u32,
        when: impl Into<When>,
        node: NodeId,
        request: C::Request,
    ) -> OperationId {
        let client = self.client(client);
        let id = client.operations.iter().map(|operation| operation.id.0).max().unwrap_or(0) + 1;
        let operation = Operation { at: Some(when.into()), ..Operation::next::<C>(id, node, &request) };
        client.operations.push(operation);
        OperationId(id)
    }
    /// A client asks these one after another, each when the one before is over. Its tries go to these nodes in turn.
    pub fn loop_of(
        &mut self,
        client: u32,
        begins: impl Into<When>,
        to: &[NodeId],
        requests: impl IntoIterator<Item = C::Request>,
        patience: Patience,
    ) -> &mut Client {
        let operations = (1..).zip(requests).map(|(id, request)| Operation {
            to: to.to_vec(),
            ..Operation::next::<C>(id, NodeId(0), &request)
        });
        let mut operations: Vec<Operation> = operations.collect();
        if let Some(first) = operations.first_mut() {
            first.at = Some(begins.into());
        }
        let Patience { think, timeout, attempts } = patience;
        let looping = Client { think, timeout: Some(timeout), attempts, ..Client::new(client, operations) };
        let client = self.client(client);
        *client = looping;
        client
    }
    /// A client, made where there is none yet.
    pub fn client(&mut self, id: u32) -> &mut Client {
        let place = self.scenario.clients.iter().position(|client| client.id == ClientId(id));
        let place = place.unwrap_or_else(|| {
            self.scenario.clients.push(Client::new(id, Vec::new()));
            self.scenario.clients.len() - 1
        });
        &mut self.scenario.clients[place]
    }

    /// Something goes wrong.
    pub fn harm(&mut self, when: impl Into<When>, harm: Harm, until: Until) -> &mut Fault {
        self.scenario.faults.push(Fault::new(when.into(), harm, until));
        self.scenario.faults.last_mut().expect("it was just pushed")
    }
    /// The node crashes, loses all that it had not synced, and comes back after `down`.
    pub fn crash(&mut self, when: impl Into<When>, node: NodeId, down: Duration) -> &mut Fault {
        let harm = Harm::Crash { node: Who::Node(node), disk: DiskLoss::All };
        self.harm(when, harm, Until::After(down))
    }
    /// The links from one node to another differ; `None` is any node.
    pub fn link(&mut self, from: Option<NodeId>, to: Option<NodeId>, link: Link) {
        self.scenario.links.push(LinkRule { from, to, link });
    }
    /// Nodes stand in regions: within one, messages take `near`, between two of them `far`.
    pub fn regions(&mut self, regions: &[Vec<NodeId>], near: Link, far: Link) {
        self.scenario.network = far;
        for region in regions {
            for from in region {
                region.iter().filter(|to| *to != from).for_each(|to| self.link(Some(*from), Some(*to), near));
            }
        }
    }
    /// From here on nothing goes wrong any more, and messages take from 1 ms to 5 ms.
    pub fn calm(&mut self, from: Duration) {
        self.scenario.calm = Some((from, Link::between(Duration::from_millis(1), Duration::from_millis(5))));
    }

    /// The case that this oracle judges.
    pub fn judged_by(self, oracle: impl Oracle + 'static) -> Case {
        Case::new(self.scenario, oracle)
    }
}

/// How a client waits.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long it thinks before the next operation, or the next try after a refusal.
    pub think: Duration,
    /// How long it waits for the answer to a try.
    pub timeout: Duration,
    /// How often it tries an operation; what became of it is unknown if none was answered.
    pub attempts: u32,
}

/// A clean link that keeps the order of messages.
pub fn in_order(min: Duration, max: Duration) -> Link {
    Link { fifo: true, ..Link::between(min, max) }
}
/// A link on which some messages take much longer than others: up to `late`, so many in a hundred.
pub fn uneven(max: Duration, late: Duration, percent: u32) -> Link {
    let tail = Tail { chance: Chance::percent(percent), max: late };
    let min = Duration::from_millis(1);
    Link { latency: Latency { min, max: max.max(min), tail: Some(tail) }, ..Link::fixed(min) }
}
