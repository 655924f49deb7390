//! What an acceptor has promised, and what a peer may ask about it.

use lab::NodeId;
use lab::paxos::{Ballot, Message, Proposal, Request, Value};
use std::collections::{BTreeMap, BTreeSet};
use world::{Observation, Scenario, Scribe, Seen};

/// It has promised a ballot.
pub(super) const PROMISED: u32 = 1;
/// It has accepted a proposal.
pub(super) const ACCEPTED: u32 = 2;

/// To accept a proposal under a ballot just below the one that it has promised or accepted: a majority promised that ballot before, and the
/// message is late.
pub(super) const ASKS_TO_ACCEPT_LOWER: u32 = 0;
/// To promise a ballot above all others: the next attempt.
pub(super) const ASKS_TO_PROMISE_HIGHER: u32 = 1;

/// Takes note of promises and of what was accepted.
#[derive(Default)]
pub(super) struct Acceptors {
    nodes: BTreeMap<NodeId, Kept>,
    /// All ballots that anyone has named.
    used: BTreeSet<Ballot>,
    /// The values that were proposed under ballots.
    values: BTreeMap<Ballot, Value>,
    /// What clients have asked for.
    wishes: BTreeSet<Value>,
}
#[derive(Default)]
struct Kept {
    promised: Option<Ballot>,
    accepted: Option<Proposal>,
}
impl Acceptors {
    /// For a scenario of Paxos.
    pub(super) fn of(_: &Scenario) -> Box<dyn Scribe> {
        Box::new(Acceptors::default())
    }
    fn proposes(&mut self, proposal: Proposal) {
        self.used.insert(proposal.ballot);
        self.values.entry(proposal.ballot).or_insert(proposal.value);
    }
    /// The highest ballot below this one that nobody has used.
    fn unused_below(&self, ballot: Ballot) -> Option<Ballot> {
        let below = |Ballot { high, low }: Ballot| match low.checked_sub(1) {
            Some(low) => Some(Ballot { high, low }),
            None => high.checked_sub(1).map(|high| Ballot { high, low: u64::MAX }),
        };
        std::iter::successors(below(ballot), |ballot| below(*ballot))
            .find(|ballot| !self.used.contains(ballot))
    }
}
impl Scribe for Acceptors {
    fn note(&mut self, seen: &Observation) -> u32 {
        let message: Option<Message> = match &seen.seen {
            Seen::Sent { bytes, .. } => lab::frame::decode(bytes),
            Seen::Requested { bytes, .. } => {
                if let Some(Request::Propose { value }) = lab::frame::decode(bytes) {
                    self.wishes.insert(value);
                }
                None
            }
            _ => None,
        };
        match message {
            Some(Message::Prepare(ballot)) => {
                self.used.insert(ballot);
                0
            }
            Some(Message::Accept(proposal)) => {
                self.proposes(proposal);
                0
            }
            Some(Message::Promise { ballot, .. }) => {
                self.used.insert(ballot);
                let kept = self.nodes.entry(seen.node).or_default();
                let is_new = kept.promised.is_none_or(|known| known < ballot);
                kept.promised = kept.promised.max(Some(ballot));
                if is_new { PROMISED } else { 0 }
            }
            Some(Message::Accepted(proposal)) => {
                self.proposes(proposal);
                let kept = self.nodes.entry(seen.node).or_default();
                let is_new = kept.accepted.is_none_or(|known| known.ballot < proposal.ballot);
                if is_new {
                    kept.accepted = Some(proposal);
                    ACCEPTED
                } else {
                    0
                }
            }
            _ => 0,
        }
    }
    fn ask(&self, of: NodeId, question: u32, from: NodeId) -> Option<Vec<u8>> {
        let kept = self.nodes.get(&of)?;
        let bound = kept.promised.max(kept.accepted.map(|proposal| proposal.ballot))?;
        let message = match question {
            ASKS_TO_ACCEPT_LOWER => {
                let ballot = self.unused_below(bound)?;
                // what may be chosen below it, or else what somebody wants
                let below = self.values.range(..ballot).next_back().map(|(_, value)| *value);
                let wished = || self.wishes.first().or(self.values.values().next()).copied();
                let value = below.or_else(wished)?;
                Message::Accept(Proposal { ballot, value })
            }
            _ => {
                let highest = self.used.last()?;
                Message::Prepare(Ballot { high: highest.high.checked_add(1)?, low: u64::from(from.0) })
            }
        };
        Some(lab::frame::encode(&message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use world::{Bytes, Cause, Key, ObservationId, Time};

    fn ballot(high: u64, low: u64) -> Ballot {
        Ballot { high, low }
    }
    fn acceptor(said: &[(u32, Message)]) -> Acceptors {
        let mut acceptors = Acceptors::default();
        for (node, message) in said {
            let bytes = Bytes::from(lab::frame::encode(message));
            let seen = Seen::Sent { to: NodeId(9), bytes, key: Key(0) };
            let (id, at, cause) = (ObservationId(1), Time::ZERO, Cause::Scenario);
            acceptors.note(&Observation { id, at, node: NodeId(*node), cause, seen, label: None });
        }
        acceptors
    }
    fn asks(acceptors: &Acceptors, question: u32) -> Option<Message> {
        lab::frame::decode(&acceptors.ask(NodeId(1), question, NodeId(5))?)
    }

    #[test]
    fn a_lower_proposal_has_a_ballot_of_its_own_and_the_value_that_may_be_chosen() {
        let proposal = |high, low, value| Proposal { ballot: ballot(high, low), value };
        let said = acceptor(&[
            (2, Message::Accept(proposal(3, 2, 7))),
            (3, Message::Prepare(ballot(4, 3))),
            (4, Message::Prepare(ballot(4, 4))),
            (1, Message::Promise { ballot: ballot(4, 4), accepted: None }),
        ]);
        let lower = Message::Accept(proposal(4, 2, 7));
        assert_eq!(asks(&said, ASKS_TO_ACCEPT_LOWER), Some(lower), "4.3 is somebody's");
        assert_eq!(asks(&said, ASKS_TO_PROMISE_HIGHER), Some(Message::Prepare(ballot(5, 5))));
    }

    #[test]
    fn below_the_first_ballot_of_a_round_is_the_round_before_and_below_all_is_nothing() {
        let promised = |ballot| acceptor(&[(1, Message::Promise { ballot, accepted: None })]);
        assert_eq!(promised(ballot(2, 0)).unused_below(ballot(2, 0)), Some(ballot(1, u64::MAX)));
        assert_eq!(promised(ballot(0, 0)).unused_below(ballot(0, 0)), None);
        assert_eq!(asks(&Acceptors::default(), ASKS_TO_PROMISE_HIGHER), None, "it has promised nothing");
    }
}
