//! `membership` as in van Renesse, Minsky and Hayden 1998: every node counts its own rounds, and nodes tell each other the counters that they
//! know. A node whose counter does not grow is let go. No node asks, answers, accuses or contradicts.

use lab::membership::{self as contract, Config, Event};
use lab::prelude::*;
use std::collections::BTreeMap;

/// A counter begins at the number of lives times this, so that a new life is larger than any life before.
const LIFE: u64 = 1 << 32;
/// How often this node has started.
const LIVES: Saved<u64> = Saved::new("lives");
/// After so many rounds without growth a node is let go.
const SILENCE: u64 = 40;
/// After so many rounds without growth a node is forgotten.
const FORGOTTEN: u64 = 120;
/// A counter that grew within so many rounds is fresh.
const FRESH: u64 = 10;
const KNOCK_EVERY: u64 = 10;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Message {
    /// Counters.
    Table(Vec<(NodeId, u64)>),
    /// Counters, and yours, please.
    Knock(Vec<(NodeId, u64)>),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Round;

pub struct Member {
    config: Config,
    me: NodeId,
    /// The counter of this node.
    counter: u64,
    round: u64,
    /// The counters of others, and the round in which each of them grew.
    others: BTreeMap<NodeId, Seen>,
}
struct Seen {
    counter: u64,
    grew: u64,
    is_member: bool,
}

impl Node for Member {
    type Contract = contract::Member;
    type Message = Message;
    type Timer = Round;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let lives = boot.disk.load(LIVES).unwrap_or(0) + 1;
        out.save(LIVES, &lives);
        out.sync();
        let mut member = Member {
            config: boot.config,
            me: boot.me,
            counter: lives * LIFE,
            round: 0,
            others: BTreeMap::new(),
        };
        member.knock(out);
        out.set_timer(member.config.interval, Round);
        member
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        let (Message::Table(table) | Message::Knock(table)) = &message;
        for (node, counter) in table {
            self.merge(*node, *counter, out);
        }
        if let Message::Knock(_) = message {
            out.send(from, Message::Table(self.table()));
        }
    }

    fn on_timer(&mut self, Round: Round, out: &mut Out<Self>) {
        self.round += 1;
        self.counter += 1;
        for (node, seen) in &mut self.others {
            if seen.is_member && self.round - seen.grew > SILENCE {
                seen.is_member = false;
                out.emit(Event::Gone { node: *node });
            }
        }
        self.others.retain(|_, seen| self.round - seen.grew <= FORGOTTEN);
        if self.round.is_multiple_of(KNOCK_EVERY) {
            self.knock(out);
        }
        // one of those that are surely up, so that the news travels, and one of all
        for age in [FRESH, SILENCE] {
            let fits = |seen: &Seen| seen.is_member && self.round - seen.grew <= age;
            let members: Vec<NodeId> =
                self.others.iter().filter(|(_, seen)| fits(seen)).map(|(node, _)| *node).collect();
            if !members.is_empty() {
                out.send(members[out.random(0..members.len())], Message::Table(self.table()));
            }
        }
        out.set_timer(self.config.interval, Round);
    }
}

impl Member {
    fn merge(&mut self, node: NodeId, counter: u64, out: &mut Out<Self>) {
        let known = self.others.get(&node);
        if node == self.me || known.is_some_and(|seen| counter <= seen.counter) {
            return;
        }
        if !known.is_some_and(|seen| seen.is_member) {
            out.emit(Event::Member { node });
        }
        self.others.insert(node, Seen { counter, grew: self.round, is_member: true });
    }

    /// The counters of this node and of its members.
    fn table(&self) -> Vec<(NodeId, u64)> {
        let members = self.others.iter().filter(|(_, seen)| seen.is_member);
        members.map(|(node, seen)| (*node, seen.counter)).chain([(self.me, self.counter)]).collect()
    }

    fn knock(&mut self, out: &mut Out<Self>) {
        for seed in &self.config.seeds {
            if *seed != self.me {
                out.send(*seed, Message::Knock(self.table()));
            }
        }
    }
}
