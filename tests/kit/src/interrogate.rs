//! Asking a node, alone and after a crash, whether it keeps what it has promised.
//!
//! A script that crashes a node after one kind of promise misses the bug in another kind, and on another path to the same kind. So
//! the k-th promise of a run, for every k, is followed by a crash and by questions about all promises still in force. A question
//! may have many right answers and exactly one wrong one: it contradicts something that this node has said, and no message that
//! the node was handed since can have released it.

use judge::{Oracle, Reached, Violation};
use lab::NodeId;
use std::time::Duration;
use world::{
    DiskLoss, Fault, Harm, Observation, Scenario, Seen, Time, Trigger, Until, When, Who, Words, World,
};

use crate::ms;

/// A node was asked about its promises after the promise that a run is about.
pub const ASKED: &str = "a node was asked about what it had promised";

/// The bond of the questions of an interrogation, and of the solitude without which they are no fair ones. A crash may be taken out by
/// itself: a node that did not crash has to keep its promises, too.
const BOND: u8 = 1;
/// How long the node is down after each crash.
const DOWN: Duration = ms(5);

/// One interrogation.
#[derive(Debug, Clone)]
pub struct Interrogation {
    /// Promises of these kinds count, as the scenario's scribe knows them.
    pub kinds: u32,
    /// The promise after which the node is asked, from 1.
    pub nth: u32,
    /// Who asks: a peer that the suite plays, and that has been silent.
    pub from: NodeId,
    /// When the node is left alone, after its promise.
    pub after: Duration,
    /// What happens to it, and what it is asked, one after another.
    pub steps: Vec<Step>,
}
/// A step of an interrogation.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// The node crashes and comes back.
    Crash(DiskLoss),
    /// It is asked this.
    Ask(u32),
    /// So much time passes.
    Wait(Duration),
}

/// Adds an interrogation to a scenario that has a scribe. What it asks depends on what the node has promised by then.
///
/// # Panics
/// Where the scenario has no scribe.
pub fn interrogate(scenario: &mut Scenario, interrogation: &Interrogation) {
    assert!(scenario.scribe.is_some(), "a scribe knows what to ask");
    let Interrogation { kinds, nth, from, after, steps } = interrogation;
    let mut at = *after;
    let mut push = |at: Duration, harm: Harm, until: Until| {
        let when = When::On { trigger: Trigger::Promised(*kinds), nth: *nth, after: at };
        let bond = if matches!(harm, Harm::Crash { .. }) { None } else { Some(BOND) };
        scenario.faults.push(Fault { bond, ..Fault::new(when, harm, until) });
    };
    push(at, Harm::Alone { node: Who::Culprit }, Until::Never);
    for (nth, step) in steps.iter().enumerate() {
        match *step {
            Step::Crash(disk) => {
                if nth > 0 {
                    at += ms(2); // it has answered by now
                }
                push(at, Harm::Crash { node: Who::Culprit, disk }, Until::After(DOWN));
                at += DOWN;
            }
            Step::Ask(question) => {
                at += ms(1);
                let harm = Harm::Forge { from: *from, to: Who::Culprit, words: Words::Asked(question) };
                push(at, harm, Until::Calm);
            }
            Step::Wait(lasts) => at += lasts,
        }
    }
}

/// Judges a world in which a node is interrogated: it is over soon after the last question.
pub fn interrogated(oracle: impl Oracle) -> impl Oracle {
    Interrogated { oracle, over: None, now: Time::ZERO, asked: false }
}
struct Interrogated<O> {
    oracle: O,
    over: Option<Time>,
    now: Time,
    asked: bool,
}
/// How long after its promise a step of an interrogation comes.
fn after(fault: &Fault) -> Duration {
    match fault.when {
        When::On { after, .. } => after,
        When::At(_) => Duration::ZERO,
    }
}
impl<O: Oracle> Oracle for Interrogated<O> {
    fn see(&mut self, world: &World, seen: &Observation) -> Result<(), Violation> {
        self.now = seen.at;
        if let Seen::FaultBegan { fault } = seen.seen
            && let Some(fault) = world.scenario().faults.get(fault)
        {
            match fault.harm {
                Harm::Alone { .. } => {
                    let faults = world.scenario().faults.iter();
                    let asks = faults.filter(|fault| matches!(fault.harm, Harm::Forge { .. }));
                    let last = asks.map(after).max().unwrap_or_default().saturating_sub(after(fault));
                    let slowest =
                        world.scenario().nodes.iter().map(|spec| spec.sync.1).max().unwrap_or_default();
                    self.over = Some(seen.at + last + ms(2) + slowest * 4);
                }
                Harm::Forge { .. } => self.asked = true,
                _ => {}
            }
        }
        self.oracle.see(world, seen)
    }
    fn has_seen_enough(&self) -> bool {
        self.over.is_some_and(|over| self.now > over) || self.oracle.has_seen_enough()
    }
    fn end(&mut self, world: &World, reached: &mut Reached) -> Result<(), Violation> {
        self.oracle.end(world, reached)?;
        reached.mark_if(ASKED, self.asked);
        Ok(())
    }
}
