//! `raft_election`: the runs in which the promises are hard to keep.

use crate::raft::{self, *};
use judge::{Case, Pick};
use kit::ms;
use lab::NodeId;
use lab::raft::{Config, Message};
use std::time::Duration;
use world::{DiskLoss, Fault, Harm, Link, Matcher, Pattern, SeenKind, Trigger, Until, When, Who};

pub(super) fn initial(pick: &mut Pick, nth: u32) -> Case {
    let n = [1, 2, 3, 5, 7][(nth % 5) as usize];
    let by = ELECTION_MAX * 10;
    let mut scenario = cluster(n, by + ms(2_000));
    scenario.network = Link::between(ms(1), ms(pick.number(2..=15)));
    // they do not begin at the same moment: how that goes is another check's
    for (nth, node) in (1..).zip(cast(pick, n).into_iter().skip(1)) {
        let when = When::At(Duration::from_micros(1));
        scenario.faults.push(crash(Who::Node(node), when, ms(45) * nth, DiskLoss::All));
    }
    let led = |by| Goal::Led { since: by, by, among: nodes(n) };
    let end = by + ms(2_000);
    raft::goals_only(scenario, vec![led(by), led(by + ms(2_000)), Goal::Calm { since: by, by: end }])
}

/// Worlds in which candidates ask one node, and worlds in which a leader is left by all.
pub(super) const ASKED_TWICE: u32 = 24;
pub(super) const ABANDONED: u32 = 16;

/// A node leads with the vote of one peer, which is silent from then on; another stands in the same term, some time later. Whether the
/// leader steps down without a majority is its own affair: its vote is given.
pub(super) fn abandoned(pick: &mut Pick) -> Case {
    let grants = Script { on_vote: OnVote::Grant, ..Script::default() };
    let later = ELECTION_MAX + pick.micros(0..=800_000);
    let stands = Script { on_vote: OnVote::Stand(later), ..Script::default() };
    raft::case(against(vec![grants, stands], ELECTION_MAX * 5), vec![])
}

/// Candidates that ask one node, which has heard of nobody for long.
pub(super) fn rules_vote(pick: &mut Pick, nth: u32) -> Case {
    if nth >= ASKED_TWICE {
        return abandoned(pick);
    }
    let n1 = NodeId(1);
    if nth % 3 == 2 {
        // It stands itself, gives up because another leads its term, and is asked by a third in that term.
        let leads = Script { on_vote: OnVote::Lead, ..Script::default() };
        let stands = Script { on_vote: OnVote::Stand(ms(pick.number(3..=20))), ..Script::default() };
        return raft::case(against(vec![leads, stands], ms(3_000)), vec![]);
    }
    let term = 100 + pick.number(0..=20);
    if nth % 3 == 1 {
        // It has not voted in its term, and is asked for a vote in the one before.
        let says = |says| Script { says, ..Script::default() };
        let leads = says(vec![(ms(10), n1, append(term, (0, 0), vec![], 0))]);
        let stands = says(vec![(ms(15 + pick.number(0..=150)), n1, asks(term - 1, 0, 0))]);
        return raft::case(against(vec![leads, stands], ms(400)), vec![]);
    }
    let begin = ELECTION_MAX * 2 + ms(pick.number(0..=50));
    let step = |nth: u32| begin + ms(12) * nth;
    let second = Script {
        says: vec![
            (step(0), n1, asks(term, 0, 0)),
            (step(2), n1, asks(term, 0, 0)),
            (step(5), n1, asks(term, 0, 0)),
        ],
        ..Script::default()
    };
    let third = Script {
        says: vec![
            (step(1), n1, asks(term, 0, 0)),
            (step(3), n1, asks(term - 1, 0, 0)),
            (step(4), n1, asks(term, 7, 5)),
            (step(6), n1, asks(term + 1, 0, 0)),
        ],
        ..Script::default()
    };
    let scenario = against(vec![second, third], step(8));
    let votes: fn(&Message) -> bool =
        |message| matches!(message, Message::Vote { granted: true, pre_vote: false, .. });
    let goal = |times, by, or| Goal::Said { since: begin, by, node: n1, times, what: votes, or };
    raft::case(
        scenario,
        vec![
            goal(
                1,
                step(1),
                "did not grant its vote to n2, the first candidate of a new term. No leader had contacted it for longer \
                 than an election timeout.",
            ),
            goal(
                2,
                step(3),
                "had granted its vote to n2, but did not repeat it when n2 asked again in the same term. The first answer \
                 may have been lost.",
            ),
            goal(
                4,
                step(8),
                "did not grant its vote to the first candidate of a new term, after it had voted in the term before. Each \
                 term has new votes.",
            ),
        ],
    )
}

/// Terms that change what a node is.
pub(super) fn rules_term(pick: &mut Pick, nth: u32) -> Case {
    let up = pick.number(1..=5);
    let vote = |on_vote| Script { on_vote, ..Script::default() };
    let scripts = match nth % 4 {
        // a candidate is refused from a later term
        0 => vec![vote(OnVote::FromTerm(up)), vote(OnVote::Silent)],
        // a candidate meets the leader of its term
        1 => vec![vote(OnVote::Lead), vote(OnVote::Silent)],
        // a leader is refused from a later term
        2 => vec![vote(OnVote::Grant), Script { on_append: OnAppend::FromTerm(up), ..Script::default() }],
        // a leader meets one who led before, and has a majority with another
        _ => vec![
            Script { on_vote: OnVote::Grant, on_append: OnAppend::Take, ..Script::default() },
            Script { on_append: OnAppend::LeadBefore, ..Script::default() },
        ],
    };
    let end = ELECTION_MAX * 4;
    let mut goals = Vec::new();
    if nth % 4 == 3 {
        goals.push(Goal::Led { since: end, by: end, among: vec![NodeId(1)] });
    }
    raft::case(against(scripts, end), goals)
}

pub(super) fn one_leader(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 4, 5, 7, 2][(nth % 5) as usize];
    let calm = ms(3_000);
    let mut scenario = cluster(n, calm);
    if pick.percent(30) {
        wrong_walls(pick, &mut scenario, n, calm);
    }
    let late = ms(pick.number(20..=900));
    let link = bad_links(pick.small(0..=20), pick.small(0..=60), pick.small(0..=50), late);
    // it takes about as long to hear as to stand: many stand in one term
    let slow =
        Link { latency: world::Latency { min: ms(40), max: ms(250), tail: link.latency.tail }, ..link };
    scenario.network = if pick.percent(50) { slow } else { link };
    let all = cast(pick, n);
    match pick.small(0..=3) {
        // two halves, of which neither is a majority where n is even
        0 => {
            let (left, right) = all.split_at(all.len() / 2);
            scenario.faults.push(from_to(
                Duration::ZERO,
                ms(1_500),
                apart(vec![left.to_vec(), right.to_vec()]),
            ));
        }
        // the votes of the first round come in the second
        1 => {
            let votes = Matcher::typed(|message: &Message| matches!(message, Message::Vote { .. }));
            let harm = Harm::Hold { from: None, to: None, nth: None, matches: Some(votes), what: None };
            scenario.faults.push(from_to(Duration::ZERO, ms(pick.number(300..=900)), harm));
        }
        2 => {
            for _ in 0..2 {
                let from = ms(pick.number(0..=1_500));
                let who = *pick.one(&all);
                scenario.faults.push(from_to(
                    from,
                    from + ms(pick.number(100..=800)),
                    Harm::Pause { node: Who::Node(who) },
                ));
            }
        }
        _ => scenario.faults.push(Fault::new(
            on(leads(), 1, ms(pick.number(0..=100))),
            Harm::Isolate { node: Who::Culprit },
            Until::After(ms(pick.number(300..=1_500))),
        )),
    }
    raft::case(scenario, vec![])
}

/// In which a leader on a clean network has long been found.
pub(super) const BOUND: Duration = ms(4_000);
/// How long a leader leads, at most, before it is cut off.
pub(super) const REIGN: Duration = ms(700);

/// How long the leaders of a world lead before they are cut off.
pub(super) fn reign(pick: &mut Pick) -> Duration {
    pick.micros(300_000..=REIGN.as_micros() as u64)
}
/// The `nth` node to lead is cut off after that.
pub(super) fn depose(reign: Duration, nth: u32, until: Until) -> Fault {
    Fault::new(on(leads(), nth, reign), Harm::Isolate { node: Who::Culprit }, until)
}
/// One leader after another is cut off. Each is back in the very moment in which the next goes: earlier, it could depose that one
/// in its reign, and two would be cut off at once, which may leave no majority. All reign equally long, so that they go in the
/// order in which they came.
pub(super) fn depose_one_by_one(reign: Duration, rounds: u32) -> impl Iterator<Item = Fault> {
    let next_goes = Until::Trigger(Trigger::Seen(Pattern::of(SeenKind::FaultBegan)));
    (1..=rounds).map(move |nth| depose(reign, nth, next_goes.clone()))
}

/// A leader learns of a later term from the answer to a heartbeat, and from then on hears of nobody: it stands again.
fn overruled_by_an_answer(pick: &mut Pick) -> Case {
    let up = pick.number(1..=5);
    let refuses = Script { on_vote: OnVote::Grant, on_append: OnAppend::FromTerm(up), ..Script::default() };
    let scenario = against(vec![refuses, Script::default()], BOUND);
    raft::case(scenario, vec![Goal::Followed { times: 3, within: ELECTION_MAX * 3 }])
}
/// A node has an entry of a leader that is gone for good. Its only peer has none and is in a later term, in which it has voted: it tells so
/// a candidate that asks about an earlier one. The node has the better log, so nobody else can lead.
fn the_better_log_in_the_earlier_term(pick: &mut Pick) -> Case {
    let n1 = NodeId(1);
    let term = pick.number(1..=3);
    let gone = Script {
        says: vec![(ms(5), n1, append(term, (0, 0), vec![entry(term, "a")], 0))],
        ..Script::default()
    };
    let since = term + pick.number(1..=3);
    let later = Script { on_vote: OnVote::Since(since), on_append: OnAppend::Take, ..Script::default() };
    let mut scenario = against(vec![gone, later], BOUND + ms(10));
    let harm = Harm::Isolate { node: Who::Node(NodeId(2)) };
    scenario.faults.push(Fault::new(When::At(ms(20)), harm, Until::Never));
    raft::case(scenario, vec![Goal::Led { since: ms(10), by: BOUND, among: vec![n1] }])
}

pub(super) fn reelection(pick: &mut Pick, nth: u32) -> Case {
    let n = if nth.is_multiple_of(2) { 3 } else { 5 };
    match nth / 2 % 6 {
        4 => return overruled_by_an_answer(pick),
        5 => return the_better_log_in_the_earlier_term(pick),
        _ => {}
    }
    let all = cast(pick, n);
    let end = BOUND * 4;
    let followed = |times| Goal::Followed { times, within: REIGN + BOUND };
    let mut scenario = cluster(n, end);
    if nth / 2 % 6 != 3 {
        wrong_walls(pick, &mut scenario, n, REIGN);
    }
    let goals = match nth / 2 % 6 {
        // who leads is cut off, and comes back
        0 => {
            let away = Until::After(ms(pick.number(1_500..=2_000)));
            scenario.faults.push(depose(reign(pick), 1, away));
            vec![followed(2), Goal::Led { since: ms(3_000), by: end, among: all }]
        }
        // from the beginning too few can talk to each other; then all can
        1 => {
            let few = all[..(n / 2) as usize].to_vec();
            let lonely = all[(n / 2) as usize..].iter().map(|node| vec![*node]);
            let groups = std::iter::once(few).chain(lonely).collect();
            let well = ms(pick.number(1_000..=2_500));
            scenario.faults.push(from_to(Duration::ZERO, well, apart(groups)));
            vec![Goal::Led { since: well, by: well + BOUND, among: all }]
        }
        // a minority goes; the majority that is left leads itself; then all are back
        2 => {
            let (some, rest) = all.split_at((n / 2) as usize);
            let away = ms(pick.number(1_000..=1_500));
            let back = away + BOUND;
            scenario.faults.push(from_to(away, back, apart(vec![some.to_vec(), rest.to_vec()])));
            vec![
                Goal::Led { since: away, by: back, among: rest.to_vec() },
                Goal::Led { since: back + ms(1), by: back + BOUND, among: all },
            ]
        }
        _ => {
            scenario.faults.extend(depose_one_by_one(reign(pick), 3));
            vec![followed(4)]
        }
    };
    raft::case(scenario, goals)
}

pub(super) fn many_elections(pick: &mut Pick, _nth: u32) -> Case {
    let n = 7;
    let rounds = 10;
    let within = REIGN + BOUND;
    let mut scenario = cluster(n, within * (rounds + 1));
    // two are away for good: with every leader that goes, the others are a majority by a hair
    for node in &cast(pick, n)[..2] {
        scenario.faults.push(Fault::new(
            When::At(Duration::ZERO),
            Harm::Isolate { node: Who::Node(*node) },
            Until::Calm,
        ));
    }
    scenario.faults.extend(depose_one_by_one(reign(pick), rounds));
    let goals = vec![Goal::Followed { times: rounds as usize + 1, within }];
    raft::case(scenario, goals)
}

/// Two nodes and few time-outs to draw from: in one round of five both stand before they hear of each other. More than twenty such rounds
/// follow each other only if the draws of a round are those of the round before.
fn two_of_two(_pick: &mut Pick) -> Case {
    let by = ms(5_000);
    let mut scenario = cluster(2, by + ms(10));
    let config = Config { election_max: ELECTION_MIN + ms(40), ..config(2) };
    for spec in &mut scenario.nodes {
        spec.config = lab::frame::encode(&config);
    }
    scenario.network = Link::fixed(ms(8));
    raft::case(scenario, vec![Goal::Led { since: Duration::ZERO, by, among: nodes(2) }])
}
/// Worlds in which nodes of all numbers stand at about the same time, and worlds of two.
pub(super) const CROWDS: u32 = 25;
pub(super) const PAIRS: u32 = 240;

pub(super) fn split_votes(pick: &mut Pick, nth: u32) -> Case {
    if nth >= CROWDS {
        return two_of_two(pick);
    }
    let n = [3, 4, 5, 7, 2][(nth % 5) as usize];
    let by = ELECTION_MAX * 20;
    let mut scenario = cluster(n, by + ms(10));
    scenario.network = Link::fixed(ms(pick.number(5..=20)));
    raft::case(scenario, vec![Goal::Led { since: Duration::ZERO, by, among: nodes(n) }])
}

/// Three of five nodes lack an entry that a majority has, and stand in turn, each in a later term and no sooner than a time-out allows.
/// Nobody votes for them: the node that has the entry stands soon, for all that it hears.
fn out_of_date_candidates(pick: &mut Pick) -> Case {
    let n1 = NodeId(1);
    let log = vec![entry(7, "a")];
    let mut scripts =
        vec![Script { says: vec![(ms(5), n1, append(8, (0, 0), log, 0))], ..Script::default() }];
    let mut says = vec![Vec::new(); 3];
    let end = ELECTION_MAX * 4;
    let mut at = ms(30);
    let mut term = 8;
    for place in (0..3).cycle() {
        at += ms(pick.number(70..=100));
        if at >= end {
            break;
        }
        term += 1;
        says[place].push((at, n1, asks(term, 0, 0)));
    }
    scripts.extend(says.into_iter().map(|says| Script { says, ..Script::default() }));
    let stands = Goal::Said {
        since: Duration::ZERO,
        by: end,
        node: n1,
        times: 1,
        what: |message| matches!(message, Message::RequestVote { .. }),
        or: "did not start an election for 4 election timeouts. In that time no leader sent it a message, and it granted no vote.",
    };
    raft::case(against(scripts, end), vec![stands])
}

/// One of four leads for a while, is forgotten, and goes on talking as the leader and candidate of a term gone by. Or somebody
/// is asked for its vote when it is about to stand.
pub(super) fn timer_resets(pick: &mut Pick, nth: u32) -> Case {
    if nth % 3 == 2 {
        return out_of_date_candidates(pick);
    }
    if nth % 3 == 1 {
        let (n1, at) = (NodeId(1), ELECTION_MIN + ms(pick.number(5..=40)));
        let by = at + ELECTION_MIN + ms(50);
        let stands = Script { says: vec![(at, n1, asks(100, 0, 0))], ..Script::default() };
        let waits = Goal::Waits { by, node: n1, at_least: ELECTION_MIN };
        return raft::case(against(vec![stands, Script::default()], by + ms(1)), vec![waits]);
    }
    let n = 4;
    let old = NodeId(4);
    let guests = nodes(3);
    let end = ms(200) + ELECTION_MAX * 10;
    let mut says = Vec::new();
    for node in &guests {
        says.push((ms(5), *node, append(50, (0, 0), vec![], 0)));
        let mut at = ms(30) + pick.micros(0..=5_000);
        while at < end {
            let message = if pick.percent(50) { asks(49, 40, 49) } else { append(49, (0, 0), vec![], 0) };
            says.push((at, *node, message));
            at += ms(20);
        }
    }
    let mut scenario = cluster(n, end);
    let script = Script { says, ..Script::default() };
    scenario.nodes[3] = puppet(old, &script);
    raft::case(scenario, vec![Goal::Led { since: ms(200), by: end - ms(1), among: guests }])
}

pub(super) fn quiet(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 5, 7, 1, 2][(nth % 5) as usize];
    let first = ELECTION_MAX * 10;
    let mut scenario = cluster(n, first + ms(1_001));
    scenario.network = Link::between(ms(1), ms(pick.number(2..=10)));
    let beats = 1_000 / HEARTBEAT.as_millis() as u64;
    let idle = Goal::Few {
        since: first,
        by: first + ms(1_000),
        messages: 5 * u64::from(n - 1) * beats / 2,
        bytes: u64::MAX,
        about: "a second without commands",
    };
    // the election, and the heartbeats until then
    let beats = first.as_millis() as u64 / HEARTBEAT.as_millis() as u64;
    let election = Goal::Few {
        since: Duration::ZERO,
        by: first,
        messages: 30 + 6 * u64::from(n) + 5 * u64::from(n - 1) * beats / 2,
        bytes: u64::MAX,
        about: "the first election and the heartbeats after it",
    };
    raft::case(scenario, vec![idle, election])
}
