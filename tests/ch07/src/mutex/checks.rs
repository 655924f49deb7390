//! `mutex`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "mutex",
        entry: entry!(ch07_logical_clocks, lab::mutex::exercise::<chapter::mutex::Mutex>()),
        lossless: true,
        checks: vec![
            Check {
                id: "progress",
                promise: "A node that asks enters within n × (one stay inside + 4 message delays).",
                rule: "Lamport 1978, condition III: if every process which is granted the resource \
                       eventually releases it, then every request is eventually granted. Each message \
                       that can let a node in (an answer, a release, a later message of a slow peer) must \
                       make it check again.",
                assumption: "some other node will wake a waiting node: each node finds out for itself.",
                kind: Kind::Liveness,
                xp: 3,
                needs: &[],
                worlds: 48,
                sometimes: &[(
                    WAITED,
                    "Untested: in none of the runs did a node wait for another node to leave and then enter.",
                )],
                case: progress,
                ..Check::PLAIN
            },
            Check {
                id: "exclusion",
                promise: "Two nodes are never inside at the same time.",
                rule: "Lamport 1978, condition I. A node may enter if its request is the first that it \
                       knows of and every other node has sent it a later message. Before that, an earlier \
                       request can still be on its way.",
                assumption: "a request that has not arrived does not exist: one link is slow.",
                kind: Kind::Safety,
                xp: 6,
                needs: &[],
                worlds: 128,
                sometimes: &[(
                    WAITED,
                    "Untested: in none of the runs did a node wait for another node to leave and then enter.",
                )],
                case: exclusion,
                ..Check::PLAIN
            },
            Check {
                id: "order",
                promise: "If one request could be the cause of another, it is served first.",
                rule: "Lamport 1978, condition II, and its remark on messages that travel outside the \
                       system: every message carries a stamp and advances the receiver's clock, whatever \
                       the message is about. Concurrent requests may be served in either order.",
                assumption: "requests arrive in the order in which they were made: a detour can be faster.",
                kind: Kind::Safety,
                xp: 3,
                needs: &[],
                worlds: 48,
                sometimes: &[(
                    CHAINED,
                    "Untested: in none of the runs did a node ask because of a request that was still waiting.",
                )],
                case: order,
                ..Check::PLAIN
            },
            Check {
                id: "ties",
                promise: "If all nodes ask at the same moment, all of them enter, one at a time.",
                rule: "Lamport 1978, the total order ⇒: requests with equal stamps are ordered by the names \
                       of their nodes, in the same way on every node.",
                assumption: "one request always has the smallest stamp: clocks that have seen the same \
                       messages are equal.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 24,
                sometimes: &[(
                    WAITED,
                    "Untested: in none of the runs did a node wait for another node to leave and then enter.",
                )],
                case: ties,
                ..Check::PLAIN
            },
            Check {
                id: "unordered-links",
                promise: "Two nodes are never inside at the same time, also on links on which messages \
                       overtake each other.",
                rule: "Lamport 1978 assumes that the messages of one link arrive in the order in which they \
                       were sent. If the network does not guarantee this, the nodes must: number the \
                       messages, or use an algorithm that does not need the order (Ricart and Agrawala \
                       1981).",
                assumption: "a link keeps the order of its messages.",
                kind: Kind::Safety,
                xp: 1,
                needs: &[],
                worlds: 96,
                sometimes: &[
                    (OVERTOOK, "Untested: in none of the runs did a message overtake another."),
                    (
                        WAITED,
                        "Untested: in none of the runs did a node wait for another node to leave and then enter.",
                    ),
                ],
                case: unordered_links,
                ..Check::PLAIN
            },
            Check {
                id: "cost",
                promise: "An entry costs at most 3 (n − 1) messages, and no node sends a message while no \
                       node wants to enter.",
                rule: "Lamport 1978: a request to each other node, an answer from each, a release to each. \
                       Ricart and Agrawala 1981 need two thirds of that.",
                assumption: "messages are free.",
                kind: Kind::Cost,
                xp: 2,
                needs: &["progress"],
                worlds: 14,
                sometimes: &[],
                case: cost,
                ..Check::PLAIN
            },
        ],
    }
}
