//! `lamport`: the clock condition, the total order, restarts, and what stamps cannot tell.

use super::{EVERY_EFFECT, crashes, other};
use crate::answers::{Answer, Heard};
use crate::runs::{RunEvent, lamport_run};
use judge::{Case, Check, Exercise, Kind, Oracle, Pick, Reached, Violation, entry};
use lab::NodeId;
use lab::lamport::{Clock, Event, Inference, MAY_HAVE_CAUSED, Order, Request, Stamp, Stamped, TOTAL_ORDER};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{
    Cause, Chance, Client, ClockSpec, Latency, Link, NodeSpec, Observation, ObservationId, Operation,
    OperationId, Scenario, Seen, Tail, When, World,
};

pub(super) fn exercise() -> Exercise {
    Exercise {
        id: "lamport",
        entry: entry!(
            ch07_logical_clocks,
            lab::lamport::exercise::<chapter::lamport::Clock>(
                chapter::lamport::total_order,
                chapter::lamport::may_have_caused
            )
        ),
        lossless: false,
        checks: vec![
            Check {
                id: "clock-condition",
                promise: "If one event could affect another, its stamp is smaller.",
                rule: "Lamport 1978, the clock condition: a → b implies C(a) < C(b). Tick before every event; on a receive, \
                       first move up to the stamp that the message carries.",
                assumption: "That messages arrive at clocks that agree: a receiver may be behind, level, or ahead.",
                kind: Kind::Safety,
                xp: 5,
                needs: &[],
                worlds: 64,
                sometimes: &[
                    (
                        BEHIND,
                        "No message ever reached a node whose clock was behind the sender's, so nothing was shown.",
                    ),
                    (
                        AHEAD,
                        "No message ever reached a node whose clock was ahead of the sender's, so nothing was shown.",
                    ),
                ],
                case: clock_condition,
                ..Check::PLAIN
            },
            Check {
                id: "total-order",
                promise: "Every two events have an order, the same wherever it is asked for, and it never puts an effect before its cause.",
                rule: "Lamport 1978, the total order ⇒: by stamp, and by node where stamps are equal. Any fixed order of \
                       the nodes will do.",
                assumption: "That two events never bear the same stamp: on two nodes they often do.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["clock-condition"],
                worlds: 64,
                sometimes: &[(TIES, "No two events bore the same stamp, so nothing was shown.")],
                case: total_order,
                ..Check::PLAIN
            },
            Check {
                id: "restart",
                promise: "A stamp that has left a node is below all its later stamps, whatever crash comes between.",
                rule: "Lamport 1978, the clock condition, on one node: events before a crash come before events after it. \
                       What is remembered must be durable before anyone can see it: save, sync, then emit and send.",
                assumption: "That a node remembers: a crash takes all that was not synced.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["clock-condition"],
                worlds: 128,
                sometimes: &[(RESTARTED, "No node gave a stamp after a restart, so nothing was shown.")],
                case: restart,
                ..Check::PLAIN
            },
            Check {
                id: "inference",
                promise: "From two stamps alone one can rule out that one event caused the other, and never be sure that it did.",
                rule: "Lamport 1978: a → b implies C(a) < C(b); the converse does not hold. C(a) ≥ C(b) rules a → b out; C(a) < C(b) \
                       leaves it open, unless both events are of one node.",
                assumption: "That a smaller stamp means an earlier event: of concurrent events either may have it.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["clock-condition"],
                worlds: 64,
                sometimes: &[(
                    CONCURRENT,
                    "No two concurrent events had different stamps, so nothing was shown.",
                )],
                case: inference,
                ..Check::PLAIN
            },
            Check {
                id: "logical",
                promise: "Stamps count events, not time.",
                rule: "Lamport 1978: a logical clock is a counter; it needs no hand on a wall. The bound here is generous: 100 for each \
                       event so far, and 1,000 for each start of a node.",
                assumption: "That clocks on walls agree and only go forward.",
                kind: Kind::Cost,
                xp: 2,
                needs: &["clock-condition"],
                worlds: 16,
                sometimes: &[],
                case: logical,
                ..Check::PLAIN
            },
        ],
    }
}

const BEHIND: &str = "a message reached a clock that was behind";
const AHEAD: &str = "a message reached a clock that was ahead";
const RESTARTED: &str = "a node gave a stamp after a restart";
const TIES: &str = "two events bore the same stamp";
const CONCURRENT: &str = "two concurrent events had different stamps";

/// Requests at nodes 1 to `nodes`, at random times up to `within`.
fn busy(pick: &mut Pick, nodes: u32, count: u32, within: Duration) -> Client {
    let operations = (1..=count).map(|id| {
        let at = pick.small(1..=nodes);
        let request =
            if pick.percent(40) { Request::Local } else { Request::Send { to: other(pick, at, nodes) } };
        let when = pick.micros(1_000..=within.as_micros() as u64);
        Operation::at::<Clock>(id, when, NodeId(at), &request)
    });
    Client::new(1, operations.collect())
}
/// Latencies with a long tail; sometimes loss and duplicates too.
fn unruly(pick: &mut Pick) -> Link {
    let ms = Duration::from_millis;
    let tail = Tail { chance: Chance::percent(pick.small(0..=40)), max: ms(400) };
    Link {
        latency: Latency { min: ms(1), max: ms(20), tail: Some(tail) },
        loss: Chance::percent(if pick.percent(50) { 10 } else { 0 }),
        duplication: Chance::percent(if pick.percent(50) { 10 } else { 0 }),
        ..Link::fixed(ms(1))
    }
}
/// Clocks on walls that are wrong by up to a minute.
fn wrong_walls(pick: &mut Pick, scenario: &mut Scenario) {
    for node in &mut scenario.nodes {
        let offset_ms = i64::try_from(pick.number(0..=120_000)).expect("small") - 60_000;
        node.clock = ClockSpec { offset_ns: offset_ms * 1_000_000, drift_ppm: 0 };
    }
}

fn clock_condition(pick: &mut Pick, nth: u32) -> Case {
    let ms = Duration::from_millis;
    let nodes = if nth == 0 { 2 } else { pick.small(2..=6) };
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), ms(3_000));
    if nth == 0 {
        // n1 runs ahead, and tells n2, which is behind, level, and then ahead itself.
        let (one, two) = (NodeId(1), NodeId(2));
        let script = [
            (one, Request::Local),
            (one, Request::Local),
            (one, Request::Send { to: two }),
            (one, Request::Send { to: two }),
            (two, Request::Local),
            (two, Request::Local),
            (one, Request::Send { to: two }),
            (two, Request::Send { to: one }),
        ];
        let operations = (1..)
            .zip(script)
            .map(|(id, (node, request))| Operation::at::<Clock>(id, ms(10 * u64::from(id)), node, &request));
        scenario.clients.push(Client::new(1, operations.collect()));
    } else {
        scenario.network = unruly(pick);
        wrong_walls(pick, &mut scenario);
        let count = pick.small(20..=60);
        scenario.clients.push(busy(pick, nodes, count, ms(1_000)));
    }
    Case::new(scenario, Clocks::default())
}

fn restart(pick: &mut Pick, nth: u32) -> Case {
    let ms = Duration::from_millis;
    let nodes = 3;
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), ms(4_000));
    scenario.network = Link::between(ms(1), ms(15));
    let count = if nth < EVERY_EFFECT { 24 } else { pick.small(20..=50) };
    scenario.clients.push(busy(pick, nodes, count, ms(1_000)));
    scenario.faults = crashes(pick, nodes, nth);
    Case::new(scenario, Clocks { crashes: true, ..Clocks::default() })
}
fn logical(pick: &mut Pick, _nth: u32) -> Case {
    let ms = Duration::from_millis;
    let nodes = pick.small(2..=5);
    let mut scenario = Scenario::cluster::<Clock>(nodes, &(), ms(30_000));
    scenario.network = Link::between(ms(1), ms(15));
    wrong_walls(pick, &mut scenario);
    scenario.clients.push(busy(pick, nodes, 200, ms(20_000)));
    Case::new(scenario, Clocks { bounded: true, ..Clocks::default() })
}

/// Follows real clocks: what each node emitted, and what was asked of it.
#[derive(Default)]
struct Clocks {
    crashes: bool,
    bounded: bool,
    nodes: BTreeMap<NodeId, NodeLog>,
    events: u64,
    starts: u64,
    /// Frames that left in the handling of a request to send.
    frames: BTreeMap<ObservationId, ObservationId>,
    /// Frames by the delivery that brought them.
    deliveries: BTreeMap<ObservationId, ObservationId>,
    /// Requests to send of which a frame was handed to the receiver.
    arrived: BTreeSet<ObservationId>,
    /// Receipts of stamps that no sending had been emitted with: the sender lies, or crashed before it emitted it, or
    /// emits it later.
    orphans: Vec<Orphan>,
    reached: Reached,
}
#[derive(Default)]
struct NodeLog {
    /// Every stamp it gave, with the place in the run.
    given: Vec<(ObservationId, Stamp, &'static str)>,
    /// Its sendings: to whom, with which stamp.
    sent: BTreeSet<(NodeId, Stamp)>,
    received: BTreeSet<(NodeId, Stamp)>,
    asked: BTreeMap<ObservationId, Request>,
    /// Which sending a request to send led to.
    sendings: BTreeMap<ObservationId, Stamp>,
    locals: (u32, u32),
    sends: BTreeMap<NodeId, (u32, u32)>,
    crashed: bool,
}
struct Orphan {
    receipt: ObservationId,
    receiver: NodeId,
    sender: NodeId,
    stamp: Stamp,
    frame: Option<ObservationId>,
}

impl Clocks {
    fn log(&mut self, node: NodeId) -> &mut NodeLog {
        self.nodes.entry(node).or_default()
    }
    /// A node gave a stamp: it must be above all it gave before, and within bounds.
    fn give(&mut self, seen: &Observation, what: &'static str, stamp: Stamp) -> Result<(), Violation> {
        self.events += 1;
        let node = seen.node;
        let (events, starts, bounded) = (self.events, self.starts, self.bounded);
        let log = self.log(node);
        if let Some((_, last, before)) = log.given.last()
            && stamp <= *last
        {
            let then = if log.crashed {
                format!("{node} stamped {before} {last}, crashed, and then stamped {what} {stamp}")
            } else {
                format!("{node} stamped {before} {last} and then, later, {what} {stamp}")
            };
            return Err(Violation::at(seen, format!("{then}: the later event must bear the larger stamp.")));
        }
        log.given.push((seen.id, stamp, what));
        if log.crashed {
            self.reached.mark(RESTARTED);
        }
        let bound = 100 * events + 1_000 * starts;
        if bounded && stamp > bound {
            let sentence = format!(
                "{node} stamped {what} {stamp}, though only {events} events had happened in all: that is no count of events."
            );
            return Err(Violation::at(seen, sentence));
        }
        Ok(())
    }

    fn emitted(&mut self, seen: &Observation, event: Event) -> Result<(), Violation> {
        let node = seen.node;
        let uncalled =
            |what: &str| Violation::at(seen, format!("{node} emitted {what} that nobody asked for."));
        match event {
            Event::Local { stamp } => {
                let log = self.log(node);
                log.locals.1 += 1;
                if log.locals.1 > log.locals.0 {
                    return Err(uncalled("a local event"));
                }
                self.give(seen, "a local event", stamp)
            }
            Event::Sent { to, stamp } => {
                let log = self.log(node);
                let count = log.sends.entry(to).or_default();
                count.1 += 1;
                if count.1 > count.0 {
                    return Err(uncalled(&format!("a sending to {to}")));
                }
                log.sent.insert((to, stamp));
                if let Cause::Observation(handling) = seen.cause
                    && log.asked.contains_key(&handling)
                {
                    log.sendings.insert(handling, stamp);
                }
                self.give(seen, "a sending", stamp)
            }
            Event::Received { from, sent, stamp } => {
                if stamp <= sent {
                    let sentence = format!(
                        "{node} received a message that {from} had stamped {sent}, and stamped the receipt {stamp}: an \
                         effect must bear a larger stamp than its cause."
                    );
                    return Err(Violation::at(seen, sentence));
                }
                let before = self.log(node).given.last().map_or(0, |(_, stamp, _)| *stamp);
                self.reached.mark_if(BEHIND, before < sent);
                self.reached.mark_if(AHEAD, before > sent);
                self.log(node).received.insert((from, sent));
                if !self.log(from).sent.contains(&(node, sent)) {
                    let frame = self.frame_behind(seen);
                    let receipt = seen.id;
                    self.orphans.push(Orphan { receipt, receiver: node, sender: from, stamp: sent, frame });
                }
                self.give(seen, "a receipt", stamp)
            }
        }
    }
    /// The frame that the event being handled brought, if it is a delivery.
    fn frame_behind(&self, seen: &Observation) -> Option<ObservationId> {
        let Cause::Observation(handling) = seen.cause else { return None };
        self.deliveries.get(&handling).copied()
    }
}

impl Oracle for Clocks {
    fn see(&mut self, _: &World, seen: &Observation) -> Result<(), Violation> {
        match &seen.seen {
            Seen::Started { .. } => self.starts += 1,
            Seen::Crashed => self.log(seen.node).crashed = true,
            Seen::Requested { bytes, .. } => {
                let request: Request = lab::frame::decode(bytes).expect("the suite's own request");
                let log = self.log(seen.node);
                match request {
                    Request::Local => log.locals.0 += 1,
                    Request::Send { to } => log.sends.entry(to).or_default().0 += 1,
                }
                log.asked.insert(seen.id, request);
            }
            Seen::Sent { .. } => {
                if let Cause::Observation(handling) = seen.cause {
                    self.frames.insert(seen.id, handling);
                }
            }
            Seen::Delivered { .. } => {
                if let Cause::Observation(frame) = seen.cause {
                    self.deliveries.insert(seen.id, frame);
                    if let Some(handling) = self.frames.get(&frame) {
                        self.arrived.insert(*handling);
                    }
                }
            }
            Seen::Emitted { .. } => match seen.emitted::<Clock>() {
                Some(event) => self.emitted(seen, event)?,
                None => {
                    let sentence =
                        format!("{} emitted something that is no event of this exercise.", seen.node);
                    return Err(Violation::at(seen, sentence));
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, _: &World, reached: &mut Reached) -> Result<(), Violation> {
        for orphan in &self.orphans {
            let Orphan { receipt, receiver, sender, stamp, .. } = orphan;
            let sender_log = self.nodes.get(sender);
            if sender_log.is_some_and(|log| log.sent.contains(&(*receiver, *stamp))) {
                continue; // it was emitted after it was sent
            }
            if !sender_log.is_some_and(|log| log.crashed) {
                let sentence = format!(
                    "{receiver} says that a message from {sender} carried stamp {stamp}, but {sender} emitted no sending to \
                     {receiver} with that stamp: the message carries the stamp of its sending."
                );
                return Err(Violation { at: Some(*receipt), ..Violation::never(sentence) });
            }
            let Some(frame) = orphan.frame else { continue };
            let later = self.nodes[sender].given.iter().find(|(at, later, _)| *at > frame && later <= stamp);
            if let Some((at, later, what)) = later {
                let sentence = format!(
                    "{sender} sent {receiver} a message with stamp {stamp}, crashed, and then stamped {what} {later}: the stamp had \
                     left the node before it was durable."
                );
                return Err(Violation { at: Some((*at).max(*receipt)), ..Violation::never(sentence) });
            }
        }
        if !self.crashes {
            self.all_done()?;
        }
        reached.clone_from(&self.reached);
        Ok(())
    }
}
impl Clocks {
    /// Everything that was asked for happened.
    fn all_done(&self) -> Result<(), Violation> {
        for (node, log) in &self.nodes {
            let (asked, done) = log.locals;
            if done < asked {
                return Err(Violation::never(format!(
                    "{node} was asked for {asked} local events and emitted {done}: each must be emitted with its stamp."
                )));
            }
            for (to, (asked, done)) in &log.sends {
                if done < asked {
                    return Err(Violation::never(format!(
                        "{node} was asked to send {asked} messages to {to} and emitted {done} sendings: each must be emitted \
                         with its stamp."
                    )));
                }
            }
            for (handling, stamp) in &log.sendings {
                let Some(Request::Send { to }) = log.asked.get(handling) else { continue };
                let received =
                    self.nodes.get(to).is_some_and(|there| there.received.contains(&(*node, *stamp)));
                if self.arrived.contains(handling) && !received {
                    return Err(Violation::never(format!(
                        "{to} got the message that {node} had stamped {stamp}, and never emitted that it received it."
                    )));
                }
            }
        }
        if self.nodes.values().any(|log| !log.sent.is_empty()) && self.arrived.is_empty() {
            return Err(Violation::never(
                "Sendings were emitted, but no message ever arrived: a sending must also send.",
            ));
        }
        Ok(())
    }
}

/// Asks a function about pairs of events of a made-up run.
fn ask(scenario: &mut Scenario, to: NodeId, client: u32, pairs: &[(Stamped, Stamped)]) {
    let operations = (1..).zip(pairs).map(|(id, pair)| Operation {
        id: OperationId(id),
        at: (id == 1).then_some(When::At(Duration::from_millis(1))),
        to: vec![to],
        request: lab::frame::encode(pair),
    });
    scenario.clients.push(Client::new(client, operations.collect()));
}
fn stamped(event: &RunEvent) -> Stamped {
    Stamped { stamp: event.stamp, node: event.node }
}
/// All pairs of two different events, both ways round.
fn pairs(run: &[RunEvent]) -> Vec<(usize, usize)> {
    let places = 0..run.len();
    places.clone().flat_map(|a| places.clone().filter(move |b| a != *b).map(move |b| (a, b))).collect()
}

fn function_case(pick: &mut Pick, role: &'static str, askers: u32, judge: JudgeAnswers) -> Case {
    let nodes = pick.small(2..=6);
    let leaps = pick.percent(30);
    let run = lamport_run(pick, nodes, 16, leaps);
    let mut pairs = pairs(&run);
    pick.shuffle(&mut pairs);
    let asked: Vec<(Stamped, Stamped)> =
        pairs.iter().map(|(a, b)| (stamped(&run[*a]), stamped(&run[*b]))).collect();
    let specs = (1..=askers).map(|id| NodeSpec::function(NodeId(id), role)).collect();
    let mut scenario = Scenario::new(specs, Duration::from_secs(1));
    (1..=askers).for_each(|id| ask(&mut scenario, NodeId(id), id, &asked));
    Case::new(scenario, Answers { run, pairs, askers, heard: Heard::default(), judge })
}

type JudgeAnswers = fn(&Answers, &mut Reached) -> Result<(), Violation>;

/// Collects what a function answered about the pairs of a run.
struct Answers {
    run: Vec<RunEvent>,
    pairs: Vec<(usize, usize)>,
    askers: u32,
    heard: Heard,
    judge: JudgeAnswers,
}
impl Answers {
    fn answer<T: lab::Wire>(&self, asker: u32, pair: usize) -> Result<Option<Answer<T>>, Violation> {
        self.heard.answer(asker, u32::try_from(pair).expect("few pairs") + 1)
    }
}
impl Oracle for Answers {
    fn see(&mut self, _: &World, seen: &Observation) -> Result<(), Violation> {
        self.heard.see(seen);
        Ok(())
    }
    fn end(&mut self, _: &World, reached: &mut Reached) -> Result<(), Violation> {
        (self.judge)(self, reached)
    }
}

fn total_order(pick: &mut Pick, _nth: u32) -> Case {
    function_case(pick, TOTAL_ORDER, 2, judge_total_order)
}
fn judge_total_order(answers: &Answers, reached: &mut Reached) -> Result<(), Violation> {
    // who comes before whom, by whose answer
    let mut known: BTreeMap<(usize, usize), Answer<Order>> = BTreeMap::new();
    for (nth, (a, b)) in answers.pairs.iter().enumerate() {
        let (first, second) = (&answers.run[*a], &answers.run[*b]);
        let (one, two) = (first.shown(), second.shown());
        let mut asked = (1..=answers.askers).map(|asker| answers.answer::<Order>(asker, nth));
        let here = asked.next().transpose()?.flatten();
        let there = asked.next().transpose()?.flatten();
        let answer = match (here, there) {
            (None, None) => continue,
            (Some(here), Some(there)) if here.said != there.said => {
                let sentence = format!(
                    "total_order({one}, {two}) is {:?} on one node and {:?} on another: everyone must find the same order.",
                    here.said, there.said
                );
                return Err(of_all(sentence, &[here.at, there.at]));
            }
            (Some(answer), _) | (None, Some(answer)) => answer,
        };
        let Answer { at, said: order } = answer;
        reached.mark_if(TIES, first.stamp == second.stamp);
        match order {
            Order::Equal => {
                let sentence = format!(
                    "total_order({one}, {two}) is Equal: two different events must have an order, those with equal stamps too."
                );
                return Err(Violation::of(at, sentence));
            }
            Order::Greater if first.before(second) => {
                let sentence = format!(
                    "total_order({one}, {two}) is Greater, though the first event could affect the second: an order that puts an \
                     effect before its cause is no order of events."
                );
                return Err(Violation::of(at, sentence));
            }
            Order::Less | Order::Greater => _ = known.insert((*a, *b), Answer { at, said: order }),
        }
    }
    let less = |a, b| known.get(&(a, b)).filter(|answer| answer.said == Order::Less);
    // antisymmetric and without cycles
    for (a, b) in &answers.pairs {
        let (one, two) = (answers.run[*a].shown(), answers.run[*b].shown());
        if let (Some(there), Some(back)) = (known.get(&(*a, *b)), known.get(&(*b, *a)))
            && there.said == back.said
        {
            let sentence = format!(
                "total_order({one}, {two}) is {:?}, and so is total_order({two}, {one}): of two events exactly one comes first.",
                there.said
            );
            return Err(of_all(sentence, &[there.at, back.at]));
        }
        let circle = (0..answers.run.len())
            .find_map(|c| Some((c, [less(*a, *b)?.at, less(*b, c)?.at, less(c, *a)?.at])));
        if let Some((c, all)) = circle {
            let three = answers.run[c].shown();
            let sentence = format!(
                "total_order puts {one} before {two}, {two} before {three}, and {three} before {one}: an order has no circles."
            );
            return Err(of_all(sentence, &all));
        }
    }
    Ok(())
}

/// What several answers show together, the last of them in the end.
fn of_all(sentence: String, answers: &[ObservationId]) -> Violation {
    let last = answers.iter().max().expect("there are some");
    let before = answers.iter().filter(|id| *id != last);
    before.fold(Violation::of(*last, sentence), |violation, id| violation.because(*id, "and here"))
}

fn inference(pick: &mut Pick, _nth: u32) -> Case {
    function_case(pick, MAY_HAVE_CAUSED, 1, judge_inference)
}
fn judge_inference(answers: &Answers, reached: &mut Reached) -> Result<(), Violation> {
    for (nth, (a, b)) in answers.pairs.iter().enumerate() {
        let (first, second) = (&answers.run[*a], &answers.run[*b]);
        let (one, two) = (first.shown(), second.shown());
        let smaller = first.stamp < second.stamp;
        reached.mark_if(CONCURRENT, smaller && first.concurrent(second));
        let asked = format!("may_have_caused({one}, {two})");
        let Some(Answer { at, said }) = answers.answer(1, nth)? else { continue };
        let wrong = match said {
            Inference::Impossible if first.before(second) => {
                format!(
                    "{asked} is Impossible, but in the run that these stamps are from the first event did come before the second."
                )
            }
            Inference::Impossible if smaller => {
                format!(
                    "{asked} is Impossible, but nothing in these stamps rules it out: the first is smaller."
                )
            }
            Inference::Possible if !smaller => {
                format!(
                    "{asked} is Possible, but a cause always bears a smaller stamp than its effect, and the first is not smaller."
                )
            }
            Inference::Certain if !smaller => {
                format!(
                    "{asked} is Certain, but a cause always bears a smaller stamp than its effect, and the first is not smaller."
                )
            }
            Inference::Certain if first.concurrent(second) => {
                format!(
                    "{asked} is Certain, but in the run that these stamps are from neither event could affect the other."
                )
            }
            _ => continue,
        };
        return Err(Violation::of(at, wrong));
    }
    Ok(())
}
