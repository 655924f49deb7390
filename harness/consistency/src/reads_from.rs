//! Histories of reads and writes of unique values as graphs: who followed whom, and who read from whom.
//!
//! With unique values a read names its write. This is what makes causal consistency and the session guarantees polynomial
//! (Bouajjani et al. 2017, §5, "differentiated" histories).

use std::collections::BTreeMap;

use crate::history::{History, NEVER, OpId, Process};
use crate::model::{Access, Answer, Model};
use crate::numbers::Numbers;
use crate::verdict::Why;

/// A read or a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Write,
    /// A read of what this node wrote; `None`: of the initial value.
    Read(Option<u32>),
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) id: OpId,
    pub(crate) process: Process,
    pub(crate) kind: Kind,
    pub(crate) key: u32,
    /// Operations of a process that do not overlap form a chain (one, mostly); this is the node's.
    pub(crate) chain: u32,
    /// Its place there.
    pub(crate) place: u32,
    /// The last operation of each chain of its process that returned before this one was invoked.
    pub(crate) after: Vec<u32>,
}

/// All operations that matter: not the reads that never returned, nor the writes that never returned and that nobody saw.
pub(crate) struct ReadsFrom {
    pub(crate) nodes: Vec<Node>,
    pub(crate) chains: u32,
    /// By key and chain: the writes, in order.
    pub(crate) writes: BTreeMap<(u32, u32), Vec<u32>>,
}

/// Why there is no graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoGraph {
    /// The read saw what nobody wrote: no level allows that.
    ThinAir(OpId),
    Undecided(Why),
}

/// An operation with key and value by number; values of different keys have different numbers.
struct Plain {
    id: OpId,
    process: Process,
    call: u32,
    ret: u32,
    key: u32,
    access: Access<u32>,
}

impl ReadsFrom {
    /// Of the operations `ids`, sorted.
    pub(crate) fn new<M: Model>(history: &History<M>, ids: &[OpId]) -> Result<Self, NoGraph> {
        let (model, mut keys, mut values) = (history.model(), Numbers::new(), Numbers::new());
        let mut plain = Vec::with_capacity(ids.len());
        for &id in ids {
            let op = &history[id];
            let (Some(key), Some(access)) = (model.key(&op.call), model.access(&op.call, op.answer.as_ref()))
            else {
                return Err(NoGraph::Undecided(Why::NotPlain { operation: id }));
            };
            let key = keys.of(key);
            let access = access.map(|value| values.of((key, value)));
            let (call, ret) = (op.call_rank, op.ret_rank);
            plain.push(Plain { id, process: op.process, call, ret, key, access });
        }
        Self::of(&plain)
    }

    fn of(operations: &[Plain]) -> Result<Self, NoGraph> {
        let mut writer: BTreeMap<u32, OpId> = BTreeMap::new();
        let mut seen: BTreeMap<u32, OpId> = BTreeMap::new();
        for op in operations {
            match op.access {
                Access::Write(value) => {
                    if writer.insert(value, op.id).is_some() {
                        return Err(NoGraph::Undecided(Why::SharedValue { write: op.id }));
                    }
                }
                Access::Read(Answer::Value(value)) => {
                    seen.entry(value).or_insert(op.id);
                }
                Access::Read(_) => {}
            }
        }
        if let Some(&read) =
            seen.iter().filter(|(value, _)| !writer.contains_key(value)).map(|(_, id)| id).min()
        {
            return Err(NoGraph::ThinAir(read));
        }
        let mut number: BTreeMap<OpId, u32> = BTreeMap::new();
        let mut graph = Self { nodes: Vec::new(), chains: 0, writes: BTreeMap::new() };
        let mut spans: Vec<(u32, u32)> = Vec::new();
        let mut ends: BTreeMap<Process, Vec<(u32, u32)>> = BTreeMap::new();
        let mut reads = Vec::new();
        for op in operations {
            let kind = match op.access {
                Access::Write(value) if op.ret == NEVER && !seen.contains_key(&value) => continue,
                Access::Write(_) => Kind::Write,
                Access::Read(Answer::Initial) => Kind::Read(None),
                Access::Read(Answer::Value(value)) => {
                    reads.push((graph.nodes.len(), writer[&value]));
                    Kind::Read(None)
                }
                Access::Read(Answer::Unknown) => continue,
            };
            number.insert(op.id, graph.nodes.len() as u32);
            spans.push((op.call, op.ret));
            graph.place(op, &spans, kind, ends.entry(op.process).or_default());
        }
        for (read, write) in reads {
            graph.nodes[read].kind = Kind::Read(Some(number[&write]));
        }
        Ok(graph)
    }

    /// Put an operation on a chain of its process. `spans`: by node, invocation and return; `ends`: the chains' last nodes.
    fn place(&mut self, op: &Plain, spans: &[(u32, u32)], kind: Kind, ends: &mut Vec<(u32, u32)>) {
        let me = self.nodes.len() as u32;
        let precedes = |node: u32| spans[node as usize].1 < op.call;
        // the last of each chain that is over; operations are given in the order of invocation, so a chain's end may still be open
        let mut after = Vec::new();
        for &(_, end) in ends.iter() {
            let mut last = Some(end);
            while let Some(node) = last {
                if precedes(node) {
                    after.push(node);
                    break;
                }
                last = self.before_on_chain(node);
            }
        }
        let free = ends.iter().position(|&(_, end)| precedes(end));
        let (chain, place) = match free {
            Some(i) => {
                let (chain, end) = ends[i];
                ends[i].1 = me;
                (chain, self.nodes[end as usize].place + 1)
            }
            None => {
                ends.push((self.chains, me));
                self.chains += 1;
                (self.chains - 1, 0)
            }
        };
        if kind == Kind::Write {
            self.writes.entry((op.key, chain)).or_default().push(me);
        }
        let (id, process, key) = (op.id, op.process, op.key);
        self.nodes.push(Node { id, process, kind, key, chain, place, after });
    }

    fn before_on_chain(&self, node: u32) -> Option<u32> {
        let Node { chain, place, .. } = self.nodes[node as usize];
        self.nodes[node as usize]
            .after
            .iter()
            .copied()
            .find(|&n| self.nodes[n as usize].chain == chain && self.nodes[n as usize].place + 1 == place)
    }

    /// Program order and reads-from: the edges of the causal order.
    pub(crate) fn causes(&self) -> Vec<Vec<u32>> {
        let causes = |node: &Node| {
            let mut causes = node.after.clone();
            if let Kind::Read(Some(write)) = node.kind {
                causes.push(write);
            }
            causes
        };
        self.nodes.iter().map(causes).collect()
    }

    /// The chains on which `key` is written, each with the last of its writes among the first `clock[chain]` operations.
    pub(crate) fn last_writes<'g>(&'g self, key: u32, clock: &'g [u32]) -> impl Iterator<Item = u32> + 'g {
        self.writes.range((key, 0)..=(key, u32::MAX)).filter_map(move |(&(_, chain), writes)| {
            let seen = writes.partition_point(|&w| self.nodes[w as usize].place < clock[chain as usize]);
            seen.checked_sub(1).map(|last| writes[last])
        })
    }
}

/// Vector clocks of an acyclic relation: `clock[node][chain]` operations of each chain come before the node, itself included.
pub(crate) struct Clocks {
    rows: Vec<u32>,
    chains: usize,
}

impl Clocks {
    /// Of the relation "`before[node]`, and what is before them". `None` if it has a cycle.
    pub(crate) fn new(graph: &ReadsFrom, before: &[Vec<u32>]) -> Option<Self> {
        let chains = graph.chains as usize;
        let mut rows = vec![0u32; graph.nodes.len() * chains];
        for node in topological(before)? {
            let node = node as usize;
            for &cause in &before[node] {
                for chain in 0..chains {
                    let theirs = rows[cause as usize * chains + chain];
                    let mine = &mut rows[node * chains + chain];
                    *mine = (*mine).max(theirs);
                }
            }
            let Node { chain, place, .. } = graph.nodes[node];
            let own = &mut rows[node * chains + chain as usize];
            *own = (*own).max(place + 1);
        }
        Some(Self { rows, chains })
    }

    pub(crate) fn of(&self, node: u32) -> &[u32] {
        &self.rows[node as usize * self.chains..(node as usize + 1) * self.chains]
    }

    /// `a` comes before `b` (or is it).
    pub(crate) fn leads(&self, graph: &ReadsFrom, a: u32, b: u32) -> bool {
        let Node { chain, place, .. } = graph.nodes[a as usize];
        self.of(b)[chain as usize] > place
    }

    /// Bytes that clocks of this graph take.
    pub(crate) fn bytes(graph: &ReadsFrom) -> usize {
        graph.nodes.len() * graph.chains as usize * 4
    }
}

/// Nodes in an order that respects `before`, smallest numbers first; `None` if there is a cycle.
pub(crate) fn topological(before: &[Vec<u32>]) -> Option<Vec<u32>> {
    let mut after: Vec<Vec<u32>> = vec![Vec::new(); before.len()];
    let mut waits: Vec<usize> = vec![0; before.len()];
    for (node, causes) in before.iter().enumerate() {
        waits[node] = causes.len();
        for &cause in causes {
            after[cause as usize].push(node as u32);
        }
    }
    let mut ready: Vec<u32> = (0..before.len() as u32).rev().filter(|&n| waits[n as usize] == 0).collect();
    let mut order = Vec::with_capacity(before.len());
    while let Some(node) = ready.pop() {
        order.push(node);
        for &next in &after[node as usize] {
            waits[next as usize] -= 1;
            if waits[next as usize] == 0 {
                ready.push(next);
            }
        }
    }
    (order.len() == before.len()).then_some(order)
}
