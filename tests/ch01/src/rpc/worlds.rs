//! `rpc`: the runs. One caller, one to three servers that the suite plays, and a network that loses and delays.
//!
//! Every run ends in the same way: servers are well, nothing is lost, and each server is called once more.

use super::oracle::{Calls, Frugal, GRACE, Goals};
use super::server::{Does, EXECUTE, Habits, REFUSE, Serving, server};
use judge::{Case, Pick};
use kit::{Rules, Stage, clocks, ms, see};
use lab::NodeId;
use lab::rpc::{Caller, Config, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{
    Chance, ClientId, DiskLoss, Harm, Latency, Link, NodeSpec, OperationId, Tail, Trigger, Until, When, Who,
};

/// How much time a call has that must get through, in pauses of a caller: a pause that doubles asks again after 13 at the latest when
/// the bad time is over after [`BAD_PAUSES`].
const LONG_PAUSES: u32 = 30;
const BAD_PAUSES: u32 = 6;
/// The same of a bad time that is long: a pause that doubles, and is then drawn between its half and one and a half of it, asks again
/// after 79 at the latest.
const LONGER_PAUSES: u32 = 90;
const WORSE_PAUSES: u32 = 31;

/// A run that is being made.
struct Draft {
    stage: Stage<Caller>,
    resend: Duration,
    caller: NodeId,
    servers: Vec<NodeId>,
    habits: BTreeMap<NodeId, Habits>,
    goals: Goals,
    /// Bodies that were drawn.
    bodies: BTreeSet<u64>,
    drift_ppm: i64,
    /// The longest time that a message takes on a clean link.
    delay: Duration,
    /// When the last call of before the end has its deadline, and the last script is over.
    over: Duration,
    clients: u32,
}

impl Draft {
    /// A caller and so many servers, with names that tell nothing, on a clean network.
    fn new(pick: &mut Pick, servers: u32) -> Draft {
        let resend = *pick.one(&[50, 60, 80]);
        Draft::of(pick, servers, ms(resend))
    }
    /// The same, with this pause between copies.
    fn of(pick: &mut Pick, servers: u32, resend: Duration) -> Draft {
        let mut names: Vec<NodeId> = (1..=6).map(NodeId).collect();
        pick.shuffle(&mut names);
        let servers = names.split_off(names.len() - servers as usize);
        let caller = names[0];
        let mut node = NodeSpec::guest::<Caller>(caller, &Config { resend }).named("caller");
        let drift_ppm = clocks::wrong(pick, &mut node);
        let delay = ms(pick.number(1..=3));
        let mut stage = Stage::with(vec![node], Duration::ZERO);
        stage.network = Link { fifo: pick.percent(50), ..Link::between(ms(1), delay) };
        clocks::unsteady(pick, &mut stage, caller);
        let habits = servers.iter().map(|id| (*id, Habits { works: ms(0), ..Habits::default() })).collect();
        let bodies = BTreeSet::new();
        let goals = Goals::default();
        let over = Duration::ZERO;
        Draft { stage, resend, caller, servers, habits, goals, bodies, drift_ppm, delay, over, clients: 0 }
    }
    fn pauses(&self, n: u32) -> Duration {
        self.resend * n
    }
    /// A body like no other.
    fn body(&mut self, pick: &mut Pick) -> u64 {
        loop {
            let body = pick.number(10..=999);
            if self.bodies.insert(body) {
                return body;
            }
        }
    }
    /// A client makes a call.
    fn call(&mut self, at: Duration, server: NodeId, body: u64, within: Duration) -> (ClientId, OperationId) {
        self.clients += 1;
        let request = Request::Call { server, body, within };
        let id = self.stage.ask_by(self.clients, at, self.caller, request);
        self.over = self.over.max(at + within);
        (ClientId(self.clients), id)
    }
    /// The same, and the call must end Ok so long after it was made.
    fn call_due(&mut self, at: Duration, server: NodeId, body: u64, within: Duration, due: Duration) {
        let operation = self.call(at, server, body, within);
        self.goals.due.insert(operation, due);
    }
    /// The same, and the call has all the time that it wants.
    fn call_through(&mut self, at: Duration, server: NodeId, body: u64) {
        let within = self.pauses(LONG_PAUSES);
        self.call_due(at, server, body, within, within + GRACE);
    }
    fn habits(&mut self, server: NodeId) -> &mut Habits {
        self.habits.entry(server).or_default()
    }
    fn script(&mut self, server: NodeId, body: u64, does: &[Does]) {
        self.habits(server).scripts.insert(body, does.to_vec());
    }
    fn harm(&mut self, when: impl Into<When>, harm: Harm, until: Until) {
        self.stage.harm(when, harm, until);
    }
    /// What servers send arrives twice so often, and overtakes what they sent before.
    fn answers_are_doubled(&mut self, percent: u32, late: Duration) {
        let Latency { min, max, .. } = self.stage.network.latency;
        let tail = (!late.is_zero()).then_some(Tail { chance: Chance::percent(40), max: max + late });
        let link = Link {
            latency: Latency { min, max, tail },
            duplication: Chance::percent(percent),
            fifo: late.is_zero() && self.stage.network.fifo,
            ..self.stage.network
        };
        for server in self.servers.clone() {
            self.stage.link(Some(server), Some(self.caller), link);
        }
    }
    /// Until then nothing passes from the caller to these servers, or nothing from them to the caller.
    fn cut(&mut self, servers: &[NodeId], asks: bool, until: Until) {
        let (caller, servers) = (vec![self.caller], servers.to_vec());
        let harm = if asks {
            Harm::Cut { from: caller, to: servers }
        } else {
            Harm::Cut { from: servers, to: caller }
        };
        self.harm(When::At(Duration::ZERO), harm, until);
    }
    fn lossy(&mut self, percent: u32, until: Duration) {
        let harm = Harm::Worse {
            from: None,
            to: None,
            loss: Chance::percent(percent),
            duplication: Chance::NEVER,
            corruption: Chance::NEVER,
            late: Duration::ZERO,
        };
        self.harm(When::At(Duration::ZERO), harm, Until::After(until));
    }
    fn crash(&mut self, when: impl Into<When>, disk: DiskLoss, down: Duration) {
        let harm = Harm::Crash { node: Who::Node(self.caller), disk };
        self.harm(when, harm, Until::After(down));
    }
    /// The end of every run: nothing is lost, servers are well, and each is called once or twice more, once under a body that it
    /// knows.
    fn case(mut self, pick: &mut Pick) -> Case {
        let (well, over) = (self.over + ms(50), self.over + ms(100));
        let servers = self.servers.clone();
        let known = self.bodies.iter().next().copied();
        for (server, at) in servers.into_iter().zip([0, 2, 2]) {
            let body = self.body(pick);
            self.call_through(over + ms(at), server, body);
            if let Some(known) = known.filter(|_| pick.percent(30) && self.goals.frugal.is_none()) {
                self.call_through(over + ms(at), server, known);
            }
        }
        let calm = Link::between(ms(1), self.delay);
        self.stage.calm = Some((over - ms(1), calm));
        for (id, habits) in &mut self.habits {
            habits.well_from = well;
            self.stage.nodes.push(server(*id, habits));
        }
        self.stage.nodes.sort_by_key(|node| node.id);
        self.stage.end = over + self.resend * (LONG_PAUSES + 4);
        Rules::of(Calls::new(self.caller, self.drift_ppm, self.goals)).judge(self.stage)
    }
}

/// Calls that have time enough end Ok, whatever was lost before.
pub(super) fn completes(pick: &mut Pick, nth: u32) -> Case {
    let servers = nth / 6 % 3 + 1;
    let mut draft = Draft::new(pick, servers);
    let (bad, long) = if nth / 6 % 2 == 1 && nth % 6 < 3 {
        (WORSE_PAUSES, LONGER_PAUSES)
    } else {
        (BAD_PAUSES, LONG_PAUSES)
    };
    let (bad, long) = (draft.pauses(bad), draft.pauses(long));
    let one = draft.servers[0];
    draft.goals.clean_from = bad;
    match nth % 6 {
        0 => draft.goals.clean_from = Duration::ZERO,
        1 => {
            let servers = draft.servers.clone();
            draft.cut(&servers, true, Until::After(bad));
        }
        2 => {
            let servers = draft.servers.clone();
            draft.cut(&servers, false, Until::After(bad));
        }
        3 => draft.lossy(30, bad),
        4 => {
            // one server cannot be reached, and the others can
            draft.cut(&[one], nth.is_multiple_of(4), Until::After(bad));
            draft.answers_are_doubled(50, ms(0));
        }
        _ => {
            // slow, and every copy waits its turn
            let works = pick.millis(20..=600);
            for habits in draft.habits.values_mut() {
                habits.works = works;
            }
            draft.goals.clean_from = Duration::ZERO;
        }
    }
    // few or many at once
    for _ in 0..*pick.one(&[6, 6, 20]) {
        let (server, body) = (*pick.one(&draft.servers), draft.body(pick));
        let at = pick.millis(5..=40);
        if nth.is_multiple_of(6) {
            let within = pick.millis(40..=2_000);
            draft.call_due(at, server, body, within, within + GRACE);
        } else {
            draft.call_due(at, server, body, long, long + GRACE);
        }
    }
    if nth / 6 % 4 == 2 {
        // never a pause without a new call to each server, until the time of the first ones is over
        let step = draft.resend * 2 / 3;
        for place in 1..=LONG_PAUSES * 3 / 2 + 2 {
            for server in draft.servers.clone() {
                let body = draft.body(pick);
                draft.call_through(ms(40) + step * place, server, body);
            }
        }
    }
    draft.case(pick)
}

/// Copies that reach a server twice, and equal calls.
pub(super) fn once(pick: &mut Pick, nth: u32) -> Case {
    let servers = pick.small(1..=3);
    let mut draft = Draft::new(pick, servers);
    let bad = draft.pauses(BAD_PAUSES);
    let (one, body) = (draft.servers[0], draft.body(pick));
    let equal = (nth / 5).is_multiple_of(2);
    draft.goals.clean_from = bad;
    match nth % 5 {
        0 => {
            let until = draft.pauses(3);
            draft.cut(&[one], false, Until::After(until));
        }
        1 => {
            // the first copy arrives when another one has been executed
            let (from, to) = (Some(draft.caller), Some(one));
            let hold = Harm::Hold { from, to, nth: Some(pick.small(1..=2)), matches: None, what: None };
            let executed = Trigger::from(see::emits::<Serving>(|_| true).at(one));
            draft.harm(When::At(Duration::ZERO), hold, Until::Trigger(executed));
        }
        2 => draft.lossy(20, bad),
        3 => {
            let works = draft.resend * 5 / 2;
            draft.habits(one).works = works;
            draft.answers_are_doubled(60, ms(30));
        }
        _ => {
            // a client makes an equal call when the caller is back
            let until = draft.pauses(3);
            draft.cut(&[one], false, Until::After(until));
            let crash = pick.micros(5_100..=120_000);
            draft.crash(When::At(crash), *pick.one(&[DiskLoss::All, DiskLoss::Drawn]), ms(5));
            let (at, body) = (crash + pick.millis(10..=60), if equal { body } else { draft.body(pick) });
            draft.call_through(at, one, body);
        }
    }
    draft.call_through(ms(5), one, body);
    if equal {
        let at = *pick.one(&[ms(5), ms(6), ms(70)]);
        draft.call_through(at, one, body);
    }
    for _ in 0..3 {
        let (server, body) = (*pick.one(&draft.servers), draft.body(pick));
        let at = pick.millis(5..=40);
        draft.call_through(at, server, body);
    }
    draft.case(pick)
}

/// Copies that are executed long after the deadline, and copies that are refused while others are out.
pub(super) fn failed_is_final(pick: &mut Pick, nth: u32) -> Case {
    let servers = pick.small(2..=3);
    let mut draft = Draft::new(pick, servers);
    let (one, two) = (draft.servers[0], draft.servers[1]);
    let within = draft.pauses(20) + pick.micros(0..=50_000);
    let late = Does::Execute { after: within + ms(1_000) };
    // before the deadline or after it
    let drawn = Does::Execute { after: pick.millis(200..=2_000) };
    let scripts: [&[Does]; 4] = [
        &[late],
        &[Does::RefuseWhen { copies: 2 }, drawn],
        &[drawn, REFUSE],
        &[Does::RefuseWhen { copies: 2 }, late, REFUSE],
    ];
    draft.over = draft.resend * 30 + ms(2_100);
    draft.goals.clean_from = draft.over + ms(70);
    match nth % 7 {
        0..4 => {
            draft.answers_are_doubled(*pick.one(&[0, 100]), ms(0));
            let body = draft.body(pick);
            draft.script(one, body, scripts[nth as usize % 7]);
            draft.call(ms(5), one, body, within);
        }
        4 => {
            // the third copy is the one that is executed
            let body = draft.body(pick);
            let held = Does::RefuseWhen { copies: 3 };
            draft.script(one, body, &[held, held, drawn, REFUSE]);
            draft.call(ms(5), one, body, within);
        }
        5 => {
            // calls side by side: of some every copy is refused, and the others are executed in the end
            draft.answers_are_doubled(*pick.one(&[0, 50]), ms(0));
            let mut calls = Vec::new();
            for (server, many) in [(one, 4), (two, 2)] {
                for place in 0..many {
                    let body = draft.body(pick);
                    let refused = place % 2 == nth / 7 % 2;
                    draft.script(server, body, &[if refused { REFUSE } else { late }]);
                    calls.push((server, body));
                }
            }
            pick.shuffle(&mut calls);
            let spread_us = *pick.one(&[0, 3_000]);
            for (server, body) in calls {
                draft.call(ms(5) + pick.micros(0..=spread_us), server, body, within);
            }
        }
        _ => {
            // refusals of calls of before a crash arrive when others are open
            let crash = pick.millis(40..=140);
            let (from, to) = (Some(one), Some(draft.caller));
            let hold = Harm::Hold { from, to, nth: None, matches: None, what: None };
            draft.harm(When::At(Duration::ZERO), hold, Until::After(crash + pick.millis(30..=120)));
            for _ in 0..pick.small(1..=3) {
                let body = draft.body(pick);
                draft.script(one, body, &[REFUSE]);
                draft.call(ms(5), one, body, within);
            }
            draft.crash(When::At(crash), *pick.one(&[DiskLoss::All, DiskLoss::Drawn]), ms(5));
            for _ in 0..pick.small(1..=3) {
                let body = draft.body(pick);
                draft.script(one, body, &[late]);
                let within = *pick.one(&[draft.resend * 3 / 2, within]);
                draft.call(crash + ms(8), one, body, within);
            }
        }
    }
    if nth >= 7 * 4 {
        swarm(&mut draft, pick, within);
    }
    if nth.is_multiple_of(3) {
        // What failed stays failed in the next life, and servers that refused are well then.
        let when = When::At(draft.over + ms(60));
        draft.crash(when, *pick.one(&[DiskLoss::All, DiskLoss::Nothing]), ms(5));
    }
    draft.case(pick)
}
/// Calls whose copies meet whatever can happen to copies.
fn swarm(draft: &mut Draft, pick: &mut Pick, within: Duration) {
    if pick.percent(50) {
        let (percent, until) = (pick.small(5..=30), pick.millis(50..=600));
        draft.lossy(percent, until);
        draft.goals.clean_from = draft.goals.clean_from.max(until);
    }
    for _ in 0..pick.small(1..=5) {
        let (server, body) = (*pick.one(&draft.servers), draft.body(pick));
        let does: Vec<Does> = (0..pick.small(1..=4))
            .map(|_| match pick.small(0..=6) {
                0 => Does::Execute { after: pick.millis(0..=2_000) },
                1 => Does::RefuseWhen { copies: pick.small(2..=3) },
                2 => Does::Nothing,
                3 => Does::Refuse { after: pick.millis(0..=300) },
                _ => REFUSE,
            })
            .collect();
        draft.script(server, body, &does);
        let within = if pick.percent(50) { within } else { pick.millis(0..=1_000) };
        let at = pick.millis(5..=100);
        draft.call(at, server, body, within);
    }
}

/// Calls of which the caller knows how they ended, though perhaps in the last moment.
pub(super) fn no_false_unknown(pick: &mut Pick, nth: u32) -> Case {
    let servers = pick.small(1..=3);
    let mut draft = Draft::new(pick, servers);
    let one = draft.servers[0];
    draft.over = draft.resend * 30 + ms(2_100);
    let mut body = draft.body(pick);
    match nth % 5 {
        0 => {
            let within = draft.pauses(pick.small(1..=8)) + pick.micros(10_000..=40_000);
            draft.script(one, body, &[REFUSE]);
            draft.answers_are_doubled(*pick.one(&[0, 100]), ms(0));
            draft.call(ms(5), one, body, within);
        }
        1 => {
            for within in [0, 0, 1, 3] {
                draft.call(ms(5), one, body, ms(within));
                body = draft.body(pick);
                let does = *pick.one(&[EXECUTE, REFUSE]);
                draft.script(one, body, &[does]);
            }
        }
        2 => {
            // the answer arrives 5 ms before the deadline
            draft.stage.network = Link::fixed(draft.delay);
            let within = pick.millis(60..=500);
            let after = within.mul_f64(0.98) - ms(5) - 2 * draft.delay;
            draft.script(one, body, &[Does::Execute { after }]);
            draft.call_due(ms(5), one, body, within, within + GRACE);
        }
        3 => {
            // all copies are refused 5 ms before the deadline, the last one first
            draft.stage.network = Link { fifo: true, ..Link::fixed(draft.delay) };
            let within = draft.pauses(pick.small(1..=6)) + draft.resend / 2;
            let at = ms(5) + within.mul_f64(0.98) - ms(5) - draft.delay;
            draft.script(one, body, &[Does::RefuseAt { at }]);
            draft.call(ms(5), one, body, within);
        }
        _ => {
            let within = draft.pauses(20);
            swarm(&mut draft, pick, within);
        }
    }
    // an equal call, whose answer has nothing to do with the others
    let other = draft.body(pick);
    draft.call_through(ms(6), one, other);
    if pick.percent(50) {
        draft.call_through(ms(6), one, other);
    }
    draft.case(pick)
}

/// Effects of a caller after each of which it crashes, one at a time.
pub(super) const POINTS: u32 = 24;

/// So many calls that numbers of 16 bits, drawn at random, are hardly all different.
const CROWD: u32 = 500;

/// Answers that arrive when other calls are open.
pub(super) fn right_answer(pick: &mut Pick, nth: u32) -> Case {
    let servers = pick.small(1..=2);
    let mut draft = Draft::new(pick, servers);
    let one = draft.servers[0];
    if matches!(nth, 3 | 11) {
        for _ in 0..CROWD {
            let body = draft.body(pick);
            draft.call_through(pick.millis(5..=200), one, body);
        }
        if nth == 11 {
            // and a few of the next life
            draft.crash(When::At(ms(300)), DiskLoss::All, ms(5));
            for _ in 0..20 {
                let body = draft.body(pick);
                draft.call_through(pick.millis(310..=320), one, body);
            }
        }
        return draft.case(pick);
    }
    let equal = nth.is_multiple_of(2);
    let twin = draft.body(pick);
    if nth < 16 {
        // many calls at once, and answers that overtake each other
        draft.answers_are_doubled(50, ms(60));
        let spread_us = *pick.one(&[0, 30_000]);
        for place in 0..10 {
            let body = if equal && place % 3 == 0 { twin } else { draft.body(pick) };
            let works = pick.millis(0..=20);
            draft.script(one, body, &[Does::Execute { after: works }]);
            let server = if place < 8 { one } else { *pick.one(&draft.servers) };
            draft.call_through(ms(5) + pick.micros(0..=spread_us), server, body);
        }
        return draft.case(pick);
    }
    // Two crashes. What servers say to one life of the caller reaches it in the next.
    draft.answers_are_doubled(*pick.one(&[0, 50]), ms(0));
    let back = ms(200);
    clocks::frozen(pick, &mut draft.stage, draft.caller, 3 * back);
    let (from, to) = (Some(one), Some(draft.caller));
    for (life, begins) in [(1, ms(1)), (2, back + ms(140))] {
        let hold = Harm::Hold { from, to, nth: None, matches: None, what: None };
        let ends = back * life + pick.millis(1..=30);
        draft.harm(When::At(begins), hold, Until::After(ends - begins));
    }
    let disk = *pick.one(&[DiskLoss::All, DiskLoss::Drawn, DiskLoss::Nothing]);
    let point = (nth - 16) % POINTS + 1;
    if (nth - 16) / POINTS == 0 {
        // after each effect of the first life
        draft.crash(When::on(Trigger::Effect { node: draft.caller, nth: point.into() }), disk, ms(5));
    } else {
        draft.crash(When::At(pick.millis(6..=180)), disk, ms(5));
        draft.crash(When::At(back + pick.millis(6..=180)), disk, ms(5));
    }
    for life in 0..3 {
        for place in 0..5 {
            let body = if equal && place % 2 == 0 { twin } else { draft.body(pick) };
            let server = if place == 3 { *pick.one(&draft.servers) } else { one };
            let at = back * life + if place == 4 { ms(150) } else { pick.millis(5..=8) };
            draft.call_through(at, server, body);
        }
    }
    draft.goals.clean_from = back * 2 + ms(35);
    draft.case(pick)
}

/// Many calls with all sorts of deadlines, at servers that do not answer.
pub(super) fn deadline(pick: &mut Pick, nth: u32) -> Case {
    let servers = pick.small(1..=3);
    let mut draft = Draft::new(pick, servers);
    draft.goals.deadlines = true;
    // servers are well then
    draft.goals.clean_from = ms(2_600);
    for (place, server) in draft.servers.clone().into_iter().enumerate() {
        let does = match (nth + place as u32) % 4 {
            0 => Does::Nothing,
            1 => REFUSE,
            2 => Does::Execute { after: pick.millis(100..=2_500) },
            _ => Does::Refuse { after: pick.millis(1..=200) },
        };
        draft.habits(server).others = vec![does];
    }
    let longest = *pick.one(&[100, 2_000]);
    for _ in 0..20 {
        let (server, body) = (*pick.one(&draft.servers), draft.body(pick));
        let within = pick.micros(0..=longest * 1_000);
        let at = pick.millis(5..=500);
        draft.call(at, server, body, within);
    }
    // and one that has no time at all
    let (server, body) = (*pick.one(&draft.servers), draft.body(pick));
    draft.call(pick.millis(5..=500), server, body, Duration::ZERO);
    draft.case(pick)
}

/// One server is silent, and another one takes a second for one call, or refuses it. The others are not held up.
pub(super) fn independent(pick: &mut Pick, nth: u32) -> Case {
    let servers = nth % 3 + 1;
    // so long that it is seen if a call waits for a part of it
    let resend = *pick.one(&[80, 240]);
    let mut draft = Draft::of(pick, servers, ms(resend));
    draft.goals.deadlines = true;
    let prompt = 6 * draft.delay + GRACE;
    let within = draft.pauses(LONG_PAUSES);
    let slow = draft.servers[0];
    // few or many at once
    for _ in 0..*pick.one(&[1, 2, 12, 40]) {
        let body = draft.body(pick);
        draft.script(slow, body, &[*pick.one(&[Does::Nothing, Does::Execute { after: ms(1_000) }, REFUSE])]);
        draft.call(ms(5), slow, body, within);
    }
    if let Some(silent) = draft.servers.get(1).copied() {
        let body = draft.body(pick);
        draft.script(silent, body, &[Does::Nothing]);
        draft.call(ms(5), silent, body, within);
    }
    for server in draft.servers.clone() {
        let mut at = ms(6);
        for _ in 0..2 {
            let body = draft.body(pick);
            draft.call_due(at, server, body, within, prompt);
            at += pick.millis(0..=100);
        }
    }
    draft.case(pick)
}

/// Calls that are answered at once, or not at all; and then nothing.
pub(super) fn frugal(pick: &mut Pick, nth: u32) -> Case {
    let servers = pick.small(1..=3);
    let mut draft = Draft::new(pick, servers);
    let clean = nth.is_multiple_of(2);
    draft.goals.frugal = Some(Frugal { resend: draft.resend, clean });
    let one = draft.servers[0];
    for place in 0..8u32 {
        let (server, body) = (*pick.one(&draft.servers), draft.body(pick));
        let at = pick.millis(5..=300);
        if clean || place % 2 == 0 {
            draft.call_through(at, server, body);
        } else {
            let does = [Does::Nothing, Does::Execute { after: ms(400) }, REFUSE];
            draft.script(one, body, &[does[(nth / 2 + place / 2) as usize % 3]]);
            let within = pick.millis(100..=1_500);
            draft.call(at, one, body, within);
        }
    }
    draft.over += draft.pauses(20);
    draft.case(pick)
}
