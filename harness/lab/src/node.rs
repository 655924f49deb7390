//! The node: what a student implements.

use crate::{Disk, Out};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;

/// Anything that can cross the network or lie on a disk.
///
/// You never implement it: `#[derive(Debug, Serialize, Deserialize)]` on your type is all it takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent or stored",
    label = "not a `Wire` type",
    note = "put `#[derive(Debug, Serialize, Deserialize)]` on `{Self}`"
)]
pub trait Wire: Serialize + DeserializeOwned + fmt::Debug + 'static {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + fmt::Debug + 'static> Wire for T {}

/// What an exercise fixes for one role of its system. Students name a contract, they never write one.
pub trait Contract: 'static {
    /// The role's name, unique over all exercises: `"lamport"`, `"courier/sender"`.
    const ROLE: &'static str;
    /// What a node of this role is told when it starts.
    type Config: Wire + Clone;
    /// What clients ask of it.
    type Request: Wire;
    /// What it answers them.
    type Response: Wire;
    /// What it announces with [`Out::emit`].
    type Event: Wire;
    /// What [`Node::status`] shows of its state.
    type Status: Wire + Default;
    /// What it asks of a service with [`Out::call`].
    type Call: Wire;
    /// What the service answers.
    type Answer: Wire;
}

/// "This exercise has none": a value of this type cannot be built, so none ever arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Nothing {}

/// The name of a node, the same in every run of a world. Shows as `n3`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);
impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}
impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// One *delivery* of a client's request: where to send the answer, with [`Out::reply`].
///
/// Unique in a world, over restarts too. It does not say which operation is asked for: a client that tries
/// again sends the same operation under a new `RequestId`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// One call to a service, from [`Out::call`]. Unique for a node, over restarts too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub u64);

/// What a node has when it starts. Every field may be moved out on its own.
#[non_exhaustive]
pub struct Boot<N: Node> {
    /// This node.
    pub me: NodeId,
    /// Every other node it can talk to, in order of id.
    pub peers: Vec<NodeId>,
    /// What the exercise tells it.
    pub config: <N::Contract as Contract>::Config,
    /// All that is left from before: what had been synced, perhaps more. Empty at the first start.
    pub disk: Disk,
}

impl<N: Node> Boot<N> {
    /// What a node inside this one starts with (a log inside a store): who it is, its peers and its disk are this node's, so
    /// the two must not give one name to different things on it.
    pub fn inner<I: Node>(&self, config: <I::Contract as Contract>::Config) -> Boot<I> {
        Boot { me: self.me, peers: self.peers.clone(), config, disk: self.disk.clone() }
    }
}

/// One participant of a distributed system, as a state machine.
///
/// The world calls one handler at a time, and what the handler asks of `out` happens after it returns, in
/// order. The node may crash between any two of these effects: whatever lived in `self` is gone then, and
/// [`Node::start`] is called again with what the disk kept.
///
/// Keep all state in `self`. A `static` would be shared with other runs, and would survive a crash that
/// should have taken it.
pub trait Node: Sized + 'static {
    /// What the exercise fixes for this role; see the exercise's module in `lab`.
    type Contract: Contract;
    /// What nodes say to each other.
    type Message: Wire;
    /// The names of this node's alarms; see [`Out::set_timer`].
    type Timer: Wire;

    /// The first start, and again after every crash.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self;

    /// `message` arrived from `from`: perhaps late, twice, or out of order, as the network pleases.
    fn on_message(&mut self, from: NodeId, message: Self::Message, out: &mut Out<Self>) {
        let _ = (from, message, out);
    }

    /// A client asks. Answer with `out.reply(id, …)`, now or in a later handler.
    fn on_request(
        &mut self,
        id: RequestId,
        request: <Self::Contract as Contract>::Request,
        out: &mut Out<Self>,
    ) {
        let _ = (id, request, out);
    }

    /// An alarm set with [`Out::set_timer`] rang.
    fn on_timer(&mut self, timer: Self::Timer, out: &mut Out<Self>) {
        let _ = (timer, out);
    }

    /// A service answered the call that [`Out::call`] gave this id.
    fn on_answer(&mut self, call: CallId, answer: <Self::Contract as Contract>::Answer, out: &mut Out<Self>) {
        let _ = (call, answer, out);
    }

    /// What you would show an operator. Reports and fault triggers look at it; it can lose you points
    /// where it contradicts what you do, and never win any.
    fn status(&self) -> <Self::Contract as Contract>::Status {
        Default::default()
    }
}
