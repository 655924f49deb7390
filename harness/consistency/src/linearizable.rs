//! Linearizability (Herlihy & Wing 1990): every operation takes effect at one moment between its invocation and its return.
//!
//! Parts of the object (keys) are judged one by one: linearizability is local (Herlihy & Wing 1990, §3.1, Theorem 1; Horn & Kroening 2015
//! call using it for speed *P-compositionality*). A part that consists of reads and writes of unique values is judged in polynomial time
//! ([Gibbons & Korach 1997](https://doi.org/10.1137/S0097539794279614), in `zones`); any other by search. Depth first is quick where there is an order to be found, and may
//! remember gigabytes where there is none; sweeping all configurations along the history is the opposite. So they take turns
//! with growing budgets, and the first to know answers.

use crate::history::{History, NEVER, OpId};
use crate::level::Level;
use crate::minimize::{Evidence, minimize};
use crate::model::Model;
use crate::problem::Problem;
use crate::search::{Graph, Outcome};
use crate::slots::{Slots, Wide};
use crate::states::States;
use crate::verdict::{Budget, Verdict, Why};
use crate::{depth, explain, hopeless, sweep, zones};

/// Steps of the first turn of each search; every turn has [`GROWTH`] times those of the one before.
const FIRST_TURN: u64 = 50_000;
const GROWTH: u64 = 8;
/// Steps for each question asked on the way to a minimal sub-history.
const EVIDENCE_STEPS: u64 = 2_000_000;

/// Is the history linearizable?
///
/// `budget.steps` bounds the search of each part; `budget.bytes` what is in memory at once.
///
/// ```
/// use consistency::{Budget, History, Process, linearizable, models::register::{Call, Register, Return}};
///
/// let mut history = History::new(Register::<(), u64>::default());
/// let write = history.invoke(Process(1), 10, Call::Write((), 5));
/// history.returned(write, 20, Return::Written);
/// let read = history.invoke(Process(2), 30, Call::Read(()));
/// history.returned(read, 40, Return::Read(None));
///
/// let verdict = linearizable(&history, &Budget::default());
/// assert_eq!(verdict.to_string(), "not linearizable: p2 read nothing after write 5 had finished");
/// ```
pub fn linearizable<M: Model>(history: &History<M>, budget: &Budget) -> Verdict {
    let parts = history.parts();
    let mut undecided = None;
    let mut first: Option<(u32, OpId, &Vec<OpId>)> = None;
    for ids in &parts {
        match judge(history, ids, budget) {
            Part::Ok => {}
            Part::Bad { stuck } => {
                let rank = history[stuck].ret_rank;
                if first.is_none_or(|(earliest, ..)| rank < earliest) {
                    first = Some((rank, stuck, ids));
                }
            }
            Part::Undecided(why) => undecided = undecided.or(Some(why)),
        }
    }
    match (first, undecided) {
        (Some((_, stuck, ids)), _) => evidence(history, ids, stuck, budget),
        (None, Some(why)) => Verdict::Undecided { why },
        (None, None) => Verdict::Ok,
    }
}

/// The verdict on one part.
enum Part {
    Ok,
    /// No order reaches the return of `stuck`.
    Bad {
        stuck: OpId,
    },
    Undecided(Why),
}

fn judge<M: Model>(history: &History<M>, ids: &[OpId], budget: &Budget) -> Part {
    match zones::check(history, ids) {
        Some(Ok(())) => Part::Ok,
        Some(Err(_)) => Part::Bad { stuck: zones_stuck(history, ids) },
        None => {
            if let Some(stuck) = hopeless::find(history, ids) {
                return Part::Bad { stuck };
            }
            let (problem, states) = Problem::new(history, ids);
            match solve(&problem, states, budget).0 {
                Outcome::Found => Part::Ok,
                Outcome::Stuck { front } => Part::Bad { stuck: problem.returns[front as usize] },
                Outcome::Out(why) => Part::Undecided(why),
            }
        }
    }
}

/// For registers with unique values, where the polynomial path said no: the first return by which all is lost.
fn zones_stuck<M: Model>(history: &History<M>, ids: &[OpId]) -> OpId {
    let returns = returns(history, ids, 0);
    let first = returns.partition_point(|&id| {
        let (cut, seen) = as_of(history, ids, id);
        !matches!(zones::check(&cut, &seen), Some(Err(_)))
    });
    returns[first.min(returns.len() - 1)]
}

/// Those of `ids` that returned at `from` or later, in the order of their returns.
fn returns<M: Model>(history: &History<M>, ids: &[OpId], from: u32) -> Vec<OpId> {
    let mut returns: Vec<(u32, OpId)> = ids.iter().map(|&id| (history[id].ret_rank, id)).collect();
    returns.retain(|&(rank, _)| (from..NEVER).contains(&rank));
    returns.sort_unstable();
    returns.into_iter().map(|(_, id)| id).collect()
}

/// Both searches in turn, on the narrowest sets that fit; and the steps they took.
fn solve(problem: &Problem, states: States<'_>, budget: &Budget) -> (Outcome, u64) {
    match problem.slots.max(problem.lost.len() as u32) {
        0..=64 => take_turns::<u64>(problem, states, budget),
        65..=128 => take_turns::<u128>(problem, states, budget),
        _ => take_turns::<Wide>(problem, states, budget),
    }
}

fn take_turns<S: Slots>(problem: &Problem, states: States<'_>, budget: &Budget) -> (Outcome, u64) {
    let bytes = budget.bytes.saturating_sub(problem.bytes());
    let mut graph = Graph::new(problem, states);
    let mut turn = FIRST_TURN;
    let mut why = Why::Steps { given: budget.steps };
    let mut searches: Vec<fn(&mut Graph<'_>, Budget) -> Outcome> =
        vec![depth::search::<S>, sweep::search::<S>];
    while !searches.is_empty() && graph.steps < budget.steps {
        let mut index = 0;
        while index < searches.len() {
            let steps = turn.min(budget.steps.saturating_sub(graph.steps));
            match searches[index](&mut graph, Budget { steps, bytes }) {
                Outcome::Out(Why::Bytes { .. }) => {
                    why = Why::Bytes { given: budget.bytes };
                    searches.remove(index);
                    graph.forget();
                }
                Outcome::Out(_) => index += 1,
                decided => return (decided, graph.steps),
            }
        }
        turn = turn.saturating_mul(GROWTH);
    }
    (Outcome::Out(why), graph.steps)
}

/// The evidence against a part that is not linearizable, `stuck` being a return that no order reaches.
fn evidence<M: Model>(history: &History<M>, ids: &[OpId], stuck: OpId, budget: &Budget) -> Verdict {
    let mut left = budget.steps;
    let mut breaks = |history: &History<M>, ids: &[OpId]| match zones::check(history, ids) {
        Some(verdict) => verdict.is_err(),
        None if hopeless::find(history, ids).is_some() => true,
        None => {
            let (problem, states) = Problem::new(history, ids);
            let turn = Budget { steps: left.min(EVIDENCE_STEPS), bytes: budget.bytes };
            let (outcome, steps) = solve(&problem, states, &turn);
            left = left.saturating_sub(steps);
            matches!(outcome, Outcome::Stuck { .. })
        }
    };
    let guilty = first_bad_return(history, ids, stuck, &mut breaks);
    let (cut, seen) = as_of(history, ids, guilty);
    let hint = match zones::check(&cut, &seen) {
        Some(Err(conflict)) => Some(conflict.involved),
        _ => None,
    };
    let core = minimize(&cut, Evidence { all: seen, hint, in_time: true }, &mut |ids| breaks(&cut, ids));
    // an answer may have been the last straw only because it denied that its operation had done something: blame those who saw it done
    let last = core.iter().copied().max_by_key(|&id| (cut[id].answer.is_some(), cut[id].ret_rank));
    let guilty = if core.contains(&guilty) { guilty } else { last.unwrap_or(guilty) };
    explain::violation(history, Level::Linearizable, guilty, core)
}

/// The history as it stood when `last` returned, and which of `ids` had been invoked.
fn as_of<M: Model>(history: &History<M>, ids: &[OpId], last: OpId) -> (History<M>, Vec<OpId>) {
    let rank = history[last].ret_rank;
    (history.cut(rank), ids.iter().copied().filter(|&id| history[id].call_rank < rank).collect())
}

/// The first return by which all is lost, whatever might have followed (linearizability is closed under prefixes). A search may be stuck a little
/// earlier, as it knows what operations under way will answer.
fn first_bad_return<M: Model>(
    history: &History<M>,
    ids: &[OpId],
    stuck: OpId,
    breaks: &mut impl FnMut(&History<M>, &[OpId]) -> bool,
) -> OpId {
    let returns = returns(history, ids, history[stuck].ret_rank);
    let mut bad = |id: OpId| {
        let (cut, seen) = as_of(history, ids, id);
        breaks(&cut, &seen)
    };
    if bad(stuck) {
        return stuck;
    }
    let first = returns.partition_point(|&id| !bad(id));
    returns[first.min(returns.len() - 1)]
}
