//! What a handler asks for (effects), and the questions that it may ask.

use crate::disk::{Batch, File, Log, Saved, Table, writes};
use crate::{CallId, Contract, DiskOp, Instant, Node, NodeId, RequestId, WallTime, Wire};
use std::cell::Cell;
use std::fmt::{self, Debug};
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

/// One effect of a handler. The node may crash between any two effects.
#[non_exhaustive]
pub enum Effect<N: Node> {
    /// A message to one node.
    Send(NodeId, N::Message),
    /// A message to every peer: one send for each, in order of id.
    Broadcast(N::Message),
    /// Sets a timer that fires after this long.
    SetTimer(Duration, N::Timer),
    /// Cancels a timer.
    CancelTimer(N::Timer),
    /// An answer to a client.
    Reply(RequestId, <N::Contract as Contract>::Response),
    /// An event that the node announces.
    Emit(<N::Contract as Contract>::Event),
    /// A call to a service.
    Call(CallId, <N::Contract as Contract>::Call),
    /// A call to this service, if the exercise has several.
    CallTo(NodeId, CallId, <N::Contract as Contract>::Call),
    /// A write, not yet durable.
    Disk(DiskOp),
    /// Waits until all writes so far are durable.
    Sync,
}
impl<N: Node> Debug for Effect<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Send(to, message) => write!(f, "send {to} {message:?}"),
            Effect::Broadcast(message) => write!(f, "broadcast {message:?}"),
            Effect::SetTimer(after, timer) => write!(f, "set timer {timer:?} in {after:?}"),
            Effect::CancelTimer(timer) => write!(f, "cancel timer {timer:?}"),
            Effect::Reply(id, response) => write!(f, "reply #{} {response:?}", id.0),
            Effect::Emit(event) => write!(f, "emit {event:?}"),
            Effect::Call(id, call) => write!(f, "call #{} {call:?}", id.0),
            Effect::CallTo(to, id, call) => write!(f, "call {to} #{} {call:?}", id.0),
            Effect::Disk(op) => write!(f, "{op:?}"),
            Effect::Sync => f.write_str("sync"),
        }
    }
}

/// What the questions of an [`Out`] are answered from; shared with the `Out` of an inner node.
pub(crate) struct Ask {
    pub(crate) me: NodeId,
    pub(crate) peers: Rc<[NodeId]>,
    pub(crate) now: Cell<Duration>,
    pub(crate) wall: Cell<Duration>,
    pub(crate) entropy: Cell<u64>,
    pub(crate) draws: Cell<u64>,
    pub(crate) next_call: Cell<u64>,
}
impl Ask {
    pub(crate) fn new(me: NodeId, peers: &[NodeId]) -> Rc<Ask> {
        Rc::new(Ask {
            me,
            peers: peers.into(),
            now: Cell::default(),
            wall: Cell::default(),
            entropy: Cell::default(),
            draws: Cell::default(),
            next_call: Cell::default(),
        })
    }
}

/// Collects the effects of a handler, in order, and answers its questions about clocks, peers and random numbers.
pub struct Out<N: Node> {
    pub(crate) effects: Vec<Effect<N>>,
    pub(crate) ask: Rc<Ask>,
}

impl<N: Node> Out<N> {
    pub(crate) fn new(ask: &Rc<Ask>) -> Self {
        Out { effects: Vec::new(), ask: ask.clone() }
    }

    /// Sends a message. The network may lose it, delay it, reorder it or duplicate it. A node may send to itself; such a
    /// message takes the same way.
    pub fn send(&mut self, to: NodeId, message: N::Message) {
        self.effects.push(Effect::Send(to, message));
    }
    /// One [`send`](Out::send) to every peer, in order of id. A crash may fall between two of them.
    pub fn broadcast(&mut self, message: N::Message) {
        self.effects.push(Effect::Broadcast(message));
    }
    /// Sets a timer: [`Node::on_timer`] is called once, `after` this long on this node's own clock (at least a microsecond).
    ///
    /// A timer is a name. Setting an equal one again restarts it. So `Resend { to }` is one timer per node, and the data that
    /// the timer is about stays in `self`. A crash cancels all timers.
    pub fn set_timer(&mut self, after: Duration, timer: N::Timer) {
        self.effects.push(Effect::SetTimer(after, timer));
    }
    /// Cancels a timer: it will not fire. If it is not set, nothing happens.
    pub fn cancel_timer(&mut self, timer: N::Timer) {
        self.effects.push(Effect::CancelTimer(timer));
    }
    /// Answers a client. A second answer to one request is not delivered.
    pub fn reply(&mut self, to: RequestId, response: <N::Contract as Contract>::Response) {
        self.effects.push(Effect::Reply(to, response));
    }
    /// Announces an event of the exercise. The checks judge what your nodes emit.
    pub fn emit(&mut self, event: <N::Contract as Contract>::Event) {
        self.effects.push(Effect::Emit(event));
    }
    /// Calls the service of this exercise. [`Node::on_answer`] gets the answer, if one arrives. If the call or the answer is
    /// lost, nothing arrives: set a timer if that matters.
    pub fn call(&mut self, call: <N::Contract as Contract>::Call) -> CallId {
        let id = self.next_call();
        self.effects.push(Effect::Call(id, call));
        id
    }
    /// Calls this service, if the exercise has several. A node that is no service does not receive calls: nodes send each
    /// other messages.
    pub fn call_to(&mut self, service: NodeId, call: <N::Contract as Contract>::Call) -> CallId {
        let id = self.next_call();
        self.effects.push(Effect::CallTo(service, id, call));
        id
    }
    fn next_call(&self) -> CallId {
        CallId(self.ask.next_call.replace(self.ask.next_call.get() + 1))
    }
    /// Writes that survive a crash together or not at all:
    /// `out.atomic(|all| { all.append(LOG, &record); all.put(SEEN, &id, &()); })`.
    pub fn atomic(&mut self, writes: impl FnOnce(&mut Batch)) {
        let mut batch = Batch::default();
        writes(&mut batch);
        self.push_disk(DiskOp::All(batch.0));
    }
    /// Waits until every write so far is durable.
    ///
    /// The handler itself does not stop here; its *effects* do. The effects that follow a sync happen after it, and no other
    /// handler of this node runs before they have. If the node crashes in between, they never happen.
    pub fn sync(&mut self) {
        self.effects.push(Effect::Sync);
    }

    /// This node.
    pub fn me(&self) -> NodeId {
        self.ask.me
    }
    /// Every other node it can talk to, in order of id. `out.peers().len()` counts them.
    pub fn peers(&self) -> Peers {
        Peers { all: self.ask.peers.clone(), next: 0 }
    }
    /// This node's stopwatch at the beginning of the handler.
    pub fn now(&self) -> Instant {
        Instant(self.ask.now.get())
    }
    /// This node's wall clock at the beginning of the handler.
    pub fn wall_clock(&self) -> WallTime {
        WallTime(self.ask.wall.get())
    }
    /// A random number or duration in the range. It is the same whenever this run is repeated.
    ///
    /// # Panics
    /// If the range is empty.
    pub fn random<T: Sample>(&self, range: Range<T>) -> T {
        let nth = self.ask.draws.replace(self.ask.draws.get() + 1);
        T::pick(range, mix(self.ask.entropy.get() ^ mix(nth)))
    }

    /// An `Out` for a node inside this one (a log inside a store). It has the same identity, clocks and randomness, and
    /// effects of its own.
    pub fn inner<I: Node>(&self) -> Out<I> {
        Out { effects: Vec::new(), ask: self.ask.clone() }
    }
    /// Takes over the effects of an inner node. Its messages and timers are wrapped in this node's own. Its emits and replies
    /// come back, in order, for you to act on.
    pub fn absorb<I>(
        &mut self,
        inner: Out<I>,
        message: impl Fn(I::Message) -> N::Message,
        timer: impl Fn(I::Timer) -> N::Timer,
    ) -> Vec<Effect<I>>
    where
        I: Node<Contract: Contract<Call = <N::Contract as Contract>::Call>>,
    {
        let mut for_you = Vec::new();
        for effect in inner.effects {
            self.effects.push(match effect {
                Effect::Send(to, m) => Effect::Send(to, message(m)),
                Effect::Broadcast(m) => Effect::Broadcast(message(m)),
                Effect::SetTimer(after, t) => Effect::SetTimer(after, timer(t)),
                Effect::CancelTimer(t) => Effect::CancelTimer(timer(t)),
                Effect::Call(id, call) => Effect::Call(id, call),
                Effect::CallTo(to, id, call) => Effect::CallTo(to, id, call),
                Effect::Disk(op) => Effect::Disk(op),
                Effect::Sync => Effect::Sync,
                Effect::Reply(..) | Effect::Emit(_) => {
                    for_you.push(effect);
                    continue;
                }
            });
        }
        for_you
    }

    fn push_disk(&mut self, op: DiskOp) {
        self.effects.push(Effect::Disk(op));
    }
}
writes!(Out<N>, [<N: Node>], push_disk);

/// The peers of a node: an iterator that borrows nothing, so that `for peer in out.peers()` may use `out`.
#[derive(Debug, Clone)]
pub struct Peers {
    all: Rc<[NodeId]>,
    next: usize,
}
impl Iterator for Peers {
    type Item = NodeId;
    fn next(&mut self) -> Option<NodeId> {
        let peer = self.all.get(self.next).copied();
        self.next += usize::from(peer.is_some());
        peer
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.all.len() - self.next;
        (left, Some(left))
    }
}
impl ExactSizeIterator for Peers {}

/// What [`Out::random`] can draw: integers and durations.
#[diagnostic::on_unimplemented(message = "`random` draws integers and durations, not `{Self}`")]
pub trait Sample: Sized {
    /// The value of `range` that 64 random bits stand for.
    fn pick(range: Range<Self>, bits: u64) -> Self;
}
macro_rules! integers {
    ($($t:ty)*) => { $(
        impl Sample for $t {
            fn pick(range: Range<$t>, bits: u64) -> $t {
                let Range { start, end } = range;
                assert!(start < end, "random: the range {start}..{end} is empty");
                let span = (end as i128 - start as i128) as u128;
                (start as i128 + ((u128::from(bits) * span) >> 64) as i128) as $t
            }
        }
    )* };
}
integers!(u8 u16 u32 u64 usize i32 i64);
impl Sample for Duration {
    fn pick(range: Range<Duration>, bits: u64) -> Duration {
        let ns = |d: Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
        assert!(range.start < range.end, "random: the range {:?}..{:?} is empty", range.start, range.end);
        Duration::from_nanos(u64::pick(ns(range.start)..ns(range.end), bits))
    }
}

/// SplitMix64's finalizer (Steele, Lea, Flood 2014): spreads bits; hides nothing, and need not: what it
/// expands in a node is already the output of the world's PRF for this one event.
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
