//! `lamport`: how a run is judged.

use crate::runs::RunEvent;
use judge::{Oracle, Reached, Violation};
use kit::answers::{Answer, Heard};
use lab::NodeId;
use lab::lamport::{Clock, Event, Inference, Order, Request, Stamp};
use std::collections::{BTreeMap, BTreeSet};
use world::{Cause, Observation, ObservationId, Seen, World};

pub(super) const BEHIND: &str = "a message reached a clock that was behind";
pub(super) const AHEAD: &str = "a message reached a clock that was ahead";
pub(super) const RESTARTED: &str = "a node gave a stamp after a restart";
pub(super) const TIES: &str = "two events bore the same stamp";
pub(super) const CONCURRENT: &str = "two concurrent events had different stamps";

/// Follows real clocks: what each node emitted, and what was asked of it.
#[derive(Default)]
pub(super) struct Clocks {
    pub(super) crashes: bool,
    pub(super) bounded: bool,
    pub(super) nodes: BTreeMap<NodeId, NodeLog>,
    pub(super) events: u64,
    pub(super) starts: u64,
    /// Frames that left in the handling of a request to send.
    pub(super) frames: BTreeMap<ObservationId, ObservationId>,
    /// Frames by the delivery that brought them.
    pub(super) deliveries: BTreeMap<ObservationId, ObservationId>,
    /// Requests to send of which a frame was handed to the receiver.
    pub(super) arrived: BTreeSet<ObservationId>,
    /// Receipts of stamps that no sending had been emitted with: the sender lies, or crashed before it emitted it, or
    /// emits it later.
    pub(super) orphans: Vec<Orphan>,
    pub(super) reached: Reached,
}
#[derive(Default)]
pub(super) struct NodeLog {
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
pub(super) struct Orphan {
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
                format!("{node} stamped {before} {last}, crashed, and later stamped {what} {stamp}")
            } else {
                format!("{node} stamped {before} {last}, and later it stamped {what} {stamp}")
            };
            return Err(Violation::at(
                seen,
                "grows",
                format!("{then}. The later event must have the larger stamp."),
            ));
        }
        log.given.push((seen.id, stamp, what));
        if log.crashed {
            self.reached.mark(RESTARTED);
        }
        let bound = 100 * events + 1_000 * starts;
        if bounded && stamp > bound {
            let sentence = format!(
                "{node} stamped {what} {stamp}, but all nodes together had had only {events} events. A Lamport clock counts \
                 events: here the limit is {bound}."
            );
            return Err(Violation::at(seen, "counts-events", sentence));
        }
        Ok(())
    }

    fn emitted(&mut self, seen: &Observation, event: Event) -> Result<(), Violation> {
        let node = seen.node;
        let uncalled = |what: &str| {
            Violation::at(seen, "unasked", format!("{node} emitted {what} that no request asked for."))
        };
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
                        "{node} reported that a message from {from} carried stamp {sent}, and stamped the receipt {stamp}. \
                         A receipt must have a larger stamp than its sending."
                    );
                    return Err(Violation::at(seen, "effect-after-cause", sentence));
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
                        format!("{} emitted something that is not an event of this exercise.", seen.node);
                    return Err(Violation::at(seen, "unknown-event", sentence));
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
                    "{receiver} reported that a message from {sender} carried stamp {stamp}, but {sender} never emitted \
                     `Sent` to {receiver} with that stamp. A message carries the stamp of its sending."
                );
                return Err(Violation {
                    at: Some(*receipt),
                    ..Violation::never("carries-its-stamp", sentence)
                });
            }
            let Some(frame) = orphan.frame else { continue };
            let later = self.nodes[sender].given.iter().find(|(at, later, _)| *at > frame && later <= stamp);
            if let Some((at, later, what)) = later {
                let sentence = format!(
                    "{sender} sent {receiver} a message with stamp {stamp}, crashed, and later stamped {what} {later}. Each \
                     new stamp must be larger than every stamp that the node has sent."
                );
                return Err(Violation {
                    at: Some((*at).max(*receipt)),
                    ..Violation::never("survives-a-crash", sentence)
                });
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
                return Err(Violation::never(
                    "all-emitted",
                    format!(
                        "{node} was asked for {asked} local events, but it emitted {done}. Each event is emitted with its \
                         stamp."
                    ),
                ));
            }
            for (to, (asked, done)) in &log.sends {
                if done < asked {
                    return Err(Violation::never(
                        "all-sent",
                        format!(
                            "{node} was asked to send {asked} messages to {to}, but it emitted {done} sendings. Each event \
                             is emitted with its stamp."
                        ),
                    ));
                }
            }
            for (handling, stamp) in &log.sendings {
                let Some(Request::Send { to }) = log.asked.get(handling) else { continue };
                let received =
                    self.nodes.get(to).is_some_and(|there| there.received.contains(&(*node, *stamp)));
                if self.arrived.contains(handling) && !received {
                    return Err(Violation::never(
                        "all-received",
                        format!(
                            "{to} received the message that {node} had stamped {stamp}, but {to} never emitted `Received` \
                             for it."
                        ),
                    ));
                }
            }
        }
        if self.nodes.values().any(|log| !log.sent.is_empty()) && self.arrived.is_empty() {
            return Err(Violation::never(
                "sends",
                "Nodes emitted `Sent`, but no message ever arrived. For each `Send`, a node emits the event and sends the \
                 message.",
            ));
        }
        Ok(())
    }
}

pub(super) type JudgeAnswers = fn(&Answers, &mut Reached) -> Result<(), Violation>;

/// Collects what a function answered about the pairs of a run.
pub(super) struct Answers {
    pub(super) run: Vec<RunEvent>,
    pub(super) pairs: Vec<(usize, usize)>,
    pub(super) askers: u32,
    pub(super) heard: Heard,
    pub(super) judge: JudgeAnswers,
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

pub(super) fn judge_total_order(answers: &Answers, reached: &mut Reached) -> Result<(), Violation> {
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
                    "total_order({one}, {two}) answered {:?} on one node and {:?} on another. The order must be the same on \
                     all nodes.",
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
                    "total_order({one}, {two}) answered Equal. Two different events have an order, also if their stamps are \
                     equal."
                );
                return Err(Violation::of(at, "total", sentence));
            }
            Order::Greater if first.before(second) => {
                let sentence = format!(
                    "total_order({one}, {two}) answered Greater, but the first event could affect the second. The order \
                     never puts an effect before its cause."
                );
                return Err(Violation::of(at, "respects-causes", sentence));
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
                "total_order({one}, {two}) answered {:?}, and so did total_order({two}, {one}). Of two events, exactly one \
                 comes first.",
                there.said
            );
            return Err(of_all(sentence, &[there.at, back.at]));
        }
        let circle = (0..answers.run.len())
            .find_map(|c| Some((c, [less(*a, *b)?.at, less(*b, c)?.at, less(c, *a)?.at])));
        if let Some((c, all)) = circle {
            let three = answers.run[c].shown();
            let sentence = format!(
                "total_order puts {one} before {two}, {two} before {three}, and {three} before {one}. An order has no \
                 cycles."
            );
            return Err(of_all(sentence, &all));
        }
    }
    Ok(())
}

/// What several answers show together, the last of them in the end.
pub(super) fn of_all(sentence: String, answers: &[ObservationId]) -> Violation {
    let last = answers.iter().max().expect("there are some");
    let before = answers.iter().filter(|id| *id != last);
    before
        .fold(Violation::of(*last, "no-cycles", sentence), |violation, id| violation.because(*id, "and here"))
}

pub(super) fn judge_inference(answers: &Answers, reached: &mut Reached) -> Result<(), Violation> {
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
                    "{asked} answered Impossible, but in the run that these stamps are from, the first event could affect \
                     the second."
                )
            }
            Inference::Impossible if smaller => {
                format!(
                    "{asked} answered Impossible, but these stamps do not rule it out: the first stamp is smaller."
                )
            }
            Inference::Possible if !smaller => {
                format!(
                    "{asked} answered Possible, but a cause always has a smaller stamp than its effect, and the first stamp \
                     is not smaller."
                )
            }
            Inference::Certain if !smaller => {
                format!(
                    "{asked} answered Certain, but a cause always has a smaller stamp than its effect, and the first stamp \
                     is not smaller."
                )
            }
            Inference::Certain if first.concurrent(second) => {
                format!(
                    "{asked} answered Certain, but in the run that these stamps are from, neither event could affect the \
                     other."
                )
            }
            _ => continue,
        };
        return Err(Violation::of(at, "inference", wrong));
    }
    Ok(())
}
