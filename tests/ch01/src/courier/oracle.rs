//! `courier`: what is durable in the mailboxes, beside what senders were asked to send.

use judge::{Oracle, Reached, Violation};
use kit::lens::{LogLens, Look, Wrong};
use lab::NodeId;
use lab::courier::{Config, Delivery, Guarantee, Letter, MAILBOX, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{Cause, Observation, ObservationId, Seen, Time, World};

pub(super) const COPIED: &str = "a message reached a receiver twice";
pub(super) const UNSYNCED: &str = "a receiver crashed with writes that were not synced";
pub(super) const RETURNED: &str = "a receiver crashed after a delivery, and messages reached it later";
pub(super) const OVERTAKEN: &str = "a message of a sender overtook an earlier one";
pub(super) const MANY: &str = "a receiver delivered a thousand letters";

/// What is judged in a run besides the safety rules: no letter that nobody sent, nothing removed, none twice, none out of
/// order, as the guarantee says.
#[derive(Debug, Default)]
pub(super) struct Goals {
    /// Each letter is due so long after it was asked for and the calm began; at most once: only what was asked for later.
    pub(super) due: Option<Duration>,
    /// Faults concern none of these nodes, nor the links between them: the calm does not matter to them, and letters between
    /// them are due so long after they were asked for.
    pub(super) unharmed: BTreeSet<NodeId>,
    pub(super) unharmed_due: Option<Duration>,
    /// Only costs are judged, so that a letter too many or too few does not cost these points, too.
    pub(super) cost_only: bool,
    /// Nobody sends anything once every letter was due.
    pub(super) quiet: bool,
    /// Messages of each pair of a sender and a receiver: one a letter, and four.
    pub(super) frugal: bool,
    /// What lies on disks besides mailboxes, and what is sent to a receiver that is cut off, is bounded by the window. The only
    /// fault of such a run cuts a receiver off.
    pub(super) bounded: bool,
}

/// Bytes on a receiver's disk, besides the mailbox: so many, and so many for each sender and place in the window.
const DISK_BYTES: usize = 4 << 10;
const DISK_BYTES_PER_PLACE: usize = 64;
/// Messages that a pair may exchange besides one a letter.
const SPARE_MESSAGES: u64 = 4;
/// Letters of so many bytes are random: such a run of bytes in a message is the letter.
pub(super) const RANDOM_LETTER_BYTES: usize = 24;

/// The judge of one run.
pub(super) struct Post {
    config: Config,
    goals: Goals,
    lens: LogLens<Delivery>,
    links: BTreeMap<(NodeId, NodeId), Link>,
    lives: BTreeMap<NodeId, Life>,
    syncs: u32,
    crashes: u64,
    /// Since when no acknowledgement can reach a sender any more, if a receiver is cut off: acknowledgements that were under way
    /// have arrived.
    cut_off: Option<Time>,
    reached: Reached,
}
/// A sender's letters to one receiver.
#[derive(Default)]
struct Link {
    /// In the order of asking.
    asked: Vec<Asked>,
    /// By their contents: how many were asked for, and what was delivered.
    tallies: BTreeMap<Letter, Tally>,
    delivered: usize,
    /// How many letters the whole run has.
    letters: Option<u64>,
    /// Messages, both ways.
    messages: u64,
    /// The last message of the sender.
    last_sent: Option<(Time, ObservationId)>,
    /// Messages that arrived at the receiver, by their sending.
    arrived: BTreeSet<ObservationId>,
    /// Random letters of which a copy was sent while the receiver was cut off.
    under_way: BTreeSet<Letter>,
}
struct Asked {
    letter: Letter,
    at: Time,
    seen: ObservationId,
}
#[derive(Default)]
struct Tally {
    asked: usize,
    copies: Vec<(Time, ObservationId)>,
}
/// The crashes of a receiver.
#[derive(Default)]
struct Life {
    unsynced: bool,
    has_delivered: bool,
    crashed: bool,
}

impl Post {
    pub(super) fn new(config: Config, goals: Goals) -> Post {
        Post {
            config,
            goals,
            lens: LogLens::new(MAILBOX),
            links: BTreeMap::new(),
            lives: BTreeMap::new(),
            syncs: 0,
            crashes: 0,
            cut_off: None,
            reached: Reached::default(),
        }
    }

    /// Judges the new records of a mailbox.
    fn look(&mut self, world: &World, seen: &Observation, look: Look<Delivery>) -> Result<(), Violation> {
        let node = world.scenario().name_of(seen.node);
        for (place, delivery) in (look.first_new..).zip(look.new) {
            self.delivered(world, seen, place, delivery)?;
        }
        match look.wrong {
            None => Ok(()),
            Some(Wrong::Gone(place, was)) => {
                let sentence = format!(
                    "{node} removed {was:?} from position {place} of its mailbox, where it was durable. A durable letter has been \
                     read, so it must stay."
                );
                Err(Violation::at(seen, "removed", sentence))
            }
            Some(Wrong::Unreadable(place)) => {
                let sentence = format!(
                    "{node} put a record into its mailbox, at position {place}, that is not a `Delivery`."
                );
                Err(Violation::at(seen, "unreadable", sentence))
            }
        }
    }
    fn delivered(
        &mut self,
        world: &World,
        seen: &Observation,
        place: u64,
        delivery: Delivery,
    ) -> Result<(), Violation> {
        let Delivery { from, letter } = delivery;
        let (to, node) = (seen.node, world.scenario().name_of(seen.node));
        let sender = world.scenario().name_of(from);
        let link = self.links.entry((from, to)).or_default();
        let tally = link.tallies.entry(letter.clone()).or_default();
        tally.copies.push((seen.at, seen.id));
        if tally.asked == 0 {
            let sentence = format!(
                "{node} delivered letter {letter} from {sender}, but {from} was never asked to send this letter to {to}."
            );
            return Err(Violation::at(seen, "invented", sentence));
        }
        if tally.copies.len() > tally.asked && self.config.guarantee != Guarantee::AtLeastOnce {
            let (copies, asked) = (tally.copies.len(), times(tally.asked));
            let sentence = format!(
                "{node} delivered {copies} copies of letter {letter} from {sender}, but {from} was asked to send this letter {asked}."
            );
            let mut violation = Violation::at(seen, "twice", sentence);
            if let [.., (_, earlier), (_, last)] = tally.copies[..]
                && earlier != last
            {
                violation = violation.because(earlier, format!("{letter} is delivered"));
            }
            return Err(violation);
        }
        link.delivered += 1;
        let next = link.asked.get(link.delivered - 1).filter(|next| next.letter != letter);
        if let (Some(next), Guarantee::ExactlyOnceInOrder) = (next, self.config.guarantee) {
            let (nth, next_letter) = (link.delivered, &next.letter);
            let sentence = format!(
                "{node} delivered {letter} as letter {nth} from {sender}, but letter {nth} that {from} was asked to send to {to} \
                 is {next_letter}. It is record {place} of the mailbox."
            );
            return Err(Violation::at(seen, "order", sentence).because(next.seen, format!("letter {nth}")));
        }
        self.reached.mark_if(MANY, link.delivered >= 1_000);
        self.lives.entry(to).or_default().has_delivered = true;
        Ok(())
    }

    fn sent(&mut self, world: &World, seen: &Observation, to: NodeId, bytes: &[u8]) -> Result<(), Violation> {
        let from = seen.node;
        let name = |node| world.scenario().name_of(node);
        let (sender, receiver) = if self.is_sender(world, from) { (from, to) } else { (to, from) };
        let last_due = if self.goals.quiet { self.last_due(world) } else { None };
        let link = self.links.entry((sender, receiver)).or_default();
        link.messages += 1;
        if sender == from {
            link.last_sent = Some((seen.at, seen.id));
        }
        if let Some(due) = last_due
            && seen.at > due
        {
            let sentence = format!(
                "{} sent {to} a message at {}. Every letter was due by {due}, so no node has anything left to send.",
                name(from),
                seen.at
            );
            return Err(Violation::at(seen, "quiet", sentence).of_costs());
        }
        if self.goals.frugal {
            let letters = *link.letters.get_or_insert_with(|| asked_in_all(world, sender, receiver));
            if link.messages > letters + SPARE_MESSAGES {
                let sentence = format!(
                    "{} and {} exchanged {} messages for {letters} letters: under at-most-once the limit is \
                     one message a letter, and {SPARE_MESSAGES} more.",
                    name(sender),
                    name(receiver),
                    link.messages
                );
                return Err(Violation::at(seen, "frugal", sentence));
            }
        }
        if let Some(since) = self.cut_off.filter(|since| sender == from && seen.at > *since) {
            let runs = bytes.windows(RANDOM_LETTER_BYTES).map(|run| Letter(run.to_vec()));
            link.under_way.extend(runs.filter(|letter| link.tallies.contains_key(letter)));
            let (many, window) = (link.under_way.len(), self.config.window);
            if many > window as usize {
                let sentence = format!(
                    "{} sent {to} copies of {many} letters between {since} and {}, while {to} was cut off and acknowledged none of \
                     them. The window is {window}.",
                    name(from),
                    seen.at
                );
                return Err(Violation::at(seen, "window", sentence));
            }
        }
        Ok(())
    }
    fn is_sender(&self, world: &World, node: NodeId) -> bool {
        let spec = world.scenario().nodes.iter().find(|spec| spec.id == node);
        spec.is_some_and(|spec| spec.role == <lab::courier::Sender as lab::Contract>::ROLE)
    }
    /// When all letters of this run are delivered at the latest.
    fn last_due(&self, world: &World) -> Option<Time> {
        let operations = world.scenario().clients.iter().flat_map(|client| &client.operations);
        let asked = operations.filter_map(|operation| match &operation.at {
            Some(world::When::At(at)) => Some(Time::ZERO + *at),
            _ => None,
        });
        Some(asked.max()?.max(calm(world)) + self.goals.due?)
    }

    /// A receiver's disk is bounded.
    fn disk(&self, world: &World, seen: &Observation) -> Result<(), Violation> {
        let Some(disk) = world.disk(seen.node) else { return Ok(()) };
        let senders = world.scenario().nodes.iter().filter(|spec| self.is_sender(world, spec.id)).count();
        let most = DISK_BYTES + DISK_BYTES_PER_PLACE * self.config.window as usize * senders;
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for (object, bytes) in disk.objects().filter(|(object, _)| object.name() != MAILBOX.name()) {
            *sizes.entry(object.name()).or_default() += bytes;
        }
        let all: usize = sizes.values().sum();
        if all <= most {
            return Ok(());
        }
        let (largest, bytes) = sizes.iter().max_by_key(|(_, bytes)| **bytes).expect("there are bytes");
        let sentence = format!(
            "{} keeps {all} bytes on its disk besides the mailbox, {bytes} of them in `{largest}`. The limit is {most} bytes: \
             the window is {}, and there are {senders} senders.",
            world.scenario().name_of(seen.node),
            self.config.window
        );
        Err(Violation::at(seen, "disk", sentence))
    }

    /// The first letter that is late or missing.
    fn late(&self, world: &World) -> Result<(), Violation> {
        let Some(within) = self.goals.due else { return Ok(()) };
        for ((from, to), link) in &self.links {
            let unharmed = self.goals.unharmed.contains(from) && self.goals.unharmed.contains(to);
            let (calm, within) = match self.goals.unharmed_due {
                Some(soon) if unharmed => (Time::ZERO, soon),
                _ => (calm(world), within),
            };
            let mut nth: BTreeMap<&Letter, usize> = BTreeMap::new();
            for asked in &link.asked {
                let copy = *nth.entry(&asked.letter).and_modify(|nth| *nth += 1).or_default();
                if self.config.guarantee == Guarantee::AtMostOnce && asked.at < calm {
                    continue;
                }
                let due = asked.at.max(calm) + within;
                let delivered = link.tallies[&asked.letter].copies.get(copy);
                let sender = world.scenario().name_of(*from);
                let is_over = world.now() > due || world.end() == Some(&world::End::Idle);
                let when = match delivered {
                    Some((at, _)) if *at <= due => continue,
                    None if !is_over => continue,
                    Some((at, _)) => format!("delivered letter {} from {sender} only at {at}", asked.letter),
                    None => format!("never delivered letter {} from {sender}", asked.letter),
                };
                let mut sentence = format!(
                    "{} {when}: {from} was asked to send it at {}, so it was due by {due}.",
                    world.scenario().name_of(*to),
                    asked.at
                );
                let mut violation = match link.last_sent {
                    None => {
                        sentence += &format!(" {from} has never sent {to} anything.");
                        Violation::never("late", sentence)
                    }
                    Some((at, id)) => {
                        if delivered.is_none() {
                            sentence += &format!(" The last message from {from} to {to} left at {at}.");
                        }
                        Violation::never("late", sentence)
                            .because(id, format!("the last message from {from} to {to}"))
                    }
                };
                violation = violation.because(asked.seen, format!("{} is due by {due}", asked.letter));
                return Err(violation);
            }
        }
        Ok(())
    }
}

impl Oracle for Post {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        if let Some(look) = self.lens.see(world, seen) {
            let judged = self.look(world, seen, look);
            if !self.goals.cost_only {
                judged?;
            }
        }
        match &seen.seen {
            Seen::Requested { bytes, .. } => {
                let Some(Request::Send { to, letter }) = lab::frame::decode(bytes) else { return Ok(()) };
                let link = self.links.entry((seen.node, to)).or_default();
                link.tallies.entry(letter.clone()).or_default().asked += 1;
                link.asked.push(Asked { letter, at: seen.at, seen: seen.id });
            }
            Seen::Sent { to, bytes, .. } => self.sent(world, seen, *to, bytes)?,
            Seen::Delivered { from, .. } => self.arrived(*from, seen),
            Seen::Wrote { .. } => self.lives.entry(seen.node).or_default().unsynced = true,
            Seen::Synced => {
                self.lives.entry(seen.node).or_default().unsynced = false;
                self.syncs += 1;
                // a disk grows slowly, and weighing it takes a while
                if self.goals.bounded && self.syncs.is_multiple_of(16) {
                    self.disk(world, seen)?;
                }
            }
            Seen::FaultBegan { .. } if self.goals.bounded => {
                self.cut_off = Some(seen.at + self.config.resend / 2)
            }
            Seen::FaultEnded { .. } => {
                self.cut_off = None;
                self.links.values_mut().for_each(|link| link.under_way.clear());
            }
            Seen::Crashed => {
                let life = self.lives.entry(seen.node).or_default();
                life.crashed = true;
                self.crashes += 1;
                self.reached.mark_if(UNSYNCED, std::mem::take(&mut life.unsynced));
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        if !self.goals.cost_only {
            self.late(world)?;
        }
        reached.clone_from(&self.reached);
        if self.crashes > 0 {
            reached.figure("crashes of receivers", self.crashes);
        }
        Ok(())
    }
}

impl Post {
    fn arrived(&mut self, from: NodeId, seen: &Observation) {
        let Cause::Observation(sending) = seen.cause else { return };
        let Some(link) = self.links.get_mut(&(from, seen.node)) else { return };
        self.reached.mark_if(OVERTAKEN, link.arrived.last().is_some_and(|newest| sending < *newest));
        self.reached.mark_if(COPIED, !link.arrived.insert(sending));
        let life = self.lives.entry(seen.node).or_default();
        self.reached.mark_if(RETURNED, life.crashed && life.has_delivered);
    }
}

/// When nothing goes wrong any more; the beginning where nothing ever does.
fn calm(world: &World) -> Time {
    world.scenario().calm.as_ref().map_or(Time::ZERO, |(calm, _)| Time::ZERO + *calm)
}
/// How many letters of this pair a run has.
fn asked_in_all(world: &World, from: NodeId, receiver: NodeId) -> u64 {
    let operations = world.scenario().clients.iter().flat_map(|client| &client.operations);
    let is_for = |request: &[u8]| matches!(lab::frame::decode(request), Some(Request::Send { to, .. }) if to == receiver);
    operations.filter(|operation| operation.to == [from] && is_for(&operation.request)).count() as u64
}
/// As in "was asked to send it twice".
fn times(n: usize) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{n} times"),
    }
}
