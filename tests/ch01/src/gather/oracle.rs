//! `gather`: what a gatherer said of its searches, beside what its shards have found.
//!
//! Two searches may have the same text, and then no client can tell which part is whose. So searches are judged in groups of one
//! text. Within a group, a rule is broken only if no assignment of parts to searches keeps it.

use super::shard::{Searched, Searching};
use judge::{Reached, Violation};
use kit::{Rule, Saw, Scene, Waits, ms};
use lab::gather::{Gatherer, Message, Request, Response};
use lab::{NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{ClientId, End, ObservationId, OperationId, Time, World};

pub(super) const PARTIAL: &str = "a search had hits of some shards, and others were missing";
pub(super) const STALE: &str = "a part arrived for a search that was over";
pub(super) const LATER_LIFE: &str = "a search was answered after a crash of the gatherer";
pub(super) const ALONE_TOO_SLOW: &str = "one shard could not do the work in time";
pub(super) const TOGETHER: &str = "eight shards did the work in time";
pub(super) const EXPIRED: &str = "a search was incomplete at its deadline";

/// How much later than its deadline, or than the last part, a search may be answered.
pub(super) const GRACE: Duration = ms(10);
/// How much earlier than its deadline an incomplete search may be answered.
const EARLY: Duration = ms(1);

/// What is judged in a run besides what an answer must never say.
#[derive(Debug, Clone, Default)]
pub(super) struct Goals {
    /// These searches must be answered in time, if the gatherer does not crash meanwhile.
    pub(super) due: BTreeMap<(ClientId, OperationId), Due>,
    /// Every search must be answered by its deadline, and when its last part has arrived.
    pub(super) in_time: bool,
    /// What searches may cost.
    pub(super) frugal: Option<Frugal>,
}
/// How a search must be answered.
#[derive(Debug, Clone)]
pub(super) struct Due {
    /// So long after it was asked for.
    pub(super) within: Duration,
    /// With the hits of these shards.
    pub(super) present: BTreeSet<NodeId>,
    /// Why that is possible: the end of a sentence.
    pub(super) why: &'static str,
}
/// What searches may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frugal {
    pub(super) resend: Duration,
    /// Shards answer at once: each needs to be asked once.
    pub(super) clean: bool,
}

pub(super) struct Searches {
    me: NodeId,
    name: String,
    shards: BTreeSet<NodeId>,
    drift_ppm: i64,
    goals: Goals,
    life: u32,
    open: BTreeMap<RequestId, Open>,
    /// By text.
    groups: BTreeMap<u64, Group>,
    /// The text of each number that was sent to a shard, for the last time.
    texts: BTreeMap<(NodeId, u64), u64>,
    /// Of the searches that must be answered: those that are not over; `None` before the run has begun, and where there are none.
    left: Option<BTreeSet<(ClientId, OperationId)>>,
    has_begun: bool,
    answered: u64,
    reached: Reached,
}
/// A search that a client waits for.
#[derive(Clone)]
struct Open {
    text: u64,
    within: Duration,
    at: Time,
    seen: ObservationId,
    due: Option<Due>,
    operation: Option<(ClientId, OperationId)>,
    /// Since when it can be answered in full.
    complete: Option<(Time, ObservationId)>,
}
/// All searches for one text.
#[derive(Default)]
struct Group {
    in_this_life: usize,
    /// Searches of this life that ended without the part of a shard: it may still arrive.
    ended_without: BTreeMap<NodeId, usize>,
    parts: BTreeMap<NodeId, Vec<Part>>,
    /// When each number was sent to a shard first, in this life, and how often.
    asked: BTreeMap<(NodeId, u64), (Time, u32)>,
}
/// What a shard has found in one search.
struct Part {
    search: u64,
    hits: Vec<u64>,
    at: Time,
    seen: ObservationId,
    /// Where a client got it.
    given: Option<ObservationId>,
    /// Where it reached the gatherer in its present life.
    arrived: Option<(Time, ObservationId)>,
}
impl Group {
    /// The parts of a shard that have arrived, that no client has got, and that were asked for since this time.
    fn at_hand(&self, shard: NodeId, since: Time) -> impl Iterator<Item = &Part> {
        let parts = self.parts.get(&shard).into_iter().flatten();
        let is_new = move |part: &&Part| {
            self.asked.get(&(shard, part.search)).is_some_and(|(first, _)| *first >= since)
        };
        parts.filter(|part| part.given.is_none() && part.arrived.is_some()).filter(is_new)
    }
    /// How many of those may be parts of searches that ended without them.
    fn owed(&self, shard: NodeId) -> usize {
        self.ended_without.get(&shard).copied().unwrap_or_default()
    }
}

/// A length of time, to the microsecond.
fn short(time: Duration) -> String {
    (Time::ZERO + time).to_string()
}

impl Searches {
    pub(super) fn new(me: NodeId, shards: &[NodeId], drift_ppm: i64, goals: Goals) -> Searches {
        Searches {
            me,
            name: format!("{me} (gatherer)"),
            shards: shards.iter().copied().collect(),
            drift_ppm,
            goals,
            life: 0,
            open: BTreeMap::new(),
            groups: BTreeMap::new(),
            texts: BTreeMap::new(),
            left: None,
            has_begun: false,
            answered: 0,
            reached: Reached::default(),
        }
    }
    /// What the stopwatch of the gatherer counts in this time.
    fn on_stopwatch(&self, time: Duration) -> Duration {
        let ns = time.as_nanos() as i128 * (1_000_000 + i128::from(self.drift_ppm)) / 1_000_000;
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    fn sent(&mut self, scene: Scene<'_>, shard: NodeId, message: &Message) -> Result<(), Violation> {
        let Message::Ask { search, text } = *message else { return Ok(()) };
        let name = self.name.clone();
        self.texts.insert((shard, search), text);
        let of_text: Vec<&Open> = self.open.values().filter(|open| open.text == text).collect();
        let (waiting, oldest) = (of_text.len(), of_text.iter().map(|open| open.at).min());
        let group = self.groups.entry(text).or_default();
        let (_, times) = group.asked.entry((shard, search)).or_insert((scene.at(), 0));
        *times += 1;
        let Some(Frugal { resend, clean }) = self.goals.frugal else { return Ok(()) };
        let Some(oldest) = oldest else {
            let sentence = format!(
                "{name} asked {shard} for {text} at {}, but no search for {text} was open. A search that is over needs no more questions.",
                scene.at()
            );
            return Err(scene.breaks("asks-for-nothing", sentence));
        };
        if let Some(part) = group.at_hand(shard, oldest).nth(waiting + group.owed(shard) - 1) {
            let sentence = format!(
                "{name} asked {shard} for {text} at {}, but the part of {shard} had arrived before. Only shards that have not answered \
                 are asked again.",
                scene.at()
            );
            let violation = scene.breaks("asks-what-it-has", sentence);
            return Err(match part.arrived {
                Some((_, arrived)) => violation.because(arrived, "the part arrives"),
                None => violation,
            });
        }
        let asked = group.asked.iter().filter(|((to, _), _)| *to == shard);
        let asked: u32 = asked.map(|(_, (_, times))| *times).sum();
        let searches = group.in_this_life;
        let waited = self.on_stopwatch(scene.at() - oldest);
        let pauses = u64::try_from(2 * waited.as_nanos() / resend.as_nanos().max(1)).unwrap_or(u64::MAX);
        let most = if clean { searches as u64 } else { 1 + pauses };
        if u64::from(asked) > most {
            let why = if clean {
                "Each question was answered at once, and none was lost.".to_owned()
            } else {
                format!(
                    "The search began {waited} before, and `resend` is {resend:?}: then at most 1 + 2 × {waited} / {resend:?} are allowed.",
                    waited = short(waited)
                )
            };
            let sentence =
                format!("{name} asked {shard} for {text} {asked} times. At most {most} are needed. {why}");
            return Err(scene.breaks("asks-too-often", sentence));
        }
        Ok(())
    }

    fn arrived(&mut self, scene: Scene<'_>, shard: NodeId, message: &Message) {
        let Message::Part { search, hits } = message else { return };
        let Some(text) = self.texts.get(&(shard, *search)).copied() else { return };
        let group = self.groups.entry(text).or_default();
        let known = group.parts.entry(shard).or_default().iter_mut();
        let mut stale = true;
        for part in known.filter(|part| part.search == *search && part.hits == *hits) {
            part.arrived.get_or_insert((scene.at(), scene.id()));
            let asked = group.asked.get(&(shard, *search)).map(|(first, _)| *first);
            let is_open = self
                .open
                .values()
                .any(|open| open.text == text && asked.is_some_and(|first| first >= open.at));
            stale = part.given.is_some() || !is_open;
        }
        self.reached.mark_if(STALE, stale);
        // is a search complete now?
        let of_text = self.open.values().filter(|open| open.text == text).count();
        let group = &self.groups[&text];
        for open in self.open.values_mut().filter(|open| open.text == text && open.complete.is_none()) {
            if self
                .shards
                .iter()
                .all(|shard| group.at_hand(*shard, open.at).count() >= of_text + group.owed(*shard))
            {
                open.complete = Some((scene.at(), scene.id()));
            }
        }
    }

    fn searched(&mut self, scene: Scene<'_>, Searched { search, text, hits }: Searched) {
        let part = Part { search, hits, at: scene.at(), seen: scene.id(), given: None, arrived: None };
        self.groups.entry(text).or_default().parts.entry(scene.node()).or_default().push(part);
    }

    fn told(&mut self, scene: Scene<'_>, request: RequestId, response: &Response) -> Result<(), Violation> {
        let Some(open) = self.open.remove(&request) else { return Ok(()) };
        let Response::Found { hits, missing } = response;
        self.answered += 1;
        let verdict = self.is_honest(scene, &open, hits, missing);
        let took = self.on_stopwatch(scene.at() - open.at);
        let in_time = verdict.and_then(|()| match self.late(&open, scene.at(), took, Some(missing)) {
            Some((rule, sentence)) => Err(scene.breaks(rule, sentence)),
            None => Ok(()),
        });
        in_time.map_err(|violation| {
            violation.because(open.seen, format!("a client searches for {}", open.text))
        })?;
        if let (Some(left), Some(operation)) = (&mut self.left, open.operation) {
            left.remove(&operation);
        }
        self.reached.mark_if(PARTIAL, !hits.is_empty() && !missing.is_empty());
        self.reached.mark_if(LATER_LIFE, self.life > 0 && missing.is_empty());
        self.reached.mark_if(EXPIRED, !missing.is_empty());
        self.reached.mark_if(ALONE_TOO_SLOW, self.shards.len() == 1 && !missing.is_empty());
        self.reached.mark_if(TOGETHER, self.shards.len() == 8 && missing.is_empty());
        Ok(())
    }

    /// Whether each shard is where it belongs, with what it has found.
    fn is_honest(
        &mut self,
        scene: Scene<'_>,
        open: &Open,
        hits: &BTreeMap<NodeId, Vec<u64>>,
        missing: &BTreeSet<NodeId>,
    ) -> Result<(), Violation> {
        let Open { text, at, .. } = *open;
        let name = self.name.clone();
        let says = format!("{name} answered the search for {text} at {}", scene.at());
        for shard in &self.shards {
            let wrong = match (hits.contains_key(shard), missing.contains(shard)) {
                (false, false) => "neither in `hits` nor in `missing`",
                (true, true) => "both in `hits` and in `missing`",
                _ => continue,
            };
            let sentence =
                format!("{says}, and {shard} is {wrong}. Each shard belongs into exactly one of them.");
            return Err(scene.breaks("every-shard-once", sentence));
        }
        if let Some(other) = hits.keys().chain(missing).find(|shard| !self.shards.contains(shard)) {
            let sentence = format!("{says}, and the answer names {other}, which is no shard.");
            return Err(scene.breaks("every-shard-once", sentence));
        }
        let others = self.open.values().filter(|other| other.text == text).count();
        for shard in missing {
            let group = self.groups.entry(text).or_default();
            let at_hand = group.at_hand(*shard, at).nth(others + group.owed(*shard));
            if let Some((time, id)) = at_hand.and_then(|part| part.arrived) {
                let sentence = format!(
                    "{name} listed {shard} as missing from the search for {text}, but the part of {shard} had arrived at {time}, {} before the \
                     answer.",
                    short(scene.at() - time)
                );
                return Err(scene
                    .breaks("missing-though-there", sentence)
                    .because(id, format!("the part of {shard} arrives")));
            }
        }
        let group = self.groups.entry(text).or_default();
        missing.iter().for_each(|shard| *group.ended_without.entry(*shard).or_default() += 1);
        for (shard, hits) in hits {
            self.is_found(scene, open, *shard, hits)?;
        }
        Ok(())
    }
    /// Whether this shard has found this in that search.
    fn is_found(
        &mut self,
        scene: Scene<'_>,
        open: &Open,
        shard: NodeId,
        hits: &[u64],
    ) -> Result<(), Violation> {
        let Open { text, at, .. } = *open;
        let says = format!("{} gave {hits:?} as the hits of {shard} for {text}", self.name);
        let group = self.groups.entry(text).or_default();
        let asked = &group.asked;
        let first = |part: &Part| asked.get(&(shard, part.search)).map(|(first, _)| *first);
        let parts = group.parts.entry(shard).or_default().iter_mut();
        let fits = parts.filter(|part| part.hits == hits && part.given.is_none() && part.arrived.is_some());
        let new = fits.filter(|part| first(part).is_some_and(|first| first >= at));
        // empty parts are all alike: the one that was asked for first is the one that the fewest others could have
        if let Some(part) = new.min_by_key(|part| first(part)) {
            part.given = Some(scene.id());
            return Ok(());
        }
        let same =
            group.parts.entry(shard).or_default().iter().find(|part| part.hits == hits && !hits.is_empty());
        if let Some(part) = same {
            let sentence = match part.given {
                Some(_) => format!(
                    "{says}, but it had given them to another search for {text} before. Each search has its own part."
                ),
                None => format!(
                    "{says}, but {shard} found them at {} for an earlier search, #{}. This search began at {at}.",
                    part.at, part.search
                ),
            };
            return Err(scene
                .breaks("part-of-another-search", sentence)
                .because(part.seen, "the other search"));
        }
        let of_others = self.groups.iter().flat_map(|(text, group)| {
            let parts =
                group.parts.iter().flat_map(|(shard, parts)| parts.iter().map(move |part| (*shard, part)));
            parts.map(move |(shard, part)| (*text, shard, part))
        });
        let other = { of_others }.find(|(_, _, part)| part.hits == hits && !hits.is_empty());
        if let Some((other, from, part)) = other {
            let sentence = if from == shard {
                format!("{says}, but they are its hits for {other}.")
            } else {
                format!("{says}, but they are the hits of {from} for {other}.")
            };
            let violation = scene.breaks("part-of-another-search", sentence);
            return Err(violation.because(part.seen, format!("{from} searches for {other}")));
        }
        let sorted = |hits: &[u64]| hits.iter().copied().collect::<BTreeSet<u64>>();
        let parts = self.groups.get(&text).and_then(|group| group.parts.get(&shard)).into_iter().flatten();
        let mut arrived = parts.filter(|part| part.arrived.is_some() && !hits.is_empty());
        if let Some(part) = arrived.find(|part| sorted(hits).is_subset(&sorted(&part.hits))) {
            let sentence = format!(
                "{says}, but {shard} sent {:?}. Hits are handed on as they came: all of them, in their order, and twice if they came twice.",
                part.hits
            );
            return Err(scene.breaks("hits-changed", sentence).because(part.seen, "this was found"));
        }
        let sentence = format!("{says}, but no such part of {shard} had arrived for this search.");
        Err(scene.breaks("invented-part", sentence))
    }

    /// What is wrong with the time that a search took, or has taken so far.
    fn late(
        &self,
        open: &Open,
        now: Time,
        took: Duration,
        missing: Option<&BTreeSet<NodeId>>,
    ) -> Option<(&'static str, String)> {
        let Open { text, within, at, .. } = *open;
        let name = &self.name;
        let answered = match missing {
            Some(_) => format!("{name} answered the search for {text} after {}", short(took)),
            None => format!("{name} has not answered the search for {text}, which began at {at}"),
        };
        if self.goals.in_time && took > within + GRACE {
            let sentence = format!(
                "{answered}. The search had to be answered within {}, and {GRACE:?} more are allowed, by the stopwatch of {}.",
                short(within),
                self.me
            );
            return Some(("after-the-deadline", sentence));
        }
        if let Some((complete, _)) = open.complete
            && self.goals.in_time
            && self.on_stopwatch(now - complete) > GRACE
        {
            let sentence = format!(
                "{answered}. The last part had arrived at {complete}: then the answer is due at once, and {GRACE:?} later at the latest."
            );
            return Some(("waits-though-complete", sentence));
        }
        if let Some(shard) = missing.and_then(BTreeSet::first)
            && took + EARLY < within
        {
            let sentence = format!(
                "{answered} and listed {shard} as missing, although the search had {}. A search waits for every shard until its deadline.",
                short(within)
            );
            return Some(("gave-up-early", sentence));
        }
        let Due { within, present, why } = open.due.as_ref()?;
        if took > *within {
            let sentence =
                format!("{answered}. The answer was due within {}, because {why}.", short(*within));
            return Some(("answer-too-late", sentence));
        }
        let lacking = missing?.iter().find(|shard| present.contains(shard))?;
        let sentence = format!("{answered} and listed {lacking} as missing, although {why}.");
        Some(("missing-without-need", sentence))
    }
    fn all_in_time(&self, world: &World, now: Time) -> Result<(), Violation> {
        let over = world.end() == Some(&End::Idle);
        for open in self.open.values() {
            let took = if over { Duration::MAX } else { self.on_stopwatch(now - open.at) };
            if let Some((rule, sentence)) = self.late(open, now, took, None) {
                let violation = Violation::never(rule, sentence);
                let violation = violation.because(open.seen, format!("a client searches for {}", open.text));
                return Err(match open.complete {
                    Some((_, arrived)) => violation.because(arrived, "the last part arrives"),
                    None => violation,
                });
            }
        }
        Ok(())
    }

    /// The gatherer crashes, and what it knew is gone.
    fn crashed(&mut self) {
        self.life += 1;
        let over = std::mem::take(&mut self.open);
        if let Some(left) = &mut self.left {
            over.values().filter_map(|open| open.operation).for_each(|operation| _ = left.remove(&operation));
        }
        for group in self.groups.values_mut() {
            group.asked.clear();
            group.ended_without.clear();
            group.in_this_life = 0;
            group.parts.values_mut().flatten().for_each(|part| part.arrived = None);
        }
    }
}

impl Rule<Gatherer, Message> for Searches {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Gatherer, Message>) -> Result<(), Violation> {
        let mine = scene.node() == self.me;
        if !std::mem::replace(&mut self.has_begun, true) {
            let clients = scene.scenario().clients.iter();
            let all = clients
                .flat_map(|client| client.operations.iter().map(|operation| (client.id, operation.id)));
            let due: BTreeSet<_> = all.filter(|operation| self.goals.due.contains_key(operation)).collect();
            self.left = Some(due).filter(|due| !due.is_empty());
        }
        match saw {
            Saw::Asked { request, operation, what: Request::Search { text, within } } if mine => {
                let due = operation.and_then(|operation| self.goals.due.get(&operation).cloned());
                let open = Open {
                    text: *text,
                    within: *within,
                    at: scene.at(),
                    seen: scene.id(),
                    due,
                    operation: *operation,
                    complete: None,
                };
                self.open.insert(*request, open);
                self.groups.entry(*text).or_default().in_this_life += 1;
            }
            Saw::Told { request, what } if mine => self.told(scene, *request, what)?,
            Saw::Sent { to, message: Some(message), .. } if mine => self.sent(scene, *to, message)?,
            Saw::Got { from, message: Some(message) } if mine => self.arrived(scene, *from, message),
            Saw::Crashed if mine => self.crashed(),
            _ => {
                if let Some(done) = scene.seen.emitted::<Searching>().filter(|_| !mine) {
                    self.searched(scene, done);
                }
            }
        }
        self.all_in_time(scene.world, scene.at())
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        self.all_in_time(world, world.now())?;
        reached.clone_from(&self.reached);
        reached.figure("searches answered", self.answered);
        Ok(())
    }
    fn waits(&self) -> Waits {
        match &self.left {
            None if self.has_begun => Waits::NotAGoal,
            Some(left) if left.is_empty() => Waits::NoMore,
            _ => Waits::Still,
        }
    }
}
