//! `hlc`: how a run is judged.

use judge::{Oracle, Reached, Violation};
use kit::{ms, secs};
use lab::NodeId;
use lab::hlc::{Clock, Config, Event, Request, Stamp};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{Cause, ClockSpec, Harm, Observation, ObservationId, Seen, Time, Who, World};

pub(super) const ONE_GRANULE: &str = "two events of one node in one granule";
pub(super) const ONE_GRANULE_OFF: &str = "a message that arrived in the granule in which it was sent";
pub(super) const WENT_BACK: &str = "stamps before and after a clock went back";
pub(super) const STOOD: &str = "two stamps while a clock stood still";
pub(super) const AHEAD: &str = "a stamp ahead of its own wall";
pub(super) const FULL: &str = "more events in a granule than a counter counts";
pub(super) const RESTARTED: &str = "a stamp after a restart";
pub(super) const MAD: &str = "a stamp too far ahead arrived";
pub(super) const OLD: &str = "a stamp far behind arrived";
pub(super) const SOON: &str = "a stamp ahead of the wall arrived";

/// Stamps that a clock must be able to give within one granule.
pub(super) const IN_A_GRANULE_MIN: u64 = 60_000;
pub(super) fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("less than centuries")
}

/// What a check asks of its clocks, besides that stamps grow.
pub(super) struct Rules {
    pub(super) config: Config,
    /// Known where no clock jumps.
    pub(super) walls: BTreeMap<NodeId, ClockSpec>,
    /// l is close to the walls.
    pub(super) close: bool,
    /// Nodes crash.
    pub(super) crashes: bool,
    /// Messages may be refused.
    pub(super) refusals: bool,
    /// Its stamps are too far ahead for everybody else.
    pub(super) mad: Option<NodeId>,
    /// Counters get full.
    pub(super) full: bool,
    /// From here on none is full any more.
    pub(super) works_from: Option<Duration>,
}
impl Default for Rules {
    fn default() -> Rules {
        Rules {
            config: Config { max_offset: secs(1), granule: ms(1) },
            walls: BTreeMap::new(),
            close: false,
            crashes: false,
            refusals: false,
            mad: None,
            full: false,
            works_from: None,
        }
    }
}

/// Follows real clocks.
pub(super) struct Clocks {
    rules: Rules,
    pub(super) nodes: BTreeMap<NodeId, NodeLog>,
    /// Events so far with each l.
    sharing: BTreeMap<u64, u64>,
    /// Frames: their sender's farthest wall.
    pub(super) frames: BTreeMap<ObservationId, u64>,
    /// Frames by the delivery that brought them.
    pub(super) deliveries: BTreeMap<ObservationId, ObservationId>,
    /// What handlers saw on the wall, where that is known.
    pub(super) handlings: BTreeMap<ObservationId, u64>,
    /// Timers that fired.
    rang: BTreeSet<ObservationId>,
    pub(super) orphans: Vec<Orphan>,
    pub(super) reached: Reached,
}
#[derive(Default)]
pub(super) struct NodeLog {
    given: Vec<(ObservationId, Stamp, &'static str)>,
    sent: BTreeSet<(NodeId, Stamp)>,
    /// The farthest wall that it can have heard of, in nanoseconds.
    farthest: u64,
    /// When its last event was, in granules of its wall, where that is known.
    granule: Option<u64>,
    /// Asked and done, in this life: local events, sendings, messages. `Exhausted` counts for any.
    locals: (u64, u64),
    sends: (u64, u64),
    messages: (u64, u64),
    /// `Exhausted`, for events that were asked for, and for messages; both, where a timer fired.
    exhausted: u64,
    refused: u64,
    frames: u64,
    crashed: bool,
    went_back: bool,
    stands: bool,
    stood_stamps: u64,
}
/// A receipt, or a refusal, of a stamp that no sending had been emitted with.
pub(super) struct Orphan {
    receipt: ObservationId,
    receiver: NodeId,
    sender: NodeId,
    stamp: Stamp,
    frame: Option<ObservationId>,
}

impl Clocks {
    pub(super) fn new(rules: Rules) -> Clocks {
        Clocks {
            rules,
            nodes: BTreeMap::new(),
            sharing: BTreeMap::new(),
            frames: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            handlings: BTreeMap::new(),
            rang: BTreeSet::new(),
            orphans: Vec::new(),
            reached: Reached::default(),
        }
    }
    fn log(&mut self, node: NodeId) -> &mut NodeLog {
        self.nodes.entry(node).or_default()
    }
    /// What a node's wall shows, where no clock jumps.
    fn wall(&self, node: NodeId, at: Time) -> Option<u64> {
        self.rules.walls.get(&node).map(|clock| ns(clock.wall_clock(at).0))
    }
    /// A node is handed something.
    fn handed(&mut self, seen: &Observation) {
        if let Some(wall) = self.wall(seen.node, seen.at) {
            self.handlings.insert(seen.id, wall);
            let log = self.log(seen.node);
            log.farthest = log.farthest.max(wall);
        }
    }

    /// A node gave a stamp.
    fn give(&mut self, seen: &Observation, what: &'static str, stamp: Stamp) -> Result<(), Violation> {
        let node = seen.node;
        let granule_ns = ns(self.rules.config.granule).max(1);
        if self.rules.close && !stamp.l.is_multiple_of(granule_ns) {
            let sentence = format!(
                "{node} stamped {what} {stamp}: l is no whole number of granules of {:?}.",
                self.rules.config.granule
            );
            return Err(Violation::at(seen, "whole-granules", sentence));
        }
        let granule = self.granule_behind(seen);
        // `restart` is about this
        let over_crash = self.rules.close && self.log(node).crashed;
        let log = self.log(node);
        if let Some((_, last, before)) = log.given.last()
            && stamp <= *last
            && !over_crash
        {
            let between = match (log.crashed, log.went_back) {
                (true, _) => ", crashed, and later stamped",
                (_, true) => ". Its wall clock was set back, and later it stamped",
                _ => ", and later it stamped",
            };
            let sentence = format!(
                "{node} stamped {before} {last}{between} {what} {stamp}. The later event must have the larger stamp."
            );
            return Err(Violation::at(seen, "grows", sentence));
        }
        let same_granule = granule.is_some() && log.granule == granule;
        log.granule = granule;
        let went_back = log.went_back && log.given.len() > 1;
        log.stood_stamps += u64::from(log.stands);
        let (stood, restarted) = (log.stood_stamps > 1, log.crashed);
        log.given.push((seen.id, stamp, what));
        self.reached.mark_if(ONE_GRANULE, same_granule);
        self.reached.mark_if(WENT_BACK, went_back);
        self.reached.mark_if(STOOD, stood);
        self.reached.mark_if(RESTARTED, restarted);
        if self.rules.close {
            self.is_close(seen, what, stamp)?;
        }
        Ok(())
    }
    fn is_close(&mut self, seen: &Observation, what: &'static str, stamp: Stamp) -> Result<(), Violation> {
        let node = seen.node;
        let Cause::Observation(handling) = seen.cause else { return Ok(()) };
        let Some(&wall) = self.handlings.get(&handling) else { return Ok(()) };
        let farthest = self.log(node).farthest;
        self.reached.mark_if(AHEAD, stamp.l > wall);
        let granule = ns(self.rules.config.granule);
        if stamp.l.saturating_add(granule) <= wall {
            let behind = Time::ZERO + Duration::from_nanos(wall - stamp.l);
            let sentence = format!(
                "{node} stamped {what} {stamp} when its wall clock was ahead of that l by {behind}. l is never behind the \
                 node's wall clock."
            );
            return Err(Violation::at(seen, "behind-the-wall", sentence));
        }
        if stamp.l > farthest {
            let ahead = Time::ZERO + Duration::from_nanos(stamp.l - farthest);
            let why = match self.rules.mad {
                Some(mad) if mad != node => {
                    format!(
                        " The wall clock of {mad} is that far ahead, but messages of {mad} must be refused and must leave \
                         no trace."
                    )
                }
                _ => String::new(),
            };
            let sentence = format!(
                "{node} stamped {what} {stamp}, but that l is ahead of every wall clock that {node} can have heard of, by \
                 {ahead}. l is the largest of those wall clocks.{why}"
            );
            return Err(Violation::at(seen, "ahead-of-walls", sentence));
        }
        let sharing = self.sharing.entry(stamp.l).or_default();
        *sharing += 1;
        if u64::from(stamp.c) > 100 * (*sharing + 1) {
            let sentence = format!(
                "{node} stamped {what} {stamp}, but no more than {sharing} events so far have that l. When l grows, the \
                 counter starts again at 0."
            );
            return Err(Violation::at(seen, "counter-begins-anew", sentence));
        }
        Ok(())
    }

    fn emitted(&mut self, seen: &Observation, event: Event) -> Result<(), Violation> {
        let node = seen.node;
        let more_than_asked = |(asked, done): (u64, u64), what: &str| match done > asked {
            true => Err(Violation::at(
                seen,
                "unasked",
                format!("{node} emitted {what} that no request or message asked for."),
            )),
            false => Ok(()),
        };
        match event {
            Event::Local { stamp } => {
                let log = self.log(node);
                log.locals.1 += 1;
                more_than_asked(log.locals, "a local event")?;
                self.give(seen, "a local event", stamp)
            }
            Event::Sent { to, stamp } => {
                let log = self.log(node);
                log.sends.1 += 1;
                log.sent.insert((to, stamp));
                more_than_asked(log.sends, "a sending")?;
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
                if self.rules.mad == Some(from) {
                    let sentence = format!(
                        "{node} accepted a message of {from} with stamp {sent}, which is ahead of its own wall clock by \
                         more than twice the largest offset ({}). {node} must refuse it.",
                        Time::ZERO + self.rules.config.max_offset
                    );
                    return Err(Violation::at(seen, "refuses-far-stamps", sentence));
                }
                let log = self.log(node);
                log.messages.1 += 1;
                more_than_asked(log.messages, "a receipt")?;
                let frame = self.frame_behind(seen);
                let here = self.granule_behind(seen);
                if let Some(farthest) = frame.and_then(|frame| self.frames.get(&frame)).copied() {
                    let there = farthest / ns(self.rules.config.granule);
                    self.reached.mark_if(ONE_GRANULE_OFF, here == Some(there));
                    let log = self.log(node);
                    log.farthest = log.farthest.max(farthest);
                }
                if let Some(wall) = self.wall(node, seen.at) {
                    let far = ns(self.rules.config.max_offset);
                    self.reached.mark_if(OLD, sent.l.saturating_add(far) < wall);
                    self.reached.mark_if(SOON, sent.l > wall);
                }
                if !self.log(from).sent.contains(&(node, sent)) {
                    let receipt = seen.id;
                    self.orphans.push(Orphan { receipt, receiver: node, sender: from, stamp: sent, frame });
                }
                self.give(seen, "a receipt", stamp)
            }
            Event::Refused { from, sent } => {
                let log = self.log(node);
                log.messages.1 += 1;
                more_than_asked(log.messages, "a refusal")?;
                self.reached.mark_if(MAD, self.rules.mad == Some(from));
                let honest = self.rules.mad.is_some_and(|mad| mad != from && mad != node);
                if !self.rules.refusals || honest {
                    let wall = self.wall(node, seen.at);
                    let how = match wall {
                        Some(wall) if sent.l > wall => {
                            format!("only {} ahead of", Time::ZERO + Duration::from_nanos(sent.l - wall))
                        }
                        Some(wall) => format!("{} behind", Time::ZERO + Duration::from_nanos(wall - sent.l)),
                        None => "close to".to_owned(),
                    };
                    let sentence = format!(
                        "{node} refused a message from {from} with stamp {sent}, which is {how} its wall clock. The largest \
                         offset is {}, so {node} must accept the message.",
                        Time::ZERO + self.rules.config.max_offset
                    );
                    return Err(Violation::at(seen, "accepts-near-stamps", sentence));
                }
                if !self.log(from).sent.contains(&(node, sent)) {
                    let receipt = seen.id;
                    let frame = None; // a stamp that was refused binds nobody
                    self.orphans.push(Orphan { receipt, receiver: node, sender: from, stamp: sent, frame });
                }
                Ok(())
            }
            Event::Exhausted => self.exhausted(seen),
        }
    }
    fn exhausted(&mut self, seen: &Observation) -> Result<(), Violation> {
        let node = seen.node;
        let since_thaw = self.rules.works_from.is_some_and(|from| seen.at >= Time::ZERO + from);
        let full = self.rules.full;
        // which of the things that were to happen did not
        let is_receipt = matches!(seen.cause, Cause::Observation(id) if self.deliveries.contains_key(&id));
        let is_timer = matches!(seen.cause, Cause::Observation(id) if self.rang.contains(&id));
        let log = self.log(node);
        log.refused += u64::from(is_receipt || is_timer);
        log.exhausted += u64::from(!is_receipt);
        let given = log.given.len() as u64;
        if !full || given < IN_A_GRANULE_MIN {
            let sentence = format!(
                "{node} emitted `Exhausted` after {given} stamps in all. A counter of 16 bits is enough for 65,536 stamps \
                 in one granule."
            );
            return Err(Violation::at(seen, "exhausted-too-early", sentence));
        }
        if since_thaw {
            let sentence = format!(
                "{node} still emitted `Exhausted` long after its wall clock had advanced. With a larger l the counter \
                 starts again at 0."
            );
            return Err(Violation::at(seen, "exhausted-too-long", sentence));
        }
        Ok(())
    }
    /// When the event being handled came, in granules of its node's wall, where that is known.
    fn granule_behind(&self, seen: &Observation) -> Option<u64> {
        let Cause::Observation(handling) = seen.cause else { return None };
        Some(self.handlings.get(&handling)? / ns(self.rules.config.granule))
    }
    /// The frame that the event being handled brought, if it is a delivery.
    fn frame_behind(&self, seen: &Observation) -> Option<ObservationId> {
        let Cause::Observation(handling) = seen.cause else { return None };
        self.deliveries.get(&handling).copied()
    }
    /// Clocks that a fault does something to.
    fn harmed(&mut self, world: &World, fault: usize, begins: bool) {
        match world.scenario().faults[fault].harm {
            Harm::ClockJump { node: Who::Node(node), .. } => self.log(node).went_back |= begins,
            Harm::ClockFreeze { node: Who::Node(node) } => {
                let log = self.log(node);
                (log.stands, log.stood_stamps) = (begins, 0);
            }
            _ => {}
        }
    }
}

impl Oracle for Clocks {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        let node = seen.node;
        match &seen.seen {
            Seen::Crashed => {
                // after a crash a clock may begin at a bound that it had reserved
                let reserve = ns(self.rules.config.max_offset);
                let log = self.log(node);
                log.crashed = true;
                log.farthest += reserve;
                (log.locals, log.sends, log.messages) = ((0, 0), (0, 0), (0, 0));
                (log.exhausted, log.refused) = (0, 0);
            }
            Seen::FaultBegan { fault } => self.harmed(world, *fault, true),
            Seen::FaultEnded { fault } => self.harmed(world, *fault, false),
            Seen::Requested { bytes, .. } => {
                self.handed(seen);
                let request = lab::frame::decode(bytes).expect("the suite's own request");
                let full = self.rules.full;
                let log = self.log(node);
                match request {
                    Request::Local { times } => log.locals.0 += u64::from(times),
                    Request::Send { .. } => log.sends.0 += 1,
                }
                let asked = log.locals.0;
                self.reached.mark_if(FULL, full && asked >= 70_000);
            }
            Seen::Delivered { .. } => {
                self.handed(seen);
                self.log(node).messages.0 += 1;
                if let Cause::Observation(frame) = seen.cause {
                    self.deliveries.insert(seen.id, frame);
                    // what is not refused may be taken; and while a node waits nobody can tell which it is
                    let from_mad =
                        matches!(&seen.seen, Seen::Delivered { from, .. } if self.rules.mad == Some(*from));
                    if let (Some(farthest), false) = (self.frames.get(&frame).copied(), from_mad) {
                        let log = self.log(node);
                        log.farthest = log.farthest.max(farthest);
                    }
                }
            }
            Seen::Rang { .. } => {
                self.handed(seen);
                self.rang.insert(seen.id);
            }
            Seen::Sent { .. } => {
                let log = self.log(node);
                log.frames += 1;
                let farthest = log.farthest;
                self.frames.insert(seen.id, farthest);
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
        for orphan in &self.orphans {
            let Orphan { receipt, receiver, sender, stamp, .. } = orphan;
            let sender_log = &self.nodes[sender];
            if sender_log.sent.contains(&(*receiver, *stamp)) {
                continue; // it was emitted after it was sent
            }
            if !sender_log.crashed {
                let sentence = format!(
                    "{receiver} reported that a message from {sender} carried stamp {stamp}, but {sender} never emitted \
                     `Sent` to {receiver} with that stamp. A message carries the stamp of its sending."
                );
                return Err(Violation {
                    at: Some(*receipt),
                    ..Violation::never("carries-its-stamp", sentence)
                });
            }
            let Some(frame) = orphan.frame.filter(|_| !self.rules.close) else { continue };
            let later = sender_log.given.iter().find(|(at, later, _)| *at > frame && later <= stamp);
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
        self.all_done()?;
        reached.clone_from(&self.reached);
        Ok(())
    }
}
impl Clocks {
    /// Everything that was asked for since a node's last crash happened.
    fn all_done(&self) -> Result<(), Violation> {
        for (node, log) in &self.nodes {
            let since = if log.crashed { " since its restart, but it" } else { ", but it" };
            let left = if self.rules.crashes && log.crashed {
                format!(" by twice the largest offset ({}) later", Time::ZERO + self.rules.config.max_offset)
            } else {
                String::new()
            };
            let (asked, done) = log.messages;
            if asked > done + log.refused {
                return Err(Violation::never(
                    "all-taken-or-refused",
                    format!(
                        "{node} received {asked} messages{since} emitted `Received` or `Refused` for only {done} of \
                         them{left}. Each message must be accepted or refused."
                    ),
                ));
            }
            let asked = log.locals.0 + log.sends.0;
            let done = log.locals.1 + log.sends.1 + log.exhausted;
            if asked > done {
                return Err(Violation::never(
                    "all-emitted",
                    format!(
                        "{node} was asked for {asked} events{since} emitted only {done} of them{left}. Each event is \
                         emitted with its stamp."
                    ),
                ));
            }
            if !log.sent.is_empty() && log.frames == 0 && !log.crashed {
                return Err(Violation::never(
                    "sends",
                    format!(
                        "{node} emitted `Sent`, but it never sent a message. For each `Send`, a node emits the event and \
                         sends the message."
                    ),
                ));
            }
        }
        Ok(())
    }
}
