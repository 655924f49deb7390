//! `quorum_store`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

/// The node, of which both steps are made.
pub(crate) const ENTRY: judge::Entry =
    entry!(ch03_replication, lab::quorum_store::exercise::<chapter::quorum_store::Store>());

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "quorum_store",
        entry: ENTRY,
        lossless: false,
        checks: vec![
            Check {
                id: "answers",
                promise: "A node answers every request within `give_up`, and if max(r, w) homes are reachable, it carries the request out.",
                rule: "Gifford 1979, section 3: a read waits for r homes and a write for w of them, and never for all. So homes that are down \
                       delay no request.",
                assumption: "a node has only one request to coordinate at a time, or hears from every home.",
                kind: Kind::Liveness,
                xp: 3,
                worlds: 66,
                sometimes: &[(
                    READ_BACK,
                    "Untested: in none of the runs did a read return a value that had been stored.",
                )],
                case: answers,
                ..Check::PLAIN
            },
            Check {
                id: "refuses",
                promise: "A store refuses a strong read if, and only if, it can never promise one: r + w ≤ n, or it is sloppy.",
                rule: "Gifford 1979, section 3: if r + w > n, every set of r homes and every set of w homes have a home in common. With r + w = n \
                       they need not. That is arithmetic: which nodes are up makes no difference.",
                assumption: "half of the homes are enough.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["answers"],
                worlds: STORES,
                sometimes: &[
                    (REFUSED, "Untested: in none of the runs was a strong read refused."),
                    (
                        STRONG,
                        "Untested: in none of the runs did a strong read return a value that had been stored.",
                    ),
                ],
                case: refuses,
                ..Check::PLAIN
            },
            Check {
                id: "fresh",
                promise: "If r + w > n, a read never misses a write that was stored before the read began.",
                rule: "Gifford 1979, section 3: a read returns the newest of the values that r homes have, because only one of \
                       these homes may have the last write. Lamport (1986) calls such a register *regular*.",
                assumption: "the first answer, or the answer of most homes, is the newest one.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["answers"],
                worlds: 160,
                sometimes: &[
                    (
                        STRONG,
                        "Untested: in none of the runs did a strong read return a value that had been stored.",
                    ),
                    (
                        BEHIND,
                        "Untested: in none of the runs was a home behind when a read returned the newer value.",
                    ),
                ],
                case: fresh,
                ..Check::PLAIN
            },
            Check {
                id: "durable",
                promise: "When a write is answered with Stored, it is on the disks of w different homes.",
                rule: "A home acknowledges a write, or a deletion, only after it has synced it. A coordinator counts homes, and itself only if it is one.",
                assumption: "a message that was sent will be stored.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["answers"],
                worlds: 120,
                sometimes: &[(
                    HINDERED,
                    "Untested: in none of the runs was a write stored while nodes were down or cut off.",
                )],
                case: durable,
                ..Check::PLAIN
            },
            Check {
                id: "counting",
                promise: "A quorum consists of different homes, all of which answered this request.",
                rule: "Gifford 1979, section 3: r + w > n makes two sets of homes overlap only if each counts every home once. An answer to another \
                       request says nothing about this one.",
                assumption: "each answer comes once, and belongs to the request that was sent last.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["answers"],
                worlds: 96,
                sometimes: &[
                    (
                        DOUBLED,
                        "Untested: in none of the runs did a message reach a coordinator twice while its client waited.",
                    ),
                    (
                        LATE,
                        "Untested: in none of the runs did a message from before a request reach its coordinator while the client waited.",
                    ),
                ],
                case: counting,
                ..Check::PLAIN
            },
            Check {
                id: "later-wins",
                promise: "If r + w > n and one write begins after another was stored, the later write replaces the earlier one at every home.",
                rule: "Lynch and Shvartsman 1997: a writer first asks r homes for their versions, and takes a larger one. The clocks and counters of two \
                       nodes need not agree.",
                assumption: "a node knows the newest version because it knows its own.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["answers"],
                worlds: 80,
                sometimes: &[(
                    FOLLOWED,
                    "Untested: in none of the runs did a write follow one that another node had stored.",
                )],
                case: later_wins,
                ..Check::PLAIN
            },
            Check {
                id: "ties",
                promise: "After writes that overlapped, all homes end with the same value, and keep it.",
                rule: "Thomas 1979: versions are compared in the same way on all nodes, so two writes must never have the same version. A node's name tells two \
                       nodes apart; it does not tell two writes of one node apart (Preguiça et al. 2010).",
                assumption: "two writes of one node never overlap.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["answers"],
                worlds: 90,
                sometimes: &[(
                    OVERLAPPED,
                    "Untested: in none of the runs did two writes of one key overlap.",
                )],
                case: ties,
                ..Check::PLAIN
            },
            Check {
                id: "deleted",
                promise: "A key that was deleted stays deleted until it is written again, however long a home was away.",
                rule: "DeCandia et al. 2007, section 4.4, and every store since: a deletion is a value, with a version, on the disk (a *tombstone*). \
                       Without this mark the copy of a home that missed the deletion is the newest one there is.",
                assumption: "what no node stores any more is gone.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["answers"],
                worlds: 75,
                sometimes: &[(
                    CAME_BACK,
                    "Untested: in none of the runs did a home still have a value whose deletion was stored.",
                )],
                case: deleted,
                ..Check::PLAIN
            },
            Check {
                id: "repair",
                promise: "Within 20 × `handoff` after a read, every home that answered it has what was read, and no copy ever goes back.",
                rule: "DeCandia et al. 2007, section 5 (read repair): the coordinator also takes the answers that come after it has answered the client. \
                       It sends the newest value to each home that lacks it. A home keeps the newer one of two values.",
                assumption: "what is sent last is the newest.",
                kind: Kind::Liveness,
                xp: 2,
                needs: &["answers"],
                worlds: 72,
                sometimes: &[(
                    CAUGHT_UP,
                    "Untested: in none of the runs was a home behind and had the newest value later.",
                )],
                case: repair,
                ..Check::PLAIN
            },
            Check {
                id: "cost",
                promise: "On a clean network a request costs at most 6 n messages, only homes get a copy, and idle nodes send little.",
                rule: "A write asks n homes and writes to n homes: 4 n messages with their answers. A read is 2 n messages, and n more if all homes \
                       have to be repaired. Idle nodes send at most 2 m (m − 1) messages every `handoff`, for m nodes.",
                assumption: "messages are free.",
                kind: Kind::Cost,
                xp: 1,
                needs: &["answers"],
                worlds: 9,
                sometimes: &[(MANY, "Untested: in none of the runs were 50 requests answered.")],
                case: cost,
                ..Check::PLAIN
            },
        ],
    }
}
