//! Exercise `rpc`: a call to another machine ends in one of three ways.
//!
//! Birrell and Nelson, *Implementing Remote Procedure Calls*, 1984, sections 3.1 and 3.2; Waldo, Wyant, Wollrath and Kendall, *A Note on
//! Distributed Computing*, 1994, section 4.3.
//!
//! One node is yours, the [`Caller`]. The servers are its peers. They belong to the harness, and there is at least one.
//!
//! What you may rely on:
//!
//! - **A server** executes each `id` of a caller at most once, remembers that for ever, and answers every copy of this `id` that
//!   arrives later with the same [`Message::Done`]. A server may refuse a copy with [`Message::Refused`]: it has not executed the
//!   operation for *this* copy, and it never will. A refusal says nothing about other copies. A server may also be silent. Servers
//!   never crash.
//! - **The network** loses messages, delays them, and lets them overtake each other. What the caller sends arrives at most once.
//!   What servers send may arrive twice.
//! - **The caller** may crash. A client whose call was open then hears nothing about it. Its wall clock may be wrong, jump, or stand
//!   still, so no `id` is new because the time is.
//! - Nobody but the servers sends the caller messages. Any number of calls may be open, and a caller refuses none of them.

use crate::{Exercise, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What a caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// How long to wait before asking a server again for the same call, whether the server is silent or has refused a copy. On a
    /// clean network, a message and its answer take at most an eighth of this.
    pub resend: Duration,
}

/// What a client asks of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Have a server execute an operation once. Two calls may be equal, and they are still two calls.
    Call {
        /// The server.
        server: NodeId,
        /// What the server is to execute.
        body: u64,
        /// The call is answered at most so long after it was made, by this node's stopwatch: that is its deadline. It may be zero.
        within: Duration,
    },
}

/// How a call ended.
///
/// A call whose server could have answered it in time on a clean network must not end in [`Response::Failed`] or
/// [`Response::Unknown`] because messages were lost for a part of that time: copies are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// The server has executed the operation, and this is its answer to this very call.
    Ok {
        /// The answer.
        answer: u64,
    },
    /// The operation was not executed, and it never will be. That is certain only if every copy that was sent has been refused,
    /// or if no copy was sent. A caller sends no copy only if the call has no time.
    Failed,
    /// The time is over, and the caller is sure of neither. It must not say this if it could know: no answer has arrived, and at
    /// least one copy was sent that has not been refused.
    Unknown,
}

/// What callers and servers say to each other.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// From the caller: one copy of a call.
    Ask {
        /// Which call this is. All copies of a call that the server may still execute have the same `id`. No two calls to one server
        /// have the same `id`, not even if the caller has crashed between them.
        id: u64,
        /// Which copy this is. No two copies of one `id` have the same number.
        copy: u32,
        /// What the server is to execute.
        body: u64,
    },
    /// From a server: the operation was executed.
    Done {
        /// Of this call.
        id: u64,
        /// The answer.
        answer: u64,
    },
    /// From a server: it does not execute the operation for this copy. Of other copies, that says nothing.
    Refused {
        /// Of this call.
        id: u64,
        /// The copy that is refused.
        copy: u32,
    },
}
/// Shows as `Ask #12, copy 2: 7`, `Done #12: 2001`, `Refused #12, copy 2`.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Ask { id, copy, body } => write!(f, "Ask #{id}, copy {copy}: {body}"),
            Message::Done { id, answer } => write!(f, "Done #{id}: {answer}"),
            Message::Refused { id, copy } => write!(f, "Refused #{id}, copy {copy}"),
        }
    }
}

role! {
    /// A node that calls servers for its clients. It emits nothing.
    Caller as "rpc/caller" { Config = Config, Request = Request, Response = Response }
}

/// The exercise, as the harness hosts it.
pub fn exercise<C: Node<Contract = Caller, Message = Message>>() -> Exercise {
    Exercise { name: "rpc", roles: vec![Role::node::<C>()] }
}
