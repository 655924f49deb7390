//! Exercise `courier`: letters to a mailbox, under four guarantees.
//!
//! Saltzer, Reed and Clark, *End-to-End Arguments in System Design*, 1984. The contract is in `lab::courier`: read it first.
//!
//! Two things to write: the node [`Sender`], which never crashes, and the node [`Receiver`], which does. Messages are lost,
//! duplicated and late, and overtake each other. Try your code with `cargo test courier`, then run
//! `faultlines grade 1/courier`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

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
        todo!("put the letter into the outbox, and send what the window allows")
    }

    /// A receiver acknowledges a letter.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("this letter need not be sent again; does another one fit into the window now?")
    }

    /// A letter, or its acknowledgement, may be lost.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        todo!("send the letter again, and be ready to do so once more")
    }
}

/// A node with a mailbox on its disk. It crashes and starts again.
pub struct Receiver {
    config: Config,
    // What must a receiver remember of each sender? Which part of it must survive a crash?
}

impl Node for Receiver {
    type Contract = contract::Receiver;
    type Message = Message;
    type Timer = Nothing;

    /// The first start, and again after each crash.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        todo!("what does `boot.disk` still hold after a crash?")
    }

    /// A copy of a letter arrives.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("deliver, or not; make it durable; acknowledge, or not: for each of the four guarantees")
    }
}

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
