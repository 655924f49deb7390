//! The weaker levels against brute force, on what clients of a careless replicated store might see.

use std::collections::BTreeMap;

use consistency::models::register::{Call, Register, Return};
use consistency::{
    Budget, Causality, Guarantee, History, Level, OpId, Process, Verdict, causal, linearizable, regular,
    sequential, session, survey,
};

use crate::brute::{self, Orders};
use crate::linear::{histories, show};
use crate::play::Rng;

type Reg = Register<u8, u64>;

/// How careless the store is.
#[derive(Clone, Copy)]
struct Store {
    operations: usize,
    clients: u32,
    keys: u64,
    /// Percent of steps on which a client learns of some write.
    gossip: usize,
    /// Percent of reads that return anything.
    lies: usize,
    /// Percent of operations that read.
    reads: usize,
    /// Percent of lies that read nothing, besides those that do so by chance.
    nil: usize,
    /// Percent of the other lies that read what was written last.
    latest: usize,
}

/// Clients with a view each, which takes over writes of others in any order.
fn careless(rng: &mut Rng, store: Store) -> History<Reg> {
    let mut history = History::new(Reg::default());
    let mut views: Vec<BTreeMap<u8, u64>> = vec![BTreeMap::new(); store.clients as usize];
    let mut writes: Vec<(u8, u64)> = Vec::new();
    let mut open: Vec<Option<(OpId, Return<u64>)>> = vec![None; store.clients as usize];
    let (mut now, mut left) = (0, store.operations);
    while left > 0 || open.iter().any(Option::is_some) {
        now += 1;
        let client = rng.below(store.clients as usize);
        if rng.chance(store.gossip) && !writes.is_empty() {
            let (key, value) = writes[rng.below(writes.len())];
            views[client].insert(key, value);
        } else if let Some((id, answer)) = open[client].take() {
            if left == 0 || !rng.chance(10) {
                history.returned(id, now, answer);
            } // or never
        } else if left > 0 {
            left -= 1;
            let key = rng.below(store.keys as usize) as u8;
            let process = Process(client as u32);
            if !rng.chance(store.reads) {
                let value = now;
                views[client].insert(key, value);
                writes.push((key, value));
                open[client] = Some((history.invoke(process, now, Call::Write(key, value)), Return::Written));
            } else {
                let mut value = views[client].get(&key).copied();
                if rng.chance(store.lies) {
                    let of_key: Vec<u64> = writes.iter().filter(|w| w.0 == key).map(|w| w.1).collect();
                    value = match () {
                        () if rng.chance(store.nil) => None,
                        () if rng.chance(store.latest) => of_key.last().copied(),
                        () => of_key.get(rng.below(of_key.len() + 1)).copied(),
                    };
                }
                open[client] = Some((history.invoke(process, now, Call::Read(key)), Return::Read(value)));
            }
        }
    }
    history
}

/// A history with its verdict by brute force: every other one illegal, if that can be had in a few draws.
fn balanced<H>(n: u64, rng: &mut Rng, draw: impl Fn(&mut Rng) -> H, brute: impl Fn(&H) -> bool) -> (H, bool) {
    let mut drawn = draw(rng);
    let mut legal = brute(&drawn);
    for _ in 0..40 {
        if !legal || n.is_multiple_of(2) {
            break;
        }
        drawn = draw(rng);
        legal = brute(&drawn);
    }
    (drawn, legal)
}

/// Judge by both; the checker's witness must be one for brute force too.
fn agree(
    name: &str,
    store: Store,
    judge: impl Fn(&History<Reg>) -> Verdict,
    brute: impl Fn(&History<Reg>) -> bool,
) {
    let mut rng = Rng(3);
    let (mut legal, total) = (0, histories());
    for n in 0..total {
        let draw = |rng: &mut Rng| {
            let keys = if rng.chance(20) { 2 } else { store.keys };
            let clients = store.clients + u32::from(rng.chance(20));
            careless(rng, Store { keys, clients, ..store })
        };
        let (history, expected) = balanced(n, &mut rng, draw, &brute);
        legal += u64::from(expected);
        let verdict = judge(&history);
        match &verdict {
            Verdict::Ok => assert!(expected, "{name} {n}: {verdict}{}", show(&history)),
            Verdict::Violation(violation) => {
                assert!(!expected, "{name} {n}: {verdict}{}", show(&history));
                assert!(
                    !brute(&history.restrict(&violation.core)),
                    "{name} {n}: {verdict}{}",
                    show(&history)
                );
                assert!(
                    violation.core.contains(&violation.guilty),
                    "{name} {n}: {verdict}{}",
                    show(&history)
                );
            }
            Verdict::Undecided { why } => panic!("{name} {n}: undecided, {why}"),
        }
    }
    let percent = 100 * legal / total;
    crate::linear::report(name, total, percent);
}

const SMALL: Store =
    Store { operations: 9, clients: 3, keys: 2, gossip: 40, lies: 50, reads: 60, nil: 0, latest: 0 };
const TINY: Store =
    Store { operations: 5, clients: 2, keys: 1, gossip: 10, lies: 80, reads: 65, nil: 15, latest: 0 };

#[test]
fn sequential_consistency() {
    agree("sequential", SMALL, |h| sequential(h, &Budget::default()), brute::sequential);
}

fn causality(name: &str, meaning: Causality) {
    let orders = Orders::up_to(5);
    agree(name, TINY, |h| causal(h, meaning, &Budget::default()), |h| brute::causal(h, meaning, &orders));
}

#[test]
fn causal_consistency() {
    causality("causal, CC", Causality::Consistency);
}

#[test]
fn causal_memory() {
    causality("causal, CM", Causality::Memory);
}

#[test]
fn causal_convergence() {
    causality("causal, CCv", Causality::Convergence);
}

#[test]
fn session_guarantees() {
    for guarantee in Guarantee::ALL {
        let store = match guarantee {
            Guarantee::ReadYourWrites => Store { operations: 10, lies: 60, ..SMALL },
            Guarantee::MonotonicReads => Store { operations: 11, lies: 80, keys: 1, ..SMALL },
            Guarantee::MonotonicWrites => Store {
                operations: 11,
                clients: 2,
                keys: 2,
                gossip: 0,
                lies: 100,
                reads: 65,
                nil: 45,
                latest: 90,
            },
            Guarantee::WritesFollowReads => Store {
                operations: 15,
                clients: 3,
                keys: 2,
                gossip: 0,
                lies: 100,
                reads: 70,
                nil: 45,
                latest: 90,
            },
        };
        agree(
            &guarantee.level().to_string(),
            store,
            |h| session(h, guarantee, &Budget::default()),
            |h| brute::session(h, guarantee),
        );
    }
}

#[test]
fn regular_registers() {
    let store =
        Store { operations: 7, clients: 4, keys: 1, gossip: 60, lies: 25, reads: 55, nil: 0, latest: 90 };
    agree("regular", store, regular, brute::regular);
}

#[test]
fn a_level_that_holds_brings_all_it_implies() {
    let mut rng = Rng(5);
    for n in 0..histories() {
        let operations = 4 + rng.below(8);
        let lies = if n % 2 == 0 { 0 } else { 30 };
        let gossip = 30 + rng.below(50);
        let history = careless(&mut rng, Store { operations, lies, gossip, ..SMALL });
        let mut holds: BTreeMap<Level, bool> = BTreeMap::new();
        holds.insert(Level::Linearizable, linearizable(&history, &Budget::default()).is_ok());
        holds.insert(Level::Sequential, sequential(&history, &Budget::default()).is_ok());
        for meaning in [Causality::Memory, Causality::Convergence, Causality::Consistency] {
            holds.insert(meaning.level(), causal(&history, meaning, &Budget::default()).is_ok());
        }
        for guarantee in Guarantee::ALL {
            holds.insert(guarantee.level(), session(&history, guarantee, &Budget::default()).is_ok());
        }
        for (&strong, &is) in &holds {
            for (&weak, &is_weak) in &holds {
                assert!(
                    !(is && strong.implies(weak)) || is_weak,
                    "{n}: {strong}, not {weak}{}",
                    show(&history)
                );
            }
        }
        holds.insert(Level::Regular, regular(&history).is_ok());
        let found = survey(&history, &Budget::default());
        for (level, is) in holds {
            assert_eq!(found.verdict(level).map(Verdict::is_ok), Some(is), "{n}: {level}{}", show(&history));
        }
    }
}

mod transactions {
    //! Isolation by the axioms of Biswas & Enea 2019, §3, over all orders of commits.

    use std::collections::BTreeMap;

    use consistency::models::store::{Call, Event, Return, Store};
    use consistency::{Budget, History, Isolation, OpId, Process, Verdict, isolation};

    use crate::brute;
    use crate::linear::{histories, show};
    use crate::play::Rng;

    type Db = Store<u8, u64>;

    /// Sessions whose transactions read values of any age `sloppy` times in a hundred; `dirty` in twenty abort, and may be seen all the same.
    fn database(rng: &mut Rng, sloppy: usize, dirty: usize) -> History<Db> {
        let mut history = History::new(Db::default());
        let mut versions: BTreeMap<u8, Vec<Option<u64>>> = BTreeMap::new();
        let mut fresh = 0;
        for now in 0..3 + rng.below(3) as u64 {
            let process = Process(rng.below(3) as u32);
            let mut call: Call<u8, u64> = Vec::new();
            let mut own: BTreeMap<u8, u64> = BTreeMap::new();
            for _ in 0..1 + rng.below(4) {
                let key = rng.below(2) as u8;
                if rng.chance(45) {
                    fresh += 1;
                    own.insert(key, fresh);
                    call.push(Event::Write(key, fresh));
                } else {
                    let all = versions.entry(key).or_insert_with(|| vec![None]);
                    let old = if rng.chance(sloppy) { rng.below(all.len()) } else { all.len() - 1 };
                    call.push(Event::Read(key, own.get(&key).copied().or(all[old])));
                }
            }
            let id = history.invoke(process, 2 * now, call);
            let outcome = rng.below(20);
            if outcome > dirty || rng.chance(50) {
                own.iter().for_each(|(&key, &value)| {
                    versions.entry(key).or_insert_with(|| vec![None]).push(Some(value))
                });
            }
            match outcome {
                n if n <= dirty => history.returned(id, 2 * now + 1, Return::Aborted),
                18 | 19 => {}
                _ => history.returned(id, 2 * now + 1, Return::Committed),
            }
        }
        history
    }

    /// Does some order of commits satisfy the level's axiom?
    fn axioms(history: &History<Db>, level: Isolation) -> bool {
        let writer = |key: u8, value: u64| {
            history.iter().find(|(_, op)| op.call.contains(&Event::Write(key, value))).map(|(id, _)| id)
        };
        let source = |t: OpId, event: &Event<u8, u64>| match *event {
            Event::Read(key, Some(value)) => writer(key, value).filter(|&w| w != t),
            _ => None,
        };
        let mut effective: Vec<OpId> =
            history.iter().filter(|(_, op)| op.answer == Some(Return::Committed)).map(|(id, _)| id).collect();
        let mut done = 0;
        while done < effective.len() {
            let t = effective[done];
            done += 1;
            for event in &history[t].call {
                if let Some(w) = source(t, event)
                    && history[w].answer.is_none()
                    && !effective.contains(&w)
                {
                    effective.push(w);
                }
            }
        }
        let last = |t: OpId, key: u8| {
            history[t].call.iter().rev().find_map(|e| match *e {
                Event::Write(k, v) if k == key => Some(v),
                _ => None,
            })
        };
        // reads from outside: (place in the transaction, key, from)
        let mut reads: BTreeMap<OpId, Vec<(usize, u8, Option<OpId>)>> = BTreeMap::new();
        for &t in &effective {
            let mut own: BTreeMap<u8, u64> = BTreeMap::new();
            for (i, event) in history[t].call.iter().enumerate() {
                match *event {
                    Event::Write(key, value) => drop(own.insert(key, value)),
                    Event::Read(key, value) => match own.get(&key) {
                        Some(&mine) if value == Some(mine) => {}
                        Some(_) => return false,
                        None => {
                            let from = match value {
                                None => None,
                                Some(v) => match writer(key, v) {
                                    Some(w)
                                        if w != t && effective.contains(&w) && last(w, key) == Some(v) =>
                                    {
                                        Some(w)
                                    }
                                    _ => return false,
                                },
                            };
                            reads.entry(t).or_default().push((i, key, from));
                        }
                    },
                }
            }
        }
        let n = effective.len();
        let so =
            |a: OpId, b: OpId| history[a].process == history[b].process && history[a].precedes(&history[b]);
        let wr = |a: OpId, b: OpId| reads.get(&b).is_some_and(|r| r.iter().any(|x| x.2 == Some(a)));
        let mut leads = vec![vec![false; n]; n];
        for a in 0..n {
            for b in 0..n {
                leads[a][b] = so(effective[a], effective[b]) || wr(effective[a], effective[b]);
            }
        }
        for k in 0..n {
            for a in 0..n {
                for b in 0..n {
                    leads[a][b] |= leads[a][k] && leads[k][b];
                }
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        let holds = |order: &[usize]| {
            let at = |t: usize| order.iter().position(|&x| x == t).expect("all are ordered");
            let extends = (0..n).all(|a| (0..n).all(|b| !leads[a][b] || at(a) < at(b)));
            extends
                && (0..n).all(|t3| {
                    reads.get(&effective[t3]).into_iter().flatten().all(|&(i, key, from)| {
                        (0..n).all(|t2| {
                            let writes = last(effective[t2], key).is_some();
                            if !writes || t2 == t3 || Some(effective[t2]) == from {
                                return true;
                            }
                            let premise = match level {
                                Isolation::ReadCommitted => reads[&effective[t3]]
                                    .iter()
                                    .any(|&(j, _, other)| j < i && other == Some(effective[t2])),
                                Isolation::ReadAtomic => {
                                    so(effective[t2], effective[t3]) || wr(effective[t2], effective[t3])
                                }
                                Isolation::Causal => leads[t2][t3],
                                _ => at(t2) < at(t3),
                            };
                            let t1 = from.map(|f| effective.iter().position(|&e| e == f).expect("effective"));
                            !premise || t1.is_some_and(|t1| at(t2) < at(t1))
                        })
                    })
                })
        };
        fn orders(order: &mut Vec<usize>, from: usize, holds: &dyn Fn(&[usize]) -> bool) -> bool {
            if from == order.len() {
                return holds(order);
            }
            (from..order.len()).any(|i| {
                order.swap(from, i);
                let found = orders(order, from + 1, holds);
                order.swap(from, i);
                found
            })
        }
        orders(&mut order, 0, &holds)
    }

    fn agrees(level: Isolation, (sloppy, dirty): (usize, usize), brute: impl Fn(&History<Db>) -> bool) {
        let mut rng = Rng(17);
        let (mut legal, total) = (0, histories());
        for n in 0..total {
            let (history, expected) =
                super::balanced(n, &mut rng, |rng| database(rng, sloppy, dirty), &brute);
            legal += u64::from(expected);
            let verdict = isolation(&history, level, &Budget::default());
            match &verdict {
                Verdict::Ok => assert!(expected, "{level:?} {n}: {verdict}{}", show(&history)),
                Verdict::Violation(violation) => {
                    assert!(!expected, "{level:?} {n}: {verdict}{}", show(&history));
                    let core = history.restrict(&violation.core);
                    assert!(!brute(&core), "{level:?} {n}: {verdict}{}", show(&history));
                }
                Verdict::Undecided { why } => panic!("{level:?} {n}: undecided, {why}"),
            }
        }
        let percent = 100 * legal / total;
        crate::linear::report(&level.level().to_string(), total, percent);
    }

    #[test]
    fn weak_isolation() {
        for (level, how) in [
            (Isolation::ReadCommitted, (80, 4)),
            (Isolation::ReadAtomic, (50, 2)),
            (Isolation::Causal, (50, 1)),
        ] {
            agrees(level, how, |h| axioms(h, level));
        }
    }

    #[test]
    fn serializability_by_axioms_and_by_trying() {
        agrees(Isolation::Serializable, (60, 0), |h| axioms(h, Isolation::Serializable));
        agrees(Isolation::Serializable, (60, 0), brute::sequential);
        agrees(Isolation::StrictSerializable, (40, 0), brute::linearizable);
    }
}
