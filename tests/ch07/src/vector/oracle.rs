//! `vector`: how a run is judged.

use judge::{Oracle, Reached, Violation};
use kit::answers::{Answer, Heard};
use lab::NodeId;
use lab::vector::{Clock, Event, Order, Request, Stamp};
use std::collections::{BTreeMap, BTreeSet};
use world::{Cause, Observation, ObservationId, Seen, World};

pub(super) const ALL: &str = "every possible answer";
pub(super) const CONCURRENT: &str = "something concurrent";
pub(super) const ORDERED: &str = "an event of one node before one of another";
pub(super) const THIRD: &str = "knowledge through a third node";
pub(super) const RESTARTED: &str = "a stamp after a restart";
pub(super) const LEARNT: &str = "a stamp after a restart, of a node that had learnt something";
pub(super) const JOINED: &str = "a receipt from a node that joined late";
pub(super) const ONE_SIDED: &str = "a stamp that lacks an entry of the other";

pub(super) fn entry(stamp: &Stamp, node: NodeId) -> u64 {
    stamp.get(&node).copied().unwrap_or(0)
}
/// The truth about two stamps.
pub(super) fn order(a: &Stamp, b: &Stamp) -> Order {
    let exceeds = |a: &Stamp, b: &Stamp| a.iter().any(|(node, count)| *count > entry(b, *node));
    match (exceeds(b, a), exceeds(a, b)) {
        (false, false) => Order::Equal,
        (true, false) => Order::Before,
        (false, true) => Order::After,
        (true, true) => Order::Concurrent,
    }
}
pub(super) fn shown(stamp: &Stamp) -> String {
    format!("{stamp:?}")
}

// ---- the functions

/// A stamp of so many nodes: some entries missing, some zero.
pub(super) type JudgePair =
    fn(&Stamp, &Stamp, &Heard, u32, &mut Reached) -> Result<Option<Violation>, Violation>;
pub(super) struct Answers {
    pub(super) pairs: Vec<(Stamp, Stamp)>,
    pub(super) heard: Heard,
    pub(super) judge: JudgePair,
}
impl Oracle for Answers {
    fn see(&mut self, _: &World, seen: &Observation) -> Result<(), Violation> {
        self.heard.see(seen);
        Ok(())
    }
    fn end(&mut self, _: &World, reached: &mut Reached) -> Result<(), Violation> {
        let mut answers = BTreeSet::new();
        for (nth, (a, b)) in (1..).zip(&self.pairs) {
            if let Some(wrong) = (self.judge)(a, b, &self.heard, nth, reached)? {
                return Err(wrong);
            }
            answers.insert(order(a, b) as u8);
            reached.mark_if(CONCURRENT, order(a, b) == Order::Concurrent);
        }
        reached.mark_if(ALL, answers.len() == 4);
        Ok(())
    }
}
pub(super) fn judge_compare(
    a: &Stamp,
    b: &Stamp,
    heard: &Heard,
    nth: u32,
    reached: &mut Reached,
) -> Result<Option<Violation>, Violation> {
    reached.mark_if(ONE_SIDED, !a.keys().eq(b.keys()));
    let Some(Answer { at, said }) = heard.answer::<Order>(1, nth)? else { return Ok(None) };
    let truth = order(a, b);
    if said == truth {
        return Ok(None);
    }
    let nodes: BTreeSet<NodeId> = a.keys().chain(b.keys()).copied().collect();
    let told = |node: &NodeId| format!("{node} ({} and {})", entry(a, *node), entry(b, *node));
    let smaller = nodes.iter().find(|node| entry(a, **node) < entry(b, **node)).map(told);
    let larger = nodes.iter().find(|node| entry(a, **node) > entry(b, **node)).map(told);
    let why = match (smaller, larger) {
        (None, None) => "no entry differs, because a missing entry is zero".to_owned(),
        (Some(entry), None) => format!("the first stamp is smaller at {entry}, and larger at no node"),
        (None, Some(entry)) => format!("the first stamp is larger at {entry}, and smaller at no node"),
        (Some(one), Some(other)) => format!("the first stamp is smaller at {one} and larger at {other}"),
    };
    let sentence = format!(
        "compare({}, {}) answered {said:?}, but the right answer is {truth:?}: {why}.",
        shown(a),
        shown(b)
    );
    Ok(Some(Violation::of(at, "compare", sentence)))
}
pub(super) fn judge_merge(
    a: &Stamp,
    b: &Stamp,
    heard: &Heard,
    nth: u32,
    _: &mut Reached,
) -> Result<Option<Violation>, Violation> {
    let Some(Answer { at, said }) = heard.answer::<Stamp>(1, nth)? else { return Ok(None) };
    let nodes: BTreeSet<NodeId> = a.keys().chain(b.keys()).chain(said.keys()).copied().collect();
    let wrong = nodes.into_iter().find(|n| entry(&said, *n) != entry(a, *n).max(entry(b, *n)));
    let Some(wrong) = wrong else { return Ok(None) };
    let (one, other, got) = (entry(a, wrong), entry(b, wrong), entry(&said, wrong));
    let why = if got < one.max(other) {
        "the result lacks what one of the stamps knew"
    } else {
        "that is more than either stamp knew"
    };
    let sentence = format!(
        "merge({}, {}) has {got} for {wrong}, but the two stamps have {one} and {other} for it: {why}.",
        shown(a),
        shown(b)
    );
    Ok(Some(Violation::of(at, "merge", sentence)))
}

// ---- the clocks

/// Requests at nodes 1 to `nodes`, at random times up to `within`.
/// Follows real clocks, and knows which event could affect which.
#[derive(Default)]
pub(super) struct Clocks {
    pub(super) sized: bool,
    /// Nodes from 1 to here were there from the start; 0 where nobody joins.
    pub(super) old: u32,
    pub(super) handlings: BTreeMap<ObservationId, Handling>,
    pub(super) frames: BTreeMap<ObservationId, Frame>,
    pub(super) events: Vec<Told>,
    pub(super) nodes: BTreeMap<NodeId, NodeLog>,
    pub(super) reached: Reached,
}
/// How many events of each node are in a past.
pub(super) type Past = BTreeMap<NodeId, u32>;
#[derive(Default)]
pub(super) struct NodeLog {
    /// What of the run it can know, by events of the exercise.
    told: Past,
    /// What of the run it can know, by all that was handed to it.
    touched: Past,
    crashed: bool,
    had_event: bool,
}
/// A node is handed something.
pub(super) struct Handling {
    node: NodeId,
    what: Handed,
    /// The event that it led to.
    event: Option<usize>,
    frames: u32,
}
pub(super) enum Handed {
    Request(Request),
    /// This message.
    Message(ObservationId),
}
pub(super) struct Frame {
    from: NodeId,
    to: NodeId,
    /// The sending.
    event: usize,
    touched: Past,
}
/// An event of the exercise: emitted, or shown by a message that left.
pub(super) struct Told {
    node: NodeId,
    /// Its place among the events of its node.
    nth: u32,
    what: String,
    at: ObservationId,
    /// Known when it is emitted, or when the receiver of the message says what it carried.
    stamp: Option<Stamp>,
    emitted: bool,
    after_crash: bool,
    told: Past,
    touched: Past,
}
impl Told {
    fn in_past(&self, past: &Past) -> bool {
        past.get(&self.node).is_some_and(|known| *known >= self.nth)
    }
}
pub(super) fn learn(mine: &mut Past, theirs: &Past) {
    for (node, count) in theirs {
        let known = mine.entry(*node).or_default();
        *known = (*known).max(*count);
    }
}

impl Clocks {
    fn log(&mut self, node: NodeId) -> &mut NodeLog {
        self.nodes.entry(node).or_default()
    }
    /// A new event on a node.
    fn happen(&mut self, seen: &Observation, what: String) -> usize {
        let node = seen.node;
        let log = self.log(node);
        let nth = log.told.get(&node).copied().unwrap_or(0) + 1;
        log.told.insert(node, nth);
        log.touched.insert(node, nth);
        log.had_event = true;
        let (told, touched, after_crash) = (log.told.clone(), log.touched.clone(), log.crashed);
        let at = seen.id;
        self.events.push(Told {
            node,
            nth,
            what,
            at,
            stamp: None,
            emitted: false,
            after_crash,
            told,
            touched,
        });
        self.events.len() - 1
    }
    /// The stamp of an event is known: it must fit all others.
    fn stamped(&mut self, event: usize, stamp: &Stamp) -> Result<(), Violation> {
        self.events[event].stamp = Some(stamp.clone());
        if self.sized {
            return Ok(()); // the others look at order
        }
        let new = &self.events[event];
        for old in &self.events {
            let Some(before) = &old.stamp else { continue };
            if std::ptr::eq(old, new) {
                continue;
            }
            let order = order(before, stamp);
            let (first, second, order) = match new.in_past(&old.told) {
                true => (new, old, reversed(order)),
                false => (old, new, order),
            };
            self.reached.mark_if(CONCURRENT, order == Order::Concurrent && first.node != second.node);
            self.reached.mark_if(ORDERED, order == Order::Before && first.node != second.node);
            let at = Some(new.at.max(old.at));
            match order {
                Order::Equal => {
                    let sentence = format!(
                        "{} and {} have the same stamp, {}. Two events always have different stamps.",
                        first.what,
                        second.what,
                        shown(stamp)
                    );
                    return Err(Violation { at, ..Violation::never("unique-stamps", sentence) });
                }
                Order::Before if !first.in_past(&second.touched) => {
                    let sentence = format!(
                        "{} has the stamp {} and {} has the stamp {}. These stamps say that the first event could affect \
                         the second, but no chain of messages leads from it to the second.",
                        first.what,
                        shown(first.stamp.as_ref().unwrap_or(stamp)),
                        second.what,
                        shown(second.stamp.as_ref().unwrap_or(stamp))
                    );
                    return Err(Violation { at, ..Violation::never("false-cause", sentence) });
                }
                Order::After if !second.in_past(&first.touched) => {
                    let sentence = self.backwards(first, second);
                    return Err(Violation { at, ..Violation::never("order-of-stamps", sentence) });
                }
                Order::Concurrent | Order::After if first.in_past(&second.told) => {
                    let sentence = self.backwards(first, second);
                    return Err(Violation { at, ..Violation::never("order-of-stamps", sentence) });
                }
                _ => {}
            }
        }
        Ok(())
    }
    /// The stamps of two events do not say that the first was before the second, as it was; or say the reverse.
    fn backwards(&self, first: &Told, second: &Told) -> String {
        let nothing = Stamp::new();
        let (one, other) =
            (first.stamp.as_ref().unwrap_or(&nothing), second.stamp.as_ref().unwrap_or(&nothing));
        let (one_shown, other_shown) = (shown(one), shown(other));
        let (first_what, second_what) = (&first.what, &second.what);
        if !first.in_past(&second.told) {
            return format!(
                "{second_what} has the stamp {other_shown} and {first_what} has the stamp {one_shown}. These stamps say \
                 that the first event could affect the second, but no chain of messages leads from it to the second."
            );
        }
        let forgotten =
            one.iter().find(|(node, count)| entry(other, **node) < **count).map(|(node, _)| *node);
        let crash = if first.node == second.node && second.after_crash && !first.after_crash {
            " The node crashed between the two events, after the first stamp had left it."
        } else {
            ""
        };
        let why = match forgotten {
            Some(node) => format!("the second stamp counts fewer events of {node}"),
            None => "the second stamp counts no more events than the first".to_owned(),
        };
        format!(
            "{first_what} is before {second_what}, but their stamps {one_shown} and {other_shown} do not show this: \
             {why}.{crash}"
        )
    }

    fn emitted(&mut self, seen: &Observation, event: Event) -> Result<(), Violation> {
        let node = seen.node;
        let Cause::Observation(handling) = seen.cause else { return Ok(()) };
        let uncalled = |what: &str| {
            Violation::at(
                seen,
                "unasked",
                format!(
                    "{node} emitted {what} while it handled something else. Each event is emitted by the handler of its \
                    request or message."
                ),
            )
        };
        let (what, stamp) = match &event {
            Event::Local { stamp } => ("a local event".to_owned(), stamp),
            Event::Sent { to, stamp } => (format!("a sending to {to}"), stamp),
            Event::Received { from, stamp, .. } => (format!("a receipt from {from}"), stamp),
        };
        let Some(handed) = self.handlings.get(&handling) else { return Err(uncalled(&what)) };
        let fits = match (&handed.what, &event) {
            (Handed::Request(Request::Local), Event::Local { .. }) => true,
            (Handed::Request(Request::Send { to: asked }), Event::Sent { to, .. }) => asked == to,
            (Handed::Message(frame), Event::Received { from, .. }) => {
                self.frames.get(frame).is_some_and(|frame| frame.from == *from)
            }
            _ => false,
        };
        if !fits {
            return Err(uncalled(&what));
        }
        let (told, frame) = (handed.event, &handed.what);
        if told.is_some_and(|told| self.events[told].emitted) {
            return Err(Violation::at(
                seen,
                "emitted-twice",
                format!("{node} emitted {what} twice. Each event is emitted once."),
            ));
        }
        if let (Handed::Message(frame), Event::Received { from, sent, .. }) = (frame, &event) {
            let (frame, from) = (*frame, *from);
            self.received(seen, frame, from, sent)?;
        }
        let named = format!("{node}'s {}", what.trim_start_matches("a "));
        let told = told.unwrap_or_else(|| self.happen(seen, named));
        if let Some(handling) = self.handlings.get_mut(&handling) {
            handling.event = Some(told);
        }
        self.events[told].emitted = true;
        if self.sized {
            self.fits_size(seen, &what, stamp)?;
        }
        let log = &self.nodes[&node];
        self.reached.mark_if(RESTARTED, log.crashed);
        self.reached.mark_if(LEARNT, log.crashed && log.told.len() > 1);
        self.stamped(told, stamp)
    }
    /// A node says that it received a message, and which stamp that carried.
    fn received(
        &mut self,
        seen: &Observation,
        frame: ObservationId,
        from: NodeId,
        sent: &Stamp,
    ) -> Result<(), Violation> {
        let node = seen.node;
        let Some(frame) = self.frames.get(&frame) else { return Ok(()) };
        let sending = frame.event;
        let told = self.events[sending].told.clone();
        match &self.events[sending].stamp {
            Some(stamp) if order(stamp, sent) != Order::Equal => {
                let sentence = format!(
                    "{node} reported that a message from {from} carried {}, but {from} had stamped that sending {}. A \
                     message carries the stamp of its sending.",
                    shown(sent),
                    shown(stamp)
                );
                return Err(Violation::at(seen, "carries-its-stamp", sentence));
            }
            Some(_) => {}
            // it crashed before it could emit it
            None => self.stamped(sending, sent)?,
        }
        let third = told.keys().any(|other| *other != from && *other != node);
        self.reached.mark_if(THIRD, third);
        self.reached.mark_if(JOINED, self.old > 0 && from.0 > self.old && node.0 <= self.old);
        learn(&mut self.log(node).told, &told);
        learn(&mut self.log(node).touched, &told);
        Ok(())
    }
    fn fits_size(&self, seen: &Observation, what: &str, stamp: &Stamp) -> Result<(), Violation> {
        let node = seen.node;
        let had_event = |node: &NodeId| self.nodes.get(node).is_some_and(|log| log.had_event);
        let stranger = stamp.iter().find(|(node, count)| **count > 0 && !had_event(node));
        let nodes = self.nodes.len().max(5);
        if let Some((stranger, _)) = stranger {
            return Err(Violation::at(
                seen,
                "stamp-size",
                format!(
                    "{node} gave {what} a stamp with an entry for {stranger}, but {stranger} has had no event. Entries are \
                     for nodes, not for clients or single events."
                ),
            ));
        }
        if stamp.len() > nodes {
            let sentence = format!(
                "{node} gave {what} a stamp of {} entries, but there are only {nodes} nodes.",
                stamp.len()
            );
            return Err(Violation::at(seen, "stamp-size", sentence));
        }
        Ok(())
    }
}
pub(super) fn reversed(order: Order) -> Order {
    match order {
        Order::Before => Order::After,
        Order::After => Order::Before,
        same => same,
    }
}

/// A message between five nodes is shorter than this, in bytes, whatever it is made of.
pub(super) const MESSAGE_BYTES_MAX: usize = 1_024;

impl Oracle for Clocks {
    fn see(&mut self, _: &World, seen: &Observation) -> Result<(), Violation> {
        let node = seen.node;
        match &seen.seen {
            Seen::Crashed => self.log(node).crashed = true,
            Seen::Requested { bytes, .. } => {
                let request = lab::frame::decode(bytes).expect("the suite's own request");
                let handling = Handling { node, what: Handed::Request(request), event: None, frames: 0 };
                self.handlings.insert(seen.id, handling);
            }
            Seen::Delivered { .. } => {
                let Cause::Observation(frame) = seen.cause else { return Ok(()) };
                let handling = Handling { node, what: Handed::Message(frame), event: None, frames: 0 };
                self.handlings.insert(seen.id, handling);
                if let Some(touched) = self.frames.get(&frame).map(|frame| frame.touched.clone()) {
                    learn(&mut self.log(node).touched, &touched);
                }
            }
            Seen::Sent { to, bytes, .. } => {
                let to = *to;
                let handling = match seen.cause {
                    Cause::Observation(handling) => self.handlings.get_mut(&handling),
                    Cause::Scenario => None,
                };
                let asked = handling.filter(
                    |handling| matches!(handling.what, Handed::Request(Request::Send { to: asked }) if asked == to),
                );
                let Some(handling) = asked else {
                    let sentence = format!(
                        "{node} sent {to} a message that no request asked for. Each message is one sending, with one stamp."
                    );
                    return Err(Violation::at(seen, "unasked-message", sentence));
                };
                handling.frames += 1;
                if handling.frames > 1 {
                    let sentence = format!("{node} was asked to send {to} one message, but it sent two.");
                    return Err(Violation::at(seen, "sends-once", sentence));
                }
                if self.sized && bytes.len() > MESSAGE_BYTES_MAX {
                    let sentence = format!(
                        "{node} sent {to} a message of {} bytes. The limit is {MESSAGE_BYTES_MAX} bytes: with five nodes, a \
                         stamp needs at most five entries.",
                        bytes.len()
                    );
                    return Err(Violation::at(seen, "message-size", sentence));
                }
                let event = handling.event;
                let event = event.unwrap_or_else(|| self.happen(seen, format!("{node}'s sending to {to}")));
                if let Cause::Observation(handling) = seen.cause
                    && let Some(handling) = self.handlings.get_mut(&handling)
                {
                    handling.event = Some(event);
                }
                let touched = self.events[event].touched.clone();
                self.frames.insert(seen.id, Frame { from: node, to, event, touched });
            }
            Seen::Emitted { .. } => match seen.emitted::<Clock>() {
                Some(event) => self.emitted(seen, event)?,
                None => {
                    let sentence = format!("{node} emitted something that is not an event of this exercise.");
                    return Err(Violation::at(seen, "unknown-event", sentence));
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, _: &World, reached: &mut Reached) -> Result<(), Violation> {
        for (at, handling) in &self.handlings {
            if self.nodes.get(&handling.node).is_some_and(|log| log.crashed) {
                continue; // perhaps in the midst of it
            }
            let done = handling.event.is_some_and(|event| self.events[event].emitted);
            let sent = handling.frames > 0;
            let sentence = match &handling.what {
                Handed::Request(Request::Local) if !done => {
                    format!(
                        "{} was asked for a local event, but it never emitted `Local`. Each event is emitted with its stamp.",
                        handling.node
                    )
                }
                Handed::Request(Request::Send { to }) if !done => {
                    format!(
                        "{} was asked to send {to} a message, but it never emitted `Sent`. Each event is emitted with its \
                         stamp.",
                        handling.node
                    )
                }
                Handed::Request(Request::Send { to }) if !sent => {
                    format!(
                        "{} emitted `Sent` to {to}, but it sent no message. For each `Send`, a node emits the event and \
                        sends the message.",
                        handling.node
                    )
                }
                Handed::Message(frame) if !done => match self.frames.get(frame) {
                    Some(Frame { from, to, .. }) => {
                        format!(
                            "{to} received a message from {from}, but it never emitted `Received` for it."
                        )
                    }
                    None => continue,
                },
                _ => continue,
            };
            return Err(Violation { at: Some(*at), ..Violation::never("all-received", sentence) });
        }
        reached.clone_from(&self.reached);
        Ok(())
    }
}
