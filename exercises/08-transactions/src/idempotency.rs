//! Exercise `idempotency`: a payment that a client may ask for again and again, and that is made once.
//!
//! One thing to write: the node [`Service`], a payment service between clients and a bank. `lab::idempotency` says what each
//! request, answer and call means. The service crashes and restarts; calls to the bank, and the bank's answers, are late, lost
//! or doubled. Try your code with `cargo test idempotency`, then run `faultlines grade 8/idempotency`.
#![expect(unused, reason = "delete this line when every todo!() below is gone")]

use lab::idempotency::{Answer, Call, Caller, Config, LEDGER, Payment, Payments, Posting, Request, Response};
use lab::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A key and whose it is: two callers may choose the same key.
type Name = (Caller, String);

/// What the service knows of one key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    /// What the key stands for.
    payment: Payment,
    /// When the first request with this key arrived.
    since: WallTime,
    /// The final answer, once there is one.
    answer: Option<Response>,
}
/// The keys that are not forgotten yet, on the disk.
const KEYS: Table<Name, Entry> = Table::new("keys");

/// The names of timers. Yours to change.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Timer {
    /// The bank has not answered this call in time.
    Patience(CallId),
}

/// The payment service.
pub struct Service {
    config: Config,
    // your state: the keys that you know, and the calls that wait for the bank
}

impl Node for Service {
    type Contract = Payments;
    type Message = Nothing;
    type Timer = Timer;

    /// The first start, and again after every crash. Clients will repeat the requests that were not answered; what the bank
    /// has charged for them is charged.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        todo!("what does the disk say of each key, and what must go on that a crash has stopped?")
    }

    /// A client asks for a payment, for the first time or once more.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        todo!("is the key known, with this payment, with an answer? If not, what must be durable before you call the bank?")
    }

    /// The bank answers: perhaps late, perhaps for the second time.
    fn on_answer(&mut self, call: CallId, answer: Answer, out: &mut Out<Self>) {
        todo!("is this answer still of use? What must be durable, all at once, before the client hears of it?")
    }

    /// A call was not answered in time. Either the call is lost, or only its answer.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        todo!("what may the client be told, and what may the next request with this key do?")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::Effect;
    use lab::Service as _;
    use lab::bench::Bench;
    use lab::idempotency::{Bank, Receipt};

    /// The service on a workbench, and a bank that the tests own.
    struct Desk {
        service: Bench<Service>,
        bank: Bank,
    }
    impl Desk {
        fn new() -> Desk {
            Desk { service: Bench::new(1, 1, Config::default()), bank: Bank::open(Default::default()) }
        }
        /// Asks for a payment, lets the bank answer at once, and returns what the client hears.
        fn pay(&mut self, caller: u32, key: &str, cents: u32) -> Vec<Response> {
            let effects = self.service.request(request(caller, key, cents));
            replies(&self.service.serve(effects, &mut self.bank))
        }
        fn postings(&self) -> usize {
            self.service.disk().log(LEDGER).count()
        }
    }
    fn request(caller: u32, key: &str, cents: u32) -> Request {
        Request { caller: Caller(caller), key: key.into(), payment: Payment { account: 7, cents } }
    }
    fn replies(effects: &[Effect<Service>]) -> Vec<Response> {
        let reply = |effect: &Effect<Service>| match effect {
            Effect::Reply(_, response) => Some(*response),
            _ => None,
        };
        effects.iter().filter_map(reply).collect()
    }

    #[test]
    fn a_request_that_is_repeated_gets_the_same_answer_and_pays_once() {
        let mut desk = Desk::new();
        let done = [Response::Done { receipt: Receipt(1) }];
        assert_eq!(desk.pay(1, "tea", 1_250), done);
        assert_eq!(desk.pay(1, "tea", 1_250), done);
        desk.service.crash();
        assert_eq!(desk.pay(1, "tea", 1_250), done, "the service forgot its answer in a crash");
        assert_eq!((desk.bank.charges().len(), desk.postings()), (1, 1));
    }

    #[test]
    fn a_key_stands_for_one_payment_of_one_caller() {
        let mut desk = Desk::new();
        desk.pay(1, "tea", 1_250);
        assert_eq!(desk.pay(1, "tea", 9_900), [Response::Mismatch]);
        assert_eq!(desk.pay(2, "tea", 9_900), [Response::Done { receipt: Receipt(2) }]);
        assert_eq!((desk.bank.charges().len(), desk.postings()), (2, 2));
    }

    #[test]
    fn two_requests_with_one_key_while_the_bank_works_make_one_payment() {
        let mut desk = Desk::new();
        let mut effects = desk.service.request(request(1, "tea", 1_250));
        effects.extend(desk.service.request(request(1, "tea", 1_250)));
        desk.service.serve(effects, &mut desk.bank);
        assert_eq!((desk.bank.charges().len(), desk.postings()), (1, 1));
    }

    #[test]
    fn a_crash_while_the_bank_works_does_not_charge_twice() {
        let mut desk = Desk::new();
        let effects = desk.service.request(request(1, "tea", 1_250));
        let Some(Effect::Call(_, call)) =
            effects.into_iter().find(|effect| matches!(effect, Effect::Call(..)))
        else {
            panic!("the service did not call the bank")
        };
        // the bank charges, and its answer meets a service that is down
        desk.bank.handle(Duration::ZERO, NodeId(1), &call);
        let effects = desk.service.crash();
        desk.service.serve(effects, &mut desk.bank);
        assert_eq!(desk.pay(1, "tea", 1_250), [Response::Done { receipt: Receipt(1) }]);
        assert_eq!((desk.bank.charges().len(), desk.postings()), (1, 1));
    }
}
