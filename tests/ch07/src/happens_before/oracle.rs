//! `happens_before`: how a run is judged.

use super::worlds::Run;
use judge::{Oracle, Reached, Violation};
use kit::answers::{Answer, Heard};
use lab::NodeId;
use lab::happens_before::Order;
use std::collections::BTreeSet;
use world::{Observation, World};

pub(super) const EVERY_ANSWER: (&str, &str) =
    (ALL, "Untested: the questions of the runs did not need every possible answer.");
pub(super) const ALL: &str = "pairs before, after and concurrent";
pub(super) const FAR: &str = "a chain over three nodes";
pub(super) const LIVES: &str = "a chain through a restart";
pub(super) const LOST: &str = "a message that never arrived";
pub(super) const TWICE: &str = "a message that arrived twice";

/// What was answered about the pairs of a run.
pub(super) struct Answers {
    pub(super) run: Run,
    pub(super) pairs: Vec<(usize, usize)>,
    pub(super) heard: Heard,
}
impl Oracle for Answers {
    fn see(&mut self, _: &World, seen: &Observation) -> Result<(), Violation> {
        self.heard.see(seen);
        Ok(())
    }
    fn end(&mut self, _: &World, reached: &mut Reached) -> Result<(), Violation> {
        let run = &self.run;
        let mut answers = BTreeSet::new();
        for (nth, &(a, b)) in (1..).zip(&self.pairs) {
            let Some(Answer { at, said }) = self.heard.answer::<Order>(1, nth)? else { continue };
            let truth = run.truth(a, b);
            if said != truth {
                return Err(Violation::of(at, "wrong-order", run.wrong(a, b, said)));
            }
            answers.insert(truth as u8);
            if truth == Order::Before {
                let chain = run.chain(a, b);
                let nodes: BTreeSet<NodeId> = chain.iter().map(|e| run.events[*e].node).collect();
                reached.mark_if(FAR, nodes.len() > 2);
                let restarts = |pair: &[usize]| {
                    run.events[pair[0]].node == run.events[pair[1]].node && !run.of_one_life(pair[0], pair[1])
                };
                reached.mark_if(LIVES, chain.windows(2).any(restarts));
            }
            for message in run.messages.iter().filter(|message| [a, b].contains(&message.sent)) {
                reached.mark_if(LOST, message.receipts.is_empty());
                reached.mark_if(TWICE, message.receipts.len() > 1);
            }
        }
        let all = [Order::Before, Order::After, Order::Concurrent];
        reached.mark_if(ALL, all.iter().all(|order| answers.contains(&(*order as u8))));
        Ok(())
    }
}
