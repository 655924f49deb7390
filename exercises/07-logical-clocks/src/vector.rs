//! Exercise `vector`: a clock that knows what it knows.
//!
//! Fidge, *Timestamps in Message-Passing Systems That Preserve the Partial Ordering*, 1988; Mattern, *Virtual Time and Global
//! States of Distributed Systems*, 1989.
//!
//! Write the functions [`compare`] and [`merge`], and the node [`Clock`]. A `Stamp` is a `BTreeMap<NodeId, u64>`. Try your
//! code with `cargo test vector`, then run `faultlines grade 7/vector`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::prelude::*;
use lab::vector::{self as contract, Event, Order, Request, Stamp};

/// How two stamps are ordered. A missing entry is zero, so `{}` and `{n1: 0}` are equal.
pub fn compare(a: &Stamp, b: &Stamp) -> Order {
    todo!("is what a knows a part of what b knows? And the other way round?")
}

/// What two stamps know together.
pub fn merge(a: &Stamp, b: &Stamp) -> Stamp {
    todo!("for every node that a or b has an entry for: which of the two entries?")
}

/// How many events of a node a stamp knows.
fn at(stamp: &Stamp, node: NodeId) -> u64 {
    todo!("its entry; and if there is none?")
}

/// What must survive a crash: the whole vector.
const KNOWN: Saved<Stamp> = Saved::new("known");

/// What a message carries: the stamp of its sending, which is all that its sender knew.
#[derive(Debug, Serialize, Deserialize)]
pub struct Message {
    stamp: Stamp,
}

/// A node with a vector clock.
pub struct Clock {
    /// The stamp of this node's last event.
    known: Stamp,
}

impl Node for Clock {
    type Contract = contract::Clock;
    type Message = Message;
    type Timer = Nothing;

    /// The first start, and again after every crash, with what the disk kept.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        todo!("a clock that knows nothing; or, after a crash, all that its stamps had shown")
    }

    /// A client asks for an event on this node. Give it a stamp and emit it. If it is a sending, send the message, too.
    fn on_request(&mut self, _id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("stamp the event, then emit it; for a sending, also send the message")
    }

    /// A message arrives, and that is an event, too. Emit it, with the stamp that the message carried and with its own stamp.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("stamp the receipt, then emit it: what does its stamp know?")
    }
}

impl Clock {
    /// The stamp of the next event. It knows all that this node knew, all that `seen` knows, and the event itself. It is
    /// durable before the effects that follow.
    fn tick(&mut self, seen: &Stamp, out: &mut Out<Self>) -> Stamp {
        todo!("what does the new stamp know, and what must happen before it is returned?")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;

    fn stamp<const N: usize>(entries: [(u32, u64); N]) -> Stamp {
        entries.into_iter().map(|(node, count)| (NodeId(node), count)).collect()
    }
    /// The stamp of the event that these effects emit.
    fn stamp_of(effects: &[Effect<Clock>]) -> Stamp {
        let mut stamps = effects.iter().filter_map(|effect| match effect {
            Effect::Emit(
                Event::Local { stamp } | Event::Sent { stamp, .. } | Event::Received { stamp, .. },
            ) => Some(stamp.clone()),
            _ => None,
        });
        stamps.next_back().expect("every event is emitted")
    }

    #[test]
    fn a_missing_entry_is_zero() {
        assert_eq!(compare(&stamp([]), &stamp([(1, 0)])), Order::Equal);
        assert_eq!(compare(&stamp([(1, 2)]), &stamp([(1, 2), (2, 1)])), Order::Before);
        assert_eq!(compare(&stamp([(1, 2)]), &stamp([(2, 1)])), Order::Concurrent);
        assert_eq!(
            compare(&merge(&stamp([(1, 2)]), &stamp([(1, 1), (2, 1)])), &stamp([(1, 2), (2, 1)])),
            Order::Equal
        );
    }

    #[test]
    fn stamps_tell_cause_from_coincidence() {
        let (mut sender, mut receiver) = (Bench::<Clock>::new(1, 2, ()), Bench::<Clock>::new(2, 2, ()));
        let alone = stamp_of(&receiver.request(Request::Local));
        let effects = sender.request(Request::Send { to: NodeId(2) });
        let sent = stamp_of(&effects);
        assert_eq!(compare(&alone, &sent), Order::Concurrent);
        let message = effects.into_iter().find_map(|effect| match effect {
            Effect::Send(NodeId(2), message) => Some(message),
            _ => None,
        });
        let received = stamp_of(&receiver.message(1, message.expect("a message to n2")));
        assert_eq!(compare(&sent, &received), Order::Before);
        assert_eq!(compare(&alone, &received), Order::Before);
    }

    #[test]
    fn a_crash_makes_it_forget_nothing() {
        let mut node = Bench::<Clock>::new(2, 2, ());
        let before = stamp_of(&node.message(1, Message { stamp: stamp([(1, 5)]) }));
        node.crash(); // loses everything that was not synced
        let after = stamp_of(&node.request(Request::Local));
        assert_eq!(compare(&before, &after), Order::Before);
    }
}
