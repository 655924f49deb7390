//! Who asks what of the nodes.

use super::fault::When;
use super::pattern::Matcher;
use crate::names::{ClientId, OperationId};
use lab::{Contract, NodeId};
use std::time::Duration;

/// Someone outside the system, with no latency to the node it asks.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its name; below 2^23.
    pub id: ClientId,
    /// What it asks.
    pub operations: Vec<Operation>,
    /// How long it waits after an operation has ended before the next that has no time of its own.
    pub think: Duration,
    /// How long it waits for an answer; for ever if `None`.
    pub timeout: Option<Duration>,
    /// How often it tries an operation, at most 255 times; each try is a new delivery, at the next node of
    /// the operation's list.
    pub attempts: u32,
    /// Which answers end an operation; `None` for all. Others refuse a try: the next comes after `think`. The
    /// refusal of the last try ends the operation as it is.
    pub accepts: Option<Matcher>,
}
impl Client {
    /// A client that tries each operation once and waits for ever.
    pub fn new(id: u32, operations: Vec<Operation>) -> Client {
        Client {
            id: ClientId(id),
            operations,
            think: Duration::ZERO,
            timeout: None,
            attempts: 1,
            accepts: None,
        }
    }
}

/// One thing a client asks.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its name, unique in its client.
    pub id: OperationId,
    /// When; `None` for when the operation before it has ended, and the client has thought.
    pub at: Option<When>,
    /// Whom: the nodes to try, in turn.
    pub to: Vec<NodeId>,
    /// What, encoded.
    pub request: Vec<u8>,
}
impl Operation {
    /// Asked at a time.
    pub fn at<C: Contract>(id: u32, at: Duration, to: NodeId, request: &C::Request) -> Operation {
        Operation { at: Some(When::At(at)), ..Operation::next::<C>(id, to, request) }
    }
    /// Asked when the one before has ended.
    pub fn next<C: Contract>(id: u32, to: NodeId, request: &C::Request) -> Operation {
        Operation { id: OperationId(id), at: None, to: vec![to], request: lab::frame::encode(request) }
    }
}
