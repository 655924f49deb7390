//! `vector`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "vector",
        entry: entry!(
            ch07_logical_clocks,
            lab::vector::exercise::<chapter::vector::Clock>(chapter::vector::compare, chapter::vector::merge)
        ),
        lossless: false,
        checks: vec![
            Check {
                id: "compare",
                promise: "Two stamps are before, after, equal or concurrent, as their entries say. A \
                       missing entry is zero.",
                rule: "Mattern 1989: V(a) < V(b) if no entry of V(a) is larger and at least one is smaller. \
                       The two are concurrent if each has an entry that is larger.",
                assumption: "all nodes are known from the start: a node that is missing in a stamp has the \
                       entry zero.",
                kind: Kind::Safety,
                xp: 4,
                needs: &[],
                worlds: 32,
                sometimes: &[(
                    ALL,
                    "Untested: the questions of the runs did not need every possible answer.",
                )],
                case: compare_case,
                ..Check::PLAIN
            },
            Check {
                id: "merge",
                promise: "A merged stamp has for each node the larger of the two entries: what both stamps \
                       knew, and nothing more.",
                rule: "Mattern 1989: sup(V, W) is the maximum, entry by entry. It is commutative, \
                       associative and idempotent, and it is not below either of the two.",
                assumption: "the newer of two stamps knows everything: of two concurrent stamps each knows \
                       something that the other does not.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 32,
                sometimes: &[(
                    CONCURRENT,
                    "Untested: in none of the runs did a question ask to merge two concurrent stamps.",
                )],
                case: merge_case,
                ..Check::PLAIN
            },
            Check {
                id: "exact",
                promise: "One stamp is before another if and only if its event is before the other event.",
                rule: "Fidge 1988, Mattern 1989: V(a) < V(b) if and only if a → b. On a receipt, take the \
                       larger of every entry, then count the receipt itself.",
                assumption: "messages arrive, and arrive in the order in which they were sent.",
                kind: Kind::Safety,
                xp: 6,
                needs: &[],
                worlds: 64,
                sometimes: &[
                    (CONCURRENT, "Untested: in none of the runs did two nodes have concurrent events."),
                    (
                        ORDERED,
                        "Untested: in none of the runs did an event of one node affect an event of another.",
                    ),
                    (THIRD, "Untested: in none of the runs did a node hear of another through a third."),
                ],
                case: exact,
                ..Check::PLAIN
            },
            Check {
                id: "restart",
                promise: "A crash takes nothing from a clock: after it, stamps still count all events of \
                       the node and everything that it had learnt.",
                rule: "Mattern 1989, with a disk: a node must know at its next start what its stamps have \
                       shown. Save the whole vector and sync, then emit and send.",
                assumption: "a node keeps its memory: a crash takes everything that was not synced.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["exact"],
                worlds: 128,
                sometimes: &[
                    (RESTARTED, "Untested: in none of the runs did a node give a stamp after a restart."),
                    (
                        LEARNT,
                        "Untested: in none of the runs did a node that had learnt of others give a stamp after a restart.",
                    ),
                ],
                case: restart,
                ..Check::PLAIN
            },
            Check {
                id: "join",
                promise: "Stamps of nodes that join late, or that have left, are as exact as all others.",
                rule: "Fidge 1988: a vector gets another entry when a node hears of a new process. A \
                       missing entry counts as zero.",
                assumption: "the peers that a node knows at its start are all the nodes that there will \
                       ever be.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["exact"],
                worlds: 32,
                sometimes: &[
                    (
                        JOINED,
                        "Untested: in none of the runs did an old node hear from a node that had joined.",
                    ),
                    (
                        ONE_SIDED,
                        "Untested: in none of the runs did two stamps differ in which nodes they list.",
                    ),
                ],
                case: join,
                ..Check::PLAIN
            },
            Check {
                id: "size",
                promise: "A stamp has at most one entry for each node that had an event, however many \
                       clients there are.",
                rule: "Charron-Bost 1991: one entry per node is necessary, and it is sufficient. An entry \
                       per client or per event is not needed.",
                assumption: "there are only a few clients.",
                kind: Kind::Cost,
                xp: 2,
                needs: &["exact"],
                worlds: 2,
                sometimes: &[],
                case: size,
                ..Check::PLAIN
            },
        ],
    }
}
