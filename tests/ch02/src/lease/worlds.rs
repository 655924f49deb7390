//! `lease`: the runs. One lock service, one storage, one to four clients, and clocks that lie.
//!
//! Every run ends in the same way: nothing goes wrong any more, and every client that lives is asked for one write more.

use super::oracle::{Goals, House, LOST_MAX};
use judge::{Case, Pick};
use kit::see::{self, Sight};
use kit::{Stage, clocks, ms};
use lab::NodeId;
use lab::lease::{
    Client, ClientConfig, ClientEvent, LockConfig, LockEvent, LockService, Request, Response, Storage,
};
use std::collections::BTreeSet;
use std::time::Duration;
use world::{
    Carried, Chance, DiskLoss, Harm, Latency, Link, Matcher, NodeSpec, Operation, SeenKind, Tail, Trigger,
    Until, When, Who,
};

/// By how much a stopwatch may be wrong, in millionths.
const DRIFT_PPM: u32 = 10_000;
/// How long a node that crashed is down.
const DOWN: Duration = ms(5);
/// The clients that ask for the last writes have numbers from here on.
const LAST_CLIENTS: u32 = 100;

/// A run that is being made.
struct Draft {
    stage: Stage<Client>,
    retry: Duration,
    ttl: Duration,
    lock: NodeId,
    storage: NodeId,
    clients: Vec<NodeId>,
    dead: BTreeSet<NodeId>,
    values: u64,
    delay: Duration,
    goals: Goals,
}

impl Draft {
    /// So many clients, with names that tell nothing, on a clean network.
    fn new(pick: &mut Pick, clients: u32) -> Draft {
        let mut names: Vec<NodeId> = (1..=7).map(NodeId).collect();
        pick.shuffle(&mut names);
        let (lock, storage) = (names[0], names[1]);
        let clients = names[2..2 + clients as usize].to_vec();
        let retry = ms(*pick.one(&[50, 60, 80]));
        let ttl = retry * 8;
        let for_lock = LockConfig { ttl, drift_ppm: DRIFT_PPM };
        let for_clients = ClientConfig { lock, storage, ttl, retry, drift_ppm: DRIFT_PPM };
        let mut nodes = vec![
            NodeSpec::guest::<LockService>(lock, &for_lock).named("lock"),
            NodeSpec::guest::<Storage>(storage, &()).named("storage"),
        ];
        nodes.extend(clients.iter().map(|id| NodeSpec::guest::<Client>(*id, &for_clients).named("client")));
        nodes.sort_by_key(|node| node.id);
        for node in &mut nodes {
            clocks::wrong(pick, node);
        }
        let ids: Vec<NodeId> = nodes.iter().map(|node| node.id).collect();
        let delay = ms(pick.number(1..=3));
        let mut stage = Stage::with(nodes, Duration::ZERO);
        stage.network = Link { fifo: pick.percent(50), ..Link::between(ms(1), delay) };
        for node in ids {
            clocks::unsteady(pick, &mut stage, node);
        }
        let turn = ttl * 6 + retry * 10;
        let goals = Goals { turn, ttl, ..Goals::default() };
        let (dead, values) = (BTreeSet::new(), 10);
        Draft { stage, retry, ttl, lock, storage, clients, dead, values, delay, goals }
    }
    /// A length of time in leases.
    fn ttls(&self, n: u32) -> Duration {
        self.ttl * n
    }
    /// So many hundredths of a lease.
    fn of_ttl(&self, percent: u32) -> Duration {
        self.ttl * percent / 100
    }
    /// The client is asked to write a value like no other.
    fn write(&mut self, when: impl Into<When>, client: NodeId) {
        self.values += 1;
        let request = Request::Write { value: self.values };
        self.stage.ask(when, client, request);
    }
    fn harm(&mut self, when: impl Into<When>, harm: Harm, until: Until) {
        self.stage.harm(when, harm, until);
    }

    // sights

    /// The lock service grants the client a lease.
    fn granted(&self, client: NodeId) -> Sight {
        see::emits::<LockService>(move |LockEvent::Granted { to, .. }| *to == client).at(self.lock)
    }
    /// The client begins to hold a lease.
    fn holds(client: NodeId) -> Sight {
        see::emits::<Client>(|event| matches!(event, ClientEvent::Holds { .. })).at(client)
    }
    /// A write of the client is accepted, and it has heard so.
    fn written(client: NodeId) -> Sight {
        see::answers::<Client>(|response| *response == Response::Written).at(client)
    }

    // harms

    /// Messages of one node to another are lost.
    fn cut(&mut self, when: impl Into<When>, from: NodeId, to: NodeId, until: Until) {
        self.harm(when, Harm::Cut { from: vec![from], to: vec![to] }, until);
    }
    /// Messages of one node to another are held back; only the `nth`, if there is one.
    fn hold(&mut self, when: impl Into<When>, from: NodeId, to: NodeId, nth: Option<u32>, until: Until) {
        let what = Some(Carried::Message);
        self.harm(when, Harm::Hold { from: Some(from), to: Some(to), nth, matches: None, what }, until);
    }
    fn crash(&mut self, when: impl Into<When>, node: NodeId, disk: DiskLoss) {
        self.harm(when, Harm::Crash { node: Who::Node(node), disk }, Until::After(DOWN));
    }
    fn crash_at(&mut self, node: NodeId, nth: u32, disk: DiskLoss) {
        self.crash(When::on(Trigger::Effect { node, nth: nth.into() }), node, disk);
    }
    fn pause(&mut self, when: impl Into<When>, node: NodeId, lasts: Duration) {
        self.harm(when, Harm::Pause { node: Who::Node(node) }, Until::After(lasts));
    }
    /// Messages are lost, doubled and overtaken so often, and late by so much.
    fn rough(&mut self, loss: u32, duplication: u32, late: u32, latest: Duration) {
        let Latency { min, max, .. } = self.stage.network.latency;
        let tail = (late > 0).then_some(Tail { chance: Chance::percent(late), max: max + latest });
        self.stage.network = Link {
            latency: Latency { min, max, tail },
            loss: Chance::percent(loss),
            duplication: Chance::percent(duplication),
            fifo: false,
            ..self.stage.network
        };
    }
    /// The end of every run.
    fn calm(mut self, pick: &mut Pick, at: Duration) -> Case {
        self.stage.calm = Some((at, Link::between(ms(1), self.delay)));
        let living: Vec<NodeId> = self.clients.iter().filter(|id| !self.dead.contains(id)).copied().collect();
        for client in &living {
            self.values += 1;
            let request = Request::Write { value: self.values };
            let when = at + pick.micros(1_000..=20_000);
            let asking = self.stage.client(LAST_CLIENTS + client.0);
            (asking.think, asking.attempts) = (ms(5), LOST_MAX + 1);
            asking.accepts = Some(Matcher::typed(|response: &Response| *response == Response::Written));
            asking.operations = vec![Operation::at::<Client>(1, when, *client, &request)];
        }
        let turns = u32::try_from(living.len()).expect("a few") + 1;
        self.stage.end = at + self.goals.turn * turns;
        self.stage.judged_by(House::new(self.goals))
    }
}

/// Nothing goes wrong. Clients are asked at once, or two of them at different times.
pub(super) fn writes(pick: &mut Pick, nth: u32) -> Case {
    let clients = nth % 4 + 1;
    let mut draft = Draft::new(pick, clients);
    let within = draft.ttls(3 * (clients + 1));
    draft.goals.written_within = Some(within);
    let apart = clients <= 2 && nth % 8 >= 4;
    for client in draft.clients.clone() {
        let first = pick.micros(5_000..=25_000);
        let second = draft.of_ttl(pick.small(5..=300));
        for place in 0..pick.small(1..=3) {
            let at = if apart && place > 0 { second } else { first };
            draft.write(at + ms(1) * place, client);
        }
    }
    // a client may be asked while it holds its lease
    let asked_again = draft.clients[0];
    if nth % 2 == 1 {
        draft.write(Draft::holds(asked_again).after(kit::us(500)), asked_again);
    }
    let at = draft.ttls(3) + within;
    draft.calm(pick, at)
}

/// One client's writes arrive late, or the client itself does, while another client has the lease.
pub(super) fn fence(pick: &mut Pick, nth: u32) -> Case {
    match nth % 6 {
        0 => held_writes(pick, false),
        1 => held_writes(pick, true),
        2 => paused_between(pick),
        3 => paused_before(pick),
        4 => generations(pick),
        _ => swarm(pick, 4, true),
    }
}
/// What the first client sends to the storage is held back until the second one has written.
fn held_writes(pick: &mut Pick, restart: bool) -> Case {
    let clients = pick.small(2..=3);
    let mut draft = Draft::new(pick, clients);
    let (a, b) = (draft.clients[0], draft.clients[1]);
    let (lock, storage) = (draft.lock, draft.storage);
    draft.write(ms(5), a);
    draft.write(ms(6), a);
    let granted = draft.granted(a);
    let late = if restart { Sight::of(SeenKind::Started).at(storage) } else { Draft::written(b) };
    draft.hold(granted.clone(), a, storage, None, Until::Trigger(late.into()));
    draft.cut(granted.clone().after(ms(15)), a, lock, Until::Trigger(Draft::written(b).into()));
    draft.write(granted.after(pick.millis(5..=50)), b);
    // the first client waits for its next lease when it hears that it lost the one before
    draft.write(Draft::written(b).after(kit::us(100)), a);
    draft.cut(Draft::written(b), a, lock, Until::After(ms(15)));
    if restart {
        draft.crash(Draft::written(b), storage, *pick.one(&[DiskLoss::All, DiskLoss::Drawn]));
    }
    let at = draft.ttls(4);
    draft.calm(pick, at)
}
/// The first client is paused after it has begun to rely on its lease, before it writes.
fn paused_between(pick: &mut Pick) -> Case {
    let clients = pick.small(2..=3);
    let mut draft = Draft::new(pick, clients);
    let (a, b) = (draft.clients[0], draft.clients[1]);
    draft.write(ms(5), a);
    draft.write(ms(6), a);
    let lasts = draft.of_ttl(pick.small(200..=400));
    draft.pause(Draft::holds(a), a, lasts);
    draft.write(Draft::holds(a).after(pick.millis(5..=50)), b);
    let at = draft.ttls(6);
    draft.calm(pick, at)
}
/// The first client is paused while it holds its lease, and is asked for another write meanwhile.
fn paused_before(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 2);
    let (a, b, storage) = (draft.clients[0], draft.clients[1], draft.storage);
    draft.write(ms(5), a);
    draft.hold(Draft::holds(a), storage, a, None, Until::After(draft.ttls(2)));
    let lasts = draft.of_ttl(pick.small(200..=400));
    draft.pause(Draft::holds(a).after(ms(10)), a, lasts);
    draft.write(Draft::holds(a).after(ms(20)), a);
    draft.write(Draft::holds(a).after(ms(30)), b);
    let at = draft.ttls(6);
    draft.calm(pick, at)
}
/// The writes of two clients are late, and arrive in the order opposite to that of their leases.
fn generations(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 3);
    let (a, b, c) = (draft.clients[0], draft.clients[1], draft.clients[2]);
    let (lock, storage) = (draft.lock, draft.storage);
    draft.write(ms(5), a);
    draft.write(draft.granted(a).after(ms(5)), b);
    draft.write(draft.granted(b).after(ms(5)), c);
    for client in [a, b] {
        let granted = draft.granted(client);
        draft.cut(granted, client, lock, Until::Trigger(Draft::written(c).into()));
    }
    let of_b = Sight::of(SeenKind::Delivered).at(storage).with(b);
    draft.hold(draft.granted(a), a, storage, None, Until::Trigger(of_b.into()));
    draft.hold(draft.granted(b), b, storage, None, Until::Trigger(Draft::written(c).into()));
    let at = draft.ttls(5);
    draft.calm(pick, at)
}
/// Many clients, a rough network, crashes of the lock service and of the storage; and pauses, if wanted.
fn swarm(pick: &mut Pick, writes: u32, pauses: bool) -> Case {
    let clients = pick.small(2..=4);
    let mut draft = Draft::new(pick, clients);
    let long = draft.of_ttl(*pick.one(&[10, 100, 200]));
    draft.rough(*pick.one(&[0, 10, 20]), *pick.one(&[0, 30, 60]), *pick.one(&[0, 20, 50]), long);
    for client in draft.clients.clone() {
        for _ in 0..pick.small(1..=writes) {
            let at = ms(5) + draft.of_ttl(pick.small(0..=300));
            draft.write(at, client);
        }
        if pauses && pick.percent(40) {
            let lasts = draft.of_ttl(pick.small(50..=300));
            draft.pause(Draft::holds(client).nth(pick.small(1..=3)), client, lasts);
        }
    }
    for node in [draft.lock, draft.storage] {
        if pick.percent(60) {
            draft.crash_at(node, pick.small(1..=30), DiskLoss::Drawn);
        }
    }
    let at = draft.ttls(6);
    draft.calm(pick, at)
}

/// The effects of the lock service after which it crashes in `tokens`, and in `restart`.
pub(super) const TOKEN_POINTS: u32 = 24;
/// The lock service crashes after one of its effects. The first grants are lost, or the questions are doubled.
pub(super) fn tokens(pick: &mut Pick, _nth: u32) -> Case {
    let (run, point) = (pick.run(), pick.point());
    let mut draft = Draft::new(pick, 2 + run % 2);
    let (lock, first) = (draft.lock, draft.clients[0]);
    for client in draft.clients.clone() {
        for _ in 0..2 {
            let at = pick.micros(5_000..=60_000);
            draft.write(at, client);
        }
    }
    match run % 3 {
        0 => {
            let lose =
                Harm::Lose { from: Some(lock), to: Some(first), nth: Some(1), matches: None, what: None };
            draft.harm(draft.granted(first), lose, Until::Calm);
        }
        1 => draft.rough(0, 50, 30, ms(60)),
        _ => {}
    }
    let disk = [DiskLoss::All, DiskLoss::Drawn, DiskLoss::Drawn, DiskLoss::Nothing][run as usize % 4];
    draft.crash_at(lock, point, disk);
    // and once more, after it has granted leases in its second life
    let (again, later) = (draft.ttls(2), draft.of_ttl(220));
    draft.crash(again, lock, disk);
    for client in draft.clients.clone() {
        draft.write(later, client);
    }
    let at = draft.ttls(4);
    draft.calm(pick, at)
}

/// Crash points of each of the two in `restart`, and pairs of one of each.
pub(super) const RESTART_POINTS: u32 = 25;
const PAIRED: u32 = 12;
pub(super) const RESTARTS: u32 = 2 * RESTART_POINTS + PAIRED * PAIRED;
/// The lock service and the storage crash after any of their effects, and old messages arrive afterwards.
pub(super) fn restart(pick: &mut Pick, _nth: u32) -> Case {
    let (run, point) = (pick.run(), pick.point() - 1);
    let mut draft = Draft::new(pick, 2);
    let (a, b) = (draft.clients[0], draft.clients[1]);
    let (lock, storage) = (draft.lock, draft.storage);
    let granted = draft.granted(a);
    draft.write(ms(5), a);
    draft.write(ms(6), a);
    for place in 0..3 {
        draft.write(granted.clone().after(ms(5) + ms(7) * place), b);
    }
    let apart = draft.of_ttl(250);
    draft.cut(granted.clone(), a, lock, Until::After(apart));
    let until = match run % 2 {
        0 => Until::After(apart),
        _ => Until::Trigger(Sight::of(SeenKind::Started).at(storage).into()),
    };
    draft.hold(granted, a, storage, None, until);
    let torn = DiskLoss::TornAfter { bytes: 1 };
    let disk = [DiskLoss::All, DiskLoss::Drawn, torn, DiskLoss::Nothing][run as usize % 4];
    match point.checked_sub(2 * RESTART_POINTS) {
        Some(pair) => {
            draft.crash_at(lock, pair / PAIRED + 1, disk);
            draft.crash_at(storage, pair % PAIRED + 1, disk);
        }
        None => {
            let node = if point < RESTART_POINTS { lock } else { storage };
            draft.crash_at(node, point % RESTART_POINTS + 1, disk);
        }
    }
    let at = draft.ttls(4);
    draft.calm(pick, at)
}

/// The storage crashes after one of its messages or after another effect; answers are lost, and a client is paused.
pub(super) fn stored(pick: &mut Pick, nth: u32) -> Case {
    const SENDS: u32 = 8;
    let mut draft = Draft::new(pick, nth % 3 + 1);
    let (storage, a) = (draft.storage, draft.clients[0]);
    for client in draft.clients.clone() {
        for _ in 0..3 {
            let at = pick.micros(5_000..=40_000);
            draft.write(at, client);
        }
    }
    let place = nth / 2 % SENDS + 1;
    if nth.is_multiple_of(2) {
        draft.crash(Sight::of(SeenKind::Sent).at(storage).nth(place), storage, DiskLoss::All);
    } else {
        draft.crash_at(storage, place + nth / 16 * SENDS, DiskLoss::Drawn);
    }
    match nth % 5 {
        0 => draft.cut(Draft::holds(a), storage, a, Until::After(draft.retry * 2)),
        1 => draft.pause(Sight::of(SeenKind::Delivered).at(storage).with(a), a, draft.of_ttl(150)),
        2 => draft.rough(20, 30, 20, ms(60)),
        _ => {}
    }
    let at = draft.ttls(5);
    draft.calm(pick, at)
}

/// The holder crashes for good, is paused or is cut off, while up to three clients wait.
pub(super) fn takes_over(pick: &mut Pick, nth: u32) -> Case {
    let clients = [4, 2, 3][nth as usize % 3];
    let mut draft = Draft::new(pick, clients);
    let (holder, lock, storage) = (draft.clients[0], draft.lock, draft.storage);
    let all_turns = draft.goals.turn * clients;
    draft.goals.gone = Some(holder);
    draft.write(ms(5), holder);
    draft.write(ms(6), holder);
    let gone = if pick.percent(50) { draft.granted(holder) } else { Draft::holds(holder) };
    for client in draft.clients.clone().into_iter().skip(1) {
        for _ in 0..pick.small(1..=2) {
            let after = pick.millis(1..=40);
            draft.write(gone.clone().after(after), client);
        }
    }
    let node = Who::Node(holder);
    let mut over = all_turns;
    match nth / 3 % 4 {
        0 | 1 => {
            draft.dead.insert(holder);
            draft.harm(gone.clone(), Harm::Crash { node, disk: DiskLoss::All }, Until::Never);
        }
        2 => draft.pause(gone.clone(), holder, all_turns),
        _ => {
            over = draft.ttls(10);
            draft.harm(gone.clone(), Harm::Isolate { node }, Until::After(over));
        }
    }
    let after = draft.of_ttl(pick.small(1..=250));
    for (node, crashes) in [(lock, (nth / 12).is_multiple_of(2)), (storage, (nth / 24).is_multiple_of(2))] {
        if crashes {
            draft.crash(gone.clone().after(after), node, DiskLoss::Drawn);
        }
    }
    draft.calm(pick, over + ms(100))
}

/// Leases in time: slow and fast stopwatches, grants and releases that are late, and a lock service that restarts.
pub(super) fn holds(pick: &mut Pick, nth: u32) -> Case {
    let at = nth / 8;
    match nth % 8 {
        0 => drift(pick),
        1 => late_grant(pick, at),
        2 => forgotten(pick, at),
        3 => late_release(pick),
        4 => old_grant(pick),
        5 => forgotten(pick, at + 4),
        6 => walls(pick),
        _ => swarm(pick, 3, false),
    }
}
/// A client that holds its lease as long as it may: the storage does not hear it. Nor does the lock service, after the lease is granted.
fn holder(pick: &mut Pick, clients: u32) -> (Draft, NodeId) {
    let mut draft = Draft::new(pick, clients);
    let holder = draft.clients[0];
    draft.write(ms(5), holder);
    draft.write(ms(6), holder);
    let (granted, storage) = (draft.granted(holder), draft.storage);
    let lasts = draft.ttls(2);
    draft.cut(granted, holder, storage, Until::After(lasts));
    (draft, holder)
}
/// From its first lease on, the lock service does not hear the holder.
fn unheard(draft: &mut Draft, holder: NodeId) {
    let (granted, lock, lasts) = (draft.granted(holder), draft.lock, draft.ttls(2));
    draft.cut(granted, holder, lock, Until::After(lasts));
}
/// The stopwatch of this node is wrong by so much.
fn drifts(draft: &mut Draft, node: NodeId, drift_ppm: i64) {
    let specs = draft.stage.nodes.iter_mut();
    specs.filter(|spec| spec.id == node).for_each(|spec| spec.clock.drift_ppm = drift_ppm);
}
/// So little time hides no part of a margin that is too small.
const FAST: Duration = kit::us(100);
/// The holder is slow and the lock service fast, and other clients ask just when the lease is over there.
fn drift(pick: &mut Pick) -> Case {
    let (mut draft, a) = holder(pick, 4);
    unheard(&mut draft, a);
    let lock = draft.lock;
    drifts(&mut draft, a, -i64::from(DRIFT_PPM));
    drifts(&mut draft, lock, i64::from(DRIFT_PPM));
    draft.stage.network = Link::fixed(FAST);
    let over = draft.ttl * 100 / 101;
    for (client, later) in draft.clients.clone().into_iter().skip(1).zip([0, 1, 2]) {
        draft.write(draft.granted(a).after(over + ms(later) - kit::us(700)), client);
    }
    let at = draft.ttls(4);
    draft.calm(pick, at)
}
/// The grant is on its way for a good part of the lease, or for longer.
fn late_grant(pick: &mut Pick, nth: u32) -> Case {
    let (mut draft, a) = holder(pick, 2);
    unheard(&mut draft, a);
    let (b, lock) = (draft.clients[1], draft.lock);
    let late = [30, 60, 90, 120][nth as usize % 4];
    let late = draft.of_ttl(late);
    draft.hold(draft.granted(a), lock, a, None, Until::After(late));
    let asks = draft.of_ttl(pick.small(30..=95));
    draft.write(draft.granted(a).after(asks), b);
    let at = draft.ttls(4);
    draft.calm(pick, at)
}
/// The lock service crashes right after one of its grants or extensions, or a while later, and another client asks.
fn forgotten(pick: &mut Pick, nth: u32) -> Case {
    const GRANTS: u32 = 8;
    let (mut draft, a) = holder(pick, 2);
    let (b, lock) = (draft.clients[1], draft.lock);
    let grant = draft.granted(a).nth(nth % GRANTS + 1);
    let after = if pick.percent(50) { Duration::ZERO } else { draft.of_ttl(pick.small(1..=60)) };
    draft.crash(grant.clone().after(after), lock, *pick.one(&[DiskLoss::All, DiskLoss::Drawn]));
    let lasts = draft.ttls(2);
    draft.cut(grant.clone().after(ms(20)), a, lock, Until::After(lasts));
    draft.write(grant.after(after + ms(8)), b);
    let at = draft.ttls(8);
    draft.cut(When::At(ms(30)), a, draft.storage, Until::After(draft.ttls(7)));
    draft.calm(pick, at)
}
/// What the first client says to the lock service after its write arrives when it holds its next lease.
fn late_release(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 2);
    let (a, b, lock, storage) = (draft.clients[0], draft.clients[1], draft.lock, draft.storage);
    draft.write(ms(5), a);
    draft.hold(Draft::written(a), a, lock, Some(1), Until::Trigger(Draft::holds(a).into()));
    draft.write(Draft::written(a).after(ms(5)), a);
    let (long, longer) = (draft.ttls(2), draft.ttls(3));
    draft.cut(Draft::written(a).after(ms(1)), a, storage, Until::After(longer));
    draft.cut(Draft::holds(a).nth(2).after(ms(8)), a, lock, Until::After(long));
    draft.write(Draft::holds(a).nth(2).after(pick.millis(5..=50)), b);
    let at = draft.ttls(5);
    draft.calm(pick, at)
}
/// A copy of the first client's grant arrives when it has given the lease back, and another client has the next one.
fn old_grant(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 2);
    let (a, b, lock, storage) = (draft.clients[0], draft.clients[1], draft.lock, draft.storage);
    draft.write(ms(5), a);
    let after = draft.of_ttl(pick.small(20..=60));
    let repeat =
        Harm::Repeat { from: Some(lock), to: Some(a), nth: Some(1), matches: None, what: None, after };
    draft.harm(draft.granted(a), repeat, Until::Calm);
    draft.write(Draft::written(a).after(ms(10)), b);
    draft.write(draft.granted(b).after(ms(5)), a);
    let lasts = draft.ttls(2);
    draft.cut(draft.granted(b), b, storage, Until::After(lasts));
    let at = draft.ttls(4);
    draft.calm(pick, at)
}
/// Wall clocks jump and stand still while a lease is out.
fn walls(pick: &mut Pick) -> Case {
    const HOUR_NS: i64 = 3_600_000_000_000;
    let (mut draft, a) = holder(pick, 2);
    unheard(&mut draft, a);
    let (b, lock) = (draft.clients[1], draft.lock);
    let by_ns = *pick.one(&[HOUR_NS, -HOUR_NS]);
    draft.harm(Draft::holds(a), Harm::ClockJump { node: Who::Node(lock), by_ns }, Until::Calm);
    draft.harm(Draft::holds(a), Harm::ClockFreeze { node: Who::Node(a) }, Until::Calm);
    if pick.percent(50) {
        draft.crash(Draft::holds(a).after(ms(3)), lock, DiskLoss::All);
    }
    let asks = draft.of_ttl(pick.small(5..=90));
    draft.write(Draft::holds(a).after(asks), b);
    let at = draft.ttls(5);
    draft.calm(pick, at)
}
