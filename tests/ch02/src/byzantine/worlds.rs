//! `byzantine`: the runs. Honest nodes, traitors that follow a script, and links that take their time.
//!
//! Every run ends in the same way: when everything has been said, honest nodes broadcast once more. (Of `every_traitor`, one run in sixteen
//! does.)

use super::oracle::{Agreement, AllDeliver, Thrifty, delay};
use super::traitor::{Line, traitor};
use judge::{Case, Pick};
use kit::{Rules, Stage, ms, uneven, us};
use lab::NodeId;
use lab::byzantine::{Broadcaster, Config, Message, Payload, Request, Slot};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;
use world::{Harm, Link, Matcher, NodeSpec, Until};

/// When what a run is about begins.
const BEGIN: Duration = ms(10);
/// If every node sent every other twenty messages in each slot, a run would have fewer events.
const EVENTS_MAX: u64 = 60_000;

/// Where there are more nodes, two of them broadcast at the end, and not all.
const SMALL: u32 = 5;

/// A run that is being made.
struct Draft {
    stage: Stage<Broadcaster>,
    config: Config,
    honest: Vec<NodeId>,
    traitors: Vec<NodeId>,
    scripts: BTreeMap<NodeId, Vec<Line>>,
    over: Duration,
    seqs: BTreeSet<u32>,
    payloads: BTreeSet<Payload>,
    clients: u32,
}
impl Draft {
    /// `nodes` nodes of which `traitors` are traitors, with names that tell nothing.
    fn new(pick: &mut Pick, nodes: u32, faults: u32, traitors: u32) -> Draft {
        let config = Config { nodes, faults };
        let mut stage = Stage::with(Vec::new(), Duration::ZERO);
        stage.network = Link::between(ms(1), ms(3));
        stage.limits.events = EVENTS_MAX;
        let mut honest: Vec<NodeId> = (1..=nodes).map(NodeId).collect();
        pick.shuffle(&mut honest);
        let traitors = honest.split_off((nodes - traitors) as usize);
        Draft {
            stage,
            config,
            honest,
            traitors,
            scripts: BTreeMap::new(),
            over: BEGIN,
            seqs: BTreeSet::new(),
            payloads: BTreeSet::new(),
            clients: 0,
        }
    }
    /// Some messages take seven times as long as the others.
    fn uneven(mut self) -> Draft {
        self.stage.network = uneven(ms(3), ms(20), 30);
        self
    }
    /// In half of the runs.
    fn perhaps_uneven(self, pick: &mut Pick) -> Draft {
        if pick.percent(50) { self.uneven() } else { self }
    }
    /// What is sent to this node takes long.
    fn slow_to(&mut self, node: NodeId) {
        self.stage.link(None, Some(node), Link::between(ms(15), ms(20)));
    }
    /// A number that no broadcast of this run has.
    fn seq(&mut self, pick: &mut Pick) -> u32 {
        loop {
            let seq = pick.small(0..=99);
            if self.seqs.insert(seq) {
                return seq;
            }
        }
    }
    /// A payload that differs from all others of this run.
    fn payload(&mut self, pick: &mut Pick) -> Payload {
        loop {
            let payload = if pick.percent(10) { *pick.one(&[0, u64::MAX]) } else { pick.number(10..=99) };
            if self.payloads.insert(payload) {
                return payload;
            }
        }
    }
    /// A slot of a traitor's.
    fn slot(&mut self, pick: &mut Pick) -> Slot {
        Slot { origin: self.traitors[0], seq: self.seq(pick) }
    }
    fn broadcast(&mut self, at: Duration, node: NodeId, seq: u32, payload: Payload) -> Slot {
        self.clients += 1;
        self.stage.ask_by(self.clients, at, node, Request::Broadcast { seq, payload });
        self.over = self.over.max(at);
        Slot { origin: node, seq }
    }
    fn says(&mut self, traitor: NodeId, at: Duration, to: NodeId, message: Message) {
        self.scripts.entry(traitor).or_default().push(Line { at, to, message });
        self.over = self.over.max(at);
    }
    /// The origin of the slot tells this node what it broadcasts.
    fn initial(&mut self, at: Duration, to: NodeId, slot: Slot, payload: Payload) {
        self.says(slot.origin, at, to, Message::Initial { slot, payload });
    }
    /// Every traitor votes so, each at a time of its own.
    fn echo(&mut self, pick: &mut Pick, at: Duration, to: NodeId, slot: Slot, payload: Payload) {
        for traitor in self.traitors.clone() {
            self.says(traitor, at + soon(pick), to, Message::Echo { slot, payload });
        }
    }
    /// Every traitor votes so, each at a time of its own.
    fn ready(&mut self, pick: &mut Pick, at: Duration, to: NodeId, slot: Slot, payload: Payload) {
        for traitor in self.traitors.clone() {
            self.says(traitor, at + soon(pick), to, Message::Ready { slot, payload });
        }
    }
    /// One of two moments: when the honest nodes vote, or when they have long done so.
    fn now_or_later(&self, pick: &mut Pick) -> Duration {
        BEGIN + if pick.percent(70) { us(pick.number(0..=8_000)) } else { ms(pick.number(30..=90)) }
    }
    /// The scenario, with its end; `epilogue`: each honest node broadcasts once more.
    fn finish(mut self, pick: &mut Pick, epilogue: bool) -> Stage<Broadcaster> {
        let delay = delay(&self.stage);
        let quiet = self.over + delay * 16;
        if epilogue {
            let mut again = self.honest.clone();
            pick.shuffle(&mut again);
            // a broadcast among ten nodes is 210 messages: two of them say what seven would
            again.truncate(if self.config.nodes > SMALL { 2 } else { again.len() });
            for node in again {
                let (seq, payload) = (self.seq(pick), self.payload(pick));
                self.broadcast(quiet, node, seq, payload);
            }
        }
        for node in &self.honest {
            self.stage.nodes.push(NodeSpec::guest::<Broadcaster>(*node, &self.config));
        }
        for node in &self.traitors {
            let script = self.scripts.remove(node).unwrap_or_default();
            self.stage.nodes.push(traitor(*node, &script));
        }
        self.stage.nodes.sort_by_key(|node| node.id);
        self.stage.end = quiet + delay * 100;
        self.stage
    }
    /// The run, judged by everything that must never happen, and by what must happen in time.
    fn case(self, pick: &mut Pick) -> Case {
        let config = self.config;
        judged(config, self.finish(pick, true))
    }
}
/// A moment.
fn soon(pick: &mut Pick) -> Duration {
    us(pick.number(0..=2_000))
}
/// By everything that must never happen, and by what must happen in time.
fn judged(config: Config, stage: Stage<Broadcaster>) -> Case {
    Rules::of(Agreement::of(&stage, config)).and(AllDeliver::of(&stage)).judge(stage)
}

/// Several broadcasts at once, with as many silent nodes as there may be, or fewer.
pub(super) fn validity(pick: &mut Pick, nth: u32) -> Case {
    let nodes = [4, 7, 5, 4, 10, 6, 1, 4, 8, 7, 9, 2][nth as usize % 12];
    let faults = (nodes - 1) / 3;
    let silent = if nth % 12 == 3 { 0 } else { faults };
    let mut draft = Draft::new(pick, nodes, faults, silent).perhaps_uneven(pick);
    let honest = draft.honest.clone();
    if nth % 5 == 4 {
        draft.slow_to(*pick.one(&honest));
    }
    let origin = honest[0];
    let payload = draft.payload(pick);
    match nth % 4 {
        0 => {
            for seq in [7, 0, 3] {
                draft.seqs.insert(seq);
                let payload = draft.payload(pick);
                draft.broadcast(BEGIN, origin, seq, payload);
            }
        }
        1 => {
            // the same payload three times, under numbers that are far apart
            for seq in [u32::MAX, 1_000_000, 5] {
                draft.seqs.insert(seq);
                draft.broadcast(BEGIN + soon(pick), origin, seq, payload);
            }
        }
        2 => {
            for node in honest.iter().copied().cycle().take(3) {
                let (seq, payload) = (draft.seq(pick), draft.payload(pick));
                draft.broadcast(BEGIN, node, seq, payload);
            }
        }
        _ => {
            // several nodes have the same payload
            for node in honest.iter().copied().cycle().take(3) {
                let seq = draft.seq(pick);
                draft.broadcast(BEGIN + soon(pick), node, seq, payload);
            }
        }
    }
    let stage = draft.finish(pick, true);
    // nothing else: the other checks need this one, and a bug is to show where it belongs
    Rules::of(AllDeliver::of(&stage)).judge(stage)
}

/// A traitor broadcasts several payloads in one slot.
pub(super) fn consistency(pick: &mut Pick, nth: u32) -> Case {
    let (nodes, faults) = [(4, 1), (7, 2), (4, 1)][(nth / 6) as usize % 3];
    let mut draft = Draft::new(pick, nodes, faults, faults).perhaps_uneven(pick);
    contradict(pick, &mut draft, nth % 6);
    draft.case(pick)
}

fn contradict(pick: &mut Pick, draft: &mut Draft, kind: u32) {
    let slot = draft.slot(pick);
    let both = [draft.payload(pick), draft.payload(pick)];
    let honest = draft.honest.clone();
    match kind {
        0 | 1 => {
            // one payload to some, another one to the rest, and votes that fit
            let few = if pick.percent(70) {
                honest.len() as u32 / 2
            } else {
                pick.small(1..=honest.len() as u32 - 1)
            };
            for (place, node) in honest.iter().copied().enumerate() {
                let camp = usize::from(place as u32 >= few);
                draft.initial(BEGIN + soon(pick), node, slot, both[camp]);
                for payload in if kind == 0 { vec![both[camp]] } else { vec![both[camp], both[1 - camp]] } {
                    draft.echo(pick, BEGIN, node, slot, payload);
                    let at = draft.now_or_later(pick);
                    draft.ready(pick, at, node, slot, payload);
                }
            }
        }
        2 if pick.percent(50) => {
            // one payload to some, another one to as many, and both to the rest: traitors make both camps ready in the same moment
            draft.stage.network = Link::fixed(ms(1));
            let both_camps = pick.small(1..=draft.config.faults) as usize;
            let camp = (honest.len() - both_camps).div_ceil(2);
            // of what nodes in both camps echo, each camp gets its own payload first
            for (place, to) in honest[..2 * camp].iter().copied().enumerate() {
                let other = both[usize::from(place < camp)];
                let other = move |message: &Message| matches!(message, Message::Echo { payload, .. } if *payload == other);
                for from in honest[2 * camp..].iter().copied() {
                    let hold = Harm::Hold {
                        from: Some(from),
                        to: Some(to),
                        nth: None,
                        matches: Some(Matcher::typed(other)),
                        what: None,
                    };
                    draft.stage.harm(BEGIN, hold, Until::After(ms(8)));
                }
            }
            for (place, node) in honest.into_iter().enumerate() {
                let payloads = match place {
                    _ if place < camp => &both[..1],
                    _ if place < 2 * camp => &both[1..],
                    _ => &both[..],
                };
                for payload in payloads.iter().copied() {
                    draft.initial(BEGIN + us(pick.number(0..=300)), node, slot, payload);
                    for traitor in draft.traitors.clone() {
                        draft.says(traitor, BEGIN, node, Message::Echo { slot, payload });
                        draft.says(traitor, BEGIN + soon(pick), node, Message::Ready { slot, payload });
                    }
                }
            }
        }
        2 => {
            // both payloads to all nodes, in one order or the other
            for node in honest {
                let first = pick.small(0..=1) as usize;
                let gap = us(pick.number(1..=4_000));
                draft.initial(BEGIN, node, slot, both[first]);
                draft.initial(BEGIN + gap, node, slot, both[1 - first]);
                for payload in both {
                    draft.echo(pick, BEGIN, node, slot, payload);
                    if pick.percent(50) {
                        draft.ready(pick, BEGIN + ms(2), node, slot, payload);
                    }
                }
            }
        }
        3 => {
            // the honest nodes agree, and traitors are ready for something else, each node at another moment
            for node in honest {
                draft.initial(BEGIN, node, slot, both[0]);
                let at = BEGIN + us(pick.number(0..=9_000));
                draft.ready(pick, at, node, slot, both[1]);
                if pick.percent(50) {
                    let at = BEGIN + us(pick.number(0..=5_000));
                    draft.echo(pick, at, node, slot, both[1]);
                }
            }
        }
        4 => {
            // a payload for each node
            let all: Vec<Payload> = honest.iter().map(|_| draft.payload(pick)).collect();
            for (node, own) in honest.iter().copied().zip(&all) {
                draft.initial(BEGIN + soon(pick), node, slot, *own);
                let (echoed, ready) = (*pick.one(&all), *pick.one(&all));
                draft.echo(pick, BEGIN, node, slot, echoed);
                let at = draft.now_or_later(pick);
                draft.ready(pick, at, node, slot, ready);
            }
        }
        _ => at_random(pick, draft, slot, &both),
    }
}
/// Each traitor tells each node what it likes, when it likes.
fn at_random(pick: &mut Pick, draft: &mut Draft, slot: Slot, payloads: &[Payload]) {
    for node in draft.honest.clone() {
        for payload in payloads.iter().copied() {
            if pick.percent(60) {
                let at = draft.now_or_later(pick);
                draft.initial(at, node, slot, payload);
            }
            for traitor in draft.traitors.clone() {
                if pick.percent(60) {
                    let at = draft.now_or_later(pick);
                    draft.says(traitor, at, node, Message::Echo { slot, payload });
                }
                if pick.percent(60) {
                    let at = draft.now_or_later(pick);
                    draft.says(traitor, at, node, Message::Ready { slot, payload });
                }
            }
        }
    }
}

/// Traitors help some nodes, and no others.
pub(super) fn totality(pick: &mut Pick, nth: u32) -> Case {
    let faults = [1, 2, 1, 3][(nth / 4) as usize % 4];
    let mut draft = Draft::new(pick, 3 * faults + 1, faults, faults).perhaps_uneven(pick);
    favour(pick, &mut draft, nth % 4);
    draft.case(pick)
}

/// A payload that just enough nodes are told; of those that hear their echoes, traitors make some ready, and one of them deliver.
fn favour(pick: &mut Pick, draft: &mut Draft, kind: u32) {
    let slot = draft.slot(pick);
    let payload = draft.payload(pick);
    let other = draft.payload(pick);
    let Config { nodes, faults } = draft.config;
    // with the echoes of all traitors, so many honest ones are a quorum
    let told = (nodes + faults) / 2 + 1 - faults;
    let all = draft.honest.clone();
    let mut order = all.clone();
    pick.shuffle(&mut order);
    for node in &order[..told as usize] {
        draft.initial(BEGIN + soon(pick), *node, slot, payload);
    }
    pick.shuffle(&mut order);
    let made_ready = match kind {
        0 => pick.small(faults + 1..=2 * faults),
        1 => pick.small(1..=faults),
        _ => pick.small(1..=all.len() as u32),
    };
    for node in &order[..made_ready as usize] {
        draft.echo(pick, BEGIN, *node, slot, payload);
    }
    let favourite = *pick.one(&all);
    let at = draft.now_or_later(pick);
    draft.ready(pick, at, favourite, slot, payload);
    if pick.percent(50) {
        let late: Vec<NodeId> = all.iter().copied().filter(|node| *node != favourite).collect();
        late.into_iter().filter(|_| pick.percent(60)).for_each(|node| draft.slow_to(node));
    }
    match kind {
        // some more become ready because traitors are
        2 => {
            for node in all {
                if pick.percent(50) {
                    let at = draft.now_or_later(pick);
                    draft.ready(pick, at, node, slot, payload);
                }
            }
        }
        // the rest is told something else
        3 => {
            for node in all {
                let at = draft.now_or_later(pick) + ms(5);
                draft.initial(at, node, slot, other);
                draft.echo(pick, at, node, slot, other);
            }
        }
        _ => {}
    }
}

/// Traitors vote in the slots of honest nodes.
pub(super) fn integrity(pick: &mut Pick, nth: u32) -> Case {
    match nth.checked_sub(96) {
        None => {}
        Some(place) if place % 2 == 0 => return ready_before_the_initial(pick),
        Some(_) => return crowd_of_slots(pick),
    }
    let faults = [1, 2, 1, 3][(nth / 6) as usize % 4];
    let mut draft = Draft::new(pick, 3 * faults + 1, faults, faults).perhaps_uneven(pick);
    forge(pick, &mut draft, nth % 6);
    draft.case(pick)
}

/// Traitors help one node to a quorum of Echoes, and another one to its Ready before it hears the Initial. Now everybody waits for the Echo of
/// the latter.
fn ready_before_the_initial(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, 7, 2, 2);
    let [victim, helped, hurried, .., late] = draft.honest[..] else { return draft.case(pick) };
    let (seq, truth) = (draft.seq(pick), draft.payload(pick));
    for to in [hurried, late] {
        draft.stage.link(Some(victim), Some(to), Link::between(ms(40), ms(50)));
    }
    let slot = draft.broadcast(BEGIN, victim, seq, truth);
    draft.echo(pick, BEGIN, helped, slot, truth);
    draft.ready(pick, BEGIN, hurried, slot, truth);
    draft.case(pick)
}
/// A traitor makes up many slots of an honest node, and tells everybody of them, before this node broadcasts.
fn crowd_of_slots(pick: &mut Pick) -> Case {
    const SLOTS: u32 = 80;
    let mut draft = Draft::new(pick, 4, 1, 1);
    let victim = draft.honest[0];
    let (seq, truth, lie) = (draft.seq(pick), draft.payload(pick), draft.payload(pick));
    for turn in 0..SLOTS {
        let slot = Slot { origin: victim, seq: 1_000 + turn };
        for node in draft.honest.clone() {
            let at = BEGIN + us(pick.number(0..=20_000));
            let payload = lie;
            let vote = match turn % 2 {
                0 => Message::Echo { slot, payload },
                _ => Message::Ready { slot, payload },
            };
            draft.says(draft.traitors[0], at, node, vote);
        }
    }
    draft.broadcast(BEGIN + ms(30), victim, seq, truth);
    draft.case(pick)
}

fn forge(pick: &mut Pick, draft: &mut Draft, kind: u32) {
    let (honest, traitors) = (draft.honest.clone(), draft.traitors.clone());
    let victim = honest[0];
    let (truth, lie) = (draft.payload(pick), draft.payload(pick));
    let seq = draft.seq(pick);
    let slot = Slot { origin: victim, seq };
    match kind {
        // the victim broadcasts nothing; traitors say that it did, again and again
        0 => {
            let times = pick.small(2..=12);
            for node in honest {
                for traitor in &traitors {
                    for time in 0..times {
                        let at = BEGIN + ms(1) * time;
                        let messages = [
                            Message::Initial { slot, payload: lie },
                            Message::Echo { slot, payload: lie },
                            Message::Ready { slot, payload: lie },
                        ];
                        // sometimes one kind of vote only
                        let kinds = if pick.percent(50) { 0..3 } else { 1..3 };
                        for message in &messages[kinds] {
                            draft.says(*traitor, at + soon(pick), node, message.clone());
                        }
                    }
                }
            }
        }
        // the victim broadcasts; traitors are faster, and say something else
        1 => {
            draft.broadcast(BEGIN + ms(5), victim, seq, truth);
            for node in honest {
                for traitor in &traitors {
                    let initial = Message::Initial { slot, payload: lie };
                    draft.says(*traitor, BEGIN + soon(pick), node, initial);
                }
                let at = BEGIN + us(pick.number(0..=9_000));
                draft.echo(pick, at, node, slot, lie);
                draft.ready(pick, at, node, slot, lie);
            }
        }
        // several nodes use the same number at the same time, traitors too
        2 => {
            for node in honest.iter().copied() {
                let payload = draft.payload(pick);
                draft.broadcast(BEGIN + soon(pick), node, seq, payload);
            }
            for node in honest {
                draft.initial(BEGIN + soon(pick), node, Slot { origin: traitors[0], seq }, lie);
            }
        }
        // slots that traitors make up, numbers and origins that are large, many of them; and what no node understands
        3 => {
            let mut origins = vec![victim];
            if pick.percent(50) {
                origins.extend([NodeId(99), NodeId(0), NodeId(u32::MAX), traitors[0]]);
            }
            for turn in 0..100 {
                let seq = *pick.one(&[turn, turn + 1_000, u32::MAX, u32::MAX - turn]);
                let made_up = Slot { origin: *pick.one(&origins), seq };
                let (slot, payload) =
                    if made_up == slot { (Slot { seq: seq + 200, ..slot }, lie) } else { (made_up, lie) };
                let to = *pick.one(&honest);
                let message = match pick.small(0..=3) {
                    0 => Message::Extension(
                        (0..pick.small(0..=9)).map(|_| pick.small(0..=255) as u8).collect(),
                    ),
                    1 => Message::Ready { slot, payload },
                    2 => Message::Initial { slot, payload },
                    _ => Message::Echo { slot, payload },
                };
                let at = BEGIN + us(pick.number(0..=40_000));
                draft.says(*pick.one(&traitors), at, to, message);
            }
            draft.broadcast(BEGIN + ms(20), victim, seq, truth);
        }
        // traitors vote for many payloads, and tell every node something else
        4 => {
            let lies: Vec<Payload> = (0..4).map(|_| draft.payload(pick)).collect();
            draft.broadcast(BEGIN + soon(pick), victim, seq, truth);
            for node in honest {
                for traitor in traitors.iter().copied() {
                    for lie in &lies {
                        let payload = if pick.percent(20) { truth } else { *lie };
                        let at = draft.now_or_later(pick);
                        draft.says(traitor, at, node, Message::Echo { slot, payload });
                        let at = draft.now_or_later(pick);
                        draft.says(traitor, at, node, Message::Ready { slot, payload });
                    }
                }
            }
        }
        // three broadcasts of one node at once, and lies about each
        _ => {
            for seq in [7, 0, 3] {
                draft.seqs.insert(seq);
                let truth = draft.payload(pick);
                let slot = draft.broadcast(BEGIN + soon(pick), victim, seq, truth);
                for node in honest.iter().copied() {
                    let at = draft.now_or_later(pick);
                    draft.echo(pick, at, node, slot, lie);
                    draft.ready(pick, at, node, slot, lie);
                }
            }
        }
    }
}

/// The traitors of the three checks before, where n is not 3f + 1.
pub(super) fn quorums(pick: &mut Pick, nth: u32) -> Case {
    let (nodes, faults) = [(5, 1), (6, 1), (8, 2), (9, 2), (5, 1), (6, 1), (10, 3)][nth as usize % 7];
    let mut draft = Draft::new(pick, nodes, faults, faults).perhaps_uneven(pick);
    match nth / 7 % 8 {
        kind @ 0..=1 => contradict(pick, &mut draft, kind),
        2 => {
            let kind = pick.small(2..=5);
            contradict(pick, &mut draft, kind);
        }
        3 | 4 => {
            let kind = pick.small(0..=3);
            favour(pick, &mut draft, kind);
        }
        5 => {
            let kind = pick.small(0..=5);
            forge(pick, &mut draft, kind);
        }
        _ => contradict(pick, &mut draft, 0),
    }
    draft.case(pick)
}

/// What a lone traitor can say to one node: of three Initials (none, A, B), four sets of Echoes and four sets of Readys (none, A, B, both).
const WAYS: u8 = 3 * 4 * 4;
/// How it can treat three nodes, if neither their names nor those of the payloads matter.
pub(super) const EVERY_TRAITOR: u32 = 9_854;
static TRAITORS: LazyLock<Vec<[u8; 3]>> = LazyLock::new(|| {
    let mut all = Vec::with_capacity(EVERY_TRAITOR as usize);
    for first in 0..WAYS {
        for second in first..WAYS {
            for third in second..WAYS {
                let ways = [first, second, third];
                let mut swapped = ways.map(other_way_round);
                swapped.sort_unstable();
                if ways <= swapped {
                    all.push(ways);
                }
            }
        }
    }
    all
});
/// The same way with the payloads A and B exchanged.
fn other_way_round(way: u8) -> u8 {
    let (initial, echoes, readies) = (way / 16, way / 4 % 4, way % 4);
    let swap = |set: u8| (set & 1) << 1 | set >> 1;
    swap(initial) * 16 + swap(echoes) * 4 + swap(readies)
}

/// Four nodes, and every choice that a lone traitor has in a slot of its own.
pub(super) fn every_traitor(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, 4, 1, 1);
    let slot = draft.slot(pick);
    let both = [draft.payload(pick), draft.payload(pick)];
    let honest = draft.honest.clone();
    // early: before the honest nodes vote, so that its votes come first; late: when they have nothing left to say
    let early = pick.small(0..=3);
    for (node, way) in honest.into_iter().zip(TRAITORS[nth as usize]) {
        let (initial, echoes, readies) = (way / 16, way / 4 % 4, way % 4);
        if initial > 0 {
            draft.initial(BEGIN + soon(pick), node, slot, both[usize::from(initial) - 1]);
        }
        let mut order = [0, 1];
        pick.shuffle(&mut order);
        for bit in order {
            let payload = both[bit];
            let base = |is_early| BEGIN + if is_early { Duration::ZERO } else { ms(20) };
            let echo_at = base(early & 1 == 0) + soon(pick);
            let ready_at = base(early & 2 == 0) + soon(pick);
            if echoes >> bit & 1 == 1 {
                draft.says(slot.origin, echo_at, node, Message::Echo { slot, payload });
            }
            if readies >> bit & 1 == 1 {
                draft.says(slot.origin, ready_at, node, Message::Ready { slot, payload });
            }
        }
    }
    let config = draft.config;
    let epilogue = nth.is_multiple_of(16);
    judged(config, draft.finish(pick, epilogue))
}

/// Broadcasts among nodes that are all honest.
pub(super) fn cost(pick: &mut Pick, nth: u32) -> Case {
    let nodes = [4, 7, 10][nth as usize % 3];
    let mut draft = Draft::new(pick, nodes, (nodes - 1) / 3, 0);
    let honest = draft.honest.clone();
    for turn in 0..pick.small(1..=3) {
        let (seq, payload) = (draft.seq(pick), draft.payload(pick));
        draft.broadcast(BEGIN + ms(100) * turn, *pick.one(&honest), seq, payload);
    }
    let config = draft.config;
    let stage = draft.finish(pick, true);
    let rules = Rules::of(Agreement::of(&stage, config)).and(AllDeliver::of(&stage));
    rules.and(Thrifty::of(&stage)).judge(stage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_traitor_is_counted_once() {
        assert_eq!(TRAITORS.len(), EVERY_TRAITOR as usize);
        let every = (0..WAYS).flat_map(|a| (0..WAYS).flat_map(move |b| (0..WAYS).map(move |c| [a, b, c])));
        for ways in every {
            let (mut plain, mut swapped) = (ways, ways.map(other_way_round));
            plain.sort_unstable();
            swapped.sort_unstable();
            let known = [plain, swapped].map(|ways| TRAITORS.binary_search(&ways).is_ok());
            assert!(known[0] || known[1], "{ways:?} stands for itself, or for its mirror image");
            assert!(plain == swapped || known[0] != known[1], "{ways:?} is tried once");
        }
    }
}
