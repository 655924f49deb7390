//! A node that does again what one of the suite's own did in a recorded run.
//!
//! It knows nothing but bytes: what it was handed, and what it asked for then. So the same events bring about the same
//! effects under the same [keys](crate::Key), and the run is the same; and where another node does otherwise than it
//! did, this one still answers what it has answered before, and is silent on the rest.

use lab::{Boot, CallId, Contract, Node, NodeId, Out, Raw, RequestId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a played-back node does when it is handed this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is handed.
    pub cue: Cue,
    /// What it does the first time since its start, the second time, …; from then on what it did the last time.
    pub acts: Vec<Vec<Act>>,
}
/// What a played-back node is handed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the arguments of the handlers of a node")]
pub enum Cue {
    Start,
    Message { from: NodeId, bytes: Vec<u8> },
    Request { bytes: Vec<u8> },
    Timer { timer: Vec<u8> },
    Answer { from: NodeId, bytes: Vec<u8> },
}
/// One effect of a played-back node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the effects of a node")]
pub enum Act {
    Send {
        to: NodeId,
        bytes: Vec<u8>,
    },
    SetTimer {
        after: Duration,
        timer: Vec<u8>,
    },
    CancelTimer {
        timer: Vec<u8>,
    },
    /// To the request that it has been handed.
    Reply {
        bytes: Vec<u8>,
    },
    /// To the `nth` request, from 0, that it has been handed since its start.
    ReplyTo {
        nth: u32,
        bytes: Vec<u8>,
    },
    Emit {
        bytes: Vec<u8>,
    },
    /// To the node that its calls go to, where this names none.
    Call {
        to: Option<NodeId>,
        bytes: Vec<u8>,
    },
}

/// The contract of a node that is played back.
pub(crate) enum Playback {}
impl Contract for Playback {
    const ROLE: &'static str = "playback";
    type Config = Vec<Line>;
    type Request = Raw;
    type Response = Raw;
    type Event = Raw;
    type Status = ();
    type Call = Raw;
    type Answer = Raw;
}

pub(crate) struct Player {
    lines: Vec<Line>,
    /// How often each cue was given.
    given: Vec<usize>,
    /// The requests, in order.
    asked: Vec<RequestId>,
    /// Whom each call went to.
    called: BTreeMap<CallId, NodeId>,
}
impl Node for Player {
    type Contract = Playback;
    type Message = Raw;
    type Timer = Raw;
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let mut player = Player {
            given: vec![0; boot.config.len()],
            lines: boot.config,
            asked: Vec::new(),
            called: BTreeMap::new(),
        };
        player.play(&Cue::Start, None, out);
        player
    }
    fn on_message(&mut self, from: NodeId, message: Raw, out: &mut Out<Self>) {
        self.play(&Cue::Message { from, bytes: message.0 }, None, out);
    }
    fn on_request(&mut self, id: RequestId, request: Raw, out: &mut Out<Self>) {
        self.asked.push(id);
        self.play(&Cue::Request { bytes: request.0 }, Some(id), out);
    }
    fn on_timer(&mut self, timer: Raw, out: &mut Out<Self>) {
        self.play(&Cue::Timer { timer: timer.0 }, None, out);
    }
    fn on_answer(&mut self, call: CallId, answer: Raw, out: &mut Out<Self>) {
        if let Some(from) = self.called.get(&call).copied() {
            self.play(&Cue::Answer { from, bytes: answer.0 }, None, out);
        }
    }
}
impl Player {
    fn play(&mut self, cue: &Cue, request: Option<RequestId>, out: &mut Out<Self>) {
        let Some(place) = self.lines.iter().position(|line| line.cue == *cue) else { return };
        let acts = &self.lines[place].acts;
        let given = self.given[place];
        self.given[place] += 1;
        for act in acts.get(given).or(acts.last()).into_iter().flatten().cloned() {
            match act {
                Act::Send { to, bytes } => out.send(to, Raw(bytes)),
                Act::SetTimer { after, timer } => out.set_timer(after, Raw(timer)),
                Act::CancelTimer { timer } => out.cancel_timer(Raw(timer)),
                Act::Reply { bytes } => request.into_iter().for_each(|id| out.reply(id, Raw(bytes.clone()))),
                Act::ReplyTo { nth, bytes } => {
                    self.asked
                        .get(nth as usize)
                        .into_iter()
                        .for_each(|id| out.reply(*id, Raw(bytes.clone())));
                }
                Act::Emit { bytes } => out.emit(Raw(bytes)),
                Act::Call { to: None, bytes } => _ = out.call(Raw(bytes)),
                Act::Call { to: Some(to), bytes } => {
                    let call = out.call_to(to, Raw(bytes));
                    self.called.insert(call, to);
                }
            }
        }
    }
}
