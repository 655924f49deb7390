//! `session`: the runs. One user with one or two devices, three replicas that are behind by different times, and other users.
//!
//! Every run ends in the same way: nothing goes wrong any more, and each device writes and reads once more.

use super::oracle::{Goals, Session};
use super::replica::{Another, Habits, Hints, replica};
use judge::{Case, Pick};
use kit::see::{self, Sight};
use kit::{Rules, Stage, clocks, in_order, ms};
use lab::NodeId;
use lab::session::{Config, Device, Event, Key, Message, Request, Response};
use std::time::Duration;
use world::{
    Carried, Chance, ClientId, DiskLoss, Harm, Link, Matcher, NodeSpec, OperationId, SeenKind, Trigger,
    Until, When, Who,
};

/// Clients that are other users have numbers from here on.
const OTHERS: u32 = 200;
/// How long a device that crashed is down.
const DOWN: Duration = ms(5);
/// The keys of a run.
const KEYS: u32 = 3;

/// A run that is being made.
struct Draft {
    stage: Stage<Device>,
    devices: Vec<NodeId>,
    /// The nearest one first.
    replicas: Vec<NodeId>,
    habits: Vec<Habits>,
    /// Who leads from which time on, as places among the replicas.
    leads: Vec<(Duration, usize)>,
    hints: Hints,
    patience: Duration,
    give_up: Duration,
    values: u64,
    others: u32,
    spares: bool,
}

impl Draft {
    /// So many devices, three replicas or sometimes two, with names that tell nothing, on a clean network.
    fn new(pick: &mut Pick, devices: usize) -> Draft {
        let replicas = if pick.percent(15) { 2 } else { 3 };
        Draft::of(pick, devices, replicas)
    }
    fn of(pick: &mut Pick, devices: usize, replicas: usize) -> Draft {
        let patience = ms(*pick.one(&[60, 80, 100]));
        let far = pick.number(6..=patience.as_millis() as u64 / 4 - 4);
        let delays = [pick.number(1..=2), pick.number(2..=6), far].map(ms);
        let delays = if replicas == 2 { vec![delays[0], delays[2]] } else { delays.to_vec() };
        Draft::placed(pick, devices, patience, &delays)
    }
    /// Replicas that are so far away.
    fn placed(pick: &mut Pick, devices: usize, patience: Duration, delays: &[Duration]) -> Draft {
        let mut names: Vec<NodeId> = (1..=7).map(NodeId).collect();
        pick.shuffle(&mut names);
        let replicas = names.split_off(names.len() - delays.len());
        let devices = names[..devices].to_vec();
        let give_up = patience * pick.small(20..=30);
        let config = Config { replicas: replicas.clone(), patience, give_up };
        let nodes = devices.iter().map(|id| {
            let mut node = NodeSpec::guest::<Device>(*id, &config).named("device");
            clocks::wrong(pick, &mut node);
            node
        });
        let mut stage = Stage::with(nodes.collect(), Duration::ZERO);
        stage.network = in_order(ms(1), ms(3)); // among replicas
        stage.regions = true;
        for device in &devices {
            for (replica, delay) in replicas.iter().zip(delays) {
                let link = Link { fifo: pick.percent(50), ..Link::between(*delay * 3 / 4, *delay) };
                stage.link(Some(*device), Some(*replica), link);
                stage.link(Some(*replica), Some(*device), link);
            }
            for other in devices.iter().filter(|other| *other != device) {
                let duplication = Chance::percent(*pick.one(&[0, 50]));
                let late = ms(*pick.one(&[2, 50]));
                stage.link(Some(*device), Some(*other), Link { duplication, ..Link::between(ms(1), late) });
            }
        }
        for device in devices.clone() {
            clocks::unsteady(pick, &mut stage, device);
        }
        let step = *pick.one(&[1, 1, 10]);
        let habits = vec![Habits { replicas: replicas.clone(), step, ..Habits::default() }; replicas.len()];
        let hints = *pick.one(&[Hints::Right, Hints::Nobody, Hints::Wrong]);
        let leader = pick.small(0..=replicas.len() as u32 - 1) as usize;
        let leads = vec![(Duration::ZERO, leader)];
        let (values, others, spares) = (10, 0, false);
        Draft { stage, devices, replicas, habits, leads, hints, patience, give_up, values, others, spares }
    }

    /// The replica at this place leads from the beginning.
    fn leads(&mut self, place: usize) {
        self.leads = vec![(Duration::ZERO, place)];
    }
    /// The replica at this place leads from that time on.
    fn leads_from(&mut self, from: Duration, place: usize) {
        self.leads.push((from, place));
    }
    /// The first leader.
    fn leader(&self) -> NodeId {
        self.replicas[self.leads[0].1]
    }
    /// The nearest replica that does not lead, and all others.
    fn followers(&self) -> Vec<NodeId> {
        self.replicas.iter().copied().filter(|id| *id != self.leader()).collect()
    }
    fn place(&self, replica: NodeId) -> usize {
        self.replicas.iter().position(|id| *id == replica).unwrap_or(0)
    }
    /// From this time on, the replica applies writes so much later.
    fn lags(&mut self, replica: NodeId, from: Duration, lag: Duration) {
        let place = self.place(replica);
        self.habits[place].lags.push((from, lag));
    }
    /// All followers are behind by this much from the beginning.
    fn all_lag(&mut self, lag: Duration) {
        for id in self.replicas.clone() {
            self.lags(id, Duration::ZERO, lag);
        }
    }
    fn value(&mut self) -> u64 {
        self.values += 1;
        self.values
    }
    /// The user writes something new.
    fn write(&mut self, when: impl Into<When>, device: NodeId, key: Key) -> Over {
        let value = self.value();
        self.asks(when, device, Request::Write { key, value })
    }
    fn read(&mut self, when: impl Into<When>, device: NodeId, key: Key) -> Over {
        self.asks(when, device, Request::Read { key })
    }
    fn hand_over(&mut self, when: impl Into<When>, from: NodeId, to: NodeId) {
        self.stage.ask(when, from, Request::Handoff { to });
    }
    fn asks(&mut self, when: impl Into<When>, device: NodeId, request: Request) -> Over {
        Over(ClientId(device.0), self.stage.ask(when, device, request))
    }
    /// Another user writes, by way of a replica.
    fn other(&mut self, when: impl Into<When>, key: Key) {
        let value = self.value();
        self.others += 1;
        let to = self.leader();
        let request = lab::frame::encode(&Another::Write { key, value });
        let client = self.stage.client(OTHERS);
        let id = OperationId(self.others);
        client.operations.push(world::Operation { id, at: Some(when.into()), to: vec![to], request });
    }

    // sights

    fn resumes(device: NodeId) -> Sight {
        see::emits::<Device>(|event| matches!(event, Event::Resumed { .. })).at(device)
    }
    fn written(device: NodeId) -> Sight {
        see::answers::<Device>(|response| *response == Response::Written).at(device)
    }
    fn shown(device: NodeId) -> Sight {
        see::answers::<Device>(|response| matches!(response, Response::Value(_))).at(device)
    }
    /// The leader gets a write.
    fn gets_write(replica: NodeId) -> Sight {
        see::gets::<Message>(|message| matches!(message, Message::Write { .. })).at(replica)
    }

    // harms

    fn harm(&mut self, when: impl Into<When>, harm: Harm, until: Until) {
        self.stage.harm(when, harm, until);
    }
    /// Nothing passes between a device and these replicas.
    fn cut(&mut self, when: impl Into<When>, device: NodeId, replicas: &[NodeId], until: Until) {
        let when = when.into();
        let (device, replicas) = (vec![device], replicas.to_vec());
        let out = Harm::Cut { from: device.clone(), to: replicas.clone() };
        self.harm(when.clone(), out, until.clone());
        self.harm(when, Harm::Cut { from: replicas, to: device }, until);
    }
    /// Messages of this kind are held back; only the `nth`, if there is one.
    fn hold(
        &mut self,
        when: impl Into<When>,
        [from, to]: [NodeId; 2],
        nth: Option<u32>,
        fits: fn(&Message) -> bool,
        until: Until,
    ) {
        let (what, matches) = (Some(Carried::Message), Some(Matcher::typed(fits)));
        self.harm(when, Harm::Hold { from: Some(from), to: Some(to), nth, matches, what }, until);
    }
    fn crash(&mut self, when: impl Into<When>, node: NodeId, disk: DiskLoss) {
        self.harm(when, Harm::Crash { node: Who::Node(node), disk }, Until::After(DOWN));
    }
    /// The replica is gone for good.
    fn dies(&mut self, when: impl Into<When>, replica: NodeId) {
        self.harm(when, Harm::Crash { node: Who::Node(replica), disk: DiskLoss::All }, Until::Never);
    }
    /// For so long, messages between devices and replicas are lost and doubled so often, and late by up to so much.
    fn rough(&mut self, [loss, duplication]: [u32; 2], late: Duration, from: Duration, until: Duration) {
        let [loss, duplication] = [loss, duplication].map(Chance::percent);
        for device in self.devices.clone() {
            for replica in self.replicas.clone() {
                for (from_node, to_node) in [(device, replica), (replica, device)] {
                    let harm = Harm::Worse {
                        from: Some(from_node),
                        to: Some(to_node),
                        loss,
                        duplication,
                        corruption: Chance::NEVER,
                        late,
                    };
                    self.harm(from, harm, Until::After(until - from));
                }
            }
        }
    }

    /// The end of every run.
    fn calm(mut self, pick: &mut Pick, at: Duration) -> Case {
        for device in self.devices.clone() {
            let first = at + pick.millis(1..=20);
            let key = Key(pick.small(1..=KEYS));
            let written = self.write(first, device, key);
            self.read(first, device, key);
            for key in (1..=KEYS).map(Key) {
                self.read(written.at_once(), device, key);
            }
        }
        let (one, two) = (self.devices[0], self.devices.get(1).copied());
        if let Some(two) = two {
            self.hand_over(at + ms(30), one, two);
        }
        self.case(at)
    }
    fn case(mut self, at: Duration) -> Case {
        self.stage.calm = Some((at, in_order(ms(1), ms(3))));
        let leads: Vec<(Duration, NodeId)> =
            self.leads.iter().map(|(from, place)| (*from, self.replicas[*place])).collect();
        for (id, habits) in self.replicas.iter().zip(&self.habits) {
            let habits = Habits { leads: leads.clone(), hints: self.hints, ..habits.clone() };
            self.stage.nodes.push(replica(*id, &habits));
        }
        self.stage.nodes.sort_by_key(|node| node.id);
        self.stage.end = at + self.give_up * 2;
        let goals = Goals {
            spares: self.spares.then(|| self.leader()),
            replicas: self.replicas,
            devices: self.devices,
            patience: self.patience,
            give_up: self.give_up,
        };
        Rules::of(Session::new(goals)).judge(self.stage)
    }
}

/// The end of an operation.
#[derive(Clone, Copy)]
struct Over(ClientId, OperationId);
impl Over {
    fn trigger(self) -> Trigger {
        Trigger::Ended { client: self.0, operation: self.1 }
    }
    fn after(self, after: Duration) -> When {
        When::On { trigger: self.trigger(), nth: 1, after }
    }
    fn at_once(self) -> When {
        self.after(Duration::ZERO)
    }
    fn until(self) -> Until {
        Until::Trigger(self.trigger())
    }
}

const K1: Key = Key(1);
const K2: Key = Key(2);

fn is_written(message: &Message) -> bool {
    matches!(message, Message::Written { .. })
}
fn is_value(message: &Message) -> bool {
    matches!(message, Message::Value { .. })
}
fn is_token(message: &Message) -> bool {
    matches!(message, Message::Token(_))
}

// answers

/// Replicas are silent, behind, or do not lead, and every request is answered all the same.
pub(super) fn answers(pick: &mut Pick, nth: u32) -> Case {
    match nth % 8 {
        0 => leader_gone(pick),
        1 => change_in_the_middle(pick),
        2 => lossy(pick),
        3 => hints(pick),
        4 => two_silent(pick),
        5 => token_ahead(pick),
        6 => many_at_once(pick),
        _ => swarm(pick, 2),
    }
}
/// The leader dies when it has answered a write, and the followers have that write later.
fn leader_gone(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 1);
    let (device, leader) = (draft.devices[0], draft.leader());
    draft.all_lag(ms(400));
    draft.write(ms(20), device, K1);
    let written = Draft::written(device);
    draft.dies(written.clone(), leader);
    for after in [0, 0, 1, 40] {
        draft.read(written.clone().after(ms(after)), device, Key(pick.small(1..=2)));
    }
    // nobody leads any more: a write ends as unavailable, and the last one is not asked for
    draft.write(written.after(ms(10)), device, K2);
    draft.without_leader(pick, ms(600))
}
/// The leader dies while writes are under way, and another one takes over.
fn change_in_the_middle(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 1);
    let device = draft.devices[0];
    let (old, new) = (draft.leader(), *pick.one(&draft.followers()));
    let change = ms(300);
    draft.leads_from(change, draft.place(new));
    draft.all_lag(ms(pick.number(0..=100)));
    for key in [K1, K2, K1] {
        let at = pick.micros(150_000..=290_000);
        draft.write(at, device, key);
        draft.read(at, device, key);
    }
    let dies = Draft::gets_write(old).nth(pick.small(1..=3));
    match pick.small(0..=2) {
        0 => draft.dies(dies, old),
        1 => draft.dies(Sight::of(SeenKind::Sent).at(old).with(new).nth(pick.small(1..=3)), old),
        _ => draft.cut(dies, device, &[old], Until::Calm),
    }
    draft.calm(pick, ms(700))
}
/// Three in ten messages are lost for a while, and several requests are under way.
fn lossy(pick: &mut Pick) -> Case {
    let devices = pick.small(1..=2) as usize;
    let mut draft = Draft::new(pick, devices);
    draft.all_lag(ms(pick.number(0..=50)));
    let over = draft.patience * 8;
    draft.rough([30, *pick.one(&[0, 30])], ms(*pick.one(&[0, 20])), ms(1), over);
    draft.ask_around(pick, 6, over);
    draft.calm(pick, over)
}
/// The leader is far, and the others say that another one leads, or that they do not know.
fn hints(pick: &mut Pick) -> Case {
    let mut draft = Draft::of(pick, 1, 3);
    draft.hints = *pick.one(&[Hints::Wrong, Hints::Wrong, Hints::Nobody, Hints::Right]);
    draft.leads(*pick.one(&[2, 2, 1, 0]));
    draft.ask_around(pick, 6, ms(200));
    draft.calm(pick, ms(250))
}
/// Only one replica can be reached.
fn two_silent(pick: &mut Pick) -> Case {
    let mut draft = Draft::of(pick, 1, 3);
    let device = draft.devices[0];
    let leads = pick.percent(50);
    let only = if leads { draft.leader() } else { *pick.one(&draft.followers()) };
    draft.all_lag(ms(pick.number(0..=200)));
    draft.other(ms(5), K1);
    let before = draft.write(ms(10), device, K1);
    draft.only(before.at_once(), device, only, Until::Calm);
    for after in [0, 0, 30] {
        draft.read(before.after(ms(after)), device, K1);
    }
    if leads {
        draft.write(before.after(ms(10)), device, K2);
    }
    let lasts = draft.give_up + ms(100);
    draft.calm(pick, lasts)
}
/// The other device's token is ahead of the replicas that this one can reach.
fn token_ahead(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 2);
    let (one, two, leader) = (draft.devices[0], draft.devices[1], draft.leader());
    draft.all_lag(ms(pick.number(100..=400)));
    let written = draft.write(ms(20), one, K1);
    draft.hand_over(written.at_once(), one, two);
    let lasts = draft.give_up + ms(100);
    draft.cut(ms(1), two, &[leader], Until::After(lasts));
    for after in [0, 0, 30] {
        draft.read(Draft::resumes(two).after(ms(after)), two, K1);
    }
    draft.calm(pick, lasts)
}
/// Many requests are made before the first one is answered.
fn many_at_once(pick: &mut Pick) -> Case {
    let devices = pick.small(1..=2) as usize;
    let mut draft = Draft::new(pick, devices);
    draft.all_lag(ms(pick.number(0..=300)));
    draft.ask_around(pick, 20, ms(25));
    draft.calm(pick, ms(400))
}

// own writes

/// The replicas are behind what the user has written.
pub(super) fn own_writes(pick: &mut Pick, nth: u32) -> Case {
    match nth % 8 {
        0 => behind(pick),
        1 => only_laggards(pick),
        2 => near_dies(pick),
        3 => change_between(pick),
        4 => answers_lost(pick),
        5 => late_written(pick),
        6 => at_the_same_time(pick),
        _ => swarm(pick, 1),
    }
}
/// Reads at once, and a while after each write.
fn behind(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 1);
    let device = draft.devices[0];
    for follower in draft.followers() {
        let lag = ms(*pick.one(&[0, 60, 200, 700, 2_000]));
        draft.lags(follower, Duration::ZERO, lag);
    }
    for place in 0..3 {
        let key = Key(pick.small(1..=2));
        let written = draft.write(ms(20) + ms(400) * place, device, key);
        for after in [0, 50, 300] {
            draft.read(written.after(ms(after)), device, key);
        }
    }
    draft.calm(pick, ms(1_600))
}
/// After the write, only replicas that lack it can be reached.
fn only_laggards(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 1);
    let (device, leader) = (draft.devices[0], draft.leader());
    draft.all_lag(ms(*pick.one(&[150, 400, 1_500])));
    draft.other(ms(5), K1);
    let written = draft.write(ms(20), device, K1);
    draft.cut(written.at_once(), device, &[leader], Until::Calm);
    for after in [0, 50, 300] {
        draft.read(written.after(ms(after)), device, K1);
    }
    draft.calm(pick, ms(1_200))
}
/// The nearest replica dies after the write, and the others are behind.
fn near_dies(pick: &mut Pick) -> Case {
    let mut draft = Draft::of(pick, 1, 3);
    let (device, near) = (draft.devices[0], draft.replicas[0]);
    draft.leads(pick.small(0..=1) as usize);
    if draft.leader() == near {
        draft.leads_from(ms(200), 1);
    }
    draft.all_lag(ms(pick.number(50..=300)));
    let written = draft.write(ms(20), device, K1);
    draft.dies(written.at_once(), near);
    for after in [0, 50, 300] {
        draft.read(written.after(ms(after)), device, K1);
    }
    draft.calm(pick, ms(900))
}
/// Another replica leads before the reads.
fn change_between(pick: &mut Pick) -> Case {
    let mut draft = Draft::of(pick, 1, 3);
    let device = draft.devices[0];
    let (old, followers) = (draft.leader(), draft.followers());
    let (new, third) = (followers[1], followers[0]);
    draft.leads_from(ms(150), draft.place(new));
    draft.lags(new, Duration::ZERO, ms(500));
    draft.lags(third, Duration::ZERO, ms(1_000));
    for key in [K1, K2] {
        let written = draft.write(pick.micros(20_000..=60_000), device, key);
        draft.dies(written.at_once(), old);
        for after in [0, 100, 300] {
            draft.read(written.after(ms(after)), device, key);
        }
    }
    draft.calm(pick, ms(900))
}
/// The first answers to a write are lost, so the device sends it again.
fn answers_lost(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 1);
    let (device, leader) = (draft.devices[0], draft.leader());
    draft.all_lag(ms(*pick.one(&[0, 300])));
    let written = draft.write(ms(20), device, K1);
    for nth in 1..=pick.small(1..=3) {
        let lose = Harm::Lose {
            from: Some(leader),
            to: Some(device),
            nth: Some(nth),
            matches: Some(Matcher::typed(is_written)),
            what: Some(Carried::Message),
        };
        draft.harm(ms(1), lose, Until::Calm);
    }
    // another user writes between the tries
    draft.other(ms(60), K1);
    draft.read(written.at_once(), device, K1);
    draft.read(written.after(ms(50)), device, K1);
    draft.calm(pick, ms(900))
}
/// A copy of the answer to the first write arrives while the second one is on its way.
fn late_written(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 1);
    let (device, leader) = (draft.devices[0], draft.leader());
    draft.all_lag(ms(*pick.one(&[0, 300])));
    let first = draft.write(ms(20), device, K1);
    let repeat = Harm::Repeat {
        from: Some(leader),
        to: Some(device),
        nth: Some(1),
        matches: Some(Matcher::typed(is_written)),
        what: Some(Carried::Message),
        after: ms(60),
    };
    draft.harm(ms(1), repeat, Until::Calm);
    let second = draft.write(first.after(ms(10)), device, Key(pick.small(1..=2)));
    let replicas = draft.replicas.clone();
    let cut = Harm::Cut { from: vec![device], to: replicas };
    draft.harm(first.after(ms(5)), cut, Until::After(ms(150)));
    draft.read(second.at_once(), device, K1);
    draft.calm(pick, ms(600))
}
/// Reads and writes of several keys are under way at once.
fn at_the_same_time(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 1);
    let device = draft.devices[0];
    draft.all_lag(ms(*pick.one(&[30, 100, 400])));
    draft.other(ms(5), K2);
    let mut when = When::At(ms(20));
    for round in 0..3 {
        let key = Key(round % 2 + 1);
        let other = Key((round + 1) % 2 + 1);
        let written = draft.write(when, device, key);
        for at in [written.at_once(), written.after(ms(1))] {
            draft.read(at.clone(), device, key);
            draft.read(at.clone(), device, other);
            draft.write(at, device, other);
        }
        when = written.after(ms(60));
    }
    draft.calm(pick, ms(800))
}

// monotonic reads

/// Replicas that are behind by different times take turns in being the nearest one.
pub(super) fn monotonic(pick: &mut Pick, nth: u32) -> Case {
    match nth % 6 {
        0 => turns(pick),
        1 => pauses(pick),
        2 => position_goes_back(pick),
        3 => late_value(pick),
        4 => unsteady(pick),
        _ => swarm(pick, 1),
    }
}
/// Reads by turns at the leader alone and at followers alone.
fn turns(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 1);
    let (device, leader) = (draft.devices[0], draft.leader());
    for follower in draft.followers() {
        let lag = ms(*pick.one(&[100, 300, 600]));
        draft.lags(follower, Duration::ZERO, lag);
    }
    for _ in 0..8 {
        let at = pick.micros(5_000..=500_000);
        draft.other(at, K1);
    }
    let mut when = When::At(ms(20));
    let mut begins = When::At(ms(10));
    for round in 0..6 {
        let read = draft.read(when, device, K1);
        let silent = if round % 2 == 0 { draft.followers() } else { vec![leader] };
        draft.cut(begins, device, &silent, read.until());
        if pick.percent(30) {
            draft.write(read.at_once(), device, K2);
        }
        when = read.after(ms(20));
        begins = read.after(ms(10));
    }
    draft.calm(pick, ms(2_500))
}
/// Replicas stand still by turns.
fn pauses(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 1);
    let device = draft.devices[0];
    for follower in draft.followers() {
        let lag = ms(*pick.one(&[0, 50, 200]));
        draft.lags(follower, Duration::ZERO, lag);
    }
    for place in 0..10 {
        draft.other(ms(10) + ms(60) * place, K1);
    }
    for place in 0..4 {
        let node = Who::Node(*pick.one(&draft.replicas));
        let at = ms(20) + ms(150) * place + pick.millis(0..=80);
        draft.harm(at, Harm::Pause { node }, Until::After(pick.millis(50..=300)));
    }
    for place in 0..20 {
        draft.read(ms(20) + ms(35) * place, device, K1);
    }
    draft.write(ms(300), device, K1);
    draft.calm(pick, ms(900))
}
/// A write's answer is late: its position is lower than what was read meanwhile.
fn position_goes_back(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 1);
    let (device, leader) = (draft.devices[0], draft.leader());
    for follower in draft.followers() {
        draft.lags(follower, ms(40), ms(1_500));
    }
    let write = draft.write(ms(10), device, *pick.one(&[K1, K2]));
    for at in [48, 50] {
        draft.other(ms(at), K1);
    }
    let read = draft.read(ms(60), device, K1);
    let followers = draft.followers();
    draft.cut(ms(45), device, &followers, read.until());
    draft.hold(ms(1), [leader, device], None, is_written, read.until());
    draft.cut(write.at_once(), device, &[leader], Until::Calm);
    draft.read(write.after(ms(2)), device, K1);
    draft.read(write.after(ms(40)), device, K1);
    draft.calm(pick, ms(1_000))
}
/// The answer to an earlier read, of another key or of the same one, arrives late.
fn late_value(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 1);
    let (device, near) = (draft.devices[0], draft.replicas[0]);
    for follower in draft.followers() {
        draft.lags(follower, ms(30), ms(*pick.one(&[0, 500])));
    }
    draft.other(ms(5), K1);
    draft.other(ms(10), K2);
    let first = draft.read(ms(50), device, K1);
    draft.other(ms(55), K1);
    let begins = ms(30);
    let second = draft.read(first.after(ms(10)), device, *pick.one(&[K2, K2, K1]));
    let asked = first.after(ms(10));
    let until = match asked.clone() {
        When::On { .. } => Until::Trigger(Trigger::Began { client: second.0, operation: second.1 }),
        When::At(_) => Until::Calm,
    };
    draft.hold(begins, [near, device], Some(1), is_value, until);
    let cut = Harm::Cut { from: vec![device], to: draft.replicas.clone() };
    draft.harm(first.after(ms(5)), cut, Until::After(ms(50)));
    draft.read(second.at_once(), device, K1);
    draft.calm(pick, ms(800))
}
/// Messages take longer, are doubled and overtake each other, while other users write.
fn unsteady(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 1);
    let device = draft.devices[0];
    for follower in draft.followers() {
        let lag = ms(*pick.one(&[0, 30, 150]));
        draft.lags(follower, Duration::ZERO, lag);
    }
    for place in 0..10 {
        draft.other(ms(10) + ms(50) * place, Key(pick.small(1..=2)));
    }
    draft.rough([*pick.one(&[0, 20]), 50], ms(*pick.one(&[20, 60])), ms(5), ms(600));
    for place in 0..16 {
        draft.read(ms(20) + ms(35) * place, device, Key(pick.small(1..=2)));
    }
    draft.calm(pick, ms(700))
}

// two devices

/// The session goes on at the other device.
pub(super) fn devices(pick: &mut Pick, nth: u32) -> Case {
    match nth % 6 {
        0 => carried_over(pick, true),
        1 => carried_over(pick, false),
        2 => lower_token(pick),
        3 => tokens_overtake(pick),
        4 => there_and_back(pick),
        _ => swarm(pick, 2),
    }
}
/// What was written or read at one device is read at the other one, where only a replica can be reached that lacks it.
fn carried_over(pick: &mut Pick, writes: bool) -> Case {
    let mut draft = Draft::new(pick, 2);
    let (one, two, leader) = (draft.devices[0], draft.devices[1], draft.leader());
    draft.all_lag(ms(*pick.one(&[200, 800])));
    draft.other(ms(5), K1);
    let seen = if writes {
        draft.write(ms(20), one, K1)
    } else {
        let followers = draft.followers();
        draft.cut(ms(1), one, &followers, Until::After(ms(150)));
        draft.read(ms(20), one, K1)
    };
    // a request that is open at the handoff is no part of it
    draft.write(seen.after(ms(1)), one, K2);
    draft.hand_over(seen.after(ms(1)), one, two);
    draft.cut(ms(1), two, &[leader], Until::Calm);
    for after in [0, 60] {
        draft.read(Draft::resumes(two).after(ms(after)), two, K1);
    }
    draft.read(Draft::resumes(two), two, K2);
    draft.calm(pick, ms(1_000))
}
/// The other device has seen more than the token says.
fn lower_token(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 2);
    let (one, two, leader) = (draft.devices[0], draft.devices[1], draft.leader());
    for follower in draft.followers() {
        draft.lags(follower, ms(40), ms(1_500));
    }
    draft.write(ms(5), one, K1);
    for at in [48, 50] {
        draft.other(ms(at), K1);
    }
    let followers = draft.followers();
    let ahead = if pick.percent(50) { draft.read(ms(60), two, K1) } else { draft.write(ms(60), two, K1) };
    draft.cut(ms(45), two, &followers, ahead.until());
    draft.hand_over(ahead.after(ms(5)), one, two);
    draft.cut(Draft::resumes(two), two, &[leader], Until::Calm);
    for after in [0, 60] {
        draft.read(Draft::resumes(two).after(ms(after)), two, K1);
    }
    draft.calm(pick, ms(1_000))
}
/// The token of the first handoff arrives after that of the second one.
fn tokens_overtake(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 2);
    let (one, two, leader) = (draft.devices[0], draft.devices[1], draft.leader());
    for follower in draft.followers() {
        draft.lags(follower, ms(80), ms(1_500));
    }
    let first = draft.write(ms(5), one, K1);
    draft.hand_over(first.at_once(), one, two);
    let until = Until::Trigger(Draft::resumes(two).into());
    draft.hold(ms(1), [one, two], Some(1), is_token, until);
    let second = draft.write(ms(90), one, K1);
    draft.hand_over(second.at_once(), one, two);
    draft.cut(ms(1), two, &[leader], Until::Calm);
    for nth in 1..=2 {
        draft.read(Draft::resumes(two).nth(nth), two, K1);
        draft.read(Draft::resumes(two).nth(nth).after(ms(60)), two, K1);
    }
    draft.calm(pick, ms(1_000))
}
/// From one device to the other and back.
fn there_and_back(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 2);
    let (one, two, leader) = (draft.devices[0], draft.devices[1], draft.leader());
    draft.all_lag(ms(*pick.one(&[300, 800])));
    let first = draft.write(ms(10), one, K1);
    draft.hand_over(first.at_once(), one, two);
    draft.read(Draft::resumes(two), two, K1);
    let second = draft.write(Draft::resumes(two), two, *pick.one(&[K1, K2]));
    draft.hand_over(second.at_once(), two, one);
    draft.cut(Draft::resumes(one), one, &[leader], Until::Calm);
    for key in [K1, K2] {
        draft.read(Draft::resumes(one), one, key);
        draft.read(Draft::resumes(one).after(ms(60)), one, key);
    }
    draft.calm(pick, ms(1_000))
}

// crashes

/// Answers and takings-in after which a device crashes in `restart`, and effects.
const PROMISES: u32 = 6;
const EFFECTS: u32 = 36;
pub(super) const RESTARTS: u32 = 3 * PROMISES + EFFECTS;
/// A device crashes after one of its answers or effects. Then only replicas can be reached that lack what it has shown.
pub(super) fn restart(pick: &mut Pick, _nth: u32) -> Case {
    let (run, point) = (pick.run(), pick.point() - 1);
    let mut draft = Draft::new(pick, 2);
    let (one, two) = (draft.devices[0], draft.devices[1]);
    let followers = draft.followers();
    let leader = draft.leader();
    // they lack all, or just what was written last
    draft.all_lag(ms([1_500, 30, 1_500, 30][run as usize % 4]));
    for key in [K1, K2] {
        draft.other(ms(5), key);
    }
    let drawn = [DiskLoss::All, DiskLoss::Drawn, DiskLoss::Drawn, DiskLoss::Nothing][run as usize % 4];
    let place = point % PROMISES + 1;
    let (crashes, when, disk) = match point / PROMISES {
        0 => (one, When::from(Draft::written(one).nth(place)), DiskLoss::All),
        1 => (one, When::from(Draft::shown(one).nth(place)), DiskLoss::All),
        2 => (two, When::from(Draft::resumes(two).nth(place)), DiskLoss::All),
        _ => {
            let node = if run % 2 == 0 { one } else { two };
            (node, When::on(Trigger::Effect { node, nth: (point - 3 * PROMISES + 1).into() }), drawn)
        }
    };
    draft.crash(when, crashes, disk);
    let again = Sight::of(SeenKind::Started).at(crashes).nth(2);
    // until then, only the leader can be reached, so that devices get ahead of the followers
    for device in [one, two] {
        draft.cut(ms(1), device, &followers, Until::Trigger(Sight::of(SeenKind::Started).at(crashes).into()));
    }
    draft.cut(again.clone(), crashes, &[leader], Until::Calm);
    for key in [K1, K2, Key(3)] {
        draft.read(again.clone().after(ms(1)), crashes, key);
    }
    // the user reads, writes and goes from one device to the other
    let mut when = When::At(ms(20));
    for round in 0..3 {
        let read = draft.read(when, one, Key(round + 1));
        let write = draft.write(read.after(ms(2)), one, Key((round + 1) % 3 + 1));
        draft.read(write.after(ms(1)), one, Key((round + 1) % 3 + 1));
        draft.hand_over(write.after(ms(60)), one, two);
        draft.read(Draft::resumes(two).nth(round + 1).after(ms(1)), two, Key(round + 1));
        when = write.after(ms(65));
    }
    let written = draft.write(Draft::resumes(two).nth(3).after(ms(5)), two, K1);
    draft.hand_over(written.after(ms(1)), two, one);
    draft.calm(pick, ms(900))
}

// costs

/// The nearest replica is always 200 ms behind, and the leader is far away. The user rests after each write.
pub(super) fn fresh_enough(pick: &mut Pick, _nth: u32) -> Case {
    const ROUNDS: u32 = 10;
    const READS: u32 = 8;
    let mut draft = Draft::placed(pick, 1, ms(200), &[ms(1), ms(20), ms(40)]);
    draft.spares = true;
    draft.leads(2);
    let device = draft.devices[0];
    let (near, second) = (draft.replicas[0], draft.replicas[1]);
    draft.lags(near, Duration::ZERO, ms(200));
    draft.lags(second, Duration::ZERO, ms(50));
    let round = ms(500 + 100 + 60) + ms(20) * READS;
    for place in 0..(round * ROUNDS).as_millis() as u32 / 20 {
        draft.other(ms(10) + ms(20) * place, Key(pick.small(1..=KEYS)));
    }
    let mut when = When::At(ms(20));
    for _ in 0..ROUNDS {
        let written = draft.write(when, device, Key(pick.small(1..=KEYS)));
        let mut last = written;
        for place in 0..READS {
            let at = ms(500) + ms(20) * place + pick.millis(0..=10);
            last = draft.read(written.after(at), device, Key(pick.small(1..=KEYS)));
        }
        when = last.after(ms(20));
    }
    draft.calm(pick, round * ROUNDS + ms(200))
}

// anything

/// Requests at random times, replicas that are behind, loss, cuts, changes of the leader, crashes of devices.
fn swarm(pick: &mut Pick, devices: usize) -> Case {
    let mut draft = Draft::new(pick, devices);
    for follower in draft.followers() {
        for from in [0, 300, 600] {
            let lag = ms(*pick.one(&[0, 20, 200, 1_000]));
            draft.lags(follower, ms(from), lag);
        }
    }
    for _ in 0..pick.small(0..=12) {
        let at = pick.micros(5_000..=800_000);
        draft.other(at, Key(pick.small(1..=KEYS)));
    }
    let requests = pick.small(4..=14);
    draft.ask_around(pick, requests, ms(900));
    if pick.percent(60) {
        let late = ms(*pick.one(&[0, 20, 80]));
        draft.rough([*pick.one(&[0, 20]), *pick.one(&[0, 40])], late, ms(2), ms(900));
    }
    for _ in 0..pick.small(0..=4) {
        let (device, replica) = (*pick.one(&draft.devices), *pick.one(&draft.replicas));
        let at = pick.micros(5_000..=700_000);
        draft.cut(at, device, &[replica], Until::After(pick.millis(20..=400)));
    }
    if pick.percent(40) {
        let old = draft.leader();
        let new = *pick.one(&draft.followers());
        draft.leads_from(ms(500), draft.place(new));
        if pick.percent(50) {
            draft.dies(pick.micros(300_000..=600_000), old);
        }
    }
    for device in draft.devices.clone() {
        if pick.percent(30) {
            let nth = pick.small(1..=30).into();
            draft.crash(When::on(Trigger::Effect { node: device, nth }), device, DiskLoss::Drawn);
        }
    }
    if let [one, two] = draft.devices[..] {
        for (from, to) in [(one, two), (two, one)] {
            let at = pick.micros(100_000..=800_000);
            draft.hand_over(at, from, to);
            for key in (1..=KEYS).map(Key) {
                draft.read(Draft::resumes(to), to, key);
            }
        }
    }
    draft.calm(pick, ms(1_000))
}

impl Draft {
    /// So many reads and writes of random keys by random devices, until then. Some come three at once.
    fn ask_around(&mut self, pick: &mut Pick, requests: u32, until: Duration) {
        let until = until.as_micros() as u64;
        for _ in 0..requests {
            let at = pick.micros(5_000..=until.max(6_000));
            let device = *pick.one(&self.devices);
            for _ in 0..if pick.percent(30) { 3 } else { 1 } {
                let key = Key(pick.small(1..=KEYS));
                if pick.percent(40) {
                    let written = self.write(at, device, key);
                    self.read(written.after(ms(*pick.one(&[0, 1, 50]))), device, key);
                } else {
                    self.read(at, device, key);
                }
            }
        }
    }
    /// The device can reach one replica only.
    fn only(&mut self, when: impl Into<When>, device: NodeId, replica: NodeId, until: Until) {
        let others: Vec<NodeId> = self.replicas.iter().copied().filter(|id| *id != replica).collect();
        self.cut(when, device, &others, until);
    }
    /// The end of a run in which nobody leads any more.
    fn without_leader(mut self, pick: &mut Pick, at: Duration) -> Case {
        for device in self.devices.clone() {
            for key in (1..=KEYS).map(Key) {
                self.read(at + pick.millis(1..=20), device, key);
            }
        }
        self.case(at)
    }
}
