//! `abd`: what is judged. The history of every world must be linearizable; some worlds are also judged for time or messages.

use consistency::models::register::{self, Call, Return};
use judge::{Oracle, Reached, Violation};
use kit::history::{Known, Outcome, Record, record};
use lab::NodeId;
use lab::abd::{Register, Request, Response, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{Cause, Chance, Harm, Observation, ObservationId, Seen, Time, World};

type Model = register::Register<(), Value>;
type Op<'a> = Known<'a, Model>;

/// The operations of a world, as those of one register.
fn operations() -> Record<Register, Model> {
    record(
        Model::default(),
        |request| {
            Some(match *request {
                Request::Read => Call::Read(()),
                Request::Write { value } => Call::Write((), value),
            })
        },
        |request, response| match (request, response) {
            (Request::Read, Response::Value(value)) => Some(Outcome::Done(Return::Read(*value))),
            (Request::Write { .. }, Response::Written) => Some(Outcome::Done(Return::Written)),
            _ => None,
        },
    )
}

/// What a world is judged for, besides its history.
pub(super) enum Promise {
    /// Nothing.
    Safe,
    /// A node that stays up answers within this time of the request, or of the last fault. Of the history, only that reads
    /// return what was written.
    InTime(Duration),
    /// Operations are quick and cheap on a network whose messages take this long.
    Cheap { delay: Duration },
    /// Nothing is asked from this time on, and little is sent.
    Quiet { from: Time, resend: Duration },
}

/// Judges one world.
pub(super) struct Watch {
    promise: Promise,
    record: Record<Register, Model>,
    is_over: bool,
    /// Faults that are on, crashes apart.
    faults: BTreeSet<usize>,
    down: BTreeSet<NodeId>,
    /// When a fault ended, a node crashed or a node came back.
    trouble: Time,
    crashes: Vec<(NodeId, Time)>,
    /// When messages were lost.
    losses: Vec<Time>,
    /// Sendings whose message has arrived.
    arrived: BTreeSet<ObservationId>,
    marks: BTreeSet<&'static str>,
    /// By sender: messages since an operation was asked for, or since all is to be quiet.
    sent: BTreeMap<NodeId, u64>,
}

impl Watch {
    pub(super) fn over(promise: Promise) -> Watch {
        Watch {
            promise,
            record: operations(),
            is_over: false,
            faults: BTreeSet::new(),
            down: BTreeSet::new(),
            trouble: Time::ZERO,
            crashes: Vec::new(),
            losses: Vec::new(),
            arrived: BTreeSet::new(),
            marks: BTreeSet::new(),
            sent: BTreeMap::new(),
        }
    }
}

impl Oracle for Watch {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        let (node, at) = (seen.node, seen.at);
        match &seen.seen {
            Seen::FaultBegan { fault } => {
                self.nothing_is_overdue(world, at)?;
                if !matches!(world.scenario().faults[*fault].harm, Harm::Crash { .. }) {
                    self.faults.insert(*fault);
                }
            }
            Seen::FaultEnded { fault } => {
                self.nothing_is_overdue(world, at)?;
                self.faults.remove(fault);
                self.trouble = at;
            }
            Seen::Calm => self.trouble = at,
            Seen::Crashed => {
                self.down.insert(node);
                self.trouble = at;
                self.crashes.push((node, at));
            }
            Seen::Started { incarnation } if *incarnation > 0 => {
                self.nothing_is_overdue(world, at)?;
                self.down.remove(&node);
                self.trouble = at;
            }
            Seen::Lost { .. } => self.losses.push(at),
            Seen::Delivered { .. } => self.delivered(seen),
            Seen::Sent { to, .. } if *to != node => self.is_affordable(world, seen)?,
            Seen::Invoked { .. } => self.invoked(world),
            _ => {}
        }
        self.record.see(world, seen)?;
        if matches!(seen.seen, Seen::Returned { .. } | Seen::GaveUp { .. }) {
            self.is_over = self.record.is_over(world);
        }
        match seen.seen {
            Seen::Returned { .. } => self.is_quick(world, seen),
            _ => Ok(()),
        }
    }
    fn has_seen_enough(&self) -> bool {
        self.is_over && matches!(self.promise, Promise::Safe | Promise::InTime(_))
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        // a world in which nothing is left to happen stops early: what has not come by then never comes
        self.nothing_is_overdue(world, Time::ZERO + world.scenario().end)?;
        match self.promise {
            Promise::InTime(_) => self.reads_return_what_was_written()?,
            _ => self.record.linearizable().verdict(reached)?,
        }
        self.mark(reached);
        Ok(())
    }
}

/// In time.
impl Watch {
    /// Whether something stands in the way of answers: a fault, a network that loses messages, no majority.
    fn is_hindered(&self, world: &World, now: Time) -> bool {
        let scenario = world.scenario();
        let is_calm = scenario.calm.is_some_and(|(calm, _)| now >= Time::ZERO + calm);
        let up = scenario.nodes.len() - self.down.len();
        let is_lossy = scenario.network.loss > Chance::NEVER && !is_calm;
        !self.faults.is_empty() || is_lossy || 2 * up <= scenario.nodes.len()
    }
    /// By when an operation must be answered.
    fn deadline(&self, op: &Op<'_>) -> Option<Time> {
        match self.promise {
            Promise::InTime(bound) => Some(op.asked.1.max(self.trouble) + bound),
            _ => None,
        }
    }
    fn nothing_is_overdue(&self, world: &World, now: Time) -> Result<(), Violation> {
        if self.is_hindered(world, now) {
            return Ok(());
        }
        let forgot =
            |op: &Op<'_>| self.crashes.iter().any(|(node, at)| *node == op.node && *at >= op.asked.1);
        let is_overdue = |op: &Op<'_>| {
            op.reached && op.answered.is_none() && !forgot(op) && self.deadline(op).is_some_and(|by| by < now)
        };
        match self.record.operations().find(is_overdue) {
            Some(op) => {
                let what = in_words(&op);
                let sentence =
                    format!("{} had not answered its client's request to {what} by {now}.", op.node);
                Err(Violation::never("answers", sentence + " " + &self.since(world, &op))
                    .because(op.asked.0, format!("the client of {} asks", op.node)))
            }
            None => Ok(()),
        }
    }
    fn is_quick(&self, world: &World, seen: &Observation) -> Result<(), Violation> {
        let Some(op) = self
            .record
            .operations()
            .find(|op| op.answered.is_some_and(|(id, ..)| seen.cause == Cause::Observation(id)))
        else {
            return Ok(());
        };
        let (took, what) = (seen.at - op.asked.1, in_words(&op));
        match self.promise {
            Promise::InTime(_)
                if !self.is_hindered(world, seen.at) && self.deadline(&op).is_some_and(|by| by < seen.at) =>
            {
                let sentence = format!("{} answered its client's request to {what} at {}.", op.node, seen.at);
                Err(Violation::at(seen, "answers", sentence + " " + &self.since(world, &op)))
            }
            Promise::Cheap { delay } if took > delay * 4 + SLACK => {
                let sentence = format!(
                    "{} took {} for its client's request to {what}. Every message takes {} here and none is lost, so two \
                     round trips take {}.",
                    op.node,
                    Time::ZERO + took,
                    Time::ZERO + delay,
                    Time::ZERO + delay * 4
                );
                Err(Violation::at(seen, "two-round-trips", sentence))
            }
            _ => Ok(()),
        }
    }
    /// Why an operation should have been answered.
    fn since(&self, world: &World, op: &Op<'_>) -> String {
        let by = self.deadline(op).unwrap_or(Time::NEVER);
        let up = world.scenario().nodes.len() - self.down.len();
        let (asked, trouble) = (op.asked.1, self.trouble);
        let why = if trouble > asked {
            format!(", and the last fault was over at {trouble}")
        } else {
            String::new()
        };
        format!(
            "The client had asked at {asked}{why}. {up} of {} nodes were up, so the answer was due by {by}.",
            world.scenario().nodes.len()
        )
    }
    /// Enough of the history to tell an answer from none: a read that begins after a write has ended does not return nothing.
    fn reads_return_what_was_written(&self) -> Result<(), Violation> {
        let ops: Vec<Op<'_>> = self.record.operations().collect();
        let written = |before: Time| {
            ops.iter().filter(|op| matches!(op.call, Call::Write(..))).find_map(|op| {
                let (id, at, _) = op.answered?;
                (at < before).then_some((op, id, at))
            })
        };
        for read in &ops {
            let Some((id, at, Return::Read(None))) = read.answered else { continue };
            let Some((write, answer, ended)) = written(read.asked.1) else { continue };
            let sentence = format!(
                "{} answered a read with nothing at {at}, although {} had answered the request to {} at {ended}.",
                read.node,
                write.node,
                in_words(write)
            );
            let violation = Violation::of(id, "reads-what-was-written", sentence);
            return Err(violation.because(answer, format!("{} acknowledges the write", write.node)));
        }
        Ok(())
    }
}
/// What syncs may take, of an operation on a clean network.
const SLACK: Duration = Duration::from_millis(3);
/// `read`, `write 101`.
fn in_words(op: &Op<'_>) -> String {
    match op.call {
        Call::Read(()) => "read".to_owned(),
        Call::Write((), value) => format!("write {value}"),
    }
}

/// Few messages.
impl Watch {
    fn is_affordable(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        let n = world.scenario().nodes.len() as u64;
        let (limit, rule) = match self.promise {
            Promise::Cheap { .. } => (5 * (n - 1), "few-messages"),
            Promise::Quiet { from, resend } if seen.at >= from => {
                let quiet = (Time::ZERO + world.scenario().end) - from;
                let resends = quiet.as_micros().div_ceil(resend.as_micros()) as u64;
                (2 * n * (n - 1) * resends, "quiet")
            }
            _ => return Ok(()),
        };
        *self.sent.entry(seen.node).or_default() += 1;
        let total: u64 = self.sent.values().sum();
        if total <= limit {
            return Ok(());
        }
        let by: Vec<String> = self.sent.iter().map(|(node, sent)| format!("{node} {sent}")).collect();
        let by = by.join(", ");
        let sentence = match self.promise {
            Promise::Quiet { from, .. } => format!(
                "From {from} on, when no client waited for anything, the nodes sent more than {limit} messages ({by})."
            ),
            _ => format!(
                "The nodes sent {total} messages for one operation ({by}). Two questions to {} other nodes and their answers \
                 are {}, and {limit} are allowed.",
                n - 1,
                4 * (n - 1)
            ),
        };
        Err(Violation::at(seen, rule, sentence).of_costs())
    }
}

// What at least one run of a check must reach.
pub(super) const READ_BACK: &str = "a read returned a value that had been written";
pub(super) const RESENT: &str = "an operation was answered, and a message of its time had been lost";
pub(super) const INVERTIBLE: &str =
    "a read returned the value of an open write, and a later read was answered while that was still open";
pub(super) const SUCCEEDED: &str =
    "a write began after a write at another node had been answered, and was answered";
pub(super) const TIED: &str = "two writes were open at one moment, and both were answered";
pub(super) const CAME_BACK: &str =
    "a node crashed while an operation was open, and later an operation was answered there";
pub(super) const DOUBLED: &str = "a node got a message twice while its client waited";
pub(super) const LATE: &str = "a node got a message from before an operation that its client now waits for";
pub(super) const EVEN: &str =
    "an operation was asked for while two halves of the nodes were cut off from each other";
pub(super) const OPEN_READ: &str = "a read returned the value of a write that was never answered";

/// What a world reached.
impl Watch {
    fn invoked(&mut self, world: &World) {
        if !matches!(self.promise, Promise::Quiet { .. }) {
            self.sent.clear();
        }
        let nodes = world.scenario().nodes.len();
        let in_halves = |fault: &usize| match &world.scenario().faults[*fault].harm {
            Harm::Partition { groups } => groups.iter().all(|group| 2 * group.len() == nodes),
            _ => false,
        };
        self.marks.extend(self.faults.iter().any(in_halves).then_some(EVEN));
    }
    fn delivered(&mut self, seen: &Observation) {
        let Cause::Observation(sent) = seen.cause else { return };
        let again = !self.arrived.insert(sent);
        let waits =
            self.record.operations().filter(|op| op.node == seen.node && op.answered.is_none()).last();
        if let Some(op) = waits {
            self.marks.extend(again.then_some(DOUBLED));
            self.marks.extend((sent < op.asked.0).then_some(LATE));
        }
    }
    fn mark(&self, reached: &mut Reached) {
        self.marks.iter().for_each(|mark| reached.mark(mark));
        let ops: Vec<Op<'_>> = self.record.operations().collect();
        let ended = |op: &Op<'_>| op.answered.map_or(Time::NEVER, |(_, at, _)| at);
        let is_write = |op: &&Op<'_>| matches!(op.call, Call::Write(..));
        let writes = || ops.iter().filter(is_write);
        for op in &ops {
            let Some((_, at, says)) = op.answered else { continue };
            if let Return::Read(Some(value)) = says {
                reached.mark(READ_BACK);
                let write = writes().find(|write| *write.call == Call::Write((), *value));
                let open_until = write.map_or(Time::ZERO, ended);
                let later =
                    |read: &Op<'_>| read.asked.1 > at && read.answered.is_some() && ended(read) < open_until;
                reached.mark_if(INVERTIBLE, ops.iter().filter(|read| !is_write(read)).any(later));
                reached.mark_if(OPEN_READ, open_until == Time::NEVER);
            }
            let lost = |when: &Time| op.asked.1 <= *when && *when <= at;
            reached.mark_if(RESENT, self.losses.iter().any(lost));
            if is_write(&op) {
                let other = |write: &&Op<'_>| write.node != op.node && write.answered.is_some();
                reached.mark_if(SUCCEEDED, writes().filter(other).any(|write| ended(write) < op.asked.1));
                let overlaps = |write: &Op<'_>| {
                    write.asked.0 != op.asked.0 && write.asked.1 <= at && ended(write) >= op.asked.1
                };
                reached.mark_if(TIED, writes().any(|write| write.answered.is_some() && overlaps(write)));
            }
            let was_open = |when: Time| ops.iter().any(|op| op.asked.1 <= when && when <= ended(op));
            let crashed = self
                .crashes
                .iter()
                .any(|(node, when)| *node == op.node && *when < op.asked.1 && was_open(*when));
            reached.mark_if(CAME_BACK, crashed);
        }
    }
}
