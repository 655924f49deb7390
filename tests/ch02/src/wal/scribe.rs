//! `wal`: the moments of a submission's own run at which something is to happen.

use lab::NodeId;
use lab::wal::Request;
use world::{MakesScribe, Observation, Scribe, Seen, Trigger, When};

/// A sync begins, for the first time since the last append was asked for: the crash that tears its record falls here.
const APPEND_SYNCS: u32 = 1;
/// The node writes, syncs or answers in its second life.
const SECOND_LIFE: u32 = 2;

/// Makes the scribe of every run.
pub(super) const MOMENTS: MakesScribe = MakesScribe(|_| Box::new(Moments::default()));

/// In the sync of the `nth` append, from 1.
pub(super) fn in_the_sync_of(nth: u32) -> When {
    promised(APPEND_SYNCS, nth)
}
/// After the `nth` thing that the node does in its second life, from 1.
pub(super) fn in_the_second_life(nth: u32) -> When {
    promised(SECOND_LIFE, nth)
}
fn promised(kind: u32, nth: u32) -> When {
    When::On { trigger: Trigger::Promised(kind), nth, after: std::time::Duration::ZERO }
}

#[derive(Default)]
struct Moments {
    life: u32,
    /// An append was asked for, and nothing was synced since.
    appends: bool,
}
impl Scribe for Moments {
    fn note(&mut self, seen: &Observation) -> u32 {
        let in_second_life = if self.life == 1 { SECOND_LIFE } else { 0 };
        match &seen.seen {
            Seen::Started { incarnation } => {
                (self.life, self.appends) = (*incarnation, false);
                0
            }
            Seen::Requested { bytes, .. } => {
                self.appends |= matches!(lab::frame::decode(bytes), Some(Request::Append(_)));
                0
            }
            Seen::Syncing => {
                in_second_life | if std::mem::take(&mut self.appends) { APPEND_SYNCS } else { 0 }
            }
            Seen::Wrote { .. } | Seen::Synced | Seen::Replied { .. } => in_second_life,
            _ => 0,
        }
    }
    fn ask(&self, _: NodeId, _: u32, _: NodeId) -> Option<Vec<u8>> {
        None
    }
}
