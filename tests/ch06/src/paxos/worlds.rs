//! `paxos`: the runs in which the promises are hard to keep.

use super::oracle::{Promise, QUIET_RETRIES, SETTLED_RETRIES, Synod};
use super::puppet::{Acceptor, Answers, Part, puppet};
use super::scribe::{ACCEPTED, ASKS_TO_ACCEPT_LOWER, ASKS_TO_PROMISE_HIGHER, Acceptors, PROMISED};
use judge::{Case, Pick};
use kit::epilogue::served;
use kit::interrogate::{Interrogation, Step, interrogate, interrogated};
use kit::subsets::{choose, subset};
use kit::{ms, us};
use lab::NodeId;
use lab::paxos::{Ballot, Config, Message, Paxos, Proposal, Request, Value};
use std::time::Duration;
use world::{
    Chance, Client, ClientId, DiskLoss, Fault, Harm, Latency, Link, LinkRule, MakesScribe, Matcher,
    Operation, OperationId, Pattern, Scenario, SeenKind, Tail, Trigger, Until, When, Who,
};

/// If every node sent every other twenty messages in each `Config::retry`, a run would have fewer events.
pub(super) const EVENTS_MAX: u64 = 60_000;

pub(super) fn cluster(n: u32, retry: Duration, end: Duration) -> Scenario {
    let mut scenario = Scenario::cluster::<Paxos>(n, &Config { nodes: n, retry }, end);
    scenario.network = Link::between(ms(1), ms(3));
    scenario.limits.events = EVENTS_MAX;
    scenario
}
/// A cluster in which all but one are puppets; they get the parts in order of their names.
pub(super) fn stage(n: u32, retry: Duration, end: Duration, guest: NodeId, parts: Vec<Part>) -> Scenario {
    let mut scenario = cluster(n, retry, end);
    let mut parts = parts.into_iter();
    for spec in scenario.nodes.iter_mut().filter(|spec| spec.id != guest) {
        *spec = puppet(spec.id, &parts.next().unwrap_or_default());
    }
    scenario
}
/// The nodes in any order.
pub(super) fn cast(pick: &mut Pick, n: u32) -> Vec<NodeId> {
    let mut cast: Vec<NodeId> = (1..=n).map(NodeId).collect();
    pick.shuffle(&mut cast);
    cast
}
/// The others, in order of their names.
pub(super) fn others(n: u32, but: NodeId) -> Vec<NodeId> {
    (1..=n).map(NodeId).filter(|node| *node != but).collect()
}
/// A node's ballot, as most make them.
pub(super) fn ballot(round: u64, node: NodeId) -> Ballot {
    Ballot { high: round, low: node.0.into() }
}
/// The value of the `nth` request of a run.
pub(super) fn value(pick: &mut Pick, nth: u32) -> Value {
    u64::from(nth + 1) * 100 + pick.number(1..=99)
}
/// Clients that ask each of these to propose a value of its own.
pub(super) fn ask(pick: &mut Pick, scenario: &mut Scenario, asks: impl IntoIterator<Item = (When, NodeId)>) {
    for (nth, (at, node)) in (0..).zip(asks) {
        let request = Request::Propose { value: value(pick, nth) };
        let operation = Operation { at: Some(at), ..Operation::next::<Paxos>(1, node, &request) };
        scenario.clients.push(Client::new(nth + 1, vec![operation]));
    }
}
pub(super) fn crash(when: When, node: NodeId, until: Until) -> Fault {
    Fault::new(when, Harm::Crash { node: Who::Node(node), disk: DiskLoss::All }, until)
}
/// A crash right after the `nth` effect of a node, and a new start soon after.
pub(super) fn crash_after(node: NodeId, nth: u64, down: Duration) -> Fault {
    crash(When::on(Trigger::Effect { node, nth }), node, Until::After(down))
}
pub(super) fn on(pattern: Pattern, nth: u32, after: Duration) -> When {
    When::On { trigger: Trigger::Seen(pattern), nth, after }
}
pub(super) fn sends(node: NodeId, fits: fn(&Message) -> bool) -> Pattern {
    Pattern { matches: Some(Matcher::typed(fits)), ..Pattern::of(SeenKind::Sent) }.at(node)
}
pub(super) fn is_accept(message: &Message) -> bool {
    matches!(message, Message::Accept(_))
}

pub(super) fn terminates(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 5, 3, 5, 1, 3, 5, 5][nth as usize % 8];
    let retry = ms(pick.number(20..=50));
    let bound = retry * 10;
    let all = cast(pick, n);
    let (asked, rest) = (all[0], &all[1..]);
    let few = (n as usize - 1) / 2;
    let bad = retry * pick.small(4..=12);
    // nobody is asked before those who are down are down
    let at = pick.micros(6_000..=20_000);
    let mut end = at + bound;
    let mut scenario = cluster(n, retry, Duration::ZERO);
    match nth % 8 {
        0 | 1 => {
            let dead = rest[..few].iter();
            scenario.faults.extend(dead.map(|node| crash(When::At(ms(5)), *node, Until::Calm)));
        }
        2 | 3 | 6 => {
            let loss = Link { loss: Chance::percent(30), ..scenario.network };
            let harm = Harm::Links(LinkRule { from: None, to: None, link: loss });
            scenario.faults.push(Fault::new(When::At(Duration::ZERO), harm, Until::After(bad)));
            end = bad + bound;
        }
        4 => {}
        _ => {
            // one hears nothing, because it is cut off, or because it is down; or as many as can be
            let away = if (nth / 8).is_multiple_of(2) { &rest[..1] } else { &rest[..few] };
            for node in away {
                let harm = if pick.percent(50) {
                    Harm::Isolate { node: Who::Node(*node) }
                } else {
                    Harm::Crash { node: Who::Node(*node), disk: DiskLoss::All }
                };
                scenario.faults.push(Fault::new(When::At(ms(5)), harm, Until::After(bad)));
            }
            end = ms(5) + bad + bound;
        }
    }
    scenario.end = end + ms(1);
    ask(pick, &mut scenario, [(When::At(at), asked)]);
    Case::new(scenario, Synod::new(Promise::InTime { bound, why: "10 × retry" }))
}

pub(super) fn agreement(pick: &mut Pick, nth: u32) -> Case {
    let scenario = match nth % 4 {
        0 => told_of_several(pick),
        1 => told_out_of_order(pick, nth / 4),
        _ => swarm(pick),
    };
    Case::new(scenario, Synod::new(Promise::Agreement))
}
/// One node proposes; as many others as make a majority with it have accepted something under ballots of old, and answer
/// in any order. The rest is silent, but may have had something accepted by the one that proposes.
pub(super) fn told_of_several(pick: &mut Pick) -> Scenario {
    let n = *pick.one(&[3, 5, 5, 7]);
    let mut all = cast(pick, n);
    let guest = all.remove(0);
    let silent = all.split_off(n as usize / 2);
    let informants = all;
    let mut rounds: Vec<u64> = (1..=informants.len() as u64 + 1).collect();
    pick.shuffle(&mut rounds);
    let own_round = rounds.pop().expect("one more than informants");
    let mut parts = vec![Part::default(); n as usize - 1];
    let place = |node: NodeId| others(n, guest).iter().position(|other| *other == node).expect("one of them");
    for (node, round) in informants.into_iter().zip(rounds) {
        // whoever has the highest ballot has accepted something
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
    let mut scenario = stage(n, ms(20), ms(400), guest, parts);
    ask(pick, &mut scenario, [(When::At(ms(10)), guest)]);
    scenario
}
/// One node is only asked to promise and to accept, by two others whose messages take their time.
pub(super) fn told_out_of_order(pick: &mut Pick, variant: u32) -> Scenario {
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
    stage(3, ms(500), ms(70), guest, parts)
}
/// Two to four proposers on a network that does everything but crash nodes.
pub(super) fn swarm(pick: &mut Pick) -> Scenario {
    let n = *pick.one(&[3, 3, 5]);
    let mut scenario = cluster(n, ms(pick.number(8..=30)), ms(400));
    let tail = Tail { chance: Chance::percent(pick.small(0..=40)), max: ms(pick.number(10..=80)) };
    scenario.network = Link {
        latency: Latency { min: us(500), max: ms(pick.number(1..=6)), tail: Some(tail) },
        loss: Chance::percent(pick.small(0..=40)),
        duplication: Chance::percent(pick.small(0..=25)),
        ..Link::fixed(ms(1))
    };
    let proposers = pick.small(2..=3.min(n)) + u32::from(pick.percent(30) && n > 3);
    let within = *pick.one(&[2_000, 10_000, 40_000]);
    let asks: Vec<(When, NodeId)> = cast(pick, n)
        .into_iter()
        .take(proposers as usize)
        .map(|node| (When::At(ms(5) + pick.micros(0..=within)), node))
        .collect();
    ask(pick, &mut scenario, asks);
    for _ in 0..pick.small(0..=3) {
        let node = Who::Node(NodeId(pick.small(1..=n)));
        let harm = if pick.percent(50) { Harm::Pause { node } } else { Harm::Isolate { node } };
        let (when, lasts) = (When::At(pick.micros(5_000..=80_000)), pick.micros(2_000..=60_000));
        scenario.faults.push(Fault::new(when, harm, Until::After(lasts)));
    }
    scenario
}

pub(super) fn validity(pick: &mut Pick, nth: u32) -> Case {
    let scenario = match nth % 3 {
        0 => swarm(pick),
        1 => {
            // one wants something; what it wants may be gone with it
            let n = *pick.one(&[3, 5]);
            let all = cast(pick, n);
            let mut scenario = cluster(n, ms(20), ms(400));
            let mut asks = vec![(When::At(ms(5)), all[0])];
            if pick.percent(50) {
                asks.push((When::At(ms(100)), all[1]));
            }
            ask(pick, &mut scenario, asks);
            scenario.faults.push(crash_after(all[0], pick.number(1..=20), pick.micros(1_000..=10_000)));
            scenario
        }
        _ => {
            // the others have nothing to say, and much time to say something
            let n = *pick.one(&[3, 4, 5]);
            let mut scenario = cluster(n, ms(20), ms(800));
            let (node, at) = (NodeId(pick.small(1..=n)), pick.millis(5..=300));
            ask(pick, &mut scenario, [(When::At(at), node)]);
            scenario
        }
    };
    Case::new(scenario, Synod::new(Promise::Validity))
}

/// One acceptor, four stories, and a crash after each of its first effects.
pub(super) const ACCEPTOR_CRASHES: u32 = 4 * 16;
/// Two proposers among three nodes, and a crash after each of the first effects of each node; then two such crashes.
pub(super) const EFFECTS_EACH: u32 = 20;
pub(super) const EFFECTS: u32 = 3 * EFFECTS_EACH;
pub(super) const PAIRS: u32 = EFFECTS * (EFFECTS - 1) / 2;
pub(super) const DURABLE_WORLDS: u32 = ACCEPTOR_CRASHES + EFFECTS + PAIRS;

pub(super) fn durable(pick: &mut Pick, nth: u32) -> Case {
    let down = us(1_500);
    let scenario = match nth.checked_sub(ACCEPTOR_CRASHES) {
        None => {
            let mut scenario = told_out_of_order(pick, nth);
            let is_guest = |spec: &&world::NodeSpec| matches!(spec.kind, world::NodeKind::Guest);
            let guest = scenario.nodes.iter().find(is_guest).expect("one is").id;
            scenario.faults.push(crash_after(guest, u64::from(nth / 4) + 1, down));
            scenario
        }
        Some(nth) => {
            let mut scenario = cluster(3, ms(20), ms(90));
            scenario.network = Link::between(ms(1), us(1_500));
            let asks = [(When::At(ms(1)), NodeId(1)), (When::At(us(2_500)), NodeId(2))];
            ask(pick, &mut scenario, asks.into_iter().chain([(When::At(ms(25)), NodeId(3))]));
            if nth % 2 == 1 {
                // what the first one asks the third to accept comes when the second one is done
                let harm = Harm::Hold {
                    from: Some(NodeId(1)),
                    to: Some(NodeId(3)),
                    nth: None,
                    matches: Some(Matcher::typed(is_accept)),
                    what: None,
                };
                let until = Until::After(ms(15));
                scenario.faults.push(Fault::new(When::At(Duration::ZERO), harm, until));
            }
            let place = |effect: u32| (NodeId(effect % 3 + 1), u64::from(effect / 3) + 1);
            let chosen = match nth.checked_sub(EFFECTS) {
                None => vec![nth],
                Some(pair) => subset(EFFECTS, 2, pair),
            };
            for effect in chosen {
                let (node, nth) = place(effect);
                scenario.faults.push(crash_after(node, nth, down));
            }
            scenario
        }
    };
    Case::new(scenario, Synod::new(Promise::Durable))
}
pub(super) fn ballots(pick: &mut Pick, nth: u32) -> Case {
    let scenario = match nth % 3 {
        0 => {
            // all who want something want it at once
            let n = *pick.one(&[3, 5]);
            let mut scenario = cluster(n, ms(20), ms(400));
            scenario.network = Link::between(ms(1), ms(pick.number(1..=4)));
            let many = pick.small(2..=n) as usize;
            let asked: Vec<NodeId> = cast(pick, n).into_iter().take(many).collect();
            ask(pick, &mut scenario, asked.into_iter().map(|node| (When::At(ms(5)), node)));
            scenario
        }
        // Others promise, and never accept. The proposer crashes while it asks them to, and is asked for something else.
        turn => {
            let n = *pick.one(&[3, 5]);
            let guest = NodeId(pick.small(1..=n));
            let acceptor = Acceptor { votes: Answers::NONE, ..Acceptor::prompt() };
            let part = Part { acceptor: Some(acceptor), ..Part::default() };
            let mut scenario = stage(n, ms(20), ms(300), guest, vec![part; n as usize - 1]);
            let when = if turn == 1 {
                on(sends(guest, is_accept), pick.small(1..=n - 1), Duration::ZERO)
            } else {
                When::on(Trigger::Effect { node: guest, nth: pick.number(1..=24) })
            };
            scenario.faults.push(crash(when, guest, Until::After(pick.micros(500..=5_000))));
            let crashed = Pattern::of(SeenKind::Crashed).at(guest);
            let again = on(crashed, 1, ms(pick.number(8..=60)));
            ask(pick, &mut scenario, [(When::At(ms(5)), guest), (again, guest)]);
            scenario
        }
    };
    Case::new(scenario, Synod::new(Promise::Ballots))
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
    let mut scenario = stage(n, retry, ms(400), guest, parts);
    if nth % 6 == 5 {
        // nobody is asked; a learner hears of one vote under each of many ballots, again and again
        let values = [value(pick, 0), value(pick, 1)];
        for (place, node) in others(n, guest).into_iter().enumerate() {
            let round = place as u64 + 1;
            let proposal = Proposal { ballot: ballot(round, node), value: values[usize::from(place > 2)] };
            let at = (0..3).map(|_| pick.micros(5_000..=60_000)).collect::<Vec<_>>();
            let lines = at.into_iter().map(|at| (at, guest, Message::Accepted(proposal))).collect::<Vec<_>>();
            let spec = scenario.nodes.iter_mut().find(|spec| spec.id == node).expect("it is one of them");
            *spec = puppet(node, &Part { lines, acceptor: None });
        }
    } else {
        ask(pick, &mut scenario, [(When::At(ms(5)), guest)]);
    }
    Case::new(scenario, Synod::new(Promise::Counting))
}

/// Of each of the six links the first messages can be held back.
pub(super) const ORDINALS: u32 = 4;
pub(super) const SLOTS: u32 = 6 * ORDINALS;
pub(super) const HOLD_SETS: u32 = 1 + SLOTS + choose(SLOTS, 2) + choose(SLOTS, 3);
/// The second node is asked so much later than the first: from the first one's first message to its decision.
pub(super) const SECOND_ASKED_US: [u64; 5] = [0, 1_500, 2_500, 3_500, 4_500];
pub(super) const SMALL_WORLDS: u32 = HOLD_SETS * SECOND_ASKED_US.len() as u32;

pub(super) fn small_worlds(pick: &mut Pick, nth: u32) -> Case {
    let mut scenario = cluster(3, ms(30), ms(50));
    scenario.network = Link::fixed(ms(1));
    at_once(&mut scenario);
    let second = us(SECOND_ASKED_US[(nth / HOLD_SETS) as usize]);
    let asks = [(When::At(ms(1)), NodeId(1)), (When::At(ms(1) + second), NodeId(2))];
    ask(pick, &mut scenario, asks);
    let mut set = nth % HOLD_SETS;
    let mut size = 0;
    while set >= choose(SLOTS, size) {
        set -= choose(SLOTS, size);
        size += 1;
    }
    const LINKS: [(u32, u32); 6] = [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)];
    for slot in subset(SLOTS, size, set) {
        let (from, to) = LINKS[(slot % 6) as usize];
        let harm = Harm::Hold {
            from: Some(NodeId(from)),
            to: Some(NodeId(to)),
            nth: Some(slot / 6 + 1),
            matches: None,
            what: None,
        };
        // by then all has been said that does not wait for these
        let until = Until::After(ms(25));
        scenario.faults.push(Fault::new(When::At(Duration::ZERO), harm, until));
    }
    Case::new(scenario, Synod::new(Promise::SmallWorlds))
}
/// Disks that take no time.
pub(super) fn at_once(scenario: &mut Scenario) {
    for spec in &mut scenario.nodes {
        spec.sync = (Duration::ZERO, Duration::ZERO);
    }
}

pub(super) fn duel(pick: &mut Pick, nth: u32) -> Case {
    let retry = ms(20);
    let bound = retry * 100;
    let n = *pick.one(&[3, 5]);
    let all = cast(pick, n);
    let mut scenario = cluster(n, retry, ms(5) + bound + ms(1));
    scenario.network = Link::fixed(ms(1));
    at_once(&mut scenario);
    if !nth.is_multiple_of(3) {
        // news of a rival is faster than a majority's answer
        let link = Link::fixed(us(pick.number(400..=700)));
        for (from, to) in [(all[0], all[1]), (all[1], all[0])] {
            scenario.links.push(LinkRule { from: Some(from), to: Some(to), link });
        }
    }
    ask(pick, &mut scenario, all[..2].iter().map(|node| (When::At(ms(5)), *node)));
    Case::new(scenario, Synod::new(Promise::InTime { bound, why: "100 × retry" }))
}

pub(super) fn cost(pick: &mut Pick, nth: u32) -> Case {
    let n = 3 + nth % 3 * 2;
    let (delay, retry) = (ms(pick.number(1..=5)), ms(100));
    let at = ms(pick.number(150..=300));
    let mut scenario = cluster(n, retry, at + retry * (SETTLED_RETRIES + QUIET_RETRIES));
    scenario.network = Link::fixed(delay);
    at_once(&mut scenario);
    let asked = NodeId(pick.small(1..=n));
    ask(pick, &mut scenario, [(When::At(at), asked)]);
    Case::new(scenario, Synod::new(Promise::Frugal { delay, retry }))
}

/// In so many conversations an acceptor is asked after each of its first promises.
pub(super) const CONVERSATIONS: u32 = 64;
pub(super) const PROMISES: u32 = 8;

/// One acceptor, and peers that tell it of several attempts in any order, twice, and late: ballots of three of them, each with the value that
/// an earlier one may have had chosen. The fourth is silent.
pub(super) fn conversation(pick: &mut Pick, retry: Duration) -> (Scenario, NodeId) {
    let n = 5;
    let all = cast(pick, n);
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
    let mut scenario = stage(n, retry, at + ms(60), guest, parts);
    scenario.network = Link::fixed(ms(1));
    scenario.scribe = Some(MakesScribe(Acceptors::of));
    (scenario, silent)
}

/// An acceptor promises or accepts, crashes, comes back alone, and is asked about all that it has said.
pub(super) fn promises_survive(pick: &mut Pick, _nth: u32) -> Case {
    let retry = ms(pick.number(20..=50));
    let (mut scenario, from) = conversation(pick, retry);
    let nth = pick.point();
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
        scenario.end += retry * 80;
    } else {
        steps.extend([Step::Crash(loss), Step::Ask(ASKS_TO_ACCEPT_LOWER), Step::Crash(loss)]);
        steps.extend(ask);
        steps.push(Step::Crash(loss));
        steps.extend(ask);
        scenario.end += ms(100);
    }
    interrogate(&mut scenario, &Interrogation { kinds: PROMISED | ACCEPTED, nth, from, after, steps });
    Case::new(scenario, interrogated(Synod::new(Promise::Interrogated)))
}

/// Two clients ask one node, at a time when too few can talk to each other. When nothing goes wrong any more, every client is answered;
/// then each node in turn crashes, and is asked with only just a majority.
pub(super) fn as_good_as_new(pick: &mut Pick, nth: u32) -> Case {
    let n = if nth.is_multiple_of(2) { 3 } else { 5 };
    let retry = ms(pick.number(20..=50));
    let within = retry * 10;
    let all = cast(pick, n);
    let well =
        ms(20) + retry * if (nth / 2).is_multiple_of(2) { pick.small(2..=12) } else { pick.small(30..=120) };
    let mut scenario = cluster(n, retry, Duration::ZERO);
    let alone = all.iter().map(|node| vec![*node]).collect();
    scenario.faults.push(Fault::new(When::At(ms(5)), Harm::Partition { groups: alone }, Until::Calm));
    scenario.calm = Some((well, scenario.network));
    ask(pick, &mut scenario, [(When::At(ms(10)), all[0]), (When::At(ms(10)), all[0])]);
    // a chain: each is asked when the one before has been answered
    let chain = ClientId(9);
    let mut operations = Vec::new();
    for (id, node) in (1..).zip(cast(pick, n)) {
        let request = Request::Propose { value: value(pick, 10 + id) };
        operations.push(Operation::next::<Paxos>(id, node, &request));
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
        let faults = [crash(crashed, node, Until::After(ms(5))), Fault::new(When::on(begins), apart, ends)];
        scenario.faults.extend(faults.into_iter().map(|fault| Fault { after_calm: true, ..fault }));
    }
    let first = Trigger::Ended { client: ClientId(1), operation: OperationId(1) };
    operations[0].at = Some(When::On { trigger: first, nth: 1, after: retry * 2 });
    scenario.clients.push(Client { think: retry * 2, ..Client::new(chain.0, operations) });
    scenario.end = well + within * (n + 3);
    Case::new(scenario, served(Synod::new(Promise::Agreement), within, "10 × retry"))
}
