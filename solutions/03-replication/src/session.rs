//! Exercise `session`: one user of a replicated store, who never sees their own past undone.
//!
//! Terry and others, *Session Guarantees for Weakly Consistent Replicated Data*, 1994. The contract is in `lab::session`: read it first.
//!
//! One node to write: [`Device`], the part of an application that talks to the store. The replicas belong to the harness. Try your code
//! with `cargo test session`, then run `faultlines grade 3/session`.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::prelude::*;
use lab::session::{self as contract, Config, Event, Key, Message, Position, Request, Response, Value};
use std::collections::BTreeMap;

// BEGIN SOLUTION
/// The largest position of which the session has seen something.
const TOKEN: Saved<Position> = Saved::new("token");
// END SOLUTION

/// The names of a device's timers. Yours to change.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Timer {
    /// The replica that was asked last is silent, or it is time for the next round.
    Next(RequestId),
    /// The time of a request is over.
    GiveUp(RequestId),
}

/// A device of the user.
pub struct Device {
    config: Config,
    // BEGIN SOLUTION
    /// What is on the disk as [`TOKEN`].
    token: Position,
    /// The replica that leads, as far as this device knows.
    leader: Option<NodeId>,
    /// The requests that wait for an answer.
    open: BTreeMap<RequestId, Open>,
    // STUB: // What has the session seen? Which requests wait for an answer?
    // END SOLUTION
}
// BEGIN SOLUTION
/// A request that waits for an answer.
struct Open {
    what: What,
    /// The replicas that are still to be asked in this round, the nearest first.
    untried: Vec<NodeId>,
    /// The replica that was asked last, if the device still waits for it.
    asked: Option<NodeId>,
}
#[derive(Clone, Copy)]
enum What {
    Write {
        key: Key,
        value: Value,
    },
    Read {
        key: Key,
        /// What the session had seen when the read began.
        need: Position,
    },
}
// END SOLUTION

impl Node for Device {
    type Contract = contract::Device;
    type Message = Message;
    type Timer = Timer;

    /// The first start, and again after each crash.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        // BEGIN SOLUTION
        let token = boot.disk.load(TOKEN).unwrap_or_default();
        Device { config: boot.config, token, leader: None, open: BTreeMap::new() }
        // STUB: todo!("what must `boot.disk` know after a crash?")
        // END SOLUTION
    }

    /// The user asks.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let what = match request {
            Request::Write { key, value } => What::Write { key, value },
            Request::Read { key } => What::Read { key, need: self.token },
            Request::Handoff { to } => return out.send(to, Message::Token(self.token)),
        };
        self.open.insert(id, Open { what, untried: Vec::new(), asked: None });
        out.set_timer(self.config.give_up, Timer::GiveUp(id));
        self.begin_round(id, out);
        // STUB: todo!("ask a replica; or hand the session on")
        // END SOLUTION
    }

    /// A replica answers, or the other device hands the session on.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        match message {
            Message::Written { id, at } => {
                if let Some(Open { what: What::Write { .. }, .. }) = self.open.get(&id) {
                    self.leader = Some(from);
                    self.close(id, at, Response::Written, out);
                }
            }
            Message::Value { id, value, at } => {
                if let Some(Open { what: What::Read { need, .. }, .. }) = self.open.get(&id) {
                    if at >= *need {
                        self.close(id, at, Response::Value(value), out);
                    } else {
                        self.goes_on(id, from, None, out);
                    }
                }
            }
            Message::NotLeader { id, leader } => {
                if self.leader == Some(from) {
                    self.leader = None;
                }
                self.goes_on(id, from, leader, out);
            }
            Message::Token(at) => {
                self.grow(at, out);
                out.emit(Event::Resumed { from });
            }
            _ => {}
        }
        // STUB: todo!("which request is this the answer to? Is it good enough? What has the session seen now?")
        // END SOLUTION
    }

    /// A replica is silent, or a request has waited for too long.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        match timer {
            Timer::Next(id) => {
                let silent = self.open.get(&id).and_then(|open| open.asked);
                if silent.is_some() && self.leader == silent {
                    self.leader = None;
                }
                self.ask_next(id, None, out);
            }
            Timer::GiveUp(id) => {
                if self.open.remove(&id).is_some() {
                    out.cancel_timer(Timer::Next(id));
                    out.reply(id, Response::Unavailable);
                }
            }
        }
        // STUB: todo!("ask another replica, or give up")
        // END SOLUTION
    }
}

// BEGIN SOLUTION
impl Device {
    /// Notes that the session has seen this position, and makes that durable: what follows may show it.
    fn grow(&mut self, at: Position, out: &mut Out<Self>) {
        if at > self.token {
            self.token = at;
            out.save(TOKEN, &self.token);
            out.sync();
        }
    }

    /// The request has its answer.
    fn close(&mut self, id: RequestId, at: Position, response: Response, out: &mut Out<Self>) {
        self.open.remove(&id);
        out.cancel_timer(Timer::Next(id));
        out.cancel_timer(Timer::GiveUp(id));
        self.grow(at, out);
        out.reply(id, response);
    }

    /// This answer was of no use. If the request still waits for this replica, the next one is asked.
    fn goes_on(&mut self, id: RequestId, from: NodeId, hint: Option<NodeId>, out: &mut Out<Self>) {
        if self.open.get(&id).is_some_and(|open| open.asked == Some(from)) {
            self.ask_next(id, hint, out);
        }
    }

    /// Asks all replicas once more, one after another.
    fn begin_round(&mut self, id: RequestId, out: &mut Out<Self>) {
        if let Some(open) = self.open.get_mut(&id) {
            open.untried.clone_from(&self.config.replicas);
            let hint = self.leader.filter(|_| matches!(open.what, What::Write { .. }));
            self.ask_next(id, hint, out);
        }
    }

    /// Asks the replica of the hint, or the nearest one that was not asked in this round. A hint may be wrong, so it names no replica
    /// twice in a round. When all were asked, the device waits a little and begins again.
    fn ask_next(&mut self, id: RequestId, hint: Option<NodeId>, out: &mut Out<Self>) {
        let Some(open) = self.open.get_mut(&id) else { return };
        if open.untried.is_empty() {
            if open.asked.take().is_none() {
                return self.begin_round(id, out);
            }
            return out.set_timer(self.config.patience / 4, Timer::Next(id));
        }
        let place = open.untried.iter().position(|replica| Some(*replica) == hint).unwrap_or(0);
        let replica = open.untried.remove(place);
        open.asked = Some(replica);
        let message = match open.what {
            What::Write { key, value } => Message::Write { id, key, value },
            What::Read { key, .. } => Message::Read { id, key },
        };
        out.send(replica, message);
        out.set_timer(self.config.patience, Timer::Next(id));
    }
}
// END SOLUTION

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;

    const K1: Key = Key(1);
    const NEAR: u32 = 3;
    const FAR: u32 = 4;

    fn config() -> Config {
        let ms = Duration::from_millis;
        Config { replicas: vec![NodeId(NEAR), NodeId(FAR)], patience: ms(100), give_up: ms(2_000) }
    }
    /// Device n1 or n2 of a user, whose replicas are n3, which is near, and n4.
    fn device(me: u32) -> Bench<Device> {
        Bench::new(me, 4, config())
    }
    /// The message that these effects send, and to which node.
    fn sent(effects: &[Effect<Device>]) -> (u32, Message) {
        let sent = effects.iter().find_map(|effect| match effect {
            Effect::Send(to, message) => Some((to.0, message.clone())),
            _ => None,
        });
        sent.unwrap_or_else(|| panic!("a message is sent: {effects:?}"))
    }
    /// What these effects answer.
    fn answer(effects: &[Effect<Device>]) -> Option<Response> {
        effects.iter().find_map(|effect| match effect {
            Effect::Reply(_, response) => Some(*response),
            _ => None,
        })
    }
    fn id(message: &Message) -> RequestId {
        match message {
            Message::Write { id, .. } | Message::Read { id, .. } => *id,
            other => panic!("{other:?} is not for a replica"),
        }
    }
    /// The device writes, and some replica does it at this position.
    fn writes(device: &mut Bench<Device>, value: u64, at: u64) {
        let effects = device.request(Request::Write { key: K1, value });
        let (to, message) = sent(&effects);
        let effects = device.message(to, Message::Written { id: id(&message), at: Position(at) });
        assert_eq!(answer(&effects), Some(Response::Written));
    }

    #[test]
    fn a_read_shows_what_was_written_before() {
        let mut device = device(1);
        writes(&mut device, 7, 20);
        let effects = device.request(Request::Read { key: K1 });
        let (to, message) = sent(&effects);
        let effects = device.message(to, Message::Value { id: id(&message), value: None, at: Position(19) });
        assert_eq!(answer(&effects), None, "the copy at 19 does not have the write at 20");
        let value = Message::Value { id: id(&message), value: Some(7), at: Position(20) };
        assert_eq!(answer(&device.message(FAR, value)), Some(Response::Value(Some(7))));
    }

    #[test]
    fn a_crash_forgets_nothing_that_was_shown() {
        let mut device = device(1);
        writes(&mut device, 7, 20);
        device.crash();
        let effects = device.request(Request::Read { key: K1 });
        let (to, message) = sent(&effects);
        let effects = device.message(to, Message::Value { id: id(&message), value: None, at: Position(19) });
        assert_eq!(answer(&effects), None, "is it synced before the answer?");
    }

    #[test]
    fn a_session_goes_on_at_the_other_device() {
        let (mut one, mut two) = (device(1), device(2));
        writes(&mut one, 7, 20);
        let effects = one.request(Request::Handoff { to: NodeId(2) });
        let (to, token) = sent(&effects);
        assert_eq!(to, 2);
        let effects = two.message(1, token);
        let resumed = |effect: &Effect<Device>| matches!(effect, Effect::Emit(Event::Resumed { .. }));
        assert!(effects.iter().any(resumed), "{effects:?}");
        let effects = two.request(Request::Read { key: K1 });
        let (to, message) = sent(&effects);
        let effects = two.message(to, Message::Value { id: id(&message), value: None, at: Position(19) });
        assert_eq!(answer(&effects), None, "the other device has shown 20");
    }
}
