//! `quorum_store`: the runs.
//!
//! What a run is made of is drawn in the same way for all checks: names, keys, clocks, patience, disks. The nodes of a script are told apart by
//! whether they are homes of its key. Most scripts follow the pace of the submission: a step begins when the one before has ended.

use super::oracle::{Costs, Goals, Name, Watch};
use judge::{Case, Pick};
use kit::see::{self, Sight};
use kit::{Stage, clocks, ms, us};
use lab::NodeId;
use lab::quorum_store::{Config, Key, QuorumStore, Request, Response, preference};
use std::time::Duration;
use world::{
    Carried, Chance, ClientId, DiskLoss, Harm, Latency, Link, LinkRule, NodeSpec, OperationId, Tail, Time,
    Trigger, Until, When, Who,
};

/// A moment later: events of one instant would be concurrent.
pub(crate) const SOON: Duration = us(200);
/// How long a node that crashed is down.
const DOWN: Duration = ms(5);
/// How often `handoff` passes before what was left undone has to be done.
const ROUNDS: u32 = 20;

/// `n`, `r` and `w`.
type Quorums = (u32, u32, u32);
/// Stores in which any r homes and any w homes have one in common.
const STRONG: [Quorums; 5] = [(3, 2, 2), (5, 3, 3), (5, 2, 4), (3, 1, 3), (3, 3, 1)];
/// Stores in which they need not.
const WEAK: [Quorums; 4] = [(3, 1, 1), (3, 1, 2), (3, 2, 1), (5, 2, 3)];

/// A request of a script.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) name: Name,
    pub(crate) node: NodeId,
}
impl Step {
    /// So long after it has ended, however it ended.
    pub(crate) fn ended(self, after: Duration) -> When {
        When::On { trigger: self.end(), nth: 1, after }
    }
    pub(crate) fn begun(self) -> When {
        When::on(self.begins())
    }
    fn begun_after(self, after: Duration) -> When {
        When::On { trigger: self.begins(), nth: 1, after }
    }
    fn begins(self) -> Trigger {
        Trigger::Began { client: self.name.0, operation: self.name.1 }
    }
    fn end(self) -> Trigger {
        Trigger::Ended { client: self.name.0, operation: self.name.1 }
    }
    pub(crate) fn until_it_ends(self) -> Until {
        Until::Trigger(self.end())
    }
}

/// A run that is being made.
pub(crate) struct Draft {
    pub(crate) stage: Stage<QuorumStore>,
    pub(crate) config: Config,
    /// The key that the script is about.
    pub(crate) key: Key,
    /// Its homes, in a drawn order, and the other nodes.
    pub(crate) homes: Vec<NodeId>,
    pub(crate) others: Vec<NodeId>,
    pub(crate) goals: Goals,
    values: u64,
}

impl Draft {
    /// So many nodes more than a key has homes.
    pub(crate) fn new(pick: &mut Pick, (n, r, w): Quorums, more: u32, sloppy: bool) -> Draft {
        let nodes: Vec<NodeId> = (1..=n + more).map(NodeId).collect();
        // a disk may take as long as several messages
        let is_slow = pick.percent(30);
        let patience = ms(*pick.one(if is_slow { &[600, 1_000, 5_000] } else { &[80, 120, 300, 1_000] }));
        let give_up = patience * pick.small(6..=8);
        let handoff = patience / 2 * pick.small(1..=3);
        let config = Config { nodes: nodes.clone(), n, r, w, sloppy, patience, give_up, handoff };
        let guest = |id: &NodeId| NodeSpec::guest::<QuorumStore>(*id, &config);
        let mut specs: Vec<NodeSpec> = nodes.iter().map(guest).collect();
        for node in &mut specs {
            clocks::wrong(pick, node);
            // stopwatches are exact here
            node.clock.drift_ppm = 0;
            if is_slow {
                node.sync = (ms(2), ms(12));
            }
        }
        let mut stage = Stage::with(specs, Duration::ZERO);
        stage.network = Link { fifo: pick.percent(30), ..Link::between(ms(1), ms(pick.number(1..=3))) };
        for &node in &nodes {
            clocks::unsteady(pick, &mut stage, node);
        }
        let key = Key(pick.small(1..=60));
        let mut homes = preference(key, &nodes);
        let mut others = homes.split_off(n as usize);
        pick.shuffle(&mut homes);
        pick.shuffle(&mut others);
        Draft { stage, config, key, homes, others, goals: Goals::default(), values: 100 }
    }
    /// Such a store in which reads may be strong; `nth` says which.
    fn strong(pick: &mut Pick, nth: u32) -> Draft {
        let more = pick.small(1..=2);
        Draft::new(pick, STRONG[nth as usize % STRONG.len()], more, false)
    }
    pub(crate) fn nodes(&self) -> Vec<NodeId> {
        self.config.nodes.clone()
    }
    /// How many homes a write needs.
    pub(crate) fn quorum(&self) -> usize {
        self.config.r.max(self.config.w) as usize
    }
    pub(crate) fn rounds(&self) -> Duration {
        self.config.handoff * ROUNDS
    }
    /// Any node.
    pub(crate) fn any(&self, pick: &mut Pick) -> NodeId {
        *pick.one(&self.config.nodes)
    }
    /// So many of the homes, drawn.
    pub(crate) fn some_homes(&self, pick: &mut Pick, many: usize) -> Vec<NodeId> {
        let mut homes = self.homes.clone();
        pick.shuffle(&mut homes);
        homes.truncate(many);
        homes
    }
    pub(crate) fn homes_but(&self, some: &[NodeId]) -> Vec<NodeId> {
        self.homes.iter().copied().filter(|home| !some.contains(home)).collect()
    }

    // requests

    pub(crate) fn ask(&mut self, when: impl Into<When>, node: NodeId, request: Request) -> Step {
        let operation: OperationId = self.stage.ask(when, node, request);
        Step { name: (ClientId(node.0), operation), node }
    }
    pub(crate) fn put_to(&mut self, when: impl Into<When>, node: NodeId, key: Key) -> Step {
        self.values += 1;
        let value = self.values;
        self.ask(when, node, Request::Put { key, value })
    }
    pub(crate) fn put(&mut self, when: impl Into<When>, node: NodeId) -> Step {
        self.put_to(when, node, self.key)
    }
    pub(crate) fn delete(&mut self, when: impl Into<When>, node: NodeId) -> Step {
        self.ask(when, node, Request::Delete { key: self.key })
    }
    /// A Put, or sometimes a Delete.
    fn write(&mut self, pick: &mut Pick, when: impl Into<When>, node: NodeId) -> Step {
        if pick.percent(25) { self.delete(when, node) } else { self.put(when, node) }
    }
    pub(crate) fn get(&mut self, when: impl Into<When>, node: NodeId, strong: bool) -> Step {
        self.ask(when, node, Request::Get { key: self.key, strong })
    }
    pub(crate) fn peek(&mut self, when: impl Into<When>, node: NodeId) -> Step {
        self.ask(when, node, Request::Peek { key: self.key })
    }
    /// A Peek at each home in turn.
    pub(crate) fn peeks(&mut self, mut when: When, homes: &[NodeId]) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for &home in homes {
            let step = self.peek(when, home);
            when = step.ended(SOON);
            steps.push(step);
        }
        steps
    }
    pub(crate) fn must_succeed(&mut self, step: Step) -> Step {
        self.goals.succeed.insert(step.name);
        step
    }

    // harms

    pub(crate) fn harm(&mut self, when: impl Into<When>, harm: Harm, until: Until) {
        self.stage.harm(when, harm, until);
    }
    /// Nothing passes between the node and these others.
    pub(crate) fn part(&mut self, when: impl Into<When>, node: NodeId, from: &[NodeId], until: Until) {
        let from: Vec<NodeId> = from.iter().copied().filter(|other| *other != node).collect();
        if !from.is_empty() {
            self.harm(when, Harm::Partition { groups: vec![vec![node], from] }, until);
        }
    }
    /// During this step its coordinator reaches only these homes.
    pub(crate) fn only(&mut self, step: Step, homes: &[NodeId]) {
        let others = self.homes_but(homes);
        self.part(step.begun(), step.node, &others, step.until_it_ends());
    }
    pub(crate) fn crash(&mut self, when: impl Into<When>, node: NodeId, disk: DiskLoss, until: Until) {
        self.harm(when, Harm::Crash { node: Who::Node(node), disk }, until);
    }
    /// Messages from one node to another take so long.
    pub(crate) fn slow(
        &mut self,
        when: impl Into<When>,
        from: NodeId,
        to: NodeId,
        takes: Duration,
        until: Until,
    ) {
        let link = Link::between(takes, takes + ms(2));
        self.harm(when, Harm::Links(LinkRule { from: Some(from), to: Some(to), link }), until);
    }
    fn hold(&mut self, when: impl Into<When>, from: NodeId, to: NodeId, until: Until) {
        let what = Some(Carried::Message);
        self.harm(when, Harm::Hold { from: Some(from), to: Some(to), nth: None, matches: None, what }, until);
    }
    /// Every message between nodes arrives twice.
    fn double(&mut self, when: impl Into<When>, until: Until) {
        let after = us(700);
        self.harm(
            when,
            Harm::Repeat { from: None, to: None, nth: None, matches: None, what: None, after },
            until,
        );
    }
    /// Messages are lost, doubled and overtaken so often.
    fn rough(&mut self, loss: u32, duplication: u32, late: u32) {
        let Latency { min, max, .. } = self.stage.network.latency;
        let latest = max + self.config.patience / 2;
        let tail = (late > 0).then_some(Tail { chance: Chance::percent(late), max: latest });
        self.stage.network = Link {
            latency: Latency { min, max, tail },
            loss: Chance::percent(loss),
            duplication: Chance::percent(duplication),
            fifo: false,
            ..self.stage.network
        };
    }

    // ends

    /// The end of a run: nothing goes wrong any more. Some node is asked for a write, and then every node for a read.
    pub(crate) fn tail(mut self, pick: &mut Pick, when: When) -> Case {
        let (node, strong) =
            (self.any(pick), !self.config.sloppy && self.config.r + self.config.w > self.config.n);
        let write = self.write(pick, when, node);
        let write = self.must_succeed(write);
        for node in self.nodes() {
            let read = self.get(write.ended(SOON), node, strong);
            self.must_succeed(read);
        }
        self.judge()
    }
    pub(crate) fn judge(mut self) -> Case {
        if self.stage.end.is_zero() {
            // steps follow one another, and each of them ends after `give_up` at the latest
            let steps: usize = self.stage.clients.iter().map(|client| client.operations.len()).sum();
            self.stage.end = (self.config.give_up + ms(60)) * (steps as u32 + 1) + self.rounds() * 2;
        }
        self.stage.judged_by(Watch::new(self.goals))
    }
}
fn disk(pick: &mut Pick) -> DiskLoss {
    *pick.one(&[DiskLoss::All, DiskLoss::Drawn, DiskLoss::Nothing])
}

/// Requests of all kinds, with nothing in their way; with a home down; and after faults that are over.
pub(super) fn answers(pick: &mut Pick, nth: u32) -> Case {
    let all: Vec<Quorums> = [&[(1, 1, 1)], &STRONG[..], &WEAK[..]].concat();
    let quorums = all[(nth / 4) as usize % all.len()];
    let more = if quorums.0 == 1 && pick.percent(50) { 0 } else { pick.small(0..=2) };
    let mut draft = Draft::new(pick, quorums, more, false);
    draft.goals.only = true;
    let strong = quorums.1 + quorums.2 > quorums.0;
    let first = *pick.one(&[draft.homes[0], *draft.others.first().unwrap_or(&draft.homes[0])]);
    match nth % 4 {
        // three requests under way at one node, two of them for one key
        0 => {
            let mut when = When::At(ms(5));
            for node in [first, draft.any(pick)] {
                let other = Key(draft.key.0 + 1);
                let write = draft.put(when.clone(), node);
                let beside = draft.put_to(write.begun(), node, other);
                let read = draft.get(write.begun(), node, strong);
                let again = draft.get(write.ended(SOON), draft.homes[0], strong);
                for step in [write, beside, read, again] {
                    draft.must_succeed(step);
                }
                when = again.ended(ms(1));
            }
            let at = epilogue(pick, &mut draft);
            draft.tail(pick, When::At(at + ms(20)))
        }
        // a home is down for good, where the others are enough
        1 => {
            if draft.quorum() < draft.homes.len() {
                let gone = draft.homes[1];
                draft.crash(ms(0), gone, DiskLoss::All, Until::Never);
                draft.homes.remove(1);
                draft.config.nodes.retain(|node| *node != gone);
            }
            let first = draft.any(pick);
            let write = draft.put(ms(5), first);
            draft.must_succeed(write);
            draft.tail(pick, write.ended(SOON))
        }
        // messages were lost, nodes were down, or no node reached any other
        2 => {
            draft.rough(30, 10, 10);
            let calm = draft.config.give_up + ms(100);
            for node in draft.nodes() {
                let at = pick.millis(5..=50);
                draft.write(pick, at, node);
                let at = pick.millis(5..=90);
                draft.get(at, node, strong && pick.percent(50));
                if pick.percent(30) {
                    let (at, disk) = (pick.millis(5..=90), disk(pick));
                    draft.crash(at, node, disk, Until::After(DOWN));
                }
            }
            draft.stage.calm = Some((calm, Link::between(ms(1), ms(2))));
            draft.tail(pick, When::At(calm + ms(20)))
        }
        _ => {
            let groups = draft.config.nodes.iter().map(|node| vec![*node]).collect();
            let over = draft.config.give_up + ms(30);
            draft.harm(ms(1), Harm::Partition { groups }, Until::After(over));
            let first = draft.others.first().copied().unwrap_or(first);
            for request in 0..3 {
                let at = ms(5 + request);
                draft.write(pick, at, first);
                draft.get(at, first, strong);
            }
            draft.tail(pick, When::At(over + ms(20)))
        }
    }
}
/// Each home in turn crashes and the others go on, if they are enough. It is back, and goes on, too. Returns when that is over.
fn epilogue(pick: &mut Pick, draft: &mut Draft) -> Duration {
    let turn = draft.config.patience;
    let mut at = turn * 2;
    if draft.quorum() == draft.homes.len() || draft.config.r + draft.config.w <= draft.config.n {
        return at;
    }
    for node in draft.homes.clone() {
        draft.crash(at, node, DiskLoss::All, Until::After(turn / 2));
        let other = *pick.one(&draft.homes_but(&[node]));
        let write = draft.put(at + ms(2), other);
        let read = draft.get(at + turn / 2 + ms(2), node, true);
        draft.must_succeed(write);
        draft.must_succeed(read);
        at += turn;
    }
    at
}

/// All stores of up to five homes, strict and sloppy.
pub(super) const STORES: u32 = 2 * 55;
/// A strong read of each, with and without what it needs.
pub(super) fn refuses(pick: &mut Pick, nth: u32) -> Case {
    let all = (1..=5).flat_map(|n| (1..=n).flat_map(move |r| (1..=n).map(move |w| (n, r, w))));
    let quorums = all.cycle().nth(nth as usize % 55).expect("they go round");
    let sloppy = nth >= 55;
    let more = u32::from(quorums.0 == 1) + pick.small(0..=1);
    let mut draft = Draft::new(pick, quorums, more, sloppy);
    let node = draft.any(pick);
    let write = draft.put(ms(5), node);
    let weak = draft.get(write.ended(SOON), node, false);
    let strong = draft.get(weak.ended(SOON), node, true);
    for step in [write, weak, strong] {
        draft.must_succeed(step);
    }
    let apart = draft.get(strong.ended(SOON), node, true);
    let others: Vec<NodeId> = draft.nodes();
    draft.part(strong.ended(us(100)), node, &others, apart.until_it_ends());
    let again = draft.get(apart.ended(ms(1)), node, true);
    draft.must_succeed(again);
    draft.judge()
}

/// A write that few homes have, and a read that meets few of those, late.
pub(super) fn fresh(pick: &mut Pick, nth: u32) -> Case {
    match nth % 4 {
        3 => swarm(pick, nth / 4, 3),
        kind => mixed_quorum(pick, nth / 4, kind),
    }
}
fn mixed_quorum(pick: &mut Pick, nth: u32, kind: u32) -> Case {
    let mut draft = Draft::strong(pick, nth);
    let first = draft.any(pick);
    let before = draft.put(ms(5), first);
    draft.must_succeed(before);
    // the newer write reaches no more homes than it needs: from its begin on, or from the end of the asking
    let asks_more = draft.config.r > draft.config.w && pick.percent(70);
    let many = if asks_more { draft.config.w as usize } else { draft.quorum() };
    let written = draft.some_homes(pick, many);
    let writer = *pick.one(&[&written[..1], &draft.others[..1]].concat());
    let write = draft.write(pick, before.ended(ms(20)), writer);
    if asks_more {
        draft.stage.network = Link::fixed(ms(2));
        let others = draft.homes_but(&written);
        draft.part(write.begun_after(us(4_500)), writer, &others, Until::After(ms(6)));
    } else {
        draft.must_succeed(write);
        draft.only(write, &written);
    }
    let mut when = write.ended(SOON);
    let missing = draft.homes_but(&written);
    if let Some(home) = missing.first() {
        when = draft.peek(when, *home).ended(SOON);
    }
    if pick.percent(40) {
        for &home in &written {
            draft.crash(write.ended(us(100)), home, DiskLoss::All, Until::After(DOWN));
        }
        when = write.ended(DOWN + ms(3));
    }
    // the reader meets as few of them as may be, and those last
    let reader = *pick.one(&[&draft.others[..1], &missing[..missing.len().min(1)]].concat());
    let too_few = kind == 2 && !missing.is_empty();
    let met: Vec<NodeId> = [&missing[..], &written[..]]
        .concat()
        .into_iter()
        .take(if too_few { missing.len() } else { draft.config.r as usize })
        .collect();
    let is_strong = pick.percent(70);
    let read = draft.get(when, reader, is_strong);
    draft.only(read, &met);
    for &home in met.iter().filter(|home| written.contains(home)) {
        let takes = ms(pick.number(10..=30));
        draft.slow(read.begun(), home, reader, takes, read.until_it_ends());
        if kind == 1 {
            draft.slow(read.begun(), reader, home, takes, read.until_it_ends());
        }
    }
    // and once more at another node, without what made the first one slow
    let other = draft.any(pick);
    let again = draft.get(read.ended(SOON), other, true);
    draft.must_succeed(again);
    draft.tail(pick, again.ended(SOON))
}
/// Clients at all nodes, on a network that loses, doubles and delays, and nodes that crash and are cut off.
fn swarm(pick: &mut Pick, nth: u32, each: u32) -> Case {
    let mut draft = Draft::strong(pick, nth);
    draft.rough(*pick.one(&[0, 5, 20]), *pick.one(&[0, 20, 60]), *pick.one(&[0, 10, 40]));
    let span = draft.config.give_up.min(ms(600));
    let until = |pick: &mut Pick| ms(5) + pick.micros(0..=span.as_micros() as u64);
    for node in draft.nodes() {
        for _ in 0..each {
            let at = until(pick);
            match pick.small(0..=9) {
                0..=3 => draft.put(at, node),
                4 => draft.delete(at, node),
                5..=8 => draft.get(at, node, pick.percent(80)),
                _ => draft.peek(at, node),
            };
        }
        if pick.percent(30) {
            let (at, disk) = (until(pick), disk(pick));
            draft.crash(at, node, disk, Until::After(DOWN));
        }
        if pick.percent(30) {
            let (at, lasts) = (until(pick), pick.millis(5..=100));
            draft.harm(at, Harm::Isolate { node: Who::Node(node) }, Until::After(lasts));
        }
    }
    let calm = ms(5) + span + draft.config.give_up;
    draft.stage.calm = Some((calm, Link::between(ms(1), ms(2))));
    draft.tail(pick, When::At(calm + ms(20)))
}

/// All nodes crash at the k-th moment at which a write was stored, and come back alone, with what was on their disks.
pub(super) fn durable(pick: &mut Pick, nth: u32) -> Case {
    let kind = nth % 4;
    let quorums = match kind {
        3 => WEAK[(nth / 4) as usize % WEAK.len()],
        _ => STRONG[(nth / 4) as usize % STRONG.len()],
    };
    let more = pick.small(1..=2);
    let mut draft = Draft::new(pick, quorums, more, false);
    let (a, b) = (draft.others[0], *pick.one(&draft.homes));
    let mut steps = Vec::new();
    let mut keys = vec![draft.key];
    match kind {
        // the key is on all homes, and then it is deleted, or written again
        0 => {
            let put = draft.put(ms(5), b);
            let delete = if pick.percent(60) {
                draft.delete(put.ended(ms(8)), a)
            } else {
                draft.put(put.ended(ms(8)), a)
            };
            steps.extend([put, delete]);
        }
        // several keys at once
        1 => {
            for (more, node) in [(0, a), (1, b), (2, a)] {
                let key = Key(draft.key.0 + more);
                let at = pick.micros(5_000..=7_000);
                steps.push(draft.put_to(at, node, key));
                keys.push(key);
            }
        }
        _ => {
            let node = *pick.one(&[a, b]);
            steps.push(draft.put(ms(5), node));
        }
    }
    // the last write reaches as many homes as it needs, or one less
    let last = *steps.last().expect("there is one");
    if kind != 1 {
        let many = (draft.quorum() - usize::from(pick.percent(20))).max(1);
        let reached = draft.some_homes(pick, many);
        // the asking is over by then, or it is not
        let when = if pick.percent(50) { last.begun() } else { last.begun_after(pick.micros(2_000..=7_000)) };
        let others = draft.homes_but(&reached);
        draft.part(when, last.node, &others, last.until_it_ends());
    }
    let kth = if kind == 0 { 2 } else { pick.small(1..=steps.len() as u32) };
    let stored: Sight = see::answers::<QuorumStore>(|response| *response == Response::Stored).nth(kth);
    black_out(&mut draft, &stored);
    let mut at = ms(30);
    for key in keys {
        for home in preference(key, &draft.config.nodes).into_iter().take(draft.config.n as usize) {
            draft.ask(stored.clone().after(at), home, Request::Peek { key });
            at += SOON;
        }
    }
    // where no write was stored, nothing is left to do
    draft.stage.end = draft.config.give_up * 3 + ms(200);
    if kind == 0 {
        let node = draft.any(pick);
        draft.get(stored.after(ms(60)), node, true);
    }
    draft.judge()
}
/// All nodes crash, lose all that was not synced, and are alone when they are back.
pub(crate) fn black_out(draft: &mut Draft, when: &Sight) {
    for node in draft.nodes() {
        draft.crash(when.clone(), node, DiskLoss::All, Until::After(DOWN));
    }
    let groups = draft.config.nodes.iter().map(|node| vec![*node]).collect();
    draft.harm(when.clone(), Harm::Partition { groups }, Until::After(ms(50)));
}

/// Messages that arrive twice, or from an earlier request, and too few homes that answer this one.
pub(super) fn counting(pick: &mut Pick, nth: u32) -> Case {
    let quorums = [(3, 2, 2), (5, 3, 3), (5, 2, 4), (4, 2, 3)][(nth / 4) as usize % 4];
    let more = pick.small(1..=2);
    let mut draft = Draft::new(pick, quorums, more, false);
    let first = draft.any(pick);
    let before = draft.put(ms(5), first);
    draft.must_succeed(before);
    let coordinator = draft.others[0];
    match nth % 4 {
        // one home less than it takes, and everything twice
        0 | 1 => {
            draft.double(ms(0), Until::Calm);
            let reached = draft.some_homes(pick, draft.quorum() - 1);
            let write = draft.write(pick, before.ended(ms(10)), coordinator);
            let others = draft.homes_but(&reached);
            let mut pause = SOON;
            if nth.is_multiple_of(2) {
                draft.part(write.begun(), coordinator, &others, write.until_it_ends());
            } else {
                // in the middle of it
                let when = write.begun_after(pick.micros(3_000..=8_000));
                pause = draft.config.patience;
                draft.part(when, coordinator, &others, Until::After(pause / 2));
            }
            let peeks = draft.peeks(write.ended(ms(5)), &draft.homes.clone());
            let last = peeks[peeks.len() - 1];
            // and a read that reaches too few of the homes that have the newest value
            let written = draft.some_homes(pick, draft.quorum());
            let again = draft.put(last.ended(pause), coordinator);
            draft.must_succeed(again);
            draft.only(again, &written);
            let missing = draft.homes_but(&written);
            let read = draft.get(again.ended(SOON), coordinator, true);
            draft.only(read, &missing);
            draft.tail(pick, read.ended(ms(5)))
        }
        // what homes answer to an earlier read arrives when they cannot hear of this one
        2 => {
            let early = draft.get(before.ended(ms(10)), coordinator, true);
            let other = draft.homes[0];
            let write = draft.write(pick, early.ended(SOON), other);
            draft.must_succeed(write);
            let late = draft.get(write.ended(ms(10)), coordinator, true);
            let held = draft.some_homes(pick, draft.homes.len() - draft.config.r as usize + 1);
            for &home in &held {
                draft.hold(early.begun(), home, coordinator, Until::Trigger(late.begins()));
            }
            let homes = draft.homes.clone();
            draft.harm(late.begun(), Harm::Cut { from: vec![coordinator], to: homes }, late.until_it_ends());
            draft.tail(pick, late.ended(ms(5)))
        }
        // acknowledgements of an earlier write arrive when this one has reached too few
        _ => {
            let early = draft.put(before.ended(ms(10)), coordinator);
            draft.must_succeed(early);
            let held = draft.some_homes(pick, draft.homes.len() - draft.config.w as usize);
            let late = draft.put(early.ended(draft.config.patience / 2), coordinator);
            // asked by all, and then cut off from all but few
            let asked = pick.micros(4_500..=5_500);
            let reached: Vec<NodeId> =
                draft.homes_but(&held).into_iter().take(draft.config.w as usize - 1).collect();
            draft.stage.network = Link::fixed(ms(2));
            for &home in &held {
                // what was held back arrives when the asking is over
                let takes = ms(pick.number(6..=7));
                draft.slow(late.begun(), home, coordinator, takes, late.until_it_ends());
                draft.hold(early.begun_after(us(4_500)), home, coordinator, Until::Trigger(late.begins()));
            }
            let others = draft.homes_but(&reached);
            let cut = Harm::Cut { from: vec![coordinator], to: others };
            draft.harm(late.begun_after(asked), cut, Until::After(ms(10)));
            let peeks = draft.peeks(late.ended(ms(5)), &draft.homes.clone());
            draft.tail(pick, peeks[peeks.len() - 1].ended(SOON))
        }
    }
}

/// Writes that follow one another, through different nodes that reach different homes.
pub(super) fn later_wins(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::strong(pick, nth);
    let mut nodes = draft.nodes();
    pick.shuffle(&mut nodes);
    let mut when = When::At(ms(5));
    // the first writer's counter is ahead of all others
    let first = nodes[0];
    for _ in 0..pick.small(1..=3) {
        let write = draft.write(pick, when, first);
        draft.must_succeed(write);
        when = write.ended(SOON);
    }
    for place in 1..=pick.small(1..=3) as usize {
        let node = nodes[place % nodes.len()];
        let reached = draft.some_homes(pick, draft.quorum());
        let write = draft.write(pick, when, node);
        draft.must_succeed(write);
        draft.only(write, &reached);
        when = write.ended(SOON);
        if pick.percent(40) {
            draft.crash(write.ended(us(50)), node, DiskLoss::All, Until::After(DOWN));
            when = write.ended(DOWN + ms(1));
        }
        if pick.percent(30) {
            // the same node writes again
            let again = draft.write(pick, when, node);
            draft.must_succeed(again);
            when = again.ended(SOON);
        }
        let (reader, strong) = (draft.any(pick), pick.percent(70));
        let read = draft.get(when, reader, strong);
        draft.must_succeed(read);
        when = read.ended(SOON);
    }
    settle(pick, draft, when)
}
/// A read at every node; and when all is repaired, a Peek at each home.
fn settle(pick: &mut Pick, mut draft: Draft, mut when: When) -> Case {
    for node in draft.nodes() {
        let read = draft.get(when, node, true);
        when = read.ended(SOON);
    }
    let after = draft.rounds();
    let when = match when {
        When::On { trigger, nth, .. } => When::On { trigger, nth, after },
        When::At(at) => When::At(at + after),
    };
    let peeks = draft.peeks(when, &draft.homes.clone());
    for step in &peeks {
        draft.goals.settled.insert(step.name);
        draft.goals.equal.insert(step.name);
    }
    draft.tail(pick, peeks[peeks.len() - 1].ended(SOON))
}

/// Writes that overlap: through two nodes, through one, and through one that crashed in between.
pub(super) fn ties(pick: &mut Pick, nth: u32) -> Case {
    let mut draft = Draft::strong(pick, nth / 3);
    let (a, b) = (draft.any(pick), draft.any(pick));
    match nth % 3 {
        // at one instant, and the homes get them in different orders
        0 | 1 => {
            let b = if nth % 3 == 1 { a } else { b };
            let one = draft.put(ms(5), a);
            let two = draft.put(if pick.percent(50) { one.begun() } else { one.begun_after(us(300)) }, b);
            for home in draft.homes.clone() {
                let (from, takes) = (*pick.one(&[a, b]), pick.millis(4..=8));
                draft.slow(ms(0), from, home, takes, two.until_it_ends());
            }
            let three = if pick.percent(40) { draft.write(pick, one.begun(), b) } else { two };
            let last = draft.get(two.ended(ms(30)), a, true);
            let _ = three;
            settle(pick, draft, last.ended(SOON))
        }
        // the first one reaches one home, and the second one does not hear of it
        _ => {
            let a = draft.others[0];
            let lone = draft.some_homes(pick, 1);
            let before = draft.put(ms(5), b);
            draft.must_succeed(before);
            let one = draft.put(before.ended(ms(10)), a);
            // the asking takes one way there and one back; then only one home is left
            draft.stage.network = Link::fixed(ms(2));
            let others = draft.homes_but(&lone);
            let crash = one.begun_after(ms(pick.number(7..=9)));
            draft.part(one.begun_after(ms(5)), a, &others, Until::After(ms(8)));
            draft.crash(crash, a, DiskLoss::All, Until::After(DOWN));
            let two = draft.put(one.begun_after(ms(30)), a);
            draft.part(one.begun_after(ms(29)), a, &lone, two.until_it_ends());
            settle(pick, draft, two.ended(ms(10)))
        }
    }
}

/// A home misses a deletion, and is back after a while; marks of deletions and old writes that are late.
pub(super) fn deleted(pick: &mut Pick, nth: u32) -> Case {
    let quorums = [(3, 2, 2), (5, 3, 3), (5, 2, 4)][(nth / 5) as usize % 3];
    // one run is long: few nodes there
    let rounds = if nth == 0 { 7_000 } else { *pick.one(&[3, 3, 100]) };
    let (quorums, more) = if nth == 0 { ((3, 2, 2), 0) } else { (quorums, pick.small(1..=2)) };
    let mut draft = Draft::new(pick, quorums, more, false);
    let away = draft.homes[0];
    let near: Vec<NodeId> = draft.nodes().into_iter().filter(|node| *node != away).collect();
    let first = *pick.one(&near);
    let put = draft.put(ms(5), first);
    draft.must_succeed(put);
    let node = *pick.one(&near);
    let delete = draft.delete(put.ended(ms(10)), node);
    draft.must_succeed(delete);
    let gone = draft.config.handoff * rounds;
    let mut when = delete.ended(gone + ms(20));
    match nth % 5 {
        // away by crash or cut
        0 | 1 => {
            if pick.percent(50) {
                draft.crash(put.ended(ms(9)), away, DiskLoss::All, Until::After(gone + ms(15)));
            } else {
                draft.harm(
                    put.ended(ms(9)),
                    Harm::Isolate { node: Who::Node(away) },
                    Until::After(gone + ms(15)),
                );
            }
        }
        // the old write arrives late
        2 => {
            let held = Until::Trigger(delete.end());
            draft.hold(put.begun(), first, away, held);
            draft.part(delete.begun(), node, &[away], delete.until_it_ends());
            when = delete.ended(ms(20));
        }
        // all homes restart
        3 => {
            draft.part(put.ended(ms(9)), away, &near, Until::After(ms(80)));
            for home in draft.homes.clone() {
                draft.crash(delete.ended(us(50)), home, DiskLoss::All, Until::After(DOWN));
            }
            when = delete.ended(ms(100));
        }
        // written again by a node that meets the mark, and deleted again
        _ => {
            draft.part(put.ended(ms(9)), away, &near, Until::After(ms(200)));
            let again = draft.put(delete.ended(SOON), *pick.one(&near));
            let read = draft.get(again.ended(SOON), *pick.one(&near), true);
            let gone = draft.delete(read.ended(SOON), *pick.one(&near));
            for step in [again, read, gone] {
                draft.must_succeed(step);
            }
            when = gone.ended(ms(220));
        }
    }
    when = draft.peek(when, away).ended(SOON);
    // the home that was away answers first
    let reader = *pick.one(&near);
    let read = draft.get(when, reader, true);
    for home in draft.homes_but(&[away, reader]) {
        let takes = ms(pick.number(8..=20));
        draft.slow(read.begun(), home, reader, takes, read.until_it_ends());
    }
    let put_again = draft.put(read.ended(SOON), *pick.one(&near));
    draft.must_succeed(put_again);
    let read = draft.get(put_again.ended(SOON), reader, true);
    draft.must_succeed(read);
    let length = draft.config.give_up * 30 + draft.rounds() * 3 + gone;
    draft.stage.end = length;
    settle(pick, draft, read.ended(SOON))
}

/// A home misses a write, and a read finds out.
pub(super) fn repair(pick: &mut Pick, nth: u32) -> Case {
    let quorums = [(3, 2, 2), (5, 3, 3), (3, 3, 1), (5, 2, 4)][(nth / 3) as usize % 4];
    let more = pick.small(1..=2);
    let mut draft = Draft::new(pick, quorums, more, false);
    let away = draft.homes[0];
    let near: Vec<NodeId> = draft.nodes().into_iter().filter(|node| *node != away).collect();
    let node = *pick.one(&near);
    let reader = if pick.percent(60) { draft.others[0] } else { *pick.one(&near) };
    // or the home that was away reads, and finds out about itself
    let reader = if nth.is_multiple_of(3) && nth / 12 % 2 == 1 { away } else { reader };
    let before = draft.put(ms(5), node);
    draft.must_succeed(before);
    let write = draft.write(pick, before.ended(ms(10)), node);
    let needs_all = draft.quorum() == draft.homes.len();
    if needs_all {
        // the asking needs all homes: only the write is lost
        draft.stage.network = Link::fixed(ms(2));
        let lose = Harm::Cut { from: vec![node], to: vec![away] };
        draft.harm(write.begun_after(us(4_500)), lose, Until::After(ms(4)));
    } else {
        draft.must_succeed(write);
        draft.part(write.begun(), away, &near, write.until_it_ends());
    }
    // its coordinator forgets what it had begun
    draft.crash(write.ended(us(100)), node, DiskLoss::All, Until::After(DOWN));
    let peek = draft.peek(write.ended(ms(10)), away);
    let read = draft.get(peek.ended(SOON), reader, true);
    draft.must_succeed(read);
    let mut when = read.ended(draft.rounds());
    match nth % 3 {
        // the home answers soon, or last
        0 => {
            for home in draft.homes_but(&[away, reader]) {
                let takes = ms(pick.number(4..=9));
                draft.slow(read.begun(), home, reader, takes, read.until_it_ends());
            }
        }
        1 => {
            let takes = draft.config.give_up / 5;
            draft.slow(read.begun(), away, reader, takes, Until::After(draft.config.give_up));
        }
        // what the coordinator then sends is late, and older than what the home has by then
        _ => {
            let other: Vec<NodeId> = near.iter().copied().filter(|node| *node != reader).collect();
            let newer = draft.put(read.ended(ms(20)), *pick.one(&other));
            draft.must_succeed(newer);
            draft.hold(read.ended(Duration::ZERO), reader, away, Until::Trigger(newer.end()));
            draft.peek(newer.ended(us(800)), away);
            let seen = draft.peek(newer.ended(ms(8)), away);
            let again = draft.get(seen.ended(ms(10)), reader, true);
            when = again.ended(draft.rounds());
        }
    }
    let homes: Vec<NodeId> = draft.homes.clone();
    // alone, so that no node is asked by another one
    let mut peeks = Vec::new();
    for home in homes {
        let step = draft.peek(when, home);
        when = step.ended(SOON);
        peeks.push(step);
    }
    let first = peeks[0];
    let groups = draft.config.nodes.iter().map(|node| vec![*node]).collect();
    draft.harm(first.begun(), Harm::Partition { groups }, peeks[peeks.len() - 1].until_it_ends());
    for step in &peeks {
        draft.goals.settled.insert(step.name);
    }
    draft.tail(pick, peeks[peeks.len() - 1].ended(SOON))
}

/// Fifty requests on a clean network, a Peek at every node, and then nothing.
pub(super) fn cost(pick: &mut Pick, nth: u32) -> Case {
    // also in a sloppy store all homes answer here, so no other node stands in
    let sloppy = nth % 2 == 1;
    let mut draft = Draft::new(pick, [(3, 2, 2), (3, 1, 3), (3, 3, 1)][nth as usize % 3], 2, sloppy);
    let nodes = draft.nodes();
    let mut at = ms(5);
    for place in 0..50_u32 {
        let node = *pick.one(&nodes);
        let key = Key(draft.key.0 + place % 3);
        let request = match pick.small(0..=4) {
            0 | 1 => {
                let step = draft.put_to(at, node, key);
                draft.must_succeed(step);
                at += ms(40);
                continue;
            }
            2 => Request::Delete { key },
            3 => Request::Get { key, strong: true },
            _ => Request::Get { key, strong: false },
        };
        let step = draft.ask(at, node, request);
        draft.must_succeed(step);
        at += ms(40);
    }
    let quiet = at + draft.config.give_up;
    for (place, node) in (0..).zip(nodes) {
        for more in 0..3 {
            let key = Key(draft.key.0 + more);
            draft.ask(at + us(100) * place, node, Request::Peek { key });
        }
    }
    draft.goals.costs = Some(Costs { quiet: Time::ZERO + quiet });
    draft.stage.end = quiet + draft.rounds();
    draft.judge()
}
