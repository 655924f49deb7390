//! `membership`: how a run is judged.
//!
//! Views are judged while nothing has gone wrong for a while: within `detect` of the last start or crash, or of twice that time after the
//! last restart or other fault, every view must be the set of the nodes that are up, and stay so until something happens again. All these times
//! are those of the run itself. So what a shorter run leaves out is not asked for.
//!
//! One promise is judged earlier: a node lets no node go with which it is connected. It is judged in runs in which no node crashes
//! and nothing goes wrong but links that are cut, and in which the rest of the links connects all nodes.
//!
//! Bounds are generous, and most runs do not wait for them: a run in which nothing more will happen is over when views have been
//! right for a while.

use judge::{Reached, Violation};
use kit::{Rule, Saw, Scene, Waits};
use lab::NodeId;
use lab::membership::{Event, Member};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{Chance, End, Harm, Link, NodeSpec, ObservationId, Scenario, Seen, Time, Until, When, World};

pub(super) const CRASHED: &str = "a node crashed that was in the view of another";
pub(super) const LATE: &str = "a message of a crashed node arrived after the receiver had let the node go";
pub(super) const CUT: &str = "a link was cut while all nodes were connected by others";
pub(super) const WRONGLY: &str = "a node that was up was let go";
pub(super) const BACK: &str = "a node that had been let go, and had crashed, came back";
pub(super) const HALVES: &str = "each half had let the other half go";

/// What is needed beside the recipe of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The `detect` of the nodes.
    pub(super) detect: Duration,
    /// After a fault of the network, views are right within so many times `detect`.
    pub(super) faults: u32,
    /// Nothing more is to be seen when views have been right for so long, and nothing more will happen. `None`: the run goes
    /// on to its end.
    pub(super) calm: Option<Duration>,
}

/// Every view is the set of the nodes that are up, some time after the last change.
pub(super) struct Views {
    bounds: Bounds,
    /// Since when each node is up.
    up: BTreeMap<NodeId, (Time, ObservationId)>,
    /// When each node crashed that is down.
    down: BTreeMap<NodeId, (Time, ObservationId)>,
    /// How often each node has crashed.
    crashes: BTreeMap<NodeId, u32>,
    views: BTreeMap<NodeId, BTreeSet<NodeId>>,
    /// By the node that let go and the one that was let go: when, in the present life of the first.
    let_go: BTreeMap<(NodeId, NodeId), (Time, ObservationId)>,
    /// By receiver and sender: the last message, and how many there were in the present lives of both.
    heard: BTreeMap<(NodeId, NodeId), (Time, ObservationId, u32)>,
    /// Faults under way, by their place in the recipe.
    faults: BTreeSet<usize>,
    /// By when views must be right, and because of what.
    due: Option<(Time, Reason)>,
    /// They were right then.
    is_settled: bool,
    last_start: Time,
    /// Every node was up and in the view of each other one.
    was_complete: bool,
    /// How many pairs of nodes that are up, and of one that is up and one that is not, stand wrongly in a view.
    wrong: usize,
    /// Since when no view is wrong and no fault of the network is under way.
    right_since: Option<Time>,
    /// How many faults began and ended.
    began: usize,
    ended: usize,
    /// Views have been right for long enough.
    is_enough: bool,
    /// Only links were cut so far, and the others connected all nodes.
    is_connected: bool,
    reached: Reached,
}
/// What views must keep up with.
#[derive(Debug, Clone, Copy)]
struct Reason {
    at: Time,
    id: ObservationId,
    detects: u32,
    what: Change,
}
#[derive(Debug, Clone, Copy)]
enum Change {
    Started(NodeId),
    Restarted(NodeId),
    Crashed(NodeId),
    FaultEnded,
}
impl Reason {
    fn bound(&self) -> &'static str {
        if self.detects == 1 { "`detect`" } else { "2 × `detect`" }
    }
}
impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.at;
        match self.what {
            Change::Started(node) => write!(f, "{node} started at {at}"),
            Change::Restarted(node) => write!(f, "{node} started again at {at}"),
            Change::Crashed(node) => write!(f, "{node} crashed at {at}"),
            Change::FaultEnded => write!(f, "the last fault ended at {at}"),
        }
    }
}

impl Views {
    pub(super) fn new(bounds: Bounds) -> Views {
        Views {
            bounds,
            up: BTreeMap::new(),
            down: BTreeMap::new(),
            crashes: BTreeMap::new(),
            views: BTreeMap::new(),
            let_go: BTreeMap::new(),
            heard: BTreeMap::new(),
            faults: BTreeSet::new(),
            due: None,
            is_settled: false,
            last_start: Time::ZERO,
            was_complete: false,
            wrong: 0,
            right_since: None,
            began: 0,
            ended: 0,
            is_enough: false,
            is_connected: true,
            reached: Reached::default(),
        }
    }
    /// A time on a stopwatch that loses up to one percent.
    fn detects(&self, times: u32) -> Duration {
        self.bounds.detect * times * 101 / 100
    }
    /// Something happened that views must keep up with.
    fn changed(&mut self, scene: Scene<'_>, detects: u32, what: Change) {
        self.is_settled = false;
        let due = scene.at() + self.detects(detects);
        if self.due.is_none_or(|(before, _)| due >= before) {
            self.due = Some((due, Reason { at: scene.at(), id: scene.id(), detects, what }));
        }
    }

    fn started(&mut self, scene: Scene<'_>, incarnation: u32) {
        let node = scene.node();
        self.up.insert(node, (scene.at(), scene.id()));
        self.down.remove(&node);
        self.views.insert(node, BTreeSet::new());
        if incarnation == 0 {
            self.last_start = scene.at();
            self.changed(scene, 1, Change::Started(node));
        } else {
            self.changed(scene, 2, Change::Restarted(node));
        }
    }
    fn crashed(&mut self, scene: Scene<'_>) {
        let node = scene.node();
        if self.up.remove(&node).is_none() {
            return; // it had not started yet
        }
        self.is_connected = false;
        self.views.remove(&node);
        self.let_go.retain(|(from, _), _| *from != node);
        self.heard.retain(|(to, from), _| *to != node && *from != node);
        *self.crashes.entry(node).or_default() += 1;
        self.down.insert(node, (scene.at(), scene.id()));
        self.reached.mark_if(CRASHED, self.views.values().any(|view| view.contains(&node)));
        self.changed(scene, 1, Change::Crashed(node));
    }
    fn fault_began(&mut self, scene: Scene<'_>, fault: usize) {
        self.began += 1;
        let Some(harm) = scene.scenario().faults.get(fault).map(|fault| &fault.harm) else { return };
        if !concerns_links(harm) {
            return;
        }
        self.is_settled = false;
        self.faults.insert(fault);
        self.is_connected &=
            matches!(harm, Harm::Cut { .. }) && are_connected(scene.scenario(), &self.faults);
    }
    fn fault_ended(&mut self, scene: Scene<'_>, fault: usize) {
        self.ended += 1;
        if !self.faults.remove(&fault) {
            return;
        }
        if let Some(Harm::Partition { groups }) = scene.scenario().faults.get(fault).map(|fault| &fault.harm)
        {
            let knows = |node: &NodeId, group: &[NodeId]| {
                self.views.get(node).is_some_and(|view| group.iter().any(|other| view.contains(other)))
            };
            let apart = groups.iter().enumerate().all(|(nth, group)| {
                let others = groups.iter().enumerate().filter(|(other, _)| *other != nth);
                others.map(|(_, other)| other).all(|other| group.iter().all(|node| !knows(node, other)))
            });
            self.reached.mark_if(HALVES, apart);
        }
        self.changed(scene, self.bounds.faults, Change::FaultEnded);
    }

    fn took_in(&mut self, scene: Scene<'_>, other: NodeId) -> Result<(), Violation> {
        let node = scene.node();
        let is_new = self.views.entry(node).or_default().insert(other);
        if !is_new || other == node {
            return Ok(());
        }
        if self.up.contains_key(&other) {
            self.wrong = self.wrong.saturating_sub(1);
            let returns = self.let_go.contains_key(&(node, other)) && self.crashes.contains_key(&other);
            self.reached.mark_if(BACK, returns);
            return Ok(());
        }
        self.wrong += 1;
        let Some((_, reason)) = self.due.filter(|_| self.is_settled) else { return Ok(()) };
        let fate = self.fate_of(other);
        let sentence = format!(
            "{node} took {other} into its view at {}, but {fate}. From {} after the last change on, views must be right and stay \
             right: {reason}.",
            scene.at(),
            reason.bound()
        );
        Err(self.with_the_crash(other, scene.breaks("takes-in-the-dead", sentence)))
    }
    fn let_go(&mut self, scene: Scene<'_>, other: NodeId) -> Result<(), Violation> {
        let node = scene.node();
        if !self.views.entry(node).or_default().remove(&other) || other == node {
            return Ok(());
        }
        self.let_go.insert((node, other), (scene.at(), scene.id()));
        if !self.up.contains_key(&other) {
            self.wrong = self.wrong.saturating_sub(1);
            return Ok(());
        }
        self.wrong += 1;
        self.reached.mark(WRONGLY);
        let all_joined = self.was_complete || scene.at() >= self.last_start + self.detects(1);
        if !(self.is_settled || self.is_connected && all_joined && !may_lose(scene.scenario())) {
            return Ok(());
        }
        let (at, links) = (scene.at(), self.cut_links(scene.scenario()));
        let others = self.heard.iter().filter(|((to, from), _)| *from == other && *to != node);
        let witness = others.max_by_key(|((to, _), (heard, ..))| (*heard, *to));
        let witness = witness.map(|((to, _), (heard, id, _))| (*to, *heard, *id));
        let heard = match witness {
            Some((to, heard, _)) => format!(" {to} received a message from {other} at {heard}."),
            None => String::new(),
        };
        let why = match links.len() {
            0 => "No link was cut".to_owned(),
            1 => format!("Only {} was cut, and the other links connect all nodes", links[0]),
            _ => format!("Only {} were cut, and the other links connect all nodes", links.join(" and ")),
        };
        let sentence = format!("{node} let {other} go at {at}, but {other} is up. {why}.{heard}");
        let violation = scene.breaks("lets-go-a-connected-node", sentence);
        Err(match witness {
            Some((to, _, id)) => violation.because(id, format!("{to} hears from {other}")),
            None => violation,
        })
    }
    /// The links that are cut, for a sentence.
    fn cut_links(&self, scenario: &Scenario) -> Vec<String> {
        let cuts = self.faults.iter().filter_map(|fault| scenario.faults.get(*fault));
        let links = cuts.flat_map(|fault| match &fault.harm {
            Harm::Cut { from, to } => pairs(from, to).collect(),
            _ => Vec::new(),
        });
        links.map(|(from, to)| format!("the link from {from} to {to}")).collect()
    }
    fn fate_of(&self, node: NodeId) -> String {
        match self.down.get(&node) {
            Some((at, _)) => format!("{node} crashed at {at}"),
            None => format!("{node} has not started"),
        }
    }
    fn with_the_crash(&self, node: NodeId, violation: Violation) -> Violation {
        match self.down.get(&node) {
            Some((_, id)) => violation.because(*id, format!("{node} crashes")),
            None => violation,
        }
    }

    /// How many entries of views are wrong, or lacking.
    fn count_wrong(&self) -> usize {
        let wrong = |(node, view): (&NodeId, &BTreeSet<NodeId>)| {
            let of_others = |other: &&NodeId| *other != node;
            let dead = view.iter().filter(of_others).filter(|other| !self.up.contains_key(other)).count();
            let lacking = self.up.keys().filter(of_others).filter(|other| !view.contains(other)).count();
            dead + lacking
        };
        self.views.iter().map(wrong).sum()
    }
    /// Follows since when views are right, after what was seen.
    fn follow(&mut self, scene: Scene<'_>) {
        match &scene.seen.seen {
            Seen::Started { .. } | Seen::Crashed => self.wrong = self.count_wrong(),
            Seen::Emitted { .. } | Seen::FaultBegan { .. } | Seen::FaultEnded { .. } => {}
            _ => {
                self.is_enough = self.has_been_right(scene);
                return;
            }
        }
        if self.wrong > 0 || !self.faults.is_empty() {
            self.right_since = None;
        } else {
            self.right_since.get_or_insert(scene.at());
            self.was_complete |= self.up.len() == scene.scenario().nodes.len();
        }
    }
    fn has_been_right(&self, scene: Scene<'_>) -> bool {
        let (Some(calm), Some(since)) = (self.bounds.calm, self.right_since) else { return false };
        if scene.at() - since < calm {
            return false;
        }
        let Scenario { nodes, faults, end, .. } = scene.scenario();
        let starts = |node: &&NodeSpec| matches!(node.starts, When::At(at) if at <= *end);
        let lasting = faults.iter().filter(|fault| matches!(fault.until, Until::Never)).count();
        self.began == faults.len()
            && self.ended + lasting == faults.len()
            && nodes.iter().filter(starts).count() == self.crashes.len() + self.never_crashed()
    }
    fn never_crashed(&self) -> usize {
        self.up.keys().filter(|node| !self.crashes.contains_key(node)).count()
    }

    /// Judges all views, as they are at this time.
    fn judge(&mut self, now: Time) -> Result<(), Violation> {
        let Some((_, reason)) = self.due else { return Ok(()) };
        for (node, view) in &self.views {
            if let Some(dead) = view.iter().find(|other| *other != node && !self.up.contains_key(other)) {
                let fate = self.fate_of(*dead);
                let sentence = format!(
                    "{fate}, but at {now} it is still in the view of {node}. Views must be right within {} of the last change: \
                     {reason}.",
                    reason.bound()
                );
                return Err(self.with_the_crash(*dead, Violation::never("keeps-the-dead", sentence)));
            }
            let missing = |other: &&NodeId| *other != node && !view.contains(other);
            if let Some(other) = self.up.keys().find(missing) {
                return Err(self.misses(*node, *other, now, reason));
            }
        }
        self.is_settled = true;
        Ok(())
    }
    fn misses(&self, node: NodeId, other: NodeId, now: Time, reason: Reason) -> Violation {
        let (since, started) = self.up[&other];
        let gone = self.let_go.get(&(node, other));
        let history = match gone {
            Some((at, _)) => format!("{node} let it go at {at}"),
            None => format!("{node} has never taken it in"),
        };
        let last = self.heard.get(&(node, other));
        let heard = match last {
            Some((last, _, 1)) => format!("It received one message from {other}, at {last}."),
            Some((last, _, many)) => {
                format!("It received {many} messages from {other}, the last one at {last}.")
            }
            None => format!("It received no message from {other}."),
        };
        let sentence = format!(
            "{other} has been up since {since}, but at {now} it is not in the view of {node}: {history}. {heard} Views must be right \
             within {} of the last change: {reason}.",
            reason.bound()
        );
        let violation =
            Violation::never("misses-a-member", sentence).because(started, format!("{other} starts"));
        let violation = match reason.what {
            Change::FaultEnded => violation.because(reason.id, "the last fault ends".to_owned()),
            _ => violation,
        };
        match gone {
            Some((_, id)) => violation.because(*id, format!("{node} lets {other} go")),
            None => violation,
        }
    }
    /// Whether views must be right at a time.
    fn is_due(&self, now: Time) -> bool {
        !self.is_settled && self.faults.is_empty() && self.due.is_some_and(|(due, _)| now > due)
    }
}

/// Whether this is about links, or holds a node up: not about who is up, and not about clocks that no node may rely on.
fn concerns_links(harm: &Harm) -> bool {
    !matches!(
        harm,
        Harm::Crash { .. }
            | Harm::ClockJump { .. }
            | Harm::ClockFreeze { .. }
            | Harm::ClockDrift { .. }
            | Harm::Rot { .. }
    )
}
fn pairs(from: &[NodeId], to: &[NodeId]) -> impl Iterator<Item = (NodeId, NodeId)> {
    from.iter().flat_map(move |from| to.iter().map(move |to| (*from, *to))).filter(|(from, to)| from != to)
}
/// Whether messages get lost without any fault, or were taken out of a run to show what it needs.
fn may_lose(scenario: &Scenario) -> bool {
    let loses = |link: &Link| link.loss != Chance::NEVER || link.message_bytes_max.is_some();
    !scenario.withheld.is_empty()
        || loses(&scenario.network)
        || scenario.links.iter().any(|rule| loses(&rule.link))
}
/// Whether each node reaches each other one, with these faults, all of which are cuts.
fn are_connected(scenario: &Scenario, faults: &BTreeSet<usize>) -> bool {
    let mut cut = BTreeSet::new();
    for fault in faults.iter().filter_map(|fault| scenario.faults.get(*fault)) {
        if let Harm::Cut { from, to } = &fault.harm {
            cut.extend(pairs(from, to));
        }
    }
    let nodes: Vec<NodeId> = scenario.nodes.iter().map(|node| node.id).collect();
    nodes.iter().all(|first| {
        let mut reached = BTreeSet::from([*first]);
        let mut next = vec![*first];
        while let Some(from) = next.pop() {
            for to in nodes.iter().filter(|to| !cut.contains(&(from, **to))) {
                if reached.insert(*to) {
                    next.push(*to);
                }
            }
        }
        reached.len() == nodes.len()
    })
}

impl Rule<Member> for Views {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Member>) -> Result<(), Violation> {
        // nothing has happened since the views became due
        // (views cannot keep up with messages that were taken out of a run to show what it needs)
        if scene.scenario().withheld.is_empty() && self.is_due(scene.at()) {
            self.judge(scene.at())?;
        }
        match (&scene.seen.seen, saw) {
            (Seen::Started { incarnation }, _) => self.started(scene, *incarnation),
            (Seen::Crashed, _) => self.crashed(scene),
            (Seen::FaultBegan { fault }, _) => self.fault_began(scene, *fault),
            (Seen::FaultEnded { fault }, _) => self.fault_ended(scene, *fault),
            (_, Saw::Got { from, .. }) => {
                let node = scene.node();
                let is_late = !self.up.contains_key(from) && self.let_go.contains_key(&(node, *from));
                self.reached.mark_if(LATE, is_late);
                let heard = self.heard.entry((node, *from)).or_insert((scene.at(), scene.id(), 0));
                *heard = (scene.at(), scene.id(), heard.2 + 1);
            }
            (_, Saw::Emitted(Event::Member { node })) => self.took_in(scene, *node)?,
            (_, Saw::Emitted(Event::Gone { node })) => self.let_go(scene, *node)?,
            _ => {}
        }
        self.follow(scene);
        Ok(())
    }
    fn waits(&self) -> Waits {
        match self.bounds.calm {
            None => Waits::NotAGoal,
            Some(_) if self.is_enough => Waits::NoMore,
            Some(_) => Waits::Still,
        }
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        let is_idle = world.end() == Some(&End::Idle);
        let is_late = self.is_due(world.now()) || is_idle && !self.is_settled && self.faults.is_empty();
        if is_late && world.scenario().withheld.is_empty() {
            self.judge(world.now())?;
        }
        self.reached.mark_if(CUT, self.is_connected && !self.faults.is_empty());
        reached.clone_from(&self.reached);
        Ok(())
    }
}
