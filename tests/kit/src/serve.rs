//! A service of the suite: a plain state machine behind a desk that is slow, refuses to work, and takes only so much at once.
//!
//! The state machine is the one of `lab` that students can own in their tests. A service is never crashed by a suite: an outage
//! is a time in which it refuses, or a network that lets nothing through.

use lab::prelude::*;
use lab::{Contract, Service};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use world::NodeSpec;

/// How a service treats its callers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manner {
    /// How long it works on a call, from..=to. It does what it was asked at the end of that time, and answers at once.
    pub works: (Duration, Duration),
    /// When it refuses to look at calls: times since the world began.
    pub refuses: Vec<Refuses>,
    /// How many calls it works on at the same time; it refuses the others. 0: any number.
    pub at_once: usize,
}
impl Manner {
    /// It works that long on every call, and refuses none.
    pub fn works(from: Duration, to: Duration) -> Manner {
        Manner { works: (from, to), refuses: Vec::new(), at_once: 0 }
    }
    /// The same, but it refuses all calls from one time to another.
    #[must_use]
    pub fn refusing(mut self, from: Duration, to: Duration) -> Manner {
        self.refuses.push(Refuses { from, to, percent: 100 });
        self
    }
}
/// A time in which a service refuses calls.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Refuses {
    /// From this time on.
    pub from: Duration,
    /// Until just before this time.
    pub to: Duration,
    /// So many calls in a hundred.
    pub percent: u32,
}

/// The service as a node that is nobody's peer. What calls it is named with `calls_to`.
pub fn serve<S: Service>(id: NodeId, config: S::Config, manner: Manner) -> NodeSpec {
    NodeSpec::service::<Serving<S>>(id, &(config, manner), lab::Role::node::<Desk<S>>)
}

/// The contract of a service that a suite plays.
pub struct Serving<S>(PhantomData<S>);
impl<S: Service> Contract for Serving<S> {
    const ROLE: &'static str = S::NAME;
    type Config = (S::Config, Manner);
    type Request = S::Call;
    type Response = S::Answer;
    type Event = Nothing;
    type Status = ();
    type Call = Nothing;
    type Answer = Nothing;
}

struct Desk<S: Service> {
    service: S,
    manner: Manner,
    opened: Instant,
    working: BTreeMap<RequestId, S::Call>,
}
impl<S: Service> Desk<S> {
    fn refuses(&self, out: &Out<Self>) -> bool {
        let now = out.now() - self.opened;
        let closed = |time: &&Refuses| time.from <= now && now < time.to;
        let full = self.manner.at_once > 0 && self.working.len() >= self.manner.at_once;
        full || self.manner.refuses.iter().find(closed).is_some_and(|time| out.random(0..100) < time.percent)
    }
}
impl<S: Service> Node for Desk<S> {
    type Contract = Serving<S>;
    type Message = Nothing;
    type Timer = RequestId;

    fn start(boot: Boot<Self>, out: &mut Out<Self>) -> Self {
        let (config, manner) = boot.config;
        Desk { service: S::open(config), manner, opened: out.now(), working: BTreeMap::new() }
    }
    fn on_request(&mut self, id: RequestId, call: S::Call, out: &mut Out<Self>) {
        if self.refuses(out) {
            return S::refusal().into_iter().for_each(|refusal| out.reply(id, refusal));
        }
        let (from, to) = self.manner.works;
        self.working.insert(id, call);
        out.set_timer(if from < to { out.random(from..to) } else { from }, id);
    }
    fn on_timer(&mut self, id: RequestId, out: &mut Out<Self>) {
        let Some(call) = self.working.remove(&id) else { return };
        // a client that asks the service itself, and no node, is nobody
        let from = world::caller(id).unwrap_or(NodeId(0));
        let answer = self.service.handle(out.now() - self.opened, from, &call);
        out.reply(id, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ms;
    use world::{Client, Local, Operation, Scenario, Seed, Trace};

    /// Answers with how many calls came before.
    struct Counter(u32);
    impl Service for Counter {
        const NAME: &'static str = "counter";
        type Config = u32;
        type Call = ();
        type Answer = u32;
        fn open(first: u32) -> Self {
            Counter(first)
        }
        fn handle(&mut self, _: Duration, _: NodeId, _: &()) -> u32 {
            self.0 += 1;
            self.0 - 1
        }
        fn refusal() -> Option<u32> {
            Some(u32::MAX)
        }
    }

    fn answers(manner: Manner, at: &[u64]) -> Vec<(Duration, u32)> {
        let mut scenario = Scenario::new(vec![serve::<Counter>(NodeId(1), 7, manner)], ms(1_000));
        let asks = (1..).zip(at).map(|(id, at)| {
            Client::new(id, vec![Operation::at::<Serving<Counter>>(1, ms(*at), NodeId(1), &())])
        });
        scenario.clients = asks.collect();
        let mut trace = Trace::default();
        Local::new([]).run(scenario.into(), Seed([1, 2]), |seen| trace.observations.push(seen.clone()));
        let replies = trace.replies::<Serving<Counter>>();
        replies.map(|(seen, _, answer)| (seen.at - world::Time::ZERO, answer)).collect()
    }

    #[test]
    fn a_call_is_worked_on_and_then_answered() {
        assert_eq!(answers(Manner::works(ms(5), ms(5)), &[10, 20]), [(ms(15), 7), (ms(25), 8)]);
    }

    #[test]
    fn a_service_that_refuses_answers_at_once_and_does_nothing() {
        let manner = Manner::works(ms(5), ms(5)).refusing(ms(10), ms(20));
        assert_eq!(answers(manner, &[10, 20]), [(ms(10), u32::MAX), (ms(25), 7)]);
    }

    #[test]
    fn a_service_refuses_what_it_has_no_place_for() {
        let manner = Manner { at_once: 1, ..Manner::works(ms(5), ms(5)) };
        assert_eq!(answers(manner, &[10, 12, 16]), [(ms(12), u32::MAX), (ms(15), 7), (ms(21), 8)]);
    }
}
