//! A node's disk: what is durable, what is not yet, and what a crash makes of it.

use crate::draw::{Key, Luck, Purpose, Seed};
use crate::scenario::{Damage, DiskLoss};
use crate::weight::BOOKKEEPING;
use lab::{Disk, DiskOp, Object};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

#[derive(Debug, Default)]
pub(crate) struct NodeDisk {
    pub(crate) durable: Disk,
    pub(crate) unsynced: Vec<Arc<DiskOp>>,
    /// An upper bound of what is durable, as [`weight`] counts.
    written: usize,
}
/// What a write counts for against the limit of bytes.
pub(crate) fn weight(op: &DiskOp) -> usize {
    op.bytes() + op.name_bytes() + BOOKKEEPING * op.objects().len().max(1)
}

impl NodeDisk {
    pub(crate) fn write(&mut self, op: Arc<DiskOp>) {
        self.unsynced.push(op);
    }
    pub(crate) fn sync(&mut self) {
        let mut synced = std::mem::take(&mut self.unsynced);
        for op in synced.drain(..) {
            self.keep(&op);
        }
        self.unsynced = synced; // its room is used again
    }
    fn keep(&mut self, op: &DiskOp) {
        self.written += weight(op);
        self.durable.apply(op);
    }
    /// Damages a file.
    pub(crate) fn rot(&mut self, file: &str, damage: &Damage) {
        match damage {
            Damage::Flip { at, bit } => self.durable.flip(file, *at, *bit),
            Damage::FlipPart { nth, of } => {
                let bits = self.durable.file_len(file) as u64 * 8;
                let bit = u128::from(bits) * u128::from(*nth) / u128::from((*of).max(1));
                if let Ok(bit) = u64::try_from(bit) {
                    self.durable.flip(file, bit / 8, (bit % 8) as u8);
                }
            }
            Damage::Append(bytes) => self.durable.append_to(file, bytes),
            Damage::Stale { bytes } => self.durable.append_again(file, *bytes),
        }
        self.written = self.held();
    }
    /// Bytes of what is durable, and of its names.
    pub(crate) fn held(&self) -> usize {
        self.durable.bytes() + self.durable.name_bytes()
    }
    /// Whether more is durable than this.
    pub(crate) fn is_over(&mut self, limit: usize) -> bool {
        if self.written > limit {
            self.written = self.held();
        }
        self.written > limit
    }
    pub(crate) fn unsynced_weight(&self) -> usize {
        self.unsynced.iter().map(|op| weight(op)).sum()
    }
    /// What a start sees. A torn record is shown this once.
    pub(crate) fn boot(&mut self) -> Disk {
        let seen = self.durable.clone();
        self.durable.drop_torn();
        seen
    }

    /// Keeps of every object, independently, a prefix of its unsynced writes; groups live or die together;
    /// the first write of an object that is not kept may be torn.
    pub(crate) fn crash(&mut self, loss: DiskLoss, seed: Seed, crash: Key) -> Fates {
        let ops = std::mem::take(&mut self.unsynced);
        let mut writes: FxHashMap<Object<'_>, u64> = FxHashMap::default();
        for object in ops.iter().flat_map(|op| op.objects()) {
            *writes.entry(object).or_default() += 1;
        }
        let luck = |object: &Object<'_>| {
            let mut hasher = rustc_hash::FxHasher::default();
            object.hash(&mut hasher);
            seed.key(Purpose::Crash, crash.0, hasher.finish()).1
        };
        let mut kept = writes;
        for (object, count) in &mut kept {
            *count = match loss {
                DiskLoss::Drawn => luck(object).below(0, *count + 1),
                DiskLoss::All
                | DiskLoss::TornAfter { .. }
                | DiskLoss::TornBefore { .. }
                | DiskLoss::Wiped => 0,
                DiskLoss::Nothing => *count,
            };
        }
        let is_wiped = loss == DiskLoss::Wiped;
        if is_wiped {
            (self.durable, self.written) = (Disk::default(), 0);
        }
        let survives = settle_groups(&ops, &mut kept);
        let mut touched = FxHashSet::default();
        let mut spared = bytes_spared(&ops, loss);
        let mut fates = Fates { is_wiped, ..Fates::default() };
        for (op, survives) in ops.iter().zip(survives) {
            let names = || op.objects().into_iter().map(name);
            if survives {
                self.keep(op);
                fates.kept.extend(names());
                continue;
            }
            if let [Object::File(file)] = op.objects()[..]
                && let Some(spared) = spared.get_mut(file)
            {
                match self.keep_bytes(op, spared) {
                    Kept::Whole => fates.kept.extend(names()),
                    Kept::Part => fates.torn.extend(names()),
                    Kept::Nothing => fates.lost.extend(names()),
                }
                continue;
            }
            fates.lost.extend(names());
            // only the first write that an object lost can be torn, and no part of a group
            let objects = op.objects();
            let first = objects.iter().filter(|object| touched.insert(**object)).count() > 0;
            if first
                && let [object] = objects[..]
                && let Some(bytes) = torn_after(op, loss, luck(&object))
            {
                self.durable.tear(op, bytes);
                fates.torn.extend(names());
            }
        }
        fates
    }
    /// Keeps of a write to a raw file as many bytes as are to be spared.
    fn keep_bytes(&mut self, op: &DiskOp, spared: &mut usize) -> Kept {
        let bytes = op.bytes();
        if *spared == 0 {
            return Kept::Nothing;
        }
        if bytes <= *spared {
            *spared -= bytes;
            self.keep(op);
            return Kept::Whole;
        }
        self.durable.tear(op, std::mem::take(spared));
        Kept::Part
    }
}
/// How much of a write to a raw file a crash keeps.
enum Kept {
    Whole,
    Part,
    Nothing,
}
/// How many bytes a tear keeps of what was not synced of each raw file: the first ones, whichever write they are from. A write that is part
/// of a group ends what can be kept. Empty for a crash that tears nothing at a place of its own.
fn bytes_spared(ops: &[Arc<DiskOp>], loss: DiskLoss) -> FxHashMap<&str, usize> {
    let mut written: FxHashMap<&str, usize> = FxHashMap::default();
    if !matches!(loss, DiskLoss::TornAfter { .. } | DiskLoss::TornBefore { .. }) {
        return written;
    }
    let mut ended = FxHashSet::default();
    for op in ops {
        for object in op.objects() {
            let Object::File(file) = object else { continue };
            if matches!(**op, DiskOp::All(_)) {
                ended.insert(file);
            } else if !ended.contains(file) {
                *written.entry(file).or_default() += op.bytes();
            }
        }
    }
    for bytes in written.values_mut() {
        *bytes = match loss {
            DiskLoss::TornAfter { bytes: first } => first.min(*bytes),
            DiskLoss::TornBefore { bytes: last } => bytes.saturating_sub(last),
            DiskLoss::Drawn | DiskLoss::All | DiskLoss::Nothing | DiskLoss::Wiped => 0,
        };
    }
    written
}

/// What a crash made of the writes that were not synced, by the names of what was written.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    /// All that was durable, too.
    is_wiped: bool,
    lost: BTreeSet<String>,
    torn: BTreeSet<String>,
    kept: BTreeSet<String>,
}
impl fmt::Display for Fates {
    /// Empty where nothing was unsynced.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_wiped {
            return f.write_str("loses its disk");
        }
        let mut before = "";
        for (what, names) in [("loses", &self.lost), ("tears", &self.torn), ("keeps", &self.kept)] {
            if !names.is_empty() {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                write!(f, "{before}{what} {}", names.join(", "))?;
                before = "; ";
            }
        }
        Ok(())
    }
}
fn name(object: Object<'_>) -> String {
    match object {
        Object::Value(name) | Object::Row(name, _) | Object::Log(name) | Object::File(name) => {
            name.to_owned()
        }
    }
}

/// Where a write tears, if it does.
fn torn_after(op: &DiskOp, loss: DiskLoss, luck: Luck) -> Option<usize> {
    match loss {
        DiskLoss::TornAfter { bytes } => Some(bytes),
        DiskLoss::Drawn => {
            (luck.below(1, 2) == 0).then(|| usize::try_from(luck.below(2, op.bytes() as u64)).unwrap_or(0))
        }
        DiskLoss::All | DiskLoss::Nothing | DiskLoss::TornBefore { .. } | DiskLoss::Wiped => None,
    }
}

/// Shortens the kept prefixes until no group is split; says of each write whether it survives.
fn settle_groups<'a>(ops: &'a [Arc<DiskOp>], kept: &mut FxHashMap<Object<'a>, u64>) -> Vec<bool> {
    loop {
        let mut seen: FxHashMap<Object<'_>, u64> = FxHashMap::default();
        let mut survives = Vec::with_capacity(ops.len());
        let mut settled = true;
        for op in ops {
            let places: Vec<(Object<'_>, u64)> = op
                .objects()
                .into_iter()
                .map(|object| {
                    let nth = seen.entry(object).or_default();
                    *nth += 1;
                    (object, *nth)
                })
                .collect();
            let whole = places.iter().all(|(object, nth)| *nth <= kept[object]);
            survives.push(whole);
            if !whole {
                for (object, nth) in places {
                    let kept = kept.get_mut(&object).expect("every object was counted");
                    if *kept >= nth {
                        *kept = nth - 1;
                        settled = false;
                    }
                }
            }
        }
        if settled {
            return survives;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(byte: u8) -> DiskOp {
        DiskOp::Append { name: "log".into(), bytes: vec![byte, byte] }
    }
    fn save(byte: u8) -> DiskOp {
        DiskOp::Save { name: "value".into(), bytes: vec![byte] }
    }

    #[test]
    fn a_group_is_never_split() {
        for seed in 0..500 {
            let mut disk = NodeDisk::default();
            for byte in 1..=4 {
                disk.write(Arc::new(DiskOp::All(vec![append(byte), save(byte)])));
            }
            disk.crash(DiskLoss::Drawn, Seed([seed, 7]), Key(seed));
            let records = disk.durable.log(lab::Log::<(u8, u8)>::new("log")).filter_map(Result::ok).count();
            let value = disk.durable.load(lab::Saved::<u8>::new("value")).unwrap_or(0);
            assert_eq!(records, usize::from(value), "seed {seed}");
        }
    }

    #[test]
    fn what_a_crash_keeps_counts_as_what_a_sync_keeps() {
        let mut disk = NodeDisk::default();
        for byte in 1..=4 {
            disk.write(Arc::new(append(byte)));
        }
        disk.crash(DiskLoss::Nothing, Seed([1, 7]), Key(1));
        assert!(disk.is_over(4) && !disk.is_over(4 * 100));
    }

    #[test]
    fn objects_are_kept_and_lost_on_their_own_and_tails_tear() {
        let mut outcomes = std::collections::BTreeSet::new();
        for seed in 0..500 {
            let mut disk = NodeDisk::default();
            for byte in 1..=2 {
                disk.write(Arc::new(append(byte)));
                disk.write(Arc::new(save(byte)));
            }
            disk.crash(DiskLoss::Drawn, Seed([seed, 7]), Key(seed));
            let view: Vec<bool> =
                disk.durable.log(lab::Log::<(u8, u8)>::new("log")).map(|record| record.is_ok()).collect();
            outcomes.insert((view, disk.durable.load(lab::Saved::<u8>::new("value"))));
        }
        // whole records: none, one or two, the first two perhaps with a torn one after them; times the value: none, 1 or 2
        assert_eq!(outcomes.len(), 5 * 3, "{outcomes:?}");
    }
}
