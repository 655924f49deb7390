//! Exercise `idempotency`: a payment that a client may ask for again and again, and that is made once.
//!
//! One thing to write: the node [`Service`], a payment service between clients and a bank. `lab::idempotency` says what each
//! request, answer and call means. The service crashes and restarts; calls to the bank, and the bank's answers, are late, lost
//! or doubled. Try your code with `cargo test idempotency`, then run `faultlines grade 8/idempotency`.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

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
    // BEGIN SOLUTION
    /// What the disk knows, too.
    keys: BTreeMap<Name, Entry>,
    /// The same keys, oldest first.
    by_age: BTreeSet<(WallTime, Name)>,
    /// The calls to the bank that may still be answered. There is one at most for each key.
    calls: BTreeMap<CallId, Work>,
    // STUB: // your state: the keys that you know, and the calls that wait for the bank
    // END SOLUTION
}
// BEGIN SOLUTION

/// What a call to the bank is about.
struct Work {
    name: Name,
    /// Whom to answer; nobody, if the service goes on after a crash with what it had begun.
    request: Option<RequestId>,
}
// END SOLUTION

impl Node for Service {
    type Contract = Payments;
    type Message = Nothing;
    type Timer = Timer;

    /// The first start, and again after every crash. Clients will repeat the requests that were not answered; what the bank
    /// has charged for them is charged.
    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        // BEGIN SOLUTION
        let keys = boot.disk.table(KEYS);
        let by_age = keys.iter().map(|(name, entry)| (entry.since, name.clone())).collect();
        let mut service = Service { config: boot.config, keys, by_age, calls: BTreeMap::new() };
        let begun = service.keys.iter().filter(|(_, entry)| entry.answer.is_none());
        let begun: Vec<Name> = begun.map(|(name, _)| name.clone()).collect();
        for name in begun {
            service.call_the_bank(name, None, out);
        }
        service
        // STUB: todo!("what does the disk say of each key, and what must go on that a crash has stopped?")
        // END SOLUTION
    }

    /// A client asks for a payment, for the first time or once more.
    fn on_request(&mut self, id: RequestId, request: Request, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        self.forget_old_keys(out);
        let name = (request.caller, request.key);
        match self.keys.get(&name) {
            Some(entry) if entry.payment != request.payment => out.reply(id, Response::Mismatch),
            Some(Entry { answer: Some(answer), .. }) => out.reply(id, *answer),
            Some(_) if self.is_at_the_bank(&name) => out.reply(id, Response::InProgress),
            Some(_) => self.call_the_bank(name, Some(id), out),
            None => {
                let entry = Entry { payment: request.payment, since: out.wall_clock(), answer: None };
                // durable before the call: after a crash the service must call the bank with the same key again
                out.put(KEYS, &name, &entry);
                out.sync();
                self.by_age.insert((entry.since, name.clone()));
                self.keys.insert(name.clone(), entry);
                self.call_the_bank(name, Some(id), out);
            }
        }
        // STUB: todo!("is the key known, with this payment, with an answer? If not, what must be durable before you call the bank?")
        // END SOLUTION
    }

    /// The bank answers: perhaps late, perhaps for the second time.
    fn on_answer(&mut self, call: CallId, answer: Answer, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Some(Work { name, request }) = self.calls.remove(&call) else { return };
        out.cancel_timer(Timer::Patience(call));
        let response = match answer {
            Answer::Charged { receipt } => Response::Done { receipt },
            Answer::Declined => Response::Rejected,
            // this service gives the bank one key for one payment, so it never hears of a mismatch
            Answer::Unavailable | Answer::Mismatch => Response::Transient,
        };
        if response != Response::Transient {
            self.conclude(name, response, out);
        }
        if let Some(request) = request {
            out.reply(request, response);
        }
        // STUB: todo!("is this answer still of use? What must be durable, all at once, before the client hears of it?")
        // END SOLUTION
    }

    /// A call was not answered in time. Either the call is lost, or only its answer.
    fn on_timer(&mut self, timer: Timer, out: &mut Out<Self>) {
        // BEGIN SOLUTION
        let Timer::Patience(call) = timer;
        // from here on its answer comes too late: the next request with this key makes a new call
        if let Some(Work { request: Some(request), .. }) = self.calls.remove(&call) {
            out.reply(request, Response::Transient);
        }
        // STUB: todo!("what may the client be told, and what may the next request with this key do?")
        // END SOLUTION
    }
}

// BEGIN SOLUTION
impl Service {
    fn is_at_the_bank(&self, name: &Name) -> bool {
        self.calls.values().any(|work| work.name == *name)
    }

    /// Asks the bank to charge the payment of a key. All calls for it give the bank the same key, before a crash and after,
    /// so the bank charges once.
    fn call_the_bank(&mut self, name: Name, request: Option<RequestId>, out: &mut Out<Self>) {
        let Some(entry) = self.keys.get(&name) else { return };
        let (caller, key) = &name;
        // A key that was forgotten may come back, for a new payment: that is why the bank's key says since when. And no two
        // names give one text, for a caller's number and a time have no slash in them.
        let key = format!("{caller}/{key}/{}", entry.since.0.as_nanos());
        let call = out.call(Call { key, payment: entry.payment });
        out.set_timer(self.config.patience, Timer::Patience(call));
        self.calls.insert(call, Work { name, request });
    }

    /// The outcome is known for good: the ledger and the key learn of it in one write, so that a crash takes both or none.
    fn conclude(&mut self, name: Name, response: Response, out: &mut Out<Self>) {
        let Some(entry) = self.keys.get_mut(&name) else { return };
        entry.answer = Some(response);
        out.atomic(|all| {
            if let Response::Done { receipt } = response {
                all.append(LEDGER, &Posting { receipt, payment: entry.payment });
            }
            all.put(KEYS, &name, entry);
        });
        out.sync();
    }

    /// Forgets the keys whose first request is further back than the retention, but for those that the bank works on.
    fn forget_old_keys(&mut self, out: &mut Out<Self>) {
        while let Some((since, name)) = self.by_age.first()
            && out.wall_clock() - *since > self.config.retention
            && !self.is_at_the_bank(name)
        {
            out.remove(KEYS, name);
            self.keys.remove(name);
            self.by_age.pop_first();
        }
    }
}
// END SOLUTION

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
