//! What a student imports.
//!
//! A distributed system is a set of *nodes*. A node is a state machine. It is handed one event at a time: a message, a
//! client's request, a timer. It answers with *effects*, in order: send this, write that, set this timer. Nothing else goes in
//! or out, so a run can be repeated, explained, and crashed between any two effects.
//!
//! ```
//! use lab::bench::Bench;
//! use lab::lamport::{self, Event, Request};
//! use lab::prelude::*;
//!
//! /// Counts its own events and forgets them when it crashes: not yet a good clock.
//! struct Forgetful(u64);
//!
//! impl Node for Forgetful {
//!     type Contract = lamport::Clock; // what the exercise asks of this node
//!     type Message = u64; // what nodes of this kind send each other
//!     type Timer = Nothing; // it never sets a timer
//!
//!     fn start(_boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
//!         Forgetful(0)
//!     }
//!     fn on_request(&mut self, _id: RequestId, _request: Request, out: &mut Out<Self>) {
//!         self.0 += 1;
//!         out.emit(Event::Local { stamp: self.0 });
//!     }
//! }
//!
//! let mut node = Bench::<Forgetful>::new(1, 3, ());
//! let effects = node.request(Request::Local);
//! assert_eq!(format!("{effects:?}"), "[emit Local { stamp: 1 }]");
//! ```
//!
//! | look here | for |
//! |---|---|
//! | [`Node`], [`Out`], [`Boot`] | what you implement, and the effects that your handlers can ask for |
//! | [`Saved`], [`Table`], [`Log`], [`File`] | what survives a crash |
//! | [`bench::Bench`] | trying one node alone in a `#[test]` |
//! | [`Service`] | what nodes call, and how to own one in a `#[test]` |
//! | [`NodeId`], [`Instant`], [`WallTime`] | names of nodes, and the two clocks |
//! | [`lamport`], [`raft`], … | the contracts, one module per exercise: its requests, events, messages and their types |

pub mod bench;
mod bytes;
mod disk;
pub mod frame;
pub mod keys;
mod node;
mod out;
mod role;
mod service;
mod time;

mod contracts;
pub use contracts::*;

pub use bytes::{Raw, checksum, mac};
pub use disk::{Batch, Disk, DiskOp, File, Log, LogImage, LogView, Object, Saved, Table, Torn};
pub use node::{Boot, CallId, Contract, Node, NodeId, Nothing, RequestId, Wire};
pub use out::{Effect, Out, Peers, Sample};
pub use role::{Exercise, Hosted, Role, note_panics};
pub use service::Service;
pub use time::{Instant, WallTime};

/// All that most exercises need: `use lab::prelude::*;`.
pub mod prelude {
    pub use crate::{
        Boot, CallId, File, Instant, Log, Node, NodeId, Nothing, Out, RequestId, Saved, Table, Torn,
        WallTime, Wire,
    };
    pub use serde::{Deserialize, Serialize};
    pub use std::time::Duration;
}
