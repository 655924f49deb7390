//! Exercise `idempotency`: a payment that a client may ask for again and again, and that is made once.
//!
//! A client that hears no answer cannot know whether its request was lost or only the answer. It asks again, and gives both
//! requests the same *idempotency key*. The payment service charges the payment at a bank, and records it in its
//! [`LEDGER`]: both once for each key of each caller.
//!
//! There is one payment service and one bank. The service crashes and restarts; the bank is sometimes slow, refuses to work,
//! or cannot be reached. Clients ask over a connection that may break: then they ask again, with the same key.

use crate::{Exercise, Log, Node, NodeId, Nothing, Role, Service};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What the service has recorded, on its disk: one posting for each payment that was made. The service only ever appends.
pub const LEDGER: Log<Posting> = Log::new("ledger");

/// What the service is told when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// How long a key is kept, counted from the *arrival* of the first request with it: until then, a repeated request gets the
    /// first answer. When a key was not used for `2 × retention`, it must be gone, also from the disk, once ten more requests have
    /// arrived. In between both are right.
    ///
    /// Time is what the wall clock shows: it goes on while the service is down. In this exercise it does not jump. A client
    /// uses a key for a new payment only after `5 × retention` without a request that bears it.
    pub retention: Duration,
    /// How long to wait for the bank. A call that was not answered within `patience` counts as lost: either the call or its
    /// answer. The bank may have charged the payment.
    ///
    /// A client that repeats its request is told how the payment ended within `40 × patience` after the last fault. That holds
    /// for payments that a crash left unfinished, too.
    pub patience: Duration,
}
impl Default for Config {
    fn default() -> Config {
        Config { retention: Duration::from_secs(60 * 60), patience: Duration::from_millis(100) }
    }
}

/// Who asks. The connection is authenticated, so this is true. Shows as `c1`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Caller(pub u32);
/// What is to be paid. Two payments may be equal and still be two. Shows as `1250 from a7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Payment {
    /// The account that pays.
    pub account: u32,
    /// How much.
    pub cents: u32,
}
/// The bank's number for one charge; two charges never have the same. Shows as `r3`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Receipt(pub u64);

/// A client asks for a payment. Shows as `c1 "tea": 1250 from a7`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Request {
    /// Who asks.
    pub caller: Caller,
    /// The idempotency key: any text that the caller chose. Requests of one caller with one key ask for one payment. Two callers
    /// that happen to choose the same key have nothing to do with each other.
    pub key: String,
    /// What is to be paid.
    pub payment: Payment,
}
/// What the service answers. It answers every request within `20 × patience`, also one that it lets wait for another: only a crash
/// excuses silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Response {
    /// The payment was made: the bank charged it under this receipt, and it is in the [`LEDGER`], durably. Final: each later
    /// request with this key and this payment gets the same answer, until the key is forgotten.
    Done {
        /// The bank's receipt for this payment.
        receipt: Receipt,
    },
    /// The bank declined the payment: it will never be made. Whether the service remembers this answer, or asks the bank again, is
    /// yours to choose.
    Rejected,
    /// The bank refused to work, or did not answer in time. The payment may have been charged or not. This answer is never
    /// remembered: the next request with the same key tries again to make the *same* payment.
    Transient,
    /// An earlier request with this key and this payment is still being worked on. To let the client wait, and answer both at
    /// the end, is just as right.
    InProgress,
    /// The caller has used this key for another payment, which was made or is being worked on. Nothing happens; what becomes of
    /// that payment does not change. (A key whose only answers were `Rejected` or `Transient` may be kept for its first payment,
    /// or be free for another: both are right.)
    Mismatch,
}

/// The service asks the bank to charge a payment. Shows as `"tea": 1250 from a7`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Call {
    /// The idempotency key of the charge, chosen by the service: any text.
    pub key: String,
    /// What to charge.
    pub payment: Payment,
}
/// What the bank answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// The payment was charged, now or by an earlier call with the same key and the same payment.
    Charged {
        /// The number of the charge.
        receipt: Receipt,
    },
    /// This payment is not possible. The bank charged nothing, and never will for this payment.
    Declined,
    /// The bank refuses to work at the moment. It has not looked at this call.
    Unavailable,
    /// The bank has charged another payment under this key.
    Mismatch,
}

/// What a bank is told when it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankConfig {
    /// The bank declines every payment of more than this.
    pub cents_max: u32,
    /// The bank remembers the key of a charge for so long; then the same key charges anew. It is four times
    /// [`Config::retention`].
    pub remembers: Duration,
}
impl Default for BankConfig {
    fn default() -> BankConfig {
        BankConfig { cents_max: 1_000_000, remembers: 4 * Config::default().retention }
    }
}
/// One charge at the bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Which node called.
    pub from: NodeId,
    /// The key of the call.
    pub key: String,
    /// What was charged.
    pub payment: Payment,
    /// The number of the charge.
    pub receipt: Receipt,
}
/// The bank. It charges once for each key of each node, however often it is called.
#[derive(Debug)]
pub struct Bank {
    config: BankConfig,
    charges: Vec<Charge>,
    /// By node and key: when, and the place among the charges.
    known: BTreeMap<(NodeId, String), (Duration, usize)>,
}
impl Bank {
    /// All charges, oldest first.
    pub fn charges(&self) -> &[Charge] {
        &self.charges
    }
}
impl Service for Bank {
    const NAME: &'static str = "idempotency/bank";
    type Config = BankConfig;
    type Call = Call;
    type Answer = Answer;

    fn open(config: BankConfig) -> Bank {
        Bank { config, charges: Vec::new(), known: BTreeMap::new() }
    }
    fn handle(&mut self, now: Duration, from: NodeId, call: &Call) -> Answer {
        let name = (from, call.key.clone());
        if let Some(&(since, place)) = self.known.get(&name)
            && now.saturating_sub(since) <= self.config.remembers
        {
            let Charge { payment, receipt, .. } = self.charges[place];
            return if payment == call.payment { Answer::Charged { receipt } } else { Answer::Mismatch };
        }
        if call.payment.cents > self.config.cents_max {
            return Answer::Declined;
        }
        let receipt = Receipt(self.charges.len() as u64 + 1);
        self.known.insert(name, (now, self.charges.len()));
        self.charges.push(Charge { from, key: call.key.clone(), payment: call.payment, receipt });
        Answer::Charged { receipt }
    }
    fn refusal() -> Option<Answer> {
        Some(Answer::Unavailable)
    }
}

/// One record of the [`LEDGER`]. Shows as `r3: 1250 from a7`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Posting {
    /// The bank's receipt.
    pub receipt: Receipt,
    /// What was paid.
    pub payment: Payment,
}

/// Shows a type in stories, tests and sentences in one way.
macro_rules! shows {
    ($($name:ident($self:ident) $($format:expr),+;)*) => { $(
        impl fmt::Debug for $name {
            fn fmt(&$self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $($format),+)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
    )* };
}
shows! {
    Caller(self) "c{}", self.0;
    Receipt(self) "r{}", self.0;
    Payment(self) "{} from a{}", self.cents, self.account;
    Request(self) "{} {:?}: {}", self.caller, self.key, self.payment;
    Call(self) "{:?}: {}", self.key, self.payment;
    Posting(self) "{}: {}", self.receipt, self.payment;
}

role! {
    /// The payment service.
    Payments as "idempotency" {
        Config = Config, Request = Request, Response = Response, Call = Call, Answer = Answer,
    }
}

/// The exercise, as the harness hosts it.
pub fn exercise<P: Node<Contract = Payments>>() -> Exercise {
    Exercise { name: "idempotency", roles: vec![Role::node::<P>()] }
}
