//! `multi_leader`: the runs. One to five leaders, and clients that ask each of them.
//!
//! Every run ends in the same way: nothing goes wrong any more, nobody asks for anything for 20 × gossip, and then each leader that is up is
//! asked once what it shows.

use super::facts::ROUNDS;
use super::oracle::{Answers, Judged, Short};
use judge::{Case, Pick};
use kit::see::{self, Sight};
use kit::{Rules, Stage, clocks, ms, us};
use lab::NodeId;
use lab::multi_leader::{Config, Item, Key, Leader, Request, Response, State, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{
    Carried, Chance, DiskLoss, Harm, Latency, Link, NodeSpec, SeenKind, Tail, Trigger, Until, When, Who,
};

/// How long a leader that crashed is down.
const DOWN: Duration = ms(4);

/// A run that is being made.
struct Draft {
    stage: Stage<Leader>,
    gossip: Duration,
    /// The leaders, in a drawn order.
    cast: Vec<NodeId>,
    gone: BTreeSet<NodeId>,
    values: Value,
    /// How many amounts were added to each counter.
    amounts: BTreeMap<Key, u32>,
    judged: Judged,
}

impl Draft {
    /// So many leaders on a clean network.
    fn new(pick: &mut Pick, n: u32) -> Draft {
        let gossip = ms(*pick.one(&[25, 30, 40]));
        let mut nodes: Vec<NodeSpec> =
            (1..=n).map(|id| NodeSpec::guest::<Leader>(NodeId(id), &Config { gossip })).collect();
        for node in &mut nodes {
            clocks::wrong(pick, node);
        }
        let mut stage = Stage::with(nodes, Duration::ZERO);
        stage.network = Link { fifo: pick.percent(50), ..Link::between(ms(1), ms(3)) };
        for node in stage.ids() {
            clocks::unsteady(pick, &mut stage, node);
        }
        let cast = stage.cast(pick);
        let (gone, amounts) = (BTreeSet::new(), BTreeMap::new());
        Draft { stage, gossip, cast, gone, values: 10, amounts, judged: Judged::Everything }
    }
    fn rounds(&self, n: u32) -> Duration {
        self.gossip * n
    }
    /// A moment in the first `n` intervals of gossip.
    fn within(&self, pick: &mut Pick, n: u32) -> Duration {
        ms(2) + self.gossip * pick.small(0..=100 * n) / 100
    }

    // requests

    /// Writes a value like no other, and returns it.
    fn write(&mut self, when: impl Into<When>, node: NodeId, key: &str) -> Value {
        self.values += 1;
        self.stage.ask(when, node, Request::Write { key: key.to_owned(), value: self.values });
        self.values
    }
    /// Adds an amount to one of these counters. No sum of other amounts is the same.
    fn add(&mut self, pick: &mut Pick, when: impl Into<When>, node: NodeId, keys: &[&str]) {
        let key = *pick.one(keys);
        let k = self.amounts.entry(key.to_owned()).or_default();
        let by = 4_i64.pow(*k) * *pick.one(&[1, 1, -1]);
        *k += 1;
        self.stage.ask(when, node, Request::Add { key: key.to_owned(), by });
    }
    fn insert(&mut self, when: impl Into<When>, node: NodeId, key: &str, item: Item) {
        self.stage.ask(when, node, Request::Insert { key: key.to_owned(), item });
    }
    fn remove(&mut self, when: impl Into<When>, node: NodeId, key: &str, item: Item) {
        self.stage.ask(when, node, Request::Remove { key: key.to_owned(), item });
    }
    fn read(&mut self, when: impl Into<When>, node: NodeId) {
        self.stage.ask(when, node, Request::Read);
    }
    /// The leader is asked again and again what it shows.
    fn watch(&mut self, node: NodeId, from: Duration, every: Duration, times: u32) {
        for nth in 0..times {
            self.read(from + every * nth, node);
        }
    }

    // harms

    fn harm(&mut self, when: impl Into<When>, harm: Harm, until: Until) {
        self.stage.harm(when, harm, until);
    }
    fn split(&mut self, when: impl Into<When>, groups: &[&[NodeId]], until: Until) {
        let groups = groups.iter().map(|group| group.to_vec()).collect();
        self.harm(when, Harm::Partition { groups }, until);
    }
    /// Each leader is in a partition of its own.
    fn scatter(&mut self, when: impl Into<When>, until: Until) {
        let groups = self.cast.iter().map(|node| vec![*node]).collect();
        self.harm(when, Harm::Partition { groups }, until);
    }
    fn cut(&mut self, when: impl Into<When>, from: NodeId, to: NodeId, until: Until) {
        self.harm(when, Harm::Cut { from: vec![from], to: vec![to] }, until);
    }
    /// What one leader sends to another is kept back.
    fn hold(&mut self, when: impl Into<When>, from: NodeId, to: NodeId, until: Until) {
        let what = Some(Carried::Message);
        self.harm(when, Harm::Hold { from: Some(from), to: Some(to), nth: None, matches: None, what }, until);
    }
    fn crash(&mut self, when: impl Into<When>, node: NodeId, disk: DiskLoss, until: Until) {
        if matches!(until, Until::Never) {
            self.gone.insert(node);
        }
        self.harm(when, Harm::Crash { node: Who::Node(node), disk }, until);
    }
    /// Messages are lost, doubled and overtaken so often.
    fn rough(&mut self, loss: u32, duplication: u32, late: u32) {
        let Latency { min, max, .. } = self.stage.network.latency;
        let tail = (late > 0).then_some(Tail { chance: Chance::percent(late), max: self.rounds(3) });
        self.stage.network = Link {
            latency: Latency { min, max, tail },
            loss: Chance::percent(loss),
            duplication: Chance::percent(duplication),
            fifo: false,
            ..self.stage.network
        };
    }
    /// A network that is drawn.
    fn drawn(&mut self, pick: &mut Pick) {
        self.rough(*pick.one(&[0, 10, 20, 40]), *pick.one(&[0, 30, 60]), *pick.one(&[0, 20, 50]));
    }

    // ends

    /// From then on nothing goes wrong. 20 × gossip later, each leader is asked what it shows; and once more.
    fn finish(mut self, calm: Duration, again: bool) -> Case {
        self.stage.calm = Some((calm, Link::between(ms(1), ms(5))));
        let mut at = calm;
        for _ in 0..=u32::from(again) {
            at += self.rounds(ROUNDS) + us(1);
            for node in self.cast.clone() {
                if !self.gone.contains(&node) {
                    self.read(at, node);
                }
            }
        }
        self.stage.end = at + ms(25);
        self.rules().judge(self.stage)
    }
    fn rules(&self) -> Rules<Leader> {
        Rules::of(Answers::new(self.judged, self.gossip))
    }
}

/// One of these names.
fn key(pick: &mut Pick, of: &[&'static str]) -> &'static str {
    pick.one::<&str>(of)
}
/// A leader shows a register with this value.
fn shows(node: NodeId, key: &str, value: Value) -> Sight {
    let key = key.to_owned();
    answers_with(node, move |state| state.registers.get(&key) == Some(&value))
}
/// A leader shows this item.
fn shows_item(node: NodeId, key: &str, item: Item) -> Sight {
    let key = key.to_owned();
    answers_with(node, move |state| state.carts.get(&key).is_some_and(|items| items.contains(&item)))
}
fn answers_with(node: NodeId, fits: impl Fn(&State) -> bool + Send + Sync + 'static) -> Sight {
    see::answers::<Leader>(move |response| matches!(response, Response::State(state) if fits(state))).at(node)
}

/// No message arrives, or every message is slow. Each leader has keys of its own.
pub(super) fn local(pick: &mut Pick, nth: u32) -> Case {
    let n = [1, 2, 5][nth as usize % 3];
    let mut draft = Draft::new(pick, n);
    let end = ms(100);
    match nth / 3 % 2 {
        0 => draft.scatter(Duration::ZERO, Until::Never),
        _ => draft.stage.network = Link::between(ms(110), ms(200)),
    }
    for node in draft.cast.clone() {
        let key = format!("k{}", node.0);
        for _ in 0..pick.small(3..=7) {
            // several clients at once
            let at = ms(1) + pick.micros(0..=60_000);
            for _ in 0..*pick.one(&[1, 1, 3]) {
                match pick.small(0..=6) {
                    0 | 1 => _ = draft.write(at, node, &key),
                    2 | 3 => draft.add(pick, at, node, &[&key]),
                    4 | 5 => draft.insert(at, node, &key, pick.small(1..=3)),
                    _ => draft.remove(at, node, &key, pick.small(1..=3)),
                }
            }
            draft.read(at + *pick.one(&[Duration::ZERO, ms(1), ms(20)]), node);
        }
    }
    draft.stage.end = end;
    draft.rules().judge(draft.stage)
}

/// Changes of all kinds at all leaders; then something that hinders leaders to tell each other, in nine ways.
pub(super) fn converges(pick: &mut Pick, nth: u32) -> Case {
    let kind = nth % 9;
    let n = match kind {
        0 => 2,
        3 | 4 => 5,
        5 | 6 => 3,
        _ => *pick.one(&[2, 3, 3]),
    };
    let mut draft = Draft::new(pick, n);
    draft.judged = Judged::Convergence;
    let cast = draft.cast.clone();
    let changes = draft.rounds(3);
    let mut calm = draft.rounds(6);
    let mut asked = cast.clone();
    match kind {
        0 | 1 => draft.scatter(Duration::ZERO, Until::Calm),
        // the last change is long ago when the leaders meet again
        2 => {
            calm = draft.rounds(70);
            draft.scatter(Duration::ZERO, Until::Calm);
        }
        // two sides, then two others, and so on
        3 => {
            for round in 0..4 {
                let mut sides = cast.clone();
                pick.shuffle(&mut sides);
                let (near, far) = sides.split_at(pick.small(1..=4) as usize);
                let from = draft.rounds(2) * round;
                draft.split(from, &[near, far], Until::After(draft.rounds(*pick.one(&[1, 2]))));
            }
            calm = draft.rounds(9);
        }
        // each reaches only its neighbours in a row
        4 => {
            for (place, node) in cast.iter().enumerate() {
                let others = cast.iter().enumerate().filter(|(other, _)| place.abs_diff(*other) > 1);
                let to: Vec<NodeId> = others.map(|(_, other)| *other).collect();
                draft.harm(Duration::ZERO, Harm::Cut { from: vec![*node], to }, Until::Calm);
            }
        }
        // one is down all the while
        5 => {
            draft.crash(ms(1), cast[0], DiskLoss::All, Until::Never);
            asked.remove(0);
            draft.rough(20, 0, 0);
        }
        // one tells only one other, and is gone for good
        6 => {
            let (author, witness, third) = (cast[0], cast[1], cast[2]);
            let told = draft.write(ms(3), author, "w");
            draft.add(pick, ms(3), author, &["w"]);
            draft.insert(ms(2), author, "w", 9);
            draft.hold(Duration::ZERO, author, third, Until::Never);
            draft.cut(Duration::ZERO, witness, third, Until::Calm);
            draft.watch(witness, ms(5), ms(7), 20);
            draft.crash(shows(witness, "w", told), author, DiskLoss::All, Until::Never);
            asked.remove(0);
            calm = draft.rounds(8);
        }
        7 => draft.rough(40, 0, 0),
        _ => draft.drawn(pick),
    }
    for node in asked {
        for _ in 0..pick.small(2..=4) {
            let at = ms(2) + changes * pick.small(0..=100) / 100;
            match pick.small(0..=3) {
                0 => _ = draft.write(at, node, key(pick, &["a", "b"])),
                1 => draft.add(pick, at, node, &["a", "b"]),
                2 => draft.insert(at, node, "a", pick.small(1..=3)),
                _ => draft.remove(at, node, "a", pick.small(1..=3)),
            }
        }
        // no leader's first write overwrites another one
        draft.write(ms(2), node, "c");
    }
    draft.finish(calm, true)
}

/// Amounts at all leaders, and a network that doubles and delays what leaders tell each other.
pub(super) fn counter(pick: &mut Pick, nth: u32) -> Case {
    let n = [2, 3, 3, 5][nth as usize % 4];
    let mut draft = Draft::new(pick, n);
    draft.drawn(pick);
    if nth.is_multiple_of(3) {
        draft.rough(0, 60, 50);
    }
    let cast = draft.cast.clone();
    if pick.percent(60) {
        let (near, far) = cast.split_at(pick.small(1..=n - 1) as usize);
        let from = draft.within(pick, 3);
        draft.split(from, &[near, far], Until::After(draft.rounds(4)));
    }
    for node in &cast {
        for _ in 0..pick.small(2..=5) {
            let at = draft.within(pick, 8);
            draft.add(pick, at, *node, &["a", "b"]);
        }
        for _ in 0..3 {
            let at = draft.within(pick, 12);
            draft.read(at, *node);
        }
    }
    let calm = draft.rounds(12);
    draft.finish(calm, false)
}

/// A leader shows a write of another one, and overwrites it at once; in chains.
pub(super) fn register(pick: &mut Pick, nth: u32) -> Case {
    let n = [2, 3, 3, 5][nth as usize % 4];
    let mut draft = Draft::new(pick, n);
    let cast = draft.cast.clone();
    match nth / 4 % 3 {
        0 => {}
        1 => draft.rough(20, 0, 0),
        _ => draft.drawn(pick),
    }
    // the first leader writes often, so it is far ahead of the others by any count of its own
    let mut last = 0;
    for _ in 0..pick.small(2..=5) {
        let at = draft.within(pick, 1);
        draft.write(at, cast[0], "a");
    }
    let mut when: When = (draft.rounds(1) + ms(5)).into();
    for (place, node) in cast.iter().take(3).enumerate() {
        last = draft.write(when, *node, "a");
        let Some(next) = cast.get(place + 1) else { break };
        if place < 2 {
            draft.watch(*next, draft.rounds(1) + ms(3), draft.gossip / 2, 24);
        }
        when = shows(*next, "a", last).into();
    }
    // some write without having heard of any of this
    for node in &cast {
        if pick.percent(40) {
            let at = draft.within(pick, 10);
            draft.write(at, *node, key(pick, &["a", "b"]));
        }
        draft.write(ms(2), *node, "b");
    }
    // and the last one may write again as soon as it has shown the end of the chain
    if pick.percent(50) {
        draft.write(shows(cast[0], "a", last), cast[0], "a");
        draft.watch(cast[0], draft.rounds(2), draft.gossip / 2, 24);
    }
    if pick.percent(30) {
        let from = draft.within(pick, 6);
        draft.scatter(from, Until::After(draft.rounds(3)));
    }
    let calm = draft.rounds(16);
    draft.finish(calm, false)
}

/// Inserts and removes of one item that do, or do not, know of each other.
pub(super) fn cart(pick: &mut Pick, nth: u32) -> Case {
    let n = [2, 3, 3][nth as usize % 3].max(if nth % 7 == 4 { 3 } else { 2 });
    let mut draft = Draft::new(pick, n);
    let mut begin = Duration::ZERO;
    // old removes, and a long silence after them
    if nth % 5 == 4 {
        for turn in 0..300 {
            let node = draft.cast[turn as usize % n as usize];
            let at = ms(2) + ms(2) * turn;
            draft.insert(at, node, "a", 10 + turn % 5);
            draft.remove(at + ms(1), node, "a", 10 + turn % 5);
        }
        begin = ms(610) + draft.rounds(110);
    }
    let cast = draft.cast.clone();
    let (a, b) = (cast[0], cast[1]);
    let item = pick.small(1..=3);
    // all leaders know an insert by then
    let settled = begin + draft.rounds(ROUNDS + 1);
    let mut calm = settled + draft.rounds(5);
    let first = begin + draft.within(pick, 1);
    match nth % 7 {
        // removed here, and inserted again there: neither has heard of the other
        0 => {
            draft.insert(first, a, "a", item);
            draft.scatter(settled, Until::Calm);
            let at = settled + draft.within(pick, 2);
            draft.remove(at, a, "a", item);
            let at = settled + draft.within(pick, 2);
            draft.insert(at, b, "a", item);
        }
        // removed: gone, also where the remove comes late
        1 => {
            draft.insert(first, a, "a", item);
            draft.insert(first + ms(1), b, "a", item);
            draft.scatter(settled, Until::Calm);
            let at = settled + draft.within(pick, 2);
            draft.remove(at, *pick.one(&[a, b]), "a", item);
        }
        // removed, and inserted again, at one leader or at another
        2 => {
            draft.insert(first, a, "a", item);
            let remove = begin + draft.rounds(ROUNDS + 2);
            draft.remove(remove, b, "a", item);
            let again = if pick.percent(50) { ms(1) } else { draft.rounds(ROUNDS + 2) };
            draft.insert(remove + again, *pick.one(&[a, b]), "a", item);
            calm = remove + again + draft.rounds(2);
        }
        // removed where it is not yet
        3 => {
            draft.hold(Duration::ZERO, a, b, Until::Calm);
            if let Some(c) = cast.get(2) {
                draft.hold(Duration::ZERO, *c, b, Until::Calm);
            }
            draft.insert(first, a, "a", item);
            let at = begin + draft.rounds(2);
            draft.remove(at, b, "a", item);
            calm = begin + draft.rounds(6);
        }
        // the remove reaches a third leader before the insert
        4 => {
            let c = cast[2];
            draft.hold(Duration::ZERO, a, c, Until::Calm);
            draft.insert(first, a, "a", item);
            draft.watch(b, begin + ms(3), draft.gossip / 2, 16);
            draft.cut(Duration::ZERO, b, c, Until::Trigger(shows_item(b, "a", item).into()));
            draft.remove(shows_item(b, "a", item), b, "a", item);
            calm = begin + draft.rounds(14);
            if pick.percent(50) {
                draft.insert(calm + draft.rounds(3), c, "a", item % 3 + 1);
            }
        }
        _ => {
            draft.drawn(pick);
            for node in &cast {
                for _ in 0..pick.small(3..=6) {
                    let at = begin + draft.within(pick, 8);
                    match pick.small(0..=4) {
                        0..=2 => draft.insert(at, *node, "a", pick.small(1..=2)),
                        _ => draft.remove(at, *node, "a", pick.small(1..=2)),
                    }
                }
                let at = begin + draft.within(pick, 10);
                draft.read(at, *node);
            }
            if pick.percent(50) {
                let from = begin + draft.within(pick, 4);
                draft.scatter(from, Until::After(draft.rounds(4)));
            }
            if pick.percent(50) {
                let at = begin + draft.within(pick, 8);
                draft.crash(at, a, DiskLoss::Drawn, Until::After(DOWN));
            }
            calm = begin + draft.rounds(11);
        }
    }
    draft.finish(calm, false)
}

/// Effects after which a leader crashes, in `restart`.
const POINTS: u32 = 70;
/// Pairs of effects among so many.
const PAIRED: u32 = 12;
/// States of a leader, after which it crashes, that show something of a leader that is gone.
const STATES: u32 = 8;
pub(super) const RESTARTS: u32 = POINTS + judge::pairs(PAIRED) + STATES;

/// A leader crashes after any of its effects, or after it has shown something that no other leader has.
pub(super) fn restart(pick: &mut Pick, _nth: u32) -> Case {
    let (run, point) = (pick.run(), pick.point());
    let disk = [DiskLoss::All, DiskLoss::Nothing][run as usize % 2];
    match point {
        1..=POINTS => crashes(pick, run, &[point], disk),
        point if point <= RESTARTS - STATES => {
            let (first, second) = judge::pair(point - POINTS);
            crashes(pick, run, &[first, second], disk)
        }
        _ => shown_and_lost(pick, point - (RESTARTS - STATES)),
    }
}
/// Two or three leaders with requests of all kinds. One crashes after each of these effects, and is asked for more as soon as it is back.
fn crashes(pick: &mut Pick, run: u32, effects: &[u32], disk: DiskLoss) -> Case {
    let mut draft = Draft::new(pick, 2 + run % 2);
    let (a, b) = (draft.cast[0], draft.cast[1]);
    // a register of which it knows high numbers, unless it begins again
    for nth in 0..3 {
        draft.write(us(500 + 400 * nth), a, "b");
    }
    // items that are inserted once only: nothing else hides that one of them is missing
    let mut item = 10;
    for (begin, step) in [(ms(2), 12), (draft.rounds(2), 8), (draft.rounds(4), 4)] {
        for node in [a, b] {
            let mut at = begin;
            let mut next = || {
                at += draft.gossip / step * pick.small(50..=150) / 100;
                at
            };
            let times: [Duration; 8] = std::array::from_fn(|_| next());
            draft.insert(times[0], node, "a", item);
            draft.add(pick, times[1], node, &["a"]);
            draft.insert(times[2], node, "a", pick.small(1..=2));
            draft.write(times[3], node, "a");
            draft.remove(times[4], node, "a", item);
            draft.insert(times[5], node, "a", item + 1);
            draft.remove(times[6], node, "a", pick.small(1..=2));
            draft.read(times[7], node);
            item += 2;
        }
    }
    for (life, nth) in (2..).zip(effects) {
        draft.crash(When::on(Trigger::Effect { node: a, nth: (*nth).into() }), a, disk, Until::After(DOWN));
        let back = |after| Sight::of(SeenKind::Started).at(a).nth(life).after(us(after));
        draft.read(back(100), a);
        draft.insert(back(600), a, "a", item);
        draft.write(back(1_100), a, "b");
        draft.add(pick, back(1_600), a, &["a"]);
        draft.insert(back(2_100), a, "a", item + 1);
        draft.read(back(2_600), a);
        item += 2;
    }
    let calm = draft.rounds(7);
    draft.finish(calm, false)
}
/// A leader is gone for good. Another one shows what the first had told it, and crashes; later it has to tell a third.
fn shown_and_lost(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, 3);
    let (author, witness, third) = (draft.cast[0], draft.cast[1], draft.cast[2]);
    draft.add(pick, ms(2), author, &["a"]);
    draft.insert(ms(2), author, "a", 1);
    let value = draft.write(ms(3), author, "a");
    draft.write(ms(2), third, "b");
    // the witness is asked so often that it shows what it hears at once
    draft.watch(witness, ms(4), us(700), 90);
    draft.hold(Duration::ZERO, author, third, Until::Never);
    draft.cut(Duration::ZERO, witness, third, Until::Calm);
    draft.crash(shows(witness, "a", value), author, DiskLoss::All, Until::Never);
    draft.crash(shows(witness, "a", value).nth(nth), witness, DiskLoss::All, Until::After(DOWN));
    draft.watch(witness, draft.rounds(4), ms(3), 3);
    let calm = draft.rounds(5);
    draft.finish(calm, false)
}

/// What 40 requests leave is settled; then nothing is asked for.
pub(super) fn quiet(pick: &mut Pick, nth: u32) -> Case {
    const SILENT: u32 = 30;
    let n = [2, 3, 5][nth as usize % 3];
    let mut draft = Draft::new(pick, n);
    for turn in 0..40 {
        let node = draft.cast[turn as usize % n as usize];
        let at = ms(2) + ms(3) * turn;
        match turn % 5 {
            0 => _ = draft.write(at, node, key(pick, &["name", "city", "mail"])),
            1 => draft.add(pick, at, node, &["hits", "sum"]),
            2 | 3 => draft.insert(at, node, key(pick, &["cart", "list"]), pick.small(1..=4)),
            _ => draft.remove(at, node, "cart", pick.small(1..=4)),
        }
    }
    let calm = ms(130);
    let from = calm + draft.rounds(ROUNDS);
    let until = from + draft.rounds(SILENT);
    draft.stage.calm = Some((calm, Link::between(ms(1), ms(5))));
    for node in draft.cast.clone() {
        draft.read(until, node);
    }
    draft.stage.end = until + ms(25);
    let most = u64::from(4 * n * (n - 1) * SILENT);
    let few = kit::goals::few("although nothing was left to tell", from, until, most, u64::MAX);
    let because = "there is nothing new to tell";
    let short = Short { from, bytes_max: BYTES_MAX, because };
    draft.rules().and(few).and(short).judge(draft.stage)
}
/// The longest message, when all leaders know everything: three times as long as that of the reference.
const BYTES_MAX: usize = 750;

/// Inserts and removes of five items, hundreds of them; and then a few inserts more.
pub(super) fn bounded(pick: &mut Pick, nth: u32) -> Case {
    const TURNS: u32 = 700;
    let mut draft = Draft::new(pick, 3);
    let cast = draft.cast.clone();
    let is_cut = !nth.is_multiple_of(3);
    for turn in 0..TURNS {
        let node = cast[turn as usize % if is_cut && turn > TURNS - 150 { 2 } else { 3 }];
        let at = ms(2) + us(1_500) * turn;
        let item = pick.small(1..=5);
        draft.insert(at, node, "a", item);
        let item = pick.small(1..=5);
        draft.remove(at + us(700), *pick.one(&cast[..2]), "a", item);
    }
    let last = ms(2) + us(1_500) * TURNS;
    if is_cut {
        // the third leader has items that are removed elsewhere
        let from = last - us(1_500) * 150;
        let group = [&cast[..2], &cast[2..]];
        match nth % 3 {
            1 => draft.split(from, &group, Until::Calm),
            _ => draft.crash(from, cast[2], DiskLoss::All, Until::Calm),
        }
    }
    let calm = last + draft.rounds(1);
    let settled = calm + draft.rounds(ROUNDS);
    draft.stage.calm = Some((calm, Link::between(ms(1), ms(5))));
    for node in &cast {
        draft.read(settled, *node);
        draft.insert(settled + ms(2), *node, "a", 6 + node.0);
        draft.insert(settled + ms(4), *node, "a", 9);
    }
    let end = settled + ms(4) + draft.rounds(ROUNDS) + ms(1);
    for node in &cast {
        draft.read(end, *node);
    }
    draft.stage.end = end + ms(25);
    let because = "all leaders know what was removed, and ten items at most are left";
    let short = Short { from: settled, bytes_max: BYTES_MAX, because };
    draft.rules().and(short).judge(draft.stage)
}
