//! `raft_persist`: the runs in which the promises are hard to keep.

use crate::raft::{self, *};
use judge::{Case, Pick};
use kit::interrogate::interrogate;
use kit::ms;
use kit::subsets::{choose, subset};
use lab::NodeId;
use lab::raft::{Config, Message};
use std::time::Duration;
use world::{DiskLoss, Fault, Harm, Pattern, SeenKind, Trigger, Until, When, Who};

/// How long a node that crashes is down, at least.
pub(super) const DOWN: Duration = ms(30);

pub(super) fn comes_back(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 5, 1, 2][(nth % 4) as usize];
    let mut scenario = cluster(n, ms(0));
    let all = cast(pick, n);
    let first = ms(pick.number(700..=1_500));
    let well = ms(4_500);
    match nth / 4 % 3 {
        // all at once
        0 => {
            for node in &all {
                scenario.faults.push(crash(
                    Who::Node(*node),
                    When::At(first),
                    ms(pick.number(50..=500)),
                    DiskLoss::Drawn,
                ));
            }
        }
        // who leads, twice
        1 => {
            for nth in 1..=2 {
                let when = on(leads(), nth, ms(pick.number(200..=900)));
                scenario.faults.push(crash(Who::Culprit, when, ms(pick.number(500..=1_200)), DiskLoss::All));
            }
        }
        // one after another
        _ => {
            for (nth, node) in (0..).zip(&all) {
                let at = first + ms(500) * nth;
                scenario.faults.push(crash(Who::Node(*node), When::At(at), ms(400), DiskLoss::All));
            }
        }
    }
    clients(&mut scenario, pick, n, 2, 5, ms(600));
    let goals = in_the_end(&mut scenario, n, well, vec![]);
    raft::goals_only(scenario, goals)
}

/// Worlds in which a node crashes as it votes; and worlds in which it has voted and hears of a later term, with a crash after each of its
/// effects, some times over: what was not synced may be kept.
pub(super) const VOTES: u32 = 64;
pub(super) const LATER_TERMS: u32 = 8 * EFFECTS_OF_TWO_TERMS;
const EFFECTS_OF_TWO_TERMS: u32 = 14;

/// A node votes, hears of a later term, and crashes after some effect. Of what it was about to write, the disk has kept any part. Then
/// another candidate asks it in the term in which it has voted.
fn vote_then_term(pick: &mut Pick, effect: u32) -> Case {
    let n1 = NodeId(1);
    let (term, begin) = (100 + pick.number(0..=9), ms(30));
    let up = pick.number(1..=3);
    let later = match pick.percent(50) {
        true => append(term + up, (0, 0), vec![], 0),
        false => asks(term + up, 0, 0),
    };
    let second = Script {
        says: vec![(begin, n1, asks(term, 0, 0)), (begin + ms(20), n1, later)],
        ..Script::default()
    };
    let asks = |at| (begin + ms(at), n1, asks(term, 0, 0));
    let third = Script { says: vec![asks(80), asks(95)], ..Script::default() };
    let mut scenario = against(vec![second, third], begin + ms(110));
    scenario.faults.push(crash_after(n1, u64::from(effect), DOWN, DiskLoss::Drawn));
    raft::case(scenario, vec![])
}

/// A node is asked for its vote, crashes after some effect of its answer, and is asked by another in that term.
pub(super) fn vote_survives(pick: &mut Pick, nth: u32) -> Case {
    if let Some(effect) = nth.checked_sub(VOTES) {
        return vote_then_term(pick, effect % EFFECTS_OF_TWO_TERMS + 2);
    }
    let n1 = NodeId(1);
    // before it has stood itself, or after
    let begin = if nth.is_multiple_of(2) { ms(30) } else { ELECTION_MAX * 2 };
    let term = 100 + pick.number(0..=9);
    let asked = |at: Duration, term| (at, n1, asks(term, 0, 0));
    let loss = *pick.one(&[DiskLoss::All, DiskLoss::Drawn]);
    if nth % 8 == 7 {
        // it stands itself, and crashes as it asks; another asks it in that term
        let rival = Script { on_vote: OnVote::Stand(DOWN + ms(10)), ..Script::default() };
        let mut scenario = against(vec![rival.clone(), rival], ELECTION_MAX + ms(100));
        let questions = sends(|message| matches!(message, Message::RequestVote { pre_vote: false, .. }));
        scenario.faults.push(crash(
            Who::Node(n1),
            on(questions.at(n1), nth / 8 % 2 + 1, Duration::ZERO),
            DOWN,
            loss,
        ));
        return raft::case(scenario, vec![]);
    }
    let again = begin + ms(60);
    let second = Script { says: vec![asked(begin, term), asked(again + ms(10), term)], ..Script::default() };
    let third = Script { says: vec![asked(again, term), asked(again + ms(20), term)], ..Script::default() };
    let mut scenario = against(vec![second, third], again + ms(60));
    let votes = sends(|message| matches!(message, Message::Vote { granted: true, pre_vote: false, .. }));
    let when = match nth % 8 {
        // its first effects, one after the other
        0 | 2 | 4 => {
            let effect = u64::from(nth / 8 * 3 + nth % 8 / 2) + 1;
            When::On { trigger: Trigger::Effect { node: n1, nth: effect }, nth: 1, after: Duration::ZERO }
        }
        // when its vote has left, or soon after
        1 | 6 => on(votes, 1, Duration::ZERO),
        3 => on(votes, 1, pick.micros(1..=20_000)),
        _ => on(Pattern::of(SeenKind::Delivered).at(n1), pick.small(1..=2), pick.micros(1..=400)),
    };
    scenario.faults.push(crash(Who::Node(n1), when, DOWN, loss));
    raft::case(scenario, vec![])
}

/// A node hears of a term, crashes after some effect, and hears of a term long before. Should nobody have been told, it may
/// lead one of those between: none that another led.
pub(super) fn term_survives(pick: &mut Pick, nth: u32) -> Case {
    let n1 = NodeId(1);
    let term = 40 + pick.number(0..=9);
    let begin = ms(30);
    let higher = match nth % 3 {
        0 => append(term, (0, 0), vec![], 0),
        1 => append(term, (0, 0), vec![entry(term, "a")], 0),
        _ => asks(term, 0, 0),
    };
    let speaker = Script {
        says: vec![(begin, n1, higher), (begin + ms(120), n1, append(term - 10, (0, 0), vec![], 0))],
        on_append: OnAppend::Take,
        ..Script::default()
    };
    let grants = Script { on_vote: OnVote::Grant, ..Script::default() };
    let mut scenario = against(vec![speaker, grants], ms(2_500));
    let answers = sends(|message| {
        matches!(message, Message::Appended { .. } | Message::Vote { .. } | Message::RequestVote { .. })
    });
    // after one of its first effects, or after one of its first answers
    let fault = match nth / 3 % 2 {
        0 => crash_after(n1, u64::from(nth / 6) + 1, DOWN, DiskLoss::All),
        _ => {
            let after = if pick.percent(50) { Duration::ZERO } else { pick.micros(1..=400) };
            crash(Who::Node(n1), on(answers.at(n1), pick.small(1..=4), after), DOWN, DiskLoss::All)
        }
    };
    scenario.faults.push(fault);
    raft::case(scenario, vec![])
}

pub(super) fn acknowledged_survive(pick: &mut Pick, nth: u32) -> Case {
    let n = if nth.is_multiple_of(2) { 3 } else { 5 };
    let mut scenario = cluster(n, ms(0));
    let all = cast(pick, n);
    let well = ms(3_200);
    let loss = *pick.one(&[DiskLoss::All, DiskLoss::Drawn]);
    // as somebody does what was committed
    let when = || on(applies(), 1 + nth / 2 % 5, Duration::ZERO);
    match nth / 2 % 4 {
        0 => {
            for node in &all {
                scenario.faults.push(crash(Who::Node(*node), when(), DOWN, loss));
            }
        }
        1 => scenario.faults.push(crash(Who::Culprit, when(), ms(pick.number(30..=1_500)), loss)),
        // a majority of those who acknowledged it, and the leader stays away
        2 => {
            scenario.faults.push(Fault::new(
                when(),
                Harm::Isolate { node: Who::Culprit },
                Until::After(ms(1_500)),
            ));
            for node in &all[..(n / 2 + 1) as usize] {
                let after = on(applies(), 1 + nth / 2 % 5, pick.micros(1..=3_000));
                scenario.faults.push(crash(Who::Node(*node), after, DOWN, loss));
            }
        }
        _ => {
            for (nth, node) in (0..).zip(&all) {
                let at = ms(700) + ms(250) * nth + pick.micros(0..=200_000);
                scenario.faults.push(crash(Who::Node(*node), When::At(at), DOWN, loss));
            }
        }
    }
    clients(&mut scenario, pick, n, 2, 8, ms(600));
    let goals = in_the_end(&mut scenario, n, well, vec![]);
    raft::case(scenario, goals)
}

/// The leader and one other commit; the leader loses what it had not synced, and leads on, or votes, with the third.
pub(super) fn own_copy(pick: &mut Pick, nth: u32) -> Case {
    let n = 3;
    let mut scenario = cluster(n, ms(0));
    for spec in &mut scenario.nodes {
        // a slow disk: others may be done first
        spec.sync = (ms(pick.number(5..=30)), ms(pick.number(30..=60)));
    }
    let all = cast(pick, n);
    let away = all[0];
    let later = all[1];
    let well = ms(5_000);
    // one is away, so that leader and the other are the majority
    scenario.faults.push(from_to(ms(0), ms(2_500), Harm::Isolate { node: Who::Node(away) }));
    // as the client hears of it, who leads crashes; then the one who has it is away, and the other two are the majority
    let first_to_apply = [1, 1, 3, 5][nth as usize % 4];
    let answered = |after| on(applies(), first_to_apply, after);
    scenario.faults.push(crash(Who::Culprit, answered(pick.micros(1..=2_000)), DOWN, DiskLoss::All));
    scenario.faults.push(Fault::new(
        answered(ms(pick.number(0..=3))),
        Harm::Isolate { node: Who::Node(later) },
        Until::After(ms(3_000)),
    ));
    clients(&mut scenario, pick, n, 1, 8, ms(600));
    let goals = in_the_end(&mut scenario, n, well, vec![]);
    raft::case(scenario, goals)
}

/// A crash right after the `nth` effect of a node, and a new start `down` later.
pub(super) fn crash_after(node: NodeId, nth: u64, down: Duration, loss: DiskLoss) -> Fault {
    let when = When::On { trigger: Trigger::Effect { node, nth }, nth: 1, after: Duration::ZERO };
    crash(Who::Node(node), when, down, loss)
}

/// An election and two commands take no node more effects than this.
pub(super) const EFFECTS_EACH: u32 = 24;
pub(super) const EFFECTS: u32 = 3 * EFFECTS_EACH;
/// A crash after each of them, and after each two of them.
pub(super) const PAIRS: u32 = EFFECTS + choose(EFFECTS, 2);
/// A longer run, a crash after each of so many effects of each node, and another some time later.
pub(super) const LATER_EACH: u32 = 64;
/// A follower whose log is cut by a new leader, a crash after each of its first effects.
pub(super) const CUTS: u32 = 16;
pub(super) const CRASH_POINTS: u32 = CUTS + PAIRS + 3 * LATER_EACH;

pub(super) fn crash_points(pick: &mut Pick, nth: u32) -> Case {
    let n = 3;
    let loss = *pick.one(&[DiskLoss::All, DiskLoss::Drawn]);
    let Some(nth) = nth.checked_sub(CUTS) else { return crash_while_cutting(nth) };
    let Some(nth) = nth.checked_sub(PAIRS) else { return crash_pairs(nth, loss) };
    let mut scenario = cluster(n, ms(2_500));
    scenario.network = world::Link::between(ms(1), ms(3));
    let first = u64::from(nth / n) + 1;
    scenario.faults.push(crash_after(NodeId(nth % n + 1), first, DOWN, loss));
    // and another, of any node, from there on
    let second = first + pick.number(1..=60);
    let down = ms(pick.number(30..=600));
    scenario.faults.push(crash_after(NodeId(pick.small(1..=n)), second, down, loss));
    clients(&mut scenario, pick, n, 1, 4, ms(450));
    raft::case(scenario, vec![])
}
/// One leader sends three entries; the next has another second one, and no third, and sends it twice, with a crash before the second
/// time and after it. A third leader, which has that log, asks for it: whenever the follower had acknowledged it, it has it still.
pub(super) fn crash_while_cutting(nth: u32) -> Case {
    let n1 = NodeId(1);
    let first = append(20, (0, 0), vec![entry(20, "a"), entry(20, "b"), entry(20, "c")], 0);
    let second = append(21, (0, 0), vec![entry(20, "a"), entry(21, "x")], 0);
    let whole = append(25, (2, 21), vec![], 2);
    let says = |says| Script { says, ..Script::default() };
    let leads = says(vec![(ms(10), n1, first)]);
    let follows = says(vec![(ms(20), n1, second.clone()), (ms(90), n1, second), (ms(180), n1, whole)]);
    let mut scenario = against(vec![leads, follows], ms(200));
    scenario.faults.push(crash_after(n1, u64::from(nth) + 2, DOWN, DiskLoss::All));
    scenario.faults.push(crash(Who::Node(n1), When::At(ms(120)), DOWN, DiskLoss::All));
    raft::case(scenario, vec![])
}

/// The first to stand is n1, for it is there first. It is told two commands as soon as it leads.
pub(super) fn crash_pairs(nth: u32, loss: DiskLoss) -> Case {
    let n = 3;
    let mut scenario = cluster(n, ms(1_500));
    let config = Config { heartbeat: HEARTBEAT * 2, ..config(n) };
    for spec in &mut scenario.nodes {
        spec.config = lab::frame::encode(&config);
    }
    scenario.network = world::Link::between(ms(1), ms(2));
    for node in [NodeId(2), NodeId(3)] {
        scenario.faults.push(crash(Who::Node(node), When::At(Duration::from_micros(1)), ms(220), loss));
    }
    for id in 1..=2 {
        let to = vec![NodeId(1), NodeId(2), NodeId(3)];
        let mut client = raft::client(id, vec![command(id, 1)], ms(0), to);
        client.operations[0].at = Some(on(leads(), 1, ms(4) * id));
        client.timeout = Some(ms(250));
        scenario.clients.push(client);
    }
    let chosen = match nth.checked_sub(EFFECTS) {
        None => vec![nth],
        Some(pair) => subset(EFFECTS, 2, pair),
    };
    for effect in chosen {
        scenario.faults.push(crash_after(NodeId(effect % n + 1), u64::from(effect / n) + 1, DOWN, loss));
    }
    raft::case(scenario, vec![])
}

/// A follower that crashes as it writes what its leader sent. When it is back, the leader asks for where it left off.
pub(super) fn torn_tail(pick: &mut Pick, nth: u32) -> Case {
    let n = 3;
    let mut scenario = cluster(n, ms(0));
    for spec in &mut scenario.nodes {
        spec.sync = (ms(2), ms(6));
    }
    let node = NodeId(pick.small(1..=n));
    let when = on(Pattern::of(SeenKind::Syncing).at(node), 2 + nth % 8, pick.micros(0..=1_900));
    let loss = DiskLoss::TornAfter { bytes: (nth / 8) as usize };
    scenario.faults.push(crash(Who::Node(node), when, ms(pick.number(30..=900)), loss));
    clients(&mut scenario, pick, n, 2, 6, ms(600));
    let commands = proposed(&scenario);
    let goals = in_the_end(&mut scenario, n, ms(3_000), commands);
    raft::case(scenario, goals)
}

/// Forty rounds, and a thousand in all worlds together: somebody proposes; as soon as the leader has told one other of it, or a little later, it is gone.
pub(super) fn figure_8_unreliable(pick: &mut Pick, nth: u32) -> Case {
    let n = 5;
    let mut scenario = cluster(n, ms(0));
    let well = ms(20_000);
    if nth.is_multiple_of(2) {
        // half of all messages take long
        let link = bad_links(5, 0, 50, ms(1_000));
        scenario.faults.push(from_to(ms(6_000), well, everywhere(link)));
    }
    let entries: fn(&Message) -> bool =
        |message| matches!(message, Message::AppendEntries { entries, .. } if !entries.is_empty());
    let mut sent = 0;
    for _ in 0..40 {
        sent += pick.small(1..=12);
        let when = on(sends(entries), sent, pick.micros(0..=8_000));
        let lasts = ms(pick.number(100..=1_500));
        scenario.faults.push(match pick.percent(60) {
            true => crash(Who::Culprit, when, lasts, DiskLoss::All),
            false => Fault::new(when, Harm::Isolate { node: Who::Culprit }, Until::After(lasts)),
        });
    }
    for node in nodes(n) {
        let commands = (1..=40).map(|nth| command(node.0, nth)).collect();
        let mut client = raft::client(node.0, commands, ms(500), vec![node]);
        (client.timeout, client.attempts, client.accepts, client.think) = (Some(ms(300)), 1, None, ms(60));
        scenario.clients.push(client);
    }
    let goals = in_the_end(&mut scenario, n, well, vec![]);
    raft::case(scenario, goals)
}

pub(super) fn churn(pick: &mut Pick, nth: u32) -> Case {
    let n = 5;
    let mut scenario = cluster(n, ms(0));
    let well = ms(10_000);
    let late = if nth.is_multiple_of(2) { 0 } else { 20 };
    let link = bad_links(if late > 0 { 10 } else { 0 }, 5, late, ms(500));
    scenario.faults.push(from_to(Duration::ZERO, well, everywhere(link)));
    for round in 0..20_u32 {
        let at = ms(450) * round + ms(700) + pick.micros(0..=300_000);
        let node = NodeId(pick.small(1..=n));
        let lasts = ms(pick.number(30..=700));
        if pick.percent(60) {
            let loss = *pick.one(&[DiskLoss::All, DiskLoss::Drawn]);
            scenario.faults.push(crash(Who::Node(node), When::At(at), lasts, loss));
        } else {
            scenario.faults.push(from_to(at, at + lasts, Harm::Isolate { node: Who::Node(node) }));
        }
        // who begins to lead is lucky to do so for long
        let when = on(leads(), round + 1, ms(pick.number(20..=500)));
        scenario.faults.push(crash(Who::Culprit, when, ms(pick.number(100..=600)), DiskLoss::All));
    }
    clients(&mut scenario, pick, n, 3, 20, ms(500));
    let goals = in_the_end(&mut scenario, n, well, vec![]);
    raft::case(scenario, goals)
}

/// In so many conversations, and in so many clusters, a node is asked after each of its first promises.
pub(super) const CONVERSATIONS: u32 = 48;
pub(super) const CLUSTERS: u32 = 8;
pub(super) const PROMISES: u32 = 12;

/// A node makes a promise, crashes, comes back alone, and is asked about all promises that are still in force.
pub(super) fn promises_survive(pick: &mut Pick, _nth: u32) -> Case {
    let point = pick.point();
    if pick.run() < CONVERSATIONS {
        let silent = NodeId(5);
        let is_elected = pick.run() % 16 == 15;
        let mut scenario = if is_elected { elected() } else { conversation(pick) };
        let interrogation = match is_elected {
            true => about_its_vote_for_long(ms(30) + ms(8) * point, silent),
            false => about_all_promises(pick, point, silent),
        };
        interrogate(&mut scenario, &interrogation);
        return raft::case(scenario, vec![]);
    }
    let (mut scenario, silent) = with_a_silent_peer(pick);
    let n = scenario.nodes.len() as u32;
    let late = ms(pick.number(5..=60));
    scenario.network = bad_links(pick.small(0..=8), pick.small(0..=20), pick.small(0..=20), late);
    clients(&mut scenario, pick, n, 2, 4, ms(500));
    for operation in scenario.clients.iter_mut().flat_map(|client| &mut client.operations) {
        operation.to.retain(|node| *node != silent);
    }
    // the first ones, and from then on every fourth
    let nth = if point <= 6 { point } else { 6 + (point - 6) * 4 };
    let interrogation = about_all_promises(pick, nth, silent);
    interrogate(&mut scenario, &interrogation);
    raft::case(scenario, vec![])
}

pub(super) fn as_good_as_new(pick: &mut Pick, nth: u32) -> Case {
    let n = if nth % 3 < 2 { 3 } else { 5 };
    let mut scenario = cluster(n, ms(0));
    let goals = match nth % 5 {
        4 => one_command(pick, &mut scenario, n),
        place => {
            let well = a_bad_time(pick, &mut scenario, n, place);
            raft::epilogue(&mut scenario, pick, n, well, Away::CrashedOrCutOff)
        }
    };
    raft::case(scenario, goals)
}
