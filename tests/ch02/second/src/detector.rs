//! `detector` by asking. At each tick a node asks the next peer in turn whether it is up, and looks at how long each peer has been
//! silent. How long it waits follows the round trips that it measures (Jacobson 1988: their mean and four times their deviation) and a
//! factor, which doubles with each mistake about this peer.

use lab::detector::{self as contract, Config, Event};
use lab::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Message {
    Ask { serial: u64 },
    Answer { serial: u64 },
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick;

pub struct Detector {
    config: Config,
    watches: Vec<Watch>,
    /// Whose turn it is.
    next: usize,
    serial: u64,
}
struct Watch {
    node: NodeId,
    heard: Instant,
    factor: u32,
    is_suspected: bool,
    round_trip: RoundTrip,
    /// When each question that is not answered was asked.
    asked: BTreeMap<u64, Instant>,
}
/// What is known of the time between a question and its answer.
#[derive(Default)]
struct RoundTrip {
    mean: Option<Duration>,
    deviation: Duration,
}
impl RoundTrip {
    fn measure(&mut self, took: Duration) {
        let Some(mean) = self.mean else {
            (self.mean, self.deviation) = (Some(took), took / 2);
            return;
        };
        self.deviation = (self.deviation * 3 + took.abs_diff(mean)) / 4;
        self.mean = Some((mean * 7 + took) / 8);
    }
    fn bound(&self) -> Duration {
        self.mean.unwrap_or_default() + 4 * self.deviation
    }
}
impl Watch {
    fn patience(&self, interval: Duration) -> Duration {
        (7 * interval).max(self.round_trip.bound().min(8 * interval)) * self.factor
    }
}

impl Node for Detector {
    type Contract = contract::Detector;
    type Message = Message;
    type Timer = Tick;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let heard = out.now();
        let watch = |node| Watch {
            node,
            heard,
            factor: 1,
            is_suspected: false,
            round_trip: RoundTrip::default(),
            asked: BTreeMap::new(),
        };
        let watches: Vec<Watch> = out.peers().map(watch).collect();
        // not all nodes ask the same peer first
        let next = out.random(0..watches.len().max(1) as u64) as usize;
        out.set_timer(Duration::ZERO, Tick);
        Detector { config: boot.config, watches, next, serial: 0 }
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        let Some(watch) = self.watches.iter_mut().find(|watch| watch.node == from) else { return };
        watch.heard = out.now();
        match message {
            Message::Ask { serial } => out.send(from, Message::Answer { serial }),
            Message::Answer { serial } => {
                if let Some(asked) = watch.asked.remove(&serial) {
                    watch.round_trip.measure(out.now() - asked);
                }
            }
        }
        if watch.is_suspected {
            watch.is_suspected = false;
            watch.factor = watch.factor.saturating_mul(2).min(1 << 16);
            out.emit(Event::Trust { node: from });
        }
    }

    fn on_timer(&mut self, Tick: Tick, out: &mut Out<Self>) {
        let (now, interval) = (out.now(), self.config.interval);
        out.set_timer(interval, Tick);
        for watch in &mut self.watches {
            if !watch.is_suspected && now - watch.heard > watch.patience(interval) {
                watch.is_suspected = true;
                out.emit(Event::Suspect { node: watch.node });
            }
        }
        let Some(watch) = self.watches.get_mut(self.next) else { return };
        self.serial += 1;
        watch.asked.insert(self.serial, now);
        // what was not answered long since is lost
        while watch.asked.len() > 100 {
            watch.asked.pop_first();
        }
        out.send(watch.node, Message::Ask { serial: self.serial });
        self.next = (self.next + 1) % self.watches.len();
    }
}
