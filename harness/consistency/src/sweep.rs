//! All configurations at once, front by front: bounded memory where there is no linearization to be found.
//!
//! The configurations-set search (Lowe 2017, §4.3, "just-in-time linearization"; the same idea is at the heart of Knossos). Every edge of the graph leads to
//! the same front or a later one, so configurations of earlier fronts can be forgotten: a long bad history costs no more memory than its worst moment.

use std::collections::BTreeMap;

use crate::memo::{Memo, Offer};
use crate::search::{Graph, Node, Outcome};
use crate::slots::Slots;
use crate::states::growing_vec_bytes;
use crate::verdict::{Budget, Why};

/// Configurations that share a front.
struct Layer<S> {
    nodes: Vec<Node<S>>,
    memo: Memo<S>,
}

impl<S: Slots> Layer<S> {
    fn bytes(&self) -> usize {
        let heap: usize =
            if S::default().heap_bytes() == 0 && size_of::<S>() <= 16 { 0 } else { self.nodes.len() * 64 };
        growing_vec_bytes(&self.nodes) + self.memo.bytes() + heap
    }
}

/// Search within `budget`.
pub(crate) fn search<S: Slots>(graph: &mut Graph<'_>, budget: Budget) -> Outcome {
    let limit = graph.steps.saturating_add(budget.steps);
    let root = graph.root::<S>();
    if graph.is_goal(&root) {
        return Outcome::Found;
    }
    let mut layers: BTreeMap<u32, Layer<S>> = BTreeMap::new();
    let mut deepest = root.front;
    let mut bytes = 0usize;
    layers.insert(root.front, Layer { nodes: vec![root], memo: Memo::new() });
    while let Some((front, mut layer)) = layers.pop_first() {
        deepest = front;
        let mut done = 0;
        while done < layer.nodes.len() {
            let node = layer.nodes[done].clone();
            done += 1;
            for way in 0..graph.ways(&node) {
                let Some(next) = graph.way(&node, way) else { continue };
                if graph.is_goal(&next) {
                    return Outcome::Found;
                }
                if graph.steps > limit {
                    return Outcome::Out(Why::Steps { given: budget.steps });
                }
                let same = next.front == front;
                let target = if same {
                    &mut layer
                } else {
                    layers.entry(next.front).or_insert_with(|| Layer { nodes: Vec::new(), memo: Memo::new() })
                };
                let before = target.bytes();
                let used = bytes + graph.bytes();
                let room = (budget.bytes + target.memo.bytes()).saturating_sub(used);
                match target.memo.offer(&next, room) {
                    Offer::Old => continue,
                    Offer::New => target.nodes.push(next),
                    Offer::Full => return Outcome::Out(Why::Bytes { given: budget.bytes }),
                }
                bytes = bytes + target.bytes() - before;
            }
        }
        bytes -= layer.bytes().min(bytes);
    }
    Outcome::Stuck { front: deepest }
}
