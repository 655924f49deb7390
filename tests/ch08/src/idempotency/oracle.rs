//! `idempotency`: how a run is judged. Every check judges by all of these rules; what a check adds is its runs, and what they
//! must reach.

use super::worlds::{BANK, SERVICE, Shopper, Shopping};
use judge::{Reached, Violation};
use kit::goals::is_due;
use kit::user::Using;
use kit::{Rule, Saw, Scene};
use lab::idempotency::{
    Answer, Call, Caller, Config, LEDGER, Payment, Payments, Posting, Receipt, Request, Response,
};
use lab::{CallId, Contract, Disk, DiskOp, NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet};
use world::{ClientId, Observation, ObservationId, OperationId, Scenario, Seen, Time, World};

pub(super) const PAID: &str = "a payment was made";
pub(super) const OVERLAPPED: &str =
    "a request arrived while an earlier one with its key was not answered yet";
pub(super) const REPEATED: &str = "a request that had been answered Done arrived again";
pub(super) const REMEMBERED: &str = "a request that had been answered Done arrived again after a restart";
pub(super) const ALTERED_EARLY: &str =
    "another payment arrived under a key whose payment was being worked on";
pub(super) const ALTERED_LATE: &str = "another payment arrived under a key whose payment was made";
pub(super) const TROUBLED: &str = "the bank refused a call, or did not answer in time";
pub(super) const INTERRUPTED: &str = "the service crashed before it had answered, and was asked again";
pub(super) const SHARED: &str = "two callers used one key";
pub(super) const TWINS: &str = "two equal payments had different keys";
pub(super) const REUSED: &str = "a key that was forgotten stood for a new payment";
pub(super) const GROWN: &str = "many more keys were used than may be kept";

/// So many bytes may the service keep for each key that is not forgotten, and for so many more keys than there are.
const BYTES_PER_KEY: usize = 512;
const KEYS_SPARE: usize = 64;
/// Every request is answered within so many times the patience for the bank.
const ANSWERED_WITHIN: u32 = 20;

/// All that the clients, the service and the bank have done.
pub(super) struct Books {
    /// The service, as people read of it.
    me: String,
    config: Config,
    uses: Vec<Use>,
    /// The newest use of a key, by key and caller.
    keys: BTreeMap<String, BTreeMap<Caller, usize>>,
    /// Under which uses of keys a payment was asked for.
    asked: BTreeMap<Payment, BTreeSet<usize>>,
    /// Requests that the service has in hand.
    in_hand: BTreeMap<RequestId, InHand>,
    lives: u32,
    at_bank: BTreeMap<RequestId, Call>,
    charges: BTreeMap<Receipt, Charge>,
    charges_of: BTreeMap<Payment, Vec<Receipt>>,
    declined: BTreeSet<Payment>,
    /// Whose a receipt is, once it was answered.
    owners: BTreeMap<Receipt, usize>,
    ledger: BTreeMap<Receipt, (Posting, ObservationId)>,
    /// What of the ledger is not durable yet.
    fresh: BTreeSet<Receipt>,
    /// Calls of the service that are not answered, of this life.
    calls: BTreeMap<CallId, Time>,
    troubled: bool,
    /// What clients wait for, and since when.
    waiting: BTreeMap<(ClientId, OperationId), (Time, ObservationId)>,
    users: BTreeSet<NodeId>,
    reached: Reached,
}
/// One use of a key, for one payment: the key may be used again when it is forgotten.
struct Use {
    caller: Caller,
    key: String,
    first: Time,
    last: Time,
    times: u32,
    /// Everything that was asked for, the right payment and others.
    wanted: BTreeSet<Payment>,
    /// What this life of the service works on, since a request that it has not answered in vain.
    at_work: Option<Payment>,
    cut_short: bool,
    done: Option<Done>,
    latest: Option<(Time, Response)>,
}
#[derive(Clone, Copy)]
struct Done {
    receipt: Receipt,
    payment: Payment,
    reply: ObservationId,
    life: u32,
}
struct InHand {
    since: Time,
    seen: ObservationId,
    used: usize,
    payment: Payment,
    /// The other payment that its key stood for when it arrived.
    taken_by: Option<Payment>,
}
struct Charge {
    call: Call,
    at: Time,
    seen: ObservationId,
}

impl Books {
    pub(super) fn new(scenario: &Scenario) -> Books {
        let service = scenario.nodes.iter().find(|node| node.id == SERVICE);
        let users = scenario.nodes.iter().filter(|node| node.role == Using::<Shopper>::ROLE);
        Books {
            me: scenario.name_of(SERVICE),
            config: service.and_then(|node| lab::frame::decode(&node.config)).unwrap_or_default(),
            uses: Vec::new(),
            keys: BTreeMap::new(),
            asked: BTreeMap::new(),
            in_hand: BTreeMap::new(),
            lives: 0,
            at_bank: BTreeMap::new(),
            charges: BTreeMap::new(),
            charges_of: BTreeMap::new(),
            declined: BTreeSet::new(),
            owners: BTreeMap::new(),
            ledger: BTreeMap::new(),
            fresh: BTreeSet::new(),
            calls: BTreeMap::new(),
            troubled: false,
            waiting: BTreeMap::new(),
            users: users.map(|node| node.id).collect(),
            reached: Reached::default(),
        }
    }

    fn requested(&mut self, seen: &Observation, id: RequestId, Request { caller, key, payment }: Request) {
        let now = seen.at;
        let callers = self.keys.entry(key.clone()).or_default();
        let known = callers.get(&caller).copied();
        self.reached.mark_if(SHARED, callers.len() > usize::from(known.is_some()));
        let current = known.filter(|used| now - self.uses[*used].last < 5 * self.config.retention);
        self.reached.mark_if(REUSED, known.is_some() && current.is_none());
        let used = current.unwrap_or(self.uses.len());
        if used == self.uses.len() {
            callers.insert(caller, used);
            let (wanted, at_work, done, latest) = (BTreeSet::new(), None, None, None);
            let new = Use {
                caller,
                key,
                first: now,
                last: now,
                times: 0,
                wanted,
                at_work,
                cut_short: false,
                done,
                latest,
            };
            self.uses.push(new);
        }
        let twins = self.asked.entry(payment).or_default();
        twins.insert(used);
        self.reached.mark_if(TWINS, twins.len() > 1);
        let life = self.lives;
        let done = self.done(used, now);
        let this = &mut self.uses[used];
        (this.last, this.times) = (now, this.times + 1);
        this.wanted.insert(payment);
        let stands_for = done.map(|done| done.payment).or(this.at_work);
        let taken_by = stands_for.filter(|other| *other != payment);
        this.at_work = this.at_work.or(Some(payment));
        self.reached.mark_if(INTERRUPTED, this.cut_short);
        self.reached.mark_if(REPEATED, done.is_some() && taken_by.is_none());
        self.reached.mark_if(REMEMBERED, done.is_some_and(|done| done.life < life) && taken_by.is_none());
        self.reached.mark_if(ALTERED_EARLY, done.is_none() && taken_by.is_some());
        self.reached.mark_if(ALTERED_LATE, done.is_some() && taken_by.is_some());
        self.reached.mark_if(OVERLAPPED, self.in_hand.values().any(|other| other.used == used));
        self.in_hand.insert(id, InHand { since: now, seen: seen.id, used, payment, taken_by });
    }
    /// The answer that this key has had, as long as it must be kept.
    fn done(&self, used: usize, now: Time) -> Option<Done> {
        let Use { first, done, .. } = self.uses[used];
        done.filter(|_| now - first <= self.config.retention)
    }

    fn charged(&mut self, seen: &Observation, call: Call, receipt: Receipt) -> Result<(), Violation> {
        if self.charges.contains_key(&receipt) {
            return Ok(());
        }
        let payment = call.payment;
        self.charges_of.entry(payment).or_default().push(receipt);
        self.charges.insert(receipt, Charge { call, at: seen.at, seen: seen.id });
        let none = BTreeSet::new();
        let uses = self.asked.get(&payment).unwrap_or(&none);
        // of all the payments that one key was asked for, one is made; if no other key was asked for them, too
        let wanted = uses.iter().flat_map(|used| &self.uses[*used].wanted);
        let mut due: BTreeSet<Payment> =
            wanted.copied().filter(|other| self.asked[other].is_subset(uses)).collect();
        due.insert(payment);
        let receipts = due.iter().filter_map(|payment| self.charges_of.get(payment)).flatten();
        let charges: Vec<_> = receipts.map(|receipt| (receipt, &self.charges[receipt])).collect();
        if charges.len() <= uses.len() {
            return Ok(());
        }
        let Some(first) = uses.first().map(|used| &self.uses[*used]) else {
            let Call { key, .. } = &self.charges[&receipt].call;
            let sentence =
                format!("The bank charged {payment}, as {key:?}, but no client had asked for that.");
            return Err(Violation::at(seen, "charged-unasked", sentence));
        };
        let list = charges.iter().map(|(receipt, Charge { call, at, .. })| {
            format!("{receipt} ({}) at {at}, as {:?}", call.payment, call.key)
        });
        let for_what = match uses.len() {
            1 => format!("{} {:?}", first.caller, first.key),
            many => format!("{many} keys of clients"),
        };
        let sentence = format!(
            "The bank made {} charges for {for_what}: {}. The bank charges anew for each key that {} gives it.",
            charges.len(),
            list.collect::<Vec<_>>().join("; "),
            self.me
        );
        let violation = Violation::at(seen, "charged-twice", sentence);
        Err(charges.iter().fold(violation, |violation, (receipt, charge)| {
            violation.because(charge.seen, format!("the bank makes charge {receipt}"))
        }))
    }

    fn wrote(&mut self, seen: &Observation, op: &DiskOp) -> Result<(), Violation> {
        let node = self.me.clone();
        match op {
            DiskOp::All(ops) => return ops.iter().try_for_each(|op| self.wrote(seen, op)),
            DiskOp::Truncate { name, .. } | DiskOp::TrimFront { name, .. } if name == LEDGER_NAME => {
                let sentence =
                    format!("{node} took records out of its ledger. The service only ever appends to it.");
                return Err(Violation::at(seen, "ledger-cut", sentence));
            }
            DiskOp::Append { name, .. } if name == LEDGER_NAME => {}
            _ => return Ok(()),
        }
        let mut log = Disk::default();
        log.apply(op);
        let Some(Ok(posting)) = log.log(LEDGER).next() else { return Ok(()) };
        let charge = self.charges.get(&posting.receipt);
        if charge.is_none_or(|charge| charge.call.payment != posting.payment) {
            let what = charge.map_or("nothing".to_owned(), |charge| charge.call.payment.to_string());
            let sentence = format!(
                "{node} posted {posting} in its ledger, but the bank charged {what} under this receipt."
            );
            return Err(Violation::at(seen, "posted-uncharged", sentence));
        }
        if let Some((_, first)) = self.ledger.insert(posting.receipt, (posting, seen.id)) {
            let sentence =
                format!("{node} posted {posting} in its ledger twice, but the bank charged it once.");
            let violation = Violation::at(seen, "posted-twice", sentence);
            return Err(violation
                .because(first, format!("{} is in the ledger", posting.receipt))
                .because(seen.id, "and once more"));
        }
        self.fresh.insert(posting.receipt);
        Ok(())
    }

    /// After a crash the ledger is what the disk has kept, and all that was in hand is forgotten.
    fn started(&mut self, seen: &Observation, world: &World) {
        self.lives += 1;
        self.in_hand.clear();
        self.troubled |= !std::mem::take(&mut self.calls).is_empty();
        for this in &mut self.uses {
            this.cut_short |= this.at_work.take().is_some() && this.done.is_none();
        }
        let ledger = world.disk(seen.node).map(|disk| disk.log(LEDGER));
        let kept = ledger.into_iter().flatten().map_while(Result::ok).map(|posting| posting.receipt);
        let kept: BTreeSet<Receipt> = kept.collect();
        self.ledger.retain(|receipt, _| kept.contains(receipt));
        self.fresh.clear();
    }

    fn replied(&mut self, seen: &Observation, id: RequestId, response: Response) -> Result<(), Violation> {
        let Some(hand) = self.in_hand.remove(&id) else { return Ok(()) };
        self.answers_in_time(seen, &hand)?;
        let InHand { used, payment, .. } = hand;
        let done = self.done(used, seen.at);
        if let Some((rule, why)) = self.objection(seen.at, &hand, response, done) {
            let Use { caller, key, .. } = &self.uses[used];
            let sentence =
                format!("{} answered {response:?} to {caller} {key:?}: {payment}, but {why}", self.me);
            let violation = Violation::at(seen, rule, sentence);
            return Err(match done {
                Some(done) => violation.because(done.reply, format!("{caller} {key:?} is done")),
                None => violation,
            });
        }
        let life = self.lives;
        let this = &mut self.uses[used];
        this.latest = Some((seen.at, response));
        match response {
            Response::Done { receipt } => {
                this.done = done.or(Some(Done { receipt, payment, reply: seen.id, life }));
                self.owners.insert(receipt, used);
                self.reached.mark(PAID);
            }
            Response::Rejected | Response::Transient => this.at_work = None,
            // the bank knew better than a service that a crash had made forget
            Response::Mismatch if this.at_work == Some(payment) => this.at_work = None,
            Response::InProgress | Response::Mismatch => {}
        }
        Ok(())
    }
    /// What is wrong with an answer: the rule, and the end of a sentence.
    fn objection(
        &self,
        now: Time,
        InHand { used, payment, taken_by, .. }: &InHand,
        response: Response,
        done: Option<Done>,
    ) -> Option<(&'static str, String)> {
        let first = |done: Done| {
            let answer = Response::Done { receipt: done.receipt };
            format!("it had answered {answer:?} before. A request that is repeated gets the first answer.")
        };
        let says = |rule, why: &str| Some((rule, why.to_owned()));
        match (response, taken_by, done) {
            (Response::Mismatch, Some(_), _) => None,
            (_, Some(other), _) => {
                let state = if done.is_some() { "was made" } else { "is being worked on" };
                Some((
                    "no-mismatch",
                    format!("this key stands for {other}, which {state}. The answer must be Mismatch."),
                ))
            }
            (Response::Mismatch, _, Some(_)) => {
                says("false-mismatch", "this very payment was made under this key.")
            }
            (Response::Mismatch, _, None) if self.uses[*used].wanted.len() == 1 => {
                says("false-mismatch", "this key was used for this payment alone.")
            }
            (Response::Mismatch, ..) => None,
            (Response::Done { receipt }, ..) => match (self.charges.get(&receipt), self.owners.get(&receipt))
            {
                (None, _) => says("no-such-receipt", "the bank has never given that receipt."),
                (Some(charge), _) if charge.call.payment != *payment => Some((
                    "no-such-receipt",
                    format!("under that receipt the bank charged {}.", charge.call.payment),
                )),
                (_, Some(owner)) if owner != used => {
                    let Use { caller, key, .. } = &self.uses[*owner];
                    Some((
                        "receipt-of-another",
                        format!("that is the receipt of another payment, {caller} {key:?}."),
                    ))
                }
                _ if done.is_some_and(|done| done.receipt != receipt) => {
                    Some(("another-answer", done.map_or_else(String::new, first)))
                }
                _ if !self.ledger.contains_key(&receipt) => {
                    Some(("not-posted", format!("{receipt} is not in the ledger.")))
                }
                _ if self.fresh.contains(&receipt) => Some((
                    "not-durable",
                    format!("{receipt} is not durable in the ledger yet: a crash can take it."),
                )),
                _ => None,
            },
            (_, _, Some(done)) => Some(("another-answer", first(done))),
            (Response::Rejected, ..) if !self.declined.contains(payment) => {
                says("not-declined", "the bank has not declined this payment.")
            }
            (Response::Transient, ..) if !self.is_troubled(now) => {
                says("no-trouble", "the bank has refused no call, and has been late with no answer.")
            }
            _ => None,
        }
    }
    fn is_troubled(&self, now: Time) -> bool {
        self.troubled || self.calls.values().any(|made| now - *made >= self.config.patience)
    }

    /// What the service keeps on its disk, but for the ledger, is in proportion to the keys that it may keep.
    fn disk_is_small(&mut self, world: &World, now: Time) -> Result<(), Violation> {
        let kept = self.uses.iter().filter(|this| now - this.last <= 2 * self.config.retention).count();
        self.reached.mark_if(GROWN, self.uses.len() > 5 * (kept + KEYS_SPARE));
        let mut ledger = Disk::default();
        for (posting, _) in self.ledger.values() {
            let bytes = lab::frame::encode(posting);
            ledger.apply(&DiskOp::Append { name: LEDGER_NAME.to_owned(), bytes });
        }
        let bytes = world.disk(SERVICE).map_or(0, |disk| disk.bytes().saturating_sub(ledger.bytes()));
        let most = BYTES_PER_KEY * (kept + KEYS_SPARE);
        if bytes <= most {
            return Ok(());
        }
        Err(Violation::never(
            "disk-fills-up",
            format!(
                "At {now} the disk of {} holds {bytes} bytes besides the ledger. {most} bytes are allowed: {BYTES_PER_KEY} for each of \
             the {kept} keys that were used within two retentions, and for {KEYS_SPARE} more. Since the beginning {} keys were used.",
                self.me,
                self.uses.len()
            ),
        ))
    }

    /// A bank that is silent for long excuses no silence of the service: it answers that it cannot tell yet.
    fn answers_in_time(&self, seen: &Observation, hand: &InHand) -> Result<(), Violation> {
        let within = ANSWERED_WITHIN * self.config.patience;
        if seen.at - hand.since <= within {
            return Ok(());
        }
        let Use { caller, key, .. } = &self.uses[hand.used];
        let sentence = format!(
            "{} answered the request {caller} {key:?}: {} at {}. The request had arrived at {}, so the answer was due by {}, whether the \
             bank had answered or not.",
            self.me,
            hand.payment,
            seen.at,
            hand.since,
            hand.since + within
        );
        Err(Violation::at(seen, "left-waiting", sentence).because(hand.seen, "this request waits"))
    }
    /// Only a crash excuses silence.
    fn none_is_left_waiting(&self, world: &World) -> Result<(), Violation> {
        let forgotten = |hand: &&InHand| is_due(world, hand.since, ANSWERED_WITHIN * self.config.patience);
        let Some(InHand { since, seen, used, payment, .. }) = self.in_hand.values().find(forgotten) else {
            return Ok(());
        };
        let Use { caller, key, .. } = &self.uses[*used];
        let sentence = format!(
            "{} never answered the request {caller} {key:?}: {payment}, which arrived at {since}. A request that waits for another \
             one needs an answer, too, at once or in the end.",
            self.me
        );
        Err(Violation::never("left-waiting", sentence).because(*seen, "this request waits for ever"))
    }

    /// The newest use of the key of a request.
    fn newest(&self, request: &Request) -> Option<&Use> {
        Some(&self.uses[*self.keys.get(&request.key)?.get(&request.caller)?])
    }

    /// A client that asks again and again is answered for good in the end.
    fn all_are_answered(&self, world: &World) -> Result<(), Violation> {
        let scenario = world.scenario();
        let client =
            |((client, operation), (since, seen)): (&(ClientId, OperationId), &(Time, ObservationId))| {
                let client = scenario.clients.iter().find(|spec| spec.id == *client)?;
                let operation = client.operations.iter().find(|spec| spec.id == *operation)?;
                Some((lab::frame::decode::<Request>(&operation.request)?, *since, Some(*seen)))
            };
        let user = |user: &NodeId| {
            let spec = scenario.nodes.iter().find(|node| node.id == *user)?;
            let plan: Shopping = lab::frame::decode(&spec.config)?;
            let is_open = |request: &Request| self.newest(request).is_none_or(|this| this.done.is_none());
            Some((plan.list.into_iter().find(is_open)?, Time::ZERO, None))
        };
        let all = self.waiting.iter().filter_map(client).chain(self.users.iter().filter_map(user));
        let Some((request, since, seen)) = { all }.next() else { return Ok(()) };
        let used = self.newest(&request);
        let (times, latest) = used.map_or((0, None), |this| (this.times, this.latest));
        let latest = match latest {
            Some((at, response)) => format!("The last answer was {response:?}, at {at}."),
            None => "There was no answer.".to_owned(),
        };
        let calm = scenario.calm.map_or_else(String::new, |(calm, _)| {
            format!(" Since {} nothing was wrong with the bank or the network.", Time::ZERO + calm)
        });
        let sentence = format!(
            "A client asked {} for {request} again and again, {times} times from {since} to {}, and was never told how it ended. \
             {latest}{calm}",
            self.me,
            world.now(),
        );
        let violation = Violation::never("never-told", sentence);
        Err(match seen {
            Some(seen) => violation.because(seen, format!("a client begins to ask for {request}")),
            None => violation,
        })
    }
}
/// The name of [`LEDGER`] on the disk.
const LEDGER_NAME: &str = "ledger";

impl Rule<Payments> for Books {
    fn see(&mut self, Scene { world, seen }: Scene<'_>, saw: &Saw<Payments>) -> Result<(), Violation> {
        match (saw, &seen.seen, seen.node) {
            (Saw::Asked { request, what, .. }, ..) => {
                self.requested(seen, *request, what.clone());
                if self.uses.len() % 500 == 499 {
                    self.disk_is_small(world, seen.at)?;
                }
            }
            (Saw::Told { request, what }, ..) => self.replied(seen, *request, *what)?,
            (Saw::Called { call, .. }, ..) => _ = self.calls.insert(*call, seen.at),
            (Saw::Answered { call, what }, ..) => {
                let late = |made| seen.at - made >= self.config.patience;
                self.troubled |= self.calls.remove(call).is_some_and(late) || *what == Answer::Unavailable;
            }
            (Saw::Started { incarnation: 1.. }, _, SERVICE) => self.started(seen, world),
            (Saw::Synced, _, SERVICE) => self.fresh.clear(),
            (_, Seen::Wrote { op }, SERVICE) => self.wrote(seen, op)?,
            (_, Seen::Requested { request, bytes, .. }, BANK) => {
                lab::frame::decode(bytes)
                    .into_iter()
                    .for_each(|call| _ = self.at_bank.insert(*request, call));
            }
            (_, Seen::Replied { request, bytes, .. }, BANK) => {
                match (self.at_bank.remove(request), lab::frame::decode(bytes)) {
                    (Some(call), Some(Answer::Charged { receipt })) => self.charged(seen, call, receipt)?,
                    (Some(call), Some(Answer::Declined)) => _ = self.declined.insert(call.payment),
                    _ => {}
                }
            }
            (_, Seen::Invoked { client, operation }, _) => {
                self.waiting.insert((*client, *operation), (seen.at, seen.id));
            }
            (_, Seen::Returned { client, operation, .. }, _) => {
                _ = self.waiting.remove(&(*client, *operation))
            }
            (_, Seen::Emitted { .. }, user) => _ = self.users.remove(&user),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        self.all_are_answered(world)?;
        self.none_is_left_waiting(world)?;
        self.disk_is_small(world, world.now())?;
        self.reached.mark_if(TROUBLED, self.is_troubled(world.now()));
        reached.clone_from(&self.reached);
        reached.figure("requests", self.uses.iter().map(|this| u64::from(this.times)).sum());
        reached.figure("payments made once", self.owners.len() as u64);
        reached.figure("crashes", u64::from(self.lives));
        Ok(())
    }
}
