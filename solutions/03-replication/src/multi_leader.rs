//! Exercise `multi_leader`: every replica takes writes, answers at once, and all replicas become equal later.
//!
//! Shapiro, Preguiça, Baquero and Zawirski, RR-7506, 2011; Bieniusa and others, RR-8083, 2012. The contract is in `lab::multi_leader`: read
//! it first.
//!
//! One node to write: [`Leader`]. What leaders tell each other is yours to design. The types below are those of a design in which each
//! leader sends its whole copy, now and then, and merges the copies that it receives. Try your code with `cargo test multi_leader`, then
//! run `faultlines grade 3/multi_leader`.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::multi_leader::{self as contract, Config, Item, Key, Request, Response, State, Value};
use lab::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Which of two writes of a register wins: the larger stamp. Yours to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    // BEGIN SOLUTION
    /// One more than that of the write which it overwrites.
    clock: u64,
    /// The leader. It decides between writes of which none overwrites the other, and only that all leaders decide alike matters.
    leader: NodeId,
    // STUB: // What makes a write win against every write that its leader had shown? What if two writes have the same?
    // END SOLUTION
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
    // BEGIN SOLUTION
    up: u64,
    down: u64,
    // STUB: // A merge must tell which of two copies of this part is the newer one.
    // END SOLUTION
}

/// A copy of everything. Yours to change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    // BEGIN SOLUTION
    registers: BTreeMap<Key, (Stamp, Value)>,
    counters: BTreeMap<Key, BTreeMap<NodeId, Part>>,
    /// The inserts that are left, of all carts.
    carts: BTreeMap<(Key, Item), BTreeSet<Dot>>,
    /// How many inserts of each leader this copy has heard of, those included that were taken away. It knows the first so many of each leader, and
    /// no others, because a copy is always heard of as a whole.
    seen: BTreeMap<NodeId, u64>,
    // STUB: // Registers, counters, carts. If one of two copies lacks an insert: is the insert new, or was it taken away?
    // END SOLUTION
}

impl Replica {
    /// Takes over what another copy knows. Copies arrive in any order, many times, and late. The result must not depend on that.
    pub fn merge(&mut self, other: Replica) {
        // BEGIN SOLUTION
        for (key, theirs) in other.registers {
            let mine = self.registers.entry(key).or_insert(theirs);
            *mine = theirs.max(*mine);
        }
        for (key, parts) in other.counters {
            let mine = self.counters.entry(key).or_default();
            for (leader, theirs) in parts {
                let mine = mine.entry(leader).or_default();
                mine.up = mine.up.max(theirs.up);
                mine.down = mine.down.max(theirs.down);
            }
        }
        // An insert that only one copy has is new to the other copy, or the other copy knows that it was taken away.
        let items: BTreeSet<(Key, Item)> = self.carts.keys().chain(other.carts.keys()).cloned().collect();
        for item in items {
            let mine = self.carts.remove(&item).unwrap_or_default();
            let theirs = other.carts.get(&item).cloned().unwrap_or_default();
            let in_both = mine.intersection(&theirs);
            let new_to_them = mine.difference(&theirs).filter(|dot| !knows(&other.seen, dot));
            let new_to_me = theirs.difference(&mine).filter(|dot| !knows(&self.seen, dot));
            let left: BTreeSet<Dot> = in_both.chain(new_to_them).chain(new_to_me).copied().collect();
            if !left.is_empty() {
                self.carts.insert(item, left);
            }
        }
        for (leader, theirs) in other.seen {
            let mine = self.seen.entry(leader).or_default();
            *mine = theirs.max(*mine);
        }
        // STUB: todo!("merge registers, counters and carts")
        // END SOLUTION
    }
}
// BEGIN SOLUTION

fn knows(seen: &BTreeMap<NodeId, u64>, dot: &Dot) -> bool {
    seen.get(&dot.leader).is_some_and(|nth| dot.nth <= *nth)
}

/// The copy, on the disk. It is saved as a whole, so no crash can take its parts apart.
const REPLICA: Saved<Replica> = Saved::new("replica");
// END SOLUTION

/// The names of timers. Yours to change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Timer {
    /// It is time to tell the others.
    Gossip,
}

/// A leader, as all others are.
pub struct Leader {
    config: Config,
    // BEGIN SOLUTION
    replica: Replica,
    // STUB: // Which of what a leader knows must survive a crash?
    // END SOLUTION
}

impl Node for Leader {
    type Contract = contract::Leader;
    type Message = Replica;
    type Timer = Timer;

    /// The first start, and again after each crash.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        // BEGIN SOLUTION
        let replica = boot.disk.load(REPLICA).unwrap_or_default();
        out.set_timer(boot.config.gossip, Timer::Gossip);
        Leader { config: boot.config, replica }
        // STUB: todo!("what does `boot.disk` have? when will this node tell the others?")
        // END SOLUTION
    }

    /// A client asks for something.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        match request {
            Request::Write { key, value } => self.write(key, value, out),
            Request::Add { key, by } => self.add(key, by, out),
            Request::Insert { key, item } => self.insert(key, item, out),
            Request::Remove { key, item } => _ = self.replica.carts.remove(&(key, item)),
            Request::Read => return out.reply(id, Response::State(self.show())),
        }
        self.keep(out);
        out.reply(id, Response::Done);
        // STUB: todo!("change this leader's own copy, make it durable, answer")
        // END SOLUTION
    }

    /// A copy of another leader arrives. It may be old.
    fn on_message(&mut self, _from: NodeId, message: Replica, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let before = self.replica.clone();
        self.replica.merge(message);
        // What is merged will be shown, and passed on: so it must be durable, too. Most copies bring nothing new.
        if self.replica != before {
            self.keep(out);
        }
        // STUB: todo!("merge it; what must be durable before a client, or another leader, is shown the result?")
        // END SOLUTION
    }

    /// A timer fires.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Timer::Gossip = timer;
        out.broadcast(self.replica.clone());
        out.set_timer(self.config.gossip, Timer::Gossip);
        // STUB: todo!("tell the others; what if this message is lost, or a partition lasts for an hour?")
        // END SOLUTION
    }
}

// BEGIN SOLUTION
impl Leader {
    /// A write overwrites what this leader shows, whatever the time is by any clock.
    fn write(&mut self, key: Key, value: Value, out: &Out<Self>) {
        let clock = self.replica.registers.get(&key).map_or(0, |(stamp, _)| stamp.clock) + 1;
        self.replica.registers.insert(key, (Stamp { clock, leader: out.me() }, value));
    }

    fn add(&mut self, key: Key, by: i64, out: &Out<Self>) {
        let part = self.replica.counters.entry(key).or_default().entry(out.me()).or_default();
        match by >= 0 {
            true => part.up += by.unsigned_abs(),
            false => part.down += by.unsigned_abs(),
        }
    }

    /// The new insert stands for all inserts of the item that this leader knows.
    fn insert(&mut self, key: Key, item: Item, out: &Out<Self>) {
        let nth = self.replica.seen.entry(out.me()).or_default();
        *nth += 1;
        self.replica.carts.insert((key, item), [Dot { leader: out.me(), nth: *nth }].into());
    }

    /// Makes the copy durable. What a leader does next waits for it.
    fn keep(&self, out: &mut Out<Self>) {
        out.save(REPLICA, &self.replica);
        out.sync();
    }

    fn show(&self) -> State {
        let registers =
            self.replica.registers.iter().map(|(key, (_, value))| (key.clone(), *value)).collect();
        let sum = |parts: &BTreeMap<NodeId, Part>| {
            parts
                .values()
                .fold(0_i64, |sum, part| sum.wrapping_add_unsigned(part.up).wrapping_sub_unsigned(part.down))
        };
        let counters = self.replica.counters.iter().map(|(key, parts)| (key.clone(), sum(parts))).collect();
        let mut carts: BTreeMap<Key, BTreeSet<Item>> = BTreeMap::new();
        for (key, item) in self.replica.carts.keys() {
            carts.entry(key.clone()).or_default().insert(*item);
        }
        State { registers, counters, carts }
    }
}
// END SOLUTION

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
