//! Registers with unique values, in time n log n.
//!
//! Gibbons & Korach (1997, §4): when every read tells which write it saw, the operations of one value form a *cluster*. Let *f* be the first return in it and *s*
//! the last invocation. If f < s the value must hold throughout the *forward zone* [f, s]; otherwise all its operations overlap, and the value needs to
//! hold only for a moment somewhere in the *backward zone* [s, f]. The history is linearizable iff no read returns before its write is
//! invoked, no two forward zones overlap, and no backward zone lies inside a forward one.

use std::collections::BTreeMap;

use crate::history::{History, NEVER, OpId};
use crate::model::{Access, Answer, Model};
use crate::numbers::{Did, accesses};

/// What is wrong, and who is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// Operations of the clusters at odds: a sub-history that is not linearizable either.
    pub(crate) involved: Vec<OpId>,
}

/// All operations of one value.
struct Cluster {
    written: bool,
    write_call: u32,
    /// First return, plus one, so that the initial value (0) was there before everything.
    first_return: u32,
    /// Last invocation, plus one.
    last_call: u32,
    first_read_return: u32,
    operations: Vec<OpId>,
}

impl Default for Cluster {
    /// Not returned yet, not read yet.
    fn default() -> Self {
        Self {
            written: false,
            write_call: 0,
            first_return: NEVER,
            last_call: 0,
            first_read_return: NEVER,
            operations: Vec::new(),
        }
    }
}

/// The verdict on the operations `ids` of `history`; `None` if they are not all reads and writes of unique values.
pub(crate) fn check<M: Model>(history: &History<M>, ids: &[OpId]) -> Option<Result<(), Conflict>> {
    Some(zones(&clusters(&accesses(history, ids)?)?))
}

/// By value; `None` if one was written twice.
fn clusters(part: &[Did<Access<u32>>]) -> Option<BTreeMap<Option<u32>, Cluster>> {
    let mut clusters: BTreeMap<Option<u32>, Cluster> = BTreeMap::new();
    clusters.insert(None, Cluster { written: true, first_return: 0, ..Cluster::default() });
    for op in part {
        let (value, write) = match op.what {
            Access::Read(Answer::Unknown) => continue,
            Access::Read(Answer::Initial) => (None, false),
            Access::Read(Answer::Value(value)) => (Some(value), false),
            Access::Write(value) => (Some(value), true),
        };
        let cluster = clusters.entry(value).or_default();
        if write {
            if cluster.written {
                return None;
            }
            cluster.written = true;
            cluster.write_call = op.call;
        } else {
            cluster.first_read_return = cluster.first_read_return.min(op.ret);
        }
        cluster.first_return = cluster.first_return.min(op.ret.saturating_add(1));
        cluster.last_call = cluster.last_call.max(op.call + 1);
        cluster.operations.push(op.id);
    }
    Some(clusters)
}

fn zones(clusters: &BTreeMap<Option<u32>, Cluster>) -> Result<(), Conflict> {
    let odds = |a: &Cluster, b: &Cluster| {
        let mut involved: Vec<OpId> = a.operations.iter().chain(&b.operations).copied().collect();
        involved.sort_unstable();
        Err(Conflict { involved })
    };
    for (value, cluster) in clusters {
        let thin_air = !cluster.written && !cluster.operations.is_empty();
        if value.is_some() && (thin_air || cluster.first_read_return < cluster.write_call) {
            return Err(Conflict { involved: cluster.operations.clone() });
        }
    }
    let mut forward: Vec<&Cluster> = clusters.values().filter(|c| c.first_return < c.last_call).collect();
    forward.sort_unstable_by_key(|c| c.first_return);
    for pair in forward.windows(2) {
        if pair[1].first_return < pair[0].last_call {
            return odds(pair[0], pair[1]);
        }
    }
    for backward in clusters.values().filter(|c| c.first_return >= c.last_call && !c.operations.is_empty()) {
        let after = forward.partition_point(|f| f.first_return < backward.last_call);
        if let Some(around) = after.checked_sub(1).map(|i| forward[i])
            && backward.first_return < around.last_call
        {
            return odds(around, backward);
        }
    }
    Ok(())
}
