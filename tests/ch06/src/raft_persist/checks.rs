//! `raft_persist`: the promises.

use super::worlds::*;
use crate::raft::{self, *};
use judge::{Check, Exercise, Kind};
use kit::interrogate::ASKED;

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "raft_persist",
        entry: raft::ENTRY,
        lossless: false,
        checks: vec![
            Check {
                id: "comes-back",
                promise: "Whichever nodes crash, one or all, the cluster continues when a majority is up. A \
                       node that restarts receives all entries.",
                rule: "Figure 2, persistent state on all servers: currentTerm, votedFor and the log are on \
                       disk after a restart. A node learns everything else anew.",
                assumption: "no node crashes.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &[],
                worlds: 24,
                sometimes: &[
                    (
                        PROMISED,
                        "Untested: in none of the runs did a client hear that its command is committed.",
                    ),
                    (
                        RESTARTED,
                        "Untested: in none of the runs did a node restart that had voted or stored an entry.",
                    ),
                ],
                case: comes_back,
                ..Check::PLAIN
            },
            Check {
                id: "vote-survives",
                promise: "A node that crashes after it granted a vote does not grant another vote in that \
                       term.",
                rule: "Figure 2: votedFor is on stable storage before the node responds.",
                assumption: "a node remembers its vote across a crash.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["comes-back"],
                worlds: VOTES + LATER_TERMS,
                sometimes: &[(
                    RESTARTED,
                    "Untested: in none of the runs did a node restart that had voted or stored an entry.",
                )],
                case: vote_survives,
                ..Check::PLAIN
            },
            Check {
                id: "term-survives",
                promise: "A node is never in a term older than a term that it has sent.",
                rule: "Figure 2: currentTerm is on stable storage before the node responds.",
                assumption: "a restarted node will learn the current term soon enough.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["comes-back"],
                worlds: 48,
                sometimes: &[(
                    RESTARTED,
                    "Untested: in none of the runs did a node restart that had voted or stored an entry.",
                )],
                case: term_survives,
                ..Check::PLAIN
            },
            Check {
                id: "acknowledged-survive",
                promise: "If a client heard `Committed`, every node applies that command, whichever nodes \
                       crash: the leader, all at once, or one after another.",
                rule: "Figure 2: an entry is on stable storage before a follower acknowledges it.",
                assumption: "an entry that a majority has in memory is safe.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["comes-back"],
                worlds: 96,
                sometimes: &[(
                    PROMISED,
                    "Untested: in none of the runs did a client hear that its command is committed.",
                )],
                case: acknowledged_survive,
                ..Check::PLAIN
            },
            Check {
                id: "own-copy",
                promise: "A leader counts its own copy of an entry only once that copy is synced.",
                rule: "§5.3, Figure 2: the leader belongs to the majority that stores an entry, so its copy \
                       must be as safe as the followers' copies.",
                assumption: "the entry in the leader's memory counts as a stored copy.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["comes-back"],
                worlds: 64,
                sometimes: &[(
                    PROMISED,
                    "Untested: in none of the runs did a client hear that its command is committed.",
                )],
                case: own_copy,
                ..Check::PLAIN
            },
            Check {
                id: "crash-points",
                promise: "All rules hold for a crash between any two effects, and for a second crash \
                       between any two later effects.",
                rule: "Figure 3. If an effect must come before another, it must be durable before the \
                       other.",
                assumption: "a handler runs completely or not at all.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["comes-back"],
                worlds: CRASH_POINTS,
                sometimes: &[(
                    RESTARTED,
                    "Untested: in none of the runs did a node restart that had voted or stored an entry.",
                )],
                case: crash_points,
                ..Check::PLAIN
            },
            Check {
                id: "torn-tail",
                promise: "If a crash tore a record, the node drops that record and keeps all records before \
                       it.",
                rule: "Ongaro 2014, §3.8: a node may lose what it had not acknowledged, and nothing else.",
                assumption: "a write is complete or missing: the last record may be half written.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["comes-back"],
                worlds: 48,
                sometimes: &[(
                    RESTARTED,
                    "Untested: in none of the runs did a node restart that had voted or stored an entry.",
                )],
                case: torn_tail,
                ..Check::PLAIN
            },
            Check {
                id: "figure-8-unreliable",
                promise: "All nodes agree in the end, although leaders crash or are cut off as soon as they \
                       have sent something. The network reorders messages.",
                rule: "§5.4.2, Figure 8, repeated: entries of many terms, each on a few nodes.",
                assumption: "a leader has time to finish what it began.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &["comes-back"],
                worlds: 25,
                sometimes: &[
                    (
                        OVERWRITTEN,
                        "Untested: in none of the runs did a leader overwrite an entry of another leader.",
                    ),
                    (DEPOSED, "Untested: in none of the runs did a second leader follow the first."),
                ],
                case: figure_8_unreliable,
                ..Check::PLAIN
            },
            Check {
                id: "churn",
                promise: "Under repeated crashes on a bad network, committed entries stay. When the faults \
                       end, all nodes agree.",
                rule: "Figure 3, and §5.4.2: above all for entries of old terms.",
                assumption: "a new leader means a new start.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &["comes-back"],
                worlds: 12,
                sometimes: &[(
                    DEPOSED,
                    "Untested: in none of the runs did a second leader follow the first.",
                )],
                case: churn,
                ..Check::PLAIN
            },
            Check {
                id: "promises-survive",
                promise: "A node keeps every vote that it has granted and every entry that it has acknowledged, also \
                          after a crash that takes everything unsynced.",
                rule: "Figure 2: a server updates currentTerm, votedFor and log on stable storage before it responds \
                       to an RPC. A candidate stores its own vote before it asks for other votes.",
                assumption: "only some votes and some acknowledgements must be durable: check every path that sends one.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[
                    "comes-back",
                    "vote-survives",
                    "term-survives",
                    "acknowledged-survive",
                    "own-copy",
                    "crash-points",
                    "figure-8-unreliable",
                    "churn",
                ],
                worlds: CONVERSATIONS * PROMISES + CLUSTERS * PROMISES,
                sweep: PROMISES,
                sometimes: &[(
                    ASKED,
                    "Untested: in none of the runs was a node asked about what it had promised before a crash.",
                )],
                case: promises_survive,
                ..Check::PLAIN
            },
            Check {
                id: "as-good-as-new",
                promise: "After its faults a cluster works like a new one: while any one node is away, the others \
                          commit every command. A node that returns stores every entry.",
                rule: "§5.3: a leader sends AppendEntries again and again until every follower stores every entry. A \
                       majority of the nodes is enough to commit an entry.",
                assumption: "a node that was away once is no longer needed.",
                kind: Kind::Liveness,
                xp: 1,
                needs: &[
                    "comes-back",
                    "vote-survives",
                    "term-survives",
                    "acknowledged-survive",
                    "own-copy",
                    "crash-points",
                    "torn-tail",
                    "figure-8-unreliable",
                    "churn",
                    "promises-survive",
                ],
                worlds: 15,
                sometimes: &[
                    (
                        PROMISED,
                        "Untested: in none of the runs did a client hear that its command is committed.",
                    ),
                    (
                        RESTARTED,
                        "Untested: in none of the runs did a node restart that had voted or stored an entry.",
                    ),
                ],
                case: as_good_as_new,
                ..Check::PLAIN
            },
        ],
    }
}
