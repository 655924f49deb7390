//! `idempotency`: the runs. A service, a bank, clients that ask until they know how it ended.

use super::oracle::Books;
use judge::{Case, Pick};
use kit::serve::{Manner, serve};
use kit::user::{Act, Heard, User, user};
use kit::{Rules, Stage, ms, secs, us};
use lab::idempotency::{Bank, BankConfig, Caller, Config, Payment, Payments, Request, Response};
use lab::prelude::*;
use world::{
    Chance, Client, DiskLoss, Harm, Link, LinkRule, Matcher, NodeSpec, Operation, Trigger, Until, When, Who,
};

pub(super) const SERVICE: NodeId = NodeId(1);
pub(super) const BANK: NodeId = NodeId(2);
/// Nothing goes wrong in the last part of a run. Every client that asks is answered by its end.
const LAST: Duration = secs(4);
const PATIENCE: Duration = ms(100);
const CENTS_MAX: u32 = 100_000;

/// What a client that asks over the network asks for, one after another.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Shopping {
    pub(super) list: Vec<Request>,
    patience: Duration,
    pause: Duration,
}
/// Asks for each payment until it knows how it ended.
pub(super) struct Shopper {
    plan: Shopping,
    place: usize,
}
impl User for Shopper {
    const NAME: &'static str = "idempotency/shopper";
    type Of = Payments;
    type Plan = Shopping;
    fn begin(plan: Shopping) -> Self {
        Shopper { plan, place: 0 }
    }
    fn next(&mut self, heard: Heard<Response>) -> Act<Request> {
        if let Heard::Answer(response) = heard {
            self.place += usize::from(is_final(&response));
            return if self.place < self.plan.list.len() { Act::Wait(self.plan.pause) } else { Act::Stop };
        }
        Act::Ask(self.plan.list[self.place].clone(), self.plan.patience)
    }
}
fn is_final(response: &Response) -> bool {
    !matches!(response, Response::InProgress | Response::Transient)
}

type Town = Stage<Payments>;

/// A service, a bank, and a network that doubles messages in some runs. Nothing goes wrong from the calm on.
fn town(pick: &mut Pick, manner: Manner, calm: Duration) -> Town {
    let mut town = keeping(pick, secs(3_600), manner, calm + LAST);
    town.network.duplication = Chance::percent(*pick.one(&[0, 0, 20]));
    town.calm(calm);
    town
}
fn keeping(pick: &mut Pick, retention: Duration, manner: Manner, end: Duration) -> Town {
    let mut service =
        NodeSpec::guest::<Payments>(SERVICE, &Config { retention, patience: PATIENCE }).named("payments");
    service.calls_to = Some(BANK);
    service.clock.offset_ns = pick.number(0..=7_200_000_000_000) as i64 - 3_600_000_000_000;
    service.sync = *pick.one(&[(us(100), us(300)), (ms(1), ms(5))]);
    let bank = BankConfig { cents_max: CENTS_MAX, remembers: 4 * retention };
    let mut town = Town::with(vec![service, serve::<Bank>(BANK, bank, manner).named("bank")], end);
    town.network = Link::between(us(500), ms(pick.number(1..=4)));
    town
}
/// A client asks for these, each when it is time or the one before has ended, until it knows how each ended.
fn client(town: &mut Town, pick: &mut Pick, asks: impl IntoIterator<Item = (Option<When>, Request)>) {
    let operation =
        |(id, (at, request))| Operation { at, ..Operation::next::<Payments>(id, SERVICE, &request) };
    let client = Client {
        think: pick.millis(30..=60),
        timeout: Some(pick.millis(120..=400)),
        attempts: 200,
        accepts: Some(Matcher::typed(is_final)),
        ..Client::new(town.clients.len() as u32 + 1, (1..).zip(asks).map(operation).collect())
    };
    town.clients.push(client);
}
fn crashes(town: &mut Town, when: When, disk: DiskLoss, down: Duration) {
    town.harm(when, Harm::Crash { node: Who::Node(SERVICE), disk }, Until::After(down));
}
fn judged(town: Town) -> Case {
    Rules::of(Books::new(&town)).judge(town)
}

fn at(time: Duration) -> Option<When> {
    Some(When::At(time))
}
/// When the service has done so many effects, and so long after.
fn effect(nth: u32, after: Duration) -> When {
    When::On { trigger: Trigger::Effect { node: SERVICE, nth: nth.into() }, nth: 1, after }
}
fn asks(caller: u32, key: &str, payment: Payment) -> Request {
    Request { caller: Caller(caller), key: key.to_owned(), payment }
}
/// A payment like no other: nearly never are two of them equal.
fn payment(pick: &mut Pick) -> Payment {
    Payment { account: pick.small(1..=9), cents: pick.small(1..=CENTS_MAX) }
}
/// Nearly the same payment.
fn altered(pick: &mut Pick, payment: Payment) -> Payment {
    let Payment { account, cents } = payment;
    let account = if pick.percent(60) { account + 1 } else { account };
    let other = cents % CENTS_MAX + 1;
    Payment { account, cents: if account == payment.account || pick.percent(50) { other } else { cents } }
}
fn busy(pick: &mut Pick) -> Manner {
    Manner::works(ms(pick.number(1..=10)), ms(pick.number(11..=40)))
}

/// Two requests at every point of the first one's handling; and five at once.
pub(super) fn concurrent(pick: &mut Pick, _: u32) -> Case {
    let manner = busy(pick);
    let mut town = town(pick, manner, ms(500));
    let two = asks(1, "two", payment(pick));
    client(&mut town, pick, [(at(ms(10)), two.clone()), (at(ms(600)), two.clone())]);
    let after_us = *pick.one(&[0, 3_000, 30_000]);
    let after = pick.micros(0..=after_us);
    client(&mut town, pick, [(Some(effect(pick.point(), after)), two)]);
    let five = asks(pick.small(1..=2), "five", payment(pick));
    let window_us = *pick.one(&[1, 2_000, 60_000]);
    for _ in 0..5 {
        let begins = ms(200) + pick.micros(0..=window_us);
        client(&mut town, pick, [(at(begins), five.clone()), (at(ms(650)), five.clone())]);
    }
    judged(town)
}

/// Every payment is asked for again when it is made: at once, after crashes, because an answer is lost.
pub(super) fn replay(pick: &mut Pick, nth: u32) -> Case {
    let manner = busy(pick);
    let mut town = town(pick, manner, ms(1_500));
    for caller in 1..=pick.small(1..=3) {
        let first = asks(caller, &format!("bread {caller}"), payment(pick));
        let second = asks(caller, &format!("wine {caller}"), payment(pick));
        let later = pick.millis(900..=1_400);
        let list = [first.clone(), first.clone(), second.clone(), first.clone(), second.clone()];
        let begins = std::iter::once(at(pick.millis(5..=50))).chain(std::iter::repeat(None));
        client(&mut town, pick, begins.zip(list));
        client(&mut town, pick, [(at(later), first), (None, second)]);
    }
    for shopper in 7..=7 + nth % 2 {
        let id = NodeId(shopper);
        let pay = asks(shopper, &format!("bread {shopper}"), payment(pick));
        let other = asks(shopper, &format!("wine {shopper}"), payment(pick));
        let list = vec![pay.clone(), other.clone(), pay, other];
        let plan = Shopping { list, patience: pick.millis(60..=200), pause: pick.millis(20..=60) };
        town.nodes.push(user::<Shopper>(id, SERVICE, &plan).named("client"));
        let lossy = Link { loss: Chance::percent(40), duplication: Chance::percent(30), ..town.network };
        town.link(Some(SERVICE), Some(id), lossy);
        town.link(Some(id), Some(SERVICE), lossy);
    }
    for _ in 0..pick.small(1..=3) {
        let when = When::At(pick.millis(100..=900));
        let disk = *pick.one(&[DiskLoss::All, DiskLoss::Drawn]);
        crashes(&mut town, when, disk, pick.millis(1..=50));
    }
    judged(town)
}

/// Other payments under a used key, at every point of the handling of the first, when it is made, and after a restart.
pub(super) fn mismatch(pick: &mut Pick, _: u32) -> Case {
    let manner = busy(pick);
    let mut town = town(pick, manner, ms(700));
    let right = asks(1, "order", payment(pick));
    let wrong = |pick: &mut Pick| Request { payment: altered(pick, right.payment), ..right.clone() };
    let (during, later, last) = (wrong(pick), wrong(pick), wrong(pick));
    let after = pick.micros(0..=2_000);
    client(&mut town, pick, [(at(ms(10)), right.clone()), (None, later), (None, right.clone())]);
    client(&mut town, pick, [(Some(effect(pick.point(), after)), during.clone())]);
    // what was wrong under that key is right under another one
    client(&mut town, pick, [(at(ms(600)), Request { key: "other".to_owned(), ..during })]);
    client(&mut town, pick, [(at(ms(650)), last), (None, right)]);
    if pick.percent(50) {
        crashes(&mut town, When::At(ms(550)), DiskLoss::All, ms(20));
    }
    judged(town)
}

/// The bank refuses, or cannot be reached, or is slow, for a time that ends: sometimes only when every request must have had an answer.
pub(super) fn transient(pick: &mut Pick, nth: u32) -> Case {
    let is_long = nth % 10 > 4;
    let (from, to) = (pick.millis(10..=30), pick.millis(if is_long { 2_500..=3_500 } else { 300..=900 }));
    let manner = if nth.is_multiple_of(5) { busy(pick).refusing(from, to) } else { busy(pick) };
    let mut town = town(pick, manner, ms(if is_long { 3_600 } else { 1_000 }));
    let link = Link { loss: Chance::percent(60), ..Link::between(ms(1), ms(5)) };
    let slow = Link::between(ms(90), ms(pick.number(120..=400)));
    let harm = match nth % 5 {
        0 => None,
        1 => Some(Harm::Cut { from: vec![SERVICE], to: vec![BANK] }),
        2 => Some(Harm::Cut { from: vec![BANK], to: vec![SERVICE] }),
        3 => Some(Harm::Links(LinkRule { from: Some(BANK), to: Some(SERVICE), link: slow })),
        _ => Some(Harm::Links(LinkRule { from: None, to: None, link })),
    };
    if let Some(harm) = harm {
        town.harm(When::At(from), harm, Until::After(to - from));
    }
    for caller in 1..=3 {
        let mut pay = asks(caller, &format!("order {caller}"), payment(pick));
        if caller == 3 {
            pay.payment.cents += CENTS_MAX; // the bank declines it
        }
        let begins = pick.millis(1..=60);
        client(&mut town, pick, [(at(begins), pay.clone()), (None, pay)]);
    }
    judged(town)
}

/// A crash after every effect of the service, and of two one after every other.
pub(super) fn crash(pick: &mut Pick, _: u32) -> Case {
    let (run, point) = (pick.run(), pick.point());
    let manner = busy(pick);
    let mut town = town(pick, manner, ms(1_500));
    for caller in 1..=2 {
        let first = asks(caller, &format!("bread {caller}"), payment(pick));
        let second = asks(caller, &format!("wine {caller}"), payment(pick));
        let begins = pick.millis(1..=60);
        client(&mut town, pick, [(at(begins), first.clone()), (None, second), (at(ms(1_400)), first)]);
    }
    let disk = [DiskLoss::All, DiskLoss::Nothing, DiskLoss::Drawn][run as usize % 3];
    let down = *pick.one(&[ms(1), ms(15), ms(250)]);
    crashes(&mut town, effect(point, Duration::ZERO), disk, down);
    if run >= 3 {
        let gap = pick.small(1..=12);
        crashes(&mut town, effect(point + gap, Duration::ZERO), DiskLoss::Drawn, ms(5));
    }
    judged(town)
}

/// Equal keys of two callers, equal payments under two keys, and keys that are easily taken for one another.
pub(super) fn scope(pick: &mut Pick, nth: u32) -> Case {
    const ALIKE: [[(u32, &str); 2]; 8] = [
        [(1, "order"), (2, "order")],
        [(1, "order"), (1, "orders")],
        [(1, "12"), (11, "2")],
        [(21, "1"), (2, "11")],
        [(1, "Order"), (1, "order")],
        [(1, "order"), (1, "order ")],
        [(1, ""), (2, "")],
        [(1, "2/order"), (2, "order")],
    ];
    let manner = busy(pick);
    let mut town = town(pick, manner, ms(500));
    let equal = payment(pick);
    for (caller, key) in ALIKE[nth as usize % ALIKE.len()] {
        let pays = asks(caller, key, if (nth / 8).is_multiple_of(2) { equal } else { payment(pick) });
        let begins = ms(10) + *pick.one(&[ms(0), ms(5), ms(100)]);
        client(&mut town, pick, [(at(begins), pays.clone()), (at(ms(400)), pays)]);
    }
    // twins, side by side and one after the other
    let twin = payment(pick);
    client(&mut town, pick, [(at(ms(20)), asks(7, "left", twin)), (None, asks(7, "again", twin))]);
    client(&mut town, pick, [(at(ms(20)), asks(7, "right", twin))]);
    judged(town)
}

/// A retention that is short beside the run: keys repeated before it ends, used anew long after, and very many of them.
pub(super) fn expiry(pick: &mut Pick, nth: u32) -> Case {
    let retention = secs(10);
    let many = if nth == 0 { 10_000 } else { 300 };
    let think = if nth == 0 { retention / 200 } else { retention / 30 };
    let length = think * many;
    let mut town = keeping(pick, retention, Manner::works(ms(1), ms(3)), 3 * length + 4 * retention);
    let all: Vec<Request> = (0..many).map(|key| asks(1, &format!("k{key}"), payment(pick))).collect();
    // a payment takes a moment, too
    let begins = std::iter::once(at(ms(5))).chain(std::iter::repeat(None));
    client(&mut town, pick, begins.zip(all));
    town.clients[0].think = think;
    for caller in 2..=5 {
        let begins = pick.millis(100..=20_000);
        let pays = asks(caller, &format!("order {caller}"), payment(pick));
        let anew = Request { payment: payment(pick), ..pays.clone() };
        let again = begins + retention.mul_f64(0.9);
        let new = begins + retention * 7;
        let asked = [
            (begins, &pays),
            (begins + retention / 2, &pays),
            (again, &pays),
            (new, &anew),
            (new + retention / 2, &anew),
        ];
        client(&mut town, pick, asked.map(|(time, request)| (at(time), request.clone())));
        // between a payment and its repetition
        crashes(&mut town, When::At(begins + retention / 4 * (caller % 4)), DiskLoss::All, ms(100));
    }
    crashes(&mut town, When::At(length / 2), DiskLoss::All, secs(1));
    judged(town)
}
