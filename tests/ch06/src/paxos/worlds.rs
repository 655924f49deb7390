//! `paxos`: the runs in which the promises are hard to keep.

use super::goals::{AllKnow, QUIET_RETRIES, Quick, SETTLED_RETRIES};
use super::oracle::Synod;
use super::puppet::{Acceptor, Answers, Part, puppet};
use super::scribe::{ACCEPTED, ASKS_TO_ACCEPT_LOWER, ASKS_TO_PROMISE_HIGHER, Acceptors, PROMISED};
use judge::{Case, Pick};
use kit::epilogue::served;
use kit::interrogate::{Interrogation, Step, interrogate, interrogated};
use kit::see::{self, Sight};
use kit::subsets::{choose, subset};
use kit::{Rules, Stage, goals, ms, secs, us};
use lab::NodeId;
use lab::paxos::{Ballot, Config, Message, Paxos, Proposal, Request, Value};
use std::time::Duration;
use world::{
    Chance, Client, ClientId, DiskLoss, Fault, Harm, Latency, Link, LinkRule, MakesScribe, Matcher, NodeKind,
    Operation, OperationId, SeenKind, Tail, Trigger, Until, When, Who,
};

/// If every node sent every other twenty messages in each `Config::retry`, a run would have fewer events.
const EVENTS_MAX: u64 = 60_000;

fn cluster(n: u32, retry: Duration, end: Duration) -> Stage<Paxos> {
    let mut stage = Stage::cluster(n, &Config { nodes: n, retry }, end);
    stage.network = Link::between(ms(1), ms(3));
    stage.limits.events = EVENTS_MAX;
    stage
}
/// A cluster whose wall clocks are apart by up to two hours in half of the runs: no promise is about them.
fn clocked(pick: &mut Pick, n: u32, retry: Duration, end: Duration) -> Stage<Paxos> {
    let mut stage = cluster(n, retry, end);
    if pick.percent(50) {
        for spec in &mut stage.nodes {
            let hour = secs(3_600).as_nanos() as i64;
            spec.clock.offset_ns = pick.number(0..=2 * hour as u64) as i64 - hour;
        }
    }
    stage
}
/// A cluster in which all but one are puppets; they get the parts in order of their names.
fn puppets(n: u32, retry: Duration, end: Duration, guest: NodeId, parts: Vec<Part>) -> Stage<Paxos> {
    let mut stage = cluster(n, retry, end);
    let mut parts = parts.into_iter();
    for spec in stage.nodes.iter_mut().filter(|spec| spec.id != guest) {
        *spec = puppet(spec.id, &parts.next().unwrap_or_default());
    }
    stage
}
/// The others, in order of their names.
fn others(n: u32, but: NodeId) -> Vec<NodeId> {
    (1..=n).map(NodeId).filter(|node| *node != but).collect()
}
/// A node's ballot, as most make them.
fn ballot(round: u64, node: NodeId) -> Ballot {
    Ballot { high: round, low: node.0.into() }
}
/// The value of the `nth` request of a run.
fn value(pick: &mut Pick, nth: u32) -> Value {
    u64::from(nth + 1) * 100 + pick.number(1..=99)
}
/// Clients that ask each of these to propose a value of its own.
fn ask<W: Into<When>>(
    pick: &mut Pick,
    stage: &mut Stage<Paxos>,
    asks: impl IntoIterator<Item = (W, NodeId)>,
) {
    for (nth, (at, node)) in (stage.clients.len() as u32..).zip(asks) {
        let value = value(pick, nth);
        stage.ask_by(nth + 1, at, node, Request::Propose { value });
    }
}
/// A crash right after the `nth` effect of a node, and a new start soon after.
fn crash_after(stage: &mut Stage<Paxos>, node: NodeId, nth: u64, down: Duration) {
    stage.crash(When::on(Trigger::Effect { node, nth }), node, down);
}
fn crashes(node: NodeId) -> Harm {
    Harm::Crash { node: Who::Node(node), disk: DiskLoss::All }
}
fn is_accept(message: &Message) -> bool {
    matches!(message, Message::Accept(_))
}
fn sends(node: NodeId, fits: fn(&Message) -> bool) -> Sight {
    see::sends(fits).at(node)
}
/// What all runs are judged by: whatever a check is about, what must never happen does not.
fn safe(stage: Stage<Paxos>) -> Case {
    Rules::of(Synod::default()).judge(stage)
}

pub(super) fn terminates(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 5, 3, 5, 1, 3, 5, 5, 2, 3, 5, 4][nth as usize % 12];
    let retry = ms(pick.number(20..=50));
    let bad = retry * pick.small(4..=12);
    let mut stage = clocked(pick, n, retry, Duration::ZERO);
    let all = stage.cast(pick);
    let (asked, rest) = (all[0], &all[1..]);
    let few = (n as usize - 1) / 2;
    let lossy = Link { loss: Chance::percent(30), ..stage.network };
    // nobody is asked before those who are down are down
    let mut at: When = When::At(pick.micros(6_000..=20_000));
    match nth % 12 {
        0 | 1 => {
            for node in &rest[..few] {
                stage.harm(ms(5), crashes(*node), Until::Calm);
            }
        }
        2 | 3 | 6 | 8 => {
            let harm = Harm::Links(LinkRule { from: None, to: None, link: lossy });
            stage.harm(Duration::ZERO, harm, Until::After(bad));
        }
        4 => {}
        9 => at = left_behind(pick, &mut stage, retry, &all),
        10 => {
            // one node hears of no vote and of no decision
            let heard =
                Matcher::typed(|message| matches!(message, Message::Accepted(_) | Message::Decided(_)));
            let (to, matches) = (Some(rest[0]), Some(heard));
            stage.harm(
                ms(5),
                Harm::Lose { from: None, to, nth: None, matches, what: None },
                Until::After(bad),
            );
        }
        _ => {
            // one hears nothing, because it is cut off, or because it is down; or as many as can be
            let away = if (nth / 12).is_multiple_of(2) { &rest[..1] } else { &rest[..few] };
            for node in away {
                let isolated = Harm::Isolate { node: Who::Node(*node) };
                let harm = if pick.percent(50) { isolated } else { crashes(*node) };
                stage.harm(ms(5), harm, Until::After(bad));
            }
        }
    }
    ask(pick, &mut stage, [(at, asked)]);
    stage.end = bad + retry * 30;
    let goal = AllKnow::within(10, retry, "10 × retry");
    Rules::of(Synod::default()).and(goal).judge(stage)
}
/// Three nodes. The last one has tried alone and has come to higher ballots; the second one promises it such a ballot, and it is gone for
/// good. The first one has not heard of that. Now it is asked.
fn left_behind(pick: &mut Pick, stage: &mut Stage<Paxos>, retry: Duration, all: &[NodeId]) -> When {
    let (asked, witness, gone) = (all[0], all[1], all[2]);
    let alone = ms(5) + retry * pick.small(3..=4);
    stage.harm(ms(5), Harm::Isolate { node: Who::Node(gone) }, Until::After(alone));
    stage.harm(ms(5), Harm::Cut { from: vec![gone], to: vec![asked] }, Until::Calm);
    stage.harm(ms(5), Harm::Cut { from: vec![asked], to: vec![gone] }, Until::Calm);
    ask(pick, stage, [(When::At(ms(6)), gone)]);
    let promises = || sends(witness, |message| matches!(message, Message::Promise { .. }));
    stage.harm(promises(), crashes(gone), Until::Calm);
    promises().after(pick.micros(100..=5_000)).into()
}

pub(super) fn agreement(pick: &mut Pick, nth: u32) -> Case {
    safe(match nth % 4 {
        0 => told_of_several(pick),
        1 => told_out_of_order(pick, nth / 4),
        _ => swarm(pick),
    })
}
/// One node proposes; as many others as make a majority with it have accepted something under ballots of old, and answer
/// in any order. The rest is silent, but may have had something accepted by the one that proposes.
fn told_of_several(pick: &mut Pick) -> Stage<Paxos> {
    let n = *pick.one(&[3, 5, 5, 7]);
    let mut all: Vec<NodeId> = (1..=n).map(NodeId).collect();
    pick.shuffle(&mut all);
    let guest = all.remove(0);
    let silent = all.split_off(n as usize / 2);
    let informants = all;
    let mut rounds: Vec<u64> = (1..=informants.len() as u64 + 1).collect();
    pick.shuffle(&mut rounds);
    let own_round = rounds.pop().expect("one more than informants");
    let mut parts = vec![Part::default(); n as usize - 1];
    let place = |node: NodeId| others(n, guest).iter().position(|other| *other == node).expect("one of them");
    for (node, round) in informants.into_iter().zip(rounds) {
        // the node with the highest ballot has accepted something
        let has_accepted = round > u64::from(n / 2) || pick.percent(70);
        let promised = ballot(round, node);
        let accepted = Proposal { ballot: promised, value: value(pick, 10 + node.0) };
        parts[place(node)].acceptor = Some(Acceptor {
            promised,
            accepted: has_accepted.then_some(accepted),
            promises: Answers { after: pick.micros(0..=6_000), ..Answers::PROMPT },
            ..Acceptor::prompt()
        });
    }
    let own = Proposal { ballot: ballot(own_round, silent[0]), value: value(pick, 10 + silent[0].0) };
    if own_round > u64::from(n / 2) || pick.percent(40) {
        parts[place(silent[0])].lines.push((pick.millis(1..=3), guest, Message::Accept(own)));
    }
    let mut stage = puppets(n, ms(20), ms(400), guest, parts);
    ask(pick, &mut stage, [(ms(10), guest)]);
    stage
}
/// One node is only asked to promise and to accept, by two others whose messages take their time.
fn told_out_of_order(pick: &mut Pick, variant: u32) -> Stage<Paxos> {
    let guest = NodeId(pick.small(1..=3));
    let mut rivals = others(3, guest);
    pick.shuffle(&mut rivals);
    let (first, second) = (rivals[0], rivals[1]);
    // the first one's ballot is the higher one; messages of the second one's are late
    let low = Proposal { ballot: ballot(pick.number(2..=4), second), value: value(pick, 0) };
    let high = Proposal { ballot: ballot(pick.number(5..=7), first), value: value(pick, 1) };
    let prepare = |proposal: Proposal| (proposal, Message::Prepare(proposal.ballot));
    let accept = |proposal: Proposal| (proposal, Message::Accept(proposal));
    let later = [ballot(9, second), ballot(11, first)].map(|ballot| Proposal { ballot, ..low });
    let later = later.map(prepare);
    let early = match variant % 4 {
        0 => [prepare(high), accept(low), accept(high)],
        1 => [accept(high), accept(low), prepare(low)],
        2 => [prepare(high), accept(high), accept(low)],
        _ => [prepare(high), prepare(low), accept(low)],
    };
    let mut parts = vec![Part::default(), Part::default()];
    for (step, (proposal, message)) in (1..).zip(early.into_iter().chain(later)) {
        let at = ms(10) * step + pick.micros(0..=4_000);
        let by_first = proposal.ballot.low == high.ballot.low;
        let place = usize::from(by_first == (first > second));
        parts[place].lines.push((at, guest, message));
    }
    puppets(3, ms(500), ms(70), guest, parts)
}
/// A network that does everything.
fn rough(pick: &mut Pick) -> Link {
    let tail = Tail { chance: Chance::percent(pick.small(0..=40)), max: ms(pick.number(10..=80)) };
    Link {
        latency: Latency { min: us(500), max: ms(pick.number(1..=6)), tail: Some(tail) },
        loss: Chance::percent(pick.small(0..=40)),
        duplication: Chance::percent(pick.small(0..=25)),
        ..Link::fixed(ms(1))
    }
}
/// Two to four proposers on a network that does everything but crash nodes.
fn swarm(pick: &mut Pick) -> Stage<Paxos> {
    let n = *pick.one(&[3, 3, 5, 5, 2, 4]);
    let retry = ms(pick.number(8..=30));
    let mut stage = clocked(pick, n, retry, ms(400));
    stage.network = rough(pick);
    let proposers = pick.small(2..=3.min(n)) + u32::from(pick.percent(30) && n > 3);
    let within = *pick.one(&[2_000, 10_000, 40_000]);
    let asked = stage.cast(pick).into_iter().take(proposers as usize);
    let asks: Vec<(Duration, NodeId)> = asked.map(|node| (ms(5) + pick.micros(0..=within), node)).collect();
    ask(pick, &mut stage, asks);
    for _ in 0..pick.small(0..=3) {
        let node = Who::Node(NodeId(pick.small(1..=n)));
        let harm = if pick.percent(50) { Harm::Pause { node } } else { Harm::Isolate { node } };
        let (when, lasts) = (pick.micros(5_000..=80_000), pick.micros(2_000..=60_000));
        stage.harm(when, harm, Until::After(lasts));
    }
    stage
}

pub(super) fn validity(pick: &mut Pick, nth: u32) -> Case {
    safe(match nth % 3 {
        0 => swarm(pick),
        1 => {
            // one wants something; what it wants may be gone with it
            let mut stage = cluster(*pick.one(&[3, 5]), ms(20), ms(400));
            let all = stage.cast(pick);
            ask(pick, &mut stage, [(ms(5), all[0])]);
            if pick.percent(50) {
                ask(pick, &mut stage, [(ms(100), all[1])]);
            }
            crash_after(&mut stage, all[0], pick.number(1..=20), pick.micros(1_000..=10_000));
            stage
        }
        _ => {
            // the others have nothing to say, and much time to say something
            let n = *pick.one(&[3, 4, 5]);
            let mut stage = cluster(n, ms(20), ms(800));
            let (node, at) = (NodeId(pick.small(1..=n)), pick.millis(5..=300));
            ask(pick, &mut stage, [(at, node)]);
            stage
        }
    })
}

/// One acceptor, four stories, and a crash after each of its first effects.
const ACCEPTOR_CRASHES: u32 = 4 * 16;
/// Two proposers among three nodes, and a crash after each of the first effects of each node; then two such crashes.
const EFFECTS_EACH: u32 = 20;
const EFFECTS: u32 = 3 * EFFECTS_EACH;
const PAIRS: u32 = EFFECTS * (EFFECTS - 1) / 2;
pub(super) const DURABLE_WORLDS: u32 = ACCEPTOR_CRASHES + EFFECTS + PAIRS;

pub(super) fn durable(pick: &mut Pick, nth: u32) -> Case {
    let down = us(1_500);
    let Some(nth) = nth.checked_sub(ACCEPTOR_CRASHES) else {
        let mut stage = told_out_of_order(pick, nth);
        let is_guest = |spec: &&world::NodeSpec| matches!(spec.kind, NodeKind::Guest);
        let guest = stage.nodes.iter().find(is_guest).expect("one is").id;
        crash_after(&mut stage, guest, u64::from(nth / 4) + 1, down);
        return safe(stage);
    };
    let mut stage = cluster(3, ms(20), ms(90));
    stage.network = Link::between(ms(1), us(1_500));
    ask(pick, &mut stage, [(ms(1), NodeId(1)), (us(2_500), NodeId(2)), (ms(25), NodeId(3))]);
    if nth % 2 == 1 {
        // what the first one asks the third to accept comes when the second one is done
        let (from, to) = (Some(NodeId(1)), Some(NodeId(3)));
        let matches = Some(Matcher::typed(is_accept));
        let harm = Harm::Hold { from, to, nth: None, matches, what: None };
        stage.harm(Duration::ZERO, harm, Until::After(ms(15)));
    }
    let chosen = match nth.checked_sub(EFFECTS) {
        None => vec![nth],
        Some(pair) => subset(EFFECTS, 2, pair),
    };
    for effect in chosen {
        crash_after(&mut stage, NodeId(effect % 3 + 1), u64::from(effect / 3) + 1, down);
    }
    safe(stage)
}

pub(super) fn ballots(pick: &mut Pick, nth: u32) -> Case {
    let n = *pick.one(&[3, 5]);
    if nth.is_multiple_of(3) {
        // all who want something want it at once
        let mut stage = cluster(n, ms(20), ms(400));
        stage.network = Link::between(ms(1), ms(pick.number(1..=4)));
        let many = pick.small(2..=n) as usize;
        let asked: Vec<NodeId> = stage.cast(pick).into_iter().take(many).collect();
        ask(pick, &mut stage, asked.into_iter().map(|node| (ms(5), node)));
        return safe(stage);
    }
    // Others promise, and never accept. The proposer crashes while it asks them to, and is asked for something else.
    let guest = NodeId(pick.small(1..=n));
    let acceptor = Acceptor { votes: Answers::NONE, ..Acceptor::prompt() };
    let part = Part { acceptor: Some(acceptor), ..Part::default() };
    let mut stage = puppets(n, ms(20), ms(300), guest, vec![part; n as usize - 1]);
    let when = if nth % 3 == 1 {
        sends(guest, is_accept).nth(pick.small(1..=n - 1)).into()
    } else {
        When::on(Trigger::Effect { node: guest, nth: pick.number(1..=24) })
    };
    stage.crash(when, guest, pick.micros(500..=5_000));
    let again: When = Sight::of(SeenKind::Crashed).at(guest).after(ms(pick.number(8..=60))).into();
    ask(pick, &mut stage, [(When::At(ms(5)), guest), (again, guest)]);
    match nth % 4 {
        0 => _ = stage.harm(Duration::ZERO, Harm::ClockFreeze { node: Who::Node(guest) }, Until::Calm),
        1 => {
            let harm = Harm::ClockJump { node: Who::Node(guest), by_ns: -(secs(1).as_nanos() as i64) };
            stage.harm(Sight::of(SeenKind::Crashed).at(guest), harm, Until::Calm);
        }
        _ => {}
    }
    safe(stage)
}

pub(super) fn counting(pick: &mut Pick, nth: u32) -> Case {
    let retry = ms(20);
    // so many nodes, of which one is not played by the suite; so many of the others answer, which is one too few
    let n = [5, 4, 7, 2, 6, 3][(nth / 6) as usize % 6];
    let few = n as usize / 2 + 1 - 2;
    let guest = NodeId(pick.small(1..=n));
    let acceptor = |promises: Answers, votes: Answers| Part {
        acceptor: Some(Acceptor { promises, votes, ..Acceptor::default() }),
        ..Part::default()
    };
    let often = Answers { copies: 4, every: ms(3), ..Answers::PROMPT };
    // Of each ballot another one is answered, by nobody else, and not before the proposer has gone on to the next.
    let late = |turn: usize| Answers {
        ballots: (turn as u32, turn as u32),
        copies: 10,
        after: retry / 4,
        every: retry / 4,
    };
    let prompt = Answers::PROMPT;
    let mut parts: Vec<Part> = (0..n as usize - 1)
        .map(|place| match nth % 6 {
            0 if place < few => acceptor(often, often),
            1 if place < few => acceptor(prompt, often),
            1 => acceptor(prompt, Answers::NONE),
            2 if few > 0 => acceptor(prompt, late(place)),
            3 if few > 0 => acceptor(late(place), prompt),
            4 if place < few => acceptor(prompt, prompt),
            _ => Part::default(),
        })
        .collect();
    // who answers has any name
    pick.shuffle(&mut parts);
    let mut stage = puppets(n, retry, ms(400), guest, parts);
    if nth % 6 == 5 {
        // nobody is asked; a learner hears of one vote under each of many ballots, again and again
        let values = [value(pick, 0), value(pick, 1)];
        for (place, node) in others(n, guest).into_iter().enumerate() {
            let round = place as u64 + 1;
            let proposal = Proposal { ballot: ballot(round, node), value: values[usize::from(place > 2)] };
            let at = (0..3).map(|_| pick.micros(5_000..=60_000)).collect::<Vec<_>>();
            let lines = at.into_iter().map(|at| (at, guest, Message::Accepted(proposal))).collect::<Vec<_>>();
            let spec = stage.nodes.iter_mut().find(|spec| spec.id == node).expect("it is one of them");
            *spec = puppet(node, &Part { lines, acceptor: None });
        }
    } else {
        ask(pick, &mut stage, [(ms(5), guest)]);
    }
    safe(stage)
}

/// Of each of the six links the first messages can be held back.
const ORDINALS: u32 = 4;
const SLOTS: u32 = 6 * ORDINALS;
const HOLD_SETS: u32 = 1 + SLOTS + choose(SLOTS, 2) + choose(SLOTS, 3);
/// The second node is asked so much later than the first: from the first one's first message to its decision.
const SECOND_ASKED_US: [u64; 5] = [0, 1_500, 2_500, 3_500, 4_500];
pub(super) const SMALL_WORLDS: u32 = HOLD_SETS * SECOND_ASKED_US.len() as u32;

pub(super) fn small_worlds(pick: &mut Pick, nth: u32) -> Case {
    let mut stage = cluster(3, ms(30), ms(50));
    stage.network = Link::fixed(ms(1));
    at_once(&mut stage);
    let second = us(SECOND_ASKED_US[(nth / HOLD_SETS) as usize]);
    ask(pick, &mut stage, [(ms(1), NodeId(1)), (ms(1) + second, NodeId(2))]);
    let mut set = nth % HOLD_SETS;
    let mut size = 0;
    while set >= choose(SLOTS, size) {
        set -= choose(SLOTS, size);
        size += 1;
    }
    const LINKS: [(u32, u32); 6] = [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)];
    for slot in subset(SLOTS, size, set) {
        let (from, to) = LINKS[(slot % 6) as usize];
        let (from, to, nth) = (Some(NodeId(from)), Some(NodeId(to)), Some(slot / 6 + 1));
        // by the end of that all has been said that does not wait for these
        stage.harm(
            Duration::ZERO,
            Harm::Hold { from, to, nth, matches: None, what: None },
            Until::After(ms(25)),
        );
    }
    safe(stage)
}
/// Disks that take no time.
fn at_once(stage: &mut Stage<Paxos>) {
    for spec in &mut stage.nodes {
        spec.sync = (Duration::ZERO, Duration::ZERO);
    }
}

pub(super) fn duel(pick: &mut Pick, nth: u32) -> Case {
    let retry = ms(20);
    let n = *pick.one(&[3, 5]);
    let mut stage = clocked(pick, n, retry, retry * 300);
    let all = stage.cast(pick);
    if nth.is_multiple_of(2) {
        // several, and what they say gets through to some of the others only, for a while
        stage.network = rough(pick);
        stage.network.loss = Chance::percent(pick.small(30..=50));
        stage.calm = Some((retry * pick.small(4..=10), Link::between(ms(1), ms(3))));
        let asked = all.iter().take(pick.small(2..=3) as usize);
        let asks: Vec<(Duration, NodeId)> =
            asked.map(|node| (ms(5) + pick.micros(0..=40_000), *node)).collect();
        ask(pick, &mut stage, asks);
    } else {
        stage.network = Link::fixed(ms(1));
        at_once(&mut stage);
        if !nth.is_multiple_of(3) {
            // news of a rival is faster than a majority's answer
            let link = Link::fixed(us(pick.number(400..=700)));
            stage.link(Some(all[0]), Some(all[1]), link);
            stage.link(Some(all[1]), Some(all[0]), link);
        }
        ask(pick, &mut stage, all[..2].iter().map(|node| (ms(5), *node)));
    }
    let goal = AllKnow::within(100, retry, "100 × retry").then_quiet();
    Rules::of(Synod::default()).and(goal).judge(stage)
}

pub(super) fn cost(pick: &mut Pick, nth: u32) -> Case {
    let n = 3 + nth % 3 * 2;
    let (delay, retry) = (ms(pick.number(1..=5)), ms(100));
    let at = ms(pick.number(150..=300));
    let settled = at + retry * SETTLED_RETRIES;
    let mut stage = cluster(n, retry, settled + retry * QUIET_RETRIES);
    stage.network = Link::fixed(delay);
    at_once(&mut stage);
    let asked = NodeId(pick.small(1..=n));
    ask(pick, &mut stage, [(at, asked)]);
    let (n, end) = (u64::from(n), stage.end);
    let rules = Rules::of(Synod::default())
        .and(Quick::with(delay))
        .and(goals::few("for one request, although none was lost", at, settled, 2 * n * n + 4 * n, u64::MAX))
        .and(goals::few(
            "when all had known the decision for long",
            settled,
            end,
            n * u64::from(QUIET_RETRIES / 10),
            u64::MAX,
        ));
    rules.judge(stage)
}

/// In so many conversations, and so many clusters, an acceptor is asked after each of its first promises.
const CONVERSATIONS: u32 = 64;
const CLUSTERS: u32 = 24;
pub(super) const PROMISES: u32 = 8;
pub(super) const INTERROGATIONS: u32 = (CONVERSATIONS + CLUSTERS) * PROMISES;

/// One acceptor, and peers that tell it of several attempts in any order, twice, and late: ballots of three of them, each with the value that
/// an earlier one may have had chosen. The fourth is silent.
fn conversation(pick: &mut Pick, retry: Duration) -> (Stage<Paxos>, NodeId) {
    let n = 5;
    let mut all: Vec<NodeId> = (1..=n).map(NodeId).collect();
    pick.shuffle(&mut all);
    let (guest, silent, peers) = (all[0], all[1], &all[2..]);
    let mut lines: Vec<(u64, NodeId, Message)> = Vec::new();
    let (mut round, mut chosen): (u64, Option<Value>) = (pick.number(1..=9), None);
    for nth in 0..pick.small(3..=5) {
        let by = *pick.one(peers);
        let ballot = ballot(round, by);
        let own = value(pick, nth);
        let value = chosen.unwrap_or(own);
        if pick.percent(40) {
            chosen = Some(value); // the others are a majority without this acceptor
        }
        let mut say = |pick: &mut Pick, at: u64, message: Message| {
            let at = 10 * u64::from(nth) + at + if pick.percent(75) { 0 } else { pick.number(0..=25) };
            lines.push((at, by, message));
        };
        if pick.percent(80) {
            say(pick, 0, Message::Prepare(ballot));
        }
        if pick.percent(80) {
            say(pick, 5, Message::Accept(Proposal { ballot, value }));
        }
        round += pick.number(1..=3);
    }
    lines.sort_by_key(|(at, ..)| *at);
    let mut at = ms(10);
    let mut parts = vec![Part::default(); 4];
    let places = others(n, guest);
    for (_, by, message) in lines {
        let place = places.iter().position(|node| *node == by).unwrap_or_default();
        let part = &mut parts[place].lines;
        if pick.percent(25) {
            part.push((at + us(pick.number(50..=3_000)), guest, message.clone()));
        }
        part.push((at, guest, message));
        at += *pick.one(&[us(300), ms(2), ms(9)]);
    }
    let mut stage = puppets(n, retry, at + ms(60), guest, parts);
    stage.network = Link::fixed(ms(1));
    (stage, silent)
}

/// Two or three proposers among guests, and a peer that is silent.
fn cluster_with_a_silent_peer(pick: &mut Pick, retry: Duration) -> (Stage<Paxos>, NodeId) {
    let n = *pick.one(&[4, 5]);
    let mut stage = clocked(pick, n, retry, ms(300));
    let all = stage.cast(pick);
    let silent = all[0];
    for spec in stage.nodes.iter_mut().filter(|spec| spec.id == silent) {
        *spec = puppet(silent, &Part::default());
    }
    stage.network = rough(pick);
    let asked = all[1..].iter().take(pick.small(2..=3) as usize);
    let asks: Vec<(Duration, NodeId)> = asked.map(|node| (ms(5) + pick.micros(0..=30_000), *node)).collect();
    ask(pick, &mut stage, asks);
    (stage, silent)
}

/// An acceptor promises or accepts, crashes, comes back alone, and is asked about all that it has said.
pub(super) fn promises_survive(pick: &mut Pick, _nth: u32) -> Case {
    let retry = ms(pick.number(20..=50));
    let in_cluster = pick.run() >= CONVERSATIONS;
    let (mut stage, from) =
        if in_cluster { cluster_with_a_silent_peer(pick, retry) } else { conversation(pick, retry) };
    stage.scribe = Some(MakesScribe(Acceptors::of));
    // a cluster makes more promises than one acceptor
    let nth = pick.point() + if in_cluster { PROMISES * (pick.run() % 3) } else { 0 };
    let soon = us(pick.number(1..=400));
    let after = if nth % 3 == 2 { soon } else { Duration::ZERO };
    let loss = if nth % 4 == 3 { DiskLoss::Drawn } else { DiskLoss::All };
    // what must be refused comes first, for what is promised then is a new promise
    let ask = [Step::Ask(ASKS_TO_ACCEPT_LOWER), Step::Ask(ASKS_TO_PROMISE_HIGHER)];
    let mut steps = Vec::new();
    if pick.run().is_multiple_of(4) {
        // nobody crashes: a promise has no end
        steps.push(Step::Wait(retry * 15));
        steps.extend(ask);
        steps.push(Step::Wait(retry * 60));
        steps.extend(ask);
        stage.end += retry * 80;
    } else {
        steps.extend([Step::Crash(loss), Step::Ask(ASKS_TO_ACCEPT_LOWER), Step::Crash(loss)]);
        steps.extend(ask);
        steps.push(Step::Crash(loss));
        steps.extend(ask);
        stage.end += ms(100);
    }
    interrogate(&mut stage, &Interrogation { kinds: PROMISED | ACCEPTED, nth, from, after, steps });
    stage.judged_by(interrogated(Rules::of(Synod::default())))
}

/// Two clients ask one node, at a time when too few can talk to each other. When nothing goes wrong any more, every client is answered;
/// then each node in turn crashes, and is asked with only just a majority; then each is asked once more.
pub(super) fn as_good_as_new(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 5, 3, 5, 2, 3, 4, 5][nth as usize % 8];
    let retry = ms(pick.number(20..=50));
    let within = retry * 10;
    let mut stage = clocked(pick, n, retry, Duration::ZERO);
    let all = stage.cast(pick);
    let well =
        ms(20) + retry * if (nth / 2).is_multiple_of(2) { pick.small(2..=12) } else { pick.small(30..=120) };
    let alone = all.iter().map(|node| vec![*node]).collect();
    stage.harm(ms(5), Harm::Partition { groups: alone }, Until::Calm);
    stage.calm = Some((well, stage.network));
    ask(pick, &mut stage, [(ms(10), all[0]), (ms(10), all[0])]);
    // a chain: each is asked when the one before has been answered
    let chain = ClientId(9);
    let mut operations = Vec::new();
    let turns = stage.cast(pick);
    for (id, node) in (1..).zip(turns.iter().chain(&turns).copied()) {
        let request = Request::Propose { value: value(pick, 10 + id) };
        operations.push(Operation::next::<Paxos>(id, node, &request));
        if id > n {
            continue; // the second time nothing happens to it
        }
        let mut rest = others(n, node);
        pick.shuffle(&mut rest);
        let (with, without) = rest.split_at((n / 2) as usize);
        let here: Vec<NodeId> = with.iter().copied().chain([node]).collect();
        let operation = OperationId(id);
        let begins = Trigger::Began { client: chain, operation };
        let ends = Until::Trigger(Trigger::Ended { client: chain, operation });
        let apart = Harm::Partition { groups: vec![here, without.to_vec()] };
        let before = match id {
            1 => Trigger::Ended { client: ClientId(1), operation: OperationId(1) },
            _ => Trigger::Ended { client: chain, operation: OperationId(id - 1) },
        };
        // it is back when it is asked
        let crashed = When::On { trigger: before, nth: 1, after: retry };
        let faults = [
            Fault::new(crashed, crashes(node), Until::After(ms(5))),
            Fault::new(When::on(begins), apart, ends),
        ];
        stage.faults.extend(faults.into_iter().map(|fault| Fault { after_calm: true, ..fault }));
    }
    let first = Trigger::Ended { client: ClientId(1), operation: OperationId(1) };
    operations[0].at = Some(When::On { trigger: first, nth: 1, after: retry * 2 });
    stage.clients.push(Client { think: retry * 2, ..Client::new(chain.0, operations) });
    stage.end = well + within * (2 * n + 3);
    stage.judged_by(served(Rules::of(Synod::default()), within, "10 × retry"))
}
