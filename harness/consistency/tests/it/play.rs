//! Random histories: an object is played with by concurrent clients, and then perhaps somebody lies about it.

use std::collections::BTreeSet;

use consistency::models::{cas, counter, kv, mutex, queue, register, set};
use consistency::{History, Model, OpId, Process};

/// SplitMix64: the same numbers everywhere.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// What random clients do with a model.
pub(crate) trait Play: Model + Default {
    /// What `process` might call; `fresh` is a number not used before.
    fn some_call(values: Values, rng: &mut Rng, process: Process, fresh: u64) -> Self::Call;
    /// What the call returns in `state`.
    fn honest(state: &Self::State, call: &Self::Call) -> Self::Return;
    /// Something it might return in some other state.
    fn lie(values: Values, rng: &mut Rng, call: &Self::Call, fresh: u64) -> Self::Return;
}

/// How to play.
#[derive(Clone, Copy)]
pub(crate) struct Script {
    pub(crate) clients: u32,
    pub(crate) operations: usize,
    /// Percent of operations that never return.
    pub(crate) lost: usize,
    /// Percent of histories with lies in them.
    pub(crate) lies: usize,
    pub(crate) values: Values,
}

/// Play with a model that has one part only.
pub(crate) fn play<M: Play>(script: Script, rng: &mut Rng) -> History<M> {
    let model = M::default();
    struct Client<M: Model> {
        id: OpId,
        call: M::Call,
        effect: Option<M::Return>,
        lost: bool,
    }
    let mut history = History::new(model.clone());
    let mut state = model.init();
    let mut open: Vec<Client<M>> = Vec::new();
    let mut free: Vec<u32> = (0..script.clients).collect();
    let mut next_process = script.clients;
    let mut left = script.operations;
    let mut lies = if rng.chance(script.lies) { 1 + rng.below(5) } else { 0 };
    let mut now = 0;
    let mut fresh = 0;
    while left > 0 || open.iter().any(|c| !c.lost) {
        now += 1;
        let start = left > 0 && !free.is_empty() && (open.is_empty() || rng.chance(40));
        if start {
            let process = Process(free.swap_remove(rng.below(free.len())));
            fresh += 1;
            let call = M::some_call(script.values, rng, process, fresh);
            let id = history.invoke(process, now, call.clone());
            let lost = rng.chance(script.lost);
            open.push(Client { id, call, effect: None, lost });
            if lost {
                free.push(next_process);
                next_process += 1;
            }
            left -= 1;
            continue;
        }
        if open.is_empty() {
            break;
        }
        let i = rng.below(open.len());
        if open[i].effect.is_none() {
            let answer = M::honest(&state, &open[i].call);
            state = model.step(&state, &open[i].call, Some(&answer)).expect("an honest answer is legal");
            open[i].effect = Some(answer);
        } else if !open[i].lost {
            let client = open.swap_remove(i);
            let mut answer = client.effect.expect("it took effect");
            if lies > 0 && rng.chance(70) {
                answer = M::lie(script.values, rng, &client.call, fresh);
                lies -= 1;
            }
            history.returned(client.id, now, answer);
            free.push(history[client.id].process.0);
        }
    }
    history
}

/// Written values: mostly new ones (`Unique`), or few (`Few`).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Values {
    Unique,
    Few,
}

fn value(rng: &mut Rng, values: Values, fresh: u64) -> u64 {
    match values {
        Values::Unique => fresh,
        Values::Few => 1 + rng.below(2) as u64,
    }
}

pub(crate) type Registers = register::Register<(), u64>;
pub(crate) type Cas = cas::CasRegister<(), u64>;
pub(crate) type Strings = kv::Kv<()>;
pub(crate) type Locks = mutex::Mutex<()>;
pub(crate) type Sets = set::Set<u64>;
pub(crate) type Counters = counter::Counter<()>;
pub(crate) type Queues = queue::Queue<(), u64>;

impl Play for Registers {
    fn some_call(values: Values, rng: &mut Rng, _: Process, fresh: u64) -> Self::Call {
        if rng.chance(50) {
            register::Call::Read(())
        } else {
            register::Call::Write((), value(rng, values, fresh))
        }
    }
    fn honest(state: &Self::State, call: &Self::Call) -> Self::Return {
        match call {
            register::Call::Read(()) => register::Return::Read(*state),
            register::Call::Write(..) => register::Return::Written,
        }
    }
    fn lie(values: Values, rng: &mut Rng, call: &Self::Call, fresh: u64) -> Self::Return {
        match call {
            register::Call::Read(()) => {
                let fresh = if matches!(values, Values::Few) { 2 } else { fresh };
                register::Return::Read(Some(rng.next() % (fresh + 1)).filter(|&v| v > 0))
            }
            register::Call::Write(..) => register::Return::Written,
        }
    }
}

fn held(state: cas::State<u64>) -> Option<u64> {
    match state {
        cas::State::Holds(value) => Some(value),
        _ => None,
    }
}

impl Play for Cas {
    fn some_call(values: Values, rng: &mut Rng, _: Process, fresh: u64) -> Self::Call {
        match rng.below(3) {
            0 => cas::Call::Read(()),
            1 => cas::Call::Write((), value(rng, values, fresh)),
            _ => {
                let old = match values {
                    Values::Few => 2,
                    Values::Unique => fresh,
                };
                let from = Some(rng.next() % (old + 1)).filter(|&v| v > 0);
                cas::Call::Cas { key: (), from, to: value(rng, values, fresh) }
            }
        }
    }
    fn honest(state: &Self::State, call: &Self::Call) -> Self::Return {
        match call {
            cas::Call::Read(()) => cas::Return::Read(held(*state)),
            cas::Call::Write(..) => cas::Return::Written,
            cas::Call::Cas { from, .. } => cas::Return::Swapped(*from == held(*state)),
        }
    }
    fn lie(values: Values, rng: &mut Rng, call: &Self::Call, fresh: u64) -> Self::Return {
        match call {
            cas::Call::Read(()) => {
                let fresh = if matches!(values, Values::Few) { 2 } else { fresh };
                cas::Return::Read(Some(rng.next() % (fresh + 1)).filter(|&v| v > 0))
            }
            cas::Call::Write(..) => cas::Return::Written,
            cas::Call::Cas { .. } => cas::Return::Swapped(rng.chance(50)),
        }
    }
}

const PIECES: [&str; 4] = ["a", "b", "ab", ""];

impl Play for Strings {
    fn some_call(values: Values, rng: &mut Rng, _: Process, fresh: u64) -> Self::Call {
        let piece = match values {
            Values::Few => PIECES[rng.below(4)].to_owned(),
            Values::Unique => format!("{fresh}."),
        };
        match rng.below(5) {
            0 | 1 => kv::Call::Get(()),
            2 => kv::Call::Put((), piece),
            _ => kv::Call::Append((), piece),
        }
    }
    fn honest(state: &Self::State, call: &Self::Call) -> Self::Return {
        match call {
            kv::Call::Get(()) => kv::Return::Got(match state {
                kv::State::Holds(held) => Some(held.clone()),
                _ => None,
            }),
            _ => kv::Return::Done,
        }
    }
    fn lie(_: Values, rng: &mut Rng, call: &Self::Call, fresh: u64) -> Self::Return {
        match call {
            kv::Call::Get(()) => kv::Return::Got(match rng.below(4) {
                0 => None,
                1 => Some(PIECES[rng.below(4)].to_owned()),
                2 => Some(format!("{}.", rng.next() % (fresh + 1))),
                _ => Some("aba".to_owned()),
            }),
            _ => kv::Return::Done,
        }
    }
}

impl Play for Locks {
    fn some_call(_: Values, rng: &mut Rng, process: Process, _: u64) -> Self::Call {
        let owner = mutex::Owner(process.0 % 3);
        if rng.chance(55) { mutex::Call::Acquire((), owner) } else { mutex::Call::Release((), owner) }
    }
    fn honest(state: &Self::State, call: &Self::Call) -> Self::Return {
        let works = match call {
            mutex::Call::Acquire((), _) => state.is_none(),
            mutex::Call::Release((), owner) => *state == Some(*owner),
        };
        if works { mutex::Return::Done } else { mutex::Return::Refused }
    }
    fn lie(_: Values, rng: &mut Rng, _: &Self::Call, _: u64) -> Self::Return {
        if rng.chance(60) { mutex::Return::Done } else { mutex::Return::Refused }
    }
}

impl Play for Sets {
    fn some_call(values: Values, rng: &mut Rng, _: Process, fresh: u64) -> Self::Call {
        let value = value(rng, values, fresh.div_ceil(2));
        match rng.below(5) {
            0 | 1 => set::Call::Add(value),
            2 => set::Call::Remove(value),
            3 => set::Call::Contains(value),
            _ => set::Call::Read,
        }
    }
    fn honest(state: &Self::State, call: &Self::Call) -> Self::Return {
        match call {
            set::Call::Add(value) => set::Return::Was(!state.contains(value)),
            set::Call::Remove(value) | set::Call::Contains(value) => set::Return::Was(state.contains(value)),
            set::Call::Read => set::Return::All(state.clone()),
        }
    }
    fn lie(_: Values, rng: &mut Rng, call: &Self::Call, fresh: u64) -> Self::Return {
        match call {
            set::Call::Read => {
                let some: BTreeSet<u64> = (1..=fresh.min(3)).filter(|_| rng.chance(50)).collect();
                set::Return::All(some)
            }
            set::Call::Contains(_) => set::Return::Was(rng.chance(50)),
            _ if rng.chance(30) => set::Return::Done,
            _ => set::Return::Was(rng.chance(50)),
        }
    }
}

impl Play for Counters {
    fn some_call(_: Values, rng: &mut Rng, _: Process, _: u64) -> Self::Call {
        if rng.chance(50) { counter::Call::Read(()) } else { counter::Call::Add((), rng.below(4) as i64 - 1) }
    }
    fn honest(state: &Self::State, call: &Self::Call) -> Self::Return {
        match call {
            counter::Call::Read(()) => counter::Return::Count(*state),
            counter::Call::Add((), by) if by % 2 == 0 => counter::Return::Count(state + by),
            counter::Call::Add(..) => counter::Return::Done,
        }
    }
    fn lie(_: Values, rng: &mut Rng, call: &Self::Call, _: u64) -> Self::Return {
        match call {
            counter::Call::Add(..) if rng.chance(50) => counter::Return::Done,
            _ => counter::Return::Count(rng.below(5) as i64 - 1),
        }
    }
}

impl Play for Queues {
    fn some_call(values: Values, rng: &mut Rng, _: Process, fresh: u64) -> Self::Call {
        if rng.chance(50) {
            queue::Call::Dequeue(())
        } else {
            queue::Call::Enqueue((), value(rng, values, fresh))
        }
    }
    fn honest(state: &Self::State, call: &Self::Call) -> Self::Return {
        match call {
            queue::Call::Dequeue(()) => queue::Return::Got(state.front().copied()),
            queue::Call::Enqueue(..) => queue::Return::Done,
        }
    }
    fn lie(_: Values, rng: &mut Rng, call: &Self::Call, fresh: u64) -> Self::Return {
        match call {
            queue::Call::Dequeue(()) => queue::Return::Got(Some(rng.next() % (fresh + 1)).filter(|&v| v > 0)),
            queue::Call::Enqueue(..) => queue::Return::Done,
        }
    }
}
