//! Exercise `membership`: every node knows who is up, although no node can see that.
//!
//! Das, Gupta and Motivala, *SWIM*, 2002, sections 3 and 4. The contract is in `lab::membership`: read it first.
//!
//! One thing to write: the node [`Member`]. It keeps a view of the other nodes, and announces every change of it. The types below are a
//! proposal: messages and timers are yours to design. Try your code with `cargo test membership`, then run
//! `faultlines grade 2/membership`.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::membership::{self as contract, Config, Event};
use lab::prelude::*;
use std::collections::BTreeMap;

// BEGIN SOLUTION
/// After so many rounds a node writes to the seeds, also if all seems well.
const KNOCK_EVERY: u64 = 10;
/// So many rounds a suspected node has to contradict.
const SUSPICION: u32 = 4;
/// So many other nodes are asked to ping a node that is silent.
const HELPERS: usize = 2;
/// At most so much news travels with one message.
const NEWS_MAX: usize = 6;
// END SOLUTION

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
    // BEGIN SOLUTION
    /// How often this node has contradicted.
    incarnation: u64,
    /// Every other node that was ever heard of. The dead are kept, so that old news does not revive them.
    others: BTreeMap<NodeId, Standing>,
    /// What is still to be passed on: claims about these nodes, so many times.
    news: BTreeMap<NodeId, u32>,
    /// The members that are still to be pinged before all of them are pinged again.
    turn: Vec<NodeId>,
    /// The node that was pinged in this round, until it answers.
    probed: Option<NodeId>,
    round: u64,
    // STUB: // What must a node remember of each other node: of its members, of those it suspects, and of those it has let go?
    // END SOLUTION
}

impl Node for Member {
    type Contract = contract::Member;
    type Message = Message;
    type Timer = Timer;

    /// The first start, and again after each crash. The view is empty.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        // BEGIN SOLUTION
        let mut member = Member {
            config: boot.config,
            incarnation: 0,
            others: BTreeMap::new(),
            news: BTreeMap::new(),
            turn: Vec::new(),
            probed: None,
            round: 0,
        };
        member.knock(out);
        out.set_timer(member.config.interval, Timer::Round);
        member
        // STUB: todo!("ask the seeds who is there, and begin the first round")
        // END SOLUTION
    }

    /// Another node writes. It may be up, or it may have crashed long ago.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        for (node, standing) in message.claims {
            self.learn(node, standing, out);
        }
        let me = out.me();
        match message.what {
            What::Ping { asker } => self.tell(from, What::Ack { asker, of: me }, out),
            What::Ack { asker, of } if asker == me => {
                if self.probed == Some(of) {
                    self.probed = None;
                    out.cancel_timer(Timer::Unanswered);
                }
            }
            What::Ack { asker, of } => self.tell(asker, What::Ack { asker, of }, out),
            What::PingFor { node } => self.tell(node, What::Ping { asker: from }, out),
            What::Knock => self.tell(from, What::Welcome, out),
            What::Welcome => {}
        }
        // STUB: todo!("what does this message claim, of whom, and is that newer than what you know? what does its sender want?")
        // END SOLUTION
    }

    /// A timer fires.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        match timer {
            Timer::Round => {
                if let Some(silent) = self.probed.take() {
                    self.accuse(silent, State::Suspect, out);
                }
                self.round += 1;
                if self.round.is_multiple_of(KNOCK_EVERY) {
                    self.knock(out);
                }
                self.probe(out);
                out.set_timer(self.config.interval, Timer::Round);
            }
            Timer::Unanswered => {
                let Some(node) = self.probed else { return };
                for helper in self.helpers(node, out) {
                    self.tell(helper, What::PingFor { node }, out);
                }
            }
            Timer::Overdue(node) => self.accuse(node, State::Dead, out),
        }
        // STUB: todo!("ping the next member; what if the last one did not answer?")
        // END SOLUTION
    }
}

// BEGIN SOLUTION
impl Member {
    /// A claim arrives, or is made here.
    fn learn(&mut self, node: NodeId, claim: Standing, out: &mut Out<Self>) {
        if node == out.me() {
            // only a larger incarnation contradicts an accusation, no matter which node made it and when
            if claim.state != State::Alive && claim.incarnation >= self.incarnation {
                self.incarnation = claim.incarnation + 1;
            }
            return;
        }
        let old = self.others.get(&node).copied();
        if old.is_some_and(|old| claim <= old) {
            return;
        }
        self.others.insert(node, claim);
        self.news.insert(node, self.repetitions());
        match claim.state {
            State::Suspect => out.set_timer(self.config.interval * SUSPICION, Timer::Overdue(node)),
            State::Alive | State::Dead => out.cancel_timer(Timer::Overdue(node)),
        }
        let was_member = old.is_some_and(|old| old.state != State::Dead);
        match claim.state {
            State::Dead if was_member => out.emit(Event::Gone { node }),
            State::Alive | State::Suspect if !was_member => out.emit(Event::Member { node }),
            _ => {}
        }
    }

    /// Claims that a node is in a worse state, under the incarnation that is known here.
    fn accuse(&mut self, node: NodeId, state: State, out: &mut Out<Self>) {
        if let Some(known) = self.others.get(&node).copied() {
            self.learn(node, Standing { state, ..known }, out);
        }
    }

    /// Sends a message, with claims: of this node itself; of the receiver, if it has to contradict; and of others.
    fn tell(&mut self, to: NodeId, what: What, out: &mut Out<Self>) {
        let alive = Standing { incarnation: self.incarnation, state: State::Alive };
        let mut claims = vec![(out.me(), alive)];
        if let What::Knock | What::Welcome = what {
            claims.extend(self.others.iter().map(|(node, standing)| (*node, *standing)));
        } else {
            let accused = self.others.get(&to).filter(|standing| standing.state != State::Alive);
            claims.extend(accused.map(|standing| (to, *standing)));
            claims.extend(self.take_news());
        }
        out.send(to, Message { what, claims });
    }

    /// The news that was passed on least often.
    fn take_news(&mut self) -> Vec<(NodeId, Standing)> {
        let mut fresh: Vec<NodeId> = self.news.keys().copied().collect();
        fresh.sort_by_key(|node| std::cmp::Reverse(self.news[node]));
        fresh.truncate(NEWS_MAX);
        for node in &fresh {
            self.news.entry(*node).and_modify(|left| *left -= 1);
        }
        self.news.retain(|_, left| *left > 0);
        fresh.into_iter().map(|node| (node, self.others[&node])).collect()
    }

    /// How often news is passed on: gossip that each node repeats about log n times reaches all of n nodes (SWIM, section 4.1).
    fn repetitions(&self) -> u32 {
        3 * (self.others.len() + 1).ilog2() + 3
    }

    /// Writes to the seeds: a node that starts finds the others so, and two halves find each other.
    fn knock(&mut self, out: &mut Out<Self>) {
        for seed in self.config.seeds.clone() {
            if seed != out.me() {
                self.tell(seed, What::Knock, out);
            }
        }
    }

    /// Pings the next member. Each member is pinged once before any is pinged again (SWIM, section 4.3).
    fn probe(&mut self, out: &mut Out<Self>) {
        if self.turn.is_empty() {
            self.turn = self.members();
            shuffle(&mut self.turn, out);
        }
        let Some(node) = self.turn.pop() else { return };
        self.probed = Some(node);
        self.tell(node, What::Ping { asker: out.me() }, out);
        out.set_timer(self.config.interval / 3, Timer::Unanswered);
    }

    fn members(&self) -> Vec<NodeId> {
        self.others.iter().filter(|(_, known)| known.state != State::Dead).map(|(node, _)| *node).collect()
    }

    /// Other members that may reach a node that this one cannot reach (SWIM, section 3.1).
    fn helpers(&self, silent: NodeId, out: &Out<Self>) -> Vec<NodeId> {
        let mut helpers = self.members();
        helpers.retain(|node| *node != silent);
        shuffle(&mut helpers, out);
        helpers.truncate(HELPERS);
        helpers
    }
}

fn shuffle(nodes: &mut [NodeId], out: &Out<Member>) {
    for last in (1..nodes.len()).rev() {
        nodes.swap(last, out.random(0..last + 1));
    }
}
// END SOLUTION

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
