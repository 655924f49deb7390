//! `handoff`: the runs. Every store is sloppy, and each key is written once.

use crate::quorum_store::worlds::{Draft, SOON, black_out};
use judge::{Case, Pick};
use kit::see::{self, Sight};
use kit::{ms, us};
use lab::NodeId;
use lab::quorum_store::{Key, QuorumStore, Request, Response, preference};
use world::{Carried, DiskLoss, Harm, SeenKind, Trigger, Until, When, Who};

/// Stores of three homes, as sloppy ones.
const STORES: [(u32, u32, u32); 6] = [(3, 2, 2), (3, 1, 2), (3, 2, 1), (3, 1, 1), (3, 1, 3), (3, 3, 1)];

/// Keys that have this home, and no other one of the key of the draft.
fn keys_at(draft: &Draft, home: NodeId, many: usize) -> Vec<Key> {
    let is_there = |key: &Key| {
        preference(*key, &draft.config.nodes).iter().take(draft.config.n as usize).any(|node| *node == home)
    };
    let others = (1..=200).map(Key).filter(|key| *key != draft.key && is_there(key));
    std::iter::once(draft.key).chain(others).take(many).collect()
}

/// Two sides that do not reach each other: on each of them, homes and stand-ins are enough, or they are not.
pub(super) fn sloppy(pick: &mut Pick, nth: u32) -> Case {
    let more = 2 + nth % 2;
    let mut draft = Draft::new(pick, STORES[(nth / 2) as usize % STORES.len()], more, true);
    let gone = draft.some_homes(pick, 1 + (nth / 12) as usize % 3);
    let mut there = gone.clone();
    // stand-ins may be out of reach, too: the first ones of the list
    let list = preference(draft.key, &draft.config.nodes);
    let silent = pick.small(0..=1) as usize;
    there.extend(list.iter().skip(draft.config.n as usize).take(silent));
    let here: Vec<NodeId> = draft.nodes().into_iter().filter(|node| !there.contains(node)).collect();
    let lasts = draft.config.give_up * 3;
    let is_crash = pick.percent(50);
    if is_crash {
        for &node in &there {
            draft.crash(ms(1), node, DiskLoss::All, Until::After(lasts));
        }
    } else {
        let groups = vec![here.clone(), there.clone()];
        draft.harm(ms(1), Harm::Partition { groups }, Until::After(lasts));
    }
    let both = !is_crash && pick.percent(50);
    let sides = if both { vec![here, there] } else { vec![here] };
    for side in sides {
        // each node that is no home stands in for one home that is not on this side
        let homes = side.iter().filter(|node| draft.homes.contains(node)).count();
        let enough = homes + (side.len() - homes).min(draft.homes.len() - homes) >= draft.quorum();
        let (node, other) = (*pick.one(&side), *pick.one(&side));
        let write = draft.put(ms(5), node);
        let read = draft.get(write.ended(SOON), other, false);
        let beside = draft.get(write.begun(), node, false);
        if !both {
            // what was stored is on the disks of w nodes
            for node in draft.nodes() {
                let peek = draft.peek(write.ended(SOON), node);
                draft.goals.audit.insert(peek.name);
            }
        }
        if enough {
            for step in [write, read, beside] {
                draft.must_succeed(step);
            }
        }
    }
    draft.judge()
}

/// How many effects of a home that is back, and how many messages that it sends, are followed by a crash.
const POINTS: u32 = 8;
/// A home misses writes, and comes back; meanwhile and then, nodes crash and messages are lost.
pub(super) fn handoff(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, STORES[(nth / 5) as usize % STORES.len()], 2, true);
    let away = draft.homes[0];
    let near: Vec<NodeId> = draft.nodes().into_iter().filter(|node| *node != away).collect();
    let point = nth / 5 % POINTS + 1;
    let keys = keys_at(&draft, away, 2);
    for key in &keys {
        let (at, node) = (pick.micros(5_000..=9_000), *pick.one(&near));
        let write = draft.put_to(at, node, *key);
        draft.must_succeed(write);
    }
    // by then the coordinators have done all that they do; nodes near lose what is in memory alone
    let done = ms(10) + draft.config.patience * 2 + draft.config.give_up;
    for &node in &near {
        draft.crash(done, node, DiskLoss::All, Until::After(ms(5)));
    }
    let back = done + draft.config.handoff * pick.small(1..=4);
    let mut by = back + draft.rounds();
    match nth % 5 {
        kind @ (0 | 1) => {
            draft.harm(ms(1), Harm::Isolate { node: Who::Node(away) }, Until::After(back - ms(1)));
            for key in &keys {
                draft.ask(back - ms(3), away, Request::Peek { key: *key });
            }
            if kind == 1 {
                // the first hand-overs are lost, and the first answers to them
                let lose = |from, to, nth| Harm::Lose {
                    from,
                    to,
                    nth: Some(nth),
                    matches: None,
                    what: Some(Carried::Message),
                };
                for nth in [1, 2] {
                    draft.harm(back - ms(2), lose(None, Some(away), nth), Until::Calm);
                }
                draft.harm(back - ms(2), lose(Some(away), None, 1), Until::Calm);
            }
        }
        2 => starts_late(&mut draft, away, back),
        // it crashes again while it takes things over
        3 => {
            starts_late(&mut draft, away, back);
            let effect = When::on(Trigger::Effect { node: away, nth: point.into() });
            draft.crash(effect, away, DiskLoss::All, Until::After(ms(5)));
            by += draft.config.handoff * 4;
        }
        // all others crash when it answers
        _ => {
            starts_late(&mut draft, away, back);
            let sends: Sight = Sight::of(SeenKind::Sent).at(away).nth(point);
            for &node in &near {
                draft.crash(sends.clone(), node, DiskLoss::All, Until::After(ms(5)));
            }
            by += draft.config.handoff * 4;
        }
    }
    draft.harm(by - us(100), Harm::Isolate { node: Who::Node(away) }, Until::Calm);
    for (place, key) in (0..).zip(keys) {
        let step = draft.ask(by + us(100) * place, away, Request::Peek { key });
        draft.goals.settled.insert(step.name);
    }
    draft.stage.end = by + draft.config.give_up;
    draft.judge()
}
/// The node is down until then.
fn starts_late(draft: &mut Draft, node: NodeId, at: std::time::Duration) {
    if let Some(spec) = draft.stage.nodes.iter_mut().find(|spec| spec.id == node) {
        spec.starts = When::At(at);
    }
}

/// Writes that are stored while homes are out of reach.
pub(super) fn no_loss(pick: &mut Pick, nth: u32) -> Case {
    let stores = STORES[(nth / 4) as usize % STORES.len()];
    match nth % 4 {
        0 => audit(pick, stores),
        1 => one_home_and_its_stand_in(pick),
        kind => later(pick, stores, kind == 2),
    }
}
/// All nodes crash when a write is stored, and are asked alone.
fn audit(pick: &mut Pick, stores: (u32, u32, u32)) -> Case {
    let more = pick.small(2..=3);
    let mut draft = Draft::new(pick, stores, more, true);
    let many = pick.small(1..=3) as usize;
    let gone = draft.some_homes(pick, many);
    let near: Vec<NodeId> = draft.nodes().into_iter().filter(|node| !gone.contains(node)).collect();
    let groups = vec![gone, near.clone()];
    draft.harm(ms(1), Harm::Partition { groups }, Until::Calm);
    let node = *pick.one(&near);
    draft.put(ms(5), node);
    let stored = see::answers::<QuorumStore>(|response| *response == Response::Stored);
    black_out(&mut draft, &stored);
    for (place, node) in (0..).zip(draft.nodes()) {
        let step = draft.peek(stored.clone().after(ms(30) + SOON * place), node);
        draft.goals.audit.insert(step.name);
    }
    draft.stage.end = draft.config.give_up * 2 + ms(200);
    draft.judge()
}
/// A home that was silent acknowledges a write after its stand-in has. Together they are one.
fn one_home_and_its_stand_in(pick: &mut Pick) -> Case {
    let mut draft = Draft::new(pick, (3, 2, 2), 1, true);
    let coordinator = draft.others[0];
    let list = preference(draft.key, &draft.config.nodes);
    let first = if pick.percent(60) { list[0] } else { *pick.one(&draft.homes) };
    let others = draft.homes_but(&[first]);
    let (soon, heals) = (draft.config.patience * 3 / 2, draft.config.give_up + ms(50));
    let groups = vec![vec![coordinator], vec![first], others.clone()];
    draft.harm(ms(1), Harm::Partition { groups }, Until::After(soon));
    draft.harm(
        ms(1),
        Harm::Partition { groups: vec![vec![coordinator, first], others.clone()] },
        Until::After(heals),
    );
    draft.put(ms(5), coordinator);
    let by = heals + draft.rounds();
    for (from, to) in [(first, others[0]), (first, others[1])] {
        draft.slow(by, from, to, ms(20), Until::After(ms(60)));
    }
    for node in others {
        let step = draft.get(by + ms(1), node, false);
        draft.goals.settled.insert(step.name);
        draft.must_succeed(step);
    }
    draft.stage.end = by + draft.config.give_up * 2;
    draft.judge()
}
/// When all nodes are back and the hints are handed over, the homes have what was stored.
fn later(pick: &mut Pick, stores: (u32, u32, u32), is_swarm: bool) -> Case {
    let mut draft = Draft::new(pick, stores, 2, true);
    let first = draft.homes[0];
    let keys = keys_at(&draft, first, 3);
    let heals = ms(10) + draft.config.patience * 2 + draft.config.give_up;
    if is_swarm {
        // the sides change
        let turn = heals / 3;
        for turns in 0..3 {
            let mut nodes = draft.nodes();
            pick.shuffle(&mut nodes);
            let there = nodes.split_off(3 - pick.small(0..=1) as usize);
            draft.harm(turn * turns, Harm::Partition { groups: vec![nodes, there] }, Until::After(turn));
        }
        for node in draft.nodes() {
            if pick.percent(40) {
                let at = pick.micros(1_000..=heals.as_micros() as u64 / 2);
                draft.crash(at, node, DiskLoss::All, Until::After(ms(5)));
            }
        }
    } else {
        let many = pick.small(1..=3) as usize;
        let gone = draft.some_homes(pick, many);
        let near: Vec<NodeId> = draft.nodes().into_iter().filter(|node| !gone.contains(node)).collect();
        draft.harm(ms(1), Harm::Partition { groups: vec![gone, near] }, Until::After(heals));
    }
    for key in &keys {
        let node = if is_swarm { draft.any(pick) } else { *pick.one(&draft.others) };
        let at = ms(5) + pick.micros(0..=if is_swarm { heals.as_micros() as u64 / 2 } else { 4_000 });
        draft.put_to(at, node, *key);
    }
    let calm = heals + draft.config.give_up;
    draft.stage.calm = Some((calm, world::Link::between(ms(1), ms(2))));
    let by = calm + draft.rounds();
    let is_read = draft.config.r + draft.config.w > draft.config.n;
    for (place, key) in (0..).zip(keys) {
        for node in draft.nodes() {
            let at = by + ms(1) * place;
            if is_read {
                let step = draft.ask(at, node, Request::Get { key, strong: false });
                draft.goals.settled.insert(step.name);
                draft.must_succeed(step);
            } else {
                let step = draft.ask(at, node, Request::Peek { key });
                draft.goals.somewhere.insert(step.name);
            }
        }
    }
    draft.stage.end = by + draft.config.give_up * 2;
    draft.judge()
}
