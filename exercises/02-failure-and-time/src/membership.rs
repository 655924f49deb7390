//! Exercise `membership`: every node knows who is up, although no node can see that.
//!
//! Das, Gupta and Motivala, *SWIM*, 2002, sections 3 and 4. The contract is in `lab::membership`: read it first.
//!
//! One thing to write: the node [`Member`]. It keeps a view of the other nodes, and announces every change of it. The types below are a
//! proposal: messages and timers are yours to design. Try your code with `cargo test membership`, then run
//! `faultlines grade 2/membership`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::membership::{self as contract, Config, Event};
use lab::prelude::*;
use std::collections::BTreeMap;

/// What a node is thought to be. Of two claims with one incarnation, the one with the later state wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// It is up.
    Alive,
    /// It was silent. It is still a member, and has some time to contradict.
    Suspect,
    /// It was silent for too long.
    Dead,
}

/// What is claimed of a node. The newer of two claims is the larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Standing {
    /// How often the node has contradicted. Only the node itself raises this number.
    pub incarnation: u64,
    /// Its state.
    pub state: State,
}

/// What nodes send each other. Yours to change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Message {
    /// What the sender wants.
    pub what: What,
    /// What the sender believes of some nodes.
    pub claims: Vec<(NodeId, Standing)>,
}

/// What the sender of a message wants. Yours to change.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum What {
    /// Answer with an `Ack`.
    Ping {
        /// The node that wants to know whether you are up: the sender, or the node that asked the sender for help.
        asker: NodeId,
    },
    /// The answer to a ping.
    Ack {
        /// The node that wanted to know.
        asker: NodeId,
        /// The node that was pinged.
        of: NodeId,
    },
    /// Ping this node for me.
    PingFor {
        /// The node.
        node: NodeId,
    },
    /// To a seed: these are all nodes that I know. Which ones do you know?
    Knock,
    /// The answer of a seed: these are all nodes that I know.
    Welcome,
}

/// The names of timers. Yours to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Timer {
    /// The next round begins.
    Round,
    /// The node that was pinged in this round has not answered.
    Unanswered,
    /// This node was suspected for so long that it is let go.
    Overdue(NodeId),
}

/// A node that keeps a view of the others.
pub struct Member {
    config: Config,
    // What must a node remember of each other node: of its members, of those it suspects, and of those it has let go?
}

impl Node for Member {
    type Contract = contract::Member;
    type Message = Message;
    type Timer = Timer;

    /// The first start, and again after each crash. The view is empty.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        todo!("ask the seeds who is there, and begin the first round")
    }

    /// Another node writes. It may be up, or it may have crashed long ago.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("what does this message claim, of whom, and is that newer than what you know? what does its sender want?")
    }

    /// A timer fires.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        todo!("ping the next member; what if the last one did not answer?")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;
    use std::collections::BTreeSet;

    const INTERVAL: Duration = Duration::from_millis(100);

    /// Some nodes, a network that delivers every message after a millisecond, and the view of each node.
    #[derive(Default)]
    struct Town {
        now: Duration,
        nodes: BTreeMap<u32, Bench<Member>>,
        views: BTreeMap<u32, BTreeSet<u32>>,
        messages: Vec<(Duration, u32, u32, Message)>,
        /// By node and name.
        timers: BTreeMap<(u32, String), (Duration, Timer)>,
    }
    impl Town {
        /// So many nodes start: n1, n2, … The first two are the seeds.
        fn of(n: u32) -> Town {
            let mut town = Town::default();
            (1..=n).for_each(|node| town.start(node));
            town
        }
        fn start(&mut self, node: u32) {
            let config =
                Config { seeds: vec![NodeId(1), NodeId(2)], interval: INTERVAL, detect: INTERVAL * 80 };
            let mut bench = Bench::new(node, 0, config);
            bench.now = self.now;
            let effects = bench.crash(); // it starts again, and shows what it asks for
            self.nodes.insert(node, bench);
            self.views.insert(node, BTreeSet::new());
            self.carry_out(node, effects);
        }
        fn crash(&mut self, node: u32) {
            self.nodes.remove(&node);
            self.views.remove(&node);
            self.timers.retain(|(of, _), _| *of != node);
        }
        fn carry_out(&mut self, node: u32, effects: Vec<Effect<Member>>) {
            let Some(view) = self.views.get_mut(&node) else { return };
            for effect in effects {
                match effect {
                    Effect::Send(to, message) => {
                        self.messages.push((self.now + Duration::from_millis(1), node, to.0, message));
                    }
                    Effect::SetTimer(after, timer) => {
                        self.timers.insert((node, format!("{timer:?}")), (self.now + after, timer));
                    }
                    Effect::CancelTimer(timer) => {
                        self.timers.remove(&(node, format!("{timer:?}")));
                    }
                    Effect::Emit(Event::Member { node: other }) => {
                        view.insert(other.0);
                    }
                    Effect::Emit(Event::Gone { node: other }) => {
                        view.remove(&other.0);
                    }
                    _ => {}
                }
            }
        }
        /// So many intervals pass, a millisecond at a time.
        fn pass(&mut self, intervals: u32) {
            let until = self.now + INTERVAL * intervals;
            while self.now < until {
                self.now += Duration::from_millis(1);
                let due = |at: &Duration| *at <= self.now;
                let (arrive, rest): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut self.messages).into_iter().partition(|(at, ..)| due(at));
                let fire: Vec<(u32, String)> =
                    self.timers.iter().filter(|(_, (at, _))| due(at)).map(|(name, _)| name.clone()).collect();
                self.messages = rest;
                for (_, from, to, message) in arrive {
                    let Some(bench) = self.nodes.get_mut(&to) else { continue };
                    bench.now = self.now;
                    let effects = bench.message(from, message);
                    self.carry_out(to, effects);
                }
                for name in fire {
                    let Some((_, timer)) = self.timers.remove(&name) else { continue };
                    let Some(bench) = self.nodes.get_mut(&name.0) else { continue };
                    bench.now = self.now;
                    let effects = bench.timer(timer);
                    self.carry_out(name.0, effects);
                }
            }
        }
        fn everybody_knows_who_is_up(&self) {
            for (node, view) in &self.views {
                let up: BTreeSet<u32> = self.nodes.keys().copied().filter(|other| other != node).collect();
                assert_eq!(*view, up, "the view of n{node} after {:?}", self.now);
            }
        }
    }

    #[test]
    fn nodes_find_each_other() {
        let mut town = Town::of(5);
        town.pass(80);
        town.everybody_knows_who_is_up();
    }

    #[test]
    fn a_crashed_node_is_let_go() {
        let mut town = Town::of(5);
        town.pass(80);
        town.crash(4);
        town.pass(80);
        town.everybody_knows_who_is_up();
    }

    #[test]
    fn a_node_that_was_let_go_comes_back() {
        let mut town = Town::of(4);
        town.pass(80);
        town.crash(3);
        town.pass(80);
        town.start(3);
        town.pass(160);
        town.everybody_knows_who_is_up();
    }
}
