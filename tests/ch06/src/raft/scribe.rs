//! What a node of Raft has promised, and what a peer may ask about it.

use lab::NodeId;
use lab::raft::{Index, Message, Term};
use std::collections::BTreeMap;
use world::{Observation, ObservationId, Scenario, Scribe, Seen};

/// A vote for another.
pub(crate) const VOTE: u32 = 1;
/// A vote for itself, with which it asks for others'.
pub(crate) const OWN_VOTE: u32 = 2;
/// That its log agrees with the leader's.
pub(crate) const ACKNOWLEDGED: u32 = 4;

/// For its vote in the term in which it has voted, as a rival of the candidate that has that one's log: a leader reached it once, then
/// it was cut off, and counted up to that term alone.
pub(crate) const ASKS_FOR_VOTE: u32 = 0;
/// For what follows the entry that it has acknowledged last, as the leader of a new term: one whom the others have elected, and
/// whose log has that entry.
pub(crate) const ASKS_FOR_ENTRY: u32 = 1;
/// So far above all terms that anyone has named is the new leader's term.
const TERMS_ABOVE: Term = 10;

/// An entry that a node has acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) index: Index,
    pub(super) term: Term,
    /// The term of the leader that it was told of.
    pub(super) leads: Term,
    pub(super) at: ObservationId,
}
/// What a node has acknowledged, as far as nothing that it was handed since can have released it.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    /// The terms of entries that the leader of a term has named: where its messages begin and end.
    named: BTreeMap<(Term, Index), Term>,
    held: Option<Held>,
}
impl Acknowledged {
    /// The node is handed entries of the leader of this term, between these. What it had acknowledged, if this leader asks for
    /// exactly that: a leader of a later term may overwrite it from here on.
    pub(super) fn is_handed(
        &mut self,
        leads: Term,
        prev: (Index, Term),
        last: (Index, Term),
    ) -> Option<Held> {
        let asked = self.held.filter(|held| (held.index, held.term) == prev && leads > held.leads);
        if self.held.is_some_and(|held| leads > held.leads) {
            self.held = None;
        }
        if self.named.keys().next_back().is_some_and(|(term, _)| *term < leads) {
            self.named.clear();
        }
        for (index, term) in [prev, last] {
            self.named.insert((leads, index), term);
        }
        asked
    }
    /// The node says that its log agrees with that of the leader of this term up to there. Whether it has not said so much before.
    pub(super) fn says(&mut self, leads: Term, index: Index, at: ObservationId) -> bool {
        let Some(term) = self.named.get(&(leads, index)).copied() else { return false };
        let is_new = index > 0 && self.held.is_none_or(|held| held.index < index);
        if is_new {
            self.held = Some(Held { index, term, leads, at });
        }
        is_new
    }
}
/// Where entries that a leader sends end.
pub(super) fn last_of(prev: (Index, Term), entries: &[lab::raft::Entry]) -> (Index, Term) {
    entries.last().map_or(prev, |last| (prev.0.saturating_add(entries.len() as Index), last.term))
}

/// Takes note of votes and acknowledgements.
#[derive(Default)]
pub(crate) struct Votes {
    nodes: BTreeMap<NodeId, Kept>,
    /// The highest term that anyone has named.
    highest: Term,
}
#[derive(Default)]
struct Kept {
    /// How the logs of candidates end that have asked it, by candidate and term.
    asked: BTreeMap<(NodeId, Term), (Index, Term)>,
    /// Its vote in the highest term in which it has voted, and how the candidate's log ends.
    vote: Option<(Term, (Index, Term))>,
    acknowledged: Acknowledged,
}
impl Votes {
    /// For a scenario of Raft.
    pub(crate) fn of(_: &Scenario) -> Box<dyn Scribe> {
        Box::new(Votes::default())
    }
}
impl Kept {
    fn votes(&mut self, term: Term, log: (Index, Term), kind: u32) -> u32 {
        if self.vote.is_some_and(|(known, _)| known >= term) {
            return 0;
        }
        self.vote = Some((term, log));
        kind
    }
}
impl Scribe for Votes {
    fn note(&mut self, seen: &Observation) -> u32 {
        let (Seen::Delivered { bytes, .. } | Seen::Sent { bytes, .. }) = &seen.seen else { return 0 };
        let Some(message) = super::read(bytes) else { return 0 };
        if let Message::RequestVote { term, .. }
        | Message::Vote { term, .. }
        | Message::AppendEntries { term, .. }
        | Message::Appended { term, .. } = message
        {
            self.highest = self.highest.max(term);
        }
        let kept = self.nodes.entry(seen.node).or_default();
        match (&seen.seen, message) {
            (
                Seen::Delivered { from, .. },
                Message::RequestVote { term, last_index, last_term, pre_vote: false },
            ) => {
                kept.asked.insert((*from, term), (last_index, last_term));
                0
            }
            (Seen::Delivered { .. }, Message::AppendEntries { term, prev_index, prev_term, entries, .. }) => {
                let prev = (prev_index, prev_term);
                kept.acknowledged.is_handed(term, prev, last_of(prev, &entries));
                0
            }
            (Seen::Sent { to, .. }, Message::Vote { term, granted: true, pre_vote: false }) => {
                match kept.asked.get(&(*to, term)).copied() {
                    Some(log) => kept.votes(term, log, VOTE),
                    None => 0,
                }
            }
            (Seen::Sent { .. }, Message::RequestVote { term, last_index, last_term, pre_vote: false }) => {
                kept.votes(term, (last_index, last_term), OWN_VOTE)
            }
            (Seen::Sent { .. }, Message::Appended { term, success: true, index, .. }) => {
                match kept.acknowledged.says(term, index, seen.id) {
                    true => ACKNOWLEDGED,
                    false => 0,
                }
            }
            _ => 0,
        }
    }
    fn ask(&self, of: NodeId, question: u32, _from: NodeId) -> Option<Vec<u8>> {
        let kept = self.nodes.get(&of)?;
        let message = match question {
            ASKS_FOR_VOTE => {
                let (term, (last_index, last_term)) = kept.vote?;
                super::asks(term, last_index, last_term)
            }
            _ => {
                let held = kept.acknowledged.held?;
                super::append(
                    self.highest.saturating_add(TERMS_ABOVE),
                    (held.index, held.term),
                    Vec::new(),
                    0,
                )
            }
        };
        Some(lab::frame::encode(&message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: ObservationId = ObservationId(1);

    #[test]
    fn what_was_acknowledged_holds_until_a_later_leader_may_overwrite_it() {
        let mut acknowledged = Acknowledged::default();
        acknowledged.is_handed(3, (0, 0), (2, 1));
        assert!(acknowledged.says(3, 2, AT));
        assert!(!acknowledged.says(3, 2, AT), "a heartbeat's echo says nothing new");
        assert!(!acknowledged.says(3, 7, AT), "nobody has told it of entry 7");
        assert_eq!(acknowledged.is_handed(3, (2, 1), (2, 1)), None, "the same leader");
        assert_eq!(acknowledged.is_handed(2, (1, 1), (2, 2)), None, "one of an earlier term is refused");
        assert_eq!(acknowledged.is_handed(5, (2, 1), (2, 1)).map(|held| held.index), Some(2));
        assert_eq!(acknowledged.is_handed(6, (2, 1), (2, 1)), None, "leader 5 may have overwritten it");
    }

    #[test]
    fn another_entry_at_that_place_is_not_what_was_acknowledged() {
        let mut acknowledged = Acknowledged::default();
        acknowledged.is_handed(3, (0, 0), (2, 1));
        acknowledged.says(3, 2, AT);
        assert_eq!(acknowledged.is_handed(5, (2, 2), (2, 2)), None);
    }

    #[test]
    fn a_rival_asks_for_the_vote_of_the_highest_term_with_the_candidates_own_log() {
        let mut votes = Votes::default();
        let n1 = NodeId(1);
        let mut saw = |seen| {
            let (id, at) = (AT, world::Time::ZERO);
            let cause = world::Cause::Scenario;
            votes.note(&Observation { id, at, node: n1, cause, seen, label: None })
        };
        let bytes = |message: &Message| world::Bytes::from(lab::frame::encode(message));
        let vote = |term| Message::Vote { term, granted: true, pre_vote: false };
        let asked = |term, last| Seen::Delivered {
            from: NodeId(2),
            bytes: bytes(&super::super::asks(term, last, 1)),
        };
        let sent =
            |message: &Message| Seen::Sent { to: NodeId(2), bytes: bytes(message), key: world::Key(0) };
        assert_eq!(saw(asked(4, 7)), 0);
        assert_eq!(saw(sent(&vote(4))), VOTE);
        assert_eq!(saw(sent(&vote(4))), 0, "the same vote again");
        assert_eq!(saw(sent(&super::super::asks(6, 8, 1))), OWN_VOTE);
        assert_eq!(saw(sent(&vote(4))), 0, "a vote of an earlier term");
        let question = votes.ask(n1, ASKS_FOR_VOTE, NodeId(5)).and_then(|bytes| lab::frame::decode(&bytes));
        assert_eq!(question, Some(super::super::asks(6, 8, 1)));
        assert_eq!(votes.ask(n1, ASKS_FOR_ENTRY, NodeId(5)), None, "it has acknowledged nothing");
    }
}
