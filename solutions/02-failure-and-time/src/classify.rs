//! Exercise `classify`: which class of failure explains what an observer saw of a node.
//!
//! The classes are those of Cristian, Aghili, Strong and Dolev, *Atomic Broadcast: From Simple Message Diffusion to
//! Byzantine Agreement*, 1985.
//!
//! One function to write: [`classify`]. `lab::classify::Class` has the definition. The functions below it are a proposal:
//! keep them, or delete them and write your own.
//! Run the examples with `cargo test classify`. Then `faultlines grade 2/classify` asks your function hundreds of questions.
// BEGIN SOLUTION
// STUB: #![expect(unused, reason = "delete this line when every todo!() below is gone")]
// END SOLUTION

use lab::classify::{Arrival, Class, Duty, Evidence};
// BEGIN SOLUTION
use std::collections::BTreeSet;
// END SOLUTION

/// The smallest class that explains the evidence: see [`Class`].
///
/// `CannotTellYet` is an answer, too. It is the right one if messages that may still be on their way decide.
pub fn classify(evidence: &Evidence) -> Class {
    // BEGIN SOLUTION
    let if_kept = class_if(Open::Kept, evidence);
    let if_broken = class_if(Open::Broken, evidence);
    if if_kept == if_broken { if_kept } else { Class::CannotTellYet }
    // STUB: todo!("call `class_if` once with each supposition, and compare")
    // END SOLUTION
}

/// What to suppose of all open duties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Their messages are on their way.
    Kept,
    /// The node never sent them.
    Broken,
}

/// The class, if all open duties are what `open` says. It is never `CannotTellYet`.
fn class_if(open: Open, evidence: &Evidence) -> Class {
    // BEGIN SOLUTION
    if has_false_arrival(evidence) {
        return Class::Byzantine;
    }
    if has_untimely_arrival(evidence) {
        return Class::Timing;
    }
    let kept = |duty: &Duty| match state(duty, evidence) {
        State::NotDue => None,
        State::Kept => Some(true),
        State::Broken => Some(false),
        State::Open => Some(open == Open::Kept),
    };
    let dues_that_are = |wanted: bool| {
        let duties = evidence.duties.iter().filter(move |duty| kept(duty) == Some(wanted));
        duties.map(|duty| duty.due)
    };
    match (dues_that_are(false).min(), dues_that_are(true).max()) {
        (None, _) => Class::Correct,
        (Some(first_broken), Some(last_kept)) if first_broken < last_kept => Class::Omission,
        (Some(_), _) => Class::Crash,
    }
    // STUB: todo!("Byzantine? Timing? If neither: compare the earliest broken duty with the latest kept one")
    // END SOLUTION
}

/// What has become of a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is due after `now`.
    NotDue,
    /// Its message arrived.
    Kept,
    /// Its message has not arrived, and may be on its way.
    Open,
    /// Its message has not arrived, and would have arrived if the node had sent it in time.
    Broken,
}

/// The state of a duty. What its message says does not matter here.
fn state(duty: &Duty, evidence: &Evidence) -> State {
    // BEGIN SOLUTION
    let arrived = evidence.arrivals.iter().any(|arrival| arrival.round == duty.round);
    if duty.due > evidence.now {
        State::NotDue
    } else if arrived {
        State::Kept
    } else if evidence.now <= duty.due + evidence.delta {
        State::Open
    } else {
        State::Broken
    }
    // STUB: todo!("compare `now` with the moment when the duty is due, and with the latest moment for its message")
    // END SOLUTION
}

/// Whether the node sent a message that its program never sends.
fn has_false_arrival(evidence: &Evidence) -> bool {
    // BEGIN SOLUTION
    let mut rounds = BTreeSet::new();
    evidence.arrivals.iter().any(|arrival| {
        let is_first = rounds.insert(arrival.round);
        !is_first || duty_of(arrival, evidence).is_none()
    })
    // STUB: todo!("an arrival without a duty, or the second arrival of a round")
    // END SOLUTION
}

/// Whether a message came before its duty was due, or later than Δ allows.
fn has_untimely_arrival(evidence: &Evidence) -> bool {
    // BEGIN SOLUTION
    evidence.arrivals.iter().any(|arrival| {
        duty_of(arrival, evidence)
            .is_some_and(|Duty { due, .. }| arrival.at < *due || *due + evidence.delta < arrival.at)
    })
    // STUB: todo!("compare each arrival with the moment when its duty is due: mind both ends")
    // END SOLUTION
}

/// The duty that explains an arrival: it has its round and its content.
fn duty_of<'a>(arrival: &Arrival, evidence: &'a Evidence) -> Option<&'a Duty> {
    // BEGIN SOLUTION
    evidence.duties.iter().find(|duty| (duty.round, duty.content) == (arrival.round, arrival.content))
    // STUB: todo!("search the duties: they are in no order")
    // END SOLUTION
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }
    /// The node sends in rounds 1, 2, 3, … at 10 ms, 20 ms, 30 ms, …; each message says 7. Δ is 15 ms.
    fn evidence(arrivals: &[(u32, u64)], now: u64) -> Evidence {
        Evidence {
            duties: (1..=5).map(|round| Duty { round, content: 7, due: ms(u64::from(round) * 10) }).collect(),
            arrivals: arrivals.iter().map(|&(round, at)| Arrival { round, content: 7, at: ms(at) }).collect(),
            delta: ms(15),
            now: ms(now),
        }
    }

    #[test]
    fn silence_is_undecided_until_delta_has_passed() {
        let first_two = [(1, 12), (2, 24)];
        assert_eq!(classify(&evidence(&first_two, 28)), Class::Correct, "round 3 is not due yet");
        assert_eq!(classify(&evidence(&first_two, 42)), Class::CannotTellYet, "round 3 may be on its way");
        assert_eq!(classify(&evidence(&first_two, 83)), Class::Crash, "nothing more can arrive");
    }

    #[test]
    fn a_node_that_goes_on_did_not_crash() {
        assert_eq!(classify(&evidence(&[(1, 12), (3, 31)], 38)), Class::Omission, "round 2 is missing");
    }

    #[test]
    fn a_late_message_and_a_wrong_one() {
        let late = evidence(&[(1, 12), (2, 37)], 38);
        assert_eq!(classify(&late), Class::Timing, "round 2 arrived 17 ms after it was due");
        let mut wrong = late.clone();
        wrong.arrivals[0].content = 8;
        assert_eq!(classify(&wrong), Class::Byzantine, "whatever else there is");
    }
}
