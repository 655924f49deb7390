//! `raft_persist`: the promises.

use super::worlds::*;
use crate::raft::{self, *};
use judge::{Check, Exercise, Kind};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "raft_persist",
        entry: raft::ENTRY,
        lossless: false,
        checks: vec![
            Check {
                id: "comes-back",
                promise: "Whatever crashes, one node or all, work goes on when a majority is up, and who comes back gets everything.",
                rule: "Figure 2, persistent state on all servers: currentTerm, votedFor and the log are there again after a restart; everything \
                       else is found out anew.",
                assumption: "That nobody crashes.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &[],
                worlds: 24,
                sometimes: &[
                    (PROMISED, "No client ever heard that its command is committed, so nothing was shown."),
                    (RESTARTED, "No node came back that had been in a term, so nothing was shown."),
                ],
                case: comes_back,
                ..Check::PLAIN
            },
            Check {
                id: "vote-survives",
                promise: "A node that crashes after it has voted does not vote again in that term.",
                rule: "Figure 2: votedFor is on stable storage before the node responds.",
                assumption: "That a vote is remembered by itself.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["comes-back"],
                worlds: 64,
                sometimes: &[(RESTARTED, "No node came back that had been in a term, so nothing was shown.")],
                case: vote_survives,
                ..Check::PLAIN
            },
            Check {
                id: "term-survives",
                promise: "A node is never in an earlier term than one that it has told somebody of.",
                rule: "Figure 2: currentTerm is on stable storage before the node responds.",
                assumption: "That a term is found out again soon enough.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["comes-back"],
                worlds: 48,
                sometimes: &[(RESTARTED, "No node came back that had been in a term, so nothing was shown.")],
                case: term_survives,
                ..Check::PLAIN
            },
            Check {
                id: "acknowledged-survive",
                promise: "What a client heard to be committed is done by all, whoever crashes: the leader, all at once, or one after another.",
                rule: "Figure 2: an entry is on stable storage before a follower acknowledges it.",
                assumption: "That what a majority has in memory is safe.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["comes-back"],
                worlds: 96,
                sometimes: &[(
                    PROMISED,
                    "No client ever heard that its command is committed, so nothing was shown.",
                )],
                case: acknowledged_survive,
                ..Check::PLAIN
            },
            Check {
                id: "own-copy",
                promise: "A leader counts itself only for what its disk has.",
                rule: "§5.3, Figure 2: the leader is one of the majority that stores an entry; its copy must be as safe as theirs.",
                assumption: "That the leader's memory is a copy.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["comes-back"],
                worlds: 64,
                sometimes: &[(
                    PROMISED,
                    "No client ever heard that its command is committed, so nothing was shown.",
                )],
                case: own_copy,
                ..Check::PLAIN
            },
            Check {
                id: "crash-points",
                promise: "All rules hold whatever two effects a crash falls between, and whatever other two effects a second one does.",
                rule: "Figure 3. An effect that must come before another must be durable before it.",
                assumption: "That a handler is done whole or not at all.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["comes-back"],
                worlds: CRASH_POINTS,
                sometimes: &[(RESTARTED, "No node came back that had been in a term, so nothing was shown.")],
                case: crash_points,
                ..Check::PLAIN
            },
            Check {
                id: "torn-tail",
                promise: "A record that a crash tore is dropped, and everything before it is kept.",
                rule: "Ongaro's thesis, §3.8: a node may lose what it had not yet acknowledged, and nothing else.",
                assumption: "That what was written is whole or absent.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["comes-back"],
                worlds: 48,
                sometimes: &[(RESTARTED, "No node came back that had been in a term, so nothing was shown.")],
                case: torn_tail,
                ..Check::PLAIN
            },
            Check {
                id: "figure-8-unreliable",
                promise: "Leaders that crash or are cut off as soon as they have told somebody something end in agreement, on a network that \
                          delivers in any order.",
                rule: "§5.4.2, Figure 8, again and again: entries of many terms, each on a few nodes.",
                assumption: "That a leader has the time to finish what it began.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &["comes-back"],
                worlds: 25,
                sometimes: &[
                    (OVERWRITTEN, "No entry ever gave way to another, so nothing was shown."),
                    (DEPOSED, "Nobody ever led after another, so nothing was shown."),
                ],
                case: figure_8_unreliable,
                ..Check::PLAIN
            },
            Check {
                id: "churn",
                promise: "Under crash after crash on a bad network, what was committed stays, and when it ends all agree.",
                rule: "Figure 3, and §5.4.2: old terms' entries above all.",
                assumption: "That a new leader means a new start.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["comes-back"],
                worlds: 12,
                sometimes: &[(DEPOSED, "Nobody ever led after another, so nothing was shown.")],
                case: churn,
                ..Check::PLAIN
            },
        ],
    }
}
