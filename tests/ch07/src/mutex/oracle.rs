//! `mutex`: how a run is judged.

use judge::{Reached, Violation};
use kit::goals::is_due;
use kit::{Rule, Saw, Scene, ms};
use lab::NodeId;
use lab::mutex::{Event, Mutex, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{Cause, ObservationId, Scenario, Time, World};

pub(super) const WAITED: &str =
    "a node wanted to get inside while another was, and entered after that one had left";
pub(super) const CHAINED: &str = "a node asked because of a request that still waited";
pub(super) const OVERTOOK: &str = "a message overtook another";

/// So long after the last node has left, everything has been said.
const SETTLED: Duration = ms(200);

/// Follows who asks, who is inside, and what could be the cause of what. Never two inside, causes before effects, and every note
/// arrives once: in all runs.
#[derive(Default)]
pub(super) struct Turns {
    /// Every node enters within this time of its request.
    bound: Option<Duration>,
    /// Messages are few, and there are none while nobody wants to enter.
    frugal: bool,
    /// A client broke its rules: whatever the nodes do now, it is not their fault.
    void: bool,
    nodes: BTreeMap<NodeId, Turn>,
    asks: Vec<Ask>,
    notes: BTreeMap<u32, Note>,
    /// What its sender knew of, by the sending of a message.
    carried: BTreeMap<ObservationId, Past>,
    /// The last message that was taken, by link.
    links: BTreeMap<(NodeId, NodeId), ObservationId>,
    /// Messages since the first request, and entries.
    frames: u64,
    entries: u64,
    /// When it became quiet: nobody inside, nobody waiting.
    quiet_since: Time,
    reached: Reached,
}
/// Requests that a node knows of, by their place among all, and the way on which their news came.
type Past = BTreeMap<usize, Vec<NodeId>>;
#[derive(Default)]
struct Turn {
    state: State,
    /// What could have caused what happens here next.
    past: Past,
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
    past: Past,
}
struct Note {
    from: NodeId,
    to: NodeId,
    at: Time,
    arrived: bool,
    past: Past,
}

impl Turns {
    /// The same, and every node enters within this time of its request.
    pub(super) fn within(bound: Duration) -> Turns {
        Turns { bound: Some(bound), ..Turns::default() }
    }
    /// The same, and messages are few.
    pub(super) fn frugal() -> Turns {
        Turns { frugal: true, ..Turns::default() }
    }
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

    fn requested(&mut self, scene: Scene<'_>, request: Request) {
        let (node, at) = (scene.node(), scene.at());
        match (request, self.state(node)) {
            (Request::Acquire, State::Outside) => {
                let nth = self.asks.len();
                let behind = self.inside(node).map(|(node, _)| node);
                let past = self.turn(node).past.clone();
                let asked = scene.id();
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
                turn.left = Some((at, scene.id()));
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

    fn entered(&mut self, scene: Scene<'_>) -> Result<(), Violation> {
        let (node, at) = (scene.node(), scene.at());
        let State::Waiting(nth) = self.state(node) else {
            let why = match self.state(node) {
                State::Inside(_) => "although it is inside already",
                _ => "although its client has not asked for that",
            };
            return Err(scene.breaks("enters-unasked", format!("{node} emitted `Entered`, {why}.")));
        };
        if let Some((other, (since, door))) = self.inside(node) {
            let asked = self.asks[nth].at;
            let ignorance = if self.asks[nth].heard.contains(&other) {
                String::new()
            } else {
                format!(" Between its request and its entry, no message from {other} reached {node}.")
            };
            let sentence = format!(
                "{other} and {node} are both inside: {other} entered at {since} and has not left, and {node} entered at \
                 {at}. {node} had asked at {asked}.{ignorance}"
            );
            return Err(scene
                .breaks("exclusion", sentence)
                .because(door, format!("{other} is inside from here on"))
                .because(scene.id(), format!("{node} is inside, too")));
        }
        self.must_be_next(scene, nth)?;
        let ask = &mut self.asks[nth];
        ask.entered = Some((at, scene.id()));
        let (asked, behind) = (ask.at, ask.behind);
        self.turn(node).state = State::Inside(nth);
        self.entries += 1;
        for other in self.asks.iter_mut().filter(|other| other.entered.is_none()) {
            other.behind = Some(node);
        }
        let waited = behind.is_some_and(|other| !matches!(self.state(other), State::Inside(_)));
        self.reached.mark_if(WAITED, waited);
        match self.bound {
            Some(bound) if at - asked > bound => {
                let sentence = format!(
                    "{node} asked at {asked} and entered only at {at}. With the stays and message delays of this run, no \
                     node has to wait longer than {}.",
                    Time::ZERO + bound
                );
                Err(scene.breaks("in-time", sentence))
            }
            _ => Ok(()),
        }
    }
    /// Every request that could be the cause of this one has been served.
    fn must_be_next(&self, scene: Scene<'_>, nth: usize) -> Result<(), Violation> {
        let ask = &self.asks[nth];
        let skipped = ask.past.iter().find(|(cause, _)| self.asks[**cause].entered.is_none());
        let Some((cause, way)) = skipped else { return Ok(()) };
        let (first, since) = (self.asks[*cause].node, self.asks[*cause].at);
        let way: Vec<String> = way.iter().map(ToString::to_string).collect();
        let (node, asked) = (ask.node, ask.at);
        let sentence = format!(
            "{node} entered before {first}, but the request of {first} could be a cause of the request of {node}: {first} \
             asked at {since}, then messages went {}, and then {node} asked at {asked}.",
            way.join(" → ")
        );
        Err(scene
            .breaks("order", sentence)
            .because(self.asks[*cause].asked, format!("{first} asks first"))
            .because(ask.asked, format!("{node} asks, after messages that began at {first}"))
            .because(scene.id(), format!("{node} enters before {first}")))
    }

    fn noted(&mut self, scene: Scene<'_>, from: NodeId, number: u32) -> Result<(), Violation> {
        let node = scene.node();
        let note = self.notes.get_mut(&number).filter(|note| (note.from, note.to) == (from, node));
        let Some(note) = note else {
            let sentence = format!(
                "{node} emitted `Noted` for note {number} from {from}, but {from} was not asked to send it that note."
            );
            return Err(scene.breaks("note-unsent", sentence));
        };
        if note.arrived {
            let sentence = format!(
                "{node} emitted `Noted` twice for note {number} from {from}. The note was sent once."
            );
            return Err(scene.breaks("note-twice", sentence));
        }
        note.arrived = true;
        let past = note.past.clone();
        self.learns(node, past);
        Ok(())
    }
    /// A node has heard of these requests.
    fn learns(&mut self, node: NodeId, past: Past) {
        for (ask, way) in past {
            self.turn(node).past.entry(ask).or_insert_with(|| [way, vec![node]].concat());
        }
    }

    fn sent(&mut self, scene: Scene<'_>, to: NodeId) -> Result<(), Violation> {
        let node = scene.node();
        if to == node {
            return Ok(());
        }
        if keeps_order(scene.scenario()) {
            self.carried
                .insert(scene.id(), self.nodes.get(&node).map(|turn| turn.past.clone()).unwrap_or_default());
        }
        self.frames += u64::from(!self.asks.is_empty());
        if self.frugal && self.is_quiet() && scene.at() - self.quiet_since > SETTLED {
            let sentence = format!(
                "{node} sent {to} a message at {}, although no node had been inside or waiting since {}. While no node \
                 wants to enter, no message is needed.",
                scene.at(),
                self.quiet_since
            );
            return Err(scene.breaks("quiet", sentence));
        }
        Ok(())
    }
    fn got(&mut self, scene: Scene<'_>, from: NodeId) {
        let node = scene.node();
        if let State::Waiting(ask) = self.state(node) {
            self.asks[ask].heard.insert(from);
        }
        if let Cause::Observation(sending) = scene.seen.cause {
            let last = self.links.entry((from, node)).or_insert(sending);
            self.reached.mark_if(OVERTOOK, sending < *last);
            *last = sending.max(*last);
            let past = self.carried.get(&sending).cloned().unwrap_or_default();
            self.learns(node, past);
        }
    }
}
/// Whether every message of this run is taken when it arrives: where links overtake, a node may keep early ones for later.
fn keeps_order(scenario: &Scenario) -> bool {
    scenario.network.fifo && scenario.links.iter().all(|rule| rule.link.fifo)
}

impl Rule<Mutex> for Turns {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Mutex>) -> Result<(), Violation> {
        match saw {
            _ if self.void => Ok(()),
            Saw::Asked { what, .. } => {
                self.requested(scene, *what);
                Ok(())
            }
            Saw::Got { from, .. } => {
                self.got(scene, *from);
                Ok(())
            }
            Saw::Sent { to, .. } => self.sent(scene, *to),
            Saw::Emitted(Event::Entered) => self.entered(scene),
            Saw::Emitted(Event::Noted { from, note }) => self.noted(scene, *from, *note),
            _ => Ok(()),
        }
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
    fn nobody_was_forgotten(&self, world: &World) -> Result<(), Violation> {
        let Some(bound) = self.bound else { return Ok(()) };
        let waits = |ask: &&Ask| ask.entered.is_none() && is_due(world, ask.at, bound);
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
                format!("no node has been inside since {last} left at {when}, and no other node waits")
            }
            ([], None) => "no other node was ever inside or waiting".to_owned(),
            (others, Some(((when, _), last))) => {
                format!("{}, and no node has been inside since {last} left at {when}", wait(others))
            }
            (others, None) => format!("{}, and no node was ever inside", wait(others)),
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
        let lost = |note: &(&u32, &Note)| !note.1.arrived && is_due(world, note.1.at, ms(2_000));
        match self.notes.iter().find(lost) {
            Some((number, note)) => Err(Violation::never(
                "note-lost",
                format!(
                    "{} was asked to send {} note {number} at {}, but {} never emitted `Noted` for it.",
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
                "{n} nodes sent each other {frames} messages for {entries} entries. An entry costs at most 3 (n − 1) = \
                 {each} messages."
            ),
        )
        .of_costs())
    }
}
