//! One node on a workbench: call a handler, and look at its effects.

use crate::out::Ask;
use crate::{Boot, CallId, Contract, Disk, DiskOp, Effect, Node, NodeId, Out, RequestId, Service};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// One node, alone, for a `#[test]`. There is no network and no clock: the test plays both.
///
/// See the example at the top of this crate.
pub struct Bench<N: Node> {
    /// The node, for assertions about its state.
    pub node: N,
    /// What the node's clocks show. Set it to let time pass.
    pub now: Duration,
    disk: Disk,
    unsynced: Vec<DiskOp>,
    ask: Rc<Ask>,
    config: <N::Contract as Contract>::Config,
    events: u64,
    requests: u64,
    started: Vec<Effect<N>>,
}

impl<N: Node> Bench<N> {
    /// Starts node `me` of the nodes 1 to `n`, with an empty disk. [`Bench::started`] has the effects of the start.
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
            started: Vec::new(),
        };
        bench.keep(&effects);
        bench.started = effects;
        bench
    }
    /// The effects of the node's first start. The second time, there are none.
    pub fn started(&mut self) -> Vec<Effect<N>> {
        std::mem::take(&mut self.started)
    }
    /// A message arrives.
    pub fn message(&mut self, from: u32, message: N::Message) -> Vec<Effect<N>> {
        self.step(|node, out| node.on_message(NodeId(from), message, out))
    }
    /// A client asks. The request's id is 1 for the first request, 2 for the second, and so on.
    pub fn request(&mut self, request: <N::Contract as Contract>::Request) -> Vec<Effect<N>> {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.step(|node, out| node.on_request(id, request, out))
    }
    /// A timer fires. The bench does not check that it was set.
    pub fn timer(&mut self, timer: N::Timer) -> Vec<Effect<N>> {
        self.step(|node, out| node.on_timer(timer, out))
    }
    /// A service answers.
    pub fn answer(&mut self, call: CallId, answer: <N::Contract as Contract>::Answer) -> Vec<Effect<N>> {
        self.step(|node, out| node.on_answer(call, answer, out))
    }
    /// Hands each call among these effects to `service` and its answer to the node, and so on with what the node asks for then.
    /// Returns all the other effects, in order.
    ///
    /// ```
    /// use lab::bench::Bench;
    /// use lab::idempotency::{Bank, Call, Caller, Config, Payment, Payments, Request, Response};
    /// use lab::Service;
    /// use lab::prelude::*;
    ///
    /// /// Asks the bank, and is wrong in many ways.
    /// struct Hasty(Option<RequestId>);
    /// impl Node for Hasty {
    ///     type Contract = Payments;
    ///     type Message = Nothing;
    ///     type Timer = Nothing;
    ///     fn start(_: Boot<Self>, _: &mut Out<Self>) -> Self {
    ///         Hasty(None)
    ///     }
    ///     fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
    ///         self.0 = Some(id);
    ///         out.call(Call { key: request.key, payment: request.payment });
    ///     }
    ///     fn on_answer(&mut self, _: CallId, _: lab::idempotency::Answer, out: &mut Out<Self>) {
    ///         self.0.take().into_iter().for_each(|id| out.reply(id, Response::Rejected));
    ///     }
    /// }
    ///
    /// let mut bank = Bank::open(Default::default());
    /// let mut node = Bench::<Hasty>::new(1, 1, Config::default());
    /// let payment = Payment { account: 7, cents: 1_250 };
    /// let effects = node.request(Request { caller: Caller(1), key: "tea".into(), payment });
    /// let effects = node.serve(effects, &mut bank);
    /// assert_eq!(format!("{effects:?}"), "[reply #1 Rejected]");
    /// assert_eq!(bank.charges().len(), 1);
    /// ```
    pub fn serve<S>(&mut self, effects: Vec<Effect<N>>, service: &mut S) -> Vec<Effect<N>>
    where
        S: Service<Call = <N::Contract as Contract>::Call, Answer = <N::Contract as Contract>::Answer>,
    {
        let mut others = Vec::new();
        let mut waiting = VecDeque::from(effects);
        while let Some(effect) = waiting.pop_front() {
            match effect {
                Effect::Call(id, call) => {
                    let answer = service.handle(self.now, self.ask.me, &call);
                    waiting.extend(self.answer(id, answer));
                }
                other => others.push(other),
            }
        }
        others
    }
    /// The node crashes, loses everything that it has not synced, and starts again.
    pub fn crash(&mut self) -> Vec<Effect<N>> {
        self.crash_with(|_| {})
    }
    /// The same, and this happens to its disk while the node is down: [`Disk::flip`] flips a bit of a file, and
    /// [`Disk::append_to`] adds bytes that nobody wrote.
    pub fn crash_with(&mut self, damage: impl FnOnce(&mut Disk)) -> Vec<Effect<N>> {
        self.unsynced.clear();
        damage(&mut self.disk);
        self.prepare();
        let (node, effects) = start(&self.ask, self.config.clone(), self.disk.clone());
        self.node = node;
        self.keep(&effects);
        effects
    }

    /// What is durable: what the node would find on its disk if it crashed now.
    pub fn disk(&self) -> &Disk {
        &self.disk
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
