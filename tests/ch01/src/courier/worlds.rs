//! `courier`: the runs. All of them draw their nodes, letters and clean links in the same way.

use super::oracle::{Goals, Post, RANDOM_LETTER_BYTES};
use judge::{Case, Pick};
use kit::see::Sight;
use kit::{Stage, ms};
use lab::NodeId;
use lab::courier::{Config, Guarantee, Letter, Receiver, Request, Sender};
use std::time::Duration;
use world::{
    Chance, DiskLoss, Harm, Latency, Link, LinkRule, NodeSpec, SeenKind, Tail, Trigger, Until, When, Who,
};

use Guarantee::{AtLeastOnce, AtMostOnce, ExactlyOnce, ExactlyOnceInOrder};

/// A letter is due so many pauses after the calm: a pause that doubled all through a bad time of 12 is over 13 after its end at
/// the latest, and twenty letters one by one take another 3.
const DUE_PAUSES: u32 = 20;
/// The same where nothing ever goes wrong: ten letters one by one take 2.
const DUE_PAUSES_CLEAN: u32 = 4;
/// How long the bad time lasts, and how long a node or a link may be gone at a stretch.
const BAD_PAUSES: u32 = 8;
const GONE_PAUSES: u32 = 12;

/// A run that is being made.
struct Draft {
    config: Config,
    senders: Vec<NodeId>,
    receivers: Vec<NodeId>,
    texts: Texts,
    scenario: Stage<Sender>,
    goals: Goals,
}
/// What letters say.
#[derive(Clone, Copy)]
enum Texts {
    /// One of a few words, so that many are equal; one is empty.
    Words,
    /// Random, so that all differ.
    Random,
}

impl Draft {
    /// Senders and receivers, with names that tell nothing, on a clean network.
    fn new(pick: &mut Pick, guarantee: Guarantee) -> Draft {
        let (senders, receivers) = (pick.small(1..=2), pick.small(1..=2));
        Draft::of(pick, guarantee, senders as usize, receivers as usize)
    }
    /// So many senders and receivers.
    fn of(pick: &mut Pick, guarantee: Guarantee, senders: usize, receivers: usize) -> Draft {
        let mut names: Vec<NodeId> = (1..=7).map(NodeId).collect();
        pick.shuffle(&mut names);
        let senders = names.split_off(names.len() - senders);
        let receivers = names.split_off(names.len() - receivers);
        let resend = ms(*pick.one(&[60, 80, 100]));
        let config = Config { guarantee, resend, window: *pick.one(&[1, 3, 4, 8]) };
        let mut nodes: Vec<NodeSpec> = Vec::new();
        nodes.extend(senders.iter().map(|id| NodeSpec::guest::<Sender>(*id, &config).named("sender")));
        nodes.extend(receivers.iter().map(|id| NodeSpec::guest::<Receiver>(*id, &config).named("receiver")));
        nodes.sort_by_key(|node| node.id);
        let texts = *pick.one(&[Texts::Words, Texts::Random]);
        let mut scenario = Stage::with(nodes, Duration::ZERO);
        scenario.network = Link { fifo: pick.percent(50), ..clean(pick) };
        let goals = Goals { due: Some(resend * DUE_PAUSES), ..Goals::default() };
        Draft { config, senders, receivers, texts, scenario, goals }
    }
    fn pairs(&self) -> Vec<(NodeId, NodeId)> {
        let to_all = |from: &NodeId| self.receivers.iter().map(|to| (*from, *to)).collect::<Vec<_>>();
        self.senders.iter().flat_map(to_all).collect()
    }
    /// A length of time in pauses of a sender.
    fn pauses(&self, n: u32) -> Duration {
        self.config.resend * n
    }

    fn ask(&mut self, at: Duration, from: NodeId, to: NodeId, letter: Letter) {
        self.scenario.ask(When::At(at), from, Request::Send { to, letter });
    }
    /// So many letters for each pair, at drawn times of this span.
    fn letters(&mut self, pick: &mut Pick, many: u32, (from_ms, until_ms): (u64, u64)) {
        for (from, to) in self.pairs() {
            for _ in 0..many {
                let at = pick.micros(from_ms * 1_000..=until_ms * 1_000);
                let letter = self.texts.draw(pick);
                self.ask(at, from, to, letter);
            }
        }
    }
    /// The end of every run: from the calm on nothing goes wrong, and each sender is asked for some letters more, which
    /// differ from all others.
    fn calm(mut self, pick: &mut Pick, at: Duration) -> Case {
        let link = Link { fifo: true, ..clean(pick) };
        self.scenario.calm = Some((at, link));
        for (from, to) in self.pairs() {
            for _ in 0..pick.small(1..=3) {
                let when = at + pick.micros(1_000..=20_000);
                self.ask(when, from, to, Texts::Random.draw(pick));
            }
        }
        self.scenario.end = at + ms(20) + self.pauses(DUE_PAUSES + 10);
        self.case()
    }
    fn case(self) -> Case {
        self.scenario.judged_by(Post::new(self.config, self.goals))
    }

    /// The network is rough: messages are lost so often, doubled and overtaken so often.
    fn rough(&mut self, loss: u32, duplication: u32, late: u32, latest_ms: u64) {
        let Latency { min, max, .. } = self.scenario.network.latency;
        let tail = (late > 0).then_some(Tail { chance: Chance::percent(late), max: ms(latest_ms) });
        self.scenario.network = Link {
            latency: Latency { min, max, tail },
            loss: Chance::percent(loss),
            duplication: Chance::percent(duplication),
            fifo: false,
            ..self.scenario.network
        };
    }
    /// A receiver crashes after its `nth` effect.
    fn crash(&mut self, node: NodeId, nth: u32, disk: DiskLoss, down: Duration) {
        let when = When::on(Trigger::Effect { node, nth: nth.into() });
        let harm = Harm::Crash { node: Who::Node(node), disk };
        self.harm(when, harm, Until::After(down));
    }
    /// Receivers crash, one to four times in all.
    fn crashes(&mut self, pick: &mut Pick) {
        for _ in 0..pick.small(1..=4) {
            let node = *pick.one(&self.receivers);
            let (nth, down) = (pick.small(1..=40), pick.millis(1..=100));
            self.crash(node, nth, DiskLoss::Drawn, down);
        }
    }
    fn harm(&mut self, when: When, harm: Harm, until: Until) {
        self.scenario.harm(when, harm, until);
    }
}
impl Texts {
    fn draw(self, pick: &mut Pick) -> Letter {
        match self {
            Texts::Words => (*pick.one(&["flour", "salt", ""])).into(),
            Texts::Random => {
                let words = (0..RANDOM_LETTER_BYTES / 8).flat_map(|_| pick.bits().to_le_bytes());
                Letter(words.collect())
            }
        }
    }
}
/// A link that loses nothing; there and back take less than an eighth of a sender's pause.
fn clean(pick: &mut Pick) -> Link {
    Link::between(ms(1), ms(pick.number(1..=3)))
}
pub(super) fn arrives(pick: &mut Pick, nth: u32) -> Case {
    let guarantees = [AtMostOnce, AtLeastOnce, ExactlyOnce, ExactlyOnceInOrder];
    let mut draft = Draft::new(pick, guarantees[nth as usize % 4]);
    let latency = pick.millis(1..=3);
    draft.scenario.network = Link { fifo: true, ..Link::fixed(latency) };
    let many = pick.small(1..=10);
    let last_ms = *pick.one(&[5, 5, 100]);
    draft.texts = Texts::Random;
    draft.letters(pick, many, (5, last_ms));
    let (sender, receiver) = (draft.senders[0], draft.receivers[0]);
    draft.ask(ms(5), sender, receiver, "".into());
    draft.goals.due = Some(draft.pauses(DUE_PAUSES_CLEAN));
    draft.scenario.end = ms(last_ms) + draft.pauses(2 * DUE_PAUSES_CLEAN);
    draft.case()
}

/// A copy of each early message arrives at any time of a long run, and many letters later. The receiver may crash.
fn long_memory(pick: &mut Pick, guarantee: Guarantee, crash: bool) -> Case {
    let mut draft = Draft::of(pick, guarantee, 1, 1);
    draft.texts = Texts::Random;
    draft.letters(pick, 4, (5, 15));
    let long = draft.pauses(60);
    let half_ms = u64::try_from(long.as_millis()).expect("seconds") / 2;
    draft.letters(pick, 250, (30, half_ms));
    let Link { latency, .. } = draft.scenario.network;
    let tail = Some(Tail { chance: Chance::percent(50), max: long });
    let link = Link {
        latency: Latency { tail, ..latency },
        duplication: Chance::ALWAYS,
        fifo: false,
        ..clean(pick)
    };
    let rule = LinkRule { from: Some(draft.senders[0]), to: Some(draft.receivers[0]), link };
    draft.harm(When::At(Duration::ZERO), Harm::Links(rule), Until::After(ms(25)));
    if crash {
        let node = draft.receivers[0];
        draft.crash(node, pick.small(1..=400), DiskLoss::All, ms(5));
    }
    draft.calm(pick, long)
}

/// Letters far apart, so that a copy often arrives before the next letter; the receiver crashes inside each of its first syncs.
fn copies_after_crashes(pick: &mut Pick, guarantee: Guarantee) -> Case {
    const LETTERS: u32 = 8;
    const APART: Duration = ms(100);
    let mut draft = Draft::new(pick, guarantee);
    let (from, to) = (draft.senders[0], draft.receivers[0]);
    draft.rough(0, 100, 50, 60);
    for nth in 1..=LETTERS {
        let letter = draft.texts.draw(pick);
        draft.ask(APART * nth, from, to, letter);
        let inside = Sight::of(SeenKind::Syncing).at(to).nth(nth);
        let harm = Harm::Crash { node: Who::Node(to), disk: DiskLoss::Drawn };
        draft.harm(inside.into(), harm, Until::After(ms(2)));
    }
    draft.calm(pick, APART * (LETTERS + 1))
}

/// A receiver crashes after one of its first effects: the `nth` of the worlds that do so.
fn crash_somewhere(draft: &mut Draft, nth: u32, losses: [DiskLoss; 4]) {
    const EFFECTS: u32 = 20;
    let node = draft.receivers[0];
    draft.crash(node, nth % EFFECTS + 1, losses[(nth / EFFECTS) as usize % 4], ms(5));
}

pub(super) fn at_most_once(pick: &mut Pick, nth: u32) -> Case {
    if nth % 32 == 7 {
        return long_memory(pick, AtMostOnce, nth % 64 == 7);
    }
    if nth % 8 == 2 {
        return copies_after_crashes(pick, AtMostOnce);
    }
    let mut draft = Draft::new(pick, AtMostOnce);
    draft.letters(pick, 6, (5, 60));
    draft.rough(10, 60, 30, 60);
    match nth % 4 {
        2 => draft.crashes(pick),
        3 => {}
        some => {
            let losses = [DiskLoss::All, DiskLoss::Drawn, DiskLoss::Nothing, DiskLoss::Drawn];
            crash_somewhere(&mut draft, nth / 4 * 2 + some, losses);
        }
    }
    let at = draft.pauses(BAD_PAUSES);
    draft.calm(pick, at)
}

pub(super) fn none_lost(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, AtLeastOnce);
    draft.letters(pick, 8, (5, 60));
    let (sender, receiver) = (draft.senders[0], draft.receivers[0]);
    let mut bad = draft.pauses(BAD_PAUSES);
    match nth % 5 {
        0 => draft.rough(30, 10, 20, 60),
        1 => {
            let (from, to) = if pick.percent(50) { (sender, receiver) } else { (receiver, sender) };
            draft.harm(When::At(ms(2)), Harm::Cut { from: vec![from], to: vec![to] }, Until::Calm);
            bad = draft.pauses(GONE_PAUSES);
        }
        2 => {
            // one receiver is down for long; the letters to the others are not held up
            let harm = Harm::Crash { node: Who::Node(receiver), disk: DiskLoss::All };
            draft.harm(When::At(pick.millis(1..=20)), harm, Until::Calm);
            draft.goals.unharmed_due = Some(draft.pauses(DUE_PAUSES));
            draft.goals.unharmed.extend(draft.senders.iter().chain(&draft.receivers[1..]));
            // the others' letters are due before it is back, and its own may wait for a pause that has doubled all the time
            bad = draft.pauses(2 * GONE_PAUSES);
            draft.goals.due = Some(draft.pauses(2 * GONE_PAUSES + DUE_PAUSES));
        }
        some => {
            draft.rough(10, 20, 20, 30);
            let losses = [DiskLoss::All, DiskLoss::Drawn, DiskLoss::All, DiskLoss::Nothing];
            crash_somewhere(&mut draft, nth / 5 * 2 + some - 3, losses);
        }
    }
    draft.calm(pick, bad)
}

pub(super) fn exactly_once(pick: &mut Pick, nth: u32) -> Case {
    if nth % 16 == 7 {
        return long_memory(pick, ExactlyOnce, false);
    }
    let draft = swarm(pick, nth, ExactlyOnce);
    let at = draft.pauses(BAD_PAUSES);
    draft.calm(pick, at)
}
/// Letters over a rough network.
fn swarm(pick: &mut Pick, nth: u32, guarantee: Guarantee) -> Draft {
    let mut draft = Draft::new(pick, guarantee);
    draft.letters(pick, 12, (5, 80));
    match nth % 4 {
        0 => draft.rough(0, 40, 30, 60),
        1 => draft.rough(30, 10, 0, 0),
        2 => {
            // one message stays behind, and whole windows of later ones overtake it
            let (from, to) = (draft.senders[0], draft.receivers[0]);
            draft.rough(0, 30, 10, 20);
            let nth = Some(pick.small(1..=8));
            let hold = Harm::Hold { from: Some(from), to: Some(to), nth, matches: None, what: None };
            let until = Until::After(draft.pauses(pick.small(1..=7)));
            draft.harm(When::At(ms(1)), hold, until);
        }
        _ => draft.rough(pick.small(0..=30), pick.small(0..=40), pick.small(0..=40), 150),
    }
    draft
}

/// One point of a crash after every effect of a receiver, or after two.
pub(super) const SINGLES: u32 = 48;
pub(super) const PAIRED: u32 = 24;
pub(super) fn crash_points(pick: &mut Pick, _nth: u32) -> Case {
    let (run, point) = (pick.run(), pick.point());
    let guarantee = [ExactlyOnce, ExactlyOnceInOrder][run as usize % 2];
    let (senders, disk) =
        [(1, DiskLoss::All), (2, DiskLoss::Drawn), (2, DiskLoss::Nothing)][run as usize / 2 % 3];
    let mut draft = Draft::of(pick, guarantee, senders, 1);
    draft.letters(pick, 3, (5, 20));
    draft.rough(0, 50, 30, 30);
    let node = draft.receivers[0];
    if point <= SINGLES {
        draft.crash(node, point, disk, ms(5));
    } else {
        let (first, second) = judge::pair(point - SINGLES);
        draft.crash(node, first, disk, ms(5));
        draft.crash(node, second, disk, ms(5));
    }
    let at = draft.pauses(BAD_PAUSES);
    draft.calm(pick, at)
}

pub(super) fn in_order(pick: &mut Pick, nth: u32) -> Case {
    if nth % 32 == 7 {
        return long_memory(pick, ExactlyOnceInOrder, true);
    }
    let mut draft = swarm(pick, nth, ExactlyOnceInOrder);
    if nth % 8 >= 4 {
        draft.crashes(pick);
    }
    let at = draft.pauses(BAD_PAUSES);
    draft.calm(pick, at)
}

pub(super) fn frugal(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, AtMostOnce);
    draft.letters(pick, 100, (5, 500));
    match nth % 3 {
        0 => {}
        1 => draft.rough(0, 40, 0, 0),
        _ => draft.rough(30, 0, 20, 30),
    }
    draft.goals.frugal = true;
    draft.goals.cost_only = true;
    draft.calm(pick, ms(600))
}

pub(super) fn quiet(pick: &mut Pick, nth: u32) -> Case {
    let guarantees = [AtMostOnce, AtLeastOnce, ExactlyOnce, ExactlyOnceInOrder];
    let mut draft = Draft::new(pick, guarantees[nth as usize % 4]);
    draft.letters(pick, 5, (5, 60));
    let (sender, receiver) = (draft.senders[0], draft.receivers[0]);
    let until = Until::After(draft.pauses(4));
    draft.harm(When::At(ms(2)), Harm::Cut { from: vec![receiver], to: vec![sender] }, until);
    draft.crash(receiver, pick.small(1..=16), DiskLoss::All, ms(20));
    draft.goals.quiet = true;
    draft.goals.cost_only = true;
    let at = draft.pauses(BAD_PAUSES);
    draft.calm(pick, at)
}

pub(super) fn bounded(pick: &mut Pick, nth: u32) -> Case {
    let guarantee = [ExactlyOnce, ExactlyOnceInOrder][nth as usize % 2];
    let senders = pick.small(1..=2) as usize;
    let mut draft = Draft::of(pick, guarantee, senders, 1);
    draft.texts = Texts::Random;
    draft.letters(pick, 5_000 / draft.pairs().len() as u32, (5, 6_000));
    draft.rough(5, 2, 10, 20);
    let until = Until::After(draft.pauses(5));
    let node = Who::Node(draft.receivers[0]);
    draft.harm(When::At(ms(500)), Harm::Isolate { node }, until);
    draft.goals = Goals { bounded: true, ..Goals::default() };
    draft.calm(pick, ms(60_000))
}
