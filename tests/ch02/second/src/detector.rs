//! `detector` by asking. A node asks its peers in turn whether they are up, each of them every two intervals, and counts only answers. At
//! each question it looks at how long every peer has been silent. Its patience with a peer doubles with each mistake about it.

use lab::detector::{self as contract, Config, Event};
use lab::prelude::*;
use std::collections::VecDeque;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Message {
    Ask,
    Answer,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick;

pub struct Detector {
    config: Config,
    /// The first one is the next to be asked.
    watches: VecDeque<Watch>,
}
struct Watch {
    node: NodeId,
    heard: Instant,
    is_suspected: bool,
    /// This peer may be silent for so many times seven intervals: that is three questions.
    factor: u32,
}

impl Node for Detector {
    type Contract = contract::Detector;
    type Message = Message;
    type Timer = Tick;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let heard = out.now();
        let watches = out.peers().map(|node| Watch { node, heard, is_suspected: false, factor: 1 }).collect();
        out.set_timer(Duration::ZERO, Tick);
        Detector { config: boot.config, watches }
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        if let Message::Ask = message {
            return out.send(from, Message::Answer);
        }
        let Some(watch) = self.watches.iter_mut().find(|watch| watch.node == from) else { return };
        watch.heard = out.now();
        if std::mem::replace(&mut watch.is_suspected, false) {
            watch.factor = watch.factor.saturating_mul(2);
            out.emit(Event::Trust { node: from });
        }
    }

    fn on_timer(&mut self, Tick: Tick, out: &mut Out<Self>) {
        let Config { interval, .. } = self.config;
        for watch in &mut self.watches {
            let patience = 7 * interval * watch.factor.min(10_000);
            if !watch.is_suspected && out.now() - watch.heard > patience {
                watch.is_suspected = true;
                out.emit(Event::Suspect { node: watch.node });
            }
        }
        let peers = self.watches.len() as u32;
        if let Some(watch) = self.watches.front() {
            out.send(watch.node, Message::Ask);
            out.set_timer(2 * interval / peers, Tick);
            self.watches.rotate_left(1);
        }
    }
}
