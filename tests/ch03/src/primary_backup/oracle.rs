//! `primary_backup`: what nodes answer, and what is on their disks. All of these rules judge every run.
//!
//! The primary and the in-sync set never change here. So an audit is enough to judge what an answer has promised: every node that the
//! answer speaks of has the append, whenever the node is asked for its copy after that.

use crate::replicas::lists::{Lists, Moment, show};
use judge::{Reached, Violation};
use kit::{Rule, Saw, Scene, Waits, ms};
use lab::primary_backup::{Acks, Config, Key, PrimaryBackup, Request, Response, Value};
use lab::{NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{ClientId, End, OperationId, Seen, Time, World};

pub(super) const AUDITED: &str =
    "a backup was audited after an append had been acknowledged in synchronous mode";
pub(super) const ASKED_A_BACKUP: &str =
    "a backup was asked to read or to append after an append had been acknowledged";
pub(super) const BEHIND: &str = "an audit of a backup lacked an append that the primary had acknowledged";
pub(super) const TRIED_AGAIN: &str =
    "an append was acknowledged that the primary had been asked for several times";
pub(super) const PARTLY_SAFE: &str = "an answer said that some positions are safe, and its own is not";
pub(super) const CRASHED_BETWEEN: &str =
    "a node crashed between the request for an append and its acknowledgement";

/// An audit is due after 20 ms and the pending syncs.
const AUDIT_WITHIN: Duration = ms(60);

/// The safety rules.
pub(super) struct Copies {
    config: Config,
    /// After the calm, every copy has within this time what was acknowledged.
    catch_up: Option<Duration>,
    /// On a quiet network, `safe` reaches a position within this time.
    safe_within: Option<Duration>,
    requests: BTreeMap<RequestId, (Request, Moment)>,
    /// Audits that are due.
    audits: BTreeMap<RequestId, Moment>,
    appends: BTreeMap<Value, Append>,
    /// The appends that were acknowledged, by position.
    placed: BTreeMap<u64, Value>,
    /// What reads have shown in synchronous mode.
    lists: Lists,
    shown: BTreeMap<Value, Moment>,
    /// The longest list that was seen anywhere, on a disk or in an answer to a read.
    longest: BTreeMap<Key, (Vec<Value>, Moment)>,
    /// What the last audit of a node has shown.
    audited: BTreeMap<NodeId, (BTreeMap<Key, Vec<Value>>, Moment)>,
    /// The answers in which `safe` was larger than in all before.
    safe: Vec<(u64, Moment)>,
    /// What audits have shown.
    shown_by_audits: Vec<(Moment, BTreeSet<Value>)>,
    marks: Marks,
}
/// What a run has reached.
#[derive(Default)]
struct Marks(BTreeSet<&'static str>);
impl Marks {
    fn mark_if(&mut self, what: &'static str, so: bool) {
        if so {
            self.0.insert(what);
        }
    }
}
struct Append {
    key: Key,
    /// For the first time.
    asked: Moment,
    /// For the first time: the position.
    acknowledged: Option<(u64, Moment)>,
    /// How often the primary was asked.
    tries: u32,
    /// A node has crashed since it was asked for, and before it was acknowledged.
    crashed: bool,
}

impl Copies {
    pub(super) fn new(config: &Config) -> Copies {
        Copies {
            config: config.clone(),
            catch_up: None,
            safe_within: None,
            requests: BTreeMap::new(),
            audits: BTreeMap::new(),
            appends: BTreeMap::new(),
            placed: BTreeMap::new(),
            lists: Lists::default(),
            shown: BTreeMap::new(),
            longest: BTreeMap::new(),
            audited: BTreeMap::new(),
            safe: Vec::new(),
            shown_by_audits: Vec::new(),
            marks: Marks::default(),
        }
    }
    /// After the calm, every copy has within this time what was acknowledged.
    pub(super) fn catch_up(self, within: Duration) -> Copies {
        Copies { catch_up: Some(within), ..self }
    }
    /// `safe` reaches a position within this time, counted from its answer or from the calm.
    pub(super) fn safe_within(self, within: Duration) -> Copies {
        Copies { safe_within: Some(within), ..self }
    }

    fn is_sync(&self) -> bool {
        matches!(self.config.acks, Acks::Sync { .. })
    }
    fn is_primary(&self, node: NodeId) -> bool {
        self.config.first.primary == node
    }
    /// What a node is in a sentence: `n1, the primary`.
    fn who(&self, node: NodeId) -> String {
        match self.is_primary(node) {
            true => format!("{node}, the primary,"),
            false => format!("{node}, which is in sync,"),
        }
    }

    fn asked(&mut self, scene: Scene<'_>, request: RequestId, what: &Request) {
        let now = Moment::from(scene.seen);
        self.requests.insert(request, (what.clone(), now));
        let has_acknowledged = !self.placed.is_empty();
        match what {
            Request::Audit => _ = self.audits.insert(request, now),
            Request::Read { .. } | Request::Append { .. } if !self.is_primary(now.node) => {
                self.marks.mark_if(ASKED_A_BACKUP, has_acknowledged);
            }
            Request::Read { .. } | Request::Append { .. } => {}
        }
        if let Request::Append { key, value, .. } = what {
            self.lists.asked(key, *value, now);
            let first = Append { key: key.clone(), asked: now, acknowledged: None, tries: 0, crashed: false };
            let append = self.appends.entry(*value).or_insert(first);
            append.tries += u32::from(self.config.first.primary == now.node);
        }
    }
    fn answered(
        &mut self,
        scene: Scene<'_>,
        request: RequestId,
        response: &Response,
    ) -> Result<(), Violation> {
        let now = Moment::from(scene.seen);
        let Some((what, asked)) = self.requests.remove(&request) else { return Ok(()) };
        self.audits.remove(&request);
        match (what, response) {
            (Request::Append { value, .. }, Response::Appended { epoch, position, safe }) => {
                self.acknowledged(scene, value, *epoch, *position, *safe, asked)
            }
            (Request::Read { key }, Response::Values(values)) if self.is_sync() => {
                self.lists.shown(&key, asked, values, now)?;
                self.in_one_order(scene, "a read", &key, values)?;
                for value in values {
                    self.shown.entry(*value).or_insert(now);
                }
                Ok(())
            }
            (Request::Audit, Response::Audit(lists)) => self.audit(scene, asked, lists),
            (_, Response::NotPrimary { .. } | Response::Unavailable)
            | (Request::Read { .. }, Response::Values(_)) => Ok(()),
            (what, response) => {
                let sentence = format!(
                    "{} was asked `{what:?}` and answered `{response:?}`, which is no answer to that.",
                    now.node
                );
                Err(scene.breaks("no-answer-to-that", sentence).because(asked.id, "the request"))
            }
        }
    }

    fn acknowledged(
        &mut self,
        scene: Scene<'_>,
        value: Value,
        epoch: u64,
        position: u64,
        safe: u64,
        asked: Moment,
    ) -> Result<(), Violation> {
        let now = Moment::from(scene.seen);
        let answer = format!("{} acknowledged {value} at position {position}", now.node);
        let breaks = |rule, sentence: String| scene.breaks(rule, sentence);
        if epoch != self.config.first.epoch {
            let sentence =
                format!("{answer} of epoch {epoch}, but the only epoch here is {}.", self.config.first.epoch);
            return Err(breaks("another-epoch", sentence));
        }
        if self.is_sync() && safe < position {
            let sentence = format!(
                "{answer} in synchronous mode, and said that the appends up to {safe} are safe. What is acknowledged there is safe, so \
                 `safe` must be at least {position}."
            );
            return Err(breaks("acknowledged-and-not-safe", sentence));
        }
        let Some(append) = self.appends.get(&value) else { return Ok(()) };
        self.marks.mark_if(TRIED_AGAIN, append.tries > 1);
        self.marks.mark_if(CRASHED_BETWEEN, append.crashed);
        if let Some((before, when)) = append.acknowledged {
            if before != position {
                let sentence = format!(
                    "{answer}, but {} had acknowledged the same append at position {before} at {}. A retry takes effect once.",
                    when.node, when.at
                );
                return Err(
                    breaks("two-positions", sentence).because(when.id, format!("{value} is at {before}"))
                );
            }
        } else {
            if let Some(other) = self.placed.get(&position)
                && let Some((_, when)) = self.appends[other].acknowledged
            {
                let sentence = format!(
                    "{answer}, but {} had acknowledged {other} at this position at {}. Each append has a position of its own.",
                    when.node, when.at
                );
                return Err(breaks("one-position-for-two", sentence)
                    .because(when.id, format!("{other} is at {position}")));
            }
            let is_earlier = |when: &Moment| when.id < append.asked.id;
            let later = self
                .placed
                .range(position..)
                .map(|(place, other)| (place, other, self.appends[other].acknowledged));
            let mut later = later.filter_map(|(place, other, when)| Some((place, other, when?.1)));
            if let Some((place, other, when)) = later.find(|(_, _, when)| is_earlier(when)) {
                let sentence = format!(
                    "{answer}, but {other} is at position {place}, and it was acknowledged at {}, before any client asked for {value}. \
                     Positions must grow.",
                    when.at
                );
                return Err(breaks("position-goes-back", sentence)
                    .because(when.id, format!("{other} is acknowledged"))
                    .because(append.asked.id, format!("{value} is asked for")));
            }
            self.placed.insert(position, value);
            if let Some(append) = self.appends.get_mut(&value) {
                append.acknowledged = Some((position, now));
            }
        }
        self.lists.acknowledged(value, now);
        self.marks.mark_if(PARTLY_SAFE, 0 < safe && safe < position);
        self.keeps_up(scene, position, safe, asked)?;
        if self.safe.last().is_none_or(|(most, _)| *most < safe) {
            self.safe.push((safe, now));
        }
        self.was_safe(scene, position, value)
    }
    /// Whether `safe` has reached what was answered long before this append was asked for.
    fn keeps_up(&self, scene: Scene<'_>, position: u64, safe: u64, asked: Moment) -> Result<(), Violation> {
        let Some(within) = self.safe_within else { return Ok(()) };
        let calm = scene.scenario().calm.map_or(Time::ZERO, |(calm, _)| Time::ZERO + calm);
        let due = |when: &Moment| when.at.max(calm) + within <= asked.at;
        let mut placed = self
            .placed
            .iter()
            .filter_map(|(place, value)| Some((*place, self.appends[value].acknowledged?.1)));
        let Some((place, when)) = placed.rfind(|(_, when)| due(when)) else { return Ok(()) };
        if safe >= place {
            return Ok(());
        }
        let sentence = format!(
            "{} answered an append at position {position}, and said that the appends up to {safe} are safe. But it had answered the append at \
             {place} at {}, and for {} nothing was lost and nothing was late. `safe` must have reached {place} within 10 × `resend`.",
            scene.node(),
            when.at,
            Time::ZERO + (asked.at - when.at.max(calm)),
        );
        Err(scene
            .breaks("safe-lags", sentence)
            .because(when.id, format!("the append at {place} is answered")))
    }

    /// A list that was seen agrees with the others of its key: one of two is the beginning of the other, and positions grow along it.
    fn in_one_order(
        &mut self,
        scene: Scene<'_>,
        what: &str,
        key: &Key,
        values: &[Value],
    ) -> Result<(), Violation> {
        let now = Moment::from(scene.seen);
        let answer = format!("{} answered {what}: {key} is {}", now.node, show(values));
        let mut seen = BTreeSet::new();
        for value in values {
            if self.appends.get(value).is_none_or(|append| append.key != *key) {
                let sentence = format!("{answer}. No client has asked to append {value} to {key}.");
                return Err(scene.breaks("never-asked", sentence));
            }
            if !seen.insert(*value) {
                let sentence = format!(
                    "{answer}, with {value} twice. However often an append is tried, it takes effect once."
                );
                return Err(scene.breaks("twice", sentence));
            }
        }
        let mut last: Option<(u64, Value)> = None;
        for value in values {
            let Some((position, _)) = self.appends[value].acknowledged else { continue };
            if let Some((before, first)) = last
                && before > position
            {
                let sentence = format!(
                    "{answer}. There {first} stands before {value}, but {first} was acknowledged at position {before}, and {value} at \
                     {position}."
                );
                return Err(scene.breaks("not-in-order", sentence));
            }
            last = Some((position, *value));
        }
        if let Some((longest, when)) = self.longest.get(key) {
            let common = longest.iter().zip(values).take_while(|(a, b)| a == b).count();
            if common < longest.len().min(values.len()) {
                let sentence = format!(
                    "{answer}. {} had answered at {} that it is {}. All copies get the appends in one order, so one of the two must be \
                     the beginning of the other.",
                    when.node,
                    when.at,
                    show(longest)
                );
                let why = format!("{} has another list", when.node);
                return Err(scene.breaks("two-orders", sentence).because(when.id, why));
            }
            if longest.len() >= values.len() {
                return Ok(());
            }
        }
        self.longest.insert(key.clone(), (values.to_vec(), now));
        Ok(())
    }

    /// A node has told what is on its disk.
    fn audit(
        &mut self,
        scene: Scene<'_>,
        asked: Moment,
        lists: &BTreeMap<Key, Vec<Value>>,
    ) -> Result<(), Violation> {
        let now = Moment::from(scene.seen);
        let node = now.node;
        for (key, values) in lists {
            self.in_one_order(scene, "an audit", key, values)?;
        }
        let has: BTreeSet<Value> = lists.values().flatten().copied().collect();
        let late = |when: &Moment| when.id < asked.id;
        let who = self.who(node);

        // what was durable here stays
        if let Some((before, when)) = self.audited.get(&node).filter(|(_, when)| late(when))
            && let Some(value) = before.values().flatten().find(|value| !has.contains(value))
        {
            let sentence = format!(
                "{node} answered an audit at {} with {value} on its disk, and another audit at {} without {value}. An audit shows what is \
                 durable, and that stays.",
                when.at, now.at
            );
            return Err(scene
                .breaks("not-durable", sentence)
                .because(when.id, format!("{value} is on the disk")));
        }
        // what an answer has promised
        let is_owed = self.is_sync() || self.is_primary(node);
        let mode = if self.is_sync() { "synchronous" } else { "asynchronous" };
        self.marks.mark_if(AUDITED, self.is_sync() && !self.is_primary(node) && !self.placed.is_empty());
        let acknowledged = || {
            self.placed
                .iter()
                .filter_map(|(place, value)| Some((*place, *value, self.appends[value].acknowledged?.1)))
        };
        for (_, value, when) in acknowledged().filter(|(_, value, when)| !has.contains(value) && late(when)) {
            self.marks.mark_if(BEHIND, !self.is_primary(node));
            if is_owed {
                let sentence = format!(
                    "{} acknowledged {value} at {}, in {mode} mode. But {who} did not have {value} on its disk at {}.",
                    when.node, when.at, asked.at
                );
                return Err(scene
                    .breaks("acknowledged-is-missing", sentence)
                    .because(when.id, format!("{value} is acknowledged")));
            }
        }
        for (place, value, _) in acknowledged().filter(|(_, value, _)| !has.contains(value)) {
            let claim = self.safe.iter().find(|(safe, when)| place <= *safe && late(when));
            if let Some((safe, when)) = claim {
                return Err(self.unsafe_on(scene, asked, *safe, *when, (place, value)));
            }
        }
        if let Some((value, when)) =
            self.shown.iter().find(|(value, when)| !has.contains(value) && late(when))
        {
            let sentence = format!(
                "{} showed {value} in a read at {}, in synchronous mode. But {who} did not have {value} on its disk at {}. A read must not \
                 show what a later primary could lack.",
                when.node, when.at, asked.at
            );
            return Err(scene
                .breaks("shown-is-missing", sentence)
                .because(when.id, format!("{value} is shown")));
        }
        // a state that the primary has been in
        let last = acknowledged().rfind(|(_, value, _)| has.contains(value));
        if let Some((place, value, _)) = last
            && let Some((gap, lacks, when)) =
                acknowledged().take_while(|(gap, ..)| *gap < place).find(|(_, value, _)| !has.contains(value))
        {
            let sentence = format!(
                "{node} answered an audit at {} with {value}, which is at position {place}, and without {lacks}, which is at {gap}. The primary \
                 has never been in such a state.",
                now.at
            );
            return Err(scene.breaks("gap", sentence).because(when.id, format!("{lacks} is at {gap}")));
        }
        for value in &has {
            let began = self.appends[value].asked;
            if let Some((_, lacks, when)) =
                acknowledged().find(|(_, other, when)| !has.contains(other) && when.id < began.id)
            {
                let sentence = format!(
                    "{node} answered an audit at {} with {value} and without {lacks}. {lacks} was acknowledged at {}, before any client asked \
                     for {value}, so the primary has never been in such a state.",
                    now.at, when.at
                );
                return Err(scene
                    .breaks("gap", sentence)
                    .because(when.id, format!("{lacks} is acknowledged"))
                    .because(began.id, format!("{value} is asked for")));
            }
        }
        // all that there is, in the end
        if let Some(within) = self.catch_up {
            let calm = scene.scenario().calm.map_or(Time::ZERO, |(calm, _)| Time::ZERO + calm);
            let due = |when: &Moment| when.at.max(calm) + within <= asked.at;
            if let Some((_, value, when)) =
                acknowledged().find(|(_, value, when)| !has.contains(value) && due(when))
            {
                let sentence = format!(
                    "{node} still lacked {value} at {}, which {} had acknowledged at {}. Nothing was lost or late for 20 × `resend`. Every copy \
                     must have every append by then.",
                    asked.at, when.node, when.at
                );
                return Err(scene
                    .breaks("lags-behind", sentence)
                    .because(when.id, format!("{value} is acknowledged")));
            }
        }
        self.shown_by_audits.push((asked, has));
        self.audited.insert(node, (lists.clone(), now));
        Ok(())
    }

    /// An append is acknowledged at a position that was called safe before. Every audit since then must have shown it.
    fn was_safe(&self, scene: Scene<'_>, position: u64, value: Value) -> Result<(), Violation> {
        let Some((safe, when)) = self.safe.iter().find(|(safe, _)| position <= *safe) else { return Ok(()) };
        let lacked = |(asked, has): &&(Moment, BTreeSet<Value>)| when.id < asked.id && !has.contains(&value);
        match self.shown_by_audits.iter().find(lacked) {
            Some((asked, _)) => Err(self.unsafe_on(scene, *asked, *safe, *when, (position, value))),
            None => Ok(()),
        }
    }
    /// An append was not on a disk, although its position was called safe.
    fn unsafe_on(
        &self,
        scene: Scene<'_>,
        asked: Moment,
        safe: u64,
        when: Moment,
        (position, value): (u64, Value),
    ) -> Violation {
        let sentence = format!(
            "{} said at {} that the appends up to {safe} are safe, and {value} is at {position}. But {} did not have {value} on its disk at \
             {}.",
            when.node,
            when.at,
            self.who(asked.node),
            asked.at
        );
        scene
            .breaks("safe-is-missing", sentence)
            .because(when.id, format!("{safe} is called safe"))
            .because(asked.id, "the audit is asked")
    }

    /// An audit that a node has not answered, although it is up and needs nobody else.
    fn overdue(&self, now: Time) -> Result<(), Violation> {
        let Some(asked) = self.audits.values().find(|asked| now > asked.at + AUDIT_WITHIN) else {
            return Ok(());
        };
        let sentence = format!(
            "{} was asked for an audit at {}, and has not answered it by {now}. It must answer with what is on its own disk, without asking \
             other nodes.",
            asked.node, asked.at
        );
        Err(Violation::never("answers-audits", sentence).because(asked.id, "this audit gets no answer"))
    }
}
impl Rule<PrimaryBackup> for Copies {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<PrimaryBackup>) -> Result<(), Violation> {
        match saw {
            Saw::Asked { request, what, .. } => self.asked(scene, *request, what),
            Saw::Told { request, what } => self.answered(scene, *request, what)?,
            Saw::Crashed => {
                let node = scene.node();
                let open = self.appends.values_mut().filter(|append| append.acknowledged.is_none());
                open.for_each(|append| append.crashed = true);
                self.audits.retain(|_, asked| asked.node != node);
                self.requests.retain(|_, (_, asked)| asked.node != node);
            }
            _ => {}
        }
        self.overdue(scene.at())
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        let is_over = world.end() == Some(&End::Idle);
        self.overdue(if is_over { Time::NEVER } else { world.now() })?;
        self.marks.0.iter().for_each(|mark| reached.mark(mark));
        Ok(())
    }
}

/// Operations get an answer that says something: an append is acknowledged, a read is answered with a list, and so on.
pub(super) struct Served {
    /// Within this time of the request, or of the calm: `20 × resend`. None: nothing is due.
    within: Option<(Duration, &'static str)>,
    counts: Counts,
    open: BTreeMap<(ClientId, OperationId), (Moment, Option<Request>)>,
    requests: BTreeMap<RequestId, (ClientId, OperationId)>,
    left: Option<usize>,
}
/// Which operations a run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counts {
    All,
    /// The others cannot be answered any more.
    Audits,
}
impl Served {
    /// Every operation is answered within this time, which is so many pauses in words.
    pub(super) fn within(within: Duration, words: &'static str) -> Served {
        Served { within: Some((within, words)), ..Served::at_some_time(Counts::All) }
    }
    /// Nothing is due. The run is over when these operations are answered.
    pub(super) fn at_some_time(counts: Counts) -> Served {
        let (open, requests) = (BTreeMap::new(), BTreeMap::new());
        Served { within: None, counts, open, requests, left: None }
    }
    fn late(&self, world: &World, now: Time, is_over: bool) -> Result<(), Violation> {
        let Some((within, words)) = self.within else { return Ok(()) };
        let calm = world.scenario().calm.map_or(Time::ZERO, |(calm, _)| Time::ZERO + calm);
        let late = |(asked, _): &&(Moment, Option<Request>)| is_over || now > asked.at.max(calm) + within;
        let Some((asked, what)) = self.open.values().find(late) else { return Ok(()) };
        let what = match what {
            Some(what) => format!("`{what:?}`"),
            None => "something".to_owned(),
        };
        let since = match calm > asked.at {
            true => format!("the end of the last fault at {calm}"),
            false => "the request".to_owned(),
        };
        let sentence = format!(
            "A client asked {} for {what} at {}. It has no answer by {now}, but it must have one within {words} of {since}.",
            asked.node, asked.at
        );
        Err(Violation::never("answers-its-client", sentence).because(asked.id, "this client gets no answer"))
    }
}
impl Rule<PrimaryBackup> for Served {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<PrimaryBackup>) -> Result<(), Violation> {
        let counts = self.counts;
        let left = self.left.get_or_insert_with(|| {
            let clients = scene.scenario().clients.iter();
            let counted =
                clients.filter(|client| counts == Counts::All || client.id.0 >= super::worlds::AUDITORS);
            counted.map(|client| client.operations.len()).sum()
        });
        if let Seen::Invoked { client, operation } = &scene.seen.seen {
            let now = Moment::from(scene.seen);
            self.open.insert((*client, *operation), (now, None));
        }
        match saw {
            Saw::Asked { request, operation: Some(operation), what } => {
                self.requests.insert(*request, *operation);
                if let Some((_, said)) = self.open.get_mut(operation) {
                    *said = Some(what.clone());
                }
            }
            Saw::Told { request, what } => {
                let is_answer =
                    matches!(what, Response::Appended { .. } | Response::Values(_) | Response::Audit(_));
                if is_answer
                    && let Some(operation) = self.requests.get(request)
                    && self.open.remove(operation).is_some()
                    && (counts == Counts::All || matches!(what, Response::Audit(_)))
                {
                    *left = left.saturating_sub(1);
                }
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
