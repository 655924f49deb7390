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
                promise: "On a clean network there is a leader within 10 election time-outs, all are in its term, and it stays.",
                rule: "§5.2: who hears of no leader for election_min to election_max stands; the votes of a majority of all nodes make a \
                       leader; its heartbeats keep all others from standing.",
                assumption: "That somebody is in charge from the start.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &[],
                worlds: 16,
                sometimes: &[(LED, "Nobody ever led, so nothing was shown.")],
                case: initial,
                ..Check::PLAIN
            },
            Check {
                id: "rules-vote",
                promise: "A node votes once in a term, never in an earlier term than its own, and says the same again to who asks again.",
                rule: "Figure 2, RequestVote: refuse if term < currentTerm; grant if votedFor is null or the candidate. The vote goes with \
                       the term: who steps down within a term has still voted.",
                assumption: "That each candidate asks once.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["initial"],
                worlds: 24,
                sometimes: &[],
                case: rules_vote,
                ..Check::PLAIN
            },
            Check {
                id: "rules-term",
                promise: "A higher term makes a follower, in a message of any kind; a candidate follows the leader of its own term; an old \
                          leader is refused.",
                rule: "Figure 2, all servers: if a message bears term T > currentTerm, set currentTerm = T and become a follower. \
                       Candidates: if AppendEntries comes from a new leader, become a follower.",
                assumption: "That who once led still does.",
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
                promise: "No term has two leaders, however late, doubled or lost the votes are.",
                rule: "Figure 3, election safety: a leader has a majority of all nodes behind it, each of which votes once a term; a vote \
                       counts once, and for the term that it was given in.",
                assumption: "That a vote that arrives was given just now.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["initial"],
                worlds: 192,
                sometimes: &[
                    (LED, "Nobody ever led, so nothing was shown."),
                    (CLASHED, "No two nodes ever stood in one term, so nothing was shown."),
                ],
                case: one_leader,
                ..Check::PLAIN
            },
            Check {
                id: "reelection",
                promise: "A majority that has lost its leader elects another; when all are back together, there is one leader.",
                rule: "§5.2, §5.4: an election needs a majority, and nothing else; a leader of an earlier term gives up when it hears of \
                       a later one.",
                assumption: "That the leader is always there.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["initial"],
                worlds: 24,
                sometimes: &[(DEPOSED, "Nobody ever led after another, so nothing was shown.")],
                case: reelection,
                ..Check::PLAIN
            },
            Check {
                id: "many-elections",
                promise: "However often the cluster is torn, the majority that can talk has a leader each time.",
                rule: "§5.2: each term is a new election with new votes.",
                assumption: "That an election happens once.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["initial"],
                worlds: 8,
                sometimes: &[(DEPOSED, "Nobody ever led after another, so nothing was shown.")],
                case: many_elections,
                ..Check::PLAIN
            },
            Check {
                id: "split-votes",
                promise: "Nodes that stand at the same moment do not do so for ever.",
                rule: "§5.2: each election time-out is drawn anew, so that in most rounds one node is ahead of all others.",
                assumption: "That clocks differ enough by themselves.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["initial"],
                worlds: 24,
                sometimes: &[(LED, "Nobody ever led, so nothing was shown.")],
                case: split_votes,
                ..Check::PLAIN
            },
            Check {
                id: "timer-resets",
                promise: "The current leader, or a candidate that one votes for, puts one's own election off, and nobody else does.",
                rule: "Figure 2, followers: stand when election timeout elapses without receiving AppendEntries from the *current* leader or \
                       *granting* a vote.",
                assumption: "That whoever speaks is entitled to.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["initial"],
                worlds: 16,
                sometimes: &[(LED, "Nobody ever led, so nothing was shown.")],
                case: timer_resets,
                ..Check::PLAIN
            },
            Check {
                id: "quiet",
                promise: "An election on a clean network costs at most 30 + 6n messages, and a second without work at most 2.5 (n − 1) for each \
                          heartbeat.",
                rule: "§5.2: an election is a question to each and an answer from each; a heartbeat is, too.",
                assumption: "That messages are free.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["initial"],
                worlds: 8,
                sometimes: &[(LED, "Nobody ever led, so nothing was shown.")],
                case: quiet,
                ..Check::PLAIN
            },
        ],
    }
}
