//! Causal consistency in its three usual meanings, for reads and writes of unique values.
//!
//! Bouajjani, Enea, Guerraoui & Hamza, *On verifying causal consistency* (POPL 2017), name them CC (causal consistency: each read is explained
//! by its causal past), CM (causal memory, Ahamad et al. 1995: each process explains all its reads by one order) and CCv (causal convergence: one order of conflicting writes for all),
//! and show (§5) that each is the absence of a few bad patterns in the order *co* = (program order ∪ reads-from)⁺:
//!
//! | pattern | meaning | CC | CCv | CM |
//! |---|---|---|---|---|
//! | CyclicCO | *co* has a cycle | ✘ | ✘ | ✘ |
//! | ThinAirRead | a read of what nobody wrote | ✘ | ✘ | ✘ |
//! | WriteCOInitRead | a read of nothing after a write in its past | ✘ | ✘ | ✘ |
//! | WriteCORead | a read of a write that is overwritten in its past | ✘ | ✘ | ✘ |
//! | CyclicCF | writes in the past of a read come before the write it saw; with *co*, a cycle | | ✘ | |
//! | WriteHBInitRead, CyclicHB | the same, for one process and its past alone, closed under itself | | | ✘ |
//!
//! CC and CCv take one pass: drawing conclusions from conclusions would forbid more than they do. Only CM is a fixpoint by definition.

use crate::explain;
use crate::history::{History, OpId};
use crate::level::Level;
use crate::minimize::{Evidence, minimize};
use crate::model::Model;
use crate::reads_from::{Clocks, Kind, NoGraph, ReadsFrom, topological};
use crate::verdict::{Budget, Verdict, Why};

/// Which meaning of "causal".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Causality {
    /// CC.
    Consistency,
    /// CM.
    Memory,
    /// CCv.
    Convergence,
}

impl Causality {
    /// Its name among all levels.
    pub fn level(self) -> Level {
        match self {
            Self::Consistency => Level::Causal,
            Self::Memory => Level::CausalMemory,
            Self::Convergence => Level::CausalConvergence,
        }
    }
}

/// Is the history causally consistent, in this meaning? Its order of time plays no part, but for what followed what in a process.
///
/// Undecided if two writes of a key share a value, or an operation is not a plain read or write.
///
/// ```
/// use consistency::{Budget, Causality, History, Process, causal, models::register::{Call, Register, Return}};
///
/// let mut history = History::new(Register::<char, u64>::default());
/// let mut now = 0;
/// let mut step = |process, call, answer| {
///     let id = history.invoke(Process(process), now, call);
///     history.returned(id, now + 1, answer);
///     now += 2;
/// };
/// step(1, Call::Write('x', 1), Return::Written);
/// step(2, Call::Read('x'), Return::Read(Some(1)));
/// step(2, Call::Write('y', 2), Return::Written);
/// step(3, Call::Read('y'), Return::Read(Some(2)));
/// step(3, Call::Read('x'), Return::Read(None)); // the effect, without its cause
///
/// let verdict = causal(&history, Causality::Consistency, &Budget::default());
/// assert_eq!(verdict.violation().unwrap().sentence, "p3 read nothing from x, though write x 1 was in its causal past");
/// ```
pub fn causal<M: Model>(history: &History<M>, meaning: Causality, budget: &Budget) -> Verdict {
    let all: Vec<OpId> = history.iter().map(|(id, _)| id).collect();
    match find(history, &all, meaning, budget) {
        Ok(None) => Verdict::Ok,
        Ok(Some(bad)) => {
            let mut breaks = |ids: &[OpId]| matches!(find(history, ids, meaning, budget), Ok(Some(_)));
            let core = minimize(history, Evidence { all, hint: None, in_time: false }, &mut breaks);
            let bad = find(history, &core, meaning, budget).ok().flatten().unwrap_or(bad);
            let sentence = bad.sentence(history, &core);
            explain::told(history, meaning.level(), bad.guilty(&core), core, sentence)
        }
        Err(why) => Verdict::Undecided { why },
    }
}

/// A bad pattern.
#[derive(Clone, Debug)]
pub(crate) enum Bad {
    ThinAir(OpId),
    CyclicCausality,
    /// A read of the initial value, and a write in its past.
    Forgot {
        read: OpId,
        write: OpId,
    },
    /// A read, and a write in its past that overwrote what it saw.
    Overwritten {
        read: OpId,
        write: OpId,
    },
    /// No order of conflicting writes fits all reads of these.
    NoOrder {
        guilty: Option<OpId>,
        of: Option<crate::Process>,
    },
}

impl Bad {
    pub(crate) fn guilty(&self, core: &[OpId]) -> OpId {
        match *self {
            Self::ThinAir(read) | Self::Forgot { read, .. } | Self::Overwritten { read, .. } => read,
            Self::NoOrder { guilty: Some(guilty), .. } => guilty,
            Self::CyclicCausality | Self::NoOrder { .. } => core[core.len() - 1],
        }
    }

    pub(crate) fn sentence<M: Model>(&self, history: &History<M>, core: &[OpId]) -> String {
        let read = |id: OpId| explain::read_in_words(history, id);
        let name = |id: OpId| history.model().describe(&history[id].call, None);
        let story = || core.iter().map(|&id| history.describe(id)).collect::<Vec<_>>().join("; ");
        match *self {
            Self::ThinAir(id) => format!("{}, and nothing ever wrote that", read(id)),
            Self::CyclicCausality => format!("effects come before their causes in a circle: {}", story()),
            Self::Forgot { read: id, write } | Self::Overwritten { read: id, write }
                if history[id].process == history[write].process =>
            {
                format!("{} after its own {}", read(id), name(write))
            }
            Self::Forgot { read: id, write } => {
                format!("{}, though {} was in its causal past", read(id), name(write))
            }
            Self::Overwritten { read: id, write } => {
                format!(
                    "{}, though {}, which came causally after that, was in its causal past",
                    read(id),
                    name(write)
                )
            }
            Self::NoOrder { of: Some(process), .. } => {
                format!("no order of the writes explains all that {process} read: {}", story())
            }
            Self::NoOrder { of: None, .. } => {
                format!("no one order of the writes explains all reads: {}", story())
            }
        }
    }
}

/// A bad pattern among the operations `ids`, if there is one.
pub(crate) fn find<M: Model>(
    history: &History<M>,
    ids: &[OpId],
    meaning: Causality,
    budget: &Budget,
) -> Result<Option<Bad>, Why> {
    let graph = match ReadsFrom::new(history, ids) {
        Ok(graph) => graph,
        Err(NoGraph::ThinAir(read)) => return Ok(Some(Bad::ThinAir(read))),
        Err(NoGraph::Undecided(why)) => return Err(why),
    };
    if Clocks::bytes(&graph) > budget.bytes {
        return Err(Why::Bytes { given: budget.bytes });
    }
    let causes = graph.causes();
    let Some(clocks) = Clocks::new(&graph, &causes) else { return Ok(Some(Bad::CyclicCausality)) };
    if let Some(bad) = overwritten(&graph, &clocks) {
        return Ok(Some(bad));
    }
    match meaning {
        Causality::Consistency => Ok(None),
        Causality::Convergence => Ok(cyclic_conflicts(&graph, &clocks, causes)),
        Causality::Memory => memory(&graph, &clocks, &causes, budget),
    }
}

/// WriteCOInitRead and WriteCORead.
fn overwritten(graph: &ReadsFrom, clocks: &Clocks) -> Option<Bad> {
    for (node, read) in (0u32..).zip(&graph.nodes) {
        let Kind::Read(from) = read.kind else { continue };
        for write in graph.last_writes(read.key, clocks.of(node)) {
            let write_id = graph.nodes[write as usize].id;
            match from {
                None => return Some(Bad::Forgot { read: read.id, write: write_id }),
                Some(from) if write != from && clocks.leads(graph, from, write) => {
                    return Some(Bad::Overwritten { read: read.id, write: write_id });
                }
                Some(_) => {}
            }
        }
    }
    None
}

/// CyclicCF: one pass of conclusions, on top of the causes.
fn cyclic_conflicts(graph: &ReadsFrom, clocks: &Clocks, mut before: Vec<Vec<u32>>) -> Option<Bad> {
    for (node, read) in (0u32..).zip(&graph.nodes) {
        if let Kind::Read(Some(from)) = read.kind {
            before[from as usize]
                .extend(graph.last_writes(read.key, clocks.of(node)).filter(|&write| write != from));
        }
    }
    topological(&before).is_none().then_some(Bad::NoOrder { guilty: None, of: None })
}

/// WriteHBInitRead and CyclicHB: for the last operations of each process, the order of its past closed under what its own reads tell.
fn memory(
    graph: &ReadsFrom,
    clocks: &Clocks,
    causes: &[Vec<u32>],
    budget: &Budget,
) -> Result<Option<Bad>, Why> {
    let mut followed = vec![false; graph.nodes.len()];
    for node in &graph.nodes {
        for &before in &node.after {
            followed[before as usize] = true;
        }
    }
    let mut steps = 0u64;
    for last in (0..graph.nodes.len() as u32).filter(|&n| !followed[n as usize]) {
        let process = graph.nodes[last as usize].process;
        let in_past = |node: u32| clocks.leads(graph, node, last);
        let mut before: Vec<Vec<u32>> = causes.to_vec();
        for (node, before) in (0u32..).zip(&mut before) {
            if !in_past(node) {
                before.clear();
            }
        }
        let own_reads: Vec<u32> = (0u32..)
            .zip(&graph.nodes)
            .filter(|&(node, n)| {
                n.process == process && matches!(n.kind, Kind::Read(_)) && po_leads(graph, node, last)
            })
            .map(|(node, _)| node)
            .collect();
        let no_order = || Some(Bad::NoOrder { guilty: None, of: Some(process) });
        loop {
            steps += (graph.nodes.len() as u64) * u64::from(graph.chains);
            if steps > budget.steps.saturating_mul(64) {
                return Err(Why::Steps { given: budget.steps });
            }
            let Some(closed) = Clocks::new(graph, &before) else { return Ok(no_order()) };
            let mut news = false;
            for &node in &own_reads {
                let read = &graph.nodes[node as usize];
                let Kind::Read(from) = read.kind else { continue };
                for write in graph.last_writes(read.key, closed.of(node)) {
                    let Some(from) = from else { return Ok(no_order()) };
                    if write != from && !closed.leads(graph, write, from) {
                        before[from as usize].push(write);
                        news = true;
                    }
                }
            }
            if !news {
                break;
            }
        }
    }
    Ok(None)
}

/// In program order, `a` comes before `b` (or is it).
fn po_leads(graph: &ReadsFrom, a: u32, b: u32) -> bool {
    let Some(end) = std::iter::once(b)
        .chain(graph.nodes[b as usize].after.iter().copied())
        .find(|&n| graph.nodes[n as usize].chain == graph.nodes[a as usize].chain)
    else {
        return false;
    };
    graph.nodes[a as usize].place <= graph.nodes[end as usize].place
}
