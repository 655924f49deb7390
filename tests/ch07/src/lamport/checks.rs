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
                rule: "Lamport 1978, the clock condition: a → b implies C(a) < C(b). Increment the clock \
                       before every event. On a receipt, first advance the clock to the stamp that the \
                       message carries.",
                assumption: "messages arrive at clocks that agree: a receiver may be behind, equal, or \
                       ahead.",
                kind: Kind::Safety,
                xp: 5,
                needs: &[],
                worlds: 64,
                sometimes: &[
                    (
                        BEHIND,
                        "Untested: in none of the runs did a message reach a node whose clock was behind the sender's.",
                    ),
                    (
                        AHEAD,
                        "Untested: in none of the runs did a message reach a node whose clock was ahead of the sender's.",
                    ),
                ],
                case: clock_condition,
                ..Check::PLAIN
            },
            Check {
                id: "total-order",
                promise: "Every two events have an order. It is the same wherever it is asked for, and \
                       never puts an effect before its cause.",
                rule: "Lamport 1978, the total order ⇒: by stamp, and by node if the stamps are equal. Any \
                       fixed order of the nodes will do.",
                assumption: "two events never have the same stamp: on two nodes they often do.",
                kind: Kind::Safety,
                xp: 3,
                needs: &[],
                worlds: 64,
                sometimes: &[(TIES, "Untested: in none of the runs did two events have the same stamp.")],
                case: total_order,
                ..Check::PLAIN
            },
            Check {
                id: "restart",
                promise: "Each new stamp is larger than every stamp that the node has emitted or sent, also \
                       after a crash.",
                rule: "Lamport 1978, the clock condition on one node: events before a crash come before \
                       events after it. The clock must be durable before others can see a stamp: save, \
                       sync, then emit and send.",
                assumption: "a node keeps its memory: a crash takes everything that was not synced.",
                kind: Kind::Safety,
                xp: 4,
                needs: &["clock-condition"],
                worlds: 128,
                sometimes: &[(
                    RESTARTED,
                    "Untested: in none of the runs did a node give a stamp after a restart.",
                )],
                case: restart,
                ..Check::PLAIN
            },
            Check {
                id: "inference",
                promise: "Two stamps can show that one event did not cause the other. They can never show \
                       that it did, unless both events are of one node.",
                rule: "Lamport 1978: a → b implies C(a) < C(b), but not the reverse. C(a) ≥ C(b) rules out \
                       a → b. C(a) < C(b) leaves it open, unless both events are of one node.",
                assumption: "a smaller stamp means an earlier event: of two concurrent events either may \
                       have it.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 64,
                sometimes: &[(
                    CONCURRENT,
                    "Untested: in none of the runs did two concurrent events have different stamps.",
                )],
                case: inference,
                ..Check::PLAIN
            },
            Check {
                id: "logical",
                promise: "Stamps count events, not time.",
                rule: "Lamport 1978: a logical clock is a counter and needs no wall clock. The bound here \
                       is generous: 100 for each event so far, and 1,000 for each start of a node.",
                assumption: "wall clocks agree and only go forward.",
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
