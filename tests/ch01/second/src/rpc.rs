//! `rpc` with a desk for each server. The names of calls come from blocks that are reserved on the disk, each pause is twice as long
//! as the one before and drawn, and a call fails as soon as the last copy that is out is refused. After a refusal this caller
//! asks no more: a server that does not want to work is left in peace.

use lab::prelude::*;
use lab::rpc::{self as contract, Config, Message, Request, Response};
use std::collections::{BTreeMap, VecDeque};

/// All names below this one may have been used.
const RESERVED: Saved<u64> = Saved::new("reserved");
const BLOCK: u64 = 16;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Wake {
    server: NodeId,
}

pub struct Caller {
    config: Config,
    next: u64,
    reserved: u64,
    desks: BTreeMap<NodeId, Desk>,
}
/// The calls to one server, the oldest first.
#[derive(Default)]
struct Desk {
    calls: VecDeque<Call>,
}
struct Call {
    client: RequestId,
    id: u64,
    body: u64,
    ends: Instant,
    /// When to ask again; `None` after a refusal.
    asks: Option<Instant>,
    pause: Duration,
    sent: u32,
    /// The copies that are out and not refused.
    out: Vec<u32>,
}

impl Node for Caller {
    type Contract = contract::Caller;
    type Message = Message;
    type Timer = Wake;

    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        let reserved = boot.disk.load(RESERVED).unwrap_or(0);
        Caller { config: boot.config, next: reserved, reserved, desks: BTreeMap::new() }
    }

    fn on_request(&mut self, client: RequestId, request: Request, out: &mut Out<Self>) {
        let Request::Call { server, body, within } = request;
        if within.is_zero() {
            // nothing was sent
            return out.reply(client, Response::Failed);
        }
        if self.next == self.reserved {
            self.reserved += BLOCK;
            out.save(RESERVED, &self.reserved);
            out.sync();
        }
        let (ends, pause) = (out.now() + within, self.config.resend);
        let id = self.next;
        self.next += 1;
        let call = Call { client, id, body, ends, asks: Some(out.now()), pause, sent: 0, out: Vec::new() };
        let desk = self.desks.entry(server).or_default();
        desk.calls.push_back(call);
        desk.work(server, out);
    }

    fn on_message(&mut self, server: NodeId, message: Message, out: &mut Out<Self>) {
        let Some(desk) = self.desks.get_mut(&server) else { return };
        let is_named = |id: u64| move |call: &Call| call.id == id;
        match message {
            Message::Done { id, answer } => desk.close(is_named(id), Response::Ok { answer }, out),
            Message::Refused { id, copy } => {
                if let Some(call) = desk.calls.iter_mut().find(|call| call.id == id) {
                    call.out.retain(|other| *other != copy);
                    call.asks = None;
                }
                desk.close(|call| call.id == id && call.out.is_empty(), Response::Failed, out);
            }
            Message::Ask { .. } => {}
        }
        desk.work(server, out);
    }

    fn on_timer(&mut self, Wake { server }: Wake, out: &mut Out<Self>) {
        if let Some(desk) = self.desks.get_mut(&server) {
            desk.work(server, out);
        }
    }
}

impl Desk {
    /// Ends the calls of which this holds.
    fn close(&mut self, ends: impl Fn(&Call) -> bool, response: Response, out: &mut Out<Caller>) {
        self.calls.iter().filter(|call| ends(call)).for_each(|call| out.reply(call.client, response));
        self.calls.retain(|call| !ends(call));
    }
    /// Does all that is due, and sets the timer to what is due next.
    fn work(&mut self, server: NodeId, out: &mut Out<Caller>) {
        let now = out.now();
        self.close(|call| call.ends <= now, Response::Unknown, out);
        for call in &mut self.calls {
            if call.asks.is_some_and(|asks| asks <= now) {
                call.sent += 1;
                call.out.push(call.sent);
                out.send(server, Message::Ask { id: call.id, copy: call.sent, body: call.body });
                call.asks = Some(now + out.random(call.pause / 2..call.pause * 3 / 2));
                call.pause *= 2;
            }
        }
        let next =
            self.calls.iter().map(|call| call.asks.map_or(call.ends, |asks| asks.min(call.ends))).min();
        match next {
            Some(next) => out.set_timer(next - now, Wake { server }),
            None => out.cancel_timer(Wake { server }),
        }
    }
}
