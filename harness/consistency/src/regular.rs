//! Regular registers: a read may return the last write that had finished, or any that was under way.
//!
//! Lamport, *On interprocess communication* (1986), for one writer. For many writers this is the condition that Shao, Welch, Pierce & Lee,
//! *Multiwriter consistency conditions for shared memory registers* (2011) call *write order*: each read, with the writes that were invoked before it
//! returned, has an order that keeps time and explains it; and the orders of two reads agree on all writes that are in both.
//! What lacks to linearizability: of two reads, one after the other, the second may return the older value. It is what a store gives whose quorums for
//! reading and for writing meet, and whose readers do not write back what they return.
//!
//! # How it is decided
//!
//! The writes in the order of a read are also in that of every read that returned later. So there is *one* order of all writes, and two rules say
//! which come first: a write that returned before another was invoked, and a write that returned before a read of another was invoked. Let *a* be the last moment at
//! which a write or a read of it was invoked: then *x* comes before *y* if *x* returned before *a(y)*. Such a relation has a cycle only if it has one
//! of two writes (as in an interval order, Fishburn 1970, two steps back along a cycle gain on time). So it is enough to look at pairs.

use std::collections::BTreeMap;

use crate::explain;
use crate::history::{History, NEVER, OpId};
use crate::level::Level;
use crate::model::{Access, Answer, Model};
use crate::verdict::{Verdict, Why};

/// Is every register of this history regular?
///
/// Quadratic in the number of operations on one key. Undecided if two writes of a key share a value, or an operation is not a plain read or write.
///
/// ```
/// use consistency::{Budget, History, Process, linearizable, regular, models::register::{Call, Register, Return}};
///
/// // a write that is still under way is seen by the first of two readers, and not by the second
/// let mut history = History::new(Register::<(), u64>::default());
/// history.invoke(Process(1), 10, Call::Write((), 5));
/// for (process, saw) in [(2, Some(5)), (3, None)] {
///     let read = history.invoke(Process(process), 10 * u64::from(process), Call::Read(()));
///     history.returned(read, 10 * u64::from(process) + 5, Return::Read(saw));
/// }
/// assert!(regular(&history).is_ok());
/// let verdict = linearizable(&history, &Budget::default());
/// assert_eq!(verdict.to_string(), "not linearizable: p3 read nothing after p2 had read 5");
/// ```
pub fn regular<M: Model>(history: &History<M>) -> Verdict {
    let mut first: Option<(u32, Inversion)> = None;
    for ids in history.parts() {
        match find(history, &ids) {
            Ok(None) => {}
            Ok(Some(bad)) => {
                let rank = history[bad.read].ret_rank;
                if first.as_ref().is_none_or(|(earliest, _)| rank < *earliest) {
                    first = Some((rank, bad));
                }
            }
            Err(why) => return Verdict::Undecided { why },
        }
    }
    let Some((_, bad)) = first else { return Verdict::Ok };
    let sentence = bad.sentence(history);
    explain::told(history, Level::Regular, bad.read, bad.core(), sentence)
}

/// A read that no order of the writes explains.
struct Inversion {
    read: OpId,
    /// The write that it read; `None`: it read the initial value, or what nobody wrote.
    of: Option<OpId>,
    why: Because,
}
enum Because {
    /// Nobody wrote it, or nobody had asked to by then.
    ThinAir,
    /// This write had finished before the read began. It came after the one that was read: that had finished when it began, or there was nothing before it.
    Newer(OpId),
    /// This write had finished before the read began, and this earlier read says that it came after the one that was read.
    Seen { newer: OpId, by: OpId },
}

/// A write, or the initial value. Moments are ranks plus one, so that the initial value (0) was there before everything.
struct Written {
    id: Option<OpId>,
    invoked: u32,
    returned: u32,
    /// When the last of its reads was invoked, and which one that was.
    read: Option<(u32, OpId)>,
}

/// The first read to return that breaks the promise.
fn find<M: Model>(history: &History<M>, ids: &[OpId]) -> Result<Option<Inversion>, Why> {
    let mut writes = vec![Written { id: None, invoked: 0, returned: 0, read: None }];
    let mut place = BTreeMap::new();
    let mut reads = Vec::new();
    for &id in ids {
        let op = &history[id];
        let access = history.model().access(&op.call, op.answer.as_ref());
        match access.ok_or(Why::NotPlain { operation: id })? {
            Access::Write(value) => {
                if place.insert(value, writes.len()).is_some() {
                    return Err(Why::SharedValue { write: id });
                }
                let returned = op.ret_rank.saturating_add(1);
                writes.push(Written { id: Some(id), invoked: op.call_rank + 1, returned, read: None });
            }
            Access::Read(Answer::Unknown) => {}
            Access::Read(Answer::Initial) => reads.push((op.ret_rank, id, None)),
            Access::Read(Answer::Value(value)) => reads.push((op.ret_rank, id, Some(value))),
        }
    }
    reads.sort_unstable_by_key(|&(returned, ..)| returned);
    for (returned, read, value) in reads {
        let of = match value {
            None => 0,
            Some(value) => match place.get(value) {
                Some(&of) if writes[of].invoked <= returned => of,
                of => {
                    let of = of.and_then(|&of| writes[of].id);
                    return Ok(Some(Inversion { read, of, why: Because::ThinAir }));
                }
            },
        };
        let invoked = history[read].call_rank + 1;
        if let Some(why) = replaced(&writes, of, invoked) {
            return Ok(Some(Inversion { read, of: writes[of].id, why }));
        }
        let last = &mut writes[of].read;
        if last.is_none_or(|(earlier, _)| earlier < invoked) {
            *last = Some((invoked, read));
        }
    }
    Ok(None)
}

/// Why a read that was invoked at this moment may not return the value of `writes[of]`.
fn replaced(writes: &[Written], of: usize, invoked: u32) -> Option<Because> {
    let finished = writes[of].returned;
    if finished == NEVER {
        return None;
    }
    let others = || {
        let of = &writes[of];
        writes.iter().filter(move |other| other.id != of.id && other.returned < invoked)
    };
    let newer = others().filter(|other| finished < other.invoked).max_by_key(|other| other.returned);
    if let Some(Written { id: Some(newer), .. }) = newer {
        return Some(Because::Newer(*newer));
    }
    others().find_map(|other| match (other.id, other.read) {
        (Some(newer), Some((asked, by))) if finished < asked => Some(Because::Seen { newer, by }),
        _ => None,
    })
}

impl Inversion {
    fn core(&self) -> Vec<OpId> {
        let others = match self.why {
            Because::ThinAir => vec![],
            Because::Newer(newer) => vec![newer],
            Because::Seen { newer, by } => vec![newer, by],
        };
        let mut core: Vec<OpId> = others.into_iter().chain(self.of).chain([self.read]).collect();
        core.sort_unstable();
        core
    }

    fn sentence<M: Model>(&self, history: &History<M>) -> String {
        let name = |id: OpId| history.model().describe(&history[id].call, None);
        let did = explain::read_in_words(history, self.read);
        match (&self.why, self.of) {
            (Because::ThinAir, None) => format!("{did}, and nothing ever wrote that"),
            (Because::ThinAir, Some(_)) => format!("{did} before anybody had asked to write that"),
            (Because::Newer(newer), None) => format!("{did} after {} had finished", name(*newer)),
            (Because::Newer(newer), Some(of)) => {
                let (newer, of) = (name(*newer), name(of));
                format!("{did} after {newer} had finished, and {of} had finished before {newer} began")
            }
            (Because::Seen { newer, by }, of) => {
                let both = of.map_or_else(|| name(*newer), |of| format!("{} and {}", name(of), name(*newer)));
                let other = explain::read_in_words(history, *by);
                format!(
                    "{did}, and {other}, both after {both} had finished: they disagree on which came last"
                )
            }
        }
    }
}
