//! `detector`: what each node believes of each other node, beside what is true.
//!
//! A pair is a watcher and the peer that it watches. For each pair there is at most one thing that is due: a suspicion where the
//! peer is down, the end of one where both are up and hear each other. All rules judge every run of every check.

use judge::{Reached, Violation};
use kit::{Rule, Saw, Scene, Waits};
use lab::NodeId;
use lab::detector::{Config, Detector, Event};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use world::{End, Harm, ObservationId, Scenario, Seen, Time, Until, Who, World};

pub(super) const FOUND: &str = "a crashed node was suspected";
pub(super) const RETURNED: &str = "a node came back that had been suspected";
pub(super) const WRONG: &str = "a node was suspected that was up";
pub(super) const OUTLIVED: &str = "two nodes trusted each other while a third one restarted";

/// A watcher that has taken back more suspicions of a peer than this may be slower to suspect it.
const TAKEN_BACK_MAX: u32 = 1;
/// How many times slower.
const PATIENT: u32 = 50;
/// In each so many intervals, a node sends another at most so many messages.
const COST_INTERVALS: u32 = 10;
const COST_MESSAGES: usize = 30;

/// What is judged in a run besides what every run is judged by.
#[derive(Debug, Clone)]
pub(super) struct Goals {
    pub(super) config: Config,
    /// When two nodes hear each other again, both trust each other after this time.
    pub(super) settled: Duration,
    /// All that is scripted has happened by then. When everything that was due has come true, too, the run is over.
    pub(super) over: Duration,
    /// A watcher may take back so many suspicions of a peer and no more, for it has always heard this peer within so long.
    pub(super) mistakes: Option<(u32, Duration)>,
    /// Messages are counted until then.
    pub(super) counted: Duration,
}

/// Whether a node is up.
#[derive(Debug, Clone, Copy)]
enum Life {
    NotYet,
    Up { since: Time, seen: ObservationId, lives: u32 },
    Down { since: Time, seen: ObservationId },
}
/// A watcher and its peer.
#[derive(Default)]
struct Pair {
    /// Since when the watcher suspects the peer.
    suspects: Option<(Time, ObservationId)>,
    /// How many suspicions it has taken back in this life, and the last time that it did.
    taken_back: u32,
    trusts: Option<(Time, ObservationId)>,
    /// Faults that are in the way of messages between the two, or of what they do with messages.
    disturbed: BTreeSet<usize>,
    /// When the last of them ended.
    clean: Time,
    /// A message between them was taken out of this run.
    withheld: bool,
}

pub(super) struct Beliefs {
    goals: Goals,
    lives: BTreeMap<NodeId, Life>,
    pairs: BTreeMap<(NodeId, NodeId), Pair>,
    drift_ppm: BTreeMap<NodeId, i64>,
    /// The longest time that a message takes where nothing goes wrong.
    delay: Duration,
    /// When the first of all things is due that are due.
    next_due: Time,
    /// Faults that are on and will end.
    disturbances: BTreeSet<usize>,
    /// The last time at which a life, a fault, or a belief about a crashed node changed.
    changed: Time,
    /// A message was taken out of this run, and there is no pair left in it about which a rule could be broken.
    is_spoilt: bool,
    now: Time,
    /// When a watcher last got a message of a peer, in this life.
    heard: BTreeMap<(NodeId, NodeId), (Time, ObservationId)>,
    sent: BTreeMap<(NodeId, NodeId), VecDeque<Time>>,
    suspicions: u64,
    wrong: u64,
    reached: Reached,
}

/// A length of time, to the microsecond.
fn short(time: Duration) -> String {
    (Time::ZERO + time).to_string()
}
/// Whether a fault is in the way of messages between these two, or keeps one of them from its work.
fn disturbs(harm: &Harm, (a, b): (NodeId, NodeId)) -> bool {
    let hits = |who: &Who| matches!(who, Who::Node(node) if *node == a || *node == b);
    let link = |from: &[NodeId], to: &[NodeId]| {
        from.contains(&a) && to.contains(&b) || from.contains(&b) && to.contains(&a)
    };
    match harm {
        Harm::Pause { node } | Harm::Isolate { node } | Harm::Slow { node, .. } => hits(node),
        Harm::Cut { from, to } => link(from, to),
        Harm::Crash { .. }
        | Harm::ClockJump { .. }
        | Harm::ClockFreeze { .. }
        | Harm::ClockDrift { .. }
        | Harm::Rot { .. } => false,
        _ => true,
    }
}

impl Beliefs {
    pub(super) fn new(goals: Goals) -> Beliefs {
        Beliefs {
            goals,
            lives: BTreeMap::new(),
            pairs: BTreeMap::new(),
            drift_ppm: BTreeMap::new(),
            delay: Duration::ZERO,
            next_due: Time::NEVER,
            disturbances: BTreeSet::new(),
            changed: Time::ZERO,
            is_spoilt: false,
            now: Time::ZERO,
            heard: BTreeMap::new(),
            sent: BTreeMap::new(),
            suspicions: 0,
            wrong: 0,
            reached: Reached::default(),
        }
    }
    fn begin(&mut self, scenario: &Scenario) {
        self.delay = scenario.network.latency.max;
        // such runs are tried by the hundred, and those in which mistakes are counted are long
        self.is_spoilt = self.goals.mistakes.is_some() && !scenario.withheld.is_empty();
        for node in &scenario.nodes {
            self.lives.insert(node.id, Life::NotYet);
            self.drift_ppm.insert(node.id, node.clock.drift_ppm);
            let others = scenario.nodes.iter().filter(|other| other.id != node.id);
            self.pairs.extend(others.map(|other| ((node.id, other.id), Pair::default())));
        }
    }
    fn life(&self, node: NodeId) -> Life {
        self.lives.get(&node).copied().unwrap_or(Life::NotYet)
    }
    /// How long this takes by the slowest stopwatch of these nodes.
    fn slowest(&self, time: Duration, nodes: &[NodeId]) -> Duration {
        let drift = nodes.iter().filter_map(|node| self.drift_ppm.get(node)).min().copied().unwrap_or(0);
        let ns = time.as_nanos() as i128 * 1_000_000 / (1_000_000 + i128::from(drift.min(0)));
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }
    /// How soon a watcher has to suspect a crashed peer.
    fn bound(&self, pair: &Pair) -> Duration {
        let times = if pair.taken_back > TAKEN_BACK_MAX { PATIENT } else { 1 };
        self.goals.config.detect * times
    }

    /// Since when both of a pair are up and nothing is in the way of their messages, if that is so.
    fn hear_each_other(&self, (watcher, peer): (NodeId, NodeId)) -> Option<Time> {
        let pair = self.pairs.get(&(watcher, peer))?;
        let (Life::Up { since: one, .. }, Life::Up { since: other, .. }) =
            (self.life(watcher), self.life(peer))
        else {
            return None;
        };
        (pair.disturbed.is_empty() && !pair.withheld).then(|| one.max(other).max(pair.clean))
    }
    /// From when on this pair must have another belief, if it stays as it is.
    fn due(&self, names: (NodeId, NodeId), pair: &Pair) -> Option<Time> {
        let (watcher, peer) = names;
        match (self.life(watcher), self.life(peer), pair.suspects) {
            (Life::Up { since: start, .. }, Life::Down { since: crash, .. }, None) => {
                Some(start.max(crash) + self.slowest(self.bound(pair), &[watcher]))
            }
            (Life::Up { .. }, Life::Up { .. }, Some(_)) => {
                let since = self.hear_each_other(names)?;
                Some(since + self.slowest(self.goals.settled, &[watcher, peer]))
            }
            _ => None,
        }
    }
    /// A life or a fault has changed.
    fn changes(&mut self, now: Time) {
        self.changed = now;
        self.look_ahead();
    }
    /// A belief about this peer has changed.
    fn believes(&mut self, now: Time, peer: NodeId) {
        match self.life(peer) {
            Life::Down { .. } => self.changes(now),
            Life::Up { .. } | Life::NotYet => self.look_ahead(),
        }
    }
    /// Finds out what is due next.
    fn look_ahead(&mut self) {
        let due = self.pairs.iter().filter_map(|(names, pair)| self.due(*names, pair));
        self.next_due = due.min().unwrap_or(Time::NEVER);
    }
    /// What was due before this time and did not come.
    fn overdue(&self, now: Time) -> Result<(), Violation> {
        if now <= self.next_due {
            return Ok(());
        }
        let overdue =
            |names: (NodeId, NodeId), pair: &Pair| self.due(names, pair).is_some_and(|due| due < now);
        let Some((names, pair)) = self.pairs.iter().find(|(names, pair)| overdue(**names, pair)) else {
            return Ok(());
        };
        match pair.suspects {
            None => self.never_suspected(now, *names, pair),
            Some(suspects) => self.never_trusted(now, *names, suspects),
        }
    }
    fn never_suspected(&self, now: Time, names: (NodeId, NodeId), pair: &Pair) -> Result<(), Violation> {
        let (watcher, peer) = names;
        let (Life::Up { since: start, seen: started, .. }, Life::Down { since: crash, seen: crashed }) =
            (self.life(watcher), self.life(peer))
        else {
            return Ok(());
        };
        let restarted = match start > crash {
            true => format!(" {watcher} started at {start}."),
            false => String::new(),
        };
        let Config { detect, .. } = self.goals.config;
        let bound = match pair.taken_back > TAKEN_BACK_MAX {
            false => format!("{} after a crash", short(detect)),
            true => format!(
                "{PATIENT} × {} after a crash, because it had taken back {} suspicions of this peer",
                short(detect),
                pair.taken_back
            ),
        };
        let sentence = format!(
            "{peer} crashed at {crash}.{restarted} At {now}, {watcher} still trusts {peer}. A node that is up has to suspect a crashed \
             peer at most {bound}."
        );
        let violation = Violation::never("suspects-crashed", sentence);
        let violation = violation.because(crashed, format!("{watcher} has to suspect {peer} from now on"));
        Err(match pair.trusts {
            Some((_, trusts)) => violation.because(trusts, format!("{watcher} trusts {peer}")),
            None if start > crash => violation.because(started, format!("{peer} is down already")),
            None => violation,
        })
    }
    fn never_trusted(
        &self,
        now: Time,
        names: (NodeId, NodeId),
        (suspected, suspects): (Time, ObservationId),
    ) -> Result<(), Violation> {
        let (watcher, peer) = names;
        let Some(since) = self.hear_each_other(names) else { return Ok(()) };
        let sentence = format!(
            "{watcher} has suspected {peer} since {suspected}, and it still does at {now}, but {peer} is up. {} So {watcher} \
             has to trust {peer} at most {} later.",
            self.why_they_hear(names, since),
            short(self.goals.settled)
        );
        let violation = Violation::never("trusts-living", sentence);
        let violation = violation.because(suspects, format!("{watcher} suspects {peer}"));
        Err(match self.life(peer) {
            Life::Up { since: start, seen, .. } if start > suspected => violation.because(seen, "it is back"),
            _ => violation,
        })
    }
    /// Why each of these has to trust the other.
    fn why_they_hear(&self, names: (NodeId, NodeId), since: Time) -> String {
        let (watcher, peer) = names;
        let started = |node: NodeId| match self.life(node) {
            Life::Up { since: start, lives, .. } if start == since && lives > 0 => {
                Some(format!("{node} started again at {since}"))
            }
            _ => None,
        };
        let began = started(peer).or_else(|| started(watcher));
        let began = began.map(|began| format!("{began}. ")).unwrap_or_default();
        let since = match since {
            Time::ZERO => "In this run".to_owned(),
            since => format!("From {since} on"),
        };
        format!(
            "{began}{since}, every message between {watcher} and {peer} arrives within {}.",
            short(self.delay)
        )
    }

    fn suspects(&mut self, scene: Scene<'_>, peer: NodeId) -> Result<(), Violation> {
        let (watcher, at) = (scene.node(), scene.at());
        let names = (watcher, peer);
        let Some(pair) = self.pairs.get(&names) else {
            let sentence = format!("{watcher} suspects {peer}, which is not one of its peers.");
            return Err(scene.breaks("suspects-stranger", sentence));
        };
        if pair.suspects.is_some() {
            return Ok(());
        }
        self.suspicions += 1;
        match self.life(peer) {
            Life::Up { .. } => {
                self.wrong += 1;
                self.reached.mark(WRONG);
                self.is_wrong(scene, names)?;
            }
            Life::Down { .. } => self.reached.mark(FOUND),
            Life::NotYet => {}
        }
        if let Some(pair) = self.pairs.get_mut(&names) {
            pair.suspects = Some((at, scene.id()));
        }
        self.believes(at, peer);
        Ok(())
    }
    /// A watcher begins to suspect a peer that is up: whether it may.
    fn is_wrong(&self, scene: Scene<'_>, names: (NodeId, NodeId)) -> Result<(), Violation> {
        let (watcher, peer) = names;
        let Some(pair) = self.pairs.get(&names) else { return Ok(()) };
        let at = scene.at();
        if let Some((mistakes_max, within)) = self.goals.mistakes
            && pair.taken_back >= mistakes_max
            && !pair.withheld
        {
            let sentence = format!(
                "{watcher} suspects {peer} at {at}, but {peer} is up. In this run, {watcher} has taken back {} suspicions of {peer}, and every \
                 message of {peer} arrived within {}. A watcher that is an interval more patient after each mistake makes no more than \
                 {mistakes_max} here.",
                pair.taken_back,
                short(within)
            );
            let violation = self.last_heard(names, scene.breaks("mistakes-end", sentence));
            return Err(match pair.trusts {
                Some((_, trusts)) => violation.because(trusts, format!("mistake {}", pair.taken_back)),
                None => violation,
            });
        }
        let Some(since) = self.hear_each_other(names) else { return Ok(()) };
        if at <= since + self.slowest(self.goals.settled, &[watcher, peer]) {
            return Ok(());
        }
        let sentence = format!(
            "{watcher} suspects {peer} at {at}, but {peer} is up. {} So {watcher} may not suspect {peer} any more when {} have passed.",
            self.why_they_hear(names, since),
            short(self.goals.settled)
        );
        Err(self.last_heard(names, scene.breaks("suspects-living", sentence)))
    }
    /// What the watcher had heard from the peer before.
    fn last_heard(&self, names: (NodeId, NodeId), violation: Violation) -> Violation {
        let (watcher, peer) = names;
        let Some((at, seen)) = self.heard.get(&names).copied() else {
            let sentence = format!("{} Before, no message of {peer} reached {watcher}.", violation.sentence);
            return Violation { sentence, ..violation };
        };
        let sentence =
            format!("{} Before, the last message of {peer} reached {watcher} at {at}.", violation.sentence);
        let violation = Violation { sentence, ..violation };
        violation.because(seen, format!("the last message of {peer} before the suspicion"))
    }
    fn trusts(&mut self, scene: Scene<'_>, peer: NodeId) -> Result<(), Violation> {
        let (watcher, at) = (scene.node(), scene.at());
        let names = (watcher, peer);
        let Some((suspected, suspects)) = self.pairs.get(&names).and_then(|pair| pair.suspects) else {
            return Ok(());
        };
        if let (Life::Down { since: crash, seen }, Life::Up { since: start, .. }) =
            (self.life(peer), self.life(watcher))
            && self.disturbances.is_empty()
        {
            // by then, whatever other nodes knew of this peer has gone round
            let last = self.pairs.values().map(|pair| pair.clean).fold(crash.max(start), Time::max);
            if at > last + self.slowest(self.goals.config.detect, &[watcher]) {
                let sentence = format!(
                    "{watcher} suspected {peer} at {suspected}, and trusts it again at {at}, but {peer} crashed at {crash} and is down. \
                     Everything that {peer} had sent had arrived long before. A node that suspects a crashed peer must go on suspecting it."
                );
                let violation = scene.breaks("keeps-suspecting", sentence);
                return Err(violation
                    .because(seen, format!("{peer} stays down"))
                    .because(suspects, format!("{watcher} suspects {peer}")));
            }
        }
        if let Some(pair) = self.pairs.get_mut(&names) {
            pair.suspects = None;
            pair.taken_back += 1;
            pair.trusts = Some((at, scene.id()));
        }
        self.believes(at, peer);
        Ok(())
    }

    fn started(&mut self, scene: Scene<'_>, lives: u32) {
        let node = scene.node();
        self.reached.mark_if(RETURNED, self.is_suspected(node));
        // the others go on
        let trusting = |names: (NodeId, NodeId), pair: &Pair| {
            names.0 != node
                && names.1 != node
                && pair.suspects.is_none()
                && self.hear_each_other(names).is_some()
        };
        let outlived = lives > 0 && self.pairs.iter().any(|(names, pair)| trusting(*names, pair));
        self.reached.mark_if(OUTLIVED, outlived);
        self.lives.insert(node, Life::Up { since: scene.at(), seen: scene.id(), lives });
        self.changes(scene.at());
    }
    fn crashed(&mut self, scene: Scene<'_>) {
        let node = scene.node();
        self.lives.insert(node, Life::Down { since: scene.at(), seen: scene.id() });
        for ((watcher, _), pair) in &mut self.pairs {
            if *watcher == node {
                pair.suspects = None;
                pair.taken_back = 0;
                pair.trusts = None;
            }
        }
        self.heard.retain(|(watcher, _), _| *watcher != node);
        self.changes(scene.at());
    }
    fn is_suspected(&self, node: NodeId) -> bool {
        self.pairs.iter().any(|((_, peer), pair)| *peer == node && pair.suspects.is_some())
    }
    fn fault(&mut self, scene: Scene<'_>, fault: usize, begins: bool) {
        let Some(spec) = scene.scenario().faults.get(fault) else { return };
        let mut matters = false;
        for (names, pair) in &mut self.pairs {
            if !disturbs(&spec.harm, *names) {
                continue;
            }
            matters = true;
            if begins {
                pair.disturbed.insert(fault);
            } else if pair.disturbed.remove(&fault) {
                pair.clean = pair.clean.max(scene.at());
            }
        }
        if !matters {
            return;
        }
        if begins && !matches!(spec.until, Until::Never) {
            self.disturbances.insert(fault);
        } else {
            self.disturbances.remove(&fault);
        }
        if let (false, Harm::Pause { node: Who::Node(node) } | Harm::Isolate { node: Who::Node(node) }) =
            (begins, &spec.harm)
        {
            self.reached.mark_if(RETURNED, self.is_suspected(*node));
        }
        self.changes(scene.at());
    }

    /// A message was taken out of this run: what these two believe about each other is not judged any more.
    fn withholds(&mut self, scene: Scene<'_>, to: NodeId) {
        let from = scene.node();
        for names in [(from, to), (to, from)] {
            if let Some(pair) = self.pairs.get_mut(&names) {
                pair.withheld = true;
            }
        }
        self.is_spoilt = self.pairs.values().all(|pair| pair.withheld);
        self.look_ahead();
    }

    /// Nodes send few messages as long as nothing goes wrong.
    fn counts(&mut self, scene: Scene<'_>, to: NodeId) -> Result<(), Violation> {
        let (from, at) = (scene.node(), scene.at());
        if from == to || at >= Time::ZERO + self.goals.counted {
            return Ok(());
        }
        let Config { interval, .. } = self.goals.config;
        // by the stopwatch of the sender
        let drift = self.drift_ppm.get(&from).copied().unwrap_or(0);
        let ns = (interval * COST_INTERVALS).as_nanos() as i128 * 1_000_000
            / (1_000_000 + i128::from(drift.max(0)));
        let window = Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX));
        let sent = self.sent.entry((from, to)).or_default();
        sent.push_back(at);
        while sent.front().is_some_and(|first| *first + window <= at) {
            sent.pop_front();
        }
        if sent.len() <= COST_MESSAGES {
            return Ok(());
        }
        let sentence = format!(
            "{from} sent {to} {} messages between {} and {at}, which is no more than {COST_INTERVALS} intervals. All nodes are up, and no message was \
             lost, so at most {COST_MESSAGES} are allowed.",
            sent.len(),
            sent.front().copied().unwrap_or(at)
        );
        Err(scene.breaks("few-messages", sentence).of_costs())
    }
}

impl Rule<Detector> for Beliefs {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Detector>) -> Result<(), Violation> {
        if self.lives.is_empty() {
            self.begin(scene.scenario());
        }
        self.now = scene.at();
        self.overdue(scene.at())?;
        match saw {
            Saw::Emitted(Event::Suspect { node }) => self.suspects(scene, *node)?,
            Saw::Emitted(Event::Trust { node }) => self.trusts(scene, *node)?,
            Saw::Got { from, .. } => {
                self.heard.insert((scene.node(), *from), (scene.at(), scene.id()));
            }
            Saw::Started { incarnation } => self.started(scene, *incarnation),
            Saw::Crashed => self.crashed(scene),
            Saw::Sent { to, .. } => {
                self.counts(scene, *to)?;
                let is_withheld = |key| scene.scenario().withheld.contains(&key);
                if scene.seen.seen.key().is_some_and(is_withheld) {
                    self.withholds(scene, *to);
                }
            }
            _ => match scene.seen.seen {
                Seen::FaultBegan { fault } => self.fault(scene, fault, true),
                Seen::FaultEnded { fault } => self.fault(scene, fault, false),
                _ => {}
            },
        }
        Ok(())
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        // where nothing is left to happen, time would go on
        let idle = world.end() == Some(&End::Idle) && self.next_due != Time::NEVER;
        let now = if idle { world.now().max(self.next_due + Duration::from_nanos(1)) } else { world.now() };
        self.overdue(now)?;
        reached.clone_from(&self.reached);
        reached.figure("suspicions", self.suspicions);
        reached.figure("wrong suspicions", self.wrong);
        Ok(())
    }
    fn waits(&self) -> Waits {
        let detect = self.goals.config.detect;
        let is_over = self.now > Time::ZERO + self.goals.over + detect;
        if self.is_spoilt || is_over && self.next_due == Time::NEVER && self.now > self.changed + detect {
            Waits::NoMore
        } else {
            Waits::Still
        }
    }
}
