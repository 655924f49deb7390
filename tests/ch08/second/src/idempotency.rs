//! `idempotency`, the other way: a journal of payments that were made, and nothing on the disk before one is. The bank's key
//! is made of the client's own, so a service that has lost its memory still charges once. Requests wait while the bank works,
//! and the service itself calls again. It remembers no rejection, and starts nothing by itself after a crash.

use lab::idempotency::{
    Answer, Call, Caller, Config, LEDGER, Payment, Payments, Posting, Receipt, Request, Response,
};
use lab::prelude::*;
use std::collections::{BTreeMap, VecDeque};

type Name = (Caller, String);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Paid {
    name: Name,
    payment: Payment,
    receipt: Receipt,
    at: WallTime,
}
const JOURNAL: Log<Paid> = Log::new("journal");
/// How often the bank is called for the requests that wait.
const CALLS: usize = 3;

struct Open {
    payment: Payment,
    calls: Vec<CallId>,
    waiting: Vec<RequestId>,
}

pub struct Service {
    config: Config,
    /// By age; the position of the first in the journal is `first`.
    ages: VecDeque<(WallTime, Name)>,
    first: u64,
    paid: BTreeMap<Name, (Payment, Receipt)>,
    open: BTreeMap<Name, Open>,
}

impl Node for Service {
    type Contract = Payments;
    type Message = Nothing;
    type Timer = Name;

    fn start(boot: Boot<Self>, _: &mut Out<Self>) -> Self {
        let journal = boot.disk.log(JOURNAL);
        let first = journal.first();
        let (mut ages, mut paid) = (VecDeque::new(), BTreeMap::new());
        for record in journal.map_while(Result::ok) {
            ages.push_back((record.at, record.name.clone()));
            paid.insert(record.name, (record.payment, record.receipt));
        }
        Service { config: boot.config, ages, first, paid, open: BTreeMap::new() }
    }

    fn on_request(&mut self, id: RequestId, Request { caller, key, payment }: Request, out: &mut Out<Self>) {
        self.forget(out);
        let name = (caller, key);
        if let Some(&(of, receipt)) = self.paid.get(&name) {
            let done = Response::Done { receipt };
            return out.reply(id, if of == payment { done } else { Response::Mismatch });
        }
        let open = self.open.entry(name.clone());
        let open = open.or_insert_with(|| Open { payment, calls: Vec::new(), waiting: Vec::new() });
        if open.payment != payment {
            return out.reply(id, Response::Mismatch);
        }
        open.waiting.push(id);
        if open.calls.is_empty() {
            self.call(&name, out);
        }
    }

    fn on_timer(&mut self, name: Name, out: &mut Out<Self>) {
        match self.open.get(&name) {
            Some(open) if open.calls.len() < CALLS => self.call(&name, out),
            Some(_) => self.answer(&name, Response::Transient, out),
            None => {}
        }
    }

    fn on_answer(&mut self, call: CallId, answer: Answer, out: &mut Out<Self>) {
        let about = self.open.iter().find(|(_, open)| open.calls.contains(&call));
        let Some((name, payment)) = about.map(|(name, open)| (name.clone(), open.payment)) else { return };
        let response = match answer {
            Answer::Charged { receipt } => {
                let paid = Paid { name: name.clone(), payment, receipt, at: out.wall_clock() };
                out.atomic(|all| {
                    all.append(JOURNAL, &paid);
                    all.append(LEDGER, &Posting { receipt, payment });
                });
                out.sync();
                self.ages.push_back((paid.at, name.clone()));
                self.paid.insert(name.clone(), (payment, receipt));
                Response::Done { receipt }
            }
            Answer::Declined => Response::Rejected,
            Answer::Unavailable => Response::Transient,
            // a crash took all memory of the first payment under this key; the bank remembers it
            Answer::Mismatch => Response::Mismatch,
        };
        out.cancel_timer(name.clone());
        self.answer(&name, response, out);
    }
}

impl Service {
    fn call(&mut self, name: &Name, out: &mut Out<Self>) {
        let Some(open) = self.open.get_mut(name) else { return };
        let key = format!("{}:{}", name.0, name.1);
        open.calls.push(out.call(Call { key, payment: open.payment }));
        out.set_timer(self.config.patience, name.clone());
    }

    fn answer(&mut self, name: &Name, response: Response, out: &mut Out<Self>) {
        let waiting = self.open.remove(name).map(|open| open.waiting);
        waiting.into_iter().flatten().for_each(|id| out.reply(id, response));
    }

    fn forget(&mut self, out: &mut Out<Self>) {
        let now = out.wall_clock();
        let before = self.first;
        while let Some((at, name)) = self.ages.front()
            && now - *at > self.config.retention
        {
            self.paid.remove(name);
            self.ages.pop_front();
            self.first += 1;
        }
        if self.first > before {
            out.trim_front(JOURNAL, self.first);
        }
    }
}
