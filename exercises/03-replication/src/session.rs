//! Exercise `session`: one user of a replicated store, who never sees their own past undone.
//!
//! Terry and others, *Session Guarantees for Weakly Consistent Replicated Data*, 1994. The contract is in `lab::session`: read it first.
//!
//! One node to write: [`Device`], the part of an application that talks to the store. The replicas belong to the harness. Try your code
//! with `cargo test session`, then run `faultlines grade 3/session`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::prelude::*;
use lab::session::{self as contract, Config, Event, Key, Message, Position, Request, Response, Value};
use std::collections::BTreeMap;

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
    // What has the session seen? Which requests wait for an answer?
}

impl Node for Device {
    type Contract = contract::Device;
    type Message = Message;
    type Timer = Timer;

    /// The first start, and again after each crash.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        todo!("what must `boot.disk` know after a crash?")
    }

    /// The user asks.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("ask a replica; or hand the session on")
    }

    /// A replica answers, or the other device hands the session on.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("which request is this the answer to? Is it good enough? What has the session seen now?")
    }

    /// A replica is silent, or a request has waited for too long.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        todo!("ask another replica, or give up")
    }
}

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
