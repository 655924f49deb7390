//! `fallacies`: the runs. A gateway, a directory, backends, and clients that ask for values.

use super::backend::{Before, Meanwhile, Plan, backend, key};
use super::oracle::{GATEWAY, Journal, Promised};
use judge::{Case, Pick};
use kit::serve::{Manner, serve};
use kit::{Rules, Stage, ms, secs};
use lab::fallacies::{Backend, Backends, Config, Directory, Gateway, Get, Key, Secret};
use lab::prelude::*;
use world::{
    Carried, Chance, ClientId, Harm, Link, NodeSpec, Operation, OperationId, Tail, Until, When, Who,
};

const DIRECTORY: NodeId = NodeId(2);
/// The first backend; the others follow.
const FIRST: u32 = 3;
const VALUE_MAX: u32 = 8_000;

fn id_of(place: usize) -> NodeId {
    NodeId(FIRST + place as u32)
}
fn secret(pick: &mut Pick) -> Secret {
    let (high, low) = (pick.bits().to_be_bytes(), pick.bits().to_be_bytes());
    Secret(std::array::from_fn(|place| if place < 8 { high[place] } else { low[place - 8] }))
}

/// A gateway, a directory and backends under way.
struct Town {
    config: Config,
    link: Link,
    drift_ppm: i64,
    offset_ns: i64,
    plans: Vec<Plan>,
    /// Who serves from when on.
    lists: Vec<(Duration, Vec<usize>)>,
    stage: Stage<Gateway>,
    promised: Promised,
    /// When the last client has been answered.
    end: Duration,
}
impl Town {
    /// So many backends. What is the same in every check is drawn here: clocks, latency, how frames overtake each other.
    fn new(pick: &mut Pick, backends: usize) -> Town {
        let patience = ms(pick.number(100..=160));
        let frame_max = pick.small(400..=1_400);
        let mut link = Link::between(ms(1), ms(pick.number(1..=4)));
        link.message_bytes_max = Some(frame_max as usize);
        link.duplication = Chance::percent(*pick.one(&[0, 0, 10, 30]));
        if pick.percent(30) {
            link.latency.tail = Some(Tail { chance: Chance::percent(20), max: patience / 5 });
        }
        let plan = |pick: &mut Pick| Plan {
            secrets: vec![(Duration::ZERO, secret(pick))],
            speaks: vec![(Duration::ZERO, 1)],
            frame_max,
            works: (ms(1), ms(pick.number(2..=5))),
            refuses: Vec::new(),
            holds_up_to: u32::MAX,
            varied: false,
            little_percent: 0,
            before: Before::Nothing,
            meanwhile: None,
            foreign: Vec::new(),
            robbed_until: Duration::ZERO,
        };
        Town {
            config: Config { patience, refresh: 10 * patience, frame_max, value_max: VALUE_MAX },
            link,
            drift_ppm: pick.number(0..=20_000) as i64 - 10_000,
            offset_ns: pick.number(0..=7_200_000_000_000) as i64 - 3_600_000_000_000,
            plans: (0..backends).map(|_| plan(pick)).collect(),
            lists: vec![(Duration::ZERO, (0..backends).collect())],
            stage: Stage::with(Vec::new(), Duration::ZERO),
            promised: Promised::default(),
            end: Duration::ZERO,
        }
    }
    fn patience(&self, times: u32) -> Duration {
        self.config.patience * times
    }
    /// A client asks: alone at its time, or when its request before has been answered.
    fn asks(
        &mut self,
        client: u32,
        at: Option<Duration>,
        keys: Vec<Key>,
        within: Duration,
    ) -> (ClientId, OperationId) {
        let client = self.stage.client(client);
        let id = client.operations.len() as u32 + 1;
        let operation = Operation::next::<Gateway>(id, GATEWAY, &Get { keys, within });
        client.operations.push(Operation { at: at.map(When::At), ..operation });
        let name = (client.id, OperationId(id));
        // one that follows another begins at the latest when that had to be answered
        self.end = at.unwrap_or(self.end) + within + within / 50 + ms(30);
        name
    }
    /// The same, and the answer has all values.
    fn gets(&mut self, client: u32, at: Option<Duration>, keys: Vec<Key>, within: Duration) {
        let name = self.asks(client, at, keys, within);
        self.promised.complete.insert(name);
    }
    fn harm(&mut self, from: Duration, harm: Harm, to: Duration) {
        self.stage.harm(from, harm, Until::After(to - from));
    }
    /// Nothing goes wrong any more from this time on. Then one client more asks: the smallest requests, and ordinary ones.
    fn judged(mut self, pick: &mut Pick, calm: Duration) -> Case {
        let last = 90;
        let begins = calm.max(self.end) + pick.millis(1..=50);
        self.gets(last, Some(begins), vec![key(20, 1)], self.patience(20));
        self.gets(last, None, vec![], self.patience(5));
        let some = small(pick, 10, 8);
        self.gets(last, None, some, self.patience(20));
        let mut gateway = NodeSpec::guest::<Gateway>(GATEWAY, &self.config).named("gateway");
        gateway.calls_to = Some(DIRECTORY);
        gateway.clock.drift_ppm = self.drift_ppm;
        gateway.clock.offset_ns = self.offset_ns;
        let mut nodes = vec![gateway];
        let lists = self.lists.iter().flat_map(|(from, places)| {
            // a list is another one when a backend on it has got another secret, too
            let changes = places.iter().flat_map(|place| &self.plans[*place].secrets).map(|(at, _)| *at);
            let mut times: Vec<Duration> = changes.filter(|at| at > from).chain([*from]).collect();
            times.sort_unstable();
            times.dedup();
            times.into_iter().map(|at| {
                let one =
                    |place: &usize| Backend { node: id_of(*place), secret: self.plans[*place].secret(at) };
                (at, Backends(places.iter().map(one).collect()))
            })
        });
        let mut lists: Vec<(Duration, Backends)> = lists.collect();
        lists.sort_by_key(|(at, _)| *at);
        nodes.push(serve::<Directory>(DIRECTORY, lists, Manner::works(ms(1), ms(3))).named("directory"));
        nodes.extend(self.plans.iter().enumerate().map(|(place, plan)| backend(id_of(place), plan)));
        let mut stage = self.stage;
        stage.nodes = nodes;
        stage.network = self.link;
        let calm_link =
            Link { loss: Chance::NEVER, duplication: Chance::NEVER, corruption: Chance::NEVER, ..self.link };
        stage.calm = Some((calm, calm_link));
        stage.end = self.end + ms(100);
        Rules::of(Journal::new(&stage, self.promised)).judge(stage)
    }
}
/// Some keys with values of so many bytes or fewer, none of them empty.
fn small(pick: &mut Pick, many: u32, bytes_max: u32) -> Vec<Key> {
    let mut keys: Vec<Key> =
        (0..many).map(|nth| key(pick.small(1..=bytes_max), 10 * nth + pick.small(0..=4))).collect();
    if let Some(first) = keys.first().copied().filter(|_| pick.percent(20)) {
        keys.push(first);
    }
    keys
}
fn fault(from: Option<NodeId>, to: Option<NodeId>, nth: u32, what: Carried) -> Harm {
    Harm::Lose { from, to, nth: Some(nth), matches: None, what: Some(what) }
}

/// Messages, calls and answers are lost: some, all, or just the one that a hopeful program waits for.
pub(super) fn reliable(pick: &mut Pick, nth: u32) -> Case {
    let backends = if nth.is_multiple_of(7) { 1 } else { 3 };
    let mut town = Town::new(pick, backends);
    let bad = town.patience(8);
    let worse = |loss| Harm::Worse {
        from: None,
        to: None,
        loss: Chance::percent(loss),
        duplication: Chance::NEVER,
        corruption: Chance::NEVER,
        late: Duration::ZERO,
    };
    let (ask_1, answer_1) = (Some(GATEWAY), Some(GATEWAY));
    match nth % 6 {
        0 => town.harm(Duration::ZERO, fault(None, None, 1, Carried::Call), bad),
        1 => town.harm(Duration::ZERO, fault(None, None, 1, Carried::Answer), bad),
        2 => {
            town.harm(Duration::ZERO, fault(ask_1, None, 1, Carried::Message), bad);
            town.harm(Duration::ZERO, fault(ask_1, None, 2, Carried::Message), bad);
        }
        3 => town.harm(Duration::ZERO, fault(None, answer_1, 1, Carried::Message), bad),
        4 => town.harm(ms(pick.number(0..=60)), worse(100), bad),
        _ => town.harm(Duration::ZERO, worse(30), bad),
    }
    for client in 1..=3 {
        for request in 0..4 {
            let begins = pick.millis(1..=400);
            let keys = small(pick, 10, 30);
            let within = town.patience(60);
            town.gets(client, (request == 0).then_some(begins), keys, within);
        }
    }
    town.judged(pick, bad + ms(400))
}

/// One backend is very slow, another falls silent; or all of them do; or the values of some keys never come; or requests keep
/// coming.
pub(super) fn latency(pick: &mut Pick, nth: u32) -> Case {
    let mut town = Town::new(pick, 4);
    let mut places: Vec<usize> = (0..4).collect();
    pick.shuffle(&mut places);
    let silent = |place: usize| Harm::Isolate { node: Who::Node(id_of(place)) };
    let within = town.patience(60);
    let slow = town.patience(100);
    match nth % 4 {
        3 => {
            // one of two is silent, and requests keep coming: a timer that each of them sets anew never fires
            town.plans.truncate(2);
            town.lists = vec![(Duration::ZERO, vec![0, 1])];
            let begins = pick.millis(0..=300);
            town.harm(begins, silent(places[0] % 2), begins + slow);
            let (pause, within) = (town.config.patience * 2 / 5, town.patience(40));
            for request in 0..150 {
                // no two requests share a key: each of them needs its own ask
                let keys =
                    vec![key(pick.small(1..=30), 2 * request), key(pick.small(1..=30), 2 * request + 1)];
                town.gets(100 + request, Some(ms(10) + pause * request), keys, within);
            }
            town.judged(pick, within * 4)
        }
        0 => {
            town.plans[places[0]].works = (slow, slow);
            if nth % 8 == 4 {
                // what it sends meanwhile answers nothing
                let what = if nth % 16 == 4 { Meanwhile::Strange } else { Meanwhile::OfNoKind };
                town.plans[places[0]].meanwhile = Some((what, town.config.patience / 3));
            }
            let begins = pick.millis(0..=300);
            town.harm(begins, silent(places[1]), begins + slow);
            for client in 1..=3 {
                for request in 0..4 {
                    let begins = pick.millis(1..=400);
                    let keys = small(pick, 10, 30);
                    town.gets(client, (request == 0).then_some(begins), keys, within);
                }
            }
            town.judged(pick, within * 4)
        }
        1 => {
            // every backend is silent: the answer comes in time, and says so
            let begins = pick.millis(0..=100);
            let ends = begins + town.patience(25);
            (0..4).for_each(|place| town.harm(begins, silent(place), ends));
            for client in 1..=3 {
                let (begins, keys) = (begins + pick.millis(1..=400), small(pick, 10, 30));
                let within = *pick.one(&[Duration::ZERO, ms(1), town.patience(1), town.patience(12)]);
                town.asks(client, Some(begins), keys, within);
            }
            let keys = small(pick, 10, 30);
            town.gets(4, Some(ends - town.patience(1)), keys, within);
            town.judged(pick, ends)
        }
        _ => {
            // some values never come; requests for others go on meanwhile
            town.plans.iter_mut().for_each(|plan| plan.holds_up_to = 499);
            for client in 1..=2 {
                let mut keys = small(pick, pick_many(nth), 30);
                let hopeless = (0..3).map(|nth| key(20, 500 + nth));
                keys.extend(hopeless);
                let (begins, waits) = (pick.millis(1..=100), town.patience(30));
                town.asks(client, Some(begins), keys, waits);
            }
            for client in 3..=4 {
                for request in 0..3 {
                    let begins = pick.millis(50..=300);
                    let keys = small(pick, 10, 30);
                    let within = town.patience(15);
                    town.gets(client, (request == 0).then_some(begins), keys, within);
                }
            }
            town.judged(pick, secs(1))
        }
    }
}
fn pick_many(nth: u32) -> u32 {
    1 + nth % 10
}

/// Big requests over thin links, one after another.
pub(super) fn bandwidth(pick: &mut Pick, nth: u32) -> Case {
    const BYTES_PER_SECOND: u64 = 20_000;
    let mut town = Town::new(pick, 1 + nth as usize % 2);
    let frame_max = [600, 300][nth as usize / 4 % 2];
    town.config.frame_max = frame_max;
    town.config.patience = ms(150);
    town.config.refresh = ms(1_500);
    let version = 1 + (nth / 2 % 2) as u8;
    for plan in &mut town.plans {
        (plan.frame_max, plan.speaks) = (frame_max, vec![(Duration::ZERO, version)]);
    }
    town.link = Link {
        message_bytes_max: Some(frame_max as usize),
        bandwidth: Some(BYTES_PER_SECOND),
        ..Link::between(ms(1), ms(pick.number(1..=4)))
    };
    let mut requests: Vec<Vec<Key>> = vec![
        (0..40).map(|nth| key(500, nth)).collect(),
        vec![key(6_000, pick.small(0..=99))],
        (0..300).map(|nth| key(20, nth)).collect(),
        (0..40).map(|nth| key(500, 100 + nth)).collect(),
        (0..300).map(|nth| key(pick.small(1..=20), nth)).collect(),
        vec![key(8_000, pick.small(0..=99)), key(3, 1)],
    ];
    pick.shuffle(&mut requests);
    for (place, keys) in requests.into_iter().enumerate() {
        let bytes: u64 = keys.iter().map(|key| 7 + 19 + 15 + u64::from(key / 1_000) * 21 / 20).sum();
        let takes = Duration::from_nanos(bytes * 1_000_000_000 / BYTES_PER_SECOND);
        let within = 3 * takes + town.patience(6);
        town.gets(1, (place == 0).then_some(ms(10)), keys, within);
    }
    // time is over in the middle of an answer
    let half = Duration::from_nanos(40 * 520 / 2 * 1_000_000_000 / BYTES_PER_SECOND);
    let keys = (0..40).map(|nth| key(500, 200 + nth)).collect();
    town.asks(1, None, keys, half);
    let calm = town.end;
    town.judged(pick, calm)
}

/// Someone else writes on the network, in the name of the backends, and before them. Bits flip.
pub(super) fn secure(pick: &mut Pick, nth: u32) -> Case {
    let mut town = Town::new(pick, pick_backends(nth));
    town.link.latency.tail = None;
    town.link.fifo = true; // what is sent before the true answer arrives before it
    let bad = town.patience(20);
    let version = 1 + (nth / 2 % 2) as u8;
    for plan in &mut town.plans {
        plan.speaks = vec![(Duration::ZERO, version)];
        plan.before = if nth % 4 == 3 { Before::Nothing } else { Before::Forged };
        plan.robbed_until = bad;
    }
    let secrets: Vec<Secret> = town.plans.iter().map(|plan| plan.secret(Duration::ZERO)).collect();
    for (plan, own) in town.plans.iter_mut().zip(&secrets) {
        plan.foreign = secrets.iter().copied().filter(|secret| secret != own).collect();
    }
    if nth.is_multiple_of(2) {
        let corruption = Chance::percent(10);
        let (loss, duplication) = (Chance::NEVER, Chance::NEVER);
        let worse = Harm::Worse { from: None, to: None, loss, duplication, corruption, late: Duration::ZERO };
        town.harm(Duration::ZERO, worse, bad);
    }
    if nth % 4 == 1 && town.plans.len() > 1 {
        // one does not answer, and someone else sends frames in its name all the while
        let (dead, for_ever) = (pick.small(0..=1) as usize, town.patience(100));
        let pause = town.config.patience / 3;
        town.plans[dead].works = (for_ever, for_ever);
        town.plans[dead].meanwhile = Some((Meanwhile::Forged, pause));
    }
    for client in 1..=2 {
        for request in 0..2 {
            let begins = pick.millis(1..=400);
            let keys = small(pick, 6, 30);
            let within = town.patience(30);
            town.gets(client, (request == 0).then_some(begins), keys, within);
        }
    }
    town.judged(pick, bad)
}
fn pick_backends(nth: u32) -> usize {
    1 + nth as usize % 3
}

/// Backends come and go, get new secrets, and the directory is out of reach.
pub(super) fn topology(pick: &mut Pick, nth: u32) -> Case {
    let mut town = Town::new(pick, 5);
    let change = pick.millis(300..=900);
    let forever = secs(3_600);
    let refresh = town.config.refresh;
    let mut change_seen = change;
    match nth % 4 {
        0 | 1 => {
            // others serve; those before say no, or nothing
            let stay = *pick.one(&[0, 1, 2]);
            town.lists =
                vec![(Duration::ZERO, vec![0, 1, 2]), (change, if stay == 0 { vec![3, 4] } else { vec![3] })];
            for place in 0..3 {
                if nth.is_multiple_of(4) {
                    town.plans[place].refuses = vec![(change, forever)];
                } else {
                    let harm = Harm::Isolate { node: Who::Node(id_of(place)) };
                    let fault = town.stage.harm(change, harm, Until::Never);
                    fault.after_calm = true;
                }
            }
        }
        2 => {
            // one keeps its name and gets another secret; the others are gone
            let new = secret(pick);
            town.lists = vec![(Duration::ZERO, vec![0, 1, 2]), (change, vec![0])];
            town.plans[0].secrets.push((change, new));
            town.plans[0].before = Before::Outdated;
            for place in 1..3 {
                town.plans[place].refuses = vec![(change, forever)];
            }
        }
        _ => {
            // no one can be asked who serves
            let from = if nth % 8 == 3 { ms(500) } else { Duration::ZERO };
            change_seen = from.max(ms(1)) + 2 * refresh;
            let to = if from.is_zero() { town.patience(8) } else { from + 6 * refresh };
            town.harm(from, Harm::Isolate { node: Who::Node(DIRECTORY) }, to);
        }
    }
    let within = refresh + town.patience(20);
    let first = pick.millis(1..=50);
    let keys = small(pick, 10, 30);
    town.gets(1, Some(first), keys, within);
    for (client, begins) in
        (2..).zip([change / 2, change.saturating_sub(ms(2)), change + ms(1), change + pick.millis(2..=300)])
    {
        let keys = small(pick, 10, 30);
        town.gets(client, Some(begins), keys, within);
    }
    for (client, times) in (6..).zip([2, 3, 4]) {
        let (begins, keys) = (change + times * refresh + pick.millis(0..=300), small(pick, 10, 30));
        let within = town.patience(20);
        town.gets(client, Some(begins), keys, within);
    }
    town.promised.change = change_seen;
    let calm = town.end;
    town.judged(pick, calm)
}

/// Each backend speaks the version that its own people chose, and sometimes says no.
pub(super) fn administrator(pick: &mut Pick, nth: u32) -> Case {
    let mut town = Town::new(pick, 3);
    let change = pick.millis(100..=400);
    let speaks = |versions: &[(Duration, u8)]| versions.to_vec();
    let zero = Duration::ZERO;
    let within = town.patience(60);
    let mut calm = change;
    match nth % 6 {
        0 => town.plans.iter_mut().for_each(|plan| plan.speaks = speaks(&[(zero, 2)])),
        1 | 2 => {
            // of three, one can be reached
            let version = (nth % 6) as u8;
            town.plans[0].speaks = speaks(&[(zero, version)]);
            town.plans[1].speaks = speaks(&[(zero, 3 - version)]);
            town.plans[2].speaks = speaks(&[(zero, 1)]);
            calm = within * 2;
            for place in 1..3 {
                town.harm(zero, Harm::Isolate { node: Who::Node(id_of(place)) }, calm);
            }
        }
        3 | 4 => {
            // all of them change their version, and later change it back; each has been asked in each version
            let backends = 1 + nth as usize / 6 % 3;
            town.plans.truncate(backends);
            town.lists = vec![(zero, (0..backends).collect())];
            let (first, other) = if nth % 6 == 3 { (1, 2) } else { (2, 1) };
            // no request lives so long that the change back would save it
            let back = change + ms(60) + within + town.patience(2);
            town.plans
                .iter_mut()
                .for_each(|plan| plan.speaks = vec![(zero, first), (change, other), (back, first)]);
            calm = back;
            for (client, begins) in (4..).zip([pick.millis(1..=40), change + ms(60), back + ms(1)]) {
                for request in 0..4 {
                    let keys = small(pick, 8, 30);
                    town.gets(client, (request == 0).then_some(begins), keys, within);
                }
            }
        }
        _ => {
            let backends = 1 + nth as usize / 6 % 3;
            town.plans.truncate(backends);
            town.lists = vec![(zero, (0..backends).collect())];
            let no = (change, change + town.patience(6));
            let version = pick.small(1..=2) as u8;
            for plan in &mut town.plans {
                plan.refuses = vec![no];
                plan.speaks = speaks(&[(zero, version)]);
            }
        }
    }
    for client in 1..=2 {
        for request in 0..3 {
            let begins = if request == 0 {
                pick.millis(1..=90)
            } else {
                change + 150 * request * ms(1) + pick.millis(0..=100)
            };
            let keys = small(pick, 8, 30);
            town.gets(client, Some(begins), keys, within);
        }
    }
    let keys = small(pick, 8, 30);
    town.gets(3, Some(change + ms(1)), keys, within);
    town.judged(pick, calm)
}

/// Nothing goes wrong, and everything that is sent is counted.
pub(super) fn transport(pick: &mut Pick, nth: u32) -> Case {
    let mut town = Town::new(pick, 4);
    town.link = Link { duplication: Chance::NEVER, ..town.link };
    town.link.latency.tail = None;
    town.promised.is_counted = true;
    let version = if nth.is_multiple_of(3) { 2 } else { 1 };
    town.plans.iter_mut().for_each(|plan| plan.speaks = vec![(Duration::ZERO, version)]);
    let within = town.patience(20);
    let pause = *pick.one(&[ms(10), ms(200), town.config.refresh]);
    for request in 0..20 {
        let keys = (0..50).map(|nth| key(20, 50 * (request % 10) + nth)).collect();
        town.gets(1, (request == 0).then_some(ms(10)), keys, within);
    }
    town.stage.client(1).think = pause;
    town.end += 20 * pause;
    let calm = town.end;
    town.judged(pick, calm)
}

/// Frames of every legal make; and signed ones that are not legal.
pub(super) fn homogeneous(pick: &mut Pick, nth: u32) -> Case {
    let mut town = Town::new(pick, pick_backends(nth));
    town.link.latency.tail = None;
    town.link.fifo = true;
    let version = 1 + (nth / 2 % 2) as u8;
    for plan in &mut town.plans {
        plan.speaks = vec![(Duration::ZERO, version)];
        plan.varied = nth % 4 != 3;
        plan.little_percent = [50, 100, 0, 100][nth as usize / 4 % 4];
        plan.before = if nth.is_multiple_of(4) { Before::Nothing } else { Before::Illegal };
    }
    for client in 1..=2 {
        for request in 0..3 {
            let begins = pick.millis(1..=400);
            let mut keys = small(pick, 6, 30);
            keys.push(*pick.one(&[key(0, 7), key(0, 0)]));
            keys.push(key(*pick.one(&[200, 3_000]), 7));
            let within = town.patience(30);
            town.gets(client, (request == 0).then_some(begins), keys, within);
        }
    }
    let calm = town.end;
    town.judged(pick, calm)
}
