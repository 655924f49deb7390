//! `byzantine` as one table of sets of voters, and a loop that runs until nothing changes. A node counts itself at once and sends itself
//! nothing; quorums are of n - f nodes; and a node echoes what f + 1 nodes are ready for, too.

use lab::byzantine::{self as contract, Event, Message, Payload, Request, Slot};
use lab::prelude::*;
use std::collections::{BTreeMap, HashSet};

/// The kinds of votes, in the order in which a node gives them.
const ECHO: usize = 0;
const READY: usize = 1;

pub struct Broadcaster {
    me: NodeId,
    members: Vec<NodeId>,
    faults: u32,
    /// Who voted for it, by kind of vote: a bit for each member.
    voters: BTreeMap<(Slot, Payload), [u128; 2]>,
    /// Where this node has given its vote, and where it has delivered.
    given: [HashSet<Slot>; 2],
    delivered: HashSet<Slot>,
    /// What has been said to this node and is not counted yet, its own words included.
    inbox: Vec<(NodeId, Message)>,
}

impl Node for Broadcaster {
    type Contract = contract::Broadcaster;
    type Message = Message;
    type Timer = Nothing;

    fn start(boot: Boot<Self>, _: &mut Out<Self>) -> Self {
        let mut members = boot.peers.clone();
        members.push(boot.me);
        members.sort_unstable();
        Broadcaster {
            me: boot.me,
            members,
            faults: boot.config.faults,
            voters: BTreeMap::new(),
            given: Default::default(),
            delivered: HashSet::new(),
            inbox: Vec::new(),
        }
    }
    fn on_request(&mut self, _: RequestId, request: Request, out: &mut Out<Self>) {
        let Request::Broadcast { seq, payload } = request;
        self.say(Message::Initial { slot: Slot { origin: self.me, seq }, payload }, out);
        self.settle(out);
    }
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        self.inbox.push((from, message));
        self.settle(out);
    }
}

impl Broadcaster {
    fn say(&mut self, message: Message, out: &mut Out<Self>) {
        out.broadcast(message.clone());
        self.inbox.push((self.me, message));
    }
    fn settle(&mut self, out: &mut Out<Self>) {
        while let Some((from, message)) = self.inbox.pop() {
            let (kind, slot, payload) = match message {
                Message::Initial { slot, payload } => {
                    if from == slot.origin {
                        self.vote(ECHO, slot, payload, out);
                    }
                    continue;
                }
                Message::Echo { slot, payload } => (ECHO, slot, payload),
                Message::Ready { slot, payload } => (READY, slot, payload),
                Message::Extension(_) => continue,
            };
            let Ok(member) = self.members.binary_search(&from) else { continue };
            let voters = self.voters.entry((slot, payload)).or_default();
            voters[kind] |= 1 << member;
            let [echoes, readies] = voters.map(u128::count_ones);
            let quorum = self.members.len() as u32 - self.faults;
            if readies > self.faults {
                self.vote(ECHO, slot, payload, out);
            }
            if echoes >= quorum || readies > self.faults {
                self.vote(READY, slot, payload, out);
            }
            if readies >= quorum && self.delivered.insert(slot) {
                out.emit(Event::Delivered { slot, payload });
            }
        }
    }
    /// Gives this node's one vote of a kind in a slot, if it has not.
    fn vote(&mut self, kind: usize, slot: Slot, payload: Payload, out: &mut Out<Self>) {
        if self.given[kind].insert(slot) {
            self.say([Message::Echo { slot, payload }, Message::Ready { slot, payload }][kind].clone(), out);
        }
    }
}
