//! `wal`: the file as it is durable, followed write by write, and what a disk has done to it.

use judge::Violation;
use kit::Scene;
use lab::DiskOp;
use lab::wal::WAL;
use std::sync::Arc;
use world::{Damage, Harm, ObservationId, Seen};

/// The name of the file.
pub(super) const NAME: &str = "wal";

/// The file on the disk of the log.
#[derive(Default)]
pub(super) struct Disk {
    /// What is durable, as far as it is known: what was synced, and since the last start what the node found.
    durable: Vec<u8>,
    pending: Vec<Arc<DiskOp>>,
    /// Bits have been flipped since the last start.
    flips: u32,
    /// Bytes that nobody wrote were added since the last start.
    grown: bool,
    /// Writes were pending at the crash before the next start.
    torn: bool,
}
/// What a node finds when it starts.
pub(super) struct Found {
    /// The file ends within what was written and not synced: neither all of that is there, nor nothing.
    pub(super) torn: bool,
    /// It ends in bytes that nobody wrote.
    pub(super) grown: bool,
    pub(super) flipped: Flipped,
}
/// What became of the bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flipped {
    None,
    /// This bit of the file, counted from its beginning.
    Bit(u64),
    /// Some, and where is not known.
    Somewhere,
}
/// What a node did to its file.
pub(super) struct Wrote {
    /// Bytes that it wrote.
    pub(super) bytes: usize,
}

impl Disk {
    /// How many bytes are durable.
    pub(super) fn len(&self) -> u64 {
        self.durable.len() as u64
    }
    /// Whether something is written that is not synced.
    pub(super) fn is_dirty(&self) -> bool {
        !self.pending.is_empty()
    }
    /// The node writes.
    pub(super) fn wrote(&mut self, scene: Scene<'_>, op: &Arc<DiskOp>) -> Result<Wrote, Violation> {
        let node = scene.node();
        let what = match &**op {
            DiskOp::Write { name, bytes } if name == NAME => {
                self.pending.push(op.clone());
                return Ok(Wrote { bytes: bytes.len() });
            }
            DiskOp::Cut { name, .. } if name == NAME => {
                self.pending.push(op.clone());
                return Ok(Wrote { bytes: 0 });
            }
            DiskOp::All(_) => "wrote in a group of `atomic`".to_owned(),
            other => {
                let names: Vec<&str> = other.objects().iter().map(lab::Object::name).collect();
                format!("wrote `{}` on its disk", names.join("`, `"))
            }
        };
        let sentence = format!(
            "{node} {what} at {}. A log has the raw file `{NAME}` and nothing else, and it uses that file by `write` and `cut`.",
            scene.at()
        );
        Err(scene.breaks("file-only", sentence))
    }
    pub(super) fn synced(&mut self) {
        for op in std::mem::take(&mut self.pending) {
            match &*op {
                DiskOp::Write { bytes, .. } => self.durable.extend_from_slice(bytes),
                DiskOp::Cut { len, .. } => {
                    self.durable.truncate(usize::try_from(*len).unwrap_or(usize::MAX));
                }
                _ => {}
            }
        }
    }
    pub(super) fn crashed(&mut self) {
        self.torn = self.is_dirty();
    }
    /// A fault begins.
    pub(super) fn suffers(&mut self, scene: Scene<'_>) {
        let Seen::FaultBegan { fault } = scene.seen.seen else { return };
        match scene.scenario().faults.get(fault).map(|fault| &fault.harm) {
            Some(Harm::Rot { damage: Damage::Flip { .. } | Damage::FlipPart { .. }, .. }) => self.flips += 1,
            Some(Harm::Rot { damage: Damage::Append(_) | Damage::Stale { .. }, .. }) => self.grown = true,
            _ => {}
        }
    }
    /// The node starts, and finds this.
    pub(super) fn found(&mut self, scene: Scene<'_>) -> Found {
        let file = scene.world.disk(scene.node()).map(|disk| disk.file_bytes(WAL)).unwrap_or_default();
        let before = std::mem::replace(&mut self.durable, file.to_vec());
        let after = &self.durable;
        let all = std::mem::take(&mut self.pending).iter().map(|op| op.bytes()).sum::<usize>();
        let torn = std::mem::take(&mut self.torn);
        let differ = |place: &usize| before[*place] != after[*place];
        let common = before.len().min(after.len());
        let flipped = match (std::mem::take(&mut self.flips), torn) {
            (0, _) => Flipped::None,
            (1, false) if before.len() <= after.len() => match (0..common).find(differ) {
                Some(place) => Flipped::Bit(
                    place as u64 * 8 + u64::from((before[place] ^ after[place]).trailing_zeros()),
                ),
                None => Flipped::None,
            },
            _ => Flipped::Somewhere,
        };
        let grown = std::mem::take(&mut self.grown) && after.len() > before.len();
        let more = after.len().saturating_sub(before.len());
        Found { torn: torn && more > 0 && more < all, grown, flipped }
    }
}

/// Where something was written, for sentences about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) at: ObservationId,
    pub(super) cuts: bool,
}
impl Written {
    pub(super) fn of(scene: Scene<'_>, op: &DiskOp) -> Written {
        Written { at: scene.id(), cuts: matches!(op, DiskOp::Cut { .. }) }
    }
}
