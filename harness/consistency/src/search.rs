//! The graph that both searches walk: its nodes are *configurations*, its edges place one more operation.

use crate::model::Model;
use crate::problem::{NONE, Problem};
use crate::slots::Slots;
use crate::states::{StateId, States};
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
pub(crate) struct Graph<'p, 'a, M: Model> {
    pub(crate) problem: &'p Problem<'a, M>,
    pub(crate) states: States<'a, M>,
    pub(crate) steps: u64,
}

impl<'p, 'a, M: Model> Graph<'p, 'a, M> {
    pub(crate) fn new(model: &M, problem: &'p Problem<'a, M>) -> Self {
        Self { problem, states: States::new(model, problem.classes.clone()), steps: 0 }
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
            let state = self.states.step(node.state, op.class)?;
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
            let mut next = node.clone();
            next.state = state;
            next.lost.insert(index);
            self.settle(&mut next);
            Some(next)
        }
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
