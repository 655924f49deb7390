use crate::{EVERY, LATENCY_MAX, LATENCY_MIN, LOSS, NODES, WORLD};
use anysystem::{Context, Message, Process, System};
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::rc::Rc;

/// Its messages have a type and a text; its own `json` makes the text.
#[derive(Serialize, Deserialize)]
struct Ping {
    term: u64,
    seq: u64,
    payload: [u64; 4],
}
#[derive(Serialize, Deserialize)]
struct Pong {
    term: u64,
    seq: u64,
}

/// Events of one world.
pub(crate) fn world(seed: u64) -> u64 {
    let events = Rc::new(Cell::new(0));
    let mut system = System::new(seed);
    {
        let mut network = system.network();
        network.set_delays(LATENCY_MIN.as_secs_f64(), LATENCY_MAX.as_secs_f64());
        network.set_drop_rate(LOSS);
    }
    let names: Vec<String> = (1..=NODES).map(|node| format!("n{node}")).collect();
    for me in &names {
        system.add_node(me);
        let peers = names.iter().filter(|name| *name != me).cloned().collect();
        system.add_process(me, Box::new(Pinger { peers, seq: 0, acks: 0, events: events.clone() }), me);
    }
    for name in &names {
        system.send_local_message(name, Message::new("begin", ""));
    }
    system.step_for_duration(WORLD.as_secs_f64());
    events.get()
}

#[derive(Clone)]
struct Pinger {
    peers: Vec<String>,
    seq: u64,
    acks: u64,
    events: Rc<Cell<u64>>,
}
impl Process for Pinger {
    fn on_local_message(&mut self, _: Message, ctx: &mut Context) -> Result<(), String> {
        ctx.set_timer("ping", EVERY.as_secs_f64());
        Ok(())
    }
    fn on_message(&mut self, message: Message, from: String, ctx: &mut Context) -> Result<(), String> {
        self.events.set(self.events.get() + 1);
        if message.tip == "ping" {
            let Ping { term, seq, .. } = serde_json::from_str(&message.data).map_err(|e| e.to_string())?;
            ctx.send(Message::json("pong", &Pong { term, seq }), from);
        } else {
            let Pong { .. } = serde_json::from_str(&message.data).map_err(|e| e.to_string())?;
            self.acks += 1;
        }
        Ok(())
    }
    fn on_timer(&mut self, _: String, ctx: &mut Context) -> Result<(), String> {
        self.events.set(self.events.get() + 1);
        self.seq += 1;
        for peer in &self.peers {
            ctx.send(
                Message::json("ping", &Ping { term: 3, seq: self.seq, payload: [1, 2, 3, 4] }),
                peer.clone(),
            );
        }
        ctx.set_timer("ping", EVERY.as_secs_f64());
        Ok(())
    }
}
