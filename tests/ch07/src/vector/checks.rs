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
                promise: "Two stamps are before, after, equal or concurrent, entry by entry; a missing entry is zero.",
                rule: "Mattern 1989: V(a) < V(b) if no entry of V(a) is larger and at least one is smaller; concurrent if each has one \
                       that is larger.",
                assumption: "That all nodes are known from the start: who is missing in a stamp stands at zero in it.",
                kind: Kind::Safety,
                xp: 4,
                needs: &[],
                worlds: 32,
                sometimes: &[(
                    ALL,
                    "The questions did not have every possible answer, so nothing was shown.",
                )],
                case: compare_case,
                ..Check::PLAIN
            },
            Check {
                id: "merge",
                promise: "A merged stamp knows what both knew and nothing more: of each entry the larger.",
                rule: "Mattern 1989: sup(V, W), entry by entry the maximum. It is commutative, associative and idempotent, and not below \
                       either.",
                assumption: "That the newer of two stamps knows everything: of concurrent ones each knows something the other does not.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 32,
                sometimes: &[(
                    CONCURRENT,
                    "No two stamps that were to be merged were concurrent, so nothing was shown.",
                )],
                case: merge_case,
                ..Check::PLAIN
            },
            Check {
                id: "exact",
                promise: "One stamp is before another exactly if its event is.",
                rule: "Fidge 1988, Mattern 1989: V(a) < V(b) if and only if a → b. On a receive take of every entry the larger, then count \
                       the receipt itself.",
                assumption: "That messages arrive, and in the order in which they were sent.",
                kind: Kind::Safety,
                xp: 6,
                needs: &[],
                worlds: 64,
                sometimes: &[
                    (CONCURRENT, "No two events of different nodes were concurrent, so nothing was shown."),
                    (ORDERED, "No event of one node could affect one of another, so nothing was shown."),
                    (THIRD, "No node heard of another through a third, so nothing was shown."),
                ],
                case: exact,
                ..Check::PLAIN
            },
            Check {
                id: "restart",
                promise: "A crash takes nothing from a clock: stamps are exact over it, of its own events and of all it had learnt.",
                rule: "Mattern 1989, with a disk: what a stamp has told must be known at the next start. Save the whole vector and sync, \
                       then emit and send.",
                assumption: "That a node remembers: a crash takes all that was not synced.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["exact"],
                worlds: 128,
                sometimes: &[
                    (RESTARTED, "No node gave a stamp after a restart, so nothing was shown."),
                    (
                        LEARNT,
                        "No node that had learnt something gave a stamp after a restart, so nothing was shown.",
                    ),
                ],
                case: restart,
                ..Check::PLAIN
            },
            Check {
                id: "join",
                promise: "Stamps of nodes that join late, or have left, are as exact as all others.",
                rule: "Fidge 1988: a vector grows by an entry when a new process is heard of, and what is missing counts as zero.",
                assumption: "That the peers a node is told of at its start are all that there will be.",
                kind: Kind::Safety,
                xp: 1,
                needs: &["exact"],
                worlds: 32,
                sometimes: &[
                    (JOINED, "No old node heard from one that had joined, so nothing was shown."),
                    (
                        ONE_SIDED,
                        "No stamp that was compared lacked an entry of the other, so nothing was shown.",
                    ),
                ],
                case: join,
                ..Check::PLAIN
            },
            Check {
                id: "size",
                promise: "A stamp has at most one entry for each node that had an event, however many clients there are.",
                rule: "Charron-Bost 1991: one entry a node is needed, and it is enough. Not one a client, and not one an event.",
                assumption: "That those who ask are few.",
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
