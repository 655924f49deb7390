//! `rpc`: what a caller said of its calls, beside what its servers did.
//!
//! Two calls may be equal, and then no client can tell whose answer is whose. So calls are judged in groups: a group is all calls of
//! one body to one server. Within a group, a rule is broken only if no assignment of what the server did to the calls keeps it.

use super::server::{Executed, Serving};
use judge::{Reached, Violation};
use kit::{Rule, Saw, Scene, Waits, ms};
use lab::rpc::{Caller, Message, Request, Response};
use lab::{NodeId, RequestId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use world::{ClientId, End, ObservationId, OperationId, Time, World};

pub(super) const COPIED: &str = "two copies of one call reached a server";
pub(super) const HALF_REFUSED: &str = "a copy was refused of an operation that another copy had executed";
pub(super) const FAILED: &str = "a call ended Failed";
pub(super) const STALE: &str = "an answer to a call arrived while a later call was open";
pub(super) const LATER_LIFE: &str = "a call was answered Ok after a crash of the caller";
pub(super) const EXPIRED: &str = "a call had no answer by its deadline";

/// How much later than its deadline a call may be answered, and how much earlier it may end Unknown.
pub(super) const GRACE: Duration = ms(10);

/// What is judged in a run besides what a caller must never say.
#[derive(Debug, Clone, Default)]
pub(super) struct Goals {
    /// These calls must end Ok, each so long after it was made, if the caller does not crash meanwhile.
    pub(super) due: BTreeMap<(ClientId, OperationId), Duration>,
    /// Since when servers execute what arrives and no message is lost, as far as these calls matter.
    pub(super) clean_from: Duration,
    /// Every call must be answered by its deadline.
    pub(super) deadlines: bool,
    /// What calls may cost.
    pub(super) frugal: Option<Frugal>,
}
/// What calls may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frugal {
    pub(super) resend: Duration,
    /// Calls are answered at once: each needs one copy.
    pub(super) clean: bool,
}

pub(super) struct Calls {
    me: NodeId,
    name: String,
    drift_ppm: i64,
    goals: Goals,
    life: u32,
    open: BTreeMap<RequestId, Open>,
    groups: BTreeMap<(NodeId, u64), Group>,
    /// The body of each id that was sent to a server, for the last time.
    bodies: BTreeMap<(NodeId, u64), u64>,
    /// What servers have executed, by server and answer.
    executed: BTreeMap<(NodeId, u64), Executed>,
    /// How many copies of an id have reached a server.
    heard: BTreeMap<(NodeId, u64), u32>,
    /// Of the calls that must end Ok: those that are not over; `None` before the run has begun, and where there are none.
    left: Option<BTreeSet<(ClientId, OperationId)>>,
    has_begun: bool,
    /// A call that ended Failed though the caller could not know that. What becomes of it tells more, if something does.
    doubt: Option<Violation>,
    answered: u64,
    reached: Reached,
}
/// A call that a client waits for.
#[derive(Clone)]
struct Open {
    server: NodeId,
    body: u64,
    within: Duration,
    at: Time,
    seen: ObservationId,
    /// It must end Ok by then.
    due: Option<Duration>,
    operation: Option<(ClientId, OperationId)>,
}
/// The calls of one body to one server.
#[derive(Default)]
struct Group {
    /// Calls that were made, over all lives of the caller.
    made: usize,
    made_in_this_life: usize,
    failed: usize,
    failed_in_this_life: usize,
    /// Calls that ended Unknown: the answer to one of them may still arrive.
    unknown_in_this_life: usize,
    last_failed: Option<(Time, ObservationId)>,
    executions: Vec<Execution>,
    /// By id: what was sent in this life.
    sent: BTreeMap<u64, Sent>,
    /// The numbers of all copies that were ever sent, by id.
    copies: BTreeSet<(u64, u32)>,
}
struct Execution {
    id: u64,
    answer: u64,
    at: Time,
    seen: ObservationId,
    /// Where a caller gave this answer to a client.
    given: Option<ObservationId>,
    /// Where the answer reached the caller in its present life.
    arrived: Option<(Time, ObservationId)>,
}
/// The copies of one id.
struct Sent {
    first: Time,
    copies: BTreeMap<u32, Copy>,
    done: bool,
}
#[derive(Clone, Copy)]
struct Copy {
    at: Time,
    seen: ObservationId,
    /// Where its refusal reached the caller.
    refused: Option<ObservationId>,
}
impl Sent {
    /// Whether a copy may still be executed, as far as the caller can know, or one was.
    fn may_take_effect(&self) -> bool {
        self.done || self.copies.values().any(|copy| copy.refused.is_none())
    }
    fn is_in_doubt(&self) -> bool {
        !self.done && self.may_take_effect()
    }
}

/// A length of time, to the microsecond.
fn short(time: Duration) -> String {
    (Time::ZERO + time).to_string()
}

impl Calls {
    pub(super) fn new(me: NodeId, drift_ppm: i64, goals: Goals) -> Calls {
        Calls {
            me,
            name: format!("{me} (caller)"),
            drift_ppm,
            goals,
            life: 0,
            open: BTreeMap::new(),
            groups: BTreeMap::new(),
            bodies: BTreeMap::new(),
            executed: BTreeMap::new(),
            heard: BTreeMap::new(),
            left: None,
            has_begun: false,
            doubt: None,
            answered: 0,
            reached: Reached::default(),
        }
    }
    fn group(&mut self, server: NodeId, body: u64) -> &mut Group {
        self.groups.entry((server, body)).or_default()
    }
    /// What the stopwatch of the caller counts in this time.
    fn on_stopwatch(&self, time: Duration) -> Duration {
        let ns = time.as_nanos() as i128 * (1_000_000 + i128::from(self.drift_ppm)) / 1_000_000;
        Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    fn sent(&mut self, scene: Scene<'_>, server: NodeId, message: &Message) -> Result<(), Violation> {
        let Message::Ask { id, copy, body } = *message else { return Ok(()) };
        let name = self.name.clone();
        self.bodies.insert((server, id), body);
        let open = self.open.values().filter(|call| call.server == server && call.body == body);
        let (mut waits, mut waited) = (false, Duration::ZERO);
        for call in open {
            waits = true;
            waited = waited.max(scene.at() - call.at);
        }
        let waited = self.on_stopwatch(waited);
        let frugal = self.goals.frugal;
        let group = self.group(server, body);
        let new = Copy { at: scene.at(), seen: scene.id(), refused: None };
        let sent =
            group.sent.entry(id).or_insert(Sent { first: scene.at(), copies: BTreeMap::new(), done: false });
        if !group.copies.insert((id, copy)) {
            let sentence = format!(
                "{name} sent {server} two copies of #{id} that both have the number {copy}. A refusal names a copy by its number, so each \
                 copy needs a number of its own."
            );
            let violation = scene.breaks("copy-number", sentence);
            return Err(match sent.copies.get(&copy) {
                Some(first) => violation.because(first.seen, format!("copy {copy} of #{id}")),
                None => violation,
            });
        }
        sent.copies.insert(copy, new);
        let Some(Frugal { resend, clean }) = frugal else { return Ok(()) };
        if !waits {
            let sentence = format!(
                "{name} asked {server} for {body} at {}, but no call of {body} to {server} was open. A call that is over needs no more \
                 copies.",
                scene.at()
            );
            return Err(scene.breaks("asks-for-nothing", sentence));
        }
        let copies: usize = group.sent.values().map(|sent| sent.copies.len()).sum();
        let pauses = u64::try_from(2 * waited.as_nanos() / resend.as_nanos().max(1)).unwrap_or(u64::MAX);
        let most = if clean { group.made_in_this_life as u64 } else { 1 + pauses };
        if copies as u64 > most {
            let why = if clean {
                "Each copy was answered at once, and none was lost.".to_owned()
            } else {
                format!(
                    "The call was made {waited} before, and `resend` is {resend:?}: then at most 1 + 2 × {waited} / {resend:?} are allowed.",
                    waited = short(waited)
                )
            };
            let sentence = format!(
                "{name} sent {server} {copies} copies of the call of {body}. At most {most} are needed. {why}"
            );
            return Err(scene.breaks("too-many-copies", sentence));
        }
        Ok(())
    }

    fn arrived(&mut self, scene: Scene<'_>, server: NodeId, message: &Message) {
        let (Message::Done { id, .. } | Message::Refused { id, .. }) = *message else { return };
        let Some(body) = self.bodies.get(&(server, id)).copied() else { return };
        let later = self.open.values().any(|call| {
            let sent = self.groups.get(&(server, body)).and_then(|group| group.sent.get(&id));
            sent.is_none_or(|sent| sent.first < call.at)
        });
        let group = self.group(server, body);
        match *message {
            Message::Done { answer, .. } => {
                if let Some(sent) = group.sent.get_mut(&id) {
                    sent.done = true;
                }
                let executions = group.executions.iter_mut();
                for execution in executions.filter(|it| it.id == id && it.answer == answer) {
                    execution.arrived.get_or_insert((scene.at(), scene.id()));
                }
                self.reached.mark_if(STALE, later);
            }
            Message::Refused { copy, .. } => {
                if let Some(copy) = group.sent.get_mut(&id).and_then(|sent| sent.copies.get_mut(&copy)) {
                    copy.refused.get_or_insert(scene.id());
                }
            }
            Message::Ask { .. } => {}
        }
    }

    /// A server has executed an operation.
    fn executed(&mut self, scene: Scene<'_>, done: Executed) -> Result<(), Violation> {
        let (server, Executed { id, body, answer, .. }) = (scene.node(), done);
        let name = self.name.clone();
        self.executed.insert((server, answer), done);
        let group = self.group(server, body);
        group.executions.push(Execution {
            id,
            answer,
            at: scene.at(),
            seen: scene.id(),
            given: None,
            arrived: None,
        });
        let (times, made) = (group.executions.len(), group.made);
        if times > made {
            let ids: Vec<String> = group.executions.iter().map(|done| format!("#{}", done.id)).collect();
            let asked = match made {
                0 => "no client had made such a call".to_owned(),
                1 => "clients had made one such call".to_owned(),
                made => format!("clients had made {made} such calls"),
            };
            let times = match times {
                1 => "once".to_owned(),
                2 => "twice".to_owned(),
                times => format!("{times} times"),
            };
            let sentence = format!(
                "{server} executed {body} {times} for {name}, as {}, but {asked}. A server recognises the copies of a call by their `id`.",
                ids.join(" and ")
            );
            let violation = scene.breaks("executed-twice", sentence);
            return Err(group.executions.iter().fold(violation, |violation, done| {
                violation.because(done.seen, format!("{server} executes {body}"))
            }));
        }
        if times + group.failed > made
            && let Some((said, reply)) = group.last_failed
        {
            let sentence = format!(
                "{name} answered Failed to the call of {body} to {server} at {said}, and {server} executed it at {}. A call has failed only if \
                 each of its copies was refused: a copy that is out may still arrive.",
                scene.at()
            );
            return Err(scene
                .breaks("failed-and-executed", sentence)
                .because(reply, "the client hears that nothing was executed"));
        }
        Ok(())
    }

    fn told(&mut self, scene: Scene<'_>, request: RequestId, response: Response) -> Result<(), Violation> {
        let Some(call) = self.open.remove(&request) else { return Ok(()) };
        self.answered += 1;
        let Open { server, body, at, .. } = call;
        let what = format!("the call of {body} to {server}");
        let verdict = match response {
            Response::Ok { answer } => self.told_ok(scene, &call, answer, &what),
            Response::Failed => self.told_failed(scene, &call, &what),
            Response::Unknown => self.told_unknown(scene, &call, &what),
        };
        verdict
            .map_err(|violation| violation.because(call.seen, format!("a client calls {server}: {body}")))?;
        let took = self.on_stopwatch(scene.at() - at);
        self.in_time(&call, took, Some(response)).map_or(Ok(()), |(rule, sentence)| {
            Err(scene.breaks(rule, sentence).because(call.seen, format!("a client calls {server}: {body}")))
        })?;
        if let (Some(left), Some(operation)) = (&mut self.left, call.operation) {
            left.remove(&operation);
        }
        Ok(())
    }
    fn told_ok(&mut self, scene: Scene<'_>, call: &Open, answer: u64, what: &str) -> Result<(), Violation> {
        let Open { server, body, at, .. } = *call;
        let name = &self.name;
        let says = format!("{name} answered Ok {{ answer: {answer} }} to {what}");
        let given = self.executed.iter().find(|((_, other), _)| *other == answer);
        let Some(((from, _), done)) = given else {
            let sentence = format!("{says}, but no server had given this answer.");
            return Err(scene.breaks("wrong-answer", sentence));
        };
        if (*from, done.body) != (server, body) {
            let sentence =
                format!("{says}, but {answer} is the answer of {from} to another call, of {}.", done.body);
            return Err(scene.breaks("wrong-answer", sentence));
        }
        let later = self.life > 0;
        let group = self.groups.entry((server, body)).or_default();
        let own = group.sent.get(&done.id).is_some_and(|sent| sent.first >= at);
        let execution = group.executions.iter_mut().find(|done| done.answer == answer);
        let execution = execution.expect("what was executed is known in its group");
        if let Some(earlier) = execution.given {
            let sentence = format!(
                "{says}, but it had given this answer to an equal call before. Two equal calls are two calls, and the server \
                 executes each of them."
            );
            return Err(scene
                .breaks("answer-used-twice", sentence)
                .because(earlier, "this call has the answer"));
        }
        if !own {
            let sentence = format!(
                "{says}, which a client made at {at}, but {answer} is the answer to an earlier call: its id #{} was sent before that. \
                 {server} executed it at {}.",
                execution.id, execution.at
            );
            let violation = scene.breaks("answer-of-old-call", sentence);
            return Err(violation.because(execution.seen, "an earlier call is executed"));
        }
        execution.given = Some(scene.id());
        self.reached.mark_if(LATER_LIFE, later);
        Ok(())
    }
    fn told_failed(&mut self, scene: Scene<'_>, call: &Open, what: &str) -> Result<(), Violation> {
        let Open { server, body, .. } = *call;
        let name = self.name.clone();
        let group = self.group(server, body);
        group.failed += 1;
        group.failed_in_this_life += 1;
        group.last_failed = Some((scene.at(), scene.id()));
        if let Some(done) = group.executions.last()
            && group.executions.len() + group.failed > group.made
        {
            let sentence = format!(
                "{name} answered Failed to {what} at {}, but {server} had executed it at {}. Failed claims that it never is.",
                scene.at(),
                done.at
            );
            let violation = scene.breaks("failed-and-executed", sentence);
            return Err(violation.because(done.seen, format!("{server} executes {body}")));
        }
        let others = group.made_in_this_life - group.failed_in_this_life;
        let in_doubt: Vec<&Sent> = group.sent.values().filter(|sent| sent.may_take_effect()).collect();
        let doubt = in_doubt.iter().flat_map(|sent| &sent.copies).find(|(_, copy)| copy.refused.is_none());
        if in_doubt.len() > others
            && let Some((number, copy)) = doubt
        {
            let sentence = format!(
                "{name} answered Failed to {what} at {}, but it could not know that: copy {number}, sent at {}, had not been refused.",
                scene.at(),
                copy.at
            );
            let violation = scene.breaks("failed-in-doubt", sentence);
            let violation = violation.because(copy.seen, "this copy may still be executed");
            self.doubt.get_or_insert(violation);
        }
        self.reached.mark(FAILED);
        Ok(())
    }
    fn told_unknown(&mut self, scene: Scene<'_>, call: &Open, what: &str) -> Result<(), Violation> {
        let Open { server, body, at, .. } = *call;
        let name = self.name.clone();
        let others = self.open.values().filter(|other| other.server == server && other.body == body).count();
        let took = self.on_stopwatch(scene.at() - at);
        let group = self.group(server, body);
        // an answer that has arrived may be that to another equal call, which is open or ended without it
        let others = others + group.unknown_in_this_life;
        group.unknown_in_this_life += 1;
        let is_own = |id: u64| group.sent.get(&id).is_some_and(|sent| sent.first >= at);
        let answers = group.executions.iter().filter(|done| done.given.is_none() && is_own(done.id));
        let arrived: Vec<_> = answers.filter_map(|done| Some((done.answer, done.arrived?))).collect();
        if let Some((answer, (time, id))) = arrived.first().filter(|_| arrived.len() > others) {
            let sentence = format!(
                "{name} answered Unknown to {what} at {}, but the answer {answer} had arrived at {time}. So the call had to end Ok.",
                scene.at()
            );
            return Err(scene.breaks("knew-the-answer", sentence).because(*id, "the answer arrives"));
        }
        if took + GRACE < call.within {
            let sentence = format!(
                "{name} answered Unknown to {what} after {}, but the call had {}. Its time was not over, and an answer could still arrive.",
                short(took),
                short(call.within)
            );
            return Err(scene.breaks("unknown-too-early", sentence));
        }
        // the ids of this call can only be among those that were sent since it was made
        let own: Vec<&Sent> = group.sent.values().filter(|sent| sent.first >= at).collect();
        if own.iter().any(|sent| sent.is_in_doubt()) {
            self.reached.mark(EXPIRED);
            return Ok(());
        }
        let copies: usize = own.iter().map(|sent| sent.copies.len()).sum();
        let (why, refused) = match copies {
            0 => ("it had not sent a single copy".to_owned(), None),
            1 => ("its only copy had been refused".to_owned(), own.first()),
            copies => (format!("each of its {copies} copies had been refused"), own.last()),
        };
        let sentence = format!(
            "{name} answered Unknown to {what} at {}, but {why}. So nothing can be executed any more, and the call had to end Failed.",
            scene.at()
        );
        let violation = scene.breaks("knew-that-it-failed", sentence);
        // the last refusals, for there may be many
        let refusals = refused.into_iter().flat_map(|sent| sent.copies.iter().rev().take(3));
        Err(refusals.fold(violation, |violation, (number, copy)| match copy.refused {
            Some(refusal) => violation.because(refusal, format!("copy {number} is refused")),
            None => violation,
        }))
    }

    /// What is wrong with the time that a call took, or has taken so far.
    fn in_time(
        &self,
        call: &Open,
        took: Duration,
        response: Option<Response>,
    ) -> Option<(&'static str, String)> {
        let Open { server, body, within, at, due, .. } = *call;
        let name = &self.name;
        let answered = match response {
            Some(response) => {
                format!(
                    "{name} answered {response:?} to the call of {body} to {server} after {}",
                    short(took)
                )
            }
            None => format!("{name} has not answered the call of {body} to {server}, which was made at {at}"),
        };
        if self.goals.deadlines && took > within + GRACE {
            let sentence = format!(
                "{answered}. The call had to be answered within {}, and {GRACE:?} more are allowed, by the stopwatch of {}.",
                short(within),
                self.me
            );
            return Some(("after-the-deadline", sentence));
        }
        let due = due?;
        let is_ok = matches!(response, Some(Response::Ok { .. }));
        if took <= due && (is_ok || response.is_none()) {
            return None;
        }
        let since = match self.goals.clean_from {
            Duration::ZERO => "In this run".to_owned(),
            clean => format!("From {} on", Time::ZERO + clean),
        };
        let sentence = format!(
            "{answered}. {since}, no message between {} and {server} was lost, and {server} answers every copy of it. So the call had to end Ok \
             within {}.",
            self.me,
            short(due)
        );
        Some((if is_ok || response.is_none() { "ok-too-late" } else { "not-ok" }, sentence))
    }
    fn late(&self, world: &World, now: Time) -> Result<(), Violation> {
        let over = world.end() == Some(&End::Idle);
        for call in self.open.values() {
            let took = if over { Duration::MAX } else { self.on_stopwatch(now - call.at) };
            if let Some((rule, sentence)) = self.in_time(call, took, None) {
                let what = format!("a client calls {}: {}", call.server, call.body);
                return Err(Violation::never(rule, sentence).because(call.seen, what));
            }
        }
        Ok(())
    }

    /// The caller crashes, and what it knew is gone.
    fn crashed(&mut self) {
        self.life += 1;
        let over = std::mem::take(&mut self.open);
        if let Some(left) = &mut self.left {
            over.values().filter_map(|call| call.operation).for_each(|operation| _ = left.remove(&operation));
        }
        for group in self.groups.values_mut() {
            group.sent.clear();
            group.made_in_this_life = 0;
            group.failed_in_this_life = 0;
            group.unknown_in_this_life = 0;
            group.executions.iter_mut().for_each(|done| done.arrived = None);
        }
    }
}

impl Rule<Caller, Message> for Calls {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Caller, Message>) -> Result<(), Violation> {
        let mine = scene.node() == self.me;
        if !std::mem::replace(&mut self.has_begun, true) {
            let clients = scene.scenario().clients.iter();
            let all = clients
                .flat_map(|client| client.operations.iter().map(|operation| (client.id, operation.id)));
            let due: BTreeSet<_> = all.filter(|operation| self.goals.due.contains_key(operation)).collect();
            self.left = Some(due).filter(|due| !due.is_empty());
        }
        match saw {
            Saw::Asked { request, operation, what: Request::Call { server, body, within } } if mine => {
                let due = operation.and_then(|operation| self.goals.due.get(&operation).copied());
                let call = Open {
                    server: *server,
                    body: *body,
                    within: *within,
                    at: scene.at(),
                    seen: scene.id(),
                    due,
                    operation: *operation,
                };
                self.open.insert(*request, call);
                let group = self.group(*server, *body);
                group.made += 1;
                group.made_in_this_life += 1;
            }
            Saw::Told { request, what } if mine => self.told(scene, *request, *what)?,
            Saw::Sent { to, message: Some(message), .. } if mine => self.sent(scene, *to, message)?,
            Saw::Got { from, message: Some(message) } if mine => self.arrived(scene, *from, message),
            Saw::Got { from, message: Some(Message::Ask { id, .. }) } if *from == self.me => {
                let heard = self.heard.entry((scene.node(), *id)).or_default();
                *heard += 1;
                self.reached.mark_if(COPIED, *heard > 1);
            }
            Saw::Crashed if mine => self.crashed(),
            _ => {
                if let Some(done) = scene.seen.emitted::<Serving>().filter(|_| !mine) {
                    let refused = self.groups.get(&(scene.node(), done.body));
                    let refused = refused.and_then(|group| group.sent.get(&done.id));
                    let half =
                        refused.is_some_and(|sent| sent.copies.values().any(|copy| copy.refused.is_some()));
                    self.reached.mark_if(HALF_REFUSED, half);
                    self.executed(scene, done)?;
                }
            }
        }
        self.late(scene.world, scene.at())
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        self.late(world, world.now())?;
        self.doubt.take().map_or(Ok(()), Err)?;
        reached.clone_from(&self.reached);
        reached.figure("calls answered", self.answered);
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
