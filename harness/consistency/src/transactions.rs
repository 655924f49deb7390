//! Isolation of transactions, for unique written values.
//!
//! Biswas & Enea, *On the complexity of checking transactional consistency* (OOPSLA 2019): each level says which transactions t2 that write a key must have been
//! committed before t1, when t3 reads the key from t1. Read committed, read atomic and causal ask that only of what t3 can be told to have seen, and are
//! polynomial: one pass, and what follows must have no circle (their §4). Serializability asks it of all that committed
//! before t3, and is NP-complete; [`serializable`](isolation) is a search, for small histories.

use std::collections::{BTreeMap, BTreeSet};

use crate::explain;
use crate::history::{History, NEVER, OpId};
use crate::level::Level;
use crate::linearizable::linearizable;
use crate::minimize::{Evidence, minimize};
use crate::model::Model;
use crate::models::store::{Event, Return, Store};
use crate::reads_from::topological;
use crate::sequential::sequential;
use crate::verdict::{Budget, Verdict, Why};

/// How isolated transactions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isolation {
    /// Nobody sees what did not commit, nor part of a key's way to its last value; and what one read saw, later reads do not fall behind.
    ReadCommitted,
    /// Nobody sees part of a transaction (Bailis et al. 2014).
    ReadAtomic,
    /// Nobody sees an effect without its causes.
    Causal,
    /// One order of all transactions, that of each session kept.
    Serializable,
    /// … and that of time too.
    StrictSerializable,
}

impl Isolation {
    /// Its name among all levels.
    pub fn level(self) -> Level {
        match self {
            Self::ReadCommitted => Level::ReadCommitted,
            Self::ReadAtomic => Level::ReadAtomic,
            Self::Causal => Level::CausalTransactions,
            Self::Serializable => Level::Serializable,
            Self::StrictSerializable => Level::StrictSerializable,
        }
    }
}

/// Are the transactions isolated so? The session of a transaction is its process; one that never returned may have committed, and has if a committed one
/// saw it.
///
/// Undecided if two transactions write the same value to a key.
pub fn isolation<K, V>(history: &History<Store<K, V>>, level: Isolation, budget: &Budget) -> Verdict
where
    Store<K, V>: Model<Call = Vec<Event<K, V>>, Return = Return>,
    K: Ord + std::fmt::Debug,
    V: Ord + std::fmt::Debug,
{
    let all: Vec<OpId> = history.iter().map(|(id, _)| id).collect();
    match find(history, &all, level, budget) {
        Ok(None) => {}
        Err(why) => return Verdict::Undecided { why },
        Ok(Some(bad)) => {
            let mut breaks = |ids: &[OpId]| matches!(find(history, ids, level, budget), Ok(Some(_)));
            let core = minimize(history, Evidence { all, hint: None, in_time: false }, &mut breaks);
            let Bad { guilty, sentence } = find(history, &core, level, budget).ok().flatten().unwrap_or(bad);
            return explain::told(history, level.level(), guilty, core, sentence);
        }
    }
    let verdict = match level {
        Isolation::Serializable => sequential(history, budget),
        Isolation::StrictSerializable => linearizable(history, budget),
        _ => Verdict::Ok,
    };
    match verdict {
        Verdict::Violation(mut violation) => {
            violation.level = level.level();
            Verdict::Violation(violation)
        }
        other => other,
    }
}

struct Bad {
    guilty: OpId,
    sentence: String,
}

/// One transaction as seen from outside: what it took from others, and what it left.
struct Outside<'h, K, V> {
    id: OpId,
    /// In order; the writer by its place, `None` for the initial value.
    reads: Vec<(&'h K, Option<usize>)>,
    leaves: BTreeMap<&'h K, &'h V>,
}

fn find<K, V>(
    history: &History<Store<K, V>>,
    ids: &[OpId],
    level: Isolation,
    budget: &Budget,
) -> Result<Option<Bad>, Why>
where
    Store<K, V>: Model<Call = Vec<Event<K, V>>, Return = Return>,
    K: Ord + std::fmt::Debug,
    V: Ord + std::fmt::Debug,
{
    let txns = match outsides(history, ids)? {
        Ok(txns) => txns,
        Err(bad) => return Ok(Some(bad)),
    };
    let words = words_of(history, &txns);
    let n = txns.len();
    if n * n / 8 > budget.bytes {
        return Err(Why::Bytes { given: budget.bytes });
    }
    // session order and reads-from
    let mut so = vec![BTreeSet::new(); n];
    let mut before: Vec<Vec<u32>> = vec![Vec::new(); n];
    for (t, txn) in txns.iter().enumerate() {
        let op = &history[txn.id];
        let earlier = (0..t).filter(|&s| {
            let other = &history[txns[s].id];
            other.process == op.process && other.precedes(op)
        });
        so[t] = earlier.collect();
        before[t] = so[t]
            .iter()
            .map(|&s| s as u32)
            .chain(txn.reads.iter().filter_map(|r| r.1).map(|s| s as u32))
            .collect();
    }
    let Some(order) = topological(&before) else {
        let guilty = txns[n - 1].id;
        return Ok(Some(Bad {
            guilty,
            sentence: format!("transactions saw each other in a circle: {words}"),
        }));
    };
    let past = pasts(&before, &order);
    let mut writers: BTreeMap<&K, Vec<usize>> = BTreeMap::new();
    for (t, txn) in txns.iter().enumerate() {
        for key in txn.leaves.keys() {
            writers.entry(key).or_default().push(t);
        }
    }
    for (t3, txn) in txns.iter().enumerate() {
        for (i, &(key, from)) in txn.reads.iter().enumerate() {
            for &t2 in writers.get(key).into_iter().flatten().filter(|&&t2| t2 != t3 && Some(t2) != from) {
                let seen_before = || txn.reads[..i].iter().any(|r| r.1 == Some(t2));
                let seen = || txn.reads.iter().any(|r| r.1 == Some(t2));
                let must = match level {
                    Isolation::ReadCommitted => seen_before(),
                    Isolation::ReadAtomic => so[t3].contains(&t2) || seen(),
                    _ => past[t3][t2 / 64] >> (t2 % 64) & 1 == 1,
                };
                if !must {
                    continue;
                }
                let older = from.is_none_or(|t1| past[t2][t1 / 64] >> (t1 % 64) & 1 == 1);
                if older {
                    let other = &history[txns[t2].id];
                    let sentence = format!(
                        "{} read{} as it was before {}'s {}, which it had seen, in {}",
                        history[txn.id].process,
                        crate::words::at(key),
                        other.process,
                        history.model().describe(&other.call, None),
                        history.model().describe(&history[txn.id].call, None),
                    );
                    return Ok(Some(Bad { guilty: txn.id, sentence }));
                }
                if let Some(t1) = from {
                    before[t1].push(t2 as u32);
                }
            }
        }
    }
    Ok(topological(&before).is_none().then(|| Bad {
        guilty: txns[n - 1].id,
        sentence: format!("no order of commits explains what was read: {words}"),
    }))
}

fn words_of<K, V>(history: &History<Store<K, V>>, txns: &[Outside<'_, K, V>]) -> String
where
    Store<K, V>: Model,
{
    const SHOWN: usize = 8;
    txns.iter().take(SHOWN).map(|t| history.describe(t.id)).collect::<Vec<_>>().join("; ")
}

/// By transaction: all that leads to it, as bits.
fn pasts(before: &[Vec<u32>], order: &[u32]) -> Vec<Vec<u64>> {
    let words = before.len().div_ceil(64);
    let mut past = vec![vec![0u64; words]; before.len()];
    for &t in order {
        let mut mine = vec![0u64; words];
        for &cause in &before[t as usize] {
            mine.iter_mut().zip(&past[cause as usize]).for_each(|(a, b)| *a |= b);
            mine[cause as usize / 64] |= 1 << (cause % 64);
        }
        past[t as usize] = mine;
    }
    past
}

/// The transactions that took effect, from outside; or what no level allows: reads of nobody's writes, of aborted or unfinished ones, or past one's own.
fn outsides<'h, K, V>(
    history: &'h History<Store<K, V>>,
    ids: &[OpId],
) -> Result<Result<Vec<Outside<'h, K, V>>, Bad>, Why>
where
    Store<K, V>: Model<Call = Vec<Event<K, V>>, Return = Return>,
    K: Ord + std::fmt::Debug,
    V: Ord + std::fmt::Debug,
{
    let mut writer: BTreeMap<(&K, &V), (OpId, bool)> = BTreeMap::new();
    for &id in ids {
        let mut last: BTreeMap<&K, &V> = BTreeMap::new();
        for event in &history[id].call {
            let Event::Write(key, value) = event else { continue };
            if writer.insert((key, value), (id, true)).is_some() {
                return Err(Why::SharedValue { write: id });
            }
            if let Some(overwritten) = last.insert(key, value) {
                writer.insert((key, overwritten), (id, false));
            }
        }
    }
    // committed, or seen by one that was
    let mut effective: BTreeSet<OpId> = BTreeSet::new();
    let mut todo: Vec<OpId> =
        ids.iter().copied().filter(|&id| history[id].answer == Some(Return::Committed)).collect();
    while let Some(id) = todo.pop() {
        if effective.insert(id) {
            let sources = history[id].call.iter().filter_map(|event| match event {
                Event::Read(key, Some(value)) => writer.get(&(key, value)).map(|w| w.0),
                _ => None,
            });
            todo.extend(sources.filter(|&w| history[w].ret_rank == NEVER));
        }
    }
    let place: BTreeMap<OpId, usize> = effective.iter().copied().zip(0..).collect();
    let mut txns = Vec::with_capacity(effective.len());
    for &id in &effective {
        let mut own: BTreeMap<&K, &V> = BTreeMap::new();
        let mut reads = Vec::new();
        for event in &history[id].call {
            let (key, value) = match event {
                Event::Write(key, value) => {
                    own.insert(key, value);
                    continue;
                }
                Event::Read(key, value) => (key, value.as_ref()),
            };
            let who = history[id].process;
            let bad = |what: String| {
                let seen = value.map_or_else(|| "nothing".to_owned(), |v| format!("{v:?}"));
                let from = crate::words::at(key);
                let from = if from.is_empty() { from } else { format!(" from{from}") };
                Ok(Err(Bad { guilty: id, sentence: format!("{who} read {seen}{from}{what}") }))
            };
            if let Some(&mine) = own.get(key) {
                if value != Some(mine) {
                    return bad(format!(" after it had written {mine:?} in the same transaction"));
                }
                continue;
            }
            let Some(value) = value else {
                reads.push((key, None));
                continue;
            };
            match writer.get(&(key, value)) {
                None => return bad(", and nothing ever wrote that".to_owned()),
                Some(&(w, _)) if w == id => return bad(" before it wrote that itself".to_owned()),
                Some(&(w, _)) if !effective.contains(&w) => {
                    return bad(format!(
                        ", which {} wrote in a transaction that aborted",
                        history[w].process
                    ));
                }
                Some(&(w, false)) => {
                    return bad(format!(", which {} overwrote in the same transaction", history[w].process));
                }
                Some(&(w, true)) => reads.push((key, Some(place[&w]))),
            }
        }
        txns.push(Outside { id, reads, leaves: own });
    }
    Ok(Ok(txns))
}
