//! `primary_backup`: the runs. The view service is there, and it changes nothing: it renews the first view if it is asked to.
//!
//! In many runs all nodes crash at an answer, and none of them reaches another one from then on. So each of them can tell only what is
//! on its own disk, and a check can compare that with the answer.

use super::costs::{Budget, Costs, Prompt};
use super::oracle::{Copies, Counts, Served};
use crate::replicas::service::{self, view_service};
use judge::{Case, Pick};
use kit::see::{self, Sight};
use kit::{Rules, Stage, ms, secs};
use lab::NodeId;
use lab::primary_backup::{Acks, Config, Key, PrimaryBackup, Request, Response, View};
use std::collections::BTreeMap;
use std::time::Duration;
use world::{
    Carried, Chance, DiskLoss, Harm, Latency, Link, LinkRule, Matcher, NodeSpec, Operation, Pattern,
    SeenKind, Tail, Trigger, Until, When, Who,
};

/// Clients that audit have numbers from here on.
pub(super) const AUDITORS: u32 = 1_000;
/// Clients that read have numbers from here on.
const READERS: u32 = 100;
/// A node that crashed is down so long.
const DOWN: Duration = ms(20);
/// After the end of the last fault, or a request, an answer is due in so many pauses.
const DUE_RESENDS: u32 = 20;
/// How often nodes call the view service.
const PING: Duration = ms(100);
/// Nodes that renew their view before they acknowledge anything have done so after so many of their calls.
const PINGS: u32 = 10;
const KEYS: [&str; 3] = ["a", "b", "c"];

/// A run that is being made.
struct Draft {
    stage: Stage<PrimaryBackup>,
    config: Config,
    primary: NodeId,
    backups: Vec<NodeId>,
    values: u64,
    /// The number of the last append of each client.
    seqs: BTreeMap<u32, u32>,
    delay: Duration,
}

fn is_appended(response: &Response) -> bool {
    matches!(response, Response::Appended { .. })
}
fn is_append(request: &Request) -> bool {
    matches!(request, Request::Append { .. })
}
/// A node acknowledges an append.
fn acknowledges() -> Sight {
    see::answers::<PrimaryBackup>(is_appended)
}

impl Draft {
    /// So many nodes, with names that tell nothing, on a clean network.
    fn new(pick: &mut Pick, nodes: u32, is_sync: bool) -> Draft {
        let delay = ms(pick.number(1..=3));
        let resend = ms(*pick.one(&[20, 25, 40]));
        Draft::with(pick, nodes, is_sync, delay, resend, PING)
    }
    fn with(
        pick: &mut Pick,
        nodes: u32,
        is_sync: bool,
        delay: Duration,
        resend: Duration,
        ping: Duration,
    ) -> Draft {
        let mut names: Vec<NodeId> = (1..=8).map(NodeId).collect();
        pick.shuffle(&mut names);
        let (views, primary) = (names[0], names[1]);
        let backups = names[2..=nodes as usize].to_vec();
        let in_sync = backups.iter().copied().collect();
        let first = View { number: 1, epoch: 1, primary, in_sync };
        let acks = if is_sync { Acks::Sync { min: pick.small(0..=nodes - 1) } } else { Acks::Async };
        let config = Config { first, acks, resend, ping, lag: secs(3_600) };
        let guest = |id: &NodeId| NodeSpec {
            calls_to: Some(views),
            ..NodeSpec::guest::<PrimaryBackup>(*id, &config)
        };
        let mut nodes: Vec<NodeSpec> = backups.iter().chain([&primary]).map(guest).collect();
        nodes.sort_by_key(|node| node.id);
        nodes.push(view_service(views, &service::Config::patient(config.first.clone())));
        let mut stage = Stage::with(nodes, Duration::ZERO);
        stage.network = Link { fifo: pick.percent(50), ..Link::between(ms(1).min(delay), delay) };
        // a run is short: what talks without end is cut
        stage.limits.events = 40_000;
        stage.limits.effects = 120_000;
        Draft { stage, config, primary, backups, values: 10, seqs: BTreeMap::new(), delay }
    }
    /// Disks are slow: a message takes less time than a sync.
    fn slow_disks(&mut self) {
        self.delay = ms(1);
        self.stage.network.latency = Link::fixed(ms(1)).latency;
        self.stage.nodes.iter_mut().for_each(|node| node.sync = (ms(2), ms(5)));
    }
    fn due(&self) -> Duration {
        self.config.resend * DUE_RESENDS
    }
    fn all(&self) -> Vec<NodeId> {
        self.backups.iter().chain([&self.primary]).copied().collect()
    }

    // what clients do

    /// An append of the client, with the next number and a value like no other.
    fn append(&mut self, client: u32, key: &str) -> Request {
        self.values += 1;
        let seq = self.seqs.entry(client).or_default();
        *seq += 1;
        Request::Append { client, seq: *seq, key: Key::from(key), value: self.values }
    }
    /// The client asks for these, one after another. It tries each again after `timeout`, at these nodes in turn, until it has an answer.
    fn client(
        &mut self,
        client: u32,
        begins: impl Into<When>,
        to: &[NodeId],
        requests: Vec<Request>,
        think: Duration,
        timeout: Option<Duration>,
    ) {
        let operations = (1..).zip(&requests).map(|(id, request)| Operation {
            to: to.to_vec(),
            ..Operation::next::<PrimaryBackup>(id, NodeId(0), request)
        });
        let mut operations: Vec<Operation> = operations.collect();
        if let Some(first) = operations.first_mut() {
            first.at = Some(begins.into());
        }
        let asking = self.stage.client(client);
        (asking.operations, asking.think, asking.timeout, asking.attempts) =
            (operations, think, timeout, 255);
        asking.accepts = Some(Matcher::typed(|response: &Response| {
            matches!(response, Response::Appended { .. } | Response::Values(_))
        }));
    }
    /// A client appends to these keys in turn, so many times.
    fn appends(
        &mut self,
        client: u32,
        begins: impl Into<When>,
        keys: &[&str],
        many: u32,
        think: Duration,
        timeout: Option<Duration>,
    ) {
        let keys = keys.iter().cycle().take(many as usize);
        let requests = keys.map(|key| self.append(client, key)).collect();
        self.client(client, begins, &[self.primary], requests, think, timeout);
    }
    fn read(&mut self, reader: u32, begins: impl Into<When>, key: &str, timeout: Option<Duration>) {
        let request = Request::Read { key: Key::from(key) };
        self.client(READERS + reader, begins, &[self.primary], vec![request], ms(3), timeout);
    }
    fn audit(&mut self, when: impl Into<When>, node: NodeId) {
        self.stage.ask_by(AUDITORS + node.0, when, node, Request::Audit);
    }

    // harms

    fn harm(&mut self, when: impl Into<When>, harm: Harm, until: Until) {
        self.stage.harm(when, harm, until);
    }
    fn crash(&mut self, when: impl Into<When>, node: NodeId, disk: DiskLoss, down: Duration) {
        self.harm(when, Harm::Crash { node: Who::Node(node), disk }, Until::After(down));
    }
    fn hold(&mut self, when: impl Into<When>, from: Option<NodeId>, to: Option<NodeId>, until: Until) {
        let what = Some(Carried::Message);
        self.harm(when, Harm::Hold { from, to, nth: None, matches: None, what }, until);
    }
    fn cut(&mut self, when: impl Into<When>, from: NodeId, to: NodeId, until: Until) {
        self.harm(when, Harm::Cut { from: vec![from], to: vec![to] }, until);
    }
    /// Messages are lost, doubled and late so often.
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
        self.near_service();
    }
    /// The links between a backup and all others take so long, both ways.
    fn far(&mut self, node: NodeId, delay: Duration) {
        let link = Link { latency: Latency { min: delay, max: delay, tail: None }, ..self.stage.network };
        for (from, to) in [(Some(node), None), (None, Some(node))] {
            self.stage.links.push(LinkRule { from, to, link });
        }
        self.near_service();
    }
    /// The view service is near and nothing is lost on the way to it: this exercise is not about it.
    fn near_service(&mut self) {
        let service = self.stage.nodes.last().map(|node| node.id);
        let link = Link::between(ms(1), ms(1));
        for (from, to) in [(service, None), (None, service)] {
            self.stage.links.push(LinkRule { from, to, link });
        }
    }
    /// At this sight, all nodes crash and lose what is not synced, and no node reaches another one any more. Each is audited then.
    fn black_out(&mut self, sight: Sight) {
        const BOND: u8 = 1;
        let groups = self.all().into_iter().map(|node| vec![node]).collect();
        self.stage.harm(sight.clone(), Harm::Partition { groups }, Until::Never).bond = Some(BOND);
        for node in self.all() {
            let harm = Harm::Crash { node: Who::Node(node), disk: DiskLoss::All };
            self.stage.harm(sight.clone(), harm, Until::After(ms(5))).bond = Some(BOND);
            self.audit(sight.clone().after(ms(8)), node);
        }
    }

    // how runs end

    /// The run is over when every audit is answered; nothing is due.
    fn audits_only(mut self, end: Duration) -> Case {
        self.stage.end = end;
        let copies = Copies::new(&self.config);
        Rules::of(copies).and(Served::at_some_time(Counts::Audits)).judge(self.stage)
    }
    /// From the calm on nothing goes wrong. Every node is audited when it must have everything.
    fn calm(&mut self, at: Duration) {
        self.stage.calm = Some((at, Link::between(ms(1).min(self.delay), self.delay)));
        let when = at + self.due() * 2 + ms(20);
        for node in self.all() {
            self.audit(when, node);
        }
        self.stage.end = when + ms(200);
    }
    /// After the calm every client is answered and every copy is complete.
    fn calm_and_served(mut self, at: Duration) -> Case {
        self.calm(at);
        let (within, end) = (self.due(), self.stage.end);
        let copies = Copies::new(&self.config).catch_up(within);
        debug_assert!(end > at + within * 2);
        Rules::of(copies).and(Served::within(within, "20 × `resend`")).judge(self.stage)
    }
    /// The same for runs whose clients may be left without an answer.
    fn calm_and_equal(mut self, at: Duration) -> Case {
        self.calm(at);
        let copies = Copies::new(&self.config).catch_up(self.due());
        Rules::of(copies).and(Served::at_some_time(Counts::All)).judge(self.stage)
    }
}

/// How many nodes there are, for the `nth` run of a check.
fn nodes(nth: u32) -> u32 {
    [3, 2, 5, 3, 1][nth as usize % 5]
}

/// Every client is answered, and every copy gets everything.
pub(super) fn answers(pick: &mut Pick, nth: u32) -> Case {
    let is_sync = nth % 3 != 2;
    let mut draft = Draft::new(pick, nodes(nth), is_sync);
    let begin = draft.config.ping * PINGS;
    let kind = nth % 7;
    let restarts = kind >= 4;
    // clients whose request cannot get lost try once and wait
    let timeout = restarts.then(|| ms(40));
    for client in 1..=pick.small(3..=4) {
        let at = begin + pick.micros(0..=3_000);
        let many = if client == 3 { 3 } else { 2 };
        draft.appends(client, at, &[KEYS[(client / 2) as usize % 2]], many, ms(5), timeout);
    }
    draft.read(1, begin + ms(1), KEYS[0], timeout);
    let backup = (!draft.backups.is_empty()).then(|| *pick.one(&draft.backups));
    let bad = begin + ms(300);
    match (kind, backup) {
        (1, _) => draft.rough(30, 10, 10, ms(30)),
        (2, Some(backup)) => {
            draft.harm(begin, Harm::Isolate { node: Who::Node(backup) }, Until::Calm);
        }
        (3, Some(backup)) => draft.crash(begin, backup, DiskLoss::All, ms(250)),
        (4 | 5, _) => {
            let primary = draft.primary;
            let nth = pick.small(1..=4);
            let sight = see::asked::<PrimaryBackup>(is_append).at(primary).nth(nth);
            draft.crash(sight.after(pick.micros(0..=4_000)), primary, DiskLoss::Drawn, DOWN);
        }
        (6, Some(backup)) => {
            // the last appends do not reach a backup before the primary crashes, and no request follows
            let primary = draft.primary;
            let crash = Trigger::Seen(Pattern::of(SeenKind::Crashed));
            draft.cut(begin, primary, backup, Until::Trigger(crash));
            draft.crash(begin + ms(60), primary, DiskLoss::Drawn, DOWN);
        }
        _ => {}
    }
    let at = if kind == 0 { begin } else { bad };
    draft.calm_and_served(at)
}

/// All nodes crash at an answer.
pub(super) fn sync(pick: &mut Pick, nth: u32) -> Case {
    let is_sync = nth.is_multiple_of(2);
    let many = [3, 5, 3, 2, 3, 1][(nth / 2) as usize % 6];
    let mut draft = Draft::new(pick, many, is_sync);
    let begin = draft.config.ping * PINGS;
    let black_out = acknowledges().nth(pick.small(1..=6));
    let mut timeout = None;
    if nth % 4 >= 2 {
        draft.slow_disks();
    }
    match (nth / 12 % 4, draft.backups.first().copied()) {
        (1, Some(slow)) => {
            draft.rough(0, 100, 0, Duration::ZERO);
            let delay = draft.delay * 50;
            draft.far(slow, delay);
            timeout = Some(ms(60));
        }
        (2, Some(backup)) => {
            let primary = draft.primary;
            draft.appends(1, begin, &KEYS, 1, ms(2), None);
            draft.appends(2, begin + ms(10), &KEYS, 1, ms(2), None);
            let again = Trigger::Seen(Pattern::of(SeenKind::Requested).at(primary));
            draft.hold(begin + kit::us(100), Some(backup), Some(primary), Until::Trigger(again));
            let second = see::asked::<PrimaryBackup>(is_append).at(primary).nth(2);
            draft.cut(second, primary, backup, Until::After(ms(150)));
            draft.black_out(acknowledges().nth(pick.small(1..=2)));
            return draft.audits_only(begin + ms(400));
        }
        (3, Some(backup)) => {
            let late = Tail { chance: Chance::percent(60), max: draft.delay + ms(15) };
            let Link { latency, .. } = draft.stage.network;
            let latency = Latency { tail: Some(late), ..latency };
            let link = Link { latency, fifo: false, ..draft.stage.network };
            draft.stage.link(None, Some(backup), link);
        }
        _ => {}
    }
    for client in 1..=pick.small(2..=3) {
        let at = begin + pick.micros(0..=4_000);
        draft.appends(client, at, &KEYS[..2], 3, pick.micros(0..=4_000), timeout);
    }
    draft.black_out(black_out);
    draft.audits_only(begin + secs(1))
}

/// Reads and appends at all nodes; or all nodes crash at the answer to a read.
pub(super) fn reads(pick: &mut Pick, nth: u32) -> Case {
    let many = [3, 2, 3, 5][nth as usize % 4];
    let mut draft = Draft::new(pick, many, true);
    let begin = draft.config.ping * PINGS;
    let (primary, all) = (draft.primary, draft.all());
    let slow = *pick.one(&draft.backups);
    let timeout = Some(ms(15));
    if nth % 3 == 2 {
        // an append is under way, and what one backup or all of them get is held; meanwhile its list is read
        let held = pick.percent(50).then_some(slow);
        let from = begin + ms(12);
        draft.appends(1, begin, &KEYS[..1], 2, ms(15), None);
        let under_way = draft.values;
        let second = see::asked::<PrimaryBackup>(is_append).at(primary).nth(2);
        for reader in 1..=4 {
            draft.read(reader, second.clone().after(pick.micros(0..=4_000)), KEYS[0], None);
        }
        draft.hold(from, Some(primary), held, Until::After(ms(60)));
        let shows = move |response: &Response| matches!(response, Response::Values(values) if values.contains(&under_way));
        draft.black_out(see::answers::<PrimaryBackup>(shows).nth(pick.small(1..=3)));
        return draft.audits_only(begin + ms(500));
    }
    for client in 1..=3 {
        let keys = [KEYS[client as usize % 2]];
        let requests = (0..4).map(|_| draft.append(client, keys[0])).collect();
        let mut to = all.clone();
        pick.shuffle(&mut to);
        draft.client(client, begin + pick.micros(0..=5_000), &to, requests, pick.micros(0..=6_000), timeout);
    }
    for reader in 1..=3 {
        let requests = (0..5).map(|_| Request::Read { key: Key::from(*pick.one(&KEYS[..2])) }).collect();
        let mut to = all.clone();
        pick.shuffle(&mut to);
        draft.client(
            READERS + reader,
            begin + pick.micros(0..=9_000),
            &to,
            requests,
            pick.micros(1_000..=8_000),
            timeout,
        );
    }
    let delay = draft.delay * pick.small(5..=15);
    draft.far(slow, delay);
    if nth % 3 == 1 {
        let at = begin + pick.millis(5..=80);
        draft.crash(at, primary, DiskLoss::Drawn, DOWN);
    }
    draft.calm_and_equal(begin + ms(250))
}

/// Audits of every node at any time.
pub(super) fn order(pick: &mut Pick, nth: u32) -> Case {
    let is_sync = nth.is_multiple_of(2);
    let many = [3, 4, 2][nth as usize % 3];
    let mut draft = Draft::new(pick, many, is_sync);
    let begin = draft.config.ping * PINGS;
    draft.rough(20, 30, 30, ms(60));
    let at = begin + pick.micros(0..=2_000);
    for client in 1..=3 {
        // two of the clients ask at the same moment
        let at = if client == 3 { at + ms(1) } else { at };
        draft.appends(client, at, &KEYS, 5, pick.micros(0..=6_000), Some(ms(60)));
    }
    for node in draft.all() {
        for _ in 0..8 {
            draft.audit(begin + pick.micros(0..=160_000), node);
        }
    }
    if nth % 4 >= 2 {
        let backup = *pick.one(&draft.backups);
        let when = begin + pick.millis(5..=120);
        draft.crash(when, backup, DiskLoss::Drawn, ms(2));
    }
    draft.calm_and_equal(begin + ms(200))
}

/// Impatient clients try again and again.
pub(super) fn once(pick: &mut Pick, nth: u32) -> Case {
    let many = [3, 2, 3, 4][nth as usize % 4];
    let mut draft = Draft::new(pick, many, nth % 8 != 7);
    let begin = draft.config.ping * PINGS;
    let (primary, slow) = (draft.primary, *pick.one(&draft.backups));
    draft.far(slow, ms(60));
    let clients = pick.small(2..=3);
    for client in 1..=clients {
        let at = begin + pick.micros(0..=8_000);
        draft.appends(client, at, &KEYS[..2], 2, ms(3), Some(ms(10)));
    }
    match nth % 3 {
        0 => {
            if nth % 6 == 3 {
                // a primary that has restarted does not know what its backups have
                let first = see::asked::<PrimaryBackup>(is_append).at(primary);
                draft.crash(first.after(pick.micros(300..=4_000)), primary, DiskLoss::All, ms(5));
            }
            draft.black_out(acknowledges().nth(pick.small(1..=3)));
            return draft.audits_only(begin + ms(900));
        }
        1 => {
            let tries = see::asked::<PrimaryBackup>(is_append).at(primary).nth(pick.small(1..=9));
            draft.crash(tries.after(pick.micros(0..=6_000)), primary, DiskLoss::Drawn, ms(5));
        }
        _ => {
            let backup = *pick.one(&draft.backups);
            draft.crash(begin + pick.millis(5..=150), backup, DiskLoss::All, ms(5));
            draft.rough(10, 20, 10, ms(20));
        }
    }
    draft.calm_and_equal(begin + ms(350))
}

/// Far or cut off backups in asynchronous mode.
pub(super) fn async_mode(pick: &mut Pick, nth: u32) -> Case {
    let many = [3, 2, 4][nth as usize % 3];
    let (is_far, ping) = (nth.is_multiple_of(2), ms(40));
    let resend = if is_far { ms(200) } else { ms(*pick.one(&[20, 40])) };
    let delay = ms(pick.number(1..=3));
    let mut draft = Draft::with(pick, many, false, delay, resend, ping);
    let begin = ping * PINGS;
    let why = if is_far {
        draft.stage.network = Link::fixed(ms(80));
        "messages take 80 ms, and the answer must wait for no message"
    } else {
        let groups = draft.all().into_iter().map(|node| vec![node]).collect();
        draft.harm(begin - ms(1), Harm::Partition { groups }, Until::Calm);
        "the primary is cut off from the backups, and the answer must wait for no backup"
    };
    draft.near_service();
    for client in 1..=3 {
        let at = begin + pick.micros(0..=9_000);
        draft.appends(client, at, &KEYS[..2], 4, pick.micros(0..=9_000), None);
    }
    let calm = begin + ms(120);
    // two appends, far apart, when nothing goes wrong any more; the calm of far nodes is near
    let within = resend * 10;
    for (client, at) in [(11, calm + ms(1)), (12, calm + ms(2) + within + resend)] {
        draft.appends(client, at, &KEYS[..1], 1, ms(1), None);
    }
    draft.calm(calm);
    let copies = Copies::new(&draft.config).catch_up(draft.due()).safe_within(within);
    let prompt = Prompt::new(ms(20), begin, why);
    let served = Served::within(draft.due(), "20 × `resend`");
    Rules::of(copies).and(prompt).and(served).judge(draft.stage)
}

/// All nodes crash at an answer that calls something safe, in asynchronous mode.
pub(super) fn safe(pick: &mut Pick, nth: u32) -> Case {
    let many = [3, 5, 3][nth as usize % 3];
    let mut draft = Draft::new(pick, many, nth % 4 == 3);
    let begin = draft.config.ping * PINGS;
    let slow = *pick.one(&draft.backups);
    draft.rough(0, 40, 40, ms(25));
    let delay = draft.delay * pick.small(5..=12);
    draft.far(slow, delay);
    if nth % 3 == 1 {
        // the far one gets some of it, and no more
        let primary = draft.primary;
        draft.cut(begin + pick.millis(20..=90), primary, slow, Until::Never);
    }
    for client in 1..=2 {
        let at = begin + pick.micros(0..=5_000);
        draft.appends(client, at, &KEYS[..2], 20, pick.micros(2_000..=7_000), None);
    }
    let sight = see::answers::<PrimaryBackup>(
        |response| matches!(response, Response::Appended { safe, .. } if *safe > 0),
    );
    if nth % 4 == 3 {
        // what is called safe may be acknowledged later than its copies are looked at
        for node in draft.all() {
            for place in 1..=12 {
                draft.audit(sight.clone().nth(place), node);
            }
        }
        return draft.calm_and_equal(begin + ms(300));
    }
    draft.black_out(sight.nth(pick.small(1..=12)));
    draft.audits_only(begin + secs(1))
}

/// A crash after each effect.
pub(super) fn crash_points(pick: &mut Pick, _nth: u32) -> Case {
    let point = pick.point();
    let run = pick.run();
    let mut draft = Draft::new(pick, 3, true);
    draft.stage.network.fifo = true;
    let begin = ms(1);
    if run % 3 == 1 {
        draft.slow_disks();
    }
    // a primary that has crashed is asked by the other client first
    draft.appends(1, begin, &KEYS[..1], 2, ms(1), Some(ms(30)));
    draft.appends(2, begin + ms(1), &KEYS[..2], 1, ms(1), Some(ms(7)));
    let disk = [DiskLoss::Drawn, DiskLoss::All, DiskLoss::Drawn][run as usize % 3];
    let crash = |draft: &mut Draft, nth: u32| {
        let when = When::on(Trigger::AnyEffect { nth: nth.into() });
        draft.harm(when, Harm::Crash { node: Who::Culprit, disk }, Until::After(DOWN));
    };
    if point <= CRASHES {
        crash(&mut draft, point);
    } else {
        let (first, second) = judge::pair(point - CRASHES);
        crash(&mut draft, FIRST_OF_A_PAIR + first);
        crash(&mut draft, FIRST_OF_A_PAIR + second);
    }
    draft.calm_and_equal(begin + ms(200))
}
/// So many effects are each followed by a crash.
const CRASHES: u32 = 72;
/// The first effects, in which nodes start, are not tried in pairs.
const FIRST_OF_A_PAIR: u32 = 9;
/// So many effects after them are tried in pairs.
const PAIRED: u32 = 16;
pub(super) const POINTS: u32 = CRASHES + judge::pairs(PAIRED);

/// Nothing goes wrong, and one client appends.
pub(super) fn cost(pick: &mut Pick, nth: u32) -> Case {
    let many = nth % 4 + 2;
    let delay = ms(5);
    let ping = ms(100);
    let mut draft = Draft::with(pick, many, true, delay, delay * 20, ping);
    draft.stage.network = Link::fixed(delay);
    let (begin, appends) = (ping * PINGS, 120);
    let requests = (0..appends).map(|place| draft.append(1, &format!("k{place}"))).collect();
    draft.client(1, begin, &[draft.primary], requests, Duration::ZERO, None);
    let budget = Budget {
        nodes: many,
        appends,
        from: begin,
        resend: draft.config.resend,
        ping,
        answer: delay * (many + 1) + kit::us(4 * 300),
    };
    draft.stage.end = begin + budget.answer * appends + draft.config.resend * 12;
    let copies = Copies::new(&draft.config);
    Rules::of(copies).and(Costs::new(budget)).judge(draft.stage)
}
