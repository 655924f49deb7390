//! Exercise `lamport`: a clock that counts, and the order it gives.
//!
//! Lamport, *Time, Clocks, and the Ordering of Events in a Distributed System*, 1978.
//!
//! Three things to write: the node [`Clock`], and the functions [`total_order`] and [`may_have_caused`].
//! Try yourself with `cargo test lamport`, then let `faultlines grade 7/lamport` try you.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::lamport::{self as contract, Event, Inference, Request, Stamp, Stamped};
use lab::prelude::*;
use std::cmp::Ordering;

/// What must survive a crash, declared once: `out.save(TIME, &…)` writes it, `out.sync()` makes it durable, and
/// `boot.disk.load(TIME)` finds it at the next start.
const TIME: Saved<Stamp> = Saved::new("time");

/// What nodes say to each other: that something was sent, and when by the sender's clock.
#[derive(Debug, Serialize, Deserialize)]
pub struct Message {
    stamp: Stamp,
}

/// A node with a logical clock.
pub struct Clock {
    /// The stamp of the last event here.
    time: Stamp,
}

impl Node for Clock {
    type Contract = contract::Clock;
    type Message = Message;
    type Timer = Nothing;

    /// The first start, and again after every crash. After a crash `boot.disk` is all that is left of before; at the
    /// first start it is empty.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        todo!("a clock at zero; or, after a crash, one that is not behind any stamp it has given")
    }

    /// A client lets something happen here. Give it a stamp and emit it; if it is a sending, send the message too.
    fn on_request(&mut self, _id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("tick, then emit what happened; and for a sending, send the message")
    }

    /// A message arrives: that is an event too. Emit it, with the stamp that the message carried and its own.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("tick past the stamp of the message, then emit that it was received")
    }
}

impl Clock {
    /// The stamp of the next event: above all that this node has given, and above `seen`, the stamp of its cause if it
    /// has one. It is durable before anything that `out` is asked for later can happen.
    fn tick(&mut self, seen: Stamp, out: &mut Out<Self>) -> Stamp {
        todo!("move the clock, save it, sync, and return it")
    }
}

/// Which of two events comes first, for everybody: `Less` if `a` does. Where `a` could affect `b`, it must be `a`.
pub fn total_order(a: Stamped, b: Stamped) -> Ordering {
    todo!("compare the stamps; and where they are equal?")
}

/// What the stamps of two different events tell: can `a` have caused `b`?
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
