//! `gather`: the runs. One gatherer, one to eight shards that the suite plays, and a network that loses, doubles and delays.
//!
//! In every run with several shards, one of them has nothing. Every run ends in the same way: shards are well, nothing is lost, and
//! there are two searches more.

use super::oracle::{Due, Frugal, GRACE, Goals, Searches};
use super::shard::{Habits, shard};
use judge::{Case, Pick};
use kit::{Rules, Stage, clocks, ms};
use lab::NodeId;
use lab::gather::{Config, Gatherer, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{
    Chance, ClientId, DiskLoss, Harm, Latency, Link, NodeSpec, OperationId, Tail, Trigger, Until, When, Who,
};

const LONG_PAUSES: u32 = 30;
const BAD_PAUSES: u32 = 6;

/// A run that is being made.
struct Draft {
    stage: Stage<Gatherer>,
    resend: Duration,
    gatherer: NodeId,
    shards: Vec<NodeId>,
    habits: BTreeMap<NodeId, Habits>,
    goals: Goals,
    texts: BTreeSet<u64>,
    drift_ppm: i64,
    delay: Duration,
    over: Duration,
    clients: u32,
}

impl Draft {
    /// A gatherer and so many shards, with names that tell nothing, on a clean network.
    fn new(pick: &mut Pick, shards: u32) -> Draft {
        let mut names: Vec<NodeId> = (1..=shards + 3).map(NodeId).collect();
        pick.shuffle(&mut names);
        let shards = names.split_off(names.len() - shards as usize);
        let gatherer = names[0];
        let resend = ms(*pick.one(&[50, 60, 80]));
        let config = Config { shards: shards.clone(), resend };
        let mut node = NodeSpec::guest::<Gatherer>(gatherer, &config).named("gatherer");
        let drift_ppm = clocks::wrong(pick, &mut node);
        let delay = ms(pick.number(1..=3));
        let mut stage = Stage::with(vec![node], Duration::ZERO);
        stage.network = Link { fifo: pick.percent(50), ..Link::between(ms(1), delay) };
        clocks::unsteady(pick, &mut stage, gatherer);
        let mut habits = BTreeMap::new();
        for shard in &shards {
            habits.insert(*shard, Habits { hits: *pick.one(&[1, 2, 3, 40]), ..Habits::default() });
        }
        if let [_, .., last] = shards[..] {
            habits.insert(last, Habits::default());
        }
        let (goals, texts, over) = (Goals::default(), BTreeSet::new(), Duration::ZERO);
        Draft { stage, resend, gatherer, shards, habits, goals, texts, drift_ppm, delay, over, clients: 0 }
    }
    fn pauses(&self, n: u32) -> Duration {
        self.resend * n
    }
    /// A text like no other.
    fn text(&mut self, pick: &mut Pick) -> u64 {
        loop {
            let text = pick.number(10..=999);
            if self.texts.insert(text) {
                return text;
            }
        }
    }
    fn search(&mut self, at: Duration, text: u64, within: Duration) -> (ClientId, OperationId) {
        self.clients += 1;
        let request = Request::Search { text, within };
        let id = self.stage.ask_by(self.clients, at, self.gatherer, request);
        self.over = self.over.max(at + within);
        (ClientId(self.clients), id)
    }
    /// The same, and the answer must come so long after that, with the hits of these shards.
    fn search_due(
        &mut self,
        at: Duration,
        text: u64,
        within: Duration,
        due: Duration,
        present: &[NodeId],
        why: &'static str,
    ) {
        let operation = self.search(at, text, within);
        let due = Due { within: due, present: present.iter().copied().collect(), why };
        self.goals.due.insert(operation, due);
    }
    /// The same, and the search has all the time that it wants to find everything.
    fn search_through(&mut self, at: Duration, text: u64) {
        let (within, shards) = (self.pauses(LONG_PAUSES), self.shards.clone());
        let why = "every shard answers, and messages were lost or late for a part of the time at most";
        self.search_due(at, text, within, within + GRACE, &shards, why);
    }
    fn all(&mut self) -> impl Iterator<Item = &mut Habits> {
        self.habits.values_mut()
    }
    fn of(&mut self, shard: NodeId) -> &mut Habits {
        self.habits.entry(shard).or_default()
    }
    /// Messages arrive twice so often, and overtake each other by up to so long.
    fn rough(&mut self, duplication: u32, late: Duration) {
        let Latency { min, max, .. } = self.stage.network.latency;
        let tail = (!late.is_zero()).then_some(Tail { chance: Chance::percent(40), max: max + late });
        self.stage.network = Link {
            latency: Latency { min, max, tail },
            duplication: Chance::percent(duplication),
            fifo: false,
            ..self.stage.network
        };
    }
    fn harm(&mut self, when: impl Into<When>, harm: Harm, until: Until) {
        self.stage.harm(when, harm, until);
    }
    /// Until then nothing passes from the gatherer to these shards, or nothing from them to the gatherer.
    fn cut(&mut self, shards: &[NodeId], asks: bool, until: Until) {
        let (gatherer, shards) = (vec![self.gatherer], shards.to_vec());
        let harm = if asks {
            Harm::Cut { from: gatherer, to: shards }
        } else {
            Harm::Cut { from: shards, to: gatherer }
        };
        self.harm(When::At(Duration::ZERO), harm, until);
    }
    fn crash(&mut self, when: impl Into<When>, disk: DiskLoss) {
        let harm = Harm::Crash { node: Who::Node(self.gatherer), disk };
        self.harm(when, harm, Until::After(ms(5)));
    }
    /// The end of every run.
    fn case(mut self, pick: &mut Pick) -> Case {
        let over = self.over + ms(50);
        let known = self.texts.iter().next().copied();
        let text = self.text(pick);
        self.search_through(over, text);
        let again = known.filter(|_| pick.percent(50) && self.goals.frugal.is_none()).unwrap_or(text + 1_000);
        self.search_through(over + ms(1), again);
        let calm = Link::between(ms(1), self.delay);
        self.stage.calm = Some((over - ms(1), calm));
        for (id, habits) in &mut self.habits {
            habits.well_from = over - ms(1);
            self.stage.nodes.push(shard(*id, habits));
        }
        self.stage.nodes.sort_by_key(|node| node.id);
        self.stage.end = over + self.resend * (LONG_PAUSES + 4);
        let judge = Searches::new(self.gatherer, &self.shards, self.drift_ppm, self.goals);
        Rules::of(judge).judge(self.stage)
    }
}

/// Several searches at once, of one to eight shards that answer.
pub(super) fn complete(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, nth % 8 + 1);
    draft.goals.in_time = true;
    let works = *pick.one(&[0, 5, 30]);
    draft.all().for_each(|habits| habits.works = ms(works));
    let text = draft.text(pick);
    // few or many at once
    let searches = *pick.one(&[3, 3, 24]);
    for place in 0..searches {
        let text = if place == 1 && nth.is_multiple_of(3) { text } else { draft.text(pick) };
        let at = ms(5) + pick.micros(0..=20_000);
        draft.search_through(at, text);
    }
    draft.case(pick)
}

/// The work that all shards have together, and the time that there is for it.
const WORK: Duration = ms(800);
const TIME: Duration = ms(300);

/// The same work for one shard, for four, and for eight.
pub(super) fn shares_the_load(pick: &mut Pick, nth: u32) -> Case {
    let shards = [1, 8, 4, 8][nth as usize % 4];
    let mut draft = Draft::new(pick, shards);
    draft.goals.in_time = true;
    let works = WORK / shards;
    draft.all().for_each(|habits| habits.works = works);
    let (text, all) = (draft.text(pick), draft.shards.clone());
    if shards == 1 {
        // it is busy until after the deadline
        draft.search_due(ms(5), text, TIME, TIME + GRACE, &[], "that was its deadline");
        draft.over += WORK;
    } else {
        let why = "each shard works on its share for less than that, and all can work at the same time";
        draft.search_due(ms(5), text, TIME, works + ms(30), &all, why);
    }
    draft.case(pick)
}

/// Parts that arrive twice, late, or in the last moment; and searches side by side whose deadlines differ.
pub(super) fn honest(pick: &mut Pick, nth: u32) -> Case {
    let shards = pick.small(1..=8);
    let mut draft = Draft::new(pick, shards);
    draft.rough(*pick.one(&[0, 40, 100]), ms(*pick.one(&[0, 20, 100])));
    let twin = draft.text(pick);
    let longest = *pick.one(&[20, 200]);
    for shard in draft.shards.clone() {
        let works = pick.micros(0..=10_000);
        draft.of(shard).works = works;
        if pick.percent(20) {
            draft.of(shard).works = ms(150);
        }
    }
    for place in 0..6 {
        let text = if place % 3 == 0 && nth.is_multiple_of(2) { twin } else { draft.text(pick) };
        let (at, within) = (pick.micros(5_000..=60_000), pick.micros(0..=longest * 1_000));
        draft.search(at, text, within);
    }
    if nth.is_multiple_of(3) {
        let one = draft.shards[0];
        draft.cut(&[one], nth.is_multiple_of(2), Until::After(ms(100)));
    }
    draft.over += ms(1_500);
    draft.case(pick)
}

/// Shards that are dead, slow, or stand still, for all searches or for some.
pub(super) fn deadline(pick: &mut Pick, nth: u32) -> Case {
    let shards = pick.small(1..=8);
    let mut draft = Draft::new(pick, shards);
    draft.goals.in_time = true;
    let bad = if nth % 5 == 4 { draft.shards.clone() } else { vec![*pick.one(&draft.shards)] };
    let within = pick.millis(60..=800);
    let until = within + ms(600);
    let mut ignored = None;
    match nth % 4 {
        0 => bad.iter().for_each(|shard| draft.of(*shard).silent_until = until),
        1 => bad.iter().for_each(|shard| draft.of(*shard).works = until),
        2 => {
            for shard in &bad {
                draft.harm(When::At(ms(1)), Harm::Pause { node: Who::Node(*shard) }, Until::After(until));
            }
        }
        _ => {
            // one search is not answered, and the others are
            let text = draft.text(pick);
            bad.iter().for_each(|shard| _ = draft.of(*shard).ignores.insert(text));
            ignored = Some(text);
        }
    }
    let others: Vec<NodeId> = draft.shards.iter().copied().filter(|shard| !bad.contains(shard)).collect();
    let all = draft.shards.clone();
    for place in 0..*pick.one(&[4, 4, 12]) {
        let (text, is_ignored) = match ignored {
            Some(text) if place == 0 => (text, true),
            _ => (draft.text(pick), ignored.is_none()),
        };
        let present = if is_ignored { &others } else { &all };
        let within = if place == 0 { within } else { pick.micros(60_000..=500_000) };
        let at = ms(5) + ms(7) * place;
        draft.search_due(
            at,
            text,
            within,
            within + GRACE,
            present,
            "this shard answers at once, and no message was lost",
        );
    }
    // and one that has no time at all
    let text = draft.text(pick);
    draft.search(pick.millis(5..=100), text, Duration::ZERO);
    draft.over = draft.over.max(until + ms(10));
    draft.case(pick)
}

/// Effects of a gatherer after each of which it crashes, one at a time.
pub(super) const POINTS: u32 = 24;

/// Parts that arrive when other searches are open: of searches that were cut short, and of former lives.
pub(super) fn stale(pick: &mut Pick, nth: u32) -> Case {
    let shards = pick.small(1..=4);
    let mut draft = Draft::new(pick, shards);
    let one = draft.shards[0];
    let equal = nth.is_multiple_of(2);
    let twin = draft.text(pick);
    let (from, to) = (Some(one), Some(draft.gatherer));
    draft.rough(*pick.one(&[0, 50]), ms(0));
    // a shard that has something, or nothing would be seen
    draft.of(one).hits = 2;
    if nth < 24 {
        draft.of(one).works = ms(*pick.one(&[0, 30]));
        let release = pick.millis(40..=120);
        let hold = Harm::Hold { from, to, nth: None, matches: None, what: None };
        draft.harm(When::At(ms(1)), hold, Until::After(release));
        for place in 0..4 {
            let text = if equal && place % 2 == 0 { twin } else { draft.text(pick) };
            let at = ms(5) + ms(25) * place;
            if place < 2 {
                draft.search(at, text, ms(20));
            } else {
                draft.search_through(at, text);
            }
        }
        return draft.case(pick);
    }
    let back = ms(200);
    clocks::frozen(pick, &mut draft.stage, draft.gatherer, 3 * back);
    for (life, begins) in [(1, ms(1)), (2, back + ms(140))] {
        let hold = Harm::Hold { from, to, nth: None, matches: None, what: None };
        let ends = back * life + pick.millis(1..=30);
        draft.harm(When::At(begins), hold, Until::After(ends - begins));
    }
    let disk = *pick.one(&[DiskLoss::All, DiskLoss::Drawn, DiskLoss::Nothing]);
    let point = (nth - 24) % POINTS + 1;
    if (nth - 24) / POINTS == 0 {
        draft.crash(When::on(Trigger::Effect { node: draft.gatherer, nth: point.into() }), disk);
    } else {
        draft.crash(When::At(pick.millis(6..=180)), disk);
        draft.crash(When::At(back + pick.millis(6..=180)), disk);
    }
    for life in 0..3 {
        // in some runs the first life has many
        let many = if life == 0 && point % 4 == 3 { 40 } else { 4 };
        for place in 0..many {
            let text = if equal && place % 2 == 0 { twin } else { draft.text(pick) };
            let at = back * life + if place == 3 { ms(150) } else { pick.millis(5..=8) };
            draft.search_through(at, text);
        }
    }
    draft.case(pick)
}

/// Questions and parts that are lost for a while.
pub(super) fn again(pick: &mut Pick, nth: u32) -> Case {
    let shards = nth / 4 % 8 + 1;
    let mut draft = Draft::new(pick, shards);
    let bad = draft.pauses(BAD_PAUSES);
    let all = draft.shards.clone();
    match nth % 4 {
        0 => draft.cut(&all, true, Until::After(bad)),
        1 => draft.cut(&all, false, Until::After(bad)),
        2 => {
            let harm = Harm::Worse {
                from: None,
                to: None,
                loss: Chance::percent(30),
                duplication: Chance::NEVER,
                corruption: Chance::NEVER,
                late: Duration::ZERO,
            };
            draft.harm(When::At(Duration::ZERO), harm, Until::After(bad));
        }
        _ => draft.cut(&all[..1], pick.percent(50), Until::After(bad)),
    }
    for _ in 0..3 {
        let (at, text) = (pick.millis(5..=40), draft.text(pick));
        draft.search_through(at, text);
    }
    if nth / 4 % 4 == 1 {
        // never a pause without a new search, until the time of the first ones is over
        let step = draft.resend * 2 / 3;
        for place in 1..=LONG_PAUSES * 3 / 2 + 2 {
            let text = draft.text(pick);
            draft.search_through(ms(40) + step * place, text);
        }
    }
    draft.case(pick)
}

/// Searches that are answered at once, or not by one shard; and then nothing.
pub(super) fn frugal(pick: &mut Pick, nth: u32) -> Case {
    let shards = nth / 2 % 8 + 1;
    let mut draft = Draft::new(pick, shards);
    let clean = nth.is_multiple_of(2);
    draft.goals.frugal = Some(Frugal { resend: draft.resend, clean });
    let one = draft.shards[0];
    for place in 0..4u32 {
        let text = draft.text(pick);
        let at = pick.millis(5..=300);
        if clean || place % 2 == 0 {
            draft.search_through(at, text);
        } else {
            draft.of(one).ignores.insert(text);
            let within = pick.millis(100..=1_500);
            draft.search(at, text, within);
        }
    }
    draft.over += draft.pauses(20);
    draft.case(pick)
}
