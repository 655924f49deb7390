//! Clocks that no node may rely on.

use crate::{Stage, ms};
use judge::Pick;
use lab::Contract;
use lab::NodeId;
use std::time::Duration;
use world::{Harm, NodeSpec, Until, When, Who};

const HOUR_NS: i64 = 3_600_000_000_000;

/// Gives a node a wall clock that is up to an hour wrong, and in half of the cases a clock that is one percent fast or slow. Returns
/// its drift, in millionths.
pub fn wrong(pick: &mut Pick, node: &mut NodeSpec) -> i64 {
    node.clock.offset_ns = pick.number(0..=2 * HOUR_NS as u64) as i64 - HOUR_NS;
    node.clock.drift_ppm = *pick.one(&[0, 0, -10_000, 10_000]);
    node.clock.drift_ppm
}

/// In half of the cases the wall clock of a node stands still from the start and for so long: a number that a node makes from it is
/// the same in its next life.
pub fn frozen<C: Contract>(pick: &mut Pick, stage: &mut Stage<C>, node: NodeId, until: Duration) {
    if pick.percent(50) {
        let harm = Harm::ClockFreeze { node: Who::Node(node) };
        stage.harm(When::At(Duration::ZERO), harm, Until::After(until));
    }
}

/// In three of ten cases the wall clock of a node jumps by an hour, stands still or drifts by half, from a moment in the first half
/// second on and for half a second.
pub fn unsteady<C: Contract>(pick: &mut Pick, stage: &mut Stage<C>, node: NodeId) {
    const LASTS: Duration = ms(500);
    if !pick.percent(30) {
        return;
    }
    let (node, at) = (Who::Node(node), pick.millis(1..=500));
    let by_ns = *pick.one(&[-HOUR_NS, HOUR_NS]);
    let harm = match pick.small(0..=2) {
        0 => Harm::ClockJump { node, by_ns },
        1 => Harm::ClockFreeze { node },
        _ => Harm::ClockDrift { node, ppm: *pick.one(&[-500_000, 500_000]) },
    };
    stage.harm(When::At(at), harm, Until::After(LASTS));
}
