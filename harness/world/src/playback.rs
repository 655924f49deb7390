//! A node that does again what one of the suite's own did in a recorded run.
//!
//! It knows nothing but bytes: what it was handed, and what it asked for then. So the same events bring about the same
//! effects under the same [keys](crate::Key), and the run is the same; and where another node does otherwise than it
//! did, this one still answers what it has answered before, and is silent on the rest.

use lab::{Boot, CallId, Contract, Node, NodeId, Nothing, Out, RequestId};
use serde::de::{SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
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
    Emit {
        bytes: Vec<u8>,
    },
}

/// The contract of a node that is played back.
pub(crate) enum Playback {}
impl Contract for Playback {
    const ROLE: &'static str = "playback";
    type Config = Vec<Line>;
    type Request = Verbatim;
    type Response = Verbatim;
    type Event = Verbatim;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}

pub(crate) struct Player {
    lines: Vec<Line>,
    /// How often each cue was given.
    given: Vec<usize>,
}
impl Node for Player {
    type Contract = Playback;
    type Message = Verbatim;
    type Timer = Verbatim;
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let mut player = Player { given: vec![0; boot.config.len()], lines: boot.config };
        player.play(&Cue::Start, None, out);
        player
    }
    fn on_message(&mut self, from: NodeId, message: Verbatim, out: &mut Out<Self>) {
        self.play(&Cue::Message { from, bytes: message.0 }, None, out);
    }
    fn on_request(&mut self, id: RequestId, request: Verbatim, out: &mut Out<Self>) {
        self.play(&Cue::Request { bytes: request.0 }, Some(id), out);
    }
    fn on_timer(&mut self, timer: Verbatim, out: &mut Out<Self>) {
        self.play(&Cue::Timer { timer: timer.0 }, None, out);
    }
    fn on_answer(&mut self, _: CallId, answer: Nothing, _: &mut Out<Self>) {
        match answer {}
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
                Act::Send { to, bytes } => out.send(to, Verbatim(bytes)),
                Act::SetTimer { after, timer } => out.set_timer(after, Verbatim(timer)),
                Act::CancelTimer { timer } => out.cancel_timer(Verbatim(timer)),
                Act::Reply { bytes } => {
                    request.into_iter().for_each(|id| out.reply(id, Verbatim(bytes.clone())))
                }
                Act::Emit { bytes } => out.emit(Verbatim(bytes)),
            }
        }
    }
}

/// Somebody's encoding, which is its own: without a length in front, unlike that of a vector.
#[derive(Debug, Clone)]
pub(crate) struct Verbatim(Vec<u8>);
impl Serialize for Verbatim {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut tuple = to.serialize_tuple(self.0.len())?;
        self.0.iter().try_for_each(|byte| tuple.serialize_element(byte))?;
        tuple.end()
    }
}
impl<'de> Deserialize<'de> for Verbatim {
    /// All that is left.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Rest;
        impl<'de> Visitor<'de> for Rest {
            type Value = Verbatim;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut rest: A) -> Result<Verbatim, A::Error> {
                let mut bytes = Vec::new();
                // an encoding has an end and does not say where: one more byte is asked for than there are
                while let Ok(Some(byte)) = rest.next_element() {
                    bytes.push(byte);
                }
                Ok(Verbatim(bytes))
            }
        }
        from.deserialize_tuple(usize::MAX, Rest)
    }
}
