//! Goals that many exercises share: operations are answered, events are emitted, messages are few.

use crate::rules::{Rule, Scene, Waits};
use crate::saw::Saw;
use judge::{Reached, Violation};
use lab::{Contract, NodeId, Wire};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;
use world::{ClientId, End, ObservationId, OperationId, Seen, Time, World};

/// Whether something that began then had all the time that it could want, now that the run is over.
pub fn is_due(world: &World, since: Time, within: Duration) -> bool {
    world.end() == Some(&End::Idle) || world.now() - since >= within
}
/// From when on a promise about time holds for what began then: from its beginning, or from the calm if that comes later.
fn from_the_calm(world: &World, began: Time) -> Time {
    world.scenario().calm.map_or(began, |(calm, _)| began.max(Time::ZERO + calm))
}

/// Every operation of every client is answered within a time, counted from the calm where it began before that.
#[derive(Debug)]
pub struct Answered {
    within: Duration,
    waiting: BTreeMap<(ClientId, OperationId), (NodeId, Time, ObservationId)>,
    left: Option<usize>,
}
/// Every operation of every client is answered within this time.
pub fn answered(within: Duration) -> Answered {
    Answered { within, waiting: BTreeMap::new(), left: None }
}
impl Answered {
    /// At this time, which is not the world's: a world is ahead of what is seen of it.
    fn late(&self, world: &World, now: Time, is_over: bool) -> Result<(), Violation> {
        let late = |(_, began, _): &&(NodeId, Time, ObservationId)| {
            is_over || now > from_the_calm(world, *began) + self.within
        };
        let Some((node, began, id)) = self.waiting.values().find(late) else { return Ok(()) };
        let since = from_the_calm(world, *began);
        let calm = if since > *began {
            format!(", or of {since}, when the last fault ended")
        } else {
            String::new()
        };
        let sentence = format!(
            "{node} was asked at {began}, but it has not answered by {now}. An answer is due within {} of the \
             request{calm}.",
            Time::ZERO + self.within
        );
        Err(Violation::never("answers-its-client", sentence).because(*id, "this client gets no answer"))
    }
}
impl<C: Contract, M: Wire> Rule<C, M> for Answered {
    fn see(&mut self, scene: Scene<'_>, _: &Saw<C, M>) -> Result<(), Violation> {
        let left = self.left.get_or_insert_with(|| {
            scene.scenario().clients.iter().map(|client| client.operations.len()).sum()
        });
        match &scene.seen.seen {
            Seen::Invoked { client, operation } => {
                self.waiting.insert((*client, *operation), (scene.node(), scene.at(), scene.id()));
            }
            Seen::Returned { client, operation, .. } => {
                self.waiting.remove(&(*client, *operation));
                *left = left.saturating_sub(1);
            }
            _ => {}
        }
        self.late(scene.world, scene.at(), false)
    }
    fn end(&mut self, world: &World, _: &mut Reached) -> Result<(), Violation> {
        self.late(world, world.now(), world.end() == Some(&End::Idle))
    }
    fn waits(&self) -> Waits {
        if self.left == Some(0) { Waits::NoMore } else { Waits::Still }
    }
}

/// Nodes emit an event that fits so many times each, by some time.
pub struct Emitted<C: Contract> {
    what: &'static str,
    fits: fn(&C::Event) -> bool,
    by: Duration,
    left: BTreeMap<NodeId, u32>,
}
/// Each of these nodes emits an event that fits, so many times, by this time. `what` names the event in a sentence: "an entry".
pub fn emitted<C: Contract>(
    what: &'static str,
    fits: fn(&C::Event) -> bool,
    times: impl IntoIterator<Item = (NodeId, u32)>,
    by: Duration,
) -> Emitted<C> {
    Emitted { what, fits, by, left: times.into_iter().filter(|(_, times)| *times > 0).collect() }
}
impl<C: Contract, M: Wire> Rule<C, M> for Emitted<C> {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<C, M>) -> Result<(), Violation> {
        if let Saw::Emitted(event) = saw
            && (self.fits)(event)
            && let Some(left) = self.left.get_mut(&scene.node())
        {
            *left -= 1;
            if *left == 0 {
                self.left.remove(&scene.node());
            }
        }
        Ok(())
    }
    fn end(&mut self, world: &World, _: &mut Reached) -> Result<(), Violation> {
        let Some((node, left)) = self.left.first_key_value() else { return Ok(()) };
        if !is_due(world, Time::ZERO, self.by) {
            return Ok(());
        }
        let (what, by) = (self.what, Time::ZERO + self.by);
        let sentence = match left {
            1 => format!("{node} did not emit {what} by {by}."),
            _ => format!("{node} did not emit {what} by {by}: it lacks {left} of them."),
        };
        Err(Violation::never("emits-in-time", sentence))
    }
    fn waits(&self) -> Waits {
        if self.left.is_empty() { Waits::NoMore } else { Waits::Still }
    }
}

/// Nodes send each other at most so many messages, and so many bytes, in a stretch of time.
#[derive(Debug)]
pub struct Few {
    about: &'static str,
    from: Duration,
    until: Duration,
    messages_max: u64,
    bytes_max: u64,
    by_sender: BTreeMap<NodeId, Spent>,
}
#[derive(Debug, Default)]
struct Spent {
    messages: u64,
    bytes: u64,
}
/// From one time to another, nodes send each other at most so many messages with so many bytes in all. `about` says in a
/// sentence what they are for: "for 20 commands".
pub fn few(about: &'static str, from: Duration, until: Duration, messages_max: u64, bytes_max: u64) -> Few {
    Few { about, from, until, messages_max, bytes_max, by_sender: BTreeMap::new() }
}
impl Few {
    fn judge(&self, scene: Scene<'_>) -> Result<(), Violation> {
        let total = |of: fn(&Spent) -> u64| self.by_sender.values().map(of).sum::<u64>();
        let messages = (total(|spent| spent.messages), self.messages_max, "messages");
        let bytes = (total(|spent| spent.bytes), self.bytes_max, "bytes");
        let Some((is, at_most, unit)) = [messages, bytes].into_iter().find(|(is, at_most, _)| is > at_most)
        else {
            return Ok(());
        };
        let of = |spent: &Spent| if unit == "bytes" { spent.bytes } else { spent.messages };
        let most = self.by_sender.iter().max_by_key(|(node, spent)| (of(spent), Reverse(**node)));
        let most = most.map(|(node, spent)| format!(" {node} sent most of them: {} {unit}.", of(spent)));
        let (from, until) = (Time::ZERO + self.from, Time::ZERO + self.until);
        let sentence = format!(
            "The nodes sent each other {is} {unit} between {from} and {until} {}. At most {at_most} are needed.{}",
            self.about,
            most.unwrap_or_default()
        );
        Err(scene.breaks("few-messages", sentence).of_costs())
    }
}
impl<C: Contract, M: Wire> Rule<C, M> for Few {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<C, M>) -> Result<(), Violation> {
        let at = scene.at() - Time::ZERO;
        if let Saw::Sent { to, bytes, .. } = saw
            && (self.from..self.until).contains(&at)
            && *to != scene.node()
        {
            let spent = self.by_sender.entry(scene.node()).or_default();
            spent.messages += 1;
            spent.bytes += *bytes as u64;
            return self.judge(scene);
        }
        Ok(())
    }
}

/// Nobody sends a message in a stretch of time.
#[derive(Debug)]
pub struct Quiet {
    why: &'static str,
    from: Duration,
    until: Duration,
}
/// Nobody sends a message from one time to another. `why` completes the sentence "… sent a message, though": "nobody waits".
pub fn quiet(why: &'static str, from: Duration, until: Duration) -> Quiet {
    Quiet { why, from, until }
}
impl<C: Contract, M: Wire> Rule<C, M> for Quiet {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<C, M>) -> Result<(), Violation> {
        match saw {
            Saw::Sent { to, .. }
                if (self.from..self.until).contains(&(scene.at() - Time::ZERO)) && *to != scene.node() =>
            {
                let sentence =
                    format!("{} sent {to} a message at {}, although {}.", scene.node(), scene.at(), self.why);
                Err(scene.breaks("quiet", sentence).of_costs())
            }
            _ => Ok(()),
        }
    }
}
