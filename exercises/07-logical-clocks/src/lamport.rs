//! Exercise `lamport`: a clock that counts, and the order that it gives.
//!
//! Lamport, *Time, Clocks, and the Ordering of Events in a Distributed System*, 1978.
//!
//! Write the node [`Clock`] and the functions [`total_order`] and [`may_have_caused`]. Try your code with
//! `cargo test lamport`, then run `faultlines grade 7/lamport`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::lamport::{self as contract, Event, Inference, Request, Stamp, Stamped};
use lab::prelude::*;
use std::cmp::Ordering;

/// What must survive a crash. `out.save(TIME, &…)` writes it, `out.sync()` makes it durable, and `boot.disk.load(TIME)` reads
/// it at the next start.
const TIME: Saved<Stamp> = Saved::new("time");

/// What a message carries: the stamp of its sending.
#[derive(Debug, Serialize, Deserialize)]
pub struct Message {
    stamp: Stamp,
}

/// A node with a logical clock.
pub struct Clock {
    /// The stamp of this node's last event.
    time: Stamp,
}

impl Node for Clock {
    type Contract = contract::Clock;
    type Message = Message;
    type Timer = Nothing;

    /// The first start, and again after every crash. After a crash, only `boot.disk` is left. At the first start it is empty.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        todo!("a clock at zero; or, after a crash, a clock that is not behind any stamp it has given")
    }

    /// A client asks for an event on this node. Give it a stamp and emit it. If it is a sending, send the message, too.
    fn on_request(&mut self, _id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("stamp the event, then emit it; for a sending, also send the message")
    }

    /// A message arrives, and that is an event, too. Emit it, with the stamp that the message carried and with its own stamp.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("stamp the receipt, then emit it: what must its stamp be larger than?")
    }
}

impl Clock {
    /// The stamp of the next event. It is larger than all stamps that this node has given, and larger than `seen`, the stamp
    /// of the cause, if there is one. It is durable before the effects that follow.
    fn tick(&mut self, seen: Stamp, out: &mut Out<Self>) -> Stamp {
        todo!("move the clock; what must happen before the stamp is returned?")
    }
}

/// Which of two events comes first, in the same way on every node: `Less` if `a` does. If `a` could affect `b`, `a` must come
/// first.
pub fn total_order(a: Stamped, b: Stamped) -> Ordering {
    todo!("compare the stamps; and if they are equal?")
}

/// What the stamps of two different events show: can `a` have caused `b`?
pub fn may_have_caused(a: Stamped, b: Stamped) -> Inference {
    todo!("Inference::Impossible, Possible or Certain")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;

    /// The stamp of the event that these effects emit.
    fn stamp_of(effects: &[Effect<Clock>]) -> Stamp {
        let mut stamps = effects.iter().filter_map(|effect| match effect {
            Effect::Emit(
                Event::Local { stamp } | Event::Sent { stamp, .. } | Event::Received { stamp, .. },
            ) => Some(*stamp),
            _ => None,
        });
        stamps.next_back().expect("every event is emitted")
    }

    #[test]
    fn each_event_gets_a_larger_stamp_than_the_one_before() {
        let mut node = Bench::<Clock>::new(1, 2, ());
        let first = stamp_of(&node.request(Request::Local));
        let second = stamp_of(&node.request(Request::Send { to: NodeId(2) }));
        assert!(first < second, "{first}, then {second}");
    }

    #[test]
    fn a_message_carries_the_stamp_of_its_sending_and_moves_a_clock_that_is_behind() {
        let mut sender = Bench::<Clock>::new(1, 2, ());
        let mut receiver = Bench::<Clock>::new(2, 2, ());
        sender.request(Request::Local);
        sender.request(Request::Local);
        let effects = sender.request(Request::Send { to: NodeId(2) });
        let sent = stamp_of(&effects);
        let message = effects.into_iter().find_map(|effect| match effect {
            Effect::Send(NodeId(2), message) => Some(message),
            _ => None,
        });
        let received = stamp_of(&receiver.message(1, message.expect("a message to n2")));
        assert!(sent < received, "sent at {sent}, received at {received}");
    }

    #[test]
    fn a_crash_does_not_turn_the_clock_back() {
        let mut node = Bench::<Clock>::new(1, 2, ());
        let before = stamp_of(&node.request(Request::Local));
        node.crash(); // loses everything that was not synced
        let after = stamp_of(&node.request(Request::Local));
        assert!(before < after, "{before}, then a crash, then {after}");
    }
}
