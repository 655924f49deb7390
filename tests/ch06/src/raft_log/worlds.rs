//! `raft_log`: the runs in which the promises are hard to keep.

use crate::raft::{self, *};
use judge::{Case, Pick};
use kit::ms;
use lab::NodeId;
use lab::raft::{Command, Message};
use std::time::Duration;
use world::{DiskLoss, Fault, Harm, Link, Matcher, Scenario, Until, When, Who};

/// By when there is a leader, on a clean network.
pub(super) const ELECTED: Duration = ms(4_000);

pub(super) fn agree(pick: &mut Pick, nth: u32) -> Case {
    let n = [1, 3, 5, 2][(nth % 4) as usize];
    let mut scenario = cluster(n, ELECTED + ms(1_000));
    let delay = pick.number(2..=10);
    scenario.network = Link { fifo: true, ..Link::between(ms(1), ms(delay)) };
    let many = if (nth / 4).is_multiple_of(2) { 5 } else { 1 };
    // a node that is asked in vain says so at once
    for id in 1..=many {
        let to = cast(pick, n);
        scenario.clients.push(raft::client(id, vec![command(id, 1)], ELECTED, to));
    }
    // a client has to find the leader; then: four round trips, and a heartbeat until all know what is committed
    let by = ELECTED + ms(10) * n + ms(8 * delay) + HEARTBEAT + ms(5);
    let commands = proposed(&scenario);
    raft::goals_only(scenario, vec![Goal::Done { by, on: nodes(n), commands }])
}

/// What a leader says that does not fit, or fits only in part.
pub(super) fn rules_append(pick: &mut Pick, nth: u32) -> Case {
    let n1 = NodeId(1);
    let term = 20 + pick.number(0..=9);
    let log = || [entry(3, "a"), entry(3, "b"), entry(5, "c"), entry(5, "d"), entry(5, "e")].to_vec();
    let all = append(term, (0, 0), log(), 0);
    let whole = append(term, (5, 5), vec![], 0);
    // what the leader says, in this order; then what must, and what must not be answered after which of it
    type Answers = fn(&Message) -> bool;
    struct Part {
        says: Vec<Message>,
        must: Option<(Answers, &'static str)>,
        must_not: Option<(Answers, &'static str)>,
    }
    fn took<const INDEX: u64>(message: &Message) -> bool {
        matches!(message, Message::Appended { success: true, index, .. } if *index == INDEX)
    }
    let parts = match nth % 9 {
        // a heartbeat that does not fit
        0 => Part {
            says: vec![all, append(term + 1, (5, 6), vec![], 0)],
            must: None,
            must_not: Some((
                took::<5>,
                "acknowledged entry 5 to a leader whose entry 5 is of term 6. Its own entry 5 is of term 5, so it must \
                 refuse.",
            )),
        },
        // beyond the end
        1 => Part {
            says: vec![all, append(term, (7, 5), vec![entry(term, "h")], 0)],
            must: None,
            must_not: Some((
                took::<8>,
                "acknowledged entry 8, although its log ends with entry 5. It has no entry 7, so it \
                must refuse.",
            )),
        },
        // a part of the log, late: what follows stays
        2 => Part {
            says: vec![all, append(term, (1, 3), vec![entry(3, "b")], 0), whole],
            must: Some((
                took::<5>,
                "did not acknowledge entry 5 any more after a late message had repeated entry 2. A follower deletes only \
                 entries that conflict.",
            )),
            must_not: None,
        },
        // the same with nothing in it
        3 => Part {
            says: vec![all, append(term, (2, 3), vec![], 0), whole],
            must: Some((
                took::<5>,
                "did not acknowledge entry 5 any more after a heartbeat whose prev_index was 2. A \
                follower deletes only entries that conflict.",
            )),
            must_not: None,
        },
        // a commit index far ahead
        4 => Part {
            says: vec![all, append(term + 1, (1, 3), vec![entry(3, "b")], 5)],
            must: None,
            must_not: None,
        },
        // an entry that differs: it goes, with what follows
        5 => Part {
            says: vec![
                all,
                append(term + 1, (2, 3), vec![entry(6, "x")], 0),
                append(term + 1, (5, 5), vec![], 0),
            ],
            must: Some((
                took::<3>,
                "did not acknowledge the leader's entry 3 of term 6. Both logs agree up to entry 2, so entry 3 of term 6 \
                 replaces its own of term 5.",
            )),
            must_not: Some((
                took::<5>,
                "still acknowledged entry 5 of term 5 after an entry of term 6 had replaced its entry 3. A conflicting \
                 entry is deleted with all entries after it.",
            )),
        },
        // the same: what is there now is the new one
        6 => Part {
            says: vec![
                all,
                append(term + 1, (2, 3), vec![entry(6, "x"), entry(6, "y")], 4),
                append(term + 1, (4, 6), vec![entry(6, "z")], 5),
            ],
            must: Some((took::<5>, "did not acknowledge entry 5, which follows its entry 4.")),
            must_not: None,
        },
        // a new leader speaks of a part: about the rest nobody knows yet
        7 => Part {
            says: vec![all, append(term + 1, (2, 3), vec![], 0)],
            must: Some((
                took::<2>,
                "did not acknowledge entry 2, which a new leader named and which its own log had.",
            )),
            must_not: Some((
                took::<5>,
                "acknowledged entry 5 to a new leader, which had named its entry 2 only.",
            )),
        },
        // more of the same
        _ => Part {
            says: vec![
                append(term, (0, 0), log()[..2].to_vec(), 0),
                append(term, (1, 3), log()[1..].to_vec(), 5),
                whole,
            ],
            must: Some((
                took::<5>,
                "did not acknowledge entries up to 5 from a message whose first entries it already had.",
            )),
            must_not: None,
        },
    };
    let begin = ms(20);
    // close together, or with time enough between for answers that wait for a disk
    let step = if pick.percent(50) { ms(pick.number(8..=20)) } else { ms(pick.number(50..=70)) };
    let mut says: Vec<(Duration, NodeId, Message)> =
        (0..).zip(parts.says).map(|(nth, message)| (begin + step * nth, n1, message)).collect();
    // doubled, sometimes
    if pick.percent(40)
        && let Some((at, to, message)) = says.last().cloned()
    {
        says.push((at + ms(3), to, message));
    }
    let end = says.last().map_or(begin, |(at, ..)| *at) + ms(120);
    let speaker = Script { says, ..Script::default() };
    let scenario = against(vec![speaker, Script::default()], end);
    let must = parts.must.map(|(what, or)| Goal::Said {
        since: begin + step,
        by: end,
        node: n1,
        times: 1,
        what,
        or,
    });
    // what answers the first message comes before that
    let since = begin + step;
    let must_not = parts.must_not.map(|(what, or)| Goal::Unsaid { since, by: end, node: n1, what, or });
    let heard = Goal::Said {
        since: Duration::ZERO,
        by: end,
        node: n1,
        times: 1,
        what: |message| matches!(message, Message::Appended { .. }),
        or: "did not answer the AppendEntries of a new leader.",
    };
    raft::case(scenario, must.into_iter().chain(must_not).chain([heard]).collect())
}

/// A node with a log, and candidates with others.
pub(super) fn rules_vote_log(pick: &mut Pick, _nth: u32) -> Case {
    let n1 = NodeId(1);
    let log = vec![entry(2, "a"), entry(4, "b"), entry(4, "c")];
    let begin = ms(20) + ELECTION_MAX * 2 + ms(pick.number(0..=50));
    // candidates, by the end of their logs, and whether they may have the vote
    let mut candidates = [
        (2, 4, false),
        (9, 3, false),
        (9, 2, false),
        (3, 4, true),
        (1, 5, true),
        (7, 4, true),
        (9, 0, false),
    ];
    pick.shuffle(&mut candidates);
    let mut says = vec![(ms(10), n1, append(4, (0, 0), log, 0))];
    let mut goals = Vec::new();
    let mut granted = 0;
    for (nth, (index, term, may)) in (0..).zip(candidates) {
        let at = begin + ms(12) * nth;
        says.push((at, n1, asks(1_000 + 10 * u64::from(nth), index, term)));
        granted += usize::from(may);
        goals.push(Goal::Said {
            since: begin,
            by: at + ms(11),
            node: n1,
            times: granted,
            what: votes,
            or: "did not grant its vote to a candidate of a new term whose log was as up to date as its own. No leader had \
                contacted it for longer than an election timeout.",
        });
        if !may {
            goals.push(Goal::Unsaid {
                since: at,
                by: at + ms(11),
                node: n1,
                what: votes,
                or: "granted its vote to a candidate whose log was less up to date than its own: its last entry has an \
                    earlier term, or the same term and a lower index.",
            });
        }
    }
    let end = begin + ms(12) * candidates.len() as u32;
    let speaker = Script { says, ..Script::default() };
    raft::case(against(vec![speaker, Script::default()], end), goals)
}
pub(super) fn votes(message: &Message) -> bool {
    matches!(message, Message::Vote { granted: true, pre_vote: false, .. })
}

pub(super) fn state_machine(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 3, 5, 3, 3, 5, 3, 3, 5, 2, 4, 1][nth as usize % 12];
    let calm = ms(3_500);
    let mut scenario = cluster(n, calm + ms(500));
    if nth % 3 == 1 {
        wrong_walls(pick, &mut scenario, n, calm);
    }
    trouble(pick, &mut scenario, n, calm);
    let (many, each) = (pick.small(1..=3), pick.small(4..=12));
    clients(&mut scenario, pick, n, many, each, ms(500));
    raft::case(scenario, vec![])
}

/// A leader that is cut off with an entry that it could tell to one other only. Should that one lead next, it copies an entry of a
/// term that is over.
pub(super) fn figure_8(pick: &mut Pick, nth: u32) -> Case {
    let n = 5;
    let mut scenario = cluster(n, ms(6_000));
    let to = cast(pick, n);
    let commands = (1..=8).map(|nth| command(1, nth)).collect();
    scenario.clients.push(raft::client(1, commands, ms(600), to));
    let all = cast(pick, n);
    let entries: fn(&Message) -> bool =
        |message| matches!(message, Message::AppendEntries { entries, .. } if !entries.is_empty());
    for round in 0..2 + nth % 2 {
        let others = cast(pick, n);
        // from the moment at which some entry was sent to the first, the sender is heard by nobody
        let pattern = sends(entries).with(others[0]);
        let when = on(pattern, 1 + round * pick.small(1..=4), Duration::ZERO);
        let until = Until::After(ms(pick.number(500..=1_500)));
        scenario.faults.push(Fault::new(when.clone(), Harm::Isolate { node: Who::Culprit }, until));
    }
    // who leads next tells some at once, and others late
    let slow =
        Link { latency: world::Latency { min: ms(60), max: ms(200), tail: None }, ..Link::fixed(ms(1)) };
    for node in &all[..2] {
        let rule = world::LinkRule { from: None, to: Some(*node), link: slow };
        scenario.faults.push(from_to(Duration::ZERO, ms(5_000), Harm::Links(rule)));
    }
    raft::case(scenario, vec![])
}

/// Answers that are late, doubled and out of order, while more is proposed.
pub(super) fn match_index(pick: &mut Pick, nth: u32) -> Case {
    if nth % 5 == 4 {
        return raft::case(twice_a_leader(pick, nth / 5), vec![]);
    }
    let n = [3, 4, 5][(nth % 3) as usize];
    let calm = ms(2_500);
    let mut scenario = cluster(n, calm);
    let answers = Matcher::typed(|message: &Message| matches!(message, Message::Appended { .. }));
    match nth / 3 % 4 {
        // answers take long and overtake each other
        0 => {
            let link = bad_links(0, 40, 60, ms(300));
            scenario.faults.push(from_to(ELECTION_MAX, calm, everywhere(link)));
        }
        // answers of one term come in the next
        1 => {
            let harm = Harm::Hold { from: None, to: None, nth: None, matches: Some(answers), what: None };
            let when = on(leads(), 1, ms(pick.number(20..=200)));
            scenario.faults.push(Fault::new(when, harm, Until::After(ms(pick.number(400..=1_200)))));
        }
        // just too few are there
        2 => {
            let all = cast(pick, n);
            let (some, rest) = all.split_at((n / 2) as usize);
            let groups = if n.is_multiple_of(2) {
                vec![some.to_vec(), rest.to_vec()]
            } else {
                rest.iter().map(|node| vec![*node]).chain([some.to_vec()]).collect()
            };
            let from = ms(pick.number(700..=1_200));
            scenario.faults.push(from_to(from, from + ms(700), apart(groups)));
        }
        // entries are lost on their way, and what was sent is not what arrived
        _ => {
            let link = bad_links(40, 20, 20, ms(200));
            scenario.faults.push(from_to(ELECTION_MAX * 2, calm, everywhere(link)));
        }
    }
    // several at a time, so that the log grows between a question and its answer
    for id in 1..=4 {
        let to = cast(pick, n);
        let commands = (1..=6).map(|nth| command(id, nth)).collect();
        scenario.clients.push(raft::client(id, commands, ms(450) + ms(3) * id, to));
    }
    raft::case(scenario, vec![])
}

/// One that leads, is overruled, loses what it had, and leads again: what was said to it the first time counts no more.
pub(super) fn twice_a_leader(pick: &mut Pick, nth: u32) -> Scenario {
    let n1 = NodeId(1);
    let vote =
        |on_append, answers| Script { on_vote: OnVote::Grant, on_append, answers, ..Script::default() };
    let overruled = ms(750) + pick.micros(0..=20_000);
    let usurper = Script {
        says: vec![(overruled, n1, append(30, (0, 0), vec![entry(30, "y")], 0))],
        ..Script::default()
    };
    let scripts = match nth % 3 {
        // the answers to the first time come in the second
        0 => vec![vote(OnAppend::Late(ms(1_500)), None), usurper],
        // one answered the first time, another answers the second time: neither time are they a majority
        1 => {
            let first = vote(OnAppend::Take, Some((ms(0), ms(740))));
            let second = vote(OnAppend::Take, Some((ms(900), ms(9_000))));
            vec![first, second, usurper, Script::default()]
        }
        // what it sent the first time arrives in the second, and is refused from there
        _ => {
            let nothing = append(30, (0, 0), vec![], 0);
            let usurper = Script { says: vec![(overruled, n1, nothing)], ..Script::default() };
            let scripts = vec![vote(OnAppend::RefuseLate, None), usurper];
            return against(scripts, ms(2_400));
        }
    };
    let mut scenario = against(scripts, ms(2_400));
    for (id, at) in [(1, 500), (2, 505), (3, 510), (4, 515), (5, 1_450)] {
        let mut client = raft::client(id, vec![command(id, 1)], ms(at), vec![n1]);
        (client.attempts, client.accepts) = (1, None);
        scenario.clients.push(client);
    }
    scenario
}

/// A leader that is cut off takes proposals; the others elect another and take others; then all come back.
pub(super) fn honest_reply(pick: &mut Pick, nth: u32) -> Case {
    let n = if nth.is_multiple_of(2) { 5 } else { 3 };
    let mut scenario = cluster(n, ms(5_500));
    let with = nth / 2 % 2; // one that stays with it, perhaps
    let all = cast(pick, n);
    let harm = if n == 5 && with == 1 {
        apart(vec![all[..2].to_vec(), all[2..].to_vec()])
    } else {
        Harm::Isolate { node: Who::Culprit }
    };
    let when = on(applies(), pick.small(1..=4), pick.micros(0..=40_000));
    scenario.faults.push(Fault::new(when, harm, Until::After(ms(pick.number(900..=2_000)))));
    let again = on(leads(), 2, ms(pick.number(0..=600)));
    let until = Until::After(ms(pick.number(500..=1_500)));
    scenario.faults.push(Fault::new(again, Harm::Isolate { node: Who::Culprit }, until));
    // everyone is asked, all the time: a node that thinks that it leads takes it
    for node in nodes(n) {
        let commands = (1..=20).map(|nth| command(node.0, nth)).collect();
        let mut client = raft::client(node.0, commands, ms(600), vec![node]);
        client.timeout = Some(ms(150));
        client.attempts = 1;
        client.accepts = None;
        client.think = ms(60);
        scenario.clients.push(client);
    }
    raft::case(scenario, vec![])
}

/// Some nodes are gone for good, as many as leave a majority. The others commit all that is proposed.
fn a_minority_never_returns(pick: &mut Pick, n: u32) -> Case {
    let mut scenario = cluster(n, ms(0));
    let all = cast(pick, n);
    let (gone, rest) = all.split_at((n / 2) as usize);
    let away = ms(pick.number(0..=2_500));
    for node in gone {
        let node = Who::Node(*node);
        let harm = match pick.percent(50) {
            true => Harm::Isolate { node },
            false => Harm::Crash { node, disk: DiskLoss::All },
        };
        scenario.faults.push(Fault::new(When::At(away), harm, Until::Never));
    }
    clients(&mut scenario, pick, n, 2, 6, ms(700));
    for client in &mut scenario.clients {
        client.think = ms(80);
    }
    let commands = proposed(&scenario);
    scenario.calm = Some((away + ms(1), Link::between(ms(1), ms(5))));
    // so many tries may go to nodes that are gone
    let by = away + ELECTION_MAX * 14 + ms(600) * n * 6;
    scenario.end = by + ms(10);
    raft::case(scenario, vec![Goal::Done { by, on: rest.to_vec(), commands }])
}

pub(super) fn failures(pick: &mut Pick, nth: u32) -> Case {
    let n = if nth.is_multiple_of(2) { 3 } else { 5 };
    let all = cast(pick, n);
    let away = ms(pick.number(500..=2_500));
    let back = ms(5_000);
    let mut scenario = cluster(n, ms(0));
    if nth % 3 == 1 {
        wrong_walls(pick, &mut scenario, n, back);
    }
    match nth / 2 % 4 {
        3 => return a_minority_never_returns(pick, n),
        // followers go
        0 => {
            for node in &all[..(n / 2) as usize] {
                scenario.faults.push(from_to(away, back, Harm::Isolate { node: Who::Node(*node) }));
            }
        }
        // leaders go
        1 => {
            let when = on(leads(), 1, ms(pick.number(100..=900)));
            let until = Until::After(ms(1_500));
            scenario.faults.push(Fault::new(when, Harm::Isolate { node: Who::Culprit }, until));
            let when = on(leads(), 2, ms(1_600));
            let until = Until::After(ms(1_000));
            scenario.faults.push(Fault::new(when, Harm::Isolate { node: Who::Culprit }, until));
        }
        // too many go, and nothing can be done for a while
        _ => {
            for node in &all[..(n / 2 + 1) as usize] {
                scenario.faults.push(from_to(away, back, Harm::Isolate { node: Who::Node(*node) }));
            }
        }
    }
    clients(&mut scenario, pick, n, 2, 6, ms(700));
    for client in &mut scenario.clients {
        client.think = ms(80);
    }
    let commands = proposed(&scenario);
    let goals = in_the_end(&mut scenario, n, back, commands);
    raft::case(scenario, goals)
}

/// A leader is alone for a while with what it has been told; another leads meanwhile, and is alone in its turn.
pub(super) fn rejoin(pick: &mut Pick, nth: u32) -> Case {
    let n = if nth.is_multiple_of(2) { 3 } else { 5 };
    let last = ms(6_000);
    let by = last + ELECTION_MAX * 10;
    let mut scenario = cluster(n, by + ms(10));
    let isolate = |nth: u32, after: Duration, lasts: Duration| {
        Fault::new(on(applies(), nth, after), Harm::Isolate { node: Who::Culprit }, Until::After(lasts))
    };
    let many = if nth % 4 == 3 {
        // The network is torn twice, at different places: a leader of a part that is too small is told more and more.
        let all = cast(pick, n);
        let (few, most) = all.split_at(2);
        let (part, other) = most.split_at(2);
        let rest = [few, other].concat();
        scenario.faults.push(from_to(ms(900), ms(2_400), apart(vec![few.to_vec(), most.to_vec()])));
        scenario.faults.push(from_to(ms(2_400), ms(3_900), apart(vec![part.to_vec(), rest])));
        40
    } else {
        scenario.faults.push(isolate(1, ms(pick.number(0..=5)), ms(pick.number(1_500..=2_500))));
        let when = on(leads(), 2, ms(pick.number(200..=800)));
        scenario.faults.push(Fault::new(when, Harm::Isolate { node: Who::Culprit }, Until::After(ms(1_500))));
        12
    };
    // each node is asked for things of its own, so that a node that is alone has some
    for node in nodes(n) {
        let commands = (1..=many).map(|nth| command(node.0, nth)).collect();
        let mut client = raft::client(node.0, commands, ms(500), vec![node]);
        client.timeout = Some(ms(250));
        client.attempts = 1;
        client.accepts = None;
        client.think = ms(100);
        scenario.clients.push(client);
    }
    // what is proposed when all is well again is done everywhere
    let final_command = Command::from("last");
    scenario.clients.push(raft::client(99, vec![final_command.clone()], last, nodes(n)));
    raft::case(scenario, vec![Goal::Done { by, on: nodes(n), commands: vec![final_command] }])
}

/// The log of one is another from a shared prefix on: entries of several terms that nobody else has.
pub(super) fn fast_backup(_pick: &mut Pick, _nth: u32) -> Case {
    let n1 = NodeId(1);
    let shared: u64 = 4_000;
    let one = |term: u64, index: u64, who: &str| entry(term, &format!("{who}{index}"));
    let prefix: Vec<_> = (1..=shared).map(|index| one(1, index, "p")).collect();
    // two followers: one has the prefix and 500 entries of four terms of its own, the other what the leader has
    let n2 = NodeId(2);
    let n3 = NodeId(3);
    let mut lost = Vec::new();
    for (nth, term) in [2, 4, 6, 8].into_iter().enumerate() {
        for index in 0..125 {
            lost.push(one(term, shared + 1 + nth as u64 * 125 + index, "l"));
        }
    }
    let mut kept = Vec::new();
    for (nth, term) in [3, 5, 7, 9].into_iter().enumerate() {
        for index in 0..125 {
            kept.push(one(term, shared + 1 + nth as u64 * 125 + index, "k"));
        }
    }
    let round_trip = 40;
    let feeder = NodeId(4);
    let fed = ms(10);
    let mut says = Vec::new();
    for node in [n1, n2, n3] {
        says.push((fed, node, append(1, (0, 0), prefix.clone(), shared)));
    }
    says.push((fed + ms(10), n1, append(9, (shared, 1), lost.clone(), shared)));
    for node in [n2, n3] {
        says.push((fed + ms(10), node, append(10, (shared, 1), kept.clone(), shared)));
    }
    let ready = ms(200);
    let by = ready + ELECTION_MAX * 10 + ms(3_000);
    let mut scenario = cluster(4, by + ms(100));
    scenario.nodes[3] = puppet(feeder, &Script { says, on_vote: OnVote::Grant, ..Script::default() });
    scenario.network = Link::fixed(ms(1));
    scenario.faults.push(from_to(ready, by + ms(100), everywhere(Link::fixed(ms(round_trip / 2)))));
    // n1 is away while the others elect one of theirs
    let back = ready + ELECTION_MAX * 10;
    let rule = |from, to| Harm::Cut { from, to };
    scenario.faults.push(from_to(ms(25), back, rule(vec![n1], nodes(4))));
    scenario.faults.push(from_to(ms(25), back, rule(nodes(4), vec![n1])));
    scenario.clients.push(raft::client(1, vec![Command::from("last")], back - ms(1_500), vec![n2, n3]));
    let missing: usize = kept.iter().map(|entry| lab::frame::encode(entry).len()).sum();
    let goals = vec![
        Goal::Done { by, on: vec![n1, n2, n3], commands: vec![Command::from("last")] },
        Goal::Few {
            since: back,
            by,
            messages: u64::MAX,
            bytes: 6 * missing as u64 + 20_000,
            about: "the entries that one follower lacked, a few thousand bytes, and the heartbeats meanwhile",
        },
    ];
    raft::case(scenario, goals)
}

pub(super) fn unreliable(pick: &mut Pick, _nth: u32) -> Case {
    let n = 5;
    let calm = ms(4_000);
    let mut scenario = cluster(n, ms(0));
    let link = bad_links(10, 5, 0, ms(1));
    scenario.faults.push(from_to(Duration::ZERO, calm, everywhere(link)));
    // two of three answers are late
    let answers = Matcher::typed(|message: &Message| matches!(message, Message::Appended { .. }));
    for _ in 0..6 {
        let from = ms(pick.number(500..=3_000));
        let harm = Harm::Hold {
            from: Some(NodeId(pick.small(1..=n))),
            to: None,
            nth: None,
            matches: Some(answers.clone()),
            what: None,
        };
        scenario.faults.push(from_to(from, from + ms(pick.number(200..=1_500)), harm));
    }
    clients(&mut scenario, pick, n, 5, 10, ms(500));
    let commands = proposed(&scenario);
    let goals = in_the_end(&mut scenario, n, calm + ms(1_000), commands);
    raft::case(scenario, goals)
}

pub(super) fn one_after_another(pick: &mut Pick, n: u32, size: usize) -> Scenario {
    let mut scenario = cluster(n, ELECTED + ms(3_500));
    scenario.network = Link::between(ms(1), ms(3));
    let commands = (1..=10).map(|nth| {
        let mut bytes = format!("{nth}.").into_bytes();
        bytes.resize(size.max(bytes.len()), b'x');
        Command(bytes)
    });
    scenario.clients.push(raft::client(1, commands.collect(), ELECTED, cast(pick, n)));
    scenario
}
pub(super) fn bytes(pick: &mut Pick, nth: u32) -> Case {
    let n = if nth.is_multiple_of(2) { 3 } else { 5 };
    let size = 5_000;
    let scenario = one_after_another(pick, n, size);
    let commands = proposed(&scenario);
    let bytes = 5 * u64::from(n - 1) * 10 * size as u64 / 2 + 50_000;
    let goals = vec![
        Goal::Done { by: ELECTED + ms(2_500), on: nodes(n), commands },
        Goal::Few {
            since: ELECTED,
            by: ELECTED + ms(2_500),
            messages: u64::MAX,
            bytes,
            about: "ten commands of 5,000 bytes",
        },
    ];
    raft::case(scenario, goals)
}
pub(super) fn messages(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 5, 1, 2][nth as usize % 4];
    let scenario = one_after_another(pick, n, 8);
    let commands = proposed(&scenario);
    // a follower may let a batch grow for some time before it syncs and acknowledges it
    let busy = ms(2_000);
    let beats = 1_000 / HEARTBEAT.as_millis() as u64;
    let idle = 5 * u64::from(n - 1) * beats / 2;
    let since = ELECTED + busy;
    let goals = vec![
        Goal::Done { by: since, on: nodes(n), commands },
        Goal::Few {
            since: ELECTED,
            by: since,
            messages: 6 * u64::from(n - 1) * 13 + 2 * idle,
            bytes: u64::MAX,
            about: "ten commands, one after another, and two seconds of heartbeats",
        },
        Goal::Few {
            since,
            by: since + ms(1_000),
            messages: idle,
            bytes: u64::MAX,
            about: "a second without commands",
        },
    ];
    raft::case(scenario, goals)
}

pub(super) fn as_good_as_new(pick: &mut Pick, nth: u32) -> Case {
    let n = if nth % 3 < 2 { 3 } else { 5 };
    let mut scenario = cluster(n, ms(0));
    let goals = match nth % 4 {
        3 => one_command(pick, &mut scenario, n),
        _ => {
            let well = a_bad_time(pick, &mut scenario, n, nth / 3);
            raft::epilogue(&mut scenario, pick, n, well, Away::CutOff)
        }
    };
    raft::case(scenario, goals)
}
