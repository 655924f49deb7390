//! `mutex`: the runs in which the promises are hard to keep.

use super::oracle::*;
use judge::{Case, Pick};
use kit::ms;
use lab::NodeId;
use lab::mutex::{Event, Mutex, Request};
use std::time::Duration;
use world::{
    Chance, Client, Fault, Harm, Latency, Link, LinkRule, Matcher, Operation, Pattern, Scenario, SeenKind,
    Tail, Trigger, Until, When,
};

/// A link that keeps order.
pub(super) fn fifo(min: Duration, max: Duration) -> Link {
    Link { fifo: true, ..Link::between(min, max) }
}
/// A link on which some messages take much longer than others.
pub(super) fn uneven(pick: &mut Pick, fifo: bool) -> Link {
    let max = ms(pick.number(2..=20));
    let tail = Tail { chance: Chance::percent(pick.small(5..=40)), max: ms(150) };
    Link { latency: Latency { min: ms(1), max, tail: Some(tail) }, fifo, ..Link::fixed(ms(1)) }
}
pub(super) fn on(pattern: Pattern, nth: u32, after: Duration) -> When {
    When::On { trigger: Trigger::Seen(pattern), nth, after }
}
pub(super) fn asked(node: NodeId, what: fn(&Request) -> bool) -> Pattern {
    Pattern { matches: Some(Matcher::typed(what)), ..Pattern::of(SeenKind::Requested) }.at(node)
}
pub(super) fn acquires(node: NodeId) -> Pattern {
    asked(node, |request| *request == Request::Acquire)
}
pub(super) fn releases(node: NodeId) -> Pattern {
    asked(node, |request| *request == Request::Release)
}
pub(super) fn enters(node: NodeId) -> Pattern {
    Pattern::emit::<Mutex>(|event| *event == Event::Entered).at(node)
}
pub(super) fn is_noted(node: NodeId, wanted: u32) -> Pattern {
    Pattern::emit::<Mutex>(move |event| matches!(event, Event::Noted { note, .. } if *note == wanted))
        .at(node)
}
pub(super) fn operation(id: u32, at: When, to: NodeId, request: Request) -> Operation {
    Operation { at: Some(at), ..Operation::next::<Mutex>(id, to, &request) }
}

/// The client of one node.
pub(super) struct Visitor {
    node: NodeId,
    operations: Vec<Operation>,
    visits: u32,
}
impl Visitor {
    fn of(node: NodeId) -> Visitor {
        Visitor { node, operations: Vec::new(), visits: 0 }
    }
    fn ask(&mut self, at: When, request: Request) {
        let id = u32::try_from(self.operations.len()).expect("few operations") + 1;
        self.operations.push(operation(id, at, self.node, request));
    }
    /// Acquires at a time; releases when `leave` says so, or so long after it has entered.
    fn visit(&mut self, at: When, hold: Duration) {
        self.visits += 1;
        self.ask(at, Request::Acquire);
        self.ask(on(enters(self.node), self.visits, hold), Request::Release);
    }
    /// Again, so long after it has left.
    fn visit_again(&mut self, gap: Duration, hold: Duration) {
        let at = on(releases(self.node), self.visits, gap);
        self.visit(at, hold);
    }
    fn client(self) -> Client {
        Client::new(self.node.0, self.operations)
    }
}
pub(super) fn nodes(n: u32) -> impl Iterator<Item = NodeId> {
    (1..=n).map(NodeId)
}

pub(super) fn progress(pick: &mut Pick, nth: u32) -> Case {
    let n = pick.small(2..=6);
    let (delay_max, hold_max) = (ms(pick.number(2..=20)), ms(pick.number(1..=30)));
    let bound = (hold_max + delay_max * 4) * n;
    let rounds = 4;
    let mut scenario = Scenario::cluster::<Mutex>(n, &(), bound * (2 * rounds) + ms(1_000));
    scenario.network = fifo(ms(1), delay_max);
    let hold = |pick: &mut Pick| pick.micros(0..=hold_max.as_micros() as u64);
    if nth.is_multiple_of(4) {
        // one at a time, with nobody else about
        let mut at = ms(10);
        for node in nodes(n) {
            let mut visitor = Visitor::of(node);
            visitor.visit(When::At(at), hold(pick));
            at += bound;
            scenario.clients.push(visitor.client());
        }
    } else {
        // all the time, all of them
        for node in nodes(n) {
            let mut visitor = Visitor::of(node);
            let hold_first = hold(pick);
            visitor.visit(When::At(pick.micros(5_000..=40_000)), hold_first);
            for _ in 1..rounds {
                let hold = hold(pick);
                visitor.visit_again(pick.micros(0..=3_000), hold);
            }
            scenario.clients.push(visitor.client());
        }
    }
    Case::new(scenario, Turns { in_time: Some(bound), ..Turns::default() })
}

/// Nodes that come and go at random.
pub(super) fn crowd(pick: &mut Pick, scenario: &mut Scenario, rounds: u32, gap_ms: u64, hold_ms: u64) {
    for spec in scenario.nodes.clone() {
        let mut visitor = Visitor::of(spec.id);
        let (at, hold) = (pick.micros(5_000..=60_000), pick.micros(500..=hold_ms * 1_000));
        visitor.visit(When::At(at), hold);
        for _ in 1..rounds {
            let (gap, hold) = (pick.micros(0..=gap_ms * 1_000), pick.micros(500..=hold_ms * 1_000));
            visitor.visit_again(gap, hold);
        }
        scenario.clients.push(visitor.client());
    }
}

pub(super) fn exclusion(pick: &mut Pick, nth: u32) -> Case {
    let n = pick.small(2..=6);
    let mut scenario = Scenario::cluster::<Mutex>(n, &(), ms(60_000));
    if nth.is_multiple_of(2) {
        // one link stands still while two nodes or more want to get inside
        scenario.network = fifo(ms(1), ms(3));
        let mut order: Vec<NodeId> = nodes(n).collect();
        pick.shuffle(&mut order);
        let (slow, deaf) = (order[0], order[1]);
        let wanting = pick.small(2..=n) as usize;
        for node in order.into_iter().take(wanting) {
            let mut visitor = Visitor::of(node);
            visitor.visit(When::At(pick.micros(20_000..=24_000)), ms(60));
            scenario.clients.push(visitor.client());
        }
        scenario.faults.push(Fault::new(
            When::At(pick.micros(15_000..=26_000)),
            Harm::Hold { from: Some(slow), to: Some(deaf), nth: None, matches: None, what: None },
            Until::After(ms(pick.number(50..=300))),
        ));
    } else {
        scenario.network = uneven(pick, true);
        let gap_ms = *pick.one(&[1, 20, 100]);
        crowd(pick, &mut scenario, 4, gap_ms, 40);
    }
    Case::new(scenario, Turns { exclusive: true, ..Turns::default() })
}

pub(super) fn order(pick: &mut Pick, _nth: u32) -> Case {
    let hops = pick.small(1..=2);
    let n = 3 + hops;
    let mut cast: Vec<NodeId> = nodes(n).collect();
    pick.shuffle(&mut cast);
    let (inside, first, second) = (cast[0], cast[1], cast[2]);
    let mut scenario = Scenario::cluster::<Mutex>(n, &(), ms(20_000));
    scenario.network = fifo(ms(1), ms(3));
    // what the first says to the second takes its time
    let slow = fifo(ms(150), ms(250));
    scenario.links.push(LinkRule { from: Some(first), to: Some(second), link: slow });
    // somebody is inside until the second has asked, too
    let mut host = Visitor::of(inside);
    host.ask(When::At(ms(10)), Request::Acquire);
    host.ask(on(acquires(second), 1, ms(pick.number(5..=30))), Request::Release);
    scenario.clients.push(host.client());
    // the first has had more to do than the others: its clock is ahead of theirs
    let mut asker = Visitor::of(first);
    let busy = pick.small(4..=12);
    for note in 1..=busy {
        asker.ask(When::At(ms(20) + pick.micros(0..=5_000)), Request::Note { to: cast[3], note: 100 + note });
    }
    asker.visit(on(enters(inside), 1, ms(30)), ms(10));
    // it asks, and then tells, by way of others, the second, which asks because of that
    let mut note = 1;
    asker.ask(on(acquires(first), 1, pick.micros(0..=2_000)), Request::Note { to: cast[3], note });
    scenario.clients.push(asker.client());
    for hop in 0..hops as usize {
        let (via, to) = (cast[3 + hop], cast.get(4 + hop).copied().unwrap_or(second));
        let mut messenger = Visitor::of(via);
        let heard = on(is_noted(via, note), 1, pick.micros(0..=1_000));
        note += 1;
        messenger.ask(heard, Request::Note { to, note });
        scenario.clients.push(messenger.client());
    }
    let mut follower = Visitor::of(second);
    follower.visit(on(is_noted(second, note), 1, pick.micros(0..=2_000)), ms(10));
    scenario.clients.push(follower.client());
    Case::new(scenario, Turns { in_order: true, ..Turns::default() })
}

pub(super) fn ties(pick: &mut Pick, nth: u32) -> Case {
    let n = 2 + nth % 6;
    let mut scenario = Scenario::cluster::<Mutex>(n, &(), ms(20_000));
    scenario.network = if nth < 6 { fifo(ms(2), ms(2)) } else { fifo(ms(1), ms(pick.number(2..=15))) };
    for node in nodes(n) {
        let mut visitor = Visitor::of(node);
        visitor.visit(When::At(ms(5)), pick.micros(0..=20_000));
        visitor.visit(When::At(ms(5_000)), pick.micros(0..=20_000));
        scenario.clients.push(visitor.client());
    }
    // generous: what matters here is that it happens at all
    Case::new(scenario, Turns { exclusive: true, in_time: Some(ms(4_000)), ..Turns::default() })
}

pub(super) fn unordered_links(pick: &mut Pick, nth: u32) -> Case {
    let n = pick.small(3..=5);
    let mut scenario = Scenario::cluster::<Mutex>(n, &(), ms(60_000));
    if nth.is_multiple_of(3) {
        // The request of one stays behind, and what it says later overtakes it; the other's clock is ahead.
        scenario.network = Link::between(ms(1), ms(3));
        let mut cast: Vec<NodeId> = nodes(n).collect();
        pick.shuffle(&mut cast);
        let (early, late) = (cast[0], cast[1]);
        scenario.faults.push(Fault::new(
            When::At(ms(1)),
            Harm::Hold { from: Some(early), to: Some(late), nth: Some(1), matches: None, what: None },
            Until::After(ms(400)),
        ));
        let mut visitor = Visitor::of(early);
        visitor.visit(When::At(ms(20)), ms(60));
        scenario.clients.push(visitor.client());
        let mut visitor = Visitor::of(late);
        for note in 1..=pick.small(4..=8) {
            visitor.ask(When::At(ms(10)), Request::Note { to: cast[2], note });
        }
        visitor.visit(When::At(ms(20) + pick.micros(0..=500)), ms(60));
        scenario.clients.push(visitor.client());
    } else {
        // Whoever leaves asks again at once: the new request can overtake the old release.
        scenario.network = uneven(pick, false);
        let gap_ms = *pick.one(&[0, 1, 20]);
        crowd(pick, &mut scenario, 5, gap_ms, 30);
    }
    Case::new(scenario, Turns { exclusive: true, ..Turns::default() })
}

pub(super) fn cost(pick: &mut Pick, nth: u32) -> Case {
    let n = 3 + nth % 7;
    let mut scenario = Scenario::cluster::<Mutex>(n, &(), ms(30_000));
    scenario.network = fifo(ms(1), ms(5));
    // a crowd, then, when all is quiet, one alone
    for node in nodes(n) {
        let mut visitor = Visitor::of(node);
        visitor.visit(When::At(ms(1_000) + pick.micros(0..=20_000)), ms(2));
        visitor.visit_again(pick.micros(0..=20_000), ms(2));
        visitor.visit(When::At(ms(10_000 + 1_000 * u64::from(node.0))), ms(2));
        scenario.clients.push(visitor.client());
    }
    Case::new(scenario, Turns { frugal: true, ..Turns::default() })
}
