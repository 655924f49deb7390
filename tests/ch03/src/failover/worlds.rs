//! `failover`: the runs. Scripts first: each is one way in which the view and the nodes can be of two minds.

use super::oracle::{Goals, House, OPERATORS, READERS};
use crate::replicas::service::{self, Event, Moment, Order, Request as Ask, Views, Whom, view_service};
use judge::{Case, Pick};
use kit::see::{self, Sight};
use kit::{Stage, clocks, ms, us};
use lab::NodeId;
use lab::primary_backup::{Acks, Answer, Call, Config, Key, PrimaryBackup, Request, Response, View};
use std::collections::BTreeSet;
use std::time::Duration;
use world::{
    Carried, Chance, Client, DiskLoss, Fault, Harm, Latency, Link, LinkRule, Matcher, NodeSpec, Operation,
    OperationId, SeenKind, Tail, Trigger, Until, When, Who,
};

const RESEND: Duration = ms(50);
const PING: Duration = ms(100);
const LAG: Duration = ms(300);
/// How long the service waits for a silent primary.
const DEAD_AFTER: Duration = ms(400);
/// The view service.
const SERVICE: NodeId = NodeId(9);
/// Clients that promote nodes have numbers from here on.
const PROMOTERS: u32 = 800;

/// How long a client waits for the answer to a try.
const TIMEOUT: Duration = ms(100);
/// How long it thinks before it tries again.
const THINK: Duration = ms(10);
const ATTEMPTS: u32 = 255;

/// A run that is being made.
struct Draft {
    stage: Stage<PrimaryBackup>,
    /// The nodes, the first primary before the others. Their order tells nothing.
    cast: Vec<NodeId>,
    values: u64,
    clients: u32,
    promoters: u32,
    keys: BTreeSet<Key>,
    orders: Vec<Order>,
    dead_after: Option<Duration>,
    goals: Goals,
}

impl Draft {
    /// So many nodes, of which these backups, by their places in the cast, are in sync at the beginning.
    fn new(pick: &mut Pick, n: u32, acks: Acks, in_sync: &[usize]) -> Draft {
        let mut cast: Vec<NodeId> = (1..=n).map(NodeId).collect();
        pick.shuffle(&mut cast);
        let in_sync = in_sync.iter().map(|place| cast[*place]).collect();
        let first = View { number: 1, epoch: 1, primary: cast[0], in_sync };
        let config = Config { first: first.clone(), acks, resend: RESEND, ping: PING, lag: LAG };
        let mut nodes: Vec<NodeSpec> = (1..=n)
            .map(|id| NodeSpec {
                calls_to: Some(SERVICE),
                ..NodeSpec::guest::<PrimaryBackup>(NodeId(id), &config)
            })
            .collect();
        for node in &mut nodes {
            clocks::wrong(pick, node);
            node.clock.drift_ppm = 0;
        }
        let mut stage = Stage::with(nodes, Duration::ZERO);
        stage.network = Link::between(ms(1), ms(3));
        let goals = Goals {
            acks,
            service: SERVICE,
            first,
            answered: None,
            rejoins: None,
            safe_by: None,
            settled: Duration::ZERO,
            copies: None,
        };
        Draft {
            stage,
            cast,
            values: 10,
            clients: 0,
            promoters: PROMOTERS,
            keys: BTreeSet::new(),
            orders: Vec::new(),
            dead_after: None,
            goals,
        }
    }
    fn all(&self) -> Vec<NodeId> {
        self.cast.clone()
    }
    /// All nodes but this one.
    fn but(&self, node: NodeId) -> Vec<NodeId> {
        self.cast.iter().copied().filter(|other| *other != node).collect()
    }

    // clients

    /// An append of a value like no other.
    fn append(&mut self, client: u32, seq: u32, key: &str) -> Request {
        self.values += 1;
        self.keys.insert(key.to_owned());
        Request::Append { client, seq, key: key.to_owned(), value: self.values }
    }
    /// A client that asks these one after another, at these nodes in turn, until it is answered.
    fn tireless(
        &mut self,
        id: u32,
        begins: impl Into<When>,
        to: &[NodeId],
        requests: &[Request],
        think: Duration,
    ) {
        let client = self.stage.client(id);
        client.think = think;
        client.timeout = Some(TIMEOUT);
        client.attempts = ATTEMPTS;
        client.accepts = Some(Matcher::typed(|response: &Response| {
            matches!(response, Response::Appended { .. } | Response::Values(_))
        }));
        client.operations = (1..)
            .zip(requests)
            .map(|(id, request)| Operation {
                to: to.to_vec(),
                ..Operation::next::<PrimaryBackup>(id, NodeId(0), request)
            })
            .collect();
        if let Some(first) = client.operations.first_mut() {
            first.at = Some(begins.into());
        }
    }
    /// A new client that appends so often to this key, and reads it after each append if `reads`.
    fn client(
        &mut self,
        begins: impl Into<When>,
        to: &[NodeId],
        key: &str,
        appends: u32,
        reads: bool,
        think: Duration,
    ) -> u32 {
        self.clients += 1;
        let id = self.clients;
        let mut requests = Vec::new();
        for seq in 1..=appends {
            let append = self.append(id, seq, key);
            requests.push(append);
            if reads {
                requests.push(Request::Read { key: key.to_owned() });
            }
        }
        self.tireless(id, begins, to, &requests, think);
        id
    }
    /// A new client asks one node once for an append, and waits for ever. Returns its number and the operation's.
    fn patient(&mut self, when: impl Into<When>, node: NodeId, key: &str) -> Trigger {
        self.clients += 1;
        let id = self.clients;
        let request = self.append(id, 1, key);
        let operation = self.stage.ask_by(id, when, node, request);
        Trigger::Began { client: world::ClientId(id), operation }
    }
    /// The same for a read.
    fn reads(&mut self, when: impl Into<When>, node: NodeId, key: &str) {
        self.clients += 1;
        self.keys.insert(key.to_owned());
        let id = self.clients;
        self.stage.ask_by(id, when, node, Request::Read { key: key.to_owned() });
    }
    /// A client of the suite makes this node the primary, if it is in sync then.
    fn promote(&mut self, when: impl Into<When>, node: NodeId) {
        self.promoters += 1;
        let operation =
            Operation { at: Some(when.into()), ..Operation::next::<Views>(1, SERVICE, &Ask::Promote(node)) };
        self.stage.clients.push(Client::new(self.promoters, vec![operation]));
    }
    fn order(&mut self, moment: Moment, whom: Whom) {
        self.orders.push(Order { moment, whom });
    }

    // sights

    /// The service makes a view that fits.
    fn view(fits: impl Fn(&View) -> bool + Send + Sync + 'static) -> Sight {
        see::emits::<Views>(move |Event::View(view)| fits(view)).at(SERVICE)
    }
    /// The service makes another node the primary.
    fn failover() -> Sight {
        Draft::view(|view| view.epoch == view.number)
    }
    /// This node hears of a view that fits.
    fn hears(node: NodeId, fits: impl Fn(&View) -> bool + Send + Sync + 'static) -> Sight {
        see::hears::<PrimaryBackup>(move |Answer::View(view)| fits(view)).at(node)
    }
    /// This node asks the service for a set that fits.
    fn asks(node: NodeId, fits: impl Fn(&BTreeSet<NodeId>) -> bool + Send + Sync + 'static) -> Sight {
        see::calls::<PrimaryBackup>(move |call| matches!(call, Call::InSync { in_sync, .. } if fits(in_sync)))
            .at(node)
    }

    // harms

    fn harm(&mut self, when: impl Into<When>, harm: Harm, until: Until) -> &mut Fault {
        self.stage.harm(when, harm, until)
    }
    /// What these send to those is lost.
    fn cut(&mut self, when: impl Into<When>, from: &[NodeId], to: &[NodeId], until: Until) -> &mut Fault {
        self.harm(when, Harm::Cut { from: from.to_vec(), to: to.to_vec() }, until)
    }
    /// A node and the service do not hear each other.
    fn cut_off_from_service(&mut self, when: impl Into<When> + Clone, node: NodeId, until: Until) {
        self.cut(when.clone(), &[node], &[SERVICE], until.clone());
        self.cut(when, &[SERVICE], &[node], until);
    }
    fn crash(&mut self, when: impl Into<When>, node: NodeId, disk: DiskLoss, until: Until) -> &mut Fault {
        self.harm(when, Harm::Crash { node: Who::Node(node), disk }, until)
    }
    fn hold(
        &mut self,
        when: impl Into<When>,
        from: NodeId,
        to: NodeId,
        what: Carried,
        matches: Option<Matcher>,
        until: Until,
    ) {
        let what = Some(what);
        self.harm(when, Harm::Hold { from: Some(from), to: Some(to), nth: None, matches, what }, until);
    }

    // the end

    /// Nothing goes wrong any more, and a client reads every list. A node that is the primary then shows what will stay.
    fn finish(self, calm: Duration) -> Case {
        let settled = match self.goals.acks {
            Acks::Sync { .. } => ms(50),
            Acks::Async => ms(600),
        };
        self.finish_after(calm, settled)
    }
    /// The same, but so much time passes before the lists are read.
    fn finish_after(mut self, calm: Duration, quiet: Duration) -> Case {
        let settled = calm + quiet;
        self.goals.settled = settled;
        let keys: Vec<Request> = self.keys.iter().map(|key| Request::Read { key: key.clone() }).collect();
        let to = self.all();
        self.tireless(READERS, settled, &to, &keys, THINK);
        self.stage.calm = Some((calm, Link::between(ms(1), ms(3))));
        self.stage.end = settled + PING * 30;
        self.judge()
    }
    fn judge(mut self) -> Case {
        let config = service::Config {
            first: self.goals.first.clone(),
            dead_after: self.dead_after,
            orders: self.orders,
        };
        self.stage.nodes.push(view_service(SERVICE, &config));
        self.stage.judged_by(House::new(self.goals))
    }
}

fn sync(min: u32) -> Acks {
    Acks::Sync { min }
}
/// The places of all backups.
fn backups(n: u32) -> Vec<usize> {
    (1..n as usize).collect()
}
/// The mode of a run about progress: a third of the runs each.
fn mode(nth: u32, n: u32) -> Acks {
    match nth % 3 {
        0 if n > 2 => sync(1),
        0 | 1 => sync(0),
        _ => Acks::Async,
    }
}

/// The primary is gone, and perhaps another node, too.
pub(super) fn takes_over(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 4, 5, 3, 2][nth as usize % 5];
    let acks = mode(nth / 5, n);
    let mut draft = Draft::new(pick, n, acks, &backups(n));
    draft.dead_after = Some(DEAD_AFTER);
    let all = draft.all();
    let (a, b, c) = (all[0], all[1], all[all.len() - 1]);
    draft.client(ms(5), &all, "k", 6, pick.percent(50), THINK);
    let gone = pick.millis(20..=200);
    let mut calm = gone + ms(1_000);
    match pick.small(0..=2) {
        0 => _ = draft.crash(gone, a, DiskLoss::Drawn, Until::Never),
        1 => draft.harm(gone, Harm::Isolate { node: Who::Node(a) }, Until::Never).after_calm = true,
        _ => {
            // the service no longer hears it, but its peers do
            draft.cut(gone, &[a], &[SERVICE], Until::Never).after_calm = true;
        }
    }
    let twice = n >= 4 && pick.percent(30);
    if n >= 4 && (twice || pick.percent(40)) {
        if !twice {
            draft.crash(gone, c, DiskLoss::Drawn, Until::Never);
        } else {
            let second = Draft::failover().after(ms(2_000));
            draft.promote(second, b);
            draft.promote(Draft::failover().after(ms(2_000)), c);
            calm = gone + ms(3_500);
        }
    }
    let lossy = Link { loss: Chance::percent(20), ..draft.stage.network };
    draft.stage.links.push(LinkRule { from: Some(SERVICE), to: None, link: lossy });
    draft.stage.links.push(LinkRule { from: None, to: Some(SERVICE), link: lossy });
    // after the failover, another client appends and reads, and then once more
    for after in [Duration::ZERO, ms(700)].into_iter().skip(usize::from(twice)) {
        draft.client(Draft::failover().after(after), &all, "l", 2, true, RESEND * 12);
    }
    draft.goals.answered = Some(PING * 30);
    draft.finish(calm)
}

/// One backup hears nothing more, and the primary asks the service to drop it. Just then the service makes that one the primary.
pub(super) fn shrink_first(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 4, 2][nth as usize % 3];
    let acks = if n == 2 { sync(0) } else { sync(nth % 2) };
    let mut draft = Draft::new(pick, n, acks, &backups(n));
    let all = draft.all();
    let (a, b) = (all[0], all[1]);
    draft.client(ms(5), &all, "k", 2, false, THINK);
    draft.order(Moment::DropAsked(1), Whom::TheOne);
    let others = draft.but(b);
    let mended = Until::Trigger(Draft::failover().into());
    draft.cut(ms(100), &others, &[b], mended);
    for at in [110, 120] {
        draft.patient(ms(at), a, "k");
    }
    draft.client(ms(130), &all, "l", 3, true, THINK);
    draft.finish(ms(1_200))
}

/// A backup is gone, while clients wait: for appends and a read, or only for reads after a time in which nothing was asked.
pub(super) fn drops(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 5, 3, 2][nth as usize % 4];
    let acks = mode(nth / 4, n);
    let only_reads = nth % 2 == 1;
    let mut draft = Draft::new(pick, n, acks, &backups(n));
    let all = draft.all();
    let (a, b) = (all[0], all[1]);
    for at in [5, 20] {
        draft.patient(ms(at), a, "k");
    }
    let gone = ms(60);
    match pick.small(0..=3) {
        0 => _ = draft.crash(gone, b, DiskLoss::Drawn, Until::Never),
        1 => _ = draft.harm(gone, Harm::Pause { node: Who::Node(b) }, Until::Never),
        2 => _ = draft.cut(gone, &[b], &[a], Until::Never),
        _ => {
            let others = draft.but(b);
            draft.cut(gone, &others, &[b], Until::Never);
        }
    }
    let mut at = if only_reads { ms(2_060) } else { gone + pick.micros(0..=30_000) };
    if !only_reads {
        draft.patient(at, a, "k");
        draft.patient(at, a, "k");
        draft.patient(at + ms(1), a, "l");
    }
    draft.reads(at, a, "k");
    draft.reads(at, a, "l");
    draft.reads(at + ms(1), a, "k");
    if pick.percent(50) {
        // the answer of the service is lost once
        let lose = Harm::Lose {
            from: Some(SERVICE),
            to: Some(a),
            nth: Some(1),
            matches: Some(Matcher::typed(|Answer::View(view): &Answer| view.number > 1)),
            what: Some(Carried::Answer),
        };
        draft.harm(ms(0), lose, Until::Never);
    }
    // and what is asked afterwards is answered, too
    at += LAG + PING * 10;
    draft.patient(at, a, "k");
    draft.reads(at + ms(20), a, "k");
    if acks == Acks::Async {
        draft.goals.safe_by = Some(at + RESEND * 10);
        draft.patient(at + RESEND * 10, a, "k");
    }
    draft.goals.answered = Some(LAG + PING * 10);
    draft.stage.end = at + RESEND * 10 + LAG + PING * 10;
    draft.judge()
}

/// Primaries die one after another, each as soon as the service has two others in sync; and nodes come back with copies of all kinds.
pub(super) fn rejoins(pick: &mut Pick, nth: u32) -> Case {
    if nth % 4 == 1 {
        return longer_history(pick, nth / 4);
    }
    let n = if nth % 4 == 3 { 2 } else { 3 };
    let acks = mode(nth / 2, n);
    let mut draft = Draft::new(pick, n, acks, &backups(n));
    draft.dead_after = Some(DEAD_AFTER);
    let all = draft.all();
    let in_sync = n as usize - 1;
    for node in all.clone() {
        for least in [1, 6] {
            let leads = Draft::hears(node, move |view| {
                view.primary == node && view.in_sync.len() == in_sync && view.number >= least
            });
            let after = pick.millis(0..=150);
            let down = ms(700) + pick.millis(0..=200);
            draft.crash(
                leads.after(after),
                node,
                *pick.one(&[DiskLoss::All, DiskLoss::Drawn]),
                Until::After(down),
            );
        }
    }
    if nth.is_multiple_of(3) {
        // one node's first copy is empty for long
        let (last, others) = (all[all.len() - 1], draft.but(all[all.len() - 1]));
        draft.cut(ms(0), &others, &[last], Until::After(ms(500)));
    }
    draft.stage.network.loss = Chance::percent(10);
    let many = pick.small(20..=40);
    draft.client(ms(5), &all, "k", many, false, ms(40));
    draft.client(ms(15), &all, "l", 8, true, ms(200));
    draft.goals.rejoins = Some(PING * 20);
    draft.goals.answered = Some(PING * 30);
    draft.finish(ms(6_000))
}

/// The old primary has more entries than the new one, and none of them were acknowledged. It comes back.
fn longer_history(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, 3, mode(nth, 3), &[1, 2]);
    let all = draft.all();
    let (a, b) = (all[0], all[1]);
    draft.patient(ms(5), a, "k");
    draft.harm(ms(40), Harm::Isolate { node: Who::Node(a) }, Until::After(ms(600)));
    for at in 45..=50 {
        draft.client(ms(at), &[a], "k", 1, false, THINK);
        let id = draft.clients;
        draft.stage.client(id).attempts = 1;
    }
    draft.promote(ms(60), b);
    draft.client(ms(200), &[b], "k", 1, true, THINK);
    draft.crash(ms(590), a, DiskLoss::All, Until::After(ms(40)));
    // when it is in sync again, it gets more appends, and then it is the next primary
    let back = Draft::view(move |view| view.primary == b && view.in_sync.contains(&a));
    draft.client(back.clone().after(ms(20)), &[b], "k", 2, true, THINK);
    draft.promote(back.after(ms(150)), a);
    draft.goals.rejoins = Some(PING * 20);
    draft.finish(ms(700))
}

/// A newcomer is asked in, and what the service says about that is late.
pub(super) fn grow_counts(pick: &mut Pick, nth: u32) -> Case {
    match nth % 6 {
        0 => added_and_promoted(pick, sync(0), false),
        1 => added_and_promoted(pick, Acks::Async, false),
        2 => first_of_two_wishes(pick),
        3 => added_and_promoted(pick, sync(0), true),
        4 => added_and_promoted(pick, Acks::Async, true),
        _ => told_and_forgotten(pick, sync(nth / 6 % 2)),
    }
}
/// (a) The service adds a backup and makes it the primary in the same moment; its answer is late. (c) The old primary restarts meanwhile.
fn added_and_promoted(pick: &mut Pick, acks: Acks, restarts: bool) -> Case {
    let n = pick.small(2..=3);
    let mut draft = Draft::new(pick, n, acks, &[]);
    let all = draft.all();
    let a = all[0];
    let others = draft.but(a);
    for at in [5, 10] {
        draft.patient(ms(at), a, "k");
    }
    draft.order(Moment::Added(1), Whom::TheOne);
    let asks = Draft::asks(a, |in_sync| !in_sync.is_empty());
    let lasts = Until::After(ms(500));
    draft.hold(asks.clone(), SERVICE, a, Carried::Answer, None, lasts.clone());
    draft.cut(asks.clone(), &[a], &others, lasts.clone());
    draft.cut(asks.clone(), &others, &[a], lasts);
    if restarts {
        draft.crash(asks.clone().after(ms(10)), a, DiskLoss::All, Until::After(ms(10)));
    }
    let first = if restarts { ms(30) } else { ms(1) };
    for _ in 0..2 {
        let after = first + pick.micros(0..=40_000);
        draft.patient(asks.clone().after(after), a, "k");
    }
    if acks == Acks::Async {
        // what was appended before is called safe by the time of this one
        draft.patient(asks.after(first + ms(60)), a, "k");
    }
    draft.finish(ms(1_000))
}
/// (b) The primary asks one backup in, and that call is late. Pings are answered with the old view, the first backup hears nothing more, and
/// another one catches up. Then the call arrives, and the first backup is made the primary.
fn first_of_two_wishes(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 3, sync(0), &[]);
    let all = draft.all();
    let (a, b, c) = (all[0], all[1], all[2]);
    draft.stage.links.push(LinkRule { from: Some(a), to: Some(SERVICE), link: Link::fixed(ms(2)) });
    for at in [5, 10] {
        draft.patient(ms(at), a, "k");
    }
    draft.order(Moment::Added(1), Whom::Node(b));
    let asks = Draft::asks(a, |in_sync| !in_sync.is_empty());
    let is_change = Matcher::typed(|call: &Call| matches!(call, Call::InSync { .. }));
    draft.hold(asks.clone(), a, SERVICE, Carried::Call, Some(is_change), Until::After(ms(400)));
    // answers to earlier pings are late, too: they arrive after the call was made
    draft.cut(ms(0), &[a], &[b], Until::After(ms(120)));
    let heard = Until::Trigger(Trigger::Began { client: world::ClientId(700), operation: OperationId(1) });
    draft.hold(ms(0), SERVICE, a, Carried::Answer, None, heard);
    draft.stage.ask_by(700, asks.clone().after(ms(5)), c, Request::Audit);
    draft.cut(asks.clone(), &[a], &[b], Until::Calm);
    draft.cut(asks.clone(), &[b], &[a], Until::Calm);
    // until the call is made, the other backup has heard nothing
    let caught_up =
        Until::Trigger(Trigger::Began { client: world::ClientId(701), operation: OperationId(1) });
    draft.cut(ms(0), &[a], &[c], caught_up);
    draft.stage.ask_by(701, asks.clone().after(ms(10)), c, Request::Audit);
    // one append while the first wish is under way, and two when there may be another one
    draft.patient(asks.clone().after(ms(20)), a, "k");
    for _ in 0..2 {
        let after = ms(290) + pick.micros(0..=60_000);
        draft.patient(asks.clone().after(after), a, "k");
    }
    draft.finish(ms(1_200))
}
/// (d) A backup was added, and the primary was told. Then the primary restarts and cannot reach the service, and that backup hears nothing
/// more. It is made the primary.
fn told_and_forgotten(pick: &mut Pick, acks: Acks) -> Case {
    let mut draft = Draft::new(pick, 3, acks, &[1]);
    let all = draft.all();
    let (a, c) = (all[0], all[2]);
    for at in [5, 10] {
        draft.patient(ms(at), a, "k");
    }
    let told = Draft::hears(a, move |view| view.in_sync.contains(&c));
    draft.cut_off_from_service(told.clone().after(ms(20)), a, Until::After(ms(600)));
    draft.cut(told.clone().after(ms(20)), &[a], &[c], Until::After(ms(600)));
    draft.cut(told.clone().after(ms(20)), &[c], &[a], Until::After(ms(600)));
    draft.crash(told.clone().after(ms(30)), a, DiskLoss::All, Until::After(ms(10)));
    for _ in 0..2 {
        let after = ms(60) + pick.micros(0..=40_000);
        draft.patient(told.clone().after(after), a, "k");
    }
    draft.promote(told.after(ms(200)), c);
    draft.finish(ms(1_000))
}

/// An old primary that nobody has told.
pub(super) fn split_brain(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 4][nth as usize % 2];
    let mut draft = Draft::new(pick, n, sync(nth / 2 % 2), &backups(n));
    let all = draft.all();
    let (a, b) = (all[0], all[1]);
    draft.client(ms(5), &[a], "k", 2, false, THINK);
    let (from, lasts) = (ms(100), Until::After(ms(900)));
    match nth / 4 % 4 {
        0 => draft.cut_off_from_service(from, a, lasts),
        1 => _ = draft.harm(from, Harm::Isolate { node: Who::Node(a) }, lasts),
        2 => {
            // what it sends still arrives, and what the others send does not
            let others = draft.but(a);
            draft.cut_off_from_service(from, a, lasts.clone());
            draft.cut(from, &others, &[a], lasts);
        }
        _ => _ = draft.harm(from, Harm::Pause { node: Who::Node(a) }, Until::After(pick.millis(200..=600))),
    }
    draft.promote(from + pick.millis(1..=20), b);
    // the new primary and the old one are asked all the time
    let others = draft.but(a);
    for (key, think) in [("k", 7), ("l", 13)] {
        draft.client(ms(110), &others, key, 6, true, ms(think));
    }
    for place in 0..12_u64 {
        let at = ms(125) + ms(60) * u32::try_from(place).expect("a few") + pick.micros(0..=9_000);
        draft.reads(at, a, if place % 2 == 0 { "k" } else { "l" });
        if place % 3 == 0 {
            draft.patient(at + ms(3), a, "k");
        }
    }
    draft.finish(ms(1_300))
}

/// A newcomer, or a node with another history, is given the state, and is made the primary as soon as it is in sync.
pub(super) fn transfer(pick: &mut Pick, nth: u32) -> Case {
    match nth % 4 {
        0 => newcomer(pick, nth / 4),
        1 => in_sync_replaced(pick, nth / 4),
        2 => diverged(pick, nth / 4),
        _ if nth % 8 == 3 => told_of_the_view(pick, nth / 8),
        _ => newcomer(pick, nth / 4 + 1),
    }
}
/// Clients whose appends were acknowledged ask for them once more.
fn retries(draft: &mut Draft, when: &Sight, to: &[NodeId], asked: &[Request]) {
    // those that nobody asks for again must be there, too
    for request in asked.iter().step_by(2) {
        let id = 600 + draft.clients;
        draft.clients += 1;
        draft.tireless(id, when.clone().after(ms(5)), to, std::slice::from_ref(request), THINK);
    }
}
/// So many clients append once each. Returns what they asked.
fn appended(draft: &mut Draft, at: Duration, to: NodeId, many: u32) -> Vec<Request> {
    let mut asked = Vec::new();
    for place in 0..many {
        draft.clients += 1;
        let id = draft.clients;
        let request = draft.append(id, 1, if place % 3 == 2 { "l" } else { "k" });
        draft.tireless(id, at + ms(2) * place, &[to], std::slice::from_ref(&request), THINK);
        asked.push(request);
    }
    asked
}
/// A backup that has missed everything is promoted in the moment in which it is added.
fn newcomer(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, 3, sync(nth % 2), &[1]);
    let all = draft.all();
    let (a, b, c) = (all[0], all[1], all[2]);
    draft.cut(ms(0), &[a, b], &[c], Until::After(ms(150)));
    let asked = appended(&mut draft, ms(5), a, 5);
    draft.order(Moment::Added(1), Whom::Node(c));
    // what the newcomer gets is slow; or appends go on meanwhile
    let is_slow = pick.percent(40);
    let slow =
        if is_slow { Link::between(ms(150), ms(400)) } else { Link::between(ms(1), ms(pick.number(3..=60))) };
    if !is_slow {
        draft.client(ms(40), &all, "k", 15, false, ms(20));
    }
    draft.stage.links.push(LinkRule { from: Some(a), to: Some(c), link: slow });
    let added = Draft::failover();
    retries(&mut draft, &added, &[c, a, b], &asked);
    if nth % 3 == 1 {
        draft.crash(added.clone().after(pick.micros(0..=20_000)), c, DiskLoss::Drawn, Until::After(ms(15)));
    }
    if nth % 3 == 2 {
        draft.crash(added.after(pick.micros(0..=20_000)), a, DiskLoss::Drawn, Until::Calm);
    }
    draft.finish(ms(1_200))
}
/// A failover between two appends; the other backup, in sync, crashes while the new primary makes it equal to itself. It is the next primary.
fn in_sync_replaced(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, 3, sync(1), &[1, 2]);
    let all = draft.all();
    let (a, b, c) = (all[0], all[1], all[2]);
    let asked = appended(&mut draft, ms(5), a, 4);
    // the last entries reach one backup only, or none
    draft.cut(ms(30), &[a], &[b, c], Until::Calm);
    draft.patient(ms(31), a, "k");
    let over = ms(40);
    draft.crash(over, a, DiskLoss::Drawn, Until::Calm);
    draft.promote(over, b);
    let effect = u64::from(14 + nth % 40);
    let crash = When::on(Trigger::Effect { node: c, nth: effect });
    draft.crash(
        crash.clone(),
        c,
        *pick.one(&[DiskLoss::Drawn, DiskLoss::Nothing, DiskLoss::All]),
        Until::After(ms(20)),
    );
    if pick.percent(85) {
        draft.crash(crash.clone(), b, DiskLoss::Drawn, Until::Calm);
    }
    draft.promote(crash, c);
    let led = Draft::failover().nth(2);
    retries(&mut draft, &led, &[c, b], &asked);
    draft.finish(ms(1_200))
}
/// The old primary comes back with entries that nobody else has, and is promoted in the moment in which it is added.
fn diverged(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, 3, sync(nth % 2), &[1, 2]);
    let all = draft.all();
    let (a, b, c) = (all[0], all[1], all[2]);
    let mut asked = appended(&mut draft, ms(5), a, 3);
    draft.harm(ms(30), Harm::Isolate { node: Who::Node(a) }, Until::After(ms(150)));
    // these are asked for again, of the new primary
    for at in 31..=33 {
        draft.client(ms(at), &[a, b, c], "k", 1, false, THINK);
    }
    draft.promote(ms(40), b);
    draft.order(Moment::Added(1), Whom::Node(a));
    asked.extend(appended(&mut draft, ms(50), b, pick.small(1..=4)));
    let again = Draft::failover().nth(2);
    if nth % 2 == 1 {
        let effect = u64::from(45 + nth / 2 % 40);
        draft.crash(
            When::on(Trigger::Effect { node: a, nth: effect }),
            a,
            DiskLoss::Drawn,
            Until::After(ms(30)),
        );
    }
    if pick.percent(30) {
        draft.crash(again.clone().after(pick.micros(0..=5_000)), b, DiskLoss::Drawn, Until::Calm);
    }
    retries(&mut draft, &again, &[a, c], &asked);
    draft.finish(ms(1_200))
}

/// The old primary has entries that nobody else has, hears of the new view, and restarts before it hears of the new primary.
fn told_of_the_view(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, 3, sync(nth % 2), &[1, 2]);
    let all = draft.all();
    let (a, b, c) = (all[0], all[1], all[2]);
    let mut asked = appended(&mut draft, ms(5), a, 2);
    let others = [b, c];
    draft.cut(ms(30), &[a], &others, Until::After(ms(150)));
    draft.cut(ms(30), &others, &[a], Until::After(ms(150)));
    for at in 31..=34 {
        draft.patient(ms(at), a, "k");
    }
    draft.promote(ms(40), b);
    draft.order(Moment::Added(1), Whom::Node(a));
    asked.extend(appended(&mut draft, ms(60), b, pick.small(2..=4)));
    let told = Draft::hears(a, move |view| view.primary == b);
    draft.crash(told.after(ms(10)), a, DiskLoss::All, Until::After(ms(10)));
    retries(&mut draft, &Draft::failover().nth(2), &[a, c], &asked);
    draft.finish(ms(1_000))
}

/// Something of an older epoch, or an old view, arrives late.
pub(super) fn old_epoch(pick: &mut Pick, nth: u32) -> Case {
    match nth % 4 {
        0 => old_acknowledgement(pick),
        1 => old_entries(pick),
        2 => old_view(pick),
        _ => old_backup(pick),
    }
}
/// (a) A backup's acknowledgements of an epoch arrive when the same node leads again, with other appends at these positions.
fn old_acknowledgement(pick: &mut Pick) -> Case {
    let least = pick.small(0..=1);
    let mut draft = Draft::new(pick, 3, sync(least), &[1, 2]);
    let all = draft.all();
    let (a, b, c) = (all[0], all[1], all[2]);
    draft.patient(ms(5), a, "k");
    // b gets the next appends, and c does not; what b answers is late
    draft.cut(ms(40), &[a], &[c], Until::After(ms(110)));
    let late = Until::Trigger(Trigger::Began { client: world::ClientId(700), operation: OperationId(1) });
    draft.hold(ms(40), b, a, Carried::Message, None, late);
    for at in 45..=47 {
        draft.patient(ms(at), a, "k");
    }
    draft.promote(ms(60), c);
    // c leads, and makes the others equal to itself; then a leads again
    let added = Draft::view(move |view| view.primary == c && view.in_sync.contains(&a));
    draft.promote(added.after(ms(30)), a);
    let leads = Draft::hears(a, move |view| view.primary == a && view.epoch > 1);
    draft.cut(leads.clone(), &[a], &[b], Until::After(ms(250)));
    for after in 10..=12 {
        draft.patient(leads.clone().after(ms(after)), a, "l");
    }
    draft.stage.ask_by(700, leads.clone().after(ms(40)), c, Request::Audit);
    draft.promote(leads.after(ms(100)), b);
    draft.finish(ms(1_500))
}
/// (b) A node acknowledges alone in a new epoch, and restarts. The old primary has not heard of the new view, and sends on.
fn old_entries(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 2, sync(0), &[1]);
    let all = draft.all();
    let (a, b) = (all[0], all[1]);
    draft.patient(ms(5), a, "k");
    draft.cut_off_from_service(ms(40), a, Until::After(ms(400)));
    // a's entries wait on their way until b has restarted
    draft.hold(
        ms(40),
        a,
        b,
        Carried::Message,
        None,
        Until::Trigger(Sight::of(SeenKind::Started).at(b).into()),
    );
    draft.cut(ms(40), &[b], &[a], Until::Trigger(Sight::of(SeenKind::Started).at(b).into()));
    draft.patient(ms(45), a, "k");
    draft.promote(ms(50), b);
    let leads = Draft::hears(b, move |view| view.primary == b);
    draft.client(leads.clone().after(ms(2)), &[b], "k", 1, true, ms(1));
    draft.crash(leads.after(ms(30)), b, DiskLoss::All, Until::After(ms(10)));
    draft.reads(ms(300), a, "k");
    draft.client(ms(350), &all, "k", 1, true, THINK);
    draft.finish(ms(600))
}
/// (c) An answer with a smaller set arrives when the set has grown again, and the backup that it lacks hears nothing more.
fn old_view(pick: &mut Pick) -> Case {
    let least = pick.small(0..=1);
    let mut draft = Draft::new(pick, 3, sync(least), &[1, 2]);
    let all = draft.all();
    let (a, b) = (all[0], all[1]);
    draft.patient(ms(5), a, "k");
    draft.cut(ms(30), &[a], &[b], Until::Trigger(Draft::view(move |view| !view.in_sync.contains(&b)).into()));
    let smaller = Matcher::typed(move |Answer::View(view): &Answer| !view.in_sync.contains(&b));
    let late = Until::Trigger(Trigger::Began { client: world::ClientId(700), operation: OperationId(1) });
    let hold = Harm::Hold {
        from: Some(SERVICE),
        to: Some(a),
        nth: Some(1),
        matches: Some(smaller),
        what: Some(Carried::Answer),
    };
    draft.harm(ms(0), hold, late);
    draft.patient(ms(40), a, "k");
    let grown = Draft::hears(a, move |view| view.number > 2 && view.in_sync.contains(&b));
    draft.cut(grown.clone().after(ms(10)), &[a], &[b], Until::After(ms(400)));
    draft.patient(grown.clone().after(ms(15)), a, "k");
    draft.patient(grown.clone().after(ms(40)), a, "k");
    draft.stage.ask_by(700, grown.clone().after(ms(30)), all[2], Request::Audit);
    draft.promote(grown.after(ms(100)), b);
    draft.finish(ms(1_600))
}
/// (b), with a backup: it has the state of a new epoch, and restarts. The old primary sends on, and the new one is gone.
fn old_backup(pick: &mut Pick) -> Case {
    let least = pick.small(0..=1);
    let mut draft = Draft::new(pick, 3, sync(least), &[1, 2]);
    let all = draft.all();
    let (a, b, c) = (all[0], all[1], all[2]);
    draft.patient(ms(5), a, "k");
    draft.cut_off_from_service(ms(40), a, Until::After(ms(700)));
    draft.cut(ms(40), &[a], &[b, c], Until::Trigger(Sight::of(SeenKind::Started).at(b).into()));
    draft.cut(ms(40), &[b, c], &[a], Until::Trigger(Sight::of(SeenKind::Started).at(b).into()));
    // the old primary has two appends more, and the second one is retried at the new primary
    draft.patient(ms(45), a, "k");
    draft.clients += 1;
    let id = draft.clients;
    let request = draft.append(id, 1, "k");
    draft.tireless(id, ms(47), &[a, c, b], &[request], ms(200));
    draft.promote(ms(60), c);
    let has = Draft::view(|view| view.epoch > 1).after(ms(450));
    draft.crash(has.clone(), c, DiskLoss::Drawn, Until::Calm);
    draft.crash(has.clone(), b, DiskLoss::All, Until::After(ms(10)));
    draft.promote(has.after(ms(570)), b);
    draft.finish(ms(1_400))
}

/// The next primary lags behind, or is asked in, while the primary calls appends safe.
pub(super) fn async_loss(pick: &mut Pick, nth: u32) -> Case {
    match nth % 3 {
        0 => held_entries(pick, 3),
        1 => held_entries(pick, 2),
        _ => added_and_promoted(pick, Acks::Async, nth.is_multiple_of(2)),
    }
}
/// What one backup is sent is late, and it is made the primary.
fn held_entries(pick: &mut Pick, n: u32) -> Case {
    let mut draft = Draft::new(pick, n, Acks::Async, &backups(n));
    let all = draft.all();
    let (a, b) = (all[0], all[1]);
    draft.client(ms(5), &[a], "k", 20, false, ms(5));
    draft.client(ms(7), &[a], "l", 10, false, ms(9));
    let from = pick.millis(20..=60);
    draft.hold(from, a, b, Carried::Message, None, Until::After(ms(100)));
    let over = from + pick.millis(10..=90);
    draft.promote(over, b);
    match pick.small(0..=2) {
        0 => _ = draft.crash(over, a, DiskLoss::Drawn, Until::Calm),
        1 => draft.cut_off_from_service(over, a, Until::After(ms(200))),
        _ => {}
    }
    draft.client(over + ms(120), &all, "k", 3, false, ms(5));
    draft.finish(ms(1_000))
}

/// Backups leave until too few are left. All nodes crash when an append is acknowledged, and each is asked alone what it has; or the
/// backups come back, and what waited is acknowledged.
pub(super) fn min(pick: &mut Pick, nth: u32) -> Case {
    let least = nth / 2 % 2 + 1;
    let n = least + pick.small(1..=2);
    let mut draft = Draft::new(pick, n, sync(least), &backups(n));
    let all = draft.all();
    let a = all[0];
    let comes_back = nth % 2 == 1;
    let back = ms(1_600);
    let late = pick.percent(40);
    for (place, node) in (0..).zip(draft.but(a)) {
        // the last one stays, if two are asked for: one of them is not enough
        if place + 1 < n - 1 || least == 1 || pick.percent(50) {
            let gone =
                ms(40) + pick.millis(0..=10) + if late { ms(450) * (place % 2) } else { Duration::ZERO };
            let until = Until::After(if comes_back { back - gone } else { ms(1_500) - gone });
            draft.crash(gone, node, DiskLoss::Drawn, until);
        }
    }
    if comes_back {
        for at in [5, 60, 300, 1_100, 1_101] {
            draft.patient(ms(at), a, "k");
        }
        draft.reads(ms(1_102), a, "k");
        // until all of them are answered, nobody asks for anything else
        draft.goals.answered = Some(PING * 30);
        return draft.finish_after(back, PING * 31);
    }
    for at in [5, 20] {
        draft.patient(ms(at), a, "k");
    }
    for (key, think) in [("k", 60), ("l", 110)] {
        draft.client(ms(60), &[a], key, 12, false, ms(think));
    }
    let told = see::answers::<PrimaryBackup>(|response| matches!(response, Response::Appended { .. }));
    let told = told.nth(pick.small(2..=6));
    for (place, node) in (0..).zip(&all) {
        draft.crash(told.clone(), *node, DiskLoss::All, Until::After(ms(5))).after_calm = true;
        draft.harm(told.clone(), Harm::Isolate { node: Who::Node(*node) }, Until::Never).after_calm = true;
        draft.stage.ask_by(OPERATORS + place, ms(1_600), *node, Request::Audit);
    }
    draft.goals.copies = Some(least as usize + 1);
    draft.stage.end = ms(1_700);
    draft.judge()
}

/// Everything at random.
pub(super) fn survives(pick: &mut Pick, nth: u32) -> Case {
    match nth % 3 {
        0 => crash_and_promote(pick, nth / 3),
        1 => shown_and_promoted(pick, nth / 3),
        _ => swarm(pick),
    }
}
/// The primary crashes after one of its effects, and a backup is made the primary in that moment.
fn crash_and_promote(pick: &mut Pick, nth: u32) -> Case {
    let n = 3 + nth % 2;
    let mut draft = Draft::new(pick, n, sync(nth % 3 % 2), &backups(n));
    let all = draft.all();
    let (a, b) = (all[0], all[1]);
    draft.client(ms(3), &all, "k", 5, true, ms(2));
    draft.client(ms(4), &all, "l", 5, false, ms(3));
    draft.client(ms(5), &all, "k", 4, false, ms(1));
    let effect = When::on(Trigger::Effect { node: a, nth: u64::from(4 + nth * 3 % 120) });
    let until = if pick.percent(50) { Until::Calm } else { Until::After(ms(20)) };
    draft.crash(effect.clone(), a, *pick.one(&[DiskLoss::Drawn, DiskLoss::All, DiskLoss::Nothing]), until);
    draft.promote(effect, b);
    draft.finish(ms(700))
}
/// A read shows an append that is not acknowledged yet. The primary crashes at its answer, and a backup that lacks the append is made the
/// primary.
fn shown_and_promoted(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, 3, sync(nth % 2), &[1, 2]);
    let all = draft.all();
    let (a, b) = (all[0], all[1]);
    draft.patient(ms(5), a, "k");
    let to: &[NodeId] = if pick.percent(60) { &all[1..2] } else { &all[1..] };
    let read_first = nth / 2 % 3 == 2;
    if read_first {
        // the entries of the read arrive, and those of an append right after it do not
        draft.reads(ms(20), a, "k");
    }
    for to in to {
        draft.hold(ms(20) + us(400), a, *to, Carried::Message, None, Until::After(ms(200)));
    }
    draft.patient(ms(20) + us(450), a, "k");
    for place in 0..6 {
        draft.reads(ms(24) + ms(9) * place, a, "k");
    }
    let shown = see::answers::<PrimaryBackup>(|response| matches!(response, Response::Values(_)))
        .at(a)
        .nth(if read_first { 1 } else { nth / 6 % 3 + 1 });
    draft.crash(shown.clone(), a, DiskLoss::All, Until::Calm);
    draft.promote(shown, b);
    draft.finish(ms(500))
}
fn swarm(pick: &mut Pick) -> Case {
    let n = pick.small(3..=5);
    let acks = *pick.one(&[sync(0), sync(1), sync(1), sync(2)]);
    let mut draft = Draft::new(pick, n, acks, &backups(n));
    draft.dead_after = Some(DEAD_AFTER);
    let all = draft.all();
    let tail = Tail { chance: Chance::percent(pick.small(1..=15)), max: ms(400) };
    draft.stage.network = Link {
        latency: Latency { min: ms(1), max: ms(3), tail: pick.percent(60).then_some(tail) },
        loss: Chance::percent(pick.small(0..=20)),
        duplication: Chance::percent(pick.small(0..=20)),
        ..draft.stage.network
    };
    for key in ["k", "l"] {
        let mut to = all.clone();
        for _ in 0..2 {
            pick.shuffle(&mut to);
            let (appends, think) = (pick.small(8..=20), pick.millis(5..=60));
            draft.client(pick.millis(3..=30), &to, key, appends, pick.percent(60), think);
        }
    }
    let chaos = 2_500;
    for _ in 0..pick.small(3..=9) {
        let node = *pick.one(&all);
        let (at, lasts) = (pick.millis(50..=chaos - 300), Until::After(pick.millis(20..=900)));
        let who = Who::Node(node);
        match pick.small(0..=6) {
            0 | 1 => _ = draft.crash(at, node, DiskLoss::Drawn, lasts),
            2 => _ = draft.harm(at, Harm::Isolate { node: who }, lasts),
            3 => _ = draft.harm(at, Harm::Pause { node: who }, lasts),
            4 => {
                let to = *pick.one(&draft.but(node));
                draft.cut(at, &[node], &[to], lasts);
            }
            5 => draft.cut_off_from_service(at, node, lasts),
            _ => draft.promote(at, node),
        }
    }
    draft.finish(ms(chaos))
}
