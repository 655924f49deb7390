//! `fallacies`: how a run is judged. Every check judges by all of these rules; what a check adds is its runs.

use super::backend::{Plan, Serving, value};
use super::wire::{Field, Letter};
use judge::{Reached, Violation};
use kit::goals::is_due;
use kit::{Rule, Saw, Scene, ms};
use lab::fallacies::{Backends, Config, Frame, Gateway, Get, Got, Key, Secret};
use lab::{Contract, NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{
    Cause, ClientId, LossReason, Observation, ObservationId, OperationId, Scenario, Seen, Time, World,
};

pub(super) const GATEWAY: NodeId = NodeId(1);

pub(super) const COMPLETE: &str = "a client got all values";
pub(super) const LOST: &str = "a frame of an open request was lost, and the client got all values";
pub(super) const PASSED_OVER: &str = "a backend did not answer in time, and the client got all values";
pub(super) const HONEST: &str = "an answer had some values and missed others";
pub(super) const LONG: &str = "an answer took longer than patience";
pub(super) const FORGED: &str = "a false answer arrived for an ask whose true answer came later";
pub(super) const ILLEGAL: &str = "a frame that was signed and not legal arrived for an open ask";
pub(super) const BOTH_ORDERS: &str = "legal frames of both byte orders arrived";
pub(super) const REFUSED: &str = "a backend refused, and the client got all values";
pub(super) const VERSIONS: &str = "a backend did not speak the version of an ask";
pub(super) const AFTERWARDS: &str = "a client that asked after the change got all values";

/// An answer may be so much late.
const LATE: Duration = ms(20);

/// What a run is judged by beside its recipe.
#[derive(Debug, Clone, Default)]
pub(super) struct Promised {
    /// These are answered with all values.
    pub(super) complete: BTreeSet<(ClientId, OperationId)>,
    /// When the world changes; see [`AFTERWARDS`].
    pub(super) change: Duration,
    /// The run is clean, and so the bytes and the calls are counted.
    pub(super) is_counted: bool,
}

/// All that clients, the gateway and the backends have done.
pub(super) struct Journal {
    /// The gateway, as people read of it.
    me: String,
    config: Config,
    drift_ppm: i64,
    promised: Promised,
    /// Every secret that a backend ever has.
    secrets: BTreeMap<NodeId, Vec<Secret>>,
    open: BTreeMap<RequestId, Open>,
    asks: BTreeMap<(NodeId, u64), Ask>,
    /// When the gateway last heard something true of a backend that works for it.
    heard: BTreeMap<NodeId, Time>,
    listed: Option<(Backends, Time)>,
    /// What is sent, and is longer than a link carries.
    too_big: Vec<(Time, usize, ObservationId)>,
    /// The last frame that arrived under a wrong code, and when.
    forged: Option<(Time, ObservationId)>,
    sent: BTreeMap<ObservationId, usize>,
    orders: BTreeSet<bool>,
    counts: Counts,
    reached: Reached,
}
struct Open {
    operation: (ClientId, OperationId),
    since: Time,
    seen: ObservationId,
    get: Get,
    keys: BTreeSet<Key>,
    /// What has wholly arrived, and when.
    arrived: BTreeMap<Key, Time>,
    lost: bool,
    refused: bool,
    /// How often each backend has refused to send each value.
    refusals: BTreeMap<(NodeId, Key), u32>,
}
struct Ask {
    sent: Time,
    seen: ObservationId,
    keys: BTreeSet<Key>,
    /// The one request that can be meant.
    by: Option<RequestId>,
    version: u8,
    parts: BTreeMap<Key, Cover>,
    first: Option<Time>,
    forged: bool,
    waits: bool,
    /// The gateway may have given it up.
    given_up: bool,
}
/// Which bytes of a value have arrived.
#[derive(Default)]
struct Cover {
    spans: Vec<(u32, u32)>,
}
impl Cover {
    fn add(&mut self, offset: u32, length: usize) {
        self.spans.push((offset, offset + length as u32));
        self.spans.sort_unstable();
    }
    fn is_whole(&self, total: u32) -> bool {
        let mut end = 0;
        for (from, to) in &self.spans {
            if *from > end {
                return false;
            }
            end = end.max(*to);
        }
        end >= total
    }
}
/// What a clean run costs.
#[derive(Debug, Default)]
struct Counts {
    asks: u64,
    ask_bytes: u64,
    answer_bytes: u64,
    calls: u64,
    needed: u64,
    backends: u64,
}

impl Journal {
    pub(super) fn new(scenario: &Scenario, promised: Promised) -> Journal {
        let gateway = scenario.nodes.iter().find(|node| node.id == GATEWAY);
        let backends = scenario.nodes.iter().filter(|node| node.role == Serving::ROLE);
        let secrets = backends.filter_map(|node| {
            let plan: Plan = lab::frame::decode(&node.config)?;
            Some((node.id, plan.secrets.iter().map(|(_, secret)| *secret).collect()))
        });
        let secrets: BTreeMap<NodeId, Vec<Secret>> = secrets.collect();
        let backends = secrets.len() as u64;
        Journal {
            me: scenario.name_of(GATEWAY),
            config: gateway.and_then(|node| lab::frame::decode(&node.config)).unwrap_or_default(),
            drift_ppm: gateway.map_or(0, |node| node.clock.drift_ppm),
            promised,
            secrets,
            open: BTreeMap::new(),
            asks: BTreeMap::new(),
            heard: BTreeMap::new(),
            listed: None,
            too_big: Vec::new(),
            forged: None,
            sent: BTreeMap::new(),
            orders: BTreeSet::new(),
            counts: Counts { backends, ..Counts::default() },
            reached: Reached::default(),
        }
    }
    /// How long this is on the gateway's stopwatch.
    fn own(&self, time: Duration) -> Duration {
        let ns = time.as_nanos() as i128;
        Duration::from_nanos((ns + ns * i128::from(self.drift_ppm) / 1_000_000) as u64)
    }
    fn read(&self, backend: NodeId, frame: &Frame) -> Option<Letter> {
        let secrets = self.secrets.get(&backend)?;
        secrets.iter().find_map(|secret| Letter::read(frame, secret, self.config.value_max))
    }
    /// Whether it says that it is the answer to an ask, whether its code is right or not.
    fn named(&self, backend: NodeId, frame: &Frame) -> Option<(NodeId, u64)> {
        let bytes: [u8; 8] = frame.0.get(3..11)?.try_into().ok()?;
        let ids = [u64::from_be_bytes(bytes), u64::from_le_bytes(bytes)];
        ids.into_iter().map(|id| (backend, id)).find(|name| self.asks.contains_key(name))
    }

    fn asked(&mut self, seen: &Observation, id: RequestId, operation: (ClientId, OperationId), get: Get) {
        let keys: BTreeSet<Key> = get.keys.iter().copied().collect();
        self.counts.needed += needed(&keys, &self.config);
        let open = Open {
            operation,
            since: seen.at,
            seen: seen.id,
            get,
            keys,
            arrived: BTreeMap::new(),
            lost: false,
            refused: false,
            refusals: BTreeMap::new(),
        };
        self.open.insert(id, open);
    }

    /// The gateway sends a frame.
    fn sends(&mut self, seen: &Observation, to: NodeId, frame: &Frame) -> Result<(), Violation> {
        self.sent.insert(seen.id, frame.0.len());
        self.counts.asks += 1;
        self.counts.ask_bytes += frame.0.len() as u64;
        self.within_budget(seen)?;
        let Some(letter) = self.read(to, frame).filter(|letter| letter.kind == b'A') else { return Ok(()) };
        if letter.make.version == 2 {
            self.says_what_is_left(seen, to, &letter)?;
        }
        let keys: BTreeSet<Key> = letter.keys().into_iter().collect();
        if let Some(before) = self.asks.get(&(to, letter.id)).filter(|before| before.keys != keys) {
            let sentence = format!(
                "{} asked {to} for {} and gave this ask the id {}, which its ask at {} for other keys has. No two asks have one id.",
                self.me,
                few(&keys),
                letter.id,
                before.sent
            );
            return Err(
                Violation::at(seen, "id-again", sentence).because(before.seen, "the first ask with this id")
            );
        }
        // its silence may end this one together with those before, in this very moment
        let given_up = self.notes_silence(to, seen.at);
        let mut wants = self.open.iter().filter(|(_, open)| !open.keys.is_disjoint(&keys)).map(|(id, _)| *id);
        let by = wants.next().filter(|_| wants.next().is_none());
        if let Some(open) = by.and_then(|by| self.open.get(&by)) {
            self.lets_a_refusal_stand(seen, to, &keys, open)?;
        }
        let version = letter.make.version;
        let ask = Ask {
            sent: seen.at,
            seen: seen.id,
            keys,
            by,
            version,
            parts: BTreeMap::new(),
            first: None,
            forged: false,
            waits: true,
            given_up,
        };
        // who asks again need not listen to those that were asked before
        let before = self
            .asks
            .values_mut()
            .filter(|before| before.by == ask.by && !before.keys.is_disjoint(&ask.keys));
        before.for_each(|before| before.given_up = true);
        self.asks.insert((to, letter.id), ask);
        Ok(())
    }
    /// A backend that refuses is not asked again and again.
    fn lets_a_refusal_stand(
        &self,
        seen: &Observation,
        to: NodeId,
        keys: &BTreeSet<Key>,
        open: &Open,
    ) -> Result<(), Violation> {
        let refused = keys.iter().filter_map(|key| Some((*open.refusals.get(&(to, *key))?, key))).max();
        let waited = self.own(seen.at - open.since);
        let most = 6 + 2 * waited.as_nanos() / self.config.patience.as_nanos().max(1);
        let Some((times, key)) = refused.filter(|(times, _)| u128::from(*times) >= most) else {
            return Ok(());
        };
        let sentence = format!(
            "{} asked {to} for {key} {} times in the {waited:?} since a client asked, and {to} had refused each time. By then, at most \
             {most} asks are allowed: 6 + 2 × waited / patience, and patience is {:?}.",
            self.me,
            times + 1,
            self.config.patience
        );
        Err(self.breaks(seen, open, "few-asks", sentence))
    }
    fn says_what_is_left(&self, seen: &Observation, to: NodeId, letter: &Letter) -> Result<(), Violation> {
        let left = |open: &Open| open.get.within.saturating_sub(self.own(seen.at - open.since));
        let Some(most) = self.open.values().map(left).max() else { return Ok(()) };
        let keys = letter.keys();
        let wants = |open: &&Open| keys.iter().any(|key| open.keys.contains(key));
        let least = self.open.values().filter(wants).map(left).min().unwrap_or_default();
        let said = Duration::from_millis(letter.left.into());
        let (is_too_much, is_none) = (said > most + LATE, letter.left == 0 && least >= LATE);
        if !is_too_much && !is_none {
            return Ok(());
        }
        let most = if is_none { least } else { most };
        let sentence = format!(
            "{} told {to} in its ask that {said:?} are left, but its client waits for {:?} more. An ask of version 2 says how long the client still waits.",
            self.me,
            Duration::from_millis(most.as_millis() as u64)
        );
        Err(Violation::at(seen, "time-left", sentence))
    }

    /// If a backend had work and was silent for `patience`, the gateway may have given all its asks up, or be about to.
    fn notes_silence(&mut self, backend: NodeId, now: Time) -> bool {
        let asks = (backend, 0)..=(backend, u64::MAX);
        let at_work = self.asks.range(asks.clone()).filter(|(_, ask)| ask.waits && !ask.given_up);
        let Some(first) = at_work.map(|(_, ask)| ask.sent).min() else { return false };
        let since = self.heard.get(&backend).map_or(first, |heard| first.max(*heard));
        let patience = self.config.patience - self.config.patience / 20;
        let was_silent = now - since > patience;
        if was_silent {
            self.asks.range_mut(asks).for_each(|(_, ask)| ask.given_up = true);
        }
        was_silent
    }
    /// The gateway is handed a frame.
    fn hears(&mut self, seen: &Observation, from: NodeId, frame: &Frame) {
        let name = self.named(from, frame);
        // the gateway knows the secrets that the directory has told it last
        let newest =
            self.listed.as_ref().and_then(|(list, _)| list.0.iter().find(|backend| backend.node == from));
        let letter = newest.and_then(|backend| Letter::read(frame, &backend.secret, self.config.value_max));
        let Some(letter) = letter else {
            if let Some(ask) = name.and_then(|name| self.asks.get_mut(&name)) {
                ask.forged |= ask.waits;
                let secrets = self.secrets.get(&from).into_iter().flatten();
                let signed = |secret: &Secret| {
                    let (body, code) = frame.0.split_last_chunk::<8>()?;
                    (lab::mac(&secret.0, body).to_be_bytes() == *code).then_some(())
                };
                let is_signed = secrets.into_iter().any(|secret| signed(secret).is_some());
                if !is_signed {
                    self.forged = Some((seen.at, seen.id));
                }
                self.reached.mark_if(ILLEGAL, is_signed && ask.waits);
            }
            return;
        };
        self.orders.insert(letter.make.little);
        self.reached.mark_if(BOTH_ORDERS, self.orders.len() == 2);
        self.notes_silence(from, seen.at);
        let listed = self.listed.as_ref().map(|(_, at)| *at);
        // a gateway may have given its asks up: the backend refused, or the list is another one
        for (_, ask) in self.asks.range_mut((from, 0)..=(from, u64::MAX)) {
            ask.given_up |= letter.kind == b'N' || listed.is_some_and(|at| at > ask.sent);
        }
        let Some(ask) = self.asks.get_mut(&(from, letter.id)) else { return };
        self.reached.mark_if(LONG, seen.at - ask.sent > self.config.patience && ask.waits);
        match letter.kind {
            b'V' => {
                self.reached.mark_if(FORGED, ask.forged);
                ask.first.get_or_insert(seen.at);
                if ask.given_up {
                    return;
                }
                // what comes for a client that was answered need not count as a sign of life
                if ask.waits && ask.by.is_some_and(|by| self.open.contains_key(&by)) {
                    self.heard.insert(from, seen.at);
                }
                let mut open = ask.by.and_then(|by| self.open.get_mut(&by));
                for field in letter.fields {
                    let Field::Part { key, offset, total, bytes } = field else { continue };
                    if !ask.keys.contains(&key) {
                        continue;
                    }
                    let cover = ask.parts.entry(key).or_default();
                    cover.add(offset, bytes.len());
                    let open = open.as_deref_mut().filter(|open| open.keys.contains(&key));
                    if let Some(open) = open.filter(|_| cover.is_whole(total)) {
                        open.arrived.entry(key).or_insert(seen.at);
                    }
                }
                let is_whole =
                    |key: &Key| ask.parts.get(key).is_some_and(|cover| cover.is_whole(key / 1_000));
                ask.waits = !ask.keys.iter().all(is_whole);
            }
            b'N' => {
                let speaks = letter
                    .fields
                    .iter()
                    .any(|field| matches!(field, Field::Speaks(version) if *version != ask.version));
                self.reached.mark_if(VERSIONS, speaks);
                if let Some(open) = ask.by.and_then(|by| self.open.get_mut(&by)) {
                    open.refused |= !speaks;
                    if !speaks && ask.first.is_none() {
                        for key in &ask.keys {
                            *open.refusals.entry((from, *key)).or_default() += 1;
                        }
                    }
                }
                ask.first.get_or_insert(seen.at);
                ask.waits = false;
            }
            _ => {}
        }
    }

    fn answers(&mut self, seen: &Observation, id: RequestId, got: &Got) -> Result<(), Violation> {
        let Some(open) = self.open.remove(&id) else { return Ok(()) };
        self.is_right(seen, &open, got)?;
        let took = self.own(seen.at - open.since);
        let within = open.get.within;
        if took > within + LATE {
            return Err(self.breaks(
                seen,
                &open,
                "answers-late",
                format!("{} answered {took:?} after it was asked. The client waits for {within:?}.", self.me),
            ));
        }
        let all_there = open.keys.iter().map(|key| open.arrived.get(key)).collect::<Option<Vec<_>>>();
        if let Some(last) =
            all_there.and_then(|times| times.into_iter().max()).filter(|last| seen.at - **last > LATE)
        {
            return Err(self.breaks(seen, &open, "answers-at-once", format!(
                "{} had all values at {last} and answered at {}. It must answer at once when it has them.", self.me, seen.at
            )));
        }
        if open.keys.is_empty() && took > LATE {
            return Err(self.breaks(
                seen,
                &open,
                "answers-at-once",
                format!("{} answered a request for no keys after {took:?}. It must answer at once.", self.me),
            ));
        }
        let early = |key: &&Key| open.arrived.get(key).is_some_and(|at| seen.at - *at >= ms(5));
        if let Some(key) = got.missing.iter().find(early) {
            return Err(self.breaks(
                seen,
                &open,
                "arrived-and-missing",
                format!(
                    "{} answered that {key} is missing, but the whole value had arrived at {}.",
                    self.me, open.arrived[key]
                ),
            ));
        }
        if got.missing.is_empty() {
            self.reached.mark(COMPLETE);
            self.reached.mark_if(LOST, open.lost);
            self.reached.mark_if(REFUSED, open.refused);
            self.reached.mark_if(AFTERWARDS, open.since > Time::ZERO + self.promised.change);
            let passed_over = |ask: &Ask| {
                ask.first.is_none()
                    && ask.sent >= open.since
                    && ask.keys.iter().any(|key| open.keys.contains(key))
            };
            self.reached.mark_if(PASSED_OVER, self.asks.values().any(passed_over));
            return Ok(());
        }
        self.reached.mark_if(HONEST, !got.values.is_empty());
        if took + ms(1) < within {
            return Err(self.lacks(seen, &open, got, "gives-up", format!(
                "{} answered {took:?} after it was asked, with {} of {} values. The client waits for {within:?}.{}",
                self.me, got.values.len(), open.keys.len(), self.what_it_did(&open, got)
            )));
        }
        if self.promised.complete.contains(&open.operation) {
            let answer = format!(
                "{} answered with {} of {} values when the client's {within:?} were over.{}",
                self.me,
                got.values.len(),
                open.keys.len(),
                self.what_it_did(&open, got)
            );
            return Err(self.lacks(seen, &open, got, "incomplete", answer));
        }
        Ok(())
    }
    fn breaks(&self, seen: &Observation, open: &Open, rule: &'static str, sentence: String) -> Violation {
        Violation::at(seen, rule, sentence).because(open.seen, "the client asks")
    }
    /// The same, of an answer that misses values: with the last ask for them.
    fn lacks(
        &self,
        seen: &Observation,
        open: &Open,
        got: &Got,
        rule: &'static str,
        sentence: String,
    ) -> Violation {
        let violation = self.breaks(seen, open, rule, sentence);
        if let Some((.., lost)) = self.too_big.iter().find(|(at, ..)| *at >= open.since) {
            return violation.because(*lost, "longer than a link carries");
        }
        let asks = self.asks.values();
        let asks = asks.filter(|ask| ask.sent >= open.since && !ask.keys.is_disjoint(&got.missing));
        match asks.max_by_key(|ask| ask.sent) {
            Some(ask) => violation.because(ask.seen, "the last ask for what is missing"),
            None => violation,
        }
    }
    /// What the gateway did for what is missing.
    fn what_it_did(&self, open: &Open, got: &Got) -> String {
        let too_big = self.too_big.iter().find(|(at, ..)| *at >= open.since);
        if let Some((at, bytes, _)) = too_big {
            return format!(
                " At {at} it sent a frame of {bytes} bytes, which was lost: links carry at most {}.",
                self.config.frame_max
            );
        }
        let mut asked: BTreeMap<NodeId, u32> = BTreeMap::new();
        let mut times: BTreeMap<Key, u32> = BTreeMap::new();
        for ((to, _), ask) in self.asks.iter().filter(|(_, ask)| ask.sent >= open.since) {
            let wanted: Vec<&Key> = ask.keys.intersection(&got.missing).collect();
            *asked.entry(*to).or_default() += u32::from(!wanted.is_empty());
            wanted.into_iter().for_each(|key| *times.entry(*key).or_default() += 1);
        }
        asked.retain(|_, times| *times > 0);
        let many = |times: u32| if times == 1 { "once".to_owned() } else { format!("{times} times") };
        let list: Vec<String> =
            asked.iter().map(|(node, times)| format!("{node} {}", many(*times))).collect();
        match (list.split_last(), times.values().max()) {
            (None, _) | (_, None) => {
                let list = match &self.listed {
                    None => "the directory's list has not reached it".to_owned(),
                    Some((list, at)) => format!("the directory's newest list, of {at}, names {list:?}"),
                };
                format!(" Since the request it has sent no legal ask for the missing keys; {list}.")
            }
            (Some((last, [])), _) => format!(" For the missing keys it asked {last}."),
            (Some((last, others)), _) => {
                format!(" For the missing keys it asked {} and {last}.", others.join(", "))
            }
        }
    }
    fn is_right(&self, seen: &Observation, open: &Open, got: &Got) -> Result<(), Violation> {
        let breaks = |rule, sentence: String| Err(self.breaks(seen, open, rule, sentence));
        if let Some((key, wrong)) = got.values.iter().find(|(key, bytes)| bytes.0 != value(**key)) {
            if !open.keys.contains(key) {
                return breaks(
                    "not-asked-for",
                    format!("{} answered with {key}, which the client did not ask for.", self.me),
                );
            }
            let right = lab::fallacies::Value(value(*key));
            let sentence = format!(
                "{} answered {key} with {wrong:?}. The value of {key} is {right:?}, and no legal frame of a backend said otherwise.",
                self.me
            );
            let violation = self.breaks(seen, open, "wrong-value", sentence);
            return Err(match self.forged.filter(|(at, _)| *at >= open.since) {
                Some((_, frame)) => violation.because(frame, "the code of this frame is wrong"),
                None => violation,
            });
        }
        let answered = got.values.keys().chain(&got.missing);
        if let Some(key) = answered.clone().find(|key| !open.keys.contains(key)) {
            return breaks(
                "not-asked-for",
                format!("{} answered with {key}, which the client did not ask for.", self.me),
            );
        }
        if let Some(key) = got.missing.iter().find(|key| got.values.contains_key(key)) {
            return breaks(
                "value-and-missing",
                format!("{} answered with the value of {key}, and that {key} is missing.", self.me),
            );
        }
        let all: BTreeSet<Key> = answered.copied().collect();
        if let Some(key) = open.keys.iter().find(|key| !all.contains(key)) {
            return breaks(
                "left-out",
                format!(
                    "{} left {key} out of its answer: it is neither among the values nor among the missing keys.",
                    self.me
                ),
            );
        }
        Ok(())
    }

    /// Every request is answered, whatever happens.
    fn none_waits(&self, now: Time) -> Result<(), Violation> {
        let late = |open: &&Open| self.own(now - open.since) > open.get.within + LATE + ms(1);
        self.open.values().find(late).map_or(Ok(()), |open| Err(self.unanswered(open, now)))
    }
    fn unanswered(&self, open: &Open, now: Time) -> Violation {
        let sentence = format!(
            "{} was asked at {} and has not answered by {now}. The client waits for {:?}, and then wants what has arrived.",
            self.me, open.since, open.get.within
        );
        Violation::never("answers-its-client", sentence).because(open.seen, "this client gets no answer")
    }

    fn within_budget(&self, seen: &Observation) -> Result<(), Violation> {
        let Counts { asks, ask_bytes, answer_bytes, calls, needed, backends } = self.counts;
        if !self.promised.is_counted {
            return Ok(());
        }
        let bytes_max = needed * 14 / 10 + 200 * backends;
        let bytes = ask_bytes + answer_bytes;
        if bytes > bytes_max {
            let sentence = format!(
                "{} and its backends have sent each other {bytes} bytes by {}: {asks} asks with {ask_bytes} bytes, and answers with \
                 {answer_bytes} bytes. At most {bytes_max} are allowed, 1.4 times what one ask for all keys and its answer take, and 200 for each backend.",
                self.me, seen.at
            );
            return Err(Violation::at(seen, "few-bytes", sentence));
        }
        let since = seen.at - Time::ZERO;
        // the period that has begun counts
        let calls_max = since.as_nanos() as u64 / self.config.refresh.as_nanos().max(1) as u64 + 3;
        if calls > calls_max {
            let sentence = format!(
                "{} has called the directory {calls} times by {}. At most {calls_max} calls are allowed: one in each {:?}, and two more.",
                self.me, seen.at, self.config.refresh
            );
            return Err(Violation::at(seen, "few-calls", sentence));
        }
        Ok(())
    }
}
/// Some of these keys: `20001`; `20001 and 7 more keys`.
fn few(keys: &BTreeSet<Key>) -> String {
    match (keys.first(), keys.len()) {
        (None, _) => "no keys".to_owned(),
        (Some(key), 1) => key.to_string(),
        (Some(key), many) => format!("{key} and {} more keys", many - 1),
    }
}
/// The bytes of one ask for all these keys, and of its answer.
fn needed(keys: &BTreeSet<Key>, config: &Config) -> u64 {
    let around = 19;
    let ask = around + 7 * keys.len() as u64;
    let values: u64 = keys.iter().map(|key| 15 + u64::from(key / 1_000)).sum();
    let room = u64::from(config.frame_max) - around;
    ask + values + around * values.div_ceil(room)
}

impl Rule<Gateway, Frame> for Journal {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Gateway, Frame>) -> Result<(), Violation> {
        let seen = scene.seen;
        self.none_waits(seen.at)?;
        let is_gateway = scene.node() == GATEWAY;
        match (saw, &seen.seen) {
            (Saw::Asked { request, operation: Some(operation), what }, _) if is_gateway => {
                self.asked(seen, *request, *operation, what.clone());
            }
            (Saw::Told { request, what }, _) if is_gateway => self.answers(seen, *request, what)?,
            (Saw::Sent { to, message: Some(frame), .. }, _) if is_gateway => self.sends(seen, *to, frame)?,
            (Saw::Sent { to: GATEWAY, message: Some(frame), .. }, _) => {
                self.sent.insert(seen.id, frame.0.len());
                self.counts.answer_bytes += frame.0.len() as u64;
                self.within_budget(seen)?;
            }
            (Saw::Got { from, message: Some(frame) }, _) if is_gateway => self.hears(seen, *from, frame),
            (Saw::Called { .. }, _) if is_gateway => {
                self.counts.calls += 1;
                self.within_budget(seen)?;
            }
            (Saw::Answered { what, .. }, _)
                if is_gateway && self.listed.as_ref().is_none_or(|(list, _)| list != what) =>
            {
                self.listed = Some((what.clone(), seen.at));
            }
            (_, Seen::Lost { reason }) => {
                let sent = match seen.cause {
                    Cause::Observation(sent) => Some(sent),
                    Cause::Scenario => None,
                };
                let bytes = sent.and_then(|sent| self.sent.get(&sent).copied());
                if let (LossReason::TooBig, Some(sent), Some(bytes)) = (reason, sent, bytes) {
                    self.too_big.push((seen.at, bytes, sent));
                }
                if bytes.is_some() {
                    self.open.values_mut().for_each(|open| open.lost = true);
                }
            }
            _ => {}
        }
        Ok(())
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        let waits = |open: &&Open| is_due(world, open.since, open.get.within * 2 + LATE);
        if let Some(open) = self.open.values().find(waits) {
            return Err(self.unanswered(open, world.now()));
        }
        reached.clone_from(&self.reached);
        Ok(())
    }
}
