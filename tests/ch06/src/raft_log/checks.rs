//! `raft_log`: the promises.

use super::worlds::*;
use crate::raft::{self, *};
use judge::{Check, Exercise, Kind};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "raft_log",
        entry: raft::ENTRY,
        lossless: false,
        checks: vec![
            Check {
                id: "agree",
                promise: "On a clean network every node does what was proposed, five proposals at once too, within a heartbeat and four round \
                          trips.",
                rule: "§5.3: the leader appends, sends to all, commits when a majority has it, does it, and tells all with what it sends next.",
                assumption: "That there is time to wait for more to do.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &[],
                worlds: 24,
                sometimes: &[(
                    PROMISED,
                    "No client ever heard that its command is committed, so nothing was shown.",
                )],
                case: agree,
                ..Check::PLAIN
            },
            Check {
                id: "rules-append",
                promise: "A follower refuses what does not follow on its log, throws away only what really differs, and commits only what it \
                          has checked.",
                rule: "Figure 2, AppendEntries: refuse if the log has no entry at prevLogIndex with prevLogTerm, heartbeats too; delete an \
                       existing entry only if it conflicts with a new one; commitIndex = min(leaderCommit, index of last new entry).",
                assumption: "That messages of a leader come in order, and once.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["agree"],
                worlds: 40,
                sometimes: &[],
                case: rules_append,
                ..Check::PLAIN
            },
            Check {
                id: "rules-vote-log",
                promise: "Nobody votes for a candidate whose log is less up to date than its own, and everybody else may be voted for.",
                rule: "§5.4.1: the log with the later last term is more up to date; of two with the same last term, the longer one.",
                assumption: "That the longer log is the better one.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["agree"],
                worlds: 24,
                sometimes: &[],
                case: rules_vote_log,
                ..Check::PLAIN
            },
            Check {
                id: "state-machine",
                promise: "No two nodes do different things as the same entry, and each does entry 1, 2, 3, … once, whatever the network does.",
                rule: "Figure 3: log matching, leader completeness, state machine safety.",
                assumption: "That the network is kind.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["agree"],
                worlds: 192,
                sometimes: &[
                    (PROMISED, "No client ever heard that its command is committed, so nothing was shown."),
                    (OVERWRITTEN, "No entry ever gave way to another, so nothing was shown."),
                ],
                case: state_machine,
                ..Check::PLAIN
            },
            Check {
                id: "figure-8",
                promise: "An entry of an earlier term is not done because there are many copies of it.",
                rule: "§5.4.2, Figure 8: a leader counts copies of entries of its own term only; entries before those are committed with them.",
                assumption: "That what a majority has stays.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["agree"],
                worlds: 64,
                sometimes: &[(DEPOSED, "Nobody ever led after another, so nothing was shown.")],
                case: figure_8,
                ..Check::PLAIN
            },
            Check {
                id: "match-index",
                promise: "A follower counts for an entry when it has said so to this leader in this term, and the leader counts once.",
                rule: "Figure 2, leaders: if there exists N > commitIndex, a majority of matchIndex[i] ≥ N, and log[N].term == currentTerm: \
                       set commitIndex = N. matchIndex is what a follower acknowledged: not what was sent, and not what is in the log by now.",
                assumption: "That an answer speaks of the log as it is now.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["agree"],
                worlds: 96,
                sometimes: &[(DID, "No command was ever done, so nothing was shown.")],
                case: match_index,
                ..Check::PLAIN
            },
            Check {
                id: "honest-reply",
                promise: "A client that hears `Committed` can rely on it: its command stays at that place for ever.",
                rule: "§8, Figure 2, leaders: respond after the entry is applied. An entry that another leader overwrote was somebody else's.",
                assumption: "That what is in my log will be done.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["agree"],
                worlds: 64,
                sometimes: &[
                    (PROMISED, "No client ever heard that its command is committed, so nothing was shown."),
                    (OVERWRITTEN, "No entry ever gave way to another, so nothing was shown."),
                ],
                case: honest_reply,
                ..Check::PLAIN
            },
            Check {
                id: "failures",
                promise: "A majority goes on while others are away, and who comes back gets everything.",
                rule: "§5.3: the leader sends again and again until all followers have all entries.",
                assumption: "That everyone is there.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["agree"],
                worlds: 24,
                sometimes: &[(
                    PROMISED,
                    "No client ever heard that its command is committed, so nothing was shown.",
                )],
                case: failures,
                ..Check::PLAIN
            },
            Check {
                id: "rejoin",
                promise: "A leader that comes back with entries that nobody else has gives them up, and all agree.",
                rule: "§5.3: the leader makes the followers' logs like its own.",
                assumption: "That what is in the log is for ever.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &["agree"],
                worlds: 24,
                sometimes: &[(OVERWRITTEN, "No entry ever gave way to another, so nothing was shown.")],
                case: rejoin,
                ..Check::PLAIN
            },
            Check {
                id: "fast-backup",
                promise: "Two logs that part 500 entries before the end agree within 3 seconds over a link of 40 ms, at the cost of four times \
                          what is missing.",
                rule: "End of §5.3: a refusal that tells the term of the conflict lets the leader go back a term at a time.",
                assumption: "That logs never part by much.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["agree"],
                worlds: 4,
                sometimes: &[(OVERWRITTEN, "No entry ever gave way to another, so nothing was shown.")],
                case: fast_backup,
                ..Check::PLAIN
            },
            Check {
                id: "unreliable",
                promise: "When a bad network gets better, everything that was proposed is done everywhere.",
                rule: "§5.3: messages are sent again until they are answered; answers that come late do no harm.",
                assumption: "That answers come soon, and in order.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &["agree"],
                worlds: 8,
                sometimes: &[(
                    PROMISED,
                    "No client ever heard that its command is committed, so nothing was shown.",
                )],
                case: unreliable,
                ..Check::PLAIN
            },
            Check {
                id: "bytes",
                promise: "Each command travels to each follower about once.",
                rule: "§5.3: nextIndex says what a follower lacks; nothing else needs to be sent.",
                assumption: "That bytes are free.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["agree"],
                worlds: 4,
                sometimes: &[],
                case: bytes,
                ..Check::PLAIN
            },
            Check {
                id: "messages",
                promise: "Ten commands cost at most 6 (n − 1) messages each, and a second without work costs heartbeats only.",
                rule: "§5.3: a command is a message to each follower, and an answer from each.",
                assumption: "That messages are free.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["agree"],
                worlds: 4,
                sometimes: &[],
                case: messages,
                ..Check::PLAIN
            },
        ],
    }
}
