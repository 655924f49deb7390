//! `membership`: the runs. Times are counted in intervals: a run of several hundred of them is long enough for what it shows.
//!
//! In every run walls lie and stopwatches drift. Names tell nothing, and any node may be a seed.

use super::load::Load;
use super::oracle::{Bounds, Views};
use judge::{Case, Pick};
use kit::{Rules, Stage, clocks, ms};
use lab::NodeId;
use lab::membership::{Config, Member};
use std::time::Duration;
use world::{Chance, DiskLoss, Fault, Harm, Link, NodeSpec, Until, When, Who};

/// So many intervals are a `detect`.
const DETECT: u32 = 80;
/// A fault that lasts for so many intervals makes others let a node go.
const LONG: u32 = 60;
/// So many intervals after the last bound, views must still be right.
const AFTER: u32 = 6;
/// Most runs are over when views have been right for so many intervals, if nothing more will happen.
const CALM: u32 = 12;
/// So many intervals after a fault, the node that came back crashes.
const RETURNED: u32 = 40;

/// A run that is being made.
struct Draft {
    stage: Stage<Member>,
    interval: Duration,
    /// All nodes, in a drawn order; the first two are the seeds.
    cast: Vec<NodeId>,
    bounds: Bounds,
    load: Option<Load>,
}
impl Draft {
    /// So many nodes, which start in the first interval.
    fn new(pick: &mut Pick, n: u32) -> Draft {
        let mut cast: Vec<NodeId> = (1..=n).map(NodeId).collect();
        pick.shuffle(&mut cast);
        let interval = ms(*pick.one(&[50, 60, 80]));
        let calm = (!pick.percent(8)).then_some(interval * CALM);
        let detect = interval * DETECT;
        let config = Config { seeds: cast[..2].to_vec(), interval, detect };
        let nodes = (1..=n).map(|id| {
            let starts = When::At(pick.micros(0..=interval.as_micros() as u64));
            let mut node = NodeSpec::guest::<Member>(NodeId(id), &config).starting(starts);
            node.peers = Some(Vec::new());
            clocks::wrong(pick, &mut node);
            node
        });
        let nodes = nodes.collect();
        let mut stage = Stage::with(nodes, Duration::ZERO);
        stage.network = Link { fifo: pick.percent(50), ..Link::between(ms(1), ms(pick.number(1..=3))) };
        for node in &cast {
            clocks::unsteady(pick, &mut stage, *node);
        }
        Draft { stage, interval, cast, bounds: Bounds { detect, faults: 2, calm }, load: None }
    }
    fn intervals(&self, n: u32) -> Duration {
        self.interval * n
    }
    /// A time among these intervals.
    fn within(&self, pick: &mut Pick, from: u32, to: u32) -> Duration {
        let us = |n: u32| self.intervals(n).as_micros() as u64;
        pick.micros(us(from)..=us(to))
    }
    /// When views are due, so many `detect` after something happens, with a stopwatch that loses one percent.
    fn due(&self, at: Duration, detects: u32) -> Duration {
        at + self.bounds.detect * detects * 101 / 100 + self.interval
    }
    fn harm(&mut self, from: Duration, harm: Harm, until: Until) {
        self.stage.faults.push(Fault::new(When::At(from), harm, until));
    }
    fn crash(&mut self, pick: &mut Pick, node: NodeId, at: Duration, until: Until) {
        let disk = *pick.one(&[DiskLoss::All, DiskLoss::Drawn]);
        self.harm(at, Harm::Crash { node: Who::Node(node), disk }, until);
    }
    /// The first messages of a link from then on wait, as long as this.
    fn hold_first(&mut self, [from, to]: [NodeId; 2], at: Duration, many: u32, lasts: Duration) {
        for nth in 1..=many {
            let harm =
                Harm::Hold { from: Some(from), to: Some(to), nth: Some(nth), matches: None, what: None };
            self.harm(at, harm, Until::After(lasts));
        }
    }
    fn case(mut self, end: Duration) -> Case {
        self.stage.end = end + self.intervals(AFTER);
        let rules = Rules::of(Views::new(self.bounds));
        match self.load {
            Some(load) => rules.and(load).judge(self.stage),
            None => rules.judge(self.stage),
        }
    }
    /// The end of runs in which nodes come back after that time. Either they must be back in time, or they crash for good once
    /// they had time to come back.
    fn case_of_return(mut self, pick: &mut Pick, at: Duration, nodes: &[NodeId], crash: bool) -> Case {
        let end = self.due(at, 2);
        if crash {
            let at = at + self.within(pick, RETURNED, RETURNED + 10);
            for node in nodes {
                self.crash(pick, *node, at, Until::Never);
            }
        }
        self.case(end)
    }
}

fn pick_of<T>(of: &[T], nth: u32) -> &T {
    &of[nth as usize % of.len()]
}

pub(super) fn join(pick: &mut Pick, nth: u32) -> Case {
    const SPREAD: u32 = 60;
    let mut draft = Draft::new(pick, *pick_of(&[3, 4, 5, 4, 3, 5, 4, 5, 5, 12, 3, 4, 5, 4, 6, 5], nth));
    draft.bounds.faults = 1;
    let mut last = Duration::ZERO;
    for place in 0..draft.stage.nodes.len() {
        let at = draft.within(pick, 0, SPREAD);
        draft.stage.nodes[place].starts = When::At(at);
        last = last.max(at);
    }
    let end = draft.due(last, 1);
    let seed = draft.cast[(nth / 3 % 2) as usize];
    let place = draft.stage.nodes.iter().position(|node| node.id == seed).expect("a seed is a node");
    match nth % 3 {
        0 => {}
        1 => draft.stage.nodes[place].starts = When::At(end * 2),
        _ => {
            draft.stage.nodes[place].starts = When::At(draft.within(pick, 0, 10));
            let at = draft.within(pick, 15, 25);
            draft.crash(pick, seed, at, Until::Never);
        }
    }
    let loses = Harm::Worse {
        from: None,
        to: None,
        loss: Chance::percent(10),
        duplication: Chance::percent(pick.small(0..=5)),
        corruption: Chance::NEVER,
        late: Duration::ZERO,
    };
    draft.harm(Duration::ZERO, loses, Until::After(last));
    draft.case(end)
}

pub(super) fn crash(pick: &mut Pick, nth: u32) -> Case {
    let n = *pick_of(&[5, 6, 5, 5, 12, 5], nth / 3);
    let mut draft = Draft::new(pick, n);
    draft.bounds.faults = 1;
    let at = draft.within(pick, 20, 35);
    let mut dying = draft.cast.clone();
    match nth % 3 {
        0 => {
            // one, several, or all but two at once
            pick.shuffle(&mut dying);
            let many = *pick.one(&[1, 2, n as usize - 2, n as usize - 2]);
            for node in &dying[..many] {
                draft.crash(pick, *node, at, Until::Never);
            }
            let end = draft.due(at, 1);
            draft.case(end)
        }
        1 => {
            // both seeds, and those that are left must find out about a third death without them
            let (first, second, third) = (dying[0], dying[1], dying[2]);
            draft.crash(pick, first, at, Until::Never);
            let second_at = at + draft.within(pick, 0, 10);
            draft.crash(pick, second, second_at, Until::Never);
            let third_at = second_at + draft.within(pick, 50, 55);
            draft.crash(pick, third, third_at, Until::Never);
            let end = draft.due(third_at, 1);
            draft.case(end)
        }
        _ => {
            // what the dead wrote, and what was written of them, arrives when they are long gone
            pick.shuffle(&mut dying);
            let (dead, others) = (dying[0], &dying[1..]);
            let late = draft.intervals(DETECT * 5 / 4);
            let harm = Harm::Hold { from: Some(dead), to: None, nth: None, matches: None, what: None };
            draft.harm(at - draft.intervals(2), harm, Until::After(late));
            for link in others.windows(2).take(3) {
                let from = at - draft.within(pick, 0, 6);
                draft.hold_first([link[0], link[1]], from, 4, late);
            }
            draft.crash(pick, dead, at, Until::Never);
            let end = draft.due(at + late, 1);
            draft.case(end)
        }
    }
}

pub(super) fn steady(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, *pick_of(&[3, 4, 5, 4, 6], nth));
    let at = if nth % 4 == 3 { Duration::ZERO } else { draft.within(pick, 25, 35) };
    let mut cast = draft.cast.clone();
    pick.shuffle(&mut cast);
    draft.harm(at, Harm::Cut { from: vec![cast[0]], to: vec![cast[1]] }, Until::Never);
    if nth.is_multiple_of(2) {
        draft.harm(at, Harm::Cut { from: vec![cast[1]], to: vec![cast[0]] }, Until::Never);
    }
    let lasts = draft.intervals(if nth % 4 == 3 { 140 } else { 70 });
    draft.case(at + lasts)
}

/// Messages of a node do not leave it, or do not reach it, or it stands still.
fn afflict(draft: &mut Draft, kind: u32, node: NodeId, at: Duration, lasts: Duration) {
    let others: Vec<NodeId> = draft.cast.iter().copied().filter(|other| *other != node).collect();
    let harm = match kind {
        0 => Harm::Cut { from: vec![node], to: others },
        1 => Harm::Cut { from: others, to: vec![node] },
        _ => Harm::Pause { node: Who::Node(node) },
    };
    draft.harm(at, harm, Until::After(lasts));
}

pub(super) fn refutes(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, *pick_of(&[3, 3, 4, 5], nth / 3));
    let node = *pick.one(&draft.cast.clone());
    let mut at = draft.within(pick, 20, 30);
    // a second time: the first accusation was answered
    for _ in 0..1 + nth / 3 % 2 {
        let lasts = draft.within(pick, LONG, DETECT);
        afflict(&mut draft, nth % 3, node, at, lasts);
        at += lasts + draft.within(pick, 25, 35);
    }
    let ended = draft.stage.faults.iter().filter_map(end_of).max().unwrap_or_default();
    draft.case_of_return(pick, ended, &[node], nth / 3 % 4 >= 2)
}
fn end_of(fault: &Fault) -> Option<Duration> {
    match (&fault.when, &fault.until) {
        (When::At(at), Until::After(lasts)) => Some(*at + *lasts),
        _ => None,
    }
}

pub(super) fn comes_back(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::new(pick, 4 + nth / 2 % 2);
    let mut cast = draft.cast.clone();
    let seeds = [cast[0], cast[1]];
    if nth % 4 == 2 {
        pick.shuffle(&mut cast[2..]);
        cast.rotate_left(2);
    } else {
        pick.shuffle(&mut cast);
    }
    let node = cast[0];
    let mut at = draft.within(pick, 20, 30);
    if nth / 4 % 2 == 1 {
        // the others accuse it, it contradicts, and its name is known under a larger incarnation
        for _ in 0..2 {
            let lasts = draft.within(pick, 16, 22);
            afflict(&mut draft, 0, node, at, lasts);
            at += lasts + draft.within(pick, 12, 18);
        }
    }
    let long = draft.within(pick, LONG, DETECT);
    let mut returned = at + long;
    match nth % 4 {
        0 => {
            let short = draft.intervals(3);
            draft.crash(pick, node, at, Until::After(short));
            returned = at + short;
        }
        1 => {
            // news of its death arrives when it is back
            draft.crash(pick, node, at, Until::After(long));
            for link in [[cast[1], cast[2]], [cast[2], cast[3]], [cast[3], cast[1]]] {
                let from = at + draft.within(pick, 12, 40);
                let until = returned + draft.within(pick, 5, 20);
                draft.hold_first(link, from, 4, until - from);
            }
            returned += draft.intervals(20);
        }
        2 => {
            // those whom it asks first have forgotten
            draft.crash(pick, node, at, Until::After(long));
            for seed in seeds {
                let from = returned - draft.within(pick, 4, 30);
                let down = draft.within(pick, 1, 3);
                draft.crash(pick, seed, from, Until::After(down));
            }
        }
        _ => {
            // all nodes, one after another
            for other in cast.clone() {
                let down = draft.within(pick, 2, 6);
                draft.crash(pick, other, at, Until::After(down));
                returned = at + down;
                at += draft.within(pick, 8, 20);
            }
        }
    }
    draft.case_of_return(pick, returned, &[node], nth / 8 % 2 == 1)
}

pub(super) fn heals(pick: &mut Pick, nth: u32) -> Case {
    let n = 4 + nth / 2 % 2;
    let mut draft = Draft::new(pick, n);
    let (seeds, mut rest) = (draft.cast[..2].to_vec(), draft.cast[2..].to_vec());
    pick.shuffle(&mut rest);
    let groups = if nth.is_multiple_of(2) {
        // both seeds on one side
        let with = pick.small(0..=n - 4) as usize;
        let (near, far) = rest.split_at(with);
        vec![[&seeds, near].concat(), far.to_vec()]
    } else {
        let with = pick.small(1..=n - 3) as usize;
        let (near, far) = rest.split_at(with);
        vec![[&seeds[..1], near].concat(), [&seeds[1..], far].concat()]
    };
    let at = draft.within(pick, 20, 30);
    let lasts = draft.within(pick, LONG, DETECT);
    let one_of_each: Vec<NodeId> = groups.iter().map(|group| *pick.one(group)).collect();
    draft.harm(at, Harm::Partition { groups }, Until::After(lasts));
    draft.case_of_return(pick, at + lasts, &one_of_each, nth / 2 % 2 == 1)
}

pub(super) fn load(pick: &mut Pick, nth: u32) -> Case {
    const COUNTED: u32 = 30;
    let n = if nth == 0 { 32 } else { 8 };
    let mut draft = Draft::new(pick, n);
    draft.bounds.calm = None;
    let joined = draft.due(draft.interval, 1);
    draft.load = Some(Load::new(n.into(), joined, COUNTED, draft.interval));
    let end = joined + draft.intervals(COUNTED);
    draft.case(end)
}
