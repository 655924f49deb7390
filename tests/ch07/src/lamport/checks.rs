//! `lamport`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "lamport",
        entry: entry!(
            ch07_logical_clocks,
            lab::lamport::exercise::<chapter::lamport::Clock>(
                chapter::lamport::total_order,
                chapter::lamport::may_have_caused
            )
        ),
        lossless: false,
        checks: vec![
            Check {
                id: "clock-condition",
                promise: "If one event could affect another, its stamp is smaller.",
                rule: "Lamport 1978, the clock condition: a → b implies C(a) < C(b). Tick before every event; on a receive, \
                       first move up to the stamp that the message carries.",
                assumption: "That messages arrive at clocks that agree: a receiver may be behind, level, or ahead.",
                kind: Kind::Safety,
                xp: 5,
                needs: &[],
                worlds: 64,
                sometimes: &[
                    (
                        BEHIND,
                        "No message ever reached a node whose clock was behind the sender's, so nothing was shown.",
                    ),
                    (
                        AHEAD,
                        "No message ever reached a node whose clock was ahead of the sender's, so nothing was shown.",
                    ),
                ],
                case: clock_condition,
                ..Check::PLAIN
            },
            Check {
                id: "total-order",
                promise: "Every two events have an order, the same wherever it is asked for, and it never puts an effect before its cause.",
                rule: "Lamport 1978, the total order ⇒: by stamp, and by node where stamps are equal. Any fixed order of \
                       the nodes will do.",
                assumption: "That two events never bear the same stamp: on two nodes they often do.",
                kind: Kind::Safety,
                xp: 3,
                needs: &["clock-condition"],
                worlds: 64,
                sometimes: &[(TIES, "No two events bore the same stamp, so nothing was shown.")],
                case: total_order,
                ..Check::PLAIN
            },
            Check {
                id: "restart",
                promise: "A stamp that has left a node is below all its later stamps, whatever crash comes between.",
                rule: "Lamport 1978, the clock condition, on one node: events before a crash come before events after it. \
                       What is remembered must be durable before anyone can see it: save, sync, then emit and send.",
                assumption: "That a node remembers: a crash takes all that was not synced.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["clock-condition"],
                worlds: 128,
                sometimes: &[(RESTARTED, "No node gave a stamp after a restart, so nothing was shown.")],
                case: restart,
                ..Check::PLAIN
            },
            Check {
                id: "inference",
                promise: "From two stamps alone one can rule out that one event caused the other, and never be sure that it did.",
                rule: "Lamport 1978: a → b implies C(a) < C(b); the converse does not hold. C(a) ≥ C(b) rules a → b out; C(a) < C(b) \
                       leaves it open, unless both events are of one node.",
                assumption: "That a smaller stamp means an earlier event: of concurrent events either may have it.",
                kind: Kind::Safety,
                xp: 2,
                needs: &["clock-condition"],
                worlds: 64,
                sometimes: &[(
                    CONCURRENT,
                    "No two concurrent events had different stamps, so nothing was shown.",
                )],
                case: inference,
                ..Check::PLAIN
            },
            Check {
                id: "logical",
                promise: "Stamps count events, not time.",
                rule: "Lamport 1978: a logical clock is a counter; it needs no hand on a wall. The bound here is generous: 100 for each \
                       event so far, and 1,000 for each start of a node.",
                assumption: "That clocks on walls agree and only go forward.",
                kind: Kind::Cost,
                xp: 2,
                needs: &["clock-condition"],
                worlds: 16,
                sometimes: &[],
                case: logical,
                ..Check::PLAIN
            },
        ],
    }
}
