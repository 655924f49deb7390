//! Exercise `multi_leader`: every replica takes writes, answers at once, and all replicas become equal later.
//!
//! Shapiro, Preguiça, Baquero and Zawirski, RR-7506, 2011; Bieniusa and others, RR-8083, 2012. The contract is in `lab::multi_leader`: read
//! it first.
//!
//! One node to write: [`Leader`]. What leaders tell each other is yours to design. The types below are those of a design in which each
//! leader sends its whole copy, now and then, and merges the copies that it receives. Try your code with `cargo test multi_leader`, then
//! run `faultlines grade 3/multi_leader`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::multi_leader::{self as contract, Config, Item, Key, Request, Response, State, Value};
use lab::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Which of two writes of a register wins: the larger stamp. Yours to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    // What makes a write win against every write that its leader had shown? What if two writes have the same?
}

/// The name of one insert: no two inserts have the same, in the whole life of the system. Yours to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dot {
    /// Where it was asked for.
    leader: NodeId,
    /// Which insert of this leader it is, from 1.
    nth: u64,
}

/// One leader's part of a counter. Only that leader changes it, and both numbers only grow. Yours to change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    // A merge must tell which of two copies of this part is the newer one.
}

/// A copy of everything. Yours to change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    // Registers, counters, carts. If one of two copies lacks an insert: is the insert new, or was it taken away?
}

impl Replica {
    /// Takes over what another copy knows. Copies arrive in any order, many times, and late. The result must not depend on that.
    pub fn merge(&mut self, other: Replica) {
        todo!("merge registers, counters and carts")
    }
}

/// The names of timers. Yours to change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Timer {
    /// It is time to tell the others.
    Gossip,
}

/// A leader, as all others are.
pub struct Leader {
    config: Config,
    // Which of what a leader knows must survive a crash?
}

impl Node for Leader {
    type Contract = contract::Leader;
    type Message = Replica;
    type Timer = Timer;

    /// The first start, and again after each crash.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        todo!("what does `boot.disk` have? when will this node tell the others?")
    }

    /// A client asks for something.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("change this leader's own copy, make it durable, answer")
    }

    /// A copy of another leader arrives. It may be old.
    fn on_message(&mut self, _from: NodeId, message: Replica, out: &mut Out<Self>) {
        todo!("merge it; what must be durable before a client, or another leader, is shown the result?")
    }

    /// A timer fires.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        todo!("tell the others; what if this message is lost, or a partition lasts for an hour?")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;

    const GOSSIP: Duration = Duration::from_millis(50);

    fn leader(me: u32) -> Bench<Leader> {
        Bench::new(me, 3, Config { gossip: GOSSIP })
    }
    fn ask(leader: &mut Bench<Leader>, request: Request) -> Response {
        let answer = leader.request(request).into_iter().find_map(|effect| match effect {
            Effect::Reply(_, response) => Some(response),
            _ => None,
        });
        answer.expect("a leader answers at once")
    }
    fn shown(leader: &mut Bench<Leader>) -> State {
        match ask(leader, Request::Read) {
            Response::State(State { registers, counters, mut carts }) => {
                carts.retain(|_, items| !items.is_empty());
                State { registers, counters, carts }
            }
            Response::Done => panic!("a read is answered with a state"),
        }
    }
    /// What the leader tells this other one when it is time to.
    fn told(leader: &mut Bench<Leader>, to: u32) -> Vec<<Leader as Node>::Message> {
        let effects = leader.timer(Timer::Gossip);
        let to_it = effects.into_iter().filter_map(|effect| match effect {
            Effect::Send(node, message) if node == NodeId(to) => Some(message),
            Effect::Broadcast(message) => Some(message),
            _ => None,
        });
        to_it.collect()
    }
    /// Each leader tells each other one, so many times.
    fn gossip(leaders: &mut [Bench<Leader>], rounds: u32) {
        for _ in 0..rounds {
            for from in 0..leaders.len() {
                for to in 0..leaders.len() {
                    if from != to {
                        let messages = told(&mut leaders[from], to as u32 + 1);
                        for message in messages {
                            let answers = leaders[to].message(from as u32 + 1, message);
                            for effect in answers {
                                if let Effect::Send(node, message) = effect {
                                    leaders[node.0 as usize - 1].message(to as u32 + 1, message);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    fn insert(item: Item) -> Request {
        Request::Insert { key: "cart".to_owned(), item }
    }
    fn remove(item: Item) -> Request {
        Request::Remove { key: "cart".to_owned(), item }
    }

    #[test]
    fn a_leader_shows_what_it_was_asked_to_do() {
        let mut leader = leader(1);
        ask(&mut leader, Request::Write { key: "name".to_owned(), value: 7 });
        ask(&mut leader, Request::Add { key: "visits".to_owned(), by: 5 });
        ask(&mut leader, Request::Add { key: "visits".to_owned(), by: -2 });
        ask(&mut leader, insert(4));
        let state = shown(&mut leader);
        assert_eq!(state.registers["name"], 7);
        assert_eq!(state.counters["visits"], 3);
        assert_eq!(state.carts["cart"], [4].into());
    }

    #[test]
    fn an_amount_that_is_heard_of_twice_counts_once() {
        let mut leaders: Vec<Bench<Leader>> = (1..=3).map(leader).collect();
        ask(&mut leaders[0], Request::Add { key: "visits".to_owned(), by: 5 });
        ask(&mut leaders[1], Request::Add { key: "visits".to_owned(), by: 2 });
        gossip(&mut leaders, 5);
        for leader in &mut leaders {
            assert_eq!(shown(leader).counters["visits"], 7);
        }
    }

    #[test]
    fn a_remove_spares_an_insert_that_it_has_not_heard_of() {
        let mut leaders: Vec<Bench<Leader>> = (1..=3).map(leader).collect();
        ask(&mut leaders[0], insert(4));
        gossip(&mut leaders, 3);
        ask(&mut leaders[1], remove(4));
        ask(&mut leaders[2], insert(4));
        gossip(&mut leaders, 3);
        for leader in &mut leaders {
            assert_eq!(shown(leader).carts["cart"], [4].into());
        }
        ask(&mut leaders[0], remove(4));
        gossip(&mut leaders, 3);
        for leader in &mut leaders {
            assert!(shown(leader).carts.is_empty(), "each insert was known when it was removed");
        }
    }
}
