//! Which promises a history keeps: the strongest, and the weakest it breaks.

use std::collections::BTreeMap;

use crate::causal::{Causality, causal};
use crate::convergent::convergent;
use crate::history::History;
use crate::level::Level;
use crate::linearizable::linearizable;
use crate::model::Model;
use crate::regular::regular;
use crate::sequential::sequential;
use crate::session::{Guarantee, session};
use crate::verdict::{Budget, Verdict, Violation};

/// A verdict for every level.
#[derive(Clone, Debug)]
pub struct Survey {
    verdicts: BTreeMap<Level, Verdict>,
}

/// Judge a history by every level that takes no parameter. Levels that follow from one already found true are not judged again.
pub fn survey<M: Model>(history: &History<M>, budget: &Budget) -> Survey {
    let mut verdicts = BTreeMap::new();
    for level in Level::LADDER {
        let implied =
            verdicts.iter().any(|(&stronger, v): (&Level, &Verdict)| v.is_ok() && stronger.implies(level));
        let verdict = if implied { Verdict::Ok } else { judge(history, level, budget) };
        verdicts.insert(level, verdict);
    }
    Survey { verdicts }
}

fn judge<M: Model>(history: &History<M>, level: Level, budget: &Budget) -> Verdict {
    match level {
        Level::Linearizable => linearizable(history, budget),
        Level::Sequential => sequential(history, budget),
        Level::CausalMemory => causal(history, Causality::Memory, budget),
        Level::CausalConvergence => causal(history, Causality::Convergence, budget),
        Level::Causal => causal(history, Causality::Consistency, budget),
        Level::ReadYourWrites => session(history, Guarantee::ReadYourWrites, budget),
        Level::MonotonicReads => session(history, Guarantee::MonotonicReads, budget),
        Level::MonotonicWrites => session(history, Guarantee::MonotonicWrites, budget),
        Level::WritesFollowReads => session(history, Guarantee::WritesFollowReads, budget),
        Level::Regular => regular(history),
        Level::Convergent => convergent(history),
        Level::BoundedStaleness
        | Level::ReadCommitted
        | Level::ReadAtomic
        | Level::CausalTransactions
        | Level::Serializable
        | Level::StrictSerializable => unreachable!("{level} is not on the ladder"),
    }
}

impl Survey {
    /// The verdict for each level.
    pub fn verdicts(&self) -> impl Iterator<Item = (Level, &Verdict)> {
        self.verdicts.iter().map(|(&level, verdict)| (level, verdict))
    }

    /// The verdict for `level`, if it is one of [`Level::LADDER`].
    pub fn verdict(&self, level: Level) -> Option<&Verdict> {
        self.verdicts.get(&level)
    }

    /// The levels that hold and that no other level that holds implies: one as a rule, several where they are incomparable.
    pub fn strongest(&self) -> Vec<Level> {
        let holds = |level: &Level| self.verdicts.get(level).is_some_and(Verdict::is_ok);
        let held: Vec<Level> = self.verdicts.keys().copied().filter(holds).collect();
        held.iter().copied().filter(|&l| !held.iter().any(|s| s.implies(l))).collect()
    }

    /// The levels that are broken and imply no other level that is broken: what the system does not even do.
    pub fn weakest_broken(&self) -> Vec<&Violation> {
        let broken: Vec<&Violation> = self.verdicts.values().filter_map(Verdict::violation).collect();
        let weakest = |v: &&Violation| !broken.iter().any(|other| v.level.implies(other.level));
        broken.iter().copied().filter(weakest).collect()
    }
}

/// The strongest levels that hold.
pub fn strongest<M: Model>(history: &History<M>, budget: &Budget) -> Vec<Level> {
    survey(history, budget).strongest()
}

/// The weakest guarantees broken, with the evidence.
pub fn weakest_broken<M: Model>(history: &History<M>, budget: &Budget) -> Vec<Violation> {
    survey(history, budget).weakest_broken().into_iter().cloned().collect()
}

/// The strongest levels that *no* history of a system breaks, among those decided for all of them.
pub fn place<'h, M: Model + 'h>(
    histories: impl IntoIterator<Item = &'h History<M>>,
    budget: &Budget,
) -> Vec<Level> {
    let mut kept: Vec<Level> = Level::LADDER.to_vec();
    for history in histories {
        let survey = survey(history, budget);
        kept.retain(|&level| survey.verdict(level).is_some_and(Verdict::is_ok));
    }
    kept.iter().copied().filter(|&l| !kept.iter().any(|s| s.implies(l))).collect()
}
