//! Agreement with porcupine-rs on histories too large for brute force.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use consistency::{Budget, Model, Verdict, linearizable};
use porcupine_rs::{CheckResult, check_operations_timeout};

use crate::linear::show;
use crate::play::{Cas, Counters, Play, Queues, Registers, Rng, Script, Sets, Strings, Values, play};

/// Any of our models as one of theirs, its states numbered from 0: so theirs is compiled once.
#[derive(Clone, Debug)]
struct Numbered;

/// From the number of a state to that of the next, if the operation can happen there.
#[derive(Clone)]
struct Step(Arc<dyn Fn(u32) -> Option<u32> + Send + Sync>);

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("step")
    }
}

impl porcupine_rs::Model for Numbered {
    type State = u32;
    type Op = Step;
    type Metadata = ();

    fn init() -> u32 {
        0
    }

    fn step(&state: &u32, Step(step): &Step) -> (bool, u32) {
        step(state).map_or((false, state), |next| (true, next))
    }
}

struct States<M: Model> {
    all: Vec<M::State>,
    number: HashMap<M::State, u32>,
}

impl<M: Model> States<M> {
    fn number(&mut self, state: M::State) -> u32 {
        let next = self.all.len() as u32;
        let number = *self.number.entry(state.clone()).or_insert(next);
        if number == next {
            self.all.push(state);
        }
        number
    }
}

fn agree<M: Play + Send + Sync + 'static>(name: &str, values: Values)
where
    M::State: Send,
    M::Call: Send + Sync,
    M::Return: Send + Sync,
{
    let mut rng = Rng(23);
    let mut legal = 0;
    for n in 0..100 {
        let history = play::<M>(Script { clients: 5, operations: 40, lost: 3, lies: 60, values }, &mut rng);
        let states = Arc::new(Mutex::new(States::<M> { all: Vec::new(), number: HashMap::new() }));
        states.lock().expect("nobody panicked").number(M::default().init());
        let mut theirs = Vec::new();
        for op in history.operations() {
            let (states, call, answer) = (Arc::clone(&states), op.call.clone(), op.answer.clone());
            let step = move |state: u32| {
                let mut states = states.lock().expect("nobody panicked");
                let next = M::default().step(&states.all[state as usize], &call, answer.as_ref())?;
                Some(states.number(next))
            };
            theirs.push(porcupine_rs::Operation::<Numbered> {
                client_id: Some(op.process.0),
                call_time: op.invoked_at as i64,
                return_time: op.returned_at.map_or(i64::MAX, |at| at as i64),
                op: Step(Arc::new(step)),
                metadata: None,
            });
        }
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
    agree::<Registers>("register, unique", Values::Unique);
    agree::<Registers>("register, few values", Values::Few);
    agree::<Cas>("compare-and-set, unique", Values::Unique);
    agree::<Cas>("compare-and-set, few values", Values::Few);
    agree::<Strings>("key-value, unique", Values::Unique);
    agree::<Strings>("key-value, few values", Values::Few);
    agree::<Sets>("set", Values::Few);
    agree::<Counters>("counter", Values::Few);
    agree::<Queues>("queue", Values::Unique);
}
