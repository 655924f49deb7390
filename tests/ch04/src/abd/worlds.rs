//! `abd`: the runs.
//!
//! The nodes of a scripted run have drawn names: the first of the cast is the one that the script is about.

use super::oracle::{Promise, Watch};
use judge::{Case, Pick};
use kit::{ms, us};
use lab::NodeId;
use lab::abd::{Config, Register, Request};
use std::time::Duration;
use world::{
    Chance, Client, ClientId, DiskLoss, Fault, Harm, Latency, Link, LinkRule, Operation, OperationId,
    Pattern, Scenario, SeenKind, Tail, Time, Trigger, Until, When, Who,
};

/// A run in the making.
struct Script {
    scenario: Scenario,
    /// The nodes, in drawn order.
    cast: Vec<NodeId>,
}
/// An operation of a script.
#[derive(Clone, Copy)]
struct Step(ClientId, OperationId);
impl Step {
    /// So long after it has ended, whether it was answered or not.
    fn ended(self, after: Duration) -> When {
        When::On { trigger: Trigger::Ended { client: self.0, operation: self.1 }, nth: 1, after }
    }
    fn begun(self) -> When {
        When::on(Trigger::Began { client: self.0, operation: self.1 })
    }
    fn until_it_ends(self) -> Until {
        Until::Trigger(Trigger::Ended { client: self.0, operation: self.1 })
    }
}
/// A moment later: events of one instant would be concurrent.
const SOON: Duration = us(200);

impl Script {
    /// So many nodes on a clean network with 1 to 2 ms a message. Clients wait for 60 ms.
    fn new(pick: &mut Pick, n: u32, resend: Duration, end: Duration) -> Script {
        let mut scenario = Scenario::cluster::<Register>(n, &Config { nodes: n, resend }, end);
        scenario.network = Link::between(ms(1), ms(2));
        for node in &mut scenario.nodes {
            // a clock on a wall says nothing about other nodes' clocks
            node.clock.offset_ns = pick.number(0..=1_000_000_000) as i64;
        }
        let mut cast: Vec<NodeId> = (1..=n).map(NodeId).collect();
        pick.shuffle(&mut cast);
        Script { scenario, cast }
    }
    /// The client of a node: one each.
    fn client(&mut self, node: NodeId) -> &mut Client {
        let clients = &mut self.scenario.clients;
        let place = clients.iter().position(|client| client.id.0 == node.0).unwrap_or_else(|| {
            clients.push(Client { timeout: Some(ms(60)), ..Client::new(node.0, Vec::new()) });
            clients.len() - 1
        });
        &mut clients[place]
    }
    fn ask(&mut self, node: NodeId, at: Option<When>, writes: bool) -> Step {
        let client = self.client(node);
        let nth = client.operations.len() as u32 + 1;
        // no two writes of a run write the same
        let value = u64::from(100 * node.0 + nth);
        let request = if writes { Request::Write { value } } else { Request::Read };
        client.operations.push(Operation { at, ..Operation::next::<Register>(nth, node, &request) });
        Step(client.id, OperationId(nth))
    }
    fn write(&mut self, node: NodeId, at: When) -> Step {
        self.ask(node, Some(at), true)
    }
    fn read(&mut self, node: NodeId, at: When) -> Step {
        self.ask(node, Some(at), false)
    }
    /// Reads at these nodes, one after another.
    fn reads(&mut self, mut at: When, nodes: &[NodeId]) -> Option<Step> {
        let mut last = None;
        for &node in nodes {
            let read = self.read(node, at);
            at = read.ended(SOON);
            last = Some(read);
        }
        last
    }
    fn fault(&mut self, when: When, harm: Harm, until: Until) {
        self.scenario.faults.push(Fault::new(when, harm, until));
    }
    /// Nothing passes between these and the other nodes.
    fn part(&mut self, when: When, some: &[NodeId], until: Until) {
        let others = self.cast.iter().copied().filter(|node| !some.contains(node)).collect();
        self.fault(when, Harm::Partition { groups: vec![some.to_vec(), others] }, until);
    }
    fn crash(&mut self, when: When, node: NodeId, disk: DiskLoss, down: Duration) {
        self.fault(when, Harm::Crash { node: Who::Node(node), disk }, Until::After(down));
    }
    /// From here on the network is clean and all nodes are up.
    fn calm(&mut self, at: Duration) {
        self.scenario.calm = Some((at, Link::between(ms(1), ms(2))));
    }
    fn safe(self) -> Case {
        Case::new(self.scenario, Watch::over(Promise::Safe))
    }
    fn in_time(self, resend: Duration) -> Case {
        Case::new(self.scenario, Watch::over(Promise::InTime(resend * 10)))
    }
}
fn at(ms: u64) -> When {
    When::At(self::ms(ms))
}
/// When a node sends its `nth` message.
fn sends(node: NodeId, nth: u32) -> When {
    When::On { trigger: Trigger::Seen(Pattern::of(SeenKind::Sent).at(node)), nth, after: Duration::ZERO }
}
/// When a node has done so many of the things it asks for.
fn effect(node: NodeId, nth: u32) -> When {
    When::on(Trigger::Effect { node, nth: nth.into() })
}

/// One after another and two at once, on a clean network.
pub(super) fn answers(pick: &mut Pick, nth: u32) -> Case {
    let (n, resend) = ([1, 3, 5][nth as usize % 3], ms(100));
    let mut script = Script::new(pick, n, resend, ms(3_000));
    script.scenario.network = Link::between(ms(1), ms(pick.number(1..=10)));
    let cast = script.cast.clone();
    let mut when = at(5);
    for round in 0..3 {
        let writer = cast[round % cast.len()];
        let write = script.write(writer, when);
        // while that is under way, another operation of the same node
        script.ask(writer, Some(write.begun()), pick.percent(50));
        let last = script.reads(write.ended(us(pick.number(200..=40_000))), &cast);
        when = last.expect("there are nodes").ended(SOON);
    }
    script.scenario.clients.iter_mut().for_each(|client| client.timeout = None);
    script.in_time(resend)
}

/// Faults that end, or that leave a majority; and when they have ended, all is as good as new.
pub(super) fn terminates(pick: &mut Pick, nth: u32) -> Case {
    let (n, resend, calm) = ([3, 5][nth as usize % 2], ms(20), ms(300));
    let mut script = Script::new(pick, n, resend, ms(4_000));
    script.calm(calm);
    let cast = script.cast.clone();
    let first = cast[0];
    let write = script.write(first, at(5));
    match (nth / 2) % 6 {
        0 => {
            // a minority never comes back
            for &node in &cast[n as usize / 2 + 1..] {
                script.fault(
                    at(pick.number(0..=8)),
                    Harm::Crash { node: Who::Node(node), disk: DiskLoss::All },
                    Until::Never,
                );
            }
            script.reads(write.ended(SOON), &cast[..2]);
            script.write(cast[1], at(400));
        }
        1 => {
            script.scenario.network.loss = Chance::percent(30);
            for &node in &cast {
                for at in [pick.millis(5..=40), pick.millis(5..=250)] {
                    script.ask(node, Some(When::At(at)), pick.percent(50));
                }
            }
        }
        2 | 3 => {
            // from some message on, nothing that the first node sends arrives for a while
            let to = cast[1..].to_vec();
            script.fault(
                sends(first, nth / 12 * 2 + nth / 2 % 2 + 1),
                Harm::Cut { from: vec![first], to },
                Until::After(resend * 4),
            );
            script.ask(first, Some(write.begun()), pick.percent(50));
        }
        4 => {
            // a power failure
            let when = pick.number(6..=14);
            for &node in &cast {
                script.crash(at(when), node, DiskLoss::All, pick.millis(5..=60));
            }
        }
        _ => {
            // nobody has a majority
            let groups = cast.chunks(n as usize / 2).map(<[NodeId]>::to_vec).collect();
            script.fault(
                at(pick.number(0..=20)),
                Harm::Partition { groups },
                Until::After(pick.millis(50..=200)),
            );
            script.reads(at(pick.number(20..=60)), &cast[..1]);
        }
    }
    if !(nth / 2).is_multiple_of(6) {
        epilogue(&mut script, calm + resend * 12, resend);
    }
    script.scenario.clients.iter_mut().for_each(|client| client.timeout = None);
    script.in_time(resend)
}
/// Each node in turn crashes, and the others go on; it is back, and goes on, too.
fn epilogue(script: &mut Script, from: Duration, resend: Duration) {
    let cast = script.cast.clone();
    let mut start = from;
    for (place, &node) in cast.iter().enumerate() {
        let other = cast[(place + 1) % cast.len()];
        let crash = Harm::Crash { node: Who::Node(node), disk: DiskLoss::All };
        let down = Fault::new(When::At(start), crash, Until::After(resend * 14));
        script.scenario.faults.push(Fault { after_calm: true, ..down });
        script.write(other, When::At(start + resend));
        script.read(node, When::At(start + resend * 15));
        start += resend * 28;
    }
}

/// A write that is cut short, and two readers whose majorities have only the first one's node in common.
pub(super) fn write_back(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 5][nth as usize % 2];
    let cut_at = nth / 4 % 16 + 1;
    let mut script = Script::new(pick, n, ms(100), ms(600));
    script.calm(ms(400));
    let cast = script.cast.clone();
    let (writer, first, last) = (cast[0], cast[1], cast[n as usize - 1]);
    // the value before is another write's, or nothing
    let when = match nth / 2 % 2 {
        0 => at(5),
        _ => script.write(last, at(1)).ended(ms(10)),
    };
    script.write(writer, when);
    // the first node sends its last messages to nobody, or to one
    let reached = if pick.percent(30) { cast[1..=n as usize / 2].to_vec() } else { Vec::new() };
    let to = cast[1..].iter().copied().filter(|node| !reached.contains(node)).collect();
    script.fault(sends(writer, cut_at), Harm::Cut { from: vec![writer], to }, Until::After(ms(4)));
    let read = script.read(first, When::At(ms(45)));
    script.part(When::At(ms(40)), &cast[..=n as usize / 2], read.until_it_ends());
    let apart: &[NodeId] = if n == 3 { &cast[..1] } else { &cast[..2] };
    let second = script.read(last, read.ended(SOON));
    script.part(read.ended(Duration::ZERO), apart, second.until_it_ends());
    let again = script.read(first, second.ended(SOON));
    script.reads(again.ended(SOON), &[last, first]);
    script.client(writer).timeout = None;
    script.safe()
}

/// Writers that follow one another, writers at one moment, and two writes at once at one node.
pub(super) fn two_writers(pick: &mut Pick, nth: u32) -> Case {
    let n = [3, 5][nth as usize / 3 % 2];
    let mut script = Script::new(pick, n, ms(100), ms(900));
    script.calm(ms(600));
    let cast = script.cast.clone();
    match nth % 3 {
        0 => {
            // the second writer has heard of none of the first one's writes, and only a majority can tell it
            let mut last = script.write(cast[0], at(5));
            for _ in 0..nth / 6 % 4 {
                last = script.write(cast[0], last.ended(SOON));
            }
            for (from, to) in [(cast[0], cast[1]), (cast[1], cast[0])] {
                script.fault(at(0), Harm::Cut { from: vec![from], to: vec![to] }, last.until_it_ends());
            }
            let write = script.write(cast[1], last.ended(SOON));
            let read = script.read(cast[2], write.ended(SOON));
            script.reads(read.ended(SOON), &cast);
        }
        1 => {
            script.scenario.network = Link::fixed(ms(pick.number(1..=3)));
            script.write(cast[0], at(5));
            script.write(cast[1], at(5));
            if (nth / 6).is_multiple_of(2) {
                let harm = Harm::Cut { from: vec![cast[0]], to: vec![cast[1]] };
                script.fault(at(0), harm, Until::Calm);
                script.fault(at(0), Harm::Cut { from: vec![cast[1]], to: vec![cast[0]] }, Until::Calm);
            }
            script.reads(at(40), &[&cast[..3], &cast[..3]].concat());
        }
        _ => {
            let write = script.write(cast[0], at(5));
            script.write(cast[0], if pick.percent(50) { at(5) } else { write.begun() });
            script.reads(at(40), &[cast[1], cast[2], cast[1], cast[2], cast[0]]);
        }
    }
    script.safe()
}

/// So many effects of a node are followed by a crash, one at a time.
const EFFECTS: u32 = 16;
/// Crashes of one node after each of its effects, of all nodes at once, and inside a sync.
pub(super) const RESTARTS: u32 = 7 * EFFECTS + 32;

pub(super) fn restart(pick: &mut Pick, nth: u32) -> Case {
    let (kind, place) = (nth / EFFECTS, nth % EFFECTS + 1);
    let n = if kind == 5 && nth.is_multiple_of(2) { 1 } else { 3 };
    let mut script = Script::new(pick, n, ms(100), ms(900));
    script.calm(ms(700));
    let cast = script.cast.clone();
    let writer = cast[0];
    let write = script.write(writer, at(5));
    match kind {
        // The writer crashes. Then it writes again, and reaches the one node, the other or both; and then the others are alone.
        0..3 => {
            let (one, other) = (cast[1], cast[2]);
            let missing = pick.percent(50);
            if missing {
                script.part(write.begun(), &[other], write.until_it_ends());
            }
            script.crash(effect(writer, place), writer, DiskLoss::All, ms(5));
            let again = script.write(writer, at(80));
            match kind {
                0 => script.part(again.begun(), &[one], again.until_it_ends()),
                1 => script.part(again.begun(), &[other], again.until_it_ends()),
                _ => {}
            }
            alone(&mut script, again);
        }
        // A replica crashes that is the only one to hear of the update.
        3 | 4 => {
            let (one, other) = (cast[1], cast[2]);
            script.part(at(0), &[other], write.until_it_ends());
            script.crash(
                effect(one, place),
                one,
                if kind == 3 { DiskLoss::All } else { DiskLoss::Drawn },
                ms(5),
            );
            alone(&mut script, write);
        }
        // Everybody crashes: while the write is carried out, or while a read is that saw it.
        5 | 6 => {
            let about = if kind == 5 || n == 1 { writer } else { cast[1] };
            if kind == 6 {
                script.fault(
                    sends(writer, 3),
                    Harm::Isolate { node: Who::Node(writer) },
                    Until::After(ms(4)),
                );
                let read = script.read(about, at(20));
                script.part(at(15), &[cast[2]], read.until_it_ends());
            }
            for &node in &cast {
                script.crash(effect(about, place), node, DiskLoss::All, pick.millis(5..=20));
            }
            let two = [cast.clone(), cast.clone()].concat();
            script.reads(at(100), &two);
        }
        // A crash inside a sync keeps what it likes.
        _ => {
            let (one, other) = (cast[1], cast[2]);
            let before = write;
            let write = script.write(writer, before.ended(ms(5)));
            script.part(before.ended(ms(2)), &[other], write.until_it_ends());
            let syncs = Trigger::Seen(Pattern::of(SeenKind::Syncing).at(one));
            let when = When::On { trigger: syncs, nth: 2, after: us(pick.number(0..=90)) };
            script.crash(when, one, DiskLoss::Drawn, ms(5));
            let reads = alone(&mut script, write);
            script.reads(reads.ended(ms(150)), &[writer, other, one]);
        }
    }
    script.safe()
}
/// Reads at the two others, twice each, while the first one is cut off.
fn alone(script: &mut Script, after: Step) -> Step {
    let (writer, one, other) = (script.cast[0], script.cast[1], script.cast[2]);
    let last = script.reads(after.ended(ms(5)), &[other, one, other, one]).expect("four reads");
    script.part(after.ended(Duration::ZERO), &[writer], last.until_it_ends());
    last
}

/// Halves, doubled answers, answers that come when another question is open.
pub(super) fn counting(pick: &mut Pick, nth: u32) -> Case {
    let kind = nth % 6;
    let n = if kind == 0 { [4, 2, 6][nth as usize / 6 % 3] } else { 5 };
    let mut script = Script::new(pick, n, ms(100), ms(1_000));
    script.calm(ms(500));
    let cast = script.cast.clone();
    match kind {
        0 => {
            script.part(at(0), &cast[..n as usize / 2], Until::Calm);
            let write = script.write(cast[0], at(5));
            let read = script.read(cast[n as usize - 1], write.ended(SOON));
            script.reads(read.ended(SOON), &cast);
        }
        1 => {
            let tail = Tail { chance: Chance::percent(30), max: ms(30) };
            script.scenario.network.latency.tail = Some(tail);
            script.scenario.network.duplication = Chance::percent(60);
            script.part(at(0), &cast[..2], Until::Calm);
            let write = script.ask(cast[0], Some(at(5)), true);
            let other = script.write(cast[2], at(5));
            let read = script.read(cast[3], write.ended(SOON));
            script.reads(other.ended(ms(30)), &[cast[4], cast[1]]);
            script.reads(read.ended(SOON), &cast);
        }
        2 => {
            // phase 2 reaches one other node, and the rest is a majority without the two
            script.write(cast[0], at(5));
            let cut = Harm::Cut { from: vec![cast[0]], to: cast[2..].to_vec() };
            script.fault(sends(cast[0], pick.small(4..=7)), cut, Until::After(ms(100)));
            let read = script.read(cast[2], at(30));
            script.part(at(25), &cast[..2], read.until_it_ends());
            script.reads(read.ended(SOON), &[cast[3], cast[4]]);
        }
        _ => {
            // What two nodes answer to the first operation comes during the second one, which nobody hears of. In some runs
            // the node has crashed in between.
            let crashes = kind == 4;
            let first = script.ask(cast[0], Some(at(5)), pick.percent(70));
            let release = if crashes { pick.number(28_000..=35_000) } else { pick.number(6_000..=21_000) };
            for &late in &cast[3..] {
                let to = Some(cast[0]);
                let harm = Harm::Hold { from: Some(late), to, nth: None, matches: None, what: None };
                script.fault(first.begun(), harm, Until::After(us(release)));
            }
            let cut = Harm::Cut { from: vec![cast[0]], to: cast[1..].to_vec() };
            if crashes {
                script.scenario.network = Link::fixed(ms(1));
                script.crash(When::At(pick.micros(8_400..=12_000)), cast[0], DiskLoss::Drawn, ms(1));
                script.write(cast[0], at(30));
                script.fault(When::At(us(31_500)), cut, Until::After(ms(80)));
            } else {
                script.write(cast[0], first.ended(us(pick.number(0..=500))));
                script.fault(sends(cast[0], pick.small(10..=16)), cut, Until::After(ms(100)));
            }
            script.part(at(45), &cast[..1], Until::After(ms(60)));
            let read = script.read(cast[2], at(50));
            script.reads(read.ended(SOON), &[cast[1], cast[4]]);
        }
    }
    script.safe()
}

/// Clients at random, and everything that can go wrong; or a long life before a power failure; or questions that are asked again.
pub(super) fn linearizable(pick: &mut Pick, nth: u32) -> Case {
    match nth % 16 {
        7 => long_life(pick, nth / 16),
        15 => asked_again(pick, nth / 16),
        _ => at_random(pick, nth),
    }
}
/// So many writes that whatever a node keeps in blocks, or tidies up now and then, was begun anew; then all nodes crash. Who tidies up
/// does it after a round number of writes, and that is the moment in which too much may be gone.
fn long_life(pick: &mut Pick, nth: u32) -> Case {
    let writes = [16, 32, 50, 64, 100, 128][nth as usize % 6];
    let mut script = Script::new(pick, 3, ms(100), ms(4_000));
    let cast = script.cast.clone();
    let mut write = script.write(cast[0], at(5));
    for nth in 1..writes {
        write = script.write(cast[nth as usize % 2], write.ended(us(50)));
    }
    for &node in &cast {
        script.fault(
            write.ended(ms(5)),
            Harm::Crash { node: Who::Node(node), disk: DiskLoss::All },
            Until::After(ms(5)),
        );
    }
    script.reads(write.ended(ms(30)), &cast);
    script.safe()
}
/// The first sendings of the questions of a write are lost, from one of them on. What is stored in the end is what is sent again;
/// and that is all that the others know of, when the writer is gone.
fn asked_again(pick: &mut Pick, nth: u32) -> Case {
    let resend = ms(20);
    let n = [3, 5][nth as usize % 2];
    let mut script = Script::new(pick, n, resend, ms(900));
    let cast = script.cast.clone();
    let (writer, rest) = (cast[0], &cast[1..]);
    let write = script.ask(writer, Some(at(5)), true);
    let cut = Harm::Cut { from: vec![writer], to: rest.to_vec() };
    script.fault(sends(writer, nth / 2 % (2 * n) + 1), cut, Until::After(resend / 4));
    script.client(writer).timeout = None;
    script.part(write.ended(Duration::ZERO), &[writer], Until::Never);
    script.reads(write.ended(SOON), &[rest, rest].concat());
    script.safe()
}
/// Clients at random.
fn at_random(pick: &mut Pick, nth: u32) -> Case {
    let (n, resend) = ([3, 5, 3, 4][nth as usize % 4], ms(20));
    let calm = ms(600);
    let mut script = Script::new(pick, n, resend, calm + resend * 30);
    script.calm(calm);
    let cast = script.cast.clone();
    let network = &mut script.scenario.network;
    *network = Link {
        latency: Latency {
            min: us(500),
            max: ms(pick.number(1..=4)),
            tail: pick
                .percent(60)
                .then(|| Tail { chance: Chance::percent(pick.small(2..=30)), max: ms(pick.number(10..=60)) }),
        },
        loss: Chance::percent(if pick.percent(50) { pick.small(1..=25) } else { 0 }),
        duplication: Chance::percent(if pick.percent(50) { pick.small(1..=40) } else { 0 }),
        ..*network
    };
    for &node in cast.iter().take(pick.small(2..=n.min(5)) as usize) {
        let writes = *pick.one(&[20, 50, 80]);
        for _ in 0..pick.small(5..=10) {
            script.ask(node, None, pick.percent(writes));
        }
        let client = script.client(node);
        client.think = pick.micros(200..=12_000);
        client.timeout = Some(resend * 4);
    }
    let minority = (n as usize - 1) / 2;
    for _ in 0..pick.small(1..=5) {
        let when = if pick.percent(40) {
            let kind =
                *pick.one(&[SeenKind::Replied, SeenKind::Sent, SeenKind::Delivered, SeenKind::Requested]);
            let pattern = Pattern::of(kind).at(*pick.one(&cast));
            When::On { trigger: Trigger::Seen(pattern), nth: pick.small(1..=20), after: pick.micros(0..=500) }
        } else {
            When::At(pick.millis(0..=400))
        };
        let node = *pick.one(&cast);
        let down = Until::After(pick.millis(2..=150));
        let (harm, until) = match pick.small(0..=6) {
            0 | 1 => (
                Harm::Crash {
                    node: Who::Node(cast[pick.small(0..=minority as u32 - 1) as usize]),
                    disk: DiskLoss::Drawn,
                },
                down,
            ),
            2 => (Harm::Pause { node: Who::Node(node) }, Until::After(pick.millis(20..=300))),
            3 => (Harm::Isolate { node: Who::Node(node) }, down),
            4 => {
                let some = cast[..pick.small(1..=n - 1) as usize].to_vec();
                let others = cast[some.len()..].to_vec();
                if pick.percent(50) {
                    (Harm::Partition { groups: vec![some, others] }, down)
                } else {
                    (Harm::Cut { from: some, to: others }, down)
                }
            }
            5 => {
                let slow = Link::between(ms(5), ms(pick.number(10..=80)));
                (Harm::Links(LinkRule { from: Some(node), to: None, link: slow }), down)
            }
            _ => {
                // a power failure
                for &node in &cast {
                    script.crash(when.clone(), node, DiskLoss::All, pick.millis(2..=30));
                }
                continue;
            }
        };
        script.fault(when, harm, until);
    }
    auditors(&mut script, calm + resend * 12);
    script.safe()
}
/// Of each node another client reads, one after another, when all is over.
fn auditors(script: &mut Script, from: Duration) {
    for (place, node) in script.cast.clone().into_iter().enumerate() {
        let read = Operation::at::<Register>(1, from + ms(20) * place as u32, node, &Request::Read);
        script.scenario.clients.push(Client::new(1_000 + node.0, vec![read]));
    }
}

/// One operation at a time on a clean network, and then none.
pub(super) fn cost(pick: &mut Pick, nth: u32) -> Case {
    let (n, resend) = ([3, 5, 7][nth as usize % 3], ms(100));
    let delay = ms(pick.number(2..=10));
    let many = if nth.is_multiple_of(2) { 8 } else { 30 };
    let step = delay * 6 + ms(5);
    let idle = ms(50) + step * many + resend * 10;
    let mut script = Script::new(pick, n, resend, idle + resend * 6);
    script.scenario.network = Link::fixed(delay);
    let cast = script.cast.clone();
    let is_down = nth % 2 == 1;
    if is_down {
        // one node is down: nobody may wait for it, or go on asking it for ever
        script.fault(at(0), Harm::Crash { node: Who::Node(cast[0]), disk: DiskLoss::All }, Until::Never);
    }
    for place in 0..many {
        let when = When::At(ms(50) + step * place);
        let node = cast[1 + place as usize % (cast.len() - 1)];
        script.ask(node, Some(when), pick.percent(50));
    }
    script.scenario.clients.iter_mut().for_each(|client| client.timeout = None);
    let quiet = Promise::Quiet { from: Time::ZERO + idle, resend };
    let promise = if is_down { quiet } else { Promise::Cheap { delay } };
    Case::new(script.scenario, Watch::over(promise))
}
