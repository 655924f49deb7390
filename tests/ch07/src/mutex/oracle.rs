//! `mutex`: how a run is judged.

use judge::{Oracle, Reached, Violation};
use kit::ms;
use lab::NodeId;
use lab::mutex::{Event, Mutex, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{Cause, End, Observation, ObservationId, Seen, Time, World};

pub(super) const WAITED: &str =
    "a node wanted to get inside while another was, and entered after that one had left";
pub(super) const CHAINED: &str = "a node asked because of a request that still waited";
pub(super) const OVERTOOK: &str = "a message overtook another";

/// So long after the last one has left everything has been said.
pub(super) const SETTLED: Duration = Duration::from_millis(200);

/// Follows who asks, who is inside, and what could be the cause of what.
#[derive(Default)]
pub(super) struct Turns {
    /// Never two inside.
    pub(super) exclusive: bool,
    /// Causes before effects, and every note arrives.
    pub(super) in_order: bool,
    /// Everybody enters within this time.
    pub(super) in_time: Option<Duration>,
    /// Few messages.
    pub(super) frugal: bool,
    /// A client broke its rules: whatever the nodes do now, it is not their fault.
    pub(super) void: bool,
    pub(super) nodes: BTreeMap<NodeId, Turn>,
    pub(super) asks: Vec<Ask>,
    pub(super) notes: BTreeMap<u32, Note>,
    /// The last message that was taken, by link.
    pub(super) links: BTreeMap<(NodeId, NodeId), ObservationId>,
    /// Messages since the first request, and entries.
    pub(super) frames: u64,
    pub(super) entries: u64,
    /// When it became quiet: nobody inside, nobody waiting.
    pub(super) quiet_since: Time,
    pub(super) reached: Reached,
}
#[derive(Default)]
pub(super) struct Turn {
    state: State,
    /// What could have caused what happens here next: requests, by their place in `asks`, and the way their news took.
    past: BTreeMap<usize, Vec<NodeId>>,
    left: Option<(Time, ObservationId)>,
}
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Outside,
    Waiting(usize),
    Inside(usize),
}
/// A request to get inside.
pub(super) struct Ask {
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
pub(super) struct Note {
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
            return Err(Violation::at(seen, "enters-unasked", format!("{node} emitted Entered, {why}.")));
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
            return Err(Violation::at(seen, "exclusion", sentence)
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
                "in-time",
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
        Err(Violation::at(seen, "order", sentence)
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
            return Err(Violation::at(seen, "note-unsent", sentence));
        };
        if note.arrived {
            let sentence =
                format!("{node} emitted twice that note {number} from {from} arrived; it was sent once.");
            return Err(Violation::at(seen, "note-twice", sentence));
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
            return Err(Violation::at(seen, "quiet", sentence));
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
                    return Err(Violation::at(seen, "unknown-event", sentence));
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
        let violation =
            Violation::never("enters", format!("{node} asked at {asked} and never entered: {why}."))
                .because(ask.asked, format!("{node} waits from here on"));
        Err(match left {
            Some(((_, leaves), last)) => violation.because(leaves, format!("{last} leaves")),
            None => violation,
        })
    }
    fn no_note_was_lost(&self, world: &World) -> Result<(), Violation> {
        let lost = |note: &(&u32, &Note)| !note.1.arrived && Turns::is_over(world, note.1.at, ms(2_000));
        match self.notes.iter().find(lost) {
            Some((number, note)) if self.in_order => Err(Violation::never(
                "note-lost",
                format!(
                    "{} was asked to send {} note {number}, at {}, and {} never emitted that it arrived.",
                    note.from, note.to, note.at, note.to
                ),
            )),
            _ => Ok(()),
        }
    }
    fn few_messages(&self, world: &World) -> Result<(), Violation> {
        let each = 3 * (world.scenario().nodes.len() as u64 - 1);
        if !self.frugal || self.frames <= each * self.entries {
            return Ok(());
        }
        let (frames, entries, n) = (self.frames, self.entries, world.scenario().nodes.len());
        Err(Violation::never(
            "few-messages",
            format!(
                "{n} nodes sent each other {frames} messages for {entries} entries: more than 3 (n − 1) = {each} for each."
            ),
        ))
    }
}
