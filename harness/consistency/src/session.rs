//! Session guarantees (Terry et al. 1994), for reads and writes of unique values.
//!
//! Each says that certain writes *must* have been seen when a session (a process) reads a key:
//!
//! | guarantee | what must have been seen |
//! |---|---|
//! | read-your-writes | the session's own earlier writes |
//! | monotonic reads | what its earlier reads saw |
//! | monotonic writes | what was written by a process before a write that the session has seen |
//! | writes-follow-reads | what was read by a process before it made a write that the session has seen |
//!
//! A read that returns another value is fine if that value is newer. Clients do not see the order of the writes of a key; so a session keeps
//! the guarantee iff *some* order of them explains all its reads: one where a process's writes of the key are in their order, and after the writes of
//! the key which the process had read. (So a read of 1, of 2, and of 1 again is not monotonic whoever wrote them, and two sessions may disagree: that
//! is for the stronger levels to forbid.) One step of "before", no transitive closure: that would be causal consistency.

use crate::causal::Bad;
use crate::explain;
use crate::history::{History, OpId, Process};
use crate::level::Level;
use crate::minimize::{Evidence, minimize};
use crate::model::{Access, Answer, Model};
use crate::reads_from::{Kind, NoGraph, Node, ReadsFrom, topological};
use crate::verdict::{Budget, Verdict, Why};

/// One of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guarantee {
    /// A session sees its own writes.
    ReadYourWrites,
    /// A session never sees an older state than before.
    MonotonicReads,
    /// Writes of a process are seen in their order.
    MonotonicWrites,
    /// A write is seen after the writes its process had read.
    WritesFollowReads,
}

impl Guarantee {
    /// All four.
    pub const ALL: [Self; 4] =
        [Self::ReadYourWrites, Self::MonotonicReads, Self::MonotonicWrites, Self::WritesFollowReads];

    /// Its name among all levels.
    pub fn level(self) -> Level {
        match self {
            Self::ReadYourWrites => Level::ReadYourWrites,
            Self::MonotonicReads => Level::MonotonicReads,
            Self::MonotonicWrites => Level::MonotonicWrites,
            Self::WritesFollowReads => Level::WritesFollowReads,
        }
    }
}

/// Does every session get this guarantee?
///
/// Undecided if two writes of a key share a value, or an operation is not a plain read or write.
pub fn session<M: Model>(history: &History<M>, guarantee: Guarantee, budget: &Budget) -> Verdict {
    let all: Vec<OpId> = history.iter().map(|(id, _)| id).collect();
    match find(history, &all, guarantee, budget) {
        Ok(None) => Verdict::Ok,
        Err(why) => Verdict::Undecided { why },
        Ok(Some(bad)) => {
            let mut breaks = |ids: &[OpId]| matches!(find(history, ids, guarantee, budget), Ok(Some(_)));
            let core = minimize(history, Evidence { all, hint: None, in_time: false }, &mut breaks);
            let bad = find(history, &core, guarantee, budget).ok().flatten().unwrap_or(bad);
            let sentence = sentence(history, guarantee, &bad, &core);
            explain::told(history, guarantee.level(), bad.guilty(&core), core, sentence)
        }
    }
}

fn sentence<M: Model>(history: &History<M>, guarantee: Guarantee, bad: &Bad, core: &[OpId]) -> String {
    let name = |id: OpId| history.model().describe(&history[id].call, None);
    match *bad {
        Bad::Forgot { read, write } | Bad::Overwritten { read, write } => {
            let did = explain::read_in_words(history, read);
            let access = |id: OpId| {
                let op = &history[id];
                (history.model().key(&op.call), history.model().access(&op.call, op.answer.as_ref()))
            };
            // the other write, which the session saw and which tells that this one came first
            let saw = |write: OpId| {
                let (key, Some(Access::Write(value))) = access(write) else { return false };
                let read_of_it = (key, Some(Access::Read(Answer::Value(value))));
                let mut earlier =
                    core.iter().filter(|&&id| id != read && history[id].process == history[read].process);
                earlier.any(|&id| access(id) == read_of_it)
            };
            let witness = core.iter().copied().find(|&id| id != write && saw(id));
            let seen = witness.map_or_else(
                || "a write that came".to_owned(),
                |id| format!("{}, which {} made", name(id), history[id].process),
            );
            match guarantee {
                Guarantee::ReadYourWrites => format!("{did} after its own {}", name(write)),
                Guarantee::MonotonicReads => format!("{did} after it had seen {}", name(write)),
                Guarantee::MonotonicWrites => {
                    format!("{did}, though it had seen {seen} after {}", name(write))
                }
                Guarantee::WritesFollowReads => {
                    format!("{did}, though it had seen {seen} after it had seen {}", name(write))
                }
            }
        }
        _ => bad.sentence(history, core),
    }
}

fn find<M: Model>(
    history: &History<M>,
    ids: &[OpId],
    guarantee: Guarantee,
    budget: &Budget,
) -> Result<Option<Bad>, Why> {
    let graph = match ReadsFrom::new(history, ids) {
        Ok(graph) => graph,
        Err(NoGraph::ThinAir(read)) => return Ok(Some(Bad::ThinAir(read))),
        Err(NoGraph::Undecided(why)) => return Err(why),
    };
    let seen = Sessions::new(&graph);
    let base = seen.base();
    if topological(&base).is_none() {
        return Ok(Some(Bad::CyclicCausality));
    }
    let mut processes: Vec<Process> = graph.nodes.iter().map(|n| n.process).collect();
    processes.sort_unstable();
    processes.dedup();
    let mut steps = 0u64;
    for process in processes {
        let mut before = base.clone();
        let mut latest: Option<(u32, u32)> = None;
        for (node, read) in (0u32..).zip(&graph.nodes) {
            let Kind::Read(from) = read.kind else { continue };
            if read.process != process {
                continue;
            }
            for write in seen.must(node, guarantee) {
                steps += 1;
                if Some(write) == from {
                    continue;
                }
                let Some(from) = from else {
                    return Ok(Some(Bad::Forgot { read: read.id, write: graph.nodes[write as usize].id }));
                };
                before[from as usize].push(write);
                latest = Some((node, write));
            }
            if steps > budget.steps {
                return Err(Why::Steps { given: budget.steps });
            }
        }
        if let Some((read, write)) = latest
            && topological(&before).is_none()
        {
            let (read, write) = culprit(&graph, &seen, &base, process, guarantee).unwrap_or((read, write));
            let id = |node: u32| graph.nodes[node as usize].id;
            return Ok(Some(Bad::Overwritten { read: id(read), write: id(write) }));
        }
    }
    Ok(None)
}

/// The first read of the process that no order of the writes explains any more, and a write it should have seen.
fn culprit(
    graph: &ReadsFrom,
    seen: &Sessions<'_>,
    base: &[Vec<u32>],
    process: Process,
    guarantee: Guarantee,
) -> Option<(u32, u32)> {
    let mut before = base.to_vec();
    for (node, read) in (0u32..).zip(&graph.nodes) {
        let Kind::Read(Some(from)) = read.kind else { continue };
        if read.process != process {
            continue;
        }
        let missed: Vec<u32> = seen.must(node, guarantee).into_iter().filter(|&w| w != from).collect();
        before[from as usize].extend(&missed);
        if !missed.is_empty() && topological(&before).is_none() {
            return missed.last().map(|&write| (node, write));
        }
    }
    None
}

/// What each session has done and seen.
struct Sessions<'g> {
    graph: &'g ReadsFrom,
    /// By node and chain: how many operations of each chain of its *own process* come before the node.
    own: Vec<Vec<u32>>,
    /// By node and chain: how many operations of each chain their own process had done when it made a write that the node's session had seen, the node included.
    witnessed: Vec<Vec<u32>>,
}

impl<'g> Sessions<'g> {
    fn new(graph: &'g ReadsFrom) -> Self {
        let chains = graph.chains as usize;
        let raise = |row: &mut Vec<u32>, other: &[u32]| {
            row.iter_mut().zip(other).for_each(|(a, b)| *a = (*a).max(*b))
        };
        let mut own: Vec<Vec<u32>> = Vec::with_capacity(graph.nodes.len());
        for node in &graph.nodes {
            let mut row = vec![0; chains];
            for &before in &node.after {
                raise(&mut row, &own[before as usize]);
                let before = &graph.nodes[before as usize];
                row[before.chain as usize] = row[before.chain as usize].max(before.place + 1);
            }
            own.push(row);
        }
        let mut witnessed: Vec<Vec<u32>> = Vec::with_capacity(graph.nodes.len());
        for node in &graph.nodes {
            let mut row = vec![0; chains];
            for &before in &node.after {
                raise(&mut row, &witnessed[before as usize]);
            }
            if let Kind::Read(Some(write)) = node.kind {
                raise(&mut row, &own[write as usize]);
            }
            witnessed.push(row);
        }
        Self { graph, own, witnessed }
    }

    /// For each write, writes of its key that come before it in any case.
    fn base(&self) -> Vec<Vec<u32>> {
        let mut base = vec![Vec::new(); self.graph.nodes.len()];
        for (node, write) in (0u32..).zip(&self.graph.nodes) {
            if write.kind == Kind::Write {
                let earlier = self.among(&self.own[node as usize], write.key);
                base[node as usize] = earlier.filter_map(|n| self.saw(n)).filter(|&n| n != node).collect();
            }
        }
        base
    }

    /// Writes that the read `node` must have seen.
    fn must(&self, node: u32, guarantee: Guarantee) -> Vec<u32> {
        let key = self.graph.nodes[node as usize].key;
        let is_write = |n: &u32| self.graph.nodes[*n as usize].kind == Kind::Write;
        let own = || self.among(&self.own[node as usize], key);
        let witnessed = || self.among(&self.witnessed[node as usize], key);
        match guarantee {
            Guarantee::ReadYourWrites => own().filter(is_write).collect(),
            Guarantee::MonotonicReads => own().filter(|n| !is_write(n)).filter_map(|n| self.saw(n)).collect(),
            Guarantee::MonotonicWrites => witnessed().filter(is_write).collect(),
            Guarantee::WritesFollowReads => {
                witnessed().filter(|n| !is_write(n)).filter_map(|n| self.saw(n)).collect()
            }
        }
    }

    /// Operations on `key` among the first `clock[chain]` of each chain.
    fn among(&self, clock: &[u32], key: u32) -> impl Iterator<Item = u32> {
        let done = |n: &&Node| n.key == key && n.place < clock[n.chain as usize];
        let found: Vec<u32> =
            (0u32..).zip(&self.graph.nodes).filter(|(_, n)| done(n)).map(|(node, _)| node).collect();
        found.into_iter()
    }

    /// The write that an operation wrote or read.
    fn saw(&self, node: u32) -> Option<u32> {
        match self.graph.nodes[node as usize].kind {
            Kind::Write => Some(node),
            Kind::Read(from) => from,
        }
    }
}
