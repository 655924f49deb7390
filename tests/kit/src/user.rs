//! A client that decides as it goes: what it asks next depends on what it has heard. It asks over the network, so its requests and
//! the answers to them may be late, lost and doubled, unlike those of a [`world::Client`].
//!
//! A user is a node of the suite's own that *calls* the node it asks: the call arrives there as a request, and the reply comes
//! back as an answer.

use lab::Contract;
use lab::prelude::*;
use std::marker::PhantomData;
use world::NodeSpec;

/// What a user decides. It asks one thing at a time; several users ask at once.
pub trait User: Sized + 'static {
    /// The name of this kind of user, unique over all suites.
    const NAME: &'static str;
    /// Whom it asks.
    type Of: Contract;
    /// What it is told when it begins.
    type Plan: Wire + Clone;
    /// One that has asked nothing yet.
    fn begin(plan: Self::Plan) -> Self;
    /// What it does after this.
    fn next(
        &mut self,
        heard: Heard<<Self::Of as Contract>::Response>,
    ) -> Act<<Self::Of as Contract>::Request>;
}
/// What a user has heard when it decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard<R> {
    /// Nothing: it begins, or has waited as long as it wanted to.
    Nothing,
    /// The answer to what it asked last.
    Answer(R),
    /// No answer as long as it was ready to wait. What it asked may have been done or not.
    Silence,
}
/// What a user does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act<Q> {
    /// It asks, and waits for the answer for so long.
    Ask(Q, Duration),
    /// It waits for so long.
    Wait(Duration),
    /// It has nothing more to ask, and emits [`Over`].
    Stop,
}
/// A user has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Over;

/// The user as a node that is nobody's peer, and that asks `whom`.
pub fn user<U: User>(id: NodeId, whom: NodeId, plan: &U::Plan) -> NodeSpec {
    let spec = NodeSpec::service::<Using<U>>(id, plan, lab::Role::node::<Asking<U>>);
    NodeSpec { calls_to: Some(whom), ..spec }
}

/// The contract of a user.
pub struct Using<U>(PhantomData<U>);
impl<U: User> Contract for Using<U> {
    const ROLE: &'static str = U::NAME;
    type Config = U::Plan;
    type Request = Nothing;
    type Response = Nothing;
    type Event = Over;
    type Status = ();
    type Call = <U::Of as Contract>::Request;
    type Answer = <U::Of as Contract>::Response;
}

struct Asking<U> {
    user: U,
    /// What it waits for the answer of.
    asked: Option<CallId>,
}
impl<U: User> Asking<U> {
    fn go_on(&mut self, heard: Heard<<U::Of as Contract>::Response>, out: &mut Out<Self>) {
        self.asked = None;
        match self.user.next(heard) {
            Act::Ask(request, patience) => {
                self.asked = Some(out.call(request));
                out.set_timer(patience, ());
            }
            Act::Wait(time) => out.set_timer(time, ()),
            Act::Stop => {
                out.cancel_timer(());
                out.emit(Over);
            }
        }
    }
}
impl<U: User> Node for Asking<U> {
    type Contract = Using<U>;
    type Message = Nothing;
    type Timer = ();

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let mut asking = Asking { user: U::begin(boot.config), asked: None };
        asking.go_on(Heard::Nothing, out);
        asking
    }
    fn on_answer(&mut self, call: CallId, answer: <U::Of as Contract>::Response, out: &mut Out<Self>) {
        // an answer to an earlier call, or a second one, is no news
        if self.asked == Some(call) {
            self.go_on(Heard::Answer(answer), out);
        }
    }
    fn on_timer(&mut self, (): (), out: &mut Out<Self>) {
        let heard = if self.asked.is_some() { Heard::Silence } else { Heard::Nothing };
        self.go_on(heard, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::{Manner, Serving, serve};
    use crate::{ms, secs};
    use lab::Service;
    use world::{Fault, Harm, Local, Scenario, Seed, Trace, Until, When};

    /// Gives each caller the number after the one that it shows.
    struct Tickets;
    impl Service for Tickets {
        const NAME: &'static str = "tickets";
        type Config = ();
        type Call = u32;
        type Answer = u32;
        fn open((): ()) -> Self {
            Tickets
        }
        fn handle(&mut self, _: Duration, _: NodeId, shown: &u32) -> u32 {
            shown + 1
        }
    }
    /// Shows each time the number that it was given, until it has the wanted one.
    struct Collector {
        wanted: u32,
        has: u32,
    }
    impl User for Collector {
        const NAME: &'static str = "collector";
        type Of = Serving<Tickets>;
        type Plan = u32;
        fn begin(wanted: u32) -> Self {
            Collector { wanted, has: 0 }
        }
        fn next(&mut self, heard: Heard<u32>) -> Act<u32> {
            if let Heard::Answer(ticket) = heard {
                self.has = ticket;
                return if ticket == self.wanted { Act::Stop } else { Act::Wait(ms(10)) };
            }
            Act::Ask(self.has, ms(20))
        }
    }

    fn collect(faults: Vec<Fault>) -> (Vec<u32>, usize) {
        let nodes = vec![
            serve::<Tickets>(NodeId(1), (), Manner::works(ms(5), ms(5))),
            user::<Collector>(NodeId(2), NodeId(1), &3),
        ];
        let mut scenario = Scenario::new(nodes, secs(1));
        scenario.faults = faults;
        let mut trace = Trace::default();
        Local::new([]).run(scenario.into(), Seed([1, 2]), |seen| trace.observations.push(seen.clone()));
        let given = trace.replies::<Serving<Tickets>>().map(|(_, _, ticket)| ticket).collect();
        let over = trace.emits::<Using<Collector>>().count();
        (given, over)
    }

    #[test]
    fn each_answer_goes_into_the_next_request() {
        assert_eq!(collect(vec![]), (vec![1, 2, 3], 1));
    }

    #[test]
    fn silence_is_heard_as_silence_and_the_same_is_asked_again() {
        let cut = Harm::Cut { from: vec![NodeId(1)], to: vec![NodeId(2)] };
        let faults = vec![Fault::new(When::At(ms(0)), cut, Until::After(ms(30)))];
        // two answers are lost
        assert_eq!(collect(faults), (vec![1, 1, 1, 2, 3], 1));
    }
}
