//! What came of an event at once.

use super::Teller;
use crate::misbehaviour;
use lab::DiskOp;
use world::{Observation, ObservationId, Seen};

/// Of more things that came of one event, the first few are shown, and the last.
const NOTES_MAX: usize = 5;

/// What a node printed in one event is shown up to so many lines.
const PRINTED_LINES_MAX: usize = 12;

impl Teller<'_> {
    /// What came of an event at once, as far as no other row shows it. Of its disk only where the node `crashes`.
    pub(super) fn notes(
        &self,
        seen: &Observation,
        shown: impl Fn(&ObservationId) -> bool,
        crashes: bool,
    ) -> Vec<String> {
        let mut notes = Vec::new();
        // what was written since the last note, and whether anything is unsynced
        let (mut written, mut unsynced): (Vec<String>, bool) = (Vec::new(), false);
        for effect in self.effects.get(&seen.id).into_iter().flatten() {
            let effect = self.get(*effect);
            match &effect.seen {
                Seen::Wrote { .. } | Seen::Syncing | Seen::Synced if !crashes => {}
                Seen::Wrote { op } => {
                    unsynced = true;
                    for name in names(op) {
                        if !written.contains(&name) {
                            written.push(name);
                        }
                    }
                }
                Seen::Syncing => {}
                Seen::Synced => {
                    let what = std::mem::take(&mut written).join(", ");
                    notes.push(if what.is_empty() {
                        "synced".to_owned()
                    } else {
                        format!("writes {what}, synced")
                    });
                    unsynced = false;
                }
                _ => {
                    let note = if shown(&effect.id) { None } else { self.note(effect) };
                    if note.is_some() && !written.is_empty() {
                        notes.push(format!("writes {}", std::mem::take(&mut written).join(", ")));
                    }
                    notes.extend(note);
                }
            }
        }
        if !written.is_empty() {
            notes.push(format!("writes {}, not synced", written.join(", ")));
        } else if unsynced {
            notes.push("not synced".to_owned());
        }
        notes.dedup();
        if notes.len() > NOTES_MAX {
            let last = notes.split_off(notes.len() - 1);
            let more = notes.split_off(NOTES_MAX / 2).len();
            notes.push(format!("… {more} more like these"));
            notes.extend(last);
        }
        if let Some(printed) = self.printed.get(&seen.id) {
            let mut lines = printed.lines();
            notes.extend(lines.by_ref().take(PRINTED_LINES_MAX).map(|line| format!("prints: {line}")));
            let more = lines.count();
            if more > 0 {
                notes.push(format!("prints {more} lines more"));
            }
        }
        notes
    }
    /// Of a call or an answer that never arrives, that it does not.
    fn gets_nowhere(&self, effect: &Observation) -> &'static str {
        let arrival = || self.deliveries.get(&effect.id).map(|arrival| &self.get(*arrival).seen);
        match effect.seen.key().map(|_| arrival()) {
            None => "",
            Some(None) => ", which does not arrive",
            Some(Some(Seen::Lost { .. })) => ", which is lost",
            Some(Some(_)) => "",
        }
    }
    pub(super) fn note(&self, effect: &Observation) -> Option<String> {
        Some(match &effect.seen {
            Seen::Emitted { .. } => format!("emits {}", self.label(effect)),
            Seen::Status { .. } => format!("is now {}", self.label(effect).fields),
            Seen::Replied { heard: true, .. } => {
                format!("answers {}{}", self.label(effect), self.gets_nowhere(effect))
            }
            Seen::Replied { heard: false, .. } => {
                format!("answers {}, which nobody waits for", self.label(effect))
            }
            Seen::Called { to: None, .. } => format!("calls {}", self.label(effect)),
            Seen::Called { to: Some(to), .. } => {
                format!("calls {to}: {}{}", self.label(effect), self.gets_nowhere(effect))
            }
            Seen::Stray { from } => format!("what {from} sent is none of its messages"),
            Seen::Misbehaved(how) => misbehaviour::sign(how),
            Seen::TimerSet { rings_at, .. } => format!("sets {} for {rings_at}", self.label(effect)),
            Seen::TimerCancelled { .. } => format!("cancels {}", self.label(effect)),
            Seen::Wrote { op } => format!("writes {}", names(op).join(", ")),
            _ => return None,
        })
        .filter(|_| !matches!(effect.seen, Seen::TimerSet { .. } | Seen::TimerCancelled { .. }))
    }
}

fn names(op: &DiskOp) -> Vec<String> {
    match op {
        DiskOp::All(ops) => ops.iter().flat_map(names).collect(),
        DiskOp::Save { name, .. }
        | DiskOp::Clear { name }
        | DiskOp::Put { name, .. }
        | DiskOp::Remove { name, .. }
        | DiskOp::Append { name, .. }
        | DiskOp::Truncate { name, .. }
        | DiskOp::TrimFront { name, .. }
        | DiskOp::Write { name, .. }
        | DiskOp::Cut { name, .. } => vec![format!("`{name}`")],
    }
}
