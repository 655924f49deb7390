//! Linearizability beside porcupine-rs, on the same histories, in one run: `cargo bench -p consistency`.
//!
//! Prints, for each workload, the time of both and their ratio. `porcupine_rs::check_operations_timeout` is given ten seconds a history; where it
//! runs out the ratio is a lower bound.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::time::{Duration, Instant};

use consistency::models::{cas, kv, register};
use consistency::{Budget, History, Model, Operation, Process, Verdict, linearizable};
use porcupine_rs::CheckResult;

const PATIENCE: Duration = Duration::from_secs(10);

/// Any of our models, as one of porcupine's. Operations without answer return at the end of time.
#[derive(Clone, Debug)]
struct Theirs<M>(std::marker::PhantomData<M>);

type Op<M> = (<M as Model>::Call, Option<<M as Model>::Return>);

impl<M: Model + Default + Send + Sync> porcupine_rs::Model for Theirs<M>
where
    M::State: Send + Sync + std::fmt::Debug,
    M::Call: Send + Sync,
    M::Return: Send + Sync,
{
    type State = M::State;
    type Op = Op<M>;
    type Metadata = ();

    fn partition_operations(
        history: &[porcupine_rs::Operation<Self>],
    ) -> Vec<Vec<porcupine_rs::Operation<Self>>> {
        let mut parts: std::collections::BTreeMap<_, Vec<_>> = std::collections::BTreeMap::new();
        for op in history {
            parts.entry(M::default().key(&op.op.0)).or_default().push(op.clone());
        }
        parts.into_values().collect()
    }

    fn init() -> M::State {
        M::default().init()
    }

    fn step(state: &M::State, op: &Op<M>) -> (bool, M::State) {
        match M::default().step(state, &op.0, op.1.as_ref()) {
            Some(next) => (true, next),
            None => (false, state.clone()),
        }
    }
}

fn theirs<M: Model + Default + Send + Sync>(history: &History<M>) -> Vec<porcupine_rs::Operation<Theirs<M>>>
where
    M::State: Send + Sync + std::fmt::Debug,
    M::Call: Send + Sync,
    M::Return: Send + Sync,
{
    let op = |op: &Operation<M>| porcupine_rs::Operation {
        client_id: Some(op.process.0),
        call_time: op.invoked_at as i64,
        return_time: op.returned_at.map_or(i64::MAX, |at| at as i64),
        op: (op.call.clone(), op.answer.clone()),
        metadata: None,
    };
    history.operations().iter().map(op).collect()
}

fn main() {
    println!("{:44} {:>12} {:>14} {:>9}", "workload", "consistency", "porcupine-rs", "ratio");
    for clients in [10, 25, 50] {
        for bad in [false, true] {
            let n = 20;
            let name = |what: &str| format!("{what}, {clients} clients{}", if bad { ", bad" } else { "" });
            row(&name("register, unique values"), &many(n, clients, bad, 500, registers));
            row(&name("register with compare-and-set"), &many(n, clients, bad, 300, compare_and_set));
            row(&name("key-value with append, 5 keys"), &many(n, clients, bad, 1000, strings));
        }
    }
}

fn row<M: Model + Default + Send + Sync>(name: &str, histories: &[History<M>])
where
    M::State: Send + Sync + std::fmt::Debug,
    M::Call: Send + Sync,
    M::Return: Send + Sync,
{
    let (mut ours_total, mut theirs_total, mut out) = (Duration::ZERO, Duration::ZERO, false);
    for history in histories {
        let converted = theirs(history);
        let start = Instant::now();
        let verdict = linearizable(history, &Budget::default());
        ours_total += start.elapsed();
        let start = Instant::now();
        let result = porcupine_rs::check_operations_timeout(&converted, PATIENCE);
        theirs_total += start.elapsed();
        match (&verdict, &result) {
            (Verdict::Ok, CheckResult::Ok) | (Verdict::Violation(_), CheckResult::Illegal) => {}
            (_, CheckResult::Unknown) => out = true,
            _ => println!("  they disagree: {verdict} / {result:?}"),
        }
        if out {
            break;
        }
    }
    let ratio = theirs_total.as_secs_f64() / ours_total.as_secs_f64();
    let at_least = if out { ">" } else { " " };
    println!("{name:44} {ours_total:>12.2?} {at_least}{theirs_total:>13.2?} {at_least}{ratio:>7.1}×");
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

fn many<M: Model + Default>(
    n: u64,
    clients: u32,
    bad: bool,
    operations: usize,
    play: impl Fn(&mut Rng, u32, bool, usize) -> History<M>,
) -> Vec<History<M>> {
    (0..n).map(|seed| play(&mut Rng(seed), clients, bad, operations)).collect()
}

/// Closed-loop clients, one effect each between invocation and return; two in a hundred never return. `apply(rng, n, late)` is the
/// effect: the call, and what it returned; `late` asks for a lie.
fn world<M: Model>(
    model: M,
    rng: &mut Rng,
    clients: u32,
    operations: usize,
    lie_at: Option<usize>,
    mut call: impl FnMut(&mut Rng, u64) -> M::Call,
    mut apply: impl FnMut(&mut Rng, &M::Call, bool) -> M::Return,
) -> History<M> {
    struct Open<M: Model> {
        id: consistency::OpId,
        call: M::Call,
        answer: Option<M::Return>,
        lost: bool,
    }
    let mut history = History::new(model);
    let mut open: Vec<Open<M>> = Vec::new();
    let mut idle: Vec<u32> = (0..clients).collect();
    let mut next = clients;
    let mut now = 0;
    let mut invoked = 0;
    while invoked < operations || open.iter().any(|o| !o.lost) {
        now += 1;
        if invoked < operations && !idle.is_empty() && rng.below(3) < 2 {
            let process = idle.swap_remove(rng.below(idle.len() as u64) as usize);
            invoked += 1;
            let call = call(rng, invoked as u64);
            let id = history.invoke(Process(process), now, call.clone());
            let lost = rng.below(100) < 2;
            if lost {
                idle.push(next);
                next += 1;
            }
            open.push(Open { id, call, answer: None, lost });
        } else if !open.is_empty() {
            let i = rng.below(open.len() as u64) as usize;
            if open[i].answer.is_none() {
                let lie = lie_at.is_some_and(|at| invoked >= at);
                let answer = apply(rng, &open[i].call, lie);
                open[i].answer = Some(answer);
            } else if !open[i].lost {
                let done = open.swap_remove(i);
                history.returned(done.id, now, done.answer.expect("it has one"));
                idle.push(history[done.id].process.0);
            }
        }
    }
    history
}

fn registers(rng: &mut Rng, clients: u32, bad: bool, n: usize) -> History<register::Register<(), u64>> {
    let (mut now, mut before) = (None, None);
    let mut lied = !bad;
    world(
        register::Register::default(),
        rng,
        clients,
        n,
        Some(n * 9 / 10),
        |rng, fresh| {
            if rng.below(2) == 0 { register::Call::Read(()) } else { register::Call::Write((), fresh) }
        },
        |_, call, late| match call {
            register::Call::Write((), value) => {
                if !late {
                    before = Some(*value);
                }
                now = Some(*value);
                register::Return::Written
            }
            register::Call::Read(()) if late && !lied && before != now => {
                lied = true;
                register::Return::Read(before)
            }
            register::Call::Read(()) => register::Return::Read(now),
        },
    )
}

fn compare_and_set(rng: &mut Rng, clients: u32, bad: bool, n: usize) -> History<cas::CasRegister<(), u64>> {
    let mut now = None;
    let mut lied = !bad;
    world(
        cas::CasRegister::default(),
        rng,
        clients,
        n,
        Some(n * 9 / 10),
        |rng, _| match rng.below(3) {
            0 => cas::Call::Read(()),
            1 => cas::Call::Write((), rng.below(5)),
            _ => cas::Call::Cas { key: (), from: Some(rng.below(5)), to: rng.below(5) },
        },
        |_, call, late| match call {
            cas::Call::Write((), value) => {
                now = Some(*value);
                cas::Return::Written
            }
            cas::Call::Cas { from, to, .. } => {
                let swaps = *from == now;
                if swaps {
                    now = Some(*to);
                }
                cas::Return::Swapped(swaps)
            }
            cas::Call::Read(()) if late && !lied => {
                lied = true;
                cas::Return::Read(Some(7))
            }
            cas::Call::Read(()) => cas::Return::Read(now),
        },
    )
}

fn strings(rng: &mut Rng, clients: u32, bad: bool, n: usize) -> History<kv::Kv<u64>> {
    let mut store: std::collections::BTreeMap<u64, String> = std::collections::BTreeMap::new();
    let mut lied = !bad;
    world(
        kv::Kv::default(),
        rng,
        clients,
        n,
        Some(n * 9 / 10),
        |rng, fresh| {
            let key = rng.below(5);
            match rng.below(10) {
                0..5 => kv::Call::Get(key),
                5 => kv::Call::Put(key, format!("={fresh};")),
                _ => kv::Call::Append(key, format!("{fresh};")),
            }
        },
        |_, call, late| match call {
            kv::Call::Put(key, value) => {
                store.insert(*key, value.clone());
                kv::Return::Done
            }
            kv::Call::Append(key, value) => {
                store.entry(*key).or_default().push_str(value);
                kv::Return::Done
            }
            kv::Call::Get(key) => {
                let value = store.get(key).cloned();
                match value {
                    Some(value) if late && !lied && value.matches(';').count() > 2 => {
                        lied = true;
                        let cut = value[..value.len() - 1].rfind(';').map_or(0, |at| at + 1);
                        kv::Return::Got(Some(value[..cut].to_owned()))
                    }
                    value => kv::Return::Got(value),
                }
            }
        },
    )
}
