//! What was sent, how often and by whom, where too much was; and one of those messages.

use super::{About, Teller};
use crate::check::Violation;
use crate::story::is_puppet;
use lab::NodeId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use world::{ObservationId, Seen};

/// So many kinds of messages are counted in words, the rest in one.
const KINDS_MAX: usize = 4;

/// Messages of one kind that one node has sent.
#[derive(Default)]
struct Kind {
    many: usize,
    bytes: usize,
    to: BTreeSet<NodeId>,
    /// The one that stands for them, and its length.
    example: Option<(ObservationId, usize)>,
}

impl Teller<'_> {
    /// A failure that is a sum: one of the messages that make most of it, and how much of each kind there was.
    pub(super) fn costs(&self, violation: &Violation) -> About {
        let is_of_bytes = violation.sentence.contains("bytes");
        let kinds = self.kinds(is_of_bytes);
        let example = kinds.first().and_then(|((from, name), kind)| {
            let (id, bytes) = kind.example?;
            let what = match kind.many {
                1 => format!("the only {name} of {from}: {bytes} bytes"),
                many => format!("one of the {many} {name} of {from}: {bytes} bytes"),
            };
            Some((id, what))
        });
        let marks = violation.because.iter().cloned().chain(example);
        About { is_example: true, below: self.sent_most(is_of_bytes), ..About::marks(marks) }
    }
    /// What was sent most, a line each.
    pub(super) fn sent_most(&self, of_bytes: bool) -> Vec<String> {
        let kinds = self.kinds(of_bytes);
        if kinds.is_empty() {
            return Vec::new();
        }
        let mut lines = vec![String::new(), "What was sent in this run, the most first:".to_owned()];
        lines.extend(kinds.iter().take(KINDS_MAX).map(|((from, name), Kind { many, bytes, to, .. })| {
            format!("{from} sent {many} {name} to {}: {bytes} bytes", listed(to))
        }));
        let rest = kinds.get(KINDS_MAX..).unwrap_or_default();
        if !rest.is_empty() {
            let many: usize = rest.iter().map(|(_, kind)| kind.many).sum();
            let bytes: usize = rest.iter().map(|(_, kind)| kind.bytes).sum();
            lines.push(format!("and {many} messages of other kinds: {bytes} bytes"));
        }
        lines
    }
    /// Messages by sender and name, those first that cost most.
    fn kinds(&self, of_bytes: bool) -> Vec<((NodeId, String), Kind)> {
        let mut kinds: BTreeMap<(NodeId, String), Kind> = BTreeMap::new();
        for seen in &self.trace.observations {
            let Seen::Sent { to, bytes, .. } = &seen.seen else { continue };
            if *to == seen.node || is_puppet(self.scenario, seen.node) {
                continue;
            }
            let name = self.label(seen).name;
            let name = if name.is_empty() { "message".to_owned() } else { name };
            let kind = kinds.entry((seen.node, name)).or_default();
            kind.many += 1;
            kind.bytes += bytes.len();
            kind.to.insert(*to);
            // the longest of them; of as long ones the last, for by then they repeat themselves
            if kind.example.is_none_or(|(_, longest)| bytes.len() >= longest) {
                kind.example = Some((seen.id, bytes.len()));
            }
        }
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, kind)| Reverse(if of_bytes { kind.bytes } else { kind.many }));
        kinds
    }
}
/// `n1, n2 and n3`.
pub(super) fn listed<'n>(nodes: impl IntoIterator<Item = &'n NodeId>) -> String {
    let mut names: Vec<String> = nodes.into_iter().map(NodeId::to_string).collect();
    match names.pop() {
        Some(last) if !names.is_empty() => format!("{} and {last}", names.join(", ")),
        only => only.unwrap_or_default(),
    }
}
