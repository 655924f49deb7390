//! `raft_election`: the promises.

use super::worlds::*;
use crate::raft::{self, *};
use judge::{Check, Exercise, Kind};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "raft_election",
        entry: raft::ENTRY,
        lossless: false,
        checks: vec![
            Check {
                id: "initial",
                promise: "On a clean network a leader is elected within 10 election timeouts, all nodes are \
                       in its term, and it stays the leader.",
                rule: "§5.2: a follower that receives no AppendEntries for election_min to election_max \
                       starts an election. The votes of a majority of all nodes make a leader. Its \
                       heartbeats keep the others from starting elections.",
                assumption: "there is a leader from the start.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &[],
                worlds: 20,
                sometimes: &[(LED, "Untested: in none of the runs did a node become leader.")],
                case: initial,
                ..Check::PLAIN
            },
            Check {
                id: "rules-vote",
                promise: "A node votes at most once per term, and never for a term older than its own. It \
                       repeats its answer if the same candidate asks again.",
                rule: "Figure 2, RequestVote: refuse if term < currentTerm. Grant the vote if votedFor is \
                       null or the candidate. A vote belongs to the term: a node that steps down within a \
                       term has still voted.",
                assumption: "each candidate asks only once.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["initial"],
                worlds: ASKED_TWICE + ABANDONED,
                sometimes: &[],
                case: rules_vote,
                ..Check::PLAIN
            },
            Check {
                id: "rules-term",
                promise: "A node that receives a message of a higher term becomes a follower in that term. \
                       A candidate follows the leader of its own term. AppendEntries of an older term is \
                       refused.",
                rule: "Figure 2, all servers: if a message contains term T > currentTerm, set currentTerm = \
                       T and become a follower. Candidates: if AppendEntries arrives from a new leader, \
                       become a follower.",
                assumption: "a node that was elected is still the leader.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["initial"],
                worlds: 24,
                sometimes: &[],
                case: rules_term,
                ..Check::PLAIN
            },
            Check {
                id: "one-leader-per-term",
                promise: "No term has two leaders, even if votes are late, duplicated or lost.",
                rule: "Figure 3, election safety: a leader has the votes of a majority of all nodes, and \
                       each node votes once per term. A vote counts once, and only in the term in which \
                       it was granted.",
                assumption: "a vote belongs to the current term: it may be late.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["initial"],
                worlds: 192,
                sometimes: &[
                    (LED, "Untested: in none of the runs did a node become leader."),
                    (
                        CLASHED,
                        "Untested: in none of the runs did two nodes start an election in the same term.",
                    ),
                ],
                case: one_leader,
                ..Check::PLAIN
            },
            Check {
                id: "reelection",
                promise: "A majority that lost its leader elects another. When all nodes are connected \
                       again, there is one leader.",
                rule: "§5.2, §5.4: an election needs a majority and nothing else. A leader of an older term \
                       steps down when it learns of a newer term. Wall clocks take no part.",
                assumption: "the leader is always reachable.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["initial"],
                worlds: 36,
                sometimes: &[(
                    DEPOSED,
                    "Untested: in none of the runs did a second leader follow the first.",
                )],
                case: reelection,
                ..Check::PLAIN
            },
            Check {
                id: "many-elections",
                promise: "However often the network is partitioned, each time the majority that can \
                       communicate elects a leader.",
                rule: "§5.2: each term is a new election with new votes.",
                assumption: "there is only one election.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["initial"],
                worlds: 8,
                sometimes: &[(
                    DEPOSED,
                    "Untested: in none of the runs did a second leader follow the first.",
                )],
                case: many_elections,
                ..Check::PLAIN
            },
            Check {
                id: "split-votes",
                promise: "If several nodes start elections at the same moment, one of them still wins soon.",
                rule: "§5.2: each election timeout is drawn anew at random, so that in most rounds one node \
                       times out before all others.",
                assumption: "the timers of different nodes fire at different times by themselves.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["initial"],
                worlds: CROWDS + PAIRS,
                sometimes: &[(LED, "Untested: in none of the runs did a node become leader.")],
                case: split_votes,
                ..Check::PLAIN
            },
            Check {
                id: "timer-resets",
                promise: "Only two things restart a node's election timer: AppendEntries from the current \
                       leader, and granting a vote.",
                rule: "Figure 2, followers: if election timeout elapses without receiving AppendEntries \
                       from the *current* leader or *granting* a vote to a candidate, convert to \
                       candidate.",
                assumption: "every sender is a legitimate leader or candidate.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["initial"],
                worlds: 24,
                sometimes: &[(LED, "Untested: in none of the runs did a node become leader.")],
                case: timer_resets,
                ..Check::PLAIN
            },
            Check {
                id: "quiet",
                promise: "On a clean network an election costs at most 30 + 6n messages. A second without \
                       commands costs at most 2.5 (n − 1) messages per heartbeat.",
                rule: "§5.2: an election is one request to each node and one answer from each. A heartbeat \
                       is the same.",
                assumption: "messages are free.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["initial"],
                worlds: 10,
                sometimes: &[(LED, "Untested: in none of the runs did a node become leader.")],
                case: quiet,
                ..Check::PLAIN
            },
        ],
    }
}
