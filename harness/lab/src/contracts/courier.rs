//! Exercise `courier`: letters to a mailbox, under four guarantees.
//!
//! Saltzer, Reed and Clark, *End-to-End Arguments in System Design*, 1984; Spector, *Performing Remote Operations
//! Efficiently on a Local Computer Network*, 1982, for the names of the guarantees.
//!
//! What you may rely on: senders never crash. Receivers crash and start again. Messages are lost, duplicated and late,
//! and overtake each other. There are several senders and several receivers, and all of them have the same [`Config`].

use crate::{Exercise, Log, Node, NodeId, Nothing, Role};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What every sender and every receiver is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// What the courier promises.
    pub guarantee: Guarantee,
    /// How long a sender waits for an acknowledgement before it sends a letter again. On a clean network, a message and
    /// its answer take at most an eighth of this.
    pub resend: Duration,
    /// Of how many letters to one receiver a sender may have sent copies without knowing that they are delivered; at
    /// least 1. Further letters wait at the sender. Each receiver has a window of its own. Under
    /// [`Guarantee::AtMostOnce`] a sender never learns what is delivered, so the window does not apply.
    pub window: u32,
}

/// How often a letter is delivered, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Guarantee {
    /// No letter is delivered twice; a letter may be lost. But a letter is delivered if its message arrives, the receiver
    /// does not crash before the delivery is durable, and no later message of the same sender has overtaken it.
    AtMostOnce,
    /// Every letter is delivered, perhaps several times.
    AtLeastOnce,
    /// Every letter is delivered exactly once, in any order.
    ExactlyOnce,
    /// Every letter is delivered exactly once, and the letters of each sender in the order in which it was asked to send
    /// them. Letters of different senders may be mixed in any way.
    ExactlyOnceInOrder,
}

/// The contents of a letter: any bytes, perhaps none. Two letters with equal contents are still two letters.
///
/// It shows as text where it is text, as in `"menu"`, and otherwise as the first bytes in hexadecimal, as in `5a07f3…`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Letter(pub Vec<u8>);
impl From<&str> for Letter {
    fn from(text: &str) -> Letter {
        Letter(text.as_bytes().to_vec())
    }
}
impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BYTES_SHOWN: usize = 3;
        let is_plain = |byte: &u8| *byte == b' ' || byte.is_ascii_graphic();
        match std::str::from_utf8(&self.0) {
            Ok(text) if self.0.iter().all(is_plain) => write!(f, "{text:?}"),
            _ => {
                for byte in self.0.iter().take(BYTES_SHOWN) {
                    write!(f, "{byte:02x}")?;
                }
                f.write_str(if self.0.len() > BYTES_SHOWN { "…" } else { "" })
            }
        }
    }
}
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a client asks of a sender. It is not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Deliver a letter to the mailbox of a receiver, as the guarantee of the [`Config`] says.
    Send {
        /// The receiver.
        to: NodeId,
        /// The letter.
        letter: Letter,
    },
}

/// One letter in a mailbox.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Delivery {
    /// The sender that was asked to send the letter.
    pub from: NodeId,
    /// The letter.
    pub letter: Letter,
}
impl fmt::Debug for Delivery {
    /// As in `"menu" from n1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.letter, self.from)
    }
}

/// The mailbox on a receiver's disk. **A letter is delivered when its record here is durable**, however it became so: by
/// a sync, or because a crash happened to keep it.
///
/// A durable record has been read. So it is never removed and never changed.
pub const MAILBOX: Log<Delivery> = Log::new("mailbox");

role! {
    /// A node that is asked to send letters. It never crashes, it does not answer the client that asks, and it emits
    /// nothing.
    Sender as "courier/sender" { Config = Config, Request = Request }
}
role! {
    /// A node with a [`MAILBOX`]. Nobody asks anything of it but by messages, and it emits nothing.
    Receiver as "courier/receiver" { Config = Config }
}

/// The exercise, as the harness hosts it. Both roles use the same type of message, which is yours.
pub fn exercise<S, R>() -> Exercise
where
    S: Node<Contract = Sender>,
    R: Node<Contract = Receiver, Message = S::Message>,
{
    Exercise { name: "courier", roles: vec![Role::node::<S>(), Role::node::<R>()] }
}
