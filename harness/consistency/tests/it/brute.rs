//! The definitions, word by word, by trying everything.

use std::collections::{BTreeMap, BTreeSet};

use consistency::models::register;
use consistency::{Causality, Guarantee, History, Model, OpId};

/// Linearizable, of a history with one part: try every order that keeps `precedes`, with and without each operation that never returned.
pub(crate) fn linearizable<M: Model>(history: &History<M>) -> bool {
    fn go<M: Model>(history: &History<M>, state: &M::State, left: &[OpId]) -> bool {
        if left.iter().all(|&id| history[id].answer.is_none()) {
            return true;
        }
        left.iter().any(|&id| {
            let op = &history[id];
            let first = left.iter().all(|&other| other == id || !history[other].precedes(op));
            first
                && history.model().step(state, &op.call, op.answer.as_ref()).is_some_and(|next| {
                    let rest: Vec<OpId> = left.iter().copied().filter(|&other| other != id).collect();
                    go(history, &next, &rest)
                })
        })
    }
    let all: Vec<OpId> = history.iter().map(|(id, _)| id).collect();
    go(history, &history.model().init(), &all)
}

/// Program order.
fn po<M: Model>(history: &History<M>, a: OpId, b: OpId) -> bool {
    history[a].process == history[b].process && history[a].precedes(&history[b])
}

/// Every subset of the operations that never returned, with all that did.
fn completions<M: Model>(history: &History<M>) -> Vec<Vec<OpId>> {
    let (done, lost): (Vec<OpId>, Vec<OpId>) =
        history.iter().map(|(id, _)| id).partition(|&id| history[id].answer.is_some());
    (0..1u32 << lost.len())
        .map(|set| {
            let some = lost.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1).map(|(_, &id)| id);
            let mut all: Vec<OpId> = done.iter().copied().chain(some).collect();
            all.sort_unstable();
            all
        })
        .collect()
}

/// States of all keys, one operation later; `shown`: its answer counts.
fn apply<M: Model>(
    history: &History<M>,
    states: &BTreeMap<Option<M::Key>, M::State>,
    id: OpId,
    shown: bool,
) -> Option<BTreeMap<Option<M::Key>, M::State>> {
    let op = &history[id];
    let key = history.model().key(&op.call);
    let state = states.get(&key).cloned().unwrap_or_else(|| history.model().init());
    let answer = if shown { op.answer.as_ref() } else { None };
    let next = history.model().step(&state, &op.call, answer)?;
    let mut states = states.clone();
    states.insert(key, next);
    Some(states)
}

/// Is there an order of `ops` that extends `before` and in which every answer of those in `shown` is right?
fn explained<M: Model>(
    history: &History<M>,
    ops: &[OpId],
    before: &dyn Fn(OpId, OpId) -> bool,
    shown: &dyn Fn(OpId) -> bool,
) -> bool {
    fn go<M: Model>(
        history: &History<M>,
        states: &BTreeMap<Option<M::Key>, M::State>,
        left: &[OpId],
        before: &dyn Fn(OpId, OpId) -> bool,
        shown: &dyn Fn(OpId) -> bool,
    ) -> bool {
        left.is_empty()
            || left.iter().any(|&id| {
                left.iter().all(|&other| other == id || !before(other, id))
                    && apply(history, states, id, shown(id)).is_some_and(|next| {
                        let rest: Vec<OpId> = left.iter().copied().filter(|&other| other != id).collect();
                        go(history, &next, &rest, before, shown)
                    })
            })
    }
    go(history, &BTreeMap::new(), ops, before, shown)
}

/// Sequentially consistent, by definition.
pub(crate) fn sequential<M: Model>(history: &History<M>) -> bool {
    completions(history).iter().any(|ops| explained(history, ops, &|a, b| po(history, a, b), &|_| true))
}

/// All strict partial orders on n elements, as rows of bits: `order[a] >> b & 1`, a before b.
pub(crate) struct Orders(Vec<Vec<Vec<u8>>>);

impl Orders {
    pub(crate) fn up_to(n: usize) -> Self {
        Self((0..=n).map(Self::of).collect())
    }

    fn of(n: usize) -> Vec<Vec<u8>> {
        let pairs: Vec<(usize, usize)> =
            (0..n).flat_map(|a| (0..n).map(move |b| (a, b))).filter(|(a, b)| a != b).collect();
        let transitive = |rows: &Vec<u8>| {
            (0..n).all(|a| {
                (0..n).all(|b| rows[a] >> b & 1 == 0 || (rows[b] & !rows[a] == 0 && rows[b] >> a & 1 == 0))
            })
        };
        (0..1u64 << pairs.len())
            .map(|set| {
                let mut rows = vec![0u8; n];
                for (i, &(a, b)) in pairs.iter().enumerate() {
                    rows[a] |= ((set >> i & 1) as u8) << b;
                }
                rows
            })
            .filter(transitive)
            .collect()
    }
}

/// Causal in the given meaning, by the definition of Bouajjani et al. 2017, §3: there is a causal order that contains program order, such that …
pub(crate) fn causal<M: Model>(history: &History<M>, meaning: Causality, orders: &Orders) -> bool {
    completions(history).iter().any(|ops| {
        let n = ops.len();
        let index = |id: OpId| ops.iter().position(|&o| o == id).expect("one of them");
        orders.0[n].iter().any(|co| {
            let leads = |a: OpId, b: OpId| co[index(a)] >> index(b) & 1 == 1;
            let contains_po = ops.iter().all(|&a| ops.iter().all(|&b| !po(history, a, b) || leads(a, b)));
            let past = |o: OpId| ops.iter().copied().filter(|&a| a == o || leads(a, o)).collect::<Vec<_>>();
            contains_po
                && match meaning {
                    Causality::Consistency => {
                        ops.iter().all(|&o| explained(history, &past(o), &leads, &|x| x == o))
                    }
                    Causality::Memory => ops
                        .iter()
                        .all(|&o| explained(history, &past(o), &leads, &|x| x == o || po(history, x, o))),
                    Causality::Convergence => orders.0[n].iter().filter(|arb| total(arb)).any(|arb| {
                        let first = |a: OpId, b: OpId| arb[index(a)] >> index(b) & 1 == 1;
                        let contains_co = co.iter().zip(arb).all(|(c, a)| c & !a == 0);
                        contains_co && ops.iter().all(|&o| explained(history, &past(o), &first, &|x| x == o))
                    }),
                }
        })
    })
}

fn total(order: &[u8]) -> bool {
    order.iter().map(|row| row.count_ones() as usize).sum::<usize>()
        == order.len() * order.len().saturating_sub(1) / 2
}

type Reg = register::Register<u8, u64>;

/// Regular with the write-order condition of Shao et al. 2011: each read is explained by an order of the writes invoked before it returned, that order keeps
/// time, and those of two reads agree on the writes in both. (Those of a read are among those of every read that returned later: so it is one order.)
pub(crate) fn regular(history: &History<Reg>) -> bool {
    let key = |id: OpId| history.model().key(&history[id].call);
    let wrote = |id: OpId| match history[id].call {
        register::Call::Write(_, value) => Some(value),
        register::Call::Read(_) => None,
    };
    let keys: BTreeSet<_> = history.iter().map(|(id, _)| key(id)).collect();
    keys.into_iter().all(|k| {
        let of_key = || history.iter().map(|(id, _)| id).filter(|&id| key(id) == k);
        completions(history).into_iter().any(|happened| {
            let mut writes: Vec<u64> =
                of_key().filter(|id| happened.contains(id)).filter_map(wrote).collect();
            let write =
                |value: u64| &history[of_key().find(|&id| wrote(id) == Some(value)).expect("one wrote it")];
            permutations(&mut writes, 0, &mut |order| {
                let keeps_time = order
                    .iter()
                    .enumerate()
                    .all(|(i, &later)| order[..i].iter().all(|&w| !write(later).precedes(write(w))));
                keeps_time
                    && of_key().all(|id| {
                        let Some(register::Return::Read(saw)) = history[id].answer else { return true };
                        let read = &history[id];
                        let relevant: Vec<u64> =
                            order.iter().copied().filter(|&w| !read.precedes(write(w))).collect();
                        (0..=relevant.len()).any(|place| {
                            let (before, after) = relevant.split_at(place);
                            before.last().copied() == saw && !after.iter().any(|&w| write(w).precedes(read))
                        })
                    })
            })
        })
    })
}

/// The session guarantee, by its definition in `consistency::session`: for each session and key some order of the key's writes explains its reads.
pub(crate) fn session(history: &History<Reg>, guarantee: Guarantee) -> bool {
    let key = |id: OpId| history.model().key(&history[id].call);
    let wrote = |id: OpId| match history[id].call {
        register::Call::Write(_, value) => Some(value),
        register::Call::Read(_) => None,
    };
    let read = |id: OpId| match history[id].answer {
        Some(register::Return::Read(value)) => Some(value),
        _ => None,
    };
    let ops: Vec<OpId> = history.iter().map(|(id, _)| id).collect();
    let before = |a: OpId, b: OpId| po(history, a, b);
    let saw = |id: OpId| wrote(id).or_else(|| read(id).flatten());
    let must = |r: OpId| -> Vec<u64> {
        let same = |id: &OpId| key(*id) == key(r);
        let mine = || ops.iter().copied().filter(move |&o| before(o, r));
        // writes that r's session has seen, r included
        let seen: Vec<u64> = mine().chain([r]).filter_map(|o| read(o).flatten()).collect();
        let sources: Vec<OpId> =
            ops.iter().copied().filter(|&w| wrote(w).is_some_and(|v| seen.contains(&v))).collect();
        let behind = || ops.iter().copied().filter(|&o| sources.iter().any(|&w| before(o, w)));
        match guarantee {
            Guarantee::ReadYourWrites => mine().filter(same).filter_map(wrote).collect(),
            Guarantee::MonotonicReads => mine().filter(same).filter_map(|o| read(o).flatten()).collect(),
            Guarantee::MonotonicWrites => behind().filter(same).filter_map(wrote).collect(),
            Guarantee::WritesFollowReads => behind().filter(same).filter_map(|o| read(o).flatten()).collect(),
        }
    };
    let processes: BTreeSet<_> = history.operations().iter().map(|op| op.process).collect();
    let keys: BTreeSet<_> = ops.iter().map(|&o| key(o)).collect();
    processes.iter().all(|&process| {
        keys.iter().all(|k| {
            let mut values: Vec<u64> =
                ops.iter().filter(|&&o| key(o) == *k).filter_map(|&o| wrote(o)).collect();
            permutations(&mut values, 0, &mut |order| {
                let at = |value: u64| order.iter().position(|&v| v == value);
                let base = ops.iter().all(|&w| {
                    ops.iter().all(|&o| {
                        wrote(w).is_none()
                            || key(w) != *k
                            || key(o) != *k
                            || !before(o, w)
                            || saw(o)
                                .is_none_or(|v| at(v).is_some() && at(v) < at(wrote(w).expect("a write")))
                    })
                });
                base && ops.iter().filter(|&&r| key(r) == *k && history[r].process == process).all(|&r| {
                    match read(r) {
                        None => true,
                        Some(None) => must(r).is_empty(),
                        Some(Some(value)) => {
                            at(value).is_some() && must(r).iter().all(|&m| at(m) <= at(value))
                        }
                    }
                })
            })
        })
    })
}

fn permutations(values: &mut Vec<u64>, from: usize, good: &mut dyn FnMut(&[u64]) -> bool) -> bool {
    if from == values.len() {
        return good(values);
    }
    (from..values.len()).any(|i| {
        values.swap(from, i);
        let found = permutations(values, from + 1, good);
        values.swap(from, i);
        found
    })
}
