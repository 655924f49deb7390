//! Chapter 7: ordering and logical clocks.

mod causal_broadcast;
mod happens_before;
mod hlc;
mod lamport;
mod mutex;
mod runs;
mod vector;

use judge::{Chapter, Pick};
use lab::NodeId;
use std::time::Duration;
use world::{DiskLoss, Fault, Harm, Pattern, Scenario, SeenKind, Trigger, Until, When, Who};

/// The chapter.
pub fn chapter() -> Chapter {
    Chapter {
        number: 7,
        folder: "07-logical-clocks",
        title: "Ordering & Logical Clocks",
        exercises: vec![
            happens_before::exercise(),
            lamport::exercise(),
            vector::exercise(),
            hlc::exercise(),
            mutex::exercise(),
            causal_broadcast::exercise(),
        ],
        planned: &[],
    }
}

/// So many worlds of a clock's `restart` crash a node after its first, second, third, … effect.
const EVERY_EFFECT: u32 = 64;
/// What crashes in the `nth` world of a clock's `restart`: first one node, after every effect in turn, with all it had not synced;
/// from then on anybody, a few times.
fn crashes(pick: &mut Pick, nodes: u32, nth: u32) -> Vec<Fault> {
    let crash = |trigger, nth, after, disk, down_ms| {
        Fault::new(
            When::On { trigger, nth, after },
            Harm::Crash { node: Who::Culprit, disk },
            Until::After(Duration::from_millis(down_ms)),
        )
    };
    if nth < EVERY_EFFECT {
        let trigger = Trigger::Effect { node: NodeId(1), nth: u64::from(nth) + 1 };
        return vec![crash(trigger, 1, Duration::ZERO, DiskLoss::All, 5)];
    }
    let drawn = (0..pick.small(1..=4)).map(|_| {
        let node = NodeId(pick.small(1..=nodes));
        let kinds = [SeenKind::Emitted, SeenKind::Sent, SeenKind::Requested, SeenKind::Delivered];
        let trigger = Trigger::Seen(Pattern::of(*pick.one(&kinds)).at(node));
        crash(trigger, pick.small(1..=8), pick.micros(0..=400), DiskLoss::Drawn, pick.number(1..=80))
    });
    drawn.collect()
}
/// With every crash, the wall of the node that crashes is set back.
fn set_back(pick: &mut Pick, scenario: &mut Scenario) {
    let is_crash = |fault: &&Fault| matches!(fault.harm, Harm::Crash { .. });
    let crashes: Vec<Fault> = scenario.faults.iter().filter(is_crash).cloned().collect();
    for crash in crashes {
        let by_ns = -(pick.number(1..=60_000) as i64) * 1_000_000;
        let Harm::Crash { node, .. } = crash.harm.clone() else { continue };
        scenario.faults.push(Fault { harm: Harm::ClockJump { node, by_ns }, until: Until::Calm, ..crash });
    }
}
/// Any node but this one, of so many.
fn other(pick: &mut Pick, than: u32, nodes: u32) -> NodeId {
    NodeId((than - 1 + pick.small(1..=nodes - 1)) % nodes + 1)
}
