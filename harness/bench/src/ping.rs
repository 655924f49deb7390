//! The ping workload: five nodes, every 50 ms each pings all others with 48 bytes (in memory), each answers.
//! Latency 1 to 10 ms, one message in a hundred is lost.

use lab::prelude::*;
use lab::{Contract, Exercise, Role};
use world::{Chance, Link, Scenario};

/// Nodes of a world.
pub const NODES: u32 = 5;

pub enum Ping {}
impl Contract for Ping {
    const ROLE: &'static str = "ping";
    type Config = ();
    type Request = Nothing;
    type Response = Nothing;
    type Event = Nothing;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Message {
    Ping { term: u64, seq: u64, payload: [u64; 4] },
    Pong { term: u64, seq: u64 },
}

pub struct Pinger {
    seq: u64,
    acks: u64,
}
impl Node for Pinger {
    type Contract = Ping;
    type Message = Message;
    type Timer = ();

    fn start(_: Boot<Self>, out: &mut Out<Self>) -> Self {
        out.set_timer(Duration::from_millis(50 + u64::from(out.me().0)), ());
        Pinger { seq: 0, acks: 0 }
    }
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        match message {
            Message::Ping { term, seq, .. } => out.send(from, Message::Pong { term, seq }),
            Message::Pong { .. } => self.acks += 1,
        }
    }
    fn on_timer(&mut self, (): (), out: &mut Out<Self>) {
        self.seq += 1;
        out.broadcast(Message::Ping { term: 3, seq: self.seq, payload: [1, 2, 3, 4] });
        out.set_timer(Duration::from_millis(50), ());
    }
}

pub fn exercise() -> Exercise {
    Exercise { name: "ping", roles: vec![Role::node::<Pinger>()] }
}

/// A world of so many events, about.
pub fn scenario(events: u64) -> Scenario {
    // every 50 ms: a timer, four pings and four pongs for each of five nodes
    let rounds = events / 45 + 1;
    let mut scenario = Scenario::cluster::<Ping>(NODES, &(), Duration::from_millis(50 * rounds));
    scenario.network = Link {
        loss: Chance::percent(1),
        ..Link::between(Duration::from_millis(1), Duration::from_millis(10))
    };
    scenario
}
