//! `multi_leader`: which change can be known where.
//!
//! There are two answers to "does this leader know that change?". *Perhaps*: some message, through any number of leaders, could have
//! told it. *Surely*: the leader has acknowledged the change itself, or has shown it, or all leaders had time enough to tell each other.

use judge::Violation;
use kit::{Saw, Scene};
use lab::multi_leader::{Item, Key, Leader, Request, Value};
use lab::{NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;
use world::{Cause, Harm, ObservationId, Scenario, Seen, Time};

/// Within so many intervals of gossip leaders tell each other everything.
pub(super) const ROUNDS: u32 = 20;

/// Places in the list of changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Set(Vec<u64>);
impl Set {
    pub(super) fn has(&self, change: usize) -> bool {
        self.0.get(change / 64).is_some_and(|word| word >> (change % 64) & 1 == 1)
    }
    fn insert(&mut self, change: usize) {
        if self.0.len() <= change / 64 {
            self.0.resize(change / 64 + 1, 0);
        }
        self.0[change / 64] |= 1 << (change % 64);
    }
    fn contains(&self, other: &Set) -> bool {
        let mine = |place: usize| self.0.get(place).copied().unwrap_or(0);
        other.0.iter().enumerate().all(|(place, word)| word & !mine(place) == 0)
    }
    fn add(&mut self, other: &Set) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }
}

/// Something that a leader was asked to change.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) node: NodeId,
    pub(super) what: Request,
    pub(super) at: Time,
    pub(super) asked: ObservationId,
    pub(super) is_acknowledged: bool,
    /// What its leader could have known when it made this change; `None` while it is under way.
    past: Option<Rc<Set>>,
    /// Of a write, the writes that it overwrites. Of a remove, the inserts that it takes away, whatever else it takes away.
    pub(super) surely: BTreeSet<usize>,
}

/// Why a leader surely knows a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It has acknowledged it, or shown it: also a crash cannot take it away.
    Promised,
    /// It had time enough to hear of it.
    Settled,
}
#[derive(Debug, Clone, Copy)]
struct Known {
    why: Why,
    since: ObservationId,
    at: Time,
}

/// One leader.
#[derive(Debug, Default)]
struct Place {
    is_up: bool,
    perhaps: Rc<Set>,
    surely: BTreeMap<usize, Known>,
    /// Changes that it surely knows, in order of time, but for those that all others know surely, too.
    untold: VecDeque<usize>,
    /// Requests that it has not answered.
    open: BTreeMap<RequestId, Open>,
}
/// A request that waits for its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    /// Its place in the list of changes; `None` for a read.
    pub(super) change: Option<usize>,
    pub(super) at: Time,
    pub(super) asked: ObservationId,
}

/// What happened, and which leader can know it.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) changes: Vec<Change>,
    places: BTreeMap<NodeId, Place>,
    writes: BTreeMap<Key, BTreeMap<Value, usize>>,
    adds: BTreeMap<Key, Vec<usize>>,
    inserts: BTreeMap<(Key, Item), Vec<usize>>,
    removes: BTreeMap<(Key, Item), Vec<usize>>,
    /// What the sender of each message could have known.
    told: BTreeMap<ObservationId, Rc<Set>>,
    /// `None` until the recipe was looked at.
    rough: Option<bool>,
    gossip: Duration,
    /// Faults of the network that are under way.
    faults: BTreeSet<usize>,
    /// When something went wrong last, or a leader started.
    disturbed: Time,
    /// When a change was asked for last.
    changed: Time,
    /// How often one of the two was the case.
    pub(super) era: u64,
}

impl Facts {
    pub(super) fn new(gossip: Duration) -> Facts {
        Facts { gossip, ..Facts::default() }
    }
    /// Follows the run. If a request is answered here, returns what it was.
    pub(super) fn see(&mut self, scene: Scene<'_>, saw: &Saw<Leader>) -> Option<Open> {
        let rough = self.rough.get_or_insert_with(|| is_rough(scene.scenario(), self.gossip));
        let (node, at, id) = (scene.node(), scene.at(), scene.id());
        match &scene.seen.seen {
            Seen::FaultBegan { fault } if is_of_the_network(scene.scenario(), *fault) => {
                self.faults.insert(*fault);
                self.disturb(at);
            }
            Seen::FaultEnded { fault } if self.faults.remove(fault) => self.disturb(at),
            Seen::Calm => {
                *rough = false;
                self.faults.clear();
                self.disturb(at);
            }
            Seen::Sent { .. } => {
                let perhaps = self.place(node).perhaps.clone();
                self.told.insert(id, perhaps);
            }
            Seen::Delivered { .. } => {
                if let Cause::Observation(sent) = scene.seen.cause
                    && let Some(told) = self.told.get(&sent).cloned()
                    && let place = self.place(node)
                    && !place.perhaps.contains(&told)
                {
                    Rc::make_mut(&mut place.perhaps).add(&told);
                }
            }
            _ => {}
        }
        match saw {
            Saw::Started { .. } => {
                self.place(node).is_up = true;
                self.disturb(at);
            }
            Saw::Crashed => self.crash(node, at),
            Saw::Asked { request, what, .. } => self.ask(scene, *request, what),
            Saw::Told { request, .. } => return self.answer(scene, *request),
            _ => {}
        }
        None
    }
    fn place(&mut self, node: NodeId) -> &mut Place {
        self.places.entry(node).or_default()
    }
    fn disturb(&mut self, at: Time) {
        self.disturbed = at;
        self.era += 1;
        // a leader that comes back, or was cut off, has to be told everything
        for place in self.places.values_mut() {
            let mut all: Vec<usize> = place.surely.keys().copied().collect();
            all.sort_by_key(|change| place.surely[change].since);
            place.untold = all.into();
        }
    }
    fn crash(&mut self, node: NodeId, at: Time) {
        let place = self.places.entry(node).or_default();
        place.is_up = false;
        place.surely.retain(|_, known| known.why == Why::Promised);
        for open in std::mem::take(&mut place.open).into_values() {
            if let Some(change) = open.change {
                self.changes[change].past = Some(place.perhaps.clone());
            }
        }
        self.disturb(at);
    }
    fn ask(&mut self, scene: Scene<'_>, request: RequestId, what: &Request) {
        let (node, at, asked) = (scene.node(), scene.at(), scene.id());
        self.settle(at, asked);
        let change = (*what != Request::Read).then(|| self.change(scene, what));
        self.place(node).open.insert(request, Open { change, at, asked });
    }
    /// A change is asked for.
    fn change(&mut self, scene: Scene<'_>, what: &Request) -> usize {
        let (node, at, asked) = (scene.node(), scene.at(), scene.id());
        let change = self.changes.len();
        self.changed = at;
        self.era += 1;
        let place = self.places.entry(node).or_default();
        Rc::make_mut(&mut place.perhaps).insert(change);
        let known = |change: &usize| place.surely.contains_key(change);
        let mut surely = BTreeSet::new();
        match what.clone() {
            Request::Write { key, value } => {
                let writes = self.writes.entry(key).or_default();
                for write in writes.values().filter(|write| known(write)) {
                    surely.insert(*write);
                    surely.extend(&self.changes[*write].surely);
                }
                writes.insert(value, change);
            }
            Request::Add { key, .. } => self.adds.entry(key).or_default().push(change),
            Request::Insert { key, item } => self.inserts.entry((key, item)).or_default().push(change),
            Request::Remove { key, item } => {
                let inserts = self.inserts.get(&(key.clone(), item)).into_iter().flatten();
                surely.extend(inserts.filter(|insert| known(insert)));
                self.removes.entry((key, item)).or_default().push(change);
            }
            Request::Read => {}
        }
        let what = what.clone();
        self.changes.push(Change { node, what, at, asked, is_acknowledged: false, past: None, surely });
        change
    }
    fn answer(&mut self, scene: Scene<'_>, request: RequestId) -> Option<Open> {
        let place = self.places.entry(scene.node()).or_default();
        let open = place.open.remove(&request)?;
        if let Some(change) = open.change {
            self.changes[change].past = Some(place.perhaps.clone());
            self.changes[change].is_acknowledged = true;
            self.learn(scene, change);
        }
        Some(open)
    }
    /// A leader acknowledges or shows a change: from here on it surely knows it.
    pub(super) fn learn(&mut self, scene: Scene<'_>, change: usize) {
        let (node, at, since) = (scene.node(), scene.at(), scene.id());
        let place = self.place(node);
        match place.surely.get_mut(&change) {
            Some(known) => known.why = Why::Promised,
            None => {
                place.surely.insert(change, Known { why: Why::Promised, since, at });
                place.untold.push_back(change);
            }
        }
    }
    /// What one leader has known for long enough, in calm, all others know.
    fn settle(&mut self, now: Time, id: ObservationId) {
        if self.calm_since(now).is_none() {
            return;
        }
        let long = self.gossip * ROUNDS;
        let mut settled = Vec::new();
        for place in self.places.values_mut().filter(|place| place.is_up) {
            while let Some(change) = place
                .untold
                .pop_front_if(|change| place.surely.get(change).is_none_or(|known| known.at + long <= now))
            {
                settled.push(change);
            }
        }
        for place in self.places.values_mut().filter(|place| place.is_up) {
            for change in &settled {
                place.surely.entry(*change).or_insert(Known { why: Why::Settled, since: id, at: now });
            }
        }
    }
    /// Since when nothing has gone wrong, if that is long enough for leaders to tell each other everything.
    fn calm_since(&self, now: Time) -> Option<Time> {
        let calm = self.rough == Some(false)
            && self.faults.is_empty()
            && self.disturbed + self.gossip * ROUNDS <= now;
        calm.then_some(self.disturbed)
    }

    // questions

    /// Since when all leaders have had nothing new to tell each other and nothing has gone wrong, if that is long enough for all of them to show
    /// the same now.
    pub(super) fn quiet_since(&self, now: Time) -> Option<Time> {
        let since = self.calm_since(now)?.max(self.changed);
        (since + self.gossip * ROUNDS <= now).then_some(since)
    }
    /// The request that its node has left unanswered for longest.
    pub(super) fn oldest(&self) -> Option<(NodeId, Open)> {
        let open = self.places.iter().filter_map(|(node, place)| Some((*node, *place.open.values().next()?)));
        open.min_by_key(|(_, open)| open.asked)
    }
    /// Whether the leader surely knew this change then.
    pub(super) fn knew(&self, node: NodeId, change: usize, then: ObservationId) -> bool {
        let known = self.places.get(&node).and_then(|place| place.surely.get(&change));
        known.is_some_and(|known| known.since <= then)
    }
    /// Whether the leader can have heard of it by now.
    pub(super) fn can_know(&self, node: NodeId, change: usize) -> bool {
        self.places.get(&node).is_some_and(|place| place.perhaps.has(change))
    }
    /// Whether the leader of one change can have known the other one when it made it.
    pub(super) fn can_have_known(&self, change: usize, other: usize) -> bool {
        match &self.changes[change].past {
            Some(past) => past.has(other),
            None => self.can_know(self.changes[change].node, other),
        }
    }
    /// Changes that a leader that is up has acknowledged, and of which another leader that is up cannot have heard.
    pub(super) fn someone_lacks_something(&self) -> bool {
        let up = || self.places.iter().filter(|(_, place)| place.is_up);
        up().any(|(_, place)| {
            let mut promised = place.surely.iter().filter(|(_, known)| known.why == Why::Promised);
            promised.any(|(change, _)| up().any(|(_, other)| !other.perhaps.has(*change)))
        })
    }
    pub(super) fn writes(&self, key: &str) -> impl Iterator<Item = (Value, usize)> {
        self.writes.get(key).into_iter().flatten().map(|(value, change)| (*value, *change))
    }
    pub(super) fn keys_of_registers(&self) -> Vec<Key> {
        self.writes.keys().cloned().collect()
    }
    pub(super) fn keys_of_counters(&self) -> Vec<Key> {
        self.adds.keys().cloned().collect()
    }
    /// Everything that was ever inserted.
    pub(super) fn items(&self) -> Vec<(Key, Item)> {
        self.inserts.keys().cloned().collect()
    }
    pub(super) fn adds(&self, key: &str) -> Vec<(i64, usize)> {
        let of = |change: &usize| match self.changes[*change].what {
            Request::Add { by, .. } => (by, *change),
            _ => (0, *change),
        };
        self.adds.get(key).into_iter().flatten().map(of).collect()
    }
    pub(super) fn inserts(&self, place: &(Key, Item)) -> &[usize] {
        self.inserts.get(place).map_or(&[], Vec::as_slice)
    }
    pub(super) fn removes(&self, place: &(Key, Item)) -> &[usize] {
        self.removes.get(place).map_or(&[], Vec::as_slice)
    }
    /// In words: what was asked for, where and when.
    pub(super) fn say(&self, change: usize) -> String {
        let Change { node, what, at, is_acknowledged, .. } = &self.changes[change];
        let end = if *is_acknowledged { "" } else { " (without an answer)" };
        match what {
            Request::Write { key, value } => {
                format!("the write of {value} to register {key} at {node}, {at}{end}")
            }
            Request::Add { key, by } => {
                format!("the amount {by} added to counter {key} at {node}, {at}{end}")
            }
            Request::Insert { key, item } => {
                format!("the insert of item {item} into cart {key} at {node}, {at}{end}")
            }
            Request::Remove { key, item } => {
                format!("the remove of item {item} from cart {key} at {node}, {at}{end}")
            }
            Request::Read => format!("the read at {node}, {at}"),
        }
    }
    /// What it takes to see this violation: these changes.
    pub(super) fn because(
        &self,
        violation: Violation,
        changes: impl IntoIterator<Item = usize>,
    ) -> Violation {
        changes.into_iter().fold(violation, |violation, change| {
            let Change { node, what, asked, .. } = &self.changes[change];
            let what = match what {
                Request::Write { key, value } => format!("{node}: write {key} = {value}"),
                Request::Add { key, by } => format!("{node}: add {by} to {key}"),
                Request::Insert { key, item } => format!("{node}: insert item {item} into {key}"),
                Request::Remove { key, item } => format!("{node}: remove item {item} from {key}"),
                Request::Read => format!("{node}: read"),
            };
            violation.because(*asked, what)
        })
    }
}

/// Whether messages are lost, or take too long, without a fault.
fn is_rough(scenario: &Scenario, gossip: Duration) -> bool {
    let mut links = scenario.links.iter().map(|rule| &rule.link).chain([&scenario.network]);
    links.any(|link| {
        let longest = link.latency.tail.map_or(link.latency.max, |tail| tail.max);
        link.loss != world::Chance::NEVER || longest > gossip / 5
    })
}
/// Whether this fault keeps leaders from telling each other something while it lasts. A crash does not: a leader is up, or it is not.
fn is_of_the_network(scenario: &Scenario, fault: usize) -> bool {
    let harm = scenario.faults.get(fault).map(|fault| &fault.harm);
    !matches!(
        harm,
        None | Some(
            Harm::Crash { .. }
                | Harm::ClockJump { .. }
                | Harm::ClockFreeze { .. }
                | Harm::ClockDrift { .. }
                | Harm::Rot { .. }
        )
    )
}
