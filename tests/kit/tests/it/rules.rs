//! Rules follow what was seen in the words of the contract.

use crate::{Habit, Telling, judged, stage};
use judge::Violation;
use kit::{Rule, Rules, Saw, Scene, Waits, ms, see};
use lab::NodeId;
use std::collections::BTreeSet;
use world::{DiskLoss, Harm, Until, Who};

/// Nobody emits what nobody was asked for, and nobody emits anything twice.
#[derive(Default)]
struct Faithful {
    asked: BTreeSet<u32>,
    emitted: BTreeSet<u32>,
}
impl Rule<Telling> for Faithful {
    fn see(&mut self, scene: Scene<'_>, saw: &Saw<Telling>) -> Result<(), Violation> {
        match saw {
            Saw::Asked { what, .. } => _ = self.asked.insert(*what),
            Saw::Emitted(word) if !self.asked.contains(word) => {
                return Err(scene.breaks("unasked", format!("{} emitted {word} unasked.", scene.node())));
            }
            Saw::Emitted(word) if !self.emitted.insert(*word) => {
                return Err(scene.breaks("twice", format!("{} emitted {word} twice.", scene.node())));
            }
            _ => {}
        }
        Ok(())
    }
}

#[test]
fn a_rule_sees_typed_requests_and_events() {
    let mut honest = stage(Habit::Honest);
    honest.ask(ms(1), NodeId(1), 7);
    let (said, over) = judged(honest, Rules::of(Faithful::default()));
    assert_eq!((said.as_str(), over), ("kept", ms(2)));
    let mut chatty = stage(Habit::Chatty);
    chatty.ask(ms(1), NodeId(1), 7);
    assert_eq!(judged(chatty, Rules::of(Faithful::default())).0, "twice: n2 emitted 7 twice.");
}

/// Waits for one crash.
struct Crash(Waits);
impl Rule<Telling> for Crash {
    fn see(&mut self, _: Scene<'_>, saw: &Saw<Telling>) -> Result<(), Violation> {
        if matches!(saw, Saw::Crashed) {
            self.0 = Waits::NoMore;
        }
        Ok(())
    }
    fn waits(&self) -> Waits {
        self.0
    }
}

#[test]
fn sights_set_off_faults_and_requests() {
    let mut stage = stage(Habit::Honest);
    stage.ask(ms(5), NodeId(1), 7);
    stage.ask(see::emits::<Telling>(|word| *word == 7).at(NodeId(2)).after(ms(3)), NodeId(2), 8);
    let crash = Harm::Crash { node: Who::Culprit, disk: DiskLoss::All };
    stage.harm(see::gets::<u32>(|word| *word == 8), crash, Until::After(ms(10)));
    let (_, over) = judged(stage, Rules::of(Crash(Waits::Still)));
    assert_eq!(over, ms(10), "5 ms, 1 ms to n2, 3 ms later the second word, 1 ms to n3");
}
