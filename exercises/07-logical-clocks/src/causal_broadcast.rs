//! Exercise `causal_broadcast`: each message reaches every node or none, and no answer comes before its question.
//!
//! Birman, Schiper and Stephenson, *Lightweight Causal and Atomic Group Multicast*, 1991; Hadzilacos and Toueg, *A Modular
//! Approach to Fault-Tolerant Broadcasts and Related Problems*, 1994.
//!
//! Write the node [`Member`]. Fewer than half of the nodes crash, and they do not come back. Messages are lost, duplicated
//! and late. What is broadcast is called a *letter* below: a node may send many messages about one letter. Try your code
//! with `cargo test causal_broadcast`, then run `faultlines grade 7/causal_broadcast`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::causal_broadcast::{self as contract, Config, Event, Payload, Request};
use lab::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The name of a letter: the node that wrote it, and its number among the letters of that node. Numbers begin with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LetterId {
    from: NodeId,
    nth: u64,
}

/// How many letters of each node; a node that is missing has none.
type Counts = BTreeMap<NodeId, u64>;

/// What is broadcast, with all that a receiver must know of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Letter {
    id: LetterId,
    /// Its causes: how many letters of each node its writer had delivered, and how many of its own it had written.
    after: Counts,
    payload: Payload,
}

/// What nodes send each other. Yours to change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Message {
    /// A letter, from a node that has it: its writer, or a node that passes it on.
    Copy(Letter),
    /// The same letter again, from a node that has seen no sign that the receiver has it.
    CopyAgain(Letter),
    /// The sender has the letter with this name.
    Have(LetterId),
}

/// The names of this node's timers. Yours to change.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Alarm {
    /// Send this letter again to the nodes that have not shown that they have it.
    Resend(LetterId),
}

/// A member of a group that broadcasts.
pub struct Member {
    config: Config,
    /// How many letters this node has written.
    written: u64,
    /// How many letters of each node it has delivered.
    delivered: Counts,
    /// The letters that it has. It drops a letter that it has delivered and that all nodes have.
    letters: BTreeMap<LetterId, Known>,
}

/// A letter, and the nodes that have it.
struct Known {
    letter: Letter,
    holders: BTreeSet<NodeId>,
}

impl Node for Member {
    type Contract = contract::Member;
    type Message = Message;
    type Timer = Alarm;

    /// The only start: a node that crashes in this exercise does not come back.
    fn start(boot: Boot<Self>, _out: &mut Out<Self>) -> Self {
        todo!("nothing written, nothing delivered, no letters")
    }

    /// A client asks for a broadcast: write the letter, with its causes, and see that every node gets it.
    fn on_request(&mut self, _id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("which letters are the causes of this one? Then keep it, and send it")
    }

    /// A node passes a letter on, or says that it has one.
    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Out<Self>) {
        todo!("keep a letter that is new; note which nodes have it; then look for letters that may be delivered now")
    }

    /// A timer fires: some nodes may have missed a letter.
    fn on_timer(&mut self, timer: Alarm, out: &mut Out<Self>) {
        todo!("send the letter again to the nodes that have not shown that they have it, and set the timer again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::bench::Bench;

    const CONFIG: Config = Config { nodes: 3, resend: Duration::from_millis(50) };

    /// What these effects deliver, in order.
    fn delivered(effects: &[Effect<Member>]) -> Vec<Payload> {
        let payload = |effect: &Effect<Member>| match effect {
            Effect::Emit(Event::Delivered { payload, .. }) => Some(*payload),
            _ => None,
        };
        effects.iter().filter_map(payload).collect()
    }
    /// What these effects send to node `to`.
    fn sent_to(to: u32, effects: &[Effect<Member>]) -> Vec<Message> {
        let message = |effect: &Effect<Member>| match effect {
            Effect::Send(node, message) if *node == NodeId(to) => Some(message.clone()),
            Effect::Broadcast(message) => Some(message.clone()),
            _ => None,
        };
        effects.iter().filter_map(message).collect()
    }
    /// Hands node `from`'s messages to a node, and says what that node does.
    fn hand(
        node: &mut Bench<Member>,
        from: u32,
        messages: impl IntoIterator<Item = Message>,
    ) -> Vec<Effect<Member>> {
        messages.into_iter().flat_map(|message| node.message(from, message)).collect()
    }

    #[test]
    fn a_letter_is_delivered_when_a_majority_has_it_and_not_before() {
        let mut writer = Bench::<Member>::new(1, 3, CONFIG);
        let mut reader = Bench::<Member>::new(2, 3, CONFIG);
        let written = writer.request(Request::Broadcast { payload: 7 });
        assert_eq!(delivered(&written), [], "if n1 crashed now, nobody would ever hear of it");
        let read = hand(&mut reader, 1, sent_to(2, &written));
        assert_eq!(delivered(&read), [7], "n1 and n2 have it: two of three");
        let heard = hand(&mut writer, 2, sent_to(1, &read));
        assert_eq!(delivered(&heard), [7]);
    }

    #[test]
    fn an_answer_waits_for_its_question() {
        let mut asker = Bench::<Member>::new(1, 3, CONFIG);
        let mut answerer = Bench::<Member>::new(2, 3, CONFIG);
        let mut reader = Bench::<Member>::new(3, 3, CONFIG);
        let question = asker.request(Request::Broadcast { payload: 7 });
        hand(&mut answerer, 1, sent_to(2, &question));
        let answer = answerer.request(Request::Broadcast { payload: 8 });
        // n3 hears the answer first …
        let early = hand(&mut reader, 2, sent_to(3, &answer));
        assert_eq!(delivered(&early), []);
        // … and then the question
        let both = hand(&mut reader, 1, sent_to(3, &question));
        assert_eq!(delivered(&both), [7, 8]);
    }

    #[test]
    fn what_arrives_twice_is_delivered_once() {
        let mut writer = Bench::<Member>::new(1, 3, CONFIG);
        let mut reader = Bench::<Member>::new(2, 3, CONFIG);
        let copies = sent_to(2, &writer.request(Request::Broadcast { payload: 7 }));
        let first = hand(&mut reader, 1, copies.clone());
        assert_eq!(delivered(&first), [7]);
        let second = hand(&mut reader, 1, copies);
        assert_eq!(delivered(&second), []);
    }
}
