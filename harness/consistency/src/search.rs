//! The graph that both searches walk: its nodes are *configurations*, its edges place one more operation.

use std::ops::Range;

use crate::problem::{Lost, NONE, Open, Problem, Values};
use crate::slots::Slots;
use crate::states::{StateId, States, growing_vec_bytes};
use crate::verdict::Why;

/// What has been placed so far, and the state it led to.
///
/// Kept *settled*: the operation at the front has not been placed, and no open read could be placed in this state. (A read that can be
/// placed may as well be: it changes nothing, and owes one return less.)
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Node<S> {
    /// The first return still owed; the number of returns when none is.
    pub(crate) front: u32,
    pub(crate) state: StateId,
    /// Slots of the operations open at the front that have been placed.
    pub(crate) placed: S,
    /// Operations that never returned and have been placed all the same.
    pub(crate) lost: S,
}

/// How a search ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every operation that returned has been placed.
    Found,
    /// There is no order. No search got past the return of `returns[front]`.
    Stuck {
        /// The first return that no order reaches.
        front: u32,
    },
    /// The budget ran out.
    Out(Why),
}

/// A problem with its states: what both searches share.
pub(crate) struct Graph<'a> {
    pub(crate) problem: &'a Problem,
    states: States<'a>,
    pub(crate) steps: u64,
    /// By state: what may be seen from there until something starts anew.
    reach: Vec<Option<Range<u32>>>,
    /// Whether that is simply what the last operation made.
    by_effect: bool,
}

impl<'a> Graph<'a> {
    pub(crate) fn new(problem: &'a Problem, states: States<'a>) -> Self {
        let by_effect = states.reach(0).is_none();
        let initial = states.reach(0).unwrap_or(Values::INITIAL..Values::INITIAL + 1);
        Self { problem, states, steps: 0, reach: vec![Some(initial)], by_effect }
    }

    /// Make room: forget all states.
    pub(crate) fn forget(&mut self) {
        self.states.forget();
        self.reach.truncate(1);
        self.reach.shrink_to_fit();
    }

    /// Bytes of what both searches share and make grow.
    pub(crate) fn bytes(&self) -> usize {
        self.states.bytes() + growing_vec_bytes(&self.reach)
    }

    /// Nothing placed.
    pub(crate) fn root<S: Slots>(&mut self) -> Node<S> {
        let mut node = Node { front: 0, state: 0, placed: S::default(), lost: S::default() };
        self.settle(&mut node);
        node
    }

    pub(crate) fn is_goal<S>(&self, node: &Node<S>) -> bool {
        node.front as usize == self.problem.returns.len()
    }

    /// How many ways out of a node there may be: places `0..ways` for [`Self::way`].
    pub(crate) fn ways<S>(&self, node: &Node<S>) -> u32 {
        self.problem.open(node.front).len() as u32 + self.problem.lost_count(node.front)
    }

    /// Place one more operation: the `way`-th of those open, soonest to return first, those that never return last.
    #[inline]
    pub(crate) fn way<S: Slots>(&mut self, node: &Node<S>, way: u32) -> Option<Node<S>> {
        let open = self.problem.open(node.front);
        if let Some(op) = open.get(way as usize) {
            let twin_waits = op.twin != NONE && !node.placed.contains(op.twin);
            if op.read || node.placed.contains(op.slot) || twin_waits {
                return None; // a settled node has no read to place
            }
            self.steps += 1;
            let op = *op;
            let state = self.states.step(node.state, op.class)?;
            if self.forsakes(node, state, op.class, way) {
                return None;
            }
            let mut next = node.clone();
            next.state = state;
            next.placed.insert(op.slot);
            self.settle(&mut next);
            Some(next)
        } else {
            let index = way - open.len() as u32;
            let lost = self.problem.lost[index as usize];
            if node.lost.contains(index) || (lost.twin != NONE && !node.lost.contains(lost.twin)) {
                return None;
            }
            self.steps += 1;
            let state = self.states.step(node.state, lost.class)?;
            if state == node.state {
                return None; // placed for nothing
            }
            if self.forsakes(node, state, lost.class, way) {
                return None;
            }
            let mut next = node.clone();
            next.state = state;
            next.lost.insert(index);
            self.settle(&mut next);
            Some(next)
        }
    }

    /// Whether placing the `way`-th operation, of `class`, puts something out of reach for good that an operation still has to see: a dead
    /// end, however long it takes to get there. With unique values this leaves little to choose (compare Gibbons & Korach 1997, §4.2).
    fn forsakes<S: Slots>(&mut self, node: &Node<S>, next: StateId, class: u32, way: u32) -> bool {
        let Some(values) = &self.problem.values else { return false };
        if next == node.state {
            return false;
        }
        if self.reach.len() <= next as usize {
            self.reach.resize(next as usize + 1, None);
        }
        if self.by_effect {
            self.reach[next as usize] = Some(values.starts[class as usize].clone());
        } else if self.reach[next as usize].is_none() {
            self.reach[next as usize] = self.states.reach(next);
        }
        let (Some(left), Some(kept)) = (&self.reach[node.state as usize], &self.reach[next as usize]) else {
            return false;
        };
        let now = values.return_rank[node.front as usize];
        let open = self.problem.open(node.front);
        let waits = |i: usize, op: &Open| i != way as usize && !node.placed.contains(op.slot);
        let starts = |class: u32, value: u32| values.starts[class as usize].contains(&value);
        let comes_again = |value: u32| {
            let lost = &self.problem.lost[..self.problem.lost_count(node.front) as usize];
            let lost_waits = |i: u32| i + open.len() as u32 != way && !node.lost.contains(i);
            values.last_start[value as usize] > now
                || open.iter().enumerate().any(|(i, op)| starts(op.class, value) && waits(i, op))
                || (0..).zip(lost).any(|(i, op): (u32, &Lost)| starts(op.class, value) && lost_waits(i))
        };
        let gone = |value: u32| left.contains(&value) && !kept.contains(&value);
        let open_waits = open.iter().enumerate().filter(|&(i, op)| waits(i, op));
        let mut needed_now = open_waits.map(|(_, op)| values.needs[op.class as usize]);
        if needed_now.any(|value| value != NONE && gone(value) && !comes_again(value)) {
            return true;
        }
        let known = values.last_need.len() as u32;
        let needed_later = |value: &u32| values.last_need[*value as usize] > now && !kept.contains(value);
        (left.start..left.end.min(known)).filter(needed_later).any(|value| !comes_again(value))
    }

    /// Place every read that fits the state; move the front past what has been placed.
    fn settle<S: Slots>(&mut self, node: &mut Node<S>) {
        while !self.is_goal(node) {
            let open = self.problem.open(node.front);
            for op in open {
                if op.read && !node.placed.contains(op.slot) {
                    self.steps += 1;
                    if self.states.step(node.state, op.class).is_some() {
                        node.placed.insert(op.slot);
                    }
                }
            }
            let front = open[0];
            if !node.placed.contains(front.slot) {
                return;
            }
            node.placed.remove(front.slot);
            node.front += 1;
        }
        // all that is owed has been placed: what never returned makes no difference any more
        node.lost = S::default();
    }
}
