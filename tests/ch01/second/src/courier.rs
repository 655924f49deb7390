//! `courier` with go-back-N (Stenning 1976) and no table: a receiver counts what lies in its mailbox.
//!
//! A sender has one timer for each receiver, doubles its pause, and sends all letters of the window in one message. A
//! receiver ignores letters that are early, commits in groups, and acknowledges by the number of letters it has. So
//! at-least-once and exactly-once are in order here, too. At-most-once remembers first and delivers then: a crash in
//! between loses the letter.

use lab::courier::{self as contract, Config, Delivery, Guarantee, Letter, MAILBOX, Request};
use lab::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Message {
    /// Letters, numbered from `first`.
    Letters { first: u64, letters: Vec<Letter> },
    /// All letters with a lower number are delivered.
    Have { below: u64 },
}

#[derive(Debug, Serialize, Deserialize)]
pub struct GoBack {
    to: NodeId,
}

pub struct Sender {
    config: Config,
    links: BTreeMap<NodeId, Link>,
}
struct Link {
    /// The number of the first letter that is not acknowledged.
    base: u64,
    /// From that letter on, those that were sent, and then those that wait.
    letters: VecDeque<Letter>,
    sent: usize,
    pause: Duration,
}

impl Node for Sender {
    type Contract = contract::Sender;
    type Message = Message;
    type Timer = GoBack;

    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        Sender { config: boot.config, links: BTreeMap::new() }
    }

    fn on_request(&mut self, _id: RequestId, request: Request, out: &mut Out<Self>) {
        let Request::Send { to, letter } = request;
        let pause = self.config.resend;
        let link = self.links.entry(to).or_insert(Link { base: 0, letters: VecDeque::new(), sent: 0, pause });
        if self.config.guarantee == Guarantee::AtMostOnce {
            out.send(to, Message::Letters { first: link.base, letters: vec![letter] });
            link.base += 1;
            return;
        }
        link.letters.push_back(letter);
        link.send_more(to, &self.config, out);
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        let (Message::Have { below }, Some(link)) = (message, self.links.get_mut(&from)) else { return };
        let done = usize::try_from(below.saturating_sub(link.base)).expect("letters in memory");
        if done == 0 {
            return;
        }
        link.letters.drain(..done);
        link.base = below;
        link.sent -= done;
        link.pause = self.config.resend;
        out.cancel_timer(GoBack { to: from });
        if link.sent > 0 {
            out.set_timer(link.pause, GoBack { to: from });
        }
        link.send_more(from, &self.config, out);
    }

    fn on_timer(&mut self, GoBack { to }: GoBack, out: &mut Out<Self>) {
        let Some(link) = self.links.get_mut(&to) else { return };
        let letters = link.letters.range(..link.sent).cloned().collect();
        out.send(to, Message::Letters { first: link.base, letters });
        link.pause *= 2;
        out.set_timer(link.pause, GoBack { to });
    }
}

impl Link {
    fn send_more(&mut self, to: NodeId, config: &Config, out: &mut Out<Sender>) {
        let fit = self.letters.len().min(config.window as usize);
        if fit <= self.sent {
            return;
        }
        let first = self.base + self.sent as u64;
        let letters = self.letters.range(self.sent..fit).cloned().collect();
        out.send(to, Message::Letters { first, letters });
        if self.sent == 0 {
            out.set_timer(self.pause, GoBack { to });
        }
        self.sent = fit;
    }
}

/// At-most-once only: letters of a sender below this number are delivered or lost.
const MARK: Table<NodeId, u64> = Table::new("mark");

/// How long a commit waits for more letters.
const GATHER: Duration = Duration::from_millis(1);

#[derive(Debug, Serialize, Deserialize)]
pub struct Commit;

pub struct Receiver {
    config: Config,
    /// So many letters of each sender are in the mailbox, synced or not; at most once: what [`MARK`] says.
    next: BTreeMap<NodeId, u64>,
    /// They wait for an acknowledgement.
    owed: BTreeSet<NodeId>,
}

impl Node for Receiver {
    type Contract = contract::Receiver;
    type Message = Message;
    type Timer = Commit;

    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        let mut next = BTreeMap::new();
        if boot.config.guarantee == Guarantee::AtMostOnce {
            next = boot.disk.table(MARK);
        } else {
            for delivery in boot.disk.log(MAILBOX).map_while(Result::ok) {
                *next.entry(delivery.from).or_default() += 1;
            }
        }
        Receiver { config: boot.config, next, owed: BTreeSet::new() }
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        let Message::Letters { first, letters } = message else { return };
        let next = self.next.entry(from).or_default();
        for (seq, letter) in (first..).zip(letters) {
            let delivery = Delivery { from, letter };
            if self.config.guarantee == Guarantee::AtMostOnce {
                if seq >= *next {
                    *next = seq + 1;
                    out.put(MARK, &from, next);
                    out.sync();
                    out.append(MAILBOX, &delivery);
                    out.sync();
                }
            } else if seq == *next {
                *next = seq + 1;
                out.append(MAILBOX, &delivery);
            }
        }
        if self.config.guarantee != Guarantee::AtMostOnce {
            if self.owed.is_empty() {
                out.set_timer(GATHER, Commit);
            }
            self.owed.insert(from);
        }
    }

    fn on_timer(&mut self, Commit: Commit, out: &mut Out<Self>) {
        out.sync();
        for to in std::mem::take(&mut self.owed) {
            out.send(to, Message::Have { below: self.next[&to] });
        }
    }
}
