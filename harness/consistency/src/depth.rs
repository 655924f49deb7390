//! Depth first: quick where there is a linearization to be found.
//!
//! Wing & Gong (1993), with the memo of configurations that Lowe (2017, §4.1) adds: a configuration that led nowhere once is not tried again.

use crate::memo::{Memo, Offer};
use crate::search::{Graph, Node, Outcome};
use crate::slots::Slots;
use crate::verdict::{Budget, Why};

struct Frame<S> {
    node: Node<S>,
    next_way: u32,
}

/// Search within `budget`. When memory runs out it goes on without remembering more, until the steps run out too.
pub(crate) fn search<S: Slots>(graph: &mut Graph<'_>, budget: Budget) -> Outcome {
    let limit = graph.steps.saturating_add(budget.steps);
    let root = graph.root::<S>();
    if graph.is_goal(&root) {
        return Outcome::Found;
    }
    let mut memo = Memo::<S>::new();
    let mut full = false;
    let mut deepest = root.front;
    let mut stack = vec![Frame { node: root, next_way: 0 }];
    while let Some(frame) = stack.last_mut() {
        if frame.next_way == graph.ways(&frame.node) {
            stack.pop();
            continue;
        }
        let way = frame.next_way;
        frame.next_way += 1;
        let Some(next) = graph.way(&frame.node, way) else { continue };
        if graph.is_goal(&next) {
            return Outcome::Found;
        }
        if graph.steps > limit {
            return Outcome::Out(if full {
                Why::Bytes { given: budget.bytes }
            } else {
                Why::Steps { given: budget.steps }
            });
        }
        let room = budget.bytes.saturating_sub(graph.bytes() + stack.capacity() * size_of::<Frame<S>>());
        if memo.bytes() > room {
            return Outcome::Out(Why::Bytes { given: budget.bytes });
        }
        match memo.offer(&next, room) {
            Offer::Old => continue,
            Offer::New => {}
            Offer::Full => full = true,
        }
        deepest = deepest.max(next.front);
        stack.push(Frame { node: next, next_way: 0 });
    }
    Outcome::Stuck { front: deepest }
}
