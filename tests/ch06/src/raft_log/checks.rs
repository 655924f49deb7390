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
                promise: "On a clean network every node applies each proposed command within a heartbeat \
                       and four round trips, also when five are proposed at once.",
                rule: "§5.3: the leader appends the command and sends it to all followers. When a majority \
                       stores it, the leader commits and applies it, and announces the commit with its \
                       next message.",
                assumption: "there is time to wait for more commands before sending.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &[],
                worlds: 24,
                sometimes: &[(
                    PROMISED,
                    "Untested: in none of the runs did a client hear that its command is committed.",
                )],
                case: agree,
                ..Check::PLAIN
            },
            Check {
                id: "rules-append",
                promise: "A follower refuses entries that do not follow its log, deletes only entries that \
                       conflict, and commits only entries that it has checked.",
                rule: "Figure 2, AppendEntries: refuse if the log has no entry at prevLogIndex with term \
                       prevLogTerm, heartbeats included. Delete an existing entry only if it conflicts \
                       with a new one. Set commitIndex = min(leaderCommit, index of last new entry).",
                assumption: "a leader's messages arrive in order, and once.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["agree"],
                worlds: 54,
                sometimes: &[],
                case: rules_append,
                ..Check::PLAIN
            },
            Check {
                id: "rules-vote-log",
                promise: "A node votes for a candidate only if the candidate's log is at least as up to \
                       date as its own.",
                rule: "§5.4.1: of two logs, the one with the later last term is more up to date. If the \
                       last terms are equal, the longer log is.",
                assumption: "the longer log is always the more up-to-date one.",
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
                promise: "No two nodes apply different commands at the same index, whatever the network \
                       does. Each node applies the indexes 1, 2, 3, … once and in order.",
                rule: "Figure 3: log matching, leader completeness, state machine safety.",
                assumption: "the network delivers every message, once and in order.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["agree"],
                worlds: 192,
                sometimes: &[
                    (
                        PROMISED,
                        "Untested: in none of the runs did a client hear that its command is committed.",
                    ),
                    (
                        OVERWRITTEN,
                        "Untested: in none of the runs did a leader overwrite an entry of another leader.",
                    ),
                ],
                case: state_machine,
                ..Check::PLAIN
            },
            Check {
                id: "figure-8",
                promise: "A leader never commits an entry of an earlier term just because a majority stores \
                       it.",
                rule: "§5.4.2, Figure 8: a leader counts replicas only for entries of its own term. Entries \
                       before those are committed with them.",
                assumption: "an entry that a majority stores can never be overwritten.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["agree"],
                worlds: 64,
                sometimes: &[(
                    DEPOSED,
                    "Untested: in none of the runs did a second leader follow the first.",
                )],
                case: figure_8,
                ..Check::PLAIN
            },
            Check {
                id: "match-index",
                promise: "An entry counts as stored on a follower only if that follower acknowledged it to \
                       this leader in this term. The leader counts itself once.",
                rule: "Figure 2, leaders: if there exists N > commitIndex with matchIndex[i] ≥ N for a \
                       majority and log[N].term == currentTerm, set commitIndex = N. matchIndex is what a \
                       follower acknowledged: not what was sent, and not what the log contains by now.",
                assumption: "an answer describes the leader's log as it is now.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["agree"],
                worlds: 96,
                sometimes: &[(DID, "Untested: in none of the runs did a node apply a command.")],
                case: match_index,
                ..Check::PLAIN
            },
            Check {
                id: "honest-reply",
                promise: "If a client hears `Committed`, its command stays at that index for ever. If a node \
                          answers `NotLeader`, it has not appended the command and never will.",
                rule: "§8, Figure 2, leaders: respond after the entry is applied. If another leader \
                       overwrote the entry, the client's command was not committed.",
                assumption: "every entry in a leader's log will be committed.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["agree"],
                worlds: 64,
                sometimes: &[
                    (
                        PROMISED,
                        "Untested: in none of the runs did a client hear that its command is committed.",
                    ),
                    (
                        OVERWRITTEN,
                        "Untested: in none of the runs did a leader overwrite an entry of another leader.",
                    ),
                ],
                case: honest_reply,
                ..Check::PLAIN
            },
            Check {
                id: "failures",
                promise: "A majority continues while other nodes are away, and a node that returns receives \
                       all entries.",
                rule: "§5.3: the leader retries AppendEntries until all followers store all entries.",
                assumption: "every node is reachable.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["agree"],
                worlds: 32,
                sometimes: &[(
                    PROMISED,
                    "Untested: in none of the runs did a client hear that its command is committed.",
                )],
                case: failures,
                ..Check::PLAIN
            },
            Check {
                id: "rejoin",
                promise: "A leader that returns with entries that no other node has replaces them, and all \
                       nodes agree.",
                rule: "§5.3: the leader makes the followers' logs match its own.",
                assumption: "an entry in a log stays there for ever.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &["agree"],
                worlds: 24,
                sometimes: &[(
                    OVERWRITTEN,
                    "Untested: in none of the runs did a leader overwrite an entry of another leader.",
                )],
                case: rejoin,
                ..Check::PLAIN
            },
            Check {
                id: "fast-backup",
                promise: "Two logs that differ in their last 500 entries agree within 3 seconds over a \
                       round trip of 40 ms. This costs at most six times the missing entries.",
                rule: "End of §5.3: a refusal that reports the conflicting term lets the leader go back one \
                       term at a time.",
                assumption: "logs never differ by much.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["agree"],
                worlds: 4,
                sometimes: &[(
                    OVERWRITTEN,
                    "Untested: in none of the runs did a leader overwrite an entry of another leader.",
                )],
                case: fast_backup,
                ..Check::PLAIN
            },
            Check {
                id: "unreliable",
                promise: "When a bad network recovers, every node applies every proposed command.",
                rule: "§5.3: messages are retransmitted until they are answered. Late answers do no harm.",
                assumption: "answers arrive soon and in order.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &["agree"],
                worlds: 8,
                sometimes: &[(
                    PROMISED,
                    "Untested: in none of the runs did a client hear that its command is committed.",
                )],
                case: unreliable,
                ..Check::PLAIN
            },
            Check {
                id: "as-good-as-new",
                promise: "While any one node is cut off, the other nodes commit every command and answer every \
                          client. A node that returns stores every entry.",
                rule: "§5.3: a leader commits an entry as soon as a majority stores it. It sends AppendEntries again \
                       and again until every follower stores every entry.",
                assumption: "all nodes answer, or that another command soon follows.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &[
                    "agree",
                    "rules-append",
                    "rules-vote-log",
                    "state-machine",
                    "figure-8",
                    "match-index",
                    "honest-reply",
                    "failures",
                    "rejoin",
                    "unreliable",
                ],
                worlds: 24,
                sometimes: &[(
                    PROMISED,
                    "Untested: in none of the runs did a client hear that its command is committed.",
                )],
                case: as_good_as_new,
                ..Check::PLAIN
            },
            Check {
                id: "bytes",
                promise: "The leader sends each command to each follower about once.",
                rule: "§5.3: nextIndex tells which entries a follower lacks. No others need to be sent.",
                assumption: "bytes are free.",
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
                promise: "Ten commands cost at most 6 (n − 1) messages each. A second without commands \
                       costs heartbeats only.",
                rule: "§5.3: a command is one message to each follower and one answer from each.",
                assumption: "messages are free.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["agree"],
                worlds: 8,
                sometimes: &[],
                case: messages,
                ..Check::PLAIN
            },
        ],
    }
}
