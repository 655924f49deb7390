//! Exercise `happens_before`: which event of a run could affect which.
//!
//! Lamport, *Time, Clocks, and the Ordering of Events in a Distributed System*, 1978.
//!
//! Write the function [`order`]. The functions below it are a proposal: change them as you like. Try your code with
//! `cargo test happens_before`, then run `faultlines grade 7/happens_before`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::happens_before::{Event, EventId, Order, What};
use std::collections::BTreeSet;

/// How `a` and `b`, both events of `run`, are ordered.
///
/// The events of a run are in no order, and wall clocks are wrong. Three things decide:
/// - the order of events on one node: by life, then by place;
/// - a message is sent before it is received, also if it is received twice;
/// - chains of these two.
pub fn order(run: &[Event], a: EventId, b: EventId) -> Order {
    todo!("Order::Before, After, Concurrent or Same: `past_of` helps")
}

/// All events that happened before `of`. The event itself is not among them.
fn past_of(run: &[Event], of: EventId) -> BTreeSet<EventId> {
    todo!("search backwards from `of`: what is directly before it, what is directly before that, and so on")
}

/// Whether `a` is before `b` by one step: earlier on the same node, or the sending of the message that `b` received.
fn directly_before(a: &Event, b: &Event) -> bool {
    todo!("compare life and place on one node; compare message ids between a sending and a receipt")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::happens_before::MessageId;
    use lab::{NodeId, WallTime};
    use std::time::Duration;

    /// An event of a first life. Ids are free: here the node's number and the place, so that 21 is the first on n2.
    fn event(node: u32, place: u32, what: What) -> Event {
        let wall = WallTime(Duration::from_secs(u64::from(1_000 - 10 * node - place))); // backwards, to mislead
        Event { id: EventId(10 * node + place), node: NodeId(node), life: 0, place, wall, what }
    }
    fn sent(to: u32, message: u32) -> What {
        What::Sent { to: NodeId(to), message: MessageId(message) }
    }
    fn received(from: u32, message: u32) -> What {
        What::Received { from: NodeId(from), message: MessageId(message) }
    }

    #[test]
    fn a_chain_of_messages_is_an_order_and_clocks_are_not() {
        // n1 sends to n2, which then sends to n3; something else happens on n3 before that arrives
        let run = [
            event(3, 2, received(2, 8)),
            event(1, 1, sent(2, 7)),
            event(3, 1, What::Local),
            event(2, 2, sent(3, 8)),
            event(2, 1, received(1, 7)),
        ];
        assert_eq!(order(&run, EventId(11), EventId(21)), Order::Before);
        assert_eq!(order(&run, EventId(21), EventId(11)), Order::After);
        assert_eq!(order(&run, EventId(11), EventId(32)), Order::Before, "over n2");
        assert_eq!(order(&run, EventId(11), EventId(31)), Order::Concurrent);
        assert_eq!(order(&run, EventId(11), EventId(11)), Order::Same);
    }

    #[test]
    fn a_node_that_starts_again_counts_its_events_from_one_again() {
        let before_crash = event(1, 2, What::Local);
        let after_crash = Event { id: EventId(99), life: 1, ..event(1, 1, What::Local) };
        let run = [after_crash, before_crash];
        assert_eq!(order(&run, before_crash.id, after_crash.id), Order::Before);
    }
}
