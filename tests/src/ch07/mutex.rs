//! `mutex`: one inside at a time, in causal order, without waiting for ever, at Lamport's price.

use judge::{Case, Check, Exercise, Kind, Oracle, Pick, Reached, Violation, entry};
use lab::NodeId;
use lab::mutex::{Event, Mutex, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{
    Cause, Chance, Client, End, Fault, Harm, Latency, Link, LinkRule, Matcher, Observation, ObservationId,
    Operation, Pattern, Scenario, Seen, SeenKind, Tail, Time, Trigger, Until, When, World,
};

pub(super) fn exercise() -> Exercise {
    Exercise {
        id: "mutex",
        entry: entry!(ch07_logical_clocks, lab::mutex::exercise::<chapter::mutex::Mutex>()),
        lossless: true,
        checks: vec![
            Check {
                id: "progress",
                promise: "Who asks gets in: after n × (a stay inside + 4 message delays) at the latest.",
                rule: "Lamport 1978, condition III: if every process which is granted the resource eventually releases it, then every \
                       request is eventually granted. Whatever can let a node in (an answer, a release, later word from a slow \
                       peer) must make it look again.",
                assumption: "That somebody in charge will wake whoever waits: here everyone finds out alone.",
                kind: Kind::Liveness,
                xp: 3,
                needs: &[],
                worlds: 48,
                sometimes: &[(WAITED, "No node ever waited for another to leave, so nothing was shown.")],
                case: progress,
                ..Check::PLAIN
            },
            Check {
                id: "exclusion",
                promise: "Never two inside.",
                rule: "Lamport 1978, condition I. A node may enter when its request is the first that it knows of and it has \
                       heard something later from every other node: before that, an earlier request can still be under way.",
                assumption: "That what one has not heard of does not exist: one link is slow.",
                kind: Kind::Safety,
                xp: 6,
                needs: &["progress"],
                worlds: 128,
                sometimes: &[(WAITED, "No node ever waited for another to leave, so nothing was shown.")],
                case: exclusion,
                ..Check::PLAIN
            },
            Check {
                id: "order",
                promise: "If one request could be the cause of another, it is served first.",
                rule: "Lamport 1978, condition II, and its remark on messages that travel outside the system: every message \
                       bears a stamp and moves the clock of whoever takes it, whatever it is about. Concurrent requests may be \
                       served either way round.",
                assumption: "That requests arrive in the order in which they were made: the way around can be the faster one.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["progress"],
                worlds: 48,
                sometimes: &[(
                    CHAINED,
                    "No node asked because of another's request while that one still waited, so nothing was shown.",
                )],
                case: order,
                ..Check::PLAIN
            },
            Check {
                id: "ties",
                promise: "Where all ask at once, all enter, one at a time.",
                rule: "Lamport 1978, the total order ⇒: equal stamps are told apart by the names of their nodes, everywhere in \
                       the same way.",
                assumption: "That somebody is always first: clocks that have seen the same agree to the tick.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 24,
                sometimes: &[(WAITED, "No node ever waited for another to leave, so nothing was shown.")],
                case: ties,
                ..Check::PLAIN
            },
            Check {
                id: "unordered-links",
                promise: "Never two inside, on links that let messages overtake each other too.",
                rule: "Lamport 1978 assumes that messages of one link arrive in the order of their sending. Where the network \
                       does not see to that, the nodes must: number them, or use an algorithm that does without (Ricart and \
                       Agrawala 1981).",
                assumption: "That a link keeps order.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["progress"],
                worlds: 96,
                sometimes: &[
                    (OVERTOOK, "No message ever overtook another, so nothing was shown."),
                    (WAITED, "No node ever waited for another to leave, so nothing was shown."),
                ],
                case: unordered_links,
                ..Check::PLAIN
            },
            Check {
                id: "cost",
                promise: "At most 3 (n − 1) messages an entry, and none while nobody wants to get inside.",
                rule: "Lamport 1978: a request to each of the others, an answer from each, a release to each. Ricart and \
                       Agrawala 1981 need two thirds of that.",
                assumption: "That messages are free.",
                kind: Kind::Cost,
                xp: 2,
                needs: &["progress"],
                worlds: 14,
                sometimes: &[],
                case: cost,
                ..Check::PLAIN
            },
        ],
    }
}

const WAITED: &str = "a node wanted to get inside while another was, and entered after that one had left";
const CHAINED: &str = "a node asked because of a request that still waited";
const OVERTOOK: &str = "a message overtook another";

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
/// A link that keeps order.
fn fifo(min: Duration, max: Duration) -> Link {
    Link { fifo: true, ..Link::between(min, max) }
}
/// A link on which some messages take much longer than others.
fn uneven(pick: &mut Pick, fifo: bool) -> Link {
    let max = ms(pick.number(2..=20));
    let tail = Tail { chance: Chance::percent(pick.small(5..=40)), max: ms(150) };
    Link { latency: Latency { min: ms(1), max, tail: Some(tail) }, fifo, ..Link::fixed(ms(1)) }
}
fn on(pattern: Pattern, nth: u32, after: Duration) -> When {
    When::On { trigger: Trigger::Seen(pattern), nth, after }
}
fn asked(node: NodeId, what: fn(&Request) -> bool) -> Pattern {
    Pattern { matches: Some(Matcher::typed(what)), ..Pattern::of(SeenKind::Requested) }.at(node)
}
fn acquires(node: NodeId) -> Pattern {
    asked(node, |request| *request == Request::Acquire)
}
fn releases(node: NodeId) -> Pattern {
    asked(node, |request| *request == Request::Release)
}
fn enters(node: NodeId) -> Pattern {
    Pattern::emit::<Mutex>(|event| *event == Event::Entered).at(node)
}
fn is_noted(node: NodeId, wanted: u32) -> Pattern {
    Pattern::emit::<Mutex>(move |event| matches!(event, Event::Noted { note, .. } if *note == wanted))
        .at(node)
}
fn operation(id: u32, at: When, to: NodeId, request: Request) -> Operation {
    Operation { at: Some(at), ..Operation::next::<Mutex>(id, to, &request) }
}

/// The client of one node.
struct Visitor {
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
fn nodes(n: u32) -> impl Iterator<Item = NodeId> {
    (1..=n).map(NodeId)
}

fn progress(pick: &mut Pick, nth: u32) -> Case {
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
fn crowd(pick: &mut Pick, scenario: &mut Scenario, rounds: u32, gap_ms: u64, hold_ms: u64) {
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

fn exclusion(pick: &mut Pick, nth: u32) -> Case {
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
            Harm::Hold { from: Some(slow), to: Some(deaf), nth: None, matches: None },
            Until::After(ms(pick.number(50..=300))),
        ));
    } else {
        scenario.network = uneven(pick, true);
        let gap_ms = *pick.one(&[1, 20, 100]);
        crowd(pick, &mut scenario, 4, gap_ms, 40);
    }
    Case::new(scenario, Turns { exclusive: true, ..Turns::default() })
}

fn order(pick: &mut Pick, _nth: u32) -> Case {
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

fn ties(pick: &mut Pick, nth: u32) -> Case {
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

fn unordered_links(pick: &mut Pick, nth: u32) -> Case {
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
            Harm::Hold { from: Some(early), to: Some(late), nth: Some(1), matches: None },
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

fn cost(pick: &mut Pick, nth: u32) -> Case {
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
/// So long after the last one has left everything has been said.
const SETTLED: Duration = Duration::from_millis(200);

/// Follows who asks, who is inside, and what could be the cause of what.
#[derive(Default)]
struct Turns {
    /// Never two inside.
    exclusive: bool,
    /// Causes before effects, and every note arrives.
    in_order: bool,
    /// Everybody enters within this time.
    in_time: Option<Duration>,
    /// Few messages.
    frugal: bool,
    /// A client broke its rules: whatever the nodes do now, it is not their fault.
    void: bool,
    nodes: BTreeMap<NodeId, Turn>,
    asks: Vec<Ask>,
    notes: BTreeMap<u32, Note>,
    /// The last message that was taken, by link.
    links: BTreeMap<(NodeId, NodeId), ObservationId>,
    /// Messages since the first request, and entries.
    frames: u64,
    entries: u64,
    /// When it became quiet: nobody inside, nobody waiting.
    quiet_since: Time,
    reached: Reached,
}
#[derive(Default)]
struct Turn {
    state: State,
    /// What could have caused what happens here next: requests, by their place in `asks`, and the way their news took.
    past: BTreeMap<usize, Vec<NodeId>>,
    left: Option<(Time, ObservationId)>,
}
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Outside,
    Waiting(usize),
    Inside(usize),
}
/// A request to get inside.
struct Ask {
    node: NodeId,
    at: Time,
    asked: ObservationId,
    entered: Option<(Time, ObservationId)>,
    /// Who was inside then, or went inside since.
    behind: Option<NodeId>,
    /// Whom its node has had a message from since.
    heard: BTreeSet<NodeId>,
    past: BTreeMap<usize, Vec<NodeId>>,
}
struct Note {
    from: NodeId,
    to: NodeId,
    at: Time,
    arrived: bool,
    past: BTreeMap<usize, Vec<NodeId>>,
}

impl Turns {
    fn turn(&mut self, node: NodeId) -> &mut Turn {
        self.nodes.entry(node).or_default()
    }
    fn state(&self, node: NodeId) -> State {
        self.nodes.get(&node).map_or(State::Outside, |turn| turn.state)
    }
    /// Who is inside, other than this one, and since when.
    fn inside(&self, but: NodeId) -> Option<(NodeId, (Time, ObservationId))> {
        self.nodes.iter().filter(|(node, _)| **node != but).find_map(|(node, turn)| match turn.state {
            State::Inside(ask) => Some((*node, self.asks[ask].entered?)),
            _ => None,
        })
    }
    fn is_quiet(&self) -> bool {
        self.nodes.values().all(|turn| turn.state == State::Outside)
    }

    fn requested(&mut self, seen: &Observation, request: Request) {
        let (node, at) = (seen.node, seen.at);
        match (request, self.state(node)) {
            (Request::Acquire, State::Outside) => {
                let nth = self.asks.len();
                let behind = self.inside(node).map(|(node, _)| node);
                let past = self.turn(node).past.clone();
                let asked = seen.id;
                self.asks.push(Ask { node, at, asked, entered: None, behind, heard: BTreeSet::new(), past });
                let pending = |ask: &usize| self.asks[*ask].entered.is_none();
                let chained = self.asks[nth].past.iter().any(|(ask, way)| way.len() > 2 && pending(ask));
                self.reached.mark_if(CHAINED, chained);
                let turn = self.turn(node);
                turn.past.insert(nth, vec![node]);
                turn.state = State::Waiting(nth);
            }
            (Request::Release, State::Inside(_)) => {
                let turn = self.turn(node);
                turn.state = State::Outside;
                turn.left = Some((at, seen.id));
                if self.is_quiet() {
                    self.quiet_since = at;
                }
            }
            (Request::Note { to, note }, _) => {
                let past = self.turn(node).past.clone();
                self.notes.insert(note, Note { from: node, to, at, arrived: false, past });
            }
            _ => self.void = true,
        }
    }

    fn entered(&mut self, seen: &Observation) -> Result<(), Violation> {
        let (node, at) = (seen.node, seen.at);
        let State::Waiting(nth) = self.state(node) else {
            let why = match self.state(node) {
                State::Inside(_) => "though it is inside already",
                _ => "though its client has not asked for that",
            };
            return Err(Violation::at(seen, format!("{node} emitted Entered, {why}.")));
        };
        if let Some((other, (since, door))) = self.inside(node)
            && self.exclusive
        {
            let asked = self.asks[nth].at;
            let ignorance = if self.asks[nth].heard.contains(&other) {
                String::new()
            } else {
                format!(" Since then no message from {other} had reached {node}.")
            };
            let sentence = format!(
                "{other} and {node} are both inside: {other} entered at {since} and has not left, and {node}, which \
                 asked at {asked}, entered at {at}.{ignorance}"
            );
            return Err(Violation::at(seen, sentence)
                .because(door, format!("{other} is inside from here on"))
                .because(seen.id, "and now both are"));
        }
        if self.in_order {
            self.must_be_next(seen, nth)?;
        }
        let ask = &mut self.asks[nth];
        ask.entered = Some((at, seen.id));
        let (asked, behind) = (ask.at, ask.behind);
        self.turn(node).state = State::Inside(nth);
        self.entries += 1;
        for other in self.asks.iter_mut().filter(|other| other.entered.is_none()) {
            other.behind = Some(node);
        }
        let waited = behind.is_some_and(|other| !matches!(self.state(other), State::Inside(_)));
        self.reached.mark_if(WAITED, waited);
        match self.in_time {
            Some(bound) if at - asked > bound => Err(Violation::at(
                seen,
                format!("{node} asked at {asked} and entered at {at}. {}", self.due(bound)),
            )),
            _ => Ok(()),
        }
    }
    fn due(&self, bound: Duration) -> String {
        let bound = Time::ZERO + bound;
        format!(
            "With stays and messages as short as in this run, nobody has to wait for longer than {bound}."
        )
    }
    /// Every request that could be the cause of this one has been served.
    fn must_be_next(&self, seen: &Observation, nth: usize) -> Result<(), Violation> {
        let ask = &self.asks[nth];
        let skipped = ask.past.iter().find(|(cause, _)| self.asks[**cause].entered.is_none());
        let Some((cause, way)) = skipped else { return Ok(()) };
        let (first, since) = (self.asks[*cause].node, self.asks[*cause].at);
        let way: Vec<String> = way.iter().map(ToString::to_string).collect();
        let (node, asked) = (ask.node, ask.at);
        let sentence = format!(
            "{node} entered before {first}, whose request could be the cause of its own: {first} asked at {since}, then notes \
             went {}, and only then, at {asked}, did {node} ask.",
            way.join(" → ")
        );
        Err(Violation::at(seen, sentence)
            .because(self.asks[*cause].asked, format!("{first} asks first"))
            .because(ask.asked, format!("{node} asks, knowing of that"))
            .because(seen.id, format!("and enters before {first}")))
    }

    fn noted(&mut self, seen: &Observation, from: NodeId, number: u32) -> Result<(), Violation> {
        let node = seen.node;
        let note = self.notes.get_mut(&number).filter(|note| (note.from, note.to) == (from, node));
        let Some(note) = note else {
            let sentence = format!(
                "{node} emitted that note {number} from {from} arrived, and {from} never sent it that."
            );
            return Err(Violation::at(seen, sentence));
        };
        if note.arrived {
            let sentence =
                format!("{node} emitted twice that note {number} from {from} arrived; it was sent once.");
            return Err(Violation::at(seen, sentence));
        }
        note.arrived = true;
        for (ask, way) in note.past.clone() {
            self.turn(node).past.entry(ask).or_insert_with(|| [way, vec![node]].concat());
        }
        Ok(())
    }

    fn sent(&mut self, seen: &Observation, to: NodeId) -> Result<(), Violation> {
        let node = seen.node;
        if to == node {
            return Ok(());
        }
        self.frames += u64::from(!self.asks.is_empty());
        if self.frugal && self.is_quiet() && seen.at - self.quiet_since > SETTLED {
            let sentence = format!(
                "{node} sent {to} a message at {}, though nobody had been inside or waiting since {}: while nobody wants \
                 to get inside, there is nothing to say.",
                seen.at, self.quiet_since
            );
            return Err(Violation::at(seen, sentence));
        }
        Ok(())
    }
}

impl Oracle for Turns {
    fn see(&mut self, _: &World, seen: &Observation) -> Result<(), Violation> {
        let node = seen.node;
        match &seen.seen {
            _ if self.void => {}
            Seen::Requested { bytes, .. } => {
                let request = lab::frame::decode(bytes).expect("the suite's own request");
                self.requested(seen, request);
            }
            Seen::Delivered { from, .. } => {
                if let State::Waiting(ask) = self.state(node) {
                    self.asks[ask].heard.insert(*from);
                }
                if let Cause::Observation(sending) = seen.cause {
                    let last = self.links.entry((*from, node)).or_insert(sending);
                    self.reached.mark_if(OVERTOOK, sending < *last);
                    *last = sending.max(*last);
                }
            }
            Seen::Sent { to, .. } => self.sent(seen, *to)?,
            Seen::Emitted { .. } => match seen.emitted::<Mutex>() {
                Some(Event::Entered) => self.entered(seen)?,
                Some(Event::Noted { from, note }) => self.noted(seen, from, note)?,
                None => {
                    let sentence = format!("{node} emitted something that is no event of this exercise.");
                    return Err(Violation::at(seen, sentence));
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        if !self.void {
            self.nobody_was_forgotten(world)?;
            self.no_note_was_lost(world)?;
            self.few_messages(world)?;
        }
        reached.clone_from(&self.reached);
        Ok(())
    }
}
impl Turns {
    /// Whether something that began then had all the time that it could want.
    fn is_over(world: &World, since: Time, bound: Duration) -> bool {
        world.end() == Some(&End::Idle) || world.now() - since > bound
    }
    fn nobody_was_forgotten(&self, world: &World) -> Result<(), Violation> {
        let Some(bound) = self.in_time else { return Ok(()) };
        let waits = |ask: &&Ask| ask.entered.is_none() && Turns::is_over(world, ask.at, bound);
        let Some(ask) = self.asks.iter().find(waits) else { return Ok(()) };
        let (node, asked) = (ask.node, ask.at);
        if self.inside(node).is_some() {
            return Ok(()); // who never leaves was never asked to
        }
        let others: Vec<String> = self
            .asks
            .iter()
            .filter(|other| other.entered.is_none() && other.node != node)
            .map(|other| other.node.to_string())
            .collect();
        let left = self.nodes.iter().filter_map(|(node, turn)| Some((turn.left?, *node))).max();
        let wait = |others: &[String]| match others {
            [one] => format!("{one} waits, too"),
            several => format!("{} wait, too", several.join(", ")),
        };
        let why = match (&others[..], left) {
            ([], Some(((when, _), last))) => {
                format!("nobody is inside any more, since {last} left at {when}, and nobody else waits")
            }
            ([], None) => "nobody else ever was inside or waiting".to_owned(),
            (others, Some(((when, _), last))) => {
                format!("{}, and nobody is inside since {last} left at {when}", wait(others))
            }
            (others, None) => format!("{}, and nobody ever was inside", wait(others)),
        };
        let violation = Violation::never(format!("{node} asked at {asked} and never entered: {why}."))
            .because(ask.asked, format!("{node} waits from here on"));
        Err(match left {
            Some(((_, leaves), last)) => violation.because(leaves, format!("{last} leaves")),
            None => violation,
        })
    }
    fn no_note_was_lost(&self, world: &World) -> Result<(), Violation> {
        let lost = |note: &(&u32, &Note)| !note.1.arrived && Turns::is_over(world, note.1.at, ms(2_000));
        match self.notes.iter().find(lost) {
            Some((number, note)) if self.in_order => Err(Violation::never(format!(
                "{} was asked to send {} note {number}, at {}, and {} never emitted that it arrived.",
                note.from, note.to, note.at, note.to
            ))),
            _ => Ok(()),
        }
    }
    fn few_messages(&self, world: &World) -> Result<(), Violation> {
        let each = 3 * (world.scenario().nodes.len() as u64 - 1);
        if !self.frugal || self.frames <= each * self.entries {
            return Ok(());
        }
        let (frames, entries, n) = (self.frames, self.entries, world.scenario().nodes.len());
        Err(Violation::never(format!(
            "{n} nodes sent each other {frames} messages for {entries} entries: more than 3 (n − 1) = {each} for each."
        )))
    }
}
