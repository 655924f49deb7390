//! `happens_before`: the promises.

use super::oracle::{FAR, LIVES, LOST, TWICE};
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};
use kit::quiz::EVERY_ANSWER;

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "happens_before",
        entry: entry!(ch07_logical_clocks, lab::happens_before::exercise(chapter::happens_before::order)),
        lossless: false,
        checks: vec![
            Check {
                id: "local-and-message",
                promise: "Events of one node are ordered as they happened there, and a message is sent \
                       before it is received.",
                rule: "Lamport 1978, the definition of →, its first two clauses: the order on one node, and \
                       a sending before its receipt.",
                assumption: "the clocks of different nodes agree: here every node's clock is wrong by \
                       hours.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 32,
                sometimes: &[EVERY_ANSWER],
                case: local_and_message,
                ..Check::PLAIN
            },
            Check {
                id: "transitive",
                promise: "If a is before b and b is before c, then a is before c: over any number of nodes, \
                       and across crashes.",
                rule: "Lamport 1978, the definition of →, its third clause: if a → b and b → c then a → c. \
                       Follow every chain to its end, and visit no event twice: runs have up to 400 \
                       events.",
                assumption: "a node numbers its events from one only once: after a crash it starts again.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 32,
                sometimes: &[
                    EVERY_ANSWER,
                    (FAR, "Untested: in none of the runs did a question need a chain over three nodes."),
                    (LIVES, "Untested: in none of the runs did a question need a chain through a restart."),
                ],
                case: transitive,
                ..Check::PLAIN
            },
            Check {
                id: "concurrent",
                promise: "If no chain leads from one event to the other, the two are not ordered, whatever \
                       the clocks show.",
                rule: "Lamport 1978: two events are concurrent if neither a → b nor b → a. \"a is not after \
                       b\" does not mean \"a is before b\".",
                assumption: "an earlier clock time means an earlier event: here effects always have the \
                       earlier times.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 32,
                sometimes: &[EVERY_ANSWER],
                case: concurrent,
                ..Check::PLAIN
            },
            Check {
                id: "edges",
                promise: "No event is before itself. A lost message orders nothing. Every receipt of a \
                       message is after its sending.",
                rule: "Lamport 1978: → is irreflexive. Only the receipt of a message orders events of \
                       different nodes, its sending alone does not.",
                assumption: "a message arrives exactly once: it may be lost, and it may arrive twice.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 32,
                sometimes: &[
                    EVERY_ANSWER,
                    (LOST, "Untested: in none of the runs did a question concern a lost message."),
                    (
                        TWICE,
                        "Untested: in none of the runs did a question concern a message that arrived twice.",
                    ),
                ],
                case: edges,
                ..Check::PLAIN
            },
        ],
    }
}
