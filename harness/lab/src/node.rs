//! The node: what a student implements.

use crate::{Disk, Out};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;

/// Anything that can be sent or stored.
///
/// You never implement it: put `#[derive(Debug, Serialize, Deserialize)]` on your type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent or stored",
    label = "not a `Wire` type",
    note = "put `#[derive(Debug, Serialize, Deserialize)]` on `{Self}`"
)]
pub trait Wire: Serialize + DeserializeOwned + fmt::Debug + 'static {}
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + fmt::Debug + 'static> Wire for T {}

/// What an exercise fixes for one role of its system. You name a contract; you never write one.
pub trait Contract: 'static {
    /// The role's name, unique over all exercises: `"lamport"`, `"courier/sender"`.
    const ROLE: &'static str;
    /// What a node of this role is told when it starts.
    type Config: Wire + Clone;
    /// What clients ask of the node.
    type Request: Wire;
    /// What the node answers.
    type Response: Wire;
    /// What the node announces with [`Out::emit`].
    type Event: Wire;
    /// What [`Node::status`] shows of its state.
    type Status: Wire + Default;
    /// What the node asks of a service with [`Out::call`].
    type Call: Wire;
    /// What the service answers.
    type Answer: Wire;
}

/// "This exercise has none": a value of this type cannot be built, so none ever arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Nothing {}

/// The name of a node, the same over all its restarts. It shows as `n3`.
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

/// One *delivery* of a client's request. [`Out::reply`] needs it.
///
/// It is unique in a run, over restarts, too. It does not say which operation the client asks for: a client that tries again
/// sends the same operation under a new `RequestId`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// One call to a service, from [`Out::call`]. It is unique for a node, over restarts, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub u64);

/// What a node has when it starts. You may move each field out of it.
#[non_exhaustive]
pub struct Boot<N: Node> {
    /// This node.
    pub me: NodeId,
    /// Every other node it can talk to, in order of id.
    pub peers: Vec<NodeId>,
    /// What the exercise tells it.
    pub config: <N::Contract as Contract>::Config,
    /// What is left after a crash: everything that was synced, and perhaps more. At the first start it is empty.
    pub disk: Disk,
}

impl<N: Node> Boot<N> {
    /// What a node inside this one starts with (a log inside a store). Its name, its peers and its disk are those of this
    /// node. So the two must not use one name for different objects on the disk.
    pub fn inner<I: Node>(&self, config: <I::Contract as Contract>::Config) -> Boot<I> {
        Boot { me: self.me, peers: self.peers.clone(), config, disk: self.disk.clone() }
    }
}

/// One participant of a distributed system, as a state machine.
///
/// The run calls one handler at a time. The effects that the handler asks of `out` happen after it returns, in order. The node
/// may crash between any two of these effects. Then everything in `self` is lost, and [`Node::start`] is called again with
/// what the disk kept.
///
/// Keep all state in `self`. A `static` would be shared with other runs, and would survive a crash.
pub trait Node: Sized + 'static {
    /// What the exercise fixes for this role; see the exercise's module in `lab`.
    type Contract: Contract;
    /// What nodes send each other.
    type Message: Wire;
    /// The names of this node's timers; see [`Out::set_timer`].
    type Timer: Wire;

    /// The first start, and again after every crash.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self;

    /// A message arrived. It may be late, a duplicate, or out of order.
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

    /// A timer that was set with [`Out::set_timer`] fires.
    fn on_timer(&mut self, timer: Self::Timer, out: &mut Out<Self>) {
        let _ = (timer, out);
    }

    /// A service answered the call that has this id, from [`Out::call`].
    fn on_answer(&mut self, call: CallId, answer: <Self::Contract as Contract>::Answer, out: &mut Out<Self>) {
        let _ = (call, answer, out);
    }

    /// What you would show an operator. Reports show it. It can lose you points if it contradicts what the node does, and it
    /// never wins any.
    fn status(&self) -> <Self::Contract as Contract>::Status {
        Default::default()
    }
}
