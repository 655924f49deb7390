//! `mutex`: the runs in which the promises are hard to keep.

use super::oracle::Turns;
use judge::{Case, Pick};
use kit::see::{self, Sight};
use kit::{Rules, Stage, in_order, ms, uneven};
use lab::NodeId;
use lab::mutex::{Event, Mutex, Request};
use std::time::Duration;
use world::{Harm, Until, When, Who};

fn acquires(node: NodeId) -> Sight {
    see::asked::<Mutex>(|request| *request == Request::Acquire).at(node)
}
fn releases(node: NodeId) -> Sight {
    see::asked::<Mutex>(|request| *request == Request::Release).at(node)
}
fn enters(node: NodeId) -> Sight {
    see::emits::<Mutex>(|event| *event == Event::Entered).at(node)
}
fn is_noted(node: NodeId, wanted: u32) -> Sight {
    see::emits::<Mutex>(move |event| matches!(event, Event::Noted { note, .. } if *note == wanted)).at(node)
}

/// A cluster of so many nodes, until the end.
fn cluster(n: u32, end: Duration) -> Stage<Mutex> {
    Stage::cluster(n, &(), end)
}
/// The node's client acquires, and releases when the node has been inside for so long.
fn visit(stage: &mut Stage<Mutex>, node: NodeId, when: impl Into<When>, hold: Duration) {
    stage.ask(when, node, Request::Acquire);
    let acquire = lab::frame::encode(&Request::Acquire);
    let visits =
        stage.client(node.0).operations.iter().filter(|asked| asked.request == acquire).count() as u32;
    stage.ask(enters(node).nth(visits).after(hold), node, Request::Release);
}
/// The node's client acquires at a time, and so often in all, so long after each visit: `hold` and `gap` in microseconds.
fn visits(pick: &mut Pick, stage: &mut Stage<Mutex>, node: NodeId, rounds: u32, [hold, gap]: [u64; 2]) {
    let first = pick.micros(5_000..=60_000);
    visit(stage, node, first, pick.micros(0..=hold));
    for nth in 1..rounds {
        let again = releases(node).nth(nth).after(pick.micros(0..=gap));
        visit(stage, node, again, pick.micros(0..=hold));
    }
}
/// What must never happen never does.
fn safe(stage: Stage<Mutex>) -> Case {
    Rules::of(Turns::default()).judge(stage)
}
/// The same, and nobody waits longer than this.
fn in_time(stage: Stage<Mutex>, bound: Duration) -> Case {
    Rules::of(Turns::within(bound)).judge(stage)
}

pub(super) fn progress(pick: &mut Pick, nth: u32) -> Case {
    let n = if nth == 1 { 1 } else { pick.small(2..=6) };
    let (delay_max, hold_max) = (ms(pick.number(2..=20)), ms(pick.number(1..=30)));
    // one node stands still for a while, and the others have to wait for it
    let stall = if nth % 4 == 3 { pick.millis(20..=300) } else { Duration::ZERO };
    let bound = (hold_max + delay_max * 4) * n + stall;
    let mut stage = cluster(n, bound * 8 + ms(1_000));
    stage.network = in_order(ms(1), delay_max);
    if !stall.is_zero() {
        let node = Who::Node(NodeId(pick.small(1..=n)));
        stage.harm(pick.micros(5_000..=120_000), Harm::Pause { node }, Until::After(stall));
    }
    let hold = hold_max.as_micros() as u64;
    for (place, node) in (0..).zip(stage.ids()) {
        if nth.is_multiple_of(4) {
            // one at a time, and nobody else wants to enter
            visit(&mut stage, node, ms(10) + bound * place, pick.micros(0..=hold));
        } else {
            visits(pick, &mut stage, node, 4, [hold, 3_000]);
        }
    }
    in_time(stage, bound)
}

/// Every node visits at random times.
fn crowd(pick: &mut Pick, stage: &mut Stage<Mutex>, rounds: u32, times: [u64; 2]) {
    stage.ids().into_iter().for_each(|node| visits(pick, stage, node, rounds, times));
}

pub(super) fn exclusion(pick: &mut Pick, nth: u32) -> Case {
    let mut stage = cluster(pick.small(2..=6), ms(60_000));
    if nth.is_multiple_of(2) {
        // one link stands still while two nodes or more want to enter
        stage.network = in_order(ms(1), ms(3));
        let cast = stage.cast(pick);
        let wanting = pick.small(2..=cast.len() as u32) as usize;
        for node in &cast[..wanting] {
            visit(&mut stage, *node, pick.micros(20_000..=24_000), ms(60));
        }
        let until = Until::After(ms(pick.number(50..=300)));
        stage.harm(pick.micros(15_000..=26_000), held(cast[0], cast[1], None), until);
    } else {
        stage.network = rough(pick);
        stage.network.fifo = true;
        let gap = *pick.one(&[1_000, 20_000, 100_000]);
        crowd(pick, &mut stage, 4, [40_000, gap]);
    }
    safe(stage)
}
fn rough(pick: &mut Pick) -> world::Link {
    uneven(ms(pick.number(2..=20)), ms(150), pick.small(5..=40))
}
/// Messages of one link wait: all of them, or the `nth`.
fn held(from: NodeId, to: NodeId, nth: Option<u32>) -> Harm {
    Harm::Hold { from: Some(from), to: Some(to), nth, matches: None, what: None }
}

pub(super) fn order(pick: &mut Pick, nth: u32) -> Case {
    let hops = pick.small(1..=2);
    let mut stage = cluster(3 + hops, ms(20_000));
    stage.network = in_order(ms(1), ms(3));
    let cast = stage.cast(pick);
    let (inside, first, second, via) = (cast[0], cast[1], cast[2], cast[3]);
    // the first has had more to do than the others: its clock is ahead of theirs
    for note in 1..=pick.small(4..=12) {
        stage.ask(ms(20) + pick.micros(0..=5_000), first, Request::Note { to: via, note: 100 + note });
    }
    if nth.is_multiple_of(3) {
        // The second visits. Meanwhile the first asks, which the second cannot hear of yet. But the last go-ahead for its visit
        // comes from a node that has: when the second asks again, the first is before it.
        stage.link(Some(second), Some(via), in_order(ms(20), ms(30)));
        visit(&mut stage, second, ms(40), pick.micros(0..=5_000));
        visit(&mut stage, first, acquires(second).after(pick.micros(6_000..=12_000)), ms(10));
        stage.harm(acquires(first), held(first, second, None), Until::After(ms(200)));
        visit(&mut stage, second, releases(second).after(pick.micros(0..=2_000)), ms(5));
        return safe(stage);
    }
    // what the first sends to the second takes its time
    stage.link(Some(first), Some(second), in_order(ms(150), ms(250)));
    // a node is inside until the second has asked, too
    stage.ask(ms(10), inside, Request::Acquire);
    stage.ask(acquires(second).after(ms(pick.number(5..=30))), inside, Request::Release);
    visit(&mut stage, first, enters(inside).after(ms(30)), ms(10));
    // the first asks, and then tells the second by way of others, which asks because of that
    let mut heard = acquires(first).after(pick.micros(0..=2_000));
    for note in 1..=hops {
        let (from, to) = (if note == 1 { first } else { cast[1 + note as usize] }, cast[2 + note as usize]);
        stage.ask(heard, from, Request::Note { to, note });
        heard = is_noted(to, note).after(pick.micros(0..=1_000));
    }
    stage.ask(heard, cast[2 + hops as usize], Request::Note { to: second, note: hops + 1 });
    visit(&mut stage, second, is_noted(second, hops + 1).after(pick.micros(0..=2_000)), ms(10));
    safe(stage)
}

pub(super) fn ties(pick: &mut Pick, nth: u32) -> Case {
    let mut stage = cluster(1 + nth % 7, ms(20_000));
    stage.network = in_order(ms(2), if nth < 7 { ms(2) } else { ms(pick.number(2..=15)) });
    for node in stage.ids() {
        for at in [ms(5), ms(5_000)] {
            visit(&mut stage, node, at, pick.micros(0..=20_000));
        }
    }
    // the bound is generous: what matters here is that every node enters at all
    in_time(stage, ms(4_000))
}

pub(super) fn unordered_links(pick: &mut Pick, nth: u32) -> Case {
    let mut stage = cluster(pick.small(3..=5), ms(60_000));
    if nth.is_multiple_of(3) {
        // the request of one node stays behind, and its later messages overtake it; the other's clock is ahead
        stage.network = world::Link::between(ms(1), ms(3));
        let cast = stage.cast(pick);
        let (early, late) = (cast[0], cast[1]);
        stage.harm(ms(1), held(early, late, Some(1)), Until::After(ms(400)));
        visit(&mut stage, early, ms(20), ms(60));
        for note in 1..=pick.small(4..=8) {
            stage.ask(ms(10), late, Request::Note { to: cast[2], note });
        }
        visit(&mut stage, late, ms(20) + pick.micros(0..=500), ms(60));
    } else {
        // a node that leaves asks again at once: the new request can overtake the old release
        stage.network = rough(pick);
        let gap = *pick.one(&[0, 1_000, 20_000]);
        crowd(pick, &mut stage, 5, [30_000, gap]);
    }
    safe(stage)
}

pub(super) fn cost(pick: &mut Pick, nth: u32) -> Case {
    let mut stage = cluster(2 + nth % 8, ms(30_000));
    stage.network = in_order(ms(1), ms(10));
    for node in stage.ids() {
        visit(&mut stage, node, ms(1_000) + pick.micros(0..=20_000), ms(2));
        visit(&mut stage, node, releases(node).after(pick.micros(0..=20_000)), ms(2));
        visit(&mut stage, node, ms(10_000 + 1_000 * u64::from(node.0)), ms(2));
    }
    Rules::of(Turns::frugal()).judge(stage)
}
