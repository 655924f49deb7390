//! Exercise `courier`: letters to a mailbox, under four guarantees.
//!
//! Saltzer, Reed and Clark, *End-to-End Arguments in System Design*, 1984. The contract is in `lab::courier`: read it first.
//!
//! Two things to write: the node [`Sender`], which never crashes, and the node [`Receiver`], which does. Messages are lost,
//! duplicated and late, and overtake each other. Try your code with `cargo test courier`, then run
//! `faultlines grade 1/courier`.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::courier::{self as contract, Config, Delivery, Guarantee, Letter, MAILBOX, Request};
use lab::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The number of a letter among all letters of one sender to one receiver: 0, 1, 2, …
type Seq = u64;

/// What senders and receivers say to each other. Yours to change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Message {
    /// From a sender: a letter, for the first time or again.
    Letter {
        /// Which letter: every copy of it has the same number.
        seq: Seq,
        /// The letter.
        letter: Letter,
    },
    /// From a receiver: this letter is delivered.
    Ack {
        /// Which letter.
        seq: Seq,
    },
}

/// The names of a sender's timers. Yours to change.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Timer {
    /// No acknowledgement of this letter has come for [`Config::resend`].
    Resend {
        /// The receiver.
        to: NodeId,
        /// Which letter.
        seq: Seq,
    },
}

/// A node that is asked to send letters. It never crashes, so it needs no disk.
pub struct Sender {
    config: Config,
    outboxes: BTreeMap<NodeId, Outbox>,
}

/// A sender's letters to one receiver.
#[derive(Debug, Default)]
struct Outbox {
    /// Letters that were never sent, in the order in which they were asked for.
    waiting: VecDeque<Letter>,
    /// The number that the next letter gets when it is sent.
    next: Seq,
    /// Letters that were sent and are not acknowledged.
    under_way: BTreeMap<Seq, Letter>,
}

impl Node for Sender {
    type Contract = contract::Sender;
    type Message = Message;
    type Timer = Timer;

    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        Sender { config: boot.config, outboxes: BTreeMap::new() }
    }

    /// A client asks for a letter to be sent.
    fn on_request(&mut self, _id: RequestId, request: Request, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Request::Send { to, letter } = request;
        self.outboxes.entry(to).or_default().waiting.push_back(letter);
        self.send_what_fits(to, out);
        // STUB: todo!("put the letter into the outbox, and send what the window allows")
        // END SOLUTION
    }

    /// A receiver acknowledges a letter.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Message::Ack { seq } = message else { return };
        let Some(outbox) = self.outboxes.get_mut(&from) else { return };
        if outbox.under_way.remove(&seq).is_some() {
            out.cancel_timer(Timer::Resend { to: from, seq });
            self.send_what_fits(from, out);
        }
        // STUB: todo!("this letter need not be sent again; does another one fit into the window now?")
        // END SOLUTION
    }

    /// A letter, or its acknowledgement, may be lost.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Timer::Resend { to, seq } = timer;
        let letter = self.outboxes.get(&to).and_then(|outbox| outbox.under_way.get(&seq));
        if let Some(letter) = letter {
            out.send(to, Message::Letter { seq, letter: letter.clone() });
            out.set_timer(self.config.resend, timer);
        }
        // STUB: todo!("send the letter again, and be ready to do so once more")
        // END SOLUTION
    }
}

// BEGIN SOLUTION
impl Sender {
    /// Sends letters that wait, in order, as long as the window has room.
    fn send_what_fits(&mut self, to: NodeId, out: &mut Out<Self>) {
        let Some(outbox) = self.outboxes.get_mut(&to) else { return };
        while outbox.has_room(&self.config)
            && let Some(letter) = outbox.waiting.pop_front()
        {
            let seq = outbox.next;
            outbox.next += 1;
            out.send(to, Message::Letter { seq, letter: letter.clone() });
            if self.config.guarantee != Guarantee::AtMostOnce {
                outbox.under_way.insert(seq, letter);
                out.set_timer(self.config.resend, Timer::Resend { to, seq });
            }
        }
    }
}

impl Outbox {
    /// Whether another letter may be sent. The window begins at the oldest letter without an acknowledgement, so all
    /// numbers under way lie within one window: a receiver never has to remember more numbers than that.
    fn has_room(&self, config: &Config) -> bool {
        let oldest = self.under_way.keys().next().copied().unwrap_or(self.next);
        self.next < oldest + Seq::from(config.window)
    }
}

/// What a receiver remembers of each sender, over crashes.
const SEEN: Table<NodeId, Seen> = Table::new("seen");

/// Which letters of one sender are delivered: all with a number below `next`, and those in `ahead`.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Seen {
    next: Seq,
    ahead: BTreeSet<Seq>,
}
impl Seen {
    fn contains(&self, seq: Seq) -> bool {
        seq < self.next || self.ahead.contains(&seq)
    }
    fn insert(&mut self, seq: Seq) {
        self.ahead.insert(seq);
        while self.ahead.remove(&self.next) {
            self.next += 1;
        }
    }
}
// END SOLUTION

/// A node with a mailbox on its disk. It crashes and starts again.
pub struct Receiver {
    config: Config,
    // BEGIN SOLUTION
    /// What is on the disk as [`SEEN`].
    seen: BTreeMap<NodeId, Seen>,
    /// Letters that arrived before an earlier letter of the same sender. A crash loses them, and the sender will send
    /// them again: nobody was told that they arrived.
    early: BTreeMap<(NodeId, Seq), Letter>,
    // STUB: // What must a receiver remember of each sender? Which part of it must survive a crash?
    // END SOLUTION
}

impl Node for Receiver {
    type Contract = contract::Receiver;
    type Message = Message;
    type Timer = Nothing;

    /// The first start, and again after each crash.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        // BEGIN SOLUTION
        Receiver { config: boot.config, seen: boot.disk.table(SEEN), early: BTreeMap::new() }
        // STUB: todo!("what does `boot.disk` still hold after a crash?")
        // END SOLUTION
    }

    /// A copy of a letter arrives.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Message::Letter { seq, letter } = message else { return };
        match self.config.guarantee {
            Guarantee::AtMostOnce => self.at_most_once(from, seq, letter, out),
            Guarantee::AtLeastOnce => self.at_least_once(from, seq, letter, out),
            Guarantee::ExactlyOnce => self.exactly_once(from, seq, letter, out),
            Guarantee::ExactlyOnceInOrder => self.in_order(from, seq, letter, out),
        }
        // STUB: todo!("deliver, or not; make it durable; acknowledge, or not: for each of the four guarantees")
        // END SOLUTION
    }
}

// BEGIN SOLUTION
impl Receiver {
    /// Delivers a letter only if its number is higher than that of every letter before it. A letter that was overtaken is
    /// lost: to tell it from a copy, this node would have to remember each number that is still missing.
    fn at_most_once(&mut self, from: NodeId, seq: Seq, letter: Letter, out: &mut Out<Self>) {
        let seen = self.seen.entry(from).or_default();
        if seq >= seen.next {
            seen.next = seq + 1;
            deliver(Delivery { from, letter }, seen, out);
            out.sync();
        }
    }

    /// Delivers every copy. The sender may forget a letter once it is acknowledged, so it has to be durable by then.
    fn at_least_once(&mut self, from: NodeId, seq: Seq, letter: Letter, out: &mut Out<Self>) {
        out.append(MAILBOX, &Delivery { from, letter });
        out.sync();
        out.send(from, Message::Ack { seq });
    }

    /// Delivers the first copy, and acknowledges every copy: an earlier acknowledgement may be lost.
    fn exactly_once(&mut self, from: NodeId, seq: Seq, letter: Letter, out: &mut Out<Self>) {
        let seen = self.seen.entry(from).or_default();
        if !seen.contains(seq) {
            seen.insert(seq);
            deliver(Delivery { from, letter }, seen, out);
            out.sync();
        }
        out.send(from, Message::Ack { seq });
    }

    /// Delivers the letter whose turn it is, and then each letter that has waited for it.
    fn in_order(&mut self, from: NodeId, seq: Seq, letter: Letter, out: &mut Out<Self>) {
        let seen = self.seen.entry(from).or_default();
        let first = seen.next;
        if seq < first {
            out.send(from, Message::Ack { seq });
            return;
        }
        self.early.insert((from, seq), letter);
        while let Some(letter) = self.early.remove(&(from, seen.next)) {
            seen.next += 1;
            deliver(Delivery { from, letter }, seen, out);
        }
        out.sync();
        for seq in first..seen.next {
            out.send(from, Message::Ack { seq });
        }
    }
}

/// Puts a letter into the mailbox, together with the memory of it. In two separate writes, a crash could keep one of them
/// and lose the other: then the letter would be delivered twice, or never.
fn deliver(delivery: Delivery, seen: &Seen, out: &mut Out<Receiver>) {
    out.atomic(|disk| {
        disk.append(MAILBOX, &delivery);
        disk.put(SEEN, &delivery.from, seen);
    });
}
// END SOLUTION

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;

    const GUARANTEES: [Guarantee; 4] = [
        Guarantee::AtMostOnce,
        Guarantee::AtLeastOnce,
        Guarantee::ExactlyOnce,
        Guarantee::ExactlyOnceInOrder,
    ];

    /// A sender, n1, and a receiver, n2.
    fn pair(guarantee: Guarantee) -> (Bench<Sender>, Bench<Receiver>) {
        let config = Config { guarantee, resend: Duration::from_millis(50), window: 4 };
        (Bench::new(1, 2, config), Bench::new(2, 2, config))
    }
    /// Asks the sender for a letter to n2.
    fn send(sender: &mut Bench<Sender>, text: &str) -> Vec<Effect<Sender>> {
        sender.request(Request::Send { to: NodeId(2), letter: text.into() })
    }
    /// The messages among these effects.
    fn messages<N: Node<Message = Message>>(effects: &[Effect<N>]) -> Vec<Message> {
        let message = |effect: &Effect<N>| match effect {
            Effect::Send(_, message) => Some(message.clone()),
            _ => None,
        };
        effects.iter().filter_map(message).collect()
    }
    /// The letters that are durable in the mailbox.
    fn mailbox(receiver: &Bench<Receiver>) -> Vec<Letter> {
        receiver.disk().log(MAILBOX).map_while(Result::ok).map(|delivery| delivery.letter).collect()
    }

    #[test]
    fn a_letter_reaches_the_mailbox() {
        for guarantee in GUARANTEES {
            let (mut sender, mut receiver) = pair(guarantee);
            for message in messages(&send(&mut sender, "menu")) {
                receiver.message(1, message);
            }
            assert_eq!(mailbox(&receiver), ["menu".into()], "{guarantee:?}: is it in MAILBOX, and synced?");
        }
    }

    #[test]
    fn a_lost_letter_is_sent_again_until_it_is_acknowledged() {
        let (mut sender, mut receiver) = pair(Guarantee::AtLeastOnce);
        let lost = send(&mut sender, "menu");
        let timer = lost.iter().find_map(|effect| match effect {
            Effect::SetTimer(_, timer) => Some(*timer),
            _ => None,
        });
        let timer = timer.expect("the sender set no timer, so it will never send the letter again");
        let mut acknowledgements = Vec::new();
        for message in messages(&sender.timer(timer)) {
            acknowledgements.extend(messages(&receiver.message(1, message)));
        }
        assert_eq!(mailbox(&receiver), ["menu".into()]);
        for message in acknowledgements {
            sender.message(2, message);
        }
        assert!(messages(&sender.timer(timer)).is_empty(), "the sender sends an acknowledged letter again");
    }

    #[test]
    fn a_copy_is_recognised_after_a_crash() {
        let (mut sender, mut receiver) = pair(Guarantee::ExactlyOnce);
        let copies = messages(&send(&mut sender, "menu"));
        for message in copies.clone() {
            receiver.message(1, message);
        }
        receiver.crash();
        for message in copies {
            let answers = messages(&receiver.message(1, message));
            assert!(!answers.is_empty(), "the first acknowledgement may be lost: a copy needs one, too");
        }
        assert_eq!(mailbox(&receiver), ["menu".into()]);
        // a letter with the same contents is another letter
        for message in messages(&send(&mut sender, "menu")) {
            receiver.message(1, message);
        }
        assert_eq!(mailbox(&receiver), ["menu".into(), "menu".into()]);
    }
}
