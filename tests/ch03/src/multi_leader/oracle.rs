//! `multi_leader`: how a run is judged.
//!
//! What leaders show is judged by what they surely know, and by what they can know ([`Facts`]): between these two, everything is allowed.
//! All times and bounds are those of the run itself. So what a shorter run leaves out is not asked for.

use super::facts::{Change, Facts, Open, ROUNDS};
use judge::{Reached, Violation};
use kit::{Rule, Saw, Scene, ms};
use lab::NodeId;
use lab::multi_leader::{Item, Key, Leader, Response, State, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{Cause, End, ObservationId, Seen, Time, World};

pub(super) const ALONE: &str = "a leader answered while no message reached it";
pub(super) const LACKED: &str = "a leader lacked something when the last fault ended";
pub(super) const OUT_OF_ORDER: &str = "a message arrived twice, or was overtaken";
pub(super) const OVERWROTE: &str = "a leader overwrote another leader's write that it had shown";
pub(super) const UNAWARE: &str = "an insert and a remove of one item did not know of each other";
pub(super) const INTERRUPTED: &str =
    "a leader crashed in the middle of a change and was asked for another one";
pub(super) const GONE: &str = "a leader showed a change of a leader that was gone for good, and crashed";
pub(super) const REMOVED: &str = "hundreds of inserts were removed again";

/// Which promises are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// That all leaders show the same, and that nothing is missing.
    Convergence,
    /// All.
    Everything,
}

/// A leader answers in so long.
const ANSWERED_IN: Duration = ms(20);

/// What leaders answer.
pub(super) struct Answers {
    judged: Judged,
    facts: Facts,
    /// What all leaders show: since the last disturbance, and the last change.
    agreed: Option<(u64, State, NodeId, Time, ObservationId)>,
    /// The last message that arrived from one leader at another.
    last: BTreeMap<(NodeId, NodeId), ObservationId>,
    /// When a message arrived last.
    heard: BTreeMap<NodeId, Time>,
    /// Leaders with an unanswered change of which something was written.
    under_way: BTreeSet<NodeId>,
    interrupted: BTreeSet<NodeId>,
    down: BTreeSet<NodeId>,
    reached: Reached,
}
impl Answers {
    pub(super) fn new(judged: Judged, gossip: Duration) -> Answers {
        Answers {
            judged,
            facts: Facts::new(gossip),
            agreed: None,
            last: BTreeMap::new(),
            heard: BTreeMap::new(),
            under_way: BTreeSet::new(),
            interrupted: BTreeSet::new(),
            down: BTreeSet::new(),
            reached: Reached::default(),
        }
    }

    /// A request that should have been answered by now.
    fn late(&self, now: Time, is_over: bool) -> Result<(), Violation> {
        match self.facts.oldest() {
            Some((node, Open { at, asked, .. })) if now > at + ANSWERED_IN || is_over => {
                let sentence = format!(
                    "{node} was asked at {at}, but it has not answered by {now}. A leader answers alone, within 20 ms, whatever happens to \
                     the other leaders."
                );
                Err(Violation::never("answers-alone", sentence).because(asked, "this client gets no answer"))
            }
            _ => Ok(()),
        }
    }

    fn shown(&mut self, scene: Scene<'_>, open: Open, state: &State) -> Result<(), Violation> {
        let look = Look { scene, open, facts: &self.facts, node: scene.node() };
        let mut learnt = Vec::new();
        for key in self.facts.keys_of_registers().iter().chain(state.registers.keys()) {
            learnt.extend(look.register(self.judged, key, state.registers.get(key).copied())?);
        }
        for key in self.facts.keys_of_counters().iter().chain(state.counters.keys()) {
            let sum = state.counters.get(key).copied().unwrap_or(0);
            learnt.extend(look.counter(self.judged, key, sum)?);
        }
        let shown = state.carts.iter().flat_map(|(key, items)| items.iter().map(|item| (key.clone(), *item)));
        for place in self.facts.items().into_iter().chain(shown) {
            let is_in = state.carts.get(&place.0).is_some_and(|items| items.contains(&place.1));
            learnt.extend(look.item(self.judged, &place, is_in)?);
        }
        let of_the_gone = |change: &usize| self.down.contains(&self.facts.changes[*change].node);
        self.reached.mark_if(GONE, learnt.iter().any(of_the_gone));
        for change in learnt {
            self.facts.learn(scene, change);
        }
        self.same(scene, open, state)
    }

    /// All leaders show the same, when they have had time enough to tell each other; and it stays so.
    fn same(&mut self, scene: Scene<'_>, open: Open, state: &State) -> Result<(), Violation> {
        let Some(since) = self.facts.quiet_since(open.at) else { return Ok(()) };
        let state = plain(state);
        let (node, at) = (scene.node(), scene.at());
        match &self.agreed {
            Some((era, before, other, then, seen)) if *era == self.facts.era => {
                let Some(difference) = difference(before, &state) else { return Ok(()) };
                let sentence = format!(
                    "At {at}, {node} shows {}, but {other} showed {} at {then}. Since {since}, nothing has gone wrong and no change was asked for. \
                     That is more than {ROUNDS} × gossip, so all leaders must show the same.",
                    difference.1, difference.0
                );
                Err(scene.breaks("same", sentence).because(*seen, format!("{other} shows {}", difference.0)))
            }
            _ => {
                self.agreed = Some((self.facts.era, state, node, at, scene.id()));
                Ok(())
            }
        }
    }

    /// What runs have to show.
    fn mark(&mut self, scene: Scene<'_>, saw: &Saw<Leader>) {
        let (node, at) = (scene.node(), scene.at());
        if let (Seen::Delivered { from, .. }, Cause::Observation(sent)) = (&scene.seen.seen, scene.seen.cause)
        {
            let last = self.last.insert((*from, node), sent);
            self.reached.mark_if(OUT_OF_ORDER, last.is_some_and(|last| sent <= last));
            self.heard.insert(node, at);
        }
        match saw {
            Saw::Asked { what, .. } => {
                let is_change = *what != lab::multi_leader::Request::Read;
                self.reached.mark_if(INTERRUPTED, is_change && self.interrupted.contains(&node));
            }
            Saw::Told { .. } => _ = self.under_way.remove(&node),
            Saw::Crashed => {
                self.down.insert(node);
                if self.under_way.remove(&node) {
                    self.interrupted.insert(node);
                }
            }
            Saw::Started { .. } => _ = self.down.remove(&node),
            _ => {}
        }
        match scene.seen.seen {
            Seen::Wrote { .. } if self.facts.oldest().is_some_and(|(waiting, _)| waiting == node) => {
                self.under_way.insert(node);
            }
            Seen::Calm => self.reached.mark_if(LACKED, self.facts.someone_lacks_something()),
            _ => {}
        }
    }
}

/// A state, as it is compared: zero counters and empty carts may be left out.
fn plain(state: &State) -> State {
    let State { registers, counters, carts } = state;
    State {
        registers: registers.clone(),
        counters: counters
            .iter()
            .filter(|(_, sum)| **sum != 0)
            .map(|(key, sum)| (key.clone(), *sum))
            .collect(),
        carts: carts
            .iter()
            .filter(|(_, items)| !items.is_empty())
            .map(|(k, i)| (k.clone(), i.clone()))
            .collect(),
    }
}
/// The first place in which two plain states differ: what each of them shows there.
fn difference(one: &State, other: &State) -> Option<(String, String)> {
    fn first<T: PartialEq>(
        (one, other): (&BTreeMap<Key, T>, &BTreeMap<Key, T>),
        say: impl Fn(&Key, Option<&T>) -> String,
    ) -> Option<(String, String)> {
        let keys: BTreeSet<&Key> = one.keys().chain(other.keys()).collect();
        let key = keys.into_iter().find(|key| one.get(*key) != other.get(*key))?;
        Some((say(key, one.get(key)), say(key, other.get(key))))
    }
    first((&one.registers, &other.registers), |key, value: Option<&Value>| match value {
        Some(value) => format!("register {key} = {value}"),
        None => format!("no register {key}"),
    })
    .or_else(|| {
        first((&one.counters, &other.counters), |key, sum| format!("counter {key} = {}", sum.unwrap_or(&0)))
    })
    .or_else(|| {
        first((&one.carts, &other.carts), |key, items| match items {
            Some(items) => format!("cart {key} = {items:?}"),
            None => format!("cart {key} empty"),
        })
    })
}

/// An answer to a read, and what is known about it.
struct Look<'a> {
    scene: Scene<'a>,
    open: Open,
    facts: &'a Facts,
    node: NodeId,
}
impl Look<'_> {
    fn knew(&self, change: usize) -> bool {
        self.facts.knew(self.node, change, self.open.asked)
    }
    fn can_know(&self, change: usize) -> bool {
        self.facts.can_know(self.node, change)
    }
    /// Why the leader must know this change, in words: a sentence.
    fn why(&self, change: usize) -> String {
        let Change { node, is_acknowledged, .. } = &self.facts.changes[change];
        match *node == self.node && *is_acknowledged {
            true => format!("{node} had acknowledged it itself"),
            false => format!("{} had shown it, or had had time enough to hear of it", self.node),
        }
    }
    fn breaks(
        &self,
        rule: &'static str,
        sentence: String,
        changes: impl IntoIterator<Item = usize>,
    ) -> Violation {
        self.facts.because(self.scene.breaks(rule, sentence), changes)
    }

    /// A register shows a value that was written, and that no known write has overwritten. Returns the write.
    fn register(&self, judged: Judged, key: &Key, shows: Option<Value>) -> Result<Option<usize>, Violation> {
        let (facts, node, at) = (self.facts, self.node, self.scene.at());
        let Some(shows) = shows else {
            return match facts.writes(key).find(|(_, write)| self.knew(*write)) {
                Some((_, write)) => {
                    let sentence = format!(
                        "{node} shows no register {key} at {at}. It must know {}: {}.",
                        facts.say(write),
                        self.why(write)
                    );
                    Err(self.breaks("write-missing", sentence, [write]))
                }
                None => Ok(None),
            };
        };
        let write = facts.writes(key).find(|(value, write)| *value == shows && self.can_know(*write));
        let Some((_, write)) = write else {
            let sentence = format!(
                "{node} shows register {key} = {shows} at {at}. No client had written that, or no message had brought it to {node}."
            );
            return Err(self.breaks("unknown-value", sentence, []));
        };
        let overwrites = |by: &(Value, usize)| self.knew(by.1) && facts.changes[by.1].surely.contains(&write);
        if judged == Judged::Everything
            && let Some((_, by)) = facts.writes(key).find(overwrites)
        {
            let sentence = format!(
                "{node} shows register {key} = {shows} at {at}, although it must know {}: {}. That write overwrites {shows}: its \
                 leader, {}, knew {shows} when it was asked.",
                facts.say(by),
                self.why(by),
                facts.changes[by].node
            );
            return Err(self.breaks("write-undone", sentence, [write, by]));
        }
        Ok(Some(write))
    }

    /// A counter counts each known amount, and none twice. Returns the amounts that it counts.
    fn counter(&self, judged: Judged, key: &Key, shows: i64) -> Result<Vec<usize>, Violation> {
        let (facts, node, at) = (self.facts, self.node, self.scene.at());
        let adds = facts.adds(key);
        let Some(counted) = digits(shows, &adds) else {
            let amounts: Vec<String> = adds.iter().map(|(by, _)| by.to_string()).collect();
            let sentence = format!(
                "{node} shows counter {key} = {shows} at {at}. The amounts that were added so far are {}. Their sum is not {shows}, \
                 even if some are left out and some are counted up to three times.",
                amounts.join(", ")
            );
            return match judged {
                Judged::Everything => Err(self.breaks("no-sum", sentence, adds.iter().map(|(_, add)| *add))),
                Judged::Convergence => Ok(Vec::new()),
            };
        };
        for ((by, add), times) in adds.iter().zip(&counted) {
            let counts = format!("{node} shows counter {key} = {shows} at {at}. So the amount {by}");
            if *times == 0 && self.knew(*add) {
                let sentence = format!(
                    "{counts} does not count, but {node} must know {}: {}.",
                    facts.say(*add),
                    self.why(*add)
                );
                return Err(self.breaks("amount-missing", sentence, [*add]));
            }
            if *times > 1 && judged == Judged::Everything {
                let sentence = format!("{counts} counts {times} times: {}.", facts.say(*add));
                return Err(self.breaks("counted-twice", sentence, [*add]));
            }
            if *times > 0 && !self.can_know(*add) && judged == Judged::Everything {
                let sentence =
                    format!("{counts} counts, but no message had brought {} to {node}.", facts.say(*add));
                return Err(self.breaks("unknown-amount", sentence, [*add]));
            }
        }
        Ok(adds.iter().zip(counted).filter(|(_, times)| *times > 0).map(|((_, add), _)| *add).collect())
    }

    /// An item is in if a known insert of it is left, and out if each insert was taken away. Returns the change that it shows, if there is just
    /// one that it can be.
    fn item(&self, judged: Judged, place: &(Key, Item), is_in: bool) -> Result<Option<usize>, Violation> {
        let (facts, node, at) = (self.facts, self.node, self.scene.at());
        let (key, item) = place;
        let inserts = || facts.inserts(place).iter().copied().filter(|insert| self.can_know(*insert));
        let removes = || facts.removes(place).iter().copied().filter(|remove| self.can_know(*remove));
        if is_in {
            let taken = |insert: usize| {
                removes().find(|by| self.knew(*by) && facts.changes[*by].surely.contains(&insert))
            };
            let mut left = inserts().filter(|insert| taken(*insert).is_none());
            let first = left.next();
            if first.is_none() && judged == Judged::Everything {
                let sentence = match inserts().next_back().and_then(|insert| Some((insert, taken(insert)?))) {
                    None => format!(
                        "{node} shows item {item} in cart {key} at {at}. No client had inserted it, or no message had brought it to {node}."
                    ),
                    Some((insert, remove)) => format!(
                        "{node} shows item {item} in cart {key} at {at}, although each insert of it was removed. The last one was {}. {node} must know \
                         {}: {}.",
                        facts.say(insert),
                        facts.say(remove),
                        self.why(remove)
                    ),
                };
                let changes = inserts().chain(removes());
                return Err(self.breaks("removed-item-is-back", sentence, changes));
            }
            let is_only = left.next().is_none();
            return Ok(first.filter(|_| is_only));
        }
        let mut shown = None;
        for insert in inserts().filter(|insert| self.knew(*insert)) {
            let takers: Vec<usize> =
                removes().filter(|remove| facts.can_have_known(*remove, insert)).collect();
            if takers.is_empty() && (judged == Judged::Everything || removes().next().is_none()) {
                let remove = removes().next_back();
                let removes = match remove {
                    None => format!("No remove of item {item} had reached {node}."),
                    Some(remove) => {
                        format!("It did not know of the insert when it was asked for {}.", facts.say(remove))
                    }
                };
                let knows = format!("{node} must know {}: {}.", facts.say(insert), self.why(insert));
                let sentence =
                    format!("{node} does not show item {item} in cart {key} at {at}. {knows} {removes}");
                return Err(self.breaks("insert-missing", sentence, [insert].into_iter().chain(remove)));
            }
            if let [taker] = takers[..] {
                shown = Some(taker);
            }
        }
        Ok(shown)
    }
}

/// How often each of these amounts counts in a sum: at most three times. They are ±4^k, each k once. `None` if there is no such way.
fn digits(sum: i64, amounts: &[(i64, usize)]) -> Option<Vec<i64>> {
    let mut counted = vec![0; amounts.len()];
    let mut rest = i128::from(sum);
    for k in 0..32 {
        let power = 1_u64 << (2 * k).min(63);
        let digit = i64::try_from(rest.rem_euclid(4)).unwrap_or(0);
        let place = amounts.iter().position(|(by, _)| by.unsigned_abs() == power);
        let times = match place {
            Some(place) if amounts[place].0 < 0 => (4 - digit) % 4,
            Some(_) => digit,
            None if digit == 0 => 0,
            None => return None,
        };
        let sign = match place {
            Some(place) if amounts[place].0 < 0 => -1,
            _ => 1,
        };
        if let Some(place) = place {
            counted[place] = times;
        }
        rest = (rest - i128::from(sign * times)) / 4;
    }
    (rest == 0).then_some(counted)
}

impl Rule<Leader> for Answers {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Leader>) -> Result<(), Violation> {
        self.late(scene.at(), false)?;
        let answered = self.facts.see(scene, saw);
        self.mark(scene, saw);
        let (Some(open), Saw::Told { what, .. }) = (answered, saw) else { return Ok(()) };
        let heard = self.heard.get(&scene.node());
        self.reached.mark_if(ALONE, heard.is_none());
        match (what, open.change) {
            (Response::State(state), None) => self.shown(scene, open, state),
            (Response::Done, Some(_)) => Ok(()),
            (_, change) => {
                let (is, must) = match change {
                    Some(_) => ("a change with a state", "Done"),
                    None => ("a read with Done", "a state"),
                };
                let sentence = format!("{} answered {is}. The answer to that is {must}.", scene.node());
                Err(scene.breaks("wrong-answer", sentence))
            }
        }
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        self.late(world.now(), world.end() == Some(&End::Idle))?;
        let facts = &self.facts;
        let overwrote = |change: &Change| {
            let is_write = matches!(change.what, lab::multi_leader::Request::Write { .. });
            is_write && change.surely.iter().any(|other| facts.changes[*other].node != change.node)
        };
        self.reached.mark_if(OVERWROTE, facts.changes.iter().any(overwrote));
        let mut removed = 0;
        for place in facts.items() {
            for remove in facts.removes(&place) {
                removed += facts.changes[*remove].surely.len();
                let unaware = |insert: &usize| {
                    !facts.can_have_known(*insert, *remove) && !facts.can_have_known(*remove, *insert)
                };
                self.reached.mark_if(UNAWARE, facts.inserts(&place).iter().any(unaware));
            }
        }
        self.reached.mark_if(REMOVED, removed >= 200);
        reached.clone_from(&self.reached);
        Ok(())
    }
}

/// In a stretch of time, no message is longer than so many bytes.
pub(super) struct Short {
    pub(super) from: Duration,
    pub(super) bytes_max: usize,
    pub(super) because: &'static str,
}
impl Rule<Leader> for Short {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Leader>) -> Result<(), Violation> {
        let Saw::Sent { to, bytes, .. } = saw else { return Ok(()) };
        if scene.at() < Time::ZERO + self.from || *bytes <= self.bytes_max {
            return Ok(());
        }
        let sentence = format!(
            "{} sent {to} a message of {bytes} bytes at {}. At most {} are allowed: {}.",
            scene.node(),
            scene.at(),
            self.bytes_max,
            self.because
        );
        Err(scene.breaks("short-messages", sentence).of_costs())
    }
}
