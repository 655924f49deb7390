//! `classify` as an automaton that reads the duties in the order in which they are due. An open duty may be kept or broken,
//! so the automaton is in several states at once (Rabin and Scott 1959); so many futures are tried, not two.

use lab::classify::{Class, Duty, Evidence};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub fn classify(evidence: &Evidence) -> Class {
    match arrivals_by_round(evidence) {
        Err(conviction) => conviction,
        Ok(arrived) => {
            let mut duties: Vec<&Duty> =
                evidence.duties.iter().filter(|duty| duty.due <= evidence.now).collect();
            duties.sort_by_key(|duty| duty.due);
            let mut states = BTreeSet::from([Class::Correct]);
            for duty in duties {
                let overdue = evidence.now > duty.due + evidence.delta;
                let inputs: &[Input] = match arrived.contains_key(&duty.round) {
                    true => &[Input::Message],
                    false if overdue => &[Input::Silence],
                    false => &[Input::Message, Input::Silence],
                };
                states = states
                    .iter()
                    .flat_map(|state| inputs.iter().map(move |input| step(*state, *input)))
                    .collect();
            }
            match states.len() {
                1 => *states.first().expect("it has one"),
                _ => Class::CannotTellYet,
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Input {
    Message,
    Silence,
}
/// What a node that looked like this looks like after one more duty.
fn step(state: Class, input: Input) -> Class {
    match (state, input) {
        (Class::Correct, Input::Message) => Class::Correct,
        (Class::Correct | Class::Crash, Input::Silence) => Class::Crash,
        _ => Class::Omission,
    }
}

/// When each round's message arrived; the class that an arrival proves, where one proves more than silence could.
fn arrivals_by_round(evidence: &Evidence) -> Result<BTreeMap<u32, Duration>, Class> {
    let duties: BTreeMap<u32, &Duty> = evidence.duties.iter().map(|duty| (duty.round, duty)).collect();
    let mut arrived = BTreeMap::new();
    let mut worst = Ok(());
    for arrival in &evidence.arrivals {
        let duty = duties.get(&arrival.round).filter(|duty| duty.content == arrival.content);
        let is_second = arrived.insert(arrival.round, arrival.at).is_some();
        let Some(duty) = duty.filter(|_| !is_second) else { return Err(Class::Byzantine) };
        if arrival.at < duty.due || arrival.at - duty.due > evidence.delta {
            worst = Err(Class::Timing);
        }
    }
    worst.map(|()| arrived)
}
