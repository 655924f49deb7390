//! `happens_before`: the promises.

use super::oracle::*;
use super::worlds::*;
use judge::{Check, Exercise, Kind, entry};

pub(crate) fn exercise() -> Exercise {
    Exercise {
        id: "happens_before",
        entry: entry!(ch07_logical_clocks, lab::happens_before::exercise(chapter::happens_before::order)),
        lossless: false,
        checks: vec![
            Check {
                id: "local-and-message",
                promise: "Events of one node are in the order in which they happened there, and a message is sent before it is received.",
                rule: "Lamport 1978, the definition of →, its first two clauses: order on one node, and a sending before its receipt.",
                assumption: "That clocks on different walls agree: here every node's is off by hours.",
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
                promise: "What is before something is before all that comes after that, over any number of nodes, and over crashes.",
                rule: "Lamport 1978, the definition of →, its third clause: if a → b and b → c then a → c. Follow every chain to its \
                       end, and look at no event twice: runs have up to 400.",
                assumption: "That a node counts its events from one only once: after a crash it begins again.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 32,
                sometimes: &[
                    EVERY_ANSWER,
                    (FAR, "No question was about a chain over three nodes, so nothing was shown."),
                    (LIVES, "No question was about a chain through a restart, so nothing was shown."),
                ],
                case: transitive,
                ..Check::PLAIN
            },
            Check {
                id: "concurrent",
                promise: "Where no chain leads from one event to the other there is no order, whatever the clocks say.",
                rule: "Lamport 1978: two events are concurrent if neither a → b nor b → a. Not to be after is not to be before.",
                assumption: "That an earlier time on a wall means an earlier event: here effects always bear the earlier times.",
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
                promise: "No event is before itself; a lost message orders nothing; every receipt of a message is after its sending.",
                rule: "Lamport 1978: → is irreflexive, and only the receipt of a message, not its sending alone, makes an order between \
                       nodes.",
                assumption: "That a message arrives exactly once: it may be lost, and it may come twice.",
                kind: Kind::Safety,
                xp: 2,
                needs: &[],
                worlds: 32,
                sometimes: &[
                    EVERY_ANSWER,
                    (LOST, "No question was about a lost message, so nothing was shown."),
                    (TWICE, "No question was about a message that came twice, so nothing was shown."),
                ],
                case: edges,
                ..Check::PLAIN
            },
        ],
    }
}
