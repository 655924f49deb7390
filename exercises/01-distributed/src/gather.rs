//! Exercise `gather`: one search, many shards, and an answer in time that says what is missing.
//!
//! Fox and Brewer, *Harvest, Yield, and Scalable Tolerant Systems*, 1999. The contract is in `lab::gather`: read it first.
//!
//! One thing to write: the node [`Gatherer`]. It asks every shard, collects what the shards have found, and answers in time, even
//! if a shard is slow or silent. Try your code with `cargo test gather`, then run `faultlines grade 1/gather`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::gather::{self as contract, Config, Message, Request, Response};
use lab::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The names of timers. Yours to change.
///
/// A [`RequestId`] names a search well: no two searches of a run have the same one, even if a node crashed in between.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Timer {
    /// This shard has not answered for [`Config::resend`]: ask it again.
    Again(RequestId, NodeId),
    /// The time of this search is over.
    Over(RequestId),
}

/// A node that searches all shards for its clients.
pub struct Gatherer {
    config: Config,
    /// The searches that clients wait for. A crash ends them all: no client waits for them any more.
    open: BTreeMap<RequestId, Search>,
}

/// A search that is not answered yet.
struct Search {
    text: u64,
    // What must a gatherer remember of a search, so that it can say at any moment what has arrived and what is missing?
}

impl Node for Gatherer {
    type Contract = contract::Gatherer;
    type Message = Message;
    type Timer = Timer;

    /// The first start, and again after each crash.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        Gatherer { config: boot.config, open: BTreeMap::new() }
    }

    /// A client searches. Other searches may be open.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("remember the search, set its deadline, and ask every shard at once")
    }

    /// A shard answers: for the first time or again, to a search that is open or to one that is over.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("which search is this a part of? was it the last part?")
    }

    /// A timer fires: a shard has been silent for a while, or a search has no time left.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        todo!("ask the shard again, or answer with what has arrived")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;

    const WITHIN: Duration = Duration::from_millis(500);

    /// The gatherer, n1, and so many shards that the test plays: n2, n3, …
    fn gatherer(shards: u32) -> Bench<Gatherer> {
        let ids = (2..2 + shards).map(NodeId).collect();
        Bench::new(1, 1 + shards, Config { shards: ids, resend: Duration::from_millis(50) })
    }
    /// The search numbers under which each of these shards was asked for this text.
    fn asked(effects: &[Effect<Gatherer>], text: u64, shards: &[u32]) -> Vec<u64> {
        let number = |shard: &u32| {
            effects.iter().find_map(|effect| match effect {
                Effect::Send(to, Message::Ask { search, text: of }) if to.0 == *shard && *of == text => {
                    Some(*search)
                }
                Effect::Broadcast(Message::Ask { search, text: of }) if *of == text => Some(*search),
                _ => None,
            })
        };
        let number = |shard| number(shard).unwrap_or_else(|| panic!("n{shard} was not asked for {text}"));
        shards.iter().map(number).collect()
    }
    fn found(effects: &[Effect<Gatherer>]) -> Option<(Vec<NodeId>, Vec<NodeId>)> {
        effects.iter().find_map(|effect| match effect {
            Effect::Reply(_, Response::Found { hits, missing }) => {
                Some((hits.keys().copied().collect(), missing.iter().copied().collect()))
            }
            _ => None,
        })
    }

    #[test]
    fn a_search_is_answered_when_every_shard_has_answered() {
        let mut gatherer = gatherer(2);
        let effects = gatherer.request(Request::Search { text: 7, within: WITHIN });
        let [first, second] = asked(&effects, 7, &[2, 3])[..] else { panic!("two shards are asked") };
        assert_eq!(found(&gatherer.message(2, Message::Part { search: first, hits: vec![71] })), None);
        // the same part once more is not the part of the other shard
        assert_eq!(found(&gatherer.message(2, Message::Part { search: first, hits: vec![71] })), None);
        let effects = gatherer.message(3, Message::Part { search: second, hits: vec![] });
        let all = (vec![NodeId(2), NodeId(3)], vec![]);
        assert_eq!(found(&effects), Some(all), "n3 has answered, though it has found nothing");
    }

    #[test]
    fn at_the_deadline_a_search_is_answered_with_what_has_arrived() {
        let mut gatherer = gatherer(2);
        let effects = gatherer.request(Request::Search { text: 7, within: WITHIN });
        let over = effects.iter().find_map(|effect| match effect {
            Effect::SetTimer(time, timer) if *time == WITHIN => Some(*timer),
            _ => None,
        });
        let over = over.expect("the gatherer set no timer that fires at the deadline");
        let first = asked(&effects, 7, &[2])[0];
        gatherer.message(2, Message::Part { search: first, hits: vec![71, 72] });
        let effects = gatherer.timer(over);
        assert_eq!(found(&effects), Some((vec![NodeId(2)], vec![NodeId(3)])));
    }

    #[test]
    fn a_late_part_is_not_taken_for_a_part_of_the_next_search() {
        let mut gatherer = gatherer(1);
        let first = gatherer.request(Request::Search { text: 7, within: WITHIN });
        let old = asked(&first, 7, &[2])[0];
        gatherer.crash();
        let second = gatherer.request(Request::Search { text: 8, within: WITHIN });
        let new = asked(&second, 8, &[2])[0];
        assert_ne!(old, new, "the number of a search must be new, also after a crash");
        assert_eq!(found(&gatherer.message(2, Message::Part { search: old, hits: vec![71] })), None);
        assert!(found(&gatherer.message(2, Message::Part { search: new, hits: vec![81] })).is_some());
    }
}
