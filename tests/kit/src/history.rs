//! From what clients asked and heard to a history, and from the history to a verdict.
//!
//! What is careful about it:
//!
//! - An operation whose outcome a client does not know stays *open*: it may take effect at any later moment, or never. That is so for
//!   one that was never answered, for one that was answered "unknown", and for one that was refused after an earlier try of it had gone
//!   unanswered: a refusal is about its own try alone. Only an operation all of whose tries were refused has not happened.
//! - Events of one instant are concurrent: ties of virtual time convict nobody.
//! - The budget is counted, never timed, so a verdict is the same everywhere. A history that the budget does not decide is
//!   [undecided](Judged::Undecided), which is no pass.
//! - Suites write unique values, so that a read tells which write it saw.

use crate::{Rule, Saw, Scene};
use consistency::{Budget, Causality, Guarantee, History, Model, OpId, Process, Verdict};
use judge::{Reached, Violation};
use lab::{Contract, NodeId, RequestId, Wire};
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use world::{Bytes, Cause, ClientId, Observation, ObservationId, OperationId, Seen, Time, World};

/// What an answer says of its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<R> {
    /// It has taken effect, and this came back.
    Done(R),
    /// It has not taken effect and never will: not for this try.
    Not,
    /// It has taken effect, or will, or never does.
    Maybe,
}

/// An operation of a client.
type Name = (ClientId, OperationId);
/// What an answer to a request means; `None`: it is no answer to that.
type Means<C, M> =
    fn(&<C as Contract>::Request, &<C as Contract>::Response) -> Option<Outcome<<M as Model>::Return>>;

/// Records the operations of clients that ask nodes of a contract.
///
/// `call` says what a request asks of the model, `None` where it is nothing that the model knows. `means` says what an answer to it tells.
pub fn record<C: Contract, M: Model>(
    model: M,
    call: fn(&C::Request) -> Option<M::Call>,
    means: Means<C, M>,
) -> Record<C, M> {
    Record {
        model,
        call,
        means,
        session: |client| client.0,
        auditors: None,
        operations: Vec::new(),
        places: BTreeMap::new(),
        tries: BTreeMap::new(),
        of: PhantomData,
    }
}

/// The operations of a world so far.
pub struct Record<C: Contract, M: Model> {
    model: M,
    call: fn(&C::Request) -> Option<M::Call>,
    means: Means<C, M>,
    session: fn(ClientId) -> u32,
    auditors: Option<ClientId>,
    operations: Vec<Recorded<M>>,
    places: BTreeMap<Name, usize>,
    tries: BTreeMap<RequestId, Name>,
    of: PhantomData<fn() -> C>,
}
/// One operation.
struct Recorded<M: Model> {
    client: ClientId,
    call: M::Call,
    /// The node that was asked first, and, once there is an answer, the node that gave it.
    node: NodeId,
    asked: (ObservationId, Time),
    /// Where it first reached a node.
    handed: Option<ObservationId>,
    /// Tries that reached a node and that nobody has refused.
    open: BTreeSet<RequestId>,
    answer: Option<Answered<M>>,
    /// Its client waits no longer.
    is_over: bool,
}
struct Answered<M: Model> {
    /// The reply.
    id: ObservationId,
    at: Time,
    says: Outcome<M::Return>,
}

/// What is known of an operation.
#[derive(Debug)]
pub struct Known<'a, M: Model> {
    /// Who asked.
    pub client: ClientId,
    /// The node that was asked first, and, once there is an answer, the node that gave it.
    pub node: NodeId,
    /// What was asked.
    pub call: &'a M::Call,
    /// When.
    pub asked: (ObservationId, Time),
    /// A node was handed the request.
    pub reached: bool,
    /// The reply, when it was heard, and what came back, if it is known what did.
    pub answered: Option<(ObservationId, Time, &'a M::Return)>,
}

/// What came of judging a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// The promise holds.
    Kept,
    /// It is broken.
    Broken(Violation),
    /// Nothing was found out, and why.
    Undecided(String),
}

impl Judged {
    /// The verdict of a world's oracle, when the world has ended.
    ///
    /// # Errors
    /// The violation, if the promise is broken.
    pub fn verdict(self, reached: &mut Reached) -> Result<(), Violation> {
        match self {
            Judged::Kept => Ok(()),
            Judged::Broken(violation) => Err(violation),
            Judged::Undecided(why) => {
                reached.undecided(why);
                Ok(())
            }
        }
    }
}

/// Steps and bytes for one world: many times what a history of some hundred operations takes.
const BUDGET: Budget = Budget { steps: 2_000_000, bytes: 64 << 20 };

impl<C: Contract, M: Model> Record<C, M> {
    /// Operations of clients that this function maps to one number are one session: their order counts where sessions do. Without
    /// it, every client is a session.
    #[must_use]
    pub fn session_by(self, session: fn(ClientId) -> u32) -> Self {
        Record { session, ..self }
    }
    /// Clients from this one on ask when all has settled: what [`convergent`](Record::convergent) compares is what they read.
    #[must_use]
    pub fn auditors(self, from: ClientId) -> Self {
        Record { auditors: Some(from), ..self }
    }

    /// Takes note of what clients do.
    ///
    /// # Errors
    /// The violation, where an answer is none to what was asked.
    pub fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        match &seen.seen {
            Seen::Invoked { client, operation } => self.invoked(world, seen, (*client, *operation)),
            Seen::Requested { request, operation: Some(name), .. } => {
                if let Some(operation) = self.operation(*name) {
                    operation.open.insert(*request);
                    operation.handed.get_or_insert(seen.id);
                    self.tries.insert(*request, *name);
                }
            }
            Seen::Replied { request, bytes, heard: true, .. } => {
                return self.replied(world, seen, *request, bytes);
            }
            Seen::Returned { client, operation, bytes } => {
                return self.returned(world, seen, (*client, *operation), bytes);
            }
            Seen::GaveUp { client, operation } => {
                if let Some(operation) = self.operation((*client, *operation)) {
                    operation.is_over = true;
                }
            }
            _ => {}
        }
        Ok(())
    }
    /// The operations so far, in the order in which they were asked for.
    pub fn operations(&self) -> impl Iterator<Item = Known<'_, M>> {
        self.operations.iter().map(|operation| Known {
            client: operation.client,
            node: operation.node,
            call: &operation.call,
            asked: operation.asked,
            reached: !operation.open.is_empty() || operation.answer.is_some(),
            answered: operation.answer.as_ref().and_then(|answer| match &answer.says {
                Outcome::Done(says) => Some((answer.id, answer.at, says)),
                Outcome::Not | Outcome::Maybe => None,
            }),
        })
    }
    /// Whether every client has asked for everything and waits for nothing.
    pub fn is_over(&self, world: &World) -> bool {
        let all: usize = world.scenario().clients.iter().map(|client| client.operations.len()).sum();
        self.operations.len() == all && self.operations.iter().all(|operation| operation.is_over)
    }
    fn operation(&mut self, name: Name) -> Option<&mut Recorded<M>> {
        self.places.get(&name).map(|&place| &mut self.operations[place])
    }
    fn invoked(&mut self, world: &World, seen: &Observation, name: Name) {
        let Some(request) = request::<C>(world, name) else { return };
        if let Some(call) = (self.call)(&request) {
            self.places.insert(name, self.operations.len());
            self.operations.push(Recorded {
                client: name.0,
                call,
                node: seen.node,
                asked: (seen.id, seen.at),
                handed: None,
                open: BTreeSet::new(),
                answer: None,
                is_over: false,
            });
        }
    }
    /// A try was answered: where that is a refusal, this try has not taken effect.
    fn replied(
        &mut self,
        world: &World,
        seen: &Observation,
        request: RequestId,
        bytes: &Bytes,
    ) -> Result<(), Violation> {
        let Some(name) = self.tries.get(&request).copied() else { return Ok(()) };
        if self.says(world, seen, name, bytes)? == Outcome::Not
            && let Some(operation) = self.operation(name)
        {
            operation.open.remove(&request);
        }
        Ok(())
    }
    fn returned(
        &mut self,
        world: &World,
        seen: &Observation,
        name: Name,
        bytes: &Bytes,
    ) -> Result<(), Violation> {
        if !self.places.contains_key(&name) {
            return Ok(());
        }
        let says = self.says(world, seen, name, bytes)?;
        let id = match seen.cause {
            Cause::Observation(reply) => reply,
            Cause::Scenario => seen.id,
        };
        if let Some(operation) = self.operation(name) {
            let is_refused = says == Outcome::Not;
            let says = if is_refused && !operation.open.is_empty() { Outcome::Maybe } else { says };
            operation.node = seen.node;
            operation.answer = Some(Answered { id, at: seen.at, says });
            operation.is_over = true;
        }
        Ok(())
    }
    /// What an answer tells.
    fn says(
        &self,
        world: &World,
        seen: &Observation,
        name: Name,
        bytes: &Bytes,
    ) -> Result<Outcome<M::Return>, Violation> {
        let request = request::<C>(world, name);
        let response = lab::frame::decode::<C::Response>(bytes);
        let (Some(request), Some(response)) = (request, response) else {
            let sentence = format!(
                "{} answered its client with something that is not a response of this exercise.",
                seen.node
            );
            return Err(Violation::at(seen, "no-such-answer", sentence));
        };
        (self.means)(&request, &response).ok_or_else(|| {
            let sentence =
                format!("{} answered {request:?} with {response:?}, which is no answer to that.", seen.node);
            Violation::at(seen, "no-such-answer", sentence)
        })
    }

    /// Whether every operation takes effect at one moment between its request and its answer (Herlihy and Wing 1990).
    pub fn linearizable(&self) -> Judged {
        self.judged("linearizable", |history| consistency::linearizable(history, &BUDGET))
    }
    /// Whether one order of all operations explains all answers, that of each session kept (Lamport 1979).
    pub fn sequential(&self) -> Judged {
        self.judged("sequentially-consistent", |history| consistency::sequential(history, &BUDGET))
    }
    /// Whether nobody sees an effect without its cause (Bouajjani et al. 2017).
    pub fn causal(&self, meaning: Causality) -> Judged {
        self.judged("causal", |history| consistency::causal(history, meaning, &BUDGET))
    }
    /// Whether every session gets a guarantee (Terry et al. 1994).
    pub fn session(&self, guarantee: Guarantee) -> Judged {
        self.judged("session", |history| consistency::session(history, guarantee, &BUDGET))
    }
    /// Whether a read returns the last finished write, or one that was under way (Lamport 1986).
    pub fn regular(&self) -> Judged {
        self.judged("regular", consistency::regular)
    }
    /// Whether all [auditors](Record::auditors) read the same.
    pub fn convergent(&self) -> Judged {
        self.judged("convergent", consistency::convergent)
    }

    fn judged(&self, rule: &'static str, judge: impl Fn(&History<M>) -> Verdict) -> Judged {
        let Written { history, operations } = self.history();
        match judge(&history) {
            Verdict::Ok => Judged::Kept,
            Verdict::Undecided { why } => Judged::Undecided(why.to_string()),
            Verdict::Violation(violation) => {
                Judged::Broken(self.told(rule, &history, &operations, &violation))
            }
        }
    }

    /// The history, and for each of its operations which of `self.operations` it is.
    fn history(&self) -> Written<M> {
        let mut sessions: BTreeMap<Process, Vec<usize>> = BTreeMap::new();
        let mut timed = Vec::new();
        for (place, operation) in self.operations.iter().enumerate() {
            let returned = match &operation.answer {
                Some(Answered { says: Outcome::Not, .. }) => continue,
                Some(Answered { at, says: Outcome::Done(answer), .. }) => Some((at.0, answer.clone())),
                Some(Answered { says: Outcome::Maybe, .. }) | None => None,
            };
            let process = Process((self.session)(operation.client));
            sessions.entry(process).or_default().push(place);
            let call = operation.call.clone();
            let invoked_at = operation.asked.1.0;
            timed.push(consistency::history::Timed { process, invoked_at, call, returned });
        }
        let mut history = History::from_timed(self.model.clone(), timed).expect("answers follow questions");
        for (&process, places) in &sessions {
            history.name(process, self.name(places));
        }
        // operations of one session stand in the order in which they were recorded
        let mut sessions: BTreeMap<Process, _> =
            sessions.into_iter().map(|(process, places)| (process, places.into_iter())).collect();
        let operations: Vec<usize> = history
            .operations()
            .iter()
            .filter_map(|operation| sessions.get_mut(&operation.process)?.next())
            .collect();
        if let Some(auditors) = self.auditors {
            let first = operations.iter().position(|&place| self.operations[place].client >= auditors);
            if let Some((id, _)) = first.and_then(|first| history.iter().nth(first)) {
                history.settle_before(id);
            }
        }
        Written { history, operations }
    }
    /// What to call a session: by its node, where it has one to itself.
    fn name(&self, places: &[usize]) -> String {
        let first = &self.operations[places[0]];
        let of_node = |operation: &&Recorded<M>| operation.node == first.node;
        let is_sticky = places.iter().all(|&place| self.operations[place].node == first.node);
        let is_alone = self.operations.iter().filter(of_node).all(|other| other.client == first.client);
        match (is_sticky, is_alone) {
            (true, true) => format!("the client of {}", first.node),
            (true, false) => format!("client {} of {}", first.client.0, first.node),
            (false, _) => format!("client {}", first.client.0),
        }
    }

    fn told(
        &self,
        rule: &'static str,
        history: &History<M>,
        operations: &[usize],
        found: &consistency::Violation,
    ) -> Violation {
        let recorded = |id: OpId| &self.operations[operations[id.index()]];
        let who = |id: OpId| history.who(history[id].process);
        let when = |id: OpId| {
            let Recorded { node, asked: (_, asked), answer, .. } = recorded(id);
            match answer {
                Some(answer) if history[id].returned_at.is_some() => {
                    format!("{node}, {asked} to {}", answer.at)
                }
                _ => format!("{node}, asked at {asked}, outcome unknown"),
            }
        };
        let lines: Vec<String> =
            found.core.iter().map(|&id| format!("{} {} ({})", who(id), history.did(id), when(id))).collect();
        let sentence = format!(
            "{}. The operations that contradict each other: {}.",
            capital(&found.sentence),
            lines.join("; ")
        );
        let answer = |id: OpId| {
            let answer = recorded(id).answer.as_ref().filter(|_| history[id].returned_at.is_some());
            answer.map(|answer| answer.id)
        };
        let request = |id: OpId| recorded(id).handed.unwrap_or(recorded(id).asked.0);
        // what is answered later than the guilty answer is no part of how that came about: its request is
        let shows = answer(found.guilty).unwrap_or_else(|| request(found.guilty));
        let mark = |id: OpId| match answer(id).filter(|answer| *answer <= shows) {
            Some(answer) => (answer, format!("{} {}", who(id), history.did(id))),
            None => (request(id), format!("{} {}", who(id), history.asked(id))),
        };
        let violation = Violation::of(shows, rule, sentence);
        found
            .core
            .iter()
            .map(|&id| mark(id))
            .fold(violation, |violation, (id, label)| violation.because(id, label))
    }
}
/// A record as a rule among others: see [`Record::must_be`].
pub struct Consistent<C: Contract, M: Model> {
    record: Record<C, M>,
    judge: fn(&Record<C, M>) -> Judged,
}
impl<C: Contract, M: Model> Record<C, M> {
    /// The rule that the history of a run is what this function says: `record(…).must_be(Record::linearizable)`.
    pub fn must_be(self, judge: fn(&Record<C, M>) -> Judged) -> Consistent<C, M> {
        Consistent { record: self, judge }
    }
}
impl<C: Contract, M: Model, W: Wire> Rule<C, W> for Consistent<C, M> {
    fn see(&mut self, scene: Scene<'_>, _: &Saw<C, W>) -> Result<(), Violation> {
        self.record.see(scene.world, scene.seen)
    }
    fn end(&mut self, _: &World, reached: &mut Reached) -> Result<(), Violation> {
        (self.judge)(&self.record).verdict(reached)
    }
}

struct Written<M: Model> {
    history: History<M>,
    operations: Vec<usize>,
}

/// What a client asks with an operation.
fn request<C: Contract>(world: &World, (client, operation): Name) -> Option<C::Request> {
    let client = world.scenario().clients.iter().find(|asks| asks.id == client)?;
    let operation = client.operations.iter().find(|asked| asked.id == operation)?;
    lab::frame::decode(&operation.request)
}
fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ms;
    use consistency::models::register::{Call, Register, Return};
    use lab::prelude::*;
    use lab::{Contract, Role};
    use std::sync::Arc;
    use std::time::Duration;
    use world::{Client, Local, Matcher, NodeSpec, Operation, Scenario, Seed};

    /// A node that gives one answer after the other, whatever it is asked.
    struct Scripted(std::vec::IntoIter<Option<Said>>);
    enum Counter {}
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    enum Asked {
        Read,
        Write(u64),
    }
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    enum Said {
        Value(Option<u64>),
        Written,
        Refused,
        Unknown,
    }
    use Asked::{Read, Write};
    use Said::{Refused, Unknown, Value, Written};
    impl Contract for Counter {
        const ROLE: &'static str = "scripted";
        type Config = Vec<Option<Said>>;
        type Request = Asked;
        type Response = Said;
        type Event = Nothing;
        type Status = ();
        type Call = Nothing;
        type Answer = Nothing;
    }
    impl Node for Scripted {
        type Contract = Counter;
        type Message = Nothing;
        type Timer = Nothing;
        fn start(boot: Boot<Self>, _: &mut Out<Self>) -> Self {
            Scripted(boot.config.into_iter())
        }
        fn on_request(&mut self, id: RequestId, _: Asked, out: &mut Out<Self>) {
            self.0.next().flatten().into_iter().for_each(|said| out.reply(id, said));
        }
    }

    type Kept = Record<Counter, Register<(), u64>>;
    fn recorded() -> Kept {
        record(
            Register::default(),
            |asked| {
                Some(match *asked {
                    Read => Call::Read(()),
                    Write(value) => Call::Write((), value),
                })
            },
            |asked, said| match (asked, said) {
                (_, Refused) => Some(Outcome::Not),
                (_, Unknown) => Some(Outcome::Maybe),
                (Read, Value(value)) => Some(Outcome::Done(Return::Read(*value))),
                (Write(_), Written) => Some(Outcome::Done(Return::Written)),
                _ => None,
            },
        )
    }
    /// Of each node: when its client asks what, and what the node answers to each try. Operations have two tries, of 10 ms each.
    type Play = [(Vec<(u64, Asked)>, Vec<Option<Said>>)];
    fn watch(play: &Play) -> Result<Kept, Violation> {
        let mut scenario = Scenario::new(Vec::new(), ms(500));
        for (id, (asked, said)) in (1..).zip(play) {
            let node = NodeId(id);
            scenario.nodes.push(NodeSpec::puppet::<Counter>(node, said, Role::node::<Scripted>));
            let operations = (1..)
                .zip(asked)
                .map(|(nth, (at, asked))| Operation::at::<Counter>(nth, ms(*at), node, asked));
            scenario.clients.push(Client {
                timeout: Some(ms(10)),
                attempts: 2,
                think: Duration::from_millis(1),
                accepts: Some(Matcher::typed(|said: &Said| *said != Refused)),
                ..Client::new(id, operations.collect())
            });
        }
        let (mut record, mut broken) = (recorded(), None);
        let world = World::new(Arc::new(scenario), Seed([1, 2]));
        Local::new([]).drive_until(world, |world, seen| {
            broken = record.see(world, seen).err();
            broken.is_none()
        });
        broken.map_or(Ok(record), Err)
    }
    fn judged(play: &Play) -> Judged {
        watch(play).expect("answers").linearizable()
    }
    fn sentence(judged: Judged) -> String {
        match judged {
            Judged::Broken(violation) => violation.sentence,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_write_that_was_never_answered_may_have_happened() {
        let seen = [(vec![(5, Write(7))], vec![]), (vec![(60, Read)], vec![Some(Value(Some(7)))])];
        assert_eq!(judged(&seen), Judged::Kept);
        let not_seen = [(vec![(5, Write(7))], vec![]), (vec![(60, Read)], vec![Some(Value(None))])];
        assert_eq!(judged(&not_seen), Judged::Kept);
    }

    #[test]
    fn a_refusal_is_about_its_own_try() {
        let after_silence = [
            (vec![(5, Write(7))], vec![None, Some(Refused)]),
            (vec![(60, Read)], vec![Some(Value(Some(7)))]),
        ];
        assert_eq!(judged(&after_silence), Judged::Kept);
        let refused_twice = [
            (vec![(5, Write(7))], vec![Some(Refused), Some(Refused)]),
            (vec![(60, Read)], vec![Some(Value(Some(7)))]),
        ];
        assert!(
            sentence(judged(&refused_twice))
                .starts_with("The client of n2 read 7, and nothing ever wrote 7.")
        );
        let unknown =
            [(vec![(5, Write(7))], vec![Some(Unknown)]), (vec![(60, Read)], vec![Some(Value(Some(7)))])];
        assert_eq!(judged(&unknown), Judged::Kept);
    }

    #[test]
    fn events_of_one_instant_are_concurrent() {
        let reads = |second: u64| {
            [(vec![(5, Write(7))], vec![Some(Written)]), (vec![(second, Read)], vec![Some(Value(None))])]
        };
        assert_eq!(judged(&reads(5)), Judged::Kept);
        assert!(matches!(judged(&reads(6)), Judged::Broken(_)));
    }

    #[test]
    fn what_contradicts_each_other_is_named_and_marked() {
        let inverted = [
            (vec![(5, Write(7))], vec![]),
            (vec![(6, Read)], vec![Some(Value(Some(7)))]),
            (vec![(8, Read)], vec![Some(Value(None))]),
        ];
        let Judged::Broken(violation) = judged(&inverted) else { panic!("they are") };
        assert_eq!(
            violation.sentence,
            "The client of n3 read nothing after the client of n2 had read 7. The operations that contradict each other: the \
             client of n1 asked to write 7 (n1, asked at 5 ms, outcome unknown); the client of n2 read 7 (n2, 6 ms to 6 ms); the \
             client of n3 read nothing (n3, 8 ms to 8 ms)."
        );
        let marks: Vec<&str> = violation.because.iter().map(|(_, what)| what.as_str()).collect();
        let all =
            ["the client of n1 asked to write 7", "the client of n2 read 7", "the client of n3 read nothing"];
        assert_eq!(marks, all);
        assert_eq!((violation.rule, violation.at), ("linearizable", Some(violation.because[2].0)));
        // a regular register may do that
        assert_eq!(watch(&inverted).expect("answers").regular(), Judged::Kept);
    }

    #[test]
    fn an_answer_to_another_question_is_a_violation() {
        let broken = watch(&[(vec![(5, Write(7))], vec![Some(Value(Some(7)))])]).err().expect("it is none");
        assert_eq!(broken.sentence, "n1 answered Write(7) with Value(Some(7)), which is no answer to that.");
    }

    #[test]
    fn auditors_are_compared() {
        let judged = |second| {
            let seen = [
                (vec![(5, Write(7))], vec![Some(Written)]),
                (vec![(100, Read)], vec![Some(Value(Some(7)))]),
                (vec![(100, Read)], vec![Some(Value(second))]),
            ];
            let record = watch(&seen).expect("answers");
            // nobody was named an auditor yet: nothing is said to have settled
            assert!(matches!(record.convergent(), Judged::Undecided(_)));
            record.auditors(ClientId(2)).convergent()
        };
        assert_eq!(judged(Some(7)), Judged::Kept);
        assert!(sentence(judged(None)).starts_with("The client of n3 read nothing after all had settled"));
    }
}
