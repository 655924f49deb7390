//! Sequential consistency (Lamport 1979): one order of all operations, that of each process kept. Time does not count.
//!
//! It is not local, so never judged key by key, and NP-complete even for registers with unique values (Gibbons & Korach 1997, §3): this is for small
//! histories, hundreds of operations where they are kind. For reads and writes of unique values, conclusions are drawn first until nothing new follows (here that
//! is no overreach: there is to be one total order): what they contradict needs no search, and they guide it otherwise.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use crate::causal::{self, Bad, Causality};
use crate::explain;
use crate::history::{History, NEVER, OpId, Process};
use crate::level::Level;
use crate::minimize::{Evidence, minimize};
use crate::model::{Model, Seen};
use crate::reads_from::{Clocks, Kind, ReadsFrom};
use crate::states::{StateId, States};
use crate::verdict::{Budget, Verdict, Why};

/// Is the history sequentially consistent?
pub fn sequential<M: Model>(history: &History<M>, budget: &Budget) -> Verdict {
    let all: Vec<OpId> = history.iter().map(|(id, _)| id).collect();
    match judge(history, &all, budget) {
        Ok(true) => Verdict::Ok,
        Err(why) => Verdict::Undecided { why },
        Ok(false) => {
            let mut breaks = |ids: &[OpId]| judge(history, ids, budget) == Ok(false);
            let core = minimize(history, Evidence { all, hint: None, in_time: false }, &mut breaks);
            let (guilty, sentence) = match causal::find(history, &core, Causality::Consistency, budget) {
                Ok(Some(bad)) => (bad.guilty(&core), bad.sentence(history, &core)),
                _ => {
                    let bad = Bad::NoOrder { guilty: None, of: None };
                    let story = core.iter().map(|&id| history.describe(id)).collect::<Vec<_>>().join("; ");
                    (bad.guilty(&core), format!("no one order explains what all processes saw: {story}"))
                }
            };
            explain::told(history, Level::Sequential, guilty, core, sentence)
        }
    }
}

fn judge<M: Model>(history: &History<M>, ids: &[OpId], budget: &Budget) -> Result<bool, Why> {
    let before = match ReadsFrom::new(history, ids).map(|graph| conclusions(&graph, budget)) {
        Ok(Conclusions::Contradiction) => return Ok(false),
        Ok(Conclusions::Before(before)) => before,
        Err(_) => BTreeMap::new(),
    };
    Search::new(history, ids, &before).run(budget)
}

enum Conclusions {
    Contradiction,
    /// By operation: what comes before it in any order that explains all (besides what its process says).
    Before(BTreeMap<OpId, Vec<OpId>>),
}

/// If w is read by r, and w' writes the same key: w' before r means w' before w, and w before w' means r before w'. To the end.
fn conclusions(graph: &ReadsFrom, budget: &Budget) -> Conclusions {
    if Clocks::bytes(graph) > budget.bytes {
        return Conclusions::Before(BTreeMap::new());
    }
    let mut before = graph.causes();
    let mut steps = 0;
    loop {
        let Some(clocks) = Clocks::new(graph, &before) else { return Conclusions::Contradiction };
        let mut news = false;
        for (node, read) in (0u32..).zip(&graph.nodes) {
            let Kind::Read(from) = read.kind else { continue };
            for write in graph.last_writes(read.key, clocks.of(node)) {
                let Some(from) = from else { return Conclusions::Contradiction };
                if write != from && !clocks.leads(graph, write, from) {
                    before[from as usize].push(write);
                    news = true;
                }
            }
            for writes in graph.writes.range((read.key, 0)..=(read.key, u32::MAX)).map(|(_, writes)| writes) {
                let follows = |&w: &u32| from.is_none_or(|from| w != from && clocks.leads(graph, from, w));
                if let Some(&next) = writes.iter().find(|w| follows(w))
                    && !clocks.leads(graph, node, next)
                {
                    before[next as usize].push(node);
                    news = true;
                }
            }
        }
        steps += graph.nodes.len() as u64 * u64::from(graph.chains);
        if !news || steps > budget.steps {
            break;
        }
    }
    let id = |&node: &u32| graph.nodes[node as usize].id;
    Conclusions::Before(
        graph.nodes.iter().zip(&before).map(|(n, b)| (n.id, b.iter().map(id).collect())).collect(),
    )
}

/// One operation of the search.
struct Item {
    part: u32,
    class: u32,
    read: bool,
    /// It returned, so it must be placed.
    owed: bool,
    before: Vec<u32>,
}

/// What has been placed, as bits, and the states of all parts.
type Configuration = (Box<[u64]>, Box<[StateId]>);

/// Depth first, with a memo of (what has been placed, states of all parts); reads that fit are placed at once.
struct Search<'a> {
    items: Vec<Item>,
    states: Vec<States<'a>>,
    now: Vec<StateId>,
    placed: Vec<bool>,
    owed: usize,
    seen: FxHashSet<Configuration>,
    bytes: usize,
    steps: u64,
}

/// A choice, to be undone: the items placed since, and what the part's state was.
struct Choice {
    next: usize,
    placed: Vec<usize>,
    part: usize,
    state: StateId,
}

impl<'a> Search<'a> {
    fn new<M: Model>(history: &'a History<M>, ids: &[OpId], before: &BTreeMap<OpId, Vec<OpId>>) -> Self {
        let restricted: Vec<Vec<OpId>> = {
            let mut wanted = vec![false; history.len()];
            ids.iter().for_each(|id| wanted[id.index()] = true);
            history
                .parts()
                .into_iter()
                .map(|p| p.into_iter().filter(|id| wanted[id.index()]).collect())
                .collect()
        };
        let mut part_of = BTreeMap::new();
        let mut states = Vec::new();
        for (part, ids) in (0u32..).zip(&restricted) {
            let mut classes: Vec<Seen<'a, M>> = Vec::new();
            for &id in ids {
                let op = &history[id];
                let seen = Seen { call: &op.call, answer: op.answer.as_ref() };
                let class = classes.iter().position(|c| *c == seen).unwrap_or_else(|| {
                    classes.push(seen);
                    classes.len() - 1
                });
                part_of.insert(id, (part, class as u32));
            }
            states.push(States::new(history.model().tailored(&classes), classes));
        }
        let mut number: BTreeMap<OpId, u32> = BTreeMap::new();
        let mut items: Vec<Item> = Vec::new();
        let mut by_process: BTreeMap<Process, Vec<(OpId, u32)>> = BTreeMap::new();
        for &id in ids {
            let op = &history[id];
            let read = history.model().is_read(&op.call, op.answer.as_ref());
            if op.ret_rank == NEVER && read {
                continue;
            }
            let me = items.len() as u32;
            let earlier = by_process.entry(op.process).or_default();
            let mine =
                earlier.iter().filter(|(other, _)| history[*other].precedes(op)).map(|&(_, n)| n).collect();
            earlier.push((id, me));
            number.insert(id, me);
            let (part, class) = part_of[&id];
            items.push(Item { part, class, read, owed: op.ret_rank != NEVER, before: mine });
        }
        for (&id, &me) in &number {
            let concluded = before.get(&id).into_iter().flatten().filter_map(|other| number.get(other));
            items[me as usize].before.extend(concluded);
        }
        for item in &mut items {
            item.before.sort_unstable();
            item.before.dedup();
        }
        let owed = items.iter().filter(|item| item.owed).count();
        let now = vec![0; states.len()];
        let placed = vec![false; items.len()];
        Self { items, states, now, placed, owed, seen: FxHashSet::default(), bytes: 0, steps: 0 }
    }

    fn run(mut self, budget: &Budget) -> Result<bool, Why> {
        let mut first = Choice { next: 0, placed: Vec::new(), part: 0, state: 0 };
        self.place_reads(&mut first);
        let mut choices = vec![first];
        while self.owed > 0 {
            let Some(choice) = choices.last_mut() else { return Ok(false) };
            let Some(item) = (choice.next..self.items.len()).find(|&item| self.can_come(item)) else {
                let undo = choices.pop().expect("there was a last one");
                self.undo(&undo);
                continue;
            };
            choice.next = item + 1;
            self.steps += 1;
            if self.steps > budget.steps {
                return Err(Why::Steps { given: budget.steps });
            }
            let part = self.items[item].part as usize;
            let Some(state) = self.states[part].step(self.now[part], self.items[item].class) else {
                continue;
            };
            let mut next = Choice { next: 0, placed: vec![item], part, state: self.now[part] };
            self.now[part] = state;
            self.put(item);
            self.place_reads(&mut next);
            if self.remember(budget.bytes)? {
                choices.push(next);
            } else {
                self.undo(&next);
            }
        }
        Ok(true)
    }

    fn can_come(&self, item: usize) -> bool {
        !self.placed[item] && self.items[item].before.iter().all(|&b| self.placed[b as usize])
    }

    fn put(&mut self, item: usize) {
        self.placed[item] = true;
        self.owed -= usize::from(self.items[item].owed);
    }

    fn place_reads(&mut self, choice: &mut Choice) {
        loop {
            let before = choice.placed.len();
            for item in 0..self.items.len() {
                let Item { read, part, class, .. } = self.items[item];
                if read
                    && self.can_come(item)
                    && self.states[part as usize].step(self.now[part as usize], class).is_some()
                {
                    self.put(item);
                    choice.placed.push(item);
                }
            }
            if choice.placed.len() == before {
                return;
            }
        }
    }

    fn undo(&mut self, choice: &Choice) {
        for &item in &choice.placed {
            self.placed[item] = false;
            self.owed += usize::from(self.items[item].owed);
        }
        if let Some(now) = self.now.get_mut(choice.part) {
            *now = choice.state;
        }
    }

    /// Whether this is new.
    fn remember(&mut self, bytes: usize) -> Result<bool, Why> {
        let words =
            self.placed.chunks(64).map(|c| c.iter().rev().fold(0, |word, &bit| (word << 1) | u64::from(bit)));
        let key = (words.collect::<Box<[u64]>>(), self.now.clone().into_boxed_slice());
        if self.seen.contains(&key) {
            return Ok(false);
        }
        self.bytes += key.0.len() * 8 + key.1.len() * 4 + 2 * size_of_val(&key);
        if self.bytes + self.states.iter().map(States::bytes).sum::<usize>() > bytes {
            return Err(Why::Bytes { given: bytes });
        }
        self.seen.insert(key);
        Ok(true)
    }
}
