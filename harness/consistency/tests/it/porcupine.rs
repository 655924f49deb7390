//! Agreement with porcupine-rs on histories too large for brute force.

use std::time::Duration;

use consistency::{Budget, Verdict, linearizable};
use porcupine_rs::{CheckResult, check_operations_timeout};

use crate::linear::show;
use crate::play::{Cas, Counters, Play, Queues, Registers, Rng, Script, Sets, Strings, Values, play};

/// One of our models as one of theirs; what never returned returns at the end of time, with any answer.
#[derive(Clone, Debug)]
struct Theirs<M>(std::marker::PhantomData<M>);

/// A model that can be made from nothing, as theirs must be.
trait FromNothing: Play + Send + Sync {
    fn make() -> Self;
}

macro_rules! from_nothing {
    ($($model:ident),*) => {
        $(impl FromNothing for $model {
            fn make() -> Self {
                $model(Default::default(), Values::Unique)
            }
        })*
    };
}

from_nothing!(Registers, Cas, Strings, Sets, Counters, Queues);

impl<M: FromNothing> porcupine_rs::Model for Theirs<M>
where
    M::State: Send + Sync + std::fmt::Debug,
    M::Call: Send + Sync,
    M::Return: Send + Sync,
{
    type State = M::State;
    type Op = (M::Call, Option<M::Return>);
    type Metadata = ();

    fn init() -> M::State {
        M::make().init()
    }

    fn step(state: &M::State, op: &Self::Op) -> (bool, M::State) {
        match M::make().step(state, &op.0, op.1.as_ref()) {
            Some(next) => (true, next),
            None => (false, state.clone()),
        }
    }
}

fn agree<M: FromNothing>(name: &str, model: &M)
where
    M::State: Send + Sync + std::fmt::Debug,
    M::Call: Send + Sync,
    M::Return: Send + Sync,
{
    let mut rng = Rng(23);
    let mut legal = 0;
    for n in 0..100 {
        let script = Script { clients: 5, operations: 40, lost: 3, lies: 60 };
        let history = play(model, script, &mut rng);
        let theirs: Vec<porcupine_rs::Operation<Theirs<M>>> = history
            .operations()
            .iter()
            .map(|op| porcupine_rs::Operation {
                client_id: Some(op.process.0),
                call_time: op.invoked_at as i64,
                return_time: op.returned_at.map_or(i64::MAX, |at| at as i64),
                op: (op.call.clone(), op.answer.clone()),
                metadata: None,
            })
            .collect();
        let expected = match check_operations_timeout(&theirs, Duration::from_secs(60)) {
            CheckResult::Ok => true,
            CheckResult::Illegal => false,
            CheckResult::Unknown => continue,
        };
        legal += usize::from(expected);
        let verdict = linearizable(&history, &Budget::default());
        assert!(!matches!(verdict, Verdict::Undecided { .. }), "{name} {n}: {verdict}");
        assert_eq!(verdict.is_ok(), expected, "{name} {n}: {verdict}{}", show(&history));
    }
    assert!((10..=90).contains(&legal), "{name}: {legal} of 100 legal");
}

#[test]
fn agrees_on_every_model() {
    agree("register, unique", &Registers(Default::default(), Values::Unique));
    agree("register, few values", &Registers(Default::default(), Values::Few));
    agree("compare-and-set, unique", &Cas(Default::default(), Values::Unique));
    agree("compare-and-set, few values", &Cas(Default::default(), Values::Few));
    agree("key-value, unique", &Strings(Default::default(), Values::Unique));
    agree("key-value, few values", &Strings(Default::default(), Values::Few));
    agree("set", &Sets(Default::default(), Values::Few));
    agree("counter", &Counters(Default::default(), Values::Few));
    agree("queue", &Queues(Default::default(), Values::Unique));
}
