//! Made-up runs: events on nodes, messages between them, and which of them could affect which.

use judge::Pick;
use lab::NodeId;

/// One event of a made-up run.
#[derive(Debug, Clone)]
pub(crate) struct RunEvent {
    /// Where it happened.
    pub(crate) node: NodeId,
    /// A stamp that a sound Lamport clock could have given it.
    pub(crate) stamp: u64,
    /// How many events of each node are in its past, itself included: node 1 first.
    past: Vec<u32>,
}

impl RunEvent {
    /// Whether it could affect the other: Lamport's happens-before.
    pub(crate) fn before(&self, other: &RunEvent) -> bool {
        let me = self.node.0 as usize - 1;
        self.past != other.past && self.past[me] <= other.past[me]
    }
    /// Neither could affect the other.
    pub(crate) fn concurrent(&self, other: &RunEvent) -> bool {
        !self.before(other) && !other.before(self) && self.past != other.past
    }
    /// As a student reads it.
    pub(crate) fn shown(&self) -> String {
        format!("({}, {})", self.stamp, self.node)
    }
}

/// A run of `count` events on nodes 1 to `nodes`. Clocks go forward by one, or, where `leaps`, sometimes by
/// more, as one that reserves blocks does.
pub(crate) fn lamport_run(pick: &mut Pick, nodes: u32, count: usize, leaps: bool) -> Vec<RunEvent> {
    let size = nodes as usize;
    let mut past = vec![vec![0_u32; size]; size];
    let mut clock = vec![0_u64; size];
    let mut under_way: Vec<(usize, Vec<u32>, u64)> = Vec::new();
    let mut run = Vec::new();
    while run.len() < count {
        let mut node = pick.small(0..=nodes - 1) as usize;
        let mut seen = 0;
        if !under_way.is_empty() && pick.percent(40) {
            let arrives = pick.number(0..=under_way.len() as u64 - 1) as usize;
            let (to, sender, stamp) = under_way.swap_remove(arrives);
            node = to;
            seen = stamp;
            past[node].iter_mut().zip(&sender).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
        }
        let step = if leaps && pick.percent(10) { pick.number(2..=100) } else { 1 };
        clock[node] = clock[node].max(seen) + step;
        past[node][node] += 1;
        run.push(RunEvent { node: NodeId(node as u32 + 1), stamp: clock[node], past: past[node].clone() });
        if pick.percent(50) {
            let to = (node + pick.small(1..=nodes.max(2) - 1) as usize) % size;
            under_way.push((to, past[node].clone(), clock[node]));
        }
    }
    run
}
