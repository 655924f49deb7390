//! One node on a workbench: call a handler, look at what it asks for.

use crate::out::Ask;
use crate::{Boot, CallId, Contract, Disk, DiskOp, Effect, Node, NodeId, Out, RequestId};
use std::rc::Rc;
use std::time::Duration;

/// One node, alone, for a `#[test]`. There is no network and no clock here but you.
///
/// See the example at the top of this crate.
pub struct Bench<N: Node> {
    /// The node, to look into.
    pub node: N,
    /// What the node's clocks show; set it to let time pass.
    pub now: Duration,
    disk: Disk,
    unsynced: Vec<DiskOp>,
    ask: Rc<Ask>,
    config: <N::Contract as Contract>::Config,
    events: u64,
    requests: u64,
}

impl<N: Node> Bench<N> {
    /// Starts node `me` of the nodes 1 to `n`, with an empty disk.
    pub fn new(me: u32, n: u32, config: <N::Contract as Contract>::Config) -> Self {
        let peers: Vec<NodeId> = (1..=n).filter(|&id| id != me).map(NodeId).collect();
        let ask = Ask::new(NodeId(me), &peers);
        let (node, effects) = start(&ask, config.clone(), Disk::default());
        let mut bench = Bench {
            node,
            now: Duration::ZERO,
            disk: Disk::default(),
            unsynced: vec![],
            ask,
            config,
            events: 1,
            requests: 0,
        };
        bench.keep(&effects);
        bench
    }
    /// A message arrives.
    pub fn message(&mut self, from: u32, message: N::Message) -> Vec<Effect<N>> {
        self.step(|node, out| node.on_message(NodeId(from), message, out))
    }
    /// A client asks; the request's id is 1 for the first, 2 for the second, and so on.
    pub fn request(&mut self, request: <N::Contract as Contract>::Request) -> Vec<Effect<N>> {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.step(|node, out| node.on_request(id, request, out))
    }
    /// An alarm rings. The bench does not check that it was set.
    pub fn timer(&mut self, timer: N::Timer) -> Vec<Effect<N>> {
        self.step(|node, out| node.on_timer(timer, out))
    }
    /// A service answers.
    pub fn answer(&mut self, call: CallId, answer: <N::Contract as Contract>::Answer) -> Vec<Effect<N>> {
        self.step(|node, out| node.on_answer(call, answer, out))
    }
    /// The power fails: the node loses everything it had not synced, and starts again.
    pub fn crash(&mut self) -> Vec<Effect<N>> {
        self.unsynced.clear();
        self.prepare();
        let (node, effects) = start(&self.ask, self.config.clone(), self.disk.clone());
        self.node = node;
        self.keep(&effects);
        effects
    }

    fn prepare(&mut self) {
        self.ask.now.set(self.now);
        self.ask.wall.set(self.now);
        self.ask.entropy.set(self.events);
        self.ask.draws.set(0);
        self.events += 1;
    }
    fn step(&mut self, handler: impl FnOnce(&mut N, &mut Out<N>)) -> Vec<Effect<N>> {
        self.prepare();
        let mut out = Out::new(&self.ask);
        handler(&mut self.node, &mut out);
        self.keep(&out.effects);
        out.effects
    }
    fn keep(&mut self, effects: &[Effect<N>]) {
        for effect in effects {
            match effect {
                Effect::Disk(op) => self.unsynced.push(op.clone()),
                Effect::Sync => self.unsynced.drain(..).for_each(|op| self.disk.apply(&op)),
                _ => {}
            }
        }
    }
}
fn start<N: Node>(
    ask: &Rc<Ask>,
    config: <N::Contract as Contract>::Config,
    disk: Disk,
) -> (N, Vec<Effect<N>>) {
    let mut out = Out::new(ask);
    let boot = Boot { me: ask.me, peers: ask.peers.to_vec(), config, disk };
    (N::start(boot, &mut out), out.effects)
}
