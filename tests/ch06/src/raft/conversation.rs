//! One node, and peers that tell it of a history that it cannot see: leaders of several terms, candidates with logs of any quality,
//! in any order, twice, and late. Every message could have been sent by a correct peer.

use super::{ELECTION_MAX, ELECTION_MIN, OnVote, Script, against, append, asks, cluster, puppet};
use judge::Pick;
use kit::interrogate::{Interrogation, Step};
use kit::{ms, us};
use lab::NodeId;
use lab::raft::{Command, Entry, Index, Message, Term};
use std::time::Duration;
use world::{DiskLoss, MakesScribe, Scenario};

use super::scribe::{ACKNOWLEDGED, ASKS_FOR_ENTRY, ASKS_FOR_VOTE, OWN_VOTE, VOTE, Votes};

/// A leader of the history.
struct Leader {
    term: Term,
    by: NodeId,
    /// Its log when its term ends.
    log: Vec<Entry>,
    /// How much of that it had when it began to lead.
    base: usize,
    /// How far it commits.
    commit: Index,
}

fn leaders(pick: &mut Pick, peers: &[NodeId]) -> Vec<Leader> {
    let mut term = 20 + pick.number(0..=9);
    let mut all: Vec<Leader> = Vec::new();
    let mut committed: Vec<Entry> = Vec::new();
    for nth in 0..pick.small(2..=5) {
        // what an earlier leader has committed, later ones have
        let logs: Vec<&Vec<Entry>> =
            all.iter().map(|leader| &leader.log).filter(|log| log.starts_with(&committed)).collect();
        let before = if logs.is_empty() { Vec::new() } else { (*pick.one(&logs)).clone() };
        let base = pick.number(committed.len() as u64..=before.len() as u64) as usize;
        let mut log = before[..base].to_vec();
        for own in 0..pick.small(1..=3) {
            let command = Command(format!("{nth}.{own}").into_bytes());
            log.push(Entry { term, command: Some(command) });
        }
        // it commits all that it has, or no more than those before it
        if pick.percent(40) {
            committed.clone_from(&log);
        }
        let commit = committed.len() as Index;
        all.push(Leader { term, by: *pick.one(peers), log, base, commit });
        term += pick.number(1..=4);
    }
    all
}
fn ends(log: &[Entry]) -> (Index, Term) {
    (log.len() as Index, log.last().map_or(0, |entry| entry.term))
}

/// What the leaders of a history say to the node, each a part of its log, and who else asks for its vote.
fn said(pick: &mut Pick, peers: &[NodeId], leaders: &[Leader]) -> Vec<(NodeId, Message)> {
    let mut said: Vec<(u64, NodeId, Message)> = Vec::new();
    for (nth, leader) in (0..).zip(leaders) {
        // mostly in the order of the terms, and sometimes not
        let mut say = |pick: &mut Pick, at: u64, by: NodeId, message: Message| {
            let late = if pick.percent(80) { 0 } else { pick.number(0..=25) };
            said.push((10 * nth + at + late, by, message));
        };
        let (index, term) = ends(&leader.log[..leader.base]);
        if pick.percent(50) {
            say(pick, 0, leader.by, asks(leader.term, index, term));
        }
        // its whole log from the beginning, or from where somebody else's ends
        let mut from = if pick.percent(60) { 0 } else { pick.number(0..=leader.base as u64) as usize };
        for at in 1..=pick.number(1..=4) {
            let to = (from + pick.number(0..=3) as usize).min(leader.log.len());
            let commit = *pick.one(&[0, leader.commit, leader.commit]);
            let entries = leader.log[from..to].to_vec();
            say(pick, at, leader.by, append(leader.term, ends(&leader.log[..from]), entries, commit));
            // it goes on where that ended, or begins anew
            from = if pick.percent(75) { to } else { pick.number(0..=leader.log.len() as u64) as usize };
        }
        let next = leaders.get(nth as usize + 1).map_or(leader.term + 3, |next| next.term);
        for term in leader.term + 1..next {
            // nobody leads this one: candidates of all kinds stand in it, the worst first
            let mut logs: Vec<(Index, Term)> = (0..pick.small(1..=2))
                .map(|_| {
                    let log = &pick.one(&leaders[..=nth as usize]).log;
                    ends(&log[..pick.number(0..=log.len() as u64) as usize])
                })
                .collect();
            logs.push(ends(&leader.log));
            logs.sort_by_key(|(index, term)| (*term, *index));
            let mut by = peers.to_vec();
            pick.shuffle(&mut by);
            for ((index, last_term), by) in logs.into_iter().zip(by) {
                say(pick, 6, by, asks(term, index, last_term));
            }
        }
    }
    said.sort_by_key(|(at, ..)| *at);
    said.into_iter().map(|(_, by, message)| (by, message)).collect()
}

/// A node alone with four peers that tell it such a history. The last of them is silent.
pub(crate) fn conversation(pick: &mut Pick) -> Scenario {
    let n1 = NodeId(1);
    let peers: Vec<NodeId> = (2..=4).map(NodeId).collect();
    let leaders = leaders(pick, &peers);
    // at once, or when the node has heard of nobody for long
    let mut at = if pick.percent(50) { ms(10) } else { ELECTION_MAX + ms(pick.number(0..=300)) };
    let mut scripts = vec![Script { on_vote: OnVote::Silent, ..Script::default() }; 4];
    for (by, message) in said(pick, &peers, &leaders) {
        let says = &mut scripts[by.0 as usize - 2].says;
        if pick.percent(30) {
            // twice, and the second time soon
            says.push((at + us(pick.number(50..=3_000)), n1, message.clone()));
        }
        says.push((at, n1, message));
        at += *pick.one(&[us(400), ms(3), ms(12), ms(30)]);
    }
    let mut scenario = against(scripts, at + ms(400));
    scenario.scribe = Some(MakesScribe(Votes::of));
    scenario
}

/// A cluster in which one peer has been silent from the beginning: dead, or cut off.
pub(crate) fn with_a_silent_peer(pick: &mut Pick) -> (Scenario, NodeId) {
    let n = pick.small(4..=5);
    let silent = NodeId(pick.small(1..=n));
    let mut scenario = cluster(n, ms(2_500));
    scenario.nodes[silent.0 as usize - 1] = puppet(silent, &Script::default());
    scenario.scribe = Some(MakesScribe(Votes::of));
    (scenario, silent)
}

/// What happens to a node after its `nth` promise, and what it is asked then.
pub(crate) fn about_all_promises(pick: &mut Pick, nth: u32, from: NodeId) -> Interrogation {
    let kinds = VOTE | OWN_VOTE | ACKNOWLEDGED;
    let soon = us(pick.number(1..=400));
    let after = if nth % 3 == 2 { soon } else { Duration::ZERO };
    let loss = if nth % 4 == 3 { DiskLoss::Drawn } else { DiskLoss::All };
    let ask_again = |waits: [Duration; 3]| {
        waits.into_iter().flat_map(|wait| [Step::Wait(wait), Step::Ask(ASKS_FOR_VOTE)])
    };
    let mut steps = vec![
        Step::Crash(loss),
        Step::Ask(ASKS_FOR_VOTE),
        // what it has kept, it keeps once more
        Step::Crash(loss),
        Step::Ask(ASKS_FOR_VOTE),
    ];
    // a node that has just started may keep to a leader for so long
    steps.extend(ask_again([ELECTION_MIN, ms(4), ms(14)]));
    steps.extend([Step::Ask(ASKS_FOR_ENTRY), Step::Crash(loss), Step::Ask(ASKS_FOR_ENTRY)]);
    Interrogation { kinds, nth, from, after, steps }
}
/// A node whose peers vote for it, and then are silent.
pub(crate) fn elected() -> Scenario {
    let grants = Script { on_vote: OnVote::Grant, ..Script::default() };
    let scripts = vec![grants.clone(), grants.clone(), grants, Script::default()];
    let mut scenario = against(scripts, ms(3_000));
    scenario.scribe = Some(MakesScribe(Votes::of));
    scenario
}
/// What a node is asked that does not crash, and that is alone since it has begun to lead: about its vote, again and again.
pub(crate) fn about_its_vote_for_long(after: Duration, from: NodeId) -> Interrogation {
    let ask = [Step::Ask(ASKS_FOR_VOTE), Step::Wait(ms(90))];
    let steps = std::iter::repeat_n(ask, 18).flatten().collect();
    Interrogation { kinds: OWN_VOTE, nth: 1, from, after, steps }
}
